/* sendMessage: through the outbox, so that an answer is final and a dedup_key is one message. */
#include "rpc/methods/results.h"
#include "rpc/methods/text.h"
#include "rpc/methods/write.h"

#include <string.h>

#include "rpc/views/parts.h"

struct send {
    struct mt_text text;
    struct mt_peer chat;
    json_t *params; /* of the part that is on its way */
    json_t *first;  /* the answer: the first part's message */
    size_t byte;    /* where the next part begins */
    int32_t unit;
    unsigned part;
    int32_t number;      /* of a message that is fetched */
    int64_t send_id;     /* of the last part */
    rpc_sent_fn *finish; /* instead of the answer; or NULL */
};

static void forget(void *state)
{
    struct send *s = state;

    mt_text_fini(&s->text);
    json_decref(s->first);
    json_decref(s->params);
}

/* reply_to of the request as an InputReplyTo; NULL: none. False: answered with an error. */
static bool reply_to(struct rpc_req *req, json_t **out)
{
    const json_t *arg = rpc_arg(req, "reply_to");
    int64_t thread = rpc_arg_int(req, "thread_id");
    const json_t *id = json_is_object(arg) ? json_object_get(arg, "message_id") : arg;
    const json_t *story = json_object_get(arg, "story_id"), *in = json_object_get(arg, "chat_id");

    *out = NULL;
    if (story) {
        *out = json_pack("{s:s, s:O, s:O}", "_", "inputReplyToStory", "peer",
                         in ? in : rpc_arg(req, "chat_id"), "story_id", story);
        return true;
    }
    if (!id && !thread)
        return true;
    if (id && !json_is_integer(id)) {
        rpc_fail(req, RPC_E_INVALID_PARAMS,
                 "params.reply_to: expected a message id, or an object with message_id");
        return false;
    }
    /* a message into a topic answers the topic's first message */
    *out = json_pack("{s:s, s:I}", "_", "inputReplyToMessage", "reply_to_msg_id",
                     id ? json_integer_value(id) : (json_int_t)thread);
    if (*out && thread)
        json_object_set_new(*out, "top_msg_id", json_integer(thread));
    if (*out && in)
        json_object_set(*out, "reply_to_peer_id", (json_t *)(uintptr_t)in);
    if (*out && json_object_get(arg, "quote"))
        json_object_set(*out, "quote_text", json_object_get(arg, "quote"));
    return true;
}

/* A part without the white space it was cut at: the server takes it off, and so does what we answer. */
static size_t without_end(const char *text, size_t n)
{
    size_t full = n;

    while (n && strchr(" \t\r\n\v\f", text[n - 1]))
        n--;
    return n ? n : full;
}

/* The TL fields of the next part. False: answered with an error. */
static bool build(struct rpc_req *req, struct send *s)
{
    size_t len = rpc_text_part(&s->text, s->byte);
    int32_t units = mt_utf16_length(s->text.text + s->byte, len);
    json_t *entities = rpc_text_entities(&s->text, s->unit, s->unit + units);
    json_t *reply = NULL, *when;

    json_decref(s->params);
    s->params = json_pack("{s:o, s:o}", "peer", rpc_peer_json(&s->chat), "message",
                          json_stringn(s->text.text + s->byte, without_end(s->text.text + s->byte, len)));
    if (!s->params || !reply_to(req, &reply)) {
        json_decref(entities);
        if (!s->params)
            rpc_fail_nomem(req);
        return false;
    }
    if (entities)
        json_object_set_new(s->params, "entities", entities);
    if (reply)
        json_object_set_new(s->params, "reply_to", reply);
    if (rpc_arg_bool(req, "silent"))
        json_object_set_new(s->params, "silent", json_true());
    if (rpc_arg_bool(req, "protect"))
        json_object_set_new(s->params, "noforwards", json_true());
    if (!rpc_arg_bool(req, "link_preview"))
        json_object_set_new(s->params, "no_webpage", json_true());
    if (rpc_arg(req, "send_as"))
        json_object_set(s->params, "send_as", rpc_arg(req, "send_as"));
    s->byte += len;
    s->unit += units;
    if (!rpc_schedule_arg(req, &when))
        return false;
    if (when)
        json_object_set_new(s->params, "schedule_date", when);
    return true;
}

static void sent(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply);

static void send_part(struct rpc_req *req, struct mt_now now, struct send *s)
{
    char key[RPC_PART_KEY];

    if (build(req, s)) /* a repeat goes through all parts: what was cut off is finished */
        rpc_send(req, now, "messages.sendMessage", json_incref(s->params), s->chat.chat,
                 rpc_part_key(req, s->part++, key), sent);
}

/* queue: true. The answer leaves when the rows of all parts are on disk. */
static void queued(struct rpc_req *req, struct mt_now now, struct send *s, const struct mt_reply *reply)
{
    if (!s->first)
        s->first = rpc_queued_json(reply, s->chat.chat);
    if (s->byte < s->text.n) {
        send_part(req, now, s);
        return;
    }
    rpc_after_sync(req);
    rpc_answer(req, json_incref(s->first));
}

/* A part has become this message (stolen). */
static void became(struct rpc_req *req, struct mt_now now, json_t *message)
{
    struct send *s = rpc_state(req);

    if (s->first)
        json_decref(message);
    else
        s->first = message;
    rpc_has_sent(req);
    if (s->byte < s->text.n)
        send_part(req, now, s);
    else if (s->finish)
        s->finish(req, now, &s->chat, s->first, s->send_id);
    else
        rpc_answer(req, json_incref(s->first));
}

static void fetched(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    const struct send *s = rpc_state(req);
    struct rpc_view ctx = rpc_view_of(req, now);
    json_t *number = json_pack("[i]", (int)s->number),
           *items = rpc_fetched(&ctx, reply, s->chat.chat, number);

    json_decref(number);
    number = json_incref(json_array_get(items, 0));
    json_decref(items);
    became(req, now, number);
}

/* Of a send that a dead process had begun, the server may tell no more than the number. */
static void fetch(struct rpc_req *req, struct mt_now now, struct send *s, int32_t number)
{
    s->number = number;
    rpc_fetch(req, now, &s->chat, json_pack("[i]", (int)number), fetched);
}

static void sent(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct send *s = rpc_state(req);
    struct rpc_view ctx = rpc_view_of(req, now);
    json_t *message;
    int32_t number;

    if (reply->kind == MT_REPLY_OK) {
        queued(req, now, s, reply);
        return;
    }
    s->send_id = reply->send_id;
    message = rpc_result_message(&ctx, reply->p, reply->n, s->chat.chat, s->params);
    number = message ? 0 : rpc_result_number(reply->p, reply->n);
    if (message)
        became(req, now, message);
    else if (number)
        fetch(req, now, s, number);
    else /* it is there, and nobody can say any more where */
        became(req, now,
               json_pack("{s:i, s:I, s:b}", "id", 0, "chat_id", (json_int_t)s->chat.chat, "missing", 1));
}

static void found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct send *s = rpc_state(req);

    s->chat = *peer;
    send_part(req, now, s);
}

void rpc_send_text(struct rpc_req *req, struct mt_now now, rpc_sent_fn *finish)
{
    struct send *s = rpc_alloc(req, sizeof *s);
    struct mt_text text;

    if (!s) {
        rpc_fail_nomem(req);
        return;
    }
    if (!rpc_text_arg(req, &text))
        return;
    s->text = text;
    s->finish = finish;
    rpc_set_state(req, s);
    if (!rpc_on_end(req, forget, s)) {
        rpc_fail_nomem(req);
        return;
    }
    if (!s->text.n) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.text: is empty");
        return;
    }
    if (mt_utf16_length(s->text.text, s->text.n) > RPC_TEXT_UNITS && !rpc_arg_bool(req, "split")) {
        rpc_fail_hint(req, RPC_E_TOO_LARGE, "split: true sends it as several messages",
                      "params.text: more than %d UTF-16 units", RPC_TEXT_UNITS);
        return;
    }
    rpc_peer(req, now, rpc_arg(req, "chat_id"), found);
}

void rpc_m_sendMessage(struct rpc_req *req, struct mt_now now)
{
    rpc_send_text(req, now, NULL);
}
