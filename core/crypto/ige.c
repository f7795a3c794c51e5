#include "core/crypto/crypto.h"
#include "core/crypto/ige_backend.h"

#include <stdatomic.h>

/* A switch for tests and benchmarks; both ways give the same bytes. */
static atomic_bool portable_only;

static bool use_x86(void)
{
#if defined(__x86_64__)
    return !atomic_load_explicit(&portable_only, memory_order_relaxed) && mt_ige_x86_usable();
#else
    return false;
#endif
}

static void ige(const uint8_t *key, const uint8_t *iv, const uint8_t *in, uint8_t *out, size_t n,
                bool encrypt)
{
    n &= ~(size_t)15;
    if (!n)
        return;
#if defined(__x86_64__)
    if (use_x86()) {
        mt_ige_x86(key, iv, in, out, n, encrypt);
        return;
    }
#endif
    mt_ige_portable(key, iv, in, out, n, encrypt);
}

void mt_ige_encrypt(const uint8_t key[32], const uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t n)
{
    ige(key, iv, in, out, n, true);
}

void mt_ige_decrypt(const uint8_t key[32], const uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t n)
{
    ige(key, iv, in, out, n, false);
}

const char *mt_ige_backend(void)
{
    return use_x86() ? "aesni" : "evp";
}

void mt_ige_force_portable(bool on)
{
    atomic_store(&portable_only, on);
}
