/*
 * The server's half of a key exchange, for tests of the client's: it says what it is told to say. Each answer
 * is first a struct whose fields are right; a test changes some and the rest follows. Include after check.h.
 */
#pragma once

#include "tests/unit/fake_env.h"
#include "tests/unit/vectors.h"
#include "core/crypto/crypto.h"
#include "tl/ids.h"
#include "tl/wire.h"

enum step { RES_PQ, DH_OK, GEN, STEPS };

struct answer {
    /* envelope */
    uint8_t key_id, msg_id_low;
    uint32_t len_add;  /* added to the right length field */
    uint32_t trailing; /* bytes after the object, inside the length */
    uint32_t cut;      /* bytes taken off the end of the object */
    /* head of every object */
    uint32_t id;
    uint8_t nonce[16], server_nonce[16];
    /* resPQ */
    uint8_t pq[16];
    size_t pq_len;
    uint32_t vector_id, fingerprints;
    uint64_t fingerprint[4];
    /* server_DH_inner_data */
    uint32_t inner_id;
    uint8_t inner_nonce[16], inner_server_nonce[16];
    int32_t g;
    uint8_t prime[257];
    size_t prime_len;
    uint8_t g_a[257];
    size_t g_a_len;
    int32_t server_time;
    uint8_t inner_hash; /* xored into the SHA-1 */
    uint32_t pad;       /* bytes of padding instead of the right number; UINT32_MAX: right */
    uint32_t answer_cut;
    /* dh_gen_* */
    uint8_t gen_number; /* N of new_nonce_hashN */
    uint8_t gen_hash;   /* xored into it */
};

struct half {
    struct mt_rsa *rsa;
    uint8_t nonce[16], server_nonce[16], new_nonce[32];
    uint64_t pq, p, q;
    int32_t g, dc, expires_in;
    uint8_t prime[256], a[256], g_a[256];
    int32_t server_time;
    struct mt_auth_key key;
    uint64_t retry_id; /* as the client sent it */
};

static inline struct mt_rsa *half_rsa(const char *file)
{
    char path[64];
    struct mt_rsa *rsa;
    char *pem;
    size_t n;

    snprintf(path, sizeof path, "crypto/%s.pem", file);
    pem = vector_file(path, &n);
    rsa = mt_rsa_from_pem(pem, n);
    assert_non_null(rsa);
    free(pem);
    return rsa;
}

static inline void half_init(struct half *h)
{
    struct fake_env f;

    memset(h, 0, sizeof *h);
    fake_env_init(&f, 77);
    h->rsa = half_rsa("private");
    fake_env_random(&f, h->server_nonce, sizeof h->server_nonce);
    fake_env_random(&f, h->a, sizeof h->a);
    h->p = 1513098571;
    h->q = 1780931429;
    h->pq = h->p * h->q;
    h->g = 3;
    memcpy(h->prime, mt_dh_known_prime, sizeof h->prime);
    assert_int_equal(mt_dh_public(h->prime, h->g, h->a, h->g_a), MT_OK);
    h->server_time = 1707425105;
}

static inline void half_fini(struct half *h)
{
    mt_rsa_free(h->rsa);
}

/* --- what the client says --- */

static inline uint64_t half_number(struct tl_in *in)
{
    struct tl_slice s = tl_bytes(in);
    uint64_t v = 0;

    assert_true(s.n >= 1 && s.n <= 8 && s.p[0] != 0);
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

static inline void half_aes(const struct half *h, uint8_t key[32], uint8_t iv[32])
{
    uint8_t both[64], d[20];

    memcpy(both, h->new_nonce, 32);
    memcpy(both + 32, h->server_nonce, 16);
    mt_sha1(key, &(struct mt_part){both, 48}, 1);
    memcpy(both, h->server_nonce, 16);
    memcpy(both + 16, h->new_nonce, 32);
    mt_sha1(d, &(struct mt_part){both, 48}, 1);
    memcpy(key + 20, d, 12);
    memcpy(iv, d + 12, 8);
    memcpy(both, h->new_nonce, 32);
    memcpy(both + 32, h->new_nonce, 32);
    mt_sha1(iv + 8, &(struct mt_part){both, 64}, 1);
    memcpy(iv + 28, h->new_nonce, 4);
}

static inline void half_inner(struct half *h, const uint8_t data[192])
{
    struct tl_in in = tl_in(data, 192);

    assert_int_equal(tl_u32(&in), h->expires_in ? TL_p_q_inner_data_temp_dc : TL_p_q_inner_data_dc);
    assert_true(half_number(&in) == h->pq);
    assert_true(half_number(&in) == h->p);
    assert_true(half_number(&in) == h->q);
    assert_memory_equal(tl_raw(&in, 16), h->nonce, 16);
    assert_memory_equal(tl_raw(&in, 16), h->server_nonce, 16);
    memcpy(h->new_nonce, tl_raw(&in, 32), 32);
    assert_int_equal(tl_int(&in), h->dc);
    if (h->expires_in)
        assert_int_equal(tl_int(&in), h->expires_in);
    assert_int_equal(in.err, TL_OK);
}

static inline void half_client_dh(struct half *h, struct tl_slice encrypted)
{
    uint8_t plain[336], key[32], iv[32], digest[20], shared[256];
    struct tl_in in;
    struct tl_slice g_b;

    assert_int_equal(encrypted.n, sizeof plain);
    half_aes(h, key, iv);
    mt_ige_decrypt(key, iv, encrypted.p, plain, sizeof plain);
    mt_sha1(digest, &(struct mt_part){plain + 20, 304}, 1);
    assert_memory_equal(digest, plain, 20);
    in = tl_in(plain + 20, 304);
    assert_int_equal(tl_u32(&in), TL_client_DH_inner_data);
    assert_memory_equal(tl_raw(&in, 16), h->nonce, 16);
    assert_memory_equal(tl_raw(&in, 16), h->server_nonce, 16);
    h->retry_id = tl_u64(&in);
    g_b = tl_bytes(&in);
    assert_int_equal(tl_end(&in), TL_OK);
    assert_int_equal(g_b.n, 256);
    assert_int_equal(mt_dh_check_public(h->prime, g_b.p, g_b.n), MT_OK);
    assert_int_equal(mt_dh_shared(h->prime, g_b.p, g_b.n, h->a, shared), MT_OK);
    mt_auth_key_set(&h->key, shared);
}

/* Reads the client's packet that asks for `step`. */
static inline void half_hear(struct half *h, enum step step, struct tl_slice packet)
{
    struct tl_in in = tl_in(packet.p, packet.n);
    uint8_t data[192];
    struct tl_slice s;
    uint32_t len;

    assert_true(tl_u64(&in) == 0);
    assert_int_equal(tl_u64(&in) % 4, 0);
    len = tl_u32(&in);
    assert_int_equal(len, tl_left(&in));
    switch (step) {
    case RES_PQ:
        assert_int_equal(tl_u32(&in), TL_req_pq_multi);
        memcpy(h->nonce, tl_raw(&in, 16), 16);
        break;
    case DH_OK:
        assert_int_equal(tl_u32(&in), TL_req_DH_params);
        assert_memory_equal(tl_raw(&in, 16), h->nonce, 16);
        assert_memory_equal(tl_raw(&in, 16), h->server_nonce, 16);
        assert_true(half_number(&in) == h->p);
        assert_true(half_number(&in) == h->q);
        assert_true(tl_u64(&in) == mt_rsa_fingerprint(h->rsa));
        s = tl_bytes(&in);
        assert_int_equal(s.n, 256);
        assert_int_equal(mt_rsa_pad_decrypt(h->rsa, s.p, data), MT_OK);
        half_inner(h, data);
        break;
    case GEN:
        assert_int_equal(tl_u32(&in), TL_set_client_DH_params);
        assert_memory_equal(tl_raw(&in, 16), h->nonce, 16);
        assert_memory_equal(tl_raw(&in, 16), h->server_nonce, 16);
        half_client_dh(h, tl_bytes(&in));
        break;
    case STEPS:
        fail();
    }
    assert_int_equal(tl_end(&in), TL_OK);
}

/* --- what the server says --- */

static inline struct answer half_answer(const struct half *h, enum step step)
{
    static const uint32_t id[] = {TL_resPQ, TL_server_DH_params_ok, TL_dh_gen_ok};
    struct answer a = {.msg_id_low = 1, .id = id[step], .vector_id = TL_VECTOR, .fingerprints = 1};

    memcpy(a.nonce, h->nonce, 16);
    memcpy(a.server_nonce, h->server_nonce, 16);
    a.pq_len = 8;
    for (int i = 0; i < 8; i++)
        a.pq[i] = (uint8_t)(h->pq >> (56 - 8 * i));
    a.fingerprint[0] = mt_rsa_fingerprint(h->rsa);
    a.inner_id = TL_server_DH_inner_data;
    memcpy(a.inner_nonce, h->nonce, 16);
    memcpy(a.inner_server_nonce, h->server_nonce, 16);
    a.g = h->g;
    memcpy(a.prime, h->prime, 256);
    a.prime_len = 256;
    memcpy(a.g_a, h->g_a, 256);
    a.g_a_len = 256;
    a.server_time = h->server_time;
    a.pad = UINT32_MAX;
    a.gen_number = 1;
    return a;
}

static inline void half_put_dh(const struct half *h, const struct answer *a, struct tl_out *out)
{
    uint8_t buf[1200] = {0}, key[32], iv[32];
    struct tl_out in = {.data = buf + 20, .cap = sizeof buf - 20, .fixed = true};
    size_t n;

    tl_put_u32(&in, a->inner_id);
    tl_put_raw(&in, a->inner_nonce, 16);
    tl_put_raw(&in, a->inner_server_nonce, 16);
    tl_put_int(&in, a->g);
    tl_put_bytes(&in, a->prime, a->prime_len);
    tl_put_bytes(&in, a->g_a, a->g_a_len);
    tl_put_int(&in, a->server_time);
    mt_sha1(buf, &(struct mt_part){in.data, in.len}, 1);
    buf[0] ^= a->inner_hash;
    n = (20 + in.len + (a->pad == UINT32_MAX ? 15 : a->pad)) & ~(size_t)15;
    half_aes(h, key, iv);
    mt_ige_encrypt(key, iv, buf, buf, n);
    tl_put_bytes(out, buf, n - a->answer_cut);
}

static inline void half_put_gen(const struct half *h, const struct answer *a, struct tl_out *out)
{
    uint8_t in[41], digest[20];

    memcpy(in, h->new_nonce, 32);
    in[32] = a->gen_number;
    tl_store64(in + 33, h->key.aux_hash);
    mt_sha1(digest, &(struct mt_part){in, sizeof in}, 1);
    digest[4] ^= a->gen_hash;
    tl_put_raw(out, digest + 4, 16);
}

/* The packet of an answer; the caller frees it. */
static inline struct tl_out half_say(const struct half *h, enum step step, const struct answer *a)
{
    struct tl_out out = {0};

    tl_put_u64(&out, a->key_id);
    tl_put_u64(&out, (UINT64_C(1707425105) << 32) + a->msg_id_low);
    tl_put_u32(&out, 0);
    tl_put_u32(&out, a->id);
    tl_put_raw(&out, a->nonce, 16);
    tl_put_raw(&out, a->server_nonce, 16);
    if (step == RES_PQ) {
        tl_put_bytes(&out, a->pq, a->pq_len);
        tl_put_u32(&out, a->vector_id);
        tl_put_u32(&out, a->fingerprints);
        for (uint32_t i = 0; i < a->fingerprints && i < 4; i++)
            tl_put_u64(&out, a->fingerprint[i]);
    } else if (step == DH_OK) {
        half_put_dh(h, a, &out);
    } else {
        half_put_gen(h, a, &out);
    }
    out.len -= a->cut;
    for (uint32_t i = 0; i < a->trailing; i++)
        tl_put_raw(&out, &a->nonce[i % 16], 1);
    tl_patch_u32(&out, 16, (uint32_t)(out.len - 20 + a->len_add));
    assert_int_equal(out.err, TL_OK);
    return out;
}
