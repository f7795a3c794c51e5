/*
 * The sandbox's MTProxy: what it takes, and that whoever breaks one rule is cut without a byte. The client is
 * core/proxy, which published vectors pin, with one thing changed and signed anew.
 */
#include "tests/unit/sandbox/client.h"

#include "core/proxy/impl.h"
#include "tests/sandbox/mtproxy.h"
#include "tests/unit/fake_env.h"

#define SECRET "00112233445566778899aabbccddeeff"
#define TLS    "ee" SECRET "6578616d706c652e636f6d"
#define NOW    INT64_C(1700000000)

static struct fake_env f;
static struct sb_mtproxy_door door;
static uint8_t hello[MT_HELLO_MAX];
static size_t n_hello;

static struct sb_mtproxy *fresh(const char *secret)
{
    struct sb_mtproxy *p;

    fake_env_init(&f, 11);
    assert_true(sb_mtproxy_door_init(&door, secret));
    p = sb_mtproxy_new(&f.env, &door);
    assert_non_null(p);
    n_hello = mt_hello_make(&f.env, "example.com", false, hello);
    return p;
}

static void sign(int64_t unix_s)
{
    uint8_t secret[16];

    unhex(SECRET, secret, sizeof secret);
    mt_hello_sign(hello, n_hello, secret, unix_s);
}

static void is_cut(struct sb_mtproxy *p, const void *bytes, size_t n)
{
    bool alive = true;

    for (size_t i = 0; i < n && alive; i++)
        alive = sb_mtproxy_feed(p, NOW, (const uint8_t *)bytes + i, 1);
    assert_false(alive);
    assert_int_equal(sb_mtproxy_output(p).n, 0);
    assert_int_equal(door.refused, 1);
    sb_mtproxy_free(p);
}

static void a_secret_is_one_of_three_kinds(void **state)
{
    assert_true(sb_mtproxy_door_init(&door, SECRET) && door.way == SB_WAY_PLAIN);
    assert_true(sb_mtproxy_door_init(&door, "dd" SECRET) && door.way == SB_WAY_PADDED);
    assert_true(sb_mtproxy_door_init(&door, TLS) && door.way == SB_WAY_TLS);
    assert_string_equal(door.domain, "example.com");
    assert_false(sb_mtproxy_door_init(&door, "ee" SECRET));
    assert_false(sb_mtproxy_door_init(&door, "cc" SECRET));
    assert_false(sb_mtproxy_door_init(&door, "0011"));
    assert_false(sb_mtproxy_door_init(&door, "zz112233445566778899aabbccddeeff"));
}

static void the_right_greeting_is_answered(void **state)
{
    struct mt_proxy_cfg cfg = {.kind = MT_PROXY_MTPROTO};
    struct mt_proxy_target to = {.port = 443};
    struct sb_mtproxy *p = fresh(TLS);
    struct mt_proxy *client;
    struct tl_slice out;
    uint8_t text[100];

    assert_int_equal(mt_proxy_secret(TLS, &cfg), MT_OK);
    client = mt_proxy_new(&f.env, &cfg, &to, NOW);
    out = mt_proxy_output(client);
    for (size_t i = 0; i < out.n; i++)
        assert_true(sb_mtproxy_feed(p, NOW, out.p + i, 1));
    mt_proxy_wrote(client, out.n);
    out = sb_mtproxy_output(p);
    assert_int_equal(mt_proxy_feed(client, out.p, out.n), MT_OK);
    sb_mtproxy_wrote(p, out.n);
    assert_int_equal(mt_proxy_state(client), MT_PROXY_OPEN);
    /* and bytes both ways, nothing of which comes before the header is whole */
    memset(text, 'x', sizeof text);
    assert_int_equal(mt_proxy_submit(client, text, 63), MT_OK);
    out = mt_proxy_output(client);
    assert_true(sb_mtproxy_feed(p, NOW, out.p, out.n));
    mt_proxy_wrote(client, out.n);
    assert_int_equal(sb_mtproxy_inner(p).n, 0);
    assert_int_equal(mt_proxy_submit(client, text, 37), MT_OK);
    out = mt_proxy_output(client);
    assert_true(sb_mtproxy_feed(p, NOW, out.p, out.n));
    assert_int_equal(sb_mtproxy_inner(p).n, 100);
    assert_true(sb_mtproxy_wrap(p, text, sizeof text));
    out = sb_mtproxy_output(p);
    assert_int_equal(mt_proxy_feed(client, out.p, out.n), MT_OK);
    assert_int_equal(mt_proxy_inner(client).n, 100);
    mt_proxy_free(client);
    sb_mtproxy_free(p);
}

/* --- each breaks one rule --- */

static void a_wrong_secret(void **state)
{
    struct sb_mtproxy *p = fresh("ee"
                                 "10112233445566778899aabbccddeeff"
                                 "6578616d706c652e636f6d");

    sign(NOW);
    is_cut(p, hello, n_hello);
}

static void a_bit_changed_after_the_signature(void **state)
{
    struct sb_mtproxy *p = fresh(TLS);

    sign(NOW);
    hello[60] ^= 1; /* of the session id */
    is_cut(p, hello, n_hello);
}

static void a_clock_that_is_off(void **state)
{
    static const int64_t off[] = {-SB_CLOCK_BACK - 1, SB_CLOCK_AHEAD + 1},
                         near[] = {-SB_CLOCK_BACK, SB_CLOCK_AHEAD};

    for (size_t i = 0; i < 2; i++) {
        struct sb_mtproxy *p = fresh(TLS);

        sign(NOW + off[i]);
        is_cut(p, hello, n_hello);
        p = fresh(TLS);
        sign(NOW + near[i]);
        assert_true(sb_mtproxy_feed(p, NOW, hello, n_hello));
        sb_mtproxy_free(p);
    }
}

static void a_greeting_that_was_seen_before(void **state)
{
    struct sb_mtproxy *p = fresh(TLS), *again = sb_mtproxy_new(&f.env, &door);

    sign(NOW);
    assert_true(sb_mtproxy_feed(p, NOW, hello, n_hello));
    sb_mtproxy_free(p);
    is_cut(again, hello, n_hello);
}

static void another_domain(void **state)
{
    struct sb_mtproxy *p = fresh(TLS);

    n_hello = mt_hello_make(&f.env, "example.org", false, hello);
    sign(NOW);
    is_cut(p, hello, n_hello);
}

/* The first bytes a.. of the greeting's found place are replaced; it is signed anew. */
static void is_cut_with(const char *find, size_t n, const char *put)
{
    struct sb_mtproxy *p = fresh(TLS);
    uint8_t *at = memmem(hello + 76, n_hello - 76, find, n);

    assert_non_null(at);
    memcpy(at, put, n);
    sign(NOW);
    is_cut(p, hello, n_hello);
}

static void a_greeting_that_is_no_tls_13(void **state)
{
    struct sb_mtproxy *p;

    is_cut_with("\x13\x01\x13\x02\x13\x03", 6, "\xc0\x2b\x13\x02\x13\x03");         /* first suite */
    is_cut_with("\x03\x04\x03\x03", 4, "\x03\x03\x03\x03");                         /* versions */
    is_cut_with("\x00\x1d\x00\x20", 4, "\x00\x17\x00\x20");                         /* share */
    is_cut_with("\x00\x00\x00\x10\x00\x0e\x00", 7, "\x00\x00\x00\x10\x00\x0e\x01"); /* kind of name */
    p = fresh(TLS);
    hello[43] = 31; /* the session id's length */
    sign(NOW);
    is_cut(p, hello, n_hello);
    p = fresh(TLS);
    hello[2] = 3; /* the record's version */
    sign(NOW);
    is_cut(p, hello, n_hello);
}

static void no_greeting_where_one_is_due(void **state)
{
    uint8_t header[64];

    memset(header, 0x55, sizeof header);
    is_cut(fresh(TLS), header, sizeof header);
    is_cut(fresh(TLS), "\x16\x03\x01\xff\xff", 5);
    is_cut(fresh(TLS),
           "\x16\x03\x01\x00\x10"
           "0123456789abcdef",
           21);
}

/* After the greeting: a change of cipher once, then records of data. */
static void records_of_another_kind(void **state)
{
    static const char *const row[] = {"1703030001 00",
                                      "1403030001 02",
                                      "140303000101 140303000101",
                                      "140303000101 1503030002 0100",
                                      "140303000101 1703010001 00",
                                      "140303000101 170303ffff"};

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct sb_mtproxy *p = fresh(TLS);
        uint8_t buf[64];
        size_t n = unhex(row[i], buf, sizeof buf);

        sign(NOW);
        assert_true(sb_mtproxy_feed(p, NOW, hello, n_hello));
        sb_mtproxy_wrote(p, sb_mtproxy_output(p).n);
        is_cut(p, buf, n);
    }
}

static void a_header_that_was_seen_before(void **state)
{
    static const char *const secrets[] = {SECRET, "dd" SECRET};
    uint8_t header[64];

    memset(header, 0x77, sizeof header);
    for (size_t i = 0; i < 2; i++) {
        struct sb_mtproxy *p = fresh(secrets[i]), *again = sb_mtproxy_new(&f.env, &door);

        assert_true(sb_mtproxy_feed(p, NOW, header, sizeof header));
        assert_int_equal(sb_mtproxy_inner(p).n, 64);
        sb_mtproxy_free(p);
        is_cut(again, header, sizeof header);
    }
}

/* --- with a server behind it --- */

struct visit {
    enum mt_framing framing;
    bool obfuscated;
    const char *secret; /* of the header; NULL: none */
    int16_t dc;
};

/* Whether a plain packet of a client through a door of `secret` gets any byte back. */
static bool is_served(const char *secret, const struct visit *v)
{
    struct mt_frame_cfg cfg = {.framing = v->framing, .obfuscated = v->obfuscated, .dc = v->dc};
    uint8_t packet[40] = {0};
    struct tc_bench b;
    struct mt_frame *frame;
    struct tl_slice out;
    uint32_t conn;
    bool served;

    tc_bench_init_proxied(&b, 3, secret);
    tl_store64(packet + 8, (uint64_t)(b.now.wall / MT_US_PER_S) << 32);
    tl_store32(packet + 16, 20);
    tl_store32(packet + 20, TL_req_pq_multi);
    memset(packet + 24, 1, 16);
    if (v->secret) {
        cfg.has_secret = true;
        unhex(v->secret, cfg.secret, sizeof cfg.secret);
    }
    frame = mt_frame_new(&b.env, &cfg);
    for (int i = 0; i < 2; i++) /* more than a header's length, however it is framed */
        assert_int_equal(mt_frame_submit(frame, packet, sizeof packet, false), MT_OK);
    conn = sb_server_accept_proxied(b.server, b.now);
    assert_true(conn != 0);
    out = mt_frame_output(frame);
    sb_server_feed(b.server, b.now, conn, out.p, out.n);
    served = sb_server_output(b.server, conn).n > 0;
    assert_int_equal(sb_server_wants_close(b.server, conn), served ? SB_CLOSE_NO : SB_CLOSE_NOW);
    sb_server_closed(b.server, b.now, conn);
    mt_frame_free(frame);
    tc_bench_fini(&b);
    return served;
}

static void who_is_served(void **state)
{
    static const struct {
        const char *door;
        struct visit v;
        bool served;
    } row[] = {
        {SECRET, {MT_INTERMEDIATE, true, SECRET, 2}, true},
        {SECRET, {MT_ABRIDGED, true, SECRET, 2}, true},
        {SECRET, {MT_PADDED, true, SECRET, 2}, true},
        {SECRET, {MT_PADDED, true, SECRET, -2}, true},    /* its media addresses */
        {SECRET, {MT_PADDED, true, SECRET, 10002}, true}, /* a test DC */
        {SECRET, {MT_PADDED, true, SECRET, 77}, false},   /* no such DC */
        {SECRET, {MT_PADDED, true, SECRET, 0}, false},
        {SECRET, {MT_PADDED, true, NULL, 2}, false}, /* not by the secret */
        {SECRET, {MT_PADDED, true, "ff112233445566778899aabbccddeeff", 2}, false},
        {SECRET, {MT_INTERMEDIATE, false, NULL, 2}, false}, /* not obfuscated */
        {"dd" SECRET, {MT_PADDED, true, SECRET, 2}, true},
        {"dd" SECRET, {MT_INTERMEDIATE, true, SECRET, 2}, false},
        {TLS, {MT_PADDED, true, SECRET, 2}, false}, /* without a greeting */
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (is_served(row[i].door, &row[i].v) != row[i].served)
            fail_msg("row %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_one_of_three_kinds),
        cmocka_unit_test(the_right_greeting_is_answered),
        cmocka_unit_test(a_wrong_secret),
        cmocka_unit_test(a_bit_changed_after_the_signature),
        cmocka_unit_test(a_clock_that_is_off),
        cmocka_unit_test(a_greeting_that_was_seen_before),
        cmocka_unit_test(another_domain),
        cmocka_unit_test(a_greeting_that_is_no_tls_13),
        cmocka_unit_test(no_greeting_where_one_is_due),
        cmocka_unit_test(records_of_another_kind),
        cmocka_unit_test(a_header_that_was_seen_before),
        cmocka_unit_test(who_is_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
