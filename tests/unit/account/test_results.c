/* Short forms, results of our own calls, and the ends of an account's life (protocol.md 8.1, 8.2). */
#include "tests/unit/account/ubench.h"

#include "tl/ids.h"

static struct ubench *with_channel(void)
{
    struct ubench *b = ub_started();

    ub_feed(b, c_plain(u_chan(20, 1, 50, 1)));
    ub_expect(b, "NewChannelMessage 1 | channel 20 50");
    return b;
}

/* --- short forms --- */

static void a_short_message_becomes_a_whole_one(void **state)
{
    struct ubench *b = ub_started();
    struct tl_view v, m, peer;
    struct mt_fx fx;

    ub_feed(
        b,
        "{\"_\":\"updateShortMessage\",\"silent\":true,\"id\":4,\"user_id\":\"7\",\"message\":\"hi\",\"pts\":"
        "11,"
        "\"pts_count\":1,\"date\":123,\"entities\":[{\"_\":\"messageEntityBold\",\"offset\":0,\"length\":2}],"
        "\"reply_to\":{\"_\":\"messageReplyHeader\",\"reply_to_msg_id\":3}}");
    assert_true(mt_fxq_next(&b->fxq, &fx));
    assert_int_equal(fx.kind, MT_FX_UPDATE);
    assert_int_equal(fx.date, 123);
    v = view_of((struct tl_slice){fx.p, fx.n});
    assert_int_equal(v.def->id, TL_updateNewMessage);
    assert_int_equal(tl_get_int(&v, TLF_updateNewMessage__pts), 11);
    assert_true(tl_get_object(&v, TLF_updateNewMessage__message, &m));
    assert_int_equal(tl_get_int(&m, TLF_message__id), 4);
    assert_false(tl_has(&m, TLF_message__out));
    assert_true(tl_has(&m, TLF_message__silent));
    assert_true(tl_has(&m, TLF_message__reply_to));
    assert_int_equal(tl_get_vector(&m, TLF_message__entities).left, 1);
    assert_true(tl_get_object(&m, TLF_message__from_id, &peer));
    assert_true(mt_chat_of(&peer, 0) == 7);
    assert_true(tl_get_object(&m, TLF_message__peer_id, &peer));
    assert_true(mt_chat_of(&peer, 0) == 7);
    ub_expect(b, "state 11 5 1");
    ub_done(b);
}

static void a_short_message_of_ours_is_from_us(void **state)
{
    struct ubench *b = ub_started();
    struct tl_view v, m, peer;
    struct mt_fx fx;

    ub_feed(
        b,
        "{\"_\":\"updateShortMessage\",\"out\":true,\"id\":4,\"user_id\":\"7\",\"message\":\"hi\",\"pts\":11,"
        "\"pts_count\":1,\"date\":1}");
    assert_true(mt_fxq_next(&b->fxq, &fx));
    v = view_of((struct tl_slice){fx.p, fx.n});
    assert_true(tl_get_object(&v, TLF_updateNewMessage__message, &m));
    assert_true(tl_has(&m, TLF_message__out));
    assert_true(tl_get_object(&m, TLF_message__from_id, &peer));
    assert_true(mt_chat_of(&peer, 0) == SELF);
    ub_done(b);
}

static void a_short_message_from_a_stranger_asks_for_the_difference(void **state) /* trap 61 */
{
    static const char *const forms[] = {
        "{\"_\":\"updateShortMessage\",\"id\":4,\"user_id\":\"8\",\"message\":\"hi\",\"pts\":11,\"pts_"
        "count\":1,"
        "\"date\":1}",
        "{\"_\":\"updateShortMessage\",\"id\":4,\"user_id\":\"7\",\"via_bot_id\":\"9\",\"message\":\"hi\","
        "\"pts\":11,"
        "\"pts_count\":1,\"date\":1}",
        "{\"_\":\"updateShortChatMessage\",\"id\":4,\"from_id\":\"7\",\"chat_id\":\"30\",\"message\":\"hi\","
        "\"pts\":11,"
        "\"pts_count\":1,\"date\":1}",
        "{\"_\":\"updateShortMessage\",\"id\":4,\"user_id\":\"7\",\"message\":\"hi\",\"pts\":11,\"pts_"
        "count\":1,"
        "\"date\":1,\"fwd_from\":{\"_\":\"messageFwdHeader\",\"from_id\":{\"_\":\"peerUser\",\"user_id\":"
        "\"9\"},"
        "\"date\":1}}",
        "{\"_\":\"updateShortMessage\",\"id\":4,\"user_id\":\"7\",\"message\":\"hi\",\"pts\":11,\"pts_"
        "count\":1,"
        "\"date\":1,\"entities\":[{\"_\":\"messageEntityMentionName\",\"offset\":0,\"length\":1,\"user_id\":"
        "\"9\"}]}",
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct ubench *b = ub_started();

        ub_feed(b, forms[i]);
        ub_expect(b, "");
        ub_expect_asks(b, "difference 10 100 5");
        ub_done(b);
    }
}

/* --- results of our own calls --- */

static void result(struct ubench *b, const char *call, const char *type, const char *json, uint64_t token)
{
    struct tl_slice s = tl_of(type, json);
    struct tl_view request = view_of(call_of(call));

    mt_updates_result(b->u, b->now, s.p, s.n, &request, token);
}

#define SEND                                                                                                 \
    "{\"_\":\"messages.sendMessage\",\"silent\":true,\"peer\":{\"_\":\"inputPeerUser\",\"user_id\":\"7\","   \
    "\"access_hash\":\"77\"},\"message\":\"hello\",\"random_id\":\"42\",\"reply_to\":"                       \
    "{\"_\":\"inputReplyToMessage\",\"reply_to_msg_id\":3,\"top_msg_id\":2}}"
#define SHORT_SENT                                                                                           \
    "{\"_\":\"updateShortSentMessage\",\"out\":true,\"id\":8,\"pts\":11,\"pts_count\":1,\"date\":123}"

static void updates_of_a_result_are_delivered_once_and_marked(void **state) /* trap 63 */
{
    struct ubench *b = ub_started();

    result(b, SEND, "Updates", c_plain(u_new(1, 11, 1)), 77);
    ub_expect(b, "NewMessage 1 own77 | state 11 5 1");
    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_expect(b, "");
    ub_done(b);
}

static void a_short_sent_message_is_rebuilt_from_its_request(void **state)
{
    struct ubench *b = ub_started();
    struct tl_view v, m, part;
    struct tl_slice text;
    struct mt_fx fx;

    result(b, SEND, "Updates", SHORT_SENT, 77);
    assert_true(mt_fxq_next(&b->fxq, &fx));
    assert_true(fx.own_token == 77);
    v = view_of((struct tl_slice){fx.p, fx.n});
    assert_int_equal(v.def->id, TL_updateNewMessage);
    assert_true(tl_get_object(&v, TLF_updateNewMessage__message, &m));
    text = tl_get_bytes(&m, TLF_message__message);
    assert_int_equal(text.n, 5);
    assert_memory_equal(text.p, "hello", 5);
    assert_int_equal(tl_get_int(&m, TLF_message__id), 8);
    assert_true(tl_has(&m, TLF_message__out) && tl_has(&m, TLF_message__silent));
    assert_true(tl_get_object(&m, TLF_message__peer_id, &part));
    assert_true(mt_chat_of(&part, 0) == 7);
    assert_true(tl_get_object(&m, TLF_message__from_id, &part));
    assert_true(mt_chat_of(&part, 0) == SELF);
    assert_true(tl_get_object(&m, TLF_message__reply_to, &part));
    assert_int_equal(tl_get_int(&part, TLF_messageReplyHeader__reply_to_msg_id), 3);
    assert_int_equal(tl_get_int(&part, TLF_messageReplyHeader__reply_to_top_id), 2);
    ub_expect(b, "state 11 5 1");
    ub_done(b);
}

static void results_during_a_difference_wait_too(void **state)
{
    struct ubench *b = ub_started();

    mt_updates_force(b->u, b->now);
    ub_asks(b);
    result(b, SEND, "Updates", SHORT_SENT, 77);
    ub_expect(b, "");
    ub_diff(b, d_whole("", "", 10, 5, 1));
    ub_expect(b, "NewMessage 8 own77 | state 11 5 1");
    ub_done(b);
}

static void what_we_delete_and_read_is_counted_and_told(void **state) /* trap 57 */
{
    struct ubench *b = with_channel();

    result(b, "{\"_\":\"messages.deleteMessages\",\"id\":[1,2]}", "messages.AffectedMessages",
           "{\"_\":\"messages.affectedMessages\",\"pts\":12,\"pts_count\":2}", 5);
    ub_expect(b, "DeleteMessages own5 | state 12 5 1");
    result(b,
           "{\"_\":\"messages.readHistory\",\"peer\":{\"_\":\"inputPeerUser\",\"user_id\":\"7\",\"access_"
           "hash\":\"1\"},"
           "\"max_id\":9}",
           "messages.AffectedMessages", "{\"_\":\"messages.affectedMessages\",\"pts\":13,\"pts_count\":1}",
           6);
    ub_expect(b, "ReadHistoryInbox 9 own6 | state 13 5 1");
    result(b,
           "{\"_\":\"channels.deleteMessages\",\"channel\":{\"_\":\"inputChannel\",\"channel_id\":\"20\","
           "\"access_hash\":\"1\"},\"id\":[1]}",
           "messages.AffectedMessages", "{\"_\":\"messages.affectedMessages\",\"pts\":51,\"pts_count\":1}",
           7);
    ub_expect(b, "DeleteChannelMessages own7 | channel 20 51");
    result(b,
           "{\"_\":\"messages.deleteHistory\",\"peer\":{\"_\":\"inputPeerUser\",\"user_id\":\"7\",\"access_"
           "hash\":\"1\"},"
           "\"max_id\":0}",
           "messages.AffectedHistory",
           "{\"_\":\"messages.affectedHistory\",\"pts\":15,\"pts_count\":2,\"offset\":0}", 8);
    ub_expect(b, "state 15 5 1");
    result(b, "{\"_\":\"messages.deleteMessages\",\"id\":[1]}", "messages.AffectedMessages",
           "{\"_\":\"messages.affectedMessages\",\"pts\":15,\"pts_count\":0}", 9);
    ub_expect(b, "");
    ub_wait(b, 1000);
    ub_expect_asks(b, "");
    ub_done(b);
}

static void updates_inside_another_result_are_found(void **state)
{
    struct ubench *b = ub_started();

    result(b,
           "{\"_\":\"messages.addChatUser\",\"chat_id\":\"1\",\"user_id\":{\"_\":\"inputUserSelf\"},\"fwd_"
           "limit\":0}",
           "messages.InvitedUsers",
           fmt("{\"_\":\"messages.invitedUsers\",\"updates\":%s,\"missing_invitees\":[]}",
               c_plain(u_new(1, 11, 1))),
           3);
    ub_expect(b, "NewMessage 1 own3 | state 11 5 1");
    ub_done(b);
}

static void a_list_of_dialogs_says_where_channels_stand(void **state)
{
    static const char dialog[] =
        "{\"_\":\"dialog\",\"peer\":{\"_\":\"peerChannel\",\"channel_id\":\"%d\"},\"top_message\":1,"
        "\"read_inbox_max_id\":1,\"read_outbox_max_id\":1,\"unread_count\":0,\"unread_mentions_count\":0,"
        "\"unread_reactions_count\":0,\"unread_poll_votes_count\":0,"
        "\"notify_settings\":{\"_\":\"peerNotifySettings\"},\"pts\":%d}";
    struct ubench *b = with_channel();
    char one[512], two[512];

    snprintf(one, sizeof one, dialog, 20, 70);
    snprintf(two, sizeof two, dialog, 21, 80);
    result(b,
           "{\"_\":\"messages.getDialogs\",\"offset_date\":0,\"offset_id\":0,\"offset_peer\":"
           "{\"_\":\"inputPeerEmpty\"},\"limit\":10,\"hash\":\"0\"}",
           "messages.Dialogs",
           fmt("{\"_\":\"messages.dialogs\",\"dialogs\":[%s,%s],\"messages\":[],\"chats\":[],\"users\":[]}",
               one, two),
           1);
    ub_expect(b, "channel 21 80"); /* the other one is followed already: its own count is right */
    ub_done(b);
}

static void before_login_only_what_has_no_box_is_delivered(void **state)
{
    struct ubench *b = ub_new(false);

    ub_feed(b, "{\"_\":\"updateShort\",\"update\":{\"_\":\"updateLoginToken\"},\"date\":1}");
    ub_feed(b, c_plain(u_new(1, 11, 1)));
    ub_expect(b, "LoginToken");
    ub_expect_asks(b, "");
    ub_done(b);
}

static void after_a_log_out_nothing_is_left(void **state)
{
    struct ubench *b = with_channel();

    ub_feed(b, c_plain(u_new(3, 13, 1)));
    mt_updates_reset(b->u);
    ub_wait(b, 20 * 60000);
    ub_expect(b, "");
    ub_expect_asks(b, "");
    assert_true(mt_updates_deadline(b->u) == MT_NEVER);
    ub_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_message_becomes_a_whole_one),
        cmocka_unit_test(a_short_message_of_ours_is_from_us),
        cmocka_unit_test(a_short_message_from_a_stranger_asks_for_the_difference),
        cmocka_unit_test(updates_of_a_result_are_delivered_once_and_marked),
        cmocka_unit_test(a_short_sent_message_is_rebuilt_from_its_request),
        cmocka_unit_test(results_during_a_difference_wait_too),
        cmocka_unit_test(what_we_delete_and_read_is_counted_and_told),
        cmocka_unit_test(updates_inside_another_result_are_found),
        cmocka_unit_test(before_login_only_what_has_no_box_is_delivered),
        cmocka_unit_test(after_a_log_out_nothing_is_left),
        cmocka_unit_test(a_list_of_dialogs_says_where_channels_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
