#include "tests/unit/check.h"
#include "core/crypto/crypto.h"

static void parts_are_hashed_as_one_string(void **state)
{
    static const char sha1[] = "a9993e364706816aba3e25717850c26c9cd0d89d";
    static const char sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const struct mt_part parts[] = {{"a", 1}, {"", 0}, {"b", 1}, {"c", 1}};
    uint8_t got[32], want[32];

    unhex(sha1, want, sizeof want);
    mt_sha1(got, parts, 4);
    assert_memory_equal(got, want, 20);
    unhex(sha256, want, sizeof want);
    mt_sha256(got, parts, 4);
    assert_memory_equal(got, want, 32);
}

/* RFC 4231, cases 1, 2 and 6 */
static void hmac_matches_rfc_4231(void **state)
{
    uint8_t key[131], got[32], want[32];
    struct mt_part whole = {"Hi There", 8};
    struct mt_part split[] = {{"what do ya want ", 16}, {"for nothing?", 12}};
    struct mt_part large = {"Test Using Larger Than Block-Size Key - Hash Key First", 54};

    memset(key, 0x0b, 20);
    mt_hmac_sha256(got, key, 20, &whole, 1);
    unhex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", want, sizeof want);
    assert_memory_equal(got, want, 32);
    mt_hmac_sha256(got, "Jefe", 4, split, 2);
    unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", want, sizeof want);
    assert_memory_equal(got, want, 32);
    memset(key, 0xaa, sizeof key);
    mt_hmac_sha256(got, key, sizeof key, &large, 1);
    unhex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", want, sizeof want);
    assert_memory_equal(got, want, 32);
}

static void equal_looks_at_every_byte(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0};

    assert_true(mt_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 1;
        assert_false(mt_equal(a, b, sizeof a));
        b[i] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_hashed_as_one_string),
        cmocka_unit_test(hmac_matches_rfc_4231),
        cmocka_unit_test(equal_looks_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
