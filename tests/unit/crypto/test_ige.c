#include "tests/unit/check.h"
#include "tests/unit/fake_env.h"
#include "core/crypto/crypto.h"

#define LEN 20000

/* Each test runs over both backends where the CPU has two. */
static const bool backend[] = {false, true};

static int give_back(void **state)
{
    mt_ige_force_portable(false);
    return 0;
}

static void the_published_vector_holds(void **state)
{
    uint8_t key[32], iv[32], plain[64], want[64], got[64];

    for (uint8_t i = 0; i < 64; i++)
        plain[i] = i;
    for (uint8_t i = 0; i < 32; i++) {
        key[i] = i;
        iv[i] = (uint8_t)(0x80 + i);
    }
    unhex("0a516e7130946f151a06413c2693416c3bcf761a65ce4f7b1b8fa2bf0c8f3e22"
          "d6882632c1e9d5cb766ec669a0726c8de9993020ea14830e18db9df94ced05ad",
          want, sizeof want);
    for (size_t b = 0; b < 2; b++) {
        mt_ige_force_portable(backend[b]);
        mt_ige_encrypt(key, iv, plain, got, sizeof got);
        assert_memory_equal(got, want, sizeof got);
        mt_ige_decrypt(key, iv, want, got, sizeof got);
        assert_memory_equal(got, plain, sizeof got);
    }
}

static void backends_agree_on_random_lengths(void **state)
{
    static uint8_t in[LEN], out[2][LEN], back[LEN];
    struct fake_env f;
    uint8_t key[32], iv[32];

    fake_env_init(&f, 7);
    for (int round = 0; round < 60; round++) {
        size_t n = (size_t)(mt_env_random64(&f.env) % (round < 40 ? 40 : LEN / 16)) * 16;
        size_t skew = round % 3;

        if (n + skew > LEN)
            n -= 16;
        fake_env_random(&f, key, sizeof key);
        fake_env_random(&f, iv, sizeof iv);
        fake_env_random(&f, in, sizeof in);
        for (size_t b = 0; b < 2; b++) {
            mt_ige_force_portable(backend[b]);
            mt_ige_encrypt(key, iv, in + skew, out[b], n);
            mt_ige_decrypt(key, iv, out[b], back, n);
            assert_memory_equal(back, in + skew, n);
        }
        assert_memory_equal(out[0], out[1], n);
    }
}

static void in_place_is_allowed(void **state)
{
    static uint8_t data[LEN], apart[LEN], plain[LEN];
    uint8_t key[32] = {1}, iv[32] = {2};

    for (size_t i = 0; i < LEN; i++)
        plain[i] = (uint8_t)(i * 7);
    for (size_t b = 0; b < 2; b++) {
        mt_ige_force_portable(backend[b]);
        memcpy(data, plain, LEN);
        mt_ige_encrypt(key, iv, plain, apart, LEN);
        mt_ige_encrypt(key, iv, data, data, LEN);
        assert_memory_equal(data, apart, LEN);
        mt_ige_decrypt(key, iv, data, data, LEN);
        assert_memory_equal(data, plain, LEN);
    }
}

/* continuation: the next iv is the last ciphertext block and the last plaintext block */
static void a_message_can_be_done_in_pieces(void **state)
{
    uint8_t key[32] = {3}, iv[32] = {4}, next[32], plain[320] = {5}, whole[320], parts[320];

    for (size_t b = 0; b < 2; b++) {
        mt_ige_force_portable(backend[b]);
        mt_ige_encrypt(key, iv, plain, whole, sizeof whole);
        mt_ige_encrypt(key, iv, plain, parts, 160);
        memcpy(next, parts + 144, 16);
        memcpy(next + 16, plain + 144, 16);
        mt_ige_encrypt(key, next, plain + 160, parts + 160, 160);
        assert_memory_equal(whole, parts, sizeof whole);
    }
}

static void backend_names_what_runs(void **state)
{
    mt_ige_force_portable(true);
    assert_string_equal(mt_ige_backend(), "evp");
    mt_ige_force_portable(false);
#ifdef __x86_64__
    assert_string_equal(mt_ige_backend(), __builtin_cpu_supports("aes") ? "aesni" : "evp");
#endif
}

/* NIST SP 800-38A, F.5.5 */
static void ctr_goes_on_where_it_stopped(void **state)
{
    uint8_t key[32], iv[16], plain[64], want[64], got[64];
    struct mt_ctr *ctr;

    unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", key, sizeof key);
    unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", iv, sizeof iv);
    unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
          "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
          plain, sizeof plain);
    unhex("601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
          "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
          want, sizeof want);
    for (size_t cut = 0; cut <= sizeof plain; cut++) {
        ctr = mt_ctr_new(key, iv);
        assert_non_null(ctr);
        mt_ctr_apply(ctr, plain, got, cut);
        mt_ctr_apply(ctr, plain + cut, got + cut, sizeof plain - cut);
        assert_memory_equal(got, want, sizeof got);
        mt_ctr_free(ctr);
    }
    mt_ctr_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_published_vector_holds, give_back),
        cmocka_unit_test_teardown(backends_agree_on_random_lengths, give_back),
        cmocka_unit_test_teardown(in_place_is_allowed, give_back),
        cmocka_unit_test_teardown(a_message_can_be_done_in_pieces, give_back),
        cmocka_unit_test_teardown(backend_names_what_runs, give_back),
        cmocka_unit_test(ctr_goes_on_where_it_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
