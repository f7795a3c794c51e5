/*
 * auth.bindTempAuthKey: the proof that one party holds both keys is a message of MTProto 1.0 under the
 * permanent key.
 *
 *     perm_key_id 8 | msg_key 16 | AES-IGE( random 16 | msg_id 8 | seqno 4 | length 4 | inner 40 | padding 8
 * )
 */
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tl/ids.h"

#define ENCRYPTED_LEN 104
#define PLAIN_LEN     72
#define INNER_LEN     40
/* a client counts the end of a key from when it binds, not from when it asked for it */
#define EXPIRES_SLACK 300

struct binding {
    uint64_t perm_id;
    int64_t nonce;
    int32_t expires_at;
};

static bool open_proof(const struct sb_key *perm, struct tl_slice enc, uint8_t plain[80])
{
    uint8_t key[32], iv[32], hash[20];
    const uint8_t *msg_key = enc.p + 8;
    const struct mt_part part = {plain, PLAIN_LEN};

    if (enc.n != ENCRYPTED_LEN || tl_load64(enc.p) != perm->auth.id)
        return false;
    mt_kdf_v1(perm->auth.key, MT_CLIENT, msg_key, key, iv);
    mt_ige_decrypt(key, iv, enc.p + 24, plain, 80);
    mt_wipe(key, sizeof key);
    mt_wipe(iv, sizeof iv);
    mt_sha1(hash, &part, 1);
    return mt_equal(hash + 4, msg_key, 16);
}

static bool proof_matches(const struct sb_session *ses, const struct sb_in *m, const struct binding *b,
                          const uint8_t plain[80])
{
    struct tl_in in = tl_in(plain + 16, PLAIN_LEN - 16);

    if (tl_u64(&in) != m->id || tl_u32(&in) != 0 || tl_u32(&in) != INNER_LEN)
        return false;
    return tl_u32(&in) == TL_bind_auth_key_inner && tl_long(&in) == b->nonce &&
           tl_u64(&in) == ses->key->auth.id && tl_u64(&in) == b->perm_id && tl_u64(&in) == ses->id &&
           tl_int(&in) == b->expires_at;
}

int sb_bind(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
            struct tl_in *call, const char **text)
{
    struct sb_key *k = ses->key, *perm;
    struct binding b;
    struct tl_slice enc;
    uint8_t plain[80];

    tl_u32(call);
    b.perm_id = tl_u64(call);
    b.nonce = tl_long(call);
    b.expires_at = tl_int(call);
    enc = tl_bytes(call);
    if (tl_end(call) != TL_OK) {
        *text = "INPUT_FETCH_ERROR";
        return 400;
    }
    if (!k->expires) {
        *text = "TEMP_AUTH_KEY_EMPTY";
        return 400;
    }
    perm = sb_key_find(s, k->dc_id, b.perm_id);
    if (!perm || perm->expires || perm->doomed || !open_proof(perm, enc, plain) ||
        !proof_matches(ses, m, &b, plain)) {
        *text = "ENCRYPTED_MESSAGE_INVALID";
        return 400;
    }
    if (b.expires_at <= sb_unix(at) || b.expires_at > k->expires + EXPIRES_SLACK) {
        *text = "EXPIRES_AT_INVALID";
        return 400;
    }
    if (k->perm_id && k->perm_id != b.perm_id) {
        *text = "TEMP_AUTH_KEY_ALREADY_BOUND";
        return 400;
    }
    k->perm_id = b.perm_id;
    k->inited = false;
    return 0;
}
