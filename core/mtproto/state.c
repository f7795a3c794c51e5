/*
 * Who has what: asking the server about our messages, answering its questions about its own, and fetching
 * answers that it only announces.
 *
 *     a byte of msgs_state_info: low three bits 1 nothing known, 2 and 3 not received, 4 received
 *
 * What we have received and not committed is "not received": the server must keep it.
 */
#include "core/mtproto/session.h"

#define STATE_BITS     7
#define STATE_UNKNOWN  1
#define STATE_MISSING  2
#define STATE_TOO_HIGH 3
#define STATE_RECEIVED 4
#define STATE_ANSWERED 64 /* a flag beside 4: the answer is there */

void mt_ask_states(struct mt_conn *c, int64_t before)
{
    struct tl_out body = {0};
    uint32_t n = 0;

    tl_put_u32(&body, MT_ID_STATE_REQ);
    tl_put_vector(&body, 0);
    for (const struct mt_msg *m = c->flying.head; m && n < MT_STATE_REQ_MAX; m = m->next) {
        bool earlier_link = m->link_no != c->link_no && m->state == MT_MSG_SENT;

        if (m->session_id != c->session_id || !(m->sent_at <= before || earlier_link))
            continue;
        tl_put_u64(&body, m->msg_id);
        n++;
    }
    if (n && !body.err) {
        tl_patch_u32(&body, 8, n);
        mt_service_queue(c, MT_MSG_STATE_REQ, &body);
    }
    tl_out_free(&body);
}

/* The server does not have it: sent again, but not for ever. */
static int missing(struct mt_conn *c, struct mt_now now, uint64_t msg_id)
{
    if (mt_session_guard(c, now, MT_C_ASKED_FOR, msg_id))
        return MT_E_STATE;
    mt_send_again(c, msg_id, true);
    return MT_OK;
}

/* It says that the answer left, and on a connection nothing overtakes anything: the answer is lost. On the
 * next connection the server says again what was not acknowledged. */
static int answered(struct mt_conn *c, struct mt_msg *m)
{
    m->state = MT_MSG_ACKED;
    if (++m->said != MT_SAID_MAX)
        return MT_OK;
    mt_logf(c->env, MT_LOG_WARN, "conn", "an answer never came");
    return MT_E_TIMEOUT;
}

static int apply_state(struct mt_conn *c, struct mt_now now, uint64_t msg_id, uint8_t state)
{
    struct mt_sent_id *sent = mt_sent_find(&c->sent, msg_id);
    struct mt_msg *m = sent ? sent->msg : NULL;

    if (!m || m->kind != MT_MSG_RPC || m->msg_id != msg_id || m->session_id != c->session_id)
        return MT_OK;
    if (m->state != MT_MSG_SENT && m->state != MT_MSG_ACKED)
        return MT_OK;
    switch (state & STATE_BITS) {
    case STATE_UNKNOWN:
        mt_request_lost(c, m);
        return MT_OK;
    case STATE_MISSING:
    case STATE_TOO_HIGH:
        return missing(c, now, msg_id);
    case STATE_RECEIVED:
        if (state & STATE_ANSWERED)
            return answered(c, m);
        m->state = MT_MSG_ACKED;
        return MT_OK;
    default:
        return MT_OK;
    }
}

static int apply_states(struct mt_conn *c, struct mt_now now, struct tl_in ids, struct tl_slice info)
{
    uint32_t count = tl_vector(&ids, 8);
    int err = MT_OK;

    if (count != info.n)
        return MT_OK;
    for (uint32_t i = 0; i < count && !err; i++)
        err = apply_state(c, now, tl_u64(&ids), info.p[i]);
    return err;
}

int mt_on_state_info(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    struct mt_sent_id *sent;
    struct tl_slice info;

    tl_u32(&r);
    sent = mt_sent_find(&c->sent, tl_u64(&r));
    info = tl_bytes(&r);
    if (r.err || !sent || !sent->msg || sent->msg->kind != MT_MSG_STATE_REQ ||
        sent->msg->state != MT_MSG_SENT)
        return MT_OK;
    sent->msg->state = MT_MSG_DONE;
    return apply_states(c, now, tl_in(sent->msg->body + 4, sent->msg->n - 4), info);
}

int mt_on_all_info(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n), ids;
    struct tl_slice info;
    uint32_t count;

    tl_u32(&r);
    ids = r;
    count = tl_vector(&r, 8);
    tl_raw(&r, (size_t)count * 8);
    info = tl_bytes(&r);
    return r.err ? MT_OK : apply_states(c, now, ids, info);
}

static uint8_t state_of(const struct mt_conn *c, uint64_t id)
{
    const struct mt_window *w = &c->window;

    if (mt_sent_find(&c->sent, id))
        return STATE_RECEIVED;
    if (mt_ids_has(&c->acks.held, id))
        return STATE_MISSING;
    switch (mt_window_look(w, id)) {
    case MT_SEEN_BEFORE:
        return STATE_RECEIVED;
    case MT_SEEN_TOO_OLD:
        return STATE_UNKNOWN;
    case MT_SEEN_NEVER:
        break;
    }
    if (!w->n || id > w->ids[w->n - 1])
        return STATE_TOO_HIGH;
    return id < w->ids[0] ? STATE_UNKNOWN : STATE_MISSING;
}

/* msgs_state_info about ids of the server's that `in` asks for. */
static void answer_states(struct mt_conn *c, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    uint8_t info[MT_STATE_REQ_MAX];
    struct tl_out body = {0};
    uint32_t count;

    tl_u32(&r);
    count = tl_vector(&r, 8);
    if (r.err || !count || count > MT_STATE_REQ_MAX)
        return;
    for (uint32_t i = 0; i < count; i++)
        info[i] = state_of(c, tl_u64(&r));
    tl_put_u32(&body, MT_ID_STATE_INFO);
    tl_put_u64(&body, in->msg_id);
    tl_put_bytes(&body, info, count);
    mt_service_queue(c, MT_MSG_STATE_INFO, &body);
    tl_out_free(&body);
}

void mt_on_state_req(struct mt_conn *c, const struct mt_in_msg *in)
{
    answer_states(c, in);
}

/* The server wants messages of ours again: it does not have them. */
int mt_on_resend_req(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    uint32_t count;
    bool others = false;
    int err = MT_OK;

    tl_u32(&r);
    count = tl_vector(&r, 8);
    if (count > MT_STATE_REQ_MAX)
        return MT_OK;
    while (count-- && !err) {
        uint64_t id = tl_u64(&r);

        if (mt_is_named(c, id))
            err = missing(c, now, id);
        else
            others = true;
    }
    if (others && !err)
        answer_states(c, in);
    return err;
}

void mt_fetch(struct mt_conn *c, const uint64_t *msg_ids, size_t n)
{
    struct tl_out body = {0};

    tl_put_u32(&body, MT_ID_RESEND_REQ);
    tl_put_vector(&body, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        tl_put_u64(&body, msg_ids[i]);
    mt_service_queue(c, MT_MSG_RESEND_REQ, &body);
    tl_out_free(&body);
}

void mt_on_detailed_info(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    bool of_request = tl_u32(&r) == MT_ID_DETAILED_INFO;
    uint64_t msg_id = of_request ? tl_u64(&r) : 0;
    uint64_t answer_id = tl_u64(&r);
    struct mt_sent_id *sent = mt_sent_find(&c->sent, msg_id);
    bool wanted = !of_request || (sent && sent->msg && sent->msg->state != MT_MSG_DONE);

    if (r.err)
        return;
    if (!wanted || mt_window_look(&c->window, answer_id) != MT_SEEN_NEVER)
        mt_acks_add(&c->acks, now, answer_id);
    else
        mt_fetch(c, &answer_id, 1);
}
