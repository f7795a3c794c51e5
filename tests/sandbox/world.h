/*
 * The sandbox's Telegram: users, bots, chats, messages, update boxes, logins. It knows nothing of packets,
 * keys or sessions beyond their numbers; the protocol half (server.h) knows nothing of chats. Sans-IO and
 * deterministic: everything random comes from env, everything timed from `now`.
 *
 *      sockets -> server.h: frames, key exchange, sessions, acks, salts      control.h: JSON-RPC of the test
 *                      |  sb_world_call          ^ sb_world_next_push              |
 *                      v                         |                                 v
 *                 world.h: method table, state, pts boxes and their logs  <---- sb_world_control
 *
 * One world serves all DCs of the sandbox. Memory only; a --dir run may be dumped for a look.
 */
#pragma once

#include <jansson.h>

#include "core/env.h"
#include "tl/json.h"
#include "tl/view.h"

struct sb_world;

struct sb_world_cfg {
    const struct mt_env *env;
    uint64_t seed; /* chooses between the forms that a real server may use */
    /* for help.getConfig: the addresses of the DCs; copied */
    const struct sb_dc_addr {
        int32_t dc_id;
        const char *ip;
        uint16_t port;
    } * dcs;
    size_t n_dcs;
};
struct sb_world *sb_world_new(const struct sb_world_cfg *cfg, struct mt_now now);
void sb_world_free(struct sb_world *w);
/* A DC is at another port from now on. */
void sb_world_moved(struct sb_world *w, int32_t dc_id, uint16_t port);

/* Who calls. `key_id` is the permanent key (a temporary one is named by the key that it is bound to). */
struct sb_caller {
    int32_t dc_id;
    uint64_t key_id;
    uint64_t session_id;
    int32_t layer;        /* of invokeWithLayer; answers have tl_layer's shapes all the same: tl_reshape() */
    int32_t api_id;       /* of initConnection; 0 = not initialised yet */
    int32_t seq;          /* of the containers that the session was sent; what a state says */
    bool without_updates; /* this call was wrapped in invokeWithoutUpdates */
    /* and in invokeWithTakeout, invokeWithBusinessConnection: their arguments, not checked yet */
    bool has_takeout, has_business;
    int64_t takeout;
    struct tl_slice business;
};

/* What a method answers: exactly one of the three. */
struct sb_reply {
    struct tl_out result; /* the result object, serialised; err_code 0 */
    int32_t err_code;     /* 303, 400, 401, 403, 406, 420, 500 */
    char err_text[128];
    bool stub; /* schema-valid answer of a method without behaviour; counted */
};
/*
 * Runs one function (wrappers already taken off; `call` is opened and valid). Always answers at once.
 * Refusals as a real server has them: AUTH_KEY_UNREGISTERED, INPUT_METHOD_INVALID, *_INVALID ...
 */
void sb_world_call(struct sb_world *w, struct mt_now now, const struct sb_caller *caller,
                   const struct tl_view *call, struct sb_reply *reply);
void sb_reply_free(struct sb_reply *reply);

/* An Updates object for sessions of a user: what the protocol half sends out after each call or control. */
struct sb_push {
    int64_t user_id;         /* every session that is authorised as this user on its main DC ... */
    uint64_t key_id;         /* ... or, where user_id is 0, every session of this key (login tokens) */
    uint64_t except_session; /* the session that made it happen has its own answer; 0 = none */
    const uint8_t *p; /* boxed Updates, seq 0 where it has one: the protocol half counts them, by seed */
    size_t n;
};
/* Borrowed until the next call on the world. False: none left. */
bool sb_world_next_push(struct sb_world *w, struct sb_push *push);

/* Whose key it is: 0 = nobody. And the DC on which that user lives. */
int64_t sb_world_user_of(const struct sb_world *w, int32_t dc_id, uint64_t key_id);
int32_t sb_world_home_dc(const struct sb_world *w, int64_t user_id);
/* A key was destroyed or expired: its authorisation goes. */
void sb_world_forget_key(struct sb_world *w, uint64_t key_id);

/*
 * The world's part of the control socket: addUser addBot addGroup addChannel setPassword lastCode sendAs
 * editAs deleteAs readAs typeAs history state stats stubs dump. Returns a new reference, or NULL and a
 * message in err[]; -1 in *known where the method is not one of the world's.
 */
json_t *sb_world_control(struct sb_world *w, struct mt_now now, const char *method, const json_t *params,
                         int *known, char err[256]);
/* What it takes: [{"name", "params"}], for rpc.discover. A new reference. */
json_t *sb_world_methods(void);
