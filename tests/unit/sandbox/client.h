/*
 * A client half for tests of the sandbox, apart from tgd's own: it can break any single rule. It holds
 * server, world and link in one; everything fails the test (cmocka) where it does not work.
 */
#pragma once

#include "tests/unit/check.h"

#include "core/frame/frame.h"
#include "tests/sandbox/server.h"
#include "tests/unit/sandbox/fake_world.h"
#include "tl/ids.h"
#include "tl/view.h"

#define TC_MESSAGES 512
#define TC_DC       2

struct tc_msg {
    uint64_t id;
    uint32_t seqno;
    uint8_t *p; /* malloc'ed, gzip taken off the whole and off the result */
    size_t n;
};

/* What the client may do wrong in the packet that it seals next; all zero: nothing. */
struct tc_wrong {
    bool msg_key;     /* one bit flipped */
    bool short_pad;   /* 0 bytes of padding */
    bool long_pad;    /* 1040 bytes */
    bool odd_length;  /* length field not a multiple of 4 */
    bool past_end;    /* length field over what is there */
    bool server_side; /* sealed as if by a server */
    bool no_session;  /* session id 0 */
    bool salt;
    uint64_t key_id; /* another key id in front */
};

/* What a client may do wrong, or differently, in a key exchange. */
enum tc_hs {
    HS_RIGHT,
    HS_LEGACY_RSA,
    HS_OLD_FORM, /* inner data without a DC */
    HS_MEDIA_DC,
    HS_TEST_DC,
    HS_REPEAT, /* every request is sent twice */
    HS_WRONG_DC,
    HS_WRONG_P,
    HS_WRONG_INNER_PQ,
    HS_WRONG_NONCE,
    HS_WRONG_SERVER_NONCE,
    HS_WRONG_INNER_NONCE,
    HS_WRONG_PRINT,
    HS_WRONG_RSA,
    HS_WRONG_DH_NONCE,
    HS_WRONG_DH_HASH,
    HS_WRONG_RETRY_ID,
    HS_G_B_ONE,
    HS_SKIP_DH,   /* set_client_DH_params at once */
    HS_NO_EXPIRY, /* a temporary key for 0 seconds */
};

/* Server, world, clock: one per test. */
struct tc_bench {
    struct mt_env env;
    uint64_t random;
    struct mt_now now;
    struct sb_world *world;
    struct sb_server *server;
    struct mt_rsa *rsa; /* public */
};

struct tc {
    struct tc_bench *b;
    uint32_t conn;
    int32_t dc;
    struct mt_frame *frame;
    struct mt_auth_key key;
    int64_t salt;
    uint64_t session, last_id;
    uint32_t content;
    struct tc_wrong wrong;
    /* what came */
    struct tc_msg msg[TC_MESSAGES];
    size_t n_msg;
    int32_t error;      /* transport error, 0 = none */
    uint32_t quick_ack; /* token, 0 = none */
    bool closed;
    uint8_t plain[2048]; /* last plain packet's body */
    size_t plain_len;
};

void tc_bench_init(struct tc_bench *b, uint64_t seed, bool strict);
/* With an MTProxy of this secret in front of it. */
void tc_bench_init_proxied(struct tc_bench *b, uint64_t seed, const char *secret);
void tc_bench_fini(struct tc_bench *b);
void tc_advance(struct tc_bench *b, int64_t seconds); /* both clocks, then tick */
/* A request of the control socket; fails the test on an error. Borrowed text of JSON parameters. */
void tc_control(struct tc_bench *b, const char *method, const char *params);

void tc_init(struct tc *c, struct tc_bench *b);
void tc_fini(struct tc *c);
void tc_connect(struct tc *c, enum mt_framing framing, bool obfuscated);
void tc_disconnect(struct tc *c);
/* Connects (intermediate) and makes a key; expires_in 0: a permanent one. */
void tc_handshake(struct tc *c, int32_t expires_in);
/* The same in another way; false where the server ended it. */
bool tc_try_handshake(struct tc *c, int32_t expires_in, enum tc_hs how);
void tc_new_session(struct tc *c);
/* The same and then initConnection around help.getConfig; forgets what came. */
void tc_up(struct tc *c);

/* Moves what the server wrote to the client's lists. */
void tc_pump(struct tc *c);
void tc_forget(struct tc *c);

uint64_t tc_next_id(struct tc *c);
uint32_t tc_next_seqno(struct tc *c, bool content);
/* One sealed packet; then pumps. */
void tc_send_at(struct tc *c, uint64_t id, uint32_t seqno, const void *body, size_t n);
/* With the right id and seqno; its id. */
uint64_t tc_send(struct tc *c, bool content, const struct tl_out *body);
void tc_send_plain(struct tc *c, const struct tl_out *body);

/* Bodies; the caller frees them with tl_out_free. */
struct tl_out tc_body(uint32_t id);                     /* a function without fields */
struct tl_out tc_init_body(uint32_t id, int32_t layer); /* initConnection around it */
struct tl_out tc_ids_body(uint32_t id, const uint64_t *ids, uint32_t n);
/* A container's body from messages whose p, n are borrowed. */
struct tl_out tc_container(const struct tc_msg *list, uint32_t n);

/* The i-th message that begins with this id (0 = first), or NULL. */
const struct tc_msg *tc_find(const struct tc *c, uint32_t id, size_t i);
size_t tc_count(const struct tc *c, uint32_t id);
/* The result of a query: what follows in its rpc_result; NULL where none came. */
const struct tc_msg *tc_result(const struct tc *c, uint64_t req);
/* Fails unless query `req` was answered by this constructor. */
void tc_expect_result(const struct tc *c, uint64_t req, uint32_t id);
void tc_expect_error(const struct tc *c, uint64_t req, int32_t code, const char *text);
/* Fails unless message `id` was refused by this code, and nothing was executed since `calls`. */
void tc_expect_bad(const struct tc *c, uint64_t id, int code);
void tc_expect_closed(const struct tc *c, int32_t error);
