/* The parts of the key exchange machine; private to keyx.c and keyx_steps.c. */
#pragma once

#include "core/mtproto/keyx.h"
#include "core/mtproto/msgid.h"

enum mt_keyx_state {
    MT_KEYX_WANTS_PQ,
    MT_KEYX_IN_FACTOR, /* pq is split elsewhere */
    MT_KEYX_WANTS_DH,
    MT_KEYX_IN_AGREE, /* the powers are computed elsewhere */
    MT_KEYX_WANTS_GEN,
    MT_KEYX_IS_DONE,
    MT_KEYX_IS_FAILED,
};

struct mt_keyx {
    struct mt_keyx_cfg cfg;
    enum mt_keyx_state state;
    bool event_due; /* the state has an event that was not pulled yet */
    int err;
    const char *step;
    int64_t deadline;
    struct mt_clock clock;
    uint8_t packet[512]; /* the largest, set_client_DH_params, has 396 bytes */
    size_t packet_len;   /* 0: nothing to send */

    uint8_t nonce[16], server_nonce[16];
    uint8_t new_nonce[32];
    int32_t g;
    uint8_t prime[256], g_a[256];
    const struct mt_rsa *rsa; /* chosen after resPQ */
    struct mt_keyx_job job;   /* what is computed elsewhere */
    uint64_t serial;          /* of the last job */
    unsigned draws;           /* of b, for this answer */
    int retries;
    struct mt_auth_key key;
    int64_t salt;
    int64_t time_offset_us;
    int32_t server_time;
};

/*
 * Each writes its request into k->packet. MT_OK or MT_E_*.
 */
int mt_keyx_put_req_pq(struct mt_keyx *k, struct mt_now now);

/* What was computed: the next request is written, or b is drawn anew. Returns as above. */
int mt_keyx_factored(struct mt_keyx *k, struct mt_now now, const struct mt_keyx_job *job);
int mt_keyx_agreed(struct mt_keyx *k, struct mt_now now, const struct mt_keyx_job *job);

/* Each reads one answer, checks it, and goes to the next state or returns the first thing that is wrong. */
int mt_keyx_take_pq(struct mt_keyx *k, struct mt_now now, struct tl_in *in);
int mt_keyx_take_dh(struct mt_keyx *k, struct mt_now now, struct tl_in *in);
int mt_keyx_take_gen(struct mt_keyx *k, struct mt_now now, struct tl_in *in);
