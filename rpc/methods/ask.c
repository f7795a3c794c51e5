/*
 * ask: a send, then the first incoming message of its chat after it (in a group: the first that answers it).
 * The journal is read from where it ended when the request came in, so an answer that overtakes the end of
 * the send is not missed.
 */
#include "rpc/methods/write.h"
#include "rpc/sub.h"

#include <string.h>

#define READ_AT_ONCE 1000

struct ask {
    struct rpc_req *req;
    struct rpc_cursor at;
    json_t *sent, *answer; /* sent: borrowed */
    json_int_t number;     /* of what was sent */
    mt_chat_id chat;
    bool replies; /* only what answers it counts */
    int64_t send_id;
    struct rpc_shape shape;
};

static bool is_answer(const struct ask *a, const json_t *message)
{
    const json_t *reply = json_object_get(message, "reply_to");

    if (json_integer_value(json_object_get(message, "id")) <= a->number || json_object_get(message, "action"))
        return false;
    return !a->replies || (json_integer_value(json_object_get(reply, "message_id")) == a->number &&
                           !json_object_get(reply, "chat_id"));
}

static int take(void *arg, const struct rpc_event *e)
{
    struct ask *a = arg;
    json_t *event, *message;

    a->at = e->cursor;
    if (e->account != rpc_account_of(a->req)->id || e->chat != a->chat || e->direction != 1 ||
        strcmp(e->type, "message") != 0)
        return 0;
    event = rpc_event_json(e, &a->shape);
    message = json_object_get(event, "message");
    if (is_answer(a, message))
        a->answer = rpc_keep(a->req, json_incref(message));
    json_decref(event);
    return a->answer != NULL;
}

/* Of an account without a journal it is told in its turn only. */
static void hear(struct ask *a)
{
    struct rpc_cursor at = a->at;

    for (const struct rpc_live *l = a->req->rpc->live; l && !a->answer; l = l->next)
        (void)take(a, &l->e);
    a->at = at;
}

static void poll_answer(struct rpc_req *req, struct mt_now now)
{
    struct ask *a = rpc_state(req);
    const struct rpc_host *h = rpc_host_of(req);
    struct rpc_cursor end = h->journal_end(h->ctx), before;
    uint64_t lost;

    hear(a);
    while (!a->answer && rpc_cursor_compare(a->at, end) != 0) {
        before = a->at;
        if (h->journal_read(h->ctx, a->at, READ_AT_ONCE, take, a, &lost) < 0) {
            rpc_fail(req, RPC_E_STORAGE, "the journal cannot be read");
            return;
        }
        if (rpc_cursor_compare(a->at, before) == 0)
            a->at = end;
    }
    if (a->answer)
        rpc_answer(req, json_pack("{s:O, s:O}", "sent", a->sent, "message", a->answer));
}

static void nobody_answered(struct rpc_req *req, struct mt_now now)
{
    const struct ask *a = rpc_state(req);

    rpc_fail_nothing_came(req, a->send_id);
}

static void sent(struct rpc_req *req, struct mt_now now, const struct mt_peer *chat, json_t *message,
                 int64_t send_id)
{
    struct ask *a = rpc_alloc(req, sizeof *a);

    if (!a) {
        rpc_fail_nomem(req);
        return;
    }
    *a = (struct ask){.req = req,
                      .at = rpc_before(req),
                      .sent = message,
                      .number = json_integer_value(json_object_get(message, "id")),
                      .chat = chat->chat,
                      .replies =
                          chat->kind == MT_PEER_GROUP || (chat->kind == MT_PEER_CHANNEL && !chat->broadcast),
                      .send_id = send_id,
                      .shape = {.format = rpc_arg_format(req), .raw = rpc_arg_bool(req, "raw")}};
    rpc_set_state(req, a);
    rpc_progress(req, "asked", 0, 0, 0);
    rpc_wait(req, now, rpc_arg_number(req, "wait"), poll_answer, nobody_answered);
}

void rpc_m_ask(struct rpc_req *req, struct mt_now now)
{
    rpc_send_text(req, now, sent);
}
