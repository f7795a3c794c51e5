/* A world for a test: calls in JSON, answers in JSON, pushes by user. */
#pragma once

#include "tests/unit/check.h"

#include "tests/sandbox/world.h"

#define ALICE INT64_C(5000000001)
#define BOB   INT64_C(5000000002)
#define CAROL INT64_C(5000000003)
#define BOT   INT64_C(6000000001)

struct fixture {
    struct sb_world *w;
    struct mt_env env;
    struct mt_now now;
    uint64_t random;
    int broken; /* log lines that say BROKEN */
    struct sb_caller caller;
    char error[160]; /* "400 PEER_ID_INVALID" of the last call, or "" */
    bool stub;
    json_t *result; /* of the last call or control request; NULL after an error */
    json_t *pushes; /* [{"user_id", "key_id", "except", "updates"}] since the last drain */
};

void fix_init(struct fixture *f, uint64_t seed);
void fix_fini(struct fixture *f);

/* Whose key calls from now on: key and session are the same small number. */
void fix_as(struct fixture *f, uint64_t key, int32_t dc);
/* Logs a seeded user in on a key (its code is known) and calls as it. */
void fix_login(struct fixture *f, uint64_t key, int32_t dc, const char *phone);
void fix_login_bot(struct fixture *f, uint64_t key);

/*
 * Calls a function: `params` is json_pack's format and values. Returns the result (borrowed until the next
 * call), NULL after an error. Pushes are appended to f->pushes.
 */
json_t *fix_call(struct fixture *f, const char *method, const char *params, ...);
/* The same, and the call must be refused with this. */
void fix_refused(struct fixture *f, const char *error, const char *method, const char *params, ...);
json_t *fix_control(struct fixture *f, const char *method, const char *params, ...);
/* Forgets the pushes so far. */
void fix_drain(struct fixture *f);
/* Updates pushed to a user, flattened out of their containers, short ones as they are; new reference. */
json_t *fix_updates(struct fixture *f, int64_t user_id);

/* "users.0.id" of the last result, or of any tree; NULL: not there. */
json_t *at(const json_t *tree, const char *path);
int64_t num(const json_t *tree, const char *path); /* also of a decimal string; 0: not there */
const char *str(const json_t *tree, const char *path);
/* access_hash by which the caller knows a user or channel: from contacts.resolveUsername. */
int64_t fix_hash(struct fixture *f, const char *username);
/* inputPeer* of a public name, for a pack format's "o". */
json_t *fix_peer(struct fixture *f, const char *username);
json_t *fix_channel(struct fixture *f, const char *username);
