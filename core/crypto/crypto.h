/*
 * The primitives that MTProto is built of, over libcrypto. Pure functions of their inputs: no state is kept
 * between calls but algorithm handles fetched once.
 *
 * Byte strings are named by their length in bytes. Every secret temporary is wiped before a function returns.
 * Functions that return int give MT_OK or MT_E_CRYPTO (the library refused) unless said otherwise.
 * Sources: https://core.telegram.org/mtproto/description, /mtproto/auth_key; vectors in tests/vectors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/env.h"
#include "core/error.h"

#define MT_KEY_LEN 256 /* an auth_key */

/* --- digests over up to four parts, so that nothing is concatenated first --- */

struct mt_part {
    const void *p;
    size_t n;
};
void mt_sha1(uint8_t out[20], const struct mt_part *parts, size_t n_parts);
void mt_sha256(uint8_t out[32], const struct mt_part *parts, size_t n_parts);
void mt_hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const struct mt_part *parts,
                    size_t n_parts);
bool mt_equal(const void *a, const void *b, size_t n); /* constant time */
void mt_wipe(void *p, size_t n);

/* --- AES-256-IGE (ige_portable.c: through EVP; ige_x86.c: AES-NI, chosen at run time) --- */

/* n is a multiple of 16; in == out is allowed, other overlap is not. iv is 32 bytes and is not changed. */
void mt_ige_encrypt(const uint8_t key[32], const uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t n);
void mt_ige_decrypt(const uint8_t key[32], const uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t n);
/* "aesni" or "evp"; `mt_ige_force_portable(true)` is for tests and benchmarks. */
const char *mt_ige_backend(void);
void mt_ige_force_portable(bool on);

/* --- AES-256-CTR, 128-bit big-endian counter, one continuous key stream --- */

struct mt_ctr;                                                          /* heap */
struct mt_ctr *mt_ctr_new(const uint8_t key[32], const uint8_t iv[16]); /* NULL: no memory */
void mt_ctr_apply(struct mt_ctr *ctr, const uint8_t *in, uint8_t *out, size_t n);
void mt_ctr_free(struct mt_ctr *ctr);

/* --- AES-256-GCM, for what is kept on disk --- */

#define MT_GCM_NONCE 12
#define MT_GCM_TAG   16

/* A nonce is used once under a key. `out` has room for n + MT_GCM_TAG. MT_E_CRYPTO. */
int mt_gcm_seal(const uint8_t key[32], const uint8_t nonce[MT_GCM_NONCE], const void *aad, size_t n_aad,
                const uint8_t *in, size_t n, uint8_t *out);
/* `in` has n bytes and their tag. MT_E_AUTH: another key, nonce or aad, or other bytes; out is wiped. */
int mt_gcm_open(const uint8_t key[32], const uint8_t nonce[MT_GCM_NONCE], const void *aad, size_t n_aad,
                const uint8_t *in, size_t n, uint8_t *out);

/* --- auth keys and the MTProto 2.0 envelope --- */

struct mt_auth_key {
    uint8_t key[MT_KEY_LEN];
    uint64_t id;       /* SHA1(key)[12:20], little-endian */
    uint64_t aux_hash; /* SHA1(key)[0:8] */
};
void mt_auth_key_set(struct mt_auth_key *k, const uint8_t key[MT_KEY_LEN]);

enum mt_side { MT_CLIENT = 0, MT_SERVER = 8 }; /* the sender: x of the key derivation */

/*
 * Envelope: auth_key_id 8 | msg_key 16 | AES-IGE( salt 8 | session_id 8 | msg_id 8 | seq_no 4 | length 4 |
 * body | padding 12..1024 ). mt_seal works in place: `packet` has 24 bytes of room, then the plaintext of
 * `n` bytes with its padding (n % 16 == 0); it fills the 24 and encrypts the rest. Returns the quick-ack
 * token (bit 31 set).
 */
#define MT_ENVELOPE_HEAD 24
uint32_t mt_seal(const struct mt_auth_key *k, enum mt_side sender, uint8_t *packet, size_t n);
/*
 * Decrypts a packet of `sender` in place and checks msg_key over the whole plaintext in constant time.
 * *plain points at packet + 24, *plain_len is the length with padding. MT_E_PEER: too short, not a multiple
 * of 16, or another key id; MT_E_AUTH: msg_key does not match (packet content is then wiped).
 */
int mt_open(const struct mt_auth_key *k, enum mt_side sender, uint8_t *packet, size_t n, uint8_t **plain,
            size_t *plain_len);

/*
 * The two steps of the envelope by themselves, for secret chats: SHA256(key[88+x:120+x] | plain), of which
 * bytes 8..24 are msg_key; and the AES key and iv that belong to a msg_key.
 */
void mt_msg_key_large(const uint8_t key[MT_KEY_LEN], enum mt_side sender, const uint8_t *plain, size_t n,
                      uint8_t out[32]);
void mt_kdf(const uint8_t key[MT_KEY_LEN], enum mt_side sender, const uint8_t msg_key[16],
            uint8_t aes_key[32], uint8_t aes_iv[32]);

/* MTProto 1.0 derivation, for auth.bindTempAuthKey and old secret chats. */
void mt_kdf_v1(const uint8_t key[MT_KEY_LEN], enum mt_side sender, const uint8_t msg_key[16],
               uint8_t aes_key[32], uint8_t aes_iv[32]);

/* --- RSA --- */

struct mt_rsa; /* a public or private 2048-bit key with its fingerprint; heap */
/* PEM of either kind ("RSA PUBLIC KEY", "PUBLIC KEY", "PRIVATE KEY", "RSA PRIVATE KEY"); NULL: not one. */
struct mt_rsa *mt_rsa_from_pem(const char *pem, size_t n);
uint64_t mt_rsa_fingerprint(const struct mt_rsa *rsa);
void mt_rsa_free(struct mt_rsa *rsa);
/* RSA_PAD of data (n <= 144) with fresh temp keys from env until the number is below the modulus. */
int mt_rsa_pad_encrypt(const struct mt_rsa *rsa, const struct mt_env *env, const uint8_t *data, size_t n,
                       uint8_t out[256]);
/* Server half: data of 192 bytes (value and random tail). MT_E_AUTH: hash does not match. */
int mt_rsa_pad_decrypt(const struct mt_rsa *priv, const uint8_t in[256], uint8_t data[192]);
/*
 * Server half of the legacy scheme, SHA1(data) | data | random: 235 bytes out, data and random. MT_E_AUTH:
 * the hash fits no beginning of a length that is a multiple of 4.
 */
int mt_rsa_legacy_decrypt(const struct mt_rsa *priv, const uint8_t in[256], uint8_t data[235]);
/* PEM of the public part, malloc'ed. */
char *mt_rsa_public_pem(const struct mt_rsa *rsa);

/* --- number theory --- */

/*
 * Splits pq into primes p < q by Pollard-Brent with bounded work (about 1 ms; hopeless numbers some 40 ms).
 * MT_E_PEER where it is not a product of two different primes, or not below 2^63.
 */
int mt_pq_factor(uint64_t pq, uint64_t *p, uint64_t *q);

extern const uint8_t mt_dh_known_prime[256];
/*
 * The DH checks of https://core.telegram.org/mtproto/auth_key#dh-key-exchange-complete: prime is 2048-bit and
 * safe, g is in 2..7 and generates the subgroup. The known prime is accepted at once; any other costs about
 * 0.2 s, so its owner asks mt_dh_is_known() first and does the work elsewhere (COMPUTE). MT_E_DH on failure.
 */
bool mt_dh_is_known(const uint8_t prime[256]);
int mt_dh_check_group(const uint8_t prime[256], int32_t g);
/* 2^1984 <= v <= prime - 2^1984. v is big-endian, n <= 256 bytes. */
int mt_dh_check_public(const uint8_t prime[256], const uint8_t *v, size_t n);
/* g^exp mod prime / base^exp mod prime, left-padded to 256 bytes; constant time in exp. */
int mt_dh_public(const uint8_t prime[256], int32_t g, const uint8_t exp[256], uint8_t out[256]);
int mt_dh_shared(const uint8_t prime[256], const uint8_t *base, size_t n, const uint8_t exp[256],
                 uint8_t out[256]);

/* --- SRP-2048 of 2FA (https://core.telegram.org/api/srp) --- */

struct mt_srp_params {
    uint8_t prime[256];
    int32_t g;
    const uint8_t *salt1, *salt2; /* borrowed */
    size_t salt1_len, salt2_len;
    uint8_t b_pub[256]; /* srp_B, left-padded */
};
/*
 * The client's answer to a password question: A (256 bytes) and M1. `a` is the client's 256 random bytes.
 * About 54 ms (PBKDF2 100,000 rounds), 0.2 s more where the prime is not the known one: COMPUTE work.
 * MT_E_DH: the group or B is not safe.
 */
int mt_srp_answer(const struct mt_srp_params *params, const void *password, size_t len, const uint8_t a[256],
                  uint8_t a_pub[256], uint8_t m1[32]);
/* v = g^x for a password: what a server keeps. */
int mt_srp_verifier(const struct mt_srp_params *params, const void *password, size_t len, uint8_t v[256]);
/* Server: B from b and v. */
int mt_srp_server_public(const struct mt_srp_params *params, const uint8_t v[256], const uint8_t b[256],
                         uint8_t b_pub[256]);
/* Server: whether M1 is right for A; params->b_pub is the B that went out. MT_E_AUTH where not. */
int mt_srp_server_check(const struct mt_srp_params *params, const uint8_t v[256], const uint8_t b[256],
                        const uint8_t *a_pub, size_t a_len, const uint8_t m1[32]);
