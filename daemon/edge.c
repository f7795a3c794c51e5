#include "core/crypto/crypto.h"
#include "daemon/edge.h"
#include "daemon/loglines.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RANDOM_SMALL 16 /* bytes */

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;

    if (clock_gettime(id, &ts))
        abort();
    return (int64_t)ts.tv_sec * MT_US_PER_S + ts.tv_nsec / 1000;
}

static bool waiting;
static int64_t turn_began;

struct mt_now tgd_now(void)
{
    struct mt_now now = {.mono = clock_us(CLOCK_BOOTTIME), .wall = clock_us(CLOCK_REALTIME)};

    if (waiting) {
        waiting = false;
        turn_began = now.mono;
    }
    return now;
}

void tgd_turn_wait(void)
{
    waiting = true;
    turn_began = 0;
}

int64_t tgd_turn_began(void)
{
    return turn_began;
}

void tgd_boot_id(char out[40])
{
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

    strcpy(out, "unknown");
    if (!f)
        return;
    if (fgets(out, 37, f))
        out[strcspn(out, "\n")] = 0;
    fclose(f);
}

bool tgd_machine_id(uint8_t out[16])
{
    static const char salt[] = "tgd: machine of an account";
    const char *paths[] = {getenv("TGD_TEST_MACHINE_ID"), "/etc/machine-id", "/var/lib/dbus/machine-id"};
    uint8_t digest[32];
    char id[64] = "";

    for (size_t i = 0; i < sizeof paths / sizeof *paths && !id[0]; i++) {
        FILE *f = paths[i] ? fopen(paths[i], "re") : NULL;

        if (f && !fgets(id, sizeof id, f))
            id[0] = 0;
        if (f)
            fclose(f);
        id[strcspn(id, "\n")] = 0;
    }
    if (strlen(id) != 32) /* none, or "uninitialized" */
        return false;
    mt_hmac_sha256(digest, id, strlen(id), &(struct mt_part){salt, sizeof salt - 1}, 1);
    memcpy(out, digest, 16);
    return true;
}

/* --- log --- */

static const char *const level_name[] = {"trace", "debug", "info", "warn", "BROKEN"};
static const int syslog_level[] = {7, 7, 6, 4, 2};
static enum mt_log_level least_level = MT_LOG_INFO;

void tgd_log_level(enum mt_log_level least)
{
    least_level = least;
}

enum mt_log_level tgd_log_level_now(void)
{
    return least_level;
}

int tgd_log_level_by_name(const char *name)
{
    for (int i = 0; i < (int)(sizeof level_name / sizeof *level_name); i++)
        if (strcasecmp(name, level_name[i]) == 0)
            return i;
    return -1;
}

const char *tgd_log_level_name(enum mt_log_level level)
{
    return level == MT_LOG_BROKEN ? "broken" : level_name[level];
}

static void write_line(enum mt_log_level level, const char *area, const char *text)
{
    char line[768];
    int n;

    tgd_loglines_put(level, area, text, clock_us(CLOCK_REALTIME));
    if (getenv("JOURNAL_STREAM")) {
        n = snprintf(line, sizeof line, "<%d>%s: %s%s\n", syslog_level[level], area,
                     level == MT_LOG_BROKEN ? "BROKEN: " : "", text);
    } else {
        time_t now = time(NULL);
        struct tm tm;
        char stamp[32];

        localtime_r(&now, &tm);
        strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &tm);
        n = snprintf(line, sizeof line, "%s %-6s %s: %s\n", stamp, level_name[level], area, text);
    }
    if (n >= (int)sizeof line) {
        n = sizeof line - 1;
        line[n - 1] = '\n';
    }
    /* a log that cannot be written is no reason to stop */
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        return;
}

static void env_log(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    (void)ctx;
    if (level >= least_level)
        write_line(level, area, text);
}

void tgd_log(enum mt_log_level level, const char *area, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (level < least_level)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    write_line(level, area, text);
}

static void draw(uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

/* Few bytes (padding, ids) come from a drawn stock, since a packet wants some three times; what is given out
 * is wiped from it. Keys are longer than that. */
static void env_random(void *ctx, void *buf, size_t n)
{
    static _Thread_local uint8_t stock[256];
    static _Thread_local size_t left;

    (void)ctx;
    if (n > RANDOM_SMALL) {
        draw(buf, n);
        return;
    }
    if (left < n) {
        draw(stock, sizeof stock);
        left = sizeof stock;
    }
    left -= n;
    memcpy(buf, stock + left, n);
    mt_wipe(stock + left, n);
}

void tgd_env_init(struct mt_env *env)
{
    *env = (struct mt_env){.random = env_random, .log = env_log};
}

/* --- users and groups --- */

static bool is_number(const char *text, int64_t *out)
{
    if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

bool tgd_user_by_name(const char *name, int64_t *uid)
{
    const struct passwd *pw;

    if (is_number(name, uid))
        return true;
    pw = getpwnam(name);
    if (pw)
        *uid = pw->pw_uid;
    return pw;
}

bool tgd_group_by_name(const char *name, int64_t *gid)
{
    const struct group *gr;

    if (is_number(name, gid))
        return true;
    gr = getgrnam(name);
    if (gr)
        *gid = gr->gr_gid;
    return gr;
}

/* --- systemd --- */

void tgd_notify(const char *fmt, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    char text[512];
    va_list ap;
    int fd, n;

    if (len == 0 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || n >= (int)sizeof text)
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, (size_t)n, MSG_NOSIGNAL, (struct sockaddr *)&to,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

static long env_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long v;

    if (!text || !*text)
        return -1;
    v = strtol(text, &end, 10);
    return *end ? -1 : v;
}

int64_t tgd_watchdog_interval(void)
{
    long us = env_number("WATCHDOG_USEC");
    long pid = env_number("WATCHDOG_PID");

    if (us <= 0 || (pid > 0 && pid != getpid()))
        return 0;
    return us / 2;
}

int tgd_listen_fds(char *names, size_t cap)
{
    const char *given = getenv("LISTEN_FDNAMES");
    long pid = env_number("LISTEN_PID");
    long n = env_number("LISTEN_FDS");

    snprintf(names, cap, "%s", given ? given : "");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (pid != getpid() || n <= 0 || n > 16)
        return 0;
    for (int fd = 3; fd < 3 + n; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return (int)n;
}
