#include "core/account/state.h"

#include <string.h>

#include "tl/ids.h"

#define SECONDS_MAX (14 * 24 * 3600)

int64_t mt_error_number(const char *text)
{
    size_t n = strlen(text), at = n;
    int64_t v = 0;

    while (at && text[at - 1] >= '0' && text[at - 1] <= '9')
        at--;
    if (at == n || !at || text[at - 1] != '_')
        return -1;
    for (size_t i = at; i < n; i++) {
        v = v * 10 + (text[i] - '0');
        if (v > INT32_MAX)
            return INT32_MAX;
    }
    return v;
}

/* The class of the chat that a call is about. */
static uint8_t chats_of(const struct mt_areq *r)
{
    static const char *const names[] = {"peer", "to_peer", "channel"};
    struct tl_view call, peer;
    int field = -1;

    if (tl_view_open(&call, r->body, r->n) != TL_OK)
        return MT_CHATS_NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names && field < 0; i++)
        field = tl_view_field(&call, names[i]);
    if (field < 0 || !tl_get_object(&call, (unsigned)field, &peer))
        return MT_CHATS_NONE;
    switch (peer.def->id) {
    case TL_inputPeerSelf:
    case TL_inputPeerUser:
    case TL_inputPeerUserFromMessage:
        return MT_CHATS_USER;
    case TL_inputPeerChat:
        return MT_CHATS_GROUP;
    case TL_inputPeerChannel:
    case TL_inputPeerChannelFromMessage:
    case TL_inputChannel:
    case TL_inputChannelFromMessage:
        return MT_CHATS_CHANNEL;
    }
    return MT_CHATS_NONE;
}

int64_t mt_flood_until(const struct mt_account *a, struct mt_now now, const struct mt_areq *r)
{
    uint32_t method = mt_areq_method(r);

    for (size_t i = 0; i < MT_FLOODS_MAX; i++)
        if (a->floods[i].method == method && a->floods[i].until > now.mono &&
            a->floods[i].chats == chats_of(r))
            return a->floods[i].until;
    return 0;
}

void mt_flood_note(struct mt_account *a, struct mt_now now, const struct mt_areq *r, int64_t seconds)
{
    struct mt_flood *slot = &a->floods[0];
    uint32_t method = mt_areq_method(r);
    uint8_t chats = chats_of(r);

    if (seconds > SECONDS_MAX)
        seconds = SECONDS_MAX;
    /* its own row, else the one that is over first */
    for (size_t i = 0; i < MT_FLOODS_MAX; i++) {
        if (a->floods[i].method == method && a->floods[i].chats == chats) {
            slot = &a->floods[i];
            break;
        }
        if (a->floods[i].until < slot->until)
            slot = &a->floods[i];
    }
    *slot = (struct mt_flood){.method = method, .chats = chats, .until = now.mono + seconds * MT_US_PER_S};
}
