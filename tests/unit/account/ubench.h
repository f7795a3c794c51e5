/* A machine of core/updates on its bench: see test_updates.c. */
#pragma once

#include "tests/unit/account/harness.h"

#include "core/updates/updates.h"

#define SELF 5

struct ubench {
    struct mem mem;
    struct env env;
    struct mt_fxq fxq;
    struct mt_peers peers;
    struct mt_updates *u;
    struct mt_now now;
};

/* pts 10, qts 5, date 100, seq 1; not online yet. `known` false: nothing is known. */
struct ubench *ub_new(bool known);
/* Online, the difference of the start was empty. */
struct ubench *ub_started(void);
/* The same, and channel 20 stands at pts 50 after message 1. */
struct ubench *ub_with_channel(void);
void ub_done(struct ubench *b);
void ub_feed(struct ubench *b, const char *updates);
void ub_wait(struct ubench *b, int64_t ms); /* time passes, what is due is done */
/* Commits the turn and gives all its effects as text. */
const char *ub_fx(struct ubench *b);
#define ub_expect(b, text) assert_string_equal(ub_fx(b), text)
/* What is asked now, all of it: "difference 10 100 5 | channel 9 20 100", "check", "dialogs 20 21" */
const char *ub_asks(struct ubench *b);
#define ub_expect_asks(b, text) assert_string_equal(ub_asks(b), text)
void ub_answer(struct ubench *b, enum mt_ask what, int64_t channel, const char *type, const char *json);
void ub_diff(struct ubench *b, const char *json);
void ub_chan_diff(struct ubench *b, int64_t channel, const char *json);

/* --- JSON of updates --- */

const char *u_new(int id, int pts, int count);                   /* updateNewMessage from user 7 */
const char *u_chan(int64_t channel, int id, int pts, int count); /* updateNewChannelMessage */
const char *u_qts(int qts);                                      /* updateBotStopped */
const char *u_typing(void);                                      /* no box */
const char *u_message(int id);                                   /* a Message from user 7 */
const char *u_chan_message(int64_t channel, int id);
const char *u_dated(int64_t channel, int id, int date); /* the same with a date; else it is 1 */
const char *u_too_long(int channel, int pts);           /* updateChannelTooLong; 0: without a pts */
const char *u_callback(int id);                         /* updateBotCallbackQuery: no box, told once */
/* updates / updatesCombined with these updates, comma separated */
const char *c_seq(const char *updates, int seq_start, int seq, int date);
#define c_plain(updates) c_seq(updates, 0, 0, 101)
const char *d_whole(const char *messages, const char *others, int pts, int qts, int seq);
const char *d_slice(const char *messages, const char *others, int pts, int qts, int seq);
/* updates.channelDifference; kind "Empty" or "" */
const char *cd(const char *kind, int pts, bool final, const char *messages, const char *others);
/* ...TooLong of channel 20: its pts and newest message */
const char *cd_too_long(int pts, int top, const char *messages, bool final);
