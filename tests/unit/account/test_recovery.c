/*
 * What is hard to keep: the first difference of a channel, too long ones, what comes while a difference runs
 * or fails, servers that do not move (protocol.md 8.3 to 8.5; traps 60, 64, 67; pains.md 3).
 */
#include "tests/unit/account/ubench.h"

#include "tl/ids.h"

#define CHAN20 "-1000000000020"

/* --- a channel of which nothing is known --- */

/* Asked for from its beginning; our state before was of date 100. */
static struct ubench *first_heard(void)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_diff(b, d_whole("", u_too_long(20, 60), 10, 5, 1));
    ub_expect(b, "ChannelTooLong rec | channel 20 0 | state 10 5 1");
    ub_expect_asks(b, "channel 20 1 100");
    return b;
}

static void history_of_a_channel_first_heard_of_is_no_news(void **state)
{
    struct ubench *b = first_heard();

    ub_chan_diff(
        b, 20,
        cd("", 60, true, fmt("%s,%s,%s", u_dated(20, 1, 50), u_dated(20, 2, 99), u_dated(20, 3, 100)),
           "{\"_\":\"updateDeleteChannelMessages\",\"channel_id\":\"20\",\"messages\":[1],\"pts\":60,"
           "\"pts_count\":1}"));
    /* only what is as new as the state that we had */
    ub_expect(b, "NewChannelMessage 3 rec | channel 20 60");
    assert_int_equal(b->mem.channels[0].top, 3);
    ub_feed(b, c_plain(u_chan(20, 4, 61, 1)));
    ub_expect(b, "NewChannelMessage 4 | channel 20 61");
    ub_done(b);
}

static void history_in_slices_is_no_news_either(void **state)
{
    struct ubench *b = first_heard();

    ub_chan_diff(b, 20, cd("", 30, false, u_dated(20, 1, 50), ""));
    ub_expect(b, "channel 20 30");
    ub_expect_asks(b, "channel 20 30 100");
    ub_chan_diff(b, 20, cd("", 60, true, fmt("%s,%s", u_dated(20, 2, 60), u_dated(20, 3, 150)), ""));
    ub_expect(b, "NewChannelMessage 3 rec | channel 20 60");
    /* from now on it is a channel like any other */
    ub_feed(b, c_plain(u_too_long(20, 70)));
    ub_fx(b);
    ub_asks(b);
    ub_chan_diff(b, 20, cd("", 70, true, u_dated(20, 4, 1), ""));
    ub_expect(b, "NewChannelMessage 4 rec | channel 20 70");
    ub_done(b);
}

static void too_long_of_a_channel_first_heard_of_loses_nothing_where_old_messages_show(void **state)
{
    struct ubench *b = first_heard();

    ub_chan_diff(b, 20,
                 cd_too_long(900, 12,
                             fmt("%s,%s,%s", u_dated(20, 12, 130), u_dated(20, 11, 120), u_dated(20, 10, 90)),
                             true));
    ub_expect(b, "NewChannelMessage 11 rec | NewChannelMessage 12 rec | channel 20 900");
    ub_done(b);
}

static void too_long_of_a_channel_first_heard_of_is_a_gap_where_all_is_new(void **state)
{
    struct ubench *b = first_heard();

    ub_chan_diff(b, 20, cd_too_long(900, 12, fmt("%s,%s", u_dated(20, 12, 130), u_dated(20, 11, 120)), true));
    ub_expect(b,
              "gap " CHAN20 " 0..11 | NewChannelMessage 11 rec | NewChannelMessage 12 rec | channel 20 900");
    ub_done(b);
}

static void live_updates_wait_for_the_first_difference_of_their_channel(void **state)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_diff(b, d_whole("", u_too_long(20, 60), 10, 5, 1));
    ub_fx(b);
    ub_feed(b, c_plain(u_chan(20, 5, 61, 1))); /* would otherwise be taken for its beginning */
    ub_expect(b, "");
    ub_expect_asks(b, "channel 20 1 100");
    ub_chan_diff(b, 20, cd("", 60, true, u_dated(20, 4, 150), ""));
    ub_expect(b, "NewChannelMessage 4 rec | NewChannelMessage 5 | channel 20 61");
    ub_done(b);
}

static void a_pts_that_is_nonsense_to_the_server_is_found_out_anew(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 400, "PERSISTENT_TIMESTAMP_INVALID");
    ub_expect(b, "");
    ub_expect_asks(b, "channel 20 1 100");
    ub_chan_diff(b, 20, cd("", 12, true, fmt("%s,%s", u_chan_message(20, 1), u_chan_message(20, 2)), ""));
    ub_expect(b, "NewChannelMessage 2 rec | channel 20 12"); /* 1 was told before */
    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 400, "PERSISTENT_TIMESTAMP_INVALID");
    ub_expect_asks(b, "channel 20 1 100");
    mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 400, "PERSISTENT_TIMESTAMP_EMPTY");
    ub_expect(b, "gap " CHAN20);
    ub_expect_asks(b, "");
    ub_done(b);
}

/* --- too long of a channel that is followed --- */

static void too_long_tells_the_newest_messages_and_the_hole_before_them(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    ub_chan_diff(b, 20,
                 cd_too_long(900, 9, fmt("%s,%s", u_chan_message(20, 9), u_chan_message(20, 8)), true));
    ub_expect(b, "gap " CHAN20 " 1..8 | NewChannelMessage 8 rec | NewChannelMessage 9 rec | channel 20 900");
    assert_int_equal(b->mem.channels[0].top, 9);
    ub_done(b);
}

static void too_long_does_not_tell_again_what_is_known(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    ub_chan_diff(
        b, 20,
        cd_too_long(900, 3,
                    fmt("%s,%s,%s", u_chan_message(20, 3), u_chan_message(20, 2), u_chan_message(20, 1)),
                    true));
    /* no message is missing; edits and deletions are */
    ub_expect(b, "gap " CHAN20 " | NewChannelMessage 2 rec | NewChannelMessage 3 rec | channel 20 900");
    ub_done(b);
}

/* --- a server that does not answer, or does not move --- */

static void a_channel_difference_that_fails_holds_back_nothing_that_fits(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
    for (int i = 2; i < 12; i++) {
        ub_feed(b, c_plain(u_chan(20, i, 49 + i, 1)));
        ub_expect(b, fmt("NewChannelMessage %d | channel 20 %d", i, 49 + i));
    }
    ub_wait(b, 1000);
    ub_expect_asks(b, "channel 20 60 100"); /* from where we are now */
    ub_done(b);
}

static void the_timeout_of_a_channel_difference_holds_back_nothing(void **state) /* trap 60, `timeout: 300` */
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    ub_chan_diff(b, 20,
                 "{\"_\":\"updates.channelDifferenceEmpty\",\"final\":true,\"pts\":50,\"timeout\":300}");
    ub_feed(b, c_plain(u_chan(20, 2, 51, 1)));
    ub_expect(b, "NewChannelMessage 2 | channel 20 51");
    ub_feed(b, c_plain(u_chan(20, 4, 53, 1)));
    ub_wait(b, 500);
    ub_expect_asks(b, "channel 20 51 100");
    ub_done(b);
}

static void a_difference_that_fails_holds_back_nothing_that_fits(void **state)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_DIFFERENCE, 0, 500, "TIMEOUT");
    ub_feed(b, c_seq(fmt("%s,%s", u_new(1, 11, 1), u_callback(1)), 2, 2, 150));
    ub_expect(b, "NewMessage 1 | state 11 5 1"); /* seq is not sure yet */
    ub_feed(b, c_plain(fmt("%s,%s", u_new(2, 12, 1), u_typing())));
    ub_expect(b, "NewMessage 2 | UserTyping | state 12 5 1");
    ub_feed(b, c_plain(u_new(4, 14, 1)));
    ub_expect(b, "");
    ub_wait(b, 1000);
    ub_expect_asks(b, "difference 12 100 5");
    ub_diff(b, d_whole(fmt("%s,%s", u_message(3), u_message(4)), "", 14, 5, 2));
    ub_expect(b, "NewMessage 3 rec | NewMessage 4 rec | BotCallbackQuery | state 14 5 2");
    ub_done(b);
}

static void slices_that_do_not_move_are_not_asked_for_at_once(void **state)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_diff(b, d_slice("", "", 20, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, "difference 20 200 5");
    ub_diff(b, d_slice("", "", 20, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, "");
    ub_wait(b, 1000);
    ub_expect_asks(b, "difference 20 200 5");
    ub_diff(b, "{\"_\":\"updates.differenceTooLong\",\"pts\":20}");
    ub_fx(b);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void a_channel_that_does_not_move_is_not_asked_for_at_once(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    ub_chan_diff(b, 20, cd("Empty", 50, false, "", ""));
    ub_fx(b);
    ub_expect_asks(b, "");
    ub_wait(b, 1000);
    ub_expect_asks(b, "channel 20 50 100");
    ub_done(b);
}

/* --- what comes while a difference runs --- */

static struct ubench *running(void)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_expect_asks(b, "difference 10 100 5");
    return b;
}

static void what_no_difference_brings_is_told_though_its_seq_is_passed(void **state)
{
    struct ubench *b = running();

    ub_feed(b, c_seq(u_callback(1), 2, 2, 150));
    ub_feed(b, c_seq(u_callback(1), 2, 2, 150)); /* the same container again */
    ub_feed(b, c_seq(u_callback(2), 3, 3, 150));
    ub_diff(b, d_whole("", "", 10, 5, 3));
    ub_expect(b, "BotCallbackQuery | BotCallbackQuery | state 10 5 3");
    ub_done(b);
}

static void what_a_difference_did_bring_is_told_once(void **state)
{
    struct ubench *b = running();
    const char *name = "{\"_\":\"updateUserPhone\",\"user_id\":\"7\",\"phone\":\"1\"}";

    ub_feed(b, c_seq(fmt("%s,%s", name, u_callback(2)), 2, 2, 150));
    ub_diff(b, d_whole("", name, 10, 5, 2));
    ub_expect(b, "peer 7 | UserPhone rec | BotCallbackQuery | state 10 5 2");
    ub_done(b);
}

static void a_seq_of_another_session_is_not_taken_for_an_old_one(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_seq(u_typing(), 2, 9, 150));
    ub_expect(b, "UserTyping | state 10 5 9");
    mt_updates_offline(b->u);
    mt_updates_online(b->u, b->now, SELF, false);
    ub_expect_asks(b, "difference 10 150 5");
    ub_feed(b, c_seq(u_callback(1), 2, 2, 160)); /* a new session counts from 1 */
    ub_diff(b, d_whole("", "", 10, 5, 2));
    ub_expect(b, "BotCallbackQuery | state 10 5 2");
    ub_done(b);
}

static void a_closed_hole_in_seq_tells_all_that_waited_for_it(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_seq(u_callback(4), 4, 4, 150));
    ub_feed(b, c_seq(u_callback(3), 3, 3, 150));
    ub_feed(b, c_seq(u_callback(4), 4, 4, 150));
    ub_expect(b, "");
    ub_wait(b, 500);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 10, 5, 4));
    ub_expect(b, "BotCallbackQuery | BotCallbackQuery | state 10 5 4");
    ub_done(b);
}

static const char *big_container(int id, int pts)
{
    static char text[2 << 20];
    size_t n = 1 << 20;
    int at =
        snprintf(text, sizeof text,
                 "{\"_\":\"updates\",\"updates\":[{\"_\":\"updateNewMessage\",\"message\":{\"_\":\"message\","
                 "\"id\":%d,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":\"7\"},\"date\":1,\"message\":\"",
                 id);

    memset(text + at, 'x', n);
    snprintf(text + at + n, sizeof text - (size_t)at - n,
             "\"},\"pts\":%d,\"pts_count\":1},%s],\"users\":[],\"chats\":[],\"date\":101,\"seq\":0}", pts,
             u_callback(id));
    return text;
}

/* 17 MiB while a difference runs: memory stays bounded, all of it is told in the end. */
static void more_than_can_be_held_is_asked_for_again(void **state)
{
    struct ubench *b = running();
    uint64_t ack, acks = 0;
    char expected[2048] = "";

    for (int i = 1; i <= 17; i++) {
        struct tl_slice s = tl_of("Updates", big_container(i, 10 + i));

        mt_updates_feed(b->u, b->now, s.p, s.n, (uint64_t)i);
    }
    assert_int_equal(mt_updates_stats(b->u)->overflows, 2); /* 15 fit into 16 MiB, with what is around them */
    ub_diff(b, d_whole("", "", 10, 5, 1));
    for (int i = 1; i <= 15; i++)
        snprintf(expected + strlen(expected), 64, "NewMessage %d | BotCallbackQuery | ", i);
    strcat(expected, "BotCallbackQuery | BotCallbackQuery | state 25 5 1");
    ub_expect(b, expected);
    while (mt_updates_next_ack(b->u, &ack))
        acks++;
    assert_int_equal(acks, 17);
    ub_expect_asks(b, "difference 25 200 5");
    ub_diff(b, d_whole(fmt("%s,%s", u_message(16), u_message(17)), "", 27, 5, 1));
    ub_expect(b, "NewMessage 16 rec | NewMessage 17 rec | state 27 5 1");
    assert_int_equal(mt_updates_stats(b->u)->gaps, 0);
    ub_done(b);
}

static void what_waits_in_all_channels_together_is_bounded(void **state)
{
    struct ubench *b = ub_started();
    static char text[1 << 20];

    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 20; i++) {
        int channel = 20 + i % 10, pts = 60 + 2 * i;
        struct tl_out out = {0};

        if (i < 10) {
            ub_feed(b, c_plain(u_chan(channel, 1, 50, 1)));
            ub_fx(b);
        }
        tl_put_u32(&out, TL_updateShort);
        tl_put_u32(&out, TL_updateNewChannelMessage);
        tl_put_u32(&out, TL_message);
        tl_put_u32(&out, 0);
        tl_put_u32(&out, 0);
        tl_put_int(&out, 9);
        tl_put_u32(&out, TL_peerChannel);
        tl_put_long(&out, channel);
        tl_put_int(&out, 1);
        tl_put_str(&out, text);
        tl_put_int(&out, pts);
        tl_put_int(&out, 1);
        tl_put_int(&out, 1);
        assert_false(out.err);
        mt_updates_feed(b->u, b->now, out.data, out.len, 0);
        tl_out_free(&out);
    }
    assert_true(mt_updates_stats(b->u)->overflows >= 4); /* of 20 MiB 16 wait */
    assert_non_null(strstr(ub_asks(b), "channel 2"));    /* who was dropped asks at once */
    ub_done(b);
}

/* --- unknown people, unreadable answers --- */

static void a_short_message_of_a_stranger_is_told_after_one_difference(void **state) /* trap 61 */
{
    static const char short_message[] = "{\"_\":\"updateShortMessage\",\"id\":1,\"user_id\":\"8\","
                                        "\"message\":\"m\",\"pts\":11,\"pts_count\":1,"
                                        "\"date\":1}";
    struct ubench *b = ub_started();

    ub_feed(b, short_message);
    ub_expect(b, "");
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 10, 5, 1)); /* it does not know it yet */
    ub_expect(b, "NewMessage 1 | state 11 5 1");
    ub_expect_asks(b, "");
    ub_done(b);
}

static void an_answer_that_cannot_be_read_asks_for_what_it_said(void **state) /* trap 69 */
{
    struct ubench *b = ub_started();
    struct tl_view request = view_of(call_of("{\"_\":\"messages.deleteMessages\",\"id\":[1]}"));

    mt_updates_result(b->u, b->now, "\xde\xad\xbe\xef", 4, &request, 3);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_fx(b);
    request = view_of(call_of("{\"_\":\"help.getConfig\"}"));
    mt_updates_result(b->u, b->now, "\xde\xad\xbe\xef", 4, &request, 3);
    ub_expect_asks(b, "");
    ub_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_of_a_channel_first_heard_of_is_no_news),
        cmocka_unit_test(history_in_slices_is_no_news_either),
        cmocka_unit_test(too_long_of_a_channel_first_heard_of_loses_nothing_where_old_messages_show),
        cmocka_unit_test(too_long_of_a_channel_first_heard_of_is_a_gap_where_all_is_new),
        cmocka_unit_test(live_updates_wait_for_the_first_difference_of_their_channel),
        cmocka_unit_test(a_pts_that_is_nonsense_to_the_server_is_found_out_anew),
        cmocka_unit_test(too_long_tells_the_newest_messages_and_the_hole_before_them),
        cmocka_unit_test(too_long_does_not_tell_again_what_is_known),
        cmocka_unit_test(a_channel_difference_that_fails_holds_back_nothing_that_fits),
        cmocka_unit_test(the_timeout_of_a_channel_difference_holds_back_nothing),
        cmocka_unit_test(a_difference_that_fails_holds_back_nothing_that_fits),
        cmocka_unit_test(slices_that_do_not_move_are_not_asked_for_at_once),
        cmocka_unit_test(a_channel_that_does_not_move_is_not_asked_for_at_once),
        cmocka_unit_test(what_no_difference_brings_is_told_though_its_seq_is_passed),
        cmocka_unit_test(what_a_difference_did_bring_is_told_once),
        cmocka_unit_test(a_seq_of_another_session_is_not_taken_for_an_old_one),
        cmocka_unit_test(a_closed_hole_in_seq_tells_all_that_waited_for_it),
        cmocka_unit_test(more_than_can_be_held_is_asked_for_again),
        cmocka_unit_test(what_waits_in_all_channels_together_is_bounded),
        cmocka_unit_test(a_short_message_of_a_stranger_is_told_after_one_difference),
        cmocka_unit_test(an_answer_that_cannot_be_read_asks_for_what_it_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
