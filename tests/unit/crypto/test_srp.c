#include "tests/unit/check.h"
#include "tests/unit/vectors.h"
#include "core/crypto/crypto.h"

#include <openssl/bn.h>

#define FILE_NAME "crypto/srp.txt"

static const char password[] = "correct horse \xc3\xa9";

static void fill_four(const char *name, uint8_t out[256])
{
    vector_exact(FILE_NAME, name, out, 64);
    for (int i = 1; i < 4; i++)
        memcpy(out + 64 * i, out, 64);
}

/* The second vector: both sides. */
static struct mt_srp_params two(void)
{
    static uint8_t salt1[40], salt2[16];
    struct mt_srp_params params = {.g = 3, .salt1 = salt1, .salt1_len = 40, .salt2 = salt2, .salt2_len = 16};

    for (uint8_t i = 0; i < 40; i++)
        salt1[i] = (uint8_t)(0x10 + i);
    for (uint8_t i = 0; i < 16; i++)
        salt2[i] = (uint8_t)(0xa0 + i);
    memcpy(params.prime, mt_dh_known_prime, 256);
    vector_exact(FILE_NAME, "two_b_pub", params.b_pub, 256);
    return params;
}

static void the_clients_proof_matches_the_first_vector(void **state)
{
    uint8_t salt1[40], salt2[16], a[256] = {0}, a_pub[256], m1[32], want[32];
    struct mt_srp_params params = {.g = 3, .salt1 = salt1, .salt1_len = 40, .salt2 = salt2, .salt2_len = 16};

    memcpy(params.prime, mt_dh_known_prime, 256);
    vector_exact(FILE_NAME, "one_salt1", salt1, sizeof salt1);
    vector_exact(FILE_NAME, "one_salt2", salt2, sizeof salt2);
    vector_exact(FILE_NAME, "one_b_pub", params.b_pub, 256);
    vector_exact(FILE_NAME, "one_m1", want, sizeof want);
    a[255] = 1;
    assert_int_equal(mt_srp_answer(&params, "123123", 6, a, a_pub, m1), MT_OK);
    assert_memory_equal(m1, want, sizeof want);
}

static void both_sides_match_the_second_vector(void **state)
{
    struct mt_srp_params params = two();
    uint8_t a[256], b[256], v[256], a_pub[256], b_pub[256], m1[32], want[256];

    fill_four("two_h512_a", a);
    fill_four("two_h512_b", b);
    assert_int_equal(mt_srp_verifier(&params, password, strlen(password), v), MT_OK);
    vector_exact(FILE_NAME, "two_v", want, 256);
    assert_memory_equal(v, want, 256);
    assert_int_equal(mt_srp_server_public(&params, v, b, b_pub), MT_OK);
    assert_memory_equal(b_pub, params.b_pub, 256);
    assert_int_equal(mt_srp_answer(&params, password, strlen(password), a, a_pub, m1), MT_OK);
    vector_exact(FILE_NAME, "two_a_pub", want, 256);
    assert_memory_equal(a_pub, want, 256);
    vector_exact(FILE_NAME, "two_m1", want, 32);
    assert_memory_equal(m1, want, 32);
    assert_int_equal(mt_srp_server_check(&params, v, b, a_pub, sizeof a_pub, m1), MT_OK);
}

static void the_server_refuses_a_wrong_proof(void **state)
{
    struct mt_srp_params params = two();
    uint8_t a[256], b[256], v[256], a_pub[256], m1[32], zero[256] = {0};

    fill_four("two_h512_a", a);
    fill_four("two_h512_b", b);
    vector_exact(FILE_NAME, "two_v", v, 256);
    assert_int_equal(mt_srp_answer(&params, "wrong", 5, a, a_pub, m1), MT_OK);
    assert_int_equal(mt_srp_server_check(&params, v, b, a_pub, sizeof a_pub, m1), MT_E_AUTH);
    vector_exact(FILE_NAME, "two_m1", m1, 32);
    assert_int_equal(mt_srp_server_check(&params, v, b, a_pub, sizeof a_pub, m1), MT_OK);
    m1[31] ^= 1;
    assert_int_equal(mt_srp_server_check(&params, v, b, a_pub, sizeof a_pub, m1), MT_E_AUTH);
    /* A = 0 or a multiple of p would make S = 0 whatever the password is */
    assert_int_equal(mt_srp_server_check(&params, v, b, zero, sizeof zero, m1), MT_E_AUTH);
    assert_int_equal(mt_srp_server_check(&params, v, b, params.prime, 256, m1), MT_E_AUTH);
    assert_int_equal(mt_srp_server_check(&params, v, b, NULL, 0, m1), MT_E_AUTH);
    assert_int_equal(mt_srp_server_check(&params, v, b, a_pub, 257, m1), MT_E_AUTH);
}

static void hash(uint8_t out[32], const void *p, size_t n)
{
    mt_sha256(out, &(struct mt_part){p, n}, 1);
}

/* With A = 0 or p the secret is 0 for everybody: a proof made of it is right, and must not be enough. */
static void the_server_refuses_a_secret_that_all_know(void **state)
{
    struct mt_srp_params params = two();
    uint8_t b[256], v[256], zero[256] = {0}, g[256] = {0}, m1[32], hp[32], hg[32], h1[32], h2[32], key[32];

    fill_four("two_h512_b", b);
    vector_exact(FILE_NAME, "two_v", v, 256);
    g[255] = 3;
    hash(hp, params.prime, 256);
    hash(hg, g, 256);
    for (size_t i = 0; i < sizeof hp; i++)
        hp[i] ^= hg[i];
    hash(h1, params.salt1, params.salt1_len);
    hash(h2, params.salt2, params.salt2_len);
    hash(key, zero, sizeof zero);
    for (int i = 0; i < 2; i++) {
        const uint8_t *a_pub = i ? params.prime : zero;

        mt_sha256(
            m1,
            (struct mt_part[]){{hp, 32}, {h1, 32}, {h2, 32}, {a_pub, 256}, {params.b_pub, 256}, {key, 32}},
            6);
        assert_int_equal(mt_srp_server_check(&params, v, b, a_pub, 256, m1), MT_E_AUTH);
    }
}

/* B = k v leaves the client with 0 ^ anything. */
static void the_client_refuses_a_base_of_zero(void **state)
{
    struct mt_srp_params params = two();
    uint8_t a[256], v[256], k[32], a_pub[256], m1[32];
    BIGNUM *p = BN_bin2bn(params.prime, 256, NULL), *bv, *bk;
    BN_CTX *ctx = BN_CTX_new();

    fill_four("two_h512_a", a);
    vector_exact(FILE_NAME, "two_v", v, 256);
    vector_exact(FILE_NAME, "two_k", k, 32);
    bv = BN_bin2bn(v, 256, NULL);
    bk = BN_bin2bn(k, 32, NULL);
    assert_int_equal(BN_mod_mul(bv, bv, bk, p, ctx), 1);
    BN_bn2binpad(bv, params.b_pub, 256);
    assert_int_equal(mt_srp_answer(&params, password, strlen(password), a, a_pub, m1), MT_E_DH);
    BN_free(p);
    BN_free(bv);
    BN_free(bk);
    BN_CTX_free(ctx);
}

static void the_client_refuses_an_unsafe_question(void **state)
{
    struct mt_srp_params params = two();
    uint8_t a[256], a_pub[256], m1[32];

    fill_four("two_h512_a", a);
    params.g = 2; /* does not generate */
    assert_int_equal(mt_srp_answer(&params, "x", 1, a, a_pub, m1), MT_E_DH);
    params = two();
    memset(params.b_pub, 0, 256);
    assert_int_equal(mt_srp_answer(&params, "x", 1, a, a_pub, m1), MT_E_DH);
    memcpy(params.b_pub, params.prime, 256);
    assert_int_equal(mt_srp_answer(&params, "x", 1, a, a_pub, m1), MT_E_DH);
    params = two();
    params.prime[128] ^= 1;
    params.g = 4;
    assert_int_equal(mt_srp_answer(&params, "x", 1, a, a_pub, m1), MT_E_DH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clients_proof_matches_the_first_vector),
        cmocka_unit_test(both_sides_match_the_second_vector),
        cmocka_unit_test(the_server_refuses_a_wrong_proof),
        cmocka_unit_test(the_server_refuses_a_secret_that_all_know),
        cmocka_unit_test(the_client_refuses_a_base_of_zero),
        cmocka_unit_test(the_client_refuses_an_unsafe_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
