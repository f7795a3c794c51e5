/*
 * The option progress: notifications {"method":"progress","params":{"id","done","total","stage","seconds"}}
 * on the connection of the request, before its answer. They promise nothing, so they wait for no commit.
 */
#include "rpc/impl.h"

#include <string.h>

void rpc_progress(struct rpc_req *req, const char *stage, int64_t done, int64_t total, int64_t seconds)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":";
    struct tl_out out = {.limit = 4096};
    char text[160];

    if (!req->opt.progress || !req->id || !req->conn)
        return;
    tl_put_raw(&out, head, sizeof head - 1);
    tl_put_raw(&out, req->id, strlen(req->id));
    snprintf(text, sizeof text, ",\"done\":%lld", (long long)done);
    tl_put_raw(&out, text, strlen(text));
    if (total > 0) {
        snprintf(text, sizeof text, ",\"total\":%lld", (long long)total);
        tl_put_raw(&out, text, strlen(text));
    }
    snprintf(text, sizeof text, ",\"stage\":\"%s\"", stage);
    tl_put_raw(&out, text, strlen(text));
    if (seconds > 0) {
        snprintf(text, sizeof text, ",\"seconds\":%lld", (long long)seconds);
        tl_put_raw(&out, text, strlen(text));
    }
    tl_put_raw(&out, "}}\n", 3);
    if (!out.err)
        rpc_conn_put(req->conn, req->now, out.data, out.len, RPC_HOLD_NONE);
    tl_out_free(&out);
}

void rpc_stage(struct rpc *r, uint64_t token, const struct mt_send_stage *stage)
{
    struct rpc_req *req = rpc_req_by_token(r, token);

    if (req)
        rpc_progress(req, stage->name, 0, (int64_t)stage->before, stage->seconds);
}
