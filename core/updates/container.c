#include "core/updates/engine.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

/* --- the updates of one container in the order in which they are offered --- */

struct item {
    const uint8_t *p;
    size_t n;
    struct mt_box_at at;
    size_t place;
    bool first; /* updateMessageID: before the message that it names (trap 63) */
};

static int by_box(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    int64_t start_a = (int64_t)a->at.pts - a->at.count, start_b = (int64_t)b->at.pts - b->at.count;

    if (a->at.box != b->at.box)
        return a->at.box < b->at.box ? -1 : 1;
    if (a->at.channel != b->at.channel)
        return a->at.channel < b->at.channel ? -1 : 1;
    if (start_a != start_b)
        return start_a < start_b ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/*
 * A server may permute a container; what has a box is put in order, what has none stays where it is
 * (trap 59).
 */
static void sort_items(struct item *items, size_t n, struct item *scratch)
{
    size_t m = 0, k = 0;

    for (size_t i = 0; i < n; i++)
        if (items[i].at.box != MT_BOX_NONE)
            scratch[m++] = items[i];
    qsort(scratch, m, sizeof *scratch, by_box);
    for (size_t i = 0; i < n; i++)
        if (items[i].at.box != MT_BOX_NONE)
            items[i] = scratch[k++];
}

enum part { BOXED = 1, BOXLESS = 2 };

static void offer_items(struct mt_updates *u, struct mt_now now, const struct item *items, size_t n,
                        unsigned parts, struct mt_around around)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            /* an id goes with the message that it names */
            unsigned part = items[i].at.box == MT_BOX_NONE && !items[i].first ? BOXLESS : BOXED;

            if (items[i].first == !pass && (parts & part))
                mt_upd_offer(u, now, &items[i].at, items[i].p, items[i].n, around);
        }
}

static int offer_vector(struct mt_updates *u, struct mt_now now, struct tl_vec vec, unsigned parts,
                        struct mt_around around)
{
    size_t cap = vec.left, n = 0;
    struct item *items;
    struct tl_view v;

    if (!cap)
        return MT_OK;
    items = calloc(cap, 2 * sizeof *items);
    if (!items)
        return MT_E_NOMEM;
    while (n < cap && tl_vec_object(&vec, &v)) {
        items[n] = (struct item){.p = v.p, .n = v.n, .place = n, .first = v.def->id == TL_updateMessageID};
        mt_box_of(&v, &items[n].at);
        n++;
    }
    sort_items(items, n, items + cap);
    offer_items(u, now, items, n, parts, around);
    free(items);
    return MT_OK;
}

/* --- containers --- */

struct fields {
    struct tl_vec updates;
    int32_t date, seq_start, seq;
};

static bool fields_of(const struct tl_view *v, struct fields *f)
{
    if (v->def->id == TL_updates) {
        f->updates = tl_get_vector(v, TLF_updates__updates);
        f->date = tl_get_int(v, TLF_updates__date);
        f->seq = tl_get_int(v, TLF_updates__seq);
        f->seq_start = f->seq;
        return true;
    }
    if (v->def->id == TL_updatesCombined) {
        f->updates = tl_get_vector(v, TLF_updatesCombined__updates);
        f->date = tl_get_int(v, TLF_updatesCombined__date);
        f->seq = tl_get_int(v, TLF_updatesCombined__seq);
        f->seq_start = tl_get_int(v, TLF_updatesCombined__seq_start);
        return true;
    }
    return false;
}

static void wait_for_seq(struct mt_updates *u, struct mt_now now)
{
    if (u->seq_gap_at == MT_NEVER)
        u->seq_gap_at = now.mono + MT_GAP_WAIT;
}

/* How a container comes. */
enum {
    HELD_NEWS = 1,   /* while a difference ran, and it was new then: the difference passed its seq, but does
                        not repeat what has no box */
    HELD_COUNTED = 2 /* while one failed: what has a box was offered then */
};

/* `updates` and `updatesCombined`: which parts of it may be delivered says its seq. */
static void sequenced(struct mt_updates *u, struct mt_now now, const struct tl_view *v,
                      const struct fields *f, unsigned held, uint64_t token, uint64_t ack)
{
    struct mt_around around = {f->date, token};
    unsigned parts = BOXED | BOXLESS;
    bool next = f->seq_start != 0 && f->seq_start == (int64_t)u->state.seq + 1;

    if (f->seq_start != 0 && !next) {
        struct mt_held head = {.what = MT_HELD_CONTAINER, .seq = f->seq_start, .token = token, .ack = ack};

        /* a hole in seq does not hold back what has its own box (trap 62) */
        parts = held & HELD_NEWS && f->seq_start <= u->state.seq ? BOXED | BOXLESS : BOXED;
        if (f->seq_start > u->state.seq) {
            int err = mt_held_insert(&u->ahead, &head, v->p, v->n);

            if (err == MT_OK)
                ack = 0;
            else if (err != MT_E_STATE)
                mt_diff_due(u, now);
            wait_for_seq(u, now);
        }
    }
    if (held & HELD_COUNTED)
        parts &= ~(unsigned)BOXED;
    if (offer_vector(u, now, f->updates, parts, around)) {
        mt_diff_due(u, now);
        return;
    }
    if (next) {
        u->state.seq = f->seq;
        u->state.date = f->date;
        u->dirty = true;
    }
    mt_upd_ack(u, ack);
    if (next)
        mt_upd_catch_up(u, now, false);
}

void mt_upd_catch_up(struct mt_updates *u, struct mt_now now, bool all)
{
    struct mt_held *h;

    u->releasing = all;
    while (u->ahead.first && (all || u->ahead.first->seq <= (int64_t)u->state.seq + 1)) {
        struct tl_view v;
        struct fields f;

        h = mt_held_take(&u->ahead);
        if (!tl_view_open_exact(&v, h->bytes, h->n) && fields_of(&v, &f)) {
            /* it is not next and seq is past it: where a container closed the hole, that one told it too */
            if (all || f.seq_start == (int64_t)u->state.seq + 1)
                offer_vector(u, now, f.updates, BOXLESS, (struct mt_around){f.date, h->token});
            if (f.seq > u->state.seq) {
                u->state.seq = f.seq;
                u->state.date = f.date > u->state.date ? f.date : u->state.date;
                u->dirty = true;
            }
        }
        mt_upd_ack(u, h->ack);
        free(h);
    }
    u->releasing = false;
    if (!u->ahead.first)
        u->seq_gap_at = MT_NEVER;
}

static void offer_one(struct mt_updates *u, struct mt_now now, const void *p, size_t n,
                      struct mt_around around)
{
    struct mt_box_at at;
    struct tl_view v;

    if (tl_view_open_exact(&v, p, n))
        return;
    mt_box_of(&v, &at);
    mt_upd_offer(u, now, &at, p, n, around);
}

/* Without a chat, or with one that is not known, it may still be all that there is of a message: see below.
 */
static void hold_one(struct mt_updates *u, const struct tl_out *out, struct mt_around around)
{
    struct mt_held head = {.what = MT_HELD_COUNT, .date = around.date, .token = around.token};
    struct tl_view v;

    if (tl_view_open_exact(&v, out->data, out->len))
        return;
    mt_box_of(&v, &head.at);
    (void)mt_held_add(&u->held, &head, out->data, out->len, MT_HELD_BYTES);
}

static void short_message(struct mt_updates *u, struct mt_now now, const struct tl_view *v, uint64_t token)
{
    struct tl_out out = {0};
    int date = tl_view_field(v, "date");
    struct mt_around around = {tl_get_int(v, (unsigned)date), token};

    if (mt_unfold_short(v, u->self, &out) || out.err) {
        mt_diff_due(u, now);
    } else if (mt_unfold_is_known(v, u->cfg.peers, u->self)) {
        offer_one(u, now, out.data, out.len, around);
    } else {
        /* the difference brings it with its peers (trap 61); if it does not, it is told without them */
        mt_diff_due(u, now);
        hold_one(u, &out, around);
    }
    tl_out_free(&out);
}

static void container(struct mt_updates *u, struct mt_now now, const struct tl_view *v, unsigned held,
                      uint64_t token, uint64_t ack)
{
    struct fields f;
    struct tl_slice one;

    if (fields_of(v, &f)) {
        sequenced(u, now, v, &f, held, token, ack);
        return;
    }
    switch (v->def->id) {
    case TL_updateShort:
        one = tl_get_raw(v, TLF_updateShort__update);
        offer_one(u, now, one.p, one.n, (struct mt_around){tl_get_int(v, TLF_updateShort__date), token});
        break;
    case TL_updateShortMessage:
    case TL_updateShortChatMessage:
        short_message(u, now, v, token);
        break;
    default: /* updatesTooLong, and updateShortSentMessage which nobody asked for */
        mt_diff_due(u, now);
        break;
    }
    mt_upd_ack(u, ack);
}

/* --- before the boxes: what waits for a difference --- */

static bool must_hold(const struct mt_updates *u)
{
    return u->diff.step == MT_DIFF_DUE || u->diff.step == MT_DIFF_RUNNING || !u->common.known;
}

/*
 * Too much came while a difference runs: what has a box is dropped, for another difference brings it. The
 * rest no difference brings, so it is kept one by one; it is small.
 */
static void overflow(struct mt_updates *u, const struct tl_view *v, const struct mt_held *head)
{
    struct tl_vec vec = {0};
    struct fields f;
    struct tl_view one;
    bool lost = false;

    u->stats.overflows++;
    u->diff.again = true;
    if (fields_of(v, &f)) {
        vec = f.updates;
    } else if (v->def->id == TL_updateShort) {
        struct tl_slice s = tl_get_raw(v, TLF_updateShort__update);
        struct mt_held item = {
            .what = MT_HELD_COUNT, .date = tl_get_int(v, TLF_updateShort__date), .token = head->token};

        if (tl_view_open_exact(&one, s.p, s.n) == TL_OK) {
            mt_box_of(&one, &item.at);
            if (item.at.box == MT_BOX_NONE)
                lost = mt_held_add(&u->held, &item, s.p, s.n, MT_HELD_BYTES_ALL) != MT_OK;
        }
    }
    while (tl_vec_object(&vec, &one)) {
        struct mt_held item = {.what = MT_HELD_COUNT, .date = f.date, .token = head->token};

        mt_box_of(&one, &item.at);
        if (item.at.box == MT_BOX_NONE)
            lost = mt_held_add(&u->held, &item, one.p, one.n, MT_HELD_BYTES_ALL) != MT_OK || lost;
    }
    if (lost) {
        mt_logf(u->cfg.env, MT_LOG_WARN, "updates", "more came during a difference than can be kept");
        mt_upd_gap(u, 0, 0, 0);
    }
    mt_upd_ack(u, head->ack);
}

static void hold_container(struct mt_updates *u, const struct tl_view *v, bool counted, uint64_t token,
                           uint64_t ack)
{
    struct mt_held head = {.what = MT_HELD_CONTAINER, .counted = counted, .token = token, .ack = ack};
    struct fields f;

    if (fields_of(v, &f) && f.seq_start) {
        int32_t newest = u->held.first ? u->held_seq : u->seq_sure ? u->state.seq : 0;

        head.seq = f.seq_start;
        head.is_news = f.seq_start > newest;
        u->held_seq = f.seq > newest ? f.seq : newest;
    }
    if (mt_held_add(&u->held, &head, v->p, v->n, MT_HELD_BYTES))
        overflow(u, v, &head);
}

void mt_upd_release(struct mt_updates *u, struct mt_now now)
{
    struct mt_held *h;

    while (!must_hold(u) && (h = mt_held_take(&u->held))) {
        struct tl_view v;

        u->releasing = true;
        if (h->what == MT_HELD_COUNT)
            mt_upd_offer(u, now, &h->at, h->bytes, h->n, (struct mt_around){h->date, h->token});
        else if (!tl_view_open_exact(&v, h->bytes, h->n))
            container(u, now, &v, (h->is_news ? HELD_NEWS : 0u) | (h->counted ? HELD_COUNTED : 0u), h->token,
                      h->ack);
        free(h);
    }
    u->releasing = false;
    if (!u->held.first)
        mt_told_free(u);
}

void mt_upd_counted(struct mt_updates *u, struct mt_now now, const struct mt_box_at *at, const void *p,
                    size_t n, struct mt_around around)
{
    struct mt_held head = {.what = MT_HELD_COUNT, .at = *at, .date = around.date, .token = around.token};

    if (!must_hold(u)) {
        mt_upd_offer(u, now, at, p, n, around);
    } else if (mt_held_add(&u->held, &head, p, n, MT_HELD_BYTES)) {
        u->stats.overflows++;
        u->diff.again = true;
    }
}

void mt_upd_container(struct mt_updates *u, struct mt_now now, const struct tl_view *v, uint64_t token,
                      uint64_t ack)
{
    struct fields f;

    if (must_hold(u)) {
        hold_container(u, v, false, token, ack);
    } else if (u->diff.step == MT_DIFF_WAITING && fields_of(v, &f) && f.seq_start) {
        /* the server does not answer: what has a box needs no answer to be in order, seq does */
        if (offer_vector(u, now, f.updates, BOXED, (struct mt_around){f.date, token}))
            u->diff.again = true;
        hold_container(u, v, true, token, ack);
    } else {
        container(u, now, v, 0, token, ack);
    }
}

/* Nobody is logged in yet: only what has no box can mean us (updateLoginToken and its kin). */
static void before_login(struct mt_updates *u, struct mt_now now, const struct tl_view *v, uint64_t ack)
{
    struct fields f;
    struct tl_slice one;

    if (fields_of(v, &f))
        offer_vector(u, now, f.updates, BOXLESS, (struct mt_around){f.date, 0});
    if (v->def->id == TL_updateShort) {
        struct mt_box_at at;
        struct tl_view update;

        one = tl_get_raw(v, TLF_updateShort__update);
        if (!tl_view_open_exact(&update, one.p, one.n)) {
            mt_box_of(&update, &at);
            if (at.box == MT_BOX_NONE)
                mt_upd_deliver(u, now, one.p, one.n,
                               (struct mt_around){tl_get_int(v, TLF_updateShort__date), 0});
        }
    }
    mt_upd_ack(u, ack);
}

void mt_updates_feed(struct mt_updates *u, struct mt_now now, const void *p, size_t n, uint64_t ack)
{
    struct tl_view v;

    u->silent_at = now.mono + MT_SILENCE;
    if (tl_view_open_exact(&v, p, n)) {
        /* of another layer, or damaged: nothing in it can be skipped (trap 69) */
        mt_logf(u->cfg.env, MT_LOG_WARN, "updates", "a container that does not parse, %zu bytes", n);
        mt_upd_ack(u, ack);
        if (u->active)
            mt_diff_due(u, now);
        return;
    }
    mt_peers_harvest(u->cfg.peers, &v);
    if (!u->active)
        before_login(u, now, &v, ack);
    else
        mt_upd_container(u, now, &v, 0, ack);
    mt_upd_flush(u);
}
