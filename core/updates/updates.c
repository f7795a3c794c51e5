#include "core/updates/engine.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

/* A pts this far back is no old update but a server that began anew. */
#define RESET_DISTANCE 1000009

/* --- small things that are kept until they are pulled --- */

void mt_upd_ack(struct mt_updates *u, uint64_t ack)
{
    uint64_t *more;

    if (!ack)
        return;
    if (u->n_acks == u->cap_acks) {
        more = realloc(u->acks, (u->cap_acks * 2 + 8) * sizeof *more);
        if (!more)
            return; /* not acked: the server sends it again, its boxes drop it */
        u->acks = more;
        u->cap_acks = u->cap_acks * 2 + 8;
    }
    u->acks[u->n_acks++] = ack;
}

bool mt_updates_next_ack(struct mt_updates *u, uint64_t *ack)
{
    if (!u->n_acks)
        return false;
    *ack = u->acks[--u->n_acks];
    return true;
}

static void note_id(struct mt_updates *u, const struct tl_view *update)
{
    if (u->n_ids == u->cap_ids) {
        void *more = realloc(u->ids, (u->cap_ids * 2 + 4) * sizeof *u->ids);

        if (!more)
            return;
        u->ids = more;
        u->cap_ids = u->cap_ids * 2 + 4;
    }
    u->ids[u->n_ids].id = tl_get_int(update, TLF_updateMessageID__id);
    u->ids[u->n_ids++].random_id = tl_get_long(update, TLF_updateMessageID__random_id);
}

bool mt_updates_next_id(struct mt_updates *u, int32_t *id, int64_t *random_id)
{
    if (!u->n_ids)
        return false;
    u->n_ids--;
    *id = u->ids[u->n_ids].id;
    *random_id = u->ids[u->n_ids].random_id;
    return true;
}

/* --- delivering --- */

void mt_upd_deliver(struct mt_updates *u, struct mt_now now, const void *p, size_t n, struct mt_around around)
{
    struct tl_view v, m;

    if (tl_view_open_exact(&v, p, n))
        return;
    switch (v.def->id) {
    case TL_updateMessageID:
        note_id(u, &v);
        break;
    case TL_updateChannelTooLong:
        mt_chan_too_long(u, now, tl_get_long(&v, TLF_updateChannelTooLong__channel_id),
                         tl_get_int(&v, TLF_updateChannelTooLong__pts));
        break;
    case TL_updatePtsChanged:
        mt_diff_due(u, now);
        break;
    case TL_updateNewChannelMessage:
        if (tl_get_object(&v, TLF_updateNewChannelMessage__message, &m))
            mt_chan_top(u, &m);
        break;
    default:
        mt_peers_update(u->cfg.peers, &v);
        break;
    }
    mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_UPDATE,
                                            .p = p,
                                            .n = n,
                                            .date = around.date,
                                            .recovered = u->recovered,
                                            .own_token = around.token});
}

void mt_upd_gap(struct mt_updates *u, mt_chat_id chat, int32_t from, int32_t to)
{
    u->stats.gaps++;
    mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_GAP, .chat = chat, .gap_from = from, .gap_to = to});
}

static void advance(struct mt_updates *u, struct mt_counter *c, const struct mt_box_at *at)
{
    if ((int64_t)at->pts != (int64_t)c->value + at->count || !at->count)
        return;
    c->value = at->pts;
    if (at->box == MT_BOX_CHANNEL)
        mt_chan_dirty(u, mt_chan_find(u, at->channel));
    else
        u->dirty = true;
}

void mt_upd_drain(struct mt_updates *u, struct mt_now now, struct mt_counter *c)
{
    struct mt_waiting *w;

    while ((w = mt_counter_ready(c))) {
        advance(u, c, &w->at);
        if (w->n)
            mt_upd_deliver(u, now, w->bytes, w->n, (struct mt_around){w->date, w->token});
        free(w);
    }
}

static void gap_due(struct mt_updates *u, struct mt_now now, const struct mt_box_at *at)
{
    if (at->box == MT_BOX_CHANNEL) {
        struct mt_chan *ch = mt_chan_find(u, at->channel);

        if (ch)
            mt_chan_due(u, now, ch);
    } else {
        mt_diff_due(u, now);
    }
}

/*
 * The counter of a box; NULL: no memory. `busy`: wait for the difference. That is so while an answer is under
 * way, which begins at the pts that was asked with, and before the first one. A difference that is only due,
 * or that failed and is tried again, holds back nothing: what fits is next, whatever the server says about
 * when it likes to be asked.
 */
static struct mt_counter *counter_of(struct mt_updates *u, const struct mt_box_at *at, bool *busy)
{
    struct mt_chan *ch;

    *busy = false;
    if (at->box != MT_BOX_CHANNEL)
        return at->box == MT_BOX_QTS ? &u->qts : &u->common;
    ch = mt_chan_get(u, at->channel);
    if (!ch)
        return NULL;
    if (!ch->counter.known && ch->diff.step == MT_DIFF_IDLE && !at->mark) {
        ch->counter.known = true;
        ch->counter.value = at->pts - at->count;
        mt_chan_dirty(u, ch);
    }
    *busy = ch->diff.step == MT_DIFF_RUNNING || !ch->counter.known;
    return &ch->counter;
}

static void wait_for_it(struct mt_updates *u, struct mt_now now, struct mt_counter *c,
                        const struct mt_box_at *at, bool busy, const void *p, size_t n,
                        struct mt_around around)
{
    if (mt_counter_wait(c, at, around.date, around.token, p, n)) {
        u->stats.overflows++;
        gap_due(u, now, at);
        return;
    }
    if (busy)
        return;
    if ((int64_t)at->pts - c->value > RESET_DISTANCE) {
        gap_due(u, now, at);
    } else if (c->gap_at == MT_NEVER) {
        c->gap_at = now.mono + (MT_GAP_WAIT << c->fruitless);
        if (at->box == MT_BOX_CHANNEL && c->gap_at < u->chan_at)
            u->chan_at = c->gap_at;
    }
}

void mt_upd_offer(struct mt_updates *u, struct mt_now now, const struct mt_box_at *at, const void *p,
                  size_t n, struct mt_around around)
{
    struct mt_counter *c;
    bool busy;

    if (at->box == MT_BOX_NONE) {
        if (n && !(u->releasing && mt_told_has(u, p, n)))
            mt_upd_deliver(u, now, p, n, around);
        return;
    }
    c = counter_of(u, at, &busy);
    if (!c || (at->box != MT_BOX_CHANNEL && !c->known)) {
        mt_diff_due(u, now);
        return;
    }
    if (at->mark && !c->known) { /* it counts nothing: no beginning, or the message beside it were old */
        mt_upd_deliver(u, now, p, n, around);
        return;
    }
    if (busy) {
        wait_for_it(u, now, c, at, true, p, n, around);
        return;
    }
    switch (mt_box_fit(c->value, at)) {
    case MT_FIT:
        advance(u, c, at);
        if (n)
            mt_upd_deliver(u, now, p, n, around);
        mt_upd_drain(u, now, c);
        break;
    case MT_FIT_OLD:
        if ((int64_t)c->value - at->pts > RESET_DISTANCE)
            gap_due(u, now, at);
        break;
    case MT_FIT_GAP:
        wait_for_it(u, now, c, at, false, p, n, around);
        break;
    }
}

static struct mt_channel_row row_of(const struct mt_chan *ch)
{
    bool first = ch->fresh || (!ch->counter.known && ch->diff.step != MT_DIFF_IDLE);
    struct mt_channel_row row = {.id = ch->id, .pts = -1, .top = ch->top, .watched = ch->watched};

    if (ch->counter.known)
        row.pts = ch->counter.value;
    else if (ch->watched || first)
        row.pts = 0;
    if (first && !ch->top)
        row.top = ch->since > 0 ? -ch->since : -1;
    return row;
}

void mt_upd_flush(struct mt_updates *u)
{
    while (u->dirty_chans) {
        struct mt_chan *ch = u->dirty_chans;
        struct mt_channel_row row = row_of(ch);

        u->dirty_chans = ch->next_dirty;
        ch->dirty = false;
        mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_CHANNEL, .channel = &row});
    }
    u->state.pts = u->common.value;
    u->state.qts = u->qts.value;
    if (!u->dirty || !u->state.known)
        return;
    u->dirty = false;
    mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_STATE, .state = &u->state});
}
