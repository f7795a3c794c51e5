#include "rpc/impl.h"

#include <inttypes.h>
#include <string.h>

#define TELL_US (MT_US_PER_S / 10) /* between two notes of progress */

struct backup {
    struct rpc_req *req;
    bool runs;
    uint64_t told;
    int64_t tell_at;
};

static void ended(void *state)
{
    struct backup *b = state;
    const struct rpc_host *h = rpc_host_of(b->req);

    if (b->runs && !b->req->rpc->ending)
        h->backup_cancel(h->ctx);
}

static void answer(struct rpc_req *req, uint64_t size, const char *warning)
{
    json_t *out = json_pack("{s:s,s:I}", "path", rpc_arg_str(req, "path"), "size", (json_int_t)size);

    if (out && *warning)
        json_object_set_new(out, "warnings", json_pack("[s]", warning));
    rpc_answer(req, out);
}

static void poll_backup(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = rpc_host_of(req);
    struct backup *b = rpc_state(req);
    char err[256] = "", warning[256] = "";
    uint64_t done = 0, total = 0;
    int r = h->backup_state(h->ctx, &done, &total, warning, sizeof warning, err);

    if (r == 0) {
        if (done != b->told && now.mono >= b->tell_at) {
            rpc_progress(req, "copying", (int64_t)done, (int64_t)total, 0);
            b->told = done;
            b->tell_at = now.mono + TELL_US;
        }
        return;
    }
    b->runs = false;
    if (r > 0) {
        rpc_progress(req, "done", (int64_t)done, (int64_t)done, 0);
        answer(req, done, warning);
    } else {
        rpc_fail(req, RPC_E_STORAGE, "no backup was made: %s", *err ? err : mt_strerror(r));
    }
}

void rpc_m_backup(struct rpc_req *req, struct mt_now now)
{
    const struct rpc_host *h = rpc_host_of(req);
    struct backup *b = rpc_alloc(req, sizeof *b);
    char err[256] = "";
    int r;

    if (!b) {
        rpc_fail_nomem(req);
        return;
    }
    b->req = req;
    rpc_set_state(req, b);
    if (!rpc_on_end(req, ended, b)) {
        rpc_fail_nomem(req);
        return;
    }
    r = h->backup_begin ? h->backup_begin(h->ctx, rpc_arg_str(req, "path"), err) : MT_E_ARG;
    if (r == MT_E_STATE) {
        rpc_fail(req, RPC_E_BUSY, "another backup is being made");
    } else if (r == MT_E_ARG) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.path: %s", err);
    } else if (r < 0) {
        rpc_fail(req, RPC_E_STORAGE, "no backup was made: %s", *err ? err : mt_strerror(r));
    } else {
        b->runs = true;
        if (!req->opt.has_timeout) /* it takes as long as it takes */
            req->deadline = MT_NEVER;
        rpc_park(req, poll_backup);
    }
}
