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
    size_t socket; /* of the configuration */
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
            tgd_client_open(l->tgd, l->socket, client);
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

static int add(struct tgd *d, size_t socket, int fd, const char *path)
{
    struct tgd_listener *l = calloc(1, sizeof *l);

    if (!l)
        goto fail;
    l->tgd = d;
    l->socket = socket;
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

/* The group of the file; before it is listened on, so that nobody is let in meanwhile. */
static int give_to_group(const char *path, const char *name, char err[256])
{
    int64_t gid;

    if (!name)
        return 0;
    if (!tgd_group_by_name(name, &gid)) {
        snprintf(err, 256, "%.100s: there is no group %.100s", path, name);
        return -1;
    }
    if (lchown(path, (uid_t)-1, (gid_t)gid)) {
        snprintf(err, 256, "%.100s: group %.60s: %s", path, name, strerror(errno));
        return -1;
    }
    return 0;
}

static int bind_path(const struct tgd_config_socket *s, char err[256])
{
    const char *path = s->path;
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
    mask = umask(0777 & ~(mode_t)s->mode);
    r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&at, sizeof at);
    umask(mask);
    if (r == 0 && give_to_group(path, s->group, err)) {
        (void)unlink(path);
        close(fd);
        return -1;
    }
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

/* The socket that a name of FileDescriptorName= means; systemd's own ("tgd.socket", "connection") are the
 * first. */
static bool socket_by_name(const struct tgd_config *c, const char *name, size_t *socket)
{
    *socket = 0;
    for (size_t i = 1; i < c->n_sockets; i++) {
        if (strcmp(c->sockets[i].name, name) == 0) {
            *socket = i;
            return true;
        }
    }
    return strcmp(name, "main") == 0 || strcmp(name, "connection") == 0 || strchr(name, '.') != NULL;
}

static int take_over(struct tgd *d, int n, const char *names, char err[256])
{
    for (int fd = 3; fd < 3 + n; fd++) {
        char name[64] = "connection";
        size_t len = strcspn(names, ":"), socket;

        if (len)
            snprintf(name, sizeof name, "%.*s", (int)len, names);
        names += len + (names[len] == ':');
        if (!socket_by_name(&d->config, name, &socket)) {
            snprintf(err, 256, "descriptor %d of LISTEN_FDS is named %s, but there is no [socket %s]", fd,
                     name, name);
            return -1;
        }
        if (!is_listening_unix(fd) || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)) {
            snprintf(err, 256, "descriptor %d of LISTEN_FDS is no listening Unix stream socket", fd);
            return -1;
        }
        if (add(d, socket, fd, NULL)) {
            snprintf(err, 256, "out of memory");
            return -1;
        }
    }
    tgd_log(MT_LOG_INFO, "listener", "took over %d socket%s", n, n == 1 ? "" : "s");
    return 0;
}

static bool is_served(const struct tgd *d, size_t socket)
{
    for (const struct tgd_listener *l = d->listeners; l; l = l->next)
        if (l->socket == socket)
            return true;
    return false;
}

static int listen_on(struct tgd *d, size_t socket, char err[256])
{
    const struct tgd_config_socket *s = &d->config.sockets[socket];
    char dir[TGD_PATH_MAX];
    char *slash;
    int fd;

    snprintf(dir, sizeof dir, "%s", s->path);
    slash = strrchr(dir, '/');
    if (slash && slash != dir) {
        *slash = 0;
        if (!tgd_make_folder(dir, 0700)) {
            snprintf(err, 256, "%.200s: %s", dir, strerror(errno));
            return -1;
        }
    }
    fd = bind_path(s, err);
    if (fd < 0)
        return -1;
    if (add(d, socket, fd, s->path)) {
        close(fd);
        snprintf(err, 256, "out of memory");
        return -1;
    }
    tgd_log(MT_LOG_INFO, "listener", "listening on %s", s->path);
    return 0;
}

int tgd_listen(struct tgd *d, char err[256])
{
    char names[512];
    int n = tgd_listen_fds(names, sizeof names);

    if (n > 0 && take_over(d, n, names, err))
        return -1;
    /* where systemd hands sockets over it has the first too, or it is not wanted */
    for (size_t i = n > 0; i < d->config.n_sockets; i++)
        if (!is_served(d, i) && listen_on(d, i, err))
            return -1;
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
