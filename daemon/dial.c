#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/dial.h"
#include "daemon/edge.h"
#include "daemon/resolve.h"

#define READ_SIZE 4096
/* An MTProxy that says nothing to a greeting may not know it. */
#define GREETING_WAIT (4 * MT_US_PER_S)

/* One server being tried, or one greeting with its proxy. */
struct attempt {
    struct tgd_dial *dial;
    int fd; /* -1: not begun, or over */
    bool small_hello;
    bool connected; /* TCP is there */
    struct mt_proxy *proxy;
    struct event *read, *write;
};

struct tgd_dial {
    struct tgd_dial_cfg cfg;
    void (*done)(void *arg, const struct tgd_dialled *r);
    void *arg;
    struct mt_server servers[MT_CONNECT_MAX];
    size_t n, next;   /* attempts in all; the next one */
    bool greets;      /* they are greetings, all with the first server */
    bool small_first; /* as it was when this began: others may find out meanwhile */
    struct mt_proxy_cfg proxy;
    struct tgd_resolve_wait wait;
    bool waiting;                                 /* for the proxy's addresses */
    struct sockaddr_storage at[TGD_RESOLVED_MAX]; /* the proxy's */
    size_t n_at, at_i;
    struct event *timer; /* the head start; at once where nothing is under way */
    struct attempt tries[MT_CONNECT_MAX];
    char why[160];
};

/* --- ends --- */

static void drop(struct attempt *t)
{
    if (t->read)
        event_free(t->read);
    if (t->write)
        event_free(t->write);
    if (t->fd >= 0)
        close(t->fd);
    mt_proxy_free(t->proxy);
    *t = (struct attempt){.dial = t->dial, .fd = -1};
}

void tgd_dial_cancel(struct tgd_dial *d)
{
    if (!d)
        return;
    if (d->waiting)
        tgd_resolve_forget(d->cfg.resolver, &d->wait);
    for (size_t i = 0; i < MT_CONNECT_MAX; i++)
        drop(&d->tries[i]);
    if (d->timer)
        event_free(d->timer);
    mt_wipe(d, sizeof *d);
    free(d);
}

static void finish(struct tgd_dial *d, struct tgd_dialled *r)
{
    void (*done)(void *arg, const struct tgd_dialled *r) = d->done;
    void *arg = d->arg;
    char why[sizeof d->why];

    memcpy(why, d->why, sizeof why);
    r->why = why;
    tgd_dial_cancel(d);
    done(arg, r);
}

static void won(struct attempt *t)
{
    struct tgd_dial *d = t->dial;
    struct tgd_dialled r = {.fd = t->fd, .server = d->greets ? 0 : (size_t)(t - d->tries), .proxy = t->proxy};

    if (d->greets)
        *d->cfg.small_hello = t->small_hello;
    t->fd = -1;
    t->proxy = NULL;
    if (r.proxy && mt_proxy_is_transparent(r.proxy) && !mt_proxy_inner(r.proxy).n) {
        mt_proxy_free(r.proxy);
        r.proxy = NULL;
    }
    finish(d, &r);
}

static void arm(struct tgd_dial *d, int64_t us)
{
    struct timeval tv = {.tv_sec = (time_t)(us / MT_US_PER_S), .tv_usec = (suseconds_t)(us % MT_US_PER_S)};

    event_add(d->timer, &tv);
}

static size_t sockets_of(const struct tgd_dial *d)
{
    size_t n = 0;

    for (size_t i = 0; i < MT_CONNECT_MAX; i++)
        n += d->tries[i].fd >= 0;
    return n;
}

static bool any_under_way(const struct tgd_dial *d)
{
    return d->waiting || sockets_of(d);
}

/* One is over: the next is due now; where there is none left and nothing runs, the timer ends it all. */
static void lost(struct attempt *t, const char *why)
{
    struct tgd_dial *d = t->dial;

    if (!d->greets || !d->why[0]) /* the second greeting's end tells nothing new */
        snprintf(d->why, sizeof d->why, "%s", why);
    drop(t);
    if (d->next < d->n || !any_under_way(d))
        arm(d, 0);
}

/* --- one attempt --- */

static void advance(struct attempt *t);

/* The proxy itself is not there: the same server through its next address. */
static void proxy_is_away(struct attempt *t, int err)
{
    struct tgd_dial *d = t->dial;
    size_t i = (size_t)(t - d->tries);
    char why[160];

    if (d->at_i + 1 < d->n_at) {
        d->at_i++;
        d->next = i < d->next ? i : d->next;
    } else {
        d->next = d->n; /* nor is it there for the others */
    }
    snprintf(why, sizeof why, "the proxy: %s", strerror(err));
    lost(t, why);
}

static void on_connected(struct attempt *t, int err)
{
    if (err && t->proxy)
        proxy_is_away(t, err);
    else if (err)
        lost(t, strerror(err));
    else if (t->proxy && event_add(t->read, NULL))
        lost(t, strerror(errno));
    else {
        t->connected = true;
        advance(t);
    }
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    struct attempt *t = arg;
    socklen_t len = sizeof(int);
    int err = 0;

    (void)what;
    if (t->connected)
        advance(t);
    else
        on_connected(t, getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? errno : err);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    struct attempt *t = arg;
    uint8_t buf[READ_SIZE];
    ssize_t n = recv(fd, buf, sizeof buf, 0);

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lost(t, n ? strerror(errno) : "the proxy closed the connection");
        return;
    }
    mt_proxy_feed(t->proxy, buf, (size_t)n);
    mt_wipe(buf, sizeof buf);
    advance(t);
}

/* Connected: whatever the proxy's handshake wants; open as soon as it has nothing more to say. */
static void advance(struct attempt *t)
{
    struct tl_slice out = {0};
    ssize_t n;

    while (t->proxy && (out = mt_proxy_output(t->proxy)).n) {
        n = send(t->fd, out.p, out.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && event_add(t->write, NULL) == 0)
            return;
        if (n <= 0) {
            lost(t, strerror(errno));
            return;
        }
        mt_proxy_wrote(t->proxy, (size_t)n);
    }
    if (!t->proxy || mt_proxy_state(t->proxy) == MT_PROXY_OPEN)
        won(t);
    else if (mt_proxy_state(t->proxy) == MT_PROXY_FAILED)
        lost(t, mt_proxy_reason(t->proxy));
}

static bool address_of(const char *ip, uint16_t port, struct sockaddr_storage *to)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

    memset(to, 0, sizeof *to);
    if (inet_pton(AF_INET, ip, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, ip, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        return true;
    }
    return false;
}

/* 0: it is under way, or there already. */
static int start_connect(struct attempt *t, const struct sockaddr_storage *to)
{
    socklen_t len = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int on = 1;

    t->fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->fd < 0)
        return errno;
    (void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(t->fd, (const struct sockaddr *)to, len) && errno != EINPROGRESS)
        return errno;
    t->read = event_new(t->dial->cfg.base, t->fd, EV_READ | EV_PERSIST, on_read, t);
    t->write = event_new(t->dial->cfg.base, t->fd, EV_WRITE, on_write, t);
    return t->read && t->write && event_add(t->write, NULL) == 0 ? 0 : ENOMEM;
}

static bool make_proxy(struct attempt *t, const struct mt_server *s)
{
    struct mt_proxy_target to = {.port = s->port};

    snprintf(to.host, sizeof to.host, "%s", s->ip);
    t->dial->proxy.small_hello = t->small_hello;
    t->proxy = mt_proxy_new(t->dial->cfg.env, &t->dial->proxy, &to, t->dial->cfg.unix_s);
    return t->proxy;
}

static void try_server(struct tgd_dial *d, size_t i)
{
    struct attempt *t = &d->tries[i];
    const struct mt_server *s = &d->servers[d->greets ? 0 : i];
    struct sockaddr_storage to;
    int err = EINVAL;

    drop(t); /* its try through an earlier address of the proxy is over */
    t->small_hello = d->greets && (i == 0) == d->small_first;
    if (d->n_at)
        to = d->at[d->at_i];
    if (d->cfg.proxy && !make_proxy(t, s))
        err = ENOMEM;
    else if (d->n_at || address_of(s->ip, s->port, &to))
        err = start_connect(t, &to);
    if (err && t->proxy)
        proxy_is_away(t, err);
    else if (err)
        lost(t, strerror(err));
}

/* --- all of them --- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_dial *d = arg;

    (void)fd;
    (void)what;
    if (d->waiting)
        return;
    if (d->next < d->n) {
        size_t i;

        if (sockets_of(d) >= TGD_DIAL_SOCKETS)
            return; /* the end of one of them is the next one's turn */
        i = d->next++;
        if (d->next < d->n)
            arm(d, d->greets ? GREETING_WAIT : d->cfg.head_start);
        try_server(d, i);
    } else if (!any_under_way(d)) {
        finish(d, &(struct tgd_dialled){.fd = -1});
    }
}

static void on_resolved(void *arg, const struct tgd_resolved *result)
{
    struct tgd_dial *d = arg;

    d->waiting = false;
    for (d->n_at = 0; d->n_at < result->n; d->n_at++) {
        struct sockaddr_storage *to = &d->at[d->n_at];

        *to = result->list[d->n_at];
        if (to->ss_family == AF_INET6)
            ((struct sockaddr_in6 *)to)->sin6_port = htons(d->proxy.port);
        else
            ((struct sockaddr_in *)to)->sin_port = htons(d->proxy.port);
    }
    if (!d->n_at) {
        d->next = d->n;
        snprintf(d->why, sizeof d->why, "the proxy's name: %.120s", result->why);
    }
    arm(d, 0);
}

/* Where the proxy is; false: no memory. */
static bool find_proxy(struct tgd_dial *d)
{
    d->proxy = *d->cfg.proxy;
    d->cfg.proxy = &d->proxy;
    if (address_of(d->proxy.host, d->proxy.port, &d->at[0])) {
        d->n_at = 1;
        return true;
    }
    d->wait = (struct tgd_resolve_wait){.done = on_resolved, .arg = d};
    d->waiting = tgd_resolve(d->cfg.resolver, &d->wait, d->proxy.host);
    return d->waiting;
}

struct tgd_dial *tgd_dial(const struct tgd_dial_cfg *cfg,
                          void (*done)(void *arg, const struct tgd_dialled *r), void *arg)
{
    struct tgd_dial *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->cfg = *cfg;
    d->done = done;
    d->arg = arg;
    for (size_t i = 0; i < MT_CONNECT_MAX; i++)
        d->tries[i] = (struct attempt){.dial = d, .fd = -1};
    d->n = cfg->n_servers < MT_CONNECT_MAX ? cfg->n_servers : MT_CONNECT_MAX;
    memcpy(d->servers, cfg->servers, d->n * sizeof *d->servers);
    d->greets = cfg->proxy && cfg->proxy->kind == MT_PROXY_MTPROTO && cfg->proxy->mode == MT_SECRET_TLS;
    if (d->greets) {
        d->n = 2;
        d->small_first = *cfg->small_hello;
    }
    d->timer = evtimer_new(cfg->base, on_timer, d);
    if (!d->timer || (cfg->proxy && !find_proxy(d))) {
        tgd_dial_cancel(d);
        return NULL;
    }
    arm(d, 0);
    return d;
}
