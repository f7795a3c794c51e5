/*
 * Everything toward one data centre over one session: the link and its framing, the key exchange, the
 * encrypted connection, requests and their answers. Sans-IO.
 *
 *            submit                                       next: RESULT ERROR FAILED UPDATES ...
 *               |                                                      ^
 *     +---------v------------------------------------------------------+---------+
 *     | requests (live longer than connections)                                  |
 *     |   conn.h: session, msg_id, seqno, salts, acks, containers, receive checks |
 *     |   keyx.h: while there is no auth_key                                     |
 *     |   frame/: packets <-> bytes                                              |
 *     +---------+------------------------------------------------------^---------+
 *               v output/wrote                                    feed |
 *
 * States: IDLE -> CONNECTING -> (KEYX ->) UP -> WAITING (back-off) -> CONNECTING ...; DEAD after
 * mt_dc_close(), LOST after KEY_LOST (requests wait for their deadlines or mt_dc_close). A machine connects
 * by itself whenever it is open and has work or `keep` is set; without both it closes its link after a
 * minute. After every verb: pull the events, write the output, look at the deadline.
 *
 * Ownership: the machine copies what it is given; what its events point at is borrowed until the next call of
 * any verb on the same machine. Times: struct mt_now; deadlines are `mono`.
 * Sources: https://core.telegram.org/mtproto/description, /mtproto/service_messages.
 */
#pragma once

#include "core/crypto/crypto.h"
#include "core/env.h"
#include "core/frame/frame.h"
#include "core/mtproto/keyx_job.h"

/* What initConnection says of us; strings are borrowed for the life of the machine. */
struct mt_init_params {
    int32_t api_id;
    const char *device_model;
    const char *system_version;
    const char *app_version;
    const char *system_lang_code;
    const char *lang_code;
    const char *proxy_address; /* of an MTProxy; NULL: none */
    uint16_t proxy_port;
};

struct mt_salt {
    int64_t salt;
    int32_t valid_since; /* server time, s */
    int32_t valid_until;
};
#define MT_SALTS_MAX 64

/* A temporary key that is bound. */
struct mt_temp_key {
    struct mt_auth_key key;
    int32_t ends; /* server time, s */
    struct mt_salt salts[MT_SALTS_MAX];
    size_t n_salts;
};

struct mt_dc_cfg {
    const struct mt_env *env;
    int32_t dc_id; /* 1.. ; CDN 200.. */
    bool test;     /* +10000 in handshake and obfuscated header */
    bool media;    /* negative in both */
    enum mt_framing framing;
    bool obfuscated;
    uint8_t secret[16]; /* of a dcOption, for the obfuscated header */
    bool has_secret;
    const struct mt_init_params *init;
    struct mt_rsa *const *rsa_keys; /* borrowed */
    size_t n_rsa_keys;
    const struct mt_auth_key *key; /* saved permanent key, or NULL: a key exchange comes first */
    const struct mt_salt *salts;   /* saved ones */
    size_t n_salts;
    int64_t time_offset_us; /* saved server time - wall, a first guess */
    bool without_updates;   /* session wraps its calls in invokeWithoutUpdates */
    bool keep;              /* stay connected without work (the main session) */
    /*
     * Perfect forward secrecy: everything is said under a temporary key, bound to the permanent one and
     * replaced before its end, while the link stays up. Without it `key` seals everything itself. There is no
     * falling back: who can make an exchange fail could else switch it off.
     */
    bool pfs;
    const struct mt_temp_key *temp; /* the saved one, or NULL */
    int32_t temp_lifetime_s;        /* 0: 23 to 24 hours */
};

/* --- requests --- */

enum mt_req_flag {
    MT_REQ_REPEATABLE = 1, /* may be executed twice: repeated at once after a reconnect */
    MT_REQ_RANDOM_ID = 2,  /* carries a random_id: the server drops a second execution itself */
    MT_REQ_WITHOUT_UPDATES = 8,
};

struct mt_req {
    uint64_t token;      /* the caller's name for it, never 0, not reused while pending */
    const uint8_t *body; /* one serialised function, without wrappers; n % 4 == 0 */
    size_t n;
    unsigned flags;   /* enum mt_req_flag */
    int64_t deadline; /* mono, or MT_NEVER */
};

struct mt_dc;

struct mt_dc *mt_dc_new(const struct mt_dc_cfg *cfg, struct mt_now now); /* NULL: no memory */
void mt_dc_free(struct mt_dc *dc);

/*
 * Takes a request; it ends in exactly one RESULT, ERROR or FAILED event with its token. MT_E_TOO_LARGE where
 * it could never be sent (1,044,404 bytes with its envelope), MT_E_NOMEM.
 */
int mt_dc_submit(struct mt_dc *dc, struct mt_now now, const struct mt_req *req);
/*
 * Withdraws a request. If no byte of it was sent it ends at once in FAILED {sent: NO}; else rpc_drop_answer
 * is sent and it ends in FAILED {sent: UNKNOWN}. An unknown token does nothing.
 */
void mt_dc_cancel(struct mt_dc *dc, struct mt_now now, uint64_t token);
/* As cancel, but only where no byte was sent; false: it goes on. */
bool mt_dc_withdraw(struct mt_dc *dc, struct mt_now now, uint64_t token);
/*
 * What an event with `ack` != 0 carried is safe now (committed): its msgs_ack may leave. Until then the
 * server keeps it and sends it again on the next connection. Any order; unknown values do nothing.
 */
void mt_dc_ack(struct mt_dc *dc, struct mt_now now, uint64_t ack);
/* Acks that are pending leave with the next output: before a planned mt_dc_close(). */
void mt_dc_flush(struct mt_dc *dc, struct mt_now now);

/* --- the link: answers to MT_DC_CONNECT --- */

/* How packets are framed from the next link_up on (its `dc` is not read): addresses differ in it. */
void mt_dc_link_framing(struct mt_dc *dc, const struct mt_frame_cfg *frame);
void mt_dc_link_up(struct mt_dc *dc, struct mt_now now);   /* TCP (or proxy) connected */
void mt_dc_link_down(struct mt_dc *dc, struct mt_now now); /* refused, closed, or reset: back-off follows */
/* Network came back, machine woke up: try now instead of at the end of the back-off. A link on which nothing
 * came for longer than a server waits for us is left at once, any other is asked whether it lives. */
void mt_dc_kick(struct mt_dc *dc, struct mt_now now);
/* The link is closed though nothing is wrong with it, and no failure is counted; the next kick or tick opens
 * another. */
void mt_dc_hang_up(struct mt_dc *dc, struct mt_now now);
/* What `init` points at says something else now: the server is told with the next request. */
void mt_dc_init_again(struct mt_dc *dc);
int mt_dc_feed(struct mt_dc *dc, struct mt_now now, const void *p, size_t n);
struct tl_slice mt_dc_output(struct mt_dc *dc, struct mt_now now);
void mt_dc_wrote(struct mt_dc *dc, struct mt_now now, size_t n);
/* Does what is due; call when `mono` reaches mt_dc_deadline() (MT_NEVER: nothing is). */
void mt_dc_tick(struct mt_dc *dc, struct mt_now now);
int64_t mt_dc_deadline(const struct mt_dc *dc);
/* No further connection; pending requests end in FAILED {sent}. Pull the events, then free. */
void mt_dc_close(struct mt_dc *dc, struct mt_now now);

/* --- events --- */

enum mt_dc_event_kind {
    MT_DC_NONE,
    MT_DC_CONNECT,  /* open a TCP connection to this DC (address: the owner's choice; `attempt` counts
                       tries since the last success) */
    MT_DC_CLOSE,    /* close it; nothing more is fed from it */
    MT_DC_UP,       /* encrypted traffic verified on this connection */
    MT_DC_DOWN,     /* was UP, is not any more */
    MT_DC_KEY,      /* a key exchange succeeded: save key, salt, time_offset_us power-safely, then call
                       mt_dc_done(dc, now, MT_DC_KEY, MT_OK); nothing is sent under it before */
    MT_DC_COMPUTE,  /* run a copy of `job` on another thread (secret: wipe it), then mt_dc_computed() */
    MT_DC_TEMP_KEY, /* key is bound and good until `ends`, its salts follow; NULL: there is none any more.
                       Save when convenient: if it is lost, another is made */
    MT_DC_SALTS,    /* salts[n_salts] replaced, of the temporary key or the other; save when convenient */
    MT_DC_TIME,     /* time_offset_us changed by over a second */
    MT_DC_RESULT,   /* token; p, n: the result object, unpacked; ack */
    MT_DC_ERROR,    /* token; code, text: the server's rpc_error; ack; sent: UNKNOWN where an earlier copy of
                       the request may have been executed */
    MT_DC_FAILED,   /* token; code: MT_E_TIMEOUT, MT_E_STATE (cancelled or closed), MT_E_PEER (answer that
                       does not parse); sent says whether it may have been executed */
    MT_DC_UPDATES,  /* p, n: an Updates object, or one of an unknown kind (updates are missing then); ack */
    MT_DC_NEW_SESSION, /* the server made our session anew: updates may have been lost; `other`: it is another
                          one, or they certainly were */
    MT_DC_KEY_LOST,    /* the server does not know our key, on two fresh connections: the owner decides */
    MT_DC_TROUBLE,     /* code: a transport error (-404, -429, -444) or MT_E_*; text says where; for status */
};

enum mt_sent { MT_SENT_NO, MT_SENT_YES, MT_SENT_UNKNOWN };

struct mt_dc_event {
    enum mt_dc_event_kind kind;
    uint64_t token;
    uint64_t ack;
    int32_t code;
    struct tl_slice text;
    const uint8_t *p;
    size_t n;
    enum mt_sent sent;
    unsigned attempt;
    const struct mt_auth_key *key;
    int64_t salt;
    int64_t time_offset_us;
    bool temporary;
    bool other;
    int32_t ends;
    const struct mt_salt *salts;
    size_t n_salts;
    const struct mt_keyx_job *job;
};

void mt_dc_next(struct mt_dc *dc, struct mt_dc_event *event);
/* The end of work that an event asked for: `what` is the event's kind, `result` MT_OK or the error. */
void mt_dc_done(struct mt_dc *dc, struct mt_now now, enum mt_dc_event_kind what, int result);
/* The end of COMPUTE, whenever it comes: what nobody waits for any more is ignored. NULL: it could not be
 * run. */
void mt_dc_computed(struct mt_dc *dc, struct mt_now now, const struct mt_keyx_job *job);

/* --- to look at --- */

bool mt_dc_is_up(const struct mt_dc *dc);
/* Server-corrected Unix time, µs. */
int64_t mt_dc_server_time(const struct mt_dc *dc, struct mt_now now);
size_t mt_dc_pending(const struct mt_dc *dc);
