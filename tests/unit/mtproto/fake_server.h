/*
 * A scripted server half for the tests of the connection: opens what the client sends and keeps the messages
 * for inspection, seals what a test wants to say. It checks nothing by itself.
 */
#pragma once

#include "tests/unit/check.h"

#include "core/mtproto/conn.h"
#include "core/mtproto/ids.h"
#include "core/mtproto/msgid.h"

#define FAKE_SALT 0x5a17

struct fake_msg {
    uint64_t msg_id;
    uint32_t seqno;
    uint64_t container_id; /* 0: alone in its packet */
    unsigned packet;       /* counted from 1 */
    int64_t salt;
    uint64_t session;
    uint8_t *p;
    size_t n;
};

struct fake {
    struct mt_env env;
    uint64_t rng;
    struct mt_now now;
    int64_t skew_us; /* server time - the client's wall clock */
    struct mt_auth_key key;
    struct mt_init_params init;
    struct mt_events events;
    struct mt_conn *conn;
    uint64_t session; /* of the client's last packet */
    uint64_t last_id;
    struct fake_msg *got;
    size_t n_got;
    unsigned packets;
    uint64_t last_container;
    struct mt_dc_event event; /* of fake_event() */
    uint8_t sealed[1 << 17];
};

/* A connection with a key, a valid salt, and an open link; its first packet (the ping) was taken and
 * answered, so that the link is verified; MT_DC_UP is pulled. */
void fake_start(struct fake *f);
/* The same without link. */
void fake_start_unlinked(struct fake *f);
void fake_stop(struct fake *f);
void fake_random(void *ctx, void *buf, size_t n);
void fake_log(void *ctx, enum mt_log_level level, const char *area, const char *text);
void fake_advance(struct fake *f, int64_t us);

/* Opens one packet of the client into f->got. */
void fake_open(struct fake *f, const uint8_t *p, size_t n);
/* One sealed message in f->sealed; its length. */
size_t fake_seal(struct fake *f, uint64_t msg_id, uint32_t seqno, const struct tl_out *body);
/* A key and an environment without connection, for tests that bring their own. */
void fake_init(struct fake *f);

/* Takes all packets of the client; returns how many messages came. They stay in f->got until fake_forget().
 */
size_t fake_take(struct fake *f);
void fake_forget(struct fake *f);
/* The first message that was got whose constructor is `id`, wrappers of initConnection looked through; NULL:
 * none. *body (may be NULL) gets the function inside. */
struct fake_msg *fake_find(struct fake *f, uint32_t id, struct tl_slice *body);
size_t fake_count(struct fake *f, uint32_t id);

/* A new message id; kind 1 = answer, 3 = of the server's own accord. */
uint64_t fake_id(struct fake *f, unsigned kind);
/* Seals one message and feeds it. Returns mt_conn_feed's result. */
int fake_send_as(struct fake *f, uint64_t msg_id, uint32_t seqno, const struct tl_out *body);
/* With a fresh id; `odd`: content-related. Returns its id. */
uint64_t fake_send(struct fake *f, unsigned kind, bool odd, struct tl_out *body); /* frees body */
/* Bodies. */
struct tl_out fake_body(uint32_t id);
void fake_rpc_result(struct fake *f, uint64_t req_msg_id, const void *result, size_t n);
void fake_rpc_error(struct fake *f, uint64_t req_msg_id, int code, const char *text);
void fake_pong(struct fake *f, uint64_t msg_id);
void fake_bad_msg(struct fake *f, uint64_t msg_id, int code);
void fake_bad_salt(struct fake *f, uint64_t msg_id, int64_t salt);
void fake_msgs_ack(struct fake *f, uint64_t msg_id);
uint64_t fake_new_session(struct fake *f, uint64_t first_msg_id, uint64_t unique_id, int64_t salt);
void fake_gzip(struct tl_out *out, const void *p, size_t n);

/* The next event of the connection into f->event; its kind. */
enum mt_dc_event_kind fake_event(struct fake *f);
/* Submits 12 bytes: id, token. */
#define FAKE_QUERY UINT32_C(0x0ddba115)
void fake_submit(struct fake *f, uint64_t token, unsigned flags, int64_t deadline);
/* The newest message that carries the query of `token`; NULL: none. */
struct fake_msg *fake_query(struct fake *f, uint64_t token);
size_t fake_query_count(struct fake *f, uint64_t token);
