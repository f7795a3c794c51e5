/* beginTakeout, endTakeout; the option itself is in rpc/options.c and goes with every call (rpc/call.c). */
#include "rpc/impl.h"
#include "tl/ids.h"

#include <inttypes.h>

static void begun(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct tl_view v;
    char id[24];

    if (tl_view_open(&v, reply->p, reply->n) != TL_OK || v.def->id != TL_account_takeout) {
        rpc_fail(req, RPC_E_INTERNAL, "Telegram's answer is no takeout");
        return;
    }
    snprintf(id, sizeof id, "%" PRId64, tl_get_long(&v, TLF_account_takeout__id));
    rpc_answer(req, json_pack("{s:s}", "takeout", id));
}

void rpc_m_beginTakeout(struct rpc_req *req, struct mt_now now)
{
    static const char *const kinds[][2] = {{"contacts", "contacts"},
                                           {"users", "message_users"},
                                           {"groups", "message_chats"},
                                           {"channels", "message_channels"},
                                           {"supergroups", "message_megagroups"},
                                           {"files", "files"}};
    json_t *params = json_object();
    bool any = false;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        any = any || rpc_arg_bool(req, kinds[i][0]);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!any || rpc_arg_bool(req, kinds[i][0]))
            json_object_set_new(params, kinds[i][1], json_true());
    if (json_object_get(params, "files")) {
        json_t *size = rpc_arg(req, "file_max_size");

        /* `files` and its limit share one flag, so there is always one: the largest file that there is */
        json_object_set_new(params, "file_max_size",
                            size ? json_incref(size) : json_integer(INT64_C(4000) * 1024 * 1024));
    }
    rpc_call(req, now, "account.initTakeoutSession", params, begun);
}

static void ended(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    rpc_answer_ok(req);
}

void rpc_m_endTakeout(struct rpc_req *req, struct mt_now now)
{
    json_t *params = json_object();
    char err[128];

    if (rpc_option(&req->opt, "takeout", rpc_arg(req, "takeout"), err) != 1) {
        json_decref(params);
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.%s", err);
        return;
    }
    if (rpc_arg_bool(req, "success"))
        json_object_set_new(params, "success", json_true());
    rpc_call(req, now, "account.finishTakeoutSession", params, ended);
}
