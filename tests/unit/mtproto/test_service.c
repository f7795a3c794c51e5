/* Pings, salts, announced answers, states: what else the server says about the session. */
#include "tests/unit/mtproto/fake_server.h"

#include "core/mtproto/session.h"

static void pings_go_out_every_minute_and_silence_ends_the_link(void **state) /* traps 31, 40 */
{
    struct fake f;
    struct tl_slice body;
    struct fake_msg *ping;

    (void)state;
    fake_start(&f);
    assert_int_equal(mt_conn_deadline(f.conn), f.now.mono + 60 * MT_US_PER_S);
    for (unsigned i = 0; i < 3; i++) {
        fake_advance(&f, mt_conn_deadline(f.conn) - f.now.mono);
        assert_int_equal(mt_conn_tick(f.conn, f.now), MT_OK);
        fake_forget(&f);
        assert_int_equal(fake_take(&f), 1);
        ping = fake_find(&f, MT_ID_PING_DISCONNECT, &body);
        assert_int_equal(tl_load32(body.p + 12), 75);
        assert_int_equal(ping->seqno % 2, 0);
        if (i < 2)
            fake_pong(&f, ping->msg_id);
    }
    assert_in_range(mt_conn_deadline(f.conn) - f.now.mono, 15 * MT_US_PER_S, 20 * MT_US_PER_S);
    fake_advance(&f, mt_conn_deadline(f.conn) - f.now.mono);
    assert_int_equal(mt_conn_tick(f.conn, f.now), MT_E_TIMEOUT);
    fake_stop(&f);
}

/* Trap 40: bytes that nobody takes off our hands keep the ping back too. */
static void a_link_that_takes_no_bytes_ends_by_silence(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    for (int64_t waited = 0; waited < MT_SILENCE_US;) {
        int64_t step;

        assert_int_equal(mt_conn_tick(f.conn, f.now), MT_OK);
        step = mt_conn_deadline(f.conn) - f.now.mono;
        assert_true(step > 0);
        fake_advance(&f, step);
        waited += step;
    }
    assert_int_equal(mt_conn_tick(f.conn, f.now), MT_E_TIMEOUT);
    fake_stop(&f);
}

static void silence_after_a_request_is_noticed_sooner(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_advance(&f, 5 * MT_US_PER_S);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    assert_int_equal(mt_conn_deadline(f.conn), f.now.mono + MT_PING_SOON_US);
    fake_advance(&f, MT_PING_SOON_US);
    assert_int_equal(mt_conn_tick(f.conn, f.now), MT_OK);
    fake_forget(&f);
    fake_take(&f);
    assert_non_null(fake_find(&f, MT_ID_PING_DISCONNECT, NULL));
    fake_advance(&f, MT_PONG_WAIT_US);
    assert_int_equal(mt_conn_tick(f.conn, f.now), MT_E_TIMEOUT);
    fake_stop(&f);
}

static uint64_t early_update(struct fake *f, int64_t ahead_us)
{
    struct tl_out body = fake_body(UINT32_C(0x74ae4240));

    f->skew_us = ahead_us;
    f->last_id = 0;
    return fake_send(f, 3, true, &body);
}

static void what_was_ignored_for_a_wrong_clock_of_ours_is_fetched(void **state) /* trap 25 */
{
    struct fake f;
    struct tl_out body = fake_body(UINT32_C(0x74ae4240));
    struct fake_msg *ping, *req;
    uint64_t id;

    (void)state;
    fake_start(&f);
    id = early_update(&f, 400 * MT_US_PER_S);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_take(&f);
    ping = fake_find(&f, MT_ID_PING_DISCONNECT, NULL);
    assert_non_null(ping); /* to find out whose clock is wrong */
    fake_bad_msg(&f, ping->msg_id, 16);
    assert_int_equal(fake_event(&f), MT_DC_TIME);
    fake_take(&f);
    req = fake_find(&f, MT_ID_RESEND_REQ, NULL);
    assert_non_null(req);
    assert_int_equal(tl_load64(req->p + 12), id);
    assert_int_equal(fake_send_as(&f, id, 1, &body), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    tl_out_free(&body);
    fake_stop(&f);
}

static void what_was_ignored_under_a_right_clock_is_reported_as_missing(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    early_update(&f, -400 * MT_US_PER_S);
    f.skew_us = 0;
    fake_advance(&f, MT_US_PER_S);
    fake_take(&f);
    fake_pong(&f, fake_find(&f, MT_ID_PING_DISCONNECT, NULL)->msg_id);
    assert_int_equal(fake_event(&f), MT_DC_NEW_SESSION);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void salts_are_asked_for_before_they_end_and_used_in_their_time(void **state) /* traps 31, 32, 45 */
{
    struct fake f;
    struct fake_msg *ask;
    struct tl_out out;
    int32_t server_s;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    fake_bad_salt(&f, fake_query(&f, 1)->msg_id, 1);
    assert_int_equal(fake_event(&f), MT_DC_SALTS);
    fake_forget(&f);
    fake_take(&f);
    ask = fake_find(&f, MT_ID_GET_FUTURE_SALTS, NULL);
    assert_non_null(ask);
    server_s = (int32_t)(f.now.wall / MT_US_PER_S);
    out = fake_body(MT_ID_FUTURE_SALTS);
    tl_put_u64(&out, ask->msg_id);
    tl_put_int(&out, server_s);
    tl_put_u32(&out, 3);
    for (int i = 0; i < 3; i++) {
        tl_put_int(&out, server_s + 1800 * i);
        tl_put_int(&out, server_s + 1800 * (i + 2));
        tl_put_long(&out, 100 + i);
    }
    fake_send(&f, 1, false, &out);
    assert_int_equal(fake_event(&f), MT_DC_SALTS);
    assert_int_equal(f.event.n_salts, 3);
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    assert_int_equal(fake_query(&f, 2)->salt, 100);
    fake_advance(&f, 1801 * MT_US_PER_S);
    fake_submit(&f, 3, 0, MT_NEVER);
    fake_take(&f);
    assert_int_equal(fake_query(&f, 3)->salt, 101);
    fake_stop(&f);
}

static void salts_are_not_asked_for_twice_in_a_minute(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    for (unsigned i = 0; i < 3; i++) {
        fake_bad_salt(&f, fake_query(&f, 1)->msg_id, 1 + i);
        fake_take(&f);
        fake_advance(&f, 10 * MT_US_PER_S);
    }
    assert_int_equal(fake_count(&f, MT_ID_GET_FUTURE_SALTS), 1);
    fake_stop(&f);
}

static void pings_of_many_accounts_share_their_instants(void **state)
{
    struct fake f;
    int64_t at;

    (void)state;
    fake_start_unlinked(&f);
    for (unsigned i = 0; i < 5; i++) {
        fake_advance(&f, 1234567);
        mt_conn_link_up(f.conn, f.now);
        fake_take(&f);
        mt_conn_heard(f.conn, f.now);
        at = mt_conn_deadline(f.conn);
        assert_int_equal(at % MT_PING_SLOT_US, 0);
        assert_in_range(at - f.now.mono, 50 * MT_US_PER_S, 60 * MT_US_PER_S);
        mt_conn_link_down(f.conn, f.now);
    }
    fake_stop(&f);
}

static void announced_answers_are_fetched_or_acked(void **state) /* trap 36 */
{
    struct fake f;
    struct tl_out out = fake_body(MT_ID_DETAILED_INFO);
    struct fake_msg *req;
    uint64_t announced, seen;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    announced = fake_id(&f, 1);
    tl_put_u64(&out, fake_query(&f, 1)->msg_id);
    tl_put_u64(&out, announced);
    tl_put_int(&out, 100000);
    tl_put_int(&out, 0);
    fake_send(&f, 3, false, &out);
    fake_take(&f);
    req = fake_find(&f, MT_ID_RESEND_REQ, NULL);
    assert_non_null(req);
    assert_int_equal(tl_load64(req->p + 12), announced);
    /* one that was received is acked */
    seen = fake_new_session(&f, 1, 3, 1);
    fake_advance(&f, MT_ACKS_DELAY_US);
    fake_take(&f);
    fake_forget(&f);
    out = fake_body(MT_ID_NEW_DETAILED_INFO);
    tl_put_u64(&out, seen);
    tl_put_int(&out, 10);
    tl_put_int(&out, 0);
    fake_send(&f, 3, false, &out);
    out = fake_body(MT_ID_NEW_DETAILED_INFO);
    tl_put_u64(&out, announced + 8);
    tl_put_int(&out, 10);
    tl_put_int(&out, 0);
    fake_send(&f, 3, false, &out);
    fake_take(&f);
    assert_int_equal(fake_count(&f, MT_ID_RESEND_REQ), 1);
    assert_int_equal(tl_load64(fake_find(&f, MT_ID_MSGS_ACK, NULL)->p + 12), seen);
    fake_stop(&f);
}

static void the_servers_questions_are_answered(void **state)
{
    struct fake f;
    struct tl_out out;
    struct tl_slice body;
    uint64_t seen, question;

    (void)state;
    fake_start(&f);
    seen = fake_new_session(&f, 1, 3, 1);
    out = fake_body(MT_ID_STATE_REQ);
    tl_put_vector(&out, 2);
    tl_put_u64(&out, seen);
    tl_put_u64(&out, seen + 400);
    question = fake_send(&f, 3, false, &out);
    fake_take(&f);
    assert_non_null(fake_find(&f, MT_ID_STATE_INFO, &body));
    assert_int_equal(tl_load64(body.p + 4), question);
    assert_memory_equal(body.p + 12, "\x02\x04\x03", 3);
    fake_stop(&f);
}

static void a_resend_request_sends_a_pending_query_anew(void **state)
{
    struct fake f;
    struct tl_out out = fake_body(MT_ID_RESEND_REQ);
    uint64_t first;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    first = fake_query(&f, 1)->msg_id;
    tl_put_vector(&out, 2);
    tl_put_u64(&out, first);
    tl_put_u64(&out, 4);
    fake_send(&f, 3, false, &out);
    fake_forget(&f);
    fake_take(&f);
    assert_true(fake_query(&f, 1)->msg_id > first);
    assert_non_null(fake_find(&f, MT_ID_STATE_INFO, NULL));
    fake_stop(&f);
}

static void volunteered_states_count(void **state)
{
    struct fake f;
    struct tl_out out = fake_body(MT_ID_ALL_INFO);

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    tl_put_vector(&out, 1);
    tl_put_u64(&out, fake_query(&f, 1)->msg_id);
    tl_put_bytes(&out, "\x02", 1);
    fake_send(&f, 3, false, &out);
    fake_forget(&f);
    fake_take(&f);
    assert_non_null(fake_query(&f, 1));
    fake_stop(&f);
}

static void a_flood_of_questions_does_not_fill_our_memory(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    for (unsigned i = 0; i < 5000; i++) {
        struct tl_out out = fake_body(MT_ID_NEW_DETAILED_INFO);

        tl_put_u64(&out, fake_id(&f, 1));
        tl_put_u64(&out, 0);
        fake_send(&f, 3, false, &out);
    }
    assert_true(fake_take(&f) <= 256);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_go_out_every_minute_and_silence_ends_the_link),
        cmocka_unit_test(a_link_that_takes_no_bytes_ends_by_silence),
        cmocka_unit_test(silence_after_a_request_is_noticed_sooner),
        cmocka_unit_test(what_was_ignored_for_a_wrong_clock_of_ours_is_fetched),
        cmocka_unit_test(what_was_ignored_under_a_right_clock_is_reported_as_missing),
        cmocka_unit_test(salts_are_asked_for_before_they_end_and_used_in_their_time),
        cmocka_unit_test(salts_are_not_asked_for_twice_in_a_minute),
        cmocka_unit_test(pings_of_many_accounts_share_their_instants),
        cmocka_unit_test(announced_answers_are_fetched_or_acked),
        cmocka_unit_test(the_servers_questions_are_answered),
        cmocka_unit_test(a_resend_request_sends_a_pending_query_anew),
        cmocka_unit_test(volunteered_states_count),
        cmocka_unit_test(a_flood_of_questions_does_not_fill_our_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
