/*
 * What the sandbox's Telegram consists of, and how to look things up in it. Private to the world's files.
 *
 *      user ---- box (pts, log) ---- msg  id 1 2 3 ...   each user numbers its messages itself
 *        |  `--- dialogs             |
 *      key (login)                  post  what was said: shared by the copies in all boxes
 *                                    |
 *      chat of kind SB_CHANNEL ---- box (pts, log) ---- msg: one copy, one numbering for all members
 *      chat of kind SB_GROUP: no box; every member's box has a copy
 *
 * Nothing here is ever freed before the world is; a deleted message keeps its place, marked. Memory comes
 * from sb_alloc(), which ends the program where there is none: a test server has nothing better to do.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/world.h"

void *sb_alloc(size_t n); /* zeroed */
char *sb_dup(const char *s);
char *sb_dupn(const void *p, size_t n);
/* Grows an array so that one more fits. */
void *sb_grow(void *p, size_t n, size_t *cap, size_t size);
#define SB_PUSH(v, n, cap) ((v) = sb_grow((v), (n), &(cap), sizeof *(v)), &(v)[(n)++])

/* 64-bit number -> pointer; no deletion but by storing NULL. */
struct sb_map {
    struct sb_map_slot {
        uint64_t key;
        void *value;
        bool used;
    } * slots;
    size_t n, cap;
};
void *sb_map_get(const struct sb_map *m, uint64_t key);
void sb_map_set(struct sb_map *m, uint64_t key, void *value);
void sb_map_fini(struct sb_map *m);
uint64_t sb_mix(uint64_t a, uint64_t b); /* for keys of two numbers */

enum sb_kind { SB_NOBODY, SB_USER, SB_GROUP, SB_CHANNEL };
struct sb_peer {
    enum sb_kind kind;
    int64_t id;
};
static inline bool sb_same(struct sb_peer a, struct sb_peer b)
{
    return a.kind == b.kind && a.id == b.id;
}

struct sb_ids { /* of messages, ascending */
    int32_t *v;
    size_t n, cap;
};
void sb_ids_add(struct sb_ids *ids, int32_t id);
void sb_ids_remove(struct sb_ids *ids, int32_t id);
/* How many are below `id`: the position of the first that is not. */
size_t sb_ids_below(const struct sb_ids *ids, int32_t id);

struct sb_reaction {
    int64_t user_id;
    int32_t date;
    char *emoji;
};

/* What was said, once. */
struct sb_post {
    uint64_t uid;
    struct sb_peer from; /* a user, or the channel of a post */
    int32_t date, edit_date;
    char *text;       /* "" where there is none */
    char *quote;      /* what of the message replied to; NULL = no quote */
    json_t *entities; /* array or NULL; as TL-JSON, like the next four */
    json_t *media;
    json_t *action; /* of a service message */
    json_t *fwd;
    json_t *markup;
    bool silent, noforwards, pinned;
    int32_t views;
    struct sb_reaction *reactions;
    size_t n_reactions, cap_reactions;
    struct sb_msg *copies; /* by next_copy */
};

/* A copy of a post in a box. */
struct sb_msg {
    int32_t id;
    struct sb_box *box;
    struct sb_peer peer; /* the chat, as the owner of the box sees it */
    bool out, deleted, mentioned, media_unread;
    int32_t reply_to; /* an id of this box, or 0 */
    struct sb_post *post;
    struct sb_msg *next_copy;
};

enum sb_event_kind {
    SB_EV_NEW,  /* msg_id, rendered as it is when somebody asks */
    SB_EV_EDIT, /* the same */
    SB_EV_BODY, /* a finished update; a count of 0: it rides along */
};
struct sb_event {
    enum sb_event_kind kind;
    int32_t pts; /* of the box after it */
    int32_t count;
    int32_t date;
    int32_t msg_id;
    int64_t only; /* a channel's event that concerns one member; 0 = all */
    json_t *body;
};

struct sb_box {
    struct sb_peer owner;
    int32_t pts;
    struct sb_event *log; /* from pts 1 on */
    size_t n_log, cap_log;
    struct sb_msg **msgs; /* msgs[id - 1] */
    size_t n_msgs, cap_msgs;
    int32_t too_long_before; /* a difference from below this pts is answered with ...TooLong */
    bool behind;             /* the server that tells differences has not heard of what came after `copied` */
    int32_t copied;
};

/* The second box of a user: world_qts.c. */
struct sb_qts {
    int32_t value;
    struct sb_qts_event {
        int32_t qts;
        json_t *update;
    } * log; /* what was not acknowledged, by a getDifference, up to where it goes */
    size_t n, cap;
};

struct sb_dialog {
    struct sb_peer peer;
    struct sb_ids ids; /* empty for channels: the channel has them */
    int32_t read_in, read_out;
    bool pinned, unread_mark, hidden;
    json_t *draft; /* draftMessage or NULL */
};

struct sb_password {
    bool set;
    uint8_t salt1[64], salt2[32], v[256];
    size_t salt1_len, salt2_len;
    uint8_t next_salt1[8]; /* what new_algo offers */
    char *hint;
};

struct sb_user {
    int64_t id;
    int32_t dc;
    char *phone, *first, *last, *username, *about; /* NULL where there is none */
    char *token;                                   /* of a bot */
    bool bot, deleted, service;
    int32_t online_until, was_online;
    struct sb_password password;
    struct sb_box box;
    struct sb_qts qts;
    struct sb_dialog **dialogs;
    size_t n_dialogs, cap_dialogs;
    int64_t *contacts;
    size_t n_contacts, cap_contacts;
    /* updates of the turn under way: for all sessions but the caller's, and for all */
    json_t *notes, *notes_all;
};

struct sb_member {
    int64_t user_id, inviter;
    int32_t date;
    bool admin, left, kicked;
    int32_t said; /* date of the last message, for slow mode */
};

struct sb_chat {
    struct sb_peer self;
    char *title, *username, *about;
    bool megagroup, deactivated;
    int32_t slow; /* slow mode: seconds between two messages of a member who is no admin; 0 = off */
    int64_t creator;
    int32_t date, version;
    struct sb_member *members;
    size_t n_members, cap_members;
    struct sb_box box; /* channels */
    struct sb_ids ids; /* channels: messages that are there */
};

/* An authorisation key that the world has heard of. */
struct sb_login {
    uint64_t id;
    int32_t dc_id, api_id;
    int64_t user_id;      /* 0 = nobody */
    int64_t wants_passwd; /* the user whose code was right and whose password is asked for */
    int32_t created, active;
    int64_t hash;    /* in account.getAuthorizations */
    int64_t takeout; /* id of the export under way; 0 = none */
    bool takeout_allowed;
    /* SRP: the question last asked; good for one answer */
    int64_t srp_id, srp_user;
    uint8_t srp_b[256];
    uint8_t login_token[32]; /* of a QR login */
    int32_t login_token_end;
    int64_t login_token_user; /* who accepted it */
};

struct sb_code { /* a login code on its way */
    char *phone, *hash, *code;
    int32_t end;
    int tries;
    bool used, verified; /* verified: the phone is nobody's and may sign up */
};

struct sb_transfer { /* auth.exportAuthorization */
    int64_t user_id;
    int32_t dc_id, end;
    uint8_t bytes[96];
    bool used;
};

struct sb_business { /* a bot that answers for a user */
    char id[40];
    int64_t bot, user;
    int32_t date;
    bool disabled;
};

struct sb_limit { /* a method that a user has called too often */
    int64_t user_id;
    const struct tl_def *def;
    int32_t until;
};

struct sb_calls { /* statistics by method */
    const struct tl_def *def;
    uint64_t calls, errors, stubs;
};

struct sb_world {
    const struct mt_env *env;
    uint64_t seed, rng;
    uint8_t secret[32]; /* of access hashes */
    struct sb_dc_addr *dcs;
    size_t n_dcs;
    struct sb_map users_by_id, chats_by_id, keys_by_id, sent; /* sent: (user, random_id) -> struct sb_msg */
    struct sb_user **users;
    size_t n_users, cap_users;
    struct sb_chat **chats;
    size_t n_chats, cap_chats;
    struct sb_login **keys;
    size_t n_keys, cap_keys;
    struct sb_code *codes;
    size_t n_codes, cap_codes;
    struct sb_transfer *transfers;
    size_t n_transfers, cap_transfers;
    struct sb_business *business;
    size_t n_business, cap_business;
    struct sb_post **posts;
    size_t n_posts, cap_posts;
    struct sb_msg **all_msgs; /* to free them */
    size_t n_all, cap_all;
    struct sb_limit *limits;
    size_t n_limits, cap_limits;
    struct sb_calls *calls;
    size_t n_calls, cap_calls;
    struct sb_user **noted; /* users with notes in this turn */
    size_t n_noted, cap_noted;
    struct sb_out {
        struct sb_push push;
        uint8_t *data;
    } * pushes;
    size_t n_pushes, cap_pushes, next_push;
    uint8_t *lent; /* the push that was handed out last */
    int32_t slice; /* events in one difference at most; 0 = chosen by seed */
};

/* A number below n, from the seed: for choices that no client may depend on. */
uint32_t sb_pick(struct sb_world *w, uint32_t n);
/* The same for something that must look alike every time: by its number. */
uint32_t sb_pick_for(const struct sb_world *w, uint64_t what, uint32_t n);

#define SB_SERVICE_USER INT64_C(777000)

struct sb_user *sb_user_new(struct sb_world *w, int64_t id, const char *first);
struct sb_user *sb_user_get(const struct sb_world *w, int64_t id);
struct sb_user *sb_user_by_phone(const struct sb_world *w, const char *phone);
struct sb_chat *sb_chat_new(struct sb_world *w, enum sb_kind kind, int64_t id, const char *title,
                            int64_t creator, int32_t date);
struct sb_chat *sb_chat_get(const struct sb_world *w, struct sb_peer peer);
/* Whose name it is, letter case aside; SB_NOBODY. */
struct sb_peer sb_by_username(const struct sb_world *w, const char *name, size_t n);
bool sb_username_ok(const char *name, size_t n);
int64_t sb_next_id(const struct sb_world *w, enum sb_kind kind, bool bot);

struct sb_member *sb_member_get(const struct sb_chat *c, int64_t user_id); /* also one who left */
bool sb_is_member(const struct sb_chat *c, int64_t user_id);
bool sb_is_admin(const struct sb_chat *c, int64_t user_id);
struct sb_member *sb_member_add(struct sb_chat *c, int64_t user_id, int64_t inviter, int32_t date);
size_t sb_member_count(const struct sb_chat *c);

struct sb_dialog *sb_dialog_get(const struct sb_user *u, struct sb_peer peer);
struct sb_dialog *sb_dialog_open(struct sb_user *u, struct sb_peer peer); /* makes it */
bool sb_is_contact(const struct sb_user *u, int64_t other);
struct sb_login *sb_login_get(struct sb_world *w, uint64_t id);
struct sb_login *sb_login_find(const struct sb_world *w, uint64_t id);

/* The messages of a chat as `u` sees it; NULL: none. And a message of it by id; NULL: none, or deleted. */
const struct sb_ids *sb_history_of(const struct sb_world *w, const struct sb_user *u, struct sb_peer peer);
struct sb_box *sb_box_of(const struct sb_world *w, struct sb_user *u, struct sb_peer peer);
struct sb_msg *sb_box_msg(const struct sb_box *box, int32_t id);

/* What `viewer` must show to be let at a peer. min: the kind that min objects carry. */
int64_t sb_access_hash(const struct sb_world *w, int64_t viewer, struct sb_peer peer, bool min);
