#include "core/outbox/inside.h"

#include <stdlib.h>

/* --- who waits --- */

uint64_t mt_outbox_token(const struct mt_outbox *ob, int64_t id)
{
    const struct mt_ob_row *row = mt_ob_by_id(ob, id);

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
    if (!row->waiters->next && !row->expires && r.sent == MT_SENT_NO) {
        mt_ob_end(ob, row, MT_SEND_EXPIRED, (struct tl_slice){0}, &r);
        mt_ob_start_lanes(ob, now);
        return;
    }
    r.sent = MT_SENT_UNKNOWN; /* it goes on without this one */
    *at = w->next;
    mt_ob_reply(ob, w->token, &r);
    free(w);
}

void mt_outbox_stop(struct mt_outbox *ob)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next) {
            struct mt_reply r = {.kind = MT_REPLY_TIMEOUT, .sent = MT_SENT_UNKNOWN};

            mt_ob_reply_all(ob, row, &r);
        }
}

bool mt_outbox_cancel(struct mt_outbox *ob, struct mt_now now, uint64_t token)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
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
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next) {
            if (row->step == MT_OB_FINDING && row->find_until <= now.mono) {
                mt_ob_found(ob, now, row);
                return true;
            }
            if (row->expires && row->expires <= now.mono && row->step == MT_OB_WAITING && !row->waiters) {
                struct mt_reply none = {.kind = MT_REPLY_TIMEOUT};

                mt_ob_end(ob, row, MT_SEND_EXPIRED, (struct tl_slice){0}, &none);
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
    mt_ob_start_lanes(ob, now);
}

int64_t mt_outbox_deadline(const struct mt_outbox *ob)
{
    int64_t at = MT_NEVER;

    for (const struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (const struct mt_ob_row *row = lane->first; row; row = row->next) {
            if (row->step == MT_OB_FINDING && row->find_until < at)
                at = row->find_until;
            if (row->expires && row->step == MT_OB_WAITING && !row->waiters && row->expires < at)
                at = row->expires;
            for (const struct mt_ob_waiter *w = row->waiters; w; w = w->next)
                if (w->deadline < at && (row->step != MT_OB_RUNNING || w->next || w != row->waiters))
                    at = w->deadline;
        }
    return at;
}
