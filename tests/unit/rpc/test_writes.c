/* Writes over the rig: what goes into the outbox, what is answered, what progress tells, ask (api.md 2, 7,
 * 8). */
#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"
#include "tl/json.h"

#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)
#define TEST(name) static void name(void **state)

#define ASK "{\"id\":1,\"method\":\"ask\",\"params\":{\"chat_id\":\"@alice\",\"text\":\"well?\",\"wait\":20}}"
#define MESSAGE(id, out, text)                                                                               \
    "\"key\":\"k\",\"account\":\"main\",\"type\":\"message\",\"time\":1,\"message\":{\"id\":" #id            \
    ",\"chat_id\":777123,\"out\":" #out ",\"text\":\"" text "\"}"

/* An Updates with our message in it. */
static void answer_sent(struct rig *g, int id)
{
    struct tl_out out = {0};
    char json[512];
    json_t *value;
    struct tl_json_error error;

    snprintf(
        json, sizeof json,
        "{\"_\":\"updates\",\"updates\":[{\"_\":\"updateNewMessage\",\"message\":{\"_\":\"message\",\"out\":"
        "true,"
        "\"id\":%d,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":\"777123\"},\"date\":5,\"message\":\"well?\"},"
        "\"pts\":1,\"pts_count\":1}],\"users\":[],\"chats\":[],\"date\":5,\"seq\":0}",
        id);
    value = json_loads(json, 0, NULL);
    assert_non_null(value);
    assert_int_equal(
        tl_object_from_json((uint16_t)tl_type_by_name("Updates", 7), value, "t", NULL, &out, &error), 0);
    rig_result(g, 0, out.data, out.len);
    tl_out_free(&out);
    json_decref(value);
}

TEST(all_are_unpinned_in_as_many_calls_as_it_takes)
{
    uint8_t answer[16];
    char first[80];
    BEGIN;
    tl_store32(answer, TL_messages_affectedHistory);
    tl_store32(answer + 4, 9);  /* pts */
    tl_store32(answer + 8, 1);  /* pts_count */
    tl_store32(answer + 12, 3); /* there are more */
    say(g, "{\"id\":1,\"method\":\"unpinMessage\",\"params\":{\"chat_id\":\"@alice\",\"all\":true,\"dedup_"
           "key\":\"k\"}}");
    assert_string_equal(g->core[0].method, "messages.unpinAllMessages");
    snprintf(first, sizeof first, "%s", g->core[0].dedup);
    assert_string_equal(first, "k");
    rig_result(g, 0, answer, sizeof answer);
    assert_string_equal(g->core[0].method, "messages.unpinAllMessages");
    assert_string_not_equal(g->core[0].dedup, first); /* a call of its own */
    assert_string_equal(rig_read(g, g->c), "");
    tl_store32(answer + 12, 0);
    rig_result(g, 0, answer, sizeof answer);
    assert_non_null(strstr(rig_read(g, g->c), "\"ok\":true"));
    END;
}

TEST(every_write_goes_into_the_outbox)
{
    static const struct {
        const char *method, *params, *function;
    } rows[] = {
        {"editMessage", "\"message_id\":4,\"text\":\"x\"", "messages.editMessage"},
        {"deleteMessages", "\"message_ids\":[4]", "messages.deleteMessages"},
        {"markRead", "\"message_id\":4", "messages.readHistory"},
        {"pinMessage", "\"message_id\":4", "messages.updatePinnedMessage"},
        {"unpinMessage", "\"message_id\":4", "messages.updatePinnedMessage"},
        {"setReaction", "\"message_id\":4,\"reaction\":\"x\"", "messages.sendReaction"},
        {"forwardMessages", "\"message_ids\":[4],\"from_chat_id\":\"me\"", "messages.forwardMessages"},
        {"copyMessages", "\"message_ids\":[4],\"from_chat_id\":\"me\"", "messages.forwardMessages"},
    };
    char text[512];
    struct mt_reply queued = {.kind = MT_REPLY_OK, .send_id = 17};
    BEGIN;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text,
                 "{\"id\":1,\"method\":\"%s\",\"params\":{\"chat_id\":\"@alice\",%s,\"queue\":true,\"dedup_"
                 "key\":\"k\","
                 "\"ordered\":false}}",
                 rows[i].method, rows[i].params);
        say(g, text);
        assert_string_equal(g->core[0].method, rows[i].function);
        assert_string_equal(g->core[0].dedup, "k");
        assert_true(g->core[0].queue && g->core[0].unordered && g->core[0].chat == 777123);
        g->core[0].method[0] = 0;
        rig_reply(g, 0, &queued);
        rig_read(g, g->c); /* not before it is on disk */
        assert_string_equal(g->said, "");
        g->synced = g->turn;
        rpc_synced(g->r, g->now, g->synced);
        rig_read(g, g->c);
        assert_string_equal(got(g, "result.send_id"), "17");
        assert_string_equal(got(g, "result.state"), "queued");
    }
    END;
}

TEST(what_was_done_already_is_fetched)
{
    struct mt_reply done = {.kind = MT_REPLY_RESULT};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"editMessage\",\"params\":{\"chat_id\":\"@alice\",\"message_id\":4,"
           "\"text\":\"x\"}}");
    rig_reply(g, 0, &done); /* MESSAGE_NOT_MODIFIED */
    assert_int_equal(tl_load32(g->core[0].body), TL_messages_getMessages);
    say(g, "");
    say(g, "{\"id\":2,\"method\":\"pinMessage\",\"params\":{\"chat_id\":\"@alice\",\"message_id\":4}}");
    rig_reply(g, 0, &done);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.ok"), "true");
    END;
}

TEST(progress_is_told_to_who_asks)
{
    struct mt_send_stage waiting = {.name = "waiting", .seconds = 7};
    BEGIN;
    say(g, "{\"id\":\"p\",\"method\":\"sendMessage\",\"progress\":true,\"params\":{\"chat_id\":\"@alice\","
           "\"text\":\"x\"}}");
    assert_true(g->core[0].progress);
    rpc_stage(g->r, g->core[0].token, &waiting);
    rig_read(g, g->c);
    assert_string_equal(g->said,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":\"p\",\"done\":0,"
                        "\"stage\":\"waiting\",\"seconds\":7}}\n");
    say(g, "{\"id\":2,\"method\":\"sendMessage\",\"params\":{\"chat_id\":\"@alice\",\"text\":\"x\"}}");
    assert_false(g->core[0].progress);
    rpc_stage(g->r, g->core[0].token, &waiting);
    rpc_stage(g->r, 1, &waiting); /* of nobody */
    assert_string_equal(rig_read(g, g->c), "");
    END;
}

TEST(who_reacted_is_listed)
{
    static const char json[] = "{\"_\":\"messages.messageReactionsList\",\"count\":3,\"reactions\":[{\"_\":"
                               "\"messagePeerReaction\",\"my\":true,"
                               "\"peer_id\":{\"_\":\"peerUser\",\"user_id\":\"777123\"},\"date\":9,"
                               "\"reaction\":{\"_\":\"reactionCustomEmoji\","
                               "\"document_id\":\"5\"}}],\"chats\":[],\"users\":[],\"next_offset\":\"1\"}";
    struct tl_out out = {0};
    struct tl_json_error error;
    json_t *value = json_loads(json, 0, NULL);
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getReactions\",\"params\":{\"chat_id\":\"@alice\",\"message_id\":4,"
           "\"limit\":1}}");
    assert_int_equal(tl_load32(g->core[0].body), TL_messages_getMessageReactionsList);
    assert_int_equal(tl_object_from_json((uint16_t)tl_type_by_name("messages.MessageReactionsList", 29),
                                         value, "t", NULL, &out, &error),
                     0);
    rig_result(g, 0, out.data, out.len);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.items.0"),
                        "{\"sender_id\":777123,\"date\":9,\"sender_name\":\"Alice\","
                        "\"sender_username\":\"alice\",\"reaction\":\"5\",\"mine\":true}");
    assert_string_equal(got(g, "result.total"), "3");
    assert_string_equal(got(g, "result.next"), "1");
    tl_out_free(&out);
    json_decref(value);
    END;
}

TEST(an_answer_that_overtakes_the_end_of_the_send_is_not_missed)
{
    BEGIN;
    rig_event(g, "message", 777123, 777123, 1, MESSAGE(4, false, "old"));
    say(g, ASK);
    rig_event(g, "message", 777999, 777999, 1, MESSAGE(9, false, "of another chat"));
    rig_event(g, "message", 777123, 777123, 1, MESSAGE(7, false, "yes"));
    rig_event(g, "message", 777123, 777001, 2, MESSAGE(6, true, "well?"));
    answer_sent(g, 6);
    rig_read(g, g->c);
    if (!*g->said) /* the journal is read after a turn */
        rig_read(g, g->c);
    assert_string_equal(got(g, "result.message.text"), "yes");
    assert_string_equal(got(g, "result.sent.id"), "6");
    assert_string_equal(got(g, "result.cursor"), "1.1");
    END;
}

TEST(ask_ends_with_sent_yes_where_nobody_answers)
{
    BEGIN;
    say(g, ASK);
    answer_sent(g, 6);
    rig_event(g, "message", 777123, 777123, 1, MESSAGE(5, false, "from before"));
    assert_string_equal(rig_read(g, g->c), "");
    rig_pass(g, 19999);
    assert_string_equal(rig_read(g, g->c), "");
    rig_pass(g, 1);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.code"), "1003");
    assert_string_equal(got(g, "error.data.sent"), "yes");
    END;
}

TEST(who_hangs_up_does_not_wait_for_an_answer)
{
    struct rpc_conn *other;
    BEGIN;
    other = rig_connect(g);
    rig_say(g, other, ASK);
    rpc_closed(other, g->now);
    answer_sent(g, 6); /* it was sent all the same; its request is gone: the rig's memory check says so */
    rig_read(g, g->c);
    END;
}

TEST(cancelled_while_the_answer_is_awaited_it_was_sent)
{
    BEGIN;
    say(g, ASK);
    answer_sent(g, 6);
    rig_read(g, g->c);
    say(g, "{\"id\":2,\"method\":\"cancel\",\"params\":{\"id\":1}}");
    assert_non_null(strstr(g->said, "CANCELLED"));
    assert_null(strstr(g->said, "\"sent\":\"no\""));
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_unpinned_in_as_many_calls_as_it_takes),
        cmocka_unit_test(every_write_goes_into_the_outbox),
        cmocka_unit_test(what_was_done_already_is_fetched),
        cmocka_unit_test(progress_is_told_to_who_asks),
        cmocka_unit_test(who_reacted_is_listed),
        cmocka_unit_test(an_answer_that_overtakes_the_end_of_the_send_is_not_missed),
        cmocka_unit_test(ask_ends_with_sent_yes_where_nobody_answers),
        cmocka_unit_test(who_hangs_up_does_not_wait_for_an_answer),
        cmocka_unit_test(cancelled_while_the_answer_is_awaited_it_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
