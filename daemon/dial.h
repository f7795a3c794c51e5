/*
 * One connection to the first that opens of several servers: the first is tried at once, the next when the
 * one before has failed or been silent for a head start (RFC 8305), each through the proxy where there is
 * one. Whatever opens first wins, the rest is closed. The proxy's name is looked up before (resolve.h).
 *
 * An MTProxy of fake TLS is tried with both greetings, the second where the first is refused or unanswered
 * for some seconds: older proxies take the small one only.
 *
 * Ends in one call of `done` from the loop, never inside tgd_dial(); before it tgd_dial_cancel() is the end.
 */
#pragma once

#include "core/account/account.h"

struct event_base;
struct tgd_dial;
struct tgd_resolver;

struct tgd_dial_cfg {
    struct event_base *base;
    struct tgd_resolver *resolver;
    const struct mt_env *env;
    const struct mt_server *servers; /* copied, as the proxy is */
    size_t n_servers;
    int64_t head_start;               /* µs */
    const struct mt_proxy_cfg *proxy; /* NULL: direct */
    int64_t unix_s;                   /* for an MTProxy's greeting */
    bool *small_hello; /* which greeting worked last, of the owner; tried first; outlives it where one is said
                        */
};

/*
 * So many sockets at once toward one data centre at most; connected it is one. A server counts them, and
 * answers too many with -429.
 */
#define TGD_DIAL_SOCKETS 4

struct tgd_dialled {
    int fd;                 /* the receiver's; -1: nothing opened */
    size_t server;          /* which of them */
    struct mt_proxy *proxy; /* the receiver's; NULL: bytes go straight to MTProto */
    const char *why;        /* fd is -1: in words */
};

/* NULL: no memory. */
struct tgd_dial *tgd_dial(const struct tgd_dial_cfg *cfg,
                          void (*done)(void *arg, const struct tgd_dialled *r), void *arg);
void tgd_dial_cancel(struct tgd_dial *d);
