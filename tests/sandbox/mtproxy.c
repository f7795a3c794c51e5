#include "tests/sandbox/mtproxy.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 64 /* of an obfuscated stream */
#define RECORD 5  /* head of a TLS record */

/* Bytes that come in at the end and go out at the front. */
struct pile {
    uint8_t *p;
    size_t n, cap;
};

struct sb_mtproxy {
    const struct mt_env *env;
    struct sb_mtproxy_door *door;
    bool shaken;  /* TLS: the handshake is done */
    bool changed; /* and its change of cipher was seen */
    bool begun;   /* the obfuscated header was seen */
    struct pile in, inner, out;
};

static bool pile_add(struct pile *b, const void *p, size_t n)
{
    uint8_t *more;

    if (b->n + n > b->cap) {
        more = realloc(b->p, (b->n + n) * 2);
        if (!more)
            return false;
        b->p = more;
        b->cap = (b->n + n) * 2;
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return true;
}

static void pile_drop(struct pile *b, size_t n)
{
    b->n -= n;
    if (b->n)
        memmove(b->p, b->p + n, b->n);
}

/* --- the door --- */

static int nibble(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;

    return at ? (int)(at - digits) : -1;
}

bool sb_mtproxy_door_init(struct sb_mtproxy_door *d, const char *secret)
{
    uint8_t raw[17 + SB_DOMAIN_MAX];
    size_t n = strlen(secret) / 2;

    memset(d, 0, sizeof *d);
    if (strlen(secret) % 2 || n < 16 || n > sizeof raw)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = nibble(secret[2 * i]), low = nibble(secret[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        raw[i] = (uint8_t)(high << 4 | low);
    }
    if (n > 16 && !(n == 17 && raw[0] == 0xdd) && !(n > 17 && raw[0] == 0xee))
        return false;
    d->way = n == 16 ? SB_WAY_PLAIN : n == 17 ? SB_WAY_PADDED : SB_WAY_TLS;
    memcpy(d->secret, raw + (n > 16), 16);
    if (n > 17)
        memcpy(d->domain, raw + 17, n - 17);
    return true;
}

/* True: these bytes came before. */
static bool seen_before(struct sb_mtproxy_door *d, const uint8_t *p, size_t n)
{
    struct mt_part part = {p, n};
    uint8_t digest[32];
    uint64_t key;

    mt_sha256(digest, &part, 1);
    key = tl_load64(digest);
    for (size_t i = 0; i < d->n_seen && i < SB_SEEN_MAX; i++)
        if (d->seen[i] == key)
            return true;
    d->seen[d->n_seen++ % SB_SEEN_MAX] = key;
    return false;
}

/* --- one connection --- */

struct sb_mtproxy *sb_mtproxy_new(const struct mt_env *env, struct sb_mtproxy_door *door)
{
    struct sb_mtproxy *p = calloc(1, sizeof *p);

    if (p) {
        p->env = env;
        p->door = door;
    }
    return p;
}

void sb_mtproxy_free(struct sb_mtproxy *p)
{
    if (!p)
        return;
    free(p->in.p);
    free(p->inner.p);
    free(p->out.p);
    free(p);
}

/* --- the greeting of fake TLS --- */

struct reader {
    const uint8_t *p;
    size_t n;
    bool bad;
};

static const uint8_t *take(struct reader *r, size_t n)
{
    const uint8_t *p = r->p;

    if (r->bad || n > r->n) {
        r->bad = true;
        return NULL;
    }
    r->p += n;
    r->n -= n;
    return p;
}

static size_t take_number(struct reader *r, size_t bytes)
{
    const uint8_t *p = take(r, bytes);
    size_t v = 0;

    for (size_t i = 0; p && i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* A piece with its length in front. */
static struct reader take_piece(struct reader *r, size_t bytes)
{
    size_t n = take_number(r, bytes);
    const uint8_t *p = take(r, n);

    return (struct reader){.p = p, .n = p ? n : 0, .bad = r->bad};
}

static bool is_reserved(size_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static bool names_domain(struct reader x, const char *domain)
{
    struct reader list = take_piece(&x, 2), name;

    if (take_number(&list, 1) != 0)
        return false;
    name = take_piece(&list, 2);
    return !name.bad && !list.n && !x.n && name.n == strlen(domain) && memcmp(name.p, domain, name.n) == 0;
}

static bool offers_13(struct reader x)
{
    struct reader list = take_piece(&x, 1);
    bool found = false;

    while (list.n && !list.bad)
        found = take_number(&list, 2) == 0x0304 || found;
    return found && !list.bad;
}

/* A share is a point of the curve: a proxy of today would do its half of the exchange with it. */
static bool has_share(struct reader x)
{
    struct reader list = take_piece(&x, 2);
    bool found = false;

    while (list.n && !list.bad) {
        size_t group = take_number(&list, 2);
        struct reader key = take_piece(&list, 2);

        found = (group == 0x001d && key.n == 32) || found;
    }
    return found && !list.bad;
}

static bool suits(struct reader suites)
{
    size_t first = take_number(&suites, 2);

    if (is_reserved(first))
        first = take_number(&suites, 2);
    return !suites.bad && first >= 0x1301 && first <= 0x1303;
}

/* The greeting in the shape of a TLS 1.3 client's for our domain; *session: its session id. */
static bool is_greeting(const uint8_t *record, size_t n, const char *domain, const uint8_t **session)
{
    struct reader r = {.p = record + RECORD, .n = n - RECORD}, body, suites, packing, extensions;
    bool named = false, modern = false, shared = false;

    if (memcmp(record, "\x16\3\1", 3) != 0 || take_number(&r, 1) != 1)
        return false;
    body = take_piece(&r, 3);
    if (r.n || take_number(&body, 2) != 0x0303)
        return false;
    take(&body, 32);
    if (take_number(&body, 1) != 32)
        return false;
    *session = take(&body, 32);
    suites = take_piece(&body, 2);
    packing = take_piece(&body, 1);
    extensions = take_piece(&body, 2);
    if (body.bad || body.n || packing.n != 1 || packing.p[0] || !suits(suites))
        return false;
    while (extensions.n && !extensions.bad) {
        size_t id = take_number(&extensions, 2);
        struct reader x = take_piece(&extensions, 2);

        named = (id == 0 && names_domain(x, domain)) || named;
        modern = (id == 43 && offers_13(x)) || modern;
        shared = (id == 51 && has_share(x)) || shared;
    }
    return !extensions.bad && named && modern && shared;
}

/* The random of the greeting is the digest of the whole with its own place zero, the time folded in. */
static bool is_signed(const struct sb_mtproxy_door *d, const uint8_t *record, size_t n, int64_t unix_s)
{
    static const uint8_t zeros[32];
    struct mt_part parts[] = {{record, 11}, {zeros, sizeof zeros}, {record + 43, n - 43}};
    uint8_t digest[32];
    int32_t clock;

    mt_hmac_sha256(digest, d->secret, sizeof d->secret, parts, 3);
    if (!mt_equal(digest, record + 11, 28))
        return false;
    clock = (int32_t)(tl_load32(digest + 28) ^ tl_load32(record + 39));
    return clock >= unix_s - SB_CLOCK_BACK && clock <= unix_s + SB_CLOCK_AHEAD;
}

static bool put_random(struct sb_mtproxy *p, size_t n)
{
    uint8_t buf[256];
    bool ok = true;

    while (n && ok) {
        size_t some = n < sizeof buf ? n : sizeof buf;

        p->env->random(p->env->ctx, buf, some);
        ok = pile_add(&p->out, buf, some);
        n -= some;
    }
    return ok;
}

/* ServerHello, change of cipher, one record that imitates the encrypted rest; then its digest in the random.
 */
static bool answer(struct sb_mtproxy *p, const uint8_t random[32], const uint8_t session[32])
{
    static const uint8_t zeros[32];
    size_t start = p->out.n, flight = 1500 + (size_t)(mt_env_random64(p->env) % 2000);
    uint8_t head[5] = {0x17, 3, 3, (uint8_t)(flight >> 8), (uint8_t)flight}, digest[32];
    struct mt_part parts[2];
    bool ok = pile_add(&p->out, "\x16\3\3\0\x7a\2\0\0\x76\3\3", 11) && pile_add(&p->out, zeros, 32) &&
              pile_add(&p->out, "\x20", 1) && pile_add(&p->out, session, 32) &&
              pile_add(&p->out, "\x13\1\0\0\x2e\0\x33\0\x24\0\x1d\0\x20", 13) && put_random(p, 32) &&
              pile_add(&p->out, "\0\x2b\0\2\3\4", 6) && pile_add(&p->out, "\x14\3\3\0\1\1", 6) &&
              pile_add(&p->out, head, sizeof head) && put_random(p, flight);

    if (!ok)
        return false;
    parts[0] = (struct mt_part){random, 32};
    parts[1] = (struct mt_part){p->out.p + start, p->out.n - start};
    mt_hmac_sha256(digest, p->door->secret, sizeof p->door->secret, parts, 2);
    memcpy(p->out.p + start + 11, digest, 32);
    return true;
}

static bool greet(struct sb_mtproxy *p, int64_t unix_s)
{
    const uint8_t *in = p->in.p, *session;
    size_t n;

    if (in[0] != 0x16)
        return false;
    if (p->in.n < RECORD)
        return true;
    n = RECORD + ((size_t)in[3] << 8 | in[4]);
    if (n < 76 || n > 4096)
        return false;
    if (p->in.n < n)
        return true;
    if (!is_greeting(in, n, p->door->domain, &session) || !is_signed(p->door, in, n, unix_s) ||
        seen_before(p->door, in + 11, 32) || !answer(p, in + 11, session))
        return false;
    p->shaken = true;
    pile_drop(&p->in, n);
    return true;
}

/* One record of the client, if all of it is there. *more: there may be another. */
static bool record(struct sb_mtproxy *p, bool *more)
{
    const uint8_t *in = p->in.p;
    size_t n;

    *more = false;
    if (p->in.n < RECORD)
        return true;
    n = (size_t)in[3] << 8 | in[4];
    if (in[1] != 3 || in[2] != 3 || n > 16384 + 256)
        return false;
    if (p->in.n < RECORD + n)
        return true;
    if (!p->changed) { /* once, before everything else */
        if (in[0] != 0x14 || n != 1 || in[RECORD] != 1)
            return false;
        p->changed = true;
    } else if (in[0] != 0x17 || !pile_add(&p->inner, in + RECORD, n)) {
        return false;
    }
    pile_drop(&p->in, RECORD + n);
    *more = true;
    return true;
}

static bool unwrap(struct sb_mtproxy *p, int64_t unix_s)
{
    bool more = true;

    if (!p->shaken && p->in.n && !greet(p, unix_s))
        return false;
    while (p->shaken && more)
        if (!record(p, &more))
            return false;
    return true;
}

/* --- all ways --- */

static bool accept(struct sb_mtproxy *p, int64_t unix_s)
{
    if (p->door->way == SB_WAY_TLS) {
        if (!unwrap(p, unix_s))
            return false;
    } else {
        if (!pile_add(&p->inner, p->in.p, p->in.n))
            return false;
        p->in.n = 0;
    }
    if (!p->begun && p->inner.n >= HEADER) {
        p->begun = true;
        if (seen_before(p->door, p->inner.p, HEADER))
            return false;
    }
    return true;
}

bool sb_mtproxy_feed(struct sb_mtproxy *p, int64_t unix_s, const void *bytes, size_t n)
{
    if (pile_add(&p->in, bytes, n) && accept(p, unix_s))
        return true;
    p->door->refused++;
    return false;
}

struct tl_slice sb_mtproxy_inner(struct sb_mtproxy *p)
{
    /* the header as a whole, so that a replay is found before a byte of it counts */
    return (struct tl_slice){.p = p->inner.p, .n = p->begun ? p->inner.n : 0};
}

void sb_mtproxy_took(struct sb_mtproxy *p, size_t n)
{
    pile_drop(&p->inner, n);
}

bool sb_mtproxy_wrap(struct sb_mtproxy *p, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;

    if (p->door->way != SB_WAY_TLS)
        return pile_add(&p->out, bytes, n);
    while (n) {
        /* of many sizes: a packet may span records, a record packets */
        size_t len = 1 + (size_t)(mt_env_random64(p->env) % 4096);
        uint8_t head[RECORD] = {0x17, 3, 3};

        len = len < n ? len : n;
        head[3] = (uint8_t)(len >> 8);
        head[4] = (uint8_t)len;
        if (!pile_add(&p->out, head, sizeof head) || !pile_add(&p->out, at, len))
            return false;
        at += len;
        n -= len;
    }
    return true;
}

struct tl_slice sb_mtproxy_output(struct sb_mtproxy *p)
{
    return (struct tl_slice){.p = p->out.p, .n = p->out.n};
}

void sb_mtproxy_wrote(struct sb_mtproxy *p, size_t n)
{
    pile_drop(&p->out, n);
}
