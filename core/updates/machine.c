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
    mt_counter_init(&u->common, &u->waiting_bytes);
    mt_counter_init(&u->qts, &u->waiting_bytes);
    u->seq_gap_at = u->silent_at = u->chan_at = u->online_at = u->check_at = MT_NEVER;
    mt_refetch_free(u);
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
    mt_told_free(u);
    mt_refetch_free(u);
    u->state = (struct mt_update_state){0};
    u->qts_safe = u->qts_syncing = 0;
    u->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    u->sweep = (struct mt_sweep){0};
    u->seq_gap_at = u->silent_at = u->chan_at = u->online_at = u->check_at = MT_NEVER;
    u->online = u->active = u->started = u->dirty = u->turn_open = u->checking = false;
    u->seq_sure = u->slicing = false;
    u->n_acks = u->n_ids = 0;
}

/* --- where we are --- */

static void wake(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    if (ch->diff.step == MT_DIFF_WAITING)
        mt_chan_step(u, ch, MT_DIFF_DUE);
}

void mt_updates_online(struct mt_updates *u, struct mt_now now, int64_t self, bool bot)
{
    u->online = u->active = true;
    u->self = self;
    u->bot = bot;
    u->silent_at = now.mono + MT_SILENCE;
    u->online_at = now.mono;
    u->seq_sure = false;
    /* the reason of what failed is probably gone */
    if (u->diff.step == MT_DIFF_WAITING)
        u->diff.step = MT_DIFF_DUE;
    mt_chan_each(u, now, wake);
    u->sweep.next_at = now.mono;
    mt_diff_due(u, now);
}

void mt_updates_offline(struct mt_updates *u)
{
    u->online = false;
    u->qts_syncing = 0; /* an owner that stops carries out nothing more */
    u->silent_at = MT_NEVER;
}

void mt_updates_force(struct mt_updates *u, struct mt_now now)
{
    if (u->active)
        mt_diff_due(u, now);
}

void mt_updates_new_session(struct mt_updates *u, struct mt_now now)
{
    bool opening = u->online_at != MT_NEVER && now.mono - u->online_at < SESSION_OPENS;

    if (!u->active)
        return;
    /* what a connection begins with: the difference that it was opened with came after it */
    u->online_at = MT_NEVER;
    if (!opening)
        mt_updates_other_session(u, now);
}

void mt_updates_other_session(struct mt_updates *u, struct mt_now now)
{
    if (!u->active)
        return;
    u->seq_sure = false;
    mt_diff_due(u, now);
    if (u->started)
        mt_sweep_start(u, now);
}

bool mt_updates_is_in_sync(const struct mt_updates *u)
{
    return u->active && u->common.known && u->diff.step == MT_DIFF_IDLE && !u->chans_due &&
           !u->chans_running && (!u->sweep.on || u->bot);
}

const struct mt_updates_stats *mt_updates_stats(const struct mt_updates *u)
{
    return &u->stats;
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
    if (ch->diff.step == MT_DIFF_WAITING && ch->diff.retry_at <= now.mono)
        mt_chan_step(u, ch, MT_DIFF_DUE);
    if (ch->poll_at <= now.mono) {
        ch->poll_at = MT_NEVER; /* set again when it is answered */
        mt_chan_due(u, now, ch);
    }
    if (ch->poll_at < u->chan_at)
        u->chan_at = ch->poll_at;
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

/* Nothing is asked or about to be: what only checks may go out. */
static bool has_time(const struct mt_updates *u)
{
    return u->diff.step == MT_DIFF_IDLE && !u->chans_due && !u->chans_running && !u->turn_open;
}

int64_t mt_updates_deadline(const struct mt_updates *u)
{
    int64_t at = earlier(u->silent_at, earlier(u->seq_gap_at, u->chan_at));

    at = earlier(at, earlier(u->common.gap_at, u->qts.gap_at));
    if (u->diff.step == MT_DIFF_WAITING)
        at = earlier(at, u->diff.retry_at);
    if (u->online && has_time(u)) {
        at = u->checking ? at : earlier(at, u->check_at);
        at = u->sweep.on && !u->sweep.running ? earlier(at, u->sweep.next_at) : at;
        at = u->refetch.n && !u->refetch.running ? earlier(at, u->refetch.next_at) : at;
    }
    return at;
}

void mt_updates_committed(struct mt_updates *u, struct mt_now now)
{
    u->turn_open = false;
    mt_chan_trim(u);
    mt_refetch_collect(u, now);
}

/* --- a qts that lets the server forget --- */

static bool is_qts_safe(const struct mt_updates *u)
{
    return !u->common.known || u->qts.value <= u->qts_safe;
}

bool mt_updates_wants_sync(struct mt_updates *u)
{
    if (!u->online || u->turn_open || u->diff.step != MT_DIFF_DUE || is_qts_safe(u) || u->qts_syncing)
        return false;
    u->qts_syncing = u->qts.value;
    return true;
}

void mt_updates_synced(struct mt_updates *u)
{
    if (u->qts_syncing > u->qts_safe)
        u->qts_safe = u->qts_syncing;
    u->qts_syncing = 0;
}

void mt_updates_unsynced(struct mt_updates *u)
{
    u->qts_syncing = 0;
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

static bool ask_channel(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask)
{
    struct mt_chan *ch;

    while (u->chans_running < MT_CHANNELS_RUN && (ch = u->due_first)) {
        tl_out_reset(&u->ask);
        ask->what = MT_ASK_CHANNEL;
        ask->channel = ch->id;
        if (mt_chan_ask(u, ch, &u->ask) == MT_OK)
            return true;
        if (u->ask.err) /* no memory: later */
            mt_chan_refused(u, now, ch, MT_E_NOMEM, "");
        else
            mt_chan_give_up(u, now, ch);
        mt_upd_flush(u);
    }
    return false;
}

static void ask_common(struct mt_updates *u, struct mt_updates_ask *ask)
{
    tl_out_reset(&u->ask);
    u->diff.step = MT_DIFF_RUNNING;
    ask->what = u->common.known ? MT_ASK_DIFFERENCE : MT_ASK_STATE;
    if (!u->slicing)
        u->news_since = u->state.date;
    u->slicing = false;
    if (u->common.known)
        write_difference(u);
    else
        tl_put_u32(&u->ask, TL_updates_getState);
}

static bool ask_dialogs(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask)
{
    tl_out_reset(&u->ask);
    if (!mt_sweep_ask(u, now, &u->ask))
        return u->chans_due && ask_channel(u, now, ask); /* a bot's */
    ask->what = MT_ASK_DIALOGS;
    return true;
}

static bool ask_check(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask)
{
    if (u->check_at > now.mono || u->checking)
        return false;
    u->checking = true;
    ask->what = MT_ASK_CHECK;
    tl_out_reset(&u->ask);
    tl_put_u32(&u->ask, TL_updates_getState);
    return true;
}

static bool ask_peers(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask)
{
    tl_out_reset(&u->ask);
    ask->what = MT_ASK_PEERS;
    return mt_refetch_ask(u, now, &u->ask);
}

/* What nobody waits for. */
static bool ask_idly(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask)
{
    return ask_dialogs(u, now, ask) || ask_check(u, now, ask) || ask_peers(u, now, ask);
}

bool mt_updates_next_ask(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask)
{
    *ask = (struct mt_updates_ask){0};
    if (!u->online || u->turn_open)
        return false;
    if (u->diff.step == MT_DIFF_DUE && !is_qts_safe(u))
        return false;
    if (u->diff.step == MT_DIFF_DUE)
        ask_common(u, ask);
    else if (u->diff.step != MT_DIFF_IDLE ||
             (!ask_channel(u, now, ask) && (!has_time(u) || !ask_idly(u, now, ask))))
        return false;
    if (u->ask.err) { /* no memory: later */
        mt_updates_refused(u, now, ask->what, ask->channel, MT_E_NOMEM, "");
        return false;
    }
    ask->p = u->ask.data;
    ask->n = u->ask.len;
    return true;
}

static bool is_open(const struct mt_updates *u, enum mt_ask what, const struct mt_chan *ch)
{
    switch (what) {
    case MT_ASK_STATE:
    case MT_ASK_DIFFERENCE:
        return u->diff.step == MT_DIFF_RUNNING;
    case MT_ASK_CHANNEL:
        return ch && ch->diff.step == MT_DIFF_RUNNING;
    case MT_ASK_CHECK:
        return u->checking;
    case MT_ASK_DIALOGS:
        return u->sweep.running;
    case MT_ASK_PEERS:
        return u->refetch.running;
    }
    return false;
}

void mt_updates_answer(struct mt_updates *u, struct mt_now now, enum mt_ask what, int64_t channel,
                       const void *p, size_t n)
{
    struct mt_chan *ch = what == MT_ASK_CHANNEL ? mt_chan_find(u, channel) : NULL;
    struct tl_view v;

    if (!is_open(u, what, ch))
        return; /* asked before a log-out */
    u->silent_at = u->online ? now.mono + MT_SILENCE : MT_NEVER;
    if (what == MT_ASK_PEERS) { /* a vector, perhaps */
        mt_refetch_answer(u, now, p, n);
        mt_upd_flush(u);
        return;
    }
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
    case MT_ASK_CHECK:
        mt_check_answer(u, now, &v);
        break;
    case MT_ASK_DIALOGS:
        mt_sweep_answer(u, now, &v);
        break;
    case MT_ASK_PEERS:
        break;
    }
    mt_upd_flush(u);
}

static void common_refused(struct mt_updates *u, struct mt_now now, const char *text)
{
    bool lost = u->diff.again;

    if (u->common.known &&
        (!strcmp(text, "PERSISTENT_TIMESTAMP_INVALID") || !strcmp(text, "PERSISTENT_TIMESTAMP_EMPTY"))) {
        /* the one error after which only a new start helps */
        mt_upd_gap(u, 0, 0, 0);
        u->common.known = u->qts.known = false;
        u->diff = (struct mt_diff){.step = MT_DIFF_DUE};
    } else {
        mt_diff_failed(&u->diff, now);
        u->diff.again = lost;
    }
}

/* A server that is behind says so for minutes: one line a minute tells as much. */
static void log_refusal(struct mt_updates *u, struct mt_now now, int32_t code, const char *text)
{
    if (u->logged_at && now.mono - u->logged_at < 60 * MT_US_PER_S) {
        u->n_unlogged++;
        return;
    }
    mt_logf(u->cfg.env, MT_LOG_INFO, "updates", "no difference: %d %s (%u more since the last line)",
            (int)code, text, u->n_unlogged);
    u->logged_at = now.mono;
    u->n_unlogged = 0;
}

void mt_updates_refused(struct mt_updates *u, struct mt_now now, enum mt_ask what, int64_t channel,
                        int32_t code, const char *text)
{
    struct mt_chan *ch = what == MT_ASK_CHANNEL ? mt_chan_find(u, channel) : NULL;

    if (!is_open(u, what, ch))
        return;
    log_refusal(u, now, code, text);
    switch (what) {
    case MT_ASK_STATE:
    case MT_ASK_DIFFERENCE:
        common_refused(u, now, text);
        break;
    case MT_ASK_CHANNEL:
        mt_chan_refused(u, now, ch, code, text);
        break;
    case MT_ASK_CHECK:
        mt_check_later(u, now);
        break;
    case MT_ASK_DIALOGS:
        mt_sweep_refused(u, now, code);
        break;
    case MT_ASK_PEERS:
        mt_refetch_refused(u, now, code);
        break;
    }
    mt_upd_flush(u);
}
