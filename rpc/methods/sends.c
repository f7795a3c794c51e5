/* getSend: how a send of the outbox stands. */
#include "rpc/handler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int to_json(void *arg, const struct mt_outbox_row *row)
{
    json_t **out = arg;
    char id[24];

    snprintf(id, sizeof id, "%lld", (long long)row->id);
    *out = json_pack("{s:s, s:s, s:I, s:I}", "send_id", id, "state", state_name(row->state), "chat_id",
                     (json_int_t)row->chat, "created", (json_int_t)row->created);
    if (*out && row->dedup.n)
        json_object_set_new(*out, "dedup_key", json_stringn((const char *)row->dedup.p, row->dedup.n));
    return 1;
}

static void answer(struct rpc_req *req, json_t *send)
{
    if (send)
        rpc_answer(req, send);
    else
        rpc_fail(req, RPC_E_SEND_UNKNOWN, "no such send, or it ended more than 30 days ago");
}

static void by_key(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    const struct store_ops *store = rpc_account_of(req)->store;
    const char *key = rpc_arg_str(req, "dedup_key");
    json_t *send = NULL;

    if (store->send_by_dedup)
        (void)store->send_by_dedup(store->ctx, peer->chat, key, strlen(key), to_json, &send);
    answer(req, send);
}

void rpc_m_getSend(struct rpc_req *req, struct mt_now now)
{
    const char *id = rpc_arg_str(req, "send_id"), *key = rpc_arg_str(req, "dedup_key");
    const struct rpc_host *host = rpc_host_of(req);
    json_t *send = NULL;

    if (id && host->send_get) {
        (void)host->send_get(host->ctx, rpc_account_of(req)->id, strtoll(id, NULL, 10), to_json, &send);
        answer(req, send);
    } else if (key && rpc_arg(req, "chat_id")) {
        rpc_peer(req, now, rpc_arg(req, "chat_id"), by_key);
    } else {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: expected send_id, or chat_id and dedup_key");
    }
}
