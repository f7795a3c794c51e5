/* A binary heap of points in time, embedded in what waits for them. */
#pragma once

#include "core/env.h"
#include <stdbool.h>

struct rpc_timer {
    int64_t at; /* mono */
    size_t pos; /* place in the heap + 1; 0 = not set */
    void (*fire)(struct rpc_timer *t, struct mt_now now);
};
struct rpc_timers {
    struct rpc_timer **v;
    size_t n, cap;
};

/* Sets or moves; MT_NEVER clears. Without memory for a new place the timer stays unset: false. */
bool rpc_timer_set(struct rpc_timers *ts, struct rpc_timer *t, int64_t at);
void rpc_timer_clear(struct rpc_timers *ts, struct rpc_timer *t);
/* Fires all that are due (each is cleared first). */
void rpc_timers_run(struct rpc_timers *ts, struct mt_now now);
int64_t rpc_timers_next(const struct rpc_timers *ts); /* MT_NEVER: none */
void rpc_timers_fini(struct rpc_timers *ts);
