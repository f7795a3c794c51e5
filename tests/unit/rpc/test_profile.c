/* Profiles: what is not there for a socket is neither done, told nor hinted at (api.md section 9). */
#include "rpc/profile.h"
#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"
#include <string.h>

#define NEWS (-INT64_C(1000000000055))

/* A rig whose later connections have the profile; its own `c` is one of them. */
static struct rig *limited(const char *accounts, const char *methods, const char *chats)
{
    struct rig *g = rig_new();
    struct rpc_profile_cfg cfg = {
        .name = "reader", .accounts = accounts, .methods = methods, .chats = chats, .owner_uid = 1000};
    char err[256];
    int32_t id;

    g->host.account_add(g, "shop", 0, NULL, &id, err);
    g->core[1].user = 777002;
    g->core[1].login = (struct mt_login){.step = MT_LOGIN_READY, .user_id = 777002};
    rig_peer(g, NEWS, MT_PEER_CHANNEL, "News", "news");
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

#define DENIED(g, text)                                                                                      \
    do {                                                                                                     \
        say(g, text);                                                                                        \
        assert_string_equal(got(g, "error.data.name"), "DENIED");                                            \
        assert_int_equal((g)->core[0].calls + (g)->core[1].calls, 0);                                        \
    } while (0)

static void a_glob_matches_as_in_a_shell(void **state)
{
    assert_true(rpc_glob("*", "") && rpc_glob("a*c", "abbc") && rpc_glob("a?c", "abc") &&
                rpc_glob("**x", "x"));
    assert_true(rpc_glob("messages.get*", "messages.getHistory"));
    assert_false(rpc_glob("a?c", "ac") || rpc_glob("abc", "abcd") || rpc_glob("", "a") ||
                 rpc_glob("get*", "forget"));
    assert_false(rpc_glob("*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void who_is_admitted(void **state)
{
    struct rpc_profile_cfg cfg = {.name = "p",
                                  .uids = (int64_t[]){7},
                                  .n_uids = 1,
                                  .gids = (int64_t[]){50, 60},
                                  .n_gids = 2,
                                  .owner_uid = 1000};
    char err[256];
    struct rpc_profile *p = rpc_profile_new(&cfg, err);
    const int64_t groups[] = {1, 60}, others[] = {1, 2};

    assert_true(rpc_profile_admits(p, &(struct rpc_cred){.uid = 0}));
    assert_true(rpc_profile_admits(p, &(struct rpc_cred){.uid = 1000}));
    assert_true(rpc_profile_admits(p, &(struct rpc_cred){.uid = 7}));
    assert_true(rpc_profile_admits(p, &(struct rpc_cred){.uid = 8, .gid = 50}));
    assert_true(
        rpc_profile_admits(p, &(struct rpc_cred){.uid = 8, .gid = 8, .groups = groups, .n_groups = 2}));
    assert_false(
        rpc_profile_admits(p, &(struct rpc_cred){.uid = 8, .gid = 7, .groups = others, .n_groups = 2}));
    rpc_profile_unref(p);
}

static void wrong_rules_are_named(void **state)
{
    static const struct {
        const char *methods, *chats, *says;
    } wrong[] = {{"@reed", NULL, "@reed"},
                 {"getHistroy", NULL, "getHistory"},
                 {NULL, "+4915112345678", "+4915112345678"},
                 {NULL, "https://t.me/+abcdefgh", "t.me"}};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct rpc_profile_cfg cfg = {.name = "p", .methods = wrong[i].methods, .chats = wrong[i].chats};
        char err[256];

        assert_null(rpc_profile_new(&cfg, err));
        assert_non_null(strstr(err, wrong[i].says));
    }
}

static void methods_are_admitted_by_class_and_pattern(void **state)
{
    struct rig *g = limited(NULL, "@read, messages.getH*", NULL);

    say(g, "{\"id\":1,\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "result.name"), "tgd");
    DENIED(g, "{\"id\":1,\"method\":\"sendMessage\",\"params\":{\"chat_id\":777123,\"text\":\"x\"},"
              "\"account\":\"main\"}");
    DENIED(g, "{\"id\":1,\"method\":\"shutdown\"}");
    assert_string_equal(g->control, "");
    DENIED(g,
           "{\"id\":1,\"method\":\"help.getConfig\",\"account\":\"main\"}"); /* a raw call is of no class */
    say(g, "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":777123,\"limit\":1},"
           "\"account\":\"main\"}");
    assert_int_equal(g->core[0].calls, 1);
    done(g);
}

static void accounts_that_are_not_seen_are_not_there(void **state)
{
    struct rig *g = limited("sh*", "@read @admin", NULL);
    char unknown[512];

    say(g, "{\"id\":1,\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "result.accounts"), "[\"shop\"]");
    say(g, "{\"id\":1,\"method\":\"listAccounts\"}");
    assert_string_equal(got(g, "result.items.0.name"), "shop");
    assert_string_equal(got(g, "result.items.1.name"), "");
    say(g, "{\"id\":1,\"method\":\"getMe\"}"); /* the only one that is there needs no name */
    assert_int_equal(g->core[1].calls, 1);
    /* the same words as for one that nobody has */
    say(g, "{\"id\":1,\"method\":\"getMe\",\"account\":\"main\"}");
    snprintf(unknown, sizeof unknown, "%s", got(g, "error.data.hint"));
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    assert_null(strstr(unknown, "main"));
    say(g, "{\"id\":1,\"method\":\"getMe\",\"account\":\"nobody\"}");
    assert_string_equal(got(g, "error.data.hint"), unknown);
    say(g, "{\"id\":1,\"method\":\"getMe\",\"account\":\"777001\"}"); /* nor by its other names */
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"accounts\":[\"main\"]}}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"removeAccount\",\"params\":{\"name\":\"main\"}}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    assert_int_equal(g->n_accounts, 2);
    say(g, "{\"id\":1,\"method\":\"addAccount\",\"params\":{\"name\":\"more\"}}");
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    say(g, "{\"id\":1,\"method\":\"setDefaults\",\"params\":{\"account\":\"main\"}}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"getHealth\"}");
    assert_null(strstr(g->said, "main"));
    done(g);
}

static void chats_that_are_not_named_are_not_there(void **state)
{
    struct rig *g = limited("main", "@read @send *", "@news, me");

    DENIED(g, "{\"id\":1,\"method\":\"getHistory\",\"params\":{\"chat_id\":777123}}");
    DENIED(g, "{\"id\":1,\"method\":\"sendMessage\",\"params\":{\"chat_id\":\"@alice\",\"text\":\"x\"}}");
    /* nobody is asked who that is, so the answer does not tell */
    DENIED(g, "{\"id\":1,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":\"@stranger\"}}");
    DENIED(g, "{\"id\":1,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":\"+4915112345678\"}}");
    DENIED(g, "{\"id\":1,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":4711}}");
    DENIED(g, "{\"id\":1,\"method\":\"messages.getDialogs\",\"params\":{\"limit\":1}}");
    say(g, "{\"id\":1,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":\"me\"}}");
    assert_string_equal(got(g, "result.id"), "777001");
    say(g, "{\"id\":1,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":-1000000000055}}");
    assert_string_equal(got(g, "result.title"), "News");
    done(g);
}

static void the_login_codes_are_hidden_without_admin(void **state)
{
    struct rig *g = limited("main", "@read @send *", NULL);
    struct tl_out out = {.limit = 0};

    DENIED(g, "{\"id\":1,\"method\":\"getHistory\",\"params\":{\"chat_id\":777000}}");
    DENIED(g, "{\"id\":1,\"method\":\"getChat\",\"params\":{\"chat_id\":\"user:777000\"}}");
    DENIED(g, "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":777000,\"limit\":1}}");
    DENIED(g, "{\"id\":1,\"method\":\"messages.getHistory\",\"params\":{\"peer\":{\"_\":\"inputPeerUser\","
              "\"user_id\":"
              "\"777000\",\"access_hash\":\"5\"},\"limit\":1}}");
    /* what is asked for has no name, the answer has */
    say(g, "{\"id\":1,\"method\":\"messages.getMessages\",\"params\":{\"id\":[{\"_\":\"inputMessageID\","
           "\"id\":1}]}}");
    assert_int_equal(g->core[0].calls, 1);
    tl_put_u32(&out, TL_messages_messages);
    tl_put_vector(&out, 0);
    tl_put_vector(&out, 0);
    tl_put_vector(&out, 0);
    tl_put_vector(&out, 1);
    tl_put_u32(&out, TL_userEmpty);
    tl_put_long(&out, 777000);
    rig_result(g, 0, out.data, out.len);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    tl_out_free(&out);
    done(g);
    /* and shown with it */
    g = limited("main", "@read @admin", NULL);
    say(g, "{\"id\":1,\"method\":\"getHistory\",\"params\":{\"chat_id\":777000}}");
    assert_int_equal(g->core[0].calls, 1);
    done(g);
}

static void event(struct rig *g, int64_t chat, const char *text)
{
    char body[300];

    snprintf(body, sizeof body,
             "\"key\":\"message/%lld/"
             "1\",\"account\":\"main\",\"type\":\"message\",\"time\":1,\"message\":{\"id\":1,"
             "\"chat_id\":%lld,\"text\":\"%s\"}",
             (long long)chat, (long long)chat, text);
    rig_event(g, "message", chat, chat, 1, body);
}

static void events_come_from_what_is_seen(void **state)
{
    struct rig *g = limited("main", NULL, "@news");

    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"chats\":[777123,-1000000000055]}}");
    assert_string_equal(got(g, "result.subscription"), "1");
    event(g, 777123, "private");
    event(g, 777000, "Login code: 12345");
    event(g, NEWS, "public");
    rig_event(g, "account", 0, 0, 0, "\"type\":\"account\",\"account\":{}");
    rig_read(g, g->c);
    assert_string_equal(got(g, "params.message.text"), "public");
    assert_null(strstr(g->said, "private"));
    assert_null(strstr(g->said, "code"));
    assert_null(strstr(g->said, "\"account\":{}"));
    say(g, "{\"id\":2,\"method\":\"getEvents\",\"params\":{\"since\":\"oldest\"}}");
    assert_string_equal(got(g, "result.items.0.message.text"), "public");
    assert_string_equal(got(g, "result.items.1.message.text"), "");
    g->events[2].e.account = 2; /* of shop, which is not seen */
    say(g, "{\"id\":3,\"method\":\"getEvents\",\"params\":{\"since\":\"oldest\"}}");
    assert_string_equal(got(g, "result.items"), "[]");
    done(g);
}

static void events_of_the_login_codes_need_admin(void **state)
{
    static const uint8_t raw[] = {1, 2, 3, 4, 0x28, 0xdb, 0x0b, 0, 0, 0, 0, 0};
    struct rig *g = limited(NULL, "@read @send", NULL);

    event(g, 777000, "Login code: 12345");
    rig_event(g, "raw", 0, 0, 0, "\"key\":\"raw/1\",\"type\":\"raw\"");
    g->events[1].e.raw = (struct tl_slice){raw, sizeof raw};
    event(g, 777123, "hello");
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"since\":\"oldest\",\"types\":[\"message\","
           "\"raw\"]}}");
    assert_string_equal(got(g, "result.items.0.message.text"), "hello");
    assert_string_equal(got(g, "result.items.1"), "");
    say(g, "{\"id\":1,\"method\":\"waitEvent\",\"params\":{\"since\":\"oldest\",\"types\":[\"message\","
           "\"raw\"],\"wait\":1}}");
    assert_string_equal(got(g, "result.message.text"), "hello");
    done(g);
}

static void names_of_subscriptions_are_a_profiles_own(void **state)
{
    struct rig *g = limited(NULL, "@read", NULL);
    struct rpc_profile *reader = g->profile;
    struct rpc_conn *all;

    g->profile = NULL;
    all = rig_connect(g);
    g->profile = reader;
    rig_say(g, all, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\"}}");
    say(g, "{\"id\":1,\"method\":\"listSubscriptions\"}");
    assert_string_equal(got(g, "result.items"), "[]");
    say(g, "{\"id\":1,\"method\":\"ack\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.0\"}}");
    assert_string_equal(got(g, "error.data.name"), "SUBSCRIPTION_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"dropSubscription\",\"params\":{\"name\":\"bot\"}}");
    assert_string_equal(got(g, "error.data.name"), "SUBSCRIPTION_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\"}}");
    assert_string_equal(got(g, "result.items"), "[]");
    say(g, "{\"id\":1,\"method\":\"listSubscriptions\"}");
    assert_string_equal(got(g, "result.items.0.name"), "bot");
    assert_string_equal(got(g, "result.items.1.name"), "");
    rig_say(g, all, "{\"id\":1,\"method\":\"listSubscriptions\"}");
    assert_string_equal(got(g, "result.items.0.name"), "bot");
    assert_string_equal(got(g, "result.items.1.name"), "reader/bot");
    done(g);
}

/* Whatever a method of the future answers: what says its chat is held against the profile. */
static void answers_lose_what_is_of_other_chats(void **state)
{
    struct rig *g = limited("main", NULL, "@news");
    struct rpc_req req = {.rpc = g->r, .profile = g->profile, .account = g->accounts[0], .has_account = true};
    json_t *v =
        json_loads("{\"items\":[{\"chat_id\":777123,\"text\":\"a\"},{\"chat_id\":-1000000000055,\"forward\":"
                   "{\"chat_id\":5,\"name\":\"b\"},\"text\":\"c\"}],\"last\":{\"chat_id\":777000}}",
                   0, NULL);
    char *text;

    v = rpc_restrict(&req, v);
    text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"items\":[{\"chat_id\":-1000000000055,\"text\":\"c\"}]}");
    free(text);
    json_decref(v);
    assert_null(rpc_restrict(&req, json_pack("{s:i}", "chat_id", 5)));
    done(g);
}

static int a_send_to_alice(void *ctx, int32_t account, int64_t send_id,
                           int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    const struct mt_outbox_row it = {.id = send_id,
                                     .state = MT_SEND_WAITING,
                                     .chat = 777123,
                                     .method = {(const uint8_t *)"messages.sendMessage", 20},
                                     .params = {(const uint8_t *)"{}", 2}};

    return row(arg, &it), MT_OK;
}

/* A number is easily guessed: what is on its way to a chat that is not seen is neither told nor withdrawn. */
static void sends_to_other_chats_are_not_there(void **state)
{
    struct rig *g = limited("main", "@read @send", "@news");

    g->host.send_get = a_send_to_alice;
    say(g, "{\"id\":1,\"method\":\"getSend\",\"params\":{\"send_id\":\"5\"}}");
    assert_string_equal(got(g, "error.data.name"), "SEND_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"cancelSend\",\"params\":{\"send_id\":\"5\"}}");
    assert_string_equal(got(g, "error.data.name"), "SEND_UNKNOWN");
    assert_true(g->core[0].withdrawn == 0);
    done(g);
    g = limited("main", "@read @send", "@news @alice");
    g->host.send_get = a_send_to_alice;
    say(g, "{\"id\":1,\"method\":\"cancelSend\",\"params\":{\"send_id\":\"5\"}}");
    assert_true(g->core[0].withdrawn == 5);
    done(g);
}

static void metrics_tell_of_accounts_that_are_seen(void **state)
{
    struct rig *g = limited("shop", "@read @admin", NULL);
    struct rpc_profile *shop = g->profile;
    struct rpc_conn *all;

    g->profile = NULL;
    all = rig_connect(g);
    g->profile = shop;
    rig_say(g, all, "{\"id\":1,\"method\":\"getChat\",\"params\":{\"chat_id\":4711},\"account\":\"main\"}");
    rig_say(g, all, "{\"id\":1,\"method\":\"getMetrics\"}");
    assert_non_null(strstr(g->said, "main"));
    say(g, "{\"id\":1,\"method\":\"getMetrics\"}");
    assert_non_null(strstr(g->said, "\"shop\""));
    assert_null(strstr(g->said, "main"));
    done(g);
}

static void who_is_not_admitted_is_told_nothing_else(void **state)
{
    struct rig *g = limited(NULL, "@read", NULL);
    struct rpc_cred who = {.uid = 4711, .gid = 4711};
    struct rpc_conn *c = rpc_accept(g->r, g->now, &who, g->profile);

    rig_say(g, c, "{\"id\":1,\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    rig_say(g, c, "{\"id\":1,\"method\":\"nonsense\"}");
    assert_string_equal(got(g, "error.data.name"), "DENIED");
    done(g);
}

/* A send whose client has gone still belongs to the profile, and an answer may come when its file is read
 * anew. */
static void a_profile_lives_as_long_as_what_it_limits(void **state)
{
    struct rig *g = limited("main", "@send", NULL);

    say(g, "{\"id\":1,\"method\":\"sendMessage\",\"params\":{\"chat_id\":777123,\"text\":\"x\"}}");
    rpc_closed(g->c, g->now);
    rpc_profile_unref(g->profile);
    g->profile = NULL;
    rig_reply(g, 0, &(struct mt_reply){.kind = MT_REPLY_RPC_ERROR, .code = 400, .text = "X"});
    g->c = rig_connect(g);
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_glob_matches_as_in_a_shell),
        cmocka_unit_test(who_is_admitted),
        cmocka_unit_test(wrong_rules_are_named),
        cmocka_unit_test(methods_are_admitted_by_class_and_pattern),
        cmocka_unit_test(accounts_that_are_not_seen_are_not_there),
        cmocka_unit_test(chats_that_are_not_named_are_not_there),
        cmocka_unit_test(the_login_codes_are_hidden_without_admin),
        cmocka_unit_test(events_come_from_what_is_seen),
        cmocka_unit_test(events_of_the_login_codes_need_admin),
        cmocka_unit_test(names_of_subscriptions_are_a_profiles_own),
        cmocka_unit_test(answers_lose_what_is_of_other_chats),
        cmocka_unit_test(sends_to_other_chats_are_not_there),
        cmocka_unit_test(metrics_tell_of_accounts_that_are_seen),
        cmocka_unit_test(who_is_not_admitted_is_told_nothing_else),
        cmocka_unit_test(a_profile_lives_as_long_as_what_it_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
