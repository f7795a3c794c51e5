#include "tests/unit/check.h"
#include "tests/unit/vectors.h"
#include "core/crypto/crypto.h"
#include "tl/wire.h"

#include <openssl/bn.h>

#define SAMPLE "crypto/keyx.txt"

static void pq_is_split_into_ordered_primes(void **state)
{
    static const struct {
        uint64_t p, q;
    } row[] = {
        {1513098571, 1780931429},                     /* the published sample */
        {2, 3},                                       /* least */
        {3, UINT64_C(3074457345618258599)},           /* very unequal */
        {2147483629, 2147483647},                     /* nearly a square, below 2^62 */
        {UINT64_C(3037000453), UINT64_C(3037000493)}, /* nearly a square, nearly 2^63 */
        {1229739323, 1402015859},
        {65537, 65539},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint64_t p, q;

        assert_int_equal(mt_pq_factor(row[i].p * row[i].q, &p, &q), MT_OK);
        assert_true(p == row[i].p && q == row[i].q);
    }
}

static void pq_that_is_no_product_of_two_is_refused(void **state)
{
    static const uint64_t row[] = {
        0,
        1,
        4,
        5,
        9,
        30,
        2147483647,
        3 * 5 * 7,
        UINT64_C(9223372036854775783) /* prime */,
        UINT64_C(2147483647) * 2147483647 /* square */,
        UINT64_MAX,
        UINT64_C(1) << 63,
        UINT64_C(1000003) * 1000033 * 1000037 /* three */,
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint64_t p, q;

        assert_int_equal(mt_pq_factor(row[i], &p, &q), MT_E_PEER);
    }
}

static void the_known_prime_is_the_published_one_and_safe(void **state)
{
    uint8_t prime[256], other[256];

    vector_exact(SAMPLE, "dh_prime", prime, sizeof prime);
    assert_true(mt_dh_is_known(prime));
    memcpy(other, prime, sizeof other);
    other[255] ^= 2;
    assert_false(mt_dh_is_known(other));
    /* those whose (p-1)/2-th power is 1 */
    for (int g = -1; g < 10; g++)
        assert_int_equal(mt_dh_check_group(prime, g), g == 3 || g == 4 || g == 7 ? MT_OK : MT_E_DH);
}

/* RFC 3526, group 14: 2048 bits, safe, other than the known one; p mod 24 = 23 */
static const char group14[] = "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
                              "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
                              "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
                              "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05"
                              "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb"
                              "9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
                              "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"
                              "3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff";

static void an_unknown_prime_is_examined(void **state)
{
    uint8_t prime[256], bad[256];

    unhex(group14, prime, sizeof prime);
    assert_int_equal(mt_dh_check_group(prime, 2), MT_OK);
    memcpy(bad, prime, sizeof bad);
    bad[100] ^= 0x10;
    assert_int_equal(mt_dh_check_group(bad, 4), MT_E_DH);
    memcpy(bad, prime, sizeof bad);
    bad[0] = 0x7f; /* 2047 bits */
    assert_int_equal(mt_dh_check_group(bad, 4), MT_E_DH);
    memset(bad, 0, sizeof bad);
    assert_int_equal(mt_dh_check_group(bad, 4), MT_E_DH);
}

/* Prime, but (p - 1) / 2 is not: the order of its group has small factors. */
static void a_prime_that_is_not_safe_is_refused(void **state)
{
    uint8_t prime[256];
    BIGNUM *p = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    unhex(group14, prime, sizeof prime);
    BN_bin2bn(prime, sizeof prime, p);
    do {
        assert_int_equal(BN_sub_word(p, 2), 1);
    } while (BN_check_prime(p, ctx, NULL) != 1);
    BN_bn2binpad(p, prime, sizeof prime);
    assert_int_equal(mt_dh_check_group(prime, 4), MT_E_DH);
    BN_free(p);
    BN_CTX_free(ctx);
}

static void public_values_near_the_edges_are_refused(void **state)
{
    uint8_t low[256] = {0}, high[256];
    const uint8_t *p = mt_dh_known_prime;
    BIGNUM *n = BN_bin2bn(p, 256, NULL);

    assert_int_equal(mt_dh_check_public(p, low, 256), MT_E_DH);
    low[255] = 1;
    assert_int_equal(mt_dh_check_public(p, low, 256), MT_E_DH);
    assert_int_equal(mt_dh_check_public(p, low + 255, 1), MT_E_DH);
    low[255] = 0;
    low[7] = 1; /* 2^1984 */
    assert_int_equal(mt_dh_check_public(p, low, 256), MT_OK);
    assert_int_equal(mt_dh_check_public(p, low + 7, 249), MT_OK);
    memset(low, 0xff, sizeof low);
    memset(low, 0, 8); /* 2^1984 - 1 */
    assert_int_equal(mt_dh_check_public(p, low, 256), MT_E_DH);

    memcpy(high, p, sizeof high);
    assert_int_equal(mt_dh_check_public(p, high, 256), MT_E_DH);
    high[255]--; /* p - 1 */
    assert_int_equal(mt_dh_check_public(p, high, 256), MT_E_DH);
    memset(low, 0, sizeof low);
    low[7] = 1;
    {
        BIGNUM *edge = BN_bin2bn(low, 256, NULL);

        BN_sub(n, n, edge);
        BN_bn2binpad(n, high, 256);
        assert_int_equal(mt_dh_check_public(p, high, 256), MT_OK);
        BN_add_word(n, 1);
        BN_bn2binpad(n, high, 256);
        assert_int_equal(mt_dh_check_public(p, high, 256), MT_E_DH);
        BN_free(edge);
    }
    BN_free(n);
}

static void powers_match_the_sample(void **state)
{
    uint8_t b[256], g_a[256], want[256], got[256], digest[20], in[41];
    struct mt_auth_key k;
    char name[] = "new_nonce_hash1";

    vector_exact(SAMPLE, "b", b, sizeof b);
    vector_exact(SAMPLE, "g_a", g_a, sizeof g_a);
    vector_exact(SAMPLE, "g_b", want, sizeof want);
    assert_int_equal(mt_dh_public(mt_dh_known_prime, 3, b, got), MT_OK);
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(mt_dh_public(mt_dh_known_prime, 1, b, got), MT_E_DH);
    vector_exact(SAMPLE, "auth_key", want, sizeof want);
    assert_int_equal(mt_dh_shared(mt_dh_known_prime, g_a, sizeof g_a, b, got), MT_OK);
    assert_memory_equal(got, want, sizeof want);

    mt_auth_key_set(&k, got);
    vector_exact(SAMPLE, "auth_key_id", want, 8);
    assert_true(k.id == tl_load64(want));
    vector_exact(SAMPLE, "auth_key_aux_hash", want, 8);
    assert_true(k.aux_hash == tl_load64(want));
    vector_exact(SAMPLE, "new_nonce", in, 32);
    tl_store64(in + 33, k.aux_hash);
    for (uint8_t i = 1; i <= 3; i++) {
        name[14] = (char)('0' + i);
        in[32] = i;
        mt_sha1(digest, &(struct mt_part){in, sizeof in}, 1);
        vector_exact(SAMPLE, name, want, 16);
        assert_memory_equal(digest + 4, want, 16);
    }
}

static void short_results_are_padded_on_the_left(void **state)
{
    uint8_t exp[256] = {0}, base[3] = {0, 0, 5}, want[256] = {0}, got[256];

    exp[255] = 2;
    want[255] = 25;
    assert_int_equal(mt_dh_shared(mt_dh_known_prime, base, sizeof base, exp, got), MT_OK);
    assert_memory_equal(got, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pq_is_split_into_ordered_primes),
        cmocka_unit_test(pq_that_is_no_product_of_two_is_refused),
        cmocka_unit_test(the_known_prime_is_the_published_one_and_safe),
        cmocka_unit_test(an_unknown_prime_is_examined),
        cmocka_unit_test(a_prime_that_is_not_safe_is_refused),
        cmocka_unit_test(public_values_near_the_edges_are_refused),
        cmocka_unit_test(powers_match_the_sample),
        cmocka_unit_test(short_results_are_padded_on_the_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
