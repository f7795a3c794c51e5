/*
 * A queue of bytes: filled at the end, drained at the front, its content always in one piece. For
 * core/frame and core/proxy. Memory of a burst is given back after a few quiet rounds, so that an idle
 * connection is small and a busy one does not pay for fresh pages with each packet.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct mt_buffer {
    uint8_t *data;
    size_t start, len, cap; /* content is data[start .. start + len) */
    size_t peak;            /* most that lay here since it was last empty */
    int quiet;              /* times in a row that it was emptied having held little */
};

void mt_buffer_fini(struct mt_buffer *b);
/* Room for n more bytes behind the content, not yet counted; NULL: no memory, nothing changed. */
uint8_t *mt_buffer_room(struct mt_buffer *b, size_t n);
/* Counts n bytes that were written into the room. */
void mt_buffer_add(struct mt_buffer *b, size_t n);
void mt_buffer_drop(struct mt_buffer *b, size_t n);

static inline uint8_t *mt_buffer_front(struct mt_buffer *b)
{
    return b->data ? b->data + b->start : NULL;
}
