#include "core/updates/engine.h"

#include <stdlib.h>
#include <string.h>

int mt_held_add(struct mt_held_list *list, const struct mt_held *head, const void *p, size_t n)
{
    struct mt_held *h;

    if (n > MT_HELD_BYTES - list->bytes)
        return MT_E_TOO_LARGE;
    h = malloc(sizeof *h + n);
    if (!h)
        return MT_E_NOMEM;
    *h = *head;
    h->next = NULL;
    h->n = n;
    if (n)
        memcpy(h->bytes, p, n);
    if (list->last)
        list->last->next = h;
    else
        list->first = h;
    list->last = h;
    list->bytes += n;
    return MT_OK;
}

struct mt_held *mt_held_take(struct mt_held_list *list)
{
    struct mt_held *h = list->first;

    if (!h)
        return NULL;
    list->first = h->next;
    if (!list->first)
        list->last = NULL;
    list->bytes -= h->n;
    return h;
}

void mt_held_free(struct mt_held_list *list)
{
    struct mt_held *h;

    while ((h = mt_held_take(list)))
        free(h);
}
