#include "core/store.h"

#define USER_MAX      INT64_C(0xffffffffff)
#define GROUP_MAX     INT64_C(999999999999)
#define CHANNEL_ZERO  INT64_C(-1000000000000)
#define CHANNEL_MAX   INT64_C(997852516352)
#define MONOFORUM_MIN INT64_C(1002147483649)
#define MONOFORUM_MAX INT64_C(3000000000000)

bool mt_chat_split(mt_chat_id chat, enum mt_peer_kind *kind, int64_t *id)
{
    int64_t channel;

    if (chat > 0 && chat <= USER_MAX) {
        *kind = MT_PEER_USER;
        *id = chat;
        return true;
    }
    if (chat < 0 && chat >= -GROUP_MAX) {
        *kind = MT_PEER_GROUP;
        *id = -chat;
        return true;
    }
    if (chat >= CHANNEL_ZERO || chat < CHANNEL_ZERO - MONOFORUM_MAX)
        return false;
    channel = CHANNEL_ZERO - chat;
    /* the numbers between the two spaces belong to secret chats */
    if (channel > CHANNEL_MAX && channel < MONOFORUM_MIN)
        return false;
    *kind = MT_PEER_CHANNEL;
    *id = channel;
    return true;
}
