/*
 * The socket contract (api: shared with users as tgd-rpc(7)) as a machine: bytes of clients in, bytes out.
 * Sans-IO: the daemon owns descriptors, clocks, storage and accounts, and lends them through struct rpc_host.
 *
 *     bytes -> framer -> limits (counted before a tree is built) -> envelope -> method table -> handler
 *     handler -> mt_account_* or host -> (reply later) -> view -> answer
 *     journal -> subscription filter -> push
 *
 * rpc may call mt_account_* itself; it never sees storage/. Everything that it is lent is valid until the
 * next turn of the loop unless said otherwise.
 */
#pragma once

#include "core/account/account.h"

struct rpc;
struct rpc_conn;

/* --- what the daemon lends --- */

struct rpc_account {
    int32_t id;
    const char *name;
    struct mt_account *core; /* NULL: not opened yet, see account_at */
    const struct store_ops *store;
    bool paused;
    bool no_journal; /* its events have no cursor and are told once */
    bool no_raw;     /* the TL of updates is not kept beside their events */
};
struct rpc_cursor {
    uint32_t epoch;
    uint64_t number;
};
/* One journal row, or a live event (cursor.epoch 0). Fields as struct store_event of storage/storage.h. */
struct rpc_event {
    struct rpc_cursor cursor;
    int32_t account;
    const char *type;
    int64_t chat, sender;
    int direction; /* 1 in, 2 out, 0 none */
    int64_t time;
    int64_t expires;
    struct tl_slice body; /* "key":...,"account":...,"type":...,"time":...,"message":{...} without braces */
    struct tl_slice raw;
    int32_t layer;
};
/* Where the proxy of an account was set, the strongest first. */
enum rpc_proxy_source {
    RPC_PROXY_NONE,
    RPC_PROXY_ACCOUNT,
    RPC_PROXY_ACCOUNT_CONFIG,
    RPC_PROXY_ALL,
    RPC_PROXY_CONFIG
};
struct rpc_proxy {
    struct mt_proxy_cfg cfg; /* DIRECT: none. Wipe it */
    enum rpc_proxy_source source;
};
struct rpc_proxy_test {
    bool ok;
    char why[160]; /* not ok: in words */
    int32_t dc;
    int64_t took; /* µs */
    struct mt_proxy_cfg cfg;
};
struct rpc_host {
    void *ctx;
    size_t (*account_count)(void *ctx);
    /* To look at, in the order of ids. Just after a start some have no machine yet: account_by_id opens one.
     */
    bool (*account_at)(void *ctx, size_t i, struct rpc_account *out);
    /*
     * Also tells the owner that its machine may be given work: only what was touched is part of a turn.
     * False: it is not there, or could not be opened and is not in the list any more.
     */
    bool (*account_by_id)(void *ctx, int32_t id, struct rpc_account *out);
    /* addAccount and kin; negative: MT_E_* or a storage error, with words in err[] */
    int (*account_add)(void *ctx, const char *name, int32_t api_id, const char *api_hash, int32_t *id,
                       char err[256]);
    int (*account_remove)(void *ctx, int32_t id, char err[256]);
    /* The id of an account that could not be opened, for its removal; 0: none of this name. May be NULL. */
    int32_t (*account_closed)(void *ctx, const char *name);
    int (*account_pause)(void *ctx, int32_t id, bool paused, char err[256]);
    /* the journal; `lost` as in storage */
    struct rpc_cursor (*journal_end)(void *ctx);
    struct rpc_cursor (*journal_oldest)(void *ctx);
    /* per account what its bounds took of the events after `after` */
    int (*journal_lost)(void *ctx, struct rpc_cursor after,
                        int (*row)(void *arg, int32_t account, uint64_t count, struct rpc_cursor last),
                        void *arg);
    int (*journal_read)(void *ctx, struct rpc_cursor after, size_t limit,
                        int (*row)(void *arg, const struct rpc_event *e), void *arg, uint64_t *lost);
    int (*sub_get)(void *ctx, const char *name, struct rpc_cursor *acked);
    /* in the transaction of this turn; the answer that depends on it is held back with rpc_hold() */
    int (*sub_put)(void *ctx, const char *name, struct rpc_cursor acked);
    int (*sub_drop)(void *ctx, const char *name);
    int (*sub_each)(void *ctx,
                    int (*row)(void *arg, const char *name, struct rpc_cursor acked, int64_t since),
                    void *arg);
    int (*msg_chat)(void *ctx, int32_t account, int32_t msg_id, mt_chat_id *chat);
    /* remembers it; a loss costs only the chat_id of a later deletion */
    void (*put_msg_chat)(void *ctx, int32_t account, int32_t msg_id, mt_chat_id chat);
    /* what the server said of a name, and when (Unix s; chat 0: nobody); "": until when none is to be asked
     */
    int (*name_get)(void *ctx, int32_t account, const char *name, mt_chat_id *chat, int64_t *asked);
    void (*name_put)(void *ctx, int32_t account, const char *name, mt_chat_id chat, int64_t asked);
    /* a send of the outbox by its id, ended or not; MT_E_NOT_FOUND; may be NULL */
    int (*send_get)(void *ctx, int32_t account, int64_t send_id,
                    int (*row)(void *arg, const struct mt_outbox_row *row), void *arg);
    /* sends newest first, with an id below `before` (0 = all); `open`: that have not ended; may be NULL */
    int (*send_list)(void *ctx, int32_t account, int64_t before, bool open, size_t limit,
                     int (*row)(void *arg, const struct mt_outbox_row *row), void *arg);
    /*
     * backup: one at a time. begin: MT_E_STATE while one runs. state: 0 while it runs, 1 when it has ended
     * well, else its error with words; `size` in bytes. The daemon looks at rpc often while one runs.
     */
    int (*backup_begin)(void *ctx, const char *path, char err[256]);
    int (*backup_state)(void *ctx, uint64_t *done, uint64_t *total, char *warning, size_t cap, char err[256]);
    void (*backup_cancel)(void *ctx);
    /* account 0: all; text as mt_proxy_parse reads it, "" forgets what was set. 0, or negative with words */
    int (*proxy_set)(void *ctx, int32_t account, const char *text, char err[256]);
    int (*proxy_get)(void *ctx, int32_t account, struct rpc_proxy *out);
    /* text NULL: the one that is set. Its number; 0: words in err[] */
    uint64_t (*proxy_test)(void *ctx, int32_t account, const char *text, char err[256]);
    /* False: it goes on. True: `out` is filled and the test forgotten. out NULL: forget it, whatever it does
     */
    bool (*proxy_tested)(void *ctx, uint64_t test, struct rpc_proxy_test *out);
    /* JSON objects (new references) for getConfig and the storage part of getHealth */
    struct json_t *(*config)(void *ctx);
    struct json_t *(*health)(void *ctx);
    /* what the process knows for getMetrics (its schema), and the newest lines of the log; may be NULL */
    struct json_t *(*metrics)(void *ctx);
    struct json_t *(*log_lines)(void *ctx, const char *least, size_t limit);
    /* reload, shutdown, setLogLevel: 0 or negative with words */
    int (*control)(void *ctx, const char *what, const char *arg, char err[256]);
};

struct rpc_cfg {
    const struct mt_env *env;
    const struct rpc_host *host;
    const char *version;
    const char *default_account; /* or NULL */
    /* the default rule of api.md section 9: with check_uid, only owner_uid and root are served */
    bool check_uid;
    int64_t owner_uid;
    int64_t pid; /* of this process, for getInfo; 0 = not told */
};
struct rpc *rpc_new(const struct rpc_cfg *cfg, struct mt_now now);
void rpc_free(struct rpc *r);
/* After a reload; NULL: none. Copied. */
void rpc_set_default_account(struct rpc *r, const char *name);

/* --- connections --- */

struct rpc_cred {
    int64_t uid, gid, pid; /* SO_PEERCRED */
    const int64_t *groups; /* SO_PEERGROUPS; borrowed for the call */
    size_t n_groups;
};
/* A profile of api.md section 9: who is admitted, and what is there for them. Lists are separated by commas
 * or space. */
struct rpc_profile;
struct rpc_profile_cfg {
    const char *name;
    const char *accounts; /* patterns; NULL: all */
    const char *methods;  /* patterns, @read, @send, @admin; NULL: @read */
    const char *chats;    /* numbers, @names, me; NULL: all (without @admin never 777000) */
    const int64_t *uids, *gids;
    size_t n_uids, n_gids;
    int64_t owner_uid; /* admitted, as root is */
};
/* NULL, and words in err[]. */
struct rpc_profile *rpc_profile_new(const struct rpc_profile_cfg *cfg, char err[256]);
struct rpc_profile *rpc_profile_ref(struct rpc_profile *p);
void rpc_profile_unref(struct rpc_profile *p);
bool rpc_profile_admits(const struct rpc_profile *p, const struct rpc_cred *cred);
/* `profile` NULL: the default rule, and everything. NULL: BUSY or memory. */
struct rpc_conn *rpc_accept(struct rpc *r, struct mt_now now, const struct rpc_cred *cred,
                            struct rpc_profile *profile);
/*
 * The configuration was read again, and `profile` is what it has for this client now. Where that is another
 * one its subscriptions and what waits end, no more is read, and it is done when what it had asked is
 * answered.
 */
void rpc_recheck(struct rpc_conn *c, struct mt_now now, const struct rpc_cred *cred,
                 const struct rpc_profile *profile);
void rpc_feed(struct rpc_conn *c, struct mt_now now, const void *p, size_t n);
/* Peer half-closed: what is pending is answered, then rpc_is_done(). */
void rpc_eof(struct rpc_conn *c, struct mt_now now);
/* Waiting bytes that may leave now (answers held for a commit are not among them). */
struct tl_slice rpc_output(struct rpc_conn *c);
void rpc_wrote(struct rpc_conn *c, struct mt_now now, size_t n);
bool rpc_wants_read(
    const struct rpc_conn *c);              /* false: 64 requests in flight or 1 MiB unread; pause reading */
bool rpc_is_done(const struct rpc_conn *c); /* nothing more will come: close the socket */
/* It pipelined with what it sent last: reading it may wait for those who do not. */
bool rpc_is_loud(const struct rpc_conn *c);
/* The socket is gone (or rpc_is_done was obeyed): forgets the connection. */
void rpc_closed(struct rpc_conn *c, struct mt_now now);

/* --- one turn --- */

/* An answer of an account: its token is one that rpc gave out (rpc tokens have bit 62 set). */
void rpc_reply(struct rpc *r, struct mt_now now, int32_t account, uint64_t token,
               const struct mt_reply *reply);
/* A STAGE effect: whoever asked for it with progress: true is told. */
void rpc_stage(struct rpc *r, uint64_t token, const struct mt_send_stage *stage);
/*
 * Renders an UPDATE effect into journal events, before the commit: calls `event` for each (most updates make
 * none or one). An event of a live class is kept inside and pushed by rpc_committed().
 */
void rpc_render(struct rpc *r, struct mt_now now, int32_t account, const struct mt_fx *update,
                void (*event)(void *arg, const struct rpc_event *e), void *arg);
/*
 * LOGIN, CONNECTION, GAP effects, and an OUTBOX one that is to be told: the same for what is no update.
 */
void rpc_render_fx(struct rpc *r, struct mt_now now, int32_t account, const struct mt_fx *fx,
                   void (*event)(void *arg, const struct rpc_event *e), void *arg);
/*
 * The turn is committed: held answers leave, subscriptions read on. Called at the end of every turn in which
 * any verb of rpc ran, whether there was something to commit or not; before the outputs are written.
 */
void rpc_committed(struct rpc *r, struct mt_now now);
/*
 * The newest turn that is committed, and the newest that is power-safe (storage numbers them). Before
 * rpc_committed(): answers that wait for a sync remember the first, and leave when the second has reached it.
 */
void rpc_turn(struct rpc *r, uint64_t committed, uint64_t synced);
/*
 * The turn could not be committed (why, in words): what was held for it is taken back (undone.c). Until
 * rpc_storage_down(r, NULL), what needs an account is answered with STORAGE.
 */
void rpc_turn_failed(struct rpc *r, struct mt_now now, const char *why);
void rpc_storage_down(struct rpc *r, const char *why);
/* A sync has ended; all turns up to this one are power-safe. */
void rpc_synced(struct rpc *r, struct mt_now now, uint64_t synced);
/* Whether an answer is held back until the next sync (ack, queue: true, a login step): do not put it off. */
bool rpc_wants_sync(const struct rpc *r);
void rpc_tick(struct rpc *r, struct mt_now now);
/* When rpc_tick() is due (mono); 0: at once, a connection has more to be read than its share of a turn. */
int64_t rpc_deadline(const struct rpc *r);
/*
 * Connections to look at again, one by one: there are bytes to write, or it is done, or whether it wants to
 * read has changed. NULL: none left.
 */
struct rpc_conn *rpc_next_ready(struct rpc *r);
/* The daemon's own pointer, to find its socket again. */
void rpc_conn_set_owner(struct rpc_conn *c, void *owner);
void *rpc_conn_owner(const struct rpc_conn *c);
