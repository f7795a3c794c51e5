/* What the files of this folder share. Nothing outside storage/ and its tests includes it. */
#pragma once

#include <stdatomic.h>
#include <stdio.h>

#include "core/crypto/crypto.h"
#include "storage/db.h"
#include "storage/lock.h"
#include "storage/ring.h"
#include "storage/sql.h"
#include "storage/storage.h"

#define STORE_PATH_MAX 4096

/* One account as long as the store is open; kept in a list, made at first use. */
struct store_acct {
    struct store_acct *next;
    struct store *store;
    int32_t id;
    bool gone;     /* removed; its rows are deleted in steps */
    bool removing; /* by the open turn */
    char name[33]; /* while removing */
    struct store_ops ops;
    /* journal: running count and bytes of the newest and of the oldest event; see trim.c */
    bool counted;
    int64_t seq, total;
    int64_t old_seq, old_total, old_stored; /* seq = old_seq - 1 where there is none */
};

struct store_epoch {
    uint32_t epoch;
    uint64_t first;
};

/*
 * A row of the table of peers in memory: an update names the same chat and sender four times, and a busy
 * account the same ones again and again. Holds what the open turn wrote too; peer.chat 0: empty.
 */
struct store_seen {
    int32_t account;
    struct mt_peer peer;
};
#define STORE_SEEN 64 /* a power of two; 26 KiB */

struct store {
    const struct mt_env *env;
    char dir[STORE_PATH_MAX - 256];
    uint8_t server_set[32];
    uint8_t seal_key[32];
    bool has_seal_key, seals; /* seals: what is written is sealed */
    int64_t wall;             /* Unix s, as last told */
    int lock_fd;
    struct store_lock_note note;
    sqlite3 *db; /* state.db, the loop's connection */
    sqlite3_stmt *stmt[SQL_COUNT];
    char error[STORE_ERR_MAX];
    char aside[STORE_ERR_MAX]; /* what was set aside at start */
    int refused_code;
    char refused[STORE_ERR_MAX]; /* why the last commit failed; "" after one that worked */
    char trouble[3 * STORE_ERR_MAX];
    struct store_acct *accounts; /* the one used last comes first */
    int n_gone, n_removing;

    struct {
        bool open, begun; /* begun: BEGIN was said, at the first write */
        int err;          /* first failure; the turn can only be rolled back */
    } turn;
    _Atomic uint64_t committed; /* newest turn that is kill-safe */
    _Atomic uint64_t synced;    /* newest turn that is power-safe */

    struct store_seen seen[STORE_SEEN]; /* peers.c: rows of peers read or written last */

    struct {
        sqlite3 *db;
        int64_t off_until; /* Unix s; could not be opened: goes on without */
        bool open;         /* a transaction is open */
        uint32_t puts;
    } cache;

    /* the helper thread's; nobody else touches it */
    struct {
        sqlite3 *db;
        int64_t due;       /* pages in the WAL from which on it is folded in */
        atomic_int err;    /* STORE_E_*, or MT_OK; read by store_trouble() */
        atomic_bool scrub; /* set by the loop: the WAL shows what is secret now; it is to be emptied */
    } sync;

    struct {
        struct store_ring ring;
        struct store_epoch *epochs; /* ascending */
        size_t n_epochs;
        uint64_t last;   /* newest committed event, 0 = none ever */
        uint64_t next;   /* number of the next one; last + 1 between turns */
        uint64_t oldest; /* first that is kept; last + 1 where none is */
        uint64_t lost_last;
        bool reading;
        int32_t trimmed; /* account that the bounds took from last */
        struct store_bounds bounds;
        bool over; /* see store_journal_is_over() */
    } journal;
};

/* --- store.c --- */
int store_fail(struct store *s, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int store_fail_sql(struct store *s, sqlite3 *db, int rc);
/* DIR/what; the parts are bounded, so it always fits. */
void store_path(const struct store *s, char out[STORE_PATH_MAX], const char *what, ...)
    __attribute__((format(printf, 3, 4)));
/* Opens a turn if none is and says BEGIN; the error of the turn if it has failed already. */
int store_write(struct store *s);
/* For what may be done inside a turn or by itself: own = !turn.open before; commits or rolls back if own. */
int store_end(struct store *s, bool own, int rc);
void store_turn_failed(struct store *s, int rc);
struct store_acct *store_acct(struct store *s, int32_t id); /* NULL: no memory */
bool store_is_gone(const struct store *s, int32_t id);

/* --- epoch.c --- */
/*
 * Decides the epoch, writes the lock's note and the run token power-safely. `lost`: state.db is new although
 * the folder is not. `wal_gone`, `st`: of state.db before it was opened.
 */
struct stat;
int store_epoch_open(struct store *s, const struct store_cfg *cfg, const struct store_lock_note *was,
                     bool lost, bool wal_was_there, const struct stat *st);
void store_epoch_fini(struct store *s);
uint32_t store_epoch_of(const struct store *s, uint64_t number);
/* The number after which reading goes on; STORE_E_CURSOR. */
int store_epoch_resolve(const struct store *s, struct store_cursor after, uint64_t *number);

/* --- journal.c, trim.c --- */
int store_journal_open(struct store *s);
void store_journal_committed(struct store *s);
void store_journal_rolled_back(struct store *s);
int store_journal_count(struct store *s, struct store_acct *a);
int store_gone_add(struct store *s, int32_t account);
int store_gone_open(struct store *s);

/* --- accounts.c --- */
bool store_name_ok(const char *name);
int store_account_name(struct store *s, int32_t account, char name[33]);
/* Takes up folders under accounts/ that state.db does not know (it was lost, or a start was cut short). */
int store_accounts_adopt(struct store *s);
void store_accounts_committed(struct store *s);
void store_accounts_rolled_back(struct store *s);
/* Deletes all of the account's rows but the journal; in a turn. */
int store_account_purge(struct store *s, int32_t account);

/* --- seal.c: the form in which a secret is kept --- */

enum { STORE_SECRET_MAX = 2048, STORE_SEALED_MAX = 1 + MT_GCM_NONCE + STORE_SECRET_MAX + MT_GCM_TAG };
/* What a secret is, so that one cannot stand in the place of another. */
enum store_secret {
    STORE_API_HASH = 1,
    STORE_DEDUP_SECRET = 2,
    STORE_DC_KEY = 3,
    STORE_PROXY = 4,
    STORE_TEMP_KEY = 5
};
/* Which one of its kind; 0: there is one alone. account: in state.db, which has those of all. */
struct store_which {
    int32_t dc_id, account;
};

/* Into out[]; how many bytes, or MT_E_CRYPTO. n is at most STORE_SECRET_MAX. */
int store_secret_close(struct store *s, enum store_secret what, struct store_which which, const void *p,
                       size_t n, uint8_t out[STORE_SEALED_MAX]);
/*
 * The plain bytes, at most cap; how many, or STORE_E_CORRUPT, STORE_E_NEWER, STORE_E_SEALED with words in
 * err. *stale: it is not in the form in which it would be written now.
 */
int store_secret_open(struct store *s, enum store_secret what, struct store_which which, struct tl_slice kept,
                      void *out, size_t min, size_t cap, bool *stale, char err[STORE_ERR_MAX]);

/* --- keys.c: each call opens keys.db, does one thing power-safely, closes it --- */
struct store_keys {
    int32_t account; /* id */
    int32_t main_dc;
    int64_t user_id;
    bool bot;
    int32_t api_id;
    char api_hash[64];
    uint8_t dedup_secret[32];
    struct store_device device;
    char proxy[STORE_PROXY_MAX];
    bool stale; /* some secret is not in the form in which it would be written now */
};
int store_keys_create(struct store *s, const char *name, const struct store_keys *k);
int store_keys_read(struct store *s, const char *name, struct store_keys *k, struct mt_saved *saved);
int store_keys_set_api(struct store *s, const char *name, int32_t api_id, const char *api_hash);
int store_keys_set_id(struct store *s, const char *name, int32_t account);
int store_keys_put_dc(struct store *s, const char *name, const struct mt_saved_dc *dc);
int store_keys_put_auth(struct store *s, const char *name, const struct mt_saved *saved);
int store_keys_forget(struct store *s, const char *name);
/* Writes every secret anew, in one transaction; copies from before a migration go. */
int store_keys_reseal(struct store *s, const char *name);
/* What keys.c and ways.c share. `name` "": the keys.db of the state folder itself, which has no account. */
int store_keys_open(struct store *s, const char *name, bool must_exist, sqlite3 **db);
/* Opened, checked to be for our servers, BEGIN; then end, which commits where rc is SQLITE_OK, and closes. */
int store_keys_begin(struct store *s, const char *name, sqlite3 **db);
int store_keys_end(struct store *s, const char *name, sqlite3 *db, int rc);
int store_keys_fail(struct store *s, const char *name, sqlite3 *db, int rc);
sqlite3_stmt *store_keys_prepare(sqlite3 *db, const char *sql);
/* Steps to the end and finalizes; NULL counts as its connection's error. An SQLite code. */
int store_keys_finish(sqlite3 *db, sqlite3_stmt *st);
/* As store_keys_finish(), where all secrets could be bound. */
int store_keys_finish_bound(sqlite3 *db, sqlite3_stmt *st, bool bound);
/* False: it could not be sealed. */
bool store_keys_bind_secret(struct store *s, sqlite3_stmt *st, int i, enum store_secret what, int32_t which,
                            const void *p, size_t n);
/* The plain bytes, at most cap; fewer than min is damage. Returns how many, or an error. */
int store_keys_open_secret(struct store *s, const char *name, sqlite3_stmt *st, int i, enum store_secret what,
                           int32_t which, void *out, size_t min, size_t cap, bool *stale);

/* --- ways.c --- */
int store_ways_read(struct store *s, const char *name, sqlite3 *db, struct mt_addresses *out);
/* Of an open keys.db: the proxy as text; "": none. And its being written, "": none. */
int store_ways_proxy(struct store *s, const char *name, sqlite3 *db, char out[STORE_PROXY_MAX], bool *stale);
int store_ways_put_proxy(struct store *s, sqlite3 *db, const char *text);
/* Stores `here` as far as storage.h says it replaces `kept`. */
int store_ways_device(struct store *s, const char *name, const struct store_device *here,
                      const struct store_device *kept);

/* --- state.c --- */
int store_state_load(struct store *s, int32_t account, struct mt_update_state *out);
/* --- dcs.c --- */
/*
 * Salts, time offset and temporary key of each DC into it (it has its dc_id and key). A temporary key that is
 * not in the form in which it would be written now is written anew, where no turn is open.
 */
int store_dcs_load(struct store *s, int32_t account, struct mt_saved *saved);

/* --- ops.c --- */
void store_ops_bind(struct store_acct *a);
int store_peer_get(struct store *s, int32_t account, mt_chat_id chat, struct mt_peer *out);
/* Rows of peers may have changed by another way: a rollback, rows dropped, another file. */
void store_seen_forget(struct store *s);
int store_peer_by_username(struct store *s, int32_t account, const char *name, struct mt_peer *out);
int store_peer_by_phone(struct store *s, int32_t account, const char *digits, struct mt_peer *out);
int store_channel_get(struct store *s, int32_t account, int64_t channel_id, struct mt_channel_row *out);
int store_channel_each(struct store *s, int32_t account, int64_t after, bool watched,
                       int (*row)(void *, const struct mt_channel_row *), void *arg);
int store_outbox_unsent(struct store *s, int32_t account, int (*row)(void *, const struct mt_outbox_row *),
                        void *arg);
int store_outbox_by_dedup(struct store *s, int32_t account, mt_chat_id chat, const void *key, size_t n,
                          int (*row)(void *, const struct mt_outbox_row *), void *arg);

/* --- cache.c --- */
void store_cache_committed(struct store *s);
void store_cache_rolled_back(struct store *s);
void store_cache_close(struct store *s);
void store_cache_drop(struct store *s); /* another is made at the next use */
