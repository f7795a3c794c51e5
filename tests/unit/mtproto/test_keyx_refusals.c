#include "tests/unit/check.h"
#include "tests/unit/mtproto/keyx_run.h"

/* --- an answer with one thing wrong --- */

#define AT(field) offsetof(struct answer, field)
/* the low byte of a number, wherever this machine has it */
#define LOW(field)                                                                                           \
    (AT(field) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof((struct answer){0}).field - 1 : 0))

static const struct {
    const char *what;
    enum step step;
    size_t at;
    uint8_t flip;
    int err;
} wrong[] = {
    {"another key id", RES_PQ, LOW(key_id), 1, MT_E_PEER},
    {"even msg_id", RES_PQ, LOW(msg_id_low), 1, MT_E_PEER},
    {"longer than the packet", RES_PQ, LOW(len_add), 4, MT_E_PEER},
    {"constructor", RES_PQ, LOW(id), 1, MT_E_PEER},
    {"nonce, first byte", RES_PQ, AT(nonce[0]), 1, MT_E_AUTH},
    {"nonce, last byte", RES_PQ, AT(nonce[15]), 0x80, MT_E_AUTH},
    {"vector id", RES_PQ, LOW(vector_id), 1, MT_E_PEER},
    {"more fingerprints than bytes", RES_PQ, LOW(fingerprints), 8, MT_E_PEER},
    {"unknown fingerprint", RES_PQ, AT(fingerprint[0]), 1, MT_E_NO_KEY},
    {"no fingerprint", RES_PQ, LOW(fingerprints), 1, MT_E_NO_KEY},
    {"pq has no two factors", RES_PQ, AT(pq[7]), 2, MT_E_PEER},
    {"pq over 63 bits", RES_PQ, AT(pq[0]), 0x80, MT_E_PEER},
    {"pq empty", RES_PQ, LOW(pq_len), 8, MT_E_PEER},
    {"pq of 9 bytes", RES_PQ, LOW(pq_len), 1, MT_E_PEER},

    {"another key id", DH_OK, LOW(key_id), 1, MT_E_PEER},
    {"even msg_id", DH_OK, LOW(msg_id_low), 1, MT_E_PEER},
    {"constructor", DH_OK, LOW(id), 1, MT_E_PEER},
    {"nonce", DH_OK, AT(nonce[7]), 1, MT_E_AUTH},
    {"server_nonce", DH_OK, AT(server_nonce[15]), 1, MT_E_AUTH},
    {"answer not a multiple of 16", DH_OK, LOW(answer_cut), 4, MT_E_PEER},
    {"a block of the answer missing", DH_OK, LOW(answer_cut), 16, MT_E_AUTH},
    {"inner constructor", DH_OK, LOW(inner_id), 1, MT_E_AUTH},
    {"inner nonce", DH_OK, AT(inner_nonce[0]), 1, MT_E_AUTH},
    {"inner server_nonce", DH_OK, AT(inner_server_nonce[9]), 1, MT_E_AUTH},
    {"inner hash", DH_OK, LOW(inner_hash), 1, MT_E_AUTH},
    {"g does not generate", DH_OK, LOW(g), 3 ^ 2, MT_E_DH},
    {"g = 0", DH_OK, LOW(g), 3, MT_E_DH},
    {"g = 1", DH_OK, LOW(g), 3 ^ 1, MT_E_DH},
    {"g = 11", DH_OK, LOW(g), 8, MT_E_DH},
    {"prime of 255 bytes", DH_OK, LOW(prime_len), 0xff, MT_E_DH},
    {"prime of 257 bytes", DH_OK, LOW(prime_len), 1, MT_E_DH},
    {"g_a of 257 bytes", DH_OK, LOW(g_a_len), 1, MT_E_DH},
    {"g_a over the prime", DH_OK, AT(g_a[0]), 0xff, MT_E_DH},

    {"another key id", GEN, LOW(key_id), 1, MT_E_PEER},
    {"even msg_id", GEN, LOW(msg_id_low), 1, MT_E_PEER},
    {"constructor", GEN, LOW(id), 1, MT_E_PEER},
    {"nonce", GEN, AT(nonce[1]), 1, MT_E_AUTH},
    {"server_nonce", GEN, AT(server_nonce[1]), 1, MT_E_AUTH},
    {"hash", GEN, LOW(gen_hash), 1, MT_E_AUTH},
    {"hash of retry", GEN, LOW(gen_number), 1 ^ 2, MT_E_AUTH},
    {"hash of fail", GEN, LOW(gen_number), 1 ^ 3, MT_E_AUTH},
};

static void one_wrong_field_ends_the_exchange(void **state)
{
    static const char *const name[] = {"resPQ", "server_DH_params", "dh_gen"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct answer a;
        struct run r;

        run_init(&r, 2, 0);
        advance_to(&r, wrong[i].step);
        a = half_answer(&r.half, wrong[i].step);
        ((uint8_t *)&a)[wrong[i].at] ^= wrong[i].flip;
        if (wrong[i].at == LOW(prime_len) && wrong[i].flip == 0xff)
            a.prime_len = 255;
        if (wrong[i].at == AT(g_a[0]))
            a.g_a[0] = 0xff;
        say(&r, wrong[i].step, &a);
        print_message("# %s: %s\n", name[wrong[i].step], wrong[i].what);
        expect_failure(&r, wrong[i].err, name[wrong[i].step]);
        run_fini(&r);
    }
}

static void an_answer_may_end_nowhere_but_at_its_end(void **state)
{
    static const uint32_t all[] = {60, 640, 48};

    for (enum step s = RES_PQ; s < STEPS; s++) {
        for (uint32_t cut = 4; cut <= all[s]; cut += s == DH_OK ? 44 : 4) {
            struct mt_keyx_event ev;
            struct answer a;
            struct tl_out out;
            struct run r;

            run_init(&r, 2, 0);
            advance_to(&r, s);
            a = half_answer(&r.half, s);
            out = half_say(&r.half, s, &a);
            if (cut > out.len)
                cut = (uint32_t)out.len;
            out.len -= cut;
            if (out.len >= 20)
                tl_patch_u32(&out, 16, (uint32_t)(out.len - 20));
            mt_keyx_feed(r.k, start, out.data, out.len);
            tl_out_free(&out);
            mt_keyx_next(r.k, &ev);
            assert_int_equal(ev.kind, MT_KEYX_FAILED);
            assert_int_equal(ev.err, MT_E_PEER);
            run_fini(&r);
        }
    }
}

static void g_a_must_be_in_range(void **state)
{
    for (int which = 0; which < 4; which++) {
        struct answer a;
        struct run r;

        run_init(&r, 2, 0);
        advance_to(&r, DH_OK);
        a = half_answer(&r.half, DH_OK);
        memset(a.g_a, 0, sizeof a.g_a);
        if (which == 0) { /* 1, in one byte */
            a.g_a[0] = 1;
            a.g_a_len = 1;
        } else if (which == 1) { /* p - 1 */
            memcpy(a.g_a, a.prime, 256);
            a.g_a[255]--;
        } else if (which == 2) { /* just below 2^1984 */
            memset(a.g_a, 0xff, sizeof a.g_a);
            a.g_a_len = 248;
        } else { /* nothing at all */
            a.g_a_len = 0;
        }
        say(&r, DH_OK, &a);
        expect_failure(&r, MT_E_DH, "server_DH_params");
        run_fini(&r);
    }
}

static void padding_of_a_whole_block_is_refused(void **state)
{
    struct answer a;
    struct run r;

    run_init(&r, 2, 0);
    advance_to(&r, DH_OK);
    a = half_answer(&r.half, DH_OK);
    a.pad = 31;
    say(&r, DH_OK, &a);
    expect_failure(&r, MT_E_AUTH, "server_DH_params");
    run_fini(&r);
}

static void fail_of_the_server_ends_the_exchange(void **state)
{
    struct answer a;
    struct run r;

    run_init(&r, 2, 0);
    advance_to(&r, GEN);
    a = half_answer(&r.half, GEN);
    a.id = TL_dh_gen_fail;
    a.gen_number = 3;
    say(&r, GEN, &a);
    expect_failure(&r, MT_E_PEER, "dh_gen");
    run_fini(&r);
}

static void answers_out_of_order_are_refused(void **state)
{
    struct answer a;
    struct run r;

    run_init(&r, 2, 0);
    advance_to(&r, DH_OK);
    a = half_answer(&r.half, RES_PQ);
    say(&r, RES_PQ, &a);
    expect_failure(&r, MT_E_PEER, "server_DH_params");
    a = half_answer(&r.half, DH_OK); /* after the end: nothing */
    say(&r, DH_OK, &a);
    assert_int_equal(mt_keyx_output(r.k).n, 0);
    run_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_wrong_field_ends_the_exchange),
        cmocka_unit_test(an_answer_may_end_nowhere_but_at_its_end),
        cmocka_unit_test(g_a_must_be_in_range),
        cmocka_unit_test(padding_of_a_whole_block_is_refused),
        cmocka_unit_test(fail_of_the_server_ends_the_exchange),
        cmocka_unit_test(answers_out_of_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
