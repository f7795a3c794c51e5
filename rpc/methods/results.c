#include "rpc/methods/results.h"

#include <stdio.h>
#include <string.h>

#include "rpc/views/parts.h"

static const uint32_t message_updates[] = {TL_updateNewMessage, TL_updateNewChannelMessage,
                                           TL_updateEditMessage, TL_updateEditChannelMessage,
                                           TL_updateNewScheduledMessage};

static bool has_message(uint32_t id)
{
    for (size_t i = 0; i < sizeof message_updates / sizeof *message_updates; i++)
        if (message_updates[i] == id)
            return true;
    return false;
}

/* What was sent and what the server added, as one TL message. */
static json_t *short_sent(const struct rpc_view *ctx, const struct tl_view *sent, mt_chat_id chat,
                          const json_t *request)
{
    struct tl_view sub;
    struct tl_vec entities = tl_get_vector(sent, TLF_updateShortSentMessage__entities);
    struct tl_json_error error;
    struct tl_out out = {0};
    enum mt_peer_kind kind;
    int64_t id = 0;
    json_t *m, *list = entities.left ? json_array() : NULL, *view = NULL;
    uint16_t type = (uint16_t)tl_type_by_name("Message", strlen("Message"));

    (void)mt_chat_split(chat, &kind, &id);
    m = json_pack("{s:s, s:b, s:i, s:{s:s, s:I}, s:i, s:O?}", "_", "message", "out", 1, "id",
                  (int)tl_get_int(sent, TLF_updateShortSentMessage__id), "peer_id", "_", "peerUser",
                  "user_id", (json_int_t)id, "date", (int)tl_get_int(sent, TLF_updateShortSentMessage__date),
                  "message", json_object_get(request, "message"));
    while (m && list && tl_vec_object(&entities, &sub))
        (void)json_array_append_new(list, rpc_view_raw(&sub));
    if (m && list)
        json_object_set(m, "entities", list);
    if (m && tl_get_object(sent, TLF_updateShortSentMessage__media, &sub))
        rpc_put(m, "media", rpc_view_raw(&sub));
    if (m && json_object_get(json_object_get(request, "reply_to"), "reply_to_msg_id"))
        rpc_put(m, "reply_to",
                json_pack("{s:s, s:O}", "_", "messageReplyHeader", "reply_to_msg_id",
                          json_object_get(json_object_get(request, "reply_to"), "reply_to_msg_id")));
    if (m && tl_object_from_json(type, m, "message", NULL, &out, &error) == TL_OK &&
        tl_view_open(&sub, out.data, out.len) == TL_OK)
        view = rpc_view_message(ctx, &sub);
    tl_out_free(&out);
    json_decref(list);
    json_decref(m);
    return view;
}

json_t *rpc_result_message(const struct rpc_view *ctx, const uint8_t *p, size_t n, mt_chat_id chat,
                           const json_t *request)
{
    struct tl_view updates, update, message;
    struct tl_vec vec;
    int field;

    if (tl_view_open(&updates, p, n) != TL_OK)
        return NULL;
    if (updates.def->id == TL_updateShortSentMessage)
        return short_sent(ctx, &updates, chat, request);
    field = tl_view_field(&updates, "updates");
    if (field < 0)
        return NULL;
    vec = tl_get_vector(&updates, (unsigned)field);
    while (tl_vec_object(&vec, &update)) {
        if (!has_message(update.def->id))
            continue;
        field = tl_view_field(&update, "message");
        if (field >= 0 && tl_get_object(&update, (unsigned)field, &message)) {
            json_t *view = rpc_view_message(ctx, &message);

            rpc_put_true(view, "scheduled", update.def->id == TL_updateNewScheduledMessage);
            return view;
        }
    }
    return NULL;
}

json_t *rpc_result_new_messages(const struct rpc_view *ctx, const uint8_t *p, size_t n)
{
    struct tl_view updates, update, message;
    json_t *items = json_array();
    struct tl_vec vec;
    int field;

    if (!n || tl_view_open(&updates, p, n) != TL_OK || (field = tl_view_field(&updates, "updates")) < 0)
        return items;
    vec = tl_get_vector(&updates, (unsigned)field);
    while (tl_vec_object(&vec, &update)) {
        json_t *view;

        field = has_message(update.def->id) ? tl_view_field(&update, "message") : -1;
        if (field < 0 || !tl_get_object(&update, (unsigned)field, &message))
            continue;
        view = rpc_view_message(ctx, &message);
        rpc_put_true(view, "scheduled", update.def->id == TL_updateNewScheduledMessage);
        (void)json_array_append_new(items, view);
    }
    return items;
}

json_t *rpc_result_numbers(const uint8_t *p, size_t n)
{
    struct tl_view updates, update;
    json_t *numbers = json_array();
    struct tl_vec vec;
    int field;

    if (!n || tl_view_open(&updates, p, n) != TL_OK || (field = tl_view_field(&updates, "updates")) < 0)
        return numbers;
    vec = tl_get_vector(&updates, (unsigned)field);
    while (tl_vec_object(&vec, &update))
        if (update.def->id == TL_updateMessageID)
            (void)json_array_append_new(numbers, json_integer(tl_get_int(&update, TLF_updateMessageID__id)));
    return numbers;
}

int32_t rpc_result_number(const uint8_t *p, size_t n)
{
    json_t *numbers = rpc_result_numbers(p, n);
    int32_t number = (int32_t)json_integer_value(json_array_get(numbers, 0));

    json_decref(numbers);
    return number;
}

bool rpc_result_messages(const uint8_t *p, size_t n, int64_t *total, bool *whole,
                         bool (*each)(void *arg, const struct tl_view *message), void *arg)
{
    struct tl_view result, message;
    struct tl_vec vec;
    int count, field;

    *total = -1;
    *whole = false;
    if (tl_view_open(&result, p, n) != TL_OK || (field = tl_view_field(&result, "messages")) < 0)
        return false;
    count = tl_view_field(&result, "count");
    vec = tl_get_vector(&result, (unsigned)field);
    *whole = result.def->id == TL_messages_messages;
    *total = count >= 0 ? tl_get_int(&result, (unsigned)count) : (int64_t)vec.left;
    while (tl_vec_object(&vec, &message))
        if (!each(arg, &message))
            break;
    return true;
}
