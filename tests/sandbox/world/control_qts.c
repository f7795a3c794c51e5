/* Control requests for what has a qts, or no counter at all, and for servers that are behind or begin anew.
 */
#include "tests/sandbox/world_control.h"

static json_t *at(int32_t qts)
{
    return json_pack("{s:i}", "qts", qts);
}

/* --- what bots are told --- */

static struct sb_user *a_bot(struct sb_control *c)
{
    struct sb_user *bot = sb_control_user(c, "bot");

    if (bot && !bot->bot)
        return sb_control_fail(c, "bot: a user who is one"), NULL;
    return bot;
}

static json_t *stop_bot_as(struct sb_control *c)
{
    const struct sb_user *u = sb_control_user(c, "user");
    struct sb_user *bot = u ? a_bot(c) : NULL;

    if (!bot)
        return NULL;
    return at(sb_qts_note(&c->turn, bot,
                          json_pack("{s:s,s:I,s:i,s:b}", "_", "updateBotStopped", "user_id", u->id, "date",
                                    c->turn.date, "stopped", !sb_control_bool(c, "again"))));
}

/* Whoever is a bot and an admin there hears of it. */
static json_t *request_join_as(struct sb_control *c)
{
    const struct sb_user *u = sb_control_user(c, "user");
    const struct sb_chat *chat;
    struct sb_peer peer;
    json_int_t n = 0;

    if (!u || !sb_control_peer(c, "chat", &peer))
        return NULL;
    chat = sb_chat_get(c->turn.w, peer);
    for (size_t i = 0; chat && i < chat->n_members; i++) {
        struct sb_user *bot = chat->members[i].left ? NULL : sb_user_get(c->turn.w, chat->members[i].user_id);

        if (!bot || !bot->bot || !sb_is_admin(chat, bot->id))
            continue;
        n++;
        sb_qts_note(&c->turn, bot,
                    json_pack("{s:s,s:o,s:i,s:I,s:s,s:{s:s}}", "_", "updateBotChatInviteRequester", "peer",
                              sb_json_peer(peer), "date", c->turn.date, "user_id", u->id, "about", "",
                              "invite", "_", "chatInvitePublicJoinRequests"));
    }
    return json_pack("{s:I}", "bots", n);
}

static json_t *make_admin(struct sb_control *c)
{
    const struct sb_user *u = sb_control_user(c, "user");
    struct sb_member *m = NULL;
    struct sb_peer peer;

    if (!u || !sb_control_peer(c, "chat", &peer))
        return NULL;
    if (peer.kind != SB_USER)
        m = sb_member_get(sb_chat_get(c->turn.w, peer), u->id);
    if (!m)
        return sb_control_fail(c, "user: not in that chat");
    m->admin = true;
    return json_pack("{s:b}", "ok", 1);
}

static json_t *join_as(struct sb_control *c)
{
    struct sb_user *u = sb_control_user(c, "user");
    struct sb_peer peer;

    if (!u || !sb_control_peer(c, "chat", &peer))
        return NULL;
    if (peer.kind == SB_USER)
        return sb_control_fail(c, "chat: a user is none");
    sb_join(&c->turn, sb_chat_get(c->turn.w, peer), u, u);
    return json_pack("{s:b}", "ok", 1);
}

static json_t *leave_as(struct sb_control *c)
{
    struct sb_user *u = sb_control_user(c, "user"), *by = u;
    struct sb_peer peer;

    if (!u || !sb_control_peer(c, "chat", &peer))
        return NULL;
    if (json_object_get(c->params, "by") && !(by = sb_control_user(c, "by")))
        return NULL;
    if (peer.kind == SB_USER)
        return sb_control_fail(c, "chat: a user is none");
    sb_leave(&c->turn, sb_chat_get(c->turn.w, peer), u, by);
    return json_pack("{s:b}", "ok", 1);
}

/* --- secret chats: bytes that the server does not look into --- */

static json_t *secret_as(struct sb_control *c)
{
    const struct sb_user *from = sb_control_user(c, "from");
    struct sb_user *to = from ? sb_control_user(c, "to") : NULL;
    uint64_t random[4];

    if (!to)
        return NULL;
    if (to->bot)
        return sb_control_fail(c, "to: a bot has no secret chats");
    for (size_t i = 0; i < 4; i++)
        random[i] = mt_env_random64(c->turn.w->env);
    return at(sb_qts_note(
        &c->turn, to,
        json_pack("{s:s,s:{s:s,s:I,s:i,s:i,s:o,s:{s:s}}}", "_", "updateNewEncryptedMessage", "message", "_",
                  "encryptedMessage", "random_id", (json_int_t)(random[0] >> 1), "chat_id",
                  (int)(sb_mix((uint64_t)from->id, (uint64_t)to->id) & 0x7fffffff), "date", c->turn.date,
                  "bytes", sb_b64(random, sizeof random), "file", "_", "encryptedFileEmpty")));
}

/* --- the account itself --- */

static json_t *rename_as(struct sb_control *c)
{
    struct sb_user *u = sb_control_user(c, "user");

    if (!u)
        return NULL;
    free(u->first);
    u->first = sb_dup(sb_control_text(c, "first_name"));
    sb_renamed(&c->turn, u);
    return json_pack("{s:b}", "ok", 1);
}

/* --- servers --- */

static struct sb_box *box_of(struct sb_control *c)
{
    struct sb_peer peer;

    if (!sb_control_peer(c, "of", &peer))
        return NULL;
    if (peer.kind == SB_GROUP)
        return sb_control_fail(c, "of: a basic group has no box"), NULL;
    return peer.kind == SB_USER ? &sb_user_get(c->turn.w, peer.id)->box : &sb_chat_get(c->turn.w, peer)->box;
}

/* The server that tells differences hears of nothing more; pushes go on. */
static json_t *fall_behind(struct sb_control *c)
{
    struct sb_box *box = box_of(c);

    if (!box)
        return NULL;
    box->behind = true;
    box->copied = box->pts;
    return json_pack("{s:i}", "pts", box->pts);
}

static json_t *catch_up(struct sb_control *c)
{
    struct sb_box *box = box_of(c);

    if (!box)
        return NULL;
    box->behind = false;
    return json_pack("{s:i}", "pts", box->pts);
}

const struct sb_command sb_command_qts[] = {
    {"stopBotAs", "user:peer bot:peer again:bool?", stop_bot_as},
    {"requestJoinAs", "user:peer chat:peer", request_join_as},
    {"makeAdmin", "user:peer chat:peer", make_admin},
    {"joinAs", "user:peer chat:peer", join_as},
    {"leaveAs", "user:peer chat:peer by:peer?", leave_as},
    {"secretAs", "from:peer to:peer", secret_as},
    {"renameAs", "user:peer first_name:string", rename_as},
    {"fallBehind", "of:peer", fall_behind},
    {"catchUp", "of:peer", catch_up},
    {0},
};
