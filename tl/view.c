#include "tl/view.h"
#include "tl/walk.h"

#include <string.h>

static void skip_value(struct tl_in *in, enum tl_kind kind, uint16_t type, unsigned depth);

/* The fields of def, which follow; `off` (may be NULL) gets where each starts, counted from `base`. */
static void skip_fields(struct tl_in *in, const struct tl_def *def, unsigned depth, const uint8_t *base,
                        uint32_t *off)
{
    uint32_t flags[TL_VIEW_FIELDS];
    const struct tl_field *field = &tl_fields[def->first_field];

    if (depth > TL_MAX_DEPTH) {
        tl_fail(in, TL_E_DEPTH);
        return;
    }
    for (size_t i = 0; i < def->n_fields && !in->err; i++, field++) {
        bool there = tl_present(field, flags);

        if (off)
            off[i] = there ? (uint32_t)(in->p - base) : 0;
        if (!there)
            continue;
        if (field->kind == TL_K_FLAGS) {
            flags[i] = tl_u32(in);
        } else if (field->kind == TL_K_VECTOR || field->kind == TL_K_BARE_VECTOR) {
            for (uint32_t n = tl_vector_head(in, field); n > 0 && !in->err; n--)
                skip_value(in, (enum tl_kind)field->item, field->type, depth + 1);
        } else {
            skip_value(in, (enum tl_kind)field->kind, field->type, depth + 1);
        }
    }
}

static void skip_value(struct tl_in *in, enum tl_kind kind, uint16_t type, unsigned depth)
{
    const struct tl_def *def;

    switch (kind) {
    case TL_K_INT:
    case TL_K_FLAGS:
        tl_raw(in, 4);
        return;
    case TL_K_LONG:
    case TL_K_DOUBLE:
        tl_raw(in, 8);
        return;
    case TL_K_INT128:
        tl_raw(in, 16);
        return;
    case TL_K_INT256:
        tl_raw(in, 32);
        return;
    case TL_K_STRING:
    case TL_K_BYTES:
        tl_bytes(in);
        return;
    case TL_K_BOOL:
        tl_bool(in);
        return;
    case TL_K_TRUE:
        return;
    case TL_K_OBJECT:
    case TL_K_ANY:
        def = tl_def_head(in, kind, type);
        if (def)
            skip_fields(in, def, depth, NULL, NULL);
        return;
    case TL_K_BARE:
        skip_fields(in, &tl_defs[type], depth, NULL, NULL);
        return;
    case TL_K_VECTOR:
    case TL_K_BARE_VECTOR:
        break;
    }
    tl_fail(in, TL_E_TYPE);
}

int tl_skip_object(struct tl_in *in)
{
    skip_value(in, TL_K_ANY, 0, 1);
    return in->err;
}

int tl_skip_field(struct tl_in *in, const struct tl_field *field)
{
    if (field->kind == TL_K_VECTOR || field->kind == TL_K_BARE_VECTOR) {
        for (uint32_t n = tl_vector_head(in, field); n > 0 && !in->err; n--)
            skip_value(in, (enum tl_kind)field->item, field->type, 1);
    } else {
        skip_value(in, (enum tl_kind)field->kind, field->type, 1);
    }
    return in->err;
}

/* --- opening --- */

static int open_fields(struct tl_view *v, struct tl_in *in, const uint8_t *base, const struct tl_def *def)
{
    v->def = NULL;
    v->p = base;
    v->n = 0;
    if (def)
        skip_fields(in, def, 1, base, v->off);
    if (!in->err) {
        v->def = def;
        v->n = (size_t)(in->p - base);
    }
    return in->err;
}

static int open_boxed(struct tl_view *v, struct tl_in *in)
{
    const uint8_t *base = in->p;

    return open_fields(v, in, base, tl_def_head(in, TL_K_ANY, 0));
}

int tl_view_open(struct tl_view *v, const void *p, size_t n)
{
    /* Offsets are 32 bits; nothing on the wire comes near that. */
    struct tl_in in = tl_in(p, n < UINT32_MAX ? n : UINT32_MAX);

    return open_boxed(v, &in);
}

int tl_view_open_exact(struct tl_view *v, const void *p, size_t n)
{
    int err = tl_view_open(v, p, n);

    if (!err && v->n != n) {
        v->def = NULL;
        err = TL_E_TRAILING;
    }
    return err;
}

/* --- fields --- */

static const struct tl_field *field_at(const struct tl_view *v, unsigned i)
{
    return v->def && i < v->def->n_fields ? &tl_fields[v->def->first_field + i] : NULL;
}

/* A cursor at field i if it is there and of that kind; otherwise an empty one, which reads as zeros. */
static struct tl_in at(const struct tl_view *v, unsigned i, enum tl_kind kind)
{
    const struct tl_field *field = field_at(v, i);

    if (!field || field->kind != kind || v->off[i] == 0)
        return tl_in(NULL, 0);
    return tl_in(v->p + v->off[i], v->n - v->off[i]);
}

bool tl_has(const struct tl_view *v, unsigned field)
{
    return field_at(v, field) && v->off[field] != 0;
}

int32_t tl_get_int(const struct tl_view *v, unsigned field)
{
    struct tl_in in = at(v, field, TL_K_INT);
    return tl_int(&in);
}

uint32_t tl_get_flags(const struct tl_view *v, unsigned field)
{
    struct tl_in in = at(v, field, TL_K_FLAGS);
    return tl_u32(&in);
}

int64_t tl_get_long(const struct tl_view *v, unsigned field)
{
    struct tl_in in = at(v, field, TL_K_LONG);
    return tl_long(&in);
}

double tl_get_double(const struct tl_view *v, unsigned field)
{
    struct tl_in in = at(v, field, TL_K_DOUBLE);
    return tl_double(&in);
}

bool tl_get_bool(const struct tl_view *v, unsigned field)
{
    struct tl_in in = at(v, field, TL_K_BOOL);
    return tl_bool(&in);
}

struct tl_slice tl_get_bytes(const struct tl_view *v, unsigned field)
{
    const struct tl_field *f = field_at(v, field);
    size_t n;
    struct tl_in in;

    if (!f)
        return (struct tl_slice){0};
    in = at(v, field, (enum tl_kind)f->kind);
    if (f->kind == TL_K_STRING || f->kind == TL_K_BYTES)
        return tl_bytes(&in);
    n = f->kind == TL_K_INT128 ? 16 : f->kind == TL_K_INT256 ? 32 : 0;
    if (n == 0 || tl_left(&in) < n)
        return (struct tl_slice){0};
    return (struct tl_slice){in.p, n};
}

struct tl_slice tl_get_raw(const struct tl_view *v, unsigned field)
{
    size_t end = v->n;

    if (!tl_has(v, field))
        return (struct tl_slice){0};
    /* The next field that is there starts where this one ends; a true flag starts where it would be. */
    for (unsigned i = field + 1; i < v->def->n_fields; i++) {
        if (v->off[i]) {
            end = v->off[i];
            break;
        }
    }
    return (struct tl_slice){v->p + v->off[field], end - v->off[field]};
}

bool tl_get_object(const struct tl_view *v, unsigned field, struct tl_view *sub)
{
    const struct tl_field *f = field_at(v, field);
    struct tl_in in;

    sub->def = NULL;
    if (!f || !v->off[field])
        return false;
    in = tl_in(v->p + v->off[field], v->n - v->off[field]);
    if (f->kind == TL_K_OBJECT || f->kind == TL_K_ANY)
        return open_boxed(sub, &in) == TL_OK;
    if (f->kind == TL_K_BARE)
        return open_fields(sub, &in, in.p - 4, &tl_defs[f->type]) == TL_OK;
    return false;
}

uint32_t tl_get_id(const struct tl_view *v, unsigned field)
{
    const struct tl_field *f = field_at(v, field);

    if (!f || (f->kind != TL_K_OBJECT && f->kind != TL_K_ANY) || !v->off[field])
        return 0;
    return tl_load32(v->p + v->off[field]);
}

int tl_view_field(const struct tl_view *v, const char *name)
{
    return v->def ? tl_field_by_name(v->def, name, strlen(name)) : -1;
}

/* --- vectors --- */

struct tl_vec tl_get_vector(const struct tl_view *v, unsigned field)
{
    const struct tl_field *f = field_at(v, field);
    struct tl_vec vec = {0};

    if (!f || (f->kind != TL_K_VECTOR && f->kind != TL_K_BARE_VECTOR) || !v->off[field])
        return vec;
    vec.in = tl_in(v->p + v->off[field], v->n - v->off[field]);
    vec.left = tl_vector_head(&vec.in, f);
    vec.item = f->item;
    vec.type = f->type;
    return vec;
}

int tl_vec_open(struct tl_vec *vec, const void *p, size_t n)
{
    *vec = (struct tl_vec){.in = tl_in(p, n), .item = TL_K_ANY};
    vec->left = tl_vector(&vec->in, 4);
    return vec->in.err;
}

/* True if there is an item to read; a failed one ends the vector. */
static bool next(struct tl_vec *vec)
{
    if (vec->left == 0 || vec->in.err)
        return false;
    vec->left--;
    return true;
}

bool tl_vec_object(struct tl_vec *vec, struct tl_view *item)
{
    item->def = NULL;
    if (!next(vec))
        return false;
    if (vec->item == TL_K_BARE)
        return open_fields(item, &vec->in, vec->in.p - 4, &tl_defs[vec->type]) == TL_OK;
    return open_boxed(item, &vec->in) == TL_OK;
}

bool tl_vec_long(struct tl_vec *vec, int64_t *item)
{
    *item = 0;
    if (!next(vec))
        return false;
    *item = tl_long(&vec->in);
    return !vec->in.err;
}

bool tl_vec_int(struct tl_vec *vec, int32_t *item)
{
    *item = 0;
    if (!next(vec))
        return false;
    *item = tl_int(&vec->in);
    return !vec->in.err;
}

bool tl_vec_bytes(struct tl_vec *vec, struct tl_slice *item)
{
    *item = (struct tl_slice){0};
    if (!next(vec))
        return false;
    *item = tl_bytes(&vec->in);
    return !vec->in.err;
}
