/*
 * keys.db's second half: how to get to Telegram (addresses that were learned, proxies) and from where (the
 * machine and its name there). keys.c has the file itself.
 */
#include "storage/internal.h"

#include <string.h>

enum { IPV6 = 1, MEDIA = 2, TCPO = 4, CDN = 8, STATIC = 16, THIS_PORT = 32 };

static int flags_of(const struct mt_server *a)
{
    return (a->ipv6 ? IPV6 : 0) | (a->media_only ? MEDIA : 0) | (a->tcpo_only ? TCPO : 0) |
           (a->cdn ? CDN : 0) | (a->is_static ? STATIC : 0) | (a->this_port_only ? THIS_PORT : 0);
}

/* False: a row that cannot be (its file is plain SQLite, which others may have edited). */
static bool read_row(sqlite3_stmt *st, struct mt_server *out)
{
    int64_t dc = sqlite3_column_int64(st, 0), port = sqlite3_column_int64(st, 2);
    int flags = sqlite3_column_int(st, 3);
    struct tl_slice secret = store_col_slice(st, 4);

    memset(out, 0, sizeof *out);
    if (dc <= 0 || dc > MT_DC_MAX || port <= 0 || port > 65535 || secret.n > sizeof out->secret ||
        (secret.n && secret.n < 16))
        return false;
    out->dc_id = (int32_t)dc;
    store_col_text(st, 1, out->ip, sizeof out->ip);
    out->port = (uint16_t)port;
    out->ipv6 = flags & IPV6;
    out->media_only = flags & MEDIA;
    out->tcpo_only = flags & TCPO;
    out->cdn = flags & CDN;
    out->is_static = flags & STATIC;
    out->this_port_only = flags & THIS_PORT;
    if (secret.n)
        memcpy(out->secret, secret.p, secret.n);
    out->secret_len = (uint8_t)secret.n;
    return true;
}

int store_ways_read(struct store *s, const char *name, sqlite3 *db, struct mt_addresses *out)
{
    sqlite3_stmt *st = store_keys_prepare(db, "SELECT family, origin FROM account");
    int rc = st ? sqlite3_step(st) : sqlite3_errcode(db);

    if (rc == SQLITE_ROW) {
        out->family = sqlite3_column_int(st, 0);
        out->origin = (uint32_t)sqlite3_column_int64(st, 1);
        rc = SQLITE_DONE;
    }
    sqlite3_finalize(st);
    if (rc != SQLITE_DONE)
        return store_keys_fail(s, name, db, rc);
    st = store_keys_prepare(db, "SELECT dc_id, ip, port, flags, secret FROM address ORDER BY place");
    rc = st ? SQLITE_ROW : sqlite3_errcode(db);
    while (rc == SQLITE_ROW && out->n < MT_ADDRESSES_MAX && (rc = sqlite3_step(st)) == SQLITE_ROW)
        out->n += read_row(st, &out->list[out->n]);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? MT_OK : store_keys_fail(s, name, db, rc);
}

static int put_row(sqlite3 *db, size_t place, const struct mt_server *a)
{
    sqlite3_stmt *st = store_keys_prepare(
        db, "INSERT INTO address(place, dc_id, ip, port, flags, secret) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");

    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)place);
        sqlite3_bind_int64(st, 2, a->dc_id);
        store_bind_text(st, 3, a->ip);
        sqlite3_bind_int64(st, 4, a->port);
        sqlite3_bind_int64(st, 5, flags_of(a));
        store_bind_slice(st, 6, (struct tl_slice){a->secret, a->secret_len});
    }
    return store_keys_finish(db, st);
}

int store_save_addresses(struct store *s, int32_t account, const struct mt_addresses *addresses)
{
    char name[33];
    sqlite3 *db;
    sqlite3_stmt *st;
    int rc = store_account_name(s, account, name);

    if (rc == MT_OK)
        rc = store_keys_begin(s, name, &db);
    if (rc != MT_OK)
        return rc;
    st = store_keys_prepare(db, "UPDATE account SET family = ?1, origin = ?2");
    if (st) {
        sqlite3_bind_int64(st, 1, addresses->family);
        sqlite3_bind_int64(st, 2, addresses->origin);
    }
    rc = store_keys_finish(db, st);
    if (rc == SQLITE_OK)
        rc = store_db_exec(db, "DELETE FROM address");
    for (size_t i = 0; rc == SQLITE_OK && i < addresses->n && i < MT_ADDRESSES_MAX; i++)
        rc = put_row(db, i, &addresses->list[i]);
    return store_keys_end(s, name, db, rc);
}

/* --- the machine --- */

static int put_device(struct store *s, const char *name, const struct store_device *d)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    int rc = store_keys_begin(s, name, &db);

    if (rc != MT_OK)
        return rc;
    st = store_keys_prepare(db, "UPDATE account SET machine = ?1, device = ?2");
    if (st) {
        if (d->known)
            sqlite3_bind_blob(st, 1, d->machine, sizeof d->machine, SQLITE_STATIC);
        store_bind_text(st, 2, d->system);
    }
    return store_keys_end(s, name, db, store_keys_finish(db, st));
}

int store_ways_device(struct store *s, const char *name, const struct store_device *here,
                      const struct store_device *kept)
{
    struct store_device next = *here;

    if (kept->system[0])
        memcpy(next.system, kept->system, sizeof next.system);
    if (!here->known) { /* a machine without an id tells nothing of another one */
        next.known = kept->known;
        memcpy(next.machine, kept->machine, sizeof next.machine);
    }
    if (next.known == kept->known && memcmp(next.machine, kept->machine, sizeof next.machine) == 0 &&
        strcmp(next.system, kept->system) == 0)
        return MT_OK;
    return put_device(s, name, &next);
}

/* --- proxies --- */

static int name_of(struct store *s, int32_t account, char name[33])
{
    name[0] = 0;
    return account ? store_account_name(s, account, name) : MT_OK;
}

int store_ways_proxy(struct store *s, const char *name, sqlite3 *db, char out[STORE_PROXY_MAX], bool *stale)
{
    sqlite3_stmt *st = store_keys_prepare(db, "SELECT proxy FROM account WHERE proxy IS NOT NULL");
    int rc = st ? sqlite3_step(st) : sqlite3_errcode(db), n = 0;

    if (rc == SQLITE_ROW) {
        n = store_keys_open_secret(s, name, st, 0, STORE_PROXY, 0, out, 1, STORE_PROXY_MAX - 1, stale);
        rc = SQLITE_DONE;
    }
    sqlite3_finalize(st);
    rc = rc == SQLITE_DONE ? (n < 0 ? n : MT_OK) : store_keys_fail(s, name, db, rc);
    out[rc == MT_OK ? n : 0] = 0;
    return rc;
}

int store_proxy_get(struct store *s, int32_t account, char out[STORE_PROXY_MAX])
{
    char name[33];
    bool stale = false;
    sqlite3 *db;
    int rc = name_of(s, account, name);

    out[0] = 0;
    if (rc == MT_OK)
        rc = store_keys_open(s, name, true, &db);
    if (rc != MT_OK) /* none was ever set for all */
        return rc == MT_E_NOT_FOUND && !account ? MT_OK : rc;
    rc = store_ways_proxy(s, name, db, out, &stale);
    sqlite3_close(db);
    if (rc == MT_OK && stale && !account)
        (void)store_proxy_put(s, account, out); /* in the form of now; an account's goes with its keys */
    return rc;
}

int store_ways_put_proxy(struct store *s, sqlite3 *db, const char *text)
{
    sqlite3_stmt *st = store_keys_prepare(db, "UPDATE account SET proxy = ?1");
    bool bound = !*text || (st && store_keys_bind_secret(s, st, 1, STORE_PROXY, 0, text, strlen(text)));

    return store_keys_finish_bound(db, st, bound);
}

/* The row of the state folder's own keys.db: no account, no servers. */
static int make_row(sqlite3 *db)
{
    return store_db_exec(db,
                         "INSERT OR IGNORE INTO account(one, account_id, server_set, main_dc, user_id, bot,"
                         " api_id, dedup_secret) VALUES(1, 0, x'', 0, 0, 0, 0, x'')");
}

int store_proxy_put(struct store *s, int32_t account, const char *text)
{
    char name[33];
    sqlite3 *db;
    int rc = strlen(text) < STORE_PROXY_MAX ? name_of(s, account, name) : MT_E_ARG;

    if (rc == MT_OK)
        rc = store_keys_open(s, name, account != 0, &db);
    if (rc != MT_OK)
        return rc;
    rc = store_db_exec(db, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK && !account)
        rc = make_row(db);
    if (rc == SQLITE_OK)
        rc = store_ways_put_proxy(s, db, text);
    return store_keys_end(s, name, db, rc);
}
