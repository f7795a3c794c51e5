/*
 * Inside of core/proxy: proxy.c has the verbs and the buffers, one file per kind has what is said.
 *
 * A kind's step(p) looks at p->in (all bytes so far that it did not drop), writes to p->out, and sets
 * p->state; it returns MT_OK both when it is done and when it wants more bytes. Once OPEN, what is left in
 * p->in is the server's: proxy.c moves it to p->inner, through unwrap() for fake TLS.
 */
#pragma once

#include "core/frame/buffer.h"
#include "core/proxy/proxy.h"

#define MT_PROXY_REPLY_MAX 8192 /* of an HTTP proxy's head */

struct mt_proxy {
    const struct mt_env *env;
    struct mt_proxy_cfg cfg;
    struct mt_proxy_target to;
    enum mt_proxy_state state;
    int step; /* of the kind: what it waits for */
    struct mt_buffer in, out, inner;
    uint8_t hello_random[32]; /* fake TLS: what the answer is checked with */
    char reason[128];
};

/* Sets FAILED with words; returns err. */
int mt_proxy_fail(struct mt_proxy *p, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Queues bytes for the socket: MT_OK or MT_E_NOMEM. */
int mt_proxy_say(struct mt_proxy *p, const void *bytes, size_t n);
/* IPv4: 4, IPv6: 16 and the bytes; 0: it is a name. */
size_t mt_proxy_address(const char *host, uint8_t out[16]);

int mt_socks5_start(struct mt_proxy *p);
int mt_socks5_step(struct mt_proxy *p);
int mt_http_start(struct mt_proxy *p);
int mt_http_step(struct mt_proxy *p);

/* faketls.c */
int mt_faketls_start(struct mt_proxy *p, int64_t unix_s);
int mt_faketls_step(struct mt_proxy *p);
int mt_faketls_unwrap(struct mt_proxy *p);                               /* p->in -> p->inner */
int mt_faketls_wrap(struct mt_proxy *p, const uint8_t *bytes, size_t n); /* -> p->out */

/*
 * hello.c: a ClientHello record with client_random zero, as of today (about 1,800 bytes) or `small`: 517,
 * more only where a long domain needs it. Returns its length; 0: the library refused.
 */
#define MT_HELLO_MAX   4096
#define MT_HELLO_SMALL 517
size_t mt_hello_make(const struct mt_env *env, const char *domain, bool small, uint8_t out[MT_HELLO_MAX]);
/* Signs it: fills client_random (bytes 11..43). */
void mt_hello_sign(uint8_t *record, size_t n, const uint8_t secret[16], int64_t unix_s);
