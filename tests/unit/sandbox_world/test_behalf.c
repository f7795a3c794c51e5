/* Calls in a takeout and for a business: what a real server checks of the wrappers. */
#include "tests/unit/sandbox_world/fixture.h"

static struct fixture f;

static int setup(void **state)
{
    fix_init(&f, 7);
    fix_login(&f, 2, 2, "9996620002"); /* bob */
    fix_login(&f, 1, 2, "9996620001"); /* alice */
    fix_as(&f, 1, 2);
    return 0;
}

static int teardown(void **state)
{
    fix_fini(&f);
    return 0;
}

static int64_t takeout(void)
{
    fix_control(&f, "allowTakeout", "{s:s}", "user", "@alice");
    fix_call(&f, "account.initTakeoutSession", "{}");
    assert_string_equal(f.error, "");
    return num(f.result, "id");
}

static void a_young_login_waits_for_its_export(void **state)
{
    fix_refused(&f, "420 TAKEOUT_INIT_DELAY_86400", "account.initTakeoutSession", "{}");
    f.now.wall += 3600 * MT_US_PER_S;
    fix_refused(&f, "420 TAKEOUT_INIT_DELAY_82800", "account.initTakeoutSession", "{}");
    f.now.wall += 82800 * MT_US_PER_S;
    fix_call(&f, "account.initTakeoutSession", "{}");
    assert_string_equal(f.error, "");
    assert_true(num(f.result, "id") != 0);
}

static void what_exports_wants_the_wrapper(void **state)
{
    takeout();
    fix_refused(&f, "403 TAKEOUT_REQUIRED", "messages.getSplitRanges", NULL);
    fix_refused(&f, "403 TAKEOUT_REQUIRED", "contacts.getSaved", NULL);
    fix_refused(&f, "403 TAKEOUT_REQUIRED", "account.finishTakeoutSession", "{}");
}

static void the_wrapper_wants_the_id_of_this_login(void **state)
{
    int64_t id = takeout();

    f.caller.has_takeout = true;
    f.caller.takeout = id;
    fix_call(&f, "contacts.getSaved", NULL);
    assert_int_equal(json_array_size(f.result), 2);
    fix_call(&f, "messages.getSplitRanges", NULL);
    assert_int_equal(num(f.result, "0.max_id"), INT32_MAX);
    f.caller.takeout = id + 1;
    fix_refused(&f, "400 TAKEOUT_INVALID", "updates.getState", NULL);
    f.caller.takeout = id;
    fix_call(&f, "account.finishTakeoutSession", "{}");
    assert_string_equal(f.error, "");
    fix_refused(&f, "400 TAKEOUT_INVALID", "updates.getState", NULL);
    f.caller.has_takeout = false;
    fix_login(&f, 4, 2, "9996620001"); /* another login of hers */
    f.caller.has_takeout = true;
    fix_refused(&f, "400 TAKEOUT_INVALID", "updates.getState", NULL);
}

static void a_business_call_is_made_for_its_user(void **state)
{
    json_t *told, *bob = fix_peer(&f, "bob"); /* as she knows him */
    char id[64];

    fix_control(&f, "connectBusiness", "{s:s,s:s}", "bot", "@echo_bot", "user", "@alice");
    snprintf(id, sizeof id, "%s", str(f.result, "connection_id"));
    fix_login_bot(&f, 3);
    fix_drain(&f);
    f.caller.has_business = true;
    f.caller.business = (struct tl_slice){(const uint8_t *)id, strlen(id)};
    fix_call(&f, "messages.setTyping", "{s:O,s:{s:s}}", "peer", bob, "action", "_",
             "sendMessageTypingAction");
    assert_string_equal(f.error, "");
    told = fix_updates(&f, BOB);
    assert_true(num(told, "0.user_id") == ALICE);
    json_decref(told);
    fix_refused(&f, "403 BUSINESS_CONNECTION_NOT_ALLOWED", "updates.getState", NULL);
    f.caller.business.n--;
    fix_refused(&f, "400 BUSINESS_CONNECTION_INVALID", "updates.getState", NULL);
    json_decref(bob);
}

static void only_its_bot_may_use_a_connection(void **state)
{
    char id[64];

    fix_control(&f, "connectBusiness", "{s:s,s:s}", "bot", "@echo_bot", "user", "@bob");
    snprintf(id, sizeof id, "%s", str(f.result, "connection_id"));
    f.caller.has_business = true;
    f.caller.business = (struct tl_slice){(const uint8_t *)id, strlen(id)};
    fix_refused(&f, "400 BUSINESS_CONNECTION_INVALID", "messages.setTyping", "{s:{s:s},s:{s:s}}", "peer", "_",
                "inputPeerSelf", "action", "_", "sendMessageTypingAction");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_young_login_waits_for_its_export, setup, teardown),
        cmocka_unit_test_setup_teardown(what_exports_wants_the_wrapper, setup, teardown),
        cmocka_unit_test_setup_teardown(the_wrapper_wants_the_id_of_this_login, setup, teardown),
        cmocka_unit_test_setup_teardown(a_business_call_is_made_for_its_user, setup, teardown),
        cmocka_unit_test_setup_teardown(only_its_bot_may_use_a_connection, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
