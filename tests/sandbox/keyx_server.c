#include "tests/sandbox/keyx_server.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

/* Old forms without a DC number and the request before _multi, which older clients still send. */
#define ID_REQ_PQ           UINT32_C(0x60469778)
#define ID_INNER_NO_DC      UINT32_C(0x83c95aec)
#define ID_INNER_TEMP_NO_DC UINT32_C(0x3c6a84d4)

#define REPEAT_MAX 2048 /* a request that is compared with the one before */

enum step { STEP_START, STEP_PQ, STEP_DH };

struct sb_keyx {
    const struct mt_env *env;
    const struct mt_rsa *rsa;
    int32_t dc_id;
    uint64_t seed;
    enum step step;
    uint8_t nonce[16], server_nonce[16], new_nonce[32];
    uint8_t pq[8], p[4], q[4]; /* big-endian */
    uint8_t tmp_key[32], tmp_iv[32];
    uint8_t a[256], g_a[256];
    uint64_t retry_id;
    int32_t expires_in;
    bool temp;
    uint64_t last_msg_id;
    uint8_t last_req[REPEAT_MAX];
    size_t last_req_len;
    struct tl_out last_reply;
};

static const char *const twist_name[] = {
    [SB_TWIST_NONE] = "none",
    [SB_TWIST_RETRY] = "retry",
    [SB_TWIST_FAIL] = "fail",
    [SB_TWIST_NONCE] = "nonce",
    [SB_TWIST_SERVER_NONCE] = "server_nonce",
    [SB_TWIST_INNER_NONCE] = "inner_nonce",
    [SB_TWIST_HASH] = "hash",
    [SB_TWIST_FOREIGN] = "foreign",
    [SB_TWIST_PQ] = "pq",
    [SB_TWIST_G_A_ONE] = "g_a_one",
    [SB_TWIST_G_A_SMALL] = "g_a_small",
    [SB_TWIST_G_BAD] = "g_bad",
    [SB_TWIST_PRIME] = "prime",
    [SB_TWIST_ZERO_G_A] = "zero_g_a",
    [SB_TWIST_TIME] = "time",
};

int sb_keyx_twist_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof twist_name / sizeof *twist_name; i++)
        if (!strcmp(twist_name[i], name))
            return (int)i;
    return -1;
}

struct sb_keyx *sb_keyx_new(const struct mt_env *env, const struct mt_rsa *rsa, int32_t dc_id, uint64_t seed)
{
    struct sb_keyx *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->env = env;
    k->rsa = rsa;
    k->dc_id = dc_id;
    k->seed = seed;
    return k;
}

void sb_keyx_free(struct sb_keyx *k)
{
    if (!k)
        return;
    tl_out_free(&k->last_reply);
    mt_wipe(k, sizeof *k);
    free(k);
}

static void put_be32(uint8_t out[4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static bool is_prime(uint32_t n)
{
    if (n % 2 == 0)
        return n == 2;
    for (uint64_t d = 3; d * d <= n; d += 2)
        if (n % d == 0)
            return false;
    return n > 1;
}

/* An odd prime in 2^30 .. 2^31: the product of two then has 61 or 62 bits, as real ones have. */
static uint32_t random_prime(struct sb_keyx *k)
{
    for (;;) {
        uint32_t n = (uint32_t)mt_env_random64(k->env);

        n = (n & UINT32_C(0x3fffffff)) | UINT32_C(0x40000001);
        if (is_prime(n))
            return n;
    }
}

static void make_pq(struct sb_keyx *k, enum sb_keyx_twist twist)
{
    uint32_t p = random_prime(k), q;
    uint64_t pq;

    do
        q = random_prime(k);
    while (q == p);
    if (p > q) {
        uint32_t t = p;

        p = q;
        q = t;
    }
    pq = (uint64_t)p * q;
    if (twist == SB_TWIST_PQ)
        pq = UINT64_C(2305843009213693951); /* 2^61 - 1, a prime */
    put_be32(k->p, p);
    put_be32(k->q, q);
    put_be32(k->pq, (uint32_t)(pq >> 32));
    put_be32(k->pq + 4, (uint32_t)pq);
}

/* The reply's plain envelope; the body and the random tail follow, then envelope_end(). */
static void envelope_begin(struct sb_keyx *k, struct mt_now at, struct tl_out *out)
{
    uint64_t id =
        (uint64_t)(at.wall / MT_US_PER_S) << 32 | ((uint64_t)(at.wall % MT_US_PER_S) << 32) / MT_US_PER_S;

    id = (id & ~UINT64_C(3)) | 1;
    if (id <= k->last_msg_id)
        id = k->last_msg_id + 4;
    k->last_msg_id = id;
    tl_put_u64(out, 0);
    tl_put_u64(out, id);
    tl_put_u32(out, 0);
}

static void envelope_end(struct sb_keyx *k, struct tl_out *out)
{
    size_t tail = 4 * (mt_env_random64(k->env) % 26);
    uint8_t *room = k->seed % 4 ? tl_out_room(out, tail) : NULL;

    if (room)
        k->env->random(k->env->ctx, room, tail);
    tl_patch_u32(out, 16, (uint32_t)(out->len - 20));
}

static int req_pq(struct sb_keyx *k, enum sb_keyx_twist twist, struct tl_in *in, struct tl_out *out)
{
    const uint8_t *nonce = tl_raw(in, 16);
    uint64_t print = mt_rsa_fingerprint(k->rsa);
    unsigned foreign = (unsigned)(k->seed % 3);

    if (!nonce || tl_end(in) != TL_OK)
        return -404;
    memcpy(k->nonce, nonce, 16);
    k->env->random(k->env->ctx, k->server_nonce, 16);
    make_pq(k, twist);
    k->retry_id = 0;
    k->step = STEP_PQ;
    tl_put_u32(out, TL_resPQ);
    tl_put_raw(out, k->nonce, 16);
    tl_put_raw(out, k->server_nonce, 16);
    tl_put_bytes(out, k->pq, 8);
    if (twist == SB_TWIST_FOREIGN)
        foreign = 2;
    tl_put_vector(out, foreign + (twist != SB_TWIST_FOREIGN));
    for (unsigned i = 0; i < foreign; i++)
        tl_put_u64(out, print ^ (UINT64_C(0x5bd1e995) << (8 * i)));
    if (twist != SB_TWIST_FOREIGN)
        tl_put_u64(out, print);
    return 0;
}

static bool dc_matches(const struct sb_keyx *k, int32_t dc)
{
    /* media connections are negative, test servers count from 10000; the sandbox is both */
    int64_t n = dc < 0 ? -(int64_t)dc : dc;

    return n == k->dc_id || n == k->dc_id + 10000;
}

static bool slice_is(struct tl_slice s, const uint8_t *p, size_t n)
{
    return s.n == n && !memcmp(s.p, p, n);
}

/* p_q_inner_data in any of its forms. */
static int read_inner(struct sb_keyx *k, const uint8_t *data, size_t n)
{
    struct tl_in in = tl_in(data, n);
    uint32_t id = tl_u32(&in);
    struct tl_slice pq = tl_bytes(&in), p = tl_bytes(&in), q = tl_bytes(&in);
    const uint8_t *nonce = tl_raw(&in, 16), *server_nonce = tl_raw(&in, 16), *new_nonce = tl_raw(&in, 32);
    bool with_dc = id == TL_p_q_inner_data_dc || id == TL_p_q_inner_data_temp_dc;
    bool temp = id == TL_p_q_inner_data_temp_dc || id == ID_INNER_TEMP_NO_DC;
    int32_t dc = with_dc ? tl_int(&in) : k->dc_id;
    int32_t expires_in = temp ? tl_int(&in) : 0;

    if (in.err || (!with_dc && id != ID_INNER_NO_DC && id != ID_INNER_TEMP_NO_DC))
        return -404;
    if (!slice_is(pq, k->pq, 8) || !slice_is(p, k->p, 4) || !slice_is(q, k->q, 4))
        return -404;
    if (memcmp(nonce, k->nonce, 16) || memcmp(server_nonce, k->server_nonce, 16))
        return -404;
    if (!dc_matches(k, dc))
        return -444;
    if (temp && expires_in < 1)
        return -404;
    memcpy(k->new_nonce, new_nonce, 32);
    k->temp = temp;
    k->expires_in = expires_in;
    return 0;
}

static void derive_tmp(struct sb_keyx *k)
{
    const struct mt_part ns[] = {{k->new_nonce, 32}, {k->server_nonce, 16}};
    const struct mt_part sn[] = {{k->server_nonce, 16}, {k->new_nonce, 32}};
    const struct mt_part nn[] = {{k->new_nonce, 32}, {k->new_nonce, 32}};
    uint8_t h_ns[20], h_sn[20], h_nn[20];

    mt_sha1(h_ns, ns, 2);
    mt_sha1(h_sn, sn, 2);
    mt_sha1(h_nn, nn, 2);
    memcpy(k->tmp_key, h_ns, 20);
    memcpy(k->tmp_key + 20, h_sn, 12);
    memcpy(k->tmp_iv, h_sn + 12, 8);
    memcpy(k->tmp_iv + 8, h_nn, 20);
    memcpy(k->tmp_iv + 28, k->new_nonce, 4);
}

/* Draws `a` and g_a; a twist may ask for a g_a that begins with a zero byte. */
static int make_g_a(struct sb_keyx *k, enum sb_keyx_twist twist)
{
    do {
        k->env->random(k->env->ctx, k->a, sizeof k->a);
        if (mt_dh_public(mt_dh_known_prime, 3, k->a, k->g_a) != MT_OK)
            return -404;
    } while (mt_dh_check_public(mt_dh_known_prime, k->g_a, 256) != MT_OK ||
             (twist == SB_TWIST_ZERO_G_A && k->g_a[0]));
    return 0;
}

static void put_dh_inner(struct sb_keyx *k, struct mt_now at, enum sb_keyx_twist twist, struct tl_out *out)
{
    uint8_t prime[256], g_a[256];
    int64_t late = twist == SB_TWIST_TIME ? 3600 : 0;

    memcpy(prime, mt_dh_known_prime, 256);
    memcpy(g_a, k->g_a, 256);
    if (twist == SB_TWIST_PRIME)
        prime[255] ^= 2;
    if (twist == SB_TWIST_G_A_ONE || twist == SB_TWIST_G_A_SMALL) {
        memset(g_a, 0, sizeof g_a);
        g_a[twist == SB_TWIST_G_A_ONE ? 255 : 100] = 1;
    }
    tl_put_u32(out, TL_server_DH_inner_data);
    tl_put_raw(out, k->nonce, 16);
    if (twist == SB_TWIST_INNER_NONCE && out->len >= 20)
        out->data[4] ^= 1;
    tl_put_raw(out, k->server_nonce, 16);
    tl_put_int(out, twist == SB_TWIST_G_BAD ? 5 : 3);
    tl_put_bytes(out, prime, sizeof prime);
    if (twist == SB_TWIST_ZERO_G_A)
        tl_put_bytes(out, g_a + 1, sizeof g_a - 1);
    else
        tl_put_bytes(out, g_a, sizeof g_a);
    tl_put_int(out, (int32_t)(at.wall / MT_US_PER_S + late));
}

/* SHA1(inner) | inner | padding, encrypted under the temporary key, as bytes into `out`. */
static void put_encrypted(struct sb_keyx *k, enum sb_keyx_twist twist, const struct tl_out *inner,
                          struct tl_out *out)
{
    uint8_t plain[1024];
    size_t n = 20 + inner->len, padded = (n + 15) & ~(size_t)15;
    const struct mt_part part = {inner->data, inner->len};

    if (inner->err || padded > sizeof plain) {
        tl_out_fail(out, TL_E_SIZE);
        return;
    }
    mt_sha1(plain, &part, 1);
    if (twist == SB_TWIST_HASH)
        plain[0] ^= 1;
    memcpy(plain + 20, inner->data, inner->len);
    k->env->random(k->env->ctx, plain + n, padded - n);
    mt_ige_encrypt(k->tmp_key, k->tmp_iv, plain, plain, padded);
    tl_put_bytes(out, plain, padded);
}

static int req_dh(struct sb_keyx *k, struct mt_now at, enum sb_keyx_twist twist, struct tl_in *in,
                  struct tl_out *out)
{
    const uint8_t *nonce = tl_raw(in, 16), *server_nonce = tl_raw(in, 16);
    struct tl_slice p = tl_bytes(in), q = tl_bytes(in);
    uint64_t print = tl_u64(in);
    struct tl_slice enc = tl_bytes(in);
    uint8_t data[235], buf[700];
    struct tl_out inner = {.data = buf, .cap = sizeof buf, .fixed = true};
    int err;

    if (tl_end(in) != TL_OK || memcmp(nonce, k->nonce, 16) || memcmp(server_nonce, k->server_nonce, 16) ||
        !slice_is(p, k->p, 4) || !slice_is(q, k->q, 4) || print != mt_rsa_fingerprint(k->rsa) || enc.n != 256)
        return -404;
    if (mt_rsa_pad_decrypt(k->rsa, enc.p, data) == MT_OK)
        err = read_inner(k, data, 192);
    else if (mt_rsa_legacy_decrypt(k->rsa, enc.p, data) == MT_OK)
        err = read_inner(k, data, 235);
    else
        err = -404;
    mt_wipe(data, sizeof data);
    if (!err)
        err = make_g_a(k, twist);
    if (err)
        return err;
    derive_tmp(k);
    k->step = STEP_DH;
    put_dh_inner(k, at, twist, &inner);
    tl_put_u32(out, TL_server_DH_params_ok);
    tl_put_raw(out, k->nonce, 16);
    tl_put_raw(out, k->server_nonce, 16);
    put_encrypted(k, twist, &inner, out);
    return 0;
}

/* Opens client_DH_inner_data; g_b is left-padded. */
static int read_client_dh(struct sb_keyx *k, struct tl_slice enc, uint64_t *retry_id, uint8_t g_b[256])
{
    uint8_t plain[1024], hash[20];
    struct tl_in in;
    struct tl_slice g;
    const uint8_t *nonce, *server_nonce;
    size_t used;

    if (enc.n % 16 || enc.n < 48 || enc.n > sizeof plain)
        return -404;
    mt_ige_decrypt(k->tmp_key, k->tmp_iv, enc.p, plain, enc.n);
    in = tl_in(plain + 20, enc.n - 20);
    if (tl_u32(&in) != TL_client_DH_inner_data)
        return -404;
    nonce = tl_raw(&in, 16);
    server_nonce = tl_raw(&in, 16);
    *retry_id = tl_u64(&in);
    g = tl_bytes(&in);
    if (in.err || g.n > 256 || memcmp(nonce, k->nonce, 16) || memcmp(server_nonce, k->server_nonce, 16))
        return -404;
    used = (size_t)(in.p - (plain + 20));
    mt_sha1(hash, &(struct mt_part){plain + 20, used}, 1);
    if (tl_left(&in) > 15 || !mt_equal(hash, plain, 20))
        return -404;
    if (mt_dh_check_public(mt_dh_known_prime, g.p, g.n) != MT_OK)
        return -404;
    memset(g_b, 0, 256 - g.n);
    memcpy(g_b + 256 - g.n, g.p, g.n);
    return 0;
}

static void put_gen(struct sb_keyx *k, enum sb_keyx_twist twist, uint32_t id, uint8_t number,
                    uint64_t aux_hash, struct tl_out *out)
{
    uint8_t aux[8], hash[20];
    const struct mt_part parts[] = {{k->new_nonce, 32}, {&number, 1}, {aux, 8}};

    tl_store64(aux, aux_hash);
    mt_sha1(hash, parts, 3);
    if (twist == SB_TWIST_HASH)
        hash[4] ^= 1;
    tl_put_u32(out, id);
    tl_put_raw(out, k->nonce, 16);
    tl_put_raw(out, k->server_nonce, 16);
    tl_put_raw(out, hash + 4, 16);
}

static int set_dh(struct sb_keyx *k, enum sb_keyx_twist twist, struct tl_in *in, struct tl_out *out,
                  struct sb_new_key *key, bool *done)
{
    const uint8_t *nonce = tl_raw(in, 16), *server_nonce = tl_raw(in, 16);
    struct tl_slice enc = tl_bytes(in);
    struct mt_auth_key auth;
    uint8_t g_b[256];
    uint64_t retry_id;
    int err;

    if (tl_end(in) != TL_OK || memcmp(nonce, k->nonce, 16) || memcmp(server_nonce, k->server_nonce, 16))
        return -404;
    err = read_client_dh(k, enc, &retry_id, g_b);
    if (err || retry_id != k->retry_id)
        return -404;
    if (mt_dh_shared(mt_dh_known_prime, g_b, 256, k->a, key->key) != MT_OK)
        return -404;
    mt_auth_key_set(&auth, key->key);
    if (twist == SB_TWIST_RETRY) {
        k->retry_id = auth.aux_hash;
        put_gen(k, twist, TL_dh_gen_retry, 2, auth.aux_hash, out);
    } else if (twist == SB_TWIST_FAIL) {
        k->step = STEP_START;
        put_gen(k, twist, TL_dh_gen_fail, 3, auth.aux_hash, out);
    } else {
        k->step = STEP_START;
        put_gen(k, twist, TL_dh_gen_ok, 1, auth.aux_hash, out);
        key->salt = (int64_t)(tl_load64(k->new_nonce) ^ tl_load64(k->server_nonce));
        key->expires_in = k->temp ? k->expires_in : 0;
        *done = true;
    }
    mt_wipe(&auth, sizeof auth);
    return 0;
}

/* Copies request and answer, so that the same request gets the same answer. */
static void remember(struct sb_keyx *k, struct tl_in req, const struct tl_out *reply)
{
    k->last_req_len = tl_left(&req);
    if (k->last_req_len > sizeof k->last_req)
        k->last_req_len = 0;
    if (k->last_req_len)
        memcpy(k->last_req, req.p, k->last_req_len);
    tl_out_reset(&k->last_reply);
    tl_put_raw(&k->last_reply, reply->data, reply->len);
    if (k->last_reply.err)
        k->last_req_len = 0;
}

int sb_keyx_packet(struct sb_keyx *k, struct mt_now at, enum sb_keyx_twist twist, const uint8_t *p, size_t n,
                   struct tl_out *reply, struct sb_new_key *key, bool *done)
{
    struct tl_in in = tl_in(p, n), body;
    uint64_t key_id = tl_u64(&in), msg_id = tl_u64(&in);
    uint32_t len = tl_u32(&in), id;
    int err = -404;

    *done = false;
    /* up to 15 bytes more: the padded transport cannot know where a plain packet ends */
    if (in.err || key_id || msg_id % 4 || len % 4 || len > tl_left(&in) || tl_left(&in) - len > 15)
        return -404;
    body = tl_in(in.p, len);
    if (k->last_req_len && len == k->last_req_len && !memcmp(k->last_req, body.p, len)) {
        tl_put_raw(reply, k->last_reply.data, k->last_reply.len);
        return reply->err ? -404 : 0;
    }
    in = body;
    id = tl_u32(&in);
    envelope_begin(k, at, reply);
    if (id == TL_req_pq_multi || id == ID_REQ_PQ)
        err = req_pq(k, twist, &in, reply);
    else if (id == TL_req_DH_params && k->step == STEP_PQ)
        err = req_dh(k, at, twist, &in, reply);
    else if (id == TL_set_client_DH_params && k->step == STEP_DH)
        err = set_dh(k, twist, &in, reply, key, done);
    envelope_end(k, reply);
    if (reply->err)
        err = -404;
    if (err) {
        k->step = STEP_START;
        return err;
    }
    /* both nonces stand in front of every answer, after envelope and id */
    if (twist == SB_TWIST_NONCE)
        reply->data[24] ^= 1;
    if (twist == SB_TWIST_SERVER_NONCE)
        reply->data[40] ^= 1;
    remember(k, body, reply);
    return 0;
}
