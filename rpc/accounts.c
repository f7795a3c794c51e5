#include "rpc/profile.h"

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

bool rpc_next_name(struct rpc_req *req, size_t *i, struct rpc_account *out)
{
    const struct rpc_host *h = req->rpc->cfg.host;

    while (*i < h->account_count(h->ctx))
        if (h->account_at(h->ctx, (*i)++, out) && rpc_profile_sees_account(req->profile, out->name))
            return true;
    return false;
}

bool rpc_next_account(struct rpc_req *req, size_t *i, struct rpc_account *out)
{
    while (rpc_next_name(req, i, out)) {
        if (out->core || rpc_account_by_id(req->rpc, out->id, out))
            return true;
        (*i)--; /* it has left the list */
    }
    return false;
}

static bool is_user(const struct rpc_account *a, const char *text)
{
    return text[0] == '@' || text[0] == '+' ? is_its_peer(a, text)
                                            : mt_account_user(a->core) == strtoll(text, NULL, 10);
}

static bool may_be_user(const char *text)
{
    return text[0] == '@' || text[0] == '+' ||
           (text[0] >= '1' && text[0] <= '9' && strlen(text) <= 18 &&
            strspn(text, "0123456789") == strlen(text));
}

bool rpc_find_account(struct rpc_req *req, const char *text, struct rpc_account *out)
{
    for (size_t i = 0; rpc_next_name(req, &i, out);)
        if (strcmp(out->name, text) == 0)
            return rpc_account_by_id(req->rpc, out->id, out); /* it may be given work */
    for (size_t i = 0; may_be_user(text) && rpc_next_account(req, &i, out);)
        if (is_user(out, text))
            return rpc_account_by_id(req->rpc, out->id, out);
    return false;
}

/* How many there are, up to two; the first of them. */
static size_t count(struct rpc_req *req, struct rpc_account *first)
{
    struct rpc_account other;
    size_t i = 0;

    if (!rpc_next_name(req, &i, first))
        return 0;
    return 1 + rpc_next_name(req, &i, &other);
}

void rpc_account_names(struct rpc_req *req, char *out, size_t cap)
{
    struct rpc_account a;
    size_t n = (size_t)snprintf(out, cap, count(req, &a) ? "there are:" : "there is none");

    for (size_t i = 0; n < cap && rpc_next_name(req, &i, &a);)
        n += (size_t)snprintf(out + n, cap - n, " %s", a.name);
}

bool rpc_choose_account(struct rpc_req *req)
{
    const char *want = req->opt.account, *usual = req->rpc->default_account;
    struct rpc_account first, named;
    size_t n = count(req, &first);
    char hint[256];

    if (!*want && n > 1 && *usual && rpc_find_account(req, usual, &named))
        want = usual;
    if (*want)
        req->has_account = rpc_find_account(req, want, &req->account);
    else if (n == 1)
        req->has_account = rpc_account_by_id(req->rpc, first.id, &req->account);
    if (req->has_account) {
        snprintf(req->account_name, sizeof req->account_name, "%s", req->account.name);
        return true;
    }
    rpc_account_names(req, hint, sizeof hint);
    if (*want)
        rpc_fail_hint(req, RPC_E_ACCOUNT_UNKNOWN, hint, "no account '%.60s'", want);
    else if (n == 0)
        rpc_fail_hint(req, RPC_E_ACCOUNT_UNKNOWN, "logIn makes the first one", "there is no account yet");
    else
        rpc_fail_hint(req, RPC_E_ACCOUNT_AMBIGUOUS, hint, "which account? say option account");
    return false;
}
