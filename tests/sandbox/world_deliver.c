/* A message on its way into everybody's box. */
#include "tests/sandbox/world_acts.h"

const char *sb_may_write(const struct sb_world *w, const struct sb_user *from, struct sb_peer to,
                         int32_t *code)
{
    const struct sb_user *u = to.kind == SB_USER ? sb_user_get(w, to.id) : NULL;
    const struct sb_chat *c = to.kind == SB_USER ? NULL : sb_chat_get(w, to);

    *code = 400;
    if (u) {
        if (u->deleted)
            return "INPUT_USER_DEACTIVATED";
        if (from->bot && u->bot && u != from)
            return "USER_IS_BOT";
        /* a bot may not begin */
        return from->bot && !sb_dialog_get(from, to) ? "PEER_ID_INVALID" : NULL;
    }
    if (!c)
        return "PEER_ID_INVALID";
    *code = 406;
    if (to.kind == SB_CHANNEL && !c->username && !sb_is_member(c, from->id))
        return "CHANNEL_PRIVATE";
    *code = 403;
    if (!sb_is_member(c, from->id) || c->deactivated)
        return "CHAT_WRITE_FORBIDDEN";
    return to.kind != SB_CHANNEL || c->megagroup || sb_is_admin(c, from->id) ? NULL : "CHAT_ADMIN_REQUIRED";
}

/* Logs a new message in its box and tells whoever reads that box. */
static void tell_new(struct sb_turn *t, struct sb_msg *m)
{
    struct sb_box *box = m->box;
    const struct sb_event *ev;

    sb_log(t, box, (struct sb_event){.kind = SB_EV_NEW, .count = 1, .msg_id = m->id});
    ev = &box->log[box->n_log - 1];
    if (box->owner.kind == SB_USER) {
        struct sb_user *u = sb_user_get(t->w, box->owner.id);

        sb_note(t, u, sb_event_update(t->w, box, ev, u));
        sb_qts_business(t, u, "updateBotNewBusinessMessage", m);
        return;
    }
    const struct sb_chat *c = sb_chat_get(t->w, box->owner);

    for (size_t i = 0; i < c->n_members; i++) {
        struct sb_user *u = c->members[i].left ? NULL : sb_user_get(t->w, c->members[i].user_id);
        json_t *update = u ? sb_event_update(t->w, box, ev, u) : NULL;

        if (update)
            sb_note(t, u, update);
    }
}

static struct sb_msg *into_box(struct sb_turn *t, struct sb_user *u, struct sb_peer peer,
                               struct sb_post *post, const struct sb_post *replied)
{
    const bool own = post->from.kind == SB_USER && post->from.id == u->id;
    const struct sb_msg *to = replied ? sb_copy_in(replied, &u->box) : NULL;
    struct sb_msg *m;

    if (u->deleted)
        return NULL;
    m = sb_box_put(t->w, &u->box, peer, post);
    m->out = own;
    m->reply_to = to && !to->deleted ? to->id : 0;
    if (!own && peer.kind == SB_GROUP) {
        if (!sb_sees(u, m, sb_chat_get(t->w, peer))) {
            /* a bot that is not meant: its box knows nothing of it */
            sb_ids_remove(&sb_dialog_open(u, peer)->ids, m->id);
            m->deleted = true;
            return NULL;
        }
        m->mentioned = m->media_unread = sb_mentions(u, m);
    }
    return m;
}

/* The sender's copy comes first in the answer, with what links it to its random_id. */
static void link_random_id(struct sb_turn *t, const struct sb_letter *s, struct sb_msg *m)
{
    json_t *update;

    if (!s->random_id)
        return;
    sb_map_set(&t->w->sent, sb_mix((uint64_t)s->from->id, (uint64_t)s->random_id), m);
    update = json_pack("{s:s,s:i,s:I}", "_", "updateMessageID", "id", m->id, "random_id", s->random_id);
    if (t->caller && s->from == t->me)
        json_array_append(t->own, update);
    sb_log(t, m->box, (struct sb_event){.kind = SB_EV_BODY, .body = update, .only = s->from->id});
    /* it rides with the message that follows */
    m->box->log[m->box->n_log - 1].pts++;
}

static struct sb_msg *send_private(struct sb_turn *t, const struct sb_letter *s, struct sb_post *post,
                                   const struct sb_post *replied)
{
    struct sb_user *to = sb_user_get(t->w, s->to.id);
    struct sb_msg *mine = into_box(t, s->from, s->to, post, replied), *theirs;

    if (!mine)
        return NULL;
    link_random_id(t, s, mine);
    tell_new(t, mine);
    if (to != s->from) {
        theirs = into_box(t, to, (struct sb_peer){SB_USER, s->from->id}, post, replied);
        if (theirs)
            tell_new(t, theirs);
    }
    return mine;
}

static struct sb_msg *send_group(struct sb_turn *t, const struct sb_letter *s, struct sb_post *post,
                                 const struct sb_post *replied)
{
    const struct sb_chat *c = sb_chat_get(t->w, s->to);
    struct sb_msg *mine = into_box(t, s->from, s->to, post, replied);

    if (!mine)
        return NULL;
    link_random_id(t, s, mine);
    tell_new(t, mine);
    for (size_t i = 0; i < c->n_members; i++) {
        struct sb_user *u = c->members[i].left ? NULL : sb_user_get(t->w, c->members[i].user_id);
        struct sb_msg *m = u && u != s->from ? into_box(t, u, s->to, post, replied) : NULL;

        if (m)
            tell_new(t, m);
    }
    return mine;
}

static struct sb_msg *send_channel(struct sb_turn *t, const struct sb_letter *s, struct sb_post *post)
{
    struct sb_chat *c = sb_chat_get(t->w, s->to);
    struct sb_msg *m = sb_box_put(t->w, &c->box, s->to, post);
    struct sb_member *member;
    struct sb_dialog *d;

    m->reply_to = s->reply_to && sb_box_msg(&c->box, s->reply_to) ? s->reply_to : 0;
    post->views = post->from.kind == SB_CHANNEL;
    for (size_t i = 0; i < c->n_members; i++)
        if (!c->members[i].left)
            sb_dialog_open(sb_user_get(t->w, c->members[i].user_id), s->to);
    if (s->text && *s->text && (member = sb_member_get(c, s->from->id)))
        member->said = t->date;
    link_random_id(t, s, m);
    /* who writes has read what was there */
    d = sb_dialog_open(s->from, s->to);
    d->read_in = m->id;
    sb_note(t, s->from,
            json_pack("{s:s,s:I,s:i,s:i,s:i}", "_", "updateReadChannelInbox", "channel_id", c->self.id,
                      "max_id", m->id, "still_unread_count", 0, "pts", c->box.pts + 1));
    tell_new(t, m);
    return m;
}

struct sb_msg *sb_deliver(struct sb_turn *t, const struct sb_letter *s)
{
    const struct sb_peer from = s->as_channel ? s->to : (struct sb_peer){SB_USER, s->from->id};
    const struct sb_box *box = sb_box_of(t->w, s->from, s->to);
    const struct sb_msg *replied = s->reply_to && box ? sb_box_msg(box, s->reply_to) : NULL;
    struct sb_post *post = sb_post_new(t, from, s->text);

    post->quote = replied ? sb_dup(s->quote) : NULL;
    post->silent = s->silent;
    post->noforwards = s->noforwards;
    post->entities = s->entities ? json_incref(s->entities) : NULL;
    post->media = s->media ? json_incref(s->media) : NULL;
    post->fwd = s->fwd ? json_incref(s->fwd) : NULL;
    post->action = s->action ? json_incref(s->action) : NULL;
    post->markup = s->markup ? json_incref(s->markup) : NULL;
    switch (s->to.kind) {
    case SB_USER:
        return send_private(t, s, post, replied ? replied->post : NULL);
    case SB_GROUP:
        return send_group(t, s, post, replied ? replied->post : NULL);
    case SB_CHANNEL:
        return send_channel(t, s, post);
    case SB_NOBODY:
        break;
    }
    return NULL;
}

struct sb_msg *sb_send_action(struct sb_turn *t, struct sb_user *from, struct sb_peer to, json_t *action)
{
    const struct sb_chat *c = to.kind == SB_CHANNEL ? sb_chat_get(t->w, to) : NULL;
    const struct sb_letter s = {.from = from, .to = to, .action = action, .as_channel = c && !c->megagroup};
    struct sb_msg *m = sb_deliver(t, &s);

    json_decref(action);
    return m;
}
