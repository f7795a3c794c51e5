/* What happens to messages after they were sent: edited, deleted, read, reacted to, pinned; and who is
 * typing. */
#include "tests/sandbox/world_acts.h"

/* The members of a chat, or both sides of a private one, but `but`. */
static void each_reader(struct sb_turn *t, const struct sb_chat *c, const struct sb_user *but,
                        void (*f)(struct sb_turn *t, struct sb_user *u, void *ctx), void *ctx)
{
    for (size_t i = 0; i < c->n_members; i++) {
        struct sb_user *u = c->members[i].left ? NULL : sb_user_get(t->w, c->members[i].user_id);

        if (u && u != but)
            f(t, u, ctx);
    }
}

/* --- edits --- */

struct event_ref {
    struct sb_box *box;
    const struct sb_event *ev;
};

static void note_event(struct sb_turn *t, struct sb_user *u, void *ctx)
{
    const struct event_ref *ref = ctx;
    json_t *update = sb_event_update(t->w, ref->box, ref->ev, u);

    if (update)
        sb_note(t, u, update);
}

void sb_edited(struct sb_turn *t, struct sb_post *post)
{
    for (struct sb_msg *m = post->copies; m; m = m->next_copy) {
        struct event_ref ref = {.box = m->box};

        if (m->deleted)
            continue;
        sb_log(t, m->box, (struct sb_event){.kind = SB_EV_EDIT, .count = 1, .msg_id = m->id});
        ref.ev = &m->box->log[m->box->n_log - 1];
        if (m->box->owner.kind == SB_CHANNEL)
            each_reader(t, sb_chat_get(t->w, m->box->owner), NULL, note_event, &ref);
        else
            note_event(t, sb_user_get(t->w, m->box->owner.id), &ref);
        if (m->box->owner.kind == SB_USER)
            sb_qts_business(t, sb_user_get(t->w, m->box->owner.id), "updateBotEditBusinessMessage", m);
    }
}

/* --- deletes --- */

struct doomed { /* by box */
    struct sb_box *box;
    json_t *ids;
};

static void doom(struct doomed **v, size_t *n, size_t *cap, struct sb_world *w, struct sb_msg *m)
{
    size_t i = 0;

    if (m->deleted)
        return;
    m->deleted = true;
    if (m->box->owner.kind == SB_CHANNEL)
        sb_ids_remove(&sb_chat_get(w, m->box->owner)->ids, m->id);
    else
        sb_ids_remove(&sb_dialog_open(sb_user_get(w, m->box->owner.id), m->peer)->ids, m->id);
    while (i < *n && (*v)[i].box != m->box)
        i++;
    if (i == *n) {
        *v = sb_grow(*v, *n, cap, sizeof **v);
        (*v)[(*n)++] = (struct doomed){m->box, json_array()};
    }
    json_array_append_new((*v)[i].ids, json_integer(m->id));
}

static bool may_revoke(const struct sb_world *w, const struct sb_user *u, const struct sb_msg *m)
{
    return m->peer.kind != SB_GROUP || m->out || sb_is_admin(sb_chat_get(w, m->peer), u->id);
}

int32_t sb_delete(struct sb_turn *t, struct sb_user *u, const int32_t *ids, size_t n, bool revoke,
                  int32_t *count)
{
    struct doomed *v = NULL;
    size_t n_boxes = 0, cap = 0;

    *count = 0;
    for (size_t i = 0; i < n; i++) {
        struct sb_msg *m = sb_box_msg(&u->box, ids[i]);

        if (!m)
            continue;
        doom(&v, &n_boxes, &cap, t->w, m);
        for (struct sb_msg *o = m->post->copies; revoke && may_revoke(t->w, u, m) && o; o = o->next_copy)
            doom(&v, &n_boxes, &cap, t->w, o);
    }
    for (size_t i = 0; i < n_boxes; i++) {
        struct sb_user *owner = sb_user_get(t->w, v[i].box->owner.id);
        int32_t c = (int32_t)json_array_size(v[i].ids);
        json_t *update = json_pack("{s:s,s:o}", "_", "updateDeleteMessages", "messages", v[i].ids);

        sb_log(t, v[i].box, (struct sb_event){.kind = SB_EV_BODY, .count = c, .body = update});
        sb_note_others(t, owner, json_incref(update));
        sb_qts_business_gone(t, owner, v[i].ids);
        if (owner == u)
            *count = c;
    }
    free(v);
    return u->box.pts;
}

static void note_others_body(struct sb_turn *t, struct sb_user *u, void *ctx)
{
    sb_note_others(t, u, json_incref(ctx));
}

int32_t sb_delete_in_channel(struct sb_turn *t, struct sb_chat *c, const int32_t *ids, size_t n,
                             int32_t *count)
{
    struct doomed *v = NULL;
    size_t n_boxes = 0, cap = 0;

    *count = 0;
    for (size_t i = 0; i < n; i++) {
        struct sb_msg *m = sb_box_msg(&c->box, ids[i]);

        if (m)
            doom(&v, &n_boxes, &cap, t->w, m);
    }
    if (n_boxes) {
        *count = (int32_t)json_array_size(v[0].ids);
        json_t *update = json_pack("{s:s,s:I,s:o}", "_", "updateDeleteChannelMessages", "channel_id",
                                   c->self.id, "messages", v[0].ids);

        sb_log(t, &c->box, (struct sb_event){.kind = SB_EV_BODY, .count = *count, .body = update});
        each_reader(t, c, NULL, note_others_body, update);
    }
    free(v);
    return c->box.pts;
}

/* --- reading --- */

/* The sender's side of having been read. */
static void read_by_other(struct sb_turn *t, const struct sb_msg *read, struct sb_user *reader)
{
    struct sb_user *from = read->post->from.kind == SB_USER ? sb_user_get(t->w, read->post->from.id) : NULL;
    const struct sb_msg *theirs = from && from != reader ? sb_copy_in(read->post, &from->box) : NULL;
    struct sb_dialog *d = theirs ? sb_dialog_open(from, theirs->peer) : NULL;
    json_t *update;

    if (!d || theirs->id <= d->read_out)
        return;
    d->read_out = theirs->id;
    update = json_pack("{s:s,s:o,s:i}", "_", "updateReadHistoryOutbox", "peer", sb_json_peer(theirs->peer),
                       "max_id", theirs->id);
    sb_log(t, &from->box, (struct sb_event){.kind = SB_EV_BODY, .count = 1, .body = update});
    sb_note(t, from, json_incref(update));
}

int32_t sb_read(struct sb_turn *t, struct sb_user *u, struct sb_peer peer, int32_t max_id, int32_t *count)
{
    struct sb_dialog *d = sb_dialog_get(u, peer);
    int32_t top = d && d->ids.n ? d->ids.v[d->ids.n - 1] : 0;
    json_t *update;
    bool any = false;

    *count = 0;
    if (max_id <= 0 || max_id > top)
        max_id = top;
    if (!d || max_id <= d->read_in)
        return u->box.pts;
    /* newest first: of each sender's messages only the last one changes his mark */
    for (size_t i = sb_ids_below(&d->ids, max_id + 1); i-- && d->ids.v[i] > d->read_in;) {
        const struct sb_msg *m = sb_box_msg(&u->box, d->ids.v[i]);

        if (!m || m->out)
            continue;
        any = true;
        read_by_other(t, m, u);
    }
    d->read_in = max_id;
    d->unread_mark = false;
    if (!any)
        return u->box.pts;
    *count = 1;
    update = json_pack("{s:s,s:o,s:i,s:i}", "_", "updateReadHistoryInbox", "peer", sb_json_peer(peer),
                       "max_id", max_id, "still_unread_count", sb_unread(t->w, u, peer));
    sb_log(t, &u->box, (struct sb_event){.kind = SB_EV_BODY, .count = 1, .body = update});
    sb_note_others(t, u, json_incref(update));
    return u->box.pts;
}

void sb_read_channel(struct sb_turn *t, struct sb_user *u, struct sb_chat *c, int32_t max_id)
{
    struct sb_dialog *d = sb_dialog_open(u, c->self);
    const int32_t top = c->ids.n ? c->ids.v[c->ids.n - 1] : 0;
    const int32_t before = d->read_in;
    json_t *update;

    if (max_id <= 0 || max_id > top)
        max_id = top;
    if (max_id <= before)
        return;
    d->read_in = max_id;
    d->unread_mark = false;
    update =
        json_pack("{s:s,s:I,s:i,s:i,s:i}", "_", "updateReadChannelInbox", "channel_id", c->self.id, "max_id",
                  max_id, "still_unread_count", sb_unread(t->w, u, c->self), "pts", c->box.pts);
    sb_log(t, &u->box, (struct sb_event){.kind = SB_EV_BODY, .body = update});
    sb_note_all(t, u, json_incref(update));
    for (size_t i = sb_ids_below(&c->ids, max_id + 1); c->megagroup && i-- && c->ids.v[i] > before;) {
        const struct sb_msg *m = sb_box_msg(&c->box, c->ids.v[i]);
        struct sb_user *from =
            m && m->post->from.kind == SB_USER ? sb_user_get(t->w, m->post->from.id) : NULL;
        struct sb_dialog *theirs = from && from != u ? sb_dialog_get(from, c->self) : NULL;

        if (!theirs || theirs->read_out >= m->id)
            continue;
        theirs->read_out = m->id;
        update = json_pack("{s:s,s:I,s:i}", "_", "updateReadChannelOutbox", "channel_id", c->self.id,
                           "max_id", m->id);
        sb_log(t, &from->box, (struct sb_event){.kind = SB_EV_BODY, .body = update});
        sb_note_all(t, from, json_incref(update));
    }
}

/* --- passing things --- */

static void note_body(struct sb_turn *t, struct sb_user *u, void *ctx)
{
    if (!u->bot)
        sb_note_all(t, u, json_incref(ctx));
}

void sb_type(struct sb_turn *t, struct sb_user *from, struct sb_peer to, json_t *action)
{
    const struct sb_chat *c = to.kind == SB_USER ? NULL : sb_chat_get(t->w, to);
    struct sb_user *u = to.kind == SB_USER ? sb_user_get(t->w, to.id) : NULL;
    json_t *update;

    if (u && u != from) {
        update = json_pack("{s:s,s:I,s:O}", "_", "updateUserTyping", "user_id", from->id, "action", action);
        note_body(t, u, update);
        json_decref(update);
    } else if (c) {
        bool channel = to.kind == SB_CHANNEL;

        update =
            json_pack("{s:s,s:I,s:o,s:O}", "_", channel ? "updateChannelUserTyping" : "updateChatUserTyping",
                      channel ? "channel_id" : "chat_id", to.id, "from_id",
                      sb_json_peer((struct sb_peer){SB_USER, from->id}), "action", action);
        each_reader(t, c, from, note_body, update);
        json_decref(update);
    }
}

void sb_set_online(struct sb_turn *t, struct sb_user *u, bool online)
{
    json_t *update;

    u->online_until = online ? t->date + 300 : 0;
    u->was_online = t->date;
    update = json_pack("{s:s,s:I,s:o}", "_", "updateUserStatus", "user_id", u->id, "status",
                       sb_json_status(u, t->date));
    for (size_t i = 0; i < t->w->n_users; i++) {
        struct sb_user *o = t->w->users[i];

        if (o != u && (sb_is_contact(o, u->id) || sb_dialog_get(o, (struct sb_peer){SB_USER, u->id})))
            note_body(t, o, update);
    }
    json_decref(update);
}

void sb_renamed(struct sb_turn *t, struct sb_user *u)
{
    json_t *names = json_array(), *update;

    if (u->username)
        json_array_append_new(names, json_pack("{s:s,s:b,s:b,s:s}", "_", "username", "editable", 1, "active",
                                               1, "username", u->username));
    update = json_pack("{s:s,s:I,s:o,s:o,s:o}", "_", "updateUserName", "user_id", u->id, "first_name",
                       sb_text(u->first), "last_name", sb_text(u->last), "usernames", names);
    for (size_t i = 0; i < t->w->n_users; i++) {
        struct sb_user *o = t->w->users[i];

        if (o == u || sb_is_contact(o, u->id) || sb_dialog_get(o, (struct sb_peer){SB_USER, u->id}))
            sb_note_others(t, o, json_incref(update));
    }
    json_decref(update);
}

/* --- reactions --- */

static void set_reaction(struct sb_turn *t, const struct sb_user *u, struct sb_post *p, const char *emoji)
{
    size_t i = 0;

    while (i < p->n_reactions && p->reactions[i].user_id != u->id)
        i++;
    if (i < p->n_reactions) {
        free(p->reactions[i].emoji);
        memmove(&p->reactions[i], &p->reactions[i + 1], (p->n_reactions - i - 1) * sizeof *p->reactions);
        p->n_reactions--;
    }
    if (emoji)
        *SB_PUSH(p->reactions, p->n_reactions, p->cap_reactions) =
            (struct sb_reaction){.user_id = u->id, .date = t->date, .emoji = sb_dup(emoji)};
}

static void note_reactions(struct sb_turn *t, struct sb_user *u, void *ctx)
{
    const struct sb_msg *m = ctx;
    json_t *update;

    if (u->bot)
        return;
    update = json_pack("{s:s,s:o,s:i,s:o}", "_", "updateMessageReactions", "peer", sb_json_peer(m->peer),
                       "msg_id", m->id, "reactions", sb_json_reactions(u, m->post));
    sb_log(t, &u->box, (struct sb_event){.kind = SB_EV_BODY, .body = json_incref(update)});
    sb_note(t, u, update);
}

void sb_react(struct sb_turn *t, struct sb_user *u, struct sb_msg *m, const char *emoji)
{
    set_reaction(t, u, m->post, emoji);
    for (struct sb_msg *o = m->post->copies; o; o = o->next_copy) {
        if (o->deleted)
            continue;
        if (o->box->owner.kind == SB_CHANNEL)
            each_reader(t, sb_chat_get(t->w, o->box->owner), NULL, note_reactions, o);
        else
            note_reactions(t, sb_user_get(t->w, o->box->owner.id), o);
    }
}

/* --- pins --- */

static void note_pin(struct sb_turn *t, struct sb_user *u, void *ctx)
{
    sb_note(t, u, json_incref(ctx));
}

void sb_pin(struct sb_turn *t, struct sb_msg *m, bool pinned, bool one_side)
{
    m->post->pinned = pinned;
    for (struct sb_msg *o = m->post->copies; o; o = o->next_copy) {
        bool channel = o->box->owner.kind == SB_CHANNEL;
        json_t *update;

        if (o->deleted || (one_side && o != m))
            continue;
        update =
            json_pack("{s:s,s:[i]}", "_", channel ? "updatePinnedChannelMessages" : "updatePinnedMessages",
                      "messages", o->id);
        if (pinned)
            json_object_set_new(update, "pinned", json_true());
        if (channel)
            json_object_set_new(update, "channel_id", json_integer(o->peer.id));
        else
            json_object_set_new(update, "peer", sb_json_peer(o->peer));
        sb_log(t, o->box, (struct sb_event){.kind = SB_EV_BODY, .count = 1, .body = update});
        if (channel)
            each_reader(t, sb_chat_get(t->w, o->box->owner), NULL, note_pin, update);
        else
            note_pin(t, sb_user_get(t->w, o->box->owner.id), update);
    }
}
