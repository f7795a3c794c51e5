/*
 * One turn of the world: a call or a control request, from its arrival to the answer and the pushes.
 *
 *      handler -> acts (world_acts.h) -> sb_note(user, update) ... -> sb_answer(json) | sb_refuse(code, text)
 *      end of the turn: the notes of each user become one or more Updates objects -> sb_world_next_push()
 *
 * Objects are made as TL-JSON (tl/json.h) and encoded at the edge, in the schema's layer: the protocol half
 * reshapes them for sessions of another one. JSON arguments marked "taken" are owned by the callee, also
 * where it fails.
 */
#pragma once

#include "tests/sandbox/world_state.h"
#include "tl/ids.h"

struct sb_turn {
    struct sb_world *w;
    struct mt_now now;
    int32_t date;                   /* now, in Unix seconds */
    const struct sb_caller *caller; /* NULL: the control socket */
    struct sb_login *key;           /* NULL: the control socket */
    struct sb_user *me;             /* NULL: nobody is logged in */
    const struct tl_view *call;
    struct sb_reply *reply;
    json_t *own; /* updates that the caller's answer carries, where it is an Updates */
};

/* Where a method may be called; the schema says whether users, bots or both may (tl_def.access). */
#define SB_M_ANYBODY 1u /* also without a login; everything else needs one */
#define SB_M_ANY_DC  2u /* also where the user does not live */

struct sb_method {
    uint32_t id; /* 0 ends a table */
    unsigned flags;
    void (*run)(struct sb_turn *t);
};
/* One table per file of world/. */
extern const struct sb_method sb_methods_auth[], sb_methods_password[], sb_methods_help[], sb_methods_users[],
    sb_methods_contacts[], sb_methods_send[], sb_methods_edit[], sb_methods_history[], sb_methods_dialogs[],
    sb_methods_read[], sb_methods_chats[], sb_methods_channels[], sb_methods_members[], sb_methods_updates[],
    sb_methods_account[], sb_methods_behalf[];
/*
 * world/behalf.c: whether the wrappers invokeWithTakeout and invokeWithBusinessConnection hold; refuses where
 * not. A business call runs as the user for whom it is made: t->me is that user then.
 */
bool sb_on_behalf(struct sb_turn *t);

/* --- answers: each handler ends in exactly one --- */

void sb_answer(struct sb_turn *t, json_t *result); /* taken */
void sb_answer_bool(struct sb_turn *t, bool v);
/* The turn's own updates, as an Updates object. */
void sb_answer_updates(struct sb_turn *t);
/* The same as JSON, for answers that hold one. */
json_t *sb_own_updates(struct sb_turn *t);
void sb_refuse(struct sb_turn *t, int32_t code, const char *text);
void sb_refusef(struct sb_turn *t, int32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Minimal valid value of the method's result type. False: there is none. */
bool sb_stub(const struct tl_def *def, struct tl_out *out);
/* The least valid object or call of a def, with its id. False: there is none (a wrapper). */
bool sb_least(const struct tl_def *def, struct tl_out *out);

/* --- updates --- */

/* For every session of `u` but the caller's, whose answer has it (see t->own). `update` is taken. */
void sb_note(struct sb_turn *t, struct sb_user *u, json_t *update);
/* For every session but the caller's, whose answer is no Updates and says it otherwise (pts in a result). */
void sb_note_others(struct sb_turn *t, struct sb_user *u, json_t *update);
/* For every session, the caller's too. */
void sb_note_all(struct sb_turn *t, struct sb_user *u, json_t *update);
/* Ends the turn: notes become pushes. */
void sb_turn_end(struct sb_turn *t);
/* One update for the sessions of a key that may have no user. `update` is taken. */
void sb_push_key(struct sb_turn *t, uint64_t key_id, json_t *update);

/* --- small JSON --- */

json_t *sb_b64(const void *p, size_t n); /* a bytes field */
json_t *sb_text(const char *s);          /* a string field */
/* An object that has "_" alone, for singletons. */
json_t *sb_unit(const char *ctor);

/* --- peers in answers (world_peers.c) --- */

json_t *sb_json_peer(struct sb_peer peer);
/*
 * Looks through `tree` for users and chats that it names and sets "users" and "chats" in `into`, as `viewer`
 * sees them. `lean`: senders in channels may come as min objects.
 */
void sb_add_peers(struct sb_world *w, int32_t date, const struct sb_user *viewer, const json_t *tree,
                  bool lean, json_t *into);

/* --- peers in calls: each returns false after refusing --- */

/* InputPeer (also inputPeerSelf and the ...FromMessage forms), in a field of the call. */
bool sb_arg_peer(struct sb_turn *t, unsigned field, struct sb_peer *peer);
bool sb_in_peer(struct sb_turn *t, const struct tl_view *v, struct sb_peer *peer);
bool sb_arg_user(struct sb_turn *t, unsigned field, struct sb_user **u);
bool sb_in_user(struct sb_turn *t, const struct tl_view *v, struct sb_user **u);
/* A channel whose hash is right; it may still be private to others. */
bool sb_arg_channel(struct sb_turn *t, unsigned field, struct sb_chat **c);
bool sb_in_channel(struct sb_turn *t, const struct tl_view *v, struct sb_chat **c);
/* May I read there? CHANNEL_PRIVATE, PEER_ID_INVALID where not. */
bool sb_may_read(struct sb_turn *t, struct sb_peer peer);

/* A string argument, malloc'ed; one that is not UTF-8 is "". */
char *sb_arg_text(struct sb_turn *t, unsigned field);
/* A field as TL-JSON, a new reference; NULL where it is absent. */
json_t *sb_arg_json(const struct tl_view *v, unsigned field);
/* A Vector<int> field, malloc'ed. */
int32_t *sb_arg_ints(struct sb_turn *t, unsigned field, size_t *n);
