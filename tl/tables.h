/*
 * What tl/generate.py puts into tables.c. Only inside tl/; everybody else: tl/schema.h.
 *
 *     tl_defs   | functions by name | constructors by name | other shapes |
 *     tl_fields the fields of all defs, one def after the other
 *     tl_types  by name; each has a run of def indexes in tl_ctors
 *     tl_id_slots  open addressing from id to def index, 0xffff = empty: slot = id * 0x9e3779b1 >> shift,
 *               then the next ones; a power of two, never full
 *     tl_names  strings that end in a zero byte; what is called `name` is an offset into it
 */
#pragma once

#include "tl/schema.h"

struct tl_type {
    uint32_t name;
    uint16_t first, n; /* in tl_ctors */
};

struct tl_counts {
    uint16_t functions; /* defs that are functions with a name */
    uint16_t named;     /* and constructors with one */
    uint16_t defs;
    uint16_t types;
    uint16_t shapes;
    uint8_t shift;
};

/* `def` is what layers from..to have in the place of `named`. */
struct tl_shape {
    uint16_t def, named;
    uint16_t from, to;
};

extern const char tl_names[];
extern const struct tl_field tl_fields[];
extern const struct tl_def tl_defs[];
extern const struct tl_type tl_types[];
extern const uint16_t tl_ctors[];
extern const uint16_t tl_id_slots[];
extern const struct tl_shape tl_shapes[];
extern const struct tl_counts tl_counts;
