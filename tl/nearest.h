/* "Did you mean": the known name with the smallest edit distance to one that is not known. */
#pragma once

#include <stddef.h>

/* The nearest of n names to `name` (edit distance at most 1/3 of its length, case ignored), else one of
 * which it is the first word, or NULL. */
const char *tl_nearest(const char *const *names, size_t n, const char *name, size_t len);
