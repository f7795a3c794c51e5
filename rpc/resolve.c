#include "rpc/profile.h"
#include "rpc/resolve.h"
#include "tl/ids.h"

#include <stdlib.h>
#include <string.h>

void rpc_resolve_free(struct rpc_resolve *res)
{
    if (!res)
        return;
    json_decref(res->params);
    json_decref(res->value);
    free(res->dedup_key);
    free(res);
}

/* --- refusals --- */

static int refuse(struct rpc_resolve *res, int code, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static int refuse(struct rpc_resolve *res, int code, const char *hint, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(res->text, sizeof res->text, fmt, ap);
    va_end(ap);
    res->code = code;
    snprintf(res->hint, sizeof res->hint, "%s", hint);
    return RPC_E_HOOK;
}

static int unknown_number(struct rpc_resolve *res, mt_chat_id chat)
{
    return refuse(res, RPC_E_PEER_UNKNOWN,
                  "name it by @username or link once, or let a message of it come in (getDialogs): then its "
                  "number is enough",
                  "no access to %lld is known", (long long)chat);
}

/* --- lookups --- */

static int stored(const struct rpc_req *req, mt_chat_id chat, struct mt_peer *out)
{
    const struct store_ops *s = req->account.store;

    return s && s->peer_by_chat ? s->peer_by_chat(s->ctx, chat, out) : MT_E_NOT_FOUND;
}

static int self_peer(const struct rpc_req *req, struct mt_peer *out)
{
    int64_t user = mt_account_user(req->account.core);

    if (stored(req, mt_chat_of_user(user), out) != MT_OK)
        *out = (struct mt_peer){.chat = mt_chat_of_user(user), .kind = MT_PEER_USER};
    out->self = true;
    return MT_OK;
}

/* A bare positive number of which no user is known: is there a chat that it is meant for? */
static int ambiguous(const struct rpc_req *req, struct rpc_resolve *res, int64_t id)
{
    struct mt_peer other;

    if (stored(req, mt_chat_of_channel(id), &other) == MT_OK ||
        stored(req, mt_chat_of_group(id), &other) == MT_OK)
        return refuse(res, RPC_E_PEER_AMBIGUOUS, "positive numbers are users",
                      "no user %lld is known; the chat \"%.100s\" is %lld", (long long)id, other.name,
                      (long long)other.chat);
    return unknown_number(res, id);
}

static int by_number(const struct rpc_req *req, struct rpc_resolve *res, const struct mt_peer_ref *ref,
                     struct mt_peer *out)
{
    enum mt_peer_kind kind;
    int64_t id;

    if (ref->chat == mt_account_user(req->account.core))
        return self_peer(req, out);
    if (stored(req, ref->chat, out) == MT_OK)
        return MT_OK;
    if (!mt_chat_split(ref->chat, &kind, &id))
        return unknown_number(res, ref->chat);
    if (kind != MT_PEER_GROUP && !mt_account_is_bot(req->account.core))
        return ref->bare ? ambiguous(req, res, id) : unknown_number(res, ref->chat);
    /* a basic group needs no access hash, and a bot may leave it 0 for those it met */
    *out = (struct mt_peer){.chat = ref->chat, .kind = kind, .has_hash = kind != MT_PEER_GROUP};
    return MT_OK;
}

static struct rpc_name *name_on_list(struct rpc_resolve *res, const char *text, bool phone)
{
    for (size_t i = 0; i < res->n_names; i++)
        if (res->names[i].phone == phone && strcasecmp(res->names[i].text, text) == 0)
            return &res->names[i];
    if (res->n_names == RPC_NAMES_MAX)
        return NULL;
    res->names[res->n_names] = (struct rpc_name){.phone = phone};
    snprintf(res->names[res->n_names].text, sizeof res->names[0].text, "%s", text);
    return &res->names[res->n_names++];
}

static int by_name(const struct rpc_req *req, struct rpc_resolve *res, const char *text, bool phone,
                   struct mt_peer *out)
{
    const struct store_ops *s = req->account.store;
    struct rpc_name *name;
    int err = MT_E_NOT_FOUND;
    char hint[120];
    int64_t ago;

    if (phone && s && s->peer_by_phone)
        err = s->peer_by_phone(s->ctx, text, out);
    else if (!phone && s && s->peer_by_username)
        err = s->peer_by_username(s->ctx, text, out);
    if (err == MT_OK)
        return MT_OK;
    name = name_on_list(res, text, phone);
    if (!name)
        return refuse(res, RPC_E_TOO_LARGE, "call resolvePeer for some of them first",
                      "more than %d names that are not known yet", RPC_NAMES_MAX);
    if (name->chat && stored(req, name->chat, out) == MT_OK)
        return MT_OK;
    ago = name->asked ? -1 : rpc_name_nobody(req, name);
    if (ago >= 0) {
        snprintf(hint, sizeof hint, "Telegram said so %lld s ago; it is asked again after an hour",
                 (long long)ago);
        return refuse(res, RPC_E_PEER_UNKNOWN, hint, "no peer '%s%s'", phone ? "+" : "@", text);
    }
    if (name->asked)
        return refuse(res, RPC_E_PEER_UNKNOWN, "Telegram knows nobody of that name", "no peer '%s%s'",
                      phone ? "+" : "@", text);
    return MT_E_NOT_FOUND;
}

static int denied(struct rpc_resolve *res)
{
    return refuse(res, RPC_E_DENIED, "", "this chat is not there for this socket");
}

/* A name that may not be seen is not asked for: the answer would tell whether there is one. */
static bool may_name(const struct rpc_req *req, const struct mt_peer_ref *ref)
{
    if (ref->kind == MT_REF_NAME)
        return rpc_profile_names(req->profile, ref->name);
    return ref->kind != MT_REF_PHONE || !rpc_profile_has_chats(req->profile);
}

static int look_up(struct rpc_req *req, struct rpc_resolve *res, const json_t *value, struct mt_peer *out);

int rpc_lookup(struct rpc_req *req, struct rpc_resolve *res, const json_t *value, struct mt_peer *out)
{
    int err = look_up(req, res, value, out);

    if (err == MT_OK && !rpc_profile_sees_chat(req->profile, &req->account, out->chat))
        return denied(res);
    return err;
}

static int look_up(struct rpc_req *req, struct rpc_resolve *res, const json_t *value, struct mt_peer *out)
{
    struct mt_peer_ref ref;
    char number[24];
    const char *text = json_string_value(value);

    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        text = number;
    }
    if (!text || mt_peer_parse(text, &ref) != MT_OK)
        return refuse(
            res, RPC_E_INVALID_PARAMS,
            "a number, \"me\", \"@name\", \"+phone\", a t.me link, \"user:1\", \"chat:1\" or \"channel:1\"",
            "this names no peer: '%.60s'", text ? text : "");
    /* what is not there is not known either: no other error may tell of it */
    if ((ref.kind == MT_REF_CHAT && !rpc_profile_sees_chat(req->profile, &req->account, ref.chat)) ||
        !may_name(req, &ref))
        return denied(res);
    switch (ref.kind) {
    case MT_REF_SELF:
        return self_peer(req, out);
    case MT_REF_CHAT:
        return by_number(req, res, &ref, out);
    case MT_REF_NAME:
        return by_name(req, res, ref.name, false, out);
    case MT_REF_PHONE:
        return by_name(req, res, ref.phone, true, out);
    case MT_REF_INVITE:
        break;
    }
    return refuse(res, RPC_E_PEER_UNKNOWN, "messages.importChatInvite joins it; then its number is known",
                  "an invite link names a chat only for its members");
}

/* --- hooks --- */

static int put_peer(struct rpc_req *req, const struct mt_peer *peer, const char *type, struct tl_out *out)
{
    struct mt_peer via;
    const struct mt_peer *way = NULL;
    int err;

    if (!peer->has_hash && peer->seen_chat && stored(req, peer->seen_chat, &via) == MT_OK)
        way = &via;
    if (peer->self && strcmp(type, "InputPeer") == 0)
        tl_put_u32(out, TL_inputPeerSelf);
    else if (peer->self && strcmp(type, "InputUser") == 0)
        tl_put_u32(out, TL_inputUserSelf);
    else if ((err = mt_peer_put_input_via(out, peer, way, type)) == MT_E_NOT_FOUND)
        return unknown_number(req->resolve, peer->chat);
    else if (err != MT_OK)
        return refuse(req->resolve, RPC_E_INVALID_PARAMS, "", "%lld cannot stand for %s here",
                      (long long)peer->chat, type);
    return 1;
}

int rpc_peer_hook(void *ctx, const char *type, const json_t *value, struct tl_out *out)
{
    static const char *const types[] = {"InputPeer", "InputUser",       "InputChannel",
                                        "Peer",      "InputDialogPeer", "InputNotifyPeer"};
    struct rpc_req *req = ctx;
    struct mt_peer peer;
    int err;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(type, types[i]) != 0)
            continue;
        err = rpc_lookup(req, req->resolve, value, &peer);
        if (err == MT_OK)
            return put_peer(req, &peer, type, out);
        if (err != MT_E_NOT_FOUND)
            return err;
        tl_put_u32(out, TL_inputPeerEmpty); /* holds the place in a pass that only collects names */
        return 1;
    }
    return 0;
}

/* Where a list begins may be left out of a query: at its beginning. */
static int put_paging(const struct tl_field *field, struct tl_out *out)
{
    static const char *const names[] = {"offset",      "offset_id",    "offset_date",
                                        "offset_peer", "offset_topic", "add_offset",
                                        "max_id",      "min_id",       "hash"};
    bool known = false;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        known = known || strcmp(tl_field_name(field), names[i]) == 0;
    if (!known)
        return 0;
    if (field->kind == TL_K_INT)
        tl_put_int(out, 0);
    else if (field->kind == TL_K_LONG)
        tl_put_long(out, 0);
    else if (field->kind == TL_K_STRING)
        tl_put_str(out, "");
    else if (field->kind == TL_K_OBJECT && strcmp(tl_type_name(field->type), "InputPeer") == 0)
        tl_put_u32(out, TL_inputPeerEmpty);
    else
        return 0;
    return 1;
}

/* A function that only reads: no other may have a hash or max_id taken for granted. */
static bool is_query(const struct tl_def *def)
{
    const char *name = tl_def_name(def), *dot = strchr(name, '.');

    if (!def->is_function || !dot)
        return false;
    return strncmp(dot + 1, "get", 3) == 0 || strncmp(dot + 1, "search", 6) == 0;
}

/* random_id, of a call or of an album's part. */
static int put_random(struct rpc_req *req, const struct tl_field *field, struct tl_out *out)
{
    const struct mt_env *env = req->rpc->cfg.env;
    size_t n;

    if (field->kind == TL_K_LONG) {
        tl_put_u64(out, mt_env_random64(env));
        return 1;
    }
    if (field->kind != TL_K_VECTOR || field->item != TL_K_LONG)
        return 0;
    n = json_array_size(json_object_get(req->resolve->params, "id")); /* one for each message forwarded */
    tl_put_vector(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        tl_put_u64(out, mt_env_random64(env));
    return 1;
}

int rpc_missing_hook(void *ctx, const struct tl_def *def, const struct tl_field *field, struct tl_out *out)
{
    if (strcmp(tl_field_name(field), "random_id") == 0)
        return put_random(ctx, field, out);
    return is_query(def) ? put_paging(field, out) : 0;
}

/* --- asking --- */

bool rpc_ask_name(struct rpc_req *req, struct mt_now now)
{
    struct rpc_resolve *res = req->resolve;
    struct tl_out out = {.limit = 1024};
    struct mt_call call = {.deadline = req->deadline, .flood_wait = req->opt.flood_wait};
    struct rpc_name *name = NULL;
    int err;

    for (size_t i = 0; i < res->n_names && !name; i++)
        if (!res->names[i].asked && !res->names[i].chat)
            name = &res->names[i];
    if (!name)
        return false;
    if (rpc_name_must_wait(req, now, name))
        return true;
    name->asked = true;
    tl_put_u32(&out, name->phone ? TL_contacts_resolvePhone : TL_contacts_resolveUsername);
    if (!name->phone)
        tl_put_u32(&out, 0); /* flags: no referer */
    tl_put_str(&out, name->text);
    call.token = rpc_req_token(req);
    call.body = out.data;
    call.n = out.len;
    call.flags = MT_CALL_REPEATABLE;
    req->sent = false;
    err = out.err || !call.token ? MT_E_NOMEM : mt_account_call(req->account.core, now, &call);
    tl_out_free(&out);
    if (err == MT_OK) {
        rpc_req_arm(req, req->deadline == MT_NEVER ? MT_NEVER : req->deadline + RPC_GRACE_US);
        return true;
    }
    rpc_req_drop_token(req);
    rpc_fail_mt(req, err);
    return true;
}

static struct rpc_name *name_asked(struct rpc_resolve *res)
{
    struct rpc_name *last = NULL;

    for (size_t i = 0; i < res->n_names; i++)
        if (res->names[i].asked && !res->names[i].chat)
            last = &res->names[i];
    return last;
}

static bool is_not_there(const struct mt_reply *reply)
{
    static const char *const names[] = {"USERNAME_NOT_OCCUPIED", "USERNAME_INVALID", "PHONE_NOT_OCCUPIED"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (reply->kind == MT_REPLY_RPC_ERROR && strcmp(reply->text, names[i]) == 0)
            return true;
    return false;
}

bool rpc_name_answered(struct rpc_req *req, const struct mt_reply *reply)
{
    struct rpc_name *name = name_asked(req->resolve);
    struct tl_view v, peer;

    if (name && is_not_there(reply))
        rpc_name_note(req, name, reply, true);
    if (is_not_there(reply)) {
        rpc_fail_hint(req, RPC_E_PEER_UNKNOWN, "Telegram knows nobody of that name", "no peer '%s%s'",
                      name && name->phone ? "+" : "@", name ? name->text : "");
        return false;
    }
    if (reply->kind == MT_REPLY_TIMEOUT || reply->kind == MT_REPLY_CANCELLED) {
        rpc_fail_sent(req, reply->kind == MT_REPLY_TIMEOUT ? RPC_E_TIMEOUT : RPC_E_CANCELLED, MT_SENT_NO, 0);
        return false;
    }
    if (reply->kind != MT_REPLY_RESULT) {
        if (name)
            rpc_name_note(req, name, reply, false);
        rpc_fail_reply(req, reply);
        return false;
    }
    if (name && tl_view_open(&v, reply->p, reply->n) == TL_OK && v.def->id == TL_contacts_resolvedPeer &&
        tl_get_object(&v, TLF_contacts_resolvedPeer__peer, &peer))
        name->chat = mt_chat_of(&peer, mt_account_user(req->account.core));
    if (name)
        rpc_name_note(req, name, reply, false);
    return true;
}
