#include "core/peers/peers.h"

#include <string.h>

#include "tl/ids.h"

/* Cuts at the last whole character that fits. */
static void put_text(char *out, size_t cap, size_t at, struct tl_slice s)
{
    size_t n = s.n < cap - 1 - at ? s.n : cap - 1 - at;

    if (n < s.n)
        while (n && (s.p[n] & 0xc0) == 0x80)
            n--;
    if (n)
        memcpy(out + at, s.p, n);
    out[at + n] = 0;
}

/* The first active one of `usernames`, where the plain field is empty. */
static void put_username(struct mt_peer *out, const struct tl_view *v, unsigned plain, unsigned vector)
{
    struct tl_vec names = tl_get_vector(v, vector);
    struct tl_view name;

    put_text(out->username, sizeof out->username, 0, tl_get_bytes(v, plain));
    while (!out->username[0] && tl_vec_object(&names, &name))
        if (tl_has(&name, TLF_username__active))
            put_text(out->username, sizeof out->username, 0, tl_get_bytes(&name, TLF_username__username));
}

static void put_name(struct mt_peer *out, struct tl_slice first, struct tl_slice last)
{
    size_t n;

    put_text(out->name, sizeof out->name, 0, first);
    n = strlen(out->name);
    if (n && last.n && n + 2 < sizeof out->name)
        out->name[n++] = ' ';
    put_text(out->name, sizeof out->name, n, last);
}

static void from_user(const struct tl_view *v, struct mt_peer *out, bool *min)
{
    out->kind = MT_PEER_USER;
    out->chat = mt_chat_of_user(tl_get_long(v, TLF_user__id));
    out->access_hash = tl_get_long(v, TLF_user__access_hash);
    put_name(out, tl_get_bytes(v, TLF_user__first_name), tl_get_bytes(v, TLF_user__last_name));
    put_username(out, v, TLF_user__username, TLF_user__usernames);
    put_text(out->phone, sizeof out->phone, 0, tl_get_bytes(v, TLF_user__phone));
    out->bot = tl_has(v, TLF_user__bot);
    out->self = tl_has(v, TLF_user__self);
    out->gone = tl_has(v, TLF_user__deleted);
    /* min with an empty phone that is there: the hash is a full one (protocol.md 9.3) */
    *min = tl_has(v, TLF_user__min) && !(tl_has(v, TLF_user__phone) && !out->phone[0]);
    out->has_hash = tl_has(v, TLF_user__access_hash) && !*min;
}

static void from_channel(const struct tl_view *v, struct mt_peer *out, bool *min)
{
    out->kind = MT_PEER_CHANNEL;
    out->chat = mt_chat_of_channel(tl_get_long(v, TLF_channel__id));
    out->access_hash = tl_get_long(v, TLF_channel__access_hash);
    put_text(out->name, sizeof out->name, 0, tl_get_bytes(v, TLF_channel__title));
    put_username(out, v, TLF_channel__username, TLF_channel__usernames);
    out->broadcast = tl_has(v, TLF_channel__broadcast) && !tl_has(v, TLF_channel__megagroup);
    out->forum = tl_has(v, TLF_channel__forum);
    out->gone = tl_has(v, TLF_channel__left);
    *min = tl_has(v, TLF_channel__min);
    out->has_hash = tl_has(v, TLF_channel__access_hash) && !*min;
}

static void from_group(const struct tl_view *v, struct mt_peer *out)
{
    struct tl_view to;

    out->kind = MT_PEER_GROUP;
    out->chat = mt_chat_of_group(tl_get_long(v, TLF_chat__id));
    put_text(out->name, sizeof out->name, 0, tl_get_bytes(v, TLF_chat__title));
    out->gone = tl_has(v, TLF_chat__left) || tl_has(v, TLF_chat__deactivated);
    if (tl_get_object(v, TLF_chat__migrated_to, &to))
        out->migrated_to = mt_chat_of(&to, 0);
}

int mt_peer_from_view(const struct tl_view *v, struct mt_peer *out, bool *min)
{
    enum mt_peer_kind kind;
    int64_t id;

    memset(out, 0, sizeof *out);
    *min = false;
    switch (v->def->id) {
    case TL_user:
        from_user(v, out, min);
        break;
    case TL_channel:
        from_channel(v, out, min);
        break;
    case TL_channelForbidden:
        out->kind = MT_PEER_CHANNEL;
        out->chat = mt_chat_of_channel(tl_get_long(v, TLF_channelForbidden__id));
        out->access_hash = tl_get_long(v, TLF_channelForbidden__access_hash);
        put_text(out->name, sizeof out->name, 0, tl_get_bytes(v, TLF_channelForbidden__title));
        out->broadcast = tl_has(v, TLF_channelForbidden__broadcast);
        out->has_hash = true;
        out->gone = true;
        break;
    case TL_chat:
        from_group(v, out);
        break;
    case TL_chatForbidden:
        out->kind = MT_PEER_GROUP;
        out->chat = mt_chat_of_group(tl_get_long(v, TLF_chatForbidden__id));
        put_text(out->name, sizeof out->name, 0, tl_get_bytes(v, TLF_chatForbidden__title));
        out->gone = true;
        break;
    default:
        return MT_E_NOT_FOUND;
    }
    /* an id outside its space would be taken for another chat's number */
    return mt_chat_split(out->chat, &kind, &id) && kind == out->kind ? MT_OK : MT_E_NOT_FOUND;
}

static void merge_min(struct mt_peer *seen, const struct mt_peer *stored)
{
    struct mt_peer keep = *stored;

    if (!stored->has_hash) {
        /* min over min: the newer, but a place where it was seen is not forgotten for none */
        if (!seen->seen_msg) {
            seen->seen_chat = stored->seen_chat;
            seen->seen_msg = stored->seen_msg;
        }
        return;
    }
    if (seen->username[0])
        memcpy(keep.username, seen->username, sizeof keep.username);
    if (seen->kind == MT_PEER_CHANNEL) {
        memcpy(keep.name, seen->name, sizeof keep.name);
        keep.broadcast = seen->broadcast;
        keep.forum = seen->forum;
    } else if (!keep.name[0]) {
        /* a contact's name is ours, a min object has the one that its owner chose */
        memcpy(keep.name, seen->name, sizeof keep.name);
    }
    *seen = keep;
}

void mt_peer_merge(struct mt_peer *seen, bool min, const struct mt_peer *stored)
{
    if (!stored || stored->kind != seen->kind)
        return;
    if (min) {
        merge_min(seen, stored);
        return;
    }
    if (!seen->has_hash && stored->has_hash) {
        seen->access_hash = stored->access_hash;
        seen->has_hash = true;
    }
    if (!seen->has_hash && !seen->seen_msg) {
        seen->seen_chat = stored->seen_chat;
        seen->seen_msg = stored->seen_msg;
    }
    if (!seen->migrated_to)
        seen->migrated_to = stored->migrated_to;
    if (!seen->phone[0])
        memcpy(seen->phone, stored->phone, sizeof seen->phone);
    if (seen->gone && seen->kind == MT_PEER_CHANNEL && !seen->username[0] && !seen->name[0])
        memcpy(seen->name, stored->name, sizeof seen->name);
}

bool mt_peer_same(const struct mt_peer *a, const struct mt_peer *b)
{
    return a->chat == b->chat && a->kind == b->kind && a->access_hash == b->access_hash &&
           a->has_hash == b->has_hash && a->bot == b->bot && a->broadcast == b->broadcast &&
           a->forum == b->forum && a->gone == b->gone && a->self == b->self &&
           a->migrated_to == b->migrated_to && a->seen_chat == b->seen_chat && a->seen_msg == b->seen_msg &&
           !strcmp(a->name, b->name) && !strcmp(a->username, b->username) && !strcmp(a->phone, b->phone);
}
