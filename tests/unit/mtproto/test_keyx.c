#include "tests/unit/check.h"
#include "tests/unit/mtproto/keyx_run.h"

#include <openssl/bn.h>

#define SAMPLE "crypto/keyx.txt"

/* --- the published sample --- */

static void feed_sample(struct mt_keyx *k, struct tl_out *body)
{
    struct tl_out packet = {0};

    for (int i = 0; i < 17; i++)
        tl_put_u32(body, 0xdeadbeef); /* as the real server, more after the object */
    tl_put_u64(&packet, 0);
    tl_put_u64(&packet, (UINT64_C(1707425105) << 32) + 1);
    tl_put_u32(&packet, (uint32_t)body->len);
    tl_put_raw(&packet, body->data, body->len);
    mt_keyx_feed(k, start, packet.data, packet.len);
    compute(k, start);
    tl_out_free(&packet);
    tl_out_free(body);
}

static void put_vector(struct tl_out *out, const char *name, bool as_bytes)
{
    uint8_t buf[1024];
    size_t n = vector(SAMPLE, name, buf, sizeof buf);

    if (as_bytes)
        tl_put_bytes(out, buf, n);
    else
        tl_put_raw(out, buf, n);
}

static void will_draw(struct fake_env *f, const char *name)
{
    uint8_t buf[512];

    fake_env_will_draw(f, buf, vector(SAMPLE, name, buf, sizeof buf));
}

/* Compares the end of the packet that is to be sent with `bytes` of a vector. */
static void expect_tail(const struct mt_keyx *k, const char *name)
{
    uint8_t want[512];
    size_t n = vector(SAMPLE, name, want, sizeof want);
    struct tl_slice out = mt_keyx_output(k);

    assert_true(out.n > n);
    assert_memory_equal(out.p + out.n - n, want, n);
}

static void the_published_sample_comes_out_byte_by_byte(void **state)
{
    struct mt_rsa *keys[2] = {half_rsa("test"), half_rsa("production")};
    uint8_t zero[32] = {0}, want[256];
    struct fake_env f;
    struct mt_keyx_cfg cfg = {.env = &f.env, .keys = keys, .n_keys = 2, .dc = 2};
    struct mt_keyx_event ev;
    struct tl_out out = {0};
    struct mt_keyx *k;

    fake_env_init(&f, 1);
    will_draw(&f, "nonce");
    will_draw(&f, "new_nonce");
    will_draw(&f, "rsa_padding");
    fake_env_will_draw(&f, zero, sizeof zero);
    will_draw(&f, "b");
    will_draw(&f, "client_padding");
    k = mt_keyx_new(&cfg, start);
    expect_tail(k, "nonce");

    tl_put_u32(&out, TL_resPQ);
    put_vector(&out, "nonce", false);
    put_vector(&out, "server_nonce", false);
    put_vector(&out, "pq", true);
    tl_put_vector(&out, 3);
    tl_put_u64(&out, 1);
    tl_put_u64(&out, UINT64_C(0xd09d1d85de64fd85));
    tl_put_u64(&out, UINT64_C(0x0bc35f3509f7b7a5));
    feed_sample(k, &out);
    expect_tail(k, "rsa_encrypted");

    tl_put_u32(&out, TL_server_DH_params_ok);
    put_vector(&out, "nonce", false);
    put_vector(&out, "server_nonce", false);
    put_vector(&out, "encrypted_answer", true);
    feed_sample(k, &out);
    expect_tail(k, "client_encrypted_data");

    tl_put_u32(&out, TL_dh_gen_ok);
    put_vector(&out, "nonce", false);
    put_vector(&out, "server_nonce", false);
    put_vector(&out, "new_nonce_hash1", false);
    feed_sample(k, &out);
    mt_keyx_next(k, &ev);
    assert_int_equal(ev.kind, MT_KEYX_DONE);
    vector_exact(SAMPLE, "auth_key", want, 256);
    assert_memory_equal(ev.key.key, want, 256);
    assert_true(ev.key.id == UINT64_C(0x4e78ef50338b5865));
    assert_true(ev.salt == INT64_C(-3585621112631548343));
    assert_int_equal(ev.server_time, 1707425105);
    assert_true(ev.time_offset_us == 105 * MT_US_PER_S);
    assert_int_equal(ev.expires_at, 0);
    assert_int_equal(f.script_at, f.script_len);
    mt_keyx_free(k);
    mt_rsa_free(keys[0]);
    mt_rsa_free(keys[1]);
}

/* --- the right way --- */

static void every_kind_of_key_is_made(void **state)
{
    static const struct {
        int32_t dc, expires_in;
    } row[] = {{2, 0}, {10002, 0}, {-4, 0}, {-10002, 86400}, {203, 3600}};

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct mt_keyx_event ev;
        struct run r;

        run_init(&r, row[i].dc, row[i].expires_in);
        ev = finish(&r);
        assert_int_equal(ev.expires_at, row[i].expires_in ? r.half.server_time + row[i].expires_in : 0);
        run_fini(&r);
    }
}

static void numbers_that_begin_with_zero_are_padded(void **state)
{
    /* which of g_a and auth_key begins with a zero byte is a matter of a: search it, a step is one product */
    for (int which = 0; which < 2; which++) {
        BN_CTX *ctx = BN_CTX_new();
        BIGNUM *p = BN_bin2bn(mt_dh_known_prime, 256, NULL), *v = BN_new(), *factor = BN_new(), *a = BN_new();
        uint8_t b[256] = {0x55, 1, 2, 3}, base[256] = {0}, out[256];
        struct mt_keyx_event ev;
        struct answer answer;
        struct run r;

        run_init(&r, 2, 0);
        base[255] = 3;
        if (which == 1)
            assert_int_equal(mt_dh_public(mt_dh_known_prime, 3, b, base), MT_OK);
        BN_bin2bn(base, 256, factor);
        BN_bin2bn(r.half.a, 256, a);
        assert_int_equal(mt_dh_shared(mt_dh_known_prime, base, 256, r.half.a, out), MT_OK);
        BN_bin2bn(out, 256, v);
        while (BN_num_bits(v) > 2040) {
            BN_mod_mul(v, v, factor, p, ctx);
            BN_add_word(a, 1);
        }
        BN_bn2binpad(a, r.half.a, 256);
        assert_int_equal(mt_dh_public(mt_dh_known_prime, 3, r.half.a, r.half.g_a), MT_OK);

        hear(&r, RES_PQ);
        answer = half_answer(&r.half, RES_PQ);
        say(&r, RES_PQ, &answer);
        hear(&r, DH_OK);
        answer = half_answer(&r.half, DH_OK);
        if (which == 0) {
            memcpy(answer.g_a, r.half.g_a + 1, 255); /* and sent without the zero */
            answer.g_a_len = 255;
        }
        fake_env_will_draw(&r.env, b, sizeof b);
        say(&r, DH_OK, &answer);
        hear(&r, GEN);
        answer = half_answer(&r.half, GEN);
        say(&r, GEN, &answer);
        ev = expect_done(&r);
        assert_int_equal(which ? ev.key.key[0] : r.half.g_a[0], 0);
        run_fini(&r);
        BN_CTX_free(ctx);
        BN_free(p);
        BN_free(v);
        BN_free(factor);
        BN_free(a);
    }
}

/* b = 1 makes g_b = 3, which tells b. */
static void an_exponent_with_a_small_power_is_drawn_again(void **state)
{
    uint8_t one[256] = {0};
    struct answer a;
    struct run r;

    one[255] = 1;
    for (int times = 1; times <= 4; times += 3) {
        run_init(&r, 2, 0);
        advance_to(&r, DH_OK);
        for (int i = 0; i < times; i++)
            fake_env_will_draw(&r.env, one, sizeof one);
        a = half_answer(&r.half, DH_OK);
        say(&r, DH_OK, &a);
        if (times == 1)
            hear(&r, GEN); /* checks the range */
        else
            expect_failure(&r, MT_E_DH, "server_DH_params");
        run_fini(&r);
    }
}

static void bytes_after_an_object_are_ignored(void **state)
{
    struct answer a;
    struct run r;

    run_init(&r, 2, 0);
    for (enum step s = RES_PQ; s < STEPS; s++) {
        hear(&r, s);
        a = half_answer(&r.half, s);
        a.trailing = 88;
        say(&r, s, &a);
    }
    expect_done(&r);
    run_fini(&r);
}

static void our_preference_chooses_among_offered_keys(void **state)
{
    struct answer a;
    struct run r;

    run_init(&r, 2, 0);
    hear(&r, RES_PQ);
    a = half_answer(&r.half, RES_PQ);
    a.fingerprints = 4;
    a.fingerprint[3] = a.fingerprint[0];
    a.fingerprint[0] = 1;
    a.fingerprint[1] = UINT64_MAX;
    a.fingerprint[2] = UINT64_C(0xd09d1d85de64fd85);
    say(&r, RES_PQ, &a);
    hear(&r, DH_OK); /* compares the fingerprint */
    run_fini(&r);
}

static void retry_takes_a_new_exponent_and_names_the_old_key(void **state)
{
    struct mt_keyx_event ev;
    uint64_t last = 0;
    struct answer a;
    struct run r;

    run_init(&r, 2, 0);
    advance_to(&r, GEN);
    for (int i = 0; i < 5; i++) {
        assert_true(r.half.retry_id == last);
        last = r.half.key.aux_hash;
        a = half_answer(&r.half, GEN);
        a.id = TL_dh_gen_retry;
        a.gen_number = 2;
        say(&r, GEN, &a);
        hear(&r, GEN);
        assert_true(r.half.key.aux_hash != last);
    }
    assert_true(r.half.retry_id == last);
    a = half_answer(&r.half, GEN);
    say(&r, GEN, &a);
    ev = expect_done(&r);
    assert_true(ev.key.id == r.half.key.id);
    run_fini(&r);
}

static void retry_has_an_end(void **state)
{
    struct answer a;
    struct run r;

    run_init(&r, 2, 0);
    advance_to(&r, GEN);
    for (int i = 0; i < 6; i++) {
        a = half_answer(&r.half, GEN);
        a.id = TL_dh_gen_retry;
        a.gen_number = 2;
        say(&r, GEN, &a);
        if (i < 5)
            hear(&r, GEN);
    }
    expect_failure(&r, MT_E_PEER, "dh_gen");
    run_fini(&r);
}

/* --- a prime that is not the known one --- */

/* RFC 3526, group 14; 2 generates its subgroup */
static const char group14[] = "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
                              "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
                              "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
                              "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05"
                              "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb"
                              "9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
                              "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"
                              "3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff";

static struct mt_keyx_job ask_about_group14(struct run *r)
{
    struct mt_keyx_event ev;
    struct answer a;

    run_init(r, 2, 0);
    unhex(group14, r->half.prime, 256);
    r->half.g = 2;
    assert_int_equal(mt_dh_public(r->half.prime, 2, r->half.a, r->half.g_a), MT_OK);
    advance_to(r, DH_OK);
    a = half_answer(&r->half, DH_OK);
    say_only(r, DH_OK, &a);
    mt_keyx_next(r->k, &ev);
    assert_int_equal(ev.kind, MT_KEYX_COMPUTE);
    assert_int_equal(ev.job->kind, MT_KEYX_AGREE);
    assert_memory_equal(ev.job->prime, r->half.prime, 256);
    assert_int_equal(ev.job->g, 2);
    assert_int_equal(mt_keyx_output(r->k).n, 0);
    /* the server is not asked anything: it cannot be late */
    assert_true(mt_keyx_deadline(r->k) == start.mono + MT_KEYX_COMPUTE_US);
    return *ev.job;
}

static void a_group_and_its_powers_are_computed_elsewhere(void **state)
{
    struct mt_keyx_job job, bad = {.result = MT_E_DH};
    struct answer a;
    struct run r;

    job = ask_about_group14(&r);
    bad.serial = job.serial + 1;
    mt_keyx_done(r.k, start, &bad); /* of somebody else: nothing */
    mt_keyx_job_run(&job);
    assert_int_equal(job.result, MT_OK);
    mt_keyx_done(r.k, start, &job);
    hear(&r, GEN);
    bad.serial = job.serial;
    mt_keyx_done(r.k, start, &bad); /* not asked for any more: nothing */
    a = half_answer(&r.half, GEN);
    say(&r, GEN, &a);
    expect_done(&r);
    run_fini(&r);

    job = ask_about_group14(&r);
    job.result = MT_E_DH;
    mt_keyx_done(r.k, start, &job);
    expect_failure(&r, MT_E_DH, "server_DH_params");
    run_fini(&r);
}

static void a_job_that_cannot_be_run_ends_the_exchange(void **state)
{
    struct mt_keyx_event ev;
    struct mt_now late = start;
    struct answer a;
    struct run r;

    run_init(&r, 2, 0);
    hear(&r, RES_PQ);
    a = half_answer(&r.half, RES_PQ);
    say_only(&r, RES_PQ, &a);
    mt_keyx_next(r.k, &ev);
    assert_int_equal(ev.kind, MT_KEYX_COMPUTE);
    assert_int_equal(ev.job->kind, MT_KEYX_FACTOR);
    mt_keyx_done(r.k, start, NULL);
    expect_failure(&r, MT_E_NOMEM, "resPQ");
    run_fini(&r);

    ask_about_group14(&r);
    late.mono += MT_KEYX_COMPUTE_US;
    mt_keyx_tick(r.k, late);
    expect_failure(&r, MT_E_TIMEOUT, "server_DH_params");
    run_fini(&r);
}

/* --- time --- */

static void each_step_has_its_time(void **state)
{
    static const char *const name[] = {"resPQ", "server_DH_params", "dh_gen"};

    for (enum step s = RES_PQ; s < STEPS; s++) {
        struct mt_now now = start;
        struct run r;

        run_init(&r, 2, 0);
        advance_to(&r, s);
        assert_true(mt_keyx_deadline(r.k) == start.mono + 15 * MT_US_PER_S);
        now.mono = start.mono + 15 * MT_US_PER_S - 1;
        mt_keyx_tick(r.k, now);
        assert_true(mt_keyx_deadline(r.k) != MT_NEVER);
        now.mono++;
        mt_keyx_tick(r.k, now);
        expect_failure(&r, MT_E_TIMEOUT, name[s]);
        mt_keyx_tick(r.k, now);
        run_fini(&r);
    }
}

static void message_ids_rise_though_the_clock_falls(void **state)
{
    struct answer a;
    uint64_t id, last = 0;
    struct run r;

    run_init(&r, 2, 0);
    for (enum step s = RES_PQ; s < STEPS; s++) {
        struct mt_now now = {start.mono, start.wall - (int64_t)s * MT_US_PER_S};
        struct tl_out out;

        id = tl_load64(mt_keyx_output(r.k).p + 8);
        assert_int_equal(id % 4, 0);
        assert_true(id > last);
        if (s == RES_PQ)
            assert_int_equal(id >> 32, 1707425000);
        last = id;
        hear(&r, s);
        a = half_answer(&r.half, s);
        out = half_say(&r.half, s, &a);
        mt_keyx_feed(r.k, now, out.data, out.len);
        compute(r.k, now);
        tl_out_free(&out);
    }
    expect_done(&r);
    run_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_sample_comes_out_byte_by_byte),
        cmocka_unit_test(every_kind_of_key_is_made),
        cmocka_unit_test(numbers_that_begin_with_zero_are_padded),
        cmocka_unit_test(an_exponent_with_a_small_power_is_drawn_again),
        cmocka_unit_test(bytes_after_an_object_are_ignored),
        cmocka_unit_test(our_preference_chooses_among_offered_keys),
        cmocka_unit_test(retry_takes_a_new_exponent_and_names_the_old_key),
        cmocka_unit_test(retry_has_an_end),
        cmocka_unit_test(a_group_and_its_powers_are_computed_elsewhere),
        cmocka_unit_test(a_job_that_cannot_be_run_ends_the_exchange),
        cmocka_unit_test(each_step_has_its_time),
        cmocka_unit_test(message_ids_rise_though_the_clock_falls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
