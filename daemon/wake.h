/*
 * Notices that the machine has slept. Two clocks tell: CLOCK_BOOTTIME counts the time asleep,
 * CLOCK_MONOTONIC, by which the loop waits, does not. So that somebody looks at all, the kernel wakes the
 * loop when the time of day jumps, which a resume is to it too: a timer that never ends and may be cancelled
 * (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). Without it the next turn of the loop finds out.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* A suspend shorter than this leaves TCP connections alive. */
#define TGD_SLEPT_US INT64_C(5000000)

struct tgd_sleep {
    int64_t asleep; /* BOOTTIME - MONOTONIC at the last look, µs */
    bool looked;
};
/* How long it has slept since the last look, µs; 0: not, or not for long. */
int64_t tgd_slept(struct tgd_sleep *s, int64_t boottime, int64_t monotonic);

struct tgd_wake;
/* `jumped`: from the loop, at each jump. NULL: no such timer is to be had, or no memory. */
struct tgd_wake *tgd_wake_new(struct event_base *base, void (*jumped)(void *ctx), void *ctx);
void tgd_wake_free(struct tgd_wake *w);
