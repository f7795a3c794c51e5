/* Groups and channels: made, joined, left, renamed. */
#include "tests/sandbox/world_acts.h"

static void note_each(struct sb_turn *t, const struct sb_chat *c, json_t *update)
{
    for (size_t i = 0; i < c->n_members; i++) {
        struct sb_user *u = c->members[i].left ? NULL : sb_user_get(t->w, c->members[i].user_id);

        if (u)
            sb_note(t, u, json_incref(update));
    }
    json_decref(update);
}

/* "Look again": the chat object that comes along says what is new. */
static json_t *look_again(const struct sb_chat *c)
{
    if (c->self.kind == SB_GROUP)
        return json_pack("{s:s,s:o}", "_", "updateChatParticipants", "participants", sb_json_participants(c));
    return json_pack("{s:s,s:I}", "_", "updateChannel", "channel_id", c->self.id);
}

struct sb_chat *sb_make_chat(struct sb_turn *t, struct sb_user *creator, enum sb_kind kind, const char *title,
                             bool megagroup)
{
    struct sb_chat *c = sb_chat_new(t->w, kind, sb_next_id(t->w, kind, false), title, creator->id, t->date);

    c->megagroup = megagroup;
    sb_dialog_open(creator, c->self);
    if (kind == SB_CHANNEL) {
        sb_note(t, creator, look_again(c));
        sb_send_action(t, creator, c->self,
                       json_pack("{s:s,s:s}", "_", "messageActionChannelCreate", "title", title));
    }
    return c;
}

void sb_join(struct sb_turn *t, struct sb_chat *c, struct sb_user *u, struct sb_user *by)
{
    struct sb_dialog *d;

    if (sb_is_member(c, u->id))
        return;
    sb_member_add(c, u->id, by->id, t->date);
    sb_qts_member(t, c, u, by, true);
    d = sb_dialog_open(u, c->self);
    if (c->self.kind == SB_CHANNEL) {
        d->read_in = c->ids.n ? c->ids.v[c->ids.n - 1] : 0;
        sb_note(t, u, look_again(c));
    } else {
        note_each(t, c, look_again(c));
    }
    if (c->self.kind == SB_GROUP || c->megagroup)
        sb_send_action(t, by, c->self,
                       json_pack("{s:s,s:[I]}", "_", "messageActionChatAddUser", "users", u->id));
}

void sb_leave(struct sb_turn *t, struct sb_chat *c, struct sb_user *u, struct sb_user *by)
{
    struct sb_member *m = sb_member_get(c, u->id);

    if (!m || m->left)
        return;
    if (c->self.kind == SB_GROUP || c->megagroup)
        sb_send_action(t, by, c->self,
                       json_pack("{s:s,s:I}", "_", "messageActionChatDeleteUser", "user_id", u->id));
    sb_qts_member(t, c, u, by, false);
    m->left = true;
    m->kicked = u != by;
    c->version++;
    if (c->self.kind == SB_CHANNEL) {
        sb_dialog_open(u, c->self)->hidden = true;
        sb_note(t, u, look_again(c));
    } else {
        note_each(t, c, look_again(c));
    }
}

void sb_set_title(struct sb_turn *t, struct sb_chat *c, struct sb_user *by, const char *title)
{
    free(c->title);
    c->title = sb_dup(title);
    c->version++;
    sb_send_action(t, by, c->self, json_pack("{s:s,s:s}", "_", "messageActionChatEditTitle", "title", title));
}
