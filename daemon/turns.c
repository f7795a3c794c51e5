#include "daemon/turns.h"

#include <jansson.h>
#include <time.h>

#include "daemon/edge.h"

/* Eight cells for each power of two from 8 on; below that one for each number. */
static uint32_t cell_of(uint32_t us)
{
    uint32_t e;

    if (us < 8)
        return us;
    e = 31 - (uint32_t)__builtin_clz(us);
    return (e - 2) * 8 + (us >> (e - 3) & 7);
}

/* The largest number that falls into a cell. */
static uint32_t end_of(uint32_t cell)
{
    uint32_t shift = cell / 8;

    return shift < 1 ? cell : (uint32_t)(((UINT64_C(8) + cell % 8 + 1) << (shift - 1)) - 1);
}

void tgd_spread_add(struct tgd_spread *s, int64_t us)
{
    uint32_t v = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;

    s->n++;
    s->sum += v;
    if (v > s->max)
        s->max = v;
    s->cells[cell_of(v)]++;
}

uint32_t tgd_spread_at(const struct tgd_spread *s, uint32_t part)
{
    uint64_t want = (s->n * part + 999999) / 1000000, seen = 0;

    for (uint32_t i = 0; i < TGD_SPREAD_CELLS && s->n; i++) {
        seen += s->cells[i];
        if (seen >= want && seen)
            return end_of(i) < s->max ? end_of(i) : s->max;
    }
    return s->max;
}

struct json_t *tgd_spread_json(const struct tgd_spread *s)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "total", (json_int_t)s->n, "sum_us", (json_int_t)s->sum,
                     "p50_us", (json_int_t)tgd_spread_at(s, 500000), "p99_us",
                     (json_int_t)tgd_spread_at(s, 990000), "p999_us", (json_int_t)tgd_spread_at(s, 999000),
                     "max_us", (json_int_t)s->max);
}

void tgd_turns_ended(struct tgd_turns *t, int64_t began)
{
    struct timespec ts;
    int64_t cpu;

    if (began)
        tgd_spread_add(&t->stall, tgd_now().mono - began);
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts))
        return;
    cpu = (int64_t)ts.tv_sec * MT_US_PER_S + ts.tv_nsec / 1000;
    if (t->cpu_before)
        tgd_spread_add(&t->cpu, cpu - t->cpu_before);
    t->cpu_before = cpu;
}
