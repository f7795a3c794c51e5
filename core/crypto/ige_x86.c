/*
 * AES-256-IGE with AES-NI. IGE is serial: block i+1 needs block i. What counts is the length of the chain of
 * dependent instructions, and it is brought down to the 14 AES rounds alone:
 *
 *     y_i = last(s_i, k14 ^ x_(i-1)) and the next state starts with  y_i ^ x_(i+1) ^ k0.
 *
 * The last round instruction ends with a xor of its key operand, so everything that is xored on both sides of
 * the block boundary goes into that operand, which does not depend on the chain:
 *
 *     state_(i+1) = last(s_i, k14 ^ k0 ^ x_(i-1) ^ x_(i+1)),   y_i = state_(i+1) ^ x_(i+1) ^ k0.
 */
#include "core/crypto/ige_backend.h"

#if defined(__x86_64__)

#include "core/crypto/crypto.h"

#include <wmmintrin.h>

#define AESNI __attribute__((target("aes,sse2")))

bool mt_ige_x86_usable(void)
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse2");
}

/* FIPS 197 section 5.2: a prefix xor of the previous key and a word from the key generation step. */
AESNI static inline __m128i prefix_xor(__m128i prev, __m128i word)
{
    prev = _mm_xor_si128(prev, _mm_slli_si128(prev, 4));
    prev = _mm_xor_si128(prev, _mm_slli_si128(prev, 8));
    return _mm_xor_si128(prev, word);
}

/* The round constant must be an immediate, hence a macro. Even keys rotate and add it, odd keys do not. */
#define EXPAND_EVEN(k, i, rcon)                                                                              \
    ((k)[i] = prefix_xor((k)[(i)-2], _mm_shuffle_epi32(_mm_aeskeygenassist_si128((k)[(i)-1], rcon), 0xff)))
#define EXPAND_ODD(k, i)                                                                                     \
    ((k)[i] = prefix_xor((k)[(i)-2], _mm_shuffle_epi32(_mm_aeskeygenassist_si128((k)[(i)-1], 0), 0xaa)))

AESNI static void expand(__m128i k[15], const uint8_t key[32])
{
    k[0] = _mm_loadu_si128((const __m128i *)(const void *)key);
    k[1] = _mm_loadu_si128((const __m128i *)(const void *)(key + 16));
    EXPAND_EVEN(k, 2, 0x01);
    EXPAND_ODD(k, 3);
    EXPAND_EVEN(k, 4, 0x02);
    EXPAND_ODD(k, 5);
    EXPAND_EVEN(k, 6, 0x04);
    EXPAND_ODD(k, 7);
    EXPAND_EVEN(k, 8, 0x08);
    EXPAND_ODD(k, 9);
    EXPAND_EVEN(k, 10, 0x10);
    EXPAND_ODD(k, 11);
    EXPAND_EVEN(k, 12, 0x20);
    EXPAND_ODD(k, 13);
    EXPAND_EVEN(k, 14, 0x40);
}

/* The equivalent inverse cipher: keys in reverse order, the inner ones through InvMixColumns. */
AESNI static void invert(__m128i k[15])
{
    for (int i = 0, j = 14; i < j; i++, j--) {
        __m128i t = k[i];

        k[i] = k[j];
        k[j] = t;
    }
    for (int i = 1; i < 14; i++)
        k[i] = _mm_aesimc_si128(k[i]);
}

#define LOAD(p)     _mm_loadu_si128((const __m128i *)(const void *)(p))
#define STORE(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)

/* x_prev is x_0 and y_prev y_0 of the file comment; n is at least one block. */
#define CHAIN(name, round, last)                                                                             \
    AESNI static void name(const __m128i k[15], __m128i x_prev, __m128i y_prev, const uint8_t *in,           \
                           uint8_t *out, size_t n)                                                           \
    {                                                                                                        \
        const __m128i k0 = k[0], edge = _mm_xor_si128(k[0], k[14]);                                          \
        __m128i x = LOAD(in);                                                                                \
        __m128i s = _mm_xor_si128(_mm_xor_si128(x, y_prev), k0);                                             \
                                                                                                             \
        for (size_t i = 0; i < n; i += 16) {                                                                 \
            __m128i next = i + 16 < n ? LOAD(in + i + 16) : _mm_setzero_si128();                             \
            __m128i fold = _mm_xor_si128(_mm_xor_si128(edge, x_prev), next);                                 \
                                                                                                             \
            s = round(s, k[1]);                                                                              \
            s = round(s, k[2]);                                                                              \
            s = round(s, k[3]);                                                                              \
            s = round(s, k[4]);                                                                              \
            s = round(s, k[5]);                                                                              \
            s = round(s, k[6]);                                                                              \
            s = round(s, k[7]);                                                                              \
            s = round(s, k[8]);                                                                              \
            s = round(s, k[9]);                                                                              \
            s = round(s, k[10]);                                                                             \
            s = round(s, k[11]);                                                                             \
            s = round(s, k[12]);                                                                             \
            s = round(s, k[13]);                                                                             \
            s = last(s, fold);                                                                               \
            STORE(out + i, _mm_xor_si128(_mm_xor_si128(s, next), k0));                                       \
            x_prev = x;                                                                                      \
            x = next;                                                                                        \
        }                                                                                                    \
    }

CHAIN(chain_encrypt, _mm_aesenc_si128, _mm_aesenclast_si128)
CHAIN(chain_decrypt, _mm_aesdec_si128, _mm_aesdeclast_si128)

AESNI void mt_ige_x86(const uint8_t key[32], const uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t n,
                      bool encrypt)
{
    __m128i k[15];

    expand(k, key);
    if (encrypt) {
        chain_encrypt(k, LOAD(iv + 16), LOAD(iv), in, out, n);
    } else {
        invert(k);
        chain_decrypt(k, LOAD(iv), LOAD(iv + 16), in, out, n);
    }
    mt_wipe(k, sizeof k);
}

#endif
