/*
 * Is there a data centre of MTProto at the other end? The first step of a key exchange, which needs no key:
 * req_pq_multi out, resPQ with our nonce back. Sans-IO, over the frames of a connection that is open.
 *
 * States: ASKING -> YES, or NO with words. Source: https://core.telegram.org/mtproto/auth_key.
 */
#pragma once

#include "core/frame/frame.h"

enum mt_probe_state { MT_PROBE_ASKING, MT_PROBE_YES, MT_PROBE_NO };

struct mt_probe;

struct mt_probe *mt_probe_new(const struct mt_env *env, const struct mt_frame_cfg *frame, struct mt_now now);
void mt_probe_free(struct mt_probe *p);
enum mt_probe_state mt_probe_state(const struct mt_probe *p);
const char *mt_probe_reason(const struct mt_probe *p); /* NO: static */
void mt_probe_feed(struct mt_probe *p, const void *bytes, size_t n);
struct tl_slice mt_probe_output(struct mt_probe *p);
void mt_probe_wrote(struct mt_probe *p, size_t n);
