/* getMessages, editMessage, deleteMessages, markRead: one or two calls each, by the sort of chat. */
#include "rpc/methods/results.h"
#include "rpc/methods/text.h"

#include <stdio.h>
#include <string.h>

#include "rpc/views/parts.h"

#define PAGE 100

static bool is_channel(const struct mt_peer *chat)
{
    return chat->kind == MT_PEER_CHANNEL;
}

/* --- getMessages: positions are kept, what is not there is {id, missing: true} --- */

struct fetch {
    struct mt_peer chat;
    json_t *ids;   /* of the request; borrowed */
    json_t *items; /* answers so far, in order */
    size_t asked;
    struct rpc_view ctx;
};

static void forget_fetch(void *state)
{
    struct fetch *f = state;
    json_decref(f->items);
}

static void got_messages(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply);

static void fetch_more(struct rpc_req *req, struct mt_now now, struct fetch *f)
{
    json_t *ids = json_array(), *params;

    for (size_t i = f->asked; ids && i < json_array_size(f->ids) && i < f->asked + PAGE; i++)
        (void)json_array_append_new(
            ids, json_pack("{s:s, s:O}", "_", "inputMessageID", "id", json_array_get(f->ids, i)));
    params = json_pack("{s:o}", "id", ids);
    if (params && is_channel(&f->chat))
        json_object_set_new(params, "channel", rpc_peer_json(&f->chat));
    rpc_call(req, now, is_channel(&f->chat) ? "channels.getMessages" : "messages.getMessages", params,
             got_messages);
}

struct one {
    struct fetch *f;
    json_t *found; /* id -> view */
};

static bool keep(void *arg, const struct tl_view *message)
{
    struct one *o = arg;
    struct rpc_message_head h;
    char id[16];

    if (!rpc_message_head(&o->f->ctx, message, &h) || h.chat != o->f->chat.chat)
        return true;
    snprintf(id, sizeof id, "%d", (int)h.id);
    json_object_set_new(o->found, id, rpc_view_message(&o->f->ctx, message));
    return true;
}

static void got_messages(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct fetch *f = rpc_state(req);
    struct one o = {.f = f, .found = json_object()};
    size_t n = json_array_size(f->ids), end = f->asked + PAGE < n ? f->asked + PAGE : n;
    int64_t total;
    bool whole;

    f->ctx = rpc_view_of(req, now);
    if (!o.found || !rpc_result_messages(reply->p, reply->n, &total, &whole, keep, &o)) {
        json_decref(o.found);
        rpc_fail(req, RPC_E_INTERNAL, "unexpected answer to getMessages");
        return;
    }
    for (; f->asked < end; f->asked++) {
        json_t *id = json_array_get(f->ids, f->asked), *view;
        char key[16];

        snprintf(key, sizeof key, "%d", (int)json_integer_value(id));
        view = json_object_get(o.found, key);
        (void)json_array_append_new(f->items, view ? json_incref(view)
                                                   : json_pack("{s:O, s:b}", "id", id, "missing", 1));
    }
    json_decref(o.found);
    if (f->asked < n)
        fetch_more(req, now, f);
    else
        rpc_answer(req, json_pack("{s:O}", "items", f->items));
}

static void fetch_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct fetch *f = rpc_state(req);

    f->chat = *peer;
    if (json_array_size(f->ids))
        fetch_more(req, now, f);
    else
        rpc_answer(req, json_pack("{s:[]}", "items"));
}

void rpc_m_getMessages(struct rpc_req *req, struct mt_now now)
{
    struct fetch *f = rpc_alloc(req, sizeof *f);

    if (!f || !(f->items = json_array())) {
        rpc_fail_nomem(req);
        return;
    }
    f->ids = rpc_arg(req, "message_ids");
    rpc_set_state(req, f);
    if (!rpc_on_end(req, forget_fetch, f)) {
        rpc_fail_nomem(req);
        return;
    }
    rpc_peer(req, now, rpc_arg(req, "chat_id"), fetch_found);
}

/* --- editMessage --- */

struct edit {
    struct mt_text text;
    mt_chat_id chat;
};

static void forget_edit(void *state)
{
    mt_text_fini(&((struct edit *)state)->text);
}

static void edited(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct edit *e = rpc_state(req);
    struct rpc_view ctx = rpc_view_of(req, now);
    json_t *message = rpc_result_message(&ctx, reply->p, reply->n, e->chat, NULL);

    if (message)
        rpc_answer(req, message);
    else
        rpc_fail(req, RPC_E_INTERNAL, "the server accepted the edit but did not show the message");
}

static void edit_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct edit *e = rpc_state(req);
    int32_t units = mt_utf16_length(e->text.text, e->text.n);
    json_t *entities = rpc_text_entities(&e->text, 0, units);
    json_t *params = json_pack("{s:o, s:I, s:o}", "peer", rpc_peer_json(peer), "id",
                               (json_int_t)rpc_arg_int(req, "message_id"), "message",
                               json_stringn(e->text.text, e->text.n));

    e->chat = peer->chat;
    if (params && entities)
        json_object_set(params, "entities", entities);
    json_decref(entities);
    if (params && !rpc_arg_bool(req, "link_preview"))
        json_object_set_new(params, "no_webpage", json_true());
    rpc_call(req, now, "messages.editMessage", params, edited);
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

static void deleted(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct tl_view affected;
    int32_t count = 0;

    if (tl_view_open(&affected, reply->p, reply->n) == TL_OK &&
        affected.def->id == TL_messages_affectedMessages)
        count = tl_get_int(&affected, TLF_messages_affectedMessages__pts_count);
    rpc_answer(req, json_pack("{s:i}", "deleted", (int)count));
}

static void delete_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    json_t *params = json_pack("{s:O}", "id", rpc_arg(req, "message_ids"));

    if (params && is_channel(peer))
        json_object_set_new(params, "channel", rpc_peer_json(peer));
    else if (params && rpc_arg_bool(req, "for_all"))
        json_object_set_new(params, "revoke", json_true());
    rpc_call(req, now, is_channel(peer) ? "channels.deleteMessages" : "messages.deleteMessages", params,
             deleted);
}

void rpc_m_deleteMessages(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), delete_found);
}

/* --- markRead --- */

static void was_read(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    rpc_answer_ok(req);
}

static void read_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    int64_t up_to = rpc_arg_int(req, "message_id"), thread = rpc_arg_int(req, "thread_id");
    const char *function = is_channel(peer) ? "channels.readHistory" : "messages.readHistory";
    json_t *params =
        json_pack("{s:I}", thread ? "read_max_id" : "max_id", (json_int_t)(up_to ? up_to : INT32_MAX));

    if (params && thread) {
        function = "messages.readDiscussion";
        json_object_set_new(params, "msg_id", json_integer(thread));
    }
    if (params)
        json_object_set_new(params, is_channel(peer) && !thread ? "channel" : "peer", rpc_peer_json(peer));
    rpc_call(req, now, function, params, was_read);
}

void rpc_m_markRead(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), read_found);
}
