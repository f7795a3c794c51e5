/* What storage/ does by itself, without SQLite (linked with --wrap). */
#include "tests/unit/storage/faults_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

int __real_mkdir(const char *path, mode_t mode);
int __real_unlinkat(int dir, const char *path, int flags);
int __real_ftruncate64(int fd, off_t size);
ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_renameat2(int old_dir, const char *from, int new_dir, const char *to, unsigned flags);
DIR *__real_opendir(const char *path);

DIR *__wrap_opendir(const char *path);
int __wrap_access(const char *path, int mode);
int __wrap_unlink(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlinkat(int dir, const char *path, int flags);
int __wrap_ftruncate64(int fd, off_t size);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_renameat2(int old_dir, const char *from, int new_dir, const char *to, unsigned flags);

static bool refuse(void)
{
    return fault_meet(FAULT_CHANGES, false) != FAULT_NONE;
}

static bool unreadable(void)
{
    return fault_meet(FAULT_READS, false) != FAULT_NONE;
}

DIR *__wrap_opendir(const char *path)
{
    return unreadable() ? NULL : __real_opendir(path);
}

int __wrap_access(const char *path, int mode)
{
    return unreadable() ? -1 : __real_access(path, mode);
}

int __wrap_unlink(const char *path)
{
    return refuse() ? -1 : __real_unlink(path);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return refuse() ? -1 : __real_mkdir(path, mode);
}

int __wrap_rename(const char *from, const char *to)
{
    int rc = refuse() ? -1 : __real_rename(from, to);

    if (rc == 0)
        fault_kept_moves(from, to);
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

static int sync_fd(int fd)
{
    char link[64], name[256], kept[600];
    ssize_t n;

    if (refuse())
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, name, sizeof name - 1);
    name[n > 0 ? n : 0] = 0;
    if (strstr(name, ".db") && fault_kept_name(name, kept))
        fault_copy_file(name, kept);
    return 0;
}

int __wrap_fdatasync(int fd)
{
    return sync_fd(fd);
}

int __wrap_fsync(int fd)
{
    return sync_fd(fd);
}

int __wrap_renameat2(int old_dir, const char *from, int new_dir, const char *to, unsigned flags)
{
    int rc = refuse() ? -1 : __real_renameat2(old_dir, from, new_dir, to, flags);

    if (rc == 0)
        fault_kept_moves(from, to);
    return rc;
}
