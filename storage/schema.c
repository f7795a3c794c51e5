/* Append only: a released step is never edited. How to add one: README.md. */
#include "storage/db.h"

#define N(a) ((int)(sizeof(a) / sizeof *(a)))

static const char state_1[] =
    /* key: run (token of the last run, see epoch.c) */
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    /* an event belongs to the greatest epoch whose first <= number */
    "CREATE TABLE epoch(epoch INTEGER PRIMARY KEY, first INTEGER NOT NULL);"
    /* user_id: whose rows these are; AUTOINCREMENT: an id is never given again */
    "CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    " paused INTEGER NOT NULL, api_id INTEGER NOT NULL, own_hash INTEGER NOT NULL, user_id INTEGER NOT NULL);"
    /* removed accounts whose rows are still being deleted in steps */
    "CREATE TABLE gone(account_id INTEGER PRIMARY KEY);"
    "CREATE TABLE update_state(account_id INTEGER PRIMARY KEY, pts INTEGER NOT NULL, qts INTEGER NOT NULL,"
    " date INTEGER NOT NULL, seq INTEGER NOT NULL);"
    "CREATE TABLE channel(account_id INTEGER NOT NULL, channel_id INTEGER NOT NULL, pts INTEGER NOT NULL,"
    " PRIMARY KEY(account_id, channel_id)) WITHOUT ROWID;"
    /* salts: 16 bytes each: salt i64, valid_since i32, valid_until i32, little-endian */
    "CREATE TABLE dc(account_id INTEGER NOT NULL, dc_id INTEGER NOT NULL, time_offset INTEGER NOT NULL,"
    " salts BLOB NOT NULL, PRIMARY KEY(account_id, dc_id)) WITHOUT ROWID;"
    /* flags: peers.c */
    "CREATE TABLE peer(account_id INTEGER NOT NULL, chat INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " access_hash INTEGER NOT NULL, flags INTEGER NOT NULL, migrated_to INTEGER NOT NULL,"
    " seen_chat INTEGER NOT NULL, seen_msg INTEGER NOT NULL, name TEXT NOT NULL, username TEXT NOT NULL,"
    " phone TEXT NOT NULL, PRIMARY KEY(account_id, chat)) WITHOUT ROWID;"
    "CREATE TABLE username(account_id INTEGER NOT NULL, name TEXT NOT NULL, chat INTEGER NOT NULL,"
    " PRIMARY KEY(account_id, name)) WITHOUT ROWID;"
    "CREATE TABLE phone(account_id INTEGER NOT NULL, digits TEXT NOT NULL, chat INTEGER NOT NULL,"
    " PRIMARY KEY(account_id, digits)) WITHOUT ROWID;"
    /* ended: of core's state; kept 30 days for its dedup key */
    "CREATE TABLE outbox(account_id INTEGER NOT NULL, id INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " state INTEGER NOT NULL, chat INTEGER NOT NULL, random_id INTEGER NOT NULL, created INTEGER NOT NULL,"
    " first_sent INTEGER NOT NULL, dedup BLOB, digest BLOB, method TEXT NOT NULL, params TEXT NOT NULL,"
    " result TEXT, PRIMARY KEY(account_id, id)) WITHOUT ROWID;"
    "CREATE INDEX outbox_unsent ON outbox(account_id, id) WHERE ended = 0;"
    "CREATE INDEX outbox_old ON outbox(created) WHERE ended = 1;"
    "CREATE INDEX outbox_dedup ON outbox(account_id, chat, dedup) WHERE dedup IS NOT NULL;"
    /* seq, total: running count and bytes of the account up to and with this event */
    "CREATE TABLE journal(number INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " total INTEGER NOT NULL, stored INTEGER NOT NULL, expires INTEGER NOT NULL, type TEXT NOT NULL,"
    " chat INTEGER NOT NULL, sender INTEGER NOT NULL, direction INTEGER NOT NULL, time INTEGER NOT NULL,"
    " layer INTEGER NOT NULL, body BLOB NOT NULL, raw BLOB);"
    "CREATE INDEX journal_account ON journal(account_id, number);"
    "CREATE INDEX journal_expires ON journal(expires) WHERE expires > 0;"
    /* stretches that the bounds took: `count` events of one account from first to last */
    "CREATE TABLE lost(account_id INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " count INTEGER NOT NULL, PRIMARY KEY(account_id, first)) WITHOUT ROWID;"
    "CREATE TABLE sub(name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, number INTEGER NOT NULL,"
    " since INTEGER NOT NULL) WITHOUT ROWID;";

static const char state_2[] =
    /* top: id of the newest message that is known; watched: polled, see watchChat */
    "ALTER TABLE channel ADD COLUMN top INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE channel ADD COLUMN watched INTEGER NOT NULL DEFAULT 0;";

/* expires: Unix s, 0 = not told; flags: enum mt_send_flag of core */
static const char state_3[] = "ALTER TABLE outbox ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;"
                              "ALTER TABLE outbox ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;";

/* temporary keys of data centres: dcs.c */
static const char state_4[] = "ALTER TABLE dc ADD COLUMN temp_key BLOB;"
                              "ALTER TABLE dc ADD COLUMN temp_ends INTEGER NOT NULL DEFAULT 0;"
                              "ALTER TABLE dc ADD COLUMN temp_salts BLOB;"
                              "ALTER TABLE dc ADD COLUMN temp_perm INTEGER NOT NULL DEFAULT 0;";

/* Every secret begins with a scheme byte: 0 = plain. */
static const char keys_1[] =
    "CREATE TABLE account(one INTEGER PRIMARY KEY CHECK(one = 1), account_id INTEGER NOT NULL,"
    " server_set BLOB NOT NULL, main_dc INTEGER NOT NULL, user_id INTEGER NOT NULL, bot INTEGER NOT NULL,"
    " api_id INTEGER NOT NULL, api_hash BLOB, dedup_secret BLOB NOT NULL);"
    /* key_id: to notice a damaged key */
    "CREATE TABLE dc(dc_id INTEGER PRIMARY KEY, authorised INTEGER NOT NULL, key_id INTEGER NOT NULL,"
    " key BLOB NOT NULL);";

/*
 * machine, device: which machine the account was last used on, and what it calls itself towards Telegram.
 * proxy: of this account alone, as text, sealed. address: what help.getConfig said, in its order; origin:
 * through which bootstrap set; flags: ways.c.
 */
static const char keys_2[] =
    "ALTER TABLE account ADD COLUMN machine BLOB;"
    "ALTER TABLE account ADD COLUMN device TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE account ADD COLUMN proxy BLOB;"
    "ALTER TABLE account ADD COLUMN family INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE address(place INTEGER PRIMARY KEY, dc_id INTEGER NOT NULL, ip TEXT NOT NULL,"
    " port INTEGER NOT NULL, flags INTEGER NOT NULL, secret BLOB NOT NULL);";

static const char cache_1[] =
    "CREATE TABLE msg_chat(account_id INTEGER NOT NULL, msg_id INTEGER NOT NULL, chat INTEGER NOT NULL,"
    " PRIMARY KEY(account_id, msg_id)) WITHOUT ROWID;";

/* name: of a user or chat in lower case, a phone with its +, "" for the wait that all of them share */
static const char cache_2[] =
    "CREATE TABLE name(account_id INTEGER NOT NULL, name TEXT NOT NULL, chat INTEGER NOT NULL,"
    " asked INTEGER NOT NULL, PRIMARY KEY(account_id, name)) WITHOUT ROWID;"
    "CREATE INDEX name_age ON name(asked);";

static const char *const state_steps[] = {state_1, state_2, state_3, state_4};
static const char *const keys_steps[] = {keys_1, keys_2};
static const char *const cache_steps[] = {cache_1, cache_2};

const struct store_schema store_schema_state = {"state.db", state_steps, N(state_steps)};
const struct store_schema store_schema_keys = {"keys.db", keys_steps, N(keys_steps)};
const struct store_schema store_schema_cache = {"cache.db", cache_steps, N(cache_steps)};
