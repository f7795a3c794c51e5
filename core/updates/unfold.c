#include "core/updates/engine.h"

#include <string.h>

#include "tl/ids.h"

/* The bits of message.flags that a short form has at the same place and with the same meaning. */
#define F_OUT     (UINT32_C(1) << 1)
#define F_FROM    (UINT32_C(1) << 8)
#define F_FWD     (UINT32_C(1) << 2)
#define F_VIA     (UINT32_C(1) << 11)
#define F_REPLY   (UINT32_C(1) << 3)
#define F_ENT     (UINT32_C(1) << 7)
#define F_MEDIA   (UINT32_C(1) << 9)
#define F_TTL     (UINT32_C(1) << 25)
#define F_SILENT  (UINT32_C(1) << 13)
#define F_PROTECT (UINT32_C(1) << 26)
#define F_INVERT  (UINT32_C(1) << 27)
#define F_MARKUP  (UINT32_C(1) << 6)
/* out, mentioned, media_unread, silent, fwd_from, via_bot_id, reply_to, entities, ttl_period */
#define F_SHORT                                                                                              \
    (F_OUT | UINT32_C(1) << 4 | UINT32_C(1) << 5 | F_SILENT | F_FWD | F_VIA | F_REPLY | F_ENT | F_TTL)

static void put_peer(struct tl_out *out, mt_chat_id chat)
{
    struct mt_peer peer = {.chat = chat};

    if (mt_peer_put_input(out, &peer, "Peer"))
        tl_out_fail(out, TL_E_VALUE);
}

static void put_field(struct tl_out *out, const struct tl_view *v, int field)
{
    struct tl_slice s;

    if (field < 0 || !tl_has(v, (unsigned)field))
        return;
    s = tl_get_raw(v, (unsigned)field);
    tl_put_raw(out, s.p, s.n);
}

static void put_named(struct tl_out *out, const struct tl_view *v, const char *name)
{
    put_field(out, v, tl_view_field(v, name));
}

static int64_t get_long(const struct tl_view *v, const char *name)
{
    int field = tl_view_field(v, name);

    return field < 0 ? 0 : tl_get_long(v, (unsigned)field);
}

static uint32_t get_flags(const struct tl_view *v)
{
    int field = tl_view_field(v, "flags");

    return field < 0 ? 0 : tl_get_flags(v, (unsigned)field);
}

int mt_unfold_short(const struct tl_view *v, int64_t self, struct tl_out *out)
{
    bool group = v->def->id == TL_updateShortChatMessage;
    uint32_t flags = get_flags(v) & F_SHORT;
    mt_chat_id chat, from;

    if (!group && v->def->id != TL_updateShortMessage)
        return MT_E_ARG;
    chat = group ? mt_chat_of_group(get_long(v, "chat_id")) : mt_chat_of_user(get_long(v, "user_id"));
    from = group ? mt_chat_of_user(get_long(v, "from_id")) : flags & F_OUT ? self : chat;
    tl_put_u32(out, TL_updateNewMessage);
    tl_put_u32(out, TL_message);
    tl_put_u32(out, flags | F_FROM);
    tl_put_u32(out, 0);
    put_named(out, v, "id");
    put_peer(out, from);
    put_peer(out, chat);
    put_named(out, v, "fwd_from");
    put_named(out, v, "via_bot_id");
    put_named(out, v, "reply_to");
    put_named(out, v, "date");
    put_named(out, v, "message");
    put_named(out, v, "entities");
    put_named(out, v, "ttl_period");
    put_named(out, v, "pts");
    put_named(out, v, "pts_count");
    return MT_OK;
}

/* inputReplyToMessage as the header that readers of the message see. False: a reply of another kind. */
static bool put_reply(struct tl_out *out, const struct tl_view *request)
{
    struct tl_view reply, peer;
    uint32_t flags = UINT32_C(1) << 4;
    int field = tl_view_field(request, "reply_to");
    mt_chat_id other = 0;
    bool topic, quote;

    if (field < 0 || !tl_get_object(request, (unsigned)field, &reply) ||
        reply.def->id != TL_inputReplyToMessage)
        return false;
    topic = tl_has(&reply, TLF_inputReplyToMessage__top_msg_id);
    quote = tl_has(&reply, TLF_inputReplyToMessage__quote_text);
    if (tl_get_object(&reply, TLF_inputReplyToMessage__reply_to_peer_id, &peer))
        other = mt_chat_of(&peer, 0);
    flags |= other ? 1u : 0u;
    flags |= topic ? UINT32_C(1) << 1 : 0;
    flags |= quote ? UINT32_C(1) << 9 | UINT32_C(1) << 6 : 0;
    tl_put_u32(out, TL_messageReplyHeader);
    tl_put_u32(out, flags);
    tl_put_int(out, tl_get_int(&reply, TLF_inputReplyToMessage__reply_to_msg_id));
    if (other)
        put_peer(out, other);
    put_field(out, &reply, TLF_inputReplyToMessage__top_msg_id);
    if (quote)
        put_field(out, &reply, TLF_inputReplyToMessage__quote_text);
    return true;
}

static uint32_t set_in(const struct tl_view *request, const char *name, uint32_t flag)
{
    int field = tl_view_field(request, name);

    return field >= 0 && tl_has(request, (unsigned)field) ? flag : 0;
}

int mt_unfold_sent(const struct tl_view *v, const struct tl_view *request, int64_t self, struct tl_out *out)
{
    struct tl_view peer;
    struct tl_out reply = {0};
    int field = tl_view_field(request, "peer"), text = tl_view_field(request, "message");
    uint32_t flags = get_flags(v) & (F_MEDIA | F_ENT | F_TTL);
    mt_chat_id chat;

    if (field < 0 || text < 0 || !tl_get_object(request, (unsigned)field, &peer))
        return MT_E_ARG;
    chat = mt_chat_of(&peer, self);
    if (!chat)
        return MT_E_ARG;
    flags |= F_OUT | F_FROM | set_in(request, "silent", F_SILENT) | set_in(request, "noforwards", F_PROTECT) |
             set_in(request, "invert_media", F_INVERT);
    if (put_reply(&reply, request))
        flags |= F_REPLY;
    tl_put_u32(out, chat < INT64_C(-999999999999) ? TL_updateNewChannelMessage : TL_updateNewMessage);
    tl_put_u32(out, TL_message);
    tl_put_u32(out, flags);
    tl_put_u32(out, 0);
    put_named(out, v, "id");
    put_peer(out, self);
    put_peer(out, chat);
    if (flags & F_REPLY)
        tl_put_raw(out, reply.data, reply.len);
    put_named(out, v, "date");
    put_field(out, request, text);
    put_named(out, v, "media");
    put_named(out, v, "entities");
    put_named(out, v, "ttl_period");
    put_named(out, v, "pts");
    put_named(out, v, "pts_count");
    if (reply.err)
        tl_out_fail(out, reply.err);
    tl_out_free(&reply);
    return MT_OK;
}

int mt_unfold_message(const struct tl_view *message, int32_t pts, struct tl_out *out)
{
    int32_t id;
    enum mt_peer_kind kind;
    int64_t bare;
    mt_chat_id chat = mt_message_chat(message, &id);

    if (message->def->id == TL_messageEmpty || !mt_chat_split(chat, &kind, &bare))
        return MT_E_ARG;
    tl_put_u32(out, kind == MT_PEER_CHANNEL ? TL_updateNewChannelMessage : TL_updateNewMessage);
    tl_put_raw(out, message->p, message->n);
    tl_put_int(out, pts);
    tl_put_int(out, 0);
    return MT_OK;
}

/* --- are all of them known? --- */

static bool is_known(struct mt_peers *peers, mt_chat_id chat)
{
    struct mt_peer peer;

    if (mt_peers_get(peers, chat, &peer))
        return false;
    return peer.has_hash || peer.kind == MT_PEER_GROUP || peer.self;
}

static bool forward_is_known(const struct tl_view *v, struct mt_peers *peers)
{
    static const unsigned fields[] = {TLF_messageFwdHeader__from_id, TLF_messageFwdHeader__saved_from_peer,
                                      TLF_messageFwdHeader__saved_from_id};
    struct tl_view fwd, peer;
    int field = tl_view_field(v, "fwd_from");

    if (field < 0 || !tl_get_object(v, (unsigned)field, &fwd))
        return true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (tl_get_object(&fwd, fields[i], &peer) && !is_known(peers, mt_chat_of(&peer, 0)))
            return false;
    return true;
}

static bool mentions_are_known(const struct tl_view *v, struct mt_peers *peers)
{
    int field = tl_view_field(v, "entities");
    struct tl_view entity;
    struct tl_vec vec;

    if (field < 0)
        return true;
    vec = tl_get_vector(v, (unsigned)field);
    while (tl_vec_object(&vec, &entity))
        if (entity.def->id == TL_messageEntityMentionName &&
            !is_known(peers, tl_get_long(&entity, TLF_messageEntityMentionName__user_id)))
            return false;
    return true;
}

bool mt_unfold_is_known(const struct tl_view *v, struct mt_peers *peers, int64_t self)
{
    bool group = v->def->id == TL_updateShortChatMessage;
    int64_t user = get_long(v, group ? "from_id" : "user_id"), via = get_long(v, "via_bot_id");

    if (user != self && !is_known(peers, mt_chat_of_user(user)))
        return false;
    if (group && !is_known(peers, mt_chat_of_group(get_long(v, "chat_id"))))
        return false;
    if (via && !is_known(peers, mt_chat_of_user(via)))
        return false;
    return forward_is_known(v, peers) && mentions_are_known(v, peers);
}
