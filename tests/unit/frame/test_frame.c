#include "tests/unit/check.h"
#include "tests/unit/vectors.h"
#include "tests/unit/frame/pair.h"

#include <zlib.h>

#define VECTORS "frame/obfuscated2.txt"

static void expect_packet(struct mt_frame *f, const uint8_t *p, size_t n)
{
    struct mt_frame_event ev;

    mt_frame_next(f, &ev);
    assert_int_equal(ev.kind, MT_FRAME_PACKET);
    assert_int_equal(ev.n, n);
    assert_memory_equal(ev.p, p, n);
}

static void expect(struct mt_frame *f, enum mt_frame_event_kind kind, int32_t code)
{
    struct mt_frame_event ev;

    mt_frame_next(f, &ev);
    assert_int_equal(ev.kind, kind);
    assert_int_equal(ev.code, code);
}

static void every_framing_carries_packets_both_ways(void **state)
{
    static const size_t size[] = {24, 40, 504, 508, 520, 65560, 1044472};
    static uint8_t packet[1044480];

    for (size_t i = 0; i < N_STREAMS; i++) {
        struct pair p;

        pair_init(&p, &all_streams[i]);
        for (size_t j = 0; j < sizeof size / sizeof *size; j++) {
            size_t n = all_streams[i].framing == MT_PADDED ? 24 + ((size[j] - 24) & ~(size_t)15) : size[j];

            fill_packet(packet, n, (uint8_t)j);
            assert_int_equal(mt_frame_submit(p.client, packet, n, false), MT_OK);
            carry(p.client, p.server);
            expect_packet(p.server, packet, n);
            expect(p.server, MT_FRAME_NONE, 0);
            assert_int_equal(mt_frame_framing(p.server), all_streams[i].framing);
            assert_int_equal(mt_frame_is_obfuscated(p.server), all_streams[i].obfuscated);
            assert_int_equal(mt_frame_dc(p.server), all_streams[i].dc);

            assert_int_equal(mt_frame_submit(p.server, packet, n, false), MT_OK);
            carry(p.server, p.client);
            expect_packet(p.client, packet, n);
            expect(p.client, MT_FRAME_NONE, 0);
        }
        pair_fini(&p);
    }
}

/* What the receiver reports of a conversation of every kind of packet, as text. */
static void report(struct mt_frame *f, char *text, size_t cap)
{
    struct mt_frame_event ev;
    size_t at = strlen(text);

    for (mt_frame_next(f, &ev); ev.kind != MT_FRAME_NONE; mt_frame_next(f, &ev))
        at += (size_t)snprintf(text + at, cap - at, "%d %d %zu %08lx %d\n", (int)ev.kind, ev.code, ev.n,
                               ev.n ? crc32(0, ev.p, (uInt)ev.n) : 0, ev.quick_ack_wanted);
}

static void feed_in_two(struct mt_frame *f, const uint8_t *bytes, size_t n, size_t cut, char *text,
                        size_t cap)
{
    *text = 0;
    assert_int_equal(mt_frame_feed(f, bytes, cut), MT_OK);
    report(f, text, cap);
    assert_int_equal(mt_frame_feed(f, bytes + cut, n - cut), MT_OK);
    report(f, text, cap);
}

static void feed_byte_by_byte(struct mt_frame *f, const uint8_t *bytes, size_t n, char *text, size_t cap)
{
    *text = 0;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(mt_frame_feed(f, bytes + i, 1), MT_OK);
        report(f, text, cap);
    }
}

static void speak(const struct pair *p, bool server)
{
    uint8_t packet[600];

    for (uint8_t i = 0; i < 4; i++) {
        size_t n = 24 + 16 * (size_t)i * 11;

        fill_packet(packet, n, i);
        assert_int_equal(mt_frame_submit(server ? p->server : p->client, packet, n, i == 2), MT_OK);
        if (server && i == 1 && mt_frame_framing(p->server) != MT_FULL)
            assert_int_equal(mt_frame_submit_quick_ack(p->server, UINT32_C(0x12345678)), MT_OK);
        if (server && i == 2)
            assert_int_equal(mt_frame_submit_error(p->server, -404), MT_OK);
    }
}

static void a_stream_may_be_cut_anywhere(void **state)
{
    char whole[1024], cut_text[1024];

    for (size_t i = 0; i < N_STREAMS; i++) {
        const struct mt_frame_cfg *cfg = &all_streams[i];
        const uint8_t *secret = cfg->has_secret ? cfg->secret : NULL;
        struct mt_frame *f;
        struct pair p;
        uint8_t *bytes;
        size_t n;

        pair_init(&p, cfg);
        speak(&p, false);
        bytes = drain(p.client, &n);
        f = mt_frame_new_server(&p.env.env, secret);
        feed_in_two(f, bytes, n, n, whole, sizeof whole);
        mt_frame_free(f);
        for (size_t cut = 0; cut <= n; cut++) {
            f = mt_frame_new_server(&p.env.env, secret);
            feed_in_two(f, bytes, n, cut, cut_text, sizeof cut_text);
            assert_string_equal(cut_text, whole);
            mt_frame_free(f);
        }
        feed_byte_by_byte(p.server, bytes, n, cut_text, sizeof cut_text);
        assert_string_equal(cut_text, whole);
        free(bytes);

        /* the other way; a client's streams depend on what it drew, so each is made from the same seed */
        speak(&p, true);
        bytes = drain(p.server, &n);
        for (size_t cut = 0; cut <= n; cut++) {
            struct fake_env env;

            fake_env_init(&env, 11);
            f = mt_frame_new(&env.env, cfg);
            if (cut == 0) {
                feed_in_two(f, bytes, n, 0, whole, sizeof whole);
                assert_non_null(strstr(whole, "3 -404 0"));
            } else {
                feed_in_two(f, bytes, n, cut, cut_text, sizeof cut_text);
                assert_string_equal(cut_text, whole);
            }
            mt_frame_free(f);
        }
        feed_byte_by_byte(p.client, bytes, n, cut_text, sizeof cut_text);
        assert_string_equal(cut_text, whole);
        free(bytes);
        pair_fini(&p);
    }
}

static void a_quick_ack_is_asked_for_and_told(void **state)
{
    uint8_t packet[520];

    for (size_t i = 0; i < N_STREAMS; i++) {
        struct mt_frame_event ev;
        struct pair p;

        pair_init(&p, &all_streams[i]);
        for (size_t n = 24; n <= 520; n += 496) {
            fill_packet(packet, n, 1);
            mt_frame_submit(p.client, packet, n, true);
            carry(p.client, p.server);
            mt_frame_next(p.server, &ev);
            assert_int_equal(ev.kind, MT_FRAME_PACKET);
            assert_int_equal(ev.n, n);
            assert_int_equal(ev.quick_ack_wanted, all_streams[i].framing != MT_FULL);
        }
        if (all_streams[i].framing == MT_FULL) {
            assert_int_equal(mt_frame_submit_quick_ack(p.server, UINT32_C(0x897bc930)), MT_E_STATE);
        } else {
            /* the token of vector A.4 between two packets */
            mt_frame_submit(p.server, packet, 24, true);
            assert_int_equal(mt_frame_submit_quick_ack(p.server, UINT32_C(0x897bc930)), MT_OK);
            mt_frame_submit(p.server, packet, 24, true);
            carry(p.server, p.client);
            expect_packet(p.client, packet, 24);
            expect(p.client, MT_FRAME_QUICK_ACK, (int32_t)UINT32_C(0x897bc930));
            expect_packet(p.client, packet, 24);
        }
        pair_fini(&p);
    }
}

static void quick_ack_tokens_have_the_published_bytes(void **state)
{
    static const struct {
        enum mt_framing framing;
        uint8_t wire[4];
    } row[] = {{MT_INTERMEDIATE, {0x30, 0xc9, 0x7b, 0x89}}, {MT_ABRIDGED, {0x89, 0x7b, 0xc9, 0x30}}};

    for (size_t i = 0; i < 2; i++) {
        struct mt_frame_cfg cfg = {.framing = row[i].framing};
        uint8_t packet[24] = {1};
        struct tl_slice out;
        struct pair p;

        pair_init(&p, &cfg);
        mt_frame_submit(p.client, packet, sizeof packet, true);
        carry(p.client, p.server);
        expect_packet(p.server, packet, sizeof packet);
        mt_frame_submit_quick_ack(p.server, UINT32_C(0x897bc930));
        out = mt_frame_output(p.server);
        assert_int_equal(out.n, 4);
        assert_memory_equal(out.p, row[i].wire, 4);
        pair_fini(&p);
    }
}

static void transport_errors_arrive_in_every_framing(void **state)
{
    static const int32_t code[] = {-404, -429, -444, -1};
    uint8_t packet[24] = {1};

    for (size_t i = 0; i < N_STREAMS; i++) {
        struct pair p;

        pair_init(&p, &all_streams[i]);
        assert_int_equal(mt_frame_submit_error(p.server, -404), MT_E_STATE);
        mt_frame_submit(p.client, packet, sizeof packet, false);
        carry(p.client, p.server);
        expect_packet(p.server, packet, sizeof packet);
        for (size_t j = 0; j < 4; j++) {
            if (code[j] == -1 && all_streams[i].framing == MT_PADDED)
                continue; /* with enough padding that is a token */
            assert_int_equal(mt_frame_submit_error(p.server, code[j]), MT_OK);
            carry(p.server, p.client);
            expect(p.client, MT_FRAME_ERROR, code[j]);
        }
        pair_fini(&p);
    }
}

static void short_packets_that_are_no_error_are_nothing(void **state)
{
    static const uint8_t wire[] = {
        0, 0, 0, 0,                                     /* empty */
        4, 0, 0, 0, 0,    0,    0,    0,                /* code 0 */
        4, 0, 0, 0, 44,   1,    0,    0,                /* code 300 */
        8, 0, 0, 0, 1,    0,    0,    0,    2, 0, 0, 0, /* two words */
        4, 0, 0, 0, 0x6c, 0xfe, 0xff, 0xff,             /* -404 */
    };
    struct mt_frame_cfg cfg = {.framing = MT_INTERMEDIATE};
    static const uint8_t abridged[] = {0, 1, 0, 0, 0, 0, 0x7f, 0, 0, 0, 1, 0x6c, 0xfe, 0xff, 0xff};
    struct pair p;

    pair_init(&p, &cfg);
    mt_frame_feed(p.client, wire, sizeof wire);
    expect(p.client, MT_FRAME_ERROR, -404);
    expect(p.client, MT_FRAME_NONE, 0);
    pair_fini(&p);
    cfg.framing = MT_ABRIDGED;
    pair_init(&p, &cfg);
    mt_frame_feed(p.client, abridged, sizeof abridged);
    expect(p.client, MT_FRAME_ERROR, -404);
    expect(p.client, MT_FRAME_NONE, 0);
    pair_fini(&p);
}

static void padding_is_taken_off(void **state)
{
    struct mt_frame_cfg cfg = {.framing = MT_PADDED};
    uint8_t wire[4 + 256];
    struct pair p;

    pair_init(&p, &cfg);
    for (uint32_t pad = 0; pad < 16; pad++) {
        /* encrypted: a multiple of 16 behind the first 24 bytes */
        memset(wire, 0xa5, sizeof wire);
        tl_store32(wire, 24 + 64 + pad);
        mt_frame_feed(p.client, wire, 4 + 24 + 64 + pad);
        expect_packet(p.client, wire + 4, 24 + 64);
        /* in clear: what its length says; the padding of a plain answer may be longer than 15 */
        tl_store64(wire + 4, 0);
        tl_store32(wire + 4 + 16, 84);
        tl_store32(wire, 20 + 84 + pad);
        mt_frame_feed(p.client, wire, 4 + 20 + 84 + pad);
        expect_packet(p.client, wire + 4, 20 + 84);
        /* an error */
        tl_store32(wire + 4, (uint32_t)-429);
        tl_store32(wire, 4 + pad);
        mt_frame_feed(p.client, wire, 4 + 4 + pad);
        expect(p.client, MT_FRAME_ERROR, -429);
    }
    /* in clear, and longer than there is: nothing, and the stream goes on */
    tl_store64(wire + 4, 0);
    tl_store32(wire + 4 + 16, 85);
    tl_store32(wire, 20 + 84);
    mt_frame_feed(p.client, wire, 4 + 20 + 84);
    expect(p.client, MT_FRAME_NONE, 0);
    tl_store32(wire + 4 + 16, UINT32_MAX);
    mt_frame_feed(p.client, wire, 4 + 20 + 84);
    expect(p.client, MT_FRAME_NONE, 0);
    pair_fini(&p);
}

static void padding_has_every_length(void **state)
{
    struct mt_frame_cfg cfg = {.framing = MT_PADDED};
    uint8_t packet[40] = {1};
    unsigned seen = 0;
    struct pair p;

    pair_init(&p, &cfg);
    mt_frame_wrote(p.client, 4);
    for (int i = 0; i < 500; i++) {
        mt_frame_submit(p.client, packet, sizeof packet, false);
        assert_in_range(mt_frame_output(p.client).n, 44, 59);
        seen |= 1u << (mt_frame_output(p.client).n - 44);
        mt_frame_wrote(p.client, mt_frame_output(p.client).n);
    }
    assert_int_equal(seen, 0xffff);
    pair_fini(&p);
}

static void a_failed_stream_says_so_once_and_is_silent(void **state)
{
    static const struct {
        const char *what;
        enum mt_framing framing;
        int err;
        const char *wire;
    } row[] = {
        {"length not a multiple of 4", MT_INTERMEDIATE, MT_E_PEER, "05000000"},
        {"over 16 MiB", MT_INTERMEDIATE, MT_E_TOO_LARGE, "04000001"},
        {"over 16 MiB", MT_PADDED, MT_E_TOO_LARGE, "01000001"},
        {"over 16 MiB", MT_ABRIDGED, MT_E_TOO_LARGE, "7f010040"},
        {"over 16 MiB", MT_FULL, MT_E_TOO_LARGE, "10000001"},
        {"negative", MT_PADDED, MT_E_TOO_LARGE, "00000080"},
        {"less than its own head", MT_FULL, MT_E_PEER, "0c000000"},
        {"not a multiple of 4", MT_FULL, MT_E_PEER, "1d000000"},
        {"wrong number", MT_FULL, MT_E_PEER, "1c00000001000000000102030405060708090a0b0c0d0e0f21bed445"},
        {"wrong checksum", MT_FULL, MT_E_PEER, "1c00000000000000000102030405060708090a0b0c0d0e0f21bed446"},
        {"wrong content", MT_FULL, MT_E_PEER, "1c00000000000000000102030405060708090a0b0c0d0e1f21bed445"},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct mt_frame_cfg cfg = {.framing = row[i].framing};
        uint8_t wire[64];
        size_t n = unhex(row[i].wire, wire, sizeof wire);
        struct pair p;

        pair_init(&p, &cfg);
        mt_frame_feed(p.client, wire, n);
        expect(p.client, MT_FRAME_FAILED, row[i].err);
        expect(p.client, MT_FRAME_NONE, 0);
        assert_int_equal(mt_frame_feed(p.client, wire, n), MT_OK);
        expect(p.client, MT_FRAME_NONE, 0);
        assert_int_equal(mt_frame_submit(p.client, wire, 24, false), MT_E_STATE);
        pair_fini(&p);
    }
}

static void full_matches_its_vector_and_counts(void **state)
{
    struct mt_frame_cfg cfg = {.framing = MT_FULL};
    uint8_t payload[16], want[28];
    struct tl_slice out;
    struct pair p;

    pair_init(&p, &cfg);
    vector_exact(VECTORS, "full_frame", want, sizeof want);
    for (uint8_t i = 0; i < sizeof payload; i++)
        payload[i] = i;
    mt_frame_submit(p.client, payload, sizeof payload, false);
    out = mt_frame_output(p.client);
    assert_int_equal(out.n, sizeof want);
    assert_memory_equal(out.p, want, sizeof want);
    mt_frame_submit(p.client, payload, sizeof payload, false);
    assert_int_equal(tl_load32(mt_frame_output(p.client).p + 28 + 4), 1);
    /* 16 bytes are too few for a packet, and their first word is positive */
    carry(p.client, p.server);
    expect(p.server, MT_FRAME_NONE, 0);
    /* the same frame again has an old number */
    mt_frame_feed(p.server, want, sizeof want);
    expect(p.server, MT_FRAME_FAILED, MT_E_PEER);
    pair_fini(&p);
}

static void limits_hold_on_the_way_out(void **state)
{
    static uint8_t packet[MT_FRAME_MAX_IN + 4];

    for (size_t i = 0; i < N_STREAMS; i++) {
        struct pair p;

        pair_init(&p, &all_streams[i]);
        packet[0] = 1;
        assert_int_equal(mt_frame_submit(p.client, packet, MT_FRAME_MAX_OUT + 4, false), MT_E_TOO_LARGE);
        assert_int_equal(mt_frame_submit(p.client, packet, 26, false), MT_E_ARG);
        assert_int_equal(mt_frame_submit(p.client, packet, 0, false), MT_E_ARG);
        assert_int_equal(mt_frame_submit(p.server, packet, 24, false), MT_E_STATE);
        assert_int_equal(mt_frame_submit(p.client, packet, 24, false), MT_OK);
        carry(p.client, p.server);
        expect_packet(p.server, packet, 24);
        assert_int_equal(mt_frame_submit(p.server, packet, MT_FRAME_MAX_OUT + 4, false), MT_OK);
        assert_int_equal(mt_frame_submit(p.server, packet, MT_FRAME_MAX_IN + 4, false), MT_E_TOO_LARGE);
        assert_int_equal(mt_frame_submit_quick_ack(p.client, 1), MT_E_STATE);
        assert_int_equal(mt_frame_submit_error(p.client, -404), MT_E_STATE);
        pair_fini(&p);
    }
}

static void output_may_be_written_in_pieces(void **state)
{
    uint8_t packet[100] = {1};
    struct mt_frame_cfg cfg = {.framing = MT_INTERMEDIATE, .obfuscated = true, .dc = 1};
    struct pair p;

    pair_init(&p, &cfg);
    for (int i = 0; i < 20; i++) {
        struct tl_slice out;

        mt_frame_submit(p.client, packet, sizeof packet, false);
        out = mt_frame_output(p.client);
        mt_frame_feed(p.server, out.p, out.n / 2);
        mt_frame_wrote(p.client, out.n / 2);
    }
    carry(p.client, p.server);
    for (int i = 0; i < 20; i++)
        expect_packet(p.server, packet, sizeof packet);
    expect(p.server, MT_FRAME_NONE, 0);
    mt_frame_wrote(p.client, 1000); /* more than there is */
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing_carries_packets_both_ways),
        cmocka_unit_test(a_stream_may_be_cut_anywhere),
        cmocka_unit_test(a_quick_ack_is_asked_for_and_told),
        cmocka_unit_test(quick_ack_tokens_have_the_published_bytes),
        cmocka_unit_test(transport_errors_arrive_in_every_framing),
        cmocka_unit_test(short_packets_that_are_no_error_are_nothing),
        cmocka_unit_test(padding_is_taken_off),
        cmocka_unit_test(padding_has_every_length),
        cmocka_unit_test(a_failed_stream_says_so_once_and_is_silent),
        cmocka_unit_test(full_matches_its_vector_and_counts),
        cmocka_unit_test(limits_hold_on_the_way_out),
        cmocka_unit_test(output_may_be_written_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
