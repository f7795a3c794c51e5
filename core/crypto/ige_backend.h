/*
 * The two ways to do AES-256-IGE; private to core/crypto. With x the input and y the output blocks, x_0 and
 * y_0 given by the iv, either direction is  y_i = F(x_i ^ y_(i-1)) ^ x_(i-1)  for F the block function or its
 * inverse; iv is y_0 | x_0 when encrypting and x_0 | y_0 when decrypting.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Through libcrypto, on any CPU. */
void mt_ige_portable(const uint8_t key[32], const uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t n,
                     bool encrypt);

#if defined(__x86_64__)
bool mt_ige_x86_usable(void);
void mt_ige_x86(const uint8_t key[32], const uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t n,
                bool encrypt);
#endif
