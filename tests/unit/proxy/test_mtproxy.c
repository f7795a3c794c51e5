/* MTProxy: framing by secret, and fake TLS (protocol.md 1.5, trap 12). */
#include "tests/unit/check.h"
#include "tests/unit/proxy/talk.h"

#define SECRET "00112233445566778899aabbccddeeff"

static struct mt_proxy_cfg proxy(const char *secret)
{
    struct mt_proxy_cfg cfg = {.kind = MT_PROXY_MTPROTO, .host = "10.0.0.1", .port = 443};

    assert_int_equal(mt_proxy_secret(secret, &cfg), MT_OK);
    return cfg;
}

static struct mt_proxy_cfg tls(void)
{
    return proxy("ee" SECRET "6578616d706c652e636f6d"); /* example.com */
}

static void the_secret_decides_the_framing(void **state)
{
    struct mt_frame_cfg frame = {.framing = MT_ABRIDGED};
    struct mt_proxy_cfg cfg = proxy(SECRET);
    uint8_t want[16];

    unhex(SECRET, want, sizeof want);
    mt_proxy_framing(&cfg, &frame);
    assert_true(frame.framing == MT_INTERMEDIATE && frame.obfuscated && frame.has_secret);
    assert_memory_equal(frame.secret, want, 16);
    cfg = proxy("dd" SECRET);
    mt_proxy_framing(&cfg, &frame);
    assert_true(frame.framing == MT_PADDED && frame.obfuscated && frame.has_secret);
    assert_memory_equal(frame.secret, want, 16);
    cfg = tls();
    frame = (struct mt_frame_cfg){.framing = MT_FULL};
    mt_proxy_framing(&cfg, &frame);
    assert_true(frame.framing == MT_PADDED && frame.obfuscated && frame.has_secret);
    cfg = (struct mt_proxy_cfg){.kind = MT_PROXY_SOCKS5};
    frame = (struct mt_frame_cfg){.framing = MT_FULL};
    mt_proxy_framing(&cfg, &frame);
    assert_true(frame.framing == MT_FULL && !frame.obfuscated && !frame.has_secret);
}

static void plain_and_padded_need_no_words(void **state)
{
    static const char *const secrets[] = {SECRET, "dd" SECRET};

    for (size_t i = 0; i < 2; i++) {
        struct mt_proxy_cfg cfg = proxy(secrets[i]);
        struct talk t;

        talk_begin(&t, &cfg, "1.2.3.4", 0);
        talk_hears(&t, NULL, 0);
        assert_true(mt_proxy_is_transparent(t.p));
        talk_end(&t);
    }
}

/* The published vector: the digest goes over the record's head too, the time is folded into its end. */
static void the_greeting_is_signed_as_published(void **state)
{
    uint8_t record[128], want[32], secret[16];
    size_t n = unhex("1603010040 0100003c 0303"
                     "0000000000000000000000000000000000000000000000000000000000000000"
                     "20 000102030405060708090a0b0c0d0e0f101112131415161718",
                     record, sizeof record);

    assert_int_equal(n, 69);
    unhex(SECRET, secret, sizeof secret);
    unhex("354c1ce7f2158d0f5d08596936d7b4c2fa6e1fcb21f84312987394c125cfaae0", want, sizeof want);
    mt_hello_sign(record, n, secret, 1700000000);
    assert_memory_equal(record + 11, want, 32);
}

static unsigned be16(const uint8_t *p)
{
    return (unsigned)(p[0] << 8 | p[1]);
}

static bool is_grease(unsigned v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* The extension's body, or NULL; walks the whole list and checks that it ends where it should. */
static const uint8_t *extension(const uint8_t *p, size_t n, unsigned id, size_t *len)
{
    const uint8_t *found = NULL;
    size_t at = 0;

    while (at + 4 <= n) {
        size_t body = be16(p + at + 2);

        assert_true(at + 4 + body <= n);
        if (be16(p + at) == id) {
            assert_null(found);
            found = p + at + 4;
            *len = body;
        }
        at += 4 + body;
    }
    assert_int_equal(at, n);
    return found;
}

static void the_greeting_looks_like_a_browser(void **state)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct fake_env f;
        uint8_t hello[MT_HELLO_MAX];
        const uint8_t *p, *x;
        size_t n, at, len;

        fake_env_init(&f, seed);
        n = mt_hello_make(&f.env, "example.com", false, hello);
        assert_true(n > 517);
        assert_memory_equal(hello, "\x16\x03\x01", 3);
        assert_int_equal(be16(hello + 3), n - 5);
        assert_memory_equal(hello + 5, "\x01\x00", 2);
        assert_int_equal(be16(hello + 7), n - 9);
        assert_memory_equal(hello + 9, "\x03\x03", 2);
        assert_int_equal(hello[43], 32);
        at = 76;
        assert_true(is_grease(be16(hello + at + 2)));
        assert_int_equal(be16(hello + at + 4), 0x1301); /* the first that is not reserved */
        at += 2 + be16(hello + at);
        assert_memory_equal(hello + at, "\x01\x00", 2);
        at += 2;
        assert_int_equal(be16(hello + at), n - at - 2);
        p = hello + at + 2;
        n -= at + 2;
        assert_true(is_grease(be16(p)));
        x = extension(p, n, 0, &len);
        assert_non_null(x);
        assert_int_equal(len, 5 + 11);
        assert_memory_equal(x,
                            "\x00\x0e\x00\x00\x0b"
                            "example.com",
                            len);
        x = extension(p, n, 43, &len);
        assert_non_null(x);
        assert_int_equal(len, 7);
        assert_memory_equal(x + 3, "\x03\x04\x03\x03", 4);
        x = extension(p, n, 51, &len);
        assert_non_null(x);
        assert_int_equal(len, 2 + 5 + 4 + 1216 + 4 + 32);
        assert_int_equal(be16(x), len - 2);
        assert_true(is_grease(be16(x + 2)));
        assert_memory_equal(x + 7, "\x11\xec\x04\xc0", 4);
        assert_memory_equal(x + 11 + 1216, "\x00\x1d\x00\x20", 4);
        for (size_t i = 0; i < 1152; i += 3) { /* coefficients of ML-KEM-768 are below 3329 */
            assert_true((x[11 + i] | (x[12 + i] & 15) << 8) < 3329);
            assert_true((x[12 + i] >> 4 | x[13 + i] << 4) < 3329);
        }
    }
}

/* As mtprotoproxy of 2019 and the official proxy of that time compare it. */
static void the_small_greeting_has_the_head_that_old_proxies_want(void **state)
{
    static const char *const domains[] = {"a.de", "example.com",
                                          "a.long.name.of.some.kind.with.many.letters.example.org"};
    uint8_t hello[MT_HELLO_MAX];
    struct fake_env f;
    size_t n, len;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        const char *domain = domains[seed % 3];

        fake_env_init(&f, seed);
        n = mt_hello_make(&f.env, domain, true, hello);
        assert_int_equal(n, MT_HELLO_SMALL);
        assert_memory_equal(hello, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
        assert_null(extension(hello + 114, n - 114, 0xfe0d, &len));
        assert_non_null(extension(hello + 114, n - 114, 0x15, &len));
        assert_non_null(extension(hello + 114, n - 114, 51, &len));
        assert_int_equal(len, 2 + 5 + 4 + 32);
    }
    fake_env_init(&f, 1);
    char longest[MT_PROXY_DOMAIN_MAX + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    n = mt_hello_make(&f.env, longest, true, hello);
    assert_true(n >= MT_HELLO_SMALL - 5 && n < MT_HELLO_MAX);
    assert_int_equal(be16(hello + 3), n - 5);
}

/* What a proxy answers, signed with the greeting's random. */
static size_t answer(const struct talk *t, uint8_t *out, const char *secret_hex, size_t tail)
{
    uint8_t secret[16], digest[32];
    size_t n = 0;
    struct mt_part parts[2];

    unhex(secret_hex, secret, sizeof secret);
    memcpy(out, "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", 11);
    memset(out + 11, 0, 127 - 11);
    n = 127;
    memcpy(out + n, "\x14\x03\x03\x00\x01\x01\x17\x03\x03", 9);
    n += 9;
    out[n++] = (uint8_t)(tail >> 8);
    out[n++] = (uint8_t)tail;
    memset(out + n, 0x5a, tail);
    n += tail;
    parts[0] = (struct mt_part){t->p->hello_random, 32};
    parts[1] = (struct mt_part){out, n};
    mt_hmac_sha256(digest, secret, 16, parts, 2);
    memcpy(out + 11, digest, 32);
    return n;
}

static void shake(struct talk *t, const struct mt_proxy_cfg *cfg, size_t cut)
{
    talk_begin(t, cfg, "1.2.3.4", cut);
    assert_true(mt_proxy_output(t->p).n > 517);
    assert_memory_equal(mt_proxy_output(t->p).p + 11, t->p->hello_random, 32);
    mt_proxy_wrote(t->p, mt_proxy_output(t->p).n);
}

static void records_around_the_stream(void **state)
{
    static const size_t cuts[] = {0, 1, 5, 100};
    static uint8_t big[6000], got[8192];
    struct mt_proxy_cfg cfg = tls();

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 7);
    for (size_t c = 0; c < 4; c++) {
        uint8_t buf[2048];
        struct tl_slice out;
        struct talk t;
        size_t n;

        shake(&t, &cfg, cuts[c]);
        n = answer(&t, buf, SECRET, 300);
        memcpy(buf + n,
               "\x17\x03\x03\x00\x02"
               "ab"
               "\x17\x03\x03\x00\x00"
               "\x14\x03\x03\x00\x01\x01"
               "\x17\x03\x03\x00\x03"
               "cde"
               "\x17\x03\x03",
               7 + 5 + 6 + 8 + 3);
        assert_int_equal(talk_says(&t, buf, n + 29), MT_OK);
        assert_int_equal(mt_proxy_state(t.p), MT_PROXY_OPEN);
        assert_false(mt_proxy_is_transparent(t.p));
        talk_inner(&t, "abcde", 5);
        assert_int_equal(talk_says(&t,
                                   "\x00\x01"
                                   "f",
                                   3),
                         MT_OK);
        talk_inner(&t, "f", 1);
        talk_hears_hex(&t, "140303000101");
        /* 6000 bytes: two full records and the rest */
        assert_int_equal(mt_proxy_submit(t.p, big, sizeof big), MT_OK);
        out = mt_proxy_output(t.p);
        assert_int_equal(out.n, sizeof big + 3 * 5);
        n = 0;
        for (size_t at = 0; at < out.n; at += 5 + be16(out.p + at + 3)) {
            assert_memory_equal(out.p + at, "\x17\x03\x03", 3);
            assert_true(be16(out.p + at + 3) <= 2878);
            memcpy(got + n, out.p + at + 5, be16(out.p + at + 3));
            n += be16(out.p + at + 3);
        }
        assert_int_equal(n, sizeof big);
        assert_memory_equal(got, big, n);
        talk_end(&t);
    }
}

static void a_proxy_without_the_secret_is_left(void **state)
{
    struct mt_proxy_cfg cfg = tls();
    uint8_t buf[2048];
    struct talk t;
    size_t n;

    for (int twist = 0; twist < 7; twist++) {
        shake(&t, &cfg, 0);
        n = answer(&t, buf, twist == 0 ? "ffeeddccbbaa99887766554433221100" : SECRET, 64);
        if (twist == 1)
            buf[11] ^= 1; /* the proof */
        if (twist == 2)
            buf[n - 1] ^= 1; /* the last byte that it covers */
        if (twist == 3)
            buf[0] = 0x17; /* no handshake */
        if (twist == 4)
            buf[127] = 0x15; /* an alert in place of the change of cipher */
        if (twist == 5)
            memcpy(buf, "HTTP/1.1 400", 12);
        if (twist == 6)
            buf[3] = 0xff; /* a record longer than any */
        talk_fails(&t, talk_says(&t, buf, n), MT_E_AUTH, "does not prove");
        talk_end(&t);
    }
}

static void records_that_are_none_end_it(void **state)
{
    static const char *const row[][2] = {
        {"1603030001 00", "no record"},   {"1503030002 0228", "alert"}, {"170303ffff", "no record"},
        {"1403030002 0101", "no record"}, {"00", "no record"},          {"1703010001 00", "no record"}};
    struct mt_proxy_cfg cfg = tls();
    uint8_t buf[2048];

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct talk t;
        size_t n;

        shake(&t, &cfg, 1);
        n = answer(&t, buf, SECRET, 64);
        assert_int_equal(talk_says(&t, buf, n), MT_OK);
        talk_fails(&t, talk_says_hex(&t, row[i][0]), MT_E_PEER, row[i][1]);
        talk_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_secret_decides_the_framing),
        cmocka_unit_test(plain_and_padded_need_no_words),
        cmocka_unit_test(the_greeting_is_signed_as_published),
        cmocka_unit_test(the_greeting_looks_like_a_browser),
        cmocka_unit_test(the_small_greeting_has_the_head_that_old_proxies_want),
        cmocka_unit_test(records_around_the_stream),
        cmocka_unit_test(a_proxy_without_the_secret_is_left),
        cmocka_unit_test(records_that_are_none_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
