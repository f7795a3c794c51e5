/* Parts of Telegram's answers that several methods read. */
#pragma once

#include "rpc/handler.h"
#include "rpc/views/views.h"

/*
 * The message in an Updates result (of a send or an edit) as a view. `request` is what was sent, in JSON of
 * its TL fields: an updateShortSentMessage leaves out what the caller knows. NULL: there is none in it.
 */
json_t *rpc_result_message(const struct rpc_view *ctx, const uint8_t *p, size_t n, mt_chat_id chat,
                           const json_t *request);
/* All new messages in an Updates result, as views. NULL: no memory. */
json_t *rpc_result_new_messages(const struct rpc_view *ctx, const uint8_t *p, size_t n);
/* The numbers that updateMessageIDs in it tell. NULL: no memory. */
json_t *rpc_result_numbers(const uint8_t *p, size_t n);
/* The number in an Updates result that says no more of a message: updateMessageID. 0: none. */
int32_t rpc_result_number(const uint8_t *p, size_t n);
/*
 * A messages.Messages result: calls `each` for every message in it, in its order. *total is the count that it
 * states, or -1; *whole says that nothing is left behind it. False: it is no such result.
 */
bool rpc_result_messages(const uint8_t *p, size_t n, int64_t *total, bool *whole,
                         bool (*each)(void *arg, const struct tl_view *message), void *arg);

/* --- numbers.c --- */

typedef void rpc_numbers_fn(struct rpc_req *req, struct mt_now now);
/*
 * Outside of channels one row of numbers goes through all chats of an account, and calls that delete or
 * forward by number do not say of which. Where the profile of the request does not see every chat the server
 * is asked: `then` runs if all are of `chat`, else it is DENIED. `ids` lives as long as the request.
 */
void rpc_own_numbers(struct rpc_req *req, struct mt_now now, const struct mt_peer *chat, const json_t *ids,
                     rpc_numbers_fn *then);
