/*
 * Bytes of a client -> JSON values, one after the other (api: connection). A pushdown scanner that sees every
 * byte once, keeps one value at a time, and counts before anybody builds a tree: a value over a limit is
 * refused at the byte that passes it, and its memory goes.
 *
 *     BETWEEN --{ or [--> VALUE --its end--> VALUE event --> BETWEEN
 *        |                  | syntax, limit
 *        +--anything else-->+-> SKIP: up to the next line that has { or [ in its first column
 *
 * A stretch that is skipped makes one event, when its first bytes are there to be shown: at the end of its
 * first line, after RPC_SHOWN_MAX bytes, or at the end of input. So it does not depend on how input was cut.
 * Outside of a value only { and [ begin one.
 *
 * The scanner checks the grammar; text encoding, escapes of surrogates and repeated names are left to the
 * parser that builds the tree.
 */
#pragma once

#include "tl/wire.h"

#define RPC_VALUE_MAX   (16u * 1024 * 1024)
#define RPC_DEPTH_MAX   64
#define RPC_MEMBERS_MAX 100000
#define RPC_NUMBER_MAX  1024 /* digits of one number */
#define RPC_BATCH_MAX   1000 /* requests in a batch whose ids are kept */
#define RPC_SHOWN_MAX   48

enum rpc_scan_event {
    RPC_SCAN_MORE,  /* all was taken, nothing to say */
    RPC_SCAN_VALUE, /* value.data, value.len: one whole value, until the next call */
    RPC_SCAN_BAD,   /* a stretch was or is being skipped; `why` and `shown` */
    RPC_SCAN_LIMIT, /* the same, for a value over a limit */
    RPC_SCAN_HTTP,  /* the same, for a line that starts GET or POST */
    RPC_SCAN_NOMEM,
};

/* Where the raw text of a request's id stands in the value. */
struct rpc_id_span {
    uint32_t item; /* index in a batch; 0 for a single request */
    uint32_t at, len;
};

struct rpc_scan {
    struct tl_out value;
    struct rpc_id_span *ids; /* in order; of a request without an id there is none */
    size_t n_ids, cap_ids;
    uint32_t members; /* values in containers so far */
    uint32_t items;   /* of the outermost array so far */
    const char *why;  /* static text */
    char shown[RPC_SHOWN_MAX + 1];
    size_t n_shown;
    /* private */
    unsigned state, after;
    unsigned depth;
    uint64_t arrays; /* bit d: the container at depth d is an array */
    uint32_t number_len, literal_at;
    const char *literal;
    uint32_t key_at; /* start of the newest member name at a request's own level, or 0 */
    bool key_is_id, id_open;
    enum rpc_scan_event pending; /* the event that the stretch will make */
    bool told;
    bool col_one; /* next byte is the first of a line */
};

void rpc_scan_init(struct rpc_scan *s);
void rpc_scan_fini(struct rpc_scan *s);
/* Takes bytes up to the first event; returns how many. Call again with the rest. */
size_t rpc_scan_feed(struct rpc_scan *s, const void *p, size_t n, enum rpc_scan_event *event);
/* End of input: a stretch not told yet, or a value that is not whole (RPC_SCAN_BAD), or RPC_SCAN_MORE. */
enum rpc_scan_event rpc_scan_eof(struct rpc_scan *s);
/* Gives the value up that is being read (its owner has no room): skips to the next line as after an error,
 * telling nothing. */
void rpc_scan_abort(struct rpc_scan *s);
/* Bytes that it holds. */
size_t rpc_scan_held(const struct rpc_scan *s);
