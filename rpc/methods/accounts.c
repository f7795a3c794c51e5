#include "rpc/profile.h"

#include <string.h>

/* The user of an account as stored, onto an object: members named so that they fit it. */
static bool stored_self(const struct rpc_account *a, struct mt_peer *self)
{
    int64_t user = mt_account_user(a->core);

    return user && a->store && a->store->peer_by_chat &&
           a->store->peer_by_chat(a->store->ctx, mt_chat_of_user(user), self) == MT_OK;
}

static void set_text(json_t *out, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(out, name, json_string(text)); /* text that is not UTF-8 is left out */
}

static const char *step_name(enum mt_login_step step)
{
    switch (step) {
    case MT_LOGIN_NONE:
        return "none";
    case MT_LOGIN_CODE:
        return "code";
    case MT_LOGIN_PASSWORD:
        return "password";
    case MT_LOGIN_UNSUPPORTED:
        return "unsupported";
    case MT_LOGIN_READY:
        return "ready";
    case MT_LOGIN_LOGGED_OUT:
        return "logged_out";
    }
    return "none";
}

json_t *rpc_account_json(const struct rpc_req *req, const struct rpc_account *a)
{
    json_t *out =
        json_pack("{s:s,s:s,s:b,s:b,s:b}", "name", a->name, "step",
                  step_name(mt_account_login(a->core)->step), "connected", mt_account_is_connected(a->core),
                  "in_sync", mt_account_is_in_sync(a->core), "paused", a->paused);
    const struct mt_proxy_cfg *proxy = mt_account_proxy(a->core);
    char way[MT_PROXY_TEXT_MAX];
    struct mt_peer self;

    if (out && proxy && rpc_profile_sees_codes(req->profile)) {
        mt_proxy_format(proxy, false, way);
        json_object_set_new(out, "proxy", json_string(way));
    }
    if (!out || !mt_account_user(a->core))
        return out;
    json_object_set_new(out, "user_id", json_integer(mt_account_user(a->core)));
    if (mt_account_is_bot(a->core))
        json_object_set_new(out, "bot", json_true());
    if (stored_self(a, &self)) {
        set_text(out, "user_name", self.name);
        set_text(out, "username", self.username);
    }
    return out;
}

static json_t *self_json(const struct rpc_account *a, const struct mt_login *login)
{
    struct mt_peer self;
    json_t *user = json_pack("{s:I,s:s,s:b}", "id", (json_int_t)login->user_id, "name", "", "self", 1);

    if (user && login->bot)
        json_object_set_new(user, "bot", json_true());
    if (user && stored_self(a, &self)) {
        set_text(user, "name", self.name);
        set_text(user, "username", self.username);
        set_text(user, "phone", self.phone);
    }
    return user;
}

json_t *rpc_login_json(const struct rpc_account *a, struct mt_now now)
{
    const struct mt_login *login = mt_account_login(a->core);
    json_t *out = json_pack("{s:s,s:s}", "account", a->name, "step", step_name(login->step));

    if (!out)
        return NULL;
    switch (login->step) {
    case MT_LOGIN_CODE:
        set_text(out, "where", login->where);
        if (login->length > 0)
            json_object_set_new(out, "length", json_integer(login->length));
        set_text(out, "next", login->next);
        if (*login->next && login->wait_until != MT_NEVER && login->wait_until > now.mono)
            json_object_set_new(out, "wait",
                                json_integer((login->wait_until - now.mono + MT_US_PER_S - 1) / MT_US_PER_S));
        break;
    case MT_LOGIN_PASSWORD:
        set_text(out, "hint", login->hint);
        break;
    case MT_LOGIN_UNSUPPORTED:
        set_text(out, "constructor", login->constructor);
        break;
    case MT_LOGIN_READY:
        json_object_set_new(out, "user", self_json(a, login));
        break;
    case MT_LOGIN_LOGGED_OUT:
        set_text(out, "reason", login->reason);
        break;
    case MT_LOGIN_NONE:
        break;
    }
    return out;
}

/* --- methods --- */

void rpc_m_listAccounts(struct rpc_req *req, struct mt_now now)
{
    rpc_answer(req, json_pack("{s:o}", "items", rpc_accounts_json(req)));
}

static void answer_account(struct rpc_req *req, int32_t id)
{
    struct rpc_account a;

    if (rpc_account_by_id(req->rpc, id, &a))
        rpc_answer(req, rpc_account_json(req, &a));
    else
        rpc_fail(req, RPC_E_INTERNAL, "the account is not there");
}

/* [a-z0-9][a-z0-9_-]{0,31} */
static bool is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return n >= 1 && n <= 32 && !name[n] && name[0] != '_' && name[0] != '-';
}

/* It may stand in the turn of others, which is not committed yet. */
static void joins_turn(struct rpc_req *req)
{
    if (req->hold < RPC_HOLD_COMMIT)
        req->hold = RPC_HOLD_COMMIT;
    req->wrote = true;
}

static bool add_account(struct rpc_req *req, const char *name, int32_t api_id, const char *api_hash,
                        int32_t *id)
{
    const struct rpc_host *h = req->rpc->cfg.host;
    struct rpc_account a;
    char err[256] = "";
    int r;

    if (!rpc_profile_sees_account(req->profile, name)) {
        rpc_fail(req, RPC_E_DENIED, "account %.60s is not there for this socket", name);
        return false;
    }
    if (!is_name(name)) {
        rpc_fail(req, RPC_E_INVALID_PARAMS,
                 "params.name: 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit");
        return false;
    }
    if (rpc_find_account(req, name, &a) && strcmp(a.name, name) == 0) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.name: there is an account %s already", name);
        return false;
    }
    r = h->account_add(h->ctx, name, api_id, api_hash, id, err);
    joins_turn(req);
    if (r == MT_OK)
        return true;
    rpc_fail(req, RPC_E_STORAGE, "%s", *err ? err : mt_strerror(r));
    return false;
}

void rpc_m_addAccount(struct rpc_req *req, struct mt_now now)
{
    int32_t id;

    if (add_account(req, rpc_arg_str(req, "name"), (int32_t)rpc_arg_int(req, "api_id"),
                    rpc_arg_str(req, "api_hash"), &id))
        answer_account(req, id);
}

void rpc_m_removeAccount(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = req->rpc->cfg.host;
    const char *name = rpc_arg_str(req, "name");
    struct rpc_account a;
    char err[256] = "", hint[256];
    int32_t id = 0;
    int r;

    if (rpc_find_account(req, name, &a) && strcmp(a.name, name) == 0)
        id = a.id;
    else if (h->account_closed && rpc_profile_sees_account(req->profile, name))
        id = h->account_closed(h->ctx, name);
    if (!id) {
        rpc_account_names(req, hint, sizeof hint);
        rpc_fail_hint(req, RPC_E_ACCOUNT_UNKNOWN, hint, "no account '%.60s'", name);
        return;
    }
    r = h->account_remove(h->ctx, id, err);
    joins_turn(req);
    if (r == MT_OK)
        rpc_answer_ok(req);
    else
        rpc_fail(req, RPC_E_STORAGE, "%s", *err ? err : mt_strerror(r));
}

static void pause_account(struct rpc_req *req, bool paused)
{
    const struct rpc_host *h = req->rpc->cfg.host;
    char err[256] = "";
    int r = h->account_pause(h->ctx, req->account.id, paused, err);

    joins_turn(req);
    if (r == MT_OK)
        answer_account(req, req->account.id);
    else
        rpc_fail(req, RPC_E_STORAGE, "%s", *err ? err : mt_strerror(r));
}

void rpc_m_pauseAccount(struct rpc_req *req, struct mt_now now)
{
    pause_account(req, true);
}

void rpc_m_resumeAccount(struct rpc_req *req, struct mt_now now)
{
    pause_account(req, false);
}

/* --- login --- */

static void logged(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    rpc_after_sync(req);
    rpc_answer(req, rpc_login_json(&req->account, now));
}

/* The end of a step that the account was asked for: `r` of mt_login_*(). */
static void begun(struct rpc_req *req, int r)
{
    struct mt_reply reply = {.kind = MT_REPLY_WRONG_STEP};

    if (r == MT_OK)
        return;
    rpc_req_drop_token(req);
    req->sent = false;
    if (r == MT_E_STATE)
        rpc_fail_reply(req, &reply);
    else
        rpc_fail_mt(req, r);
}

/* A login may be the first that is heard of an account: it makes the one that is named, or main. */
static bool login_account(struct rpc_req *req)
{
    const struct rpc_host *h = req->rpc->cfg.host;
    const char *want = req->opt.account;
    struct rpc_account a;
    int32_t id;

    if (*want
            ? !is_name(want) || strspn(want, "0123456789") == strlen(want) || rpc_find_account(req, want, &a)
            : h->account_count(h->ctx) > 0)
        return rpc_choose_account(req);
    return add_account(req, *want ? want : "main", 0, NULL, &id) && rpc_choose_account(req);
}

static uint64_t await_step(struct rpc_req *req)
{
    uint64_t token = rpc_await(req, logged);

    if (!token)
        rpc_fail_nomem(req);
    return token;
}

void rpc_m_logIn(struct rpc_req *req, struct mt_now now)
{
    const char *phone = rpc_arg_str(req, "phone"), *bot_token = rpc_arg_str(req, "bot_token");
    uint64_t token;

    if (rpc_arg_bool(req, "qr")) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.qr: a login by QR code is not in this version");
        return;
    }
    if (!phone == !bot_token) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: exactly one of phone and bot_token");
        return;
    }
    if (!login_account(req))
        return;
    token = await_step(req);
    if (token)
        begun(req, phone ? mt_login_phone(req->account.core, now, token, phone)
                         : mt_login_bot(req->account.core, now, token, bot_token));
}

void rpc_m_submitCode(struct rpc_req *req, struct mt_now now)
{
    uint64_t token = await_step(req);

    if (token)
        begun(req, mt_login_code(req->account.core, now, token, rpc_arg_str(req, "code")));
}

void rpc_m_resendCode(struct rpc_req *req, struct mt_now now)
{
    uint64_t token = await_step(req);

    if (token)
        begun(req, mt_login_resend(req->account.core, now, token));
}

void rpc_m_submitPassword(struct rpc_req *req, struct mt_now now)
{
    json_t *password = rpc_arg(req, "password");
    uint64_t token = await_step(req);

    if (token)
        begun(req, mt_login_password(req->account.core, now, token, json_string_value(password),
                                     json_string_length(password)));
}

void rpc_m_cancelLogin(struct rpc_req *req, struct mt_now now)
{
    uint64_t token = await_step(req);

    if (token)
        begun(req, mt_login_cancel(req->account.core, now, token));
}

void rpc_m_getLoginState(struct rpc_req *req, struct mt_now now)
{
    rpc_answer(req, rpc_login_json(&req->account, now));
}

void rpc_m_logOut(struct rpc_req *req, struct mt_now now)
{
    uint64_t token = await_step(req);

    if (token)
        begun(req, mt_logout(req->account.core, now, token));
}
