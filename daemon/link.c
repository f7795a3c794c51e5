#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/edge.h"

#define CONNECT_TIMEOUT_S 10
#define READ_SIZE         (64 * 1024)

enum link_state { CONNECTING, UP };

struct tgd_link {
    struct tgd_link *next;
    struct tgd_account *account;
    uint32_t number;
    int fd; /* -1: refused before it began; reported from the timer */
    enum link_state state;
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
    if (l->read)
        event_free(l->read);
    if (l->write)
        event_free(l->write);
    if (l->fd >= 0)
        close(l->fd);
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
    /* bytes that break the protocol are the machine's to report and to close for */
    (void)mt_account_feed(l->account->core, tgd_now(), l->number, buf, (size_t)n);
}

/* Writes what there is; false where the link was lost. */
static bool flush(struct tgd_link *l, struct mt_now now)
{
    for (;;) {
        struct tl_slice out = mt_account_output(l->account->core, now, l->number);
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
        mt_account_wrote(l->account->core, now, l->number, (size_t)n);
    }
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_link *l = arg;
    int err = 0;
    socklen_t len = sizeof err;

    if (l->state == UP) {
        tgd_account_touch(l->account); /* writing may end the link, and moves deadlines */
        flush(l, tgd_now());
        return;
    }
    if (fd < 0 || (what & EV_TIMEOUT) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) || err) {
        lost(l);
        return;
    }
    l->state = UP;
    if (event_add(l->read, NULL)) {
        lost(l);
        return;
    }
    tgd_account_touch(l->account);
    mt_account_link_up(l->account->core, tgd_now(), l->number);
}

static int start_connect(const struct mt_server *server)
{
    struct sockaddr_storage to = {0};
    socklen_t len;
    int on = 1, fd;

    if (server->ipv6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&to;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(server->port);
        len = sizeof *in6;
        if (inet_pton(AF_INET6, server->ip, &in6->sin6_addr) != 1)
            return -1;
    } else {
        struct sockaddr_in *in4 = (struct sockaddr_in *)&to;
        in4->sin_family = AF_INET;
        in4->sin_port = htons(server->port);
        len = sizeof *in4;
        if (inet_pton(AF_INET, server->ip, &in4->sin_addr) != 1)
            return -1;
    }
    fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&to, len) && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

void tgd_link_open(struct tgd_account *a, uint32_t number, const struct mt_server *server)
{
    struct event_base *base = a->tgd->base;
    struct timeval timeout = {.tv_sec = CONNECT_TIMEOUT_S};
    struct tgd_link *l = calloc(1, sizeof *l);

    if (!l)
        goto fail;
    l->account = a;
    l->number = number;
    l->fd = start_connect(server);
    l->next = a->links;
    a->links = l;
    if (l->fd < 0)
        timeout.tv_sec = 0; /* on_write reports it from the loop */
    else
        l->read = event_new(base, l->fd, EV_READ | EV_PERSIST, on_read, l);
    l->write = event_new(base, l->fd, l->fd < 0 ? 0 : EV_WRITE, on_write, l);
    if (l->write && (l->fd < 0 || l->read) && event_add(l->write, &timeout) == 0)
        return;
    tgd_link_close(a, number);
fail:
    tgd_log(MT_LOG_WARN, "link", "%s: no memory for a connection", a->row.name);
    mt_account_link_down(a->core, tgd_now(), number);
}

void tgd_links_flush(struct tgd_account *a, struct mt_now now)
{
    struct tgd_link *l = a->links, *next;

    for (; l; l = next) {
        next = l->next;
        if (l->state == UP && !event_pending(l->write, EV_WRITE, NULL))
            flush(l, now);
    }
}
