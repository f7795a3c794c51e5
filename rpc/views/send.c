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
    default:
        return "unknown";
    }
}

/* The stored answer is an Updates object in JSON: back to bytes, and from there to a message. */
static json_t *message_of(const struct rpc_view *ctx, const struct mt_outbox_row *row, const json_t *result)
{
    uint16_t type = (uint16_t)tl_type_by_name("Updates", strlen("Updates"));
    struct tl_json_error error;
    struct tl_out out = {0};
    json_t *request = json_loadb((const char *)row->params.p, row->params.n, 0, NULL), *message = NULL;

    if (tl_object_from_json(type, result, "result", NULL, &out, &error) == TL_OK)
        message = rpc_result_message(ctx, out.data, out.len, row->chat, request);
    tl_out_free(&out);
    json_decref(request);
    return message;
}

/* What the server said against it, in the form of an error answer. */
static json_t *error_of(const struct rpc_view *ctx, const json_t *result)
{
    json_int_t code = json_integer_value(json_object_get(result, "code"));
    const char *text = json_string_value(json_object_get(result, "text"));

    if (!text)
        return NULL;
    return json_pack("{s:I, s:s, s:{s:s, s:s, s:s}}", "code", RPC_E_TELEGRAM + code, "message", text, "data",
                     "name", text, "account", ctx->account->name, "method", "sendMessage");
}

json_t *rpc_view_send(const struct rpc_view *ctx, const struct mt_outbox_row *row)
{
    json_t *result = row->result.n ? json_loadb((const char *)row->result.p, row->result.n, 0, NULL) : NULL;
    char id[24];
    json_t *o;

    snprintf(id, sizeof id, "%lld", (long long)row->id);
    o = json_pack("{s:s, s:s, s:I, s:I}", "send_id", id, "state", state_name(row->state), "chat_id",
                  (json_int_t)row->chat, "created", (json_int_t)row->created);
    if (o)
        rpc_put_text(o, "dedup_key", row->dedup);
    if (o && result && row->state == MT_SEND_SENT)
        rpc_put(o, "message", message_of(ctx, row, result));
    else if (o && result)
        rpc_put(o, "error", error_of(ctx, result));
    json_decref(result);
    return o;
}
