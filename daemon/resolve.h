/*
 * The name of a proxy as addresses, without stopping the loop. getaddrinfo() in a thread of its own for each
 * question: it knows what the system knows (hosts, mDNS, VPNs' resolvers), which a resolver in the loop does
 * not, and questions are rare. Data centres have addresses, so nothing else is ever looked up.
 *
 * Answers are kept for a minute; one that cannot be renewed goes on being used. At most one question per name
 * is under way. All calls are for the loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct event_base;
struct tgd_resolver;

#define TGD_RESOLVED_MAX 4

struct tgd_resolved {
    struct sockaddr_storage list[TGD_RESOLVED_MAX]; /* port 0 */
    size_t n;
    const char *why; /* n is 0: in words */
};

struct tgd_resolve_wait {
    struct tgd_resolve_wait *next;
    void (*done)(void *arg, const struct tgd_resolved *result); /* once, from the loop */
    void *arg;
    char host[256];
};

struct tgd_resolver *tgd_resolver_new(struct event_base *base); /* NULL: no memory or descriptors */
/* Questions that are still under way end by themselves; nobody is told. Accepts NULL. */
void tgd_resolver_free(struct tgd_resolver *r);
/* `wait` is the caller's until it is done or forgotten. False: no memory or threads; done is not called. */
bool tgd_resolve(struct tgd_resolver *r, struct tgd_resolve_wait *wait, const char *host);
void tgd_resolve_forget(struct tgd_resolver *r, struct tgd_resolve_wait *wait);
