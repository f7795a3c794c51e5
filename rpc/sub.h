/*
 * Subscriptions: a filter and a place in the journal, read on whenever the client has room. A slow client
 * costs its place, not memory. A name belongs to one holder at a time: a subscription, or a getEvents that
 * waits.
 */
#pragma once

#include "rpc/filter.h"

#define RPC_SUB_NAME_MAX 98 /* 64, and the profile that it belongs to */

struct rpc_sub {
    struct rpc *rpc;
    struct rpc_conn *conn;
    struct rpc_sub *next;                /* of the connection */
    struct rpc_sub *next_all, *prev_all; /* of everybody */
    int64_t number;
    size_t counted;                  /* bytes of it that stand in rpc->bytes */
    char name[RPC_SUB_NAME_MAX + 1]; /* "" = none */
    struct rpc_filter *filter;
    struct rpc_shape shape;
    struct rpc_cursor lost_told; /* losses up to here were told */
    uint64_t missed;             /* events of accounts without a journal that found no room; not told yet */
    struct rpc_cursor at;        /* all up to here was pushed or did not fit the filter */
    bool fresh;                  /* its name was stored in this turn, which is not committed */
    bool sought;                 /* likewise its place, which was before_seek */
    struct rpc_cursor before_seek;
    bool auto_ack;
    /*
     * auto ack: when the connection has written `mark` bytes in all, everything up to mark_at has left.
     * What is pushed meanwhile gathers behind the second one.
     */
    uint64_t mark, next_mark;
    struct rpc_cursor mark_at;
    bool marked;
    struct rpc_cursor left; /* has left, not stored yet */
    bool has_left;
    struct rpc_timer store; /* auto acks are stored at most once a second */
    struct rpc_timer beat;
    int64_t heartbeat; /* µs, 0 = none */
    int64_t quiet_since;
};

/* Takes filter and shape. NULL: no memory (nothing taken). */
struct rpc_sub *rpc_sub_new(struct rpc_conn *c, struct rpc_filter *filter, const struct rpc_shape *shape,
                            struct rpc_cursor at);
/* Ends it; with a reason the client is told by `closed`. */
void rpc_sub_end(struct rpc_sub *s, struct mt_now now, const char *reason);
void rpc_sub_heartbeat(struct rpc_sub *s, struct mt_now now, double seconds);
struct rpc_sub *rpc_sub_by_number(struct rpc_conn *c, int64_t number);
struct rpc_sub *rpc_sub_by_name(struct rpc *r, const char *name);
/* Whoever holds the name: a subscription, else a request that waits; false: nobody. */
bool rpc_name_holder(struct rpc *r, const char *name, struct rpc_sub **sub, struct rpc_req **req,
                     int64_t *pid);

/* --- the journal, for handlers --- */

/* The position from which all that is kept comes. */
struct rpc_cursor rpc_journal_start(struct rpc *r);
/* Whether it names a place (also one that is behind the bounds). */
bool rpc_cursor_valid(struct rpc *r, struct rpc_cursor c);
/*
 * How many events after it, of accounts that the filter admits, have left the journal by its bounds; *last:
 * the newest of them.
 */
uint64_t rpc_journal_lost(struct rpc *r, const struct rpc_filter *f, struct rpc_cursor at,
                          struct rpc_cursor *last);
int rpc_cursor_compare(struct rpc_cursor a, struct rpc_cursor b);
