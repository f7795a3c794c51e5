#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/edge.h"
#include "daemon/resolve.h"

#define KEEP_US   (60 * MT_US_PER_S)
#define NAMES_MAX 16

/* One name; in the hands of its thread while `asking`, which touches nothing but `query`. */
struct query {
    char host[256];
    int bell; /* the thread's own end of the pipe */
    struct tgd_resolved result;
    atomic_bool ended; /* whoever reads it true sees the result: a pipe alone orders nothing in C */
    struct name *name; /* for the loop */
};
struct name {
    char host[256];
    struct tgd_resolved last;
    int64_t until; /* mono: fresh until */
    int64_t used;
    bool asking;
};

struct tgd_resolver {
    struct name names[NAMES_MAX];
    struct tgd_resolve_wait *waiting;
    int pipe[2];
    struct event *event;
};

static void *ask(void *arg)
{
    struct query *q = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int err = getaddrinfo(q->host, NULL, &hints, &list), bell = q->bell;

    for (struct addrinfo *a = err ? NULL : list; a && q->result.n < TGD_RESOLVED_MAX; a = a->ai_next)
        if (a->ai_addrlen <= sizeof q->result.list[0])
            memcpy(&q->result.list[q->result.n++], a->ai_addr, a->ai_addrlen);
    if (list)
        freeaddrinfo(list);
    if (!q->result.n)
        q->result.why = err ? gai_strerror(err) : "no address";
    atomic_store_explicit(&q->ended, true, memory_order_release);
    if (write(bell, &q, sizeof q) != sizeof q)
        free(q); /* the loop is gone */
    close(bell);
    return NULL;
}

static void tell(struct tgd_resolver *r, const char *host, const struct tgd_resolved *result)
{
    struct tgd_resolved copy = *result;

    for (struct tgd_resolve_wait **at = &r->waiting, *w; (w = *at);) {
        if (strcmp(w->host, host) != 0) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->done(w->arg, &copy);
        at = &r->waiting; /* `done` may have asked or forgotten */
    }
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_resolver *r = arg;
    struct query *q;

    (void)what;
    if (read(fd, &q, sizeof q) != sizeof q || !atomic_load_explicit(&q->ended, memory_order_acquire))
        return;
    q->name->asking = false;
    if (q->result.n || !q->name->last.n)
        q->name->last = q->result;
    /* what failed is asked again by the next who wants it */
    q->name->until = q->result.n ? tgd_now().mono + KEEP_US : 0;
    tell(r, q->host, &q->name->last);
    free(q);
}

struct tgd_resolver *tgd_resolver_new(struct event_base *base)
{
    struct tgd_resolver *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    if (pipe2(r->pipe, O_CLOEXEC)) {
        free(r);
        return NULL;
    }
    r->event = event_new(base, r->pipe[0], EV_READ | EV_PERSIST, on_answer, r);
    if (!r->event || event_add(r->event, NULL)) {
        tgd_resolver_free(r);
        return NULL;
    }
    return r;
}

void tgd_resolver_free(struct tgd_resolver *r)
{
    struct query *q;

    if (!r)
        return;
    if (r->event)
        event_free(r->event);
    if (fcntl(r->pipe[0], F_SETFL, O_NONBLOCK) == 0)
        while (read(r->pipe[0], &q, sizeof q) == sizeof q)
            if (atomic_load_explicit(&q->ended, memory_order_acquire))
                free(q);
    close(r->pipe[0]);
    close(r->pipe[1]);
    free(r);
}

static struct name *name_of(struct tgd_resolver *r, const char *host, int64_t now)
{
    struct name *oldest = NULL;

    for (size_t i = 0; i < NAMES_MAX; i++) {
        struct name *n = &r->names[i];

        if (strcmp(n->host, host) == 0) {
            n->used = now;
            return n;
        }
        if (!n->asking && (!oldest || n->used < oldest->used))
            oldest = n;
    }
    if (!oldest)
        return NULL;
    *oldest = (struct name){.used = now};
    memcpy(oldest->host, host, strlen(host) + 1);
    return oldest;
}

static bool start(struct tgd_resolver *r, struct name *n)
{
    struct query *q = calloc(1, sizeof *q);
    pthread_attr_t attr;
    sigset_t all, old;
    pthread_t thread;
    bool ok = false;

    if (!q)
        return false;
    memcpy(q->host, n->host, sizeof q->host);
    q->name = n;
    q->bell = fcntl(r->pipe[1], F_DUPFD_CLOEXEC, 0);
    if (q->bell >= 0 && pthread_attr_init(&attr) == 0) {
        sigfillset(&all); /* signals are for the loop */
        pthread_sigmask(SIG_SETMASK, &all, &old);
        ok = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
             pthread_create(&thread, &attr, ask, q) == 0;
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attr);
    }
    if (!ok) {
        if (q->bell >= 0)
            close(q->bell);
        free(q);
    }
    n->asking = ok;
    return ok;
}

/* An answer that is there comes through the pipe too: never inside tgd_resolve. */
static bool answer_again(struct tgd_resolver *r, struct name *n)
{
    struct query *q = calloc(1, sizeof *q);

    if (!q)
        return false;
    memcpy(q->host, n->host, sizeof q->host);
    q->name = n;
    q->result = n->last;
    q->ended = true;
    n->asking = true;
    if (write(r->pipe[1], &q, sizeof q) == sizeof q)
        return true;
    n->asking = false;
    free(q);
    return false;
}

bool tgd_resolve(struct tgd_resolver *r, struct tgd_resolve_wait *wait, const char *host)
{
    int64_t now = tgd_now().mono;
    struct name *n = strlen(host) < sizeof wait->host ? name_of(r, host, now) : NULL;

    if (!n)
        return false;
    if (!n->asking && !(n->until > now ? answer_again(r, n) : start(r, n)))
        return false;
    memcpy(wait->host, host, strlen(host) + 1);
    wait->next = r->waiting;
    r->waiting = wait;
    return true;
}

void tgd_resolve_forget(struct tgd_resolver *r, struct tgd_resolve_wait *wait)
{
    struct tgd_resolve_wait **at = &r->waiting;

    while (*at && *at != wait)
        at = &(*at)->next;
    if (*at)
        *at = wait->next;
}
