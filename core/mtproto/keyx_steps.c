#include "core/mtproto/keyx_steps.h"
#include "tl/ids.h"

#include <string.h>

#define PLAIN_HEAD  20   /* auth_key_id 8, msg_id 8, length 4 */
#define ANSWER_MAX  1024 /* server_DH_inner_data with its hash and padding takes 592 */
#define MAX_RETRIES 5
#define MAX_DRAWS   4 /* one b in 2^63 is out of range: more means that the random source is broken */

/* --- the plain envelope --- */

static struct tl_out begin(struct mt_keyx *k, struct mt_now now, uint32_t id)
{
    struct tl_out out = {.data = k->packet, .cap = sizeof k->packet, .fixed = true};

    tl_put_u64(&out, 0);
    tl_put_u64(&out, mt_clock_msg_id(&k->clock, now));
    tl_put_u32(&out, 0);
    tl_put_u32(&out, id);
    tl_put_raw(&out, k->nonce, sizeof k->nonce);
    return out;
}

static int end(struct mt_keyx *k, struct tl_out *out, enum mt_keyx_state next)
{
    if (out->err)
        return MT_E_TOO_LARGE;
    tl_patch_u32(out, PLAIN_HEAD - 4, (uint32_t)(out->len - PLAIN_HEAD));
    k->packet_len = out->len;
    k->state = next;
    return MT_OK;
}

/* The constructor and the nonces at the front of an answer. */
static int check_head(struct mt_keyx *k, struct tl_in *in, uint32_t id)
{
    uint32_t got = tl_u32(in);
    const uint8_t *nonce = tl_raw(in, sizeof k->nonce);
    const uint8_t *server_nonce = tl_raw(in, sizeof k->server_nonce);

    if (in->err || got != id)
        return MT_E_PEER;
    if (!mt_equal(nonce, k->nonce, sizeof k->nonce))
        return MT_E_AUTH;
    if (k->state == MT_KEYX_WANTS_PQ)
        memcpy(k->server_nonce, server_nonce, sizeof k->server_nonce);
    else if (!mt_equal(server_nonce, k->server_nonce, sizeof k->server_nonce))
        return MT_E_AUTH;
    return MT_OK;
}

/* --- step 1: resPQ --- */

int mt_keyx_put_req_pq(struct mt_keyx *k, struct mt_now now)
{
    struct tl_out out;

    k->cfg.env->random(k->cfg.env->ctx, k->nonce, sizeof k->nonce);
    out = begin(k, now, TL_req_pq_multi);
    return end(k, &out, MT_KEYX_WANTS_PQ);
}

/* The first of our keys that the server names, too. */
static const struct mt_rsa *choose_key(const struct mt_keyx *k, struct tl_in *in)
{
    uint32_t count = tl_vector(in, 8);
    const uint8_t *offered = tl_raw(in, (size_t)count * 8);

    for (size_t i = 0; i < k->cfg.n_keys && offered; i++) {
        for (uint32_t j = 0; j < count; j++) {
            if (tl_load64(offered + 8 * (size_t)j) == mt_rsa_fingerprint(k->cfg.keys[i]))
                return k->cfg.keys[i];
        }
    }
    return NULL;
}

/* A number as TL carries it here: big-endian, without zeros in front. */
static void put_number(struct tl_out *out, uint64_t v)
{
    uint8_t be[8];
    size_t n = 0;

    for (int shift = 56; shift >= 0; shift -= 8) {
        if (n || v >> shift)
            be[n++] = (uint8_t)(v >> shift);
    }
    tl_put_bytes(out, be, n);
}

static int read_number(struct tl_slice s, uint64_t *v)
{
    *v = 0;
    if (s.n < 1 || s.n > 8)
        return MT_E_PEER;
    for (size_t i = 0; i < s.n; i++)
        *v = *v << 8 | s.p[i];
    return MT_OK;
}

/* The answer to a job of an earlier step, or of an earlier machine, is none to this one. */
static void begin_job(struct mt_keyx *k, enum mt_keyx_job_kind kind, enum mt_keyx_state state)
{
    mt_wipe(&k->job, sizeof k->job);
    k->job.kind = kind;
    k->job.serial = ++k->serial;
    k->job.result = MT_E_STATE;
    k->state = state;
    k->event_due = true;
}

static int put_req_dh(struct mt_keyx *k, struct mt_now now, const struct mt_keyx_job *job)
{
    const struct mt_env *env = k->cfg.env;
    uint8_t buf[144], encrypted[256];
    struct tl_out inner = {.data = buf, .cap = sizeof buf, .fixed = true}, out;
    int err;

    env->random(env->ctx, k->new_nonce, sizeof k->new_nonce);
    tl_put_u32(&inner, k->cfg.expires_in ? TL_p_q_inner_data_temp_dc : TL_p_q_inner_data_dc);
    put_number(&inner, k->job.pq);
    put_number(&inner, job->p);
    put_number(&inner, job->q);
    tl_put_raw(&inner, k->nonce, sizeof k->nonce);
    tl_put_raw(&inner, k->server_nonce, sizeof k->server_nonce);
    tl_put_raw(&inner, k->new_nonce, sizeof k->new_nonce);
    tl_put_int(&inner, k->cfg.dc);
    if (k->cfg.expires_in)
        tl_put_int(&inner, k->cfg.expires_in);
    err = inner.err ? MT_E_TOO_LARGE : mt_rsa_pad_encrypt(k->rsa, env, buf, inner.len, encrypted);
    mt_wipe(buf, sizeof buf);
    if (err)
        return err;

    out = begin(k, now, TL_req_DH_params);
    tl_put_raw(&out, k->server_nonce, sizeof k->server_nonce);
    put_number(&out, job->p);
    put_number(&out, job->q);
    tl_put_u64(&out, mt_rsa_fingerprint(k->rsa));
    tl_put_bytes(&out, encrypted, sizeof encrypted);
    return end(k, &out, MT_KEYX_WANTS_DH);
}

int mt_keyx_take_pq(struct mt_keyx *k, struct mt_now now, struct tl_in *in)
{
    struct tl_slice pq_bytes;
    uint64_t pq;
    int err = check_head(k, in, TL_resPQ);

    if (err)
        return err;
    pq_bytes = tl_bytes(in);
    k->rsa = choose_key(k, in);
    if (in->err || read_number(pq_bytes, &pq))
        return MT_E_PEER;
    if (!k->rsa)
        return MT_E_NO_KEY;
    begin_job(k, MT_KEYX_FACTOR, MT_KEYX_IN_FACTOR);
    k->job.pq = pq;
    (void)now;
    return MT_OK;
}

int mt_keyx_factored(struct mt_keyx *k, struct mt_now now, const struct mt_keyx_job *job)
{
    return job->result ? job->result : put_req_dh(k, now, job);
}

/* --- step 2: server_DH_params --- */

/* The key and iv of the two encrypted answers, from both sides' nonces. */
static void temporary_aes(const struct mt_keyx *k, uint8_t key[32], uint8_t iv[32])
{
    const struct mt_part n = {k->new_nonce, sizeof k->new_nonce};
    const struct mt_part s = {k->server_nonce, sizeof k->server_nonce};
    uint8_t ns[20], sn[20], nn[20];

    mt_sha1(ns, (struct mt_part[]){n, s}, 2);
    mt_sha1(sn, (struct mt_part[]){s, n}, 2);
    mt_sha1(nn, (struct mt_part[]){n, n}, 2);
    memcpy(key, ns, 20);
    memcpy(key + 20, sn, 12);
    memcpy(iv, sn + 12, 8);
    memcpy(iv + 8, nn, 20);
    memcpy(iv + 28, k->new_nonce, 4);
    mt_wipe(ns, sizeof ns);
    mt_wipe(sn, sizeof sn);
    mt_wipe(nn, sizeof nn);
}

/* Whether SHA1 in front is that of the first n bytes behind it, and only the padding of a block follows. */
static bool hash_fits(const uint8_t *plain, size_t len, size_t n)
{
    uint8_t digest[20];

    if (len - 20 - n >= 16)
        return false;
    mt_sha1(digest, &(struct mt_part){plain + 20, n}, 1);
    return mt_equal(digest, plain, sizeof digest);
}

/*
 * Reads server_DH_inner_data out of the decrypted answer. Whatever is wrong before the hash fits is the same
 * error: without it nothing in there is the server's word.
 */
static int read_inner(struct mt_keyx *k, const uint8_t *plain, size_t len)
{
    struct tl_in in = tl_in(plain + 20, len - 20);
    uint32_t id = tl_u32(&in);
    const uint8_t *nonce = tl_raw(&in, sizeof k->nonce);
    const uint8_t *server_nonce = tl_raw(&in, sizeof k->server_nonce);
    struct tl_slice prime, g_a;

    k->g = tl_int(&in);
    prime = tl_bytes(&in);
    g_a = tl_bytes(&in);
    k->server_time = tl_int(&in);
    if (in.err || id != TL_server_DH_inner_data || !hash_fits(plain, len, (size_t)(in.p - (plain + 20))) ||
        !mt_equal(nonce, k->nonce, sizeof k->nonce) ||
        !mt_equal(server_nonce, k->server_nonce, sizeof k->server_nonce))
        return MT_E_AUTH;
    if (prime.n != sizeof k->prime || g_a.n < 1 || g_a.n > sizeof k->g_a)
        return MT_E_DH;
    memcpy(k->prime, prime.p, sizeof k->prime);
    memset(k->g_a, 0, sizeof k->g_a);
    memcpy(k->g_a + sizeof k->g_a - g_a.n, g_a.p, g_a.n);
    return MT_OK;
}

/* A fresh exponent; what becomes of it is computed elsewhere. */
static void begin_agree(struct mt_keyx *k)
{
    begin_job(k, MT_KEYX_AGREE, MT_KEYX_IN_AGREE);
    k->job.g = k->g;
    memcpy(k->job.prime, k->prime, sizeof k->job.prime);
    memcpy(k->job.g_a, k->g_a, sizeof k->job.g_a);
    k->cfg.env->random(k->cfg.env->ctx, k->job.b, sizeof k->job.b);
    k->draws++;
}

int mt_keyx_take_dh(struct mt_keyx *k, struct mt_now now, struct tl_in *in)
{
    uint8_t plain[ANSWER_MAX], key[32], iv[32];
    struct tl_slice answer;
    int err = check_head(k, in, TL_server_DH_params_ok);

    if (err)
        return err;
    answer = tl_bytes(in);
    if (in->err || answer.n % 16 != 0 || answer.n < 32 || answer.n > sizeof plain)
        return MT_E_PEER;
    temporary_aes(k, key, iv);
    mt_ige_decrypt(key, iv, answer.p, plain, answer.n);
    err = read_inner(k, plain, answer.n);
    mt_wipe(plain, sizeof plain);
    mt_wipe(key, sizeof key);
    mt_wipe(iv, sizeof iv);
    if (!err)
        err = mt_dh_check_public(k->prime, k->g_a, sizeof k->g_a);
    if (err)
        return err;
    k->time_offset_us = k->server_time * MT_US_PER_S - now.wall;
    k->draws = 0;
    begin_agree(k);
    return MT_OK;
}

/* --- step 3: set_client_DH_params and dh_gen --- */

static int put_client_dh(struct mt_keyx *k, struct mt_now now, const struct mt_keyx_job *job)
{
    const struct mt_env *env = k->cfg.env;
    uint64_t retry_id = k->retries ? k->key.aux_hash : 0;
    uint8_t buf[352], key[32], iv[32];
    struct tl_out inner = {.data = buf + 20, .cap = sizeof buf - 20, .fixed = true}, out;
    size_t n;

    mt_auth_key_set(&k->key, job->shared);
    mt_wipe(&k->job.b, sizeof k->job.b);
    tl_put_u32(&inner, TL_client_DH_inner_data);
    tl_put_raw(&inner, k->nonce, sizeof k->nonce);
    tl_put_raw(&inner, k->server_nonce, sizeof k->server_nonce);
    tl_put_u64(&inner, retry_id);
    tl_put_bytes(&inner, job->g_b, sizeof job->g_b);
    mt_sha1(buf, &(struct mt_part){inner.data, inner.len}, 1);
    n = (20 + inner.len + 15) & ~(size_t)15;
    env->random(env->ctx, buf + 20 + inner.len, n - 20 - inner.len);
    temporary_aes(k, key, iv);
    mt_ige_encrypt(key, iv, buf, buf, n);
    mt_wipe(key, sizeof key);
    mt_wipe(iv, sizeof iv);

    out = begin(k, now, TL_set_client_DH_params);
    tl_put_raw(&out, k->server_nonce, sizeof k->server_nonce);
    tl_put_bytes(&out, buf, n);
    return end(k, &out, MT_KEYX_WANTS_GEN);
}

int mt_keyx_agreed(struct mt_keyx *k, struct mt_now now, const struct mt_keyx_job *job)
{
    if (job->result && job->redraw && k->draws < MAX_DRAWS) {
        begin_agree(k);
        return MT_OK;
    }
    return job->result ? job->result : put_client_dh(k, now, job);
}

/* SHA1(new_nonce | number | aux_hash)[4:20]: who can say it has the same key. */
static bool proves_key(const struct mt_keyx *k, uint8_t number, const uint8_t hash[16])
{
    uint8_t aux[8], digest[20];

    tl_store64(aux, k->key.aux_hash);
    mt_sha1(digest, (struct mt_part[]){{k->new_nonce, sizeof k->new_nonce}, {&number, 1}, {aux, sizeof aux}},
            3);
    return mt_equal(digest + 4, hash, 16);
}

int mt_keyx_take_gen(struct mt_keyx *k, struct mt_now now, struct tl_in *in)
{
    static const uint32_t answer[] = {TL_dh_gen_ok, TL_dh_gen_retry, TL_dh_gen_fail};
    uint32_t id = tl_peek(in);
    const uint8_t *hash;
    uint8_t number = 0;
    int err;

    while (number < 3 && answer[number] != id)
        number++;
    if (number == 3)
        return MT_E_PEER;
    err = check_head(k, in, id);
    if (err)
        return err;
    hash = tl_raw(in, 16);
    if (!hash)
        return MT_E_PEER;
    if (!proves_key(k, (uint8_t)(number + 1), hash))
        return MT_E_AUTH;
    if (id == TL_dh_gen_retry && k->retries < MAX_RETRIES) {
        k->retries++;
        k->draws = 0;
        begin_agree(k);
        return MT_OK;
    }
    if (id != TL_dh_gen_ok)
        return MT_E_PEER;
    k->salt = (int64_t)(tl_load64(k->new_nonce) ^ tl_load64(k->server_nonce));
    k->state = MT_KEYX_IS_DONE;
    k->event_due = true;
    return MT_OK;
}
