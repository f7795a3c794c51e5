#include "tests/unit/storage/faults.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

static struct {
    enum fault_kind kind;
    int at, count;
    bool lasting, fired;
    char dir[256], kept[256];
} fault;

struct fault_file {
    sqlite3_file base;
    char name[256]; /* full path; "" = temporary */
    bool dir_sync;  /* a new journal or WAL: its first sync is one of its folder too */
    sqlite3_file *real;
};

static sqlite3_vfs *system_vfs;
static sqlite3_vfs vfs;

void fault_arm(enum fault_kind kind, int at, bool lasting)
{
    fault.kind = kind;
    fault.at = at;
    fault.count = 0;
    fault.lasting = lasting;
    fault.fired = false;
}

int fault_count(void)
{
    return fault.count;
}

bool fault_fired(void)
{
    return fault.fired;
}

/* The fault that this effect meets. FAULT_KILL does not return, nor FAULT_TORN where nothing can tear. */
static enum fault_kind meet(bool is_write)
{
    fault.count++;
    if (fault.kind == FAULT_NONE || fault.count < fault.at || (fault.count > fault.at && !fault.lasting))
        return FAULT_NONE;
    fault.fired = true;
    if (fault.kind == FAULT_KILL || (fault.kind == FAULT_TORN && !is_write))
        kill(getpid(), SIGKILL);
    return fault.kind;
}

static struct fault_file *of(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

/* --- what was synced --- */

static void copy_file(const char *from, const char *to)
{
    char buf[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out;
    ssize_t n;

    if (in < 0)
        return;
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    while (out >= 0 && (n = read(in, buf, sizeof buf)) > 0)
        if (write(out, buf, (size_t)n) != n)
            break;
    close(in);
    if (out >= 0)
        close(out);
}

/* dir/a/b as kept/a%b */
static bool kept_name(const char *name, char out[600])
{
    size_t n = strlen(fault.dir);

    if (!fault.kept[0] || strncmp(name, fault.dir, n) != 0 || name[n] != '/')
        return false;
    snprintf(out, 600, "%s/%s", fault.kept, name + n + 1);
    for (char *p = out + strlen(fault.kept) + 1; *p; p++)
        if (*p == '/')
            *p = '%';
    return true;
}

/* The folder of `name` is synced: what was deleted there stays deleted. */
static void forget_deleted(const char *name)
{
    static const char *const tails[] = {"-journal", "-wal", ""};
    char path[256], kept[600], *dot;

    snprintf(path, sizeof path, "%s", name);
    dot = strstr(path, ".db");
    for (size_t i = 0; dot && i < sizeof tails / sizeof *tails; i++) {
        strcpy(dot + 3, tails[i]);
        if (access(path, F_OK) != 0 && kept_name(path, kept))
            unlink(kept);
    }
}

void fault_power_watch(const char *dir, const char *kept)
{
    snprintf(fault.dir, sizeof fault.dir, "%s", dir ? dir : "");
    snprintf(fault.kept, sizeof fault.kept, "%s", kept ? kept : "");
    if (kept)
        mkdir(kept, 0700);
}

static size_t read_whole(const char *path, uint8_t **out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;

    *out = NULL;
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && (*out = calloc(1, (size_t)st.st_size + 1))) {
        ssize_t got = read(fd, *out, (size_t)st.st_size);

        n = got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return n;
}

static void cut_file(const char *path, const char *kept, unsigned *seed)
{
    enum { SECTOR = 512 };
    uint8_t *now, *was;
    size_t n_now = read_whole(path, &now), n_was = read_whole(kept, &was);
    size_t n = *seed && n_now > n_was ? n_now : n_was;
    uint8_t *out = calloc(1, n + 1);
    FILE *f;

    assert_non_null(out);
    if (n_was)
        memcpy(out, was, n_was);
    for (size_t i = 0; *seed && i < n_now && i < n; i += SECTOR) {
        size_t len = n_now - i < SECTOR ? n_now - i : SECTOR;

        *seed = *seed * 1103515245u + 12345u;
        if (len > n - i)
            len = n - i;
        if (*seed >> 30) /* three of four sectors made it */
            memcpy(out + i, now + i, len);
    }
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(out, 1, n, f), n);
    fclose(f);
    free(out);
    free(now);
    free(was);
}

static void cut_folder(const char *dir, const char *prefix, const char *kept, unsigned *seed)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    assert_non_null(d);
    while ((e = readdir(d))) {
        char path[512], name[512], shadow[1200];
        struct stat st;

        if (e->d_name[0] == '.' && strncmp(e->d_name, ".removed", 8) != 0)
            continue;
        snprintf(path, sizeof path, "%.200s/%.200s", dir, e->d_name);
        snprintf(name, sizeof name, "%.200s%.200s", prefix, e->d_name);
        snprintf(shadow, sizeof shadow, "%s/%s", kept, name);
        if (stat(path, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            strcat(name, "%");
            cut_folder(path, name, kept, seed);
        } else if (strstr(e->d_name, "-shm")) {
            unlink(path);
        } else if (strstr(e->d_name, ".db")) {
            cut_file(path, shadow, seed);
        }
    }
    closedir(d);
}

/* A delete that was not synced may not have happened. */
static void resurrect(const char *dir, const char *kept)
{
    DIR *d = opendir(kept);
    struct dirent *e;

    assert_non_null(d);
    while ((e = readdir(d))) {
        char from[600], to[600];

        if (e->d_name[0] == '.')
            continue;
        snprintf(from, sizeof from, "%.300s/%.255s", kept, e->d_name);
        snprintf(to, sizeof to, "%.300s/%.255s", dir, e->d_name);
        for (char *p = to + strlen(dir) + 1; *p; p++)
            if (*p == '%')
                *p = '/';
        if (access(to, F_OK) != 0)
            copy_file(from, to);
    }
    closedir(d);
}

void fault_power_cut(const char *dir, const char *kept, unsigned seed)
{
    if (seed & 1)
        resurrect(dir, kept);
    cut_folder(dir, "", kept, &seed);
}

/* --- the file --- */

static int f_close(sqlite3_file *file)
{
    return of(file)->real->pMethods ? of(file)->real->pMethods->xClose(of(file)->real) : SQLITE_OK;
}

static int f_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    return of(file)->real->pMethods->xRead(of(file)->real, p, n, at);
}

static int f_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *real = of(file)->real;

    switch (meet(true)) {
    case FAULT_TORN:
        real->pMethods->xWrite(real, p, n / 2, at);
        kill(getpid(), SIGKILL);
        return SQLITE_IOERR;
    case FAULT_FULL:
        return SQLITE_FULL;
    case FAULT_IO:
        return SQLITE_IOERR_WRITE;
    case FAULT_NONE:
    case FAULT_KILL:
        break;
    }
    return real->pMethods->xWrite(real, p, n, at);
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (meet(false) != FAULT_NONE)
        return SQLITE_IOERR_TRUNCATE;
    return of(file)->real->pMethods->xTruncate(of(file)->real, size);
}

static int f_sync(sqlite3_file *file, int flags)
{
    char to[600];

    if (meet(false) != FAULT_NONE)
        return SQLITE_IOERR_FSYNC;
    if (kept_name(of(file)->name, to)) {
        copy_file(of(file)->name, to);
        if (of(file)->dir_sync)
            forget_deleted(of(file)->name);
        of(file)->dir_sync = false;
    }
    return SQLITE_OK;
}

static int f_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int f_lock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int f_unlock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int f_reserved(sqlite3_file *file, int *out)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, out);
}

static int f_control(sqlite3_file *file, int op, void *arg)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, op, arg);
}

static int f_sector(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int f_device(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static int f_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return of(file)->real->pMethods->xShmMap(of(file)->real, page, size, extend, out);
}

static int f_shm_lock(sqlite3_file *file, int at, int n, int flags)
{
    return of(file)->real->pMethods->xShmLock(of(file)->real, at, n, flags);
}

static void f_shm_barrier(sqlite3_file *file)
{
    of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int f_shm_unmap(sqlite3_file *file, int del)
{
    return of(file)->real->pMethods->xShmUnmap(of(file)->real, del);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = f_close,
                                           .xRead = f_read,
                                           .xWrite = f_write,
                                           .xTruncate = f_truncate,
                                           .xSync = f_sync,
                                           .xFileSize = f_size,
                                           .xLock = f_lock,
                                           .xUnlock = f_unlock,
                                           .xCheckReservedLock = f_reserved,
                                           .xFileControl = f_control,
                                           .xSectorSize = f_sector,
                                           .xDeviceCharacteristics = f_device,
                                           .xShmMap = f_shm_map,
                                           .xShmLock = f_shm_lock,
                                           .xShmBarrier = f_shm_barrier,
                                           .xShmUnmap = f_shm_unmap};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct fault_file *f = of(file);
    int rc;

    memset(f, 0, sizeof *f);
    f->real = (sqlite3_file *)(f + 1);
    snprintf(f->name, sizeof f->name, "%s", name ? name : "");
    rc = system_vfs->xOpen(system_vfs, name, f->real, flags, out);
    if (rc == SQLITE_OK)
        f->base.pMethods = &methods;
    f->dir_sync = (flags & SQLITE_OPEN_CREATE) && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL));
    return rc;
}

static int v_delete(sqlite3_vfs *v, const char *name, int sync)
{
    char to[600];
    int rc;

    if (meet(false) != FAULT_NONE)
        return SQLITE_IOERR_DELETE;
    rc = system_vfs->xDelete(system_vfs, name, 0);
    if (rc == SQLITE_OK && sync && kept_name(name, to))
        unlink(to);
    return rc;
}

void fault_install(void)
{
    system_vfs = sqlite3_vfs_find(NULL);
    vfs = *system_vfs;
    vfs.pNext = NULL;
    vfs.zName = "fault";
    vfs.szOsFile = (int)sizeof(struct fault_file) + system_vfs->szOsFile;
    vfs.xOpen = v_open;
    vfs.xDelete = v_delete;
    sqlite3_vfs_register(&vfs, 1);
}

/* --- what storage/ does by itself (linked with --wrap) --- */

int __real_mkdir(const char *path, mode_t mode);
int __real_rename(const char *from, const char *to);
int __real_unlinkat(int dir, const char *path, int flags);
int __real_ftruncate64(int fd, off_t size);
ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __real_fsync(int fd);

int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlinkat(int dir, const char *path, int flags);
int __wrap_ftruncate64(int fd, off_t size);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);

static bool refuse(void)
{
    enum fault_kind kind = meet(false);

    errno = kind == FAULT_FULL ? ENOSPC : EIO;
    return kind != FAULT_NONE;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return refuse() ? -1 : __real_mkdir(path, mode);
}

/* What was synced of the files in a folder stays so under its new name. */
static void kept_moves(const char *from, const char *to)
{
    char old[600], now[600];
    DIR *d = kept_name(from, old) && kept_name(to, now) ? opendir(fault.kept) : NULL;
    size_t skip = strlen(fault.kept) + 1, n = d ? strlen(old + skip) : 0;
    struct dirent *e;

    while (d && (e = readdir(d))) {
        char a[1200], b[1200];

        if (strncmp(e->d_name, old + skip, n) != 0 || e->d_name[n] != '%')
            continue;
        snprintf(a, sizeof a, "%s/%s", fault.kept, e->d_name);
        snprintf(b, sizeof b, "%s%s", now, e->d_name + n);
        __real_rename(a, b);
    }
    if (d)
        closedir(d);
}

int __wrap_rename(const char *from, const char *to)
{
    int rc = refuse() ? -1 : __real_rename(from, to);

    if (rc == 0)
        kept_moves(from, to);
    return rc;
}

int __wrap_unlinkat(int dir, const char *path, int flags)
{
    return refuse() ? -1 : __real_unlinkat(dir, path, flags);
}

int __wrap_ftruncate64(int fd, off_t size)
{
    return refuse() ? -1 : __real_ftruncate64(fd, size);
}

ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return refuse() ? -1 : __real_pwrite64(fd, p, n, at);
}

int __wrap_fdatasync(int fd)
{
    return refuse() ? -1 : 0;
}

int __wrap_fsync(int fd)
{
    return refuse() ? -1 : 0;
}
