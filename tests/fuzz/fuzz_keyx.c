/*
 * A hostile server in the key exchange. It is right up to a step, and there says what it likes. As it knows
 * what the client draws, it can also encrypt and sign nonsense.
 *
 *     | 1 byte | bytes |     0: a first packet   1: object of resPQ   2: object of server_DH_params
 *                            3: server_DH_inner_data, encrypted, with its hash   4: object of dh_gen
 */
#include "tests/fuzz/fuzz.h"

#include "core/mtproto/keyx.h"
#include "tl/ids.h"

/* The published production key: nobody needs to decrypt here. */
static const char pem[] = "-----BEGIN RSA PUBLIC KEY-----\n"
                          "MIIBCgKCAQEA6LszBcC1LGzyr992NzE0ieY+BSaOW622Aa9Bd4ZHLl+TuFQ4lo4g\n"
                          "5nKaMBwK/BIb9xUfg0Q29/2mgIR6Zr9krM7HjuIcCzFvDtr+L0GQjae9H0pRB2OO\n"
                          "62cECs5HKhT5DZ98K33vmWiLowc621dQuwKWSQKjWf50XYFw42h21P2KXUGyp2y/\n"
                          "+aEyZ+uVgLLQbRA1dEjSDZ2iGRy12Mk5gpYc397aYp438fsJoHIgJ2lgMv5h7WY9\n"
                          "t6N/byY9Nw9p21Og3AoXSL2q/2IJ1WRUhebgAdGVMlV1fkuOQoEzR7EdpqtQD9Cs\n"
                          "5+bfo3Nhmcyvk5ftB0WkJ9z6bNZ7yxrP8wIDAQAB\n"
                          "-----END RSA PUBLIC KEY-----\n";

static const struct mt_now now = {.mono = 1, .wall = 1707425105 * MT_US_PER_S};

struct game {
    uint8_t drawn[1024];
    size_t n_drawn;
    struct mt_env env;
    struct mt_rsa *rsa;
    struct mt_keyx *k;
};

/* Nonce: bytes 0..16 of what is drawn; new_nonce: 16..48. */
static void recorded_random(void *ctx, void *buf, size_t n)
{
    struct game *g = ctx;

    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)buf)[i] = (uint8_t)(g->n_drawn * 73 + 9);
        if (g->n_drawn < sizeof g->drawn)
            g->drawn[g->n_drawn] = ((uint8_t *)buf)[i];
        g->n_drawn++;
    }
}

static const uint8_t server_nonce[16] = {5, 6, 7};

static void feed(struct game *g, const struct tl_out *object)
{
    struct tl_out packet = {0};

    tl_put_u64(&packet, 0);
    tl_put_u64(&packet, (UINT64_C(1707425105) << 32) + 1);
    tl_put_u32(&packet, (uint32_t)object->len);
    tl_put_raw(&packet, object->data, object->len);
    mt_keyx_sent(g->k);
    mt_keyx_feed(g->k, now, packet.data, packet.len);
    tl_out_free(&packet);
}

/* What was asked for on the way to a later step. */
static void compute(struct game *g)
{
    struct mt_keyx_event ev;
    struct mt_keyx_job job;

    mt_keyx_next(g->k, &ev);
    FUZZ_CHECK(ev.kind == MT_KEYX_COMPUTE);
    job = *ev.job;
    mt_keyx_job_run(&job);
    mt_keyx_done(g->k, now, &job);
}

static void head(struct game *g, struct tl_out *out, uint32_t id)
{
    tl_put_u32(out, id);
    tl_put_raw(out, g->drawn, 16);
    tl_put_raw(out, server_nonce, 16);
}

static void say_pq(struct game *g)
{
    static const uint8_t pq[8] = {0x25, 0x65, 0x95, 0xed, 0xb7, 0x76, 0x67, 0x97};
    struct tl_out out = {0};

    head(g, &out, TL_resPQ);
    tl_put_bytes(&out, pq, sizeof pq);
    tl_put_vector(&out, 1);
    tl_put_u64(&out, mt_rsa_fingerprint(g->rsa));
    feed(g, &out);
    tl_out_free(&out);
    compute(g);
    FUZZ_CHECK(mt_keyx_output(g->k).n);
}

static void aes(const struct game *g, uint8_t key[32], uint8_t iv[32])
{
    const struct mt_part n = {g->drawn + 16, 32}, s = {server_nonce, 16};
    uint8_t d[20];

    mt_sha1(key, (struct mt_part[]){n, s}, 2);
    mt_sha1(d, (struct mt_part[]){s, n}, 2);
    memcpy(key + 20, d, 12);
    memcpy(iv, d + 12, 8);
    mt_sha1(iv + 8, (struct mt_part[]){n, n}, 2);
    memcpy(iv + 28, n.p, 4);
}

static void say_inner(struct game *g, const uint8_t *data, size_t size)
{
    uint8_t plain[1024] = {0}, key[32], iv[32];
    struct tl_out out = {0};
    size_t n;

    if (size > sizeof plain - 36)
        size = sizeof plain - 36;
    mt_sha1(plain, &(struct mt_part){data, size}, 1);
    memcpy(plain + 20, data, size);
    n = (20 + size + 15) & ~(size_t)15;
    aes(g, key, iv);
    mt_ige_encrypt(key, iv, plain, plain, n);
    head(g, &out, TL_server_DH_params_ok);
    tl_put_bytes(&out, plain, n);
    feed(g, &out);
    tl_out_free(&out);
}

static void say_dh(struct game *g)
{
    uint8_t a[256] = {0x31, 1}, g_a[256];
    struct tl_out inner = {0};

    FUZZ_CHECK(mt_dh_public(mt_dh_known_prime, 3, a, g_a) == MT_OK);
    head(g, &inner, TL_server_DH_inner_data);
    tl_put_int(&inner, 3);
    tl_put_bytes(&inner, mt_dh_known_prime, 256);
    tl_put_bytes(&inner, g_a, 256);
    tl_put_int(&inner, 1707425105);
    say_inner(g, inner.data, inner.len);
    tl_out_free(&inner);
    compute(g);
    FUZZ_CHECK(mt_keyx_output(g->k).n);
}

/* One object of the input, its nonces put right where it is long enough: else little lies behind them. */
static void say_bytes(struct game *g, const uint8_t *data, size_t size)
{
    struct tl_out out = {0};

    tl_put_raw(&out, data, size);
    if (out.len >= 36) {
        memcpy(out.data + 4, g->drawn, 16);
        memcpy(out.data + 20, server_nonce, 16);
    }
    feed(g, &out);
    tl_out_free(&out);
}

static void check_end(struct game *g, bool may_go_on)
{
    struct mt_keyx_event ev;

    mt_keyx_next(g->k, &ev);
    FUZZ_CHECK(ev.kind != MT_KEYX_DONE); /* nobody guesses new_nonce_hash */
    if (ev.kind == MT_KEYX_FAILED) {
        FUZZ_CHECK(ev.err < 0 && ev.step && !mt_keyx_output(g->k).n && mt_keyx_deadline(g->k) == MT_NEVER);
        return;
    }
    FUZZ_CHECK(may_go_on);
    if (ev.kind == MT_KEYX_COMPUTE) {
        struct mt_keyx_job job = *ev.job;

        job.result = MT_E_DH; /* the true answer, but for luck; and its 0.2 s are saved */
        if (job.kind == MT_KEYX_FACTOR || mt_dh_is_known(job.prime))
            mt_keyx_job_run(&job);
        mt_keyx_done(g->k, now, &job);
        return;
    }
    FUZZ_CHECK(mt_keyx_output(g->k).n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mt_rsa *rsa;
    struct mt_keyx_cfg cfg = {.n_keys = 1, .dc = 2};
    struct game g = {.env.random = recorded_random};
    uint8_t mode;

    if (!size)
        return 0;
    if (!rsa)
        rsa = mt_rsa_from_pem(pem, sizeof pem - 1);
    mode = *data++ % 5;
    size--;
    g.rsa = rsa;
    g.env.ctx = &g;
    cfg.env = &g.env;
    cfg.keys = &rsa;
    g.k = mt_keyx_new(&cfg, now);
    FUZZ_CHECK(rsa && g.k);
    if (mode >= 2)
        say_pq(&g);
    if (mode >= 4)
        say_dh(&g);
    if (mode == 0)
        mt_keyx_feed(g.k, now, data, size);
    else if (mode == 3)
        say_inner(&g, data, size);
    else
        say_bytes(&g, data, size);
    check_end(&g, mode < 2 || mode == 3);
    mt_keyx_free(g.k);
    return 0;
}
