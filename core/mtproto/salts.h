/*
 * The server salts of one auth key: the one to use now and those of the next hours.
 *
 * A salt is valid from valid_since to valid_until (server time); a message under the one before is accepted
 * for half an hour more. Salts belong to the key, not to the session: they are saved by the owner.
 * Source: https://core.telegram.org/mtproto/service_messages#request-for-several-future-salts
 */
#pragma once

#include "core/mtproto/dc.h"
#include "tl/wire.h"

struct mt_salts {
    struct mt_salt list[MT_SALTS_MAX]; /* by valid_since */
    size_t n;
};

/* A salt told by the server outside of future_salts is good for ten minutes at least. */
#define MT_SALT_TOLD_S 600
/* More are asked for when the last known one ends within this time. */
#define MT_SALTS_LOW_S 3600

/* Saved ones; what is out of order or over MT_SALTS_MAX is left out. */
void mt_salts_init(struct mt_salts *s, const struct mt_salt *list, size_t n);
/* The salt for a message sent at `server_s`; 0 where none is known. Drops what lies behind. */
int64_t mt_salts_now(struct mt_salts *s, int32_t server_s);
/* Whether one is known that is valid at `server_s` by its own dates. */
bool mt_salts_valid(const struct mt_salts *s, int32_t server_s);
/* bad_server_salt: the only one that is known from now on. */
void mt_salts_told(struct mt_salts *s, int64_t salt, int32_t server_s);
/*
 * The body of a future_salts after its id: req_msg_id (returned), now, and a *bare* list. Replaces what is
 * known; where the list starts in the future the present salt stays in front. TL_E_*: nothing was changed.
 */
int mt_salts_read(struct mt_salts *s, struct tl_in *in, uint64_t *req_msg_id, int32_t server_s);
bool mt_salts_low(const struct mt_salts *s, int32_t server_s);
