/* Options of a request that go with its call to Telegram: takeout, business, dc, without_updates. */
#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"

static void options_of_a_raw_call_reach_the_account(void **state)
{
    struct rig *g = rig_new();

    say(g, "{\"id\":1,\"method\":\"help.getConfig\",\"takeout\":\"4611686018427387905\",\"dc\":3}");
    assert_true(g->core[0].takeout == INT64_C(4611686018427387905));
    assert_int_equal(g->core[0].dc, 3);
    assert_string_equal(g->core[0].business, "");
    say(g, "{\"id\":2,\"method\":\"help.getConfig\",\"params\":{\"@business\":\"conn1\",\"@takeout\":-7}}");
    assert_string_equal(g->core[0].business, "conn1");
    assert_true(g->core[0].takeout == -7);
    say(g, "{\"id\":3,\"method\":\"help.getConfig\",\"without_updates\":true}");
    assert_int_equal(g->core[0].takeout, 0);
    assert_true(g->core[0].flags & MT_CALL_WITHOUT_UPDATES);
    rig_free(g);
}

/* The name is looked up as ever; the takeout is around what was asked for. */
static void a_lookup_before_the_call_is_not_wrapped(void **state)
{
    struct rig *g = rig_new();

    say(g, "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":\"@stranger\",\"limit\":1},"
           "\"takeout\":5,\"dc\":3}");
    assert_int_equal(tl_load32(g->core[0].body), TL_contacts_resolveUsername);
    assert_int_equal(g->core[0].takeout, 0);
    assert_int_equal(g->core[0].dc, 0);
    rig_free(g);
}

static void wrong_values_are_refused_by_name(void **state)
{
    static const char *const wrong[] = {
        "\"takeout\":\"1x\"", "\"takeout\":0",     "\"takeout\":1.5", "\"takeout\":\"99999999999999999999\"",
        "\"takeout\":true",   "\"business\":\"\"", "\"business\":7"};
    struct rig *g = rig_new();

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[160];

        snprintf(text, sizeof text, "{\"id\":1,\"method\":\"help.getConfig\",%s}", wrong[i]);
        say(g, text);
        assert_string_equal(got(g, "error.data.name"), "INVALID_REQUEST");
        assert_non_null(strstr(got(g, "error.message"), i < 5 ? "takeout" : "business"));
    }
    assert_int_equal(g->core[0].calls, 0);
    rig_free(g);
}

/* A send of the outbox outlives its request, and these would not: no silence about it. */
static void a_send_of_the_outbox_takes_none_of_them(void **state)
{
    static const char *const options[] = {"\"takeout\":5", "\"business\":\"c\"", "\"dc\":2",
                                          "\"without_updates\":true"};
    struct rig *g = rig_new();

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char text[200];

        snprintf(text, sizeof text,
                 "{\"id\":1,\"method\":\"sendMessage\",\"params\":{\"chat_id\":777123,\"text\":\"hi\"},%s}",
                 options[i]);
        say(g, text);
        assert_string_equal(got(g, "error.data.name"), "INVALID_REQUEST");
        assert_int_equal(g->core[0].calls, 0);
    }
    rig_free(g);
}

static void a_takeout_begins_and_ends(void **state)
{
    struct rig *g = rig_new();
    struct tl_out out = {.limit = 0};

    say(g, "{\"id\":1,\"method\":\"beginTakeout\",\"params\":{\"users\":true,\"files\":true}}");
    assert_int_equal(tl_load32(g->core[0].body), TL_account_initTakeoutSession);
    assert_int_equal(tl_load32(g->core[0].body + 4), 1 << 1 | 1 << 5);
    tl_put_u32(&out, TL_account_takeout);
    tl_put_long(&out, INT64_C(4611686018427387905));
    rig_result(g, 0, out.data, out.len);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.takeout"), "4611686018427387905");
    say(g, "{\"id\":2,\"method\":\"endTakeout\",\"params\":{\"takeout\":\"4611686018427387905\"}}");
    assert_int_equal(tl_load32(g->core[0].body), TL_account_finishTakeoutSession);
    assert_true(g->core[0].takeout == INT64_C(4611686018427387905));
    rig_result(g, 0, "\xb5\x75\x72\x99", 4);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.ok"), "true");
    say(g, "{\"id\":3,\"method\":\"endTakeout\",\"params\":{\"takeout\":\"x\"}}");
    assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS");
    say(g, "{\"id\":4,\"method\":\"beginTakeout\"}"); /* everything */
    assert_int_equal(tl_load32(g->core[0].body + 4), 0x3f);
    tl_out_free(&out);
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_a_raw_call_reach_the_account),
        cmocka_unit_test(a_lookup_before_the_call_is_not_wrapped),
        cmocka_unit_test(wrong_values_are_refused_by_name),
        cmocka_unit_test(a_send_of_the_outbox_takes_none_of_them),
        cmocka_unit_test(a_takeout_begins_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
