/* What becomes of the account itself, on any device of it: logins, names, settings. */
#include "rpc/views/update.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int64_t self_of(const struct rpc_render *r)
{
    const struct rpc_account *a = r->ctx->account;

    return a && a->core ? mt_account_user(a->core) : 0;
}

static int tell(struct rpc_render *r, const char *action, json_t *body)
{
    struct rpc_view_event e = {.type = "account", .direction = 2};
    char key[RPC_KEY_MAX];

    snprintf(key, sizeof key, "account/%s/%016" PRIx64, action, rpc_event_digest(r));
    e.key = key;
    if (body)
        json_object_set_new(body, "action", json_string(action));
    return rpc_event_emit(r, &e, body);
}

/* --- who has got in --- */

static void put_origin(json_t *body, int32_t date, struct tl_slice device, struct tl_slice location)
{
    rpc_put_int(body, "date", date);
    rpc_put_text(body, "device", device);
    rpc_put_text(body, "location", location);
}

static int session(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    bool waits = tl_has(u, TLF_updateNewAuthorization__unconfirmed);
    json_t *body = json_object();

    if (body) {
        rpc_put_long(body, "session_id", tl_get_long(u, TLF_updateNewAuthorization__hash));
        rpc_put(body, "confirmed", json_boolean(!waits));
        put_origin(body, tl_get_int(u, TLF_updateNewAuthorization__date),
                   tl_get_bytes(u, TLF_updateNewAuthorization__device),
                   tl_get_bytes(u, TLF_updateNewAuthorization__location));
    }
    return tell(r, "session", body);
}

static int bot_connected(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    json_t *body = json_object();
    struct mt_peer bot;

    if (body) {
        rpc_view_find(r->ctx, mt_chat_of_user(tl_get_long(u, TLF_updateNewBotConnection__bot_id)), &bot);
        rpc_put(body, "user", rpc_view_stored_user(r->ctx, &bot));
        rpc_put(body, "confirmed", json_boolean(tl_has(u, TLF_updateNewBotConnection__confirmed)));
        put_origin(body, tl_get_int(u, TLF_updateNewBotConnection__date),
                   tl_get_bytes(u, TLF_updateNewBotConnection__device),
                   tl_get_bytes(u, TLF_updateNewBotConnection__location));
    }
    return tell(r, "bot_connected", body);
}

/* --- who it is; the same of other users is no event of this account --- */

static int name(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct tl_slice first = tl_get_bytes(u, TLF_updateUserName__first_name);
    struct tl_slice last = tl_get_bytes(u, TLF_updateUserName__last_name);
    struct tl_vec names = tl_get_vector(u, TLF_updateUserName__usernames);
    char whole[2 * MT_NAME_MAX];
    struct tl_view one;
    json_t *body;

    if (tl_get_long(u, TLF_updateUserName__user_id) != self_of(r))
        return MT_E_PEER;
    snprintf(whole, sizeof whole, "%.*s%s%.*s", (int)(first.n < MT_NAME_MAX ? first.n : MT_NAME_MAX - 1),
             first.n ? (const char *)first.p : "", first.n && last.n ? " " : "",
             (int)(last.n < MT_NAME_MAX ? last.n : MT_NAME_MAX - 1), last.n ? (const char *)last.p : "");
    body = json_object();
    if (body) {
        rpc_put_text(body, "name", (struct tl_slice){(const uint8_t *)whole, strlen(whole)});
        while (tl_vec_object(&names, &one))
            if (tl_has(&one, TLF_username__active) && !json_object_get(body, "username"))
                rpc_put_text(body, "username", tl_get_bytes(&one, TLF_username__username));
    }
    return tell(r, "name", body);
}

static int emoji_status(struct rpc_render *r)
{
    struct tl_view status;
    json_t *body;

    if (tl_get_long(r->u, TLF_updateUserEmojiStatus__user_id) != self_of(r))
        return MT_E_PEER;
    body = json_object();
    if (body && tl_get_object(r->u, TLF_updateUserEmojiStatus__emoji_status, &status) &&
        status.def->id == TL_emojiStatus) {
        rpc_put_long(body, "emoji_id", tl_get_long(&status, TLF_emojiStatus__document_id));
        rpc_put_int(body, "until", tl_get_int(&status, TLF_emojiStatus__until));
    }
    return tell(r, "emoji_status", body);
}

/* --- settings --- */

static const char *setting(uint32_t key)
{
    switch (key) {
    case TL_privacyKeyStatusTimestamp:
        return "last_seen";
    case TL_privacyKeyChatInvite:
        return "invites";
    case TL_privacyKeyPhoneCall:
        return "calls";
    case TL_privacyKeyPhoneP2P:
        return "direct_calls";
    case TL_privacyKeyForwards:
        return "forwards";
    case TL_privacyKeyProfilePhoto:
        return "photo";
    case TL_privacyKeyPhoneNumber:
        return "phone_number";
    case TL_privacyKeyAddedByPhone:
        return "found_by_phone";
    case TL_privacyKeyVoiceMessages:
        return "voice_messages";
    case TL_privacyKeyAbout:
        return "about";
    case TL_privacyKeyBirthday:
        return "birthday";
    case TL_privacyKeyStarGiftsAutoSave:
        return "gifts";
    case TL_privacyKeyNoPaidMessages:
        return "paid_messages";
    case TL_privacyKeySavedMusic:
        return "music";
    default:
        return "other";
    }
}

static int privacy(struct rpc_render *r)
{
    return tell(r, "privacy",
                json_pack("{s:s}", "setting", setting(tl_get_id(r->u, TLF_updatePrivacy__key))));
}

static int balance(struct rpc_render *r)
{
    struct tl_view amount;
    json_t *body = json_object();

    if (body && tl_get_object(r->u, TLF_updateStarsBalance__balance, &amount) &&
        amount.def->id == TL_starsAmount)
        rpc_put(body, "stars", json_integer(tl_get_long(&amount, TLF_starsAmount__amount)));
    return tell(r, "balance", body);
}

int rpc_event_account(struct rpc_render *r)
{
    switch (r->u->def->id) {
    case TL_updateNewAuthorization:
        return session(r);
    case TL_updateNewBotConnection:
        return bot_connected(r);
    case TL_updateUserName:
        return name(r);
    case TL_updateUserPhone: /* the number itself is for getMe to tell, to whom it may */
        return tl_get_long(r->u, TLF_updateUserPhone__user_id) == self_of(r) ? tell(r, "phone", json_object())
                                                                             : MT_E_PEER;
    case TL_updateUserEmojiStatus:
        return emoji_status(r);
    case TL_updatePrivacy:
        return privacy(r);
    case TL_updateContactsReset:
        return tell(r, "contacts", json_object());
    case TL_updateStarsBalance:
        return balance(r);
    default:
        return MT_E_PEER;
    }
}
