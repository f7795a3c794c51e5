/*
 * Loaded before the C library (LD_PRELOAD): calls that change files below a folder fail, or take their time,
 * while a control file says so. FAULTY_DISK=CONTROL:FOLDER; a line of CONTROL is "sync|write ERRNO" or
 * "sync ms MILLISECONDS"; without the file all is well. What only the kernel could do otherwise: a disk that
 * fails under files that are open already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *folder(void)
{
    const char *both = getenv("FAULTY_DISK"), *colon = both ? strchr(both, ':') : NULL;

    return colon ? colon + 1 : NULL;
}

/* The number behind `key` in the control file; 0: there is none. */
static int told(const char *key)
{
    const char *both = getenv("FAULTY_DISK");
    char path[4096], text[256], *at;
    int saved = errno;
    long n;
    int fd;

    snprintf(path, sizeof path, "%.*s", both ? (int)strcspn(both, ":") : 0, both ? both : "");
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    errno = saved;
    text[n > 0 ? n : 0] = 0;
    at = strstr(text, key);
    return at ? atoi(at + strlen(key)) : 0;
}

static int is_ours(const char *path)
{
    const char *dir = folder();

    return dir && strncmp(path, dir, strlen(dir)) == 0;
}

static int is_ours_fd(int fd)
{
    char link[64], path[4096];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    return is_ours(path);
}

static int fails(const char *key)
{
    int err = told(key);

    if (err)
        errno = err;
    return err;
}

static int synced(int fd)
{
    int ms = is_ours_fd(fd) ? told("sync ms ") : 0;
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

    if (ms)
        nanosleep(&ts, NULL);
    return is_ours_fd(fd) && fails("sync ") ? -1 : 0;
}

int fdatasync(int fd)
{
    return synced(fd);
}

int fsync(int fd)
{
    return synced(fd);
}

static ssize_t write_at(int fd, const void *p, size_t n, off_t at)
{
    return is_ours_fd(fd) && fails("write ") ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    return write_at(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return write_at(fd, p, n, at);
}

int ftruncate64(int fd, off64_t n)
{
    return is_ours_fd(fd) && fails("write ") ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int unlink(const char *path)
{
    return is_ours(path) && fails("write ") ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
    return is_ours(path) && fails("write ") ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list ap;

    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && is_ours(path) && fails("write "))
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
