/*
 * Writes that must happen exactly once, whatever dies on the way: sends, forwards, edits, deletions, read
 * marks, pins, reactions.
 *
 *     submit --> row (MT_FX_OUTBOX) --> COMMIT --> first byte --> answer --> row ended (MT_FX_OUTBOX), REPLY
 *
 * States of a send: WAITING in its lane -> STARTING (its row says RUNNING, the commit is awaited) -> RUNNING
 * (in the hands of a data centre) -> ended. HELD between WAITING and STARTING, where the server said wait.
 * FINDING, LOOKING between RUNNING and the end, where the server says that it had this random_id before: then
 * the send has succeeded; updateMessageID says under which number, else the chat is searched for its text.
 *
 * Writes to one chat form a lane: one at a time, in the order in which they were submitted (but those that
 * are not ordered). A write keeps its random_id over repetitions and restarts, so the server executes it
 * once. With a dedup key the random_id is HMAC-SHA-256(secret, chat, key, index): a repeat is the same
 * message even after the rows were lost. Methods without a random_id are those whose repetition changes
 * nothing: "not modified" is their success.
 *
 * Waits. SLOWMODE_WAIT holds the lane of its chat; FLOOD_WAIT the method in that class of chats (user, basic
 * group, channel), which the owner keeps (core/account/floods.c). A wait within `flood_wait` and the deadline
 * holds; a longer one is answered, by the server's word or by what is known of it (`local`). A queued send
 * waits as long as it lives.
 *
 * A queued send is answered when its row is written, and tried until it expires.
 *
 * A REPLY is final: after {sent: no} nothing goes out any more; after {sent: unknown} the send is followed to
 * its end without a REPLY, and its end is told (`tell` of its OUTBOX effect). The machine works on rows and
 * bytes and knows no data centre; its owner carries calls to one and brings back how they ended.
 */
#pragma once

#include "core/account/fx.h"
#include "tl/view.h"

#define MT_DEDUP_MAX   64
#define MT_DEDUP_LIFE  (30 * 24 * 3600) /* s */
#define MT_RESEND_LIFE (24 * 3600)      /* s after the first byte: then it is not sent again */
#define MT_FIND_WAIT   (30 * MT_US_PER_S)
#define MT_OUTBOX_ROWS 10000

struct mt_outbox;

struct mt_outbox_cfg {
    const struct mt_env *env;
    const struct store_ops *store; /* each_unsent, send_by_dedup; may be NULL */
    struct mt_fxq *fxq;
    const uint8_t *secret; /* 32 bytes, borrowed: for dedup keys */
};
struct mt_outbox *mt_outbox_new(const struct mt_outbox_cfg *cfg);
void mt_outbox_free(struct mt_outbox *ob);
/* Takes up the sends that had not ended when the last process did. Once, when logged in. */
void mt_outbox_load(struct mt_outbox *ob, struct mt_now now);
/* All who wait are answered; the rows stay, and go on where they are loaded next. */
void mt_outbox_stop(struct mt_outbox *ob);
/* Every open send ends in NOT_LOGGED_IN, as a failed row with the event that a promised one has. */
void mt_outbox_logged_out(struct mt_outbox *ob, const char *reason);

/* As mt_account_send. MT_E_ARG: params are no JSON, or no function of that name takes them. */
int mt_outbox_submit(struct mt_outbox *ob, struct mt_now now, const struct mt_send *send);
/*
 * --- taking back ---
 * Of a send that is RUNNING only the owner knows whether a byte has left: it asks which one is meant, takes
 * its call back, says so (mt_outbox_taken_back), and then cancels. Else the send goes on.
 */
/* The RUNNING send that would end with this caller; 0: none. */
int64_t mt_outbox_running_of(const struct mt_outbox *ob, uint64_t token);
bool mt_outbox_is_running(const struct mt_outbox *ob, int64_t id);
void mt_outbox_taken_back(struct mt_outbox *ob, struct mt_now now, int64_t id);
/* Withdraws it, or stops waiting for it: CANCELLED {sent}. False: no send has this token. */
bool mt_outbox_cancel(struct mt_outbox *ob, struct mt_now now, uint64_t token);
/* Whoever waits: MT_OK, it will not go out; MT_E_STATE: it may have; MT_E_NOT_FOUND: it has ended. */
int mt_outbox_withdraw(struct mt_outbox *ob, struct mt_now now, int64_t id);
/* By how many s the server's clock is ahead of ours. */
void mt_outbox_clock(struct mt_outbox *ob, int64_t ahead);
void mt_outbox_committed(struct mt_outbox *ob, struct mt_now now);
void mt_outbox_tick(struct mt_outbox *ob, struct mt_now now);
int64_t mt_outbox_deadline(const struct mt_outbox *ob);

/* --- down to a data centre --- */

struct mt_outbox_call {
    int64_t id;       /* send_id */
    const uint8_t *p; /* the function; borrowed until the next call */
    size_t n;
    int64_t deadline;
    bool random_id; /* the server knows a repetition by it; else repeating does no harm by itself */
    bool once;      /* but for this one, which is looked at before it is repeated */
    bool look;      /* no write: what became of it; ends in mt_outbox_looked() */
    bool search;    /* by a search, which bots may not */
};
/* A send whose row is committed. False: none. */
bool mt_outbox_next(struct mt_outbox *ob, struct mt_now now, struct mt_outbox_call *call);
/* Every call ends in one of these. `p`, `n`: an Updates object. */
void mt_outbox_result(struct mt_outbox *ob, struct mt_now now, int64_t id, const void *p, size_t n);
struct mt_outbox_refusal {
    int32_t code;
    const char *text; /* with its number */
    int64_t seconds;  /* of a wait */
    bool wait;        /* waiting helps */
    bool throttle;    /* however long */
    bool local;       /* nobody was asked */
    bool maybe;       /* an earlier copy of the call may have been executed */
};
/* *find: its number is to be found, ask for a difference. */
void mt_outbox_error(struct mt_outbox *ob, struct mt_now now, int64_t id, const struct mt_outbox_refusal *e,
                     bool *find);
void mt_outbox_failed(struct mt_outbox *ob, struct mt_now now, int64_t id, int code, enum mt_sent sent);
/* updateMessageID, wherever it turned up. */
void mt_outbox_number(struct mt_outbox *ob, struct mt_now now, int32_t msg_id, int64_t random_id);
/* Nothing is missing of what the server has told: what has no number yet will not get one by itself. */
void mt_outbox_in_sync(struct mt_outbox *ob, struct mt_now now);
/* The messages.Messages of a search, NULL: it failed. */
void mt_outbox_looked(struct mt_outbox *ob, struct mt_now now, int64_t id, const void *p, size_t n);
/* The token of the first who waits for it: what its updates are marked with; 0: nobody. */
uint64_t mt_outbox_token(const struct mt_outbox *ob, int64_t id);
size_t mt_outbox_open(const struct mt_outbox *ob); /* how many have not ended */
/* How an open send stands; false: it has ended. */
bool mt_outbox_stage(const struct mt_outbox *ob, struct mt_now now, int64_t id, struct mt_send_stage *out);
