/* Two ends of a connection, and ways to move what one has written into the other. Include after check.h. */
#pragma once

#include "tests/unit/fake_env.h"
#include "core/frame/frame.h"

/* Every stream there is: four framings, three of them obfuscated too, these with a secret too. */
static const struct mt_frame_cfg all_streams[] = {
    {.framing = MT_ABRIDGED},
    {.framing = MT_INTERMEDIATE},
    {.framing = MT_PADDED},
    {.framing = MT_FULL},
    {.framing = MT_ABRIDGED, .obfuscated = true, .dc = 2},
    {.framing = MT_INTERMEDIATE, .obfuscated = true, .dc = 10003},
    {.framing = MT_PADDED, .obfuscated = true, .dc = -4},
    {.framing = MT_ABRIDGED, .obfuscated = true, .dc = 1, .has_secret = true, .secret = {1, 2, 3}},
    {.framing = MT_PADDED, .obfuscated = true, .dc = -10002, .has_secret = true, .secret = {9}},
};
#define N_STREAMS (sizeof all_streams / sizeof *all_streams)

struct pair {
    struct fake_env env;
    struct mt_frame *client, *server;
};

static inline void pair_init(struct pair *p, const struct mt_frame_cfg *cfg)
{
    fake_env_init(&p->env, 11);
    p->client = mt_frame_new(&p->env.env, cfg);
    p->server = mt_frame_new_server(&p->env.env, cfg->has_secret ? cfg->secret : NULL);
    assert_non_null(p->client);
    assert_non_null(p->server);
}

static inline void pair_fini(struct pair *p)
{
    mt_frame_free(p->client);
    mt_frame_free(p->server);
}

/* All output of `from`, copied; the caller frees it. */
static inline uint8_t *drain(struct mt_frame *from, size_t *n)
{
    struct tl_slice out = mt_frame_output(from);
    uint8_t *copy = malloc(out.n + 1);

    assert_non_null(copy);
    if (out.n)
        memcpy(copy, out.p, out.n);
    *n = out.n;
    mt_frame_wrote(from, out.n);
    assert_int_equal(mt_frame_output(from).n, 0);
    return copy;
}

static inline void carry(struct mt_frame *from, struct mt_frame *to)
{
    size_t n;
    uint8_t *bytes = drain(from, &n);

    assert_int_equal(mt_frame_feed(to, bytes, n), MT_OK);
    free(bytes);
}

/* What an encrypted packet looks like from outside: a key id that is not zero, 24 + 16 k bytes. */
static inline void fill_packet(uint8_t *p, size_t n, uint8_t mark)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(mark + i * 31);
    p[0] |= 1;
}
