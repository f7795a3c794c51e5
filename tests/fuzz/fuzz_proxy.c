/*
 * A hostile proxy: whatever it says, cutting it elsewhere changes nothing, memory stays bounded, and nothing
 * but what follows a handshake reaches MTProto.
 *
 *     | 1 byte: kind | 1 byte: where to cut | what the proxy says |
 *
 * kind: 0 SOCKS5, 1 with a password, 2 HTTP, 3 with a password, 4 fake TLS, 5 fake TLS after a handshake that
 * went well, 6 a text for mt_proxy_parse.
 */
#include "tests/fuzz/fuzz.h"

#include "core/proxy/impl.h"

static void counting_random(void *ctx, void *buf, size_t n)
{
    uint8_t *next = ctx;

    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (*next)++;
}

struct end {
    uint8_t counter;
    struct mt_env env;
    struct mt_proxy *p;
    uint8_t inner[65536];
    size_t n;
};

static void end_init(struct end *e, uint8_t kind)
{
    struct mt_proxy_cfg cfg = {.kind = kind < 2   ? MT_PROXY_SOCKS5
                                       : kind < 4 ? MT_PROXY_HTTP
                                                  : MT_PROXY_MTPROTO,
                               .mode = MT_SECRET_TLS,
                               .secret = {1, 2, 3},
                               .domain = "example.com"};
    struct mt_proxy_target to = {.host = "1.2.3.4", .port = 443};

    if (kind == 1 || kind == 3) {
        strcpy(cfg.user, "user");
        strcpy(cfg.password, "password");
    }
    e->counter = 1;
    e->n = 0;
    e->env = (struct mt_env){.random = counting_random, .ctx = &e->counter};
    e->p = mt_proxy_new(&e->env, &cfg, &to, 1700000000);
    FUZZ_CHECK(e->p);
    if (kind == 5)
        e->p->state = MT_PROXY_OPEN;
}

static void take(struct end *e)
{
    struct tl_slice in = mt_proxy_inner(e->p);
    struct tl_slice out = mt_proxy_output(e->p);

    FUZZ_CHECK(!in.n || mt_proxy_state(e->p) != MT_PROXY_HANDSHAKE);
    FUZZ_CHECK(in.n <= sizeof e->inner - e->n);
    if (in.n)
        memcpy(e->inner + e->n, in.p, in.n);
    e->n += in.n;
    mt_proxy_took(e->p, in.n);
    mt_proxy_wrote(e->p, out.n);
    FUZZ_CHECK(e->p->in.len <= 10 * (16384 + 261));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct end whole, cut;
    uint8_t kind;
    size_t step;

    if (size < 2 || size > 60000)
        return 0;
    kind = data[0] % 7;
    step = data[1] ? data[1] : 256;
    data += 2;
    size -= 2;
    if (kind == 6) {
        struct mt_proxy_cfg c, again;
        char text[4096] = "", err[128], back[MT_PROXY_TEXT_MAX];

        memcpy(text, data, size < sizeof text - 1 ? size : sizeof text - 1);
        if (mt_proxy_parse(text, &c, err) == MT_OK) {
            mt_proxy_format(&c, true, back);
            FUZZ_CHECK(mt_proxy_parse(back, &again, err) == MT_OK);
            FUZZ_CHECK(memcmp(&c, &again, sizeof c) == 0);
        } else {
            FUZZ_CHECK(err[0]);
        }
        return 0;
    }
    end_init(&whole, kind);
    end_init(&cut, kind);
    mt_proxy_feed(whole.p, data, size);
    take(&whole);
    for (size_t i = 0; i < size; i += step) {
        mt_proxy_feed(cut.p, data + i, size - i < step ? size - i : step);
        take(&cut);
    }
    FUZZ_CHECK(mt_proxy_state(whole.p) == mt_proxy_state(cut.p));
    FUZZ_CHECK(whole.n == cut.n && memcmp(whole.inner, cut.inner, cut.n) == 0);
    FUZZ_CHECK(!strcmp(mt_proxy_reason(whole.p), mt_proxy_reason(cut.p)));
    FUZZ_CHECK(mt_proxy_state(whole.p) != MT_PROXY_FAILED || mt_proxy_reason(whole.p)[0]);
    mt_proxy_free(whole.p);
    mt_proxy_free(cut.p);
    return 0;
}
