#include "core/account/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mt_adc_exists(const struct mt_account *a, int32_t id)
{
    return mt_book_knows(&a->book, id);
}

struct mt_adc *mt_adc_find(struct mt_account *a, int32_t id)
{
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (dc->id == id && !dc->dead)
            return dc;
    return NULL;
}

struct mt_adc *mt_adc_by_link(struct mt_account *a, uint32_t link)
{
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (link && dc->link == link)
            return dc;
    return NULL;
}

static struct mt_adc *make(struct mt_account *a, struct mt_now now, int32_t id, bool main)
{
    struct mt_dc_cfg cfg = {.env = a->cfg.env,
                            .dc_id = id,
                            .test = a->cfg.servers->test,
                            .framing = a->cfg.framing,
                            .obfuscated = a->cfg.obfuscated,
                            .init = &a->cfg.init,
                            .rsa_keys = a->cfg.servers->keys,
                            .n_rsa_keys = a->cfg.servers->n_keys,
                            .pfs = a->cfg.pfs,
                            .without_updates = !main,
                            .keep = main};
    struct mt_saved_dc *saved = mt_keep_dc(&a->saved, id);
    struct mt_adc *dc;

    if (!saved)
        return NULL;
    dc = calloc(1, sizeof *dc);
    if (!dc)
        return NULL;
    cfg.key = saved->has_key ? &saved->key : NULL;
    cfg.salts = saved->salts;
    cfg.n_salts = saved->n_salts;
    cfg.temp = saved->has_temp ? &saved->temp : NULL;
    cfg.time_offset_us = saved->time_offset_us;
    dc->saved = saved;
    dc->id = id;
    dc->main = main;
    dc->auth = saved->authorised ? MT_AUTH_DONE : MT_AUTH_NONE;
    dc->dc = mt_dc_new(&cfg, now);
    if (!dc->dc) {
        free(dc);
        return NULL;
    }
    dc->next = a->dcs;
    a->dcs = dc;
    return dc;
}

struct mt_adc *mt_adc_get(struct mt_account *a, struct mt_now now, int32_t id)
{
    struct mt_adc *dc = mt_adc_find(a, id);

    return dc ? dc : make(a, now, id, id == a->saved.main_dc);
}

struct mt_adc *mt_adc_main(struct mt_account *a, struct mt_now now)
{
    if (!a->saved.main_dc)
        a->saved.main_dc = a->cfg.servers->default_dc;
    return mt_adc_get(a, now, a->saved.main_dc);
}

static void forget_key(struct mt_saved_dc *saved)
{
    int32_t id = saved->dc_id;

    mt_wipe(saved, sizeof *saved);
    saved->dc_id = id;
}

void mt_adc_drop(struct mt_account *a, struct mt_now now, struct mt_adc *dc, bool forget)
{
    if (dc->dead)
        return;
    dc->dead = true;
    dc->up = false;
    mt_dc_close(dc->dc, now); /* its last events are pulled before it is reaped */
    if (forget)
        forget_key(dc->saved);
    if (dc->main)
        mt_updates_offline(a->updates);
    mt_acc_connection(a);
}

void mt_adc_set_main(struct mt_account *a, struct mt_now now, int32_t id)
{
    struct mt_adc *old = mt_adc_find(a, a->saved.main_dc), *fresh = mt_adc_find(a, id);

    if (id == a->saved.main_dc)
        return;
    a->saved.main_dc = id;
    /* a session without updates cannot become the main one */
    if (fresh)
        mt_adc_drop(a, now, fresh, false);
    if (old)
        mt_adc_drop(a, now, old, !old->saved->authorised);
}

void mt_adc_save(struct mt_account *a, struct mt_adc *dc)
{
    uint64_t token = mt_acc_work(a, dc, MT_WORK_NOTE);

    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SAVE_KEY, .token = token, .dc = dc->saved});
}

void mt_adc_hint(struct mt_account *a, struct mt_adc *dc)
{
    if (!dc->link || dc->hinted)
        return;
    dc->hinted = true;
    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_OUTPUT, .link = dc->link});
}

void mt_adc_reap(struct mt_account *a)
{
    for (struct mt_adc **at = &a->dcs, *dc; (dc = *at);) {
        if (!dc->dead) {
            at = &dc->next;
            continue;
        }
        *at = dc->next;
        for (size_t i = 0; i < MT_WORKS_MAX; i++)
            if (a->works[i].dc == dc)
                a->works[i].dc = NULL;
        for (size_t i = 0; i < a->n_acks; i++)
            if (a->acks[i].dc == dc)
                a->acks[i].dc = NULL;
        mt_dc_free(dc->dc);
        free(dc);
    }
}

/* --- the link --- */

static void on_close(struct mt_account *a, struct mt_now now, struct mt_adc *dc)
{
    mt_connect_ended(a, now, dc);
    if (dc->link)
        mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_CLOSE, .link = dc->link});
    dc->link = 0;
}

static void on_up(struct mt_account *a, struct mt_now now, struct mt_adc *dc)
{
    dc->up = true;
    mt_connect_proven(a, dc);
    if (!dc->main)
        return;
    a->trouble[0] = 0;
    if (a->saved.user_id && a->login.pub.step == MT_LOGIN_READY)
        mt_updates_online(a->updates, now, a->saved.user_id, a->saved.bot);
    mt_acc_connection(a);
}

static void on_down(struct mt_account *a, struct mt_adc *dc)
{
    dc->up = false;
    if (dc->main)
        mt_updates_offline(a->updates);
    mt_acc_connection(a);
}

/* --- keys --- */

static void on_key(struct mt_account *a, struct mt_now now, struct mt_adc *dc, const struct mt_dc_event *e)
{
    uint64_t token = mt_acc_work(a, dc, MT_WORK_KEY);

    if (!token) {
        mt_dc_done(dc->dc, now, MT_DC_KEY, MT_E_NOMEM);
        return;
    }
    dc->saved->has_key = true;
    dc->saved->authorised = false;
    dc->saved->key = *e->key;
    dc->saved->salts[0] = (struct mt_salt){.salt = e->salt, .valid_since = 0, .valid_until = INT32_MAX};
    dc->saved->n_salts = 1;
    dc->saved->time_offset_us = e->time_offset_us;
    dc->saved->has_temp = false;
    mt_wipe(&dc->saved->temp, sizeof dc->saved->temp);
    dc->auth = MT_AUTH_NONE;
    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SAVE_KEY, .token = token, .dc = dc->saved});
}

static void on_compute(struct mt_account *a, struct mt_now now, struct mt_adc *dc,
                       const struct mt_dc_event *e)
{
    struct mt_job *job = mt_job_new(MT_JOB_KEYX);
    uint64_t token = job ? mt_acc_work(a, dc, MT_WORK_KEYX) : 0;

    if (token)
        job->keyx = *e->job;
    if (!token) {
        mt_job_free(job);
        mt_dc_computed(dc->dc, now, NULL);
    } else if (mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_COMPUTE, .token = token, .job = job})) {
        mt_account_done(a, now, token, MT_E_NOMEM, NULL); /* the job is freed */
    }
}

static void on_temp_key(struct mt_account *a, struct mt_adc *dc, const struct mt_dc_event *e)
{
    struct mt_saved_dc *saved = dc->saved;

    mt_wipe(&saved->temp, sizeof saved->temp);
    saved->has_temp = e->key;
    if (e->key) {
        saved->temp.key = *e->key;
        saved->temp.ends = e->ends;
    }
    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SAVE_SALTS, .dc = saved});
}

static void on_salts(struct mt_account *a, struct mt_adc *dc, const struct mt_dc_event *e)
{
    size_t n = e->n_salts < MT_SALTS_MAX ? e->n_salts : MT_SALTS_MAX;

    memcpy(e->temporary ? dc->saved->temp.salts : dc->saved->salts, e->salts, n * sizeof *e->salts);
    *(e->temporary ? &dc->saved->temp.n_salts : &dc->saved->n_salts) = n;
    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SAVE_SALTS, .dc = dc->saved});
}

/* -404 on two fresh connections: the server has destroyed this key (trap 10). */
static void on_key_lost(struct mt_account *a, struct mt_now now, struct mt_adc *dc)
{
    bool logged_in = dc->main && a->saved.user_id;

    mt_logf(a->cfg.env, MT_LOG_WARN, "account", "DC %d does not know our key", (int)dc->id);
    if (logged_in) {
        mt_acc_logged_out(a, now, a->login.op == MT_OP_LOG_OUT ? "LOGGED_OUT" : "AUTH_KEY_LOST");
        return;
    }
    mt_adc_drop(a, now, dc, true);
}

/* --- events --- */

#define E_WRONG_DC (-444)

static void on_trouble(struct mt_account *a, struct mt_now now, struct mt_adc *dc,
                       const struct mt_dc_event *e)
{
    size_t n = e->text.n < sizeof a->trouble - 16 ? e->text.n : sizeof a->trouble - 16;

    if (e->code == E_WRONG_DC)
        mt_connect_wrong(a, now, dc);
    if (!dc->main)
        return;
    snprintf(a->trouble, sizeof a->trouble, "%.*s (%d)", (int)n, n ? (const char *)e->text.p : "",
             (int)e->code);
    mt_acc_connection(a);
}

static void on_answer(struct mt_account *a, struct mt_now now, struct mt_adc *dc, const struct mt_dc_event *e)
{
    struct mt_areq *r = mt_areq_by_id(a, e->token);
    struct mt_rpc_error error = {.code = e->code};
    size_t n = e->text.n < sizeof error.text ? e->text.n : sizeof error.text - 1;

    mt_acc_ack(a, dc, e->ack);
    if (!r || r->step != MT_AREQ_SENT)
        return;
    if (e->kind == MT_DC_RESULT) {
        mt_areq_result(a, now, r, e->p, e->n);
    } else if (e->kind == MT_DC_ERROR) {
        if (n)
            memcpy(error.text, e->text.p, n);
        r->maybe = r->maybe || e->sent == MT_SENT_UNKNOWN;
        mt_policy_error(a, now, dc, r, &error);
    } else {
        mt_areq_failed(a, now, r, e->code, e->sent);
    }
}

static void on_updates(struct mt_account *a, struct mt_now now, struct mt_adc *dc,
                       const struct mt_dc_event *e)
{
    /* only the main session's count; the others asked for none */
    if (dc->main && !dc->dead)
        mt_updates_feed(a->updates, now, e->p, e->n, e->ack);
    else
        mt_acc_ack(a, dc, e->ack);
}

/* Of a DC that is being dropped only the ends of its requests and of its link count. */
static bool is_end(enum mt_dc_event_kind kind)
{
    return kind == MT_DC_CLOSE || kind == MT_DC_RESULT || kind == MT_DC_ERROR || kind == MT_DC_FAILED;
}

static void on_event(struct mt_account *a, struct mt_now now, struct mt_adc *dc, const struct mt_dc_event *e)
{
    if (dc->dead && !is_end(e->kind))
        return;
    switch (e->kind) {
    case MT_DC_NONE:
        break;
    case MT_DC_CONNECT:
        mt_connect(a, now, dc);
        break;
    case MT_DC_CLOSE:
        on_close(a, now, dc);
        break;
    case MT_DC_UP:
        on_up(a, now, dc);
        break;
    case MT_DC_DOWN:
        on_down(a, dc);
        break;
    case MT_DC_KEY:
        on_key(a, now, dc, e);
        break;
    case MT_DC_COMPUTE:
        on_compute(a, now, dc, e);
        break;
    case MT_DC_TEMP_KEY:
        on_temp_key(a, dc, e);
        break;
    case MT_DC_SALTS:
        on_salts(a, dc, e);
        break;
    case MT_DC_TIME:
        dc->saved->time_offset_us = e->time_offset_us;
        mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SAVE_SALTS, .dc = dc->saved});
        break;
    case MT_DC_RESULT:
    case MT_DC_ERROR:
    case MT_DC_FAILED:
        on_answer(a, now, dc, e);
        break;
    case MT_DC_UPDATES:
        on_updates(a, now, dc, e);
        break;
    case MT_DC_NEW_SESSION:
        if (dc->main && e->other)
            mt_updates_other_session(a->updates, now);
        else if (dc->main)
            mt_updates_new_session(a->updates, now);
        break;
    case MT_DC_KEY_LOST:
        on_key_lost(a, now, dc);
        break;
    case MT_DC_TROUBLE:
        on_trouble(a, now, dc, e);
        break;
    }
}

bool mt_adc_pump(struct mt_account *a, struct mt_now now)
{
    bool any = false;

    for (struct mt_adc *dc = a->dcs, *next; dc; dc = next) {
        struct mt_dc_event e;

        next = dc->next;
        for (mt_dc_next(dc->dc, &e); e.kind != MT_DC_NONE; mt_dc_next(dc->dc, &e)) {
            on_event(a, now, dc, &e);
            any = true;
        }
        if (!dc->dead)
            mt_adc_hint(a, dc);
    }
    return any;
}
