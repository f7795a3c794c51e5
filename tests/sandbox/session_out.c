#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tl/ids.h"

#define PLAIN_HEAD     32
#define STALE_US       (200 * MT_US_PER_S) /* a client refuses ids 300 s old: they get new ones before that */
#define BATCH_MAX      100
#define BATCH_BYTES    (512 * 1024)
#define LIVE_PUSH_MAX  8192 /* sent updates kept for a client that does not acknowledge */
#define PACKET_ROOM    (MT_FRAME_MAX_IN - 4096)
#define ANNOUNCE_BYTES 2048 /* larger ones are announced on a new connection, smaller ones sent again */

static uint64_t next_id(struct sb_session *ses, struct mt_now at, unsigned kind)
{
    uint64_t id =
        (uint64_t)(at.wall / MT_US_PER_S) << 32 | ((uint64_t)(at.wall % MT_US_PER_S) << 32) / MT_US_PER_S;

    id = (id & ~UINT64_C(3)) | kind;
    if (id <= ses->last_out_id)
        id = (ses->last_out_id & ~UINT64_C(3)) + 4 + kind;
    ses->last_out_id = id;
    return id;
}

static uint32_t next_seqno(struct sb_session *ses, bool content)
{
    uint32_t n = 2 * ses->out_content;

    if (!content)
        return n;
    ses->out_content++;
    return n + 1;
}

void sb_out_free(struct sb_session *ses, struct sb_out *o)
{
    TAILQ_REMOVE(&ses->outs, o, link);
    ses->out_bytes -= o->n;
    ses->n_pushes -= o->push;
    free(o);
}

static void drop_pushes(struct sb_session *ses)
{
    struct sb_out *o = TAILQ_FIRST(&ses->outs), *next;

    for (; o; o = next) {
        next = TAILQ_NEXT(o, link);
        if (o->push)
            sb_out_free(ses, o);
    }
}

/* Whether a further update may be kept; a session that is away for too long loses them all. */
static bool admit_push(struct sb_session *ses)
{
    struct sb_out *o;

    if (!ses->conn && ses->n_pushes >= SB_PUSH_MAX) {
        drop_pushes(ses);
        ses->too_long = true;
    }
    if (ses->conn && ses->n_pushes >= LIVE_PUSH_MAX) {
        TAILQ_FOREACH(o, &ses->outs, link)
        if (o->push && o->sent)
            break;
        if (o)
            sb_out_free(ses, o);
    }
    return ses->conn || !ses->too_long;
}

struct sb_out *sb_send(struct sb_server *s, struct sb_session *ses, struct mt_now at, enum sb_send how,
                       uint64_t req, const void *body, size_t n)
{
    bool reply = how == SB_SEND_REPLY || how == SB_SEND_RESULT;
    struct sb_out *o;

    if (how == SB_SEND_PUSH && !admit_push(ses))
        return NULL;
    if (n > PACKET_ROOM || ses->out_bytes + n > SB_OUT_MAX) {
        mt_logf(s->env, MT_LOG_WARN, "session", "a message of %zu bytes does not fit", n);
        return NULL;
    }
    o = calloc(1, sizeof *o + n);
    if (!o)
        return NULL;
    o->content = how == SB_SEND_CONTENT || how == SB_SEND_PUSH || how == SB_SEND_RESULT;
    o->push = how == SB_SEND_PUSH;
    o->msg_id = next_id(ses, at, reply ? 1 : 3);
    o->seqno = next_seqno(ses, o->content);
    o->req = how == SB_SEND_RESULT ? req : 0;
    o->n = n;
    memcpy(o->body, body, n);
    TAILQ_INSERT_TAIL(&ses->outs, o, link);
    ses->out_bytes += n;
    ses->n_pushes += o->push;
    sb_session_dirty(s, ses);
    return o;
}

void sb_send_result(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t req,
                    const void *result, size_t n, bool failed)
{
    struct sb_seen *seen = sb_seen_find(ses, req);
    struct tl_out out = {.limit = SB_OUT_MAX};
    /* by seed: never, from 512 bytes, from 4 KiB */
    size_t gzip_from = s->seed % 3 == 0 ? SIZE_MAX : s->seed % 3 == 1 ? 512 : 4096;

    tl_put_u32(&out, TL_rpc_result);
    tl_put_u64(&out, req);
    if (n < gzip_from || !sb_gzip_packed(&out, result, n))
        tl_put_raw(&out, result, n);
    if (!out.err)
        sb_send(s, ses, at, SB_SEND_RESULT, req, out.data, out.len);
    tl_out_free(&out);
    if (seen) {
        seen->stage = failed ? SB_STAGE_FAILED : SB_STAGE_DONE;
        seen->acked = true;
    }
}

void sb_send_error(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t req, int32_t code,
                   const char *text)
{
    uint8_t buf[256];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    s->stats.errors++;
    tl_put_u32(&out, TL_rpc_error);
    tl_put_int(&out, code);
    tl_put_str(&out, text);
    sb_send_result(s, ses, at, req, buf, out.len, true);
}

void sb_send_bad_msg(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                     int code)
{
    uint8_t buf[20];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    s->stats.bad_msg++;
    mt_logf(s->env, MT_LOG_DEBUG, "session", "message %llu refused: %d", (unsigned long long)m->id, code);
    tl_put_u32(&out, TL_bad_msg_notification);
    tl_put_u64(&out, m->id);
    tl_put_u32(&out, m->seqno);
    tl_put_int(&out, code);
    sb_send(s, ses, at, SB_SEND_NOTICE, 0, buf, out.len);
}

void sb_send_bad_salt(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m)
{
    uint8_t buf[28];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    s->stats.bad_salt++;
    tl_put_u32(&out, TL_bad_server_salt);
    tl_put_u64(&out, m->id);
    tl_put_u32(&out, m->seqno);
    tl_put_int(&out, 48);
    tl_put_long(&out, sb_salt_at(ses->key, sb_salt_index(ses->key, at)));
    sb_send(s, ses, at, SB_SEND_NOTICE, 0, buf, out.len);
}

struct sb_out *sb_out_by_req(struct sb_session *ses, uint64_t req)
{
    struct sb_out *o;

    TAILQ_FOREACH(o, &ses->outs, link)
    if (o->req == req && req)
        break;
    return o;
}

struct sb_out *sb_out_by_id(struct sb_session *ses, uint64_t msg_id)
{
    struct sb_out *o;

    TAILQ_FOREACH(o, &ses->outs, link)
    if (o->msg_id == msg_id)
        break;
    return o;
}

static void send_announcement(struct sb_server *s, struct sb_session *ses, struct mt_now at, struct sb_out *o)
{
    uint8_t buf[28];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    tl_put_u32(&out, o->req ? TL_msg_detailed_info : TL_msg_new_detailed_info);
    if (o->req)
        tl_put_u64(&out, o->req);
    tl_put_u64(&out, o->msg_id);
    tl_put_u32(&out, (uint32_t)o->n);
    tl_put_int(&out, 0);
    sb_send(s, ses, at, SB_SEND_NOTICE, 0, buf, out.len);
}

static bool is_stale(const struct sb_out *o, struct mt_now at)
{
    return (int64_t)(o->msg_id >> 32) * MT_US_PER_S + STALE_US < at.wall;
}

void sb_resend(struct sb_server *s, struct sb_session *ses, struct mt_now at, struct sb_out *o,
               bool allow_announce)
{
    if (is_stale(o, at)) {
        TAILQ_REMOVE(&ses->outs, o, link);
        o->msg_id = next_id(ses, at, o->req ? 1 : 3);
        o->seqno = next_seqno(ses, o->content);
        TAILQ_INSERT_TAIL(&ses->outs, o, link);
    }
    s->stats.resent++;
    o->announce = false;
    o->sent = false;
    if (allow_announce && o->n > ANNOUNCE_BYTES)
        sb_announce(s, ses, at, o);
    sb_session_dirty(s, ses);
}

void sb_announce(struct sb_server *s, struct sb_session *ses, struct mt_now at, struct sb_out *o)
{
    o->announce = true;
    send_announcement(s, ses, at, o);
}

void sb_session_detach(struct sb_session *ses, struct mt_now at)
{
    ses->conn = NULL;
    ses->away_since = at.mono;
}

void sb_session_attach(struct sb_server *s, struct sb_session *ses, struct sb_conn *c, struct mt_now at)
{
    struct sb_out *o, *next, *last = TAILQ_LAST(&ses->outs, sb_outs);
    uint8_t too_long[4];

    if (ses->conn == c)
        return;
    ses->conn = c;
    for (o = TAILQ_FIRST(&ses->outs); o; o = next) {
        next = o == last ? NULL : TAILQ_NEXT(o, link);
        if (!o->content)
            sb_out_free(ses, o);
        else if (o->sent || o->announce || is_stale(o, at))
            sb_resend(s, ses, at, o, o->sent || o->announce);
    }
    if (ses->too_long) {
        ses->too_long = false;
        tl_store32(too_long, TL_updatesTooLong);
        sb_send(s, ses, at, SB_SEND_PUSH, 0, too_long, sizeof too_long);
    }
}

/* Seals salt | session | msg_id | seqno | length | body | padding and hands it to the connection. */
static void send_packet(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t msg_id,
                        uint32_t seqno, const void *body, size_t n)
{
    size_t pad = 12 + (16 - (PLAIN_HEAD + n + 12) % 16) % 16 + 16 * sb_choose(s, 8);
    struct tl_out out = {.limit = MT_FRAME_MAX_IN};
    uint8_t *room;

    tl_out_room(&out, MT_ENVELOPE_HEAD);
    tl_put_long(&out, sb_salt_at(ses->key, sb_salt_index(ses->key, at)));
    tl_put_u64(&out, ses->id);
    tl_put_u64(&out, msg_id);
    tl_put_u32(&out, seqno);
    tl_put_u32(&out, (uint32_t)n);
    tl_put_raw(&out, body, n);
    room = tl_out_room(&out, pad);
    if (room) {
        s->env->random(s->env->ctx, room, pad);
        mt_seal(&ses->key->auth, MT_SERVER, out.data, out.len - MT_ENVELOPE_HEAD);
        mt_frame_submit(ses->conn->frame, out.data, out.len, false);
        s->stats.packets_out++;
        sb_conn_ready(s, ses->conn);
    }
    tl_out_free(&out);
}

static void put_inner(struct tl_out *out, uint64_t msg_id, uint32_t seqno, const void *body, size_t n)
{
    tl_put_u64(out, msg_id);
    tl_put_u32(out, seqno);
    tl_put_u32(out, (uint32_t)n);
    tl_put_raw(out, body, n);
}

/* One msgs_ack with all that is due, as a body. */
static void put_acks(struct sb_session *ses, struct tl_out *out)
{
    tl_put_u32(out, TL_msgs_ack);
    tl_put_vector(out, (uint32_t)ses->n_acks);
    for (size_t i = 0; i < ses->n_acks; i++)
        tl_put_u64(out, ses->acks[i]);
    ses->n_acks = 0;
}

static struct sb_out *next_unsent(struct sb_session *ses, struct sb_out *o)
{
    o = o ? TAILQ_NEXT(o, link) : TAILQ_FIRST(&ses->outs);
    while (o && (o->sent || o->announce))
        o = TAILQ_NEXT(o, link);
    return o;
}

static void mark_sent(struct sb_server *s, struct sb_session *ses, struct sb_out *o)
{
    s->stats.messages_out++;
    o->sent = true;
    if (!o->content)
        sb_out_free(ses, o);
}

static void flush_container(struct sb_server *s, struct sb_session *ses, struct mt_now at)
{
    struct sb_out *batch[BATCH_MAX], *o = NULL;
    struct tl_out body = {.limit = MT_FRAME_MAX_IN}, acks = {0};
    size_t n = 0, bytes = 0;
    uint64_t id;

    while (n < BATCH_MAX && bytes < BATCH_BYTES && (o = next_unsent(ses, o))) {
        if (n && bytes + o->n > BATCH_BYTES)
            break;
        bytes += o->n;
        batch[n++] = o;
    }
    tl_put_u32(&body, TL_msg_container);
    tl_put_u32(&body, (uint32_t)n + (ses->n_acks > 0));
    for (size_t i = 0; i < n; i++)
        put_inner(&body, batch[i]->msg_id, batch[i]->seqno, batch[i]->body, batch[i]->n);
    if (ses->n_acks) {
        put_acks(ses, &acks);
        put_inner(&body, next_id(ses, at, 3), next_seqno(ses, false), acks.data, acks.len);
        tl_out_free(&acks);
    }
    id = next_id(ses, at, 1);
    if (!body.err)
        send_packet(s, ses, at, id, next_seqno(ses, false), body.data, body.len);
    tl_out_free(&body);
    for (size_t i = 0; i < n; i++)
        mark_sent(s, ses, batch[i]);
}

void sb_session_flush(struct sb_server *s, struct sb_session *ses, struct mt_now at)
{
    struct tl_out acks = {0};
    struct sb_out *o;

    while (ses->conn && ses->conn->close == SB_CLOSE_NO && (next_unsent(ses, NULL) || ses->n_acks)) {
        o = next_unsent(ses, NULL);
        if (!o) {
            put_acks(ses, &acks);
            send_packet(s, ses, at, next_id(ses, at, 3), next_seqno(ses, false), acks.data, acks.len);
            tl_out_free(&acks);
            break;
        }
        if ((!ses->n_acks && !next_unsent(ses, o)) || sb_choose(s, 4) == 0) {
            send_packet(s, ses, at, o->msg_id, o->seqno, o->body, o->n);
            mark_sent(s, ses, o);
        } else {
            flush_container(s, ses, at);
        }
    }
    if (ses->conn && mt_frame_output(ses->conn->frame).n > SB_OUT_MAX)
        sb_conn_close(s, ses->conn, SB_CLOSE_NOW);
}
