/*
 * The queue of events that a data centre's machines have for their owner, in order. One queue is shared by
 * dc.c and its connection, so an owner sees DOWN before the UP that follows it.
 *
 * An event's bytes are copied into its node, or given to it (malloc'ed memory of an inflated answer); they
 * live until the next mt_events_next(). A request brings the node of its end with it from mt_events_node(),
 * so that ending it cannot fail; eight spare nodes serve events without bytes where memory is out.
 */
#pragma once

#include "core/mtproto/dc.h"

struct mt_event_node {
    struct mt_event_node *next;
    struct mt_dc_event event;
    uint8_t *owned; /* malloc'ed, or NULL */
    bool spare;     /* lives in the queue itself */
    bool used;      /* a spare one that is taken */
};

#define MT_EVENT_SPARES 8

struct mt_events {
    struct mt_event_node *head, *tail;
    struct mt_event_node *given; /* what the owner looks at */
    struct mt_event_node spares[MT_EVENT_SPARES];
};

void mt_events_init(struct mt_events *q);
void mt_events_fini(struct mt_events *q);

struct mt_event_node *mt_events_node(void); /* NULL: no memory */
void mt_events_node_free(struct mt_event_node *node);

/* Appends `node`, which holds `event` and owns `owned` from now on. */
void mt_events_push_node(struct mt_events *q, struct mt_event_node *node, const struct mt_dc_event *event,
                         uint8_t *owned);
/*
 * Appends an event with a copy of the bytes that it points at: one of key, job (wiped in the end), salts, or
 * p and n. `text` is static. MT_E_NOMEM: nothing was appended.
 */
int mt_events_push(struct mt_events *q, const struct mt_dc_event *event);
/* The same for bytes that the queue takes over on success. */
int mt_events_push_owned(struct mt_events *q, const struct mt_dc_event *event, uint8_t *owned);
/* The oldest, or MT_DC_NONE. Frees the bytes of the one before. */
void mt_events_next(struct mt_events *q, struct mt_dc_event *event);
