/*
 * Who may do what: the profile of a connection, NULL = everything. Where its limits are enforced:
 *
 *     methods    dispatch.c, before anything is looked at
 *     accounts   accounts.c: what is not seen is not there
 *     chats      resolve.c (a peer that is named), filter.c (events), restrict.c (whatever is answered)
 *     raw calls  raw.c: none where chats are limited; none with the number of the login codes in question or
 * answer
 *
 * The chat with the login codes (777000) is hidden from every profile without @admin.
 */
#pragma once

#include "core/peers/peers.h"
#include "rpc/impl.h"

const char *rpc_profile_name(const struct rpc_profile *p);
/* `flags`: of the method; 0 for a function of Telegram's, which belongs to no class. */
bool rpc_profile_calls(const struct rpc_profile *p, const char *name, unsigned flags);
bool rpc_profile_sees_codes(const struct rpc_profile *p);
bool rpc_profile_has_chats(const struct rpc_profile *p);
/* Whether it sees all accounts and chats. */
bool rpc_profile_is_whole(const struct rpc_profile *p);
/* A key of the configuration ("daemon.proxy", "account shop.journal"), and what is in force. */
bool rpc_profile_sees_setting(const struct rpc_profile *p, const char *key, const char *value);
/* A sentence about an account ("account NAME: ..."), or about none. */
bool rpc_profile_hears(const struct rpc_profile *p, const char *sentence);
/* Whether no chat is hidden from it, 777000 included. */
bool rpc_sees_all_chats(const struct rpc_profile *p);
bool rpc_profile_sees_account(const struct rpc_profile *p, const char *name);
/* `a`: the account that has the chat; NULL: it is not known. */
bool rpc_profile_sees_chat(const struct rpc_profile *p, const struct rpc_account *a, mt_chat_id chat);
/* Whether the server may be asked for this username: one that could be seen. */
bool rpc_profile_names(const struct rpc_profile *p, const char *name);
/*
 * What a raw call may not do where some chat is hidden, since it names messages by number alone or looks
 * through all chats: what to use instead; NULL: it may.
 */
const char *rpc_profile_refuses(const struct rpc_profile *p, const char *function);
/* Whether the number of the chat with the login codes stands in a TL object. */
bool rpc_holds_codes(const uint8_t *p, size_t n);
bool rpc_glob(const char *pattern, const char *text);

/* Whether they show and allow the same, under the same name; whom they admit is not looked at. */
bool rpc_profile_same(const struct rpc_profile *a, const struct rpc_profile *b);

/* --- restrict.c --- */

/* Whether this peer is served; without a profile by the default rule: the owner and root. */
bool rpc_admits(const struct rpc *r, const struct rpc_cred *cred, const struct rpc_profile *p);
/*
 * Takes a result and gives what the profile of its request may see of it: members of lists that are about
 * other chats leave, and objects too. NULL: nothing is left of it.
 */
json_t *rpc_restrict(struct rpc_req *req, json_t *result);
/* Names of subscriptions are a profile's own: "PROFILE/NAME" outside of it. False: no memory. */
bool rpc_scope_name(struct rpc_req *req);
/* The name as its profile says it; NULL: not its own. */
const char *rpc_own_name(const struct rpc_profile *p, const char *name);
