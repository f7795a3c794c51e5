#include "core/outbox/row.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

struct lane {
    struct lane *next;
    mt_chat_id chat;
    struct mt_ob_row *first, *last;
};

struct mt_outbox {
    struct mt_outbox_cfg cfg;
    struct lane *lanes;
    size_t n_rows;
    int64_t last_id;
    bool loaded;
    struct tl_out body; /* the function last given out */
};

struct mt_outbox *mt_outbox_new(const struct mt_outbox_cfg *cfg)
{
    struct mt_outbox *ob = calloc(1, sizeof *ob);

    if (ob)
        ob->cfg = *cfg;
    return ob;
}

static void drop_all(struct mt_outbox *ob)
{
    while (ob->lanes) {
        struct lane *lane = ob->lanes;

        ob->lanes = lane->next;
        while (lane->first) {
            struct mt_ob_row *next = lane->first->next;

            mt_ob_row_free(lane->first);
            lane->first = next;
        }
        free(lane);
    }
    ob->n_rows = 0;
}

void mt_outbox_free(struct mt_outbox *ob)
{
    if (!ob)
        return;
    drop_all(ob);
    tl_out_free(&ob->body);
    free(ob);
}

/* --- lanes --- */

static struct lane *lane_of(struct mt_outbox *ob, mt_chat_id chat)
{
    struct lane *lane = ob->lanes;

    while (lane && lane->chat != chat)
        lane = lane->next;
    if (lane)
        return lane;
    lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->chat = chat;
    lane->next = ob->lanes;
    ob->lanes = lane;
    return lane;
}

static int append(struct mt_outbox *ob, struct mt_ob_row *row)
{
    struct lane *lane = lane_of(ob, row->chat);

    if (!lane)
        return MT_E_NOMEM;
    row->next = NULL;
    if (lane->last)
        lane->last->next = row;
    else
        lane->first = row;
    lane->last = row;
    ob->n_rows++;
    return MT_OK;
}

static void take_out(struct mt_outbox *ob, struct mt_ob_row *row)
{
    struct lane **at = &ob->lanes, *lane;
    struct mt_ob_row **place, *before = NULL;

    while ((*at)->chat != row->chat)
        at = &(*at)->next;
    lane = *at;
    for (place = &lane->first; *place != row; place = &(*place)->next)
        before = *place;
    *place = row->next;
    if (lane->last == row)
        lane->last = before;
    if (!lane->first) {
        *at = lane->next;
        free(lane);
    }
    ob->n_rows--;
}

static struct mt_ob_row *row_by_id(const struct mt_outbox *ob, int64_t id)
{
    for (const struct lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next)
            if (row->id == id)
                return row;
    return NULL;
}

/* --- rows and replies --- */

static int write_row(struct mt_outbox *ob, const struct mt_ob_row *row, int state, struct tl_slice result)
{
    struct mt_outbox_row out;

    mt_ob_describe(row, state, result, &out);
    return mt_fxq_push(ob->cfg.fxq, &(struct mt_fx){.kind = MT_FX_OUTBOX, .row = &out});
}

static void reply(struct mt_outbox *ob, uint64_t token, const struct mt_reply *r)
{
    mt_fxq_push(ob->cfg.fxq, &(struct mt_fx){.kind = MT_FX_REPLY, .token = token, .reply = r});
}

static void reply_all(struct mt_outbox *ob, struct mt_ob_row *row, struct mt_reply *r)
{
    r->send_id = row->id;
    while (row->waiters) {
        struct mt_ob_waiter *w = row->waiters;

        row->waiters = w->next;
        reply(ob, w->token, r);
        free(w);
    }
}

static void end_row(struct mt_outbox *ob, struct mt_ob_row *row, int state, struct tl_slice result,
                    struct mt_reply *r)
{
    write_row(ob, row, state, result);
    reply_all(ob, row, r);
    take_out(ob, row);
    mt_ob_row_free(row);
}

static int add_waiter(struct mt_ob_row *row, const struct mt_send *send)
{
    struct mt_ob_waiter **at = &row->waiters, *w;

    if (!send->token)
        return MT_OK;
    w = calloc(1, sizeof *w);
    if (!w)
        return MT_E_NOMEM;
    w->token = send->token;
    w->deadline = send->deadline;
    while (*at)
        at = &(*at)->next;
    *at = w;
    return MT_OK;
}

/* The row says RUNNING before a byte leaves: after a crash it may have been sent. */
static void start_row(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row)
{
    int64_t before = row->first_sent;

    if (!row->first_sent)
        row->first_sent = now.wall / MT_US_PER_S;
    if (write_row(ob, row, MT_SEND_RUNNING, (struct tl_slice){0})) {
        row->first_sent = before; /* no memory: the next tick tries again */
        return;
    }
    row->step = MT_OB_STARTING;
}

static void start_lanes(struct mt_outbox *ob, struct mt_now now)
{
    for (struct lane *lane = ob->lanes; lane; lane = lane->next)
        if (lane->first->step == MT_OB_WAITING)
            start_row(ob, now, lane->first);
}

/* --- submit --- */

struct earlier {
    struct mt_outbox *ob;
    const struct mt_send *send;
    const uint8_t *digest;
    struct mt_now now;
    bool answered;
};

static void answer_again(struct earlier *e, const struct mt_outbox_row *row)
{
    struct mt_reply r = {.kind = MT_REPLY_RESULT, .again = true, .send_id = row->id, .sent = MT_SENT_YES};
    json_t *value = json_loadb((const char *)row->result.p, row->result.n, 0, NULL);
    int type = tl_type_by_name("Updates", 7);
    struct tl_json_error error;
    struct tl_out out = {0};

    if (value && type >= 0 && !tl_object_from_json((uint16_t)type, value, "result", NULL, &out, &error)) {
        r.p = out.data;
        r.n = out.len;
    }
    json_decref(value);
    reply(e->ob, e->send->token, &r);
    tl_out_free(&out);
    e->answered = true;
}

static int see_earlier(void *arg, const struct mt_outbox_row *row)
{
    struct earlier *e = arg;

    if (row->state == MT_SEND_FAILED || row->state == MT_SEND_EXPIRED ||
        row->created + MT_DEDUP_LIFE < e->now.wall / MT_US_PER_S)
        return 0;
    if (row->digest.n != 32 || memcmp(row->digest.p, e->digest, 32) != 0) {
        reply(e->ob, e->send->token, &(struct mt_reply){.kind = MT_REPLY_DEDUP_MISMATCH, .send_id = row->id});
        e->answered = true;
    } else if (row->state == MT_SEND_SENT) {
        answer_again(e, row);
    }
    return 0;
}

/* 1: answered or joined; 0: it is new. */
static int join(struct mt_outbox *ob, struct mt_now now, const struct mt_send *send, const uint8_t digest[32])
{
    struct earlier e = {.ob = ob, .send = send, .digest = digest, .now = now};

    for (struct lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; lane->chat == send->chat && row; row = row->next) {
            if (row->dedup_len != send->dedup_len || memcmp(row->dedup, send->dedup, send->dedup_len) != 0)
                continue;
            if (memcmp(row->digest, digest, 32) != 0) {
                reply(ob, send->token,
                      &(struct mt_reply){.kind = MT_REPLY_DEDUP_MISMATCH, .send_id = row->id});
                return 1;
            }
            return add_waiter(row, send) ? MT_E_NOMEM : 1;
        }
    if (ob->cfg.store && ob->cfg.store->send_by_dedup)
        ob->cfg.store->send_by_dedup(ob->cfg.store->ctx, send->chat, send->dedup, send->dedup_len,
                                     see_earlier, &e);
    return e.answered;
}

static struct mt_ob_row *make_row(struct mt_outbox *ob, struct mt_now now, const struct mt_send *send,
                                  const uint8_t digest[32])
{
    struct mt_ob_row *row =
        mt_ob_row_new(send->method, strlen(send->method), send->params, strlen(send->params));

    if (!row)
        return NULL;
    ob->last_id = now.wall > ob->last_id ? now.wall : ob->last_id + 1;
    row->id = ob->last_id;
    row->chat = send->chat;
    row->created = now.wall / MT_US_PER_S;
    row->flood_wait = send->flood_wait;
    memcpy(row->digest, digest, 32);
    row->dedup_len = send->dedup ? send->dedup_len : 0;
    if (row->dedup_len) {
        memcpy(row->dedup, send->dedup, row->dedup_len);
        row->random_id = mt_ob_dedup_id(ob->cfg.secret, row->chat, row->dedup, row->dedup_len);
    }
    while (!row->random_id)
        row->random_id = (int64_t)mt_env_random64(ob->cfg.env);
    return row;
}

int mt_outbox_submit(struct mt_outbox *ob, struct mt_now now, const struct mt_send *send)
{
    struct tl_out probe = {0};
    struct mt_ob_row *row;
    struct lane *lane;
    uint8_t digest[32];
    int err;

    if (send->dedup && (!send->dedup_len || send->dedup_len > MT_DEDUP_MAX))
        return MT_E_ARG;
    if (ob->n_rows >= MT_OUTBOX_ROWS)
        return MT_E_TOO_LARGE;
    mt_ob_digest(send->method, send->params, digest);
    if (send->dedup) {
        err = join(ob, now, send, digest);
        if (err)
            return err < 0 ? err : MT_OK;
    }
    row = make_row(ob, now, send, digest);
    if (!row)
        return MT_E_NOMEM;
    err = mt_ob_encode(row, &probe); /* what cannot be sent is refused before it is written */
    tl_out_free(&probe);
    if (!err)
        err = add_waiter(row, send);
    if (!err)
        err = append(ob, row);
    if (err) {
        mt_ob_row_free(row);
        return err;
    }
    lane = lane_of(ob, row->chat);
    if (lane && lane->first == row)
        start_row(ob, now, row);
    else
        write_row(ob, row, MT_SEND_WAITING, (struct tl_slice){0});
    return MT_OK;
}

/* --- after a restart --- */

struct loading {
    struct mt_outbox *ob;
    struct mt_now now;
};

static int load_row(void *arg, const struct mt_outbox_row *stored)
{
    struct loading *l = arg;
    struct mt_ob_row *row = mt_ob_row_new((const char *)stored->method.p, stored->method.n,
                                          (const char *)stored->params.p, stored->params.n);

    if (!row)
        return MT_E_NOMEM;
    row->id = stored->id;
    row->chat = stored->chat;
    row->random_id = stored->random_id;
    row->created = stored->created;
    row->first_sent = stored->first_sent;
    row->dedup_len = stored->dedup.n < MT_DEDUP_MAX ? stored->dedup.n : MT_DEDUP_MAX;
    if (row->dedup_len)
        memcpy(row->dedup, stored->dedup.p, row->dedup_len);
    if (stored->digest.n == 32)
        memcpy(row->digest, stored->digest.p, 32);
    if (row->id > l->ob->last_id)
        l->ob->last_id = row->id;
    if (append(l->ob, row)) {
        mt_ob_row_free(row);
        return MT_E_NOMEM;
    }
    return 0;
}

/* The server forgets random ids in time: a second message would be worse than none. */
static void expire_old(struct mt_outbox *ob, struct mt_now now)
{
    static const char why[] = "{\"sent\":\"unknown\"}";
    struct tl_slice result = {(const uint8_t *)why, sizeof why - 1};

    for (struct lane *lane = ob->lanes, *next_lane; lane; lane = next_lane) {
        next_lane = lane->next;
        for (struct mt_ob_row *row = lane->first, *next; row; row = next) {
            struct mt_reply r = {.kind = MT_REPLY_TIMEOUT, .sent = MT_SENT_UNKNOWN};

            next = row->next;
            if (row->first_sent && row->first_sent + MT_RESEND_LIFE < now.wall / MT_US_PER_S)
                end_row(ob, row, MT_SEND_FAILED, result, &r);
        }
    }
}

void mt_outbox_load(struct mt_outbox *ob, struct mt_now now)
{
    struct loading l = {ob, now};

    if (ob->loaded || !ob->cfg.store || !ob->cfg.store->each_unsent)
        return;
    ob->loaded = true;
    ob->cfg.store->each_unsent(ob->cfg.store->ctx, load_row, &l);
    expire_old(ob, now);
    start_lanes(ob, now);
}

void mt_outbox_logged_out(struct mt_outbox *ob)
{
    for (struct lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next)
            reply_all(ob, row, &(struct mt_reply){.kind = MT_REPLY_NOT_LOGGED_IN});
    drop_all(ob);
    ob->loaded = false;
}

/* --- down --- */

void mt_outbox_committed(struct mt_outbox *ob, struct mt_now now)
{
    for (struct lane *lane = ob->lanes; lane; lane = lane->next)
        if (lane->first->step == MT_OB_STARTING)
            lane->first->step = MT_OB_READY;
    start_lanes(ob, now);
}

static int64_t deadline_of(const struct mt_ob_row *row)
{
    int64_t at = row->waiters ? 0 : MT_NEVER;

    for (const struct mt_ob_waiter *w = row->waiters; w; w = w->next)
        if (w->deadline > at)
            at = w->deadline;
    return at;
}

bool mt_outbox_next(struct mt_outbox *ob, struct mt_now now, struct mt_outbox_call *call)
{
    for (struct lane *lane = ob->lanes, *next; lane; lane = next) {
        struct mt_ob_row *row = lane->first;

        next = lane->next;
        if (row->step != MT_OB_READY)
            continue;
        tl_out_reset(&ob->body);
        if (mt_ob_encode(row, &ob->body)) {
            /* a row of another layer that this one cannot say any more */
            struct mt_reply r = {.kind = MT_REPLY_FAILED, .code = MT_E_ARG};

            end_row(ob, row, MT_SEND_FAILED, (struct tl_slice){0}, &r);
            continue;
        }
        row->step = MT_OB_RUNNING;
        *call =
            (struct mt_outbox_call){row->id, ob->body.data, ob->body.len, deadline_of(row), row->flood_wait};
        return true;
    }
    return false;
}

/* --- the end of a call --- */

static void sent(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, const void *p, size_t n)
{
    struct mt_reply r = {.kind = MT_REPLY_RESULT, .p = p, .n = n, .sent = MT_SENT_YES};
    struct tl_out json = {0};
    struct tl_in in = tl_in(p, n);

    if (tl_to_json(&in, &json))
        tl_out_reset(&json);
    end_row(ob, row, MT_SEND_SENT, (struct tl_slice){json.data, json.len}, &r);
    tl_out_free(&json);
    start_lanes(ob, now);
}

void mt_outbox_result(struct mt_outbox *ob, struct mt_now now, int64_t id, const void *p, size_t n)
{
    struct mt_ob_row *row = row_by_id(ob, id);

    if (row)
        sent(ob, now, row, p, n);
}

/* An Updates that says no more than the number, where the full answer is lost. */
static void found(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row)
{
    struct tl_out out = {0};

    tl_put_u32(&out, TL_updates);
    tl_put_vector(&out, row->number ? 1 : 0);
    if (row->number) {
        tl_put_u32(&out, TL_updateMessageID);
        tl_put_int(&out, row->number);
        tl_put_long(&out, row->random_id);
    }
    tl_put_vector(&out, 0);
    tl_put_vector(&out, 0);
    tl_put_int(&out, (int32_t)(now.wall / MT_US_PER_S));
    tl_put_int(&out, 0);
    sent(ob, now, row, out.data, out.len);
    tl_out_free(&out);
}

void mt_outbox_error(struct mt_outbox *ob, struct mt_now now, int64_t id, int32_t code, const char *text,
                     int64_t seconds, bool local, bool *find)
{
    struct mt_ob_row *row = row_by_id(ob, id);
    struct mt_reply r = {.kind = MT_REPLY_RPC_ERROR, .code = code, .seconds = seconds, .local = local};
    size_t n = strlen(text) < sizeof r.text ? strlen(text) : sizeof r.text - 1;

    *find = false;
    if (!row)
        return;
    if (!strcmp(text, "RANDOM_ID_DUPLICATE")) { /* trap 38: it was executed */
        if (row->number) {
            found(ob, now, row);
            return;
        }
        row->step = MT_OB_FINDING;
        row->find_until = now.mono + MT_FIND_WAIT;
        *find = true;
        return;
    }
    memcpy(r.text, text, n);
    end_row(ob, row, MT_SEND_FAILED, (struct tl_slice){0}, &r);
    start_lanes(ob, now);
}

void mt_outbox_failed(struct mt_outbox *ob, struct mt_now now, int64_t id, int code, enum mt_sent how)
{
    struct mt_ob_row *row = row_by_id(ob, id);
    struct mt_reply r = {.kind = MT_REPLY_FAILED, .code = code, .sent = how};
    bool unknown = how != MT_SENT_NO || (row && !row->waiters);
    bool passes = code == MT_E_TIMEOUT || code == MT_E_STATE || code == MT_E_PEER;

    if (!row)
        return;
    if (code == MT_E_TIMEOUT)
        r.kind = MT_REPLY_TIMEOUT;
    if (unknown && passes) {
        /* it is followed to its end: the same random_id again, the server knows it or executes it now */
        r.sent = MT_SENT_UNKNOWN;
        reply_all(ob, row, &r);
        row->step = MT_OB_READY; /* its row says RUNNING already */
        return;
    }
    end_row(ob, row, code == MT_E_TIMEOUT ? MT_SEND_EXPIRED : MT_SEND_FAILED, (struct tl_slice){0}, &r);
    start_lanes(ob, now);
}

void mt_outbox_number(struct mt_outbox *ob, struct mt_now now, int32_t msg_id, int64_t random_id)
{
    for (struct lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next) {
            if (row->random_id != random_id)
                continue;
            row->number = msg_id;
            if (row->step == MT_OB_FINDING)
                found(ob, now, row);
            return;
        }
}

/* --- who waits --- */

uint64_t mt_outbox_token(const struct mt_outbox *ob, int64_t id)
{
    const struct mt_ob_row *row = row_by_id(ob, id);

    return row && row->waiters ? row->waiters->token : 0;
}

size_t mt_outbox_open(const struct mt_outbox *ob)
{
    return ob->n_rows;
}

static enum mt_sent sent_so_far(const struct mt_ob_row *row)
{
    return row->step == MT_OB_RUNNING || row->step == MT_OB_FINDING ? MT_SENT_UNKNOWN : MT_SENT_NO;
}

/* Takes one waiter away; the last one takes a send with it of which no byte has left. */
static void leave(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, struct mt_ob_waiter **at,
                  enum mt_reply_kind kind)
{
    struct mt_ob_waiter *w = *at;
    struct mt_reply r = {.kind = kind, .sent = sent_so_far(row), .send_id = row->id};

    if (r.sent == MT_SENT_NO && row->first_sent && row->step == MT_OB_WAITING)
        r.sent = MT_SENT_UNKNOWN; /* an earlier process may have sent it */
    *at = w->next;
    reply(ob, w->token, &r);
    free(w);
    if (row->waiters || r.sent != MT_SENT_NO)
        return;
    end_row(ob, row, MT_SEND_EXPIRED, (struct tl_slice){0}, &r);
    start_lanes(ob, now);
}

bool mt_outbox_cancel(struct mt_outbox *ob, struct mt_now now, uint64_t token)
{
    for (struct lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next)
            for (struct mt_ob_waiter **at = &row->waiters; *at; at = &(*at)->next)
                if ((*at)->token == token) {
                    leave(ob, now, row, at, MT_REPLY_CANCELLED);
                    return true;
                }
    return false;
}

/* One that is due, so that the lists may change under it; false: none. */
static bool expire_one(struct mt_outbox *ob, struct mt_now now)
{
    for (struct lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next) {
            if (row->step == MT_OB_FINDING && row->find_until <= now.mono) {
                found(ob, now, row);
                return true;
            }
            /* a running one's deadline is watched by its call, which knows whether bytes have left */
            for (struct mt_ob_waiter **at = &row->waiters; *at; at = &(*at)->next)
                if ((*at)->deadline <= now.mono &&
                    (row->step != MT_OB_RUNNING || (*at)->next || at != &row->waiters)) {
                    leave(ob, now, row, at, MT_REPLY_TIMEOUT);
                    return true;
                }
        }
    return false;
}

void mt_outbox_tick(struct mt_outbox *ob, struct mt_now now)
{
    while (expire_one(ob, now))
        ;
    start_lanes(ob, now);
}

int64_t mt_outbox_deadline(const struct mt_outbox *ob)
{
    int64_t at = MT_NEVER;

    for (const struct lane *lane = ob->lanes; lane; lane = lane->next)
        for (const struct mt_ob_row *row = lane->first; row; row = row->next) {
            if (row->step == MT_OB_FINDING && row->find_until < at)
                at = row->find_until;
            for (const struct mt_ob_waiter *w = row->waiters; w; w = w->next)
                if (w->deadline < at && (row->step != MT_OB_RUNNING || w->next || w != row->waiters))
                    at = w->deadline;
        }
    return at;
}
