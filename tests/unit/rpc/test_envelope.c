#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"
#include "tl/view.h"

#define TEST(name) static void name(void **state)
#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)

TEST(an_answer_is_one_compact_line)
{
    BEGIN;
    assert_string_equal(
        say(g, "{\"id\":1,\"method\":\"getInfo\"}\n"),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"name\":\"tgd\",\"version\":\"0.1.0\",\"api\":"
        "\"0.1\",\"layer\":227,\"uptime\":0,\"accounts\":[\"main\"]}}\n");
    END;
}

TEST(an_id_comes_back_byte_for_byte)
{
    static const char *const ids[] = {
        "1", "-0", "123456789012345678901234567890", "1.50e+3", "\"a\\u0041\\/\"", "null"};
    BEGIN;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char line[128], want[128];

        snprintf(line, sizeof line, "{\"method\":\"getLoginState\",\"id\":%s}", ids[i]);
        snprintf(want, sizeof want, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":", ids[i]);
        assert_memory_equal(say(g, line), want, strlen(want));
    }
    say(g, "{\"id\":[1],\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "error.code"), "-32600");
    END;
}

TEST(without_jsonrpc_and_id_there_is_an_answer_with_them_both_ways_there_is_none)
{
    BEGIN;
    say(g, "{\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "id"), "null");
    assert_string_equal(got(g, "result.name"), "tgd");
    assert_string_equal(say(g, "{\"jsonrpc\":\"2.0\",\"method\":\"getInfo\"}"), "");
    assert_string_equal(say(g, "{\"jsonrpc\":\"2.0\",\"method\":\"nonsense\"}"), "");
    say(g, "{\"jsonrpc\":\"1.0\",\"id\":4,\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "error.code"), "-32600");
    END;
}

TEST(what_is_unknown_is_refused_by_name_with_the_nearest)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getInfp\"}");
    assert_string_equal(got(g, "error.message"), "unknown method 'getInfp'; did you mean 'getInfo'?");
    assert_string_equal(got(g, "error.data.name"), "METHOD_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"messages.getHistoy\"}");
    assert_string_equal(got(g, "error.message"),
                        "unknown method 'messages.getHistoy'; did you mean 'messages.getHistory'?");
    say(g, "{\"id\":1,\"method\":\"help\",\"params\":{\"metod\":\"x\"}}");
    assert_string_equal(got(g, "error.message"), "params: unknown parameter 'metod'; did you mean 'method'?");
    say(g, "{\"id\":1,\"method\":\"getInfo\",\"timout\":3}");
    assert_string_equal(got(g, "error.message"), "unknown option 'timout'; did you mean 'timeout'?");
    say(g, "{\"id\":1,\"method\":\"getInfo\",\"params\":{\"@acount\":3}}");
    assert_string_equal(got(g, "error.code"), "-32600");
    END;
}

TEST(parameters_are_checked_with_their_path)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"waitReady\",\"params\":{\"wait\":\"x\"}}");
    assert_string_equal(got(g, "error.message"), "params.wait: expected number");
    say(g, "{\"id\":1,\"method\":\"setLogLevel\",\"params\":{}}");
    assert_string_equal(got(g, "error.message"), "params.level: missing");
    say(g, "{\"id\":1,\"method\":\"setLogLevel\",\"params\":{\"level\":\"loud\"}}");
    assert_string_equal(got(g, "error.message"), "params.level: must be one of trace debug info warn broken");
    say(g, "{\"id\":1,\"method\":\"setLogLevel\",\"params\":[\"debug\"]}");
    assert_string_equal(got(g, "result.ok"), "true");
    assert_string_equal(g->control, "setLogLevel debug");
    say(g, "{\"id\":1,\"method\":\"setLogLevel\",\"params\":[\"debug\",1]}");
    assert_string_equal(got(g, "error.code"), "-32602");
    say(g, "{\"id\":1,\"method\":\"addAccount\",\"params\":{\"name\":\"shop\",\"api_id\":1.0}}");
    assert_string_equal(got(g, "error.message"), "params.api_id: expected integer");
    say(g, "{\"id\":1,\"method\":\"addAccount\",\"params\":{\"name\":\"shop\",\"api_id\":\"12\"}}");
    assert_string_equal(got(g, "result.name"), "shop");
    END;
}

TEST(broken_json_costs_one_error_and_nothing_else)
{
    BEGIN;
    const char *out = say(g, "{\"a\":1,}\njunk\n{\"id\":2,\"method\":\"getInfo\"}");
    assert_non_null(strstr(out, "\"code\":-32700"));
    assert_null(strstr(strstr(out, "-32700") + 1, "-32700"));
    assert_non_null(strstr(out, "\"id\":2,\"result\""));
    say(g, "{\"id\":1,\"method\":\"getInfo\",\"id\":2}");
    assert_string_equal(got(g, "error.code"), "-32700");
    say(g, "{\"id\":1,\"method\":\"a\\u0000b\"}");
    assert_string_equal(got(g, "error.code"), "-32700");
    say(g, "{\"id\":1,\"method\":\"\\ud800\"}");
    assert_string_equal(got(g, "error.code"), "-32700");
    say(g, "GET / HTTP/1.1\r\n");
    assert_non_null(strstr(got(g, "error.message"), "not HTTP"));
    END;
}

/* It may be a password, and what tgctl prints may stand in a log. */
TEST(a_value_that_cannot_be_read_is_not_shown)
{
    static const char *const wrong[] = {"hunter2\\u0000", "hunter2\\ud800", "hunter2\xff"};
    char text[200];
    BEGIN;
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text,
                 "{\"id\":1,\"method\":\"submitPassword\",\"params\":{\"password\":\"%s\"}}", wrong[i]);
        say(g, text);
        assert_string_equal(got(g, "error.data.name"), "PARSE_ERROR");
        assert_null(strstr(g->said, "hunter"));
    }
    END;
}

TEST(a_batch_is_answered_by_one_array)
{
    BEGIN;
    const char *out =
        say(g, "[{\"id\":1,\"method\":\"getInfo\"},{\"jsonrpc\":\"2.0\",\"method\":\"getInfo\"},7,"
               "{\"id\":\"b\",\"method\":\"waitReady\"}]");
    json_t *list = json_loads(out, 0, NULL);

    assert_int_equal(json_array_size(list), 3);
    json_decref(list);
    assert_string_equal(got(g, "1.error.code"), "-32600");
    assert_string_equal(got(g, "2.id"), "b");
    assert_string_equal(got(g, "2.error.message"), "waitReady cannot stand in a batch");
    say(g, "[]");
    assert_string_equal(got(g, "error.code"), "-32600");
    assert_string_equal(say(g, "[{\"jsonrpc\":\"2.0\",\"method\":\"getInfo\"}]"), "");
    END;
}

TEST(options_stand_beside_params_or_in_it_or_are_defaults)
{
    int32_t id;
    char err[256];
    BEGIN;
    g->host.account_add(g, "shop", 0, NULL, &id, err);
    say(g, "{\"id\":1,\"method\":\"getLoginState\"}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_AMBIGUOUS");
    assert_string_equal(got(g, "error.data.hint"), "there are: main shop");
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"account\":\"shop\"}");
    assert_string_equal(got(g, "result.step"), "none");
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"params\":{\"@account\":777001}}");
    assert_string_equal(got(g, "result.step"), "ready");
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"account\":\"nobody\"}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"setDefaults\",\"params\":{\"account\":\"shop\",\"fields\":[\"step\"]}}");
    assert_string_equal(got(g, "result.account"), "shop");
    assert_string_equal(say(g, "{\"id\":1,\"method\":\"getLoginState\"}"),
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"step\":\"none\"}}\n");
    END;
}

TEST(the_machine_of_whoever_is_asked_is_looked_at_and_no_other)
{
    size_t before;

    BEGIN;
    before = g->touched;
    say(g, "{\"id\":1,\"method\":\"listAccounts\"}");
    assert_int_equal(g->touched, before);
    say(g, "{\"id\":1,\"method\":\"getLoginState\"}");
    assert_true(g->touched > before);
    before = g->touched;
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"account\":\"main\"}");
    assert_true(g->touched > before);
    END;
}

TEST(fields_keep_what_their_paths_name)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getHealth\",\"fields\":[\"accounts.name\",\"accounts.step\",\"ok\",\"no."
           "such\"]}");
    assert_string_equal(got(g, "result"),
                        "{\"accounts\":[{\"name\":\"main\",\"step\":\"ready\"}],\"ok\":true}");
    END;
}

TEST(a_waiting_request_ends_by_its_event_its_time_or_cancel)
{
    BEGIN;
    g->core[0].in_sync = false;
    assert_string_equal(say(g, "{\"id\":7,\"method\":\"waitReady\",\"params\":{\"wait\":5}}"), "");
    rig_pass(g, 4000);
    assert_string_equal(rig_read(g, g->c), "");
    g->core[0].in_sync = true;
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.in_sync"), "true");
    g->core[0].in_sync = false;
    say(g, "{\"id\":8,\"method\":\"waitReady\",\"params\":{\"wait\":5}}");
    rig_pass(g, 5001);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "TIMEOUT");
    say(g, "{\"id\":\"9\",\"method\":\"waitReady\"}");
    const char *out = say(g, "{\"id\":10,\"method\":\"cancel\",\"params\":{\"id\":\"9\"}}");
    assert_non_null(strstr(out, "\"id\":\"9\",\"error\":{\"code\":1004"));
    assert_non_null(strstr(out, "{\"cancelled\":1}"));
    END;
}

TEST(end_of_input_is_not_the_end_of_what_is_pending)
{
    BEGIN;
    g->core[0].in_sync = false;
    say(g, "{\"id\":7,\"method\":\"waitReady\",\"params\":{\"wait\":5}}{\"id\":8,\"method\":\"getInfo\"");
    rpc_eof(g->c, g->now);
    assert_false(rpc_is_done(g->c));
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.code"), "-32700"); /* the cut one */
    assert_false(rpc_is_done(g->c));
    g->core[0].in_sync = true;
    rig_read(g, g->c);
    assert_string_equal(got(g, "id"), "7");
    assert_true(rpc_is_done(g->c));
    END;
}

TEST(sixty_four_requests_in_flight_pause_the_reader)
{
    static const char line[] = "{\"id\":1,\"method\":\"waitReady\",\"params\":{\"wait\":5}}\n";
    BEGIN;
    g->core[0].in_sync = false;
    for (int i = 0; i < 100; i++)
        rpc_feed(g->c, g->now, line, sizeof line - 1);
    while (rpc_deadline(g->r) == 0)
        rpc_tick(g->r, g->now);
    assert_false(rpc_wants_read(g->c));
    g->core[0].in_sync = true;
    rpc_committed(g->r, g->now);
    while (rpc_deadline(g->r) == 0)
        rpc_tick(g->r, g->now);
    rpc_committed(g->r, g->now);
    assert_true(rpc_wants_read(g->c));
    size_t lines = 0;
    struct tl_slice out = rpc_output(g->c);
    for (size_t i = 0; i < out.n; i++)
        lines += out.p[i] == '\n';
    assert_int_equal(lines, 100);
    END;
}

TEST(who_reads_nothing_is_closed_after_a_minute)
{
    BEGIN;
    for (int i = 0; i < 4000 && rpc_wants_read(g->c); i++) {
        static const char line[] = "{\"id\":1,\"method\":\"help\"}";

        rpc_feed(g->c, g->now, line, sizeof line - 1);
        rpc_committed(g->r, g->now);
    }
    assert_false(rpc_wants_read(g->c));
    assert_true(rpc_output(g->c).n < 2 * 1024 * 1024);
    rig_pass(g, 59000);
    assert_false(rpc_is_done(g->c));
    rig_pass(g, 2000);
    assert_true(rpc_is_done(g->c));
    assert_int_equal(rpc_output(g->c).n, 0);
    END;
}

TEST(a_stranger_is_denied)
{
    struct rpc_cfg cfg;
    BEGIN;
    cfg = (struct rpc_cfg){.env = &g->env, .host = &g->host, .check_uid = true, .owner_uid = 1};
    rpc_free(g->r);
    g->r = rpc_new(&cfg, g->now);
    g->c = rig_connect(g);
    say(g, "{\"id\":1,\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    END;
}

TEST(discovery_and_help_know_all_methods)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"rpc.discover\",\"params\":{\"prefix\":\"addA\"}}");
    assert_string_equal(got(g, "result.methods.0.name"), "addAccount");
    assert_string_equal(got(g, "result.methods.0.params.2.x-secret"), "true");
    assert_string_equal(got(g, "result.methods.0.result.schema.$ref"), "#/components/schemas/Account");
    say(g, "{\"id\":1,\"method\":\"rpc.discover\",\"params\":{\"prefix\":\"messages.getHist\",\"kind\":"
           "\"raw\"}}");
    assert_string_equal(got(g, "result.methods.0.params.0.type"), "InputPeer");
    say(g, "{\"id\":1,\"method\":\"help\",\"params\":{\"method\":\"cancel\"}}");
    assert_string_equal(got(g, "result.items.0.example.request.method"), "cancel");
    say(g, "{\"id\":1,\"method\":\"help\",\"params\":{\"method\":\"cancle\"}}");
    assert_string_equal(got(g, "error.code"), "-32602");
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_one_compact_line),
        cmocka_unit_test(an_id_comes_back_byte_for_byte),
        cmocka_unit_test(without_jsonrpc_and_id_there_is_an_answer_with_them_both_ways_there_is_none),
        cmocka_unit_test(what_is_unknown_is_refused_by_name_with_the_nearest),
        cmocka_unit_test(parameters_are_checked_with_their_path),
        cmocka_unit_test(broken_json_costs_one_error_and_nothing_else),
        cmocka_unit_test(a_value_that_cannot_be_read_is_not_shown),
        cmocka_unit_test(a_batch_is_answered_by_one_array),
        cmocka_unit_test(options_stand_beside_params_or_in_it_or_are_defaults),
        cmocka_unit_test(the_machine_of_whoever_is_asked_is_looked_at_and_no_other),
        cmocka_unit_test(fields_keep_what_their_paths_name),
        cmocka_unit_test(a_waiting_request_ends_by_its_event_its_time_or_cancel),
        cmocka_unit_test(end_of_input_is_not_the_end_of_what_is_pending),
        cmocka_unit_test(sixty_four_requests_in_flight_pause_the_reader),
        cmocka_unit_test(who_reads_nothing_is_closed_after_a_minute),
        cmocka_unit_test(a_stranger_is_denied),
        cmocka_unit_test(discovery_and_help_know_all_methods),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
