#include "core/mtproto/bind.h"

#include <string.h>

#include "tl/ids.h"

#define INNER_LEN     40
#define PLAIN_LEN     72 /* what msg_key is of */
#define SEALED_LEN    80
#define ENCRYPTED_LEN 104

static void put_plain(const struct mt_env *env, const struct mt_binding *b, uint64_t nonce,
                      uint8_t plain[SEALED_LEN])
{
    struct tl_out out = {.data = plain, .cap = PLAIN_LEN, .fixed = true};

    env->random(env->ctx, tl_out_room(&out, 16), 16);
    tl_put_u64(&out, b->msg_id);
    tl_put_u32(&out, 0);
    tl_put_u32(&out, INNER_LEN);
    tl_put_u32(&out, TL_bind_auth_key_inner);
    tl_put_u64(&out, nonce);
    tl_put_u64(&out, b->temp->id);
    tl_put_u64(&out, b->perm->id);
    tl_put_u64(&out, b->session_id);
    tl_put_int(&out, b->expires_at);
    env->random(env->ctx, plain + PLAIN_LEN, SEALED_LEN - PLAIN_LEN);
}

void mt_bind_write(const struct mt_env *env, const struct mt_binding *b, struct tl_out *out)
{
    uint8_t message[ENCRYPTED_LEN], *plain = message + 24, hash[20], key[32], iv[32];
    uint64_t nonce = mt_env_random64(env);

    put_plain(env, b, nonce, plain);
    mt_sha1(hash, &(struct mt_part){plain, PLAIN_LEN}, 1);
    tl_store64(message, b->perm->id);
    memcpy(message + 8, hash + 4, 16);
    mt_kdf_v1(b->perm->key, MT_CLIENT, message + 8, key, iv);
    mt_ige_encrypt(key, iv, plain, plain, SEALED_LEN);
    mt_wipe(key, sizeof key);
    mt_wipe(iv, sizeof iv);

    tl_put_u32(out, TL_auth_bindTempAuthKey);
    tl_put_u64(out, b->perm->id);
    tl_put_u64(out, nonce);
    tl_put_int(out, b->expires_at);
    tl_put_bytes(out, message, sizeof message);
}
