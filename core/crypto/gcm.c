#include "core/crypto/ciphers.h"
#include "core/crypto/crypto.h"
#include "core/error.h"

static EVP_CIPHER_CTX *begin(const uint8_t key[32], const uint8_t nonce[MT_GCM_NONCE], int encrypt,
                             const void *aad, size_t n_aad)
{
    EVP_CIPHER *cipher = mt_cipher(MT_AES256_GCM);
    EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
    int len;

    if (ctx && EVP_CipherInit_ex2(ctx, cipher, key, nonce, encrypt, NULL) == 1 &&
        (!n_aad || EVP_CipherUpdate(ctx, NULL, &len, aad, (int)n_aad) == 1))
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

int mt_gcm_seal(const uint8_t key[32], const uint8_t nonce[MT_GCM_NONCE], const void *aad, size_t n_aad,
                const uint8_t *in, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = begin(key, nonce, 1, aad, n_aad);
    int len = 0, end = 0;
    bool done = ctx && (!n || EVP_CipherUpdate(ctx, out, &len, in, (int)n) == 1) &&
                EVP_CipherFinal_ex(ctx, out + len, &end) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, MT_GCM_TAG, out + n) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return done ? MT_OK : MT_E_CRYPTO;
}

int mt_gcm_open(const uint8_t key[32], const uint8_t nonce[MT_GCM_NONCE], const void *aad, size_t n_aad,
                const uint8_t *in, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = begin(key, nonce, 0, aad, n_aad);
    uint8_t tag[MT_GCM_TAG];
    int len = 0, end = 0;
    bool same;

    for (int i = 0; i < MT_GCM_TAG; i++)
        tag[i] = in[n + (size_t)i];
    if (!ctx || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, MT_GCM_TAG, tag) != 1 ||
        (n && EVP_CipherUpdate(ctx, out, &len, in, (int)n) != 1)) {
        EVP_CIPHER_CTX_free(ctx);
        mt_wipe(out, n);
        return MT_E_CRYPTO;
    }
    same = EVP_CipherFinal_ex(ctx, out + len, &end) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!same)
        mt_wipe(out, n); /* nothing that was not proven is handed on */
    return same ? MT_OK : MT_E_AUTH;
}
