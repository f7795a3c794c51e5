/* What the engine of updates writes into the log, and how seldom: a server that is behind says so for
 * minutes. */
#include "tests/unit/account/ubench.h"

static unsigned lines;
static char last[256];

static void keep(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    assert_string_equal(area, "updates");
    assert_int_not_equal(level, MT_LOG_BROKEN);
    lines++;
    snprintf(last, sizeof last, "%s", text);
}

static void refuse(struct ubench *b)
{
    ub_feed(b, "{\"_\":\"updatesTooLong\"}");
    assert_non_null(strstr(ub_asks(b), "difference"));
    mt_updates_refused(b->u, b->now, MT_ASK_DIFFERENCE, 0, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
}

static void refusals_are_one_line_a_minute_with_their_number(void **state)
{
    struct ubench *b = ub_started();
    int64_t begin = b->now.mono;

    lines = 0;
    b->env.env.log = keep;
    refuse(b);
    assert_int_equal(lines, 1);
    assert_string_equal(last,
                        "no difference: 500 PERSISTENT_TIMESTAMP_OUTDATED (0 more since the last line)");
    for (int64_t wait = 1; b->now.mono + wait * MT_US_PER_S < begin + 60 * MT_US_PER_S; wait *= 2) {
        ub_wait(b, wait * 1000);
        assert_non_null(strstr(ub_asks(b), "difference"));
        mt_updates_refused(b->u, b->now, MT_ASK_DIFFERENCE, 0, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
    }
    assert_int_equal(lines, 1); /* 1 + 2 + 4 + 8 + 16 = 31 s, five more */
    ub_wait(b, 60000);
    assert_non_null(strstr(ub_asks(b), "difference"));
    mt_updates_refused(b->u, b->now, MT_ASK_DIFFERENCE, 0, 500, "PERSISTENT_TIMESTAMP_OUTDATED");
    assert_int_equal(lines, 2);
    assert_string_equal(last,
                        "no difference: 500 PERSISTENT_TIMESTAMP_OUTDATED (5 more since the last line)");
    ub_done(b);
}

static void ten_channels_that_are_refused_are_one_line(void **state)
{
    struct ubench *b = ub_started();

    lines = 0;
    b->env.env.log = keep;
    for (int i = 20; i < 30; i++)
        ub_feed(b, c_plain(u_too_long(i, 0)));
    for (int left = 10; left > 0;) {
        const char *asks = ub_asks(b);

        assert_true(*asks);
        for (int i = 20; i < 30; i++)
            if (strstr(asks, fmt("channel %d ", i))) {
                mt_updates_refused(b->u, b->now, MT_ASK_CHANNEL, i, 500, "TIMEOUT");
                left--;
            }
    }
    assert_int_equal(lines, 1);
    ub_done(b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_one_line_a_minute_with_their_number),
        cmocka_unit_test(ten_channels_that_are_refused_are_one_line),
    };

    return cmocka_run_group_tests_name("account_update_lines", tests, NULL, NULL);
}
