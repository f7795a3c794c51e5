/*
 * A secret on disk begins with the number of its scheme:
 *
 *     0  plain:  0 | bytes
 *     1  sealed: 1 | nonce 12 | AES-256-GCM of the bytes | tag 16
 *        aad: what it is (1 byte), which (i32, little-endian), in state.db the account too (i32)
 *
 * The key comes from outside (a systemd credential) and is nowhere in the state folder.
 */
#include "storage/internal.h"

#include <string.h>

enum { PLAIN = 0, SEALED = 1, HEAD = 1 + MT_GCM_NONCE };

static size_t place(enum store_secret what, struct store_which which, uint8_t aad[9])
{
    aad[0] = (uint8_t)what;
    tl_store32(aad + 1, (uint32_t)which.dc_id);
    tl_store32(aad + 5, (uint32_t)which.account);
    return which.account ? 9 : 5;
}

int store_secret_close(struct store *s, enum store_secret what, struct store_which which, const void *p,
                       size_t n, uint8_t out[STORE_SEALED_MAX])
{
    uint8_t aad[9];
    size_t n_aad;
    int rc;

    if (!s->seals) {
        out[0] = PLAIN;
        memcpy(out + 1, p, n);
        return (int)(1 + n);
    }
    n_aad = place(what, which, aad);
    out[0] = SEALED;
    s->env->random(s->env->ctx, out + 1, MT_GCM_NONCE);
    rc = mt_gcm_seal(s->seal_key, out + 1, aad, n_aad, p, n, out + HEAD);
    return rc == MT_OK ? (int)(HEAD + n + MT_GCM_TAG) : rc;
}

static int open_sealed(struct store *s, enum store_secret what, struct store_which which,
                       struct tl_slice kept, uint8_t *out, char err[STORE_ERR_MAX])
{
    size_t n = kept.n - HEAD - MT_GCM_TAG;
    uint8_t aad[9];
    size_t n_aad;
    int rc;

    if (!s->has_seal_key) {
        store_say(err, "its keys are sealed, and the credential 'keys' is not given");
        return STORE_E_SEALED;
    }
    n_aad = place(what, which, aad);
    rc = mt_gcm_open(s->seal_key, kept.p + 1, aad, n_aad, kept.p + HEAD, n, out);
    if (rc == MT_E_AUTH) {
        store_say(err,
                  "its keys were sealed with another key than the credential 'keys' holds, or are damaged");
        return STORE_E_SEALED;
    }
    if (rc != MT_OK)
        store_say(err, "its keys cannot be opened: %s", mt_strerror(rc));
    return rc == MT_OK ? (int)n : rc;
}

int store_secret_open(struct store *s, enum store_secret what, struct store_which which, struct tl_slice kept,
                      void *out, size_t min, size_t cap, bool *stale, char err[STORE_ERR_MAX])
{
    size_t over = kept.n && kept.p[0] == SEALED ? HEAD + MT_GCM_TAG : 1;

    if (kept.n >= 1 && kept.p[0] > SEALED) {
        store_say(err, "a secret is kept by scheme %d, this tgd knows schemes up to %d", kept.p[0], SEALED);
        return STORE_E_NEWER;
    }
    if (kept.n < over + min || kept.n > over + cap) {
        store_say(err, "a secret has a wrong length");
        return STORE_E_CORRUPT;
    }
    *stale = *stale || (kept.p[0] == SEALED) != s->seals;
    if (kept.p[0] == SEALED)
        return open_sealed(s, what, which, kept, out, err);
    memcpy(out, kept.p + 1, kept.n - 1);
    return (int)(kept.n - 1);
}
