/* Control requests in which somebody does something: what a phone in his hand would do. */
#include "tests/sandbox/world_control.h"

json_t *sb_control_message(struct sb_world *w, const struct sb_msg *m)
{
    const struct sb_post *p = m->post;
    json_t *o = json_pack("{s:i,s:I,s:I,s:i,s:s}", "message_id", m->id, "chat_id", sb_marked(m->peer), "from",
                          sb_marked(p->from), "date", p->date, "text", p->text);

    (void)w;
    if (m->out)
        json_object_set_new(o, "out", json_true());
    if (m->reply_to)
        json_object_set_new(o, "reply_to", json_integer(m->reply_to));
    if (p->edit_date)
        json_object_set_new(o, "edit_date", json_integer(p->edit_date));
    if (p->entities)
        json_object_set(o, "entities", p->entities);
    if (p->media)
        json_object_set(o, "media", p->media);
    if (p->action)
        json_object_set(o, "action", p->action);
    return o;
}

/* A chat as one user has it: parameters `user_name` and "chat" (or "to"). */
static struct sb_user *user_and_chat(struct sb_control *c, const char *user, const char *chat,
                                     struct sb_peer *peer)
{
    struct sb_user *u = sb_control_user(c, user);

    return u && sb_control_peer(c, chat, peer) ? u : NULL;
}

static struct sb_msg *message(struct sb_control *c, struct sb_user *u, struct sb_peer peer)
{
    const int32_t id = sb_control_int(c, "message_id", 0);
    const struct sb_box *box = sb_box_of(c->turn.w, u, peer);
    struct sb_msg *m = box ? sb_box_msg(box, id) : NULL;

    if (m && sb_same(m->peer, peer))
        return m;
    sb_control_fail(c, "message_id: %d is not in that chat", id);
    return NULL;
}

static json_t *send_as(struct sb_control *c)
{
    struct sb_letter s = {.reply_to = sb_control_int(c, "reply_to", 0),
                          .silent = sb_control_bool(c, "silent")};
    const struct sb_chat *chat;
    const char *error;
    struct sb_msg *m;
    json_t *entities, *r;
    int32_t code;
    char *text;

    if (!(s.from = user_and_chat(c, "from", "to", &s.to)))
        return NULL;
    if ((error = sb_may_write(c->turn.w, s.from, s.to, &code)) ||
        (error = sb_clean_text(&c->turn, sb_control_text(c, "text"), json_object_get(c->params, "entities"),
                               4096, &text, &entities)))
        return sb_control_fail(c, "sendAs: %d %s", error ? code : 0, error);
    chat = s.to.kind == SB_CHANNEL ? sb_chat_get(c->turn.w, s.to) : NULL;
    s.as_channel = chat && !chat->megagroup;
    s.text = text;
    s.entities = entities;
    m = *text ? sb_deliver(&c->turn, &s) : NULL;
    r = m ? sb_control_message(c->turn.w, m) : sb_control_fail(c, "sendAs: 400 MESSAGE_EMPTY");
    json_decref(entities);
    free(text);
    return r;
}

static json_t *edit_as(struct sb_control *c)
{
    struct sb_peer peer;
    struct sb_user *u = user_and_chat(c, "from", "chat", &peer);
    struct sb_msg *m = u ? message(c, u, peer) : NULL;
    const char *error;
    json_t *entities;
    char *text;

    if (!m)
        return NULL;
    error = sb_clean_text(&c->turn, sb_control_text(c, "text"), json_object_get(c->params, "entities"), 4096,
                          &text, &entities);
    if (error)
        return sb_control_fail(c, "editAs: 400 %s", error);
    free(m->post->text);
    json_decref(m->post->entities);
    m->post->text = text;
    m->post->entities = entities;
    m->post->edit_date = c->turn.date;
    sb_edited(&c->turn, m->post);
    return sb_control_message(c->turn.w, m);
}

static json_t *delete_as(struct sb_control *c)
{
    const json_t *list = json_object_get(c->params, "message_ids");
    int32_t *ids, count;
    struct sb_peer peer;
    struct sb_user *u = user_and_chat(c, "from", "chat", &peer);
    size_t n = json_array_size(list);

    if (!u)
        return NULL;
    ids = sb_alloc((n + 1) * sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    if (peer.kind == SB_CHANNEL)
        sb_delete_in_channel(&c->turn, sb_chat_get(c->turn.w, peer), ids, n, &count);
    else
        sb_delete(&c->turn, u, ids, n, !json_is_false(json_object_get(c->params, "revoke")), &count);
    free(ids);
    return json_pack("{s:i}", "deleted", count);
}

static json_t *read_as(struct sb_control *c)
{
    const int32_t max_id = sb_control_int(c, "max_id", 0);
    struct sb_peer peer;
    struct sb_user *u = user_and_chat(c, "from", "chat", &peer);
    int32_t count;

    if (!u)
        return NULL;
    if (peer.kind == SB_CHANNEL)
        sb_read_channel(&c->turn, u, sb_chat_get(c->turn.w, peer), max_id);
    else
        sb_read(&c->turn, u, peer, max_id, &count);
    return json_pack("{s:i}", "unread", sb_unread(c->turn.w, u, peer));
}

static json_t *type_as(struct sb_control *c)
{
    struct sb_peer peer;
    struct sb_user *u = user_and_chat(c, "from", "to", &peer);
    json_t *action;

    if (!u)
        return NULL;
    action = sb_unit("sendMessageTypingAction");
    sb_type(&c->turn, u, peer, action);
    json_decref(action);
    return json_object();
}

static json_t *react_as(struct sb_control *c)
{
    struct sb_peer peer;
    struct sb_user *u = user_and_chat(c, "from", "chat", &peer);
    struct sb_msg *m = u ? message(c, u, peer) : NULL;

    if (!m)
        return NULL;
    sb_react(&c->turn, u, m, sb_control_text(c, "reaction"));
    return sb_control_message(c->turn.w, m);
}

/* A button under a message of a bot: the bot is asked, nobody else hears of it. */
static json_t *press_as(struct sb_control *c)
{
    struct sb_peer peer;
    struct sb_user *u = user_and_chat(c, "from", "chat", &peer);
    struct sb_msg *m = u ? message(c, u, peer) : NULL, *theirs;
    struct sb_user *bot =
        m && m->post->from.kind == SB_USER ? sb_user_get(c->turn.w, m->post->from.id) : NULL;
    const char *data = sb_control_text(c, "data");
    json_t *update;

    if (!m)
        return NULL;
    theirs = peer.kind == SB_CHANNEL ? m : bot ? sb_copy_in(m->post, &bot->box) : NULL;
    if (!bot || !bot->bot || !theirs)
        return sb_control_fail(c, "message_id: no message of a bot");
    update = json_pack("{s:s,s:I,s:I,s:o,s:i,s:I,s:o}", "_", "updateBotCallbackQuery", "query_id",
                       (json_int_t)(sb_mix((uint64_t)u->id, (uint64_t)c->turn.now.mono) >> 1), "user_id",
                       (json_int_t)u->id, "peer", sb_json_peer(theirs->peer), "msg_id", theirs->id,
                       "chat_instance", (json_int_t)(sb_mix((uint64_t)peer.id, 7) >> 1), "data",
                       sb_b64(data ? data : "", data ? strlen(data) : 0));
    sb_note_all(&c->turn, bot, update);
    return json_object();
}

static json_t *online_as(struct sb_control *c)
{
    struct sb_user *u = sb_control_user(c, "user");

    if (!u)
        return NULL;
    sb_set_online(&c->turn, u, sb_control_bool(c, "online"));
    return json_object();
}

static json_t *history(struct sb_control *c)
{
    int32_t limit = sb_control_int(c, "limit", 100);
    struct sb_peer peer;
    struct sb_user *u = user_and_chat(c, "of", "chat", &peer);
    const struct sb_ids *ids = u ? sb_history_of(c->turn.w, u, peer) : NULL;
    json_t *items;

    if (!u)
        return NULL;
    items = json_array();
    for (size_t i = ids ? ids->n : 0; i-- > 0 && limit-- > 0;)
        json_array_append_new(
            items, sb_control_message(c->turn.w, sb_box_msg(sb_box_of(c->turn.w, u, peer), ids->v[i])));
    return json_pack("{s:o}", "items", items);
}

/* --- how differences are told --- */

static json_t *too_long(struct sb_control *c)
{
    struct sb_peer peer;
    struct sb_box *box;

    if (!sb_control_peer(c, "of", &peer))
        return NULL;
    if (peer.kind == SB_GROUP)
        return sb_control_fail(c, "of: a basic group has no box");
    box = peer.kind == SB_USER ? &sb_user_get(c->turn.w, peer.id)->box : &sb_chat_get(c->turn.w, peer)->box;
    box->too_long_before = box->pts;
    return json_pack("{s:i}", "pts", box->pts);
}

static json_t *set_slice(struct sb_control *c)
{
    c->turn.w->slice = sb_control_int(c, "events", 0);
    return json_object();
}

static json_t *flood(struct sb_control *c)
{
    const char *name = sb_control_text(c, "function");
    const struct tl_def *def = tl_def_by_name(name, strlen(name), true);
    const struct sb_user *u = sb_control_user(c, "user");

    if (!u)
        return NULL;
    if (!def)
        return sb_control_fail(c, "function: there is no '%s'", name);
    sb_limit(c->turn.w, u, def, c->turn.date + sb_control_int(c, "seconds", 0));
    return json_pack("{s:b}", "ok", 1);
}

static json_t *slow_mode(struct sb_control *c)
{
    struct sb_peer peer;
    struct sb_chat *chat;

    if (!sb_control_peer(c, "chat", &peer))
        return NULL;
    chat = peer.kind == SB_CHANNEL ? sb_chat_get(c->turn.w, peer) : NULL;
    if (!chat || !chat->megagroup)
        return sb_control_fail(c, "chat: slow mode is for supergroups");
    chat->slow = sb_control_int(c, "seconds", 0);
    return json_pack("{s:b}", "ok", 1);
}

const struct sb_command sb_command_acts[] = {
    {"sendAs", "from:peer to:peer text:string entities:list? reply_to:int? silent:bool?", send_as},
    {"editAs", "from:peer chat:peer message_id:int text:string entities:list?", edit_as},
    {"deleteAs", "from:peer chat:peer message_ids:list revoke:bool?", delete_as},
    {"readAs", "from:peer chat:peer max_id:int?", read_as},
    {"typeAs", "from:peer to:peer", type_as},
    {"reactAs", "from:peer chat:peer message_id:int reaction:string?", react_as},
    {"pressAs", "from:peer chat:peer message_id:int data:string?", press_as},
    {"onlineAs", "user:peer online:bool?", online_as},
    {"history", "of:peer chat:peer limit:int?", history},
    {"tooLong", "of:peer", too_long},
    {"flood", "user:peer function:string seconds:int", flood},
    {"slowMode", "chat:peer seconds:int", slow_mode},
    {"setSlice", "events:int", set_slice},
    {0},
};
