/*
 * Hostile bytes as everything that the server can say to the update machine: pushes, differences, results.
 *
 *     op (1) | length (2, little-endian) | bytes ...    repeated
 *     0 push  1 difference  2 channel difference  3 state  4 result of sendMessage  5 result of readHistory
 *     6 time passes (length in ms)  7 the turn is committed  8 the difference is refused
 *     9 a check of the state  10 dialogs of a check  11 a channel, dialogs are refused (text)
 *     12 channel (length) is watched or not  13 offline, online  14 a new session  15 an hour passes
 */
#include "tests/fuzz/fuzz.h"

#include "core/updates/updates.h"
#include "tl/ids.h"

#define ASKS_MAX 100000

static void no_random(void *ctx, void *buf, size_t n)
{
    memset(buf, 7, n);
}

static void no_broken(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    FUZZ_CHECK(level != MT_LOG_BROKEN);
}

static const struct mt_env env = {.random = no_random, .log = no_broken};

/* Two channels are stored, one of them watched; what is written is not read again. */
static int channel(void *ctx, int64_t id, struct mt_channel_row *out)
{
    *out = (struct mt_channel_row){.id = id, .pts = 50, .top = id == 21 ? 3 : 0, .watched = id == 21};
    return id == 20 || id == 21 ? MT_OK : MT_E_NOT_FOUND;
}

static int each_channel(void *ctx, int64_t after, int (*row)(void *arg, const struct mt_channel_row *row),
                        void *arg)
{
    struct mt_channel_row one;

    for (int64_t id = 20; id <= 21; id++)
        if (id > after && channel(ctx, id, &one) == MT_OK && row(arg, &one))
            break;
    return MT_OK;
}

static int each_watched(void *ctx, int (*row)(void *arg, const struct mt_channel_row *row), void *arg)
{
    return each_channel(ctx, 20, row, arg);
}

static int peer_by_chat(void *ctx, mt_chat_id chat, struct mt_peer *out)
{
    *out = (struct mt_peer){.chat = chat, .kind = MT_PEER_CHANNEL, .has_hash = true};
    return chat < -INT64_C(1000000000000) && chat > -INT64_C(1000000000090) ? MT_OK : MT_E_NOT_FOUND;
}

static const struct store_ops store = {.channel = channel,
                                       .each_channel = each_channel,
                                       .each_watched = each_watched,
                                       .peer_by_chat = peer_by_chat};

struct run {
    struct mt_fxq fxq;
    struct mt_peers peers;
    struct mt_updates *u;
    struct mt_now now;
    size_t asks;
};

static void take_turn(struct run *r)
{
    struct mt_updates_ask ask;
    struct tl_view v;
    struct mt_fx fx;

    while (mt_fxq_next(&r->fxq, &fx)) {
        if (fx.kind == MT_FX_UPDATE)
            FUZZ_CHECK(tl_view_open_exact(&v, fx.p, fx.n) == TL_OK);
        if (fx.kind == MT_FX_CHANNEL)
            FUZZ_CHECK(fx.channel && fx.channel->id > 0);
    }
    mt_peers_committed(&r->peers);
    mt_updates_committed(r->u, r->now);
    if (mt_updates_wants_sync(r->u))
        mt_updates_synced(r->u);
    while (mt_updates_next_ask(r->u, r->now, &ask)) {
        FUZZ_CHECK(tl_view_open_exact(&v, ask.p, ask.n) == TL_OK);
        FUZZ_CHECK(++r->asks < ASKS_MAX);
    }
}

static void request(struct tl_view *v, uint32_t id)
{
    static uint8_t bytes[64];
    struct tl_out out = {.data = bytes, .cap = sizeof bytes, .fixed = true};

    tl_put_u32(&out, id);
    if (id == TL_messages_sendMessage)
        tl_put_u32(&out, 0);
    tl_put_u32(&out, TL_inputPeerSelf);
    if (id == TL_messages_sendMessage) {
        tl_put_str(&out, "text");
        tl_put_long(&out, 42);
    } else {
        tl_put_int(&out, 9);
    }
    FUZZ_CHECK(!out.err && tl_view_open_exact(v, out.data, out.len) == TL_OK);
}

static void refused(struct run *r, const uint8_t *p, size_t n)
{
    char text[64];

    snprintf(text, sizeof text, "%.*s", (int)(n < 63 ? n : 63), n ? (const char *)p : "");
    mt_updates_refused(r->u, r->now, MT_ASK_DIALOGS, 0, 400, text);
    mt_updates_refused(r->u, r->now, MT_ASK_CHECK, 0, 500, text);
    mt_updates_refused(r->u, r->now, MT_ASK_PEERS, 0, n & 1 ? 400 : 420, text);
    for (int64_t id = 20; id < 24; id++)
        mt_updates_refused(r->u, r->now, MT_ASK_CHANNEL, id, 400, text);
}

static void more(struct run *r, uint8_t op, const uint8_t *p, size_t n)
{
    int64_t ids[4];

    switch (op) {
    case 9:
        mt_updates_answer(r->u, r->now, MT_ASK_CHECK, 0, p, n);
        break;
    case 10:
        mt_updates_answer(r->u, r->now, MT_ASK_DIALOGS, 0, p, n);
        mt_updates_answer(r->u, r->now, MT_ASK_PEERS, 0, p, n);
        break;
    case 11:
        refused(r, p, n);
        break;
    case 12:
        mt_updates_watch(r->u, r->now, (int32_t)(r->now.wall / MT_US_PER_S), 20 + (int64_t)(n % 60), n & 256);
        FUZZ_CHECK(mt_updates_watched(r->u, ids, 4) <= MT_WATCH_MAX + 1);
        break;
    case 13:
        mt_updates_offline(r->u);
        take_turn(r);
        mt_updates_online(r->u, r->now, 5, n & 1);
        break;
    case 14:
        mt_updates_new_session(r->u, r->now);
        break;
    case 15:
        r->now.mono += 3600 * MT_US_PER_S;
        mt_updates_tick(r->u, r->now);
        break;
    default:
        mt_updates_refused(r->u, r->now, MT_ASK_DIFFERENCE, 0, 500, "TIMEOUT");
        break;
    }
}

static void one(struct run *r, uint8_t op, const uint8_t *p, size_t n)
{
    struct tl_view v;

    switch (op) {
    case 0:
        mt_updates_feed(r->u, r->now, p, n, 1);
        break;
    case 1:
        mt_updates_answer(r->u, r->now, MT_ASK_DIFFERENCE, 0, p, n);
        break;
    case 2:
        mt_updates_answer(r->u, r->now, MT_ASK_CHANNEL, 20, p, n);
        break;
    case 3:
        mt_updates_answer(r->u, r->now, MT_ASK_STATE, 0, p, n);
        break;
    case 4:
    case 5:
        request(&v, op == 4 ? TL_messages_sendMessage : TL_messages_readHistory);
        mt_updates_result(r->u, r->now, p, n, &v, 3);
        break;
    case 6:
        r->now.mono += (int64_t)n * MT_US_PER_MS;
        mt_updates_tick(r->u, r->now);
        break;
    case 7:
        take_turn(r);
        break;
    default:
        more(r, op, p, n);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mt_update_state state = {.pts = 10, .qts = 5, .date = 100, .seq = 1, .known = true};
    struct run r = {.now = {.mono = 1000000, .wall = 1700000000000000}};
    struct mt_updates_cfg cfg = {.env = &env, .store = &store, .peers = &r.peers, .fxq = &r.fxq};

    mt_fxq_init(&r.fxq);
    mt_peers_init(&r.peers, &store, &r.fxq);
    r.u = mt_updates_new(&cfg, &state, r.now);
    FUZZ_CHECK(r.u);
    mt_updates_online(r.u, r.now, 5, false);
    take_turn(&r);
    while (size >= 3) {
        size_t n = (size_t)data[1] | (size_t)data[2] << 8;
        uint8_t op = data[0];

        data += 3;
        size -= 3;
        if (op == 6 || op == 7 || (op >= 12 && op <= 15)) {
            one(&r, op, NULL, n);
            continue;
        }
        n = n < size ? n : size;
        one(&r, op, data, n);
        data += n;
        size -= n;
    }
    take_turn(&r);
    /* it never asks to be woken for nothing: a deadline in the past that no tick and no question moves */
    mt_updates_tick(r.u, r.now);
    take_turn(&r);
    FUZZ_CHECK(mt_updates_deadline(r.u) > r.now.mono);
    mt_updates_free(r.u);
    mt_peers_fini(&r.peers);
    mt_fxq_fini(&r.fxq);
    return 0;
}
