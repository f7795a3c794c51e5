/*
 * The one-shot contexts of libcrypto's SHA functions live on our stack: unlike EVP's they need no memory, so
 * a digest cannot fail, and short messages do not pay for an allocation. They use the CPU's SHA instructions.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

void mt_sha1(uint8_t out[20], const struct mt_part *parts, size_t n_parts)
{
    SHA_CTX ctx;

    SHA1_Init(&ctx);
    for (size_t i = 0; i < n_parts; i++)
        SHA1_Update(&ctx, parts[i].p, parts[i].n);
    SHA1_Final(out, &ctx);
    mt_wipe(&ctx, sizeof ctx);
}

void mt_sha256(uint8_t out[32], const struct mt_part *parts, size_t n_parts)
{
    SHA256_CTX ctx;

    SHA256_Init(&ctx);
    for (size_t i = 0; i < n_parts; i++)
        SHA256_Update(&ctx, parts[i].p, parts[i].n);
    SHA256_Final(out, &ctx);
    mt_wipe(&ctx, sizeof ctx);
}

void mt_hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const struct mt_part *parts,
                    size_t n_parts)
{
    uint8_t block[SHA256_CBLOCK] = {0};
    uint8_t inner[32];
    SHA256_CTX ctx;

    if (key_len > sizeof block)
        mt_sha256(block, &(struct mt_part){key, key_len}, 1);
    else if (key_len)
        memcpy(block, key, key_len);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, block, sizeof block);
    for (size_t i = 0; i < n_parts; i++)
        SHA256_Update(&ctx, parts[i].p, parts[i].n);
    SHA256_Final(inner, &ctx);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    mt_sha256(out, (struct mt_part[]){{block, sizeof block}, {inner, sizeof inner}}, 2);
    mt_wipe(&ctx, sizeof ctx);
    mt_wipe(block, sizeof block);
    mt_wipe(inner, sizeof inner);
}

bool mt_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

void mt_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}
