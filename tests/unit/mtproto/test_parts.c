/* The machines that the connection is made of, each by itself. */
#include "tests/unit/mtproto/fake_server.h"

#include "core/mtproto/acks.h"
#include "core/mtproto/backoff.h"
#include "core/mtproto/gzip.h"
#include "core/mtproto/message.h"
#include "core/mtproto/salts.h"
#include "core/mtproto/window.h"
#include "tl/ids.h"

static const struct mt_now t0 = {.mono = 50 * MT_US_PER_S, .wall = INT64_C(1700000000) * MT_US_PER_S};

static void ids_rise_in_a_burst_and_under_a_frozen_clock(void **state) /* trap 28 */
{
    struct mt_clock c;
    uint64_t last = 0;

    (void)state;
    mt_clock_init(&c, t0, 0, true);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t id = mt_clock_msg_id(&c, t0);

        assert_true(id > last);
        assert_int_equal(id & 3, 0);
        last = id;
    }
    assert_int_equal(mt_msg_id_time(last) / MT_US_PER_S, 1700000000);
}

static void ids_carry_the_servers_time_not_the_wall_clock(void **state) /* trap 20 */
{
    struct mt_clock c;
    struct mt_now later = {.mono = t0.mono + 10 * MT_US_PER_S, .wall = 5};

    (void)state;
    mt_clock_init(&c, t0, -86400 * MT_US_PER_S, true);
    assert_int_equal(mt_clock_msg_id(&c, t0) >> 32, 1700000000 - 86400);
    /* the wall clock jumps, ten seconds have passed */
    assert_int_equal(mt_clock_msg_id(&c, later) >> 32, 1700000000 - 86400 + 10);
}

static void a_clock_that_goes_far_back_asks_for_a_new_session(void **state) /* trap 27 */
{
    struct mt_clock c;
    uint64_t first;

    (void)state;
    mt_clock_init(&c, t0, 0, true);
    first = mt_clock_msg_id(&c, t0);
    assert_false(mt_clock_set(&c, t0, mt_msg_id_at(t0.wall - 5 * MT_US_PER_S)));
    assert_true(mt_clock_msg_id(&c, t0) > first);
    assert_true(mt_clock_set(&c, t0, mt_msg_id_at(t0.wall - 600 * MT_US_PER_S)));
    mt_clock_restart(&c);
    assert_int_equal(mt_clock_msg_id(&c, t0) >> 32, 1700000000 - 600);
}

static void an_id_and_its_time_are_inverse(void **state)
{
    (void)state;
    for (int64_t us = t0.wall; us < t0.wall + 3 * MT_US_PER_S; us += 12347)
        assert_true(llabs(mt_msg_id_time(mt_msg_id_at(us)) - us) <= 1);
    assert_int_equal(mt_msg_id_at(-5), 0);
}

static void the_window_knows_what_it_saw_and_what_is_too_old(void **state)
{
    struct mt_window *w = calloc(1, sizeof *w);

    (void)state;
    assert_non_null(w);
    for (uint64_t i = 0; i < MT_WINDOW_IDS; i++) {
        uint64_t id = 1000 + (i * 7919) % MT_WINDOW_IDS * 2; /* every even one, out of order */

        assert_int_equal(mt_window_look(w, id), MT_SEEN_NEVER);
        mt_window_add(w, id);
    }
    assert_int_equal(mt_window_look(w, 999), MT_SEEN_TOO_OLD);
    assert_int_equal(mt_window_look(w, 1000), MT_SEEN_BEFORE);
    assert_int_equal(mt_window_look(w, 1001), MT_SEEN_NEVER);
    mt_window_add(w, 1501);
    assert_int_equal(mt_window_look(w, 1000), MT_SEEN_TOO_OLD);
    assert_int_equal(mt_window_look(w, 1501), MT_SEEN_BEFORE);
    for (uint64_t id = 1002; id < 1000 + 2 * MT_WINDOW_IDS; id += 2)
        assert_int_equal(mt_window_look(w, id), MT_SEEN_BEFORE);
    free(w);
}

static void the_salt_changes_at_its_valid_since(void **state) /* trap 45 */
{
    struct mt_salt list[] = {{.salt = 1, .valid_since = 100, .valid_until = 200},
                             {.salt = 2, .valid_since = 190, .valid_until = 300},
                             {.salt = 9, .valid_since = 150, .valid_until = 300}, /* out of order: left out */
                             {.salt = 3, .valid_since = 290, .valid_until = 400}};
    struct mt_salts s;

    (void)state;
    mt_salts_init(&s, list, 4);
    assert_int_equal(s.n, 3);
    assert_int_equal(mt_salts_now(&s, 50), 1);
    assert_int_equal(mt_salts_now(&s, 189), 1);
    assert_int_equal(mt_salts_now(&s, 190), 2);
    assert_int_equal(mt_salts_now(&s, 1000), 3);
    assert_false(mt_salts_valid(&s, 1000));
    assert_true(mt_salts_low(&s, 390));
    mt_salts_told(&s, 7, 1000);
    assert_int_equal(mt_salts_now(&s, 1001), 7);
    assert_true(mt_salts_valid(&s, 1001));
    mt_salts_told(&s, 8, INT32_MAX - 1);
    assert_true(mt_salts_valid(&s, INT32_MAX - 1));
    assert_false(mt_salts_low(&s, INT32_MAX));
    mt_salts_init(&s, NULL, 0);
    assert_int_equal(mt_salts_now(&s, 1), 0);
}

static void future_salts_are_a_bare_list(void **state) /* trap 32 */
{
    struct tl_out out = {0};
    struct mt_salts s = {.n = 1, .list = {{.salt = 5, .valid_since = 0, .valid_until = 100}}};
    uint64_t req;
    struct tl_in in;

    (void)state;
    tl_put_u64(&out, 77);
    tl_put_int(&out, 50);
    tl_put_u32(&out, 2);
    for (int i = 0; i < 2; i++) {
        tl_put_int(&out, 60 + i * 100);
        tl_put_int(&out, 260 + i * 100);
        tl_put_long(&out, 10 + i);
    }
    for (size_t n = 0; n < out.len; n++) {
        in = tl_in(out.data, n);
        assert_int_not_equal(mt_salts_read(&s, &in, &req, 50), TL_OK);
        assert_int_equal(s.n, 1);
    }
    in = tl_in(out.data, out.len);
    assert_int_equal(mt_salts_read(&s, &in, &req, 50), TL_OK);
    assert_int_equal(req, 77);
    assert_int_equal(mt_salts_now(&s, 50), 5); /* the list begins in the future */
    assert_int_equal(mt_salts_now(&s, 60), 10);
    assert_int_equal(mt_salts_now(&s, 160), 11);
    tl_out_free(&out);
}

static size_t take_acks(struct mt_acks *a)
{
    struct tl_out out = {0};
    size_t n;

    mt_acks_take(a, t0, &out);
    n = out.len ? (out.len - 12) / 8 : 0;
    tl_out_free(&out);
    return n;
}

static void acks_wait_for_16_or_ten_seconds(void **state) /* trap 30 */
{
    struct mt_acks a;
    struct mt_now later = t0;

    (void)state;
    later.mono += MT_ACKS_DELAY_US;
    mt_acks_init(&a);
    assert_int_equal(a.due, MT_NEVER);
    for (uint64_t id = 1; id < 16; id++)
        mt_acks_add(&a, t0, id);
    mt_acks_add(&a, t0, 3);
    assert_int_equal(a.pending.n, 15);
    assert_false(mt_acks_due(&a, t0));
    assert_true(mt_acks_due(&a, later));
    mt_acks_add(&a, t0, 16);
    assert_true(mt_acks_due(&a, t0));
    assert_int_equal(take_acks(&a), 16);
    assert_int_equal(a.due, MT_NEVER);
    mt_acks_add(&a, t0, 17);
    mt_acks_flush(&a, t0);
    assert_true(mt_acks_due(&a, t0));
    mt_acks_fini(&a);
}

static void acks_are_split_at_8192(void **state) /* trap 30 */
{
    struct mt_acks a;

    (void)state;
    mt_acks_init(&a);
    for (uint64_t id = 1; id <= 8200; id++)
        assert_int_equal(mt_ids_add(&a.pending, id), TL_OK);
    assert_int_equal(take_acks(&a), 8192);
    assert_true(mt_acks_due(&a, t0));
    assert_int_equal(take_acks(&a), 8);
    assert_int_equal(take_acks(&a), 0);
    mt_acks_fini(&a);
}

static void a_held_ack_waits_for_its_release(void **state)
{
    struct mt_acks a;

    (void)state;
    mt_acks_init(&a);
    assert_int_equal(mt_acks_hold(&a, 5), TL_OK);
    mt_acks_add(&a, t0, 5); /* it came again */
    assert_int_equal(a.pending.n, 0);
    mt_acks_release(&a, t0, 6);
    assert_int_equal(a.pending.n, 0);
    mt_acks_release(&a, t0, 5);
    mt_acks_release(&a, t0, 5);
    assert_int_equal(a.pending.n, 1);
    mt_acks_fini(&a);
}

static void what_is_packed_comes_out_again(void **state) /* trap 33 */
{
    static uint8_t zeros[100000];
    struct tl_out out = {0};
    uint8_t *p = NULL;
    struct tl_slice packed;
    struct tl_in in;
    size_t n;

    (void)state;
    assert_true(mt_gzip_function(zeros, sizeof zeros, &out));
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_u32(&in), MT_ID_GZIP_PACKED);
    packed = tl_bytes(&in);
    assert_int_equal(tl_end(&in), TL_OK);
    assert_int_equal(mt_gunzip(packed.p, packed.n, MT_GZIP_MAX, &p, &n), MT_OK);
    assert_int_equal(n, sizeof zeros);
    assert_memory_equal(p, zeros, n);
    free(p);
    assert_int_equal(mt_gunzip(packed.p, packed.n, sizeof zeros - 1, &p, &n), MT_E_ZLIB);
    for (size_t cut = 0; cut < packed.n; cut++)
        assert_int_equal(mt_gunzip(packed.p, cut, MT_GZIP_MAX, &p, &n), MT_E_ZLIB);
    tl_out_free(&out);
}

static void a_gzip_bomb_stops_at_the_limit(void **state) /* trap 33 */
{
    static uint8_t zeros[MT_GZIP_MAX + 4];
    struct tl_out out = {0};
    struct tl_slice packed;
    struct tl_in in;
    uint8_t *p;
    size_t n;

    (void)state;
    fake_gzip(&out, zeros, sizeof zeros);
    in = tl_in(out.data, out.len);
    tl_u32(&in);
    packed = tl_bytes(&in);
    assert_int_equal(mt_gunzip(packed.p, packed.n, MT_GZIP_MAX, &p, &n), MT_E_ZLIB);
    tl_out_free(&out);
}

/* What is left for a packet may be anything, so also a little less than the first guess of the size. */
static void unpacking_never_writes_beyond_a_limit_near_its_first_guess(void **state)
{
    static uint8_t zeros[1 << 20];
    struct tl_out out = {0};
    struct tl_slice packed;
    struct tl_in in;
    uint8_t *p;
    size_t n;

    (void)state;
    fake_gzip(&out, zeros, sizeof zeros);
    in = tl_in(out.data, out.len);
    tl_u32(&in);
    packed = tl_bytes(&in);
    for (size_t more = 1; more < 70; more++)
        assert_int_equal(mt_gunzip(packed.p, packed.n, packed.n * 4 + more, &p, &n), MT_E_ZLIB);
    tl_out_free(&out);
}

static void what_does_not_shrink_is_not_packed(void **state)
{
    static uint8_t noise[40000], small[MT_GZIP_MIN - 4], part[2000];
    struct fake f = {.rng = 1};
    struct tl_out out = {0};

    (void)state;
    fake_random(&f, noise, sizeof noise);
    assert_false(mt_gzip_function(noise, sizeof noise, &out));
    assert_false(mt_gzip_function(noise, 1000, &out));
    assert_false(mt_gzip_function(small, sizeof small, &out));
    tl_store32(part, MT_ID_SAVE_FILE_PART);
    assert_false(mt_gzip_function(part, sizeof part, &out));
    tl_store32(part, MT_ID_SAVE_BIG_FILE_PART);
    assert_false(mt_gzip_function(part, sizeof part, &out));
    assert_int_equal(out.len, 0);
    tl_out_free(&out);
}

static struct mt_msg *message(struct mt_msg_list *l, uint64_t serial)
{
    struct mt_msg *m = mt_msg_new(MT_MSG_RPC, "abcd", 4);

    assert_non_null(m);
    m->serial = serial;
    mt_msg_insert(l, m);
    return m;
}

static void a_list_keeps_the_order_of_submission(void **state)
{
    static const uint64_t order[] = {3, 1, 5, 2, 4};
    struct mt_msg_list l = {0};
    uint64_t serial = 0;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        message(&l, order[i]);
    assert_int_equal(l.n, 5);
    while (l.head) {
        struct mt_msg *m = l.head;

        assert_int_equal(m->serial, ++serial);
        mt_msg_remove(&l, m);
        mt_msg_unref(m);
    }
    assert_null(l.tail);
}

static void sent_ids_are_found_until_their_message_is_done(void **state)
{
    struct mt_sent_ids s = {0};
    struct mt_msg_list l = {0};
    struct mt_msg *m = message(&l, 1);

    (void)state;
    assert_int_equal(mt_sent_reserve(&s, 3), TL_OK);
    mt_sent_add(&s, 100, 104, m);
    mt_sent_add(&s, 104, 0, NULL);
    mt_sent_add(&s, 52, 0, m); /* the clock went back */
    assert_ptr_equal(mt_sent_find(&s, 100)->msg, m);
    assert_null(mt_sent_find(&s, 104)->msg);
    assert_int_equal(mt_sent_find(&s, 52)->container_id, 0);
    assert_null(mt_sent_find(&s, 101));
    mt_sent_prune(&s, 1000);
    assert_non_null(mt_sent_find(&s, 100)); /* pending requests stay */
    assert_null(mt_sent_find(&s, 104));
    m->state = MT_MSG_DONE;
    mt_sent_prune(&s, 0);
    assert_int_equal(s.n, 0);
    mt_msg_remove(&l, m);
    mt_msg_unref(m);
    mt_sent_fini(&s);
}

static void back_off_doubles_up_to_a_minute(void **state)
{
    static const int64_t most[] = {0, 1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct fake f = {.rng = 3};
    struct mt_env env = {.random = fake_random, .ctx = &f};

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        int64_t us = mt_backoff(&env, i);

        assert_true(us <= most[i] * MT_US_PER_S);
        assert_true(us >= most[i] * MT_US_PER_S * 3 / 4);
    }
    assert_true(mt_backoff(&env, UINT32_MAX) <= 60 * MT_US_PER_S);
}

static void our_ids_are_those_of_the_schema(void **state)
{
    static const uint32_t pairs[][2] = {
        {MT_ID_RPC_RESULT, TL_rpc_result},
        {MT_ID_RPC_ERROR, TL_rpc_error},
        {MT_ID_RPC_DROP_ANSWER, TL_rpc_drop_answer},
        {MT_ID_FUTURE_SALTS, TL_future_salts},
        {MT_ID_GET_FUTURE_SALTS, TL_get_future_salts},
        {MT_ID_PING_DISCONNECT, TL_ping_delay_disconnect},
        {MT_ID_PONG, TL_pong},
        {MT_ID_DESTROY_SESSION_OK, TL_destroy_session_ok},
        {MT_ID_DESTROY_SESSION_NO, TL_destroy_session_none},
        {MT_ID_NEW_SESSION, TL_new_session_created},
        {MT_ID_CONTAINER, TL_msg_container},
        {MT_ID_MSG_COPY, TL_msg_copy},
        {MT_ID_GZIP_PACKED, TL_gzip_packed},
        {MT_ID_MSGS_ACK, TL_msgs_ack},
        {MT_ID_BAD_MSG, TL_bad_msg_notification},
        {MT_ID_BAD_SALT, TL_bad_server_salt},
        {MT_ID_RESEND_REQ, TL_msg_resend_req},
        {MT_ID_STATE_REQ, TL_msgs_state_req},
        {MT_ID_STATE_INFO, TL_msgs_state_info},
        {MT_ID_ALL_INFO, TL_msgs_all_info},
        {MT_ID_DETAILED_INFO, TL_msg_detailed_info},
        {MT_ID_NEW_DETAILED_INFO, TL_msg_new_detailed_info},
        {MT_ID_INVOKE_WITH_LAYER, TL_invokeWithLayer},
        {MT_ID_INIT_CONNECTION, TL_initConnection},
        {MT_ID_WITHOUT_UPDATES, TL_invokeWithoutUpdates},
        {MT_ID_CLIENT_PROXY, TL_inputClientProxy},
        {MT_ID_SAVE_FILE_PART, TL_upload_saveFilePart},
        {MT_ID_SAVE_BIG_FILE_PART, TL_upload_saveBigFilePart},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        assert_int_equal(pairs[i][0], pairs[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_rise_in_a_burst_and_under_a_frozen_clock),
        cmocka_unit_test(ids_carry_the_servers_time_not_the_wall_clock),
        cmocka_unit_test(a_clock_that_goes_far_back_asks_for_a_new_session),
        cmocka_unit_test(an_id_and_its_time_are_inverse),
        cmocka_unit_test(the_window_knows_what_it_saw_and_what_is_too_old),
        cmocka_unit_test(the_salt_changes_at_its_valid_since),
        cmocka_unit_test(future_salts_are_a_bare_list),
        cmocka_unit_test(acks_wait_for_16_or_ten_seconds),
        cmocka_unit_test(acks_are_split_at_8192),
        cmocka_unit_test(a_held_ack_waits_for_its_release),
        cmocka_unit_test(what_is_packed_comes_out_again),
        cmocka_unit_test(a_gzip_bomb_stops_at_the_limit),
        cmocka_unit_test(unpacking_never_writes_beyond_a_limit_near_its_first_guess),
        cmocka_unit_test(what_does_not_shrink_is_not_packed),
        cmocka_unit_test(a_list_keeps_the_order_of_submission),
        cmocka_unit_test(sent_ids_are_found_until_their_message_is_done),
        cmocka_unit_test(back_off_doubles_up_to_a_minute),
        cmocka_unit_test(our_ids_are_those_of_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
