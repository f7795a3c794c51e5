#include "tests/unit/check.h"
#include "tests/unit/mtproto/keyx_run.h"
#include "tests/sandbox/keyx_server.h"

/* The client's machine against the sandbox's half, which somebody else wrote from the same facts. */
struct table {
    struct fake_env env;
    struct mt_rsa *rsa;
    struct mt_keyx *client;
    struct sb_keyx *server;
    struct sb_new_key key;
    bool done;
};

static const struct mt_now now = {.mono = 7, .wall = 1707425000 * MT_US_PER_S};

static void table_init(struct table *t, uint64_t seed, int32_t expires_in)
{
    struct mt_keyx_cfg cfg = {.env = &t->env.env, .keys = &t->rsa, .n_keys = 1, .dc = 2};

    memset(t, 0, sizeof *t);
    fake_env_init(&t->env, seed);
    t->rsa = half_rsa("private");
    cfg.expires_in = expires_in;
    t->client = mt_keyx_new(&cfg, now);
    t->server = sb_keyx_new(&t->env.env, t->rsa, 2, seed);
    assert_non_null(t->client);
    assert_non_null(t->server);
}

static void table_fini(struct table *t)
{
    mt_keyx_free(t->client);
    sb_keyx_free(t->server);
    mt_rsa_free(t->rsa);
}

/* Carries packets until nobody has one; `twist` is asked for in the answer number `when`, from 0. */
static void converse(struct table *t, enum sb_keyx_twist twist, int when)
{
    for (int i = 0; mt_keyx_output(t->client).n; i++) {
        struct tl_slice out = mt_keyx_output(t->client);
        struct tl_out reply = {0};

        assert_true(i < 12);
        assert_int_equal(sb_keyx_packet(t->server, now, i == when ? twist : SB_TWIST_NONE, out.p, out.n,
                                        &reply, &t->key, &t->done),
                         0);
        mt_keyx_sent(t->client);
        mt_keyx_feed(t->client, now, reply.data, reply.len);
        compute(t->client, now);
        tl_out_free(&reply);
    }
}

static void both_halves_make_the_same_key(void **state)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct mt_keyx_event ev;
        struct table t;

        table_init(&t, seed, seed % 2 ? 86400 : 0);
        converse(&t, seed % 3 == 2 ? SB_TWIST_RETRY : SB_TWIST_NONE, 2);
        mt_keyx_next(t.client, &ev);
        assert_int_equal(ev.kind, MT_KEYX_DONE);
        assert_true(t.done);
        assert_memory_equal(ev.key.key, t.key.key, sizeof t.key.key);
        assert_true(ev.salt == t.key.salt);
        assert_int_equal(t.key.expires_in, seed % 2 ? 86400 : 0);
        table_fini(&t);
    }
}

static void each_twist_has_its_end(void **state)
{
    static const struct {
        enum sb_keyx_twist twist;
        int when, err; /* 0: it is none */
    } row[] = {
        {SB_TWIST_NONCE, 0, MT_E_AUTH},
        {SB_TWIST_NONCE, 1, MT_E_AUTH},
        {SB_TWIST_NONCE, 2, MT_E_AUTH},
        {SB_TWIST_SERVER_NONCE, 1, MT_E_AUTH},
        {SB_TWIST_SERVER_NONCE, 2, MT_E_AUTH},
        {SB_TWIST_INNER_NONCE, 1, MT_E_AUTH},
        {SB_TWIST_HASH, 1, MT_E_AUTH},
        {SB_TWIST_HASH, 2, MT_E_AUTH},
        {SB_TWIST_FOREIGN, 0, MT_E_NO_KEY},
        {SB_TWIST_PQ, 0, MT_E_PEER},
        {SB_TWIST_G_A_ONE, 1, MT_E_DH},
        {SB_TWIST_G_A_SMALL, 1, MT_E_DH},
        {SB_TWIST_G_BAD, 1, MT_E_DH},
        {SB_TWIST_FAIL, 2, MT_E_PEER},
        {SB_TWIST_ZERO_G_A, 1, 0},
        {SB_TWIST_TIME, 1, 0},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct mt_keyx_event ev;
        struct table t;

        table_init(&t, 3, 0);
        converse(&t, row[i].twist, row[i].when);
        mt_keyx_next(t.client, &ev);
        assert_int_equal(ev.kind, row[i].err ? MT_KEYX_FAILED : MT_KEYX_DONE);
        assert_int_equal(ev.err, row[i].err);
        if (row[i].twist == SB_TWIST_TIME)
            assert_true(ev.time_offset_us > 3000 * MT_US_PER_S);
        table_fini(&t);
    }
}

static void a_composite_prime_goes_through_the_check(void **state)
{
    struct mt_keyx_event ev;
    struct table t;

    table_init(&t, 3, 0);
    converse(&t, SB_TWIST_PRIME, 1);
    mt_keyx_next(t.client, &ev);
    assert_int_equal(ev.kind, MT_KEYX_FAILED);
    assert_int_equal(ev.err, MT_E_DH);
    table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_make_the_same_key),
        cmocka_unit_test(each_twist_has_its_end),
        cmocka_unit_test(a_composite_prime_goes_through_the_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
