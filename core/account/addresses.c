#include "core/account/addresses.h"

#include <arpa/inet.h>
#include <string.h>

#include "tl/ids.h"
#include "tl/view.h"

#define FAILS_MAX 8
#define KEY_SEED  UINT32_C(2166136261)

static uint32_t mix(uint32_t h, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const uint8_t *)p)[i]) * UINT32_C(16777619);
    return h;
}

static uint32_t key_of(const struct mt_server *s)
{
    uint8_t head[6] = {(uint8_t)s->port, (uint8_t)(s->port >> 8)};
    uint32_t key;

    tl_store32(head + 2, (uint32_t)s->dc_id);
    key = mix(mix(KEY_SEED, head, sizeof head), s->ip, strlen(s->ip));
    return key ? key : 1;
}

static const struct mt_score *score_of(const struct mt_book *b, const struct mt_server *s)
{
    static const struct mt_score none;
    uint32_t key = key_of(s);

    for (size_t i = 0; i < MT_SCORES_MAX; i++)
        if (b->scores[i].key == key)
            return &b->scores[i];
    return &none;
}

/* The score to write to; of too many the one goes that was written longest ago. */
static struct mt_score *score_for(struct mt_book *b, const struct mt_server *s)
{
    struct mt_score *oldest = &b->scores[0];
    uint32_t key = key_of(s);

    for (size_t i = 0; i < MT_SCORES_MAX; i++) {
        if (b->scores[i].key == key)
            return &b->scores[i];
        if (b->scores[i].used < oldest->used)
            oldest = &b->scores[i];
    }
    *oldest = (struct mt_score){.key = key};
    return oldest;
}

void mt_book_failed(struct mt_book *b, const struct mt_server *s, unsigned weight)
{
    struct mt_score *score = score_for(b, s);

    score->used = ++b->clock;
    score->fails = (uint8_t)(score->fails + weight < FAILS_MAX ? score->fails + weight : FAILS_MAX);
}

bool mt_book_good(struct mt_book *b, const struct mt_server *s)
{
    struct mt_score *score = score_for(b, s);
    int family = s->ipv6 ? 6 : 4;
    bool news = b->learned->family != family;

    score->used = ++b->clock;
    score->fails = 0;
    score->good = true;
    b->learned->family = family;
    return news;
}

bool mt_book_is_good(const struct mt_book *b, const struct mt_server *s)
{
    const struct mt_score *score = score_of(b, s);

    return score->good && !score->fails;
}

unsigned mt_book_fails(const struct mt_book *b, const struct mt_server *s)
{
    return score_of(b, s)->fails;
}

/* --- choosing --- */

static bool fits(const struct mt_server *s, const struct mt_want *want)
{
    return s->dc_id == want->dc && (want->media || !s->media_only) && (!s->cdn || want->dc >= MT_CDN_DC);
}

/* The i-th port to try; 0: no more. */
static uint16_t port_of(const struct mt_server *s, unsigned i)
{
    static const uint16_t ports[] = {443, 80, 5222};

    if (!i)
        return s->port;
    if (s->this_port_only || i > 3 || ports[i - 1] == s->port)
        return 0;
    return ports[i - 1];
}

/* Smaller is better; each line outweighs all that follow it. */
static uint64_t rank_of(const struct mt_book *b, const struct mt_want *want, const struct mt_server *s,
                        bool boot, unsigned port, unsigned ordinal)
{
    const struct mt_score *score = score_of(b, s);
    int family = s->ipv6 ? 6 : 4;
    bool other = b->learned->family && b->learned->family != family;
    uint64_t rank = score->fails;

    rank = rank << 1 | (b->try_ipv6 && !s->ipv6);
    rank = rank << 1 | boot;
    rank = rank << 1 | !score->good;
    rank = rank << 1 | (want->media && !s->media_only);
    rank = rank << 1 | (want->proxied && !s->is_static);
    rank = rank << 2 | port;
    rank = rank << 1 | other;
    rank = rank << 8 | (ordinal < 255 ? ordinal : 255); /* the first of each family, the second of each ... */
    return rank << 1 | s->ipv6;
}

struct choice {
    struct mt_server *out;
    uint64_t rank[MT_CONNECT_MAX];
    size_t n;
};

static void consider(struct choice *c, const struct mt_server *s, uint64_t rank)
{
    size_t at = c->n;

    for (size_t i = 0; i < c->n; i++)
        if (c->out[i].port == s->port && strcmp(c->out[i].ip, s->ip) == 0) {
            if (c->rank[i] <= rank)
                return;
            memmove(c->out + i, c->out + i + 1, (c->n - i - 1) * sizeof *c->out);
            memmove(c->rank + i, c->rank + i + 1, (c->n - i - 1) * sizeof *c->rank);
            at = --c->n;
            break;
        }
    while (at && c->rank[at - 1] > rank)
        at--;
    if (at == MT_CONNECT_MAX)
        return;
    if (c->n == MT_CONNECT_MAX)
        c->n--;
    memmove(c->out + at + 1, c->out + at, (c->n - at) * sizeof *c->out);
    memmove(c->rank + at + 1, c->rank + at, (c->n - at) * sizeof *c->rank);
    c->out[at] = *s;
    c->rank[at] = rank;
    c->n++;
}

static void consider_all(struct choice *c, const struct mt_book *b, const struct mt_want *want,
                         const struct mt_server *list, size_t n, bool boot)
{
    for (unsigned port = 0; port < 4; port++) {
        unsigned ordinal[2] = {0, 0};

        for (size_t i = 0; i < n; i++) {
            struct mt_server s = list[i];

            s.port = port_of(&list[i], port);
            if (fits(&s, want) && s.port)
                consider(c, &s, rank_of(b, want, &s, boot, port, ordinal[s.ipv6]++));
        }
    }
}

size_t mt_book_choose(const struct mt_book *b, const struct mt_want *want,
                      struct mt_server out[MT_CONNECT_MAX])
{
    struct choice c = {.out = out};

    consider_all(&c, b, want, b->learned->list, b->learned->n, false);
    consider_all(&c, b, want, b->boot->list, b->boot->n, true);
    return c.n;
}

/* --- which there are --- */

bool mt_book_knows(const struct mt_book *b, int32_t dc)
{
    for (size_t i = 0; i < b->learned->n; i++)
        if (b->learned->list[i].dc_id == dc && !b->learned->list[i].cdn)
            return true;
    for (size_t i = 0; i < b->boot->n; i++)
        if (b->boot->list[i].dc_id == dc && !b->boot->list[i].cdn)
            return true;
    return false;
}

bool mt_book_has(const struct mt_book *b, const struct mt_server *s)
{
    for (size_t i = 0; i < b->learned->n; i++)
        if (b->learned->list[i].dc_id == s->dc_id && strcmp(b->learned->list[i].ip, s->ip) == 0 &&
            (b->learned->list[i].port == s->port || !b->learned->list[i].this_port_only))
            return true;
    return false;
}

static void nearer(int32_t *best, const struct mt_server *s, int32_t dc, int32_t not )
{
    /* distance upwards from dc, around the end */
    int64_t d = (int64_t)s->dc_id - dc, other = (int64_t)*best - dc;

    if (s->cdn || s->dc_id == not || s->dc_id == dc)
        return;
    d += d < 0 ? INT32_MAX : 0;
    other += other < 0 ? INT32_MAX : 0;
    if (!*best || d < other)
        *best = s->dc_id;
}

int32_t mt_book_next(const struct mt_book *b, int32_t dc, int32_t not )
{
    int32_t best = 0;

    for (size_t i = 0; i < b->learned->n; i++)
        nearer(&best, &b->learned->list[i], dc, not );
    for (size_t i = 0; i < b->boot->n; i++)
        nearer(&best, &b->boot->list[i], dc, not );
    return best;
}

/* --- learning --- */

static uint32_t origin_of(const struct mt_servers *boot)
{
    uint32_t h = KEY_SEED;

    for (size_t i = 0; i < boot->n; i++) {
        uint32_t key = key_of(&boot->list[i]);

        h = mix(h, &key, sizeof key);
    }
    return h ? h : 1;
}

void mt_book_init(struct mt_book *b, const struct mt_servers *boot, struct mt_addresses *learned)
{
    uint32_t origin = origin_of(boot);

    *b = (struct mt_book){.boot = boot, .learned = learned};
    if (learned->n > MT_ADDRESSES_MAX || learned->origin != origin)
        learned->n = 0;
    learned->origin = origin;
}

static bool read_option(const struct tl_view *v, struct mt_server *s)
{
    struct tl_slice ip = tl_get_bytes(v, TLF_dcOption__ip_address);
    struct tl_slice secret = tl_get_bytes(v, TLF_dcOption__secret);
    int32_t port = tl_get_int(v, TLF_dcOption__port), id = tl_get_int(v, TLF_dcOption__id);
    uint8_t bytes[16];

    memset(s, 0, sizeof *s); /* whole: lists are compared */
    if (id <= 0 || id > MT_DC_MAX || port <= 0 || port > 65535 || !ip.n || ip.n >= sizeof s->ip ||
        memchr(ip.p, 0, ip.n))
        return false;
    memcpy(s->ip, ip.p, ip.n);
    s->dc_id = id;
    s->port = (uint16_t)port;
    s->ipv6 = tl_has(v, TLF_dcOption__ipv6);
    s->media_only = tl_has(v, TLF_dcOption__media_only);
    s->tcpo_only = tl_has(v, TLF_dcOption__tcpo_only);
    s->cdn = tl_has(v, TLF_dcOption__cdn);
    s->is_static = tl_has(v, TLF_dcOption__static);
    s->this_port_only = tl_has(v, TLF_dcOption__this_port_only);
    if (secret.n) {
        if (secret.n != 16 && !(secret.n == 17 && secret.p[0] == 0xdd))
            return false;
        memcpy(s->secret, secret.p, secret.n);
        s->secret_len = (uint8_t)secret.n;
    }
    return inet_pton(s->ipv6 ? AF_INET6 : AF_INET, s->ip, bytes) == 1;
}

static bool names(const struct mt_server *list, size_t n, int32_t dc)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].dc_id == dc)
            return true;
    return false;
}

bool mt_book_learn(struct mt_book *b, struct tl_vec *options, bool whole)
{
    struct mt_addresses *had = b->learned, now = {0};
    struct tl_view v;
    size_t fresh;

    while (now.n < MT_ADDRESSES_MAX && tl_vec_object(options, &v))
        if (v.def->id == TL_dcOption && read_option(&v, &now.list[now.n]))
            now.n++;
    fresh = now.n;
    if (!fresh)
        return false;
    for (size_t i = 0; i < had->n && !whole && now.n < MT_ADDRESSES_MAX; i++)
        if (!names(now.list, fresh, had->list[i].dc_id))
            now.list[now.n++] = had->list[i];
    if (now.n == had->n && memcmp(now.list, had->list, now.n * sizeof *now.list) == 0)
        return false;
    memcpy(had->list, now.list, now.n * sizeof *now.list);
    had->n = now.n;
    return true;
}
