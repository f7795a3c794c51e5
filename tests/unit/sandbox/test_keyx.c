/* Key exchange and the binding of temporary keys: what works, and one test per way to get it wrong. */
#include "tests/unit/sandbox/client.h"

#include "tests/sandbox/peer.h"

#define DAY 86400

struct fixture {
    struct tc_bench b;
    struct tc c;
};

static int up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    tc_bench_init(&f->b, 2, true);
    tc_init(&f->c, &f->b);
    *state = f;
    return 0;
}

static int down(void **state)
{
    struct fixture *f = *state;

    tc_fini(&f->c);
    tc_bench_fini(&f->b);
    free(f);
    return 0;
}

static uint64_t get_config(struct fixture *f)
{
    struct tl_out out = tc_init_body(TL_help_getConfig, TL_LAYER);
    uint64_t req = tc_send(&f->c, true, &out);

    tl_out_free(&out);
    return req;
}

static void every_right_way_makes_a_key_that_works(void **state)
{
    static const enum tc_hs how[] = {HS_RIGHT,    HS_LEGACY_RSA, HS_OLD_FORM,
                                     HS_MEDIA_DC, HS_TEST_DC,    HS_REPEAT};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        tc_disconnect(&f->c);
        tc_new_session(&f->c);
        assert_true(tc_try_handshake(&f->c, 0, how[i]));
        tc_expect_result(&f->c, get_config(f), TL_config);
    }
}

static void every_wrong_way_is_a_transport_error(void **state)
{
    static const struct {
        enum tc_hs how;
        int32_t error;
    } row[] = {
        {HS_WRONG_DC, -444},
        {HS_WRONG_P, -404},
        {HS_WRONG_INNER_PQ, -404},
        {HS_WRONG_NONCE, -404},
        {HS_WRONG_SERVER_NONCE, -404},
        {HS_WRONG_INNER_NONCE, -404},
        {HS_WRONG_PRINT, -404},
        {HS_WRONG_RSA, -404},
        {HS_WRONG_DH_NONCE, -404},
        {HS_WRONG_DH_HASH, -404},
        {HS_WRONG_RETRY_ID, -404},
        {HS_G_B_ONE, -404},
        {HS_SKIP_DH, -404},
        {HS_NO_EXPIRY, -404},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        tc_disconnect(&f->c);
        if (tc_try_handshake(&f->c, 0, row[i].how))
            fail_msg("way %d was accepted", row[i].how);
        tc_expect_closed(&f->c, row[i].error);
    }
}

static void an_unknown_plain_message_is_404(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_ping);

    tl_put_u64(&out, 1);
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    tc_send_plain(&f->c, &out);
    tc_expect_closed(&f->c, -404);
    tl_out_free(&out);
}

static void twist(struct fixture *f, const char *what)
{
    char rule[96];

    snprintf(rule, sizeof rule, "{\"do\":\"keyx\",\"what\":\"%s\",\"match\":{\"method\":\"set_client*\"}}",
             what);
    tc_control(&f->b, "fault", rule);
}

static void a_retry_leads_to_another_key(void **state)
{
    struct fixture *f = *state;

    twist(f, "retry");
    tc_handshake(&f->c, 0);
    tc_expect_result(&f->c, get_config(f), TL_config);
}

static void a_failure_is_told_and_makes_no_key(void **state)
{
    struct fixture *f = *state;

    twist(f, "fail");
    assert_false(tc_try_handshake(&f->c, 0, HS_RIGHT));
    assert_int_equal(tl_load32(f->c.plain), TL_dh_gen_fail);
    tc_handshake(&f->c, 0);
}

static void a_g_a_with_a_leading_zero_is_sent_short(void **state)
{
    struct fixture *f = *state;

    tc_control(&f->b, "fault",
               "{\"do\":\"keyx\",\"what\":\"zero_g_a\",\"match\":{\"method\":\"req_DH_params\"}}");
    tc_handshake(&f->c, 0);
    tc_expect_result(&f->c, get_config(f), TL_config);
}

/* --- temporary keys --- */

struct bind {
    struct mt_auth_key perm;
    int64_t nonce, inner_nonce;
    uint64_t temp_id, session;
    int32_t expires_at;
    bool wrong_msg_id, wrong_key, wrong_hash;
};

static struct bind right(struct fixture *f, const struct mt_auth_key *perm)
{
    return (struct bind){.perm = *perm,
                         .nonce = 0x0102030405060708,
                         .inner_nonce = 0x0102030405060708,
                         .temp_id = f->c.key.id,
                         .session = f->c.session,
                         .expires_at = (int32_t)(f->b.now.wall / MT_US_PER_S + DAY)};
}

static uint64_t send_bind(struct fixture *f, const struct bind *b)
{
    uint64_t id = tc_next_id(&f->c);
    struct tl_out plain = {0}, out = tc_body(TL_auth_bindTempAuthKey);
    uint8_t hash[20], key[32], iv[32], enc[104];

    memset(tl_out_room(&plain, 16), 3, 16);
    tl_put_u64(&plain, b->wrong_msg_id ? id - 4 : id);
    tl_put_u32(&plain, 0);
    tl_put_u32(&plain, 40);
    tl_put_u32(&plain, TL_bind_auth_key_inner);
    tl_put_long(&plain, b->inner_nonce);
    tl_put_u64(&plain, b->temp_id);
    tl_put_u64(&plain, b->perm.id);
    tl_put_u64(&plain, b->session);
    tl_put_int(&plain, b->expires_at);
    mt_sha1(hash, &(struct mt_part){plain.data, 72}, 1);
    hash[9] ^= b->wrong_hash;
    tl_put_u64(&plain, 0);
    tl_store64(enc, b->perm.id);
    memcpy(enc + 8, hash + 4, 16);
    mt_kdf_v1(b->wrong_key ? f->c.key.key : b->perm.key, MT_CLIENT, enc + 8, key, iv);
    mt_ige_encrypt(key, iv, plain.data, enc + 24, 80);
    tl_put_u64(&out, b->perm.id);
    tl_put_long(&out, b->nonce);
    tl_put_int(&out, b->expires_at);
    tl_put_bytes(&out, enc, sizeof enc);
    tc_send_at(&f->c, id, tc_next_seqno(&f->c, true), out.data, out.len);
    tl_out_free(&plain);
    tl_out_free(&out);
    return id;
}

/* A permanent key, then a temporary one in use. */
static struct mt_auth_key make_keys(struct fixture *f)
{
    struct mt_auth_key perm;

    tc_handshake(&f->c, 0);
    perm = f->c.key;
    tc_handshake(&f->c, DAY);
    return perm;
}

static void a_temporary_key_serves_only_once_it_is_bound(void **state)
{
    struct fixture *f = *state;
    struct mt_auth_key perm = make_keys(f);
    struct bind b = right(f, &perm);
    struct tl_out users = tc_init_body(TL_users_getUsers, TL_LAYER);

    tl_put_vector(&users, 0);
    tc_expect_result(&f->c, get_config(f), TL_config);
    tc_expect_error(&f->c, tc_send(&f->c, true, &users), 401, "AUTH_KEY_PERM_EMPTY");
    assert_int_equal(sb_fake_of(f->b.world)->calls, 1);
    tc_expect_result(&f->c, send_bind(f, &b), TL_BOOL_TRUE);
    tc_send(&f->c, true, &users);
    assert_int_equal(sb_fake_of(f->b.world)->calls, 2);
    assert_true(sb_fake_of(f->b.world)->last_caller.key_id == perm.id);
    tl_out_free(&users);
}

static void binding_asks_for_init_connection_again(void **state)
{
    struct fixture *f = *state;
    struct mt_auth_key perm = make_keys(f);
    struct bind b = right(f, &perm);
    struct tl_out bare = tc_body(TL_help_getConfig);

    get_config(f);
    send_bind(f, &b);
    tc_expect_error(&f->c, tc_send(&f->c, true, &bare), 400, "CONNECTION_NOT_INITED");
    tl_out_free(&bare);
}

static void a_proof_with_one_thing_wrong_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mt_auth_key perm = make_keys(f);
    struct bind row[8];

    for (size_t i = 0; i < 8; i++)
        row[i] = right(f, &perm);
    row[0].inner_nonce++;
    row[1].temp_id++;
    row[2].session++;
    row[3].wrong_msg_id = true;
    row[4].wrong_key = true;
    row[5].perm.id++;
    row[6].perm = f->c.key;
    row[7].wrong_hash = true;
    for (size_t i = 0; i < 8; i++)
        tc_expect_error(&f->c, send_bind(f, &row[i]), 400, "ENCRYPTED_MESSAGE_INVALID");
}

static void vector_key(const char *name, uint8_t key[256])
{
    char text[32];

    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof text, "%s %d", name, i);
        mt_sha256(key + 32 * i, &(struct mt_part){text, strlen(text)}, 1);
    }
}

/* A proof computed by others: what two wrong halves could agree on is no proof. */
static void the_published_proof_is_accepted(void **state)
{
    struct fixture *f = *state;
    const struct mt_now at = {.wall = INT64_C(1707425105) * MT_US_PER_S};
    struct tl_out out = tc_body(TL_auth_bindTempAuthKey);
    const char *text = NULL;
    uint8_t key[256], enc[104];
    struct sb_session *ses;
    struct sb_key *temp;
    struct sb_in m = {.id = UINT64_C(0x65c53d50) << 32 | 0x10};
    struct tl_in call;

    unhex("01275727b202b3f40f001bf74aaee2423d598bf5e2c4cdf6e5fe74acbab0a0fb8c2699f8b1c47d5b7f47dfe8125fd97f"
          "48c5ab7f109676276ba2705e6c4c8bf4e3154fe9394ba66c018dfd8da71fdfd569970d3222478e56e0e563aae60bf60a"
          "2d55d0c45d857a71",
          enc, sizeof enc);
    vector_key("test auth key", key);
    tl_put_u64(&out, sb_key_add(f->b.server, 2, key, 0, sb_unix(at), 0)->auth.id);
    vector_key("temp auth key", key);
    temp = sb_key_add(f->b.server, 2, key, 0, sb_unix(at), 1707511505);
    ses = sb_session_add(f->b.server, temp, UINT64_C(0x1122334455667788));
    tl_put_u64(&out, UINT64_C(0x0102030405060708));
    tl_put_int(&out, 1707511505);
    tl_put_bytes(&out, enc, sizeof enc);
    call = tl_in(out.data, out.len);
    assert_int_equal(sb_bind(f->b.server, ses, at, &m, &call, &text), 0);
    tl_out_free(&out);
}

static void an_end_outside_the_keys_life_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mt_auth_key perm = make_keys(f);
    struct bind late = right(f, &perm), past = right(f, &perm);

    late.expires_at += 1000;
    past.expires_at -= DAY;
    tc_expect_error(&f->c, send_bind(f, &late), 400, "EXPIRES_AT_INVALID");
    tc_expect_error(&f->c, send_bind(f, &past), 400, "EXPIRES_AT_INVALID");
}

static void a_key_binds_to_one_key_only(void **state)
{
    struct fixture *f = *state;
    struct mt_auth_key other, perm;
    struct bind b;

    tc_handshake(&f->c, 0);
    other = f->c.key;
    perm = make_keys(f);
    b = right(f, &perm);
    tc_expect_result(&f->c, send_bind(f, &b), TL_BOOL_TRUE);
    tc_expect_result(&f->c, send_bind(f, &b), TL_BOOL_TRUE);
    b = right(f, &other);
    tc_expect_error(&f->c, send_bind(f, &b), 400, "TEMP_AUTH_KEY_ALREADY_BOUND");
}

static void a_permanent_key_cannot_be_bound(void **state)
{
    struct fixture *f = *state;
    struct bind b;

    tc_handshake(&f->c, 0);
    b = right(f, &f->c.key);
    tc_expect_error(&f->c, send_bind(f, &b), 400, "TEMP_AUTH_KEY_EMPTY");
}

static void an_expired_key_is_404(void **state)
{
    struct fixture *f = *state;

    tc_handshake(&f->c, 3000);
    tc_expect_result(&f->c, get_config(f), TL_config);
    tc_forget(&f->c);
    tc_advance(&f->b, 3001);
    tc_forget(&f->c);
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    get_config(f);
    tc_expect_closed(&f->c, -404);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_right_way_makes_a_key_that_works),
        T(every_wrong_way_is_a_transport_error),
        T(an_unknown_plain_message_is_404),
        T(a_retry_leads_to_another_key),
        T(a_failure_is_told_and_makes_no_key),
        T(a_g_a_with_a_leading_zero_is_sent_short),
        T(a_temporary_key_serves_only_once_it_is_bound),
        T(binding_asks_for_init_connection_again),
        T(a_proof_with_one_thing_wrong_is_refused),
        T(the_published_proof_is_accepted),
        T(an_end_outside_the_keys_life_is_refused),
        T(a_key_binds_to_one_key_only),
        T(a_permanent_key_cannot_be_bound),
        T(an_expired_key_is_404),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
