/*
 * Peers, and the two tables that find them by name and phone. A name belongs to the peer that was last seen
 * with it; the row of the peer that lost it may still show it until that peer is seen again.
 */
#include "storage/internal.h"

#include <string.h>

enum { HAS_HASH = 1, BOT = 2, BROADCAST = 4, FORUM = 8, GONE = 16, SELF = 32 };

static int flags_of(const struct mt_peer *p)
{
    return (p->has_hash ? HAS_HASH : 0) | (p->bot ? BOT : 0) | (p->broadcast ? BROADCAST : 0) |
           (p->forum ? FORUM : 0) | (p->gone ? GONE : 0) | (p->self ? SELF : 0);
}

static enum mt_peer_kind kind_of(int64_t v)
{
    return v == MT_PEER_USER ? MT_PEER_USER : v == MT_PEER_GROUP ? MT_PEER_GROUP : MT_PEER_CHANNEL;
}

static struct store_seen *seen(struct store *s, int32_t account, mt_chat_id chat)
{
    uint64_t h = ((uint64_t)chat ^ (uint64_t)(uint32_t)account << 40) * UINT64_C(0x9e3779b97f4a7c15);

    return &s->seen[h >> 32 & (STORE_SEEN - 1)];
}

static void see(struct store *s, int32_t account, const struct mt_peer *p)
{
    struct store_seen *slot = seen(s, account, p->chat);

    slot->account = account;
    slot->peer = *p;
}

void store_seen_forget(struct store *s)
{
    mt_wipe(s->seen, sizeof s->seen);
}

static int read_row(struct store *s, int32_t account, mt_chat_id chat, struct mt_peer *out)
{
    sqlite3_stmt *st = store_stmt(s, SQL_PEER_GET);
    int64_t flags;
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, chat);
    rc = store_row(s, st);
    if (rc <= 0)
        return rc < 0 ? rc : MT_E_NOT_FOUND;
    flags = sqlite3_column_int64(st, 2);
    *out = (struct mt_peer){
        .chat = chat,
        .kind = kind_of(sqlite3_column_int64(st, 0)),
        .access_hash = sqlite3_column_int64(st, 1),
        .has_hash = flags & HAS_HASH,
        .bot = flags & BOT,
        .broadcast = flags & BROADCAST,
        .forum = flags & FORUM,
        .gone = flags & GONE,
        .self = flags & SELF,
        .migrated_to = sqlite3_column_int64(st, 3),
        .seen_chat = sqlite3_column_int64(st, 4),
        .seen_msg = (int32_t)sqlite3_column_int64(st, 5),
    };
    store_col_text(st, 6, out->name, sizeof out->name);
    store_col_text(st, 7, out->username, sizeof out->username);
    store_col_text(st, 8, out->phone, sizeof out->phone);
    store_reset(st);
    return MT_OK;
}

int store_peer_get(struct store *s, int32_t account, mt_chat_id chat, struct mt_peer *out)
{
    const struct store_seen *slot = seen(s, account, chat);
    int rc;

    if (chat && slot->peer.chat == chat && slot->account == account) {
        *out = slot->peer;
        return MT_OK;
    }
    rc = read_row(s, account, chat, out);
    if (rc == MT_OK)
        see(s, account, out);
    return rc;
}

/* ASCII only: usernames have no other letters. */
static void fold(const char *name, char out[MT_USERNAME_MAX])
{
    size_t i = 0;

    for (; name[i] && i < MT_USERNAME_MAX - 1; i++)
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    out[i] = 0;
}

static int find(struct store *s, enum store_sql id, int32_t account, const char *key, struct mt_peer *out)
{
    sqlite3_stmt *st = store_stmt(s, id);
    mt_chat_id chat;
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    store_bind_text(st, 2, key);
    rc = store_row(s, st);
    if (rc <= 0)
        return rc < 0 ? rc : MT_E_NOT_FOUND;
    chat = sqlite3_column_int64(st, 0);
    store_reset(st);
    return store_peer_get(s, account, chat, out);
}

int store_peer_by_username(struct store *s, int32_t account, const char *name, struct mt_peer *out)
{
    char key[MT_USERNAME_MAX];

    if (strlen(name) >= sizeof key)
        return MT_E_NOT_FOUND;
    fold(name, key);
    return find(s, SQL_USERNAME_GET, account, key, out);
}

int store_peer_by_phone(struct store *s, int32_t account, const char *digits, struct mt_peer *out)
{
    return find(s, SQL_PHONE_GET, account, digits, out);
}

static int key_row(struct store *s, enum store_sql id, int32_t account, const char *key, mt_chat_id chat)
{
    sqlite3_stmt *st;

    if (!key[0])
        return MT_OK;
    st = store_stmt(s, id);
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    store_bind_text(st, 2, key);
    sqlite3_bind_int64(st, 3, chat);
    return store_run(s, st);
}

/* The old name leaves only where it still points here. */
static int put_keys(struct store *s, int32_t account, const struct mt_peer *old, const struct mt_peer *p)
{
    char before[MT_USERNAME_MAX], after[MT_USERNAME_MAX];
    int rc = MT_OK;

    fold(old->username, before);
    fold(p->username, after);
    if (strcmp(before, after) != 0)
        rc = key_row(s, SQL_USERNAME_DROP, account, before, p->chat);
    if (rc == MT_OK)
        rc = key_row(s, SQL_USERNAME_PUT, account, after, p->chat);
    if (rc == MT_OK && strcmp(old->phone, p->phone) != 0)
        rc = key_row(s, SQL_PHONE_DROP, account, old->phone, p->chat);
    return rc == MT_OK ? key_row(s, SQL_PHONE_PUT, account, p->phone, p->chat) : rc;
}

static int put_row(struct store *s, int32_t account, const struct mt_peer *p)
{
    sqlite3_stmt *st = store_stmt(s, SQL_PEER_PUT);

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, p->chat);
    sqlite3_bind_int64(st, 3, (int64_t)p->kind);
    sqlite3_bind_int64(st, 4, p->access_hash);
    sqlite3_bind_int64(st, 5, flags_of(p));
    sqlite3_bind_int64(st, 6, p->migrated_to);
    sqlite3_bind_int64(st, 7, p->seen_chat);
    sqlite3_bind_int64(st, 8, p->seen_msg);
    store_bind_text(st, 9, p->name);
    store_bind_text(st, 10, p->username);
    store_bind_text(st, 11, p->phone);
    return store_run(s, st);
}

static bool same(const struct mt_peer *a, const struct mt_peer *b)
{
    return a->kind == b->kind && a->access_hash == b->access_hash && flags_of(a) == flags_of(b) &&
           a->migrated_to == b->migrated_to && a->seen_chat == b->seen_chat && a->seen_msg == b->seen_msg &&
           !strcmp(a->name, b->name) && !strcmp(a->username, b->username) && !strcmp(a->phone, b->phone);
}

int store_put_peer(struct store *s, int32_t account, const struct mt_peer *peer)
{
    struct mt_peer old = {0}, p = *peer;
    int rc = store_write(s);

    if (rc != MT_OK)
        return rc;
    rc = store_peer_get(s, account, peer->chat, &old);
    if (rc == MT_OK && old.has_hash && !p.has_hash) { /* a min hash never overwrites a full one */
        p.has_hash = true;
        p.access_hash = old.access_hash;
    }
    if (rc == MT_OK && same(&old, &p))
        return MT_OK;
    if (rc == MT_OK || rc == MT_E_NOT_FOUND)
        rc = put_keys(s, account, &old, &p);
    if (rc == MT_OK)
        rc = put_row(s, account, &p);
    if (rc == MT_OK)
        see(s, account, &p);
    else
        store_turn_failed(s, rc); /* its rollback forgets what was seen */
    return rc;
}
