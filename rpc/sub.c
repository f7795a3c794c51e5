#include "rpc/sub.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Rows that one subscription, and all together, read in a turn. */
#define READ_AT_ONCE 64
#define READ_IN_TURN 256
#define STORE_US     MT_US_PER_S

/* --- cursors --- */

int rpc_cursor_compare(struct rpc_cursor a, struct rpc_cursor b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    return a.number < b.number ? -1 : a.number > b.number;
}

struct rpc_cursor rpc_journal_start(struct rpc *r)
{
    struct rpc_cursor c = r->cfg.host->journal_oldest(r->cfg.host->ctx);

    if (c.number)
        c.number--;
    return c;
}

static int no_row(void *arg, const struct rpc_event *e)
{
    return 1;
}

bool rpc_cursor_valid(struct rpc *r, struct rpc_cursor c)
{
    const struct rpc_host *h = r->cfg.host;
    uint64_t lost;

    return h->journal_read(h->ctx, c, 1, no_row, NULL, &lost) >= 0;
}

struct losses {
    const struct rpc_filter *filter;
    uint64_t count;
    struct rpc_cursor last;
};

static int add_loss(void *arg, int32_t account, uint64_t count, struct rpc_cursor last)
{
    struct losses *l = arg;

    if (!rpc_filter_admits(l->filter, account))
        return 0;
    l->count += count;
    if (rpc_cursor_compare(last, l->last) > 0)
        l->last = last;
    return 0;
}

uint64_t rpc_journal_lost(struct rpc *r, const struct rpc_filter *f, struct rpc_cursor at,
                          struct rpc_cursor *last)
{
    const struct rpc_host *h = r->cfg.host;
    struct losses l = {.filter = f};

    if (h->journal_lost(h->ctx, at, add_loss, &l) < 0)
        return 0;
    *last = l.last;
    return l.count;
}

/* --- life --- */

static void store_ack(struct rpc_sub *s)
{
    const struct rpc_host *h = s->rpc->cfg.host;

    rpc_timer_clear(&s->rpc->timers, &s->store);
    if (s->has_left && !s->rpc->ending)
        h->sub_put(h->ctx, s->name, s->left);
    s->has_left = false;
}

static void store_due(struct rpc_timer *t, struct mt_now now)
{
    store_ack((struct rpc_sub *)((char *)t - offsetof(struct rpc_sub, store)));
}

static void put_line(struct rpc_sub *s, struct mt_now now, struct tl_out *line)
{
    if (line->err)
        rpc_conn_kill(s->conn);
    else
        rpc_conn_put(s->conn, now, line->data, line->len, RPC_HOLD_NONE);
    s->quiet_since = now.mono;
    tl_out_free(line);
}

/* An event that nobody journaled: built from its own members. */
static void push_own(struct rpc_sub *s, struct mt_now now, const char *type, json_t *members)
{
    json_t *params = json_pack("{s:I,s:s,s:I}", "subscription", (json_int_t)s->number, "type", type, "time",
                               (json_int_t)(now.wall / MT_US_PER_S));
    json_t *line = NULL;
    struct tl_out out = {.limit = 65536};

    if (params && members)
        json_object_set(params, type, members);
    json_decref(members);
    if (params)
        line = json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "method", "event", "params", params);
    if (line)
        rpc_json_put(&out, line);
    tl_put_raw(&out, "\n", 1);
    json_decref(line);
    put_line(s, now, &out);
}

static void beat(struct rpc_timer *t, struct mt_now now)
{
    struct rpc_sub *s = (struct rpc_sub *)((char *)t - offsetof(struct rpc_sub, beat));

    if (now.mono - s->quiet_since >= s->heartbeat) {
        if (rpc_conn_unread(s->conn) < RPC_PUSH_AHEAD)
            push_own(s, now, "heartbeat", NULL);
        s->quiet_since = now.mono;
    }
    rpc_timer_set(&s->rpc->timers, t, s->quiet_since + s->heartbeat);
}

void rpc_sub_heartbeat(struct rpc_sub *s, struct mt_now now, double seconds)
{
    s->heartbeat = (int64_t)(seconds * (double)MT_US_PER_S);
    s->quiet_since = now.mono;
    rpc_timer_set(&s->rpc->timers, &s->beat, now.mono + s->heartbeat);
}

struct rpc_sub *rpc_sub_new(struct rpc_conn *c, struct rpc_filter *filter, const struct rpc_shape *shape,
                            struct rpc_cursor at)
{
    struct rpc_sub *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->rpc = c->rpc;
    s->conn = c;
    s->number = ++c->next_sub;
    s->filter = filter;
    s->shape = *shape;
    s->at = at;
    s->store.fire = store_due;
    s->beat.fire = beat;
    s->next = c->subs;
    c->subs = s;
    s->next_all = c->rpc->subs;
    if (s->next_all)
        s->next_all->prev_all = s;
    c->rpc->subs = s;
    c->rpc->n_subs++;
    c->n_subs++;
    s->counted = sizeof *s + rpc_filter_size(filter);
    c->rpc->bytes += s->counted;
    c->rpc->subs_due = true;
    return s;
}

void rpc_sub_end(struct rpc_sub *s, struct mt_now now, const char *reason)
{
    struct rpc *r = s->rpc;
    struct rpc_sub **at = &s->conn->subs;

    if (reason) {
        char text[160];
        int n = snprintf(text, sizeof text,
                         "{\"jsonrpc\":\"2.0\",\"method\":\"closed\",\"params\":{\"subscription\":%" PRId64
                         ",\"reason\":\"%s\"}}\n",
                         s->number, reason);

        rpc_conn_put(s->conn, now, text, (size_t)n, RPC_HOLD_NONE);
    }
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (s->prev_all)
        s->prev_all->next_all = s->next_all;
    else
        r->subs = s->next_all;
    if (s->next_all)
        s->next_all->prev_all = s->prev_all;
    if (r->sub_first == s)
        r->sub_first = s->next_all;
    r->n_subs--;
    s->conn->n_subs--;
    r->bytes -= s->counted;
    store_ack(s);
    rpc_timer_clear(&r->timers, &s->beat);
    rpc_filter_free(s->filter);
    rpc_shape_fini(&s->shape);
    rpc_conn_wake(s->conn); /* after a half-close it may be done now */
    free(s);
}

struct rpc_sub *rpc_sub_by_number(struct rpc_conn *c, int64_t number)
{
    struct rpc_sub *s = c->subs;

    while (s && s->number != number)
        s = s->next;
    return s;
}

struct rpc_sub *rpc_sub_by_name(struct rpc *r, const char *name)
{
    struct rpc_sub *s = r->subs;

    while (s && strcmp(s->name, name) != 0)
        s = s->next_all;
    return s;
}

bool rpc_name_holder(struct rpc *r, const char *name, struct rpc_sub **sub, struct rpc_req **req,
                     int64_t *pid)
{
    *req = NULL;
    *sub = rpc_sub_by_name(r, name);
    for (struct rpc_req *q = r->parked; q && !*sub && !*req; q = q->next_parked)
        if (q->holds && strcmp(q->holds, name) == 0)
            *req = q;
    *pid = *sub ? (*sub)->conn->cred.pid : *req && (*req)->conn ? (*req)->conn->cred.pid : 0;
    return *sub || *req;
}

/* --- reading on --- */

struct push {
    struct rpc_sub *s;
    struct mt_now now;
    size_t rows;
    bool full;
};

static int push_row(void *arg, const struct rpc_event *e)
{
    struct push *p = arg;
    struct rpc_sub *s = p->s;
    struct tl_out line = {.limit = RPC_VALUE_MAX};

    p->rows++;
    s->at = e->cursor;
    if (!rpc_filter_match(s->filter, e))
        return 0;
    rpc_event_line(&line, s->number, e, &s->shape);
    put_line(s, p->now, &line);
    p->full = s->conn->dead || rpc_conn_unread(s->conn) >= RPC_PUSH_AHEAD;
    return p->full;
}

/* Once for each stretch, wherever it lies: accounts lose their oldest events one without the other. */
static void tell_losses(struct rpc_sub *s, struct mt_now now)
{
    struct rpc_cursor from = rpc_cursor_compare(s->at, s->lost_told) > 0 ? s->at : s->lost_told, last;
    uint64_t lost = rpc_journal_lost(s->rpc, s->filter, from, &last);
    char from_text[32], to_text[32];

    if (!lost)
        return;
    rpc_cursor_text(from, from_text);
    rpc_cursor_text(last, to_text);
    push_own(
        s, now, "lagged",
        json_pack("{s:s,s:s,s:I}", "lost_from", from_text, "lost_to", to_text, "count", (json_int_t)lost));
    s->lost_told = last;
}

static void tell_missed(struct rpc_sub *s, struct mt_now now)
{
    if (!s->missed || s->conn->dead || rpc_conn_unread(s->conn) >= RPC_PUSH_AHEAD)
        return;
    push_own(s, now, "lagged", json_pack("{s:I}", "count", (json_int_t)s->missed));
    s->missed = 0;
}

static void mark_auto(struct rpc_sub *s)
{
    uint64_t end = s->conn->written + (s->conn->out.len - s->conn->out_at);

    if (!s->auto_ack)
        return;
    if (!s->marked) {
        s->marked = true;
        s->mark = end;
        s->mark_at = s->at;
    }
    s->next_mark = end;
}

/* Reads up to so many rows; how many it were. */
static size_t read_on(struct rpc_sub *s, struct mt_now now, size_t limit)
{
    const struct rpc_host *h = s->rpc->cfg.host;
    struct rpc_cursor end = h->journal_end(h->ctx), from = s->at;
    struct push p = {.s = s, .now = now};
    uint64_t lost = 0;
    int r;

    if (s->conn->dead || rpc_conn_unread(s->conn) >= RPC_PUSH_AHEAD || rpc_cursor_compare(s->at, end) == 0)
        return 0;
    tell_losses(s, now);
    r = h->journal_read(h->ctx, s->at, limit, push_row, &p, &lost);
    if (r < 0) {
        rpc_sub_end(s, now, "the journal cannot be read from here");
        return p.rows;
    }
    if (!p.full && p.rows < limit)
        s->at = end; /* rows that are gone by their own time are passed too */
    else if (!p.full)
        s->rpc->subs_due = true; /* more in another turn */
    if (rpc_cursor_compare(from, s->at) != 0)
        mark_auto(s);
    return p.rows;
}

static void push_live(struct rpc_sub *s, struct mt_now now)
{
    for (const struct rpc_live *l = s->rpc->live; l; l = l->next) {
        struct tl_out line = {.limit = RPC_VALUE_MAX};

        if (s->conn->dead || !rpc_filter_match(s->filter, &l->e))
            continue;
        if (rpc_conn_unread(s->conn) >= RPC_PUSH_AHEAD) {
            s->missed += l->unkept;
            continue;
        }
        rpc_event_line(&line, s->number, &l->e, &s->shape);
        put_line(s, now, &line);
    }
}

/* In a ring, so that a turn that ends early goes on with those who had nothing yet. */
static void read_all_on(struct rpc *r, struct mt_now now)
{
    size_t left = READ_IN_TURN, n = r->n_subs;
    struct rpc_sub *s = r->sub_first ? r->sub_first : r->subs;

    for (; s && n && left; n--) {
        size_t rows;

        r->sub_first = s->next_all; /* kept right by rpc_sub_end() */
        rows = read_on(s, now, left < READ_AT_ONCE ? left : READ_AT_ONCE);
        left -= rows < left ? rows : left;
        s = r->sub_first ? r->sub_first : r->subs;
    }
    if (n)
        r->subs_due = true;
}

void rpc_subs_committed(struct rpc *r, struct mt_now now)
{
    struct rpc_cursor end = r->cfg.host->journal_end(r->cfg.host->ctx);

    if (!r->live && !r->subs_due && rpc_cursor_compare(r->subs_seen, end) == 0)
        return;
    r->subs_seen = end;
    r->subs_due = false;
    for (struct rpc_sub *s = r->subs, *next; s; s = next) {
        next = s->next_all;
        tell_missed(s, now);
        if (r->live)
            push_live(s, now);
    }
    read_all_on(r, now);
}

void rpc_subs_of_conn_end(struct rpc_conn *c, struct mt_now now)
{
    while (c->subs)
        rpc_sub_end(c->subs, now, NULL);
}

/* The kernel took bytes: auto acks, and room to read on in the next turn. */
void rpc_subs_wrote(struct rpc_conn *c, struct mt_now now)
{
    const struct rpc_host *h = c->rpc->cfg.host;

    for (struct rpc_sub *s = c->subs; s; s = s->next) {
        if (s->marked && c->written >= s->mark) {
            bool all = c->written >= s->next_mark;

            s->left = all ? s->at : s->mark_at;
            s->has_left = true;
            s->marked = !all;
            s->mark = s->next_mark;
            s->mark_at = s->at;
            if (!s->store.pos)
                rpc_timer_set(&c->rpc->timers, &s->store, now.mono + STORE_US);
        }
        if (rpc_conn_unread(c) < RPC_PUSH_AHEAD &&
            (s->missed || rpc_cursor_compare(s->at, h->journal_end(h->ctx)) != 0))
            c->rpc->subs_due = true;
    }
}
