/*
 * The same value in the shape of another layer, bytes to bytes. For a server that knows one layer and answers
 * each client in the one that the client declared, and reads its calls.
 *
 * Which shapes there are, and for which layers, stands in schema/compat.tl ("// LAYERS a-b"). Fields go by
 * name: what the target lacks is dropped, what the source lacks is absent; a field that must be there and is
 * not, or that is of another kind, is TL_E_TYPE.
 */
#pragma once

#include "tl/schema.h"

/* The shape that `layer` has of def: another one of the same name, or def itself. tl_layer leads back to
 * ours. */
const struct tl_def *tl_def_for_layer(const struct tl_def *def, int layer);

/*
 * Appends to `out` the value at the front of `in`, in the form of `field` (a function's result; NULL = any
 * boxed object or function), with everything in it as `layer` has it. `in` moves past it. After an error what
 * was appended is useless.
 */
int tl_reshape(struct tl_in *in, const struct tl_field *field, int layer, struct tl_out *out);
