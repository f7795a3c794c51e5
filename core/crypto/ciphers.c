#include "core/crypto/ciphers.h"

#include <pthread.h>

static EVP_CIPHER *handle[MT_CIPHERS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    handle[MT_AES256_CBC] = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    handle[MT_AES256_ECB] = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    handle[MT_AES256_CTR] = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
    handle[MT_AES256_GCM] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

EVP_CIPHER *mt_cipher(enum mt_cipher which)
{
    pthread_once(&once, fetch_all);
    return handle[which];
}
