/* Who may log in, where, with what. */
#include "tests/unit/sandbox_world/fixture.h"

#include "core/crypto/crypto.h"
#include "tests/sandbox/world_turn.h"
#include "tl/view.h"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    fix_init(&f, 7);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_fini(&f);
    return 0;
}

static void send_code(const char *phone)
{
    fix_call(&f, "auth.sendCode", "{s:s,s:i,s:s,s:{s:s}}", "phone_number", phone, "api_id", 1, "api_hash",
             "h", "settings", "_", "codeSettings");
}

static void sign_in(const char *phone, const char *hash, const char *code)
{
    fix_call(&f, "auth.signIn", "{s:s,s:s,s:s}", "phone_number", phone, "phone_code_hash", hash, "phone_code",
             code);
}

static void the_configuration_names_every_data_centre(void **state)
{
    (void)state;
    fix_as(&f, 1, 2);
    fix_call(&f, "help.getConfig", NULL);
    assert_int_equal(json_array_size(at(f.result, "dc_options")), 3);
    assert_int_equal(num(f.result, "this_dc"), 2);
    assert_int_equal(num(f.result, "dc_options.2.port"), 11003);
    fix_call(&f, "help.getNearestDc", NULL);
    assert_int_equal(num(f.result, "nearest_dc"), 2);
}

static void nothing_else_is_told_to_a_key_without_a_user(void **state)
{
    (void)state;
    fix_as(&f, 1, 2);
    fix_refused(&f, "401 AUTH_KEY_UNREGISTERED", "updates.getState", NULL);
    fix_refused(&f, "401 AUTH_KEY_UNREGISTERED", "account.getPassword", NULL);
    fix_refused(&f, "401 AUTH_KEY_UNREGISTERED", "contacts.getTopPeers", "{s:i,s:i,s:i}", "offset", 0,
                "limit", 1, "hash", 0);
}

static void a_test_number_lives_on_the_dc_of_its_sixth_digit(void **state)
{
    (void)state;
    fix_as(&f, 1, 2);
    send_code("9996610003");
    assert_string_equal(f.error, "303 PHONE_MIGRATE_1");
    send_code("+999 66 3 7777");
    assert_string_equal(f.error, "303 PHONE_MIGRATE_3");
    send_code("9996690000");
    assert_string_equal(f.error, "406 PHONE_NUMBER_INVALID");
    send_code("alice");
    assert_string_equal(f.error, "406 PHONE_NUMBER_INVALID");
    fix_login(&f, 2, 1, "9996610003");
    assert_int_equal(sb_world_user_of(f.w, 1, 2), CAROL);
}

static void a_wrong_code_is_refused_and_the_sixth_one_too(void **state)
{
    char hash[40];

    (void)state;
    fix_as(&f, 1, 2);
    send_code("9996620001");
    assert_string_equal(str(f.result, "type._"), "auth.sentCodeTypeSms");
    snprintf(hash, sizeof hash, "%s", str(f.result, "phone_code_hash"));
    sign_in("9996620001", hash, "");
    assert_string_equal(f.error, "400 PHONE_CODE_EMPTY");
    for (int i = 0; i < 5; i++) {
        sign_in("9996620001", hash, "12345");
        assert_string_equal(f.error, "400 PHONE_CODE_INVALID");
    }
    sign_in("9996620001", hash, "22222");
    assert_string_equal(f.error, "400 PHONE_CODE_EXPIRED");
    send_code("9996620001");
    sign_in("9996620001", "0000", "22222");
    assert_string_equal(f.error, "400 PHONE_CODE_EXPIRED");
}

static void a_code_expires(void **state)
{
    char hash[40];

    (void)state;
    fix_as(&f, 1, 2);
    send_code("9996620001");
    snprintf(hash, sizeof hash, "%s", str(f.result, "phone_code_hash"));
    f.now.wall += 301 * MT_US_PER_S;
    sign_in("9996620001", hash, "22222");
    assert_string_equal(f.error, "400 PHONE_CODE_EXPIRED");
}

static void a_code_goes_to_the_other_sessions_as_a_message_of_777000(void **state)
{
    json_t *updates;
    char text[200];

    (void)state;
    fix_control(&f, "addUser", "{s:s,s:s}", "first_name", "Dora", "phone", "4915112345678");
    fix_login(&f, 1, 2, "4915112345678");
    fix_as(&f, 2, 2);
    send_code("4915112345678");
    assert_string_equal(str(f.result, "type._"), "auth.sentCodeTypeApp");
    updates = fix_updates(&f, sb_world_user_of(f.w, 2, 1));
    fix_control(&f, "lastCode", "{s:s}", "phone", "4915112345678");
    snprintf(text, sizeof text, "Login code: %s.", str(f.result, "code"));
    assert_int_equal(json_array_size(updates), 1);
    assert_memory_equal(at(updates, "0.message.message") ? str(updates, "0.message.message")
                                                         : str(updates, "0.message"),
                        text, strlen(text));
    json_decref(updates);
}

static void a_new_number_signs_up(void **state)
{
    char hash[40];

    (void)state;
    fix_as(&f, 1, 3);
    send_code("9996634567");
    snprintf(hash, sizeof hash, "%s", str(f.result, "phone_code_hash"));
    fix_refused(&f, "400 PHONE_CODE_INVALID", "auth.signUp", "{s:s,s:s,s:s,s:s}", "phone_number",
                "9996634567", "phone_code_hash", hash, "first_name", "Eve", "last_name", "");
    sign_in("9996634567", hash, "33333");
    assert_string_equal(str(f.result, "_"), "auth.authorizationSignUpRequired");
    fix_call(&f, "auth.signUp", "{s:s,s:s,s:s,s:s}", "phone_number", "9996634567", "phone_code_hash", hash,
             "first_name", "Eve", "last_name", "");
    assert_string_equal(str(f.result, "user.first_name"), "Eve");
    fix_call(&f, "updates.getState", NULL);
    assert_int_equal(num(f.result, "pts"), 1);
}

/* Answers the password question of the last account.getPassword. */
static void check_password(const char *password, int64_t srp_id)
{
    struct mt_srp_params p = {.g = 3};
    uint8_t salt1[64], salt2[64], a[256], a_pub[256], m1[32];
    json_t *r = json_incref(f.result);
    struct tl_out out = {0};
    struct tl_in in;
    struct tl_view v;
    struct tl_slice s;

    /* base64 has no reader here: the bytes come from encoding the answer again */
    const struct tl_def *def = tl_def_by_name("account.getPassword", 19, true);
    struct tl_json_error error;

    assert_int_equal(tl_field_from_json(&def->result, r, "r", NULL, &out, &error), TL_OK);
    in = tl_in(out.data, out.len);
    (void)in;
    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_OK);
    struct tl_view algo;

    assert_true(tl_get_object(&v, (unsigned)tl_view_field(&v, "current_algo"), &algo));
    memcpy(p.prime, mt_dh_known_prime, 256);
    s = tl_get_bytes(&algo, (unsigned)tl_view_field(&algo, "salt1"));
    memcpy(salt1, s.p, s.n);
    p.salt1 = salt1;
    p.salt1_len = s.n;
    s = tl_get_bytes(&algo, (unsigned)tl_view_field(&algo, "salt2"));
    memcpy(salt2, s.p, s.n);
    p.salt2 = salt2;
    p.salt2_len = s.n;
    s = tl_get_bytes(&v, (unsigned)tl_view_field(&v, "srp_B"));
    memcpy(p.b_pub, s.p, 256);
    f.env.random(f.env.ctx, a, sizeof a);
    assert_int_equal(mt_srp_answer(&p, password, strlen(password), a, a_pub, m1), MT_OK);
    json_decref(r);
    tl_out_free(&out);

    struct tl_out bytes = {0};

    def = tl_def_by_name("auth.checkPassword", 18, true);
    tl_put_u32(&bytes, def->id);
    tl_put_u32(&bytes, tl_def_by_name("inputCheckPasswordSRP", 21, false)->id);
    tl_put_long(&bytes, srp_id);
    tl_put_bytes(&bytes, a_pub, 256);
    tl_put_bytes(&bytes, m1, 32);
    struct sb_reply reply;

    assert_int_equal(tl_view_open_exact(&v, bytes.data, bytes.len), TL_OK);
    sb_world_call(f.w, f.now, &f.caller, &v, &reply);
    snprintf(f.error, sizeof f.error, "%d %s", reply.err_code, reply.err_text);
    sb_reply_free(&reply);
    tl_out_free(&bytes);
}

static void a_password_is_asked_for_and_checked_once_per_question(void **state)
{
    char hash[40];

    (void)state;
    fix_control(&f, "setPassword", "{s:s,s:s,s:s}", "user", "@alice", "password", "correct horse", "hint",
                "h?");
    fix_as(&f, 1, 2);
    send_code("9996620001");
    snprintf(hash, sizeof hash, "%s", str(f.result, "phone_code_hash"));
    sign_in("9996620001", hash, "22222");
    assert_string_equal(f.error, "401 SESSION_PASSWORD_NEEDED");
    fix_refused(&f, "401 SESSION_PASSWORD_NEEDED", "updates.getState", NULL);
    fix_call(&f, "account.getPassword", NULL);
    assert_string_equal(str(f.result, "hint"), "h?");
    int64_t id = num(f.result, "srp_id");

    check_password("wrong", id);
    assert_string_equal(f.error, "400 PASSWORD_HASH_INVALID");
    fix_call(&f, "account.getPassword", NULL);
    check_password("correct horse", id);
    assert_string_equal(f.error, "400 SRP_ID_INVALID");
    fix_call(&f, "account.getPassword", NULL);
    check_password("correct horse", num(f.result, "srp_id"));
    assert_string_equal(f.error, "0 ");
    fix_call(&f, "updates.getState", NULL);
    assert_string_equal(f.error, "");
}

static void a_bot_logs_in_with_its_token_and_may_not_do_what_users_do(void **state)
{
    (void)state;
    fix_as(&f, 1, 1);
    fix_refused(&f, "303 USER_MIGRATE_2", "auth.importBotAuthorization", "{s:i,s:i,s:s,s:s}", "flags", 0,
                "api_id", 1, "api_hash", "h", "bot_auth_token", "6000000001:sandbox-token-of-echo-bot");
    fix_refused(&f, "400 ACCESS_TOKEN_INVALID", "auth.importBotAuthorization", "{s:i,s:i,s:s,s:s}", "flags",
                0, "api_id", 1, "api_hash", "h", "bot_auth_token", "6000000001:x");
    fix_login_bot(&f, 1);
    assert_true(json_is_true(at(f.result, "user.bot")));
    fix_refused(&f, "400 BOT_METHOD_INVALID", "contacts.getContacts", "{s:i}", "hash", 0);
}

static void a_login_moves_to_another_dc_with_a_token_that_works_once(void **state)
{
    json_t *bytes;

    (void)state;
    fix_login(&f, 1, 2, "9996620001");
    fix_refused(&f, "400 DC_ID_INVALID", "auth.exportAuthorization", "{s:i}", "dc_id", 2);
    fix_refused(&f, "400 DC_ID_INVALID", "auth.exportAuthorization", "{s:i}", "dc_id", 9);
    fix_call(&f, "auth.exportAuthorization", "{s:i}", "dc_id", 3);
    bytes = json_incref(at(f.result, "bytes"));
    fix_as(&f, 2, 1);
    fix_refused(&f, "400 AUTH_BYTES_INVALID", "auth.importAuthorization", "{s:I,s:O}", "id", ALICE, "bytes",
                bytes);
    fix_as(&f, 2, 3);
    fix_call(&f, "auth.importAuthorization", "{s:I,s:O}", "id", ALICE, "bytes", bytes);
    assert_int_equal(num(f.result, "user.id"), ALICE);
    fix_refused(&f, "400 AUTH_BYTES_INVALID", "auth.importAuthorization", "{s:I,s:o}", "id", ALICE, "bytes",
                bytes);
    fix_refused(&f, "303 USER_MIGRATE_2", "updates.getState", NULL);
}

static void a_qr_login_is_accepted_by_another_session(void **state)
{
    json_t *token;

    (void)state;
    fix_login(&f, 1, 2, "9996620001");
    fix_as(&f, 2, 2);
    fix_call(&f, "auth.exportLoginToken", "{s:i,s:s,s:[]}", "api_id", 1, "api_hash", "h", "except_ids");
    assert_string_equal(str(f.result, "_"), "auth.loginToken");
    token = json_incref(at(f.result, "token"));
    fix_as(&f, 1, 2);
    fix_call(&f, "auth.acceptLoginToken", "{s:O}", "token", token);
    assert_string_equal(str(f.result, "_"), "authorization");
    assert_int_equal(num(f.pushes, "0.key_id"), 2);
    assert_string_equal(str(f.pushes, "0.updates.update._"), "updateLoginToken");
    fix_refused(&f, "400 AUTH_TOKEN_ALREADY_ACCEPTED", "auth.acceptLoginToken", "{s:o}", "token", token);
    fix_as(&f, 2, 2);
    fix_call(&f, "auth.exportLoginToken", "{s:i,s:s,s:[]}", "api_id", 1, "api_hash", "h", "except_ids");
    assert_int_equal(num(f.result, "authorization.user.id"), ALICE);
}

static void sessions_are_listed_reset_and_logged_out(void **state)
{
    (void)state;
    fix_login(&f, 1, 2, "9996620001");
    fix_login(&f, 2, 2, "9996620001");
    fix_call(&f, "account.getAuthorizations", NULL);
    assert_int_equal(json_array_size(at(f.result, "authorizations")), 2);
    fix_call(&f, "account.resetAuthorization", "{s:I}", "hash", num(f.result, "authorizations.0.hash"));
    assert_int_equal(sb_world_user_of(f.w, 2, 1), 0);
    fix_call(&f, "auth.logOut", NULL);
    fix_refused(&f, "401 AUTH_KEY_UNREGISTERED", "updates.getState", NULL);
}

static void a_method_without_behaviour_answers_a_counted_stub(void **state)
{
    (void)state;
    fix_login(&f, 1, 2, "9996620001");
    fix_call(&f, "contacts.getTopPeers", "{s:i,s:i,s:i}", "offset", 0, "limit", 1, "hash", 0);
    assert_true(f.stub);
    fix_control(&f, "stubs", NULL);
    assert_int_equal(num(f.result, "contacts"), 0);
    assert_int_equal(json_integer_value(json_object_get(f.result, "contacts.getTopPeers")), 1);
}

/* Whoever calls whatever: an answer of its type, or an error that Telegram has. */
static void every_method_answers_its_type_or_an_error(void **state)
{
    size_t answered = 0, refused = 0, stubs = 0;

    (void)state;
    fix_login(&f, 1, 2, "9996620001");
    fix_login_bot(&f, 2);
    for (size_t i = 0; i < tl_def_count(); i++) {
        const struct tl_def *def = tl_def_at(i);
        struct tl_out call = {0};
        struct tl_view v;

        for (uint64_t key = 1;
             def->is_function && def->section == TL_S_API && key <= 3 && sb_least(def, &call); key++) {
            struct sb_reply reply;

            if (!strcmp(tl_def_name(def), "auth.logOut") ||
                !strcmp(tl_def_name(def), "auth.resetAuthorizations"))
                break;
            fix_as(&f, key, 2);
            assert_int_equal(tl_view_open_exact(&v, call.data, call.len), TL_OK);
            sb_world_call(f.w, f.now, &f.caller, &v, &reply);
            if (reply.err_code) {
                assert_true(reply.err_code != 500 && reply.err_text[0]);
                refused++;
            } else {
                struct tl_in in = tl_in(reply.result.data, reply.result.len);

                if (tl_skip_field(&in, &def->result) != TL_OK || tl_left(&in))
                    fail_msg("%s", tl_def_name(def));
                answered++;
                stubs += reply.stub;
            }
            sb_reply_free(&reply);
        }
        tl_out_free(&call);
    }
    assert_true(answered > 500 && refused > 500 && stubs > 300);
}

int main(void)
{
#define T(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_configuration_names_every_data_centre),
        T(nothing_else_is_told_to_a_key_without_a_user),
        T(a_test_number_lives_on_the_dc_of_its_sixth_digit),
        T(a_wrong_code_is_refused_and_the_sixth_one_too),
        T(a_code_expires),
        T(a_code_goes_to_the_other_sessions_as_a_message_of_777000),
        T(a_new_number_signs_up),
        T(a_password_is_asked_for_and_checked_once_per_question),
        T(a_bot_logs_in_with_its_token_and_may_not_do_what_users_do),
        T(a_login_moves_to_another_dc_with_a_token_that_works_once),
        T(a_qr_login_is_accepted_by_another_session),
        T(sessions_are_listed_reset_and_logged_out),
        T(every_method_answers_its_type_or_an_error),
        T(a_method_without_behaviour_answers_a_counted_stub),
    };
    return cmocka_run_group_tests_name("sandbox world: logins", tests, NULL, NULL);
}
