#include "daemon/network.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_US 500000
#define FNV      UINT64_C(0xcbf29ce484222325)

struct tgd_network {
    int fd;
    struct event *read, *pause;
    struct tgd_network_seen seen;
    void (*changed)(void *ctx);
    void *ctx;
};

/* FNV-1a: keys of a small set that nobody from outside fills. */
static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = p;

    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* True where `what` was not there before (came), or was (went). */
static bool note(struct tgd_network_seen *seen, uint64_t what, bool came)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->what[i] == what) {
            if (!came)
                seen->what[i] = seen->what[--seen->n];
            return !came;
        }
    }
    if (came) {
        if (seen->n == TGD_NETWORK_SEEN)
            seen->n = 0; /* a machine with that many is told of a change too often, never too seldom */
        seen->what[seen->n++] = what;
    }
    return true; /* what went without having been seen was there before we looked */
}

static uint64_t attributes(uint64_t h, struct rtattr *a, size_t n, const unsigned short *types)
{
    int left = (int)n;

    for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
        for (const unsigned short *t = types; *t; t++)
            if (a->rta_type == *t)
                h = mix(mix(h, t, sizeof *t), RTA_DATA(a), RTA_PAYLOAD(a));
    return h;
}

static bool take_address(struct tgd_network_seen *seen, struct nlmsghdr *m)
{
    static const unsigned short types[] = {IFA_LOCAL, IFA_ADDRESS, 0};
    struct ifaddrmsg *a = NLMSG_DATA(m);
    uint64_t h;

    if (m->nlmsg_len < NLMSG_LENGTH(sizeof *a) || a->ifa_scope == RT_SCOPE_LINK ||
        (a->ifa_flags & IFA_F_TENTATIVE)) /* not usable yet: it is told again when it is */
        return false;
    h = mix(FNV + 1, &a->ifa_index, sizeof a->ifa_index);
    return note(seen, attributes(h, IFA_RTA(a), IFA_PAYLOAD(m), types), m->nlmsg_type == RTM_NEWADDR);
}

static bool take_route(struct tgd_network_seen *seen, struct nlmsghdr *m)
{
    static const unsigned short types[] = {RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, 0};
    struct rtmsg *r = NLMSG_DATA(m);
    uint64_t h;

    if (m->nlmsg_len < NLMSG_LENGTH(sizeof *r) || r->rtm_dst_len || r->rtm_type != RTN_UNICAST ||
        r->rtm_table != RT_TABLE_MAIN)
        return false;
    h = mix(FNV + 2, &r->rtm_family, sizeof r->rtm_family);
    return note(seen, attributes(h, RTM_RTA(r), RTM_PAYLOAD(m), types), m->nlmsg_type == RTM_NEWROUTE);
}

bool tgd_network_take(struct tgd_network_seen *seen, void *p, size_t n)
{
    struct nlmsghdr *m = p;
    bool changed = false;

    while (n >= sizeof *m && m->nlmsg_len >= sizeof *m && m->nlmsg_len <= n) {
        size_t step = NLMSG_ALIGN(m->nlmsg_len);

        if (m->nlmsg_type == RTM_NEWADDR || m->nlmsg_type == RTM_DELADDR)
            changed |= take_address(seen, m);
        else if (m->nlmsg_type == RTM_NEWROUTE || m->nlmsg_type == RTM_DELROUTE)
            changed |= take_route(seen, m);
        if (step >= n)
            break;
        n -= step;
        m = (struct nlmsghdr *)(void *)((char *)m + step);
    }
    return changed;
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_network *n = arg;

    (void)fd, (void)what;
    n->changed(n->ctx);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval pause = {.tv_usec = PAUSE_US};
    union {
        struct nlmsghdr align;
        char bytes[16384];
    } buf;
    struct tgd_network *n = arg;
    bool changed = false;

    (void)what;
    for (;;) {
        struct sockaddr_nl from = {0};
        socklen_t len = sizeof from;
        ssize_t got = recvfrom(fd, &buf, sizeof buf, MSG_DONTWAIT, (struct sockaddr *)&from, &len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == ENOBUFS) { /* so much happened that some of it was dropped */
            n->seen.n = 0;
            changed = true;
            continue;
        }
        if (got <= 0)
            break;
        if (from.nl_pid == 0) /* of the kernel */
            changed |= tgd_network_take(&n->seen, &buf, (size_t)got);
    }
    if (changed && !event_pending(n->pause, EV_TIMEOUT, NULL))
        event_add(n->pause, &pause);
}

struct tgd_network *tgd_network_new(struct event_base *base, void (*changed)(void *ctx), void *ctx)
{
    struct sockaddr_nl at = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                          RTMGRP_IPV6_ROUTE};
    struct tgd_network *n = calloc(1, sizeof *n);

    if (!n)
        return NULL;
    n->changed = changed;
    n->ctx = ctx;
    n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (n->fd >= 0 && bind(n->fd, (struct sockaddr *)&at, sizeof at) == 0) {
        n->read = event_new(base, n->fd, EV_READ | EV_PERSIST, on_read, n);
        n->pause = evtimer_new(base, on_pause, n);
    }
    if (!n->read || !n->pause || event_add(n->read, NULL)) {
        tgd_network_free(n);
        return NULL;
    }
    return n;
}

void tgd_network_free(struct tgd_network *n)
{
    if (!n)
        return;
    if (n->read)
        event_free(n->read);
    if (n->pause)
        event_free(n->pause);
    if (n->fd >= 0)
        close(n->fd);
    free(n);
}
