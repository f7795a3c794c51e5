/* messages.send*, forward, typing, drafts. */
#include "tests/sandbox/world_acts.h"

#define TEXT_MAX    4096
#define CAPTION_MAX 1024

/* What the sending methods share; the rest of struct sb_letter is theirs. */
struct draft {
    struct sb_letter send;
    char *text, *quote;
    json_t *entities;
};

static void draft_fini(struct draft *d)
{
    free(d->text);
    free(d->quote);
    json_decref(d->entities);
    json_decref(d->send.media);
    json_decref(d->send.markup);
}

/* What the message answers, and the quote out of it. A message that is not there is no error: no reply. */
static void take_reply(const struct tl_view *call, struct draft *d)
{
    const int f = tl_view_field(call, "reply_to");
    struct tl_view v;

    if (f < 0 || !tl_get_object(call, (unsigned)f, &v) || v.def->id != TL_inputReplyToMessage)
        return;
    d->send.reply_to = tl_get_int(&v, TLF_inputReplyToMessage__reply_to_msg_id);
    if (tl_has(&v, TLF_inputReplyToMessage__quote_text)) {
        struct tl_slice quote = tl_get_bytes(&v, TLF_inputReplyToMessage__quote_text);

        d->send.quote = d->quote = sb_dupn(quote.p, quote.n);
    }
}

/* Peer, rights and random_id; false: refused. Fields go by name: the sending methods share them. */
static bool open_send(struct sb_turn *t, const char *peer_field, struct sb_letter *s)
{
    const struct tl_view *c = t->call;
    const int as = tl_view_field(c, "send_as");
    const struct sb_chat *chat;
    const char *error;
    int32_t code;

    s->from = t->me;
    if (!sb_arg_peer(t, (unsigned)tl_view_field(c, peer_field), &s->to))
        return false;
    if ((error = sb_may_write(t->w, t->me, s->to, &code))) {
        sb_refuse(t, code, error);
        return false;
    }
    if (as >= 0 && tl_has(c, (unsigned)as) && tl_get_id(c, (unsigned)as) != TL_inputPeerSelf) {
        sb_refuse(t, 400, "SEND_AS_PEER_INVALID");
        return false;
    }
    chat = s->to.kind == SB_CHANNEL ? sb_chat_get(t->w, s->to) : NULL;
    s->as_channel = chat && !chat->megagroup;
    s->silent = tl_has(c, (unsigned)tl_view_field(c, "silent"));
    s->noforwards = tl_has(c, (unsigned)tl_view_field(c, "noforwards"));
    return true;
}

static bool fresh(struct sb_turn *t, int64_t random_id)
{
    if (!random_id)
        sb_refuse(t, 400, "RANDOM_ID_EMPTY");
    else if (sb_sent_with(t, random_id))
        sb_refuse(t, 500, "RANDOM_ID_DUPLICATE");
    else
        return true;
    return false;
}

static bool take_text(struct sb_turn *t, int32_t max, struct draft *d)
{
    char *raw = sb_arg_text(t, (unsigned)tl_view_field(t->call, "message"));
    json_t *given = sb_arg_json(t->call, (unsigned)tl_view_field(t->call, "entities"));
    const char *error = sb_clean_text(t, raw, given, max, &d->text, &d->entities);

    json_decref(given);
    free(raw);
    if (error) {
        sb_refuse(t, 400, error);
        return false;
    }
    take_reply(t->call, d);
    d->send.text = d->text;
    d->send.entities = d->entities;
    if (t->me->bot)
        d->send.markup = sb_arg_json(t->call, (unsigned)tl_view_field(t->call, "reply_markup"));
    return true;
}

/* Accepted, shown as scheduled, and kept by nobody: the sandbox's clock does not wait. */
static void answer_scheduled(struct sb_turn *t, const struct draft *d, int32_t when)
{
    json_t *m = json_pack("{s:s,s:i,s:b,s:b,s:o,s:o,s:i,s:s}", "_", "message", "id", 1, "out", 1,
                          "from_scheduled", 1, "from_id", sb_json_peer((struct sb_peer){SB_USER, t->me->id}),
                          "peer_id", sb_json_peer(d->send.to), "date", when, "message", d->text);

    json_array_append_new(
        t->own, json_pack("{s:s,s:i,s:I}", "_", "updateMessageID", "id", 1, "random_id", d->send.random_id));
    json_array_append_new(t->own, json_pack("{s:s,s:o}", "_", "updateNewScheduledMessage", "message", m));
    sb_answer_updates(t);
}

/* A text of one's own to another user or group: the short answer leaves out what the client knows. */
static void answer_sent(struct sb_turn *t, const struct sb_msg *m)
{
    const bool self = m->peer.kind == SB_USER && m->peer.id == t->me->id;
    json_t *r;

    if (m->peer.kind == SB_CHANNEL || self || m->post->media || m->post->markup || !sb_pick(t->w, 3)) {
        sb_answer_updates(t);
        return;
    }
    r = json_pack("{s:s,s:b,s:i,s:i,s:i,s:i}", "_", "updateShortSentMessage", "out", 1, "id", m->id, "pts",
                  m->box->pts, "pts_count", 1, "date", m->post->date);
    if (m->post->entities)
        json_object_set(r, "entities", m->post->entities);
    sb_answer(t, r);
}

static void finish(struct sb_turn *t, struct draft *d)
{
    const int when = tl_view_field(t->call, "schedule_date");
    const int clear = tl_view_field(t->call, "clear_draft");
    struct sb_dialog *dialog;
    struct sb_msg *m;

    if (tl_has(t->call, (unsigned)when)) {
        answer_scheduled(t, d, tl_get_int(t->call, (unsigned)when));
        return;
    }
    m = sb_deliver(t, &d->send);
    if (!m) {
        sb_refuse(t, 400, "PEER_ID_INVALID");
        return;
    }
    dialog = sb_dialog_open(t->me, d->send.to);
    if (clear >= 0 && tl_has(t->call, (unsigned)clear) && dialog->draft) {
        json_decref(dialog->draft);
        dialog->draft = NULL;
    }
    answer_sent(t, m);
}

static void send_message(struct sb_turn *t)
{
    struct draft d = {.send.random_id = tl_get_long(t->call, TLF_messages_sendMessage__random_id)};

    if (open_send(t, "peer", &d.send) && fresh(t, d.send.random_id) && sb_may_write_now(t, d.send.to, 1) &&
        take_text(t, TEXT_MAX, &d)) {
        if (*d.text)
            finish(t, &d);
        else
            sb_refuse(t, 400, "MESSAGE_EMPTY");
    }
    draft_fini(&d);
}

/* --- media --- */

static json_t *media_contact(struct sb_turn *t, const struct tl_view *v)
{
    json_t *m = sb_arg_json(t->call, TLF_messages_sendMedia__media);
    struct tl_slice phone = tl_get_bytes(v, TLF_inputMediaContact__phone_number);
    char *number = sb_dupn(phone.p, phone.n);
    const struct sb_user *u = sb_user_by_phone(t->w, *number == '+' ? number + 1 : number);

    json_object_set_new(m, "_", json_string("messageMediaContact"));
    json_object_set_new(m, "user_id", json_integer(u ? u->id : 0));
    free(number);
    return m;
}

static json_t *media_geo(struct sb_turn *t, const struct tl_view *v)
{
    struct tl_view g;

    if (!tl_get_object(v, TLF_inputMediaGeoPoint__geo_point, &g) || g.def->id != TL_inputGeoPoint)
        return NULL;
    return json_pack("{s:s,s:{s:s,s:f,s:f,s:I}}", "_", "messageMediaGeo", "geo", "_", "geoPoint", "long",
                     tl_get_double(&g, TLF_inputGeoPoint__long), "lat",
                     tl_get_double(&g, TLF_inputGeoPoint__lat), "access_hash",
                     (json_int_t)(mt_env_random64(t->w->env) >> 1));
}

static json_t *media_poll(struct sb_turn *t, const struct tl_view *v)
{
    json_t *poll = sb_arg_json(v, TLF_inputMediaPoll__poll), *answer;
    json_t *answers = json_object_get(poll, "answers");
    size_t i;

    if (json_array_size(answers) < 2) {
        json_decref(poll);
        return NULL;
    }
    json_object_set_new(poll, "id", json_integer((json_int_t)(mt_env_random64(t->w->env) >> 1)));
    json_array_foreach (answers, i, answer) {
        const uint8_t option = (uint8_t)('0' + i);

        json_object_set_new(answer, "_", json_string("pollAnswer"));
        json_object_set_new(answer, "option", sb_b64(&option, 1));
    }
    return json_pack("{s:s,s:o,s:{s:s}}", "_", "messageMediaPoll", "poll", poll, "results", "_",
                     "pollResults");
}

static bool take_media(struct sb_turn *t, struct draft *d)
{
    struct tl_view v;

    if (!tl_get_object(t->call, TLF_messages_sendMedia__media, &v) || v.def->id == TL_inputMediaEmpty) {
        sb_refuse(t, 400, "MEDIA_EMPTY");
        return false;
    }
    if (v.def->id == TL_inputMediaContact)
        d->send.media = media_contact(t, &v);
    else if (v.def->id == TL_inputMediaGeoPoint)
        d->send.media = media_geo(t, &v);
    else if (v.def->id == TL_inputMediaPoll)
        d->send.media = media_poll(t, &v);
    if (!d->send.media)
        sb_refuse(t, 400, "MEDIA_INVALID");
    return d->send.media != NULL;
}

static void send_media(struct sb_turn *t)
{
    struct draft d = {.send.random_id = tl_get_long(t->call, TLF_messages_sendMedia__random_id)};

    if (open_send(t, "peer", &d.send) && fresh(t, d.send.random_id) && sb_may_write_now(t, d.send.to, 1) &&
        take_text(t, CAPTION_MAX, &d) && take_media(t, &d))
        finish(t, &d);
    draft_fini(&d);
}

/* --- forwards --- */

static json_t *forward_header(const struct sb_msg *m)
{
    json_t *h;

    if (m->post->fwd)
        return json_incref(m->post->fwd);
    h = json_pack("{s:s,s:o,s:i}", "_", "messageFwdHeader", "from_id", sb_json_peer(m->post->from), "date",
                  m->post->date);
    if (m->post->from.kind == SB_CHANNEL)
        json_object_set_new(h, "channel_post", json_integer(m->id));
    return h;
}

/* All of them may be forwarded, or none is. */
static bool may_forward(struct sb_turn *t, const struct sb_box *box, struct sb_peer from, const int32_t *ids,
                        const int64_t *random_ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sb_msg *m = box ? sb_box_msg(box, ids[i]) : NULL;

        if (!m || !sb_same(m->peer, from) || m->post->action) {
            sb_refuse(t, 400, "MESSAGE_ID_INVALID");
            return false;
        }
        if (m->post->noforwards) {
            sb_refuse(t, 406, "CHAT_FORWARDS_RESTRICTED");
            return false;
        }
        if (!fresh(t, random_ids[i]))
            return false;
    }
    return true;
}

static void forward_all(struct sb_turn *t, struct sb_letter *s, const struct sb_box *box, const int32_t *ids,
                        const int64_t *random_ids, size_t n)
{
    const bool nameless = tl_has(t->call, TLF_messages_forwardMessages__drop_author);
    const bool bare = tl_has(t->call, TLF_messages_forwardMessages__drop_media_captions);

    for (size_t i = 0; i < n; i++) {
        const struct sb_msg *m = sb_box_msg(box, ids[i]);

        s->text = bare && m->post->media ? "" : m->post->text;
        s->entities = bare && m->post->media ? NULL : m->post->entities;
        s->media = m->post->media;
        s->fwd = nameless ? NULL : forward_header(m);
        s->random_id = random_ids[i];
        sb_deliver(t, s);
        json_decref(s->fwd);
    }
    sb_answer_updates(t);
}

static void forward_messages(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_messages_forwardMessages__random_id);
    int64_t *random_ids = sb_alloc((vec.left + 1) * sizeof *random_ids);
    size_t n, n_random = 0;
    int32_t *ids = sb_arg_ints(t, TLF_messages_forwardMessages__id, &n);
    struct sb_letter s = {0};
    struct sb_peer from;

    while (tl_vec_long(&vec, &random_ids[n_random]))
        n_random++;
    if (!n)
        sb_refuse(t, 400, "MESSAGE_IDS_EMPTY");
    else if (n != n_random)
        sb_refuse(t, 400, "RANDOM_ID_INVALID");
    else if (sb_arg_peer(t, TLF_messages_forwardMessages__from_peer, &from) && sb_may_read(t, from) &&
             open_send(t, "to_peer", &s) &&
             may_forward(t, sb_box_of(t->w, t->me, from), from, ids, random_ids, n) &&
             sb_may_write_now(t, s.to, n))
        forward_all(t, &s, sb_box_of(t->w, t->me, from), ids, random_ids, n);
    free(ids);
    free(random_ids);
}

/* --- typing, drafts --- */

static void set_typing(struct sb_turn *t)
{
    struct sb_peer to;
    const char *error;
    int32_t code;
    json_t *action;

    if (!sb_arg_peer(t, TLF_messages_setTyping__peer, &to))
        return;
    if ((error = sb_may_write(t->w, t->me, to, &code))) {
        sb_refuse(t, code, error);
        return;
    }
    action = sb_arg_json(t->call, TLF_messages_setTyping__action);
    sb_type(t, t->me, to, action);
    json_decref(action);
    sb_answer_bool(t, true);
}

static void save_draft(struct sb_turn *t)
{
    char *text = sb_arg_text(t, TLF_messages_saveDraft__message);
    struct sb_dialog *d;
    struct sb_peer peer;

    if (sb_arg_peer(t, TLF_messages_saveDraft__peer, &peer) && sb_may_read(t, peer)) {
        d = sb_dialog_open(t->me, peer);
        json_decref(d->draft);
        d->draft =
            *text ? json_pack("{s:s,s:s,s:i}", "_", "draftMessage", "message", text, "date", t->date) : NULL;
        sb_note_others(t, t->me,
                       json_pack("{s:s,s:o,s:o}", "_", "updateDraftMessage", "peer", sb_json_peer(peer),
                                 "draft", d->draft ? json_incref(d->draft) : sb_unit("draftMessageEmpty")));
        sb_answer_bool(t, true);
    }
    free(text);
}

const struct sb_method sb_methods_send[] = {
    {TL_messages_sendMessage, 0, send_message},
    {TL_messages_sendMedia, 0, send_media},
    {TL_messages_forwardMessages, 0, forward_messages},
    {TL_messages_setTyping, 0, set_typing},
    {TL_messages_saveDraft, 0, save_draft},
    {0},
};
