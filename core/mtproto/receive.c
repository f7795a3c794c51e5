/*
 * The checks of received packets, in the order that the protocol demands:
 *
 *     1 length, key id    2 msg_key (constant time)    3 length and padding    -> else the link is closed
 *     4 session           5 id of a server             6 not seen before       7 time      -> else ignored
 *
 * 6 is for each message by itself, containers excepted; 7 for the packet's own message, where the complaints
 * that set a wrong clock right are let through.
 * Source: https://core.telegram.org/mtproto/security_guidelines#mtproto-encrypted-messages
 */
#include "core/mtproto/session.h"

#include <stdlib.h>

#define PLAIN_HEAD         32
#define PACKET_MIN         72
#define PADDING_MIN        12
#define PADDING_MAX        1024
#define INFLATE_PER_PACKET (2 * (size_t)MT_GZIP_MAX)
#define DEPTH_MAX          2

static int take_one(struct mt_conn *c, struct mt_now now, struct mt_in_msg *in, unsigned depth);

/* What finds out whose clock is wrong must get through the time window. */
static bool tells_time(uint32_t id)
{
    return id == MT_ID_BAD_MSG || id == MT_ID_BAD_SALT || id == MT_ID_PONG;
}

static bool read_inner(struct tl_in *r, struct mt_in_msg *in)
{
    uint32_t len;

    in->msg_id = tl_u64(r);
    in->seqno = tl_u32(r);
    len = tl_u32(r);
    in->n = len;
    if (len % 4)
        tl_fail(r, TL_E_VALUE);
    in->p = tl_raw(r, len);
    return !r->err;
}

/* A container that is damaged anywhere counts for nothing: it is walked once before any of it is taken. */
static bool container_is_sound(const uint8_t *p, size_t n)
{
    struct tl_in r = tl_in(p, n);
    struct mt_in_msg in;
    uint32_t count;

    tl_u32(&r);
    count = tl_u32(&r);
    while (count-- && read_inner(&r, &in))
        ;
    return tl_end(&r) == TL_OK;
}

static int take_container(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *outer, unsigned depth)
{
    struct tl_in r = tl_in(outer->p, outer->n);
    uint32_t count;
    int err = MT_OK;

    if (depth || !container_is_sound(outer->p, outer->n)) {
        mt_logf(c->env, MT_LOG_WARN, "conn", "container dropped: %s", depth ? "nested" : "malformed");
        return MT_OK;
    }
    tl_u32(&r);
    count = tl_u32(&r);
    while (count-- && !err) {
        struct mt_in_msg in = {.old_session = outer->old_session, .stale = outer->stale};

        read_inner(&r, &in);
        err = take_one(c, now, &in, depth + 1);
    }
    return err;
}

static int take_copy(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *outer, unsigned depth)
{
    struct mt_in_msg in = {.old_session = outer->old_session, .stale = outer->stale};
    struct tl_in r = tl_in(outer->p, outer->n);

    tl_u32(&r);
    return depth < DEPTH_MAX && read_inner(&r, &in) ? take_one(c, now, &in, depth + 1) : MT_OK;
}

int mt_unpack(struct mt_conn *c, const uint8_t *p, size_t n, uint8_t **out, size_t *out_len)
{
    struct tl_in r = tl_in(p, n);
    size_t max = c->inflate_left < MT_GZIP_MAX ? c->inflate_left : MT_GZIP_MAX;
    struct tl_slice packed;
    int err;

    tl_u32(&r);
    packed = tl_bytes(&r);
    if (r.err)
        return MT_E_ZLIB;
    err = mt_gunzip(packed.p, packed.n, max, out, out_len);
    if (!err)
        c->inflate_left -= *out_len;
    return err;
}

static int take_updates(struct mt_conn *c, struct mt_in_msg *in)
{
    struct mt_dc_event event = {.kind = MT_DC_UPDATES, .p = in->p, .n = in->n};
    int err;

    /* the server tells both sessions, from the first answer that the new one had */
    if (c->heir && c->heir->inited)
        return MT_OK;
    if (in->seqno & 1) {
        if (mt_acks_hold(&c->acks, in->msg_id))
            return MT_E_NOMEM;
        event.ack = in->msg_id;
    }
    err = in->owned ? mt_events_push_owned(c->events, &event, in->owned) : mt_events_push(c->events, &event);
    if (err) {
        mt_ids_remove(&c->acks.held, in->msg_id);
        return err;
    }
    in->owned = NULL;
    return MT_OK;
}

static int dispatch(struct mt_conn *c, struct mt_now now, struct mt_in_msg *in, uint32_t id)
{
    switch (id) {
    case MT_ID_RPC_RESULT:
        return mt_on_rpc_result(c, now, in);
    case MT_ID_BAD_MSG:
    case MT_ID_BAD_SALT:
        return mt_on_bad_msg(c, now, in);
    case MT_ID_MSGS_ACK:
        mt_on_msgs_ack(c, in);
        return MT_OK;
    default:
        break;
    }
    if (in->old_session)
        return MT_OK;
    switch (id) {
    case MT_ID_NEW_SESSION:
        mt_on_new_session(c, now, in);
        return MT_OK;
    case MT_ID_FUTURE_SALTS:
        mt_on_future_salts(c, now, in);
        return MT_OK;
    case MT_ID_PONG:
        mt_on_pong(c, now, in);
        return MT_OK;
    case MT_ID_STATE_INFO:
        return mt_on_state_info(c, now, in);
    case MT_ID_ALL_INFO:
        return mt_on_all_info(c, now, in);
    case MT_ID_STATE_REQ:
        mt_on_state_req(c, in);
        return MT_OK;
    case MT_ID_RESEND_REQ:
        return mt_on_resend_req(c, now, in);
    case MT_ID_DETAILED_INFO:
    case MT_ID_NEW_DETAILED_INFO:
        mt_on_detailed_info(c, now, in);
        return MT_OK;
    case MT_ID_DESTROY_SESSION_OK:
    case MT_ID_DESTROY_SESSION_NO:
        mt_on_destroyed(c, in->p, in->n);
        return MT_OK;
    case 0: /* shorter than an id */
        return MT_OK;
    default:
        return take_updates(c, in);
    }
}

/* Ignored for its time. A ping finds out whose clock is wrong: a complaint sets ours, and so does a pong that
 * lies ahead of it; any other pong says that it is right. */
static void miss(struct mt_conn *c, const struct mt_in_msg *in)
{
    if (in->old_session || !(in->seqno & 1))
        return;
    if (c->missed.n < MT_MISSED_MAX && !mt_ids_has(&c->missed, in->msg_id))
        mt_ids_add(&c->missed, in->msg_id);
    if (!c->ping_open)
        c->ping_now = true;
}

static uint32_t id_of(const struct mt_in_msg *in)
{
    return in->n < 4 ? 0 : tl_load32(in->p);
}

/* Looks into a message that was not seen before. */
static int open_message(struct mt_conn *c, struct mt_now now, struct mt_in_msg *in, unsigned depth)
{
    uint32_t id = id_of(in);
    size_t n;
    int err;

    if (id == MT_ID_GZIP_PACKED) {
        err = mt_unpack(c, in->p, in->n, &in->owned, &n);
        if (err) {
            mt_logf(c->env, MT_LOG_WARN, "conn", "packed message: %s", mt_strerror(err));
            return err == MT_E_NOMEM ? err : MT_OK;
        }
        in->p = in->owned;
        in->n = n;
        id = id_of(in);
    }
    if (in->stale && !tells_time(id) && id != MT_ID_CONTAINER) {
        miss(c, in);
        return MT_OK;
    }
    if (id == MT_ID_CONTAINER)
        return take_container(c, now, in, depth);
    if (id == MT_ID_MSG_COPY)
        return take_copy(c, now, in, depth);
    return dispatch(c, now, in, id);
}

static int take_one(struct mt_conn *c, struct mt_now now, struct mt_in_msg *in, unsigned depth)
{
    int err;

    if (!(in->msg_id & 1)) {
        mt_logf(c->env, MT_LOG_WARN, "conn", "message id of a client ignored");
        return MT_OK;
    }
    if (id_of(in) == MT_ID_CONTAINER)
        return take_container(c, now, in, depth);
    /* ids are unique in their session only: the old one, of which nothing but answers count, may have the
     * same */
    switch (in->old_session ? MT_SEEN_NEVER : mt_window_look(&c->window, in->msg_id)) {
    case MT_SEEN_BEFORE:
        if (in->seqno & 1)
            mt_acks_add(&c->acks, now, in->msg_id);
        return MT_OK;
    case MT_SEEN_TOO_OLD:
        return MT_OK;
    case MT_SEEN_NEVER:
        break;
    }
    if (in->stale && !tells_time(id_of(in)) && id_of(in) != MT_ID_GZIP_PACKED) {
        miss(c, in);
        return MT_OK;
    }
    err = open_message(c, now, in, depth);
    free(in->owned);
    if (err == MT_E_NOMEM)
        return err; /* not seen: the server will say it again */
    if (in->stale || in->old_session)
        return err;
    mt_window_add(&c->window, in->msg_id);
    if (in->seqno & 1)
        mt_acks_add(&c->acks, now, in->msg_id);
    return err;
}

/* A packet of a trusted peer outside the window is an old one played again, or our clock is wrong; the first
 * one of a session sets the clock. */
static bool is_stale(struct mt_conn *c, struct mt_now now, uint64_t msg_id)
{
    int64_t off = mt_msg_id_time(msg_id) - mt_clock_server(&c->clock, now);

    if (!c->clock.synced) {
        c->clock.synced = true;
        if (off < -5 * MT_US_PER_S || off > 5 * MT_US_PER_S) {
            mt_clock_set(&c->clock, now, msg_id);
            mt_session_clock_moved(c, now);
        }
        return false;
    }
    return off < -MT_WINDOW_PAST_US || off > MT_WINDOW_FUTURE_US;
}

int mt_conn_feed(struct mt_conn *c, struct mt_now now, uint8_t *packet, size_t n)
{
    struct mt_in_msg in = {0};
    uint64_t session;
    uint8_t *plain;
    size_t len, rest;
    int err;

    if (n >= 8 && tl_load64(packet) == 0)
        return MT_OK; /* a late answer of the key exchange */
    if (!c->has_key || n < PACKET_MIN)
        return MT_E_PEER;
    err = mt_open(&c->key, MT_SERVER, packet, n, &plain, &len);
    if (err)
        return err;
    in.n = tl_load32(plain + 28);
    in.p = plain + PLAIN_HEAD;
    rest = len - PLAIN_HEAD;
    if (in.n > rest || in.n % 4 || rest - in.n < PADDING_MIN || rest - in.n > PADDING_MAX)
        return MT_E_PEER;
    session = tl_load64(plain + 8);
    in.old_session = session != c->session_id;
    if (in.old_session && (!c->old_session_id || session != c->old_session_id))
        return MT_OK;
    in.msg_id = tl_load64(plain + 16);
    in.seqno = tl_load32(plain + 24);
    if (!(in.msg_id & 1))
        return MT_OK;
    in.stale = is_stale(c, now, in.msg_id);
    c->verified = true;
    mt_conn_tell_up(c);
    c->inflate_left = INFLATE_PER_PACKET;
    return take_one(c, now, &in, 0);
}
