/*
 * Inside of the update machine, shared by its files: see README.md. Not for use elsewhere.
 */
#pragma once

#include "core/updates/boxes.h"
#include "core/updates/updates.h"

enum mt_diff_step {
    MT_DIFF_IDLE,
    MT_DIFF_DUE, /* to be asked for as soon as we are online and this turn is committed */
    MT_DIFF_RUNNING,
    MT_DIFF_WAITING /* failed; retry_at says when it is due again */
};

struct mt_diff {
    enum mt_diff_step step;
    int64_t retry_at;
    unsigned tries; /* failures in a row */
    bool again;     /* something was lost while it ran */
};

struct mt_chan {
    struct mt_chan *next;                /* in its bucket */
    struct mt_chan *next_dirty;          /* its row is not yet an effect; see mt_upd_flush */
    struct mt_chan *due_next, *due_prev; /* those whose difference is DUE, oldest first */
    int64_t id;
    struct mt_counter counter;
    struct mt_diff diff;
    int64_t poll_at; /* watched: the next question; MT_NEVER */
    int32_t top;     /* id of the newest message that is known; 0: none */
    int32_t since;   /* first heard of: messages before this Unix time are no news */
    int32_t asked;   /* pts that the difference under way was asked with */
    bool dirty;
    bool fresh;   /* the difference under way is the first: only its news are told */
    bool watched; /* asked for though nothing says that there is something: watch.c */
};

/* What arrived while a difference runs, or a container that is ahead of seq; heap. */
struct mt_held {
    struct mt_held *next;
    enum { MT_HELD_CONTAINER, MT_HELD_COUNT } what;
    struct mt_box_at at; /* COUNT: one update, or an affected* without bytes */
    int32_t seq;         /* CONTAINER: its seq_start, 0: it has none */
    /* CONTAINER: its seq was new when it came: what has no box in it is not dropped as old */
    bool is_news;
    bool counted; /* CONTAINER: what has a box in it was offered when it came */
    int32_t date;
    uint64_t token;
    uint64_t ack;
    size_t n;
    uint8_t bytes[];
};
struct mt_held_list {
    struct mt_held *first, *last;
    size_t bytes; /* of memory, not only of what is in it */
};
/* Of containers; behind it only what no difference brings is kept, up to the second figure. */
#define MT_HELD_BYTES     ((size_t)16 << 20)
#define MT_HELD_BYTES_ALL ((size_t)20 << 20)

/* Checks stored channels without one question each: sweep.c. */
struct mt_sweep {
    bool on, running;
    bool last;     /* no channel is behind the question under way */
    int64_t after; /* channels up to this id are done */
    int64_t upto;  /* the last one of the question under way */
    int64_t next_at;
    unsigned tries;
};

/* Min peers whose whole objects are to be asked for: refetch.c. */
struct mt_refetch {
    mt_chat_id *queue; /* MT_REFETCH_MAX; the first n_asked are asked for while it is running */
    size_t n, n_asked;
    size_t most;       /* in one question: halves where one is refused */
    mt_chat_id *asked; /* a ring of those that need not be asked for again */
    size_t next_asked;
    bool running, channels; /* the question under way: of which kind */
    int64_t next_at;
    unsigned tries;
};

struct mt_updates {
    struct mt_updates_cfg cfg;
    struct mt_update_state state; /* of seq and date; pts and qts are in the counters */
    struct mt_counter common, qts;
    int32_t qts_safe, qts_syncing; /* the newest that is power-safe; that which is being synced, 0 = none */
    struct mt_diff diff;
    struct mt_chan **buckets;
    size_t n_buckets, n_chans, n_watched;
    size_t chans_due, chans_running;
    struct mt_chan *dirty_chans, *due_first, *due_last;
    int64_t chan_at;           /* no channel has anything to do before; may be too early */
    size_t waiting_bytes;      /* in all counters */
    struct mt_held_list held;  /* behind a running difference */
    struct mt_held_list ahead; /* containers whose seq is ahead, by seq */
    int32_t held_seq;          /* of the newest container in `held` */
    uint64_t *told;            /* digests of what a difference told that has no box: held.c */
    size_t n_told, cap_told;
    struct mt_sweep sweep;
    struct mt_refetch refetch;
    int64_t check_at; /* mono: ask for the server's state and compare */
    bool checking;
    int64_t logged_at; /* a refusal was, last */
    unsigned n_unlogged;
    int64_t seq_gap_at;
    int64_t silent_at;
    int64_t online_at; /* mono: since when this connection is up; MT_NEVER: its session was announced */
    int64_t self;
    bool bot, online, active; /* active: logged in, ever online */
    bool started;             /* the difference of the start is done */
    bool dirty;               /* state is not yet an effect */
    bool turn_open;           /* a slice was applied in this turn: the next is asked after the commit */
    bool recovered;           /* what is applied now comes from a difference */
    bool releasing;           /* what is applied now was held: `told` counts */
    bool seq_sure;            /* seq is that of this session */
    bool slicing;             /* the next difference goes on with the last one */
    int32_t news_since;       /* date of our state before the difference under way */
    struct mt_updates_stats stats;
    uint64_t *acks;
    size_t n_acks, cap_acks;
    struct {
        int32_t id;
        int64_t random_id;
    } * ids;
    size_t n_ids, cap_ids;
    struct tl_out ask; /* the function last asked */
};

/* --- updates.c --- */

/* Where an update stands: what came around it. */
struct mt_around {
    int32_t date;
    uint64_t token;
};
/* Delivers one Update (its bytes), or only counts (n == 0): through its box, or at once where it has none. */
void mt_upd_offer(struct mt_updates *u, struct mt_now now, const struct mt_box_at *at, const void *p,
                  size_t n, struct mt_around around);
/* The same past all boxes: a difference is trusted. */
void mt_upd_deliver(struct mt_updates *u, struct mt_now now, const void *p, size_t n,
                    struct mt_around around);
void mt_upd_gap(struct mt_updates *u, mt_chat_id chat, int32_t from, int32_t to);
void mt_upd_ack(struct mt_updates *u, uint64_t ack);
void mt_upd_flush(struct mt_updates *u); /* STATE and CHANNEL effects of what changed */
void mt_upd_drain(struct mt_updates *u, struct mt_now now, struct mt_counter *c);

/* --- container.c --- */

/* Runs what was held while the difference ran. */
void mt_upd_release(struct mt_updates *u, struct mt_now now);
/* Containers that were ahead of seq, once seq moved; `all`: whatever fits or not (after a difference). */
void mt_upd_catch_up(struct mt_updates *u, struct mt_now now, bool all);
/* One update with its box, or a container, now or after the difference that runs. */
void mt_upd_counted(struct mt_updates *u, struct mt_now now, const struct mt_box_at *at, const void *p,
                    size_t n, struct mt_around around);
void mt_upd_container(struct mt_updates *u, struct mt_now now, const struct tl_view *v, uint64_t token,
                      uint64_t ack);

/* --- held.c --- */

/* MT_E_TOO_LARGE: more than `limit` bytes would be held; MT_E_NOMEM. */
int mt_held_add(struct mt_held_list *list, const struct mt_held *head, const void *p, size_t n, size_t limit);
/* By its seq; MT_E_STATE: one with this seq is there. */
int mt_held_insert(struct mt_held_list *list, const struct mt_held *head, const void *p, size_t n);
struct mt_held *mt_held_take(struct mt_held_list *list); /* the oldest, to be freed; NULL: none */
void mt_held_free(struct mt_held_list *list);
/* A difference told this update, which has no box: what was held meanwhile may hold the same. */
void mt_told_add(struct mt_updates *u, const void *p, size_t n);
bool mt_told_has(const struct mt_updates *u, const void *p, size_t n);
void mt_told_free(struct mt_updates *u);

/* --- difference.c --- */

void mt_diff_due(struct mt_updates *u, struct mt_now now);
/* Doubles the wait: 1, 2, 4 ... 60 s. */
void mt_diff_failed(struct mt_diff *diff, struct mt_now now);
void mt_diff_answer(struct mt_updates *u, struct mt_now now, const struct tl_view *v);
void mt_diff_state(struct mt_updates *u, struct mt_now now, const struct tl_view *v);
/* Messages and updates of a difference in the order of protocol.md 8.4. */
struct mt_diff_fields {
    unsigned messages, encrypted, updates; /* UINT_MAX: has none */
    struct mt_chan *channel;               /* whose difference; NULL = common */
    int32_t pts;
};
void mt_diff_apply(struct mt_updates *u, struct mt_now now, const struct tl_view *v,
                   const struct mt_diff_fields *fields);
/* Delivers a Message that a difference brought. */
void mt_diff_message(struct mt_updates *u, struct mt_now now, const struct tl_view *m, int32_t pts);
/* Is a message of a channel newer than what we know of it? */
bool mt_diff_is_news(const struct mt_chan *ch, const struct tl_view *message);

/* --- channels.c --- */

struct mt_chan *mt_chan_find(struct mt_updates *u, int64_t id);
/* With its pts from storage where it is followed; NULL: no memory. */
struct mt_chan *mt_chan_get(struct mt_updates *u, int64_t id);
void mt_chan_set(struct mt_updates *u, struct mt_chan *ch, int32_t pts);
void mt_chan_dirty(struct mt_updates *u, struct mt_chan *ch); /* NULL: nothing */
void mt_chan_step(struct mt_updates *u, struct mt_chan *ch, enum mt_diff_step step);
/* A dialog says that the channel stands at `pts`, its newest message being `top`. */
void mt_chan_stands(struct mt_updates *u, struct mt_now now, int64_t id, int32_t pts, int32_t top);
/* A message of it was seen. */
void mt_chan_top(struct mt_updates *u, const struct tl_view *message);
void mt_chan_forget(struct mt_updates *u, struct mt_chan *ch); /* frees it; pts -1 is an effect */
void mt_chan_each(struct mt_updates *u, struct mt_now now,
                  void (*visit)(struct mt_updates *u, struct mt_now now, struct mt_chan *ch));
/* Forgets those that storage knows and nothing waits for, where there are many. */
void mt_chan_trim(struct mt_updates *u);
void mt_chan_free_all(struct mt_updates *u);

/* --- chan_difference.c --- */

void mt_chan_due(struct mt_updates *u, struct mt_now now, struct mt_chan *ch);
/* updateChannelTooLong */
void mt_chan_too_long(struct mt_updates *u, struct mt_now now, int64_t id, int32_t pts);
/* Writes getChannelDifference; MT_E_NOT_FOUND: we have no access hash of it. */
int mt_chan_ask(struct mt_updates *u, struct mt_chan *ch, struct tl_out *out);
/* Takes the updates that wait as they are: there is no difference to be had. */
void mt_chan_give_up(struct mt_updates *u, struct mt_now now, struct mt_chan *ch);
void mt_chan_answer(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, const struct tl_view *v);
void mt_chan_refused(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, int32_t code,
                     const char *text);

/* --- watch.c --- */

void mt_watch_load(struct mt_updates *u, struct mt_now now); /* those of storage, once */
/* Its difference is done: when it is asked for next. `timeout`: the server's hint, 0 = none. */
void mt_watch_next(struct mt_updates *u, struct mt_now now, struct mt_chan *ch, int32_t timeout);
void mt_watch_closed(struct mt_updates *u, struct mt_now now, struct mt_chan *ch);

/* --- sweep.c --- */

void mt_sweep_start(struct mt_updates *u, struct mt_now now);
/* Writes the next question; false: not now. Of a bot channels become DUE instead. */
bool mt_sweep_ask(struct mt_updates *u, struct mt_now now, struct tl_out *out);
void mt_sweep_answer(struct mt_updates *u, struct mt_now now, const struct tl_view *v);
void mt_sweep_refused(struct mt_updates *u, struct mt_now now, int32_t code);

/* --- refetch.c --- */

/* Takes over what this turn showed. */
void mt_refetch_collect(struct mt_updates *u, struct mt_now now);
bool mt_refetch_ask(struct mt_updates *u, struct mt_now now, struct tl_out *out);
void mt_refetch_answer(struct mt_updates *u, struct mt_now now, const void *p, size_t n);
void mt_refetch_refused(struct mt_updates *u, struct mt_now now, int32_t code);
void mt_refetch_free(struct mt_updates *u);

/* --- results.c --- */

/* Where the dialogs in `v` say that channels stand. */
void mt_upd_dialogs(struct mt_updates *u, struct mt_now now, const struct tl_view *v);

/* --- check.c --- */

void mt_check_later(struct mt_updates *u, struct mt_now now);
void mt_check_answer(struct mt_updates *u, struct mt_now now, const struct tl_view *v);

/* --- unfold.c: short forms as a plain Update --- */

/* updateShortMessage, updateShortChatMessage; MT_E_ARG: another. */
int mt_unfold_short(const struct tl_view *v, int64_t self, struct tl_out *out);
/* updateShortSentMessage with the request that it answers (sendMessage, sendMedia). MT_E_ARG: no such one. */
int mt_unfold_sent(const struct tl_view *v, const struct tl_view *request, int64_t self, struct tl_out *out);
/* A Message as updateNewMessage or updateNewChannelMessage with this pts and count 0. */
int mt_unfold_message(const struct tl_view *message, int32_t pts, struct tl_out *out);
/* True where all users and chats that a short message names are known with their hash (trap 61). */
bool mt_unfold_is_known(const struct tl_view *v, struct mt_peers *peers, int64_t self);
