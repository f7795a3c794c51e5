/*
 * The schema as const tables, made at build time by tl/generate.py from the files in tl/schema/.
 *
 * A *def* is one constructor or one function. Everything here is read-only data with offsets and indexes in
 * place of pointers, so it needs no relocation and is shared by all processes; nothing is allocated and
 * nothing is initialised at start. Names come from tl_def_name(), tl_field_name(), tl_type_name(). tl/ids.h
 * (generated) has `TL_<name>` for every id, with dots as underscores (TL_updates_difference,
 * TL_messages_sendMessage), and `TLF_<name>__<field>` for every field's index in its def. Other shapes in
 * compat.tl carry their id in the name: TL_photoSize_77bfb61b.
 */
#pragma once

#include "tl/wire.h"

enum tl_kind {
    TL_K_INT,    /* 4 bytes, signed */
    TL_K_FLAGS,  /* # : 4 bytes, a word of flag bits */
    TL_K_LONG,   /* 8 bytes, signed */
    TL_K_DOUBLE, /* 8 bytes IEEE-754 */
    TL_K_INT128, /* 16 bytes as they are */
    TL_K_INT256, /* 32 bytes as they are */
    TL_K_STRING, /* bytes that should be UTF-8 */
    TL_K_BYTES,
    TL_K_BOOL,   /* boxed Bool */
    TL_K_TRUE,   /* a flag bit, no bytes */
    TL_K_OBJECT, /* boxed; `type` says which type */
    TL_K_BARE,   /* bare constructor: no id on the wire; `type` is the def's index for tl_def_at() */
    TL_K_ANY,    /* !X of a wrapper, or Object: any boxed function or constructor, no vector, no Bool */
    TL_K_VECTOR, /* boxed vector; `item` says of what */
    TL_K_BARE_VECTOR,
};

#define TL_NO_FLAG 0xff
#define TL_NO_TYPE 0xffff

struct tl_field {
    uint16_t name;    /* tl_field_name() */
    uint16_t type;    /* of an object or an object item: index for tl_type_name(); of a bare one: def index */
    uint8_t kind;     /* enum tl_kind */
    uint8_t item;     /* for vectors: the kind of an item, never a vector again */
    uint8_t flag_bit; /* TL_NO_FLAG, or bit 0..31 */
    uint8_t flag_field; /* index of the # field that holds that bit; it stands before this one */
};

/* TL_S_COMPAT: other shapes of a constructor, known by id only. */
enum tl_section { TL_S_API, TL_S_MTPROTO, TL_S_E2E, TL_S_COMPAT };

/* Who may call a function. */
enum tl_access { TL_A_BOTH, TL_A_USER, TL_A_BOT };

struct tl_def {
    uint32_t id;
    uint32_t name;        /* tl_def_name() */
    uint16_t type;        /* constructor: its type; function: its result type, TL_NO_TYPE where no object */
    uint16_t first_field; /* tl_def_field() */
    uint16_t n_fields;
    uint8_t section;     /* enum tl_section */
    uint8_t is_function; /* 0 or 1 */
    uint8_t access;      /* functions: enum tl_access */
    uint8_t repeatable;  /* functions: 1 where asking twice is as good as asking once (repeatable.list) */
    /* functions only: the result, in the form of a field without a name ("Vector<long>" is VECTOR of LONG;
     * a wrapper's X is TL_K_ANY) */
    struct tl_field result;
};

/* The layer of tl/schema/api.tl. */
extern const int tl_layer;

/* By id, or NULL. Constructors and functions share one space of ids. */
const struct tl_def *tl_def_by_id(uint32_t id);
/* By name ("messages.sendMessage"), or NULL. Case matters. `functions` picks the name space. Never another
 * shape. */
const struct tl_def *tl_def_by_name(const char *name, size_t len, bool functions);
/* "updates.difference" */
const char *tl_def_name(const struct tl_def *def);
/* Field i of n_fields; they stand side by side. */
const struct tl_field *tl_def_field(const struct tl_def *def, size_t i);
const char *tl_field_name(const struct tl_field *field);
/* True for a function that changes nothing, so that it may be sent again after a reconnect. */
bool tl_is_repeatable(const struct tl_def *def);
/* All defs, for walks (discovery, tests): index 0 .. tl_def_count()-1. */
size_t tl_def_count(void);
const struct tl_def *tl_def_at(size_t i);

/* "" for TL_NO_TYPE. */
const char *tl_type_name(uint16_t type);
/* Type index by name, or -1. */
int tl_type_by_name(const char *name, size_t len);
/* How many constructors a type has (without other shapes), and the i-th of them. */
size_t tl_type_count(uint16_t type);
size_t tl_type_total(void); /* how many types there are: index 0 .. tl_type_total()-1 */
const struct tl_def *tl_type_ctor(uint16_t type, size_t i);
/* Index of a field by name, or -1. */
int tl_field_by_name(const struct tl_def *def, const char *name, size_t len);
/* The name nearest to a misspelt one (edit distance at most 1/3 of its length), or NULL. */
const char *tl_nearest_function(const char *name, size_t len);
const char *tl_nearest_ctor(uint16_t type, const char *name, size_t len);
const char *tl_nearest_field(const struct tl_def *def, const char *name, size_t len);
