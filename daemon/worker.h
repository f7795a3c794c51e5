/*
 * The two threads beside the loop. One syncs and checkpoints state.db over a connection of its own; one runs
 * computations that would stall the loop (the SRP answer, a foreign safe prime). They share nothing with the
 * loop but two queues; results come back on the loop thread, through one eventfd.
 */
#pragma once

#include "core/account/account.h"
#include "storage/storage.h"

struct event_base;
struct tgd_worker;

struct tgd_worker_ops {
    void *ctx;
    void (*synced)(void *ctx); /* a sync ended; look at store_synced() */
    void (*computed)(void *ctx, int32_t account, uint64_t token, struct mt_job *job);
};

/* Starts both threads. NULL: no memory or threads. */
struct tgd_worker *tgd_worker_new(struct event_base *base, struct store *store,
                                  const struct tgd_worker_ops *ops);
/* Ends what runs, joins, frees jobs that were not handed back. Accepts NULL. */
void tgd_worker_free(struct tgd_worker *w);
/* Asks for a sync; many calls while one runs become one more. */
void tgd_worker_sync(struct tgd_worker *w);
/* Takes the job. MT_E_NOMEM: the job is freed. */
int tgd_worker_compute(struct tgd_worker *w, int32_t account, uint64_t token, struct mt_job *job);
