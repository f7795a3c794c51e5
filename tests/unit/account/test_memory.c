/*
 * Whichever allocation fails: a job for another thread is freed once and who waits for it is told; a send
 * that was answered with an error never leaves.
 */
#include "tests/unit/account/sends.h"

#include "tests/unit/oom.h"

static void a_key_exchange_whose_job_has_no_memory_is_told(void **state)
{
    bool told = false;

    for (size_t i = 0, more = 1; more; i++) {
        struct abench *b = ab_ready();
        const char *said;

        fake_event(2, MT_DC_COMPUTE);
        oom_begin(i);
        mt_account_tick(b->a, b->now);
        oom_disarm();
        more = oom_hit();
        ab_turn(b);
        said = fake_said(2);
        if (!b->job) {
            assert_non_null(strstr(said, "not computed"));
            told = true;
        }
        ab_done(b);
    }
    assert_true(told);
}

/* `second`: another stands before it in its lane. */
static bool refuse(size_t i, bool second)
{
    struct abench *b = ab_ready();
    bool hit;
    int err;

    if (second) {
        send_to(b, 1, 7, TEXT(7, "before"), NULL, 60);
        ab_turn(b);
    }
    oom_begin(i);
    err = send_to(b, 2, 7, TEXT(7, "x"), NULL, 60);
    oom_disarm();
    hit = oom_hit();
    ab_turn(b);
    if (second) {
        fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
        ab_wait(b, 0);
        ab_turn(b);
    }
    assert_true(err == MT_OK || err == MT_E_NOMEM);
    assert_true(fake_asked(2, "messages.sendMessage") == (err == MT_OK));
    for (size_t n = 0; err && n < b->mem.n_rows; n++)
        assert_true(mt_send_has_ended(b->mem.rows[n].row.state));
    ab_done(b);
    return hit;
}

static void a_send_without_memory_is_an_error_and_nothing_leaves(void **state)
{
    for (int second = 0; second < 2; second++)
        for (size_t i = 0; refuse(i, second); i++)
            ;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_exchange_whose_job_has_no_memory_is_told),
        cmocka_unit_test(a_send_without_memory_is_an_error_and_nothing_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
