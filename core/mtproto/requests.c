#include "core/mtproto/session.h"

#include <stdlib.h>

/* seal: 24 bytes of envelope, 32 of head, up to 27 of padding, rounded up */
#define PACKET_OVERHEAD 96

int mt_conn_submit(struct mt_conn *c, struct mt_now now, const struct mt_req *req)
{
    struct tl_out packed = {0};
    struct mt_msg *m;

    (void)now;
    if (!req->token || !req->n || req->n % 4)
        return MT_E_ARG;
    if (req->n > MT_PACKET_MAX - PACKET_OVERHEAD - mt_init_max(c))
        return MT_E_TOO_LARGE;
    if (mt_gzip_function(req->body, req->n, &packed))
        m = mt_msg_new(MT_MSG_RPC, packed.data, packed.len);
    else
        m = mt_msg_new(MT_MSG_RPC, req->body, req->n);
    if (packed.len)
        mt_wipe(packed.data, packed.len < MT_WIPE_MAX ? packed.len : MT_WIPE_MAX);
    tl_out_free(&packed);
    if (!m)
        return MT_E_NOMEM;
    m->node = mt_events_node();
    if (!m->node) {
        mt_msg_unref(m);
        return MT_E_NOMEM;
    }
    m->token = req->token;
    m->flags = req->flags;
    m->deadline = req->deadline;
    m->owner = c;
    m->serial = ++c->serial;
    if (m->deadline < c->next_expiry)
        c->next_expiry = m->deadline;
    mt_msg_append(&c->queued, m);
    return MT_OK;
}

static struct mt_msg_list *list_of(const struct mt_msg *m)
{
    return m->state == MT_MSG_QUEUED ? &m->owner->queued : &m->owner->flying;
}

void mt_request_end(struct mt_conn *c, struct mt_msg *m, const struct mt_dc_event *event, uint8_t *owned)
{
    struct mt_dc_event end = *event;

    end.token = m->token;
    if (end.kind == MT_DC_ERROR && m->doubtful)
        end.sent = MT_SENT_UNKNOWN;
    mt_events_push_node(c->events, m->node, &end, owned);
    m->node = NULL;
    mt_msg_remove(list_of(m), m);
    m->state = MT_MSG_DONE;
    mt_msg_drop_body(m);
    mt_msg_unref(m);
    if (!c->queued.n && !c->flying.n)
        c->next_expiry = MT_NEVER;
}

void mt_request_fail(struct mt_conn *c, struct mt_msg *m, int code, enum mt_sent sent)
{
    mt_request_end(c, m, &(struct mt_dc_event){.kind = MT_DC_FAILED, .code = code, .sent = sent}, NULL);
}

bool mt_request_may_repeat(const struct mt_msg *m)
{
    return m->flags & (MT_REQ_REPEATABLE | MT_REQ_RANDOM_ID);
}

void mt_request_requeue(struct mt_conn *c, struct mt_msg *m)
{
    (void)c;
    mt_msg_remove(list_of(m), m);
    m->state = MT_MSG_QUEUED;
    mt_msg_insert(&m->owner->queued, m);
}

void mt_request_lost(struct mt_conn *c, struct mt_msg *m)
{
    if (mt_request_may_repeat(m)) {
        m->doubtful = true;
        mt_request_requeue(c, m);
    } else {
        mt_request_fail(c, m, MT_E_TIMEOUT, MT_SENT_UNKNOWN);
    }
}

/* Whether some earlier sending of a queued request may have been executed. */
static enum mt_sent sent_state(const struct mt_msg *m)
{
    return m->state == MT_MSG_QUEUED && !m->doubtful ? MT_SENT_NO : MT_SENT_UNKNOWN;
}

static void drop_answer(struct mt_conn *c, uint64_t msg_id)
{
    struct tl_out body = {0};

    tl_put_u32(&body, MT_ID_RPC_DROP_ANSWER);
    tl_put_u64(&body, msg_id);
    mt_service_queue(c, MT_MSG_DROP, &body);
    tl_out_free(&body);
}

static struct mt_msg *by_token(const struct mt_msg_list *l, uint64_t token)
{
    for (struct mt_msg *m = l->head; m; m = m->next)
        if (m->token == token)
            return m;
    return NULL;
}

void mt_conn_cancel(struct mt_conn *c, struct mt_now now, uint64_t token)
{
    struct mt_msg *m = by_token(&c->queued, token);

    (void)now;
    if (!m) {
        m = by_token(&c->flying, token);
        if (!m)
            return;
        if (m->session_id == c->session_id)
            drop_answer(c, m->msg_id);
    }
    mt_request_fail(c, m, MT_E_STATE, sent_state(m));
}

void mt_conn_fail_all(struct mt_conn *c)
{
    while (c->queued.head)
        mt_request_fail(c, c->queued.head, MT_E_STATE, sent_state(c->queued.head));
    while (c->flying.head)
        mt_request_fail(c, c->flying.head, MT_E_STATE, MT_SENT_UNKNOWN);
}

bool mt_conn_withdraw(struct mt_conn *c, struct mt_now now, uint64_t token)
{
    struct mt_msg *m = by_token(&c->queued, token);

    (void)now;
    if (!m || sent_state(m) != MT_SENT_NO)
        return false;
    mt_request_fail(c, m, MT_E_STATE, MT_SENT_NO);
    return true;
}

size_t mt_conn_pending(const struct mt_conn *c)
{
    return c->queued.n + c->flying.n;
}

static void expire(struct mt_conn *c, const struct mt_msg_list *l, struct mt_now now, int64_t *next)
{
    for (struct mt_msg *m = l->head, *after; m; m = after) {
        after = m->next;
        if (m->deadline <= now.mono)
            mt_request_fail(c, m, MT_E_TIMEOUT, sent_state(m));
        else if (m->deadline < *next)
            *next = m->deadline;
    }
}

void mt_requests_expire(struct mt_conn *c, struct mt_now now)
{
    int64_t next = MT_NEVER;

    if (now.mono < c->next_expiry)
        return;
    expire(c, &c->queued, now, &next);
    expire(c, &c->flying, now, &next);
    c->next_expiry = next;
}

void mt_requests_link_up(struct mt_conn *c)
{
    for (struct mt_msg *m = c->flying.head, *next; m; m = next) {
        next = m->next;
        if (m->state != MT_MSG_SENT)
            continue;
        if (m->flags & MT_REQ_REPEATABLE) {
            m->doubtful = true;
            mt_request_requeue(c, m);
        } else {
            c->ask_states = true;
        }
    }
}

void mt_requests_link_down(struct mt_conn *c)
{
    /* Nobody will answer to the old session on a new link, nor can it be asked about. */
    for (struct mt_msg *m = c->flying.head, *next; m; m = next) {
        next = m->next;
        if (m->session_id != c->session_id)
            mt_request_lost(c, m);
    }
}

static void move_queued(struct mt_conn *to, struct mt_conn *from)
{
    while (from->queued.head) {
        struct mt_msg *m = from->queued.head;

        mt_msg_remove(&from->queued, m);
        m->owner = to;
        m->serial = ++to->serial;
        mt_msg_append(&to->queued, m);
        if (m->deadline < to->next_expiry)
            to->next_expiry = m->deadline;
    }
}

void mt_conn_take_over(struct mt_conn *to, struct mt_conn *from)
{
    to->silent = false;
    from->silent = true;
    from->heir = to;
    to->told_up = from->told_up;
    from->told_up = false;
    move_queued(to, from);
    mt_session_tell(to, &(struct mt_dc_event){.kind = MT_DC_NEW_SESSION, .other = true});
}

void mt_conn_give_up(struct mt_conn *from, struct mt_conn *to)
{
    while (from->flying.head)
        mt_request_lost(from, from->flying.head);
    move_queued(to, from);
}

bool mt_conn_is_spent(const struct mt_conn *c)
{
    return !c->queued.n && !c->flying.n && !c->acks.pending.n && !c->acks.held.n;
}
