/*
 * What the files of rpc/ share; not for handlers (rpc/handler.h) and not for the daemon (rpc/rpc.h).
 *
 *     struct rpc ---- connections ---- requests in flight, subscriptions, held answers
 *        |   `------- orphans: requests whose client hung up
 *        `----------- slots: the tokens that accounts answer to
 *
 * A request is freed by its answer and nowhere else. Code that has answered must not touch it again.
 */
#pragma once

#include "rpc/handler.h"
#include "rpc/scan.h"
#include "rpc/timer.h"

#define RPC_IN_FLIGHT_MAX   64
#define RPC_UNREAD_MAX      (1u * 1024 * 1024)
#define RPC_TOTAL_MAX       (256u * 1024 * 1024)
#define RPC_STALL_US        (60 * MT_US_PER_S)
#define RPC_TURN            16 /* values of all who wait for their share, in one turn */
#define RPC_SHARE_ALONE     8  /* values of who has just written, while nobody waits */
#define RPC_SHARE           2  /* values of one connection in one turn */
#define RPC_SHARE_BYTES     (256 * 1024)
#define RPC_SHARE_OUT       (16 * 1024)  /* answers after which a share, and */
#define RPC_TURN_OUT        (64 * 1024)  /* a turn end early: a long answer is more work than a short one */
#define RPC_PUSH_AHEAD      (256 * 1024) /* unread bytes beyond which a subscription stops reading */
#define RPC_SUBS_MAX        65536        /* subscriptions in all, */
#define RPC_SUBS_OF_CONN    16384        /* and of one connection */
#define RPC_NAMED_MAX       10000        /* names that keep a place */
#define RPC_ID_MAX          256
#define RPC_ACCOUNT_MAX     64
#define RPC_TIMEOUT_DEFAULT 60
#define RPC_GRACE_US        (2 * MT_US_PER_S) /* an account ends its calls itself; this is our own watch */
#define RPC_COUNTERS        1024              /* methods and accounts that are counted apart */
#define RPC_TOKEN_BIT       (UINT64_C(1) << 62)

struct rpc_sub;
struct rpc_resolve;
struct rpc_filter;
struct rpc_bucket;

/* --- options: beside params, in it with an @, or set as defaults of the connection --- */

struct rpc_options {
    char account[RPC_ACCOUNT_MAX]; /* "" = not said */
    double timeout;                /* s; 0 = none */
    bool has_timeout;
    json_t *fields; /* array of paths, or NULL */
    bool check, progress, without_updates;
    int64_t flood_wait;
    int32_t dc;
    int64_t takeout;           /* id of an account.takeout; 0 = none */
    char business[RPC_ID_MAX]; /* connection_id; "" = none */
    enum rpc_format format;
};

/* --- output --- */

enum rpc_hold { RPC_HOLD_NONE, RPC_HOLD_COMMIT, RPC_HOLD_SYNC };

/* Of a held answer: who is told STORAGE instead where its turn is not committed. */
struct rpc_part {
    struct rpc_part *next; /* of the same text, ascending */
    size_t at, n;          /* what it replaces */
    int32_t account;
    int64_t send_id; /* of a send; 0 = none */
    char who[];      /* id, account and method, each with its end */
};

struct rpc_held {
    struct rpc_held *next;
    struct rpc_part *parts; /* NULL: it stands, whatever became of the turn */
    enum rpc_hold hold;
    bool committed; /* and now waits for the sync */
    uint64_t turn;  /* of that commit */
    size_t n;
    char text[];
};

struct rpc_batch {
    struct rpc_conn *conn; /* NULL: hung up */
    size_t left;           /* requests that have not ended */
    size_t answers;
    struct tl_out text;
    enum rpc_hold hold;
    struct rpc_part *parts, **parts_tail;
};

/* --- one connection --- */

struct rpc_conn {
    struct rpc *rpc;
    struct rpc_conn *next, *prev;
    struct rpc_conn *next_ready, *next_work;
    bool ready_queued, work_queued;
    void *owner;
    struct rpc_cred cred;
    struct rpc_profile *profile; /* NULL: everything */
    bool admitted;
    struct rpc_scan scan;
    struct tl_out in; /* read, not scanned yet */
    size_t in_at;
    struct tl_out out;
    size_t out_at;
    uint64_t written; /* bytes that have left, in all */
    struct rpc_held *held, **held_tail;
    struct rpc_conn *next_holding, *prev_holding; /* of rpc->holding, while something is held */
    size_t held_bytes;
    size_t counted; /* bytes of it that stand in rpc->bytes */
    struct rpc_req *reqs;
    size_t n_reqs;
    struct rpc_options defaults;
    struct rpc_sub *subs;
    size_t n_subs;
    int64_t next_sub;
    struct rpc_timer stall;
    size_t run; /* values taken since its input was empty */
    bool loud;  /* the last run was long: it pipelines */
    bool eof, dead, could_read, pumping;
};

/* --- one request --- */

struct rpc_chunk {
    struct rpc_chunk *next;
    max_align_t data[];
};
/* Something that ends with the request: a tree, or whatever `end` knows to release. */
struct rpc_kept {
    struct rpc_kept *next;
    json_t *json;
    void (*end)(void *state);
    void *state;
};

typedef void rpc_then_fn(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply);
typedef void rpc_peer_fn(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer);

struct rpc_req {
    struct rpc *rpc;
    struct rpc_conn *conn;       /* NULL: hung up */
    struct rpc_profile *profile; /* of the connection, also when that has gone */
    struct rpc_req *next, *prev; /* of the connection, or of the orphans */
    struct rpc_req *next_parked, *prev_parked;
    struct rpc_batch *batch;
    char *id; /* raw JSON text; NULL: a notification */
    char *name;
    const struct rpc_method *method; /* NULL: raw */
    const struct tl_def *def;        /* of a raw call */
    json_t *root;                    /* owns what params borrows */
    json_t *params;
    struct rpc_options opt;
    struct rpc_account account;
    bool has_account;
    char account_name[RPC_ACCOUNT_MAX];
    struct rpc_cursor before;
    struct mt_now now; /* of the verb that runs it */
    int64_t deadline;
    struct rpc_timer timer;
    enum rpc_hold hold;
    bool wrote;      /* in this turn, something that its answer promises */
    int64_t send_id; /* of the send that its answer ends */
    size_t counted;
    struct rpc_chunk *chunks;
    struct rpc_kept *kept;
    void *state;
    struct rpc_filter *filter;
    void (*poll)(struct rpc_req *req, struct mt_now now);
    void (*expire)(struct rpc_req *req, struct mt_now now); /* instead of TIMEOUT; may be NULL */
    bool parked;
    const char *holds; /* name of a subscription whose place it reads, while it waits; or NULL */
    /* a call at the account */
    uint32_t slot; /* index + 1 in rpc->slots; 0 = none */
    bool has_sent; /* part of what was asked has taken effect */
    bool sent;     /* what runs there is the thing itself, not a lookup before it */
    rpc_then_fn *then;
    bool (*catch)(struct rpc_req *req, const struct mt_reply *reply);
    struct rpc_resolve *resolve;
};

struct rpc_slot {
    struct rpc_req *req; /* NULL: free */
    uint32_t generation;
    uint32_t next_free; /* index + 1 */
};

/* --- all of it --- */

/* A live event of this turn. */
struct rpc_live {
    struct rpc_live *next;
    struct rpc_event e;
    char type[24];
    bool unkept; /* of a kind that is journaled, but not here: who misses it is told */
    char body[]; /* and the raw bytes behind it */
};

/* Calls of one method for one account (0: none was chosen). */
struct rpc_counter {
    const char *method; /* NULL: free */
    int32_t account;
    uint64_t calls, errors;
};

struct rpc {
    struct rpc_cfg cfg;
    char default_account[RPC_ACCOUNT_MAX]; /* "" = none */
    struct mt_now started;
    struct rpc_conn *conns;
    size_t n_conns;
    struct rpc_conn *holding; /* those with held answers */
    struct rpc_conn *ready, **ready_tail;
    struct rpc_conn *work, **work_tail;
    struct rpc_req *orphans;
    struct rpc_req *parked, *last_parked; /* in the order in which they came */
    size_t n_reqs;
    struct rpc_slot *slots;
    uint32_t n_slots, cap_slots, free_slot;
    struct rpc_timers timers;
    size_t bytes;
    struct rpc_live *live, **live_tail;
    struct rpc_sub *subs;        /* all connections */
    struct rpc_sub *sub_first;   /* the one whose turn it is to read on; NULL: the first of the list */
    struct rpc_cursor subs_seen; /* the journal's end when they were last looked at */
    size_t n_subs;
    bool subs_due;              /* some may read on though that has not moved */
    struct rpc_bucket *buckets; /* names.c */
    size_t waiting_sync;
    uint64_t committed, synced;   /* newest turns */
    struct rpc_counter *counters; /* a hash table, RPC_COUNTERS; NULL until something is counted */
    size_t n_counters;
    uint64_t uncounted;     /* ends for which there was no room */
    uint64_t accepted;      /* connections so far */
    char storage_down[320]; /* why nothing can be stored; "" = it can */
    bool ending;            /* rpc_free: accounts and host may be gone */
};

/* --- conn.c --- */

/* Appends a line (text with its newline) to what may leave, or holds it. */
void rpc_conn_put(struct rpc_conn *c, struct mt_now now, const void *text, size_t n, enum rpc_hold hold);
/* With what becomes of it where the turn fails (takes the parts). */
void rpc_conn_hold(struct rpc_conn *c, struct mt_now now, const void *text, size_t n, enum rpc_hold hold,
                   struct rpc_part *parts);
void rpc_conn_undo(struct rpc_conn *c, struct mt_now now);
size_t rpc_conn_unread(const struct rpc_conn *c);
void rpc_conn_wake(struct rpc_conn *c); /* onto the ready list */
void rpc_conn_work(struct rpc_conn *c); /* more to do in another turn */
void rpc_conn_kill(struct rpc_conn *c);
void rpc_conn_release(struct rpc_conn *c, struct mt_now now, bool synced); /* held answers */
/* A request of it has ended. */
void rpc_conn_relax(struct rpc_conn *c);
/* Takes up to `share` values of what it has read; what is left goes behind the others who wait. */
void rpc_conn_pump(struct rpc_conn *c, struct mt_now now, size_t share);

/* --- undone.c --- */

/* `n`: length of its answer. NULL: no memory. */
struct rpc_part *rpc_part_new(const struct rpc_req *req, size_t n);
void rpc_parts_free(struct rpc_part *p);
/* The text with an error in the place of each part. */
void rpc_undo_text(struct rpc *r, struct tl_out *out, const char *text, size_t n,
                   const struct rpc_part *parts);
/* The turn is committed. */
void rpc_turn_kept(struct rpc *r);
/* True: answered, nothing can be stored. */
bool rpc_refuse_if_down(struct rpc_req *req);

/* --- envelope.c --- */

void rpc_take_value(struct rpc_conn *c, struct mt_now now);
/* An error that belongs to no request: id null. */
void rpc_conn_error(struct rpc_conn *c, struct mt_now now, int code, const char *message, const char *hint);

/* --- options.c --- */

/*
 * Reads one option into `opt`. 1: read; 0: no such option; -1: its value does not fit, err[] says how.
 */
int rpc_option(struct rpc_options *opt, const char *name, json_t *value, char err[128]);
void rpc_options_copy(struct rpc_options *to, const struct rpc_options *from);
void rpc_options_fini(struct rpc_options *opt);
const char *rpc_option_nearest(const char *name);

/* --- params.c --- */

/*
 * Checks `given` (object) against a table: a new object with canonical names, defaults and normal values, or
 * NULL and err[] with the path. Values that are secret never stand in err[].
 */
json_t *rpc_params_check(const struct rpc_param *params, size_t n, json_t *given, char err[256]);

/* --- dispatch.c --- */

void rpc_dispatch(struct rpc_req *req, struct mt_now now);
/* accounts.c: the account that the options name, or an error that was answered (false). */
bool rpc_choose_account(struct rpc_req *req);
/* Among those that its profile sees. */
bool rpc_find_account(struct rpc_req *req, const char *text, struct rpc_account *out);
bool rpc_account_by_id(struct rpc *r, int32_t id, struct rpc_account *out);
/* Goes through those that the profile of a request sees: *i from 0 on; false: none left. */
bool rpc_next_account(struct rpc_req *req, size_t *i, struct rpc_account *out);
/* The same for who wants names only: opens none, out->core may be NULL. */
bool rpc_next_name(struct rpc_req *req, size_t *i, struct rpc_account *out);
/* Which accounts there are, for an error's hint. */
void rpc_account_names(struct rpc_req *req, char *out, size_t cap);

/* --- req.c --- */

struct rpc_req *rpc_req_new(struct rpc_conn *c, struct rpc_batch *batch);
void rpc_req_free(struct rpc_req *req);
/* The client hung up: a send goes on, the rest ends. */
void rpc_req_orphan(struct rpc_req *req, struct mt_now now);
/* `cancel`, or the client is gone. */
void rpc_req_cancel(struct rpc_req *req, struct mt_now now);
uint64_t rpc_req_token(struct rpc_req *req); /* 0: no memory */
struct rpc_req *rpc_req_by_token(struct rpc *r, uint64_t token);
void rpc_req_drop_token(struct rpc_req *req);
void rpc_req_arm(struct rpc_req *req, int64_t at);
void rpc_unpark(struct rpc_req *req);
void rpc_poll_parked(struct rpc *r, struct mt_now now);

/* --- answer.c --- */

/* Finished JSON text as the result. */
void rpc_answer_text(struct rpc_req *req, const void *text, size_t n);
/* `"result":` is written already; out holds the text of the whole line but for its end. */
struct tl_out rpc_answer_begin(struct rpc_req *req);
void rpc_answer_end(struct rpc_req *req, struct tl_out *out);
/* 2420 that nobody was asked for. */
void rpc_fail_wait(struct rpc_req *req, int64_t seconds, const char *hint, const char *message);
void rpc_fail_sent(struct rpc_req *req, int code, enum mt_sent sent, int64_t send_id);
int rpc_json_put(struct tl_out *out, const json_t *json);
void rpc_cursor_text(struct rpc_cursor cursor, char out[32]);
bool rpc_cursor_parse(const char *text, struct rpc_cursor *out);
/* fields.c: a new tree with only what the paths name. */
json_t *rpc_project(json_t *value, const json_t *paths);

/* --- call.c, resolve.c, raw.c --- */

void rpc_call_reply(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply);
void rpc_resolve_free(struct rpc_resolve *res);
/* On with what `resolve` is about. */
void rpc_resolve_go(struct rpc_req *req, struct mt_now now);
void rpc_raw(struct rpc_req *req, struct mt_now now);
/* What to use instead of a function that the engine calls itself; NULL: it is not one of these. */
const char *rpc_engine_owned(const char *function);

/* --- metrics.c --- */

/* A request has ended: counts it by its method and account. */
void rpc_count_end(struct rpc_req *req, bool failed);
void rpc_counts_free(struct rpc *r);

/* --- events: sub.c, render.c --- */

void rpc_subs_committed(struct rpc *r, struct mt_now now);
void rpc_subs_of_conn_end(struct rpc_conn *c, struct mt_now now);
void rpc_subs_wrote(struct rpc_conn *c, struct mt_now now);
void rpc_live_free(struct rpc *r);

/* --- methods/accounts.c, methods/daemon.c --- */

json_t *rpc_account_json(const struct rpc_req *req, const struct rpc_account *a);
json_t *rpc_accounts_json(struct rpc_req *req);
json_t *rpc_login_json(const struct rpc_account *a, struct mt_now now);
