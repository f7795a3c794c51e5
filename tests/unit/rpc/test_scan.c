#include "tests/unit/check.h"

#include "rpc/scan.h"

/* What a text makes, one letter an event: V value, B bad, L limit, H http. */
struct seen {
    char events[64];
    char last[256]; /* the newest value */
    char shown[RPC_SHOWN_MAX + 1];
    char id[64];
    size_t n_ids;
};

static void note(struct seen *seen, const struct rpc_scan *s, enum rpc_scan_event event)
{
    static const char letters[] = {[RPC_SCAN_VALUE] = 'V',
                                   [RPC_SCAN_BAD] = 'B',
                                   [RPC_SCAN_LIMIT] = 'L',
                                   [RPC_SCAN_HTTP] = 'H',
                                   [RPC_SCAN_NOMEM] = 'N'};
    size_t n = strlen(seen->events);

    if (event == RPC_SCAN_MORE || n + 1 == sizeof seen->events)
        return;
    seen->events[n] = letters[event];
    if (event != RPC_SCAN_VALUE) {
        memcpy(seen->shown, s->shown, sizeof seen->shown);
        return;
    }
    snprintf(seen->last, sizeof seen->last, "%.*s", (int)s->value.len, (const char *)s->value.data);
    seen->n_ids = s->n_ids;
    if (s->n_ids)
        snprintf(seen->id, sizeof seen->id, "%.*s", (int)s->ids[s->n_ids - 1].len,
                 (const char *)s->value.data + s->ids[s->n_ids - 1].at);
}

static struct seen scan_by(const char *text, size_t n, size_t piece)
{
    struct seen seen = {.n_ids = 0};
    struct rpc_scan s;
    enum rpc_scan_event event;

    rpc_scan_init(&s);
    for (size_t i = 0; i < n; i += piece) {
        size_t left = n - i < piece ? n - i : piece, at = 0;

        while (at < left) {
            at += rpc_scan_feed(&s, text + i + at, left - at, &event);
            note(&seen, &s, event);
        }
    }
    note(&seen, &s, rpc_scan_eof(&s));
    rpc_scan_fini(&s);
    return seen;
}

/* In one piece, byte by byte, and by threes: the same, or the test fails. */
static struct seen scan(const char *text)
{
    struct seen whole = scan_by(text, strlen(text), strlen(text) + 1);
    struct seen bytes = scan_by(text, strlen(text), 1);
    struct seen threes = scan_by(text, strlen(text), 3);

    assert_memory_equal(&whole, &bytes, sizeof whole);
    assert_memory_equal(&whole, &threes, sizeof whole);
    return whole;
}

static void values_may_stand_on_one_line_or_on_many(void **state)
{
    assert_string_equal(scan("{}{\"a\":[1,2.5e-3,true,null]}\r\n\n[ ]\n{\n\"a\"\n:\n1}").events, "VVVV");
    assert_string_equal(scan("  {\"a\":-0}").last, "{\"a\":-0}");
    assert_string_equal(scan("").events, "");
}

static void a_stretch_that_is_no_json_makes_one_event(void **state)
{
    struct seen s = scan("{\"a\":1,}\nmore junk\n  {\"not\":\"in column one\"}\n{\"b\":2}");

    assert_string_equal(s.events, "BV");
    assert_string_equal(s.last, "{\"b\":2}");
    assert_string_equal(scan("{\"a\":1}\\n\\n\n{}").shown, "\\n\\n");
    assert_string_equal(scan("{\"a\":1}\\n\\n\n{}").events, "VBV");
    assert_string_equal(scan("{\"text\":\"a\nb\"}\n[1]").events, "BV");
    assert_string_equal(scan("[1\n{}").events, "BV");
    assert_string_equal(scan("]").events, "B");
    assert_string_equal(scan("12 34\n\"x\"\n{}").events, "BV");
}

static void grammar_is_checked(void **state)
{
    static const char *const bad[] = {"{a:1}",     "[01]",      "[1.]",          "[.5]",    "[+1]",  "[1e]",
                                      "[tru]",     "[\"\\x\"]", "[\"\\u12g4\"]", "{\"a\"}", "[1 2]", "[1}",
                                      "{\"a\":1]", "[,]",       "{,}",           "[--1]",   "[1e+]"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_string_equal(scan(bad[i]).events, "B");
    assert_string_equal(scan("[\"\\u0041\\\"\\\\\",-1.5E+7,0,false]").events, "V");
}

static void a_line_of_http_is_told_from_junk(void **state)
{
    assert_string_equal(scan("GET / HTTP/1.1\r\nHost: x\r\n\r\n{}").events, "HV");
    assert_string_equal(scan("POST /x HTTP/1.1\r\n").events, "H");
    assert_string_equal(scan("GETTER\n").events, "B");
}

static void the_id_is_kept_as_it_was_written(void **state)
{
    assert_string_equal(scan("{\"id\":123456789012345678901234567890,\"x\":{\"id\":1}}").id,
                        "123456789012345678901234567890");
    assert_string_equal(scan("{\"x\":[{\"id\":1}],\"id\" : \"\\u0041\" }").id, "\"\\u0041\"");
    assert_int_equal(scan("{\"x\":{\"id\":1}}").n_ids, 0);
    assert_int_equal(scan("[{\"id\":1},{\"xd\":2},{\"id\":[3,{\"id\":4}]}]").n_ids, 2);
    assert_string_equal(scan("[{\"id\":1},{\"xd\":2},{\"id\":[3,{\"id\":4}]}]").id, "[3,{\"id\":4}]");
}

static void a_value_cut_by_the_end_of_input_is_bad(void **state)
{
    assert_string_equal(scan("{\"a\":").events, "B");
    assert_string_equal(scan("{\"a\":").shown, "{\"a\":");
}

/* Feeds `head`, then `unit` over and over; how many bytes until the refusal. */
static size_t refused_after(const char *head, const char *unit)
{
    static char block[3 * 8192];
    struct rpc_scan s;
    enum rpc_scan_event event;
    size_t total = 0, n = strlen(unit);

    rpc_scan_init(&s);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = unit[i % n];
    total += rpc_scan_feed(&s, head, strlen(head), &event);
    while (event == RPC_SCAN_MORE && total < 40u * 1024 * 1024) {
        for (size_t at = 0; at < sizeof block && event == RPC_SCAN_MORE;) {
            size_t took = rpc_scan_feed(&s, block + at, sizeof block - at, &event);

            at += took;
            total += took;
        }
    }
    assert_int_equal(event, RPC_SCAN_LIMIT);
    assert_true(rpc_scan_held(&s) <= 64 * 1024 + 1024);
    rpc_scan_fini(&s);
    return total;
}

static void hostile_values_are_refused_early_and_their_memory_goes(void **state)
{
    assert_true(refused_after("[", "{},") < 400000);
    assert_true(refused_after("", "[[[") < 1000);
    assert_true(refused_after("[", "111") < 10000);
    assert_true(refused_after("[\"", "aaa") < 17u * 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_may_stand_on_one_line_or_on_many),
        cmocka_unit_test(a_stretch_that_is_no_json_makes_one_event),
        cmocka_unit_test(grammar_is_checked),
        cmocka_unit_test(a_line_of_http_is_told_from_junk),
        cmocka_unit_test(the_id_is_kept_as_it_was_written),
        cmocka_unit_test(a_value_cut_by_the_end_of_input_is_bad),
        cmocka_unit_test(hostile_values_are_refused_early_and_their_memory_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
