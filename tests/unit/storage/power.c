/* What the files were at their last sync, and the folder that a machine finds after its power went. */
#include "tests/unit/storage/faults_internal.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    char dir[256], kept[256];
} watch;

void fault_copy_file(const char *from, const char *to)
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
bool fault_kept_name(const char *name, char out[600])
{
    size_t n = strlen(watch.dir);

    if (!watch.kept[0] || strncmp(name, watch.dir, n) != 0 || name[n] != '/')
        return false;
    snprintf(out, 600, "%s/%s", watch.kept, name + n + 1);
    for (char *p = out + strlen(watch.kept) + 1; *p; p++)
        if (*p == '/')
            *p = '%';
    return true;
}

/* The folder of `name` is synced: what was deleted there stays deleted. */
void fault_forget_deleted(const char *name)
{
    static const char *const tails[] = {"-journal", "-wal", ""};
    char path[256], kept[600], *dot;

    snprintf(path, sizeof path, "%s", name);
    dot = strstr(path, ".db");
    for (size_t i = 0; dot && i < sizeof tails / sizeof *tails; i++) {
        strcpy(dot + 3, tails[i]);
        if (__real_access(path, F_OK) != 0 && fault_kept_name(path, kept))
            __real_unlink(kept);
    }
}

void fault_power_watch(const char *dir, const char *kept)
{
    snprintf(watch.dir, sizeof watch.dir, "%s", dir ? dir : "");
    snprintf(watch.kept, sizeof watch.kept, "%s", kept ? kept : "");
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
            __real_unlink(path);
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
        if (__real_access(to, F_OK) != 0)
            fault_copy_file(from, to);
    }
    closedir(d);
}

void fault_power_cut(const char *dir, const char *kept, unsigned seed)
{
    if (seed & 1)
        resurrect(dir, kept);
    cut_folder(dir, "", kept, &seed);
}

/* What was synced of the files in a folder stays so under its new name. */
void fault_kept_moves(const char *from, const char *to)
{
    char old[600], now[600];
    DIR *d = fault_kept_name(from, old) && fault_kept_name(to, now) ? opendir(watch.kept) : NULL;
    size_t skip = strlen(watch.kept) + 1, n = d ? strlen(old + skip) : 0;
    struct dirent *e;

    while (d && (e = readdir(d))) {
        char a[1200], b[1200];

        if (strncmp(e->d_name, old + skip, n) != 0 || e->d_name[n] != '%')
            continue;
        snprintf(a, sizeof a, "%s/%s", watch.kept, e->d_name);
        snprintf(b, sizeof b, "%s%s", now, e->d_name + n);
        __real_rename(a, b);
    }
    if (d)
        closedir(d);
}
