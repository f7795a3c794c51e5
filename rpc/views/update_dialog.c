/* What changes in the list of chats of this account: drafts, pins, marks, archive; stories. */
#include "rpc/views/update.h"

#include <inttypes.h>
#include <stdio.h>

/* --- draft --- */

int rpc_event_draft(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct rpc_view_event e = {.type = "draft", .direction = 2};
    struct tl_view draft, reply;
    char key[RPC_KEY_MAX];
    struct tl_slice text = {0};
    json_t *body;

    if (!tl_get_object(u, TLF_updateDraftMessage__draft, &draft))
        return MT_E_PEER;
    e.chat = rpc_peer_field(u, TLF_updateDraftMessage__peer);
    snprintf(key, sizeof key, "draft/%016" PRIx64, rpc_event_digest(r));
    e.key = key;
    if (draft.def->id == TL_draftMessage) {
        text = tl_get_bytes(&draft, TLF_draftMessage__message);
        e.time = tl_get_int(&draft, TLF_draftMessage__date);
    }
    body = json_pack("{s:I}", "chat_id", (json_int_t)e.chat);
    if (!body)
        return MT_E_NOMEM;
    rpc_put_int(body, "thread_id", tl_get_int(u, TLF_updateDraftMessage__top_msg_id));
    rpc_put(body, "text", text.n ? rpc_text(text) : json_string(""));
    if (draft.def->id == TL_draftMessage) {
        rpc_put(body, "entities", rpc_view_entities(&draft, TLF_draftMessage__entities, text));
        if (tl_get_object(&draft, TLF_draftMessage__reply_to, &reply) &&
            reply.def->id == TL_inputReplyToMessage)
            rpc_put(body, "reply_to",
                    json_pack("{s:i}", "message_id",
                              (int)tl_get_int(&reply, TLF_inputReplyToMessage__reply_to_msg_id)));
    }
    return rpc_event_emit(r, &e, body);
}

/* --- dialog --- */

static int dialog(struct rpc_render *r, mt_chat_id chat, const char *action, const char *number,
                  int64_t value)
{
    struct rpc_view_event e = {.type = "dialog", .chat = chat};
    char key[RPC_KEY_MAX];
    json_t *body = json_pack("{s:s}", "action", action);

    snprintf(key, sizeof key, "dialog/%" PRId64 "/%s/%016" PRIx64, chat, action, rpc_event_digest(r));
    e.key = key;
    if (body) {
        rpc_put_int(body, "chat_id", chat);
        if (number)
            rpc_put_int(body, number, value);
    }
    return rpc_event_emit(r, &e, body);
}

/* Of a folder nothing is told here. */
static mt_chat_id dialog_chat(const struct tl_view *u, unsigned field)
{
    struct tl_view peer;

    return tl_get_object(u, field, &peer) && peer.def->id == TL_dialogPeer
               ? rpc_peer_field(&peer, TLF_dialogPeer__peer)
               : 0;
}

static int archived(struct rpc_render *r)
{
    struct tl_vec vec = tl_get_vector(r->u, TLF_updateFolderPeers__folder_peers);
    struct tl_view one;
    int err = MT_OK;

    while (err == MT_OK && tl_vec_object(&vec, &one))
        err = dialog(r, rpc_peer_field(&one, TLF_folderPeer__peer),
                     tl_get_int(&one, TLF_folderPeer__folder_id) == 1 ? "archived" : "unarchived", NULL, 0);
    return err;
}

static int notify(struct rpc_render *r)
{
    struct tl_view peer, settings;
    int32_t until;

    if (!tl_get_object(r->u, TLF_updateNotifySettings__peer, &peer) || peer.def->id != TL_notifyPeer ||
        !tl_get_object(r->u, TLF_updateNotifySettings__notify_settings, &settings))
        return MT_E_PEER; /* of a sort of chats */
    until = tl_get_int(&settings, TLF_peerNotifySettings__mute_until);
    return dialog(r, rpc_peer_field(&peer, TLF_notifyPeer__peer),
                  until > rpc_event_time(r) ? "muted" : "unmuted", until > rpc_event_time(r) ? "until" : NULL,
                  until);
}

int rpc_event_dialog(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    mt_chat_id chat;

    switch (u->def->id) {
    case TL_updateDialogPinned:
        chat = dialog_chat(u, TLF_updateDialogPinned__peer);
        return chat ? dialog(r, chat, tl_has(u, TLF_updateDialogPinned__pinned) ? "pinned" : "unpinned", NULL,
                             0)
                    : MT_E_PEER;
    case TL_updateDialogUnreadMark:
        chat = dialog_chat(u, TLF_updateDialogUnreadMark__peer);
        return chat ? dialog(r, chat,
                             tl_has(u, TLF_updateDialogUnreadMark__unread) ? "marked_unread" : "marked_read",
                             NULL, 0)
                    : MT_E_PEER;
    case TL_updatePinnedDialogs:
        return dialog(r, 0, "order", NULL, 0);
    case TL_updateFolderPeers:
        return archived(r);
    case TL_updateNotifySettings:
        return notify(r);
    case TL_updatePeerBlocked:
        return dialog(r, rpc_peer_field(u, TLF_updatePeerBlocked__peer_id),
                      tl_has(u, TLF_updatePeerBlocked__blocked) ? "blocked" : "unblocked", NULL, 0);
    case TL_updatePeerHistoryTTL:
        return dialog(r, rpc_peer_field(u, TLF_updatePeerHistoryTTL__peer), "auto_delete", "seconds",
                      tl_get_int(u, TLF_updatePeerHistoryTTL__ttl_period));
    default:
        return MT_E_PEER;
    }
}

/* --- story --- */

static int story(struct rpc_render *r, mt_chat_id chat, int32_t id, const char *action,
                 const struct tl_view *item)
{
    struct rpc_view_event e = {.type = "story", .chat = chat, .sender = chat, .direction = 1};
    char key[RPC_KEY_MAX];
    struct tl_view media;
    json_t *body =
        json_pack("{s:I, s:i, s:s}", "chat_id", (json_int_t)chat, "story_id", (int)id, "action", action);

    snprintf(key, sizeof key, "story/%" PRId64 "/%d/%016" PRIx64, chat, (int)id, rpc_event_digest(r));
    e.key = key;
    if (body && item) {
        struct tl_slice text = tl_get_bytes(item, TLF_storyItem__caption);

        e.direction = tl_has(item, TLF_storyItem__out) ? 2 : 1;
        rpc_event_sender(r, body, chat);
        rpc_put(body, "date", json_integer(tl_get_int(item, TLF_storyItem__date)));
        rpc_put_int(body, "until", tl_get_int(item, TLF_storyItem__expire_date));
        rpc_put_text(body, "text", text);
        rpc_put(body, "entities", rpc_view_entities(item, TLF_storyItem__entities, text));
        if (tl_get_object(item, TLF_storyItem__media, &media))
            rpc_put(body, "media", rpc_view_media(&media));
    }
    return rpc_event_emit(r, &e, body);
}

int rpc_event_story(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct tl_view item;
    mt_chat_id chat;

    if (u->def->id == TL_updateReadStories)
        return story(r, rpc_peer_field(u, TLF_updateReadStories__peer),
                     tl_get_int(u, TLF_updateReadStories__max_id), "read", NULL);
    if (u->def->id != TL_updateStory || !tl_get_object(u, TLF_updateStory__story, &item))
        return MT_E_PEER;
    chat = rpc_peer_field(u, TLF_updateStory__peer);
    switch (item.def->id) {
    case TL_storyItem:
        return story(r, chat, tl_get_int(&item, TLF_storyItem__id),
                     tl_has(&item, TLF_storyItem__edited) ? "edited" : "posted", &item);
    case TL_storyItemDeleted:
        return story(r, chat, tl_get_int(&item, TLF_storyItemDeleted__id), "deleted", NULL);
    case TL_storyItemSkipped:
        return story(r, chat, tl_get_int(&item, TLF_storyItemSkipped__id), "posted", NULL);
    default:
        return MT_E_PEER;
    }
}
