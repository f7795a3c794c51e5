#include "storage/ring.h"

#include <stdlib.h>
#include <string.h>

struct store_mem {
    struct store_event event;
    size_t size;
    uint8_t bytes[]; /* type with its 0, body, raw */
};

static struct store_mem **slot_of(const struct store_ring *r, size_t i)
{
    return &r->slot[(r->head + i) & (r->cap - 1)];
}

static void drop(struct store_ring *r, size_t i)
{
    struct store_mem **slot = slot_of(r, i);

    if (*slot)
        r->bytes -= (*slot)->size;
    free(*slot);
    *slot = NULL;
}

static void clear(struct store_ring *r)
{
    for (size_t i = 0; i < r->n; i++)
        drop(r, i);
    r->n = r->head = 0;
}

void store_ring_fini(struct store_ring *r)
{
    clear(r);
    free(r->slot);
    memset(r, 0, sizeof *r);
}

static bool grow(struct store_ring *r)
{
    size_t cap = r->cap ? r->cap * 2 : 64;
    struct store_mem **slot = calloc(cap, sizeof(struct store_mem *));

    if (!slot)
        return false;
    for (size_t i = 0; i < r->n; i++)
        slot[i] = *slot_of(r, i);
    free(r->slot);
    r->slot = slot;
    r->cap = cap;
    r->head = 0;
    return true;
}

static struct store_mem *copy(const struct store_event *e)
{
    size_t type = strlen(e->type) + 1;
    size_t size = sizeof(struct store_mem) + type + e->body.n + e->raw.n;
    struct store_mem *m = malloc(size);

    if (!m)
        return NULL;
    m->event = *e;
    m->size = size;
    memcpy(m->bytes, e->type, type);
    if (e->body.n)
        memcpy(m->bytes + type, e->body.p, e->body.n);
    if (e->raw.n)
        memcpy(m->bytes + type + e->body.n, e->raw.p, e->raw.n);
    m->event.type = (const char *)m->bytes;
    m->event.body.p = m->bytes + type;
    m->event.raw.p = m->bytes + type + e->body.n;
    return m;
}

void store_ring_push(struct store_ring *r, const struct store_event *e)
{
    struct store_mem *m = NULL;

    if (r->n && e->cursor.number != r->first + r->n)
        clear(r);
    if (r->n < r->cap || grow(r))
        m = copy(e);
    if (!m) {
        clear(r);
        return;
    }
    if (!r->n)
        r->first = e->cursor.number;
    *slot_of(r, r->n++) = m;
    r->bytes += m->size;
    while (r->n && r->bytes > STORE_RING_BYTES) {
        drop(r, 0);
        r->head = (r->head + 1) & (r->cap - 1);
        r->first++;
        r->n--;
    }
}

void store_ring_rollback(struct store_ring *r, uint64_t last)
{
    while (r->n && r->first + r->n - 1 > last)
        drop(r, --r->n);
}

void store_ring_kill(struct store_ring *r, uint64_t number)
{
    if (store_ring_has(r, number))
        drop(r, (size_t)(number - r->first));
}

void store_ring_kill_account(struct store_ring *r, int32_t account)
{
    for (size_t i = 0; i < r->n; i++) {
        struct store_mem *m = *slot_of(r, i);

        if (m && m->event.account == account)
            drop(r, i);
    }
}

const struct store_event *store_ring_at(const struct store_ring *r, uint64_t number)
{
    const struct store_mem *m = *slot_of(r, (size_t)(number - r->first));

    return m ? &m->event : NULL;
}
