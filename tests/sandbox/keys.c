#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"

static struct sb_key **bucket(struct sb_server *s, uint64_t id)
{
    return &s->keys[(id ^ id >> 32) % SB_KEY_BUCKETS];
}

struct sb_key *sb_key_find(struct sb_server *s, int32_t dc_id, uint64_t id)
{
    struct sb_key *k = *bucket(s, id);

    while (k && (k->auth.id != id || k->dc_id != dc_id))
        k = k->next;
    return k;
}

struct sb_key *sb_key_add(struct sb_server *s, int32_t dc_id, const uint8_t key[MT_KEY_LEN], int64_t salt,
                          int64_t created, int64_t expires)
{
    struct sb_key *k = calloc(1, sizeof *k), **head;

    if (!k)
        return NULL;
    mt_auth_key_set(&k->auth, key);
    k->dc_id = dc_id;
    k->first_salt = salt;
    k->created = created;
    k->expires = expires;
    k->perm_id = expires ? 0 : k->auth.id;
    head = bucket(s, k->auth.id);
    k->next = *head;
    *head = k;
    return k;
}

void sb_key_remove(struct sb_server *s, struct sb_key *k)
{
    struct sb_key **at = bucket(s, k->auth.id);

    while (k->sessions)
        sb_session_remove(s, k->sessions);
    while (*at && *at != k)
        at = &(*at)->next;
    if (*at)
        *at = k->next;
    mt_wipe(k, sizeof *k);
    free(k);
}

void sb_keys_clear(struct sb_server *s)
{
    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        while (s->keys[i])
            sb_key_remove(s, s->keys[i]);
}

void sb_sessions_clear(struct sb_server *s)
{
    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        for (struct sb_key *k = s->keys[i]; k; k = k->next)
            while (k->sessions)
                sb_session_remove(s, k->sessions);
}

int64_t sb_salt_index(const struct sb_key *k, struct mt_now at)
{
    int64_t age = sb_unix(at) - k->created;

    return age < 0 ? 0 : age / SB_SALT_STEP;
}

int64_t sb_salt_at(const struct sb_key *k, int64_t index)
{
    uint8_t n[12], hash[32];
    const struct mt_part parts[] = {{"salt", 4}, {n, sizeof n}, {k->auth.key, MT_KEY_LEN}};

    if (index == 0 && k->salt_turn == 0)
        return k->first_salt;
    tl_store64(n, (uint64_t)index);
    tl_store32(n + 8, k->salt_turn);
    mt_sha256(hash, parts, 3);
    return (int64_t)tl_load64(hash);
}

bool sb_salt_ok(const struct sb_key *k, struct mt_now at, int64_t salt)
{
    int64_t i = sb_salt_index(k, at);

    return salt == sb_salt_at(k, i) || (i > 0 && salt == sb_salt_at(k, i - 1));
}
