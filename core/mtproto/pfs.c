#include "core/mtproto/pfs.h"

#include <string.h>

#include "tl/schema.h"

#define LIFETIME_S   (24 * 3600)
#define JITTER_S     3600 /* keys of many accounts do not end together */
#define MARGIN_US    (3600 * MT_US_PER_S)
#define LAST_US      (60 * MT_US_PER_S) /* not used any more on a new link */
#define YOUNG_US     (60 * MT_US_PER_S)
#define DRAIN_US     (60 * MT_US_PER_S) /* patience with answers to the key before */
#define REFUSED_PERM "ENCRYPTED_MESSAGE_INVALID"
#define UNBOUND      "AUTH_KEY_PERM_EMPTY"

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool mt_pfs_is_usable(const struct mt_dc *dc, struct mt_now now)
{
    int64_t left = LAST_US;

    if (dc->cfg.temp_lifetime_s)
        left = sooner(left, dc->cfg.temp_lifetime_s * MT_US_PER_S / 8);
    return mt_conn_has_key(dc->conn) && mt_conn_key_ends(dc->conn) - now.mono > left;
}

int32_t mt_pfs_lifetime(const struct mt_dc *dc)
{
    if (dc->cfg.temp_lifetime_s)
        return dc->cfg.temp_lifetime_s;
    return LIFETIME_S - (int32_t)(mt_env_random64(dc->cfg.env) % JITTER_S);
}

void mt_pfs_drop(struct mt_dc *dc)
{
    mt_conn_drop_key(dc->conn);
    if (dc->temp_told)
        mt_events_push(&dc->events, &(struct mt_dc_event){.kind = MT_DC_TEMP_KEY});
    dc->temp_told = false;
}

/* --- a key to come --- */

void mt_pfs_renewal_failed(struct mt_dc *dc, struct mt_now now, const char *why)
{
    mt_logf(dc->cfg.env, MT_LOG_INFO, "dc", "dc %d: renewing the temporary key: %s", (int)dc->cfg.dc_id, why);
    mt_keyx_free(dc->keyx);
    dc->keyx = NULL;
    mt_conn_free(dc->next);
    dc->next = NULL;
    dc->renew_at = now.mono + mt_backoff(dc->cfg.env, ++dc->renewals_failed);
}

static int prepare_next(struct mt_dc *dc, struct mt_now now, const struct mt_keyx_event *ev)
{
    struct mt_conn_cfg cc = {.env = dc->cfg.env,
                             .init = dc->cfg.init,
                             .layer = tl_layer,
                             .without_updates = dc->cfg.without_updates,
                             .time_offset_us = ev->time_offset_us,
                             .events = &dc->events};

    dc->next = mt_conn_new(&cc, now);
    if (!dc->next) {
        mt_pfs_renewal_failed(dc, now, "no memory");
        return MT_OK;
    }
    mt_conn_set_silent(dc->next, true);
    mt_conn_set_key(dc->next, now, &ev->key, ev->salt, ev->time_offset_us);
    mt_conn_set_temporary(dc->next, &dc->perm, ev->expires_at, false);
    mt_conn_link_up(dc->next, now);
    return MT_OK;
}

int mt_pfs_made(struct mt_dc *dc, struct mt_now now, const struct mt_keyx_event *ev)
{
    mt_keyx_free(dc->keyx);
    dc->keyx = NULL;
    if (dc->state == MT_DCS_UP)
        return prepare_next(dc, now, ev);
    dc->temp_told = false;
    mt_conn_set_key(dc->conn, now, &ev->key, ev->salt, ev->time_offset_us);
    mt_conn_set_temporary(dc->conn, &dc->perm, ev->expires_at, false);
    mt_link_go_up(dc, now);
    return MT_OK;
}

/* --- binds --- */

static void tell_key(struct mt_dc *dc)
{
    struct mt_dc_event event = {.kind = MT_DC_TEMP_KEY};

    if (dc->temp_told)
        return;
    dc->temp_told = true;
    mt_conn_key(dc->conn, &event.key, &event.ends);
    if (!mt_events_push(&dc->events, &event))
        mt_conn_tell_salts(dc->conn);
}

static void give_up_old(struct mt_dc *dc, struct mt_now now)
{
    if (!dc->old)
        return;
    mt_conn_link_down(dc->old, now);
    mt_conn_give_up(dc->old, dc->conn);
    dc->left_key = mt_conn_key_id(dc->old);
    mt_conn_free(dc->old);
    dc->old = NULL;
}

static void promote(struct mt_dc *dc, struct mt_now now)
{
    give_up_old(dc, now);
    dc->old = dc->conn;
    dc->conn = dc->next;
    dc->next = NULL;
    dc->old_until = now.mono + DRAIN_US;
    dc->renewals_failed = 0;
    dc->renew_at = 0;
    mt_conn_take_over(dc->conn, dc->old);
    mt_conn_flush(dc->old, now);
    dc->temp_told = false;
    tell_key(dc);
}

static int refused(struct mt_dc *dc, struct mt_now now, const char **where)
{
    int32_t code;
    const char *text = mt_conn_bind_error(dc->conn, &code);
    bool young = dc->perm_made && now.mono - dc->perm_made < YOUNG_US;

    mt_logf(dc->cfg.env, MT_LOG_WARN, "dc", "dc %d: bind refused: %d %s", (int)dc->cfg.dc_id, (int)code,
            text);
    *where = "the server refuses the temporary key";
    dc->least = MT_BACKOFF_4_S;
    if (code == 400 || code == 401)
        mt_pfs_drop(dc);
    if (((code == 400 && !strcmp(text, REFUSED_PERM)) || (code == 401 && !strcmp(text, UNBOUND))) && !young)
        dc->doubt = true;
    return MT_E_PEER;
}

int mt_pfs_look(struct mt_dc *dc, struct mt_now now, const char **where)
{
    enum mt_bind_state bind = mt_conn_bind(dc->conn);

    if (bind == MT_BIND_REFUSED)
        return refused(dc, now, where);
    if (bind == MT_BIND_DONE)
        tell_key(dc);
    if (dc->next && mt_conn_bind(dc->next) == MT_BIND_DONE)
        promote(dc, now);
    else if (dc->next && mt_conn_bind(dc->next) == MT_BIND_REFUSED)
        mt_pfs_renewal_failed(dc, now, "bind refused");
    return MT_OK;
}

/* --- time --- */

void mt_pfs_link_down(struct mt_dc *dc, struct mt_now now)
{
    mt_conn_free(dc->next);
    dc->next = NULL;
    mt_conn_free(dc->check);
    dc->check = NULL;
    give_up_old(dc, now);
}

/* When the next exchange is to begin. */
static int64_t renewal_at(const struct mt_dc *dc)
{
    int64_t margin = MARGIN_US, at;

    if (dc->keyx || dc->next || mt_conn_bind(dc->conn) != MT_BIND_DONE)
        return MT_NEVER;
    if (dc->cfg.temp_lifetime_s)
        margin = sooner(margin, dc->cfg.temp_lifetime_s * MT_US_PER_S / 4);
    at = mt_conn_key_ends(dc->conn) - margin;
    return at > dc->renew_at ? at : dc->renew_at;
}

int mt_pfs_tick(struct mt_dc *dc, struct mt_now now, const char **where)
{
    if (dc->check && mt_conn_tick(dc->check, now)) {
        *where = "no answer to a ping";
        return MT_E_TIMEOUT;
    }
    if (dc->state != MT_DCS_UP || !dc->cfg.pfs)
        return MT_OK;
    if (dc->next && mt_conn_tick(dc->next, now))
        mt_pfs_renewal_failed(dc, now, "no answer to the bind");
    if (dc->old && mt_conn_tick(dc->old, now))
        dc->old_until = now.mono;
    if (dc->old && (mt_conn_is_spent(dc->old) || dc->old_until <= now.mono))
        give_up_old(dc, now);
    if (mt_conn_key_ends(dc->conn) <= now.mono) {
        *where = "the temporary key has ended";
        mt_pfs_drop(dc);
        return MT_E_TIMEOUT;
    }
    if (renewal_at(dc) <= now.mono && !mt_link_exchange(dc, now, true))
        mt_pfs_renewal_failed(dc, now, "no memory");
    return MT_OK;
}

int64_t mt_pfs_deadline(const struct mt_dc *dc)
{
    int64_t at = dc->check ? mt_conn_deadline(dc->check) : MT_NEVER;

    if (dc->state != MT_DCS_UP || !dc->cfg.pfs)
        return at;
    if (dc->next)
        at = sooner(at, mt_conn_deadline(dc->next));
    if (dc->old)
        at = sooner(at, sooner(mt_conn_deadline(dc->old), dc->old_until));
    at = sooner(at, mt_conn_key_ends(dc->conn));
    return sooner(at, renewal_at(dc));
}

void mt_pfs_free(struct mt_dc *dc)
{
    mt_conn_free(dc->next);
    mt_conn_free(dc->old);
    mt_conn_free(dc->check);
}
