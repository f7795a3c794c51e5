#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"
#include "tl/view.h"

#define TEST(name) static void name(void **state)
#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)

/* The call that the account got, opened. */
static struct tl_view call_of(struct rig *g)
{
    struct tl_view v;

    assert_int_equal(tl_view_open_exact(&v, g->core[0].body, g->core[0].n_body), TL_OK);
    return v;
}

TEST(any_function_of_the_schema_can_be_called_with_any_form_of_a_peer)
{
    static const char *const peers[] = {
        "\"@alice\"",
        "\"alice\"",
        "777123",
        "\"777123\"",
        "\"user:777123\"",
        "\"https://t.me/alice\"",
        "{\"_\":\"inputPeerUser\",\"user_id\":\"777123\",\"access_hash\":77}"};
    BEGIN;
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        struct tl_view v, peer;
        char line[256];

        snprintf(line, sizeof line,
                 "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":%s,\"limit\":3,\"offset_"
                 "id\":0,"
                 "\"offset_date\":0,\"add_offset\":0,\"max_id\":0,\"min_id\":0,\"hash\":0}}",
                 peers[i]);
        assert_string_equal(say(g, line), "");
        v = call_of(g);
        assert_int_equal(v.def->id, TL_messages_getHistory);
        assert_int_equal(tl_get_int(&v, TLF_messages_getHistory__limit), 3);
        assert_true(tl_get_object(&v, TLF_messages_getHistory__peer, &peer));
        assert_int_equal(peer.def->id, TL_inputPeerUser);
        assert_int_equal(tl_get_long(&peer, TLF_inputPeerUser__access_hash), 77);
    }
    assert_int_equal(g->core[0].deadline, g->now.mono + 60 * MT_US_PER_S);
    assert_int_equal(g->core[0].flood_wait, 10);
    END;
}

TEST(where_a_list_begins_may_be_left_out)
{
    struct tl_view v;
    BEGIN;
    assert_string_equal(
        say(g, "{\"method\":\"messages.getHistory\",\"params\":{\"peer\":\"@alice\",\"limit\":3}}"), "");
    v = call_of(g);
    assert_int_equal(tl_get_int(&v, TLF_messages_getHistory__limit), 3);
    assert_int_equal(tl_get_int(&v, TLF_messages_getHistory__max_id), 0);
    say(g, "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"limit\":3}}");
    assert_string_equal(got(g, "error.code"), "-32602");
    say(g, "{\"id\":1,\"method\":\"account.resetAuthorization\"}"); /* its hash means something */
    assert_string_equal(got(g, "error.code"), "-32602");
    END;
}

TEST(a_result_is_written_as_json_by_its_type)
{
    struct tl_out out = {.limit = 0};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"help.getNearestDc\"}");
    tl_put_u32(&out, TL_nearestDc);
    tl_put_str(&out, "NL");
    tl_put_int(&out, 2);
    tl_put_int(&out, 4);
    rig_result(g, 0, out.data, out.len);
    assert_string_equal(rig_read(g, g->c),
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"_\":\"nearestDc\",\"country\":"
                        "\"NL\",\"this_dc\":2,\"nearest_dc\":4}}\n");
    say(g, "{\"id\":1,\"method\":\"help.getNearestDc\",\"fields\":[\"this_dc\"]}");
    rig_result(g, 0, out.data, out.len);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result"), "{\"this_dc\":2}");
    say(g, "{\"id\":1,\"method\":\"help.getNearestDc\"}");
    rig_result(g, 0, out.data, out.len - 4);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "INTERNAL");
    tl_out_free(&out);
    END;
}

TEST(errors_name_the_field_and_the_nearest)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"messages.sendMessage\",\"params\":{\"peer\":\"me\",\"mesage\":\"x\"}}");
    assert_non_null(strstr(got(g, "error.message"), "'mesage'"));
    assert_non_null(strstr(got(g, "error.message"), "'message'"));
    say(g, "{\"id\":1,\"method\":\"messages.sendMessage\",\"params\":{\"peer\":\"no "
           "such!\",\"message\":\"x\"}}");
    assert_string_equal(got(g, "error.message"), "params.peer: this names no peer: 'no such!'");
    say(g, "{\"id\":1,\"method\":\"messages.sendMessage\",\"params\":{\"peer\":5,\"message\":\"x\"}}");
    assert_string_equal(got(g, "error.data.name"), "PEER_UNKNOWN");
    END;
}

TEST(a_channel_named_by_its_bare_number_is_ambiguous)
{
    BEGIN;
    rig_peer(g, mt_chat_of_channel(42), MT_PEER_CHANNEL, "News", "news");
    say(g, "{\"id\":1,\"method\":\"messages.getPeerSettings\",\"params\":{\"peer\":42}}");
    assert_string_equal(got(g, "error.data.name"), "PEER_AMBIGUOUS");
    assert_non_null(strstr(got(g, "error.message"), "-1000000000042"));
    END;
}

static void answer_resolved(struct rig *g, int64_t user)
{
    struct tl_out out = {.limit = 0};

    tl_put_u32(&out, TL_contacts_resolvedPeer);
    tl_put_u32(&out, TL_peerUser);
    tl_put_long(&out, user);
    tl_put_vector(&out, 0);
    tl_put_vector(&out, 0);
    rig_result(g, 0, out.data, out.len);
    tl_out_free(&out);
}

TEST(names_that_are_not_known_are_asked_for_once_each)
{
    struct tl_view v;
    BEGIN;
    say(g,
        "{\"id\":1,\"method\":\"messages.forwardMessages\",\"params\":{\"from_peer\":\"@carol\",\"to_peer\":"
        "\"@carol\",\"id\":[1,2]}}");
    v = call_of(g);
    assert_int_equal(v.def->id, TL_contacts_resolveUsername);
    assert_int_equal(g->core[0].calls, 1);
    rig_peer(g, 777555, MT_PEER_USER, "Carol", ""); /* the engine stored what came with the answer */
    answer_resolved(g, 777555);
    assert_int_equal(g->core[0].calls, 2);
    v = call_of(g);
    assert_int_equal(v.def->id, TL_messages_forwardMessages);
    assert_int_equal(tl_get_vector(&v, TLF_messages_forwardMessages__random_id).left, 2);
    assert_true(g->core[0].flags & MT_CALL_RANDOM_ID);
    END;
}

TEST(a_name_that_nobody_has_is_an_unknown_peer)
{
    struct mt_reply reply = {.kind = MT_REPLY_RPC_ERROR, .code = 400, .text = "USERNAME_NOT_OCCUPIED"};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"messages.getPeerSettings\",\"params\":{\"peer\":\"@nobody\"}}");
    rig_reply(g, 0, &reply);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.code"), "1010");
    assert_string_equal(got(g, "error.message"), "no peer '@nobody'");
    END;
}

TEST(telegrams_errors_keep_their_name_code_and_number)
{
    struct mt_reply wait = {
        .kind = MT_REPLY_RPC_ERROR, .code = 420, .text = "FLOOD_WAIT_17", .seconds = 17, .local = true};
    struct mt_reply bad = {.kind = MT_REPLY_RPC_ERROR, .code = 400, .text = "MESSAGE_ID_INVALID"};
    struct mt_reply late = {.kind = MT_REPLY_TIMEOUT, .sent = MT_SENT_UNKNOWN};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"help.getNearestDc\"}");
    rig_reply(g, 0, &wait);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.code"), "2420");
    assert_string_equal(got(g, "error.data"),
                        "{\"name\":\"FLOOD_WAIT\",\"account\":\"main\",\"method\":"
                        "\"help.getNearestDc\",\"argument\":17,\"seconds\":17,\"local\":true}");
    say(g, "{\"id\":1,\"method\":\"help.getNearestDc\"}");
    rig_reply(g, 0, &bad);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.code"), "2400");
    assert_string_equal(got(g, "error.data.name"), "MESSAGE_ID_INVALID");
    say(g, "{\"id\":1,\"method\":\"help.getNearestDc\"}");
    rig_reply(g, 0, &late);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.sent"), "unknown");
    END;
}

TEST(what_the_engine_does_itself_is_refused_with_what_to_use)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"auth.signIn\",\"params\":{}}");
    assert_string_equal(got(g, "error.data.name"), "ENGINE_OWNED");
    assert_string_equal(got(g, "error.data.hint"), "submitCode");
    say(g, "{\"id\":1,\"method\":\"invokeWithLayer\"}");
    assert_string_equal(got(g, "error.data.name"), "ENGINE_OWNED");
    say(g, "{\"id\":1,\"method\":\"ping\"}");
    assert_string_equal(got(g, "error.data.name"), "ENGINE_OWNED");
    END;
}

TEST(bots_and_users_are_told_apart_before_the_server_is_asked)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"messages.setBotCallbackAnswer\",\"params\":{}}");
    assert_string_equal(got(g, "error.data.name"), "BOTS_ONLY");
    g->core[0].bot = true;
    say(g, "{\"id\":1,\"method\":\"messages.getDialogs\",\"params\":{}}");
    assert_string_equal(got(g, "error.data.name"), "NOT_FOR_BOTS");
    g->core[0].login.step = MT_LOGIN_NONE;
    say(g, "{\"id\":1,\"method\":\"messages.getDialogs\",\"params\":{}}");
    assert_string_equal(got(g, "error.data.name"), "NOT_LOGGED_IN");
    assert_string_equal(say(g, "{\"id\":1,\"method\":\"help.getConfig\"}"), "");
    assert_true(g->core[0].flags & MT_CALL_BEFORE_LOGIN);
    END;
}

TEST(a_raw_send_with_a_dedup_key_goes_through_the_outbox)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"messages.sendMessage\",\"params\":{\"peer\":\"@alice\",\"message\":\"x\","
           "\"dedup_key\":\"k1\"}}");
    assert_string_equal(g->core[0].method, "messages.sendMessage");
    assert_string_equal(g->core[0].dedup, "k1");
    assert_int_equal(g->core[0].chat, 777123);
    assert_string_equal(g->core[0].params,
                        "{\"message\":\"x\",\"peer\":{\"_\":\"inputPeerUser\",\"access_hash\":"
                        "\"77\",\"user_id\":\"777123\"}}");
    END;
}

TEST(check_does_nothing)
{
    BEGIN;
    say(g, "{\"id\":1,\"check\":true,\"method\":\"messages.sendMessage\",\"params\":{\"peer\":\"@alice\","
           "\"message\":\"x\"}}");
    assert_string_equal(got(g, "result"), "{\"checked\":true}");
    assert_int_equal(g->core[0].calls, 0);
    END;
}

TEST(cancel_and_hanging_up_withdraw_a_call)
{
    struct mt_reply gone = {.kind = MT_REPLY_CANCELLED, .sent = MT_SENT_NO};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"help.getNearestDc\"}");
    say(g, "{\"id\":2,\"method\":\"cancel\",\"params\":{\"id\":1}}");
    assert_int_equal(g->core[0].cancelled, g->core[0].token);
    rig_reply(g, 0, &gone);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.code"), "1004");
    assert_string_equal(got(g, "error.data.sent"), "no");
    say(g, "{\"id\":1,\"method\":\"help.getNearestDc\"}");
    g->core[0].cancelled = 0;
    rpc_closed(g->c, g->now);
    assert_int_equal(g->core[0].cancelled, g->core[0].token);
    rig_reply(g, 0, &gone); /* nobody is there any more */
    END;
}

/* --- login --- */

TEST(login_steps_go_to_the_account_and_answer_when_safe)
{
    struct mt_reply ok = {.kind = MT_REPLY_OK};
    BEGIN;
    g->core[0].login = (struct mt_login){.step = MT_LOGIN_NONE};
    g->core[0].user = 0;
    assert_string_equal(say(g, "{\"id\":1,\"method\":\"logIn\",\"params\":{\"phone\":\"+49151\"}}"), "");
    assert_string_equal(g->core[0].secret, "+49151");
    g->core[0].login = (struct mt_login){.step = MT_LOGIN_CODE,
                                         .where = "app",
                                         .length = 5,
                                         .next = "sms",
                                         .wait_until = g->now.mono + 59500000};
    rig_reply(g, 0, &ok);
    assert_string_equal(rig_read(g, g->c), "");
    assert_true(rpc_wants_sync(g->r));
    rpc_synced(g->r, g->now, g->turn);
    assert_false(rpc_wants_sync(g->r));
    rig_read(g, g->c);
    assert_string_equal(got(g, "result"),
                        "{\"account\":\"main\",\"step\":\"code\",\"where\":\"app\",\"length\":5,"
                        "\"next\":\"sms\",\"wait\":60}");
    say(g, "{\"id\":1,\"method\":\"submitCode\",\"params\":{\"code\":12345}}");
    assert_string_equal(g->core[0].secret, "12345");
    END;
}

TEST(a_pause_is_no_log_out_and_says_what_became_of_the_bytes)
{
    struct mt_reply paused = {
        .kind = MT_REPLY_FAILED, .code = MT_E_STATE, .sent = MT_SENT_UNKNOWN, .send_id = 7};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"help.getConfig\"}");
    rig_reply(g, 0, &paused);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "NOT_CONNECTED");
    assert_string_equal(got(g, "error.data.sent"), "unknown");
    assert_string_equal(got(g, "error.data.send_id"), "7");
    END;
}

TEST(a_wrong_step_or_a_missing_api_id_is_told_with_a_hint)
{
    struct mt_reply no_id = {.kind = MT_REPLY_NO_API_ID}, wrong = {.kind = MT_REPLY_WRONG_STEP};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"submitPassword\",\"params\":{\"password\":\"tulip\"}}");
    rig_reply(g, 0, &wrong);
    assert_null(strstr(rig_read(g, g->c), "tulip"));
    assert_string_equal(got(g, "error.data.name"), "WRONG_STEP");
    say(g, "{\"id\":1,\"method\":\"logIn\",\"params\":{\"bot_token\":\"1:x\"}}");
    rig_reply(g, 0, &no_id);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "NO_API_ID");
    assert_non_null(strstr(got(g, "error.data.hint"), "my.telegram.org"));
    assert_null(
        strstr(say(g, "{\"id\":1,\"method\":\"submitCode\",\"params\":{\"code\":[\"tulip\"]}}"), "tulip"));
    say(g, "{\"id\":1,\"method\":\"logIn\"}");
    assert_string_equal(got(g, "error.code"), "-32602");
    END;
}

TEST(the_first_login_makes_an_account_named_main)
{
    BEGIN;
    g->n_accounts = 0;
    memset(&g->core[0], 0, sizeof g->core[0]);
    say(g, "{\"id\":1,\"method\":\"getLoginState\"}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"logIn\",\"params\":{\"phone\":\"+49151\"}}");
    assert_int_equal(g->n_accounts, 1);
    assert_string_equal(g->accounts[0].name, "main");
    say(g, "{\"id\":1,\"method\":\"removeAccount\",\"params\":{\"name\":\"main\"}}");
    assert_string_equal(got(g, "result.ok"), "true");
    END;
}

TEST(an_answer_of_telegram_leaves_after_the_commit_of_its_effects)
{
    struct mt_reply reply = {.kind = MT_REPLY_RPC_ERROR, .code = 400, .text = "SOMETHING_WRONG"};
    BEGIN;
    assert_string_equal(say(g, "{\"id\":1,\"method\":\"help.getNearestDc\"}"), "");
    rig_reply(g, 0, &reply);
    assert_int_equal(rpc_output(g->c).n, 0);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.code"), "2400");
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_of_telegram_leaves_after_the_commit_of_its_effects),
        cmocka_unit_test(any_function_of_the_schema_can_be_called_with_any_form_of_a_peer),
        cmocka_unit_test(where_a_list_begins_may_be_left_out),
        cmocka_unit_test(a_result_is_written_as_json_by_its_type),
        cmocka_unit_test(errors_name_the_field_and_the_nearest),
        cmocka_unit_test(a_channel_named_by_its_bare_number_is_ambiguous),
        cmocka_unit_test(names_that_are_not_known_are_asked_for_once_each),
        cmocka_unit_test(a_name_that_nobody_has_is_an_unknown_peer),
        cmocka_unit_test(telegrams_errors_keep_their_name_code_and_number),
        cmocka_unit_test(what_the_engine_does_itself_is_refused_with_what_to_use),
        cmocka_unit_test(bots_and_users_are_told_apart_before_the_server_is_asked),
        cmocka_unit_test(a_raw_send_with_a_dedup_key_goes_through_the_outbox),
        cmocka_unit_test(check_does_nothing),
        cmocka_unit_test(cancel_and_hanging_up_withdraw_a_call),
        cmocka_unit_test(login_steps_go_to_the_account_and_answer_when_safe),
        cmocka_unit_test(a_pause_is_no_log_out_and_says_what_became_of_the_bytes),
        cmocka_unit_test(a_wrong_step_or_a_missing_api_id_is_told_with_a_hint),
        cmocka_unit_test(the_first_login_makes_an_account_named_main),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
