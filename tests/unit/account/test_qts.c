/*
 * A qts that lets the server forget is named only when it would survive a power cut (protocol.md 8.4, trap
 * 88; design.md 5.1).
 */
#include "tests/unit/account/ubench.h"

/* What is asked, with nothing synced meanwhile. */
static bool asks(struct ubench *b)
{
    struct mt_updates_ask ask;

    return mt_updates_next_ask(b->u, b->now, &ask);
}

static void a_difference_with_a_new_qts_waits_for_the_sync(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_qts(6)));
    ub_expect(b, "BotStopped | state 10 6 1");
    ub_feed(b, "{\"_\":\"updatesTooLong\"}");
    assert_false(asks(b));
    assert_true(mt_updates_wants_sync(b->u));
    assert_false(mt_updates_wants_sync(b->u)); /* once */
    assert_false(asks(b));
    mt_updates_synced(b->u);
    assert_false(mt_updates_wants_sync(b->u));
    ub_expect_asks(b, "difference 10 100 6");
    ub_diff(b, d_whole("", "", 10, 6, 1));
    ub_fx(b);
    /* the same again needs no other */
    ub_feed(b, "{\"_\":\"updatesTooLong\"}");
    assert_false(mt_updates_wants_sync(b->u));
    assert_true(asks(b));
    ub_done(b);
}

static void what_a_dead_process_wrote_may_not_be_on_the_disk(void **state)
{
    struct ubench *b = ub_new(true);

    mt_updates_online(b->u, b->now, SELF, false);
    assert_false(asks(b));
    assert_true(mt_updates_wants_sync(b->u));
    mt_updates_synced(b->u);
    assert_true(asks(b));
    ub_done(b);
}

static void each_slice_with_a_qts_is_synced_before_the_next(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, "{\"_\":\"updatesTooLong\"}");
    ub_asks(b);
    ub_diff(b, d_slice("", u_qts(6), 10, 6, 1));
    ub_expect(b, "BotStopped rec | state 10 6 1");
    assert_false(asks(b));
    assert_true(mt_updates_wants_sync(b->u));
    mt_updates_synced(b->u);
    ub_expect_asks(b, "difference 10 200 6");
    ub_done(b);
}

static void what_comes_during_the_sync_is_not_covered_by_it(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_qts(6)));
    ub_feed(b, c_plain(u_qts(8))); /* a hole: 7 */
    ub_fx(b);
    ub_wait(b, 500);
    assert_true(mt_updates_wants_sync(b->u));
    mt_updates_offline(b->u); /* the answer never comes; the next connection asks for another */
    mt_updates_online(b->u, b->now, SELF, false);
    assert_true(mt_updates_wants_sync(b->u));
    mt_updates_unsynced(b->u); /* no memory to ask for it */
    assert_false(asks(b));
    assert_true(mt_updates_wants_sync(b->u));
    mt_updates_synced(b->u);
    ub_expect_asks(b, "difference 10 100 6");
    ub_diff(b, d_whole("", fmt("%s,%s", u_qts(7), u_qts(8)), 10, 8, 1));
    ub_expect(b, "BotStopped rec | BotStopped rec | state 10 8 1");
    ub_done(b);
}

static void without_a_qts_nothing_is_synced(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_fx(b);
    ub_feed(b, "{\"_\":\"updatesTooLong\"}");
    assert_false(mt_updates_wants_sync(b->u));
    ub_expect_asks(b, "difference 11 100 5");
    ub_done(b);
}

static void a_server_that_counts_anew_is_synced_anew(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, "{\"_\":\"updatesTooLong\"}");
    ub_asks(b);
    ub_diff(b, d_whole("", "", 10, 2, 1));
    ub_fx(b);
    ub_feed(b, c_plain(u_qts(3)));
    ub_fx(b);
    ub_feed(b, "{\"_\":\"updatesTooLong\"}");
    assert_false(asks(b));
    assert_true(mt_updates_wants_sync(b->u));
    ub_done(b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_difference_with_a_new_qts_waits_for_the_sync),
        cmocka_unit_test(what_a_dead_process_wrote_may_not_be_on_the_disk),
        cmocka_unit_test(each_slice_with_a_qts_is_synced_before_the_next),
        cmocka_unit_test(what_comes_during_the_sync_is_not_covered_by_it),
        cmocka_unit_test(without_a_qts_nothing_is_synced),
        cmocka_unit_test(a_server_that_counts_anew_is_synced_anew),
    };

    return cmocka_run_group_tests_name("account_qts", tests, NULL, NULL);
}
