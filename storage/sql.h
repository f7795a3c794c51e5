/*
 * All SQL of the loop's two connections: one number per statement, prepared at first use and kept. keys.db is
 * open only while it is used, its few statements stand in keys.c.
 *
 * Use: st = store_stmt(s, ID); bind; then store_run() for a write, or store_row() until it is 0 and
 * store_reset(). Values are bound without a copy and unbound by the reset.
 */
#pragma once

#include <stdint.h>

#include <sqlite3.h>

#include "tl/wire.h"

struct store;

enum store_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_META_GET,
    SQL_META_PUT,
    SQL_EPOCHS,
    SQL_EPOCH_PUT,

    SQL_ACCOUNT_ADD,
    SQL_ACCOUNT_EACH,
    SQL_ACCOUNT_GET,
    SQL_ACCOUNT_BY_NAME,
    SQL_ACCOUNT_PUT,
    SQL_ACCOUNT_USER,
    SQL_ACCOUNT_DROP,
    SQL_ACCOUNT_NEXT,
    SQL_GONE_ADD,
    SQL_GONE_EACH,
    SQL_GONE_DROP,

    SQL_STATE_GET,
    SQL_STATE_PUT,
    SQL_STATE_DROP,
    SQL_CHANNEL_GET,
    SQL_CHANNEL_EACH,
    SQL_CHANNEL_WATCHED,
    SQL_CHANNEL_PUT,
    SQL_CHANNEL_DROP,
    SQL_CHANNELS_DROP,
    SQL_DC_GET,
    SQL_DC_PUT,
    SQL_DCS_DROP,

    SQL_PEER_GET,
    SQL_PEER_PUT,
    SQL_PEERS_DROP,
    SQL_USERNAME_GET,
    SQL_USERNAME_PUT,
    SQL_USERNAME_DROP,
    SQL_USERNAMES_DROP,
    SQL_PHONE_GET,
    SQL_PHONE_PUT,
    SQL_PHONE_DROP,
    SQL_PHONES_DROP,

    SQL_OUTBOX_PUT,
    SQL_OUTBOX_GET,
    SQL_OUTBOX_UNSENT,
    SQL_OUTBOX_BY_DEDUP,
    SQL_OUTBOX_LIST,
    SQL_OUTBOX_LIST_OPEN,
    SQL_OUTBOX_DROP,
    SQL_OUTBOX_TRIM,

    SQL_JOURNAL_ADD,
    SQL_JOURNAL_READ,
    SQL_JOURNAL_FIRST,
    SQL_JOURNAL_LAST,
    SQL_JOURNAL_OLDEST_OF,
    SQL_JOURNAL_NEWEST_OF,
    SQL_JOURNAL_EXPIRED,
    SQL_JOURNAL_DROP,
    SQL_LOST_ADD,
    SQL_LOST_LAST_OF,
    SQL_LOST_MAX,
    SQL_LOST_AFTER,
    SQL_LOST_BY_ACCOUNT,
    SQL_LOST_OF,
    SQL_LOST_DROP,

    SQL_GONE_JOURNAL,
    SQL_GONE_PEER,
    SQL_GONE_USERNAME,
    SQL_GONE_PHONE,
    SQL_GONE_OUTBOX,
    SQL_GONE_LOST,

    SQL_SUB_GET,
    SQL_SUB_PUT,
    SQL_SUB_DROP,
    SQL_SUB_EACH,

    /* cache.db from here on */
    SQL_CACHE_BEGIN,
    SQL_CACHE_COMMIT,
    SQL_CACHE_ROLLBACK,
    SQL_CACHE_MSG_GET,
    SQL_CACHE_MSG_PUT,
    SQL_CACHE_MSG_TRIM,
    SQL_CACHE_NAME_GET,
    SQL_CACHE_NAME_PUT,
    SQL_CACHE_NAME_TRIM,
    SQL_COUNT,
};
extern const char *const store_sql_text[SQL_COUNT];

/* NULL: error noted. Also NULL when it is in use: a row callback called the function that called it. */
sqlite3_stmt *store_stmt(struct store *s, enum store_sql id);
/* To the end, then reset. A failure inside a turn makes the whole turn fail. */
int store_run(struct store *s, sqlite3_stmt *st);
/* 1: a row, 0: no more (and reset), < 0: error (and reset) */
int store_row(struct store *s, sqlite3_stmt *st);
void store_reset(sqlite3_stmt *st);

/* Binding cannot fail but for memory, which the step then reports as a missing value: NOT NULL everywhere. */
void store_bind_text(sqlite3_stmt *st, int i, const char *text);
void store_bind_slice(sqlite3_stmt *st, int i, struct tl_slice v);      /* BLOB; empty stays empty */
void store_bind_text_slice(sqlite3_stmt *st, int i, struct tl_slice v); /* TEXT */
struct tl_slice store_col_slice(sqlite3_stmt *st, int i);
/* Copies a text column, cut to the room there is; the result always ends in 0. */
void store_col_text(sqlite3_stmt *st, int i, char *out, size_t cap);
