/*
 * help.getConfig: asked after each start once the main DC is up, when it expires, when an update says that it
 * is another one; and of another DC, whose address is known, when the main one cannot be reached (it may have
 * moved). It needs no login, so a DC without an authorisation answers too.
 */
#include "core/account/state.h"

#include "tl/ids.h"

#define PATIENCE  (20 * MT_US_PER_S)
#define RETRY     (60 * MT_US_PER_S)
#define LIFE_MIN  60
#define LIFE_MAX  (24 * 3600)
#define SEEK_LAST 6 /* doublings of RETRY between seeks: about an hour */

void mt_config_init(struct mt_account *a)
{
    a->config = (struct mt_config_state){.due_at = 0, .seek_at = MT_NEVER};
}

void mt_config_due(struct mt_account *a, struct mt_now now)
{
    a->config.due_at = now.mono;
}

void mt_config_peek(struct mt_account *a, const struct mt_fx *fx)
{
    struct tl_view v;
    struct tl_vec options;

    if (fx->kind != MT_FX_UPDATE || fx->n < 4)
        return;
    switch (tl_load32(fx->p)) {
    case TL_updateConfig:
        a->config.heard = true;
        break;
    case TL_updateDcOptions:
        if (tl_view_open_exact(&v, fx->p, fx->n) != TL_OK)
            break;
        options = tl_get_vector(&v, TLF_updateDcOptions__dc_options);
        if (mt_book_learn(&a->book, &options, false))
            mt_fxq_push(&a->fxq,
                        &(struct mt_fx){.kind = MT_FX_SAVE_ADDRESSES, .addresses = &a->saved.addresses});
        break;
    default:
        break;
    }
}

void mt_config_seek(struct mt_account *a, int64_t at)
{
    if (at < a->config.seek_at)
        a->config.seek_at = at;
}

static bool ask(struct mt_account *a, struct mt_now now, int32_t dc)
{
    struct tl_out body = {0};
    struct mt_areq *r;

    tl_put_u32(&body, TL_help_getConfig);
    r = body.err ? NULL : mt_areq_new(a, MT_AREQ_CONFIG, body.data, body.len);
    tl_out_free(&body);
    if (!r)
        return false;
    r->dc = dc;
    r->flags = MT_CALL_REPEATABLE | MT_CALL_BEFORE_LOGIN;
    r->deadline = now.mono + PATIENCE;
    mt_areq_start(a, now, r);
    return true;
}

static bool main_is_up(const struct mt_account *a)
{
    return a->connected;
}

/* mono time of the next question; both kinds are silent while theirs is under way. */
static int64_t due_at(const struct mt_account *a)
{
    return a->running && main_is_up(a) && !a->config.asked ? a->config.due_at : MT_NEVER;
}

static int64_t seek_at(const struct mt_account *a)
{
    const struct mt_config_state *c = &a->config;

    if (!a->running || main_is_up(a) || c->sought || c->seek_at == MT_NEVER)
        return MT_NEVER;
    return c->seek_at > c->next_seek ? c->seek_at : c->next_seek;
}

static void seek(struct mt_account *a, struct mt_now now)
{
    struct mt_config_state *c = &a->config;
    unsigned doubled = c->seeks < SEEK_LAST ? c->seeks : SEEK_LAST;
    int32_t dc = mt_book_next(&a->book, c->last_dc ? c->last_dc : a->saved.main_dc, a->saved.main_dc);

    c->next_seek = now.mono + (RETRY << doubled);
    c->seeks++;
    if (!dc)
        return;
    c->last_dc = dc;
    mt_logf(a->cfg.env, MT_LOG_INFO, "account", "DC %d is not to be reached: asking DC %d where it is",
            (int)a->saved.main_dc, (int)dc);
    c->sought = true;
    if (!ask(a, now, dc))
        c->sought = false;
}

void mt_config_tick(struct mt_account *a, struct mt_now now)
{
    struct mt_config_state *c = &a->config;

    if (c->heard) {
        c->heard = false;
        c->due_at = now.mono;
    }
    if (due_at(a) <= now.mono) {
        c->due_at = now.mono + RETRY; /* should there be no memory for it */
        c->asked = true;              /* before: it may end at once */
        if (!ask(a, now, 0))
            c->asked = false;
    }
    if (seek_at(a) <= now.mono)
        seek(a, now);
}

int64_t mt_config_deadline(const struct mt_account *a)
{
    int64_t due = due_at(a), other = seek_at(a);

    return other < due ? other : due;
}

static void ended(struct mt_account *a, const struct mt_areq *r)
{
    if (r->dc)
        a->config.sought = false;
    else
        a->config.asked = false;
}

void mt_config_failed(struct mt_account *a, struct mt_now now, struct mt_areq *r)
{
    ended(a, r);
    if (!r->dc)
        a->config.due_at = now.mono + RETRY;
}

void mt_config_result(struct mt_account *a, struct mt_now now, struct mt_areq *r, const uint8_t *p, size_t n)
{
    struct tl_view v;
    struct tl_vec options;
    int64_t life;

    if (tl_view_open_exact(&v, p, n) != TL_OK || v.def->id != TL_config) {
        mt_config_failed(a, now, r);
        return;
    }
    ended(a, r);
    if (tl_get_bool(&v, TLF_config__test_mode) != a->cfg.servers->test)
        mt_logf(
            a->cfg.env, MT_LOG_WARN, "account", "DC %d is %sa test server, which is not what it should be",
            (int)tl_get_int(&v, TLF_config__this_dc), tl_get_bool(&v, TLF_config__test_mode) ? "" : "not ");
    life = (int64_t)tl_get_int(&v, TLF_config__expires) - tl_get_int(&v, TLF_config__date);
    life = life < LIFE_MIN ? LIFE_MIN : life > LIFE_MAX ? LIFE_MAX : life;
    a->config.due_at = now.mono + life * MT_US_PER_S;
    a->book.try_ipv6 = tl_has(&v, TLF_config__force_try_ipv6);
    options = tl_get_vector(&v, TLF_config__dc_options);
    if (mt_book_learn(&a->book, &options, true))
        mt_connect_again(a, now);
}
