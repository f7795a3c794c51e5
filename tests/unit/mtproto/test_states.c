/* Who has what, when one of the two sides asks; and sessions that are left behind. */
#include "tests/unit/mtproto/fake_server.h"

#include "tl/ids.h"

#include "core/mtproto/session.h"

#define UPDATE UINT32_C(0x74ae4240)

/* Asks about `ids`; the states that came back. */
static struct tl_slice states_of(struct fake *f, const uint64_t *ids, uint32_t n)
{
    struct tl_out out = fake_body(MT_ID_STATE_REQ);
    struct tl_slice body;
    struct tl_in in;

    tl_put_vector(&out, n);
    for (uint32_t i = 0; i < n; i++)
        tl_put_u64(&out, ids[i]);
    fake_send(f, 3, false, &out);
    fake_forget(f);
    fake_take(f);
    assert_non_null(fake_find(f, MT_ID_STATE_INFO, &body));
    in = tl_in(body.p + 12, body.n - 12);
    return tl_bytes(&in);
}

static void a_state_is_told_by_what_is_certain(void **state)
{
    uint64_t ids[4];
    struct tl_slice said;
    struct fake f;

    (void)state;
    fake_start(&f);
    ids[0] = fake_id(&f, 3); /* never sent, between two that were */
    ids[1] = fake_new_session(&f, 1, 3, 1);
    ids[2] = ids[1] + (UINT64_C(100) << 32);
    ids[3] = 5;
    said = states_of(&f, ids, 4);
    assert_int_equal(said.n, 4);
    assert_memory_equal(said.p, "\x02\x04\x03\x01", 4);
    fake_stop(&f);
}

/* "Received" lets the server forget it. */
static void what_is_not_committed_is_not_called_received(void **state)
{
    struct tl_out update = fake_body(UPDATE);
    struct tl_slice said;
    struct fake f;
    uint64_t id;

    (void)state;
    fake_start(&f);
    id = fake_send(&f, 3, true, &update);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    said = states_of(&f, &id, 1);
    assert_int_equal(said.p[0], 2);
    mt_conn_ack(f.conn, f.now, id);
    said = states_of(&f, &id, 1);
    assert_int_equal(said.p[0], 4);
    fake_stop(&f);
}

static void send_resend_req(struct fake *f, uint64_t id)
{
    struct tl_out out = fake_body(MT_ID_RESEND_REQ);

    tl_put_vector(&out, 1);
    tl_put_u64(&out, id);
    fake_send(f, 3, false, &out);
}

static void a_container_that_is_missed_is_sent_again_with_all_in_it(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_submit(&f, 2, 0, MT_NEVER);
    fake_take(&f);
    assert_true(f.last_container);
    send_resend_req(&f, f.last_container);
    fake_forget(&f);
    fake_take(&f);
    assert_non_null(fake_query(&f, 1));
    assert_non_null(fake_query(&f, 2));
    assert_null(fake_find(&f, MT_ID_STATE_INFO, NULL));
    fake_stop(&f);
}

/* Feeds the next message of the server by hand: the answer of mt_conn_feed is what counts. */
static int say(struct fake *f, struct tl_out *body)
{
    size_t n = fake_seal(f, fake_id(f, 3), 0, body);

    tl_out_free(body);
    return mt_conn_feed(f->conn, f->now, f->sealed, n);
}

static void a_server_that_never_has_our_message_loses_the_link(void **state)
{
    struct fake f;
    unsigned times = 0;
    int err = MT_OK;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    while (!err && times < 100) {
        struct tl_out out = fake_body(times % 2 ? MT_ID_RESEND_REQ : MT_ID_ALL_INFO);

        fake_forget(&f);
        fake_take(&f);
        tl_put_vector(&out, 1);
        tl_put_u64(&out, fake_query(&f, 1)->msg_id);
        if (times++ % 2 == 0)
            tl_put_bytes(&out, "\x03", 1);
        err = say(&f, &out);
    }
    assert_int_equal(err, MT_E_STATE);
    assert_int_equal(times, MT_GUARD_TIMES + 1);
    assert_int_equal(mt_conn_pending(f.conn), 1); /* it costs the link, not the request */
    fake_stop(&f);
}

static int tell_state(struct fake *f, uint64_t msg_id, char what)
{
    struct tl_out out = fake_body(MT_ID_ALL_INFO);

    tl_put_vector(&out, 1);
    tl_put_u64(&out, msg_id);
    tl_put_bytes(&out, &what, 1);
    return say(f, &out);
}

/* 4 received, 64 the answer is there. */
static void an_answer_that_got_lost_is_fetched_by_a_new_link(void **state)
{
    struct fake f;
    uint64_t id;

    (void)state;
    fake_start(&f);
    fake_submit(&f, 1, 0, MT_NEVER);
    fake_take(&f);
    id = fake_query(&f, 1)->msg_id;
    for (int i = 0; i < 4; i++)
        assert_int_equal(tell_state(&f, id, 4), MT_OK);  /* at work on it */
    assert_int_equal(tell_state(&f, id, 4 + 64), MT_OK); /* may be on its way */
    assert_int_equal(tell_state(&f, id, 4 + 64), MT_E_TIMEOUT);
    mt_conn_link_down(f.conn, f.now);
    mt_conn_link_up(f.conn, f.now);
    fake_forget(&f);
    fake_take(&f);
    assert_null(fake_query(&f, 1)); /* it was received: not sent again */
    for (int i = 0; i < 4; i++)
        assert_int_equal(tell_state(&f, id, 4 + 64), MT_OK); /* once a sending */
    fake_stop(&f);
}

/* --- sessions that are left --- */

static void answer_destroyed(struct fake *f, uint64_t session, bool ok)
{
    struct tl_out out = fake_body(ok ? MT_ID_DESTROY_SESSION_OK : MT_ID_DESTROY_SESSION_NO);

    tl_put_u64(&out, session);
    fake_send(f, 1, false, &out);
}

static void a_session_that_was_left_is_destroyed(void **state)
{
    struct fake f;
    struct tl_slice body;
    uint64_t old, fresh, first;

    (void)state;
    fake_start(&f);
    old = f.session;
    fake_submit(&f, 1, 0, f.now.mono + 100 * MT_US_PER_S);
    fake_submit(&f, 2, MT_REQ_REPEATABLE, MT_NEVER);
    fake_take(&f);
    first = fake_query(&f, 1)->msg_id;
    fake_bad_msg(&f, fake_query(&f, 2)->msg_id, 32);
    fake_forget(&f);
    fake_take(&f);
    fresh = f.session;
    assert_true(fresh != old);
    fake_pong(&f, fake_find(&f, MT_ID_PING_DISCONNECT, NULL)->msg_id);
    fake_forget(&f);
    fake_take(&f);
    assert_null(fake_find(&f, MT_ID_DESTROY_SESSION, NULL)); /* it has an answer to give yet */
    f.session = old;
    fake_rpc_result(&f, first, "\x01\x02\x03\x04", 4);
    f.session = fresh;
    mt_conn_probe(f.conn);
    fake_take(&f);
    fake_pong(&f, fake_find(&f, MT_ID_PING_DISCONNECT, NULL)->msg_id);
    fake_forget(&f);
    fake_take(&f);
    assert_non_null(fake_find(&f, MT_ID_DESTROY_SESSION, &body));
    assert_true(tl_load64(body.p + 4) == old);
    assert_int_equal(f.got[0].seqno & 1, 0);
    answer_destroyed(&f, old, true);
    mt_conn_link_down(f.conn, f.now);
    mt_conn_link_up(f.conn, f.now);
    fake_forget(&f);
    fake_take(&f);
    assert_null(fake_find(&f, MT_ID_DESTROY_SESSION, NULL)); /* once */
    fake_stop(&f);
}

static void it_is_destroyed_on_the_next_link_where_this_one_broke(void **state)
{
    struct fake f;
    struct tl_slice body;
    uint64_t old;

    (void)state;
    fake_start(&f);
    old = f.session;
    fake_submit(&f, 1, MT_REQ_REPEATABLE, MT_NEVER);
    fake_take(&f);
    fake_bad_msg(&f, fake_query(&f, 1)->msg_id, 32);
    for (int link = 0; link < 2; link++) { /* until it is answered */
        mt_conn_link_down(f.conn, f.now);
        mt_conn_link_up(f.conn, f.now);
        fake_forget(&f);
        fake_take(&f);
        assert_int_equal(fake_count(&f, MT_ID_DESTROY_SESSION), 1);
        assert_non_null(fake_find(&f, MT_ID_DESTROY_SESSION, &body));
        assert_true(tl_load64(body.p + 4) == old);
    }
    answer_destroyed(&f, old + 1, true); /* of another */
    assert_int_equal(f.conn->n_left, 1);
    answer_destroyed(&f, old, false); /* it knew none: as good */
    assert_int_equal(f.conn->n_left, 0);
    fake_stop(&f);
}

static void a_flood_of_messages_costs_its_own_length(void **state)
{
    struct fake f;

    (void)state;
    fake_start(&f);
    for (unsigned i = 0; i < 70000; i++) {
        mt_acks_add(&f.conn->acks, f.now, i * 4 + 3);
        if (i < MT_ACKS_HELD_MAX + 10)
            assert_int_equal(mt_acks_hold(&f.conn->acks, (UINT64_C(1) << 40) + i), TL_OK);
    }
    assert_int_equal(f.conn->acks.pending.n, MT_ACKS_WAIT_MAX);
    assert_int_equal(f.conn->acks.held.n, MT_ACKS_HELD_MAX);
    assert_false(mt_ids_has(&f.conn->acks.held, UINT64_C(1) << 40)); /* the oldest make room */
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_is_told_by_what_is_certain),
        cmocka_unit_test(what_is_not_committed_is_not_called_received),
        cmocka_unit_test(a_container_that_is_missed_is_sent_again_with_all_in_it),
        cmocka_unit_test(a_server_that_never_has_our_message_loses_the_link),
        cmocka_unit_test(an_answer_that_got_lost_is_fetched_by_a_new_link),
        cmocka_unit_test(a_session_that_was_left_is_destroyed),
        cmocka_unit_test(it_is_destroyed_on_the_next_link_where_this_one_broke),
        cmocka_unit_test(a_flood_of_messages_costs_its_own_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
