/*
 * getHistory: as many calls of messages.getHistory (or getReplies) as `limit` needs.
 *
 * The server counts from the newest: it finds the first message below offset_id, moves by add_offset
 * (negative: towards newer ones), and gives `limit` from there, newest first. Upwards is therefore asked for
 * in steps of exactly `limit` above a message.
 */
#include "rpc/methods/results.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/views/parts.h"

#define PAGE 100

struct history {
    struct mt_peer chat;
    json_t *items;
    json_t *page; /* of the last answer, newest first */
    int64_t limit;
    int64_t after_id, before_id, after_date, before_date;
    int32_t at;         /* asc: the newest id seen; desc: the oldest; 0 = none yet */
    int32_t first_date; /* offset_date of the first call */
    int64_t total;
    bool asc, end;
    struct rpc_view ctx;
};

static void forget(void *state)
{
    struct history *h = state;

    json_decref(h->items);
    json_decref(h->page);
}

static bool wanted(const struct history *h, int64_t id, int64_t date)
{
    return id > h->after_id && (!h->before_id || id < h->before_id) &&
           (!h->after_date || date > h->after_date) && (!h->before_date || date < h->before_date);
}

/* Past the far end of what was asked for: nothing behind it can be wanted. */
static bool beyond(const struct history *h, int64_t id, int64_t date)
{
    if (h->asc)
        return (h->before_id && id >= h->before_id) || (h->before_date && date >= h->before_date);
    return id <= h->after_id || (h->after_date && date <= h->after_date);
}

struct page {
    struct history *h;
    size_t count;
    int32_t oldest, newest;
};

static bool take(void *arg, const struct tl_view *message)
{
    struct page *p = arg;
    struct history *h = p->h;
    struct rpc_message_head head;
    json_t *view;

    p->count++;
    if (!rpc_message_head(&h->ctx, message, &head))
        return true;
    if (!p->newest || head.id > p->newest)
        p->newest = head.id;
    if (!p->oldest || head.id < p->oldest)
        p->oldest = head.id;
    if (beyond(h, head.id, head.date))
        h->end = true;
    if (!wanted(h, head.id, head.date) || (h->at && (h->asc ? head.id <= h->at : head.id >= h->at)))
        return true;
    view = rpc_view_message(&h->ctx, message);
    if (view)
        (void)json_array_append_new(h->page, view);
    return true;
}

/* The page onto the items, in the order asked for; the last id that was used. */
static void use_page(struct history *h)
{
    size_t n = json_array_size(h->page);

    for (size_t i = 0; i < n && (int64_t)json_array_size(h->items) < h->limit; i++) {
        json_t *m = json_array_get(h->page, h->asc ? n - 1 - i : i);

        h->at = (int32_t)json_integer_value(json_object_get(m, "id"));
        (void)json_array_append(h->items, m);
    }
    if (n && (int64_t)json_array_size(h->items) == h->limit &&
        h->at != json_integer_value(json_object_get(json_array_get(h->page, h->asc ? 0 : n - 1), "id")))
        h->end = false; /* some of the page is left for the next call */
    json_array_clear(h->page);
}

static void finish(struct rpc_req *req, struct history *h)
{
    json_t *answer = json_pack("{s:O}", "items", h->items);
    char next[32];

    if (answer && !h->end && h->at) {
        snprintf(next, sizeof next, "h1.%d", (int)h->at);
        json_object_set_new(answer, "next", json_string(next));
    }
    if (answer && h->total >= 0)
        json_object_set_new(answer, "total", json_integer(h->total));
    rpc_answer(req, answer);
}

static void got(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply);

static void ask(struct rpc_req *req, struct mt_now now, struct history *h)
{
    int64_t thread = rpc_arg_int(req, "thread_id");
    int64_t offset_id = h->asc ? (h->at ? h->at : h->after_id) + 1 : h->at ? h->at : h->before_id;
    int64_t offset_date = 0;
    int page = h->limit < PAGE ? (int)h->limit : PAGE;
    json_t *params;

    if (!h->at && h->first_date) {
        offset_date = h->first_date;
        if (h->asc && h->after_id == 0)
            offset_id = 0;
    }
    params = json_pack("{s:o, s:I, s:I, s:i, s:i, s:i, s:i, s:i}", "peer", rpc_peer_json(&h->chat),
                       "offset_id", (json_int_t)offset_id, "offset_date", (json_int_t)offset_date,
                       "add_offset", h->asc ? -page : 0, "limit", page, "max_id", 0, "min_id",
                       h->asc ? 0 : (int)h->after_id, "hash", 0);
    if (params && thread)
        json_object_set_new(params, "msg_id", json_integer(thread));
    rpc_call(req, now, thread ? "messages.getReplies" : "messages.getHistory", params, got);
}

static void got(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct history *h = rpc_state(req);
    struct page p = {.h = h};
    bool whole;
    int64_t total;

    h->ctx = rpc_view_of(req, now);
    if (!rpc_result_messages(reply->p, reply->n, &total, &whole, take, &p)) {
        rpc_fail(req, RPC_E_INTERNAL, "unexpected answer to messages.getHistory");
        return;
    }
    h->total = total;
    if (p.count == 0 || (h->asc && p.newest <= (h->at ? h->at : h->after_id)) || (!h->asc && whole))
        h->end = true;
    if (h->asc && p.count < PAGE && (int64_t)p.count < h->limit)
        h->end = true;
    use_page(h);
    /* a page of nothing that is wanted still moves on */
    if (!h->asc && p.oldest && !h->end && (!h->at || p.oldest < h->at) &&
        (int64_t)json_array_size(h->items) < h->limit)
        h->at = p.oldest;
    rpc_progress(req, "reading", (int64_t)json_array_size(h->items), h->limit, 0);
    if (h->end || (int64_t)json_array_size(h->items) >= h->limit)
        finish(req, h);
    else
        ask(req, now, h);
}

static void found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct history *h = rpc_state(req);

    h->chat = *peer;
    ask(req, now, h);
}

void rpc_m_getHistory(struct rpc_req *req, struct mt_now now)
{
    struct history *h = rpc_alloc(req, sizeof *h);
    const char *order = rpc_arg_str(req, "order"), *next = rpc_arg_str(req, "next");

    if (!h || !(h->items = json_array()) || !(h->page = json_array())) {
        if (h)
            forget(h);
        rpc_fail_nomem(req);
        return;
    }
    rpc_set_state(req, h);
    if (!rpc_on_end(req, forget, h)) {
        rpc_fail_nomem(req);
        return;
    }
    h->asc = order && strcmp(order, "asc") == 0;
    h->limit = rpc_arg_int(req, "limit");
    h->after_id = rpc_arg_int(req, "after_id");
    h->before_id = rpc_arg_int(req, "before_id");
    h->after_date = rpc_arg_int(req, "after_date");
    h->before_date = rpc_arg_int(req, "before_date");
    h->first_date = (int32_t)(h->asc ? (h->after_date ? h->after_date + 1 : 0) : h->before_date);
    if (next) {
        if (strncmp(next, "h1.", 3) != 0 || (h->at = (int32_t)strtol(next + 3, NULL, 10)) <= 0) {
            rpc_fail(req, RPC_E_INVALID_PARAMS, "params.next: not from an earlier answer");
            return;
        }
    }
    rpc_peer(req, now, rpc_arg(req, "chat_id"), found);
}
