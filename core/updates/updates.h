/*
 * The sequence of an account: every update that the server makes, delivered in order, exactly once, whatever
 * was lost or doubled on the way.
 *
 *                    live Updates      results of own calls        differences
 *                         |                     |                      ^ |
 *     feed, result  ------v---------------------v----------------------|-v----  answer, refused
 *        held while a difference runs | boxes: common pts | qts | one pts per channel | seq of containers
 *     --------------------------------------------------------------------------------------------------
 *            MT_FX_PEER, then MT_FX_UPDATE, then MT_FX_STATE / MT_FX_CHANNEL  ->  struct mt_fxq
 *
 * A *box* is a counter with a rule (boxes.h): an update that fits is delivered and advances it, an older one
 * is dropped, one that is ahead waits 0.5 s for what is missing; then the difference is asked for.
 *
 * States of the common sequence: IDLE -> DUE -> RUNNING -> (WAITING, after a failure) -> DUE ... ; IN SYNC
 * where it and all channels are IDLE. The engine asks nothing before mt_updates_online().
 *
 * What is saved (STATE, CHANNEL) is queued behind the updates that it counts, in the same turn, so it never
 * runs ahead of them. Sources: https://core.telegram.org/api/updates; protocol.md 8.
 */
#pragma once

#include "core/peers/peers.h"

#define MT_GAP_WAIT     (500 * MT_US_PER_MS)
#define MT_SILENCE      (15 * 60 * MT_US_PER_S) /* without an update: ask, something may be stuck */
#define MT_CHECK        (15 * 60 * MT_US_PER_S) /* after a difference: compare getState with ours */
#define MT_CHANNELS_RUN 4                       /* channel differences at one time */
#define MT_SWEEP_BATCH  100                     /* channels in one messages.getPeerDialogs */
#define MT_SWEEP_PAUSE  (200 * MT_US_PER_MS)
#define MT_WATCH_MIN    (10 * MT_US_PER_S) /* between two questions about one of them, at least */
#define MT_WATCH_SPREAD MT_US_PER_S        /* for each watched channel: so one question a second in all */
#define MT_WATCH_CLOSED (60 * 60 * MT_US_PER_S) /* one that we may not read is tried again after this */

/* Peers known as min objects only: so many wait, so many in one question, so long between two questions. */
#define MT_REFETCH_MAX    400
#define MT_REFETCH_BATCH  100
#define MT_REFETCH_PAUSE  (10 * MT_US_PER_S)
#define MT_REFETCH_GATHER (2 * MT_US_PER_S)

struct mt_updates;

struct mt_updates_cfg {
    const struct mt_env *env;
    const struct store_ops *store; /* channel, each_channel, each_watched, peers; may be NULL */
    struct mt_peers *peers;
    struct mt_fxq *fxq;
};
/* `saved` is copied. NULL: no memory. */
struct mt_updates *mt_updates_new(const struct mt_updates_cfg *cfg, const struct mt_update_state *saved,
                                  struct mt_now now);
void mt_updates_free(struct mt_updates *u);

/* --- where we are --- */

/*
 * The main session is up and logged in as `self`: a difference is due (getState where nothing is known), the
 * first time one for every channel that is followed, too.
 */
void mt_updates_online(struct mt_updates *u, struct mt_now now, int64_t self, bool bot);
/* The connection is gone: nothing new is asked. What was asked is still answered or refused later. */
void mt_updates_offline(struct mt_updates *u);
/* Something may have been lost: new_session_created, a reconnect, a container that does not parse. */
void mt_updates_force(struct mt_updates *u, struct mt_now now);
/*
 * The server made our session anew: as above, and the channels that were active. Within 5 s of a connection's
 * beginning it means that beginning, and is ignored.
 */
void mt_updates_new_session(struct mt_updates *u, struct mt_now now);
/*
 * We go on in a session of another id or key: the same at any time, for a server sends updates only where a
 * question was asked, and in this session none was.
 */
void mt_updates_other_session(struct mt_updates *u, struct mt_now now);
/* Logged out: everything is forgotten, without effects. */
void mt_updates_reset(struct mt_updates *u);

/* --- watched channels --- */

/*
 * A server pushes what happens in channels that we are in, and is late with big ones. A watched channel is
 * asked for all the time, at the pace that the server hints at within the bounds above; its row keeps it over
 * restarts. What is older than `date` (Unix s by the server's clock, as dates of messages are) is no news of
 * a channel that was not followed. MT_E_NOT_FOUND: no access to it is known; MT_E_TOO_LARGE: MT_WATCH_MAX are
 * watched.
 */
int mt_updates_watch(struct mt_updates *u, struct mt_now now, int32_t date, int64_t channel, bool on);
/* At most `max` ids, in no order; how many there are. */
size_t mt_updates_watched(const struct mt_updates *u, int64_t *ids, size_t max);

/* --- in --- */

/* A pushed Updates object. `ack` comes out of mt_updates_next_ack() when it was processed. */
void mt_updates_feed(struct mt_updates *u, struct mt_now now, const void *p, size_t n, uint64_t ack);
/*
 * The result of a call of ours, whatever its type: Updates (also inside another object), affected* and the
 * users and chats of all. `request` is the function that was called. Its updates are marked with `token`.
 */
void mt_updates_result(struct mt_updates *u, struct mt_now now, const void *p, size_t n,
                       const struct tl_view *request, uint64_t token);
void mt_updates_tick(struct mt_updates *u, struct mt_now now);
int64_t mt_updates_deadline(const struct mt_updates *u);
/* The turn is committed: the next slice may be asked for. Call it every turn. */
void mt_updates_committed(struct mt_updates *u, struct mt_now now);
/*
 * A server forgets what has a qts once a difference was asked for with it. So a qts is named only when it
 * would survive a power cut. True, once: a difference waits until this turn is synced and mt_updates_synced()
 * says so, or mt_updates_unsynced() that it could not be asked for.
 */
bool mt_updates_wants_sync(struct mt_updates *u);
void mt_updates_synced(struct mt_updates *u);
void mt_updates_unsynced(struct mt_updates *u);

/* --- what it asks of the server --- */

enum mt_ask {
    MT_ASK_STATE,
    MT_ASK_DIFFERENCE,
    MT_ASK_CHANNEL,
    MT_ASK_CHECK,   /* getState, only to compare */
    MT_ASK_DIALOGS, /* getPeerDialogs: where channels stand */
    MT_ASK_PEERS    /* getUsers, getChannels: who was seen as a min object only */
};
struct mt_updates_ask {
    enum mt_ask what;
    int64_t channel;
    const uint8_t *p; /* the function; borrowed until the next call */
    size_t n;
};
bool mt_updates_next_ask(struct mt_updates *u, struct mt_now now, struct mt_updates_ask *ask);
/* The end of an ask: its result, or the server's error (code < 0: MT_E_*, it was not answered). */
void mt_updates_answer(struct mt_updates *u, struct mt_now now, enum mt_ask what, int64_t channel,
                       const void *p, size_t n);
void mt_updates_refused(struct mt_updates *u, struct mt_now now, enum mt_ask what, int64_t channel,
                        int32_t code, const char *text);

/* --- out, besides the effects --- */

/* Acks of containers that were processed; they may leave after the commit. */
bool mt_updates_next_ack(struct mt_updates *u, uint64_t *ack);
/* updateMessageID, wherever it turned up: for the outbox. */
bool mt_updates_next_id(struct mt_updates *u, int32_t *id, int64_t *random_id);

/*
 * updateShortSentMessage (`sent`), the answer to `request`, as the update with the whole message that other
 * sessions get. MT_E_ARG: the request is none that sends one message.
 */
int mt_updates_unfold_sent(const struct mt_updates *u, const struct tl_view *sent,
                           const struct tl_view *request, struct tl_out *out);

const struct mt_updates_stats *mt_updates_stats(const struct mt_updates *u);
const struct mt_update_state *mt_updates_state(const struct mt_updates *u);
bool mt_updates_is_in_sync(const struct mt_updates *u);
