#include "core/mtproto/pfs.h"

#include <stdlib.h>
#include <string.h>

#include "tl/schema.h"

#define CONNECT_US (10 * MT_US_PER_S)
#define STABLE_US  (5 * MT_US_PER_S) /* a link that lasted so long ends a run of failures */
#define IDLE_US    (60 * MT_US_PER_S)

/* The connection begins with the key that is to seal: the permanent one, or a temporary one that was saved.
 */
static struct mt_conn *new_conn(struct mt_dc *dc, const struct mt_dc_cfg *cfg, struct mt_now now)
{
    const struct mt_temp_key *temp = cfg->pfs && cfg->key ? cfg->temp : NULL;
    struct mt_conn_cfg cc = {.env = cfg->env,
                             .init = cfg->init,
                             .layer = tl_layer,
                             .without_updates = cfg->without_updates,
                             .key = cfg->pfs ? NULL : cfg->key,
                             .salts = cfg->pfs ? NULL : cfg->salts,
                             .n_salts = cfg->pfs ? 0 : cfg->n_salts,
                             .time_offset_us = cfg->time_offset_us,
                             .events = &dc->events};
    struct mt_conn *conn;

    if (temp) {
        cc.key = &temp->key;
        cc.salts = temp->salts;
        cc.n_salts = temp->n_salts;
    }
    conn = mt_conn_new(&cc, now);
    if (conn && temp)
        mt_conn_set_temporary(conn, &dc->perm, temp->ends, true);
    dc->temp_told = temp;
    return conn;
}

struct mt_dc *mt_dc_new(const struct mt_dc_cfg *cfg, struct mt_now now)
{
    struct mt_dc *dc = calloc(1, sizeof *dc);

    if (!dc)
        return NULL;
    dc->cfg = *cfg;
    dc->cfg.key = NULL; /* none of them is borrowed any longer */
    dc->cfg.salts = NULL;
    dc->cfg.temp = NULL;
    if (cfg->key) {
        dc->perm = *cfg->key;
        dc->has_perm = true;
    }
    dc->until = dc->idle_at = MT_NEVER;
    mt_events_init(&dc->events);
    dc->conn = new_conn(dc, cfg, now);
    if (!dc->conn) {
        mt_dc_free(dc);
        return NULL;
    }
    mt_dc_tick(dc, now);
    return dc;
}

void mt_dc_free(struct mt_dc *dc)
{
    if (!dc)
        return;
    mt_frame_free(dc->frame);
    mt_keyx_free(dc->keyx);
    mt_conn_free(dc->conn);
    mt_pfs_free(dc);
    mt_events_fini(&dc->events);
    mt_wipe(&dc->new_key, sizeof dc->new_key);
    mt_wipe(&dc->perm, sizeof dc->perm);
    free(dc);
}

static bool has_link(const struct mt_dc *dc)
{
    return dc->frame || dc->state == MT_DCS_CONNECTING;
}

static bool wants_link(const struct mt_dc *dc)
{
    return dc->cfg.keep || mt_dc_pending(dc);
}

static void wait_and_retry(struct mt_dc *dc, struct mt_now now)
{
    dc->state = MT_DCS_WAITING;
    dc->until = now.mono + mt_backoff(dc->cfg.env, dc->failures);
    if (dc->failures < UINT16_MAX)
        dc->failures++;
}

static void connect_now(struct mt_dc *dc, struct mt_now now)
{
    struct mt_dc_event event = {.kind = MT_DC_CONNECT, .attempt = dc->attempt};

    if (mt_events_push(&dc->events, &event)) {
        wait_and_retry(dc, now);
        return;
    }
    dc->attempt++;
    dc->state = MT_DCS_CONNECTING;
    dc->until = now.mono + CONNECT_US;
}

/* IDLE and WAITING that is over: connect where there is reason to. */
static void maybe_connect(struct mt_dc *dc, struct mt_now now)
{
    if (dc->state == MT_DCS_WAITING && !wants_link(dc))
        dc->state = MT_DCS_IDLE;
    if ((dc->state == MT_DCS_IDLE && wants_link(dc)) ||
        (dc->state == MT_DCS_WAITING && dc->until <= now.mono))
        connect_now(dc, now);
}

static void lose_link(struct mt_dc *dc, struct mt_now now, bool tell_owner)
{
    bool was_up = mt_conn_verified(dc->conn);
    bool lasted = was_up && now.mono - dc->up_at >= STABLE_US;

    mt_link_stop(dc, now);
    if (tell_owner)
        mt_events_push(&dc->events, &(struct mt_dc_event){.kind = MT_DC_CLOSE});
    if (lasted)
        dc->failures = 0;
    if (dc->failures < dc->least)
        dc->failures = dc->least;
    dc->least = 0;
    if (dc->unknown_key >= 2 && dc->cfg.pfs && !dc->doubt) {
        dc->unknown_key = 0;
        mt_pfs_drop(dc);
    }
    if (dc->unknown_key >= 2) {
        dc->state = MT_DCS_LOST;
        mt_events_push(&dc->events, &(struct mt_dc_event){.kind = MT_DC_KEY_LOST});
        return;
    }
    wait_and_retry(dc, now);
    maybe_connect(dc, now);
}

static void fail_link(struct mt_dc *dc, struct mt_now now, int code, const char *where)
{
    struct mt_dc_event event = {.kind = MT_DC_TROUBLE, .code = code};

    event.text = (struct tl_slice){.p = (const uint8_t *)where, .n = strlen(where)};
    mt_logf(dc->cfg.env, MT_LOG_WARN, "dc", "dc %d: %s (%d)", (int)dc->cfg.dc_id, where, code);
    mt_events_push(&dc->events, &event);
    lose_link(dc, now, true);
}

/* --- requests --- */

int mt_dc_submit(struct mt_dc *dc, struct mt_now now, const struct mt_req *req)
{
    int err;

    if (dc->state == MT_DCS_DEAD)
        return MT_E_STATE;
    err = mt_conn_submit(dc->conn, now, req);
    if (!err) {
        dc->idle_at = MT_NEVER;
        maybe_connect(dc, now);
    }
    return err;
}

void mt_dc_cancel(struct mt_dc *dc, struct mt_now now, uint64_t token)
{
    mt_conn_cancel(dc->conn, now, token);
    if (dc->old)
        mt_conn_cancel(dc->old, now, token);
}

bool mt_dc_withdraw(struct mt_dc *dc, struct mt_now now, uint64_t token)
{
    return mt_conn_withdraw(dc->conn, now, token);
}

void mt_dc_ack(struct mt_dc *dc, struct mt_now now, uint64_t ack)
{
    mt_conn_ack(dc->conn, now, ack);
    if (dc->old)
        mt_conn_ack(dc->old, now, ack);
}

void mt_dc_flush(struct mt_dc *dc, struct mt_now now)
{
    mt_conn_flush(dc->conn, now);
    if (dc->old)
        mt_conn_flush(dc->old, now);
}

/* --- the link --- */

void mt_dc_link_framing(struct mt_dc *dc, const struct mt_frame_cfg *frame)
{
    dc->cfg.framing = frame->framing;
    dc->cfg.obfuscated = frame->obfuscated;
    dc->cfg.has_secret = frame->has_secret;
    memcpy(dc->cfg.secret, frame->secret, sizeof dc->cfg.secret);
}

void mt_dc_link_up(struct mt_dc *dc, struct mt_now now)
{
    if (dc->state != MT_DCS_CONNECTING)
        return;
    dc->until = MT_NEVER;
    if (!mt_link_start(dc, now))
        fail_link(dc, now, MT_E_NOMEM, "no memory for a connection");
}

void mt_dc_link_down(struct mt_dc *dc, struct mt_now now)
{
    if (has_link(dc))
        lose_link(dc, now, false);
}

void mt_dc_kick(struct mt_dc *dc, struct mt_now now)
{
    if (dc->state == MT_DCS_UP && mt_conn_is_stale(dc->conn, now)) {
        mt_dc_hang_up(dc, now);
    } else if (dc->state == MT_DCS_UP) {
        mt_conn_probe(dc->conn);
    }
    if (dc->state == MT_DCS_WAITING)
        dc->until = now.mono;
    maybe_connect(dc, now);
}

void mt_dc_hang_up(struct mt_dc *dc, struct mt_now now)
{
    if (!has_link(dc) && dc->state != MT_DCS_WAITING)
        return;
    dc->failures = dc->least = dc->attempt = 0;
    dc->until = now.mono;
    if (!has_link(dc))
        return;
    mt_link_stop(dc, now);
    dc->state = MT_DCS_WAITING;
    mt_events_push(&dc->events, &(struct mt_dc_event){.kind = MT_DC_CLOSE});
}

void mt_dc_init_again(struct mt_dc *dc)
{
    mt_conn_init_again(dc->conn);
}

int mt_dc_feed(struct mt_dc *dc, struct mt_now now, const void *p, size_t n)
{
    const char *where;
    int err;

    if (!dc->frame)
        return MT_OK;
    err = mt_link_feed(dc, now, p, n, &where);
    if (err)
        fail_link(dc, now, err, where);
    return err;
}

struct tl_slice mt_dc_output(struct mt_dc *dc, struct mt_now now)
{
    const char *where;
    int err;

    if (!dc->frame)
        return (struct tl_slice){0};
    err = mt_link_fill(dc, now, &where);
    if (err) {
        fail_link(dc, now, err, where);
        return (struct tl_slice){0};
    }
    return mt_frame_output(dc->frame);
}

void mt_dc_wrote(struct mt_dc *dc, struct mt_now now, size_t n)
{
    (void)now;
    if (dc->frame)
        mt_frame_wrote(dc->frame, n);
}

/* MT_OK, or why the link is to be closed. */
static int tick_link(struct mt_dc *dc, struct mt_now now, const char **where)
{
    int err = mt_conn_tick(dc->conn, now);

    *where = "no answer to a ping";
    if (!err && dc->state == MT_DCS_CONNECTING && dc->until <= now.mono) {
        *where = "connecting";
        err = MT_E_TIMEOUT;
    }
    if (!err && dc->keyx) {
        mt_keyx_tick(dc->keyx, now);
        err = mt_link_keyx(dc, now, where);
    }
    return err ? err : mt_pfs_tick(dc, now, where);
}

/* A session without work is closed after a minute, unless it is the one to keep. */
static void tick_idle(struct mt_dc *dc, struct mt_now now)
{
    if (dc->state != MT_DCS_UP || wants_link(dc))
        dc->idle_at = MT_NEVER;
    else if (dc->idle_at == MT_NEVER)
        dc->idle_at = now.mono + IDLE_US;
    if (dc->idle_at > now.mono)
        return;
    dc->idle_at = MT_NEVER;
    mt_link_stop(dc, now);
    dc->state = MT_DCS_IDLE;
    mt_events_push(&dc->events, &(struct mt_dc_event){.kind = MT_DC_CLOSE});
}

void mt_dc_tick(struct mt_dc *dc, struct mt_now now)
{
    const char *where;
    int err;

    if (dc->state == MT_DCS_DEAD)
        return;
    err = tick_link(dc, now, &where);
    if (err)
        fail_link(dc, now, err, where);
    tick_idle(dc, now);
    maybe_connect(dc, now);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t mt_dc_deadline(const struct mt_dc *dc)
{
    int64_t at;

    if (dc->state == MT_DCS_DEAD)
        return MT_NEVER;
    at = sooner(mt_conn_deadline(dc->conn), mt_pfs_deadline(dc));
    if (dc->state == MT_DCS_CONNECTING || dc->state == MT_DCS_WAITING)
        at = sooner(at, dc->until);
    if (dc->keyx)
        at = sooner(at, mt_keyx_deadline(dc->keyx));
    if (dc->state == MT_DCS_UP)
        at = sooner(at, dc->idle_at);
    return at;
}

void mt_dc_close(struct mt_dc *dc, struct mt_now now)
{
    bool linked = has_link(dc);

    if (dc->state == MT_DCS_DEAD)
        return;
    mt_conn_fail_all(dc->conn);
    if (dc->old)
        mt_conn_fail_all(dc->old);
    mt_link_stop(dc, now);
    dc->state = MT_DCS_DEAD;
    if (linked)
        mt_events_push(&dc->events, &(struct mt_dc_event){.kind = MT_DC_CLOSE});
}

/* --- events --- */

void mt_dc_next(struct mt_dc *dc, struct mt_dc_event *event)
{
    mt_events_next(&dc->events, event);
}

static void key_saved(struct mt_dc *dc, struct mt_now now, int result)
{
    if (!dc->key_waiting)
        return;
    dc->key_waiting = false;
    if (!result) {
        dc->perm = dc->new_key;
        dc->has_perm = true;
        dc->perm_made = now.mono;
        dc->cfg.time_offset_us = dc->new_offset_us;
        if (!dc->cfg.pfs)
            mt_conn_set_key(dc->conn, now, &dc->new_key, dc->new_salt, dc->new_offset_us);
    }
    mt_wipe(&dc->new_key, sizeof dc->new_key);
    if (dc->state != MT_DCS_KEY_WAIT)
        return;
    if (result)
        fail_link(dc, now, result, "the new key could not be saved");
    else if (!dc->cfg.pfs)
        mt_link_go_up(dc, now);
    else if (!mt_link_exchange(dc, now, true))
        fail_link(dc, now, MT_E_NOMEM, "no memory for a key exchange");
}

void mt_dc_done(struct mt_dc *dc, struct mt_now now, enum mt_dc_event_kind what, int result)
{
    if (what == MT_DC_KEY)
        key_saved(dc, now, result);
}

void mt_dc_computed(struct mt_dc *dc, struct mt_now now, const struct mt_keyx_job *job)
{
    const char *where = "key exchange";
    int err;

    if (!dc->keyx)
        return;
    mt_keyx_done(dc->keyx, now, job);
    err = mt_link_keyx(dc, now, &where);
    if (err)
        fail_link(dc, now, err, where);
}

/* --- to look at --- */

bool mt_dc_is_up(const struct mt_dc *dc)
{
    return mt_conn_is_up(dc->conn);
}

int64_t mt_dc_server_time(const struct mt_dc *dc, struct mt_now now)
{
    return mt_conn_server_time(dc->conn, now);
}

size_t mt_dc_pending(const struct mt_dc *dc)
{
    return mt_conn_pending(dc->conn) + (dc->old ? mt_conn_pending(dc->old) : 0);
}
