/* What leaves through a profile that does not see every chat. */
#include "rpc/profile.h"
#include "rpc/sub.h"

#include <string.h>

/* An object that says of which chat it is, and that chat is not seen. */
static bool is_hidden(const struct rpc_profile *p, const struct rpc_account *a, const json_t *value)
{
    const json_t *chat = json_object_get(value, "chat_id");

    return json_is_integer(chat) && !rpc_profile_sees_chat(p, a, json_integer_value(chat));
}

/* The account that an event says it is of. */
static bool account_of(struct rpc_req *req, const json_t *value, struct rpc_account *out)
{
    const char *name = json_string_value(json_object_get(value, "account"));

    for (size_t i = 0; name && rpc_next_name(req, &i, out);)
        if (strcmp(out->name, name) == 0)
            return rpc_account_by_id(req->rpc, out->id, out);
    return false;
}

static void clean(struct rpc_req *req, const struct rpc_account *a, json_t *value)
{
    struct rpc_account own;
    const char *name;
    json_t *sub;
    void *next;

    if (json_is_object(value) && account_of(req, value, &own))
        a = &own;
    for (size_t i = json_array_size(value); i-- > 0;) {
        sub = json_array_get(value, i);
        if (is_hidden(req->profile, a, sub))
            json_array_remove(value, i);
        else
            clean(req, a, sub);
    }
    json_object_foreach_safe(value, next, name, sub)
    {
        if (is_hidden(req->profile, a, sub))
            json_object_del(value, name);
        else
            clean(req, a, sub);
    }
}

json_t *rpc_restrict(struct rpc_req *req, json_t *result)
{
    const struct rpc_account *a = req->has_account ? &req->account : NULL;

    if (rpc_sees_all_chats(req->profile))
        return result;
    if (is_hidden(req->profile, a, result)) {
        json_decref(result);
        return NULL;
    }
    clean(req, a, result);
    return result;
}

/* --- names of subscriptions --- */

bool rpc_scope_name(struct rpc_req *req)
{
    const char *name = rpc_arg_str(req, "name");

    if (!req->profile || !name)
        return true;
    return json_object_set_new(req->params, "name",
                               json_sprintf("%s/%s", rpc_profile_name(req->profile), name)) == 0;
}

const char *rpc_own_name(const struct rpc_profile *p, const char *name)
{
    size_t n = p ? strlen(rpc_profile_name(p)) : 0;

    if (!p)
        return name;
    return strncmp(name, rpc_profile_name(p), n) == 0 && name[n] == '/' ? name + n + 1 : NULL;
}

/* --- who is connected when the rules change --- */

/* The default rule: a socket serves its owner and root. */
bool rpc_admits(const struct rpc *r, const struct rpc_cred *cred, const struct rpc_profile *p)
{
    if (p)
        return rpc_profile_admits(p, cred);
    return !r->cfg.check_uid || cred->uid == 0 || cred->uid == r->cfg.owner_uid;
}

/* Nothing more is taken or told by the old rules; what was accepted by them is answered, then it is closed.
 */
static void revoke(struct rpc_conn *c, struct mt_now now)
{
    while (c->subs)
        rpc_sub_end(c->subs, now, "the profile has changed");
    for (struct rpc_req *q = c->reqs, *next; q; q = next) {
        next = q->next;
        q->now = now;
        if (q->parked)
            rpc_fail_hint(q, RPC_E_CANCELLED, "connect anew", "the profile of this socket has changed");
    }
    if (!c->pumping) { /* else a value is being taken, by whose `reload` this came: it is whole */
        rpc_scan_fini(&c->scan);
        rpc_scan_init(&c->scan);
    }
    tl_out_reset(&c->in);
    c->in_at = 0;
    c->eof = true;
    rpc_conn_wake(c);
}

void rpc_recheck(struct rpc_conn *c, struct mt_now now, const struct rpc_cred *cred,
                 const struct rpc_profile *profile)
{
    if (!rpc_profile_same(c->profile, profile) || c->admitted != rpc_admits(c->rpc, cred, profile))
        revoke(c, now);
}
