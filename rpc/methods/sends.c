/* getSend, listSends, cancelSend: the outbox as it stands. */
#include "rpc/profile.h"
#include "rpc/views/views.h"

#include <stdlib.h>
#include <string.h>

struct found {
    struct rpc_view ctx;
    json_t *send;
    int64_t id;
    int state;
};

/* What only the engine knows of one that has not ended. */
static void put_stage(json_t *send, const struct rpc_view *ctx, int64_t id)
{
    struct mt_send_stage stage;

    if (!send || !mt_account_send_stage(ctx->account->core, ctx->now, id, &stage))
        return;
    json_object_set_new(send, "stage", json_string(stage.name));
    if (stage.seconds)
        json_object_set_new(send, "seconds", json_integer(stage.seconds));
    if (stage.before)
        json_object_set_new(send, "before", json_integer((json_int_t)stage.before));
}

static int to_json(void *arg, const struct mt_outbox_row *row)
{
    struct found *f = arg;

    f->send = rpc_view_send(&f->ctx, row);
    f->id = row->id;
    f->state = row->state;
    if (!mt_send_has_ended(row->state))
        put_stage(f->send, &f->ctx, row->id);
    return 1;
}

static void fail_unknown(struct rpc_req *req)
{
    rpc_fail(req, RPC_E_SEND_UNKNOWN, "no such send, or it ended more than 30 days ago");
}

/* --- which one --- */

typedef void with_fn(struct rpc_req *req, struct mt_now now, struct found *f);

static void by_key(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    const struct store_ops *store = rpc_account_of(req)->store;
    const char *key = rpc_arg_str(req, "dedup_key");
    struct found f = {.ctx = rpc_view_of(req, now)};
    with_fn **with = rpc_state(req);

    if (store->send_by_dedup)
        (void)store->send_by_dedup(store->ctx, peer->chat, key, strlen(key), to_json, &f);
    (*with)(req, now, &f);
}

/* `with` answers, and takes f->send (NULL: there is none). */
static void find(struct rpc_req *req, struct mt_now now, with_fn *with)
{
    const char *id = rpc_arg_str(req, "send_id"), *key = rpc_arg_str(req, "dedup_key");
    const struct rpc_host *host = rpc_host_of(req);
    struct found f = {.ctx = rpc_view_of(req, now)};
    with_fn **keep;

    if (id && host->send_get) {
        (void)host->send_get(host->ctx, rpc_account_of(req)->id, strtoll(id, NULL, 10), to_json, &f);
        if (f.send) /* one of a chat that is not seen is not there, and nothing can be done to it */
            f.send = rpc_restrict(req, f.send);
        with(req, now, &f);
    } else if (key && rpc_arg(req, "chat_id")) {
        keep = rpc_alloc(req, sizeof *keep);
        if (!keep) {
            rpc_fail_nomem(req);
            return;
        }
        *keep = with;
        rpc_set_state(req, keep);
        rpc_peer(req, now, rpc_arg(req, "chat_id"), by_key);
    } else {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: expected send_id, or chat_id and dedup_key");
    }
}

/* --- getSend --- */

static void show(struct rpc_req *req, struct mt_now now, struct found *f)
{
    if (f->send)
        rpc_answer(req, f->send);
    else
        fail_unknown(req);
}

void rpc_m_getSend(struct rpc_req *req, struct mt_now now)
{
    find(req, now, show);
}

/* --- cancelSend --- */

static void cancel(struct rpc_req *req, struct mt_now now, struct found *f)
{
    bool ended = f->send && mt_send_has_ended(f->state);
    int err;

    if (!f->send) {
        fail_unknown(req);
        return;
    }
    err = ended ? MT_E_NOT_FOUND : mt_account_cancel_send(rpc_account_of(req)->core, now, f->id);
    if (err == MT_OK)
        json_object_set_new(f->send, "state", json_string("cancelled"));
    json_object_set_new(f->send, "cancelled", json_boolean(err == MT_OK));
    rpc_after_sync(req);
    rpc_answer(req, f->send);
}

void rpc_m_cancelSend(struct rpc_req *req, struct mt_now now)
{
    find(req, now, cancel);
}

/* --- listSends --- */

struct listing {
    struct rpc_view ctx;
    json_t *items;
    int64_t last;
};

static int list_row(void *arg, const struct mt_outbox_row *row)
{
    struct listing *l = arg;
    struct found f = {.ctx = l->ctx};

    (void)to_json(&f, row);
    l->last = row->id;
    return json_array_append_new(l->items, f.send) ? MT_E_NOMEM : 0;
}

void rpc_m_listSends(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *host = rpc_host_of(req);
    const char *next = rpc_arg_str(req, "next");
    int64_t before = next ? strtoll(next, NULL, 10) : 0;
    size_t limit = (size_t)rpc_arg_int(req, "limit");
    struct listing l = {.ctx = rpc_view_of(req, now), .items = json_array()};
    json_t *out;
    char text[24];

    if (next && before <= 0) {
        json_decref(l.items);
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.next: not one that was given");
        return;
    }
    if (l.items && host->send_list &&
        host->send_list(host->ctx, rpc_account_of(req)->id, before, !rpc_arg_bool(req, "all"), limit,
                        list_row, &l) < 0) {
        json_decref(l.items);
        rpc_fail(req, RPC_E_STORAGE, "the outbox cannot be read");
        return;
    }
    out = json_pack("{s:O}", "items", l.items);
    if (out && json_array_size(l.items) == limit) {
        snprintf(text, sizeof text, "%lld", (long long)l.last);
        json_object_set_new(out, "next", json_string(text));
    }
    json_decref(l.items);
    rpc_answer(req, out);
}
