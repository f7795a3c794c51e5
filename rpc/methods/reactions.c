/* getReactions: who reacted to a message. */
#include "rpc/handler.h"
#include "rpc/views/parts.h"

static json_t *reactor(const struct rpc_view *ctx, const struct tl_view *v)
{
    struct tl_view reaction;
    struct mt_peer peer;
    json_t *o;

    rpc_view_find(ctx, rpc_peer_field(v, TLF_messagePeerReaction__peer_id), &peer);
    o = json_pack("{s:I, s:i}", "sender_id", (json_int_t)peer.chat, "date",
                  (int)tl_get_int(v, TLF_messagePeerReaction__date));
    if (!o)
        return NULL;
    rpc_put_str(o, "sender_name", peer.name);
    rpc_put_str(o, "sender_username", peer.username);
    if (tl_get_object(v, TLF_messagePeerReaction__reaction, &reaction))
        rpc_put(o, "reaction", rpc_view_reaction(&reaction));
    rpc_put_true(o, "mine", tl_has(v, TLF_messagePeerReaction__my));
    return o;
}

static void got(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct rpc_view ctx = rpc_view_of(req, now);
    json_t *items = json_array(), *out;
    struct tl_view list, v;
    struct tl_vec all;

    if (tl_view_open(&list, reply->p, reply->n) != TL_OK ||
        list.def->id != TL_messages_messageReactionsList) {
        json_decref(items);
        rpc_fail(req, RPC_E_INTERNAL, "unexpected answer to messages.getMessageReactionsList");
        return;
    }
    all = tl_get_vector(&list, TLF_messages_messageReactionsList__reactions);
    while (tl_vec_object(&all, &v))
        (void)json_array_append_new(items, reactor(&ctx, &v));
    out = json_pack("{s:o, s:i}", "items", items, "total",
                    (int)tl_get_int(&list, TLF_messages_messageReactionsList__count));
    if (out)
        rpc_put_text(out, "next", tl_get_bytes(&list, TLF_messages_messageReactionsList__next_offset));
    rpc_answer(req, out);
}

static void found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    json_t *params =
        json_pack("{s:o, s:I, s:I}", "peer", rpc_peer_json(peer), "id",
                  (json_int_t)rpc_arg_int(req, "message_id"), "limit", (json_int_t)rpc_arg_int(req, "limit"));

    if (params && rpc_arg(req, "next"))
        json_object_set(params, "offset", rpc_arg(req, "next"));
    rpc_call(req, now, "messages.getMessageReactionsList", params, got);
}

void rpc_m_getReactions(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), found);
}
