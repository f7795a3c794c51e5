/* Service messages of the server about the session itself. */
#include "core/mtproto/session.h"

static void service_done(struct mt_conn *c, uint64_t msg_id)
{
    struct mt_sent_id *sent = mt_sent_find(&c->sent, msg_id);

    if (sent && sent->msg && sent->msg->kind != MT_MSG_RPC && sent->msg->state == MT_MSG_SENT)
        sent->msg->state = MT_MSG_DONE;
}

/* --- complaints --- */

struct complaint {
    uint64_t msg_id; /* of ours, or of a container of ours */
    enum mt_complaint what;
    bool known; /* a code that has a name */
    int64_t salt;
};

static const struct {
    int32_t code;
    enum mt_complaint what;
} codes[] = {
    {16, MT_C_ID_LOW},   {17, MT_C_ID_HIGH}, {18, MT_C_ID_BITS},   {19, MT_C_CONTAINER_ID},
    {20, MT_C_TOO_OLD},  {32, MT_C_SEQ_LOW}, {33, MT_C_SEQ_HIGH},  {34, MT_C_SEQ_ODD},
    {35, MT_C_SEQ_EVEN}, {48, MT_C_SALT},    {64, MT_C_CONTAINER},
};

static bool read_complaint(const struct mt_in_msg *in, struct complaint *out)
{
    struct tl_in r = tl_in(in->p, in->n);
    bool salt = tl_u32(&r) == MT_ID_BAD_SALT;
    int32_t code;

    *out = (struct complaint){.what = MT_C_TOO_OLD};
    out->msg_id = tl_u64(&r);
    tl_u32(&r);
    code = tl_int(&r);
    if (salt)
        out->salt = tl_long(&r);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == code && salt == (code == 48)) {
            out->what = codes[i].what;
            out->known = true;
        }
    return !r.err;
}

/* Whether an id of mt_sent is the newest of a message that waits for an answer. */
static bool is_current(const struct mt_sent_id *sent)
{
    const struct mt_msg *m = sent->msg;

    return m && m->msg_id == sent->msg_id && (m->state == MT_MSG_SENT || m->state == MT_MSG_ACKED);
}

static bool is_named(const struct mt_sent_id *sent, uint64_t msg_id)
{
    return (sent->msg_id == msg_id || sent->container_id == msg_id) && is_current(sent);
}

bool mt_is_named(const struct mt_conn *c, uint64_t msg_id)
{
    if (!mt_sent_find(&c->sent, msg_id))
        return false;
    for (size_t i = 0; i < c->sent.n; i++)
        if (is_named(&c->sent.v[i], msg_id))
            return true;
    return false;
}

void mt_send_again(struct mt_conn *c, uint64_t msg_id, bool proven)
{
    for (size_t i = 0; i < c->sent.n; i++) {
        struct mt_sent_id *sent = &c->sent.v[i];

        if (!is_named(sent, msg_id))
            continue;
        if (!proven && sent->msg->kind == MT_MSG_RPC)
            mt_request_lost(c, sent->msg);
        else
            mt_message_refused(c, sent->msg);
    }
}

static void react(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in,
                  const struct complaint *why)
{
    switch (why->what) {
    case MT_C_SALT:
        mt_salts_told(&c->salts, why->salt, mt_session_server_s(c, now));
        mt_session_salts_changed(c);
        return;
    case MT_C_ID_LOW:
        mt_clock_set(&c->clock, now, in->msg_id);
        mt_session_clock_moved(c, now);
        if (!in->old_session)
            mt_session_missed(c, true);
        return;
    case MT_C_ID_HIGH:
        if (in->old_session)
            return;
        mt_clock_set(&c->clock, now, in->msg_id);
        mt_session_clock_moved(c, now);
        mt_session_reset(c, now);
        return;
    case MT_C_TOO_OLD:
        return;
    case MT_C_ID_BITS:
    case MT_C_CONTAINER_ID:
    case MT_C_SEQ_LOW:
    case MT_C_SEQ_HIGH:
    case MT_C_SEQ_ODD:
    case MT_C_SEQ_EVEN:
    case MT_C_CONTAINER:
        if (!in->old_session)
            mt_session_reset(c, now);
        return;
    case MT_C_ASKED_FOR: /* no complaint has it */
    case MT_C_COUNT:
        return;
    }
}

int mt_on_bad_msg(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in)
{
    struct complaint why;

    if (!read_complaint(in, &why) || !mt_is_named(c, why.msg_id))
        return MT_OK;
    mt_logf(c->env, MT_LOG_INFO, "conn", "complaint %u of the server", (unsigned)why.what);
    if (!in->old_session && mt_session_guard(c, now, why.what, why.msg_id))
        return MT_E_STATE;
    mt_send_again(c, why.msg_id, why.known && why.what != MT_C_TOO_OLD);
    react(c, now, in, &why);
    return MT_OK;
}

/* --- the rest --- */

static bool session_is_known(struct mt_conn *c, uint64_t unique_id)
{
    for (size_t i = 0; i < c->n_unique_ids && i < MT_UNIQUE_IDS; i++)
        if (c->unique_ids[i] == unique_id)
            return true;
    c->unique_ids[c->n_unique_ids++ % MT_UNIQUE_IDS] = unique_id;
    return false;
}

void mt_on_new_session(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    uint64_t first, unique_id;
    int64_t salt;

    tl_u32(&r);
    first = tl_u64(&r);
    unique_id = tl_u64(&r);
    salt = tl_long(&r);
    if (r.err || session_is_known(c, unique_id))
        return;
    if (!mt_salts_valid(&c->salts, mt_session_server_s(c, now))) {
        mt_salts_told(&c->salts, salt, mt_session_server_s(c, now));
        mt_session_salts_changed(c);
    }
    if (c->inited)
        mt_init_again(c);
    for (struct mt_msg *m = c->flying.head, *next; m; m = next) {
        next = m->next;
        if (m->session_id == c->session_id && (m->container_id ? m->container_id : m->msg_id) < first)
            mt_request_lost(c, m);
    }
    mt_session_tell(c, &(struct mt_dc_event){.kind = MT_DC_NEW_SESSION});
}

void mt_on_future_salts(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    uint64_t req_msg_id;

    tl_u32(&r);
    if (mt_salts_read(&c->salts, &r, &req_msg_id, mt_session_server_s(c, now)))
        return;
    service_done(c, req_msg_id);
    mt_session_salts_changed(c);
}

/* Whether a request that the old session took waits for its answer. */
static bool waits_for_old(const struct mt_conn *c)
{
    for (const struct mt_msg *m = c->flying.head; m; m = m->next)
        if (m->session_id == c->old_session_id)
            return true;
    return false;
}

void mt_on_pong(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    uint64_t msg_id;
    bool ahead;

    tl_u32(&r);
    msg_id = tl_u64(&r);
    if (r.err)
        return;
    /*
     * 30 to 300 s behind the server we take none of its messages and it takes all of ours: only the answer to
     * a ping tells. One that lies behind may be an old one, held back by somebody.
     */
    ahead = in->stale && c->ping_open && mt_sent_find(&c->sent, msg_id) &&
            mt_msg_id_time(in->msg_id) > mt_clock_server(&c->clock, now);
    if (in->stale && !ahead)
        return;
    if (ahead) {
        mt_clock_set(&c->clock, now, in->msg_id);
        mt_session_clock_moved(c, now);
    }
    service_done(c, msg_id);
    c->ping_open = false;
    if (!waits_for_old(c))
        mt_session_leave_old(c);
    mt_session_missed(c, ahead);
    mt_ask_states(c, now.mono - MT_ASK_AFTER_US);
}

void mt_on_msgs_ack(struct mt_conn *c, const struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    uint32_t count;

    tl_u32(&r);
    count = tl_vector(&r, 8);
    while (count--) {
        struct mt_sent_id *sent = mt_sent_find(&c->sent, tl_u64(&r));

        if (sent && is_current(sent) && sent->msg->kind == MT_MSG_RPC)
            sent->msg->state = MT_MSG_ACKED;
    }
}
