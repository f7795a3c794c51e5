#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "daemon/daemon.h"
#include "daemon/edge.h"
#include "daemon/proxies.h"
#include "daemon/version.h"

static const struct tgd_config_account *configured(const struct tgd *d, const char *name)
{
    return tgd_config_account(&d->config, name);
}

static const char *kernel(void)
{
    static struct utsname u; /* filled once; the same for the life of the process */

    if (!u.sysname[0] && uname(&u))
        return "Linux";
    return u.release;
}

/* The account's own application, else [account NAME]'s, else [daemon]'s. */
static void fill_app(struct tgd_account *a, struct mt_account_cfg *cfg)
{
    const struct tgd_config *c = &a->tgd->config;
    const struct tgd_config_account *own = configured(a->tgd, a->row.name);
    const char *hash = c->api_hash;

    cfg->init = (struct mt_init_params){.device_model = "tgd",
                                        .system_version = a->system,
                                        .app_version = TGD_VERSION,
                                        .system_lang_code = "en",
                                        .lang_code = "en"};
    if (a->row.api_id) {
        cfg->init.api_id = a->row.api_id;
        hash = a->row.api_hash;
    } else if (own && own->api_id) {
        cfg->init.api_id = own->api_id;
        hash = own->api_hash;
    } else {
        cfg->init.api_id = c->api_id;
    }
    snprintf(a->api_hash, sizeof a->api_hash, "%s", hash ? hash : "");
    cfg->api_hash = hash ? a->api_hash : NULL;
}

static void fill_transport(const struct tgd *d, struct mt_account_cfg *cfg)
{
    const char *t = d->config.transport;

    cfg->framing = MT_ABRIDGED;
    if (strcmp(t, "intermediate") == 0)
        cfg->framing = MT_INTERMEDIATE;
    else if (strcmp(t, "padded") == 0 || strcmp(t, "obfuscated") == 0)
        cfg->framing = MT_PADDED;
    else if (strcmp(t, "full") == 0)
        cfg->framing = MT_FULL;
    cfg->obfuscated = strcmp(t, "obfuscated") == 0;
    cfg->pfs = d->config.pfs;
}

/* What an account says of itself towards Telegram stays what it was when it logged in. */
static const struct store_device *here(void)
{
    static struct store_device d;

    if (!d.system[0]) {
        snprintf(d.system, sizeof d.system, "%.60s", kernel());
        d.known = tgd_machine_id(d.machine);
    }
    return &d;
}

/* The rest of keys.db into the account; false: it is not fit to go out. */
static bool take_ways(struct tgd_account *a, const struct store_ways *ways)
{
    const struct store_device *now = here();
    bool moved =
        now->known && ways->kept.known && memcmp(now->machine, ways->kept.machine, sizeof now->machine) != 0;

    memcpy(a->system, ways->kept.system[0] ? ways->kept.system : now->system, sizeof a->system);
    if (moved) {
        a->moved = true;
        tgd_log(
            MT_LOG_WARN, "accounts",
            "%s was last used on another machine. If a copy of it is still in use there, stop that one for "
            "good: Telegram ends a login that is used from two places",
            a->row.name);
    }
    if (a->proxy)
        mt_wipe(a->proxy, strlen(a->proxy));
    free(a->proxy);
    a->proxy = *ways->proxy ? strdup(ways->proxy) : NULL;
    return a->proxy || !*ways->proxy;
}

/* Loads what is stored and makes the machine of it; a->core is replaced only where all of it works. */
static int make_core(struct tgd_account *a, struct mt_now now)
{
    struct tgd *d = a->tgd;
    struct mt_account_cfg cfg = {.env = &d->env, .servers = d->servers, .store = a->ops};
    struct mt_saved *saved = calloc(1, sizeof *saved); /* large, and needed here only */
    struct mt_account *core = NULL;
    struct store_ways ways = {0};
    struct mt_proxy_cfg proxy = {0};
    enum rpc_proxy_source source;
    int r = saved ? store_account_open(d->store, a->row.id, here(), saved, &ways) : MT_E_NOMEM;

    if (r != MT_OK)
        goto end;
    r = take_ways(a, &ways) ? tgd_proxy_of(d, a, &proxy, &source) : MT_E_NOMEM;
    if (r != MT_OK) {
        if (r == MT_E_ARG)
            tgd_log(MT_LOG_WARN, "proxy", "%s: its proxy cannot be read", a->row.name);
        goto end;
    }
    cfg.proxy = &proxy;
    fill_app(a, &cfg);
    fill_transport(d, &cfg);
    core = mt_account_new(&cfg, saved, now);
    if (!core) {
        r = MT_E_NOMEM;
        goto end;
    }
    mt_account_free(a->core);
    a->core = core;
    if (!a->row.paused)
        mt_account_start(core, now);
end:
    if (saved)
        mt_wipe(saved, sizeof *saved);
    free(saved);
    mt_wipe(&ways, sizeof ways);
    mt_wipe(&proxy, sizeof proxy);
    return r;
}

static void configure(struct tgd_account *a)
{
    const struct tgd_config_account *own = configured(a->tgd, a->row.name);

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

static int open_one(struct tgd *d, const struct store_account *row, struct mt_now now)
{
    struct tgd_account *a = calloc(1, sizeof *a);
    struct tgd_account **list;
    size_t at;
    int r = MT_E_NOMEM;

    if (!a)
        return r;
    a->tgd = d;
    a->row = *row;
    a->ops = store_ops_of(d->store, row->id);
    list = realloc(d->accounts, (d->n_accounts + 1) * sizeof *list);
    if (list)
        d->accounts = list;
    a->due.fire = on_due;
    if (!list || !a->ops || !rpc_timer_set(&d->due, &a->due, now.mono) || (r = make_core(a, now)) != MT_OK) {
        destroy(a);
        return r;
    }
    configure(a);
    a->stored = true;
    at = place_of(d, row->id); /* one that was closed may come behind later ones */
    memmove(&d->accounts[at + 1], &d->accounts[at], (d->n_accounts++ - at) * sizeof *list);
    d->accounts[at] = a;
    tgd_account_touch(a);
    return MT_OK;
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

static int open_row(void *arg, const struct store_account *row)
{
    struct refresh *r = arg;
    struct tgd_account *a = tgd_account_by_id(r->d, row->id);

    if (a)
        a->stored = true;
    else if (open_one(r->d, row, tgd_now()) != MT_OK)
        note_closed(r->d, row->id, row->name, store_error(r->d->store), r->before, r->n_before);
    return 0;
}

static void forget(struct tgd *d, size_t i)
{
    struct tgd_account *a = d->accounts[i];

    memmove(&d->accounts[i], &d->accounts[i + 1], (--d->n_accounts - i) * sizeof(struct tgd_account *));
    a->gone = true;
    a->next_removed = d->removed;
    d->removed = a;
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
            forget(d, i);
    return rc;
}

int tgd_accounts_open(struct tgd *d)
{
    return tgd_accounts_refresh(d);
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
    int r = store_account_add(d->store, name, api_id, api_hash, &row);

    if (r != MT_OK) {
        snprintf(err, 256, "%s", store_error(d->store));
        return r;
    }
    r = open_one(d, &row, tgd_now());
    if (r != MT_OK) {
        snprintf(err, 256, "%s", mt_strerror(r));
        return r;
    }
    *id = row.id;
    return MT_OK;
}

static int no_row(void *arg, const struct mt_outbox_row *row)
{
    (void)arg;
    (void)row;
    return 0;
}

static bool is_stored(const struct tgd_account *a, int64_t send_id)
{
    return store_outbox_get(a->tgd->store, a->row.id, send_id, no_row, NULL) != MT_E_NOT_FOUND;
}

void tgd_account_last_reply(struct tgd_account *a, struct mt_now now, const struct mt_fx *fx)
{
    struct mt_reply r = *fx->reply;

    /* the end of its row is not written: what is loaded next sends it, if its row is there at all */
    if (r.send_id && !r.again)
        r = (struct mt_reply){.kind = MT_REPLY_FAILED,
                              .code = STORE_E_IO,
                              .send_id = r.send_id,
                              .sent = is_stored(a, r.send_id) ? MT_SENT_UNKNOWN : MT_SENT_NO};
    else if (r.kind == MT_REPLY_OK || r.kind == MT_REPLY_TIMEOUT || r.kind == MT_REPLY_FAILED)
        r = (struct mt_reply){.kind = MT_REPLY_FAILED, .code = STORE_E_IO, .sent = r.sent};
    rpc_reply(a->tgd->rpc, now, a->row.id, fx->token, &r);
}

void tgd_account_halt(struct tgd_account *a, struct mt_now now)
{
    struct mt_fx fx;

    mt_account_stop(a->core, now);
    while (mt_account_next(a->core, &fx)) {
        if (fx.kind == MT_FX_REPLY)
            tgd_account_last_reply(a, now, &fx);
        else if (fx.kind == MT_FX_COMPUTE)
            mt_job_free(fx.job);
    }
    tgd_links_close(a);
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
    forget(d, place_of(d, id)); /* a caller further up may still hold it: freed by tgd_accounts_reap() */
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

    if (!a) {
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
        r = make_core(a, now);
        if (r == STORE_E_CORRUPT || r == STORE_E_NEWER || r == STORE_E_SERVERS || r == STORE_E_SEALED ||
            r == MT_E_NOT_FOUND) {
            note_closed(d, a->row.id, a->row.name, store_error(d->store), NULL, 0);
            forget(d, i);
        } else if (r != MT_OK) {
            return r;
        } else {
            tgd_account_touch(a);
            i++;
        }
    }
    return MT_OK;
}
