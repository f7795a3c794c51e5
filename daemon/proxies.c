#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/edge.h"
#include "daemon/proxies.h"

static void forget(char **text)
{
    if (*text)
        mt_wipe(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

int tgd_proxies_open(struct tgd *d, char err[256])
{
    char text[STORE_PROXY_MAX];
    int r = store_proxy_get(d->store, 0, text);

    if (r == MT_OK && *text && !(d->proxy_all = strdup(text)))
        r = MT_E_NOMEM;
    mt_wipe(text, sizeof text);
    if (r != MT_OK)
        snprintf(err, 256, "the proxy of all accounts cannot be read: %.180s", store_error(d->store));
    return r == MT_OK ? 0 : -1;
}

void tgd_proxies_close(struct tgd *d)
{
    tgd_proxy_tests_close(d);
    forget(&d->proxy_all);
}

int tgd_proxy_of(const struct tgd *d, const struct tgd_account *a, struct mt_proxy_cfg *out,
                 enum rpc_proxy_source *source)
{
    const struct tgd_config_account *own = a ? tgd_config_account(&d->config, a->row.name) : NULL;
    const char *texts[] = {a ? a->proxy : NULL, own ? own->proxy : NULL, d->proxy_all, d->config.proxy};
    static const enum rpc_proxy_source sources[] = {RPC_PROXY_ACCOUNT, RPC_PROXY_ACCOUNT_CONFIG,
                                                    RPC_PROXY_ALL, RPC_PROXY_CONFIG};
    char err[128];

    *source = RPC_PROXY_NONE;
    *out = (struct mt_proxy_cfg){.kind = MT_PROXY_DIRECT};
    for (size_t i = 0; i < 4; i++)
        if (texts[i] && *texts[i]) {
            *source = sources[i];
            return mt_proxy_parse(texts[i], out, err);
        }
    return MT_OK;
}

/* --- changing over --- */

static bool same(const struct mt_proxy_cfg *x, const struct mt_proxy_cfg *y)
{
    return y ? memcmp(x, y, sizeof *x) == 0 : x->kind == MT_PROXY_DIRECT;
}

/* All connections of all who change are closed before the first new one is opened. */
static void change_over(struct tgd *d)
{
    struct mt_now now = tgd_now();
    enum rpc_proxy_source source;
    struct mt_proxy_cfg next;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < d->n_accounts; i++) {
            struct tgd_account *a = d->accounts[i];

            if (!a->core || tgd_proxy_of(d, a, &next, &source) != MT_OK ||
                same(&next, mt_account_proxy(a->core)))
                continue;
            if (!pass) {
                tgd_links_close(a);
                continue;
            }
            tgd_log(MT_LOG_INFO, "proxy", "%s: %s, all its connections begin anew", a->row.name,
                    mt_proxy_kind_name(next.kind));
            if (mt_account_set_proxy(a->core, now, &next) != MT_OK)
                tgd_log(MT_LOG_WARN, "proxy", "%s: no memory; it is stopped", a->row.name);
            tgd_account_touch(a);
        }
    mt_wipe(&next, sizeof next);
}

void tgd_proxies_reload(struct tgd *d)
{
    change_over(d);
}

/* --- setProxy, getProxy --- */

int tgd_proxy_set(void *ctx, int32_t account, const char *text, char err[256])
{
    struct tgd *d = ctx;
    struct tgd_account *a = account ? tgd_account_by_id(d, account) : NULL;
    char **slot = a ? &a->proxy : &d->proxy_all;
    char *copy = *text ? strdup(text) : NULL;
    int r = MT_E_NOMEM;

    if (account && !a) {
        snprintf(err, 256, "no such account");
        r = MT_E_NOT_FOUND;
    } else if (*text && !copy) {
        snprintf(err, 256, "out of memory");
    } else {
        r = store_proxy_put(d->store, account, text);
        snprintf(err, 256, "%.250s", r == MT_OK ? "" : store_error(d->store));
    }
    if (r != MT_OK) {
        forget(&copy);
        return r;
    }
    forget(slot);
    *slot = copy;
    change_over(d);
    return MT_OK;
}

int tgd_proxy_get(void *ctx, int32_t account, struct rpc_proxy *out)
{
    struct tgd *d = ctx;
    struct tgd_account *a = account ? tgd_account_by_id(d, account) : NULL;

    if (account && !a)
        return MT_E_NOT_FOUND;
    return tgd_proxy_of(d, a, &out->cfg, &out->source);
}
