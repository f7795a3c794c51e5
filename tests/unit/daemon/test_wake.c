/* A machine that slept (daemon/wake.h): what two clocks tell, and the timer that rings when the time of day
 * jumps. */
#include "tests/unit/check.h"
#include "daemon/wake.h"

#define S INT64_C(1000000)

static void a_clock_that_ran_on_alone_tells_of_sleep(void **state)
{
    struct tgd_sleep s = {0};

    (void)state;
    assert_int_equal(tgd_slept(&s, 1000 * S, 400 * S), 0); /* it slept before we were there */
    assert_int_equal(tgd_slept(&s, 1100 * S, 500 * S), 0); /* only time passed */
    assert_int_equal(tgd_slept(&s, 1165 * S, 505 * S), 60 * S);
    assert_int_equal(tgd_slept(&s, 1170 * S, 510 * S), 0); /* told once */
}

/* On a machine that never slept the clocks are equal, down to what passes between two looks at them. */
static void the_first_sleep_of_a_machine_is_noticed(void **state)
{
    (void)state;
    for (int64_t off = -2; off <= 2; off++) {
        struct tgd_sleep s = {0};

        assert_int_equal(tgd_slept(&s, 50 * S + off, 50 * S), 0);
        assert_int_equal(tgd_slept(&s, 450 * S, 50 * S), 400 * S - off);
    }
}

static void a_nap_is_none(void **state)
{
    struct tgd_sleep s = {0};

    (void)state;
    tgd_slept(&s, 10 * S, 10 * S);
    assert_int_equal(tgd_slept(&s, 15 * S, 10 * S), 0);
    assert_int_equal(tgd_slept(&s, 21 * S, 10 * S), 6 * S);
}

static void on_jump(void *ctx)
{
    ++*(unsigned *)ctx;
}

static void the_timer_is_quiet_while_time_only_passes(void **state)
{
    struct event_base *base = event_base_new();
    struct timeval soon = {.tv_usec = 20000};
    unsigned jumps = 0;
    struct tgd_wake *w;

    (void)state;
    assert_non_null(base);
    w = tgd_wake_new(base, on_jump, &jumps);
    if (!w) {
        event_base_free(base);
        skip(); /* a kernel without it */
    }
    event_base_loopexit(base, &soon);
    event_base_dispatch(base);
    assert_true(jumps <= 1); /* a clock that somebody sets just now */
    tgd_wake_free(w);
    tgd_wake_free(NULL);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_ran_on_alone_tells_of_sleep),
        cmocka_unit_test(the_first_sleep_of_a_machine_is_noticed),
        cmocka_unit_test(a_nap_is_none),
        cmocka_unit_test(the_timer_is_quiet_while_time_only_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
