#include "rpc/impl.h"

#include <stdlib.h>
#include <string.h>

bool rpc_account_by_id(struct rpc *r, int32_t id, struct rpc_account *out)
{
    return r->cfg.host->account_by_id(r->cfg.host->ctx, id, out);
}

static bool is_its_peer(const struct rpc_account *a, const char *text)
{
    struct mt_peer self;
    int64_t user = mt_account_user(a->core);

    if (!user || !a->store || !a->store->peer_by_chat ||
        a->store->peer_by_chat(a->store->ctx, mt_chat_of_user(user), &self) != MT_OK)
        return false;
    if (text[0] == '@')
        return self.username[0] && strcasecmp(self.username, text + 1) == 0;
    return self.phone[0] && strcmp(self.phone, text + 1) == 0;
}

static bool is_account(const struct rpc_account *a, const char *text)
{
    if (strcmp(a->name, text) == 0)
        return true;
    if (text[0] == '@' || text[0] == '+')
        return is_its_peer(a, text);
    if (text[0] < '1' || text[0] > '9' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return false;
    return mt_account_user(a->core) == strtoll(text, NULL, 10);
}

bool rpc_find_account(struct rpc *r, const char *text, struct rpc_account *out)
{
    const struct rpc_host *h = r->cfg.host;

    for (size_t i = 0, n = h->account_count(h->ctx); i < n; i++)
        if (h->account_at(h->ctx, i, out) && is_account(out, text))
            return rpc_account_by_id(r, out->id, out);
    return false;
}

void rpc_account_names(struct rpc *r, char *out, size_t cap)
{
    const struct rpc_host *h = r->cfg.host;
    size_t count = h->account_count(h->ctx),
           n = (size_t)snprintf(out, cap, count ? "there are:" : "there is none");

    for (size_t i = 0; i < count && n < cap; i++) {
        struct rpc_account a;

        if (h->account_at(h->ctx, i, &a))
            n += (size_t)snprintf(out + n, cap - n, " %s", a.name);
    }
}

bool rpc_choose_account(struct rpc_req *req)
{
    struct rpc *r = req->rpc;
    const struct rpc_host *h = r->cfg.host;
    const char *want = req->opt.account;
    char hint[256];

    if (!*want && h->account_count(h->ctx) > 1 && r->default_account[0])
        want = r->default_account;
    if (*want)
        req->has_account = rpc_find_account(r, want, &req->account);
    else if (h->account_count(h->ctx) == 1)
        req->has_account =
            h->account_at(h->ctx, 0, &req->account) && rpc_account_by_id(r, req->account.id, &req->account);
    if (req->has_account) {
        snprintf(req->account_name, sizeof req->account_name, "%s", req->account.name);
        return true;
    }
    rpc_account_names(r, hint, sizeof hint);
    if (*want)
        rpc_fail_hint(req, RPC_E_ACCOUNT_UNKNOWN, hint, "no account '%.60s'", want);
    else if (h->account_count(h->ctx) == 0)
        rpc_fail_hint(req, RPC_E_ACCOUNT_UNKNOWN, "logIn makes the first one", "there is no account yet");
    else
        rpc_fail_hint(req, RPC_E_ACCOUNT_AMBIGUOUS, hint, "which account? say option account");
    return false;
}
