/*
 * forwardMessages, copyMessages: one messages.forwardMessages through the outbox. A copy is a forward that
 * does not name where it comes from, made by the server: nothing is uploaded, and file references play no
 * part.
 */
#include "rpc/methods/results.h"
#include "rpc/methods/write.h"

#include <string.h>

#define FORWARD_MAX                                                                                          \
    100 /* messages in one call: https://core.telegram.org/method/messages.forwardMessages                   \
         */

struct forward {
    struct mt_peer from, to;
    bool copy;
    json_t *numbers; /* of messages that are fetched */
};

static void forget(void *state)
{
    json_decref(((struct forward *)state)->numbers);
}

static void fetched(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    const struct forward *f = rpc_state(req);
    struct rpc_view ctx = rpc_view_of(req, now);

    rpc_answer(req, json_pack("{s:o}", "items", rpc_fetched(&ctx, reply, f->to.chat, f->numbers)));
}

static void forwarded(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct forward *f = rpc_state(req);
    struct rpc_view ctx = rpc_view_of(req, now);
    json_t *items;

    if (rpc_was_queued(req, reply, f->to.chat))
        return;
    items = rpc_result_new_messages(&ctx, reply->p, reply->n);
    f->numbers = json_array_size(items) ? NULL : rpc_result_numbers(reply->p, reply->n);
    if (json_array_size(f->numbers)) { /* of a send that a dead process had begun no more may be known */
        json_decref(items);
        rpc_fetch(req, now, &f->to, json_incref(f->numbers), fetched);
        return;
    }
    rpc_answer(req, json_pack("{s:o}", "items", items));
}

static bool add_schedule(struct rpc_req *req, json_t *params)
{
    json_t *when = NULL;

    if (!rpc_schedule_arg(req, &when))
        return false;
    if (when)
        json_object_set_new(params, "schedule_date", when);
    return true;
}

static void to_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct forward *f = rpc_state(req);
    json_t *params;

    f->to = *peer;
    params = json_pack("{s:o, s:o, s:O}", "from_peer", rpc_peer_json(&f->from), "to_peer",
                       rpc_peer_json(peer), "id", rpc_arg(req, "message_ids"));
    if (!params) {
        rpc_fail_nomem(req);
        return;
    }
    if (rpc_arg_bool(req, "silent"))
        json_object_set_new(params, "silent", json_true());
    if (rpc_arg_bool(req, "protect"))
        json_object_set_new(params, "noforwards", json_true());
    if (rpc_arg_int(req, "thread_id"))
        json_object_set(params, "top_msg_id", rpc_arg(req, "thread_id"));
    if (f->copy)
        json_object_set_new(params, "drop_author", json_true());
    if (f->copy && rpc_arg_bool(req, "remove_text"))
        json_object_set_new(params, "drop_media_captions", json_true());
    if (!add_schedule(req, params)) {
        json_decref(params);
        return;
    }
    rpc_send(req, now, "messages.forwardMessages", params, peer->chat, rpc_arg_str(req, "dedup_key"),
             forwarded);
}

static void find_to(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), to_found);
}

static void from_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct forward *f = rpc_state(req);

    f->from = *peer;
    rpc_own_numbers(req, now, peer, rpc_arg(req, "message_ids"), find_to);
}

static void forward(struct rpc_req *req, struct mt_now now, bool copy)
{
    struct forward *f = rpc_alloc(req, sizeof *f);
    size_t n = json_array_size(rpc_arg(req, "message_ids"));

    rpc_set_state(req, f);
    if (!f || !rpc_on_end(req, forget, f)) {
        rpc_fail_nomem(req);
        return;
    }
    f->copy = copy;
    if (!n)
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.message_ids: is empty");
    else if (n > FORWARD_MAX)
        rpc_fail(req, RPC_E_TOO_LARGE, "params.message_ids: more than %d", FORWARD_MAX);
    else
        rpc_peer(req, now, rpc_arg(req, "from_chat_id"), from_found);
}

void rpc_m_forwardMessages(struct rpc_req *req, struct mt_now now)
{
    forward(req, now, false);
}

void rpc_m_copyMessages(struct rpc_req *req, struct mt_now now)
{
    forward(req, now, true);
}
