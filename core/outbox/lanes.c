/* The lanes: which write stands before which. */
#include "core/outbox/inside.h"

#include <stdlib.h>

static struct mt_ob_lane *lane_for(struct mt_outbox *ob, mt_chat_id chat, bool loose)
{
    struct mt_ob_lane *lane = loose ? NULL : ob->lanes;

    while (lane && (lane->chat != chat || lane->loose))
        lane = lane->next;
    if (lane)
        return lane;
    lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->chat = chat;
    lane->loose = loose;
    lane->next = ob->lanes;
    ob->lanes = lane;
    return lane;
}

int mt_ob_append(struct mt_outbox *ob, struct mt_ob_row *row)
{
    struct mt_ob_lane *lane = lane_for(ob, row->chat, row->flags & MT_SEND_UNORDERED);

    if (!lane)
        return MT_E_NOMEM;
    row->lane = lane;
    row->next = NULL;
    if (lane->last)
        lane->last->next = row;
    else
        lane->first = row;
    lane->last = row;
    ob->n_rows++;
    return MT_OK;
}

void mt_ob_take_out(struct mt_outbox *ob, struct mt_ob_row *row)
{
    struct mt_ob_lane **at = &ob->lanes, *lane = row->lane;
    struct mt_ob_row **place, *before = NULL;

    for (place = &lane->first; *place != row; place = &(*place)->next)
        before = *place;
    *place = row->next;
    if (lane->last == row)
        lane->last = before;
    ob->n_rows--;
    if (lane->first)
        return;
    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    free(lane);
}

void mt_ob_drop_all(struct mt_outbox *ob)
{
    while (ob->lanes) {
        struct mt_ob_row *row = ob->lanes->first;

        mt_ob_take_out(ob, row);
        mt_ob_row_free(row);
    }
}

struct mt_ob_row *mt_ob_by_id(const struct mt_outbox *ob, int64_t id)
{
    for (const struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next)
            if (row->id == id)
                return row;
    return NULL;
}

bool mt_ob_is_next(const struct mt_ob_row *row)
{
    return row->lane->first == row;
}

/* --- slow mode --- */

int64_t mt_ob_slow_until(const struct mt_outbox *ob, struct mt_now now, mt_chat_id chat)
{
    for (size_t i = 0; i < MT_OB_SLOW_MAX; i++)
        if (ob->slow[i].chat == chat && ob->slow[i].until > now.mono)
            return ob->slow[i].until;
    return 0;
}

void mt_ob_slow_note(struct mt_outbox *ob, mt_chat_id chat, int64_t until)
{
    size_t slot = 0;

    /* its own place, else the one that is over first */
    for (size_t i = 0; i < MT_OB_SLOW_MAX; i++) {
        if (ob->slow[i].chat == chat) {
            slot = i;
            break;
        }
        if (ob->slow[i].until < ob->slow[slot].until)
            slot = i;
    }
    ob->slow[slot].chat = chat;
    ob->slow[slot].until = until;
}
