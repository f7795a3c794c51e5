#include "storage/backup.h"
#include "storage/internal.h"
#include "storage/partial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_PAGES = 256, BUSY_MS = 5000 };

struct store_backup {
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX], part[STORE_PATH_MAX];
    char err[STORE_ERR_MAX];
    unsigned accounts, damaged;
    int held; /* the part, while it is made */
    atomic_bool cancelled;
    _Atomic uint64_t done, total;
};

int store_backup_new(struct store *s, const char *to, struct store_backup **out, char err[256])
{
    size_t n = strlen(to), dir = strlen(s->dir);
    struct store_backup *b;
    struct stat st;

    *out = NULL;
    while (n > 1 && to[n - 1] == '/')
        n--;
    if (to[0] != '/' || n < 2 || n > STORE_PATH_MAX - 256) {
        store_say(err, "the place of a backup is an absolute path");
        return MT_E_ARG;
    }
    if (strncmp(to, s->dir, dir) == 0 && (to[dir] == '/' || n <= dir)) {
        store_say(err, "a backup cannot lie in the state folder itself");
        return MT_E_ARG;
    }
    b = calloc(1, sizeof *b);
    if (!b)
        return MT_E_NOMEM;
    memcpy(b->from, s->dir, dir + 1);
    memcpy(b->to, to, n);
    if (lstat(b->to, &st) == 0) {
        store_say(err, "%.200s exists already", b->to);
        free(b);
        return STORE_E_EXISTS;
    }
    *out = b;
    return MT_OK;
}

void store_backup_free(struct store_backup *b)
{
    free(b);
}

void store_backup_cancel(struct store_backup *b)
{
    atomic_store(&b->cancelled, true);
}

void store_backup_progress(const struct store_backup *b, uint64_t *done, uint64_t *total)
{
    *total = atomic_load(&b->total);
    *done = atomic_load(&b->done);
}

const char *store_backup_error(const struct store_backup *b)
{
    return b->err;
}

void store_backup_accounts(const struct store_backup *b, unsigned *accounts, unsigned *damaged)
{
    *accounts = b->accounts;
    *damaged = b->damaged;
}

/* --- parts --- */

static int say_errno(struct store_backup *b, const char *what, const char *path)
{
    int code = store_errno_code(errno);

    store_say(b->err, "cannot %s %.150s: %s", what, path, strerror(errno));
    return code;
}

static int say_sqlite(struct store_backup *b, const char *path, sqlite3 *db, int rc)
{
    store_say(b->err, "%.150s: %s", path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    return store_db_reason(db, rc);
}

static void join(char out[STORE_PATH_MAX], const char *dir, const char *name)
{
    snprintf(out, STORE_PATH_MAX, "%.3000s/%.900s", dir, name);
}

static int sync_path(struct store_backup *b, const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC), rc = fd < 0 ? -1 : fsync(fd);

    rc = rc < 0 ? say_errno(b, "sync", path) : MT_OK;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int make_file(struct store_backup *b, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return say_errno(b, "make", path);
    fchmod(fd, 0600);
    close(fd);
    return MT_OK;
}

static int make_dir(struct store_backup *b, const char *path)
{
    return mkdir(path, 0700) < 0 ? say_errno(b, "make", path) : MT_OK;
}

static void expect(struct store_backup *b, int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0)
        atomic_fetch_add(&b->total, (uint64_t)st.st_size);
}

/* The bytes as they are. */
static int copy_bytes(struct store_backup *b, const char *from, const char *to)
{
    char buf[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1, rc = MT_OK;
    ssize_t n = 0;

    if (in < 0)
        return errno == ENOENT ? MT_E_NOT_FOUND : say_errno(b, "read", from);
    expect(b, in);
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0)
        rc = say_errno(b, "make", to);
    while (rc == MT_OK && (n = read(in, buf, sizeof buf)) > 0) {
        for (ssize_t at = 0, w; at < n && rc == MT_OK; at += w)
            if ((w = write(out, buf + at, (size_t)(n - at))) <= 0)
                rc = say_errno(b, "write", to);
        atomic_fetch_add(&b->done, (uint64_t)n);
        if (atomic_load(&b->cancelled))
            rc = STORE_E_CANCELLED;
    }
    if (rc == MT_OK && n < 0)
        rc = say_errno(b, "read", from);
    if (rc == MT_OK && fsync(out) < 0)
        rc = say_errno(b, "sync", to);
    mt_wipe(buf, sizeof buf);
    close(in);
    if (out >= 0)
        close(out);
    return rc;
}

/* MT_OK, or MT_E_NOT_FOUND: it is not there; another error: who knows. */
static int find(struct store_backup *b, const char *path)
{
    if (access(path, F_OK) == 0)
        return MT_OK;
    return errno == ENOENT ? MT_E_NOT_FOUND : say_errno(b, "read", path);
}

/* All pages as of one moment: the read transaction of `src` is open all the while. */
static int copy_pages(struct store_backup *b, sqlite3 *src, sqlite3 *dst, const char *path)
{
    uint64_t base = atomic_load(&b->done);
    int64_t size = store_db_int(src, "PRAGMA page_size", 4096);
    sqlite3_backup *backup = sqlite3_backup_init(dst, "main", src, "main");
    int rc = SQLITE_OK;

    if (!backup)
        return say_sqlite(b, path, dst, sqlite3_errcode(dst));
    atomic_fetch_add(&b->total, (uint64_t)(size * store_db_int(src, "PRAGMA page_count", 0)));
    while ((rc = sqlite3_backup_step(backup, STEP_PAGES)) == SQLITE_OK && !atomic_load(&b->cancelled))
        atomic_store(&b->done, base + (uint64_t)(size * (sqlite3_backup_pagecount(backup) -
                                                         sqlite3_backup_remaining(backup))));
    if (rc == SQLITE_DONE)
        atomic_store(&b->done, base + (uint64_t)(size * sqlite3_backup_pagecount(backup)));
    sqlite3_backup_finish(backup);
    if (rc == SQLITE_OK)
        return STORE_E_CANCELLED;
    return rc == SQLITE_DONE ? MT_OK : say_sqlite(b, path, dst, rc);
}

static int copy_db(struct store_backup *b, const char *from, const char *to)
{
    sqlite3 *src = NULL, *dst = NULL;
    int ret, rc = sqlite3_open_v2(from, &src, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    ret = rc == SQLITE_OK ? make_file(b, to) : say_sqlite(b, from, src, rc);
    if (ret == MT_OK) {
        sqlite3_busy_timeout(src, BUSY_MS);
        rc = store_db_exec(
            src, "PRAGMA cache_size=8; PRAGMA mmap_size=0; BEGIN; SELECT count(*) FROM sqlite_master");
        if (rc != SQLITE_OK)
            ret = say_sqlite(b, from, src, rc);
    }
    if (ret == MT_OK) {
        rc = sqlite3_open_v2(to, &dst, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
        if (rc == SQLITE_OK)
            rc = store_db_exec(dst, "PRAGMA cache_size=8; PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF");
        ret = rc == SQLITE_OK ? copy_pages(b, src, dst, from) : say_sqlite(b, to, dst, rc);
    }
    sqlite3_close(dst);
    sqlite3_close(src);
    return ret == MT_OK ? sync_path(b, to, O_RDWR) : ret;
}

/* --- accounts --- */

static bool is_damage(int rc)
{
    return rc == STORE_E_CORRUPT;
}

static int copy_account(struct store_backup *b, const char *name)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX], keys_from[STORE_PATH_MAX], keys_to[STORE_PATH_MAX];
    int rc;

    join(from, b->from, "accounts");
    join(keys_from, from, name);
    join(from, keys_from, "keys.db");
    join(to, b->part, "accounts");
    join(keys_to, to, name);
    join(to, keys_to, "keys.db");
    rc = find(b, from);
    if (rc != MT_OK)
        return rc == MT_E_NOT_FOUND ? MT_OK : rc; /* being added, or just removed */
    rc = make_dir(b, keys_to);
    if (rc == MT_OK)
        rc = copy_db(b, from, to);
    if (is_damage(rc)) { /* the rest is no less worth keeping */
        b->err[0] = 0;
        b->damaged++;
        unlink(to);
        rc = copy_bytes(b, from, to);
    }
    if (rc == MT_OK)
        rc = sync_path(b, keys_to, O_RDONLY | O_DIRECTORY);
    b->accounts += rc == MT_OK;
    return rc;
}

/* The proxy of all accounts, where one was set: restored without it they would go out directly. */
static int copy_own_keys(struct store_backup *b)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX];
    int rc;

    join(from, b->from, "keys.db");
    join(to, b->part, "keys.db");
    rc = find(b, from);
    if (rc == MT_OK)
        rc = copy_db(b, from, to);
    return rc == MT_E_NOT_FOUND ? MT_OK : rc;
}

/* Calls `one` for what is in FROM/what, after making PART/what. */
static int copy_dir(struct store_backup *b, const char *what,
                    int (*one)(struct store_backup *b, const char *name))
{
    char path[STORE_PATH_MAX];
    struct dirent *e;
    DIR *dir;
    int rc;

    join(path, b->part, what);
    rc = make_dir(b, path);
    join(path, b->from, what);
    dir = rc == MT_OK ? opendir(path) : NULL;
    if (rc == MT_OK && !dir)
        return errno == ENOENT ? MT_OK : say_errno(b, "read", path);
    errno = 0;
    while (rc == MT_OK && (e = readdir(dir))) {
        if (atomic_load(&b->cancelled))
            rc = STORE_E_CANCELLED;
        else if (e->d_name[0] != '.')
            rc = one(b, e->d_name);
        errno = 0;
    }
    if (rc == MT_OK && errno)
        rc = say_errno(b, "read", path);
    if (dir)
        closedir(dir);
    join(path, b->part, what);
    return rc == MT_OK ? sync_path(b, path, O_RDONLY | O_DIRECTORY) : rc;
}

static int account_of(struct store_backup *b, const char *name)
{
    return store_name_ok(name) ? copy_account(b, name) : MT_OK;
}

static int file_of(struct store_backup *b, const char *name)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX], dir[STORE_PATH_MAX];
    struct stat st;
    int rc;

    join(dir, b->from, "files");
    join(from, dir, name);
    join(dir, b->part, "files");
    join(to, dir, name);
    if (lstat(from, &st) < 0 || !S_ISREG(st.st_mode))
        return MT_OK;
    rc = copy_bytes(b, from, to);
    return rc == MT_E_NOT_FOUND ? MT_OK : rc; /* a transfer has ended */
}

/* An account that was removed while the copy was made is not in it: its row goes too. */
static int prune(struct store_backup *b)
{
    char path[STORE_PATH_MAX], dir[STORE_PATH_MAX], keys[STORE_PATH_MAX], sql[160];
    sqlite3_stmt *st = NULL;
    sqlite3 *db = NULL;
    int rc, ret = MT_OK;

    join(path, b->part, "state.db");
    join(dir, b->part, "accounts");
    rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "SELECT id, name FROM account", -1, &st, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        snprintf(keys, sizeof keys, "%.3000s/%.40s/keys.db", dir, (const char *)sqlite3_column_text(st, 1));
        ret = find(b, keys);
        if (ret == MT_OK)
            continue;
        if (ret != MT_E_NOT_FOUND)
            break;
        snprintf(sql, sizeof sql,
                 "REPLACE INTO gone(account_id) VALUES(%d); DELETE FROM account WHERE id = %d",
                 sqlite3_column_int(st, 0), sqlite3_column_int(st, 0));
        rc = store_db_exec(db, sql);
    }
    if (ret == MT_OK || ret == MT_E_NOT_FOUND)
        ret = rc == SQLITE_DONE ? MT_OK : say_sqlite(b, path, db, rc);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return ret == MT_OK ? sync_path(b, path, O_RDWR) : ret;
}

/* --- all of it --- */

static int run(struct store_backup *b)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX];
    int rc;

    store_partial_clean(b->to);
    b->held = store_partial_make(b->from, b->to, b->part);
    if (b->held < 0) {
        rc = say_errno(b, "make", b->part);
        b->part[0] = 0;
        return rc;
    }
    join(from, b->from, "state.db");
    join(to, b->part, "state.db");
    rc = copy_db(b, from, to);
    if (rc == MT_OK)
        rc = copy_dir(b, "accounts", account_of);
    if (rc == MT_OK)
        rc = copy_own_keys(b);
    if (rc == MT_OK)
        rc = prune(b);
    if (rc == MT_OK)
        rc = copy_dir(b, "files", file_of);
    if (rc == MT_OK)
        rc = sync_path(b, b->part, O_RDONLY | O_DIRECTORY);
    if (rc == MT_OK && atomic_load(&b->cancelled))
        rc = STORE_E_CANCELLED;
    return rc;
}

static int sync_parent(struct store_backup *b)
{
    char parent[STORE_PATH_MAX];

    memcpy(parent, b->to, sizeof parent);
    *(strrchr(parent, '/') + 1) = 0;
    return sync_path(b, parent, O_RDONLY | O_DIRECTORY);
}

static int put_in_place(struct store_backup *b)
{
    if (renameat2(AT_FDCWD, b->part, AT_FDCWD, b->to, RENAME_NOREPLACE) == 0)
        return MT_OK;
    if (errno != EEXIST && errno != ENOTEMPTY)
        return say_errno(b, "rename to", b->to);
    store_say(b->err, "%.200s exists by now", b->to);
    return STORE_E_EXISTS;
}

int store_backup_run(struct store_backup *b)
{
    int rc = run(b);

    if (rc == MT_OK && (rc = put_in_place(b)) == MT_OK) {
        store_partial_end(b->from, b->held);
        rc = sync_parent(b);
        if (rc != MT_OK) /* it may not be there after a power cut: then it is not there now either */
            store_remove_tree(b->to);
        return rc;
    }
    if (b->part[0])
        store_remove_tree(b->part);
    store_partial_end(b->from, b->held);
    if (rc == STORE_E_CANCELLED)
        store_say(b->err, "cancelled");
    return rc;
}
