/* Messages changed after the fact: edited, deleted, pinned, reacted to. */
#include "tests/sandbox/world_acts.h"

#define EDIT_TIME (48 * 3600)

/* A message that the call names in its `peer` and an id; refuses where there is none. */
static struct sb_msg *message_of(struct sb_turn *t, unsigned peer_field, unsigned id_field)
{
    struct sb_peer peer;
    const struct sb_box *box;
    struct sb_msg *m;

    if (!sb_arg_peer(t, peer_field, &peer) || !sb_may_read(t, peer))
        return NULL;
    box = sb_box_of(t->w, t->me, peer);
    m = box ? sb_box_msg(box, tl_get_int(t->call, id_field)) : NULL;
    if (m && sb_same(m->peer, peer))
        return m;
    sb_refuse(t, 400, "MESSAGE_ID_INVALID");
    return NULL;
}

static bool may_edit(struct sb_turn *t, const struct sb_msg *m)
{
    const struct sb_post *p = m->post;

    if (p->action) {
        sb_refuse(t, 400, "MESSAGE_ID_INVALID");
    } else if (p->from.kind == SB_CHANNEL ? !sb_is_admin(sb_chat_get(t->w, p->from), t->me->id)
                                          : p->from.id != t->me->id || p->fwd) {
        sb_refuse(t, 403, "MESSAGE_AUTHOR_REQUIRED");
    } else if (p->from.kind == SB_USER && !t->me->bot && t->date - p->date > EDIT_TIME &&
               !(m->peer.kind == SB_USER && m->peer.id == t->me->id)) {
        sb_refuse(t, 400, "MESSAGE_EDIT_TIME_EXPIRED");
    } else {
        return true;
    }
    return false;
}

static void edit_message(struct sb_turn *t)
{
    struct sb_msg *m = message_of(t, TLF_messages_editMessage__peer, TLF_messages_editMessage__id);
    json_t *given, *entities = NULL;
    char *raw, *text = NULL;
    const char *error;

    if (!m || !may_edit(t, m))
        return;
    if (!tl_has(t->call, TLF_messages_editMessage__message)) {
        sb_refuse(t, 400, "MESSAGE_NOT_MODIFIED");
        return;
    }
    raw = sb_arg_text(t, TLF_messages_editMessage__message);
    given = sb_arg_json(t->call, TLF_messages_editMessage__entities);
    error = sb_clean_text(t, raw, given, m->post->media ? 1024 : 4096, &text, &entities);
    if (!error && !*text && !m->post->media)
        error = "MESSAGE_EMPTY";
    if (!error && !strcmp(text, m->post->text) &&
        (entities && m->post->entities ? json_equal(entities, m->post->entities)
                                       : entities == m->post->entities))
        error = "MESSAGE_NOT_MODIFIED";
    json_decref(given);
    free(raw);
    if (error) {
        free(text);
        json_decref(entities);
        sb_refuse(t, 400, error);
        return;
    }
    free(m->post->text);
    json_decref(m->post->entities);
    m->post->text = text;
    m->post->entities = entities;
    m->post->edit_date = t->date;
    sb_edited(t, m->post);
    sb_answer_updates(t);
}

/* --- deletes --- */

static void answer_affected(struct sb_turn *t, int32_t pts, int32_t count)
{
    sb_answer(t,
              json_pack("{s:s,s:i,s:i}", "_", "messages.affectedMessages", "pts", pts, "pts_count", count));
}

static void delete_messages(struct sb_turn *t)
{
    size_t n;
    int32_t count, *ids = sb_arg_ints(t, TLF_messages_deleteMessages__id, &n);
    int32_t pts = sb_delete(t, t->me, ids, n, tl_has(t->call, TLF_messages_deleteMessages__revoke), &count);

    free(ids);
    answer_affected(t, pts, count);
}

static void delete_in_channel(struct sb_turn *t)
{
    struct sb_chat *c;
    size_t n;
    int32_t count, pts, *ids;

    if (!sb_arg_channel(t, TLF_channels_deleteMessages__channel, &c) || !sb_may_read(t, c->self))
        return;
    ids = sb_arg_ints(t, TLF_channels_deleteMessages__id, &n);
    for (size_t i = 0; i < n; i++) {
        const struct sb_msg *m = sb_box_msg(&c->box, ids[i]);
        bool mine = m && m->post->from.kind == SB_USER && m->post->from.id == t->me->id;

        if (m && !mine && !sb_is_admin(c, t->me->id)) {
            free(ids);
            sb_refuse(t, 403, "MESSAGE_DELETE_FORBIDDEN");
            return;
        }
    }
    pts = sb_delete_in_channel(t, c, ids, n, &count);
    free(ids);
    answer_affected(t, pts, count);
}

static void delete_history(struct sb_turn *t)
{
    const int32_t max_id = tl_get_int(t->call, TLF_messages_deleteHistory__max_id);
    struct sb_peer peer;
    const struct sb_ids *ids;
    int32_t count = 0, pts = t->me->box.pts;

    if (!sb_arg_peer(t, TLF_messages_deleteHistory__peer, &peer))
        return;
    if (peer.kind == SB_CHANNEL) {
        sb_refuse(t, 400, "PEER_ID_INVALID");
        return;
    }
    ids = sb_history_of(t->w, t->me, peer);
    if (ids && ids->n) {
        size_t n = max_id > 0 ? sb_ids_below(ids, max_id + 1) : ids->n;
        int32_t *copy = sb_alloc((n + 1) * sizeof *copy);

        memcpy(copy, ids->v, n * sizeof *copy);
        pts = sb_delete(t, t->me, copy, n, tl_has(t->call, TLF_messages_deleteHistory__revoke), &count);
        free(copy);
        if (!tl_has(t->call, TLF_messages_deleteHistory__just_clear))
            sb_dialog_open(t->me, peer)->hidden = true;
    }
    sb_answer(t, json_pack("{s:s,s:i,s:i,s:i}", "_", "messages.affectedHistory", "pts", pts, "pts_count",
                           count, "offset", 0));
}

/* --- pins, reactions --- */

static void update_pinned(struct sb_turn *t)
{
    struct sb_msg *m =
        message_of(t, TLF_messages_updatePinnedMessage__peer, TLF_messages_updatePinnedMessage__id);
    const bool pinned = !tl_has(t->call, TLF_messages_updatePinnedMessage__unpin);
    const bool alone = tl_has(t->call, TLF_messages_updatePinnedMessage__pm_oneside);
    const struct sb_chat *c;

    if (!m)
        return;
    c = m->peer.kind == SB_USER ? NULL : sb_chat_get(t->w, m->peer);
    if (c && m->peer.kind == SB_CHANNEL && !sb_is_admin(c, t->me->id)) {
        sb_refuse(t, 400, "CHAT_ADMIN_REQUIRED");
        return;
    }
    if (m->post->pinned == pinned) {
        sb_refuse(t, 400, "CHAT_NOT_MODIFIED");
        return;
    }
    sb_pin(t, m, pinned, alone);
    /* `silent` is about the sound: the service message comes all the same, but not in one's own chat */
    if (pinned && !alone && !(m->peer.kind == SB_USER && m->peer.id == t->me->id)) {
        json_t *action = sb_unit("messageActionPinMessage");
        struct sb_letter s = {.from = t->me,
                              .to = m->peer,
                              .action = action,
                              .reply_to = m->id,
                              .silent = tl_has(t->call, TLF_messages_updatePinnedMessage__silent),
                              .as_channel = c && !c->megagroup};

        s.as_channel = s.as_channel && m->peer.kind == SB_CHANNEL;
        sb_deliver(t, &s);
        json_decref(action);
    }
    sb_answer_updates(t);
}

/* At most so many at once; the caller asks again for the rest. */
#define UNPIN_MAX 2

static void unpin_all(struct sb_turn *t)
{
    struct sb_peer peer;
    const struct sb_chat *c;
    const struct sb_ids *ids;
    struct sb_box *box;
    int32_t count = 0, left = 0;

    if (!sb_arg_peer(t, TLF_messages_unpinAllMessages__peer, &peer))
        return;
    c = peer.kind == SB_CHANNEL ? sb_chat_get(t->w, peer) : NULL;
    if (c && !sb_is_admin(c, t->me->id)) {
        sb_refuse(t, 400, "CHAT_ADMIN_REQUIRED");
        return;
    }
    ids = sb_history_of(t->w, t->me, peer);
    box = sb_box_of(t->w, t->me, peer);
    for (size_t i = 0; ids && box && i < ids->n; i++) {
        struct sb_msg *m = sb_box_msg(box, ids->v[i]);

        if (!m || !m->post->pinned)
            continue;
        if (count == UNPIN_MAX) {
            left++;
            continue;
        }
        sb_pin(t, m, false, false);
        count++;
    }
    sb_answer(t, json_pack("{s:s,s:i,s:i,s:i}", "_", "messages.affectedHistory", "pts", box ? box->pts : 0,
                           "pts_count", count, "offset", left));
}

/* The one reaction of the call: "" where it takes its own back; NULL after refusing. */
static char *reaction_of(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_messages_sendReaction__reaction);
    struct tl_view v;
    struct tl_slice s;
    json_t *text;

    if (!vec.left)
        return sb_dup("");
    if (vec.left > 1) {
        sb_refuse(t, 400, "REACTIONS_TOO_MANY");
        return NULL;
    }
    if (tl_vec_object(&vec, &v) && v.def->id == TL_reactionEmpty)
        return sb_dup("");
    s = v.def && v.def->id == TL_reactionEmoji ? tl_get_bytes(&v, TLF_reactionEmoji__emoticon)
                                               : (struct tl_slice){0};
    text = s.n ? json_stringn((const char *)s.p, s.n) : NULL; /* NULL: not UTF-8 */
    if (!text) {
        sb_refuse(t, 400, "REACTION_INVALID");
        return NULL;
    }
    json_decref(text);
    return sb_dupn(s.p, s.n);
}

/* What the caller has given to a post; "" where nothing. */
static const char *given(const struct sb_turn *t, const struct sb_post *post)
{
    for (size_t i = 0; i < post->n_reactions; i++)
        if (post->reactions[i].user_id == t->me->id)
            return post->reactions[i].emoji;
    return "";
}

static void send_reaction(struct sb_turn *t)
{
    struct sb_msg *m = message_of(t, TLF_messages_sendReaction__peer, TLF_messages_sendReaction__msg_id);
    char *emoji = m ? reaction_of(t) : NULL;

    if (!emoji)
        return;
    if (!strcmp(emoji, given(t, m->post))) {
        sb_refuse(t, 400, "MESSAGE_NOT_MODIFIED");
    } else {
        sb_react(t, t->me, m, *emoji ? emoji : NULL);
        sb_answer_updates(t);
    }
    free(emoji);
}

/* Newest first; `offset` is how many were told already. */
static void reactions_list(struct sb_turn *t)
{
    struct sb_msg *m =
        message_of(t, TLF_messages_getMessageReactionsList__peer, TLF_messages_getMessageReactionsList__id);
    const int32_t limit = tl_get_int(t->call, TLF_messages_getMessageReactionsList__limit);
    char *offset, next[16];
    json_t *list, *r;
    size_t from;

    if (!m)
        return;
    if (m->post->from.kind == SB_CHANNEL) {
        sb_refuse(t, 403, "BROADCAST_FORBIDDEN");
        return;
    }
    offset = sb_arg_text(t, TLF_messages_getMessageReactionsList__offset);
    from = (size_t)strtoul(offset, NULL, 10);
    free(offset);
    list = json_array();
    for (size_t i = from; i < m->post->n_reactions && json_array_size(list) < (size_t)(limit > 0 ? limit : 0);
         i++) {
        const struct sb_reaction *x = &m->post->reactions[m->post->n_reactions - 1 - i];
        json_t *o = json_pack("{s:s,s:o,s:i,s:{s:s,s:s}}", "_", "messagePeerReaction", "peer_id",
                              sb_json_peer((struct sb_peer){SB_USER, x->user_id}), "date", x->date,
                              "reaction", "_", "reactionEmoji", "emoticon", x->emoji);

        if (x->user_id == t->me->id)
            json_object_set_new(o, "my", json_true());
        json_array_append_new(list, o);
    }
    r = json_pack("{s:s,s:i,s:O}", "_", "messages.messageReactionsList", "count", (int)m->post->n_reactions,
                  "reactions", list);
    if (from + json_array_size(list) < m->post->n_reactions && json_array_size(list)) {
        snprintf(next, sizeof next, "%zu", from + json_array_size(list));
        json_object_set_new(r, "next_offset", json_string(next));
    }
    sb_add_peers(t->w, t->date, t->me, list, false, r);
    json_decref(list);
    sb_answer(t, r);
}

const struct sb_method sb_methods_edit[] = {
    {TL_messages_editMessage, 0, edit_message},
    {TL_messages_deleteMessages, 0, delete_messages},
    {TL_messages_deleteHistory, 0, delete_history},
    {TL_channels_deleteMessages, 0, delete_in_channel},
    {TL_messages_unpinAllMessages, 0, unpin_all},
    {TL_messages_updatePinnedMessage, 0, update_pinned},
    {TL_messages_sendReaction, 0, send_reaction},
    {TL_messages_getMessageReactionsList, 0, reactions_list},
    {0},
};
