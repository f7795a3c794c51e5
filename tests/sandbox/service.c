#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tl/ids.h"

#define IDS_MAX   8192
#define SALTS_MAX 64

enum sb_parity sb_service_parity(uint32_t id)
{
    switch (id) {
    case TL_http_wait:
    case TL_msg_container:
        return SB_PARITY_EVEN;
    case TL_msgs_ack: /* should be even; clients in use send odd ones, so real servers take both */
    case TL_ping:
    case TL_ping_delay_disconnect:
    case TL_get_future_salts:
    case TL_msgs_state_req:
    case TL_msgs_state_info:
    case TL_msgs_all_info:
    case TL_msg_resend_req:
    case TL_rpc_drop_answer:
    case TL_destroy_session:
    case TL_destroy_auth_key:
        return SB_PARITY_ANY;
    default: /* an id off the wire, no enum */
        return SB_PARITY_ODD;
    }
}

static void pong(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                 uint64_t ping_id)
{
    uint8_t buf[20];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    tl_put_u32(&out, TL_pong);
    tl_put_u64(&out, m->id);
    tl_put_u64(&out, ping_id);
    sb_send(s, ses, at, SB_SEND_REPLY, 0, buf, out.len);
}

static void future_salts(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                         int32_t num)
{
    int64_t i = sb_salt_index(ses->key, at);
    struct tl_out out = {0};

    num = num < 1 ? 1 : num > SALTS_MAX ? SALTS_MAX : num;
    tl_put_u32(&out, TL_future_salts);
    tl_put_u64(&out, m->id);
    tl_put_int(&out, (int32_t)sb_unix(at));
    tl_put_u32(&out, (uint32_t)num);
    for (; num; num--, i++) {
        int64_t since = ses->key->created + i * SB_SALT_STEP;

        tl_put_int(&out, (int32_t)since);
        tl_put_int(&out, (int32_t)(since + 2 * SB_SALT_STEP));
        tl_put_long(&out, sb_salt_at(ses->key, i));
    }
    if (!out.err)
        sb_send(s, ses, at, SB_SEND_REPLY, 0, out.data, out.len);
    tl_out_free(&out);
}

static uint8_t state_of(struct sb_session *ses, uint64_t id)
{
    const struct sb_seen *seen = sb_seen_find(ses, id);

    if (seen)
        return (uint8_t)(4 | (seen->acked ? 8 : 0) | (seen->stage == SB_STAGE_RUNNING ? 32 : 0) |
                         (sb_out_by_req(ses, id) ? 64 : 0));
    if (!ses->n_seen || id > ses->seen[ses->n_seen - 1].msg_id)
        return 3;
    return id < ses->seen[0].msg_id ? 1 : 2;
}

/* msgs_state_info: one byte for each id asked for. */
static void state_info(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                       struct tl_in ids, uint32_t n)
{
    uint8_t *info = malloc(n ? n : 1);
    struct tl_out out = {0};

    if (!info)
        return;
    for (uint32_t i = 0; i < n; i++)
        info[i] = state_of(ses, tl_u64(&ids));
    tl_put_u32(&out, TL_msgs_state_info);
    tl_put_u64(&out, m->id);
    tl_put_bytes(&out, info, n);
    if (!out.err)
        sb_send(s, ses, at, SB_SEND_REPLY, 0, out.data, out.len);
    tl_out_free(&out);
    free(info);
}

static void resend_req(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                       struct tl_in ids, uint32_t n)
{
    struct tl_in again = ids;
    bool all = true;

    for (uint32_t i = 0; i < n; i++) {
        struct sb_out *o = sb_out_by_id(ses, tl_u64(&ids));

        if (o)
            sb_resend(s, ses, at, o, false);
        else
            all = false;
    }
    if (!all)
        state_info(s, ses, at, m, again, n);
}

static void drop_answer(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                        uint64_t req)
{
    struct sb_seen *seen = sb_seen_find(ses, req);
    struct sb_out *o = sb_out_by_req(ses, req);
    uint8_t buf[24];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    if (o) {
        tl_put_u32(&out, TL_rpc_answer_dropped);
        tl_put_u64(&out, o->msg_id);
        tl_put_u32(&out, o->seqno);
        tl_put_u32(&out, (uint32_t)o->n);
        sb_out_free(ses, o);
    } else if (seen && seen->stage == SB_STAGE_RUNNING) {
        tl_put_u32(&out, TL_rpc_answer_dropped_running);
        sb_send_result(s, ses, at, req, buf, out.len, true);
    } else {
        tl_put_u32(&out, TL_rpc_answer_unknown);
    }
    sb_send_result(s, ses, at, m->id, buf, out.len, false);
}

static void destroy_session(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t id)
{
    struct sb_session *other = sb_session_find(ses->key, id);
    uint8_t buf[12];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    /* a session cannot destroy itself */
    if (other == ses)
        other = NULL;
    tl_put_u32(&out, other ? TL_destroy_session_ok : TL_destroy_session_none);
    tl_put_u64(&out, id);
    if (other)
        sb_session_remove(s, other);
    sb_send(s, ses, at, SB_SEND_REPLY, 0, buf, out.len);
}

static void destroy_auth_key(struct sb_server *s, struct sb_session *ses, struct mt_now at,
                             const struct sb_in *m)
{
    uint8_t buf[4];

    tl_store32(buf, TL_destroy_auth_key_ok);
    sb_send_result(s, ses, at, m->id, buf, sizeof buf, false);
    ses->key->doomed = true;
    s->doomed = true;
}

static void acked(struct sb_session *ses, struct tl_in ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sb_session_acked(ses, tl_u64(&ids));
}

/* --- our questions --- */

void sb_ask_states(struct sb_server *s, struct sb_session *ses, struct mt_now at)
{
    struct tl_out out = {0};
    struct sb_out *o;

    ses->n_asked = 0;
    TAILQ_FOREACH(o, &ses->outs, link)
    if (o->content && (o->sent || o->announce) && ses->n_asked < SB_ASKED_MAX)
        ses->asked[ses->n_asked++] = o->msg_id;
    if (!ses->n_asked)
        return;
    tl_put_u32(&out, TL_msgs_state_req);
    tl_put_vector(&out, (uint32_t)ses->n_asked);
    for (size_t i = 0; i < ses->n_asked; i++)
        tl_put_u64(&out, ses->asked[i]);
    o = out.err ? NULL : sb_send(s, ses, at, SB_SEND_NOTICE, 0, out.data, out.len);
    ses->ask_id = o ? o->msg_id : 0;
    tl_out_free(&out);
}

/* An answer to nothing that we asked, or of another length, says nothing. */
static void told_states(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t id,
                        struct tl_slice info)
{
    if (!ses->ask_id || id != ses->ask_id || info.n != ses->n_asked) {
        mt_logf(s->env, MT_LOG_WARN, "session", "states that nobody asked for");
        return;
    }
    ses->ask_id = 0;
    for (size_t i = 0; i < info.n; i++) {
        struct sb_out *o = sb_out_by_id(ses, ses->asked[i]);

        if ((info.p[i] & 7) == 4)
            sb_session_acked(ses, ses->asked[i]);
        else if (o)
            sb_resend(s, ses, at, o, false);
    }
}

void sb_say_missing(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t msg_id, bool ask)
{
    uint8_t buf[32];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    tl_put_u32(&out, ask ? TL_msg_resend_req : TL_msgs_all_info);
    tl_put_vector(&out, 1);
    tl_put_u64(&out, msg_id);
    if (!ask)
        tl_put_bytes(&out, "\x02", 1);
    sb_send(s, ses, at, SB_SEND_NOTICE, 0, buf, out.len);
}

/* Reads the id vector that several messages have as their only field; false: malformed. */
static bool read_ids(struct tl_in *in, uint32_t *n)
{
    struct tl_in all;

    *n = tl_vector(in, 8);
    all = *in;
    return !in->err && *n <= IDS_MAX && tl_raw(&all, (size_t)*n * 8) && tl_end(&all) == TL_OK;
}

/* A service message that does not parse has no answer; its sender finds out by waiting. */
static bool with_ids(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                     uint32_t id, struct tl_in in)
{
    uint32_t n;

    if (!read_ids(&in, &n))
        return true;
    if (id == TL_msgs_ack)
        acked(ses, in, n);
    else if (id == TL_msgs_state_req)
        state_info(s, ses, at, m, in, n);
    else
        resend_req(s, ses, at, m, in, n);
    return true;
}

bool sb_service(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m)
{
    struct tl_in in = tl_in(m->p, m->n);
    uint32_t id = tl_u32(&in);
    struct tl_slice states;
    uint64_t arg;
    int32_t delay;

    switch (id) {
    case TL_msgs_ack:
    case TL_msgs_state_req:
    case TL_msg_resend_req:
        return with_ids(s, ses, at, m, id, in);
    case TL_ping:
    case TL_ping_delay_disconnect:
        arg = tl_u64(&in);
        delay = id == TL_ping ? 0 : tl_int(&in);
        if (tl_end(&in) != TL_OK)
            return true;
        if (id == TL_ping_delay_disconnect && delay > 0 && ses->conn)
            ses->conn->hangup = at.mono + delay * MT_US_PER_S;
        pong(s, ses, at, m, arg);
        return true;
    case TL_get_future_salts:
        delay = tl_int(&in);
        if (tl_end(&in) == TL_OK)
            future_salts(s, ses, at, m, delay);
        return true;
    case TL_rpc_drop_answer:
        arg = tl_u64(&in);
        if (tl_end(&in) == TL_OK)
            drop_answer(s, ses, at, m, arg);
        return true;
    case TL_destroy_session:
        arg = tl_u64(&in);
        if (tl_end(&in) == TL_OK)
            destroy_session(s, ses, at, arg);
        return true;
    case TL_destroy_auth_key:
        destroy_auth_key(s, ses, at, m);
        return true;
    case TL_msgs_state_info:
        arg = tl_u64(&in);
        states = tl_bytes(&in);
        if (tl_end(&in) == TL_OK)
            told_states(s, ses, at, arg, states);
        return true;
    case TL_http_wait:     /* only means something over HTTP */
    case TL_msgs_all_info: /* volunteered */
        return true;
    default: /* an id off the wire, no enum */
        return false;
    }
}
