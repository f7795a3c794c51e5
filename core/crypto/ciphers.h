/* The block cipher modes fetched from libcrypto, once per process; private to core/crypto. */
#pragma once

#include <openssl/evp.h>

enum mt_cipher { MT_AES256_CBC, MT_AES256_ECB, MT_AES256_CTR, MT_AES256_GCM, MT_CIPHERS };

/* A shared, constant handle; NULL where the library cannot give one. Thread-safe. */
EVP_CIPHER *mt_cipher(enum mt_cipher which);
