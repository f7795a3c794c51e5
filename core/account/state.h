/*
 * Inside of an account, shared by its files:
 *
 *     account.c   the verbs of account.h: bytes, time and work done elsewhere go in, effects come out
 *     keep.c      what is stored of it, in memory
 *     dcs.c       data centres: made, pulled for events, dropped
 *     connect.c   their links: to which address, through which proxy; what becomes of a failure
 *     addresses.c which addresses there are and in which order they are tried
 *     config.c    help.getConfig: when it is asked, and of whom
 *     requests.c  every request under way, whoever asked: one struct mt_areq each
 *     policy.c    what the server's errors mean for a request: wait, repeat, go elsewhere, give up
 *     floods.c    methods that must not be asked before a time
 *     foreign.c   the authorisation of data centres that are not the main one
 *     login.c login_code.c login_password.c logout.c   the login machine
 *     servers.c servers_builtin.c   addresses and keys
 *     sends.c     joins the outbox with requests and results
 *
 * Nothing is freed under its caller: a data centre that goes is marked `dead` and reaped at the end of a
 * verb.
 */
#pragma once

#include "core/account/account.h"
#include "core/account/addresses.h"
#include "core/account/fx.h"
#include "core/account/job.h"
#include "core/account/keep.h"
#include "core/outbox/outbox.h"
#include "core/updates/updates.h"

#define MT_INTERNAL     (UINT64_C(1) << 63) /* tokens of COMPUTE, SAVE_KEY, SAVE_AUTH */
#define MT_ASK_PATIENCE (120 * MT_US_PER_S)

/* --- data centres --- */

enum mt_auth_step { MT_AUTH_NONE, MT_AUTH_EXPORTING, MT_AUTH_IMPORTING, MT_AUTH_DONE };

struct mt_adc {
    struct mt_adc *next;
    struct mt_dc *dc;
    struct mt_saved_dc *saved; /* in account->saved */
    int32_t id;
    uint32_t link; /* 0: no link wanted */
    enum mt_auth_step auth;
    unsigned auth_tries;
    bool main;
    bool up;
    bool hinted; /* an OUTPUT effect of this turn is out */
    bool dead;
    /* of the present link */
    struct mt_server tried[MT_CONNECT_MAX];
    size_t n_tried; /* 0: its end is nobody's fault */
    size_t via;     /* the one that opened */
    int64_t dialled_at;
    bool opened; /* TCP is there */
    bool heard;  /* and something came */
    int64_t opened_at;
    bool proven; /* and encrypted traffic was verified on it */
};

/* --- requests --- */

enum mt_areq_kind {
    MT_AREQ_OWNER,   /* mt_account_call */
    MT_AREQ_SEND,    /* of the outbox; ref = send_id */
    MT_AREQ_LOOK,    /* of the outbox: a search for what it may have sent; ref = send_id */
    MT_AREQ_ASK,     /* of the updates; ask, ref = channel */
    MT_AREQ_LOGIN,   /* a step of the login machine */
    MT_AREQ_EXPORT,  /* on the main DC, for DC `ref` */
    MT_AREQ_IMPORT,  /* on DC `ref` */
    MT_AREQ_CONFIRM, /* does the server still know us? */
    MT_AREQ_CONFIG,  /* help.getConfig, on the main DC or on DC `dc` */
};
enum mt_areq_step {
    MT_AREQ_SENT,       /* in the hands of a DC */
    MT_AREQ_PAUSED,     /* until `until`: a flood wait, a back-off */
    MT_AREQ_AUTH,       /* its DC is being authorised */
    MT_AREQ_CONFIRMING, /* its 401 is being confirmed */
    MT_AREQ_OVER,       /* to be freed */
};
struct mt_areq {
    struct mt_areq *next;
    uint64_t id;    /* its token in a DC */
    uint64_t token; /* the owner's */
    enum mt_areq_kind kind;
    enum mt_areq_step step;
    enum mt_ask ask;
    int64_t ref;
    unsigned flags; /* enum mt_call_flag */
    int32_t dc;     /* 0 = main */
    int64_t deadline, flood_wait, until;
    unsigned tries;     /* repetitions after 500s */
    unsigned redirects; /* 303s followed, 401s repeated */
    bool cancelled;
    bool maybe;   /* an earlier copy of it may have been executed */
    bool secret;  /* body is wiped when freed */
    int32_t code; /* of the 401 that is being confirmed */
    char text[64];
    bool business; /* on behalf of another user */
    size_t head;   /* bytes of wrappers in front of the function */
    size_t n;
    uint8_t body[];
};

struct mt_rpc_error {
    int32_t code;
    char text[128];
};

/* Chats by what the server limits apart. A function that names no chat has class NONE. */
enum mt_chats { MT_CHATS_NONE, MT_CHATS_USER, MT_CHATS_GROUP, MT_CHATS_CHANNEL };

/* --- login --- */

struct mt_login_flow {
    struct mt_login pub;
    uint64_t token; /* whose REPLY is open; 0: none */
    enum { MT_FLOW_NONE, MT_FLOW_PHONE, MT_FLOW_BOT } flow;
    enum {
        MT_OP_NONE,
        MT_OP_SEND_CODE,
        MT_OP_RESEND,
        MT_OP_SIGN_IN,
        MT_OP_GET_PASSWORD, /* after SESSION_PASSWORD_NEEDED: for its hint */
        MT_OP_GET_SRP,      /* for B, before a password is tried */
        MT_OP_COMPUTE,
        MT_OP_CHECK_PASSWORD,
        MT_OP_BOT,
        MT_OP_SAVE,
        MT_OP_CANCEL,
        MT_OP_LOG_OUT,
    } op;
    bool restarted; /* sendCode is a restart: the open REPLY ends in AUTH_RESTART */
    unsigned srp_tries;
    char phone[MT_PHONE_MAX];
    char hash[128];
    uint8_t password[MT_PASSWORD_MAX];
    size_t password_len;
    uint64_t job; /* token of the COMPUTE */
};

/* --- the account --- */

#define MT_FLOODS_MAX 32
struct mt_flood {
    uint32_t method; /* id of the function */
    uint8_t chats;   /* in which class of chats (MT_CHATS_*) */
    int64_t until;   /* mono */
};
#define MT_WORKS_MAX 16
struct mt_work {
    uint64_t token; /* 0: free */
    struct mt_adc *dc;
    enum { MT_WORK_KEY, MT_WORK_KEYX, MT_WORK_SRP, MT_WORK_AUTH, MT_WORK_NOTE } kind;
};

/* When help.getConfig is asked (config.c); times are mono. */
struct mt_config_state {
    int64_t due_at;  /* of the main DC, once it is up; MT_NEVER: not before it was heard of */
    int64_t seek_at; /* of another DC, where the main one cannot be reached */
    int64_t next_seek;
    unsigned seeks;  /* in vain */
    int32_t last_dc; /* that was asked in its stead */
    bool asked, sought;
    bool heard; /* an update said that it is another one now */
};

struct mt_account {
    struct mt_account_cfg cfg;
    struct mt_keep saved;
    struct mt_book book;
    struct mt_config_state config;
    struct mt_proxy_cfg *proxy; /* NULL: direct */
    struct mt_fxq fxq;
    struct mt_peers peers;
    struct mt_updates *updates;
    struct mt_outbox *outbox;
    struct mt_adc *dcs;
    struct mt_areq *reqs;
    struct mt_login_flow login;
    struct mt_flood floods[MT_FLOODS_MAX];
    struct mt_work works[MT_WORKS_MAX];
    struct {
        struct mt_adc *dc;
        uint64_t ack;
    } * acks; /* of results; they leave after the commit */
    size_t n_acks, cap_acks;
    struct {
        int32_t to;         /* the DC that the account is moving to; 0: none */
        int64_t not_before; /* mono, of another move */
    } home;
    uint64_t next_id;
    uint32_t next_link;
    bool running; /* started and not paused */
    bool confirming;
    bool connected;
    bool in_pump;
    char trouble[128];
};

/* --- account.c --- */

/* Ends a verb: pulls all machines until they are quiet, then frees what is over. */
void mt_acc_pump(struct mt_account *a, struct mt_now now);
uint64_t mt_acc_work(struct mt_account *a, struct mt_adc *dc, int kind); /* a token; 0: too many */
void mt_acc_reply(struct mt_account *a, uint64_t token, const struct mt_reply *reply);
void mt_acc_reply_kind(struct mt_account *a, uint64_t token, enum mt_reply_kind kind, int32_t code);
void mt_acc_ack(struct mt_account *a, struct mt_adc *dc, uint64_t ack);
/* Connected or not, as an effect where it changed. */
void mt_acc_connection(struct mt_account *a);
/* The account is no longer logged in: everything of the user goes. */
void mt_acc_logged_out(struct mt_account *a, struct mt_now now, const char *reason);

/* --- dcs.c --- */

struct mt_adc *mt_adc_main(struct mt_account *a, struct mt_now now); /* makes it; NULL: no memory */
struct mt_adc *mt_adc_get(struct mt_account *a, struct mt_now now, int32_t id);
struct mt_adc *mt_adc_find(struct mt_account *a, int32_t id);
struct mt_adc *mt_adc_by_link(struct mt_account *a, uint32_t link);
/* Another DC is the main one from now on; requests of the old one that did not leave go there. */
void mt_adc_set_main(struct mt_account *a, struct mt_now now, int32_t id);
/* Closes it for good. `forget`: its key too. */
void mt_adc_drop(struct mt_account *a, struct mt_now now, struct mt_adc *dc, bool forget);
/* Handles one event of some DC; false: there was none. */
bool mt_adc_pump(struct mt_account *a, struct mt_now now);
void mt_adc_hint(struct mt_account *a, struct mt_adc *dc);
void mt_adc_reap(struct mt_account *a);
void mt_adc_save(struct mt_account *a,
                 struct mt_adc *dc); /* SAVE_KEY of what is there; nobody waits for it */
bool mt_adc_exists(const struct mt_account *a, int32_t id); /* some address of it is known */

/* --- connect.c --- */

void mt_connect(struct mt_account *a, struct mt_now now, struct mt_adc *dc);    /* MT_DC_CONNECT */
void mt_connect_up(struct mt_account *a, struct mt_now now, struct mt_adc *dc); /* TCP is there */
void mt_connect_proven(struct mt_account *a, struct mt_adc *dc);                /* MT_DC_UP */
/* Another network, or the machine woke up: a link that is not up yet begins anew, others are asked whether
 * they live. */
void mt_connect_kick(struct mt_account *a, struct mt_now now, struct mt_adc *dc);
/* A link that opened and stays silent is left for another address, where there is one. */
void mt_connect_tick(struct mt_account *a, struct mt_now now);
int64_t mt_connect_deadline(const struct mt_account *a);
/* The link has ended; before it is forgotten. */
void mt_connect_ended(struct mt_account *a, struct mt_now now, struct mt_adc *dc);
/* What it connected to is none of ours (-444). */
void mt_connect_wrong(struct mt_account *a, struct mt_now now, struct mt_adc *dc);
/* Addresses are other ones now: who is not connected begins again with them. */
void mt_connect_again(struct mt_account *a, struct mt_now now);
/* Takes a proxy over without touching a link; NULL: direct. */
void mt_connect_use(struct mt_account *a, const struct mt_proxy_cfg *proxy);

/* --- config.c --- */

void mt_config_init(struct mt_account *a);
void mt_config_due(struct mt_account *a, struct mt_now now); /* it is out of date */
/* An effect on its way out: updateConfig and updateDcOptions are for us too. */
void mt_config_peek(struct mt_account *a, const struct mt_fx *fx);
/* The main DC is not to be reached; at once, or if it goes on until then. */
void mt_config_seek(struct mt_account *a, int64_t at);
void mt_config_tick(struct mt_account *a, struct mt_now now);
int64_t mt_config_deadline(const struct mt_account *a);
void mt_config_result(struct mt_account *a, struct mt_now now, struct mt_areq *r, const uint8_t *p, size_t n);
void mt_config_failed(struct mt_account *a, struct mt_now now, struct mt_areq *r);

/* --- requests.c --- */

/* A request with a copy of body, in no list; NULL: no memory. */
struct mt_areq *mt_areq_new(struct mt_account *a, enum mt_areq_kind kind, const void *body, size_t n);
/* Into the list and on its way; it ends in mt_areq_* of its kind, whatever happens. */
void mt_areq_start(struct mt_account *a, struct mt_now now, struct mt_areq *r);
void mt_areq_go(struct mt_account *a, struct mt_now now, struct mt_areq *r);
struct mt_areq *mt_areq_by_id(struct mt_account *a, uint64_t id);
void mt_areq_result(struct mt_account *a, struct mt_now now, struct mt_areq *r, const uint8_t *p, size_t n);
/* The server refused; `local`: we did, without asking. */
void mt_areq_error(struct mt_account *a, struct mt_now now, struct mt_areq *r, const struct mt_rpc_error *e,
                   bool local);
void mt_areq_failed(struct mt_account *a, struct mt_now now, struct mt_areq *r, int code, enum mt_sent sent);
void mt_areq_tick(struct mt_account *a, struct mt_now now);
int64_t mt_areq_deadline(const struct mt_account *a);
void mt_areq_reap(struct mt_account *a);
void mt_areq_free(struct mt_areq *r);
uint32_t mt_areq_method(const struct mt_areq *r);

/* --- policy.c, floods.c --- */

/* An rpc_error of a DC: decides and does it (a wait, another DC, the end). */
void mt_policy_error(struct mt_account *a, struct mt_now now, struct mt_adc *dc, struct mt_areq *r,
                     const struct mt_rpc_error *e);
/* The end of MT_AREQ_CONFIRM: the server knows us (NULL), or says this. */
void mt_policy_confirmed(struct mt_account *a, struct mt_now now, const struct mt_rpc_error *e);
/* The number at the end of an error's name; -1: none. */
int64_t mt_error_number(const char *text);
void mt_flood_note(struct mt_account *a, struct mt_now now, const struct mt_areq *r, int64_t seconds);
/* Until when (mono) its method is to be left alone in chats of its class; 0: it may be asked. */
int64_t mt_flood_until(const struct mt_account *a, struct mt_now now, const struct mt_areq *r);

/* --- foreign.c --- */

/*
 * USER_MIGRATE of the main DC to an account that is logged in: whether request `r` is to wait for an import
 * on `to`, after which that is the main DC. False: an error like any other.
 */
bool mt_home_moves(struct mt_account *a, struct mt_now now, struct mt_adc *at, const struct mt_areq *r,
                   int32_t to);
/* True where requests may go to it; else its authorisation is under way and `r` waits for it. */
bool mt_foreign_ready(struct mt_account *a, struct mt_now now, struct mt_adc *dc, const struct mt_areq *r);
void mt_foreign_result(struct mt_account *a, struct mt_now now, struct mt_areq *r, const uint8_t *p,
                       size_t n);
/* No authorisation to be had: what waits for it ends with this error (NULL: failed with `code`). */
void mt_foreign_failed(struct mt_account *a, struct mt_now now, struct mt_areq *r,
                       const struct mt_rpc_error *e, int code);

/* --- login --- */

void mt_login_result(struct mt_account *a, struct mt_now now, const uint8_t *p, size_t n);
void mt_login_error(struct mt_account *a, struct mt_now now, const struct mt_rpc_error *e);
void mt_login_failed(struct mt_account *a, struct mt_now now, int code, enum mt_sent sent);
void mt_login_saved(struct mt_account *a, struct mt_now now, int result);
void mt_login_computed(struct mt_account *a, struct mt_now now, struct mt_job *job);
/* Shared by the login files. */
void mt_login_ask(struct mt_account *a, struct mt_now now, int op, struct tl_out *body); /* frees body */
void mt_login_step(struct mt_account *a, enum mt_login_step step); /* clears what belongs to the old one */
void mt_login_end(struct mt_account *a, const struct mt_reply *reply); /* the open REPLY */
void mt_login_end_kind(struct mt_account *a, enum mt_reply_kind kind, int32_t code);
void mt_login_authorised(struct mt_account *a, struct mt_now now, const struct tl_view *authorization);
void mt_login_send_code(struct mt_account *a, struct mt_now now);
void mt_login_sent_code(struct mt_account *a, struct mt_now now, const struct tl_view *v);
void mt_login_get_password(struct mt_account *a, struct mt_now now, int op);
void mt_login_password_result(struct mt_account *a, struct mt_now now, const struct tl_view *v);
bool mt_login_password_error(struct mt_account *a, struct mt_now now, const struct mt_rpc_error *e);

/* --- sends.c --- */

void mt_sends_pump(struct mt_account *a, struct mt_now now);
void mt_sends_result(struct mt_account *a, struct mt_now now, struct mt_areq *r, const uint8_t *p, size_t n);
void mt_sends_error(struct mt_account *a, struct mt_now now, struct mt_areq *r, const struct mt_rpc_error *e,
                    bool local);
/* Takes the call of a send back, where no byte of it has left. */
bool mt_sends_take_back(struct mt_account *a, struct mt_now now, int64_t id);
void mt_sends_failed(struct mt_account *a, struct mt_now now, struct mt_areq *r, int code, enum mt_sent sent);
