/* Places in the journal that consumers keep by name, for the methods that read from them. */
#pragma once

#include "rpc/sub.h"

/* A cursor parameter that names a place; false: answered. */
bool rpc_take_cursor(struct rpc_req *req, const char *param, struct rpc_cursor *out);
/* The place of a name is of this turn. Below 0: answered. */
int rpc_put_name(struct rpc_req *req, const char *name, struct rpc_cursor at);
/*
 * Where a consumer begins: `since`, else the last ack of its name (NULL: none), else now. A new name, or one
 * with a `since`, is stored there. False: answered.
 */
bool rpc_begin_at(struct rpc_req *req, const char *name, struct rpc_cursor *at);
/* Whether `since`, where it is given, names a place: nobody loses a name to a request that cannot use it. */
bool rpc_since_fits(struct rpc_req *req);
/* One holder at a time; true: the name is free now. */
bool rpc_take_name(struct rpc_req *req, struct mt_now now, const char *name, bool takeover);
