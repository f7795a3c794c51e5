/*
 * Updates -> events. One function per event type; which constructor goes to which is rpc/schema/updates.map's
 * to say. A key names the happening, so that a repeat after a difference has the same.
 */
#include "rpc/views/update.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Login codes and other words of the service; kept one hour. */
#define SERVICE_CHAT   777000
#define SERVICE_KEEP_S 3600

int64_t rpc_event_time(const struct rpc_render *r)
{
    return r->fx->date ? r->fx->date : r->ctx->now.wall / MT_US_PER_S;
}

int rpc_event_emit(struct rpc_render *r, struct rpc_view_event *e, json_t *body)
{
    if (!body)
        return MT_E_NOMEM;
    e->body = body;
    if (!e->time)
        e->time = rpc_event_time(r);
    r->event(r->arg, e);
    json_decref(body);
    return MT_OK;
}

static uint64_t fnv(uint64_t h, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* FNV-1a: names bytes, protects nothing. With their time: what is set, unset and set again happens thrice. */
uint64_t rpc_event_digest(const struct rpc_render *r)
{
    uint8_t date[4];

    tl_store32(date, (uint32_t)r->fx->date);
    return fnv(fnv(UINT64_C(0xcbf29ce484222325), date, sizeof date), r->u->p, r->u->n);
}

void rpc_event_sender(struct rpc_render *r, json_t *body, mt_chat_id sender)
{
    struct mt_peer p;

    rpc_view_find(r->ctx, sender, &p);
    rpc_put_int(body, "sender_id", sender);
    rpc_put_str(body, "sender_name", p.name);
    rpc_put_str(body, "sender_username", p.username);
}

/* --- message, edit --- */

static int64_t expiry(const struct rpc_message_head *h)
{
    if (h->chat == SERVICE_CHAT)
        return (int64_t)h->date + SERVICE_KEEP_S;
    return h->ttl ? (int64_t)h->date + h->ttl : 0;
}

/* A service message that changes its chat is also a `chat` event. */
static int change_event(struct rpc_render *r, const struct tl_view *m, const struct rpc_message_head *h)
{
    struct rpc_view_event e = {
        .type = "chat", .chat = h->chat, .sender = h->sender, .time = h->date, .direction = h->out ? 2 : 1};
    char key[RPC_KEY_MAX];
    struct tl_slice title;
    struct mt_peer p;
    int64_t user;
    const char *change = rpc_view_change(r->ctx, m, &user, &title);
    json_t *body;

    if (!change)
        return MT_OK;
    body = json_pack("{s:I, s:s}", "chat_id", (json_int_t)h->chat, "action", change);
    if (!body)
        return MT_E_NOMEM;
    rpc_view_find(r->ctx, user ? user : h->sender, &p);
    if (user || strcmp(change, "joined") == 0 || strcmp(change, "left") == 0)
        rpc_put(body, "user", rpc_view_stored_user(r->ctx, &p));
    rpc_view_find(r->ctx, h->sender, &p);
    if (h->sender > 0)
        rpc_put(body, "by", rpc_view_stored_user(r->ctx, &p));
    rpc_put_text(body, "title", title);
    snprintf(key, sizeof key, "chat/%" PRId64 "/%d", h->chat, (int)h->id);
    e.key = key;
    return rpc_event_emit(r, &e, body);
}

static int message_event(struct rpc_render *r, const char *type)
{
    int field = tl_view_field(r->u, "message");
    struct rpc_view_event e = {.type = type};
    struct rpc_message_head h;
    struct tl_view m;
    char key[RPC_KEY_MAX];
    json_t *body;
    bool scheduled = r->u->def->id == TL_updateNewScheduledMessage;
    int err;

    if (field < 0 || !tl_get_object(r->u, (unsigned)field, &m))
        return MT_E_PEER;
    if (!rpc_message_head(r->ctx, &m, &h))
        return MT_OK; /* messageEmpty: nothing to tell */
    if (strcmp(type, "edit") == 0)
        snprintf(key, sizeof key, "edit/%" PRId64 "/%d/%d", h.chat, (int)h.id, (int)h.edit_date);
    else
        snprintf(key, sizeof key, "%s/%" PRId64 "/%d", scheduled ? "scheduled" : "message", h.chat,
                 (int)h.id);
    e.key = key;
    e.chat = h.chat;
    e.sender = h.sender;
    e.direction = h.out ? 2 : 1;
    e.time = h.edit_date && strcmp(type, "edit") == 0 ? h.edit_date : h.date;
    e.expires = expiry(&h);
    if (h.chat > -INT64_C(1000000000000) && !scheduled && r->ctx->host && r->ctx->host->put_msg_chat)
        r->ctx->host->put_msg_chat(r->ctx->host->ctx, r->ctx->account->id, h.id, h.chat);
    body = rpc_view_message(r->ctx, &m);
    if (body)
        rpc_put_true(body, "scheduled", scheduled);
    err = rpc_event_emit(r, &e, body);
    return err == MT_OK && strcmp(type, "message") == 0 && !scheduled ? change_event(r, &m, &h) : err;
}

/* A notice of the service that is no message of any chat: shown as one of the service's. */
static int service_notice(struct rpc_render *r)
{
    struct rpc_view_event e = {
        .type = "message", .chat = SERVICE_CHAT, .sender = SERVICE_CHAT, .direction = 1};
    struct tl_slice text = tl_get_bytes(r->u, TLF_updateServiceNotification__message);
    struct tl_slice kind = tl_get_bytes(r->u, TLF_updateServiceNotification__type);
    char key[RPC_KEY_MAX];
    json_t *body;

    e.time = rpc_event_time(r);
    e.expires = e.time + SERVICE_KEEP_S;
    snprintf(key, sizeof key, "notice/%.*s/%" PRId64, (int)(kind.n < 64 ? kind.n : 64),
             kind.n ? (const char *)kind.p : "", e.time);
    e.key = key;
    body = json_pack("{s:i, s:i, s:s, s:s, s:i, s:s, s:I, s:b}", "id", 0, "chat_id", SERVICE_CHAT,
                     "chat_type", "user", "chat_title", "Telegram", "sender_id", SERVICE_CHAT, "sender_name",
                     "Telegram", "date", (json_int_t)e.time, "out", 0);
    if (body) {
        rpc_put(body, "text", rpc_text(text));
        rpc_put(body, "entities", rpc_view_entities(r->u, TLF_updateServiceNotification__entities, text));
    }
    return rpc_event_emit(r, &e, body);
}

/* --- delete --- */

static int emit_delete(struct rpc_render *r, mt_chat_id chat, json_t *ids, bool scheduled)
{
    struct rpc_view_event e = {.type = "delete", .chat = chat};
    size_t n = json_array_size(ids);
    char key[RPC_KEY_MAX];
    json_t *body = json_object();

    snprintf(key, sizeof key, "delete/%" PRId64 "/%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT "/%zu",
             chat, json_integer_value(json_array_get(ids, 0)), json_integer_value(json_array_get(ids, n - 1)),
             n);
    e.key = key;
    if (body) {
        rpc_put_int(body, "chat_id", chat);
        rpc_put(body, "message_ids", json_incref(ids));
        rpc_put_true(body, "scheduled", scheduled);
    }
    return rpc_event_emit(r, &e, body);
}

/* Ids of the common box do not say their chat: neighbours of one chat make one event. */
static int delete_common(struct rpc_render *r, struct tl_vec ids)
{
    const struct rpc_host *host = r->ctx->host;
    json_t *run = NULL;
    mt_chat_id run_chat = 0;
    int32_t id;
    int err = MT_OK;

    while (err == MT_OK && tl_vec_int(&ids, &id)) {
        mt_chat_id chat = 0;

        if (!host || !host->msg_chat || host->msg_chat(host->ctx, r->ctx->account->id, id, &chat) != MT_OK)
            chat = 0;
        if (run && chat != run_chat) {
            err = emit_delete(r, run_chat, run, false);
            json_decref(run);
            run = NULL;
        }
        if (!run)
            run = json_array();
        run_chat = chat;
        if (!run || json_array_append_new(run, json_integer(id)))
            err = MT_E_NOMEM;
    }
    if (run && err == MT_OK)
        err = emit_delete(r, run_chat, run, false);
    json_decref(run);
    return err;
}

static int delete_in(struct rpc_render *r, mt_chat_id chat, struct tl_vec ids, bool scheduled)
{
    json_t *list = json_array();
    int32_t id;
    int err;

    while (list && tl_vec_int(&ids, &id))
        (void)json_array_append_new(list, json_integer(id));
    if (!list)
        return MT_E_NOMEM;
    err = json_array_size(list) ? emit_delete(r, chat, list, scheduled) : MT_OK;
    json_decref(list);
    return err;
}

/* Everything up to an id left a channel's view at once. */
static int delete_up_to(struct rpc_render *r)
{
    mt_chat_id chat = mt_chat_of_channel(tl_get_long(r->u, TLF_updateChannelAvailableMessages__channel_id));
    int32_t up_to = tl_get_int(r->u, TLF_updateChannelAvailableMessages__available_min_id);
    struct rpc_view_event e = {.type = "delete", .chat = chat};
    char key[RPC_KEY_MAX];

    snprintf(key, sizeof key, "delete/%" PRId64 "/0-%d", chat, (int)up_to);
    e.key = key;
    return rpc_event_emit(
        r, &e,
        json_pack("{s:I, s:[], s:i}", "chat_id", (json_int_t)chat, "message_ids", "up_to_id", (int)up_to));
}

static int delete_event(struct rpc_render *r)
{
    switch (r->u->def->id) {
    case TL_updateDeleteMessages:
        return delete_common(r, tl_get_vector(r->u, TLF_updateDeleteMessages__messages));
    case TL_updateDeleteChannelMessages:
        return delete_in(r,
                         mt_chat_of_channel(tl_get_long(r->u, TLF_updateDeleteChannelMessages__channel_id)),
                         tl_get_vector(r->u, TLF_updateDeleteChannelMessages__messages), false);
    case TL_updateDeleteScheduledMessages:
        return delete_in(r, rpc_peer_field(r->u, TLF_updateDeleteScheduledMessages__peer),
                         tl_get_vector(r->u, TLF_updateDeleteScheduledMessages__messages), true);
    case TL_updateChannelAvailableMessages:
        return delete_up_to(r);
    default:
        return MT_E_PEER;
    }
}

/* --- read --- */

struct read {
    mt_chat_id chat;
    int32_t max_id, thread, unread;
    bool out, has_unread;
};

static bool read_of(const struct tl_view *u, struct read *d)
{
    int field;

    memset(d, 0, sizeof *d);
    field = tl_view_field(u, "channel_id");
    if (field >= 0)
        d->chat = mt_chat_of_channel(tl_get_long(u, (unsigned)field));
    else if ((field = tl_view_field(u, "peer")) >= 0)
        d->chat = rpc_peer_field(u, (unsigned)field);
    field = tl_view_field(u, "read_max_id");
    if (field < 0)
        field = tl_view_field(u, "max_id");
    d->max_id = field >= 0 ? tl_get_int(u, (unsigned)field) : 0;
    field = tl_view_field(u, "top_msg_id");
    d->thread = field >= 0 ? tl_get_int(u, (unsigned)field) : 0;
    field = tl_view_field(u, "still_unread_count");
    d->has_unread = field >= 0;
    d->unread = field >= 0 ? tl_get_int(u, (unsigned)field) : 0;
    d->out = strstr(tl_def_name(u->def), "Outbox") != NULL;
    return d->chat != 0;
}

static int read_event(struct rpc_render *r)
{
    struct rpc_view_event e = {.type = "read"};
    struct read d;
    char key[RPC_KEY_MAX];
    json_t *body;

    if (!read_of(r->u, &d))
        return MT_E_PEER;
    snprintf(key, sizeof key, "read/%" PRId64 "/%s/%d/%d", d.chat, d.out ? "out" : "in", (int)d.thread,
             (int)d.max_id);
    e.key = key;
    e.chat = d.chat;
    body = json_pack("{s:I, s:i, s:b}", "chat_id", (json_int_t)d.chat, "message_id", (int)d.max_id, "out",
                     d.out);
    if (body && d.has_unread)
        rpc_put(body, "unread", json_integer(d.unread));
    if (body)
        rpc_put_int(body, "thread_id", d.thread);
    return rpc_event_emit(r, &e, body);
}

/* --- chat --- */

static int chat_event(struct rpc_render *r, mt_chat_id chat, const char *action, int64_t user, int64_t by,
                      json_t *ids, int64_t stamp)
{
    struct rpc_view_event e = {.type = "chat", .chat = chat, .sender = by};
    json_t *body = json_pack("{s:I, s:s}", "chat_id", (json_int_t)chat, "action", action);
    struct mt_peer p;
    char key[RPC_KEY_MAX];

    snprintf(key, sizeof key, "chat/%" PRId64 "/%s/%" PRId64 "/%" PRId64, chat, action, user, stamp);
    e.key = key;
    if (body && user) {
        rpc_view_find(r->ctx, user, &p);
        rpc_put(body, "user", rpc_view_stored_user(r->ctx, &p));
    }
    if (body && by) {
        rpc_view_find(r->ctx, by, &p);
        rpc_put(body, "by", rpc_view_stored_user(r->ctx, &p));
    }
    if (body)
        rpc_put(body, "message_ids", ids);
    else
        json_decref(ids);
    return rpc_event_emit(r, &e, body);
}

static int pins(struct rpc_render *r, mt_chat_id chat, struct tl_vec ids, bool pinned, int32_t pts)
{
    json_t *list = json_array();
    int32_t id;

    while (list && tl_vec_int(&ids, &id))
        (void)json_array_append_new(list, json_integer(id));
    return chat_event(r, chat, pinned ? "pin" : "unpin", 0, 0, list, pts);
}

/* For keys: its qts, where it has one; two may happen within a second. */
static int64_t number_of(const struct tl_view *u, unsigned qts, unsigned date)
{
    int32_t n = tl_get_int(u, qts);

    return n ? n : tl_get_int(u, date);
}

/* What became of a member: there before, there after, and whether by their own doing. */
static const char *membership(bool before, bool after, bool own)
{
    if (after && !before)
        return own ? "joined" : "added";
    if (before && !after)
        return own ? "left" : "removed";
    return "changed";
}

static bool is_member(const struct tl_view *u, unsigned field)
{
    uint32_t id = tl_get_id(u, field);
    return id && id != TL_channelParticipantLeft && id != TL_channelParticipantBanned;
}

static int participant(struct rpc_render *r)
{
    const struct tl_view *u = r->u;

    if (u->def->id == TL_updateChatParticipant) {
        int64_t user = tl_get_long(u, TLF_updateChatParticipant__user_id);
        int64_t by = tl_get_long(u, TLF_updateChatParticipant__actor_id);
        const char *what = membership(tl_has(u, TLF_updateChatParticipant__prev_participant),
                                      tl_has(u, TLF_updateChatParticipant__new_participant), user == by);

        return chat_event(r, mt_chat_of_group(tl_get_long(u, TLF_updateChatParticipant__chat_id)), what, user,
                          by, NULL,
                          number_of(u, TLF_updateChatParticipant__qts, TLF_updateChatParticipant__date));
    }
    if (u->def->id == TL_updateChannelParticipant) {
        int64_t user = tl_get_long(u, TLF_updateChannelParticipant__user_id);
        int64_t by = tl_get_long(u, TLF_updateChannelParticipant__actor_id);
        const char *what =
            membership(is_member(u, TLF_updateChannelParticipant__prev_participant),
                       is_member(u, TLF_updateChannelParticipant__new_participant), user == by);

        return chat_event(
            r, mt_chat_of_channel(tl_get_long(u, TLF_updateChannelParticipant__channel_id)), what, user, by,
            NULL, number_of(u, TLF_updateChannelParticipant__qts, TLF_updateChannelParticipant__date));
    }
    /* a service message tells the same of a basic group, with who did it */
    return MT_OK;
}

static int chat_update(struct rpc_render *r)
{
    const struct tl_view *u = r->u;

    switch (u->def->id) {
    case TL_updateChannel:
        return chat_event(r, mt_chat_of_channel(tl_get_long(u, TLF_updateChannel__channel_id)), "changed", 0,
                          0, NULL, rpc_event_time(r));
    case TL_updateChat:
        return chat_event(r, mt_chat_of_group(tl_get_long(u, TLF_updateChat__chat_id)), "changed", 0, 0, NULL,
                          rpc_event_time(r));
    case TL_updateChatDefaultBannedRights:
        return chat_event(r, rpc_peer_field(u, TLF_updateChatDefaultBannedRights__peer), "restricted", 0, 0,
                          NULL, rpc_event_time(r));
    case TL_updateChatParticipantAdmin:
        return chat_event(r, mt_chat_of_group(tl_get_long(u, TLF_updateChatParticipantAdmin__chat_id)),
                          tl_get_bool(u, TLF_updateChatParticipantAdmin__is_admin) ? "promoted" : "demoted",
                          tl_get_long(u, TLF_updateChatParticipantAdmin__user_id), 0, NULL,
                          tl_get_int(u, TLF_updateChatParticipantAdmin__version));
    case TL_updatePinnedMessages:
        return pins(r, rpc_peer_field(u, TLF_updatePinnedMessages__peer),
                    tl_get_vector(u, TLF_updatePinnedMessages__messages),
                    tl_has(u, TLF_updatePinnedMessages__pinned),
                    tl_get_int(u, TLF_updatePinnedMessages__pts));
    case TL_updatePinnedChannelMessages:
        return pins(r, mt_chat_of_channel(tl_get_long(u, TLF_updatePinnedChannelMessages__channel_id)),
                    tl_get_vector(u, TLF_updatePinnedChannelMessages__messages),
                    tl_has(u, TLF_updatePinnedChannelMessages__pinned),
                    tl_get_int(u, TLF_updatePinnedChannelMessages__pts));
    case TL_updateBotChatInviteRequester:
        return chat_event(
            r, rpc_peer_field(u, TLF_updateBotChatInviteRequester__peer), "requested",
            tl_get_long(u, TLF_updateBotChatInviteRequester__user_id), 0, NULL,
            number_of(u, TLF_updateBotChatInviteRequester__qts, TLF_updateBotChatInviteRequester__date));
    case TL_updateBotStopped:
        return chat_event(r, tl_get_long(u, TLF_updateBotStopped__user_id),
                          tl_get_bool(u, TLF_updateBotStopped__stopped) ? "stopped" : "started",
                          tl_get_long(u, TLF_updateBotStopped__user_id), 0, NULL,
                          number_of(u, TLF_updateBotStopped__qts, TLF_updateBotStopped__date));
    default:
        return participant(r);
    }
}

/* --- live: typing, user_status --- */

static const char *typing_action(uint32_t id)
{
    switch (id) {
    case TL_sendMessageTypingAction:
        return "typing";
    case TL_sendMessageCancelAction:
        return "cancel";
    case TL_sendMessageRecordVideoAction:
        return "record_video";
    case TL_sendMessageUploadVideoAction:
        return "upload_video";
    case TL_sendMessageRecordAudioAction:
        return "record_voice";
    case TL_sendMessageUploadAudioAction:
        return "upload_voice";
    case TL_sendMessageUploadPhotoAction:
        return "upload_photo";
    case TL_sendMessageUploadDocumentAction:
        return "upload_document";
    case TL_sendMessageChooseStickerAction:
        return "choose_sticker";
    default:
        return "other";
    }
}

static int typing_event(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct rpc_view_event e = {.type = "typing", .live = true, .direction = 1};
    int action = tl_view_field(u, "action");
    char key[RPC_KEY_MAX];
    json_t *body;

    if (u->def->id == TL_updateUserTyping) {
        e.chat = e.sender = tl_get_long(u, TLF_updateUserTyping__user_id);
    } else if (u->def->id == TL_updateChatUserTyping) {
        e.chat = mt_chat_of_group(tl_get_long(u, TLF_updateChatUserTyping__chat_id));
        e.sender = rpc_peer_field(u, TLF_updateChatUserTyping__from_id);
    } else {
        e.chat = mt_chat_of_channel(tl_get_long(u, TLF_updateChannelUserTyping__channel_id));
        e.sender = rpc_peer_field(u, TLF_updateChannelUserTyping__from_id);
    }
    snprintf(key, sizeof key, "typing/%" PRId64 "/%" PRId64, e.chat, e.sender);
    e.key = key;
    body = json_pack("{s:I, s:I, s:s}", "chat_id", (json_int_t)e.chat, "sender_id", (json_int_t)e.sender,
                     "action", typing_action(action >= 0 ? tl_get_id(u, (unsigned)action) : 0));
    return rpc_event_emit(r, &e, body);
}

static int status_event(struct rpc_render *r)
{
    struct rpc_view_event e = {.type = "user_status", .live = true};
    struct tl_view status;
    int64_t user = tl_get_long(r->u, TLF_updateUserStatus__user_id);
    char key[RPC_KEY_MAX];
    json_t *body;

    if (!tl_get_object(r->u, TLF_updateUserStatus__status, &status))
        return MT_E_PEER;
    snprintf(key, sizeof key, "user_status/%" PRId64, user);
    e.key = key;
    e.chat = e.sender = user;
    body =
        json_pack("{s:I, s:b}", "user_id", (json_int_t)user, "online", status.def->id == TL_userStatusOnline);
    if (body && status.def->id == TL_userStatusOnline)
        rpc_put_int(body, "until", tl_get_int(&status, TLF_userStatusOnline__expires));
    else if (body && status.def->id == TL_userStatusOffline)
        rpc_put_int(body, "last_seen", tl_get_int(&status, TLF_userStatusOffline__was_online));
    return rpc_event_emit(r, &e, body);
}

static const struct {
    const char *type;
    int (*render)(struct rpc_render *r);
} renderers[] = {
    {"delete", delete_event},
    {"read", read_event},
    {"reaction", rpc_event_reaction},
    {"chat", chat_update},
    {"poll", rpc_event_poll},
    {"story", rpc_event_story},
    {"draft", rpc_event_draft},
    {"dialog", rpc_event_dialog},
    {"callback", rpc_event_callback},
    {"inline", rpc_event_inline},
    {"inline_sent", rpc_event_inline_sent},
    {"precheckout", rpc_event_precheckout},
    {"shipping", rpc_event_shipping},
    {"account", rpc_event_account},
    {"business", rpc_event_business},
    {"typing", typing_event},
    {"user_status", status_event},
};

int rpc_view_update(const struct rpc_view *ctx, const char *type, const struct mt_fx *update,
                    const struct tl_view *object,
                    void (*event)(void *arg, const struct rpc_view_event *event), void *arg)
{
    struct rpc_render r = {.ctx = ctx, .fx = update, .u = object, .event = event, .arg = arg};

    if (object->def->id == TL_updateServiceNotification)
        return service_notice(&r);
    if (strcmp(type, "message") == 0 || strcmp(type, "edit") == 0)
        return message_event(&r, type);
    for (size_t i = 0; i < sizeof renderers / sizeof *renderers; i++)
        if (strcmp(type, renderers[i].type) == 0)
            return renderers[i].render(&r);
    return MT_E_PEER;
}
