#include "core/proxy/impl.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t mt_proxy_address(const char *host, uint8_t out[16])
{
    if (inet_pton(AF_INET, host, out) == 1)
        return 4;
    return inet_pton(AF_INET6, host, out) == 1 ? 16 : 0;
}

int mt_proxy_fail(struct mt_proxy *p, int err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(p->reason, sizeof p->reason, fmt, ap);
    va_end(ap);
    p->state = MT_PROXY_FAILED;
    return err;
}

int mt_proxy_say(struct mt_proxy *p, const void *bytes, size_t n)
{
    uint8_t *room = mt_buffer_room(&p->out, n);

    if (!room)
        return mt_proxy_fail(p, MT_E_NOMEM, "no memory");
    memcpy(room, bytes, n);
    mt_buffer_add(&p->out, n);
    return MT_OK;
}

static bool is_tls(const struct mt_proxy *p)
{
    return p->cfg.kind == MT_PROXY_MTPROTO && p->cfg.mode == MT_SECRET_TLS;
}

static int start(struct mt_proxy *p, int64_t unix_s)
{
    switch (p->cfg.kind) {
    case MT_PROXY_DIRECT:
        break;
    case MT_PROXY_SOCKS5:
        return mt_socks5_start(p);
    case MT_PROXY_HTTP:
        return mt_http_start(p);
    case MT_PROXY_MTPROTO:
        if (is_tls(p))
            return mt_faketls_start(p, unix_s);
        break;
    }
    p->state = MT_PROXY_OPEN;
    return MT_OK;
}

struct mt_proxy *mt_proxy_new(const struct mt_env *env, const struct mt_proxy_cfg *cfg,
                              const struct mt_proxy_target *to, int64_t unix_s)
{
    struct mt_proxy *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->env = env;
    p->cfg = *cfg;
    p->to = *to;
    if (start(p, unix_s) == MT_E_NOMEM) {
        mt_proxy_free(p);
        return NULL;
    }
    return p;
}

void mt_proxy_free(struct mt_proxy *p)
{
    if (!p)
        return;
    mt_buffer_fini(&p->in);
    mt_buffer_fini(&p->out); /* wiped: passwords stood in it */
    mt_buffer_fini(&p->inner);
    mt_wipe(p, sizeof *p);
    free(p);
}

enum mt_proxy_state mt_proxy_state(const struct mt_proxy *p)
{
    return p->state;
}

bool mt_proxy_is_transparent(const struct mt_proxy *p)
{
    return p->state == MT_PROXY_OPEN && !is_tls(p);
}

const char *mt_proxy_reason(const struct mt_proxy *p)
{
    return p->reason;
}

static int step(struct mt_proxy *p)
{
    switch (p->cfg.kind) {
    case MT_PROXY_DIRECT:
        return MT_OK;
    case MT_PROXY_SOCKS5:
        return mt_socks5_step(p);
    case MT_PROXY_HTTP:
        return mt_http_step(p);
    case MT_PROXY_MTPROTO:
        return mt_faketls_step(p);
    }
    return MT_OK;
}

/* OPEN and transparent: whatever the proxy still holds is the server's. */
static int pass_on(struct mt_proxy *p)
{
    size_t n = p->in.len;
    uint8_t *room = n ? mt_buffer_room(&p->inner, n) : NULL;

    if (!n)
        return MT_OK;
    if (!room)
        return mt_proxy_fail(p, MT_E_NOMEM, "no memory");
    memcpy(room, mt_buffer_front(&p->in), n);
    mt_buffer_add(&p->inner, n);
    mt_buffer_drop(&p->in, n);
    return MT_OK;
}

int mt_proxy_feed(struct mt_proxy *p, const void *bytes, size_t n)
{
    uint8_t *room;
    int err = MT_OK;

    if (p->state == MT_PROXY_FAILED || !n)
        return MT_OK;
    room = mt_buffer_room(&p->in, n);
    if (!room)
        return mt_proxy_fail(p, MT_E_NOMEM, "no memory");
    memcpy(room, bytes, n);
    mt_buffer_add(&p->in, n);
    if (p->state == MT_PROXY_HANDSHAKE)
        err = step(p);
    if (!err && p->state == MT_PROXY_OPEN)
        err = is_tls(p) ? mt_faketls_unwrap(p) : pass_on(p);
    return err;
}

struct tl_slice mt_proxy_output(struct mt_proxy *p)
{
    if (p->state == MT_PROXY_FAILED)
        return (struct tl_slice){0};
    return (struct tl_slice){.p = mt_buffer_front(&p->out), .n = p->out.len};
}

void mt_proxy_wrote(struct mt_proxy *p, size_t n)
{
    mt_buffer_drop(&p->out, n);
}

struct tl_slice mt_proxy_inner(struct mt_proxy *p)
{
    return (struct tl_slice){.p = mt_buffer_front(&p->inner), .n = p->inner.len};
}

void mt_proxy_took(struct mt_proxy *p, size_t n)
{
    mt_buffer_drop(&p->inner, n);
}

int mt_proxy_submit(struct mt_proxy *p, const void *bytes, size_t n)
{
    if (p->state != MT_PROXY_OPEN)
        return MT_E_STATE;
    if (is_tls(p))
        return mt_faketls_wrap(p, bytes, n);
    return n ? mt_proxy_say(p, bytes, n) : MT_OK;
}

void mt_proxy_framing(const struct mt_proxy_cfg *cfg, struct mt_frame_cfg *frame)
{
    if (cfg->kind != MT_PROXY_MTPROTO)
        return;
    frame->framing = cfg->mode == MT_SECRET_PLAIN ? MT_INTERMEDIATE : MT_PADDED;
    frame->obfuscated = true;
    frame->has_secret = true;
    memcpy(frame->secret, cfg->secret, sizeof frame->secret);
}
