/*
 * What the files of the protocol half share: connections, keys, sessions, messages. Private to them.
 *
 *     sb_server --< sb_conn                    one per TCP connection; its frames, its key exchange
 *         |                                       ^ conn (may be NULL)
 *         +-----< sb_key --< sb_session ----------+
 *                               |--< sb_seen   what came in: the window of message ids
 *                               +--< sb_out    what goes out: kept until acknowledged
 *
 * Sessions outlive connections; keys outlive sessions. A session is found by (key, session id).
 */
#pragma once

#include <sys/queue.h>

#include "core/frame/frame.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/keyx_server.h"
#include "tests/sandbox/mtproxy.h"
#include "tests/sandbox/server.h"

#define SB_WINDOW      1024               /* message ids remembered per session */
#define SB_IN_MAX      (64 * 1024 * 1024) /* unpacked client data */
#define SB_OUT_MAX     (64 * 1024 * 1024) /* kept for a session, and waiting on a connection */
#define SB_PUSH_MAX    500                /* updates kept for a session that is away; then updatesTooLong */
#define SB_KEY_BUCKETS 1024
#define SB_SESSION_TTL (3600 * MT_US_PER_S) /* away for longer: forgotten */

enum sb_stage {
    SB_STAGE_PLAIN,   /* needs no answer, or has had it: acks, pings */
    SB_STAGE_RUNNING, /* an RPC whose answer is held back */
    SB_STAGE_DONE,    /* an RPC that was answered */
    SB_STAGE_FAILED,  /* ... with an rpc_error */
};

struct sb_seen {
    uint64_t msg_id;
    uint32_t seqno;
    enum sb_stage stage;
    bool acked; /* we said so, or answered */
};

struct sb_out {
    TAILQ_ENTRY(sb_out) link;
    uint64_t msg_id;
    uint32_t seqno;
    uint64_t req;  /* of an rpc_result: the query's id */
    bool content;  /* waits for an ack; others are freed once sent */
    bool push;     /* an update */
    bool sent;     /* on the connection that the session has now */
    bool announce; /* only announced by a detailed_info; sent when asked for */
    size_t n;
    uint8_t body[];
};
TAILQ_HEAD(sb_outs, sb_out);

/* An answer that a fault holds back. */
struct sb_held {
    TAILQ_ENTRY(sb_held) link;
    int64_t due;   /* server mono */
    bool overtake; /* or when the next answer of its session has gone */
    uint64_t req;
    bool failed;
    size_t n;
    uint8_t body[];
};
TAILQ_HEAD(sb_helds, sb_held);

#define SB_ASKED_MAX 32
struct sb_session {
    struct sb_session *next; /* of its key */
    struct sb_key *key;
    uint64_t id;
    struct sb_conn *conn;
    struct sb_seen *seen; /* sorted by msg_id */
    size_t n_seen, cap_seen;
    struct sb_outs outs;
    size_t out_bytes, n_pushes;
    struct sb_helds helds;
    uint64_t *acks; /* ids to acknowledge */
    size_t n_acks, cap_acks;
    uint64_t last_out_id;
    uint32_t out_content; /* content messages sent */
    int32_t seq;          /* containers of updates sent, beyond the first */
    uint64_t ask_id;      /* of our last msgs_state_req, about these */
    uint64_t asked[SB_ASKED_MAX];
    size_t n_asked;
    int64_t away_since; /* server mono, while conn is NULL */
    bool announced;     /* new_session_created was sent */
    bool wants_updates;
    bool too_long; /* updates were thrown away */
    bool dirty;    /* in sb_server.dirty */
    struct sb_session *next_dirty;
};

struct sb_key {
    struct sb_key *next; /* of its bucket */
    struct mt_auth_key auth;
    int32_t dc_id;
    int64_t first_salt;
    int64_t created;    /* Unix s of the server */
    uint32_t salt_turn; /* rises when salts are changed on demand */
    int64_t expires;    /* Unix s; 0 = permanent key */
    uint64_t perm_id;   /* the key that speaks for the user; 0 = temporary and not bound */
    bool inited;        /* initConnection was seen */
    int32_t layer, api_id;
    int32_t seq; /* the highest that a session of it was sent */
    bool doomed; /* destroyed: goes when its answer has left */
    struct sb_session *sessions;
};

struct sb_conn {
    uint32_t number;
    int32_t dc_id; /* 0: came through the MTProxy and has not said yet */
    struct mt_frame *frame;
    struct sb_mtproxy *way; /* NULL: it came directly */
    struct sb_keyx *keyx;   /* NULL until the first plain packet */
    enum sb_close close;
    int64_t hangup;     /* server mono, of ping_delay_disconnect; MT_NEVER */
    uint64_t cut_after; /* output bytes until a fault cuts it; UINT64_MAX */
    bool trickle;       /* output in single bytes */
    bool ready;
    struct sb_conn *next_ready;
};

struct sb_stats {
    uint64_t conns, key_exchanges, packets, messages, calls, refused, bad_salt, bad_msg, errors;
    uint64_t new_sessions, packets_out, messages_out, resent, pushes, transport_errors;
};

struct sb_server {
    const struct mt_env *env;
    struct sb_world *world;
    uint64_t seed;
    uint64_t prng;
    bool strict;
    struct mt_rsa *rsa;
    char *public_pem;
    int32_t *dcs;
    size_t n_dcs;
    int64_t sweep_at; /* server mono */
    int64_t shift;    /* µs that `advance` added to both clocks */
    struct sb_conn **conns;
    size_t n_conns;
    struct sb_conn *ready_first, *ready_last;
    struct sb_key *keys[SB_KEY_BUCKETS];
    struct sb_session *dirty;
    bool doomed; /* some key is */
    struct sb_faults faults;
    struct sb_stats stats;
    uint64_t moves;               /* DCs that are to move, by their place in dcs */
    struct sb_mtproxy_door *door; /* NULL: no MTProxy */
};

/* One message of a client, taken out of its packet and container. */
struct sb_in {
    uint64_t id;
    uint32_t seqno;
    const uint8_t *p;
    size_t n;
    bool in_container;
};

/* --- server.c --- */

struct mt_now sb_clock(const struct sb_server *s, struct mt_now now);
static inline int64_t sb_unix(struct mt_now at)
{
    return at.wall / MT_US_PER_S;
}
/* A deterministic number below n, of the seed: which of several correct forms is used. */
uint64_t sb_choose(struct sb_server *s, uint64_t n);
void sb_conn_ready(struct sb_server *s, struct sb_conn *c);
void sb_conn_close(struct sb_server *s, struct sb_conn *c, enum sb_close how);
/* A negative transport code, and the end of the connection. */
void sb_conn_error(struct sb_server *s, struct sb_conn *c, int32_t code);
/* Hands the world's updates to the sessions. `at`: server time here and below. */
void sb_drain_pushes(struct sb_server *s, struct mt_now at);
/* Sends what waits for any session, then lets go of destroyed keys. */
void sb_flush(struct sb_server *s, struct mt_now at);

/* --- keys.c --- */

struct sb_key *sb_key_find(struct sb_server *s, int32_t dc_id, uint64_t id);
/* NULL: no memory. `expires` 0: a permanent key. */
struct sb_key *sb_key_add(struct sb_server *s, int32_t dc_id, const uint8_t key[MT_KEY_LEN], int64_t salt,
                          int64_t created, int64_t expires);
void sb_key_remove(struct sb_server *s, struct sb_key *k);
void sb_keys_clear(struct sb_server *s);
/* Forgets all sessions of all keys. */
void sb_sessions_clear(struct sb_server *s);
/* The i-th salt of a key; each begins SB_SALT_STEP s after the one before and is good for twice that. */
#define SB_SALT_STEP 1800
int64_t sb_salt_at(const struct sb_key *k, int64_t index);
int64_t sb_salt_index(const struct sb_key *k, struct mt_now at);
bool sb_salt_ok(const struct sb_key *k, struct mt_now at, int64_t salt);

/* --- session.c --- */

struct sb_session *sb_session_find(struct sb_key *k, uint64_t id);
/* NULL: no memory. Of too many sessions on one key the oldest goes. */
#define SB_SESSIONS_MAX 128
struct sb_session *sb_session_add(struct sb_server *s, struct sb_key *k, uint64_t id);
/* Forgets everything but its name and connection, as a server that lost it. */
void sb_session_reset(struct sb_session *ses);
void sb_session_remove(struct sb_server *s, struct sb_session *ses);
struct sb_seen *sb_seen_find(struct sb_session *ses, uint64_t msg_id);
/*
 * Checks id and seqno of a message against the window and enters it. 0, or the code of a bad_msg_notification
 * (20, 32, 33); -1: seen before (*seen is its entry); MT_E_NOMEM.
 */
int sb_seen_enter(struct sb_session *ses, const struct sb_in *m, struct sb_seen **seen);
void sb_session_ack(struct sb_session *ses, uint64_t msg_id);   /* notes an ack to send */
void sb_session_acked(struct sb_session *ses, uint64_t msg_id); /* the client acknowledged one of ours */
void sb_session_dirty(struct sb_server *s, struct sb_session *ses);

/* --- session_in.c --- */

/* A packet under a key. `p` is writable. */
void sb_session_packet(struct sb_server *s, struct sb_conn *c, struct mt_now at, uint8_t *p, size_t n,
                       bool quick_ack);

/* --- session_out.c --- */

enum sb_send {
    SB_SEND_REPLY,   /* response, no ack wanted */
    SB_SEND_NOTICE,  /* not a response, no ack wanted */
    SB_SEND_CONTENT, /* not a response, wants an ack */
    SB_SEND_PUSH,    /* the same: an update */
    SB_SEND_RESULT,  /* an rpc_result */
};
/* Queues a message; NULL: no memory, or the session's limit is reached. */
struct sb_out *sb_send(struct sb_server *s, struct sb_session *ses, struct mt_now at, enum sb_send how,
                       uint64_t req, const void *body, size_t n);
void sb_out_free(struct sb_session *ses, struct sb_out *o);
/* Queues rpc_result(req, result), gzipped where the seed says so, and marks the query as answered. */
void sb_send_result(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t req,
                    const void *result, size_t n, bool failed);
void sb_send_error(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t req, int32_t code,
                   const char *text);
void sb_send_bad_msg(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                     int code);
void sb_send_bad_salt(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m);
/* Sends or announces a kept message again. */
void sb_resend(struct sb_server *s, struct sb_session *ses, struct mt_now at, struct sb_out *o,
               bool allow_announce);
/* It is told of by a msg_detailed_info and waits to be asked for. */
void sb_announce(struct sb_server *s, struct sb_session *ses, struct mt_now at, struct sb_out *o);
struct sb_out *sb_out_by_req(struct sb_session *ses, uint64_t req);
struct sb_out *sb_out_by_id(struct sb_session *ses, uint64_t msg_id);
/* The session lives on connection `c` from here on: what was not acknowledged is sent again. */
void sb_session_attach(struct sb_server *s, struct sb_session *ses, struct sb_conn *c, struct mt_now at);
void sb_session_detach(struct sb_session *ses, struct mt_now at);
/* Packs and seals everything that waits into packets of the session's connection. */
void sb_session_flush(struct sb_server *s, struct sb_session *ses, struct mt_now at);

/* --- service.c: service messages. True: was one of them (and is done). --- */

/* msgs_state_req about what was sent and not acknowledged: what the client says to have goes, the rest is
 * sent again. */
void sb_ask_states(struct sb_server *s, struct sb_session *ses, struct mt_now at);
/* A message of the client that we claim not to have: asked for, or told of. */
void sb_say_missing(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t msg_id, bool ask);
bool sb_service(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m);
/* What the seqno of a body with this id must be. ODD: an RPC, that is, no service message. */
enum sb_parity { SB_PARITY_ODD, SB_PARITY_EVEN, SB_PARITY_ANY };
enum sb_parity sb_service_parity(uint32_t id);

/* --- call.c: everything else is a function of the API --- */

/* What stands around a function, and where it begins. */
struct sb_wraps {
    struct tl_in query; /* the function itself */
    int32_t layer;      /* 0: no invokeWithLayer */
    bool init, without_updates, has_takeout, has_business;
    int32_t api_id;
    int64_t takeout;
    struct tl_slice business; /* connection_id; points into the call */
    struct tl_slice after;    /* of invokeAfterMsg(s): ids, little-endian */
    const char *error;        /* text of the rpc_error that a malformed wrapper earns */
    uint8_t *unpacked;        /* malloc'ed; query may point into it */
};
void sb_unwrap(struct sb_wraps *w, const uint8_t *p, size_t n);
void sb_unwrap_free(struct sb_wraps *w);
/* `fault`: NULL, or the rule that strikes this call. */
void sb_call(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
             struct sb_wraps *w, const struct sb_fault *fault);
/*
 * The world speaks our layer; the client hears the one that it declared (tl/reshape.h). p..p+n in the form of
 * `field` (NULL: any boxed object) is written to `out`; false where it is to be sent as it is.
 */
bool sb_in_layer_of(const struct sb_key *k, const struct tl_field *field, const void *p, size_t n,
                    struct tl_out *out);
/* Answers whose time has come. */
void sb_call_tick(struct sb_server *s, struct sb_session *ses, struct mt_now at);
int64_t sb_call_deadline(const struct sb_session *ses);

/* --- bind.c: auth.bindTempAuthKey --- */

/* 0 and bound, or the code of an rpc_error with *text. */
int sb_bind(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
            struct tl_in *call, const char **text);

/* --- pack.c: gzip --- */

/* Unpacks gzip data; TL_OK or an error; *out is malloc'ed. */
int sb_gunzip(const uint8_t *p, size_t n, size_t max, uint8_t **out, size_t *out_len);
/* gzip_packed(p, n) into out; false where it would not be smaller. */
bool sb_gzip_packed(struct tl_out *out, const void *p, size_t n);
