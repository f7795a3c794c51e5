/*
 * What the walkers of tl/ (skip, view, JSON both ways) share: the tables without a call, and the rules that
 * must be the same in each.
 */
#pragma once

#include "tl/tables.h"

/* The least that one item takes on the wire, for the check of a vector's count. */
static inline size_t tl_item_size(enum tl_kind item)
{
    switch (item) {
    case TL_K_LONG:
    case TL_K_DOUBLE:
        return 8;
    case TL_K_INT128:
        return 16;
    case TL_K_INT256:
        return 32;
    case TL_K_INT:
    case TL_K_FLAGS:
    case TL_K_STRING:
    case TL_K_BYTES:
    case TL_K_BOOL:
    case TL_K_OBJECT:
    case TL_K_BARE:
    case TL_K_ANY:
    case TL_K_VECTOR:
    case TL_K_BARE_VECTOR:
        return 4;
    case TL_K_TRUE:
        break;
    }
    return 4;
}

/* Head of a vector of either kind; the count of its items. */
static inline uint32_t tl_vector_head(struct tl_in *in, const struct tl_field *field)
{
    size_t least = tl_item_size((enum tl_kind)field->item);
    uint32_t n;

    if (field->kind == TL_K_VECTOR)
        return tl_vector(in, least);
    n = tl_u32(in);
    if (n > tl_left(in) / least)
        tl_fail(in, TL_E_COUNT);
    return in->err ? 0 : n;
}

/* Reads the id of a boxed object and checks its type (any for TL_K_ANY). NULL after an error. */
static inline const struct tl_def *tl_def_head(struct tl_in *in, enum tl_kind kind, uint16_t type)
{
    uint32_t id = tl_u32(in);
    const struct tl_def *def;

    if (in->err)
        return NULL;
    def = tl_def_by_id(id);
    if (!def)
        tl_fail(in, id == TL_VECTOR || id == TL_BOOL_TRUE || id == TL_BOOL_FALSE ? TL_E_TYPE : TL_E_UNKNOWN);
    else if (kind == TL_K_OBJECT && (def->is_function || def->type != type))
        tl_fail(in, TL_E_TYPE);
    return in->err ? NULL : def;
}

/* Whether a field is there; `flags` holds the words of the def's # fields read so far, by field index. */
static inline bool tl_present(const struct tl_field *field, const uint32_t *flags)
{
    return field->flag_bit == TL_NO_FLAG || (flags[field->flag_field] >> field->flag_bit & 1);
}
