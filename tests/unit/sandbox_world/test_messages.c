/* Sending, editing, deleting, forwarding: what is taken, what is refused, who hears of it. */
#include "tests/unit/sandbox_world/fixture.h"

static struct fixture f;
static int64_t next_random = 1000;

static int setup(void **state)
{
    (void)state;
    fix_init(&f, 3);
    fix_login(&f, 1, 2, "9996620001"); /* alice */
    fix_login(&f, 2, 2, "9996620002"); /* bob */
    fix_as(&f, 1, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_fini(&f);
    return 0;
}

/* Sends as whoever calls; the new message's id, 0 where it was refused. */
static int32_t say(const char *to, const char *text)
{
    json_t *r, *u;
    size_t i;

    r = fix_call(&f, "messages.sendMessage", "{s:o,s:s,s:I}", "peer", fix_peer(&f, to), "message", text,
                 "random_id", ++next_random);
    if (!r)
        return 0;
    if (at(r, "id"))
        return (int32_t)num(r, "id");
    json_array_foreach (at(r, "updates"), i, u) {
        if (!strcmp(str(u, "_"), "updateMessageID"))
            return (int32_t)num(u, "id");
    }
    return 0;
}

static void an_empty_or_endless_text_is_refused(void **state)
{
    char *text = malloc(5000);

    (void)state;
    memset(text, 'x', 4999);
    text[4999] = 0;
    assert_int_equal(say("bob", "  \n "), 0);
    assert_string_equal(f.error, "400 MESSAGE_EMPTY");
    assert_int_equal(say("bob", text), 0);
    assert_string_equal(f.error, "400 MESSAGE_TOO_LONG");
    text[4096] = 0;
    assert_int_not_equal(say("bob", text), 0);
    free(text);
}

static void a_peer_needs_the_hash_that_this_viewer_was_given(void **state)
{
    int64_t hash = fix_hash(&f, "carol");

    (void)state;
    fix_refused(&f, "400 PEER_ID_INVALID", "messages.sendMessage", "{s:{s:s,s:I,s:I},s:s,s:i}", "peer", "_",
                "inputPeerUser", "user_id", CAROL, "access_hash", hash + 1, "message", "x", "random_id", 1);
    fix_call(&f, "messages.sendMessage", "{s:{s:s,s:I,s:I},s:s,s:i}", "peer", "_", "inputPeerUser", "user_id",
             CAROL, "access_hash", hash, "message", "x", "random_id", 1);
    assert_string_equal(f.error, "");
    fix_as(&f, 2, 2);
    fix_refused(&f, "400 PEER_ID_INVALID", "messages.sendMessage", "{s:{s:s,s:I,s:I},s:s,s:i}", "peer", "_",
                "inputPeerUser", "user_id", CAROL, "access_hash", hash, "message", "x", "random_id", 1);
    fix_refused(&f, "400 CHANNEL_INVALID", "channels.getFullChannel", "{s:{s:s,s:I,s:I}}", "channel", "_",
                "inputChannel", "channel_id", INT64_C(1500000001), "access_hash", 5);
}

static void a_random_id_is_used_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        fix_call(&f, "messages.sendMessage", "{s:o,s:s,s:i}", "peer", fix_peer(&f, "bob"), "message", "once",
                 "random_id", 77);
    assert_string_equal(f.error, "500 RANDOM_ID_DUPLICATE");
    fix_refused(&f, "400 RANDOM_ID_EMPTY", "messages.sendMessage", "{s:o,s:s,s:i}", "peer",
                fix_peer(&f, "bob"), "message", "once", "random_id", 0);
    fix_as(&f, 2, 2);
    fix_call(&f, "messages.sendMessage", "{s:o,s:s,s:i}", "peer", fix_peer(&f, "alice"), "message", "other",
             "random_id", 77);
    assert_string_equal(f.error, "");
}

static void each_side_has_the_message_under_a_number_of_its_own(void **state)
{
    int32_t id;
    json_t *u;

    (void)state;
    fix_as(&f, 2, 2);
    say("echo_bot", "to shift the numbers");
    fix_as(&f, 1, 2);
    fix_drain(&f);
    id = say("bob", "hi");
    u = fix_updates(&f, BOB);
    assert_int_equal(json_array_size(u), 1);
    assert_int_not_equal(at(u, "0.message.id") ? num(u, "0.message.id") : num(u, "0.id"), id);
    json_decref(u);
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 1);
    assert_string_equal(str(f.result, "items.0.text"), "hi");
    assert_int_equal(num(f.result, "items.0.from"), ALICE);
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "alice", "chat", "bob", "limit", 1);
    assert_int_equal(num(f.result, "items.0.message_id"), id);
}

static void the_senders_other_sessions_hear_of_it_and_the_calling_one_does_not(void **state)
{
    (void)state;
    fix_login(&f, 3, 2, "9996620001");
    say("bob", "hi");
    for (size_t i = 0; i < json_array_size(f.pushes); i++)
        if (num(json_array_get(f.pushes, i), "user_id") == ALICE)
            assert_int_equal(num(json_array_get(f.pushes, i), "except"), 3);
    json_t *u = fix_updates(&f, ALICE);

    assert_int_equal(json_array_size(u), 1);
    json_decref(u);
}

static void entities_are_trimmed_with_the_text_and_completed(void **state)
{
    (void)state;
    fix_call(&f, "messages.sendMessage", "{s:o,s:s,s:i,s:[{s:s,s:i,s:i},{s:s,s:i,s:i}]}", "peer",
             fix_peer(&f, "bob"), "message", "  \xf0\x9f\x98\x80 bold @alice  ", "random_id", 5, "entities",
             "_", "messageEntityBold", "offset", 5, "length", 4, "_", "messageEntityItalic", "offset", 0,
             "length", 1);
    assert_string_equal(f.error, "");
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 1);
    assert_string_equal(str(f.result, "items.0.text"), "\xf0\x9f\x98\x80 bold @alice");
    assert_int_equal(json_array_size(at(f.result, "items.0.entities")), 2);
    assert_int_equal(num(f.result, "items.0.entities.0.offset"), 3);
    assert_int_equal(num(f.result, "items.0.entities.0.length"), 4);
    assert_string_equal(str(f.result, "items.0.entities.1._"), "messageEntityMention");
    assert_int_equal(num(f.result, "items.0.entities.1.offset"), 8);
    assert_int_equal(num(f.result, "items.0.entities.1.length"), 6);
}

static void entities_out_of_bounds_or_through_a_character_are_refused(void **state)
{
    static const int bounds[][2] = {{0, 4}, {-1, 2}, {1, 1}, {2, 9}};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        fix_refused(&f, "400 ENTITY_BOUNDS_INVALID", "messages.sendMessage",
                    "{s:o,s:s,s:i,s:[{s:s,s:i,s:i}]}", "peer", fix_peer(&f, "bob"), "message",
                    "\xf0\x9f\x98\x80x", "random_id", 5, "entities", "_", "messageEntityBold", "offset",
                    bounds[i][0], "length", bounds[i][1]);
}

static void a_reply_points_at_the_readers_own_number(void **state)
{
    int32_t first = say("bob", "question");

    (void)state;
    fix_call(&f, "messages.sendMessage", "{s:o,s:s,s:i,s:{s:s,s:i,s:s}}", "peer", fix_peer(&f, "bob"),
             "message", "answer", "random_id", 6, "reply_to", "_", "inputReplyToMessage", "reply_to_msg_id",
             first, "quote_text", "quest");
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 2);
    assert_int_equal(num(f.result, "items.0.reply_to"), num(f.result, "items.1.message_id"));
    fix_call(&f, "messages.getHistory", "{s:o,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "peer", fix_peer(&f, "bob"),
             "offset_id", 0, "offset_date", 0, "add_offset", 0, "limit", 1, "max_id", 0, "min_id", 0, "hash",
             0);
    assert_string_equal(str(f.result, "messages.0.reply_to.quote_text"), "quest");
}

static void only_the_author_edits_and_only_to_something_else(void **state)
{
    int32_t id = say("bob", "one");
    json_t *u;

    (void)state;
    fix_drain(&f);
    fix_call(&f, "messages.editMessage", "{s:o,s:i,s:s}", "peer", fix_peer(&f, "bob"), "id", id, "message",
             "two");
    assert_string_equal(f.error, "");
    u = fix_updates(&f, BOB);
    assert_string_equal(str(u, "0._"), "updateEditMessage");
    assert_string_equal(str(u, "0.message.message"), "two");
    assert_int_not_equal(num(u, "0.message.edit_date"), 0);
    fix_refused(&f, "400 MESSAGE_NOT_MODIFIED", "messages.editMessage", "{s:o,s:i,s:s}", "peer",
                fix_peer(&f, "bob"), "id", id, "message", "two");
    fix_refused(&f, "400 MESSAGE_ID_INVALID", "messages.editMessage", "{s:o,s:i,s:s}", "peer",
                fix_peer(&f, "carol"), "id", id, "message", "three");
    fix_as(&f, 2, 2);
    fix_refused(&f, "403 MESSAGE_AUTHOR_REQUIRED", "messages.editMessage", "{s:o,s:i,s:s}", "peer",
                fix_peer(&f, "alice"), "id", (int)num(u, "0.message.id"), "message", "mine");
    json_decref(u);
    fix_as(&f, 1, 2);
    f.now.wall += INT64_C(49) * 3600 * MT_US_PER_S;
    fix_refused(&f, "400 MESSAGE_EDIT_TIME_EXPIRED", "messages.editMessage", "{s:o,s:i,s:s}", "peer",
                fix_peer(&f, "bob"), "id", id, "message", "late");
}

static void deleting_for_all_deletes_both_copies(void **state)
{
    int32_t id = say("bob", "oops");
    int64_t before;
    json_t *u;

    (void)state;
    fix_drain(&f);
    fix_call(&f, "updates.getState", NULL);
    before = num(f.result, "pts");
    fix_call(&f, "messages.deleteMessages", "{s:b,s:[i]}", "revoke", 1, "id", id);
    assert_int_equal(num(f.result, "pts"), before + 1);
    assert_int_equal(num(f.result, "pts_count"), 1);
    u = fix_updates(&f, BOB);
    assert_string_equal(str(u, "0._"), "updateDeleteMessages");
    json_decref(u);
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 1);
    assert_string_not_equal(str(f.result, "items.0.text"), "oops");
    fix_call(&f, "messages.getMessages", "{s:[{s:s,s:i}]}", "id", "_", "inputMessageID", "id", id);
    assert_string_equal(str(f.result, "messages.0._"), "messageEmpty");
    fix_call(&f, "messages.deleteMessages", "{s:[i]}", "id", id);
    assert_int_equal(num(f.result, "pts_count"), 0);
}

static void what_was_deleted_in_a_channel_is_gone_for_all(void **state)
{
    int32_t id = say("family", "oops");
    json_t *family = fix_channel(&f, "family");

    (void)state;
    fix_as(&f, 2, 2);
    json_t *same = fix_channel(&f, "family");

    fix_refused(&f, "403 MESSAGE_DELETE_FORBIDDEN", "channels.deleteMessages", "{s:O,s:[i]}", "channel", same,
                "id", id);
    fix_as(&f, 1, 2);
    fix_call(&f, "channels.deleteMessages", "{s:o,s:[i]}", "channel", family, "id", id);
    assert_int_equal(num(f.result, "pts_count"), 1);
    fix_as(&f, 2, 2);
    fix_call(&f, "channels.getMessages", "{s:o,s:[{s:s,s:i}]}", "channel", same, "id", "_", "inputMessageID",
             "id", id);
    assert_string_equal(str(f.result, "messages.0._"), "messageEmpty");
}

static void a_forward_says_where_it_comes_from(void **state)
{
    int32_t id = say("bob", "quote me");

    (void)state;
    fix_call(&f, "messages.forwardMessages", "{s:o,s:[i],s:[i],s:o}", "from_peer", fix_peer(&f, "bob"), "id",
             id, "random_id", 9, "to_peer", fix_peer(&f, "family"));
    assert_string_equal(f.error, "");
    assert_int_equal(num(f.result, "updates.2.message.fwd_from.from_id.user_id"), ALICE);
    fix_refused(&f, "400 MESSAGE_ID_INVALID", "messages.forwardMessages", "{s:o,s:[i],s:[i],s:o}",
                "from_peer", fix_peer(&f, "bob"), "id", 4711, "random_id", 10, "to_peer",
                fix_peer(&f, "family"));
    fix_refused(&f, "400 RANDOM_ID_INVALID", "messages.forwardMessages", "{s:o,s:[i],s:[],s:o}", "from_peer",
                fix_peer(&f, "bob"), "id", id, "random_id", "to_peer", fix_peer(&f, "family"));
}

static void media_of_the_kinds_without_files_are_sent(void **state)
{
    (void)state;
    fix_call(&f, "messages.sendMedia", "{s:o,s:{s:s,s:{s:s,s:f,s:f}},s:s,s:i}", "peer", fix_peer(&f, "bob"),
             "media", "_", "inputMediaGeoPoint", "geo_point", "_", "inputGeoPoint", "lat", 1.5, "long", 2.5,
             "message", "", "random_id", 11);
    assert_string_equal(f.error, "");
    fix_call(&f, "messages.sendMedia", "{s:o,s:{s:s,s:s,s:s,s:s,s:s},s:s,s:i}", "peer", fix_peer(&f, "bob"),
             "media", "_", "inputMediaContact", "phone_number", "9996610003", "first_name", "C", "last_name",
             "", "vcard", "", "message", "", "random_id", 12);
    assert_string_equal(f.error, "");
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 2);
    assert_int_equal(num(f.result, "items.0.media.user_id"), CAROL);
    assert_string_equal(str(f.result, "items.1.media._"), "messageMediaGeo");
    fix_refused(&f, "400 MEDIA_INVALID", "messages.sendMedia", "{s:o,s:{s:s,s:s},s:s,s:i}", "peer",
                fix_peer(&f, "bob"), "media", "_", "inputMediaDice", "emoticon", "x", "message", "",
                "random_id", 13);
}

static void reading_tells_the_sender(void **state)
{
    int32_t id = say("bob", "read me");
    json_t *u;

    (void)state;
    fix_as(&f, 2, 2);
    json_t *peer = fix_peer(&f, "alice");

    fix_drain(&f);
    fix_call(&f, "messages.readHistory", "{s:O,s:i}", "peer", peer, "max_id", 0);
    assert_int_equal(num(f.result, "pts_count"), 1);
    u = fix_updates(&f, ALICE);
    assert_string_equal(str(u, "0._"), "updateReadHistoryOutbox");
    assert_int_equal(num(u, "0.max_id"), id);
    json_decref(u);
    fix_call(&f, "messages.readHistory", "{s:o,s:i}", "peer", peer, "max_id", 0);
    assert_int_equal(num(f.result, "pts_count"), 0);
}

static void a_mention_stays_unread_until_its_content_is_read(void **state)
{
    json_t *peer, *u;

    (void)state;
    fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "alice", "to", "team", "text", "@bob look");
    fix_as(&f, 2, 2);
    fix_control(&f, "state", "{s:s}", "user", "bob");
    peer = json_pack("{s:s,s:I}", "_", "inputPeerChat", "chat_id", INT64_C(4000000001));
    fix_call(&f, "messages.getUnreadMentions", "{s:O,s:i,s:i,s:i,s:i,s:i}", "peer", peer, "offset_id", 0,
             "add_offset", 0, "limit", 10, "max_id", 0, "min_id", 0);
    assert_int_equal(json_array_size(at(f.result, "messages")), 1);
    assert_true(json_is_true(at(f.result, "messages.0.mentioned")));
    fix_login(&f, 3, 2, "9996620002");
    fix_call(&f, "messages.readMentions", "{s:O}", "peer", peer);
    assert_int_equal(num(f.result, "pts_count"), 1);
    u = fix_updates(&f, BOB);
    assert_string_equal(str(u, "0._"), "updateReadMessagesContents");
    json_decref(u);
    fix_call(&f, "messages.readMentions", "{s:o}", "peer", peer);
    assert_int_equal(num(f.result, "pts_count"), 0);
}

static void typing_is_short_and_leaves_no_trace(void **state)
{
    json_t *u, *peer = fix_peer(&f, "bob");

    (void)state;
    fix_drain(&f);
    fix_call(&f, "messages.setTyping", "{s:o,s:{s:s}}", "peer", peer, "action", "_",
             "sendMessageTypingAction");
    u = fix_updates(&f, BOB);
    assert_string_equal(str(u, "0._"), "updateUserTyping");
    assert_string_equal(str(f.pushes, "0.updates._"), "updateShort");
    assert_int_equal(num(u, "0.user_id"), ALICE);
    json_decref(u);
}

static void a_reaction_is_told_to_both_sides(void **state)
{
    int32_t id = say("bob", "nice?");
    json_t *u, *peer = fix_peer(&f, "bob");

    (void)state;
    fix_drain(&f);
    fix_call(&f, "messages.sendReaction", "{s:o,s:i,s:[{s:s,s:s}]}", "peer", peer, "msg_id", id, "reaction",
             "_", "reactionEmoji", "emoticon", "+");
    assert_string_equal(str(f.result, "updates.0._"), "updateMessageReactions");
    u = fix_updates(&f, BOB);
    assert_string_equal(str(u, "0._"), "updateMessageReactions");
    assert_int_equal(num(u, "0.reactions.results.0.count"), 1);
    json_decref(u);
    peer = fix_peer(&f, "bob");
    fix_refused(&f, "400 REACTION_INVALID", "messages.sendReaction", "{s:O,s:i,s:[{s:s,s:s}]}", "peer", peer,
                "msg_id", id, "reaction", "_", "reactionCustomEmoji", "document_id", "5");
    fix_refused(&f, "400 MESSAGE_ID_INVALID", "messages.sendReaction", "{s:O,s:i,s:[]}", "peer", peer,
                "msg_id", id + 100, "reaction");
    fix_call(&f, "messages.sendReaction", "{s:o,s:i,s:[]}", "peer", peer, "msg_id", id, "reaction");
    assert_int_equal(json_array_size(at(f.result, "updates.0.reactions.results")), 0);
}

static void a_pin_is_an_update_and_a_service_message(void **state)
{
    int32_t id = say("bob", "important");
    json_t *peer = fix_peer(&f, "bob");

    (void)state;
    fix_call(&f, "messages.updatePinnedMessage", "{s:O,s:i}", "peer", peer, "id", id);
    assert_string_equal(str(f.result, "updates.0._"), "updatePinnedMessages");
    assert_string_equal(str(f.result, "updates.1.message.action._"), "messageActionPinMessage");
    fix_refused(&f, "400 CHAT_NOT_MODIFIED", "messages.updatePinnedMessage", "{s:o,s:i}", "peer", peer, "id",
                id);
}

static void a_bot_begins_no_chat_and_sees_of_a_group_what_is_meant_for_it(void **state)
{
    json_t *u;

    (void)state;
    fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "alice", "to", "team", "text", "between us");
    fix_login_bot(&f, 9);
    fix_drain(&f);
    fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "alice", "to", "team", "text", "quiet");
    u = fix_updates(&f, BOT);
    assert_int_equal(json_array_size(u), 0);
    json_decref(u);
    fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "alice", "to", "team", "text", "/ping");
    u = fix_updates(&f, BOT);
    assert_int_equal(json_array_size(u), 1);
    json_decref(u);
    fix_as(&f, 9, 2);
    assert_int_equal(say("alice", "hello"), 0);
    assert_string_equal(f.error, "400 PEER_ID_INVALID");
    assert_int_not_equal(say("bob", "hello"), 0);
}

static void a_scheduled_message_is_accepted_and_shown_as_one(void **state)
{
    (void)state;
    fix_call(&f, "messages.sendMessage", "{s:o,s:s,s:i,s:i}", "peer", fix_peer(&f, "bob"), "message", "later",
             "random_id", 14, "schedule_date", 1900000000);
    assert_string_equal(str(f.result, "updates.1._"), "updateNewScheduledMessage");
}

int main(void)
{
#define T(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_empty_or_endless_text_is_refused),
        T(a_peer_needs_the_hash_that_this_viewer_was_given),
        T(a_random_id_is_used_once),
        T(each_side_has_the_message_under_a_number_of_its_own),
        T(the_senders_other_sessions_hear_of_it_and_the_calling_one_does_not),
        T(entities_are_trimmed_with_the_text_and_completed),
        T(entities_out_of_bounds_or_through_a_character_are_refused),
        T(a_reply_points_at_the_readers_own_number),
        T(only_the_author_edits_and_only_to_something_else),
        T(deleting_for_all_deletes_both_copies),
        T(what_was_deleted_in_a_channel_is_gone_for_all),
        T(a_forward_says_where_it_comes_from),
        T(media_of_the_kinds_without_files_are_sent),
        T(reading_tells_the_sender),
        T(a_mention_stays_unread_until_its_content_is_read),
        T(typing_is_short_and_leaves_no_trace),
        T(a_reaction_is_told_to_both_sides),
        T(a_pin_is_an_update_and_a_service_message),
        T(a_bot_begins_no_chat_and_sees_of_a_group_what_is_meant_for_it),
        T(a_scheduled_message_is_accepted_and_shown_as_one),
    };
    return cmocka_run_group_tests_name("sandbox world: messages", tests, NULL, NULL);
}
