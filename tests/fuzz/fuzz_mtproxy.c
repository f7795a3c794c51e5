/*
 * A hostile client of the sandbox's MTProxy: cutting its bytes elsewhere changes nothing, and nothing is said
 * to who does not prove the secret.
 *
 *     | 1 byte: way (0 plain, 1 dd, 2 ee, 3 ee and the greeting is signed for it) | 1 byte: where to cut |
 *     | what the client says |
 */
#include "tests/fuzz/fuzz.h"

#include "tests/sandbox/mtproxy.h"

#define NOW    INT64_C(1700000000)
#define SECRET "00112233445566778899aabbccddeeff"

static void counting_random(void *ctx, void *buf, size_t n)
{
    uint8_t *next = ctx;

    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (*next)++;
}

struct end {
    uint8_t counter;
    struct mt_env env;
    struct sb_mtproxy_door door;
    struct sb_mtproxy *p;
    bool alive;
};

static void end_init(struct end *e, uint8_t way)
{
    static const char *const secrets[] = {SECRET, "dd" SECRET, "ee" SECRET "6578616d706c652e636f6d"};

    *e = (struct end){.counter = 1, .alive = true};
    e->env = (struct mt_env){.random = counting_random, .ctx = &e->counter};
    FUZZ_CHECK(sb_mtproxy_door_init(&e->door, secrets[way < 2 ? way : 2]));
    e->p = sb_mtproxy_new(&e->env, &e->door);
    FUZZ_CHECK(e->p);
}

/* As a client that knows the secret would: the digest over its greeting, with the time in it. */
static void sign(const struct end *e, uint8_t *p, size_t n)
{
    size_t record = n >= 76 ? 5 + ((size_t)p[3] << 8 | p[4]) : 0;
    struct mt_part part = {p, record};
    uint8_t digest[32];

    if (record < 76 || record > n)
        return;
    memset(p + 11, 0, 32);
    mt_hmac_sha256(digest, e->door.secret, 16, &part, 1);
    memcpy(p + 11, digest, 32);
    tl_store32(p + 39, tl_load32(p + 39) ^ (uint32_t)NOW);
}

static bool same(struct tl_slice x, struct tl_slice y)
{
    return x.n == y.n && (!x.n || memcmp(x.p, y.p, x.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[16384];
    static struct end whole, cut;
    uint8_t way;
    size_t step;

    if (size < 2 || size > sizeof bytes)
        return 0;
    way = data[0] & 3;
    step = data[1] ? data[1] : 256;
    size -= 2;
    memcpy(bytes, data + 2, size);
    end_init(&whole, way);
    end_init(&cut, way);
    if (way == 3)
        sign(&whole, bytes, size);
    whole.alive = sb_mtproxy_feed(whole.p, NOW, bytes, size);
    for (size_t i = 0; i < size && cut.alive; i += step)
        cut.alive = sb_mtproxy_feed(cut.p, NOW, bytes + i, size - i < step ? size - i : step);
    FUZZ_CHECK(whole.alive == cut.alive);
    FUZZ_CHECK(same(sb_mtproxy_output(whole.p), sb_mtproxy_output(cut.p)));
    if (whole.alive)
        FUZZ_CHECK(same(sb_mtproxy_inner(whole.p), sb_mtproxy_inner(cut.p)));
    FUZZ_CHECK(way == 3 || sb_mtproxy_output(whole.p).n == 0);
    FUZZ_CHECK(sb_mtproxy_inner(whole.p).n <= size);
    sb_mtproxy_free(whole.p);
    sb_mtproxy_free(cut.p);
    return 0;
}
