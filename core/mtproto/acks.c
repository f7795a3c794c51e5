#include "core/mtproto/acks.h"

#include <stdlib.h>
#include <string.h>

#include "core/mtproto/ids.h"

/* Index of the first id >= `id`. Servers count up, so it is the end as a rule. */
static size_t place_of(const struct mt_ids *ids, uint64_t id)
{
    size_t lo = 0, hi = ids->n;

    if (!hi || ids->v[hi - 1] < id)
        return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (ids->v[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_at(const struct mt_ids *ids, size_t at, uint64_t id)
{
    return at < ids->n && ids->v[at] == id;
}

int mt_ids_add(struct mt_ids *ids, uint64_t id)
{
    size_t at = place_of(ids, id);

    if (is_at(ids, at, id))
        return TL_OK;
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? ids->cap * 2 : 16;
        uint64_t *v = realloc(ids->v, cap * sizeof *v);

        if (!v)
            return TL_E_NOMEM;
        ids->v = v;
        ids->cap = cap;
    }
    memmove(&ids->v[at + 1], &ids->v[at], (ids->n - at) * sizeof ids->v[0]);
    ids->v[at] = id;
    ids->n++;
    return TL_OK;
}

bool mt_ids_has(const struct mt_ids *ids, uint64_t id)
{
    return is_at(ids, place_of(ids, id), id);
}

bool mt_ids_remove(struct mt_ids *ids, uint64_t id)
{
    size_t at = place_of(ids, id);

    if (!is_at(ids, at, id))
        return false;
    memmove(&ids->v[at], &ids->v[at + 1], (ids->n - at - 1) * sizeof ids->v[0]);
    ids->n--;
    return true;
}

void mt_ids_fini(struct mt_ids *ids)
{
    free(ids->v);
    *ids = (struct mt_ids){0};
}

void mt_acks_init(struct mt_acks *a)
{
    *a = (struct mt_acks){.due = MT_NEVER};
}

void mt_acks_fini(struct mt_acks *a)
{
    mt_ids_fini(&a->pending);
    mt_ids_fini(&a->held);
}

void mt_acks_clear(struct mt_acks *a)
{
    mt_acks_fini(a);
    mt_acks_init(a);
}

void mt_acks_add(struct mt_acks *a, struct mt_now now, uint64_t msg_id)
{
    if (mt_ids_has(&a->held, msg_id) || a->pending.n >= MT_ACKS_WAIT_MAX)
        return;
    if (mt_ids_add(&a->pending, msg_id))
        return;
    if (a->pending.n >= MT_ACKS_FLUSH)
        a->due = now.mono;
    else if (a->due == MT_NEVER)
        a->due = now.mono + MT_ACKS_DELAY_US;
}

int mt_acks_hold(struct mt_acks *a, uint64_t msg_id)
{
    if (a->held.n >= MT_ACKS_HELD_MAX)
        mt_ids_remove(&a->held, a->held.v[0]);
    return mt_ids_add(&a->held, msg_id);
}

void mt_acks_release(struct mt_acks *a, struct mt_now now, uint64_t msg_id)
{
    if (mt_ids_remove(&a->held, msg_id))
        mt_acks_add(a, now, msg_id);
}

void mt_acks_flush(struct mt_acks *a, struct mt_now now)
{
    if (a->pending.n)
        a->due = now.mono;
}

bool mt_acks_due(const struct mt_acks *a, struct mt_now now)
{
    return a->pending.n && a->due <= now.mono;
}

void mt_acks_take(struct mt_acks *a, struct mt_now now, struct tl_out *out)
{
    size_t n = a->pending.n < MT_ACKS_MAX ? a->pending.n : MT_ACKS_MAX;

    if (!n)
        return;
    tl_put_u32(out, MT_ID_MSGS_ACK);
    tl_put_vector(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        tl_put_u64(out, a->pending.v[i]);
    if (out->err)
        return;
    a->pending.n -= n;
    memmove(&a->pending.v[0], &a->pending.v[n], a->pending.n * sizeof a->pending.v[0]);
    a->due = a->pending.n ? now.mono : MT_NEVER;
}
