/*
 * Hostile bytes into a stream, either side: whatever they are, cutting them elsewhere changes nothing, and
 * what comes out is within its limits.
 *
 *     | 1 byte: framing (2 bits), obfuscated, secret, server | 1 byte: where to cut | bytes |
 */
#include "tests/fuzz/fuzz.h"

#include <zlib.h>

#include "core/frame/frame.h"

static void counting_random(void *ctx, void *buf, size_t n)
{
    uint8_t *next = ctx;

    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (*next)++;
}

struct end {
    uint8_t counter;
    struct mt_env env;
    struct mt_frame *f;
    uint32_t digest; /* of all events */
    bool failed;
};

static bool end_init(struct end *e, uint8_t mode)
{
    static const uint8_t secret[16] = {1, 2, 3};
    struct mt_frame_cfg cfg = {.framing = mode & 3, .obfuscated = mode & 4, .has_secret = mode & 8, .dc = 2};

    *e = (struct end){.counter = 1};
    e->env = (struct mt_env){.random = counting_random, .ctx = &e->counter};
    memcpy(cfg.secret, secret, sizeof secret);
    e->f = mode & 16 ? mt_frame_new_server(&e->env, mode & 8 ? secret : NULL) : mt_frame_new(&e->env, &cfg);
    return e->f != NULL;
}

static void pull(struct end *e)
{
    struct mt_frame_event ev;

    for (;;) {
        mt_frame_next(e->f, &ev);
        if (ev.kind == MT_FRAME_NONE)
            return;
        FUZZ_CHECK(!e->failed);
        e->failed = ev.kind == MT_FRAME_FAILED;
        FUZZ_CHECK(ev.kind == MT_FRAME_PACKET ? ev.n >= 24 && ev.n <= MT_FRAME_MAX_IN : ev.n == 0);
        FUZZ_CHECK(ev.kind == MT_FRAME_PACKET || ev.code < 0);
        e->digest = (uint32_t)crc32(e->digest, (const uint8_t *)&ev.kind, sizeof ev.kind);
        e->digest = (uint32_t)crc32(e->digest, (const uint8_t *)&ev.code, sizeof ev.code);
        if (ev.n) {
            e->digest = (uint32_t)crc32(e->digest, ev.p, (uInt)ev.n);
            memset(ev.p, 0xaa, ev.n); /* it is writable */
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct end whole, cut;
    size_t step;

    if (size < 2 || !end_init(&whole, data[0]))
        return 0;
    FUZZ_CHECK(end_init(&cut, data[0]));
    step = data[1] ? data[1] : 256;
    data += 2;
    size -= 2;
    FUZZ_CHECK(mt_frame_feed(whole.f, data, size) == MT_OK);
    pull(&whole);
    for (size_t i = 0; i < size; i += step) {
        FUZZ_CHECK(mt_frame_feed(cut.f, data + i, size - i < step ? size - i : step) == MT_OK);
        pull(&cut);
    }
    FUZZ_CHECK(whole.digest == cut.digest && whole.failed == cut.failed);
    mt_frame_free(whole.f);
    mt_frame_free(cut.f);
    return 0;
}
