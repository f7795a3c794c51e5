/*
 * Hostile bytes into the view, the JSON writer, and back.
 *
 *     | 1 byte: 0 = an object; else results of function number (byte * 256 + next) | bytes |
 */
#include "tests/fuzz/fuzz.h"

#include "tl/json.h"
#include "tl/view.h"

static const struct tl_field any = {.kind = TL_K_ANY, .flag_bit = TL_NO_FLAG};

/* Each accessor on each field, right or wrong for it. */
static void read_all(const struct tl_view *v, unsigned depth)
{
    size_t sum = 4;

    for (unsigned i = 0; i < v->def->n_fields; i++) {
        struct tl_vec vec = tl_get_vector(v, i);
        struct tl_view sub;
        uint32_t promised = vec.left, seen = 0;

        sum += tl_get_raw(v, i).n;
        tl_get_long(v, i);
        tl_get_int(v, i);
        tl_get_flags(v, i);
        tl_get_double(v, i);
        tl_get_bool(v, i);
        tl_get_bytes(v, i);
        if (tl_get_object(v, i, &sub) && depth < 8)
            read_all(&sub, depth + 1);
        if (vec.item != TL_K_OBJECT && vec.item != TL_K_BARE)
            continue;
        for (; tl_vec_object(&vec, &sub); seen++) {
            if (depth < 3)
                read_all(&sub, depth + 1);
        }
        FUZZ_CHECK(seen == promised);
    }
    FUZZ_CHECK(sum == v->n);
}

/* What was read is read the same again after a trip through JSON, where the trip is possible. */
static void trip(const struct tl_field *field, const struct tl_out *text)
{
    json_t *tree = json_loadb((const char *)text->data, text->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct tl_out bytes = {.limit = 1 << 20}, again = {.limit = 1 << 20};
    struct tl_json_error error;
    struct tl_in in;

    FUZZ_CHECK(tree);
    /* Other shapes and U+0000 are read and not written. */
    if (tl_field_from_json(field, tree, "value", NULL, &bytes, &error) == TL_OK) {
        in = tl_in(bytes.data, bytes.len);
        FUZZ_CHECK(tl_field_to_json(&in, field, &again) == TL_OK && tl_end(&in) == TL_OK);
        FUZZ_CHECK(again.len == text->len && memcmp(again.data, text->data, text->len) == 0);
    }
    json_decref(tree);
    tl_out_free(&bytes);
    tl_out_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tl_field *field = &any;
    struct tl_out text = {.limit = 1 << 20};
    struct tl_in in, same;
    int err, skipped;

    if (size < 2)
        return 0;
    if (data[0]) {
        const struct tl_def *def = tl_def_at(((size_t)data[0] << 8 | data[1]) % tl_def_count());

        if (def->is_function)
            field = &def->result;
    }
    in = same = tl_in(data + 2, size - 2);
    err = tl_field_to_json(&in, field, &text);
    skipped = tl_skip_field(&same, field);
    FUZZ_CHECK(err == skipped || err == TL_E_SIZE);
    if (!err) {
        FUZZ_CHECK(in.p == same.p);
        trip(field, &text);
    }
    if (!err && field == &any) {
        struct tl_view v;

        FUZZ_CHECK(tl_view_open(&v, data + 2, size - 2) == TL_OK);
        FUZZ_CHECK(v.n == (size_t)(in.p - data - 2));
        read_all(&v, 0);
    }
    tl_out_free(&text);
    return 0;
}
