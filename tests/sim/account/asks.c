#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/account/asim.h"
#include "tl/json.h"

unsigned ask_token(struct owner *o, int letter)
{
    struct asked *a;

    if (o->n_asked == ASKED)
        return 0;
    a = &o->asked[++o->n_asked];
    *a = (struct asked){.letter = letter, .life = o->life};
    return o->n_asked;
}

/* The InputPeer of a chat as this account must name it. */
json_t *ask_peer(const struct owner *o, mt_chat_id chat)
{
    enum mt_peer_kind kind;
    struct mt_peer peer;
    int64_t id;

    mt_chat_split(chat, &kind, &id);
    if (kind == MT_PEER_GROUP)
        return json_pack("{s:s, s:I}", "_", "inputPeerChat", "chat_id", (json_int_t)id);
    if (o->disk.ops.peer_by_chat(o->disk.ops.ctx, chat, &peer))
        return json_pack("{s:s}", "_", "inputPeerEmpty");
    if (kind == MT_PEER_USER)
        return json_pack("{s:s, s:I, s:I}", "_", "inputPeerUser", "user_id", (json_int_t)id, "access_hash",
                         (json_int_t)peer.access_hash);
    return json_pack("{s:s, s:I, s:I}", "_", "inputPeerChannel", "channel_id", (json_int_t)id, "access_hash",
                     (json_int_t)peer.access_hash);
}

static mt_chat_id some_chat(struct owner *o)
{
    struct asim *s = o->s;
    const mt_chat_id of_alice[] = {s->bob, s->family, s->news, s->team};
    const mt_chat_id of_bob[] = {s->alice, s->family, s->team, s->bot};
    const mt_chat_id of_bot[] = {s->bob, s->team};

    if (o->bot)
        return of_bot[asim_random(s, 2)];
    return (o->index == 0 ? of_alice : of_bob)[asim_random(s, 4)];
}

/* --- sends --- */

static void submit(struct owner *o, unsigned letter)
{
    struct letter *l = &o->letters[letter];
    unsigned token = o->a ? ask_token(o, (int)letter) : 0;
    json_t *params = json_pack("{s:o, s:s}", "peer", ask_peer(o, l->to), "message", l->text);
    char *text = json_dumps(params, JSON_COMPACT);
    int64_t patience = (int64_t)(5 + asim_random(o->s, 300)) * MT_US_PER_S;
    struct mt_send send = {.token = token,
                           .method = "messages.sendMessage",
                           .params = text,
                           .chat = l->to,
                           .dedup = l->dedup ? l->text : NULL,
                           .dedup_len = l->dedup ? strlen(l->text) : 0,
                           .deadline = o->s->t + patience,
                           .flood_wait = (int64_t)asim_random(o->s, 30),
                           .queue = l->queue,
                           .expires = o->s->t + 7200 * MT_US_PER_S};

    asim_trace(o->s, "%s sends '%s' to %lld (request %u%s%s)", o->name, l->text, (long long)l->to, token,
               l->queue ? ", queue" : "", l->dedup ? ", key" : "");
    l->open++;
    l->refused = false;
    if (token && mt_account_send(o->a, owner_now(o), &send))
        asim_fail(o->s, "send %u of %s refused", token, o->name);
    json_decref(params);
    free(text);
}

void ask_send(struct owner *o)
{
    struct letter *l;

    if (o->n_letters == LETTERS || !o->a || o->n_asked == ASKED ||
        !o->disk.n_peers) /* logged out: knows nobody */
        return;
    l = &o->letters[o->n_letters];
    snprintf(l->text, sizeof l->text, "%c%u", o->name[1], o->n_letters);
    l->to = some_chat(o);
    l->queue = asim_random(o->s, 2);
    l->dedup = asim_random(o->s, 2);
    submit(o, o->n_letters++);
}

void ask_again(struct owner *o)
{
    unsigned letter = o->n_letters ? (unsigned)asim_random(o->s, o->n_letters) : 0;

    if (o->a && o->disk.n_peers && letter < o->n_letters && o->letters[letter].dedup && o->n_asked < ASKED)
        submit(o, letter);
}

/* --- calls --- */

/* Some message of our own that is still there; 0: none. */
static int32_t own_message(struct owner *o, enum box box, const struct said **said)
{
    int32_t first = (int32_t)asim_random(o->s, BOX_IDS);

    for (int32_t i = 0; i < BOX_IDS; i++) {
        int32_t id = (first + i) % BOX_IDS;

        *said = &o->disk.view.said[box][id];
        if ((*said)->present && (*said)->text[0] == o->name[1])
            return id;
    }
    return 0;
}

json_t *ask_edit(struct owner *o, mt_chat_id *chat)
{
    enum box box = asim_random(o->s, 2) ? BOX_COMMON : BOX_FAMILY;
    const struct said *said;
    int32_t id = own_message(o, box, &said);
    char text[TEXT_MAX];

    if (!id)
        return NULL;
    *chat = said->chat;
    snprintf(text, sizeof text, "%.*s.%u", (int)strcspn(said->text, "."), said->text,
             (unsigned)asim_random(o->s, 900));
    return json_pack("{s:s, s:o, s:i, s:s}", "_", "messages.editMessage", "peer", ask_peer(o, said->chat),
                     "id", id, "message", text);
}

json_t *ask_take_back(struct owner *o, mt_chat_id *chat)
{
    const struct said *said;
    int32_t id = own_message(o, BOX_COMMON, &said);

    *chat = id ? said->chat : 0;
    return id ? json_pack("{s:s, s:b, s:[i]}", "_", "messages.deleteMessages", "revoke", 1, "id", id) : NULL;
}

/* Of what other people said: words of ours are counted. */
static json_t *forward(struct owner *o)
{
    int32_t first = (int32_t)asim_random(o->s, BOX_IDS);
    const struct said *said;
    char random_id[24];

    for (int32_t i = 0; i < BOX_IDS; i++) {
        int32_t id = (first + i) % BOX_IDS;

        said = &o->disk.view.said[BOX_COMMON][id];
        if (!said->present || said->text[0] != 'w')
            continue;
        snprintf(random_id, sizeof random_id, "%llu", (unsigned long long)asim_random(o->s, UINT32_MAX));
        return json_pack("{s:s, s:o, s:[i], s:[s], s:o}", "_", "messages.forwardMessages", "from_peer",
                         ask_peer(o, said->chat), "id", id, "random_id", random_id, "to_peer",
                         ask_peer(o, some_chat(o)));
    }
    return NULL;
}

static json_t *some_call(struct owner *o, struct mt_call *call)
{
    uint64_t what = asim_random(o->s, 12);
    mt_chat_id chat;

    if (what < 2)
        return ask_edit(o, &chat);
    if (what < 3)
        return ask_take_back(o, &chat);
    if (what >= 10 && !o->bot) {
        call->flags = MT_CALL_RANDOM_ID;
        return forward(o);
    }
    call->flags = MT_CALL_REPEATABLE;
    if (o->bot || what < 5) {
        call->dc = asim_random(o->s, 3) || o->bot ? 0 : asim_random(o->s, 2) ? 3 : 1;
        return json_pack("{s:s}", "_", "help.getNearestDc");
    }
    if (what < 7)
        return json_pack("{s:s, s:o, s:i}", "_", "messages.readHistory", "peer",
                         ask_peer(o, o->index ? o->s->alice : o->s->bob), "max_id",
                         (int)o->disk.view.last_id[BOX_COMMON]);
    return json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:s}", "_", "messages.getHistory", "peer",
                     ask_peer(o, some_chat(o)), "offset_id", 0, "offset_date", 0, "add_offset", 0, "limit",
                     (int)asim_random(o->s, 50), "max_id", 0, "min_id", 0, "hash", "0");
}

void ask_call(struct owner *o)
{
    struct mt_call call = {.flood_wait = (int64_t)asim_random(o->s, 20)};
    struct tl_json_error error = {0};
    struct tl_out out = {0};
    const char *name;
    json_t *json;
    int err = MT_OK;

    if (!o->a || o->n_asked == ASKED || !(json = some_call(o, &call)))
        return;
    name = json_string_value(json_object_get(json, "_"));
    call.token = ask_token(o, -1);
    call.deadline = o->s->t + (int64_t)(5 + asim_random(o->s, 300)) * MT_US_PER_S;
    asim_trace(o->s, "%s calls %s (request %u)", o->name, name, (unsigned)call.token);
    const struct tl_def *def = tl_def_by_name(name, strlen(name), true);

    json_object_del(json, "_");
    if (tl_call_from_json(def, json, "params", NULL, &out, &error))
        asim_fail(o->s, "a call of the sim itself: %s: %s", error.path, error.text);
    call.body = out.data;
    call.n = out.len;
    if (!o->s->failure[0])
        err = mt_account_call(o->a, owner_now(o), &call);
    if (err == MT_E_STATE && mt_account_login(o->a)->step != MT_LOGIN_READY)
        o->asked[call.token].ends++; /* at once, without a reply */
    else if (err)
        asim_fail(o->s, "call %u of %s refused: %d", (unsigned)call.token, o->name, err);
    tl_out_free(&out);
    json_decref(json);
}

void ask_cancel(struct owner *o)
{
    unsigned token = o->n_asked ? 1 + (unsigned)asim_random(o->s, o->n_asked) : 0;

    if (!o->a || !token || o->asked[token].ends || o->asked[token].abandoned)
        return;
    asim_trace(o->s, "%s withdraws request %u", o->name, token);
    mt_account_cancel(o->a, owner_now(o), token);
}

/* --- answers --- */

void ask_take(struct owner *o, const struct mt_fx *fx)
{
    if (fx->token >= LOGIN_TOKEN) {
        asim_trace(o->s, "  login of %s: kind %d %s", o->name, (int)fx->reply->kind, fx->reply->text);
        return;
    }
    if (o->n_told == ASKED)
        abort();
    o->told[o->n_told++] = (struct told){.token = fx->token,
                                         .kind = fx->reply->kind,
                                         .sent = fx->reply->sent,
                                         .for_sync = fx->reply->kind == MT_REPLY_OK,
                                         .mark = o->disk.n};
    asim_trace(o->s, "  reply %u of %s: kind %d sent %d %s", (unsigned)fx->token, o->name,
               (int)fx->reply->kind, (int)fx->reply->sent, fx->reply->text);
}

static void told_letter(struct owner *o, struct letter *l, const struct told *t)
{
    l->open -= l->open > 0;
    switch (t->kind) {
    case MT_REPLY_RESULT:
        l->answered = true;
        return;
    case MT_REPLY_OK:
        l->promised = !l->forgotten;
        l->forgotten = false;
        return;
    case MT_REPLY_RPC_ERROR:
    case MT_REPLY_TIMEOUT:
    case MT_REPLY_CANCELLED:
    case MT_REPLY_FAILED:
        l->refused = !l->open && t->sent == MT_SENT_NO;
        break;
    case MT_REPLY_NOT_LOGGED_IN:
        if (o->losses)
            break;
        asim_fail(o->s, "'%s' of %s: not logged in", l->text, o->name);
        break;
    case MT_REPLY_WRONG_STEP:
    case MT_REPLY_NO_API_ID:
    case MT_REPLY_DEDUP_MISMATCH:
        asim_fail(o->s, "'%s' of %s was answered with kind %d", l->text, o->name, (int)t->kind);
    }
    l->refused_at = t->mark;
}

static void tell(struct owner *o, const struct told *t)
{
    struct asked *a = &o->asked[t->token];

    if (!t->token || t->token > o->n_asked || a->life != o->life || a->ends++) {
        asim_fail(o->s, "request %u of %s ended twice, or never was", (unsigned)t->token, o->name);
        return;
    }
    if (a->letter >= 0)
        told_letter(o, &o->letters[a->letter], t);
}

static void tell_all(struct owner *o, bool for_sync)
{
    size_t left = 0;

    for (size_t i = 0; i < o->n_told; i++) {
        struct told t = o->told[i];

        if (t.for_sync == for_sync && t.mark <= (for_sync ? o->disk.synced : o->disk.committed))
            tell(o, &t);
        else
            o->told[left++] = t;
    }
    o->n_told = left;
}

void ask_committed(struct owner *o)
{
    tell_all(o, false);
}

void ask_synced(struct owner *o)
{
    tell_all(o, true);
}

void ask_died(struct owner *o, bool power)
{
    o->n_told = 0;
    for (unsigned i = 1; i <= o->n_asked; i++)
        if (!o->asked[i].ends)
            o->asked[i].abandoned = true;
    for (unsigned i = 0; i < o->n_letters; i++) {
        struct letter *l = &o->letters[i];

        l->open = 0;
        if (power && l->refused_at > o->disk.synced) /* the row stands as it stood before that answer */
            l->refused = false;
    }
}
