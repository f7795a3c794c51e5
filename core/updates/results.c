#include "core/updates/engine.h"

#include <string.h>

#include "tl/ids.h"

/* The channel that a function is about: its `channel`, or a `peer` that is one; 0: none. */
static int64_t channel_of(const struct tl_view *request)
{
    static const char *const names[] = {"channel", "peer", "parent_peer"};
    enum mt_peer_kind kind;
    struct tl_view peer;
    int64_t id;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int field = tl_view_field(request, names[i]);

        if (field >= 0 && tl_get_object(request, (unsigned)field, &peer) &&
            mt_chat_split(mt_chat_of(&peer, 0), &kind, &id) && kind == MT_PEER_CHANNEL)
            return id;
    }
    return 0;
}

/*
 * The server tells the caller how many updates its deletion or reading made, and the others what they were.
 * So we make the update that the others get; without one it is only counted (trap 57).
 */
static void put_update(const struct tl_view *request, const struct mt_box_at *at, struct tl_out *out)
{
    struct tl_slice s;
    struct tl_view peer;

    switch (request->def->id) {
    case TL_messages_deleteMessages:
        tl_put_u32(out, TL_updateDeleteMessages);
        s = tl_get_raw(request, TLF_messages_deleteMessages__id);
        tl_put_raw(out, s.p, s.n);
        break;
    case TL_channels_deleteMessages:
        tl_put_u32(out, TL_updateDeleteChannelMessages);
        tl_put_long(out, at->channel);
        s = tl_get_raw(request, TLF_channels_deleteMessages__id);
        tl_put_raw(out, s.p, s.n);
        break;
    case TL_messages_readMessageContents:
        tl_put_u32(out, TL_updateReadMessagesContents);
        tl_put_u32(out, 0);
        s = tl_get_raw(request, TLF_messages_readMessageContents__id);
        tl_put_raw(out, s.p, s.n);
        break;
    case TL_messages_readHistory:
        if (!tl_get_object(request, TLF_messages_readHistory__peer, &peer))
            return;
        tl_put_u32(out, TL_updateReadHistoryInbox);
        tl_put_u32(out, 0);
        break;
    default:
        return;
    }
    if (request->def->id == TL_messages_readHistory) {
        struct mt_peer row = {.chat = mt_chat_of(&peer, 0)};

        if (!row.chat || mt_peer_put_input(out, &row, "Peer")) {
            tl_out_reset(out);
            return;
        }
        tl_put_int(out, tl_get_int(request, TLF_messages_readHistory__max_id));
        tl_put_int(out, 0);
    }
    tl_put_int(out, at->pts);
    tl_put_int(out, at->count);
}

static void affected(struct mt_updates *u, struct mt_now now, int32_t pts, int32_t count,
                     const struct tl_view *request, uint64_t token)
{
    struct mt_box_at at = {.box = MT_BOX_COMMON, .pts = pts, .count = count};
    struct tl_out out = {0};

    at.channel = channel_of(request);
    if (at.channel)
        at.box = MT_BOX_CHANNEL;
    if (pts <= 0 || count < 0)
        return;
    if (count > 0)
        put_update(request, &at, &out);
    if (out.err)
        tl_out_reset(&out);
    mt_upd_counted(u, now, &at, out.data, out.len, (struct mt_around){u->state.date, token});
    tl_out_free(&out);
}

static void sent(struct mt_updates *u, struct mt_now now, const struct tl_view *v,
                 const struct tl_view *request, uint64_t token)
{
    struct mt_around around = {tl_get_int(v, TLF_updateShortSentMessage__date), token};
    struct tl_out out = {0};
    struct tl_view update;
    struct mt_box_at at;

    if (mt_unfold_sent(v, request, u->self, &out) || out.err ||
        tl_view_open_exact(&update, out.data, out.len)) {
        mt_diff_due(u, now); /* the message is real, only we cannot say what is in it */
    } else {
        mt_box_of(&update, &at);
        mt_upd_counted(u, now, &at, out.data, out.len, around);
    }
    tl_out_free(&out);
}

/* A list of dialogs says where each channel stands: from there it is followed, up to there it is fetched. */
void mt_upd_dialogs(struct mt_updates *u, struct mt_now now, const struct tl_view *v)
{
    int field = tl_view_field(v, "dialogs");
    struct tl_view dialog, peer;
    enum mt_peer_kind kind;
    struct tl_vec vec;
    int64_t id;

    if (field < 0)
        return;
    vec = tl_get_vector(v, (unsigned)field);
    while (tl_vec_object(&vec, &dialog)) {
        if (dialog.def->id != TL_dialog || tl_get_int(&dialog, TLF_dialog__pts) <= 0 ||
            !tl_get_object(&dialog, TLF_dialog__peer, &peer) ||
            !mt_chat_split(mt_chat_of(&peer, 0), &kind, &id) || kind != MT_PEER_CHANNEL)
            continue;
        mt_chan_stands(u, now, id, tl_get_int(&dialog, TLF_dialog__pts),
                       tl_get_int(&dialog, TLF_dialog__top_message));
    }
}

static bool is_updates(const struct tl_view *v)
{
    return !strcmp(tl_type_name(v->def->type), "Updates");
}

static void apply(struct mt_updates *u, struct mt_now now, const struct tl_view *v,
                  const struct tl_view *request, uint64_t token)
{
    struct tl_view inner;

    if (is_updates(v)) {
        if (v->def->id == TL_updateShortSentMessage)
            sent(u, now, v, request, token);
        else
            mt_upd_container(u, now, v, token, 0);
        return;
    }
    switch (v->def->id) {
    case TL_messages_affectedMessages:
        affected(u, now, tl_get_int(v, TLF_messages_affectedMessages__pts),
                 tl_get_int(v, TLF_messages_affectedMessages__pts_count), request, token);
        return;
    case TL_messages_affectedHistory:
        affected(u, now, tl_get_int(v, TLF_messages_affectedHistory__pts),
                 tl_get_int(v, TLF_messages_affectedHistory__pts_count), request, token);
        return;
    case TL_messages_affectedFoundMessages:
        affected(u, now, tl_get_int(v, TLF_messages_affectedFoundMessages__pts),
                 tl_get_int(v, TLF_messages_affectedFoundMessages__pts_count), request, token);
        return;
    default:
        break;
    }
    mt_upd_dialogs(u, now, v);
    /* messages.invitedUsers, payments.paymentResult ...: Updates in a field */
    for (unsigned i = 0; i < v->def->n_fields; i++)
        if (tl_def_field(v->def, i)->kind == TL_K_OBJECT && tl_get_object(v, i, &inner) && is_updates(&inner))
            mt_upd_container(u, now, &inner, token, 0);
}

/* Does its answer carry updates or counts of them? */
static bool changes(const struct tl_view *request)
{
    const char *type = tl_type_name(request->def->type);

    return !strcmp(type, "Updates") || !strncmp(type, "messages.Affected", 17);
}

void mt_updates_result(struct mt_updates *u, struct mt_now now, const void *p, size_t n,
                       const struct tl_view *request, uint64_t token)
{
    struct tl_in in = tl_in(p, n);
    struct tl_view v;

    if (tl_peek(&in) == TL_VECTOR) {
        mt_peers_harvest_vector(u->cfg.peers, p, n);
        return;
    }
    if (tl_view_open_exact(&v, p, n)) {
        /* what it did is done, only we cannot read it (trap 69) */
        if (u->active && changes(request))
            mt_diff_due(u, now);
        return;
    }
    mt_peers_harvest(u->cfg.peers, &v);
    if (u->active)
        apply(u, now, &v, request, token);
    mt_upd_flush(u);
}

int mt_updates_unfold_sent(const struct mt_updates *u, const struct tl_view *sent_message,
                           const struct tl_view *request, struct tl_out *out)
{
    int err = mt_unfold_sent(sent_message, request, u->self, out);

    return err ? err : out->err;
}
