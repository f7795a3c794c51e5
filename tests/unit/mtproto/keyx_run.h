/* A key exchange between the machine and the server half of keyx_half.h. Include after check.h. */
#pragma once

#include "tests/unit/mtproto/keyx_half.h"
#include "core/mtproto/keyx_steps.h"

static const struct mt_now start = {.mono = 1000, .wall = 1707425000 * MT_US_PER_S};

struct run {
    struct fake_env env;
    struct half half;
    struct mt_rsa *keys[1];
    struct mt_keyx *k;
};

static inline void run_init(struct run *r, int32_t dc, int32_t expires_in)
{
    struct mt_keyx_cfg cfg = {.dc = dc, .expires_in = expires_in, .n_keys = 1};

    fake_env_init(&r->env, 5);
    half_init(&r->half);
    r->half.dc = dc;
    r->half.expires_in = expires_in;
    r->keys[0] = r->half.rsa;
    cfg.env = &r->env.env;
    cfg.keys = r->keys;
    r->k = mt_keyx_new(&cfg, start);
    assert_non_null(r->k);
}

static inline void run_fini(struct run *r)
{
    mt_keyx_free(r->k);
    half_fini(&r->half);
}

/* The client's packet reaches the server. */
static inline void hear(struct run *r, enum step step)
{
    half_hear(&r->half, step, mt_keyx_output(r->k));
    mt_keyx_sent(r->k);
    assert_int_equal(mt_keyx_output(r->k).n, 0);
}

/* What the owner does on COMPUTE, on another thread. True: something was computed. */
static inline bool compute_once(struct mt_keyx *k, struct mt_now now)
{
    struct mt_keyx_event ev;
    struct mt_keyx_job job;

    if (k->state != MT_KEYX_IN_FACTOR && k->state != MT_KEYX_IN_AGREE)
        return false;
    mt_keyx_next(k, &ev);
    assert_int_equal(ev.kind, MT_KEYX_COMPUTE);
    job = *ev.job;
    mt_keyx_job_run(&job);
    mt_keyx_done(k, now, &job);
    return true;
}

static inline void compute(struct mt_keyx *k, struct mt_now now)
{
    while (compute_once(k, now))
        ;
}

static inline void say_only(struct run *r, enum step step, const struct answer *a)
{
    struct tl_out out = half_say(&r->half, step, a);

    mt_keyx_feed(r->k, start, out.data, out.len);
    tl_out_free(&out);
}

static inline void say(struct run *r, enum step step, const struct answer *a)
{
    say_only(r, step, a);
    compute(r->k, start);
}

/* Right answers to everything before `step`, whose question has been heard. */
static inline void advance_to(struct run *r, enum step step)
{
    hear(r, RES_PQ);
    for (enum step s = RES_PQ; s < step; s++) {
        struct answer a = half_answer(&r->half, s);

        say(r, s, &a);
        hear(r, s + 1);
    }
}

static inline void expect_failure(struct run *r, int err, const char *step)
{
    struct mt_keyx_event ev;

    mt_keyx_next(r->k, &ev);
    assert_int_equal(ev.kind, MT_KEYX_FAILED);
    assert_int_equal(ev.err, err);
    assert_string_equal(ev.step, step);
    assert_int_equal(mt_keyx_output(r->k).n, 0);
    assert_true(mt_keyx_deadline(r->k) == MT_NEVER);
    mt_keyx_next(r->k, &ev);
    assert_int_equal(ev.kind, MT_KEYX_NONE);
}

static inline struct mt_keyx_event expect_done(struct run *r)
{
    struct mt_keyx_event ev, none;

    mt_keyx_next(r->k, &ev);
    assert_int_equal(ev.kind, MT_KEYX_DONE);
    assert_memory_equal(&ev.key, &r->half.key, sizeof ev.key);
    assert_true(mt_keyx_deadline(r->k) == MT_NEVER);
    mt_keyx_next(r->k, &none);
    assert_int_equal(none.kind, MT_KEYX_NONE);
    return ev;
}

static inline struct mt_keyx_event finish(struct run *r)
{
    struct answer a;

    advance_to(r, GEN);
    a = half_answer(&r->half, GEN);
    say(r, GEN, &a);
    return expect_done(r);
}
