#include "core/updates/engine.h"

#define TIMEOUT_MAX (15 * 60 * MT_US_PER_S)

static void poll_at(struct mt_updates *u, struct mt_chan *ch, int64_t at)
{
    ch->poll_at = at;
    if (at < u->chan_at)
        u->chan_at = at;
}

static int load(void *arg, const struct mt_channel_row *row)
{
    return mt_chan_get(arg, row->id) ? 0 : MT_E_NOMEM;
}

static void first_question(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    if (ch->watched)
        poll_at(u, ch, now.mono);
}

void mt_watch_load(struct mt_updates *u, struct mt_now now)
{
    const struct store_ops *store = u->cfg.store;

    if (store && store->each_watched)
        store->each_watched(store->ctx, load, u);
    if (u->n_watched)
        mt_chan_each(u, now, first_question);
}

/* The hint says how soon there may be something; nothing that arrives by itself waits for it. */
void mt_watch_next(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, int32_t timeout)
{
    int64_t wait = (int64_t)timeout * MT_US_PER_S;
    int64_t least = (int64_t)u->n_watched * MT_WATCH_SPREAD;

    if (!ch->watched)
        return;
    least = least < MT_WATCH_MIN ? MT_WATCH_MIN : least;
    wait = wait > TIMEOUT_MAX ? TIMEOUT_MAX : wait;
    poll_at(u, ch, now.mono + (wait < least ? least : wait));
}

void mt_watch_closed(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    if (ch->counter.known || ch->counter.waiting)
        mt_chan_give_up(u, now, ch);
    mt_chan_step(u, ch, MT_DIFF_IDLE);
    ch->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    ch->fresh = ch->counter.known = false;
    mt_chan_dirty(u, ch);
    poll_at(u, ch, now.mono + MT_WATCH_CLOSED);
}

static bool is_reachable(struct mt_updates *u, int64_t channel)
{
    struct mt_peer peer;

    if (mt_peers_get(u->cfg.peers, mt_chat_of_channel(channel), &peer))
        return u->bot;
    return peer.has_hash || peer.seen_chat;
}

int mt_updates_watch(struct mt_updates *u, struct mt_now now, int32_t date, int64_t channel, bool on)
{
    struct mt_chan *ch;

    if (on && !is_reachable(u, channel))
        return MT_E_NOT_FOUND;
    ch = mt_chan_get(u, channel);
    if (!ch)
        return MT_E_NOMEM;
    if (ch->watched == on)
        return MT_OK;
    if (on && u->n_watched >= MT_WATCH_MAX)
        return MT_E_TOO_LARGE;
    ch->watched = on;
    ch->poll_at = MT_NEVER;
    u->n_watched += on ? 1 : (size_t)-1;
    mt_chan_dirty(u, ch);
    mt_upd_flush(u);
    if (on) {
        if (!ch->counter.known)
            ch->since = date > u->state.date ? date : u->state.date; /* whichever clock is ahead */
        mt_chan_due(u, now, ch);
    } else if (!ch->counter.known && ch->diff.step == MT_DIFF_IDLE) {
        mt_chan_forget(u, ch);
    }
    return MT_OK;
}

size_t mt_updates_watched(const struct mt_updates *u, int64_t *ids, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < u->n_buckets; i++)
        for (const struct mt_chan *ch = u->buckets[i]; ch; ch = ch->next)
            if (ch->watched) {
                if (n < max)
                    ids[n] = ch->id;
                n++;
            }
    return n;
}
