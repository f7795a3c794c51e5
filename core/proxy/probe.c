#include "core/proxy/probe.h"

#include <stdlib.h>
#include <string.h>

#define REQ_PQ_MULTI UINT32_C(0xbe7e8ef1)
#define RES_PQ       UINT32_C(0x05162463)

/* auth_key_id 0 (8) | msg_id (8) | length (4) | constructor (4) | nonce (16) */
#define HEAD 20
#define SIZE (HEAD + 4 + 16)

struct mt_probe {
    struct mt_frame *frame;
    enum mt_probe_state state;
    const char *reason;
    uint8_t nonce[16];
};

struct mt_probe *mt_probe_new(const struct mt_env *env, const struct mt_frame_cfg *frame, struct mt_now now)
{
    struct mt_probe *p = calloc(1, sizeof *p);
    uint8_t packet[SIZE] = {0};
    uint64_t id = (uint64_t)(now.wall / MT_US_PER_S) << 32 | (uint64_t)(now.wall % MT_US_PER_S) << 2;

    if (!p)
        return NULL;
    env->random(env->ctx, p->nonce, sizeof p->nonce);
    tl_store64(packet + 8, id);
    tl_store32(packet + 16, SIZE - HEAD);
    tl_store32(packet + HEAD, REQ_PQ_MULTI);
    memcpy(packet + HEAD + 4, p->nonce, sizeof p->nonce);
    p->frame = mt_frame_new(env, frame);
    if (!p->frame || mt_frame_submit(p->frame, packet, sizeof packet, false) != MT_OK) {
        mt_probe_free(p);
        return NULL;
    }
    return p;
}

void mt_probe_free(struct mt_probe *p)
{
    if (!p)
        return;
    mt_frame_free(p->frame);
    free(p);
}

enum mt_probe_state mt_probe_state(const struct mt_probe *p)
{
    return p->state;
}

const char *mt_probe_reason(const struct mt_probe *p)
{
    return p->reason;
}

static void no(struct mt_probe *p, const char *reason)
{
    p->state = MT_PROBE_NO;
    p->reason = reason;
}

static void on_packet(struct mt_probe *p, const struct mt_frame_event *ev)
{
    if (ev->n >= SIZE && tl_load64(ev->p) == 0 && tl_load32(ev->p + HEAD) == RES_PQ &&
        mt_equal(ev->p + HEAD + 4, p->nonce, sizeof p->nonce))
        p->state = MT_PROBE_YES;
    else
        no(p, "what answers there is no data centre");
}

void mt_probe_feed(struct mt_probe *p, const void *bytes, size_t n)
{
    struct mt_frame_event ev = {.kind = MT_FRAME_PACKET};

    if (p->state != MT_PROBE_ASKING)
        return;
    if (mt_frame_feed(p->frame, bytes, n) != MT_OK)
        no(p, "no memory");
    while (p->state == MT_PROBE_ASKING && ev.kind != MT_FRAME_NONE) {
        mt_frame_next(p->frame, &ev);
        switch (ev.kind) {
        case MT_FRAME_NONE:
        case MT_FRAME_QUICK_ACK:
            break;
        case MT_FRAME_PACKET:
            on_packet(p, &ev);
            break;
        case MT_FRAME_ERROR:
            no(p, ev.code == -444 ? "it leads to another data centre" : "the data centre refuses");
            break;
        case MT_FRAME_FAILED:
            no(p, "what answers there is no data centre");
            break;
        }
    }
}

struct tl_slice mt_probe_output(struct mt_probe *p)
{
    return mt_frame_output(p->frame);
}

void mt_probe_wrote(struct mt_probe *p, size_t n)
{
    mt_frame_wrote(p->frame, n);
}
