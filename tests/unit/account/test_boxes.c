/* The rules of one box (protocol.md 8.2, 8.3) and of a container of many. */
#include "tests/unit/account/ubench.h"

#include "core/updates/boxes.h"
#include "tl/ids.h"

static void every_update_with_a_pts_or_qts_has_a_box(void **state)
{
    for (size_t i = 0; i < tl_def_count(); i++) {
        const struct tl_def *def = tl_def_at(i);
        struct tl_view v = {.def = def};
        const char *name = tl_def_name(def);
        bool counted = false;
        struct mt_box_at at;
        uint8_t zeros[4096] = {0};

        if (def->is_function || strncmp(name, "update", 6) != 0 || name[6] == 's' || name[6] == '.' ||
            strcmp(tl_type_name(def->type), "Update") != 0 || def->id == TL_updateChannelTooLong)
            continue;
        for (unsigned f = 0; f < def->n_fields; f++)
            counted = counted || !strcmp(tl_field_name(tl_def_field(def, f)), "pts") ||
                      !strcmp(tl_field_name(tl_def_field(def, f)), "qts");
        /* every field at the same bytes: pts = count = channel = 1 */
        for (size_t k = 0; k < sizeof zeros; k += 4)
            zeros[k] = k == 4 || k == 8;
        v.p = zeros;
        v.n = sizeof zeros;
        for (unsigned f = 0; f < def->n_fields; f++)
            v.off[f] = 8;
        mt_box_of(&v, &at);
        if (counted && at.box == MT_BOX_NONE && tl_field_by_name(def, "message", 7) < 0)
            fail_msg("%s is counted but has no box", name);
        if (!counted && at.box != MT_BOX_NONE)
            fail_msg("%s has a box but no count", name);
    }
}

static void an_update_that_fits_is_delivered_and_counted(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_expect(b, "NewMessage 1 | state 11 5 1");
    ub_feed(b, c_plain(u_new(2, 14, 3)));
    ub_expect(b, "NewMessage 2 | state 14 5 1");
    ub_done(b);
}

static void what_was_lost_for_want_of_memory_is_not_counted_as_saved(void **state)
{
    struct ubench *b = ub_started();

    b->fxq.lost = true; /* an effect before this one */
    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_expect(b, "NewMessage 1");
    ub_done(b);
}

static void an_old_update_is_dropped(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(1, 10, 1)));
    ub_feed(b, c_plain(u_new(1, 9, 0)));
    ub_expect(b, "");
    ub_done(b);
}

static void a_doubled_container_is_delivered_once(void **state) /* trap 59 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_expect(b, "NewMessage 1 | state 11 5 1");
    ub_done(b);
}

static void a_count_of_zero_at_the_same_pts_is_delivered(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(1, 10, 0)));
    ub_expect(b, "NewMessage 1");
    ub_done(b);
}

static void a_gap_that_closes_in_time_asks_nothing(void **state) /* trap 59 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(3, 13, 1)));
    ub_feed(b, c_plain(u_new(2, 12, 1)));
    ub_expect(b, "");
    ub_wait(b, 400);
    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_expect(b, "NewMessage 1 | NewMessage 2 | NewMessage 3 | state 13 5 1");
    ub_wait(b, 5000);
    ub_expect_asks(b, "");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_done(b);
}

static void a_gap_becomes_a_difference_after_half_a_second(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(3, 13, 1)));
    assert_true(mt_updates_deadline(b->u) == b->now.mono + MT_GAP_WAIT);
    ub_wait(b, 499);
    ub_expect_asks(b, "");
    ub_wait(b, 1);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole(fmt("%s,%s,%s", u_message(1), u_message(2), u_message(3)), "", 13, 5, 1));
    ub_expect(b, "NewMessage 1 rec | NewMessage 2 rec | NewMessage 3 rec | state 13 5 1");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_done(b);
}

static void a_gap_in_one_box_does_not_hold_the_others(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_new(3, 13, 1)));
    ub_feed(b, c_plain(u_qts(6)));
    ub_feed(b, c_plain(u_chan(20, 1, 5, 1)));
    ub_feed(b, c_plain(u_typing()));
    ub_expect(b, "BotStopped | state 10 6 1 | NewChannelMessage 1 | channel 20 5 | UserTyping");
    ub_done(b);
}

static void qts_counts_by_one(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_qts(5)));
    ub_expect(b, "");
    ub_feed(b, c_plain(u_qts(6)));
    ub_expect(b, "BotStopped | state 10 6 1");
    ub_feed(b, c_plain(u_qts(8)));
    ub_expect(b, "");
    ub_wait(b, 500);
    ub_expect_asks(b, "difference 10 100 6");
    ub_done(b);
}

static void qts_zero_is_delivered_without_order(void **state) /* trap 58 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_qts(0)));
    ub_expect(b, "BotStopped");
    ub_done(b);
}

static void a_permuted_container_makes_no_gap(void **state) /* trap 59 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(fmt("%s,%s,%s,%s,%s", u_new(3, 13, 1), u_chan(20, 2, 8, 1), u_new(1, 11, 1),
                           u_chan(20, 1, 7, 1), u_new(2, 12, 1))));
    ub_expect(b, "NewMessage 1 | NewMessage 2 | NewMessage 3 | NewChannelMessage 1 | NewChannelMessage 2 | "
                 "channel 20 8 | state 13 5 1");
    ub_wait(b, 1000);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void the_id_of_a_send_comes_before_its_message(void **state) /* trap 63 */
{
    struct ubench *b = ub_started();
    int32_t id;
    int64_t random_id;

    ub_feed(b, c_plain(fmt("%s,{\"_\":\"updateMessageID\",\"id\":1,\"random_id\":\"42\"}", u_new(1, 11, 1))));
    ub_expect(b, "MessageID 1 | NewMessage 1 | state 11 5 1");
    assert_true(mt_updates_next_id(b->u, &id, &random_id));
    assert_int_equal(id, 1);
    assert_true(random_id == 42);
    assert_false(mt_updates_next_id(b->u, &id, &random_id));
    ub_done(b);
}

/* --- channels --- */

static const char *read_inbox(int channel, int pts)
{
    return fmt(
        "{\"_\":\"updateReadChannelInbox\",\"channel_id\":\"%d\",\"max_id\":3,\"still_unread_count\":0,"
        "\"pts\":%d}",
        channel, pts);
}

static void a_channel_first_seen_starts_before_its_update(void **state) /* trap 67 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_chan(20, 1, 50, 2)));
    ub_expect(b, "NewChannelMessage 1 | channel 20 50");
    ub_feed(b, c_plain(u_chan(20, 2, 51, 1)));
    ub_expect(b, "NewChannelMessage 2 | channel 20 51");
    ub_done(b);
}

static void a_followed_channel_goes_on_from_its_stored_pts(void **state)
{
    struct ubench *b = ub_started();

    b->mem.channels[0].id = 20;
    b->mem.channels[0].pts = 49;
    b->mem.n_channels = 1;
    ub_feed(b, c_plain(u_chan(20, 2, 51, 1)));
    ub_expect(b, "");
    ub_feed(b, c_plain(u_chan(20, 1, 50, 1)));
    ub_expect(b, "NewChannelMessage 1 | NewChannelMessage 2 | channel 20 51");
    ub_done(b);
}

static void a_gap_in_a_channel_asks_for_that_channel_only(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_chan(20, 1, 50, 1)));
    ub_feed(b, c_plain(u_chan(20, 3, 52, 1)));
    ub_fx(b);
    ub_wait(b, 500);
    ub_expect_asks(b, "channel 20 50 100");
    ub_done(b);
}

static void a_read_mark_of_a_channel_neither_counts_nor_makes_a_gap(void **state) /* trap 56 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_chan(20, 1, 50, 1)));
    ub_fx(b);
    ub_feed(b, c_plain(read_inbox(20, 50)));
    ub_expect(b, "ReadChannelInbox 3");
    ub_feed(b, c_plain(read_inbox(20, 60)));
    ub_expect(b, "ReadChannelInbox 3");
    ub_feed(b, c_plain(read_inbox(20, 40)));
    ub_expect(b, "");
    ub_wait(b, 5000);
    ub_expect_asks(b, "");
    ub_feed(b, c_plain(u_chan(20, 2, 51, 1)));
    ub_expect(b, "NewChannelMessage 2 | channel 20 51");
    ub_done(b);
}

static void a_channel_does_not_begin_with_a_read_mark(void **state) /* trap 56 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(read_inbox(20, 51)));
    ub_expect(b, "ReadChannelInbox 3");
    ub_feed(b, c_plain(u_chan(20, 1, 50, 1)));
    ub_feed(b, c_plain(u_chan(20, 2, 51, 1)));
    ub_expect(b, "NewChannelMessage 1 | channel 20 50 | NewChannelMessage 2 | channel 20 51");
    ub_done(b);
}

static void too_many_waiting_updates_become_a_difference_at_once(void **state)
{
    struct ubench *b = ub_started();

    for (int i = 0; i <= MT_WAITING_MAX; i++)
        ub_feed(b, c_plain(u_new(1, 100 + 2 * i, 1)));
    ub_expect_asks(b, "difference 10 100 5");
    ub_done(b);
}

static void a_pts_that_fell_back_far_is_a_server_that_began_anew(void **state)
{
    struct ubench *b = ub_started();

    ub_diff(b, "{\"_\":\"updates.differenceEmpty\",\"date\":100,\"seq\":1}"); /* nobody asked: nothing */
    ub_feed(b, c_plain(u_new(1, 2000000, 1)));
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 2000000, 5, 1));
    ub_expect(b, "state 2000000 5 1");
    ub_feed(b, c_plain(u_new(1, 3, 1)));
    ub_expect_asks(b, "difference 2000000 200 5");
    ub_done(b);
}

/* --- seq --- */

static void containers_with_seq_advance_seq_and_date(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_seq(u_typing(), 2, 2, 150));
    ub_expect(b, "UserTyping | state 10 5 2");
    assert_int_equal(mt_updates_state(b->u)->date, 150);
    ub_feed(b, c_seq(u_typing(), 3, 5, 160));
    ub_expect(b, "UserTyping | state 10 5 5");
    ub_done(b);
}

static void containers_without_seq_are_delivered_as_they_come(void **state) /* trap 62 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_seq(u_typing(), 0, 0, 150));
    ub_expect(b, "UserTyping");
    ub_done(b);
}

static void an_old_seq_drops_only_what_has_no_box(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_seq(fmt("%s,%s", u_typing(), u_new(1, 11, 1)), 1, 1, 150));
    ub_expect(b, "NewMessage 1 | state 11 5 1");
    ub_done(b);
}

static void a_gap_in_seq_does_not_hold_what_has_a_box(void **state) /* trap 62 */
{
    struct ubench *b = ub_started();

    ub_feed(b, c_seq(fmt("%s,%s", u_typing(), u_new(1, 11, 1)), 3, 3, 150));
    ub_expect(b, "NewMessage 1 | state 11 5 1");
    ub_feed(b, c_seq("", 2, 2, 149));
    ub_expect(b, "UserTyping | state 11 5 3");
    ub_wait(b, 1000);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void a_gap_in_seq_that_stays_becomes_a_difference(void **state)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_seq(u_typing(), 3, 3, 150));
    ub_wait(b, 500);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 10, 5, 2));
    ub_expect(b, "UserTyping | state 10 5 3");
    ub_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_update_with_a_pts_or_qts_has_a_box),
        cmocka_unit_test(an_update_that_fits_is_delivered_and_counted),
        cmocka_unit_test(what_was_lost_for_want_of_memory_is_not_counted_as_saved),
        cmocka_unit_test(an_old_update_is_dropped),
        cmocka_unit_test(a_doubled_container_is_delivered_once),
        cmocka_unit_test(a_count_of_zero_at_the_same_pts_is_delivered),
        cmocka_unit_test(a_gap_that_closes_in_time_asks_nothing),
        cmocka_unit_test(a_gap_becomes_a_difference_after_half_a_second),
        cmocka_unit_test(a_gap_in_one_box_does_not_hold_the_others),
        cmocka_unit_test(qts_counts_by_one),
        cmocka_unit_test(qts_zero_is_delivered_without_order),
        cmocka_unit_test(a_permuted_container_makes_no_gap),
        cmocka_unit_test(the_id_of_a_send_comes_before_its_message),
        cmocka_unit_test(a_channel_first_seen_starts_before_its_update),
        cmocka_unit_test(a_followed_channel_goes_on_from_its_stored_pts),
        cmocka_unit_test(a_gap_in_a_channel_asks_for_that_channel_only),
        cmocka_unit_test(a_read_mark_of_a_channel_neither_counts_nor_makes_a_gap),
        cmocka_unit_test(a_channel_does_not_begin_with_a_read_mark),
        cmocka_unit_test(too_many_waiting_updates_become_a_difference_at_once),
        cmocka_unit_test(a_pts_that_fell_back_far_is_a_server_that_began_anew),
        cmocka_unit_test(containers_with_seq_advance_seq_and_date),
        cmocka_unit_test(containers_without_seq_are_delivered_as_they_come),
        cmocka_unit_test(an_old_seq_drops_only_what_has_no_box),
        cmocka_unit_test(a_gap_in_seq_does_not_hold_what_has_a_box),
        cmocka_unit_test(a_gap_in_seq_that_stays_becomes_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
