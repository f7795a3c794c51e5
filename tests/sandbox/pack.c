#define ZLIB_CONST
#include <stdlib.h>
#include <zlib.h>

#include "tests/sandbox/peer.h"
#include "tl/ids.h"

#define GZIP_WINDOW (15 + 16) /* zlib's way to say: gzip, not zlib, format */
#define AUTO_WINDOW (15 + 32)

static int inflate_all(z_stream *z, size_t max, struct tl_out *out)
{
    uint8_t buf[16384];
    int rc;

    do {
        z->next_out = buf;
        z->avail_out = sizeof buf;
        rc = inflate(z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END)
            return MT_E_ZLIB;
        tl_put_raw(out, buf, sizeof buf - z->avail_out);
        if (out->err || out->len > max)
            return MT_E_ZLIB;
    } while (rc != Z_STREAM_END);
    return MT_OK;
}

int sb_gunzip(const uint8_t *p, size_t n, size_t max, uint8_t **data, size_t *len)
{
    struct tl_out out = {.limit = max};
    z_stream z = {0};
    int err;

    if (n > SB_IN_MAX || inflateInit2(&z, AUTO_WINDOW) != Z_OK)
        return MT_E_NOMEM;
    z.next_in = p;
    z.avail_in = (uInt)n;
    err = inflate_all(&z, max, &out);
    inflateEnd(&z);
    if (err) {
        tl_out_free(&out);
        return err;
    }
    *data = out.data;
    *len = out.len;
    return MT_OK;
}

bool sb_gzip_packed(struct tl_out *out, const void *p, size_t n)
{
    z_stream z = {0};
    uint8_t *packed;
    bool ok = false;

    if (n > SB_OUT_MAX || deflateInit2(&z, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    packed = malloc(n);
    if (packed) {
        z.next_in = p;
        z.avail_in = (uInt)n;
        z.next_out = packed;
        z.avail_out = (uInt)n;
        if (deflate(&z, Z_FINISH) == Z_STREAM_END && n - z.avail_out + 8 < n) {
            tl_put_u32(out, TL_gzip_packed);
            tl_put_bytes(out, packed, n - z.avail_out);
            ok = !out->err;
        }
    }
    deflateEnd(&z);
    free(packed);
    return ok;
}
