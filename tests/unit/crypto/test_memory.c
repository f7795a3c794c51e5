#include "tests/unit/check.h"
#include "tests/unit/fake_env.h"
#include "tests/unit/oom.h"
#include "tests/unit/vectors.h"
#include "core/crypto/crypto.h"

#include <openssl/crypto.h>

/* The library's memory fails with ours: these are its allocator, set before its first call. */
static void *lib_malloc(size_t n, const char *file, int line)
{
    return oom_fails() ? NULL : __real_malloc(n);
}

static void *lib_realloc(void *p, size_t n, const char *file, int line)
{
    return oom_fails() ? NULL : __real_realloc(p, n);
}

static void lib_free(void *p, const char *file, int line)
{
    free(p);
}

/* Encryption has no way to fail: with or without memory for the library's contexts the bytes are right. */
static void ige_needs_no_memory(void **state)
{
    static uint8_t in[5000 / 16 * 16], want[2][sizeof in], got[sizeof in];
    uint8_t key[32] = {1}, iv[32] = {2};
    size_t i;

    for (i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 3);
    mt_ige_force_portable(true);
    mt_ige_encrypt(key, iv, in, want[0], sizeof in);
    mt_ige_decrypt(key, iv, in, want[1], sizeof in);
    for (i = 0; oom_arm(i); i++) {
        mt_ige_encrypt(key, iv, in, got, sizeof in);
        assert_memory_equal(got, want[0], sizeof in);
    }
    assert_true(i > 1);
    for (i = 0; oom_arm(i); i++) {
        mt_ige_decrypt(key, iv, in, got, sizeof in);
        assert_memory_equal(got, want[1], sizeof in);
    }
    oom_disarm();
    assert_true(i > 1);
    mt_ige_force_portable(false);
}

static void a_key_stream_is_there_or_not(void **state)
{
    uint8_t key[32] = {1}, iv[16] = {2};
    struct mt_ctr *ctr;

    for (size_t i = 0; oom_arm(i); i++) {
        ctr = mt_ctr_new(key, iv);
        oom_disarm();
        assert_int_equal(ctr == NULL, oom_hit());
        mt_ctr_free(ctr);
    }
}

/* Reading a key takes thousands of allocations: not each of them is tried. Some may be lost without harm. */
static void a_key_is_read_or_not(void **state)
{
    size_t n;
    char *pem = vector_file("crypto/private.pem", &n), *text;
    struct mt_rsa *rsa = mt_rsa_from_pem(pem, n);
    uint64_t fingerprint = mt_rsa_fingerprint(rsa);
    struct mt_rsa *again;

    for (size_t i = 0; oom_arm(i); i += i < 50 ? 1 : 29) {
        again = mt_rsa_from_pem(pem, n);
        oom_disarm();
        assert_true(again || oom_hit());
        if (again)
            assert_true(mt_rsa_fingerprint(again) == fingerprint);
        mt_rsa_free(again);
    }
    for (size_t i = 0; oom_arm(i); i += i < 50 ? 1 : 29) {
        text = mt_rsa_public_pem(rsa);
        oom_disarm();
        assert_true(text || oom_hit());
        free(text);
    }
    mt_rsa_free(rsa);
    free(pem);
}

static void numbers_are_right_or_an_error(void **state)
{
    struct mt_srp_params params = {.g = 3, .salt1 = (const uint8_t *)"salt", .salt1_len = 4};
    uint8_t exp[256] = {0}, want[256], got[256], b_pub[256];
    struct mt_rsa *rsa;
    struct fake_env f;
    size_t n;
    char *pem = vector_file("crypto/private.pem", &n);
    int err;

    exp[255] = 200;
    assert_int_equal(mt_dh_public(mt_dh_known_prime, 3, exp, want), MT_OK);
    for (size_t i = 0; oom_arm(i); i++) {
        err = mt_dh_public(mt_dh_known_prime, 3, exp, got);
        if (!err)
            err = mt_dh_check_public(mt_dh_known_prime, got, 256);
        oom_disarm();
        assert_true(err == MT_E_CRYPTO ? oom_hit() : err == MT_E_DH || !err);
        if (err != MT_E_CRYPTO)
            assert_memory_equal(got, want, sizeof want);
    }
    for (size_t i = 0; oom_arm(i); i++) {
        err = mt_dh_check_group(mt_dh_known_prime, 3);
        oom_disarm();
        assert_true(err == MT_OK || (err == MT_E_CRYPTO && oom_hit()));
    }
    memcpy(params.prime, mt_dh_known_prime, 256);
    assert_int_equal(mt_srp_server_public(&params, want, exp, b_pub), MT_OK);
    for (size_t i = 0; oom_arm(i); i++) {
        err = mt_srp_server_public(&params, want, exp, got);
        oom_disarm();
        assert_true(err == MT_OK || (err == MT_E_CRYPTO && oom_hit()));
        if (!err)
            assert_memory_equal(got, b_pub, sizeof got);
    }
    rsa = mt_rsa_from_pem(pem, n);
    for (size_t i = 0; oom_arm(i); i++) {
        fake_env_init(&f, 1);
        err = mt_rsa_pad_encrypt(rsa, &f.env, exp, 100, got);
        oom_disarm();
        assert_true(err == MT_OK || (err == MT_E_CRYPTO && oom_hit()));
    }
    mt_rsa_free(rsa);
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ige_needs_no_memory),
        cmocka_unit_test(a_key_stream_is_there_or_not),
        cmocka_unit_test(a_key_is_read_or_not),
        cmocka_unit_test(numbers_are_right_or_an_error),
    };

    if (CRYPTO_set_mem_functions(lib_malloc, lib_realloc, lib_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
