/* Basic groups. */
#include "tests/sandbox/world_acts.h"

/* A group that I know; refuses where it is none. */
static struct sb_chat *group_of(struct sb_turn *t, unsigned field)
{
    const struct sb_peer peer = {SB_GROUP, tl_get_long(t->call, field)};
    struct sb_chat *c = sb_chat_get(t->w, peer);

    if (c && sb_member_get(c, t->me->id))
        return c;
    sb_refuse(t, 400, "CHAT_ID_INVALID");
    return NULL;
}

static struct sb_chat *group_as_member(struct sb_turn *t, unsigned field)
{
    struct sb_chat *c = group_of(t, field);

    if (!c || sb_is_member(c, t->me->id))
        return c;
    sb_refuse(t, 403, "CHAT_WRITE_FORBIDDEN");
    return NULL;
}

static void get_chats(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_messages_getChats__id);
    json_t *list = json_array();
    int64_t id;

    while (tl_vec_long(&vec, &id)) {
        const struct sb_chat *c = sb_chat_get(t->w, (struct sb_peer){SB_GROUP, id});

        if (c && sb_member_get(c, t->me->id))
            json_array_append_new(list, sb_json_chat(t->w, t->me, c, false));
    }
    sb_answer(t, json_pack("{s:s,s:o}", "_", "messages.chats", "chats", list));
}

static void get_full_chat(struct sb_turn *t)
{
    struct sb_chat *c = group_of(t, TLF_messages_getFullChat__chat_id);
    json_t *full, *r;

    if (!c)
        return;
    full = json_pack("{s:s,s:I,s:s,s:o,s:o}", "_", "chatFull", "id", c->self.id, "about",
                     c->about ? c->about : "", "participants", sb_json_participants(c), "notify_settings",
                     sb_json_notify_settings());
    r = json_pack("{s:s,s:o}", "_", "messages.chatFull", "full_chat", full);
    sb_add_peers(t->w, t->date, t->me, full, false, r);
    sb_answer(t, r);
}

/* messages.InvitedUsers around the turn's updates. */
static void answer_invited(struct sb_turn *t)
{
    sb_answer(t, json_pack("{s:s,s:o,s:[]}", "_", "messages.invitedUsers", "updates", sb_own_updates(t),
                           "missing_invitees"));
}

static bool title_ok(struct sb_turn *t, const char *title)
{
    if (*title)
        return true;
    sb_refuse(t, 400, "CHAT_TITLE_EMPTY");
    return false;
}

static void create_chat(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_messages_createChat__users);
    char *title = sb_arg_text(t, TLF_messages_createChat__title);
    struct sb_user **users = sb_alloc((vec.left + 1) * sizeof *users);
    json_t *ids = json_array();
    struct sb_chat *c;
    struct tl_view v;
    size_t n = 0;
    bool ok = title_ok(t, title);

    while (ok && tl_vec_object(&vec, &v))
        if ((ok = sb_in_user(t, &v, &users[n])))
            json_array_append_new(ids, json_integer(users[n++]->id));
    if (ok && !n) {
        sb_refuse(t, 400, "USERS_TOO_FEW");
    } else if (ok) {
        c = sb_make_chat(t, t->me, SB_GROUP, title, false);
        for (size_t i = 0; i < n; i++)
            if (!sb_is_member(c, users[i]->id))
                sb_member_add(c, users[i]->id, t->me->id, t->date);
        json_array_append_new(t->own, json_pack("{s:s,s:o}", "_", "updateChatParticipants", "participants",
                                                sb_json_participants(c)));
        sb_send_action(
            t, t->me, c->self,
            json_pack("{s:s,s:s,s:O}", "_", "messageActionChatCreate", "title", title, "users", ids));
        answer_invited(t);
    }
    json_decref(ids);
    free(users);
    free(title);
}

static void add_chat_user(struct sb_turn *t)
{
    struct sb_chat *c = group_as_member(t, TLF_messages_addChatUser__chat_id);
    struct sb_user *u;

    if (!c || !sb_arg_user(t, TLF_messages_addChatUser__user_id, &u))
        return;
    if (sb_is_member(c, u->id)) {
        sb_refuse(t, 400, "USER_ALREADY_PARTICIPANT");
        return;
    }
    sb_join(t, c, u, t->me);
    answer_invited(t);
}

static void delete_chat_user(struct sb_turn *t)
{
    struct sb_chat *c = group_as_member(t, TLF_messages_deleteChatUser__chat_id);
    struct sb_user *u;

    if (!c || !sb_arg_user(t, TLF_messages_deleteChatUser__user_id, &u))
        return;
    if (!sb_is_member(c, u->id)) {
        sb_refuse(t, 400, "USER_NOT_PARTICIPANT");
    } else if (u != t->me && !sb_is_admin(c, t->me->id) && sb_member_get(c, u->id)->inviter != t->me->id) {
        sb_refuse(t, 400, "CHAT_ADMIN_REQUIRED");
    } else {
        sb_leave(t, c, u, t->me);
        sb_answer_updates(t);
    }
}

static void edit_title(struct sb_turn *t)
{
    struct sb_chat *c = group_as_member(t, TLF_messages_editChatTitle__chat_id);
    char *title = sb_arg_text(t, TLF_messages_editChatTitle__title);

    if (c && title_ok(t, title)) {
        if (!strcmp(title, c->title)) {
            sb_refuse(t, 400, "CHAT_NOT_MODIFIED");
        } else {
            sb_set_title(t, c, t->me, title);
            sb_answer_updates(t);
        }
    }
    free(title);
}

const struct sb_method sb_methods_chats[] = {
    {TL_messages_getChats, 0, get_chats},
    {TL_messages_getFullChat, 0, get_full_chat},
    {TL_messages_createChat, 0, create_chat},
    {TL_messages_addChatUser, 0, add_chat_user},
    {TL_messages_deleteChatUser, 0, delete_chat_user},
    {TL_messages_editChatTitle, 0, edit_title},
    {0},
};
