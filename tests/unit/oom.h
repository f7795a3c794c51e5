/*
 * Allocation failure, swept: runs a piece of code again and again, and lets its first, second, third ...
 * allocation fail, until a run needs no more.
 *
 *     for (size_t i = 0; oom_arm(i); i++) {
 *         x = x_new();                // must not crash, leak, or change what it should not
 *         ...
 *         oom_disarm();               // before the checks
 *     }
 *
 * Where something is to be made before with all the memory there is:
 *
 *     for (size_t i = 0, more = 1; more; i++) {
 *         x = x_new();
 *         oom_begin(i);
 *         x_do(x);
 *         oom_disarm();
 *         more = oom_hit();
 *     }
 *
 * Counts malloc, calloc and realloc called by our own code (libraries keep theirs). One source file of a
 * program includes it, after check.h, and the program is linked with `oom_dep`.
 */
#pragma once

#include <stdbool.h>

static struct {
    bool armed, hit;
    size_t left;
} oom;

/* Whether there is a run to do, with its n-th allocation (from 0) failing. */
static inline bool oom_arm(size_t n)
{
    bool again = n == 0 || oom.hit;

    oom.armed = again;
    oom.hit = false;
    oom.left = n;
    return again;
}

static inline void oom_begin(size_t n)
{
    oom.armed = true;
    oom.hit = false;
    oom.left = n;
}

static inline void oom_disarm(void)
{
    oom.armed = false;
}

/* Whether the run lost an allocation: the last one of a sweep does not. */
static inline bool oom_hit(void)
{
    return oom.hit;
}

static inline bool oom_fails(void)
{
    if (!oom.armed || oom.left-- > 0)
        return false;
    oom.armed = false;
    oom.hit = true;
    return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return oom_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return oom_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return oom_fails() ? NULL : __real_realloc(p, n);
}
