/* Inside of the outbox, shared by its files; not for use elsewhere. */
#pragma once

#include "core/outbox/outbox.h"
#include "tl/json.h"

enum mt_ob_step {
    MT_OB_WAITING,  /* for its turn in the lane */
    MT_OB_STARTING, /* its row says RUNNING; the commit is awaited */
    MT_OB_READY,    /* may leave */
    MT_OB_RUNNING,  /* in the hands of a data centre */
    MT_OB_HELD,     /* the server said wait: until `until` */
    MT_OB_FINDING,  /* it was executed; its numbers are awaited */
    MT_OB_LOOK,     /* to be looked for in the chat */
    MT_OB_LOOKING,  /* that question is in the hands of a data centre */
};

struct mt_ob_waiter {
    struct mt_ob_waiter *next;
    uint64_t token;
    int64_t deadline;
    bool progress; /* wants to hear of every stage */
};

/* One message of a send. */
struct mt_ob_id {
    int64_t random_id;
    int32_t number; /* that the server told; 0: not yet */
};

struct mt_ob_row {
    struct mt_ob_row *next; /* in its lane */
    struct mt_ob_lane *lane;
    int64_t id, random_id;
    mt_chat_id chat;
    enum mt_ob_step step;
    struct mt_ob_waiter *waiters;
    int64_t flood_wait;
    int64_t expires; /* mono: until then it is tried though nobody waits; 0: only while somebody does */
    int64_t until;   /* HELD */
    int64_t expires_wall, created, first_sent; /* Unix s */
    int64_t find_until;
    unsigned flags;  /* enum mt_send_flag */
    bool maybe;      /* an earlier attempt may have been executed */
    bool told;       /* somebody was told that it goes on: its end is an event */
    bool old;        /* sent too long ago to be sent again */
    bool checked;    /* an edit: the message was looked at since the last attempt */
    int32_t refused; /* code of a refusal that counts if no earlier copy is found; 0: none */
    char refusal[64];
    int64_t refused_for; /* s */
    struct mt_ob_id *ids;
    size_t n_ids; /* 0: a method without random_id */
    uint8_t digest[32];
    uint8_t dedup[MT_DEDUP_MAX];
    size_t dedup_len;
    char *method, *params; /* one allocation each */
};

/* The sends to one chat, in the order in which they were submitted; or one that is not ordered. */
struct mt_ob_lane {
    struct mt_ob_lane *next;
    mt_chat_id chat;
    bool loose;                     /* of one send that is not ordered */
    struct mt_ob_row *first, *last; /* never empty */
};

#define MT_OB_SLOW_MAX  32
#define MT_OB_KNOWN_MAX 64

struct mt_outbox {
    struct mt_outbox_cfg cfg;
    struct mt_ob_lane *lanes;
    size_t n_rows;
    int64_t last_id;
    bool loaded;
    int64_t load_at;    /* mono: what could not be loaded is tried again; 0 = nothing */
    int64_t ahead;      /* s: the server's clock before ours */
    struct tl_out body; /* the function last given out */
    struct {
        mt_chat_id chat;
        int32_t number;
    } known[MT_OB_KNOWN_MAX]; /* messages that sends of ours became: no other send became these */
    size_t next_known;
    struct {
        mt_chat_id chat;
        int64_t until;      /* mono; 0: free */
    } slow[MT_OB_SLOW_MAX]; /* chats in slow mode */
};

/* --- lanes.c --- */

int mt_ob_append(struct mt_outbox *ob, struct mt_ob_row *row);    /* takes the row */
void mt_ob_take_out(struct mt_outbox *ob, struct mt_ob_row *row); /* and its lane, where it was the last */
void mt_ob_drop_all(struct mt_outbox *ob);                        /* without a word */
struct mt_ob_row *mt_ob_by_id(const struct mt_outbox *ob, int64_t id);
/* First of its lane: nothing stands before it. */
bool mt_ob_is_next(const struct mt_ob_row *row);
/* Until when (mono) a chat takes no message of ours; 0: it takes them. */
int64_t mt_ob_slow_until(const struct mt_outbox *ob, struct mt_now now, mt_chat_id chat);
void mt_ob_slow_note(struct mt_outbox *ob, mt_chat_id chat, int64_t until);

/* --- outbox.c --- */

int mt_ob_write(struct mt_outbox *ob, const struct mt_ob_row *row, int state, struct tl_slice result);
void mt_ob_reply(struct mt_outbox *ob, uint64_t token, const struct mt_reply *r);
void mt_ob_reply_all(struct mt_outbox *ob, struct mt_ob_row *row, struct mt_reply *r);
/* Writes its end, tells all who wait, frees it. */
void mt_ob_end(struct mt_outbox *ob, struct mt_ob_row *row, int state, struct tl_slice result,
               struct mt_reply *r);
void mt_ob_start(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row);
/* The first of every lane, where it waits. */
void mt_ob_start_lanes(struct mt_outbox *ob, struct mt_now now);
void mt_ob_step(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, enum mt_ob_step step);
/* When its call has to end, by those who wait and by itself. */
int64_t mt_ob_deadline_of(const struct mt_ob_row *row);

/* --- ends.c --- */

/* Success; `p`, `n`: the answer, or nothing. */
void mt_ob_sent(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, const void *p, size_t n);
/* It was executed, and no more is known than its numbers. */
void mt_ob_found(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row);
/* The server, or what is known of it, says wait: held, or answered. */
void mt_ob_refused(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row,
                   const struct mt_outbox_refusal *e);
/* Its end is unknown for good. */
void mt_ob_end_unknown(struct mt_outbox *ob, struct mt_ob_row *row);

/* --- look.c --- */

/* Whether its content can be found again in the chat. */
bool mt_ob_can_look(const struct mt_ob_row *row);
/* An edit that may have been made: it is not made again unseen, or it would undo what came after it. */
bool mt_ob_must_look(const struct mt_ob_row *row);
bool mt_ob_is_edit(const struct mt_ob_row *row);
/* What a send of this chat became. */
void mt_ob_note_known(struct mt_outbox *ob, mt_chat_id chat, int32_t number);
int mt_ob_look_encode(const struct mt_outbox *ob, const struct mt_ob_row *row, struct tl_out *out);

/* --- waiters.c --- */

/* Whether a byte of it may have left. */
enum mt_sent mt_ob_sent_so_far(const struct mt_ob_row *row);

/* Who submitted it waits; a queued send is answered at once and outlives its caller. */
int mt_ob_add_waiter(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row,
                     const struct mt_send *send);
/* Tells those who want to hear of it how the send stands. */
void mt_ob_tell_stage(struct mt_outbox *ob, struct mt_now now, const struct mt_ob_row *row);

/* --- row.c --- */

struct mt_ob_row *mt_ob_row_new(const char *method, size_t method_len, const char *params, size_t params_len);
void mt_ob_row_free(struct mt_ob_row *row);
void mt_ob_digest(const char *method, const char *params, uint8_t out[32]);
/* The random_id of a dedup key; never 0. */
int64_t mt_ob_dedup_id(const uint8_t secret[32], mt_chat_id chat, const void *key, size_t n);
/* Gives every message of the send its random_id, by the row's. MT_E_NOMEM, MT_E_ARG: params are no JSON. */
int mt_ob_make_ids(struct mt_ob_row *row);
/* Its function as TL, random ids filled in; MT_E_ARG: cannot be encoded. */
int mt_ob_encode(const struct mt_ob_row *row, struct tl_out *out);
/* The row as storage has it. `result` may be empty. */
void mt_ob_describe(const struct mt_ob_row *row, int state, struct tl_slice result,
                    struct mt_outbox_row *out);
