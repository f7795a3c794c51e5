#include "core/outbox/inside.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_PATIENCE (60 * MT_US_PER_S)

struct mt_outbox *mt_outbox_new(const struct mt_outbox_cfg *cfg)
{
    struct mt_outbox *ob = calloc(1, sizeof *ob);

    if (ob)
        ob->cfg = *cfg;
    return ob;
}

void mt_outbox_free(struct mt_outbox *ob)
{
    if (!ob)
        return;
    mt_ob_drop_all(ob);
    tl_out_free(&ob->body);
    free(ob);
}

/* --- rows and replies --- */

static int write_row(struct mt_outbox *ob, const struct mt_ob_row *row, int state, struct tl_slice result,
                     bool tell)
{
    struct mt_outbox_row out;

    mt_ob_describe(row, state, result, &out);
    return mt_fxq_push(ob->cfg.fxq, &(struct mt_fx){.kind = MT_FX_OUTBOX, .row = &out, .tell = tell});
}

int mt_ob_write(struct mt_outbox *ob, const struct mt_ob_row *row, int state, struct tl_slice result)
{
    return write_row(ob, row, state, result, false);
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
    write_row(ob, row, state, result, row->told || !row->waiters);
    mt_ob_reply_all(ob, row, r);
    mt_ob_take_out(ob, row);
    mt_ob_row_free(row);
}

void mt_ob_step(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, enum mt_ob_step step)
{
    row->step = step;
    mt_ob_tell_stage(ob, now, row);
}

/* --- beginning --- */

/* The row says RUNNING before a byte leaves: after a crash it may have been sent. */
void mt_ob_start(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row)
{
    if (row->old) { /* its number may come with the difference; else it is looked for */
        row->find_until = MT_NEVER;
        mt_ob_step(ob, now, row, MT_OB_FINDING);
        return;
    }
    if (row->first_sent) { /* it says so already */
        mt_ob_step(ob, now, row, MT_OB_READY);
        return;
    }
    row->first_sent = now.wall / MT_US_PER_S;
    if (mt_ob_write(ob, row, MT_SEND_RUNNING, (struct tl_slice){0})) {
        row->first_sent = 0; /* no memory: the next tick tries again */
        return;
    }
    mt_ob_step(ob, now, row, MT_OB_STARTING);
}

static void start_lane(struct mt_outbox *ob, struct mt_now now, struct mt_ob_lane *lane)
{
    struct mt_ob_row *row = lane->first;

    while (row && row->step == MT_OB_WAITING) {
        struct mt_ob_row *next = row->next;

        if (!row->old || mt_ob_can_look(row)) {
            mt_ob_start(ob, now, row);
            return;
        }
        mt_ob_end_unknown(ob, row); /* and the lane with it, where it was the last */
        row = next;
    }
}

void mt_ob_start_lanes(struct mt_outbox *ob, struct mt_now now)
{
    for (struct mt_ob_lane *lane = ob->lanes, *next; lane; lane = next) {
        next = lane->next;
        start_lane(ob, now, lane);
    }
}

/* --- down --- */

void mt_outbox_committed(struct mt_outbox *ob, struct mt_now now)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        if (lane->first->step == MT_OB_STARTING)
            lane->first->step = MT_OB_READY;
    mt_ob_start_lanes(ob, now);
}

int64_t mt_ob_deadline_of(const struct mt_ob_row *row)
{
    int64_t at = row->expires;

    for (const struct mt_ob_waiter *w = row->waiters; w; w = w->next)
        if (w->deadline > at)
            at = w->deadline;
    return at;
}

/* True: it may leave. */
static bool prepare(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, bool look)
{
    int64_t slow = row->n_ids ? mt_ob_slow_until(ob, now, row->chat) : 0;
    char text[48];
    int err;

    if (slow && row->step == MT_OB_READY) {
        struct mt_outbox_refusal e = {.code = 420, .text = text, .wait = true, .local = true};

        e.seconds = (slow - now.mono + MT_US_PER_S - 1) / MT_US_PER_S;
        snprintf(text, sizeof text, "SLOWMODE_WAIT_%lld", (long long)e.seconds);
        mt_ob_refused(ob, now, row, &e);
        return false;
    }
    tl_out_reset(&ob->body);
    err = look ? mt_ob_look_encode(ob, row, &ob->body) : mt_ob_encode(row, &ob->body);
    if (err == MT_E_NOMEM)
        return false; /* the next turn tries again */
    if (err) {
        /* a row of another layer that this one cannot say any more */
        struct mt_reply r = {.kind = MT_REPLY_FAILED, .code = MT_E_ARG};

        mt_ob_end(ob, row, MT_SEND_FAILED, (struct tl_slice){0}, &r);
        return false;
    }
    return true;
}

bool mt_outbox_next(struct mt_outbox *ob, struct mt_now now, struct mt_outbox_call *call)
{
    bool ended = false;

    for (struct mt_ob_lane *lane = ob->lanes, *next; lane; lane = next) {
        struct mt_ob_row *row = lane->first;
        bool look = row->step == MT_OB_LOOK || (row->step == MT_OB_READY && mt_ob_must_look(row));

        next = lane->next;
        if (!look && row->step != MT_OB_READY)
            continue;
        if (!prepare(ob, now, row, look)) {
            ended = true;
            continue;
        }
        row->step = look ? MT_OB_LOOKING : MT_OB_RUNNING;
        *call = (struct mt_outbox_call){.id = row->id,
                                        .p = ob->body.data,
                                        .n = ob->body.len,
                                        .deadline = look ? now.mono + LOOK_PATIENCE : mt_ob_deadline_of(row),
                                        .random_id = row->n_ids && !look,
                                        .once = !look && mt_ob_is_edit(row),
                                        .look = look,
                                        .search = look && row->n_ids};
        return true;
    }
    if (ended)
        mt_ob_start_lanes(ob, now);
    return false;
}
