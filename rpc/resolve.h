/*
 * A call to Telegram on its way: names are collected and looked up first, then the whole is encoded.
 *
 *     encode (hooks look every peer up in what is stored) --- all known ---> submitted
 *        ^                     | names that are not known
 *        |                     v
 *        +--- each answered <- contacts.resolveUsername / resolvePhone, one after the other, once each
 */
#pragma once

#include "core/peers/peers.h"
#include "rpc/impl.h"
#include "tl/json.h"

#define RPC_NAMES_MAX 16 /* names in one call that have to be asked for */

struct rpc_name {
    bool phone;
    bool asked;
    char text[MT_USERNAME_MAX];
    mt_chat_id chat; /* 0: not known */
};

struct rpc_resolve {
    const struct tl_def *def; /* NULL: it is about one peer */
    json_t *params;
    json_t *value; /* the one peer */
    rpc_then_fn *then;
    rpc_peer_fn *peer_then;
    bool outbox;
    mt_chat_id chat;
    char *dedup_key;
    struct rpc_name names[RPC_NAMES_MAX];
    size_t n_names;
    /* what a hook refused */
    int code;
    char text[256], hint[160];
};

/* --- names.c: how seldom the server is asked --- */

/* Seconds since the server said that nobody has this name, while that counts; -1: it is to be asked. */
int64_t rpc_name_nobody(const struct rpc_req *req, const struct rpc_name *name);
/* True: not now. It was answered, or goes on by itself when another request has the answer. */
bool rpc_name_must_wait(struct rpc_req *req, struct mt_now now, const struct rpc_name *name);
void rpc_name_note(struct rpc_req *req, const struct rpc_name *name, const struct mt_reply *reply,
                   bool nobody);
void rpc_names_free(struct rpc *r);

/* Tells the hooks' refusals apart from TL_E_*. */
#define RPC_E_HOOK (-1000)

/*
 * The stored peer that `value` names. MT_OK; MT_E_NOT_FOUND: its name was put on the list to be asked;
 * RPC_E_HOOK: res->code and text say why not.
 */
int rpc_lookup(struct rpc_req *req, struct rpc_resolve *res, const json_t *value, struct mt_peer *out);
/* Hooks of tl/json.h over it; ctx is the request, whose `resolve` is in use. */
int rpc_peer_hook(void *ctx, const char *type, const json_t *value, struct tl_out *out);
int rpc_missing_hook(void *ctx, const struct tl_def *def, const struct tl_field *field, struct tl_out *out);
/* Asks for the next name that nobody has asked for. False: there is none. */
bool rpc_ask_name(struct rpc_req *req, struct mt_now now);
/* Its answer. False: it failed, and that was answered. */
bool rpc_name_answered(struct rpc_req *req, const struct mt_reply *reply);
