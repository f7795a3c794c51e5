/*
 * What changes nothing may fail too: reads, opens, sizes, and locks of files and of the shared memory, at
 * each of them. A file that cannot be read now is no damaged file, and what cannot be read is not said to be
 * missing.
 */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/sweep.h"

static void arm_io(int n, bool lasting)
{
    fault_arm(FAULT_IO, n, lasting);
}

static void arm_busy(int n, bool lasting)
{
    fault_arm(FAULT_BUSY, n, lasting);
}

static bool disarm(void)
{
    bool fired = fault_fired();

    fault_arm(FAULT_NONE, 0, false);
    return fired;
}

static const struct sweep_fault faults[] = {
    {arm_io, disarm, false, 7, 0}, {arm_io, disarm, true, 11, 0},   {arm_io, disarm, false, 7, 0},
    {arm_io, disarm, true, 11, 0}, {arm_busy, disarm, true, 11, 0},
};
static const enum fault_class classes[] = {FAULT_READS, FAULT_READS, FAULT_LOCKS, FAULT_LOCKS, FAULT_LOCKS};

static void sweep_all(void **state, const struct sweep_work *work)
{
    struct fixture *f;

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (i) {
            fixture_teardown(state);
            fixture_setup(state);
        }
        f = *state;
        fault_scope(classes[i]);
        if (work)
            sweep_run(f, work, &faults[i]);
        else
            sweep_migrations(f, &faults[i]);
        fault_scope(FAULT_CHANGES);
    }
}

#define SWEEP(name, work)                                                                                    \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        sweep_all(state, work);                                                                              \
    }

SWEEP(a_turn_is_rolled_back_whole, &sweep_turn)
SWEEP(a_turn_that_spills_is_rolled_back_whole, &sweep_large_turn)
SWEEP(events_are_read_whole_or_not_at_all, &sweep_events)
SWEEP(rows_that_cannot_be_read_are_not_missing, &sweep_rows)
SWEEP(keys_that_cannot_be_read_are_not_damaged, &sweep_load)
SWEEP(a_key_is_saved_or_reported_as_not_saved, &sweep_key)
SWEEP(a_login_is_saved_or_reported_as_not_saved, &sweep_login)
SWEEP(an_account_comes_and_goes_whole, &sweep_account)
SWEEP(sealing_costs_no_key, &sweep_seal)
SWEEP(addresses_and_proxies_are_of_one_time, &sweep_ways)
SWEEP(a_sync_that_fails_is_not_called_safe, &sweep_sync)
SWEEP(a_checkpoint_that_fails_loses_nothing, &sweep_checkpoint)
SWEEP(trimming_that_fails_loses_nothing, &sweep_trim)
SWEEP(a_start_that_fails_works_the_next_time, &sweep_reopen)
SWEEP(a_backup_is_whole_or_not_there, &sweep_backup)
SWEEP(nobody_notices_what_happens_to_the_cache, &sweep_cache)
SWEEP(a_migration_that_fails_is_done_the_next_time, NULL)

#define T SWEEP_TEST

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_turn_is_rolled_back_whole),
        T(a_turn_that_spills_is_rolled_back_whole),
        T(events_are_read_whole_or_not_at_all),
        T(rows_that_cannot_be_read_are_not_missing),
        T(keys_that_cannot_be_read_are_not_damaged),
        T(a_key_is_saved_or_reported_as_not_saved),
        T(a_login_is_saved_or_reported_as_not_saved),
        T(an_account_comes_and_goes_whole),
        T(sealing_costs_no_key),
        T(addresses_and_proxies_are_of_one_time),
        T(a_sync_that_fails_is_not_called_safe),
        T(a_checkpoint_that_fails_loses_nothing),
        T(trimming_that_fails_loses_nothing),
        T(a_start_that_fails_works_the_next_time),
        T(a_backup_is_whole_or_not_there),
        T(nobody_notices_what_happens_to_the_cache),
        T(a_migration_that_fails_is_done_the_next_time),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
