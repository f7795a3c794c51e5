/*
 * The server half of an MTProxy in front of the data centres, as official ones behave to a client
 * (https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation, the published proxy's rules;
 * protocol facts 1.4, 1.5). Sans-IO, written apart from core/proxy.
 *
 *     bytes of the client -> feed -> [TLS records off] -> inner -> frames (obfuscated with the secret)
 *     output <- [TLS records on] <- wrap <- frames
 *
 * By the secret: plain takes any obfuscated framing, dd only padded intermediate, ee only fake TLS with its
 * domain and padded intermediate inside. Whoever does not prove the secret is not answered with a single byte
 * and is cut: wrong HMAC, a clock that is off, a greeting or header that was seen before, another domain, a
 * greeting that is no TLS 1.3.
 */
#pragma once

#include "core/crypto/crypto.h"
#include "core/env.h"
#include "tl/wire.h"

enum sb_way { SB_WAY_PLAIN, SB_WAY_PADDED, SB_WAY_TLS };

#define SB_DOMAIN_MAX  182
#define SB_CLOCK_BACK  600 /* s that a client's clock may be behind, and ahead */
#define SB_CLOCK_AHEAD 60
#define SB_SEEN_MAX    4096

/* One door with its secret; what it has seen of greetings. */
struct sb_mtproxy_door {
    enum sb_way way;
    uint8_t secret[16];
    char domain[SB_DOMAIN_MAX + 1];
    uint64_t seen[SB_SEEN_MAX]; /* digests, a ring */
    size_t n_seen;
    uint64_t refused; /* connections */
};
/* Hexadecimal only. False: no secret. */
bool sb_mtproxy_door_init(struct sb_mtproxy_door *d, const char *secret);

struct sb_mtproxy; /* of one connection; heap */

struct sb_mtproxy *sb_mtproxy_new(const struct mt_env *env, struct sb_mtproxy_door *door);
void sb_mtproxy_free(struct sb_mtproxy *p);
/* False: the connection is to be cut without a word. */
bool sb_mtproxy_feed(struct sb_mtproxy *p, int64_t unix_s, const void *bytes, size_t n);
/* What goes on to the frames. */
struct tl_slice sb_mtproxy_inner(struct sb_mtproxy *p);
void sb_mtproxy_took(struct sb_mtproxy *p, size_t n);
/* Bytes of the frames for the client; false: no memory. */
bool sb_mtproxy_wrap(struct sb_mtproxy *p, const void *bytes, size_t n);
struct tl_slice sb_mtproxy_output(struct sb_mtproxy *p);
void sb_mtproxy_wrote(struct sb_mtproxy *p, size_t n);
