/* updates.*: where a box stands, and what happened in it since. */
#include "tests/sandbox/world_acts.h"

struct telling {
    json_t *messages, *others;
    int32_t pts; /* of the last event told */
    bool more;
};

/* How far the server that tells differences has got. */
static int32_t end_of(const struct sb_box *box)
{
    return box->behind ? box->copied : box->pts;
}

/* First event of a box that a reader at `pts` and `date` has not seen. */
static size_t first_after(const struct sb_box *box, int32_t pts, int32_t date)
{
    size_t lo = 0, hi = box->n_log;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (box->log[mid].pts <= pts)
            lo = mid + 1;
        else
            hi = mid;
    }
    /* what came without a pts of its own is known by its time */
    while (date && lo && box->log[lo - 1].pts == pts && !box->log[lo - 1].count &&
           box->log[lo - 1].date > date)
        lo--;
    return lo;
}

/* How many events that count a reader at `pts` has missed. */
static size_t missed(const struct sb_box *box, int32_t pts)
{
    size_t n = 0;

    for (size_t i = first_after(box, pts, 0); i < box->n_log; i++)
        n += box->log[i].count != 0;
    return n;
}

/* At most `limit` events that count; what shares the last one's pts comes along. */
static struct telling tell(struct sb_turn *t, const struct sb_box *box, int32_t pts, int32_t date,
                           size_t limit)
{
    struct telling out = {json_array(), json_array(), pts, false};
    size_t counted = 0;

    for (size_t i = first_after(box, pts, date); i < box->n_log; i++) {
        const struct sb_event *ev = &box->log[i];
        json_t *update;

        if (ev->pts > end_of(box))
            break;
        if (counted >= limit && ev->pts > out.pts) {
            out.more = true;
            return out;
        }
        counted += ev->count != 0;
        out.pts = ev->pts;
        update = sb_event_update(t->w, box, ev, t->me);
        if (!update)
            continue;
        if (ev->kind == SB_EV_NEW) {
            json_array_append(out.messages, json_object_get(update, "message"));
            json_decref(update);
        } else {
            json_array_append_new(out.others, update);
        }
    }
    out.pts = end_of(box);
    return out;
}

static size_t slice_of(struct sb_turn *t, size_t most)
{
    size_t n = t->w->slice > 0 ? (size_t)t->w->slice : (sb_pick(t->w, 2) ? 100 : 2 + sb_pick(t->w, 5));

    return n < most ? n : most;
}

static bool pts_ok(struct sb_turn *t, const struct sb_box *box, int32_t pts)
{
    if (pts > 0 && pts <= end_of(box))
        return true;
    /* what it was sent by another server this one has not heard of yet */
    if (pts > 0 && pts <= box->pts) {
        sb_refuse(t, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
        return false;
    }
    sb_refuse(t, 400, pts > 0 ? "PERSISTENT_TIMESTAMP_INVALID" : "PERSISTENT_TIMESTAMP_EMPTY");
    return false;
}

static void get_state(struct sb_turn *t)
{
    sb_answer(t, sb_json_state(t, t->me, end_of(&t->me->box)));
}

/* Channels have their own boxes: here it is only said that there may be something in them. */
static void tell_channels(struct sb_turn *t, int32_t date, json_t *others)
{
    for (size_t i = 0; i < t->me->n_dialogs; i++) {
        const struct sb_chat *c =
            t->me->dialogs[i]->peer.kind == SB_CHANNEL ? sb_chat_get(t->w, t->me->dialogs[i]->peer) : NULL;

        if (c && sb_is_member(c, t->me->id) && c->box.n_log && c->box.log[c->box.n_log - 1].date >= date)
            json_array_append_new(others, json_pack("{s:s,s:I,s:i}", "_", "updateChannelTooLong",
                                                    "channel_id", c->self.id, "pts", c->box.pts));
    }
}

static void get_difference(struct sb_turn *t)
{
    const struct sb_box *box = &t->me->box;
    const int32_t pts = tl_get_int(t->call, TLF_updates_getDifference__pts);
    const int32_t date = tl_get_int(t->call, TLF_updates_getDifference__date);
    const int32_t limit = tl_get_int(t->call, TLF_updates_getDifference__pts_limit);
    const int32_t total = tl_get_int(t->call, TLF_updates_getDifference__pts_total_limit);
    const int32_t qts = tl_get_int(t->call, TLF_updates_getDifference__qts);
    const size_t slice = slice_of(t, limit > 0 ? (size_t)limit : 1000);
    struct telling d;
    json_t *r, *all, *encrypted;
    int32_t told;

    if (!pts_ok(t, box, pts) || !sb_qts_ok(t, qts))
        return;
    sb_qts_forget(t->me, qts);
    if (pts < box->too_long_before || (total > 0 && box->pts - pts > total)) {
        sb_answer(t, json_pack("{s:s,s:i}", "_", "updates.differenceTooLong", "pts", box->pts));
        return;
    }
    d = tell(t, box, pts, date, slice);
    encrypted = json_array();
    told = sb_qts_tell(t->me, slice, encrypted, d.others);
    d.more = d.more || told < t->me->qts.value;
    /* in a slice too: the date of its state is now, so the next one would not tell of them any more */
    tell_channels(t, date, d.others);
    if (!d.more && d.pts == pts && told == qts && !json_array_size(d.others)) {
        r = json_pack("{s:s,s:i,s:i}", "_", "updates.differenceEmpty", "date", t->date, "seq", sb_seq(t));
    } else {
        json_t *state = sb_json_state(t, t->me, d.pts);

        json_object_set_new(state, "qts", json_integer(told));
        r = json_pack("{s:s,s:O,s:O,s:O,s:o}", "_", d.more ? "updates.differenceSlice" : "updates.difference",
                      "new_messages", d.messages, "new_encrypted_messages", encrypted, "other_updates",
                      d.others, d.more ? "intermediate_state" : "state", state);
        all = json_pack("[O,O]", d.messages, d.others);
        sb_add_peers(t->w, t->date, t->me, all, false, r);
        json_decref(all);
    }
    json_decref(d.messages);
    json_decref(d.others);
    json_decref(encrypted);
    sb_answer(t, r);
}

/* Too much to tell: the dialog as it is, its newest messages, and a hole before them. */
static void channel_too_long(struct sb_turn *t, struct sb_chat *c)
{
    const struct sb_dialog *have = sb_dialog_get(t->me, c->self);
    struct sb_dialog d = have ? *have : (struct sb_dialog){.peer = c->self};
    json_t *messages = json_array(), *r;

    for (size_t i = c->ids.n; i && json_array_size(messages) < 5; i--) {
        const struct sb_msg *m = sb_box_msg(&c->box, c->ids.v[i - 1]);

        if (m && sb_sees(t->me, m, c))
            json_array_append_new(messages, sb_json_message(t->w, t->me, m));
    }
    r = json_pack("{s:s,s:b,s:o,s:o}", "_", "updates.channelDifferenceTooLong", "final", 1, "dialog",
                  sb_json_dialog(t->w, t->me, &d), "messages", messages);
    json_t *all = json_pack("[O,o]", messages, sb_json_peer(c->self));

    sb_add_peers(t->w, t->date, t->me, all, false, r);
    json_decref(all);
    sb_answer(t, r);
}

static void answer_channel(struct sb_turn *t, struct sb_chat *c, int32_t pts, struct telling *d)
{
    json_t *r, *all;

    if (d->pts == pts && !json_array_size(d->messages) && !json_array_size(d->others)) {
        r = json_pack("{s:s,s:b,s:i}", "_", "updates.channelDifferenceEmpty", "final", !d->more, "pts",
                      d->pts);
    } else {
        r = json_pack("{s:s,s:b,s:i,s:O,s:O}", "_", "updates.channelDifference", "final", !d->more, "pts",
                      d->pts, "new_messages", d->messages, "other_updates", d->others);
        all = json_pack("[O,O,o]", d->messages, d->others, sb_json_peer(c->self));
        sb_add_peers(t->w, t->date, t->me, all, false, r);
        json_decref(all);
    }
    if (sb_pick(t->w, 2))
        json_object_set_new(r, "timeout", json_integer(1 + sb_pick(t->w, 30)));
    sb_answer(t, r);
}

static void get_channel_difference(struct sb_turn *t)
{
    const int32_t pts = tl_get_int(t->call, TLF_updates_getChannelDifference__pts);
    int32_t limit = tl_get_int(t->call, TLF_updates_getChannelDifference__limit);
    const int32_t most = t->me->bot ? 100000 : 100;
    struct sb_chat *c;
    struct telling d;

    if (!sb_arg_channel(t, TLF_updates_getChannelDifference__channel, &c) || !sb_may_read(t, c->self) ||
        !pts_ok(t, &c->box, pts))
        return;
    if (limit < 1) {
        sb_refuse(t, 400, "LIMIT_INVALID");
        return;
    }
    limit = limit > most ? most : limit;
    /* a user who has missed more than he asks for at once is told the newest only */
    if (pts < c->box.too_long_before || (!t->me->bot && missed(&c->box, pts) > (size_t)limit)) {
        channel_too_long(t, c);
        return;
    }
    d = tell(t, &c->box, pts, 0, slice_of(t, (size_t)limit));
    answer_channel(t, c, pts, &d);
    json_decref(d.messages);
    json_decref(d.others);
}

const struct sb_method sb_methods_updates[] = {
    {TL_updates_getState, 0, get_state},
    {TL_updates_getDifference, 0, get_difference},
    {TL_updates_getChannelDifference, 0, get_channel_difference},
    {0},
};
