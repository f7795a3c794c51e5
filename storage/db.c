#include "storage/db.h"
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void store_say(char err[STORE_ERR_MAX], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err, STORE_ERR_MAX, fmt, ap);
    va_end(ap);
}

int store_db_code(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return MT_OK;
    case SQLITE_NOMEM:
        return MT_E_NOMEM;
    case SQLITE_FULL:
        return STORE_E_FULL;
    case SQLITE_READONLY:
        return STORE_E_READ_ONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_E_CORRUPT;
    case SQLITE_TOOBIG:
        return MT_E_TOO_LARGE;
    default:
        return STORE_E_IO;
    }
}

int store_errno_code(int err)
{
    switch (err) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STORE_E_FULL;
    case EROFS:
    case EACCES:
    case EPERM:
        return STORE_E_READ_ONLY;
    default:
        return STORE_E_IO;
    }
}

/* errno of what failed last in the file and in its WAL or rollback journal. */
static int last_errno(sqlite3 *db)
{
    sqlite3_file *journal = NULL;
    int err = sqlite3_system_errno(db);

    if (!err)
        sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &err);
    if (!err && sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal) == SQLITE_OK &&
        journal && journal->pMethods)
        journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &err);
    return err;
}

int store_db_reason(sqlite3 *db, int rc)
{
    int code = store_db_code(rc);

    if (code == STORE_E_IO && db && ((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN))
        return store_errno_code(last_errno(db));
    return code;
}

int store_db_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int store_db_get(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int64_t store_db_int(sqlite3 *db, const char *sql, int64_t fallback)
{
    int64_t v = fallback;

    return store_db_get(db, sql, &v) == SQLITE_OK ? v : fallback;
}

/* The check tells of a page that it could not read like of damage: with the code of why it could not. */
static int judge(const char *text)
{
    static const char mark[] = "error code";
    const char *code = strstr(text, mark);
    int rc = code ? atoi(code + sizeof mark) : SQLITE_CORRUPT;

    if (strcmp(text, "ok") == 0)
        return MT_OK;
    rc = store_db_code(rc);
    return rc == MT_OK ? STORE_E_CORRUPT : rc;
}

int store_db_check(sqlite3 *db)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL), ret;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    ret = store_db_code(rc);
    if (rc == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(st, 0);

        ret = text ? judge((const char *)text) : MT_E_NOMEM;
    }
    sqlite3_finalize(st);
    return ret;
}

int store_db_sync_wal(sqlite3 *db)
{
    sqlite3_file *wal = NULL;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);

    if (rc != SQLITE_OK)
        return rc;
    if (!wal || !wal->pMethods)
        return SQLITE_OK; /* nothing was written since the WAL was folded in */
    return wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

int store_sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close(fd);
    return rc;
}

int store_sync_folder_of(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;

    if (!n || n >= sizeof folder) {
        errno = EINVAL;
        return -1;
    }
    memcpy(folder, path, n);
    folder[n] = 0;
    return store_sync_path(folder);
}

/* One that was copied here carelessly. */
static void close_to_others(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && st.st_mode & 077)
        chmod(path, 0600);
}

/* SQLite would make files 0644 less the umask; its -wal, -shm and -journal copy the mode of the main file. */
static int make_private_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 && errno == EEXIST) {
        close_to_others(path);
        return 0;
    }
    if (fd < 0)
        return -1;
    fchmod(fd, 0600);
    close(fd);
    return 0;
}

static const char *pragmas(enum store_db_kind kind)
{
    switch (kind) {
    case STORE_DB_STATE:
        return "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
               "PRAGMA cache_size=-192; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
               "PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF;";
    case STORE_DB_KEYS:
        return "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; PRAGMA cache_size=-32;"
               "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON;"
               "PRAGMA trusted_schema=OFF;";
    case STORE_DB_CACHE:
        return "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=128;"
               "PRAGMA journal_size_limit=1048576; PRAGMA cache_size=-64; PRAGMA mmap_size=0;"
               "PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF; PRAGMA trusted_schema=OFF;";
    }
    return "";
}

static int copy_before_migration(sqlite3 *db, const char *path, int version, char err[STORE_ERR_MAX])
{
    char copy[4096];
    sqlite3_stmt *st = NULL;
    int rc;

    if ((size_t)snprintf(copy, sizeof copy, "%s.v%d", path, version) >= sizeof copy)
        return STORE_E_IO;
    unlink(copy); /* of an attempt that did not end; the file itself still has the old version */
    if (make_private_file(copy) < 0) {
        rc = store_errno_code(errno);
        store_say(err, "cannot make %s: %s", copy, strerror(errno));
        return rc;
    }
    rc = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(st, 1, copy, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc != SQLITE_DONE)
        store_say(err, "cannot copy %s before its migration: %s", path, sqlite3_errmsg(db));
    rc = store_db_reason(db, rc);
    sqlite3_finalize(st);
    if (rc == MT_OK && (store_sync_path(copy) < 0 || store_sync_folder_of(copy) < 0)) {
        rc = store_errno_code(errno);
        store_say(err, "cannot sync %s: %s", copy, strerror(errno));
    }
    return rc;
}

static int migrate_one(sqlite3 *db, const struct store_schema *schema, int to, char err[STORE_ERR_MAX])
{
    char version[48];
    int rc = store_db_exec(db, "BEGIN IMMEDIATE");

    snprintf(version, sizeof version, "PRAGMA user_version=%d", to);
    if (rc == SQLITE_OK)
        rc = store_db_exec(db, schema->steps[to - 1]);
    if (rc == SQLITE_OK)
        rc = store_db_exec(db, version);
    if (rc == SQLITE_OK)
        rc = store_db_exec(db, "COMMIT");
    if (rc == SQLITE_OK)
        return MT_OK;
    store_say(err, "%s: migration to version %d failed: %s", schema->label, to, sqlite3_errmsg(db));
    rc = store_db_reason(db, rc);
    store_db_exec(db, "ROLLBACK");
    return rc;
}

/* Before anything is written: a file that is not ours, or too new, stays as it is. */
static int check_version(sqlite3 *db, const struct store_schema *schema, int *out, char err[STORE_ERR_MAX])
{
    int64_t version = -1, tables = -1;
    int rc = store_db_get(db, "PRAGMA user_version", &version);

    if (rc == SQLITE_OK)
        rc = store_db_get(db, "SELECT count(*) FROM sqlite_master", &tables);
    if (rc != SQLITE_OK) {
        store_say(err, "%s: %s", schema->label, sqlite3_errmsg(db));
        return store_db_reason(db, rc);
    }
    if (version < 0 || tables < 0) {
        store_say(err, "%s: the header is damaged", schema->label);
        return STORE_E_CORRUPT;
    }
    if (version > schema->n_steps) {
        store_say(err, "%s has schema version %lld, this tgd knows versions up to %d", schema->label,
                  (long long)version, schema->n_steps);
        return STORE_E_NEWER;
    }
    if (version == 0 && tables > 0) {
        store_say(err, "%s was not made by tgd", schema->label);
        return STORE_E_CORRUPT;
    }
    *out = (int)version;
    return MT_OK;
}

/*
 * SQLite takes a file for read-only whose header names a write format that it does not know, and one that it
 * could not open for writing. (It reads: a descriptor of our own would drop SQLite's locks when it is
 * closed.)
 */
static int check_writable(sqlite3 *db, const struct store_schema *schema, char err[STORE_ERR_MAX])
{
    enum { WRITE_FORMAT = 18, KNOWN = 2 };
    sqlite3_file *file = NULL;
    uint8_t head[WRITE_FORMAT + 1] = {0};

    if (sqlite3_db_readonly(db, "main") != 1)
        return MT_OK;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK && file &&
        file->pMethods && file->pMethods->xRead(file, head, sizeof head, 0) == SQLITE_OK &&
        head[WRITE_FORMAT] > KNOWN) {
        store_say(err, "%s: the header is damaged", schema->label);
        return STORE_E_CORRUPT;
    }
    store_say(err, "%s cannot be opened for writing", schema->label);
    return STORE_E_READ_ONLY;
}

static int migrate(sqlite3 *db, const char *path, const struct store_schema *schema, int version,
                   char err[STORE_ERR_MAX])
{
    int ret = MT_OK;

    if (version > 0 && version < schema->n_steps)
        ret = copy_before_migration(db, path, version, err);
    for (int to = version + 1; ret == MT_OK && to <= schema->n_steps; to++)
        ret = migrate_one(db, schema, to, err);
    return ret;
}

static int open_and_migrate(sqlite3 *db, const char *path, enum store_db_kind kind,
                            const struct store_schema *schema, char err[STORE_ERR_MAX])
{
    int version = 0, rc, ret = check_version(db, schema, &version, err);

    if (ret != MT_OK)
        return ret;
    ret = check_writable(db, schema, err);
    if (ret != MT_OK)
        return ret;
    rc = store_db_exec(db, pragmas(kind));
    if (rc != SQLITE_OK) {
        store_say(err, "%s: %s", schema->label, sqlite3_errmsg(db));
        return store_db_reason(db, rc);
    }
    return migrate(db, path, schema, version, err);
}

int store_db_open(const char *path, enum store_db_kind kind, const struct store_schema *schema,
                  bool must_exist, sqlite3 **out, char err[STORE_ERR_MAX])
{
    sqlite3 *db = NULL;
    int rc, ret;

    *out = NULL;
    err[0] = 0;
    if (must_exist && access(path, F_OK) < 0) {
        ret = errno == ENOENT ? MT_E_NOT_FOUND : STORE_E_IO;
        store_say(err, "%s: %s", path, strerror(errno));
        return ret;
    }
    if (must_exist)
        close_to_others(path);
    if (!must_exist && make_private_file(path) < 0) {
        ret = store_errno_code(errno);
        store_say(err, "cannot make %s: %s", path, strerror(errno));
        return ret;
    }
    rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_extended_result_codes(db, 1);
        sqlite3_busy_timeout(db, 2000);
        ret = open_and_migrate(db, path, kind, schema, err);
    } else {
        store_say(err, "%s: %s", schema->label, sqlite3_errstr(rc));
        ret = store_db_code(rc);
    }
    if (ret != MT_OK) {
        sqlite3_close(db);
        return ret;
    }
    *out = db;
    return MT_OK;
}
