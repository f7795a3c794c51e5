/* Every transport of the sandbox, and bytes on them that nobody should send. */
#include "tests/unit/sandbox/client.h"

struct fixture {
    struct tc_bench b;
    struct tc c;
};

static int up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    tc_bench_init(&f->b, 3, true);
    tc_init(&f->c, &f->b);
    tc_up(&f->c);
    *state = f;
    return 0;
}

static int down(void **state)
{
    struct fixture *f = *state;

    tc_fini(&f->c);
    tc_bench_fini(&f->b);
    free(f);
    return 0;
}

static uint64_t call(struct fixture *f, uint32_t id)
{
    struct tl_out out = tc_body(id);
    uint64_t req = tc_send(&f->c, true, &out);

    tl_out_free(&out);
    return req;
}

static void every_transport_carries_a_call(void **state)
{
    static const struct {
        enum mt_framing framing;
        bool obfuscated;
    } row[] = {{MT_ABRIDGED, false}, {MT_INTERMEDIATE, false}, {MT_PADDED, false}, {MT_FULL, false},
               {MT_ABRIDGED, true},  {MT_INTERMEDIATE, true},  {MT_PADDED, true}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        tc_connect(&f->c, row[i].framing, row[i].obfuscated);
        tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
        tc_connect(&f->c, row[i].framing, row[i].obfuscated);
        tc_handshake(&f->c, 0);
        tc_connect(&f->c, row[i].framing, row[i].obfuscated);
        tc_new_session(&f->c);
        tc_forget(&f->c);
        tc_up(&f->c);
    }
}

static void a_quick_ack_names_the_packet(void **state)
{
    struct fixture *f = *state;
    uint8_t packet[24 + 48] = {0};
    uint8_t *plain = packet + 24;
    struct tl_slice out;
    uint32_t token;

    tl_store64(plain, (uint64_t)f->c.salt);
    tl_store64(plain + 8, f->c.session);
    tl_store64(plain + 16, tc_next_id(&f->c));
    tl_store32(plain + 24, tc_next_seqno(&f->c, true));
    tl_store32(plain + 28, 4);
    tl_store32(plain + 32, TL_help_getConfig);
    token = mt_seal(&f->c.key, MT_CLIENT, packet, 48);
    assert_int_equal(mt_frame_submit(f->c.frame, packet, sizeof packet, true), MT_OK);
    out = mt_frame_output(f->c.frame);
    sb_server_feed(f->b.server, f->b.now, f->c.conn, out.p, out.n);
    mt_frame_wrote(f->c.frame, out.n);
    tc_pump(&f->c);
    assert_int_equal(f->c.quick_ack, token);
}

static void random_bytes_never_stop_the_server(void **state)
{
    struct fixture *f = *state;
    uint8_t buf[600];
    uint32_t conn;

    for (int round = 0; round < 500; round++) {
        conn = sb_server_accept(f->b.server, f->b.now, 2);
        f->b.env.random(&f->b, buf, sizeof buf);
        if (round % 3 == 1)
            memset(buf, 0xee, 4);
        if (round % 3 == 2)
            buf[0] = 0xef;
        if (round % 2)
            tl_store64(buf + 8, 0);
        for (size_t i = 0; i < sizeof buf; i += 50)
            sb_server_feed(f->b.server, f->b.now, conn, buf + i, 50);
        sb_server_closed(f->b.server, f->b.now, conn);
    }
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
}

/* Sealed rightly, but with random content: what only a client with a key can try. */
static void random_messages_never_stop_the_server(void **state)
{
    struct fixture *f = *state;
    static const uint32_t ids[] = {
        TL_msg_container,   TL_gzip_packed,    TL_msgs_ack, TL_msgs_state_req,       TL_invokeWithLayer,
        TL_invokeAfterMsgs, TL_initConnection, TL_ping,     TL_auth_bindTempAuthKey, TL_msg_resend_req};
    uint8_t buf[200];

    for (int round = 0; round < 3000; round++) {
        size_t n = 4 + 4 * (mt_env_random64(&f->b.env) % 49);

        f->b.env.random(&f->b, buf, sizeof buf);
        tl_store32(buf, ids[round % 10]);
        if (round % 3)
            tl_store32(buf + 4, TL_VECTOR);
        if (!f->c.conn)
            tc_connect(&f->c, MT_INTERMEDIATE, false);
        tc_send_at(&f->c, tc_next_id(&f->c), tc_next_seqno(&f->c, true), buf, n);
        tc_forget(&f->c);
    }
    tc_new_session(&f->c);
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_transport_carries_a_call),
        T(a_quick_ack_names_the_packet),
        T(random_bytes_never_stop_the_server),
        T(random_messages_never_stop_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
