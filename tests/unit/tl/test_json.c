#include "tests/unit/check.h"

#include "tests/unit/tl/gen.h"
#include "tl/ids.h"
#include "tl/json.h"

#include <math.h>

static const struct tl_field any = {.kind = TL_K_ANY, .flag_bit = TL_NO_FLAG};
static struct tl_gen gen;

static int set_up(void **state)
{
    return tl_gen_init(&gen, 7) ? 0 : -1;
}

static int tear_down(void **state)
{
    tl_gen_fini(&gen);
    return 0;
}

static json_t *parse(const struct tl_out *text)
{
    json_error_t error;
    json_t *tree = json_loadb((const char *)text->data, text->len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    if (!tree)
        fail_msg("%s in %.*s", error.text, (int)text->len, (const char *)text->data);
    return tree;
}

/* bytes -> JSON -> bytes, in the form of `field`. */
static void round_trip(const struct tl_field *field, const struct tl_out *bytes, const char *what)
{
    struct tl_out text = {0}, back = {0};
    struct tl_json_error error;
    struct tl_in in = tl_in(bytes->data, bytes->len);
    json_t *tree;

    if (tl_field_to_json(&in, field, &text) || tl_end(&in))
        fail_msg("%s: %s", what, tl_strerror(in.err));
    tree = parse(&text);
    if (tl_field_from_json(field, tree, "value", NULL, &back, &error))
        fail_msg("%s: %s: %s in %.*s", what, error.path, error.text, (int)text.len, (const char *)text.data);
    assert_int_equal(back.len, bytes->len);
    assert_memory_equal(back.data, bytes->data, back.len);
    json_decref(tree);
    tl_out_free(&text);
    tl_out_free(&back);
}

static void every_def_and_result_comes_back_from_json(void **state)
{
    for (size_t i = 0; i < tl_def_count(); i++) {
        const struct tl_def *def = tl_def_at(i);

        for (unsigned round = 0; round < 3 && def->section != TL_S_COMPAT; round++) {
            struct tl_out out = {0};

            gen.flag_chance = round == 0 ? 0 : round == 1 ? 256 : 100;
            tl_gen_object(&gen, def, &out);
            round_trip(&any, &out, tl_def_name(def));
            tl_out_reset(&out);
            if (def->is_function) {
                tl_gen_field(&gen, &def->result, &out);
                round_trip(&def->result, &out, tl_def_name(def));
            }
            tl_out_free(&out);
        }
    }
}

static void other_shapes_are_read(void **state)
{
    for (size_t i = 0; i < tl_def_count(); i++) {
        const struct tl_def *def = tl_def_at(i);
        struct tl_out out = {0}, text = {0};
        struct tl_in in;

        if (def->section != TL_S_COMPAT)
            continue;
        tl_gen_object(&gen, def, &out);
        in = tl_in(out.data, out.len);
        assert_int_equal(tl_to_json(&in, &text), TL_OK);
        json_decref(parse(&text));
        tl_out_free(&out);
        tl_out_free(&text);
    }
}

static void every_cut_is_an_error_in_json_too(void **state)
{
    for (size_t i = 0; i < tl_def_count(); i += 3) {
        struct tl_out out = {0}, text = {0};

        tl_gen_object(&gen, tl_def_at(i), &out);
        for (size_t n = 0; n < out.len; n += 1 + out.len / 40) {
            uint8_t *copy = malloc(n ? n : 1);
            struct tl_in in = tl_in(copy, n);

            memcpy(copy, out.data, n);
            tl_out_reset(&text);
            assert_true(tl_to_json(&in, &text) < 0);
            free(copy);
        }
        tl_out_free(&out);
        tl_out_free(&text);
    }
}

/* --- bytes to JSON --- */

static void expect_json(struct tl_out *bytes, const char *json)
{
    struct tl_out text = {0};
    struct tl_in in = tl_in(bytes->data, bytes->len);

    assert_int_equal(tl_to_json(&in, &text), TL_OK);
    tl_put_raw(&text, "", 1);
    assert_string_equal((const char *)text.data, json);
    tl_out_free(&text);
    tl_out_free(bytes);
}

static void values_look_as_promised(void **state)
{
    struct tl_out out = {0};

    tl_put_u32(&out, TL_inputMediaGeoLive);
    tl_put_u32(&out, 1 << 0 | 1 << 1);
    tl_put_u32(&out, TL_inputGeoPoint);
    tl_put_u32(&out, 1);
    tl_put_double(&out, 52.5);
    tl_put_double(&out, -0.0);
    tl_put_int(&out, -5);
    tl_put_int(&out, 2147483647);
    expect_json(&out, "{\"_\":\"inputMediaGeoLive\",\"stopped\":true,\"geo_point\":{\"_\":\"inputGeoPoint\","
                      "\"lat\":52.5,\"long\":-0.0,\"accuracy_radius\":-5},\"period\":2147483647}");

    tl_put_u32(&out, TL_msgs_ack);
    tl_put_vector(&out, 3);
    tl_put_long(&out, INT64_MIN);
    tl_put_long(&out, INT64_MAX);
    tl_put_long(&out, 0);
    expect_json(&out,
                "{\"_\":\"msgs_ack\",\"msg_ids\":[\"-9223372036854775808\",\"9223372036854775807\",\"0\"]}");

    tl_put_u32(&out, TL_account_setContactSignUpNotification);
    tl_put_bool(&out, false);
    expect_json(&out, "{\"_\":\"account.setContactSignUpNotification\",\"silent\":false}");

    tl_put_u32(&out, TL_upload_saveFilePart);
    tl_put_long(&out, 1);
    tl_put_int(&out, 0);
    tl_put_bytes(&out, "\xff\xfe\xfd\xfc", 4);
    expect_json(&out,
                "{\"_\":\"upload.saveFilePart\",\"file_id\":\"1\",\"file_part\":0,\"bytes\":\"//79/A==\"}");
}

static void doubles_are_short_and_exact(void **state)
{
    static const struct {
        double value;
        const char *json;
    } cases[] = {{0.1, "0.1"},
                 {1.0, "1.0"},
                 {1e22, "1e+22"},
                 {0.30000000000000004, "0.30000000000000004"},
                 {5e-324, "4.94065645841247e-324"},
                 {-1.5, "-1.5"},
                 {INFINITY, "\"Infinity\""},
                 {-INFINITY, "\"-Infinity\""},
                 {NAN, "\"NaN\""}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tl_field field = {.kind = TL_K_DOUBLE, .flag_bit = TL_NO_FLAG};
        struct tl_out out = {0}, text = {0};
        struct tl_in in;

        tl_put_double(&out, cases[i].value);
        in = tl_in(out.data, out.len);
        assert_int_equal(tl_field_to_json(&in, &field, &text), TL_OK);
        tl_put_raw(&text, "", 1);
        assert_string_equal((const char *)text.data, cases[i].json);
        tl_out_free(&out);
        tl_out_free(&text);
    }
}

static void escaped_as(const char *bytes, size_t n, const char *json)
{
    struct tl_out text = {0};

    tl_json_string(&text, bytes, n);
    tl_put_raw(&text, "", 1);
    assert_string_equal((const char *)text.data, json);
    tl_out_free(&text);
}

static void text_is_escaped_and_made_utf8(void **state)
{
    escaped_as(NULL, 0, "\"\"");
    escaped_as("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    escaped_as("\n\t\r\b\f\x01\x1f\0", 8, "\"\\n\\t\\r\\b\\f\\u0001\\u001f\\u0000\"");
    escaped_as("\x7fé中😀", 10, "\"\x7fé中😀\"");
    escaped_as("\xff"
               "a",
               2,
               "\"\xef\xbf\xbd"
               "a\"");
    escaped_as("\xc3", 1, "\"\xef\xbf\xbd\"");                                 /* cut */
    escaped_as("\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* overlong */
    escaped_as("\xe0\x80\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* overlong */
    escaped_as("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* surrogate */
    escaped_as("\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    escaped_as("\xf0\x9f\x98", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    escaped_as("x\x80y", 3, "\"x\xef\xbf\xbdy\"");
}

static void output_has_a_limit(void **state)
{
    struct tl_out out = {0}, text = {.limit = 40};
    struct tl_in in;

    tl_put_u32(&out, TL_msgs_ack);
    tl_put_vector(&out, 100);
    for (int i = 0; i < 100; i++)
        tl_put_long(&out, i);
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_to_json(&in, &text), TL_E_SIZE);
    assert_true(text.cap <= 40);
    tl_out_free(&out);
    tl_out_free(&text);
}

static void depth_has_a_limit_both_ways(void **state)
{
    for (unsigned depth = TL_MAX_DEPTH - 1; depth < TL_MAX_DEPTH + 2; depth++) {
        struct tl_out out = {0}, text = {0};
        struct tl_json_error error;
        struct tl_in in;
        json_t *tree = json_pack("{s:s}", "_", "help.getConfig");

        for (unsigned i = 1; i < depth; i++) {
            tl_put_u32(&out, TL_invokeWithoutUpdates);
            tree = json_pack("{s:s, s:o}", "_", "invokeWithoutUpdates", "query", tree);
        }
        tl_put_u32(&out, TL_help_getConfig);
        in = tl_in(out.data, out.len);
        assert_int_equal(tl_to_json(&in, &text), depth <= TL_MAX_DEPTH ? TL_OK : TL_E_DEPTH);
        tl_out_reset(&out);
        assert_int_equal(tl_field_from_json(&any, tree, "v", NULL, &out, &error),
                         depth <= TL_MAX_DEPTH ? TL_OK : TL_E_DEPTH);
        json_decref(tree);
        tl_out_free(&out);
        tl_out_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_def_and_result_comes_back_from_json),
        cmocka_unit_test(other_shapes_are_read),
        cmocka_unit_test(every_cut_is_an_error_in_json_too),
        cmocka_unit_test(values_look_as_promised),
        cmocka_unit_test(doubles_are_short_and_exact),
        cmocka_unit_test(text_is_escaped_and_made_utf8),
        cmocka_unit_test(output_has_a_limit),
        cmocka_unit_test(depth_has_a_limit_both_ways),
    };
    return cmocka_run_group_tests_name("tl_json", tests, set_up, tear_down);
}
