/* Every fault does what its name says, strikes as often as it should, and nothing else. */
#include "tests/unit/sandbox/client.h"

struct fixture {
    struct tc_bench b;
    struct tc c;
};

static int up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    tc_bench_init(&f->b, 3, true);
    tc_init(&f->c, &f->b);
    tc_up(&f->c);
    sb_fake_of(f->b.world)->key_id = f->c.key.id;
    sb_fake_of(f->b.world)->calls = 0;
    *state = f;
    return 0;
}

static int down(void **state)
{
    struct fixture *f = *state;

    tc_fini(&f->c);
    tc_bench_fini(&f->b);
    free(f);
    return 0;
}

static unsigned calls(const struct fixture *f)
{
    return sb_fake_of(f->b.world)->calls;
}

static uint64_t call(struct fixture *f, uint32_t id)
{
    struct tl_out out = tc_body(id);
    uint64_t req = tc_send(&f->c, true, &out);

    tl_out_free(&out);
    return req;
}

static void fault(struct fixture *f, const char *rule)
{
    tc_control(&f->b, "fault", rule);
}

static void reconnect(struct fixture *f)
{
    struct tl_out out = tc_body(TL_ping);

    tl_put_u64(&out, 1);
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    tc_forget(&f->c);
    tc_send(&f->c, false, &out);
    tl_out_free(&out);
}

static void drop_loses_one_query(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"drop\"}");
    call(f, TL_help_getConfig);
    assert_int_equal(f->c.n_msg, 0);
    assert_int_equal(calls(f), 0);
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
}

static void cut_after_keeps_the_answer_for_the_next_connection(void **state)
{
    struct fixture *f = *state;
    uint64_t req;

    fault(f, "{\"do\":\"cut\"}");
    req = call(f, TL_help_getConfig);
    tc_expect_closed(&f->c, 0);
    assert_int_equal(calls(f), 1);
    reconnect(f);
    tc_expect_result(&f->c, req, TL_config);
    assert_int_equal(calls(f), 1);
}

static void cut_before_executes_nothing(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"cut\",\"after\":false}");
    call(f, TL_help_getConfig);
    tc_expect_closed(&f->c, 0);
    assert_int_equal(calls(f), 0);
}

static void a_delayed_answer_is_acked_first(void **state)
{
    struct fixture *f = *state;
    uint64_t req;

    fault(f, "{\"do\":\"delay\",\"seconds\":2.5}");
    req = call(f, TL_help_getConfig);
    assert_null(tc_result(&f->c, req));
    assert_int_equal(tc_count(&f->c, TL_msgs_ack), 1);
    assert_true(sb_server_deadline(f->b.server) <= f->b.now.mono + 2500000);
    tc_advance(&f->b, 2);
    tc_pump(&f->c);
    assert_null(tc_result(&f->c, req));
    tc_advance(&f->b, 1);
    tc_pump(&f->c);
    tc_expect_result(&f->c, req, TL_config);
}

static void a_delayed_answer_can_be_dropped(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_rpc_drop_answer);
    uint64_t req, drop;

    fault(f, "{\"do\":\"delay\",\"seconds\":2}");
    req = call(f, TL_help_getConfig);
    tl_put_u64(&out, req);
    drop = tc_send(&f->c, false, &out);
    tc_expect_result(&f->c, drop, TL_rpc_answer_dropped_running);
    tc_expect_result(&f->c, req, TL_rpc_answer_dropped_running);
    tc_forget(&f->c);
    tc_advance(&f->b, 3);
    tc_pump(&f->c);
    assert_null(tc_result(&f->c, req));
    tl_out_free(&out);
}

static void duplicate_answers_twice(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"duplicate\"}");
    call(f, TL_help_getConfig);
    assert_int_equal(tc_count(&f->c, TL_rpc_result), 2);
    assert_int_equal(calls(f), 1);
}

static void reorder_lets_the_next_answer_pass(void **state)
{
    struct fixture *f = *state;
    uint64_t first, second;

    fault(f, "{\"do\":\"reorder\"}");
    first = call(f, TL_help_getConfig);
    assert_null(tc_result(&f->c, first));
    second = call(f, TL_help_getConfig);
    tc_expect_result(&f->c, first, TL_config);
    assert_true(tc_result(&f->c, second) < tc_result(&f->c, first));
}

static void error_answers_without_executing(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"error\",\"code\":420,\"text\":\"FLOOD_WAIT_3\",\"match\":{\"method\":\"help.*\"}}");
    tc_expect_error(&f->c, call(f, TL_help_getConfig), 420, "FLOOD_WAIT_3");
    assert_int_equal(calls(f), 0);
}

static void bad_salt_changes_the_salt(void **state)
{
    struct fixture *f = *state;
    const struct tc_msg *m;

    fault(f, "{\"do\":\"bad_salt\"}");
    call(f, TL_help_getConfig);
    m = tc_find(&f->c, TL_bad_server_salt, 0);
    assert_non_null(m);
    assert_int_equal(calls(f), 0);
    assert_true((int64_t)tl_load64(m->p + 20) != f->c.salt);
    f->c.salt = (int64_t)tl_load64(m->p + 20);
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
}

static void bad_msg_refuses_with_its_code(void **state)
{
    struct fixture *f = *state;
    uint64_t req;

    fault(f, "{\"do\":\"bad_msg\",\"code\":17}");
    req = call(f, TL_help_getConfig);
    tc_expect_bad(&f->c, req, 17);
    assert_int_equal(calls(f), 0);
}

static void no_answer_executes_and_acks(void **state)
{
    struct fixture *f = *state;
    uint64_t req;

    fault(f, "{\"do\":\"no_answer\"}");
    req = call(f, TL_help_getConfig);
    assert_int_equal(calls(f), 1);
    assert_null(tc_result(&f->c, req));
    assert_int_equal(tc_count(&f->c, TL_msgs_ack), 1);
}

static void migrate_names_the_other_dc(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"migrate\",\"to\":3}");
    tc_expect_error(&f->c, call(f, TL_help_getConfig), 303, "NETWORK_MIGRATE_3");
}

static void transport_error_ends_the_connection(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"transport\",\"code\":-429}");
    call(f, TL_help_getConfig);
    tc_expect_closed(&f->c, -429);
}

static void new_session_is_told_again(void **state)
{
    struct fixture *f = *state;
    uint64_t req;

    call(f, TL_help_getConfig);
    tc_forget(&f->c);
    fault(f, "{\"do\":\"new_session\"}");
    req = call(f, TL_help_getConfig);
    assert_int_equal(tc_count(&f->c, TL_new_session_created), 1);
    tc_expect_result(&f->c, req, TL_config);
}

static void push(struct fixture *f, int n)
{
    while (n--)
        sb_fake_push(f->b.world, false, 0);
    tc_advance(&f->b, 0);
    tc_pump(&f->c);
}

static void a_gap_loses_an_update_for_ever(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"gap\"}");
    push(f, 3);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 2);
    reconnect(f);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 2);
}

static void a_dropped_update_comes_on_the_next_connection(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"drop\",\"match\":{\"method\":\"updates\"}}");
    push(f, 1);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 0);
    reconnect(f);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 1);
}

static void too_long_takes_the_place_of_an_update(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"too_long\"}");
    push(f, 1);
    assert_int_equal(tc_count(&f->c, TL_updateShort), 0);
    assert_int_equal(tc_count(&f->c, TL_updatesTooLong), 1);
}

static void a_connection_can_be_cut_after_some_bytes(void **state)
{
    struct fixture *f = *state;
    uint64_t req;

    fault(f, "{\"do\":\"cut\",\"bytes\":100,\"match\":{\"method\":\"connect\"}}");
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    req = call(f, TL_help_getConfig);
    tc_expect_closed(&f->c, 0);
    reconnect(f);
    tc_expect_result(&f->c, req, TL_config);
    fault(f, "{\"do\":\"cut\",\"match\":{\"method\":\"connect\"}}");
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    tc_forget(&f->c);
    call(f, TL_help_getConfig);
    tc_expect_closed(&f->c, 0);
}

static void a_trickling_connection_says_the_same_byte_by_byte(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"trickle\"}");
    tc_connect(&f->c, MT_ABRIDGED, true);
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
    tc_connect(&f->c, MT_ABRIDGED, true);
    call(f, TL_help_getConfig);
}

static void nth_and_times_say_when_it_strikes(void **state)
{
    struct fixture *f = *state;
    char got[8] = "";

    fault(f, "{\"do\":\"drop\",\"match\":{\"method\":\"help.getConfig\",\"nth\":3},\"times\":2}");
    for (int i = 0; i < 6; i++) {
        got[i] = call(f, TL_help_getConfig) && tc_count(&f->c, TL_rpc_result) ? '+' : '-';
        tc_forget(&f->c);
        tc_expect_result(&f->c, call(f, TL_help_getNearestDc), TL_nearestDc);
        tc_forget(&f->c);
    }
    assert_string_equal(got, "++--++");
}

static void a_match_of_dc_or_session_spares_the_others(void **state)
{
    struct fixture *f = *state;
    char rule[128];

    fault(f, "{\"do\":\"drop\",\"match\":{\"dc\":1},\"times\":0}");
    snprintf(rule, sizeof rule, "{\"do\":\"drop\",\"match\":{\"session\":\"%llu\"},\"times\":0}",
             (unsigned long long)f->c.session ^ 8);
    fault(f, rule);
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
}

static void cleared_faults_are_gone(void **state)
{
    struct fixture *f = *state;

    fault(f, "{\"do\":\"drop\",\"times\":0}");
    tc_control(&f->b, "clearFaults", "{}");
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
}

static void a_rule_that_makes_no_sense_is_refused(void **state)
{
    static const char *const rule[] = {"{}",
                                       "{\"do\":\"explode\"}",
                                       "{\"do\":\"drop\",\"match\":{\"metod\":\"x\"}}",
                                       "{\"do\":\"drop\",\"match\":{\"nth\":0}}",
                                       "{\"do\":\"keyx\"}",
                                       "{\"do\":\"keyx\",\"what\":\"no\"}",
                                       "{\"do\":\"delay\",\"seconds\":-1}"};
    struct fixture *f = *state;
    char err[256];
    int code;

    for (size_t i = 0; i < sizeof rule / sizeof *rule; i++) {
        json_t *p = json_loads(rule[i], 0, NULL);

        assert_null(sb_server_control(f->b.server, f->b.now, "fault", p, &code, err));
        assert_int_equal(code, -32602);
        assert_true(strlen(err) > 5);
        json_decref(p);
    }
}

static void advance_moves_the_clock_that_ids_are_checked_against(void **state)
{
    struct fixture *f = *state;
    uint64_t req;

    tc_control(&f->b, "advance", "{\"seconds\":400}");
    req = call(f, TL_help_getConfig);
    tc_expect_bad(&f->c, req, 16);
}

static void restart_forgets_sessions_and_on_demand_keys(void **state)
{
    struct fixture *f = *state;

    tc_control(&f->b, "restart", "{}");
    tc_pump(&f->c);
    assert_true(f->c.closed);
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    tc_expect_result(&f->c, call(f, TL_help_getConfig), TL_config);
    assert_int_equal(tc_count(&f->c, TL_new_session_created), 1);
    tc_control(&f->b, "restart", "{\"keys\":true}");
    tc_pump(&f->c);
    tc_forget(&f->c);
    assert_int_equal(sb_fake_of(f->b.world)->forgotten, 1);
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    call(f, TL_help_getConfig);
    tc_expect_closed(&f->c, -404);
}

static void stats_count_what_happened(void **state)
{
    struct fixture *f = *state;
    json_t *none = json_object(), *stats;
    char err[256];
    int code;

    call(f, TL_help_getConfig);
    stats = sb_server_control(f->b.server, f->b.now, "stats", none, &code, err);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(stats, "protocol"), "calls")), 2);
    assert_null(sb_server_control(f->b.server, f->b.now, "noSuch", none, &code, err));
    assert_int_equal(code, -32601);
    json_decref(none);
    json_decref(stats);
}

/* What the client says to have is kept no longer, the rest is sent again. */
static void ask_believes_the_answer(void **state)
{
    struct fixture *f = *state;
    const struct tc_msg *m;
    struct tl_out info = {0};
    uint64_t first = call(f, TL_help_getConfig), second = call(f, TL_help_getConfig), first_answer,
             second_answer;

    first_answer = tc_result(&f->c, first)->id;
    second_answer = tc_result(&f->c, second)->id;
    tc_forget(&f->c);
    fault(f, "{\"do\":\"ask\"}");
    call(f, TL_help_getNearestDc);
    m = tc_find(&f->c, TL_msgs_state_req, 0);
    assert_non_null(m);
    assert_int_equal(m->seqno & 1, 0);
    info = tc_body(TL_msgs_state_info);
    tl_put_u64(&info, m->id);
    tl_put_vector(&info, 0); /* not yet the answer: the wrong form */
    tc_forget(&f->c);
    tc_send(&f->c, false, &info);
    assert_int_equal(f->c.n_msg, 0);
    tl_out_free(&info);
    fault(f, "{\"do\":\"ask\"}");
    tc_expect_result(&f->c, call(f, TL_help_getNearestDc), TL_nearestDc);
    m = tc_find(&f->c, TL_msgs_state_req, 0);
    assert_non_null(m);
    info = tc_body(TL_msgs_state_info);
    tl_put_u64(&info, m->id);
    {
        char states[64] = {0};
        uint32_t n = tl_load32(m->p + 8);

        for (uint32_t i = 0; i < n; i++)
            states[i] = tl_load64(m->p + 12 + 8 * i) == first_answer ? 2 : 4;
        tl_put_bytes(&info, states, n);
    }
    tc_forget(&f->c);
    tc_send(&f->c, false, &info);
    assert_non_null(tc_result(&f->c, first));
    assert_true(tc_result(&f->c, first)->id == first_answer);
    reconnect(f);
    assert_null(tc_result(&f->c, second));
    assert_true(second_answer > first_answer);
    tl_out_free(&info);
}

static void a_lost_message_is_asked_for_or_told_of(void **state)
{
    struct fixture *f = *state;
    const struct tc_msg *m;
    uint64_t req;

    fault(f, "{\"do\":\"resend_req\"}");
    req = call(f, TL_help_getConfig);
    m = tc_find(&f->c, TL_msg_resend_req, 0);
    assert_non_null(m);
    assert_int_equal(tl_load32(m->p + 8), 1);
    assert_true(tl_load64(m->p + 12) == req);
    fault(f, "{\"do\":\"all_info\"}");
    req = call(f, TL_help_getConfig);
    m = tc_find(&f->c, TL_msgs_all_info, 0);
    assert_non_null(m);
    assert_true(tl_load64(m->p + 12) == req);
    assert_int_equal(calls(f), 0);
}

static void an_announced_answer_waits_to_be_asked_for(void **state)
{
    struct fixture *f = *state;
    const struct tc_msg *m;
    struct tl_out again;
    uint64_t req, answer;

    fault(f, "{\"do\":\"announce\"}");
    req = call(f, TL_help_getConfig);
    assert_null(tc_result(&f->c, req));
    assert_int_equal(calls(f), 1);
    m = tc_find(&f->c, TL_msg_detailed_info, 0);
    assert_non_null(m);
    assert_true(tl_load64(m->p + 4) == req);
    answer = tl_load64(m->p + 12);
    again = tc_ids_body(TL_msg_resend_req, &answer, 1);
    tc_send(&f->c, false, &again);
    tc_expect_result(&f->c, req, TL_config);
    tl_out_free(&again);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(drop_loses_one_query),
        T(cut_after_keeps_the_answer_for_the_next_connection),
        T(cut_before_executes_nothing),
        T(a_delayed_answer_is_acked_first),
        T(a_delayed_answer_can_be_dropped),
        T(duplicate_answers_twice),
        T(reorder_lets_the_next_answer_pass),
        T(error_answers_without_executing),
        T(bad_salt_changes_the_salt),
        T(bad_msg_refuses_with_its_code),
        T(no_answer_executes_and_acks),
        T(migrate_names_the_other_dc),
        T(transport_error_ends_the_connection),
        T(new_session_is_told_again),
        T(ask_believes_the_answer),
        T(a_lost_message_is_asked_for_or_told_of),
        T(an_announced_answer_waits_to_be_asked_for),
        T(a_gap_loses_an_update_for_ever),
        T(a_dropped_update_comes_on_the_next_connection),
        T(too_long_takes_the_place_of_an_update),
        T(a_connection_can_be_cut_after_some_bytes),
        T(a_trickling_connection_says_the_same_byte_by_byte),
        T(nth_and_times_say_when_it_strikes),
        T(a_match_of_dc_or_session_spares_the_others),
        T(cleared_faults_are_gone),
        T(a_rule_that_makes_no_sense_is_refused),
        T(advance_moves_the_clock_that_ids_are_checked_against),
        T(restart_forgets_sessions_and_on_demand_keys),
        T(stats_count_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
