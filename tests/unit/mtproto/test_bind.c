/* The published form of auth.bindTempAuthKey, byte by byte (trap 43). */
#include "tests/unit/check.h"
#include "tests/unit/fake_env.h"
#include "tests/unit/vectors.h"

#include "core/mtproto/bind.h"
#include "tl/ids.h"

static void key_of(struct mt_auth_key *k, const char *name)
{
    uint8_t key[256];

    for (int i = 0; i < 8; i++) {
        char text[32];

        snprintf(text, sizeof text, "%s %d", name, i);
        mt_sha256(key + 32 * i, &(struct mt_part){text, strlen(text)}, 1);
    }
    mt_auth_key_set(k, key);
}

static void the_vector_comes_out(void **state)
{
    struct mt_auth_key perm, temp;
    struct mt_binding b = {.perm = &perm, .temp = &temp, .expires_at = 1707511505};
    uint8_t session[8], random[24], want[104];
    uint64_t nonce = UINT64_C(0x0102030405060708); /* drawn as a number of this machine */
    struct tl_out out = {0};
    struct fake_env f;
    struct tl_slice encrypted;
    struct tl_in in;

    key_of(&perm, "test auth key");
    key_of(&temp, "temp auth key");
    unhex("8877665544332211", session, 8);
    b.session_id = tl_load64(session);
    b.msg_id = UINT64_C(0x65c53d50) << 32 | 0x10;
    unhex("000102030405060708090a0b0c0d0e0ff0f1f2f3f4f5f6f7", random, sizeof random);
    unhex("01275727b202b3f40f001bf74aaee2423d598bf5e2c4cdf6e5fe74acbab0a0fb8c2699f8b1c47d5b7f47dfe8125fd97f48"
          "c5ab7f"
          "109676276ba2705e6c4c8bf4e3154fe9394ba66c018dfd8da71fdfd569970d3222478e56e0e563aae60bf60a2d55d0c45d"
          "857a71",
          want, sizeof want);
    fake_env_init(&f, 1);
    fake_env_will_draw(&f, &nonce, sizeof nonce);
    fake_env_will_draw(&f, random, sizeof random);

    mt_bind_write(&f.env, &b, &out);
    assert_int_equal(out.err, TL_OK);
    assert_int_equal(out.len, MT_BIND_LEN);
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_u32(&in), TL_auth_bindTempAuthKey);
    assert_true(tl_u64(&in) == perm.id);
    assert_true(tl_u64(&in) == UINT64_C(0x0102030405060708));
    assert_int_equal(tl_int(&in), 1707511505);
    encrypted = tl_bytes(&in);
    assert_int_equal(tl_end(&in), TL_OK);
    assert_int_equal(encrypted.n, sizeof want);
    assert_memory_equal(encrypted.p, want, sizeof want);
    tl_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_comes_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
