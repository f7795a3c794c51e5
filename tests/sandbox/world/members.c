/* Who is in a channel: lists, invitations, rights, bans. */
#include "tests/sandbox/world_acts.h"

static json_t *json_participant(struct sb_turn *t, const struct sb_chat *c, const struct sb_member *m)
{
    static const char *const rights[] = {"change_info", "post_messages", "edit_messages", "delete_messages",
                                         "ban_users",   "invite_users",  "pin_messages",  "other"};
    json_t *r;

    if (m->left)
        return json_pack("{s:s,s:o}", "_", "channelParticipantLeft", "peer",
                         sb_json_peer((struct sb_peer){SB_USER, m->user_id}));
    if (m->admin || m->user_id == c->creator) {
        json_t *all = sb_unit("chatAdminRights");

        for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
            json_object_set_new(all, rights[i], json_true());
        r = json_pack("{s:s,s:I,s:o}", "_",
                      m->user_id == c->creator ? "channelParticipantCreator" : "channelParticipantAdmin",
                      "user_id", m->user_id, "admin_rights", all);
        if (m->user_id != c->creator) {
            json_object_set_new(r, "promoted_by", json_integer(c->creator));
            json_object_set_new(r, "date", json_integer(m->date));
        }
        return r;
    }
    r = json_pack("{s:s,s:I,s:i}", "_",
                  m->user_id == t->me->id ? "channelParticipantSelf" : "channelParticipant", "user_id",
                  m->user_id, "date", m->date);
    if (m->user_id == t->me->id)
        json_object_set_new(r, "inviter_id", json_integer(m->inviter));
    return r;
}

static bool passes(struct sb_turn *t, const struct sb_chat *c, const struct sb_member *m, uint32_t filter,
                   const char *q)
{
    const struct sb_user *u = sb_user_get(t->w, m->user_id);

    if (!u || m->left)
        return false;
    switch (filter) {
    case TL_channelParticipantsAdmins:
        return m->admin || m->user_id == c->creator;
    case TL_channelParticipantsBots:
        return u->bot;
    case TL_channelParticipantsBanned:
    case TL_channelParticipantsKicked:
        return false;
    case TL_channelParticipantsContacts:
        return sb_is_contact(t->me, u->id);
    default:
        return !*q || (u->first && strcasestr(u->first, q)) || (u->username && strcasestr(u->username, q));
    }
}

static void get_participants(struct sb_turn *t)
{
    int32_t offset = tl_get_int(t->call, TLF_channels_getParticipants__offset);
    int32_t limit = tl_get_int(t->call, TLF_channels_getParticipants__limit);
    json_t *list = json_array(), *r;
    struct sb_chat *c;
    struct tl_view filter;
    struct tl_slice text = {0};
    char *q;
    int count = 0;

    if (!sb_arg_channel(t, TLF_channels_getParticipants__channel, &c) || !sb_may_read(t, c->self) ||
        !tl_get_object(t->call, TLF_channels_getParticipants__filter, &filter)) {
        json_decref(list);
        return;
    }
    if (!c->megagroup && !sb_is_admin(c, t->me->id)) {
        json_decref(list);
        sb_refuse(t, 403, "CHAT_ADMIN_REQUIRED");
        return;
    }
    if (tl_view_field(&filter, "q") >= 0)
        text = tl_get_bytes(&filter, (unsigned)tl_view_field(&filter, "q"));
    q = sb_dupn(text.p, text.n);
    limit = limit < 0 ? 0 : (limit > 200 ? 200 : limit);
    for (size_t i = 0; i < c->n_members; i++) {
        if (!passes(t, c, &c->members[i], filter.def->id, q))
            continue;
        if (count >= offset && count < offset + limit)
            json_array_append_new(list, json_participant(t, c, &c->members[i]));
        count++;
    }
    free(q);
    r = json_pack("{s:s,s:i,s:O}", "_", "channels.channelParticipants", "count", count, "participants", list);
    sb_add_peers(t->w, t->date, t->me, list, false, r);
    json_decref(list);
    sb_answer(t, r);
}

static void get_participant(struct sb_turn *t)
{
    struct sb_chat *c;
    struct sb_peer peer;
    const struct sb_member *m;
    json_t *r, *one;

    if (!sb_arg_channel(t, TLF_channels_getParticipant__channel, &c) || !sb_may_read(t, c->self) ||
        !sb_arg_peer(t, TLF_channels_getParticipant__participant, &peer))
        return;
    m = peer.kind == SB_USER ? sb_member_get(c, peer.id) : NULL;
    if (!m || m->left) {
        sb_refuse(t, 400, "USER_NOT_PARTICIPANT");
        return;
    }
    one = json_participant(t, c, m);
    r = json_pack("{s:s,s:O}", "_", "channels.channelParticipant", "participant", one);
    sb_add_peers(t->w, t->date, t->me, one, false, r);
    json_decref(one);
    sb_answer(t, r);
}

static void invite(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_channels_inviteToChannel__users);
    struct sb_chat *c;
    struct sb_user *u;
    struct tl_view v;

    if (!sb_arg_channel(t, TLF_channels_inviteToChannel__channel, &c))
        return;
    if (!sb_is_member(c, t->me->id) || (!c->megagroup && !sb_is_admin(c, t->me->id))) {
        sb_refuse(t, 403, "CHAT_ADMIN_REQUIRED");
        return;
    }
    while (tl_vec_object(&vec, &v)) {
        if (!sb_in_user(t, &v, &u))
            return;
        sb_join(t, c, u, t->me);
    }
    sb_answer(t, json_pack("{s:s,s:o,s:[]}", "_", "messages.invitedUsers", "updates", sb_own_updates(t),
                           "missing_invitees"));
}

/* The member that a call of an administrator is about; refuses where either is not one. */
static struct sb_member *member_of(struct sb_turn *t, unsigned channel_field, const char *user_field,
                                   struct sb_chat **c)
{
    struct sb_peer peer;
    struct sb_member *m;

    if (!sb_arg_channel(t, channel_field, c))
        return NULL;
    if (!sb_is_admin(*c, t->me->id)) {
        sb_refuse(t, 403, "CHAT_ADMIN_REQUIRED");
        return NULL;
    }
    struct tl_view v;
    bool vouched = tl_get_object(t->call, (unsigned)tl_view_field(t->call, user_field), &v);

    if (!vouched || !sb_in_peer(t, &v, &peer))
        return NULL;
    m = peer.kind == SB_USER ? sb_member_get(*c, peer.id) : NULL;
    if (!m || peer.id == (*c)->creator) {
        sb_refuse(t, 400, m ? "USER_CREATOR" : "USER_NOT_PARTICIPANT");
        return NULL;
    }
    return m;
}

static void edit_admin(struct sb_turn *t)
{
    struct sb_chat *c;
    struct sb_member *m = member_of(t, TLF_channels_editAdmin__channel, "user_id", &c);
    struct tl_view rights;

    if (!m || !tl_get_object(t->call, TLF_channels_editAdmin__admin_rights, &rights))
        return;
    m->admin = tl_get_flags(&rights, 0) != 0;
    sb_note(t, sb_user_get(t->w, m->user_id),
            json_pack("{s:s,s:I}", "_", "updateChannel", "channel_id", c->self.id));
    sb_answer_updates(t);
}

static void edit_banned(struct sb_turn *t)
{
    struct sb_chat *c;
    struct sb_member *m = member_of(t, TLF_channels_editBanned__channel, "participant", &c);
    struct tl_view rights;

    if (!m || !tl_get_object(t->call, TLF_channels_editBanned__banned_rights, &rights))
        return;
    if (tl_has(&rights, TLF_chatBannedRights__view_messages))
        sb_leave(t, c, sb_user_get(t->w, m->user_id), t->me);
    else
        m->kicked = false;
    sb_answer_updates(t);
}

const struct sb_method sb_methods_members[] = {
    {TL_channels_getParticipants, 0, get_participants}, {TL_channels_getParticipant, 0, get_participant},
    {TL_channels_inviteToChannel, 0, invite},           {TL_channels_editAdmin, 0, edit_admin},
    {TL_channels_editBanned, 0, edit_banned},           {0},
};
