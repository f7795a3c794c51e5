/*
 * The machine of an account (struct mt_account): made of what is stored and of the configuration, and ended
 * where nothing of it may be written any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "daemon/daemon.h"
#include "daemon/edge.h"
#include "daemon/proxies.h"
#include "daemon/version.h"

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
    const struct tgd_config_account *own = tgd_config_account(c, a->row.name);
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

    memcpy(a->row.api_hash, ways->api_hash, sizeof a->row.api_hash);
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

int tgd_machine_make(struct tgd_account *a, struct mt_now now)
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

    if (!a->core)
        return;
    mt_account_stop(a->core, now);
    a->wants_sync = false;
    while (mt_account_next(a->core, &fx)) {
        if (fx.kind == MT_FX_REPLY)
            tgd_account_last_reply(a, now, &fx);
        else if (fx.kind == MT_FX_COMPUTE)
            mt_job_free(fx.job);
    }
    tgd_links_close(a);
}
