/* The least valid answer of a method that has no behaviour here: empty vectors, zeros, the smallest
 * constructor. */
#include "tests/sandbox/world_acts.h"

#define STUB_DEPTH 6

static bool put_object(uint16_t type, struct tl_out *out, int depth);

static bool put_fields(const struct tl_def *def, struct tl_out *out, int depth);

/* One value of a kind; depth says how many objects may still be nested. */
static bool put_value(const struct tl_field *f, struct tl_out *out, int depth)
{
    static const uint8_t zeros[32];

    switch ((enum tl_kind)f->kind) {
    case TL_K_INT:
    case TL_K_FLAGS:
        tl_put_int(out, 0);
        return true;
    case TL_K_LONG:
        tl_put_long(out, 0);
        return true;
    case TL_K_DOUBLE:
        tl_put_double(out, 0);
        return true;
    case TL_K_INT128:
        tl_put_raw(out, zeros, 16);
        return true;
    case TL_K_INT256:
        tl_put_raw(out, zeros, 32);
        return true;
    case TL_K_STRING:
    case TL_K_BYTES:
        tl_put_bytes(out, zeros, 0);
        return true;
    case TL_K_BOOL:
        tl_put_bool(out, true);
        return true;
    case TL_K_TRUE:
        return true;
    case TL_K_OBJECT:
        return put_object(f->type, out, depth);
    case TL_K_BARE:
        return depth > 0 && put_fields(tl_def_at(f->type), out, depth - 1);
    case TL_K_ANY:
        return false;
    case TL_K_VECTOR:
        tl_put_vector(out, 0);
        return true;
    case TL_K_BARE_VECTOR:
        tl_put_u32(out, 0);
        return true;
    }
    return false;
}

static bool put_fields(const struct tl_def *def, struct tl_out *out, int depth)
{
    for (size_t i = 0; i < def->n_fields; i++)
        if (tl_def_field(def, i)->flag_bit == TL_NO_FLAG && !put_value(tl_def_field(def, i), out, depth))
            return false;
    return !out->err;
}

static bool put_object(uint16_t type, struct tl_out *out, int depth)
{
    const size_t start = out->len;

    for (size_t i = 0; depth > 0 && i < tl_type_count(type); i++) {
        const struct tl_def *def = tl_type_ctor(type, i);

        tl_put_u32(out, def->id);
        if (put_fields(def, out, depth - 1))
            return true;
        out->len = start;
    }
    return false;
}

bool sb_stub(const struct tl_def *def, struct tl_out *out)
{
    /* the shallowest answer that there is: nothing in it invites a client to look for more */
    for (int depth = 0; depth <= STUB_DEPTH; depth++) {
        tl_out_reset(out);
        if (put_value(&def->result, out, depth) && !out->err)
            return true;
    }
    return false;
}

bool sb_least(const struct tl_def *def, struct tl_out *out)
{
    for (int depth = 0; depth <= STUB_DEPTH; depth++) {
        tl_out_reset(out);
        tl_put_u32(out, def->id);
        if (put_fields(def, out, depth))
            return true;
    }
    return false;
}
