#include "core/crypto/crypto.h"
#include "tl/wire.h"

#include <string.h>

/* salt, session_id, msg_id, seq_no, length and the least padding, rounded up to a block */
#define MIN_PLAIN 48

void mt_auth_key_set(struct mt_auth_key *k, const uint8_t key[MT_KEY_LEN])
{
    uint8_t digest[20];

    memmove(k->key, key, MT_KEY_LEN);
    mt_sha1(digest, &(struct mt_part){k->key, MT_KEY_LEN}, 1);
    k->aux_hash = tl_load64(digest);
    k->id = tl_load64(digest + 12);
    mt_wipe(digest, sizeof digest);
}

void mt_msg_key_large(const uint8_t key[MT_KEY_LEN], enum mt_side sender, const uint8_t *plain, size_t n,
                      uint8_t out[32])
{
    mt_sha256(out, (struct mt_part[]){{key + 88 + sender, 32}, {plain, n}}, 2);
}

void mt_kdf(const uint8_t key[MT_KEY_LEN], enum mt_side sender, const uint8_t msg_key[16],
            uint8_t aes_key[32], uint8_t aes_iv[32])
{
    uint8_t a[32], b[32];

    mt_sha256(a, (struct mt_part[]){{msg_key, 16}, {key + sender, 36}}, 2);
    mt_sha256(b, (struct mt_part[]){{key + 40 + sender, 36}, {msg_key, 16}}, 2);
    memcpy(aes_key, a, 8);
    memcpy(aes_key + 8, b + 8, 16);
    memcpy(aes_key + 24, a + 24, 8);
    memcpy(aes_iv, b, 8);
    memcpy(aes_iv + 8, a + 8, 16);
    memcpy(aes_iv + 24, b + 24, 8);
    mt_wipe(a, sizeof a);
    mt_wipe(b, sizeof b);
}

void mt_kdf_v1(const uint8_t key[MT_KEY_LEN], enum mt_side sender, const uint8_t msg_key[16],
               uint8_t aes_key[32], uint8_t aes_iv[32])
{
    const uint8_t *k = key + sender;
    uint8_t a[20], b[20], c[20], d[20];

    mt_sha1(a, (struct mt_part[]){{msg_key, 16}, {k, 32}}, 2);
    mt_sha1(b, (struct mt_part[]){{k + 32, 16}, {msg_key, 16}, {k + 48, 16}}, 3);
    mt_sha1(c, (struct mt_part[]){{k + 64, 32}, {msg_key, 16}}, 2);
    mt_sha1(d, (struct mt_part[]){{msg_key, 16}, {k + 96, 32}}, 2);
    memcpy(aes_key, a, 8);
    memcpy(aes_key + 8, b + 8, 12);
    memcpy(aes_key + 20, c + 4, 12);
    memcpy(aes_iv, a + 8, 12);
    memcpy(aes_iv + 12, b, 8);
    memcpy(aes_iv + 20, c + 16, 4);
    memcpy(aes_iv + 24, d, 8);
    mt_wipe(a, sizeof a);
    mt_wipe(b, sizeof b);
    mt_wipe(c, sizeof c);
    mt_wipe(d, sizeof d);
}

uint32_t mt_seal(const struct mt_auth_key *k, enum mt_side sender, uint8_t *packet, size_t n)
{
    uint8_t *plain = packet + MT_ENVELOPE_HEAD;
    uint8_t large[32], aes_key[32], aes_iv[32];
    uint32_t token;

    mt_msg_key_large(k->key, sender, plain, n, large);
    tl_store64(packet, k->id);
    memcpy(packet + 8, large + 8, 16);
    mt_kdf(k->key, sender, packet + 8, aes_key, aes_iv);
    mt_ige_encrypt(aes_key, aes_iv, plain, plain, n);
    token = tl_load32(large) | UINT32_C(0x80000000);
    mt_wipe(large, sizeof large);
    mt_wipe(aes_key, sizeof aes_key);
    mt_wipe(aes_iv, sizeof aes_iv);
    return token;
}

int mt_open(const struct mt_auth_key *k, enum mt_side sender, uint8_t *packet, size_t n, uint8_t **plain,
            size_t *plain_len)
{
    uint8_t large[32], aes_key[32], aes_iv[32];
    uint8_t *body = packet + MT_ENVELOPE_HEAD;
    size_t len;
    bool good;

    *plain = NULL;
    *plain_len = 0;
    if (n < MT_ENVELOPE_HEAD + MIN_PLAIN || (n - MT_ENVELOPE_HEAD) % 16 != 0 || tl_load64(packet) != k->id)
        return MT_E_PEER;
    len = n - MT_ENVELOPE_HEAD;
    mt_kdf(k->key, sender, packet + 8, aes_key, aes_iv);
    mt_ige_decrypt(aes_key, aes_iv, body, body, len);
    mt_msg_key_large(k->key, sender, body, len, large);
    good = mt_equal(large + 8, packet + 8, 16);
    mt_wipe(large, sizeof large);
    mt_wipe(aes_key, sizeof aes_key);
    mt_wipe(aes_iv, sizeof aes_iv);
    if (!good) {
        mt_wipe(packet, n);
        return MT_E_AUTH;
    }
    *plain = body;
    *plain_len = len;
    return MT_OK;
}
