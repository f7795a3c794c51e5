/* messages.getHistory and its relatives: which messages, from where, how many. */
#include "tests/sandbox/world_acts.h"

/* The paging arguments of getHistory and search, which have the same names there. */
struct window {
    int32_t offset_id, offset_date, add_offset, limit, max_id, min_id;
};

static int32_t arg(const struct tl_view *v, const char *name)
{
    int f = tl_view_field(v, name);

    return f < 0 ? 0 : tl_get_int(v, (unsigned)f);
}

static struct window window_of(const struct tl_view *v)
{
    struct window w = {.offset_id = arg(v, "offset_id"),
                       .offset_date = arg(v, "offset_date"),
                       .add_offset = arg(v, "add_offset"),
                       .limit = arg(v, "limit"),
                       .max_id = arg(v, "max_id"),
                       .min_id = arg(v, "min_id")};

    w.limit = w.limit < 0 ? 0 : (w.limit > 100 ? 100 : w.limit);
    return w;
}

/*
 * Newest first. The window begins behind offset_id (or offset_date), moved by add_offset towards the older
 * (or, negative, the newer) ones; what sticks out beyond the newest is lost. min_id and max_id cut after
 * that. *skipped: how many are newer than the first one told.
 */
static void select_ids(const struct sb_box *box, const struct sb_ids *all, const struct window *w,
                       struct sb_ids *out, int32_t *skipped)
{
    int64_t from = 0, to;

    if (w->offset_id > 0) {
        from = (int64_t)(all->n - sb_ids_below(all, w->offset_id));
    } else if (w->offset_date > 0) {
        while (from < (int64_t)all->n &&
               sb_box_msg(box, all->v[(int64_t)all->n - 1 - from])->post->date >= w->offset_date)
            from++;
    }
    from += w->add_offset;
    to = from + w->limit;
    from = from < 0 ? 0 : from;
    to = to > (int64_t)all->n ? (int64_t)all->n : to;
    *skipped = (int32_t)from;
    for (int64_t i = from; i < to; i++) {
        int32_t id = all->v[(int64_t)all->n - 1 - i];

        if ((!w->max_id || id < w->max_id) && (!w->min_id || id > w->min_id))
            *SB_PUSH(out->v, out->n, out->cap) = id;
    }
}

static void answer_messages(struct sb_turn *t, struct sb_peer peer, const struct sb_ids *ids, size_t total,
                            int32_t skipped)
{
    const struct sb_box *box = sb_box_of(t->w, t->me, peer);
    json_t *list = json_array(), *all, *r;

    for (size_t i = 0; i < ids->n; i++)
        json_array_append_new(list, sb_json_message(t->w, t->me, sb_box_msg(box, ids->v[i])));
    r = json_pack("{s:O,s:[]}", "messages", list, "topics");
    if (peer.kind == SB_CHANNEL) {
        json_object_set_new(r, "_", json_string("messages.channelMessages"));
        json_object_set_new(r, "pts", json_integer(box->pts));
        json_object_set_new(r, "count", json_integer((json_int_t)total));
    } else if (ids->n == total) {
        json_object_set_new(r, "_", json_string("messages.messages"));
    } else {
        json_object_set_new(r, "_", json_string("messages.messagesSlice"));
        json_object_set_new(r, "count", json_integer((json_int_t)total));
        json_object_set_new(r, "offset_id_offset", json_integer(skipped));
    }
    all = json_pack("[O,o]", list, sb_json_peer(peer));
    sb_add_peers(t->w, t->date, t->me, all, false, r);
    json_decref(all);
    json_decref(list);
    sb_answer(t, r);
}

/* Those of a chat that pass `keep`, in the window of the call. */
static void answer_window(struct sb_turn *t, struct sb_peer peer,
                          bool (*keep)(struct sb_turn *t, const struct sb_msg *m, const void *ctx),
                          const void *ctx)
{
    const struct sb_ids *all = sb_history_of(t->w, t->me, peer);
    const struct sb_box *box = sb_box_of(t->w, t->me, peer);
    struct window w = window_of(t->call);
    struct sb_ids kept = {0}, out = {0};
    int32_t skipped = 0;

    for (size_t i = 0; all && i < all->n; i++)
        if (!keep || keep(t, sb_box_msg(box, all->v[i]), ctx))
            sb_ids_add(&kept, all->v[i]);
    select_ids(box, &kept, &w, &out, &skipped);
    answer_messages(t, peer, &out, kept.n, skipped);
    free(kept.v);
    free(out.v);
}

static void get_history(struct sb_turn *t)
{
    struct sb_peer peer;

    if (sb_arg_peer(t, TLF_messages_getHistory__peer, &peer) && sb_may_read(t, peer))
        answer_window(t, peer, NULL, NULL);
}

/* --- search --- */

struct query {
    char *q;
    struct sb_peer from;
    uint32_t filter;
    int32_t min_date, max_date;
};

static bool has_entity(const struct sb_post *p, const char *ctor)
{
    size_t i;
    json_t *e;

    json_array_foreach (p->entities, i, e) {
        const char *name = json_string_value(json_object_get(e, "_"));

        if (name && !strcmp(name, ctor))
            return true;
    }
    return false;
}

static bool media_is(const struct sb_post *p, const char *ctor)
{
    const char *name = json_string_value(json_object_get(p->media, "_"));

    return name && !strcmp(name, ctor);
}

static bool fits(struct sb_turn *t, const struct sb_msg *m, const void *ctx)
{
    const struct query *q = ctx;
    const struct sb_post *p = m->post;

    (void)t;
    if ((*q->q && !strcasestr(p->text, q->q)) || (q->from.kind != SB_NOBODY && !sb_same(q->from, p->from)) ||
        (q->min_date && p->date < q->min_date) || (q->max_date && p->date > q->max_date))
        return false;
    switch (q->filter) {
    case TL_inputMessagesFilterEmpty:
        return !p->action || !*q->q;
    case TL_inputMessagesFilterPinned:
        return p->pinned;
    case TL_inputMessagesFilterUrl:
        return has_entity(p, "messageEntityUrl") || has_entity(p, "messageEntityTextUrl");
    case TL_inputMessagesFilterMyMentions:
        return m->mentioned;
    case TL_inputMessagesFilterContacts:
        return media_is(p, "messageMediaContact");
    case TL_inputMessagesFilterGeo:
        return media_is(p, "messageMediaGeo");
    default:
        return false; /* files of all kinds: there are none */
    }
}

static void search(struct sb_turn *t)
{
    struct query q = {.filter = tl_get_id(t->call, TLF_messages_search__filter),
                      .min_date = tl_get_int(t->call, TLF_messages_search__min_date),
                      .max_date = tl_get_int(t->call, TLF_messages_search__max_date)};
    struct sb_peer peer;

    q.q = sb_arg_text(t, TLF_messages_search__q);
    if (sb_arg_peer(t, TLF_messages_search__peer, &peer) && sb_may_read(t, peer) &&
        (!tl_has(t->call, TLF_messages_search__from_id) ||
         sb_arg_peer(t, TLF_messages_search__from_id, &q.from)))
        answer_window(t, peer, fits, &q);
    free(q.q);
}

static bool unread_mention(struct sb_turn *t, const struct sb_msg *m, const void *ctx)
{
    (void)t;
    (void)ctx;
    return m->mentioned && m->media_unread;
}

static void get_unread_mentions(struct sb_turn *t)
{
    struct sb_peer peer;

    if (sb_arg_peer(t, TLF_messages_getUnreadMentions__peer, &peer) && sb_may_read(t, peer))
        answer_window(t, peer, unread_mention, NULL);
}

/* --- by id --- */

/* Positions are kept: what is not there, or not to be seen, is a messageEmpty. */
static void answer_by_id(struct sb_turn *t, unsigned field, const struct sb_box *box, const struct sb_chat *c)
{
    struct tl_vec vec = tl_get_vector(t->call, field);
    json_t *list = json_array(), *r;
    struct tl_view v;

    while (tl_vec_object(&vec, &v)) {
        int f = tl_view_field(&v, "id");
        int32_t id = f < 0 ? 0 : tl_get_int(&v, (unsigned)f);
        const struct sb_msg *m = sb_box_msg(box, id);

        if (m && v.def->id == TL_inputMessageReplyTo)
            m = sb_box_msg(box, m->reply_to);
        if (m && (!c || sb_sees(t->me, m, c)))
            json_array_append_new(list, sb_json_message(t->w, t->me, m));
        else
            json_array_append_new(list, json_pack("{s:s,s:i}", "_", "messageEmpty", "id", id));
    }
    r = json_pack("{s:O,s:[]}", "messages", list, "topics");
    if (c) {
        json_object_set_new(r, "_", json_string("messages.channelMessages"));
        json_object_set_new(r, "pts", json_integer(box->pts));
        json_object_set_new(r, "count", json_integer((json_int_t)json_array_size(list)));
    } else {
        json_object_set_new(r, "_", json_string("messages.messages"));
    }
    sb_add_peers(t->w, t->date, t->me, list, false, r);
    json_decref(list);
    sb_answer(t, r);
}

static void get_messages(struct sb_turn *t)
{
    answer_by_id(t, TLF_messages_getMessages__id, &t->me->box, NULL);
}

static void get_channel_messages(struct sb_turn *t)
{
    struct sb_chat *c;

    if (sb_arg_channel(t, TLF_channels_getMessages__channel, &c) && sb_may_read(t, c->self))
        answer_by_id(t, TLF_channels_getMessages__id, &c->box, c);
}

const struct sb_method sb_methods_history[] = {
    {TL_messages_getHistory, 0, get_history},
    {TL_messages_search, 0, search},
    {TL_messages_getUnreadMentions, 0, get_unread_mentions},
    {TL_messages_getMessages, 0, get_messages},
    {TL_channels_getMessages, 0, get_channel_messages},
    {0},
};
