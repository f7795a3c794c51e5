#include "core/mtproto/dc_link.h"

#define FILL_BYTES (64 * 1024) /* packets are made while fewer bytes than this wait to be written */

#define E_UNKNOWN_KEY (-404)
#define E_FLOOD       (-429)
#define E_WRONG_DC    (-444)

static int32_t wire_dc(const struct mt_dc_cfg *cfg)
{
    int32_t dc = cfg->test ? cfg->dc_id + 10000 : cfg->dc_id;

    return cfg->media ? -dc : dc;
}

bool mt_link_start(struct mt_dc *dc, struct mt_now now)
{
    struct mt_frame_cfg fc = {
        .framing = dc->cfg.framing, .obfuscated = dc->cfg.obfuscated, .dc = (int16_t)wire_dc(&dc->cfg)};
    struct mt_keyx_cfg kc = {.env = dc->cfg.env,
                             .keys = dc->cfg.rsa_keys,
                             .n_keys = dc->cfg.n_rsa_keys,
                             .dc = wire_dc(&dc->cfg),
                             .time_offset_us = dc->cfg.time_offset_us,
                             .serial = (uint64_t)++dc->exchanges << 32};

    if (dc->cfg.has_secret) {
        fc.has_secret = true;
        for (size_t i = 0; i < sizeof fc.secret; i++)
            fc.secret[i] = dc->cfg.secret[i];
    }
    dc->frame = mt_frame_new(dc->cfg.env, &fc);
    if (!dc->frame)
        return false;
    if (mt_conn_has_key(dc->conn)) {
        dc->state = MT_DCS_UP;
        dc->up_at = now.mono;
        mt_conn_link_up(dc->conn, now);
        return true;
    }
    if (dc->key_waiting) {
        dc->state = MT_DCS_KEY_WAIT;
        return true;
    }
    dc->keyx = mt_keyx_new(&kc, now);
    dc->state = MT_DCS_KEYX;
    return dc->keyx;
}

void mt_link_stop(struct mt_dc *dc, struct mt_now now)
{
    mt_frame_free(dc->frame);
    dc->frame = NULL;
    mt_keyx_free(dc->keyx);
    dc->keyx = NULL;
    mt_conn_link_down(dc->conn, now);
}

int mt_link_keyx(struct mt_dc *dc, struct mt_now now, const char **where)
{
    struct mt_keyx_event ev;
    struct mt_dc_event out;

    while (dc->keyx) {
        mt_keyx_next(dc->keyx, &ev);
        switch (ev.kind) {
        case MT_KEYX_NONE:
            return MT_OK;
        case MT_KEYX_COMPUTE:
            out = (struct mt_dc_event){.kind = MT_DC_COMPUTE, .job = ev.job};
            if (mt_events_push(&dc->events, &out))
                return MT_E_NOMEM;
            break;
        case MT_KEYX_FAILED:
            *where = ev.step;
            return ev.err;
        case MT_KEYX_DONE:
            dc->new_key = ev.key;
            mt_wipe(&ev.key, sizeof ev.key);
            dc->new_salt = ev.salt;
            dc->new_offset_us = ev.time_offset_us;
            mt_keyx_free(dc->keyx);
            dc->keyx = NULL;
            out = (struct mt_dc_event){.kind = MT_DC_KEY, .key = &dc->new_key};
            out.salt = dc->new_salt;
            out.time_offset_us = dc->new_offset_us;
            if (mt_events_push(&dc->events, &out))
                return MT_E_NOMEM;
            dc->key_waiting = true;
            dc->state = MT_DCS_KEY_WAIT;
            break;
        }
    }
    (void)now;
    return MT_OK;
}

static int transport_error(struct mt_dc *dc, int32_t code, const char **where)
{
    if (code == E_UNKNOWN_KEY) {
        *where = dc->state == MT_DCS_UP ? "the server does not know our key"
                                        : "the server refused the key exchange";
        if (dc->state == MT_DCS_UP && !mt_conn_verified(dc->conn))
            dc->unknown_key++;
    } else if (code == E_FLOOD) {
        *where = "too many connections";
        dc->least = MT_BACKOFF_4_S;
    } else if (code == E_WRONG_DC) {
        *where = "not the data centre that this address should be";
        dc->least = MT_BACKOFF_16_S;
    } else {
        *where = "transport error";
        dc->least = MT_BACKOFF_4_S;
    }
    return code;
}

static int take_packet(struct mt_dc *dc, struct mt_now now, const struct mt_frame_event *ev,
                       const char **where)
{
    int err;

    if (dc->state == MT_DCS_KEYX) {
        mt_keyx_feed(dc->keyx, now, ev->p, ev->n);
        return mt_link_keyx(dc, now, where);
    }
    if (dc->state != MT_DCS_UP)
        return MT_OK;
    err = mt_conn_feed(dc->conn, now, ev->p, ev->n);
    if (err)
        *where = err == MT_E_STATE ? "the server refuses our messages" : "packet of the server";
    if (mt_conn_verified(dc->conn)) {
        dc->attempt = 0;
        dc->unknown_key = 0;
    }
    return err;
}

int mt_link_feed(struct mt_dc *dc, struct mt_now now, const void *p, size_t n, const char **where)
{
    struct mt_frame_event ev;
    int err = mt_frame_feed(dc->frame, p, n);

    *where = "framing";
    mt_conn_heard(dc->conn, now);
    while (!err) {
        mt_frame_next(dc->frame, &ev);
        switch (ev.kind) {
        case MT_FRAME_NONE:
            return MT_OK;
        case MT_FRAME_PACKET:
            err = take_packet(dc, now, &ev, where);
            break;
        case MT_FRAME_QUICK_ACK:
            break;
        case MT_FRAME_ERROR:
            err = transport_error(dc, ev.code, where);
            break;
        case MT_FRAME_FAILED:
            err = ev.code;
            break;
        }
    }
    return err;
}

static int fill_keyx(struct mt_dc *dc)
{
    struct tl_slice packet = mt_keyx_output(dc->keyx);
    int err = MT_OK;

    if (packet.n) {
        err = mt_frame_submit(dc->frame, packet.p, packet.n, false);
        if (!err)
            mt_keyx_sent(dc->keyx);
    }
    return err;
}

int mt_link_fill(struct mt_dc *dc, struct mt_now now, const char **where)
{
    struct tl_slice packet = {.n = 1};
    int err = MT_OK;

    *where = "sending";
    if (dc->state == MT_DCS_KEYX)
        return fill_keyx(dc);
    while (dc->state == MT_DCS_UP && !err && packet.n && mt_frame_output(dc->frame).n < FILL_BYTES) {
        err = mt_conn_packet(dc->conn, now, &packet);
        if (!err && packet.n)
            err = mt_frame_submit(dc->frame, packet.p, packet.n, false);
    }
    return err;
}
