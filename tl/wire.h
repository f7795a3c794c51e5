/*
 * Bytes in, bytes out: the scalar layer of TL, with a sticky error on either side.
 *
 * All numbers are little-endian and unaligned on the wire, on any CPU. A reader that runs past its end, or
 * meets a malformed value, sets `err` once and from then on yields zeros and empty slices; so a parser reads
 * all its fields and checks once. A writer that cannot grow, or would pass `limit`, does the same.
 *
 *     string/bytes, n < 254:   | n  | data ... | 0..3 zero bytes to a multiple of 4 |
 *                  n >= 254:   | fe | n (24 bits) | data ... | 0..3 zero bytes      |
 *
 * Source: https://core.telegram.org/mtproto/serialize
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tl_err {
    TL_OK = 0,
    TL_E_SHORT = -1,    /* input ends inside a value */
    TL_E_TRAILING = -2, /* bytes left after the value */
    TL_E_UNKNOWN = -3,  /* constructor id that the schema does not have */
    TL_E_TYPE = -4,     /* known constructor, but of another type than expected here */
    TL_E_VALUE = -5,    /* a value out of its range (Bool, padding, flag bits, JSON of the wrong kind) */
    TL_E_COUNT = -6,    /* vector count larger than the bytes left could hold */
    TL_E_DEPTH = -7,    /* nested deeper than TL_MAX_DEPTH */
    TL_E_SIZE = -8,     /* output would pass its limit, or a string its 2^24-1 bytes */
    TL_E_NOMEM = -9,
};

#define TL_MAX_DEPTH 64

#define TL_VECTOR     UINT32_C(0x1cb5c415)
#define TL_BOOL_TRUE  UINT32_C(0x997275b5)
#define TL_BOOL_FALSE UINT32_C(0xbc799737)

/* English, lower case, static storage. Never NULL. */
const char *tl_strerror(int err);

/* Borrowed bytes: valid as long as the buffer that was read. `p` may be NULL where n is 0. */
struct tl_slice {
    const uint8_t *p;
    size_t n;
};

/* --- reading --- */

struct tl_in {
    const uint8_t *p;   /* next byte */
    const uint8_t *end; /* one past the last */
    int err;            /* TL_OK, or the first error met */
};

static inline struct tl_in tl_in(const void *p, size_t n)
{
    return (struct tl_in){.p = p, .end = n ? (const uint8_t *)p + n : p};
}
static inline size_t tl_left(const struct tl_in *in)
{
    return in->err ? 0 : (size_t)(in->end - in->p);
}
/* Sets the error unless one is set already; returns the error that stands. */
int tl_fail(struct tl_in *in, int err);

uint32_t tl_u32(struct tl_in *in);
uint64_t tl_u64(struct tl_in *in);
static inline int32_t tl_int(struct tl_in *in)
{
    return (int32_t)tl_u32(in);
}
static inline int64_t tl_long(struct tl_in *in)
{
    return (int64_t)tl_u64(in);
}
double tl_double(struct tl_in *in);
/* boxed Bool; anything but the two ids is TL_E_TYPE */
bool tl_bool(struct tl_in *in);
/* string or bytes, with its padding; the padding's content is not checked */
struct tl_slice tl_bytes(struct tl_in *in);
/* n bytes as they are (int128, int256, the tail of a packet); NULL after an error */
const uint8_t *tl_raw(struct tl_in *in, size_t n);
/* Vector head: id and count, checked against what is left if each item takes at least min_item bytes. */
uint32_t tl_vector(struct tl_in *in, size_t min_item);
/* TL_E_TRAILING where bytes are left; returns the error that stands. */
int tl_end(struct tl_in *in);
/* The id at the front without reading it; 0 where fewer than 4 bytes are left. */
uint32_t tl_peek(const struct tl_in *in);

/* --- writing --- */

/*
 * A growing buffer. Zero it, set `limit` (0 = 16 MiB + 64 KiB), write; tl_out_free() or take `data` (malloc).
 * With `fixed` set the buffer is the caller's and never grown: TL_E_SIZE past `cap`.
 */
struct tl_out {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t limit;
    int err;
    bool fixed;
};

void tl_out_free(struct tl_out *out);
/* Keeps the memory, forgets content and error. */
void tl_out_reset(struct tl_out *out);
/* Room for n bytes at the end, counted as written; NULL (and err) where there is none. Content undefined. */
uint8_t *tl_out_room(struct tl_out *out, size_t n);
int tl_out_fail(struct tl_out *out, int err);

void tl_put_u32(struct tl_out *out, uint32_t v);
void tl_put_u64(struct tl_out *out, uint64_t v);
static inline void tl_put_int(struct tl_out *out, int32_t v)
{
    tl_put_u32(out, (uint32_t)v);
}
static inline void tl_put_long(struct tl_out *out, int64_t v)
{
    tl_put_u64(out, (uint64_t)v);
}
void tl_put_double(struct tl_out *out, double v);
void tl_put_bool(struct tl_out *out, bool v);
void tl_put_raw(struct tl_out *out, const void *p, size_t n);
void tl_put_bytes(struct tl_out *out, const void *p, size_t n);
void tl_put_str(struct tl_out *out, const char *s);
/* id and count; the items follow */
void tl_put_vector(struct tl_out *out, uint32_t count);
/* Overwrites 4 bytes written earlier (a flags word, a count, a length). */
void tl_patch_u32(struct tl_out *out, size_t at, uint32_t v);

/* --- unaligned little-endian access to plain memory --- */

static inline uint32_t tl_load32(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}
static inline uint64_t tl_load64(const void *p)
{
    return (uint64_t)tl_load32(p) | (uint64_t)tl_load32((const uint8_t *)p + 4) << 32;
}
static inline void tl_store32(void *p, uint32_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)v;
    b[1] = (uint8_t)(v >> 8);
    b[2] = (uint8_t)(v >> 16);
    b[3] = (uint8_t)(v >> 24);
}
static inline void tl_store64(void *p, uint64_t v)
{
    tl_store32(p, (uint32_t)v);
    tl_store32((uint8_t *)p + 4, (uint32_t)(v >> 32));
}
