/* Boxes: what is in them, and the log from which differences are told. */
#include "tests/sandbox/world_acts.h"

int32_t sb_log(struct sb_turn *t, struct sb_box *box, struct sb_event ev)
{
    box->pts += ev.count;
    ev.pts = box->pts;
    ev.date = t->date;
    if (ev.body && ev.count) {
        json_object_set_new(ev.body, "pts", json_integer(ev.pts));
        json_object_set_new(ev.body, "pts_count", json_integer(ev.count));
    }
    *SB_PUSH(box->log, box->n_log, box->cap_log) = ev;
    return box->pts;
}

struct sb_post *sb_post_new(struct sb_turn *t, struct sb_peer from, const char *text)
{
    struct sb_world *w = t->w;
    struct sb_post *p = sb_alloc(sizeof *p);

    p->uid = w->n_posts + 1;
    p->from = from;
    p->date = t->date;
    p->text = sb_dup(text ? text : "");
    *SB_PUSH(w->posts, w->n_posts, w->cap_posts) = p;
    return p;
}

struct sb_msg *sb_box_put(struct sb_world *w, struct sb_box *box, struct sb_peer peer, struct sb_post *post)
{
    struct sb_msg *m = sb_alloc(sizeof *m);

    m->box = box;
    m->peer = peer;
    m->post = post;
    m->next_copy = post->copies;
    post->copies = m;
    *SB_PUSH(w->all_msgs, w->n_all, w->cap_all) = m;
    *SB_PUSH(box->msgs, box->n_msgs, box->cap_msgs) = m;
    m->id = (int32_t)box->n_msgs;
    if (box->owner.kind == SB_CHANNEL)
        sb_ids_add(&sb_chat_get(w, box->owner)->ids, m->id);
    else
        sb_ids_add(&sb_dialog_open(sb_user_get(w, box->owner.id), peer)->ids, m->id);
    return m;
}

struct sb_msg *sb_copy_in(const struct sb_post *post, const struct sb_box *box)
{
    for (struct sb_msg *m = post->copies; m; m = m->next_copy)
        if (m->box == box)
            return m;
    return NULL;
}

static bool names(const struct sb_user *u, const struct sb_post *post)
{
    const char *at = u->username ? strcasestr(post->text, u->username) : NULL;

    return at && at > post->text && at[-1] == '@';
}

bool sb_mentions(const struct sb_user *u, const struct sb_msg *m)
{
    const struct sb_msg *to = m->reply_to ? sb_box_msg(m->box, m->reply_to) : NULL;
    size_t i;
    json_t *e;

    if (to && to->post->from.kind == SB_USER && to->post->from.id == u->id)
        return true;
    json_array_foreach (m->post->entities, i, e) {
        if (json_integer_value(json_object_get(e, "user_id")) == u->id)
            return true;
    }
    return names(u, m->post);
}

bool sb_sees(const struct sb_user *u, const struct sb_msg *m, const struct sb_chat *c)
{
    const struct sb_post *post = m->post;
    const struct sb_msg *to;

    if (!u->bot || !c || post->action || post->text[0] == '/' || names(u, post) || sb_is_admin(c, u->id) ||
        (post->from.kind == SB_USER && post->from.id == u->id))
        return true;
    to = m->reply_to ? sb_box_msg(m->box, m->reply_to) : NULL;
    return to && to->post->from.kind == SB_USER && to->post->from.id == u->id;
}

json_t *sb_event_update(struct sb_world *w, const struct sb_box *box, const struct sb_event *ev,
                        const struct sb_user *viewer)
{
    const bool channel = box->owner.kind == SB_CHANNEL;
    const char *ctor = NULL;
    const struct sb_msg *m;

    if (ev->only && ev->only != viewer->id)
        return NULL;
    switch (ev->kind) {
    case SB_EV_BODY:
        return json_incref(ev->body);
    case SB_EV_NEW:
        ctor = channel ? "updateNewChannelMessage" : "updateNewMessage";
        break;
    case SB_EV_EDIT:
        ctor = channel ? "updateEditChannelMessage" : "updateEditMessage";
        break;
    }
    m = sb_box_msg(box, ev->msg_id);
    if (!m || (channel && !sb_sees(viewer, m, sb_chat_get(w, box->owner))))
        return NULL;
    return json_pack("{s:s,s:o,s:i,s:i}", "_", ctor, "message", sb_json_message(w, viewer, m), "pts", ev->pts,
                     "pts_count", ev->count);
}

int32_t sb_unread(const struct sb_world *w, const struct sb_user *u, struct sb_peer peer)
{
    const struct sb_ids *ids = sb_history_of(w, u, peer);
    const struct sb_box *box = sb_box_of(w, (struct sb_user *)(uintptr_t)u, peer);
    const struct sb_dialog *d = sb_dialog_get(u, peer);
    int32_t n = 0;

    if (!ids || !box)
        return 0;
    for (size_t i = ids->n; i-- && ids->v[i] > (d ? d->read_in : 0);) {
        const struct sb_msg *m = sb_box_msg(box, ids->v[i]);
        bool mine = m && (peer.kind == SB_CHANNEL ? m->post->from.kind == SB_USER && m->post->from.id == u->id
                                                  : m->out);

        n += m && !mine;
    }
    return n;
}

struct sb_msg *sb_top_message(const struct sb_world *w, struct sb_user *u, struct sb_peer peer)
{
    const struct sb_ids *ids = sb_history_of(w, u, peer);
    const struct sb_box *box = sb_box_of(w, u, peer);

    return ids && box && ids->n ? sb_box_msg(box, ids->v[ids->n - 1]) : NULL;
}
