#include "tests/sandbox/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_MAX  65536
#define READ_TURN 16 /* reads of one connection in one turn of the loop */
#define BACKLOG   512

struct peer {
    struct peer *next; /* of the loop's list */
    struct sb_loop *loop;
    uint32_t number;
    int fd;
    struct event *rd, *wr;
};

struct door {
    struct sb_loop *loop;
    struct evconnlistener *listener;
    int32_t dc_id; /* or one of these */
};
enum { DOOR_CONTROL = 0, DOOR_MTPROXY = -1 };

struct sb_loop {
    const struct mt_env *env;
    struct sb_server *server;
    struct sb_world *world;
    struct event_base *base;
    struct event *timer, *term, *interrupt;
    struct door *doors;
    size_t n_doors;
    struct peer *peers;
    struct sb_control_list controls;
    bool ipv6;
    uint8_t buf[READ_MAX];
};

struct mt_now sb_loop_now(void)
{
    struct timespec mono, wall;

    clock_gettime(CLOCK_BOOTTIME, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct mt_now){.mono = mono.tv_sec * MT_US_PER_S + mono.tv_nsec / 1000,
                           .wall = wall.tv_sec * MT_US_PER_S + wall.tv_nsec / 1000};
}

int sb_listen_tcp(bool ipv6, uint16_t *port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct sockaddr *a = ipv6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    socklen_t len = ipv6 ? sizeof v6 : sizeof v4;
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, a, len) || listen(fd, BACKLOG) || getsockname(fd, a, &len)) {
        close(fd);
        return -1;
    }
    *port = ntohs(ipv6 ? v6.sin6_port : v4.sin_port);
    return fd;
}

int sb_listen_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd;
    mode_t mask;

    if (strlen(path) >= sizeof a.sun_path)
        return -1;
    strcpy(a.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    unlink(path);
    mask = umask(0177);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, BACKLOG)) {
        close(fd);
        fd = -1;
    }
    umask(mask);
    return fd;
}

static void peer_free(struct peer *p)
{
    struct peer **at = &p->loop->peers;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    sb_server_closed(p->loop->server, sb_loop_now(), p->number);
    if (p->rd)
        event_free(p->rd);
    if (p->wr)
        event_free(p->wr);
    close(p->fd);
    free(p);
}

static struct peer *peer_of(struct sb_loop *l, uint32_t number)
{
    struct peer *p = l->peers;

    while (p && p->number != number)
        p = p->next;
    return p;
}

/* Writes what there is; frees the peer where it is to be closed. */
static void serve(struct peer *p)
{
    struct sb_server *s = p->loop->server;
    struct tl_slice out;
    ssize_t n = 0;

    while ((out = sb_server_output(s, p->number)).n) {
        n = send(p->fd, out.p, out.n, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sb_server_wrote(s, p->number, (size_t)n);
    }
    if (out.n && n < 0 && (errno == EAGAIN || errno == EINTR) &&
        sb_server_wants_close(s, p->number) != SB_CLOSE_NOW)
        event_add(p->wr, NULL);
    else if (out.n || sb_server_wants_close(s, p->number) != SB_CLOSE_NO)
        peer_free(p);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *a, int len,
                      void *arg);

/* Another port from now on; nobody listens on the old one. */
static void move_dc(struct sb_loop *l, int32_t dc_id)
{
    uint16_t port;
    size_t i = 0;
    int fd = sb_listen_tcp(l->ipv6, &port);

    if (fd < 0)
        return;
    while (l->doors[i].dc_id != dc_id)
        i++;
    evconnlistener_free(l->doors[i].listener);
    l->doors[i].listener = evconnlistener_new(l->base, on_accept, &l->doors[i],
                                              LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    sb_world_moved(l->world, dc_id, port);
    mt_logf(l->env, MT_LOG_INFO, "loop", "dc %d is at port %u now", (int)dc_id, port);
}

static void pump(void *arg)
{
    struct sb_loop *l = arg;
    struct mt_now now;
    int64_t due;
    uint32_t number;
    int32_t moved;

    while ((moved = sb_server_next_move(l->server)))
        move_dc(l, moved);

    while ((number = sb_server_next_ready(l->server))) {
        struct peer *p = peer_of(l, number);

        if (p)
            serve(p);
    }
    now = sb_loop_now();
    due = sb_server_deadline(l->server);
    if (due != MT_NEVER) {
        int64_t left = due > now.mono ? due - now.mono : 0;
        struct timeval tv = {left / MT_US_PER_S, left % MT_US_PER_S};

        event_add(l->timer, &tv);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct sb_loop *l = arg;

    sb_server_tick(l->server, sb_loop_now());
    pump(l);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    struct peer *p = arg;
    struct sb_loop *l = p->loop;

    for (int i = 0; i < READ_TURN; i++) {
        ssize_t n = recv(p->fd, l->buf, sizeof l->buf, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            peer_free(p);
            break;
        }
        sb_server_feed(l->server, sb_loop_now(), p->number, l->buf, (size_t)n);
        if (sb_server_wants_close(l->server, p->number) != SB_CLOSE_NO || (size_t)n < sizeof l->buf)
            break;
    }
    pump(l);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    struct peer *p = arg;
    struct sb_loop *l = p->loop;

    serve(p);
    pump(l);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *a, int len,
                      void *arg)
{
    struct door *d = arg;
    struct sb_loop *l = d->loop;
    struct peer *p;
    int on = 1;

    if (d->dc_id == DOOR_CONTROL) {
        sb_control_accept(l->base, &l->controls, l->server, fd, pump, l);
        return;
    }
    p = calloc(1, sizeof *p);
    if (p)
        p->number = d->dc_id == DOOR_MTPROXY ? sb_server_accept_proxied(l->server, sb_loop_now())
                                             : sb_server_accept(l->server, sb_loop_now(), d->dc_id);
    if (!p || !p->number) {
        free(p);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    p->loop = l;
    p->fd = fd;
    p->next = l->peers;
    l->peers = p;
    p->rd = event_new(l->base, fd, EV_READ | EV_PERSIST, on_read, p);
    p->wr = event_new(l->base, fd, EV_WRITE, on_write, p);
    if (!p->rd || !p->wr || event_add(p->rd, NULL))
        peer_free(p);
    pump(l);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    struct sb_loop *l = arg;

    mt_logf(l->env, MT_LOG_INFO, "loop", "signal %d: ending", (int)signo);
    event_base_loopbreak(l->base);
}

static int open_door(struct sb_loop *l, int32_t dc_id, int fd)
{
    struct door *d = &l->doors[l->n_doors++];

    *d = (struct door){.loop = l, .dc_id = dc_id};
    d->listener =
        evconnlistener_new(l->base, on_accept, d, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!d->listener)
        close(fd);
    return d->listener ? 0 : -1;
}

struct sb_loop *sb_loop_new(const struct sb_loop_cfg *cfg)
{
    struct sb_loop *l = calloc(1, sizeof *l);
    int bad = 0;

    if (!l)
        return NULL;
    l->env = cfg->env;
    l->server = cfg->server;
    l->world = cfg->world;
    l->ipv6 = cfg->n_dcs && strchr(cfg->dcs[0].ip, ':');
    l->base = event_base_new();
    l->doors = calloc(cfg->n_dcs + 2, sizeof *l->doors);
    if (!l->base || !l->doors)
        goto fail;
    for (size_t i = 0; i < cfg->n_dcs; i++)
        bad |= open_door(l, cfg->dcs[i].dc_id, cfg->dc_fds[i]);
    bad |= open_door(l, DOOR_CONTROL, cfg->control_fd);
    if (cfg->mtproxy_fd >= 0)
        bad |= open_door(l, DOOR_MTPROXY, cfg->mtproxy_fd);
    l->timer = evtimer_new(l->base, on_timer, l);
    l->term = evsignal_new(l->base, SIGTERM, on_signal, l);
    l->interrupt = evsignal_new(l->base, SIGINT, on_signal, l);
    if (bad || !l->timer || !l->term || !l->interrupt || event_add(l->term, NULL) ||
        event_add(l->interrupt, NULL))
        goto fail;
    return l;
fail:
    sb_loop_free(l);
    return NULL;
}

int sb_loop_run(struct sb_loop *l)
{
    pump(l);
    return event_base_dispatch(l->base) < 0 ? -1 : 0;
}

void sb_loop_free(struct sb_loop *l)
{
    if (!l)
        return;
    while (l->peers)
        peer_free(l->peers);
    sb_control_free(&l->controls);
    for (size_t i = 0; i < l->n_doors; i++)
        if (l->doors[i].listener)
            evconnlistener_free(l->doors[i].listener);
    free(l->doors);
    if (l->timer)
        event_free(l->timer);
    if (l->term)
        event_free(l->term);
    if (l->interrupt)
        event_free(l->interrupt);
    if (l->base)
        event_base_free(l->base);
    free(l);
}
