/* One update of each kind that becomes an event of its own type (api: classes of events). */
#include "tests/unit/views/vbench.h"

/* The body of the one event that `update` makes, as text; `about`: its chat, sender and direction. */
static void body_is(const char *type, const char *update, const char *about, const char *body)
{
    json_t *list = vb_events(type, update), *e = json_array_get(list, 0);
    char place[96];

    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_object_get(e, "type")), type);
    assert_false(json_is_true(json_object_get(e, "live")));
    snprintf(place, sizeof place, "%lld %lld %lld", (long long)json_integer_value(json_object_get(e, "chat")),
             (long long)json_integer_value(json_object_get(e, "sender")),
             (long long)json_integer_value(json_object_get(e, "direction")));
    assert_string_equal(place, about);
    vb_expect(json_incref(json_object_get(e, "body")), body);
    json_decref(list);
}

#define PEER42 "{\"_\":\"peerUser\",\"user_id\":\"42\"}"
#define CHAN9  "{\"_\":\"peerChannel\",\"channel_id\":\"9\"}"
#define ALICE  "\"sender_id\":42,\"sender_name\":\"Alice A\",\"sender_username\":\"alice\""
#define HEART  "{\"_\":\"reactionEmoji\",\"emoticon\":\"H\"}"

static void a_user_is_told_what_stands_under_a_message(void **state)
{
    body_is(
        "reaction",
        "{\"_\":\"updateMessageReactions\",\"peer\":" CHAN9 ",\"msg_id\":7,\"reactions\":{\"_\":"
        "\"messageReactions\",\"results\":[{\"_\":\"reactionCount\",\"chosen_order\":1,\"reaction\":" HEART
        ",\"count\":2}],\"recent_reactions\":[{\"_\":\"messagePeerReaction\",\"peer_id\":" PEER42
        ",\"date\":5,\"reaction\":{\"_\":\"reactionCustomEmoji\",\"document_id\":\"99\"}}]}}",
        "-1000000000009 0 0",
        "{\"chat_id\":-1000000000009,\"message_id\":7,\"reactions\":[{\"reaction\":\"H\",\"total\":2,"
        "\"mine\":true}],\"recent\":[{" ALICE ",\"reaction\":\"99\",\"date\":5}]}");
    body_is("reaction",
            "{\"_\":\"updateMessageReactions\",\"peer\":" PEER42 ",\"msg_id\":7,\"reactions\":{\"_\":"
            "\"messageReactions\",\"results\":[]}}",
            "42 0 0", "{\"chat_id\":42,\"message_id\":7,\"reactions\":[]}");
}

static void a_bot_is_told_who_changed_a_reaction(void **state)
{
    body_is("reaction",
            "{\"_\":\"updateBotMessageReaction\",\"peer\":" CHAN9 ",\"msg_id\":7,\"date\":5,\"actor\":" PEER42
            ",\"old_reactions\":[],\"new_reactions\":[" HEART ",{\"_\":\"reactionPaid\"}],\"qts\":3}",
            "-1000000000009 42 1",
            "{\"chat_id\":-1000000000009,\"message_id\":7," ALICE ",\"old\":[],\"new\":[\"H\",\"paid\"]}");
    body_is("reaction",
            "{\"_\":\"updateBotMessageReactions\",\"peer\":" CHAN9
            ",\"msg_id\":7,\"date\":5,\"reactions\":[{\"_\":\"reactionCount\",\"reaction\":" HEART
            ",\"count\":9}],\"qts\":3}",
            "-1000000000009 0 0",
            "{\"chat_id\":-1000000000009,\"message_id\":7,\"reactions\":[{\"reaction\":\"H\",\"total\":9}]}");
}

static void a_poll_tells_its_results_and_to_a_bot_each_vote(void **state)
{
    body_is(
        "poll",
        "{\"_\":\"updateMessagePoll\",\"poll_id\":\"77\",\"poll\":{\"_\":\"poll\",\"id\":\"77\",\"closed\":"
        "true,\"question\":{\"_\":\"textWithEntities\",\"text\":\"Q\",\"entities\":[]},\"answers\":[{\"_\":"
        "\"pollAnswer\",\"text\":{\"_\":\"textWithEntities\",\"text\":\"yes\",\"entities\":[]},\"option\":"
        "\"MA==\"}],\"hash\":\"0\"},\"results\":{\"_\":\"pollResults\",\"results\":[{\"_\":"
        "\"pollAnswerVoters\",\"chosen\":true,\"option\":\"MA==\",\"voters\":3,\"recent_voters\":[]}],"
        "\"total_voters\":3}}",
        "0 0 0",
        "{\"poll_id\":\"77\",\"question\":\"Q\",\"closed\":true,\"total\":3,\"options\":[{\"option\":\"MA=="
        "\","
        "\"text\":\"yes\",\"total\":3,\"chosen\":true}]}");
    body_is("poll",
            "{\"_\":\"updateMessagePollVote\",\"poll_id\":\"77\",\"peer\":" PEER42
            ",\"options\":[\"MA==\"],\"positions\":[0],\"qts\":3}",
            "0 42 1", "{\"poll_id\":\"77\"," ALICE ",\"vote\":[\"MA==\"]}");
}

static void a_press_of_a_button_says_who_where_and_what(void **state)
{
    body_is("callback",
            "{\"_\":\"updateBotCallbackQuery\",\"query_id\":\"9007199254740993\",\"user_id\":\"42\","
            "\"peer\":" CHAN9 ",\"msg_id\":7,\"chat_instance\":\"5\",\"data\":\"eWVz\"}",
            "-1000000000009 42 1",
            "{\"query_id\":\"9007199254740993\"," ALICE ",\"chat_id\":-1000000000009,\"message_id\":7,"
            "\"chat_instance\":\"5\",\"data\":\"eWVz\",\"data_text\":\"yes\"}");
    /* bytes that are no text have only their base64 */
    body_is(
        "callback",
        "{\"_\":\"updateInlineBotCallbackQuery\",\"query_id\":\"1\",\"user_id\":\"42\",\"msg_id\":{\"_\":"
        "\"inputBotInlineMessageID\",\"dc_id\":2,\"id\":\"3\",\"access_hash\":\"4\"},\"chat_instance\":\"5\","
        "\"data\":\"//8=\"}",
        "0 42 1",
        "{\"query_id\":\"1\"," ALICE ",\"inline_message_id\":\"iT0MiQIAAAADAAAAAAAAAAQAAAAAAAAA\","
        "\"chat_instance\":\"5\",\"data\":\"//8=\"}");
}

static void an_inline_query_and_what_was_chosen(void **state)
{
    body_is(
        "inline",
        "{\"_\":\"updateBotInlineQuery\",\"query_id\":\"6\",\"user_id\":\"42\",\"query\":\"cats\","
        "\"geo\":{\"_\":\"geoPoint\",\"long\":2.5,\"lat\":1.5,\"access_hash\":\"1\"},\"peer_type\":{\"_\":"
        "\"inlineQueryPeerTypeMegagroup\"},\"offset\":\"10\"}",
        "0 42 1",
        "{\"query_id\":\"6\"," ALICE ",\"text\":\"cats\",\"offset\":\"10\",\"chat_type\":\"supergroup\","
        "\"location\":{\"latitude\":1.5,\"longitude\":2.5}}");
    body_is("inline_sent",
            "{\"_\":\"updateBotInlineSend\",\"user_id\":\"42\",\"query\":\"cats\",\"id\":\"r1\"}", "0 42 1",
            "{\"result_id\":\"r1\"," ALICE ",\"text\":\"cats\"}");
}

static void payments_are_asked_about(void **state)
{
    body_is(
        "precheckout",
        "{\"_\":\"updateBotPrecheckoutQuery\",\"query_id\":\"6\",\"user_id\":\"42\",\"payload\":\"eWVz\","
        "\"info\":{\"_\":\"paymentRequestedInfo\",\"name\":\"A\",\"shipping_address\":{\"_\":\"postAddress\","
        "\"street_line1\":\"S\",\"street_line2\":\"\",\"city\":\"C\",\"state\":\"\",\"country_iso2\":\"DE\","
        "\"post_code\":\"1\"}},\"currency\":\"EUR\",\"total_amount\":\"1999\"}",
        "0 42 1",
        "{\"query_id\":\"6\"," ALICE ",\"payload\":\"eWVz\",\"payload_text\":\"yes\",\"currency\":\"EUR\","
        "\"amount\":1999,\"name\":\"A\",\"address\":{\"street\":\"S\",\"city\":\"C\",\"country\":\"DE\","
        "\"post_code\":\"1\"}}");
    body_is(
        "shipping",
        "{\"_\":\"updateBotShippingQuery\",\"query_id\":\"6\",\"user_id\":\"42\",\"payload\":\"eWVz\","
        "\"shipping_address\":{\"_\":\"postAddress\",\"street_line1\":\"S\",\"street_line2\":\"T\",\"city\":"
        "\"C\",\"state\":\"X\",\"country_iso2\":\"DE\",\"post_code\":\"1\"}}",
        "0 42 1",
        "{\"query_id\":\"6\"," ALICE ",\"payload\":\"eWVz\",\"payload_text\":\"yes\",\"address\":{\"street\":"
        "\"S\",\"street2\":\"T\",\"city\":\"C\",\"state\":\"X\",\"country\":\"DE\",\"post_code\":\"1\"}}");
}

static void a_draft_is_what_stands_there_now(void **state)
{
    body_is("draft",
            "{\"_\":\"updateDraftMessage\",\"peer\":" PEER42
            ",\"draft\":{\"_\":\"draftMessage\",\"message\":\"hm\","
            "\"reply_to\":{\"_\":\"inputReplyToMessage\",\"reply_to_msg_id\":3},\"date\":5}}",
            "42 0 2", "{\"chat_id\":42,\"text\":\"hm\",\"reply_to\":{\"message_id\":3}}");
    body_is("draft",
            "{\"_\":\"updateDraftMessage\",\"peer\":" PEER42 ",\"draft\":{\"_\":\"draftMessageEmpty\"}}",
            "42 0 2", "{\"chat_id\":42,\"text\":\"\"}");
}

#define DIALOG42 "{\"_\":\"dialogPeer\",\"peer\":" PEER42 "}"
#define MUTED(until)                                                                                         \
    "{\"_\":\"updateNotifySettings\",\"peer\":{\"_\":\"notifyPeer\",\"peer\":" PEER42                        \
    "},\"notify_settings\":{\"_\":\"peerNotifySettings\",\"mute_until\":" until "}}"

static void the_list_of_chats_tells_what_changed_in_it(void **state)
{
    static const struct {
        const char *update, *body;
    } rows[] = {
        {"{\"_\":\"updateDialogPinned\",\"pinned\":true,\"peer\":" DIALOG42 "}",
         "{\"chat_id\":42,\"action\":\"pinned\"}"},
        {"{\"_\":\"updateDialogPinned\",\"peer\":" DIALOG42 "}", "{\"chat_id\":42,\"action\":\"unpinned\"}"},
        {"{\"_\":\"updateDialogUnreadMark\",\"unread\":true,\"peer\":" DIALOG42 "}",
         "{\"chat_id\":42,\"action\":\"marked_unread\"}"},
        {"{\"_\":\"updateFolderPeers\",\"folder_peers\":[{\"_\":\"folderPeer\",\"peer\":" PEER42
         ",\"folder_id\":1}],\"pts\":1,\"pts_count\":1}",
         "{\"chat_id\":42,\"action\":\"archived\"}"},
        {MUTED("2000"), "{\"chat_id\":42,\"action\":\"muted\",\"until\":2000}"},
        {MUTED("0"), "{\"chat_id\":42,\"action\":\"unmuted\"}"},
        {"{\"_\":\"updatePeerBlocked\",\"blocked\":true,\"peer_id\":" PEER42 "}",
         "{\"chat_id\":42,\"action\":\"blocked\"}"},
        {"{\"_\":\"updatePeerHistoryTTL\",\"peer\":" PEER42 ",\"ttl_period\":60}",
         "{\"chat_id\":42,\"action\":\"auto_delete\",\"seconds\":60}"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        body_is("dialog", rows[i].update, "42 0 0", rows[i].body);
    body_is("dialog", "{\"_\":\"updatePinnedDialogs\"}", "0 0 0", "{\"action\":\"order\"}");
}

static void a_story_is_posted_read_and_deleted(void **state)
{
    body_is("story",
            "{\"_\":\"updateStory\",\"peer\":" PEER42 ",\"story\":{\"_\":\"storyItem\",\"id\":3,\"date\":5,"
            "\"expire_date\":9,\"caption\":\"look\",\"media\":{\"_\":\"messageMediaPhoto\"}}}",
            "42 42 1",
            "{\"chat_id\":42,\"story_id\":3,\"action\":\"posted\"," ALICE
            ",\"date\":5,\"until\":9,\"text\":\"look\",\"media\":{\"kind\":\"photo\"}}");
    body_is("story",
            "{\"_\":\"updateStory\",\"peer\":" PEER42 ",\"story\":{\"_\":\"storyItemDeleted\",\"id\":3}}",
            "42 42 1", "{\"chat_id\":42,\"story_id\":3,\"action\":\"deleted\"}");
    body_is("story", "{\"_\":\"updateReadStories\",\"peer\":" PEER42 ",\"max_id\":3}", "42 42 1",
            "{\"chat_id\":42,\"story_id\":3,\"action\":\"read\"}");
}

static void who_starts_or_stops_a_bot_or_wants_in_changes_a_chat(void **state)
{
    body_is("chat", "{\"_\":\"updateBotStopped\",\"user_id\":\"42\",\"date\":5,\"stopped\":true,\"qts\":3}",
            "42 0 0",
            "{\"chat_id\":42,\"action\":\"stopped\",\"user\":{\"id\":42,\"name\":\"Alice A\",\"username\":"
            "\"alice\"}}");
    body_is(
        "chat",
        "{\"_\":\"updateBotChatInviteRequester\",\"peer\":" CHAN9
        ",\"date\":5,\"user_id\":\"42\",\"about\":\"\",\"invite\":{\"_\":\"chatInvitePublicJoinRequests\"},"
        "\"qts\":3}",
        "-1000000000009 0 0",
        "{\"chat_id\":-1000000000009,\"action\":\"requested\",\"user\":{\"id\":42,\"name\":\"Alice A\","
        "\"username\":\"alice\"}}");
}

static const char *key_at(int32_t date, const char *update)
{
    static char key[2][128];
    static int which;
    json_t *list;

    vb_date = date;
    list = vb_events("dialog", update);
    which = !which;
    snprintf(key[which], sizeof key[which], "%s",
             json_string_value(json_object_get(json_array_get(list, 0), "key")));
    json_decref(list);
    vb_date = 900;
    return key[which];
}

/* A key names the happening, not what it is like. */
static void what_happens_again_has_another_key(void **state)
{
    static const char pinned[] =
        "{\"_\":\"updateDialogPinned\",\"pinned\":true,\"peer\":{\"_\":\"dialogPeer\","
        "\"peer\":" PEER42 "}}";

    assert_string_equal(key_at(900, pinned), key_at(900, pinned));
    assert_string_not_equal(key_at(900, pinned), key_at(960, pinned));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_told_what_stands_under_a_message),
        cmocka_unit_test(what_happens_again_has_another_key),
        cmocka_unit_test(a_bot_is_told_who_changed_a_reaction),
        cmocka_unit_test(a_poll_tells_its_results_and_to_a_bot_each_vote),
        cmocka_unit_test(a_press_of_a_button_says_who_where_and_what),
        cmocka_unit_test(an_inline_query_and_what_was_chosen),
        cmocka_unit_test(payments_are_asked_about),
        cmocka_unit_test(a_draft_is_what_stands_there_now),
        cmocka_unit_test(the_list_of_chats_tells_what_changed_in_it),
        cmocka_unit_test(a_story_is_posted_read_and_deleted),
        cmocka_unit_test(who_starts_or_stops_a_bot_or_wants_in_changes_a_chat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
