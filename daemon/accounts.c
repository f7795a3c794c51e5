#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/edge.h"

/* Of those listed at the start: a fraction of a millisecond each, and clients are served between. */
#define OPENED_A_TURN 3

static void configure(struct tgd_account *a)
{
    const struct tgd_config_account *own = tgd_config_account(&a->tgd->config, a->row.name);

    a->no_journal = own && !own->journal;
}

void tgd_accounts_configure(struct tgd *d)
{
    const struct tgd_config *c = &d->config;
    struct store_bounds bounds = {.seconds = (int64_t)c->journal_days * 86400,
                                  .events = c->journal_events,
                                  .bytes = (int64_t)c->journal_mib * 1024 * 1024};

    store_journal_bounds(d->store, &bounds);
    for (size_t i = 0; i < d->n_accounts; i++)
        configure(d->accounts[i]);
}

static void destroy(struct tgd_account *a)
{
    if (!a)
        return;
    tgd_links_close(a);
    rpc_timer_clear(&a->tgd->due, &a->due);
    mt_account_free(a->core);
    if (a->proxy)
        mt_wipe(a->proxy, strlen(a->proxy));
    free(a->proxy);
    free(a);
}

void tgd_account_touch(struct tgd_account *a)
{
    struct tgd *d = a->tgd;

    if (a->dirty)
        return;
    a->dirty = true;
    a->next_dirty = NULL;
    *(d->dirty ? d->dirty_end : &d->dirty) = a;
    d->dirty_end = &a->next_dirty;
}

static void on_due(struct rpc_timer *t, struct mt_now now)
{
    struct tgd_account *a = (struct tgd_account *)((char *)t - offsetof(struct tgd_account, due));

    mt_account_tick(a->core, now);
    tgd_account_touch(a);
}

/* The first account whose id is not below. */
static size_t place_of(const struct tgd *d, int32_t id)
{
    size_t low = 0, high = d->n_accounts;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (d->accounts[mid]->row.id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Into the list, without its machine. */
static struct tgd_account *enlist(struct tgd *d, const struct store_account *row)
{
    struct tgd_account *a = calloc(1, sizeof *a);
    struct tgd_account **list = a ? realloc(d->accounts, (d->n_accounts + 1) * sizeof *list) : NULL;
    size_t at;

    if (list)
        d->accounts = list;
    else {
        free(a);
        return NULL;
    }
    a->tgd = d;
    a->row = *row;
    a->ops = store_ops_of(d->store, row->id);
    a->due.fire = on_due;
    a->stored = true;
    if (!a->ops) {
        free(a);
        return NULL;
    }
    configure(a);
    at = place_of(d, row->id); /* one that was closed may come behind later ones */
    memmove(&d->accounts[at + 1], &d->accounts[at], (d->n_accounts++ - at) * sizeof *list);
    d->accounts[at] = a;
    return a;
}

static void forget(struct tgd *d, struct tgd_account *a)
{
    size_t i = place_of(d, a->row.id);

    memmove(&d->accounts[i], &d->accounts[i + 1], (--d->n_accounts - i) * sizeof(struct tgd_account *));
    a->gone = true;
    a->next_removed = d->removed;
    d->removed = a;
}

static void note_closed(struct tgd *d, int32_t id, const char *name, const char *why,
                        const struct tgd_closed *before, size_t n_before)
{
    struct tgd_closed *list = realloc(d->closed, (d->n_closed + 1) * sizeof *list), *c;
    bool known = false;

    if (!list)
        return;
    d->closed = list;
    c = &list[d->n_closed++];
    c->id = id;
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->why, sizeof c->why, "%s", why);
    for (size_t i = 0; i < n_before; i++)
        known |= strcmp(before[i].name, c->name) == 0 && strcmp(before[i].why, c->why) == 0;
    if (!known)
        tgd_log(MT_LOG_WARN, "accounts", "%s stays closed: %s", name, c->why);
}

struct refresh {
    struct tgd *d;
    struct tgd_closed *before; /* what was closed until now: it is not logged again */
    size_t n_before;
};

/* Gives a listed account its machine; one that cannot have it leaves the list. */
static int open_listed(struct tgd_account *a)
{
    int r = tgd_machine_make(a, tgd_now());

    if (r == MT_OK)
        tgd_account_touch(a);
    else
        forget(a->tgd, a);
    return r;
}

static int open_row(void *arg, const struct store_account *row)
{
    struct refresh *r = arg;
    struct tgd_account *a = tgd_account_by_id(r->d, row->id);
    int rc = MT_OK;

    if (a)
        a->stored = true;
    else
        rc = (a = enlist(r->d, row)) ? open_listed(a) : MT_E_NOMEM;
    if (rc != MT_OK)
        note_closed(r->d, row->id, row->name, store_error(r->d->store), r->before, r->n_before);
    return 0;
}

int tgd_accounts_refresh(struct tgd *d)
{
    struct refresh r = {d, d->closed, d->n_closed};
    int rc;

    d->closed = NULL;
    d->n_closed = 0;
    for (size_t i = 0; i < d->n_accounts; i++)
        d->accounts[i]->stored = false;
    rc = store_account_each(d->store, open_row, &r);
    free(r.before);
    for (size_t i = d->n_accounts; rc == MT_OK && i-- > 0;)
        if (!d->accounts[i]->stored)
            forget(d, d->accounts[i]);
    return rc;
}

struct listing {
    struct tgd *d;
    int r;
};

static int enlist_row(void *arg, const struct store_account *row)
{
    struct listing *l = arg;

    l->r = enlist(l->d, row) ? MT_OK : MT_E_NOMEM;
    return l->r;
}

int tgd_accounts_list(struct tgd *d)
{
    struct listing l = {d, MT_OK};
    int r = store_account_each(d->store, enlist_row, &l);

    d->opening = true;
    return r != MT_OK ? r : l.r;
}

bool tgd_account_open(struct tgd_account *a)
{
    struct tgd *d = a->tgd;
    char name[33];
    int32_t id = a->row.id;

    if (a->core)
        return true;
    memcpy(name, a->row.name, sizeof name);
    if (open_listed(a) == MT_OK)
        return true;
    note_closed(d, id, name, store_error(d->store), NULL, 0);
    return false;
}

void tgd_accounts_open_some(struct tgd *d)
{
    for (int n = 0; d->opening && n < OPENED_A_TURN; n++) {
        size_t at = place_of(d, d->opened_to + 1);

        d->opening = at < d->n_accounts;
        if (!d->opening)
            return;
        d->opened_to = d->accounts[at]->row.id;
        (void)tgd_account_open(d->accounts[at]); /* what keeps it closed is noted */
    }
}

void tgd_accounts_close(struct tgd *d)
{
    tgd_accounts_reap(d);
    for (size_t i = 0; i < d->n_accounts; i++)
        destroy(d->accounts[i]);
    free(d->accounts);
    free(d->closed);
    rpc_timers_fini(&d->due);
    d->accounts = NULL;
    d->closed = NULL;
    d->n_accounts = d->n_closed = 0;
    d->dirty = NULL;
}

struct tgd_account *tgd_account_by_id(struct tgd *d, int32_t id)
{
    size_t i = place_of(d, id);

    return i < d->n_accounts && d->accounts[i]->row.id == id ? d->accounts[i] : NULL;
}

int tgd_account_add(struct tgd *d, const char *name, int32_t api_id, const char *api_hash, int32_t *id,
                    char err[256])
{
    struct store_account row;
    struct tgd_account *a;
    int r = store_account_add(d->store, name, api_id, api_hash, &row);

    if (r != MT_OK) {
        snprintf(err, 256, "%s", store_error(d->store));
        return r;
    }
    a = enlist(d, &row);
    r = a ? open_listed(a) : MT_E_NOMEM;
    if (r != MT_OK) {
        snprintf(err, 256, "%s", mt_strerror(r));
        return r;
    }
    *id = row.id;
    return MT_OK;
}

static struct tgd_closed *closed_by_id(struct tgd *d, int32_t id)
{
    for (size_t i = 0; i < d->n_closed; i++)
        if (d->closed[i].id == id)
            return &d->closed[i];
    return NULL;
}

int tgd_account_remove(struct tgd *d, int32_t id, char err[256])
{
    struct tgd_account *a = tgd_account_by_id(d, id);
    struct tgd_closed *closed = closed_by_id(d, id);
    int r = a || closed ? store_account_remove(d->store, id) : MT_E_NOT_FOUND;

    if (r != MT_OK) {
        snprintf(err, 256, "%s", a || closed ? store_error(d->store) : "no such account");
        return r;
    }
    if (closed)
        *closed = d->closed[--d->n_closed];
    if (!a)
        return MT_OK;
    forget(d, a); /* a caller further up may still hold it: freed by tgd_accounts_reap() */
    tgd_account_halt(a, tgd_now());
    return MT_OK;
}

void tgd_accounts_reap(struct tgd *d)
{
    while (d->removed) {
        struct tgd_account *a = d->removed;

        d->removed = a->next_removed;
        destroy(a);
    }
}

int tgd_account_pause(struct tgd *d, int32_t id, bool paused, char err[256])
{
    struct tgd_account *a = tgd_account_by_id(d, id);
    struct mt_now now = tgd_now();
    int r;

    if (!a || !tgd_account_open(a)) {
        snprintf(err, 256, "no such account");
        return MT_E_NOT_FOUND;
    }
    a->row.paused = paused;
    r = store_account_update(d->store, &a->row);
    if (r != MT_OK) {
        a->row.paused = !paused;
        snprintf(err, 256, "%s", store_error(d->store));
        return r;
    }
    if (paused)
        mt_account_pause(a->core, now);
    else
        mt_account_start(a->core, now);
    tgd_account_touch(a);
    return MT_OK;
}

void tgd_accounts_kick(struct tgd *d, struct mt_now now)
{
    for (size_t i = 0; i < d->n_accounts; i++) {
        if (!d->accounts[i]->core)
            continue;
        mt_account_kick(d->accounts[i]->core, now);
        tgd_account_touch(d->accounts[i]);
    }
}

int tgd_accounts_restart(struct tgd *d, struct mt_now now)
{
    for (size_t i = 0; i < d->n_accounts;) {
        struct tgd_account *a = d->accounts[i];
        int r;

        tgd_account_halt(a, now);
        r = tgd_machine_make(a, now);
        if (r == STORE_E_CORRUPT || r == STORE_E_NEWER || r == STORE_E_SERVERS || r == STORE_E_SEALED ||
            r == MT_E_NOT_FOUND) {
            note_closed(d, a->row.id, a->row.name, store_error(d->store), NULL, 0);
            forget(d, a);
        } else if (r != MT_OK) {
            return r;
        } else {
            tgd_account_touch(a);
            i++;
        }
    }
    return MT_OK;
}
