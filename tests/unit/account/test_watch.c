/*
 * What is asked without a sign that something happened: the state compared, many channels checked, a few
 * watched (pains.md 3; protocol.md 8.5, 8.6).
 */
#include "tests/unit/account/ubench.h"

static void stored(struct ubench *b, int id, int pts, bool watched)
{
    b->mem.channels[b->mem.n_channels++] =
        (struct mt_channel_row){.id = id, .pts = pts, .top = 1, .watched = watched};
}

static const char *state_json(int pts, int qts)
{
    return fmt("{\"_\":\"updates.state\",\"pts\":%d,\"qts\":%d,\"date\":300,\"seq\":7,\"unread_count\":0}",
               pts, qts);
}

/* --- the state --- */

/* A quarter of an hour with typing only. */
static struct ubench *checked(void)
{
    struct ubench *b = ub_started();

    ub_wait(b, 14 * 60000);
    ub_feed(b, c_plain(u_typing()));
    ub_fx(b);
    ub_wait(b, 60000);
    ub_expect_asks(b, "check");
    ub_expect_asks(b, "");
    return b;
}

static void a_state_like_ours_changes_nothing_and_is_asked_for_again_later(void **state)
{
    struct ubench *b = checked();

    ub_answer(b, MT_ASK_CHECK, 0, "updates.State", state_json(10, 5));
    ub_expect(b, "");
    ub_expect_asks(b, "");
    ub_wait(b, 14 * 60000);
    ub_feed(b, c_plain(u_typing()));
    ub_expect_asks(b, "");
    ub_wait(b, 60000);
    ub_expect_asks(b, "check");
    assert_int_equal(mt_updates_stats(b->u)->mismatches, 0);
    ub_done(b);
}

static void a_server_that_is_ahead_is_asked_for_the_difference_and_never_believed(void **state) /* trap 66 */
{
    struct ubench *b = checked();

    ub_answer(b, MT_ASK_CHECK, 0, "updates.State", state_json(12, 5));
    ub_expect(b, ""); /* our state is not what it says */
    assert_int_equal(mt_updates_stats(b->u)->mismatches, 1);
    ub_wait(b, 500);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole(fmt("%s,%s", u_message(1), u_message(2)), "", 12, 5, 1));
    ub_expect(b, "NewMessage 1 rec | NewMessage 2 rec | state 12 5 1");
    ub_done(b);
}

static void what_was_only_late_makes_no_difference(void **state)
{
    struct ubench *b = checked();

    ub_answer(b, MT_ASK_CHECK, 0, "updates.State", state_json(11, 6));
    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_feed(b, c_plain(u_qts(6)));
    ub_expect(b, "NewMessage 1 | state 11 5 1 | BotStopped | state 11 6 1");
    ub_wait(b, 1000);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void a_qts_that_is_ahead_counts_too(void **state)
{
    struct ubench *b = checked();

    ub_answer(b, MT_ASK_CHECK, 0, "updates.State", state_json(10, 6));
    ub_wait(b, 500);
    ub_expect_asks(b, "difference 10 100 5");
    ub_done(b);
}

static void a_check_that_fails_is_not_repeated_at_once(void **state)
{
    struct ubench *b = checked();

    mt_updates_refused(b->u, b->now, MT_ASK_CHECK, 0, 500, "TIMEOUT");
    ub_expect_asks(b, "");
    assert_true(mt_updates_deadline(b->u) > b->now.mono + 10 * 60 * MT_US_PER_S);
    ub_done(b);
}

/* --- many channels --- */

static struct ubench *start(bool bot)
{
    struct ubench *b = ub_new(true);

    for (int i = 20; i < 26; i++)
        stored(b, i, 70, false);
    mt_updates_online(b->u, b->now, SELF, bot);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, "{\"_\":\"updates.differenceEmpty\",\"date\":100,\"seq\":1}");
    ub_expect(b, "state 10 5 1");
    return b;
}

static const char *dialog(int channel, int pts)
{
    return fmt(
        "{\"_\":\"dialog\",\"peer\":{\"_\":\"peerChannel\",\"channel_id\":\"%d\"},\"top_message\":9,"
        "\"read_inbox_max_id\":1,\"read_outbox_max_id\":1,\"unread_count\":0,\"unread_mentions_count\":0,"
        "\"unread_reactions_count\":0,\"unread_poll_votes_count\":0,\"notify_settings\":"
        "{\"_\":\"peerNotifySettings\"},\"pts\":%d}",
        channel, pts);
}

static const char *dialogs(const char *list)
{
    return fmt("{\"_\":\"messages.peerDialogs\",\"dialogs\":[%s],\"messages\":[],\"chats\":[],\"users\":[],"
               "\"state\":%s}",
               list, state_json(99, 99));
}

static void one_question_at_the_start_says_which_channels_are_behind(void **state)
{
    struct ubench *b = start(false);

    assert_false(mt_updates_is_in_sync(b->u));
    ub_expect_asks(b, "dialogs 20 21 22 23 24 25");
    ub_answer(b, MT_ASK_DIALOGS, 0, "messages.PeerDialogs",
              dialogs(fmt("%s,%s,%s", dialog(20, 70), dialog(23, 75), dialog(24, 60))));
    ub_expect(b, ""); /* what it says of the account is not believed */
    assert_false(mt_updates_is_in_sync(b->u));
    ub_expect_asks(b, "channel 23 70 100");
    ub_chan_diff(b, 23, cd("", 75, true, u_chan_message(23, 2), ""));
    ub_expect(b, "NewChannelMessage 2 rec | channel 23 75");
    ub_wait(b, 500);
    ub_expect_asks(b, "");
    assert_true(mt_updates_is_in_sync(b->u));
    /* a reconnect is told by the server what changed */
    mt_updates_offline(b->u);
    mt_updates_online(b->u, b->now, SELF, false);
    ub_asks(b);
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void where_no_channel_is_behind_the_start_is_over_at_once(void **state)
{
    struct ubench *b = start(false);

    ub_asks(b);
    ub_answer(b, MT_ASK_DIALOGS, 0, "messages.PeerDialogs", dialogs(dialog(20, 70)));
    assert_true(mt_updates_is_in_sync(b->u));
    assert_true(mt_updates_deadline(b->u) > b->now.mono + 10 * 60 * MT_US_PER_S);
    ub_done(b);
}

static void a_channel_behind_by_what_is_on_its_way_is_not_asked_for(void **state)
{
    struct ubench *b = start(false);

    struct tl_view request = view_of(call_of("{\"_\":\"messages.getPeerDialogs\",\"peers\":[]}"));
    struct tl_slice s = tl_of("messages.PeerDialogs", dialogs(dialog(23, 71)));

    ub_asks(b);
    ub_answer(b, MT_ASK_DIALOGS, 0, "messages.PeerDialogs", dialogs(dialog(20, 70)));
    mt_updates_result(b->u, b->now, s.p, s.n, &request, 3); /* somebody looks at the list of chats */
    ub_feed(b, c_plain(u_chan(23, 2, 71, 1)));
    ub_expect(b, "NewChannelMessage 2 | channel 23 71");
    ub_wait(b, 1000);
    ub_expect_asks(b, "");
    s = tl_of("messages.PeerDialogs", dialogs(dialog(23, 73))); /* what is not pushed is asked for */
    mt_updates_result(b->u, b->now, s.p, s.n, &request, 3);
    ub_expect_asks(b, "");
    ub_wait(b, 500);
    ub_expect_asks(b, "channel 23 71 100");
    ub_done(b);
}

static void one_channel_that_is_refused_does_not_hide_the_others(void **state)
{
    struct ubench *b = start(false);

    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_DIALOGS, 0, 400, "CHANNEL_PRIVATE");
    ub_expect_asks(b, "channel 20 70 100 | channel 21 70 100 | channel 22 70 100 | channel 23 70 100");
    for (int i = 20; i < 26; i++) {
        if (i == 22)
            mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, i, 400, "CHANNEL_PRIVATE");
        else
            ub_chan_diff(b, i, cd("Empty", 70, true, "", ""));
        ub_asks(b);
    }
    ub_expect(b, "channel 22 -1");
    ub_wait(b, 1000);
    ub_expect_asks(b, "");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_done(b);
}

static void a_check_of_channels_that_fails_is_tried_again(void **state)
{
    struct ubench *b = start(false);

    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_DIALOGS, 0, 500, "TIMEOUT");
    ub_expect_asks(b, "");
    ub_wait(b, 1000);
    ub_expect_asks(b, "dialogs 20 21 22 23 24 25");
    ub_done(b);
}

static void a_bot_asks_for_a_few_channels_at_a_time(void **state)
{
    struct ubench *b = start(true);

    ub_expect_asks(b, "channel 20 70 100000 | channel 21 70 100000 | channel 22 70 100000 | channel 23 70 "
                      "100000");
    for (int i = 20; i < 24; i++)
        ub_chan_diff(b, i, cd("Empty", 70, true, "", ""));
    ub_expect_asks(b, "");
    ub_wait(b, 1000);
    ub_expect_asks(b, "channel 24 70 100000 | channel 25 70 100000");
    ub_done(b);
}

/* --- watched channels --- */

/* The server's clock: ours is a day behind. */
static int32_t ahead(const struct ubench *b)
{
    return (int32_t)(b->now.wall / MT_US_PER_S) + 86400;
}

static struct ubench *watching(void)
{
    struct ubench *b = ub_started();

    assert_int_equal(mt_updates_watch(b->u, b->now, ahead(b), 20, true), MT_OK);
    ub_expect(b, "channel 20 0 watched");
    ub_expect_asks(b, "channel 20 1 100");
    ub_chan_diff(b, 20, cd_too_long(500, 8, u_dated(20, 8, ahead(b) - 1), true));
    ub_expect(b, "channel 20 500 watched"); /* what was there before is no news */
    return b;
}

static void a_watched_channel_is_asked_for_again_and_again(void **state)
{
    struct ubench *b = watching();

    ub_wait(b, 9999);
    ub_expect_asks(b, "");
    ub_wait(b, 1);
    ub_expect_asks(b, "channel 20 500 100");
    ub_chan_diff(b, 20,
                 fmt("{\"_\":\"updates.channelDifference\",\"final\":true,\"pts\":501,\"timeout\":60,"
                     "\"new_messages\":[%s],\"other_updates\":[],\"chats\":[],\"users\":[]}",
                     u_chan_message(20, 9)));
    ub_expect(b, "NewChannelMessage 9 rec | channel 20 501 watched");
    ub_wait(b, 59999);
    ub_expect_asks(b, ""); /* the server hinted at a minute */
    ub_feed(b, c_plain(u_chan(20, 10, 502, 1)));
    ub_expect(b, "NewChannelMessage 10 | channel 20 502 watched"); /* but what is pushed is told at once */
    ub_wait(b, 1);
    ub_expect_asks(b, "channel 20 502 100");
    ub_done(b);
}

static void a_watched_channel_is_watched_after_a_restart(void **state)
{
    struct ubench *b = ub_new(true);
    int64_t ids[2];

    stored(b, 20, 70, true);
    mt_updates_online(b->u, b->now, SELF, false);
    ub_asks(b);
    ub_diff(b, "{\"_\":\"updates.differenceEmpty\",\"date\":100,\"seq\":1}");
    ub_fx(b);
    mt_updates_tick(b->u, b->now);
    ub_expect_asks(b, "channel 20 70 100");
    assert_int_equal(mt_updates_watched(b->u, ids, 2), 1);
    assert_int_equal(ids[0], 20);
    ub_done(b);
}

static void a_channel_that_is_not_watched_any_more_is_left_alone(void **state)
{
    struct ubench *b = watching();

    assert_int_equal(mt_updates_watch(b->u, b->now, ahead(b), 20, false), MT_OK);
    ub_expect(b, "channel 20 500");
    assert_int_equal(mt_updates_watched(b->u, NULL, 0), 0);
    ub_wait(b, 60000);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void only_what_can_be_asked_for_is_watched_and_not_without_end(void **state)
{
    struct ubench *b = ub_started();

    assert_int_equal(mt_updates_watch(b->u, b->now, ahead(b), 4711, true), MT_E_NOT_FOUND);
    for (int i = 0; i <= MT_WATCH_MAX; i++) {
        struct mt_peer peer = {
            .chat = mt_chat_of_channel(100 + i), .kind = MT_PEER_CHANNEL, .has_hash = true};

        b->mem.peers[1] = peer; /* only the newest is in this small memory */
        assert_int_equal(mt_updates_watch(b->u, b->now, ahead(b), 100 + i, true),
                         i < MT_WATCH_MAX ? MT_OK : MT_E_TOO_LARGE);
    }
    assert_int_equal(mt_updates_watched(b->u, NULL, 0), MT_WATCH_MAX);
    mt_fxq_fini(&b->fxq);
    mt_fxq_init(&b->fxq);
    ub_done(b);
}

static void a_watched_channel_that_is_closed_to_us_stays_watched(void **state)
{
    struct ubench *b = watching();

    ub_wait(b, 10000);
    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 400, "CHANNEL_PRIVATE");
    ub_expect(b, "gap -1000000000020 | channel 20 0 watched");
    ub_wait(b, 60000);
    ub_expect_asks(b, "");
    for (int i = 0; i < 6; i++) { /* an hour, with the checks that it has */
        ub_wait(b, 600000);
        if (strstr(ub_asks(b), "difference"))
            ub_diff(b, d_whole("", "", 10, 5, 1));
        mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 400, "CHANNEL_PRIVATE");
        assert_null(strstr(ub_fx(b), "gap"));
    }
    ub_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_like_ours_changes_nothing_and_is_asked_for_again_later),
        cmocka_unit_test(a_server_that_is_ahead_is_asked_for_the_difference_and_never_believed),
        cmocka_unit_test(what_was_only_late_makes_no_difference),
        cmocka_unit_test(a_qts_that_is_ahead_counts_too),
        cmocka_unit_test(a_check_that_fails_is_not_repeated_at_once),
        cmocka_unit_test(one_question_at_the_start_says_which_channels_are_behind),
        cmocka_unit_test(where_no_channel_is_behind_the_start_is_over_at_once),
        cmocka_unit_test(a_channel_behind_by_what_is_on_its_way_is_not_asked_for),
        cmocka_unit_test(one_channel_that_is_refused_does_not_hide_the_others),
        cmocka_unit_test(a_check_of_channels_that_fails_is_tried_again),
        cmocka_unit_test(a_bot_asks_for_a_few_channels_at_a_time),
        cmocka_unit_test(a_watched_channel_is_asked_for_again_and_again),
        cmocka_unit_test(a_watched_channel_is_watched_after_a_restart),
        cmocka_unit_test(a_channel_that_is_not_watched_any_more_is_left_alone),
        cmocka_unit_test(only_what_can_be_asked_for_is_watched_and_not_without_end),
        cmocka_unit_test(a_watched_channel_that_is_closed_to_us_stays_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
