#include "core/crypto/ciphers.h"
#include "core/crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

struct mt_ctr {
    EVP_CIPHER_CTX *ctx;
};

struct mt_ctr *mt_ctr_new(const uint8_t key[32], const uint8_t iv[16])
{
    struct mt_ctr *ctr = calloc(1, sizeof *ctr);
    EVP_CIPHER *cipher = mt_cipher(MT_AES256_CTR);

    if (!ctr || !cipher)
        goto fail;
    ctr->ctx = EVP_CIPHER_CTX_new();
    if (!ctr->ctx || EVP_EncryptInit_ex2(ctr->ctx, cipher, key, iv, NULL) != 1)
        goto fail;
    return ctr;
fail:
    mt_ctr_free(ctr);
    return NULL;
}

void mt_ctr_apply(struct mt_ctr *ctr, const uint8_t *in, uint8_t *out, size_t n)
{
    while (n) {
        int part = n > 1 << 30 ? 1 << 30 : (int)n;
        int len = 0;

        /* It allocates nothing and cannot fail here; should it, bytes in clear must not go out. */
        if (EVP_EncryptUpdate(ctr->ctx, out, &len, in, part) != 1 || len != part)
            memset(out, 0, (size_t)part);
        in += part;
        out += part;
        n -= (size_t)part;
    }
}

void mt_ctr_free(struct mt_ctr *ctr)
{
    if (!ctr)
        return;
    EVP_CIPHER_CTX_free(ctr->ctx);
    free(ctr);
}
