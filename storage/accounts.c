#include "storage/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool store_name_ok(const char *name)
{
    size_t n = strlen(name);

    if (n < 1 || n > 32)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!word && (i == 0 || (c != '_' && c != '-')))
            return false;
    }
    return true;
}

/* --- rows --- */

static int id_by_name(struct store *s, const char *name, int32_t *id)
{
    sqlite3_stmt *st = store_stmt(s, SQL_ACCOUNT_BY_NAME);
    int rc;

    if (!st)
        return STORE_E_IO;
    store_bind_text(st, 1, name);
    rc = store_row(s, st);
    if (rc <= 0)
        return rc < 0 ? rc : MT_E_NOT_FOUND;
    *id = (int32_t)sqlite3_column_int64(st, 0);
    store_reset(st);
    return MT_OK;
}

static int next_id(struct store *s, int32_t *id)
{
    sqlite3_stmt *st = store_stmt(s, SQL_ACCOUNT_NEXT);
    int rc = st ? store_row(s, st) : STORE_E_IO;

    if (rc < 0)
        return rc;
    *id = 1;
    if (rc > 0) {
        *id = (int32_t)sqlite3_column_int64(st, 0);
        store_reset(st);
    }
    return MT_OK;
}

static int insert(struct store *s, int32_t id, const char *name, const struct store_keys *k)
{
    sqlite3_stmt *st;
    bool own = !s->turn.open;
    int rc = store_write(s);

    if (rc != MT_OK)
        return store_end(s, own, rc);
    st = store_stmt(s, SQL_ACCOUNT_ADD);
    if (!st)
        return store_end(s, own, STORE_E_IO);
    sqlite3_bind_int64(st, 1, id);
    store_bind_text(st, 2, name);
    sqlite3_bind_int64(st, 3, k->api_id);
    sqlite3_bind_int64(st, 4, k->api_hash[0] != 0);
    sqlite3_bind_int64(st, 5, k->user_id);
    rc = store_run(s, st);
    if (rc == MT_OK && !store_acct(s, id))
        rc = MT_E_NOMEM;
    return store_end(s, own, rc);
}

static void account_row(sqlite3_stmt *st, struct store_account *a, bool *own_hash)
{
    memset(a, 0, sizeof *a);
    a->id = (int32_t)sqlite3_column_int64(st, 0);
    store_col_text(st, 1, a->name, sizeof a->name);
    a->paused = sqlite3_column_int64(st, 2) != 0;
    a->api_id = (int32_t)sqlite3_column_int64(st, 3);
    *own_hash = sqlite3_column_int64(st, 4) != 0;
}

/* MT_E_NOT_FOUND; *user_id is whose rows state.db has */
static int get_account(struct store *s, int32_t id, struct store_account *a, bool *own_hash, int64_t *user_id)
{
    sqlite3_stmt *st = store_stmt(s, SQL_ACCOUNT_GET);
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, id);
    rc = store_row(s, st);
    if (rc == 0)
        return store_fail(s, MT_E_NOT_FOUND, "no account has the id %d", (int)id);
    if (rc < 0)
        return rc;
    account_row(st, a, own_hash);
    *user_id = sqlite3_column_int64(st, 5);
    store_reset(st);
    return MT_OK;
}

int store_account_name(struct store *s, int32_t account, char name[33])
{
    struct store_account a;
    int64_t user_id;
    bool own_hash;
    int rc = get_account(s, account, &a, &own_hash, &user_id);

    if (rc == MT_OK)
        memcpy(name, a.name, sizeof a.name);
    return rc;
}

/* --- folders --- */

static void account_path(const struct store *s, const char *name, const char *file, char path[STORE_PATH_MAX])
{
    store_path(s, path, "accounts/%s%s", name, file);
}

static int make_account_folder(struct store *s, const char *name)
{
    char path[STORE_PATH_MAX], parent[STORE_PATH_MAX];

    account_path(s, name, "", path);
    account_path(s, "", "", parent);
    if ((mkdir(path, 0700) < 0 && errno != EEXIST) || store_sync_path(parent) < 0)
        return store_fail(s, store_errno_code(errno), "cannot make the folder of account %s: %s", name,
                          strerror(errno));
    return MT_OK;
}

/* Whatever keys.db and its copies left there goes; only plain files, no folders. */
static void remove_account_folder(struct store *s, const char *name)
{
    char path[STORE_PATH_MAX];
    struct dirent *e;
    DIR *dir;

    account_path(s, name, "", path);
    dir = opendir(path);
    if (!dir)
        return;
    while ((e = readdir(dir)))
        unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
    rmdir(path);
    account_path(s, "", "", path);
    store_sync_path(path);
}

/* --- the calls --- */

int store_account_add(struct store *s, const char *name, int32_t api_id, const char *api_hash,
                      struct store_account *out)
{
    struct store_keys k = {.api_id = api_id};
    int rc;

    if (!store_name_ok(name))
        return store_fail(s, STORE_E_NAME, "an account name is 1 to 32 of a-z 0-9 _ -, the first a-z 0-9");
    if (api_hash && strlen(api_hash) >= sizeof k.api_hash)
        return store_fail(s, MT_E_ARG, "api_hash is too long");
    rc = id_by_name(s, name, &k.account);
    if (rc == MT_OK)
        return store_fail(s, STORE_E_EXISTS, "there is an account %s already", name);
    if (rc != MT_E_NOT_FOUND)
        return rc;
    rc = store_keys_read(s, name, &k, NULL);
    if (rc == MT_OK && k.user_id)
        rc = store_fail(s, STORE_E_EXISTS, "the folder accounts/%s has a login already", name);
    mt_wipe(&k, sizeof k);
    if (rc == MT_OK) /* of an addition that was rolled back: nobody has seen it */
        remove_account_folder(s, name);
    else if (rc != MT_E_NOT_FOUND)
        return rc;
    memset(&k, 0, sizeof k);
    k.api_id = api_id;
    if (api_hash)
        memcpy(k.api_hash, api_hash, strlen(api_hash));
    s->env->random(s->env->ctx, k.dedup_secret, sizeof k.dedup_secret);
    rc = next_id(s, &k.account);
    if (rc == MT_OK)
        rc = make_account_folder(s, name);
    if (rc == MT_OK)
        rc = store_keys_create(s, name, &k);
    if (rc == MT_OK)
        rc = insert(s, k.account, name, &k);
    if (rc != MT_OK)
        remove_account_folder(s, name);
    if (rc == MT_OK && out) {
        *out = (struct store_account){.id = k.account, .api_id = api_id};
        memcpy(out->name, name, strlen(name) + 1);
        memcpy(out->api_hash, k.api_hash, sizeof k.api_hash);
    }
    mt_wipe(&k, sizeof k);
    return rc;
}

/* Collected first, so that a row callback may call anything. */
int store_account_each(struct store *s, int (*row)(void *arg, const struct store_account *a), void *arg)
{
    struct store_account *list = NULL, *grown;
    size_t n = 0;
    sqlite3_stmt *st = store_stmt(s, SQL_ACCOUNT_EACH);
    int rc = st ? 1 : STORE_E_IO;
    bool own_hash;

    while (rc > 0 && (rc = store_row(s, st)) > 0) {
        grown = n & 15 ? list : realloc(list, (n + 16) * sizeof *list);
        if (!grown) {
            store_reset(st);
            rc = MT_E_NOMEM;
            break;
        }
        list = grown;
        account_row(st, &list[n++], &own_hash);
    }
    for (size_t i = 0; rc == MT_OK && i < n; i++)
        if (row(arg, &list[i]) != 0)
            break;
    free(list);
    return rc;
}

int store_account_update(struct store *s, const struct store_account *a)
{
    struct store_account old;
    struct store_keys k = {0};
    bool own = !s->turn.open, own_hash;
    sqlite3_stmt *st;
    int64_t user_id;
    int rc = get_account(s, a->id, &old, &own_hash, &user_id);

    if (rc == MT_OK && (own_hash || a->api_hash[0] || a->api_id != old.api_id)) {
        rc = store_keys_read(s, old.name, &k, NULL);
        if (rc == MT_OK &&
            (a->api_id != k.api_id || strncmp(a->api_hash, k.api_hash, sizeof k.api_hash) != 0))
            rc = store_keys_set_api(s, old.name, a->api_id, a->api_hash);
        mt_wipe(&k, sizeof k);
    }
    if (rc != MT_OK)
        return rc;
    rc = store_write(s);
    st = rc == MT_OK ? store_stmt(s, SQL_ACCOUNT_PUT) : NULL;
    if (!st)
        return store_end(s, own, rc == MT_OK ? STORE_E_IO : rc);
    sqlite3_bind_int64(st, 1, a->id);
    sqlite3_bind_int64(st, 2, a->paused);
    sqlite3_bind_int64(st, 3, a->api_id);
    sqlite3_bind_int64(st, 4, a->api_hash[0] != 0);
    return store_end(s, own, store_run(s, st));
}

static int run_for(struct store *s, enum store_sql id, int32_t account)
{
    sqlite3_stmt *st = store_stmt(s, id);

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    return store_run(s, st);
}

int store_account_purge(struct store *s, int32_t account)
{
    static const enum store_sql tables[] = {SQL_STATE_DROP, SQL_CHANNELS_DROP,  SQL_DCS_DROP,
                                            SQL_PEERS_DROP, SQL_USERNAMES_DROP, SQL_PHONES_DROP,
                                            SQL_OUTBOX_DROP};
    int rc = MT_OK;

    for (size_t i = 0; rc == MT_OK && i < sizeof tables / sizeof *tables; i++)
        rc = run_for(s, tables[i], account);
    store_seen_forget(s);
    return rc;
}

/*
 * The folder is put aside under a name that no account can have, then the rows go in the turn, then the
 * folder: killed in between, the next start sees by the row whether the turn was committed.
 */
#define REMOVED ".removed-"

static void removed_path(const struct store *s, int32_t id, char path[STORE_PATH_MAX])
{
    store_path(s, path, "accounts/" REMOVED "%d", (int)id);
}

static int put_aside(struct store *s, int32_t id, const char *name)
{
    char path[STORE_PATH_MAX], to[STORE_PATH_MAX];

    account_path(s, name, "", path);
    removed_path(s, id, to);
    if (rename(path, to) < 0 && errno != ENOENT)
        return store_fail(s, store_errno_code(errno), "cannot remove %.100s: %s", path, strerror(errno));
    return MT_OK;
}

int store_account_remove(struct store *s, int32_t account)
{
    static const enum store_sql now[] = {SQL_STATE_DROP, SQL_CHANNELS_DROP, SQL_DCS_DROP, SQL_ACCOUNT_DROP};
    bool own = !s->turn.open;
    struct store_acct *a = store_acct(s, account);
    char name[33];
    int rc = a ? store_account_name(s, account, name) : MT_E_NOMEM;

    if (rc == MT_OK)
        rc = store_write(s);
    if (rc == MT_OK)
        rc = put_aside(s, account, name);
    if (rc == MT_OK) {
        a->removing = true;
        s->n_removing++;
        memcpy(a->name, name, sizeof name);
    }
    for (size_t i = 0; rc == MT_OK && i < sizeof now / sizeof *now; i++)
        rc = run_for(s, now[i], account);
    if (rc == MT_OK)
        rc = store_gone_add(s, account);
    return store_end(s, own, rc);
}

void store_accounts_committed(struct store *s)
{
    char name[32];
    bool synced = false;

    for (struct store_acct *a = s->accounts; a && s->n_removing; a = a->next) {
        if (!a->removing)
            continue;
        a->removing = false;
        a->gone = true;
        s->n_removing--;
        s->n_gone++;
        store_ring_kill_account(&s->journal.ring, a->id);
        /* a power cut must not bring the row back without its keys; where it cannot be synced the folder
         * stays until the next start */
        synced = synced || store_db_sync_wal(s->db) == SQLITE_OK;
        if (!synced)
            continue;
        snprintf(name, sizeof name, REMOVED "%d", (int)a->id);
        remove_account_folder(s, name);
    }
}

void store_accounts_rolled_back(struct store *s)
{
    char path[STORE_PATH_MAX], from[STORE_PATH_MAX];

    for (struct store_acct *a = s->accounts; a && s->n_removing; a = a->next) {
        if (!a->removing)
            continue;
        a->removing = false;
        s->n_removing--;
        removed_path(s, a->id, from);
        account_path(s, a->name, "", path);
        rename(from, path);
    }
}

static int set_owner(struct store *s, int32_t account, int64_t owner, int64_t user_id)
{
    sqlite3_stmt *st;
    int rc = store_write(s);

    if (rc == MT_OK && owner && owner != user_id)
        rc = store_account_purge(s, account);
    st = rc == MT_OK ? store_stmt(s, SQL_ACCOUNT_USER) : NULL;
    if (!st)
        return rc == MT_OK ? STORE_E_IO : rc;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, user_id);
    return store_run(s, st);
}

int store_account_load(struct store *s, int32_t account, struct mt_saved *out)
{
    return store_account_open(s, account, NULL, out, NULL);
}

int store_account_open(struct store *s, int32_t account, const struct store_device *here,
                       struct mt_saved *out, struct store_ways *ways)
{
    struct store_keys k = {0};
    struct store_account a;
    int64_t owner;
    bool own_hash;
    int rc = get_account(s, account, &a, &own_hash, &owner);

    memset(out, 0, sizeof *out);
    if (rc == MT_OK)
        rc = store_keys_read(s, a.name, &k, out);
    if (rc == MT_OK && k.stale && store_keys_reseal(s, a.name) == MT_OK)
        mt_logf(s->env, MT_LOG_INFO, "store", "account %s: its keys are %s now", a.name,
                s->seals ? "sealed" : "plain");
    if (rc == MT_OK && here)
        rc = store_ways_device(s, a.name, here, &k.device);
    if (rc == MT_OK && ways) {
        ways->kept = k.device;
        memcpy(ways->proxy, k.proxy, sizeof ways->proxy);
        memcpy(ways->api_hash, k.api_hash, sizeof ways->api_hash);
    }
    if (rc == MT_OK) {
        out->main_dc = k.main_dc;
        out->user_id = k.user_id;
        out->bot = k.bot;
        memcpy(out->dedup_secret, k.dedup_secret, sizeof k.dedup_secret);
        /* keys.db and state.db are two files: what is left of another login is not this one's */
        if (owner != k.user_id) {
            bool own = !s->turn.open;

            rc = store_end(s, own, set_owner(s, account, owner, k.user_id));
        }
        if (rc == MT_OK && k.user_id)
            rc = store_state_load(s, account, &out->state);
    }
    mt_wipe(&k, sizeof k);
    if (rc == MT_OK)
        rc = store_dcs_load(s, account, out);
    if (rc != MT_OK)
        mt_wipe(out, sizeof *out);
    return rc;
}

int store_save_key(struct store *s, int32_t account, const struct mt_saved_dc *dc)
{
    bool own = !s->turn.open;
    char name[33];
    int rc = store_account_name(s, account, name);

    if (rc == MT_OK)
        rc = store_keys_put_dc(s, name, dc);
    if (rc == MT_OK)
        rc = store_end(s, own, store_put_salts(s, account, dc));
    return rc;
}

int store_save_auth(struct store *s, int32_t account, const struct mt_saved *saved)
{
    struct store_account a;
    bool own = !s->turn.open, own_hash;
    int64_t owner;
    int rc = get_account(s, account, &a, &own_hash, &owner);

    if (rc == MT_OK)
        rc = store_keys_put_auth(s, a.name, saved);
    if (rc == MT_OK && owner != saved->user_id)
        rc = store_end(s, own, set_owner(s, account, owner, saved->user_id));
    return rc;
}

int store_forget(struct store *s, int32_t account)
{
    struct store_account a;
    bool own = !s->turn.open, own_hash;
    int64_t owner;
    int rc = get_account(s, account, &a, &own_hash, &owner);

    if (rc == MT_OK)
        rc = store_keys_forget(s, a.name);
    if (rc != MT_OK)
        return rc;
    /* Not committed: the rows still name their owner, and nobody else gets them (store_account_load). */
    rc = store_write(s);
    if (rc == MT_OK)
        rc = store_account_purge(s, account);
    if (rc == MT_OK)
        rc = set_owner(s, account, 0, 0);
    return store_end(s, own, rc);
}

/* --- what state.db does not know --- */

static int adopt(struct store *s, const char *name)
{
    struct store_keys k = {0};
    struct store_account a;
    int64_t owner;
    int32_t id = 0;
    bool own_hash;
    int rc = store_keys_read(s, name, &k, NULL);

    /* Of other servers, damaged or newer: listed under a fresh id, and refused when it is loaded. */
    if (rc == MT_E_NOT_FOUND || rc == MT_E_NOMEM)
        return rc == MT_E_NOMEM ? rc : MT_OK;
    id = k.account;
    if (rc != MT_OK || id <= 0 || get_account(s, id, &a, &own_hash, &owner) == MT_OK ||
        store_is_gone(s, id)) {
        int read = rc;

        rc = next_id(s, &id);
        if (rc == MT_OK && read == MT_OK)
            rc = store_keys_set_id(s, name, id);
    }
    if (rc == MT_OK)
        rc = insert(s, id, name, &k);
    if (rc == MT_OK)
        mt_logf(s->env, MT_LOG_INFO, "store", "account %s taken up from its folder", name);
    mt_wipe(&k, sizeof k);
    if (rc == MT_OK)
        s->error[0] = 0;
    return rc;
}

/* A removal that was cut short: taken back where its turn was not committed, else ended. */
static int finish_removal(struct store *s, const char *folder)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX];
    int32_t id = (int32_t)strtol(folder + strlen(REMOVED), NULL, 10);
    char name[33];
    int rc = store_account_name(s, id, name);

    if (rc == MT_E_NOT_FOUND) {
        remove_account_folder(s, folder);
        s->error[0] = 0;
        return MT_OK;
    }
    if (rc == MT_OK) {
        account_path(s, folder, "", from);
        account_path(s, name, "", to);
        rename(from, to);
    }
    return rc;
}

int store_accounts_adopt(struct store *s)
{
    char path[STORE_PATH_MAX];
    sqlite3_stmt *st = store_stmt(s, SQL_ACCOUNT_EACH);
    struct dirent *e;
    DIR *dir;
    int rc = st ? 1 : STORE_E_IO;

    while (rc > 0 && (rc = store_row(s, st)) > 0)
        if (!store_acct(s, (int32_t)sqlite3_column_int64(st, 0))) {
            store_reset(st);
            return MT_E_NOMEM;
        }
    account_path(s, "", "", path);
    dir = rc == MT_OK ? opendir(path) : NULL;
    if (!dir)
        return rc == MT_OK ? store_fail(s, STORE_E_IO, "cannot read %.200s", path) : rc;
    errno = 0;
    while (rc == MT_OK && (e = readdir(dir))) {
        int32_t id;

        if (strncmp(e->d_name, REMOVED, strlen(REMOVED)) == 0)
            rc = finish_removal(s, e->d_name);
        if (!store_name_ok(e->d_name))
            continue;
        rc = id_by_name(s, e->d_name, &id);
        if (rc == MT_E_NOT_FOUND)
            rc = adopt(s, e->d_name);
        errno = 0;
    }
    if (rc == MT_OK && errno)
        rc = store_fail(s, STORE_E_IO, "cannot read %.200s: %s", path, strerror(errno));
    closedir(dir);
    return rc;
}
