/* What somebody behind a profile tries in order to see or change what it does not show (api.md section 9). */
#include "rpc/impl.h"
#include "rpc/profile.h"
#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"
#include "tl/json.h"
#include <string.h>

#define NEWS (-INT64_C(1000000000055))
#define BOB  INT64_C(777124)

static struct rig *limited(const char *accounts, const char *methods, const char *chats)
{
    struct rig *g = rig_new();
    struct rpc_profile_cfg cfg = {
        .name = "reader", .accounts = accounts, .methods = methods, .chats = chats, .owner_uid = 1000};
    char err[256];
    int32_t id;

    g->host.account_add(g, "shop", 0, NULL, &id, err);
    rig_peer(g, NEWS, MT_PEER_CHANNEL, "News", "news");
    rig_peer(g, BOB, MT_PEER_USER, "Bob", "bob");
    rig_peer(g, 777000, MT_PEER_USER, "Telegram", "");
    g->profile = rpc_profile_new(&cfg, err);
    if (!g->profile)
        fail_msg("%s", err);
    rpc_closed(g->c, g->now);
    g->c = rig_connect(g);
    return g;
}

static void done(struct rig *g)
{
    rpc_profile_unref(g->profile);
    rig_free(g);
}

/* The account's answer, of a TL type, as JSON. */
static void answer(struct rig *g, const char *type, const char *json)
{
    struct tl_out out = {0};
    struct tl_json_error error;
    json_t *value = json_loads(json, 0, NULL);

    assert_non_null(value);
    if (tl_object_from_json((uint16_t)tl_type_by_name(type, strlen(type)), value, "t", NULL, &out, &error) !=
        0)
        fail_msg("%s: %s", error.path, error.text);
    rig_result(g, 0, out.data, out.len);
    tl_out_free(&out);
    json_decref(value);
    rig_read(g, g->c);
}

static const char *function(const struct rig *g)
{
    struct tl_view v;

    return tl_view_open(&v, g->core[0].body, g->core[0].n_body) == TL_OK ? tl_def_name(v.def) : "";
}

#define MESSAGE_OF(user, id)                                                                                 \
    "{\"_\":\"message\",\"id\":" #id ",\"peer_id\":{\"_\":\"peerUser\",\"user_id\":\"" #user                 \
    "\"},\"date\":5,\"message\":\"x\"}"
#define MESSAGES(list)                                                                                       \
    "{\"_\":\"messages.messages\",\"messages\":[" list "],\"topics\":[],\"chats\":[],\"users\":[]}"

/* One row of numbers goes through all private chats: a number is not of the chat that is named beside it. */
static void a_number_of_another_chat_is_neither_deleted_nor_forwarded(void **state)
{
    static const char *const asks[] = {
        "{\"id\":1,\"method\":\"deleteMessages\",\"params\":{\"chat_id\":\"@alice\",\"message_ids\":[4,5]}}",
        "{\"id\":1,\"method\":\"forwardMessages\",\"params\":{\"chat_id\":\"@alice\",\"from_chat_id\":"
        "\"@alice\",\"message_ids\":[4,5]}}",
        "{\"id\":1,\"method\":\"copyMessages\",\"params\":{\"chat_id\":\"@alice\",\"from_chat_id\":\"@"
        "alice\","
        "\"message_ids\":[4,5]}}"};
    static const char *const chats[] = {"@alice", NULL};

    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 2; k++) { /* some chats only; all but the login codes */
            struct rig *g = limited("main", "@send", chats[k]);

            say(g, asks[i]);
            assert_string_equal(function(g), "messages.getMessages");
            answer(g, "messages.Messages", MESSAGES(MESSAGE_OF(777123, 4) "," MESSAGE_OF(777000, 5)));
            assert_string_equal(got(g, "error.data.name"), "DENIED");
            assert_string_equal(g->core[0].method, "");
            say(g, asks[i]); /* all of the chat, and one that is not there */
            answer(g, "messages.Messages",
                   MESSAGES(MESSAGE_OF(777123, 4) ",{\"_\":\"messageEmpty\",\"id\":5}"));
            assert_string_equal(g->core[0].method,
                                i == 0 ? "messages.deleteMessages" : "messages.forwardMessages");
            done(g);
        }
    }
}

static void more_numbers_than_one_call_takes_are_all_looked_at(void **state)
{
    struct rig *g = limited("main", "@send", "@alice");
    char text[2048];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "{\"id\":1,\"method\":\"deleteMessages\",\"params\":{\"chat_id\":\"@alice\","
                                "\"message_ids\":[1");

    for (int i = 2; i <= 150; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, ",%d", i);
    snprintf(text + n, sizeof text - n, "]}}");
    say(g, text);
    answer(g, "messages.Messages", MESSAGES(MESSAGE_OF(777123, 4)));
    assert_int_equal(g->core[0].calls, 2);
    answer(g, "messages.Messages", MESSAGES(MESSAGE_OF(777000, 150)));
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    assert_string_equal(g->core[0].method, "");
    done(g);
}

static void who_sees_everything_is_not_asked_twice(void **state)
{
    struct rig *g = limited("main", "@send @admin", NULL);

    say(g,
        "{\"id\":1,\"method\":\"deleteMessages\",\"params\":{\"chat_id\":\"@alice\",\"message_ids\":[4]}}");
    assert_string_equal(g->core[0].method, "messages.deleteMessages");
    done(g);
}

/* A refusal for what was found would tell that it is there: a code could be guessed digit by digit. */
static void what_looks_through_all_chats_is_refused_before_it_is_asked(void **state)
{
    static const char *const asks[] = {
        "{\"id\":1,\"method\":\"messages.searchGlobal\",\"params\":{\"q\":\"12345\",\"filter\":{\"_\":"
        "\"inputMessagesFilterEmpty\"},\"min_date\":0,\"max_date\":0,\"limit\":1}}",
        "{\"id\":1,\"method\":\"messages.search\",\"params\":{\"peer\":{\"_\":\"inputPeerEmpty\"},\"q\":"
        "\"12345\",\"filter\":{\"_\":\"inputMessagesFilterEmpty\"},\"min_date\":0,\"max_date\":0,\"limit\":1}"
        "}",
        "{\"id\":1,\"method\":\"messages.deleteMessages\",\"params\":{\"id\":[5]}}",
        "{\"id\":1,\"method\":\"messages.readMessageContents\",\"params\":{\"id\":[5]}}",
        "{\"id\":1,\"method\":\"messages.forwardMessages\",\"params\":{\"from_peer\":{\"_\":"
        "\"inputPeerEmpty\"},"
        "\"to_peer\":\"@alice\",\"id\":[5]}}",
        "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":{\"_\":"
        "\"inputPeerUserFromMessage\","
        "\"peer\":\"@alice\",\"msg_id\":1,\"user_id\":\"777000\"},\"limit\":1}}",
        "{\"id\":1,\"method\":\"messages.getPeerDialogs\",\"params\":{\"peers\":[{\"_\":\"inputDialogPeer\","
        "\"peer\":{\"_\":\"inputPeerUser\",\"user_id\":\"777000\",\"access_hash\":\"0\"}}]}}",
        "{\"id\":1,\"method\":\"messages.sendMessage\",\"params\":{\"peer\":\"@alice\",\"message\":\"x\","
        "\"reply_to\":{\"_\":\"inputReplyToMessage\",\"reply_to_msg_id\":5,\"reply_to_peer_id\":{\"_\":"
        "\"inputPeerUser\",\"user_id\":\"777000\",\"access_hash\":\"0\"}}}}",
        "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":\"tg://"
        "user?id=777000\",\"limit\":1}}",
        "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":\"user:777000\",\"limit\":1}}",
        "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":\"777000\",\"limit\":1}}"};

    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        struct rig *g = limited("main", "@read @send *", NULL);

        say(g, asks[i]);
        if (strcmp(got(g, "error.data.name"), "DENIED") != 0)
            fail_msg("%s: %s", asks[i], g->said);
        assert_int_equal(g->core[0].calls, 0);
        done(g);
        g = limited("main", "@read @admin *", NULL); /* it is the profile, and not the call */
        say(g, asks[i]);
        assert_string_not_equal(got(g, "error.data.name"), "DENIED");
        done(g);
    }
}

/* Where a friendly method takes a chat, however it is spelt, or another chat beside it. */
static void a_chat_that_is_not_shown_has_no_spelling(void **state)
{
    static const char *const params[] = {
        "\"chat_id\":777124,\"text\":\"x\"",
        "\"chat_id\":\"777124\",\"text\":\"x\"",
        "\"chat_id\":\"user:777124\",\"text\":\"x\"",
        "\"chat_id\":\"@bob\",\"text\":\"x\"",
        "\"chat_id\":\"bob\",\"text\":\"x\"",
        "\"chat_id\":\"@BOB\",\"text\":\"x\"",
        "\"chat_id\":\"https://t.me/bob\",\"text\":\"x\"",
        "\"chat_id\":\"tg://resolve?domain=bob\",\"text\":\"x\"",
        "\"chat_id\":\"tg://user?id=777124\",\"text\":\"x\"",
        "\"chat_id\":\"me\",\"text\":\"x\"",
        "\"chat_id\":777001,\"text\":\"x\"",
        "\"chat_id\":\"@alice\",\"text\":\"x\",\"reply_to\":{\"message_id\":1,\"chat_id\":\"@bob\"}",
        "\"chat_id\":\"@alice\",\"text\":\"x\",\"reply_to\":{\"story_id\":1,\"chat_id\":777124}",
        "\"chat_id\":\"@alice\",\"text\":\"x\",\"send_as\":\"@bob\"",
        "\"chat_id\":\"@alice\",\"text\":\"x\",\"send_as\":-1000000000055",
        "\"chat_id\":\"@alice\",\"text\":\"[x](tg://user?id=777124)\",\"parse_mode\":\"markdown\""};

    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        struct rig *g = limited("main", "@read @send *", "@alice");
        char text[512];

        snprintf(text, sizeof text, "{\"id\":1,\"method\":\"sendMessage\",\"params\":{%s}}", params[i]);
        say(g, text);
        if (strcmp(got(g, "error.data.name"), "DENIED") != 0)
            fail_msg("%s: %s", text, g->said);
        assert_int_equal(g->core[0].calls, 0);
        done(g);
    }
}

#define DIALOG(user, top)                                                                                    \
    "{\"_\":\"dialog\",\"peer\":{\"_\":\"peerUser\",\"user_id\":\"" #user "\"},\"top_message\":" #top        \
    ",\"read_inbox_max_id\":0,\"read_outbox_max_id\":0,\"unread_count\":0,\"unread_mentions_count\":0,"      \
    "\"unread_reactions_count\":0,\"unread_poll_votes_count\":0,\"notify_settings\":{\"_\":"                 \
    "\"peerNotifySettings\"}}"
#define DIALOGS(list, messages)                                                                              \
    "{\"_\":\"messages.dialogsSlice\",\"count\":3,\"dialogs\":[" list "],\"messages\":[" messages            \
    "],\"chats\":[],\"users\":[]}"

static void dialogs_that_are_not_shown_are_passed_over(void **state)
{
    struct rig *g = limited("main", "@read", NULL);
    char next[512];

    say(g, "{\"id\":1,\"method\":\"getDialogs\",\"params\":{\"limit\":1}}");
    answer(g, "messages.Dialogs", DIALOGS(DIALOG(777000, 9), MESSAGE_OF(777000, 9)));
    /* not there: the next one fills the list, and the way goes on behind what is hidden */
    assert_int_equal(g->core[0].calls, 2);
    answer(g, "messages.Dialogs", DIALOGS(DIALOG(777123, 8) "," DIALOG(777124, 7), MESSAGE_OF(777123, 8)));
    assert_string_equal(got(g, "result.items.0.chat_id"), "777123");
    assert_string_equal(got(g, "result.items.1"), "");
    assert_string_equal(got(g, "result.total"), "");
    assert_null(strstr(g->said, "777000"));
    assert_string_equal(got(g, "result.next"), "d1.5.8.777123");
    snprintf(next, sizeof next,
             "{\"id\":1,\"method\":\"getDialogs\",\"params\":{\"limit\":1,\"next\":\"d1.5.9.777000\"}}");
    say(g, next); /* and is no place to begin at */
    assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS");
    done(g);
}

static json_t *some_config(void *ctx)
{
    return json_pack("{s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s}}", "daemon.log_level",
                     "value", "info", "daemon.proxy", "value", "socks5://secret.example",
                     "daemon.default_account", "value", "main", "socket admin.path", "value",
                     "/run/admin.sock", "profile other.chats", "value", "@lover", "profile reader.methods",
                     "value", "@read", "account main.journal", "value", "off", "account shop.journal",
                     "value", "off");
}

static json_t *some_health(void *ctx)
{
    return json_pack("{s:[s,s,s],s:[s]}", "problems", "account main stays closed: x", "account shop: y",
                     "the disk is full", "warnings", "account main: z");
}

static void what_the_daemon_tells_of_itself_tells_of_nobody_else(void **state)
{
    struct rig *g = limited("shop", "@read", NULL);

    g->host.config = some_config;
    g->host.health = some_health;
    say(g, "{\"id\":1,\"method\":\"getConfig\"}");
    assert_non_null(strstr(g->said, "daemon.log_level"));
    assert_non_null(strstr(g->said, "profile reader.methods"));
    assert_non_null(strstr(g->said, "account shop.journal"));
    assert_null(strstr(g->said, "main"));
    assert_null(strstr(g->said, "secret.example"));
    assert_null(strstr(g->said, "admin.sock"));
    assert_null(strstr(g->said, "@lover"));
    say(g, "{\"id\":1,\"method\":\"getHealth\"}");
    assert_string_equal(got(g, "result.problems"), "[\"account shop: y\",\"the disk is full\"]");
    assert_string_equal(got(g, "result.warnings"), "");
    say(g, "{\"id\":1,\"method\":\"getProxy\"}");
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    done(g);
    g = limited("shop", "@read getProxy setProxy", NULL); /* its pattern is no class */
    say(g, "{\"id\":1,\"method\":\"getProxy\"}");
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    say(g, "{\"id\":1,\"method\":\"listAccounts\"}");
    assert_null(strstr(g->said, "proxy"));
    done(g);
    g = limited("shop", "@read @admin", NULL);
    say(g, "{\"id\":1,\"method\":\"tailLog\"}");
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    done(g);
    g = limited(NULL, "@read @admin", NULL);
    g->host.config = some_config;
    say(g, "{\"id\":1,\"method\":\"getConfig\"}");
    assert_non_null(strstr(g->said, "secret.example"));
    say(g, "{\"id\":1,\"method\":\"tailLog\"}");
    assert_string_equal(got(g, "result.items"), "[]");
    done(g);
}

/* A name, and whoever waits by it, is of its profile, also for who ends others or goes back. */
static void nobody_takes_over_a_name_of_others(void **state)
{
    struct rig *g = limited(NULL, "@read", NULL);
    struct rpc_profile *reader = g->profile;
    struct rpc_conn *all, *second;

    g->profile = NULL;
    all = rig_connect(g);
    g->profile = reader;
    rig_say(g, all, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\",\"takeover\":true}}");
    assert_string_equal(got(g, "result.subscription"), "1");
    assert_string_equal(rig_read(g, all), ""); /* not closed */
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\"}}");
    assert_non_null(strstr(got(g, "error.message"), "'bot' is held")); /* by the name that it has here */
    say(g, "{\"id\":1,\"method\":\"seek\",\"params\":{\"name\":\"other\",\"cursor\":\"1.0\"}}");
    assert_string_equal(got(g, "error.data.name"), "SUBSCRIPTION_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"dropSubscription\",\"params\":{\"name\":\"../bot\"}}");
    assert_string_equal(got(g, "error.data.name"), "SUBSCRIPTION_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"unsubscribe\",\"params\":{\"subscription\":2}}");
    assert_string_equal(got(g, "error.data.name"), "SUBSCRIPTION_UNKNOWN");
    second = rig_connect(g); /* of the same profile: it may, and the other hears the name that it gave */
    say(g,
        "{\"id\":7,\"method\":\"getEvents\",\"params\":{\"name\":\"poll\",\"since\":\"now\",\"wait\":50}}");
    rig_say(g, second,
            "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"poll\",\"takeover\":true}}");
    assert_non_null(strstr(rig_read(g, g->c), "'poll' was taken over"));
    rig_say(g, all, "{\"id\":1,\"method\":\"listSubscriptions\"}");
    assert_string_equal(got(g, "result.items.0.name"), "bot");
    assert_string_equal(got(g, "result.items.0.held"), "true");
    done(g);
}

static struct rpc_profile *another(const char *methods, const char *chats)
{
    struct rpc_profile_cfg cfg = {.name = "reader", .methods = methods, .chats = chats, .owner_uid = 1000};
    char err[256];

    return rpc_profile_new(&cfg, err);
}

static void a_profile_that_changes_ends_what_goes_on_by_the_old_one(void **state)
{
    struct rig *g = limited(NULL, "@read @send", "@alice, @news");
    struct rpc_cred who = {.uid = 1000}, stranger = {.uid = 4711};
    struct rpc_profile *same = another("@send, @read", "@alice @news"),
                       *less = another("@read @send", "@news");
    char said[2048];

    say(g, "{\"id\":1,\"method\":\"subscribe\"}");
    say(g, "{\"id\":2,\"method\":\"waitEvent\",\"params\":{\"wait\":50}}");
    say(g, "{\"id\":3,\"method\":\"sendMessage\",\"params\":{\"chat_id\":\"@alice\",\"text\":\"x\"},"
           "\"account\":\"main\"}");
    rpc_recheck(g->c, g->now, &who, same); /* the same in other words */
    assert_string_equal(rig_read(g, g->c), "");
    assert_true(rpc_wants_read(g->c));
    rpc_recheck(g->c, g->now, &who, less);
    snprintf(said, sizeof said, "%s", rig_read(g, g->c));
    assert_non_null(strstr(said, "\"method\":\"closed\""));
    assert_non_null(strstr(said, "CANCELLED"));
    assert_false(rpc_wants_read(g->c)); /* and nothing more is taken */
    rig_say(g, g->c, "{\"id\":4,\"method\":\"getInfo\"}");
    assert_string_equal(g->said, "");
    assert_false(rpc_is_done(g->c)); /* what was accepted is answered */
    rig_reply(g, 0, &(struct mt_reply){.kind = MT_REPLY_RPC_ERROR, .code = 400, .text = "X"});
    assert_non_null(strstr(rig_read(g, g->c), "\"id\":3"));
    assert_true(rpc_is_done(g->c));
    rpc_closed(g->c, g->now);
    g->c = rig_connect(g); /* who is no longer among the users */
    rpc_recheck(g->c, g->now, &stranger, g->profile);
    assert_true(rpc_is_done(g->c));
    rpc_profile_unref(same);
    rpc_profile_unref(less);
    done(g);
}

static void narrow(struct rig *g)
{
    struct rpc_cred who = {.uid = 1000};
    struct rpc_profile *less = another("@admin", "@news");

    rpc_recheck(g->c, g->now, &who, less);
    rpc_profile_unref(less);
}

/* The value is being taken at that moment: its other requests are answered under their own numbers. */
static void a_batch_may_reload_the_rules_of_its_own_connection(void **state)
{
    struct rig *g = limited(NULL, "@admin @read", "@alice, @news");
    const char *said;

    g->on_control = narrow;
    said = say(g, "[{\"id\":\"one\",\"method\":\"reload\"},{\"id\":\"two\",\"method\":\"getLoginState\"},"
                  "{\"id\":[],\"method\":\"getInfo\"},{\"id\":3.50,\"method\":\"getInfo\"}]\n"
                  "{\"id\":\"never\",\"method\":\"getInfo\"}\n");
    assert_non_null(strstr(said, "\"id\":\"one\",\"result\""));
    assert_non_null(strstr(said, "\"id\":\"two\""));
    assert_non_null(strstr(said, "\"id\":3.50,"));
    assert_null(strstr(said, "never"));
    assert_true(rpc_is_done(g->c));
    done(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_of_another_chat_is_neither_deleted_nor_forwarded),
        cmocka_unit_test(more_numbers_than_one_call_takes_are_all_looked_at),
        cmocka_unit_test(who_sees_everything_is_not_asked_twice),
        cmocka_unit_test(what_looks_through_all_chats_is_refused_before_it_is_asked),
        cmocka_unit_test(a_chat_that_is_not_shown_has_no_spelling),
        cmocka_unit_test(dialogs_that_are_not_shown_are_passed_over),
        cmocka_unit_test(what_the_daemon_tells_of_itself_tells_of_nobody_else),
        cmocka_unit_test(nobody_takes_over_a_name_of_others),
        cmocka_unit_test(a_profile_that_changes_ends_what_goes_on_by_the_old_one),
        cmocka_unit_test(a_batch_may_reload_the_rules_of_its_own_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
