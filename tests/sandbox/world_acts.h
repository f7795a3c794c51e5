/*
 * What people do, whoever asks: the methods of the API and the control socket both end here. Each act changes
 * the state, writes the logs of the boxes that it touches and notes the updates. Rights have been checked.
 */
#pragma once

#include "tests/sandbox/world_turn.h"

/* --- boxes (world_box.c) --- */

/* Appends to the log; returns the box's pts after it. `body` is taken; NULL for NEW and EDIT. */
int32_t sb_log(struct sb_turn *t, struct sb_box *box, struct sb_event ev);
struct sb_msg *sb_box_put(struct sb_world *w, struct sb_box *box, struct sb_peer peer, struct sb_post *post);
/* A new post, not yet in any box. */
struct sb_post *sb_post_new(struct sb_turn *t, struct sb_peer from, const char *text);
/* The copy of a post in a box, or NULL. */
struct sb_msg *sb_copy_in(const struct sb_post *post, const struct sb_box *box);
/* The update of an event as `viewer` has it now; NULL: nothing left of it (deleted since), or not for him. */
json_t *sb_event_update(struct sb_world *w, const struct sb_box *box, const struct sb_event *ev,
                        const struct sb_user *viewer);
/* Whether a bot is shown this message of a group (privacy mode); users see everything. */
bool sb_sees(const struct sb_user *u, const struct sb_msg *m, const struct sb_chat *c);
/* Whether it speaks to u: by name, or as a reply to him. */
bool sb_mentions(const struct sb_user *u, const struct sb_msg *m);
int32_t sb_unread(const struct sb_world *w, const struct sb_user *u, struct sb_peer peer);

/* --- sending (world_deliver.c) --- */

struct sb_letter {
    struct sb_user *from;
    struct sb_peer to;
    const char *text, *quote;                         /* quote: of the message replied to, or NULL */
    json_t *entities, *media, *fwd, *action, *markup; /* borrowed, NULL = none */
    int32_t reply_to;                                 /* an id in the sender's box or the channel */
    int64_t random_id;                                /* 0 = none */
    bool silent, noforwards;
    bool as_channel; /* a post of a broadcast channel */
};
/* The sender's copy (or the channel's one). NULL: the message could not be put anywhere. */
struct sb_msg *sb_deliver(struct sb_turn *t, const struct sb_letter *s);
/* May `from` write there? NULL, or the error with its code in *code. */
const char *sb_may_write(const struct sb_world *w, const struct sb_user *from, struct sb_peer to,
                         int32_t *code);
/* A service message in a group or channel, by its action (taken). */
struct sb_msg *sb_send_action(struct sb_turn *t, struct sb_user *from, struct sb_peer to, json_t *action);

/* --- the box of qts (world_qts.c) --- */

/* One more for every session of u; `update` is taken. Its qts. */
int32_t sb_qts_note(struct sb_turn *t, struct sb_user *u, json_t *update);
/* Whether the caller may say that he has this; refuses where not. */
bool sb_qts_ok(struct sb_turn *t, int32_t qts);
void sb_qts_forget(struct sb_user *u, int32_t upto);
/* What is left, `limit` at most, into the lists of a difference; the qts after it. */
int32_t sb_qts_tell(const struct sb_user *u, size_t limit, json_t *encrypted, json_t *others);
void sb_qts_free(struct sb_user *u);
/* Bots that are admins are told who came or went. */
void sb_qts_member(struct sb_turn *t, const struct sb_chat *c, const struct sb_user *u,
                   const struct sb_user *by, bool came);
/* What happened to a private message of u, for the bots that are connected to him. */
void sb_qts_business(struct sb_turn *t, const struct sb_user *u, const char *ctor, const struct sb_msg *m);
/* Its deletion, by ids of u's box. */
void sb_qts_business_gone(struct sb_turn *t, const struct sb_user *u, const json_t *ids);
void sb_qts_connection(struct sb_turn *t, const struct sb_business *b);

/* --- limits (world_limits.c) --- */

/* For `seconds` this method answers FLOOD_WAIT to this user, whatever is asked. */
void sb_limit(struct sb_world *w, const struct sb_user *u, const struct tl_def *def, int32_t until);
/* Whether the caller may call this now; refuses where not. */
bool sb_within_limits(struct sb_turn *t);
/* Whether the slow mode of a supergroup lets the caller write `n` messages now; refuses where not. */
bool sb_may_write_now(struct sb_turn *t, struct sb_peer to, size_t n);
/* A random_id counts as used for a day. NULL: it is new, or forgotten. */
const struct sb_msg *sb_sent_with(const struct sb_turn *t, int64_t random_id);

/* --- after sending (world_change.c) --- */

/* Text and entities of a post were changed already: tells everybody. */
void sb_edited(struct sb_turn *t, struct sb_post *post);
/* Deletes ids of u's own box (revoke: everywhere); the pts of u's box counts `*count` of them. */
int32_t sb_delete(struct sb_turn *t, struct sb_user *u, const int32_t *ids, size_t n, bool revoke,
                  int32_t *count);
int32_t sb_delete_in_channel(struct sb_turn *t, struct sb_chat *c, const int32_t *ids, size_t n,
                             int32_t *count);
/* Reads up to max_id (0 = all). Returns u's pts after it; *count 0 where nothing changed. */
int32_t sb_read(struct sb_turn *t, struct sb_user *u, struct sb_peer peer, int32_t max_id, int32_t *count);
void sb_read_channel(struct sb_turn *t, struct sb_user *u, struct sb_chat *c, int32_t max_id);
void sb_type(struct sb_turn *t, struct sb_user *from, struct sb_peer to, json_t *action); /* borrowed */
void sb_react(struct sb_turn *t, struct sb_user *u, struct sb_msg *m,
              const char *emoji); /* NULL: takes back */
void sb_pin(struct sb_turn *t, struct sb_msg *m, bool pinned, bool one_side);
void sb_set_online(struct sb_turn *t, struct sb_user *u, bool online);
void sb_renamed(struct sb_turn *t, struct sb_user *u); /* his names were changed already: tells everybody */

/* --- chats (world_found.c) --- */

struct sb_chat *sb_make_chat(struct sb_turn *t, struct sb_user *creator, enum sb_kind kind, const char *title,
                             bool megagroup);
void sb_join(struct sb_turn *t, struct sb_chat *c, struct sb_user *u, struct sb_user *by);
void sb_leave(struct sb_turn *t, struct sb_chat *c, struct sb_user *u, struct sb_user *by);
void sb_set_title(struct sb_turn *t, struct sb_chat *c, struct sb_user *by, const char *title);

/* --- text (world_text.c) --- */

/* Length in UTF-16 units. */
int32_t sb_utf16(const char *s);
/*
 * As a server takes a text: control characters out, trimmed, entities (TL-JSON of MessageEntity, borrowed)
 * checked, clipped, sorted, what it finds by itself added. NULL, or the error.
 */
const char *sb_clean_text(struct sb_turn *t, const char *raw, const json_t *entities, int32_t max,
                          char **text, json_t **out);

/* --- views (world_render.c) --- */

json_t *sb_json_user(struct sb_world *w, int32_t date, const struct sb_user *viewer, const struct sb_user *u,
                     bool min);
json_t *sb_json_chat(struct sb_world *w, const struct sb_user *viewer, const struct sb_chat *c, bool min);
json_t *sb_json_message(struct sb_world *w, const struct sb_user *viewer, const struct sb_msg *m);
json_t *sb_json_reactions(const struct sb_user *viewer, const struct sb_post *post);
json_t *sb_json_dialog(struct sb_world *w, const struct sb_user *u, const struct sb_dialog *d);
json_t *sb_json_status(const struct sb_user *u, int32_t date);
json_t *sb_json_participants(const struct sb_chat *c);
json_t *sb_json_notify_settings(void);
int32_t sb_seq(const struct sb_turn *t); /* of the caller's session */
json_t *sb_json_state(struct sb_turn *t, const struct sb_user *u, int32_t pts);
/* The newest message of a dialog, or NULL. */
struct sb_msg *sb_top_message(const struct sb_world *w, struct sb_user *u, struct sb_peer peer);

/* --- logins (world/auth.c) --- */

void sb_log_in(struct sb_turn *t, struct sb_user *u); /* the caller's key is u's from now on */
json_t *sb_json_authorization(struct sb_turn *t, const struct sb_user *u);
json_t *sb_json_session(struct sb_turn *t, const struct sb_login *k); /* world/account.c: an Authorization */
/* world/password.c: whether an InputCheckPasswordSRP is right for u; refuses where not. */
bool sb_check_password(struct sb_turn *t, const struct tl_view *answer, struct sb_user *u);
int sb_set_password(struct sb_world *w, struct sb_user *u, const char *password, const char *hint);
/* world_seed.c */
void sb_seed_world(struct sb_world *w, struct mt_now now);
