#include "core/peers/peers.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

#define DEPTH_MAX                                                                                            \
    3 /* an object in a result that holds users (auth.sentCodeSuccess > authorization > user)                \
       */
#define CONTEXT_MAX 64

/* Which message shows which sender: from there a min peer is reachable. */
struct context {
    struct {
        mt_chat_id who, chat;
        int32_t msg;
    } rows[CONTEXT_MAX];
    size_t n;
};

/* --- the table of this turn --- */

void mt_peers_init(struct mt_peers *ps, const struct store_ops *store, struct mt_fxq *fxq)
{
    *ps = (struct mt_peers){.store = store, .fxq = fxq};
}

void mt_peers_fini(struct mt_peers *ps)
{
    mt_peers_committed(ps);
    free(ps->partial);
    ps->partial = NULL;
    ps->n_partial = 0;
}

void mt_peers_committed(struct mt_peers *ps)
{
    free(ps->fresh);
    ps->fresh = NULL;
    ps->n_fresh = ps->cap_fresh = 0;
}

static struct mt_peer *slot_of(const struct mt_peers *ps, mt_chat_id chat)
{
    size_t i = (size_t)((uint64_t)chat * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (ps->cap_fresh - 1);

    while (ps->fresh[i].chat && ps->fresh[i].chat != chat)
        i = (i + 1) & (ps->cap_fresh - 1);
    return &ps->fresh[i];
}

static int grow(struct mt_peers *ps)
{
    struct mt_peers old = *ps;

    if (ps->n_fresh * 2 < ps->cap_fresh)
        return MT_OK;
    ps->cap_fresh = old.cap_fresh ? old.cap_fresh * 2 : 16;
    ps->fresh = calloc(ps->cap_fresh, sizeof *ps->fresh);
    if (!ps->fresh) {
        *ps = old;
        return MT_E_NOMEM;
    }
    for (size_t i = 0; i < old.cap_fresh; i++)
        if (old.fresh[i].chat)
            *slot_of(ps, old.fresh[i].chat) = old.fresh[i];
    free(old.fresh);
    return MT_OK;
}

int mt_peers_get(struct mt_peers *ps, mt_chat_id chat, struct mt_peer *out)
{
    if (ps->n_fresh) {
        const struct mt_peer *p = slot_of(ps, chat);

        if (p->chat) {
            *out = *p;
            return MT_OK;
        }
    }
    if (!ps->store || !ps->store->peer_by_chat)
        return MT_E_NOT_FOUND;
    memset(out, 0, sizeof *out);
    return ps->store->peer_by_chat(ps->store->ctx, chat, out);
}

/* Without memory, or where there are too many, its next message says it again. */
static void note_partial(struct mt_peers *ps, const struct mt_peer *seen)
{
    if (seen->has_hash || !seen->seen_msg || seen->kind == MT_PEER_GROUP || ps->n_partial == MT_PARTIAL_MAX)
        return;
    if (!ps->partial)
        ps->partial = malloc(MT_PARTIAL_MAX * sizeof *ps->partial);
    if (ps->partial)
        ps->partial[ps->n_partial++] = seen->chat;
}

static int keep(struct mt_peers *ps, struct mt_peer *seen, bool min)
{
    struct mt_peer stored, *slot;
    bool known = mt_peers_get(ps, seen->chat, &stored) == MT_OK;

    mt_peer_merge(seen, min, known ? &stored : NULL);
    if (known && mt_peer_same(seen, &stored))
        return MT_OK;
    if (grow(ps))
        return MT_E_NOMEM;
    note_partial(ps, seen);
    slot = slot_of(ps, seen->chat);
    if (!slot->chat)
        ps->n_fresh++;
    *slot = *seen;
    return mt_fxq_push(ps->fxq, &(struct mt_fx){.kind = MT_FX_PEER, .peer = seen});
}

/* --- walking a result --- */

static void note(struct context *ctx, mt_chat_id who, mt_chat_id chat, int32_t msg)
{
    if (!who || !chat || who == chat || ctx->n == CONTEXT_MAX)
        return;
    ctx->rows[ctx->n].who = who;
    ctx->rows[ctx->n].chat = chat;
    ctx->rows[ctx->n++].msg = msg;
}

static void note_message(struct context *ctx, const struct tl_view *m)
{
    struct tl_view from, fwd;
    int32_t id;
    mt_chat_id chat = mt_message_chat(m, &id);

    if (m->def->id == TL_messageService && tl_get_object(m, TLF_messageService__from_id, &from))
        note(ctx, mt_chat_of(&from, 0), chat, id);
    if (m->def->id != TL_message)
        return;
    if (tl_get_object(m, TLF_message__from_id, &from))
        note(ctx, mt_chat_of(&from, 0), chat, id);
    if (tl_get_object(m, TLF_message__fwd_from, &fwd) &&
        tl_get_object(&fwd, TLF_messageFwdHeader__from_id, &from))
        note(ctx, mt_chat_of(&from, 0), chat, id);
    if (tl_has(m, TLF_message__via_bot_id))
        note(ctx, mt_chat_of_user(tl_get_long(m, TLF_message__via_bot_id)), chat, id);
}

/* A Message, or an Update that holds one in `message`. */
static void note_any(struct context *ctx, const struct tl_view *v)
{
    struct tl_view m;
    int field;

    if (v->def->id == TL_message || v->def->id == TL_messageService) {
        note_message(ctx, v);
        return;
    }
    field = tl_view_field(v, "message");
    if (field >= 0 && tl_get_object(v, (unsigned)field, &m))
        note_message(ctx, &m);
}

static int keep_view(struct mt_peers *ps, const struct tl_view *v, const struct context *ctx)
{
    struct mt_peer seen;
    bool min;

    if (mt_peer_from_view(v, &seen, &min))
        return MT_OK;
    if (!seen.has_hash)
        for (size_t i = 0; i < ctx->n; i++)
            if (ctx->rows[i].who == seen.chat) {
                seen.seen_chat = ctx->rows[i].chat;
                seen.seen_msg = ctx->rows[i].msg;
            }
    return keep(ps, &seen, min);
}

enum what { NOTHING, PEERS, MESSAGES, INSIDE };

static enum what what_is(const struct tl_field *field)
{
    bool vector = field->kind == TL_K_VECTOR;
    const char *type;

    if (field->kind != TL_K_OBJECT && !(vector && field->item == TL_K_OBJECT))
        return NOTHING;
    type = tl_type_name(field->type);
    if (!strcmp(type, "User") || !strcmp(type, "Chat"))
        return PEERS;
    if (vector)
        return !strcmp(type, "Message") || !strcmp(type, "Update") ? MESSAGES : NOTHING;
    return INSIDE;
}

static int harvest(struct mt_peers *ps, const struct tl_view *v, struct context *ctx, int depth);

static int harvest_field(struct mt_peers *ps, const struct tl_view *v, unsigned i, struct context *ctx,
                         int depth)
{
    const struct tl_field *field = tl_def_field(v->def, i);
    enum what what = what_is(field);
    struct tl_view item;
    struct tl_vec vec;
    int err = MT_OK;

    if (what == NOTHING || what == MESSAGES || !tl_has(v, i))
        return MT_OK;
    if (field->kind == TL_K_VECTOR) {
        vec = tl_get_vector(v, i);
        while (!err && tl_vec_object(&vec, &item))
            err = keep_view(ps, &item, ctx);
        return err;
    }
    if (!tl_get_object(v, i, &item))
        return MT_OK;
    return what == PEERS ? keep_view(ps, &item, ctx) : harvest(ps, &item, ctx, depth + 1);
}

static int harvest(struct mt_peers *ps, const struct tl_view *v, struct context *ctx, int depth)
{
    int err = MT_OK;

    if (depth > DEPTH_MAX)
        return MT_OK;
    for (unsigned i = 0; i < v->def->n_fields; i++) {
        struct tl_view item;
        struct tl_vec vec;

        if (what_is(tl_def_field(v->def, i)) != MESSAGES)
            continue;
        vec = tl_get_vector(v, i);
        while (tl_vec_object(&vec, &item))
            note_any(ctx, &item);
    }
    for (unsigned i = 0; i < v->def->n_fields && !err; i++)
        err = harvest_field(ps, v, i, ctx, depth);
    return err;
}

int mt_peers_harvest(struct mt_peers *ps, const struct tl_view *v)
{
    struct context ctx = {.n = 0};
    const char *type = tl_type_name(v->def->type);

    if (!strcmp(type, "User") || !strcmp(type, "Chat"))
        return keep_view(ps, v, &ctx);
    return harvest(ps, v, &ctx, 0);
}

int mt_peers_harvest_vector(struct mt_peers *ps, const void *p, size_t n)
{
    struct context ctx = {.n = 0};
    struct tl_view item;
    struct tl_vec vec;
    int err = MT_OK;

    if (tl_vec_open(&vec, p, n))
        return MT_OK;
    while (!err && tl_vec_object(&vec, &item))
        err = keep_view(ps, &item, &ctx);
    return err;
}

/* --- updates that are about a peer --- */

static void set(char *to, size_t cap, struct tl_slice s)
{
    size_t n = s.n < cap ? s.n : cap - 1;

    if (n < s.n)
        while (n && (s.p[n] & 0xc0) == 0x80)
            n--;
    if (n)
        memcpy(to, s.p, n);
    to[n] = 0;
}

static void set_user_name(struct mt_peer *peer, const struct tl_view *u)
{
    struct tl_slice first = tl_get_bytes(u, TLF_updateUserName__first_name);
    struct tl_slice last = tl_get_bytes(u, TLF_updateUserName__last_name);
    struct tl_vec names = tl_get_vector(u, TLF_updateUserName__usernames);
    struct tl_view name;
    size_t n;

    set(peer->name, sizeof peer->name, first);
    n = strlen(peer->name);
    if (last.n && n + 2 < sizeof peer->name) {
        if (n)
            peer->name[n++] = ' ';
        set(peer->name + n, sizeof peer->name - n, last);
    }
    peer->username[0] = 0;
    while (!peer->username[0] && tl_vec_object(&names, &name))
        if (tl_has(&name, TLF_username__active))
            set(peer->username, sizeof peer->username, tl_get_bytes(&name, TLF_username__username));
}

int mt_peers_update(struct mt_peers *ps, const struct tl_view *update)
{
    struct mt_peer peer, old;
    uint32_t id = update->def->id;

    if (id != TL_updateUserName && id != TL_updateUserPhone)
        return MT_OK;
    if (mt_peers_get(ps,
                     tl_get_long(update, id == TL_updateUserName ? TLF_updateUserName__user_id
                                                                 : TLF_updateUserPhone__user_id),
                     &peer))
        return MT_OK;
    old = peer;
    if (id == TL_updateUserName)
        set_user_name(&peer, update);
    else
        set(peer.phone, sizeof peer.phone, tl_get_bytes(update, TLF_updateUserPhone__phone));
    return mt_peer_same(&peer, &old) ? MT_OK : keep(ps, &peer, false);
}
