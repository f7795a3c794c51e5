/*
 * A struct mt_env for tests: its random bytes are first those of a script, in the order in which a machine
 * asks for them, then a seeded sequence; a log line at BROKEN fails the test. Include after check.h.
 */
#pragma once

#include "core/env.h"

struct fake_env {
    struct mt_env env;
    uint8_t script[4096];
    size_t script_len, script_at;
    uint64_t seed;
};

static inline void fake_env_random(void *ctx, void *buf, size_t n)
{
    struct fake_env *f = ctx;
    uint8_t *out = buf;

    for (size_t i = 0; i < n; i++) {
        if (f->script_at < f->script_len) {
            out[i] = f->script[f->script_at++];
            continue;
        }
        f->seed = f->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(f->seed >> 56);
    }
}

static inline void fake_env_log(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    if (level == MT_LOG_BROKEN)
        fail_msg("%s: %s", area, text);
}

static inline void fake_env_init(struct fake_env *f, uint64_t seed)
{
    memset(f, 0, sizeof *f);
    f->env = (struct mt_env){fake_env_random, fake_env_log, f};
    f->seed = seed;
}

/* Appends to the script. */
static inline void fake_env_will_draw(struct fake_env *f, const void *p, size_t n)
{
    assert_true(n <= sizeof f->script - f->script_len);
    memcpy(f->script + f->script_len, p, n);
    f->script_len += n;
}
