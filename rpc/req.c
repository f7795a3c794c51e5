#include "rpc/filter.h"
#include "rpc/views/views.h"

#include <stdlib.h>
#include <string.h>

/* --- life --- */

static void timed_out(struct rpc_timer *t, struct mt_now now)
{
    struct rpc_req *req = (struct rpc_req *)((char *)t - offsetof(struct rpc_req, timer));
    bool sent = req->sent;

    req->now = now;
    if (req->expire) {
        req->expire(req, now);
        return;
    }
    if (req->slot && !req->rpc->ending) {
        struct rpc_account a;
        uint64_t token = rpc_req_token(req);

        rpc_req_drop_token(req);
        if (rpc_account_by_id(req->rpc, req->account.id, &a))
            mt_account_cancel(a.core, now, token);
    }
    rpc_fail_sent(req, RPC_E_TIMEOUT, sent ? MT_SENT_UNKNOWN : MT_SENT_NO, 0);
}

static void link_req(struct rpc_req **list, struct rpc_req *req)
{
    req->prev = NULL;
    req->next = *list;
    if (req->next)
        req->next->prev = req;
    *list = req;
}

static void unlink_req(struct rpc_req **list, struct rpc_req *req)
{
    if (req->prev)
        req->prev->next = req->next;
    else
        *list = req->next;
    if (req->next)
        req->next->prev = req->prev;
}

struct rpc_req *rpc_req_new(struct rpc_conn *c, struct rpc_batch *batch)
{
    struct rpc_req *req = calloc(1, sizeof *req);

    if (!req)
        return NULL;
    req->rpc = c->rpc;
    req->conn = c;
    req->profile = rpc_profile_ref(c->profile);
    req->batch = batch;
    req->timer.fire = timed_out;
    rpc_options_copy(&req->opt, &c->defaults);
    link_req(&c->reqs, req);
    c->n_reqs++;
    c->rpc->n_reqs++;
    return req;
}

void rpc_req_free(struct rpc_req *req)
{
    struct rpc *r = req->rpc;

    rpc_unpark(req);
    rpc_timer_clear(&r->timers, &req->timer);
    rpc_req_drop_token(req);
    rpc_resolve_free(req->resolve);
    rpc_filter_free(req->filter);
    unlink_req(req->conn ? &req->conn->reqs : &r->orphans, req);
    r->n_reqs--;
    r->bytes -= req->counted;
    if (req->conn) {
        req->conn->n_reqs--;
        rpc_conn_relax(req->conn);
    }
    while (req->kept) {
        struct rpc_kept *kept = req->kept;

        req->kept = kept->next;
        json_decref(kept->json);
        if (kept->end)
            kept->end(kept->state); /* before the chunks, where the state may be */
        free(kept);
    }
    while (req->chunks) {
        struct rpc_chunk *chunk = req->chunks;

        req->chunks = chunk->next;
        free(chunk);
    }
    rpc_options_fini(&req->opt);
    rpc_profile_unref(req->profile);
    json_decref(req->params);
    json_decref(req->root);
    free(req->id);
    free(req->name);
    free(req);
}

void rpc_req_cancel(struct rpc_req *req, struct mt_now now)
{
    struct rpc_account a;

    req->now = now;
    if (req->slot && req->sent && rpc_account_by_id(req->rpc, req->account.id, &a)) {
        mt_account_cancel(a.core, now, rpc_req_token(req)); /* its REPLY says whether it had left */
        return;
    }
    if (req->slot && rpc_account_by_id(req->rpc, req->account.id, &a)) {
        uint64_t token = rpc_req_token(req);

        rpc_req_drop_token(req);
        mt_account_cancel(a.core, now, token);
    }
    rpc_fail_sent(req, RPC_E_CANCELLED, MT_SENT_NO, 0);
}

void rpc_has_sent(struct rpc_req *req)
{
    req->has_sent = true;
}

void rpc_req_orphan(struct rpc_req *req, struct mt_now now)
{
    struct rpc_conn *c = req->conn;
    bool goes_on = !req->rpc->ending && req->method && (req->method->flags & RPC_M_SEND) &&
                   !(req->parked && req->has_sent); /* it only waits for an answer */

    if (req->batch)
        req->batch->conn = NULL;
    unlink_req(&c->reqs, req);
    c->n_reqs--;
    req->conn = NULL;
    link_req(&req->rpc->orphans, req);
    if (!goes_on && req->slot && !req->rpc->ending) {
        struct rpc_account a;
        uint64_t token = rpc_req_token(req);

        rpc_req_drop_token(req);
        if (rpc_account_by_id(req->rpc, req->account.id, &a))
            mt_account_cancel(a.core, now, token);
    }
    if (!goes_on) {
        req->now = now;
        rpc_fail(req, RPC_E_CANCELLED, "the client hung up");
    }
}

/* --- tokens --- */

static bool more_slots(struct rpc *r)
{
    uint32_t cap = r->cap_slots ? r->cap_slots * 2 : 64;
    struct rpc_slot *slots;

    if (cap > 1u << 20)
        return false;
    slots = realloc(r->slots, cap * sizeof *slots);
    if (!slots)
        return false;
    memset(slots + r->cap_slots, 0, (cap - r->cap_slots) * sizeof *slots);
    r->slots = slots;
    r->cap_slots = cap;
    return true;
}

static uint64_t token_of(const struct rpc *r, uint32_t slot)
{
    return RPC_TOKEN_BIT | (uint64_t)r->slots[slot - 1].generation << 20 | (slot - 1);
}

uint64_t rpc_req_token(struct rpc_req *req)
{
    struct rpc *r = req->rpc;
    struct rpc_slot *s;

    if (req->slot)
        return token_of(r, req->slot);
    if (!r->free_slot) {
        if (r->n_slots == r->cap_slots && !more_slots(r))
            return 0;
        r->free_slot = ++r->n_slots;
    }
    req->slot = r->free_slot;
    s = &r->slots[req->slot - 1];
    r->free_slot = s->next_free;
    s->next_free = 0;
    s->req = req;
    s->generation++;
    return token_of(r, req->slot);
}

struct rpc_req *rpc_req_by_token(struct rpc *r, uint64_t token)
{
    uint32_t i = token & ((1u << 20) - 1);

    if (!(token & RPC_TOKEN_BIT) || i >= r->n_slots || !r->slots[i].req || token_of(r, i + 1) != token)
        return NULL;
    return r->slots[i].req;
}

void rpc_req_drop_token(struct rpc_req *req)
{
    struct rpc *r = req->rpc;

    if (!req->slot)
        return;
    r->slots[req->slot - 1].req = NULL;
    r->slots[req->slot - 1].next_free = r->free_slot;
    r->free_slot = req->slot;
    req->slot = 0;
}

/* --- waiting --- */

void rpc_req_arm(struct rpc_req *req, int64_t at)
{
    if (!rpc_timer_set(&req->rpc->timers, &req->timer, at))
        mt_logf(req->rpc->cfg.env, MT_LOG_WARN, "rpc", "no memory for a deadline");
}

void rpc_park(struct rpc_req *req, void (*poll)(struct rpc_req *req, struct mt_now now))
{
    req->poll = poll;
    if (req->parked)
        return;
    req->parked = true;
    req->next_parked = NULL;
    req->prev_parked = req->rpc->last_parked;
    if (req->prev_parked)
        req->prev_parked->next_parked = req;
    else
        req->rpc->parked = req;
    req->rpc->last_parked = req;
    rpc_req_arm(req, req->deadline);
}

void rpc_wait(struct rpc_req *req, struct mt_now now, double seconds,
              void (*poll)(struct rpc_req *req, struct mt_now now),
              void (*expire)(struct rpc_req *req, struct mt_now now))
{
    req->expire = expire;
    req->deadline = now.mono + (int64_t)(seconds * (double)MT_US_PER_S);
    if (req->conn) /* the first look comes at the end of this turn, as all others */
        rpc_park(req, poll);
    else /* who asked is gone */
        rpc_fail(req, RPC_E_CANCELLED, "the client hung up");
}

void rpc_unpark(struct rpc_req *req)
{
    if (!req->parked)
        return;
    if (req->prev_parked)
        req->prev_parked->next_parked = req->next_parked;
    else
        req->rpc->parked = req->next_parked;
    if (req->next_parked)
        req->next_parked->prev_parked = req->prev_parked;
    else
        req->rpc->last_parked = req->prev_parked;
    req->parked = false;
}

void rpc_poll_parked(struct rpc *r, struct mt_now now)
{
    struct rpc_req *req = r->parked;

    while (req) {
        struct rpc_req *next = req->next_parked; /* a poll ends no request but its own */

        req->now = now;
        req->poll(req, now);
        req = next;
    }
}

/* --- what a handler reads --- */

const struct rpc_account *rpc_account_of(const struct rpc_req *req)
{
    return req->has_account ? &req->account : NULL;
}

const struct rpc_host *rpc_host_of(const struct rpc_req *req)
{
    return req->rpc->cfg.host;
}

json_t *rpc_arg(const struct rpc_req *req, const char *name)
{
    return json_object_get(req->params, name);
}

const char *rpc_arg_str(const struct rpc_req *req, const char *name)
{
    return json_string_value(rpc_arg(req, name));
}

int64_t rpc_arg_int(const struct rpc_req *req, const char *name)
{
    return json_integer_value(rpc_arg(req, name));
}

double rpc_arg_number(const struct rpc_req *req, const char *name)
{
    return json_number_value(rpc_arg(req, name));
}

bool rpc_arg_bool(const struct rpc_req *req, const char *name)
{
    return json_is_true(rpc_arg(req, name));
}

enum rpc_format rpc_arg_format(const struct rpc_req *req)
{
    const char *format = rpc_arg_str(req, "format");

    if (!format)
        return req->opt.format;
    return strcmp(format, "html") == 0 ? RPC_HTML : RPC_MARKDOWN;
}

struct rpc_cursor rpc_before(const struct rpc_req *req)
{
    return req->before;
}

void *rpc_alloc(struct rpc_req *req, size_t n)
{
    struct rpc_chunk *chunk = calloc(1, sizeof *chunk + n);

    if (!chunk)
        return NULL;
    chunk->next = req->chunks;
    req->chunks = chunk;
    return chunk->data;
}

void rpc_set_state(struct rpc_req *req, void *state)
{
    req->state = state;
}

void *rpc_state(const struct rpc_req *req)
{
    return req->state;
}

json_t *rpc_keep(struct rpc_req *req, json_t *take)
{
    struct rpc_kept *kept = take ? malloc(sizeof *kept) : NULL;

    if (!kept) {
        json_decref(take);
        return NULL;
    }
    *kept = (struct rpc_kept){.next = req->kept, .json = take};
    req->kept = kept;
    return take;
}

bool rpc_on_end(struct rpc_req *req, void (*end)(void *state), void *state)
{
    struct rpc_kept *kept = malloc(sizeof *kept);

    if (!kept) {
        end(state);
        return false;
    }
    *kept = (struct rpc_kept){.next = req->kept, .end = end, .state = state};
    req->kept = kept;
    return true;
}

struct rpc_view rpc_view_of(const struct rpc_req *req, struct mt_now now)
{
    return (struct rpc_view){.host = rpc_host_of(req),
                             .account = rpc_account_of(req),
                             .now = now,
                             .format = rpc_arg_format(req),
                             .raw = rpc_arg_bool(req, "raw")};
}

void rpc_after_sync(struct rpc_req *req)
{
    req->hold = RPC_HOLD_SYNC;
    req->wrote = true;
}
