#include "rpc/impl.h"
#include "rpc/resolve.h"

#include <stdlib.h>

struct rpc *rpc_new(const struct rpc_cfg *cfg, struct mt_now now)
{
    struct rpc *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->cfg = *cfg;
    rpc_set_default_account(r, cfg->default_account);
    r->started = now;
    r->ready_tail = &r->ready;
    r->work_tail = &r->work;
    r->live_tail = &r->live;
    return r;
}

void rpc_set_default_account(struct rpc *r, const char *name)
{
    snprintf(r->default_account, sizeof r->default_account, "%s", name ? name : "");
}

void rpc_free(struct rpc *r)
{
    struct mt_now never = {0, 0};

    if (!r)
        return;
    r->ending = true;
    while (r->conns)
        rpc_closed(r->conns, never);
    while (r->orphans)
        rpc_req_free(r->orphans);
    rpc_live_free(r);
    rpc_names_free(r);
    rpc_counts_free(r);
    rpc_timers_fini(&r->timers);
    free(r->slots);
    free(r);
}

/* Codes of storage/ begin here; what ended for that reason says so already. */
#define STORAGE_ERRORS (-128)

void rpc_reply(struct rpc *r, struct mt_now now, int32_t account, uint64_t token,
               const struct mt_reply *reply)
{
    struct rpc_req *req = rpc_req_by_token(r, token);

    if (!req || req->account.id != account)
        return;
    rpc_req_drop_token(req);
    req->now = now;
    if (req->hold < RPC_HOLD_COMMIT)
        req->hold = RPC_HOLD_COMMIT;
    req->send_id = reply->kind == MT_REPLY_FAILED && reply->code <= STORAGE_ERRORS ? 0 : reply->send_id;
    req->wrote = reply->kind == MT_REPLY_OK;
    if (!rpc_account_by_id(r, account, &req->account)) {
        rpc_fail(req, RPC_E_ACCOUNT_UNKNOWN, "the account was removed meanwhile");
        return;
    }
    rpc_call_reply(req, now, reply);
}

/*
 * Releasing answers and polling what waits may free requests and wake connections, never free connections:
 * that is the daemon's, by rpc_closed().
 */
static void release(struct rpc *r, struct mt_now now)
{
    for (struct rpc_conn *c = r->holding, *next; c; c = next) {
        next = c->next_holding;
        rpc_conn_release(c, now, false);
    }
}

/* The answer of subscribe comes before its first event. */
void rpc_committed(struct rpc *r, struct mt_now now)
{
    rpc_turn_kept(r);
    release(r, now);
    rpc_subs_committed(r, now);
    rpc_poll_parked(r, now);
    rpc_live_free(r);
    release(r, now);
}

void rpc_turn(struct rpc *r, uint64_t committed, uint64_t synced)
{
    r->committed = committed;
    r->synced = synced;
}

void rpc_synced(struct rpc *r, struct mt_now now, uint64_t synced)
{
    r->synced = synced;
    for (struct rpc_conn *c = r->holding, *next; c && r->waiting_sync; c = next) {
        next = c->next_holding;
        rpc_conn_release(c, now, true);
    }
}

bool rpc_wants_sync(const struct rpc *r)
{
    return r->waiting_sync != 0;
}

void rpc_tick(struct rpc *r, struct mt_now now)
{
    size_t out = 0;

    for (size_t left = RPC_TURN; r->work && left && out < RPC_TURN_OUT; left -= RPC_SHARE) {
        struct rpc_conn *c = r->work;
        size_t before = rpc_conn_unread(c);

        r->work = c->next_work;
        if (!r->work)
            r->work_tail = &r->work;
        c->work_queued = false;
        rpc_conn_pump(c, now, RPC_SHARE);
        out += rpc_conn_unread(c) - before;
    }
    rpc_timers_run(&r->timers, now);
}

int64_t rpc_deadline(const struct rpc *r)
{
    return r->work || r->subs_due ? 0 : rpc_timers_next(&r->timers);
}
