#include "tests/sandbox/world_state.h"

#include <ctype.h>
#include <strings.h>

#include "core/crypto/crypto.h"

/* --- memory --- */

void *sb_alloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);

    if (!p)
        abort();
    return p;
}

char *sb_dupn(const void *p, size_t n)
{
    char *s = sb_alloc(n + 1);

    if (n)
        memcpy(s, p, n);
    return s;
}

char *sb_dup(const char *s)
{
    return s ? sb_dupn(s, strlen(s)) : NULL;
}

void *sb_grow(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    size_t more = *cap ? *cap * 2 : 8;

    p = reallocarray(p, more, size);
    if (!p)
        abort();
    memset((char *)p + *cap * size, 0, (more - *cap) * size);
    *cap = more;
    return p;
}

/* --- maps --- */

uint64_t sb_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) ^ (b + UINT64_C(0x632be59bd9b4e019));

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static struct sb_map_slot *map_slot(const struct sb_map *m, uint64_t key)
{
    size_t i = sb_mix(key, 0) & (m->cap - 1);

    while (m->slots[i].used && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

void *sb_map_get(const struct sb_map *m, uint64_t key)
{
    return m->cap ? map_slot(m, key)->value : NULL;
}

void sb_map_set(struct sb_map *m, uint64_t key, void *value)
{
    if (m->n * 4 >= m->cap * 3) {
        struct sb_map old = *m;

        m->cap = old.cap ? old.cap * 2 : 64;
        m->slots = sb_alloc(m->cap * sizeof *m->slots);
        for (size_t i = 0; i < old.cap; i++)
            if (old.slots[i].used)
                *map_slot(m, old.slots[i].key) = old.slots[i];
        free(old.slots);
    }
    struct sb_map_slot *s = map_slot(m, key);

    if (!s->used)
        m->n++;
    *s = (struct sb_map_slot){.key = key, .value = value, .used = true};
}

void sb_map_fini(struct sb_map *m)
{
    free(m->slots);
    *m = (struct sb_map){0};
}

/* --- chance --- */

uint32_t sb_pick(struct sb_world *w, uint32_t n)
{
    w->rng = sb_mix(w->rng, w->seed);
    return (uint32_t)(w->rng >> 33) % n;
}

uint32_t sb_pick_for(const struct sb_world *w, uint64_t what, uint32_t n)
{
    return (uint32_t)(sb_mix(what, w->seed) >> 33) % n;
}

/* --- message ids --- */

size_t sb_ids_below(const struct sb_ids *ids, int32_t id)
{
    size_t lo = 0, hi = ids->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (ids->v[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void sb_ids_add(struct sb_ids *ids, int32_t id)
{
    *SB_PUSH(ids->v, ids->n, ids->cap) = id;
}

void sb_ids_remove(struct sb_ids *ids, int32_t id)
{
    size_t at = sb_ids_below(ids, id);

    if (at == ids->n || ids->v[at] != id)
        return;
    memmove(&ids->v[at], &ids->v[at + 1], (ids->n - at - 1) * sizeof *ids->v);
    ids->n--;
}

/* --- users --- */

struct sb_user *sb_user_new(struct sb_world *w, int64_t id, const char *first)
{
    struct sb_user *u = sb_alloc(sizeof *u);

    u->id = id;
    u->first = sb_dup(first);
    u->box.owner = (struct sb_peer){SB_USER, id};
    u->box.pts = 1;
    u->notes = json_array();
    u->notes_all = json_array();
    *SB_PUSH(w->users, w->n_users, w->cap_users) = u;
    sb_map_set(&w->users_by_id, (uint64_t)id, u);
    return u;
}

struct sb_user *sb_user_get(const struct sb_world *w, int64_t id)
{
    return sb_map_get(&w->users_by_id, (uint64_t)id);
}

struct sb_user *sb_user_by_phone(const struct sb_world *w, const char *phone)
{
    for (size_t i = 0; i < w->n_users; i++)
        if (w->users[i]->phone && !w->users[i]->deleted && !strcmp(w->users[i]->phone, phone))
            return w->users[i];
    return NULL;
}

bool sb_is_contact(const struct sb_user *u, int64_t other)
{
    for (size_t i = 0; i < u->n_contacts; i++)
        if (u->contacts[i] == other)
            return true;
    return false;
}

/* --- chats --- */

static uint64_t peer_key(struct sb_peer peer)
{
    return sb_mix((uint64_t)peer.kind, (uint64_t)peer.id);
}

struct sb_chat *sb_chat_new(struct sb_world *w, enum sb_kind kind, int64_t id, const char *title,
                            int64_t creator, int32_t date)
{
    struct sb_chat *c = sb_alloc(sizeof *c);

    c->self = (struct sb_peer){kind, id};
    c->title = sb_dup(title);
    c->creator = creator;
    c->date = date;
    c->version = 1;
    c->box.owner = c->self;
    c->box.pts = 1;
    *SB_PUSH(w->chats, w->n_chats, w->cap_chats) = c;
    sb_map_set(&w->chats_by_id, peer_key(c->self), c);
    if (creator)
        sb_member_add(c, creator, creator, date)->admin = true;
    return c;
}

struct sb_chat *sb_chat_get(const struct sb_world *w, struct sb_peer peer)
{
    return sb_map_get(&w->chats_by_id, peer_key(peer));
}

struct sb_member *sb_member_get(const struct sb_chat *c, int64_t user_id)
{
    for (size_t i = 0; i < c->n_members; i++)
        if (c->members[i].user_id == user_id)
            return &c->members[i];
    return NULL;
}

bool sb_is_member(const struct sb_chat *c, int64_t user_id)
{
    const struct sb_member *m = sb_member_get(c, user_id);

    return m && !m->left;
}

bool sb_is_admin(const struct sb_chat *c, int64_t user_id)
{
    const struct sb_member *m = sb_member_get(c, user_id);

    return m && !m->left && (m->admin || c->creator == user_id);
}

struct sb_member *sb_member_add(struct sb_chat *c, int64_t user_id, int64_t inviter, int32_t date)
{
    struct sb_member *m = sb_member_get(c, user_id);

    if (!m)
        m = SB_PUSH(c->members, c->n_members, c->cap_members);
    *m = (struct sb_member){.user_id = user_id, .inviter = inviter, .date = date};
    c->version++;
    return m;
}

size_t sb_member_count(const struct sb_chat *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_members; i++)
        n += !c->members[i].left;
    return n;
}

/* --- names and numbers --- */

bool sb_username_ok(const char *name, size_t n)
{
    if (n < 3 || n > 32 || !isalpha((unsigned char)name[0]) || name[n - 1] == '_')
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
        if (i && name[i] == '_' && name[i - 1] == '_')
            return false;
    }
    return true;
}

static bool same_name(const char *have, const char *name, size_t n)
{
    return have && strlen(have) == n && !strncasecmp(have, name, n);
}

struct sb_peer sb_by_username(const struct sb_world *w, const char *name, size_t n)
{
    for (size_t i = 0; i < w->n_users; i++)
        if (!w->users[i]->deleted && same_name(w->users[i]->username, name, n))
            return (struct sb_peer){SB_USER, w->users[i]->id};
    for (size_t i = 0; i < w->n_chats; i++)
        if (!w->chats[i]->deactivated && same_name(w->chats[i]->username, name, n))
            return w->chats[i]->self;
    return (struct sb_peer){SB_NOBODY, 0};
}

/* Numbers over 2^32 where a real server has them, so that nobody keeps one in 32 bits. */
int64_t sb_next_id(const struct sb_world *w, enum sb_kind kind, bool bot)
{
    int64_t id = kind == SB_USER ? (bot ? INT64_C(6000000001) : INT64_C(5000000001))
                                 : (kind == SB_GROUP ? INT64_C(4000000001) : INT64_C(1500000001));

    for (;; id++) {
        if (kind == SB_USER ? !sb_user_get(w, id) : !sb_chat_get(w, (struct sb_peer){kind, id}))
            return id;
    }
}

int64_t sb_access_hash(const struct sb_world *w, int64_t viewer, struct sb_peer peer, bool min)
{
    uint8_t text[25], digest[32];
    const struct mt_part parts[2] = {{w->secret, sizeof w->secret}, {text, sizeof text}};

    tl_store64(text, (uint64_t)viewer);
    tl_store64(text + 8, (uint64_t)peer.id);
    tl_store64(text + 16, (uint64_t)peer.kind);
    text[24] = min;
    mt_sha256(digest, parts, 2);
    return (int64_t)tl_load64(digest);
}

/* --- keys --- */

struct sb_login *sb_login_find(const struct sb_world *w, uint64_t id)
{
    return sb_map_get(&w->keys_by_id, id);
}

struct sb_login *sb_login_get(struct sb_world *w, uint64_t id)
{
    struct sb_login *k = sb_login_find(w, id);

    if (!k) {
        k = sb_alloc(sizeof *k);
        k->id = id;
        k->hash = (int64_t)(sb_mix(id, w->seed) >> 1);
        *SB_PUSH(w->keys, w->n_keys, w->cap_keys) = k;
        sb_map_set(&w->keys_by_id, id, k);
    }
    return k;
}

/* --- dialogs and histories --- */

struct sb_dialog *sb_dialog_get(const struct sb_user *u, struct sb_peer peer)
{
    for (size_t i = 0; i < u->n_dialogs; i++)
        if (sb_same(u->dialogs[i]->peer, peer))
            return u->dialogs[i];
    return NULL;
}

struct sb_dialog *sb_dialog_open(struct sb_user *u, struct sb_peer peer)
{
    struct sb_dialog *d = sb_dialog_get(u, peer);

    if (!d) {
        d = sb_alloc(sizeof *d);
        d->peer = peer;
        *SB_PUSH(u->dialogs, u->n_dialogs, u->cap_dialogs) = d;
    }
    d->hidden = false;
    return d;
}

const struct sb_ids *sb_history_of(const struct sb_world *w, const struct sb_user *u, struct sb_peer peer)
{
    if (peer.kind == SB_CHANNEL) {
        const struct sb_chat *c = sb_chat_get(w, peer);

        return c ? &c->ids : NULL;
    }
    const struct sb_dialog *d = sb_dialog_get(u, peer);

    return d ? &d->ids : NULL;
}

struct sb_box *sb_box_of(const struct sb_world *w, struct sb_user *u, struct sb_peer peer)
{
    if (peer.kind != SB_CHANNEL)
        return &u->box;
    struct sb_chat *c = sb_chat_get(w, peer);

    return c ? &c->box : NULL;
}

struct sb_msg *sb_box_msg(const struct sb_box *box, int32_t id)
{
    if (id < 1 || (size_t)id > box->n_msgs)
        return NULL;
    struct sb_msg *m = box->msgs[id - 1];

    return m->deleted ? NULL : m;
}
