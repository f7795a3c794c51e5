#include "tests/unit/storage/faults_internal.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <sqlite3.h>

static struct {
    enum fault_kind kind;
    unsigned classes;
    int at, count, err; /* err: the errno of what failed last */
    bool lasting, fired;
} fault = {.classes = FAULT_CHANGES};

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
    fault.err = 0;
}

void fault_scope(unsigned classes)
{
    fault.classes = classes;
}

int fault_count(void)
{
    return fault.count;
}

bool fault_fired(void)
{
    return fault.fired;
}

static int errno_of(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_FULL:
        return ENOSPC;
    case FAULT_READ_ONLY:
        return EROFS;
    case FAULT_BUSY:
        return EAGAIN;
    case FAULT_IO:
    case FAULT_KILL:
    case FAULT_TORN:
    case FAULT_NONE:
        break;
    }
    return EIO;
}

/* The fault that this effect meets. FAULT_KILL does not return, nor FAULT_TORN where nothing can tear. */
enum fault_kind fault_meet(enum fault_class what, bool is_write)
{
    if (!(fault.classes & what))
        return FAULT_NONE;
    fault.count++;
    if (fault.kind == FAULT_NONE || fault.count < fault.at || (fault.count > fault.at && !fault.lasting))
        return FAULT_NONE;
    fault.fired = true;
    if (fault.kind == FAULT_KILL || (fault.kind == FAULT_TORN && !is_write))
        kill(getpid(), SIGKILL);
    fault.err = errno = errno_of(fault.kind);
    return fault.kind;
}

/* What an access says that meets a fault; SQLITE_OK: it does not. */
static int meet_access(enum fault_class what, int error)
{
    switch (fault_meet(what, false)) {
    case FAULT_NONE:
        return SQLITE_OK;
    case FAULT_BUSY:
        return what == FAULT_LOCKS ? SQLITE_BUSY : error;
    case FAULT_KILL:
    case FAULT_TORN:
    case FAULT_FULL:
    case FAULT_IO:
    case FAULT_READ_ONLY:
        break;
    }
    return error;
}

static struct fault_file *of(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

/* --- the file --- */

static int f_close(sqlite3_file *file)
{
    return of(file)->real->pMethods ? of(file)->real->pMethods->xClose(of(file)->real) : SQLITE_OK;
}

static int f_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    int rc = meet_access(FAULT_READS, SQLITE_IOERR_READ);

    return rc ? rc : of(file)->real->pMethods->xRead(of(file)->real, p, n, at);
}

static int f_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *real = of(file)->real;

    switch (fault_meet(FAULT_CHANGES, true)) {
    case FAULT_TORN:
        real->pMethods->xWrite(real, p, n / 2, at);
        kill(getpid(), SIGKILL);
        return SQLITE_IOERR;
    case FAULT_FULL:
        return SQLITE_FULL;
    case FAULT_IO:
    case FAULT_BUSY:
    case FAULT_READ_ONLY:
        return SQLITE_IOERR_WRITE;
    case FAULT_NONE:
    case FAULT_KILL:
        break;
    }
    return real->pMethods->xWrite(real, p, n, at);
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (fault_meet(FAULT_CHANGES, false) != FAULT_NONE)
        return SQLITE_IOERR_TRUNCATE;
    return of(file)->real->pMethods->xTruncate(of(file)->real, size);
}

static int f_sync(sqlite3_file *file, int flags)
{
    char to[600];

    if (fault_meet(FAULT_CHANGES, false) != FAULT_NONE)
        return SQLITE_IOERR_FSYNC;
    if (fault_kept_name(of(file)->name, to)) {
        fault_copy_file(of(file)->name, to);
        if (of(file)->dir_sync)
            fault_forget_deleted(of(file)->name);
        of(file)->dir_sync = false;
    }
    return SQLITE_OK;
}

static int f_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int rc = meet_access(FAULT_READS, SQLITE_IOERR_FSTAT);

    return rc ? rc : of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int f_lock(sqlite3_file *file, int level)
{
    int rc = meet_access(FAULT_LOCKS, SQLITE_IOERR_LOCK);

    return rc ? rc : of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int f_unlock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int f_reserved(sqlite3_file *file, int *out)
{
    int rc = meet_access(FAULT_LOCKS, SQLITE_IOERR_CHECKRESERVEDLOCK);

    return rc ? rc : of(file)->real->pMethods->xCheckReservedLock(of(file)->real, out);
}

static int f_control(sqlite3_file *file, int op, void *arg)
{
    if (op == SQLITE_FCNTL_LAST_ERRNO && fault.err) {
        *(int *)arg = fault.err;
        return SQLITE_OK;
    }
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
    int rc = meet_access(FAULT_LOCKS, SQLITE_IOERR_SHMMAP);

    return rc ? rc : of(file)->real->pMethods->xShmMap(of(file)->real, page, size, extend, out);
}

static int f_shm_lock(sqlite3_file *file, int at, int n, int flags)
{
    /* letting go does not fail: SQLite does not look whether it did */
    int rc = flags & SQLITE_SHM_LOCK ? meet_access(FAULT_LOCKS, SQLITE_IOERR_SHMLOCK) : SQLITE_OK;

    return rc ? rc : of(file)->real->pMethods->xShmLock(of(file)->real, at, n, flags);
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
    rc = meet_access(FAULT_READS, SQLITE_CANTOPEN);
    if (rc == SQLITE_OK)
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

    if (fault_meet(FAULT_CHANGES, false) != FAULT_NONE)
        return SQLITE_IOERR_DELETE;
    rc = system_vfs->xDelete(system_vfs, name, 0);
    if (rc == SQLITE_OK && sync && fault_kept_name(name, to))
        __real_unlink(to);
    return rc;
}

static int v_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
    int rc = meet_access(FAULT_READS, SQLITE_IOERR_ACCESS);

    return rc ? rc : system_vfs->xAccess(system_vfs, name, flags, out);
}

/* SQLite counts how long it asked to wait for a lock; nobody has to. */
static int v_sleep(sqlite3_vfs *v, int us)
{
    return us;
}

static int v_error(sqlite3_vfs *v, int n, char *text)
{
    return fault.err ? fault.err : system_vfs->xGetLastError(system_vfs, n, text);
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
    vfs.xAccess = v_access;
    vfs.xSleep = v_sleep;
    vfs.xGetLastError = v_error;
    sqlite3_vfs_register(&vfs, 1);
}
