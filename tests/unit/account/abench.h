/* An account on its bench, over fake data centres. */
#pragma once

#include "tests/unit/account/fake_dc.h"

#include "core/account/account.h"
#include "core/account/job.h"

struct abench {
    struct mem mem;
    struct env env;
    struct mt_servers servers;
    struct mt_server list[4];
    struct mt_account *a;
    struct mt_now now;
    struct mt_job *job; /* of the last COMPUTE, not yet run */
    uint64_t job_token;
    uint64_t save_token; /* of the last SAVE_AUTH, with hold_saves */
    bool hold_saves;
    bool hold_sync, wants_sync; /* hold_sync: the test says mt_account_synced() by itself */
    struct mt_saved saved;      /* of the last SAVE_AUTH */
    char last[4096];            /* JSON of the last RESULT */
    struct mt_reply reply;      /* the last one; its bytes are gone */
};

/* Not logged in; DCs 1, 2 (default), 3. */
struct abench *ab_new(void);
/* Logged in on DC 2 as user 5, started, connected; the first difference is answered. */
struct abench *ab_ready(void);
/* A new process over the same store. */
void ab_restart(struct abench *b);
/* The same, from this, started and not connected yet. */
void ab_start_with(struct abench *b, const struct mt_saved *saved);
void ab_done(struct abench *b);
/*
 * Pulls effects until there are none, saves at once, commits, and gives them as text; OUTPUT and PEER are
 * left out: "connect 2 | reply 7 RPC_ERROR 400 X | login CODE | save auth | compute"
 */
const char *ab_turn(struct abench *b);
#define ab_expect(b, text) assert_string_equal(ab_turn(b), text)
void ab_wait(struct abench *b, int64_t ms);
void ab_call(struct abench *b, uint64_t token, const char *json, int32_t dc, unsigned flags,
             int64_t flood_wait);
/* Runs the COMPUTE that is out and hands it back. */
void ab_compute(struct abench *b);
