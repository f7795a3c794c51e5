#include "core/updates/boxes.h"

#include <stdlib.h>
#include <string.h>

#include "core/peers/peers.h"
#include "tl/ids.h"

#define NO_FIELD 0xff

struct row {
    uint32_t id;
    uint8_t box;
    uint8_t pts;     /* field of pts or qts */
    uint8_t count;   /* NO_FIELD: 0, for qts 1 */
    uint8_t channel; /* field of the channel's id, or of the message that says it */
};

#define COMMON(name)                                                                                         \
    {                                                                                                        \
        TL_##name, MT_BOX_COMMON, TLF_##name##__pts, TLF_##name##__pts_count, NO_FIELD                       \
    }
#define CHANNEL(name, by)                                                                                    \
    {                                                                                                        \
        TL_##name, MT_BOX_CHANNEL, TLF_##name##__pts, TLF_##name##__pts_count, TLF_##name##__##by            \
    }
#define QTS(name)                                                                                            \
    {                                                                                                        \
        TL_##name, MT_BOX_QTS, TLF_##name##__qts, NO_FIELD, NO_FIELD                                         \
    }

static const struct row rows[] = {
    COMMON(updateNewMessage),
    COMMON(updateDeleteMessages),
    COMMON(updateReadHistoryInbox),
    COMMON(updateReadHistoryOutbox),
    COMMON(updateWebPage),
    COMMON(updateReadMessagesContents),
    COMMON(updateEditMessage),
    COMMON(updateFolderPeers),
    COMMON(updatePinnedMessages),
    CHANNEL(updateNewChannelMessage, message),
    CHANNEL(updateEditChannelMessage, message),
    CHANNEL(updateDeleteChannelMessages, channel_id),
    CHANNEL(updateChannelWebPage, channel_id),
    CHANNEL(updatePinnedChannelMessages, channel_id),
    {TL_updateReadChannelInbox, MT_BOX_CHANNEL, TLF_updateReadChannelInbox__pts, NO_FIELD,
     TLF_updateReadChannelInbox__channel_id},
    QTS(updateNewEncryptedMessage),
    QTS(updateMessagePollVote),
    QTS(updateChatParticipant),
    QTS(updateChannelParticipant),
    QTS(updateBotStopped),
    QTS(updateBotChatInviteRequester),
    QTS(updateBotChatBoost),
    QTS(updateBotMessageReaction),
    QTS(updateBotMessageReactions),
    QTS(updateBotBusinessConnect),
    QTS(updateBotNewBusinessMessage),
    QTS(updateBotEditBusinessMessage),
    QTS(updateBotDeleteBusinessMessage),
    QTS(updateBotPurchasedPaidMedia),
    QTS(updateManagedBot),
    QTS(updateBotGuestChatQuery),
};

static int64_t channel_of(const struct tl_view *update, unsigned field)
{
    struct tl_view message;
    enum mt_peer_kind kind;
    int64_t id;
    int32_t msg;

    if (tl_def_field(update->def, field)->kind == TL_K_LONG)
        return tl_get_long(update, field);
    if (!tl_get_object(update, field, &message))
        return 0;
    if (!mt_chat_split(mt_message_chat(&message, &msg), &kind, &id) || kind != MT_PEER_CHANNEL)
        return 0;
    return id;
}

void mt_box_of(const struct tl_view *update, struct mt_box_at *at)
{
    const struct row *row = NULL;

    *at = (struct mt_box_at){.box = MT_BOX_NONE};
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !row; i++)
        if (rows[i].id == update->def->id)
            row = &rows[i];
    if (!row)
        return;
    at->box = (enum mt_box)row->box;
    at->pts = tl_get_int(update, row->pts);
    at->count = row->count != NO_FIELD ? tl_get_int(update, row->count) : at->box == MT_BOX_QTS;
    at->mark = row->id == TL_updateReadChannelInbox;
    if (at->box == MT_BOX_CHANNEL)
        at->channel = channel_of(update, row->channel);
    /* without a place in a sequence it cannot be ordered: qts 0, a message without its channel */
    if (at->pts <= 0 || at->count < 0 || (at->box == MT_BOX_CHANNEL && at->channel <= 0))
        at->box = MT_BOX_NONE;
}

enum mt_fit mt_box_fit(int32_t local, const struct mt_box_at *at)
{
    int64_t end = (int64_t)local + at->count;

    if (at->pts == end)
        return MT_FIT;
    if (at->pts < end)
        return MT_FIT_OLD;
    return at->mark ? MT_FIT : MT_FIT_GAP;
}

void mt_counter_init(struct mt_counter *c, size_t *pool)
{
    *c = (struct mt_counter){.gap_at = MT_NEVER, .pool = pool};
}

static struct mt_waiting *take_first(struct mt_counter *c)
{
    struct mt_waiting *w = c->waiting;

    c->waiting = w->next;
    c->n_waiting--;
    *c->pool -= w->n;
    return w;
}

void mt_counter_fini(struct mt_counter *c)
{
    while (c->waiting)
        free(take_first(c));
    mt_counter_init(c, c->pool);
}

int mt_counter_wait(struct mt_counter *c, const struct mt_box_at *at, int32_t date, uint64_t token,
                    const void *p, size_t n)
{
    struct mt_waiting *w, **where = &c->waiting;

    if (c->n_waiting >= MT_WAITING_MAX || n > MT_WAITING_BYTES - *c->pool)
        return MT_E_TOO_LARGE;
    w = malloc(sizeof *w + n);
    if (!w)
        return MT_E_NOMEM;
    *w = (struct mt_waiting){.at = *at, .date = date, .token = token, .n = n};
    if (n)
        memcpy(w->bytes, p, n);
    while (*where && (int64_t)(*where)->at.pts - (*where)->at.count <= (int64_t)at->pts - at->count)
        where = &(*where)->next;
    w->next = *where;
    *where = w;
    c->n_waiting++;
    *c->pool += n;
    return MT_OK;
}

struct mt_waiting *mt_counter_ready(struct mt_counter *c)
{
    while (c->waiting) {
        struct mt_waiting *w = c->waiting;
        enum mt_fit fit = mt_box_fit(c->value, &w->at);

        if (fit == MT_FIT_GAP)
            return NULL;
        take_first(c);
        if (!c->waiting)
            c->gap_at = MT_NEVER;
        if (fit == MT_FIT)
            return w;
        free(w);
    }
    c->gap_at = MT_NEVER;
    return NULL;
}
