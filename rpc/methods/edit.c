/*
 * editMessage, deleteMessages: through the outbox. They have no random_id, so a repetition must do no harm:
 * an edit that says what the message says already is done (MESSAGE_NOT_MODIFIED), what is gone stays gone.
 */
#include "rpc/methods/results.h"
#include "rpc/methods/text.h"
#include "rpc/methods/write.h"
#include "tl/ids.h"

#define PAGE 100 /* messages in one call */

static bool is_channel(const struct mt_peer *chat)
{
    return chat->kind == MT_PEER_CHANNEL;
}

/* --- editMessage --- */

struct edit {
    struct mt_text text;
    struct mt_peer chat;
};

static void forget_edit(void *state)
{
    mt_text_fini(&((struct edit *)state)->text);
}

static void fetched(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    const struct edit *e = rpc_state(req);
    struct rpc_view ctx = rpc_view_of(req, now);
    json_t *number = json_pack("[I]", (json_int_t)rpc_arg_int(req, "message_id"));
    json_t *items = rpc_fetched(&ctx, reply, e->chat.chat, number);

    json_decref(number);
    rpc_answer(req, json_incref(json_array_get(items, 0)));
    json_decref(items);
}

static void edited(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct edit *e = rpc_state(req);
    struct rpc_view ctx = rpc_view_of(req, now);
    json_t *message;

    if (rpc_was_queued(req, reply, e->chat.chat))
        return;
    message = reply->n ? rpc_result_message(&ctx, reply->p, reply->n, e->chat.chat, NULL) : NULL;
    if (message)
        rpc_answer(req, message);
    else /* it says so already, or an earlier call has done it */
        rpc_fetch(req, now, &e->chat, json_pack("[I]", (json_int_t)rpc_arg_int(req, "message_id")), fetched);
}

static void edit_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct edit *e = rpc_state(req);
    int32_t units = mt_utf16_length(e->text.text, e->text.n);
    json_t *entities = rpc_text_entities(&e->text, 0, units);
    json_t *params = json_pack("{s:o, s:I, s:o}", "peer", rpc_peer_json(peer), "id",
                               (json_int_t)rpc_arg_int(req, "message_id"), "message",
                               json_stringn(e->text.text, e->text.n));

    e->chat = *peer;
    if (params && entities)
        json_object_set(params, "entities", entities);
    json_decref(entities);
    if (params && !rpc_arg_bool(req, "link_preview"))
        json_object_set_new(params, "no_webpage", json_true());
    rpc_send(req, now, "messages.editMessage", params, peer->chat, rpc_arg_str(req, "dedup_key"), edited);
}

void rpc_m_editMessage(struct rpc_req *req, struct mt_now now)
{
    struct edit *e = rpc_alloc(req, sizeof *e);
    struct mt_text text;

    if (!e) {
        rpc_fail_nomem(req);
        return;
    }
    if (!rpc_text_arg(req, &text))
        return;
    e->text = text;
    rpc_set_state(req, e);
    if (!rpc_on_end(req, forget_edit, e)) {
        rpc_fail_nomem(req);
        return;
    }
    if (mt_utf16_length(e->text.text, e->text.n) > RPC_TEXT_UNITS)
        rpc_fail(req, RPC_E_TOO_LARGE, "params.text: more than %d UTF-16 units", RPC_TEXT_UNITS);
    else
        rpc_peer(req, now, rpc_arg(req, "chat_id"), edit_found);
}

/* --- deleteMessages --- */

struct delete
{
    struct mt_peer chat;
    size_t asked;
    unsigned part;
    int64_t deleted;
    json_t *queued;
};

static void forget_delete(void *state)
{
    json_decref(((struct delete *)state)->queued);
}

static void deleted(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply);

static void delete_more(struct rpc_req *req, struct mt_now now, struct delete *d)
{
    json_t *ids = json_array(), *params, *all = rpc_arg(req, "message_ids");
    size_t end = d->asked + PAGE;
    char key[RPC_PART_KEY];

    for (; d->asked < json_array_size(all) && d->asked < end; d->asked++)
        (void)json_array_append(ids, json_array_get(all, d->asked));
    params = json_pack("{s:o}", "id", ids);
    if (params && is_channel(&d->chat))
        json_object_set_new(params, "channel", rpc_peer_json(&d->chat));
    else if (params && rpc_arg_bool(req, "for_all"))
        json_object_set_new(params, "revoke", json_true());
    rpc_send(req, now, is_channel(&d->chat) ? "channels.deleteMessages" : "messages.deleteMessages", params,
             d->chat.chat, rpc_part_key(req, d->part++, key), deleted);
}

static void deleted(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct delete *d = rpc_state(req);
    size_t all = json_array_size(rpc_arg(req, "message_ids"));
    struct tl_view affected;

    if (reply->kind == MT_REPLY_OK && !d->queued)
        d->queued = rpc_queued_json(reply, d->chat.chat);
    if (reply->n && tl_view_open(&affected, reply->p, reply->n) == TL_OK &&
        affected.def->id == TL_messages_affectedMessages)
        d->deleted += tl_get_int(&affected, TLF_messages_affectedMessages__pts_count);
    rpc_has_sent(req);
    rpc_progress(req, "deleting", (int64_t)d->asked, (int64_t)all, 0);
    if (d->asked < all) {
        delete_more(req, now, d);
    } else if (d->queued) {
        rpc_after_sync(req);
        rpc_answer(req, json_incref(d->queued));
    } else {
        rpc_answer(req, json_pack("{s:I}", "deleted", (json_int_t)d->deleted));
    }
}

static void delete_first(struct rpc_req *req, struct mt_now now)
{
    delete_more(req, now, rpc_state(req));
}

static void delete_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct delete *d = rpc_state(req);

    d->chat = *peer;
    rpc_own_numbers(req, now, peer, rpc_arg(req, "message_ids"), delete_first);
}

void rpc_m_deleteMessages(struct rpc_req *req, struct mt_now now)
{
    struct delete *d = rpc_alloc(req, sizeof *d);
    size_t n = json_array_size(rpc_arg(req, "message_ids"));

    rpc_set_state(req, d);
    if (!d || !rpc_on_end(req, forget_delete, d))
        rpc_fail_nomem(req);
    else if (!n)
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.message_ids: is empty");
    else if (n > 1000)
        rpc_fail(req, RPC_E_TOO_LARGE, "params.message_ids: more than 1000");
    else
        rpc_peer(req, now, rpc_arg(req, "chat_id"), delete_found);
}
