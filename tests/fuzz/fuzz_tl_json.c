/*
 * Hostile JSON into a call.
 *
 *     method name, line break, the params
 */
#include "tests/fuzz/fuzz.h"

#include "tl/ids.h"
#include "tl/json.h"

static int peer(void *ctx, const char *type, const json_t *value, struct tl_out *out)
{
    if (strcmp(type, "InputPeer") != 0)
        return 0;
    if (json_is_integer(value) && json_integer_value(value) < 0)
        return -5000;
    tl_put_u32(out, TL_inputPeerSelf);
    return 1;
}

static int random_id(void *ctx, const struct tl_def *def, const struct tl_field *field, struct tl_out *out)
{
    if (field->kind != TL_K_LONG)
        return 0;
    tl_put_long(out, 1);
    return 1;
}

static void encode(const struct tl_def *def, const json_t *params)
{
    const struct tl_json_hooks hooks = {NULL, peer, random_id};
    struct tl_out out = {.limit = 1 << 20}, text = {.limit = 16 << 20};
    struct tl_json_error error;
    int err = tl_call_from_json(def, params, "params", &hooks, &out, &error);

    FUZZ_CHECK(err == error.err);
    FUZZ_CHECK(memchr(error.path, 0, sizeof error.path) && memchr(error.text, 0, sizeof error.text));
    if (err) {
        FUZZ_CHECK(error.text[0] && strncmp(error.path, "params", 6) == 0 && out.len == 0);
    } else {
        struct tl_in in = tl_in(out.data, out.len);

        FUZZ_CHECK(tl_to_json(&in, &text) == TL_OK && tl_end(&in) == TL_OK);
    }
    tl_out_free(&out);
    tl_out_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    const struct tl_def *def;
    json_t *params;

    if (!line)
        return 0;
    def = tl_def_by_name((const char *)data, (size_t)(line - data), true);
    if (!def) {
        if (line + 1 == data + size) /* slow: once in a while */
            tl_nearest_function((const char *)data, (size_t)(line - data));
        return 0;
    }
    params = json_loadb((const char *)line + 1, size - (size_t)(line - data) - 1,
                        JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (params)
        encode(def, params);
    json_decref(params);
    return 0;
}
