/* One test per rule of the receiving side: a client that breaks only that rule gets the right refusal. */
#include "tests/unit/sandbox/client.h"

struct fixture {
    struct tc_bench b;
    struct tc c;
    unsigned calls; /* executed when the test began */
};

static int up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    tc_bench_init(&f->b, 1, true);
    tc_init(&f->c, &f->b);
    tc_up(&f->c);
    f->calls = sb_fake_of(f->b.world)->calls;
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

static unsigned executed(const struct fixture *f)
{
    return sb_fake_of(f->b.world)->calls - f->calls;
}

/* Sends help.getConfig with this id and seqno. */
static void ask_at(struct fixture *f, uint64_t id, uint32_t seqno)
{
    struct tl_out out = tc_body(TL_help_getConfig);

    tc_send_at(&f->c, id, seqno, out.data, out.len);
    tl_out_free(&out);
}

static uint64_t ask(struct fixture *f)
{
    uint64_t id = tc_next_id(&f->c);

    ask_at(f, id, tc_next_seqno(&f->c, true));
    return id;
}

static void refused(struct fixture *f, uint64_t id, int code)
{
    tc_expect_bad(&f->c, id, code);
    assert_int_equal(executed(f), 0);
}

static void a_client_that_breaks_nothing_is_answered(void **state)
{
    struct fixture *f = *state;

    tc_expect_result(&f->c, ask(f), TL_config);
    assert_int_equal(executed(f), 1);
}

static void an_unknown_key_is_404(void **state)
{
    struct fixture *f = *state;

    f->c.wrong.key_id = 12345;
    ask(f);
    tc_expect_closed(&f->c, -404);
}

static void a_key_of_another_dc_is_404(void **state)
{
    struct fixture *f = *state;

    f->c.dc = 1;
    tc_connect(&f->c, MT_INTERMEDIATE, false);
    ask(f);
    tc_expect_closed(&f->c, -404);
}

static void a_flipped_msg_key_is_404(void **state)
{
    struct fixture *f = *state;

    f->c.wrong.msg_key = true;
    ask(f);
    tc_expect_closed(&f->c, -404);
    assert_int_equal(executed(f), 0);
}

static void a_packet_sealed_for_the_other_direction_is_404(void **state)
{
    struct fixture *f = *state;

    f->c.wrong.server_side = true;
    ask(f);
    tc_expect_closed(&f->c, -404);
}

static void padding_below_twelve_is_404(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_ping);

    /* 32 + 16 bytes need no padding but the twelve that are missing */
    tl_put_u64(&out, 1);
    tl_put_u32(&out, 0);
    f->c.wrong.short_pad = true;
    tc_send_at(&f->c, tc_next_id(&f->c), 0, out.data, out.len);
    tc_expect_closed(&f->c, -404);
    tl_out_free(&out);
}

static void padding_over_1024_is_404(void **state)
{
    struct fixture *f = *state;

    f->c.wrong.long_pad = true;
    ask(f);
    tc_expect_closed(&f->c, -404);
}

static void a_length_that_is_no_multiple_of_four_is_404(void **state)
{
    struct fixture *f = *state;

    f->c.wrong.odd_length = true;
    ask(f);
    tc_expect_closed(&f->c, -404);
}

static void a_length_past_the_end_is_404(void **state)
{
    struct fixture *f = *state;

    f->c.wrong.past_end = true;
    ask(f);
    tc_expect_closed(&f->c, -404);
}

static void session_zero_is_404(void **state)
{
    struct fixture *f = *state;

    f->c.wrong.no_session = true;
    ask(f);
    tc_expect_closed(&f->c, -404);
}

static void a_wrong_salt_is_named_and_nothing_is_executed(void **state)
{
    struct fixture *f = *state;
    const struct tc_msg *m;
    uint64_t id;

    f->c.wrong.salt = true;
    id = ask(f);
    m = tc_find(&f->c, TL_bad_server_salt, 0);
    assert_non_null(m);
    assert_true(tl_load64(m->p + 4) == id);
    assert_int_equal(tl_load32(m->p + 16), 48);
    assert_true((int64_t)tl_load64(m->p + 20) == f->c.salt);
    assert_int_equal(executed(f), 0);
}

static void the_salt_before_is_good_for_half_an_hour_more(void **state)
{
    struct fixture *f = *state;

    tc_advance(&f->b, 1800 + 1700);
    tc_expect_result(&f->c, ask(f), TL_config);
    tc_forget(&f->c);
    tc_advance(&f->b, 200);
    ask(f);
    assert_non_null(tc_find(&f->c, TL_bad_server_salt, 0));
    assert_int_equal(executed(f), 1);
}

static void an_id_five_minutes_old_is_16(void **state)
{
    struct fixture *f = *state;
    uint64_t now = (uint64_t)(f->b.now.wall / MT_US_PER_S), id = (now - 301) << 32;

    ask_at(f, id, 3);
    refused(f, id, 16);
}

static void an_id_half_a_minute_ahead_is_17(void **state)
{
    struct fixture *f = *state;
    uint64_t now = (uint64_t)(f->b.now.wall / MT_US_PER_S), id = (now + 31) << 32;

    ask_at(f, id, 3);
    refused(f, id, 17);
}

static void ids_at_the_edges_of_the_window_pass(void **state)
{
    struct fixture *f = *state;
    uint64_t now = (uint64_t)(f->b.now.wall / MT_US_PER_S);

    ask_at(f, (now + 30) << 32, 3);
    tc_expect_result(&f->c, (now + 30) << 32, TL_config);
    tc_new_session(&f->c);
    ask_at(f, (now - 300) << 32, 1);
    tc_expect_result(&f->c, (now - 300) << 32, TL_config);
}

static void an_id_not_divisible_by_four_is_18(void **state)
{
    struct fixture *f = *state;
    uint64_t id = tc_next_id(&f->c) + 2;

    ask_at(f, id, tc_next_seqno(&f->c, true));
    refused(f, id, 18);
}

/* A container of acks (always allowed) under the given id. */
static void ack_container_at(struct fixture *f, uint64_t id, uint32_t seqno)
{
    const uint64_t none = 1;
    struct tl_out ack = tc_ids_body(TL_msgs_ack, &none, 1);
    const struct tc_msg inner = {.id = id - 4, .seqno = seqno & ~UINT32_C(1), .p = ack.data, .n = ack.len};
    struct tl_out out = tc_container(&inner, 1);

    tc_send_at(&f->c, id, seqno, out.data, out.len);
    tl_out_free(&ack);
    tl_out_free(&out);
}

static void a_container_under_a_used_id_is_19(void **state)
{
    struct fixture *f = *state;
    uint64_t id = ask(f);

    tc_forget(&f->c);
    f->calls++;
    ack_container_at(f, id, tc_next_seqno(&f->c, false));
    tc_expect_bad(&f->c, id, 19);
    assert_int_equal(executed(f), 0);
}

static void an_id_below_a_full_window_is_20(void **state)
{
    struct fixture *f = *state;
    uint64_t old = tc_next_id(&f->c);
    uint32_t seqno = tc_next_seqno(&f->c, true);

    for (int i = 0; i < 1024; i++) {
        ask(f);
        tc_forget(&f->c);
    }
    ask_at(f, old, seqno);
    tc_expect_bad(&f->c, old, 20);
    assert_int_equal(executed(f), 1024);
}

static void a_seqno_below_an_earlier_message_is_32(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    f->c.content = 10;
    ask(f);
    f->calls++;
    id = tc_next_id(&f->c);
    ask_at(f, id, 7);
    refused(f, id, 32);
}

static void an_odd_seqno_used_twice_is_32(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    ask(f);
    f->calls++;
    id = tc_next_id(&f->c);
    ask_at(f, id, 2 * f->c.content - 1);
    refused(f, id, 32);
}

static void a_seqno_above_a_later_message_is_33(void **state)
{
    struct fixture *f = *state;
    uint64_t early = tc_next_id(&f->c);

    ask(f);
    f->calls++;
    ask_at(f, early, 99);
    refused(f, early, 33);
}

static void a_container_with_an_odd_seqno_is_34(void **state)
{
    struct fixture *f = *state;
    uint64_t id = tc_next_id(&f->c) + 4;

    ack_container_at(f, id, 2 * f->c.content + 1);
    refused(f, id, 34);
}

static void a_query_with_an_even_seqno_is_35(void **state)
{
    struct fixture *f = *state;
    uint64_t id = tc_next_id(&f->c);

    ask_at(f, id, tc_next_seqno(&f->c, false));
    refused(f, id, 35);
}

/* Two queries in a container that is broken in one way. */
enum break_how { INNER_TOO_NEW, INNER_NESTED, TRUNCATED, TRAILING, TOO_MANY, INNER_LENGTH, INNER_SEQNO };

static void broken_container(struct fixture *f, enum break_how how)
{
    struct tl_out get = tc_body(TL_help_getConfig), nested = tc_container(NULL, 0), out;
    struct tc_msg list[2];
    uint64_t id;

    for (int i = 0; i < 2; i++)
        list[i] = (struct tc_msg){
            .id = tc_next_id(&f->c), .seqno = tc_next_seqno(&f->c, true), .p = get.data, .n = get.len};
    id = tc_next_id(&f->c);
    if (how == INNER_TOO_NEW)
        list[1].id = id + 4;
    if (how == INNER_SEQNO)
        list[1].seqno += 100;
    if (how == INNER_NESTED) {
        list[1].p = nested.data;
        list[1].n = nested.len;
    }
    out = tc_container(list, 2);
    if (how == TRUNCATED)
        tl_patch_u32(&out, 4, 3);
    if (how == TOO_MANY)
        tl_patch_u32(&out, 4, 1021);
    if (how == TRAILING)
        tl_put_u32(&out, 0);
    if (how == INNER_LENGTH)
        tl_patch_u32(&out, 20, 6);
    tc_send_at(&f->c, id, tc_next_seqno(&f->c, false), out.data, out.len);
    refused(f, id, 64);
    tl_out_free(&get);
    tl_out_free(&nested);
    tl_out_free(&out);
}

static void a_container_with_a_newer_message_inside_is_64(void **state)
{
    broken_container(*state, INNER_TOO_NEW);
}

static void a_container_in_a_container_is_64(void **state)
{
    broken_container(*state, INNER_NESTED);
}

static void a_truncated_container_is_64(void **state)
{
    broken_container(*state, TRUNCATED);
}

static void a_container_with_something_behind_it_is_64(void **state)
{
    broken_container(*state, TRAILING);
}

static void a_container_of_too_many_messages_is_64(void **state)
{
    broken_container(*state, TOO_MANY);
}

static void a_container_with_an_unaligned_message_is_64(void **state)
{
    broken_container(*state, INNER_LENGTH);
}

static void a_container_with_a_higher_seqno_inside_is_64(void **state)
{
    broken_container(*state, INNER_SEQNO);
}

static void one_bad_message_does_not_spoil_its_container(void **state)
{
    struct fixture *f = *state;
    struct tl_out get = tc_body(TL_help_getConfig), out;
    struct tc_msg list[2] = {{.id = tc_next_id(&f->c), .seqno = 2, .p = get.data, .n = get.len},
                             {.id = tc_next_id(&f->c), .seqno = 3, .p = get.data, .n = get.len}};

    out = tc_container(list, 2);
    tc_send_at(&f->c, tc_next_id(&f->c), 4, out.data, out.len);
    tc_expect_bad(&f->c, list[0].id, 35);
    tc_expect_result(&f->c, list[1].id, TL_config);
    assert_int_equal(executed(f), 1);
    tl_out_free(&get);
    tl_out_free(&out);
}

static void a_repeated_message_is_answered_again_and_executed_once(void **state)
{
    struct fixture *f = *state;
    uint64_t id = ask(f), answer;

    answer = tc_result(&f->c, id)->id;
    tc_forget(&f->c);
    ask_at(f, id, 2 * f->c.content - 1);
    tc_expect_result(&f->c, id, TL_config);
    assert_true(tc_result(&f->c, id)->id == answer);
    assert_int_equal(executed(f), 1);
}

static void a_repeated_message_whose_answer_was_acked_is_acked(void **state)
{
    struct fixture *f = *state;
    uint64_t id = ask(f), answer = tc_result(&f->c, id)->id;
    struct tl_out ack = tc_ids_body(TL_msgs_ack, &answer, 1);

    tc_send(&f->c, false, &ack);
    tc_forget(&f->c);
    ask_at(f, id, 2 * f->c.content - 1);
    assert_null(tc_result(&f->c, id));
    assert_int_equal(tc_count(&f->c, TL_msgs_ack), 1);
    assert_int_equal(executed(f), 1);
    tl_out_free(&ack);
}

/* --- RPC --- */

static void expect_call_error(struct fixture *f, struct tl_out *body, int code, const char *text)
{
    uint64_t id = tc_send(&f->c, true, body);

    tc_expect_error(&f->c, id, code, text);
    assert_int_equal(executed(f), 0);
    tl_out_free(body);
}

static void a_call_before_init_connection_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_help_getConfig);

    tc_disconnect(&f->c);
    tc_handshake(&f->c, 0);
    tc_new_session(&f->c);
    expect_call_error(f, &out, 400, "CONNECTION_NOT_INITED");
}

static void impossible_layers_are_refused(void **state)
{
    struct fixture *f = *state;
    struct tl_out zero = tc_init_body(TL_help_getConfig, 0), high = tc_init_body(TL_help_getConfig, 12345);

    expect_call_error(f, &zero, 400, "CONNECTION_LAYER_INVALID");
    expect_call_error(f, &high, 400, "CONNECTION_LAYER_INVALID");
}

static void init_connection_wants_a_layer_around_it(void **state)
{
    struct fixture *f = *state;
    struct tl_out all = tc_init_body(TL_help_getConfig, TL_LAYER), out = {0};

    tl_put_raw(&out, all.data + 8, all.len - 8);
    tl_out_free(&all);
    expect_call_error(f, &out, 400, "CONNECTION_LAYER_INVALID");
}

static void init_connection_wants_an_api_id(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_init_body(TL_help_getConfig, TL_LAYER);

    tl_patch_u32(&out, 16, 0);
    expect_call_error(f, &out, 400, "CONNECTION_API_ID_INVALID");
}

static void an_unknown_function_is_named(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(17);

    expect_call_error(f, &out, 400, "INPUT_METHOD_INVALID_17_0");
}

static void a_constructor_is_no_function(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_updateConfig);
    char text[64];

    snprintf(text, sizeof text, "INPUT_METHOD_INVALID_%u_0", TL_updateConfig);
    expect_call_error(f, &out, 400, text);
}

static void a_call_with_bytes_behind_it_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_help_getConfig);

    tl_put_u32(&out, 0);
    expect_call_error(f, &out, 400, "INPUT_REQUEST_TOO_LONG");
}

static void a_call_that_ends_early_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_users_getUsers);

    expect_call_error(f, &out, 400, "INPUT_FETCH_ERROR");
}

static void broken_gzip_is_one_failed_call(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_gzip_packed);

    tl_put_str(&out, "this is not gzip");
    expect_call_error(f, &out, 400, "INPUT_FETCH_ERROR");
}

static void invoke_after_a_query_that_never_came_times_out(void **state)
{
    struct fixture *f = *state;
    struct tl_out out = tc_body(TL_invokeAfterMsg);

    tl_put_u64(&out, 4711 << 2);
    tl_put_u32(&out, TL_help_getConfig);
    expect_call_error(f, &out, 500, "MSG_WAIT_TIMEOUT");
}

static void invoke_after_a_query_that_failed_fails(void **state)
{
    struct fixture *f = *state;
    struct tl_out bad = tc_body(17), out = tc_body(TL_invokeAfterMsg);

    tl_put_u64(&out, tc_send(&f->c, true, &bad));
    tl_put_u32(&out, TL_help_getConfig);
    expect_call_error(f, &out, 400, "MSG_WAIT_FAILED");
    tl_out_free(&bad);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_client_that_breaks_nothing_is_answered),
        T(an_unknown_key_is_404),
        T(a_key_of_another_dc_is_404),
        T(a_flipped_msg_key_is_404),
        T(a_packet_sealed_for_the_other_direction_is_404),
        T(padding_below_twelve_is_404),
        T(padding_over_1024_is_404),
        T(a_length_that_is_no_multiple_of_four_is_404),
        T(a_length_past_the_end_is_404),
        T(session_zero_is_404),
        T(a_wrong_salt_is_named_and_nothing_is_executed),
        T(the_salt_before_is_good_for_half_an_hour_more),
        T(an_id_five_minutes_old_is_16),
        T(an_id_half_a_minute_ahead_is_17),
        T(ids_at_the_edges_of_the_window_pass),
        T(an_id_not_divisible_by_four_is_18),
        T(a_container_under_a_used_id_is_19),
        T(an_id_below_a_full_window_is_20),
        T(a_seqno_below_an_earlier_message_is_32),
        T(an_odd_seqno_used_twice_is_32),
        T(a_seqno_above_a_later_message_is_33),
        T(a_container_with_an_odd_seqno_is_34),
        T(a_query_with_an_even_seqno_is_35),
        T(a_container_with_a_newer_message_inside_is_64),
        T(a_container_in_a_container_is_64),
        T(a_truncated_container_is_64),
        T(a_container_with_something_behind_it_is_64),
        T(a_container_of_too_many_messages_is_64),
        T(a_container_with_an_unaligned_message_is_64),
        T(a_container_with_a_higher_seqno_inside_is_64),
        T(one_bad_message_does_not_spoil_its_container),
        T(a_repeated_message_is_answered_again_and_executed_once),
        T(a_repeated_message_whose_answer_was_acked_is_acked),
        T(a_call_before_init_connection_is_refused),
        T(impossible_layers_are_refused),
        T(init_connection_wants_a_layer_around_it),
        T(init_connection_wants_an_api_id),
        T(an_unknown_function_is_named),
        T(a_constructor_is_no_function),
        T(a_call_with_bytes_behind_it_is_refused),
        T(a_call_that_ends_early_is_refused),
        T(broken_gzip_is_one_failed_call),
        T(invoke_after_a_query_that_never_came_times_out),
        T(invoke_after_a_query_that_failed_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
