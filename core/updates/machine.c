#include "core/updates/engine.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

#define SESSION_OPENS (5 * MT_US_PER_S)

struct mt_updates *mt_updates_new(const struct mt_updates_cfg *cfg, const struct mt_update_state *saved,
                                  struct mt_now now)
{
    struct mt_updates *u = calloc(1, sizeof *u);

    if (!u)
        return NULL;
    u->cfg = *cfg;
    mt_counter_init(&u->common);
    mt_counter_init(&u->qts);
    u->seq_gap_at = u->silent_at = u->chan_at = u->online_at = MT_NEVER;
    if (saved && saved->known) {
        u->state = *saved;
        u->common.value = saved->pts;
        u->qts.value = saved->qts;
        u->common.known = u->qts.known = true;
    }
    return u;
}

void mt_updates_free(struct mt_updates *u)
{
    if (!u)
        return;
    mt_updates_reset(u);
    free(u->acks);
    free(u->ids);
    tl_out_free(&u->ask);
    free(u);
}

void mt_updates_reset(struct mt_updates *u)
{
    mt_counter_fini(&u->common);
    mt_counter_fini(&u->qts);
    mt_held_free(&u->held);
    mt_held_free(&u->ahead);
    mt_chan_free_all(u);
    u->state = (struct mt_update_state){0};
    u->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    u->seq_gap_at = u->silent_at = u->chan_at = u->online_at = MT_NEVER;
    u->online = u->active = u->started = u->dirty = u->turn_open = false;
    u->n_acks = u->n_ids = 0;
}

/* --- where we are --- */

void mt_updates_online(struct mt_updates *u, struct mt_now now, int64_t self, bool bot)
{
    u->online = u->active = true;
    u->self = self;
    u->bot = bot;
    u->silent_at = now.mono + MT_SILENCE;
    u->online_at = now.mono;
    if (u->diff.step == MT_DIFF_WAITING)
        u->diff.step = MT_DIFF_DUE; /* the reason of its failure is probably gone */
    mt_diff_due(u, now);
}

void mt_updates_offline(struct mt_updates *u)
{
    u->online = false;
    u->silent_at = MT_NEVER;
}

void mt_updates_force(struct mt_updates *u, struct mt_now now)
{
    if (u->active)
        mt_diff_due(u, now);
}

static void again(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    if (ch->counter.known)
        mt_chan_due(u, now, ch);
}

void mt_updates_new_session(struct mt_updates *u, struct mt_now now)
{
    bool opening = u->online_at != MT_NEVER && now.mono - u->online_at < SESSION_OPENS;

    if (!u->active)
        return;
    /* what a connection begins with: the difference that it was opened with came after it */
    u->online_at = MT_NEVER;
    if (opening)
        return;
    mt_diff_due(u, now);
    if (u->started)
        mt_chan_each(u, now, again);
}

bool mt_updates_is_in_sync(const struct mt_updates *u)
{
    return u->active && u->common.known && u->diff.step == MT_DIFF_IDLE && !u->chans_due && !u->chans_running;
}

const struct mt_update_state *mt_updates_state(const struct mt_updates *u)
{
    return &u->state;
}

/* --- time --- */

static void tick_channel(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    if (ch->counter.gap_at <= now.mono)
        mt_chan_due(u, now, ch);
    if (ch->diff.step == MT_DIFF_WAITING && ch->diff.retry_at <= now.mono) {
        ch->diff.step = MT_DIFF_DUE;
        u->chans_due++;
    }
    if (ch->counter.gap_at < u->chan_at)
        u->chan_at = ch->counter.gap_at;
    if (ch->diff.step == MT_DIFF_WAITING && ch->diff.retry_at < u->chan_at)
        u->chan_at = ch->diff.retry_at;
}

void mt_updates_tick(struct mt_updates *u, struct mt_now now)
{
    if (u->common.gap_at <= now.mono || u->qts.gap_at <= now.mono || u->seq_gap_at <= now.mono)
        mt_diff_due(u, now);
    if (u->diff.step == MT_DIFF_WAITING && u->diff.retry_at <= now.mono)
        u->diff.step = MT_DIFF_DUE;
    if (u->silent_at <= now.mono) {
        u->silent_at = now.mono + MT_SILENCE;
        mt_diff_due(u, now);
    }
    if (u->chan_at <= now.mono) {
        u->chan_at = MT_NEVER;
        mt_chan_each(u, now, tick_channel);
    }
    mt_upd_flush(u);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t mt_updates_deadline(const struct mt_updates *u)
{
    int64_t at = earlier(u->silent_at, earlier(u->seq_gap_at, u->chan_at));

    at = earlier(at, earlier(u->common.gap_at, u->qts.gap_at));
    if (u->diff.step == MT_DIFF_WAITING)
        at = earlier(at, u->diff.retry_at);
    return at;
}

void mt_updates_committed(struct mt_updates *u, struct mt_now now)
{
    u->turn_open = false;
    mt_chan_trim(u);
}

/* --- asks --- */

static void write_difference(struct mt_updates *u)
{
    tl_put_u32(&u->ask, TL_updates_getDifference);
    tl_put_u32(&u->ask, 0);
    tl_put_int(&u->ask, u->common.value);
    tl_put_int(&u->ask, u->state.date);
    tl_put_int(&u->ask, u->qts.value);
}

static struct mt_chan *first_due(const struct mt_updates *u)
{
    for (size_t i = 0; u->chans_due && i < u->n_buckets; i++)
        for (struct mt_chan *ch = u->buckets[i]; ch; ch = ch->next)
            if (ch->diff.step == MT_DIFF_DUE)
                return ch;
    return NULL;
}

static bool ask_channel(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask)
{
    struct mt_chan *ch;

    while (u->chans_running < MT_CHANNELS_RUN && (ch = first_due(u))) {
        tl_out_reset(&u->ask);
        ask->channel = ch->id;
        if (mt_chan_ask(u, ch, &u->ask) == MT_OK)
            return true;
        mt_chan_give_up(u, now, ch);
        mt_upd_flush(u);
    }
    return false;
}

bool mt_updates_next_ask(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask)
{
    *ask = (struct mt_updates_ask){0};
    if (!u->online || u->turn_open)
        return false;
    if (u->diff.step == MT_DIFF_DUE) {
        tl_out_reset(&u->ask);
        u->diff.step = MT_DIFF_RUNNING;
        ask->what = u->common.known ? MT_ASK_DIFFERENCE : MT_ASK_STATE;
        if (u->common.known)
            write_difference(u);
        else
            tl_put_u32(&u->ask, TL_updates_getState);
    } else if (u->diff.step == MT_DIFF_IDLE && ask_channel(u, now, ask)) {
        ask->what = MT_ASK_CHANNEL;
    } else {
        return false;
    }
    ask->p = u->ask.data;
    ask->n = u->ask.len;
    return !u->ask.err;
}

void mt_updates_answer(struct mt_updates *u, struct mt_now now, enum mt_ask what, int64_t channel,
                       const void *p, size_t n)
{
    struct mt_chan *ch = what == MT_ASK_CHANNEL ? mt_chan_find(u, channel) : NULL;
    struct tl_view v;

    if (what == MT_ASK_CHANNEL ? !ch || ch->diff.step != MT_DIFF_RUNNING : u->diff.step != MT_DIFF_RUNNING)
        return; /* asked before a log-out */
    u->silent_at = u->online ? now.mono + MT_SILENCE : MT_NEVER;
    if (tl_view_open_exact(&v, p, n)) {
        mt_logf(u->cfg.env, MT_LOG_WARN, "updates", "a difference that does not parse, %zu bytes", n);
        mt_updates_refused(u, now, what, channel, MT_E_PEER, "");
        return;
    }
    switch (what) {
    case MT_ASK_STATE:
        mt_diff_state(u, now, &v);
        break;
    case MT_ASK_DIFFERENCE:
        mt_diff_answer(u, now, &v);
        break;
    case MT_ASK_CHANNEL:
        mt_chan_answer(u, now, ch, &v);
        break;
    }
    mt_upd_flush(u);
}

void mt_updates_refused(struct mt_updates *u, struct mt_now now, enum mt_ask what, int64_t channel,
                        int32_t code, const char *text)
{
    struct mt_chan *ch;

    mt_logf(u->cfg.env, MT_LOG_INFO, "updates", "no difference: %d %s", (int)code, text);
    if (what == MT_ASK_CHANNEL) {
        ch = mt_chan_find(u, channel);
        if (ch && ch->diff.step == MT_DIFF_RUNNING)
            mt_chan_refused(u, now, ch, code, text);
    } else if (u->diff.step == MT_DIFF_RUNNING) {
        if (!strcmp(text, "PERSISTENT_TIMESTAMP_INVALID") || !strcmp(text, "PERSISTENT_TIMESTAMP_EMPTY")) {
            /* the one error after which only a new start helps */
            mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_GAP});
            u->common.known = u->qts.known = false;
            u->diff = (struct mt_diff){.step = MT_DIFF_DUE};
        } else {
            bool lost = u->diff.again;

            mt_diff_failed(&u->diff, now);
            u->diff.again = lost;
        }
    }
    mt_upd_flush(u);
}
