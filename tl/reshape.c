#include "tl/reshape.h"

#include "tl/view.h"
#include "tl/walk.h"

#include <string.h>

static void reshape_field(struct tl_in *in, const struct tl_field *field, int layer, unsigned depth,
                          struct tl_out *out);

const struct tl_def *tl_def_for_layer(const struct tl_def *def, int layer)
{
    const struct tl_def *ours = def;

    for (size_t i = 0; i < tl_counts.shapes; i++) {
        if (def == &tl_defs[tl_shapes[i].def])
            ours = &tl_defs[tl_shapes[i].named];
    }
    for (size_t i = 0; i < tl_counts.shapes; i++) {
        const struct tl_shape *shape = &tl_shapes[i];

        if (ours == &tl_defs[shape->named] && layer >= shape->from && layer <= shape->to)
            return &tl_defs[shape->def];
    }
    return ours;
}

/* Where the source has that field, -1 where it is not there; the same name with another kind is an error. */
static int source_of(struct tl_in *in, const struct tl_view *v, const struct tl_field *field)
{
    int i = tl_view_field(v, tl_field_name(field));
    const struct tl_field *source = i < 0 ? NULL : tl_def_field(v->def, (size_t)i);

    if (!source || !tl_has(v, (unsigned)i))
        return -1;
    if (source->kind != field->kind || source->item != field->item || source->type != field->type)
        tl_fail(in, TL_E_TYPE);
    return i;
}

static uint32_t flags_word(struct tl_in *in, const struct tl_view *v, const struct tl_def *to, size_t word)
{
    uint32_t flags = 0;

    for (size_t i = word + 1; i < to->n_fields; i++) {
        const struct tl_field *field = tl_def_field(to, i);

        if (field->flag_bit != TL_NO_FLAG && field->flag_field == word && source_of(in, v, field) >= 0)
            flags |= UINT32_C(1) << field->flag_bit;
    }
    return flags;
}

static void reshape_fields(struct tl_in *in, const struct tl_view *v, const struct tl_def *to, int layer,
                           unsigned depth, struct tl_out *out)
{
    uint32_t flags[TL_VIEW_FIELDS];

    for (size_t i = 0; i < to->n_fields && !in->err && !out->err; i++) {
        const struct tl_field *field = tl_def_field(to, i);
        int from;

        if (field->kind == TL_K_FLAGS) {
            flags[i] = flags_word(in, v, to, i);
            tl_put_u32(out, flags[i]);
            continue;
        }
        if (!tl_present(field, flags))
            continue;
        from = source_of(in, v, field);
        if (from < 0 && field->kind != TL_K_TRUE) {
            /* Nothing to write: it is new there, or goes with a field that was there alone. */
            tl_fail(in, TL_E_TYPE);
        } else if (field->kind != TL_K_TRUE) {
            struct tl_slice raw = tl_get_raw(v, (unsigned)from);
            struct tl_in sub = tl_in(raw.p, raw.n);

            reshape_field(&sub, field, layer, depth + 1, out);
            if (tl_end(&sub))
                tl_fail(in, sub.err);
        }
    }
}

static void reshape_object(struct tl_in *in, const struct tl_field *form, int layer, unsigned depth,
                           struct tl_out *out)
{
    struct tl_view v;
    const struct tl_def *to;
    /* Opening checks the depth below; only so many calls of this can stand on the stack. */
    int err = depth > TL_MAX_DEPTH ? TL_E_DEPTH : tl_view_open(&v, in->p, tl_left(in));

    if (!err && form->kind == TL_K_OBJECT && (v.def->is_function || v.def->type != form->type))
        err = TL_E_TYPE;
    if (err) {
        tl_fail(in, err);
        return;
    }
    to = tl_def_for_layer(v.def, layer);
    tl_put_u32(out, to->id);
    reshape_fields(in, &v, to, layer, depth, out);
    tl_raw(in, v.n);
}

static void reshape_value(struct tl_in *in, enum tl_kind kind, const struct tl_field *field, int layer,
                          unsigned depth, struct tl_out *out)
{
    const struct tl_field one = {.kind = (uint8_t)kind, .type = field->type, .flag_bit = TL_NO_FLAG};
    const uint8_t *from = in->p;

    if (kind == TL_K_OBJECT || kind == TL_K_ANY)
        reshape_object(in, &one, layer, depth, out);
    else if (tl_skip_field(in, &one) == TL_OK) /* scalars and bare objects have one shape */
        tl_put_raw(out, from, (size_t)(in->p - from));
}

static void reshape_field(struct tl_in *in, const struct tl_field *field, int layer, unsigned depth,
                          struct tl_out *out)
{
    uint32_t n;

    if (field->kind != TL_K_VECTOR && field->kind != TL_K_BARE_VECTOR) {
        reshape_value(in, (enum tl_kind)field->kind, field, layer, depth, out);
        return;
    }
    n = tl_vector_head(in, field);
    if (field->kind == TL_K_VECTOR)
        tl_put_vector(out, n);
    else
        tl_put_u32(out, n);
    while (n-- > 0 && !in->err && !out->err)
        reshape_value(in, (enum tl_kind)field->item, field, layer, depth, out);
}

int tl_reshape(struct tl_in *in, const struct tl_field *field, int layer, struct tl_out *out)
{
    static const struct tl_field any = {.kind = TL_K_ANY, .flag_bit = TL_NO_FLAG};

    reshape_field(in, field ? field : &any, layer, 1, out);
    return in->err ? in->err : out->err;
}
