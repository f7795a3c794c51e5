/*
 * What the files of the connection share. Each of them does one job on this struct:
 *
 *     conn.c      life, keys, links, timers           receive.c  packets in, checks, containers
 *     session.c   session ids, salts, clock, guard     service.c  bad_msg, salts, new_session, pong, acks in
 *     requests.c  states of requests                   state.c    state queries, detailed info, resend
 * requests send.c      packets out, containers              rpc.c      rpc_result init.c      initConnection
 * and other wrappers
 */
#pragma once

#include "core/mtproto/conn.h"
#include "core/mtproto/gzip.h"
#include "core/mtproto/ids.h"
#include "core/mtproto/message.h"
#include "core/mtproto/msgid.h"
#include "core/mtproto/salts.h"
#include "core/mtproto/window.h"

#define MT_PING_EVERY_US (60 * MT_US_PER_S)
/* Pings fall on multiples of it: one wake-up for many accounts. */
#define MT_PING_SLOT_US (10 * MT_US_PER_S)
#define MT_PING_SOON_US (15 * MT_US_PER_S) /* silence with requests under way */
#define MT_PONG_WAIT_US (17 * MT_US_PER_S)
#define MT_PING_DELAY_S 75
/* Silence that ends a link even where no ping could be written: a full send buffer of a dead peer. */
#define MT_SILENCE_US     (90 * MT_US_PER_S)
#define MT_SALTS_EVERY_US (60 * MT_US_PER_S)
#define MT_BIND_WAIT_US   (20 * MT_US_PER_S)
#define MT_ASK_AFTER_US   (60 * MT_US_PER_S) /* a request without answer or ack is asked about */
#define MT_STATE_REQ_MAX  8192
#define MT_GUARD_TIMES    5 /* the same complaint, after as many reactions, within MT_GUARD_US */
#define MT_GUARD_US       (60 * MT_US_PER_S)
#define MT_MISSED_MAX     256
#define MT_UNIQUE_IDS     16
#define MT_LEFT_MAX       4 /* sessions that are left and not destroyed yet */
#define MT_SAID_MAX       2 /* then the link is given up, for the server repeats on the next what it holds */

/* Codes that bad_msg_notification and bad_server_salt have, and one for what comes to the same; a slot for
 * each of the loop guard. */
enum mt_complaint {
    MT_C_ID_LOW,
    MT_C_ID_HIGH,
    MT_C_ID_BITS,
    MT_C_CONTAINER_ID,
    MT_C_TOO_OLD,
    MT_C_SEQ_LOW,
    MT_C_SEQ_HIGH,
    MT_C_SEQ_ODD,
    MT_C_SEQ_EVEN,
    MT_C_SALT,
    MT_C_CONTAINER,
    MT_C_ASKED_FOR, /* msg_resend_req, and states that say that it does not have our message */
    MT_C_COUNT,
};

struct mt_guard {
    uint64_t mark; /* complaints about ids up to this one belong to the reaction before */
    int64_t since; /* mono, of the first of the run */
    unsigned times;
};

struct mt_conn {
    const struct mt_env *env;
    const struct mt_init_params *init;
    struct mt_events *events;
    int32_t layer;
    bool without_updates;

    struct mt_auth_key key;
    bool has_key;
    const struct mt_auth_key *perm; /* borrowed; NULL: `key` is permanent itself */
    int32_t key_ends;               /* server time, s, of a temporary one */
    enum mt_bind_state bind;
    unsigned binds;  /* sent under this key */
    int64_t bind_at; /* mono */
    int32_t bind_code;
    char bind_text[64];
    bool silent;
    const struct mt_conn *heir; /* it takes over; NULL: nobody does */
    struct mt_clock clock;
    int64_t told_offset_us; /* what the owner knows */
    struct mt_salts salts;
    int64_t salts_asked; /* mono */

    uint64_t session_id;
    uint64_t old_session_id;    /* the one before, on this link: answers to it still count; 0: none */
    uint64_t left[MT_LEFT_MAX]; /* sessions that hold updates for nobody, to be destroyed */
    size_t n_left;
    bool left_asked;  /* on this link */
    uint32_t content; /* content-related messages sent in this session */
    struct mt_window window;
    struct mt_acks acks;
    struct mt_ids missed; /* content ignored for its time: fetched when the clock was set right */
    uint64_t unique_ids[MT_UNIQUE_IDS]; /* of new_session_created */
    size_t n_unique_ids;
    struct mt_guard guards[MT_C_COUNT];

    struct mt_msg_list queued; /* requests, by serial */
    struct mt_msg_list flying; /* requests, SENT or ACKED */
    struct mt_msg_list service;
    struct mt_sent_ids sent;
    size_t prune_at;
    uint64_t serial;
    int64_t next_expiry; /* mono: no request ends before; may be early */

    bool linked;
    bool verified;
    bool told_up;
    uint32_t link_no;
    int64_t heard_at;   /* mono, last byte of the peer */
    int64_t request_at; /* mono, last request that was sent */
    int64_t ping_at;    /* mono, last ping that was sent on this link */
    bool ping_open;     /* not answered */
    bool ping_silent;   /* not a byte came after it */
    bool ping_now;
    bool ask_states; /* requests of an earlier link are to be asked about */

    bool inited;
    uint32_t init_epoch; /* an answer to a query wrapped in an earlier epoch says nothing */

    struct tl_out packet;
    size_t inflate_left; /* of the packet that is being read */
};

/* One message of a packet. */
struct mt_in_msg {
    uint64_t msg_id;
    uint32_t seqno;
    const uint8_t *p; /* its body, unpacked */
    size_t n;
    uint8_t *owned;   /* malloc'ed, where it was packed: a handler that keeps it sets NULL */
    bool old_session; /* answers only */
    bool stale;       /* outside the time window: complaints only */
};

/* --- conn.c --- */

/* MT_DC_UP, where it is due. */
void mt_conn_tell_up(struct mt_conn *c);
/* Requests may be sent. */
static inline bool mt_conn_is_bound(const struct mt_conn *c)
{
    return !c->perm || c->bind == MT_BIND_DONE;
}

/* --- session.c --- */

/* An event about the session itself: a silent connection tells none. */
void mt_session_tell(struct mt_conn *c, const struct mt_dc_event *event);

/* New session id; requests that may be repeated are queued again, the others wait for an answer or a
 * complaint of the old session. */
void mt_session_reset(struct mt_conn *c, struct mt_now now);
/* No answer of the old session is waited for any more: it is to be destroyed. */
void mt_session_leave_old(struct mt_conn *c);
/* destroy_session for each that was left. */
void mt_session_destroy_left(struct mt_conn *c);
/* destroy_session_ok or destroy_session_none. */
void mt_on_destroyed(struct mt_conn *c, const uint8_t *p, size_t n);
uint32_t mt_session_seqno(struct mt_conn *c, bool content);
int32_t mt_session_server_s(const struct mt_conn *c, struct mt_now now);
/* The clock was set: MT_DC_TIME where the owner should know. */
void mt_session_clock_moved(struct mt_conn *c, struct mt_now now);
/* What was ignored for its time: `fetch` it (the clock was wrong), or let the owner know that updates are
 * missing (it was right). */
void mt_session_missed(struct mt_conn *c, bool fetch);
/* MT_DC_SALTS. */
void mt_session_salts_changed(struct mt_conn *c);
/* MT_E_STATE where the complaint about `msg_id` came too often. */
int mt_session_guard(struct mt_conn *c, struct mt_now now, enum mt_complaint what, uint64_t msg_id);

/* --- requests.c --- */

/* Its one and only end. Frees what a pending request needs. `owned`: bytes of the event, or NULL. */
void mt_request_end(struct mt_conn *c, struct mt_msg *m, const struct mt_dc_event *event, uint8_t *owned);
/* FAILED with the code and `sent` that its state and the proof allow. */
void mt_request_fail(struct mt_conn *c, struct mt_msg *m, int code, enum mt_sent sent);
/* SENT or ACKED -> QUEUED, in its place. */
void mt_request_requeue(struct mt_conn *c, struct mt_msg *m);
/* What must not happen twice ends in UNKNOWN, the rest is queued again. */
void mt_request_lost(struct mt_conn *c, struct mt_msg *m);
bool mt_request_may_repeat(const struct mt_msg *m);
void mt_requests_expire(struct mt_conn *c, struct mt_now now);
void mt_requests_link_up(struct mt_conn *c);
void mt_requests_link_down(struct mt_conn *c);

/* --- send.c --- */

/* Queues a service message with a copy of its body; without memory it is not sent. */
void mt_service_queue(struct mt_conn *c, enum mt_msg_kind kind, const struct tl_out *body);
/* A message of ours, request or service, that the server certainly did not take. */
void mt_message_refused(struct mt_conn *c, struct mt_msg *m);

/* --- init.c --- */

bool mt_init_wanted(const struct mt_conn *c);
/* Bytes that the wrappers of a request take when all are there. */
size_t mt_init_max(const struct mt_conn *c);
void mt_init_write(const struct mt_conn *c, const struct mt_msg *m, bool init, struct tl_out *out);
void mt_init_again(struct mt_conn *c);

/* --- receive.c, service.c, state.c, rpc.c: MT_OK, or an error that ends the link --- */

/* Unpacks a gzip_packed object within what this packet may still unpack to. MT_E_ZLIB, MT_E_NOMEM. */
int mt_unpack(struct mt_conn *c, const uint8_t *p, size_t n, uint8_t **out, size_t *out_len);
/* The answer to auth.bindTempAuthKey. */
void mt_on_bind_result(struct mt_conn *c, struct mt_msg *m, const uint8_t *p, size_t n);
int mt_on_rpc_result(struct mt_conn *c, struct mt_now now, struct mt_in_msg *in);
int mt_on_bad_msg(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in);
void mt_on_new_session(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in);
void mt_on_future_salts(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in);
void mt_on_pong(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in);
void mt_on_msgs_ack(struct mt_conn *c, const struct mt_in_msg *in);
int mt_on_state_info(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in);
int mt_on_all_info(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in);
void mt_on_state_req(struct mt_conn *c, const struct mt_in_msg *in);
int mt_on_resend_req(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in);
void mt_on_detailed_info(struct mt_conn *c, struct mt_now now, const struct mt_in_msg *in);
/* All of ours that `msg_id` names, by itself or as their container, goes out again; `proven`: the server
 * certainly took none of it. */
void mt_send_again(struct mt_conn *c, uint64_t msg_id, bool proven);
/* Whether it names anything of ours that waits for an answer. */
bool mt_is_named(const struct mt_conn *c, uint64_t msg_id);
/* Queues msg_resend_req for messages of the server. */
void mt_fetch(struct mt_conn *c, const uint64_t *msg_ids, size_t n);
/* Queues msgs_state_req for what flies: of earlier links, or without answer since `before` (mono). */
void mt_ask_states(struct mt_conn *c, int64_t before);
