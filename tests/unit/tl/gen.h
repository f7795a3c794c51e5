/*
 * Random values of any def, as bytes on the wire: same seed, same bytes. For round trips of the whole schema
 * (tests/unit/tl, tests/interop/codec, tests/bench).
 *
 * Values are what every codec agrees on: text is UTF-8 without U+0000, NaN is the one quiet NaN, flags words
 * have no bits that the schema does not know. Depth is bounded: below it flags are clear, vectors empty, and
 * of a type's constructors the one that ends soonest is taken.
 */
#pragma once

#include "tl/schema.h"

struct tl_gen {
    uint64_t state;
    unsigned max_depth;
    unsigned flag_chance; /* of 256: how often an optional field is there */
    bool filled;          /* an optional vector that is there has items (some writers drop empty ones) */
    const uint8_t *small; /* per field row (def->first_field + i): 1 = its longs stay below 2^53; or NULL */
    uint8_t *rank;        /* per def: levels below its shallowest value; 0xff = none known */
};

/* false: no memory. */
bool tl_gen_init(struct tl_gen *gen, uint64_t seed);
void tl_gen_fini(struct tl_gen *gen);
void tl_gen_seed(struct tl_gen *gen, uint64_t seed);
/* splitmix64 */
uint64_t tl_gen_u64(struct tl_gen *gen);
/* 0 .. n-1 */
uint32_t tl_gen_below(struct tl_gen *gen, uint32_t n);
/* Appends id and fields of one value. */
void tl_gen_object(struct tl_gen *gen, const struct tl_def *def, struct tl_out *out);
/* Appends a value in the form of `field` (a function's result). */
void tl_gen_field(struct tl_gen *gen, const struct tl_field *field, struct tl_out *out);
