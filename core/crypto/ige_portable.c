/*
 * AES-256-IGE through libcrypto. Encryption is CBC in disguise: with d_i = c_i ^ p_(i-1),
 *
 *     d_i = E((p_i ^ p_(i-2)) ^ d_(i-1)),   d_0 = c_0, p_(-1) = 0
 *
 * so one bulk CBC call over p_i ^ p_(i-2) does the serial work. Decryption feeds outputs of the inverse
 * cipher forward, which no library mode does: one ECB call for each block.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/crypto/ciphers.h"
#include "core/crypto/crypto.h"
#include "core/crypto/ige_backend.h"

#include <openssl/aes.h>
#include <string.h>

#define CHUNK 4096

static void xor_block(uint8_t *out, const uint8_t *a, const uint8_t *b)
{
    uint64_t u[2], v[2];

    memcpy(u, a, 16);
    memcpy(v, b, 16);
    u[0] ^= v[0];
    u[1] ^= v[1];
    memcpy(out, u, 16);
}

/* A context ready for use, or NULL. */
static EVP_CIPHER_CTX *start(enum mt_cipher mode, const uint8_t *key, const uint8_t *iv, int encrypt)
{
    EVP_CIPHER *cipher = mt_cipher(mode);
    EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;

    if (!ctx)
        return NULL;
    if (EVP_CipherInit_ex2(ctx, cipher, key, iv, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* Returns how many bytes are done; the chain values are then those of the next block. */
static size_t encrypt_cbc(EVP_CIPHER_CTX *ctx, uint8_t x1[16], uint8_t y1[16], const uint8_t *in,
                          uint8_t *out, size_t n)
{
    uint8_t q[CHUNK], x[16], x2[16] = {0};
    size_t at, m;
    int len;

    for (at = 0; at < n; at += m) {
        uint8_t head[16];

        m = n - at < CHUNK ? n - at : CHUNK;
        memcpy(head, x1, 16);
        for (size_t i = 0; i < m; i += 16) {
            xor_block(q + i, in + at + i, x2);
            memcpy(x2, x1, 16);
            memcpy(x1, in + at + i, 16);
        }
        if (EVP_EncryptUpdate(ctx, q, &len, q, (int)m) != 1 || len != (int)m) {
            memcpy(x1, head, 16);
            break;
        }
        for (size_t i = 0; i < m; i += 16) {
            memcpy(x, in + at + i, 16);
            xor_block(out + at + i, q + i, head);
            memcpy(head, x, 16);
        }
        memcpy(y1, out + at + m - 16, 16);
    }
    mt_wipe(q, sizeof q);
    mt_wipe(x, sizeof x);
    mt_wipe(x2, sizeof x2);
    return at;
}

/*
 * Without memory for a context: the block function itself, which needs none. Slow, but the caller has no way
 * to go on with a packet that is neither encrypted nor refused.
 */
static void chain_by_block(const uint8_t *key, uint8_t x1[16], uint8_t y1[16], const uint8_t *in,
                           uint8_t *out, size_t n, bool encrypt)
{
    AES_KEY schedule;
    uint8_t x[16], t[16];

    if (encrypt)
        AES_set_encrypt_key(key, 256, &schedule);
    else
        AES_set_decrypt_key(key, 256, &schedule);
    for (size_t i = 0; i < n; i += 16) {
        memcpy(x, in + i, 16);
        xor_block(t, x, y1);
        if (encrypt)
            AES_encrypt(t, t, &schedule);
        else
            AES_decrypt(t, t, &schedule);
        xor_block(y1, t, x1);
        memcpy(out + i, y1, 16);
        memcpy(x1, x, 16);
    }
    mt_wipe(&schedule, sizeof schedule);
    mt_wipe(x, sizeof x);
    mt_wipe(t, sizeof t);
}

/* Returns how many bytes are done; the chain values are then those of the next block. */
static size_t decrypt_ecb(EVP_CIPHER_CTX *ctx, uint8_t x1[16], uint8_t y1[16], const uint8_t *in,
                          uint8_t *out, size_t n)
{
    uint8_t x[16], t[16];
    size_t i;
    int len;

    for (i = 0; i < n; i += 16) {
        memcpy(x, in + i, 16);
        xor_block(t, x, y1);
        if (EVP_DecryptUpdate(ctx, t, &len, t, 16) != 1 || len != 16)
            break;
        xor_block(y1, t, x1);
        memcpy(out + i, y1, 16);
        memcpy(x1, x, 16);
    }
    mt_wipe(x, sizeof x);
    mt_wipe(t, sizeof t);
    return i;
}

void mt_ige_portable(const uint8_t key[32], const uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t n,
                     bool encrypt)
{
    uint8_t x1[16], y1[16];
    EVP_CIPHER_CTX *ctx;
    size_t done = 0;

    memcpy(x1, encrypt ? iv + 16 : iv, 16);
    memcpy(y1, encrypt ? iv : iv + 16, 16);
    ctx = start(encrypt ? MT_AES256_CBC : MT_AES256_ECB, key, encrypt ? iv : NULL, encrypt);
    if (ctx && encrypt)
        done = encrypt_cbc(ctx, x1, y1, in, out, n);
    else if (ctx)
        done = decrypt_ecb(ctx, x1, y1, in, out, n);
    if (done < n)
        chain_by_block(key, x1, y1, in + done, out + done, n - done, encrypt);
    EVP_CIPHER_CTX_free(ctx);
    mt_wipe(x1, sizeof x1);
    mt_wipe(y1, sizeof y1);
}
