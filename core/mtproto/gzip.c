#include "core/mtproto/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/error.h"
#include "core/mtproto/ids.h"

#define WINDOW_ANY_FORMAT (15 + 32)
#define WINDOW_GZIP       (15 + 16)
#define PROBE_FROM        (16 * 1024)
#define PROBE_BYTES       1024

int mt_gunzip(const void *p, size_t n, size_t max, uint8_t **out, size_t *out_len)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)p, .avail_in = (uInt)n};
    size_t cap = n < max / 4 && n * 4 + 64 < max ? n * 4 + 64 : max;
    uint8_t *buf = NULL, *more;
    int rc = Z_OK;

    if (inflateInit2(&z, WINDOW_ANY_FORMAT) != Z_OK)
        return MT_E_NOMEM;
    for (;;) {
        more = realloc(buf, cap);
        if (!more)
            break;
        buf = more;
        z.next_out = buf + z.total_out;
        z.avail_out = (uInt)(cap - z.total_out);
        rc = inflate(&z, Z_NO_FLUSH);
        if (rc != Z_OK || z.avail_out || cap == max)
            break;
        cap = cap > max / 2 ? max : cap * 2;
    }
    *out_len = z.total_out;
    inflateEnd(&z);
    if (more && rc == Z_STREAM_END) {
        *out = buf;
        return MT_OK;
    }
    free(buf);
    return !more || rc == Z_MEM_ERROR ? MT_E_NOMEM : MT_E_ZLIB;
}

/* Bytes that p..p+n packs to, into a buffer of `cap`; 0 where it does not fit. */
static size_t pack(const uint8_t *p, size_t n, uint8_t *to, size_t cap)
{
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)p, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)cap};
    int rc;

    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    rc = deflate(&z, Z_FINISH);
    cap = z.total_out;
    deflateEnd(&z);
    return rc == Z_STREAM_END ? cap : 0;
}

bool mt_gzip_function(const uint8_t *p, size_t n, struct tl_out *out)
{
    uint8_t probe[PROBE_BYTES * 9 / 10];
    uint32_t id = n < 4 ? 0 : tl_load32(p);
    uint8_t *packed;
    size_t len;

    if (n < MT_GZIP_MIN || id == MT_ID_SAVE_FILE_PART || id == MT_ID_SAVE_BIG_FILE_PART)
        return false;
    if (n >= PROBE_FROM && !pack(p + n / 2, PROBE_BYTES, probe, sizeof probe))
        return false;
    packed = malloc(n);
    if (!packed)
        return false;
    len = pack(p, n, packed, n - 16); /* id and length of the wrapper */
    if (len) {
        tl_put_u32(out, MT_ID_GZIP_PACKED);
        tl_put_bytes(out, packed, len);
    }
    free(packed);
    return len && !out->err;
}
