/* The data centre machine: links that come and go, keys, transport errors, back-off. */
#include "tests/unit/mtproto/wire.h"

#include "tests/unit/oom.h"

static void it_connects_when_there_is_work_and_leaves_when_there_is_none(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){0});
    assert_int_equal(wire_event(&w), MT_DC_NONE);
    assert_int_equal(mt_dc_deadline(w.dc), MT_NEVER);
    wire_submit(&w, 1, 0, MT_NEVER);
    wire_connect(&w);
    wire_pump(&w);
    wire_answer(&w, 1);
    assert_int_equal(wire_event(&w), MT_DC_UP);
    assert_int_equal(wire_event(&w), MT_DC_RESULT);
    mt_dc_ack(w.dc, w.f.now, w.event.ack);
    assert_int_equal(mt_dc_pending(w.dc), 0);
    wire_tick(&w, 0);
    wire_tick(&w, 59 * MT_US_PER_S);
    assert_int_equal(wire_event(&w), MT_DC_NONE);
    wire_tick(&w, MT_US_PER_S);
    assert_int_equal(wire_event(&w), MT_DC_DOWN);
    assert_int_equal(wire_event(&w), MT_DC_CLOSE);
    assert_int_equal(wire_event(&w), MT_DC_NONE);
    assert_int_equal(mt_dc_deadline(w.dc), MT_NEVER);
    wire_stop(&w);
}

static void everything_works_byte_by_byte_in_every_framing(void **state)
{
    static const enum mt_framing framings[] = {MT_ABRIDGED, MT_INTERMEDIATE, MT_PADDED, MT_FULL};

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct wire_cfg cfg = {.no_key = true, .chunk = 1, .framing = framings[i / 2], .obfuscated = i & 1};
        struct wire w;

        if (cfg.framing == MT_FULL && cfg.obfuscated)
            continue;
        wire_start(&w, &cfg);
        wire_submit(&w, 1, 0, MT_NEVER);
        wire_connect(&w);
        wire_pump(&w);
        assert_int_equal(wire_calm_event(&w), MT_DC_KEY);
        mt_dc_done(w.dc, w.f.now, MT_DC_KEY, MT_OK);
        wire_pump(&w);
        wire_answer(&w, 1);
        assert_int_equal(wire_calm_event(&w), MT_DC_UP);
        assert_int_equal(wire_calm_event(&w), MT_DC_RESULT);
        assert_int_equal(w.event.token, 1);
        wire_stop(&w);
    }
}

static void nothing_is_sent_under_a_key_that_is_not_saved(void **state)
{
    struct wire w;
    uint64_t id;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.no_key = true});
    wire_submit(&w, 1, 0, MT_NEVER);
    wire_connect(&w);
    wire_pump(&w);
    assert_int_equal(wire_calm_event(&w), MT_DC_KEY);
    id = w.event.key->id;
    assert_int_equal(id, w.f.key.id);
    assert_int_equal(w.event.salt, w.new_key.salt);
    wire_pump(&w);
    wire_tick(&w, 5 * MT_US_PER_S);
    wire_pump(&w);
    assert_int_equal(w.f.n_got, 0);
    /* the link goes while it is saved: no second exchange */
    wire_close(&w);
    wire_connect(&w);
    wire_pump(&w);
    assert_int_equal(w.f.n_got, 0);
    assert_null(w.keyx);
    mt_dc_done(w.dc, w.f.now, MT_DC_KEY, MT_OK);
    wire_pump(&w);
    assert_non_null(fake_query(&w.f, 1));
    assert_int_equal(fake_query(&w.f, 1)->salt, w.new_key.salt); /* the exchange's salt comes first */
    wire_stop(&w);
}

static void a_key_that_cannot_be_saved_is_not_used(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.no_key = true, .keep = true});
    wire_connect(&w);
    wire_pump(&w);
    assert_int_equal(wire_calm_event(&w), MT_DC_KEY);
    mt_dc_done(w.dc, w.f.now, MT_DC_KEY, MT_E_NOMEM);
    assert_int_equal(wire_event(&w), MT_DC_TROUBLE);
    assert_int_equal(wire_event(&w), MT_DC_CLOSE);
    wire_connect(&w);
    wire_pump(&w);
    assert_int_equal(wire_calm_event(&w), MT_DC_KEY); /* another one */
    wire_stop(&w);
}

static void a_lost_key_is_reported_after_two_fresh_connections(void **state) /* trap 10 */
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    for (unsigned i = 0; i < 2; i++) {
        wire_connect(&w);
        wire_pump(&w);
        wire_error(&w, -404);
        assert_int_equal(wire_event(&w), MT_DC_TROUBLE);
        assert_int_equal(w.event.code, -404);
        assert_int_equal(wire_event(&w), MT_DC_CLOSE);
    }
    assert_int_equal(wire_event(&w), MT_DC_KEY_LOST);
    wire_tick(&w, 3600 * MT_US_PER_S);
    mt_dc_kick(w.dc, w.f.now);
    assert_int_equal(wire_event(&w), MT_DC_NONE); /* the owner decides */
    assert_null(w.keyx);
    wire_submit(&w, 9, 0, MT_NEVER);
    mt_dc_close(w.dc, w.f.now);
    assert_int_equal(wire_event(&w), MT_DC_FAILED);
    assert_int_equal(w.event.sent, MT_SENT_NO);
    wire_stop(&w);
}

static void one_unknown_key_between_good_ones_is_a_hiccup(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    for (unsigned i = 0; i < 4; i++) {
        if (i % 2) {
            fake_forget(&w.f);
            wire_up(&w);
            assert_int_equal(wire_event(&w), MT_DC_NONE);
            fake_advance(&w.f, 10 * MT_US_PER_S);
        } else {
            wire_connect(&w);
            wire_pump(&w);
        }
        wire_error(&w, -404);
        assert_int_equal(wire_event(&w), MT_DC_TROUBLE);
        if (i % 2)
            assert_int_equal(wire_event(&w), MT_DC_DOWN);
        assert_int_equal(wire_event(&w), MT_DC_CLOSE);
        mt_dc_kick(w.dc, w.f.now);
    }
    wire_stop(&w);
}

/* A connection fails after CONNECT: how long until the next one; 0 = at once. */
static int64_t failure(struct wire *w, int32_t code)
{
    int64_t wait;

    wire_link(w);
    if (code) {
        wire_pump(w);
        wire_error(w, code);
        assert_int_equal(wire_calm_event(w), MT_DC_CLOSE);
    } else {
        wire_close(w);
    }
    if (wire_calm_event(w) == MT_DC_CONNECT)
        return 0;
    wait = mt_dc_deadline(w->dc) - w->f.now.mono;
    wire_tick(w, wait);
    assert_int_equal(wire_event(w), MT_DC_CONNECT);
    return wait;
}

static void back_off_grows_and_is_capped(void **state) /* trap 11 */
{
    static const int64_t most_s[] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    assert_int_equal(wire_event(&w), MT_DC_CONNECT);
    assert_int_equal(failure(&w, 0), 0);
    for (size_t i = 0; i < 8; i++) {
        int64_t wait = failure(&w, 0);

        assert_in_range(wait, most_s[i] * MT_US_PER_S * 3 / 4, most_s[i] * MT_US_PER_S);
    }
    wire_stop(&w);
}

static void floods_and_wrong_data_centres_back_off_longer(void **state) /* trap 11 */
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    assert_int_equal(wire_event(&w), MT_DC_CONNECT);
    assert_in_range(failure(&w, -429), 3 * MT_US_PER_S, 4 * MT_US_PER_S);
    assert_in_range(failure(&w, -429), 6 * MT_US_PER_S, 8 * MT_US_PER_S);
    assert_in_range(failure(&w, -444), 12 * MT_US_PER_S, 16 * MT_US_PER_S);
    wire_stop(&w);
}

/* Such a link ends a run of failures, and yet the server said to wait. */
static void a_flood_after_a_long_connection_backs_off_too(void **state) /* trap 11 */
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    wire_up(&w);
    wire_tick(&w, 10 * MT_US_PER_S);
    wire_pump(&w);
    wire_error(&w, -429);
    assert_int_equal(wire_calm_event(&w), MT_DC_DOWN);
    assert_int_equal(wire_calm_event(&w), MT_DC_CLOSE);
    assert_int_not_equal(wire_calm_event(&w), MT_DC_CONNECT);
    assert_in_range(mt_dc_deadline(w.dc) - w.f.now.mono, 3 * MT_US_PER_S, 4 * MT_US_PER_S);
    wire_stop(&w);
}

static void a_link_that_lasted_ends_the_run_of_failures(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    assert_int_equal(wire_event(&w), MT_DC_CONNECT);
    for (unsigned i = 0; i < 5; i++)
        failure(&w, 0);
    wire_link(&w);
    wire_pump(&w);
    wire_pong(&w);
    assert_int_equal(wire_calm_event(&w), MT_DC_UP);
    fake_advance(&w.f, 6 * MT_US_PER_S);
    wire_close(&w);
    assert_int_equal(wire_event(&w), MT_DC_DOWN);
    assert_int_equal(wire_event(&w), MT_DC_CONNECT); /* at once */
    wire_stop(&w);
}

static void one_that_broke_at_once_does_not(void **state) /* trap 11 */
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    assert_int_equal(wire_event(&w), MT_DC_CONNECT);
    for (unsigned i = 0; i < 5; i++)
        failure(&w, 0);
    wire_link(&w);
    wire_pump(&w);
    wire_pong(&w);
    assert_int_equal(wire_calm_event(&w), MT_DC_UP);
    wire_close(&w);
    assert_int_equal(wire_event(&w), MT_DC_DOWN);
    assert_int_equal(wire_event(&w), MT_DC_NONE);
    wire_stop(&w);
}

static void the_header_names_test_and_media_servers(void **state) /* trap 7 */
{
    static const int16_t wire_dc[] = {2, -2, 10002, -10002};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct wire_cfg cfg = {.keep = true, .obfuscated = true, .media = i & 1, .test = i & 2};
        struct wire w;

        wire_start(&w, &cfg);
        wire_connect(&w);
        wire_pump(&w);
        assert_int_equal(mt_frame_dc(w.server), wire_dc[i]);
        wire_stop(&w);
    }
}

static void a_kick_ends_the_back_off(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    for (unsigned i = 0; i < 6; i++) {
        wire_connect(&w);
        assert_int_equal(w.event.attempt, i); /* addresses rotate */
        wire_close(&w);
        mt_dc_kick(w.dc, w.f.now);
    }
    fake_forget(&w.f);
    wire_up(&w);
    fake_forget(&w.f);
    mt_dc_kick(w.dc, w.f.now); /* while up: is it alive? */
    wire_pump(&w);
    assert_non_null(fake_find(&w.f, MT_ID_PING_DISCONNECT, NULL));
    wire_close(&w);
    wire_calm_event(&w);
    mt_dc_kick(w.dc, w.f.now);
    wire_connect(&w);
    assert_int_equal(w.event.attempt, 0);
    wire_stop(&w);
}

static void connecting_has_its_time(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    assert_int_equal(wire_event(&w), MT_DC_CONNECT);
    assert_in_range(mt_dc_deadline(w.dc) - w.f.now.mono, 5 * MT_US_PER_S, 10 * MT_US_PER_S);
    wire_tick(&w, 10 * MT_US_PER_S);
    assert_int_equal(wire_event(&w), MT_DC_TROUBLE);
    assert_int_equal(wire_event(&w), MT_DC_CLOSE);
    assert_int_equal(wire_event(&w), MT_DC_CONNECT);
    wire_stop(&w);
}

static void garbage_closes_the_link_without_a_reply(void **state)
{
    struct wire w;
    uint8_t noise[96];

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true, .framing = MT_INTERMEDIATE});
    fake_random(&w.f, noise, sizeof noise);
    wire_up(&w);
    assert_int_equal(mt_frame_submit(w.server, noise, sizeof noise, false), MT_OK);
    wire_pump(&w);
    assert_int_equal(wire_event(&w), MT_DC_TROUBLE);
    assert_int_equal(wire_event(&w), MT_DC_DOWN);
    assert_int_equal(wire_event(&w), MT_DC_CLOSE);
    assert_int_equal(mt_dc_output(w.dc, w.f.now).n, 0);
    wire_stop(&w);
}

static void a_silent_link_is_left_and_the_request_goes_over_the_next(void **state) /* trap 40 */
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    wire_up(&w);
    fake_advance(&w.f, 6 * MT_US_PER_S);
    wire_submit(&w, 1, MT_REQ_REPEATABLE, MT_NEVER);
    for (int64_t waited = 0; wire_calm_event(&w) != MT_DC_DOWN;) {
        int64_t us;

        wire_pump(&w);
        us = mt_dc_deadline(w.dc) - w.f.now.mono;
        waited += us > 0 ? us : 0;
        assert_true(waited < 40 * MT_US_PER_S);
        wire_tick(&w, us > 0 ? us : 0);
    }
    assert_int_equal(wire_event(&w), MT_DC_CLOSE);
    fake_forget(&w.f);
    wire_connect(&w);
    wire_pump(&w);
    assert_non_null(fake_query(&w.f, 1));
    wire_stop(&w);
}

static void closing_ends_requests_and_link(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    wire_up(&w);
    wire_submit(&w, 1, 0, MT_NEVER);
    mt_dc_close(w.dc, w.f.now);
    assert_int_equal(wire_event(&w), MT_DC_FAILED);
    assert_int_equal(wire_event(&w), MT_DC_DOWN);
    assert_int_equal(wire_event(&w), MT_DC_CLOSE);
    assert_int_equal(wire_event(&w), MT_DC_NONE);
    mt_dc_close(w.dc, w.f.now);
    wire_tick(&w, 3600 * MT_US_PER_S);
    mt_dc_kick(w.dc, w.f.now);
    mt_dc_link_up(w.dc, w.f.now);
    assert_int_equal(wire_event(&w), MT_DC_NONE);
    assert_int_equal(mt_dc_submit(w.dc, w.f.now, &(struct mt_req){.token = 1, .body = w.f.sealed, .n = 4}),
                     MT_E_STATE);
    wire_stop(&w);
}

static void pending_acks_can_be_flushed(void **state)
{
    struct wire w;
    struct tl_out body = fake_body(UINT32_C(0x74ae4240));

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    wire_up(&w);
    wire_say(&w, 3, true, &body);
    assert_int_equal(wire_event(&w), MT_DC_UPDATES);
    mt_dc_ack(w.dc, w.f.now, w.event.ack);
    wire_pump(&w);
    assert_null(fake_find(&w.f, MT_ID_MSGS_ACK, NULL));
    mt_dc_flush(w.dc, w.f.now);
    wire_pump(&w);
    assert_non_null(fake_find(&w.f, MT_ID_MSGS_ACK, NULL));
    wire_stop(&w);
}

/* --- memory runs out at every point once --- */

struct ends {
    unsigned results, failures;
};

static void drain(struct wire *w, struct ends *ends)
{
    while (wire_event(w) != MT_DC_NONE) {
        ends->results += w->event.kind == MT_DC_RESULT;
        ends->failures += w->event.kind == MT_DC_FAILED;
        if (w->event.kind == MT_DC_CONNECT) {
            w->server = mt_frame_new_server(&w->f.env, NULL);
            mt_dc_link_up(w->dc, w->f.now);
        }
    }
}

/* The client alone loses an allocation: arm just around its verbs. */
static void with_memory(bool fails, bool *armed)
{
    if (fails && *armed)
        oom.armed = true;
    else
        oom_disarm();
}

static void client_output(struct wire *w, bool *armed)
{
    struct tl_slice out;

    for (;;) {
        with_memory(true, armed);
        out = mt_dc_output(w->dc, w->f.now);
        with_memory(false, armed);
        if (oom.hit)
            *armed = false;
        if (!out.n || !w->server)
            return;
        assert_int_equal(mt_frame_feed(w->server, out.p, out.n), MT_OK);
        mt_dc_wrote(w->dc, w->f.now, out.n);
        for (;;) {
            struct mt_frame_event ev;

            mt_frame_next(w->server, &ev);
            if (ev.kind == MT_FRAME_NONE)
                break;
            fake_open(&w->f, ev.p, ev.n);
        }
    }
}

static void client_input(struct wire *w, uint64_t token, bool *armed)
{
    struct fake_msg *q = fake_query(&w->f, token);
    struct tl_out out = {0}, packed = {0};
    struct tl_slice bytes;
    size_t n;

    if (!q || !w->server)
        return;
    tl_put_u32(&out, MT_ID_RPC_RESULT);
    tl_put_u64(&out, q->msg_id);
    fake_gzip(&packed, "\xb5\x75\x72\x99", 4);
    tl_put_raw(&out, packed.data, packed.len);
    n = fake_seal(&w->f, fake_id(&w->f, 1), 1, &out);
    assert_int_equal(mt_frame_submit(w->server, w->f.sealed, n, false), MT_OK);
    tl_out_free(&out);
    tl_out_free(&packed);
    bytes = mt_frame_output(w->server);
    with_memory(true, armed);
    mt_dc_feed(w->dc, w->f.now, bytes.p, bytes.n);
    with_memory(false, armed);
    if (oom.hit)
        *armed = false;
    mt_frame_wrote(w->server, bytes.n);
}

static void a_lost_allocation_costs_a_reconnect_and_no_answer(void **state)
{
    (void)state;
    for (size_t i = 0;; i++) {
        struct tl_out body = fake_body(FAKE_QUERY);
        struct ends ends = {0};
        bool armed = true, hit;
        struct wire w;
        int err;

        wire_start(&w, &(struct wire_cfg){.keep = true});
        tl_put_u64(&body, 1);
        if (!oom_arm(i)) {
            oom_disarm();
            tl_out_free(&body);
            wire_stop(&w);
            assert_true(i > 5);
            return;
        }
        err = mt_dc_submit(w.dc, w.f.now,
                           &(struct mt_req){.token = 1,
                                            .body = body.data,
                                            .n = body.len,
                                            .flags = MT_REQ_REPEATABLE,
                                            .deadline = MT_NEVER});
        hit = oom_hit();
        oom_disarm();
        armed = !hit;
        tl_out_free(&body);
        for (unsigned turn = 0; !err && turn < 8 && !ends.results; turn++) {
            drain(&w, &ends);
            client_output(&w, &armed);
            client_input(&w, 1, &armed);
            drain(&w, &ends);
            fake_forget(&w.f);
            wire_tick(&w, 2 * MT_US_PER_S);
        }
        assert_int_equal(ends.results, err ? 0 : 1);
        assert_int_equal(ends.failures, 0);
        wire_stop(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_connects_when_there_is_work_and_leaves_when_there_is_none),
        cmocka_unit_test(everything_works_byte_by_byte_in_every_framing),
        cmocka_unit_test(nothing_is_sent_under_a_key_that_is_not_saved),
        cmocka_unit_test(a_key_that_cannot_be_saved_is_not_used),
        cmocka_unit_test(a_lost_key_is_reported_after_two_fresh_connections),
        cmocka_unit_test(one_unknown_key_between_good_ones_is_a_hiccup),
        cmocka_unit_test(back_off_grows_and_is_capped),
        cmocka_unit_test(floods_and_wrong_data_centres_back_off_longer),
        cmocka_unit_test(a_flood_after_a_long_connection_backs_off_too),
        cmocka_unit_test(a_link_that_lasted_ends_the_run_of_failures),
        cmocka_unit_test(one_that_broke_at_once_does_not),
        cmocka_unit_test(the_header_names_test_and_media_servers),
        cmocka_unit_test(a_kick_ends_the_back_off),
        cmocka_unit_test(connecting_has_its_time),
        cmocka_unit_test(garbage_closes_the_link_without_a_reply),
        cmocka_unit_test(a_silent_link_is_left_and_the_request_goes_over_the_next),
        cmocka_unit_test(closing_ends_requests_and_link),
        cmocka_unit_test(pending_acks_can_be_flushed),
        cmocka_unit_test(a_lost_allocation_costs_a_reconnect_and_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
