/* Inside of the outbox, shared by its files; not for use elsewhere. */
#pragma once

#include "core/outbox/outbox.h"
#include "tl/json.h"

enum mt_ob_step { MT_OB_WAITING, MT_OB_STARTING, MT_OB_READY, MT_OB_RUNNING, MT_OB_FINDING };

struct mt_ob_waiter {
    struct mt_ob_waiter *next;
    uint64_t token;
    int64_t deadline;
};

struct mt_ob_row {
    struct mt_ob_row *next; /* in its lane */
    int64_t id, random_id;
    mt_chat_id chat;
    enum mt_ob_step step;
    struct mt_ob_waiter *waiters;
    int64_t flood_wait;
    int64_t expires; /* mono: until then it is tried though nobody waits; 0: only while somebody does */
    int64_t created, first_sent; /* Unix s */
    int64_t find_until;
    int32_t number; /* message id that the server told; 0: not yet */
    uint8_t digest[32];
    uint8_t dedup[MT_DEDUP_MAX];
    size_t dedup_len;
    char *method, *params; /* one allocation each */
};

/* The sends to one chat, in the order in which they were submitted. */
struct mt_ob_lane {
    struct mt_ob_lane *next;
    mt_chat_id chat;
    struct mt_ob_row *first, *last; /* never empty */
};

struct mt_outbox {
    struct mt_outbox_cfg cfg;
    struct mt_ob_lane *lanes;
    size_t n_rows;
    int64_t last_id;
    bool loaded;
    struct tl_out body; /* the function last given out */
};

/* --- outbox.c --- */

struct mt_ob_lane *mt_ob_lane(struct mt_outbox *ob, mt_chat_id chat); /* makes it; NULL: no memory */
int mt_ob_append(struct mt_outbox *ob, struct mt_ob_row *row);        /* takes the row */
int mt_ob_write(struct mt_outbox *ob, const struct mt_ob_row *row, int state, struct tl_slice result);
void mt_ob_reply(struct mt_outbox *ob, uint64_t token, const struct mt_reply *r);
void mt_ob_reply_all(struct mt_outbox *ob, struct mt_ob_row *row, struct mt_reply *r);
/* Writes its end, tells all who wait, frees it (and its lane, where it was the last). */
void mt_ob_end(struct mt_outbox *ob, struct mt_ob_row *row, int state, struct tl_slice result,
               struct mt_reply *r);
/* Who submitted it waits; a queued send is answered at once and outlives its caller. */
int mt_ob_add_waiter(struct mt_outbox *ob, struct mt_ob_row *row, const struct mt_send *send);
void mt_ob_start(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row);
/* The first of every lane, where it waits. */
void mt_ob_start_lanes(struct mt_outbox *ob, struct mt_now now);
/* It was executed, and no more is known than its number. */
void mt_ob_found(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row);
void mt_ob_drop_all(struct mt_outbox *ob); /* without a word */
struct mt_ob_row *mt_ob_by_id(const struct mt_outbox *ob, int64_t id);

/* --- row.c --- */

struct mt_ob_row *mt_ob_row_new(const char *method, size_t method_len, const char *params, size_t params_len);
void mt_ob_row_free(struct mt_ob_row *row);
void mt_ob_digest(const char *method, const char *params, uint8_t out[32]);
/* The random_id of a dedup key; never 0. */
int64_t mt_ob_dedup_id(const uint8_t secret[32], mt_chat_id chat, const void *key, size_t n);
/* Its function as TL, random ids filled in; MT_E_ARG: cannot be encoded. */
int mt_ob_encode(const struct mt_ob_row *row, struct tl_out *out);
/* The row as storage has it. `result` may be empty. */
void mt_ob_describe(const struct mt_ob_row *row, int state, struct tl_slice result,
                    struct mt_outbox_row *out);
