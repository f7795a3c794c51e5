/* What has been read, heard, seen. */
#include "tests/sandbox/world_acts.h"

static void answer_affected(struct sb_turn *t, int32_t pts, int32_t count)
{
    sb_answer(t,
              json_pack("{s:s,s:i,s:i}", "_", "messages.affectedMessages", "pts", pts, "pts_count", count));
}

static void read_history(struct sb_turn *t)
{
    struct sb_peer peer;
    int32_t pts, count;

    if (!sb_arg_peer(t, TLF_messages_readHistory__peer, &peer))
        return;
    if (peer.kind == SB_CHANNEL) {
        sb_refuse(t, 400, "PEER_ID_INVALID");
        return;
    }
    pts = sb_read(t, t->me, peer, tl_get_int(t->call, TLF_messages_readHistory__max_id), &count);
    answer_affected(t, pts, count);
}

static void read_channel(struct sb_turn *t)
{
    struct sb_chat *c;

    if (!sb_arg_channel(t, TLF_channels_readHistory__channel, &c) || !sb_may_read(t, c->self))
        return;
    sb_read_channel(t, t->me, c, tl_get_int(t->call, TLF_channels_readHistory__max_id));
    sb_answer_bool(t, true);
}

/* Marks ids of my box as heard and seen; how many were not yet. */
static int32_t read_ids(struct sb_turn *t, const int32_t *ids, size_t n)
{
    json_t *read = json_array(), *update;
    int32_t count;

    for (size_t i = 0; i < n; i++) {
        struct sb_msg *m = sb_box_msg(&t->me->box, ids[i]);

        if (!m || !m->media_unread)
            continue;
        m->media_unread = false;
        json_array_append_new(read, json_integer(m->id));
    }
    count = (int32_t)json_array_size(read);
    update = json_pack("{s:s,s:o,s:i}", "_", "updateReadMessagesContents", "messages", read, "date", t->date);
    if (count) {
        sb_log(t, &t->me->box,
               (struct sb_event){.kind = SB_EV_BODY, .count = count, .body = json_incref(update)});
        sb_note_others(t, t->me, json_incref(update));
    }
    json_decref(update);
    return count;
}

static void read_contents(struct sb_turn *t)
{
    size_t n;
    int32_t *ids = sb_arg_ints(t, TLF_messages_readMessageContents__id, &n);
    int32_t count = read_ids(t, ids, n);

    free(ids);
    answer_affected(t, t->me->box.pts, count);
}

static void read_mentions(struct sb_turn *t)
{
    const struct sb_ids *ids;
    struct sb_peer peer;
    int32_t count;

    if (!sb_arg_peer(t, TLF_messages_readMentions__peer, &peer) || !sb_may_read(t, peer))
        return;
    ids = peer.kind == SB_CHANNEL ? NULL : sb_history_of(t->w, t->me, peer);
    count = ids ? read_ids(t, ids->v, ids->n) : 0;
    sb_answer(t, json_pack("{s:s,s:i,s:i,s:i}", "_", "messages.affectedHistory", "pts", t->me->box.pts,
                           "pts_count", count, "offset", 0));
}

static void read_channel_contents(struct sb_turn *t)
{
    struct sb_chat *c;

    if (sb_arg_channel(t, TLF_channels_readMessageContents__channel, &c) && sb_may_read(t, c->self))
        sb_answer_bool(t, true);
}

static void get_views(struct sb_turn *t)
{
    const bool more = tl_get_bool(t->call, TLF_messages_getMessagesViews__increment);
    json_t *views, *r, *named;
    struct sb_peer peer;
    const struct sb_box *box;
    int32_t *ids;
    size_t n;

    if (!sb_arg_peer(t, TLF_messages_getMessagesViews__peer, &peer) || !sb_may_read(t, peer))
        return;
    box = sb_box_of(t->w, t->me, peer);
    ids = sb_arg_ints(t, TLF_messages_getMessagesViews__id, &n);
    views = json_array();
    for (size_t i = 0; i < n; i++) {
        struct sb_msg *m = box ? sb_box_msg(box, ids[i]) : NULL;
        json_t *v = sb_unit("messageViews");

        if (m && m->post->from.kind == SB_CHANNEL) {
            m->post->views += more;
            json_object_set_new(v, "views", json_integer(m->post->views));
            json_object_set_new(v, "forwards", json_integer(0));
        }
        json_array_append_new(views, v);
    }
    free(ids);
    r = json_pack("{s:s,s:o}", "_", "messages.messageViews", "views", views);
    named = sb_json_peer(peer);
    sb_add_peers(t->w, t->date, t->me, named, false, r);
    json_decref(named);
    sb_answer(t, r);
}

const struct sb_method sb_methods_read[] = {
    {TL_messages_readHistory, 0, read_history},
    {TL_channels_readHistory, 0, read_channel},
    {TL_messages_readMessageContents, 0, read_contents},
    {TL_messages_readMentions, 0, read_mentions},
    {TL_channels_readMessageContents, 0, read_channel_contents},
    {TL_messages_getMessagesViews, 0, get_views},
    {0},
};
