/*
 * SRP-6a with Telegram's password hash. All numbers are hashed left-padded to 256 bytes. Exponents are plain
 * integers, never reduced.
 */
#include "core/crypto/bignum.h"
#include "core/crypto/crypto.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define ROUNDS 100000

/* SHA256(salt | data | salt) */
static void salted(uint8_t out[32], const void *data, size_t n, const uint8_t *salt, size_t salt_len)
{
    mt_sha256(out, (struct mt_part[]){{salt, salt_len}, {data, n}, {salt, salt_len}}, 3);
}

static int password_hash(const struct mt_srp_params *params, const void *password, size_t len, uint8_t x[32])
{
    uint8_t ph[32], stretched[64];
    int err = MT_OK;

    if (params->salt1_len > INT_MAX)
        return MT_E_ARG;
    salted(ph, password, len, params->salt1, params->salt1_len);
    salted(ph, ph, sizeof ph, params->salt2, params->salt2_len);
    if (PKCS5_PBKDF2_HMAC((const char *)ph, sizeof ph, params->salt1, (int)params->salt1_len, ROUNDS,
                          EVP_sha512(), sizeof stretched, stretched) != 1)
        err = MT_E_CRYPTO;
    else
        salted(x, stretched, sizeof stretched, params->salt2, params->salt2_len);
    mt_wipe(ph, sizeof ph);
    mt_wipe(stretched, sizeof stretched);
    ERR_clear_error();
    return err;
}

static void padded_g(const struct mt_srp_params *params, uint8_t out[256])
{
    memset(out, 0, 256);
    out[255] = (uint8_t)params->g;
}

/* k = H(p | g), the multiplier */
static void multiplier(const struct mt_srp_params *params, uint8_t k[32])
{
    uint8_t g[256];

    padded_g(params, g);
    mt_sha256(k, (struct mt_part[]){{params->prime, 256}, {g, 256}}, 2);
}

/* M1 = H(H(p) ^ H(g) | H(salt1) | H(salt2) | A | B | H(S)) */
static void proof(const struct mt_srp_params *params, const uint8_t a_pub[256], const uint8_t b_pub[256],
                  const uint8_t s[256], uint8_t m1[32])
{
    uint8_t g[256], group[32], hg[32], h1[32], h2[32], key[32];

    padded_g(params, g);
    mt_sha256(group, &(struct mt_part){params->prime, 256}, 1);
    mt_sha256(hg, &(struct mt_part){g, 256}, 1);
    for (size_t i = 0; i < sizeof group; i++)
        group[i] ^= hg[i];
    mt_sha256(h1, &(struct mt_part){params->salt1, params->salt1_len}, 1);
    mt_sha256(h2, &(struct mt_part){params->salt2, params->salt2_len}, 1);
    mt_sha256(key, &(struct mt_part){s, 256}, 1);
    mt_sha256(m1, (struct mt_part[]){{group, 32}, {h1, 32}, {h2, 32}, {a_pub, 256}, {b_pub, 256}, {key, 32}},
              6);
    mt_wipe(key, sizeof key);
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum |= p[i];
    return sum == 0;
}

/* S = (B - k v)^(a + u x) mod p. MT_E_DH: B is k v. */
static int client_secret(const struct mt_srp_params *params, const uint8_t x[32], const uint8_t a[256],
                         const uint8_t u[32], const uint8_t v[256], uint8_t s[256])
{
    uint8_t k[32];
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *p = BN_bin2bn(params->prime, 256, NULL), *t = BN_bin2bn(params->b_pub, 256, NULL);
    BIGNUM *bv = BN_bin2bn(v, 256, NULL), *bx = mt_bn_secret(x, 32), *ba = mt_bn_secret(a, 256);
    BIGNUM *bu = BN_bin2bn(u, 32, NULL), *bk, *e = BN_new();
    int err = MT_E_CRYPTO;

    multiplier(params, k);
    bk = BN_bin2bn(k, sizeof k, NULL);
    if (!ctx || !p || !t || !bv || !bx || !ba || !bu || !bk || !e)
        goto out;
    BN_set_flags(e, BN_FLG_CONSTTIME);
    if (BN_mod_mul(bv, bk, bv, p, ctx) != 1 || BN_mod_sub(t, t, bv, p, ctx) != 1)
        goto out;
    if (BN_is_zero(t)) {
        err = MT_E_DH;
        goto out;
    }
    if (BN_mul(e, bu, bx, ctx) == 1 && BN_add(e, e, ba) == 1 && BN_mod_exp(t, t, e, p, ctx) == 1 &&
        BN_bn2binpad(t, s, 256) == 256)
        err = MT_OK;
out:
    BN_clear_free(e);
    BN_free(bk);
    BN_free(bu);
    BN_clear_free(ba);
    BN_clear_free(bx);
    BN_clear_free(bv);
    BN_clear_free(t);
    BN_free(p);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

/* v = g^x; the exponent is shorter than the others, so its front is zeros. */
static int verifier(const struct mt_srp_params *params, const uint8_t x[32], uint8_t v[256])
{
    uint8_t exp[256] = {0};
    int err;

    memcpy(exp + 224, x, 32);
    err = mt_dh_public(params->prime, params->g, exp, v);
    mt_wipe(exp, sizeof exp);
    return err;
}

int mt_srp_answer(const struct mt_srp_params *params, const void *password, size_t len, const uint8_t a[256],
                  uint8_t a_pub[256], uint8_t m1[32])
{
    uint8_t x[32], u[32], v[256], s[256];
    int err = mt_dh_check_group(params->prime, params->g);

    if (!err)
        err = mt_dh_check_public(params->prime, params->b_pub, 256);
    if (!err)
        err = mt_dh_public(params->prime, params->g, a, a_pub);
    if (!err)
        err = password_hash(params, password, len, x);
    if (err)
        return err;
    mt_sha256(u, (struct mt_part[]){{a_pub, 256}, {params->b_pub, 256}}, 2);
    if (all_zero(u, sizeof u))
        err = MT_E_DH;
    if (!err)
        err = verifier(params, x, v);
    if (!err)
        err = client_secret(params, x, a, u, v, s);
    if (!err)
        proof(params, a_pub, params->b_pub, s, m1);
    mt_wipe(x, sizeof x);
    mt_wipe(v, sizeof v);
    mt_wipe(s, sizeof s);
    return err;
}

int mt_srp_verifier(const struct mt_srp_params *params, const void *password, size_t len, uint8_t v[256])
{
    uint8_t x[32];
    int err = password_hash(params, password, len, x);

    if (!err)
        err = verifier(params, x, v);
    mt_wipe(x, sizeof x);
    return err;
}

int mt_srp_server_public(const struct mt_srp_params *params, const uint8_t v[256], const uint8_t b[256],
                         uint8_t b_pub[256])
{
    uint8_t k[32], gb[256];
    int err = mt_dh_public(params->prime, params->g, b, gb);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = BN_bin2bn(params->prime, 256, NULL), *bv = BN_bin2bn(v, 256, NULL), *bk;
    BIGNUM *r = BN_bin2bn(gb, 256, NULL);

    multiplier(params, k);
    bk = BN_bin2bn(k, sizeof k, NULL);
    if (!err && (!ctx || !p || !bv || !bk || !r || BN_mod_mul(bv, bk, bv, p, ctx) != 1 ||
                 BN_mod_add(r, r, bv, p, ctx) != 1 || BN_bn2binpad(r, b_pub, 256) != 256))
        err = MT_E_CRYPTO;
    BN_clear_free(r);
    BN_free(bk);
    BN_clear_free(bv);
    BN_free(p);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

/* S = (A v^u)^b mod p */
static int server_secret(const struct mt_srp_params *params, const uint8_t v[256], const uint8_t b[256],
                         const uint8_t a_pub[256], const uint8_t u[32], uint8_t s[256])
{
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *p = BN_bin2bn(params->prime, 256, NULL), *bv = BN_bin2bn(v, 256, NULL);
    BIGNUM *ba = BN_bin2bn(a_pub, 256, NULL), *bu = BN_bin2bn(u, 32, NULL), *e = mt_bn_secret(b, 256);
    int err = MT_E_CRYPTO;

    if (!ctx || !p || !bv || !ba || !bu || !e)
        goto out;
    if (BN_is_zero(ba) || BN_cmp(ba, p) >= 0) {
        err = MT_E_DH;
        goto out;
    }
    if (BN_mod_exp(bv, bv, bu, p, ctx) == 1 && BN_mod_mul(bv, bv, ba, p, ctx) == 1 &&
        BN_mod_exp(bv, bv, e, p, ctx) == 1 && BN_bn2binpad(bv, s, 256) == 256)
        err = MT_OK;
out:
    BN_clear_free(e);
    BN_free(bu);
    BN_free(ba);
    BN_clear_free(bv);
    BN_free(p);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

int mt_srp_server_check(const struct mt_srp_params *params, const uint8_t v[256], const uint8_t b[256],
                        const uint8_t *a_pub, size_t a_len, const uint8_t m1[32])
{
    uint8_t padded[256] = {0}, u[32], s[256], want[32];
    int err;

    if (a_len == 0 || a_len > sizeof padded)
        return MT_E_AUTH;
    memcpy(padded + sizeof padded - a_len, a_pub, a_len);
    mt_sha256(u, (struct mt_part[]){{padded, 256}, {params->b_pub, 256}}, 2);
    err = server_secret(params, v, b, padded, u, s);
    if (err)
        return err == MT_E_DH ? MT_E_AUTH : err;
    proof(params, padded, params->b_pub, s, want);
    if (!mt_equal(want, m1, sizeof want))
        err = MT_E_AUTH;
    mt_wipe(s, sizeof s);
    mt_wipe(want, sizeof want);
    return err;
}
