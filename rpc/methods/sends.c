/* getSend: how a send of the outbox stands. */
#include "rpc/handler.h"
#include "rpc/views/views.h"

#include <stdlib.h>
#include <string.h>

struct found {
    struct rpc_view ctx;
    json_t *send;
};

static int to_json(void *arg, const struct mt_outbox_row *row)
{
    struct found *f = arg;

    f->send = rpc_view_send(&f->ctx, row);
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
    struct found f = {.ctx = rpc_view_of(req, now)};

    if (store->send_by_dedup)
        (void)store->send_by_dedup(store->ctx, peer->chat, key, strlen(key), to_json, &f);
    answer(req, f.send);
}

void rpc_m_getSend(struct rpc_req *req, struct mt_now now)
{
    const char *id = rpc_arg_str(req, "send_id"), *key = rpc_arg_str(req, "dedup_key");
    const struct rpc_host *host = rpc_host_of(req);
    struct found f = {.ctx = rpc_view_of(req, now)};

    if (id && host->send_get) {
        (void)host->send_get(host->ctx, rpc_account_of(req)->id, strtoll(id, NULL, 10), to_json, &f);
        answer(req, f.send);
    } else if (key && rpc_arg(req, "chat_id")) {
        rpc_peer(req, now, rpc_arg(req, "chat_id"), by_key);
    } else {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: expected send_id, or chat_id and dedup_key");
    }
}
