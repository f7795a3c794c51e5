#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/dial.h"
#include "daemon/edge.h"

#define READ_SIZE (64 * 1024)
/* Of MTProto's bytes lie wrapped in a proxy's records at most. */
#define WRAPPED_MAX (64 * 1024)

struct tgd_link {
    struct tgd_link *next;
    struct tgd_account *account;
    uint32_t number;
    struct tgd_dial *dial;  /* until it is up */
    int fd;                 /* -1: not up */
    struct mt_proxy *proxy; /* around all bytes; NULL: none, or it has done its part */
    struct event *read;
    struct event *write;
};

static struct tgd_link **slot_of(struct tgd_account *a, uint32_t number)
{
    struct tgd_link **p = &a->links;

    while (*p && (*p)->number != number)
        p = &(*p)->next;
    return p;
}

static void destroy(struct tgd_link *l)
{
    tgd_dial_cancel(l->dial);
    if (l->read)
        event_free(l->read);
    if (l->write)
        event_free(l->write);
    if (l->fd >= 0)
        close(l->fd);
    mt_proxy_free(l->proxy);
    free(l);
}

void tgd_link_close(struct tgd_account *a, uint32_t number)
{
    struct tgd_link **p = slot_of(a, number);
    struct tgd_link *l = *p;

    if (!l)
        return;
    *p = l->next;
    destroy(l);
}

void tgd_links_close(struct tgd_account *a)
{
    while (a->links)
        tgd_link_close(a, a->links->number);
}

static void lost(struct tgd_link *l)
{
    struct tgd_account *a = l->account;
    uint32_t number = l->number;

    tgd_link_close(a, number);
    mt_account_link_down(a->core, tgd_now(), number);
    tgd_account_touch(a);
}

static void lost_because(struct tgd_link *l, const char *why)
{
    mt_account_link_trouble(l->account->core, l->number, why);
    lost(l);
}

/* What the proxy has let through goes to MTProto. */
static void take_inner(struct tgd_link *l)
{
    struct tl_slice in = mt_proxy_inner(l->proxy);

    if (in.n)
        (void)mt_account_feed(l->account->core, tgd_now(), l->number, in.p, in.n);
    mt_proxy_took(l->proxy, in.n);
    if (mt_proxy_is_transparent(l->proxy)) {
        mt_proxy_free(l->proxy);
        l->proxy = NULL;
    }
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    static uint8_t buf[READ_SIZE]; /* one loop thread, used up before the next call */
    struct tgd_link *l = arg;
    ssize_t n;

    (void)what;
    n = recv(fd, buf, sizeof buf, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lost(l);
        return;
    }
    tgd_account_touch(l->account);
    if (!l->proxy) {
        /* bytes that break the protocol are the machine's to report and to close for */
        (void)mt_account_feed(l->account->core, tgd_now(), l->number, buf, (size_t)n);
        return;
    }
    (void)mt_proxy_feed(l->proxy, buf, (size_t)n);
    if (mt_proxy_state(l->proxy) == MT_PROXY_FAILED)
        lost_because(l, mt_proxy_reason(l->proxy));
    else
        take_inner(l);
}

/* Bytes to write: MTProto's own, or those of the proxy around them. */
static struct tl_slice output(struct tgd_link *l, struct mt_now now)
{
    struct mt_account *core = l->account->core;
    struct tl_slice out;

    if (!l->proxy)
        return mt_account_output(core, now, l->number);
    while (mt_proxy_output(l->proxy).n < WRAPPED_MAX) {
        out = mt_account_output(core, now, l->number);
        out.n = out.n < WRAPPED_MAX ? out.n : WRAPPED_MAX;
        if (!out.n || mt_proxy_submit(l->proxy, out.p, out.n) != MT_OK)
            break;
        mt_account_wrote(core, now, l->number, out.n);
    }
    return mt_proxy_output(l->proxy);
}

static void wrote(struct tgd_link *l, struct mt_now now, size_t n)
{
    if (l->proxy)
        mt_proxy_wrote(l->proxy, n);
    else
        mt_account_wrote(l->account->core, now, l->number, n);
}

/* Writes what there is; false where the link was lost. */
static bool flush(struct tgd_link *l, struct mt_now now)
{
    for (;;) {
        struct tl_slice out = output(l, now);
        ssize_t n;

        if (out.n == 0)
            return true;
        n = send(l->fd, out.p, out.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return event_add(l->write, NULL) == 0;
        if (n <= 0) {
            lost(l);
            return false;
        }
        wrote(l, now, (size_t)n);
    }
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_link *l = arg;

    (void)fd;
    (void)what;
    tgd_account_touch(l->account); /* writing may end the link, and moves deadlines */
    flush(l, tgd_now());
}

static void on_dialled(void *arg, const struct tgd_dialled *r)
{
    struct tgd_link *l = arg;
    struct tgd_account *a = l->account;

    l->dial = NULL;
    tgd_account_touch(a);
    if (r->fd < 0) {
        lost_because(l, r->why);
        return;
    }
    l->fd = r->fd;
    l->proxy = r->proxy;
    l->read = event_new(a->tgd->base, l->fd, EV_READ | EV_PERSIST, on_read, l);
    l->write = event_new(a->tgd->base, l->fd, EV_WRITE, on_write, l);
    if (!l->read || !l->write || event_add(l->read, NULL)) {
        lost_because(l, "no memory for a connection");
        return;
    }
    mt_account_link_via(a->core, l->number, r->server);
    mt_account_link_up(a->core, tgd_now(), l->number);
    if (l->proxy)
        take_inner(l);
}

void tgd_link_open(struct tgd_account *a, const struct mt_fx *fx)
{
    struct tgd *d = a->tgd;
    struct mt_now now = tgd_now();
    struct tgd_dial_cfg cfg = {.base = d->base,
                               .resolver = d->resolver,
                               .env = &d->env,
                               .servers = fx->server,
                               .n_servers = fx->n_servers,
                               .head_start = fx->head_start,
                               .proxy = fx->proxy,
                               .unix_s = mt_account_server_time(a->core, now) / MT_US_PER_S,
                               .small_hello = &d->small_hello};
    struct tgd_link *l = calloc(1, sizeof *l);
    uint32_t number = fx->link;

    if (l) {
        *l = (struct tgd_link){.next = a->links, .account = a, .number = number, .fd = -1};
        a->links = l;
        l->dial = tgd_dial(&cfg, on_dialled, l);
        if (l->dial)
            return;
        tgd_link_close(a, number);
    }
    tgd_log(MT_LOG_WARN, "link", "%s: no memory for a connection", a->row.name);
    mt_account_link_down(a->core, now, number);
}

void tgd_links_flush(struct tgd_account *a, struct mt_now now)
{
    struct tgd_link *l = a->links, *next;

    for (; l; l = next) {
        next = l->next;
        if (l->fd >= 0 && !event_pending(l->write, EV_WRITE, NULL))
            flush(l, now);
    }
}
