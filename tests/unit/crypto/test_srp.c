#include "tests/unit/check.h"
#include "tests/unit/vectors.h"
#include "core/crypto/crypto.h"

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
        cmocka_unit_test(the_client_refuses_an_unsafe_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
