#include "tests/unit/sandbox/client.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct hs {
    uint8_t nonce[16], server_nonce[16], new_nonce[32], tmp_key[32], tmp_iv[32], g_a[256];
    uint64_t pq, p, q, retry_id;
    enum tc_hs how;
};

/* A plain request, twice where that is to be tried: the answer has to be the same. */
static void request(struct tc *c, const struct hs *h, const struct tl_out *out)
{
    uint8_t first[sizeof c->plain];
    size_t n;

    tc_send_plain(c, out);
    if (h->how != HS_REPEAT || c->closed)
        return;
    n = c->plain_len;
    memcpy(first, c->plain, n);
    tc_send_plain(c, out);
    assert_int_equal(c->plain_len, n);
    assert_memory_equal(c->plain, first, n);
}

/* SHA1(data) | data | random, 255 bytes, as a number to the power of e. */
static void legacy_encrypt(struct tc *c, const uint8_t *data, size_t n, uint8_t out[256])
{
    const char *pem = sb_server_public_pem(c->b->server);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIGNUM *mod = NULL, *e = NULL, *m;
    BN_CTX *ctx = BN_CTX_new();
    uint8_t plain[255];

    mt_sha1(plain, &(struct mt_part){data, n}, 1);
    memcpy(plain + 20, data, n);
    memset(plain + 20 + n, 9, sizeof plain - 20 - n);
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &mod), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e), 1);
    m = BN_bin2bn(plain, sizeof plain, NULL);
    assert_int_equal(BN_mod_exp(m, m, e, mod, ctx), 1);
    assert_int_equal(BN_bn2binpad(m, out, 256), 256);
    BN_free(m);
    BN_free(mod);
    BN_free(e);
    BN_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(bio);
}

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
    request(c, h, &out);
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

static int32_t dc_of(const struct tc *c, const struct hs *h)
{
    return h->how == HS_MEDIA_DC   ? -c->dc
           : h->how == HS_TEST_DC  ? c->dc + 10000
           : h->how == HS_WRONG_DC ? c->dc + 1
                                   : c->dc;
}

static struct tl_out inner_data(struct tc *c, struct hs *h, int32_t expires_in)
{
    bool temp = expires_in || h->how == HS_NO_EXPIRY, old = h->how == HS_OLD_FORM;
    struct tl_out inner = tc_body(old    ? UINT32_C(0x83c95aec)
                                  : temp ? TL_p_q_inner_data_temp_dc
                                         : TL_p_q_inner_data_dc);

    c->b->env.random(c->b->env.ctx, h->new_nonce, 32);
    put_number(&inner, h->how == HS_WRONG_INNER_PQ ? h->pq + 1 : h->pq);
    put_number(&inner, h->p);
    put_number(&inner, h->q);
    tl_put_raw(&inner, h->nonce, 16);
    tl_put_raw(&inner, h->server_nonce, 16);
    tl_put_raw(&inner, h->new_nonce, 32);
    if (!old)
        tl_put_int(&inner, dc_of(c, h));
    if (temp)
        tl_put_int(&inner, expires_in);
    if (h->how == HS_WRONG_INNER_NONCE)
        inner.data[inner.len - 60] ^= 1;
    return inner;
}

static void ask_dh(struct tc *c, struct hs *h, int32_t expires_in)
{
    struct tl_out inner = inner_data(c, h, expires_in), out = tc_body(TL_req_DH_params);
    uint8_t enc[256];

    if (h->how == HS_LEGACY_RSA)
        legacy_encrypt(c, inner.data, inner.len, enc);
    else
        assert_int_equal(mt_rsa_pad_encrypt(c->b->rsa, &c->b->env, inner.data, inner.len, enc), MT_OK);
    if (h->how == HS_WRONG_RSA)
        enc[100] ^= 1;
    tl_put_raw(&out, h->nonce, 16);
    tl_put_raw(&out, h->server_nonce, 16);
    put_number(&out, h->how == HS_WRONG_P ? h->p + 2 : h->p);
    put_number(&out, h->q);
    tl_put_u64(&out, mt_rsa_fingerprint(c->b->rsa) ^ (h->how == HS_WRONG_PRINT));
    tl_put_bytes(&out, enc, sizeof enc);
    if (h->how == HS_WRONG_NONCE)
        out.data[4] ^= 1;
    if (h->how == HS_WRONG_SERVER_NONCE)
        out.data[20] ^= 1;
    request(c, h, &out);
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
    tl_int(&in);
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
    if (h->how == HS_G_B_ONE) {
        memset(g_b, 0, sizeof g_b);
        g_b[255] = 1;
    }
    tl_put_raw(&inner, h->nonce, 16);
    tl_put_raw(&inner, h->server_nonce, 16);
    if (h->how == HS_WRONG_DH_NONCE)
        inner.data[4] ^= 1;
    tl_put_u64(&inner, h->retry_id ^ (h->how == HS_WRONG_RETRY_ID));
    tl_put_bytes(&inner, g_b, sizeof g_b);
    mt_sha1(plain, &(struct mt_part){inner.data, inner.len}, 1);
    memcpy(plain + 20, inner.data, inner.len);
    plain[0] ^= h->how == HS_WRONG_DH_HASH;
    n = (20 + inner.len + 15) & ~(size_t)15;
    memset(plain + 20 + inner.len, 7, n - 20 - inner.len);
    mt_ige_encrypt(h->tmp_key, h->tmp_iv, plain, plain, n);
    tl_put_raw(&out, h->nonce, 16);
    tl_put_raw(&out, h->server_nonce, 16);
    tl_put_bytes(&out, plain, n);
    request(c, h, &out);
    tl_out_free(&inner);
    tl_out_free(&out);
    assert_int_equal(mt_dh_shared(mt_dh_known_prime, h->g_a, 256, secret, key), MT_OK);
    mt_auth_key_set(&c->key, key);
    return c->plain_len >= 4 ? tl_load32(c->plain) : 0;
}

bool tc_try_handshake(struct tc *c, int32_t expires_in, enum tc_hs how)
{
    struct hs h = {.how = how};
    uint8_t aux[8], number = 1, hash[20];
    uint32_t id;

    if (!c->conn)
        tc_connect(c, MT_INTERMEDIATE, false);
    ask_pq(c, &h);
    if (how != HS_SKIP_DH) {
        ask_dh(c, &h, expires_in);
        if (c->closed)
            return false;
        read_dh(c, &h);
    }
    while ((id = send_g_b(c, &h)) == TL_dh_gen_retry)
        h.retry_id = c->key.aux_hash;
    if (id != TL_dh_gen_ok)
        return false;
    tl_store64(aux, c->key.aux_hash);
    mt_sha1(hash, (struct mt_part[]){{h.new_nonce, 32}, {&number, 1}, {aux, 8}}, 3);
    assert_memory_equal(c->plain + 36, hash + 4, 16);
    c->salt = (int64_t)(tl_load64(h.new_nonce) ^ tl_load64(h.server_nonce));
    return true;
}

void tc_handshake(struct tc *c, int32_t expires_in)
{
    assert_true(tc_try_handshake(c, expires_in, HS_RIGHT));
}

void tc_up(struct tc *c)
{
    struct tl_out out = tc_init_body(TL_help_getConfig, TL_LAYER);

    tc_handshake(c, 0);
    tc_expect_result(c, tc_send(c, true, &out), TL_config);
    tl_out_free(&out);
    tc_forget(c);
}
