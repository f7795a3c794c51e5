/*
 * Which received messages are still to be acknowledged.
 *
 *     received, odd seqno --+--> pending --> msgs_ack in the next packet
 *                           |       ^
 *        carried an event   +--> held   mt_acks_release(): its content is committed
 *
 * A held message is not acknowledged by anything else: if this process dies, the server sends it again.
 * Pending ids ride along with any outgoing packet; alone they leave when there are 16 of them or 10 s after
 * the first. Source:
 * https://core.telegram.org/mtproto/service_messages_about_messages#acknowledgment-of-receipt
 */
#pragma once

#include "core/env.h"
#include "tl/wire.h"

#define MT_ACKS_FLUSH    16
#define MT_ACKS_DELAY_US (10 * MT_US_PER_S)
#define MT_ACKS_MAX      8192  /* in one msgs_ack */
#define MT_ACKS_HELD_MAX 65536 /* more than that are never acknowledged in this session */
#define MT_ACKS_WAIT_MAX 65536 /* pending ones; the server says the rest again */

/* Rising, each once. */
struct mt_ids {
    uint64_t *v;
    size_t n, cap;
};
/* TL_E_NOMEM; the list is then unchanged. */
int mt_ids_add(struct mt_ids *ids, uint64_t id);
bool mt_ids_has(const struct mt_ids *ids, uint64_t id);
bool mt_ids_remove(struct mt_ids *ids, uint64_t id);
void mt_ids_fini(struct mt_ids *ids);

struct mt_acks {
    struct mt_ids pending;
    struct mt_ids held;
    int64_t due; /* mono; MT_NEVER: nothing is pending */
};

void mt_acks_init(struct mt_acks *a);
void mt_acks_fini(struct mt_acks *a);
/* A new session: what was received in the old one is not acknowledged any more. */
void mt_acks_clear(struct mt_acks *a);
/* To be acknowledged; one that is held stays so, one that is pending is not doubled. Forgets it without
 * memory: the server then says it again. */
void mt_acks_add(struct mt_acks *a, struct mt_now now, uint64_t msg_id);
/* Held from now on. TL_E_NOMEM. */
int mt_acks_hold(struct mt_acks *a, uint64_t msg_id);
void mt_acks_release(struct mt_acks *a, struct mt_now now, uint64_t msg_id);
/* Makes pending ones due at once, before a planned close. */
void mt_acks_flush(struct mt_acks *a, struct mt_now now);
bool mt_acks_due(const struct mt_acks *a, struct mt_now now);
/* Writes one boxed msgs_ack of up to MT_ACKS_MAX of the pending ids and forgets these; writes nothing where
 * none is pending. After an error of `out` nothing was forgotten. */
void mt_acks_take(struct mt_acks *a, struct mt_now now, struct tl_out *out);
