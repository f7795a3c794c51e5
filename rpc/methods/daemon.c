#include "rpc/profile.h"

#include <stdlib.h>
#include <string.h>

#define API_VERSION "0.1"

json_t *rpc_accounts_json(struct rpc_req *req)
{
    json_t *list = json_array();
    struct rpc_account a;

    for (size_t i = 0; list && rpc_next_account(req, &i, &a);)
        json_array_append_new(list, rpc_account_json(req, &a));
    return list;
}

/* A proxy that somebody set and forgot explains much. */
static void add_proxy(const struct rpc_host *h, json_t *out)
{
    struct rpc_proxy p;
    char way[MT_PROXY_TEXT_MAX];

    if (h->proxy_get(h->ctx, 0, &p) == MT_OK && p.cfg.kind != MT_PROXY_DIRECT) {
        mt_proxy_format(&p.cfg, false, way);
        json_object_set_new(out, "proxy", json_string(way));
    }
    mt_wipe(&p, sizeof p);
}

void rpc_m_getInfo(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_cfg *cfg = &req->rpc->cfg;
    const struct rpc_host *h = cfg->host;
    int64_t uptime = (now.mono - req->rpc->started.mono) / MT_US_PER_S;
    json_t *out =
        json_pack("{s:s,s:s,s:s,s:i,s:I,s:[]}", "name", "tgd", "version", cfg->version ? cfg->version : "",
                  "api", API_VERSION, "layer", tl_layer, "uptime", (json_int_t)uptime, "accounts");
    struct rpc_account a;

    for (size_t i = 0; out && rpc_next_name(req, &i, &a);)
        json_array_append_new(json_object_get(out, "accounts"), json_string(a.name));
    if (cfg->pid)
        json_object_set_new(out, "pid", json_integer(cfg->pid));
    if (out && h->proxy_get && rpc_profile_sees_codes(req->profile))
        add_proxy(h, out);
    rpc_answer(req, out);
}

/* What a person should know: accounts that want something, and what storage says. */
static void add_problems(struct rpc_req *req, json_t *problems)
{
    struct rpc_account a;

    for (size_t i = 0; rpc_next_account(req, &i, &a);) {
        if (a.paused)
            continue;
        switch (mt_account_login(a.core)->step) {
        case MT_LOGIN_READY:
            if (!mt_account_is_connected(a.core))
                json_array_append_new(problems, json_sprintf("account %s: no connection", a.name));
            break;
        case MT_LOGIN_LOGGED_OUT:
            json_array_append_new(problems, json_sprintf("account %s: was logged out", a.name));
            break;
        case MT_LOGIN_UNSUPPORTED:
            json_array_append_new(
                problems, json_sprintf("account %s: its login needs a step that tgd does not know", a.name));
            break;
        case MT_LOGIN_NONE:
        case MT_LOGIN_CODE:
        case MT_LOGIN_PASSWORD:
            break;
        }
    }
}

/* What the host says, without sentences about accounts that are not there for this socket. */
static void keep_heard(const struct rpc_profile *p, json_t *list)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (!rpc_profile_hears(p, json_string_value(json_array_get(list, i))))
            json_array_remove(list, i);
}

void rpc_m_getHealth(struct rpc_req *req, struct mt_now now)
{
    struct rpc *r = req->rpc;
    const struct rpc_host *h = r->cfg.host;
    json_t *out = json_pack("{s:b,s:[],s:o,s:{s:I,s:I,s:I}}", "ok", 1, "problems", "accounts",
                            rpc_accounts_json(req), "clients", "connections", (json_int_t)r->n_conns,
                            "requests", (json_int_t)r->n_reqs, "bytes", (json_int_t)r->bytes);
    json_t *problems = json_object_get(out, "problems"), *storage = h->health ? h->health(h->ctx) : NULL;
    json_t *theirs = json_object_get(storage, "problems");

    keep_heard(req->profile, theirs);
    keep_heard(req->profile, json_object_get(storage, "warnings"));
    if (storage && !json_array_size(json_object_get(storage, "warnings")))
        json_object_del(storage, "warnings");
    if (out && theirs)
        json_array_extend(problems, theirs);
    json_object_del(storage, "problems");
    json_object_del(storage, "ok");
    if (out && storage)
        json_object_update_missing(out, storage);
    json_decref(storage);
    if (out) {
        add_problems(req, problems);
        json_object_set_new(out, "ok", json_boolean(json_array_size(problems) == 0));
    }
    rpc_answer(req, out);
}

/* --- waitReady --- */

static bool is_ready(const struct rpc_account *a)
{
    return !a->paused && mt_account_login(a->core)->step == MT_LOGIN_READY &&
           mt_account_is_connected(a->core) && mt_account_is_in_sync(a->core);
}

static void poll_ready(struct rpc_req *req, struct mt_now now)
{
    struct rpc_account a, first = {.id = 0};
    size_t ready = 0, wanted = 0;

    if (req->has_account) {
        if (!rpc_account_by_id(req->rpc, req->account.id, &first)) {
            rpc_fail(req, RPC_E_ACCOUNT_UNKNOWN, "the account was removed meanwhile");
            return;
        }
        wanted = 1;
        ready = is_ready(&first);
    }
    for (size_t i = 0; !req->has_account && rpc_next_account(req, &i, &a);) {
        if (a.paused)
            continue;
        if (!wanted++)
            first = a;
        ready += is_ready(&a);
    }
    if (wanted && ready == wanted)
        rpc_answer(req, rpc_account_json(req, &first));
}

void rpc_m_waitReady(struct rpc_req *req, struct mt_now now)
{
    if (*req->opt.account && !rpc_choose_account(req))
        return;
    req->deadline = now.mono + (int64_t)(rpc_arg_number(req, "wait") * (double)MT_US_PER_S);
    rpc_park(req, poll_ready);
    poll_ready(req, now);
}

/* --- this connection --- */

static json_t *defaults_json(const struct rpc_options *d)
{
    json_t *out = json_pack("{s:I}", "flood_wait", (json_int_t)d->flood_wait);

    if (out && *d->account)
        json_object_set_new(out, "account", json_string(d->account));
    if (out && d->fields)
        json_object_set(out, "fields", d->fields);
    if (out && d->format)
        json_object_set_new(out, "format", json_string(d->format == RPC_HTML ? "html" : "markdown"));
    return out;
}

void rpc_m_setDefaults(struct rpc_req *req, struct mt_now now)
{
    struct rpc_options next;
    struct rpc_account a;
    char err[128];
    const char *name;
    json_t *value;

    rpc_options_copy(&next, &req->conn->defaults);
    json_object_foreach (req->params, name, value) {
        if (rpc_option(&next, name, value, err) != 1) {
            rpc_options_fini(&next);
            rpc_fail(req, RPC_E_INVALID_PARAMS, "params.%s", err);
            return;
        }
    }
    if (*next.account && !rpc_find_account(req, next.account, &a)) {
        char hint[256];

        rpc_account_names(req, hint, sizeof hint);
        rpc_fail_hint(req, RPC_E_ACCOUNT_UNKNOWN, hint, "no account '%.60s'", next.account);
        rpc_options_fini(&next);
        return;
    }
    rpc_options_fini(&req->conn->defaults);
    req->conn->defaults = next;
    json_decref(req->opt.fields); /* they are for later requests, not for this answer */
    req->opt.fields = NULL;
    rpc_answer(req, defaults_json(&next));
}

/* The id as its raw text: 7 and "7" are two. */
void rpc_m_cancel(struct rpc_req *req, struct mt_now now)
{
    char *raw = json_dumps(rpc_arg(req, "id"), JSON_COMPACT | JSON_ENCODE_ANY);
    struct rpc_req *other = req->conn->reqs, *next;
    json_int_t n = 0;

    if (!raw) {
        rpc_fail_nomem(req);
        return;
    }
    for (; other; other = next) {
        next = other->next; /* a cancelled one goes, and none but it */
        if (other == req || !other->id || strcmp(other->id, raw) != 0)
            continue;
        rpc_req_cancel(other, now);
        n++;
    }
    free(raw);
    rpc_answer(req, json_pack("{s:I}", "cancelled", n));
}

/* --- the daemon's own --- */

void rpc_m_getConfig(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = req->rpc->cfg.host;
    json_t *config = h->config ? h->config(h->ctx) : NULL, *items = json_array(), *value;
    const char *name;

    json_object_foreach (config, name, value) {
        if (!rpc_profile_sees_setting(req->profile, name, json_string_value(json_object_get(value, "value"))))
            continue;
        json_object_set_new(value, "name", json_string(name));
        json_array_append(items, value);
    }
    json_decref(config);
    rpc_answer(req, json_pack("{s:o}", "items", items));
}

static void control(struct rpc_req *req, const char *what, const char *arg)
{
    const struct rpc_host *h = req->rpc->cfg.host;
    char err[256] = "not possible here";
    int r = h->control ? h->control(h->ctx, what, arg, err) : MT_E_STATE;

    if (r < 0)
        rpc_fail(req, RPC_E_INVALID_PARAMS, "%s", err);
    else
        rpc_answer_ok(req);
}

void rpc_m_reload(struct rpc_req *req, struct mt_now now)
{
    control(req, "reload", NULL);
}

void rpc_m_shutdown(struct rpc_req *req, struct mt_now now)
{
    control(req, "shutdown", NULL);
}

void rpc_m_setLogLevel(struct rpc_req *req, struct mt_now now)
{
    control(req, "setLogLevel", rpc_arg_str(req, "level"));
}
