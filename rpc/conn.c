#include "rpc/profile.h"

#include <stdlib.h>
#include <string.h>

#define OUT_KEEP (64u * 1024)

/* --- what a connection costs --- */

static void count(struct rpc_conn *c)
{
    size_t bytes = c->in.cap + c->out.cap + c->held_bytes + rpc_scan_held(&c->scan);

    c->rpc->bytes += bytes - c->counted;
    c->counted = bytes;
}

size_t rpc_conn_unread(const struct rpc_conn *c)
{
    return c->out.len - c->out_at + c->held_bytes;
}

static bool may_take(const struct rpc_conn *c)
{
    return !c->dead && c->n_reqs < RPC_IN_FLIGHT_MAX && rpc_conn_unread(c) < RPC_UNREAD_MAX;
}

bool rpc_wants_read(const struct rpc_conn *c)
{
    return !c->eof && may_take(c) && c->in_at == c->in.len;
}

bool rpc_is_done(const struct rpc_conn *c)
{
    if (c->dead)
        return true;
    return c->eof && !c->n_reqs && !c->subs && !c->held && c->out_at == c->out.len && c->in_at == c->in.len;
}

bool rpc_is_loud(const struct rpc_conn *c)
{
    return c->loud;
}

/* --- lists of the loop --- */

void rpc_conn_wake(struct rpc_conn *c)
{
    if (c->ready_queued)
        return;
    c->ready_queued = true;
    c->next_ready = NULL;
    *c->rpc->ready_tail = c;
    c->rpc->ready_tail = &c->next_ready;
}

void rpc_conn_work(struct rpc_conn *c)
{
    if (c->work_queued || c->dead)
        return;
    c->work_queued = true;
    c->next_work = NULL;
    *c->rpc->work_tail = c;
    c->rpc->work_tail = &c->next_work;
}

struct rpc_conn *rpc_next_ready(struct rpc *r)
{
    struct rpc_conn *c = r->ready;

    if (!c)
        return NULL;
    r->ready = c->next_ready;
    if (!r->ready)
        r->ready_tail = &r->ready;
    c->ready_queued = false;
    return c;
}

void rpc_conn_kill(struct rpc_conn *c)
{
    c->dead = true;
    rpc_conn_wake(c);
}

/* --- life --- */

static void stalled(struct rpc_timer *t, struct mt_now now)
{
    struct rpc_conn *c = (struct rpc_conn *)((char *)t - offsetof(struct rpc_conn, stall));

    mt_logf(c->rpc->cfg.env, MT_LOG_INFO, "rpc", "client %lld reads nothing for 60 s: closed",
            (long long)c->cred.pid);
    rpc_conn_kill(c);
}

struct rpc_conn *rpc_accept(struct rpc *r, struct mt_now now, const struct rpc_cred *cred,
                            struct rpc_profile *profile)
{
    struct rpc_conn *c;

    if (r->bytes > RPC_TOTAL_MAX)
        return NULL;
    c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->rpc = r;
    c->cred = *cred;
    c->cred.groups = NULL; /* borrowed */
    c->admitted = rpc_admits(r, cred, profile);
    c->profile = rpc_profile_ref(profile);
    c->held_tail = &c->held;
    c->out.limit = RPC_TOTAL_MAX;
    c->stall.fire = stalled;
    c->defaults.flood_wait = 10;
    c->could_read = true;
    rpc_scan_init(&c->scan);
    c->next = r->conns;
    if (c->next)
        c->next->prev = c;
    r->conns = c;
    r->n_conns++;
    r->accepted++;
    return c;
}

static void unlink_from(struct rpc_conn **list, struct rpc_conn ***tail, struct rpc_conn *c, bool ready)
{
    struct rpc_conn **at = list;

    while (*at && *at != c)
        at = ready ? &(*at)->next_ready : &(*at)->next_work;
    if (*at)
        *at = ready ? c->next_ready : c->next_work;
    while (*at)
        at = ready ? &(*at)->next_ready : &(*at)->next_work;
    *tail = at;
}

static void holds_no_more(struct rpc_conn *c);

static void drop_held(struct rpc_conn *c)
{
    while (c->held) {
        struct rpc_held *h = c->held;

        c->held = h->next;
        c->rpc->waiting_sync -= h->hold == RPC_HOLD_SYNC && h->committed;
        rpc_parts_free(h->parts);
        free(h);
    }
    c->held_tail = &c->held;
    c->held_bytes = 0;
    holds_no_more(c);
}

void rpc_closed(struct rpc_conn *c, struct mt_now now)
{
    struct rpc *r;

    if (!c)
        return;
    r = c->rpc;
    c->dead = true;
    rpc_subs_of_conn_end(c, now);
    while (c->reqs)
        rpc_req_orphan(c->reqs, now);
    if (c->ready_queued)
        unlink_from(&r->ready, &r->ready_tail, c, true);
    if (c->work_queued)
        unlink_from(&r->work, &r->work_tail, c, false);
    rpc_timer_clear(&r->timers, &c->stall);
    drop_held(c);
    r->bytes -= c->counted;
    if (c->prev)
        c->prev->next = c->next;
    else
        r->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    r->n_conns--;
    rpc_profile_unref(c->profile);
    rpc_options_fini(&c->defaults);
    rpc_scan_fini(&c->scan);
    tl_out_free(&c->in);
    tl_out_free(&c->out);
    free(c);
}

void rpc_conn_set_owner(struct rpc_conn *c, void *owner)
{
    c->owner = owner;
}

void *rpc_conn_owner(const struct rpc_conn *c)
{
    return c->owner;
}

/* --- in --- */

static void scanned(struct rpc_conn *c, struct mt_now now, enum rpc_scan_event event)
{
    char text[160];

    switch (event) {
    case RPC_SCAN_MORE:
        break;
    case RPC_SCAN_VALUE:
        rpc_take_value(c, now);
        break;
    case RPC_SCAN_BAD:
        snprintf(text, sizeof text, "this is not JSON: %s", c->scan.why);
        rpc_conn_error(c, now, RPC_E_PARSE_ERROR, text, c->scan.shown);
        break;
    case RPC_SCAN_LIMIT:
        rpc_conn_error(c, now, RPC_E_TOO_LARGE, c->scan.why, c->scan.shown);
        break;
    case RPC_SCAN_HTTP:
        rpc_conn_error(
            c, now, RPC_E_PARSE_ERROR,
            "this is not HTTP: send one JSON object per line, for example {\"method\":\"getInfo\"}",
            c->scan.shown);
        break;
    case RPC_SCAN_NOMEM:
        rpc_conn_error(c, now, RPC_E_BUSY, "no memory for this value", NULL);
        break;
    }
}

/* All clients together hold too much: what is being read is given up, by whoever is reading. */
static bool over_total(struct rpc_conn *c, struct mt_now now)
{
    count(c);
    if (c->rpc->bytes <= RPC_TOTAL_MAX || c->scan.value.len < OUT_KEEP)
        return false;
    rpc_scan_abort(&c->scan);
    rpc_conn_error(c, now, RPC_E_BUSY, "all clients together hold too much memory", NULL);
    count(c);
    return true;
}

/*
 * What may be fed now. Beyond the share it is the space up to the next value, the newline above all: who has
 * asked its one thing must not stand in the queue of those who pipeline for that.
 */
static size_t portion(const struct rpc_conn *c, bool more)
{
    size_t n = 0, left = c->in.len - c->in_at;
    const uint8_t *p = c->in.data + c->in_at;

    if (more)
        return left;
    while (n < left && (p[n] == '\n' || p[n] == '\r' || p[n] == ' ' || p[n] == '\t'))
        n++;
    return n;
}

void rpc_conn_pump(struct rpc_conn *c, struct mt_now now, size_t share)
{
    size_t values = 0, bytes = 0, before = rpc_conn_unread(c), n;

    c->pumping = true;
    while (c->in_at < c->in.len && may_take(c) && bytes < RPC_SHARE_BYTES &&
           (n = portion(c, values < share && rpc_conn_unread(c) < before + RPC_SHARE_OUT))) {
        enum rpc_scan_event event;
        size_t took = rpc_scan_feed(&c->scan, c->in.data + c->in_at, n, &event);

        c->in_at += took;
        bytes += took;
        values += event != RPC_SCAN_MORE;
        c->run += event != RPC_SCAN_MORE;
        if (event != RPC_SCAN_MORE || !over_total(c, now))
            scanned(c, now, event);
    }
    c->pumping = false;
    if (c->in_at == c->in.len) {
        c->loud = c->run > RPC_SHARE;
        c->run = 0;
        tl_out_reset(&c->in);
        c->in_at = 0;
        if (c->in.cap > OUT_KEEP)
            tl_out_free(&c->in);
        if (c->eof)
            scanned(c, now, rpc_scan_eof(&c->scan));
    } else if (may_take(c)) {
        rpc_conn_work(c);
    }
    count(c);
    if (rpc_is_done(c) || rpc_wants_read(c) != c->could_read) {
        c->could_read = rpc_wants_read(c);
        rpc_conn_wake(c);
    }
}

void rpc_feed(struct rpc_conn *c, struct mt_now now, const void *p, size_t n)
{
    if (c->dead || c->eof)
        return;
    if (c->in_at && c->in_at == c->in.len) {
        tl_out_reset(&c->in);
        c->in_at = 0;
    }
    tl_put_raw(&c->in, p, n);
    if (c->in.err) {
        rpc_conn_kill(c);
        return;
    }
    /*
     * One value at once, so that who asks one thing at a time is not behind those who pipeline. Who did so
     * with what it sent last waits in their queue from the beginning: many such at once would make one long
     * turn.
     */
    if (c->loud && c->rpc->work)
        rpc_conn_work(c);
    else if (!c->work_queued)
        rpc_conn_pump(c, now, c->rpc->work ? 1 : RPC_SHARE_ALONE);
}

void rpc_eof(struct rpc_conn *c, struct mt_now now)
{
    if (c->eof)
        return;
    c->eof = true;
    rpc_conn_pump(c, now, c->rpc->work ? 1 : RPC_SHARE_ALONE);
    rpc_conn_wake(c);
}

void rpc_conn_relax(struct rpc_conn *c)
{
    if (c->pumping)
        return; /* the pump sees to it when it ends */
    if (c->in_at < c->in.len)
        rpc_conn_work(c);
    else
        rpc_conn_wake(c);
}

/* --- out --- */

struct tl_slice rpc_output(struct rpc_conn *c)
{
    if (c->dead)
        return (struct tl_slice){NULL, 0};
    return (struct tl_slice){c->out.data ? c->out.data + c->out_at : NULL, c->out.len - c->out_at};
}

/* While a client reads nothing and much waits for it, its time runs. */
static void watch(struct rpc_conn *c, struct mt_now now, bool progress)
{
    bool much = rpc_conn_unread(c) >= RPC_UNREAD_MAX;

    if (!much)
        rpc_timer_clear(&c->rpc->timers, &c->stall);
    else if (progress || !c->stall.pos)
        rpc_timer_set(&c->rpc->timers, &c->stall, now.mono + RPC_STALL_US);
}

void rpc_wrote(struct rpc_conn *c, struct mt_now now, size_t n)
{
    if (n > c->out.len - c->out_at)
        n = c->out.len - c->out_at;
    c->out_at += n;
    c->written += n;
    if (c->out_at == c->out.len) {
        c->out_at = 0;
        tl_out_reset(&c->out);
        if (c->out.cap > OUT_KEEP) {
            tl_out_free(&c->out);
            c->out = (struct tl_out){.limit = RPC_TOTAL_MAX};
        }
    }
    watch(c, now, n > 0);
    rpc_subs_wrote(c, now);
    count(c);
    if (c->in_at < c->in.len && may_take(c))
        rpc_conn_work(c);
    if (rpc_is_done(c) || rpc_wants_read(c) != c->could_read) {
        c->could_read = rpc_wants_read(c);
        rpc_conn_wake(c);
    }
}

static void put_now(struct rpc_conn *c, const void *text, size_t n)
{
    if (c->out_at > OUT_KEEP && c->out_at > c->out.len / 2) {
        memmove(c->out.data, c->out.data + c->out_at, c->out.len - c->out_at);
        c->out.len -= c->out_at;
        c->out_at = 0;
    }
    tl_put_raw(&c->out, text, n);
    if (c->out.err)
        rpc_conn_kill(c);
    rpc_conn_wake(c);
}

/* Onto the list of those with held answers, and off it: a turn looks at these alone. */
static void holds(struct rpc_conn *c)
{
    c->prev_holding = NULL;
    c->next_holding = c->rpc->holding;
    if (c->next_holding)
        c->next_holding->prev_holding = c;
    c->rpc->holding = c;
}

static void holds_no_more(struct rpc_conn *c)
{
    if (c->prev_holding)
        c->prev_holding->next_holding = c->next_holding;
    else if (c->rpc->holding == c)
        c->rpc->holding = c->next_holding;
    else
        return; /* it was not on it */
    if (c->next_holding)
        c->next_holding->prev_holding = c->prev_holding;
    c->next_holding = c->prev_holding = NULL;
}

void rpc_conn_put(struct rpc_conn *c, struct mt_now now, const void *text, size_t n, enum rpc_hold hold)
{
    rpc_conn_hold(c, now, text, n, hold, NULL);
}

void rpc_conn_hold(struct rpc_conn *c, struct mt_now now, const void *text, size_t n, enum rpc_hold hold,
                   struct rpc_part *parts)
{
    struct rpc_held *h;

    if (c->dead) {
        rpc_parts_free(parts);
        return;
    }
    if (hold == RPC_HOLD_NONE) {
        rpc_parts_free(parts);
        put_now(c, text, n);
    } else {
        h = malloc(sizeof *h + n);
        if (!h) {
            rpc_parts_free(parts);
            rpc_conn_kill(c);
            return;
        }
        *h = (struct rpc_held){.hold = hold, .n = n, .parts = parts};
        memcpy(h->text, text, n);
        if (!c->held)
            holds(c);
        *c->held_tail = h;
        c->held_tail = &h->next;
        c->held_bytes += sizeof *h + n;
    }
    watch(c, now, false);
    count(c);
}

void rpc_conn_release(struct rpc_conn *c, struct mt_now now, bool synced)
{
    struct rpc_held **at = &c->held;

    while (*at) {
        struct rpc_held *h = *at;
        bool goes = !synced && h->hold == RPC_HOLD_COMMIT;

        if (!synced && h->hold == RPC_HOLD_SYNC && !h->committed) {
            h->committed = true;
            h->turn = c->rpc->committed;
            c->rpc->waiting_sync++;
        }
        goes = goes || (h->committed && h->turn <= c->rpc->synced);
        if (!goes) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        c->rpc->waiting_sync -= h->committed;
        c->held_bytes -= sizeof *h + h->n;
        put_now(c, h->text, h->n);
        rpc_parts_free(h->parts);
        free(h);
    }
    c->held_tail = at;
    if (!c->held)
        holds_no_more(c);
    count(c);
}

/* What was committed before and waits for its sync stays. */
void rpc_conn_undo(struct rpc_conn *c, struct mt_now now)
{
    struct rpc_held **at = &c->held;

    while (*at) {
        struct rpc_held *h = *at;
        struct tl_out out = {.limit = RPC_TOTAL_MAX};

        if (h->committed) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        c->held_bytes -= sizeof *h + h->n;
        rpc_undo_text(c->rpc, &out, h->text, h->n, h->parts);
        if (out.err)
            rpc_conn_kill(c);
        else
            put_now(c, out.data, out.len);
        tl_out_free(&out);
        rpc_parts_free(h->parts);
        free(h);
    }
    c->held_tail = at;
    if (!c->held)
        holds_no_more(c);
    count(c);
}
