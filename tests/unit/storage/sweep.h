/*
 * Every kind of work that the store does, each with a fault at its n-th step, for one n after the other until
 * the fault comes no more: every n with TGD_SWEEP=1 (suite "sweep"), every `step`-th without.
 *
 * After each: what was committed is there, whole, and nothing else; no file was set aside; the same work, and
 * a turn and a sync after it, do what they should; at the end all files are sound and open again.
 */
#pragma once

#include "tests/unit/storage/fixture.h"

struct sweep_fault {
    void (*arm)(int n, bool lasting);
    bool (*disarm)(void); /* whether it came */
    bool lasting;
    int step;
    int rc; /* what a turn says then; 0: any error */
};

/* `turn`: the number of the next model_turn(). What an op answers with MT_OK must be right. */
typedef int (*sweep_op)(struct fixture *f, int turn);
struct sweep_work {
    sweep_op op;
    void (*check)(struct fixture *f, int turn, int rc); /* without the fault; may be NULL */
};
extern const struct sweep_work sweep_turn, sweep_large_turn, sweep_key, sweep_login, sweep_account,
    sweep_sync, sweep_checkpoint, sweep_trim, sweep_reopen, sweep_events, sweep_rows, sweep_load, sweep_seal,
    sweep_ways, sweep_backup, sweep_cache;

/* Opens the folder with one account that is logged in, sweeps, closes. */
void sweep_run(struct fixture *f, const struct sweep_work *work, const struct sweep_fault *fault);
/* Opens files of the first release anew for each n. */
void sweep_migrations(struct fixture *f, const struct sweep_fault *fault);

/* One after the other, each in a folder of its own. `work` NULL: the migrations. */
void sweep_each(void **state, const struct sweep_work *work, const struct sweep_fault *faults, size_t n);

/* All of them, X(what a test says of it, work): for programs that sweep them all. */
#define SWEEPS(X)                                                                                            \
    X(a_turn_is_rolled_back_whole, &sweep_turn)                                                              \
    X(a_turn_that_spills_is_rolled_back_whole, &sweep_large_turn)                                            \
    X(events_are_read_whole_or_not_at_all, &sweep_events)                                                    \
    X(rows_that_cannot_be_read_are_not_missing, &sweep_rows)                                                 \
    X(keys_that_cannot_be_read_are_not_damaged, &sweep_load)                                                 \
    X(a_key_is_saved_or_reported_as_not_saved, &sweep_key)                                                   \
    X(a_login_is_saved_or_reported_as_not_saved, &sweep_login)                                               \
    X(an_account_comes_and_goes_whole, &sweep_account)                                                       \
    X(sealing_costs_no_key, &sweep_seal)                                                                     \
    X(addresses_and_proxies_are_of_one_time, &sweep_ways)                                                    \
    X(a_sync_that_fails_is_not_called_safe, &sweep_sync)                                                     \
    X(a_checkpoint_that_fails_loses_nothing, &sweep_checkpoint)                                              \
    X(trimming_that_fails_loses_nothing, &sweep_trim)                                                        \
    X(a_start_that_fails_works_the_next_time, &sweep_reopen)                                                 \
    X(a_backup_is_whole_or_not_there, &sweep_backup)                                                         \
    X(nobody_notices_what_happens_to_the_cache, &sweep_cache)                                                \
    X(a_migration_that_fails_is_done_the_next_time, NULL)

/* The test of one: `faults` are those of the program. */
#define SWEEP(name, work)                                                                                    \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        sweep_each(state, work, faults, sizeof faults / sizeof *faults);                                     \
    }
#define SWEEP_ROW(name, work) SWEEP_TEST(name),
#define SWEEP_TEST(name)      cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
