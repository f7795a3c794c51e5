/* SOCKS5: the bytes of RFC 1928 and 1929, and replies of every shape (trap 13). */
#include "tests/unit/check.h"
#include "tests/unit/proxy/talk.h"

static const struct mt_proxy_cfg open_proxy = {.kind = MT_PROXY_SOCKS5, .host = "10.0.0.1", .port = 1080};
static const struct mt_proxy_cfg with_user = {
    .kind = MT_PROXY_SOCKS5, .host = "10.0.0.1", .port = 1080, .user = "bob", .password = "s3"};
static const size_t cuts[] = {0, 1, 2, 3, 7};
#define EACH_CUT(i) for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)

static void without_a_password(void **state)
{
    EACH_CUT(i)
    {
        struct talk t;

        talk_begin(&t, &open_proxy, "149.154.167.51", cuts[i]);
        talk_hears_hex(&t, "050100");
        assert_int_equal(talk_says_hex(&t, "0500"), MT_OK);
        talk_hears_hex(&t, "05010001 959aa733 01bb");
        assert_false(mt_proxy_is_transparent(t.p));
        assert_int_equal(mt_proxy_submit(t.p, "x", 1), MT_E_STATE);
        assert_int_equal(talk_says_hex(&t, "05000001 00000000 0000"), MT_OK);
        assert_true(mt_proxy_is_transparent(t.p));
        talk_inner(&t, NULL, 0);
        assert_int_equal(mt_proxy_submit(t.p, "hello", 5), MT_OK);
        talk_hears(&t, "hello", 5);
        talk_end(&t);
    }
}

static void with_user_and_password(void **state)
{
    EACH_CUT(i)
    {
        struct talk t;

        talk_begin(&t, &with_user, "2001:67c:4e8:f002::a", cuts[i]);
        talk_hears_hex(&t, "05020002");
        assert_int_equal(talk_says_hex(&t, "0502"), MT_OK);
        talk_hears_hex(&t, "01 03 626f62 02 7333");
        assert_int_equal(talk_says_hex(&t, "0100"), MT_OK);
        talk_hears_hex(&t, "05010004 2001067c04e8f002000000000000000a 01bb");
        assert_int_equal(talk_says_hex(&t, "05000001 7f000001 1234"), MT_OK);
        assert_true(mt_proxy_is_transparent(t.p));
        talk_end(&t);
    }
}

static void a_proxy_that_wants_no_password_is_not_told_it(void **state)
{
    struct talk t;

    talk_begin(&t, &with_user, "1.2.3.4", 0);
    talk_hears_hex(&t, "05020002");
    assert_int_equal(talk_says_hex(&t, "0500"), MT_OK);
    talk_hears_hex(&t, "05010001 01020304 01bb");
    talk_end(&t);
}

static void a_name_is_resolved_by_the_proxy(void **state)
{
    struct talk t;

    talk_begin(&t, &open_proxy, "dc.example", 0);
    talk_hears_hex(&t, "050100");
    talk_says_hex(&t, "0500");
    talk_hears_hex(&t, "05010003 0a 64632e6578616d706c65 01bb");
    talk_end(&t);
}

/* The address in the reply may be of any type; what follows it is the server's, in the same bytes or not. */
static void exactly_the_reply_is_read(void **state)
{
    static const char *const replies[] = {
        "05000001 0a000001 1f90",
        "05000004 20010db8000000000000000000000001 1f90",
        "05000003 09 6c6f63616c686f7374 1f90",
        "05000003 00 1f90",
    };

    for (size_t r = 0; r < sizeof replies / sizeof *replies; r++)
        EACH_CUT(i)
        {
            char whole[128];
            struct talk t;

            talk_begin(&t, &open_proxy, "1.2.3.4", cuts[i]);
            talk_says_hex(&t, "0500");
            snprintf(whole, sizeof whole, "%s 0500ee01", replies[r]);
            assert_int_equal(talk_says_hex(&t, whole), MT_OK);
            assert_true(mt_proxy_is_transparent(t.p));
            talk_inner(&t, "\x05\x00\xee\x01", 4);
            assert_int_equal(talk_says(&t, "more", 4), MT_OK);
            talk_inner(&t, "more", 4);
            talk_end(&t);
        }
}

static void refusals_are_told_in_words(void **state)
{
    static const struct {
        const struct mt_proxy_cfg *cfg;
        const char *bytes;
        int err;
        const char *reason;
    } row[] = {
        {&open_proxy, "0400", MT_E_PEER, "no SOCKS5"},
        {&open_proxy, "4854", MT_E_PEER, "no SOCKS5"},
        {&open_proxy, "05ff", MT_E_AUTH, "wants a user"},
        {&open_proxy, "0502", MT_E_AUTH, "wants a user"},
        {&open_proxy, "0501", MT_E_PEER, "not offered"},
        {&with_user, "05ff", MT_E_AUTH, "takes no password"},
        {&with_user, "0502 0101", MT_E_AUTH, "refuses the user"},
        {&with_user, "0502 0500", MT_E_AUTH, "refuses the user"},
        {&open_proxy, "0500 05010001 00000000 0000", MT_E_PEER, "SOCKS proxy fails"},
        {&open_proxy, "0500 05020001 00000000 0000", MT_E_PEER, "does not allow"},
        {&open_proxy, "0500 05050001 00000000 0000", MT_E_PEER, "refused by the host"},
        {&open_proxy, "0500 0504", MT_E_PEER, "reach the host"},
        {&open_proxy, "0500 05ee0001 00000000 0000", MT_E_PEER, "refuses"},
        {&open_proxy, "0500 05000002 00000000 0000", MT_E_PEER, "unknown address"},
        {&open_proxy, "0500 04000001 00000000 0000", MT_E_PEER, "no SOCKS5"},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        EACH_CUT(c)
        {
            struct talk t;

            talk_begin(&t, row[i].cfg, "1.2.3.4", cuts[c]);
            talk_fails(&t, talk_says_hex(&t, row[i].bytes), row[i].err, row[i].reason);
            assert_null(strstr(mt_proxy_reason(t.p), "bob"));
            assert_null(strstr(mt_proxy_reason(t.p), "s3"));
            talk_end(&t);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_password),
        cmocka_unit_test(with_user_and_password),
        cmocka_unit_test(a_proxy_that_wants_no_password_is_not_told_it),
        cmocka_unit_test(a_name_is_resolved_by_the_proxy),
        cmocka_unit_test(exactly_the_reply_is_read),
        cmocka_unit_test(refusals_are_told_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
