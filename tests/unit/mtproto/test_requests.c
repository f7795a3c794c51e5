/* Requests from submit to their one end, over good and bad links. */
#include "tests/unit/mtproto/fake_server.h"

static const uint8_t answer[8] = {1, 2, 3, 4, 5, 6, 7, 8};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_wrapped_sent_and_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
