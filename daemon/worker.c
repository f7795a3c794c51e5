#include "daemon/worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct task {
    struct task *next;
    int32_t account;
    uint64_t token;
    struct mt_job *job;
};

struct tgd_worker {
    struct tgd_worker_ops ops;
    struct store *store;
    pthread_mutex_t lock;
    pthread_cond_t sync_wanted, task_wanted;
    pthread_t syncer, computer;
    bool has_syncer, has_computer;
    /* under the lock */
    bool stop, want_sync, sync_ended;
    struct task *todo, **todo_end, *done, **done_end;
    /* loop thread */
    int bell;
    struct event *event;
};

static void ring(struct tgd_worker *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->bell, &one, sizeof one);

    (void)n; /* a full counter has rung already */
}

static void *sync_body(void *arg)
{
    struct tgd_worker *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->want_sync && !w->stop)
            pthread_cond_wait(&w->sync_wanted, &w->lock);
        if (!w->want_sync)
            break;
        w->want_sync = false;
        pthread_mutex_unlock(&w->lock);
        (void)store_sync_run(w->store); /* a failure shows in store_synced() not moving */
        pthread_mutex_lock(&w->lock);
        w->sync_ended = true;
        ring(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void *compute_body(void *arg)
{
    struct tgd_worker *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct task *t;

        while (!w->todo && !w->stop)
            pthread_cond_wait(&w->task_wanted, &w->lock);
        if (w->stop)
            break;
        t = w->todo;
        w->todo = t->next;
        if (!w->todo)
            w->todo_end = &w->todo;
        t->next = NULL;
        pthread_mutex_unlock(&w->lock);
        mt_job_run(t->job);
        pthread_mutex_lock(&w->lock);
        *w->done_end = t;
        w->done_end = &t->next;
        ring(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_worker *w = arg;
    struct task *done;
    uint64_t count;
    bool synced;

    (void)what;
    if (read(fd, &count, sizeof count) < 0)
        return;
    pthread_mutex_lock(&w->lock);
    done = w->done;
    w->done = NULL;
    w->done_end = &w->done;
    synced = w->sync_ended;
    w->sync_ended = false;
    pthread_mutex_unlock(&w->lock);
    if (synced)
        w->ops.synced(w->ops.ctx);
    while (done) {
        struct task *t = done;

        done = t->next;
        w->ops.computed(w->ops.ctx, t->account, t->token, t->job);
        free(t);
    }
}

/* Signals are the loop's: the threads start with all of them blocked. */
static bool start_threads(struct tgd_worker *w)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    w->has_syncer = pthread_create(&w->syncer, NULL, sync_body, w) == 0;
    w->has_computer = pthread_create(&w->computer, NULL, compute_body, w) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return w->has_syncer && w->has_computer;
}

struct tgd_worker *tgd_worker_new(struct event_base *base, struct store *store,
                                  const struct tgd_worker_ops *ops)
{
    struct tgd_worker *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->ops = *ops;
    w->store = store;
    w->todo_end = &w->todo;
    w->done_end = &w->done;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->sync_wanted, NULL);
    pthread_cond_init(&w->task_wanted, NULL);
    w->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->bell >= 0)
        w->event = event_new(base, w->bell, EV_READ | EV_PERSIST, on_bell, w);
    if (!w->event || event_add(w->event, NULL) || !start_threads(w)) {
        tgd_worker_free(w);
        return NULL;
    }
    return w;
}

static void free_tasks(struct task *t)
{
    while (t) {
        struct task *next = t->next;

        mt_job_free(t->job);
        free(t);
        t = next;
    }
}

void tgd_worker_free(struct tgd_worker *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->sync_wanted);
    pthread_cond_broadcast(&w->task_wanted);
    pthread_mutex_unlock(&w->lock);
    if (w->has_syncer)
        pthread_join(w->syncer, NULL);
    if (w->has_computer)
        pthread_join(w->computer, NULL);
    free_tasks(w->todo);
    free_tasks(w->done);
    if (w->event)
        event_free(w->event);
    if (w->bell >= 0)
        close(w->bell);
    pthread_cond_destroy(&w->sync_wanted);
    pthread_cond_destroy(&w->task_wanted);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void tgd_worker_sync(struct tgd_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->want_sync = true;
    pthread_cond_signal(&w->sync_wanted);
    pthread_mutex_unlock(&w->lock);
}

int tgd_worker_compute(struct tgd_worker *w, int32_t account, uint64_t token, struct mt_job *job)
{
    struct task *t = calloc(1, sizeof *t);

    if (!t) {
        mt_job_free(job);
        return MT_E_NOMEM;
    }
    t->account = account;
    t->token = token;
    t->job = job;
    pthread_mutex_lock(&w->lock);
    *w->todo_end = t;
    w->todo_end = &t->next;
    pthread_cond_signal(&w->task_wanted);
    pthread_mutex_unlock(&w->lock);
    return MT_OK;
}
