/* Numbers of up to 256 bytes over libcrypto's BIGNUM; private to core/crypto. */
#pragma once

#include <openssl/bn.h>
#include <stdint.h>

/* A secret exponent: operations on it take constant time. NULL: no memory. Free with BN_clear_free(). */
static inline BIGNUM *mt_bn_secret(const uint8_t *p, int n)
{
    BIGNUM *bn = BN_bin2bn(p, n, NULL);

    if (bn)
        BN_set_flags(bn, BN_FLG_CONSTTIME);
    return bn;
}
