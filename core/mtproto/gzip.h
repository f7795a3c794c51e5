/*
 * gzip_packed: packed_data is a gzip stream (RFC 1952) of one serialised object.
 *
 * Nothing that comes in may unpack to more than MT_GZIP_MAX: the largest value that the daemon hands on is
 * 16 MiB, and a packet of 16 MiB could else ask for 16 GB.
 */
#pragma once

#include "tl/wire.h"

#define MT_GZIP_MAX (16u * 1024 * 1024)
/* Smaller functions are sent as they are. */
#define MT_GZIP_MIN 512

/* Unpacks into malloc'ed memory. MT_E_ZLIB: damaged, cut, or over `max`; MT_E_NOMEM. */
int mt_gunzip(const void *p, size_t n, size_t max, uint8_t **out, size_t *out_len);
/*
 * The boxed gzip_packed of a function, where that is worth it: at least MT_GZIP_MIN bytes, not a file part,
 * and smaller than it was. From 16 KiB on, 1 KiB of the middle is tried first. False: send it as it is.
 * `out` is empty before, and then holds the packed object.
 */
bool mt_gzip_function(const uint8_t *p, size_t n, struct tl_out *out);
