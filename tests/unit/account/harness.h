/*
 * What the tests of core/peers, core/updates, core/outbox and core/account share: TL from JSON, a store in
 * memory, a seeded environment, and effects as one line of text, so that a test reads
 *
 *     expect(h, "update updateNewMessage | state 11 0 5 1");
 */
#pragma once

#include "tests/unit/check.h"

#include "core/account/fx.h"
#include "core/peers/peers.h"
#include "tl/json.h"
#include "tl/view.h"

/* --- TL from JSON; the bytes live until harness_free() or the end of the program --- */

struct tl_slice tl_of(const char *type, const char *json); /* an object of a type, with "_" */
struct tl_slice call_of(const char *json);                 /* {"_":"messages.sendMessage", ...} */
struct tl_view view_of(struct tl_slice s);
/* printf into a buffer that lives as long as the program's next 32 calls */
const char *fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- a store in memory --- */

#define MEM_MAX 64

struct mem_row {
    struct mt_outbox_row row;
    char method[64], params[1024], result[1024], dedup[64], digest[32];
};
struct mem {
    struct store_ops ops;
    struct mt_peer peers[MEM_MAX];
    size_t n_peers;
    struct mt_channel_row channels[MEM_MAX]; /* in no order */
    size_t n_channels;
    struct mem_row rows[MEM_MAX];
    size_t n_rows;
    struct mt_update_state state;
};
void mem_init(struct mem *m);
/* Does what storage does with an effect of a committed turn. */
void mem_apply(struct mem *m, const struct mt_fx *fx);
void mem_put_peer(struct mem *m, const struct mt_peer *peer);

/* --- environment --- */

struct env {
    struct mt_env env;
    uint64_t seed;
    unsigned broken; /* lines at MT_LOG_BROKEN */
};
void env_init(struct env *e, uint64_t seed);

/* --- effects --- */

/* One effect as text into buf. */
void fx_text(const struct mt_fx *fx, char *buf, size_t n);
/* Pulls all effects, applies them to the store (NULL: none) and joins them with " | ". Borrowed. */
const char *fx_drain(struct mt_fxq *q, struct mem *m);
