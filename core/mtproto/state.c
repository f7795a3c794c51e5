/*
 * Who has what: asking the server about our messages, answering its questions about its own, and fetching
 * answers that it only announces.
 *
 *     a byte of msgs_state_info: low three bits 1 nothing known, 2 and 3 not received, 4 received
 */
#include "core/mtproto/session.h"

#define STATE_BITS     7
#define STATE_UNKNOWN  1
#define STATE_MISSING  2
#define STATE_TOO_HIGH 3
#define STATE_RECEIVED 4

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

static void apply_state(struct mt_conn *c, uint64_t msg_id, uint8_t state)
{
    struct mt_sent_id *sent = mt_sent_find(&c->sent, msg_id);
    struct mt_msg *m = sent ? sent->msg : NULL;

    if (!m || m->kind != MT_MSG_RPC || m->msg_id != msg_id || m->session_id != c->session_id)
        return;
    if (m->state != MT_MSG_SENT && m->state != MT_MSG_ACKED)
        return;
    switch (state & STATE_BITS) {
    case STATE_UNKNOWN:
        mt_request_lost(c, m);
        break;
    case STATE_MISSING:
    case STATE_TOO_HIGH:
        mt_request_requeue(c, m);
        break;
    case STATE_RECEIVED:
        m->state = MT_MSG_ACKED;
        break;
    default:
        break;
    }
}

static void apply_states(struct mt_conn *c, struct tl_in ids, struct tl_slice info)
{
    uint32_t count = tl_vector(&ids, 8);

    if (count != info.n)
        return;
    for (uint32_t i = 0; i < count; i++)
        apply_state(c, tl_u64(&ids), info.p[i]);
}

void mt_on_state_info(struct mt_conn *c, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    struct mt_sent_id *sent;
    struct tl_slice info;

    tl_u32(&r);
    sent = mt_sent_find(&c->sent, tl_u64(&r));
    info = tl_bytes(&r);
    if (r.err || !sent || !sent->msg || sent->msg->kind != MT_MSG_STATE_REQ ||
        sent->msg->state != MT_MSG_SENT)
        return;
    sent->msg->state = MT_MSG_DONE;
    apply_states(c, tl_in(sent->msg->body + 4, sent->msg->n - 4), info);
}

void mt_on_all_info(struct mt_conn *c, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n), ids;
    struct tl_slice info;
    uint32_t count;

    tl_u32(&r);
    ids = r;
    count = tl_vector(&r, 8);
    tl_raw(&r, (size_t)count * 8);
    info = tl_bytes(&r);
    if (!r.err)
        apply_states(c, ids, info);
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
    for (uint32_t i = 0; i < count; i++) {
        uint64_t id = tl_u64(&r);
        struct mt_sent_id *sent = mt_sent_find(&c->sent, id);
        bool known = sent || mt_window_look(&c->window, id) == MT_SEEN_BEFORE;

        info[i] = known ? STATE_RECEIVED : STATE_UNKNOWN;
    }
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
void mt_on_resend_req(struct mt_conn *c, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    uint32_t count;
    bool others = false;

    tl_u32(&r);
    count = tl_vector(&r, 8);
    while (count--) {
        uint64_t id = tl_u64(&r);
        struct mt_sent_id *sent = mt_sent_find(&c->sent, id);

        if (sent && sent->msg && sent->msg->kind == MT_MSG_RPC && sent->msg->msg_id == id &&
            sent->msg->state != MT_MSG_DONE)
            mt_message_refused(c, sent->msg);
        else
            others = true;
    }
    if (others)
        answer_states(c, in);
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
