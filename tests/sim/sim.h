/*
 * One run of the simulation: the engine's data centre machine and the sandbox's protocol half in one process,
 * a bad network between them, one virtual clock. Everything random comes from the seed: a run can be
 * repeated.
 *
 *     scenario.c  what happens: requests, cuts, faults, restarts        invariants of the whole run
 *         |                                                                   |
 *     client.c    owner of mt_dc: links, keys, acks, ends of requests    server.c   world, connections
 *         +---------------------- net.h: delays, pieces, cuts ----------------+
 */
#pragma once

#include "core/mtproto/dc.h"
#include "tests/sandbox/server.h"
#include "tests/sim/net.h"

enum sim_class {
    SIM_CLEAN,  /* delays only: every request is answered, the server finds nothing to complain about */
    SIM_CUTS,   /* links break at any byte: still every request is answered */
    SIM_FAULTS, /* the server misbehaves, clocks jump */
    SIM_ALL,    /* and either side restarts */
    SIM_CLASSES,
};

enum sim_kind { SIM_REPEATABLE, SIM_RANDOM_ID, SIM_PLAIN, SIM_KINDS };

struct sim_request {
    enum sim_kind kind;
    unsigned executed;
    unsigned ends;
    enum mt_dc_event_kind end;
    enum mt_sent sent;
    bool duplicate_error; /* RANDOM_ID_DUPLICATE */
    bool abandoned;       /* its process was killed */
    bool cancelled;
    bool early; /* submitted before the server had confirmed the session: nothing proves that it was not seen
                 */
    unsigned life; /* of the process that sent it */
};
#define SIM_REQUESTS 400
#define SIM_PUSHES   200
#define SIM_LINKS    16
#define SIM_ACKS     512

struct sim_link {
    bool used;
    bool client, server; /* that end is open */
    uint32_t conn;       /* of the server; 0: not accepted yet */
    int64_t open_at;     /* the client learns that it is open */
    bool refused;
    int64_t delay; /* one way */
    size_t piece;  /* largest piece written at once */
    struct net_pipe up, down;
};

struct sim {
    uint64_t seed, rng;
    enum sim_class class;
    bool verbose;
    int64_t t;    /* mono of both */
    int64_t skew; /* client's wall - true wall */
    struct mt_env client_env, server_env;
    uint64_t client_rng, server_rng;
    char failure[256]; /* empty: all is well */

    struct sb_world *world;
    struct sb_server *server;
    struct mt_rsa *rsa;
    struct mt_init_params init;
    struct mt_dc *dc;
    enum mt_framing framing;
    bool obfuscated;
    unsigned life;

    bool has_key; /* what is on the client's disk */
    struct mt_auth_key key;
    struct mt_salt salts[MT_SALTS_MAX];
    size_t n_salts;
    bool pfs, has_temp;
    struct mt_temp_key temp;
    int32_t temp_lifetime_s;
    int64_t offset;
    int64_t save_at; /* the key is on disk then */
    bool save_fails;

    struct sim_link links[SIM_LINKS];
    struct sim_link *link; /* of the client now */

    struct sim_request requests[SIM_REQUESTS + 1]; /* by token, from 1 */
    unsigned n_requests;
    uint64_t acks[SIM_ACKS];
    unsigned n_acks;
    unsigned pushed, delivered[SIM_PUSHES], push_life[SIM_PUSHES];
    unsigned new_sessions, lost_keys, ups;
};

struct sim_totals {
    unsigned runs, failed;
    uint64_t requests, results, errors, unknown, not_sent, abandoned, links, duplicates;
};

static inline struct mt_now sim_client_now(const struct sim *s)
{
    return (struct mt_now){.mono = s->t, .wall = INT64_C(1750000000) * MT_US_PER_S + s->t + s->skew};
}
static inline struct mt_now sim_server_now(const struct sim *s)
{
    return (struct mt_now){.mono = s->t, .wall = INT64_C(1750000000) * MT_US_PER_S + s->t};
}

/* 0 .. n-1 */
uint64_t sim_random(struct sim *s, uint64_t n);
void sim_trace(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first one stands. */
void sim_fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* scenario.c: runs one seed; true: all invariants held. `failure` gets why not. */
bool sim_run(uint64_t seed, bool verbose, char failure[256], struct sim_totals *totals);

/* --- client.c --- */

void client_start(struct sim *s);
/* kill -9: what was not on disk is gone. */
void client_kill(struct sim *s);
void client_submit(struct sim *s, enum sim_kind kind);
/* Pulls events, writes output, passes on what arrived. True: something happened. */
bool client_step(struct sim *s);
int64_t client_deadline(const struct sim *s);
void client_clock_jump(struct sim *s, int64_t us);

/* --- server.c --- */

bool server_start(struct sim *s);
void server_stop(struct sim *s);
bool server_step(struct sim *s);
int64_t server_deadline(const struct sim *s);
void server_push(struct sim *s);
/* A method of the control socket with JSON parameters. */
void server_control(struct sim *s, const char *method, const char *params);
/* The link breaks: a part of what is under way arrives, each end learns of it later; the client maybe never.
 */
void link_cut(struct sim *s, struct sim_link *l);
