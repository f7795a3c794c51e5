#include "core/crypto/crypto.h"
#include "tl/wire.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BITS 2048

struct mt_rsa {
    BIGNUM *n, *e;
    BIGNUM *d; /* NULL in a public key */
    uint64_t fingerprint;
};

/* libcrypto would ask for the password of an encrypted key at the terminal. */
static int no_password(char *buf, int size, int writing, void *ctx)
{
    return -1;
}

static EVP_PKEY *read_pem(const char *pem, size_t n)
{
    EVP_PKEY *pkey = NULL;
    BIO *bio;

    if (n > INT_MAX)
        return NULL;
    bio = BIO_new_mem_buf(pem, (int)n);
    if (bio)
        pkey = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (!pkey) {
        bio = BIO_new_mem_buf(pem, (int)n);
        if (bio)
            pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
        BIO_free(bio);
    }
    ERR_clear_error();
    return pkey;
}

/* The last 8 bytes of SHA1(bytes n | bytes e), both minimal big-endian. */
static int set_fingerprint(struct mt_rsa *rsa)
{
    uint8_t num[KEY_BITS / 8], digest[20];
    struct tl_out out = {0};
    int err;

    tl_put_bytes(&out, num, (size_t)BN_bn2bin(rsa->n, num));
    tl_put_bytes(&out, num, (size_t)BN_bn2bin(rsa->e, num));
    err = out.err;
    if (!err) {
        mt_sha1(digest, &(struct mt_part){out.data, out.len}, 1);
        rsa->fingerprint = tl_load64(digest + 12);
    }
    tl_out_free(&out);
    return err;
}

struct mt_rsa *mt_rsa_from_pem(const char *pem, size_t n)
{
    struct mt_rsa *rsa = calloc(1, sizeof *rsa);
    EVP_PKEY *pkey = read_pem(pem, n);

    if (!rsa || !pkey || !EVP_PKEY_is_a(pkey, "RSA") ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &rsa->n) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &rsa->e) != 1)
        goto fail;
    if (BN_num_bits(rsa->n) != KEY_BITS || !BN_is_odd(rsa->n) || BN_num_bits(rsa->e) > 64 ||
        !BN_is_odd(rsa->e) || BN_is_one(rsa->e))
        goto fail;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &rsa->d) == 1)
        BN_set_flags(rsa->d, BN_FLG_CONSTTIME);
    if (set_fingerprint(rsa))
        goto fail;
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return rsa;
fail:
    EVP_PKEY_free(pkey);
    mt_rsa_free(rsa);
    ERR_clear_error();
    return NULL;
}

uint64_t mt_rsa_fingerprint(const struct mt_rsa *rsa)
{
    return rsa->fingerprint;
}

void mt_rsa_free(struct mt_rsa *rsa)
{
    if (!rsa)
        return;
    BN_free(rsa->n);
    BN_free(rsa->e);
    BN_clear_free(rsa->d);
    free(rsa);
}

/* out = in ^ exp mod n. MT_E_PEER: `in` is not below n. */
static int raw(const struct mt_rsa *rsa, const BIGNUM *exp, const uint8_t in[256], uint8_t out[256])
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *m = BN_bin2bn(in, 256, NULL);
    BIGNUM *r = BN_new();
    int err = MT_E_CRYPTO;

    if (ctx && m && r) {
        if (BN_cmp(m, rsa->n) >= 0)
            err = MT_E_PEER;
        else if (BN_mod_exp(r, m, exp, rsa->n, ctx) == 1 && BN_bn2binpad(r, out, 256) == 256)
            err = MT_OK;
    }
    BN_clear_free(r);
    BN_clear_free(m);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

static const uint8_t zero_iv[32];

/* Steps e to h of RSA_PAD for one temporary key: the 256 bytes that are raised to e. */
static void pad(const uint8_t temp_key[32], const uint8_t padded[192], uint8_t m[256])
{
    uint8_t hashed[224], digest[32];

    for (size_t i = 0; i < 192; i++)
        hashed[i] = padded[191 - i];
    mt_sha256(hashed + 192, (struct mt_part[]){{temp_key, 32}, {padded, 192}}, 2);
    mt_ige_encrypt(temp_key, zero_iv, hashed, m + 32, sizeof hashed);
    mt_sha256(digest, &(struct mt_part){m + 32, sizeof hashed}, 1);
    for (size_t i = 0; i < 32; i++)
        m[i] = temp_key[i] ^ digest[i];
    mt_wipe(hashed, sizeof hashed);
    mt_wipe(digest, sizeof digest);
}

int mt_rsa_pad_encrypt(const struct mt_rsa *rsa, const struct mt_env *env, const uint8_t *data, size_t n,
                       uint8_t out[256])
{
    uint8_t padded[192], temp_key[32], m[256];
    int err;

    if (n > 144)
        return MT_E_ARG;
    memcpy(padded, data, n);
    env->random(env->ctx, padded + n, sizeof padded - n);
    /* A modulus of 2048 bits is over half of all numbers: a random source that works ends this soon. */
    for (int tries = 0; tries < 256; tries++) {
        env->random(env->ctx, temp_key, sizeof temp_key);
        pad(temp_key, padded, m);
        err = raw(rsa, rsa->e, m, out);
        if (err != MT_E_PEER)
            break;
    }
    if (err == MT_E_PEER)
        err = MT_E_CRYPTO;
    mt_wipe(padded, sizeof padded);
    mt_wipe(temp_key, sizeof temp_key);
    mt_wipe(m, sizeof m);
    return err;
}

int mt_rsa_pad_decrypt(const struct mt_rsa *priv, const uint8_t in[256], uint8_t data[192])
{
    uint8_t m[256], temp_key[32], digest[32], hashed[224];
    int err;

    if (!priv->d)
        return MT_E_ARG;
    err = raw(priv, priv->d, in, m);
    if (err)
        return err;
    mt_sha256(digest, &(struct mt_part){m + 32, sizeof hashed}, 1);
    for (size_t i = 0; i < 32; i++)
        temp_key[i] = m[i] ^ digest[i];
    mt_ige_decrypt(temp_key, zero_iv, m + 32, hashed, sizeof hashed);
    for (size_t i = 0; i < 192; i++)
        data[i] = hashed[191 - i];
    mt_sha256(digest, (struct mt_part[]){{temp_key, 32}, {data, 192}}, 2);
    if (!mt_equal(digest, hashed + 192, 32)) {
        mt_wipe(data, 192);
        err = MT_E_AUTH;
    }
    mt_wipe(m, sizeof m);
    mt_wipe(temp_key, sizeof temp_key);
    mt_wipe(hashed, sizeof hashed);
    return err;
}

/* The hash covers the value without its random tail. Values are TL, so their length is a multiple of 4. */
static bool legacy_hash_matches(const uint8_t hash[20], const uint8_t data[235])
{
    uint8_t digest[20];

    for (size_t n = 4; n <= 235; n += 4) {
        mt_sha1(digest, &(struct mt_part){data, n}, 1);
        if (mt_equal(digest, hash, sizeof digest))
            return true;
    }
    return false;
}

int mt_rsa_legacy_decrypt(const struct mt_rsa *priv, const uint8_t in[256], uint8_t data[235])
{
    uint8_t m[256];
    int err;

    if (!priv->d)
        return MT_E_ARG;
    err = raw(priv, priv->d, in, m);
    if (err)
        return err;
    if (m[0] != 0 || !legacy_hash_matches(m + 1, m + 21))
        err = MT_E_AUTH;
    else
        memcpy(data, m + 21, 235);
    mt_wipe(m, sizeof m);
    return err;
}

char *mt_rsa_public_pem(const struct mt_rsa *rsa)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIO *bio = BIO_new(BIO_s_mem());
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;
    char *text, *pem = NULL;
    long len;

    if (!bld || !ctx || !bio || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, rsa->n) != 1 ||
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, rsa->e) != 1)
        goto out;
    params = OSSL_PARAM_BLD_to_param(bld);
    if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1 ||
        PEM_write_bio_PUBKEY(bio, pkey) != 1)
        goto out;
    len = BIO_get_mem_data(bio, &text);
    if (len > 0)
        pem = strndup(text, (size_t)len);
out:
    EVP_PKEY_free(pkey);
    OSSL_PARAM_free(params);
    BIO_free(bio);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(bld);
    ERR_clear_error();
    return pem;
}
