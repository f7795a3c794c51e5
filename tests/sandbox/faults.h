/*
 * Misbehaviour on demand: rules that tests set over the control socket, looked up where things happen.
 *
 *     {"match": {"dc": 2, "session": "123", "method": "messages.*", "nth": 3}, "do": "delay", "seconds": 2}
 *
 * `method` is a glob over the names of functions, of service messages ("ping") and of key exchange steps
 * ("req_DH_params"); "updates" stands for a push, "connect" for a new connection. Absent: every API function.
 * `nth` (default 1) skips what comes before; then the rule strikes `times` times (default 1; 0 = always).
 */
#pragma once

#include <jansson.h>
#include <sys/queue.h>

#include "core/env.h"
#include "tests/sandbox/keyx_server.h"

enum sb_fault_do {
    SB_DO_NOTHING,
    SB_DO_DROP,        /* as if it never came (a push: never sent, though kept for the next connection) */
    SB_DO_CUT,         /* the connection is cut; `after` (default true): once it was executed */
    SB_DO_DELAY,       /* executed; answered after `seconds`, acknowledged before that */
    SB_DO_DUPLICATE,   /* answered, or pushed, twice */
    SB_DO_REORDER,     /* its answer comes after the next one of the session */
    SB_DO_ERROR,       /* not executed: rpc_error `code`, `text` */
    SB_DO_BAD_SALT,    /* not executed: the key's salt changes, bad_server_salt */
    SB_DO_BAD_MSG,     /* not executed: bad_msg_notification `code` */
    SB_DO_NO_ANSWER,   /* executed, acknowledged, never answered */
    SB_DO_GAP,         /* a push is lost for ever, so that the boxes have a gap */
    SB_DO_TOO_LONG,    /* updatesTooLong instead of a push */
    SB_DO_MIGRATE,     /* not executed: 303 X_MIGRATE_`to` */
    SB_DO_TRANSPORT,   /* transport error `code` (-404, -429, -444) instead of an answer, then closed */
    SB_DO_KEYX,        /* the answer of a key exchange step is twisted: `what` (enum sb_keyx_twist) */
    SB_DO_TRICKLE,     /* "connect": everything is sent in single bytes */
    SB_DO_FORGET_KEY,  /* not executed: the server has lost the key of this message: -404 from here on */
    SB_DO_UNBIND,      /* a temporary key is not bound any more: AUTH_KEY_PERM_EMPTY */
    SB_DO_NEW_SESSION, /* the session is forgotten first, so that new_session_created comes again */
    SB_DO_ASK,         /* msgs_state_req about what the client has not acknowledged; its answer is believed */
    SB_DO_RESEND_REQ,  /* lost on the way, and asked for by msg_resend_req */
    SB_DO_ALL_INFO,    /* lost on the way, and said to be so by msgs_all_info */
    SB_DO_ANNOUNCE, /* executed; the answer waits until msg_resend_req asks for what msg_detailed_info told */
};

struct sb_fault {
    TAILQ_ENTRY(sb_fault) link;
    uint64_t id;
    int32_t dc;       /* 0 = any */
    uint64_t session; /* 0 = any */
    char method[64];  /* "" = every API function */
    uint32_t nth, times;
    uint64_t seen, fired;
    enum sb_fault_do what;
    enum sb_keyx_twist twist;
    int64_t delay; /* µs */
    int32_t code, to;
    uint32_t bytes;
    bool after;
    char text[128];
};

struct sb_faults {
    TAILQ_HEAD(sb_fault_list, sb_fault) list;
    uint64_t last_id;
};

void sb_faults_init(struct sb_faults *f);
void sb_faults_fini(struct sb_faults *f);
/* Adds the rule of control `fault`; its id, or 0 and err[]. */
uint64_t sb_faults_add(struct sb_faults *f, const json_t *params, char err[256]);
/* Takes away rule `id`, or all of them (0); how many went. */
size_t sb_faults_clear(struct sb_faults *f, uint64_t id);
/*
 * The rule that strikes this happening, or NULL; counted. `api`: a function of the API, which rules without a
 * method mean. Borrowed until rules change.
 */
const struct sb_fault *sb_faults_hit(struct sb_faults *f, const char *method, bool api, int32_t dc,
                                     uint64_t session);
/* [{id, do, method, seen, fired}] */
json_t *sb_faults_dump(const struct sb_faults *f);
