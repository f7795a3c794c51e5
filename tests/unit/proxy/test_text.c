/* What a person writes for a proxy, and how it is shown and stored. */
#include "tests/unit/check.h"
#include "tests/unit/oom.h"
#include "tests/unit/proxy/talk.h"

#define SECRET "00112233445566778899aabbccddeeff"

static void forms(void **state)
{
    static const struct {
        const char *text, *stored, *shown;
    } row[] = {
        {"direct", "direct", "direct"},
        {"socks5://h", "socks5://h:1080", "socks5://h:1080"},
        {"socks5h://10.0.0.1:9050/", "socks5://10.0.0.1:9050", "socks5://10.0.0.1:9050"},
        {"socks5://u:p@h:1", "socks5://u:p@h:1", "socks5://h:1"},
        {"socks5://u%40x:p%3a%2F%25@[::1]:65535", "socks5://u%40x:p%3a%2f%25@[::1]:65535",
         "socks5://[::1]:65535"},
        {"socks5://a:b@c@h", "socks5://a:b%40c@h:1080", "socks5://h:1080"},
        {"http://h", "http://h:8080", "http://h:8080"},
        {"http://u:@[2001:db8::1]", "http://u:@[2001:db8::1]:8080", "http://[2001:db8::1]:8080"},
        {"mtproxy://h:8443?secret=" SECRET, "mtproxy://h:8443?secret=" SECRET, "mtproxy://h:8443"},
        {"tg://proxy?server=h&port=443&secret=dd" SECRET, "mtproxy://h:443?secret=dd" SECRET,
         "mtproxy://h:443"},
        {"https://t.me/proxy?secret=ee" SECRET "612e62&port=443&server=h&x=y",
         "mtproxy://h:443?secret=ee" SECRET "612e62", "mtproxy://h:443"},
        /* base64url without padding, as it is passed around; hexadecimal in capitals */
        {"tg://proxy?server=h&port=1&secret=7gARIjNEVWZ3iJmqu8zd7v9hLmI",
         "mtproxy://h:1?secret=ee" SECRET "612e62", "mtproxy://h:1"},
        {"tg://proxy?server=h&port=1&secret=ABEiM0RVZneImaq7zN3u%2Fw==", "mtproxy://h:1?secret=" SECRET,
         "mtproxy://h:1"},
        {"mtproxy://h:1?secret=DD00112233445566778899AABBCCDDEEFF", "mtproxy://h:1?secret=dd" SECRET,
         "mtproxy://h:1"},
        {"socks5://h:1?server=other&port=2", "socks5://h:1", "socks5://h:1"},
        {"tg://socks?server=10.1.2.3&port=1080&user=u&pass=p", "socks5://u:p@10.1.2.3:1080",
         "socks5://10.1.2.3:1080"},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char err[128], text[MT_PROXY_TEXT_MAX];
        struct mt_proxy_cfg c, again;

        if (mt_proxy_parse(row[i].text, &c, err))
            fail_msg("%s: %s", row[i].text, err);
        mt_proxy_format(&c, true, text);
        assert_string_equal(text, row[i].stored);
        assert_int_equal(mt_proxy_parse(text, &again, err), MT_OK);
        assert_memory_equal(&c, &again, sizeof c);
        mt_proxy_format(&c, false, text);
        assert_string_equal(text, row[i].shown);
    }
}

static void what_is_none(void **state)
{
    static const char *const row[][2] = {
        {"", "expected"},
        {"ftp://h", "expected"},
        {"https://h", "expected"},
        {"socks5://", "host is missing"},
        {"socks5://h:0", "port"},
        {"socks5://h:65536", "port"},
        {"socks5://h:123456", "port"},
        {"socks5://h:", "port"},
        {"socks5://[::1]1080", "port"},
        {"socks5://h i", "host"},
        {"socks5://h/x", "host"},
        {"socks5://%68", "host"},
        {"socks5://u@h", "user and a password"},
        {"socks5://%zz:p@h", "not valid"},
        {"socks5://u%00:p@h", "not valid"},
        {"http://a%3ab:c@h", "colon"},
        {"mtproxy://h:1", "secret is missing"},
        {"mtproxy://h:1?secret=12", "secret is not valid"},
        {"mtproxy://h:1?secret=dd00", "secret is not valid"},
        {"mtproxy://h:1?secret=cc" SECRET, "secret is not valid"},
        {"mtproxy://h:1?secret=ee" SECRET, "secret is not valid"}, /* no domain */
        {"mtproxy://h:1?secret=ee" SECRET "6120", "secret is not valid"},
        {"tg://proxy?port=1&secret=" SECRET, "host is missing"},
        {"tg://proxy?server=h&secret=" SECRET, "port is missing"},
        {"tg://proxy?server=h%20&port=1&secret=" SECRET, "server is not valid"},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct mt_proxy_cfg c;
        char err[128];

        if (mt_proxy_parse(row[i][0], &c, err) != MT_E_ARG)
            fail_msg("taken: %s", row[i][0]);
        if (!strstr(err, row[i][1]))
            fail_msg("%s: %s", row[i][0], err);
        assert_null(strstr(err, SECRET));
    }
}

static void memory_that_runs_out(void **state)
{
    struct mt_proxy_cfg cfg = {.kind = MT_PROXY_MTPROTO, .mode = MT_SECRET_TLS, .domain = "a.b"};
    struct mt_proxy_target to = {.host = "1.2.3.4", .port = 443};

    for (size_t i = 0; oom_arm(i); i++) {
        struct fake_env f;
        struct mt_proxy *p;

        fake_env_init(&f, 1);
        cfg.kind = i % 2 ? MT_PROXY_SOCKS5 : MT_PROXY_MTPROTO;
        p = mt_proxy_new(&f.env, &cfg, &to, 1);
        if (p && mt_proxy_feed(p, "\x05\x00", 2) == MT_OK)
            mt_proxy_feed(p, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00zz", 12);
        oom_disarm();
        assert_true(p || oom_hit());
        mt_proxy_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(memory_that_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
