/*
 * The second box of an account: what bots are told of others' doings, and the bytes of secret chats. Its
 * counter is qts, one for each. Who names a qts in getDifference has it: what is up to there is forgotten.
 * https://core.telegram.org/api/updates
 */
#include "tests/sandbox/world_acts.h"

int32_t sb_qts_note(struct sb_turn *t, struct sb_user *u, json_t *update)
{
    struct sb_qts *q = &u->qts;

    json_object_set_new(update, "qts", json_integer(++q->value));
    *SB_PUSH(q->log, q->n, q->cap) = (struct sb_qts_event){q->value, json_incref(update)};
    sb_note_all(t, u, update);
    return q->value;
}

bool sb_qts_ok(struct sb_turn *t, int32_t qts)
{
    if (qts >= 0 && qts <= t->me->qts.value)
        return true;
    sb_refuse(t, 400, "PERSISTENT_TIMESTAMP_INVALID");
    return false;
}

void sb_qts_forget(struct sb_user *u, int32_t upto)
{
    struct sb_qts *q = &u->qts;
    size_t n = 0;

    while (n < q->n && q->log[n].qts <= upto)
        json_decref(q->log[n++].update);
    if (n)
        memmove(q->log, q->log + n, (q->n - n) * sizeof *q->log);
    q->n -= n;
}

int32_t sb_qts_tell(const struct sb_user *u, size_t limit, json_t *encrypted, json_t *others)
{
    const struct sb_qts *q = &u->qts;
    int32_t last = q->n ? q->log[0].qts - 1 : q->value;

    for (size_t i = 0; i < q->n && i < limit; i++) {
        json_t *update = q->log[i].update;
        bool secret = !strcmp(json_string_value(json_object_get(update, "_")), "updateNewEncryptedMessage");

        if (secret)
            json_array_append(encrypted, json_object_get(update, "message"));
        else
            json_array_append(others, update);
        last = q->log[i].qts;
    }
    return last;
}

void sb_qts_free(struct sb_user *u)
{
    sb_qts_forget(u, INT32_MAX);
    free(u->qts.log);
}

/* --- what makes them --- */

static json_t *member_json(const struct sb_chat *c, const struct sb_member *m, bool channel)
{
    if (m->user_id == c->creator)
        return channel ? json_pack("{s:s,s:I,s:{s:s}}", "_", "channelParticipantCreator", "user_id",
                                   m->user_id, "admin_rights", "_", "chatAdminRights")
                       : json_pack("{s:s,s:I}", "_", "chatParticipantCreator", "user_id", m->user_id);
    return channel
               ? json_pack("{s:s,s:I,s:i}", "_", "channelParticipant", "user_id", m->user_id, "date", m->date)
               : json_pack("{s:s,s:I,s:I,s:i}", "_", "chatParticipant", "user_id", m->user_id, "inviter_id",
                           m->inviter, "date", m->date);
}

void sb_qts_member(struct sb_turn *t, const struct sb_chat *c, const struct sb_user *u,
                   const struct sb_user *by, bool came)
{
    const struct sb_member *m = sb_member_get(c, u->id);
    bool channel = c->self.kind == SB_CHANNEL;

    for (size_t i = 0; m && i < c->n_members; i++) {
        struct sb_user *bot = c->members[i].left ? NULL : sb_user_get(t->w, c->members[i].user_id);
        json_t *update;

        if (!bot || !bot->bot || bot == u || !sb_is_admin(c, bot->id))
            continue;
        update = json_pack(
            "{s:s,s:I,s:i,s:I,s:I,s:o}", "_", channel ? "updateChannelParticipant" : "updateChatParticipant",
            channel ? "channel_id" : "chat_id", c->self.id, "date", t->date, "actor_id", by->id, "user_id",
            u->id, came ? "new_participant" : "prev_participant", member_json(c, m, channel));
        sb_qts_note(t, bot, update);
    }
}

/* --- business connections --- */

static json_t *rights(void)
{
    return json_pack("{s:s,s:b,s:b}", "_", "businessBotRights", "reply", 1, "read_messages", 1);
}

void sb_qts_connection(struct sb_turn *t, const struct sb_business *b)
{
    const struct sb_user *u = sb_user_get(t->w, b->user);
    json_t *c = json_pack("{s:s,s:s,s:I,s:i,s:i,s:o}", "_", "botBusinessConnection", "connection_id", b->id,
                          "user_id", b->user, "dc_id", u->dc, "date", b->date, "rights", rights());

    if (b->disabled)
        json_object_set_new(c, "disabled", json_true());
    sb_qts_note(t, sb_user_get(t->w, b->bot),
                json_pack("{s:s,s:o}", "_", "updateBotBusinessConnect", "connection", c));
}

/* Calls for each bot that is connected to u; `update` is copied for each. */
static void tell_bots(struct sb_turn *t, const struct sb_user *u, const json_t *update)
{
    for (size_t i = 0; i < t->w->n_business; i++) {
        const struct sb_business *b = &t->w->business[i];
        json_t *own;

        if (b->disabled || b->user != u->id)
            continue;
        own = json_copy((json_t *)(uintptr_t)update);
        json_object_set_new(own, "connection_id", json_string(b->id));
        sb_qts_note(t, sb_user_get(t->w, b->bot), own);
    }
}

void sb_qts_business(struct sb_turn *t, const struct sb_user *u, const char *ctor, const struct sb_msg *m)
{
    json_t *update;

    if (!t->w->n_business || m->peer.kind != SB_USER || m->peer.id == u->id)
        return;
    update = json_pack("{s:s,s:o}", "_", ctor, "message", sb_json_message(t->w, u, m));
    tell_bots(t, u, update);
    json_decref(update);
}

void sb_qts_business_gone(struct sb_turn *t, const struct sb_user *u, const json_t *ids)
{
    json_t *one;
    size_t i;

    json_array_foreach (ids, i, one) {
        const struct sb_msg *m = u->box.msgs[json_integer_value(one) - 1];
        json_t *update;

        if (!t->w->n_business || m->peer.kind != SB_USER || m->peer.id == u->id)
            continue;
        update = json_pack("{s:s,s:o,s:[O]}", "_", "updateBotDeleteBusinessMessage", "peer",
                           sb_json_peer(m->peer), "messages", one);
        tell_bots(t, u, update);
        json_decref(update);
    }
}
