/*
 * The four framings as pure functions of bytes; private to core/frame. A frame is head | body | tail, the
 * body holds the packet and, in padded intermediate, random bytes after it.
 */
#pragma once

#include "core/frame/frame.h"

#define MT_FRAMING_HEAD_MAX 8
#define MT_FRAMING_PAD_MAX  15

struct mt_framing_head {
    size_t head, body, tail;
    bool quick_ack; /* to a server: one is asked for */
    bool is_token;  /* to a client: no frame but the token, `head` bytes long */
    uint32_t token;
};

#define MT_FRAMING_MORE 1
/* Reads a head. MT_OK, MT_FRAMING_MORE where it is not all there, or MT_E_* for a length that cannot be. */
int mt_framing_parse(enum mt_framing framing, bool to_client, const uint8_t *p, size_t n,
                     struct mt_framing_head *h);
/* A whole frame of full: number and checksum. MT_E_PEER where either is wrong. */
int mt_framing_check_full(const uint8_t *frame, size_t n, uint32_t seqno);
/* The length of the packet in a padded body of n >= 24 bytes, as its envelope tells; 0: it tells nonsense. */
size_t mt_framing_unpad(const uint8_t *body, size_t n);

/* Writes the head of a body of n bytes (padding included); returns its length. seqno is for full alone. */
size_t mt_framing_put_head(enum mt_framing framing, uint8_t *out, size_t n, bool quick_ack, uint32_t seqno);
/* Writes the tail of a frame whose first n bytes are complete; returns its length. */
size_t mt_framing_put_tail(enum mt_framing framing, uint8_t *frame, size_t n);
/* What the client greets with: its length, 0 in full. */
size_t mt_framing_greeting(enum mt_framing framing, uint8_t out[4]);
