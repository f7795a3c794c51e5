#include "core/mtproto/session.h"

#include <stdlib.h>

struct mt_conn *mt_conn_new(const struct mt_conn_cfg *cfg, struct mt_now now)
{
    struct mt_conn *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->env = cfg->env;
    c->init = cfg->init;
    c->events = cfg->events;
    c->layer = cfg->layer;
    c->without_updates = cfg->without_updates;
    c->told_offset_us = cfg->time_offset_us;
    c->next_expiry = MT_NEVER;
    c->salts_asked = now.mono - MT_SALTS_EVERY_US;
    c->session_id = mt_env_random64(c->env);
    mt_clock_init(&c->clock, now, cfg->time_offset_us, false);
    mt_salts_init(&c->salts, cfg->salts, cfg->n_salts);
    mt_acks_init(&c->acks);
    if (cfg->key) {
        c->key = *cfg->key;
        c->has_key = true;
    }
    return c;
}

static void list_free(struct mt_msg_list *l)
{
    while (l->head) {
        struct mt_msg *m = l->head;

        mt_msg_remove(l, m);
        mt_msg_unref(m);
    }
}

void mt_conn_free(struct mt_conn *c)
{
    if (!c)
        return;
    list_free(&c->queued);
    list_free(&c->flying);
    list_free(&c->service);
    mt_sent_fini(&c->sent);
    mt_acks_fini(&c->acks);
    mt_ids_fini(&c->missed);
    tl_out_free(&c->packet);
    mt_wipe(&c->key, sizeof c->key);
    free(c);
}

void mt_conn_set_key(struct mt_conn *c, struct mt_now now, const struct mt_auth_key *key, int64_t salt,
                     int64_t time_offset_us)
{
    mt_conn_drop_key(c);
    c->key = *key;
    c->has_key = true;
    c->perm = NULL;
    c->bind = MT_BIND_NONE;
    c->window.n = 0;
    mt_clock_init(&c->clock, now, time_offset_us, true);
    c->told_offset_us = time_offset_us;
    c->session_id = mt_env_random64(c->env);
    c->old_session_id = 0;
    c->content = 0;
    c->salts_asked = now.mono - MT_SALTS_EVERY_US;
    mt_salts_told(&c->salts, salt, mt_session_server_s(c, now));
    mt_acks_clear(&c->acks);
    c->missed.n = 0;
    mt_init_again(c);
}

bool mt_conn_has_key(const struct mt_conn *c)
{
    return c->has_key;
}

uint64_t mt_conn_key_id(const struct mt_conn *c)
{
    return c->has_key ? c->key.id : 0;
}

void mt_conn_drop_key(struct mt_conn *c)
{
    if (!c->has_key)
        return;
    c->has_key = false;
    c->n_left = 0; /* they end with their key */
    mt_wipe(&c->key, sizeof c->key);
    while (c->flying.head)
        mt_request_lost(c, c->flying.head);
}

void mt_conn_set_temporary(struct mt_conn *c, const struct mt_auth_key *perm, int32_t ends, bool bound)
{
    c->perm = perm;
    c->key_ends = ends;
    c->bind = bound ? MT_BIND_DONE : MT_BIND_WANTED;
    c->binds = 0;
}

enum mt_bind_state mt_conn_bind(const struct mt_conn *c)
{
    return c->bind;
}

const char *mt_conn_bind_error(const struct mt_conn *c, int32_t *code)
{
    *code = c->bind_code;
    return c->bind_text;
}

void mt_conn_key(const struct mt_conn *c, const struct mt_auth_key **key, int32_t *ends)
{
    *key = &c->key;
    *ends = c->key_ends;
}

void mt_conn_tell_salts(struct mt_conn *c)
{
    mt_session_salts_changed(c);
}

int64_t mt_conn_key_ends(const struct mt_conn *c)
{
    return c->perm ? c->key_ends * MT_US_PER_S - c->clock.base_us : MT_NEVER;
}

void mt_conn_set_silent(struct mt_conn *c, bool silent)
{
    c->silent = silent;
}

void mt_conn_ack(struct mt_conn *c, struct mt_now now, uint64_t ack)
{
    mt_acks_release(&c->acks, now, ack);
}

void mt_conn_flush(struct mt_conn *c, struct mt_now now)
{
    mt_acks_flush(&c->acks, now);
}

void mt_conn_link_up(struct mt_conn *c, struct mt_now now)
{
    c->linked = true;
    c->verified = false;
    c->link_no++;
    c->heard_at = now.mono;
    c->ping_at = now.mono;
    c->ping_now = true; /* it also makes the server speak, which verifies the link */
    c->ping_open = c->ping_silent = false;
    mt_requests_link_up(c);
}

void mt_conn_link_down(struct mt_conn *c, struct mt_now now)
{
    (void)now;
    if (c->told_up)
        mt_session_tell(c, &(struct mt_dc_event){.kind = MT_DC_DOWN});
    c->linked = c->verified = c->told_up = false;
    if (c->bind == MT_BIND_SENT || c->bind == MT_BIND_REFUSED)
        c->bind = MT_BIND_WANTED;
    list_free(&c->service);
    for (size_t i = 0; i < c->sent.n; i++)
        if (c->sent.v[i].msg && c->sent.v[i].msg->kind != MT_MSG_RPC)
            c->sent.v[i].msg->state = MT_MSG_DONE;
    mt_requests_link_down(c);
    mt_session_leave_old(c);
    c->left_asked = false;
}

bool mt_conn_is_stale(const struct mt_conn *c, struct mt_now now)
{
    return c->linked && now.mono >= c->heard_at + MT_PING_DELAY_S * MT_US_PER_S;
}

void mt_conn_probe(struct mt_conn *c)
{
    c->ping_now = c->linked;
}

void mt_conn_heard(struct mt_conn *c, struct mt_now now)
{
    c->heard_at = now.mono;
    c->ping_silent = false;
}

bool mt_conn_verified(const struct mt_conn *c)
{
    return c->verified;
}

bool mt_conn_is_up(const struct mt_conn *c)
{
    return c->told_up;
}

void mt_conn_tell_up(struct mt_conn *c)
{
    if (c->told_up || c->silent || !c->verified || !mt_conn_is_bound(c))
        return;
    c->told_up = true;
    mt_session_tell(c, &(struct mt_dc_event){.kind = MT_DC_UP});
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Every minute, in a slot that many accounts share; sooner where a request went out after the last ping and
 * nothing has come since. */
static int64_t next_ping(const struct mt_conn *c)
{
    int64_t at = c->ping_at + MT_PING_EVERY_US;

    at -= at % MT_PING_SLOT_US;
    if (c->flying.n && c->request_at > c->ping_at && !c->ping_open)
        at = sooner(at, later(c->request_at, c->heard_at) + MT_PING_SOON_US);
    return at;
}

static bool waits_for_pong(const struct mt_conn *c)
{
    return c->ping_open && c->ping_silent;
}

int mt_conn_tick(struct mt_conn *c, struct mt_now now)
{
    mt_requests_expire(c, now);
    if (!c->linked || !c->has_key)
        return MT_OK;
    if (waits_for_pong(c) && now.mono >= c->ping_at + MT_PONG_WAIT_US)
        return MT_E_TIMEOUT;
    if (c->bind == MT_BIND_SENT && now.mono >= c->bind_at + MT_BIND_WAIT_US)
        return MT_E_TIMEOUT;
    if (c->ping_now && now.mono >= c->heard_at + MT_SILENCE_US)
        return MT_E_TIMEOUT;
    if (now.mono >= next_ping(c))
        c->ping_now = true;
    return MT_OK;
}

int64_t mt_conn_deadline(const struct mt_conn *c)
{
    int64_t at = c->next_expiry;

    if (!c->linked || !c->has_key)
        return at;
    at = sooner(at, c->acks.due);
    at = sooner(at, c->ping_now ? c->heard_at + MT_SILENCE_US : next_ping(c));
    if (waits_for_pong(c))
        at = sooner(at, c->ping_at + MT_PONG_WAIT_US);
    if (c->bind == MT_BIND_SENT)
        at = sooner(at, c->bind_at + MT_BIND_WAIT_US);
    return at;
}

int64_t mt_conn_server_time(const struct mt_conn *c, struct mt_now now)
{
    return mt_clock_server(&c->clock, now);
}

void mt_conn_init_again(struct mt_conn *c)
{
    mt_init_again(c);
}
