/*
 * How names are looked up at the server: seldom. contacts.resolveUsername is limited harder than anything
 * else (a burst can cost most of a day), so beside the peers that are stored
 *
 *     nobody     a name that was nobody's is not asked for again for an hour
 *     flight     a name that is being asked for is not asked for twice
 *     bucket     30 names at once, then one a minute; who wants more is refused here, with the seconds
 *     flood      a wait that the server told is kept in cache.db, so that it holds over a restart
 *
 * One bucket for each account. https://core.telegram.org/method/contacts.resolveUsername, protocol.md 9.4.
 */
#include "rpc/resolve.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BURST    30
#define REFILL   (60 * MT_US_PER_S)
#define NOBODY_S 3600

struct rpc_bucket {
    struct rpc_bucket *next;
    int32_t account;
    int64_t due; /* mono: when the bucket would be full again */
};

void rpc_names_free(struct rpc *r)
{
    while (r->buckets) {
        struct rpc_bucket *next = r->buckets->next;

        free(r->buckets);
        r->buckets = next;
    }
}

static struct rpc_bucket *bucket_of(struct rpc *r, int32_t account)
{
    struct rpc_bucket *b = r->buckets;

    while (b && b->account != account)
        b = b->next;
    if (b || !(b = calloc(1, sizeof *b)))
        return b;
    b->account = account;
    b->next = r->buckets;
    r->buckets = b;
    return b;
}

/* Names as the cache has them. */
static void key_of(const struct rpc_name *name, char key[MT_USERNAME_MAX + 1])
{
    size_t n = 0;

    if (name->phone)
        key[n++] = '+';
    for (const char *p = name->text; *p && n < MT_USERNAME_MAX; p++)
        key[n++] = (char)tolower((unsigned char)*p);
    key[n] = 0;
}

static bool cached(const struct rpc_req *req, const char *key, mt_chat_id *chat, int64_t *at)
{
    const struct rpc_host *h = rpc_host_of(req);

    return h->name_get && h->name_get(h->ctx, req->account.id, key, chat, at) == MT_OK;
}

static void keep(const struct rpc_req *req, const char *key, mt_chat_id chat, int64_t at)
{
    const struct rpc_host *h = rpc_host_of(req);

    if (h->name_put)
        h->name_put(h->ctx, req->account.id, key, chat, at);
}

int64_t rpc_name_nobody(const struct rpc_req *req, const struct rpc_name *name)
{
    int64_t now = req->now.wall / MT_US_PER_S, at;
    char key[MT_USERNAME_MAX + 1];
    mt_chat_id chat;

    key_of(name, key);
    if (!cached(req, key, &chat, &at) || chat || at > now || now - at >= NOBODY_S)
        return -1;
    return now - at;
}

/* --- before asking --- */

static bool in_flight(const struct rpc_req *req, const struct rpc_name *name)
{
    const struct rpc *r = req->rpc;

    for (uint32_t i = 0; i < r->n_slots; i++) {
        const struct rpc_req *other = r->slots[i].req;

        if (!other || other == req || other->sent || !other->resolve || other->account.id != req->account.id)
            continue;
        for (size_t k = 0; k < other->resolve->n_names; k++) {
            const struct rpc_name *n = &other->resolve->names[k];

            if (n->asked && !n->chat && n->phone == name->phone && strcasecmp(n->text, name->text) == 0)
                return true;
        }
    }
    return false;
}

static void look_again(struct rpc_req *req, struct mt_now now)
{
    /* it may have been removed meanwhile, or made anew */
    if (!rpc_account_by_id(req->rpc, req->account.id, &req->account)) {
        rpc_fail(req, RPC_E_ACCOUNT_UNKNOWN, "account %s was removed", req->account_name);
        return;
    }
    for (size_t i = 0; i < req->resolve->n_names; i++) {
        const struct rpc_name *name = &req->resolve->names[i];

        if (!name->asked && !name->chat && in_flight(req, name))
            return;
    }
    rpc_unpark(req);
    rpc_resolve_go(req, now);
}

/* Seconds until a name may be asked for; takes one from the bucket where it may be now. */
static int64_t take(struct rpc_req *req, struct mt_now now)
{
    struct rpc_bucket *b = bucket_of(req->rpc, req->account.id);
    int64_t wait;

    if (!b)
        return 0;
    if (b->due < now.mono)
        b->due = now.mono;
    wait = b->due - now.mono - (BURST - 1) * REFILL;
    if (wait > 0)
        return (wait + MT_US_PER_S - 1) / MT_US_PER_S;
    b->due += REFILL;
    return 0;
}

bool rpc_name_must_wait(struct rpc_req *req, struct mt_now now, const struct rpc_name *name)
{
    static const char hint[] = "numbers are never looked up: use the chat_id of an earlier answer or event";
    int64_t until = 0, wait;
    mt_chat_id chat;

    if (in_flight(req, name)) {
        rpc_park(req, look_again);
        return true;
    }
    wait = cached(req, "", &chat, &until) ? until - now.wall / MT_US_PER_S : 0;
    if (wait > req->opt.flood_wait) { /* a shorter one the engine sits out */
        rpc_fail_wait(req, wait, hint, "Telegram wants no name to be looked up now");
        return true;
    }
    wait = take(req, now);
    if (wait > 0)
        rpc_fail_wait(req, wait, hint, "too many names were looked up");
    return wait > 0;
}

/* --- the answer --- */

void rpc_name_note(struct rpc_req *req, const struct rpc_name *name, const struct mt_reply *reply,
                   bool nobody)
{
    int64_t now = req->now.wall / MT_US_PER_S;
    char key[MT_USERNAME_MAX + 1];

    key_of(name, key);
    if (nobody || name->chat)
        keep(req, key, name->chat, now);
    else if (reply->kind == MT_REPLY_RPC_ERROR && reply->code == 420 && !reply->local && reply->seconds > 0)
        keep(req, "", 0, now + reply->seconds);
}
