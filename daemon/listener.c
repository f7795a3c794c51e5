#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/edge.h"
#include "daemon/paths.h"

#define BACKLOG        SOMAXCONN
#define ACCEPT_AT_ONCE 32
#define PAUSE_MS       200

struct tgd_listener {
    struct tgd_listener *next;
    struct tgd *tgd;
    int fd;
    char *path; /* ours to remove; NULL where systemd made it */
    struct event *event;
    struct event *resume;
};

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_listener *l = arg;

    (void)fd;
    (void)what;
    if (event_add(l->event, NULL))
        tgd_log(MT_LOG_WARN, "listener", "no memory to listen on");
}

/* Out of descriptors: the connection waits in the backlog until some are closed. */
static void pause_accept(struct tgd_listener *l)
{
    struct timeval tv = {.tv_usec = PAUSE_MS * 1000};

    event_del(l->event);
    if (event_add(l->resume, &tv))
        on_resume(-1, 0, l);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_listener *l = arg;

    (void)what;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (client >= 0) {
            tgd_client_open(l->tgd, client);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            tgd_log(MT_LOG_WARN, "listener", "%s; new clients wait", strerror(errno));
            pause_accept(l);
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static int add(struct tgd *d, int fd, const char *path)
{
    struct tgd_listener *l = calloc(1, sizeof *l);

    if (!l)
        goto fail;
    l->tgd = d;
    l->fd = fd;
    l->path = path ? strdup(path) : NULL;
    l->event = event_new(d->base, fd, EV_READ | EV_PERSIST, on_accept, l);
    l->resume = event_new(d->base, -1, 0, on_resume, l);
    if ((path && !l->path) || !l->event || !l->resume || event_add(l->event, NULL))
        goto fail;
    l->next = d->listeners;
    d->listeners = l;
    return 0;
fail:
    if (l) {
        if (l->event)
            event_free(l->event);
        if (l->resume)
            event_free(l->resume);
        free(l->path);
        free(l);
    }
    return -1;
}

/* Whether somebody answers on the socket file. */
static bool is_live(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool live;

    if (fd < 0)
        return true;
    live = connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 || errno == EAGAIN;
    close(fd);
    return live;
}

static int bind_path(const char *path, unsigned mode, char err[256])
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat st;
    mode_t mask;
    int fd, r;

    if (strlen(path) >= sizeof at.sun_path) {
        snprintf(err, 256, "socket path is longer than %zu bytes: %.120s", sizeof at.sun_path - 1, path);
        return -1;
    }
    strcpy(at.sun_path, path);
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            snprintf(err, 256, "%.200s is there and is no socket", path);
            return -1;
        }
        if (is_live(&at)) {
            snprintf(err, 256, "another process listens on %.200s", path);
            return -1;
        }
        (void)unlink(path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mask = umask(0777 & ~mode);
    r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&at, sizeof at);
    umask(mask);
    if (r || listen(fd, BACKLOG)) {
        snprintf(err, 256, "cannot listen on %.180s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static bool is_listening_unix(int fd)
{
    struct sockaddr_un at;
    socklen_t len = sizeof at;
    int yes = 0;
    socklen_t yes_len = sizeof yes;

    return getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.sun_family == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &yes_len) == 0 && yes;
}

static int take_over(struct tgd *d, int n, char err[256])
{
    for (int fd = 3; fd < 3 + n; fd++) {
        if (!is_listening_unix(fd) || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)) {
            snprintf(err, 256, "descriptor %d of LISTEN_FDS is no listening Unix stream socket", fd);
            return -1;
        }
        if (add(d, fd, NULL)) {
            snprintf(err, 256, "out of memory");
            return -1;
        }
    }
    tgd_log(MT_LOG_INFO, "listener", "took over %d socket%s", n, n == 1 ? "" : "s");
    return 0;
}

int tgd_listen(struct tgd *d, char err[256])
{
    int n = tgd_listen_fds();
    const char *path = d->config.socket;
    char dir[TGD_PATH_MAX];
    char *slash;
    int fd;

    if (n > 0)
        return take_over(d, n, err);
    snprintf(dir, sizeof dir, "%s", path);
    slash = strrchr(dir, '/');
    if (slash && slash != dir) {
        *slash = 0;
        if (!tgd_make_folder(dir, 0700)) {
            snprintf(err, 256, "%.200s: %s", dir, strerror(errno));
            return -1;
        }
    }
    fd = bind_path(path, (unsigned)d->config.socket_mode, err);
    if (fd < 0)
        return -1;
    if (add(d, fd, path)) {
        close(fd);
        snprintf(err, 256, "out of memory");
        return -1;
    }
    tgd_log(MT_LOG_INFO, "listener", "listening on %s", path);
    return 0;
}

void tgd_unlisten(struct tgd *d)
{
    while (d->listeners) {
        struct tgd_listener *l = d->listeners;

        d->listeners = l->next;
        event_free(l->event);
        event_free(l->resume);
        close(l->fd);
        if (l->path) {
            (void)unlink(l->path);
            free(l->path);
        }
        free(l);
    }
}
