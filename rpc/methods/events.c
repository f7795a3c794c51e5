#include "rpc/methods/places.h"

#include <stdlib.h>
#include <string.h>

#define READ_AT_ONCE 1000
#define ANSWER_MAX   (2u * 1024 * 1024) /* bytes of events in one answer */

/* False: answered. */
static bool room_for_sub(struct rpc_req *req)
{
    const struct rpc *r = req->rpc;

    if (req->conn->n_subs >= RPC_SUBS_OF_CONN)
        rpc_fail_hint(req, RPC_E_BUSY, "unsubscribe ends one", "this connection has %zu subscriptions",
                      req->conn->n_subs);
    else if (r->n_subs >= RPC_SUBS_MAX || r->bytes > RPC_TOTAL_MAX)
        rpc_fail(req, RPC_E_BUSY, "all clients together have too many subscriptions");
    else
        return true;
    return false;
}

/* Of accounts that the filter admits and that keep no journal. */
static void warn_of_no_journal(struct rpc *r, const struct rpc_filter *f, json_t *warnings)
{
    const struct rpc_host *h = r->cfg.host;
    struct rpc_account a;

    for (size_t i = 0, n = h->account_count(h->ctx); i < n; i++)
        if (h->account_at(h->ctx, i, &a) && a.no_journal && rpc_filter_admits(f, a.id))
            json_array_append_new(
                warnings, json_sprintf("account %s keeps no journal: its events have no cursor, are not "
                                       "repeated, and come by subscribe and waitEvent only",
                                       a.name));
}

/* --- subscribe --- */

static void answer_subscribed(struct rpc_req *req, const struct rpc_sub *s)
{
    char cursor[32];
    json_t *warnings = json_array(), *out;

    rpc_cursor_text(s->at, cursor);
    if (req->conn->eof && !s->heartbeat)
        json_array_append_new(warnings,
                              json_string("the input has ended: without a heartbeat a quiet connection "
                                          "may be closed by the program between us (socat -t)"));
    warn_of_no_journal(req->rpc, s->filter, warnings);
    out = json_pack("{s:I,s:s,s:o}", "subscription", (json_int_t)s->number, "cursor", cursor, "state",
                    rpc_accounts_json(req));
    if (out && json_array_size(warnings))
        json_object_set(out, "warnings", warnings);
    json_decref(warnings);
    json_decref(req->opt.fields); /* they are for the events */
    req->opt.fields = NULL;
    rpc_answer(req, out);
}

static void subscribe(struct rpc_req *req, struct mt_now now)
{
    const char *name = rpc_arg_str(req, "name"), *ack = rpc_arg_str(req, "ack");
    struct rpc_shape shape;
    struct rpc_cursor at;
    struct rpc_sub *s;

    if (!req->conn) {
        rpc_fail(req, RPC_E_CANCELLED, "the client hung up");
        return;
    }
    if (ack && !name) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.ack: there is nothing to ack without a name");
        return;
    }
    if (!room_for_sub(req) || !rpc_since_fits(req) ||
        !rpc_take_name(req, now, name, rpc_arg_bool(req, "takeover")) || !rpc_begin_at(req, name, &at))
        return;
    rpc_shape_of(req, &shape);
    s = rpc_sub_new(req->conn, req->filter, &shape, at);
    if (!s) {
        rpc_shape_fini(&shape);
        rpc_fail_nomem(req);
        return;
    }
    req->filter = NULL;
    if (name)
        snprintf(s->name, sizeof s->name, "%s", name);
    s->auto_ack = ack && strcmp(ack, "auto") == 0;
    if (rpc_arg(req, "heartbeat"))
        rpc_sub_heartbeat(s, now, rpc_arg_number(req, "heartbeat"));
    s->fresh = req->wrote; /* its answer comes before its events: rpc_committed() */
    answer_subscribed(req, s);
}

void rpc_m_subscribe(struct rpc_req *req, struct mt_now now)
{
    rpc_filter_make(req, now, subscribe);
}

void rpc_m_unsubscribe(struct rpc_req *req, struct mt_now now)
{
    struct rpc_sub *s = rpc_sub_by_number(req->conn, rpc_arg_int(req, "subscription"));

    if (!s) {
        rpc_fail(req, RPC_E_SUBSCRIPTION_UNKNOWN, "no subscription %lld on this connection",
                 (long long)rpc_arg_int(req, "subscription"));
        return;
    }
    rpc_sub_end(s, now, NULL);
    rpc_answer_ok(req);
}

/* --- getEvents, waitEvent --- */

struct wait {
    struct rpc_req *req;
    struct rpc_cursor from, at;
    struct rpc_shape shape;
    json_t *items;
    size_t limit, bytes, rows;
    bool one; /* waitEvent */
    bool nomem;
};

static int wait_row(void *arg, const struct rpc_event *e)
{
    struct wait *w = arg;
    json_t *event;

    w->at = e->cursor;
    w->rows++;
    if (!rpc_filter_match(w->req->filter, e))
        return 0;
    event = rpc_event_json(e, &w->shape);
    if (!event || json_array_append_new(w->items, event)) {
        w->nomem = true;
        return 1;
    }
    w->bytes += e->body.n + e->raw.n;
    return json_array_size(w->items) >= w->limit || w->bytes > ANSWER_MAX;
}

/* What waitEvent would have seen may be gone: an error (false: answered). */
static bool nothing_lost(struct wait *w)
{
    struct rpc_cursor last;
    uint64_t lost = rpc_journal_lost(w->req->rpc, w->req->filter, w->at, &last);

    if (lost)
        rpc_fail(w->req, RPC_E_LAGGED, "%llu events after that cursor have left the journal",
                 (unsigned long long)lost);
    return !lost;
}

/* What left the journal of the stretch that this answer covers, so that each loss is told once. */
static json_t *lagged(struct wait *w)
{
    struct rpc *r = w->req->rpc;
    struct rpc_cursor last, later;
    uint64_t lost = rpc_journal_lost(r, w->req->filter, w->from, &last);
    char from[32], to[32];

    if (!lost)
        return NULL;
    if (rpc_cursor_compare(w->at, last) < 0)
        last = w->at;
    lost -= rpc_journal_lost(r, w->req->filter, w->at, &later);
    if (!lost)
        return NULL;
    rpc_cursor_text(w->from, from);
    rpc_cursor_text(last, to);
    return json_pack("{s:s,s:s,s:I}", "lost_from", from, "lost_to", to, "count", (json_int_t)lost);
}

static void answer_wait(struct rpc_req *req, struct mt_now now)
{
    struct wait *w = req->state;
    char cursor[32];
    json_t *out, *gone, *warnings;

    if (w->nomem) {
        rpc_fail_nomem(req);
        return;
    }
    if (w->one) {
        rpc_answer(req, json_incref(json_array_get(w->items, 0)));
        return;
    }
    rpc_cursor_text(w->at, cursor);
    warnings = json_array();
    out = json_pack("{s:O,s:s}", "items", w->items, "cursor", cursor);
    if (out && (gone = lagged(w)))
        json_object_set_new(out, "lagged", gone);
    warn_of_no_journal(req->rpc, req->filter, warnings);
    if (out && json_array_size(warnings))
        json_object_set(out, "warnings", warnings);
    json_decref(warnings);
    rpc_answer(req, out);
}

static bool live_matches(struct wait *w)
{
    struct rpc_cursor at = w->at;

    for (const struct rpc_live *l = w->req->rpc->live; l && w->one; l = l->next) {
        wait_row(w, &l->e);
        w->at = at;
        if (json_array_size(w->items))
            return true;
    }
    return false;
}

static bool has_losses(struct wait *w)
{
    json_t *gone = w->one ? NULL : lagged(w);

    json_decref(gone);
    return gone != NULL;
}

enum filled { NOTHING, SOMETHING, FAILED };

/* Reads on. FAILED: answered. */
static enum filled fill(struct wait *w)
{
    const struct rpc_host *h = rpc_host_of(w->req);
    struct rpc_cursor end = h->journal_end(h->ctx);
    bool full = live_matches(w);
    uint64_t lost;

    while (!full && rpc_cursor_compare(w->at, end) != 0) {
        w->rows = 0;
        if (h->journal_read(h->ctx, w->at, READ_AT_ONCE, wait_row, w, &lost) < 0) {
            rpc_fail(w->req, RPC_E_STORAGE, "the journal cannot be read");
            return FAILED;
        }
        full = json_array_size(w->items) >= w->limit || w->bytes > ANSWER_MAX || w->nomem;
        if (!full && w->rows < READ_AT_ONCE)
            w->at = end;
    }
    return full || json_array_size(w->items) || has_losses(w) ? SOMETHING : NOTHING;
}

static void poll_events(struct rpc_req *req, struct mt_now now)
{
    if (fill(req->state) == SOMETHING)
        answer_wait(req, now);
}

/* Answers what is there, else waits for it. */
static void begin_wait(struct rpc_req *req, struct mt_now now)
{
    double wait = rpc_arg_number(req, "wait");
    enum filled filled = fill(req->state);

    if (filled == FAILED)
        return;
    req->deadline = now.mono + (int64_t)(wait * (double)MT_US_PER_S);
    if (filled == SOMETHING || (req->expire && wait <= 0))
        answer_wait(req, now);
    else
        rpc_park(req, poll_events);
}

static void wait_ended(struct rpc_req *req, struct mt_now now)
{
    answer_wait(req, now);
}

static struct wait *new_wait(struct rpc_req *req)
{
    struct wait *w = rpc_alloc(req, sizeof *w);

    if (!w)
        return NULL;
    w->req = req;
    w->items = rpc_keep(req, json_array());
    w->shape.format = rpc_arg_format(req);
    w->shape.raw = rpc_arg_bool(req, "raw");
    rpc_set_state(req, w);
    return w->items ? w : NULL;
}

static void get_events(struct rpc_req *req, struct mt_now now)
{
    const char *name = rpc_arg_str(req, "name");
    struct wait *w = new_wait(req);
    struct rpc_cursor acked, had;
    const struct rpc_host *h = rpc_host_of(req);

    if (!w) {
        rpc_fail_nomem(req);
        return;
    }
    w->limit = (size_t)rpc_arg_int(req, "limit");
    if (rpc_arg(req, "ack") && !name) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.ack: there is nothing to ack without a name");
        return;
    }
    if (!rpc_take_name(req, now, name, false))
        return;
    if (rpc_arg(req, "ack")) {
        if (!rpc_take_cursor(req, "ack", &acked))
            return;
        if ((h->sub_get(h->ctx, name, &had) != MT_OK || rpc_cursor_compare(acked, had) > 0) &&
            rpc_put_name(req, name, acked) < 0)
            return;
    }
    if (!rpc_begin_at(req, name, &w->at))
        return;
    w->from = w->at;
    req->holds = name;
    req->expire = wait_ended;
    begin_wait(req, now);
}

void rpc_m_getEvents(struct rpc_req *req, struct mt_now now)
{
    rpc_filter_make(req, now, get_events);
}

static void wait_event(struct rpc_req *req, struct mt_now now)
{
    struct wait *w = new_wait(req);

    if (!w) {
        rpc_fail_nomem(req);
        return;
    }
    w->one = true;
    w->limit = 1;
    if (!rpc_begin_at(req, NULL, &w->at) || !nothing_lost(w))
        return;
    begin_wait(req, now);
}

void rpc_m_waitEvent(struct rpc_req *req, struct mt_now now)
{
    rpc_filter_make(req, now, wait_event);
}
