/*
 * What survives the process: one folder, its lock, and SQLite files in it (design: storage/README.md).
 *
 *     tgd.lock               flock for the life of the process; pid and socket path inside
 *     state.db               all accounts: update state, peers, journal, subscriptions, outbox, salts   (WAL)
 *     cache.db               may be deleted at any time: file references, name lookups, message -> chat
 *     accounts/NAME/keys.db  permanent auth keys, user id, dedup secret, server set, addresses of data
 * centres, machine, proxy; open only while used keys.db                the proxy of all accounts, where one
 * was set files/                 partial transfers
 *
 * Two strengths. *Kill-safe*: committed to the WAL; survives the death of the process. *Power-safe*: the WAL
 * is synced; survives the death of the machine. The loop thread commits (synchronous=NORMAL, no
 * auto-checkpoint) and never syncs; store_sync_run() runs on a helper thread over a connection of its own.
 *
 * Errors: MT_OK, MT_E_NOT_FOUND, MT_E_NOMEM, or STORE_E_*; store_error() has the words. Nothing is printed.
 * All calls but store_sync_run() are for one thread.
 */
#pragma once

#include "core/account/account.h"
#include "core/store.h"

enum store_err {
    STORE_E_IO = -128,      /* the disk or SQLite failed; see store_error() */
    STORE_E_FULL = -129,    /* no space left, or a quota or size limit is reached */
    STORE_E_CORRUPT = -130, /* file damaged; it was set aside where that loses no login */
    STORE_E_NEWER = -131,   /* made by a newer tgd; refused */
    STORE_E_LOCKED = -132,  /* another daemon has this folder: store_error() names its pid and socket */
    STORE_E_SERVERS = -133, /* keys.db belongs to another server set */
    STORE_E_EXISTS = -134,
    STORE_E_NAME = -135,      /* account name outside [a-z0-9][a-z0-9_-]{0,31} */
    STORE_E_CURSOR = -136,    /* cursor of no epoch that ever was, or beyond the end */
    STORE_E_READ_ONLY = -137, /* the folder or file system admits no writes */
    STORE_E_CANCELLED = -138, /* a backup was */
    STORE_E_SEALED = -139,    /* keys.db is sealed with a key that is not given, or with another one */
    STORE_E_FOREIGN = -140,   /* the state folder belongs to another user */
};

struct store;

struct store_cfg {
    const struct mt_env *env;
    const char *dir;           /* made with 0700 where it is missing; files are 0600 */
    const char *socket_path;   /* written into the lock, for the message of a second instance */
    const uint8_t *server_set; /* 32 bytes: mt_servers_digest() */
    struct mt_now now;
    /*
     * NULL: keys.db is plain. Else 32 bytes with which its secrets are sealed; with `unseal` they are only
     * opened, and written plain. What was written otherwise is rewritten when the account is loaded.
     */
    const uint8_t *seal_key;
    bool unseal;
    const char *boot_id; /* of this boot; another one after an unclean end raises the journal's epoch */
};
/* On failure *out is NULL and err[] says why in words for a person. */
int store_open(const struct store_cfg *cfg, struct store **out, char err[256]);
/* Syncs, marks a clean end, closes, unlocks. Accepts NULL. */
void store_close(struct store *s);
const char *store_error(const struct store *s); /* of the last failed call; "" */
/* Whether something was set aside, or the disk refuses writes: text for getHealth, NULL = all is well. */
const char *store_trouble(const struct store *s);
/*
 * The same as one word: "ok"; "full", "read_only", "failing": the last commit failed for that reason;
 * "unsynced": commits work and syncs do not; "damaged": state.db is, and is set aside at the next start.
 */
const char *store_state(const struct store *s);

/* --- accounts: the id is given once and never again; the name is a label --- */

struct store_account {
    int32_t id;
    char name[33];
    bool paused;
    int32_t api_id;    /* 0: from the configuration */
    char api_hash[64]; /* kept in keys.db; "" = from the configuration */
};
/* Rows of store_account_each() have no api_hash: keys.db is not opened for a list. See struct store_ways. */
int store_account_add(struct store *s, const char *name, int32_t api_id, const char *api_hash,
                      struct store_account *out);
int store_account_each(struct store *s, int (*row)(void *arg, const struct store_account *a), void *arg);
int store_account_update(struct store *s, const struct store_account *a); /* paused, api_id, api_hash */
/* Keys, folder and what readers see go with the commit; the rows follow in store_journal_trim(). */
int store_account_remove(struct store *s, int32_t account);
/* Everything saved: keys, user, dedup secret, update state, salts. A new account has a fresh secret. */
int store_account_load(struct store *s, int32_t account, struct mt_saved *out);

/*
 * Which machine an account lives on, and what it calls itself towards Telegram (system_version of
 * initConnection): kept, so that a login looks the same for its whole life.
 */
struct store_device {
    bool known;
    uint8_t machine[16]; /* a digest of the machine's id, never the id */
    char system[64];     /* "" = none yet */
};
/* The proxy of an account or of all, as text (core/proxy); "" = none is set. */
#define STORE_PROXY_MAX 2048
struct store_ways {
    struct store_device kept; /* as it was stored before */
    char proxy[STORE_PROXY_MAX];
    char api_hash[64];
};
/*
 * The same, with the rest of keys.db. `here` is what is true of this machine now: what was missing or another
 * machine's is replaced by it, power-safely; a system that is known stays until the account logs out.
 */
int store_account_open(struct store *s, int32_t account, const struct store_device *here,
                       struct mt_saved *out, struct store_ways *ways);

/* --- ways.c: addresses of data centres, proxies; in keys.db, power-safe when it returns --- */

int store_save_addresses(struct store *s, int32_t account, const struct mt_addresses *addresses);
/*
 * Of an account, or of all: account 0, in keys.db of the state folder, so that losing state.db never means
 * going out without it. MT_E_ARG: too long.
 */
int store_proxy_get(struct store *s, int32_t account, char out[STORE_PROXY_MAX]);
int store_proxy_put(struct store *s, int32_t account, const char *text);

/* keys.db, each power-safe when it returns */
int store_save_key(struct store *s, int32_t account, const struct mt_saved_dc *dc);
int store_save_auth(struct store *s, int32_t account, const struct mt_saved *saved);
/* Logged out: keys, user, update state, peers, outbox of the account go; the account and its journal stay. */
int store_forget(struct store *s, int32_t account);

/* Reads for core, bound to one account; valid until store_close or store_account_remove. */
const struct store_ops *store_ops_of(struct store *s, int32_t account);

/*
 * --- one turn: begin, write, commit ---
 *
 * CLOSED -> store_begin() or any put -> OPEN -> store_commit() or store_rollback() -> CLOSED. A turn costs
 * nothing until its first write. After a failure inside it every further write gives the same error, and the
 * commit rolls it back. What may be called without a turn (store_account_*, store_save_*, store_forget,
 * store_sub_drop) joins an open one, else it is a turn by itself.
 */

int store_begin(struct store *s); /* starts a turn if none is open */
int store_put_state(struct store *s, int32_t account, const struct mt_update_state *state);
/* pts < 0: forget it */
int store_put_channel(struct store *s, int32_t account, const struct mt_channel_row *row);
int store_put_peer(struct store *s, int32_t account, const struct mt_peer *peer);
int store_put_salts(struct store *s, int32_t account, const struct mt_saved_dc *dc);
int store_put_outbox(struct store *s, int32_t account, const struct mt_outbox_row *row);
/*
 * Kill-safe when it returns MT_OK. On failure the whole turn is rolled back and nothing of it may leave the
 * process. *turn numbers the commit, for store_synced().
 */
int store_commit(struct store *s, uint64_t *turn);
/* Whether the disk takes writes again: commits a row that says nothing, in a turn by itself. */
int store_try(struct store *s);
/* Whether a turn is open. */
bool store_in_turn(const struct store *s);
/* Ends the open turn, if any, as if it had not been: the memory of the journal too. */
void store_rollback(struct store *s);
/* Helper thread: syncs the WAL and checkpoints when due. */
int store_sync_run(struct store *s);
/* Whether the last one did not do all that it should. Any thread. */
bool store_sync_failed(const struct store *s);
/* The newest turn that is power-safe. Any thread. */
uint64_t store_synced(const struct store *s);

/* --- the journal --- */

struct store_cursor {
    uint32_t epoch;
    uint64_t number; /* 1.. within the life of the folder, never given twice in an epoch */
};
enum store_direction { STORE_IN = 1, STORE_OUT = 2, STORE_NO_DIRECTION = 0 };
struct store_event {
    struct store_cursor cursor; /* out */
    int32_t account;
    const char *type; /* "message", "edit", ... */
    int64_t chat;     /* 0 = none */
    int64_t sender;
    int direction; /* enum store_direction */
    int64_t time;  /* Unix s */
    int64_t
        expires; /* Unix s after which it leaves the journal (self-destruct, login codes); 0 = by bounds */
    struct tl_slice body; /* the event's own members as finished JSON text without braces:
                             "key":...,"account":...,"type":...,"time":...,"message":{...} */
    struct tl_slice raw;  /* TL bytes of the update, may be empty */
    int32_t layer;
};
/* Inside a turn. Fills e->cursor. Readable by others after the commit. */
int store_append(struct store *s, struct store_event *e);
/* The position after the newest committed event. */
struct store_cursor store_journal_end(const struct store *s);
/* The first event that is kept. */
struct store_cursor store_journal_oldest(const struct store *s);
/*
 * Calls `row` for committed events after `after`, oldest first, at most `limit`, from memory where they are
 * recent. A row that returns non-zero ends it; it may not append to the journal or read it again.
 * STORE_E_CURSOR: no such cursor (of an epoch to come, or beyond the newest event). One that did not survive
 * a power cut goes on with the first event of the next epoch. *lost: how many events after `after` are gone
 * by the journal's bounds (0: none; what had its own end is not counted).
 */
int store_journal_read(struct store *s, struct store_cursor after, size_t limit,
                       int (*row)(void *arg, const struct store_event *e), void *arg, uint64_t *lost);
/*
 * Calls `row` for each account of which events after `after` were taken by its bounds: how many (an estimate
 * where `after` cuts a stretch), and the cursor of the newest of them. STORE_E_CURSOR as in reading.
 */
int store_journal_lost(struct store *s, struct store_cursor after,
                       int (*row)(void *arg, int32_t account, uint64_t count, struct store_cursor last),
                       void *arg);
struct store_bounds {
    int64_t seconds, events, bytes; /* of one account's journal; each > 0 */
};
/* 7 days, 1,000,000 events, 256 MiB until told otherwise. */
void store_journal_bounds(struct store *s, const struct store_bounds *b);
/*
 * Whether an account is so far beyond its bounds in events or bytes (by a sixteenth) that the next trim
 * should not be waited for.
 */
bool store_journal_is_over(const struct store *s);
struct store_journal_stats {
    uint64_t events, bytes, oldest_time;
    unsigned percent; /* of the bounds in events and bytes, the fullest account */
    int32_t fullest;  /* that account; 0 = none */
};
void store_journal_stats(struct store *s, struct store_journal_stats *out);
/*
 * Applies the bounds (7 days, 1,000,000 events, 256 MiB an account), ends what has expired, deletes rows of
 * removed accounts and sends that ended 30 days ago: one small step, a turn by itself (none may be open).
 * True: more is due. `now` is also the time by which events are dated until the next call: every minute.
 */
bool store_journal_trim(struct store *s, struct mt_now now);

/* --- named subscriptions --- */

int store_sub_get(struct store *s, const char *name, struct store_cursor *acked); /* MT_E_NOT_FOUND */
/* In a turn. A name is 1 to 256 bytes; now_s comes back as `since`: when it was last acked. */
int store_sub_put(struct store *s, const char *name, struct store_cursor acked, int64_t now_s);
int store_sub_drop(struct store *s, const char *name); /* MT_E_NOT_FOUND */
int store_sub_each(struct store *s,
                   int (*row)(void *arg, const char *name, struct store_cursor acked, int64_t since),
                   void *arg);

/* --- outbox by hand --- */
int store_outbox_get(struct store *s, int32_t account, int64_t send_id,
                     int (*row)(void *arg, const struct mt_outbox_row *row), void *arg);
/* Newest first, those with a send_id below `before` (0 = from the newest); `open`: that have not ended. */
int store_outbox_list(struct store *s, int32_t account, int64_t before, bool open, size_t limit,
                      int (*row)(void *arg, const struct mt_outbox_row *row), void *arg);

/* --- cache.db --- */
/* It never makes a turn fail: what cannot be kept is not known later. */
/* Chat of a message id in the common box (users and basic groups), remembered when it was seen. */
int store_cache_msg_chat(struct store *s, int32_t account, int32_t msg_id, mt_chat_id *chat);
int store_cache_put_msg_chat(struct store *s, int32_t account, int32_t msg_id, mt_chat_id chat);
/*
 * What the server said of a name or phone number, and when (Unix s); chat 0: nobody has it. Kept
 * for 30 days.
 */
int store_cache_name(struct store *s, int32_t account, const char *name, mt_chat_id *chat, int64_t *asked);
int store_cache_put_name(struct store *s, int32_t account, const char *name, mt_chat_id chat, int64_t asked);
