#include "tests/unit/check.h"
#include "core/peers/peers.h"
#include "rpc/views/views.h"
#include "tests/unit/tl/gen.h"
#include "tl/json.h"

/* --- a store of three peers --- */

static int find_peer(void *ctx, mt_chat_id chat, struct mt_peer *out)
{
    static const struct {
        mt_chat_id chat;
        enum mt_peer_kind kind;
        const char *name, *username;
        bool broadcast;
    } rows[] = {
        {1, MT_PEER_USER, "Me", "me_name", false},
        {42, MT_PEER_USER, "Alice A", "alice", false},
        {-7, MT_PEER_GROUP, "Family", "", false},
        {-1000000000009, MT_PEER_CHANNEL, "News", "news", true},
    };

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].chat != chat)
            continue;
        out->chat = chat;
        out->kind = rows[i].kind;
        out->broadcast = rows[i].broadcast;
        strcpy(out->name, rows[i].name);
        strcpy(out->username, rows[i].username);
        return MT_OK;
    }
    return MT_E_NOT_FOUND;
}

static mt_chat_id chat_of_message[100];

static int msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id *chat)
{
    *chat = msg_id > 0 && msg_id < 100 ? chat_of_message[msg_id] : 0;
    return *chat ? MT_OK : MT_E_NOT_FOUND;
}

static void put_msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id chat)
{
    if (msg_id > 0 && msg_id < 100)
        chat_of_message[msg_id] = chat;
}

static const struct store_ops store = {.peer_by_chat = find_peer};
static const struct rpc_host host = {.msg_chat = msg_chat, .put_msg_chat = put_msg_chat};
static int core_mark; /* never looked into: fake_core.c answers for it */
static const struct rpc_account account = {
    .id = 1, .name = "main", .store = &store, .core = (struct mt_account *)(void *)&core_mark};
static const struct rpc_view ctx = {.host = &host, .account = &account, .now = {.wall = 1000 * MT_US_PER_S}};

/* --- an update from JSON, its events as one JSON array --- */

static void collect(void *arg, const struct rpc_view_event *e)
{
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:I, s:i, s:I, s:I, s:b, s:O}", "type", e->type, "key", e->key, "chat",
                  (json_int_t)e->chat, "sender", (json_int_t)e->sender, "direction", e->direction, "time",
                  (json_int_t)e->time, "expires", (json_int_t)e->expires, "live", e->live, "body", e->body);
    assert_non_null(o);
    json_array_append_new(arg, o);
}

static struct tl_out encode(const char *type, const char *text)
{
    json_error_t why;
    json_t *value = json_loads(text, 0, &why);
    struct tl_out out = {0};
    struct tl_json_error error = {0};

    if (!value)
        fail_msg("%s: %s", text, why.text);
    if (tl_object_from_json((uint16_t)tl_type_by_name(type, strlen(type)), value, "o", NULL, &out, &error))
        fail_msg("%s: %s", error.path, error.text);
    json_decref(value);
    return out;
}

static json_t *events(const char *event_type, const char *text)
{
    struct tl_out out = encode("Update", text);
    struct mt_fx fx = {.kind = MT_FX_UPDATE, .p = out.data, .n = out.len, .date = 900};
    json_t *list = json_array();
    struct tl_view v;

    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_OK);
    assert_int_equal(rpc_view_update(&ctx, event_type, &fx, &v, collect, list), MT_OK);
    tl_out_free(&out);
    return list;
}

static void expect(json_t *got, const char *want_text)
{
    json_error_t why;
    json_t *want = json_loads(want_text, 0, &why);

    if (!want)
        fail_msg("%s: %s", want_text, why.text);
    if (!json_equal(got, want)) {
        char *text = json_dumps(got, JSON_INDENT(1));
        fail_msg("got %s", text);
    }
    json_decref(want);
    json_decref(got);
}

#define MESSAGE(more)                                                                                        \
    "{\"_\":\"message\",\"id\":5,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":42},\"date\":800," more "}"
#define NEW(message) "{\"_\":\"updateNewMessage\",\"message\":" message ",\"pts\":1,\"pts_count\":1}"

static void an_incoming_message_can_be_printed_as_it_is(void **state)
{
    expect(events("message", NEW(MESSAGE("\"message\":\"hi \\ud83d\\ude00 *b*\",\"entities\":[{\"_\":"
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
    json_t *list = events("message", NEW(MESSAGE("\"out\":true,\"message\":\"x\"")));
    json_t *e = json_array_get(list, 0);

    assert_int_equal(json_integer_value(json_object_get(e, "direction")), 2);
    assert_int_equal(json_integer_value(json_object_get(e, "sender")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(e, "body"), "sender_name")), "Me");
    json_decref(list);
}

static void a_channel_post_has_its_channel_as_sender_and_a_link(void **state)
{
    json_t *list =
        events("message", "{\"_\":\"updateNewChannelMessage\",\"pts\":1,\"pts_count\":1,\"message\":{\"_\":"
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
        events("message", "{\"_\":\"updateNewMessage\",\"pts\":1,\"pts_count\":1,\"message\":{\"_\":"
                          "\"message\",\"id\":6,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":777000},"
                          "\"date\":100,\"message\":\"Login code: 12345\"}}");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "expires")), 3700);
    json_decref(list);
}

static void what_destroys_itself_leaves_the_journal_with_its_time(void **state)
{
    json_t *list =
        events("message", "{\"_\":\"updateNewMessage\",\"pts\":1,\"pts_count\":1,\"message\":{\"_\":"
                          "\"message\",\"id\":6,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":42},"
                          "\"date\":100,\"ttl_period\":86400,\"message\":\"gone tomorrow\"}}");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "expires")), 86500);
    json_decref(list);
}

static void an_edit_is_keyed_by_its_time(void **state)
{
    json_t *list =
        events("edit", "{\"_\":\"updateEditMessage\",\"pts\":1,\"pts_count\":1,\"message\":" MESSAGE(
                           "\"message\":\"y\",\"edit_date\":850") "}");
    json_t *e = json_array_get(list, 0);

    assert_string_equal(json_string_value(json_object_get(e, "key")), "edit/42/5/850");
    assert_int_equal(json_integer_value(json_object_get(e, "time")), 850);
    json_decref(list);
}

static void deleted_ids_find_their_chats_again(void **state)
{
    memset(chat_of_message, 0, sizeof chat_of_message);
    chat_of_message[1] = chat_of_message[2] = 42;
    chat_of_message[3] = -7;
    expect(
        events("delete", "{\"_\":\"updateDeleteMessages\",\"messages\":[1,2,3,4],\"pts\":9,\"pts_count\":4}"),
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
    expect(
        events("read",
               "{\"_\":\"updateReadHistoryOutbox\",\"peer\":{\"_\":\"peerUser\",\"user_id\":42},\"max_id\":"
               "5,\"pts\":1,\"pts_count\":1}"),
        "[{\"type\":\"read\",\"key\":\"read/42/out/0/"
        "5\",\"chat\":42,\"sender\":0,\"direction\":0,\"time\":900,"
        "\"expires\":0,\"live\":false,\"body\":{\"chat_id\":42,\"message_id\":5,\"out\":true}}]");
}

static void a_service_message_says_what_happened_and_changes_the_chat(void **state)
{
    json_t *list =
        events("message", "{\"_\":\"updateNewMessage\",\"pts\":1,\"pts_count\":1,\"message\":{\"_\":"
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
    json_t *list = events(
        "message",
        NEW(MESSAGE(
            "\"message\":\"\",\"media\":{\"_\":\"messageMediaDocument\",\"document\":{\"_\":\"document\","
            "\"id\":\"1\",\"access_hash\":\"2\",\"file_reference\":\"\",\"date\":1,\"mime_type\":"
            "\"audio/ogg\",\"size\":\"77\",\"dc_id\":2,\"attributes\":[{\"_\":\"documentAttributeAudio\","
            "\"voice\":true,\"duration\":3},{\"_\":\"documentAttributeFilename\",\"file_name\":"
            "\"a.ogg\"}]}}")));
    expect(json_incref(json_object_get(json_object_get(json_array_get(list, 0), "body"), "media")),
           "{\"kind\":\"voice\",\"duration\":3,\"name\":\"a.ogg\",\"mime_type\":\"audio/ogg\",\"size\":77}");
    json_decref(list);
}

static void typing_is_live(void **state)
{
    json_t *list = events("typing", "{\"_\":\"updateUserTyping\",\"user_id\":42,\"action\":{\"_\":"
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
            (void)rpc_view_update(&ctx, event_type, &fx, &v, count, &made);
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
