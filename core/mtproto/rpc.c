/* rpc_result: the end of a request, whichever of its ids it answers. */
#include "core/mtproto/session.h"

#include <stdlib.h>
#include <string.h>

#define INITS_MAX 3

struct result {
    const uint8_t *p;
    size_t n;
    uint8_t *owned; /* malloc'ed memory that p lies in, or NULL */
};

static bool says(struct tl_slice text, const char *name)
{
    return text.n == strlen(name) && !memcmp(text.p, name, text.n);
}

static bool asks_for_init(struct tl_slice text)
{
    return says(text, "CONNECTION_NOT_INITED") || says(text, "CONNECTION_LAYER_INVALID");
}

/* The event's bytes are held until its owner calls mt_dc_ack. */
static int hold(struct mt_conn *c, const struct mt_in_msg *in, struct mt_dc_event *event)
{
    if (!(in->seqno & 1) || in->old_session)
        return MT_OK;
    event->ack = in->msg_id;
    return mt_acks_hold(&c->acks, in->msg_id) ? MT_E_NOMEM : MT_OK;
}

static void answered(struct mt_conn *c, const struct mt_msg *m)
{
    if (m->wrapped && m->init_epoch == c->init_epoch)
        c->inited = true;
}

static void bind_refused(struct mt_conn *c, int32_t code, struct tl_slice text)
{
    size_t len = text.n < sizeof c->bind_text ? text.n : sizeof c->bind_text - 1;

    c->bind = MT_BIND_REFUSED;
    c->bind_code = code;
    if (len)
        memcpy(c->bind_text, text.p, len);
    c->bind_text[len] = 0;
}

static int end_with_error(struct mt_conn *c, const struct mt_in_msg *in, struct mt_msg *m,
                          const struct result *res)
{
    struct mt_dc_event event = {.kind = MT_DC_ERROR};
    struct tl_in r = tl_in(res->p, res->n);
    struct tl_slice text;
    uint8_t *copy;

    tl_u32(&r);
    event.code = tl_int(&r);
    text = tl_bytes(&r);
    if (r.err) {
        mt_request_fail(c, m, MT_E_PEER, MT_SENT_YES);
        return MT_OK;
    }
    if (asks_for_init(text) && m->inits < INITS_MAX) {
        m->inits++;
        mt_init_again(c);
        if (m->state != MT_MSG_QUEUED)
            mt_request_requeue(c, m);
        return MT_OK;
    }
    if (c->perm && says(text, "AUTH_KEY_PERM_EMPTY")) {
        if (m->inits++ < INITS_MAX) {
            if (c->bind == MT_BIND_DONE)
                c->bind = MT_BIND_WANTED;
        } else { /* this key stays unbound whatever we do: another one, or the permanent key is gone */
            m->inits = 0;
            bind_refused(c, event.code, text);
        }
        if (m->state != MT_MSG_QUEUED)
            mt_request_requeue(c, m);
        return MT_OK;
    }
    if (!asks_for_init(text))
        answered(c, m);
    copy = malloc(text.n ? text.n : 1);
    if (!copy || hold(c, in, &event)) {
        free(copy);
        return MT_E_NOMEM;
    }
    if (text.n)
        memcpy(copy, text.p, text.n);
    event.text = (struct tl_slice){.p = copy, .n = text.n};
    mt_request_end(c, m, &event, copy);
    return MT_OK;
}

static int end_with_result(struct mt_conn *c, const struct mt_in_msg *in, struct mt_msg *m,
                           struct result *res)
{
    struct mt_dc_event event = {.kind = MT_DC_RESULT, .n = res->n};
    uint8_t *keep = res->owned;

    if (!keep) {
        keep = malloc(res->n);
        if (!keep)
            return MT_E_NOMEM;
        memcpy(keep, res->p, res->n);
    }
    if (hold(c, in, &event)) {
        if (!res->owned)
            free(keep);
        return MT_E_NOMEM;
    }
    res->owned = NULL;
    event.p = keep;
    answered(c, m);
    mt_request_end(c, m, &event, keep);
    return MT_OK;
}

static int end_request(struct mt_conn *c, const struct mt_in_msg *in, struct mt_msg *m, struct result *res)
{
    uint32_t id = res->n < 4 ? 0 : tl_load32(res->p);
    int err;

    if (id == MT_ID_GZIP_PACKED) {
        err = mt_unpack(c, res->p, res->n, &res->owned, &res->n);
        if (err == MT_E_NOMEM)
            return err;
        if (err) {
            answered(c, m);
            mt_request_fail(c, m, MT_E_PEER, MT_SENT_YES);
            return MT_OK;
        }
        res->p = res->owned;
        id = res->n < 4 ? 0 : tl_load32(res->p);
    }
    if (!id) {
        mt_request_fail(c, m, MT_E_PEER, MT_SENT_YES);
        return MT_OK;
    }
    return id == MT_ID_RPC_ERROR ? end_with_error(c, in, m, res) : end_with_result(c, in, m, res);
}

/* Whether an earlier sending of it was executed and its answer lost: then it is bound, and to our key. */
static bool is_bound_already(const struct mt_conn *c, struct tl_slice text)
{
    return c->binds > 1 && says(text, "TEMP_AUTH_KEY_ALREADY_BOUND");
}

void mt_on_bind_result(struct mt_conn *c, struct mt_msg *m, const uint8_t *p, size_t n)
{
    struct tl_in r = tl_in(p, n);
    uint32_t id = tl_u32(&r);
    int32_t code = id == MT_ID_RPC_ERROR ? tl_int(&r) : 0;
    struct tl_slice text = id == MT_ID_RPC_ERROR ? tl_bytes(&r) : (struct tl_slice){0};

    m->state = MT_MSG_DONE;
    if (c->bind != MT_BIND_SENT)
        return;
    if (!r.err && (id == TL_BOOL_TRUE || (code && is_bound_already(c, text)))) {
        c->bind = MT_BIND_DONE;
        mt_init_again(c); /* a bind makes the server forget it */
        mt_conn_tell_up(c);
        return;
    }
    bind_refused(c, r.err ? 0 : code, text);
}

int mt_on_rpc_result(struct mt_conn *c, struct mt_now now, struct mt_in_msg *in)
{
    struct tl_in r = tl_in(in->p, in->n);
    struct mt_sent_id *sent;
    struct result res = {0};
    uint64_t req_msg_id;
    int err;

    (void)now;
    tl_u32(&r);
    req_msg_id = tl_u64(&r);
    if (r.err)
        return MT_OK;
    sent = mt_sent_find(&c->sent, req_msg_id);
    if (!sent || !sent->msg || sent->msg->state == MT_MSG_DONE)
        return MT_OK;
    if (sent->msg->kind != MT_MSG_RPC) {
        if (sent->msg->kind == MT_MSG_DROP || sent->msg->kind == MT_MSG_DESTROY)
            sent->msg->state = MT_MSG_DONE;
        if (sent->msg->kind == MT_MSG_DESTROY)
            mt_on_destroyed(c, r.p, tl_left(&r));
        if (sent->msg->kind == MT_MSG_BIND)
            mt_on_bind_result(c, sent->msg, r.p, tl_left(&r));
        return MT_OK;
    }
    res.p = r.p;
    res.n = tl_left(&r);
    err = end_request(c, in, sent->msg, &res);
    free(res.owned);
    return err;
}
