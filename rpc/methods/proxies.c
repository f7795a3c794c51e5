#include "rpc/profile.h"

#include <string.h>

static const char *source_name(enum rpc_proxy_source source)
{
    switch (source) {
    case RPC_PROXY_NONE:
        return "none";
    case RPC_PROXY_ACCOUNT:
        return "account";
    case RPC_PROXY_ACCOUNT_CONFIG:
        return "account_config";
    case RPC_PROXY_ALL:
        return "all";
    case RPC_PROXY_CONFIG:
        return "config";
    }
    return "none";
}

/* Without its secrets. */
static json_t *proxy_json(const struct mt_proxy_cfg *c)
{
    static const char *const modes[] = {"plain", "padded", "tls"};
    json_t *out = json_pack("{s:s}", "kind", mt_proxy_kind_name(c->kind));

    if (!out || c->kind == MT_PROXY_DIRECT)
        return out;
    json_object_set_new(out, "host", json_string(c->host));
    json_object_set_new(out, "port", json_integer(c->port));
    if (c->user[0])
        json_object_set_new(out, "user", json_string(c->user));
    if (c->kind == MT_PROXY_MTPROTO)
        json_object_set_new(out, "mode", json_string(modes[c->mode]));
    return out;
}

static void answer_proxy(struct rpc_req *req, int32_t account)
{
    const struct rpc_host *h = rpc_host_of(req);
    struct rpc_proxy p;
    json_t *out;

    if (!h->proxy_get || h->proxy_get(h->ctx, account, &p) != MT_OK) {
        rpc_fail(req, RPC_E_INTERNAL, "the proxy that is set cannot be read");
        return;
    }
    out = proxy_json(&p.cfg);
    if (out)
        json_object_set_new(out, "source", json_string(source_name(p.source)));
    mt_wipe(&p, sizeof p);
    rpc_answer(req, out);
}

/* The account that the request names, 0: none. False: the request is over. */
static bool chosen(struct rpc_req *req, int32_t *account)
{
    *account = 0;
    if (!rpc_profile_sees_codes(req->profile)) {
        rpc_fail(req, RPC_E_DENIED, "proxies are not shown on this socket");
        return false;
    }
    if (!*req->opt.account)
        return true;
    if (!rpc_choose_account(req))
        return false;
    *account = req->account.id;
    return true;
}

/* --- what a request says --- */

static bool is_given(const struct rpc_req *req, const char *name)
{
    return rpc_arg(req, name) != NULL;
}

/* The first of the names that is given though it has no meaning here; NULL: none. */
static const char *too_much(const struct rpc_req *req, const char *const *names)
{
    for (; *names; names++)
        if (is_given(req, *names))
            return *names;
    return NULL;
}

static void copy(char *to, size_t cap, const char *from)
{
    if (from)
        snprintf(to, cap, "%s", from);
}

static bool fill(struct rpc_req *req, const char *kind, struct mt_proxy_cfg *c, char err[128])
{
    const char *secret = rpc_arg_str(req, "secret");
    static const uint16_t ports[] = {0, 1080, 8080, 443};

    c->kind = strcmp(kind, "socks5") == 0 ? MT_PROXY_SOCKS5
              : strcmp(kind, "http") == 0 ? MT_PROXY_HTTP
                                          : MT_PROXY_MTPROTO;
    c->port = is_given(req, "port") ? (uint16_t)rpc_arg_int(req, "port") : ports[c->kind];
    copy(c->host, sizeof c->host, rpc_arg_str(req, "host"));
    copy(c->user, sizeof c->user, rpc_arg_str(req, "user"));
    copy(c->password, sizeof c->password, rpc_arg_str(req, "password"));
    if (!c->host[0])
        snprintf(err, 128, "host: is missing");
    else if (c->kind == MT_PROXY_MTPROTO && !secret)
        snprintf(err, 128, "secret: is missing");
    else if (c->kind == MT_PROXY_MTPROTO && mt_proxy_secret(secret, c) != MT_OK)
        snprintf(err, 128,
                 "secret: expected 16 bytes, dd and 16, or ee, 16 and a domain, in hexadecimal or base64");
    else
        return true;
    return false;
}

/*
 * The parameters as text for the host: "" for `default`. False: the request was answered. Nothing is given:
 * true, and *given is false.
 */
static bool read_params(struct rpc_req *req, char text[MT_PROXY_TEXT_MAX], bool *given)
{
    static const char *const all[] = {"kind", "host", "port", "user", "password", "secret", NULL};
    static const char *const of_mtproxy[] = {"user", "password", NULL}, *const of_others[] = {"secret", NULL};
    const char *link = rpc_arg_str(req, "link"), *kind = rpc_arg_str(req, "kind"), *extra = NULL;
    struct mt_proxy_cfg c = {0};
    char err[128] = "", shape[MT_PROXY_TEXT_MAX];
    bool bare = kind && (strcmp(kind, "direct") == 0 || strcmp(kind, "default") == 0);

    text[0] = 0;
    *given = link || too_much(req, all);
    if (link)
        extra = too_much(req, all);
    else if (bare)
        extra = too_much(req, all + 1);
    else if (kind)
        extra = too_much(req, strcmp(kind, "mtproxy") == 0 ? of_mtproxy : of_others);
    if (extra)
        snprintf(err, sizeof err, "%s: has no meaning beside %s%s", extra, link ? "link" : "kind ",
                 link ? "" : kind);
    else if (link)
        mt_proxy_parse(link, &c, err);
    else if (*given && !kind)
        snprintf(err, sizeof err, "kind: is missing");
    else if (kind && !bare)
        fill(req, kind, &c, err);
    if (!err[0] && *given && !(kind && strcmp(kind, "default") == 0)) {
        mt_proxy_format(&c, true, shape);
        if (mt_proxy_parse(shape, &c, err) == MT_OK)
            memcpy(text, shape, strlen(shape) + 1);
        mt_wipe(shape, sizeof shape);
    }
    mt_wipe(&c, sizeof c);
    if (err[0])
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.%s%s", link ? "link: " : "", err);
    return !err[0];
}

/* --- methods --- */

void rpc_m_getProxy(struct rpc_req *req, struct mt_now now)
{
    int32_t account;

    (void)now;
    if (chosen(req, &account))
        answer_proxy(req, account);
}

void rpc_m_setProxy(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = rpc_host_of(req);
    char text[MT_PROXY_TEXT_MAX], err[256] = "not possible here";
    int32_t account;
    bool given;
    int r;

    (void)now;
    if (!chosen(req, &account) || !read_params(req, text, &given))
        return;
    if (!given) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.kind: is missing");
        return;
    }
    r = h->proxy_set ? h->proxy_set(h->ctx, account, text, err) : MT_E_STATE;
    mt_wipe(text, sizeof text);
    if (r != MT_OK)
        rpc_fail(req, RPC_E_STORAGE, "%s", err);
    else
        answer_proxy(req, account);
}

/* --- testProxy --- */

struct testing {
    const struct rpc_host *host;
    uint64_t test; /* 0: forgotten */
};

static void end_test(void *state)
{
    struct testing *t = state;

    if (t->test)
        (void)t->host->proxy_tested(t->host->ctx, t->test, NULL);
}

static void poll_test(struct rpc_req *req, struct mt_now now)
{
    struct testing *t = rpc_state(req);
    struct rpc_proxy_test result;

    (void)now;
    if (!t->host->proxy_tested(t->host->ctx, t->test, &result))
        return;
    t->test = 0;
    if (result.ok)
        rpc_answer(req,
                   json_pack("{s:b,s:i,s:I,s:o}", "ok", 1, "dc_id", (int)result.dc, "ms",
                             (json_int_t)(result.took / MT_US_PER_MS), "proxy", proxy_json(&result.cfg)));
    else
        rpc_fail(req, RPC_E_NOT_CONNECTED, "%s", result.why);
    mt_wipe(&result, sizeof result);
}

void rpc_m_testProxy(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = rpc_host_of(req);
    struct testing *t = rpc_alloc(req, sizeof *t);
    char text[MT_PROXY_TEXT_MAX], err[256] = "not possible here";
    int32_t account;
    bool given;

    if (!t) {
        rpc_fail_nomem(req);
        return;
    }
    if (!chosen(req, &account) || !read_params(req, text, &given))
        return;
    t->host = h;
    t->test = h->proxy_test ? h->proxy_test(h->ctx, account, given ? text : NULL, err) : 0;
    mt_wipe(text, sizeof text);
    if (!t->test) {
        rpc_fail(req, RPC_E_BUSY, "%s", err);
        return;
    }
    rpc_set_state(req, t);
    if (!rpc_on_end(req, end_test, t)) {
        t->test = 0;
        rpc_fail_nomem(req);
        return;
    }
    req->deadline = now.mono + (int64_t)(rpc_arg_number(req, "wait") * (double)MT_US_PER_S);
    rpc_park(req, poll_test);
}
