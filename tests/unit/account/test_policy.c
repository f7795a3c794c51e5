/* Requests and what the server's errors mean for them (protocol.md 6, 7.6), with data centres by hand. */
#include "tests/unit/account/abench.h"

#include "core/account/state.h"
#include "tl/ids.h"

#define CONFIG  "{\"_\":\"help.getNearestDc\"}"
#define NEAREST "{\"_\":\"nearestDc\",\"country\":\"DE\",\"this_dc\":2,\"nearest_dc\":2}"

static void a_result_is_replied_and_its_ack_waits_for_the_commit(void **state)
{
    struct abench *b = ab_ready();
    struct mt_fx fx;

    ab_call(b, 1, CONFIG, 0, 0, 0);
    fake_result(2, "help.getNearestDc", "NearestDc", NEAREST);
    ab_wait(b, 0);
    while (mt_account_next(b->a, &fx))
        ;
    assert_string_equal(fake_said(2), "");
    mt_account_committed(b->a, b->now);
    assert_string_equal(fake_said(2), "ack 1");
    ab_done(b);
}

static void a_pushed_update_is_acked_after_its_commit(void **state)
{
    struct abench *b = ab_ready();
    struct mt_fx fx;

    fake_push(2, "{\"_\":\"updateShort\",\"update\":{\"_\":\"updateConfig\"},\"date\":1}", 44);
    ab_wait(b, 0);
    assert_true(mt_account_next(b->a, &fx));
    assert_int_equal(fx.kind, MT_FX_UPDATE);
    while (mt_account_next(b->a, &fx))
        ;
    assert_string_equal(fake_said(2), "");
    mt_account_committed(b->a, b->now);
    assert_string_equal(fake_said(2), "ack 44");
    ab_done(b);
}

static void calls_are_refused_while_logged_out_unless_allowed(void **state)
{
    struct abench *b = ab_new();
    struct tl_slice s = call_of(CONFIG);
    struct mt_call call = {.token = 1, .body = s.p, .n = s.n, .deadline = MT_NEVER};

    mt_account_start(b->a, b->now);
    assert_int_equal(mt_account_call(b->a, b->now, &call), MT_E_STATE);
    call.flags = MT_CALL_BEFORE_LOGIN;
    assert_int_equal(mt_account_call(b->a, b->now, &call), MT_OK);
    assert_string_equal(fake_open(2), "help.getNearestDc");
    ab_turn(b);
    ab_done(b);
}

/* --- 420 --- */

static void a_flood_wait_within_the_limit_is_slept(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 10);
    fake_error(2, "help.getNearestDc", 420, "FLOOD_WAIT_10");
    ab_wait(b, 0);
    ab_expect(b, "");
    assert_true(mt_account_deadline(b->a) == b->now.mono + 10 * MT_US_PER_S);
    ab_wait(b, 9999);
    assert_string_equal(fake_open(2), "");
    ab_wait(b, 1);
    assert_string_equal(fake_open(2), "help.getNearestDc");
    ab_done(b);
}

static void a_longer_flood_wait_is_told_and_remembered_for_its_method_alone(void **state) /* trap 46 */
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 10);
    fake_error(2, "help.getNearestDc", 420, "FLOOD_WAIT_20");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 420 FLOOD_WAIT_20");
    assert_true(b->reply.seconds == 20);
    ab_wait(b, 5000);
    ab_call(b, 2, CONFIG, 0, 0, 10);
    ab_expect(b, "reply 2 RPC_ERROR 420 FLOOD_WAIT_15 local");
    assert_true(b->reply.seconds == 15);
    ab_call(b, 3, "{\"_\":\"help.getInviteText\"}", 0, 0, 0);
    assert_string_equal(fake_open(2), "help.getInviteText");
    ab_wait(b, 5000);
    ab_call(b, 4, CONFIG, 0, 0, 10); /* ten seconds are left: slept */
    ab_expect(b, "");
    ab_wait(b, 10000);
    assert_string_equal(fake_open(2), "help.getInviteText help.getNearestDc");
    ab_done(b);
}

static void flood_wait_zero_is_a_second_and_a_huge_one_is_bounded(void **state) /* trap 46 */
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 10);
    fake_error(2, "help.getNearestDc", 420, "FLOOD_WAIT_0");
    ab_wait(b, 0);
    ab_wait(b, 999);
    assert_string_equal(fake_open(2), "");
    ab_wait(b, 1);
    fake_error(2, "help.getNearestDc", 420, "FLOOD_WAIT_99999999999999");
    ab_wait(b, 0);
    ab_turn(b);
    ab_call(b, 2, CONFIG, 0, 0, 10);
    ab_expect(b, "reply 2 RPC_ERROR 420 FLOOD_WAIT_1209600 local");
    ab_done(b);
}

static void premium_throttles_only_delay(void **state) /* trap 82 */
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 0);
    fake_error(2, "help.getNearestDc", 420, "FLOOD_PREMIUM_WAIT_7");
    ab_wait(b, 0);
    ab_expect(b, "");
    ab_wait(b, 7000);
    assert_string_equal(fake_open(2), "help.getNearestDc");
    ab_done(b);
}

static void a_wait_beyond_the_deadline_is_told_at_once(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 1000); /* its deadline is in 30 s */
    fake_error(2, "help.getNearestDc", 420, "FLOOD_WAIT_40");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 420 FLOOD_WAIT_40");
    ab_done(b);
}

/* --- 500, -503 --- */

static void trouble_is_retried_ever_later_within_the_deadline(void **state) /* trap 51 */
{
    static const int wait[] = {1, 2, 4, 8};
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, MT_CALL_REPEATABLE, 0);
    for (size_t i = 0; i < 4; i++) {
        fake_error(2, "help.getNearestDc", i % 2 ? -503 : 500, "TIMEOUT");
        ab_wait(b, 0);
        ab_expect(b, "");
        ab_wait(b, wait[i] * 1000 - 1);
        assert_string_equal(fake_open(2), "");
        ab_wait(b, 1);
    }
    fake_error(2, "help.getNearestDc", 500, "RPC_CALL_FAIL");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 500 RPC_CALL_FAIL"); /* 15 s are over, 16 more would be too late */
    ab_done(b);
}

static void what_may_have_been_done_is_not_done_again(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 0);
    fake_error(2, "help.getNearestDc", -503, "Timeout");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR -503 Timeout");
    ab_done(b);
}

static void ordinary_errors_are_final(void **state)
{
    static const struct {
        int code;
        const char *text;
    } rows[] = {{400, "PEER_ID_INVALID"}, {403, "CHAT_WRITE_FORBIDDEN"}, {406, "UPDATE_APP_TO_LOGIN"}};

    for (size_t i = 0; i < 3; i++) { /* trap 50: other 406s are no log-out */
        struct abench *b = ab_ready();

        ab_call(b, 1, CONFIG, 0, 0, 100);
        fake_error(2, "help.getNearestDc", rows[i].code, rows[i].text);
        ab_wait(b, 0);
        assert_string_equal(ab_turn(b), fmt("reply 1 RPC_ERROR %d %s", rows[i].code, rows[i].text));
        assert_true(mt_account_user(b->a) == 5);
        ab_done(b);
    }
}

/* --- 401, 406 --- */

static void a_401_is_confirmed_before_anything_is_forgotten(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 0);
    fake_error(2, "help.getNearestDc", 401, "AUTH_KEY_UNREGISTERED");
    ab_wait(b, 0);
    ab_expect(b, "");
    fake_result(2, "updates.getState", "updates.State",
                "{\"_\":\"updates.state\",\"pts\":1,\"qts\":1,\"date\":1,\"seq\":1,\"unread_count\":0}");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 401 AUTH_KEY_UNREGISTERED"); /* and the state is not touched (trap 66) */
    assert_true(mt_account_user(b->a) == 5);
    ab_done(b);
}

static void a_confirmed_401_is_a_log_out(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 0);
    ab_call(b, 2, "{\"_\":\"help.getConfig\"}", 0, 0, 0);
    fake_error(2, "help.getNearestDc", 401, "SESSION_REVOKED");
    ab_wait(b, 0);
    fake_error(2, "updates.getState", 401, "SESSION_REVOKED");
    ab_wait(b, 0);
    ab_expect(b,
              "reply 1 LOGGED_OFF | reply 2 LOGGED_OFF | disconnected | forget | login LOGGED_OUT | close");
    assert_string_equal(mt_account_login(b->a)->reason, "SESSION_REVOKED");
    ab_done(b);
}

static void a_confirmation_that_gets_no_answer_forgets_nothing(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 0);
    fake_error(2, "help.getNearestDc", 401, "AUTH_KEY_UNREGISTERED");
    ab_wait(b, 0);
    fake_failed(2, "updates.getState", MT_E_TIMEOUT, MT_SENT_UNKNOWN);
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 401 AUTH_KEY_UNREGISTERED");
    assert_true(mt_account_user(b->a) == 5);
    ab_done(b);
}

static void auth_key_duplicated_is_final(void **state) /* trap 50 */
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 0);
    fake_error(2, "help.getNearestDc", 406, "AUTH_KEY_DUPLICATED");
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "forget | login LOGGED_OUT"));
    ab_done(b);
}

static void a_duplicated_key_of_another_dc_costs_that_key_alone(void **state) /* trap 50 */
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 3, 0, 0);
    fake_result(2, "auth.exportAuthorization", "auth.ExportedAuthorization",
                "{\"_\":\"auth.exportedAuthorization\",\"id\":\"5\",\"bytes\":\"AAAA\"}");
    ab_wait(b, 0);
    fake_result(3, "auth.importAuthorization", "auth.Authorization",
                "{\"_\":\"auth.authorization\",\"user\":{\"_\":\"userEmpty\",\"id\":\"5\"}}");
    ab_wait(b, 0);
    ab_turn(b);
    fake_error(3, "help.getNearestDc", 406, "AUTH_KEY_DUPLICATED");
    ab_wait(b, 0);
    assert_null(strstr(ab_turn(b), "LOGGED_OUT"));
    assert_true(mt_account_user(b->a) == 5);
    assert_null(fake_dc_cfg(3)->key); /* a new one is made */
    fake_req(2, "auth.exportAuthorization");
    ab_done(b);
}

static void an_address_that_is_out_of_date_brings_the_config(void **state)
{
    struct abench *b = ab_ready();

    fake_failed(2, "help.getConfig", MT_E_TIMEOUT, MT_SENT_NO);
    ab_wait(b, 0);
    assert_false(fake_asked(2, "help.getConfig"));
    ab_call(b, 1, CONFIG, 0, 0, 0);
    fake_error(2, "help.getNearestDc", 400, "MTPROTO_CLUSTER_INVALID");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 400 MTPROTO_CLUSTER_INVALID");
    ab_wait(b, 0);
    assert_true(fake_asked(2, "help.getConfig"));
    ab_done(b);
}

static void a_lost_key_of_the_main_dc_is_a_log_out_and_never_a_new_key(void **state) /* trap 10 */
{
    struct abench *b = ab_ready();

    fake_event(2, MT_DC_KEY_LOST);
    ab_wait(b, 0);
    ab_expect(b, "disconnected | forget | login LOGGED_OUT | close");
    assert_false(fake_dc_exists(2));
    ab_done(b);
}

/* --- other data centres --- */

#define EXPORTED      "{\"_\":\"auth.exportedAuthorization\",\"id\":\"5\",\"bytes\":\"YWJj\"}"
#define AUTHORIZATION "{\"_\":\"auth.authorization\",\"user\":{\"_\":\"user\",\"self\":true,\"id\":\"5\"}}"

static void another_dc_is_authorised_once_while_its_callers_wait(void **state) /* trap 55 */
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 1, 0, 0);
    ab_call(b, 2, CONFIG, 1, 0, 0);
    ab_turn(b);
    assert_string_equal(fake_open(2), "auth.exportAuthorization");
    assert_string_equal(fake_open(1), "");
    assert_true(fake_dc_cfg(1)->without_updates);
    assert_false(fake_dc_cfg(1)->keep);
    fake_result(2, "auth.exportAuthorization", "auth.ExportedAuthorization", EXPORTED);
    ab_wait(b, 0);
    assert_string_equal(fake_open(1), "auth.importAuthorization");
    fake_result(1, "auth.importAuthorization", "auth.Authorization", AUTHORIZATION);
    ab_wait(b, 0);
    ab_expect(b, "save key 1 authorised");
    assert_string_equal(fake_open(1), "help.getNearestDc help.getNearestDc");
    ab_done(b);
}

static void spoilt_bytes_are_exported_again(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 1, 0, 0);
    for (int i = 0; i < 3; i++) {
        fake_result(2, "auth.exportAuthorization", "auth.ExportedAuthorization", EXPORTED);
        ab_wait(b, 0);
        fake_error(1, "auth.importAuthorization", 400, "AUTH_BYTES_INVALID");
        ab_wait(b, 0);
    }
    ab_expect(b, "reply 1 RPC_ERROR 400 AUTH_BYTES_INVALID");
    ab_done(b);
}

static void moves_the_request_alone(const char *error)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 0);
    fake_error(2, "help.getNearestDc", 303, error);
    ab_wait(b, 0);
    fake_result(2, "auth.exportAuthorization", "auth.ExportedAuthorization", EXPORTED);
    ab_wait(b, 0);
    fake_result(3, "auth.importAuthorization", "auth.Authorization", AUTHORIZATION);
    ab_wait(b, 0);
    fake_result(3, "help.getNearestDc", "NearestDc", NEAREST);
    ab_wait(b, 0);
    ab_expect(b, "save key 3 authorised | reply 1 RESULT");
    assert_true(fake_dc_exists(2));
    ab_call(b, 2, CONFIG, 0, 0, 0);
    assert_string_equal(fake_open(2), "help.getNearestDc");
    ab_done(b);
}

static void file_migrate_moves_the_request_and_not_the_account(void **state) /* trap 49 */
{
    moves_the_request_alone("FILE_MIGRATE_3");
}

static void stats_migrate_does_the_same(void **state) /* trap 49 */
{
    moves_the_request_alone("STATS_MIGRATE_3");
}

static void a_401_of_another_dc_is_a_new_import(void **state) /* trap 48 */
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 1, 0, 0);
    fake_result(2, "auth.exportAuthorization", "auth.ExportedAuthorization", EXPORTED);
    ab_wait(b, 0);
    fake_result(1, "auth.importAuthorization", "auth.Authorization", AUTHORIZATION);
    ab_wait(b, 0);
    fake_error(1, "help.getNearestDc", 401, "AUTH_KEY_UNREGISTERED");
    ab_wait(b, 0);
    ab_turn(b);
    assert_string_equal(fake_open(2), "auth.exportAuthorization");
    assert_true(mt_account_user(b->a) == 5);
    ab_done(b);
}

static void a_lost_key_of_another_dc_is_made_anew(void **state) /* trap 10 */
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 1, 0, 0);
    fake_result(2, "auth.exportAuthorization", "auth.ExportedAuthorization", EXPORTED);
    ab_wait(b, 0);
    fake_result(1, "auth.importAuthorization", "auth.Authorization", AUTHORIZATION);
    ab_wait(b, 0);
    ab_turn(b);
    fake_event(1, MT_DC_KEY_LOST);
    ab_wait(b, 0);
    assert_true(mt_account_user(b->a) == 5);
    assert_string_equal(fake_open(2), "auth.exportAuthorization"); /* the call goes on, over a new key */
    assert_null(fake_dc_cfg(1)->key);
    ab_done(b);
}

static void a_dc_without_an_address_is_refused(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 9, 0, 0);
    ab_expect(b, fmt("reply 1 FAILED %d", MT_E_NOT_FOUND));
    ab_done(b);
}

/* --- keys, links, ends --- */

static void a_new_key_is_saved_before_its_first_use(void **state)
{
    struct abench *b = ab_new();

    b->hold_saves = true;
    mt_login_phone(b->a, b->now, 1, "49151");
    fake_event(2, MT_DC_KEY);
    ab_wait(b, 0);
    ab_expect(b, "connect 2 | save key 2");
    assert_string_equal(fake_said(2), "");
    mt_account_done(b->a, b->now, b->a->works[0].token, MT_OK, NULL);
    assert_string_equal(fake_said(2), "done KEY 0");
    ab_done(b);
}

static void what_a_key_exchange_computes_goes_elsewhere(void **state)
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    fake_event(2, MT_DC_COMPUTE);
    ab_wait(b, 0);
    ab_expect(b, "connect 2 | compute");
    ab_compute(b);
    assert_string_equal(fake_said(2), fmt("computed %d", MT_E_PEER));
    ab_done(b);
}

static void cancel_ends_a_call_in_every_state(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 0);
    mt_account_cancel(b->a, b->now, 1);
    ab_expect(b, "reply 1 CANCELLED sent:unknown");
    ab_call(b, 2, CONFIG, 0, 0, 10);
    fake_error(2, "help.getNearestDc", 420, "FLOOD_WAIT_5");
    ab_wait(b, 0);
    mt_account_cancel(b->a, b->now, 2);
    ab_expect(b, "reply 2 CANCELLED sent:no");
    mt_account_cancel(b->a, b->now, 99);
    ab_expect(b, "");
    ab_done(b);
}

static void a_call_that_sleeps_ends_at_its_deadline(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 1, 0, 0); /* its DC is never authorised */
    ab_turn(b);
    ab_wait(b, 30000);
    ab_expect(b, "reply 1 TIMEOUT sent:no");
    ab_done(b);
}

static void pause_disconnects_and_start_takes_up_what_did_not_leave(void **state)
{
    struct abench *b = ab_ready();

    fake_down(2);
    ab_wait(b, 0);
    ab_turn(b);
    ab_call(b, 1, CONFIG, 0, 0, 0);
    mt_account_pause(b->a, b->now);
    ab_expect(b, fmt("reply 1 FAILED %d | close", MT_E_STATE));
    assert_false(fake_dc_exists(2));
    mt_account_start(b->a, b->now);
    ab_expect(b, "connect 2");
    fake_up(2);
    ab_wait(b, 0);
    assert_string_equal(fake_open(2), "updates.getDifference");
    ab_done(b);
}

static void a_paused_account_does_not_spin_over_what_it_may_not_send(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 10);
    fake_error(2, "help.getNearestDc", 420, "FLOOD_WAIT_5");
    ab_wait(b, 0);
    mt_account_pause(b->a, b->now);
    ab_turn(b);
    ab_wait(b, 6000);
    assert_true(mt_account_deadline(b->a) > b->now.mono);
    mt_account_start(b->a, b->now);
    ab_expect(b, "connect 2");
    fake_up(2);
    ab_wait(b, 0);
    assert_string_equal(fake_open(2), "help.getNearestDc updates.getDifference");
    ab_done(b);
}

static void a_paused_account_is_not_connected_by_a_call(void **state)
{
    struct abench *b = ab_ready();

    mt_account_pause(b->a, b->now);
    ab_turn(b);
    ab_call(b, 1, CONFIG, 0, 0, 10);
    ab_expect(b, "");
    assert_false(fake_dc_exists(2));
    mt_account_start(b->a, b->now);
    ab_expect(b, "connect 2");
    ab_done(b);
}

static void stop_answers_those_who_sleep_too(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, CONFIG, 0, 0, 10);
    fake_error(2, "help.getNearestDc", 420, "FLOOD_WAIT_5");
    ab_wait(b, 0);
    ab_call(b, 2, "{\"_\":\"help.getConfig\"}", 1, 0, 0); /* its DC is never authorised */
    ab_turn(b);
    mt_account_stop(b->a, b->now);
    ab_expect(b, fmt("disconnected | reply 2 FAILED %d | close | reply 1 TIMEOUT sent:no", MT_E_STATE));
    ab_done(b);
}

static void the_number_of_an_error_is_its_tail(void **state)
{
    assert_true(mt_error_number("FLOOD_WAIT_33") == 33);
    assert_true(mt_error_number("2FA_CONFIRM_WAIT_7") == 7);
    assert_true(mt_error_number("FILE_PART_3_MISSING") == -1);
    assert_true(mt_error_number("TIMEOUT") == -1);
    assert_true(mt_error_number("X2") == -1);
    assert_true(mt_error_number("") == -1);
    assert_true(mt_error_number("WAIT_99999999999999999999") == INT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_replied_and_its_ack_waits_for_the_commit),
        cmocka_unit_test(a_pushed_update_is_acked_after_its_commit),
        cmocka_unit_test(calls_are_refused_while_logged_out_unless_allowed),
        cmocka_unit_test(a_flood_wait_within_the_limit_is_slept),
        cmocka_unit_test(a_longer_flood_wait_is_told_and_remembered_for_its_method_alone),
        cmocka_unit_test(flood_wait_zero_is_a_second_and_a_huge_one_is_bounded),
        cmocka_unit_test(premium_throttles_only_delay),
        cmocka_unit_test(a_wait_beyond_the_deadline_is_told_at_once),
        cmocka_unit_test(trouble_is_retried_ever_later_within_the_deadline),
        cmocka_unit_test(what_may_have_been_done_is_not_done_again),
        cmocka_unit_test(ordinary_errors_are_final),
        cmocka_unit_test(a_401_is_confirmed_before_anything_is_forgotten),
        cmocka_unit_test(a_confirmed_401_is_a_log_out),
        cmocka_unit_test(a_confirmation_that_gets_no_answer_forgets_nothing),
        cmocka_unit_test(auth_key_duplicated_is_final),
        cmocka_unit_test(a_duplicated_key_of_another_dc_costs_that_key_alone),
        cmocka_unit_test(an_address_that_is_out_of_date_brings_the_config),
        cmocka_unit_test(a_lost_key_of_the_main_dc_is_a_log_out_and_never_a_new_key),
        cmocka_unit_test(another_dc_is_authorised_once_while_its_callers_wait),
        cmocka_unit_test(spoilt_bytes_are_exported_again),
        cmocka_unit_test(file_migrate_moves_the_request_and_not_the_account),
        cmocka_unit_test(stats_migrate_does_the_same),
        cmocka_unit_test(a_401_of_another_dc_is_a_new_import),
        cmocka_unit_test(a_lost_key_of_another_dc_is_made_anew),
        cmocka_unit_test(a_dc_without_an_address_is_refused),
        cmocka_unit_test(a_new_key_is_saved_before_its_first_use),
        cmocka_unit_test(what_a_key_exchange_computes_goes_elsewhere),
        cmocka_unit_test(cancel_ends_a_call_in_every_state),
        cmocka_unit_test(a_call_that_sleeps_ends_at_its_deadline),
        cmocka_unit_test(pause_disconnects_and_start_takes_up_what_did_not_leave),
        cmocka_unit_test(a_paused_account_does_not_spin_over_what_it_may_not_send),
        cmocka_unit_test(a_paused_account_is_not_connected_by_a_call),
        cmocka_unit_test(stop_answers_those_who_sleep_too),
        cmocka_unit_test(the_number_of_an_error_is_its_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
