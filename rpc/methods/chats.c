/* getMe, getChat, resolvePeer, getDialogs. */
#include "rpc/methods/results.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rpc/profile.h"
#include "rpc/views/parts.h"

/* --- getMe --- */

static void got_me(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct rpc_view ctx = rpc_view_of(req, now);
    struct tl_view user;
    struct tl_vec vec;
    json_t *view = NULL;

    if (tl_vec_open(&vec, reply->p, reply->n) == TL_OK && tl_vec_object(&vec, &user))
        view = rpc_view_user(&ctx, &user);
    if (view)
        rpc_answer(req, view);
    else
        rpc_fail(req, RPC_E_INTERNAL, "unexpected answer to users.getUsers");
}

void rpc_m_getMe(struct rpc_req *req, struct mt_now now)
{
    rpc_call(req, now, "users.getUsers", json_pack("{s:[{s:s}]}", "id", "_", "inputUserSelf"), got_me);
}

/* --- resolvePeer --- */

static void resolved(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct rpc_view ctx = rpc_view_of(req, now);
    rpc_answer(req, rpc_view_stored_chat(&ctx, peer));
}

void rpc_m_resolvePeer(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), resolved);
}

/* --- getChat --- */

static void got_chat(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct rpc_view ctx = rpc_view_of(req, now);
    struct tl_view result, chat;
    struct tl_vec vec = {0};
    json_t *view = NULL;
    int field;

    if (tl_vec_open(&vec, reply->p, reply->n) != TL_OK) { /* users.getUsers answers a bare vector */
        if (tl_view_open(&result, reply->p, reply->n) == TL_OK &&
            (field = tl_view_field(&result, "chats")) >= 0)
            vec = tl_get_vector(&result, (unsigned)field);
    }
    if (tl_vec_object(&vec, &chat))
        view = rpc_view_chat(&ctx, &chat);
    if (view)
        rpc_answer(req, view);
    else
        rpc_fail(req, RPC_E_PEER_UNKNOWN, "the server does not show that chat");
}

static void chat_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    enum mt_peer_kind kind;
    int64_t id = 0;

    switch (peer->kind) {
    case MT_PEER_USER:
        rpc_call(req, now, "users.getUsers", json_pack("{s:[o]}", "id", rpc_peer_json(peer)), got_chat);
        return;
    case MT_PEER_CHANNEL:
        rpc_call(req, now, "channels.getChannels", json_pack("{s:[o]}", "id", rpc_peer_json(peer)), got_chat);
        return;
    case MT_PEER_GROUP:
        (void)mt_chat_split(peer->chat, &kind, &id);
        rpc_call(req, now, "messages.getChats", json_pack("{s:[I]}", "id", (json_int_t)id), got_chat);
        return;
    }
}

void rpc_m_getChat(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), chat_found);
}

/* --- getDialogs --- */

#define PAGE 100

struct dialogs {
    json_t *items;
    int64_t limit;
    int32_t offset_date, offset_id;
    mt_chat_id offset_chat;
    int64_t total;
    size_t passed; /* on the pages so far, and no item */
    size_t page;   /* what is left of the newest */
    bool end;
};

static void forget(void *state)
{
    json_decref(((struct dialogs *)state)->items);
}

/* The newest message of a chat among those that came with the page. */
static bool top_message(const struct rpc_view *ctx, struct tl_vec messages, mt_chat_id chat, int32_t id,
                        struct tl_view *out, struct rpc_message_head *h)
{
    while (tl_vec_object(&messages, out))
        if (rpc_message_head(ctx, out, h) && h->chat == chat && h->id == id)
            return true;
    return false;
}

static json_t *dialog_json(const struct rpc_view *ctx, const struct tl_view *d, const struct tl_view *message,
                           mt_chat_id chat)
{
    struct mt_peer peer;
    struct tl_view settings;
    json_t *o;

    rpc_view_find(ctx, chat, &peer);
    o = json_pack("{s:I, s:s}", "chat_id", (json_int_t)chat, "chat_type", rpc_chat_type(&peer));
    if (!o)
        return NULL;
    rpc_put(o, "chat_title", rpc_text((struct tl_slice){(const uint8_t *)peer.name, strlen(peer.name)}));
    rpc_put_str(o, "chat_username", peer.username);
    rpc_put(o, "unread", json_integer(tl_get_int(d, TLF_dialog__unread_count)));
    rpc_put_int(o, "mentions", tl_get_int(d, TLF_dialog__unread_mentions_count));
    rpc_put_true(o, "marked_unread", tl_has(d, TLF_dialog__unread_mark));
    rpc_put_int(o, "read_in_id", tl_get_int(d, TLF_dialog__read_inbox_max_id));
    rpc_put_int(o, "read_out_id", tl_get_int(d, TLF_dialog__read_outbox_max_id));
    rpc_put_true(o, "pinned", tl_has(d, TLF_dialog__pinned));
    rpc_put_true(o, "archived", tl_get_int(d, TLF_dialog__folder_id) == 1);
    if (tl_get_object(d, TLF_dialog__notify_settings, &settings))
        rpc_put_int(o, "muted_until", tl_get_int(&settings, TLF_peerNotifySettings__mute_until));
    if (message)
        rpc_put(o, "message", rpc_view_message(ctx, message));
    if (ctx->raw)
        rpc_put(o, "raw", rpc_view_raw(d));
    return o;
}

/*
 * What the profile does not show is passed over here, and not cut out of the answer: `limit` is filled with
 * what it shows, and `next` names something that it does.
 */
static void use_page(struct rpc_req *req, struct dialogs *s, const struct rpc_view *ctx,
                     const struct tl_view *page)
{
    int field = tl_view_field(page, "dialogs"), m = tl_view_field(page, "messages");
    struct tl_vec vec = tl_get_vector(page, (unsigned)field);
    struct tl_view d;

    s->page = vec.left;
    while ((int64_t)json_array_size(s->items) < s->limit && tl_vec_object(&vec, &d)) {
        struct tl_view message;
        struct rpc_message_head h;
        mt_chat_id chat;
        bool has;

        s->page--;
        if (d.def->id != TL_dialog)
            continue;
        chat = rpc_peer_field(&d, TLF_dialog__peer);
        has = top_message(ctx, tl_get_vector(page, (unsigned)m), chat,
                          tl_get_int(&d, TLF_dialog__top_message), &message, &h);
        if (rpc_profile_sees_chat(req->profile, rpc_account_of(req), chat))
            (void)json_array_append_new(s->items, dialog_json(ctx, &d, has ? &message : NULL, chat));
        else
            s->passed++;
        s->offset_chat = chat;
        s->offset_id = tl_get_int(&d, TLF_dialog__top_message);
        if (has)
            s->offset_date = h.date;
    }
}

static void got_dialogs(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply);

/* Where to go on: also in a chat that the profile does not show, so it is no number for rpc_call to look up.
 */
static json_t *offset_peer(struct rpc_req *req, struct mt_now now, mt_chat_id chat)
{
    struct rpc_view ctx = rpc_view_of(req, now);
    struct tl_out out = {0};
    struct tl_view v;
    struct mt_peer peer;
    json_t *offset = NULL;

    if (!chat)
        return json_pack("{s:s}", "_", "inputPeerEmpty");
    rpc_view_find(&ctx, chat, &peer);
    if (mt_peer_put_input(&out, &peer, "InputPeer") == MT_OK && tl_view_open(&v, out.data, out.len) == TL_OK)
        offset = rpc_view_raw(&v);
    tl_out_free(&out);
    return offset ? offset : json_integer(chat);
}

static void ask(struct rpc_req *req, struct mt_now now, struct dialogs *s)
{
    int64_t left = rpc_sees_all_chats(req->profile) ? s->limit - (int64_t)json_array_size(s->items) : PAGE;

    rpc_call(req, now, "messages.getDialogs",
             json_pack("{s:i, s:i, s:i, s:o, s:I, s:i}", "folder_id", rpc_arg_bool(req, "archived") ? 1 : 0,
                       "offset_date", (int)s->offset_date, "offset_id", (int)s->offset_id, "offset_peer",
                       offset_peer(req, now, s->offset_chat), "limit",
                       (json_int_t)(left < PAGE ? left : PAGE), "hash", 0),
             got_dialogs);
}

static void finish(struct rpc_req *req, struct dialogs *s)
{
    json_t *answer = json_pack("{s:O}", "items", s->items);
    char next[64];

    if (answer && !s->end) {
        snprintf(next, sizeof next, "d1.%d.%d.%" PRId64, (int)s->offset_date, (int)s->offset_id,
                 s->offset_chat);
        json_object_set_new(answer, "next", json_string(next));
    }
    if (answer && s->total >= 0 && rpc_sees_all_chats(req->profile))
        json_object_set_new(answer, "total", json_integer(s->total));
    rpc_answer(req, answer);
}

static void got_dialogs(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct dialogs *s = rpc_state(req);
    struct rpc_view ctx = rpc_view_of(req, now);
    struct tl_view page;
    mt_chat_id before = s->offset_chat;
    size_t field, count;

    if (tl_view_open(&page, reply->p, reply->n) != TL_OK || tl_view_field(&page, "dialogs") < 0) {
        rpc_fail(req, RPC_E_INTERNAL, "unexpected answer to messages.getDialogs");
        return;
    }
    field = (size_t)tl_view_field(&page, "count");
    count = tl_get_vector(&page, (unsigned)tl_view_field(&page, "dialogs")).left;
    use_page(req, s, &ctx, &page);
    s->total = page.def->id == TL_messages_dialogsSlice ? tl_get_int(&page, (unsigned)field)
                                                        : (int64_t)(json_array_size(s->items) + s->page);
    s->end = !s->page && (page.def->id == TL_messages_dialogs || count == 0 || s->offset_chat == before ||
                          (int64_t)(json_array_size(s->items) + s->passed) >= s->total);
    rpc_progress(req, "reading", (int64_t)json_array_size(s->items), s->limit, 0);
    if (s->end || (int64_t)json_array_size(s->items) >= s->limit)
        finish(req, s);
    else
        ask(req, now, s);
}

void rpc_m_getDialogs(struct rpc_req *req, struct mt_now now)
{
    struct dialogs *s = rpc_alloc(req, sizeof *s);
    const char *next = rpc_arg_str(req, "next");

    if (!s || !(s->items = json_array())) {
        rpc_fail_nomem(req);
        return;
    }
    rpc_set_state(req, s);
    if (!rpc_on_end(req, forget, s)) {
        rpc_fail_nomem(req);
        return;
    }
    s->limit = rpc_arg_int(req, "limit");
    if (next && (sscanf(next, "d1.%" SCNd32 ".%" SCNd32 ".%" SCNd64, &s->offset_date, &s->offset_id,
                        &s->offset_chat) != 3 ||
                 !rpc_profile_sees_chat(req->profile, rpc_account_of(req), s->offset_chat))) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.next: not from an earlier answer");
        return;
    }
    ask(req, now, s);
}
