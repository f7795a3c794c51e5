/* watchChat. */
#include "rpc/impl.h"
#include "rpc/methods/results.h"
#include "rpc/views/parts.h"

static void list(struct rpc_req *req, struct mt_now now)
{
    struct rpc_view ctx = rpc_view_of(req, now);
    mt_chat_id chats[MT_WATCH_MAX];
    size_t n = mt_account_watched(req->account.core, chats, MT_WATCH_MAX);
    json_t *items = json_array();

    for (size_t i = 0; items && i < n && i < MT_WATCH_MAX; i++) {
        struct mt_peer peer;

        rpc_view_find(&ctx, chats[i], &peer);
        (void)json_array_append_new(items, rpc_view_stored_chat(&ctx, &peer));
    }
    rpc_answer(req, json_pack("{s:o}", "items", items));
}

static void found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    int err = mt_account_watch(req->account.core, now, peer->chat, rpc_arg_bool(req, "watch"));

    switch (err) {
    case MT_OK: /* its row is of this turn */
        if (req->hold < RPC_HOLD_COMMIT)
            req->hold = RPC_HOLD_COMMIT;
        req->wrote = true;
        list(req, now);
        break;
    case MT_E_ARG:
        rpc_fail_hint(req, RPC_E_INVALID_PARAMS,
                      "what happens in private chats and basic groups is always told",
                      "params.chat_id: only channels and supergroups are watched");
        break;
    case MT_E_NOT_FOUND:
        rpc_fail_hint(req, RPC_E_PEER_UNKNOWN, "name it by @username or link once",
                      "no access to it is known");
        break;
    case MT_E_TOO_LARGE:
        rpc_fail_hint(req, RPC_E_TOO_LARGE, "end one with watch=false", "%d chats are watched already",
                      MT_WATCH_MAX);
        break;
    default:
        rpc_fail_mt(req, err);
    }
}

void rpc_m_watchChat(struct rpc_req *req, struct mt_now now)
{
    if (rpc_arg(req, "chat_id"))
        rpc_peer(req, now, rpc_arg(req, "chat_id"), found);
    else
        list(req, now);
}
