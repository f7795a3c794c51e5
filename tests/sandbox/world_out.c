/* How a turn ends: answers, and notes that become pushes. */
#include "tests/sandbox/world_acts.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/evp.h>

/* --- small JSON --- */

json_t *sb_b64(const void *p, size_t n)
{
    char *text = sb_alloc(n * 2 + 8);
    json_t *v;

    EVP_EncodeBlock((unsigned char *)text, p, (int)n);
    v = json_string(text);
    free(text);
    return v;
}

json_t *sb_text(const char *s)
{
    json_t *v = json_string(s ? s : "");

    return v ? v : json_string("");
}

json_t *sb_unit(const char *ctor)
{
    return json_pack("{s:s}", "_", ctor);
}

/* --- encoding --- */

/* Encodes `value` (borrowed) as `form`. False: it is not valid; the log says where. */
static bool encode(struct sb_world *w, const struct tl_field *form, const json_t *value, struct tl_out *out)
{
    struct tl_json_error error = {0};
    int err = tl_field_from_json(form, value, "result", NULL, out, &error);

    if (err == TL_OK)
        return true;
    mt_logf(w->env, MT_LOG_BROKEN, "world", "%s: %s (%d)", error.path, error.text, err);
    return false;
}

/* --- answers --- */

void sb_answer(struct sb_turn *t, json_t *result)
{
    if (!encode(t->w, &t->call->def->result, result, &t->reply->result)) {
        tl_out_free(&t->reply->result);
        sb_refuse(t, 500, "INTERNAL_SERVER_ERROR");
    }
    json_decref(result);
}

void sb_answer_bool(struct sb_turn *t, bool v)
{
    sb_answer(t, json_boolean(v));
}

json_t *sb_own_updates(struct sb_turn *t)
{
    json_t *u = json_pack("{s:s,s:O,s:i,s:i}", "_", "updates", "updates", t->own, "date", t->date, "seq", 0);

    sb_add_peers(t->w, t->date, t->me, t->own, false, u);
    return u;
}

void sb_answer_updates(struct sb_turn *t)
{
    sb_answer(t, sb_own_updates(t));
}

void sb_refuse(struct sb_turn *t, int32_t code, const char *text)
{
    t->reply->err_code = code;
    snprintf(t->reply->err_text, sizeof t->reply->err_text, "%s", text);
}

void sb_refusef(struct sb_turn *t, int32_t code, const char *format, ...)
{
    va_list ap;

    t->reply->err_code = code;
    va_start(ap, format);
    vsnprintf(t->reply->err_text, sizeof t->reply->err_text, format, ap);
    va_end(ap);
}

/* --- notes --- */

static void remember(struct sb_turn *t, struct sb_user *u)
{
    if (!json_array_size(u->notes) && !json_array_size(u->notes_all))
        *SB_PUSH(t->w->noted, t->w->n_noted, t->w->cap_noted) = u;
}

void sb_note_others(struct sb_turn *t, struct sb_user *u, json_t *update)
{
    remember(t, u);
    json_array_append_new(u->notes, update);
}

void sb_note(struct sb_turn *t, struct sb_user *u, json_t *update)
{
    if (t->caller && u == t->me)
        json_array_append(t->own, update);
    sb_note_others(t, u, update);
}

void sb_note_all(struct sb_turn *t, struct sb_user *u, json_t *update)
{
    remember(t, u);
    json_array_append_new(u->notes_all, update);
}

/* --- the forms of a push --- */

static bool is(const json_t *object, const char *ctor)
{
    const char *name = json_string_value(json_object_get(object, "_"));

    return name && !strcmp(name, ctor);
}

static json_t *short_message(const json_t *update)
{
    static const char *const copied[] = {"out",  "mentioned", "media_unread", "silent",  "id",
                                         "date", "fwd_from",  "reply_to",     "message", "entities"};
    static const char *const refused[] = {"media",     "reply_markup", "reactions",
                                          "edit_date", "views",        "pinned"};
    const json_t *m = json_object_get(update, "message");
    const json_t *peer = json_object_get(m, "peer_id");
    bool group = is(peer, "peerChat");
    json_t *s;

    if (!is(m, "message") || is(peer, "peerChannel"))
        return NULL;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (json_object_get(m, refused[i]))
            return NULL;
    if (group && !is(json_object_get(m, "from_id"), "peerUser"))
        return NULL;
    s = json_pack("{s:s,s:O,s:O}", "_", group ? "updateShortChatMessage" : "updateShortMessage", "pts",
                  json_object_get(update, "pts"), "pts_count", json_object_get(update, "pts_count"));
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        if (json_object_get(m, copied[i]))
            json_object_set(s, copied[i], json_object_get(m, copied[i]));
    if (group) {
        json_object_set(s, "chat_id", json_object_get(peer, "chat_id"));
        json_object_set(s, "from_id", json_object_get(json_object_get(m, "from_id"), "user_id"));
    } else {
        json_object_set(s, "user_id", json_object_get(peer, "user_id"));
    }
    return s;
}

static json_t *short_form(struct sb_turn *t, json_t *update)
{
    static const char *const always[] = {"updateUserTyping", "updateChatUserTyping",
                                         "updateChannelUserTyping", "updateUserStatus", "updateLoginToken"};
    static const char *const sometimes[] = {"updateReadHistoryInbox", "updateReadHistoryOutbox",
                                            "updateDeleteMessages", "updateReadMessagesContents"};
    bool fit = false;

    if (is(update, "updateNewMessage"))
        return sb_pick(t->w, 2) ? short_message(update) : NULL;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        fit = fit || is(update, always[i]);
    for (size_t i = 0; i < sizeof sometimes / sizeof *sometimes; i++)
        fit = fit || (is(update, sometimes[i]) && !sb_pick(t->w, 3));
    return fit ? json_pack("{s:s,s:O,s:i}", "_", "updateShort", "update", update, "date", t->date) : NULL;
}

/* Min objects come only with what happens in channels. */
static bool all_of_channels(const json_t *list)
{
    size_t i;
    json_t *u;

    json_array_foreach (list, i, u) {
        if (!is(u, "updateNewChannelMessage") && !is(u, "updateEditChannelMessage"))
            return false;
    }
    return true;
}

static json_t *wrap(struct sb_turn *t, const struct sb_user *u, json_t *list)
{
    json_t *c = json_array_size(list) == 1 ? short_form(t, json_array_get(list, 0)) : NULL;

    if (c)
        return c;
    c = json_pack("{s:O,s:i,s:i}", "updates", list, "date", t->date, "seq", 0);
    if (sb_pick(t->w, 4)) {
        json_object_set_new(c, "_", json_string("updates"));
    } else {
        json_object_set_new(c, "_", json_string("updatesCombined"));
        json_object_set_new(c, "seq_start", json_integer(0));
    }
    sb_add_peers(t->w, t->date, u, list, all_of_channels(list), c);
    return c;
}

static void push_bytes(struct sb_turn *t, struct sb_push to, const json_t *updates)
{
    const struct tl_field form = {.kind = TL_K_OBJECT, .type = (uint16_t)tl_type_by_name("Updates", 7)};
    struct tl_out out = {0};

    if (!encode(t->w, &form, updates, &out)) {
        tl_out_free(&out);
        return;
    }
    struct sb_out *o = SB_PUSH(t->w->pushes, t->w->n_pushes, t->w->cap_pushes);

    to.p = o->data = out.data;
    to.n = out.len;
    o->push = to;
}

static bool anybody_listens(const struct sb_world *w, const struct sb_user *u)
{
    for (size_t i = 0; i < w->n_keys; i++)
        if (w->keys[i]->user_id == u->id && w->keys[i]->dc_id == u->dc)
            return true;
    return false;
}

static void push_list(struct sb_turn *t, const struct sb_user *u, uint64_t except, json_t *list)
{
    size_t n = anybody_listens(t->w, u) ? json_array_size(list) : 0;
    bool apart = n > 1 && !sb_pick(t->w, 4); /* each in a container of its own */

    for (size_t i = 0; n && i < (apart ? n : 1); i++) {
        json_t *part = apart ? json_pack("[O]", json_array_get(list, i)) : json_incref(list);
        json_t *updates = wrap(t, u, part);

        push_bytes(t, (struct sb_push){.user_id = u->id, .except_session = except}, updates);
        json_decref(updates);
        json_decref(part);
    }
}

void sb_turn_end(struct sb_turn *t)
{
    struct sb_world *w = t->w;

    for (size_t i = 0; i < w->n_noted; i++) {
        struct sb_user *u = w->noted[i];

        push_list(t, u, t->caller && u == t->me ? t->caller->session_id : 0, u->notes);
        push_list(t, u, 0, u->notes_all);
        json_array_clear(u->notes);
        json_array_clear(u->notes_all);
    }
    w->n_noted = 0;
}

void sb_push_key(struct sb_turn *t, uint64_t key_id, json_t *update)
{
    json_t *updates = json_pack("{s:s,s:o,s:i}", "_", "updateShort", "update", update, "date", t->date);

    push_bytes(t, (struct sb_push){.key_id = key_id}, updates);
    json_decref(updates);
}
