/*
 * The way out through a proxy: what is said on a fresh TCP connection before MTProto's own bytes, and, for
 * fake TLS, around them. Sans-IO; between the socket and core/frame:
 *
 *     socket --feed--> | struct mt_proxy | --inner, took--> mt_account_feed
 *     socket <-output- |                 | <----submit----- mt_account_output
 *
 * kinds                                           on the wire (protocol.md 1.5, 1.7)
 *     SOCKS5    no password, or user and password (RFC 1928, 1929); the target as address or as a name
 *     HTTP      CONNECT (RFC 9110 9.3.6), with Basic where a user is given
 *     MTPROTO   plain and dd: nothing here, the obfuscated header carries the secret (mt_proxy_framing);
 *               ee: a TLS 1.3 handshake in looks, then application records
 *
 * States: HANDSHAKE -> OPEN -> FAILED, or FAILED at once. OPEN and transparent: the machine has no more to
 * do once `inner` is empty; bytes may pass by it. After FAILED every verb does nothing; mt_proxy_reason()
 * says in words what went wrong, never with a secret in them.
 *
 * Ownership: a machine copies what it is given; slices are borrowed until its next verb. No deadline of its
 * own: whoever connects bounds the whole of it.
 */
#pragma once

#include "core/env.h"
#include "core/frame/frame.h"

enum mt_proxy_kind { MT_PROXY_DIRECT, MT_PROXY_SOCKS5, MT_PROXY_HTTP, MT_PROXY_MTPROTO };
enum mt_proxy_mode { MT_SECRET_PLAIN, MT_SECRET_PADDED, MT_SECRET_TLS };

#define MT_PROXY_NAME_MAX   255
#define MT_PROXY_DOMAIN_MAX 182

struct mt_proxy_cfg {
    enum mt_proxy_kind kind;
    char host[MT_PROXY_NAME_MAX + 1]; /* an address, or a name that its owner resolves */
    uint16_t port;
    char user[MT_PROXY_NAME_MAX + 1]; /* SOCKS5, HTTP; "" = none */
    char password[MT_PROXY_NAME_MAX + 1];
    enum mt_proxy_mode mode; /* MTPROTO, as its other three */
    uint8_t secret[16];
    char domain[MT_PROXY_DOMAIN_MAX + 1];
    /* TLS, set by whoever dials: the greeting of 517 bytes that browsers had until 2023. Proxies that are
     * older than that take no other, by the length in its head. */
    bool small_hello;
};

/* --- text.c: as a person writes it --- */

/*
 * "direct", "socks5://[user:password@]host[:1080]", "http://[user:password@]host[:8080]",
 * "mtproxy://host:port?secret=S", and the links that are passed around: tg://proxy?..., tg://socks?...,
 * https://t.me/proxy?..., https://t.me/socks?... (server, port, secret, user, pass). Percent encoding is
 * undone. MT_E_ARG and a reason without secrets in err[] where it is none of these.
 */
int mt_proxy_parse(const char *text, struct mt_proxy_cfg *out, char err[128]);
/*
 * A secret in hexadecimal, base64 or base64url: 16 bytes, dd and 16, or ee, 16 and a domain. MT_E_ARG.
 */
int mt_proxy_secret(const char *text, struct mt_proxy_cfg *out);
/* The first form above. `secrets`: with user, password and secret; else for people to see. Room 1024. */
#define MT_PROXY_TEXT_MAX 2048
void mt_proxy_format(const struct mt_proxy_cfg *cfg, bool secrets, char out[MT_PROXY_TEXT_MAX]);
const char *mt_proxy_kind_name(enum mt_proxy_kind kind); /* direct, socks5, http, mtproxy */

/* --- the machine --- */

struct mt_proxy_target {
    char host[MT_PROXY_NAME_MAX + 1]; /* IPv4 or IPv6, textual; else a name for the proxy to resolve */
    uint16_t port;
};

enum mt_proxy_state { MT_PROXY_HANDSHAKE, MT_PROXY_OPEN, MT_PROXY_FAILED };

struct mt_proxy; /* one per TCP connection; heap */

/* `unix_s`: now, by the server's clock where that is known (fake TLS). NULL: no memory. Not for DIRECT. */
struct mt_proxy *mt_proxy_new(const struct mt_env *env, const struct mt_proxy_cfg *cfg,
                              const struct mt_proxy_target *to, int64_t unix_s);
void mt_proxy_free(struct mt_proxy *p);
enum mt_proxy_state mt_proxy_state(const struct mt_proxy *p);
bool mt_proxy_is_transparent(const struct mt_proxy *p);
/* FAILED: why, static or of the machine. The proxy itself is at fault, or it cannot reach the target. */
const char *mt_proxy_reason(const struct mt_proxy *p);

/* Bytes from the socket. MT_OK, or what the machine failed of (MT_E_PEER, MT_E_AUTH, MT_E_NOMEM). */
int mt_proxy_feed(struct mt_proxy *p, const void *bytes, size_t n);
/* Bytes for the socket. */
struct tl_slice mt_proxy_output(struct mt_proxy *p);
void mt_proxy_wrote(struct mt_proxy *p, size_t n);
/* What the server said to MTProto. */
struct tl_slice mt_proxy_inner(struct mt_proxy *p);
void mt_proxy_took(struct mt_proxy *p, size_t n);
/* MTProto's bytes to the server; OPEN only. MT_E_STATE, MT_E_NOMEM: none of them was taken. */
int mt_proxy_submit(struct mt_proxy *p, const void *bytes, size_t n);

/*
 * How MTProto is framed through this proxy: obfuscated, with the secret, padded where the secret asks for it.
 * Changes nothing for the other kinds.
 */
void mt_proxy_framing(const struct mt_proxy_cfg *cfg, struct mt_frame_cfg *frame);
