/*
 * The ClientHello of fake TLS, in the looks of a present-day browser, since filters and proxies compare it
 * with one (protocol.md 1.5):
 *
 *     16 03 01 n | 01 n 03 03 | random 32 | 20 session id 32 | suites | 01 00 | extensions, shuffled
 *
 * Reserved values (GREASE, RFC 8701) stand first and last and among suites, groups, versions and shares. The
 * x25519 shares are points of the curve, the ML-KEM share has coefficients below its modulus: both are
 * checked by some. Everything is drawn from env: same seed, same bytes.
 *
 * The small one is what browsers sent before ML-KEM and ECH, padded to 517 bytes (RFC 7685): older proxies
 * compare its first 11 bytes, lengths and all.
 */
#include "core/proxy/impl.h"

#include <openssl/evp.h>
#include <string.h>

#define RANDOM_AT 11
#define KEM_Q     3329
#define KEM_LEN   1184 /* 768 coefficients of 12 bits, 32 bytes of seed */

struct out {
    uint8_t *p;
    size_t n;
    bool small;
    bool bad; /* no room, or the library refused */
};

static void put(struct out *o, const void *p, size_t n)
{
    if (n > MT_HELLO_MAX - o->n) {
        o->bad = true;
        return;
    }
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

static void put8(struct out *o, unsigned v)
{
    uint8_t b = (uint8_t)v;

    put(o, &b, 1);
}

static void put16(struct out *o, unsigned v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

    put(o, b, 2);
}

/* A length of two bytes that is filled in later: begin returns its place, end fills it. */
static size_t begin(struct out *o)
{
    put16(o, 0);
    return o->n;
}

static void end(struct out *o, size_t at)
{
    size_t n = o->n - at;

    if (o->bad)
        return;
    o->p[at - 2] = (uint8_t)(n >> 8);
    o->p[at - 1] = (uint8_t)n;
}

static void put_random(struct out *o, const struct mt_env *env, size_t n)
{
    uint8_t buf[256];

    env->random(env->ctx, buf, n);
    put(o, buf, n);
}

/* --- shares --- */

static void put_x25519(struct out *o, const struct mt_env *env)
{
    uint8_t secret[32], public[32];
    size_t n = sizeof public;
    EVP_PKEY *key;

    env->random(env->ctx, secret, sizeof secret);
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, sizeof secret);
    if (!key || EVP_PKEY_get_raw_public_key(key, public, &n) != 1)
        o->bad = true;
    else
        put(o, public, n);
    EVP_PKEY_free(key);
    mt_wipe(secret, sizeof secret);
}

static void put_kem(struct out *o, const struct mt_env *env)
{
    for (int i = 0; i < (KEM_LEN - 32) / 3; i++) {
        uint64_t r = mt_env_random64(env);
        uint32_t a = (uint32_t)(r & 0xffffffff) % KEM_Q, b = (uint32_t)(r >> 32) % KEM_Q;
        uint8_t three[3] = {(uint8_t)a, (uint8_t)(a >> 8 | b << 4), (uint8_t)(b >> 4)};

        put(o, three, 3);
    }
    put_random(o, env, 32);
}

/* --- extensions --- */

struct grease {
    uint16_t suite, first, last, group, version;
};

static uint16_t draw_grease(const struct mt_env *env)
{
    uint8_t b;

    env->random(env->ctx, &b, 1);
    b = (uint8_t)((b & 0xf0) | 0x0a);
    return (uint16_t)(b << 8 | b);
}

static void put_shares(struct out *o, const struct mt_env *env, const struct grease *g)
{
    size_t list = begin(o);

    put16(o, g->group);
    put(o, "\0\1\0", 3);
    if (!o->small) {
        put16(o, 0x11ec);
        put16(o, KEM_LEN + 32);
        put_kem(o, env);
        put_x25519(o, env);
    }
    put16(o, 0x001d);
    put16(o, 32);
    put_x25519(o, env);
    end(o, list);
}

static void put_name(struct out *o, const char *domain)
{
    size_t list = begin(o), name;

    put8(o, 0);
    name = begin(o);
    put(o, domain, strlen(domain));
    end(o, name);
    end(o, list);
}

/* An encrypted hello that is none: what a browser sends where the server offers no key for one. */
static void put_ech(struct out *o, const struct mt_env *env)
{
    uint64_t r = mt_env_random64(env);
    unsigned payload = 144 + 32 * (unsigned)(r & 3);

    put(o, "\0\0\1\0\1", 5);
    put8(o, (unsigned)(r >> 8) & 0xff);
    put16(o, 32);
    put_x25519(o, env);
    put16(o, payload);
    put_random(o, env, payload);
}

#define FIXED(id, text)                                                                                      \
    {                                                                                                        \
        id, text, sizeof text - 1                                                                            \
    }
static const struct {
    uint16_t id;
    const char *body;
    size_t n;
} fixed[] = {
    FIXED(0x0000, ""),                                         /* server name: put_name */
    FIXED(0x0017, ""),                                         /* extended master secret */
    FIXED(0xff01, "\0"),                                       /* renegotiation */
    FIXED(0x000a, ""),                                         /* groups */
    FIXED(0x000b, "\1\0"),                                     /* point formats */
    FIXED(0x0023, ""),                                         /* session ticket */
    FIXED(0x0010, "\0\14\2h2\10http/1.1"),                     /* ALPN */
    FIXED(0x0005, "\1\0\0\0\0"),                               /* OCSP */
    FIXED(0x000d, "\0\20\4\3\10\4\4\1\5\3\10\5\5\1\10\6\6\1"), /* signatures */
    FIXED(0x0012, ""),                                         /* SCT */
    FIXED(0x0033, ""),                                         /* shares */
    FIXED(0x002d, "\1\1"),                                     /* PSK modes */
    FIXED(0x002b, ""),                                         /* versions */
    FIXED(0x001b, "\2\0\2"),                                   /* compression: brotli */
    FIXED(0x44cd, "\0\3\2h2"),                                 /* application settings */
    FIXED(0xfe0d, ""),                                         /* ECH; the last: not in the small one */
};
#define N_FIXED (sizeof fixed / sizeof *fixed)

static void put_extension(struct out *o, const struct mt_env *env, const struct grease *g, const char *domain,
                          size_t i)
{
    size_t at;

    put16(o, fixed[i].id);
    at = begin(o);
    if (fixed[i].id == 0x0000) {
        put_name(o, domain);
    } else if (fixed[i].id == 0x000a) {
        put16(o, o->small ? 8 : 10);
        put16(o, g->group);
        put(o, "\x11\xec", o->small ? 0 : 2);
        put(o, "\0\x1d\0\x17\0\x18", 6);
    } else if (fixed[i].id == 0x0033) {
        put_shares(o, env, g);
    } else if (fixed[i].id == 0x002b) {
        put8(o, 6);
        put16(o, g->version);
        put(o, "\3\4\3\3", 4);
    } else if (fixed[i].id == 0xfe0d) {
        put_ech(o, env);
    } else {
        put(o, fixed[i].body, fixed[i].n);
    }
    end(o, at);
}

static void put_padding(struct out *o)
{
    static const uint8_t zeros[MT_HELLO_SMALL];

    if (o->n + 4 > MT_HELLO_SMALL)
        return;
    put16(o, 0x0015);
    put16(o, (unsigned)(MT_HELLO_SMALL - o->n - 2));
    put(o, zeros, MT_HELLO_SMALL - o->n);
}

static void put_extensions(struct out *o, const struct mt_env *env, const struct grease *g,
                           const char *domain)
{
    size_t order[N_FIXED], at = begin(o), n = o->small ? N_FIXED - 1 : N_FIXED;

    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = (size_t)(mt_env_random64(env) % (i + 1)), t = order[i];

        order[i] = order[j];
        order[j] = t;
    }
    put16(o, g->first);
    put16(o, 0);
    for (size_t i = 0; i < n; i++)
        put_extension(o, env, g, domain, order[i]);
    put16(o, g->last);
    put(o, "\0\1\0", 3);
    if (o->small)
        put_padding(o);
    end(o, at);
}

/* --- all of it --- */

size_t mt_hello_make(const struct mt_env *env, const char *domain, bool small, uint8_t buf[MT_HELLO_MAX])
{
    static const uint8_t suites[] = {0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2b, 0xc0, 0x2f,
                                     0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9, 0xcc, 0xa8, 0xc0, 0x13,
                                     0xc0, 0x14, 0x00, 0x9c, 0x00, 0x9d, 0x00, 0x2f, 0x00, 0x35};
    static const uint8_t zeros[32];
    struct grease g = {.suite = draw_grease(env), .first = draw_grease(env), .group = draw_grease(env)};
    struct out o = {.p = buf, .small = small};
    size_t record, shake;

    g.version = draw_grease(env);
    g.last = g.first ^ 0x1010; /* the two must differ */
    put(&o, "\x16\3\1", 3);
    record = begin(&o);
    put(&o, "\1\0", 2);
    shake = begin(&o);
    put(&o, "\3\3", 2);
    put(&o, zeros, sizeof zeros);
    put8(&o, 32);
    put_random(&o, env, 32);
    put16(&o, sizeof suites + 2);
    put16(&o, g.suite);
    put(&o, suites, sizeof suites);
    put(&o, "\1\0", 2);
    put_extensions(&o, env, &g, domain);
    end(&o, shake);
    end(&o, record);
    return o.bad ? 0 : o.n;
}

void mt_hello_sign(uint8_t *record, size_t n, const uint8_t secret[16], int64_t unix_s)
{
    struct mt_part part = {record, n};
    uint8_t digest[32];

    memset(record + RANDOM_AT, 0, sizeof digest);
    mt_hmac_sha256(digest, secret, 16, &part, 1);
    tl_store32(digest + 28, tl_load32(digest + 28) ^ (uint32_t)unix_s);
    memcpy(record + RANDOM_AT, digest, sizeof digest);
}
