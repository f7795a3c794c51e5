/*
 * How long the loop's turns take, for getMetrics: counts by length, so that quantiles cost no memory and no
 * sorting. Lengths are µs; a quantile is right to an eighth of its value.
 */
#pragma once

#include <stdint.h>

#define TGD_SPREAD_CELLS 240

struct json_t;

struct tgd_spread {
    uint64_t n, sum;
    uint32_t max;
    uint32_t cells[TGD_SPREAD_CELLS];
};
void tgd_spread_add(struct tgd_spread *s, int64_t us);
/* The length that `part` of 1,000,000 do not exceed; 0 where there are none. */
uint32_t tgd_spread_at(const struct tgd_spread *s, uint32_t part);
/* {"total", "sum_us", "p50_us", "p99_us", "p999_us", "max_us"}: a new reference. */
struct json_t *tgd_spread_json(const struct tgd_spread *s);

/*
 * The turns of this process. `cpu` is what the loop's thread worked, whoever else had the processor; `stall`
 * is what a client sees: from waking up to being back in the poll, with all that kept the thread from
 * running.
 */
struct tgd_turns {
    struct tgd_spread cpu, stall;
    int64_t cpu_before; /* of the thread, at the end of the last turn; 0 = none yet */
};
/* At the end of a turn that began (tgd_now()) at `began`, 0 = unknown. */
void tgd_turns_ended(struct tgd_turns *t, int64_t began);
