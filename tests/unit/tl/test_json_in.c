/* What JSON is taken and what is refused, with which words. */
#include "tests/unit/check.h"

#include "tl/ids.h"
#include "tl/json.h"

static json_t *parse(const char *json)
{
    json_t *tree = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    if (!tree)
        fail_msg("bad JSON in the test: %s", json);
    return tree;
}

static int call(const char *method, const char *json, const struct tl_json_hooks *hooks, struct tl_out *out,
                struct tl_json_error *error)
{
    json_t *params = parse(json);
    const struct tl_def *def = tl_def_by_name(method, strlen(method), true);
    int err;

    assert_non_null(def);
    err = tl_call_from_json(def, params, "params", hooks, out, error);
    json_decref(params);
    return err;
}

static void refused(const char *method, const char *json, const char *path, const char *text)
{
    struct tl_out out = {0};
    struct tl_json_error error;

    tl_put_str(&out, "kept");
    assert_true(call(method, json, NULL, &out, &error) < 0);
    assert_string_equal(error.path, path);
    assert_string_equal(error.text, text);
    assert_int_equal(out.len, 8);
    tl_out_free(&out);
}

/* Encodes and answers as JSON: the shape that everything has in the end. */
static void taken(const char *method, const char *json, const char *normal)
{
    struct tl_out out = {0}, text = {0};
    struct tl_json_error error;
    struct tl_in in;

    if (call(method, json, NULL, &out, &error))
        fail_msg("%s: %s", error.path, error.text);
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_to_json(&in, &text), TL_OK);
    assert_int_equal(tl_end(&in), TL_OK);
    tl_put_raw(&text, "", 1);
    assert_string_equal((const char *)text.data, normal);
    tl_out_free(&out);
    tl_out_free(&text);
}

#define INT_FIELD  "account.setAccountTTL" /* ttl:AccountDaysTTL, one constructor: days:int */
#define LONG_FIELD "messages.getCustomEmojiDocuments"

static void integers_are_numbers_or_decimal_strings(void **state)
{
    const char *days = "{\"_\":\"account.setAccountTTL\",\"ttl\":{\"_\":\"accountDaysTTL\",\"days\":-7}}";

    taken(INT_FIELD, "{\"ttl\":{\"days\":-7}}", days);
    taken(INT_FIELD, "{\"ttl\":{\"_\":\"accountDaysTTL\",\"days\":\"-7\"}}", days);
    taken(LONG_FIELD,
          "{\"document_id\":[1,\"2\",-9223372036854775808,\"-9223372036854775808\",\"9223372036854775807\","
          "\"-0\"]}",
          "{\"_\":\"messages.getCustomEmojiDocuments\",\"document_id\":[\"1\",\"2\",\"-9223372036854775808\","
          "\"-9223372036854775808\",\"9223372036854775807\",\"0\"]}");
}

static void other_numbers_are_refused_with_their_path(void **state)
{
    static const char *const strings[] = {"",
                                          "-",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "01",
                                          "1.0",
                                          "0x1",
                                          "1e3",
                                          "9223372036854775808",
                                          "-9223372036854775809",
                                          "99999999999999999999",
                                          "1\\u0000",
                                          "--1"};
    const char *form = "expected long, written without point and exponent";

    refused(LONG_FIELD, "{\"document_id\":[1,1.0]}", "params.document_id[1]", form);
    refused(LONG_FIELD, "{\"document_id\":[1e3]}", "params.document_id[0]", form);
    refused(LONG_FIELD, "{\"document_id\":[true]}", "params.document_id[0]", "expected long");
    refused(LONG_FIELD, "{\"document_id\":[null]}", "params.document_id[0]",
            "expected long, not null: leave out what is not there");
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        char json[100];

        snprintf(json, sizeof json, "{\"document_id\":[\"%s\"]}", strings[i]);
        refused(LONG_FIELD, json, "params.document_id[0]", "expected long: decimal digits in its range");
    }
    refused(INT_FIELD, "{\"ttl\":{\"days\":2147483648}}", "params.ttl.days", "out of the range of int");
    refused(INT_FIELD, "{\"ttl\":{\"days\":\"-2147483649\"}}", "params.ttl.days", "out of the range of int");
}

static void doubles_take_numbers_and_three_words(void **state)
{
    taken(
        "contacts.getLocated", "{\"geo_point\":{\"_\":\"inputGeoPoint\",\"lat\":1,\"long\":-0.5e1}}",
        "{\"_\":\"contacts.getLocated\",\"geo_point\":{\"_\":\"inputGeoPoint\",\"lat\":1.0,\"long\":-5.0}}");
    taken("contacts.getLocated",
          "{\"geo_point\":{\"_\":\"inputGeoPoint\",\"lat\":\"NaN\",\"long\":\"-Infinity\"}}",
          "{\"_\":\"contacts.getLocated\",\"geo_point\":{\"_\":\"inputGeoPoint\",\"lat\":\"NaN\",\"long\":\"-"
          "Infinity\"}}");
    refused("contacts.getLocated", "{\"geo_point\":{\"_\":\"inputGeoPoint\",\"lat\":\"1.5\",\"long\":0}}",
            "params.geo_point.lat", "expected double");
}

static void strings_are_text_without_u0000(void **state)
{
    taken("contacts.resolveUsername", "{\"username\":\"\\u00e9\\ud83d\\ude00\"}",
          "{\"_\":\"contacts.resolveUsername\",\"username\":\"é😀\"}");
    refused("contacts.resolveUsername", "{\"username\":\"a\\u0000b\"}", "params.username",
            "U+0000 in a string");
    refused("contacts.resolveUsername", "{\"username\":1}", "params.username", "expected string");
}

static void bytes_are_base64_with_white_space(void **state)
{
    static const char *const bad[] = {"A",        "AA",   "AAA",  "AA=",  "A===",        "====",    "AAAA=",
                                      "AA==AAAA", "AB==", "AAB=", "A-_A", "AAAA\\u0000", "\xc3\xa9"};

    taken(
        "messages.sendScreenshotNotification",
        "{\"peer\":{\"_\":\"inputPeerSelf\"},\"reply_to\":{\"_\":\"inputReplyToMonoForum\",\"monoforum_peer_"
        "id\":{\"_\":\"inputPeerSelf\"}},\"random_id\":5}",
        "{\"_\":\"messages.sendScreenshotNotification\",\"peer\":{\"_\":\"inputPeerSelf\"},\"reply_to\":{\"_"
        "\":\"inputReplyToMonoForum\",\"monoforum_peer_id\":{\"_\":\"inputPeerSelf\"}},\"random_id\":\"5\"}");
    taken("upload.saveFilePart", "{\"file_id\":1,\"file_part\":0,\"bytes\":\" //\\n79 /A=\\t=\\r\\n\"}",
          "{\"_\":\"upload.saveFilePart\",\"file_id\":\"1\",\"file_part\":0,\"bytes\":\"//79/A==\"}");
    taken("upload.saveFilePart", "{\"file_id\":1,\"file_part\":0,\"bytes\":\"\"}",
          "{\"_\":\"upload.saveFilePart\",\"file_id\":\"1\",\"file_part\":0,\"bytes\":\"\"}");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[100];

        snprintf(json, sizeof json, "{\"file_id\":1,\"file_part\":0,\"bytes\":\"%s\"}", bad[i]);
        refused("upload.saveFilePart", json, "params.bytes", "expected base64");
    }
    refused("req_pq_multi", "{\"nonce\":\"AAAA\"}", "params.nonce", "expected base64 of 16 bytes");
    taken("req_pq_multi", "{\"nonce\":\"AAECAwQFBgcICQoLDA0ODw==\"}",
          "{\"_\":\"req_pq_multi\",\"nonce\":\"AAECAwQFBgcICQoLDA0ODw==\"}");
}

static void unknown_names_are_refused_with_the_nearest(void **state)
{
    refused("messages.sendMessage", "{\"peer\":{\"_\":\"inputPeerSelf\"},\"mesage\":\"x\"}", "params",
            "unknown field 'mesage'; did you mean 'message'?");
    refused("messages.sendMessage", "{\"qqqqqqqqqqqq\":\"x\"}", "params", "unknown field 'qqqqqqqqqqqq'");
    refused("messages.sendMessage", "{\"_\":\"x\"}", "params", "unknown field '_'");
    refused("messages.sendMessage", "{\"peer\":{\"_\":\"inputPeerUsr\"}}", "params.peer",
            "unknown constructor 'inputPeerUsr'; did you mean 'inputPeerUser'?");
    refused("messages.sendMessage", "{\"peer\":{\"_\":\"inputUser\"}}", "params.peer",
            "'inputUser' is of type InputUser, expected InputPeer");
    refused("messages.sendMessage", "{\"peer\":{\"user_id\":1}}", "params.peer",
            "expected \"_\", the name of a constructor of InputPeer");
    refused("messages.sendMessage", "{\"peer\":\"me\"}", "params.peer", "expected InputPeer");
    refused("messages.sendMessage", "{\"peer\":{\"_\":\"inputPeerUser\",\"user_id\":\"x\"}}",
            "params.peer.user_id", "expected long: decimal digits in its range");
    refused("messages.sendMessage", "{\"a\\u0001\\u00e9\":1}", "params", "unknown field 'a?é'");
    refused("messages.sendMessage", "[]", "params", "expected object");
    refused("invokeWithoutUpdates", "{\"query\":{\"_\":\"help.getConfi\"}}", "params.query",
            "unknown constructor 'help.getConfi'; did you mean 'help.getConfig'?");
}

static void a_long_name_is_cut_at_a_character(void **state)
{
    char json[400] = "{\"", text[200] = "unknown field '";

    for (int i = 0; i < 63; i++) {
        strcat(json, "q");
        strcat(text, "q");
    }
    strcat(json, "éééé\":1}");
    strcat(text, "...'");
    refused("messages.sendMessage", json, "params", text);
}

static void missing_fields_are_named(void **state)
{
    refused("messages.sendMessage", "{}", "params", "missing field 'peer' (InputPeer)");
    refused("messages.sendMessage", "{\"peer\":{\"_\":\"inputPeerSelf\"},\"message\":\"x\"}", "params",
            "missing field 'random_id' (long)");
    refused(LONG_FIELD, "{}", "params", "missing field 'document_id' (array)");
    refused(LONG_FIELD, "{\"document_id\":5}", "params.document_id", "expected array");
}

static void flags_follow_from_the_fields(void **state)
{
    taken("messages.getAllDrafts", "{}", "{\"_\":\"messages.getAllDrafts\"}");
    taken("messages.getDialogs",
          "{\"exclude_pinned\":true,\"offset_date\":0,\"offset_id\":0,\"offset_peer\":{\"_\":"
          "\"inputPeerEmpty\"},"
          "\"limit\":1,\"hash\":0,\"folder_id\":1}",
          "{\"_\":\"messages.getDialogs\",\"exclude_pinned\":true,\"folder_id\":1,\"offset_date\":0,\"offset_"
          "id\":0,"
          "\"offset_peer\":{\"_\":\"inputPeerEmpty\"},\"limit\":1,\"hash\":\"0\"}");
    taken("contacts.getSponsoredPeers", "{\"q\":\"x\"}",
          "{\"_\":\"contacts.getSponsoredPeers\",\"q\":\"x\"}");
    refused("messages.getDialogs", "{\"flags\":1}", "params",
            "leave 'flags' out: it follows from the fields that are there");
    refused("messages.getDialogs", "{\"exclude_pinned\":1}", "params.exclude_pinned",
            "expected true or false");
    refused("messages.getDialogs", "{\"folder_id\":null}", "params.folder_id",
            "expected int, not null: leave out what is not there");
}

static void fields_that_share_a_flag_go_together(void **state)
{
    refused("account.updatePasswordSettings",
            "{\"password\":{\"_\":\"inputCheckPasswordEmpty\"},\"new_settings\":{\"hint\":\"x\"}}",
            "params.new_settings", "field 'new_algo' goes together with 'hint'");
}

/* --- hooks --- */

static int peer_hook(void *ctx, const char *type, const json_t *value, struct tl_out *out)
{
    if (strcmp(type, "InputPeer") != 0)
        return 0;
    if (json_is_integer(value))
        return -1234;
    if (!json_is_string(value) && !json_is_array(value))
        return 0;
    tl_put_u32(out, TL_inputPeerSelf);
    ++*(int *)ctx;
    return 1;
}

static int random_hook(void *ctx, const struct tl_def *def, const struct tl_field *field, struct tl_out *out)
{
    if (strcmp(tl_field_name(field), "random_id") != 0)
        return strcmp(tl_field_name(field), "message") == 0 ? -77 : 0;
    tl_put_long(out, 99);
    return 1;
}

static void hooks_fill_peers_and_random_ids(void **state)
{
    int calls = 0;
    const struct tl_json_hooks hooks = {&calls, peer_hook, random_hook};
    struct tl_out out = {0};
    struct tl_json_error error;

    assert_int_equal(call("messages.sendMessage", "{\"peer\":\"me\",\"message\":\"x\",\"send_as\":\"@me\"}",
                          &hooks, &out, &error),
                     TL_OK);
    assert_int_equal(calls, 2);
    assert_int_equal(tl_load32(out.data + 8), TL_inputPeerSelf);
    tl_out_reset(&out);
    assert_int_equal(call("messages.sendMessage", "{\"peer\":5,\"message\":\"x\"}", &hooks, &out, &error),
                     -1234);
    assert_int_equal(error.err, -1234);
    assert_string_equal(error.path, "params.peer");
    assert_int_equal(call("messages.sendMessage", "{\"peer\":\"me\"}", &hooks, &out, &error), -77);
    assert_string_equal(error.path, "params.message");
    assert_int_equal(
        call("users.getUsers", "{\"id\":[{\"_\":\"inputUserSelf\"},\"me\"]}", &hooks, &out, &error),
        TL_E_VALUE);
    assert_string_equal(error.path, "params.id[1]");
    assert_string_equal(error.text, "expected InputUser");
    assert_int_equal(call("messages.readHistory", "{\"peer\":[\"me\"],\"max_id\":0}", &hooks, &out, &error),
                     TL_OK);
    assert_int_equal(call("messages.readHistory", "{\"peer\":true,\"max_id\":0}", &hooks, &out, &error),
                     TL_E_VALUE);
    assert_string_equal(error.text, "expected InputPeer");
    assert_int_equal(call("users.getUsers", "{}", &hooks, &out, &error), TL_E_VALUE);
    assert_int_equal(call("messages.getPeerDialogs",
                          "{\"peers\":[{\"_\":\"inputDialogPeer\",\"peer\":\"me\"}]}", &hooks, &out, &error),
                     TL_OK);
    tl_out_free(&out);
}

static void results_are_written_for_servers(void **state)
{
    const struct tl_def *def = tl_def_by_name("contacts.getContactIDs", 22, true);
    struct tl_out out = {0};
    struct tl_json_error error;
    json_t *value = parse("[1,\"2\"]");

    assert_int_equal(tl_field_from_json(&def->result, value, "result", NULL, &out, &error), TL_OK);
    assert_int_equal(out.len, 16);
    assert_int_equal(tl_load32(out.data), TL_VECTOR);
    json_decref(value);
    value = parse("{\"count\":1,\"date\":0}");
    assert_int_equal(
        tl_object_from_json((uint16_t)tl_type_by_name("Updates", 7), value, "result", NULL, &out, &error),
        TL_E_VALUE);
    assert_string_equal(error.path, "result");
    json_decref(value);
    tl_out_free(&out);
}

static void output_has_a_limit_with_a_path(void **state)
{
    struct tl_out out = {.limit = 16};
    struct tl_json_error error;

    assert_int_equal(
        call("contacts.resolveUsername", "{\"username\":\"0123456789abcdef\"}", NULL, &out, &error),
        TL_E_SIZE);
    assert_string_equal(error.path, "params");
    tl_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_numbers_or_decimal_strings),
        cmocka_unit_test(other_numbers_are_refused_with_their_path),
        cmocka_unit_test(doubles_take_numbers_and_three_words),
        cmocka_unit_test(strings_are_text_without_u0000),
        cmocka_unit_test(bytes_are_base64_with_white_space),
        cmocka_unit_test(unknown_names_are_refused_with_the_nearest),
        cmocka_unit_test(a_long_name_is_cut_at_a_character),
        cmocka_unit_test(missing_fields_are_named),
        cmocka_unit_test(flags_follow_from_the_fields),
        cmocka_unit_test(fields_that_share_a_flag_go_together),
        cmocka_unit_test(hooks_fill_peers_and_random_ids),
        cmocka_unit_test(results_are_written_for_servers),
        cmocka_unit_test(output_has_a_limit_with_a_path),
    };
    return cmocka_run_group_tests_name("tl_json_in", tests, NULL, NULL);
}
