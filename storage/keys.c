/*
 * accounts/NAME/keys.db: what a login is made of. Open only while one thing is done, so that a copy, a backup
 * or another tool never meets a half of it; rollback journal and synchronous=EXTRA, so that what returned is
 * on the disk. In which form a secret is kept: seal.c.
 */
#include "storage/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int store_keys_open(struct store *s, const char *name, bool must_exist, sqlite3 **db)
{
    char path[STORE_PATH_MAX], err[STORE_ERR_MAX];
    int rc;

    store_path(s, path, *name ? "accounts/%s/keys.db" : "%skeys.db", name);
    rc = store_db_open(path, STORE_DB_KEYS, &store_schema_keys, must_exist, db, err);
    if (rc != MT_OK)
        store_fail(s, rc, "account %s: %.200s", name, err);
    return rc;
}

int store_keys_fail(struct store *s, const char *name, sqlite3 *db, int rc)
{
    int code = store_db_reason(db, rc);

    return code == MT_OK ? MT_OK : store_fail(s, code, "account %s: keys.db: %s", name, sqlite3_errmsg(db));
}

sqlite3_stmt *store_keys_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;

    sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    return st;
}

int store_keys_finish(sqlite3 *db, sqlite3_stmt *st)
{
    int rc;

    if (!st)
        return sqlite3_errcode(db);
    do
        rc = sqlite3_step(st);
    while (rc == SQLITE_ROW);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_keys_finish_bound(sqlite3 *db, sqlite3_stmt *st, bool bound)
{
    if (bound || !st)
        return store_keys_finish(db, st);
    sqlite3_finalize(st);
    return SQLITE_ERROR;
}

/* SQLite copies the bytes and frees its copy with the statement. */
bool store_keys_bind_secret(struct store *s, sqlite3_stmt *st, int i, enum store_secret what, int32_t which,
                            const void *p, size_t n)
{
    uint8_t kept[STORE_SEALED_MAX];
    int len = n > STORE_SECRET_MAX ? MT_E_TOO_LARGE
                                   : store_secret_close(s, what, (struct store_which){which, 0}, p, n, kept);
    bool bound = len > 0 && sqlite3_bind_blob(st, i, kept, len, SQLITE_TRANSIENT) == SQLITE_OK;

    mt_wipe(kept, sizeof kept);
    return bound;
}

int store_keys_open_secret(struct store *s, const char *name, sqlite3_stmt *st, int i, enum store_secret what,
                           int32_t which, void *out, size_t min, size_t cap, bool *stale)
{
    char err[STORE_ERR_MAX] = "";
    int n = store_secret_open(s, what, (struct store_which){which, 0}, store_col_slice(st, i), out, min, cap,
                              stale, err);

    return n < 0 ? store_fail(s, n, "account %s: keys.db: %.200s", name, err) : n;
}

int store_keys_create(struct store *s, const char *name, const struct store_keys *k)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    bool bound = false;
    int rc = store_keys_open(s, name, false, &db);

    if (rc != MT_OK)
        return rc;
    st = store_keys_prepare(
        db, "INSERT INTO account(one, account_id, server_set, main_dc, user_id, bot, api_id, api_hash,"
            " dedup_secret) VALUES(1, ?1, ?2, 0, 0, 0, ?3, ?4, ?5)");
    if (st) {
        sqlite3_bind_int64(st, 1, k->account);
        sqlite3_bind_blob(st, 2, s->server_set, sizeof s->server_set, SQLITE_STATIC);
        sqlite3_bind_int64(st, 3, k->api_id);
        bound =
            store_keys_bind_secret(s, st, 4, STORE_API_HASH, 0, k->api_hash, strlen(k->api_hash)) &&
            store_keys_bind_secret(s, st, 5, STORE_DEDUP_SECRET, 0, k->dedup_secret, sizeof k->dedup_secret);
    }
    rc = store_keys_fail(s, name, db, store_keys_finish_bound(db, st, bound));
    sqlite3_close(db);
    return rc;
}

static int read_account(struct store *s, const char *name, sqlite3 *db, struct store_keys *k)
{
    sqlite3_stmt *st =
        store_keys_prepare(db, "SELECT account_id, main_dc, user_id, bot, api_id, api_hash, dedup_secret,"
                               " server_set, machine, device FROM account");
    struct tl_slice set;
    int rc = st ? sqlite3_step(st) : sqlite3_errcode(db), n;

    if (rc != SQLITE_ROW) {
        rc = rc == SQLITE_DONE ? store_fail(s, MT_E_NOT_FOUND, "account %s: keys.db is empty", name)
                               : store_keys_fail(s, name, db, rc);
        sqlite3_finalize(st);
        return rc;
    }
    k->account = (int32_t)sqlite3_column_int64(st, 0);
    k->main_dc = (int32_t)sqlite3_column_int64(st, 1);
    k->user_id = sqlite3_column_int64(st, 2);
    k->bot = sqlite3_column_int64(st, 3) != 0;
    k->api_id = (int32_t)sqlite3_column_int64(st, 4);
    n = store_keys_open_secret(s, name, st, 5, STORE_API_HASH, 0, k->api_hash, 0, sizeof k->api_hash - 1,
                               &k->stale);
    if (n >= 0) {
        k->api_hash[n] = 0;
        n = store_keys_open_secret(s, name, st, 6, STORE_DEDUP_SECRET, 0, k->dedup_secret,
                                   sizeof k->dedup_secret, sizeof k->dedup_secret, &k->stale);
    }
    rc = n < 0 ? n : MT_OK;
    set = store_col_slice(st, 8);
    k->device.known = set.n == sizeof k->device.machine;
    if (k->device.known)
        memcpy(k->device.machine, set.p, set.n);
    store_col_text(st, 9, k->device.system, sizeof k->device.system);
    set = store_col_slice(st, 7);
    if (rc == MT_OK && (set.n != sizeof s->server_set || memcmp(set.p, s->server_set, set.n) != 0))
        rc = store_fail(s, STORE_E_SERVERS, "account %s belongs to another set of servers", name);
    sqlite3_finalize(st);
    return rc;
}

static int read_dcs(struct store *s, const char *name, sqlite3 *db, struct mt_saved *saved, bool *stale)
{
    sqlite3_stmt *st = store_keys_prepare(db, "SELECT dc_id, authorised, key_id, key FROM dc ORDER BY dc_id");
    int rc = st ? SQLITE_ROW : sqlite3_errcode(db);

    while (rc == SQLITE_ROW && saved->n_dcs < MT_DCS_MAX && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct mt_saved_dc *dc = &saved->dcs[saved->n_dcs];
        uint8_t key[MT_KEY_LEN];
        int32_t id = (int32_t)sqlite3_column_int64(st, 0);
        int n = store_keys_open_secret(s, name, st, 3, STORE_DC_KEY, id, key, sizeof key, sizeof key, stale);

        if (n < 0) {
            sqlite3_finalize(st);
            return n;
        }
        dc->dc_id = id;
        dc->authorised = sqlite3_column_int64(st, 1) != 0;
        dc->has_key = true;
        mt_auth_key_set(&dc->key, key);
        mt_wipe(key, sizeof key);
        if (dc->key.id != (uint64_t)sqlite3_column_int64(st, 2)) {
            rc = store_fail(s, STORE_E_CORRUPT, "account %s: keys.db: the key of DC %d is damaged", name,
                            (int)dc->dc_id);
            sqlite3_finalize(st);
            return rc;
        }
        saved->n_dcs++;
    }
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? MT_OK : store_keys_fail(s, name, db, rc);
}

int store_keys_read(struct store *s, const char *name, struct store_keys *k, struct mt_saved *saved)
{
    sqlite3 *db;
    int rc = store_keys_open(s, name, true, &db);

    memset(k, 0, sizeof *k);
    if (rc != MT_OK)
        return rc;
    /* one transaction: the file is locked, and looked at for a hot journal, once and not for each statement
     */
    rc = store_keys_fail(s, name, db, store_db_exec(db, "BEGIN"));
    if (rc == MT_OK)
        rc = read_account(s, name, db, k);
    if (rc == MT_OK && saved)
        rc = read_dcs(s, name, db, saved, &k->stale);
    if (rc == MT_OK && saved)
        rc = store_ways_read(s, name, db, &saved->addresses);
    if (rc == MT_OK)
        rc = store_ways_proxy(s, name, db, k->proxy, &k->stale);
    sqlite3_close(db);
    return rc;
}

int store_keys_begin(struct store *s, const char *name, sqlite3 **db)
{
    struct store_keys k = {0};
    int rc = store_keys_open(s, name, true, db);

    if (rc != MT_OK)
        return rc;
    rc = read_account(s, name, *db, &k);
    mt_wipe(&k, sizeof k);
    if (rc == MT_OK)
        rc = store_keys_fail(s, name, *db, store_db_exec(*db, "BEGIN IMMEDIATE"));
    if (rc != MT_OK)
        sqlite3_close(*db);
    return rc;
}

int store_keys_end(struct store *s, const char *name, sqlite3 *db, int rc)
{
    if (rc == SQLITE_OK)
        rc = store_db_exec(db, "COMMIT");
    rc = store_keys_fail(s, name, db, rc);
    if (rc != MT_OK)
        store_db_exec(db, "ROLLBACK");
    sqlite3_close(db);
    return rc;
}

int store_keys_set_api(struct store *s, const char *name, int32_t api_id, const char *api_hash)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    bool bound = false;
    int rc = store_keys_begin(s, name, &db);

    if (rc != MT_OK)
        return rc;
    st = store_keys_prepare(db, "UPDATE account SET api_id = ?1, api_hash = ?2");
    if (st) {
        sqlite3_bind_int64(st, 1, api_id);
        bound = store_keys_bind_secret(s, st, 2, STORE_API_HASH, 0, api_hash, strlen(api_hash));
    }
    return store_keys_end(s, name, db, store_keys_finish_bound(db, st, bound));
}

int store_keys_set_id(struct store *s, const char *name, int32_t account)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    int rc = store_keys_open(s, name, true, &db);

    if (rc != MT_OK)
        return rc;
    st = store_keys_prepare(db, "UPDATE account SET account_id = ?1");
    if (st)
        sqlite3_bind_int64(st, 1, account);
    rc = store_keys_fail(s, name, db, store_keys_finish(db, st));
    sqlite3_close(db);
    return rc;
}

static int put_dc(struct store *s, sqlite3 *db, const struct mt_saved_dc *dc)
{
    sqlite3_stmt *st;
    bool bound = true;

    st = store_keys_prepare(db, dc->has_key
                                    ? "REPLACE INTO dc(dc_id, authorised, key_id, key) VALUES(?1, ?2, ?3, ?4)"
                                    : "DELETE FROM dc WHERE dc_id = ?1");
    if (st) {
        sqlite3_bind_int64(st, 1, dc->dc_id);
        if (dc->has_key) {
            sqlite3_bind_int64(st, 2, dc->authorised);
            sqlite3_bind_int64(st, 3, (int64_t)dc->key.id);
            bound =
                store_keys_bind_secret(s, st, 4, STORE_DC_KEY, dc->dc_id, dc->key.key, sizeof dc->key.key);
        }
    }
    return store_keys_finish_bound(db, st, bound);
}

int store_keys_put_dc(struct store *s, const char *name, const struct mt_saved_dc *dc)
{
    sqlite3 *db;
    int rc = store_keys_begin(s, name, &db);

    return rc == MT_OK ? store_keys_end(s, name, db, put_dc(s, db, dc)) : rc;
}

int store_keys_put_auth(struct store *s, const char *name, const struct mt_saved *saved)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    int rc = store_keys_begin(s, name, &db);

    if (rc != MT_OK)
        return rc;
    st = store_keys_prepare(db, "UPDATE account SET main_dc = ?1, user_id = ?2, bot = ?3");
    if (st) {
        sqlite3_bind_int64(st, 1, saved->main_dc);
        sqlite3_bind_int64(st, 2, saved->user_id);
        sqlite3_bind_int64(st, 3, saved->bot);
    }
    rc = store_keys_finish(db, st);
    for (size_t i = 0; rc == SQLITE_OK && i < saved->n_dcs && i < MT_DCS_MAX; i++)
        if (saved->dcs[i].has_key)
            rc = put_dc(s, db, &saved->dcs[i]);
    return store_keys_end(s, name, db, rc);
}

/* Copies from before a migration hold the same keys. */
static int remove_copies(struct store *s, const char *name)
{
    char path[STORE_PATH_MAX];
    int rc = MT_OK;

    for (int v = 1; v < store_schema_keys.n_steps; v++) {
        store_path(s, path, "accounts/%s/keys.db.v%d", name, v);
        if (unlink(path) < 0 && errno != ENOENT)
            rc = store_fail(s, store_errno_code(errno), "account %s: keys.db.v%d: %s", name, v,
                            strerror(errno));
    }
    return rc;
}

int store_keys_forget(struct store *s, const char *name)
{
    sqlite3 *db;
    int rc = store_keys_begin(s, name, &db);

    if (rc == MT_OK)
        rc = store_keys_end(
            s, name, db,
            store_db_exec(
                db, "DELETE FROM dc; UPDATE account SET main_dc = 0, user_id = 0, bot = 0, device = ''"));
    return rc == MT_OK ? remove_copies(s, name) : rc;
}

/* --- another form --- */

static int put_secrets(struct store *s, sqlite3 *db, const struct store_keys *k, const struct mt_saved *saved)
{
    sqlite3_stmt *st = store_keys_prepare(db, "UPDATE account SET api_hash = ?1, dedup_secret = ?2");
    bool bound = false;
    int rc;

    if (st)
        bound =
            store_keys_bind_secret(s, st, 1, STORE_API_HASH, 0, k->api_hash, strlen(k->api_hash)) &&
            store_keys_bind_secret(s, st, 2, STORE_DEDUP_SECRET, 0, k->dedup_secret, sizeof k->dedup_secret);
    rc = store_keys_finish_bound(db, st, bound);
    for (size_t i = 0; rc == SQLITE_OK && i < saved->n_dcs; i++)
        rc = put_dc(s, db, &saved->dcs[i]);
    return rc == SQLITE_OK && k->proxy[0] ? store_ways_put_proxy(s, db, k->proxy) : rc;
}

int store_keys_reseal(struct store *s, const char *name)
{
    struct mt_saved *saved = calloc(1, sizeof *saved);
    struct store_keys k = {0};
    sqlite3 *db;
    int rc = saved ? store_keys_read(s, name, &k, saved) : MT_E_NOMEM;

    if (rc == MT_OK)
        rc = store_keys_begin(s, name, &db);
    if (rc == MT_OK)
        rc = store_keys_end(s, name, db, put_secrets(s, db, &k, saved));
    if (rc == MT_OK)
        rc = remove_copies(s, name);
    mt_wipe(&k, sizeof k);
    if (saved)
        mt_wipe(saved, sizeof *saved);
    free(saved);
    return rc;
}
