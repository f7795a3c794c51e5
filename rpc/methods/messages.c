/* getMessages: positions are kept, what is not there is {id, missing: true}. */
#include "rpc/methods/results.h"

#include <stdio.h>
#include <string.h>

#include "rpc/views/parts.h"

#define PAGE 100

static bool is_channel(const struct mt_peer *chat)
{
    return chat->kind == MT_PEER_CHANNEL;
}

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
    rpc_progress(req, "reading", (int64_t)f->asked, (int64_t)n, 0);
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
