/*
 * No memory at the n-th allocation of every kind of work, SQLite's as well as our own: an error, no crash, no
 * leak, nothing lost, and the same works when there is memory again.
 */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/sweep.h"

static struct {
    bool lasting, fired;
    int at, count;
    sqlite3_mem_methods real;
} memory;

static bool none_left(void)
{
    memory.count++;
    if (!memory.at || memory.count < memory.at || (memory.count > memory.at && !memory.lasting))
        return false;
    memory.fired = true;
    return true;
}

static void *sqlite_malloc(int n)
{
    return none_left() ? NULL : memory.real.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
    return none_left() ? NULL : memory.real.xRealloc(p, n);
}

static void install(void)
{
    sqlite3_mem_methods ours;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.real);
    ours = memory.real;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return none_left() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return none_left() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return none_left() ? NULL : __real_realloc(p, n);
}

static void arm(int n, bool lasting)
{
    memory.at = n;
    memory.count = 0;
    memory.lasting = lasting;
    memory.fired = false;
}

static bool disarm(void)
{
    memory.at = 0;
    return memory.fired;
}

static void sweep_all(void **state, const struct sweep_work *work)
{
    static const struct sweep_fault faults[] = {{arm, disarm, false, 29, 0}, {arm, disarm, true, 61, 0}};

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (i) {
            fixture_teardown(state);
            fixture_setup(state);
        }
        if (work)
            sweep_run(*state, work, &faults[i]);
        else
            sweep_migrations(*state, &faults[i]);
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

/* After all of the above, closed stores have given back what SQLite had. */
static void nothing_is_left_in_use(void **state)
{
    sqlite3_shutdown();
    assert_int_equal(sqlite3_memory_used(), 0);
}

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
        cmocka_unit_test(nothing_is_left_in_use),
    };

    install();
    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
