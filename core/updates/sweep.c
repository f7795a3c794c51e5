#include "core/updates/engine.h"

#include "tl/ids.h"

/*
 * A server tells in the difference which channels have news. That is trusted, but once in the life of a
 * process and after a lost session it is checked: a list of dialogs says where a hundred channels stand, so
 * 6,000 of them are 60 questions, and only one that is behind is asked for itself. Bots may not ask for
 * dialogs: theirs are asked for one by one, a few a second.
 */

#define BOT_BATCH 4
#define BOT_PAUSE MT_US_PER_S

static int is_one(void *arg, const struct mt_channel_row *row)
{
    *(bool *)arg = true;
    return 1;
}

void mt_sweep_start(struct mt_updates *u, struct mt_now now)
{
    bool any = false;

    if (u->cfg.store && u->cfg.store->each_channel)
        u->cfg.store->each_channel(u->cfg.store->ctx, 0, is_one, &any);
    u->sweep = (struct mt_sweep){.on = any, .next_at = now.mono};
}

struct batch {
    struct mt_updates *u;
    struct mt_now now;
    struct tl_out peers;
    uint32_t n;
    int64_t last;
};

static int add(void *arg, const struct mt_channel_row *row)
{
    struct batch *b = arg;
    struct mt_updates *u = b->u;
    const struct mt_chan *ch = mt_chan_find(u, row->id);
    struct mt_peer peer;

    b->last = row->id;
    if (row->top < 0) { /* its first difference is not done: it is asked for itself */
        mt_chan_get(u, row->id);
        return 0;
    }
    /* one that is asked for anyway needs no check; one that we left sends nothing */
    if ((ch && (ch->diff.step != MT_DIFF_IDLE || ch->watched)) ||
        mt_peers_get(u->cfg.peers, mt_chat_of_channel(row->id), &peer) || peer.gone)
        return 0;
    if (u->bot) {
        struct mt_chan *due = mt_chan_get(u, row->id);

        if (due)
            mt_chan_due(u, b->now, due);
        return ++b->n >= BOT_BATCH;
    }
    if (mt_peer_put_input(&b->peers, &peer, "InputDialogPeer"))
        return 0;
    return ++b->n >= MT_SWEEP_BATCH;
}

bool mt_sweep_ask(struct mt_updates *u, struct mt_now now, struct tl_out *out)
{
    struct mt_sweep *s = &u->sweep;
    struct batch b = {.u = u, .now = now};

    if (!s->on || s->running || now.mono < s->next_at)
        return false;
    if (u->cfg.store->each_channel(u->cfg.store->ctx, s->after, add, &b) || b.peers.err) {
        b.n = 0; /* the disk, or memory: what the difference told has to do */
        s->on = false;
    }
    if (!b.n) {
        s->on = false;
    } else if (u->bot) {
        s->after = b.last;
        s->next_at = now.mono + BOT_PAUSE;
    } else {
        s->upto = b.last;
        s->running = true;
        s->last = b.n < MT_SWEEP_BATCH;
        tl_put_u32(out, TL_messages_getPeerDialogs);
        tl_put_vector(out, b.n);
        tl_put_raw(out, b.peers.data, b.peers.len);
    }
    tl_out_free(&b.peers);
    return s->running;
}

static void batch_done(struct mt_updates *u, struct mt_now now)
{
    u->sweep.running = false;
    u->sweep.on = !u->sweep.last;
    u->sweep.tries = 0;
    u->sweep.after = u->sweep.upto;
    u->sweep.next_at = now.mono + MT_SWEEP_PAUSE;
}

void mt_sweep_answer(struct mt_updates *u, struct mt_now now, const struct tl_view *v)
{
    mt_peers_harvest(u->cfg.peers, v);
    mt_upd_dialogs(u, now, v);
    batch_done(u, now);
}

static int ask_itself(void *arg, const struct mt_channel_row *row)
{
    struct batch *b = arg;
    struct mt_chan *ch;

    if (row->id > b->u->sweep.upto)
        return 1;
    ch = mt_chan_get(b->u, row->id);
    if (ch)
        mt_chan_due(b->u, b->now, ch);
    return ch ? 0 : 1;
}

void mt_sweep_refused(struct mt_updates *u, struct mt_now now, int32_t code)
{
    struct mt_sweep *s = &u->sweep;
    struct batch b = {.u = u, .now = now};

    s->running = false;
    if (code >= 400 && code < 500 && code != 420) {
        /* one of them spoils it for all: each says by itself whether it is the one */
        u->cfg.store->each_channel(u->cfg.store->ctx, s->after, ask_itself, &b);
        batch_done(u, now);
        return;
    }
    s->next_at = now.mono + (MT_US_PER_S << (s->tries < 6 ? s->tries : 6));
    s->tries++;
}
