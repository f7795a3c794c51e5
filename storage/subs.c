#include "storage/internal.h"

#include <string.h>

enum { NAME_MAX_BYTES = 256 };

int store_sub_get(struct store *s, const char *name, struct store_cursor *acked)
{
    sqlite3_stmt *st = store_stmt(s, SQL_SUB_GET);
    int rc;

    if (!st)
        return STORE_E_IO;
    store_bind_text(st, 1, name);
    rc = store_row(s, st);
    if (rc <= 0)
        return rc < 0 ? rc : MT_E_NOT_FOUND;
    acked->epoch = (uint32_t)sqlite3_column_int64(st, 0);
    acked->number = (uint64_t)sqlite3_column_int64(st, 1);
    store_reset(st);
    return MT_OK;
}

int store_sub_put(struct store *s, const char *name, struct store_cursor acked, int64_t now_s)
{
    size_t n = strlen(name);
    sqlite3_stmt *st;
    int rc;

    if (n < 1 || n > NAME_MAX_BYTES)
        return store_fail(s, MT_E_ARG, "the name of a subscription is 1 to %d bytes", NAME_MAX_BYTES);
    rc = store_write(s);
    if (rc != MT_OK)
        return rc;
    st = store_stmt(s, SQL_SUB_PUT);
    if (!st) {
        store_turn_failed(s, STORE_E_IO);
        return STORE_E_IO;
    }
    store_bind_text(st, 1, name);
    sqlite3_bind_int64(st, 2, acked.epoch);
    sqlite3_bind_int64(st, 3, (int64_t)acked.number);
    sqlite3_bind_int64(st, 4, now_s);
    return store_run(s, st);
}

int store_sub_drop(struct store *s, const char *name)
{
    bool own = !s->turn.open;
    sqlite3_stmt *st;
    int rc = store_write(s);

    st = rc == MT_OK ? store_stmt(s, SQL_SUB_DROP) : NULL;
    if (!st)
        return store_end(s, own, rc == MT_OK ? STORE_E_IO : rc);
    store_bind_text(st, 1, name);
    rc = store_run(s, st);
    if (rc == MT_OK && sqlite3_changes(s->db) == 0)
        rc = MT_E_NOT_FOUND;
    return store_end(s, own, rc);
}

int store_sub_each(struct store *s,
                   int (*row)(void *arg, const char *name, struct store_cursor acked, int64_t since),
                   void *arg)
{
    sqlite3_stmt *st = store_stmt(s, SQL_SUB_EACH);
    int rc;

    if (!st)
        return STORE_E_IO;
    while ((rc = store_row(s, st)) > 0) {
        char name[NAME_MAX_BYTES + 1];
        struct store_cursor acked = {(uint32_t)sqlite3_column_int64(st, 1),
                                     (uint64_t)sqlite3_column_int64(st, 2)};

        store_col_text(st, 0, name, sizeof name);
        if (row(arg, name, acked, sqlite3_column_int64(st, 3)) != 0) {
            store_reset(st);
            return MT_OK;
        }
    }
    return rc;
}
