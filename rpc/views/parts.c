#include "rpc/views/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

json_t *rpc_text(struct tl_slice s)
{
    json_t *value = json_stringn(s.n ? (const char *)s.p : "", s.n);
    struct tl_out out = {0};

    if (value)
        return value;
    tl_json_string(&out, s.p, s.n);
    if (!out.err)
        value = json_loadb((const char *)out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    tl_out_free(&out);
    return value;
}

void rpc_put(json_t *o, const char *key, json_t *take)
{
    if (take)
        (void)json_object_set_new_nocheck(o, key, take);
}

void rpc_put_text(json_t *o, const char *key, struct tl_slice s)
{
    if (s.n)
        rpc_put(o, key, rpc_text(s));
}

void rpc_put_str(json_t *o, const char *key, const char *s)
{
    if (s && *s)
        rpc_put_text(o, key, (struct tl_slice){(const uint8_t *)s, strlen(s)});
}

void rpc_put_int(json_t *o, const char *key, int64_t v)
{
    if (v)
        rpc_put(o, key, json_integer(v));
}

void rpc_put_long(json_t *o, const char *key, int64_t v)
{
    char text[24];

    if (!v)
        return;
    snprintf(text, sizeof text, "%" PRId64, v);
    rpc_put(o, key, json_string_nocheck(text));
}

void rpc_put_true(json_t *o, const char *key, bool v)
{
    if (v)
        rpc_put(o, key, json_true());
}

json_t *rpc_view_raw(const struct tl_view *v)
{
    struct tl_in in = tl_in(v->p, v->n);
    struct tl_out out = {0};
    json_t *value = NULL;

    if (tl_to_json(&in, &out) == TL_OK)
        value = json_loadb((const char *)out.data, out.len, JSON_ALLOW_NUL, NULL);
    tl_out_free(&out);
    return value;
}

/* --- peers --- */

void rpc_view_find(const struct rpc_view *ctx, mt_chat_id chat, struct mt_peer *out)
{
    const struct store_ops *store = ctx->account ? ctx->account->store : NULL;
    int64_t id;

    if (store && chat && store->peer_by_chat(store->ctx, chat, out) == MT_OK)
        return;
    memset(out, 0, sizeof *out);
    out->chat = chat;
    out->kind = MT_PEER_USER;
    (void)mt_chat_split(chat, &out->kind, &id);
}

const char *rpc_chat_type(const struct mt_peer *peer)
{
    switch (peer->kind) {
    case MT_PEER_USER:
        return "user";
    case MT_PEER_GROUP:
        return "group";
    case MT_PEER_CHANNEL:
        return peer->broadcast ? "channel" : "supergroup";
    }
    return "user";
}

mt_chat_id rpc_peer_field(const struct tl_view *v, unsigned field)
{
    struct tl_view peer;
    return tl_get_object(v, field, &peer) ? mt_chat_of(&peer, 0) : 0;
}
