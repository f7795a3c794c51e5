/* JSON -> bytes, walked over the tables; every refusal says where and why, never with the value itself. */
#include "tl/json.h"

#include "tl/text.h"
#include "tl/view.h"
#include "tl/walk.h"

#include <stdio.h>
#include <string.h>

#define BYTES_MAX  ((size_t)0xffffff)
#define NAME_SHOWN 64

/* One step of the path, on the stack of the walk: a member, or an item where name is NULL. */
struct place {
    const struct place *up;
    const char *name;
    size_t index;
};

struct encoder {
    const struct tl_json_hooks *hooks;
    struct tl_out *out;
    struct tl_json_error *error;
};

static int put_value(struct encoder *enc, const struct place *at, enum tl_kind kind, uint16_t type,
                     const json_t *value, unsigned depth);

/* --- refusing --- */

static size_t put_path(const struct place *at, char *path, size_t cap)
{
    size_t len = at->up ? put_path(at->up, path, cap) : 0;
    int n;

    if (len >= cap - 1)
        return len;
    n = at->name ? snprintf(path + len, cap - len, "%s%s", len ? "." : "", at->name)
                 : snprintf(path + len, cap - len, "[%zu]", at->index);
    return n < 0 ? len : len + (size_t)n < cap ? len + (size_t)n : cap - 1;
}

static int refuse(struct encoder *enc, const struct place *at, int err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int refuse(struct encoder *enc, const struct place *at, int err, const char *format, ...)
{
    va_list args;

    enc->error->err = err;
    put_path(at, enc->error->path, sizeof enc->error->path);
    va_start(args, format);
    vsnprintf(enc->error->text, sizeof enc->error->text, format, args);
    va_end(args);
    return err;
}

/* A name that the client wrote, fit to be shown: cut at a character, without control characters. */
static const char *shown(const char *name, size_t len, char *buf)
{
    size_t n = 0;

    while (n < len && n < NAME_SHOWN) {
        size_t c = tl_utf8_len((const uint8_t *)name + n, len - n);

        if (c == 0 || n + c > NAME_SHOWN)
            break;
        memcpy(buf + n, name + n, c);
        if ((unsigned char)buf[n] < 0x20 || buf[n] == 0x7f)
            buf[n] = '?';
        n += c;
    }
    strcpy(buf + n, n < len ? "..." : "");
    return buf;
}

static int refuse_name(struct encoder *enc, const struct place *at, const char *what, const char *name,
                       size_t len, const char *nearest)
{
    char buf[NAME_SHOWN + 4];

    shown(name, len, buf);
    if (nearest)
        return refuse(enc, at, TL_E_VALUE, "unknown %s '%s'; did you mean '%s'?", what, buf, nearest);
    return refuse(enc, at, TL_E_VALUE, "unknown %s '%s'", what, buf);
}

static const char *kind_name(enum tl_kind kind, uint16_t type)
{
    switch (kind) {
    case TL_K_INT:
    case TL_K_FLAGS:
        return "int";
    case TL_K_LONG:
        return "long";
    case TL_K_DOUBLE:
        return "double";
    case TL_K_INT128:
        return "base64 of 16 bytes";
    case TL_K_INT256:
        return "base64 of 32 bytes";
    case TL_K_STRING:
        return "string";
    case TL_K_BYTES:
        return "base64";
    case TL_K_BOOL:
    case TL_K_TRUE:
        return "true or false";
    case TL_K_OBJECT:
        return tl_type_name(type);
    case TL_K_BARE:
        return tl_def_name(&tl_defs[type]);
    case TL_K_ANY:
        return "object";
    case TL_K_VECTOR:
    case TL_K_BARE_VECTOR:
        return "array";
    }
    return "value";
}

static int expected(struct encoder *enc, const struct place *at, enum tl_kind kind, uint16_t type,
                    const json_t *value)
{
    return refuse(enc, at, TL_E_VALUE, "expected %s%s", kind_name(kind, type),
                  json_is_null(value) ? ", not null: leave out what is not there" : "");
}

/* --- scalars --- */

static int put_integer(struct encoder *enc, const struct place *at, enum tl_kind kind, const json_t *value)
{
    int64_t v = 0;

    if (json_is_real(value))
        return refuse(enc, at, TL_E_VALUE, "expected %s, written without point and exponent",
                      kind_name(kind, 0));
    if (json_is_integer(value))
        v = json_integer_value(value);
    else if (!json_is_string(value))
        return expected(enc, at, kind, 0, value);
    else if (!tl_parse_long(json_string_value(value), json_string_length(value), &v))
        return refuse(enc, at, TL_E_VALUE, "expected %s: decimal digits in its range", kind_name(kind, 0));
    if (kind == TL_K_LONG) {
        tl_put_long(enc->out, v);
        return TL_OK;
    }
    if (v < INT32_MIN || v > INT32_MAX)
        return refuse(enc, at, TL_E_VALUE, "out of the range of int");
    tl_put_int(enc->out, (int32_t)v);
    return TL_OK;
}

static int put_double(struct encoder *enc, const struct place *at, const json_t *value)
{
    static const struct {
        const char *name;
        uint64_t bits;
    } words[] = {{"NaN", UINT64_C(0x7ff8000000000000)},
                 {"Infinity", UINT64_C(0x7ff0000000000000)},
                 {"-Infinity", UINT64_C(0xfff0000000000000)}};

    if (json_is_number(value)) {
        tl_put_double(enc->out, json_number_value(value));
        return TL_OK;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words && json_is_string(value); i++) {
        if (strcmp(json_string_value(value), words[i].name) == 0) {
            tl_put_u64(enc->out, words[i].bits);
            return TL_OK;
        }
    }
    return expected(enc, at, TL_K_DOUBLE, 0, value);
}

static int put_text(struct encoder *enc, const struct place *at, const json_t *value)
{
    const char *s = json_string_value(value);
    size_t n = json_string_length(value);

    if (!s)
        return expected(enc, at, TL_K_STRING, 0, value);
    if (memchr(s, 0, n))
        return refuse(enc, at, TL_E_VALUE, "U+0000 in a string");
    if (n > BYTES_MAX)
        return refuse(enc, at, TL_E_SIZE, "longer than %zu bytes", BYTES_MAX);
    tl_put_bytes(enc->out, s, n);
    return TL_OK;
}

static int put_base64(struct encoder *enc, const struct place *at, enum tl_kind kind, const json_t *value)
{
    const char *s = json_string_value(value);
    int64_t n = s ? tl_parse_base64(s, json_string_length(value), NULL) : -1;
    size_t head = 0, pad = 0;
    uint8_t *to;

    if (n < 0 || (kind == TL_K_INT128 && n != 16) || (kind == TL_K_INT256 && n != 32))
        return expected(enc, at, kind, 0, value);
    if ((uint64_t)n > BYTES_MAX)
        return refuse(enc, at, TL_E_SIZE, "longer than %zu bytes", BYTES_MAX);
    if (kind == TL_K_BYTES) {
        head = n < 254 ? 1 : 4;
        pad = -(head + (size_t)n) & 3;
    }
    to = tl_out_room(enc->out, head + (size_t)n + pad);
    if (!to)
        return TL_OK; /* out->err says it */
    if (head == 1)
        to[0] = (uint8_t)n;
    else if (head == 4)
        tl_store32(to, 0xfe | (uint32_t)n << 8);
    tl_parse_base64(s, json_string_length(value), to + head);
    memset(to + head + n, 0, pad);
    return TL_OK;
}

/* --- objects --- */

/* jansson's iterators take no const pointer, though they change nothing. */
static json_t *unconst(const json_t *value)
{
    return (json_t *)(uintptr_t)value;
}

static const json_t *member(const json_t *object, const struct tl_field *field)
{
    return json_object_get(object, tl_field_name(field));
}

static int check_names(struct encoder *enc, const struct place *at, const struct tl_def *def,
                       const json_t *object, bool call)
{
    for (void *it = json_object_iter(unconst(object)); it; it = json_object_iter_next(unconst(object), it)) {
        const char *name = json_object_iter_key(it);
        size_t len = json_object_iter_key_len(it);
        int i;

        if (!call && len == 1 && name[0] == '_')
            continue;
        i = tl_field_by_name(def, name, len);
        if (i < 0)
            return refuse_name(enc, at, "field", name, len, tl_nearest_field(def, name, len));
        if (tl_def_field(def, (size_t)i)->kind == TL_K_FLAGS)
            return refuse(enc, at, TL_E_VALUE, "leave '%s' out: it follows from the fields that are there",
                          tl_field_name(tl_def_field(def, (size_t)i)));
    }
    return TL_OK;
}

static bool counts_as_there(const struct tl_field *field, const json_t *value)
{
    return value && !(field->kind == TL_K_TRUE && json_is_false(value));
}

static uint32_t flags_word(const struct tl_def *def, size_t word, const json_t *object)
{
    uint32_t flags = 0;

    for (size_t i = word + 1; i < def->n_fields; i++) {
        const struct tl_field *field = tl_def_field(def, i);

        if (field->flag_bit != TL_NO_FLAG && field->flag_field == word &&
            counts_as_there(field, member(object, field)))
            flags |= UINT32_C(1) << field->flag_bit;
    }
    return flags;
}

/* A field whose bit is set by another one that shares it. */
static int refuse_half(struct encoder *enc, const struct place *at, const struct tl_def *def,
                       const struct tl_field *half, const json_t *object)
{
    const char *other = "";

    for (size_t i = 0; i < def->n_fields; i++) {
        const struct tl_field *field = tl_def_field(def, i);

        if (field->flag_bit == half->flag_bit && field->flag_field == half->flag_field &&
            counts_as_there(field, member(object, field)))
            other = tl_field_name(field);
    }
    return refuse(enc, at, TL_E_VALUE, "field '%s' goes together with '%s'", tl_field_name(half), other);
}

static int put_missing(struct encoder *enc, const struct place *at, const struct tl_def *def,
                       const struct tl_field *field)
{
    const struct tl_json_hooks *hooks = enc->hooks;
    int r = hooks && hooks->missing ? hooks->missing(hooks->ctx, def, field, enc->out) : 0;

    if (r > 0)
        return TL_OK;
    if (r < 0) {
        const struct place here = {at, tl_field_name(field), 0};
        return refuse(enc, &here, r, "missing, and not filled in");
    }
    return refuse(enc, at, TL_E_VALUE, "missing field '%s' (%s)", tl_field_name(field),
                  kind_name((enum tl_kind)field->kind, field->type));
}

static int put_true(struct encoder *enc, const struct place *at, const struct tl_def *def,
                    const struct tl_field *field, const json_t *object, bool set)
{
    const json_t *value = member(object, field);

    if (value && !json_is_boolean(value)) {
        const struct place here = {at, tl_field_name(field), 0};
        return expected(enc, &here, TL_K_TRUE, 0, value);
    }
    return set && json_is_false(value) ? refuse_half(enc, at, def, field, object) : TL_OK;
}

static int put_vector(struct encoder *enc, const struct place *at, const struct tl_field *field,
                      const json_t *value, unsigned depth)
{
    size_t n = json_array_size(value);

    if (!json_is_array(value))
        return expected(enc, at, TL_K_VECTOR, 0, value);
    if (n > UINT32_MAX)
        return refuse(enc, at, TL_E_SIZE, "too many items");
    if (field->kind == TL_K_VECTOR)
        tl_put_vector(enc->out, (uint32_t)n);
    else
        tl_put_u32(enc->out, (uint32_t)n);
    for (size_t i = 0; i < n && !enc->out->err; i++) {
        const struct place item = {at, NULL, i};
        int err =
            put_value(enc, &item, (enum tl_kind)field->item, field->type, json_array_get(value, i), depth);

        if (err)
            return err;
    }
    return TL_OK;
}

static int put_fields(struct encoder *enc, const struct place *at, const struct tl_def *def,
                      const json_t *object, bool call, unsigned depth)
{
    uint32_t flags[TL_VIEW_FIELDS];
    int err = check_names(enc, at, def, object, call);

    if (!err && depth > TL_MAX_DEPTH)
        err = refuse(enc, at, TL_E_DEPTH, "nested deeper than %d levels", TL_MAX_DEPTH);
    for (size_t i = 0; i < def->n_fields && !err && !enc->out->err; i++) {
        const struct tl_field *field = tl_def_field(def, i);
        const struct place here = {at, tl_field_name(field), 0};
        const json_t *value = member(object, field);

        if (field->kind == TL_K_FLAGS) {
            flags[i] = flags_word(def, i, object);
            tl_put_u32(enc->out, flags[i]);
        } else if (field->kind == TL_K_TRUE) {
            err = put_true(enc, at, def, field, object, tl_present(field, flags));
        } else if (!tl_present(field, flags)) {
            continue;
        } else if (!value) {
            err = field->flag_bit == TL_NO_FLAG ? put_missing(enc, at, def, field)
                                                : refuse_half(enc, at, def, field, object);
        } else if (field->kind == TL_K_VECTOR || field->kind == TL_K_BARE_VECTOR) {
            err = put_vector(enc, &here, field, value, depth + 1);
        } else {
            err = put_value(enc, &here, (enum tl_kind)field->kind, field->type, value, depth + 1);
        }
    }
    return err;
}

/* The constructor (or, for TL_K_ANY, the function) that "_" names; NULL with the error set. */
static const struct tl_def *find_ctor(struct encoder *enc, const struct place *at, enum tl_kind kind,
                                      uint16_t type, const json_t *object)
{
    const json_t *tag = json_object_get(object, "_");
    const char *name = json_string_value(tag);
    size_t len = json_string_length(tag);
    const struct tl_def *def;
    char buf[NAME_SHOWN + 4];

    if (!tag && kind == TL_K_OBJECT && tl_type_count(type) == 1)
        return tl_type_ctor(type, 0);
    if (!name) {
        refuse(enc, at, TL_E_VALUE, "expected \"_\", the name of a constructor%s%s",
               kind == TL_K_OBJECT ? " of " : "", kind == TL_K_OBJECT ? tl_type_name(type) : "");
        return NULL;
    }
    def = kind == TL_K_ANY ? tl_def_by_name(name, len, true) : NULL;
    if (!def)
        def = tl_def_by_name(name, len, false);
    if (!def) {
        refuse_name(enc, at, "constructor", name, len,
                    kind == TL_K_ANY ? tl_nearest_function(name, len) : tl_nearest_ctor(type, name, len));
    } else if (kind == TL_K_OBJECT && def->type != type) {
        refuse(enc, at, TL_E_TYPE, "'%s' is of type %s, expected %s", shown(name, len, buf),
               tl_type_name(def->type), tl_type_name(type));
        def = NULL;
    }
    return def;
}

static int put_scalar(struct encoder *enc, const struct place *at, uint16_t type, const json_t *value)
{
    const struct tl_json_hooks *hooks = enc->hooks;
    int r = 0;

    if (hooks && hooks->scalar && value && !json_is_null(value))
        r = hooks->scalar(hooks->ctx, tl_type_name(type), value, enc->out);
    if (r > 0)
        return TL_OK;
    if (r < 0)
        return refuse(enc, at, r, "not accepted as %s", tl_type_name(type));
    return expected(enc, at, TL_K_OBJECT, type, value);
}

static int put_object(struct encoder *enc, const struct place *at, enum tl_kind kind, uint16_t type,
                      const json_t *value, unsigned depth)
{
    const struct tl_def *def;

    if (!json_is_object(value) && kind == TL_K_OBJECT)
        return put_scalar(enc, at, type, value);
    if (!json_is_object(value))
        return expected(enc, at, kind, type, value);
    if (kind == TL_K_BARE) {
        const char *name = json_string_value(json_object_get(value, "_"));

        def = &tl_defs[type];
        if (name && strcmp(name, tl_def_name(def)) != 0)
            return expected(enc, at, kind, type, value);
        return put_fields(enc, at, def, value, false, depth);
    }
    def = find_ctor(enc, at, kind, type, value);
    if (!def)
        return enc->error->err;
    tl_put_u32(enc->out, def->id);
    return put_fields(enc, at, def, value, false, depth);
}

static int put_value(struct encoder *enc, const struct place *at, enum tl_kind kind, uint16_t type,
                     const json_t *value, unsigned depth)
{
    switch (kind) {
    case TL_K_INT:
    case TL_K_LONG:
        return put_integer(enc, at, kind, value);
    case TL_K_DOUBLE:
        return put_double(enc, at, value);
    case TL_K_STRING:
        return put_text(enc, at, value);
    case TL_K_INT128:
    case TL_K_INT256:
    case TL_K_BYTES:
        return put_base64(enc, at, kind, value);
    case TL_K_BOOL:
        if (!json_is_boolean(value))
            return expected(enc, at, kind, type, value);
        tl_put_bool(enc->out, json_is_true(value));
        return TL_OK;
    case TL_K_OBJECT:
    case TL_K_BARE:
    case TL_K_ANY:
        return put_object(enc, at, kind, type, value, depth);
    case TL_K_FLAGS:
    case TL_K_TRUE:
    case TL_K_VECTOR:
    case TL_K_BARE_VECTOR:
        break;
    }
    return expected(enc, at, kind, type, value);
}

/* --- entries --- */

/* After a refusal `out` is as long as it was. */
static int finish(struct encoder *enc, const struct place *root, size_t len, int err)
{
    if (!err && enc->out->err)
        err = refuse(enc, root, enc->out->err, "%s", tl_strerror(enc->out->err));
    if (err)
        enc->out->len = len;
    return err;
}

int tl_call_from_json(const struct tl_def *def, const json_t *params, const char *root,
                      const struct tl_json_hooks *hooks, struct tl_out *out, struct tl_json_error *error)
{
    struct encoder enc = {hooks, out, error};
    const struct place at = {NULL, root, 0};
    size_t len = out->len;
    int err;

    *error = (struct tl_json_error){0};
    tl_put_u32(out, def->id);
    if (params && !json_is_object(params))
        err = expected(&enc, &at, TL_K_ANY, 0, params);
    else
        err = put_fields(&enc, &at, def, params, true, 1);
    return finish(&enc, &at, len, err);
}

int tl_object_from_json(uint16_t type, const json_t *value, const char *root,
                        const struct tl_json_hooks *hooks, struct tl_out *out, struct tl_json_error *error)
{
    const struct tl_field field = {.type = type, .kind = TL_K_OBJECT, .flag_bit = TL_NO_FLAG};

    return tl_field_from_json(&field, value, root, hooks, out, error);
}

int tl_field_from_json(const struct tl_field *field, const json_t *value, const char *root,
                       const struct tl_json_hooks *hooks, struct tl_out *out, struct tl_json_error *error)
{
    struct encoder enc = {hooks, out, error};
    const struct place at = {NULL, root, 0};
    size_t len = out->len;
    int err;

    *error = (struct tl_json_error){0};
    if (field->kind == TL_K_VECTOR || field->kind == TL_K_BARE_VECTOR)
        err = put_vector(&enc, &at, field, value, 1);
    else
        err = put_value(&enc, &at, (enum tl_kind)field->kind, field->type, value, 1);
    return finish(&enc, &at, len, err);
}
