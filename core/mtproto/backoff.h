/*
 * When to try again: at once, then after 1, 2, 4 ... 60 s, each shortened by up to a quarter at random, so
 * that a thousand accounts do not come back in the same instant.
 */
#pragma once

#include "core/env.h"

#define MT_BACKOFF_MAX_S 60
/* The number of failures from which on waits are at least 4 s and 16 s. */
#define MT_BACKOFF_4_S  3
#define MT_BACKOFF_16_S 5

/* µs to wait after that many failures in a row before this one. */
int64_t mt_backoff(const struct mt_env *env, unsigned failures);
