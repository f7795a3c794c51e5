/*
 * Which events a consumer wants: accounts, types, chats, senders, direction, text. Made from the parameters
 * of subscribe, getEvents and waitEvent, which share them; names are looked up while it is made.
 */
#pragma once

#include "rpc/impl.h"

struct rpc_filter;

void rpc_filter_free(struct rpc_filter *f);
/*
 * Makes req->filter out of req's parameters, then runs `then`. Errors (no such account, type, peer; a pattern
 * that does not compile) are answered without it.
 */
void rpc_filter_make(struct rpc_req *req, struct mt_now now,
                     void (*then)(struct rpc_req *req, struct mt_now now));
/* Bytes that it takes while it lives. */
size_t rpc_filter_size(const struct rpc_filter *f);
bool rpc_filter_admits(const struct rpc_filter *f, int32_t account);
/* Cheap parts first; the body is parsed only for a text filter. */
bool rpc_filter_match(struct rpc_filter *f, const struct rpc_event *e);

/* --- how an event is written for a consumer --- */

struct rpc_shape {
    json_t *fields; /* paths, or NULL */
    enum rpc_format format;
    bool raw;
};
void rpc_shape_of(const struct rpc_req *req, struct rpc_shape *out); /* takes a reference on fields */
void rpc_shape_fini(struct rpc_shape *s);
/* The members of Event with the cursor (none for a live one), as an object; NULL: no memory. */
json_t *rpc_event_json(const struct rpc_event *e, const struct rpc_shape *s);
/* The line of a notification `event`; from the stored text alone where the shape asks for nothing more. */
void rpc_event_line(struct tl_out *out, int64_t subscription, const struct rpc_event *e,
                    const struct rpc_shape *s);

/* Classes of api.md section 7. */
bool rpc_event_type_known(const char *type);
