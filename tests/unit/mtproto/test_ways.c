/* What a link is made of from outside: hung up for another way out, framed as its address wants. */
#include "tests/unit/mtproto/wire.h"

#include "core/mtproto/session.h"

static void a_hang_up_is_no_failure(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    wire_up(&w);
    mt_dc_hang_up(w.dc, w.f.now);
    assert_int_equal(wire_calm_event(&w), MT_DC_DOWN);
    assert_int_equal(wire_calm_event(&w), MT_DC_CLOSE);
    assert_int_equal(wire_calm_event(&w), MT_DC_NONE); /* nothing opens before it is told to */
    mt_dc_kick(w.dc, w.f.now);
    wire_connect(&w);
    assert_int_equal(w.event.attempt, 0);
    mt_dc_hang_up(w.dc, w.f.now); /* while it connects */
    assert_int_equal(wire_calm_event(&w), MT_DC_CLOSE);
    for (unsigned i = 0; i < 6; i++) { /* and where it waits after failures: the back-off begins anew */
        mt_dc_kick(w.dc, w.f.now);
        wire_connect(&w);
        wire_close(&w);
    }
    mt_dc_hang_up(w.dc, w.f.now);
    assert_true(mt_dc_deadline(w.dc) <= w.f.now.mono);
    wire_tick(&w, 0);
    wire_connect(&w);
    assert_int_equal(w.event.attempt, 0);
    wire_stop(&w);
}

/* An address may want another framing, or have a secret of its own, than the one before it. */
static void framing_is_that_of_the_link(void **state)
{
    static const uint8_t secret[16] = {1, 2, 3};
    struct mt_frame_cfg fc = {.framing = MT_PADDED, .obfuscated = true, .has_secret = true};
    struct mt_frame_event ev;
    struct mt_frame *server;
    struct wire w;
    struct tl_slice out;

    (void)state;
    memcpy(fc.secret, secret, sizeof secret);
    wire_start(&w, &(struct wire_cfg){.keep = true, .framing = MT_ABRIDGED});
    wire_up(&w);
    wire_close(&w);
    wire_calm_event(&w);
    mt_dc_kick(w.dc, w.f.now);
    while (w.event.kind != MT_DC_CONNECT)
        assert_int_not_equal(wire_event(&w), MT_DC_NONE);
    mt_dc_link_framing(w.dc, &fc);
    mt_dc_link_up(w.dc, w.f.now);
    out = mt_dc_output(w.dc, w.f.now);
    server = mt_frame_new_server(&w.f.env, secret);
    assert_int_equal(mt_frame_feed(server, out.p, out.n), MT_OK);
    mt_frame_next(server, &ev);
    assert_int_equal(ev.kind, MT_FRAME_PACKET);
    assert_int_equal(mt_frame_framing(server), MT_PADDED);
    mt_frame_free(server);
    wire_stop(&w);
}

/* A machine that slept longer than a server waits: the link is not asked whether it lives, nor waited for. */
static void a_link_that_was_slept_through_is_left_at_once(void **state)
{
    struct wire w;

    (void)state;
    wire_start(&w, &(struct wire_cfg){.keep = true});
    wire_up(&w);
    while (wire_event(&w) != MT_DC_NONE)
        ;
    w.f.now.mono += (MT_PING_DELAY_S - 1) * MT_US_PER_S;
    mt_dc_kick(w.dc, w.f.now);
    assert_true(mt_dc_is_up(w.dc)); /* it may live */
    w.f.now.mono += MT_US_PER_S;
    mt_dc_kick(w.dc, w.f.now);
    assert_false(mt_dc_is_up(w.dc));
    assert_int_equal(wire_calm_event(&w), MT_DC_DOWN);
    assert_int_equal(wire_calm_event(&w), MT_DC_CLOSE);
    wire_connect(&w);
    assert_int_equal(w.event.attempt, 0); /* no failure of the address */
    wire_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hang_up_is_no_failure),
        cmocka_unit_test(framing_is_that_of_the_link),
        cmocka_unit_test(a_link_that_was_slept_through_is_left_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
