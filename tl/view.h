/*
 * Typed access to the fields of an object in place: nothing is copied, nothing allocated.
 *
 *     struct tl_view v;
 *     if (tl_view_open(&v, p, n) == TL_OK && v.def->id == TL_message) {
 *         int32_t id = tl_get_int(&v, TLF_message__id);
 *         ...
 *
 * Opening walks the whole object once, checks every byte of it, and notes where each field starts; so an
 * accessor cannot fail on content. Asking for a field with the wrong accessor, or one that is absent, yields
 * zero or empty. A view borrows the bytes that it was opened on.
 */
#pragma once

#include "tl/schema.h"

#define TL_VIEW_FIELDS 96 /* the generator fails on a def with more */

struct tl_view {
    const struct tl_def *def;
    const uint8_t *p; /* the object with its id; of a bare item: 4 bytes before it, not to be read */
    size_t n;         /* its length in bytes */
    uint32_t
        off[TL_VIEW_FIELDS]; /* of each field from p; 0 = absent (flag not set). Beyond n_fields: unset */
};

/*
 * Opens the boxed object at the front of p..p+n. Bytes after it are allowed; v->n says how many it took.
 * TL_E_UNKNOWN for an id outside the schema at any depth; a bare Vector id at the front is TL_E_TYPE (see
 * tl_vec_open). On an error v->def is NULL.
 */
int tl_view_open(struct tl_view *v, const void *p, size_t n);
/* The same, and nothing may follow. */
int tl_view_open_exact(struct tl_view *v, const void *p, size_t n);

bool tl_has(const struct tl_view *v, unsigned field); /* present; for TL_K_TRUE: set */
int32_t tl_get_int(const struct tl_view *v, unsigned field);
uint32_t tl_get_flags(const struct tl_view *v, unsigned field);
int64_t tl_get_long(const struct tl_view *v, unsigned field);
double tl_get_double(const struct tl_view *v, unsigned field);
bool tl_get_bool(const struct tl_view *v, unsigned field);
struct tl_slice tl_get_bytes(const struct tl_view *v, unsigned field); /* string, bytes, int128, int256 */
/* The whole bytes of a field of any kind, with ids and counts. */
struct tl_slice tl_get_raw(const struct tl_view *v, unsigned field);
/* Opens an object field; false (and sub->def NULL) where it is absent or not an object. */
bool tl_get_object(const struct tl_view *v, unsigned field, struct tl_view *sub);
/* The id of an object field without opening it; 0 where absent. */
uint32_t tl_get_id(const struct tl_view *v, unsigned field);
/* Field by name, for code that works on several constructors of one shape: -1 where the def lacks it. */
int tl_view_field(const struct tl_view *v, const char *name);

/* --- vectors --- */

struct tl_vec {
    struct tl_in in;
    uint32_t left; /* items not yet read */
    uint8_t item;  /* TL_K_BARE: items are bare */
    uint16_t type; /* then: def index */
};

/* An absent field is an empty vector. */
struct tl_vec tl_get_vector(const struct tl_view *v, unsigned field);
/* A boxed vector at p, as results of functions have it. */
int tl_vec_open(struct tl_vec *vec, const void *p, size_t n);
/* Each returns false at the end, or where an item does not parse (vec->in.err says which). */
bool tl_vec_object(struct tl_vec *vec, struct tl_view *item); /* boxed or bare */
bool tl_vec_long(struct tl_vec *vec, int64_t *item);
bool tl_vec_int(struct tl_vec *vec, int32_t *item);
bool tl_vec_bytes(struct tl_vec *vec, struct tl_slice *item);

/* Moves past one boxed object of any type, checking it; returns in->err. */
int tl_skip_object(struct tl_in *in);
/* Moves past a value in the form of `field` (a function's `result`), whether or not it has a flag. */
int tl_skip_field(struct tl_in *in, const struct tl_field *field);
