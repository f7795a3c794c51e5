#include "core/mtproto/msgid.h"

/* A server takes ids up to 30 s ahead of it; half of that leaves room for the way. */
#define AHEAD_MAX_US (15 * MT_US_PER_S)

void mt_clock_init(struct mt_clock *c, struct mt_now now, int64_t offset_us, bool synced)
{
    *c = (struct mt_clock){.base_us = now.wall + offset_us - now.mono, .synced = synced};
}

int64_t mt_clock_server(const struct mt_clock *c, struct mt_now now)
{
    return now.mono + c->base_us;
}

int64_t mt_clock_offset(const struct mt_clock *c, struct mt_now now)
{
    return mt_clock_server(c, now) - now.wall;
}

uint64_t mt_msg_id_at(int64_t server_us)
{
    uint64_t us = server_us > 0 ? (uint64_t)server_us : 0;
    uint64_t s = us / (uint64_t)MT_US_PER_S;
    uint64_t fraction = us % (uint64_t)MT_US_PER_S;

    return s << 32 | (fraction << 32) / (uint64_t)MT_US_PER_S;
}

int64_t mt_msg_id_time(uint64_t msg_id)
{
    uint64_t s = msg_id >> 32;
    uint64_t fraction = msg_id & UINT32_MAX;

    return (int64_t)(s * (uint64_t)MT_US_PER_S + ((fraction * (uint64_t)MT_US_PER_S) >> 32));
}

uint64_t mt_clock_msg_id(struct mt_clock *c, struct mt_now now)
{
    uint64_t id = mt_msg_id_at(mt_clock_server(c, now)) & ~UINT64_C(3);

    if (id <= c->last)
        id = c->last + 4;
    c->last = id;
    return id;
}

bool mt_clock_set(struct mt_clock *c, struct mt_now now, uint64_t server_msg_id)
{
    int64_t server = mt_msg_id_time(server_msg_id);

    c->base_us = server - now.mono;
    c->synced = true;
    return c->last && mt_msg_id_time(c->last) > server + AHEAD_MAX_US;
}

void mt_clock_restart(struct mt_clock *c)
{
    c->last = 0;
}
