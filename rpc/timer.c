#include "rpc/timer.h"

#include <stdlib.h>

static void place(struct rpc_timers *ts, struct rpc_timer *t, size_t i)
{
    ts->v[i] = t;
    t->pos = i + 1;
}

static void sift_up(struct rpc_timers *ts, struct rpc_timer *t, size_t i)
{
    for (; i && ts->v[(i - 1) / 2]->at > t->at; i = (i - 1) / 2)
        place(ts, ts->v[(i - 1) / 2], i);
    place(ts, t, i);
}

static void sift_down(struct rpc_timers *ts, struct rpc_timer *t, size_t i)
{
    for (;;) {
        size_t kid = 2 * i + 1;

        if (kid + 1 < ts->n && ts->v[kid + 1]->at < ts->v[kid]->at)
            kid++;
        if (kid >= ts->n || ts->v[kid]->at >= t->at)
            break;
        place(ts, ts->v[kid], i);
        i = kid;
    }
    place(ts, t, i);
}

void rpc_timer_clear(struct rpc_timers *ts, struct rpc_timer *t)
{
    struct rpc_timer *last;
    size_t i;

    if (!t->pos)
        return;
    i = t->pos - 1;
    t->pos = 0;
    last = ts->v[--ts->n];
    if (last == t)
        return;
    if (i && ts->v[(i - 1) / 2]->at > last->at)
        sift_up(ts, last, i);
    else
        sift_down(ts, last, i);
}

bool rpc_timer_set(struct rpc_timers *ts, struct rpc_timer *t, int64_t at)
{
    rpc_timer_clear(ts, t);
    if (at == MT_NEVER)
        return true;
    if (ts->n == ts->cap) {
        size_t cap = ts->cap ? ts->cap * 2 : 64;
        struct rpc_timer **v = realloc(ts->v, cap * sizeof(struct rpc_timer *));

        if (!v)
            return false;
        ts->v = v;
        ts->cap = cap;
    }
    t->at = at;
    sift_up(ts, t, ts->n++);
    return true;
}

void rpc_timers_run(struct rpc_timers *ts, struct mt_now now)
{
    while (ts->n && ts->v[0]->at <= now.mono) {
        struct rpc_timer *t = ts->v[0];

        rpc_timer_clear(ts, t);
        t->fire(t, now);
    }
}

int64_t rpc_timers_next(const struct rpc_timers *ts)
{
    return ts->n ? ts->v[0]->at : MT_NEVER;
}

void rpc_timers_fini(struct rpc_timers *ts)
{
    free(ts->v);
    ts->v = NULL;
    ts->n = ts->cap = 0;
}
