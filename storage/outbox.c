#include "storage/internal.h"

int store_put_outbox(struct store *s, int32_t account, const struct mt_outbox_row *row)
{
    sqlite3_stmt *st;
    int rc = store_write(s);

    if (rc != MT_OK)
        return rc;
    st = store_stmt(s, SQL_OUTBOX_PUT);
    if (!st) {
        store_turn_failed(s, STORE_E_IO);
        return STORE_E_IO;
    }
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, mt_send_has_ended(row->state));
    sqlite3_bind_int64(st, 3, row->id);
    sqlite3_bind_int64(st, 4, row->state);
    sqlite3_bind_int64(st, 5, row->chat);
    sqlite3_bind_int64(st, 6, row->random_id);
    sqlite3_bind_int64(st, 7, row->created);
    sqlite3_bind_int64(st, 8, row->first_sent);
    if (row->dedup.n) /* NULL stays out of the index */
        store_bind_slice(st, 9, row->dedup);
    if (row->digest.n)
        store_bind_slice(st, 10, row->digest);
    store_bind_text_slice(st, 11, row->method);
    store_bind_text_slice(st, 12, row->params);
    if (row->result.n)
        store_bind_text_slice(st, 13, row->result);
    sqlite3_bind_int64(st, 14, row->expires);
    sqlite3_bind_int64(st, 15, (int64_t)row->flags);
    return store_run(s, st);
}

static int each(struct store *s, sqlite3_stmt *st, int (*row)(void *, const struct mt_outbox_row *),
                void *arg)
{
    int rc, n = 0;

    while ((rc = store_row(s, st)) > 0) {
        struct mt_outbox_row r = {
            .id = sqlite3_column_int64(st, 0),
            .state = (int)sqlite3_column_int64(st, 1),
            .chat = sqlite3_column_int64(st, 2),
            .random_id = sqlite3_column_int64(st, 3),
            .created = sqlite3_column_int64(st, 4),
            .first_sent = sqlite3_column_int64(st, 5),
            .dedup = store_col_slice(st, 6),
            .digest = store_col_slice(st, 7),
            .method = store_col_slice(st, 8),
            .params = store_col_slice(st, 9),
            .result = store_col_slice(st, 10),
            .expires = sqlite3_column_int64(st, 11),
            .flags = (unsigned)sqlite3_column_int64(st, 12),
        };

        n++;
        if (row(arg, &r) != 0) {
            store_reset(st);
            break;
        }
    }
    if (rc < 0)
        return rc;
    return n ? MT_OK : MT_E_NOT_FOUND;
}

int store_outbox_get(struct store *s, int32_t account, int64_t send_id,
                     int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    sqlite3_stmt *st = store_stmt(s, SQL_OUTBOX_GET);

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, send_id);
    return each(s, st, row, arg);
}

int store_outbox_unsent(struct store *s, int32_t account, int (*row)(void *, const struct mt_outbox_row *),
                        void *arg)
{
    sqlite3_stmt *st = store_stmt(s, SQL_OUTBOX_UNSENT);
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    rc = each(s, st, row, arg);
    return rc == MT_E_NOT_FOUND ? MT_OK : rc;
}

int store_outbox_list(struct store *s, int32_t account, int64_t before, bool open, size_t limit,
                      int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    sqlite3_stmt *st = store_stmt(s, open ? SQL_OUTBOX_LIST_OPEN : SQL_OUTBOX_LIST);
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, before ? before : INT64_MAX);
    sqlite3_bind_int64(st, 3, (int64_t)limit);
    rc = each(s, st, row, arg);
    return rc == MT_E_NOT_FOUND ? MT_OK : rc;
}

int store_outbox_by_dedup(struct store *s, int32_t account, mt_chat_id chat, const void *key, size_t n,
                          int (*row)(void *, const struct mt_outbox_row *), void *arg)
{
    sqlite3_stmt *st;

    if (!n)
        return MT_E_NOT_FOUND;
    st = store_stmt(s, SQL_OUTBOX_BY_DEDUP);
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, chat);
    store_bind_slice(st, 3, (struct tl_slice){key, n});
    return each(s, st, row, arg);
}
