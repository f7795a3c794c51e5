/* What the files of rpc/views share: small writers of JSON members, and the parts of a Message. */
#pragma once

#include "core/peers/peers.h"
#include "core/text/text.h"
#include "rpc/views/views.h"
#include "tl/ids.h"
#include "tl/json.h"

/* --- members; each does nothing where its value is absent or empty --- */

/* A string of bytes that should be UTF-8; bad ones become U+FFFD. New reference. */
json_t *rpc_text(struct tl_slice s);
void rpc_put_text(json_t *o, const char *key, struct tl_slice s);
void rpc_put_str(json_t *o, const char *key, const char *s);
void rpc_put_int(json_t *o, const char *key, int64_t v);  /* 0 is absent */
void rpc_put_long(json_t *o, const char *key, int64_t v); /* as a decimal string; 0 is absent */
void rpc_put_true(json_t *o, const char *key, bool v);
void rpc_put(json_t *o, const char *key, json_t *take); /* NULL is absent */
json_t *rpc_base64(struct tl_slice s);
void rpc_put_base64(json_t *o, const char *key, struct tl_slice s);
/* The TL object as JSON, for `raw`. NULL where it cannot be. */
json_t *rpc_view_raw(const struct tl_view *v);

/* --- peers --- */

/* What is known of a chat; a row with its number alone where nothing is. */
void rpc_view_find(const struct rpc_view *ctx, mt_chat_id chat, struct mt_peer *out);
/* "user", "group", "supergroup", "channel" */
const char *rpc_chat_type(const struct mt_peer *peer);
/* The marked number in a Peer field; 0 where it is absent. */
mt_chat_id rpc_peer_field(const struct tl_view *v, unsigned field);

/* --- parts of a message --- */

/* Entities of a vector field, with their pieces of `text`. NULL: none. */
json_t *rpc_view_entities(const struct tl_view *v, unsigned field, struct tl_slice text);
json_t *rpc_view_media(const struct tl_view *media);
json_t *rpc_view_buttons(const struct tl_view *markup);
json_t *rpc_view_reactions(const struct tl_view *reactions);
json_t *rpc_view_counts(struct tl_vec counts);             /* of ReactionCount */
json_t *rpc_view_reaction(const struct tl_view *reaction); /* a string; NULL: none */
/*
 * The action of a service message: `text` gets the words for it, with the sender's name in front. *change is
 * what a `chat` event calls it, or NULL where it is none.
 */
json_t *rpc_view_action(const struct rpc_view *ctx, const struct tl_view *action, mt_chat_id sender,
                        const char *who, char text[512], const char **change);
/* The `chat` change that a service message stands for, or NULL; *user is whom it concerns, 0 = nobody. */
const char *rpc_view_change(const struct rpc_view *ctx, const struct tl_view *message, int64_t *user,
                            struct tl_slice *title);

/* The direction of a message for filters: 1 in, 2 out. */
struct rpc_message_head {
    int32_t id;
    int32_t date;
    int32_t edit_date;
    int32_t ttl; /* s; 0 = none */
    bool out;
    mt_chat_id chat;
    mt_chat_id sender;
};
/* False: no message (messageEmpty, or none at all). */
bool rpc_message_head(const struct rpc_view *ctx, const struct tl_view *message, struct rpc_message_head *h);
