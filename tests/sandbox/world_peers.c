/* Users and chats on their way out and in: who must be named beside an answer, and who may be addressed. */
#include "tests/sandbox/world_acts.h"

/* --- out --- */

json_t *sb_json_peer(struct sb_peer peer)
{
    switch (peer.kind) {
    case SB_USER:
        return json_pack("{s:s,s:I}", "_", "peerUser", "user_id", peer.id);
    case SB_GROUP:
        return json_pack("{s:s,s:I}", "_", "peerChat", "chat_id", peer.id);
    case SB_CHANNEL:
        return json_pack("{s:s,s:I}", "_", "peerChannel", "channel_id", peer.id);
    case SB_NOBODY:
        break;
    }
    return json_null();
}

struct found {
    struct sb_peer *v;
    size_t n, cap;
};

static void found_add(struct found *f, enum sb_kind kind, int64_t id)
{
    struct sb_peer peer = {kind, id};

    if (!id)
        return;
    for (size_t i = 0; i < f->n; i++)
        if (sb_same(f->v[i], peer))
            return;
    *SB_PUSH(f->v, f->n, f->cap) = peer;
}

static enum sb_kind kind_of_key(const char *key)
{
    static const struct {
        const char *key;
        enum sb_kind kind;
    } keys[] = {{"user_id", SB_USER},   {"inviter_id", SB_USER},    {"promoted_by", SB_USER},
                {"kicked_by", SB_USER}, {"via_bot_id", SB_USER},    {"actor_id", SB_USER},
                {"chat_id", SB_GROUP},  {"channel_id", SB_CHANNEL}, {"users", SB_USER}};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(keys[i].key, key))
            return keys[i].kind;
    return SB_NOBODY;
}

static void look(struct found *f, const json_t *tree, enum sb_kind kind)
{
    const char *key;
    json_t *v;
    size_t i;

    if (json_is_integer(tree) && kind != SB_NOBODY)
        found_add(f, kind, json_integer_value(tree));
    else if (json_is_array(tree))
        json_array_foreach (tree, i, v) {
            look(f, v, kind);
        }
    else if (json_is_object(tree))
        json_object_foreach ((json_t *)(uintptr_t)tree, key, v) {
            look(f, v, kind_of_key(key));
        }
}

void sb_add_peers(struct sb_world *w, int32_t date, const struct sb_user *viewer, const json_t *tree,
                  bool lean, json_t *into)
{
    json_t *users = json_array(), *chats = json_array();
    struct found f = {0};

    look(&f, tree, SB_NOBODY);
    for (size_t i = 0; i < f.n; i++) {
        struct sb_peer peer = f.v[i];

        if (peer.kind == SB_USER) {
            const struct sb_user *u = sb_user_get(w, peer.id);
            bool min = lean && u && u != viewer && !sb_is_contact(viewer, u->id) &&
                       !sb_dialog_get(viewer, peer) && sb_pick(w, 2);

            if (u)
                json_array_append_new(users, sb_json_user(w, date, viewer, u, min));
        } else {
            const struct sb_chat *c = sb_chat_get(w, peer);

            if (c)
                json_array_append_new(chats, sb_json_chat(w, viewer, c, false));
        }
    }
    free(f.v);
    json_object_set_new(into, "users", users);
    json_object_set_new(into, "chats", chats);
}

/* --- in --- */

static bool hash_ok(struct sb_turn *t, struct sb_peer peer, int64_t hash)
{
    if (peer.kind == SB_USER && peer.id == t->me->id)
        return true;
    if (t->me->bot && !hash) {
        const struct sb_chat *c = peer.kind == SB_CHANNEL ? sb_chat_get(t->w, peer) : NULL;

        return c ? sb_is_member(c, t->me->id) : sb_dialog_get(t->me, peer) != NULL;
    }
    return hash == sb_access_hash(t->w, t->me->id, peer, false);
}

/* The ...FromMessage forms: the message is where they say, and names that peer. */
static bool in_message(struct sb_turn *t, const struct tl_view *v, struct sb_peer wanted)
{
    struct tl_view at;
    struct sb_peer chat;
    struct found f = {0};
    bool ok = false;

    if (!tl_get_object(v, (unsigned)tl_view_field(v, "peer"), &at) || !sb_in_peer(t, &at, &chat))
        return false;
    const struct sb_box *box = sb_box_of(t->w, t->me, chat);
    const struct sb_msg *m =
        box ? sb_box_msg(box, tl_get_int(v, (unsigned)tl_view_field(v, "msg_id"))) : NULL;

    if (m && sb_same(m->peer, chat)) {
        json_t *shown = sb_json_message(t->w, t->me, m);

        look(&f, shown, SB_NOBODY);
        for (size_t i = 0; i < f.n; i++)
            ok = ok || sb_same(f.v[i], wanted);
        free(f.v);
        json_decref(shown);
    }
    if (!ok)
        sb_refuse(t, 400, "MSG_ID_INVALID");
    return ok;
}

/* What an input object of any of the three types says, unchecked; and whether a hash or a message vouches. */
static bool read_input(struct sb_turn *t, const struct tl_view *v, struct sb_peer *peer, bool *vouched)
{
    int f;

    *vouched = false;
    *peer = (struct sb_peer){SB_NOBODY, 0};
    if ((f = tl_view_field(v, "user_id")) >= 0)
        *peer = (struct sb_peer){SB_USER, tl_get_long(v, (unsigned)f)};
    else if ((f = tl_view_field(v, "channel_id")) >= 0)
        *peer = (struct sb_peer){SB_CHANNEL, tl_get_long(v, (unsigned)f)};
    else if ((f = tl_view_field(v, "chat_id")) >= 0)
        *peer = (struct sb_peer){SB_GROUP, tl_get_long(v, (unsigned)f)};
    else if (v->def->id == TL_inputPeerSelf || v->def->id == TL_inputUserSelf)
        *peer = (struct sb_peer){SB_USER, t->me->id};
    if (peer->kind == SB_NOBODY || peer->kind == SB_GROUP)
        return true;
    if (tl_view_field(v, "msg_id") >= 0) {
        if (!in_message(t, v, *peer))
            return false;
        *vouched = true;
    } else if ((f = tl_view_field(v, "access_hash")) >= 0) {
        *vouched = hash_ok(t, *peer, tl_get_long(v, (unsigned)f));
    } else {
        *vouched = true;
    }
    return true;
}

static bool refused(struct sb_turn *t, const char *text)
{
    sb_refuse(t, 400, text);
    return false;
}

bool sb_in_peer(struct sb_turn *t, const struct tl_view *v, struct sb_peer *peer)
{
    bool vouched;

    if (!read_input(t, v, peer, &vouched))
        return false;
    switch (peer->kind) {
    case SB_USER:
        if (vouched && sb_user_get(t->w, peer->id))
            return true;
        break;
    case SB_CHANNEL:
        if (vouched && sb_chat_get(t->w, *peer))
            return true;
        return refused(t, "CHANNEL_INVALID");
    case SB_GROUP: {
        const struct sb_chat *c = sb_chat_get(t->w, *peer);

        if (c && sb_member_get(c, t->me->id))
            return true;
        break;
    }
    case SB_NOBODY:
        break;
    }
    return refused(t, "PEER_ID_INVALID");
}

bool sb_arg_peer(struct sb_turn *t, unsigned field, struct sb_peer *peer)
{
    struct tl_view v;

    return tl_get_object(t->call, field, &v) ? sb_in_peer(t, &v, peer) : refused(t, "PEER_ID_INVALID");
}

bool sb_in_user(struct sb_turn *t, const struct tl_view *v, struct sb_user **u)
{
    struct sb_peer peer;
    bool vouched;

    if (!read_input(t, v, &peer, &vouched))
        return false;
    *u = peer.kind == SB_USER && vouched ? sb_user_get(t->w, peer.id) : NULL;
    return *u ? true : refused(t, "USER_ID_INVALID");
}

bool sb_arg_user(struct sb_turn *t, unsigned field, struct sb_user **u)
{
    struct tl_view v;

    return tl_get_object(t->call, field, &v) ? sb_in_user(t, &v, u) : refused(t, "USER_ID_INVALID");
}

bool sb_in_channel(struct sb_turn *t, const struct tl_view *v, struct sb_chat **c)
{
    struct sb_peer peer;
    bool vouched;

    if (!read_input(t, v, &peer, &vouched))
        return false;
    *c = peer.kind == SB_CHANNEL && vouched ? sb_chat_get(t->w, peer) : NULL;
    return *c ? true : refused(t, "CHANNEL_INVALID");
}

bool sb_arg_channel(struct sb_turn *t, unsigned field, struct sb_chat **c)
{
    struct tl_view v;

    return tl_get_object(t->call, field, &v) ? sb_in_channel(t, &v, c) : refused(t, "CHANNEL_INVALID");
}

bool sb_may_read(struct sb_turn *t, struct sb_peer peer)
{
    const struct sb_chat *c = peer.kind == SB_USER ? NULL : sb_chat_get(t->w, peer);

    if (!c || sb_is_member(c, t->me->id) || (peer.kind == SB_GROUP && sb_member_get(c, t->me->id)))
        return true;
    const struct sb_member *m = sb_member_get(c, t->me->id);

    if (peer.kind == SB_CHANNEL && c->username && !(m && m->kicked) && !c->deactivated)
        return true;
    if (peer.kind != SB_CHANNEL)
        return refused(t, "PEER_ID_INVALID");
    sb_refuse(t, 406, "CHANNEL_PRIVATE");
    return false;
}

char *sb_arg_text(struct sb_turn *t, unsigned field)
{
    struct tl_slice s = tl_get_bytes(t->call, field);
    json_t *checked = json_stringn(s.n ? (const char *)s.p : "", s.n);
    char *text = checked ? sb_dupn(s.p, s.n) : sb_dup("");

    /* a NUL would end what follows it */
    for (size_t i = 0; checked && i < s.n; i++)
        if (!text[i])
            text[i] = ' ';
    json_decref(checked);
    return text;
}

json_t *sb_arg_json(const struct tl_view *v, unsigned field)
{
    struct tl_slice raw = tl_get_raw(v, field);
    struct tl_in in = tl_in(raw.p, raw.n);
    struct tl_out text = {0};
    json_t *value = NULL;

    if (tl_has(v, field) && tl_field_to_json(&in, tl_def_field(v->def, field), &text) == TL_OK)
        value = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, NULL);
    tl_out_free(&text);
    return value;
}

int32_t *sb_arg_ints(struct sb_turn *t, unsigned field, size_t *n)
{
    struct tl_vec vec = tl_get_vector(t->call, field);
    int32_t *v = sb_alloc((vec.left + 1) * sizeof *v);

    *n = 0;
    while (tl_vec_int(&vec, &v[*n]))
        ++*n;
    return v;
}
