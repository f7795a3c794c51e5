#include "core/mtproto/events.h"

#include <stdlib.h>
#include <string.h>

void mt_events_init(struct mt_events *q)
{
    *q = (struct mt_events){0};
    for (size_t i = 0; i < MT_EVENT_SPARES; i++)
        q->spares[i].spare = true;
}

struct mt_event_node *mt_events_node(void)
{
    return calloc(1, sizeof(struct mt_event_node));
}

void mt_events_node_free(struct mt_event_node *node)
{
    if (!node)
        return;
    if (node->owned && node->event.key)
        mt_wipe(node->owned, sizeof *node->event.key);
    if (node->owned && node->event.job)
        mt_wipe(node->owned, sizeof *node->event.job);
    free(node->owned);
    node->owned = NULL;
    if (node->spare)
        node->used = false;
    else
        free(node);
}

void mt_events_fini(struct mt_events *q)
{
    mt_events_node_free(q->given);
    while (q->head) {
        struct mt_event_node *node = q->head;

        q->head = node->next;
        mt_events_node_free(node);
    }
    *q = (struct mt_events){0};
}

static struct mt_event_node *take_node(struct mt_events *q)
{
    struct mt_event_node *node = mt_events_node();

    for (size_t i = 0; !node && i < MT_EVENT_SPARES; i++)
        if (!q->spares[i].used)
            node = &q->spares[i];
    if (node)
        node->used = true;
    return node;
}

void mt_events_push_node(struct mt_events *q, struct mt_event_node *node, const struct mt_dc_event *event,
                         uint8_t *owned)
{
    node->event = *event;
    node->owned = owned;
    node->next = NULL;
    if (q->tail && q->head)
        q->tail->next = node;
    else
        q->head = node;
    q->tail = node;
}

int mt_events_push_owned(struct mt_events *q, const struct mt_dc_event *event, uint8_t *owned)
{
    struct mt_event_node *node = take_node(q);

    if (!node)
        return MT_E_NOMEM;
    mt_events_push_node(q, node, event, owned);
    return MT_OK;
}

/* The bytes that an event points at, whatever they are. */
static struct tl_slice content(const struct mt_dc_event *event)
{
    if (event->key)
        return (struct tl_slice){.p = (const uint8_t *)event->key, .n = sizeof *event->key};
    if (event->salts)
        return (struct tl_slice){.p = (const uint8_t *)event->salts,
                                 .n = event->n_salts * sizeof event->salts[0]};
    if (event->job)
        return (struct tl_slice){.p = (const uint8_t *)event->job, .n = sizeof *event->job};
    return (struct tl_slice){.p = event->p, .n = event->n};
}

static void repoint(struct mt_dc_event *event, uint8_t *owned)
{
    if (event->key)
        event->key = (const struct mt_auth_key *)(void *)owned;
    else if (event->salts)
        event->salts = (const struct mt_salt *)(void *)owned;
    else if (event->job)
        event->job = (const struct mt_keyx_job *)(void *)owned;
    else
        event->p = owned;
}

int mt_events_push(struct mt_events *q, const struct mt_dc_event *event)
{
    struct tl_slice from = content(event);
    struct mt_dc_event copy = *event;
    uint8_t *owned = NULL;
    int err;

    if (from.n) {
        owned = malloc(from.n);
        if (!owned)
            return MT_E_NOMEM;
        memcpy(owned, from.p, from.n);
        repoint(&copy, owned);
    }
    err = mt_events_push_owned(q, &copy, owned);
    if (err)
        free(owned);
    return err;
}

void mt_events_next(struct mt_events *q, struct mt_dc_event *event)
{
    mt_events_node_free(q->given);
    q->given = q->head;
    if (!q->given) {
        *event = (struct mt_dc_event){.kind = MT_DC_NONE};
        return;
    }
    q->head = q->given->next;
    *event = q->given->event;
}
