/* The outbox as people see it: a Send. */
#include "rpc/views/parts.h"

#include <stdio.h>
#include <string.h>

#include "rpc/methods/results.h"

static const char *state_name(int state)
{
    switch (state) {
    case MT_SEND_WAITING:
        return "queued";
    case MT_SEND_RUNNING:
        return "sending";
    case MT_SEND_SENT:
        return "sent";
    case MT_SEND_FAILED:
        return "failed";
    case MT_SEND_EXPIRED:
        return "expired";
    case MT_SEND_CANCELLED:
        return "cancelled";
    default:
        return "unknown";
    }
}

/* The method of the socket that makes such a call; of a raw call its own name. */
static const char *method_name(const char *function, const json_t *params)
{
    static const struct {
        const char *function, *method, *flag; /* flag: a field that tells it from the next */
    } rows[] = {
        {"messages.sendMessage", "sendMessage", NULL},
        {"messages.editMessage", "editMessage", NULL},
        {"messages.deleteMessages", "deleteMessages", NULL},
        {"channels.deleteMessages", "deleteMessages", NULL},
        {"messages.readHistory", "markRead", NULL},
        {"channels.readHistory", "markRead", NULL},
        {"messages.readDiscussion", "markRead", NULL},
        {"messages.updatePinnedMessage", "unpinMessage", "unpin"},
        {"messages.unpinAllMessages", "unpinMessage", NULL},
        {"messages.updatePinnedMessage", "pinMessage", NULL},
        {"messages.forwardMessages", "copyMessages", "drop_author"},
        {"messages.forwardMessages", "forwardMessages", NULL},
        {"messages.sendReaction", "setReaction", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].function, function) &&
            (!rows[i].flag || json_is_true(json_object_get(params, rows[i].flag))))
            return rows[i].method;
    return function;
}

/* Of one that was found again no more is known than its numbers, and what was sent. */
static void put_numbers(json_t *o, const struct mt_outbox_row *row, const uint8_t *p, size_t n,
                        const json_t *params)
{
    json_t *numbers = rpc_result_numbers(p, n), *list = json_array();
    const json_t *text = json_object_get(params, "message");

    for (size_t i = 0; list && i < json_array_size(numbers); i++) {
        json_t *m = json_pack("{s:O, s:I, s:b}", "id", json_array_get(numbers, i), "chat_id",
                              (json_int_t)row->chat, "out", 1);

        if (m && text)
            json_object_set(m, "text", (json_t *)(uintptr_t)text);
        (void)json_array_append_new(list, m);
    }
    if (json_array_size(list) == 1)
        json_object_set(o, "message", json_array_get(list, 0));
    else if (json_array_size(list))
        json_object_set(o, "messages", list);
    json_decref(list);
    json_decref(numbers);
}

/* The stored answer is the function's result in JSON: back to bytes, and from there to what it made. */
static void put_messages(json_t *o, const struct rpc_view *ctx, const struct mt_outbox_row *row,
                         const struct tl_def *def, const json_t *result, const json_t *params)
{
    struct tl_json_error error;
    struct tl_out out = {0};
    json_t *all;

    if (tl_field_from_json(&def->result, result, "result", NULL, &out, &error) == TL_OK &&
        strcmp(tl_type_name(def->type), "Updates") == 0) {
        all = rpc_result_new_messages(ctx, out.data, out.len);
        if (json_array_size(all) > 1)
            json_object_set(o, "messages", all);
        else
            rpc_put(o, "message", rpc_result_message(ctx, out.data, out.len, row->chat, params));
        if (!json_object_get(o, "message") && !json_object_get(o, "messages"))
            put_numbers(o, row, out.data, out.len, params);
        json_decref(all);
    }
    tl_out_free(&out);
}

/* What the server said against it, in the form of an error answer. */
static json_t *error_of(const struct rpc_view *ctx, const json_t *result, const char *method)
{
    json_int_t code = json_integer_value(json_object_get(result, "code"));
    const char *text = json_string_value(json_object_get(result, "text"));

    if (!text)
        return NULL;
    return json_pack("{s:I, s:s, s:{s:s, s:s, s:s}}", "code", RPC_E_TELEGRAM + code, "message", text, "data",
                     "name", text, "account", ctx->account->name, "method", method);
}

json_t *rpc_view_send(const struct rpc_view *ctx, const struct mt_outbox_row *row)
{
    json_t *result =
        row->result.n ? json_loadb((const char *)row->result.p, row->result.n, JSON_DECODE_ANY, NULL) : NULL;
    json_t *params = json_loadb((const char *)row->params.p, row->params.n, 0, NULL);
    const struct tl_def *def = tl_def_by_name((const char *)row->method.p, row->method.n, true);
    const char *method = def ? method_name(tl_def_name(def), params) : "";
    char id[24];
    json_t *o;

    snprintf(id, sizeof id, "%lld", (long long)row->id);
    o = json_pack("{s:s, s:s, s:s, s:I, s:I}", "send_id", id, "state", state_name(row->state), "method",
                  method, "chat_id", (json_int_t)row->chat, "created", (json_int_t)row->created);
    if (o)
        rpc_put_text(o, "dedup_key", row->dedup);
    if (o && row->flags & MT_SEND_QUEUED && row->expires)
        json_object_set_new(o, "expires", json_integer(row->expires));
    if (o && result && def && row->state == MT_SEND_SENT)
        put_messages(o, ctx, row, def, result, params);
    else if (o && json_is_string(json_object_get(result, "sent")))
        json_object_set(o, "sent", json_object_get(result, "sent"));
    else if (o && result)
        rpc_put(o, "error", error_of(ctx, result, method));
    json_decref(params);
    json_decref(result);
    return o;
}
