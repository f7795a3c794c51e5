#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/daemon.h"
#include "daemon/edge.h"
#include "daemon/wake.h"
#include "daemon/worker.h"

/* Rounds of one call before other descriptors get their turn. */
#define ROUNDS_MAX 16
/* Commits that nobody waits for are synced together. */
#define SYNC_DELAY (MT_US_PER_S / 2)
/* After a failed commit: 1, 2, 4 ... s, so that no reconnects storm while the disk is full. */
#define RETRY_DELAY     MT_US_PER_S
#define RETRY_DELAY_MAX (60 * MT_US_PER_S)
/* The disk has worked for so long that the next failure is a new one. */
#define STEADY     (60 * MT_US_PER_S)
#define TRIM_DELAY (60 * MT_US_PER_S)
/* Between steps of 32 events: 1,600 a second leave, faster than any account fills. */
#define TRIM_PAUSE (20 * MT_US_PER_MS)

struct tgd_pump {
    struct tgd *d;
    bool turn_failed;
    bool storage_failed; /* the last commit failed: accounts are stopped until storage works again */
    int64_t retry_at, retry_delay, works_since;
    uint64_t committed;                /* newest turn */
    int64_t unsynced_since;            /* mono time of the first commit that is not synced; 0 = none */
    bool sync_awaited;                 /* by an account */
    bool sync_failed;                  /* the last one: the next one is not at once */
    int64_t sync_retry_at, sync_delay; /* of a sync that failed; 0 = none is due */
    int64_t trim_at;
    int64_t watchdog_us, watchdog_at;
    struct tgd_sleep sleep;
    long kill_after; /* test hook: SIGKILL to ourselves after so many effects; < 0 = never */
};

struct tgd_pump *tgd_pump_new(struct tgd *d)
{
    struct tgd_pump *p = calloc(1, sizeof *p);
    const char *kill_after = getenv("TGD_TEST_KILL_AFTER");

    if (!p)
        return NULL;
    p->d = d;
    p->watchdog_us = tgd_watchdog_interval();
    p->trim_at = tgd_now().mono + TRIM_DELAY;
    p->kill_after = kill_after ? strtol(kill_after, NULL, 10) : -1;
    return p;
}

void tgd_pump_free(struct tgd_pump *p)
{
    free(p);
}

bool tgd_pump_is_halted(const struct tgd_pump *p)
{
    return p->storage_failed;
}

/* Every place after which the process may die is counted here: see tests/e2e/test_kill.py. */
static void boundary(struct tgd_pump *p)
{
    if (p->kill_after > 0 && --p->kill_after == 0)
        raise(SIGKILL);
}

/* --- effects --- */

static void wrote(struct tgd_pump *p, const char *what, int r)
{
    if (r == MT_OK)
        return;
    tgd_log(MT_LOG_WARN, "storage", "%s: %s", what, store_error(p->d->store));
    p->turn_failed = true;
}

static void need_turn(struct tgd_pump *p)
{
    if (!store_in_turn(p->d->store))
        wrote(p, "begin", store_begin(p->d->store));
}

static void append(void *arg, const struct rpc_event *e)
{
    struct tgd_pump *p = arg;
    struct store_event row = {.account = e->account,
                              .type = e->type,
                              .chat = e->chat,
                              .sender = e->sender,
                              .direction = e->direction,
                              .time = e->time,
                              .expires = e->expires,
                              .body = e->body,
                              .raw = e->raw,
                              .layer = e->layer};

    need_turn(p);
    wrote(p, "event", store_append(p->d->store, &row));
}

static void compute(struct tgd_pump *p, struct tgd_account *a, struct mt_now now, const struct mt_fx *fx)
{
    if (tgd_worker_compute(p->d->worker, a->row.id, fx->token, fx->job) != MT_OK)
        mt_account_done(a->core, now, fx->token, MT_E_NOMEM, NULL);
}

/*
 * After a lost turn the machines run ahead of what is stored: until they are made anew nothing of theirs is
 * written, or the state would pass the events that were lost, and nothing is promised.
 */
static void discard(struct tgd_account *a, struct mt_now now, const struct mt_fx *fx)
{
    if (fx->kind == MT_FX_CLOSE)
        tgd_link_close(a, fx->link);
    else if (fx->kind == MT_FX_COMPUTE)
        mt_job_free(fx->job);
    else if (fx->kind == MT_FX_REPLY)
        tgd_account_last_reply(a, now, fx);
}

static void put_send(struct tgd_pump *p, int32_t account, struct mt_now now, const struct mt_fx *fx)
{
    need_turn(p);
    wrote(p, "outbox", store_put_outbox(p->d->store, account, fx->row));
    if (fx->tell)
        rpc_render_fx(p->d->rpc, now, account, fx, append, p);
}

/* The next start asks again: no reason to stop for. */
static void save_addresses(struct store *s, int32_t account, const struct mt_fx *fx)
{
    if (store_save_addresses(s, account, fx->addresses) != MT_OK)
        tgd_log(MT_LOG_WARN, "storage", "addresses: %s", store_error(s));
}

static void carry_out(struct tgd_pump *p, struct tgd_account *a, struct mt_now now, const struct mt_fx *fx)
{
    struct store *s = p->d->store;
    int32_t id = a->row.id;

    switch (fx->kind) {
    case MT_FX_NONE:
    case MT_FX_OUTPUT:
        return;
    case MT_FX_CONNECT:
        tgd_link_open(a, fx);
        break;
    case MT_FX_CLOSE:
        tgd_link_close(a, fx->link);
        break;
    case MT_FX_SAVE_KEY:
        mt_account_done(a->core, now, fx->token, store_save_key(s, id, fx->dc), NULL);
        break;
    case MT_FX_SAVE_AUTH:
        mt_account_done(a->core, now, fx->token, store_save_auth(s, id, fx->saved), NULL);
        break;
    case MT_FX_SAVE_ADDRESSES:
        save_addresses(s, id, fx);
        break;
    case MT_FX_SAVE_SALTS:
        need_turn(p);
        wrote(p, "salts", store_put_salts(s, id, fx->dc));
        break;
    case MT_FX_FORGET:
        need_turn(p);
        wrote(p, "forget", store_forget(s, id));
        break;
    case MT_FX_STATE:
        need_turn(p);
        wrote(p, "state", store_put_state(s, id, fx->state));
        break;
    case MT_FX_CHANNEL:
        need_turn(p);
        wrote(p, "channel", store_put_channel(s, id, fx->channel));
        break;
    case MT_FX_PEER:
        need_turn(p);
        wrote(p, "peer", store_put_peer(s, id, fx->peer));
        break;
    case MT_FX_OUTBOX:
        put_send(p, id, now, fx);
        break;
    case MT_FX_UPDATE:
        rpc_render(p->d->rpc, now, id, fx, append, p);
        break;
    case MT_FX_GAP:
    case MT_FX_LOGIN:
    case MT_FX_CONNECTION:
        rpc_render_fx(p->d->rpc, now, id, fx, append, p);
        break;
    case MT_FX_STAGE:
        rpc_stage(p->d->rpc, fx->token, &fx->stage);
        break;
    case MT_FX_REPLY:
        rpc_reply(p->d->rpc, now, id, fx->token, fx->reply);
        break;
    case MT_FX_COMPUTE:
        compute(p, a, now, fx);
        break;
    case MT_FX_SYNC:
        a->wants_sync = p->sync_awaited = true;
        a->sync_turn = 0;
        break;
    }
    boundary(p);
}

/* --- one round: effects, commit, what waited for it --- */

static void retry_later(struct tgd_pump *p, struct mt_now now)
{
    p->retry_delay = p->retry_delay ? p->retry_delay * 2 : RETRY_DELAY;
    if (p->retry_delay > RETRY_DELAY_MAX)
        p->retry_delay = RETRY_DELAY_MAX;
    p->retry_at = now.mono + p->retry_delay;
}

/*
 * Nothing of a failed turn may leave. Its effects exist only in the machines' memory, so these are made anew
 * from what is stored; the servers send again what was not acknowledged. Who waits is told STORAGE.
 */
static void turn_lost(struct tgd_pump *p, struct mt_now now)
{
    struct tgd *d = p->d;
    char why[256];

    snprintf(why, sizeof why, "%s", store_error(d->store)); /* what follows reads the store */
    if (!p->storage_failed)
        tgd_log(MT_LOG_WARN, "storage", "cannot write: %s; accounts stop until it works again", why);
    if (!p->storage_failed && now.mono - p->works_since > STEADY)
        p->retry_delay = 0;
    retry_later(p, now);
    p->storage_failed = true;
    for (size_t i = 0; i < d->n_accounts; i++)
        tgd_account_halt(d->accounts[i], now);
    rpc_turn_failed(d->rpc, now, why);
}

/* What was committed now is what those wait for who have asked in this turn. */
static void note_turn(struct tgd_pump *p)
{
    for (struct tgd_account *a = p->d->dirty; a; a = a->next_dirty)
        if (a->wants_sync && !a->sync_turn)
            a->sync_turn = p->committed;
}

/* One that failed is tried again by itself: who waits for it may be the last that wrote for hours. */
static void plan_retry(struct tgd_pump *p, struct mt_now now)
{
    bool had_failed = p->sync_delay != 0;

    if (!store_sync_failed(p->d->store)) {
        p->sync_delay = p->sync_retry_at = 0;
        if (had_failed)
            tgd_log(MT_LOG_INFO, "storage", "syncs work again");
        return;
    }
    if (!had_failed)
        tgd_log(MT_LOG_WARN, "storage", "a sync failed: the newest events may not survive a power cut");
    p->sync_delay = had_failed ? p->sync_delay * 2 : SYNC_DELAY;
    if (p->sync_delay > RETRY_DELAY_MAX)
        p->sync_delay = RETRY_DELAY_MAX;
    p->sync_retry_at = now.mono + p->sync_delay;
}

void tgd_pump_synced(struct tgd_pump *p, struct mt_now now)
{
    struct tgd *d = p->d;
    uint64_t synced = store_synced(d->store);

    p->sync_failed = store_sync_failed(d->store);
    plan_retry(p, now);
    if (!p->sync_awaited)
        return;
    p->sync_awaited = false;
    for (size_t i = 0; i < d->n_accounts; i++) {
        struct tgd_account *a = d->accounts[i];

        if (!a->wants_sync || a->gone || !a->core)
            continue;
        if (!a->sync_turn || a->sync_turn > synced) {
            p->sync_awaited = true;
            continue;
        }
        a->wants_sync = false;
        tgd_account_touch(a);
        mt_account_synced(a->core, now);
    }
    if (p->sync_awaited && !p->unsynced_since && !p->sync_retry_at) {
        p->sync_failed = true;
        p->unsynced_since = now.mono;
    }
}

/* False: nothing of this turn may leave. */
static bool commit(struct tgd_pump *p, struct mt_now now)
{
    struct tgd *d = p->d;
    uint64_t turn = 0;

    if (p->turn_failed)
        store_rollback(d->store);
    else if (store_commit(d->store, &turn) != MT_OK)
        p->turn_failed = true;
    /* durability = power: everything waits for the disk, here and now; the helper thread has nothing to do */
    if (!p->turn_failed && d->config.power_safe && store_sync_run(d->store) != MT_OK)
        p->turn_failed = true;
    if (p->turn_failed) {
        p->turn_failed = false;
        turn_lost(p, now);
        return false;
    }
    p->committed = turn;
    note_turn(p);
    if (d->config.power_safe)
        tgd_pump_synced(p, now);
    if (!p->unsynced_since && !d->config.power_safe)
        p->unsynced_since = now.mono;
    boundary(p);
    return true;
}

static bool round_once(struct tgd_pump *p, struct mt_now now)
{
    struct tgd *d = p->d;
    bool any = false;

    for (struct tgd_account *a = d->dirty; a; a = a->next_dirty) {
        struct mt_fx fx;

        while (!a->gone && mt_account_next(a->core, &fx)) {
            any = true;
            if (p->storage_failed)
                discard(a, now, &fx);
            else
                carry_out(p, a, now, &fx);
        }
    }
    if (store_in_turn(d->store) && !commit(p, now)) /* rpc writes too: acks of subscriptions */
        return false;
    for (struct tgd_account *a = d->dirty; a && !p->storage_failed; a = a->next_dirty)
        if (!a->gone)
            mt_account_committed(a->core, now);
    rpc_turn(d->rpc, p->committed, store_synced(d->store));
    rpc_committed(d->rpc, now);
    return any;
}

/* --- time --- */

static void recover(struct tgd_pump *p, struct mt_now now)
{
    struct tgd *d = p->d;

    if (store_in_turn(d->store)) /* clients have written meanwhile: that commit will tell */
        return;
    if (store_try(d->store) != MT_OK || tgd_accounts_refresh(d) != MT_OK) {
        retry_later(p, now);
        return;
    }
    if (tgd_accounts_restart(d, now) != MT_OK) {
        retry_later(p, now);
        return;
    }
    p->storage_failed = false;
    p->works_since = now.mono;
    rpc_storage_down(d->rpc, NULL);
    tgd_log(MT_LOG_INFO, "storage", "works again");
}

static void notice_suspend(struct tgd_pump *p, struct mt_now now)
{
    struct timespec ts;
    int64_t slept;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    slept = tgd_slept(&p->sleep, now.mono, (int64_t)ts.tv_sec * MT_US_PER_S + ts.tv_nsec / 1000);
    if (!slept)
        return;
    tgd_log(MT_LOG_INFO, "loop", "woke up after %lld s",
            (long long)((slept + MT_US_PER_S / 2) / MT_US_PER_S));
    tgd_accounts_kick(p->d, now);
}

/* Whether somebody waits for the next one. */
static bool wants_sync(const struct tgd_pump *p)
{
    return rpc_wants_sync(p->d->rpc) || (p->sync_awaited && !p->sync_failed);
}

static void tick(struct tgd_pump *p, struct mt_now now)
{
    struct tgd *d = p->d;

    notice_suspend(p, now);
    rpc_timers_run(&d->due, now);
    if (rpc_deadline(d->rpc) <= now.mono)
        rpc_tick(d->rpc, now);
    if (p->storage_failed && p->retry_at <= now.mono)
        recover(p, now);
    if (p->unsynced_since && (wants_sync(p) || p->unsynced_since + SYNC_DELAY <= now.mono)) {
        p->unsynced_since = 0;
        tgd_worker_sync(d->worker);
    }
    if (p->sync_retry_at && p->sync_retry_at <= now.mono) {
        p->sync_retry_at = 0;
        tgd_worker_sync(d->worker);
    }
    if (store_journal_is_over(d->store) && p->trim_at > now.mono + TRIM_PAUSE)
        p->trim_at = now.mono + TRIM_PAUSE;
    if (p->trim_at <= now.mono && d->n_closed && !p->storage_failed)
        (void)tgd_accounts_refresh(d); /* what kept them closed may be over */
    if (p->trim_at <= now.mono)
        p->trim_at = now.mono + (store_journal_trim(d->store, now) ? TRIM_PAUSE : TRIM_DELAY);
    if (p->watchdog_us && p->watchdog_at <= now.mono) {
        tgd_notify("WATCHDOG=1");
        p->watchdog_at = now.mono + p->watchdog_us;
    }
}

static void earlier(int64_t *t, int64_t other)
{
    if (other < *t)
        *t = other;
}

static void arm(struct tgd_pump *p, struct mt_now now, bool at_once)
{
    struct tgd *d = p->d;
    int64_t at = at_once ? now.mono : rpc_deadline(d->rpc);
    struct timeval tv;

    earlier(&at, rpc_timers_next(&d->due));
    earlier(&at, p->trim_at);
    if (p->storage_failed)
        earlier(&at, p->retry_at);
    if (p->unsynced_since)
        earlier(&at, wants_sync(p) ? now.mono : p->unsynced_since + SYNC_DELAY);
    if (p->sync_retry_at)
        earlier(&at, p->sync_retry_at);
    if (p->watchdog_us)
        earlier(&at, p->watchdog_at);
    at = at > now.mono ? at - now.mono : 0;
    tv.tv_sec = (time_t)(at / MT_US_PER_S);
    tv.tv_usec = (suseconds_t)(at % MT_US_PER_S);
    if (event_add(d->timer, &tv))
        tgd_log(MT_LOG_BROKEN, "loop", "cannot arm the timer");
}

void tgd_pump(struct tgd_pump *p)
{
    struct tgd *d = p->d;
    struct mt_now now = tgd_now();
    struct tgd_account *a, *next;
    bool more = true;

    tick(p, now);
    if (!p->storage_failed)
        tgd_accounts_open_some(d);
    for (int i = 0; more && i < ROUNDS_MAX; i++)
        more = round_once(p, now);
    next = d->dirty;
    d->dirty = NULL;
    while ((a = next)) {
        next = a->next_dirty;
        a->dirty = false;
        if (a->gone)
            continue;
        if (more)
            tgd_account_touch(a);
        tgd_links_flush(a, now); /* touches it where a link was lost: what to do about it is an effect */
        if (!rpc_timer_set(&d->due, &a->due, mt_account_deadline(a->core)))
            tgd_account_touch(a);
    }
    tgd_accounts_reap(d);
    tgd_clients_flush(d, now);
    arm(p, now, d->dirty || (d->opening && !p->storage_failed));
}
