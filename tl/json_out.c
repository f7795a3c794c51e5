/* Bytes -> JSON text, straight from the tables. */
#include "tl/json.h"

#include "tl/text.h"
#include "tl/view.h"
#include "tl/walk.h"

#include <string.h>

static void value_json(struct tl_in *in, enum tl_kind kind, uint16_t type, unsigned depth,
                       struct tl_out *out);

static void vector_json(struct tl_in *in, const struct tl_field *field, unsigned depth, struct tl_out *out)
{
    uint32_t n = tl_vector_head(in, field);

    tl_text_raw(out, "[", 1);
    for (uint32_t i = 0; i < n && !in->err && !out->err; i++) {
        if (i > 0)
            tl_text_raw(out, ",", 1);
        value_json(in, (enum tl_kind)field->item, field->type, depth, out);
    }
    tl_text_raw(out, "]", 1);
}

static void field_name(const struct tl_field *field, struct tl_out *out)
{
    const char *name = tl_field_name(field);

    tl_text_raw(out, ",\"", 2);
    tl_text_raw(out, name, strlen(name));
    tl_text_raw(out, "\":", 2);
}

static void object_json(struct tl_in *in, const struct tl_def *def, unsigned depth, struct tl_out *out)
{
    uint32_t flags[TL_VIEW_FIELDS];
    const struct tl_field *field = &tl_fields[def->first_field];
    const char *name = tl_def_name(def);

    if (depth > TL_MAX_DEPTH) {
        tl_fail(in, TL_E_DEPTH);
        return;
    }
    tl_text_raw(out, "{\"_\":\"", 6);
    tl_text_raw(out, name, strlen(name));
    tl_text_raw(out, "\"", 1);
    for (size_t i = 0; i < def->n_fields && !in->err && !out->err; i++, field++) {
        if (!tl_present(field, flags))
            continue;
        if (field->kind == TL_K_FLAGS) {
            flags[i] = tl_u32(in);
            continue;
        }
        field_name(field, out);
        if (field->kind == TL_K_VECTOR || field->kind == TL_K_BARE_VECTOR)
            vector_json(in, field, depth + 1, out);
        else
            value_json(in, (enum tl_kind)field->kind, field->type, depth + 1, out);
    }
    tl_text_raw(out, "}", 1);
}

static void long_json(struct tl_in *in, struct tl_out *out)
{
    tl_text_raw(out, "\"", 1);
    tl_text_long(out, tl_long(in));
    tl_text_raw(out, "\"", 1);
}

static void bool_json(bool v, struct tl_out *out)
{
    tl_text_raw(out, v ? "true" : "false", v ? 4 : 5);
}

static void raw_json(struct tl_in *in, size_t n, struct tl_out *out)
{
    const uint8_t *p = tl_raw(in, n);

    if (p)
        tl_text_base64(out, p, n);
}

static void value_json(struct tl_in *in, enum tl_kind kind, uint16_t type, unsigned depth, struct tl_out *out)
{
    const struct tl_def *def;
    struct tl_slice s;

    switch (kind) {
    case TL_K_INT:
    case TL_K_FLAGS:
        tl_text_long(out, tl_int(in));
        return;
    case TL_K_LONG:
        long_json(in, out);
        return;
    case TL_K_DOUBLE:
        tl_text_double(out, tl_double(in));
        return;
    case TL_K_INT128:
        raw_json(in, 16, out);
        return;
    case TL_K_INT256:
        raw_json(in, 32, out);
        return;
    case TL_K_STRING:
        s = tl_bytes(in);
        tl_json_string(out, s.p, s.n);
        return;
    case TL_K_BYTES:
        s = tl_bytes(in);
        tl_text_base64(out, s.p, s.n);
        return;
    case TL_K_BOOL:
        bool_json(tl_bool(in), out);
        return;
    case TL_K_TRUE:
        bool_json(true, out);
        return;
    case TL_K_OBJECT:
    case TL_K_ANY:
        def = tl_def_head(in, kind, type);
        if (def)
            object_json(in, def, depth, out);
        return;
    case TL_K_BARE:
        object_json(in, &tl_defs[type], depth, out);
        return;
    case TL_K_VECTOR:
    case TL_K_BARE_VECTOR:
        break;
    }
    tl_fail(in, TL_E_TYPE);
}

static int result_of(const struct tl_in *in, const struct tl_out *out)
{
    return in->err ? in->err : out->err;
}

int tl_to_json(struct tl_in *in, struct tl_out *out)
{
    value_json(in, TL_K_ANY, 0, 1, out);
    return result_of(in, out);
}

int tl_field_to_json(struct tl_in *in, const struct tl_field *field, struct tl_out *out)
{
    if (field->kind == TL_K_VECTOR || field->kind == TL_K_BARE_VECTOR)
        vector_json(in, field, 1, out);
    else
        value_json(in, (enum tl_kind)field->kind, field->type, 1, out);
    return result_of(in, out);
}
