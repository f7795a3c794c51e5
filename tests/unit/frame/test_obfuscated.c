#include "tests/unit/check.h"
#include "tests/unit/oom.h"
#include "tests/unit/vectors.h"
#include "tests/unit/frame/pair.h"
#include "core/frame/obfuscated.h"

#define VECTORS "frame/obfuscated2.txt"

static void the_header_matches_the_vectors(void **state)
{
    static const struct {
        bool secret;
        const char *tail, *sent, *received;
    } row[] = {{false, "plain_sent_tail", "plain_sent", "plain_received"},
               {true, "secret_sent_tail", "secret_sent", "secret_received"}};
    uint8_t init[64], want[8], zeros[8] = {0}, got[8];

    vector_exact(VECTORS, "init", init, sizeof init);
    for (size_t i = 0; i < 2; i++) {
        struct mt_frame_cfg cfg = {.framing = MT_PADDED, .obfuscated = true, .dc = -4};
        uint8_t sent[64], drawn[64];
        struct mt_streams s = {0};
        struct fake_env f;

        cfg.has_secret = row[i].secret;
        unhex("00112233445566778899aabbccddeeff", cfg.secret, sizeof cfg.secret);
        fake_env_init(&f, 1);
        memcpy(drawn, init, sizeof drawn);
        memset(drawn + 56, 0x77, 6); /* framing and dc are not the random source's */
        fake_env_will_draw(&f, drawn, sizeof drawn);
        assert_int_equal(mt_obfuscated_start(&f.env, &cfg, sent, &s), MT_OK);
        assert_memory_equal(sent, init, 56);
        vector_exact(VECTORS, row[i].tail, want, sizeof want);
        assert_memory_equal(sent + 56, want, sizeof want);
        unhex("0400000041424344", got, sizeof got);
        mt_ctr_apply(s.tx, got, got, sizeof got);
        vector_exact(VECTORS, row[i].sent, want, sizeof want);
        assert_memory_equal(got, want, sizeof want);
        mt_ctr_apply(s.rx, zeros, got, sizeof got);
        vector_exact(VECTORS, row[i].received, want, sizeof want);
        assert_memory_equal(got, want, sizeof want);
        mt_streams_fini(&s);
    }
}

/* The packet is in padded intermediate, whose padding is random: it is compared with the cut taken off. */
static void a_stream_begins_with_the_header_and_no_greeting(void **state)
{
    struct mt_frame_cfg cfg = {.framing = MT_PADDED, .obfuscated = true, .dc = -4};
    struct fake_env f;
    struct mt_frame *client;
    uint8_t init[64], tail[8];

    fake_env_init(&f, 1);
    vector_exact(VECTORS, "init", init, sizeof init);
    vector_exact(VECTORS, "plain_sent_tail", tail, sizeof tail);
    fake_env_will_draw(&f, init, sizeof init);
    client = mt_frame_new(&f.env, &cfg);
    assert_int_equal(mt_frame_output(client).n, 64);
    assert_memory_equal(mt_frame_output(client).p, init, 56);
    assert_memory_equal(mt_frame_output(client).p + 56, tail, 8);
    mt_frame_free(client);
}

static void forbidden_beginnings_are_drawn_again(void **state)
{
    static const char *const begin[] = {
        "ef01020304050607", "4845414401020304", "504f535401020304", "4745542001020304", "4f50544901020304",
        "1603010201020304", "dddddddd01020304", "eeeeeeee01020304", "0102030400000000",
    };
    static const uint8_t fine[8] = {0xee, 0xee, 0xee, 0xef, 0, 0, 0, 1};
    struct mt_frame_cfg cfg = {.framing = MT_ABRIDGED, .obfuscated = true};
    struct fake_env f;
    struct mt_frame *client;
    uint8_t init[64];

    fake_env_init(&f, 1);
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) {
        memset(init, 0x11, sizeof init);
        unhex(begin[i], init, sizeof init);
        assert_true(mt_obfuscated_forbidden(init));
        fake_env_will_draw(&f, init, sizeof init);
    }
    memcpy(init, fine, sizeof fine);
    fake_env_will_draw(&f, init, sizeof init);
    client = mt_frame_new(&f.env, &cfg);
    assert_memory_equal(mt_frame_output(client).p, fine, sizeof fine);
    mt_frame_free(client);
}

static void stuck_random(void *ctx, void *buf, size_t n)
{
    memset(buf, 0, n);
}

static void a_random_source_that_is_stuck_ends_in_an_error(void **state)
{
    struct mt_env env = {.random = stuck_random};
    struct mt_frame_cfg cfg = {.framing = MT_ABRIDGED, .obfuscated = true};

    assert_null(mt_frame_new(&env, &cfg));
    cfg.framing = MT_FULL; /* cannot be obfuscated */
    assert_null(mt_frame_new(&env, &cfg));
}

static void expect_failure(const uint8_t *secret, const uint8_t *wire, size_t n)
{
    struct fake_env f;
    struct mt_frame *server;
    struct mt_frame_event ev;

    fake_env_init(&f, 1);
    server = mt_frame_new_server(&f.env, secret);
    mt_frame_feed(server, wire, n);
    mt_frame_next(server, &ev);
    assert_int_equal(ev.kind, MT_FRAME_FAILED);
    assert_int_equal(ev.code, MT_E_PEER);
    mt_frame_free(server);
}

static void a_server_refuses_strangers(void **state)
{
    static const uint8_t secret[16] = {1}, abridged[64] = {0xef, 6, 1}, full[64] = {36};
    uint8_t wire[64];

    for (size_t i = 0; i < sizeof wire; i++)
        wire[i] = (uint8_t)(i + 1);
    expect_failure(NULL, wire, sizeof wire); /* obfuscated, with a tag of no framing */
    expect_failure(NULL, (const uint8_t *)"GET / HTTP/1.1\r\n", 16);
    expect_failure(NULL, (const uint8_t *)"POST /api HTTP/1.1\r\n", 20);
    /* a server with a secret takes nothing in clear */
    expect_failure(secret, abridged, sizeof abridged);
    expect_failure(secret, full, sizeof full);
}

static void a_wrong_secret_is_refused(void **state)
{
    struct mt_frame_cfg cfg = {.framing = MT_ABRIDGED, .obfuscated = true, .has_secret = true};
    uint8_t other[16] = {1};
    struct fake_env f;
    struct mt_frame *client;
    struct tl_slice out;

    fake_env_init(&f, 5);
    client = mt_frame_new(&f.env, &cfg);
    out = mt_frame_output(client);
    expect_failure(other, out.p, out.n);
    expect_failure(NULL, out.p, out.n);
    mt_frame_free(client);
}

/* One conversation; what could be submitted or fed must arrive, however much memory there is. */
static void converse(const struct mt_frame_cfg *cfg)
{
    struct fake_env f;
    struct mt_frame *client, *server;
    struct mt_frame_event ev;
    static uint8_t packet[9000];
    int sent = 0, got = 0;

    fake_env_init(&f, 3);
    fill_packet(packet, 8 + 16 * 500, 4);
    client = mt_frame_new(&f.env, cfg);
    server = mt_frame_new_server(&f.env, cfg->has_secret ? cfg->secret : NULL);
    for (int i = 0; client && server && i < 3; i++) {
        struct tl_slice out;
        size_t n = i ? 24 + 16 * 400 : 40;

        if (mt_frame_submit(client, packet, n, false) == MT_OK)
            sent++;
        out = mt_frame_output(client);
        if (mt_frame_feed(server, out.p, out.n) == MT_OK)
            mt_frame_wrote(client, out.n);
        do {
            mt_frame_next(server, &ev);
            got += ev.kind == MT_FRAME_PACKET;
        } while (ev.kind != MT_FRAME_NONE && ev.kind != MT_FRAME_FAILED);
    }
    if (client && server) {
        struct tl_slice out = mt_frame_output(client);

        assert_int_equal(mt_frame_feed(server, out.p, out.n), MT_OK);
        for (mt_frame_next(server, &ev); ev.kind == MT_FRAME_PACKET; mt_frame_next(server, &ev))
            got++;
        /* a server that had no memory for the streams of a header has failed; nothing else may be lost */
        if (got != sent)
            assert_true(got == 0 && cfg->obfuscated);
    }
    mt_frame_free(client);
    mt_frame_free(server);
}

static void memory_may_be_short_anywhere(void **state)
{
    for (size_t s = 0; s < N_STREAMS; s++) {
        size_t i;

        for (i = 0; oom_arm(i); i++)
            converse(&all_streams[s]);
        oom_disarm();
        assert_true(i > 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_matches_the_vectors),
        cmocka_unit_test(a_stream_begins_with_the_header_and_no_greeting),
        cmocka_unit_test(forbidden_beginnings_are_drawn_again),
        cmocka_unit_test(a_random_source_that_is_stuck_ends_in_an_error),
        cmocka_unit_test(a_server_refuses_strangers),
        cmocka_unit_test(a_wrong_secret_is_refused),
        cmocka_unit_test(memory_may_be_short_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
