#include "core/updates/engine.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

#define LIMIT_USER    100
#define LIMIT_BOT     100000
#define FRUITLESS_MAX 3

void mt_chan_due(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    ch->counter.gap_at = MT_NEVER;
    if ((!ch->counter.known || !ch->top) && !ch->since)
        ch->since = u->recovered ? u->news_since : u->state.date;
    if (!ch->counter.known) /* our state is past what told of it: its row remembers */
        mt_chan_dirty(u, ch);
    if (ch->diff.step == MT_DIFF_IDLE)
        mt_chan_step(u, ch, MT_DIFF_DUE);
    else if (ch->diff.step == MT_DIFF_RUNNING)
        ch->diff.again = true;
}

void mt_chan_too_long(struct mt_updates *u, struct mt_now now, int64_t id, int32_t pts)
{
    struct mt_chan *ch;

    if (id <= 0)
        return;
    ch = mt_chan_get(u, id);
    if (!ch)
        return;
    if (pts > 0 && ch->counter.known && pts <= ch->counter.value)
        return; /* trap 67: it tells nothing new */
    mt_chan_due(u, now, ch);
}

static int put_channel(struct mt_updates *u, int64_t id, struct tl_out *out)
{
    struct mt_peer peer, via;
    bool has_via = false;

    if (mt_peers_get(u->cfg.peers, mt_chat_of_channel(id), &peer)) {
        if (!u->bot)
            return MT_E_NOT_FOUND;
        /* a bot may name a channel that it is in without the hash */
        peer = (struct mt_peer){.chat = mt_chat_of_channel(id), .kind = MT_PEER_CHANNEL, .has_hash = true};
    }
    if (!peer.has_hash && peer.seen_chat)
        has_via = mt_peers_get(u->cfg.peers, peer.seen_chat, &via) == MT_OK;
    return mt_peer_put_input_via(out, &peer, has_via ? &via : NULL, "InputChannel");
}

int mt_chan_ask(struct mt_updates *u, struct mt_chan *ch, struct tl_out *out)
{
    bool known = ch->counter.known && ch->counter.value > 0;
    int err;

    tl_put_u32(out, TL_updates_getChannelDifference);
    tl_put_u32(out, 0);
    err = put_channel(u, ch->id, out);
    if (err)
        return err;
    /* From 1 with a full page: a young channel tells all that it has, an old one that it is too long, with
     * its newest messages; which of them are news says mt_diff_is_news(). */
    ch->fresh = ch->fresh || !known;
    ch->asked = known ? ch->counter.value : 1;
    tl_put_u32(out, TL_channelMessagesFilterEmpty);
    tl_put_int(out, ch->asked);
    tl_put_int(out, u->bot ? LIMIT_BOT : LIMIT_USER);
    mt_chan_step(u, ch, MT_DIFF_RUNNING);
    return out->err;
}

static void gap(struct mt_updates *u, const struct mt_chan *ch, int32_t to)
{
    mt_upd_gap(u, mt_chat_of_channel(ch->id), to ? ch->top : 0, to);
}

static void take_waiting(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    struct mt_counter *c = &ch->counter;

    while (c->waiting) {
        mt_chan_set(u, ch, c->waiting->at.pts - c->waiting->at.count);
        mt_upd_drain(u, now, c);
    }
    c->fruitless = 0;
    c->gap_at = MT_NEVER;
}

/* Its row says so; where nothing was found out it goes. */
static void first_ends(struct mt_updates *u, struct mt_chan *ch)
{
    if (ch->counter.known ? ch->fresh : !ch->top)
        mt_chan_dirty(u, ch);
    ch->fresh = false;
}

void mt_chan_give_up(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    mt_chan_step(u, ch, MT_DIFF_IDLE);
    ch->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    first_ends(u, ch);
    gap(u, ch, 0);
    take_waiting(u, now, ch);
    mt_watch_next(u, now, ch, INT32_MAX);
}

static void finish(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, int32_t timeout)
{
    struct mt_counter *c = &ch->counter;
    bool again = ch->diff.again;

    mt_chan_step(u, ch, MT_DIFF_IDLE);
    ch->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    first_ends(u, ch);
    ch->since = 0;
    mt_upd_drain(u, now, c);
    if (!c->waiting) {
        c->fruitless = 0;
    } else if (++c->fruitless >= FRUITLESS_MAX) {
        gap(u, ch, 0);
        take_waiting(u, now, ch);
    } else {
        c->gap_at = now.mono + (MT_GAP_WAIT << c->fruitless);
        if (c->gap_at < u->chan_at)
            u->chan_at = c->gap_at;
    }
    mt_watch_next(u, now, ch, timeout);
    if (again)
        mt_chan_due(u, now, ch);
}

static void wait(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    mt_chan_step(u, ch, MT_DIFF_WAITING);
    mt_diff_failed(&ch->diff, now);
    if (ch->diff.retry_at < u->chan_at)
        u->chan_at = ch->diff.retry_at;
}

static void advance(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, int32_t pts, bool final,
                    int32_t timeout)
{
    if (pts > 0)
        mt_chan_set(u, ch, pts);
    if (final) {
        finish(u, now, ch, timeout);
        return;
    }
    u->turn_open = true;
    if (ch->counter.value == ch->asked) { /* a server that does not move: not at once for ever */
        wait(u, now, ch);
        return;
    }
    ch->diff.tries = 0;
    mt_chan_step(u, ch, MT_DIFF_DUE);
}

/* --- too long --- */

struct newest {
    struct tl_view v;
    int32_t id;
};

static int by_id(const void *x, const void *y)
{
    const struct newest *a = x, *b = y;

    return a->id < b->id ? -1 : a->id > b->id;
}

/*
 * The newest messages come with it, and those that we do not know yet are news. What lies between is gone,
 * and so is what happened to older ones; a channel that is new to us has lost nothing if one of them was
 * there before.
 */
static void tell_newest(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, struct tl_vec messages,
                        int32_t pts)
{
    struct newest *list = messages.left ? calloc(messages.left, sizeof *list) : NULL;
    size_t cap = list ? messages.left : 0, n = 0;
    bool all_news = true, whole = ch->fresh && !ch->top;
    int32_t top = ch->top;

    while (n < cap && tl_vec_object(&messages, &list[n].v))
        if (mt_message_chat(&list[n].v, &list[n].id) == mt_chat_of_channel(ch->id)) {
            all_news = mt_diff_is_news(ch, &list[n].v) && all_news;
            n++;
        }
    if (n)
        qsort(list, n, sizeof *list, by_id);
    if (!whole || (n && all_news && list[0].id > 1)) {
        size_t i = 0;

        while (i < n && !mt_diff_is_news(ch, &list[i].v))
            i++;
        gap(u, ch, i < n && list[i].id > top + 1 ? list[i].id : 0);
    }
    u->recovered = true;
    for (size_t i = 0; i < n; i++)
        if (mt_diff_is_news(ch, &list[i].v))
            mt_diff_message(u, now, &list[i].v, pts);
    u->recovered = false;
    free(list);
}

static void too_long(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, const struct tl_view *v)
{
    struct tl_view dialog;
    int32_t pts = 0, top = 0;

    if (tl_get_object(v, TLF_updates_channelDifferenceTooLong__dialog, &dialog) &&
        dialog.def->id == TL_dialog) {
        pts = tl_get_int(&dialog, TLF_dialog__pts);
        top = tl_get_int(&dialog, TLF_dialog__top_message);
    }
    tell_newest(u, now, ch, tl_get_vector(v, TLF_updates_channelDifferenceTooLong__messages), pts);
    if (top > ch->top) {
        ch->top = top;
        mt_chan_dirty(u, ch);
    }
    advance(u, now, ch, pts, tl_has(v, TLF_updates_channelDifferenceTooLong__final) || pts <= 0,
            tl_get_int(v, TLF_updates_channelDifferenceTooLong__timeout));
}

void mt_chan_answer(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, const struct tl_view *v)
{
    struct mt_diff_fields fields = {TLF_updates_channelDifference__new_messages, UINT_MAX,
                                    TLF_updates_channelDifference__other_updates, ch, 0};

    u->stats.channel_differences++;
    mt_peers_harvest(u->cfg.peers, v);
    switch (v->def->id) {
    case TL_updates_channelDifferenceEmpty:
        advance(u, now, ch, tl_get_int(v, TLF_updates_channelDifferenceEmpty__pts),
                tl_has(v, TLF_updates_channelDifferenceEmpty__final),
                tl_get_int(v, TLF_updates_channelDifferenceEmpty__timeout));
        break;
    case TL_updates_channelDifference:
        fields.pts = tl_get_int(v, TLF_updates_channelDifference__pts);
        mt_diff_apply(u, now, v, &fields);
        advance(u, now, ch, fields.pts, tl_has(v, TLF_updates_channelDifference__final),
                tl_get_int(v, TLF_updates_channelDifference__timeout));
        break;
    case TL_updates_channelDifferenceTooLong:
        too_long(u, now, ch, v);
        break;
    default:
        mt_chan_refused(u, now, ch, MT_E_PEER, "");
        break;
    }
}

void mt_chan_refused(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, int32_t code,
                     const char *text)
{
    if (!strcmp(text, "CHANNEL_PRIVATE") || !strcmp(text, "CHANNEL_INVALID") ||
        !strcmp(text, "CHANNEL_PUBLIC_GROUP_NA")) {
        if (ch->watched) {
            mt_watch_closed(u, now, ch);
            return;
        }
        if (ch->counter.waiting) /* it came while we could still read there */
            mt_chan_give_up(u, now, ch);
        mt_chan_forget(u, ch);
        return;
    }
    if (!strcmp(text, "PERSISTENT_TIMESTAMP_INVALID") || !strcmp(text, "PERSISTENT_TIMESTAMP_EMPTY")) {
        /* our pts is nonsense to the server: where it stands is found out as with a channel that is new */
        if (ch->asked > 1) {
            ch->counter.known = false;
            ch->since = u->state.date;
            mt_chan_step(u, ch, MT_DIFF_DUE);
        } else {
            ch->counter.known = ch->counter.waiting != NULL;
            mt_chan_give_up(u, now, ch);
        }
        return;
    }
    wait(u, now, ch);
}
