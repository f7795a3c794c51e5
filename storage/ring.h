/*
 * The newest events of the journal in memory, so that a live subscriber does not touch the disk. Dense: the
 * event `number` is in slot number - first; a slot whose event left early (expired, account removed) is
 * empty. Holds the events of the open turn too; who reads stops at the last committed one.
 */
#pragma once

#include "storage/storage.h"

#define STORE_RING_BYTES (1024 * 1024)

struct store_mem; /* one event with its bytes */

struct store_ring {
    struct store_mem **slot; /* cap is a power of two */
    size_t cap, head, n;
    uint64_t first; /* number of the oldest slot; meaningful where n > 0 */
    size_t bytes;
};

void store_ring_fini(struct store_ring *r);
/*
 * Copies the event in; old ones leave beyond STORE_RING_BYTES. Without memory the ring is emptied instead: it
 * only saves work.
 */
void store_ring_push(struct store_ring *r, const struct store_event *e);
/* Takes back what was pushed after `last`. */
void store_ring_rollback(struct store_ring *r, uint64_t last);
/* The event goes, its slot stays. */
void store_ring_kill(struct store_ring *r, uint64_t number);
/* Forgets all of one account. */
void store_ring_kill_account(struct store_ring *r, int32_t account);
static inline bool store_ring_has(const struct store_ring *r, uint64_t number)
{
    return r->n && number >= r->first && number - r->first < r->n;
}
/* NULL: the slot is empty. Only where store_ring_has(). */
const struct store_event *store_ring_at(const struct store_ring *r, uint64_t number);
