/*
 * Notices that the machine's network is another one: an address came or went, a default route changed. Told
 * by the kernel (rtnetlink), so that a laptop that changes its WLAN is connected in seconds and not at the
 * end of a back-off or of a ping's patience. Without netlink (a container that forbids it) nothing is told,
 * and pings find out.
 *
 * What the kernel says again and again (an address whose lifetime is renewed, a route that is replaced by
 * itself) is no change. Changes of half a second are told once. Source: rtnetlink(7).
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgd_network;

/* NULL: netlink is not to be had, or no memory; errno tells. */
struct tgd_network *tgd_network_new(struct event_base *base, void (*changed)(void *ctx), void *ctx);
void tgd_network_free(struct tgd_network *n);

/* --- what the kernel says, for tests by themselves --- */

#define TGD_NETWORK_SEEN 64

struct tgd_network_seen {
    uint64_t what[TGD_NETWORK_SEEN]; /* addresses and default routes that are there, hashed */
    size_t n;
};
/* Takes a datagram of rtnetlink; true: it tells of a change. Broken ones tell of none. (The macros of its
 * header want bytes that could be written; none is.) */
bool tgd_network_take(struct tgd_network_seen *seen, void *p, size_t n);
