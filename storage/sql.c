#include "storage/internal.h"

#include <string.h>

const char *const store_sql_text[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_META_GET] = "SELECT value FROM meta WHERE key = ?1",
    [SQL_META_PUT] = "REPLACE INTO meta(key, value) VALUES(?1, ?2)",
    [SQL_EPOCHS] = "SELECT epoch, first FROM epoch ORDER BY epoch",
    [SQL_EPOCH_PUT] = "REPLACE INTO epoch(epoch, first) VALUES(?1, ?2)",

    [SQL_ACCOUNT_ADD] = "INSERT INTO account(id, name, paused, api_id, own_hash, user_id)"
                        " VALUES(?1, ?2, 0, ?3, ?4, ?5)",
    [SQL_ACCOUNT_EACH] = "SELECT id, name, paused, api_id, own_hash, user_id FROM account ORDER BY id",
    [SQL_ACCOUNT_GET] = "SELECT id, name, paused, api_id, own_hash, user_id FROM account WHERE id = ?1",
    [SQL_ACCOUNT_BY_NAME] = "SELECT id FROM account WHERE name = ?1",
    [SQL_ACCOUNT_PUT] = "UPDATE account SET paused = ?2, api_id = ?3, own_hash = ?4 WHERE id = ?1",
    [SQL_ACCOUNT_USER] = "UPDATE account SET user_id = ?2 WHERE id = ?1 AND user_id <> ?2",
    [SQL_ACCOUNT_DROP] = "DELETE FROM account WHERE id = ?1",
    [SQL_ACCOUNT_NEXT] = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'account'",
    [SQL_GONE_ADD] = "REPLACE INTO gone(account_id) VALUES(?1)",
    [SQL_GONE_EACH] = "SELECT account_id FROM gone",
    [SQL_GONE_DROP] = "DELETE FROM gone WHERE account_id = ?1",

    [SQL_STATE_GET] = "SELECT pts, qts, date, seq FROM update_state WHERE account_id = ?1",
    [SQL_STATE_PUT] = "REPLACE INTO update_state(account_id, pts, qts, date, seq) VALUES(?1, ?2, ?3, ?4, ?5)",
    [SQL_STATE_DROP] = "DELETE FROM update_state WHERE account_id = ?1",
    [SQL_CHANNEL_GET] = "SELECT channel_id, pts, top, watched FROM channel"
                        " WHERE account_id = ?1 AND channel_id = ?2",
    [SQL_CHANNEL_EACH] = "SELECT channel_id, pts, top, watched FROM channel"
                         " WHERE account_id = ?1 AND channel_id > ?2 ORDER BY channel_id",
    [SQL_CHANNEL_WATCHED] = "SELECT channel_id, pts, top, watched FROM channel"
                            " WHERE account_id = ?1 AND channel_id > ?2 AND watched = 1",
    [SQL_CHANNEL_PUT] = "REPLACE INTO channel(account_id, channel_id, pts, top, watched)"
                        " VALUES(?1, ?2, ?3, ?4, ?5)",
    [SQL_CHANNEL_DROP] = "DELETE FROM channel WHERE account_id = ?1 AND channel_id = ?2",
    [SQL_CHANNELS_DROP] = "DELETE FROM channel WHERE account_id = ?1",
    [SQL_DC_GET] = "SELECT time_offset, salts, temp_key, temp_ends, temp_salts, temp_perm FROM dc"
                   " WHERE account_id = ?1 AND dc_id = ?2",
    [SQL_DC_PUT] =
        "REPLACE INTO dc(account_id, dc_id, time_offset, salts, temp_key, temp_ends, temp_salts, temp_perm)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_DCS_DROP] = "DELETE FROM dc WHERE account_id = ?1",

    [SQL_PEER_GET] =
        "SELECT kind, access_hash, flags, migrated_to, seen_chat, seen_msg, name, username, phone"
        " FROM peer WHERE account_id = ?1 AND chat = ?2",
    [SQL_PEER_PUT] = "REPLACE INTO peer(account_id, chat, kind, access_hash, flags, migrated_to, seen_chat,"
                     " seen_msg, name, username, phone) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [SQL_PEERS_DROP] = "DELETE FROM peer WHERE account_id = ?1",
    [SQL_USERNAME_GET] = "SELECT chat FROM username WHERE account_id = ?1 AND name = ?2",
    [SQL_USERNAME_PUT] = "REPLACE INTO username(account_id, name, chat) VALUES(?1, ?2, ?3)",
    [SQL_USERNAME_DROP] = "DELETE FROM username WHERE account_id = ?1 AND name = ?2 AND chat = ?3",
    [SQL_USERNAMES_DROP] = "DELETE FROM username WHERE account_id = ?1",
    [SQL_PHONE_GET] = "SELECT chat FROM phone WHERE account_id = ?1 AND digits = ?2",
    [SQL_PHONE_PUT] = "REPLACE INTO phone(account_id, digits, chat) VALUES(?1, ?2, ?3)",
    [SQL_PHONE_DROP] = "DELETE FROM phone WHERE account_id = ?1 AND digits = ?2 AND chat = ?3",
    [SQL_PHONES_DROP] = "DELETE FROM phone WHERE account_id = ?1",

#define OUTBOX_COLUMNS                                                                                       \
    "id, state, chat, random_id, created, first_sent, dedup, digest, method, params, result, expires, flags"
    [SQL_OUTBOX_PUT] = "REPLACE INTO outbox(account_id, ended, " OUTBOX_COLUMNS ")"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    [SQL_OUTBOX_GET] = "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE account_id = ?1 AND id = ?2",
    [SQL_OUTBOX_UNSENT] =
        "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE account_id = ?1 AND ended = 0 ORDER BY created, id",
    [SQL_OUTBOX_BY_DEDUP] = "SELECT " OUTBOX_COLUMNS " FROM outbox"
                            " WHERE account_id = ?1 AND chat = ?2 AND dedup = ?3"
                            " ORDER BY created DESC, id DESC LIMIT 1",
    [SQL_OUTBOX_LIST] = "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE account_id = ?1 AND id < ?2"
                        " ORDER BY id DESC LIMIT ?3",
    [SQL_OUTBOX_LIST_OPEN] = "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE account_id = ?1 AND id < ?2"
                             " AND ended = 0 ORDER BY id DESC LIMIT ?3",
    [SQL_OUTBOX_DROP] = "DELETE FROM outbox WHERE account_id = ?1",
    [SQL_OUTBOX_TRIM] = "DELETE FROM outbox WHERE (account_id, id) IN"
                        " (SELECT account_id, id FROM outbox WHERE ended = 1 AND created < ?1 LIMIT ?2)",

    [SQL_JOURNAL_ADD] = "INSERT INTO journal(number, account_id, seq, total, stored, expires, type, chat,"
                        " sender, direction, time, layer, body, raw)"
                        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [SQL_JOURNAL_READ] = "SELECT number, account_id, expires, type, chat, sender, direction, time, layer,"
                         " body, raw FROM journal WHERE number > ?1 AND number <= ?2 ORDER BY number",
    [SQL_JOURNAL_FIRST] = "SELECT number FROM journal ORDER BY number LIMIT 1",
    [SQL_JOURNAL_LAST] = "SELECT number FROM journal ORDER BY number DESC LIMIT 1",
    [SQL_JOURNAL_OLDEST_OF] = "SELECT number, seq, total, stored FROM journal"
                              " WHERE account_id = ?1 ORDER BY number LIMIT ?2",
    [SQL_JOURNAL_NEWEST_OF] = "SELECT seq, total FROM journal"
                              " WHERE account_id = ?1 ORDER BY number DESC LIMIT 1",
    [SQL_JOURNAL_EXPIRED] = "SELECT number FROM journal WHERE expires > 0 AND expires <= ?1 LIMIT ?2",
    [SQL_JOURNAL_DROP] = "DELETE FROM journal WHERE number = ?1",
    [SQL_LOST_ADD] = "REPLACE INTO lost(account_id, first, last, count) VALUES(?1, ?2, ?3, ?4)",
    [SQL_LOST_LAST_OF] = "SELECT first, last, count FROM lost WHERE account_id = ?1"
                         " ORDER BY first DESC LIMIT 1",
    [SQL_LOST_MAX] = "SELECT coalesce(max(last), 0) FROM lost",
    [SQL_LOST_AFTER] = "SELECT coalesce(sum(min(count, last - max(?1, first - 1))), 0) FROM lost"
                       " WHERE last > ?1 AND account_id NOT IN (SELECT account_id FROM gone)",
    [SQL_LOST_BY_ACCOUNT] =
        "SELECT account_id, sum(min(count, last - max(?1, first - 1))), max(last) FROM lost"
        " WHERE last > ?1 AND account_id NOT IN (SELECT account_id FROM gone) GROUP BY account_id",
    [SQL_LOST_OF] = "SELECT first, last, count FROM lost WHERE account_id = ?1 ORDER BY first LIMIT ?2",
    [SQL_LOST_DROP] = "DELETE FROM lost WHERE account_id = ?1 AND first = ?2",

    [SQL_GONE_JOURNAL] = "SELECT number FROM journal WHERE account_id = ?1 ORDER BY number LIMIT ?2",
    [SQL_GONE_PEER] = "DELETE FROM peer WHERE account_id = ?1 AND chat IN"
                      " (SELECT chat FROM peer WHERE account_id = ?1 LIMIT ?2)",
    [SQL_GONE_USERNAME] = "DELETE FROM username WHERE account_id = ?1 AND name IN"
                          " (SELECT name FROM username WHERE account_id = ?1 LIMIT ?2)",
    [SQL_GONE_PHONE] = "DELETE FROM phone WHERE account_id = ?1 AND digits IN"
                       " (SELECT digits FROM phone WHERE account_id = ?1 LIMIT ?2)",
    [SQL_GONE_OUTBOX] = "DELETE FROM outbox WHERE account_id = ?1 AND id IN"
                        " (SELECT id FROM outbox WHERE account_id = ?1 LIMIT ?2)",
    [SQL_GONE_LOST] = "DELETE FROM lost WHERE account_id = ?1 AND first IN"
                      " (SELECT first FROM lost WHERE account_id = ?1 LIMIT ?2)",

    [SQL_SUB_GET] = "SELECT epoch, number FROM sub WHERE name = ?1",
    [SQL_SUB_PUT] = "REPLACE INTO sub(name, epoch, number, since) VALUES(?1, ?2, ?3, ?4)",
    [SQL_SUB_DROP] = "DELETE FROM sub WHERE name = ?1",
    [SQL_SUB_EACH] = "SELECT name, epoch, number, since FROM sub ORDER BY name",

    [SQL_CACHE_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_CACHE_COMMIT] = "COMMIT",
    [SQL_CACHE_ROLLBACK] = "ROLLBACK",
    [SQL_CACHE_MSG_GET] = "SELECT chat FROM msg_chat WHERE account_id = ?1 AND msg_id = ?2",
    [SQL_CACHE_MSG_PUT] = "REPLACE INTO msg_chat(account_id, msg_id, chat) VALUES(?1, ?2, ?3)",
    [SQL_CACHE_MSG_TRIM] = "DELETE FROM msg_chat WHERE account_id = ?1 AND msg_id IN"
                           " (SELECT msg_id FROM msg_chat WHERE account_id = ?1 AND msg_id < ?2 LIMIT ?3)",
    [SQL_CACHE_NAME_GET] = "SELECT chat, asked FROM name WHERE account_id = ?1 AND name = ?2",
    [SQL_CACHE_NAME_PUT] = "REPLACE INTO name(account_id, name, chat, asked) VALUES(?1, ?2, ?3, ?4)",
    [SQL_CACHE_NAME_TRIM] = "DELETE FROM name WHERE (account_id, name) IN"
                            " (SELECT account_id, name FROM name WHERE asked < ?1 LIMIT ?2)",
};

sqlite3_stmt *store_stmt(struct store *s, enum store_sql id)
{
    sqlite3 *db = id >= SQL_CACHE_BEGIN ? s->cache.db : s->db;
    int rc;

    if (!s->stmt[id]) {
        rc = sqlite3_prepare_v3(db, store_sql_text[id], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[id], NULL);
        if (rc != SQLITE_OK) {
            store_fail_sql(s, db, rc);
            s->stmt[id] = NULL;
        }
    } else if (sqlite3_stmt_busy(s->stmt[id])) {
        store_fail(s, MT_E_STATE, "a row callback called the store again");
        return NULL;
    }
    return s->stmt[id];
}

void store_reset(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

int store_row(struct store *s, sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        rc = store_fail_sql(s, sqlite3_db_handle(st), rc);
    else
        rc = 0;
    store_reset(st);
    return rc;
}

int store_run(struct store *s, sqlite3_stmt *st)
{
    int rc;

    do
        rc = store_row(s, st);
    while (rc > 0);
    if (rc < 0 && s->turn.open && sqlite3_db_handle(st) == s->db && !s->turn.err)
        s->turn.err = rc;
    return rc;
}

void store_bind_text(sqlite3_stmt *st, int i, const char *text)
{
    sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

void store_bind_slice(sqlite3_stmt *st, int i, struct tl_slice v)
{
    if (v.n)
        sqlite3_bind_blob64(st, i, v.p, v.n, SQLITE_STATIC);
    else
        sqlite3_bind_zeroblob(st, i, 0);
}

void store_bind_text_slice(sqlite3_stmt *st, int i, struct tl_slice v)
{
    sqlite3_bind_text64(st, i, v.n ? (const char *)v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8);
}

struct tl_slice store_col_slice(sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i);
    int n = sqlite3_column_bytes(st, i);

    return (struct tl_slice){p, p && n > 0 ? (size_t)n : 0};
}

void store_col_text(sqlite3_stmt *st, int i, char *out, size_t cap)
{
    struct tl_slice v = store_col_slice(st, i);

    if (v.n >= cap)
        v.n = cap - 1;
    if (v.n)
        memcpy(out, v.p, v.n);
    out[v.n] = 0;
}
