/* Every check of received packets, containers, packing. */
#include "tests/unit/mtproto/fake_server.h"

#include "core/mtproto/acks.h"
#include "core/mtproto/gzip.h"

#define UPDATES UINT32_C(0x74ae4240)

static struct tl_out updates(uint64_t n)
{
    struct tl_out out = fake_body(UPDATES);

    tl_put_u64(&out, n);
    return out;
}

/* Seals any plaintext as the server would. Returns mt_conn_feed's result. */
static int feed_plain(struct fake *f, const uint8_t *plain, size_t n)
{
    memcpy(f->sealed + MT_ENVELOPE_HEAD, plain, n);
    mt_seal(&f->key, MT_SERVER, f->sealed, n);
    return mt_conn_feed(f->conn, f->now, f->sealed, MT_ENVELOPE_HEAD + n);
}

/* A plaintext of 32 + 12 + pad bytes that carries one update. */
static size_t plain_update(struct fake *f, uint8_t *plain, uint64_t msg_id, size_t pad)
{
    memset(plain, 0, 32 + 12 + pad);
    tl_store64(plain + 8, f->session);
    tl_store64(plain + 16, msg_id);
    tl_store32(plain + 24, 1);
    tl_store32(plain + 28, 12);
    tl_store32(plain + 32, UPDATES);
    return 32 + 12 + pad;
}

static void updates_come_out_with_their_ack(void **state)
{
    struct fake f;
    struct tl_out body;
    uint64_t id;

    (void)state;
    fake_start(&f);
    body = updates(9);
    id = fake_send(&f, 3, true, &body);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    assert_int_equal(f.event.n, 12);
    assert_int_equal(tl_load64(f.event.p + 4), 9);
    assert_int_equal(f.event.ack, id);
    fake_stop(&f);
}

static void one_flipped_bit_anywhere_closes_the_link(void **state) /* trap 21 */
{
    uint8_t plain[128], packet[160];
    struct fake f;
    size_t n;

    (void)state;
    fake_start(&f);
    n = plain_update(&f, plain, fake_id(&f, 3), 20);
    memcpy(packet + MT_ENVELOPE_HEAD, plain, n);
    mt_seal(&f.key, MT_SERVER, packet, n);
    for (size_t i = 0; i < MT_ENVELOPE_HEAD + n; i++) {
        uint8_t copy[160];

        memcpy(copy, packet, sizeof copy);
        copy[i] ^= 1;
        assert_int_not_equal(mt_conn_feed(f.conn, f.now, copy, MT_ENVELOPE_HEAD + n), MT_OK);
    }
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    assert_int_equal(mt_conn_feed(f.conn, f.now, packet, MT_ENVELOPE_HEAD + n), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    fake_stop(&f);
}

static void a_packet_of_every_wrong_length_is_refused(void **state)
{
    uint8_t packet[400];
    struct fake f;

    (void)state;
    fake_start(&f);
    for (size_t n = 8; n < sizeof packet; n++) {
        memset(packet, 0x55, sizeof packet);
        tl_store64(packet, f.key.id);
        assert_int_not_equal(mt_conn_feed(f.conn, f.now, packet, n), MT_OK);
    }
    fake_stop(&f);
}

static void padding_and_length_have_bounds(void **state) /* trap 22 */
{
    static const struct {
        uint32_t length;
        size_t total;
        int err;
    } cases[] = {
        {12, 64, MT_OK},
        {12, 48, MT_E_PEER},
        {20, 64, MT_OK},
        {24, 64, MT_E_PEER},
        {13, 64, MT_E_PEER},
        {14, 64, MT_E_PEER},
        {16, 64, MT_OK},
        {36, 64, MT_E_PEER},
        {UINT32_MAX, 64, MT_E_PEER},
        {UINT32_MAX - 3, 64, MT_E_PEER},
        {12, 1056, MT_OK},
        {12, 1072, MT_E_PEER},
    };
    static uint8_t plain[2048];
    struct fake f;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_start(&f);
        plain_update(&f, plain, fake_id(&f, 3), 0);
        tl_store32(plain + 28, cases[i].length);
        assert_int_equal(feed_plain(&f, plain, cases[i].total), cases[i].err);
        assert_int_equal(fake_event(&f), cases[i].err ? MT_DC_NONE : MT_DC_UPDATES);
        fake_stop(&f);
    }
}

static void another_session_or_an_id_of_a_client_is_ignored(void **state) /* trap 23 */
{
    struct fake f;
    struct tl_out body;
    uint64_t session;

    (void)state;
    fake_start(&f);
    session = f.session;
    f.session = session + 1;
    body = updates(1);
    fake_send(&f, 3, true, &body);
    f.session = session;
    body = updates(2);
    fake_send(&f, 0, true, &body);
    body = updates(3);
    fake_send(&f, 2, true, &body);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    body = updates(4);
    fake_send(&f, 3, true, &body);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    fake_stop(&f);
}

static void a_duplicate_is_not_processed_but_acked_again(void **state) /* trap 24 */
{
    struct fake f;
    struct tl_out body = updates(1);
    struct fake_msg *ack;
    uint64_t id;

    (void)state;
    fake_start(&f);
    id = fake_id(&f, 3);
    assert_int_equal(fake_send_as(&f, id, 1, &body), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    mt_conn_ack(f.conn, f.now, f.event.ack);
    fake_advance(&f, MT_ACKS_DELAY_US);
    fake_take(&f);
    assert_int_equal(fake_count(&f, MT_ID_MSGS_ACK), 1);
    fake_forget(&f);
    assert_int_equal(fake_send_as(&f, id, 1, &body), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_advance(&f, MT_ACKS_DELAY_US);
    fake_take(&f);
    ack = fake_find(&f, MT_ID_MSGS_ACK, NULL);
    assert_non_null(ack);
    assert_int_equal(tl_load64(ack->p + 12), id);
    tl_out_free(&body);
    fake_stop(&f);
}

static void what_is_not_committed_is_not_acked_even_when_it_comes_twice(void **state)
{
    struct fake f;
    struct tl_out body = updates(1);
    uint64_t id;

    (void)state;
    fake_start(&f);
    id = fake_id(&f, 3);
    assert_int_equal(fake_send_as(&f, id, 1, &body), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    assert_int_equal(fake_send_as(&f, id, 1, &body), MT_OK);
    fake_advance(&f, MT_ACKS_DELAY_US * 2);
    fake_take(&f);
    assert_null(fake_find(&f, MT_ID_MSGS_ACK, NULL));
    mt_conn_ack(f.conn, f.now, id);
    mt_conn_flush(f.conn, f.now);
    fake_take(&f);
    assert_non_null(fake_find(&f, MT_ID_MSGS_ACK, NULL));
    tl_out_free(&body);
    fake_stop(&f);
}

static void ids_outside_the_time_window_are_ignored(void **state)
{
    static const struct {
        int64_t off_s;
        bool taken;
    } cases[] = {{-310, false}, {-290, true}, {20, true}, {40, false}};
    struct tl_out body = updates(1);
    struct fake f;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        fake_start(&f);
        f.skew_us = cases[i].off_s * MT_US_PER_S;
        f.last_id = 0;
        assert_int_equal(fake_send_as(&f, fake_id(&f, 3), 1, &body), MT_OK);
        assert_int_equal(fake_event(&f), cases[i].taken ? MT_DC_UPDATES : MT_DC_NONE);
        fake_stop(&f);
    }
    tl_out_free(&body);
}

static void the_first_message_sets_a_clock_that_was_a_guess(void **state) /* trap 20 */
{
    struct fake f;

    (void)state;
    fake_start_unlinked(&f);
    f.skew_us = -3600 * MT_US_PER_S;
    mt_conn_link_up(f.conn, f.now);
    fake_take(&f);
    fake_pong(&f, f.got[0].msg_id);
    assert_int_equal(fake_event(&f), MT_DC_TIME);
    assert_true(llabs(f.event.time_offset_us - f.skew_us) < MT_US_PER_S);
    assert_int_equal(fake_event(&f), MT_DC_UP);
    fake_stop(&f);
}

static void a_container_gives_all_its_messages_once(void **state)
{
    struct fake f;
    struct tl_out body = fake_body(MT_ID_CONTAINER);
    uint64_t outer, ids[3];

    (void)state;
    fake_start(&f);
    tl_put_u32(&body, 3);
    for (unsigned i = 0; i < 3; i++) {
        ids[i] = fake_id(&f, 3);
        tl_put_u64(&body, ids[i]);
        tl_put_u32(&body, 2 * i + 1);
        tl_put_u32(&body, i == 1 ? 8 : 12);
        tl_put_u32(&body, i == 1 ? MT_ID_NEW_SESSION : UPDATES); /* the second does not parse: trap 34 */
        tl_put_u32(&body, i);
        if (i != 1)
            tl_put_u32(&body, i);
    }
    outer = fake_id(&f, 3);
    for (unsigned round = 0; round < 2; round++) /* trap 59: a container twice */
        assert_int_equal(fake_send_as(&f, outer, 6, &body), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    assert_int_equal(f.event.ack, ids[0]);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    assert_int_equal(f.event.ack, ids[2]);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_advance(&f, MT_ACKS_DELAY_US);
    fake_take(&f); /* what did not parse is acked too */
    assert_int_equal(tl_load64(fake_find(&f, MT_ID_MSGS_ACK, NULL)->p + 12), ids[1]);
    tl_out_free(&body);
    fake_stop(&f);
}

static void a_malformed_container_counts_for_nothing(void **state)
{
    struct fake f;
    struct tl_out body = fake_body(MT_ID_CONTAINER);

    (void)state;
    fake_start(&f);
    tl_put_u32(&body, 2);
    for (unsigned i = 0; i < 2; i++) {
        tl_put_u64(&body, fake_id(&f, 3));
        tl_put_u32(&body, 1);
        tl_put_u32(&body, 12);
        tl_put_u32(&body, UPDATES);
        tl_put_u64(&body, i);
    }
    for (size_t n = body.len - 4; n >= 4; n -= 4) {
        struct tl_out cut = {.data = body.data, .len = n};

        assert_int_equal(fake_send_as(&f, fake_id(&f, 3), 0, &cut), MT_OK);
        assert_int_equal(fake_event(&f), MT_DC_NONE);
    }
    tl_patch_u32(&body, 4, UINT32_MAX);
    assert_int_equal(fake_send_as(&f, fake_id(&f, 3), 0, &body), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    tl_out_free(&body);
    body = fake_body(MT_ID_CONTAINER); /* an empty one is legal: trap 34 */
    tl_put_u32(&body, 0);
    fake_send(&f, 3, false, &body);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void containers_are_not_taken_out_of_containers(void **state)
{
    struct fake f;
    struct tl_out body = fake_body(MT_ID_CONTAINER);

    (void)state;
    fake_start(&f);
    tl_put_u32(&body, 1);
    tl_put_u64(&body, fake_id(&f, 3));
    tl_put_u32(&body, 0);
    tl_put_u32(&body, 8 + 28);
    tl_put_u32(&body, MT_ID_CONTAINER);
    tl_put_u32(&body, 1);
    tl_put_u64(&body, fake_id(&f, 3));
    tl_put_u32(&body, 1);
    tl_put_u32(&body, 12);
    tl_put_u32(&body, UPDATES);
    tl_put_u64(&body, 1);
    fake_send(&f, 3, false, &body);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void an_id_of_a_client_inside_a_container_is_ignored(void **state) /* trap 23 */
{
    struct fake f;
    struct tl_out body = fake_body(MT_ID_CONTAINER);

    (void)state;
    fake_start(&f);
    tl_put_u32(&body, 2);
    for (unsigned kind = 0; kind < 4; kind += 2) {
        tl_put_u64(&body, fake_id(&f, kind));
        tl_put_u32(&body, 1);
        tl_put_u32(&body, 12);
        tl_put_u32(&body, UPDATES);
        tl_put_u64(&body, kind);
    }
    fake_send(&f, 3, false, &body);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void one_packet_cannot_unpack_to_more_than_twice_the_limit(void **state) /* trap 33 */
{
    uint8_t *zeros = calloc(1, MT_GZIP_MAX);
    struct tl_out body = fake_body(MT_ID_CONTAINER), packed = {0};
    struct fake f;

    (void)state;
    assert_non_null(zeros);
    fake_start(&f);
    tl_store32(zeros, UPDATES);
    fake_gzip(&packed, zeros, MT_GZIP_MAX);
    free(zeros);
    tl_put_u32(&body, 3);
    for (unsigned i = 0; i < 3; i++) {
        tl_put_u64(&body, fake_id(&f, 3));
        tl_put_u32(&body, 1);
        tl_put_u32(&body, (uint32_t)packed.len);
        tl_put_raw(&body, packed.data, packed.len);
    }
    tl_out_free(&packed);
    fake_send(&f, 3, false, &body);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    assert_int_equal(f.event.n, MT_GZIP_MAX);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void packed_messages_are_unpacked(void **state) /* trap 33 */
{
    struct fake f;
    struct tl_out inner = updates(77), body = {0};
    uint64_t id;

    (void)state;
    fake_start(&f);
    fake_gzip(&body, inner.data, inner.len);
    id = fake_send(&f, 3, true, &body);
    assert_int_equal(fake_event(&f), MT_DC_UPDATES);
    assert_int_equal(f.event.ack, id);
    assert_int_equal(f.event.n, 12);
    assert_int_equal(tl_load64(f.event.p + 4), 77);
    body = fake_body(MT_ID_GZIP_PACKED);
    tl_put_str(&body, "not gzip at all");
    fake_send(&f, 3, true, &body);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    tl_out_free(&inner);
    fake_stop(&f);
}

static void a_packed_answer_is_unpacked_and_a_damaged_one_fails_its_request_only(void **state) /* trap 33 */
{
    struct fake f;
    struct tl_out inner = updates(5), body = {0};

    (void)state;
    fake_start(&f);
    for (uint64_t token = 1; token <= 3; token++)
        fake_submit(&f, token, 0, MT_NEVER);
    fake_take(&f);
    fake_gzip(&body, inner.data, inner.len);
    fake_rpc_result(&f, fake_query(&f, 1)->msg_id, body.data, body.len);
    assert_int_equal(fake_event(&f), MT_DC_RESULT);
    assert_int_equal(f.event.n, 12);
    body.data[body.len - 5] ^= 0xff;
    fake_rpc_result(&f, fake_query(&f, 2)->msg_id, body.data, body.len);
    assert_int_equal(fake_event(&f), MT_DC_FAILED);
    assert_int_equal(f.event.token, 2);
    assert_int_equal(f.event.code, MT_E_PEER);
    assert_int_equal(f.event.sent, MT_SENT_YES);
    fake_rpc_result(&f, fake_query(&f, 3)->msg_id, inner.data, inner.len);
    assert_int_equal(fake_event(&f), MT_DC_RESULT);
    tl_out_free(&inner);
    tl_out_free(&body);
    fake_stop(&f);
}

static void a_late_plaintext_packet_is_ignored(void **state)
{
    uint8_t packet[64] = {0};
    struct fake f;

    (void)state;
    fake_start(&f);
    assert_int_equal(mt_conn_feed(f.conn, f.now, packet, sizeof packet), MT_OK);
    assert_int_equal(fake_event(&f), MT_DC_NONE);
    fake_stop(&f);
}

static void every_service_message_cut_anywhere_is_harmless(void **state)
{
    static const uint32_t ids[] = {
        MT_ID_RPC_RESULT,  MT_ID_FUTURE_SALTS, MT_ID_PONG,     MT_ID_NEW_SESSION,   MT_ID_MSG_COPY,
        MT_ID_GZIP_PACKED, MT_ID_MSGS_ACK,     MT_ID_BAD_MSG,  MT_ID_BAD_SALT,      MT_ID_RESEND_REQ,
        MT_ID_STATE_REQ,   MT_ID_STATE_INFO,   MT_ID_ALL_INFO, MT_ID_DETAILED_INFO, MT_ID_NEW_DETAILED_INFO,
    };
    struct fake f;

    (void)state;
    fake_start(&f);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        for (unsigned n = 0; n < 12; n++) {
            struct tl_out body = fake_body(ids[i]);

            for (unsigned k = 0; k < n; k++)
                tl_put_u32(&body, k == 0 && n % 2 ? TL_VECTOR : UINT32_C(0x01000001) * k);
            fake_send(&f, 1 + 2 * (n % 2), n & 1, &body);
        }
    fake_take(&f);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_come_out_with_their_ack),
        cmocka_unit_test(one_flipped_bit_anywhere_closes_the_link),
        cmocka_unit_test(a_packet_of_every_wrong_length_is_refused),
        cmocka_unit_test(padding_and_length_have_bounds),
        cmocka_unit_test(another_session_or_an_id_of_a_client_is_ignored),
        cmocka_unit_test(a_duplicate_is_not_processed_but_acked_again),
        cmocka_unit_test(what_is_not_committed_is_not_acked_even_when_it_comes_twice),
        cmocka_unit_test(ids_outside_the_time_window_are_ignored),
        cmocka_unit_test(the_first_message_sets_a_clock_that_was_a_guess),
        cmocka_unit_test(a_container_gives_all_its_messages_once),
        cmocka_unit_test(a_malformed_container_counts_for_nothing),
        cmocka_unit_test(containers_are_not_taken_out_of_containers),
        cmocka_unit_test(an_id_of_a_client_inside_a_container_is_ignored),
        cmocka_unit_test(one_packet_cannot_unpack_to_more_than_twice_the_limit),
        cmocka_unit_test(packed_messages_are_unpacked),
        cmocka_unit_test(a_packed_answer_is_unpacked_and_a_damaged_one_fails_its_request_only),
        cmocka_unit_test(a_late_plaintext_packet_is_ignored),
        cmocka_unit_test(every_service_message_cut_anywhere_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
