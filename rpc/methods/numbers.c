/* Whether message numbers are of the chat that a request may see. */
#include "rpc/methods/results.h"
#include "rpc/profile.h"
#include "rpc/views/parts.h"

#define PAGE 100 /* messages in one call */

struct numbers {
    void *state; /* of the request, given back in the end */
    rpc_numbers_fn *then;
    struct rpc_view ctx;
    mt_chat_id chat;
    const json_t *ids; /* of the request */
    size_t asked;
    bool others;
};

static void ask(struct rpc_req *req, struct mt_now now, struct numbers *n);

static bool check(void *arg, const struct tl_view *message)
{
    struct numbers *n = arg;
    struct rpc_message_head h;

    n->others = n->others || (rpc_message_head(&n->ctx, message, &h) && h.chat != n->chat);
    return !n->others;
}

static void got(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct numbers *n = rpc_state(req);
    int64_t total;
    bool whole;

    n->ctx = rpc_view_of(req, now);
    if (!rpc_result_messages(reply->p, reply->n, &total, &whole, check, n)) {
        rpc_fail(req, RPC_E_INTERNAL, "unexpected answer to messages.getMessages");
    } else if (n->others) {
        rpc_fail(req, RPC_E_DENIED, "params.message_ids: one is of another chat");
    } else if (n->asked < json_array_size(n->ids)) {
        ask(req, now, n);
    } else {
        rpc_set_state(req, n->state);
        n->then(req, now);
    }
}

static void ask(struct rpc_req *req, struct mt_now now, struct numbers *n)
{
    json_t *ids = json_array();

    for (size_t end = n->asked + PAGE; n->asked < end && n->asked < json_array_size(n->ids); n->asked++)
        (void)json_array_append_new(
            ids, json_pack("{s:s, s:O}", "_", "inputMessageID", "id", json_array_get(n->ids, n->asked)));
    rpc_call(req, now, "messages.getMessages", json_pack("{s:o}", "id", ids), got);
}

void rpc_own_numbers(struct rpc_req *req, struct mt_now now, const struct mt_peer *chat, const json_t *ids,
                     rpc_numbers_fn *then)
{
    struct numbers *n;

    if (chat->kind == MT_PEER_CHANNEL || rpc_sees_all_chats(req->profile)) {
        then(req, now);
        return;
    }
    n = rpc_alloc(req, sizeof *n);
    if (!n) {
        rpc_fail_nomem(req);
        return;
    }
    *n = (struct numbers){.state = rpc_state(req), .then = then, .chat = chat->chat, .ids = ids};
    rpc_set_state(req, n);
    ask(req, now, n);
}
