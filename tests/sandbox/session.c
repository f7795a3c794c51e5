#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"

struct sb_session *sb_session_find(struct sb_key *k, uint64_t id)
{
    struct sb_session *ses = k->sessions;

    while (ses && ses->id != id)
        ses = ses->next;
    return ses;
}

struct sb_session *sb_session_add(struct sb_server *s, struct sb_key *k, uint64_t id)
{
    struct sb_session *ses = calloc(1, sizeof *ses), *old = k->sessions;
    size_t n = 1;

    if (!ses)
        return NULL;
    for (; old && old->next; old = old->next)
        n++;
    if (n >= SB_SESSIONS_MAX)
        sb_session_remove(s, old);
    ses->key = k;
    ses->id = id;
    ses->seq = s->seed % 8 == 7 ? 0 : k->seq; /* some servers begin anew with each session */
    TAILQ_INIT(&ses->outs);
    TAILQ_INIT(&ses->helds);
    ses->next = k->sessions;
    k->sessions = ses;
    return ses;
}

static void undirty(struct sb_server *s, struct sb_session *ses)
{
    struct sb_session **at = &s->dirty;

    while (*at && *at != ses)
        at = &(*at)->next_dirty;
    if (*at)
        *at = ses->next_dirty;
    ses->dirty = false;
}

void sb_session_reset(struct sb_session *ses)
{
    struct sb_held *h;

    while (!TAILQ_EMPTY(&ses->outs))
        sb_out_free(ses, TAILQ_FIRST(&ses->outs));
    while ((h = TAILQ_FIRST(&ses->helds))) {
        TAILQ_REMOVE(&ses->helds, h, link);
        free(h);
    }
    ses->n_seen = 0;
    ses->n_acks = 0;
    ses->out_content = 0;
    ses->announced = false;
    ses->too_long = false;
}

void sb_session_remove(struct sb_server *s, struct sb_session *ses)
{
    struct sb_session **at = &ses->key->sessions;

    if (ses->dirty)
        undirty(s, ses);
    while (*at && *at != ses)
        at = &(*at)->next;
    if (*at)
        *at = ses->next;
    sb_session_reset(ses);
    free(ses->seen);
    free(ses->acks);
    free(ses);
}

void sb_session_dirty(struct sb_server *s, struct sb_session *ses)
{
    if (ses->dirty)
        return;
    ses->dirty = true;
    ses->next_dirty = s->dirty;
    s->dirty = ses;
}

/* Where msg_id is, or would be inserted. */
static size_t position(const struct sb_session *ses, uint64_t msg_id)
{
    size_t lo = 0, hi = ses->n_seen;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (ses->seen[mid].msg_id < msg_id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct sb_seen *sb_seen_find(struct sb_session *ses, uint64_t msg_id)
{
    size_t i = position(ses, msg_id);

    return i < ses->n_seen && ses->seen[i].msg_id == msg_id ? &ses->seen[i] : NULL;
}

static bool grow(struct sb_session *ses)
{
    size_t cap = ses->cap_seen ? 2 * ses->cap_seen : 32;
    struct sb_seen *p = realloc(ses->seen, cap * sizeof *p);

    if (!p)
        return false;
    ses->seen = p;
    ses->cap_seen = cap;
    return true;
}

int sb_seen_enter(struct sb_session *ses, const struct sb_in *m, struct sb_seen **seen)
{
    size_t i = position(ses, m->id);

    *seen = NULL;
    if (i < ses->n_seen && ses->seen[i].msg_id == m->id) {
        *seen = &ses->seen[i];
        return -1;
    }
    if (i == 0 && ses->n_seen == SB_WINDOW)
        return 20;
    /*
     * Sequence numbers rise with message ids; two may only be equal where neither counts. As the window obeys
     * that already, the neighbours are enough.
     */
    if (i > 0) {
        uint32_t below = ses->seen[i - 1].seqno;

        if (below > m->seqno || (below == m->seqno && (below & 1)))
            return 32;
    }
    if (i < ses->n_seen) {
        uint32_t above = ses->seen[i].seqno;

        if (above < m->seqno || (above == m->seqno && (above & 1)))
            return 33;
    }
    if (ses->n_seen == SB_WINDOW) {
        memmove(ses->seen, ses->seen + 1, (SB_WINDOW - 1) * sizeof *ses->seen);
        ses->n_seen--;
        i--;
    } else if (ses->n_seen == ses->cap_seen && !grow(ses)) {
        return MT_E_NOMEM;
    }
    memmove(ses->seen + i + 1, ses->seen + i, (ses->n_seen - i) * sizeof *ses->seen);
    ses->seen[i] = (struct sb_seen){.msg_id = m->id, .seqno = m->seqno};
    ses->n_seen++;
    *seen = &ses->seen[i];
    return 0;
}

void sb_session_ack(struct sb_session *ses, uint64_t msg_id)
{
    struct sb_seen *seen = sb_seen_find(ses, msg_id);

    for (size_t i = 0; i < ses->n_acks; i++)
        if (ses->acks[i] == msg_id)
            return;
    if (ses->n_acks == ses->cap_acks) {
        size_t cap = ses->cap_acks ? 2 * ses->cap_acks : 16;
        uint64_t *p = cap <= 8192 ? realloc(ses->acks, cap * sizeof *p) : NULL;

        if (!p)
            return; /* the client asks again */
        ses->acks = p;
        ses->cap_acks = cap;
    }
    ses->acks[ses->n_acks++] = msg_id;
    if (seen)
        seen->acked = true;
}

void sb_session_acked(struct sb_session *ses, uint64_t msg_id)
{
    struct sb_out *o = sb_out_by_id(ses, msg_id);

    if (o)
        sb_out_free(ses, o);
}
