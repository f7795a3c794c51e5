#include "daemon/backup.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/edge.h"
#include "storage/backup.h"

#define LOOK_US 50000

struct tgd_backup {
    struct tgd *tgd;
    struct store_backup *store;
    pthread_t thread;
    struct event *timer;
    bool alone; /* nobody waits */
    int result; /* of the thread, when it has ended */
    atomic_bool ended;
};

static void *body(void *arg)
{
    struct tgd_backup *b = arg;

    b->result = store_backup_run(b->store);
    atomic_store(&b->ended, true);
    return NULL;
}

static void finish(struct tgd *d)
{
    struct tgd_backup *b = d->backup;

    pthread_join(b->thread, NULL);
    if (b->result == MT_OK)
        tgd_log(MT_LOG_INFO, "backup", "made");
    else
        tgd_log(MT_LOG_WARN, "backup", "not made: %s", store_backup_error(b->store));
    store_backup_free(b->store);
    event_free(b->timer);
    free(b);
    d->backup = NULL;
}

/* The pump runs after it, and rpc looks. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_backup *b = arg;
    const struct timeval next = {.tv_usec = LOOK_US};

    (void)fd;
    (void)what;
    if (b->alone && atomic_load(&b->ended))
        finish(b->tgd);
    else
        (void)event_add(b->timer, &next);
}

static bool start(struct tgd_backup *b)
{
    const struct timeval next = {.tv_usec = LOOK_US};
    sigset_t all, old;
    bool started;

    b->timer = evtimer_new(b->tgd->base, on_timer, b);
    if (!b->timer || event_add(b->timer, &next))
        return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    started = pthread_create(&b->thread, NULL, body, b) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

int tgd_backup_begin(struct tgd *d, const char *path, char err[256])
{
    struct tgd_backup *b;
    int r;

    if (d->backup)
        return MT_E_STATE;
    b = calloc(1, sizeof *b);
    if (!b)
        return MT_E_NOMEM;
    b->tgd = d;
    r = store_backup_new(d->store, path, &b->store, err);
    if (r == MT_OK && !start(b)) {
        snprintf(err, 256, "no memory or threads");
        r = MT_E_NOMEM;
    }
    if (r != MT_OK) {
        if (b->timer)
            event_free(b->timer);
        store_backup_free(b->store);
        free(b);
        return r;
    }
    d->backup = b;
    return MT_OK;
}

int tgd_backup_state(struct tgd *d, uint64_t *done, uint64_t *total, char *warning, size_t cap, char err[256])
{
    struct tgd_backup *b = d->backup;
    unsigned accounts, damaged;
    int r;

    if (!b)
        return MT_E_STATE;
    store_backup_progress(b->store, done, total);
    if (!atomic_load(&b->ended))
        return 0;
    r = b->result == MT_OK ? 1 : b->result;
    snprintf(err, 256, "%s", store_backup_error(b->store));
    store_backup_accounts(b->store, &accounts, &damaged);
    if (damaged)
        snprintf(warning, cap, "the keys of %u of %u accounts are damaged; they were copied as they are",
                 damaged, accounts);
    finish(d);
    return r;
}

void tgd_backup_cancel(struct tgd *d)
{
    if (!d->backup)
        return;
    d->backup->alone = true;
    store_backup_cancel(d->backup->store);
}

void tgd_backup_fini(struct tgd *d)
{
    if (!d->backup)
        return;
    store_backup_cancel(d->backup->store);
    finish(d);
}
