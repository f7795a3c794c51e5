/* Complaints of the server about our messages, and sessions that end or begin anew. */
#include "tests/unit/mtproto/fake_server.h"

#include "tl/ids.h"

#include "core/mtproto/session.h"

static const uint8_t answer[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void a_bad_salt_sends_again_what_it_names(void **state)
{
    struct fake f;
    uint64_t first;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    first = fake_query(&f, 1)->msg_id;
    fake_bad_salt(&f, first, 4711);
    assert_int_equal(fake_event(&f), MT_DC_SALTS);
    assert_int_equal(f.event.n_salts, 1);
    assert_int_equal(f.event.salts[0].salt, 4711);
    fake_forget(&f);
    fake_take(&f);
    assert_true(fake_query(&f, 1)->msg_id > first);
    assert_int_equal(fake_query(&f, 1)->salt, 4711);
    fake_bad_salt(&f, first, 1); /* stale: it names an id that was replaced */
    fake_bad_salt(&f, 999, 1);   /* not ours */
    assert_int_equal(fake_take(&f), 0);
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    assert_int_equal(fake_query(&f, 2)->salt, 4711);
    fake_stop(&f);
}

static void a_bad_salt_for_a_container_sends_all_of_it_again(void **state) /* trap 26 */
{
    struct tl_out body = fake_body(UINT32_C(0x74ae4240));
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_send(&f, 3, true, &body);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    mt_conn_ack(f.conn, f.now, f.event.ack);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_submit(&f, 2, 0, MT_NEVER);
    mt_conn_probe(f.conn);
    fake_take(&f);
    assert_int_equal(f.n_got, 4);
    fake_bad_salt(&f, f.last_container, 4711);
    fake_forget(&f);
    fake_take(&f);
    assert_non_null(fake_query(&f, 1));
    assert_non_null(fake_query(&f, 2));
    assert_non_null(fake_find(&f, MT_ID_MSGS_ACK, NULL));
    assert_non_null(fake_find(&f, MT_ID_PING_DISCONNECT, NULL));
    for (size_t i = 0; i < f.n_got; i++)
        assert_int_equal(f.got[i].salt, 4711);
    fake_stop(&f);
}

static void a_hundred_bad_salts_make_a_hundred_requests_go_once_more(void **state) /* trap 44 */
{
    struct fake f;
    uint64_t ids[101];

    (void)state;
    fake_start(&f);
    for (uint64_t token = 1; token <= 100; token++) {
        fake_submit(&f, token, 0, MT_NEVER);
        fake_take(&f);
        ids[token] = fake_query(&f, token)->msg_id;
    }
    fake_forget(&f);
    for (uint64_t token = 1; token <= 100; token++) {
        fake_bad_salt(&f, ids[token], 4711);
        fake_take(&f);
    }
    for (uint64_t token = 1; token <= 100; token++) {
        assert_int_equal(fake_query_count(&f, token), 1);
        assert_int_equal(fake_query(&f, token)->salt, 4711);
    }
    fake_stop(&f);
}

static int complain_on(struct fake *f, int code)
{
    struct tl_out out = fake_body(code == 48 ? MT_ID_BAD_SALT : MT_ID_BAD_MSG);
    int err;

    tl_put_u64(&out, fake_query(f, 1)->msg_id);
    tl_put_u32(&out, 0);
    tl_put_int(&out, code);
    if (code == 48)
        tl_put_long(&out, 5);
    err = fake_send_as(f, fake_id(f, 3), 0, &out);
    tl_out_free(&out);
    return err;
}

static void a_server_that_never_stops_complaining_loses_the_link(void **state)
{
    static const int codes[] = {16, 17, 18, 19, 32, 33, 34, 35, 48, 64};
    struct fake f;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        unsigned times = 0;

        fake_start(&f);
        fake_submit(&f, 1, MT_REQ_REPEATABLE, MT_NEVER);
        fake_take(&f);
        while (complain_on(&f, codes[i]) == MT_OK) {
            assert_true(++times < 20);
            fake_forget(&f);
            fake_take(&f);
        }
        assert_in_range(times, 3, 6);
        fake_stop(&f);
    }
}

static void code_16_takes_the_time_of_the_notice(void **state) /* traps 25, 27 */
{
    struct fake f;
    uint64_t first, session;

    (void)state;
    fake_start(&f);
    session = f.session;
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    first = fake_query(&f, 1)->msg_id;
    f.skew_us = 7200 * MT_US_PER_S; /* far outside the window: complaints get through */
    fake_bad_msg(&f, first, 16);
    assert_int_equal(fake_event(&f), MT_DC_TIME);
    assert_true(llabs(f.event.time_offset_us - f.skew_us) < MT_US_PER_S);
    fake_take(&f);
    assert_int_equal(fake_query(&f, 1)->msg_id >> 32, (first >> 32) + 7200);
    assert_true(f.session == session);
    fake_stop(&f);
}

/* The server takes what comes up to 300 s late, we take nothing that is 30 s early: nobody complains. */
static void a_pong_from_ahead_sets_the_clock(void **state) /* traps 20, 25 */
{
    const struct fake_msg *ping;
    struct tl_out body;
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    f.skew_us = 73 * MT_US_PER_S; /* this machine stood still for a while */
    body = fake_body(MT_ID_RPC_RESULT);
    tl_put_u64(&body, fake_query(&f, 1)->msg_id);
    tl_put_bool(&body, true);
    fake_send(&f, 1, true, &body);
    assert_int_equal(fake_event(&f), MT_DC_NONE); /* ignored: but we ask what time it is */
    fake_take(&f);
    ping = fake_find(&f, MT_ID_PING_DISCONNECT, NULL);
    assert_non_null(ping);
    fake_pong(&f, ping->msg_id + 4); /* of no ping of ours */
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_pong(&f, ping->msg_id);
    assert_int_equal(fake_event(&f), MT_DC_TIME);
    assert_true(llabs(f.event.time_offset_us - f.skew_us) < MT_US_PER_S);
    fake_take(&f);
    assert_non_null(fake_find(&f, MT_ID_RESEND_REQ, NULL)); /* and now the answer, please */
    fake_stop(&f);
}

static void code_17_goes_back_in_a_new_session(void **state) /* traps 25, 27 */
{
    struct fake f;
    uint64_t first, session;

    (void)state;
    fake_start(&f);
    session = f.session;
    for (uint64_t token = 1; token <= 3; token++)
        fake_submit(&f, token, token == 2 ? MT_REQ_REPEATABLE : 0, f.now.mono + 60 * MT_US_PER_S);
    fake_take(&f);
    first = fake_query(&f, 1)->msg_id;
    f.skew_us = -7200 * MT_US_PER_S;
    f.last_id = 0;
    {
        struct tl_out out = fake_body(MT_ID_BAD_MSG);

        tl_put_u64(&out, first);
        tl_put_u32(&out, 0);
        tl_put_int(&out, 17);
        fake_send(&f, 3, false, &out);
    }
    fake_take(&f);
    assert_true(f.session != session);
    assert_int_equal(fake_query(&f, 1)->msg_id >> 32, (first >> 32) - 7200);
    assert_int_equal(fake_query(&f, 1)->seqno, 1);
    assert_int_equal(fake_query_count(&f, 2), 2); /* repeatable: at once */
    assert_int_equal(fake_query_count(&f, 3), 1); /* not proven to be refused: waits */
    assert_int_equal(fake_event(&f), MT_DC_TIME);
    assert_int_equal(fake_event(&f), MT_DC_NEW_SESSION);
    /* the complaint about the third is still addressed to the old session */
    f.session = session;
    fake_bad_msg(&f, fake_query(&f, 3)->msg_id, 17);
    fake_take(&f);
    assert_int_equal(fake_query_count(&f, 3), 2);
    assert_true(f.session != session);
    fake_stop(&f);
}

static void an_answer_to_the_old_session_still_counts(void **state)
{
    struct fake f;
    uint64_t id, session;

    (void)state;
    fake_start(&f);
    session = f.session;
    fake_submit(&f, 1, 0, f.now.mono + 60 * MT_US_PER_S);
    fake_submit(&f, 2, 0, f.now.mono + 60 * MT_US_PER_S);
    fake_take(&f);
    id = fake_query(&f, 1)->msg_id;
    fake_bad_msg(&f, fake_query(&f, 2)->msg_id, 32);
    fake_take(&f);
    f.session = session;
    fake_rpc_result(&f, id, answer, sizeof answer);
    assert_int_equal(fake_event(&f), MT_DC_NEW_SESSION);
    assert_int_equal(fake_event(&f), MT_DC_RESULT);
    assert_int_equal(f.event.token, 1);
    /* on a new link it cannot: what still belongs to that session ends */
    fake_submit(&f, 3, 0, f.now.mono + 60 * MT_US_PER_S);
    fake_take(&f);
    fake_bad_msg(&f, fake_query(&f, 2)->msg_id, 32);
    assert_int_equal(fake_event(&f), MT_DC_NEW_SESSION);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    mt_conn_link_down(f.conn, f.now);
    assert_int_equal(fake_event(&f), MT_DC_DOWN);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.token, 3);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    fake_stop(&f);
}

static void an_update_to_the_old_session_hides_none_of_the_new_one(void **state)
{
    struct tl_out too_long = fake_body(TL_updatesTooLong);
    struct fake f;
    uint64_t old, new, id;

    (void)state;
    fake_start(&f);
    old = f.session;
    fake_submit(&f, 1, 0, f.now.mono + 60 * MT_US_PER_S);
    fake_take(&f);
    fake_bad_msg(&f, fake_query(&f, 1)->msg_id, 32);
    fake_take(&f);
    new = f.session;
    assert_int_equal(fake_event(&f), MT_DC_NEW_SESSION);
    f.session = old; /* the server tells both of them, at the same time and so under the same id */
    id = fake_id(&f, 3);
    assert_int_equal(fake_send_as(&f, id, 1, &too_long), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    f.session = new;
    assert_int_equal(fake_send_as(&f, id, 1, &too_long), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    tl_out_free(&too_long);
    fake_stop(&f);
}

static void sequence_complaints_open_a_new_session_and_repeat_what_they_name(void **state)
{
    static const int codes[] = {18, 19, 32, 33, 34, 35, 64};
    struct fake f;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        uint64_t session;

        fake_start(&f);
        session = f.session;
        fake_submit(&f, 1, 0, MT_NEVER);
        fake_take(&f);
        fake_bad_msg(&f, fake_query(&f, 1)->msg_id, codes[i]);
        fake_forget(&f);
        fake_take(&f);
        assert_true(f.session != session);
        assert_int_equal(fake_query(&f, 1)->seqno, 1);
        fake_stop(&f);
    }
}

static void code_20_repeats_only_what_may_be_repeated(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_submit(&f, 2, MT_REQ_RANDOM_ID, MT_NEVER);
    fake_take(&f);
    fake_bad_msg(&f, f.last_container, 20);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.token, 1);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    fake_forget(&f);
    fake_take(&f);
    assert_non_null(fake_query(&f, 2));
    fake_stop(&f);
}

static void a_new_session_repeats_what_is_older_only(void **state) /* trap 35 */
{
    struct fake f;
    uint64_t third;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    fake_submit(&f, 2, MT_REQ_REPEATABLE, MT_NEVER);
    fake_take(&f);
    fake_submit(&f, 3, MT_REQ_REPEATABLE, MT_NEVER);
    fake_take(&f);
    third = fake_query(&f, 3)->msg_id;
    fake_forget(&f);
    for (unsigned i = 0; i < 2; i++) /* the second has a known unique_id */
        fake_new_session(&f, third, 99, 1);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.token, 1);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    assert_int_equal(fake_event(&f), MT_DC_NEW_SESSION);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_take(&f);
    assert_int_equal(fake_query_count(&f, 2), 1);
    assert_int_equal(fake_query_count(&f, 3), 0);
    assert_int_equal(fake_query(&f, 2)->salt, FAKE_SALT); /* ours was good */
    fake_stop(&f);
}

static void a_new_session_that_begins_with_a_container_spares_what_is_in_it(void **state) /* trap 35 */
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    fake_new_session(&f, f.last_container, 5, 1);
    assert_int_equal(fake_event(&f), MT_DC_NEW_SESSION);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void a_lost_session_is_initialised_again(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    fake_rpc_result(&f, fake_query(&f, 1)->msg_id, answer, sizeof answer);
    fake_new_session(&f, fake_query(&f, 1)->msg_id + 4, 5, 1);
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    assert_int_equal(tl_load32(fake_query(&f, 2)->p), MT_ID_INVOKE_WITH_LAYER);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_salt_sends_again_what_it_names),
        cmocka_unit_test(a_bad_salt_for_a_container_sends_all_of_it_again),
        cmocka_unit_test(a_hundred_bad_salts_make_a_hundred_requests_go_once_more),
        cmocka_unit_test(a_server_that_never_stops_complaining_loses_the_link),
        cmocka_unit_test(code_16_takes_the_time_of_the_notice),
        cmocka_unit_test(a_pong_from_ahead_sets_the_clock),
        cmocka_unit_test(code_17_goes_back_in_a_new_session),
        cmocka_unit_test(an_answer_to_the_old_session_still_counts),
        cmocka_unit_test(an_update_to_the_old_session_hides_none_of_the_new_one),
        cmocka_unit_test(sequence_complaints_open_a_new_session_and_repeat_what_they_name),
        cmocka_unit_test(code_20_repeats_only_what_may_be_repeated),
        cmocka_unit_test(a_new_session_repeats_what_is_older_only),
        cmocka_unit_test(a_new_session_that_begins_with_a_container_spares_what_is_in_it),
        cmocka_unit_test(a_lost_session_is_initialised_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
