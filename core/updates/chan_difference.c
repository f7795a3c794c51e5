#include "core/updates/engine.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

#define LIMIT_USER    100
#define LIMIT_BOT     100000
#define FRUITLESS_MAX 3

static void set_step(struct mt_updates *u, struct mt_chan *ch, enum mt_diff_step step)
{
    u->chans_due -= ch->diff.step == MT_DIFF_DUE;
    u->chans_running -= ch->diff.step == MT_DIFF_RUNNING;
    ch->diff.step = step;
    u->chans_due += step == MT_DIFF_DUE;
    u->chans_running += step == MT_DIFF_RUNNING;
}

void mt_chan_due(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    ch->counter.gap_at = MT_NEVER;
    if (ch->diff.step == MT_DIFF_IDLE)
        set_step(u, ch, MT_DIFF_DUE);
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
    tl_put_u32(out, TL_channelMessagesFilterEmpty);
    tl_put_int(out, known ? ch->counter.value : 1);
    tl_put_int(out, !known ? 1 : u->bot ? LIMIT_BOT : LIMIT_USER);
    set_step(u, ch, MT_DIFF_RUNNING);
    return out->err;
}

static void gap(struct mt_updates *u, const struct mt_chan *ch)
{
    mt_fxq_push(u->cfg.fxq, &(struct mt_fx){.kind = MT_FX_GAP, .chat = mt_chat_of_channel(ch->id)});
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

void mt_chan_give_up(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    set_step(u, ch, MT_DIFF_IDLE);
    ch->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    gap(u, ch);
    take_waiting(u, now, ch);
}

static void finish(struct mt_updates *u, struct mt_now now, struct mt_chan *ch)
{
    struct mt_counter *c = &ch->counter;
    bool again = ch->diff.again;

    set_step(u, ch, MT_DIFF_IDLE);
    ch->diff = (struct mt_diff){.step = MT_DIFF_IDLE};
    mt_upd_drain(u, now, c);
    if (!c->waiting) {
        c->fruitless = 0;
    } else if (++c->fruitless >= FRUITLESS_MAX) {
        gap(u, ch);
        take_waiting(u, now, ch);
    } else {
        c->gap_at = now.mono + (MT_GAP_WAIT << c->fruitless);
        if (c->gap_at < u->chan_at)
            u->chan_at = c->gap_at;
    }
    if (again)
        mt_chan_due(u, now, ch);
}

static void advance(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, int32_t pts, bool final)
{
    if (pts > 0)
        mt_chan_set(u, ch, pts);
    ch->diff.tries = 0;
    if (final) {
        finish(u, now, ch);
        return;
    }
    set_step(u, ch, MT_DIFF_DUE);
    u->turn_open = true;
}

static void too_long(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, const struct tl_view *v)
{
    struct tl_view dialog;
    int32_t pts = 0;

    if (tl_get_object(v, TLF_updates_channelDifferenceTooLong__dialog, &dialog) &&
        dialog.def->id == TL_dialog)
        pts = tl_get_int(&dialog, TLF_dialog__pts);
    if (ch->counter.known) /* of a channel that is new to us nothing is lost */
        gap(u, ch);
    advance(u, now, ch, pts, tl_has(v, TLF_updates_channelDifferenceTooLong__final) || pts <= 0);
}

void mt_chan_answer(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, const struct tl_view *v)
{
    struct mt_diff_fields fields = {TLF_updates_channelDifference__new_messages, UINT_MAX,
                                    TLF_updates_channelDifference__other_updates, ch->id, 0};

    mt_peers_harvest(u->cfg.peers, v);
    switch (v->def->id) {
    case TL_updates_channelDifferenceEmpty:
        advance(u, now, ch, tl_get_int(v, TLF_updates_channelDifferenceEmpty__pts),
                tl_has(v, TLF_updates_channelDifferenceEmpty__final));
        break;
    case TL_updates_channelDifference:
        fields.pts = tl_get_int(v, TLF_updates_channelDifference__pts);
        mt_diff_apply(u, now, v, &fields);
        advance(u, now, ch, fields.pts, tl_has(v, TLF_updates_channelDifference__final));
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
        mt_chan_forget(u, ch);
        return;
    }
    if (!strcmp(text, "PERSISTENT_TIMESTAMP_INVALID") || !strcmp(text, "PERSISTENT_TIMESTAMP_EMPTY")) {
        /* our pts is nonsense to the server: the next update of the channel says where it is */
        ch->counter.known = ch->counter.waiting != NULL;
        mt_chan_give_up(u, now, ch);
        return;
    }
    set_step(u, ch, MT_DIFF_WAITING);
    mt_diff_failed(&ch->diff, now);
    if (ch->diff.retry_at < u->chan_at)
        u->chan_at = ch->diff.retry_at;
}
