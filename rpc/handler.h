/*
 * What a method's handler may use. rpc/README.md shows how to add a method in four steps.
 *
 * A handler is `void rpc_m_NAME(struct rpc_req *req, struct mt_now now)` in rpc/methods/. When it runs, the
 * parameters are checked against the schema file, the account is chosen and logged in where the flags say so.
 * It must lead to exactly one rpc_answer*() or rpc_fail*(), now or later:
 *
 *     now    rpc_answer(req, json)                               req is gone after it
 *     later  rpc_call(req, now, "messages.getHistory", params, then)
 *            ... then(req, now, reply) runs when the server has answered; it may call again, or answer
 *     later  rpc_peer(req, now, value, then)                     names are looked up, at the server if need
 * be later  rpc_park(req, poll)                                 poll runs after each turn
 *
 * Errors of a call (RPC errors, timeouts, cancellation) are answered without the handler, so `then` sees
 * results only. Deadline and cancel are watched for it too. Whoever asked may have hung up: nothing is lost
 * by going on.
 *
 * Memory: whatever a handler keeps hangs on the request (rpc_alloc, rpc_state) and goes with it.
 */
#pragma once

#include "rpc/errors.h"
#include "rpc/method_list.h"
#include "rpc/rpc.h"
#include "tl/view.h"
#include <jansson.h>

enum rpc_format { RPC_PLAIN, RPC_HTML, RPC_MARKDOWN };

/* --- what was asked --- */

const struct rpc_account *rpc_account_of(const struct rpc_req *req); /* NULL: the method takes none */
const struct rpc_host *rpc_host_of(const struct rpc_req *req);
/* A parameter by its name (never an alias); defaults are filled in. NULL: absent. Borrowed. */
json_t *rpc_arg(const struct rpc_req *req, const char *name);
const char *rpc_arg_str(const struct rpc_req *req, const char *name); /* NULL: absent */
int64_t rpc_arg_int(const struct rpc_req *req, const char *name);     /* 0: absent */
double rpc_arg_number(const struct rpc_req *req, const char *name);   /* 0: absent */
bool rpc_arg_bool(const struct rpc_req *req, const char *name);       /* false: absent */
enum rpc_format rpc_arg_format(const struct rpc_req *req);            /* parameter, else the connection's */
/* The journal's end when the request came in: `cursor` of methods that change something (filled in). */
struct rpc_cursor rpc_before(const struct rpc_req *req);

/* --- memory that goes with the request --- */

void *rpc_alloc(struct rpc_req *req, size_t n); /* zeroed; NULL: answer with rpc_fail_nomem */
/* One pointer for the handler's steps (often from rpc_alloc). */
void rpc_set_state(struct rpc_req *req, void *state);
void *rpc_state(const struct rpc_req *req);
/* A tree that is released with the request; returns it. */
json_t *rpc_keep(struct rpc_req *req, json_t *take);
/*
 * end(state) runs when the request is gone; state may be from rpc_alloc. False: no memory, it ran at once:
 * answer with rpc_fail_nomem.
 */
bool rpc_on_end(struct rpc_req *req, void (*end)(void *state), void *state);

/* --- the end: one of these, once; req is gone after it --- */

/* Takes `result` (NULL: no memory). Adds `cursor` where the method has the flag `changes`. */
void rpc_answer(struct rpc_req *req, json_t *result);
void rpc_answer_ok(struct rpc_req *req); /* {"ok":true} */
void rpc_fail(struct rpc_req *req, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* With data.hint. */
void rpc_fail_hint(struct rpc_req *req, int code, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void rpc_fail_nomem(struct rpc_req *req);
/* What an account answered that is no result, or a negative MT_E_*. */
void rpc_fail_reply(struct rpc_req *req, const struct mt_reply *reply);
void rpc_fail_mt(struct rpc_req *req, int err);
/* Part of what was asked has taken effect: an error from here on does not say that nothing was sent. */
void rpc_has_sent(struct rpc_req *req);
/* TIMEOUT where the thing itself was done, and what it was to bring did not come. */
void rpc_fail_nothing_came(struct rpc_req *req, int64_t send_id);
/* The answer leaves only when what was done is power-safe. */
void rpc_after_sync(struct rpc_req *req);

/* With the option progress: says how far it is. `total`, `seconds`: 0 = not known, none. */
void rpc_progress(struct rpc_req *req, const char *stage, int64_t done, int64_t total, int64_t seconds);

/* --- Telegram --- */

/*
 * Calls a TL function. `params` (taken; NULL: no memory) is the object of its fields in JSON form; a field of
 * a peer type takes any peer form; random_id is filled in. `then` gets MT_REPLY_RESULT and nothing else.
 */
void rpc_call(struct rpc_req *req, struct mt_now now, const char *function, json_t *params,
              void (*then)(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply));
/*
 * Errors of this request's calls for which `wanted` answers true go to `then` instead of being answered
 * (MESSAGE_NOT_MODIFIED of an edit).
 */
void rpc_catch(struct rpc_req *req, bool (*wanted)(struct rpc_req *req, const struct mt_reply *reply));
/*
 * For calls of core/account/account.h that are no TL function (mt_login_*): the token of their REPLY, which
 * goes to `then`; 0: no memory, nothing was begun. Where the call then refuses, answer with rpc_fail_mt().
 */
uint64_t rpc_await(struct rpc_req *req,
                   void (*then)(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply));
/*
 * As rpc_call, through the outbox (functions with a random_id, or that do no harm when repeated): the first
 * byte leaves after the commit, lanes, `queue`, `expires`, `ordered` and dedup_key (the key or NULL) as in
 * api.md section 8. `chat` is where it goes. `then` gets MT_REPLY_RESULT (n 0: it was done already), or
 * MT_REPLY_OK where it was queued.
 */
void rpc_send(struct rpc_req *req, struct mt_now now, const char *function, json_t *params, mt_chat_id chat,
              const char *dedup_key,
              void (*then)(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply));
/*
 * Finds the peer that `value` (a number or string, borrowed) names: in what is stored, else by one
 * contacts.resolveUsername or resolvePhone. `then` has it with its access hash; PEER_UNKNOWN and
 * PEER_AMBIGUOUS are answered without it. A group that became a supergroup is followed.
 */
void rpc_peer(struct rpc_req *req, struct mt_now now, const json_t *value,
              void (*then)(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer));
/* JSON form of an InputPeer, InputUser or InputChannel for `params` of rpc_call: its marked number. */
json_t *rpc_peer_json(const struct mt_peer *peer);

/* --- waiting for something here --- */

/*
 * `poll` runs after each turn, this one included, until it has answered; after `seconds` `expire` answers
 * instead.
 */
void rpc_wait(struct rpc_req *req, struct mt_now now, double seconds,
              void (*poll)(struct rpc_req *req, struct mt_now now),
              void (*expire)(struct rpc_req *req, struct mt_now now));
/* `poll` runs after each turn until it has answered (or the deadline has). */
void rpc_park(struct rpc_req *req, void (*poll)(struct rpc_req *req, struct mt_now now));
