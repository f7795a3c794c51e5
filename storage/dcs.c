/*
 * What is known of a data centre besides its permanent key (keys.c): salts, the server's clock, the temporary
 * key. All of it may be lost; it costs a round trip, or a key exchange.
 *
 *     salts      16 bytes each: salt i64 | valid_since i32 | valid_until i32, little-endian
 *     temp_key   256 bytes, in the form of seal.c; NULL: none
 *     temp_perm  id of the key that it is bound to, which lies in another file and may have been replaced
 * there
 */
#include "storage/internal.h"

#include <string.h>

enum { SALT_LEN = 16 };

static void bind_salts(sqlite3_stmt *st, int at, const struct mt_salt *salts, size_t n)
{
    uint8_t wire[MT_SALTS_MAX * SALT_LEN];

    if (n > MT_SALTS_MAX)
        n = MT_SALTS_MAX;
    for (size_t i = 0; i < n; i++) {
        tl_store64(wire + i * SALT_LEN, (uint64_t)salts[i].salt);
        tl_store32(wire + i * SALT_LEN + 8, (uint32_t)salts[i].valid_since);
        tl_store32(wire + i * SALT_LEN + 12, (uint32_t)salts[i].valid_until);
    }
    sqlite3_bind_blob(st, at, wire, (int)(n * SALT_LEN), SQLITE_TRANSIENT);
}

int store_put_salts(struct store *s, int32_t account, const struct mt_saved_dc *dc)
{
    uint8_t key[STORE_SEALED_MAX];
    sqlite3_stmt *st;
    int rc = store_write(s), n;

    if (rc != MT_OK)
        return rc;
    st = store_stmt(s, SQL_DC_PUT);
    if (!st) {
        store_turn_failed(s, STORE_E_IO);
        return STORE_E_IO;
    }
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, dc->dc_id);
    sqlite3_bind_int64(st, 3, dc->time_offset_us);
    bind_salts(st, 4, dc->salts, dc->n_salts);
    sqlite3_bind_int64(st, 6, dc->has_temp ? dc->temp.ends : 0);
    bind_salts(st, 7, dc->temp.salts, dc->has_temp ? dc->temp.n_salts : 0);
    sqlite3_bind_int64(st, 8, (int64_t)dc->key.id);
    if (!dc->has_temp)
        return store_run(s, st);
    n = store_secret_close(s, STORE_TEMP_KEY, (struct store_which){dc->dc_id, account}, dc->temp.key.key,
                           MT_KEY_LEN, key);
    if (n > 0) /* else it is done without: another is made */
        sqlite3_bind_blob(st, 5, key, n, SQLITE_STATIC);
    rc = store_run(s, st);
    mt_wipe(key, sizeof key);
    return rc;
}

static size_t read_salts(struct tl_slice v, struct mt_salt *salts)
{
    size_t n = 0;

    for (; n < MT_SALTS_MAX && v.n >= SALT_LEN; n++) {
        salts[n].salt = (int64_t)tl_load64(v.p);
        salts[n].valid_since = (int32_t)tl_load32(v.p + 8);
        salts[n].valid_until = (int32_t)tl_load32(v.p + 12);
        v.p += SALT_LEN;
        v.n -= SALT_LEN;
    }
    return n;
}

/* Sealed under another key or a scheme of the future, or damaged: another is made. */
static bool read_temp(struct store *s, int32_t account, sqlite3_stmt *st, struct mt_saved_dc *dc, bool *stale)
{
    struct tl_slice kept = store_col_slice(st, 2);
    char err[STORE_ERR_MAX];
    uint8_t key[MT_KEY_LEN];
    int n;

    if (!kept.n || !dc->has_key || (uint64_t)sqlite3_column_int64(st, 5) != dc->key.id)
        return false;
    n = store_secret_open(s, STORE_TEMP_KEY, (struct store_which){dc->dc_id, account}, kept, key, sizeof key,
                          sizeof key, stale, err);
    if (n > 0)
        mt_auth_key_set(&dc->temp.key, key);
    mt_wipe(key, sizeof key);
    return n > 0;
}

static int load(struct store *s, int32_t account, struct mt_saved_dc *dc, bool *stale)
{
    sqlite3_stmt *st = store_stmt(s, SQL_DC_GET);
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, dc->dc_id);
    rc = store_row(s, st);
    if (rc <= 0)
        return rc < 0 ? rc : MT_E_NOT_FOUND;
    dc->time_offset_us = sqlite3_column_int64(st, 0);
    dc->n_salts = read_salts(store_col_slice(st, 1), dc->salts);
    dc->has_temp = read_temp(s, account, st, dc, stale);
    if (dc->has_temp) {
        dc->temp.ends = (int32_t)sqlite3_column_int64(st, 3);
        dc->temp.n_salts = read_salts(store_col_slice(st, 4), dc->temp.salts);
    }
    store_reset(st);
    return MT_OK;
}

/*
 * Temporary keys that are not in the form of now are written anew, and the WAL that shows them is emptied;
 * where that cannot be, they stay as they are until the account is loaded again.
 */
static void rewrite_temp(struct store *s, int32_t account, const struct mt_saved *saved)
{
    int rc = MT_OK;

    if (s->turn.open)
        return;
    for (size_t i = 0; rc == MT_OK && i < saved->n_dcs; i++)
        if (saved->dcs[i].has_temp)
            rc = store_put_salts(s, account, &saved->dcs[i]);
    if (store_end(s, true, rc) == MT_OK)
        atomic_store(&s->sync.scrub, true);
}

int store_dcs_load(struct store *s, int32_t account, struct mt_saved *out)
{
    bool stale = false;
    int rc = MT_OK;

    for (size_t i = 0; rc == MT_OK && i < out->n_dcs; i++) {
        rc = load(s, account, &out->dcs[i], &stale);
        rc = rc == MT_E_NOT_FOUND ? MT_OK : rc;
    }
    if (rc == MT_OK && stale)
        rewrite_temp(s, account, out);
    return rc;
}
