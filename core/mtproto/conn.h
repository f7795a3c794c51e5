/*
 * The encrypted connection of one session under one auth key: packets in, packets out, and what lies between.
 * It outlives its links (TCP connections): requests, session and salts stay when a link goes. Sans-IO.
 *
 *     submit --> requests.c --> send.c: init.c wraps, gzip.c packs, acks ride along, one packet sealed -->
 * packet events <-- rpc.c, service.c, state.c <-- receive.c: opened, checked, containers taken apart <------
 * feed
 *
 * It works without a key too, collecting requests; mt_conn_set_key() lets them go. Events go into the queue
 * that it was given. Errors that it returns mean: this link is of no use any more, close it; the connection
 * itself stays sound.
 *
 * Rules of repetition (5.10 of the protocol facts). A request that left and has no answer is sent again,
 * under a new id, when
 *   - the server said that it did not take it (bad_msg, bad_server_salt, state 2 or 3, msg_resend_req):
 * always;
 *   - the server may or may not have it: only if it is repeatable or carries a random_id.
 * On a new link repeatable ones go out at once, all others are asked about (msgs_state_req) first; one that
 * was acknowledged waits for its answer. Where the server forgot the session, what is not repeatable ends in
 * FAILED {sent: UNKNOWN}.
 * Source: https://core.telegram.org/mtproto/service_messages_about_messages
 */
#pragma once

#include "core/mtproto/events.h"

struct mt_conn;

struct mt_conn_cfg {
    const struct mt_env *env;
    const struct mt_init_params *init; /* borrowed for life */
    int32_t layer;                     /* of invokeWithLayer */
    bool without_updates;
    const struct mt_auth_key *key; /* NULL: mt_conn_set_key() comes later */
    const struct mt_salt *salts;
    size_t n_salts;
    int64_t time_offset_us; /* a first guess */
    struct mt_events *events;
};

/* Largest packet that a server takes, envelope and padding included. */
#define MT_PACKET_MAX 1044404

struct mt_conn *mt_conn_new(const struct mt_conn_cfg *cfg, struct mt_now now); /* NULL: no memory */
/* Without events: pending requests are forgotten. */
void mt_conn_free(struct mt_conn *c);

/* A fresh key: its first salt and the server's time (trusted). Begins a new session. */
void mt_conn_set_key(struct mt_conn *c, struct mt_now now, const struct mt_auth_key *key, int64_t salt,
                     int64_t time_offset_us);
bool mt_conn_has_key(const struct mt_conn *c);
/* 0: it has none. */
uint64_t mt_conn_key_id(const struct mt_conn *c);
/* The server does not know it: requests wait for another; what was sent under it counts as lost. */
void mt_conn_drop_key(struct mt_conn *c);
/*
 * The key is a temporary one of `perm` (borrowed for life), good until `ends` (server time, s). Until it is
 * bound nothing but auth.bindTempAuthKey and service messages are sent, and no MT_DC_UP is told.
 */
void mt_conn_set_temporary(struct mt_conn *c, const struct mt_auth_key *perm, int32_t ends, bool bound);
enum mt_bind_state {
    MT_BIND_NONE, /* a permanent key */
    MT_BIND_WANTED,
    MT_BIND_SENT,
    MT_BIND_DONE,
    MT_BIND_REFUSED, /* mt_conn_bind_error() says why; tried again on the next link */
};
enum mt_bind_state mt_conn_bind(const struct mt_conn *c);
const char *mt_conn_bind_error(const struct mt_conn *c, int32_t *code);
/* The key and, of a temporary one, its end; borrowed until it is replaced. */
void mt_conn_key(const struct mt_conn *c, const struct mt_auth_key **key, int32_t *ends);
/* MT_DC_SALTS, now. */
void mt_conn_tell_salts(struct mt_conn *c);
/* When the temporary key ends, by our clock (mono). */
int64_t mt_conn_key_ends(const struct mt_conn *c);
/* A silent connection tells of answers and updates only, not of links, sessions, salts and time. */
void mt_conn_set_silent(struct mt_conn *c, bool silent);
/* `to` takes the place of `from`, whose events it tells from now on, and takes over the requests that wait
 * there. What was sent is answered there, or ends by mt_conn_give_up(). */
void mt_conn_take_over(struct mt_conn *to, struct mt_conn *from);
/* No answers will come any more: what may be repeated waits in `to`, the rest ends in UNKNOWN. */
void mt_conn_give_up(struct mt_conn *from, struct mt_conn *to);
/* Nothing is under way, nothing is to be acknowledged. */
bool mt_conn_is_spent(const struct mt_conn *c);

/* As in dc.h. */
int mt_conn_submit(struct mt_conn *c, struct mt_now now, const struct mt_req *req);
void mt_conn_cancel(struct mt_conn *c, struct mt_now now, uint64_t token);
bool mt_conn_withdraw(struct mt_conn *c, struct mt_now now, uint64_t token);
void mt_conn_ack(struct mt_conn *c, struct mt_now now, uint64_t ack);
/* Acks that are pending may leave now. */
void mt_conn_flush(struct mt_conn *c, struct mt_now now);
/* Ends all requests in FAILED {MT_E_STATE}. */
void mt_conn_fail_all(struct mt_conn *c);
size_t mt_conn_pending(const struct mt_conn *c);

/* A link can take packets; it cannot any more. MT_DC_UP follows with the first verified packet, MT_DC_DOWN
 * with the end of a verified link. */
void mt_conn_link_up(struct mt_conn *c, struct mt_now now);
void mt_conn_link_down(struct mt_conn *c, struct mt_now now);
/* Bytes of any kind came: the link lives. */
void mt_conn_heard(struct mt_conn *c, struct mt_now now);
/* Nothing came for so long that the server has closed the link, though we did not hear of it (a machine that
 * slept). */
bool mt_conn_is_stale(const struct mt_conn *c, struct mt_now now);
/* Pings now: is the link still alive? */
void mt_conn_probe(struct mt_conn *c);
/* The next request tells who we are again. */
void mt_conn_init_again(struct mt_conn *c);
/* A message of this link was verified (at least one since mt_conn_link_up). */
bool mt_conn_verified(const struct mt_conn *c);
/* It was, and its key is bound where it has to be: MT_DC_UP was told. */
bool mt_conn_is_up(const struct mt_conn *c);
/*
 * One packet of the server; it is decrypted in place. MT_E_PEER, MT_E_AUTH: not a packet of this key, or
 * broken; MT_E_STATE: the server refuses our messages again and again; MT_E_NOMEM.
 */
int mt_conn_feed(struct mt_conn *c, struct mt_now now, uint8_t *packet, size_t n);
/*
 * The next packet to send, borrowed until the next call; n is 0 where nothing waits. MT_E_NOMEM: nothing left
 * the queue.
 */
int mt_conn_packet(struct mt_conn *c, struct mt_now now, struct tl_slice *packet);
/* Does what is due. MT_E_TIMEOUT: nothing came after a ping, the link is dead. */
int mt_conn_tick(struct mt_conn *c, struct mt_now now);
int64_t mt_conn_deadline(const struct mt_conn *c);

int64_t mt_conn_server_time(const struct mt_conn *c, struct mt_now now);
