#include "rpc/profile.h"
#include "rpc/resolve.h"
#include "tl/ids.h"

#include <stdlib.h>
#include <string.h>

static void go(struct rpc_req *req, struct mt_now now);

static struct rpc_resolve *begin(struct rpc_req *req)
{
    rpc_resolve_free(req->resolve);
    req->resolve = calloc(1, sizeof *req->resolve);
    return req->resolve;
}

/* --- submission --- */

static unsigned call_flags(const struct rpc_req *req, const struct tl_def *def)
{
    unsigned flags = req->opt.without_updates ? MT_CALL_WITHOUT_UPDATES : 0;

    if (tl_is_repeatable(def))
        flags |= MT_CALL_REPEATABLE;
    if (tl_field_by_name(def, "random_id", 9) >= 0)
        flags |= MT_CALL_RANDOM_ID;
    if (def->id == TL_updates_getState || def->id == TL_updates_getDifference ||
        def->id == TL_updates_getChannelDifference)
        flags |= MT_CALL_NO_APPLY;
    if (mt_account_login(req->account.core)->step != MT_LOGIN_READY)
        flags |= MT_CALL_BEFORE_LOGIN; /* whether it is allowed was checked by who called */
    return flags;
}

static int submit_call(struct rpc_req *req, struct mt_now now, const struct tl_out *body)
{
    struct mt_call call = {
        .token = rpc_req_token(req),
        .body = body->data,
        .n = body->len,
        .flags = call_flags(req, req->resolve->def),
        .dc = req->opt.dc,
        .deadline = req->deadline,
        .flood_wait = req->opt.flood_wait,
        .takeout = req->opt.takeout,
        .business = *req->opt.business ? req->opt.business : NULL,
    };

    return call.token ? mt_account_call(req->account.core, now, &call) : MT_E_NOMEM;
}

/* The fields as JSON with every peer resolved, as the outbox keeps them: read back from the bytes. */
static int submit_send(struct rpc_req *req, struct mt_now now, const struct tl_out *body)
{
    struct rpc_resolve *res = req->resolve;
    struct mt_send send = {.method = tl_def_name(res->def),
                           .chat = res->chat,
                           .dedup = res->dedup_key,
                           .dedup_len = res->dedup_key ? strlen(res->dedup_key) : 0,
                           .deadline = req->deadline,
                           .flood_wait = req->opt.flood_wait};
    struct tl_in in = tl_in(body->data, body->len);
    struct tl_out text = {.limit = RPC_VALUE_MAX};
    json_t *fields = NULL;
    char *params = NULL;
    int err = MT_E_NOMEM;

    if (req->method) {
        send.queue = rpc_arg_bool(req, "queue");
        send.expires = now.mono + rpc_arg_int(req, "expires") * MT_US_PER_S;
        send.unordered = rpc_arg(req, "ordered") && !rpc_arg_bool(req, "ordered");
    }
    send.progress = req->opt.progress && req->id;
    if (tl_to_json(&in, &text) == TL_OK)
        fields = json_loadb((const char *)text.data, text.len, 0, NULL);
    tl_out_free(&text);
    json_object_del(fields, "_");
    json_object_del(fields, "random_id");
    if (fields)
        params = json_dumps(fields, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(fields);
    send.params = params;
    send.token = params ? rpc_req_token(req) : 0;
    if (send.token)
        err = mt_account_send(req->account.core, now, &send);
    free(params);
    return err;
}

/* A raw call for what lies in all chats: no peer stands where one chat would be named. */
static bool is_everywhere(const struct tl_out *body)
{
    static const char *const names[] = {"peer", "from_peer"};
    struct tl_view call, peer;

    if (tl_view_open(&call, body->data, body->len) != TL_OK)
        return true; /* it is ours, and opens */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int field = tl_view_field(&call, names[i]);

        if (field >= 0 && tl_get_object(&call, (unsigned)field, &peer) && peer.def->id == TL_inputPeerEmpty)
            return true;
    }
    return false;
}

static void submit(struct rpc_req *req, struct mt_now now, const struct tl_out *body)
{
    int err;

    if (!req->method && !rpc_profile_sees_codes(req->profile) &&
        (rpc_holds_codes(body->data, body->len) || is_everywhere(body))) {
        rpc_fail(req, RPC_E_DENIED, "the chat with the login codes is not there for this socket");
        return;
    }
    if (req->opt.check) {
        rpc_answer(req, json_pack("{s:b}", "checked", 1));
        return;
    }
    if (rpc_refuse_if_down(req))
        return;
    req->then = req->resolve->then;
    req->sent = true;
    err = req->resolve->outbox ? submit_send(req, now, body) : submit_call(req, now, body);
    if (err != MT_OK) {
        req->sent = false;
        rpc_req_drop_token(req);
        if (req->resolve->outbox && err == MT_E_TOO_LARGE)
            rpc_fail_hint(req, RPC_E_BUSY, "listSends shows what waits", "the outbox is full");
        else
            rpc_fail_mt(req, err);
        return;
    }
    rpc_req_arm(req, req->deadline == MT_NEVER ? MT_NEVER : req->deadline + RPC_GRACE_US);
}

/* --- the way --- */

static void refused(struct rpc_req *req, const char *path)
{
    const struct rpc_resolve *res = req->resolve;
    char text[sizeof res->text + TL_PATH_MAX], hint[sizeof res->hint];

    snprintf(text, sizeof text, "%s%s%s", path, *path ? ": " : "", res->text);
    memcpy(hint, res->hint, sizeof hint);
    if (*hint)
        rpc_fail_hint(req, res->code, hint, "%s", text);
    else
        rpc_fail(req, res->code, "%s", text);
}

static void encode_and_submit(struct rpc_req *req, struct mt_now now)
{
    const struct tl_json_hooks hooks = {req, rpc_peer_hook, rpc_missing_hook};
    struct rpc_resolve *res = req->resolve;
    struct tl_json_error error;
    struct tl_out body = {.limit = 0};
    int err = tl_call_from_json(res->def, res->params, "params", &hooks, &body, &error);

    if (err == RPC_E_HOOK)
        refused(req, error.path);
    else if (err != TL_OK)
        rpc_fail(req, err == TL_E_SIZE ? RPC_E_TOO_LARGE : RPC_E_INVALID_PARAMS, "%s: %s", error.path,
                 error.text);
    else if (!rpc_ask_name(req, now))
        submit(req, now, &body);
    tl_out_free(&body);
}

/* A group that went on as a supergroup: the latter. */
static void follow(struct rpc_req *req, struct mt_peer *peer)
{
    const struct store_ops *s = req->account.store;
    struct mt_peer next;

    if (peer->migrated_to && s && s->peer_by_chat(s->ctx, peer->migrated_to, &next) == MT_OK)
        *peer = next;
}

static void find_peer(struct rpc_req *req, struct mt_now now)
{
    struct rpc_resolve *res = req->resolve;
    rpc_peer_fn *then = res->peer_then;
    struct mt_peer peer;
    int err = rpc_lookup(req, res, res->value, &peer);

    if (err == MT_E_NOT_FOUND && rpc_ask_name(req, now))
        return;
    if (err != MT_OK) {
        refused(req, "");
        return;
    }
    follow(req, &peer);
    req->resolve = NULL;
    rpc_resolve_free(res);
    then(req, now, &peer);
}

static void go(struct rpc_req *req, struct mt_now now)
{
    if (req->resolve->def)
        encode_and_submit(req, now);
    else
        find_peer(req, now);
}

void rpc_resolve_go(struct rpc_req *req, struct mt_now now)
{
    go(req, now);
}

void rpc_call_reply(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    rpc_then_fn *then = req->then;

    if (!req->sent) {
        if (rpc_name_answered(req, reply))
            go(req, now);
        return;
    }
    req->sent = false;
    rpc_timer_clear(&req->rpc->timers, &req->timer);
    if (reply->kind == MT_REPLY_RESULT || reply->kind == MT_REPLY_OK ||
        (req->catch && req->catch (req, reply)))
        then(req, now, reply);
    else
        rpc_fail_reply(req, reply);
}

/* --- what handlers call --- */

static void start(struct rpc_req *req, struct mt_now now, const char *function, json_t *params,
                  rpc_then_fn *then, struct rpc_resolve *res)
{
    if (!res || !params) {
        json_decref(params);
        rpc_fail_nomem(req);
        return;
    }
    res->def = tl_def_by_name(function, strlen(function), true);
    res->params = params;
    res->then = then;
    if (!res->def) {
        mt_logf(req->rpc->cfg.env, MT_LOG_BROKEN, "rpc", "a handler calls %s, which is not in the schema",
                function);
        rpc_fail(req, RPC_E_INTERNAL, "%s is not in the schema", function);
        return;
    }
    go(req, now);
}

void rpc_call(struct rpc_req *req, struct mt_now now, const char *function, json_t *params, rpc_then_fn *then)
{
    start(req, now, function, params, then, begin(req));
}

/* An option that a send of the outbox cannot keep over a restart; NULL: none was given. */
static const char *not_for_sends(const struct rpc_options *opt)
{
    if (opt->takeout)
        return "takeout";
    if (*opt->business)
        return "business";
    if (opt->dc)
        return "dc";
    return opt->without_updates ? "without_updates" : NULL;
}

void rpc_send(struct rpc_req *req, struct mt_now now, const char *function, json_t *params, mt_chat_id chat,
              const char *dedup_key, rpc_then_fn *then)
{
    const char *option = not_for_sends(&req->opt);
    struct rpc_resolve *res;

    if (option) {
        json_decref(params);
        rpc_fail_hint(req, RPC_E_INVALID_REQUEST, "a raw call without dedup_key takes it",
                      "option %s does not go with a send of the outbox", option);
        return;
    }
    res = begin(req);

    if (res) {
        res->outbox = true;
        res->chat = chat;
        res->dedup_key = dedup_key ? strdup(dedup_key) : NULL;
        if (dedup_key && !res->dedup_key) {
            json_decref(params);
            params = NULL;
        }
    }
    start(req, now, function, params, then, res);
}

void rpc_peer(struct rpc_req *req, struct mt_now now, const json_t *value, rpc_peer_fn *then)
{
    struct rpc_resolve *res = begin(req);

    if (!res) {
        rpc_fail_nomem(req);
        return;
    }
    res->value = json_deep_copy(value);
    res->peer_then = then;
    go(req, now);
}

json_t *rpc_peer_json(const struct mt_peer *peer)
{
    return json_integer(peer->chat);
}

void rpc_catch(struct rpc_req *req, bool (*wanted)(struct rpc_req *req, const struct mt_reply *reply))
{
    req->catch = wanted;
}

uint64_t rpc_await(struct rpc_req *req, rpc_then_fn *then)
{
    uint64_t token = rpc_req_token(req);

    if (!token)
        return 0;
    req->then = then;
    req->sent = true;
    rpc_req_arm(req, req->deadline == MT_NEVER ? MT_NEVER : req->deadline + RPC_GRACE_US);
    return token;
}
