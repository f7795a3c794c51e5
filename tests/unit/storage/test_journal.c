#include "tests/unit/storage/fixture.h"

#include <unistd.h>

static struct store_cursor at(uint32_t epoch, uint64_t number)
{
    return (struct store_cursor){epoch, number};
}

static void trim_all(struct fixture *f)
{
    while (store_journal_trim(f->s, fixture_now(f)))
        ;
}

static void check_read(struct fixture *f, struct store_cursor after, size_t n, uint64_t first, uint64_t last)
{
    struct seen seen = fixture_read(f, after);

    assert_int_equal(seen.rc, MT_OK);
    assert_int_equal(seen.n, n);
    if (n) {
        assert_int_equal(seen.first, first);
        assert_int_equal(seen.last, last);
    }
}

/* --- epochs --- */

static void account_and_three_events(struct fixture *f)
{
    fixture_events(f, fixture_account(f, "a"), 3, 20);
}

static void two_events(struct fixture *f)
{
    fixture_events(f, 1, 2, 20);
}

static void a_clean_end_keeps_the_epoch(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 1);
    assert_int_equal(store_journal_end(f->s).number, 0);
    account_and_three_events(f);
    fixture_close(f);
    f->boot_id = "boot-2";
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 1);
    assert_int_equal(store_journal_end(f->s).number, 3);
    check_read(f, at(1, 1), 2, 2, 3);
}

static void a_killed_process_keeps_the_epoch_within_a_boot(void **state)
{
    struct fixture *f = *state;

    fixture_killed(f, account_and_three_events);
    fixture_killed(f, two_events);
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 1);
    assert_int_equal(store_journal_end(f->s).number, 5);
    check_read(f, at(1, 0), 5, 1, 5);
}

static void an_unclean_end_under_another_boot_raises_the_epoch(void **state)
{
    struct fixture *f = *state;

    fixture_killed(f, account_and_three_events);
    f->boot_id = "boot-2";
    fixture_killed(f, two_events);
    f->boot_id = NULL; /* a system that cannot say which boot it is */
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 3);
    assert_int_equal(store_journal_end(f->s).number, 5);
    fixture_events(f, 1, 1, 20);
    check_read(f, at(1, 0), 6, 1, 6);
    check_read(f, at(1, 2), 4, 3, 6);
    check_read(f, at(2, 4), 2, 5, 6);
    check_read(f, at(3, 5), 1, 6, 6);
    /* the first run may have given out 1.4 before the power went: it goes on with what came next */
    check_read(f, at(1, 4), 3, 4, 6);
    check_read(f, at(1, 4000), 3, 4, 6);
    check_read(f, at(2, 4000), 1, 6, 6);
}

static void a_cursor_that_never_was_is_refused(void **state)
{
    struct fixture *f = *state;

    fixture_killed(f, account_and_three_events);
    f->boot_id = "boot-2";
    fixture_open(f);
    assert_int_equal(fixture_read(f, at(0, 0)).rc, STORE_E_CURSOR);
    assert_int_equal(fixture_read(f, at(2, 4)).rc, STORE_E_CURSOR);
    assert_int_equal(fixture_read(f, at(2, 2)).rc, STORE_E_CURSOR);
    assert_int_equal(fixture_read(f, at(3, 1)).rc, STORE_E_CURSOR);
    assert_int_equal(fixture_read(f, at(2, UINT64_MAX)).rc, STORE_E_CURSOR);
    assert_int_equal(fixture_read(f, at(2, 3)).rc, MT_OK);
    assert_int_equal(fixture_read(f, at(1, UINT64_MAX)).rc, MT_OK);
}

static void a_restored_backup_raises_the_epoch(void **state)
{
    struct fixture *f = *state;
    struct store_cursor gone;

    fixture_open(f);
    account_and_three_events(f);
    fixture_close(f);
    fixture_backup(f);
    fixture_open(f);
    fixture_events(f, 1, 2, 20);
    gone = store_journal_end(f->s);
    fixture_close(f);
    fixture_restore(f);
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 2);
    fixture_events(f, 1, 1, 20);
    check_read(f, gone, 1, 4, 4);
}

static void a_backup_that_is_copied_over_the_same_files_raises_the_epoch(void **state)
{
    struct fixture *f = *state;
    char cmd[400];

    fixture_open(f);
    account_and_three_events(f);
    fixture_close(f);
    fixture_backup(f);
    fixture_open(f);
    fixture_events(f, 1, 2, 20);
    fixture_close(f);
    snprintf(cmd, sizeof cmd, "for f in state.db tgd.lock; do cat '%s.backup'/$f > '%s'/$f; done", f->dir,
             f->dir);
    assert_int_equal(system(cmd), 0);
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 2);
    assert_int_equal(store_journal_end(f->s).number, 3);
}

static void a_restored_state_db_alone_raises_the_epoch(void **state)
{
    struct fixture *f = *state;
    char cmd[300];

    fixture_killed(f, account_and_three_events);
    fixture_open(f);
    fixture_close(f);
    fixture_backup(f);
    fixture_killed(f, two_events);
    snprintf(cmd, sizeof cmd, "cat '%s.backup/state.db' > '%s/state.db'; rm '%s/state.db-wal'", f->dir,
             f->dir, f->dir);
    assert_int_equal(system(cmd), 0);
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 2);
    assert_int_equal(store_journal_end(f->s).number, 3);
}

static void a_torn_lock_file_raises_the_epoch(void **state)
{
    struct fixture *f = *state;
    char path[256];

    fixture_killed(f, account_and_three_events);
    fixture_path(f, "tgd.lock", path);
    assert_int_equal(truncate(path, 40), 0);
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 2);
    check_read(f, at(1, 0), 3, 1, 3);
}

static void a_deleted_state_db_begins_a_new_epoch(void **state)
{
    struct fixture *f = *state;
    char path[256];

    fixture_open(f);
    account_and_three_events(f);
    fixture_close(f);
    fixture_path(f, "state.db", path);
    unlink(path);
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).epoch, 2);
    assert_int_equal(store_journal_end(f->s).number, 0);
    fixture_events(f, 1, 1, 20);
    check_read(f, at(1, 3), 1, 1, 1);
}

static void damage_that_shows_itself_late_is_looked_for_at_the_next_start(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    account_and_three_events(f);
    store_fail_sql(f->s, f->s->db, SQLITE_CORRUPT);
    assert_non_null(store_trouble(f->s));
    fixture_close(f);
    fixture_open(f); /* the file is whole: nothing is thrown away */
    assert_int_equal(store_journal_end(f->s).number, 3);
    assert_null(store_trouble(f->s));
}

/* --- reading --- */

static void the_ring_and_the_disk_join_without_a_seam(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    fixture_account(f, "a");
    for (int i = 0; i < 20; i++)
        fixture_events(f, 1, 20, 4000);
    assert_true(f->s->journal.ring.first > 100);
    assert_true(f->s->journal.ring.bytes <= STORE_RING_BYTES);
    check_read(f, at(1, 0), 400, 1, 400);
    check_read(f, at(1, f->s->journal.ring.first - 2), 402 - f->s->journal.ring.first,
               f->s->journal.ring.first - 1, 400);
    check_read(f, at(1, 399), 1, 400, 400);
    check_read(f, at(1, 400), 0, 0, 0);
}

static int take_two(void *arg, const struct store_event *e)
{
    return ++*(int *)arg == 2;
}

static void a_reader_may_stop_and_has_a_limit(void **state)
{
    struct fixture *f = *state;
    int n = 0;

    for (int again = 0; again < 2; again++) { /* from memory, then from disk */
        fixture_open(f);
        if (!again)
            account_and_three_events(f);
        n = 0;
        assert_int_equal(store_journal_read(f->s, at(1, 0), 99, take_two, &n, NULL), MT_OK);
        assert_int_equal(n, 2);
        n = 0;
        assert_int_equal(store_journal_read(f->s, at(1, 0), 1, take_two, &n, NULL), MT_OK);
        assert_int_equal(n, 1);
        fixture_close(f);
    }
}

struct nested {
    struct fixture *f;
    int read, append;
};

static int call_back(void *arg, const struct store_event *e)
{
    struct nested *n = arg;
    struct store_event mine = {.account = 1, .type = "message"};
    int dummy = 0;

    n->read = store_journal_read(n->f->s, at(1, 0), 1, take_two, &dummy, NULL);
    n->append = store_append(n->f->s, &mine);
    return 0;
}

static void a_row_callback_cannot_pull_the_ground_away(void **state)
{
    struct fixture *f = *state;
    struct nested n = {.f = f};

    fixture_open(f);
    account_and_three_events(f);
    assert_int_equal(store_journal_read(f->s, at(1, 0), 9, call_back, &n, NULL), MT_OK);
    assert_int_equal(n.read, MT_E_STATE);
    assert_int_equal(n.append, MT_E_STATE);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    check_read(f, at(1, 0), 3, 1, 3);
}

static void a_rolled_back_turn_costs_the_ring_nothing(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    account_and_three_events(f);
    fixture_append(f, 1, 20, 0);
    store_rollback(f->s);
    fixture_events(f, 1, 1, 20);
    assert_int_equal(f->s->journal.ring.first, 1);
    assert_int_equal(f->s->journal.ring.n, 4);
    check_read(f, at(1, 0), 4, 1, 4);
}

static void an_event_of_the_open_turn_is_not_seen(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    account_and_three_events(f);
    fixture_append(f, 1, 20, 0);
    check_read(f, at(1, 0), 3, 1, 3);
    store_ring_fini(&f->s->journal.ring);
    check_read(f, at(1, 0), 3, 1, 3);
    assert_int_equal(store_journal_end(f->s).number, 3);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    check_read(f, at(1, 0), 4, 1, 4);
}

/* --- what leaves --- */

static void bounds_take_the_oldest_and_say_how_many(void **state)
{
    struct fixture *f = *state;
    struct store_journal_stats st;
    struct seen seen;

    fixture_open(f);
    fixture_account(f, "a");
    fixture_account(f, "b");
    f->s->journal.bounds.events = 100;
    for (int i = 0; i < 150; i++) {
        fixture_events(f, 1, 2, 20);
        fixture_events(f, 2, i < 30, 20);
    }
    store_journal_stats(f->s, &st);
    assert_int_equal(st.events, 330);
    assert_int_equal(st.percent, 300);
    trim_all(f);
    store_journal_stats(f->s, &st);
    assert_int_equal(st.events, 130);
    assert_int_equal(st.percent, 100);
    seen = fixture_read(f, at(1, 0));
    assert_int_equal(seen.n, 130);
    assert_int_equal(seen.lost, 200);
    seen = fixture_read(f, store_journal_end(f->s));
    assert_int_equal(seen.lost, 0);
    assert_int_equal(store_journal_oldest(f->s).number, 3);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(fixture_read(f, at(1, 0)).lost, 200);
    assert_int_equal(store_journal_oldest(f->s).number, 3);
}

struct loss {
    int32_t account;
    uint64_t count, last;
    int n;
};

static int see_loss(void *arg, int32_t account, uint64_t count, struct store_cursor last)
{
    *(struct loss *)arg = (struct loss){account, count, last.number, ((struct loss *)arg)->n + 1};
    return 0;
}

/* A quiet account's old event is still there: what the other one lost lies behind it, not before all. */
static void a_loss_is_told_though_older_events_are_kept(void **state)
{
    struct store_bounds bounds = {.seconds = 86400, .events = 10, .bytes = 1 << 20};
    struct fixture *f = *state;
    struct loss loss = {0};

    fixture_open(f);
    store_journal_bounds(f->s, &bounds);
    fixture_account(f, "quiet");
    fixture_account(f, "busy");
    fixture_events(f, 1, 1, 20);
    fixture_events(f, 2, 10, 20);
    assert_false(store_journal_is_over(f->s));
    fixture_events(f, 2, 10, 20);
    assert_true(store_journal_is_over(f->s));
    trim_all(f);
    assert_false(store_journal_is_over(f->s));
    assert_int_equal(store_journal_oldest(f->s).number, 1);
    assert_int_equal(store_journal_lost(f->s, at(1, 0), see_loss, &loss), MT_OK);
    assert_int_equal(loss.n, 1);
    assert_int_equal(loss.account, 2);
    assert_int_equal(loss.count, 10);
    assert_int_equal(loss.last, 11);
    assert_int_equal(store_journal_lost(f->s, at(1, 5), see_loss, &loss), MT_OK);
    assert_int_equal(loss.count, 6);
    loss.n = 0;
    assert_int_equal(store_journal_lost(f->s, at(1, 11), see_loss, &loss), MT_OK);
    assert_int_equal(loss.n, 0);
    assert_int_equal(store_journal_lost(f->s, at(9, 11), see_loss, &loss), STORE_E_CURSOR);
}

static void old_events_leave_and_numbers_go_on(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    account_and_three_events(f);
    f->wall += 8 * 86400;
    trim_all(f);
    assert_int_equal(fixture_read(f, at(1, 0)).n, 0);
    assert_int_equal(fixture_read(f, at(1, 1)).lost, 2);
    assert_int_equal(store_journal_oldest(f->s).number, 4);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(store_journal_end(f->s).number, 3);
    fixture_events(f, 1, 1, 20);
    check_read(f, at(1, 1), 1, 4, 4);
    assert_int_equal(store_journal_oldest(f->s).number, 4);
}

static void large_accounts_are_bound_in_bytes(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    fixture_account(f, "a");
    f->s->journal.bounds.bytes = 50000;
    fixture_events(f, 1, 30, 4000);
    trim_all(f);
    check_read(f, at(1, 0), 13, 18, 30); /* the last one that is needed to reach the bound stays */
}

static void an_expired_event_is_gone_from_memory_and_disk(void **state)
{
    struct fixture *f = *state;
    char needle[] = "'%e2....%'", sql[100];

    fixture_open(f);
    fixture_account(f, "a");
    fixture_append(f, 1, 40, 0);
    fixture_append(f, 1, 40, f->wall + 60);
    fixture_append(f, 1, 40, 0);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_int_equal(fixture_read(f, at(1, 0)).n, 3);
    f->wall += 60;
    trim_all(f);
    assert_int_equal(fixture_read(f, at(1, 0)).n, 2);
    assert_int_equal(fixture_read(f, at(1, 0)).lost, 0);
    assert_null(store_ring_at(&f->s->journal.ring, 2));
    snprintf(sql, sizeof sql, "SELECT count(*) FROM journal WHERE body LIKE %s", needle);
    assert_int_equal(store_db_int(f->s->db, sql, -1), 0);
}

static void with_nothing_to_take_there_is_no_second_step(void **state)
{
    struct fixture *f = *state;
    char name[8];

    fixture_open(f);
    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof name, "a%d", i);
        fixture_events(f, fixture_account(f, name), 10, 20);
    }
    assert_false(store_journal_trim(f->s, fixture_now(f)));
    f->s->journal.bounds.events = 4;
    for (int i = 1; i <= 5; i++) /* one account a step, each of them once */
        assert_true(store_journal_trim(f->s, fixture_now(f)));
    assert_false(store_journal_trim(f->s, fixture_now(f)));
    assert_int_equal(fixture_read(f, at(1, 0)).n, 20);
}

static void stretches_of_lost_events_are_merged(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    fixture_account(f, "a");
    for (int i = 1; i <= 300; i++) {
        char sql[128];

        snprintf(sql, sizeof sql, "INSERT INTO lost VALUES(1, %d, %d, 4096)", i * 5000, i * 5000 + 4095);
        assert_int_equal(store_db_exec(f->s->db, sql), SQLITE_OK);
    }
    f->s->journal.bounds.events = 1;
    fixture_events(f, 1, 40, 20);
    trim_all(f);
    /* the step that took the new ones merged two rows */
    assert_int_equal(store_db_int(f->s->db, "SELECT sum(count) FROM lost", -1), 300 * 4096 + 39);
    assert_true(store_db_int(f->s->db, "SELECT count(*) FROM lost", -1) <= 300);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_clean_end_keeps_the_epoch),
        T(a_killed_process_keeps_the_epoch_within_a_boot),
        T(an_unclean_end_under_another_boot_raises_the_epoch),
        T(a_cursor_that_never_was_is_refused),
        T(a_restored_backup_raises_the_epoch),
        T(a_backup_that_is_copied_over_the_same_files_raises_the_epoch),
        T(a_restored_state_db_alone_raises_the_epoch),
        T(a_torn_lock_file_raises_the_epoch),
        T(a_deleted_state_db_begins_a_new_epoch),
        T(damage_that_shows_itself_late_is_looked_for_at_the_next_start),
        T(the_ring_and_the_disk_join_without_a_seam),
        T(a_reader_may_stop_and_has_a_limit),
        T(a_row_callback_cannot_pull_the_ground_away),
        T(a_rolled_back_turn_costs_the_ring_nothing),
        T(an_event_of_the_open_turn_is_not_seen),
        T(bounds_take_the_oldest_and_say_how_many),
        T(a_loss_is_told_though_older_events_are_kept),
        T(old_events_leave_and_numbers_go_on),
        T(large_accounts_are_bound_in_bytes),
        T(an_expired_event_is_gone_from_memory_and_disk),
        T(with_nothing_to_take_there_is_no_second_step),
        T(stretches_of_lost_events_are_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
