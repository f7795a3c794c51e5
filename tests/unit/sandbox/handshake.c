#include "tests/unit/sandbox/client.h"

#include <string.h>

struct hs {
    uint8_t nonce[16], server_nonce[16], new_nonce[32], tmp_key[32], tmp_iv[32], g_a[256];
    uint64_t pq, p, q, retry_id;
};

static uint64_t be(struct tl_slice s)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

static void put_number(struct tl_out *out, uint64_t v)
{
    uint8_t b[8];
    size_t n = 0;

    for (int i = 7; i >= 0; i--)
        if (n || v >> (8 * i) & 0xff)
            b[n++] = (uint8_t)(v >> (8 * i));
    tl_put_bytes(out, b, n);
}

static void ask_pq(struct tc *c, struct hs *h)
{
    struct tl_out out = tc_body(TL_req_pq_multi);
    struct tl_in in;
    uint32_t n;
    bool known = false;

    c->b->env.random(c->b->env.ctx, h->nonce, 16);
    tl_put_raw(&out, h->nonce, 16);
    tc_send_plain(c, &out);
    tl_out_free(&out);
    in = tl_in(c->plain, c->plain_len);
    assert_int_equal(tl_u32(&in), TL_resPQ);
    assert_memory_equal(tl_raw(&in, 16), h->nonce, 16);
    memcpy(h->server_nonce, tl_raw(&in, 16), 16);
    h->pq = be(tl_bytes(&in));
    for (n = tl_vector(&in, 8); n; n--)
        known |= tl_u64(&in) == mt_rsa_fingerprint(c->b->rsa);
    assert_true(known && !in.err);
    assert_int_equal(mt_pq_factor(h->pq, &h->p, &h->q), MT_OK);
}

static void ask_dh(struct tc *c, struct hs *h, int32_t expires_in)
{
    struct tl_out inner = tc_body(expires_in ? TL_p_q_inner_data_temp_dc : TL_p_q_inner_data_dc);
    struct tl_out out = tc_body(TL_req_DH_params);
    uint8_t enc[256];

    c->b->env.random(c->b->env.ctx, h->new_nonce, 32);
    put_number(&inner, h->pq);
    put_number(&inner, h->p);
    put_number(&inner, h->q);
    tl_put_raw(&inner, h->nonce, 16);
    tl_put_raw(&inner, h->server_nonce, 16);
    tl_put_raw(&inner, h->new_nonce, 32);
    tl_put_int(&inner, c->dc);
    if (expires_in)
        tl_put_int(&inner, expires_in);
    assert_int_equal(mt_rsa_pad_encrypt(c->b->rsa, &c->b->env, inner.data, inner.len, enc), MT_OK);
    tl_put_raw(&out, h->nonce, 16);
    tl_put_raw(&out, h->server_nonce, 16);
    put_number(&out, h->p);
    put_number(&out, h->q);
    tl_put_u64(&out, mt_rsa_fingerprint(c->b->rsa));
    tl_put_bytes(&out, enc, sizeof enc);
    tc_send_plain(c, &out);
    tl_out_free(&inner);
    tl_out_free(&out);
}

static void derive(struct hs *h)
{
    uint8_t ns[20], sn[20], nn[20];
    const struct mt_part n = {h->new_nonce, 32}, s = {h->server_nonce, 16};

    mt_sha1(ns, (struct mt_part[]){n, s}, 2);
    mt_sha1(sn, (struct mt_part[]){s, n}, 2);
    mt_sha1(nn, (struct mt_part[]){n, n}, 2);
    memcpy(h->tmp_key, ns, 20);
    memcpy(h->tmp_key + 20, sn, 12);
    memcpy(h->tmp_iv, sn + 12, 8);
    memcpy(h->tmp_iv + 8, nn, 20);
    memcpy(h->tmp_iv + 28, h->new_nonce, 4);
}

static void read_dh(struct tc *c, struct hs *h)
{
    struct tl_in in = tl_in(c->plain, c->plain_len);
    struct tl_slice enc, prime, g_a;
    uint8_t plain[1024], hash[20];

    assert_int_equal(tl_u32(&in), TL_server_DH_params_ok);
    assert_memory_equal(tl_raw(&in, 16), h->nonce, 16);
    assert_memory_equal(tl_raw(&in, 16), h->server_nonce, 16);
    enc = tl_bytes(&in);
    assert_true(enc.n % 16 == 0 && enc.n <= sizeof plain);
    derive(h);
    mt_ige_decrypt(h->tmp_key, h->tmp_iv, enc.p, plain, enc.n);
    in = tl_in(plain + 20, enc.n - 20);
    assert_int_equal(tl_u32(&in), TL_server_DH_inner_data);
    assert_memory_equal(tl_raw(&in, 16), h->nonce, 16);
    assert_memory_equal(tl_raw(&in, 16), h->server_nonce, 16);
    assert_int_equal(tl_int(&in), 3);
    prime = tl_bytes(&in);
    assert_int_equal(prime.n, 256);
    assert_true(mt_dh_is_known(prime.p));
    g_a = tl_bytes(&in);
    assert_int_equal(mt_dh_check_public(prime.p, g_a.p, g_a.n), MT_OK);
    memset(h->g_a, 0, 256);
    memcpy(h->g_a + 256 - g_a.n, g_a.p, g_a.n);
    assert_int_equal(tl_int(&in), c->b->now.wall / MT_US_PER_S);
    mt_sha1(hash, &(struct mt_part){plain + 20, (size_t)(in.p - plain - 20)}, 1);
    assert_memory_equal(hash, plain, 20);
    assert_true(!in.err && tl_left(&in) < 16);
}

static uint32_t send_g_b(struct tc *c, struct hs *h)
{
    struct tl_out inner = tc_body(TL_client_DH_inner_data), out = tc_body(TL_set_client_DH_params);
    uint8_t secret[256], g_b[256], key[256], plain[512];
    size_t n;

    c->b->env.random(c->b->env.ctx, secret, sizeof secret);
    assert_int_equal(mt_dh_public(mt_dh_known_prime, 3, secret, g_b), MT_OK);
    tl_put_raw(&inner, h->nonce, 16);
    tl_put_raw(&inner, h->server_nonce, 16);
    tl_put_u64(&inner, h->retry_id);
    tl_put_bytes(&inner, g_b, sizeof g_b);
    mt_sha1(plain, &(struct mt_part){inner.data, inner.len}, 1);
    memcpy(plain + 20, inner.data, inner.len);
    n = (20 + inner.len + 15) & ~(size_t)15;
    memset(plain + 20 + inner.len, 7, n - 20 - inner.len);
    mt_ige_encrypt(h->tmp_key, h->tmp_iv, plain, plain, n);
    tl_put_raw(&out, h->nonce, 16);
    tl_put_raw(&out, h->server_nonce, 16);
    tl_put_bytes(&out, plain, n);
    tc_send_plain(c, &out);
    tl_out_free(&inner);
    tl_out_free(&out);
    assert_int_equal(mt_dh_shared(mt_dh_known_prime, h->g_a, 256, secret, key), MT_OK);
    mt_auth_key_set(&c->key, key);
    return c->plain_len >= 4 ? tl_load32(c->plain) : 0;
}

void tc_handshake(struct tc *c, int32_t expires_in)
{
    struct hs h = {0};
    uint8_t aux[8], number = 1, hash[20];

    if (!c->conn)
        tc_connect(c, MT_INTERMEDIATE, false);
    ask_pq(c, &h);
    ask_dh(c, &h, expires_in);
    read_dh(c, &h);
    while (send_g_b(c, &h) == TL_dh_gen_retry)
        h.retry_id = c->key.aux_hash;
    assert_int_equal(tl_load32(c->plain), TL_dh_gen_ok);
    tl_store64(aux, c->key.aux_hash);
    mt_sha1(hash, (struct mt_part[]){{h.new_nonce, 32}, {&number, 1}, {aux, 8}}, 3);
    assert_memory_equal(c->plain + 36, hash + 4, 16);
    c->salt = (int64_t)(tl_load64(h.new_nonce) ^ tl_load64(h.server_nonce));
}

void tc_up(struct tc *c)
{
    struct tl_out out = tc_init_body(TL_help_getConfig, TL_LAYER);

    tc_handshake(c, 0);
    tc_expect_result(c, tc_send(c, true, &out), TL_config);
    tl_out_free(&out);
    tc_forget(c);
}
