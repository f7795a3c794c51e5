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

    if (ch || !grow(u))
        return ch;
    ch = calloc(1, sizeof *ch);
    if (!ch)
        return NULL;
    ch->id = id;
    mt_counter_init(&ch->counter);
    if (store && store->channel_pts && store->channel_pts(store->ctx, id, &ch->counter.value) == MT_OK)
        ch->counter.known = true;
    ch->next = u->buckets[bucket_of(u, id)];
    u->buckets[bucket_of(u, id)] = ch;
    u->n_chans++;
    return ch;
}

static void unlink_chan(struct mt_updates *u, struct mt_chan *ch)
{
    struct mt_chan **at = &u->buckets[bucket_of(u, ch->id)];

    while (*at != ch)
        at = &(*at)->next;
    *at = ch->next;
    u->n_chans--;
    if (ch->diff.step == MT_DIFF_DUE)
        u->chans_due--;
    if (ch->diff.step == MT_DIFF_RUNNING)
        u->chans_running--;
    mt_counter_fini(&ch->counter);
    free(ch);
}

void mt_chan_forget(struct mt_updates *u, struct mt_chan *ch)
{
    mt_upd_flush(u); /* no effect of it comes after this one */
    mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_CHANNEL, .channel_id = ch->id, .pts = -1});
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
    if (u->n_chans > CHANS_KEPT && ch->diff.step == MT_DIFF_IDLE && !ch->counter.waiting && !ch->dirty)
        unlink_chan(u, ch);
}

void mt_chan_trim(struct mt_updates *u)
{
    if (u->n_chans > 2 * CHANS_KEPT && u->cfg.store && u->cfg.store->channel_pts)
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
    u->chans_due = u->chans_running = 0;
}
