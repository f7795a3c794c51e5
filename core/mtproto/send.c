/*
 * One packet: all service messages that wait, the acks that are pending, and requests up to 32 KiB; or one
 * larger request alone.
 *
 *     envelope 24 | salt 8 | session 8 | message | padding 12..27
 *     message     = msg_id 8 | seqno 4 | length 4 | body
 *     container   = a message whose body is: id 4 | count 4 | message ...
 *
 * A message in a container has the very form that one alone has; ids rise in the order of writing, so the
 * container's own id and length are put in at the end.
 */
#include "core/mtproto/session.h"

#include <string.h>

#include "core/mtproto/bind.h"

#define MESSAGES_MAX   1000
#define PACKET_SOFT    (32 * 1024)
#define MESSAGE_HEAD   16
#define PLAIN_HEAD     16 /* salt and session */
#define PADDING_MAX    27
#define SERVICE_MAX    256 /* waiting service messages; a peer that makes us queue more is not answered */
#define KEEP_BUFFER    (64 * 1024)
#define FUTURE_SALTS_N 64

struct batch {
    struct mt_msg *v[MESSAGES_MAX];
    size_t n;
    size_t bytes;
};

void mt_service_queue(struct mt_conn *c, enum mt_msg_kind kind, const struct tl_out *body)
{
    struct mt_msg *m;

    if (body->err || c->service.n >= SERVICE_MAX)
        return;
    m = mt_msg_new(kind, body->data, body->len);
    if (m)
        mt_msg_append(&c->service, m);
}

void mt_message_refused(struct mt_conn *c, struct mt_msg *m)
{
    if (m->state != MT_MSG_SENT && m->state != MT_MSG_ACKED)
        return;
    if (m->kind == MT_MSG_RPC) {
        mt_request_requeue(c, m);
    } else if (m->kind == MT_MSG_PING) {
        m->state = MT_MSG_DONE;
        c->ping_now = true;
    } else {
        m->state = MT_MSG_QUEUED;
        mt_msg_append(&c->service, mt_msg_ref(m));
    }
}

static void queue_ping(struct mt_conn *c)
{
    struct tl_out body = {0};

    tl_put_u32(&body, MT_ID_PING_DISCONNECT);
    tl_put_u64(&body, mt_env_random64(c->env));
    tl_put_int(&body, MT_PING_DELAY_S);
    mt_service_queue(c, MT_MSG_PING, &body);
    tl_out_free(&body);
    c->ping_now = false;
}

/* The body is only room: put_message() writes it. */
static void queue_bind(struct mt_conn *c, struct mt_now now)
{
    struct tl_out body = {0};
    void *room = tl_out_room(&body, MT_BIND_LEN);

    if (room)
        memset(room, 0, MT_BIND_LEN);
    mt_service_queue(c, MT_MSG_BIND, &body);
    tl_out_free(&body);
    c->bind = MT_BIND_SENT;
    c->bind_at = now.mono;
}

static void queue_salts(struct mt_conn *c, struct mt_now now)
{
    struct tl_out body = {0};

    c->salts_asked = now.mono;
    tl_put_u32(&body, MT_ID_GET_FUTURE_SALTS);
    tl_put_int(&body, FUTURE_SALTS_N);
    mt_service_queue(c, MT_MSG_SALTS, &body);
    tl_out_free(&body);
}

/* What goes along with a packet that is sent anyway. */
static void queue_riders(struct mt_conn *c, struct mt_now now)
{
    struct tl_out body = {0};

    if (c->bind == MT_BIND_WANTED)
        queue_bind(c, now);
    if (c->ping_now)
        queue_ping(c);
    if (c->ask_states)
        mt_ask_states(c, INT64_MIN);
    c->ask_states = false;
    if (mt_salts_low(&c->salts, mt_session_server_s(c, now)) &&
        now.mono - c->salts_asked >= MT_SALTS_EVERY_US)
        queue_salts(c, now);
    if (c->n_left && !c->left_asked)
        mt_session_destroy_left(c);
    mt_acks_take(&c->acks, now, &body);
    if (body.len)
        mt_service_queue(c, MT_MSG_ACK, &body);
    tl_out_free(&body);
}

static size_t size_of(const struct mt_conn *c, const struct mt_msg *m)
{
    return MESSAGE_HEAD + m->n + (m->kind == MT_MSG_RPC ? mt_init_max(c) : 0);
}

static bool fits(const struct mt_conn *c, const struct batch *b, const struct mt_msg *m)
{
    return b->n < MESSAGES_MAX && (!b->n || b->bytes + size_of(c, m) <= PACKET_SOFT);
}

static void put_in(const struct mt_conn *c, struct batch *b, struct mt_msg *m)
{
    b->v[b->n++] = m;
    b->bytes += size_of(c, m);
}

/* Queries first, as the official clients order them; but service messages are counted first, so that a large
 * query does not keep them waiting. */
static void collect(struct mt_conn *c, struct batch *b)
{
    size_t services, requests;

    b->n = b->bytes = 0;
    for (struct mt_msg *m = c->service.head; m && fits(c, b, m); m = m->next)
        put_in(c, b, m);
    services = b->n;
    for (struct mt_msg *m = c->queued.head; m && mt_conn_is_bound(c) && fits(c, b, m); m = m->next)
        put_in(c, b, m);
    requests = b->n - services;
    memmove(&b->v[0], &b->v[services], requests * sizeof b->v[0]);
    for (struct mt_msg *m = c->service.head; services--; m = m->next)
        b->v[requests++] = m;
}

static uint64_t new_id(struct mt_conn *c, struct mt_now now)
{
    uint64_t id;

    do /* after the clock went back an id of the old session may come up again */
        id = mt_clock_msg_id(&c->clock, now);
    while (mt_sent_find(&c->sent, id));
    return id;
}

/* Returns where the head of the message lies. */
static size_t put_head(struct tl_out *out, uint64_t msg_id, uint32_t seqno)
{
    tl_put_u64(out, msg_id);
    tl_put_u32(out, seqno);
    tl_put_u32(out, 0);
    return out->len - MESSAGE_HEAD;
}

static void close_message(struct tl_out *out, size_t head)
{
    tl_patch_u32(out, head + 12, (uint32_t)(out->len - head - MESSAGE_HEAD));
}

static void put_bind(struct mt_conn *c, const struct mt_msg *m, struct tl_out *out)
{
    const struct mt_binding b = {.perm = c->perm,
                                 .temp = &c->key,
                                 .session_id = c->session_id,
                                 .msg_id = m->msg_id,
                                 .expires_at = c->key_ends};

    c->binds++;
    mt_bind_write(c->env, &b, out);
}

static void put_message(struct mt_conn *c, struct mt_now now, struct mt_msg *m, struct tl_out *out)
{
    bool rpc = m->kind == MT_MSG_RPC;
    size_t head;

    m->msg_id = new_id(c, now);
    m->container_id = 0;
    m->session_id = c->session_id;
    m->link_no = c->link_no;
    m->sent_at = now.mono;
    m->said = 0;
    head = put_head(out, m->msg_id,
                    mt_session_seqno(c, rpc || m->kind == MT_MSG_DROP || m->kind == MT_MSG_BIND));
    if (rpc) {
        m->wrapped = mt_init_wanted(c);
        m->init_epoch = c->init_epoch;
        mt_init_write(c, m, m->wrapped, out);
    }
    if (m->kind == MT_MSG_BIND)
        put_bind(c, m, out);
    else
        tl_put_raw(out, m->body, m->n);
    close_message(out, head);
}

static void put_container(struct mt_conn *c, struct mt_now now, struct batch *b, struct tl_out *out)
{
    size_t head = put_head(out, 0, 0);
    uint64_t id;

    tl_put_u32(out, MT_ID_CONTAINER);
    tl_put_u32(out, (uint32_t)b->n);
    for (size_t i = 0; i < b->n; i++)
        put_message(c, now, b->v[i], out);
    id = new_id(c, now);
    tl_store64(out->data + head, id);
    tl_patch_u32(out, head + 8, mt_session_seqno(c, false));
    close_message(out, head);
    for (size_t i = 0; i < b->n; i++) {
        b->v[i]->container_id = id;
        mt_sent_add(&c->sent, b->v[i]->msg_id, id, b->v[i]);
    }
    mt_sent_add(&c->sent, id, 0, NULL);
}

static void seal(struct mt_conn *c, struct tl_out *out)
{
    size_t plain = out->len - MT_ENVELOPE_HEAD;
    size_t pad = 12 + (-(plain + 12) & 15);

    c->env->random(c->env->ctx, tl_out_room(out, pad), pad);
    mt_seal(&c->key, MT_CLIENT, out->data, plain + pad);
}

static void left_queue(struct mt_conn *c, struct mt_now now, struct mt_msg *m)
{
    m->state = MT_MSG_SENT;
    if (m->kind == MT_MSG_RPC) {
        mt_msg_remove(&c->queued, m);
        mt_msg_append(&c->flying, m);
        c->request_at = now.mono;
        return;
    }
    if (m->kind == MT_MSG_PING) {
        c->ping_at = now.mono;
        c->ping_open = c->ping_silent = true;
    }
    mt_msg_remove(&c->service, m);
    mt_msg_unref(m);
}

/* All memory that the packet needs, so that ids and seqnos are not used up by one that is never sent. */
static int make_room(struct mt_conn *c, const struct batch *b)
{
    struct tl_out *out = &c->packet;

    if (out->cap > KEEP_BUFFER && b->bytes < KEEP_BUFFER / 2)
        tl_out_free(out);
    tl_out_reset(out);
    if (mt_sent_reserve(&c->sent, b->n + 1) ||
        !tl_out_room(out, MT_ENVELOPE_HEAD + PLAIN_HEAD + MESSAGE_HEAD + 8 + b->bytes + PADDING_MAX)) {
        tl_out_reset(out);
        return MT_E_NOMEM;
    }
    tl_out_reset(out);
    return MT_OK;
}

static void prune(struct mt_conn *c, struct mt_now now)
{
    if (c->sent.n < c->prune_at)
        return;
    mt_sent_prune(&c->sent, mt_msg_id_at(mt_clock_server(&c->clock, now) - MT_SENT_KEEP_US));
    c->prune_at = 2 * c->sent.n + 64;
}

int mt_conn_packet(struct mt_conn *c, struct mt_now now, struct tl_slice *packet)
{
    struct tl_out *out = &c->packet;
    struct batch b;

    *packet = (struct tl_slice){0};
    if (!c->linked || !c->has_key)
        return MT_OK;
    if (!(c->queued.n && mt_conn_is_bound(c)) && !c->service.n && !c->ping_now && !c->ask_states &&
        c->bind != MT_BIND_WANTED && !(c->n_left && !c->left_asked) && !mt_acks_due(&c->acks, now))
        return MT_OK;
    prune(c, now);
    queue_riders(c, now);
    collect(c, &b);
    if (!b.n)
        return MT_OK;
    if (make_room(c, &b))
        return MT_E_NOMEM;
    tl_out_room(out, MT_ENVELOPE_HEAD);
    tl_put_long(out, mt_salts_now(&c->salts, mt_session_server_s(c, now)));
    tl_put_u64(out, c->session_id);
    if (b.n == 1) {
        put_message(c, now, b.v[0], out);
        mt_sent_add(&c->sent, b.v[0]->msg_id, 0, b.v[0]);
    } else {
        put_container(c, now, &b, out);
    }
    seal(c, out);
    for (size_t i = 0; i < b.n; i++)
        left_queue(c, now, b.v[i]);
    *packet = (struct tl_slice){.p = out->data, .n = out->len};
    return MT_OK;
}
