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
    if (u->qts.value < u->qts_safe) /* counted anew */
        u->qts_safe = 0;
    u->state.date = tl_get_int(state, TLF_updates_state__date);
    u->state.seq = tl_get_int(state, TLF_updates_state__seq);
    u->common.known = u->qts.known = u->state.known = true;
    u->dirty = true;
}

/* --- the order inside a difference: protocol.md 8.4 --- */

static int32_t date_of(const struct tl_view *message)
{
    if (message->def->id == TL_message)
        return tl_get_int(message, TLF_message__date);
    return message->def->id == TL_messageService ? tl_get_int(message, TLF_messageService__date) : 0;
}

/* What must stand before the messages: ids of our own sends, chats that messages refer to. */
static bool comes_first(uint32_t id)
{
    return id == TL_updateMessageID || id == TL_updateStoryID || id == TL_updateEncryption ||
           id == TL_updateFolderPeers;
}

void mt_diff_message(struct mt_updates *u, struct mt_now now, const struct tl_view *m, int32_t pts)
{
    struct tl_out out = {0};
    struct mt_around around = {.date = date_of(m)};

    around.date = around.date ? around.date : u->state.date;
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
                          const struct mt_chan *channel)
{
    struct mt_around around = {.date = u->state.date};
    struct mt_box_at at;

    mt_box_of(update, &at);
    if (at.box == MT_BOX_CHANNEL && (!channel || at.channel != channel->id)) {
        mt_upd_offer(u, now, &at, update->p, update->n, around);
    } else if (channel && (at.box == MT_BOX_COMMON || at.box == MT_BOX_QTS)) {
        mt_upd_counted(u, now, &at, update->p, update->n, around);
    } else {
        /* a channel's runs while nothing is held, as a rule */
        if (at.box == MT_BOX_NONE && u->diff.step != MT_DIFF_IDLE)
            mt_told_add(u, update->p, update->n);
        mt_upd_deliver(u, now, update->p, update->n, around);
    }
}

bool mt_diff_is_news(const struct mt_chan *ch, const struct tl_view *message)
{
    int32_t id = 0;

    mt_message_chat(message, &id);
    if (ch->top)
        return id > ch->top;
    return date_of(message) >= ch->since;
}

/*
 * Of a channel that is new to us, or was lost and found again, everything before is history: only its newer
 * messages are news, and of what else happened nobody here has seen the beginning.
 */
static bool is_history(const struct mt_chan *ch, const struct tl_view *update)
{
    struct tl_view m;

    if (!ch || !ch->fresh || update->def->id == TL_updateMessageID) /* of a send that lost its answer */
        return false;
    if (update->def->id != TL_updateNewChannelMessage)
        return true;
    return !tl_get_object(update, TLF_updateNewChannelMessage__message, &m) || !mt_diff_is_news(ch, &m);
}

void mt_diff_apply(struct mt_updates *u, struct mt_now now, const struct tl_view *v,
                   const struct mt_diff_fields *fields)
{
    struct tl_view item;
    struct tl_vec vec;

    u->recovered = true;
    vec = tl_get_vector(v, fields->updates);
    while (tl_vec_object(&vec, &item))
        if (comes_first(item.def->id) && !is_history(fields->channel, &item))
            deliver_other(u, now, &item, fields->channel);
    vec = tl_get_vector(v, fields->messages);
    while (tl_vec_object(&vec, &item))
        if (!fields->channel || !fields->channel->fresh || mt_diff_is_news(fields->channel, &item))
            mt_diff_message(u, now, &item, fields->pts);
    if (fields->encrypted != UINT_MAX) {
        vec = tl_get_vector(v, fields->encrypted);
        while (tl_vec_object(&vec, &item))
            deliver_encrypted(u, now, &item);
    }
    vec = tl_get_vector(v, fields->updates);
    while (tl_vec_object(&vec, &item))
        if (!comes_first(item.def->id) && !is_history(fields->channel, &item))
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
    mt_upd_gap(u, 0, 0, 0);
    while (c->waiting) {
        c->value = c->waiting->at.pts - c->waiting->at.count;
        mt_upd_drain(u, now, c);
    }
    c->fruitless = 0;
    u->dirty = true;
}

/* Not all that is stored is asked for one by one: watched channels are, the rest is swept. */
static void first_done(struct mt_updates *u, struct mt_now now)
{
    u->seq_sure = true;
    if (u->started)
        return;
    u->started = true;
    mt_watch_load(u, now);
    mt_sweep_start(u, now);
}

static void finish(struct mt_updates *u, struct mt_now now)
{
    bool again = u->diff.again;

    u->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    u->stats.differences++;
    settle(u, now, &u->common);
    settle(u, now, &u->qts);
    mt_upd_catch_up(u, now, true);
    first_done(u, now);
    /* also before another one: what came while this one ran is older than what was lost then */
    mt_upd_release(u, now);
    if (again)
        mt_diff_due(u, now);
    mt_check_later(u, now);
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

/* There is more. A server that does not move is asked again later, not at once for ever. */
static void go_on(struct mt_updates *u, struct mt_now now, const struct mt_update_state *before)
{
    if (u->diff.step != MT_DIFF_RUNNING)
        return;
    u->turn_open = true;
    u->slicing = true;
    if (u->common.value == before->pts && u->qts.value == before->qts && u->state.date == before->date)
        mt_diff_failed(&u->diff, now);
    else
        u->diff = (struct mt_diff){.step = MT_DIFF_DUE};
}

void mt_diff_answer(struct mt_updates *u, struct mt_now now, const struct tl_view *v)
{
    static const struct mt_diff_fields whole = {TLF_updates_difference__new_messages,
                                                TLF_updates_difference__new_encrypted_messages,
                                                TLF_updates_difference__other_updates, NULL, 0};
    static const struct mt_diff_fields slice = {TLF_updates_differenceSlice__new_messages,
                                                TLF_updates_differenceSlice__new_encrypted_messages,
                                                TLF_updates_differenceSlice__other_updates, NULL, 0};

    const struct mt_update_state before = {
        .pts = u->common.value, .qts = u->qts.value, .date = u->state.date};

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
        go_on(u, now, &before);
        break;
    case TL_updates_differenceTooLong:
        u->common.value = tl_get_int(v, TLF_updates_differenceTooLong__pts);
        u->dirty = true;
        mt_upd_gap(u, 0, 0, 0);
        go_on(u, now, &before);
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
