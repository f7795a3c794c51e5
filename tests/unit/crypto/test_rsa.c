#include "tests/unit/check.h"
#include "tests/unit/fake_env.h"
#include "tests/unit/vectors.h"
#include "core/crypto/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#define SAMPLE "crypto/keyx.txt"

static struct mt_rsa *load(const char *file)
{
    char path[64];
    struct mt_rsa *rsa;
    char *pem;
    size_t n;

    snprintf(path, sizeof path, "crypto/%s.pem", file);
    pem = vector_file(path, &n);
    rsa = mt_rsa_from_pem(pem, n);
    free(pem);
    return rsa;
}

static void published_keys_have_their_fingerprints(void **state)
{
    static const struct {
        const char *file;
        uint64_t fingerprint;
    } row[] = {
        {"production", UINT64_C(0xd09d1d85de64fd85)},
        {"test", UINT64_C(0xb25898df208d2603)},
        {"legacy_a", UINT64_C(0x0bc35f3509f7b7a5)},
        {"legacy_b", UINT64_C(0xc3b42b026ce86b21)},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct mt_rsa *rsa = load(row[i].file);

        assert_non_null(rsa);
        assert_true(mt_rsa_fingerprint(rsa) == row[i].fingerprint);
        mt_rsa_free(rsa);
    }
}

static void every_pem_form_of_a_key_is_read(void **state)
{
    struct mt_rsa *a = load("private"), *b = load("private_pkcs8"), *c;
    char *pem;

    assert_non_null(a);
    assert_non_null(b);
    pem = mt_rsa_public_pem(a);
    assert_non_null(pem);
    c = mt_rsa_from_pem(pem, strlen(pem));
    assert_non_null(c);
    assert_true(mt_rsa_fingerprint(a) == mt_rsa_fingerprint(b));
    assert_true(mt_rsa_fingerprint(a) == mt_rsa_fingerprint(c));
    free(pem);
    mt_rsa_free(a);
    mt_rsa_free(b);
    mt_rsa_free(c);
}

static void what_is_not_such_a_key_is_refused(void **state)
{
    static const char *const file[] = {"short", "not_rsa", "locked"};

    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        assert_null(load(file[i]));
    assert_null(mt_rsa_from_pem("", 0));
    assert_null(mt_rsa_from_pem("hello", 5));
    mt_rsa_free(NULL);
}

static void padding_matches_the_vector(void **state)
{
    struct mt_rsa *rsa = load("production");
    uint8_t inner[100], padding[92], zero[32] = {0}, want[256], got[256];
    struct fake_env f;

    fake_env_init(&f, 1);
    vector_exact(SAMPLE, "inner_data", inner, sizeof inner);
    vector_exact(SAMPLE, "rsa_padding", padding, sizeof padding);
    vector_exact(SAMPLE, "rsa_encrypted", want, sizeof want);
    fake_env_will_draw(&f, padding, sizeof padding);
    fake_env_will_draw(&f, zero, sizeof zero);
    assert_int_equal(mt_rsa_pad_encrypt(rsa, &f.env, inner, sizeof inner, got), MT_OK);
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(f.script_at, f.script_len);
    mt_rsa_free(rsa);
}

/* A number above the modulus is seen in the script: more than one temporary key was drawn. */
static void a_number_over_the_modulus_takes_another_key(void **state)
{
    struct mt_rsa *rsa = load("test"), *priv = load("private");
    uint8_t data[144] = {1, 2, 3}, out[256], back[192];
    int more = 0;

    for (uint64_t seed = 0; seed < 64; seed++) {
        struct fake_env f;
        uint8_t junk[1024];

        fake_env_init(&f, seed);
        fake_env_random(&f, junk, sizeof junk);
        fake_env_will_draw(&f, junk, sizeof junk);
        assert_int_equal(mt_rsa_pad_encrypt(rsa, &f.env, data, 100, out), MT_OK);
        more += f.script_at > 92 + 32;
        assert_int_equal(mt_rsa_pad_encrypt(priv, &f.env, data, sizeof data, out), MT_OK);
        assert_int_equal(mt_rsa_pad_decrypt(priv, out, back), MT_OK);
        assert_memory_equal(back, data, sizeof data);
    }
    assert_true(more > 0);
    mt_rsa_free(rsa);
    mt_rsa_free(priv);
}

static void the_server_half_refuses_what_was_changed(void **state)
{
    struct mt_rsa *priv = load("private"), *public = load("test");
    uint8_t data[100] = {9}, out[256], back[192];
    struct fake_env f;

    fake_env_init(&f, 3);
    assert_int_equal(mt_rsa_pad_encrypt(priv, &f.env, data, sizeof data, out), MT_OK);
    out[255] ^= 1;
    assert_int_equal(mt_rsa_pad_decrypt(priv, out, back), MT_E_AUTH);
    memset(out, 0xff, sizeof out);
    assert_int_equal(mt_rsa_pad_decrypt(priv, out, back), MT_E_PEER);
    assert_int_equal(mt_rsa_pad_decrypt(public, out, back), MT_E_ARG);
    assert_int_equal(mt_rsa_pad_encrypt(priv, &f.env, back, 145, out), MT_E_ARG);
    mt_rsa_free(priv);
    mt_rsa_free(public);
}

/* The client of the legacy scheme exists here only. */
static void legacy_encrypt(const struct mt_rsa *rsa, const uint8_t m[256], uint8_t out[256])
{
    char *pem = mt_rsa_public_pem(rsa);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIGNUM *n = NULL, *e = NULL, *x = BN_bin2bn(m, 256, NULL);
    BN_CTX *ctx = BN_CTX_new();

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e), 1);
    assert_int_equal(BN_mod_exp(x, x, e, n, ctx), 1);
    assert_int_equal(BN_bn2binpad(x, out, 256), 256);
    BN_CTX_free(ctx);
    BN_free(n);
    BN_free(e);
    BN_free(x);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    free(pem);
}

static void the_legacy_scheme_is_told_by_its_hash(void **state)
{
    struct mt_rsa *priv = load("private");
    uint8_t m[256] = {0}, out[256], data[235];

    for (size_t i = 21; i < sizeof m; i++)
        m[i] = (uint8_t)i;
    mt_sha1(m + 1, &(struct mt_part){m + 21, 96}, 1);
    legacy_encrypt(priv, m, out);
    assert_int_equal(mt_rsa_legacy_decrypt(priv, out, data), MT_OK);
    assert_memory_equal(data, m + 21, sizeof data);
    m[30] ^= 1;
    legacy_encrypt(priv, m, out);
    assert_int_equal(mt_rsa_legacy_decrypt(priv, out, data), MT_E_AUTH);
    mt_rsa_free(priv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_keys_have_their_fingerprints),
        cmocka_unit_test(every_pem_form_of_a_key_is_read),
        cmocka_unit_test(what_is_not_such_a_key_is_refused),
        cmocka_unit_test(padding_matches_the_vector),
        cmocka_unit_test(a_number_over_the_modulus_takes_another_key),
        cmocka_unit_test(the_server_half_refuses_what_was_changed),
        cmocka_unit_test(the_legacy_scheme_is_told_by_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
