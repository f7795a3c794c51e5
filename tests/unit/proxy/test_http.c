/* CONNECT of an HTTP proxy, RFC 9110 and 7617. */
#include "tests/unit/check.h"
#include "tests/unit/proxy/talk.h"

static const struct mt_proxy_cfg open_proxy = {.kind = MT_PROXY_HTTP, .host = "10.0.0.1", .port = 8080};
/* the example of RFC 7617, section 2 */
static const struct mt_proxy_cfg with_user = {
    .kind = MT_PROXY_HTTP, .host = "10.0.0.1", .port = 8080, .user = "Aladdin", .password = "open sesame"};
static const size_t cuts[] = {0, 1, 3, 16};
#define EACH_CUT(i) for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)

static void hears(struct talk *t, const char *text)
{
    talk_hears(t, text, strlen(text));
}

static int says(struct talk *t, const char *text)
{
    return talk_says(t, text, strlen(text));
}

static void a_connect(void **state)
{
    EACH_CUT(i)
    {
        struct talk t;

        talk_begin(&t, &open_proxy, "149.154.167.51", cuts[i]);
        hears(&t, "CONNECT 149.154.167.51:443 HTTP/1.1\r\nHost: 149.154.167.51:443\r\n\r\n");
        assert_int_equal(says(&t, "HTTP/1.0 200 Connection established\r\nProxy-agent: x\r\n\r\n\xee\xee"),
                         MT_OK);
        assert_true(mt_proxy_is_transparent(t.p));
        talk_inner(&t, "\xee\xee", 2);
        talk_end(&t);
    }
}

static void the_password_is_basic(void **state)
{
    struct talk t;

    talk_begin(&t, &with_user, "2001:67c:4e8:f002::a", 0);
    hears(&t, "CONNECT [2001:67c:4e8:f002::a]:443 HTTP/1.1\r\nHost: [2001:67c:4e8:f002::a]:443\r\n"
              "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
    assert_int_equal(says(&t, "HTTP/1.1 204 \r\n\r\n"), MT_OK);
    assert_true(mt_proxy_is_transparent(t.p));
    talk_end(&t);
}

static void lengths_of_base64(void **state)
{
    static const char *const want[][2] = {
        {"a", "YTpi"}, {"aa", "YWE6Yg=="}, {"aaa", "YWFhOmI="}}; /* user:b, RFC 4648 */

    for (size_t i = 0; i < 3; i++) {
        struct mt_proxy_cfg cfg = {.kind = MT_PROXY_HTTP, .password = "b"};
        struct talk t;
        char text[256];

        strcpy(cfg.user, want[i][0]);
        talk_begin(&t, &cfg, "h", 0);
        snprintf(text, sizeof text,
                 "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic %s\r\n\r\n",
                 want[i][1]);
        hears(&t, text);
        talk_end(&t);
    }
}

static void refusals_show_the_status_line(void **state)
{
    static const struct {
        const char *bytes;
        int err;
        const char *reason;
    } row[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\n", MT_E_AUTH,
         "says 407 Proxy Authentication Required"},
        {"HTTP/1.0 403 Filtered\n", MT_E_PEER, "says 403 Filtered"},
        {"HTTP/1.1 500 a\x1b[31m\xff\r\n", MT_E_PEER, "says 500 a?[31m?"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", MT_E_PEER, "says 100"},
        {"HTTP/1.1 2x0 OK\r\n", MT_E_PEER, "no HTTP proxy"},
        {"HTTP/1.1 20\r\n", MT_E_PEER, "no HTTP proxy"},
        {"SSH-2.0-OpenSSH\r\n", MT_E_PEER, "no HTTP proxy"},
        {"\x05\xff\x00\x00\x00", MT_E_PEER, "no HTTP proxy"},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        EACH_CUT(c)
        {
            struct talk t;

            talk_begin(&t, &with_user, "1.2.3.4", cuts[c]);
            talk_fails(&t, says(&t, row[i].bytes), row[i].err, row[i].reason);
            assert_null(strstr(mt_proxy_reason(t.p), "sesame"));
            talk_end(&t);
        }
}

static void an_endless_head_is_refused(void **state)
{
    static char junk[MT_PROXY_REPLY_MAX];
    struct talk t;

    memset(junk, 'a', sizeof junk);
    talk_begin(&t, &open_proxy, "1.2.3.4", 512);
    assert_int_equal(says(&t, "HTTP/1.1 200 OK\r\nX: "), MT_OK);
    talk_fails(&t, talk_says(&t, junk, sizeof junk), MT_E_PEER, "too long");
    talk_end(&t);
    talk_begin(&t, &open_proxy, "1.2.3.4", 512);
    assert_int_equal(says(&t, "HTTP/1.1 200 "), MT_OK);
    talk_fails(&t, talk_says(&t, junk, sizeof junk), MT_E_PEER, "no HTTP proxy");
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connect),
        cmocka_unit_test(the_password_is_basic),
        cmocka_unit_test(lengths_of_base64),
        cmocka_unit_test(refusals_show_the_status_line),
        cmocka_unit_test(an_endless_head_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
