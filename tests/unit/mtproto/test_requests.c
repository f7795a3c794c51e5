/* Requests from submit to their one end, over good and bad links. */
#include "tests/unit/mtproto/fake_server.h"

#include "core/mtproto/session.h"

static const uint8_t answer[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void answer_query(struct fake *f, uint64_t token)
{
    struct fake_msg *q = fake_query(f, token);

    assert_non_null(q);
    fake_rpc_result(f, q->msg_id, answer, sizeof answer);
}

static void relink(struct fake *f)
{
    mt_conn_link_down(f->conn, f->now);
    assert_int_equal(fake_event(f), MT_DC_DOWN);
    mt_conn_link_up(f->conn, f->now);
    fake_forget(f);
    fake_take(f);
}

static void a_request_is_wrapped_sent_and_answered(void **state)
{
    struct fake f;
    struct fake_msg *q;
    struct tl_in r;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 5, 0, MT_NEVER);
    fake_take(&f);
    q = fake_query(&f, 5);
    assert_non_null(q);
    assert_int_equal(q->seqno % 2, 1);
    assert_int_equal(q->salt, FAKE_SALT);
    r = tl_in(q->p, q->n);
    assert_int_equal(tl_u32(&r), MT_ID_INVOKE_WITH_LAYER);
    assert_int_equal(tl_int(&r), 227);
    assert_int_equal(tl_u32(&r), MT_ID_INIT_CONNECTION);
    fake_rpc_result(&f, q->msg_id, answer, sizeof answer);
    assert_int_equal(fake_event(&f), MT_DC_RESULT);
    assert_int_equal(f.event.token, 5);
    assert_int_equal(f.event.n, sizeof answer);
    assert_memory_equal(f.event.p, answer, sizeof answer);
    assert_int_not_equal(f.event.ack, 0);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    assert_int_equal(mt_conn_pending(f.conn), 0);
    fake_stop(&f);
}

static bool was_wrapped(struct fake *f, uint64_t token)
{
    return tl_load32(fake_query(f, token)->p) == MT_ID_INVOKE_WITH_LAYER;
}

static void init_is_left_out_after_the_first_answer_and_comes_back_when_asked_for(void **state) /* trap 41 */
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    fake_rpc_error(&f, fake_query(&f, 1)->msg_id, 400, "SOMETHING_INVALID"); /* an ordinary error counts */
    assert_int_equal(fake_event(&f), MT_DC_ERROR);
    assert_int_equal(f.event.code, 400);
    assert_int_equal(f.event.text.n, strlen("SOMETHING_INVALID"));
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    assert_false(was_wrapped(&f, 2));
    fake_rpc_error(&f, fake_query(&f, 2)->msg_id, 400, "CONNECTION_NOT_INITED");
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_take(&f);
    assert_true(was_wrapped(&f, 2));
    answer_query(&f, 2);
    assert_int_equal(fake_event(&f), MT_DC_RESULT);
    fake_submit(&f, 3, 0, MT_NEVER);
    fake_take(&f);
    assert_false(was_wrapped(&f, 3));
    for (unsigned i = 0; i < 3; i++) {
        fake_rpc_error(&f, fake_query(&f, 3)->msg_id, 400, "CONNECTION_LAYER_INVALID");
        assert_int_equal(fake_event(&f), MT_DC_NONE);
        fake_take(&f);
    }
    fake_rpc_error(&f, fake_query(&f, 3)->msg_id, 400, "CONNECTION_LAYER_INVALID");
    assert_int_equal(fake_event(&f), MT_DC_ERROR); /* not for ever */
    fake_stop(&f);
}

static void an_mtproxy_is_named_in_init_and_init_comes_again_with_another(void **state)
{
    struct fake f;
    struct tl_in in;
    struct tl_slice address;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    answer_query(&f, 1);
    f.init.proxy_address = "proxy.example";
    f.init.proxy_port = 8443;
    mt_conn_init_again(f.conn);
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    assert_true(was_wrapped(&f, 2));
    in = tl_in(fake_query(&f, 2)->p, fake_query(&f, 2)->n);
    tl_raw(&in, 12);                  /* invokeWithLayer, initConnection */
    assert_int_equal(tl_u32(&in), 1); /* flags: a proxy, no params */
    tl_u32(&in);
    for (int i = 0; i < 6; i++)
        tl_bytes(&in);
    assert_int_equal(tl_u32(&in), MT_ID_CLIENT_PROXY);
    address = tl_bytes(&in);
    assert_int_equal(address.n, 13);
    assert_memory_equal(address.p, "proxy.example", 13);
    assert_int_equal(tl_u32(&in), 8443);
    assert_int_equal(in.err, TL_OK);
    answer_query(&f, 2);
    fake_submit(&f, 3, 0, MT_NEVER);
    fake_take(&f);
    assert_false(was_wrapped(&f, 3));
    fake_stop(&f);
}

static void a_call_without_updates_is_wrapped_inside_init(void **state)
{
    struct fake f;
    struct fake_msg *q;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, MT_REQ_WITHOUT_UPDATES, MT_NEVER);
    fake_take(&f);
    q = fake_query(&f, 1);
    assert_int_equal(tl_load32(q->p), MT_ID_INVOKE_WITH_LAYER);
    assert_int_equal(tl_load32(q->p + q->n - 16), MT_ID_WITHOUT_UPDATES);
    fake_stop(&f);
}

static void duplicates_and_unknown_answers_are_acked_and_dropped(void **state) /* trap 37, 51 */
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    answer_query(&f, 1);
    answer_query(&f, 1);
    fake_rpc_result(&f, 12345, answer, sizeof answer);
    fake_rpc_error(&f, 0, -503, "Timeout");
    assert_int_equal(fake_event(&f), MT_DC_RESULT);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_forget(&f);
    fake_advance(&f, MT_ACKS_DELAY_US);
    fake_take(&f);
    assert_int_equal(tl_load32(fake_find(&f, MT_ID_MSGS_ACK, NULL)->p + 8), 3); /* the first one is held */
    fake_stop(&f);
}

static void an_answer_that_does_not_parse_fails_its_request(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    fake_rpc_result(&f, fake_query(&f, 1)->msg_id, NULL, 0);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.code, MT_E_PEER);
    tl_store32(f.sealed, MT_ID_RPC_ERROR);
    fake_rpc_result(&f, fake_query(&f, 2)->msg_id, "\x19\xca\x44\x21\1\0\0\0", 8);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.token, 2);
    fake_stop(&f);
}

static void a_repeatable_request_goes_out_at_once_on_a_new_link(void **state)
{
    struct fake f;
    uint64_t first;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, MT_REQ_REPEATABLE, MT_NEVER);
    fake_take(&f);
    first = fake_query(&f, 1)->msg_id;
    relink(&f);
    assert_true(fake_query(&f, 1)->msg_id > first);
    assert_int_equal(fake_query(&f, 1)->seqno, 3);
    fake_rpc_result(&f, first, answer, sizeof answer); /* the old answer is as good */
    assert_int_equal(fake_event(&f), MT_DC_UP);
    assert_int_equal(fake_event(&f), MT_DC_RESULT);
    answer_query(&f, 1);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void send_state(struct fake *f, uint64_t req, const char *bytes)
{
    struct tl_out out = fake_body(MT_ID_STATE_INFO);

    tl_put_u64(&out, req);
    tl_put_bytes(&out, bytes, strlen(bytes));
    fake_send(f, 1, false, &out);
}

static void others_are_asked_about_and_only_what_was_not_received_goes_out(void **state) /* trap 38 */
{
    struct fake f;
    struct fake_msg *ask;

    (void)state;
    fake_start(&f);
    for (uint64_t token = 1; token <= 6; token++)
        fake_submit(&f, token, token == 6 ? MT_REQ_RANDOM_ID : 0, MT_NEVER);
    fake_take(&f);
    fake_msgs_ack(&f, fake_query(&f, 5)->msg_id);
    relink(&f);
    for (uint64_t token = 1; token <= 6; token++)
        assert_null(fake_query(&f, token));
    ask = fake_find(&f, MT_ID_STATE_REQ, NULL);
    assert_non_null(ask);
    assert_int_equal(ask->seqno % 2, 0);
    assert_int_equal(tl_load32(ask->p + 8), 5); /* the acked one is not asked about: trap 39 */
    send_state(&f, ask->msg_id, "\x01\x02\x03\x2c\x01");
    assert_int_equal(fake_event(&f), MT_DC_UP);
    assert_int_equal(fake_event(&f), MT_DC_FAILED); /* 1 proves nothing */
    assert_int_equal(f.event.token, 1);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_take(&f);
    assert_non_null(fake_query(&f, 2));
    assert_non_null(fake_query(&f, 3));
    assert_null(fake_query(&f, 4)); /* received: its answer will come */
    assert_null(fake_query(&f, 5));
    assert_non_null(fake_query(&f, 6)); /* a random_id makes it harmless */
    fake_stop(&f);
}

static void a_state_answer_of_the_wrong_length_is_ignored(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    relink(&f);
    send_state(&f, fake_find(&f, MT_ID_STATE_REQ, NULL)->msg_id, "\x02\x02");
    fake_forget(&f);
    fake_take(&f);
    assert_null(fake_query(&f, 1));
    fake_stop(&f);
}

static void an_acked_request_waits_for_its_answer_on_the_new_link(void **state) /* trap 39 */
{
    struct fake f;
    uint64_t id;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, MT_REQ_REPEATABLE, MT_NEVER);
    fake_take(&f);
    id = fake_query(&f, 1)->msg_id;
    fake_msgs_ack(&f, id);
    relink(&f);
    assert_null(fake_query(&f, 1));
    assert_null(fake_find(&f, MT_ID_STATE_REQ, NULL));
    fake_rpc_result(&f, id, answer, sizeof answer);
    assert_int_equal(fake_event(&f), MT_DC_UP);
    assert_int_equal(fake_event(&f), MT_DC_RESULT);
    fake_stop(&f);
}

static void a_link_without_answers_asks_after_a_minute(void **state)
{
    struct fake f;
    struct fake_msg *ping;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    fake_forget(&f);
    fake_advance(&f, 61 * MT_US_PER_S);
    assert_int_equal(mt_conn_tick(f.conn, f.now), MT_OK);
    fake_take(&f);
    ping = fake_find(&f, MT_ID_PING_DISCONNECT, NULL);
    assert_non_null(ping);
    fake_pong(&f, ping->msg_id);
    fake_take(&f);
    assert_non_null(fake_find(&f, MT_ID_STATE_REQ, NULL));
    fake_stop(&f);
}

static void deadlines_tell_whether_it_was_sent(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, f.now.mono + 5 * MT_US_PER_S);
    fake_take(&f);
    fake_submit(&f, 2, 0, f.now.mono + 3 * MT_US_PER_S);
    assert_int_equal(mt_conn_deadline(f.conn), f.now.mono + 3 * MT_US_PER_S);
    fake_advance(&f, 3 * MT_US_PER_S);
    assert_int_equal(mt_conn_tick(f.conn, f.now), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.token, 2);
    assert_int_equal(f.event.code, MT_E_TIMEOUT);
    assert_int_equal(f.event.sent, MT_SENT_NO);
    assert_int_equal(mt_conn_deadline(f.conn), f.now.mono + 2 * MT_US_PER_S);
    fake_advance(&f, 2 * MT_US_PER_S);
    assert_int_equal(mt_conn_tick(f.conn, f.now), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.token, 1);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    assert_int_equal(mt_conn_pending(f.conn), 0);
    fake_stop(&f);
}

static void a_queued_request_that_once_left_is_not_called_unsent(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, MT_REQ_REPEATABLE, f.now.mono + 5 * MT_US_PER_S);
    fake_take(&f);
    mt_conn_link_down(f.conn, f.now);
    mt_conn_link_up(f.conn, f.now);
    fake_advance(&f, 5 * MT_US_PER_S); /* no packet could be made in time */
    assert_int_equal(mt_conn_tick(f.conn, f.now), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_DOWN);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    fake_stop(&f);
}

static void only_what_never_left_is_withdrawn(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, MT_REQ_REPEATABLE, MT_NEVER);
    fake_take(&f);
    assert_false(mt_conn_withdraw(f.conn, f.now, 1)); /* it is on its way */
    fake_submit(&f, 2, MT_REQ_RANDOM_ID, MT_NEVER);
    assert_true(mt_conn_withdraw(f.conn, f.now, 2));
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.token, 2);
    assert_int_equal(f.event.sent, MT_SENT_NO);
    assert_false(mt_conn_withdraw(f.conn, f.now, 2)); /* gone */
    mt_conn_link_down(f.conn, f.now);
    mt_conn_link_up(f.conn, f.now);
    assert_false(mt_conn_withdraw(f.conn, f.now, 1)); /* it waits again, but a copy of it has left */
    fake_stop(&f);
}

static void an_error_says_whether_an_earlier_copy_may_have_been_executed(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, MT_REQ_RANDOM_ID, MT_NEVER);
    fake_take(&f);
    fake_rpc_error(&f, fake_query(&f, 1)->msg_id, 420, "FLOOD_WAIT_5");
    assert_int_equal(fake_event(&f), MT_DC_ERROR);
    assert_int_equal(f.event.sent, MT_SENT_NO);
    fake_submit(&f, 2, MT_REQ_RANDOM_ID, MT_NEVER);
    fake_take(&f);
    relink(&f);
    send_state(&f, fake_find(&f, MT_ID_STATE_REQ, NULL)->msg_id, "\x01");
    fake_forget(&f);
    fake_take(&f);
    fake_rpc_error(&f, fake_query(&f, 2)->msg_id, 420, "FLOOD_WAIT_5");
    while (fake_event(&f) != MT_DC_ERROR)
        assert_int_not_equal(f.event.kind, MT_DC_NONE);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    fake_stop(&f);
}

static void an_answer_from_before_a_lost_session_does_not_count_as_init(void **state) /* trap 41 */
{
    struct fake f;
    uint64_t first;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    first = fake_query(&f, 1)->msg_id;
    fake_rpc_error(&f, fake_query(&f, 2)->msg_id, 400, "CONNECTION_NOT_INITED"); /* inited begins anew */
    fake_rpc_result(&f, first, answer, sizeof answer);
    fake_take(&f);
    fake_submit(&f, 3, 0, MT_NEVER);
    fake_take(&f);
    assert_true(was_wrapped(&f, 3));
    fake_stop(&f);
}

static void cancelling_drops_the_answer_of_what_was_sent(void **state)
{
    struct fake f;
    struct fake_msg *drop;
    uint64_t id;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    id = fake_query(&f, 1)->msg_id;
    fake_submit(&f, 2, 0, MT_NEVER);
    mt_conn_cancel(f.conn, f.now, 2);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.code, MT_E_STATE);
    assert_int_equal(f.event.sent, MT_SENT_NO);
    mt_conn_cancel(f.conn, f.now, 1);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    mt_conn_cancel(f.conn, f.now, 1);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_take(&f);
    assert_null(fake_query(&f, 2));
    drop = fake_find(&f, MT_ID_RPC_DROP_ANSWER, NULL);
    assert_non_null(drop);
    assert_int_equal(drop->seqno % 2, 1);
    assert_int_equal(tl_load64(drop->p + 4), id);
    fake_rpc_result(&f, drop->msg_id, "\x86\xe5\x78\xcd", 4); /* rpc_answer_dropped_running, also as result */
    fake_rpc_result(&f, id, "\x86\xe5\x78\xcd", 4);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void closing_ends_everything_once(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    fake_submit(&f, 2, 0, MT_NEVER);
    mt_conn_fail_all(f.conn);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.sent, MT_SENT_NO);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.sent, MT_SENT_UNKNOWN);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void what_could_never_be_sent_is_refused(void **state) /* trap 9 */
{
    static uint8_t big[1100000];
    struct mt_req req = {.token = 1, .body = big, .flags = 0, .deadline = MT_NEVER};
    struct tl_slice packet;
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_random(&f, big, sizeof big);
    for (req.n = 1040000; mt_conn_submit(f.conn, f.now, &req) == MT_OK; req.n += 4, req.token++) {
        assert_int_equal(mt_conn_packet(f.conn, f.now, &packet), MT_OK);
        assert_in_range(packet.n, req.n, MT_PACKET_MAX);
        mt_conn_cancel(f.conn, f.now, req.token);
        mt_conn_packet(f.conn, f.now, &packet); /* the drop */
    }
    assert_true(req.n > 1043000);
    assert_int_equal(mt_conn_submit(f.conn, f.now, &req), MT_E_TOO_LARGE);
    req.n = 5;
    assert_int_equal(mt_conn_submit(f.conn, f.now, &req), MT_E_ARG);
    fake_stop(&f);
}

static void a_large_text_goes_out_packed(void **state)
{
    static uint8_t text[4000];
    struct mt_req req = {.token = 1, .body = text, .n = sizeof text, .deadline = MT_NEVER};
    struct tl_slice body;
    struct fake f;

    (void)state;
    fake_start(&f);
    tl_store32(text, FAKE_QUERY);
    assert_int_equal(mt_conn_submit(f.conn, f.now, &req), MT_OK);
    fake_take(&f);
    assert_non_null(fake_find(&f, MT_ID_GZIP_PACKED, &body));
    assert_true(body.n < 200);
    fake_stop(&f);
}

static void order_of_submission_survives_a_reconnect(void **state)
{
    struct fake f;
    uint64_t last = 0;

    (void)state;
    fake_start(&f);
    for (uint64_t token = 1; token <= 50; token++) {
        fake_submit(&f, token, MT_REQ_REPEATABLE, MT_NEVER);
        if (token % 7 == 0)
            fake_take(&f);
    }
    relink(&f);
    for (uint64_t token = 1; token <= 50; token++) {
        struct fake_msg *q = fake_query(&f, token);

        assert_true(q->msg_id > last);
        assert_int_equal(fake_query_count(&f, token), 1);
        last = q->msg_id;
    }
    fake_stop(&f);
}

static void seqnos_count_content_in_order_of_ids(void **state) /* trap 29 */
{
    struct fake f;
    uint32_t content = 0;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_submit(&f, 2, 0, MT_NEVER);
    mt_conn_probe(f.conn);
    fake_take(&f);
    fake_submit(&f, 3, 0, MT_NEVER);
    fake_take(&f);
    assert_int_equal(f.n_got, 4);
    for (size_t i = 0; i < f.n_got; i++) {
        if (f.got[i].seqno & 1)
            assert_int_equal(f.got[i].seqno, 2 * content++ + 1);
        else
            assert_int_equal(f.got[i].seqno, 2 * content);
    }
    assert_int_equal(content, 3);
    fake_stop(&f);
}

static void many_requests_leave_in_packets_of_bounded_size(void **state)
{
    struct fake f;
    unsigned packet = 0;
    size_t bytes = 0;

    (void)state;
    fake_start(&f);
    for (uint64_t token = 1; token <= 3000; token++)
        fake_submit(&f, token, 0, MT_NEVER);
    assert_int_equal(fake_take(&f), 3000);
    for (size_t i = 0; i < f.n_got; i++) {
        bytes = (f.got[i].packet == packet ? bytes : 0) + 16 + f.got[i].n;
        packet = f.got[i].packet;
        assert_true(bytes <= 32 * 1024);
    }
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_wrapped_sent_and_answered),
        cmocka_unit_test(init_is_left_out_after_the_first_answer_and_comes_back_when_asked_for),
        cmocka_unit_test(an_mtproxy_is_named_in_init_and_init_comes_again_with_another),
        cmocka_unit_test(a_call_without_updates_is_wrapped_inside_init),
        cmocka_unit_test(duplicates_and_unknown_answers_are_acked_and_dropped),
        cmocka_unit_test(an_answer_that_does_not_parse_fails_its_request),
        cmocka_unit_test(a_repeatable_request_goes_out_at_once_on_a_new_link),
        cmocka_unit_test(others_are_asked_about_and_only_what_was_not_received_goes_out),
        cmocka_unit_test(a_state_answer_of_the_wrong_length_is_ignored),
        cmocka_unit_test(an_acked_request_waits_for_its_answer_on_the_new_link),
        cmocka_unit_test(a_link_without_answers_asks_after_a_minute),
        cmocka_unit_test(deadlines_tell_whether_it_was_sent),
        cmocka_unit_test(a_queued_request_that_once_left_is_not_called_unsent),
        cmocka_unit_test(only_what_never_left_is_withdrawn),
        cmocka_unit_test(an_error_says_whether_an_earlier_copy_may_have_been_executed),
        cmocka_unit_test(an_answer_from_before_a_lost_session_does_not_count_as_init),
        cmocka_unit_test(cancelling_drops_the_answer_of_what_was_sent),
        cmocka_unit_test(closing_ends_everything_once),
        cmocka_unit_test(what_could_never_be_sent_is_refused),
        cmocka_unit_test(a_large_text_goes_out_packed),
        cmocka_unit_test(order_of_submission_survives_a_reconnect),
        cmocka_unit_test(seqnos_count_content_in_order_of_ids),
        cmocka_unit_test(many_requests_leave_in_packets_of_bounded_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
