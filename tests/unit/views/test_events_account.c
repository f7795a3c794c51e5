/* What becomes of the account itself, and what a bot sees of the accounts that it is connected to. */
#include "tests/unit/views/vbench.h"

/* The body of the one event that `update` makes, as text; `about`: its key up to a digest, chat, sender and
 * direction. */
static void body_is(const char *type, const char *update, const char *about, const char *body)
{
    json_t *list = vb_events(type, update), *e = json_array_get(list, 0);
    const char *key = json_string_value(json_object_get(e, "key"));
    char place[192];

    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_object_get(e, "type")), type);
    assert_false(json_is_true(json_object_get(e, "live")));
    snprintf(place, sizeof place, "%.*s %lld %lld %lld", (int)(strlen(key) > 40 ? 40 : strlen(key)), key,
             (long long)json_integer_value(json_object_get(e, "chat")),
             (long long)json_integer_value(json_object_get(e, "sender")),
             (long long)json_integer_value(json_object_get(e, "direction")));
    if (strncmp(place, about, strlen(about)) != 0)
        assert_string_equal(place, about);
    vb_expect(json_incref(json_object_get(e, "body")), body);
    json_decref(list);
}

#define ALICE  "\"user\":{\"id\":42,\"name\":\"Alice A\",\"username\":\"alice\"}"
#define PEER42 "{\"_\":\"peerUser\",\"user_id\":\"42\"}"

/* --- account --- */

static void a_login_elsewhere_is_told_with_what_is_known_of_it(void **state)
{
    body_is(
        "account",
        "{\"_\":\"updateNewAuthorization\",\"unconfirmed\":true,\"hash\":\"9007199254740993\",\"date\":800,"
        "\"device\":\"Phone\",\"location\":\"Rome\"}",
        "account/session/",
        "{\"session_id\":\"9007199254740993\",\"confirmed\":false,\"date\":800,\"device\":\"Phone\","
        "\"location\":\"Rome\",\"action\":\"session\"}");
    body_is("account", "{\"_\":\"updateNewAuthorization\",\"hash\":\"5\"}", "account/session/",
            "{\"session_id\":\"5\",\"confirmed\":true,\"action\":\"session\"}");
    body_is("account",
            "{\"_\":\"updateNewBotConnection\",\"confirmed\":true,\"bot_id\":\"42\",\"date\":800,\"device\":"
            "\"Phone\",\"location\":\"Rome\"}",
            "account/bot_connected/",
            "{" ALICE
            ",\"confirmed\":true,\"date\":800,\"device\":\"Phone\",\"location\":\"Rome\",\"action\":"
            "\"bot_connected\"}");
}

static void a_change_of_our_name_is_the_account_s(void **state)
{
    body_is("account",
            "{\"_\":\"updateUserName\",\"user_id\":\"1\",\"first_name\":\"Ann\",\"last_name\":\"Lee\","
            "\"usernames\":[{\"_\":\"username\",\"username\":\"old\"},{\"_\":\"username\",\"active\":true,"
            "\"username\":\"ann\"},{\"_\":\"username\",\"active\":true,\"username\":\"ann2\"}]}",
            "account/name/", "{\"name\":\"Ann Lee\",\"username\":\"ann\",\"action\":\"name\"}");
    body_is("account",
            "{\"_\":\"updateUserName\",\"user_id\":\"1\",\"first_name\":\"\",\"last_name\":\"Lee\","
            "\"usernames\":[]}",
            "account/name/", "{\"name\":\"Lee\",\"action\":\"name\"}");
    body_is("account",
            "{\"_\":\"updateUserEmojiStatus\",\"user_id\":\"1\",\"emoji_status\":{\"_\":\"emojiStatus\","
            "\"document_id\":\"9007199254740993\",\"until\":950}}",
            "account/emoji_status/",
            "{\"emoji_id\":\"9007199254740993\",\"until\":950,\"action\":\"emoji_status\"}");
    body_is(
        "account",
        "{\"_\":\"updateUserEmojiStatus\",\"user_id\":\"1\",\"emoji_status\":{\"_\":\"emojiStatusEmpty\"}}",
        "account/emoji_status/", "{\"action\":\"emoji_status\"}");
}

/* 64 letters of two bytes, as many as Telegram takes for each. */
static void a_long_name_is_told_whole(void **state)
{
    char name[129] = "", update[512], want[512];

    for (int i = 0; i < 64; i++)
        memcpy(name + 2 * (size_t)i, "\xd0\xb6", 3);
    snprintf(update, sizeof update,
             "{\"_\":\"updateUserName\",\"user_id\":\"1\",\"first_name\":\"%s\",\"last_name\":\"%s\","
             "\"usernames\":[]}",
             name, name);
    snprintf(want, sizeof want, "{\"name\":\"%s %s\",\"action\":\"name\"}", name, name);
    body_is("account", update, "account/name/", want);
}

static void our_number_is_not_told(void **state)
{
    body_is("account", "{\"_\":\"updateUserPhone\",\"user_id\":\"1\",\"phone\":\"4915112345678\"}",
            "account/phone/", "{\"action\":\"phone\"}");
}

/* vb_events() fails where the view refuses: so by hand. */
static void of_others_it_is_no_event_of_the_account(void **state)
{
    static const char user_name[] =
        "{\"_\":\"updateUserName\",\"user_id\":\"42\",\"first_name\":\"A\",\"last_name\":\"\",\"usernames\":["
        "]}";
    static const char *const rows[] = {
        user_name,
        "{\"_\":\"updateUserPhone\",\"user_id\":\"42\",\"phone\":\"49\"}",
        "{\"_\":\"updateUserEmojiStatus\",\"user_id\":\"42\",\"emoji_status\":{\"_\":\"emojiStatusEmpty\"}}",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tl_out out = vb_encode("Update", rows[i]);
        struct mt_fx fx = {.kind = MT_FX_UPDATE, .p = out.data, .n = out.len, .date = 900};
        struct tl_view v;

        assert_int_equal(tl_view_open_exact(&v, out.data, out.len), TL_OK);
        assert_int_equal(rpc_view_update(&vb_ctx, "account", &fx, &v, NULL, NULL), MT_E_PEER);
        tl_out_free(&out);
    }
}

static void settings_and_balance(void **state)
{
    body_is("account",
            "{\"_\":\"updatePrivacy\",\"key\":{\"_\":\"privacyKeyPhoneP2P\"},\"rules\":[{\"_\":"
            "\"privacyValueAllowAll\"}]}",
            "account/privacy/", "{\"setting\":\"direct_calls\",\"action\":\"privacy\"}");
    body_is("account", "{\"_\":\"updateContactsReset\"}", "account/contacts/", "{\"action\":\"contacts\"}");
    body_is(
        "account",
        "{\"_\":\"updateStarsBalance\",\"balance\":{\"_\":\"starsAmount\",\"amount\":\"77\",\"nanos\":0}}",
        "account/balance/", "{\"stars\":77,\"action\":\"balance\"}");
}

/* --- business --- */

#define CONN "\"connection_id\":\"c1\""
#define MESSAGE(id, more)                                                                                    \
    "{\"_\":\"message\",\"id\":" #id ",\"peer_id\":" PEER42 ",\"date\":800,\"message\":\"hi\"" more "}"
#define SHOWN(id, more)                                                                                      \
    "{\"id\":" #id ",\"chat_id\":42,\"chat_type\":\"user\",\"chat_title\":\"Alice A\",\"chat_username\":"    \
    "\"alice\",\"sender_id\":42,\"sender_name\":\"Alice A\",\"sender_username\":\"alice\",\"date\":800,"     \
    "\"out\":false,\"text\":\"hi\"" more "}"

static void a_connection_says_whose_it_is_and_what_it_allows(void **state)
{
    body_is("business",
            "{\"_\":\"updateBotBusinessConnect\",\"connection\":{\"_\":\"botBusinessConnection\"," CONN
            ",\"user_id\":\"42\",\"dc_id\":2,\"date\":800,\"rights\":{\"_\":\"businessBotRights\",\"reply\":"
            "true,\"manage_stories\":true}},\"qts\":3}",
            "business/",
            "{\"action\":\"connected\"," CONN "," ALICE ",\"date\":800,\"rights\":[\"reply\","
            "\"manage_stories\"]}");
    body_is(
        "business",
        "{\"_\":\"updateBotBusinessConnect\",\"connection\":{\"_\":\"botBusinessConnection\",\"disabled\":"
        "true," CONN ",\"user_id\":\"42\",\"dc_id\":2,\"date\":800},\"qts\":3}",
        "business/", "{\"action\":\"disconnected\"," CONN "," ALICE ",\"date\":800,\"rights\":[]}");
}

static void what_is_said_in_the_user_s_chats(void **state)
{
    body_is("business",
            "{\"_\":\"updateBotNewBusinessMessage\"," CONN ",\"message\":" MESSAGE(7, "") ",\"qts\":3}",
            "business/c1/message/42/7/0 42 42 1",
            "{\"action\":\"message\"," CONN ",\"message\":" SHOWN(7, "") "}");
    body_is("business",
            "{\"_\":\"updateBotEditBusinessMessage\"," CONN ",\"message\":" MESSAGE(
                7, ",\"edit_date\":850") ","
                                         "\"reply_to_message\":" MESSAGE(6, "") ",\"qts\":3}",
            "business/c1/edit/42/7/850 42 42 1",
            "{\"action\":\"edit\"," CONN
            ",\"message\":" SHOWN(7, ",\"edit_date\":850") ",\"replied\":" SHOWN(6, "") "}");
    /* the numbers are the user's: of the bot's own box nothing is learnt */
    assert_int_equal(vb_chat_of_message[7], 0);
}

static void what_is_deleted_there(void **state)
{
    body_is("business",
            "{\"_\":\"updateBotDeleteBusinessMessage\"," CONN ",\"peer\":" PEER42
            ",\"messages\":[7,8],\"qts\":3}",
            "business/", "{\"action\":\"delete\"," CONN ",\"chat_id\":42,\"message_ids\":[7,8]}");
}

static void a_press_of_a_button_there(void **state)
{
    body_is(
        "business",
        "{\"_\":\"updateBusinessBotCallbackQuery\",\"query_id\":\"9007199254740993\",\"user_id\":\"42\"," CONN
        ",\"message\":" MESSAGE(7, "") ",\"chat_instance\":\"5\",\"data\":\"eWVz\"}",
        "business/9007199254740993 42 42 1",
        "{\"action\":\"callback\"," CONN ",\"message\":" SHOWN(
            7, "") ",\"sender_id\":42,\"sender_name\":\"Alice A\",\"sender_username\":\"alice\",\"query_id\":"
                   "\"9007199254740993\",\"chat_instance\":\"5\",\"data\":\"eWVz\",\"data_text\":\"yes\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_elsewhere_is_told_with_what_is_known_of_it),
        cmocka_unit_test(a_change_of_our_name_is_the_account_s),
        cmocka_unit_test(a_long_name_is_told_whole),
        cmocka_unit_test(our_number_is_not_told),
        cmocka_unit_test(of_others_it_is_no_event_of_the_account),
        cmocka_unit_test(settings_and_balance),
        cmocka_unit_test(a_connection_says_whose_it_is_and_what_it_allows),
        cmocka_unit_test(what_is_said_in_the_user_s_chats),
        cmocka_unit_test(what_is_deleted_there),
        cmocka_unit_test(a_press_of_a_button_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
