/* What happens to messages without changing their words: reactions and votes. */
#include "rpc/views/update.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- reaction --- */

static json_t *reaction_list(struct tl_vec vec)
{
    json_t *list = json_array();
    struct tl_view reaction;

    while (list && tl_vec_object(&vec, &reaction)) {
        json_t *one = rpc_view_reaction(&reaction);

        if (one)
            (void)json_array_append_new(list, one);
    }
    return list;
}

/* Who reacted last, where that may be seen; the newest come first. */
static json_t *recent(struct rpc_render *r, const struct tl_view *reactions)
{
    struct tl_vec vec = tl_get_vector(reactions, TLF_messageReactions__recent_reactions);
    json_t *list = vec.left ? json_array() : NULL;
    struct tl_view one, reaction;

    while (list && tl_vec_object(&vec, &one)) {
        json_t *o = json_object();

        if (!o)
            break;
        rpc_event_sender(r, o, rpc_peer_field(&one, TLF_messagePeerReaction__peer_id));
        if (tl_get_object(&one, TLF_messagePeerReaction__reaction, &reaction))
            rpc_put(o, "reaction", rpc_view_reaction(&reaction));
        rpc_put(o, "date", json_integer(tl_get_int(&one, TLF_messagePeerReaction__date)));
        rpc_put_true(o, "out", tl_has(&one, TLF_messagePeerReaction__my));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *where(mt_chat_id chat, int32_t message)
{
    return json_pack("{s:I, s:i}", "chat_id", (json_int_t)chat, "message_id", (int)message);
}

/* All reactions of a message as they are now: what a user is told. */
static int reactions_now(struct rpc_render *r, struct rpc_view_event *e)
{
    const struct tl_view *u = r->u;
    struct tl_view reactions;
    json_t *body, *list;

    if (!tl_get_object(u, TLF_updateMessageReactions__reactions, &reactions))
        return MT_E_PEER;
    e->chat = rpc_peer_field(u, TLF_updateMessageReactions__peer);
    body = where(e->chat, tl_get_int(u, TLF_updateMessageReactions__msg_id));
    if (body) {
        rpc_put_int(body, "thread_id", tl_get_int(u, TLF_updateMessageReactions__top_msg_id));
        list = rpc_view_reactions(&reactions);
        rpc_put(body, "reactions", list ? list : json_array());
        rpc_put(body, "recent", recent(r, &reactions));
    }
    return rpc_event_emit(r, e, body);
}

/* What one person changed: what a bot is told. */
static int reaction_changed(struct rpc_render *r, struct rpc_view_event *e)
{
    const struct tl_view *u = r->u;
    json_t *body;

    e->chat = rpc_peer_field(u, TLF_updateBotMessageReaction__peer);
    e->sender = rpc_peer_field(u, TLF_updateBotMessageReaction__actor);
    e->time = tl_get_int(u, TLF_updateBotMessageReaction__date);
    e->direction = 1;
    body = where(e->chat, tl_get_int(u, TLF_updateBotMessageReaction__msg_id));
    if (body) {
        rpc_event_sender(r, body, e->sender);
        rpc_put(body, "old", reaction_list(tl_get_vector(u, TLF_updateBotMessageReaction__old_reactions)));
        rpc_put(body, "new", reaction_list(tl_get_vector(u, TLF_updateBotMessageReaction__new_reactions)));
    }
    return rpc_event_emit(r, e, body);
}

/* The counts of a channel's message, where nobody is named. */
static int reaction_counts(struct rpc_render *r, struct rpc_view_event *e)
{
    const struct tl_view *u = r->u;
    json_t *body;

    e->chat = rpc_peer_field(u, TLF_updateBotMessageReactions__peer);
    e->time = tl_get_int(u, TLF_updateBotMessageReactions__date);
    body = where(e->chat, tl_get_int(u, TLF_updateBotMessageReactions__msg_id));
    if (body)
        rpc_put(body, "reactions",
                rpc_view_counts(tl_get_vector(u, TLF_updateBotMessageReactions__reactions)));
    return rpc_event_emit(r, e, body);
}

int rpc_event_reaction(struct rpc_render *r)
{
    struct rpc_view_event e = {.type = "reaction"};
    char key[RPC_KEY_MAX];

    snprintf(key, sizeof key, "reaction/%016" PRIx64, rpc_event_digest(r));
    e.key = key;
    switch (r->u->def->id) {
    case TL_updateMessageReactions:
        return reactions_now(r, &e);
    case TL_updateBotMessageReaction:
        return reaction_changed(r, &e);
    case TL_updateBotMessageReactions:
        return reaction_counts(r, &e);
    default:
        return MT_E_PEER;
    }
}

/* --- poll --- */

/* The words of an answer, by its option; the poll comes only with the first of its results. */
static void put_answer(json_t *o, const struct tl_view *poll, struct tl_slice option)
{
    struct tl_vec answers = tl_get_vector(poll, TLF_poll__answers);
    struct tl_view answer, text;

    while (tl_vec_object(&answers, &answer)) {
        struct tl_slice s;

        if (answer.def->id != TL_pollAnswer)
            continue;
        s = tl_get_bytes(&answer, TLF_pollAnswer__option);
        if (s.n == option.n && !memcmp(s.p, option.p, s.n) &&
            tl_get_object(&answer, TLF_pollAnswer__text, &text))
            rpc_put_text(o, "text", tl_get_bytes(&text, TLF_textWithEntities__text));
    }
}

static json_t *options(const struct tl_view *results, const struct tl_view *poll)
{
    struct tl_vec vec = tl_get_vector(results, TLF_pollResults__results);
    json_t *list = json_array();
    struct tl_view one;

    while (list && tl_vec_object(&vec, &one)) {
        struct tl_slice option = tl_get_bytes(&one, TLF_pollAnswerVoters__option);
        json_t *o = json_object();

        if (!o)
            break;
        rpc_put_base64(o, "option", option);
        if (poll)
            put_answer(o, poll, option);
        rpc_put(o, "total", json_integer(tl_get_int(&one, TLF_pollAnswerVoters__voters)));
        rpc_put_true(o, "chosen", tl_has(&one, TLF_pollAnswerVoters__chosen));
        rpc_put_true(o, "correct", tl_has(&one, TLF_pollAnswerVoters__correct));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static int poll_results(struct rpc_render *r, struct rpc_view_event *e)
{
    const struct tl_view *u = r->u;
    struct tl_view results, poll, question;
    bool has_poll = tl_get_object(u, TLF_updateMessagePoll__poll, &poll);
    json_t *body = json_object();

    e->chat = rpc_peer_field(u, TLF_updateMessagePoll__peer);
    if (body && tl_get_object(u, TLF_updateMessagePoll__results, &results)) {
        rpc_put_long(body, "poll_id", tl_get_long(u, TLF_updateMessagePoll__poll_id));
        rpc_put_int(body, "chat_id", e->chat);
        rpc_put_int(body, "message_id", tl_get_int(u, TLF_updateMessagePoll__msg_id));
        rpc_put_int(body, "thread_id", tl_get_int(u, TLF_updateMessagePoll__top_msg_id));
        if (has_poll && tl_get_object(&poll, TLF_poll__question, &question))
            rpc_put_text(body, "question", tl_get_bytes(&question, TLF_textWithEntities__text));
        rpc_put_true(body, "closed", has_poll && tl_has(&poll, TLF_poll__closed));
        rpc_put(body, "total", json_integer(tl_get_int(&results, TLF_pollResults__total_voters)));
        rpc_put(body, "options", options(&results, has_poll ? &poll : NULL));
    }
    return rpc_event_emit(r, e, body);
}

static int poll_vote(struct rpc_render *r, struct rpc_view_event *e)
{
    const struct tl_view *u = r->u;
    struct tl_vec vec = tl_get_vector(u, TLF_updateMessagePollVote__options);
    json_t *body = json_object(), *list = json_array();
    struct tl_slice option;

    e->sender = rpc_peer_field(u, TLF_updateMessagePollVote__peer);
    e->direction = 1;
    while (list && tl_vec_bytes(&vec, &option))
        (void)json_array_append_new(list, rpc_base64(option));
    if (body) {
        rpc_put_long(body, "poll_id", tl_get_long(u, TLF_updateMessagePollVote__poll_id));
        rpc_event_sender(r, body, e->sender);
        rpc_put(body, "vote", list); /* empty: it was taken back */
    } else {
        json_decref(list);
    }
    return rpc_event_emit(r, e, body);
}

int rpc_event_poll(struct rpc_render *r)
{
    struct rpc_view_event e = {.type = "poll"};
    char key[RPC_KEY_MAX];

    snprintf(key, sizeof key, "poll/%016" PRIx64, rpc_event_digest(r));
    e.key = key;
    switch (r->u->def->id) {
    case TL_updateMessagePoll:
        return poll_results(r, &e);
    case TL_updateMessagePollVote:
        return poll_vote(r, &e);
    default:
        return MT_E_PEER;
    }
}
