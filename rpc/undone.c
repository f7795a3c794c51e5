/*
 * When the commit of a turn failed. What stood in it is rolled back, the accounts are made anew from what is
 * stored, so each answer that was held for it becomes one of these:
 *
 *     it tells only what Telegram said (a history, a chat, an error)    it leaves as it stands
 *     it promises something that was rolled back (ack, a login step)   STORAGE
 *     it ends a send                                                    STORAGE {sent, send_id}: "no" where
 * its row was never stored, else "unknown": the row is still there, and its end is told by `send`
 *
 * Live events of the turn are forgotten, new names are not taken, places are where they were.
 */
#include "rpc/sub.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- what is remembered of an answer that may have to be taken back --- */

struct rpc_part *rpc_part_new(const struct rpc_req *req, size_t n)
{
    const char *id = req->id ? req->id : "null", *name = req->name ? req->name : "";
    size_t a = strlen(id) + 1, b = strlen(req->account_name) + 1, c = strlen(name) + 1;
    struct rpc_part *p = malloc(sizeof *p + a + b + c);

    if (!p)
        return NULL;
    *p = (struct rpc_part){.n = n, .account = req->account.id, .send_id = req->send_id};
    memcpy(p->who, id, a);
    memcpy(p->who + a, req->account_name, b);
    memcpy(p->who + a + b, name, c);
    return p;
}

void rpc_parts_free(struct rpc_part *p)
{
    while (p) {
        struct rpc_part *next = p->next;

        free(p);
        p = next;
    }
}

static int no_row(void *arg, const struct mt_outbox_row *row)
{
    return 0;
}

/* A row that is stored is sent when the account is made anew; one that is not never leaves. */
static bool is_stored(struct rpc *r, const struct rpc_part *p)
{
    const struct rpc_host *h = r->cfg.host;

    return !h->send_get || h->send_get(h->ctx, p->account, p->send_id, no_row, NULL) != MT_E_NOT_FOUND;
}

static void put_error(struct rpc *r, struct tl_out *out, const struct rpc_part *p)
{
    const char *id = p->who, *account = id + strlen(id) + 1, *method = account + strlen(account) + 1;
    char text[24];
    json_t *error =
        json_pack("{s:i,s:s,s:{s:s,s:s,s:s}}", "code", RPC_E_STORAGE, "message", r->storage_down, "data",
                  "name", rpc_error_name(RPC_E_STORAGE), "account", account, "method", method);

    if (error && p->send_id) {
        json_t *data = json_object_get(error, "data");

        snprintf(text, sizeof text, "%" PRId64, p->send_id);
        json_object_set_new(data, "send_id", json_string(text));
        json_object_set_new(data, "sent", json_string(is_stored(r, p) ? "unknown" : "no"));
    }
    tl_put_raw(out, "{\"jsonrpc\":\"2.0\",\"id\":", 22);
    tl_put_raw(out, id, strlen(id));
    tl_put_raw(out, ",\"error\":", 9);
    if (!error)
        tl_out_fail(out, TL_E_NOMEM);
    else
        rpc_json_put(out, error);
    tl_put_raw(out, "}", 1);
    json_decref(error);
}

void rpc_undo_text(struct rpc *r, struct tl_out *out, const char *text, size_t n,
                   const struct rpc_part *parts)
{
    size_t at = 0;

    for (const struct rpc_part *p = parts; p; p = p->next) {
        tl_put_raw(out, text + at, p->at - at);
        put_error(r, out, p);
        at = p->at + p->n;
    }
    tl_put_raw(out, text + at, n - at);
}

/* --- the turn --- */

static void undo_subs(struct rpc *r, struct mt_now now)
{
    struct rpc_sub *next;

    for (struct rpc_sub *s = r->subs; s; s = next) {
        next = s->next_all;
        if (s->sought) {
            s->at = s->before_seek;
            r->subs_due = true;
            s->sought = false;
        }
        if (s->fresh)
            rpc_sub_end(s, now, NULL); /* its answer becomes STORAGE */
    }
}

/* Who waits with a name or an ack that was not stored. */
static void undo_parked(struct rpc *r, struct mt_now now)
{
    struct rpc_req *next;

    for (struct rpc_req *req = r->parked; req; req = next) {
        next = req->next_parked;
        if (!req->wrote)
            continue;
        req->wrote = false;
        req->hold = RPC_HOLD_NONE;
        req->now = now;
        rpc_fail(req, RPC_E_STORAGE, "%s", r->storage_down);
    }
}

void rpc_turn_failed(struct rpc *r, struct mt_now now, const char *why)
{
    rpc_storage_down(r, why);
    rpc_live_free(r);
    undo_subs(r, now);
    undo_parked(r, now);
    for (struct rpc_conn *c = r->holding, *next; c; c = next) {
        next = c->next_holding;
        rpc_conn_undo(c, now);
    }
}

void rpc_storage_down(struct rpc *r, const char *why)
{
    if (why)
        snprintf(r->storage_down, sizeof r->storage_down, "nothing can be stored: %s", why);
    else
        r->storage_down[0] = 0;
}

bool rpc_refuse_if_down(struct rpc_req *req)
{
    if (!req->rpc->storage_down[0])
        return false;
    rpc_fail_hint(req, RPC_E_STORAGE, "it is tried again by itself; getHealth says how it stands", "%s",
                  req->rpc->storage_down);
    return true;
}

void rpc_turn_kept(struct rpc *r)
{
    for (struct rpc_sub *s = r->subs; s; s = s->next_all)
        s->fresh = s->sought = false;
    for (struct rpc_req *req = r->parked; req; req = req->next_parked)
        req->wrote = false;
}
