#include "core/updates/engine.h"

#include <limits.h>
#include <string.h>

#include "tl/ids.h"

#define RETRY_MAX     (60 * MT_US_PER_S)
#define FRUITLESS_MAX 3

void mt_diff_due(struct mt_updates *u, struct mt_now now)
{
    switch (u->diff.step) {
    case MT_DIFF_IDLE:
        u->diff.step = MT_DIFF_DUE;
        break;
    case MT_DIFF_RUNNING:
        u->diff.again = true;
        break;
    case MT_DIFF_DUE:
    case MT_DIFF_WAITING:
        break;
    }
    /* what waited for the gap to close by itself waits for the answer now */
    u->common.gap_at = u->qts.gap_at = u->seq_gap_at = MT_NEVER;
}

void mt_diff_failed(struct mt_diff *diff, struct mt_now now)
{
    int64_t wait = diff->tries < 6 ? MT_US_PER_S << diff->tries : RETRY_MAX;

    diff->step = MT_DIFF_WAITING;
    diff->retry_at = now.mono + (wait < RETRY_MAX ? wait : RETRY_MAX);
    diff->tries++;
}

static void set_state(struct mt_updates *u, const struct tl_view *state)
{
    u->common.value = tl_get_int(state, TLF_updates_state__pts);
    u->qts.value = tl_get_int(state, TLF_updates_state__qts);
    u->state.date = tl_get_int(state, TLF_updates_state__date);
    u->state.seq = tl_get_int(state, TLF_updates_state__seq);
    u->common.known = u->qts.known = u->state.known = true;
    u->dirty = true;
}

/* --- the order inside a difference: protocol.md 8.4 --- */

/* What must stand before the messages: ids of our own sends, chats that messages refer to. */
static bool comes_first(uint32_t id)
{
    return id == TL_updateMessageID || id == TL_updateStoryID || id == TL_updateEncryption ||
           id == TL_updateFolderPeers;
}

static void deliver_message(struct mt_updates *u, struct mt_now now, const struct tl_view *m, int32_t pts)
{
    struct tl_out out = {0};
    struct mt_around around = {.date = u->state.date};

    if (m->def->id == TL_message)
        around.date = tl_get_int(m, TLF_message__date);
    if (m->def->id == TL_messageService)
        around.date = tl_get_int(m, TLF_messageService__date);
    if (mt_unfold_message(m, pts, &out) == MT_OK && !out.err)
        mt_upd_deliver(u, now, out.data, out.len, around);
    tl_out_free(&out);
}

static void deliver_encrypted(struct mt_updates *u, struct mt_now now, const struct tl_view *m)
{
    struct tl_out out = {0};

    tl_put_u32(&out, TL_updateNewEncryptedMessage);
    tl_put_raw(&out, m->p, m->n);
    tl_put_int(&out, 0);
    if (!out.err)
        mt_upd_deliver(u, now, out.data, out.len, (struct mt_around){u->state.date, 0});
    tl_out_free(&out);
}

/* Trusted without a look at pts; but what it says of other counters goes the usual way. */
static void deliver_other(struct mt_updates *u, struct mt_now now, const struct tl_view *update,
                          int64_t channel)
{
    struct mt_around around = {.date = u->state.date};
    struct mt_box_at at;

    mt_box_of(update, &at);
    if (at.box == MT_BOX_CHANNEL && at.channel != channel)
        mt_upd_offer(u, now, &at, update->p, update->n, around);
    else if (channel && (at.box == MT_BOX_COMMON || at.box == MT_BOX_QTS))
        mt_upd_counted(u, now, &at, update->p, update->n, around);
    else
        mt_upd_deliver(u, now, update->p, update->n, around);
}

void mt_diff_apply(struct mt_updates *u, struct mt_now now, const struct tl_view *v,
                   const struct mt_diff_fields *fields)
{
    struct tl_view item;
    struct tl_vec vec;

    u->recovered = true;
    vec = tl_get_vector(v, fields->updates);
    while (tl_vec_object(&vec, &item))
        if (comes_first(item.def->id))
            deliver_other(u, now, &item, fields->channel);
    vec = tl_get_vector(v, fields->messages);
    while (tl_vec_object(&vec, &item))
        deliver_message(u, now, &item, fields->pts);
    if (fields->encrypted != UINT_MAX) {
        vec = tl_get_vector(v, fields->encrypted);
        while (tl_vec_object(&vec, &item))
            deliver_encrypted(u, now, &item);
    }
    vec = tl_get_vector(v, fields->updates);
    while (tl_vec_object(&vec, &item))
        if (!comes_first(item.def->id))
            deliver_other(u, now, &item, fields->channel);
    u->recovered = false;
}

/* --- the end of a difference --- */

/* The difference did not bring what was missing: after some tries it never will. */
static void settle(struct mt_updates *u, struct mt_now now, struct mt_counter *c)
{
    c->gap_at = MT_NEVER;
    mt_upd_drain(u, now, c);
    if (!c->waiting) {
        c->fruitless = 0;
        return;
    }
    if (++c->fruitless < FRUITLESS_MAX) {
        c->gap_at = now.mono + (MT_GAP_WAIT << c->fruitless);
        return;
    }
    mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_GAP});
    while (c->waiting) {
        c->value = c->waiting->at.pts - c->waiting->at.count;
        mt_upd_drain(u, now, c);
    }
    c->fruitless = 0;
    u->dirty = true;
}

static int follow(void *arg, int64_t channel, int32_t pts)
{
    struct mt_updates *u = arg;
    struct mt_chan *ch = mt_chan_get(u, channel);

    if (!ch)
        return MT_E_NOMEM;
    if (!ch->counter.known) {
        ch->counter.known = true;
        ch->counter.value = pts;
    }
    mt_chan_due(u, (struct mt_now){0}, ch);
    return MT_OK;
}

static void finish(struct mt_updates *u, struct mt_now now)
{
    bool again = u->diff.again;

    u->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    settle(u, now, &u->common);
    settle(u, now, &u->qts);
    mt_upd_catch_up(u, now, true);
    if (again)
        mt_diff_due(u, now);
    else
        mt_upd_release(u, now);
    if (!u->started) {
        u->started = true;
        if (u->cfg.store && u->cfg.store->each_channel)
            u->cfg.store->each_channel(u->cfg.store->ctx, follow, u);
    }
}

static void apply(struct mt_updates *u, struct mt_now now, const struct tl_view *v, unsigned state_field,
                  struct mt_diff_fields fields)
{
    struct tl_view state;

    if (!tl_get_object(v, state_field, &state) || state.def->id != TL_updates_state) {
        mt_diff_failed(&u->diff, now);
        return;
    }
    fields.pts = tl_get_int(&state, TLF_updates_state__pts);
    mt_diff_apply(u, now, v, &fields);
    set_state(u, &state);
}

void mt_diff_answer(struct mt_updates *u, struct mt_now now, const struct tl_view *v)
{
    static const struct mt_diff_fields whole = {TLF_updates_difference__new_messages,
                                                TLF_updates_difference__new_encrypted_messages,
                                                TLF_updates_difference__other_updates, 0, 0};
    static const struct mt_diff_fields slice = {TLF_updates_differenceSlice__new_messages,
                                                TLF_updates_differenceSlice__new_encrypted_messages,
                                                TLF_updates_differenceSlice__other_updates, 0, 0};

    mt_peers_harvest(u->cfg.peers, v);
    switch (v->def->id) {
    case TL_updates_differenceEmpty:
        u->state.date = tl_get_int(v, TLF_updates_differenceEmpty__date);
        u->state.seq = tl_get_int(v, TLF_updates_differenceEmpty__seq);
        u->dirty = true;
        finish(u, now);
        break;
    case TL_updates_difference:
        apply(u, now, v, TLF_updates_difference__state, whole);
        if (u->diff.step == MT_DIFF_RUNNING)
            finish(u, now);
        break;
    case TL_updates_differenceSlice:
        apply(u, now, v, TLF_updates_differenceSlice__intermediate_state, slice);
        if (u->diff.step == MT_DIFF_RUNNING)
            u->diff = (struct mt_diff){.step = MT_DIFF_DUE};
        u->turn_open = true;
        break;
    case TL_updates_differenceTooLong:
        u->common.value = tl_get_int(v, TLF_updates_differenceTooLong__pts);
        u->dirty = true;
        mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_GAP});
        u->diff = (struct mt_diff){.step = MT_DIFF_DUE};
        u->turn_open = true;
        break;
    default:
        mt_diff_failed(&u->diff, now);
        break;
    }
}

void mt_diff_state(struct mt_updates *u, struct mt_now now, const struct tl_view *v)
{
    if (v->def->id != TL_updates_state) {
        mt_diff_failed(&u->diff, now);
        return;
    }
    set_state(u, v);
    finish(u, now);
}
