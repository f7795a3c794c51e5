#include "daemon/hangup.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct tgd_hangup {
    int epoll;
    struct event *event;
    void (*gone)(void *client);
};

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_hangup *h = arg;
    struct epoll_event e;

    (void)what;
    /* one at a time: gone() closes the descriptor, which takes it out of the set */
    if (epoll_wait(fd, &e, 1, 0) == 1)
        h->gone(e.data.ptr);
}

struct tgd_hangup *tgd_hangup_new(struct event_base *base, void (*gone)(void *client))
{
    struct tgd_hangup *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->gone = gone;
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (h->epoll >= 0)
        h->event = event_new(base, h->epoll, EV_READ | EV_PERSIST, on_hangup, h);
    if (!h->event || event_add(h->event, NULL)) {
        tgd_hangup_free(h);
        return NULL;
    }
    return h;
}

void tgd_hangup_free(struct tgd_hangup *h)
{
    if (!h)
        return;
    if (h->event)
        event_free(h->event);
    if (h->epoll >= 0)
        close(h->epoll);
    free(h);
}

int tgd_hangup_watch(struct tgd_hangup *h, int fd, void *client)
{
    struct epoll_event e = {.events = EPOLLONESHOT, .data.ptr = client};
    return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e);
}
