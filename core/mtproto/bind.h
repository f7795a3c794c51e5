/*
 * auth.bindTempAuthKey: the proof, to the server, that one party holds a permanent key and a temporary one.
 *
 *     function  = id | perm_auth_key_id | nonce | expires_at | encrypted_message (104 bytes)
 *     encrypted = perm_auth_key_id 8 | msg_key 16 | IGE( random 16 | msg_id 8 | seqno 0 | 40 | inner 40 |
 * random 8 ) inner     = id | nonce | temp_auth_key_id | perm_auth_key_id | temp_session_id | expires_at
 *
 * Sealed by the rules of MTProto 1.0 under the permanent key. msg_id is that of the message which carries the
 * function, so it is written anew whenever that is sent again.
 * Source: https://core.telegram.org/method/auth.bindTempAuthKey
 */
#pragma once

#include "core/crypto/crypto.h"
#include "core/env.h"
#include "tl/wire.h"

#define MT_BIND_LEN 132 /* the function */

struct mt_binding {
    const struct mt_auth_key *perm, *temp;
    uint64_t session_id;
    uint64_t msg_id;
    int32_t expires_at; /* server time, s */
};

/* Appends MT_BIND_LEN bytes. Draws, in this order: nonce 8, random 16, padding 8. */
void mt_bind_write(const struct mt_env *env, const struct mt_binding *b, struct tl_out *out);
