/* Who waits for a send, for how long, and what they hear of it. */
#include "core/outbox/inside.h"

#include <stdlib.h>

uint64_t mt_outbox_token(const struct mt_outbox *ob, int64_t id)
{
    const struct mt_ob_row *row = mt_ob_by_id(ob, id);

    return row && row->waiters ? row->waiters->token : 0;
}

size_t mt_outbox_open(const struct mt_outbox *ob)
{
    return ob->n_rows;
}

/* --- stages --- */

static struct mt_send_stage stage_of(const struct mt_ob_row *row, struct mt_now now)
{
    struct mt_send_stage s = {.name = "sending"};

    switch (row->step) {
    case MT_OB_WAITING:
        s.name = "queued";
        for (const struct mt_ob_row *r = row->lane->first; r != row; r = r->next)
            s.before++;
        break;
    case MT_OB_HELD:
        s.name = "waiting";
        s.seconds = row->until > now.mono ? (row->until - now.mono + MT_US_PER_S - 1) / MT_US_PER_S : 0;
        break;
    case MT_OB_STARTING:
    case MT_OB_READY:
    case MT_OB_RUNNING:
        break;
    case MT_OB_FINDING:
    case MT_OB_LOOK:
    case MT_OB_LOOKING:
        s.name = "finding";
        break;
    }
    return s;
}

static void tell(struct mt_outbox *ob, const struct mt_ob_waiter *w, const struct mt_send_stage *stage)
{
    if (w->progress)
        mt_fxq_push(ob->cfg.fxq, &(struct mt_fx){.kind = MT_FX_STAGE, .token = w->token, .stage = *stage});
}

void mt_ob_tell_stage(struct mt_outbox *ob, struct mt_now now, const struct mt_ob_row *row)
{
    struct mt_send_stage stage = stage_of(row, now);

    for (const struct mt_ob_waiter *w = row->waiters; w; w = w->next)
        tell(ob, w, &stage);
}

bool mt_outbox_stage(const struct mt_outbox *ob, struct mt_now now, int64_t id, struct mt_send_stage *out)
{
    const struct mt_ob_row *row = mt_ob_by_id(ob, id);

    if (row)
        *out = stage_of(row, now);
    return row != NULL;
}

/* --- coming --- */

static int add(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, const struct mt_send *send)
{
    struct mt_ob_waiter **at = &row->waiters, *w = calloc(1, sizeof *w);
    struct mt_send_stage stage = stage_of(row, now);

    if (!w)
        return MT_E_NOMEM;
    w->token = send->token;
    w->deadline = send->deadline;
    w->progress = send->progress;
    while (*at)
        at = &(*at)->next;
    *at = w;
    if (send->flood_wait > row->flood_wait)
        row->flood_wait = send->flood_wait;
    tell(ob, w, &stage);
    return MT_OK;
}

int mt_ob_add_waiter(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row,
                     const struct mt_send *send)
{
    if (!send->queue)
        return send->token ? add(ob, now, row, send) : MT_OK;
    if (send->expires > row->expires)
        row->expires = send->expires;
    row->told = true;
    if (send->token)
        mt_ob_reply(ob, send->token, &(struct mt_reply){.kind = MT_REPLY_OK, .send_id = row->id});
    return MT_OK;
}

/* --- going --- */

enum mt_sent mt_ob_sent_so_far(const struct mt_ob_row *row)
{
    switch (row->step) {
    case MT_OB_WAITING:
    case MT_OB_STARTING:
    case MT_OB_READY:
    case MT_OB_HELD:
        break;
    case MT_OB_RUNNING:
    case MT_OB_FINDING:
    case MT_OB_LOOK:
    case MT_OB_LOOKING:
        return MT_SENT_UNKNOWN;
    }
    return row->maybe ? MT_SENT_UNKNOWN : MT_SENT_NO;
}

/* Takes one waiter away; the last one takes a send with it of which no byte has left. */
static void leave(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, struct mt_ob_waiter **at,
                  enum mt_reply_kind kind)
{
    struct mt_ob_waiter *w = *at;
    struct mt_reply r = {.kind = kind, .sent = mt_ob_sent_so_far(row), .send_id = row->id};
    int state = kind == MT_REPLY_CANCELLED ? MT_SEND_CANCELLED : MT_SEND_EXPIRED;

    if (!row->waiters->next && !row->expires && r.sent == MT_SENT_NO) {
        mt_ob_end(ob, row, state, (struct tl_slice){0}, &r);
        mt_ob_start_lanes(ob, now);
        return;
    }
    r.sent = MT_SENT_UNKNOWN; /* it goes on without this one */
    row->told = true;
    *at = w->next;
    if (!row->waiters && !row->expires)
        row->expires = now.mono + MT_RESEND_LIFE * MT_US_PER_S;
    mt_ob_reply(ob, w->token, &r);
    free(w);
}

void mt_outbox_stop(struct mt_outbox *ob)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next) {
            struct mt_reply r = {.kind = MT_REPLY_TIMEOUT, .sent = MT_SENT_UNKNOWN};

            row->told = row->told || row->waiters;
            mt_ob_reply_all(ob, row, &r);
        }
}

static struct mt_ob_row *waited_for_by(const struct mt_outbox *ob, uint64_t token, struct mt_ob_waiter ***at)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next)
            for (*at = &row->waiters; **at; *at = &(**at)->next)
                if ((**at)->token == token)
                    return row;
    return NULL;
}

int64_t mt_outbox_running_of(const struct mt_outbox *ob, uint64_t token)
{
    struct mt_ob_waiter **at;
    const struct mt_ob_row *row = waited_for_by(ob, token, &at);

    return row && row->step == MT_OB_RUNNING && !row->expires && !row->waiters->next ? row->id : 0;
}

bool mt_outbox_is_running(const struct mt_outbox *ob, int64_t id)
{
    const struct mt_ob_row *row = mt_ob_by_id(ob, id);

    return row && row->step == MT_OB_RUNNING;
}

void mt_outbox_taken_back(struct mt_outbox *ob, struct mt_now now, int64_t id)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);

    (void)now;
    if (row && row->step == MT_OB_RUNNING)
        row->step = MT_OB_READY;
}

bool mt_outbox_cancel(struct mt_outbox *ob, struct mt_now now, uint64_t token)
{
    struct mt_ob_waiter **at;
    struct mt_ob_row *row = waited_for_by(ob, token, &at);

    if (row)
        leave(ob, now, row, at, MT_REPLY_CANCELLED);
    return row != NULL;
}

int mt_outbox_withdraw(struct mt_outbox *ob, struct mt_now now, int64_t id)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);
    struct mt_reply r = {.kind = MT_REPLY_CANCELLED, .sent = MT_SENT_NO};

    if (!row)
        return MT_E_NOT_FOUND;
    if (mt_ob_sent_so_far(row) != MT_SENT_NO)
        return MT_E_STATE;
    row->told = true;
    mt_ob_end(ob, row, MT_SEND_CANCELLED, (struct tl_slice){0}, &r);
    mt_ob_start_lanes(ob, now);
    return MT_OK;
}

/* --- time --- */

/* What is due of a row whether somebody waits or not; MT_NEVER: nothing. */
static int64_t due_by_itself(const struct mt_ob_row *row)
{
    int64_t at = MT_NEVER;

    if (row->step == MT_OB_FINDING)
        at = row->find_until;
    if (row->step == MT_OB_HELD)
        at = row->until;
    if (row->expires && !row->old && !row->waiters && row->expires < at &&
        (row->step == MT_OB_WAITING || row->step == MT_OB_HELD))
        at = row->expires;
    return at;
}

static void do_what_is_due(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row)
{
    struct mt_reply none = {.kind = MT_REPLY_TIMEOUT};

    if (row->step == MT_OB_FINDING) {
        if (mt_ob_can_look(row))
            mt_ob_step(ob, now, row, MT_OB_LOOK);
        else
            mt_ob_found(ob, now, row);
    } else if (row->expires && !row->waiters && row->expires <= now.mono) {
        if (row->maybe) { /* when its turn comes it is looked for */
            row->old = true;
            row->step = MT_OB_WAITING;
        } else {
            mt_ob_end(ob, row, MT_SEND_EXPIRED, (struct tl_slice){0}, &none);
        }
    } else {
        row->step = MT_OB_WAITING; /* the wait is over */
    }
}

/* One that is due, so that the lists may change under it; false: none. */
static bool expire_one(struct mt_outbox *ob, struct mt_now now)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next) {
            if (due_by_itself(row) <= now.mono) {
                do_what_is_due(ob, now, row);
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
    if (ob->load_at && ob->load_at <= now.mono) {
        mt_outbox_load(ob, now); /* and ticks */
        return;
    }
    while (expire_one(ob, now))
        ;
    mt_ob_start_lanes(ob, now);
}

int64_t mt_outbox_deadline(const struct mt_outbox *ob)
{
    int64_t at = ob->load_at ? ob->load_at : MT_NEVER;

    for (const struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (const struct mt_ob_row *row = lane->first; row; row = row->next) {
            if (due_by_itself(row) < at)
                at = due_by_itself(row);
            for (const struct mt_ob_waiter *w = row->waiters; w; w = w->next)
                if (w->deadline < at && (row->step != MT_OB_RUNNING || w->next || w != row->waiters))
                    at = w->deadline;
        }
    return at;
}
