#include "core/account/fx.h"

#include <stdlib.h>
#include <string.h>

#include "core/account/job.h"

/* One allocation holds the effect and the copies that it points at. */
struct mt_fx_item {
    struct mt_fx_item *next;
    size_t size;
    struct mt_fx fx;
};

#define ALIGN(n) (((n) + 15) & ~(size_t)15)

void mt_fxq_init(struct mt_fxq *q)
{
    *q = (struct mt_fxq){0};
}

static void item_free(struct mt_fx_item *item)
{
    if (!item)
        return;
    if (item->fx.dc || item->fx.saved || item->fx.kind == MT_FX_CONNECT)
        mt_wipe(item, item->size);
    free(item);
}

void mt_fxq_fini(struct mt_fxq *q)
{
    item_free(q->shown);
    while (q->head) {
        struct mt_fx_item *next = q->head->next;

        if (q->head->fx.kind == MT_FX_COMPUTE)
            mt_job_free(q->head->fx.job);
        item_free(q->head);
        q->head = next;
    }
    *q = (struct mt_fxq){0};
}

static size_t text_len(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static size_t size_of(const struct mt_fx *fx)
{
    size_t n = ALIGN(sizeof(struct mt_fx_item)) + ALIGN(fx->n) + ALIGN(text_len(fx->text));

    if (fx->dc)
        n += ALIGN(sizeof *fx->dc);
    if (fx->saved)
        n += ALIGN(sizeof *fx->saved);
    if (fx->state)
        n += ALIGN(sizeof *fx->state);
    if (fx->server)
        n += ALIGN(fx->n_servers * sizeof *fx->server);
    if (fx->proxy)
        n += ALIGN(sizeof *fx->proxy);
    if (fx->addresses)
        n += ALIGN(sizeof *fx->addresses);
    if (fx->peer)
        n += ALIGN(sizeof *fx->peer);
    if (fx->channel)
        n += ALIGN(sizeof *fx->channel);
    if (fx->reply)
        n += ALIGN(sizeof *fx->reply) + ALIGN(fx->reply->n);
    if (fx->row)
        n += ALIGN(sizeof *fx->row) + ALIGN(fx->row->dedup.n) + ALIGN(fx->row->digest.n) +
             ALIGN(fx->row->method.n) + ALIGN(fx->row->params.n) + ALIGN(fx->row->result.n);
    return n;
}

static void *put(uint8_t **at, const void *p, size_t n)
{
    void *here = *at;

    if (!p)
        return NULL;
    if (n)
        memcpy(here, p, n);
    *at += ALIGN(n);
    return here;
}

static struct tl_slice put_slice(uint8_t **at, struct tl_slice s)
{
    return (struct tl_slice){.p = put(at, s.p, s.n), .n = s.n};
}

static void copy_into(struct mt_fx *to, const struct mt_fx *fx, uint8_t *at)
{
    *to = *fx;
    to->p = put(&at, fx->p, fx->n);
    to->text = put(&at, fx->text, text_len(fx->text));
    to->dc = put(&at, fx->dc, sizeof *fx->dc);
    to->saved = put(&at, fx->saved, sizeof *fx->saved);
    to->state = put(&at, fx->state, sizeof *fx->state);
    to->server = put(&at, fx->server, fx->n_servers * sizeof *fx->server);
    to->proxy = put(&at, fx->proxy, sizeof *fx->proxy);
    to->addresses = put(&at, fx->addresses, sizeof *fx->addresses);
    to->peer = put(&at, fx->peer, sizeof *fx->peer);
    to->channel = put(&at, fx->channel, sizeof *fx->channel);
    if (fx->reply) {
        struct mt_reply *r = put(&at, fx->reply, sizeof *fx->reply);

        r->p = put(&at, fx->reply->p, fx->reply->n);
        to->reply = r;
    }
    if (fx->row) {
        struct mt_outbox_row *r = put(&at, fx->row, sizeof *fx->row);

        r->dedup = put_slice(&at, fx->row->dedup);
        r->digest = put_slice(&at, fx->row->digest);
        r->method = put_slice(&at, fx->row->method);
        r->params = put_slice(&at, fx->row->params);
        r->result = put_slice(&at, fx->row->result);
        to->row = r;
    }
}

int mt_fxq_push(struct mt_fxq *q, const struct mt_fx *fx)
{
    struct mt_fx_item *item;
    size_t size;

    if (q->lost && (fx->kind == MT_FX_STATE || fx->kind == MT_FX_CHANNEL))
        return MT_E_NOMEM;
    size = size_of(fx);
    item = malloc(size);
    if (!item) {
        q->lost = true;
        if (fx->kind == MT_FX_COMPUTE)
            mt_job_free(fx->job);
        return MT_E_NOMEM;
    }
    item->next = NULL;
    item->size = size;
    copy_into(&item->fx, fx, (uint8_t *)item + ALIGN(sizeof *item));
    if (q->tail)
        q->tail->next = item;
    else
        q->head = item;
    q->tail = item;
    return MT_OK;
}

bool mt_fxq_next(struct mt_fxq *q, struct mt_fx *fx)
{
    item_free(q->shown);
    q->shown = q->head;
    if (!q->shown) {
        *fx = (struct mt_fx){.kind = MT_FX_NONE};
        return false;
    }
    q->head = q->shown->next;
    if (!q->head)
        q->tail = NULL;
    *fx = q->shown->fx;
    return true;
}

bool mt_fxq_is_empty(const struct mt_fxq *q)
{
    return !q->head;
}

void mt_fxq_each(const struct mt_fxq *q, bool (*visit)(void *arg, const struct mt_fx *fx), void *arg)
{
    for (const struct mt_fx_item *i = q->head; i; i = i->next)
        if (!visit(arg, &i->fx))
            return;
}
