/*
 * What we send: requests of the owner and service messages of our own, with what became of each.
 *
 *             submit                packet made           msgs_ack, state 4             answer
 *     (new) ---------> QUEUED ------------------> SENT ------------------> ACKED ------------------> DONE
 *                        ^                         |                         |
 *                        +--- proven not received, or harmless to repeat ----+
 *
 * A message that is sent again gets a new msg_id and seqno; every id that it ever had stays in mt_sent, so an
 * answer to any of them ends it, while a complaint counts only about the newest.
 * Lists, mt_sent and whoever else points at a message hold a reference.
 */
#pragma once

#include "core/mtproto/acks.h"
#include "core/mtproto/events.h"

enum mt_msg_kind {
    MT_MSG_RPC,        /* a request of the owner */
    MT_MSG_DROP,       /* rpc_drop_answer: a service message that is a query */
    MT_MSG_BIND,       /* auth.bindTempAuthKey: the body is made for the id that it gets */
    MT_MSG_ACK,        /* msgs_ack */
    MT_MSG_PING,       /* ping_delay_disconnect */
    MT_MSG_SALTS,      /* get_future_salts */
    MT_MSG_STATE_REQ,  /* msgs_state_req */
    MT_MSG_STATE_INFO, /* msgs_state_info */
    MT_MSG_RESEND_REQ, /* msg_resend_req */
    MT_MSG_DESTROY,    /* destroy_session */
};

enum mt_msg_state { MT_MSG_QUEUED, MT_MSG_SENT, MT_MSG_ACKED, MT_MSG_DONE };

struct mt_conn;

struct mt_msg {
    struct mt_msg *prev, *next;
    struct mt_conn *owner; /* MT_MSG_RPC: in whose lists it is; its answer may come to another */
    enum mt_msg_kind kind;
    enum mt_msg_state state;
    unsigned refs;
    uint8_t *body;
    size_t n;
    /* of the newest sending */
    uint64_t msg_id;
    uint64_t container_id; /* 0: it was alone in its packet */
    uint64_t session_id;
    uint32_t link_no;
    int64_t sent_at;
    bool wrapped; /* in initConnection */
    uint32_t init_epoch;
    /* MT_MSG_RPC */
    uint64_t serial; /* order of submission: kept when it is sent again */
    uint64_t token;
    unsigned flags; /* enum mt_req_flag */
    unsigned inits; /* how often the server asked for initConnection */
    bool doubtful;  /* an earlier sending, whose fate nobody knows, may have been executed */
    unsigned said;  /* how often the server said that its answer is there, and it was not */
    int64_t deadline;
    struct mt_event_node *node; /* for its end */
};

struct mt_msg_list {
    struct mt_msg *head, *tail;
    size_t n;
};

/* Copies the body. NULL: no memory. One reference, the caller's. */
struct mt_msg *mt_msg_new(enum mt_msg_kind kind, const void *body, size_t n);
struct mt_msg *mt_msg_ref(struct mt_msg *m);
void mt_msg_unref(struct mt_msg *m);
/*
 * Frees the body, wiped: it may be a code, a password's proof or a token, sent by a login or by a raw call.
 * Larger ones than this are none of these.
 */
#define MT_WIPE_MAX 4096
void mt_msg_drop_body(struct mt_msg *m);

/* Lists take over the caller's reference on add and give it back on remove. */
void mt_msg_append(struct mt_msg_list *l, struct mt_msg *m);
/* Before the first one of a higher serial. */
void mt_msg_insert(struct mt_msg_list *l, struct mt_msg *m);
void mt_msg_remove(struct mt_msg_list *l, struct mt_msg *m);

/* --- ids that we sent --- */

struct mt_sent_id {
    uint64_t msg_id;
    uint64_t container_id; /* 0: alone */
    struct mt_msg *msg;    /* NULL: a container */
};

/* Ids of containers and service messages are forgotten after this time, or beyond this number. */
#define MT_SENT_KEEP_US (600 * MT_US_PER_S)
#define MT_SENT_KEEP    1024

struct mt_sent_ids {
    struct mt_sent_id *v; /* by msg_id */
    size_t n, cap;
};

void mt_sent_fini(struct mt_sent_ids *s);
/* Makes room for n more, so that mt_sent_add() cannot fail. TL_E_NOMEM. */
int mt_sent_reserve(struct mt_sent_ids *s, size_t n);
void mt_sent_add(struct mt_sent_ids *s, uint64_t msg_id, uint64_t container_id, struct mt_msg *msg);
/* NULL: not ours, or forgotten. Borrowed until the next add or prune. */
struct mt_sent_id *mt_sent_find(const struct mt_sent_ids *s, uint64_t msg_id);
/* Forgets ids of done messages, and all but those of pending requests where they are less than `before` or
 * among the oldest beyond MT_SENT_KEEP. */
void mt_sent_prune(struct mt_sent_ids *s, uint64_t before);
