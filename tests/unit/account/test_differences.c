/* Differences of the account and of channels, what is held meanwhile, short forms and results (8.1, 8.4-8.8).
 */
#include "tests/unit/account/ubench.h"

#include "tl/ids.h"

/* --- when it is asked --- */

static void the_state_is_asked_for_only_where_nothing_is_known(void **state) /* trap 66 */
{
    struct ubench *b = ub_new(false);

    mt_updates_online(b->u, b->now, SELF, false);
    ub_expect_asks(b, "state");
    ub_answer(b, MT_ASK_STATE, 0, "updates.State",
              "{\"_\":\"updates.state\",\"pts\":10,\"qts\":5,\"date\":100,\"seq\":1,\"unread_count\":0}");
    ub_expect(b, "state 10 5 1");
    assert_true(mt_updates_is_in_sync(b->u));
    mt_updates_offline(b->u);
    mt_updates_online(b->u, b->now, SELF, false);
    ub_expect_asks(b, "difference 10 100 5");
    ub_done(b);
}

static void a_start_and_every_reconnect_ask_for_the_difference(void **state) /* trap 68 */
{
    struct ubench *b = ub_started();

    mt_updates_offline(b->u);
    ub_wait(b, 60000);
    ub_expect_asks(b, "");
    mt_updates_online(b->u, b->now, SELF, false);
    ub_expect_asks(b, "difference 10 100 5");
    ub_done(b);
}

static void fifteen_silent_minutes_ask_for_the_difference(void **state) /* trap 68 */
{
    struct ubench *b = ub_started();

    ub_wait(b, 14 * 60000);
    ub_feed(b, c_plain(u_typing()));
    ub_expect_asks(b, "");
    ub_wait(b, 14 * 60000);
    ub_expect_asks(b, "check"); /* what arrives is not all that there is: see test_watch.c */
    ub_wait(b, 60000);
    ub_expect_asks(b, "difference 10 100 5");
    ub_done(b);
}

static void other_reasons_ask_for_the_difference(void **state)
{
    static const char *const why[] = {
        "{\"_\":\"updatesTooLong\"}",
        "{\"_\":\"updateShort\",\"update\":{\"_\":\"updatePtsChanged\"},\"date\":1}",
        /* DISAGREE-14: nobody asked for it */
        "{\"_\":\"updateShortSentMessage\",\"id\":1,\"pts\":11,\"pts_count\":1,\"date\":1}",
    };

    for (size_t i = 0; i < sizeof why / sizeof *why; i++) {
        struct ubench *b = ub_started();

        ub_feed(b, why[i]);
        ub_expect_asks(b, "difference 10 100 5");
        ub_done(b);
    }
}

static void a_container_that_does_not_parse_asks_and_leaves_the_state(void **state) /* trap 69 */
{
    struct ubench *b = ub_started();
    static const uint8_t unknown[12] = {0xde, 0xad, 0xbe, 0xef};
    uint64_t ack;

    mt_updates_feed(b->u, b->now, unknown, sizeof unknown, 9);
    ub_expect(b, "");
    assert_true(mt_updates_next_ack(b->u, &ack));
    assert_true(ack == 9);
    ub_expect_asks(b, "difference 10 100 5");
    ub_done(b);
}

static void a_new_session_asks_for_the_account_and_where_channels_stand(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_chan(20, 1, 50, 1)));
    ub_fx(b);
    mt_updates_new_session(b->u, b->now); /* what every connection begins with (trap 35) */
    ub_expect_asks(b, "");
    mt_updates_new_session(b->u, b->now);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, "dialogs 20");
    ub_done(b);
}

/* A server sends updates only to sessions that asked something: another session asks, however young the
 * connection is, and also where the session before it was just asking. */
static void another_session_asks_at_any_time(void **state)
{
    struct ubench *b = ub_started();

    mt_updates_other_session(b->u, b->now);
    ub_expect_asks(b, "difference 10 100 5");
    mt_updates_other_session(b->u, b->now);
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, "difference 10 200 5");
    ub_done(b);
}

/* --- what it brings --- */

#define ID_UPDATE "{\"_\":\"updateMessageID\",\"id\":3,\"random_id\":\"42\"}"
#define READ_UPDATE                                                                                          \
    "{\"_\":\"updateReadHistoryOutbox\",\"peer\":{\"_\":\"peerUser\",\"user_id\":\"7\"},\"max_id\":9,"       \
    "\"pts\":12,\"pts_count\":0}"

static void a_difference_is_delivered_ids_first_messages_then_the_rest(void **state) /* DISAGREE-8 */
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_diff(b, d_whole(fmt("%s,%s", u_message(3), u_message(4)), READ_UPDATE "," ID_UPDATE, 12, 6, 2));
    ub_expect(
        b, "MessageID 3 rec | NewMessage 3 rec | NewMessage 4 rec | ReadHistoryOutbox 9 rec | state 12 6 2");
    ub_done(b);
}

static void slices_are_fetched_until_the_end_each_after_its_commit(void **state) /* trap 60 */
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_diff(b, d_slice(u_message(1), "", 20, 5, 1));
    ub_expect_asks(b, ""); /* not before what it brought is on disk */
    ub_expect(b, "NewMessage 1 rec | state 20 5 1");
    ub_expect_asks(b, "difference 20 200 5");
    ub_diff(b, d_slice(u_message(2), "", 30, 5, 1));
    ub_expect(b, "NewMessage 2 rec | state 30 5 1");
    ub_expect_asks(b, "difference 30 200 5");
    ub_diff(b, d_whole(u_message(3), "", 31, 5, 1));
    ub_expect(b, "NewMessage 3 rec | state 31 5 1");
    ub_expect_asks(b, "");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_done(b);
}

static void too_long_jumps_tells_of_the_gap_and_goes_on(void **state) /* trap 60, DISAGREE-9 */
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_diff(b, "{\"_\":\"updates.differenceTooLong\",\"pts\":500}");
    ub_expect(b, "gap 0 | state 500 5 1");
    ub_expect_asks(b, "difference 500 100 5");
    ub_diff(b, "{\"_\":\"updates.differenceEmpty\",\"date\":300,\"seq\":4}");
    ub_expect(b, "state 500 5 4");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_done(b);
}

static void live_updates_wait_for_the_difference_and_are_not_doubled(void **state) /* trap 64 */
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_feed(b, c_plain(u_new(2, 12, 1)));
    ub_feed(b, c_plain(u_typing()));
    ub_expect(b, "");
    assert_false(mt_updates_is_in_sync(b->u));
    ub_diff(b, d_whole(u_message(1), "", 11, 5, 1));
    ub_expect(b, "NewMessage 1 rec | NewMessage 2 | UserTyping | state 12 5 1");
    ub_done(b);
}

static void a_held_container_is_acked_only_when_it_was_delivered(void **state)
{
    struct ubench *b = ub_started();
    struct tl_slice s = tl_of("Updates", c_plain(u_typing()));
    uint64_t ack;

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    mt_updates_feed(b->u, b->now, s.p, s.n, 7);
    assert_false(mt_updates_next_ack(b->u, &ack));
    ub_diff(b, d_whole("", "", 10, 5, 1));
    assert_true(mt_updates_next_ack(b->u, &ack));
    assert_true(ack == 7);
    ub_done(b);
}

static void what_is_lost_during_a_difference_asks_for_another(void **state)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    mt_updates_force(b->u, b->now);
    ub_expect_asks(b, "");
    ub_diff(b, d_whole("", "", 11, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, "difference 11 200 5");
    ub_done(b);
}

static void a_gap_that_no_difference_closes_is_given_up(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(3, 13, 1)));
    for (int i = 0; i < 3; i++) {
        ub_wait(b, 4000);
        ub_expect_asks(b, i ? "difference 10 200 5" : "difference 10 100 5");
        ub_diff(b, d_whole("", "", 10, 5, 1));
        if (i < 2)
            ub_expect(b, "state 10 5 1");
    }
    ub_expect(b, "gap 0 | NewMessage 3 | state 13 5 1");
    ub_wait(b, 60000);
    ub_expect_asks(b, "");
    ub_done(b);
}

/* --- when it fails --- */

static void a_failed_difference_is_tried_again_ever_later(void **state)
{
    static const int wait[] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    for (size_t i = 0; i < sizeof wait / sizeof *wait; i++) {
        ub_expect_asks(b, "difference 10 100 5");
        mt_updates_refused(b->u, b->now, MT_ASK_DIFFERENCE, 0, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
        ub_wait(b, wait[i] * 1000 - 1);
        ub_expect_asks(b, "");
        ub_wait(b, 1);
    }
    ub_expect(b, "");
    ub_done(b);
}

static void a_difference_that_does_not_parse_leaves_the_state_and_backs_off(void **state)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    mt_updates_answer(b->u, b->now, MT_ASK_DIFFERENCE, 0, "\xde\xad\xbe\xef", 4);
    ub_expect(b, "");
    ub_expect_asks(b, "");
    ub_wait(b, 1000);
    ub_expect_asks(b, "difference 10 100 5");
    ub_done(b);
}

static void a_pts_that_is_nonsense_to_the_server_begins_anew(void **state)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_DIFFERENCE, 0, 400, "PERSISTENT_TIMESTAMP_INVALID");
    ub_expect(b, "gap 0");
    ub_expect_asks(b, "state");
    ub_done(b);
}

static void a_kill_between_receipt_and_commit_loses_nothing(void **state) /* trap 65 */
{
    struct ubench *b = ub_started();
    struct mt_update_state saved = b->mem.state;
    struct mt_updates_cfg cfg = {
        .env = &b->env.env, .store = &b->mem.ops, .peers = &b->peers, .fxq = &b->fxq};
    struct mt_fx fx;

    ub_feed(b, c_plain(u_new(1, 11, 1)));
    while (mt_fxq_next(&b->fxq, &fx)) /* the turn dies before its commit */
        ;
    mt_updates_free(b->u);
    b->u = mt_updates_new(&cfg, &saved, b->now);
    mt_updates_online(b->u, b->now, SELF, false);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole(u_message(1), "", 11, 5, 1));
    ub_expect(b, "NewMessage 1 rec | state 11 5 1");
    ub_done(b);
}

/* --- channels --- */

static void channel_too_long_asks_unless_its_pts_is_old(void **state) /* trap 67 */
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 50)));
    ub_expect_asks(b, "");
    ub_feed(b, c_plain(u_too_long(20, 60)));
    ub_expect_asks(b, "channel 20 50 100");
    ub_chan_diff(b, 20, cd("", 60, true, u_chan_message(20, 2), ""));
    ub_fx(b);
    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_expect_asks(b, "channel 20 60 100");
    ub_done(b);
}

static void a_channel_difference_goes_on_until_it_is_final(void **state) /* trap 60 */
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    ub_chan_diff(b, 20, cd("", 60, false, "", ""));
    ub_expect_asks(b, "");
    ub_expect(b, "channel 20 60");
    ub_expect_asks(b, "channel 20 60 100");
    ub_chan_diff(b, 20, cd("", 62, true, u_chan_message(20, 2), u_chan(20, 3, 62, 1)));
    ub_expect(b, "NewChannelMessage 2 rec | NewChannelMessage 3 rec | channel 20 62");
    ub_expect_asks(b, "");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_done(b);
}

static void an_empty_channel_difference_sets_its_pts(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_asks(b);
    ub_fx(b);
    ub_chan_diff(b, 20, cd("Empty", 55, true, "", ""));
    ub_expect(b, "channel 20 55");
    ub_done(b);
}

static void a_channel_difference_too_long_is_a_gap(void **state) /* trap 60 */
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_asks(b);
    ub_fx(b);
    ub_chan_diff(b, 20, cd_too_long(900, 1, "", true));
    ub_expect(b, "gap -1000000000020 | channel 20 900");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_done(b);
}

static void live_updates_of_a_channel_wait_for_its_difference(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_chan(20, 3, 52, 1)));
    ub_wait(b, 500);
    ub_asks(b);
    ub_feed(b, c_plain(u_chan(20, 2, 51, 1)));
    ub_feed(b, c_plain(u_chan(20, 4, 53, 1)));
    ub_expect(b, "");
    ub_chan_diff(b, 20, cd("", 52, true, fmt("%s,%s", u_chan_message(20, 2), u_chan_message(20, 3)), ""));
    ub_expect(b, "NewChannelMessage 2 rec | NewChannelMessage 3 rec | NewChannelMessage 4 | channel 20 53");
    ub_done(b);
}

static void four_channel_differences_run_at_one_time(void **state)
{
    struct ubench *b = ub_started();

    for (int i = 20; i < 27; i++)
        ub_feed(b, c_plain(u_chan(i, 1, 50, 1)));
    for (int i = 20; i < 27; i++)
        ub_feed(b, c_plain(u_too_long(i, 0)));
    ub_fx(b);
    assert_int_equal(strlen(ub_asks(b)), strlen("channel 20 50 100") * 4 + 3 * 3);
    ub_expect_asks(b, "");
    ub_chan_diff(b, 20, cd("Empty", 50, true, "", "")); /* whichever four they are, 20..26 are seven */
    for (int i = 21; i < 27; i++)
        ub_chan_diff(b, i, cd("Empty", 50, true, "", ""));
    ub_fx(b);
    assert_int_equal(strlen(ub_asks(b)), strlen("channel 20 50 100") * 3 + 2 * 3);
    ub_done(b);
}

static void followed_channels_are_asked_for_once_at_the_start(void **state)
{
    struct ubench *b = ub_new(true);

    b->mem.channels[0].id = 20;
    b->mem.channels[0].pts = 70;
    b->mem.n_channels = 1;
    mt_updates_online(b->u, b->now, SELF, true);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, "channel 20 70 100000"); /* as a bot */
    ub_chan_diff(b, 20, cd("Empty", 70, true, "", ""));
    ub_fx(b);
    mt_updates_online(b->u, b->now, SELF, true);
    ub_asks(b);
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void a_channel_that_is_closed_to_us_is_forgotten(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_asks(b);
    ub_fx(b);
    mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 400, "CHANNEL_PRIVATE");
    ub_expect(b, "channel 20 -1");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_done(b);
}

static void a_channel_difference_that_fails_waits(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
    ub_expect_asks(b, "");
    assert_true(mt_updates_deadline(b->u) == b->now.mono + MT_US_PER_S);
    ub_wait(b, 1000);
    ub_expect_asks(b, "channel 20 50 100");
    ub_done(b);
}

static void a_channel_without_access_hash_goes_on_with_a_gap(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_chan(40, 1, 50, 1)));
    ub_feed(b, c_plain(u_chan(40, 3, 52, 1)));
    ub_fx(b);
    ub_wait(b, 500);
    ub_expect_asks(b, "");
    ub_expect(b, "gap -1000000000040 | NewChannelMessage 3 | channel 40 52");
    ub_done(b);
}

static void channel_updates_in_a_common_difference_keep_their_own_count(void **state)
{
    struct ubench *b = ub_with_channel();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_diff(b, d_whole("", fmt("%s,%s,%s", u_chan(20, 1, 50, 1), u_chan(20, 2, 51, 1), u_too_long(21, 0)), 10,
                       5, 1));
    ub_expect(b,
              "NewChannelMessage 2 rec | ChannelTooLong rec | channel 21 0 | channel 20 51 | state 10 5 1");
    ub_expect_asks(b, "channel 21 1 100");
    ub_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_is_asked_for_only_where_nothing_is_known),
        cmocka_unit_test(a_start_and_every_reconnect_ask_for_the_difference),
        cmocka_unit_test(fifteen_silent_minutes_ask_for_the_difference),
        cmocka_unit_test(other_reasons_ask_for_the_difference),
        cmocka_unit_test(a_container_that_does_not_parse_asks_and_leaves_the_state),
        cmocka_unit_test(a_new_session_asks_for_the_account_and_where_channels_stand),
        cmocka_unit_test(another_session_asks_at_any_time),
        cmocka_unit_test(a_difference_is_delivered_ids_first_messages_then_the_rest),
        cmocka_unit_test(slices_are_fetched_until_the_end_each_after_its_commit),
        cmocka_unit_test(too_long_jumps_tells_of_the_gap_and_goes_on),
        cmocka_unit_test(live_updates_wait_for_the_difference_and_are_not_doubled),
        cmocka_unit_test(a_held_container_is_acked_only_when_it_was_delivered),
        cmocka_unit_test(what_is_lost_during_a_difference_asks_for_another),
        cmocka_unit_test(a_gap_that_no_difference_closes_is_given_up),
        cmocka_unit_test(a_failed_difference_is_tried_again_ever_later),
        cmocka_unit_test(a_difference_that_does_not_parse_leaves_the_state_and_backs_off),
        cmocka_unit_test(a_pts_that_is_nonsense_to_the_server_begins_anew),
        cmocka_unit_test(a_kill_between_receipt_and_commit_loses_nothing),
        cmocka_unit_test(channel_too_long_asks_unless_its_pts_is_old),
        cmocka_unit_test(a_channel_difference_goes_on_until_it_is_final),
        cmocka_unit_test(an_empty_channel_difference_sets_its_pts),
        cmocka_unit_test(a_channel_difference_too_long_is_a_gap),
        cmocka_unit_test(live_updates_of_a_channel_wait_for_its_difference),
        cmocka_unit_test(four_channel_differences_run_at_one_time),
        cmocka_unit_test(followed_channels_are_asked_for_once_at_the_start),
        cmocka_unit_test(a_channel_that_is_closed_to_us_is_forgotten),
        cmocka_unit_test(a_channel_difference_that_fails_waits),
        cmocka_unit_test(a_channel_without_access_hash_goes_on_with_a_gap),
        cmocka_unit_test(channel_updates_in_a_common_difference_keep_their_own_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
