/*
 * Updates -> events: what update.c shares with the files that render one group of types each. An event is
 * handed over by rpc_event_emit(), which takes its body; a key names the happening, so that a repeat after a
 * difference has the same. Functions return MT_OK, or MT_E_*: then the update is shown as `raw`.
 */
#pragma once

#include "rpc/views/parts.h"

struct rpc_render {
    const struct rpc_view *ctx;
    const struct mt_fx *fx;
    const struct tl_view *u;
    void (*event)(void *arg, const struct rpc_view_event *event);
    void *arg;
};

#define RPC_KEY_MAX 128

int64_t rpc_event_time(const struct rpc_render *r);
/* Hands it over and releases `body` (NULL: no memory). */
int rpc_event_emit(struct rpc_render *r, struct rpc_view_event *e, json_t *body);
/* Of the update's bytes and its time: for keys of what has no number of its own. */
uint64_t rpc_event_digest(const struct rpc_render *r);
/* sender_id, sender_name, sender_username */
void rpc_event_sender(struct rpc_render *r, json_t *body, mt_chat_id sender);
/* Bytes of a bot: base64 as `key`, and as `key`_text where they are readable. */
void rpc_event_bytes(json_t *body, const char *key, struct tl_slice s);

/* update_message.c */
int rpc_event_reaction(struct rpc_render *r);
int rpc_event_poll(struct rpc_render *r);
/* update_bot.c */
int rpc_event_callback(struct rpc_render *r);
int rpc_event_inline(struct rpc_render *r);
int rpc_event_inline_sent(struct rpc_render *r);
int rpc_event_precheckout(struct rpc_render *r);
int rpc_event_shipping(struct rpc_render *r);
/* update_dialog.c */
int rpc_event_draft(struct rpc_render *r);
int rpc_event_dialog(struct rpc_render *r);
int rpc_event_story(struct rpc_render *r);
/* update_account.c, update_business.c */
int rpc_event_account(struct rpc_render *r);
int rpc_event_business(struct rpc_render *r);
