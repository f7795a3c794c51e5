/* The world's objects as TL-JSON, as one viewer sees them. */
#include "tests/sandbox/world_acts.h"

static void put(json_t *o, const char *key, json_t *v)
{
    json_object_set_new(o, key, v);
}

static void put_true(json_t *o, const char *key, bool v)
{
    if (v)
        put(o, key, json_true());
}

static void put_text(json_t *o, const char *key, const char *v)
{
    if (v)
        put(o, key, sb_text(v));
}

static void put_shared(json_t *o, const char *key, json_t *v)
{
    if (v)
        json_object_set(o, key, v);
}

/* --- users --- */

json_t *sb_json_status(const struct sb_user *u, int32_t date)
{
    if (u->online_until > date)
        return json_pack("{s:s,s:i}", "_", "userStatusOnline", "expires", u->online_until);
    if (u->was_online)
        return json_pack("{s:s,s:i}", "_", "userStatusOffline", "was_online", u->was_online);
    return sb_unit("userStatusRecently");
}

json_t *sb_json_user(struct sb_world *w, int32_t date, const struct sb_user *viewer, const struct sb_user *u,
                     bool min)
{
    const bool self = viewer == u, contact = viewer && sb_is_contact(viewer, u->id);
    const struct sb_peer peer = {SB_USER, u->id};
    json_t *o = json_pack("{s:s,s:I}", "_", "user", "id", u->id);

    put(o, "access_hash", json_integer(sb_access_hash(w, viewer ? viewer->id : 0, peer, min)));
    put_true(o, "self", self);
    put_true(o, "min", min);
    put_true(o, "deleted", u->deleted);
    if (u->deleted)
        return o;
    put_text(o, "first_name", u->first);
    put_text(o, "last_name", u->last);
    put_text(o, "username", u->username);
    put_true(o, "verified", u->service);
    put_true(o, "support", u->service);
    if (u->bot) {
        put_true(o, "bot", true);
        put(o, "bot_info_version", json_integer(1));
    } else if (!min) {
        put(o, "status", sb_json_status(u, date));
        put_true(o, "contact", contact);
        put_true(o, "mutual_contact", contact && sb_is_contact(u, viewer->id));
        if (self || contact || u->service)
            put_text(o, "phone", u->phone);
    }
    return o;
}

/* --- chats --- */

static json_t *all_rights(void)
{
    return json_pack("{s:s,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b}", "_", "chatAdminRights", "change_info", 1,
                     "post_messages", 1, "edit_messages", 1, "delete_messages", 1, "ban_users", 1,
                     "invite_users", 1, "pin_messages", 1, "add_admins", 1, "other", 1);
}

static json_t *default_rights(void)
{
    return json_pack("{s:s,s:i}", "_", "chatBannedRights", "until_date", 0);
}

static json_t *json_group(const struct sb_user *viewer, const struct sb_chat *c)
{
    const struct sb_member *m = viewer ? sb_member_get(c, viewer->id) : NULL;
    json_t *o;

    if (m && m->kicked)
        return json_pack("{s:s,s:I,s:s}", "_", "chatForbidden", "id", c->self.id, "title", c->title);
    o = json_pack("{s:s,s:I,s:s,s:o,s:i,s:i,s:i,s:o}", "_", "chat", "id", c->self.id, "title", c->title,
                  "photo", sb_unit("chatPhotoEmpty"), "participants_count", (int)sb_member_count(c), "date",
                  c->date, "version", c->version, "default_banned_rights", default_rights());
    put_true(o, "slowmode_enabled", c->slow);
    put_true(o, "creator", viewer && c->creator == viewer->id);
    put_true(o, "left", !m || m->left);
    put_true(o, "deactivated", c->deactivated);
    if (m && m->admin && c->creator != viewer->id)
        put(o, "admin_rights", all_rights());
    return o;
}

json_t *sb_json_chat(struct sb_world *w, const struct sb_user *viewer, const struct sb_chat *c, bool min)
{
    const struct sb_member *m = viewer ? sb_member_get(c, viewer->id) : NULL;
    const int64_t hash = sb_access_hash(w, viewer ? viewer->id : 0, c->self, min);
    json_t *o;

    if (c->self.kind == SB_GROUP)
        return json_group(viewer, c);
    if ((m && m->kicked) || c->deactivated || ((!m || m->left) && !c->username)) {
        o = json_pack("{s:s,s:I,s:I,s:s}", "_", "channelForbidden", "id", c->self.id, "access_hash", hash,
                      "title", c->title);
        put_true(o, c->megagroup ? "megagroup" : "broadcast", true);
        return o;
    }
    o = json_pack("{s:s,s:I,s:I,s:s,s:o,s:i}", "_", "channel", "id", c->self.id, "access_hash", hash, "title",
                  c->title, "photo", sb_unit("chatPhotoEmpty"), "date", m ? m->date : c->date);
    put_true(o, c->megagroup ? "megagroup" : "broadcast", true);
    put_text(o, "username", c->username);
    put_true(o, "min", min);
    if (min)
        return o;
    put_true(o, "creator", viewer && c->creator == viewer->id);
    put_true(o, "left", !m || m->left);
    if (m && !m->left && m->admin)
        put(o, "admin_rights", all_rights());
    if (c->megagroup)
        put(o, "default_banned_rights", default_rights());
    put(o, "participants_count", json_integer((json_int_t)sb_member_count(c)));
    return o;
}

json_t *sb_json_participants(const struct sb_chat *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->n_members; i++) {
        const struct sb_member *m = &c->members[i];

        if (m->left)
            continue;
        if (m->user_id == c->creator)
            json_array_append_new(
                list, json_pack("{s:s,s:I}", "_", "chatParticipantCreator", "user_id", m->user_id));
        else
            json_array_append_new(list,
                                  json_pack("{s:s,s:I,s:I,s:i}", "_",
                                            m->admin ? "chatParticipantAdmin" : "chatParticipant", "user_id",
                                            m->user_id, "inviter_id", m->inviter, "date", m->date));
    }
    return json_pack("{s:s,s:I,s:o,s:i}", "_", "chatParticipants", "chat_id", c->self.id, "participants",
                     list, "version", c->version);
}

json_t *sb_json_notify_settings(void)
{
    return sb_unit("peerNotifySettings");
}

/* --- messages --- */

json_t *sb_json_reactions(const struct sb_user *viewer, const struct sb_post *post)
{
    json_t *results = json_array(), *recent = json_array();

    for (size_t i = 0; i < post->n_reactions; i++) {
        const struct sb_reaction *r = &post->reactions[i];
        int count = 0;
        bool first = true, mine = false;

        for (size_t j = 0; j < post->n_reactions; j++) {
            if (strcmp(post->reactions[j].emoji, r->emoji) != 0)
                continue;
            first = first && j >= i;
            count++;
            mine = mine || (viewer && post->reactions[j].user_id == viewer->id);
        }
        json_array_append_new(recent,
                              json_pack("{s:s,s:o,s:i,s:{s:s,s:s}}", "_", "messagePeerReaction", "peer_id",
                                        sb_json_peer((struct sb_peer){SB_USER, r->user_id}), "date", r->date,
                                        "reaction", "_", "reactionEmoji", "emoticon", r->emoji));
        if (viewer && r->user_id == viewer->id)
            put_true(json_array_get(recent, json_array_size(recent) - 1), "my", true);
        if (!first)
            continue;
        json_t *c = json_pack("{s:s,s:{s:s,s:s},s:i}", "_", "reactionCount", "reaction", "_", "reactionEmoji",
                              "emoticon", r->emoji, "count", count);

        if (mine)
            put(c, "chosen_order", json_integer(0));
        json_array_append_new(results, c);
    }
    return json_pack("{s:s,s:b,s:o,s:o}", "_", "messageReactions", "can_see_list", 1, "results", results,
                     "recent_reactions", recent);
}

static void put_content(struct sb_world *w, json_t *o, const struct sb_user *viewer, const struct sb_msg *m)
{
    const struct sb_post *p = m->post;

    put_text(o, "message", p->text);
    put_true(o, "noforwards", p->noforwards);
    put_true(o, "pinned", p->pinned);
    put_shared(o, "entities", p->entities);
    put_shared(o, "media", p->media);
    put_shared(o, "fwd_from", p->fwd);
    put_shared(o, "reply_markup", p->markup);
    if (p->edit_date)
        put(o, "edit_date", json_integer(p->edit_date));
    if (p->n_reactions)
        put(o, "reactions", sb_json_reactions(viewer, p));
    if (p->from.kind == SB_CHANNEL) {
        put(o, "views", json_integer(p->views));
        put(o, "forwards", json_integer(0));
    }
    (void)w;
}

static json_t *json_reply(const struct sb_msg *m)
{
    json_t *h = json_pack("{s:s,s:i}", "_", "messageReplyHeader", "reply_to_msg_id", m->reply_to);

    put_true(h, "quote", m->post->quote != NULL);
    put_text(h, "quote_text", m->post->quote);
    return h;
}

json_t *sb_json_message(struct sb_world *w, const struct sb_user *viewer, const struct sb_msg *m)
{
    const struct sb_post *p = m->post;
    const bool mine = p->from.kind == SB_USER && viewer && p->from.id == viewer->id;
    const bool out = m->peer.kind == SB_CHANNEL ? mine : m->out;
    json_t *o = json_pack("{s:s,s:i,s:o,s:i}", "_", p->action ? "messageService" : "message", "id", m->id,
                          "peer_id", sb_json_peer(m->peer), "date", p->date);

    put_true(o, "out", out);
    put_true(o, "mentioned",
             m->mentioned || (m->peer.kind == SB_CHANNEL && viewer && !mine && sb_mentions(viewer, m)));
    put_true(o, "media_unread", m->media_unread);
    put_true(o, "silent", p->silent);
    put_true(o, "post", p->from.kind == SB_CHANNEL);
    /* a private message need not say who sent it: `out` does */
    if (p->from.kind == SB_USER && (m->peer.kind != SB_USER || out || sb_pick_for(w, p->uid, 2)))
        put(o, "from_id", sb_json_peer(p->from));
    if (m->reply_to)
        put(o, "reply_to", json_reply(m));
    if (p->action)
        put_shared(o, "action", p->action);
    else
        put_content(w, o, viewer, m);
    return o;
}

/* --- dialogs and state --- */

json_t *sb_json_dialog(struct sb_world *w, const struct sb_user *u, const struct sb_dialog *d)
{
    struct sb_user *me = (struct sb_user *)(uintptr_t)u;
    const struct sb_msg *top = sb_top_message(w, me, d->peer);
    json_t *o = json_pack("{s:s,s:o,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:o}", "_", "dialog", "peer",
                          sb_json_peer(d->peer), "top_message", top ? top->id : 0, "read_inbox_max_id",
                          d->read_in, "read_outbox_max_id", d->read_out, "unread_count",
                          sb_unread(w, u, d->peer), "unread_mentions_count", 0, "unread_reactions_count", 0,
                          "unread_poll_votes_count", 0, "notify_settings", sb_json_notify_settings());

    put_true(o, "pinned", d->pinned);
    put_true(o, "unread_mark", d->unread_mark);
    put_shared(o, "draft", d->draft);
    if (d->peer.kind == SB_CHANNEL)
        put(o, "pts", json_integer(sb_box_of(w, me, d->peer)->pts));
    return o;
}

int32_t sb_seq(const struct sb_turn *t)
{
    return t->caller && t->caller->seq > 0 ? t->caller->seq : 1;
}

json_t *sb_json_state(struct sb_turn *t, const struct sb_user *u, int32_t pts)
{
    int32_t unread = 0;

    for (size_t i = 0; i < u->n_dialogs; i++)
        unread += sb_unread(t->w, u, u->dialogs[i]->peer);
    return json_pack("{s:s,s:i,s:i,s:i,s:i,s:i}", "_", "updates.state", "pts", pts, "qts", u->qts.value,
                     "date", t->date, "seq", sb_seq(t), "unread_count", unread);
}
