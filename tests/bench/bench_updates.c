/*
 * An account in 6,000 channels, with real storage under a virtual clock: what a start asks, what memory it
 * takes, how often it wakes up in an idle day, and how long a gap stays open. One JSON object.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/updates/updates.h"
#include "storage/storage.h"
#include "tl/ids.h"

enum { CHANNELS = 6000, DAY_S = 24 * 60 * 60, RTT_US = 50000 };

struct bench {
    struct store *s;
    int32_t account;
    struct mt_fxq fxq;
    struct mt_peers peers;
    struct mt_updates *u;
    struct mt_now now;
    unsigned differences, channels, dialogs, checks;
    unsigned told;
};

static void must(int rc)
{
    if (rc == MT_OK)
        return;
    fprintf(stderr, "bench_updates: %d\n", rc);
    exit(1);
}

static double cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void not_random(void *ctx, void *buf, size_t n)
{
    memset(buf, 0x5a, n);
}

static const struct mt_env env = {.random = not_random};

static void fill(struct bench *b)
{
    must(store_begin(b->s));
    for (int i = 1; i <= CHANNELS; i++) {
        struct mt_channel_row row = {.id = i, .pts = 100, .top = 50};
        struct mt_peer peer = {.chat = mt_chat_of_channel(i), .kind = MT_PEER_CHANNEL, .access_hash = i};

        peer.has_hash = true;
        snprintf(peer.name, sizeof peer.name, "Channel %d", i);
        must(store_put_channel(b->s, b->account, &row));
        must(store_put_peer(b->s, b->account, &peer));
    }
    must(store_commit(b->s, NULL));
}

/* --- the server's half: every question is answered with "nothing new" --- */

static void empty_difference(struct tl_out *out)
{
    tl_put_u32(out, TL_updates_differenceEmpty);
    tl_put_int(out, 100);
    tl_put_int(out, 1);
}

static void put_state(struct tl_out *out)
{
    tl_put_u32(out, TL_updates_state);
    for (int i = 0; i < 5; i++)
        tl_put_int(out, i < 2 ? 10 : 0);
}

/* Each of the channels that were asked about stands where we do. */
static void dialogs(struct tl_out *out, const struct tl_view *ask)
{
    struct tl_vec vec = tl_get_vector(ask, TLF_messages_getPeerDialogs__peers);
    struct tl_view item, peer;

    tl_put_u32(out, TL_messages_peerDialogs);
    tl_put_vector(out, vec.left);
    while (tl_vec_object(&vec, &item)) {
        tl_get_object(&item, TLF_inputDialogPeer__peer, &peer);
        tl_put_u32(out, TL_dialog);
        tl_put_u32(out, 1); /* pts */
        tl_put_u32(out, TL_peerChannel);
        tl_put_long(out, tl_get_long(&peer, TLF_inputPeerChannel__channel_id));
        for (int i = 0; i < 7; i++)
            tl_put_int(out, 50);
        tl_put_u32(out, TL_peerNotifySettings);
        tl_put_u32(out, 0);
        tl_put_int(out, 100);
    }
    for (int i = 0; i < 3; i++)
        tl_put_vector(out, 0);
    put_state(out);
}

static void answer(struct bench *b, const struct mt_updates_ask *ask)
{
    struct tl_out out = {0};
    enum mt_ask what = ask->what;
    int64_t channel = ask->channel;
    struct tl_view v;

    must(tl_view_open_exact(&v, ask->p, ask->n));
    switch (what) {
    case MT_ASK_DIFFERENCE:
        b->differences++;
        empty_difference(&out);
        break;
    case MT_ASK_STATE:
    case MT_ASK_CHECK:
        b->checks++;
        put_state(&out);
        break;
    case MT_ASK_DIALOGS:
        b->dialogs++;
        dialogs(&out, &v);
        break;
    case MT_ASK_PEERS: /* this server sends no min objects */
        break;
    case MT_ASK_CHANNEL:
        b->channels++;
        tl_put_u32(&out, TL_updates_channelDifferenceEmpty);
        tl_put_u32(&out, 1);
        tl_put_int(&out, 100);
        break;
    }
    b->now.mono += RTT_US;
    mt_updates_answer(b->u, b->now, what, channel, out.data, out.len);
    tl_out_free(&out);
}

static void turn(struct bench *b)
{
    struct mt_updates_ask ask;
    struct mt_fx fx;
    bool more = true;

    while (more) {
        while (mt_fxq_next(&b->fxq, &fx))
            b->told += fx.kind == MT_FX_UPDATE;
        mt_peers_committed(&b->peers);
        mt_updates_committed(b->u, b->now);
        if (mt_updates_wants_sync(b->u))
            mt_updates_synced(b->u);
        more = mt_updates_next_ask(b->u, b->now, &ask);
        if (more)
            answer(b, &ask);
    }
}

static unsigned sleep_until(struct bench *b, int64_t end)
{
    unsigned woke = 0;

    while (mt_updates_deadline(b->u) < end) {
        int64_t at = mt_updates_deadline(b->u);

        b->now.mono = at > b->now.mono ? at : b->now.mono;
        mt_updates_tick(b->u, b->now);
        turn(b);
        woke++;
    }
    b->now.mono = end;
    return woke;
}

static void start(struct bench *b)
{
    struct mt_update_state state = {.pts = 10, .qts = 10, .date = 100, .seq = 1, .known = true};
    const struct store_ops *ops = store_ops_of(b->s, b->account);
    struct mt_updates_cfg cfg = {.env = &env, .store = ops, .peers = &b->peers, .fxq = &b->fxq};

    mt_fxq_init(&b->fxq);
    mt_peers_init(&b->peers, ops, &b->fxq);
    b->u = mt_updates_new(&cfg, &state, b->now);
    if (!b->u)
        exit(1);
    mt_updates_online(b->u, b->now, 5, false);
    turn(b);
}

/* --- a gap: the second of two updates arrives, the first is lost --- */

static void message(struct tl_out *out, int32_t id)
{
    tl_put_u32(out, TL_message);
    tl_put_u32(out, 0);
    tl_put_u32(out, 0);
    tl_put_int(out, id);
    tl_put_u32(out, TL_peerUser);
    tl_put_long(out, 7);
    tl_put_int(out, 100);
    tl_put_str(out, "m");
}

static double recovery_ms(struct bench *b)
{
    struct tl_out out = {0};
    struct mt_updates_ask ask;
    int64_t begin;

    tl_put_u32(&out, TL_updateShort);
    tl_put_u32(&out, TL_updateNewMessage);
    message(&out, 2);
    tl_put_int(&out, 12);
    tl_put_int(&out, 1);
    tl_put_int(&out, 100);
    begin = b->now.mono;
    mt_updates_feed(b->u, b->now, out.data, out.len, 0);
    b->now.mono = mt_updates_deadline(b->u);
    mt_updates_tick(b->u, b->now);
    if (mt_updates_wants_sync(b->u))
        mt_updates_synced(b->u);
    if (!mt_updates_next_ask(b->u, b->now, &ask) || ask.what != MT_ASK_DIFFERENCE)
        exit(1);
    tl_out_reset(&out);
    tl_put_u32(&out, TL_updates_difference);
    tl_put_vector(&out, 2);
    message(&out, 1);
    message(&out, 2);
    for (int i = 0; i < 4; i++)
        tl_put_vector(&out, 0);
    tl_put_u32(&out, TL_updates_state);
    tl_put_int(&out, 12);
    tl_put_int(&out, 10);
    tl_put_int(&out, 100);
    tl_put_int(&out, 1);
    tl_put_int(&out, 0);
    b->now.mono += RTT_US;
    b->told = 0;
    mt_updates_answer(b->u, b->now, MT_ASK_DIFFERENCE, 0, out.data, out.len);
    tl_out_free(&out);
    turn(b);
    if (b->told != 2)
        exit(1);
    return (double)(b->now.mono - begin) / 1000;
}

int main(void)
{
    char dir[] = "/tmp/tgd-bench-XXXXXX", err[256], command[64];
    struct bench b = {.now = {.mono = MT_US_PER_S, .wall = 1700000000 * MT_US_PER_S}};
    struct store_cfg cfg = {.dir = dir, .env = &env, .now = b.now, .server_set = (const uint8_t[32]){0}};
    struct store_account row;
    size_t before, idle;
    double used;
    unsigned woke;

    if (!mkdtemp(dir))
        return 1;
    must(store_open(&cfg, &b.s, err));
    must(store_account_add(b.s, "main", 1, "hash", &row));
    b.account = row.id;
    fill(&b);
    before = mallinfo2().uordblks;
    used = cpu();
    start(&b);
    sleep_until(&b, b.now.mono + 60 * MT_US_PER_S);
    used = cpu() - used;
    idle = mallinfo2().uordblks - before;
    printf("{\"bench\":\"updates\",\"channels\":%d,\"start\":{\"differences\":%u,\"dialogs\":%u,"
           "\"channel_differences\":%u,\"cpu_ms\":%.1f},\"idle_bytes\":%zu,",
           CHANNELS, b.differences, b.dialogs, b.channels, used * 1e3, idle);
    woke = sleep_until(&b, b.now.mono + DAY_S * MT_US_PER_S);
    printf("\"wake_ups_a_day\":%u,\"gap_recovered_ms\":%.0f,\"round_trip_ms\":%d}\n", woke, recovery_ms(&b),
           RTT_US / 1000);
    mt_updates_free(b.u);
    mt_peers_fini(&b.peers);
    mt_fxq_fini(&b.fxq);
    store_close(b.s);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0;
}
