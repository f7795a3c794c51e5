/*
 * A peer of which only a min object was seen can be reached by way of the message that showed it, as long as
 * that message is there. So the whole objects are asked for in the background: many at a time, seldom, when
 * nothing else is to be asked. Who was asked for in vain is not asked for again for a while.
 * https://core.telegram.org/api/min
 */
#include "core/updates/engine.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

#define ASKED_MAX 256 /* remembered as asked for */

void mt_refetch_free(struct mt_updates *u)
{
    free(u->refetch.queue);
    free(u->refetch.asked);
    u->refetch = (struct mt_refetch){.next_at = MT_NEVER, .most = MT_REFETCH_BATCH};
}

static bool was_asked(const struct mt_refetch *r, mt_chat_id chat)
{
    for (size_t i = 0; r->asked && i < ASKED_MAX; i++)
        if (r->asked[i] == chat)
            return true;
    for (size_t i = 0; i < r->n; i++)
        if (r->queue[i] == chat)
            return true;
    return false;
}

void mt_refetch_collect(struct mt_updates *u, struct mt_now now)
{
    struct mt_refetch *r = &u->refetch;
    struct mt_peers *ps = u->cfg.peers;
    bool was_empty = r->n == 0;

    if (!ps->n_partial)
        return;
    if (!r->queue)
        r->queue = calloc(MT_REFETCH_MAX, sizeof *r->queue);
    if (!r->asked)
        r->asked = calloc(ASKED_MAX, sizeof *r->asked);
    if (r->queue && r->asked)
        for (size_t i = 0; i < ps->n_partial && r->n < MT_REFETCH_MAX; i++)
            if (!was_asked(r, ps->partial[i]))
                r->queue[r->n++] = ps->partial[i];
    ps->n_partial = 0;
    if (was_empty && r->n) /* more of them may follow at once */
        r->next_at = r->next_at > now.mono + MT_REFETCH_GATHER && r->next_at != MT_NEVER
                         ? r->next_at
                         : now.mono + MT_REFETCH_GATHER;
}

/* --- asking --- */

/* Writes one; false: it cannot be reached, or need not be any more. */
static bool put(struct mt_updates *u, mt_chat_id chat, struct tl_out *out)
{
    struct mt_peer peer, via;

    if (mt_peers_get(u->cfg.peers, chat, &peer) || peer.has_hash || !peer.seen_msg ||
        mt_peers_get(u->cfg.peers, peer.seen_chat, &via))
        return false;
    return mt_peer_put_input_via(out, &peer, &via,
                                 peer.kind == MT_PEER_CHANNEL ? "InputChannel" : "InputUser") == MT_OK;
}

static bool is_channel(mt_chat_id chat)
{
    enum mt_peer_kind kind;
    int64_t id;

    return mt_chat_split(chat, &kind, &id) && kind == MT_PEER_CHANNEL;
}

/* Those of one kind come to the front, as they were queued; how many. */
static size_t bring_forward(struct mt_refetch *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n && n < r->most; i++) {
        mt_chat_id chat = r->queue[i];

        if (is_channel(chat) != r->channels)
            continue;
        memmove(r->queue + n + 1, r->queue + n, (i - n) * sizeof *r->queue);
        r->queue[n++] = chat;
    }
    return n;
}

static void drop_front(struct mt_refetch *r, size_t at, size_t n)
{
    memmove(r->queue + at, r->queue + at + n, (r->n - at - n) * sizeof *r->queue);
    r->n -= n;
}

bool mt_refetch_ask(struct mt_updates *u, struct mt_now now, struct tl_out *out)
{
    struct mt_refetch *r = &u->refetch;
    struct tl_out list = {0};
    size_t n;

    if (r->running || !r->n || now.mono < r->next_at)
        return false;
    while (!list.len && !list.err && r->n) {
        r->channels = is_channel(r->queue[0]);
        n = bring_forward(r);
        r->n_asked = 0;
        for (size_t i = 0; i < n; i++) {
            if (put(u, r->queue[r->n_asked], &list))
                r->n_asked++;
            else
                drop_front(r, r->n_asked, 1);
        }
    }
    if (!list.len) {
        tl_out_free(&list);
        return false;
    }
    r->running = true;
    tl_put_u32(out, r->channels ? TL_channels_getChannels : TL_users_getUsers);
    tl_put_vector(out, (uint32_t)r->n_asked);
    tl_put_raw(out, list.data, list.len);
    if (list.err)
        out->err = list.err;
    tl_out_free(&list);
    return true;
}

/* --- its end --- */

static void done(struct mt_updates *u, struct mt_now now, bool all_asked)
{
    struct mt_refetch *r = &u->refetch;

    for (size_t i = 0; all_asked && i < r->n_asked; i++) {
        r->asked[r->next_asked] = r->queue[i];
        r->next_asked = (r->next_asked + 1) % ASKED_MAX;
    }
    if (all_asked)
        drop_front(r, 0, r->n_asked);
    r->running = false;
    r->n_asked = 0;
    r->next_at = now.mono + MT_REFETCH_PAUSE;
}

void mt_refetch_answer(struct mt_updates *u, struct mt_now now, const void *p, size_t n)
{
    struct mt_refetch *r = &u->refetch;
    struct tl_view v;

    /* those that are still min must not be asked for again */
    if (!r->channels)
        mt_peers_harvest_vector(u->cfg.peers, p, n);
    else if (!tl_view_open_exact(&v, p, n))
        mt_peers_harvest(u->cfg.peers, &v);
    r->most = r->most * 2 < MT_REFETCH_BATCH ? r->most * 2 : MT_REFETCH_BATCH;
    r->tries = 0;
    done(u, now, true);
}

void mt_refetch_refused(struct mt_updates *u, struct mt_now now, int32_t code)
{
    struct mt_refetch *r = &u->refetch;
    bool theirs = code >= 400 && code < 500 && code != 420;

    if (theirs && r->n_asked > 1) { /* one of them spoils it for all */
        r->most = r->n_asked / 2;
        done(u, now, false);
        return;
    }
    if (theirs)
        r->tries = 0;
    done(u, now, theirs);
    if (!theirs) {
        r->next_at = now.mono + (MT_REFETCH_PAUSE << (r->tries < 6 ? r->tries : 6));
        r->tries++;
    }
}
