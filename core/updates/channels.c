#include "core/updates/engine.h"

#include <stdlib.h>
#include <string.h>

#define CHANS_KEPT 256 /* in memory, beyond those that wait for something */

static size_t bucket_of(const struct mt_updates *u, int64_t id)
{
    return (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (u->n_buckets - 1);
}

struct mt_chan *mt_chan_find(struct mt_updates *u, int64_t id)
{
    struct mt_chan *ch = u->n_buckets ? u->buckets[bucket_of(u, id)] : NULL;

    while (ch && ch->id != id)
        ch = ch->next;
    return ch;
}

static bool grow(struct mt_updates *u)
{
    size_t old_n = u->n_buckets, n = old_n ? old_n * 2 : 16;
    struct mt_chan **old = u->buckets, **fresh;

    if (u->n_chans < old_n)
        return true;
    fresh = calloc(n, sizeof(struct mt_chan *));
    if (!fresh)
        return old_n > 0;
    u->buckets = fresh;
    u->n_buckets = n;
    for (size_t i = 0; i < old_n; i++)
        while (old[i]) {
            struct mt_chan *ch = old[i];

            old[i] = ch->next;
            ch->next = fresh[bucket_of(u, ch->id)];
            fresh[bucket_of(u, ch->id)] = ch;
        }
    free(old);
    return true;
}

struct mt_chan *mt_chan_get(struct mt_updates *u, int64_t id)
{
    struct mt_chan *ch = mt_chan_find(u, id);
    const struct store_ops *store = u->cfg.store;
    struct mt_channel_row row;

    if (ch || !grow(u))
        return ch;
    ch = calloc(1, sizeof *ch);
    if (!ch)
        return NULL;
    ch->id = id;
    ch->poll_at = MT_NEVER;
    mt_counter_init(&ch->counter, &u->waiting_bytes);
    if (store && store->channel && store->channel(store->ctx, id, &row) == MT_OK) {
        ch->counter.known = row.pts > 0;
        ch->counter.value = row.pts;
        ch->top = row.top > 0 ? row.top : 0;
        ch->since = row.top < 0 ? -row.top : 0;
        ch->fresh = row.top < 0;
        ch->watched = row.watched;
        u->n_watched += row.watched;
    }
    ch->next = u->buckets[bucket_of(u, id)];
    u->buckets[bucket_of(u, id)] = ch;
    u->n_chans++;
    if (ch->fresh) /* the process died in its first difference */
        mt_chan_step(u, ch, MT_DIFF_DUE);
    return ch;
}

static void unlink_chan(struct mt_updates *u, struct mt_chan *ch)
{
    struct mt_chan **at = &u->buckets[bucket_of(u, ch->id)];

    while (*at != ch)
        at = &(*at)->next;
    *at = ch->next;
    u->n_chans--;
    u->n_watched -= ch->watched;
    mt_chan_step(u, ch, MT_DIFF_IDLE);
    mt_counter_fini(&ch->counter);
    free(ch);
}

void mt_chan_step(struct mt_updates *u, struct mt_chan *ch, enum mt_diff_step step)
{
    if (ch->diff.step == MT_DIFF_DUE) {
        *(ch->due_prev ? &ch->due_prev->due_next : &u->due_first) = ch->due_next;
        *(ch->due_next ? &ch->due_next->due_prev : &u->due_last) = ch->due_prev;
        ch->due_next = ch->due_prev = NULL;
        u->chans_due--;
    }
    u->chans_running -= ch->diff.step == MT_DIFF_RUNNING;
    ch->diff.step = step;
    if (step == MT_DIFF_DUE) {
        ch->due_prev = u->due_last;
        *(u->due_last ? &u->due_last->due_next : &u->due_first) = ch;
        u->due_last = ch;
        u->chans_due++;
    }
    u->chans_running += step == MT_DIFF_RUNNING;
}

void mt_chan_dirty(struct mt_updates *u, struct mt_chan *ch)
{
    if (ch && !ch->dirty) {
        ch->dirty = true;
        ch->next_dirty = u->dirty_chans;
        u->dirty_chans = ch;
    }
}

void mt_chan_set(struct mt_updates *u, struct mt_chan *ch, int32_t pts)
{
    if (ch->counter.known && ch->counter.value == pts)
        return;
    ch->counter.known = true;
    ch->counter.value = pts;
    mt_chan_dirty(u, ch);
}

void mt_chan_top(struct mt_updates *u, const struct tl_view *message)
{
    enum mt_peer_kind kind;
    struct mt_chan *ch;
    int64_t channel;
    int32_t id = 0;

    if (!mt_chat_split(mt_message_chat(message, &id), &kind, &channel) || kind != MT_PEER_CHANNEL)
        return;
    ch = mt_chan_find(u, channel);
    if (ch && id > ch->top) {
        ch->top = id;
        mt_chan_dirty(u, ch);
    }
}

/*
 * One that is known to be behind is asked for: at a start at once, else after the time in which its updates
 * may still arrive. Those that stand where we do, thousands perhaps, are not even taken into memory.
 */
void mt_chan_stands(struct mt_updates *u, struct mt_now now, int64_t id, int32_t pts, int32_t top)
{
    const struct store_ops *store = u->cfg.store;
    struct mt_chan *ch = mt_chan_find(u, id);
    struct mt_channel_row row;

    if (pts <= 0 || (!ch && store && store->channel && store->channel(store->ctx, id, &row) == MT_OK &&
                     row.pts > 0 && row.pts >= pts))
        return;
    ch = ch ? ch : mt_chan_get(u, id);
    if (!ch || ch->diff.step != MT_DIFF_IDLE)
        return;
    if (!ch->counter.known) {
        mt_chan_set(u, ch, pts);
        if (top > ch->top)
            ch->top = top;
    } else if (pts > ch->counter.value && u->sweep.running) {
        mt_chan_due(u, now, ch);
    } else if (pts > ch->counter.value && ch->counter.gap_at == MT_NEVER) {
        ch->counter.gap_at = now.mono + MT_GAP_WAIT;
        if (ch->counter.gap_at < u->chan_at)
            u->chan_at = ch->counter.gap_at;
    }
}

void mt_chan_forget(struct mt_updates *u, struct mt_chan *ch)
{
    struct mt_channel_row row = {.id = ch->id, .pts = -1};

    mt_upd_flush(u); /* no effect of it comes after this one */
    mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_CHANNEL, .channel = &row});
    unlink_chan(u, ch);
}

void mt_chan_each(struct mt_updates *u, struct mt_now now,
                  void (*visit)(struct mt_updates *u, struct mt_now now, struct mt_chan *ch))
{
    for (size_t i = 0; i < u->n_buckets; i++)
        for (struct mt_chan *ch = u->buckets[i], *next; ch; ch = next) {
            next = ch->next;
            visit(u, now, ch);
        }
}

static void trim_one(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    if (u->n_chans > CHANS_KEPT && ch->diff.step == MT_DIFF_IDLE && !ch->counter.waiting && !ch->dirty &&
        !ch->watched && ch->counter.gap_at == MT_NEVER)
        unlink_chan(u, ch);
}

void mt_chan_trim(struct mt_updates *u)
{
    if (u->n_chans > 2 * CHANS_KEPT && u->cfg.store && u->cfg.store->channel)
        mt_chan_each(u, (struct mt_now){0}, trim_one);
}

static void free_one(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    unlink_chan(u, ch);
}

void mt_chan_free_all(struct mt_updates *u)
{
    mt_chan_each(u, (struct mt_now){0}, free_one);
    free(u->buckets);
    u->buckets = NULL;
    u->n_buckets = 0;
    u->dirty_chans = NULL;
}
