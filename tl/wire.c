#include "tl/wire.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT ((size_t)16 * 1024 * 1024 + 64 * 1024)
#define WIPE_MAX      4096 /* larger ones hold no secret of a login */
#define BYTES_MAX     ((size_t)0xffffff)

const char *tl_strerror(int err)
{
    switch ((enum tl_err)err) {
    case TL_OK:
        return "ok";
    case TL_E_SHORT:
        return "data ends inside a value";
    case TL_E_TRAILING:
        return "data left after the value";
    case TL_E_UNKNOWN:
        return "unknown constructor";
    case TL_E_TYPE:
        return "constructor of another type";
    case TL_E_VALUE:
        return "value out of range";
    case TL_E_COUNT:
        return "vector longer than its data";
    case TL_E_DEPTH:
        return "nested too deeply";
    case TL_E_SIZE:
        return "too large";
    case TL_E_NOMEM:
        return "out of memory";
    }
    return "unknown error";
}

/* --- reading --- */

int tl_fail(struct tl_in *in, int err)
{
    if (!in->err)
        in->err = err;
    return in->err;
}

const uint8_t *tl_raw(struct tl_in *in, size_t n)
{
    const uint8_t *p = in->p;

    if (in->err || n > tl_left(in)) {
        tl_fail(in, TL_E_SHORT);
        return NULL;
    }
    in->p += n;
    return p;
}

uint32_t tl_u32(struct tl_in *in)
{
    const uint8_t *p = tl_raw(in, 4);
    return p ? tl_load32(p) : 0;
}

uint64_t tl_u64(struct tl_in *in)
{
    const uint8_t *p = tl_raw(in, 8);
    return p ? tl_load64(p) : 0;
}

double tl_double(struct tl_in *in)
{
    uint64_t bits = tl_u64(in);
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

bool tl_bool(struct tl_in *in)
{
    uint32_t id = tl_u32(in);

    if (id != TL_BOOL_TRUE && id != TL_BOOL_FALSE)
        tl_fail(in, TL_E_TYPE);
    return id == TL_BOOL_TRUE;
}

struct tl_slice tl_bytes(struct tl_in *in)
{
    const uint8_t *head = tl_raw(in, 4);
    size_t n, have;

    if (!head)
        return (struct tl_slice){0};
    if (head[0] == 0xff) {
        tl_fail(in, TL_E_VALUE);
        return (struct tl_slice){0};
    }
    if (head[0] == 0xfe) {
        n = (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;
        have = 0;
    } else {
        n = head[0];
        have = 3;
    }
    if (n > have && !tl_raw(in, (n - have + 3) & ~(size_t)3))
        return (struct tl_slice){0};
    return (struct tl_slice){.p = head + 4 - have, .n = n};
}

uint32_t tl_vector(struct tl_in *in, size_t min_item)
{
    uint32_t id = tl_u32(in);
    uint32_t count = tl_u32(in);

    if (in->err)
        return 0;
    if (id != TL_VECTOR) {
        tl_fail(in, TL_E_TYPE);
        return 0;
    }
    if (min_item && count > tl_left(in) / min_item) {
        tl_fail(in, TL_E_COUNT);
        return 0;
    }
    return count;
}

int tl_end(struct tl_in *in)
{
    return tl_left(in) ? tl_fail(in, TL_E_TRAILING) : in->err;
}

uint32_t tl_peek(const struct tl_in *in)
{
    return tl_left(in) < 4 ? 0 : tl_load32(in->p);
}

/* --- writing --- */

void tl_out_free(struct tl_out *out)
{
    if (!out->fixed)
        free(out->data);
    *out = (struct tl_out){0};
}

void tl_out_reset(struct tl_out *out)
{
    out->len = 0;
    out->err = TL_OK;
}

int tl_out_fail(struct tl_out *out, int err)
{
    if (!out->err)
        out->err = err;
    return out->err;
}

/* realloc() leaves what it moved behind; a small buffer may hold a code, a proof of a password or a token. */
static uint8_t *move_wiped(struct tl_out *out, size_t cap)
{
    uint8_t *data = malloc(cap);

    if (!data || !out->data)
        return data;
    memcpy(data, out->data, out->len);
    explicit_bzero(out->data, out->cap);
    free(out->data);
    return data;
}

static bool grow(struct tl_out *out, size_t need)
{
    size_t limit = out->limit ? out->limit : DEFAULT_LIMIT;
    size_t cap = out->cap ? out->cap : limit < 256 ? limit : 256;
    uint8_t *data;

    if (need > limit || out->fixed) {
        tl_out_fail(out, TL_E_SIZE);
        return false;
    }
    while (cap < need)
        cap = cap > limit / 2 ? limit : cap * 2;
    data = out->cap > WIPE_MAX ? realloc(out->data, cap) : move_wiped(out, cap);
    if (!data) {
        tl_out_fail(out, TL_E_NOMEM);
        return false;
    }
    out->data = data;
    out->cap = cap;
    return true;
}

uint8_t *tl_out_room(struct tl_out *out, size_t n)
{
    uint8_t *p;

    if (out->err)
        return NULL;
    if (n > SIZE_MAX - out->len) {
        tl_out_fail(out, TL_E_SIZE);
        return NULL;
    }
    if ((out->len + n > out->cap || !out->data) && !grow(out, out->len + n))
        return NULL;
    p = out->data + out->len;
    out->len += n;
    return p;
}

void tl_put_u32(struct tl_out *out, uint32_t v)
{
    uint8_t *p = tl_out_room(out, 4);

    if (p)
        tl_store32(p, v);
}

void tl_put_u64(struct tl_out *out, uint64_t v)
{
    uint8_t *p = tl_out_room(out, 8);

    if (p)
        tl_store64(p, v);
}

void tl_put_double(struct tl_out *out, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    tl_put_u64(out, bits);
}

void tl_put_bool(struct tl_out *out, bool v)
{
    tl_put_u32(out, v ? TL_BOOL_TRUE : TL_BOOL_FALSE);
}

void tl_put_raw(struct tl_out *out, const void *p, size_t n)
{
    uint8_t *to = tl_out_room(out, n);

    if (to && n)
        memcpy(to, p, n);
}

void tl_put_bytes(struct tl_out *out, const void *p, size_t n)
{
    size_t head = n < 254 ? 1 : 4;
    size_t pad = -(head + n) & 3;
    uint8_t *to;

    if (n > BYTES_MAX) {
        tl_out_fail(out, TL_E_SIZE);
        return;
    }
    to = tl_out_room(out, head + n + pad);
    if (!to)
        return;
    if (head == 1)
        to[0] = (uint8_t)n;
    else
        tl_store32(to, 0xfe | (uint32_t)n << 8);
    if (n)
        memcpy(to + head, p, n);
    memset(to + head + n, 0, pad);
}

void tl_put_str(struct tl_out *out, const char *s)
{
    tl_put_bytes(out, s, strlen(s));
}

void tl_put_vector(struct tl_out *out, uint32_t count)
{
    tl_put_u32(out, TL_VECTOR);
    tl_put_u32(out, count);
}

void tl_patch_u32(struct tl_out *out, size_t at, uint32_t v)
{
    if (!out->err)
        tl_store32(out->data + at, v);
}
