#include "rpc/views/parts.h"

#include <string.h>

static json_t *user_json(const struct mt_peer *p)
{
    json_t *o = json_pack("{s:I}", "id", (json_int_t)p->chat);

    if (!o)
        return NULL;
    rpc_put(o, "name", rpc_text((struct tl_slice){(const uint8_t *)p->name, strlen(p->name)}));
    return o;
}

json_t *rpc_view_stored_user(const struct rpc_view *ctx, const struct mt_peer *peer)
{
    json_t *o = user_json(peer);

    if (!o)
        return NULL;
    rpc_put_str(o, "username", peer->username);
    rpc_put_str(o, "phone", peer->phone);
    rpc_put_true(o, "bot", peer->bot);
    rpc_put_true(o, "self", peer->self);
    rpc_put_true(o, "deleted", peer->gone);
    return o;
}

json_t *rpc_view_user(const struct rpc_view *ctx, const struct tl_view *user)
{
    struct mt_peer seen, stored;
    json_t *o;
    bool min;

    if (mt_peer_from_view(user, &seen, &min) != MT_OK)
        return NULL;
    rpc_view_find(ctx, seen.chat, &stored);
    mt_peer_merge(&seen, min, stored.name[0] ? &stored : NULL);
    o = user_json(&seen);
    if (!o)
        return NULL;
    rpc_put_text(o, "first_name", tl_get_bytes(user, TLF_user__first_name));
    rpc_put_text(o, "last_name", tl_get_bytes(user, TLF_user__last_name));
    rpc_put_str(o, "username", seen.username);
    rpc_put_str(o, "phone", seen.phone);
    rpc_put_true(o, "bot", seen.bot);
    rpc_put_true(o, "self", seen.self);
    rpc_put_true(o, "contact", tl_has(user, TLF_user__contact));
    rpc_put_true(o, "premium", tl_has(user, TLF_user__premium));
    rpc_put_true(o, "verified", tl_has(user, TLF_user__verified));
    rpc_put_true(o, "deleted", tl_has(user, TLF_user__deleted));
    if (ctx->raw)
        rpc_put(o, "raw", rpc_view_raw(user));
    return o;
}

json_t *rpc_view_stored_chat(const struct rpc_view *ctx, const struct mt_peer *peer)
{
    json_t *o = json_pack("{s:I, s:s}", "id", (json_int_t)peer->chat, "type", rpc_chat_type(peer));

    if (!o)
        return NULL;
    rpc_put(o, "title", rpc_text((struct tl_slice){(const uint8_t *)peer->name, strlen(peer->name)}));
    rpc_put_str(o, "username", peer->username);
    rpc_put_true(o, "bot", peer->bot);
    rpc_put_true(o, "self", peer->self);
    rpc_put_true(o, "forum", peer->forum);
    rpc_put_true(o, "left", peer->gone && peer->kind != MT_PEER_USER);
    rpc_put_int(o, "migrated_to", peer->migrated_to);
    rpc_put_str(o, "phone", peer->phone);
    return o;
}

static int64_t members_of(const struct tl_view *chat)
{
    if (chat->def->id == TL_chat)
        return tl_get_int(chat, TLF_chat__participants_count);
    if (chat->def->id == TL_channel)
        return tl_get_int(chat, TLF_channel__participants_count);
    return 0;
}

static bool verified(const struct tl_view *chat)
{
    return (chat->def->id == TL_user && tl_has(chat, TLF_user__verified)) ||
           (chat->def->id == TL_channel && tl_has(chat, TLF_channel__verified));
}

json_t *rpc_view_chat(const struct rpc_view *ctx, const struct tl_view *chat_or_user)
{
    struct mt_peer seen, stored;
    json_t *o;
    bool min;

    if (mt_peer_from_view(chat_or_user, &seen, &min) != MT_OK)
        return NULL;
    rpc_view_find(ctx, seen.chat, &stored);
    mt_peer_merge(&seen, min, stored.name[0] ? &stored : NULL);
    o = rpc_view_stored_chat(ctx, &seen);
    if (!o)
        return NULL;
    rpc_put_int(o, "members", members_of(chat_or_user));
    rpc_put_true(o, "verified", verified(chat_or_user));
    if (ctx->raw)
        rpc_put(o, "raw", rpc_view_raw(chat_or_user));
    return o;
}
