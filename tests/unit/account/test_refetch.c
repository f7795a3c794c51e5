/*
 * Who was seen as a min object only is asked for in the background: by way of the message that showed him,
 * many at a time, seldom, and never instead of what somebody waits for (protocol.md 9.3; trap 70).
 */
#include "tests/unit/account/ubench.h"

#include "tests/unit/oom.h"
#include "tl/ids.h"

#define SUPERGROUP (-(INT64_C(1000000000000) + 20))

static const char *min_user(int id)
{
    return fmt("{\"_\":\"user\",\"id\":\"%d\",\"min\":true,\"access_hash\":\"1\",\"first_name\":\"Min %d\"}",
               id, id);
}

static const char *whole_user(int id)
{
    return fmt("{\"_\":\"user\",\"id\":\"%d\",\"access_hash\":\"%d\",\"first_name\":\"Whole %d\"}", id,
               id * 100, id);
}

/* Message `msg` of channel 20 from a user, who is named beside it by `object`. */
static const char *said(int msg, int user, const char *object)
{
    return fmt("{\"_\":\"updates\",\"updates\":[{\"_\":\"updateNewChannelMessage\",\"message\":{\"_\":"
               "\"message\",\"id\":%d,\"from_id\":{\"_\":\"peerUser\",\"user_id\":\"%d\"},\"peer_id\":{\"_\":"
               "\"peerChannel\",\"channel_id\":\"20\"},\"date\":1,\"message\":\"m\"},\"pts\":%d,"
               "\"pts_count\":1}],\"users\":[%s],\"chats\":[],\"date\":101,\"seq\":0}",
               msg, user, 49 + msg, object);
}

/* The same, forwarded from a channel of which only a min object is beside it. */
static const char *forwarded(int msg, int channel)
{
    return fmt(
        "{\"_\":\"updates\",\"updates\":[{\"_\":\"updateNewChannelMessage\",\"message\":{\"_\":\"message\","
        "\"id\":%d,\"peer_id\":{\"_\":\"peerChannel\",\"channel_id\":\"20\"},\"fwd_from\":{\"_\":"
        "\"messageFwdHeader\",\"from_id\":{\"_\":\"peerChannel\",\"channel_id\":\"%d\"},\"date\":1},\"date\":"
        "1,"
        "\"message\":\"m\"},\"pts\":%d,\"pts_count\":1}],\"users\":[],\"chats\":[{\"_\":\"channel\",\"id\":"
        "\"%d\",\"min\":true,\"access_hash\":\"3\",\"title\":\"Far\",\"photo\":{\"_\":\"chatPhotoEmpty\"},"
        "\"date\":1}],\"date\":101,\"seq\":0}",
        msg, channel, 49 + msg, channel);
}

static struct mt_peer stored(struct ubench *b, mt_chat_id chat)
{
    struct mt_peer peer = {0};

    assert_int_equal(b->mem.ops.peer_by_chat(&b->mem, chat, &peer), MT_OK);
    return peer;
}

static void answer_users(struct ubench *b, const char *objects)
{
    struct tl_out out = {0};
    char copy[8192], *at = copy, *one;

    snprintf(copy, sizeof copy, "%s", objects);
    tl_put_vector(&out, copy[0] ? 1 : 0);
    for (size_t n = 1; (one = strsep(&at, ";")) && *one; n++) {
        struct tl_slice s = tl_of("User", one);

        tl_put_raw(&out, s.p, s.n);
        memcpy(out.data + 4, &(uint32_t){(uint32_t)n}, 4);
    }
    mt_updates_answer(b->u, b->now, MT_ASK_PEERS, 0, out.data, out.len);
    tl_out_free(&out);
}

static void the_whole_object_follows_and_the_event_waits_for_nothing(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, said(2, 40, min_user(40)));
    ub_expect(b, "peer 40 | NewChannelMessage 2 | channel 20 51");
    assert_string_equal(stored(b, 40).name, "Min 40"); /* a name from the first moment on */
    ub_expect_asks(b, "");
    ub_wait(b, 1999);
    ub_expect_asks(b, "");
    assert_true(mt_updates_is_in_sync(b->u));
    ub_wait(b, 1);
    ub_expect_asks(b, fmt("users 40/2@%lld", (long long)SUPERGROUP));
    assert_true(mt_updates_is_in_sync(b->u));
    answer_users(b, whole_user(40));
    ub_expect(b, "peer 40");
    assert_int_equal(stored(b, 40).access_hash, 4000);
    /* and he is no min one any more, whatever comes with his next message */
    ub_feed(b, said(3, 40, min_user(40)));
    ub_fx(b);
    assert_int_equal(stored(b, 40).access_hash, 4000);
    ub_wait(b, 20000);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void many_are_one_question_and_the_next_one_waits(void **state)
{
    struct ubench *b = ub_with_channel();

    for (int i = 0; i < 3; i++)
        ub_feed(b, said(2 + i, 40 + i, min_user(40 + i)));
    ub_fx(b);
    ub_wait(b, 2000);
    ub_expect_asks(b, fmt("users 40/2@%lld 41/3@%lld 42/4@%lld", (long long)SUPERGROUP, (long long)SUPERGROUP,
                          (long long)SUPERGROUP));
    ub_feed(b, said(5, 43, min_user(43)));
    ub_fx(b);
    ub_wait(b, 5000);
    ub_expect_asks(b, ""); /* one at a time */
    answer_users(b, fmt("%s;%s", whole_user(40), whole_user(42)));
    ub_expect(b, "peer 40 | peer 42");
    ub_feed(b, said(6, 41, min_user(41))); /* he was asked for in vain */
    ub_fx(b);
    ub_wait(b, 9999);
    ub_expect_asks(b, "");
    ub_wait(b, 1);
    ub_expect_asks(b, fmt("users 43/5@%lld", (long long)SUPERGROUP));
    ub_done(b);
}

static void a_question_has_a_hundred_and_no_more_than_four_hundred_wait(void **state)
{
    struct ubench *b = ub_with_channel();
    struct mt_updates_ask ask;
    size_t asked = 0;

    for (int i = 0; i < 500; i++) {
        ub_feed(b, said(2 + i, 1000 + i, min_user(1000 + i)));
        b->mem.n_peers = 20; /* the bench's store is small */
        ub_fx(b);
    }
    b->mem.n_peers = 11;
    for (int i = 0; i < 53; i++)
        mem_put_peer(&b->mem,
                     &(struct mt_peer){.chat = 1400 + i - 53, .seen_chat = SUPERGROUP, .seen_msg = 9});
    ub_wait(b, 2000);
    while (mt_updates_next_ask(b->u, b->now, &ask)) {
        struct tl_view v = view_of((struct tl_slice){ask.p, ask.n});
        struct tl_vec vec = tl_get_vector(&v, TLF_users_getUsers__id);

        assert_int_equal(ask.what, MT_ASK_PEERS);
        assert_true(vec.left <= MT_REFETCH_BATCH);
        asked += vec.left;
        answer_users(b, "");
        ub_wait(b, 10000);
    }
    assert_int_equal(asked, 53); /* the last of the 400; what the store does not know is passed over */
    ub_done(b);
}

static void one_that_is_refused_does_not_hide_the_others(void **state)
{
    struct ubench *b = ub_with_channel();

    for (int i = 0; i < 3; i++)
        ub_feed(b, said(2 + i, 40 + i, min_user(40 + i)));
    ub_fx(b);
    ub_wait(b, 2000);
    ub_asks(b);
    mt_updates_refused(b->u, b->now, MT_ASK_PEERS, 0, 400, "MSG_ID_INVALID");
    ub_wait(b, 10000);
    ub_expect_asks(b, fmt("users 40/2@%lld", (long long)SUPERGROUP));
    mt_updates_refused(b->u, b->now, MT_ASK_PEERS, 0, 400, "MSG_ID_INVALID"); /* this is the one */
    ub_wait(b, 10000);
    ub_expect_asks(b, fmt("users 41/3@%lld", (long long)SUPERGROUP));
    answer_users(b, whole_user(41));
    ub_wait(b, 10000);
    ub_expect_asks(b, fmt("users 42/4@%lld", (long long)SUPERGROUP));
    answer_users(b, whole_user(42));
    ub_fx(b);
    ub_wait(b, 60000);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void a_server_that_will_not_is_asked_less_and_less(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, said(2, 40, min_user(40)));
    ub_fx(b);
    ub_wait(b, 2000);
    ub_asks(b);
    for (int wait = 10; wait <= 40; wait *= 2) {
        mt_updates_refused(b->u, b->now, MT_ASK_PEERS, 0, wait == 20 ? 500 : 420, "FLOOD_WAIT_100");
        ub_wait(b, wait * 1000 - 1);
        ub_expect_asks(b, "");
        ub_wait(b, 1);
        ub_expect_asks(b, fmt("users 40/2@%lld", (long long)SUPERGROUP));
    }
    ub_done(b);
}

static void a_channel_is_asked_for_as_a_channel(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, said(2, 40, min_user(40)));
    ub_feed(b, forwarded(3, 90));
    ub_fx(b);
    ub_wait(b, 2000);
    ub_expect_asks(b, fmt("users 40/2@%lld", (long long)SUPERGROUP));
    answer_users(b, whole_user(40));
    ub_fx(b);
    ub_wait(b, 10000);
    ub_expect_asks(b, fmt("channels 90/3@%lld", (long long)SUPERGROUP));
    ub_answer(
        b, MT_ASK_PEERS, 0, "messages.Chats",
        "{\"_\":\"messages.chats\",\"chats\":[{\"_\":\"channel\",\"id\":\"90\",\"access_hash\":\"9000\","
        "\"title\":\"Far\",\"photo\":{\"_\":\"chatPhotoEmpty\"},\"date\":1}]}");
    ub_expect(b, "peer -1000000000090");
    assert_int_equal(stored(b, -INT64_C(1000000000090)).access_hash, 9000);
    ub_done(b);
}

static void nothing_is_asked_where_the_message_cannot_be_named(void **state)
{
    struct ubench *b = ub_with_channel();
    struct mt_peer min = {
        .chat = mt_chat_of_channel(20), .kind = MT_PEER_CHANNEL, .seen_chat = 7, .seen_msg = 1};

    mem_put_peer(&b->mem, &min); /* the supergroup is known as a min one itself */
    ub_feed(b, said(2, 40, min_user(40)));
    ub_fx(b);
    ub_wait(b, 2000);
    ub_expect_asks(b, "");
    assert_true(mt_updates_deadline(b->u) > b->now.mono + MT_US_PER_S);
    ub_done(b);
}

static void what_is_missing_comes_first(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, said(2, 40, min_user(40)));
    ub_fx(b);
    ub_wait(b, 1900);
    ub_feed(b, "{\"_\":\"updatesTooLong\"}");
    ub_wait(b, 100);
    ub_expect_asks(b, "difference 10 100 5");
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_fx(b);
    ub_expect_asks(b, fmt("users 40/2@%lld", (long long)SUPERGROUP));
    ub_done(b);
}

static void an_answer_after_a_log_out_is_none(void **state)
{
    struct ubench *b = ub_with_channel();

    ub_feed(b, said(2, 40, min_user(40)));
    ub_fx(b);
    ub_wait(b, 2000);
    ub_asks(b);
    mt_updates_reset(b->u);
    answer_users(b, whole_user(40));
    mt_updates_refused(b->u, b->now, MT_ASK_PEERS, 0, 400, "MSG_ID_INVALID");
    ub_expect(b, "");
    ub_done(b);
}

static void without_memory_he_is_asked_for_at_his_next_message(void **state)
{
    for (size_t i = 0, more = 1; more; i++) {
        struct ubench *b = ub_with_channel();

        ub_feed(b, said(2, 40, min_user(40)));
        fx_drain(&b->fxq, &b->mem);
        mt_peers_committed(&b->peers);
        oom_begin(i);
        mt_updates_committed(b->u, b->now);
        oom_disarm();
        more = oom_hit();
        ub_wait(b, 2000);
        ub_expect_asks(b, more ? "" : fmt("users 40/2@%lld", (long long)SUPERGROUP));
        if (more) {
            ub_feed(b, said(3, 40, min_user(40)));
            ub_fx(b);
            ub_wait(b, 2000);
            ub_expect_asks(b, fmt("users 40/3@%lld", (long long)SUPERGROUP));
        }
        ub_done(b);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_object_follows_and_the_event_waits_for_nothing),
        cmocka_unit_test(many_are_one_question_and_the_next_one_waits),
        cmocka_unit_test(a_question_has_a_hundred_and_no_more_than_four_hundred_wait),
        cmocka_unit_test(one_that_is_refused_does_not_hide_the_others),
        cmocka_unit_test(a_server_that_will_not_is_asked_less_and_less),
        cmocka_unit_test(a_channel_is_asked_for_as_a_channel),
        cmocka_unit_test(nothing_is_asked_where_the_message_cannot_be_named),
        cmocka_unit_test(what_is_missing_comes_first),
        cmocka_unit_test(an_answer_after_a_log_out_is_none),
        cmocka_unit_test(without_memory_he_is_asked_for_at_his_next_message),
    };

    return cmocka_run_group_tests_name("account_refetch", tests, NULL, NULL);
}
