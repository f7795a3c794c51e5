#include "core/peers/peers.h"

#include <string.h>

#include "tl/ids.h"

static int put_user(struct tl_out *out, const struct mt_peer *peer, int64_t id, const struct mt_peer *via,
                    bool as_user)
{
    if (peer->self) {
        tl_put_u32(out, as_user ? TL_inputUserSelf : TL_inputPeerSelf);
        return out->err;
    }
    if (peer->has_hash) {
        tl_put_u32(out, as_user ? TL_inputUser : TL_inputPeerUser);
        tl_put_long(out, id);
        tl_put_long(out, peer->access_hash);
        return out->err;
    }
    if (!via || !peer->seen_msg)
        return MT_E_NOT_FOUND;
    tl_put_u32(out, as_user ? TL_inputUserFromMessage : TL_inputPeerUserFromMessage);
    if (mt_peer_put_input(out, via, "InputPeer"))
        return MT_E_NOT_FOUND;
    tl_put_int(out, peer->seen_msg);
    tl_put_long(out, id);
    return out->err;
}

static int put_channel(struct tl_out *out, const struct mt_peer *peer, int64_t id, const struct mt_peer *via,
                       bool as_channel)
{
    if (peer->has_hash) {
        tl_put_u32(out, as_channel ? TL_inputChannel : TL_inputPeerChannel);
        tl_put_long(out, id);
        tl_put_long(out, peer->access_hash);
        return out->err;
    }
    if (!via || !peer->seen_msg)
        return MT_E_NOT_FOUND;
    tl_put_u32(out, as_channel ? TL_inputChannelFromMessage : TL_inputPeerChannelFromMessage);
    if (mt_peer_put_input(out, via, "InputPeer"))
        return MT_E_NOT_FOUND;
    tl_put_int(out, peer->seen_msg);
    tl_put_long(out, id);
    return out->err;
}

static int put_peer(struct tl_out *out, enum mt_peer_kind kind, int64_t id)
{
    switch (kind) {
    case MT_PEER_USER:
        tl_put_u32(out, TL_peerUser);
        break;
    case MT_PEER_GROUP:
        tl_put_u32(out, TL_peerChat);
        break;
    case MT_PEER_CHANNEL:
        tl_put_u32(out, TL_peerChannel);
        break;
    }
    tl_put_long(out, id);
    return out->err;
}

static int put_input_peer(struct tl_out *out, const struct mt_peer *peer, enum mt_peer_kind kind, int64_t id,
                          const struct mt_peer *via)
{
    switch (kind) {
    case MT_PEER_USER:
        return put_user(out, peer, id, via, false);
    case MT_PEER_GROUP:
        tl_put_u32(out, TL_inputPeerChat);
        tl_put_long(out, id);
        return out->err;
    case MT_PEER_CHANNEL:
        return put_channel(out, peer, id, via, false);
    }
    return MT_E_ARG;
}

static int put_any(struct tl_out *out, const struct mt_peer *peer, const struct mt_peer *via,
                   const char *type)
{
    enum mt_peer_kind kind;
    int64_t id;

    if (!mt_chat_split(peer->chat, &kind, &id))
        return MT_E_ARG;
    if (!strcmp(type, "InputPeer"))
        return put_input_peer(out, peer, kind, id, via);
    if (!strcmp(type, "InputUser"))
        return kind == MT_PEER_USER ? put_user(out, peer, id, via, true) : MT_E_ARG;
    if (!strcmp(type, "InputChannel"))
        return kind == MT_PEER_CHANNEL ? put_channel(out, peer, id, via, true) : MT_E_ARG;
    if (!strcmp(type, "InputDialogPeer")) {
        tl_put_u32(out, TL_inputDialogPeer);
        return put_input_peer(out, peer, kind, id, via);
    }
    if (!strcmp(type, "InputNotifyPeer")) {
        tl_put_u32(out, TL_inputNotifyPeer);
        return put_input_peer(out, peer, kind, id, via);
    }
    if (!strcmp(type, "Peer"))
        return put_peer(out, kind, id);
    return MT_E_ARG;
}

int mt_peer_put_input_via(struct tl_out *out, const struct mt_peer *peer, const struct mt_peer *via,
                          const char *type)
{
    size_t start = out->len;
    int err = put_any(out, peer, via, type);

    /* half an object must not stay behind where the caller goes on */
    if (err && !out->err)
        out->len = start;
    return err;
}

int mt_peer_put_input(struct tl_out *out, const struct mt_peer *peer, const char *type)
{
    return mt_peer_put_input_via(out, peer, NULL, type);
}
