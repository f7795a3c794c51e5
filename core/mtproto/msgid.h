/*
 * The server's clock as we know it, and the message ids made of it.
 *
 *     msg_id (64 bits) = server time in seconds << 32 | fraction of the second; multiple of 4 for a client,
 *                        1 or 3 modulo 4 for a server
 *
 * The clock is kept against the monotonic one: a jump of this machine's wall clock does not move it.
 * Ids rise strictly within a session, whatever the clock does and however many are made in one microsecond.
 * Source: https://core.telegram.org/mtproto/description#message-identifier-msg-id
 */
#pragma once

#include <stdbool.h>

#include "core/env.h"

struct mt_clock {
    int64_t base_us; /* server time = mono + base */
    uint64_t last;   /* greatest id made in this session */
    bool synced;     /* a verified message or a key exchange told the time; before that it is a guess */
};

/* offset_us: server time - wall. */
void mt_clock_init(struct mt_clock *c, struct mt_now now, int64_t offset_us, bool synced);
/* Server time, µs since 1970. */
int64_t mt_clock_server(const struct mt_clock *c, struct mt_now now);
int64_t mt_clock_offset(const struct mt_clock *c, struct mt_now now); /* server time - wall */
/* A new id, greater than all before. */
uint64_t mt_clock_msg_id(struct mt_clock *c, struct mt_now now);
/*
 * The server's time is that of `server_msg_id`. Returns true where the ids made so far lie so far ahead of it
 * that a server would refuse the next one: the caller then opens a new session (mt_clock_restart).
 */
bool mt_clock_set(struct mt_clock *c, struct mt_now now, uint64_t server_msg_id);
/* A new session: ids may start below `last` again. */
void mt_clock_restart(struct mt_clock *c);

/* Time of an id, µs. */
int64_t mt_msg_id_time(uint64_t msg_id);
/* Greatest id of a time, µs; for bounds. */
uint64_t mt_msg_id_at(int64_t server_us);

/* A received id is refused outside server time -300 s .. +30 s. */
#define MT_WINDOW_PAST_US   (300 * MT_US_PER_S)
#define MT_WINDOW_FUTURE_US (30 * MT_US_PER_S)
