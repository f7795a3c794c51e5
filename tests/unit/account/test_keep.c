/* What an account keeps in memory of what is stored (core/account/keep.h). */
#include "tests/unit/account/harness.h"
#include "tests/unit/oom.h"

#include "core/account/keep.h"

static struct mt_saved *stored(void)
{
    static struct mt_saved s;

    memset(&s, 0, sizeof s);
    s.main_dc = 4;
    s.user_id = 99;
    s.bot = true;
    memset(s.dedup_secret, 7, sizeof s.dedup_secret);
    s.addresses.n = 2;
    s.addresses.family = 6;
    s.addresses.list[1].port = 443;
    s.n_dcs = 2;
    s.dcs[0] = (struct mt_saved_dc){.dc_id = 4, .has_key = true, .authorised = true, .n_salts = 1};
    s.dcs[0].salts[0].salt = -5;
    s.dcs[1] = (struct mt_saved_dc){.dc_id = 1, .has_temp = true};
    return &s;
}

static void what_was_stored_comes_out_as_it_was(void **state)
{
    struct mt_keep k = {0};
    struct mt_saved *out;

    assert_int_equal(mt_keep_load(&k, stored()), MT_OK);
    out = mt_keep_store(&k);
    assert_memory_equal(out, stored(), sizeof *out);
    mt_saved_free(out);
    mt_keep_fini(&k);
    assert_int_equal(k.n_dcs, 0);
}

static void a_row_stays_where_it_is_and_there_is_one_for_each(void **state)
{
    struct mt_keep k = {0};
    struct mt_saved_dc *first = mt_keep_dc(&k, 2);

    for (int32_t id = 1; id <= MT_DCS_MAX; id++)
        assert_non_null(mt_keep_dc(&k, id));
    assert_ptr_equal(mt_keep_dc(&k, 2), first);
    assert_null(mt_keep_dc(&k, 200));
    assert_int_equal(k.n_dcs, MT_DCS_MAX);
    mt_keep_fini(&k);
}

static void after_a_log_out_no_key_is_left_and_who_points_at_a_row_still_may(void **state)
{
    static const struct mt_saved_dc empty = {.dc_id = 4};
    struct mt_keep k = {0};
    struct mt_saved_dc *row;

    assert_int_equal(mt_keep_load(&k, stored()), MT_OK);
    row = mt_keep_dc(&k, 4);
    mt_keep_forget(&k);
    assert_memory_equal(row, &empty, sizeof empty);
    assert_ptr_equal(mt_keep_dc(&k, 4), row);
    assert_int_equal(k.main_dc, 4);
    assert_int_equal(k.dedup_secret[31], 7);
    assert_int_equal(k.user_id, 0);
    assert_int_equal(k.addresses.n, 0);
    mt_keep_fini(&k);
}

static void without_memory_nothing_leaks(void **state)
{
    for (size_t i = 0; oom_arm(i); i++) {
        struct mt_keep k = {0};
        int err = mt_keep_load(&k, stored());
        struct mt_saved *out = mt_keep_store(&k);

        oom_disarm();
        assert_true(err == MT_OK || err == MT_E_NOMEM);
        mt_saved_free(out);
        mt_keep_fini(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_stored_comes_out_as_it_was),
        cmocka_unit_test(a_row_stays_where_it_is_and_there_is_one_for_each),
        cmocka_unit_test(after_a_log_out_no_key_is_left_and_who_points_at_a_row_still_may),
        cmocka_unit_test(without_memory_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
