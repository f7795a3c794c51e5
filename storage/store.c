#include "storage/internal.h"
#include "storage/partial.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAL_DUE = 1000 }; /* pages */

/* --- errors --- */

int store_fail(struct store *s, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->error, sizeof s->error, fmt, ap);
    va_end(ap);
    return code;
}

int store_fail_sql(struct store *s, sqlite3 *db, int rc)
{
    int code = store_db_reason(db, rc);

    if (code == MT_OK)
        return MT_OK;
    store_fail(s, code, "%s: %s", db == s->cache.db ? "cache.db" : "state.db",
               db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    if (code == STORE_E_CORRUPT && db == s->db && !s->note.damaged) {
        s->note.damaged = true; /* the next start looks at the file before it trusts it */
        if (s->note.run)        /* else it still says what the last run knew */
            store_lock_write(s->lock_fd, &s->note);
        store_say(s->aside, "state.db is damaged; it is set aside at the next start");
        mt_logf(s->env, MT_LOG_WARN, "store", "%s", s->error);
    }
    return code;
}

const char *store_error(const struct store *s)
{
    return s->error;
}

const char *store_trouble(const struct store *cs)
{
    struct store *s = (struct store *)(uintptr_t)cs; /* the text is put together in place */
    int sync = atomic_load(&s->sync.err);

    if (!s->aside[0] && !s->refused[0] && sync == MT_OK)
        return NULL;
    snprintf(s->trouble, sizeof s->trouble, "%s%s%s%s%s", s->aside, s->aside[0] && s->refused[0] ? "; " : "",
             s->refused, (s->aside[0] || s->refused[0]) && sync ? "; " : "",
             sync ? "syncing to disk fails: the newest events may not survive a power cut" : "");
    return s->trouble;
}

const char *store_state(const struct store *s)
{
    if (s->refused[0])
        return s->refused_code == STORE_E_FULL        ? "full"
               : s->refused_code == STORE_E_READ_ONLY ? "read_only"
                                                      : "failing";
    if (s->note.damaged)
        return "damaged";
    return atomic_load(&s->sync.err) == MT_OK ? "ok" : "unsynced";
}

void store_path(const struct store *s, char out[STORE_PATH_MAX], const char *what, ...)
{
    size_t n = strlen(s->dir);
    va_list ap;

    memcpy(out, s->dir, n);
    out[n++] = '/';
    va_start(ap, what);
    vsnprintf(out + n, STORE_PATH_MAX - n, what, ap);
    va_end(ap);
}

/* --- the turn --- */

void store_turn_failed(struct store *s, int rc)
{
    if (s->turn.open && !s->turn.err)
        s->turn.err = rc;
}

int store_begin(struct store *s)
{
    s->turn.open = true;
    return s->turn.err;
}

int store_write(struct store *s)
{
    sqlite3_stmt *st;

    if (store_begin(s) != MT_OK || s->turn.begun)
        return s->turn.err;
    st = store_stmt(s, SQL_BEGIN);
    if (!st || store_run(s, st) != MT_OK) {
        store_turn_failed(s, STORE_E_IO);
        return s->turn.err;
    }
    s->turn.begun = true;
    return MT_OK;
}

bool store_in_turn(const struct store *s)
{
    return s->turn.open;
}

void store_rollback(struct store *s)
{
    sqlite3_stmt *st;
    char why[sizeof s->error];

    if (!s->turn.open)
        return;
    memcpy(why, s->error, sizeof why);
    s->turn.open = false;
    if (s->turn.begun && !sqlite3_get_autocommit(s->db) && (st = store_stmt(s, SQL_ROLLBACK)))
        store_run(s, st);
    memcpy(s->error, why, sizeof why);
    s->turn.begun = false;
    s->turn.err = MT_OK;
    store_seen_forget(s);
    store_journal_rolled_back(s);
    store_accounts_rolled_back(s);
    store_cache_rolled_back(s);
}

static int commit_state(struct store *s)
{
    sqlite3_stmt *st = store_stmt(s, SQL_COMMIT);

    if (!st)
        return STORE_E_IO;
    return store_run(s, st);
}

int store_commit(struct store *s, uint64_t *turn)
{
    int err = s->turn.err;

    if (err == MT_OK && s->turn.open && s->turn.begun)
        err = commit_state(s);
    if (err != MT_OK) {
        store_say(s->refused, "the disk refuses writes: %.200s", s->error);
        s->refused_code = err;
        store_rollback(s);
        return err;
    }
    if (s->turn.begun) {
        s->refused[0] = 0;
        atomic_fetch_add(&s->committed, 1);
        store_journal_committed(s);
        store_accounts_committed(s);
    }
    store_cache_committed(s);
    s->turn.open = s->turn.begun = false;
    if (turn)
        *turn = atomic_load(&s->committed);
    return MT_OK;
}

int store_try(struct store *s)
{
    sqlite3_stmt *st;
    int rc;

    if (s->turn.open)
        return MT_E_STATE;
    rc = store_write(s);
    st = rc == MT_OK ? store_stmt(s, SQL_META_PUT) : NULL;
    if (!st)
        return store_end(s, true, rc == MT_OK ? STORE_E_IO : rc);
    store_bind_text(st, 1, "tried");
    sqlite3_bind_int64(st, 2, s->wall);
    return store_end(s, true, store_run(s, st));
}

int store_end(struct store *s, bool own, int rc)
{
    if (rc != MT_OK && rc != MT_E_NOT_FOUND)
        store_turn_failed(s, rc);
    if (!own)
        return rc;
    if (rc == MT_OK)
        return store_commit(s, NULL);
    store_rollback(s);
    return rc;
}

/* --- accounts in memory --- */

struct store_acct *store_acct(struct store *s, int32_t id)
{
    struct store_acct *a;

    for (struct store_acct **at = &s->accounts; (a = *at); at = &a->next)
        if (a->id == id) {
            *at = a->next;
            a->next = s->accounts;
            s->accounts = a;
            return a;
        }
    a = calloc(1, sizeof *a);
    if (!a) {
        store_fail(s, MT_E_NOMEM, "out of memory");
        return NULL;
    }
    a->store = s;
    a->id = id;
    store_ops_bind(a);
    a->next = s->accounts;
    s->accounts = a;
    return a;
}

bool store_is_gone(const struct store *s, int32_t id)
{
    if (!s->n_gone)
        return false;
    for (const struct store_acct *a = s->accounts; a; a = a->next)
        if (a->id == id)
            return a->gone;
    return false;
}

/* --- open and close --- */

static int make_folder(const char *path, char err[256])
{
    char part[STORE_PATH_MAX];
    size_t n = strlen(path);

    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0)
            continue;
        part[i] = 0;
        if (mkdir(part, 0700) < 0 && errno != EEXIST && (i == n || errno != EROFS)) {
            int ret = store_errno_code(errno);

            store_say(err, "cannot make %.180s: %s", part, strerror(errno));
            return ret;
        }
        if (i < n)
            part[i] = '/';
    }
    return MT_OK;
}

/* Ours, and closed to others: whoever reads keys.db is logged in. *was: the mode that had to be changed, or
 * 0. */
static int close_to_others(const char *path, mode_t *was, char err[256])
{
    struct stat st;

    *was = 0;
    if (stat(path, &st) < 0) {
        store_say(err, "%.180s: %s", path, strerror(errno));
        return store_errno_code(errno);
    }
    if (!S_ISDIR(st.st_mode)) {
        store_say(err, "%.180s is not a folder", path);
        return STORE_E_IO;
    }
    if (st.st_uid != geteuid()) {
        store_say(err, "%.180s belongs to the user with number %ld, and this is number %ld", path,
                  (long)st.st_uid, (long)geteuid());
        return STORE_E_FOREIGN;
    }
    if (!(st.st_mode & 077))
        return MT_OK;
    *was = st.st_mode & 07777;
    if (chmod(path, 0700) < 0) {
        store_say(err, "%.150s is open to others, which cannot be changed: %s", path, strerror(errno));
        return store_errno_code(errno);
    }
    return MT_OK;
}

static int make_folders(struct store *s, const char *dir, char err[256])
{
    char path[STORE_PATH_MAX];
    mode_t was = 0, other;
    int ret = make_folder(dir, err);

    if (ret == MT_OK)
        ret = close_to_others(dir, &was, err);
    if (was)
        mt_logf(s->env, MT_LOG_WARN, "store", "%.200s was open to others (mode %o): closed now", dir,
                (unsigned)was);

    snprintf(path, sizeof path, "%s/accounts", dir);
    if (ret == MT_OK)
        ret = make_folder(path, err);
    if (ret == MT_OK)
        ret = close_to_others(path, &other, err);
    snprintf(path, sizeof path, "%s/files", dir);
    if (ret == MT_OK)
        ret = make_folder(path, err);
    return ret == MT_OK ? close_to_others(path, &other, err) : ret;
}

static void set_aside(struct store *s, const char *path, const char *why)
{
    char to[STORE_PATH_MAX + 64], wal[STORE_PATH_MAX + 8], stamp[32];
    time_t now = (time_t)s->wall;
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    snprintf(to, sizeof to, "%s.damaged-%s", path, stamp);
    rename(path, to);
    snprintf(wal, sizeof wal, "%s-wal", path);
    snprintf(to, sizeof to, "%s.damaged-%s-wal", path, stamp);
    rename(wal, to);
    snprintf(wal, sizeof wal, "%s-shm", path);
    unlink(wal);
    store_sync_folder_of(path);
    store_say(s->aside,
              "state.db was damaged and set aside as state.db.damaged-%s; a new journal epoch began", stamp);
    mt_logf(s->env, MT_LOG_WARN, "store", "%s (%s)", s->aside, why);
}

/* A file that opens but is torn inside shows itself when the root of every table is read. */
static int probe(struct store *s, char err[256])
{
    static const char *const tables[] = {"meta",    "epoch", "account", "gone",    "update_state",
                                         "channel", "dc",    "peer",    "phone",   "outbox",
                                         "journal", "lost",  "sub",     "username"};
    char sql[64];

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        int rc;

        snprintf(sql, sizeof sql, "SELECT 1 FROM %s LIMIT 1", tables[i]);
        rc = store_db_exec(s->db, sql);
        if (rc != SQLITE_OK) {
            store_say(err, "state.db: %s", sqlite3_errmsg(s->db));
            /* a table that is not there is damage too */
            return rc == SQLITE_ERROR ? STORE_E_CORRUPT : store_db_code(rc);
        }
    }
    return MT_OK;
}

static void close_state(struct store *s)
{
    for (int id = 0; id < SQL_CACHE_BEGIN; id++) {
        sqlite3_finalize(s->stmt[id]);
        s->stmt[id] = NULL;
    }
    sqlite3_close(s->db);
    s->db = NULL;
}

static void forget_state(struct store *s)
{
    struct store_acct *next;

    close_state(s);
    store_seen_forget(s);
    store_ring_fini(&s->journal.ring);
    store_epoch_fini(s);
    for (struct store_acct *a = s->accounts; a; a = next) {
        next = a->next;
        free(a);
    }
    s->accounts = NULL;
    s->n_gone = 0;
}

/* How the folder was found. */
struct found {
    struct store_lock_note note;
    struct stat st; /* of state.db */
    bool wal;
};

static int try_state(struct store *s, const struct store_cfg *cfg, const struct found *found, bool look,
                     bool lost, char err[256])
{
    char path[STORE_PATH_MAX];
    int ret;

    store_path(s, path, "state.db");
    ret = store_db_open(path, STORE_DB_STATE, &store_schema_state, false, &s->db, err);
    if (ret != MT_OK)
        return ret;
    ret = look ? store_db_check(s->db) : MT_OK;
    if (ret != MT_OK) {
        store_say(err, "state.db: the integrity check failed");
        return ret;
    }
    ret = probe(s, err);
    if (ret != MT_OK)
        return ret;
    ret = store_journal_open(s);
    if (ret == MT_OK)
        ret = store_gone_open(s);
    if (ret == MT_OK)
        ret = store_epoch_open(s, cfg, &found->note, lost, found->wal, &found->st);
    if (ret == MT_OK)
        ret = store_accounts_adopt(s);
    if (ret != MT_OK)
        store_say(err, "%s", s->error);
    return ret;
}

/* A table or column is not there that every file of this version has: the text of the schema is damaged. */
static bool schema_is_damaged(struct store *s)
{
    bool damaged = false;

    for (int id = 0; s->db && id < SQL_CACHE_BEGIN && !damaged; id++) {
        sqlite3_stmt *st = NULL;

        damaged = sqlite3_prepare_v2(s->db, store_sql_text[id], -1, &st, NULL) == SQLITE_ERROR;
        sqlite3_finalize(st);
    }
    return damaged;
}

static int open_state(struct store *s, const struct store_cfg *cfg, struct found *found, char err[256])
{
    char path[STORE_PATH_MAX];
    bool there;
    int ret;

    store_path(s, path, "state.db-wal");
    found->wal = access(path, F_OK) == 0;
    store_path(s, path, "state.db");
    there = stat(path, &found->st) == 0 && found->st.st_size > 0;
    ret = try_state(s, cfg, found, found->note.damaged, !there && found->note.known, err);
    if (ret == STORE_E_IO && schema_is_damaged(s))
        ret = STORE_E_CORRUPT;
    if (ret != STORE_E_CORRUPT)
        return ret;
    store_rollback(s);
    forget_state(s);
    s->note.damaged = false;
    set_aside(s, path, err);
    return try_state(s, cfg, found, false, true, err);
}

static void free_all(struct store *s)
{
    store_cache_close(s);
    sqlite3_close(s->sync.db);
    forget_state(s);
    mt_wipe(s->seal_key, sizeof s->seal_key);
}

int store_open(const struct store_cfg *cfg, struct store **out, char err[256])
{
    struct found found = {0};
    struct store *s;
    int ret = MT_E_ARG;

    *out = NULL;
    err[0] = 0;
    s = calloc(1, sizeof *s);
    if (!s) {
        store_say(err, "out of memory");
        return MT_E_NOMEM;
    }
    s->env = cfg->env;
    s->wall = cfg->now.wall / MT_US_PER_S;
    s->lock_fd = -1;
    s->sync.due = WAL_DUE;
    s->journal.bounds.seconds = 7 * 86400;
    s->journal.bounds.events = 1000000;
    s->journal.bounds.bytes = 256 * 1024 * 1024;
    if (cfg->seal_key) {
        memcpy(s->seal_key, cfg->seal_key, sizeof s->seal_key);
        s->has_seal_key = true;
        s->seals = !cfg->unseal;
    }
    if (cfg->server_set)
        memcpy(s->server_set, cfg->server_set, sizeof s->server_set);
    if (!cfg->dir[0] || (size_t)snprintf(s->dir, sizeof s->dir, "%s", cfg->dir) >= sizeof s->dir) {
        store_say(err, "the name of the state folder is empty or too long");
        goto fail;
    }
    ret = make_folders(s, s->dir, err);
    if (ret == MT_OK)
        ret = store_lock_take(s->dir, &s->lock_fd, &found.note, err);
    if (ret == MT_OK)
        ret = open_state(s, cfg, &found, err);
    if (ret == MT_OK) {
        store_partial_recover(s->dir);
        *out = s;
        return MT_OK;
    }
fail:
    free_all(s);
    store_lock_release(s->lock_fd);
    free(s);
    if (!err[0])
        store_say(err, "%s", mt_strerror(ret));
    return ret;
}

void store_close(struct store *s)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    bool safe;

    if (!s)
        return;
    store_rollback(s);
    safe = store_sync_run(s) == MT_OK;
    free_all(s);
    store_path(s, path, "state.db");
    if (safe && stat(path, &st) == 0) {
        s->note.clean = true;
        s->note.ctime_s = (int64_t)st.st_ctim.tv_sec;
        s->note.ctime_ns = (int64_t)st.st_ctim.tv_nsec;
    }
    s->note.pid = 0;
    store_lock_write(s->lock_fd, &s->note);
    store_lock_release(s->lock_fd);
    free(s);
}
