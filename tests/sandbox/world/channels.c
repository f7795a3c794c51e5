/* Channels and supergroups as such; their members are in members.c. */
#include "tests/sandbox/world_acts.h"

static void get_channels(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_channels_getChannels__id);
    json_t *list = json_array();
    struct sb_chat *c;
    struct tl_view v;

    while (tl_vec_object(&vec, &v)) {
        if (!sb_in_channel(t, &v, &c)) {
            json_decref(list);
            return;
        }
        json_array_append_new(list, sb_json_chat(t->w, t->me, c, false));
    }
    sb_answer(t, json_pack("{s:s,s:o}", "_", "messages.chats", "chats", list));
}

static void get_full_channel(struct sb_turn *t)
{
    struct sb_chat *c;
    const struct sb_dialog *d;
    json_t *full, *r, *named;

    if (!sb_arg_channel(t, TLF_channels_getFullChannel__channel, &c) || !sb_may_read(t, c->self))
        return;
    d = sb_dialog_get(t->me, c->self);
    full = json_pack("{s:s,s:b,s:I,s:s,s:i,s:i,s:i,s:i,s:{s:s,s:i},s:o,s:[],s:i}", "_", "channelFull",
                     "can_view_participants", 1, "id", c->self.id, "about", c->about ? c->about : "",
                     "participants_count", (int)sb_member_count(c), "read_inbox_max_id", d ? d->read_in : 0,
                     "read_outbox_max_id", d ? d->read_out : 0, "unread_count",
                     sb_unread(t->w, t->me, c->self), "chat_photo", "_", "photoEmpty", "id", 0,
                     "notify_settings", sb_json_notify_settings(), "bot_info", "pts", c->box.pts);
    r = json_pack("{s:s,s:o}", "_", "messages.chatFull", "full_chat", full);
    named = sb_json_peer(c->self);
    sb_add_peers(t->w, t->date, t->me, named, false, r);
    json_decref(named);
    sb_answer(t, r);
}

static void create_channel(struct sb_turn *t)
{
    char *title = sb_arg_text(t, TLF_channels_createChannel__title);

    if (!*title) {
        sb_refuse(t, 400, "CHAT_TITLE_EMPTY");
    } else {
        struct sb_chat *c =
            sb_make_chat(t, t->me, SB_CHANNEL, title, tl_has(t->call, TLF_channels_createChannel__megagroup));

        c->about = sb_arg_text(t, TLF_channels_createChannel__about);
        sb_answer_updates(t);
    }
    free(title);
}

static void join_channel(struct sb_turn *t)
{
    struct sb_chat *c;

    if (!sb_arg_channel(t, TLF_channels_joinChannel__channel, &c) || !sb_may_read(t, c->self))
        return;
    if (sb_is_member(c, t->me->id)) {
        sb_refuse(t, 400, "USER_ALREADY_PARTICIPANT");
        return;
    }
    sb_join(t, c, t->me, t->me);
    sb_answer(t,
              json_pack("{s:s,s:o}", "_", "messages.chatInviteJoinResultOk", "updates", sb_own_updates(t)));
}

static void leave_channel(struct sb_turn *t)
{
    struct sb_chat *c;

    if (!sb_arg_channel(t, TLF_channels_leaveChannel__channel, &c))
        return;
    if (!sb_is_member(c, t->me->id)) {
        sb_refuse(t, 400, "USER_NOT_PARTICIPANT");
    } else if (c->creator == t->me->id) {
        sb_refuse(t, 400, "USER_CREATOR");
    } else {
        sb_leave(t, c, t->me, t->me);
        sb_answer_updates(t);
    }
}

static void edit_title(struct sb_turn *t)
{
    char *title = sb_arg_text(t, TLF_channels_editTitle__title);
    struct sb_chat *c;

    if (sb_arg_channel(t, TLF_channels_editTitle__channel, &c)) {
        if (!sb_is_admin(c, t->me->id)) {
            sb_refuse(t, 403, "CHAT_ADMIN_REQUIRED");
        } else if (!*title || !strcmp(title, c->title)) {
            sb_refuse(t, 400, *title ? "CHAT_NOT_MODIFIED" : "CHAT_TITLE_EMPTY");
        } else {
            sb_set_title(t, c, t->me, title);
            sb_answer_updates(t);
        }
    }
    free(title);
}

const struct sb_method sb_methods_channels[] = {
    {TL_channels_getChannels, 0, get_channels},
    {TL_channels_getFullChannel, 0, get_full_channel},
    {TL_channels_createChannel, 0, create_channel},
    {TL_channels_joinChannel, 0, join_channel},
    {TL_channels_leaveChannel, 0, leave_channel},
    {TL_channels_editTitle, 0, edit_title},
    {0},
};
