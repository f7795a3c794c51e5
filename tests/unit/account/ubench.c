#include "tests/unit/account/ubench.h"

#include "tl/ids.h"

static struct ubench the_bench;

struct ubench *ub_new(bool known)
{
    struct ubench *b = &the_bench;
    struct mt_update_state state = {.pts = 10, .qts = 5, .date = 100, .seq = 1, .known = known};
    struct mt_peer user = {.chat = 7, .has_hash = true, .access_hash = 77};
    struct mt_updates_cfg cfg = {
        .env = &b->env.env, .store = &b->mem.ops, .peers = &b->peers, .fxq = &b->fxq};

    memset(b, 0, sizeof *b);
    mem_init(&b->mem);
    env_init(&b->env, 1);
    mem_put_peer(&b->mem, &user);
    for (int i = 20; i < 30; i++) {
        struct mt_peer channel = {
            .chat = mt_chat_of_channel(i), .kind = MT_PEER_CHANNEL, .has_hash = true, .access_hash = i};

        mem_put_peer(&b->mem, &channel);
    }
    mt_fxq_init(&b->fxq);
    mt_peers_init(&b->peers, &b->mem.ops, &b->fxq);
    b->now = (struct mt_now){1000 * MT_US_PER_S, 1700000000 * MT_US_PER_S};
    b->u = mt_updates_new(&cfg, &state, b->now);
    assert_non_null(b->u);
    return b;
}

void ub_done(struct ubench *b)
{
    assert_int_equal(b->env.broken, 0);
    mt_updates_free(b->u);
    mt_peers_fini(&b->peers);
    mt_fxq_fini(&b->fxq);
}

const char *ub_fx(struct ubench *b)
{
    const char *text = fx_drain(&b->fxq, &b->mem);

    mt_peers_committed(&b->peers);
    mt_updates_committed(b->u, b->now);
    return text;
}

void ub_feed(struct ubench *b, const char *updates)
{
    struct tl_slice s = tl_of("Updates", updates);

    mt_updates_feed(b->u, b->now, s.p, s.n, 0);
}

void ub_wait(struct ubench *b, int64_t ms)
{
    b->now.mono += ms * MT_US_PER_MS;
    b->now.wall += ms * MT_US_PER_MS;
    mt_updates_tick(b->u, b->now);
}

static const char *dialogs_text(const struct tl_view *v)
{
    struct tl_vec vec = tl_get_vector(v, TLF_messages_getPeerDialogs__peers);
    const char *text = "dialogs";
    struct tl_view item, peer;
    enum mt_peer_kind kind;
    int64_t id;

    while (tl_vec_object(&vec, &item)) {
        assert_true(tl_get_object(&item, TLF_inputDialogPeer__peer, &peer));
        assert_true(mt_chat_split(mt_chat_of(&peer, 0), &kind, &id));
        text = fmt("%s %d", text, (int)id);
    }
    return text;
}

/* "users 7/3@-100 ...": whom, by way of which message of which chat. */
static const char *peers_text(const struct tl_view *v)
{
    bool users = v->def->id == TL_users_getUsers;
    struct tl_vec vec = tl_get_vector(v, users ? TLF_users_getUsers__id : TLF_channels_getChannels__id);
    const char *text = users ? "users" : "channels";
    struct tl_view one, at;

    while (tl_vec_object(&vec, &one)) {
        assert_true(tl_get_object(&one, (unsigned)tl_view_field(&one, "peer"), &at));
        text = fmt(
            "%s %lld/%d@%lld", text,
            (long long)tl_get_long(&one, (unsigned)tl_view_field(&one, users ? "user_id" : "channel_id")),
            (int)tl_get_int(&one, (unsigned)tl_view_field(&one, "msg_id")), (long long)mt_chat_of(&at, SELF));
    }
    return text;
}

const char *ub_asks(struct ubench *b)
{
    static char all[4096];
    struct mt_updates_ask ask;
    size_t n = 0;

    all[0] = 0;
    if (mt_updates_wants_sync(b->u))
        mt_updates_synced(b->u);
    while (mt_updates_next_ask(b->u, b->now, &ask)) {
        struct tl_view v = view_of((struct tl_slice){ask.p, ask.n});
        const char *one = "state";

        if (ask.what == MT_ASK_DIFFERENCE)
            one = fmt("difference %d %d %d", (int)tl_get_int(&v, TLF_updates_getDifference__pts),
                      (int)tl_get_int(&v, TLF_updates_getDifference__date),
                      (int)tl_get_int(&v, TLF_updates_getDifference__qts));
        if (ask.what == MT_ASK_CHANNEL)
            one = fmt("channel %d %d %d", (int)ask.channel,
                      (int)tl_get_int(&v, TLF_updates_getChannelDifference__pts),
                      (int)tl_get_int(&v, TLF_updates_getChannelDifference__limit));
        if (ask.what == MT_ASK_CHECK)
            one = "check";
        if (ask.what == MT_ASK_DIALOGS)
            one = dialogs_text(&v);
        if (ask.what == MT_ASK_PEERS)
            one = peers_text(&v);
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? " | " : "", one);
    }
    return all;
}

void ub_answer(struct ubench *b, enum mt_ask what, int64_t channel, const char *type, const char *json)
{
    struct tl_slice s = tl_of(type, json);

    mt_updates_answer(b->u, b->now, what, channel, s.p, s.n);
}

void ub_diff(struct ubench *b, const char *json)
{
    ub_answer(b, MT_ASK_DIFFERENCE, 0, "updates.Difference", json);
}

void ub_chan_diff(struct ubench *b, int64_t channel, const char *json)
{
    ub_answer(b, MT_ASK_CHANNEL, channel, "updates.ChannelDifference", json);
}

struct ubench *ub_started(void)
{
    struct ubench *b = ub_new(true);

    mt_updates_online(b->u, b->now, SELF, false);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, "{\"_\":\"updates.differenceEmpty\",\"date\":100,\"seq\":1}");
    ub_expect(b, "state 10 5 1");
    assert_true(mt_updates_is_in_sync(b->u));
    return b;
}

struct ubench *ub_with_channel(void)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_chan(20, 1, 50, 1)));
    ub_expect(b, "NewChannelMessage 1 | channel 20 50");
    return b;
}

const char *u_message(int id)
{
    return fmt("{\"_\":\"message\",\"id\":%d,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":\"7\"},\"date\":1,"
               "\"message\":\"m\"}",
               id);
}

const char *u_new(int id, int pts, int count)
{
    return fmt("{\"_\":\"updateNewMessage\",\"message\":%s,\"pts\":%d,\"pts_count\":%d}", u_message(id), pts,
               count);
}

const char *u_dated(int64_t channel, int id, int date)
{
    return fmt(
        "{\"_\":\"message\",\"id\":%d,\"peer_id\":{\"_\":\"peerChannel\",\"channel_id\":\"%d\"},\"date\":%d,"
        "\"message\":\"m\"}",
        id, (int)channel, date);
}

const char *u_chan_message(int64_t channel, int id)
{
    return u_dated(channel, id, 1);
}

const char *u_too_long(int channel, int pts)
{
    return pts ? fmt("{\"_\":\"updateChannelTooLong\",\"channel_id\":\"%d\",\"pts\":%d}", channel, pts)
               : fmt("{\"_\":\"updateChannelTooLong\",\"channel_id\":\"%d\"}", channel);
}

const char *u_callback(int id)
{
    return fmt("{\"_\":\"updateBotCallbackQuery\",\"query_id\":\"%d\",\"user_id\":\"7\",\"peer\":"
               "{\"_\":\"peerUser\",\"user_id\":\"7\"},\"msg_id\":1,\"chat_instance\":\"1\"}",
               id);
}

const char *cd(const char *kind, int pts, bool final, const char *messages, const char *others)
{
    if (!strcmp(kind, "Empty"))
        return fmt("{\"_\":\"updates.channelDifferenceEmpty\",\"final\":%s,\"pts\":%d}",
                   final ? "true" : "false", pts);
    return fmt("{\"_\":\"updates.channelDifference\",\"final\":%s,\"pts\":%d,\"new_messages\":[%s],"
               "\"other_updates\":[%s],\"chats\":[],\"users\":[]}",
               final ? "true" : "false", pts, messages, others);
}

const char *cd_too_long(int pts, int top, const char *messages, bool final)
{
    return fmt(
        "{\"_\":\"updates.channelDifferenceTooLong\",\"final\":%s,\"dialog\":{\"_\":\"dialog\",\"peer\":"
        "{\"_\":\"peerChannel\",\"channel_id\":\"20\"},\"top_message\":%d,\"read_inbox_max_id\":1,"
        "\"read_outbox_max_id\":1,\"unread_count\":0,\"unread_mentions_count\":0,"
        "\"unread_reactions_count\":0,\"unread_poll_votes_count\":0,\"notify_settings\":"
        "{\"_\":\"peerNotifySettings\"},\"pts\":%d},\"messages\":[%s],\"chats\":[],\"users\":[]}",
        final ? "true" : "false", top, pts, messages);
}

const char *u_chan(int64_t channel, int id, int pts, int count)
{
    return fmt("{\"_\":\"updateNewChannelMessage\",\"message\":%s,\"pts\":%d,\"pts_count\":%d}",
               u_chan_message(channel, id), pts, count);
}

const char *u_qts(int qts)
{
    return fmt("{\"_\":\"updateBotStopped\",\"user_id\":\"7\",\"date\":1,\"stopped\":true,\"qts\":%d}", qts);
}

const char *u_typing(void)
{
    return "{\"_\":\"updateUserTyping\",\"user_id\":\"7\",\"action\":{\"_\":\"sendMessageTypingAction\"}}";
}

const char *c_seq(const char *updates, int seq_start, int seq, int date)
{
    return seq_start == seq
               ? fmt("{\"_\":\"updates\",\"updates\":[%s],\"users\":[],\"chats\":[],\"date\":%d,\"seq\":%d}",
                     updates, date, seq)
               : fmt("{\"_\":\"updatesCombined\",\"updates\":[%s],\"users\":[],\"chats\":[],\"date\":%d,"
                     "\"seq_start\":%d,\"seq\":%d}",
                     updates, date, seq_start, seq);
}

static const char *difference(const char *name, const char *field, const char *messages, const char *others,
                              int pts, int qts, int seq)
{
    return fmt("{\"_\":\"%s\",\"new_messages\":[%s],\"new_encrypted_messages\":[],\"other_updates\":[%s],"
               "\"chats\":[],\"users\":[],\"%s\":{\"_\":\"updates.state\",\"pts\":%d,\"qts\":%d,\"date\":200,"
               "\"seq\":%d,\"unread_count\":0}}",
               name, messages, others, field, pts, qts, seq);
}

const char *d_whole(const char *messages, const char *others, int pts, int qts, int seq)
{
    return difference("updates.difference", "state", messages, others, pts, qts, seq);
}

const char *d_slice(const char *messages, const char *others, int pts, int qts, int seq)
{
    return difference("updates.differenceSlice", "intermediate_state", messages, others, pts, qts, seq);
}
