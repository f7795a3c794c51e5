#include "core/mtproto/pfs.h"

#define FILL_BYTES (64 * 1024) /* packets are made while fewer bytes than this wait to be written */

#define E_UNKNOWN_KEY (-404)
#define E_FLOOD       (-429)
#define E_WRONG_DC    (-444)

static int32_t wire_dc(const struct mt_dc_cfg *cfg)
{
    int32_t dc = cfg->test ? cfg->dc_id + 10000 : cfg->dc_id;

    return cfg->media ? -dc : dc;
}

void mt_link_go_up(struct mt_dc *dc, struct mt_now now)
{
    dc->state = MT_DCS_UP;
    dc->up_at = now.mono;
    mt_conn_link_up(dc->conn, now);
}

bool mt_link_exchange(struct mt_dc *dc, struct mt_now now, bool temporary)
{
    struct mt_keyx_cfg kc = {.env = dc->cfg.env,
                             .keys = dc->cfg.rsa_keys,
                             .n_keys = dc->cfg.n_rsa_keys,
                             .dc = wire_dc(&dc->cfg),
                             .expires_in = temporary ? mt_pfs_lifetime(dc) : 0,
                             .time_offset_us = dc->cfg.time_offset_us,
                             .serial = (uint64_t)++dc->exchanges << 32};

    dc->keyx = mt_keyx_new(&kc, now);
    dc->making_temp = temporary;
    if (dc->state != MT_DCS_UP)
        dc->state = MT_DCS_KEYX;
    return dc->keyx;
}

static bool begin_check(struct mt_dc *dc, struct mt_now now)
{
    struct mt_conn_cfg cc = {.env = dc->cfg.env,
                             .init = dc->cfg.init,
                             .key = &dc->perm,
                             .time_offset_us = mt_conn_server_time(dc->conn, now) - now.wall,
                             .events = &dc->events};

    dc->check = mt_conn_new(&cc, now);
    if (!dc->check)
        return false;
    mt_conn_set_silent(dc->check, true);
    mt_conn_link_up(dc->check, now);
    dc->state = MT_DCS_CHECK;
    return true;
}

bool mt_link_start(struct mt_dc *dc, struct mt_now now)
{
    struct mt_frame_cfg fc = {
        .framing = dc->cfg.framing, .obfuscated = dc->cfg.obfuscated, .dc = (int16_t)wire_dc(&dc->cfg)};

    if (dc->cfg.has_secret) {
        fc.has_secret = true;
        for (size_t i = 0; i < sizeof fc.secret; i++)
            fc.secret[i] = dc->cfg.secret[i];
    }
    dc->frame = mt_frame_new(dc->cfg.env, &fc);
    if (!dc->frame)
        return false;
    if (dc->key_waiting) {
        dc->state = MT_DCS_KEY_WAIT;
        return true;
    }
    if (!dc->has_perm)
        return mt_link_exchange(dc, now, false);
    if (dc->doubt)
        return begin_check(dc, now);
    if (dc->cfg.pfs && !mt_pfs_is_usable(dc, now))
        return mt_link_exchange(dc, now, true);
    mt_link_go_up(dc, now);
    return true;
}

void mt_link_stop(struct mt_dc *dc, struct mt_now now)
{
    mt_frame_free(dc->frame);
    dc->frame = NULL;
    mt_keyx_free(dc->keyx);
    dc->keyx = NULL;
    mt_conn_link_down(dc->conn, now);
    mt_pfs_link_down(dc, now);
}

static int key_made(struct mt_dc *dc, struct mt_now now, struct mt_keyx_event *ev)
{
    struct mt_dc_event out = {.kind = MT_DC_KEY, .key = &dc->new_key};

    dc->new_key = ev->key;
    dc->new_salt = out.salt = ev->salt;
    dc->new_offset_us = out.time_offset_us = ev->time_offset_us;
    mt_keyx_free(dc->keyx);
    dc->keyx = NULL;
    (void)now;
    if (mt_events_push(&dc->events, &out))
        return MT_E_NOMEM;
    dc->key_waiting = true;
    dc->state = MT_DCS_KEY_WAIT;
    return MT_OK;
}

int mt_link_keyx(struct mt_dc *dc, struct mt_now now, const char **where)
{
    struct mt_keyx_event ev;
    struct mt_dc_event out;
    int err = MT_OK;

    while (dc->keyx && !err) {
        mt_keyx_next(dc->keyx, &ev);
        switch (ev.kind) {
        case MT_KEYX_NONE:
            return MT_OK;
        case MT_KEYX_COMPUTE:
            out = (struct mt_dc_event){.kind = MT_DC_COMPUTE, .job = ev.job};
            err = mt_events_push(&dc->events, &out);
            break;
        case MT_KEYX_FAILED:
            *where = ev.step;
            if (dc->state != MT_DCS_UP)
                return ev.err;
            mt_pfs_renewal_failed(dc, now, ev.step);
            break;
        case MT_KEYX_DONE:
            err = dc->making_temp ? mt_pfs_made(dc, now, &ev) : key_made(dc, now, &ev);
            mt_wipe(&ev.key, sizeof ev.key);
            break;
        }
    }
    return err;
}

static int transport_error(struct mt_dc *dc, int32_t code, const char **where)
{
    if (code == E_UNKNOWN_KEY) {
        bool keyed = dc->state == MT_DCS_UP || dc->state == MT_DCS_CHECK;
        const struct mt_conn *conn = dc->state == MT_DCS_CHECK ? dc->check : dc->conn;

        *where = keyed ? "the server does not know our key" : "the server refused the key exchange";
        if (keyed && !mt_conn_verified(conn))
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

/* The permanent key is good: now for a temporary one, on the same link. */
static int take_checked(struct mt_dc *dc, struct mt_now now, const struct mt_frame_event *ev)
{
    int err = mt_conn_feed(dc->check, now, ev->p, ev->n);

    if (err || !mt_conn_verified(dc->check))
        return err;
    dc->doubt = false;
    dc->unknown_key = 0;
    mt_conn_free(dc->check);
    dc->check = NULL;
    return mt_link_exchange(dc, now, true) ? MT_OK : MT_E_NOMEM;
}

static uint64_t key_of(const struct mt_frame_event *ev)
{
    return ev->n >= 8 ? tl_load64(ev->p) : 0;
}

static struct mt_conn *conn_of(const struct mt_dc *dc, uint64_t id)
{
    if (dc->next && id == mt_conn_key_id(dc->next))
        return dc->next;
    if (dc->old && id == mt_conn_key_id(dc->old))
        return dc->old;
    return dc->conn;
}

static int take_sealed(struct mt_dc *dc, struct mt_now now, const struct mt_frame_event *ev,
                       const char **where)
{
    struct mt_conn *conn = conn_of(dc, key_of(ev));
    int err;

    /* the server still pushes to the session of the key before: the new one has it too, or a gap will tell */
    if (dc->left_key && key_of(ev) == dc->left_key)
        return MT_OK;
    err = mt_conn_feed(conn, now, ev->p, ev->n);
    *where = err == MT_E_STATE ? "the server refuses our messages" : "packet of the server";
    if (mt_conn_verified(dc->conn)) {
        dc->attempt = 0;
        dc->unknown_key = 0;
    }
    return err ? err : mt_pfs_look(dc, now, where);
}

static int take_packet(struct mt_dc *dc, struct mt_now now, const struct mt_frame_event *ev,
                       const char **where)
{
    bool plain = ev->n >= 8 && tl_load64(ev->p) == 0;

    if (dc->state == MT_DCS_KEYX || (dc->keyx && plain)) {
        mt_keyx_feed(dc->keyx, now, ev->p, ev->n);
        return mt_link_keyx(dc, now, where);
    }
    if (dc->state == MT_DCS_CHECK)
        return take_checked(dc, now, ev);
    return dc->state == MT_DCS_UP ? take_sealed(dc, now, ev, where) : MT_OK;
}

/* A byte of any kind shows that the link lives, to all who use it. */
static void hear(struct mt_dc *dc, struct mt_now now)
{
    struct mt_conn *const all[] = {dc->conn, dc->next, dc->old, dc->check};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i])
            mt_conn_heard(all[i], now);
}

int mt_link_feed(struct mt_dc *dc, struct mt_now now, const void *p, size_t n, const char **where)
{
    struct mt_frame_event ev;
    int err = mt_frame_feed(dc->frame, p, n);

    *where = "framing";
    hear(dc, now);
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

static int fill_from(struct mt_dc *dc, struct mt_conn *conn, struct mt_now now)
{
    struct tl_slice packet = {.n = 1};
    int err = MT_OK;

    while (conn && !err && packet.n && mt_frame_output(dc->frame).n < FILL_BYTES) {
        err = mt_conn_packet(conn, now, &packet);
        if (!err && packet.n)
            err = mt_frame_submit(dc->frame, packet.p, packet.n, false);
    }
    return err;
}

int mt_link_fill(struct mt_dc *dc, struct mt_now now, const char **where)
{
    int err = dc->keyx ? fill_keyx(dc) : MT_OK;

    *where = "sending";
    if (!err && dc->state == MT_DCS_CHECK)
        err = fill_from(dc, dc->check, now);
    if (err || dc->state != MT_DCS_UP)
        return err;
    err = fill_from(dc, dc->next, now);
    if (!err)
        err = fill_from(dc, dc->old, now);
    return err ? err : fill_from(dc, dc->conn, now);
}
