#include "daemon/paths.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

static bool join(char *out, size_t cap, const char *dir, const char *rest)
{
    int n = snprintf(out, cap, "%s/%s", dir, rest);
    return n > 0 && (size_t)n < cap;
}

/* systemd gives a colon-separated list where several are configured: the first is ours. */
static bool first_of(char *out, size_t cap, const char *list)
{
    size_t n = list ? strcspn(list, ":") : 0;

    if (n == 0 || n >= cap)
        return false;
    memcpy(out, list, n);
    out[n] = 0;
    return true;
}

static bool home_folder(char *out, size_t cap, const char *variable, const char *below_home, const char *rest)
{
    const char *dir = getenv(variable);
    const char *home = getenv("HOME");
    char base[TGD_PATH_MAX];

    if (dir && dir[0] == '/')
        return join(out, cap, dir, rest);
    return home && home[0] == '/' && join(base, sizeof base, home, below_home) && join(out, cap, base, rest);
}

bool tgd_make_folder(const char *path, unsigned mode)
{
    char part[TGD_PATH_MAX];
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(part, path, n + 1);
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        if (mkdir(part, 0755) && errno != EEXIST)
            return false;
        *p = '/';
    }
    return mkdir(part, mode) == 0 || errno == EEXIST;
}

bool tgd_path_state(char *out, size_t cap)
{
    if (first_of(out, cap, getenv("STATE_DIRECTORY")))
        return true;
    return home_folder(out, cap, "XDG_STATE_HOME", ".local/state", "tgd");
}

bool tgd_path_socket(const char *state_dir, char *out, size_t cap)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char dir[TGD_PATH_MAX];

    if (first_of(dir, sizeof dir, getenv("RUNTIME_DIRECTORY")))
        return join(out, cap, dir, "tgd.sock");
    if (runtime && runtime[0] == '/' && join(dir, sizeof dir, runtime, "tgd") && tgd_make_folder(dir, 0700))
        return join(out, cap, dir, "tgd.sock");
    snprintf(dir, sizeof dir, "/run/user/%u", (unsigned)getuid());
    if (access(dir, W_OK) == 0) {
        strcat(dir, "/tgd");
        if (tgd_make_folder(dir, 0700))
            return join(out, cap, dir, "tgd.sock");
    }
    return join(out, cap, state_dir, "tgd.sock");
}

bool tgd_path_config(char *out, size_t cap)
{
    char dir[TGD_PATH_MAX];

    if (first_of(dir, sizeof dir, getenv("CONFIGURATION_DIRECTORY")) && join(out, cap, dir, "tgd.conf") &&
        access(out, F_OK) == 0)
        return true;
    if (home_folder(out, cap, "XDG_CONFIG_HOME", ".config", "tgd/tgd.conf") && access(out, F_OK) == 0)
        return true;
    return join(out, cap, "/etc", "tgd/tgd.conf") && access(out, F_OK) == 0;
}

bool tgd_in_memory(const char *path)
{
    struct statfs fs;

    return statfs(path, &fs) == 0 &&
           ((uint32_t)fs.f_type == TMPFS_MAGIC || (uint32_t)fs.f_type == RAMFS_MAGIC);
}
