#include <stdlib.h>
#include <string.h>

#include "tests/sim/account/asim.h"

/* One write of a turn, with its own copies. */
struct disk_block {
    enum { WRITE_STATE, WRITE_CHANNEL, WRITE_PEER, WRITE_ROW, WRITE_HAPPENING, WRITE_FORGET } what;
    union {
        struct mt_update_state state;
        struct mt_channel_row channel;
        struct mt_peer peer;
        struct mt_outbox_row row;
        struct happening happening;
    };
    uint8_t bytes[]; /* of a row */
};

static struct disk_block *block(size_t extra)
{
    struct disk_block *b = calloc(1, sizeof *b + extra);

    if (!b)
        abort();
    return b;
}

/* --- tables --- */

static void put_channel(struct disk *d, const struct mt_channel_row *row)
{
    size_t i = 0;

    while (i < d->n_channels && d->channels[i].id != row->id)
        i++;
    if (i == d->n_channels && row->pts >= 0)
        d->n_channels++;
    if (row->pts < 0 && i < d->n_channels)
        d->channels[i] = d->channels[--d->n_channels];
    else if (row->pts >= 0)
        d->channels[i] = *row;
}

static void put_peer(struct disk *d, const struct mt_peer *peer)
{
    size_t i = 0;

    while (i < d->n_peers && d->peers[i].chat != peer->chat)
        i++;
    if (i == sizeof d->peers / sizeof *d->peers)
        return;
    d->peers[i] = *peer;
    d->n_peers += i == d->n_peers;
}

static void put_row(struct disk *d, const struct mt_outbox_row *row)
{
    size_t i = 0;

    while (i < d->n_rows && d->rows[i]->id != row->id)
        i++;
    if (i == sizeof d->rows / sizeof *d->rows)
        abort();
    d->rows[i] = row;
    d->n_rows += i == d->n_rows;
}

/* False: what was journaled does not fit; why[] says it. */
static bool take(struct disk *d, const struct disk_block *b, char why[160])
{
    switch (b->what) {
    case WRITE_STATE:
        d->state = b->state;
        return true;
    case WRITE_CHANNEL:
        put_channel(d, &b->channel);
        return true;
    case WRITE_PEER:
        put_peer(d, &b->peer);
        return true;
    case WRITE_ROW:
        put_row(d, &b->row);
        return true;
    case WRITE_HAPPENING:
        return view_tell(&d->view, &b->happening, why);
    case WRITE_FORGET:
        d->n_peers = d->n_channels = d->n_rows = 0;
        d->state = (struct mt_update_state){0};
        return view_tell(&d->view, &(struct happening){.kind = HAP_AFRESH}, why);
    }
    return true;
}

static void add(struct owner *o, struct disk_block *b)
{
    struct disk *d = &o->disk;
    char why[160];

    if (d->n == DISK_BLOCKS)
        abort();
    d->blocks[d->n++] = b;
    if (!take(d, b, why))
        asim_fail(o->s, "the journal of %s: %s", o->name, why);
}

/* --- effects --- */

static struct tl_slice copied(uint8_t **at, struct tl_slice s)
{
    struct tl_slice to = {*at, s.n};

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return to;
}

static struct disk_block *row_block(const struct mt_outbox_row *row)
{
    struct disk_block *b =
        block(row->dedup.n + row->digest.n + row->method.n + row->params.n + row->result.n);
    uint8_t *at = b->bytes;

    b->what = WRITE_ROW;
    b->row = *row;
    b->row.dedup = copied(&at, row->dedup);
    b->row.digest = copied(&at, row->digest);
    b->row.method = copied(&at, row->method);
    b->row.params = copied(&at, row->params);
    b->row.result = copied(&at, row->result);
    return b;
}

static void put_dc(struct mt_saved *saved, const struct mt_saved_dc *dc)
{
    size_t i = 0;

    while (i < saved->n_dcs && saved->dcs[i].dc_id != dc->dc_id)
        i++;
    if (i < MT_DCS_MAX)
        saved->dcs[i] = *dc;
    if (i == saved->n_dcs && i < MT_DCS_MAX)
        saved->n_dcs++;
}

static void journal(struct owner *o, const struct mt_fx *fx)
{
    struct happening list[64];
    size_t n = view_read(fx->p, fx->n, list, 64);

    for (size_t i = 0; i < n; i++) {
        struct disk_block *b = block(0);

        b->what = WRITE_HAPPENING;
        b->happening = list[i];
        asim_trace(o->s, "  journal of %s: %s %d '%s' pts %d%s", o->name,
                   list[i].kind == HAP_NEW    ? "new"
                   : list[i].kind == HAP_EDIT ? "edit"
                                              : "delete",
                   (int)list[i].id, list[i].text, (int)list[i].pts, fx->recovered ? " (difference)" : "");
        add(o, b);
    }
}

static void hole(struct owner *o, mt_chat_id chat)
{
    struct disk_block *b = block(0);
    enum box box = chat ? view_box(chat) : BOX_COMMON;

    b->what = WRITE_HAPPENING;
    b->happening =
        (struct happening){.kind = HAP_HOLE, .box = box, .chat = chat, .id = truth_top(o->s, o->index, box)};
    asim_trace(o->s, "  journal of %s: a gap in box %d", o->name, (int)box);
    add(o, b);
}

void disk_write(struct owner *o, const struct mt_fx *fx)
{
    struct disk *d = &o->disk;
    struct disk_block *b;

    if (fx->kind == MT_FX_SAVE_KEY || fx->kind == MT_FX_SAVE_SALTS) {
        keys_saved(o, fx->dc);
        put_dc(&d->saved, fx->dc);
    }
    if (fx->kind == MT_FX_SAVE_AUTH) {
        d->saved.main_dc = fx->saved->main_dc;
        d->saved.user_id = fx->saved->user_id;
        d->saved.bot = fx->saved->bot;
    }
    if (fx->kind == MT_FX_UPDATE)
        journal(o, fx);
    if (fx->kind == MT_FX_GAP)
        hole(o, fx->chat);
    if (fx->kind == MT_FX_STATE && d->view.afresh[BOX_COMMON]) {
        hole(o, 0);
        truth_know(o);
    }
    if (fx->kind == MT_FX_OUTBOX)
        add(o, row_block(fx->row));
    if (fx->kind != MT_FX_STATE && fx->kind != MT_FX_CHANNEL && fx->kind != MT_FX_PEER)
        return;
    b = block(0);
    if (fx->kind == MT_FX_STATE) {
        b->what = WRITE_STATE;
        b->state = *fx->state;
    } else if (fx->kind == MT_FX_CHANNEL) {
        b->what = WRITE_CHANNEL;
        b->channel = *fx->channel;
    } else {
        b->what = WRITE_PEER;
        b->peer = *fx->peer;
    }
    add(o, b);
}

void disk_forget(struct owner *o)
{
    struct disk_block *b = block(0);

    b->what = WRITE_FORGET;
    add(o, b);
    o->disk.forgets = true;
}

void disk_committed(struct owner *o)
{
    struct disk *d = &o->disk;

    d->committed = d->n;
    if (!d->forgets)
        return;
    d->forgets = false;
    d->synced = d->n;
    d->saved.n_dcs = 0;
    d->saved.user_id = 0;
    d->saved.bot = false;
}

/* --- what core reads --- */

static int peer_by_chat(void *ctx, mt_chat_id chat, struct mt_peer *out)
{
    struct disk *d = ctx;

    for (size_t i = 0; i < d->n_peers; i++)
        if (d->peers[i].chat == chat) {
            *out = d->peers[i];
            return MT_OK;
        }
    return MT_E_NOT_FOUND;
}

static int channel(void *ctx, int64_t id, struct mt_channel_row *out)
{
    struct disk *d = ctx;

    for (size_t i = 0; i < d->n_channels; i++)
        if (d->channels[i].id == id) {
            *out = d->channels[i];
            return MT_OK;
        }
    return MT_E_NOT_FOUND;
}

static int each(struct disk *d, int64_t after, bool watched,
                int (*row)(void *arg, const struct mt_channel_row *row), void *arg)
{
    for (;;) {
        const struct mt_channel_row *next = NULL;

        for (size_t i = 0; i < d->n_channels; i++)
            if (d->channels[i].id > after && (!watched || d->channels[i].watched) &&
                (!next || d->channels[i].id < next->id))
                next = &d->channels[i];
        if (!next || row(arg, next))
            return MT_OK;
        after = next->id;
    }
}

static int each_channel(void *ctx, int64_t after, int (*row)(void *arg, const struct mt_channel_row *row),
                        void *arg)
{
    return each(ctx, after, false, row, arg);
}

static int each_watched(void *ctx, int (*row)(void *arg, const struct mt_channel_row *row), void *arg)
{
    return each(ctx, 0, true, row, arg);
}

static int each_unsent(void *ctx, int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    struct disk *d = ctx;

    for (size_t i = 0; i < d->n_rows; i++)
        if (!mt_send_has_ended(d->rows[i]->state))
            row(arg, d->rows[i]);
    return MT_OK;
}

static int send_by_dedup(void *ctx, mt_chat_id chat, const void *key, size_t n,
                         int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    struct disk *d = ctx;

    for (size_t i = d->n_rows; i-- > 0;) {
        const struct mt_outbox_row *r = d->rows[i];

        if (r->chat == chat && n && r->dedup.n == n && !memcmp(r->dedup.p, key, n)) {
            row(arg, r);
            return MT_OK;
        }
    }
    return MT_E_NOT_FOUND;
}

/* --- life --- */

static void empty(struct disk *d, const int32_t first[BOXES])
{
    d->n_peers = d->n_channels = d->n_rows = 0;
    d->state = (struct mt_update_state){0};
    view_init(&d->view, first);
}

void disk_init(struct disk *d, struct owner *o)
{
    d->ops = (struct store_ops){.ctx = d,
                                .peer_by_chat = peer_by_chat,
                                .channel = channel,
                                .each_channel = each_channel,
                                .each_watched = each_watched,
                                .each_unsent = each_unsent,
                                .send_by_dedup = send_by_dedup};
    empty(d, o->first);
}

void disk_die(struct owner *o, size_t keep)
{
    struct disk *d = &o->disk;
    char why[160];

    while (d->n > keep)
        free(d->blocks[--d->n]);
    d->forgets = false;
    d->committed = d->n;
    d->synced = d->synced < d->n ? d->synced : d->n;
    empty(d, o->first);
    for (size_t i = 0; i < d->n; i++)
        if (!take(d, d->blocks[i], why))
            asim_fail(o->s, "on the disk of %s: %s", o->name, why);
}

void disk_fini(struct disk *d)
{
    while (d->n)
        free(d->blocks[--d->n]);
}
