/* Test cases 13, 14 and 16 of "The Galois/Counter Mode of Operation" (McGrew and Viega). */
#include "tests/unit/check.h"
#include "core/crypto/crypto.h"
#include "core/error.h"

static void it_matches_the_published_cases(void **state)
{
    uint8_t key[32] = {0}, nonce[12] = {0}, in[64] = {0}, out[80], want[80], aad[20];

    assert_int_equal(mt_gcm_seal(key, nonce, NULL, 0, in, 0, out), MT_OK);
    unhex("530f8afbc74536b9a963b4f1c4cb738b", want, 16);
    assert_memory_equal(out, want, 16);

    assert_int_equal(mt_gcm_seal(key, nonce, NULL, 0, in, 16, out), MT_OK);
    unhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919", want, 32);
    assert_memory_equal(out, want, 32);

    unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key, 32);
    unhex("cafebabefacedbaddecaf888", nonce, 12);
    unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad, 20);
    unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b1"
          "6aedf5aa0de657"
          "ba637b39",
          in, 60);
    unhex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5"
          "f61e6393ba7a0a"
          "bcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
          want, 76);
    assert_int_equal(mt_gcm_seal(key, nonce, aad, 20, in, 60, out), MT_OK);
    assert_memory_equal(out, want, 76);
    assert_int_equal(mt_gcm_open(key, nonce, aad, 20, want, 60, out), MT_OK);
    assert_memory_equal(out, in, 60);
}

static void any_change_is_noticed(void **state)
{
    static const uint8_t zero[32];
    uint8_t key[32] = {1}, nonce[12] = {2}, in[32] = {3}, sealed[48], out[32];

    assert_int_equal(mt_gcm_seal(key, nonce, "aad", 3, in, 32, sealed), MT_OK);
    for (size_t bit = 0; bit < 48 * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(out, 9, sizeof out);
        assert_int_equal(mt_gcm_open(key, nonce, "aad", 3, sealed, 32, out), MT_E_AUTH);
        assert_memory_equal(out, zero, 32);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(mt_gcm_open(key, nonce, "aae", 3, sealed, 32, out), MT_E_AUTH);
    assert_int_equal(mt_gcm_open(key, nonce, NULL, 0, sealed, 32, out), MT_E_AUTH);
    nonce[11] ^= 1;
    assert_int_equal(mt_gcm_open(key, nonce, "aad", 3, sealed, 32, out), MT_E_AUTH);
    nonce[11] ^= 1;
    key[0] ^= 1;
    assert_int_equal(mt_gcm_open(key, nonce, "aad", 3, sealed, 32, out), MT_E_AUTH);
    key[0] ^= 1;
    assert_int_equal(mt_gcm_open(key, nonce, "aad", 3, sealed, 32, out), MT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_matches_the_published_cases),
        cmocka_unit_test(any_change_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
