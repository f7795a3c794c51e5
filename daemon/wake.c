#include "daemon/wake.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Kernels cap what lies further ahead; a jump beyond it only rings once. */
#define NEVER_S INT64_C(4000000000)

struct tgd_wake {
    int fd;
    struct event *event;
    void (*jumped)(void *ctx);
    void *ctx;
};

int64_t tgd_slept(struct tgd_sleep *s, int64_t boottime, int64_t monotonic)
{
    int64_t asleep = boottime - monotonic, more = s->looked ? asleep - s->asleep : 0;

    s->asleep = asleep;
    s->looked = true;
    return more > TGD_SLEPT_US ? more : 0;
}

static bool arm(const struct tgd_wake *w)
{
    const struct itimerspec never = {.it_value.tv_sec = (time_t)(sizeof(time_t) > 4 ? NEVER_S : INT32_MAX)};

    return timerfd_settime(w->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_wake *w = arg;
    uint64_t times;
    ssize_t n = read(fd, &times, sizeof times); /* ECANCELED: the time of day has jumped */

    (void)what;
    (void)n;
    if (!arm(w))
        event_del(w->event); /* rather deaf than ringing for ever */
    w->jumped(w->ctx);
}

struct tgd_wake *tgd_wake_new(struct event_base *base, void (*jumped)(void *ctx), void *ctx)
{
    struct tgd_wake *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->jumped = jumped;
    w->ctx = ctx;
    w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->fd >= 0 && arm(w))
        w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, on_event, w);
    if (!w->event || event_add(w->event, NULL)) {
        tgd_wake_free(w);
        return NULL;
    }
    return w;
}

void tgd_wake_free(struct tgd_wake *w)
{
    if (!w)
        return;
    if (w->event)
        event_free(w->event);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}
