#include "core/mtproto/message.h"

#include <stdlib.h>
#include <string.h>

struct mt_msg *mt_msg_new(enum mt_msg_kind kind, const void *body, size_t n)
{
    struct mt_msg *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->body = malloc(n ? n : 1);
    if (!m->body) {
        free(m);
        return NULL;
    }
    if (n)
        memcpy(m->body, body, n);
    m->n = n;
    m->kind = kind;
    m->refs = 1;
    m->deadline = MT_NEVER;
    return m;
}

struct mt_msg *mt_msg_ref(struct mt_msg *m)
{
    m->refs++;
    return m;
}

void mt_msg_drop_body(struct mt_msg *m)
{
    if (m->body)
        mt_wipe(m->body, m->n < MT_WIPE_MAX ? m->n : MT_WIPE_MAX);
    free(m->body);
    m->body = NULL;
    m->n = 0;
}

void mt_msg_unref(struct mt_msg *m)
{
    if (!m || --m->refs)
        return;
    mt_events_node_free(m->node);
    mt_msg_drop_body(m);
    free(m);
}

static void insert_after(struct mt_msg_list *l, struct mt_msg *at, struct mt_msg *m)
{
    m->prev = at;
    m->next = at ? at->next : l->head;
    if (m->next)
        m->next->prev = m;
    else
        l->tail = m;
    if (at)
        at->next = m;
    else
        l->head = m;
    l->n++;
}

void mt_msg_append(struct mt_msg_list *l, struct mt_msg *m)
{
    insert_after(l, l->tail, m);
}

void mt_msg_insert(struct mt_msg_list *l, struct mt_msg *m)
{
    struct mt_msg *at = l->tail;

    while (at && at->serial > m->serial)
        at = at->prev;
    insert_after(l, at, m);
}

void mt_msg_remove(struct mt_msg_list *l, struct mt_msg *m)
{
    if (m->prev)
        m->prev->next = m->next;
    else
        l->head = m->next;
    if (m->next)
        m->next->prev = m->prev;
    else
        l->tail = m->prev;
    m->prev = m->next = NULL;
    l->n--;
}

/* --- ids that we sent --- */

void mt_sent_fini(struct mt_sent_ids *s)
{
    for (size_t i = 0; i < s->n; i++)
        mt_msg_unref(s->v[i].msg);
    free(s->v);
    *s = (struct mt_sent_ids){0};
}

int mt_sent_reserve(struct mt_sent_ids *s, size_t n)
{
    size_t cap = s->cap ? s->cap : 32;
    struct mt_sent_id *v;

    if (s->cap - s->n >= n)
        return TL_OK;
    while (cap - s->n < n)
        cap *= 2;
    v = realloc(s->v, cap * sizeof *v);
    if (!v)
        return TL_E_NOMEM;
    s->v = v;
    s->cap = cap;
    return TL_OK;
}

/* Index of the first id >= msg_id. */
static size_t lower_bound(const struct mt_sent_ids *s, uint64_t msg_id)
{
    size_t lo = 0, hi = s->n;

    if (!hi || s->v[hi - 1].msg_id < msg_id)
        return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->v[mid].msg_id < msg_id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void mt_sent_add(struct mt_sent_ids *s, uint64_t msg_id, uint64_t container_id, struct mt_msg *msg)
{
    /* Only after the clock went back is there anything behind the place of a new id. */
    size_t at = lower_bound(s, msg_id);

    memmove(&s->v[at + 1], &s->v[at], (s->n - at) * sizeof s->v[0]);
    s->v[at] = (struct mt_sent_id){.msg_id = msg_id, .container_id = container_id, .msg = msg};
    if (msg)
        mt_msg_ref(msg);
    s->n++;
}

struct mt_sent_id *mt_sent_find(const struct mt_sent_ids *s, uint64_t msg_id)
{
    size_t at = lower_bound(s, msg_id);

    return at < s->n && s->v[at].msg_id == msg_id ? &s->v[at] : NULL;
}

void mt_sent_prune(struct mt_sent_ids *s, uint64_t before)
{
    size_t over = s->n > MT_SENT_KEEP ? s->n - MT_SENT_KEEP : 0;
    size_t kept = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct mt_msg *m = s->v[i].msg;
        bool done = m && m->state == MT_MSG_DONE;
        bool request = m && m->kind == MT_MSG_RPC;

        if (done || (!request && (i < over || s->v[i].msg_id < before)))
            mt_msg_unref(m);
        else
            s->v[kept++] = s->v[i];
    }
    s->n = kept;
}
