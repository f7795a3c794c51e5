/*
 * The server's half of the key exchange: plain packets in, plain packets out, one per connection. Sans-IO.
 *
 *     START --req_pq--> PQ --req_DH_params--> DH --set_client_DH_params--> START, key taken
 *
 * RSA_PAD and the legacy scheme, permanent and temporary keys, the known prime with g = 3. Answers carry
 * random bytes after their object, as real ones do. A repeated request gets the answer that it got before.
 * Anything out of order or malformed is a transport error. Source: https://core.telegram.org/mtproto/auth_key
 */
#pragma once

#include "core/crypto/crypto.h"
#include "tl/wire.h"

struct sb_keyx;

/* What a test may ask an answer to have wrong. */
enum sb_keyx_twist {
    SB_TWIST_NONE,
    SB_TWIST_RETRY,        /* dh_gen_retry */
    SB_TWIST_FAIL,         /* dh_gen_fail */
    SB_TWIST_NONCE,        /* nonce not the client's */
    SB_TWIST_SERVER_NONCE, /* server_nonce changes in between */
    SB_TWIST_INNER_NONCE,  /* nonce inside the encrypted answer */
    SB_TWIST_HASH,         /* SHA-1 of the encrypted answer, or new_nonce_hash, does not match */
    SB_TWIST_FOREIGN,      /* only fingerprints that nobody knows */
    SB_TWIST_PQ,           /* pq is a prime */
    SB_TWIST_G_A_ONE,
    SB_TWIST_G_A_SMALL, /* below 2^1984 */
    SB_TWIST_G_BAD,     /* g = 5, which does not generate the subgroup of this prime */
    SB_TWIST_PRIME,     /* a composite number of 2048 bits */
    SB_TWIST_ZERO_G_A,  /* correct, but g_a begins with a zero byte */
    SB_TWIST_TIME,      /* correct, but server_time is an hour ahead */
};
/* By its name in a fault ("retry", "g_a_one"); -1: none. */
int sb_keyx_twist_by_name(const char *name);

struct sb_new_key {
    uint8_t key[MT_KEY_LEN];
    int64_t salt;
    int32_t expires_in; /* 0: a permanent key */
};

/* `rsa` and env are borrowed. `seed` chooses between correct forms. NULL: no memory. */
struct sb_keyx *sb_keyx_new(const struct mt_env *env, const struct mt_rsa *rsa, int32_t dc_id, uint64_t seed);
void sb_keyx_free(struct sb_keyx *k);

/*
 * Takes one plain packet (auth_key_id 0 in front) and writes the answer's packet to `reply`. 0, or the
 * transport error that ends the connection: -404 malformed or out of order, -444 wrong DC. Where the exchange
 * is complete, *key is filled in and *done set; its owner wipes it.
 */
int sb_keyx_packet(struct sb_keyx *k, struct mt_now at, enum sb_keyx_twist twist, const uint8_t *p, size_t n,
                   struct tl_out *reply, struct sb_new_key *key, bool *done);
