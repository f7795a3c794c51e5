/*
 * Peers: users, basic groups and channels that an account has seen, and how a person names one.
 *
 *     results, Updates, differences --> mt_peers_harvest --> MT_FX_PEER (merged with what is stored)
 *     "@name", "+49...", t.me links --> mt_peer_parse ------> struct mt_peer_ref   (pure)
 *     struct mt_peer ---------------> mt_peer_put_input ---> InputPeer, InputUser, InputChannel ...
 *
 * A server sends *min* objects where it believes that we know the peer already: some fields are missing and
 * the access hash is good for its photo only. A min object never replaces a full one, it refreshes what is
 * public in it; where nothing is known it is kept together with the message that it came with, from which the
 * server accepts it (the *FromMessage constructors).
 * Sources: https://core.telegram.org/api/min, /api/peers, /api/links.
 */
#pragma once

#include "core/account/fx.h"
#include "core/store.h"
#include "tl/view.h"

/* --- what was seen --- */

struct mt_peers {
    const struct store_ops *store; /* may be NULL */
    struct mt_fxq *fxq;
    /* seen in this turn: storage has them only after it; an open-addressed table by number */
    struct mt_peer *fresh;
    size_t n_fresh, cap_fresh;
    /* min peers that this turn showed in a message, MT_PARTIAL_MAX at most: core/updates asks for the whole
     * ones and sets n_partial to 0 */
    mt_chat_id *partial;
    size_t n_partial;
};
#define MT_PARTIAL_MAX 128

void mt_peers_init(struct mt_peers *ps, const struct store_ops *store, struct mt_fxq *fxq);
void mt_peers_fini(struct mt_peers *ps);
/*
 * Takes every user and chat out of a result, an Updates or a difference, and makes an MT_FX_PEER of each that
 * is new or has changed. Also: auth.authorization's user, chatInviteAlready's chat, Updates inside a result.
 * MT_E_NOMEM: some are missing, nothing is damaged.
 */
int mt_peers_harvest(struct mt_peers *ps, const struct tl_view *v);
/* The same for a boxed vector (users.getUsers). */
int mt_peers_harvest_vector(struct mt_peers *ps, const void *p, size_t n);
/* An Update that changes a peer (a new name, username, phone). Others do nothing. */
int mt_peers_update(struct mt_peers *ps, const struct tl_view *update);
/* From this turn, else from storage. MT_E_NOT_FOUND. */
int mt_peers_get(struct mt_peers *ps, mt_chat_id chat, struct mt_peer *out);
/* What was seen is in storage now. */
void mt_peers_committed(struct mt_peers *ps);

/* --- one object --- */

/* A User or Chat object as a row, *min says which sort. MT_E_NOT_FOUND: an empty one. */
int mt_peer_from_view(const struct tl_view *v, struct mt_peer *out, bool *min);
/* `seen` over `stored` (NULL: nothing is): what to store. */
void mt_peer_merge(struct mt_peer *seen, bool min, const struct mt_peer *stored);
bool mt_peer_same(const struct mt_peer *a, const struct mt_peer *b);
/* The number in a Peer, InputPeer, InputUser or InputChannel; 0 for none of them, `self` for the Self ones.
 */
mt_chat_id mt_chat_of(const struct tl_view *peer, mt_chat_id self);
/* The chat of a Message (0: messageEmpty without one), and its id. */
mt_chat_id mt_message_chat(const struct tl_view *message, int32_t *id);

/* --- what a server takes for a peer --- */

/*
 * Writes the boxed object of `type`: InputPeer, InputUser, InputChannel, InputDialogPeer, InputNotifyPeer,
 * Peer. MT_E_NOT_FOUND: its access hash is not known (a bot may set has_hash with hash 0 for those it met);
 * MT_E_ARG: it is not of that sort (a group for an InputUser), or the type is none of these.
 */
int mt_peer_put_input(struct tl_out *out, const struct mt_peer *peer, const char *type);
/* The same; a min peer is written by way of `via`, the full peer of its seen_chat (NULL: none). */
int mt_peer_put_input_via(struct tl_out *out, const struct mt_peer *peer, const struct mt_peer *via,
                          const char *type);

/* --- what a person takes for a peer --- */

enum mt_ref_kind {
    MT_REF_SELF,   /* "me" */
    MT_REF_CHAT,   /* chat */
    MT_REF_NAME,   /* name: a username, as written, without @ */
    MT_REF_PHONE,  /* phone: digits */
    MT_REF_INVITE, /* invite: the hash of an invite link */
};

#define MT_INVITE_MAX 64

struct mt_peer_ref {
    enum mt_ref_kind kind;
    mt_chat_id chat;
    /* the number was a bare positive one: a user, unless only a channel of that id is known */
    bool bare;
    char name[MT_USERNAME_MAX];
    char phone[MT_PHONE_MAX];
    char invite[MT_INVITE_MAX];
    int32_t msg_id;    /* a link to a message, or 0 */
    int32_t thread_id; /* a link into a topic or thread, or 0 */
};

/*
 * Reads a number, "me", "self", "@name", "name", "+49 151 ...", "user:1", "chat:1", "channel:1", a t.me,
 * telegram.me or telegram.dog link (also name.t.me) or a tg: link. MT_E_ARG: it is none of these, or a link
 * to something that is no chat (a sticker set, a proxy ...).
 */
int mt_peer_parse(const char *text, struct mt_peer_ref *out);
/* 3..32 of letters, digits, _; a letter first, no __, no _ at the end (three: @gif, @pic). */
bool mt_is_username(const char *s, size_t n);
