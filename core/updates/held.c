#include "core/updates/engine.h"

#include <stdlib.h>
#include <string.h>

static struct mt_held *copy(const struct mt_held *head, const void *p, size_t n)
{
    struct mt_held *h = malloc(sizeof *h + n);

    if (!h)
        return NULL;
    *h = *head;
    h->next = NULL;
    h->n = n;
    if (n)
        memcpy(h->bytes, p, n);
    return h;
}

static size_t size_of(size_t n)
{
    return sizeof(struct mt_held) + n;
}

static bool has_room(const struct mt_held_list *list, size_t n, size_t limit)
{
    return list->bytes <= limit && size_of(n) <= limit - list->bytes;
}

int mt_held_add(struct mt_held_list *list, const struct mt_held *head, const void *p, size_t n, size_t limit)
{
    struct mt_held *h;

    if (!has_room(list, n, limit))
        return MT_E_TOO_LARGE;
    h = copy(head, p, n);
    if (!h)
        return MT_E_NOMEM;
    if (list->last)
        list->last->next = h;
    else
        list->first = h;
    list->last = h;
    list->bytes += size_of(n);
    return MT_OK;
}

int mt_held_insert(struct mt_held_list *list, const struct mt_held *head, const void *p, size_t n)
{
    struct mt_held **at = &list->first, *h;

    if (!has_room(list, n, MT_HELD_BYTES))
        return MT_E_TOO_LARGE;
    if (list->last && list->last->seq < head->seq) /* nearly always: in order */
        at = &list->last->next;
    while (*at && (*at)->seq < head->seq)
        at = &(*at)->next;
    if (*at && (*at)->seq == head->seq)
        return MT_E_STATE;
    h = copy(head, p, n);
    if (!h)
        return MT_E_NOMEM;
    h->next = *at;
    *at = h;
    if (!h->next)
        list->last = h;
    list->bytes += size_of(n);
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
    list->bytes -= size_of(h->n);
    return h;
}

void mt_held_free(struct mt_held_list *list)
{
    struct mt_held *h;

    while ((h = mt_held_take(list)))
        free(h);
}

/* --- what a difference told --- */

#define TOLD_MAX 4096

/* FNV-1a: tells updates apart, protects nothing. */
static uint64_t digest(const uint8_t *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

void mt_told_add(struct mt_updates *u, const void *p, size_t n)
{
    if (u->n_told == TOLD_MAX)
        return;
    if (u->n_told == u->cap_told) {
        uint64_t *more = realloc(u->told, (u->cap_told * 2 + 8) * sizeof *more);

        if (!more)
            return; /* what is told twice then is told twice */
        u->told = more;
        u->cap_told = u->cap_told * 2 + 8;
    }
    u->told[u->n_told++] = digest(p, n);
}

bool mt_told_has(const struct mt_updates *u, const void *p, size_t n)
{
    uint64_t h = u->n_told ? digest(p, n) : 0;

    for (size_t i = 0; i < u->n_told; i++)
        if (u->told[i] == h)
            return true;
    return false;
}

void mt_told_free(struct mt_updates *u)
{
    free(u->told);
    u->told = NULL;
    u->n_told = u->cap_told = 0;
}
