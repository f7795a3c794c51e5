/* ack, seek, listSubscriptions, dropSubscription; where a consumer begins, and who holds a name. */
#include "rpc/methods/places.h"
#include "rpc/profile.h"

#include <string.h>

static void fail_unknown_name(struct rpc_req *req, const char *name)
{
    rpc_fail_hint(req, RPC_E_SUBSCRIPTION_UNKNOWN, "listSubscriptions lists them", "no subscription '%s'",
                  rpc_own_name(req->profile, name));
}

bool rpc_take_cursor(struct rpc_req *req, const char *param, struct rpc_cursor *out)
{
    const char *text = rpc_arg_str(req, param);

    if (rpc_cursor_parse(text, out) && rpc_cursor_valid(req->rpc, *out))
        return true;
    rpc_fail(req, RPC_E_CURSOR_INVALID, "params.%s: no such cursor '%.40s'", param, text);
    return false;
}

int rpc_put_name(struct rpc_req *req, const char *name, struct rpc_cursor at)
{
    const struct rpc_host *h = rpc_host_of(req);
    int r = h->sub_put(h->ctx, name, at);

    if (req->hold < RPC_HOLD_COMMIT)
        req->hold = RPC_HOLD_COMMIT;
    req->wrote = true;
    if (r < 0)
        rpc_fail(req, RPC_E_STORAGE, "%s", mt_strerror(r));
    return r;
}

static int count_name(void *arg, const char *name, struct rpc_cursor acked, int64_t since)
{
    ++*(size_t *)arg;
    return 0;
}

/* Each takes room on disk for ever. False: answered. */
static bool room_for_name(struct rpc_req *req)
{
    const struct rpc_host *h = rpc_host_of(req);
    size_t n = 0;

    h->sub_each(h->ctx, count_name, &n);
    if (n >= RPC_NAMED_MAX)
        rpc_fail_hint(req, RPC_E_BUSY, "dropSubscription forgets one", "%zu names keep a place already", n);
    return n < RPC_NAMED_MAX;
}

bool rpc_since_fits(struct rpc_req *req)
{
    const char *since = rpc_arg_str(req, "since");
    struct rpc_cursor at;

    return !since || strcmp(since, "now") == 0 || strcmp(since, "oldest") == 0 ||
           rpc_take_cursor(req, "since", &at);
}

bool rpc_begin_at(struct rpc_req *req, const char *name, struct rpc_cursor *at)
{
    const struct rpc_host *h = rpc_host_of(req);
    const char *since = rpc_arg_str(req, "since");
    bool known = name && h->sub_get(h->ctx, name, at) == MT_OK;

    if (!since && known)
        return true;
    if (name && !known && !room_for_name(req))
        return false;
    if (!since || strcmp(since, "now") == 0)
        *at = h->journal_end(h->ctx);
    else if (strcmp(since, "oldest") == 0)
        *at = rpc_journal_start(req->rpc);
    else if (!rpc_take_cursor(req, "since", at))
        return false;
    return !name || rpc_put_name(req, name, *at) >= 0;
}

bool rpc_take_name(struct rpc_req *req, struct mt_now now, const char *name, bool takeover)
{
    struct rpc_sub *sub;
    struct rpc_req *other;
    int64_t pid;

    if (!name || !rpc_name_holder(req->rpc, name, &sub, &other, &pid))
        return true;
    if (!takeover) {
        rpc_fail_hint(req, RPC_E_BUSY, "takeover: true ends the other", "'%s' is held by process %lld",
                      rpc_own_name(req->profile, name), (long long)pid);
        return false;
    }
    if (sub) {
        rpc_sub_end(sub, now, "takeover");
    } else {
        other->now = now;
        rpc_fail(other, RPC_E_BUSY, "'%s' was taken over", rpc_own_name(other->profile, name));
    }
    return true;
}

/* --- ack, seek, names --- */

static void answer_place(struct rpc_req *req, struct rpc_cursor at)
{
    char text[32];

    rpc_cursor_text(at, text);
    rpc_after_sync(req);
    rpc_answer(req, json_pack("{s:s}", "cursor", text));
}

void rpc_m_ack(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = rpc_host_of(req);
    const char *name = rpc_arg_str(req, "name");
    struct rpc_cursor at, had;

    if (h->sub_get(h->ctx, name, &had) != MT_OK) {
        fail_unknown_name(req, name);
        return;
    }
    if (!rpc_take_cursor(req, "cursor", &at))
        return;
    if (rpc_cursor_compare(at, had) <= 0)
        at = had;
    else if (rpc_put_name(req, name, at) < 0)
        return;
    answer_place(req, at);
}

void rpc_m_seek(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = rpc_host_of(req);
    const char *name = rpc_arg_str(req, "name");
    struct rpc_sub *s = rpc_sub_by_name(req->rpc, name);
    struct rpc_cursor at;

    if (h->sub_get(h->ctx, name, &at) != MT_OK) {
        fail_unknown_name(req, name);
        return;
    }
    if (!rpc_take_cursor(req, "cursor", &at) || rpc_put_name(req, name, at) < 0)
        return;
    if (s) {
        if (!s->sought)
            s->before_seek = s->at;
        s->sought = true;
        s->at = at;
        req->rpc->subs_due = true;
        s->marked = s->has_left = false;
        s->lost_told = (struct rpc_cursor){0};
    }
    answer_place(req, at);
}

struct listing {
    struct rpc_req *req;
    json_t *items;
};

static int list_row(void *arg, const char *stored, struct rpc_cursor acked, int64_t since)
{
    struct listing *l = arg;
    char cursor[32];
    struct rpc_sub *sub;
    struct rpc_req *other;
    int64_t pid;
    const char *name = rpc_own_name(l->req->profile, stored);
    bool held = rpc_name_holder(l->req->rpc, stored, &sub, &other, &pid);
    json_t *row;

    if (!name)
        return 0;
    rpc_cursor_text(acked, cursor);
    row = json_pack("{s:s,s:s,s:b}", "name", name, "cursor", cursor, "held", held);
    if (row && since)
        json_object_set_new(row, "since", json_integer(since));
    if (row && pid)
        json_object_set_new(row, "pid", json_integer(pid));
    return json_array_append_new(l->items, row) ? MT_E_NOMEM : 0;
}

void rpc_m_listSubscriptions(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = rpc_host_of(req);
    struct listing l = {req, json_array()};

    h->sub_each(h->ctx, list_row, &l);
    rpc_answer(req, json_pack("{s:o}", "items", l.items));
}

void rpc_m_dropSubscription(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = rpc_host_of(req);
    const char *name = rpc_arg_str(req, "name");
    int r;

    if (!rpc_take_name(req, now, name, false))
        return;
    r = h->sub_drop(h->ctx, name);
    if (r == MT_E_NOT_FOUND) {
        fail_unknown_name(req, name);
        return;
    }
    req->hold = RPC_HOLD_COMMIT;
    req->wrote = true;
    if (r < 0)
        rpc_fail(req, RPC_E_STORAGE, "%s", mt_strerror(r));
    else
        rpc_answer_ok(req);
}
