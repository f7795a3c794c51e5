/*
 * One Telegram account: its data centres, login, requests with their retry policy, peers, update state,
 * outbox. Sans-IO: the daemon moves bytes and carries out effects.
 *
 * One turn of the owner:
 *
 *     feed / submit / tick ...          bytes, requests and time go in
 *     while mt_account_next(a, &fx)     effects come out; storage writes what they say, views render UPDATEs
 *     COMMIT                            one transaction for all of the turn
 *     mt_account_committed(a, now)      now what waited for it may leave: acks, first bytes of sends
 *     mt_account_output / wrote         per link
 *
 * REPLY and UPDATE effects are held back by the owner until the same COMMIT. Effects borrow their bytes until
 * the next call of mt_account_next or any other verb.
 *
 * Login states (struct mt_login): NONE -> CODE -> PASSWORD -> READY; LOGGED_OUT from READY. A 401 is
 * confirmed before LOGGED_OUT; a key is never dropped on a guess.
 */
#pragma once

#include "core/mtproto/dc.h"
#include "core/proxy/proxy.h"
#include "core/store.h"

/* --- where the servers are --- */

#define MT_DC_MAX 10000 /* greatest id that is taken */
#define MT_CDN_DC 200   /* ids from here on are CDNs' */

/* A dcOption (core/account/addresses.h says how they are chosen). */
struct mt_server {
    int32_t dc_id;
    char ip[46]; /* IPv4 or IPv6, textual */
    uint16_t port;
    bool ipv6, media_only, cdn, is_static, tcpo_only, this_port_only;
    uint8_t secret[17]; /* of its obfuscation: 16 bytes, or dd and 16 */
    uint8_t secret_len; /* 0: none */
};
/* What servers of ours said of where they are; survives in keys.db. */
#define MT_ADDRESSES_MAX 64
struct mt_addresses {
    struct mt_server list[MT_ADDRESSES_MAX];
    size_t n;
    int32_t family;  /* 4 or 6: raced once, then kept; 0: not known yet */
    uint32_t origin; /* through which bootstrap set it was learned */
};
struct mt_servers {
    struct mt_server *list; /* borrowed for the life of the accounts that use it */
    size_t n;
    struct mt_rsa **keys;
    size_t n_keys;
    bool test;
    int32_t default_dc; /* for a first login */
};
/* Published production addresses and keys, built in. NULL: no memory. Freed by mt_servers_free. */
struct mt_servers *mt_servers_builtin(void);
/* JSON text of --servers: {"dcs":[{"id","ip","port","ipv6"?,"media"?,"cdn"?}],"rsa_keys":["PEM",...]}. NULL
 * and a reason in err[] where it is not that. Ports there are taken at their word: no others are tried. */
struct mt_servers *mt_servers_parse(const char *json, size_t n, char err[128]);
/* SHA-256 over the sorted fingerprints: what keys.db remembers as "the server set". */
void mt_servers_digest(const struct mt_servers *s, uint8_t out[32]);
void mt_servers_free(struct mt_servers *s);

/* --- what is saved of an account --- */

struct mt_saved_dc {
    int32_t dc_id;
    bool has_key;
    struct mt_auth_key key;
    struct mt_salt salts[MT_SALTS_MAX];
    size_t n_salts;
    int64_t time_offset_us;
    bool authorised; /* the user is logged in under this key */
    bool has_temp;
    struct mt_temp_key temp; /* bound to `key`; may be lost at any time, and another is made */
};
struct mt_update_state {
    int32_t pts, qts, date, seq;
    bool known; /* false: never asked; updates.getState comes first */
};
#define MT_DCS_MAX 16
struct mt_saved {
    int32_t main_dc; /* 0: none yet */
    int64_t user_id; /* 0: not logged in */
    bool bot;
    uint8_t dedup_secret[32]; /* made at creation of the account */
    struct mt_saved_dc dcs[MT_DCS_MAX];
    size_t n_dcs;
    struct mt_update_state state;
    struct mt_addresses addresses;
};

struct mt_account_cfg {
    const struct mt_env *env;
    const struct mt_servers *servers;
    const struct store_ops *store;
    struct mt_init_params init; /* api_id 0: logIn answers NO_API_ID */
    const char *api_hash;
    enum mt_framing framing;
    bool obfuscated;
    const struct mt_proxy_cfg *proxy; /* copied; NULL or DIRECT: none */
    bool pfs;                         /* mtproto/pfs.h */
};

struct mt_account;

struct mt_account *mt_account_new(const struct mt_account_cfg *cfg, const struct mt_saved *saved,
                                  struct mt_now now);
void mt_account_free(struct mt_account *a);
/* Connects (if logged in or logging in) and stays so; pause disconnects and keeps everything. */
void mt_account_start(struct mt_account *a, struct mt_now now);
void mt_account_pause(struct mt_account *a, struct mt_now now);
/* For a clean stop: flushes acks, closes the links; then pull effects until none. */
void mt_account_stop(struct mt_account *a, struct mt_now now);
/*
 * All links are closed, then new ones go out through this proxy (NULL or DIRECT: without). One way out at a
 * time: every CLOSE comes before the first CONNECT with the new one. There is no way back to a direct
 * connection but this call; MT_E_NOMEM: the account is paused instead.
 */
int mt_account_set_proxy(struct mt_account *a, struct mt_now now, const struct mt_proxy_cfg *proxy);

/* --- requests --- */

enum mt_call_flag {
    MT_CALL_REPEATABLE = 1, /* may be executed twice */
    MT_CALL_RANDOM_ID = 2,
    MT_CALL_NO_APPLY = 4, /* its result does not touch the update state (updates.getDifference by a client) */
    MT_CALL_BEFORE_LOGIN = 8, /* allowed while not logged in (help.getConfig) */
    MT_CALL_WITHOUT_UPDATES = 16,
};
struct mt_call {
    uint64_t token;      /* owner's, unique in this account while pending, not 0, below 2^63 */
    const uint8_t *body; /* one function */
    size_t n;
    unsigned flags;
    int32_t dc;         /* 0 = main */
    int64_t deadline;   /* mono */
    int64_t flood_wait; /* s that may be slept on FLOOD_WAIT; 0 = none */
    /*
     * What the function is wrapped in: invokeWithTakeout (id of an account.takeout, 0 = not) or
     * invokeWithBusinessConnection (connection_id, NULL = not; the call goes to that connection's dc). A call
     * on behalf of a business tells of the business user's boxes, not ours: only an Updates of it is applied.
     */
    int64_t takeout;
    const char *business;
};
/*
 * Ends in exactly one REPLY. Retries inside the deadline: flood waits up to flood_wait, 500s and -503 with
 * back-off, 303 FILE/STATS_MIGRATE on the other DC, USER/PHONE/NETWORK_MIGRATE during login. A method known
 * to be flood-limited is refused locally until its wait is over. MT_E_STATE: not logged in (and not allowed).
 */
int mt_account_call(struct mt_account *a, struct mt_now now, const struct mt_call *call);
void mt_account_cancel(struct mt_account *a, struct mt_now now, uint64_t token);

/* --- the outbox (core/outbox): messages.sendMessage and its kin, with idempotency --- */

struct mt_send {
    uint64_t token;     /* of its REPLY */
    const char *method; /* TL name; with a random_id field, or one that does no harm when repeated */
    const char *params; /* JSON text of its fields, peers resolved, random_id absent */
    mt_chat_id chat;
    const void *dedup; /* 1..64 bytes, or NULL */
    size_t dedup_len;
    int64_t deadline;
    int64_t flood_wait;
    /*
     * Answered by REPLY {MT_REPLY_OK, send_id} in the turn of its row (hold it until the sync), then tried
     * through waits, reconnects and restarts until `expires` (mono); its end is its OUTBOX effect.
     */
    bool queue;
    int64_t expires;
    bool unordered; /* neither waits for the writes to its chat nor holds them up */
    bool progress;  /* STAGE effects tell how it stands */
};
/*
 * The row is an OUTBOX effect of this turn; the first byte leaves after its commit. The same dedup key with
 * the same method and params gets the first answer (REPLY with `again`) or joins the running send; with
 * others it is REPLY {MT_REPLY_DEDUP_MISMATCH}.
 */
int mt_account_send(struct mt_account *a, struct mt_now now, const struct mt_send *send);
/*
 * Takes a send back, whoever waits for it (CANCELLED {sent: no}). MT_E_STATE: a byte of it may have left, it
 * goes on; MT_E_NOT_FOUND: it has ended.
 */
int mt_account_cancel_send(struct mt_account *a, struct mt_now now, int64_t send_id);
struct mt_send_stage {
    const char *name; /* queued (others stand before it), waiting (for `seconds`), sending, finding */
    int64_t seconds;
    uint64_t before; /* queued: how many */
};
/* False: it has ended, or there is none. */
bool mt_account_send_stage(const struct mt_account *a, struct mt_now now, int64_t send_id,
                           struct mt_send_stage *out);

/* --- login; each ends in one REPLY (ok or rpc_error) and LOGIN effects --- */

int mt_login_phone(struct mt_account *a, struct mt_now now, uint64_t token, const char *phone);
int mt_login_bot(struct mt_account *a, struct mt_now now, uint64_t token, const char *bot_token);
int mt_login_resend(struct mt_account *a, struct mt_now now, uint64_t token);
int mt_login_code(struct mt_account *a, struct mt_now now, uint64_t token, const char *code);
int mt_login_password(struct mt_account *a, struct mt_now now, uint64_t token, const void *password,
                      size_t n);
int mt_login_cancel(struct mt_account *a, struct mt_now now, uint64_t token);
int mt_logout(struct mt_account *a, struct mt_now now, uint64_t token);

enum mt_login_step {
    MT_LOGIN_NONE,
    MT_LOGIN_CODE,
    MT_LOGIN_PASSWORD,
    MT_LOGIN_UNSUPPORTED,
    MT_LOGIN_READY,
    MT_LOGIN_LOGGED_OUT
};
struct mt_login {
    enum mt_login_step step;
    char where[16];       /* CODE: app sms call flash_call missed_call email fragment word phrase */
    int32_t length;       /* CODE: digits, 0 = unknown */
    char next[16];        /* CODE: what resend would use; "" = nothing */
    int64_t wait_until;   /* CODE: mono time from which resend is allowed */
    char hint[128];       /* PASSWORD */
    char constructor[64]; /* UNSUPPORTED */
    char reason[64];      /* LOGGED_OUT: the server's error name */
    int64_t user_id;      /* READY */
    bool bot;
};
const struct mt_login *mt_account_login(const struct mt_account *a);

/* --- links; `link` is the number of a CONNECT effect --- */

/* Before link_up: which of the CONNECT's servers it is; the first where nothing is said. */
void mt_account_link_via(struct mt_account *a, uint32_t link, size_t server);
/* Before link_down: why, for the event `connection`. No secrets. */
void mt_account_link_trouble(struct mt_account *a, uint32_t link, const char *why);
void mt_account_link_up(struct mt_account *a, struct mt_now now, uint32_t link);
void mt_account_link_down(struct mt_account *a, struct mt_now now, uint32_t link);
int mt_account_feed(struct mt_account *a, struct mt_now now, uint32_t link, const void *p, size_t n);
struct tl_slice mt_account_output(struct mt_account *a, struct mt_now now, uint32_t link);
void mt_account_wrote(struct mt_account *a, struct mt_now now, uint32_t link, size_t n);
void mt_account_kick(struct mt_account *a, struct mt_now now); /* network is back, or the machine woke up */
void mt_account_tick(struct mt_account *a, struct mt_now now);
int64_t mt_account_deadline(const struct mt_account *a);
void mt_account_committed(struct mt_account *a, struct mt_now now);
void mt_account_synced(struct mt_account *a, struct mt_now now); /* see MT_FX_SYNC */

/* --- effects --- */

#define MT_CONNECT_MAX 6 /* servers of one CONNECT */

enum mt_fx_kind {
    MT_FX_NONE,
    MT_FX_CONNECT,    /* link, server[n_servers], head_start, proxy: open TCP to one of them, best first, the
                         next    begun where the one before failed or was silent for head_start; the first that
                         opens    wins. Answer by link_via and link_up, or link_down where none opened */
    MT_FX_CLOSE,      /* link */
    MT_FX_OUTPUT,     /* link has bytes to write (a hint: edge, once per turn) */
    MT_FX_SAVE_KEY,   /* dc (a struct mt_saved_dc): power-safe, then mt_account_done(token, result) */
    MT_FX_SAVE_SALTS, /* dc: all of it but key and authorised, in the transaction of the turn */
    MT_FX_SAVE_ADDRESSES, /* addresses: replace those in keys.db; at any time */
    MT_FX_SAVE_AUTH,      /* saved: main_dc, user_id, bot changed; power-safe, then mt_account_done(token) */
    MT_FX_FORGET,         /* logged out: keys, update state, peers of this account go */
    MT_FX_STATE,          /* state: new common state, in the transaction of the turn */
    MT_FX_CHANNEL,        /* channel: its new row (pts < 0: forget it) */
    MT_FX_PEER,           /* peer: insert or replace; already merged, a min object never costs a hash */
    MT_FX_UPDATE,         /* one happening, in order, exactly once: p, n = an Update object (TL) */
    MT_FX_GAP,            /* chat (0 = the account), gap_from, gap_to: something is truly gone */
    MT_FX_OUTBOX,         /* row: insert, or replace by id; tell: it has ended, and an event is to say so */
    MT_FX_STAGE,          /* token, stage: how a send stands, for a caller who asked to be told */
    MT_FX_REPLY,          /* token, reply */
    MT_FX_LOGIN,          /* login changed */
    MT_FX_CONNECTION,     /* connected: yes, no; text says why not */
    MT_FX_COMPUTE, /* token, job: run mt_job_run(job) on another thread, then mt_account_done(token, ...) */
    MT_FX_SYNC,    /* as soon as this turn, and all before it, is power-safe: mt_account_synced() */
};

enum mt_reply_kind {
    MT_REPLY_RESULT,    /* p, n: the result object; def: the function that was called, may be NULL */
    MT_REPLY_RPC_ERROR, /* code, text (name with its number), seconds of a wait; local: refused without asking
                         */
    MT_REPLY_TIMEOUT,   /* deadline; sent */
    MT_REPLY_CANCELLED, /* sent */
    MT_REPLY_FAILED,    /* code: MT_E_* */
    MT_REPLY_NOT_LOGGED_IN,
    MT_REPLY_WRONG_STEP, /* login call that does not fit the state */
    MT_REPLY_NO_API_ID,
    MT_REPLY_DEDUP_MISMATCH,
    MT_REPLY_OK, /* a login step that has no object of its own, see mt_account_login(); or a queued send */
};
struct mt_reply {
    enum mt_reply_kind kind;
    const uint8_t *p;
    size_t n;
    int32_t code;
    char text[128];
    int64_t seconds;
    bool local;
    bool again; /* the stored answer of an earlier send with this dedup key */
    enum mt_sent sent;
    int64_t send_id; /* of a send */
};

struct mt_job;                       /* a computation with its inputs and room for its result; heap */
void mt_job_run(struct mt_job *job); /* any thread; touches nothing but the job */
void mt_job_free(struct mt_job *job);

struct mt_fx {
    enum mt_fx_kind kind;
    uint64_t token;
    uint32_t link;
    const struct mt_server *server;
    size_t n_servers;
    int64_t head_start;               /* µs */
    const struct mt_proxy_cfg *proxy; /* NULL: direct */
    const struct mt_addresses *addresses;
    const struct mt_saved_dc *dc;
    const struct mt_saved *saved;
    const struct mt_update_state *state;
    const struct mt_peer *peer;
    const struct mt_outbox_row *row;
    const struct mt_reply *reply;
    struct mt_job *job; /* the owner's from here on until it is handed back */
    const struct mt_channel_row *channel;
    mt_chat_id chat;
    /* GAP in a channel: the message before the hole and the first behind it; 0: not known */
    int32_t gap_from, gap_to;
    const uint8_t *p;
    size_t n;
    /*
     * UPDATE: what came around it. date: of its container, Unix s. recovered: from a difference, not live.
     * own_token: the send or call whose result carried it, or 0.
     */
    int32_t date;
    bool recovered;
    uint64_t own_token;
    bool connected;
    bool tell;
    struct mt_send_stage stage;
    const char *text;
};
/* False: nothing more in this turn (fx->kind is MT_FX_NONE). */
bool mt_account_next(struct mt_account *a, struct mt_fx *fx);
/* End of SAVE_KEY, SAVE_AUTH (job NULL) or COMPUTE (takes the job). */
void mt_account_done(struct mt_account *a, struct mt_now now, uint64_t token, int result, struct mt_job *job);

/*
 * Asks for the updates of a channel all the time, pushed or not, at the pace that the server hints at; kept
 * over restarts (its row is a CHANNEL effect of this turn). MT_E_ARG: no channel; MT_E_NOT_FOUND: no access
 * to it is known; MT_E_TOO_LARGE: MT_WATCH_MAX are watched; MT_E_STATE: not logged in.
 */
#define MT_WATCH_MAX 50
int mt_account_watch(struct mt_account *a, struct mt_now now, mt_chat_id chat, bool on);
/* At most `max` of the watched chats, in no order; how many there are. */
size_t mt_account_watched(const struct mt_account *a, mt_chat_id *chats, size_t max);

/* --- to look at --- */

int64_t mt_account_user(const struct mt_account *a); /* 0: not logged in */
bool mt_account_is_bot(const struct mt_account *a);
bool mt_account_is_connected(const struct mt_account *a);
const struct mt_proxy_cfg *mt_account_proxy(const struct mt_account *a); /* NULL: direct */
bool mt_account_is_in_sync(const struct mt_account *a);                  /* no difference running or due */
/* What the update machine went through since the account was made. */
struct mt_updates_stats {
    uint64_t differences, channel_differences; /* answered */
    uint64_t gaps;                             /* told as events */
    uint64_t mismatches;                       /* found by comparing states: the server had not pushed */
    uint64_t overflows;                        /* containers too many to be held, brought by a difference */
};
const struct mt_updates_stats *mt_account_updates_stats(const struct mt_account *a);
int64_t mt_account_server_time(const struct mt_account *a, struct mt_now now); /* Unix µs */
