/*
 * A byte stream cut into packets, either side: abridged, intermediate, padded intermediate, full, each but
 * the last also inside obfuscated2. Sans-IO: bytes in, packets out; packets in, bytes out.
 *
 *     abridged      | n/4 (1) or 7f n/4 (3) | payload |            greeting ef
 *     intermediate  | n (4) | payload |                            greeting ee ee ee ee
 *     padded        | n (4) | payload | 0..15 random bytes |       greeting dd dd dd dd
 *     full          | n (4) | seqno (4) | payload | crc32 (4) |    no greeting
 *
 * Bit 7 of abridged's first byte, bit 31 of the others' length ask for a quick ack; the server's answer is a
 * token instead of a packet (byte-swapped in abridged). A packet shorter than 24 bytes is a transport error
 * (negative number) or nothing. Padding of a padded packet is taken off as far as its envelope tells.
 *
 * States: open -> failed. The first event of a failed stream is MT_FRAME_FAILED; later feeds do nothing.
 * Source: https://core.telegram.org/mtproto/mtproto-transports, tests/vectors/frame.
 */
#pragma once

#include "core/crypto/crypto.h"
#include "tl/wire.h"

enum mt_framing { MT_ABRIDGED, MT_INTERMEDIATE, MT_PADDED, MT_FULL };

#define MT_FRAME_MAX_IN  (16 * 1024 * 1024) /* larger packets fail the stream */
#define MT_FRAME_MAX_OUT 1044480            /* a real server closes on more */

struct mt_frame_cfg {
    enum mt_framing framing;
    bool obfuscated;    /* not with MT_FULL */
    int16_t dc;         /* into the obfuscated header: +10000 test, negative media */
    uint8_t secret[16]; /* of a proxy or dcOption */
    bool has_secret;
};

enum mt_frame_event_kind {
    MT_FRAME_NONE,      /* all that was fed is used up */
    MT_FRAME_PACKET,    /* p, n: 24 bytes at least; borrowed and writable until the next call of any kind */
    MT_FRAME_QUICK_ACK, /* code: the token, bit 31 set */
    MT_FRAME_ERROR,     /* code: -404, -429, -444, ... as sent */
    MT_FRAME_FAILED,    /* code: MT_E_*; the stream is unusable */
};

struct mt_frame_event {
    enum mt_frame_event_kind kind;
    int32_t code;
    uint8_t *p;
    size_t n;
    bool quick_ack_wanted; /* server side: the client asked for one */
};

struct mt_frame; /* one per TCP connection; heap */

/* Client side: greeting or obfuscated header is the first output. NULL: no memory or cfg impossible. */
struct mt_frame *mt_frame_new(const struct mt_env *env, const struct mt_frame_cfg *cfg);
/*
 * Server side: learns the framing from the first bytes (protocol facts: ef, eeeeeeee, dddddddd, 8 bytes with
 * zeros at 4..8 = full, else obfuscated2 with 64 bytes). `secret` is NULL or the only one accepted, and then
 * only obfuscated streams are.
 */
struct mt_frame *mt_frame_new_server(const struct mt_env *env, const uint8_t *secret);
void mt_frame_free(struct mt_frame *f);

/* Takes in all n bytes (kept until events are pulled). MT_E_NOMEM: none of them; try again or close. */
int mt_frame_feed(struct mt_frame *f, const void *p, size_t n);
/* The next event; call until MT_FRAME_NONE after each feed. */
void mt_frame_next(struct mt_frame *f, struct mt_frame_event *event);
/*
 * Queues one packet, n a multiple of 4. MT_E_TOO_LARGE over MT_FRAME_MAX_OUT (client) or MT_FRAME_MAX_IN
 * (server). quick_ack asks the server for one (client side; ignored in full).
 */
int mt_frame_submit(struct mt_frame *f, const void *packet, size_t n, bool quick_ack);
/* Server side: a quick-ack token or a transport error instead of a packet. */
int mt_frame_submit_quick_ack(struct mt_frame *f, uint32_t token);
int mt_frame_submit_error(struct mt_frame *f, int32_t code);
/* Bytes that wait to be written, borrowed until the next call; then how many of them went out. */
struct tl_slice mt_frame_output(struct mt_frame *f);
void mt_frame_wrote(struct mt_frame *f, size_t n);
/* Server side, once known (after the first packet): what the client chose. */
enum mt_framing mt_frame_framing(const struct mt_frame *f);
bool mt_frame_is_obfuscated(const struct mt_frame *f);
int16_t mt_frame_dc(const struct mt_frame *f); /* of an obfuscated header; 0 otherwise */
