#include "tests/unit/views/vbench.h"

#include "core/peers/peers.h"
#include "tests/unit/tl/gen.h"
#include "tl/json.h"

#define MESSAGE(more)                                                                                        \
    "{\"_\":\"message\",\"id\":5,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":42},\"date\":800," more "}"
#define NEW(message) "{\"_\":\"updateNewMessage\",\"message\":" message ",\"pts\":1,\"pts_count\":1}"

static void an_incoming_message_can_be_printed_as_it_is(void **state)
{
    vb_expect(vb_events("message", NEW(MESSAGE("\"message\":\"hi \\ud83d\\ude00 *b*\",\"entities\":[{\"_\":"
                                               "\"messageEntityBold\",\"offset\":6,\"length\":3}]"))),
              "[{\"type\":\"message\",\"key\":\"message/42/"
              "5\",\"chat\":42,\"sender\":42,\"direction\":1,\"time\":800,"
              "\"expires\":0,\"live\":false,\"body\":{\"id\":5,\"chat_id\":42,\"chat_type\":\"user\",\"chat_"
              "title\":"
              "\"Alice A\",\"chat_username\":\"alice\",\"sender_id\":42,\"sender_name\":\"Alice "
              "A\",\"sender_username\":"
              "\"alice\",\"date\":800,\"out\":false,\"text\":\"hi \\ud83d\\ude00 "
              "*b*\",\"entities\":[{\"type\":\"bold\","
              "\"offset\":6,\"length\":3,\"text\":\"*b*\"}]}}]");
}

static void an_outgoing_message_names_this_account_as_sender(void **state)
{
    json_t *list = vb_events("message", NEW(MESSAGE("\"out\":true,\"message\":\"x\"")));
    json_t *e = json_array_get(list, 0);

    assert_int_equal(json_integer_value(json_object_get(e, "direction")), 2);
    assert_int_equal(json_integer_value(json_object_get(e, "sender")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(e, "body"), "sender_name")), "Me");
    json_decref(list);
}

static void a_channel_post_has_its_channel_as_sender_and_a_link(void **state)
{
    json_t *list = vb_events(
        "message", "{\"_\":\"updateNewChannelMessage\",\"pts\":1,\"pts_count\":1,\"message\":{\"_\":"
                   "\"message\",\"id\":3,\"post\":true,\"peer_id\":{\"_\":\"peerChannel\","
                   "\"channel_id\":9},\"date\":1,\"message\":\"p\",\"views\":2,\"forwards\":0}}");
    json_t *body = json_object_get(json_array_get(list, 0), "body");

    assert_int_equal(json_integer_value(json_object_get(body, "sender_id")), -1000000000009);
    assert_string_equal(json_string_value(json_object_get(body, "chat_type")), "channel");
    assert_string_equal(json_string_value(json_object_get(body, "link")), "https://t.me/news/3");
    assert_int_equal(json_integer_value(json_object_get(body, "views")), 2);
    json_decref(list);
}

static void login_codes_leave_the_journal_after_an_hour(void **state)
{
    json_t *list =
        vb_events("message", "{\"_\":\"updateNewMessage\",\"pts\":1,\"pts_count\":1,\"message\":{\"_\":"
                             "\"message\",\"id\":6,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":777000},"
                             "\"date\":100,\"message\":\"Login code: 12345\"}}");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "expires")), 3700);
    json_decref(list);
}

static void what_destroys_itself_leaves_the_journal_with_its_time(void **state)
{
    json_t *list =
        vb_events("message", "{\"_\":\"updateNewMessage\",\"pts\":1,\"pts_count\":1,\"message\":{\"_\":"
                             "\"message\",\"id\":6,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":42},"
                             "\"date\":100,\"ttl_period\":86400,\"message\":\"gone tomorrow\"}}");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "expires")), 86500);
    json_decref(list);
}

static void an_edit_is_keyed_by_its_time(void **state)
{
    json_t *list =
        vb_events("edit", "{\"_\":\"updateEditMessage\",\"pts\":1,\"pts_count\":1,\"message\":" MESSAGE(
                              "\"message\":\"y\",\"edit_date\":850") "}");
    json_t *e = json_array_get(list, 0);

    assert_string_equal(json_string_value(json_object_get(e, "key")), "edit/42/5/850");
    assert_int_equal(json_integer_value(json_object_get(e, "time")), 850);
    json_decref(list);
}

static void deleted_ids_find_their_chats_again(void **state)
{
    memset(vb_chat_of_message, 0, sizeof vb_chat_of_message);
    vb_chat_of_message[1] = vb_chat_of_message[2] = 42;
    vb_chat_of_message[3] = -7;
    vb_expect(vb_events("delete",
                        "{\"_\":\"updateDeleteMessages\",\"messages\":[1,2,3,4],\"pts\":9,\"pts_count\":4}"),
              "[{\"type\":\"delete\",\"key\":\"delete/42/1-2/"
              "2\",\"chat\":42,\"sender\":0,\"direction\":0,\"time\":900,"
              "\"expires\":0,\"live\":false,\"body\":{\"chat_id\":42,\"message_ids\":[1,2]}},"
              "{\"type\":\"delete\",\"key\":\"delete/-7/3-3/"
              "1\",\"chat\":-7,\"sender\":0,\"direction\":0,\"time\":900,"
              "\"expires\":0,\"live\":false,\"body\":{\"chat_id\":-7,\"message_ids\":[3]}},"
              "{\"type\":\"delete\",\"key\":\"delete/0/4-4/"
              "1\",\"chat\":0,\"sender\":0,\"direction\":0,\"time\":900,"
              "\"expires\":0,\"live\":false,\"body\":{\"message_ids\":[4]}}]");
}

static void read_marks_say_whose(void **state)
{
    vb_expect(
        vb_events(
            "read",
            "{\"_\":\"updateReadHistoryOutbox\",\"peer\":{\"_\":\"peerUser\",\"user_id\":42},\"max_id\":"
            "5,\"pts\":1,\"pts_count\":1}"),
        "[{\"type\":\"read\",\"key\":\"read/42/out/0/"
        "5\",\"chat\":42,\"sender\":0,\"direction\":0,\"time\":900,"
        "\"expires\":0,\"live\":false,\"body\":{\"chat_id\":42,\"message_id\":5,\"out\":true}}]");
}

static void a_service_message_says_what_happened_and_changes_the_chat(void **state)
{
    json_t *list =
        vb_events("message", "{\"_\":\"updateNewMessage\",\"pts\":1,\"pts_count\":1,\"message\":{\"_\":"
                             "\"messageService\",\"id\":8,\"from_id\":{\"_\":\"peerUser\",\"user_id\":42},"
                             "\"peer_id\":{\"_\":\"peerChat\",\"chat_id\":7},\"date\":5,\"action\":{\"_\":"
                             "\"messageActionChatEditTitle\",\"title\":\"Clan\"}}}");
    json_t *body = json_object_get(json_array_get(list, 0), "body");
    json_t *change = json_array_get(list, 1);

    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_object_get(body, "text")),
                        "Alice A changed the title to \"Clan\"");
    assert_string_equal(json_string_value(json_object_get(json_object_get(body, "action"), "kind")), "title");
    assert_string_equal(json_string_value(json_object_get(change, "key")), "chat/-7/8");
    assert_string_equal(json_string_value(json_object_get(json_object_get(change, "body"), "title")), "Clan");
    json_decref(list);
}

static void media_has_a_kind_and_what_a_person_asks_for(void **state)
{
    json_t *list = vb_events(
        "message",
        NEW(MESSAGE(
            "\"message\":\"\",\"media\":{\"_\":\"messageMediaDocument\",\"document\":{\"_\":\"document\","
            "\"id\":\"1\",\"access_hash\":\"2\",\"file_reference\":\"\",\"date\":1,\"mime_type\":"
            "\"audio/ogg\",\"size\":\"77\",\"dc_id\":2,\"attributes\":[{\"_\":\"documentAttributeAudio\","
            "\"voice\":true,\"duration\":3},{\"_\":\"documentAttributeFilename\",\"file_name\":"
            "\"a.ogg\"}]}}")));
    vb_expect(
        json_incref(json_object_get(json_object_get(json_array_get(list, 0), "body"), "media")),
        "{\"kind\":\"voice\",\"duration\":3,\"name\":\"a.ogg\",\"mime_type\":\"audio/ogg\",\"size\":77}");
    json_decref(list);
}

static void typing_is_live(void **state)
{
    json_t *list = vb_events("typing", "{\"_\":\"updateUserTyping\",\"user_id\":42,\"action\":{\"_\":"
                                       "\"sendMessageTypingAction\"}}");
    assert_true(json_is_true(json_object_get(json_array_get(list, 0), "live")));
    json_decref(list);
}

static void a_message_gets_its_html(void **state)
{
    json_t *m = json_pack("{s:s, s:[{s:s, s:i, s:i, s:s}]}", "text", "a<b", "entities", "type", "text_link",
                          "offset", 0, "length", 1, "url", "http://x");

    assert_int_equal(rpc_view_add_format(m, RPC_HTML), MT_OK);
    assert_string_equal(json_string_value(json_object_get(m, "html")), "<a href=\"http://x\">a</a>&lt;b");
    json_decref(m);
}

static void count(void *arg, const struct rpc_view_event *e)
{
    assert_non_null(e->key);
    assert_true(json_is_object(e->body));
    ++*(int *)arg;
}

/* Random values of every Update that makes an event: read or refused, never a fault. */
static void any_update_of_the_layer_is_rendered(void **state)
{
    uint16_t type = (uint16_t)tl_type_by_name("Update", 6);
    struct tl_gen gen;
    int made = 0;

    assert_true(tl_gen_init(&gen, 1));
    for (int round = 0; round < 60; round++) {
        for (size_t i = 0; i < tl_type_count(type); i++) {
            const struct tl_def *def = tl_type_ctor(type, i);
            const char *event_type = rpc_update_type(def->id);
            struct tl_out out = {0};
            struct mt_fx fx = {.kind = MT_FX_UPDATE};
            struct tl_view v;

            if (!event_type || strcmp(event_type, "raw") == 0)
                continue;
            tl_gen_object(&gen, def, &out);
            assert_int_equal(tl_view_open(&v, out.data, out.len), TL_OK);
            fx.p = out.data;
            fx.n = out.len;
            (void)rpc_view_update(&vb_ctx, event_type, &fx, &v, count, &made);
            tl_out_free(&out);
        }
    }
    tl_gen_fini(&gen);
    assert_true(made > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_incoming_message_can_be_printed_as_it_is),
        cmocka_unit_test(an_outgoing_message_names_this_account_as_sender),
        cmocka_unit_test(a_channel_post_has_its_channel_as_sender_and_a_link),
        cmocka_unit_test(login_codes_leave_the_journal_after_an_hour),
        cmocka_unit_test(what_destroys_itself_leaves_the_journal_with_its_time),
        cmocka_unit_test(an_edit_is_keyed_by_its_time),
        cmocka_unit_test(deleted_ids_find_their_chats_again),
        cmocka_unit_test(read_marks_say_whose),
        cmocka_unit_test(a_service_message_says_what_happened_and_changes_the_chat),
        cmocka_unit_test(media_has_a_kind_and_what_a_person_asks_for),
        cmocka_unit_test(typing_is_live),
        cmocka_unit_test(a_message_gets_its_html),
        cmocka_unit_test(any_update_of_the_layer_is_rendered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
