/* An account that is logged in and whose home is moved to another data centre (303 USER_MIGRATE of the main
 * one). */
#include "tests/unit/account/abench.h"

#include "core/account/state.h"
#include "tl/ids.h"

#define ASK      "{\"_\":\"help.getNearestDc\"}"
#define NEAREST  "{\"_\":\"nearestDc\",\"country\":\"DE\",\"this_dc\":3,\"nearest_dc\":3}"
#define EXPORTED "{\"_\":\"auth.exportedAuthorization\",\"id\":\"5\",\"bytes\":\"YWJj\"}"
#define AUTHORISED(u)                                                                                        \
    "{\"_\":\"auth.authorization\",\"user\":{\"_\":\"user\",\"self\":true,\"id\":\"" u "\"}}"

static void is_sent_to_dc_3(struct abench *b, uint64_t token)
{
    ab_call(b, token, ASK, 0, 0, 0);
    fake_error(2, "help.getNearestDc", 303, "USER_MIGRATE_3");
    ab_wait(b, 0);
}

static void imports(struct abench *b, const char *authorization)
{
    fake_result(2, "auth.exportAuthorization", "auth.ExportedAuthorization", EXPORTED);
    ab_wait(b, 0);
    fake_result(3, "auth.importAuthorization", "auth.Authorization", authorization);
    ab_wait(b, 0);
}

static void the_account_follows_with_its_login(void **state) /* trap 49 */
{
    struct abench *b = ab_ready();

    is_sent_to_dc_3(b, 1);
    imports(b, AUTHORISED("5"));
    fake_result(3, "help.getNearestDc", "NearestDc", NEAREST);
    ab_wait(b, 0);
    ab_expect(b, "save key 3 authorised | disconnected | save auth | close | connect 3 | reply 1 RESULT");
    assert_int_equal(b->saved.main_dc, 3);
    assert_int_equal(mt_account_user(b->a), 5);
    for (size_t i = 0; i < b->saved.n_dcs; i++) /* nothing of the old one is thrown away */
        assert_true(b->saved.dcs[i].has_key || b->saved.dcs[i].dc_id != 2);
    ab_call(b, 2, ASK, 0, 0, 0);
    assert_string_equal(fake_open(3), "help.getNearestDc");
    ab_done(b);
}

/* Nobody connects the new home but us. */
static void whoever_asked_may_be_gone_when_it_moves(void **state)
{
    struct abench *b = ab_ready();

    is_sent_to_dc_3(b, 1);
    mt_account_cancel(b->a, b->now, 1);
    assert_non_null(strstr(ab_turn(b), "reply 1 CANCELLED"));
    imports(b, AUTHORISED("5"));
    assert_non_null(strstr(ab_turn(b), "connect 3"));
    assert_true(mt_adc_find(b->a, 3)->main);
    ab_done(b);
}

/* Nor is it where the next user of this account lives. */
static void a_log_out_ends_the_move(void **state)
{
    struct abench *b = ab_ready();

    is_sent_to_dc_3(b, 1);
    assert_int_equal(b->a->home.to, 3);
    fake_event(2, MT_DC_KEY_LOST);
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "login LOGGED_OUT"));
    assert_int_equal(b->a->home.to, 0);
    ab_done(b);
}

/* Until the other one takes us nothing has changed. */
static void it_stays_where_it_is_without_an_import(void **state)
{
    struct abench *b = ab_ready();

    is_sent_to_dc_3(b, 1);
    fake_error(2, "auth.exportAuthorization", 400, "DC_ID_INVALID");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 400 DC_ID_INVALID");
    assert_true(mt_adc_find(b->a, 2)->main);
    ab_call(b, 2, ASK, 0, 0, 0);
    assert_string_equal(fake_open(2), "help.getNearestDc");
    ab_done(b);
}

static void an_import_of_somebody_else_is_not_followed(void **state)
{
    struct abench *b = ab_ready();

    is_sent_to_dc_3(b, 1);
    imports(b, AUTHORISED("6"));
    assert_true(mt_adc_find(b->a, 2)->main);
    assert_int_equal(mt_account_user(b->a), 5);
    ab_turn(b);
    ab_done(b);
}

/* A server that sends us to and fro is not followed. */
static void two_moves_have_a_minute_between_them(void **state)
{
    struct abench *b = ab_ready();

    is_sent_to_dc_3(b, 1);
    imports(b, AUTHORISED("5"));
    fake_error(3, "help.getNearestDc", 303, "USER_MIGRATE_2");
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "reply 1 RPC_ERROR 303 USER_MIGRATE_2"));
    assert_true(mt_adc_find(b->a, 3)->main);
    ab_done(b);
}

/* What another DC says of an account that does not live there is true, and no reason to move. */
static void only_the_main_dc_can_send_us_away(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 1, ASK, 3, 0, 0);
    imports(b, AUTHORISED("5"));
    fake_error(3, "help.getNearestDc", 303, "USER_MIGRATE_2");
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "reply 1 RPC_ERROR 303 USER_MIGRATE_2"));
    assert_true(mt_adc_find(b->a, 2)->main);
    ab_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_account_follows_with_its_login),
        cmocka_unit_test(whoever_asked_may_be_gone_when_it_moves),
        cmocka_unit_test(a_log_out_ends_the_move),
        cmocka_unit_test(it_stays_where_it_is_without_an_import),
        cmocka_unit_test(an_import_of_somebody_else_is_not_followed),
        cmocka_unit_test(two_moves_have_a_minute_between_them),
        cmocka_unit_test(only_the_main_dc_can_send_us_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
