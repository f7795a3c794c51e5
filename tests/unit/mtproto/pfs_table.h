/*
 * A data centre machine with temporary keys and the sandbox's protocol half, joined by a perfect link: what
 * is written arrives at once. Time passes where a test says so. Include after check.h.
 */
#pragma once

#include "core/mtproto/dc_link.h"
#include "tests/sandbox/server.h"
#include "tests/unit/fake_env.h"
#include "tests/unit/sandbox/fake_world.h"
#include "tests/unit/sandbox/rsa_pem.h"
#include "tl/ids.h"

#define TABLE_PINGS_S 50 /* time passes in steps: pings are answered on the way */

struct table {
    struct fake_env env;
    struct mt_now now;
    struct sb_world *world;
    struct sb_server *server;
    struct mt_rsa *rsa;
    struct mt_init_params init;
    struct mt_dc *dc;
    uint32_t conn; /* 0: not connected */
    /* what the owner keeps */
    bool has_key, has_temp;
    struct mt_auth_key key;
    struct mt_temp_key temp;
    /* what it saw */
    unsigned keys, temps, dropped, ups, downs, connects, lost, results, failed, new_sessions, other_sessions;
    enum mt_sent sent; /* of the last FAILED */
    bool deaf;         /* packets of the server do not arrive */
};

void table_start(struct table *t);
/* kill -9 and a start with what was kept. */
void table_restart(struct table *t);
void table_stop(struct table *t);
/* Until nothing moves. */
void table_pump(struct table *t);
/* Time passes, in steps of at most TABLE_PINGS_S or to the next deadline. */
void table_pass(struct table *t, int64_t seconds);
void table_call(struct table *t, uint64_t token, unsigned flags);
void table_control(struct table *t, const char *method, const char *params);
/* A number of the server's `stats`. */
int64_t table_stat(struct table *t, const char *name);
