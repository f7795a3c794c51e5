/*
 * What a protocol machine is given by its owner: time, randomness, a log.
 *
 * Nothing below daemon/ reads a clock, draws a random byte or writes a line by itself. `now` is an argument
 * of every verb; the rest is in struct mt_env, which outlives every machine that it was given to. Same seed,
 * same inputs, same times: same bytes out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Both clocks, in microseconds. `mono` never jumps and is compared with deadlines; it counts suspend time
 * too (CLOCK_BOOTTIME). `wall` is Unix time as this machine believes it, and may jump either way.
 */
struct mt_now {
    int64_t mono;
    int64_t wall;
};

#define MT_US_PER_S  INT64_C(1000000)
#define MT_US_PER_MS INT64_C(1000)
/* "no deadline", greater than every time */
#define MT_NEVER INT64_MAX

enum mt_log_level { MT_LOG_TRACE, MT_LOG_DEBUG, MT_LOG_INFO, MT_LOG_WARN, MT_LOG_BROKEN };

struct mt_env {
    /* Fills buf with n random bytes; cannot fail (the owner aborts where the system has none to give). */
    void (*random)(void *ctx, void *buf, size_t n);
    /*
     * One line, without newline. `area` names the machine ("keyx", "conn", "updates"). MT_LOG_BROKEN says
     * that an invariant of our own did not hold; a test that sees one fails. Never a secret in it. May be
     * NULL.
     */
    void (*log)(void *ctx, enum mt_log_level level, const char *area, const char *text);
    void *ctx;
};

static inline uint64_t mt_env_random64(const struct mt_env *env)
{
    uint64_t v;
    env->random(env->ctx, &v, sizeof v);
    return v;
}

/* printf into the log; lines over 512 bytes are cut. Does nothing where env->log is NULL. */
void mt_logf(const struct mt_env *env, enum mt_log_level level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
