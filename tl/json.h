/*
 * TL bytes <-> JSON, walked over the tables of tl/schema.h.
 *
 * The JSON form (api.md section 3): int is a number; long is a decimal string; double a number or "NaN",
 * "Infinity", "-Infinity"; Bool true/false; true-flags `true` or absent; string text; bytes, int128, int256
 * base64; a vector an array; an object {"_":"constructor", ...}; an absent optional field is absent; flags
 * words do not appear. Text that is not UTF-8 gets U+FFFD for each bad byte.
 */
#pragma once

#include "tl/schema.h"
#include <jansson.h>

/*
 * Writes JSON text (compact, no newline) for the boxed object at the front of `in`, straight from the bytes:
 * no tree is built. `in` moves past the object. Errors as in tl/view.h; `out->limit` bounds the text. On an
 * error `out` holds a useless prefix; reset it.
 */
int tl_to_json(struct tl_in *in, struct tl_out *out);
/* The same for a value in the form of `field` (a function's `result`, where it may be a vector or Bool). */
int tl_field_to_json(struct tl_in *in, const struct tl_field *field, struct tl_out *out);

/* JSON string with quotes and escapes, bad UTF-8 replaced. For code that writes JSON beside ours. */
void tl_json_string(struct tl_out *out, const void *p, size_t n);

/*
 * What the walker asks its caller while it encodes. Either may be NULL.
 */
struct tl_json_hooks {
    void *ctx;
    /*
     * A field or item of an object type holds JSON that is no object (a number, a string, perhaps an array):
     * `type` is the type's name ("InputPeer"). Writes the boxed object to `out` and returns 1; 0 = not mine
     * (an ordinary error follows); negative = refused, the walk ends with that number and the path of the
     * field.
     */
    int (*scalar)(void *ctx, const char *type, const json_t *value, struct tl_out *out);
    /*
     * A required field is missing. Writes the value in the form of `field` and returns 1, or 0 for the
     * ordinary error, or a negative number as above. Used for random_id. Fields come in the order of the def.
     */
    int (*missing)(void *ctx, const struct tl_def *def, const struct tl_field *field, struct tl_out *out);
};

#define TL_PATH_MAX 256

struct tl_json_error {
    int err;                /* TL_E_*, or what a hook returned */
    char path[TL_PATH_MAX]; /* "params.peer.user_id", "params.id[3]" */
    char text[256];         /* "expected long", "unknown field 'mesage'; did you mean 'message'?" */
};

/*
 * Encodes a call: `params` is the object of its fields without "_". `root` is the first part of every path
 * ("params"). Checks everything: unknown fields are refused by name with the nearest known one; numbers out
 * of range, 1.0 or 1e3 for an integer, strings with U+0000, base64 that is none, are refused with the path.
 * A flags word may not be given: it follows from which fields are there. Returns TL_OK or error->err.
 */
int tl_call_from_json(const struct tl_def *def, const json_t *params, const char *root,
                      const struct tl_json_hooks *hooks, struct tl_out *out, struct tl_json_error *error);
/* Encodes a boxed object of `type`. "_" may be left out where a type has one constructor. */
int tl_object_from_json(uint16_t type, const json_t *value, const char *root,
                        const struct tl_json_hooks *hooks, struct tl_out *out, struct tl_json_error *error);
/* Encodes a value in the form of `field` (a function's result), for servers. */
int tl_field_from_json(const struct tl_field *field, const json_t *value, const char *root,
                       const struct tl_json_hooks *hooks, struct tl_out *out, struct tl_json_error *error);
