/*
 * markRead, pinMessage, unpinMessage, setReaction: marks on messages, through the outbox. They have no
 * random_id; each sets a state, so a repetition does no harm, and "not modified" is its success.
 */
#include "rpc/methods/write.h"

#include <string.h>

#include "tl/ids.h"

#define REACTIONS_MAX 16
#define PARTS_MAX     100 /* calls that unpin one chat */

static void done(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    const mt_chat_id *chat = rpc_state(req);

    if (!rpc_was_queued(req, reply, *chat))
        rpc_answer_ok(req);
}

static void mark(struct rpc_req *req, struct mt_now now, const char *function, json_t *params,
                 const struct mt_peer *peer)
{
    mt_chat_id *chat = rpc_alloc(req, sizeof *chat);

    if (!chat) {
        json_decref(params);
        rpc_fail_nomem(req);
        return;
    }
    *chat = peer->chat;
    rpc_set_state(req, chat);
    rpc_send(req, now, function, params, peer->chat, rpc_arg_str(req, "dedup_key"), done);
}

/* --- markRead --- */

static void read_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    int64_t up_to = rpc_arg_int(req, "message_id"), thread = rpc_arg_int(req, "thread_id");
    bool channel = peer->kind == MT_PEER_CHANNEL;
    const char *function = channel ? "channels.readHistory" : "messages.readHistory";
    json_t *params =
        json_pack("{s:I}", thread ? "read_max_id" : "max_id", (json_int_t)(up_to ? up_to : INT32_MAX));

    if (params && thread) {
        function = "messages.readDiscussion";
        json_object_set_new(params, "msg_id", json_integer(thread));
    }
    if (params)
        json_object_set_new(params, channel && !thread ? "channel" : "peer", rpc_peer_json(peer));
    mark(req, now, function, params, peer);
}

void rpc_m_markRead(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), read_found);
}

/* --- pins --- */

static json_t *of_message(const struct rpc_req *req, const struct mt_peer *peer, const char *id)
{
    return json_pack("{s:o, s:I}", "peer", rpc_peer_json(peer), id,
                     (json_int_t)rpc_arg_int(req, "message_id"));
}

static void pin_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    json_t *params = of_message(req, peer, "id");

    if (params && rpc_arg_bool(req, "silent"))
        json_object_set_new(params, "silent", json_true());
    if (params && peer->kind == MT_PEER_USER && !rpc_arg_bool(req, "for_all"))
        json_object_set_new(params, "pm_oneside", json_true());
    mark(req, now, "messages.updatePinnedMessage", params, peer);
}

void rpc_m_pinMessage(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), pin_found);
}

/* A big chat is done in parts: the server says what is left. */
struct unpin {
    struct mt_peer peer;
    unsigned part;
};

static void unpin_all(struct rpc_req *req, struct mt_now now);

static void unpinned(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct unpin *u = rpc_state(req);
    struct tl_view v;

    if (reply->n && tl_view_open_exact(&v, reply->p, reply->n) == TL_OK &&
        v.def->id == TL_messages_affectedHistory &&
        tl_get_int(&v, TLF_messages_affectedHistory__offset) > 0 && u->part < PARTS_MAX) {
        u->part++;
        unpin_all(req, now);
        return;
    }
    rpc_answer_ok(req);
}

static void unpin_all(struct rpc_req *req, struct mt_now now)
{
    const struct unpin *u = rpc_state(req);
    json_t *params = json_pack("{s:o}", "peer", rpc_peer_json(&u->peer));
    char key[RPC_PART_KEY];

    if (params && rpc_arg_int(req, "thread_id"))
        json_object_set(params, "top_msg_id", rpc_arg(req, "thread_id"));
    rpc_send(req, now, "messages.unpinAllMessages", params, u->peer.chat, rpc_part_key(req, u->part, key),
             unpinned);
}

static void unpin_all_of(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct unpin *u = rpc_alloc(req, sizeof *u);

    if (!u) {
        rpc_fail_nomem(req);
        return;
    }
    *u = (struct unpin){.peer = *peer};
    rpc_set_state(req, u);
    unpin_all(req, now);
}

static void unpin_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    json_t *params = of_message(req, peer, "id");

    if (params)
        json_object_set_new(params, "unpin", json_true());
    mark(req, now, "messages.updatePinnedMessage", params, peer);
}

void rpc_m_unpinMessage(struct rpc_req *req, struct mt_now now)
{
    bool all = rpc_arg_bool(req, "all");

    if (all == (rpc_arg(req, "message_id") != NULL))
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: one of message_id and all");
    else if (all && rpc_arg_bool(req, "queue"))
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.queue: not together with all");
    else
        rpc_peer(req, now, rpc_arg(req, "chat_id"), all ? unpin_all_of : unpin_found);
}

/* --- reactions --- */

/* An emoji, or the number of a custom one. */
static json_t *one_reaction(const char *text)
{
    bool custom = strspn(text, "0123456789") == strlen(text);

    return json_pack("{s:s, s:s}", "_", custom ? "reactionCustomEmoji" : "reactionEmoji",
                     custom ? "document_id" : "emoticon", text);
}

/* The list for the call; NULL: answered with an error. */
static json_t *reactions(struct rpc_req *req)
{
    const json_t *given = rpc_arg(req, "reaction");
    size_t n = json_is_array(given) ? json_array_size(given) : 1;
    json_t *list = json_array();

    for (size_t i = 0; i < n && n <= REACTIONS_MAX; i++) {
        const json_t *one = json_is_array(given) ? json_array_get(given, i) : given;
        const char *text = json_string_value(one);

        if (text && *text)
            (void)json_array_append_new(list, one_reaction(text));
        else if (json_is_array(given))
            n = REACTIONS_MAX + 1; /* an empty one among others */
    }
    if (n <= REACTIONS_MAX)
        return list;
    json_decref(list);
    rpc_fail(
        req, RPC_E_INVALID_PARAMS,
        "params.reaction: expected an emoji, the number of a custom emoji, a list of up to %d of them, or "
        "nothing",
        REACTIONS_MAX);
    return NULL;
}

static void react_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    json_t *list = reactions(req), *params;

    if (!list)
        return;
    params = of_message(req, peer, "msg_id");
    if (params)
        json_object_set(params, "reaction", list);
    if (params && rpc_arg_bool(req, "big"))
        json_object_set_new(params, "big", json_true());
    json_decref(list);
    mark(req, now, "messages.sendReaction", params, peer);
}

void rpc_m_setReaction(struct rpc_req *req, struct mt_now now)
{
    rpc_peer(req, now, rpc_arg(req, "chat_id"), react_found);
}
