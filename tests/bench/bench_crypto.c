/*
 * What the primitives cost, as one JSON object on stdout. Rates are of 512 KiB, in GB/s; single operations in
 * ms. Each figure is the best of several rounds, and the rounds of all go in turn, so that what else the
 * machine does falls on all alike. The ratios are those of the budgets:
 *
 *     ige_to_chain       IGE to a bare chain: 14 dependent AES rounds and a xor for each block, nothing else
 *     seal_to_parts      mt_seal() to IGE and SHA-256 done one after the other; open_to_parts likewise
 *
 *     bench_crypto [ROUNDS]
 */
#include "core/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

#define SIZE ((size_t)512 * 1024)

static uint8_t packet[MT_ENVELOPE_HEAD + SIZE], plain[SIZE], sealed[MT_ENVELOPE_HEAD + SIZE];
static uint8_t key[32] = {1}, iv[32] = {2};
static struct mt_auth_key auth_key;
static struct mt_rsa *rsa;
static struct mt_env env;
static struct mt_srp_params srp;
static volatile uint8_t sink;

static void some_random(void *ctx, void *buf, size_t n)
{
    static uint32_t x = 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        ((uint8_t *)buf)[i] = (uint8_t)(x >> 24);
    }
}

#if defined(__x86_64__)
__attribute__((target("aes,sse2"))) static bool run_chain(void)
{
    __m128i k[15], s = _mm_setzero_si128();

    if (!__builtin_cpu_supports("aes"))
        return false;
    for (size_t i = 0; i < 15; i++)
        k[i] = _mm_loadu_si128((const __m128i *)(const void *)(plain + 16 * i));
    for (size_t i = 0; i < SIZE; i += 16) {
        s = _mm_xor_si128(s, _mm_loadu_si128((const __m128i *)(const void *)(plain + i)));
        for (size_t j = 1; j < 14; j++)
            s = _mm_aesenc_si128(s, k[j]);
        s = _mm_aesenclast_si128(s, k[14]);
        _mm_storeu_si128((__m128i *)(void *)(packet + i), s);
    }
    return true;
}
#else
static bool run_chain(void)
{
    return false;
}
#endif

static bool run_encrypt(void)
{
    mt_ige_encrypt(key, iv, plain, packet, SIZE);
    return true;
}

static bool run_decrypt(void)
{
    mt_ige_decrypt(key, iv, plain, packet, SIZE);
    return true;
}

static bool run_portable_encrypt(void)
{
    mt_ige_force_portable(true);
    run_encrypt();
    mt_ige_force_portable(false);
    return true;
}

static bool run_portable_decrypt(void)
{
    mt_ige_force_portable(true);
    run_decrypt();
    mt_ige_force_portable(false);
    return true;
}

static bool run_sha256(void)
{
    uint8_t out[32];

    mt_sha256(out, &(struct mt_part){plain, SIZE}, 1);
    sink = out[0];
    return true;
}

static bool run_seal(void)
{
    mt_seal(&auth_key, MT_CLIENT, packet, SIZE);
    return true;
}

static bool run_open(void)
{
    uint8_t *p;
    size_t n;

    return mt_open(&auth_key, MT_SERVER, packet, sizeof packet, &p, &n) == MT_OK;
}

static bool run_pq(void)
{
    uint64_t p, q;

    return mt_pq_factor(UINT64_C(0x256595edb7766797), &p, &q) == MT_OK;
}

static bool run_rsa(void)
{
    uint8_t out[256];

    return mt_rsa_pad_encrypt(rsa, &env, plain, 100, out) == MT_OK;
}

static bool run_dh(void)
{
    uint8_t out[256];

    return mt_dh_shared(mt_dh_known_prime, srp.b_pub, 256, plain, out) == MT_OK;
}

static bool run_group(void)
{
    uint8_t prime[256];

    memcpy(prime, mt_dh_known_prime, sizeof prime);
    prime[255] ^= 0x80; /* no prime: the least that a stranger's costs */
    return mt_dh_check_group(prime, 4) == MT_E_DH;
}

static bool run_srp(void)
{
    uint8_t a_pub[256], m1[32];

    return mt_srp_answer(&srp, "password", 8, plain, a_pub, m1) == MT_OK;
}

enum op { CHAIN, ENC, DEC, ENC_EVP, DEC_EVP, SHA, SEAL, OPEN, PQ, RSA, DH, GROUP, SRP, OPS };
static const struct {
    bool (*run)(void);
    unsigned every; /* slow ones: once in so many rounds */
} op[OPS] = {
    {run_chain, 1},
    {run_encrypt, 1},
    {run_decrypt, 1},
    {run_portable_encrypt, 1},
    {run_portable_decrypt, 1},
    {run_sha256, 1},
    {run_seal, 1},
    {run_open, 1},
    {run_pq, 1},
    {run_rsa, 1},
    {run_dh, 1},
    {run_group, 1},
    {run_srp, 16},
};

/* Seconds, or 0 where the machine has no such instructions. */
static double time_of(enum op which)
{
    struct timespec from, to;
    bool good;

    if (which == OPEN)
        memcpy(packet, sealed, sizeof packet);
    clock_gettime(CLOCK_MONOTONIC, &from);
    good = op[which].run();
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (!good && which != CHAIN) {
        fprintf(stderr, "bench_crypto: operation %d failed\n", (int)which);
        exit(1);
    }
    return good ? (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9 : 0;
}

static void prepare(void)
{
    static const char pem[] = "-----BEGIN RSA PUBLIC KEY-----\n"
                              "MIIBCgKCAQEAyMEdY1aR+sCR3ZSJrtztKTKqigvO/vBfqACJLZtS7QMgCGXJ6XIR\n"
                              "yy7mx66W0/sOFa7/1mAZtEoIokDP3ShoqF4fVNb6XeqgQfaUHd8wJpDWHcR2OFwv\n"
                              "plUUI1PLTktZ9uW2WE23b+ixNwJjJGwBDJPQEQFBE+vfmH0JP503wr5INS1poWg/\n"
                              "j25sIWeYPHYeOrFp/eXaqhISP6G+q2IeTaWTXpwZj4LzXq5YOpk4bYEQ6mvRq7D1\n"
                              "aHWfYmlEGepfaYR8Q0YqvvhYtMte3ITnuSJs171+GDqpdKcSwHnd6FudwGO4pcCO\n"
                              "j4WcDuXc2CTHgH8gFTNhp/Y8/SpDOhvn9QIDAQAB\n"
                              "-----END RSA PUBLIC KEY-----\n";

    env.random = some_random;
    some_random(NULL, plain, sizeof plain);
    mt_auth_key_set(&auth_key, plain);
    memcpy(sealed + MT_ENVELOPE_HEAD, plain, SIZE);
    mt_seal(&auth_key, MT_SERVER, sealed, SIZE);
    rsa = mt_rsa_from_pem(pem, sizeof pem - 1);
    memcpy(srp.prime, mt_dh_known_prime, sizeof srp.prime);
    srp.g = 3;
    srp.salt1 = plain;
    srp.salt1_len = 40;
    srp.salt2 = plain + 40;
    srp.salt2_len = 16;
    if (!rsa || mt_dh_public(mt_dh_known_prime, 3, plain + 300, srp.b_pub)) {
        fprintf(stderr, "bench_crypto: cannot prepare\n");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 64;
    double best[OPS], size = (double)SIZE / 1e9;

    prepare();
    for (int i = 0; i < OPS; i++)
        best[i] = time_of(i);
    for (unsigned r = 1; r < rounds; r++) {
        for (int i = 0; i < OPS; i++) {
            double t = r % op[i].every ? best[i] : time_of(i);

            best[i] = t < best[i] ? t : best[i];
        }
    }
    printf("{\"bench\":\"crypto\",\"backend\":\"%s\",\"chain_gbs\":%.3f,\"ige_encrypt_gbs\":%.3f,"
           "\"ige_decrypt_gbs\":%.3f,\"evp_encrypt_gbs\":%.3f,\"evp_decrypt_gbs\":%.3f,\"sha256_gbs\":%.3f,"
           "\"seal_gbs\":%.3f,\"open_gbs\":%.3f,",
           mt_ige_backend(), best[CHAIN] > 0 ? size / best[CHAIN] : 0, size / best[ENC], size / best[DEC],
           size / best[ENC_EVP], size / best[DEC_EVP], size / best[SHA], size / best[SEAL],
           size / best[OPEN]);
    printf("\"ige_encrypt_to_chain\":%.3f,\"ige_decrypt_to_chain\":%.3f,\"seal_to_parts\":%.3f,"
           "\"open_to_parts\":%.3f,",
           best[CHAIN] / best[ENC], best[CHAIN] / best[DEC], (best[ENC] + best[SHA]) / best[SEAL],
           (best[DEC] + best[SHA]) / best[OPEN]);
    printf("\"pq_ms\":%.3f,\"rsa_pad_ms\":%.3f,\"dh_ms\":%.3f,\"bad_group_ms\":%.3f,\"srp_ms\":%.1f}\n",
           best[PQ] * 1e3, best[RSA] * 1e3, best[DH] * 1e3, best[GROUP] * 1e3, best[SRP] * 1e3);
    mt_rsa_free(rsa);
    return 0;
}
