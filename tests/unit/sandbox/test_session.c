/* What a session does for a client that keeps the rules: answers, acks, resends, service messages, updates.
 */
#include "tests/unit/sandbox/client.h"

#include <zlib.h>

struct fixture {
    struct tc_bench b;
    struct tc c;
};

static int make(void **state, uint64_t seed)
{
    struct fixture *f = calloc(1, sizeof *f);

    tc_bench_init(&f->b, seed, true);
    tc_init(&f->c, &f->b);
    tc_up(&f->c);
    sb_fake_of(f->b.world)->key_id = f->c.key.id;
    *state = f;
    return 0;
}

static int up(void **state)
{
    return make(state, 3);
}

static int up_seq(void **state)
{
    return make(state, 7);
}

static int up_gzip(void **state)
{
    return make(state, 4);
}

static int down(void **state)
{
    struct fixture *f = *state;

    tc_fini(&f->c);
    tc_bench_fini(&f->b);
    free(f);
    return 0;
}

static unsigned calls(const struct fixture *f)
{
    return sb_fake_of(f->b.world)->calls;
}

static uint64_t call(struct fixture *f, uint32_t id)
{
    struct tl_out out = tc_body(id);
    uint64_t req = tc_send(&f->c, true, &out);

    tl_out_free(&out);
    return req;
}

static void ack(struct fixture *f, uint64_t id)
{
    struct tl_out out = tc_ids_body(TL_msgs_ack, &id, 1);

    tc_send(&f->c, false, &out);
    tl_out_free(&out);
}

static uint64_t with_long(struct fixture *f, uint32_t id, uint64_t arg)
{
    struct tl_out out = tc_body(id);
    uint64_t req;

    tl_put_u64(&out, arg);
    req = tc_send(&f->c, false, &out);
    tl_out_free(&out);
    return req;
}

/* The client's address changed: a new connection for the same session, which a ping opens. */
static void reconnect(struct fixture *f)
{
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    tc_forget(&f->c);
    with_long(f, TL_ping, 1);
}

static void the_first_message_of_a_session_is_told_that_it_is_new(void **state)
{
    struct fixture *f = *state;
    const struct tc_msg *m;
    uint64_t req;

    tc_new_session(&f->c);
    req = call(f, TL_help_getConfig);
    m = tc_find(&f->c, TL_new_session_created, 0);
    assert_non_null(m);
    assert_int_equal(m->seqno & 1, 1);
    assert_true(tl_load64(m->p + 4) == req && (int64_t)tl_load64(m->p + 20) == f->c.salt);
    tc_expect_result(&f->c, req, TL_config);
    tc_forget(&f->c);
    call(f, TL_help_getConfig);
    assert_null(tc_find(&f->c, TL_new_session_created, 0));
}

static void an_answer_that_was_not_acked_comes_again_on_the_next_connection(void **state)
{
    struct fixture *f = *state;
    uint64_t req = call(f, TL_help_getNearestDc), answer = tc_result(&f->c, req)->id;

    reconnect(f);
    tc_expect_result(&f->c, req, TL_nearestDc);
    assert_true(tc_result(&f->c, req)->id == answer);
    ack(f, answer);
    reconnect(f);
    assert_null(tc_result(&f->c, req));
    assert_int_equal(calls(f), 2);
}

static void an_answer_too_old_to_be_believed_comes_under_a_new_id(void **state)
{
    struct fixture *f = *state;
    uint64_t req = call(f, TL_help_getNearestDc), answer = tc_result(&f->c, req)->id;

    tc_advance(&f->b, 290);
    reconnect(f);
    tc_expect_result(&f->c, req, TL_nearestDc);
    assert_true(tc_result(&f->c, req)->id > answer);
}

static void a_large_answer_is_announced_and_sent_when_asked_for(void **state)
{
    struct fixture *f = *state;
    const struct tc_msg *m;
    struct tl_out out;
    uint64_t req, answer;

    sb_fake_of(f->b.world)->answer_bytes = 3000;
    req = call(f, TL_help_getNearestDc);
    answer = tc_result(&f->c, req)->id;
    reconnect(f);
    m = tc_find(&f->c, TL_msg_detailed_info, 0);
    assert_non_null(m);
    assert_true(tl_load64(m->p + 4) == req && tl_load64(m->p + 12) == answer);
    out = tc_ids_body(TL_msg_resend_req, &answer, 1);
    tc_send(&f->c, false, &out);
    tl_out_free(&out);
    tc_expect_result(&f->c, req, TL_nearestDc);
    assert_true(tc_result(&f->c, req)->id == answer);
}

static void an_update_reaches_the_sessions_of_its_user(void **state)
{
    struct fixture *f = *state;
    struct tc other;

    tc_init(&other, &f->b);
    tc_up(&other);
    sb_fake_push(f->b.world, false, 0);
    tc_advance(&f->b, 0);
    tc_pump(&f->c);
    tc_pump(&other);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 1);
    assert_int_equal(tc_find(&f->c, TL_updateShort, 0)->seqno & 1, 1);
    assert_int_equal(tc_count(&other, TL_updateShort), 0);
    tc_fini(&other);
}

static void the_session_that_caused_an_update_gets_none(void **state)
{
    struct fixture *f = *state;

    sb_fake_push(f->b.world, false, f->c.session);
    sb_fake_push(f->b.world, true, 0);
    tc_advance(&f->b, 0);
    tc_pump(&f->c);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 1);
}

static void a_session_without_updates_gets_none(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_invokeWithoutUpdates);

    tl_put_u32(&out, TL_help_getConfig);
    tc_new_session(&f->c);
    tc_expect_result(&f->c, tc_send(&f->c, true, &out), TL_config);
    assert_true(sb_fake_of(f->b.world)->last_caller.without_updates);
    sb_fake_push(f->b.world, false, 0);
    tc_advance(&f->b, 0);
    tc_pump(&f->c);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 0);
    tl_out_free(&out);
}

static int32_t seq_of(struct fixture *f, size_t i)
{
    const struct tc_msg *m = tc_find(&f->c, TL_updates, i);

    assert_non_null(m);
    return (int32_t)tl_load32(m->p + m->n - 4);
}

static void containers_of_a_session_are_counted_by_some_seeds(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        sb_fake_push_large(f->b.world);
        tc_advance(&f->b, 0);
    }
    tc_pump(&f->c);
    for (int i = 0; i < 3; i++)
        assert_int_equal(seq_of(f, (size_t)i), 2 + i);
    tc_expect_result(&f->c, call(f, TL_help_getNearestDc), TL_nearestDc);
    assert_int_equal(sb_fake_of(f->b.world)->last_caller.seq, 4); /* what a state would say */
    tc_new_session(&f->c);
    tc_expect_result(&f->c, call(f, TL_help_getNearestDc), TL_nearestDc);
    assert_int_equal(sb_fake_of(f->b.world)->last_caller.seq, 4);
}

static void by_another_seed_each_session_counts_from_one(void **state)
{
    struct fixture *f = *state;

    sb_fake_push_large(f->b.world);
    tc_advance(&f->b, 0);
    tc_new_session(&f->c);
    tc_expect_result(&f->c, call(f, TL_help_getNearestDc), TL_nearestDc);
    assert_int_equal(sb_fake_of(f->b.world)->last_caller.seq, 1);
}

static void updates_wait_for_a_session_that_is_away(void **state)
{
    struct fixture *f = *state;

    tc_disconnect(&f->c);
    for (int i = 0; i < 3; i++)
        sb_fake_push(f->b.world, false, 0);
    tc_advance(&f->b, 0);
    reconnect(f);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 3);
}

static void too_many_updates_for_a_session_that_is_away_become_one(void **state)
{
    struct fixture *f = *state;

    tc_disconnect(&f->c);
    for (int i = 0; i < 600; i++)
        sb_fake_push(f->b.world, false, 0);
    tc_advance(&f->b, 0);
    reconnect(f);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 0);
    assert_int_equal(tc_count(&f->c, TL_updatesTooLong), 1);
}

static void a_session_that_stays_away_is_forgotten(void **state)
{
    struct fixture *f = *state;

    tc_disconnect(&f->c);
    tc_advance(&f->b, 3700);
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    call(f, TL_help_getConfig); /* its salt is too old by now */
    f->c.salt = (int64_t)tl_load64(tc_find(&f->c, TL_bad_server_salt, 0)->p + 20);
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
    assert_non_null(tc_find(&f->c, TL_new_session_created, 0));
}

static void a_ping_has_a_pong(void **state)
{
    struct fixture *f = *state;
    uint64_t req = with_long(f, TL_ping, 99);
    const struct tc_msg *m = tc_find(&f->c, TL_pong, 0);

    assert_non_null(m);
    assert_true(tl_load64(m->p + 4) == req && tl_load64(m->p + 12) == 99);
    assert_int_equal(m->id % 4, 1);
}

static void ping_delay_disconnect_hangs_up_unless_renewed(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_ping_delay_disconnect);

    tl_put_u64(&out, 1);
    tl_put_u32(&out, 75);
    tc_send(&f->c, false, &out);
    tc_advance(&f->b, 60);
    tc_send(&f->c, false, &out);
    tc_advance(&f->b, 74);
    tc_pump(&f->c);
    assert_false(f->c.closed);
    assert_int_equal(tc_count(&f->c, TL_pong), 2);
    tc_advance(&f->b, 2);
    tc_pump(&f->c);
    assert_true(f->c.closed);
    tl_out_free(&out);
}

static void future_salts_are_accepted_in_their_time(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_get_future_salts);
    const struct tc_msg *m;
    struct tl_in in;
    int64_t salt[3];
    int32_t since[3], until[3];

    tl_put_int(&out, 3);
    tc_send(&f->c, false, &out);
    tl_out_free(&out);
    m = tc_find(&f->c, TL_future_salts, 0);
    assert_non_null(m);
    in = tl_in(m->p + 4, m->n - 4);
    tl_u64(&in);
    assert_int_equal(tl_int(&in), f->b.now.wall / MT_US_PER_S);
    assert_int_equal(tl_u32(&in), 3);
    for (int i = 0; i < 3; i++) {
        since[i] = tl_int(&in);
        until[i] = tl_int(&in);
        salt[i] = tl_long(&in);
    }
    assert_int_equal(tl_end(&in), TL_OK);
    assert_true(salt[0] == f->c.salt && since[1] - since[0] == 1800 && until[0] - since[0] == 3600);
    tc_advance(&f->b, 3601);
    f->c.salt = salt[2];
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
    f->c.salt = salt[0];
    call(f, TL_help_getConfig);
    assert_non_null(tc_find(&f->c, TL_bad_server_salt, 0));
}

static void state_info_tells_received_from_unknown(void **state)
{
    struct fixture *f = *state;
    uint64_t req = call(f, TL_help_getConfig), gap = tc_next_id(&f->c), ids[4];
    const struct tc_msg *m;
    struct tl_out out;
    struct tl_slice info;
    struct tl_in in;

    call(f, TL_help_getConfig);
    ids[0] = req;
    ids[1] = gap;
    ids[2] = 4;
    ids[3] = gap + (UINT64_C(1) << 34);
    out = tc_ids_body(TL_msgs_state_req, ids, 4);
    tc_send(&f->c, false, &out);
    tl_out_free(&out);
    m = tc_find(&f->c, TL_msgs_state_info, 0);
    assert_non_null(m);
    in = tl_in(m->p + 12, m->n - 12);
    info = tl_bytes(&in);
    assert_int_equal(info.n, 4);
    assert_int_equal(info.p[0] & 7, 4);
    assert_int_equal(info.p[0] & 64, 64);
    assert_int_equal(info.p[1], 2);
    assert_int_equal(info.p[2], 1);
    assert_int_equal(info.p[3], 3);
}

static void an_answer_can_be_dropped_before_it_is_acked(void **state)
{
    struct fixture *f = *state;
    uint64_t req = call(f, TL_help_getConfig);

    tc_expect_result(&f->c, with_long(f, TL_rpc_drop_answer, req), TL_rpc_answer_dropped);
    tc_expect_result(&f->c, with_long(f, TL_rpc_drop_answer, req), TL_rpc_answer_unknown);
    reconnect(f);
    assert_null(tc_result(&f->c, req));
}

static void a_session_can_destroy_another(void **state)
{
    struct fixture *f = *state;
    uint64_t first = f->c.session;

    tc_new_session(&f->c);
    with_long(f, TL_destroy_session, first);
    assert_int_equal(tc_count(&f->c, TL_destroy_session_ok), 1);
    with_long(f, TL_destroy_session, first);
    assert_int_equal(tc_count(&f->c, TL_destroy_session_none), 1);
}

static void a_destroyed_key_answers_once_more_and_is_gone(void **state)
{
    struct fixture *f = *state;
    uint64_t req = call(f, TL_destroy_auth_key);

    tc_expect_result(&f->c, req, TL_destroy_auth_key_ok);
    assert_int_equal(sb_fake_of(f->b.world)->forgotten, 1);
    tc_forget(&f->c);
    call(f, TL_help_getConfig);
    tc_expect_closed(&f->c, -404);
}

static void wrappers_come_off_in_any_order(void **state)
{
    struct fixture *f = *state;
    uint64_t first = call(f, TL_help_getConfig), req;
    struct tl_out out = tc_body(TL_invokeAfterMsg);

    tl_put_u64(&out, first);
    tl_put_u32(&out, TL_invokeWithTakeout);
    tl_put_u64(&out, 1);
    tl_put_u32(&out, TL_invokeWithMessagesRange);
    tl_put_u32(&out, TL_messageRange);
    tl_put_u32(&out, 1);
    tl_put_u32(&out, 2);
    tl_put_u32(&out, TL_invokeWithLayer);
    tl_put_u32(&out, 200);
    tl_put_u32(&out, TL_invokeWithoutUpdates);
    tl_put_u32(&out, TL_invokeAfterMsgs);
    tl_put_vector(&out, 1);
    tl_put_u64(&out, first);
    tl_put_u32(&out, TL_help_getNearestDc);
    req = tc_send(&f->c, true, &out);
    tc_expect_result(&f->c, req, TL_nearestDc);
    assert_int_equal(sb_fake_of(f->b.world)->last_caller.layer, 200);
    assert_int_equal(sb_fake_of(f->b.world)->last_caller.api_id, 12345);
    tl_out_free(&out);
}

static struct tl_out gzipped(const struct tl_out *body)
{
    struct tl_out out = tc_body(TL_gzip_packed);
    uint8_t buf[512];
    z_stream z = {
        .next_in = body->data, .avail_in = (uInt)body->len, .next_out = buf, .avail_out = sizeof buf};

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    tl_put_bytes(&out, buf, sizeof buf - z.avail_out);
    deflateEnd(&z);
    return out;
}

static void a_packed_call_is_unpacked_outside_and_inside_wrappers(void **state)
{
    struct fixture *f = *state;
    struct tl_out plain = tc_body(TL_help_getConfig), packed = gzipped(&plain);
    struct tl_out wrapped = tc_body(TL_invokeWithoutUpdates);

    tc_expect_result(&f->c, tc_send(&f->c, true, &packed), TL_config);
    tl_put_raw(&wrapped, packed.data, packed.len);
    tc_expect_result(&f->c, tc_send(&f->c, true, &wrapped), TL_config);
    tl_out_free(&plain);
    tl_out_free(&packed);
    tl_out_free(&wrapped);
}

static void a_large_answer_may_be_packed(void **state)
{
    struct fixture *f = *state;
    uint64_t req;

    sb_fake_of(f->b.world)->answer_bytes = 20000;
    req = call(f, TL_help_getNearestDc);
    tc_expect_result(&f->c, req, TL_nearestDc);
    assert_true(tc_result(&f->c, req)->n > 20000);
}

static void a_large_update_may_be_packed(void **state)
{
    struct fixture *f = *state;
    size_t packed;

    sb_fake_push_large(f->b.world);
    tc_advance(&f->b, 0);
    packed = sb_server_output(f->b.server, f->c.conn).n;
    assert_true(packed > 0 && packed < 600);
    tc_pump(&f->c);
    assert_int_equal(tc_count(&f->c, TL_updates), 1);
    assert_int_equal(tc_find(&f->c, TL_updates, 0)->n, 4 + 8 + 1200 + 16 + 8);
}

/* Layer 229 has another user (tl/schema/compat.tl), which begins alike. */
static void an_answer_comes_in_the_layer_that_was_declared(void **state)
{
    struct fixture *f = *state;
    struct tl_out ours = tc_init_body(TL_users_getUsers, TL_LAYER);
    struct tl_out other = tc_init_body(TL_users_getUsers, 229);
    uint64_t a, b;

    sb_fake_of(f->b.world)->with_users = true;
    tl_put_vector(&ours, 0);
    tl_put_vector(&other, 0);
    a = tc_send(&f->c, true, &ours);
    b = tc_send(&f->c, true, &other);
    tc_expect_result(&f->c, a, TL_VECTOR);
    tc_expect_result(&f->c, b, TL_VECTOR);
    assert_int_equal(tl_load32(tc_result(&f->c, a)->p + 20), TL_user);
    assert_int_equal(tl_load32(tc_result(&f->c, b)->p + 20), 0xb1b8cc83);
    assert_int_equal(tc_result(&f->c, a)->n, tc_result(&f->c, b)->n);
    tl_out_free(&ours);
    tl_out_free(&other);
}

static void many_queries_in_one_container_are_all_answered(void **state)
{
    struct fixture *f = *state;
    struct tl_out get = tc_body(TL_help_getNearestDc), out;
    struct tc_msg list[100];

    for (int i = 0; i < 100; i++)
        list[i] = (struct tc_msg){
            .id = tc_next_id(&f->c), .seqno = tc_next_seqno(&f->c, true), .p = get.data, .n = get.len};
    out = tc_container(list, 100);
    tc_send(&f->c, false, &out);
    for (int i = 0; i < 100; i++)
        tc_expect_result(&f->c, list[i].id, TL_nearestDc);
    assert_int_equal(calls(f), 101);
    tl_out_free(&get);
    tl_out_free(&out);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_first_message_of_a_session_is_told_that_it_is_new),
        T(an_answer_that_was_not_acked_comes_again_on_the_next_connection),
        T(an_answer_too_old_to_be_believed_comes_under_a_new_id),
        T(a_large_answer_is_announced_and_sent_when_asked_for),
        T(an_update_reaches_the_sessions_of_its_user),
        T(the_session_that_caused_an_update_gets_none),
        T(a_session_without_updates_gets_none),
        T(containers_of_a_session_are_counted_by_some_seeds),
        cmocka_unit_test_setup_teardown(by_another_seed_each_session_counts_from_one, up_seq, down),
        T(updates_wait_for_a_session_that_is_away),
        T(too_many_updates_for_a_session_that_is_away_become_one),
        T(a_session_that_stays_away_is_forgotten),
        T(a_ping_has_a_pong),
        T(ping_delay_disconnect_hangs_up_unless_renewed),
        T(future_salts_are_accepted_in_their_time),
        T(state_info_tells_received_from_unknown),
        T(an_answer_can_be_dropped_before_it_is_acked),
        T(a_session_can_destroy_another),
        T(a_destroyed_key_answers_once_more_and_is_gone),
        T(wrappers_come_off_in_any_order),
        T(a_packed_call_is_unpacked_outside_and_inside_wrappers),
        cmocka_unit_test_setup_teardown(a_large_answer_may_be_packed, up_gzip, down),
        cmocka_unit_test_setup_teardown(a_large_update_may_be_packed, up_gzip, down),
        T(an_answer_comes_in_the_layer_that_was_declared),
        T(many_queries_in_one_container_are_all_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
