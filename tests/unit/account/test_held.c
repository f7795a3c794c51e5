/*
 * What is held back, by whom and for how long: nothing of it is told twice, hides something else, outlives
 * its reason, or is lost with the process or for want of memory (protocol.md 8.3 to 8.7).
 */
#include "tests/unit/account/ubench.h"

#include "tests/unit/oom.h"
#include "tl/ids.h"

static struct ubench *running(void)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_expect_asks(b, "difference 10 100 5");
    return b;
}

static void fail_difference(struct ubench *b)
{
    mt_updates_refused(b->u, b->now, MT_ASK_DIFFERENCE, 0, 500, "TIMEOUT");
}

static const char *u_mark(int pts)
{
    return fmt("{\"_\":\"updateReadHistoryInbox\",\"peer\":{\"_\":\"peerUser\",\"user_id\":\"7\"},"
               "\"max_id\":1,\"still_unread_count\":0,\"pts\":%d,\"pts_count\":0}",
               pts);
}

static const char *u_id(void)
{
    return "{\"_\":\"updateMessageID\",\"id\":9,\"random_id\":\"99\"}";
}

/* What its box admitted while the difference failed is not offered again with the rest of its container. */
static void what_a_failing_difference_let_through_is_told_once(void **state)
{
    struct ubench *b = running();

    fail_difference(b);
    ub_feed(b, c_seq(fmt("%s,%s,%s", u_mark(10), u_id(), u_callback(1)), 2, 2, 150));
    ub_expect(b, "MessageID 9 | ReadHistoryInbox 1");
    ub_wait(b, 1000);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 10, 5, 2));
    ub_expect(b, "BotCallbackQuery | state 10 5 2");
    ub_done(b);
}

static const char *u_channel(void)
{
    return "{\"_\":\"updateChannel\",\"channel_id\":\"20\"}";
}

static void what_a_channel_difference_told_hides_nothing_that_comes_later(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_too_long(20, 0)));
    ub_fx(b);
    ub_asks(b);
    ub_chan_diff(b, 20, cd("", 51, true, "", u_channel()));
    ub_expect(b, "Channel rec | channel 20 51");
    mt_updates_force(b->u, b->now);
    ub_asks(b);
    ub_feed(b, c_plain(u_channel())); /* it changed once more */
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_expect(b, "Channel | state 10 5 1");
    ub_done(b);
}

/* The first difference of a channel tells no history, but what we sent there is found by it. */
static void the_id_of_a_send_is_no_history(void **state)
{
    struct ubench *b = running();
    int64_t random_id;
    int32_t id;

    ub_diff(b, d_whole("", u_too_long(20, 60), 10, 5, 1));
    ub_fx(b);
    ub_asks(b);
    ub_chan_diff(b, 20, cd("", 60, true, u_dated(20, 9, 150), u_id()));
    ub_expect(b, "MessageID 9 rec | NewChannelMessage 9 rec | channel 20 60");
    assert_true(mt_updates_next_id(b->u, &id, &random_id));
    assert_int_equal(id, 9);
    ub_done(b);
}

/* --- a process that dies --- */

/* As after kill -9: what was not drained is gone, what was is stored. */
static void die(struct ubench *b)
{
    struct mt_updates_cfg cfg = {
        .env = &b->env.env, .store = &b->mem.ops, .peers = &b->peers, .fxq = &b->fxq};

    mt_updates_free(b->u);
    mt_fxq_fini(&b->fxq);
    mt_fxq_init(&b->fxq);
    b->u = mt_updates_new(&cfg, &b->mem.state, b->now);
    assert_non_null(b->u);
    mt_updates_online(b->u, b->now, SELF, false);
    ub_asks(b);
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_fx(b);
}

static struct ubench *first_heard(void)
{
    struct ubench *b = running();

    ub_diff(b, d_whole("", u_too_long(20, 60), 10, 5, 1)); /* our state was of date 100 */
    ub_fx(b);
    return b;
}

/* Our state is past the only sign that a new channel has news. */
static void a_channel_first_heard_of_is_asked_for_after_a_death(void **state)
{
    struct ubench *b = first_heard();

    die(b);
    ub_expect_asks(b, "channel 20 1 100");
    ub_chan_diff(b, 20, cd("", 60, true, fmt("%s,%s", u_dated(20, 1, 50), u_dated(20, 2, 150)), ""));
    ub_expect(b, "NewChannelMessage 2 rec | channel 20 60");
    die(b);
    ub_expect_asks(b, "dialogs 20"); /* now it is one like any other */
    ub_done(b);
}

static void its_history_is_no_news_after_a_death_in_the_middle(void **state)
{
    struct ubench *b = first_heard();

    ub_asks(b);
    ub_chan_diff(b, 20, cd("", 30, false, u_dated(20, 1, 50), ""));
    ub_expect(b, "channel 20 30");
    die(b);
    ub_expect_asks(b, "channel 20 30 100");
    ub_chan_diff(b, 20, cd("", 60, true, fmt("%s,%s", u_dated(20, 2, 60), u_dated(20, 3, 150)), ""));
    ub_expect(b, "NewChannelMessage 3 rec | channel 20 60");
    die(b);
    ub_expect_asks(b, "dialogs 20");
    ub_done(b);
}

/* 155,000 containers without a byte in them are 16 MiB too. */
static void small_containers_count_with_what_keeping_them_takes(void **state)
{
    struct ubench *b = running();
    uint8_t bytes[4];

    tl_store32(bytes, TL_updatesTooLong);
    for (int i = 0; i < 256 * 1024; i++)
        mt_updates_feed(b->u, b->now, bytes, sizeof bytes, 0);
    assert_true(mt_updates_stats(b->u)->overflows > 0);
    ub_done(b);
}

static void what_waits_in_a_channel_that_closes_is_told(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, c_plain(u_chan(20, 3, 52, 1)));
    ub_wait(b, 500);
    ub_expect_asks(b, "channel 20 50 100");
    mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, 20, 400, "CHANNEL_PRIVATE");
    ub_expect(b, "gap -1000000000020 | NewChannelMessage 3 | channel 20 52 | channel 20 -1");
    ub_done(b);
}

static void a_state_that_is_refused_is_not_asked_for_at_once(void **state)
{
    struct ubench *b = running();

    mt_updates_refused(b->u, b->now, MT_ASK_DIFFERENCE, 0, 400, "PERSISTENT_TIMESTAMP_INVALID");
    ub_expect(b, "gap 0");
    ub_expect_asks(b, "state");
    mt_updates_refused(b->u, b->now, MT_ASK_STATE, 0, 400, "PERSISTENT_TIMESTAMP_INVALID");
    ub_expect(b, "");
    ub_expect_asks(b, "");
    ub_wait(b, 1000);
    ub_expect_asks(b, "state");
    ub_done(b);
}

/* A question for which there is no memory is asked later. */
static void without_memory_it_asks_later(void **state)
{
    for (size_t i = 0, more = 1; more; i++) {
        struct ubench *b = ub_new(true);
        struct mt_updates_ask ask;

        mt_updates_online(b->u, b->now, SELF, false);
        if (mt_updates_wants_sync(b->u))
            mt_updates_synced(b->u);
        oom_begin(i);
        mt_updates_next_ask(b->u, b->now, &ask);
        oom_disarm();
        more = oom_hit();
        if (more) {
            ub_wait(b, 1000);
            ub_expect_asks(b, "difference 10 100 5");
        }
        ub_done(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_failing_difference_let_through_is_told_once),
        cmocka_unit_test(what_a_channel_difference_told_hides_nothing_that_comes_later),
        cmocka_unit_test(the_id_of_a_send_is_no_history),
        cmocka_unit_test(a_channel_first_heard_of_is_asked_for_after_a_death),
        cmocka_unit_test(its_history_is_no_news_after_a_death_in_the_middle),
        cmocka_unit_test(small_containers_count_with_what_keeping_them_takes),
        cmocka_unit_test(what_waits_in_a_channel_that_closes_is_told),
        cmocka_unit_test(a_state_that_is_refused_is_not_asked_for_at_once),
        cmocka_unit_test(without_memory_it_asks_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
