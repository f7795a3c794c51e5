/*
 * A proxy's side by hand: what the machine says is compared, what it hears is fed whole and cut at every
 * byte. Include after check.h.
 */
#pragma once

#include "core/proxy/impl.h"
#include "tests/unit/fake_env.h"

struct talk {
    struct fake_env f;
    struct mt_proxy *p;
    size_t cut; /* bytes per feed; 0 = all */
};

static inline void talk_begin(struct talk *t, const struct mt_proxy_cfg *cfg, const char *host, size_t cut)
{
    struct mt_proxy_target to = {.port = 443};

    snprintf(to.host, sizeof to.host, "%s", host);
    fake_env_init(&t->f, 7);
    t->cut = cut;
    t->p = mt_proxy_new(&t->f.env, cfg, &to, 1700000000);
    assert_non_null(t->p);
}

/* What waits for the socket is exactly this, and it is written. */
static inline void talk_hears(struct talk *t, const void *want, size_t n)
{
    struct tl_slice out = mt_proxy_output(t->p);

    assert_int_equal(out.n, n);
    if (n)
        assert_memory_equal(out.p, want, n);
    mt_proxy_wrote(t->p, n);
}

static inline void talk_hears_hex(struct talk *t, const char *hex)
{
    uint8_t buf[1024];

    talk_hears(t, buf, unhex(hex, buf, sizeof buf));
}

static inline int talk_says(struct talk *t, const void *bytes, size_t n)
{
    size_t step = t->cut ? t->cut : n;
    int err = MT_OK;

    for (size_t i = 0; i < n && !err; i += step)
        err = mt_proxy_feed(t->p, (const uint8_t *)bytes + i, n - i < step ? n - i : step);
    return err;
}

static inline int talk_says_hex(struct talk *t, const char *hex)
{
    uint8_t buf[1024];

    return talk_says(t, buf, unhex(hex, buf, sizeof buf));
}

static inline void talk_inner(struct talk *t, const void *want, size_t n)
{
    struct tl_slice in = mt_proxy_inner(t->p);

    assert_int_equal(in.n, n);
    if (n)
        assert_memory_equal(in.p, want, n);
    mt_proxy_took(t->p, n);
}

static inline void talk_fails(struct talk *t, int got, int want, const char *reason)
{
    assert_int_equal(got, want);
    assert_int_equal(mt_proxy_state(t->p), MT_PROXY_FAILED);
    assert_non_null(strstr(mt_proxy_reason(t->p), reason));
    assert_int_equal(mt_proxy_output(t->p).n, 0);
    assert_int_equal(mt_proxy_feed(t->p, "x", 1), MT_OK);
    assert_int_equal(mt_proxy_submit(t->p, "x", 1), MT_E_STATE);
}

static inline void talk_end(struct talk *t)
{
    mt_proxy_free(t->p);
}
