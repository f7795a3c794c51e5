/* What is counted of requests, and getMetrics. */
#include "rpc/profile.h"

#include <stdlib.h>
#include <string.h>

/* The methods' names are those of the tables, so they are compared by address. */
static const char *name_of(const struct rpc_req *req)
{
    if (req->method)
        return req->method->name;
    return req->def ? tl_def_name(req->def) : NULL;
}

static struct rpc_counter *counter_of(struct rpc *r, const char *method, int32_t account)
{
    size_t i = ((uintptr_t)method >> 3) * 31 + (uint32_t)account * 7;

    if (!r->counters)
        r->counters = calloc(RPC_COUNTERS, sizeof *r->counters);
    if (!r->counters)
        return NULL;
    for (;; i++) {
        struct rpc_counter *c = &r->counters[i % RPC_COUNTERS];

        if (c->method == method && c->account == account)
            return c;
        if (c->method)
            continue;
        if (r->n_counters >= RPC_COUNTERS / 4 * 3)
            return NULL;
        r->n_counters++;
        *c = (struct rpc_counter){.method = method, .account = account};
        return c;
    }
}

void rpc_count_end(struct rpc_req *req, bool failed)
{
    const char *method = name_of(req);
    struct rpc_counter *c;

    if (!method)
        return; /* what had no method is no call */
    c = counter_of(req->rpc, method, req->has_account ? req->account.id : 0);
    if (!c) {
        req->rpc->uncounted++;
        return;
    }
    c->calls++;
    c->errors += failed;
}

void rpc_counts_free(struct rpc *r)
{
    free(r->counters);
    r->counters = NULL;
}

static json_t *counters_json(struct rpc_req *req)
{
    struct rpc *r = req->rpc;
    json_t *list = json_array();

    for (size_t i = 0; r->counters && i < RPC_COUNTERS; i++) {
        const struct rpc_counter *c = &r->counters[i];
        struct rpc_account a;
        bool known = c->account && rpc_account_by_id(r, c->account, &a);
        json_t *row;

        if (!c->method || (known && !rpc_profile_sees_account(req->profile, a.name)))
            continue;
        row = json_pack("{s:s,s:I,s:I}", "method", c->method, "calls", (json_int_t)c->calls, "errors",
                        (json_int_t)c->errors);
        if (row && known)
            json_object_set_new(row, "account", json_string(a.name));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *updates_json(struct rpc_req *req)
{
    json_t *list = json_array();
    struct rpc_account a;

    for (size_t i = 0; list && rpc_next_account(req, &i, &a);) {
        const struct mt_updates_stats *s = mt_account_updates_stats(a.core);

        json_array_append_new(
            list,
            json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "account", a.name, "differences",
                      (json_int_t)s->differences, "channel_differences", (json_int_t)s->channel_differences,
                      "gaps", (json_int_t)s->gaps, "mismatches", (json_int_t)s->mismatches, "overflows",
                      (json_int_t)s->overflows, "watched", (json_int_t)mt_account_watched(a.core, NULL, 0)));
    }
    return list;
}

void rpc_m_getMetrics(struct rpc_req *req, struct mt_now now)
{
    struct rpc *r = req->rpc;
    const struct rpc_host *h = r->cfg.host;
    json_t *out = h->metrics ? h->metrics(h->ctx) : json_object();

    if (out) {
        json_object_set_new(out, "uptime", json_integer((now.mono - r->started.mono) / MT_US_PER_S));
        json_object_set_new(out, "clients",
                            json_pack("{s:I,s:I,s:I,s:I}", "accepted", (json_int_t)r->accepted, "connections",
                                      (json_int_t)r->n_conns, "requests", (json_int_t)r->n_reqs, "bytes",
                                      (json_int_t)r->bytes));
        json_object_set_new(out, "updates", updates_json(req));
        json_object_set_new(out, "methods", counters_json(req));
        json_object_set_new(out, "uncounted", json_integer((json_int_t)r->uncounted));
    }
    rpc_answer(req, out);
}

void rpc_m_tailLog(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = req->rpc->cfg.host;
    json_t *items;

    if (!rpc_profile_is_whole(req->profile)) {
        rpc_fail(req, RPC_E_DENIED, "the log is about all accounts, and this socket shows some only");
        return;
    }
    items = h->log_lines ? h->log_lines(h->ctx, rpc_arg_str(req, "level"), (size_t)rpc_arg_int(req, "limit"))
                         : NULL;
    rpc_answer(req, json_pack("{s:o}", "items", items ? items : json_array()));
}
