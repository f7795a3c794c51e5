#include "tests/unit/tl/gen.h"

#include <stdlib.h>
#include <string.h>

#define UNKNOWN 0xff

static void put_value(struct tl_gen *gen, enum tl_kind kind, uint16_t type, unsigned depth,
                      struct tl_out *out);
static void put_fields(struct tl_gen *gen, const struct tl_def *def, unsigned depth, struct tl_out *out);

uint64_t tl_gen_u64(struct tl_gen *gen)
{
    uint64_t z = gen->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t tl_gen_below(struct tl_gen *gen, uint32_t n)
{
    return (uint32_t)(tl_gen_u64(gen) >> 33) % n;
}

void tl_gen_seed(struct tl_gen *gen, uint64_t seed)
{
    gen->state = seed;
}

/* --- the shallowest value of each def --- */

static const struct tl_def *shallowest(const struct tl_gen *gen, uint16_t type)
{
    const struct tl_def *best = NULL;

    for (size_t i = 0; i < tl_type_count(type); i++) {
        const struct tl_def *def = tl_type_ctor(type, i);

        if (!best || gen->rank[def - tl_def_at(0)] < gen->rank[best - tl_def_at(0)])
            best = def;
    }
    return best;
}

static unsigned rank_of(const struct tl_gen *gen, const struct tl_def *def)
{
    unsigned rank = 0;

    for (size_t i = 0; i < def->n_fields; i++) {
        const struct tl_field *field = tl_def_field(def, i);
        unsigned below = 0;

        if (field->flag_bit != TL_NO_FLAG)
            continue;
        if (field->kind == TL_K_OBJECT)
            below = gen->rank[shallowest(gen, field->type) - tl_def_at(0)];
        else if (field->kind == TL_K_BARE)
            below = gen->rank[field->type];
        if (below == UNKNOWN)
            return UNKNOWN;
        if (below + 1 > rank)
            rank = below + 1;
    }
    return rank;
}

bool tl_gen_init(struct tl_gen *gen, uint64_t seed)
{
    bool changed = true;

    *gen = (struct tl_gen){.state = seed, .max_depth = 5, .flag_chance = 128};
    gen->rank = malloc(tl_def_count());
    if (!gen->rank)
        return false;
    memset(gen->rank, UNKNOWN, tl_def_count());
    while (changed) {
        changed = false;
        for (size_t i = 0; i < tl_def_count(); i++) {
            unsigned rank = rank_of(gen, tl_def_at(i));

            changed |= rank != gen->rank[i];
            gen->rank[i] = (uint8_t)rank;
        }
    }
    return true;
}

void tl_gen_fini(struct tl_gen *gen)
{
    free(gen->rank);
    gen->rank = NULL;
}

/* --- values --- */

static void put_text(struct tl_gen *gen, struct tl_out *out)
{
    static const char *const pieces[] = {"a",  "B",      "0",  " ",          "\"", "\\",
                                         "\n", "\x01",   "\t", "\x7f",       "é",  "ß",
                                         "中", "\uffff", "😀",  "\U0010ffff", "</", "\u2028"};
    char text[1100];
    size_t n = 0;
    uint32_t count = tl_gen_below(gen, 40) ? tl_gen_below(gen, 12) : 250 + tl_gen_below(gen, 15);

    while (count--) {
        const char *piece = pieces[tl_gen_below(gen, sizeof pieces / sizeof *pieces)];

        memcpy(text + n, piece, strlen(piece));
        n += strlen(piece);
    }
    tl_put_bytes(out, text, n);
}

static void put_noise(struct tl_gen *gen, size_t n, struct tl_out *out)
{
    while (n--) {
        uint8_t b = (uint8_t)tl_gen_u64(gen);
        tl_put_raw(out, &b, 1);
    }
}

static void put_blob(struct tl_gen *gen, struct tl_out *out)
{
    uint8_t noise[300];
    size_t n = tl_gen_below(gen, 30) ? tl_gen_below(gen, 20) : 250 + tl_gen_below(gen, 10);

    for (size_t i = 0; i < n; i++)
        noise[i] = (uint8_t)tl_gen_u64(gen);
    tl_put_bytes(out, noise, n);
}

static void put_number(struct tl_gen *gen, enum tl_kind kind, struct tl_out *out)
{
    static const double doubles[] = {
        0.0, -0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, 1.7976931348623157e308, 1e22, 12345678901234567.0};
    uint64_t bits;

    switch (tl_gen_below(gen, 6)) {
    case 0:
        bits = 0;
        break;
    case 1:
        bits = UINT64_MAX;
        break;
    case 2:
        bits = kind == TL_K_LONG ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
        break;
    case 3:
        bits = tl_gen_below(gen, 1000);
        break;
    default:
        bits = tl_gen_u64(gen);
        break;
    }
    if (kind == TL_K_INT)
        tl_put_u32(out, (uint32_t)bits);
    else if (kind == TL_K_LONG)
        tl_put_u64(out, bits);
    else if (bits == UINT64_MAX)
        tl_put_u64(out, UINT64_C(0x7ff8000000000000)); /* NaN */
    else if (bits == 0)
        tl_put_u64(out, UINT64_C(0xfff0000000000000)); /* -Infinity */
    else
        tl_put_double(out, doubles[bits % (sizeof doubles / sizeof *doubles)]);
}

static const struct tl_def *any_def(struct tl_gen *gen)
{
    static const char *const names[] = {"help.getConfig", "users.getUsers", "messages.sendMessage"};
    const char *name = names[tl_gen_below(gen, 3)];

    return tl_def_by_name(name, strlen(name), true);
}

static void put_object(struct tl_gen *gen, uint16_t type, unsigned depth, struct tl_out *out)
{
    const struct tl_def *def = shallowest(gen, type);

    if (depth < gen->max_depth)
        def = tl_type_ctor(type, tl_gen_below(gen, (uint32_t)tl_type_count(type)));
    tl_put_u32(out, def->id);
    put_fields(gen, def, depth + 1, out);
}

static void put_value(struct tl_gen *gen, enum tl_kind kind, uint16_t type, unsigned depth,
                      struct tl_out *out)
{
    const struct tl_def *def;

    switch (kind) {
    case TL_K_INT:
    case TL_K_LONG:
    case TL_K_DOUBLE:
        put_number(gen, kind, out);
        break;
    case TL_K_INT128:
        put_noise(gen, 16, out);
        break;
    case TL_K_INT256:
        put_noise(gen, 32, out);
        break;
    case TL_K_STRING:
        put_text(gen, out);
        break;
    case TL_K_BYTES:
        put_blob(gen, out);
        break;
    case TL_K_BOOL:
        tl_put_bool(out, tl_gen_below(gen, 2));
        break;
    case TL_K_OBJECT:
        put_object(gen, type, depth, out);
        break;
    case TL_K_ANY:
        def = any_def(gen);
        tl_put_u32(out, def->id);
        put_fields(gen, def, depth + 1, out);
        break;
    case TL_K_BARE:
        put_fields(gen, tl_def_at(type), depth + 1, out);
        break;
    case TL_K_FLAGS:
    case TL_K_TRUE:
    case TL_K_VECTOR:
    case TL_K_BARE_VECTOR:
        break;
    }
}

/* Below 2^53 and, where negative, odd: a writer for JavaScript numbers misplaces other negative ones. */
static void put_small(struct tl_gen *gen, struct tl_out *out)
{
    int64_t v = (int64_t)(tl_gen_u64(gen) >> (11 + tl_gen_below(gen, 52)));

    tl_put_long(out, tl_gen_below(gen, 4) ? v : -(v | 1));
}

static void put_one(struct tl_gen *gen, enum tl_kind kind, uint16_t type, unsigned depth, bool small,
                    struct tl_out *out)
{
    if (small && kind == TL_K_LONG)
        put_small(gen, out);
    else
        put_value(gen, kind, type, depth, out);
}

static void put_field(struct tl_gen *gen, const struct tl_field *field, unsigned depth, bool small,
                      struct tl_out *out)
{
    uint32_t n;

    if (field->kind != TL_K_VECTOR && field->kind != TL_K_BARE_VECTOR) {
        put_one(gen, (enum tl_kind)field->kind, field->type, depth, small, out);
        return;
    }
    n = depth < gen->max_depth ? tl_gen_below(gen, 4) : 0;
    if (n == 0 && gen->filled && field->flag_bit != TL_NO_FLAG)
        n = 1;
    if (field->kind == TL_K_VECTOR)
        tl_put_vector(out, n);
    else
        tl_put_u32(out, n);
    while (n--)
        put_one(gen, (enum tl_kind)field->item, field->type, depth, small, out);
}

/* A flags word: each bit that some field hangs on, by chance. */
static uint32_t pick_flags(struct tl_gen *gen, const struct tl_def *def, size_t word, unsigned depth)
{
    uint32_t known = 0, flags = 0;

    for (size_t i = word; i < def->n_fields; i++) {
        const struct tl_field *field = tl_def_field(def, i);

        if (field->flag_bit != TL_NO_FLAG && field->flag_field == word &&
            (depth < gen->max_depth || field->kind == TL_K_TRUE))
            known |= UINT32_C(1) << field->flag_bit;
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        if ((known >> bit & 1) && tl_gen_below(gen, 256) < gen->flag_chance)
            flags |= UINT32_C(1) << bit;
    }
    return flags;
}

static void put_fields(struct tl_gen *gen, const struct tl_def *def, unsigned depth, struct tl_out *out)
{
    uint32_t words[256] = {0};

    for (size_t i = 0; i < def->n_fields; i++) {
        const struct tl_field *field = tl_def_field(def, i);

        if (field->kind == TL_K_FLAGS) {
            words[i] = pick_flags(gen, def, i, depth);
            tl_put_u32(out, words[i]);
        } else if (field->flag_bit == TL_NO_FLAG || (words[field->flag_field] >> field->flag_bit & 1)) {
            put_field(gen, field, depth, gen->small && gen->small[def->first_field + i], out);
        }
    }
}

void tl_gen_object(struct tl_gen *gen, const struct tl_def *def, struct tl_out *out)
{
    tl_put_u32(out, def->id);
    put_fields(gen, def, 1, out);
}

void tl_gen_field(struct tl_gen *gen, const struct tl_field *field, struct tl_out *out)
{
    put_field(gen, field, 1, false, out);
}
