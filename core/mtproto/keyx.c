#include "core/mtproto/keyx.h"
#include "core/mtproto/keyx_steps.h"

#include <stdlib.h>

static const char *step_name(enum mt_keyx_state state)
{
    switch (state) {
    case MT_KEYX_WANTS_PQ:
    case MT_KEYX_IN_FACTOR:
        return "resPQ";
    case MT_KEYX_WANTS_DH:
    case MT_KEYX_IN_AGREE:
        return "server_DH_params";
    case MT_KEYX_WANTS_GEN:
    case MT_KEYX_IS_DONE:
    case MT_KEYX_IS_FAILED:
        break;
    }
    return "dh_gen";
}

static bool running(const struct mt_keyx *k)
{
    return k->state == MT_KEYX_WANTS_PQ || k->state == MT_KEYX_WANTS_DH || k->state == MT_KEYX_WANTS_GEN;
}

static bool computing(const struct mt_keyx *k)
{
    return k->state == MT_KEYX_IN_FACTOR || k->state == MT_KEYX_IN_AGREE;
}

static void wipe_secrets(struct mt_keyx *k)
{
    mt_wipe(k->new_nonce, sizeof k->new_nonce);
    mt_wipe(k->g_a, sizeof k->g_a);
    mt_wipe(&k->job, sizeof k->job);
    mt_wipe(&k->key, sizeof k->key);
    mt_wipe(&k->salt, sizeof k->salt);
    mt_wipe(k->packet, sizeof k->packet);
    k->packet_len = 0;
}

/* After a verb: sets the next deadline, or ends the machine where something was wrong. */
static void settle(struct mt_keyx *k, struct mt_now now, enum mt_keyx_state before, int err)
{
    if (err) {
        k->err = err;
        k->step = step_name(before);
        k->state = MT_KEYX_IS_FAILED;
        k->event_due = true;
        wipe_secrets(k);
        mt_logf(k->cfg.env, MT_LOG_INFO, "keyx", "dc %d: %s: %s", k->cfg.dc, k->step, mt_strerror(err));
    }
    k->deadline = MT_NEVER;
    if (running(k))
        k->deadline = now.mono + MT_KEYX_STEP_US;
    else if (computing(k))
        k->deadline = now.mono + MT_KEYX_COMPUTE_US;
}

struct mt_keyx *mt_keyx_new(const struct mt_keyx_cfg *cfg, struct mt_now now)
{
    struct mt_keyx *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->cfg = *cfg;
    k->serial = cfg->serial;
    k->state = MT_KEYX_WANTS_PQ;
    mt_clock_init(&k->clock, now, cfg->time_offset_us, false);
    settle(k, now, k->state, mt_keyx_put_req_pq(k, now));
    return k;
}

void mt_keyx_free(struct mt_keyx *k)
{
    if (!k)
        return;
    mt_wipe(k, sizeof *k);
    free(k);
}

/* The object of a plain envelope: auth_key_id 0, an odd msg_id, a length that lies within the packet. */
static int open_plain(const uint8_t *packet, size_t n, struct tl_in *object)
{
    struct tl_in in = tl_in(packet, n);
    uint64_t key_id = tl_u64(&in);
    uint64_t msg_id = tl_u64(&in);
    uint32_t len = tl_u32(&in);

    if (in.err || key_id != 0 || msg_id % 2 == 0 || len > tl_left(&in))
        return MT_E_PEER;
    *object = tl_in(in.p, len);
    return MT_OK;
}

void mt_keyx_feed(struct mt_keyx *k, struct mt_now now, const uint8_t *packet, size_t n)
{
    enum mt_keyx_state before = k->state;
    struct tl_in in;
    int err;

    if (before == MT_KEYX_IS_DONE || before == MT_KEYX_IS_FAILED)
        return;
    err = open_plain(packet, n, &in);
    if (!err) {
        switch (before) {
        case MT_KEYX_WANTS_PQ:
            err = mt_keyx_take_pq(k, now, &in);
            break;
        case MT_KEYX_WANTS_DH:
            err = mt_keyx_take_dh(k, now, &in);
            break;
        case MT_KEYX_WANTS_GEN:
            err = mt_keyx_take_gen(k, now, &in);
            break;
        case MT_KEYX_IN_FACTOR: /* nothing was asked */
        case MT_KEYX_IN_AGREE:
        case MT_KEYX_IS_DONE:
        case MT_KEYX_IS_FAILED:
            err = MT_E_PEER;
            break;
        }
    }
    settle(k, now, before, err);
}

struct tl_slice mt_keyx_output(const struct mt_keyx *k)
{
    return (struct tl_slice){k->packet_len ? k->packet : NULL, k->packet_len};
}

void mt_keyx_sent(struct mt_keyx *k)
{
    k->packet_len = 0;
}

int64_t mt_keyx_deadline(const struct mt_keyx *k)
{
    return k->deadline;
}

void mt_keyx_tick(struct mt_keyx *k, struct mt_now now)
{
    if (now.mono >= k->deadline)
        settle(k, now, k->state, MT_E_TIMEOUT);
}

static int32_t expires_at(const struct mt_keyx *k)
{
    int64_t at = (int64_t)k->server_time + k->cfg.expires_in;

    if (!k->cfg.expires_in)
        return 0;
    return at > INT32_MAX ? INT32_MAX : (int32_t)at;
}

void mt_keyx_next(struct mt_keyx *k, struct mt_keyx_event *event)
{
    *event = (struct mt_keyx_event){0};
    if (!k->event_due)
        return;
    k->event_due = false;
    switch (k->state) {
    case MT_KEYX_IN_FACTOR:
    case MT_KEYX_IN_AGREE:
        event->kind = MT_KEYX_COMPUTE;
        event->job = &k->job;
        break;
    case MT_KEYX_IS_DONE:
        event->kind = MT_KEYX_DONE;
        event->key = k->key;
        event->salt = k->salt;
        event->time_offset_us = k->time_offset_us;
        event->server_time = k->server_time;
        event->expires_at = expires_at(k);
        wipe_secrets(k);
        break;
    case MT_KEYX_IS_FAILED:
        event->kind = MT_KEYX_FAILED;
        event->err = k->err;
        event->step = k->step;
        break;
    case MT_KEYX_WANTS_PQ:
    case MT_KEYX_WANTS_DH:
    case MT_KEYX_WANTS_GEN:
        break;
    }
}

void mt_keyx_done(struct mt_keyx *k, struct mt_now now, const struct mt_keyx_job *job)
{
    enum mt_keyx_state before = k->state;
    int err;

    if (!computing(k) || (job && job->serial != k->job.serial))
        return;
    k->event_due = false;
    if (!job)
        err = MT_E_NOMEM;
    else
        err = before == MT_KEYX_IN_FACTOR ? mt_keyx_factored(k, now, job) : mt_keyx_agreed(k, now, job);
    settle(k, now, before, err);
}
