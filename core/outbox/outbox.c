#include "core/outbox/inside.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

struct mt_outbox *mt_outbox_new(const struct mt_outbox_cfg *cfg)
{
    struct mt_outbox *ob = calloc(1, sizeof *ob);

    if (ob)
        ob->cfg = *cfg;
    return ob;
}

void mt_ob_drop_all(struct mt_outbox *ob)
{
    while (ob->lanes) {
        struct mt_ob_lane *lane = ob->lanes;

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
    mt_ob_drop_all(ob);
    tl_out_free(&ob->body);
    free(ob);
}

/* --- lanes --- */

struct mt_ob_lane *mt_ob_lane(struct mt_outbox *ob, mt_chat_id chat)
{
    struct mt_ob_lane *lane = ob->lanes;

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

int mt_ob_append(struct mt_outbox *ob, struct mt_ob_row *row)
{
    struct mt_ob_lane *lane = mt_ob_lane(ob, row->chat);

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
    struct mt_ob_lane **at = &ob->lanes, *lane;
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

struct mt_ob_row *mt_ob_by_id(const struct mt_outbox *ob, int64_t id)
{
    for (const struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next)
            if (row->id == id)
                return row;
    return NULL;
}

/* --- rows and replies --- */

int mt_ob_write(struct mt_outbox *ob, const struct mt_ob_row *row, int state, struct tl_slice result)
{
    struct mt_outbox_row out;

    mt_ob_describe(row, state, result, &out);
    return mt_fxq_push(
        ob->cfg.fxq,
        &(struct mt_fx){.kind = MT_FX_OUTBOX, .row = &out, .token = row->waiters ? row->waiters->token : 0});
}

void mt_ob_reply(struct mt_outbox *ob, uint64_t token, const struct mt_reply *r)
{
    mt_fxq_push(ob->cfg.fxq, &(struct mt_fx){.kind = MT_FX_REPLY, .token = token, .reply = r});
}

void mt_ob_reply_all(struct mt_outbox *ob, struct mt_ob_row *row, struct mt_reply *r)
{
    r->send_id = row->id;
    while (row->waiters) {
        struct mt_ob_waiter *w = row->waiters;

        row->waiters = w->next;
        mt_ob_reply(ob, w->token, r);
        free(w);
    }
}

void mt_ob_end(struct mt_outbox *ob, struct mt_ob_row *row, int state, struct tl_slice result,
               struct mt_reply *r)
{
    mt_ob_write(ob, row, state, result);
    mt_ob_reply_all(ob, row, r);
    take_out(ob, row);
    mt_ob_row_free(row);
}

int mt_ob_add_waiter(struct mt_outbox *ob, struct mt_ob_row *row, const struct mt_send *send)
{
    struct mt_ob_waiter **at = &row->waiters, *w;

    if (send->queue) {
        if (send->expires > row->expires)
            row->expires = send->expires;
        if (send->token)
            mt_ob_reply(ob, send->token, &(struct mt_reply){.kind = MT_REPLY_OK, .send_id = row->id});
        return MT_OK;
    }
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
void mt_ob_start(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row)
{
    int64_t before = row->first_sent;

    if (!row->first_sent)
        row->first_sent = now.wall / MT_US_PER_S;
    if (mt_ob_write(ob, row, MT_SEND_RUNNING, (struct tl_slice){0})) {
        row->first_sent = before; /* no memory: the next tick tries again */
        return;
    }
    row->step = MT_OB_STARTING;
}

void mt_ob_start_lanes(struct mt_outbox *ob, struct mt_now now)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        if (lane->first->step == MT_OB_WAITING)
            mt_ob_start(ob, now, lane->first);
}

/* --- down --- */

void mt_outbox_committed(struct mt_outbox *ob, struct mt_now now)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        if (lane->first->step == MT_OB_STARTING)
            lane->first->step = MT_OB_READY;
    mt_ob_start_lanes(ob, now);
}

static int64_t deadline_of(const struct mt_ob_row *row)
{
    int64_t at = row->expires;

    for (const struct mt_ob_waiter *w = row->waiters; w; w = w->next)
        if (w->deadline > at)
            at = w->deadline;
    return at;
}

bool mt_outbox_next(struct mt_outbox *ob, struct mt_now now, struct mt_outbox_call *call)
{
    for (struct mt_ob_lane *lane = ob->lanes, *next; lane; lane = next) {
        struct mt_ob_row *row = lane->first;

        next = lane->next;
        if (row->step != MT_OB_READY)
            continue;
        tl_out_reset(&ob->body);
        if (mt_ob_encode(row, &ob->body)) {
            /* a row of another layer that this one cannot say any more */
            struct mt_reply r = {.kind = MT_REPLY_FAILED, .code = MT_E_ARG};

            mt_ob_end(ob, row, MT_SEND_FAILED, (struct tl_slice){0}, &r);
            continue;
        }
        row->step = MT_OB_RUNNING;
        *call = (struct mt_outbox_call){.id = row->id,
                                        .p = ob->body.data,
                                        .n = ob->body.len,
                                        .deadline = deadline_of(row),
                                        .flood_wait = row->expires ? MT_RESEND_LIFE : row->flood_wait};
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
    mt_ob_end(ob, row, MT_SEND_SENT, (struct tl_slice){json.data, json.len}, &r);
    tl_out_free(&json);
    mt_ob_start_lanes(ob, now);
}

void mt_outbox_result(struct mt_outbox *ob, struct mt_now now, int64_t id, const void *p, size_t n)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);

    if (row)
        sent(ob, now, row, p, n);
}

/* An Updates that says no more than the number, where the full answer is lost. */
void mt_ob_found(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row)
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

/* What the server said, as the row keeps it for who asks later: {"code":400,"text":"..."}. */
static char *refusal(int32_t code, const char *text)
{
    json_t *o = json_pack("{s:i, s:s}", "code", (int)code, "text", text);
    char *dump = o ? json_dumps(o, JSON_COMPACT) : NULL;

    json_decref(o);
    return dump;
}

void mt_outbox_error(struct mt_outbox *ob, struct mt_now now, int64_t id, int32_t code, const char *text,
                     int64_t seconds, bool local, bool *find)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);
    struct mt_reply r = {.kind = MT_REPLY_RPC_ERROR, .code = code, .seconds = seconds, .local = local};
    size_t n = strlen(text) < sizeof r.text ? strlen(text) : sizeof r.text - 1;
    char *why;

    *find = false;
    if (!row)
        return;
    if (!strcmp(text, "RANDOM_ID_DUPLICATE")) { /* trap 38: it was executed */
        if (row->number) {
            mt_ob_found(ob, now, row);
            return;
        }
        row->step = MT_OB_FINDING;
        row->find_until = now.mono + MT_FIND_WAIT;
        *find = true;
        return;
    }
    memcpy(r.text, text, n);
    why = refusal(code, r.text);
    mt_ob_end(ob, row, MT_SEND_FAILED, (struct tl_slice){(const uint8_t *)why, why ? strlen(why) : 0}, &r);
    free(why);
    mt_ob_start_lanes(ob, now);
}

/* Followed to its end: the same random_id again, the server knows it or executes it now. */
static void once_more(struct mt_ob_row *row, struct mt_now now)
{
    if (!row->expires)
        row->expires = now.mono + MT_RESEND_LIFE * MT_US_PER_S;
    row->step = MT_OB_READY; /* its row says RUNNING already */
}

void mt_outbox_failed(struct mt_outbox *ob, struct mt_now now, int64_t id, int code, enum mt_sent how)
{
    static const char unknown[] = "{\"sent\":\"unknown\"}";
    struct mt_ob_row *row = mt_ob_by_id(ob, id);
    struct mt_reply r = {.kind = MT_REPLY_FAILED, .code = code, .sent = how};
    bool passes = code == MT_E_TIMEOUT || code == MT_E_STATE || code == MT_E_PEER;

    if (!row)
        return;
    if (code == MT_E_TIMEOUT)
        r.kind = MT_REPLY_TIMEOUT;
    if (passes && (how != MT_SENT_NO || row->expires) && (!row->expires || row->expires > now.mono)) {
        r.sent = how == MT_SENT_NO && !row->first_sent ? how : MT_SENT_UNKNOWN;
        mt_ob_reply_all(ob, row, &r);
        once_more(row, now);
        return;
    }
    if (how == MT_SENT_NO)
        mt_ob_end(ob, row, code == MT_E_TIMEOUT ? MT_SEND_EXPIRED : MT_SEND_FAILED, (struct tl_slice){0}, &r);
    else
        mt_ob_end(ob, row, MT_SEND_FAILED, (struct tl_slice){(const uint8_t *)unknown, sizeof unknown - 1},
                  &r);
    mt_ob_start_lanes(ob, now);
}

void mt_outbox_number(struct mt_outbox *ob, struct mt_now now, int32_t msg_id, int64_t random_id)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next) {
            if (row->random_id != random_id)
                continue;
            row->number = msg_id;
            if (row->step == MT_OB_FINDING)
                mt_ob_found(ob, now, row);
            return;
        }
}
