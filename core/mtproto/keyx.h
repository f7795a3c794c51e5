/*
 * The client's half of the key exchange: how an auth_key is made with a data centre that has none of ours.
 * Sans-IO; whole packet payloads in and out (what core/frame hands out and takes).
 *
 *     req_pq_multi ------------>            we draw nonce
 *                  <------------ resPQ      pq is factored, an RSA key chosen, new_nonce drawn
 *     req_DH_params ----------->            (RSA_PAD)
 *                  <------------ server_DH_params_ok    prime, g and g_a checked, b drawn
 *     set_client_DH_params ---->
 *                  <------------ dh_gen_ok | dh_gen_retry (new b, at most 5 times) | dh_gen_fail
 *
 * States: running <-> computing (elsewhere: pq after resPQ, the powers after server_DH_params) -> done |
 * failed. Every check of https://core.telegram.org/mtproto/auth_key is made; the first that fails ends the
 * machine in one FAILED event, and later feeds do nothing. Then close the connection and begin again with a
 * new machine, with back-off. A transport error is the owner's to see: it frees the machine.
 *
 * Nothing is sent encrypted before DONE. The connection may go on to be used with the new key.
 * Secrets are wiped as soon as they are of no more use, at the latest by mt_keyx_free().
 */
#pragma once

#include "core/crypto/crypto.h"
#include "core/env.h"
#include "core/mtproto/keyx_job.h"
#include "tl/wire.h"

struct mt_keyx_cfg {
    const struct mt_env *env;
    struct mt_rsa *const *keys; /* in order of preference; borrowed for the life of the machine */
    size_t n_keys;
    int32_t dc;             /* number of the DC, +10000 for a test server, negative for media */
    int32_t expires_in;     /* seconds of a temporary key; 0 = permanent */
    int64_t time_offset_us; /* server time - wall as known from before, for the msg_ids; 0 = unknown */
    uint64_t serial;        /* its jobs count up from here: an owner gives its machines different ones */
};

struct mt_keyx;

/* The first packet is ready at once. NULL: no memory. */
struct mt_keyx *mt_keyx_new(const struct mt_keyx_cfg *cfg, struct mt_now now);
void mt_keyx_free(struct mt_keyx *k);

/* One packet (auth_key_id 0 | msg_id | length | object and any bytes after it). Copied as far as needed. */
void mt_keyx_feed(struct mt_keyx *k, struct mt_now now, const uint8_t *packet, size_t n);
/* The packet that is to be sent, empty where none is; borrowed until the next call. Then say that it was. */
struct tl_slice mt_keyx_output(const struct mt_keyx *k);
void mt_keyx_sent(struct mt_keyx *k);

/* Each answer has 15 s from the packet that asks for it; computing is not the server's time. Call tick at the
 * deadline (mono, or MT_NEVER). */
#define MT_KEYX_STEP_US    (15 * MT_US_PER_S)
#define MT_KEYX_COMPUTE_US (60 * MT_US_PER_S) /* a job that is not back by then is lost */
int64_t mt_keyx_deadline(const struct mt_keyx *k);
void mt_keyx_tick(struct mt_keyx *k, struct mt_now now);

enum mt_keyx_event_kind {
    MT_KEYX_NONE,
    MT_KEYX_COMPUTE, /* run a copy of `job` elsewhere and give it to mt_keyx_done() */
    MT_KEYX_DONE,
    MT_KEYX_FAILED,
};

struct mt_keyx_event {
    enum mt_keyx_event_kind kind;
    const struct mt_keyx_job *job; /* COMPUTE; borrowed until the next verb */
    /* DONE: secret, to be wiped by its owner */
    struct mt_auth_key key;
    int64_t salt;           /* the first server salt */
    int64_t time_offset_us; /* server time - wall, measured when the server told its time */
    int32_t server_time;    /* s, as it told it */
    int32_t expires_at;     /* server time, s; 0 = permanent key */
    /* FAILED */
    int err;          /* MT_E_*: AUTH, PEER, DH, NO_KEY, TIMEOUT, CRYPTO */
    const char *step; /* "resPQ", "server_DH_params", "dh_gen": static */
};

/* Call until NONE after each feed, tick and done. */
void mt_keyx_next(struct mt_keyx *k, struct mt_keyx_event *event);
/* The end of COMPUTE. A job that this machine does not wait for is ignored; NULL: it could not be run. */
void mt_keyx_done(struct mt_keyx *k, struct mt_now now, const struct mt_keyx_job *job);
