/*
 * An account against the sandbox's data centres in one process: real bytes, virtual clock, no sockets. The
 * process of the account may die and come back over what it has stored; links may break at any moment.
 */
#pragma once

#include "tests/unit/account/harness.h"

#include "core/account/account.h"
#include "core/account/job.h"
#include "tests/sandbox/server.h"

#define WIRE_LINKS 16
#define WIRE_SEEN  4096

struct wire {
    struct mem mem;
    struct env env, server_env;
    struct mt_servers servers;
    struct mt_server list[3];
    struct mt_rsa *key;
    struct sb_world *world;
    struct sb_server *server;
    struct mt_account *a;
    bool pfs; /* by seed */
    bool wants_sync;
    struct mt_saved saved; /* what keys.db has */
    struct mt_now now;
    struct {
        uint32_t link, conn;
    } links[WIRE_LINKS];
    bool deaf;             /* no connection succeeds */
    struct mt_reply reply; /* the last; n_replies counts them */
    uint64_t reply_token;
    size_t n_replies;
    char text[65536];      /* JSON of the last RESULT */
    char *seen[WIRE_SEEN]; /* texts of incoming and own messages, in the order of their UPDATEs */
    size_t n_seen, n_gaps;
    char others[65536]; /* names of all other updates */
};

struct wire *wire_new(uint64_t seed);
void wire_free(struct wire *w);
/* Runs until nothing is due within `ms`; the clock ends `ms` later. */
void wire_run(struct wire *w, int64_t ms);
/* Runs until the reply of `token` is there, at most 60 s. */
const struct mt_reply *wire_await(struct wire *w, uint64_t token);
/* The turn so far is on disk; no byte moves. True: it had effects. */
bool wire_commit(struct wire *w);
/* Every connection breaks. */
void wire_cut(struct wire *w);
/* kill -9 and a new process, started. */
void wire_restart(struct wire *w);
/* A request to the sandbox; fails the test where it is refused. New reference. */
json_t *wire_control(struct wire *w, const char *method, const char *params);
void wire_login(struct wire *w, const char *phone, const char *code);
uint64_t wire_call(struct wire *w, const char *json, int32_t dc, unsigned flags); /* its token */
uint64_t wire_send(struct wire *w, mt_chat_id chat, const char *text, const char *dedup);
size_t wire_times(const struct wire *w, const char *text); /* how often a message was seen */
