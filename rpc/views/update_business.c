/* What a bot sees of a user who has connected it to his account:
 * https://core.telegram.org/api/bots/connected-business-bots */
#include "rpc/views/update.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- the connection --- */

static json_t *rights_of(const struct tl_view *connection)
{
    static const struct {
        unsigned field;
        const char *name;
    } rows[] = {
        {TLF_businessBotRights__reply, "reply"},
        {TLF_businessBotRights__read_messages, "read_messages"},
        {TLF_businessBotRights__delete_sent_messages, "delete_sent_messages"},
        {TLF_businessBotRights__delete_received_messages, "delete_received_messages"},
        {TLF_businessBotRights__edit_name, "edit_name"},
        {TLF_businessBotRights__edit_bio, "edit_bio"},
        {TLF_businessBotRights__edit_profile_photo, "edit_profile_photo"},
        {TLF_businessBotRights__edit_username, "edit_username"},
        {TLF_businessBotRights__view_gifts, "view_gifts"},
        {TLF_businessBotRights__sell_gifts, "sell_gifts"},
        {TLF_businessBotRights__change_gift_settings, "change_gift_settings"},
        {TLF_businessBotRights__transfer_and_upgrade_gifts, "transfer_and_upgrade_gifts"},
        {TLF_businessBotRights__transfer_stars, "transfer_stars"},
        {TLF_businessBotRights__manage_stories, "manage_stories"},
    };
    json_t *list = json_array();
    struct tl_view rights;

    if (tl_get_object(connection, TLF_botBusinessConnection__rights, &rights))
        for (size_t i = 0; list && i < sizeof rows / sizeof *rows; i++)
            if (tl_has(&rights, rows[i].field))
                (void)json_array_append_new(list, json_string(rows[i].name));
    return list;
}

static json_t *body_of(const char *action, struct tl_slice connection)
{
    json_t *body = json_pack("{s:s}", "action", action);

    if (body)
        rpc_put_text(body, "connection_id", connection);
    return body;
}

static int connection(struct rpc_render *r)
{
    struct rpc_view_event e = {.type = "business", .direction = 1};
    char key[RPC_KEY_MAX];
    struct tl_view c;
    struct mt_peer user;
    json_t *body;

    if (!tl_get_object(r->u, TLF_updateBotBusinessConnect__connection, &c) ||
        c.def->id != TL_botBusinessConnection)
        return MT_E_PEER;
    body = body_of(tl_has(&c, TLF_botBusinessConnection__disabled) ? "disconnected" : "connected",
                   tl_get_bytes(&c, TLF_botBusinessConnection__connection_id));
    snprintf(key, sizeof key, "business/%016" PRIx64, rpc_event_digest(r));
    e.key = key;
    e.sender = mt_chat_of_user(tl_get_long(&c, TLF_botBusinessConnection__user_id));
    if (body) {
        rpc_view_find(r->ctx, e.sender, &user);
        rpc_put(body, "user", rpc_view_stored_user(r->ctx, &user));
        rpc_put_int(body, "date", tl_get_int(&c, TLF_botBusinessConnection__date));
        rpc_put(body, "rights", rights_of(&c));
    }
    return rpc_event_emit(r, &e, body);
}

/* --- messages of his chats: their numbers are his, not the bot's --- */

static int message(struct rpc_render *r, const char *action, struct tl_slice connection, unsigned field,
                   unsigned replied, const struct tl_view *query)
{
    struct rpc_view_event e = {.type = "business"};
    struct rpc_message_head h;
    char key[RPC_KEY_MAX];
    struct tl_view m, to;
    json_t *body;

    if (!tl_get_object(r->u, field, &m) || !rpc_message_head(r->ctx, &m, &h))
        return MT_E_PEER;
    if (query)
        snprintf(key, sizeof key, "business/%" PRId64,
                 tl_get_long(query, TLF_updateBusinessBotCallbackQuery__query_id));
    else
        snprintf(key, sizeof key, "business/%.*s/%s/%" PRId64 "/%d/%d",
                 (int)(connection.n < 48 ? connection.n : 48), connection.n ? (const char *)connection.p : "",
                 action, h.chat, (int)h.id, (int)h.edit_date);
    e.key = key;
    e.chat = h.chat;
    e.sender = h.sender;
    e.direction = h.out ? 2 : 1;
    if (!query)
        e.time = h.edit_date && strcmp(action, "edit") == 0 ? h.edit_date : h.date;
    body = body_of(action, connection);
    if (body) {
        rpc_put(body, "message", rpc_view_message(r->ctx, &m));
        if (tl_get_object(r->u, replied, &to))
            rpc_put(body, "replied", rpc_view_message(r->ctx, &to));
        if (query) {
            e.sender = mt_chat_of_user(tl_get_long(query, TLF_updateBusinessBotCallbackQuery__user_id));
            e.direction = 1;
            rpc_event_sender(r, body, e.sender);
            rpc_put_long(body, "query_id", tl_get_long(query, TLF_updateBusinessBotCallbackQuery__query_id));
            rpc_put_long(body, "chat_instance",
                         tl_get_long(query, TLF_updateBusinessBotCallbackQuery__chat_instance));
            if (tl_has(query, TLF_updateBusinessBotCallbackQuery__data))
                rpc_event_bytes(body, "data", tl_get_bytes(query, TLF_updateBusinessBotCallbackQuery__data));
        }
    }
    return rpc_event_emit(r, &e, body);
}

static int deleted(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct rpc_view_event e = {.type = "business",
                               .chat = rpc_peer_field(u, TLF_updateBotDeleteBusinessMessage__peer)};
    struct tl_vec ids = tl_get_vector(u, TLF_updateBotDeleteBusinessMessage__messages);
    json_t *list = json_array(),
           *body = body_of("delete", tl_get_bytes(u, TLF_updateBotDeleteBusinessMessage__connection_id));
    char key[RPC_KEY_MAX];
    int32_t id;

    snprintf(key, sizeof key, "business/%016" PRIx64, rpc_event_digest(r));
    e.key = key;
    while (list && tl_vec_int(&ids, &id))
        (void)json_array_append_new(list, json_integer(id));
    if (body)
        rpc_put_int(body, "chat_id", e.chat);
    if (body)
        rpc_put(body, "message_ids", list);
    else
        json_decref(list);
    return rpc_event_emit(r, &e, body);
}

int rpc_event_business(struct rpc_render *r)
{
    const struct tl_view *u = r->u;

    switch (u->def->id) {
    case TL_updateBotBusinessConnect:
        return connection(r);
    case TL_updateBotNewBusinessMessage:
        return message(r, "message", tl_get_bytes(u, TLF_updateBotNewBusinessMessage__connection_id),
                       TLF_updateBotNewBusinessMessage__message,
                       TLF_updateBotNewBusinessMessage__reply_to_message, NULL);
    case TL_updateBotEditBusinessMessage:
        return message(r, "edit", tl_get_bytes(u, TLF_updateBotEditBusinessMessage__connection_id),
                       TLF_updateBotEditBusinessMessage__message,
                       TLF_updateBotEditBusinessMessage__reply_to_message, NULL);
    case TL_updateBotDeleteBusinessMessage:
        return deleted(r);
    case TL_updateBusinessBotCallbackQuery:
        return message(r, "callback", tl_get_bytes(u, TLF_updateBusinessBotCallbackQuery__connection_id),
                       TLF_updateBusinessBotCallbackQuery__message,
                       TLF_updateBusinessBotCallbackQuery__reply_to_message, u);
    default:
        return MT_E_PEER;
    }
}
