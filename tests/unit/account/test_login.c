/* The login machine (protocol.md 7), with data centres by hand. */
#include "tests/unit/account/abench.h"

#include "tl/ids.h"

#define SENT_CODE                                                                                            \
    "{\"_\":\"auth.sentCode\",\"type\":{\"_\":\"auth.sentCodeTypeApp\",\"length\":5},"                       \
    "\"phone_code_hash\":\"hh\",\"next_type\":{\"_\":\"auth.codeTypeSms\"},\"timeout\":60}"
#define AUTHORIZATION                                                                                        \
    "{\"_\":\"auth.authorization\",\"user\":{\"_\":\"user\",\"self\":true,\"id\":\"5\",\"access_hash\":"     \
    "\"55\","                                                                                                \
    "\"first_name\":\"Me\"}}"

static void phone_login_goes_through_code_to_ready(void **state)
{
    struct abench *b = ab_new();
    const struct mt_login *login = mt_account_login(b->a);

    assert_int_equal(mt_login_phone(b->a, b->now, 1, "+49 (151) 123"), MT_OK);
    ab_expect(b, "connect 2");
    assert_string_equal(fake_open(2), "auth.sendCode");
    fake_result(2, "auth.sendCode", "auth.SentCode", SENT_CODE);
    ab_wait(b, 0);
    ab_expect(b, "login CODE | reply 1 OK");
    assert_string_equal(login->where, "app");
    assert_int_equal(login->length, 5);
    assert_string_equal(login->next, "sms");
    assert_true(login->wait_until == b->now.mono + 60 * MT_US_PER_S);
    assert_int_equal(mt_login_code(b->a, b->now, 2, "12345"), MT_OK);
    fake_up(2);
    fake_result(2, "auth.signIn", "auth.Authorization", AUTHORIZATION);
    ab_wait(b, 0);
    ab_expect(b, "connected | save key 2 authorised | save auth | login READY | reply 2 OK");
    assert_true(login->user_id == 5);
    assert_true(mt_account_user(b->a) == 5);
    assert_true(b->saved.user_id == 5 && b->saved.main_dc == 2);
    assert_string_equal(fake_open(2), "updates.getState"); /* nothing is known yet */
    ab_done(b);
}

static void the_phone_goes_out_as_digits(void **state)
{
    struct abench *b = ab_new();
    struct tl_view v;
    struct tl_slice phone;

    mt_login_phone(b->a, b->now, 1, "+49 (151) 12-3");
    v = view_of(fake_req(2, "auth.sendCode")->body);
    phone = tl_get_bytes(&v, TLF_auth_sendCode__phone_number);
    assert_int_equal(phone.n, 8);
    assert_memory_equal(phone.p, "49151123", 8);
    assert_int_equal(mt_login_phone(b->a, b->now, 2, "abc"), MT_E_ARG);
    ab_turn(b);
    ab_done(b);
}

static void moves_the_login(const char *error)
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    ab_turn(b);
    fake_error(2, "auth.sendCode", 303, error);
    ab_wait(b, 0);
    ab_expect(b, "close | connect 1");
    assert_false(fake_dc_exists(2));
    assert_string_equal(fake_open(1), "auth.sendCode");
    assert_true(fake_dc_cfg(1)->keep);
    assert_false(fake_dc_cfg(1)->without_updates);
    fake_result(1, "auth.sendCode", "auth.SentCode", SENT_CODE);
    ab_wait(b, 0);
    ab_expect(b, "login CODE | reply 1 OK");
    ab_done(b);
}

static void phone_migrate_moves_the_login(void **state) /* trap 49 */
{
    moves_the_login("PHONE_MIGRATE_1");
}

static void network_migrate_does_the_same(void **state) /* trap 49 */
{
    moves_the_login("NETWORK_MIGRATE_1");
}

static void a_bot_logs_in_and_moves_with_user_migrate(void **state) /* trap 49 */
{
    struct abench *b = ab_new();

    mt_login_bot(b->a, b->now, 1, "1:token");
    fake_error(2, "auth.importBotAuthorization", 303, "USER_MIGRATE_3");
    ab_wait(b, 0);
    fake_result(3, "auth.importBotAuthorization", "auth.Authorization",
                "{\"_\":\"auth.authorization\",\"user\":{\"_\":\"user\",\"self\":true,\"bot\":true,\"bot_"
                "info_version\":1,\"id\":\"6\"}}");
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "login READY | reply 1 OK"));
    assert_true(mt_account_is_bot(b->a));
    assert_true(b->saved.main_dc == 3);
    ab_done(b);
}

static void a_migration_to_an_unknown_dc_is_reported(void **state)
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    ab_turn(b);
    fake_error(2, "auth.sendCode", 303, "PHONE_MIGRATE_9");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 303 PHONE_MIGRATE_9");
    ab_done(b);
}

static void a_wrong_code_leaves_the_step(void **state)
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    fake_result(2, "auth.sendCode", "auth.SentCode", SENT_CODE);
    ab_wait(b, 0);
    ab_turn(b);
    mt_login_code(b->a, b->now, 2, "1");
    fake_error(2, "auth.signIn", 400, "PHONE_CODE_INVALID");
    ab_wait(b, 0);
    ab_expect(b, "reply 2 RPC_ERROR 400 PHONE_CODE_INVALID");
    assert_int_equal(mt_account_login(b->a)->step, MT_LOGIN_CODE);
    ab_done(b);
}

static void auth_restart_asks_for_a_new_code(void **state)
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    fake_result(2, "auth.sendCode", "auth.SentCode", SENT_CODE);
    ab_wait(b, 0);
    ab_turn(b);
    mt_login_code(b->a, b->now, 2, "1");
    fake_error(2, "auth.signIn", 500, "AUTH_RESTART");
    ab_wait(b, 0);
    fake_result(2, "auth.sendCode", "auth.SentCode", SENT_CODE);
    ab_wait(b, 0);
    ab_expect(b, "login CODE | reply 2 RPC_ERROR 500 AUTH_RESTART");
    ab_done(b);
}

static void a_401_before_login_is_no_log_out(void **state) /* trap 47 */
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    ab_turn(b);
    fake_error(2, "auth.sendCode", 401, "AUTH_KEY_UNREGISTERED");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 401 AUTH_KEY_UNREGISTERED");
    assert_int_equal(mt_account_login(b->a)->step, MT_LOGIN_NONE);
    ab_done(b);
}

/* --- the second factor --- */

static struct mt_srp_params srp_params(void)
{
    static const uint8_t salt1[8] = "saltone", salt2[8] = "salttwo";
    struct mt_srp_params p = {.g = 3, .salt1 = salt1, .salt1_len = 8, .salt2 = salt2, .salt2_len = 8};

    memcpy(p.prime, mt_dh_known_prime, 256);
    return p;
}

static const char *base64(const uint8_t *p, size_t n)
{
    struct tl_out tl = {0}, json = {0};
    struct tl_in in;
    const char *text;

    /* through an object that has bytes: {"_":"...","bytes":"..."} */
    tl_put_u32(&tl, TL_auth_exportedAuthorization);
    tl_put_long(&tl, 0);
    tl_put_bytes(&tl, p, n);
    in = tl_in(tl.data, tl.len);
    assert_int_equal(tl_to_json(&in, &json), TL_OK);
    tl_put_raw(&json, "", 1);
    text = strstr((char *)json.data, "\"bytes\":");
    text = fmt("%.*s", (int)strlen(text) - 9, text + 8); /* with its quotes, without the brace */
    tl_out_free(&tl);
    tl_out_free(&json);
    return text;
}

static const char *password_json(const uint8_t b_pub[256], int srp_id)
{
    static char text[4096];
    struct mt_srp_params p = srp_params();

    snprintf(
        text, sizeof text,
        "{\"_\":\"account.password\",\"has_password\":true,\"current_algo\":{\"_\":"
        "\"passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow\",\"salt1\":%s,\"salt2\":%s,"
        "\"g\":3,\"p\":%s},\"srp_B\":%s,\"srp_id\":\"%d\",\"hint\":\"pet\",\"new_algo\":{\"_\":"
        "\"passwordKdfAlgoUnknown\"},\"new_secure_algo\":{\"_\":\"securePasswordKdfAlgoUnknown\"},"
        "\"secure_random\":\"\"}",
        base64(p.salt1, 8), base64(p.salt2, 8), base64(p.prime, 256), base64(b_pub, 256), srp_id);
    return text;
}

struct second {
    uint8_t v[256], b[256], b_pub[256];
};

/* At the PASSWORD step, with a server that knows "secret". */
static struct abench *at_password(struct second *s)
{
    struct abench *b = ab_new();
    struct mt_srp_params p = srp_params();

    memset(s->b, 0x41, sizeof s->b);
    assert_int_equal(mt_srp_verifier(&p, "secret", 6, s->v), MT_OK);
    assert_int_equal(mt_srp_server_public(&p, s->v, s->b, s->b_pub), MT_OK);
    mt_login_phone(b->a, b->now, 1, "49151");
    fake_result(2, "auth.sendCode", "auth.SentCode", SENT_CODE);
    ab_wait(b, 0);
    ab_turn(b);
    mt_login_code(b->a, b->now, 2, "12345");
    fake_error(2, "auth.signIn", 401, "SESSION_PASSWORD_NEEDED");
    ab_wait(b, 0);
    fake_result(2, "account.getPassword", "account.Password", password_json(s->b_pub, 7));
    ab_wait(b, 0);
    ab_expect(b, "login PASSWORD | reply 2 OK");
    assert_string_equal(mt_account_login(b->a)->hint, "pet");
    return b;
}

static int server_checks(const struct second *s)
{
    struct tl_view call = view_of(fake_req(2, "auth.checkPassword")->body), srp;
    struct mt_srp_params p = srp_params();
    struct tl_slice a_pub, m1;

    memcpy(p.b_pub, s->b_pub, sizeof p.b_pub);
    assert_true(tl_get_object(&call, TLF_auth_checkPassword__password, &srp));
    a_pub = tl_get_bytes(&srp, TLF_inputCheckPasswordSRP__A);
    m1 = tl_get_bytes(&srp, TLF_inputCheckPasswordSRP__M1);
    assert_int_equal(m1.n, 32);
    assert_int_equal(a_pub.n, 256);
    return mt_srp_server_check(&p, s->v, s->b, a_pub.p, a_pub.n, m1.p);
}

static void session_password_needed_is_the_next_step(void **state) /* traps 47, 52 */
{
    struct second s;
    struct abench *b = at_password(&s);

    mt_login_password(b->a, b->now, 3, "secret", 6);
    fake_result(2, "account.getPassword", "account.Password", password_json(s.b_pub, 8));
    ab_wait(b, 0);
    ab_expect(b, "compute");
    ab_compute(b);
    assert_int_equal(server_checks(&s), MT_OK);
    fake_result(2, "auth.checkPassword", "auth.Authorization", AUTHORIZATION);
    ab_wait(b, 0);
    ab_expect(b, "save key 2 authorised | save auth | login READY | reply 3 OK");
    ab_done(b);
}

static void a_wrong_password_is_told_and_may_be_tried_again(void **state)
{
    struct second s;
    struct abench *b = at_password(&s);

    mt_login_password(b->a, b->now, 3, "wrong", 5);
    fake_result(2, "account.getPassword", "account.Password", password_json(s.b_pub, 8));
    ab_wait(b, 0);
    ab_turn(b);
    ab_compute(b);
    assert_int_equal(server_checks(&s), MT_E_AUTH);
    fake_error(2, "auth.checkPassword", 400, "PASSWORD_HASH_INVALID");
    ab_wait(b, 0);
    ab_expect(b, "reply 3 RPC_ERROR 400 PASSWORD_HASH_INVALID");
    assert_int_equal(mt_account_login(b->a)->step, MT_LOGIN_PASSWORD);
    ab_done(b);
}

static void srp_id_invalid_is_computed_again_by_itself(void **state) /* trap 52 */
{
    struct second s;
    struct abench *b = at_password(&s);

    mt_login_password(b->a, b->now, 3, "secret", 6);
    for (int i = 0; i < 3; i++) {
        fake_result(2, "account.getPassword", "account.Password", password_json(s.b_pub, 8 + i));
        ab_wait(b, 0);
        ab_expect(b, "compute");
        ab_compute(b);
        fake_error(2, "auth.checkPassword", 400, "SRP_ID_INVALID");
        ab_wait(b, 0);
    }
    ab_expect(b, "reply 3 RPC_ERROR 400 SRP_ID_INVALID");
    ab_done(b);
}

/* --- steps that do not fit, and the end --- */

static void calls_that_do_not_fit_are_refused(void **state)
{
    struct abench *b = ab_new();

    mt_login_code(b->a, b->now, 1, "12345");
    mt_login_password(b->a, b->now, 2, "x", 1);
    mt_login_resend(b->a, b->now, 3);
    mt_logout(b->a, b->now, 4);
    ab_expect(b, "reply 1 WRONG_STEP | reply 2 WRONG_STEP | reply 3 WRONG_STEP | reply 4 WRONG_STEP");
    mt_login_phone(b->a, b->now, 5, "49151");
    mt_login_phone(b->a, b->now, 6, "49152");
    assert_non_null(strstr(ab_turn(b), "reply 6 WRONG_STEP"));
    ab_done(b);
}

static void a_login_without_api_id_says_so(void **state)
{
    struct abench *b = ab_new();
    struct mt_account_cfg cfg = {.env = &b->env.env, .servers = &b->servers, .store = &b->mem.ops};
    struct mt_saved saved = {.main_dc = 0};

    mt_account_free(b->a);
    b->a = mt_account_new(&cfg, &saved, b->now);
    mt_login_phone(b->a, b->now, 1, "49151");
    ab_expect(b, "reply 1 NO_API_ID");
    ab_done(b);
}

static void resend_gives_a_new_code(void **state)
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    fake_result(2, "auth.sendCode", "auth.SentCode", SENT_CODE);
    ab_wait(b, 0);
    ab_turn(b);
    mt_login_resend(b->a, b->now, 2);
    fake_result(2, "auth.resendCode", "auth.SentCode",
                "{\"_\":\"auth.sentCode\",\"type\":{\"_\":\"auth.sentCodeTypeSms\",\"length\":6},"
                "\"phone_code_hash\":\"h2\"}");
    ab_wait(b, 0);
    ab_expect(b, "login CODE | reply 2 OK");
    assert_string_equal(mt_account_login(b->a)->where, "sms");
    assert_string_equal(mt_account_login(b->a)->next, "");
    ab_done(b);
}

static void a_cancelled_login_ends_the_step_that_runs(void **state)
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    ab_turn(b);
    mt_login_cancel(b->a, b->now, 2);
    ab_expect(b, "reply 1 CANCELLED sent:no | login NONE | reply 2 OK");
    ab_done(b);
}

static void sign_up_is_not_ours_to_do(void **state)
{
    struct abench *b = ab_new();

    mt_login_phone(b->a, b->now, 1, "49151");
    fake_result(2, "auth.sendCode", "auth.SentCode", SENT_CODE);
    ab_wait(b, 0);
    ab_turn(b);
    mt_login_code(b->a, b->now, 2, "12345");
    fake_result(2, "auth.signIn", "auth.Authorization", "{\"_\":\"auth.authorizationSignUpRequired\"}");
    ab_wait(b, 0);
    ab_expect(b, "login UNSUPPORTED | reply 2 OK");
    assert_string_equal(mt_account_login(b->a)->constructor, "auth.authorizationSignUpRequired");
    ab_done(b);
}

static void nobody_is_logged_in_before_it_is_saved(void **state)
{
    struct abench *b = ab_new();

    b->hold_saves = true;
    mt_login_phone(b->a, b->now, 1, "49151");
    fake_result(2, "auth.sendCode", "auth.SentCode",
                "{\"_\":\"auth.sentCodeSuccess\",\"authorization\":" AUTHORIZATION "}");
    ab_wait(b, 0);
    ab_expect(b, "connect 2 | save key 2 authorised | save auth");
    assert_true(mt_account_user(b->a) == 0);
    mt_account_done(b->a, b->now, b->save_token, MT_OK, NULL);
    ab_expect(b, "login READY | reply 1 OK");
    ab_done(b);
}

static void log_out_forgets_everything(void **state)
{
    struct abench *b = ab_ready();

    ab_call(b, 8, "{\"_\":\"help.getConfig\"}", 0, 0, 0);
    mt_logout(b->a, b->now, 9);
    fake_result(2, "auth.logOut", "auth.LoggedOut", "{\"_\":\"auth.loggedOut\"}");
    ab_wait(b, 0);
    ab_expect(b, "reply 8 LOGGED_OFF | disconnected | forget | login LOGGED_OUT | reply 9 OK | close");
    assert_true(mt_account_user(b->a) == 0);
    assert_string_equal(mt_account_login(b->a)->reason, "LOGGED_OUT");
    ab_done(b);
}

static void a_lost_answer_to_log_out_is_success(void **state) /* trap 53 */
{
    struct abench *b = ab_ready();

    mt_logout(b->a, b->now, 9);
    fake_event(2, MT_DC_KEY_LOST);
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "login LOGGED_OUT | reply 9 OK"));
    ab_done(b);
    b = ab_ready();
    mt_logout(b->a, b->now, 9);
    fake_error(2, "auth.logOut", 401, "AUTH_KEY_UNREGISTERED");
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "login LOGGED_OUT | reply 9 OK"));
    ab_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phone_login_goes_through_code_to_ready),
        cmocka_unit_test(the_phone_goes_out_as_digits),
        cmocka_unit_test(phone_migrate_moves_the_login),
        cmocka_unit_test(network_migrate_does_the_same),
        cmocka_unit_test(a_bot_logs_in_and_moves_with_user_migrate),
        cmocka_unit_test(a_migration_to_an_unknown_dc_is_reported),
        cmocka_unit_test(a_wrong_code_leaves_the_step),
        cmocka_unit_test(auth_restart_asks_for_a_new_code),
        cmocka_unit_test(a_401_before_login_is_no_log_out),
        cmocka_unit_test(session_password_needed_is_the_next_step),
        cmocka_unit_test(a_wrong_password_is_told_and_may_be_tried_again),
        cmocka_unit_test(srp_id_invalid_is_computed_again_by_itself),
        cmocka_unit_test(calls_that_do_not_fit_are_refused),
        cmocka_unit_test(a_login_without_api_id_says_so),
        cmocka_unit_test(resend_gives_a_new_code),
        cmocka_unit_test(a_cancelled_login_ends_the_step_that_runs),
        cmocka_unit_test(sign_up_is_not_ours_to_do),
        cmocka_unit_test(nobody_is_logged_in_before_it_is_saved),
        cmocka_unit_test(log_out_forgets_everything),
        cmocka_unit_test(a_lost_answer_to_log_out_is_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
