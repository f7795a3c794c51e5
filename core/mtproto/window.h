/*
 * The ids of the messages received last, inner ones of containers included: what came twice is not processed
 * twice. Sorted; the smallest leaves when it is full, and what is smaller than all of a full window counts as
 * too old to know.
 * Source: https://core.telegram.org/mtproto/security_guidelines#checking-msg-id
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_WINDOW_IDS 1000

struct mt_window {
    size_t n;
    uint64_t ids[MT_WINDOW_IDS];
};

enum mt_seen { MT_SEEN_NEVER, MT_SEEN_BEFORE, MT_SEEN_TOO_OLD };

enum mt_seen mt_window_look(const struct mt_window *w, uint64_t id);
/* Notes an id that mt_window_look() called MT_SEEN_NEVER. */
void mt_window_add(struct mt_window *w, uint64_t id);
