/*
 * cache.db: what only saves time. It never makes a turn fail: a damaged one is thrown away, one that cannot
 * be opened is done without for a while. Opened at first use. It is never synced: after a power cut its pages
 * may be of different times, which no check would notice; so it goes where a new epoch begins.
 */
#include "storage/internal.h"

#include <unistd.h>

enum {
    TRIM_EVERY = 4096,
    KEEP_IDS = 1000000,
    TRIM_ROWS = 64,
    KEEP_NAMES_S = 30 * 24 * 3600,
    TRY_AGAIN_S = 300
};

void store_cache_close(struct store *s)
{
    for (int id = SQL_CACHE_BEGIN; id < SQL_COUNT; id++) {
        sqlite3_finalize(s->stmt[id]);
        s->stmt[id] = NULL;
    }
    sqlite3_close(s->cache.db);
    s->cache.db = NULL;
    s->cache.open = false;
}

static void remove_file(const char *path)
{
    static const char *const tail[] = {"", "-wal", "-shm"};
    char name[STORE_PATH_MAX + 8];

    for (size_t i = 0; i < sizeof tail / sizeof *tail; i++) {
        snprintf(name, sizeof name, "%s%s", path, tail[i]);
        unlink(name);
    }
}

void store_cache_drop(struct store *s)
{
    char path[STORE_PATH_MAX];

    store_cache_close(s);
    store_path(s, path, "cache.db");
    remove_file(path);
}

static bool ready(struct store *s)
{
    char path[STORE_PATH_MAX], err[STORE_ERR_MAX];
    int rc;

    if (s->cache.db || s->wall < s->cache.off_until)
        return s->cache.db != NULL;
    store_path(s, path, "cache.db");
    rc = store_db_open(path, STORE_DB_CACHE, &store_schema_cache, false, &s->cache.db, err);
    if (rc == STORE_E_CORRUPT || rc == STORE_E_NEWER) {
        remove_file(path);
        rc = store_db_open(path, STORE_DB_CACHE, &store_schema_cache, false, &s->cache.db, err);
    }
    if (rc != MT_OK) {
        s->cache.off_until = s->wall + TRY_AGAIN_S;
        mt_logf(s->env, MT_LOG_WARN, "store", "going on without cache.db: %s", err);
    }
    return rc == MT_OK;
}

static void failed(struct store *s, int rc)
{
    if (rc == STORE_E_CORRUPT)
        store_cache_drop(s);
    else
        store_cache_close(s);
}

static int simple(struct store *s, enum store_sql id)
{
    sqlite3_stmt *st = store_stmt(s, id);

    return st ? store_run(s, st) : STORE_E_IO;
}

void store_cache_committed(struct store *s)
{
    int rc;

    if (!s->cache.open)
        return;
    s->cache.open = false;
    rc = simple(s, SQL_CACHE_COMMIT);
    if (rc != MT_OK)
        failed(s, rc);
}

/* What was noticed stays true, but a turn that is rolled back leaves nothing. */
void store_cache_rolled_back(struct store *s)
{
    if (s->cache.open && (simple(s, SQL_CACHE_ROLLBACK) != MT_OK))
        failed(s, STORE_E_IO);
    s->cache.open = false;
}

int store_cache_msg_chat(struct store *s, int32_t account, int32_t msg_id, mt_chat_id *chat)
{
    sqlite3_stmt *st;
    int rc;

    if (!ready(s) || !(st = store_stmt(s, SQL_CACHE_MSG_GET)))
        return MT_E_NOT_FOUND;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, msg_id);
    rc = store_row(s, st);
    if (rc < 0)
        failed(s, rc);
    if (rc <= 0)
        return MT_E_NOT_FOUND;
    *chat = sqlite3_column_int64(st, 0);
    store_reset(st);
    return MT_OK;
}

/* Ids of the common box only grow: what lies far behind is not asked for any more. */
static int trim(struct store *s, int32_t account, int32_t msg_id)
{
    sqlite3_stmt *st = store_stmt(s, SQL_CACHE_MSG_TRIM);

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, (int64_t)msg_id - KEEP_IDS);
    sqlite3_bind_int64(st, 3, TRIM_ROWS);
    return store_run(s, st);
}

/* The statement of a write, in the transaction of the turn; NULL: *rc says why. */
static sqlite3_stmt *write_with(struct store *s, enum store_sql id, int *rc)
{
    sqlite3_stmt *st;

    *rc = MT_OK;
    if (s->turn.open && !s->cache.open) {
        *rc = simple(s, SQL_CACHE_BEGIN);
        s->cache.open = *rc == MT_OK;
    }
    st = *rc == MT_OK ? store_stmt(s, id) : NULL;
    if (!st && *rc == MT_OK)
        *rc = STORE_E_IO;
    return st;
}

int store_cache_put_msg_chat(struct store *s, int32_t account, int32_t msg_id, mt_chat_id chat)
{
    sqlite3_stmt *st;
    int rc;

    if (!ready(s))
        return MT_OK;
    st = write_with(s, SQL_CACHE_MSG_PUT, &rc);
    if (st) {
        sqlite3_bind_int64(st, 1, account);
        sqlite3_bind_int64(st, 2, msg_id);
        sqlite3_bind_int64(st, 3, chat);
        rc = store_run(s, st);
    }
    if (rc == MT_OK && ++s->cache.puts % (TRIM_EVERY / TRIM_ROWS) == 0)
        rc = trim(s, account, msg_id);
    if (rc != MT_OK)
        failed(s, rc);
    return MT_OK;
}

int store_cache_name(struct store *s, int32_t account, const char *name, mt_chat_id *chat, int64_t *asked)
{
    sqlite3_stmt *st;
    int rc;

    if (!ready(s) || !(st = store_stmt(s, SQL_CACHE_NAME_GET)))
        return MT_E_NOT_FOUND;
    sqlite3_bind_int64(st, 1, account);
    store_bind_text(st, 2, name);
    rc = store_row(s, st);
    if (rc < 0)
        failed(s, rc);
    if (rc <= 0)
        return MT_E_NOT_FOUND;
    *chat = sqlite3_column_int64(st, 0);
    *asked = sqlite3_column_int64(st, 1);
    store_reset(st);
    return MT_OK;
}

int store_cache_put_name(struct store *s, int32_t account, const char *name, mt_chat_id chat, int64_t asked)
{
    sqlite3_stmt *st;
    int rc;

    if (!ready(s))
        return MT_OK;
    st = write_with(s, SQL_CACHE_NAME_TRIM, &rc);
    if (st) {
        sqlite3_bind_int64(st, 1, asked - KEEP_NAMES_S);
        sqlite3_bind_int64(st, 2, TRIM_ROWS);
        rc = store_run(s, st);
        st = rc == MT_OK ? write_with(s, SQL_CACHE_NAME_PUT, &rc) : NULL;
    }
    if (st) {
        sqlite3_bind_int64(st, 1, account);
        store_bind_text(st, 2, name);
        sqlite3_bind_int64(st, 3, chat);
        sqlite3_bind_int64(st, 4, asked);
        rc = store_run(s, st);
    }
    if (rc != MT_OK)
        failed(s, rc);
    return MT_OK;
}
