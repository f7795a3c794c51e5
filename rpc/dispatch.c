#include "rpc/profile.h"

#include <string.h>

static void unknown_method(struct rpc_req *req)
{
    const char *near = rpc_method_nearest(req->name);
    const char *function = tl_nearest_function(req->name, strlen(req->name));

    if (strchr(req->name, '.') && function)
        near = function;
    if (near || function)
        rpc_fail(req, RPC_E_METHOD_UNKNOWN, "unknown method '%.100s'; did you mean '%s'?", req->name,
                 near ? near : function);
    else
        rpc_fail_hint(req, RPC_E_METHOD_UNKNOWN, "help lists them", "unknown method '%.100s'", req->name);
}

static bool find_method(struct rpc_req *req)
{
    req->method = rpc_method_find(req->name);
    if (req->method && req->method->run)
        return true;
    req->method = NULL;
    req->def = tl_def_by_name(req->name, strlen(req->name), true);
    if (req->def)
        return true;
    unknown_method(req);
    return false;
}

/* A list of parameters in the order of the schema -> an object. */
static bool name_params(struct rpc_req *req)
{
    size_t n = json_array_size(req->params);
    json_t *named;

    if (!json_is_array(req->params))
        return true;
    if (n > req->method->n_params) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: %s takes at most %d", req->name, req->method->n_params);
        return false;
    }
    named = json_object();
    for (size_t i = 0; named && i < n; i++)
        json_object_set(named, req->method->params[i].name, json_array_get(req->params, i));
    json_decref(req->params);
    req->params = named;
    if (!named)
        rpc_fail_nomem(req);
    return named;
}

static bool check_params(struct rpc_req *req)
{
    char err[256];
    json_t *checked;

    if (!name_params(req))
        return false;
    checked = rpc_params_check(req->method->params, req->method->n_params, req->params, err);
    if (!checked) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "%s", err);
        return false;
    }
    json_decref(req->params);
    req->params = checked;
    return true;
}

static void set_deadline(struct rpc_req *req, struct mt_now now)
{
    double s = req->opt.has_timeout ? req->opt.timeout : RPC_TIMEOUT_DEFAULT;

    if (req->opt.has_timeout && req->opt.timeout <= 0) {
        req->deadline = MT_NEVER;
        return;
    }
    if (req->method && req->method->flags & RPC_M_WAITS && s < rpc_arg_number(req, "wait") + 5)
        s = rpc_arg_number(req, "wait") + 5;
    req->deadline = now.mono + (int64_t)(s * (double)MT_US_PER_S);
}

static bool fits_account(struct rpc_req *req, unsigned flags)
{
    bool bot;

    if (!(flags & (RPC_M_LOGIN | RPC_M_USERS | RPC_M_BOTS)))
        return true;
    if (mt_account_login(req->account.core)->step != MT_LOGIN_READY) {
        struct mt_reply reply = {.kind = MT_REPLY_NOT_LOGGED_IN};

        rpc_fail_reply(req, &reply);
        return false;
    }
    bot = mt_account_is_bot(req->account.core);
    if (bot && flags & RPC_M_USERS)
        rpc_fail(req, RPC_E_NOT_FOR_BOTS, "%s is not for bots", req->name);
    else if (!bot && flags & RPC_M_BOTS)
        rpc_fail(req, RPC_E_BOTS_ONLY, "%s is for bots only", req->name);
    else
        return true;
    return false;
}

/* Methods whose parameter `name` is that of a subscription. */
static bool names_subscription(const struct rpc_method *m)
{
    return m->run == rpc_m_subscribe || m->run == rpc_m_getEvents || m->run == rpc_m_ack ||
           m->run == rpc_m_seek || m->run == rpc_m_dropSubscription;
}

static void run_friendly(struct rpc_req *req, struct mt_now now)
{
    unsigned flags = req->method->flags;

    if (req->batch && flags & (RPC_M_STREAM | RPC_M_WAITS)) {
        rpc_fail(req, RPC_E_INVALID_REQUEST, "%s cannot stand in a batch", req->name);
        return;
    }
    if (!check_params(req))
        return;
    if (names_subscription(req->method) && !rpc_scope_name(req)) {
        rpc_fail_nomem(req);
        return;
    }
    set_deadline(req, now);
    if (flags & RPC_M_ACCOUNT &&
        (!rpc_choose_account(req) || rpc_refuse_if_down(req) || !fits_account(req, flags)))
        return;
    if (req->opt.check && !(flags & RPC_M_LOGIN)) {
        rpc_answer(req, json_pack("{s:b}", "checked", 1));
        return;
    }
    req->method->run(req, now);
}

void rpc_dispatch(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *host = req->rpc->cfg.host;

    if (!req->conn->admitted) {
        rpc_fail(req, RPC_E_DENIED, "this socket serves %s; you are uid %lld",
                 req->profile ? "others" : "its owner and root", (long long)req->conn->cred.uid);
        return;
    }
    if (!find_method(req))
        return;
    if (!rpc_profile_calls(req->profile, req->name, req->method ? req->method->flags : 0)) {
        rpc_fail(req, RPC_E_DENIED, "%s is not allowed on this socket", req->name);
        return;
    }
    req->before = host->journal_end(host->ctx);
    if (req->method) {
        run_friendly(req, now);
        return;
    }
    set_deadline(req, now);
    rpc_raw(req, now);
}
