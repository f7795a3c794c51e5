#include "storage/partial.h"
#include "storage/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK ".partial-"
enum { RANDOM = 6 };

static void join(char out[STORE_PATH_MAX], const char *dir, const char *name)
{
    snprintf(out, STORE_PATH_MAX, "%.3000s/%.900s", dir, name);
}

/* What is below the folder that `fd` is; links are never gone through. */
static void empty(int fd)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* closed with its stream */
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    struct dirent *e;

    if (!dir && own >= 0)
        close(own);
    while (dir && (e = readdir(dir))) {
        int below;

        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || unlinkat(fd, e->d_name, 0) == 0)
            continue;
        below = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
            continue;
        empty(below);
        close(below);
        unlinkat(fd, e->d_name, AT_REMOVEDIR);
    }
    if (dir)
        closedir(dir);
}

void store_remove_tree(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return;
    empty(fd);
    close(fd);
    rmdir(path);
}

/* --- what may go --- */

/* Behind NAME: .partial-XXXXXX */
static bool is_tail(const char *tail)
{
    if (strncmp(tail, MARK, sizeof MARK - 1) != 0 || strlen(tail) != sizeof MARK - 1 + RANDOM)
        return false;
    for (const char *p = tail + sizeof MARK - 1; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *p))
            return false;
    return true;
}

static bool is_part(const char *name)
{
    static const char *const parts[] = {".", "..", "accounts", "files"};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(name, parts[i]))
            return true;
    return !strncmp(name, "state.db", 8) || !strncmp(name, "keys.db", 7);
}

static bool has_parts_only(int fd)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    struct dirent *e;
    bool only = dir != NULL;

    if (!dir && own >= 0)
        close(own);
    errno = 0;
    while (only && (e = readdir(dir)))
        only = is_part(e->d_name);
    only = only && errno == 0;
    if (dir)
        closedir(dir);
    return only;
}

static void remove_left(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 077) && has_parts_only(fd) &&
        flock(fd, LOCK_EX | LOCK_NB) == 0) {
        empty(fd); /* what was looked at, whatever stands at its path now */
        rmdir(path);
    }
    close(fd);
}

void store_partial_clean(const char *to)
{
    char parent[STORE_PATH_MAX], path[STORE_PATH_MAX];
    const char *name = strrchr(to, '/') + 1;
    size_t n = strlen(name);
    struct dirent *e;
    DIR *dir;

    snprintf(parent, sizeof parent, "%.*s", (int)(name - to), to);
    dir = opendir(parent);
    while (dir && (e = readdir(dir))) {
        if (strncmp(e->d_name, name, n) != 0 || !is_tail(e->d_name + n))
            continue;
        join(path, parent, e->d_name);
        remove_left(path);
    }
    if (dir)
        closedir(dir);
}

/* --- the note --- */

static void note_path(const char *state_dir, char out[STORE_PATH_MAX])
{
    join(out, state_dir, "backup.partial");
}

static void put_note(const char *state_dir, const char *to)
{
    char path[STORE_PATH_MAX];
    int fd;

    note_path(state_dir, path);
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return; /* then the next backup of that name finds it */
    if (pwrite(fd, to, strlen(to), 0) < 0)
        unlink(path);
    close(fd);
}

void store_partial_recover(const char *state_dir)
{
    char path[STORE_PATH_MAX], to[STORE_PATH_MAX];
    ssize_t n;
    int fd;

    note_path(state_dir, path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    n = pread(fd, to, sizeof to - 1, 0);
    close(fd);
    if (n > 0) {
        to[n] = 0;
        if (to[0] == '/')
            store_partial_clean(to);
    }
    unlink(path);
}

int store_partial_make(const char *state_dir, const char *to, char part[STORE_PATH_MAX])
{
    int fd;

    put_note(state_dir, to);
    snprintf(part, STORE_PATH_MAX, "%.3800s" MARK "XXXXXX", to);
    if (!mkdtemp(part))
        return -1;
    fd = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        rmdir(part);
    else
        (void)flock(fd, LOCK_EX | LOCK_NB); /* where it is not known, nothing is ever taken for left */
    return fd;
}

void store_partial_end(const char *state_dir, int fd)
{
    char path[STORE_PATH_MAX];

    note_path(state_dir, path);
    unlink(path);
    if (fd >= 0)
        close(fd);
}
