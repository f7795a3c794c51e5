/*
 * Friendly views: TL objects -> the frozen types of rpc/schema/types.json, Updates -> events.
 *
 * Pure: what is not in the object itself (names of chats and senders) is looked up in ctx->account.store,
 * where the engine put the users and chats that came with it earlier in the same turn. Every json_t is a new
 * reference, NULL where memory is short. No nulls in it: absent means not there.
 */
#pragma once

#include "core/account/account.h"
#include "rpc/handler.h"
#include "rpc/rpc.h"
#include "tl/view.h"
#include <jansson.h>

struct rpc_view {
    const struct rpc_host *host; /* msg_chat: the chat of a message id in the common box */
    const struct rpc_account *account;
    struct mt_now now;
    enum rpc_format format; /* adds `html` or `markdown` to messages */
    bool raw;               /* adds `raw`, the TL object */
};
/* For handlers: account, format and raw of the request. */
struct rpc_view rpc_view_of(const struct rpc_req *req, struct mt_now now);

/* --- objects --- */

json_t *rpc_view_message(const struct rpc_view *ctx, const struct tl_view *message);
json_t *rpc_view_user(const struct rpc_view *ctx, const struct tl_view *user);
json_t *rpc_view_chat(const struct rpc_view *ctx, const struct tl_view *chat_or_user);
/* From what is stored alone. */
json_t *rpc_view_stored_user(const struct rpc_view *ctx, const struct mt_peer *peer);
json_t *rpc_view_stored_chat(const struct rpc_view *ctx, const struct mt_peer *peer);
/*
 * Adds `html` or `markdown` to a Message that was made without (a journaled event), from its text and
 * entities. 0, or MT_E_NOMEM.
 */
int rpc_view_add_format(json_t *message, enum rpc_format format);

/* A row of the outbox as a Send, with the message or the error of one that has ended. */
json_t *rpc_view_send(const struct rpc_view *ctx, const struct mt_outbox_row *row);

/* --- updates --- */

/* One event as a view makes it; rpc adds key, account, type and time around `members` and journals it. */
struct rpc_view_event {
    const char *type; /* of the classes in api.md section 7 */
    bool live;        /* not journaled */
    const char *key;  /* names the happening: "message/42/7" */
    mt_chat_id chat;  /* 0 = none */
    int64_t sender;   /* 0 = none */
    int direction;    /* 1 in, 2 out, 0 none */
    int64_t time;     /* Unix s */
    int64_t expires;  /* Unix s after which it leaves the journal (self-destruct, chat 777000: an hour); 0 */
    json_t *body;     /* the member that bears the name of `type`; borrowed for the call */
};
/*
 * Renders an UPDATE effect: `type` is what updates.map says of its constructor (never NULL, never "raw").
 * Calls `event` once for each event; none is fine. 0, or negative: it could not be read (then rpc journals it
 * as raw, so nothing is lost).
 */
int rpc_view_update(const struct rpc_view *ctx, const char *type, const struct mt_fx *update,
                    const struct tl_view *object,
                    void (*event)(void *arg, const struct rpc_view_event *event), void *arg);
