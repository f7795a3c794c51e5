/* setProxy, getProxy, testProxy over the rig: what reaches the host, and that no secret comes back. */
#include "tests/unit/rpc/rig.h"

#include "rpc/errors.h"

#define TEST(name) static void name(void **state)

static struct {
    int32_t account;
    char text[MT_PROXY_TEXT_MAX];
    bool set, over;
    uint64_t tests, forgotten;
} seen;

static int set(void *ctx, int32_t account, const char *text, char err[256])
{
    (void)ctx;
    seen.account = account;
    seen.set = true;
    snprintf(seen.text, sizeof seen.text, "%s", text);
    if (strstr(text, "full-disk")) {
        snprintf(err, 256, "no space");
        return -1;
    }
    return 0;
}

static int get(void *ctx, int32_t account, struct rpc_proxy *out)
{
    char err[128];

    (void)ctx;
    *out = (struct rpc_proxy){.source = account ? RPC_PROXY_ACCOUNT : RPC_PROXY_ALL};
    return mt_proxy_parse(*seen.text ? seen.text : "direct", &out->cfg, err);
}

static uint64_t test(void *ctx, int32_t account, const char *text, char err[256])
{
    (void)ctx;
    (void)err;
    seen.account = account;
    snprintf(seen.text, sizeof seen.text, "%s", text ? text : "(the one that is set)");
    return ++seen.tests;
}

static bool tested(void *ctx, uint64_t number, struct rpc_proxy_test *out)
{
    char err[128];

    (void)ctx;
    if (!out) {
        seen.forgotten = number;
        return true;
    }
    if (!seen.over)
        return false;
    *out = (struct rpc_proxy_test){.ok = true, .dc = 2, .took = 45678};
    mt_proxy_parse("socks5://u:hidden@h:1", &out->cfg, err);
    return true;
}

static struct rig *begin(void)
{
    struct rig *g = rig_new();

    memset(&seen, 0, sizeof seen);
    g->host.proxy_set = set;
    g->host.proxy_get = get;
    g->host.proxy_test = test;
    g->host.proxy_tested = tested;
    return g;
}

TEST(parameters_become_one_text)
{
    static const struct {
        const char *params, *text;
    } row[] = {
        {"\"kind\":\"socks5\",\"host\":\"h\"", "socks5://h:1080"},
        {"\"kind\":\"http\",\"host\":\"::1\",\"user\":\"u:\",\"password\":\"p\"",
         NULL}, /* no colon in Basic's user */
        {"\"kind\":\"http\",\"host\":\"::1\",\"user\":\"u@\",\"password\":\"p/\"",
         "http://u%40:p%2f@[::1]:8080"},
        {"\"kind\":\"mtproxy\",\"host\":\"h\",\"port\":5,\"secret\":\"00112233445566778899aabbccddeeff\"",
         "mtproxy://h:5?secret=00112233445566778899aabbccddeeff"},
        {"\"kind\":\"direct\"", "direct"},
        {"\"kind\":\"default\"", ""},
        {"\"link\":\"tg://socks?server=h&port=1\"", "socks5://h:1"},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct rig *g = begin();
        char line[512];

        snprintf(line, sizeof line, "{\"id\":1,\"method\":\"setProxy\",\"params\":{%s}}", row[i].params);
        say(g, line);
        assert_int_equal(seen.set, row[i].text != NULL);
        if (row[i].text)
            assert_string_equal(seen.text, row[i].text);
        else
            assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS");
        rig_free(g);
    }
}

TEST(the_option_account_makes_it_the_accounts_own)
{
    struct rig *g = begin();

    say(g, "{\"id\":1,\"method\":\"setProxy\",\"params\":{\"kind\":\"socks5\",\"host\":\"h\"}}");
    assert_int_equal(seen.account, 0);
    assert_string_equal(got(g, "result.source"), "all");
    say(g, "{\"id\":1,\"method\":\"setProxy\",\"account\":\"main\",\"params\":{\"kind\":\"direct\"}}");
    assert_int_equal(seen.account, g->accounts[0].id);
    assert_string_equal(got(g, "result.source"), "account");
    assert_string_equal(got(g, "result.kind"), "direct");
    say(g, "{\"id\":1,\"method\":\"setProxy\",\"account\":\"nobody\",\"params\":{\"kind\":\"direct\"}}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    rig_free(g);
}

TEST(secrets_stay_inside)
{
    struct rig *g = begin();

    say(g, "{\"id\":1,\"method\":\"setProxy\",\"params\":{\"kind\":\"socks5\",\"host\":\"h\",\"user\":\"u\","
           "\"password\":\"hunter2\"}}");
    assert_null(strstr(g->said, "hunter2"));
    assert_string_equal(got(g, "result.user"), "u");
    say(g, "{\"id\":1,\"method\":\"getProxy\"}");
    assert_null(strstr(g->said, "hunter2"));
    say(g, "{\"id\":1,\"method\":\"setProxy\",\"params\":{\"kind\":\"mtproxy\",\"host\":\"h\","
           "\"secret\":\"hunter2\"}}");
    assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS");
    assert_null(strstr(g->said, "hunter2"));
    say(g, "{\"id\":1,\"method\":\"setProxy\",\"params\":{\"link\":\"socks5://hunter2@h\"}}");
    assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS");
    assert_null(strstr(g->said, "hunter2"));
    say(g, "{\"id\":1,\"method\":\"setProxy\",\"params\":{\"kind\":\"http\",\"host\":\"full-disk\"}}");
    assert_string_equal(got(g, "error.data.name"), "STORAGE");
    rig_free(g);
}

TEST(a_test_is_waited_for_and_forgotten_with_who_asked)
{
    struct rig *g = begin();

    assert_string_equal(say(g, "{\"id\":1,\"method\":\"testProxy\"}"), "");
    assert_string_equal(seen.text, "(the one that is set)");
    seen.over = true;
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.proxy.kind"), "socks5");
    assert_string_equal(got(g, "result.ms"), "45");
    assert_null(strstr(g->said, "hidden"));
    assert_int_equal(seen.forgotten, 0);
    seen.over = false;
    say(g, "{\"id\":2,\"method\":\"testProxy\",\"params\":{\"kind\":\"http\",\"host\":\"h\",\"wait\":3}}");
    assert_string_equal(seen.text, "http://h:8080");
    rig_pass(g, 3000);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "TIMEOUT");
    assert_int_equal(seen.forgotten, 2);
    say(g, "{\"id\":3,\"method\":\"testProxy\"}");
    say(g, "{\"id\":4,\"method\":\"cancel\",\"params\":{\"id\":3}}");
    assert_int_equal(seen.forgotten, 3);
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_become_one_text),
        cmocka_unit_test(the_option_account_makes_it_the_accounts_own),
        cmocka_unit_test(secrets_stay_inside),
        cmocka_unit_test(a_test_is_waited_for_and_forgotten_with_who_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
