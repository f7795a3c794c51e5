#include "core/peers/peers.h"

#include "tl/ids.h"

static mt_chat_id number_in(const struct tl_view *peer, mt_chat_id self)
{
    switch (peer->def->id) {
    case TL_peerUser:
        return mt_chat_of_user(tl_get_long(peer, TLF_peerUser__user_id));
    case TL_peerChat:
        return mt_chat_of_group(tl_get_long(peer, TLF_peerChat__chat_id));
    case TL_peerChannel:
        return mt_chat_of_channel(tl_get_long(peer, TLF_peerChannel__channel_id));
    case TL_inputPeerUser:
        return mt_chat_of_user(tl_get_long(peer, TLF_inputPeerUser__user_id));
    case TL_inputPeerChat:
        return mt_chat_of_group(tl_get_long(peer, TLF_inputPeerChat__chat_id));
    case TL_inputPeerChannel:
        return mt_chat_of_channel(tl_get_long(peer, TLF_inputPeerChannel__channel_id));
    case TL_inputPeerUserFromMessage:
        return mt_chat_of_user(tl_get_long(peer, TLF_inputPeerUserFromMessage__user_id));
    case TL_inputPeerChannelFromMessage:
        return mt_chat_of_channel(tl_get_long(peer, TLF_inputPeerChannelFromMessage__channel_id));
    case TL_inputUser:
        return mt_chat_of_user(tl_get_long(peer, TLF_inputUser__user_id));
    case TL_inputUserFromMessage:
        return mt_chat_of_user(tl_get_long(peer, TLF_inputUserFromMessage__user_id));
    case TL_inputChannel:
        return mt_chat_of_channel(tl_get_long(peer, TLF_inputChannel__channel_id));
    case TL_inputChannelFromMessage:
        return mt_chat_of_channel(tl_get_long(peer, TLF_inputChannelFromMessage__channel_id));
    case TL_inputPeerSelf:
    case TL_inputUserSelf:
        return self;
    default:
        return 0;
    }
}

mt_chat_id mt_chat_of(const struct tl_view *peer, mt_chat_id self)
{
    mt_chat_id chat = number_in(peer, self);
    enum mt_peer_kind kind;
    int64_t id;

    return mt_chat_split(chat, &kind, &id) ? chat : 0;
}

static mt_chat_id chat_in(const struct tl_view *v, unsigned field)
{
    struct tl_view peer;

    return tl_get_object(v, field, &peer) ? mt_chat_of(&peer, 0) : 0;
}

mt_chat_id mt_message_chat(const struct tl_view *message, int32_t *id)
{
    switch (message->def->id) {
    case TL_message:
        *id = tl_get_int(message, TLF_message__id);
        return chat_in(message, TLF_message__peer_id);
    case TL_messageService:
        *id = tl_get_int(message, TLF_messageService__id);
        return chat_in(message, TLF_messageService__peer_id);
    case TL_messageEmpty:
        *id = tl_get_int(message, TLF_messageEmpty__id);
        return chat_in(message, TLF_messageEmpty__peer_id);
    default:
        *id = 0;
        return 0;
    }
}
