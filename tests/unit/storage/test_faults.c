/* The disk is full, read-only or broken at the n-th effect of every kind of work (sweep.h). */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/model.h"
#include "tests/unit/storage/sweep.h"

#include <sys/stat.h>

static void arm_full(int n, bool lasting)
{
    fault_arm(FAULT_FULL, n, lasting);
}

static void arm_io(int n, bool lasting)
{
    fault_arm(FAULT_IO, n, lasting);
}

static void arm_read_only(int n, bool lasting)
{
    fault_arm(FAULT_READ_ONLY, n, lasting);
}

static bool disarm(void)
{
    bool fired = fault_fired();

    fault_arm(FAULT_NONE, 0, false);
    return fired;
}

static const struct sweep_fault faults[] = {
    {arm_full, disarm, false, 3, STORE_E_FULL},
    {arm_full, disarm, true, 3, STORE_E_FULL},
    {arm_io, disarm, false, 3, STORE_E_IO},
    {arm_io, disarm, true, 3, STORE_E_IO},
    {arm_read_only, disarm, true, 3, STORE_E_READ_ONLY},
};

SWEEP(a_turn_is_rolled_back_whole, &sweep_turn)
SWEEP(a_turn_that_spills_is_rolled_back_whole, &sweep_large_turn)
SWEEP(a_key_is_saved_or_reported_as_not_saved, &sweep_key)
SWEEP(a_login_is_saved_or_reported_as_not_saved, &sweep_login)
SWEEP(an_account_comes_and_goes_whole, &sweep_account)
SWEEP(a_sync_that_fails_is_not_called_safe, &sweep_sync)
SWEEP(a_checkpoint_that_fails_loses_nothing, &sweep_checkpoint)
SWEEP(trimming_that_fails_loses_nothing, &sweep_trim)
SWEEP(a_start_that_fails_works_the_next_time, &sweep_reopen)
SWEEP(loading_and_its_machine_cost_no_key, &sweep_load)
SWEEP(sealing_costs_no_key, &sweep_seal)
SWEEP(addresses_and_proxies_are_of_one_time, &sweep_ways)
SWEEP(a_backup_is_whole_or_not_there, &sweep_backup)
SWEEP(nobody_notices_what_happens_to_the_cache, &sweep_cache)
SWEEP(a_migration_that_fails_is_done_the_next_time, NULL)

static void a_failed_commit_is_told_until_one_works(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    fixture_account(f, "a");
    fault_arm(FAULT_FULL, 1, true);
    assert_int_equal(model_turn(f, 1), STORE_E_FULL);
    assert_non_null(strstr(store_trouble(f->s), "refuses writes"));
    fault_arm(FAULT_NONE, 0, false);
    assert_int_equal(model_turn(f, 1), MT_OK);
    assert_null(store_trouble(f->s));
}

static void a_failed_write_cannot_be_committed(void **state)
{
    struct fixture *f = *state;
    struct store_event no_type = {.account = 1};
    int rc = MT_OK;

    fixture_open(f);
    fixture_account(f, "a");
    assert_int_equal(fixture_append(f, 1, 20, 0), MT_OK);
    assert_int_equal(store_append(f->s, &no_type), MT_E_ARG);
    assert_int_equal(fixture_append(f, 1, 20, 0), MT_E_ARG);
    assert_int_equal(store_commit(f->s, NULL), MT_E_ARG);
    fault_arm(FAULT_FULL, 1, false);
    for (int i = 0; rc == MT_OK && i < 100; i++)
        rc = fixture_append(f, 1, 7000, 0);
    assert_int_equal(rc, STORE_E_FULL);
    assert_int_equal(store_begin(f->s), STORE_E_FULL);
    assert_int_equal(store_commit(f->s, NULL), STORE_E_FULL);
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 0}).n, 0);
    assert_int_equal(model_turn(f, 1), MT_OK);
    assert_int_equal(model_check(f), 1);
}

/* The kernel may have dropped the pages that it could not write: the WAL is not to be relied on any more. */
static void after_a_failed_sync_the_wal_is_folded_in(void **state)
{
    struct fixture *f = *state;
    char path[256];
    struct stat st;

    fixture_open(f);
    fixture_account(f, "a");
    assert_int_equal(model_turn(f, 1), MT_OK);
    fixture_path(f, "state.db-wal", path);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0);
    fault_arm(FAULT_IO, 1, false);
    assert_int_equal(store_sync_run(f->s), STORE_E_IO);
    assert_true(fault_fired());
    fault_arm(FAULT_NONE, 0, false);
    assert_non_null(store_trouble(f->s));
    assert_int_equal(store_sync_run(f->s), MT_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(model_turn(f, 2), MT_OK);
    assert_int_equal(model_check(f), 2);
}

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static int see_any(void *arg, const struct store_event *e)
{
    return e->type[0] + (e->body.n ? e->body.p[e->body.n - 1] : 0) == 0x7fffffff;
}

/* Whatever is asked of a damaged store is answered or refused. */
static void use_anyhow(struct fixture *f)
{
    struct store_journal_stats stats;
    struct mt_update_state state = {7, 7, 7, 7, true};
    struct mt_saved saved;
    struct mt_peer p;
    uint64_t lost;

    store_account_load(f->s, 1, &saved);
    store_journal_read(f->s, (struct store_cursor){1, 0}, 1000, see_any, NULL, &lost);
    store_journal_stats(f->s, &stats);
    store_peer_by_username(f->s, 1, "20", &p);
    store_put_state(f->s, 1, &state);
    fixture_append(f, 1, 100, 0);
    store_commit(f->s, NULL);
    for (int i = 0; i < 50 && store_journal_trim(f->s, fixture_now(f)); i++)
        ;
    store_sync_run(f->s);
}

static void flip(const char *path, uint32_t *seed)
{
    FILE *file = fopen(path, "r+");
    long size;

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    for (int i = 0; i < 20; i++) {
        /* half of them in the first bytes of a page, where the structure is */
        long at = (long)(draw(seed) % (uint32_t)size);

        fseek(file, draw(seed) & 1 ? at : at / 4096 * 4096 + at % 40, SEEK_SET);
        fputc((int)(draw(seed) & 0xff), file);
    }
    fclose(file);
}

static void any_damage_is_survived(void **state)
{
    struct fixture *f = *state;
    char path[256];
    int rounds = getenv("TGD_SWEEP") ? 1000 : 60;

    fixture_open(f);
    fixture_account(f, "a");
    assert_int_equal(sweep_login.op(f, 1), MT_OK);
    for (int t = 1; t <= 20; t++)
        assert_int_equal(model_turn(f, t), MT_OK);
    fixture_close(f);
    fixture_backup(f);
    for (uint32_t i = 0; i < (uint32_t)rounds; i++) {
        uint32_t seed = i;
        int rc;

        fixture_restore(f);
        fixture_path(f, i % 4 == 3 ? "accounts/a/keys.db" : "state.db", path);
        flip(path, &seed);
        for (int again = 0; again < 2;
             again++) { /* damage that was met late is dealt with at the next start */
            rc = fixture_try(f);
            if (rc == STORE_E_NEWER)
                break; /* the version number itself was hit */
            if (rc != MT_OK)
                fail_msg("seed %u: %d %s", i, rc, f->err);
            use_anyhow(f);
            fixture_close(f);
        }
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_turn_is_rolled_back_whole),
        T(a_turn_that_spills_is_rolled_back_whole),
        T(a_key_is_saved_or_reported_as_not_saved),
        T(a_login_is_saved_or_reported_as_not_saved),
        T(an_account_comes_and_goes_whole),
        T(a_sync_that_fails_is_not_called_safe),
        T(a_checkpoint_that_fails_loses_nothing),
        T(trimming_that_fails_loses_nothing),
        T(a_start_that_fails_works_the_next_time),
        T(loading_and_its_machine_cost_no_key),
        T(sealing_costs_no_key),
        T(addresses_and_proxies_are_of_one_time),
        T(a_backup_is_whole_or_not_there),
        T(nobody_notices_what_happens_to_the_cache),
        T(a_migration_that_fails_is_done_the_next_time),
        T(a_failed_commit_is_told_until_one_works),
        T(a_failed_write_cannot_be_committed),
        T(after_a_failed_sync_the_wal_is_folded_in),
        T(any_damage_is_survived),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
