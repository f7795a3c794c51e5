/*
 * Which counter an Update belongs to, and the rule of a counter.
 *
 *     local L, update P, count C          delivered      L afterwards
 *     P == L + C                          yes            P
 *     P == L, C == 0 (a read mark)        yes            L
 *     P <  L + C                          no, is old     L
 *     P >  L + C                          waits          L
 *     updateReadChannelInbox, P > L       yes            L      (it has no count and must not make a gap;
 *                                                          nor does a channel begin with it)
 *
 * qts counts by one each; qts 0 stands outside. Source: protocol.md 8.2, 8.3.
 */
#pragma once

#include "core/env.h"
#include "tl/view.h"

enum mt_box { MT_BOX_NONE, MT_BOX_COMMON, MT_BOX_QTS, MT_BOX_CHANNEL };

struct mt_box_at {
    enum mt_box box;
    int64_t channel; /* CHANNEL only */
    int32_t pts, count;
    bool mark; /* updateReadChannelInbox */
};
/* MT_BOX_NONE: delivered as it comes. */
void mt_box_of(const struct tl_view *update, struct mt_box_at *at);

enum mt_fit { MT_FIT, MT_FIT_OLD, MT_FIT_GAP };
enum mt_fit mt_box_fit(int32_t local, const struct mt_box_at *at);

/* One update that is ahead of its counter; heap. */
struct mt_waiting {
    struct mt_waiting *next;
    struct mt_box_at at;
    int32_t date;
    uint64_t token;
    size_t n; /* 0: a count without an update (affectedMessages) */
    uint8_t bytes[];
};

struct mt_counter {
    int32_t value;
    bool known;
    unsigned fruitless;         /* differences in a row that did not close a gap */
    struct mt_waiting *waiting; /* by P - C */
    size_t n_waiting;
    size_t *pool;   /* bytes that wait in all counters of the account */
    int64_t gap_at; /* mono when a gap becomes a difference; MT_NEVER: no gap */
};
#define MT_WAITING_MAX   2000               /* in one counter */
#define MT_WAITING_BYTES ((size_t)16 << 20) /* in all counters of an account */

void mt_counter_init(struct mt_counter *c, size_t *pool);
void mt_counter_fini(struct mt_counter *c); /* frees what waits */
/* Keeps an update; MT_E_TOO_LARGE: too many wait, MT_E_NOMEM: then only a difference brings it. */
int mt_counter_wait(struct mt_counter *c, const struct mt_box_at *at, int32_t date, uint64_t token,
                    const void *p, size_t n);
/*
 * Takes the first that fits now out of the list (old ones are freed on the way), to be freed by the caller;
 * NULL: none. Clears gap_at where nothing waits any more.
 */
struct mt_waiting *mt_counter_ready(struct mt_counter *c);
