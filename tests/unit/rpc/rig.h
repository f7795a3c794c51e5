/* A struct rpc with a host made of memory: two accounts (main is logged in), a journal, names, peers. */
#pragma once

#include "tests/unit/check.h"

#include "rpc/rpc.h"
#include "tests/unit/rpc/fake_account.h"
#include <jansson.h>

#define RIG_PEERS  8
#define RIG_EVENTS 4096
#define RIG_NAMES  8

struct rig_event {
    struct rpc_event e;
    char type[24];
    char *body;
};
struct rig {
    struct rpc *r;
    struct rpc_host host;
    struct mt_env env;
    struct mt_now now;
    struct rpc_conn *c; /* the connection that say() talks over */
    struct mt_account core[4];
    struct rpc_account accounts[4];
    char names[4][40];
    size_t n_accounts;
    bool asleep[4]; /* listed, and without a machine until somebody asks for it */
    int32_t unfit;  /* the id of one that cannot be opened; 0: none */
    size_t touched; /* lookups after which the daemon looks at a machine in its turn */
    struct mt_peer peers[RIG_PEERS];
    size_t n_peers;
    struct store_ops store;
    struct rig_event events[RIG_EVENTS];
    size_t n_events;
    uint64_t trimmed; /* events up to this number are gone */
    struct {
        char name[65];
        struct rpc_cursor acked;
    } subs[RIG_NAMES];
    size_t n_subs;
    struct {
        char name[65];
        mt_chat_id chat;
        int64_t at;
    } asked[RIG_NAMES]; /* what cache.db would know of names */
    size_t n_asked;
    char said[1 << 16]; /* what the newest say() or read() got */
    char control[64];
    void (*on_control)(struct rig *g); /* what reload and the like do here; NULL: nothing */
    uint64_t turn, synced;
    struct rpc_profile *profile; /* of connections made from now on; NULL: everything */
    int broken;                  /* log lines at BROKEN */
};

struct rig *rig_new(void);
void rig_free(struct rig *g);
struct rpc_conn *rig_connect(struct rig *g);
/* Feeds a text, ends the turn, and takes what may leave. Valid until the next call. */
const char *rig_say(struct rig *g, struct rpc_conn *c, const char *text);
/* Ends the turn and takes what may leave. */
const char *rig_read(struct rig *g, struct rpc_conn *c);
static inline const char *say(struct rig *g, const char *text)
{
    return rig_say(g, g->c, text);
}
/* Milliseconds pass; what is due happens. */
void rig_pass(struct rig *g, int64_t ms);
/* The account answers the newest call. */
void rig_result(struct rig *g, size_t account, const void *p, size_t n);
void rig_reply(struct rig *g, size_t account, const struct mt_reply *reply);
/* A committed event of account 0; body without braces. */
void rig_event(struct rig *g, const char *type, int64_t chat, int64_t sender, int direction,
               const char *body);
void rig_peer(struct rig *g, mt_chat_id chat, enum mt_peer_kind kind, const char *name, const char *username);
/* Member of the one line of JSON in g->said by its path ("error.data.name"), as text; "" where it is absent.
 */
const char *got(struct rig *g, const char *path);
