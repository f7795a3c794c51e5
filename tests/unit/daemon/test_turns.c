#include "tests/unit/check.h"

#include "daemon/edge.h"
#include "daemon/loglines.h"
#include "daemon/turns.h"

#include <jansson.h>
#include <string.h>

static void quantiles_are_right_to_an_eighth(void **state)
{
    static struct tgd_spread s;

    assert_int_equal(tgd_spread_at(&s, 500000), 0);
    for (int64_t us = 1; us <= 100000; us++)
        tgd_spread_add(&s, us);
    assert_in_range(tgd_spread_at(&s, 500000), 50000, 50000 * 9 / 8);
    assert_in_range(tgd_spread_at(&s, 990000), 99000, 100000);
    assert_int_equal(tgd_spread_at(&s, 1000000), 100000);
    assert_int_equal(s.max, 100000);
    assert_true(s.sum == UINT64_C(5000050000));
}

static void every_length_has_its_cell(void **state)
{
    for (uint64_t us = 0; us < UINT64_C(1) << 33; us = us * 9 / 8 + 1) {
        struct tgd_spread s = {0};
        uint32_t at;

        tgd_spread_add(&s, (int64_t)us);
        s.max = UINT32_MAX; /* so that the cell's own end shows */
        at = tgd_spread_at(&s, 1);
        assert_true(at >= (us > UINT32_MAX ? UINT32_MAX : us));
        assert_true(at <= us + us / 8);
    }
    struct tgd_spread s = {0};
    tgd_spread_add(&s, -5); /* a clock that was set */
    assert_int_equal(s.cells[0], 1);
}

static void a_rare_long_turn_shows_in_p999(void **state)
{
    static struct tgd_spread s;

    for (int i = 0; i < 9980; i++)
        tgd_spread_add(&s, 30);
    for (int i = 0; i < 20; i++)
        tgd_spread_add(&s, 5000);
    assert_in_range(tgd_spread_at(&s, 990000), 30, 33);
    assert_int_equal(tgd_spread_at(&s, 999000), 5000);
}

static void a_turn_begins_with_the_first_look_at_the_clock(void **state)
{
    struct tgd_turns t = {0};

    tgd_turn_wait();
    assert_true(tgd_turn_began() == 0);
    int64_t at = tgd_now().mono;
    assert_true(tgd_turn_began() == at);
    (void)tgd_now();
    assert_true(tgd_turn_began() == at);
    tgd_turns_ended(&t, tgd_turn_began());
    tgd_turns_ended(&t, 0);
    assert_int_equal(t.stall.n, 1);
    assert_int_equal(t.cpu.n, 1); /* the first one tells only where to count from */
}

static const char *text_at(json_t *items, size_t i)
{
    return json_string_value(json_object_get(json_array_get(items, i), "text"));
}

static void the_newest_lines_of_the_log_are_kept(void **state)
{
    char text[400];
    json_t *items;

    for (int i = 0; i < TGD_LOG_LINES + 10; i++) {
        snprintf(text, sizeof text, "line %d", i);
        tgd_loglines_put(i % 2 ? MT_LOG_WARN : MT_LOG_INFO, "test", text, INT64_C(1790000000) * MT_US_PER_S);
    }
    items = tgd_loglines_json(MT_LOG_TRACE, 3);
    assert_int_equal(json_array_size(items), 3);
    assert_string_equal(text_at(items, 0), "line 263");
    assert_string_equal(text_at(items, 2), "line 265");
    json_decref(items);
    items = tgd_loglines_json(MT_LOG_WARN, 2);
    assert_string_equal(text_at(items, 0), "line 263");
    assert_string_equal(text_at(items, 1), "line 265");
    json_decref(items);
    items = tgd_loglines_json(MT_LOG_TRACE, 1000);
    assert_int_equal(json_array_size(items), TGD_LOG_LINES);
    assert_string_equal(text_at(items, 0), "line 10");
    json_decref(items);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    text[222] = (char)0xc3; /* a character that the end cuts */
    tgd_loglines_put(MT_LOG_INFO, "an area with a long name", text, 0);
    items = tgd_loglines_json(MT_LOG_TRACE, 1);
    assert_non_null(text_at(items, 0));
    json_decref(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_right_to_an_eighth),
        cmocka_unit_test(every_length_has_its_cell),
        cmocka_unit_test(a_rare_long_turn_shows_in_p999),
        cmocka_unit_test(a_turn_begins_with_the_first_look_at_the_clock),
        cmocka_unit_test(the_newest_lines_of_the_log_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
