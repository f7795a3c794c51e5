/* What the methods share that change something in a chat, through the outbox. */
#pragma once

#include "rpc/handler.h"
#include "rpc/views/views.h"

#define RPC_PART_KEY 65

/*
 * A dedup_key names one call. Of a request that makes several, each further one has a key of its own, made of
 * the one that was given (NULL: none was).
 */
const char *rpc_part_key(const struct rpc_req *req, unsigned part, char out[RPC_PART_KEY]);
/* Parameter schedule as a schedule_date; *out NULL: absent. False: answered with an error. */
bool rpc_schedule_arg(struct rpc_req *req, json_t **out);
/* queue: true. Where the reply says so the request is answered with its Send, once that is on disk: true. */
bool rpc_was_queued(struct rpc_req *req, const struct mt_reply *reply, mt_chat_id chat);
/* The Send that such an answer is. */
json_t *rpc_queued_json(const struct mt_reply *reply, mt_chat_id chat);
/* Asks for messages by their numbers (array, taken); `then` reads the result with rpc_fetched(). */
void rpc_fetch(struct rpc_req *req, struct mt_now now, const struct mt_peer *chat, json_t *numbers,
               void (*then)(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply));
/* A Message for each of the numbers (borrowed), {id, chat_id, missing} where it is gone. NULL: no memory. */
json_t *rpc_fetched(const struct rpc_view *ctx, const struct mt_reply *reply, mt_chat_id chat,
                    const json_t *numbers);
/*
 * Sends the text that the parameters of sendMessage describe. `finish` (NULL: it is answered) has the chat,
 * the first part's Message (borrowed; it stays as long as the request) and the send_id.
 */
typedef void rpc_sent_fn(struct rpc_req *req, struct mt_now now, const struct mt_peer *chat, json_t *message,
                         int64_t send_id);
void rpc_send_text(struct rpc_req *req, struct mt_now now, rpc_sent_fn *finish);
