#include "rpc/views/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where `message` and `messageService` keep what they share. */
struct shape {
    unsigned out, mentioned, silent, id, from_id, peer_id, reply_to, date, reactions, ttl_period;
};
static const struct shape plain = {TLF_message__out,       TLF_message__mentioned, TLF_message__silent,
                                   TLF_message__id,        TLF_message__from_id,   TLF_message__peer_id,
                                   TLF_message__reply_to,  TLF_message__date,      TLF_message__reactions,
                                   TLF_message__ttl_period};
static const struct shape service = {TLF_messageService__out,       TLF_messageService__mentioned,
                                     TLF_messageService__silent,    TLF_messageService__id,
                                     TLF_messageService__from_id,   TLF_messageService__peer_id,
                                     TLF_messageService__reply_to,  TLF_messageService__date,
                                     TLF_messageService__reactions, TLF_messageService__ttl_period};

static const struct shape *shape_of(const struct tl_view *m)
{
    if (!m->def)
        return NULL;
    return m->def->id == TL_message ? &plain : m->def->id == TL_messageService ? &service : NULL;
}

bool rpc_message_head(const struct rpc_view *ctx, const struct tl_view *m, struct rpc_message_head *h)
{
    const struct shape *at = shape_of(m);
    int64_t self = ctx->account && ctx->account->core ? mt_account_user(ctx->account->core) : 0;

    memset(h, 0, sizeof *h);
    if (!at)
        return false;
    h->id = tl_get_int(m, at->id);
    h->date = tl_get_int(m, at->date);
    h->out = tl_has(m, at->out);
    h->ttl = tl_get_int(m, at->ttl_period);
    h->chat = rpc_peer_field(m, at->peer_id);
    h->sender = rpc_peer_field(m, at->from_id);
    if (at == &plain)
        h->edit_date = tl_has(m, TLF_message__edit_hide) ? 0 : tl_get_int(m, TLF_message__edit_date);
    /* a chat with one person, or a channel's own post, does not name the sender again */
    if (!h->sender)
        h->sender = h->chat > 0 && h->out ? self : h->chat;
    return true;
}

/* --- parts --- */

static void put_chat(json_t *o, const struct mt_peer *chat)
{
    rpc_put_str(o, "chat_type", rpc_chat_type(chat));
    rpc_put(o, "chat_title", rpc_text((struct tl_slice){(const uint8_t *)chat->name, strlen(chat->name)}));
    rpc_put_str(o, "chat_username", chat->username);
}

static void put_sender(json_t *o, const struct mt_peer *sender)
{
    rpc_put_int(o, "sender_id", sender->chat);
    rpc_put_str(o, "sender_name", sender->name);
    rpc_put_str(o, "sender_username", sender->username);
}

static void put_reply(json_t *o, const struct tl_view *m, const struct shape *at)
{
    struct tl_view r;
    json_t *reply;

    if (!tl_get_object(m, at->reply_to, &r) || !(reply = json_object()))
        return;
    if (r.def->id == TL_messageReplyHeader) {
        int32_t top = tl_get_int(&r, TLF_messageReplyHeader__reply_to_top_id);
        int32_t id = tl_get_int(&r, TLF_messageReplyHeader__reply_to_msg_id);
        bool topic = tl_has(&r, TLF_messageReplyHeader__forum_topic);

        rpc_put_int(reply, "message_id", id);
        rpc_put_int(reply, "chat_id", rpc_peer_field(&r, TLF_messageReplyHeader__reply_to_peer_id));
        rpc_put_text(reply, "quote", tl_get_bytes(&r, TLF_messageReplyHeader__quote_text));
        rpc_put_int(o, "thread_id", top ? top : topic ? id : 0);
        /* the first message of a topic "answers" the topic: that is no reply */
        if (topic && !top)
            json_object_clear(reply);
    } else if (r.def->id == TL_messageReplyStoryHeader) {
        rpc_put_int(reply, "chat_id", rpc_peer_field(&r, TLF_messageReplyStoryHeader__peer));
        rpc_put_int(reply, "story_id", tl_get_int(&r, TLF_messageReplyStoryHeader__story_id));
    }
    if (json_object_size(reply))
        rpc_put(o, "reply_to", reply);
    else
        json_decref(reply);
}

static json_t *forward(const struct rpc_view *ctx, const struct tl_view *f)
{
    mt_chat_id from = rpc_peer_field(f, TLF_messageFwdHeader__from_id);
    struct mt_peer p;
    json_t *o = json_object();

    if (!o)
        return NULL;
    rpc_view_find(ctx, from, &p);
    if (from > 0)
        rpc_put_int(o, "sender_id", from);
    if (p.name[0])
        rpc_put_str(o, "sender_name", p.name);
    else
        rpc_put_text(o, "sender_name", tl_get_bytes(f, TLF_messageFwdHeader__from_name));
    if (from < 0)
        rpc_put_int(o, "chat_id", from);
    rpc_put_int(o, "message_id", tl_get_int(f, TLF_messageFwdHeader__channel_post));
    rpc_put(o, "date", json_integer(tl_get_int(f, TLF_messageFwdHeader__date)));
    return o;
}

static void put_plain(const struct rpc_view *ctx, json_t *o, const struct tl_view *m)
{
    struct tl_slice text = tl_get_bytes(m, TLF_message__message);
    struct tl_view sub;

    rpc_put(o, "text", rpc_text(text));
    rpc_put(o, "entities", rpc_view_entities(m, TLF_message__entities, text));
    if (tl_get_object(m, TLF_message__media, &sub))
        rpc_put(o, "media", rpc_view_media(&sub));
    put_reply(o, m, &plain);
    if (tl_get_object(m, TLF_message__fwd_from, &sub))
        rpc_put(o, "forward", forward(ctx, &sub));
    if (!tl_has(m, TLF_message__edit_hide))
        rpc_put_int(o, "edit_date", tl_get_int(m, TLF_message__edit_date));
    rpc_put_int(o, "views", tl_get_int(m, TLF_message__views));
    if (tl_get_object(m, TLF_message__reactions, &sub))
        rpc_put(o, "reactions", rpc_view_reactions(&sub));
    if (tl_get_object(m, TLF_message__reply_markup, &sub))
        rpc_put(o, "buttons", rpc_view_buttons(&sub));
    rpc_put_long(o, "album_id", tl_get_long(m, TLF_message__grouped_id));
    rpc_put_int(o, "via_bot_id", tl_get_long(m, TLF_message__via_bot_id));
    rpc_put_true(o, "protect", tl_has(m, TLF_message__noforwards));
    rpc_put_true(o, "pinned", tl_has(m, TLF_message__pinned));
}

static void put_service(const struct rpc_view *ctx, json_t *o, const struct tl_view *m, mt_chat_id sender,
                        const char *who)
{
    struct tl_view action, sub;
    const char *change;
    char text[512] = "";
    json_t *a = NULL;

    if (tl_get_object(m, TLF_messageService__action, &action))
        a = rpc_view_action(ctx, &action, sender, who, text, &change);
    rpc_put(o, "text", rpc_text((struct tl_slice){(const uint8_t *)text, strlen(text)}));
    put_reply(o, m, &service);
    if (a && tl_get_id(m, TLF_messageService__action) == TL_messageActionPinMessage &&
        tl_get_object(m, TLF_messageService__reply_to, &sub) && sub.def->id == TL_messageReplyHeader)
        rpc_put_int(a, "message_id", tl_get_int(&sub, TLF_messageReplyHeader__reply_to_msg_id));
    rpc_put(o, "action", a);
}

const char *rpc_view_change(const struct rpc_view *ctx, const struct tl_view *message, int64_t *user,
                            struct tl_slice *title)
{
    struct rpc_message_head h;
    struct tl_view action;
    const char *change = NULL;
    char text[512];
    json_t *a;
    int field;

    *user = 0;
    *title = (struct tl_slice){0};
    if (!message->def || message->def->id != TL_messageService || !rpc_message_head(ctx, message, &h) ||
        !tl_get_object(message, TLF_messageService__action, &action))
        return NULL;
    a = rpc_view_action(ctx, &action, h.sender, "", text, &change);
    *user = json_integer_value(json_array_get(json_object_get(a, "user_ids"), 0));
    json_decref(a);
    field = tl_view_field(&action, "title");
    if (field >= 0)
        *title = tl_get_bytes(&action, (unsigned)field);
    return change;
}

/* Public chats only: t.me/NAME/ID. */
static void put_link(json_t *o, const struct mt_peer *chat, int32_t id)
{
    char link[128];

    if (chat->kind != MT_PEER_CHANNEL || !chat->username[0])
        return;
    snprintf(link, sizeof link, "https://t.me/%s/%d", chat->username, (int)id);
    rpc_put_str(o, "link", link);
}

static json_t *missing(const struct tl_view *m)
{
    return json_pack("{s:i, s:b}", "id", (int)tl_get_int(m, TLF_messageEmpty__id), "missing", 1);
}

json_t *rpc_view_message(const struct rpc_view *ctx, const struct tl_view *m)
{
    const struct shape *at = shape_of(m);
    struct rpc_message_head h;
    struct mt_peer chat, sender;
    json_t *o;

    if (!rpc_message_head(ctx, m, &h))
        return m->def && m->def->id == TL_messageEmpty ? missing(m) : NULL;
    o = json_pack("{s:i, s:I}", "id", (int)h.id, "chat_id", (json_int_t)h.chat);
    if (!o)
        return NULL;
    rpc_view_find(ctx, h.chat, &chat);
    if (h.sender == h.chat)
        sender = chat;
    else
        rpc_view_find(ctx, h.sender, &sender);
    put_chat(o, &chat);
    put_sender(o, &sender);
    rpc_put(o, "date", json_integer(h.date));
    rpc_put(o, "out", json_boolean(h.out));
    if (at == &plain)
        put_plain(ctx, o, m);
    else
        put_service(ctx, o, m, h.sender, sender.name);
    rpc_put_true(o, "silent", tl_has(m, at->silent));
    rpc_put_true(o, "mentioned", tl_has(m, at->mentioned));
    rpc_put_int(o, "ttl", h.ttl);
    put_link(o, &chat, h.id);
    (void)rpc_view_add_format(o, ctx->format);
    if (ctx->raw)
        rpc_put(o, "raw", rpc_view_raw(m));
    return o;
}

/* --- the text in another form --- */

static bool entity_from_json(const json_t *o, struct mt_entity *e)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    const char *arg = json_string_value(json_object_get(o, "url"));
    const char *emoji = json_string_value(json_object_get(o, "custom_emoji_id"));
    int known = type ? mt_entity_by_name(type) : -1;

    if (!arg)
        arg = json_string_value(json_object_get(o, "language"));
    if (known < 0)
        return false;
    *e = (struct mt_entity){.type = (enum mt_entity_type)known,
                            .offset = (int32_t)json_integer_value(json_object_get(o, "offset")),
                            .length = (int32_t)json_integer_value(json_object_get(o, "length")),
                            .id = json_integer_value(json_object_get(o, "user_id"))};
    if (emoji && sscanf(emoji, "%lld", (long long *)&e->id) != 1)
        return false;
    e->arg = arg ? strdup(arg) : NULL;
    return !arg || e->arg;
}

int rpc_view_add_format(json_t *message, enum rpc_format format)
{
    const json_t *text = json_object_get(message, "text"), *entities = json_object_get(message, "entities");
    size_t n = json_array_size(entities), kept = 0;
    struct mt_entity *list;
    struct tl_out out = {0};
    int r;

    if (format == RPC_PLAIN || !text)
        return MT_OK;
    list = calloc(n ? n : 1, sizeof *list);
    if (!list)
        return MT_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        kept += entity_from_json(json_array_get(entities, i), &list[kept]);
    (format == RPC_HTML ? mt_text_to_html : mt_text_to_markdown)(&out, json_string_value(text),
                                                                 json_string_length(text), list, kept);
    r = out.err ? MT_E_NOMEM : MT_OK;
    if (r == MT_OK)
        rpc_put(message, format == RPC_HTML ? "html" : "markdown",
                rpc_text((struct tl_slice){out.data, out.len}));
    tl_out_free(&out);
    for (size_t i = 0; i < kept; i++)
        free(list[i].arg);
    free(list);
    return r;
}
