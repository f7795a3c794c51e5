/*
 * The method table, made at build time by rpc/generate.py from rpc/schema/methods/<name>.json: const data,
 * sorted by name. A method without a handler fails the link, unless rpc/schema/pending.list names it.
 */
#pragma once

#include "core/env.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rpc_req;

enum rpc_kind {
    RPC_T_BOOL = 1,
    RPC_T_INT = 2, /* also taken from a decimal string */
    RPC_T_NUMBER = 4,
    RPC_T_STRING = 8, /* also taken from an integer */
    RPC_T_OBJECT = 16,
    RPC_T_ARRAY = 32,
    RPC_T_PEER = 64, /* integer or string, as given: rpc_peer() reads it */
};

struct rpc_param {
    const char *name;
    const char *aliases;             /* each ended by NUL, the list by an empty one; NULL = none */
    const char *choices;             /* likewise: the strings that are allowed */
    const char *fallback;            /* JSON text of the default, or NULL */
    int64_t min, max;                /* of a number; of a string: its length in bytes */
    const struct rpc_param *members; /* of an object, or of an array's objects; NULL = free */
    uint8_t n_members;
    uint8_t types; /* enum rpc_kind, several bits where several are taken */
    uint8_t item;  /* of an array */
    bool required;
    bool or_empty; /* beside its choices an empty string */
    bool secret;   /* its value never reaches an error text or a log */
};

enum rpc_method_flag {
    RPC_M_READ = 1, /* @read, @send, @admin of a profile: exactly one of them */
    RPC_M_SEND = 2,
    RPC_M_ADMIN = 4,
    RPC_M_WAITS = 8,    /* has `wait`: the deadline follows it */
    RPC_M_ACCOUNT = 16, /* works on one account, which is chosen before the handler runs */
    RPC_M_LOGIN = 32,   /* and that has to be logged in */
    RPC_M_CHANGES = 64, /* its answer carries `cursor`, the position before */
    RPC_M_STREAM = 128, /* goes on after its answer: refused in a batch */
    RPC_M_LIST = 256,   /* answers {items, next?}: tgctl --all */
    RPC_M_USERS = 512,  /* not for bots */
    RPC_M_BOTS = 1024,  /* only for bots */
};

struct rpc_method {
    const char *name;
    void (*run)(struct rpc_req *req, struct mt_now now); /* NULL: in pending.list */
    const struct rpc_param *params;                      /* in the order of a positional call */
    uint16_t n_params;
    uint16_t flags;
    const char *summary;
    const char *help; /* its schema file, as compact JSON */
};

extern const struct rpc_method rpc_methods[];
extern const size_t rpc_n_methods;
/* Member "types" of types.json. */
extern const char rpc_types_json[];

/* By name, or NULL. */
const struct rpc_method *rpc_method_find(const char *name);
/* The nearest known name of a misspelt one, or NULL. */
const char *rpc_method_nearest(const char *name);
const char *rpc_param_nearest(const struct rpc_param *params, size_t n, const char *name);
/* The parameter of that name or alias, or NULL. */
const struct rpc_param *rpc_param_find(const struct rpc_param *params, size_t n, const char *name);

/*
 * updates.map: the event type of an Update constructor ("message", "raw" ...); NULL: it makes no event.
 */
const char *rpc_update_type(uint32_t id);
