#include "rpc/methods/write.h"

#include <stdio.h>
#include <string.h>

#include "core/crypto/crypto.h"
#include "rpc/methods/results.h"
#include "rpc/views/parts.h"

#define SCHEDULE_ONLINE 0x7ffffffe /* https://core.telegram.org/api/scheduled-messages */

const char *rpc_part_key(const struct rpc_req *req, unsigned part, char out[RPC_PART_KEY])
{
    const char *key = rpc_arg_str(req, "dedup_key");
    char index[16];
    const struct mt_part parts[] = {{key, key ? strlen(key) : 0},
                                    {index, (size_t)snprintf(index, sizeof index, "/%u", part)}};
    uint8_t hash[32];

    if (!key || !part)
        return key;
    mt_sha256(hash, parts, 2);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    return out;
}

bool rpc_schedule_arg(struct rpc_req *req, json_t **out)
{
    const json_t *arg = rpc_arg(req, "schedule");
    const char *word = json_string_value(arg);

    *out = NULL;
    if (!arg)
        return true;
    if (word && strcmp(word, "online") != 0) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.schedule: expected a Unix time or \"online\"");
        return false;
    }
    *out = json_integer(word ? SCHEDULE_ONLINE : json_integer_value(arg));
    return true;
}

json_t *rpc_queued_json(const struct mt_reply *reply, mt_chat_id chat)
{
    char id[24];

    snprintf(id, sizeof id, "%lld", (long long)reply->send_id);
    return json_pack("{s:s, s:s, s:I}", "send_id", id, "state", "queued", "chat_id", (json_int_t)chat);
}

bool rpc_was_queued(struct rpc_req *req, const struct mt_reply *reply, mt_chat_id chat)
{
    if (reply->kind != MT_REPLY_OK)
        return false;
    rpc_after_sync(req);
    rpc_answer(req, rpc_queued_json(reply, chat));
    return true;
}

/* --- messages by number --- */

void rpc_fetch(struct rpc_req *req, struct mt_now now, const struct mt_peer *chat, json_t *numbers,
               void (*then)(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply))
{
    bool channel = chat->kind == MT_PEER_CHANNEL;
    json_t *ids = json_array(), *params;

    for (size_t i = 0; ids && i < json_array_size(numbers); i++)
        (void)json_array_append_new(
            ids, json_pack("{s:s, s:O}", "_", "inputMessageID", "id", json_array_get(numbers, i)));
    params = json_pack("{s:o}", "id", ids);
    if (params && channel)
        json_object_set_new(params, "channel", rpc_peer_json(chat));
    json_decref(numbers);
    rpc_call(req, now, channel ? "channels.getMessages" : "messages.getMessages", params, then);
}

struct look {
    const struct rpc_view *ctx;
    mt_chat_id chat;
    json_int_t number;
    json_t *message;
};

static bool keep(void *arg, const struct tl_view *message)
{
    struct look *l = arg;
    struct rpc_message_head h;

    if (rpc_message_head(l->ctx, message, &h) && h.chat == l->chat && h.id == l->number)
        l->message = rpc_view_message(l->ctx, message);
    return !l->message;
}

json_t *rpc_fetched(const struct rpc_view *ctx, const struct mt_reply *reply, mt_chat_id chat,
                    const json_t *numbers)
{
    json_t *items = json_array();

    for (size_t i = 0; items && i < json_array_size(numbers); i++) {
        struct look l = {.ctx = ctx, .chat = chat, .number = json_integer_value(json_array_get(numbers, i))};
        int64_t total;
        bool whole;

        (void)rpc_result_messages(reply->p, reply->n, &total, &whole, keep, &l);
        if (!l.message) /* deleted since */
            l.message =
                json_pack("{s:I, s:I, s:b}", "id", l.number, "chat_id", (json_int_t)chat, "missing", 1);
        (void)json_array_append_new(items, l.message);
    }
    return items;
}
