#include "storage/internal.h"

#include <string.h>

int store_put_state(struct store *s, int32_t account, const struct mt_update_state *state)
{
    sqlite3_stmt *st;
    int rc = store_write(s);

    if (rc != MT_OK)
        return rc;
    st = store_stmt(s, state->known ? SQL_STATE_PUT : SQL_STATE_DROP);
    if (!st) {
        store_turn_failed(s, STORE_E_IO);
        return STORE_E_IO;
    }
    sqlite3_bind_int64(st, 1, account);
    if (state->known) {
        sqlite3_bind_int64(st, 2, state->pts);
        sqlite3_bind_int64(st, 3, state->qts);
        sqlite3_bind_int64(st, 4, state->date);
        sqlite3_bind_int64(st, 5, state->seq);
    }
    return store_run(s, st);
}

int store_state_load(struct store *s, int32_t account, struct mt_update_state *out)
{
    sqlite3_stmt *st = store_stmt(s, SQL_STATE_GET);
    int rc;

    memset(out, 0, sizeof *out);
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    rc = store_row(s, st);
    if (rc <= 0)
        return rc;
    out->pts = (int32_t)sqlite3_column_int64(st, 0);
    out->qts = (int32_t)sqlite3_column_int64(st, 1);
    out->date = (int32_t)sqlite3_column_int64(st, 2);
    out->seq = (int32_t)sqlite3_column_int64(st, 3);
    out->known = true;
    store_reset(st);
    return MT_OK;
}

/* --- channels --- */

int store_put_channel(struct store *s, int32_t account, const struct mt_channel_row *row)
{
    sqlite3_stmt *st;
    int rc = store_write(s);

    if (rc != MT_OK)
        return rc;
    st = store_stmt(s, row->pts < 0 ? SQL_CHANNEL_DROP : SQL_CHANNEL_PUT);
    if (!st) {
        store_turn_failed(s, STORE_E_IO);
        return STORE_E_IO;
    }
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, row->id);
    if (row->pts >= 0) {
        sqlite3_bind_int64(st, 3, row->pts);
        sqlite3_bind_int64(st, 4, row->top);
        sqlite3_bind_int64(st, 5, row->watched);
    }
    return store_run(s, st);
}

static void channel_row(sqlite3_stmt *st, struct mt_channel_row *out)
{
    *out = (struct mt_channel_row){.id = sqlite3_column_int64(st, 0),
                                   .pts = (int32_t)sqlite3_column_int64(st, 1),
                                   .top = (int32_t)sqlite3_column_int64(st, 2),
                                   .watched = sqlite3_column_int64(st, 3) != 0};
}

int store_channel_get(struct store *s, int32_t account, int64_t channel_id, struct mt_channel_row *out)
{
    sqlite3_stmt *st = store_stmt(s, SQL_CHANNEL_GET);
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, channel_id);
    rc = store_row(s, st);
    if (rc <= 0)
        return rc < 0 ? rc : MT_E_NOT_FOUND;
    channel_row(st, out);
    store_reset(st);
    return MT_OK;
}

int store_channel_each(struct store *s, int32_t account, int64_t after, bool watched,
                       int (*row)(void *, const struct mt_channel_row *), void *arg)
{
    sqlite3_stmt *st = store_stmt(s, watched ? SQL_CHANNEL_WATCHED : SQL_CHANNEL_EACH);
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, after);
    while ((rc = store_row(s, st)) > 0) {
        struct mt_channel_row one;

        channel_row(st, &one);
        if (row(arg, &one) != 0) {
            store_reset(st);
            return MT_OK;
        }
    }
    return rc;
}
