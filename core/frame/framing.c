#include "core/frame/framing.h"

#include <string.h>
#include <zlib.h>

#define QUICK_ACK UINT32_C(0x80000000)

static int parse_abridged(bool to_client, const uint8_t *p, size_t n, struct mt_framing_head *h)
{
    if (n < 1)
        return MT_FRAMING_MORE;
    if (to_client && p[0] & 0x80) {
        if (n < 4)
            return MT_FRAMING_MORE;
        h->is_token = true;
        h->head = 4;
        h->token = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        return MT_OK;
    }
    h->quick_ack = (p[0] & 0x80) != 0;
    if ((p[0] & 0x7f) != 0x7f) {
        h->head = 1;
        h->body = (size_t)(p[0] & 0x7f) * 4;
        return MT_OK;
    }
    if (n < 4)
        return MT_FRAMING_MORE;
    h->head = 4;
    h->body = (size_t)(tl_load32(p) >> 8) * 4;
    return MT_OK;
}

static int parse_intermediate(bool to_client, bool padded, const uint8_t *p, size_t n,
                              struct mt_framing_head *h)
{
    uint32_t len;

    if (n < 4)
        return MT_FRAMING_MORE;
    len = tl_load32(p);
    h->head = 4;
    if (len & QUICK_ACK && to_client && !padded) {
        h->is_token = true;
        h->token = len;
        return MT_OK;
    }
    h->quick_ack = !to_client && len & QUICK_ACK;
    if (!to_client)
        len &= ~QUICK_ACK;
    if (!padded && len % 4 != 0)
        return MT_E_PEER;
    h->body = len;
    return MT_OK;
}

static int parse_full(const uint8_t *p, size_t n, struct mt_framing_head *h)
{
    uint32_t total;

    if (n < 4)
        return MT_FRAMING_MORE;
    total = tl_load32(p);
    if (total < 16 || total % 4 != 0)
        return MT_E_PEER;
    h->head = 8;
    h->body = total - 12;
    h->tail = 4;
    return MT_OK;
}

int mt_framing_parse(enum mt_framing framing, bool to_client, const uint8_t *p, size_t n,
                     struct mt_framing_head *h)
{
    int err = MT_E_ARG;

    *h = (struct mt_framing_head){0};
    switch (framing) {
    case MT_ABRIDGED:
        err = parse_abridged(to_client, p, n, h);
        break;
    case MT_INTERMEDIATE:
    case MT_PADDED:
        err = parse_intermediate(to_client, framing == MT_PADDED, p, n, h);
        break;
    case MT_FULL:
        err = parse_full(p, n, h);
        break;
    }
    if (err == MT_OK && h->body > MT_FRAME_MAX_IN)
        return MT_E_TOO_LARGE;
    return err;
}

int mt_framing_check_full(const uint8_t *frame, size_t n, uint32_t seqno)
{
    if (tl_load32(frame + 4) != seqno || tl_load32(frame + n - 4) != crc32(0, frame, (uInt)(n - 4)))
        return MT_E_PEER;
    return MT_OK;
}

size_t mt_framing_unpad(const uint8_t *body, size_t n)
{
    uint32_t len;

    if (tl_load64(body) != 0)
        return 24 + ((n - 24) & ~(size_t)15);
    /* in clear: key id 8, msg_id 8, length 4 */
    len = tl_load32(body + 16);
    return len < 4 || len > n - 20 ? 0 : 20 + (size_t)len;
}

size_t mt_framing_put_head(enum mt_framing framing, uint8_t *out, size_t n, bool quick_ack, uint32_t seqno)
{
    switch (framing) {
    case MT_ABRIDGED:
        if (n / 4 < 0x7f) {
            out[0] = (uint8_t)(n / 4 | (quick_ack ? 0x80 : 0));
            return 1;
        }
        tl_store32(out, (uint32_t)(n / 4) << 8 | 0x7f | (quick_ack ? 0x80 : 0));
        return 4;
    case MT_INTERMEDIATE:
    case MT_PADDED:
        tl_store32(out, (uint32_t)n | (quick_ack ? QUICK_ACK : 0));
        return 4;
    case MT_FULL:
        tl_store32(out, (uint32_t)n + 12);
        tl_store32(out + 4, seqno);
        return 8;
    }
    return 0;
}

size_t mt_framing_put_tail(enum mt_framing framing, uint8_t *frame, size_t n)
{
    if (framing != MT_FULL)
        return 0;
    tl_store32(frame + n, (uint32_t)crc32(0, frame, (uInt)n));
    return 4;
}

size_t mt_framing_greeting(enum mt_framing framing, uint8_t out[4])
{
    switch (framing) {
    case MT_ABRIDGED:
        out[0] = 0xef;
        return 1;
    case MT_INTERMEDIATE:
        memset(out, 0xee, 4);
        return 4;
    case MT_PADDED:
        memset(out, 0xdd, 4);
        return 4;
    case MT_FULL:
        break;
    }
    return 0;
}
