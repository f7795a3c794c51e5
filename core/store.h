/*
 * The only calls that core makes outward: reads of what was stored earlier, one indexed lookup each, no
 * writes. storage/ implements it over SQLite, tests over memory. All rows belong to one account.
 *
 * Every call returns MT_OK, MT_E_NOT_FOUND, or another MT_E_* when the disk failed (the caller goes on as if
 * nothing were known). Strings in a row are copied into it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "tl/wire.h"

/* The marked number of a chat: user id, -id of a basic group, -(10^12 + id) of a channel. */
typedef int64_t mt_chat_id;

enum mt_peer_kind { MT_PEER_USER, MT_PEER_GROUP, MT_PEER_CHANNEL };

#define MT_NAME_MAX     256
#define MT_USERNAME_MAX 64
#define MT_PHONE_MAX    32

struct mt_peer {
    mt_chat_id chat;
    enum mt_peer_kind kind;
    int64_t access_hash;
    bool has_hash; /* a full hash; false: only a min object was seen, or a basic group */
    bool bot;
    bool broadcast; /* channel that is no supergroup */
    bool forum;
    bool gone; /* deactivated, forbidden, left */
    bool self;
    mt_chat_id migrated_to; /* basic group that became a supergroup; 0 */
    /* where a min peer was seen, for *FromMessage constructors; 0 = nowhere */
    mt_chat_id seen_chat;
    int32_t seen_msg;
    char name[MT_NAME_MAX];         /* title, or first and last name; UTF-8 */
    char username[MT_USERNAME_MAX]; /* without @; "" = none */
    char phone[MT_PHONE_MAX];       /* digits; "" = unknown */
};

/* Where a send stands; written to disk, so never renumbered. From MT_SEND_SENT on it has ended. */
enum mt_send_state {
    MT_SEND_WAITING = 0,   /* no byte has left */
    MT_SEND_RUNNING = 1,   /* a byte may have left, no answer yet */
    MT_SEND_SENT = 2,      /* `result` is the answer */
    MT_SEND_FAILED = 3,    /* for good; frees its dedup key */
    MT_SEND_EXPIRED = 4,   /* its time ran out before a byte left; frees its dedup key */
    MT_SEND_CANCELLED = 5, /* withdrawn before a byte left; frees its dedup key */
};
/* Written to disk too. */
enum mt_send_flag {
    MT_SEND_QUEUED = 1,    /* goes on without its caller, until `expires` */
    MT_SEND_UNORDERED = 2, /* stands in no lane */
};
static inline bool mt_send_has_ended(int state)
{
    return state >= MT_SEND_SENT;
}

/* A send: see core/outbox. Borrowed for the call. */
struct mt_outbox_row {
    int64_t id; /* send_id */
    mt_chat_id chat;
    int64_t random_id;
    struct tl_slice dedup;  /* the caller's dedup_key, or empty */
    struct tl_slice digest; /* 32 bytes over method and parameters */
    struct tl_slice method; /* TL name */
    struct tl_slice params; /* JSON text of its TL fields, peers resolved */
    int64_t created;        /* Unix s */
    int64_t first_sent;     /* Unix s of the first byte, or 0 */
    int state;              /* enum mt_send_state */
    struct tl_slice result; /* JSON text of the answer, once sent */
    int64_t expires;        /* Unix s: until then it is tried; 0 = a day from `created` */
    unsigned flags;         /* enum mt_send_flag */
};

/* A channel that is followed. */
struct mt_channel_row {
    int64_t id;
    int32_t pts;  /* 0: not known yet (one that is only watched) */
    int32_t top;  /* id of the newest message that is known; 0: none; below 0: its first difference is not
                     done, and messages before the Unix time -top are no news */
    bool watched; /* asked for by itself, pushed or not: see mt_account_watch() */
};

struct store_ops {
    void *ctx;
    int (*peer_by_chat)(void *ctx, mt_chat_id chat, struct mt_peer *out);
    int (*peer_by_username)(void *ctx, const char *name, struct mt_peer *out); /* any case */
    int (*peer_by_phone)(void *ctx, const char *digits, struct mt_peer *out);
    /* a channel that is followed; MT_E_NOT_FOUND: not followed yet */
    int (*channel)(void *ctx, int64_t channel_id, struct mt_channel_row *out);
    /* calls `row` for the channels above `after` in the order of their ids until it returns other than 0 */
    int (*each_channel)(void *ctx, int64_t after, int (*row)(void *arg, const struct mt_channel_row *row),
                        void *arg);
    /* the same for those that are watched */
    int (*each_watched)(void *ctx, int (*row)(void *arg, const struct mt_channel_row *row), void *arg);
    /* calls `row` for every send that has not ended, oldest first */
    int (*each_unsent)(void *ctx, int (*row)(void *arg, const struct mt_outbox_row *row), void *arg);
    /* the newest send with this key, ended or not */
    int (*send_by_dedup)(void *ctx, mt_chat_id chat, const void *key, size_t n,
                         int (*row)(void *arg, const struct mt_outbox_row *row), void *arg);
};

/*
 * --- arithmetic of marked numbers (protocol: basic groups below 10^12, channels beyond) ---
 * Ids come from the wire: one out of its range wraps to some number that mt_chat_split() takes for another
 * kind or for none.
 */

static inline mt_chat_id mt_chat_of_user(int64_t id)
{
    return id;
}
static inline mt_chat_id mt_chat_of_group(int64_t id)
{
    return (int64_t)(0 - (uint64_t)id);
}
static inline mt_chat_id mt_chat_of_channel(int64_t id)
{
    return (int64_t)(0 - (UINT64_C(1000000000000) + (uint64_t)id));
}
/* False where the number is none of the three. *id is the bare id. */
bool mt_chat_split(mt_chat_id chat, enum mt_peer_kind *kind, int64_t *id);
