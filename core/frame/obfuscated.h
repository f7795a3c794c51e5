/*
 * The 64 bytes that begin an obfuscated stream, and the two key streams that follow from them; private to
 * core/frame.
 *
 *     | 8 random, none that looks like another protocol | key 32 | iv 16 | framing 4 | dc 2 | 2 random |
 *
 * The client encrypts with key and iv as they stand, the server with those of the 64 bytes reversed. What is
 * sent are the first 56 bytes in clear and the rest from the encryption of all 64.
 */
#pragma once

#include "core/frame/frame.h"

#define MT_OBFUSCATED_HEAD 64

struct mt_streams {
    struct mt_ctr *tx, *rx; /* owned by whoever asked for them */
};

void mt_streams_fini(struct mt_streams *s);

/* Client: draws a header and the streams behind it. MT_E_NOMEM, MT_E_CRYPTO: a random source that is stuck.
 */
int mt_obfuscated_start(const struct mt_env *env, const struct mt_frame_cfg *cfg,
                        uint8_t sent[MT_OBFUSCATED_HEAD], struct mt_streams *s);
/* Server: reads a received header into cfg (framing, dc). MT_E_PEER: it names no framing. MT_E_NOMEM. */
int mt_obfuscated_accept(const uint8_t got[MT_OBFUSCATED_HEAD], struct mt_frame_cfg *cfg,
                         struct mt_streams *s);
/* Whether the first 8 bytes are taken for something else by a server or a filter on the way. */
bool mt_obfuscated_forbidden(const uint8_t head[8]);
