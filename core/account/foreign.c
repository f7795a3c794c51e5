#include "core/account/state.h"

#include <string.h>

#include "tl/ids.h"

#define TRIES_MAX 3
/* Between two moves: a server that sends us to and fro is not followed. */
#define HOME_PAUSE (60 * MT_US_PER_S)

static void ask(struct mt_account *a, struct mt_now now, enum mt_areq_kind kind, struct mt_adc *dc,
                struct tl_out *body)
{
    struct mt_areq *r = body->err ? NULL : mt_areq_new(a, kind, body->data, body->len);

    tl_out_free(body);
    if (!r) {
        dc->auth = MT_AUTH_NONE;
        return;
    }
    r->ref = dc->id;
    r->secret = true;
    r->dc = kind == MT_AREQ_IMPORT ? dc->id : 0;
    r->flags = kind == MT_AREQ_EXPORT ? MT_CALL_REPEATABLE : 0;
    r->deadline = now.mono + MT_ASK_PATIENCE;
    mt_areq_start(a, now, r);
}

/* One export and import per DC at a time; who needs it meanwhile waits (trap 55). */
bool mt_foreign_ready(struct mt_account *a, struct mt_now now, struct mt_adc *dc, const struct mt_areq *r)
{
    struct tl_out body = {0};

    if (dc->auth == MT_AUTH_DONE || !a->saved.user_id || r->kind == MT_AREQ_IMPORT ||
        (r->flags & MT_CALL_BEFORE_LOGIN))
        return true;
    if (dc->auth != MT_AUTH_NONE)
        return false;
    dc->auth = MT_AUTH_EXPORTING;
    tl_put_u32(&body, TL_auth_exportAuthorization);
    tl_put_int(&body, dc->id);
    ask(a, now, MT_AREQ_EXPORT, dc, &body);
    return false;
}

static void exported(struct mt_account *a, struct mt_now now, struct mt_adc *dc, const struct tl_view *v)
{
    struct tl_slice bytes = tl_get_bytes(v, TLF_auth_exportedAuthorization__bytes);
    struct tl_out body = {0};

    dc->auth = MT_AUTH_IMPORTING;
    tl_put_u32(&body, TL_auth_importAuthorization);
    tl_put_long(&body, tl_get_long(v, TLF_auth_exportedAuthorization__id));
    tl_put_bytes(&body, bytes.p, bytes.n);
    ask(a, now, MT_AREQ_IMPORT, dc, &body);
}

/* --- an account that lives elsewhere now --- */

bool mt_home_moves(struct mt_account *a, struct mt_now now, struct mt_adc *at, const struct mt_areq *r,
                   int32_t to)
{
    struct mt_adc *dc;

    /* another DC says it to all who do not live there, and that is right */
    if (!at->main || at->dead || to == at->id || r->kind == MT_AREQ_LOGIN || r->kind == MT_AREQ_EXPORT ||
        r->kind == MT_AREQ_IMPORT)
        return false;
    if (a->home.to == to)
        return true; /* the same said of another request */
    if (a->home.to || now.mono < a->home.not_before)
        return false;
    a->home.to = to;
    a->home.not_before = now.mono + HOME_PAUSE;
    mt_logf(a->cfg.env, MT_LOG_INFO, "account", "the account lives on DC %d now", (int)to);
    dc = mt_adc_get(a, now, to);
    if (dc) /* what it had imported is not believed: only a fresh import shows that we are at home there */
        dc->auth = dc->auth == MT_AUTH_DONE ? MT_AUTH_NONE : dc->auth;
    return dc;
}

/* The import showed that it is so; until then the old DC stays the main one, with its key. */
static void move_home(struct mt_account *a, struct mt_now now, const struct tl_view *authorization)
{
    uint64_t token = mt_acc_work(a, NULL, MT_WORK_NOTE);
    struct mt_saved *stored;
    struct tl_view user;
    int32_t to = a->home.to;

    a->home.to = 0;
    if (!tl_get_object(authorization, TLF_auth_authorization__user, &user) || user.def->id != TL_user ||
        tl_get_long(&user, TLF_user__id) != a->saved.user_id)
        return;
    mt_adc_set_main(a, now, to);
    if (a->running) /* whoever asked may have gone meanwhile, and nobody else connects it */
        (void)mt_adc_main(a, now);
    stored = mt_keep_store(&a->saved);
    if (stored)
        mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SAVE_AUTH, .token = token, .saved = stored});
    mt_saved_free(stored);
}

static void release(struct mt_account *a, struct mt_now now, int32_t dc)
{
    for (struct mt_areq *r = a->reqs; r; r = r->next)
        if (r->step == MT_AREQ_AUTH && r->dc == dc)
            mt_areq_go(a, now, r);
}

void mt_foreign_result(struct mt_account *a, struct mt_now now, struct mt_areq *r, const uint8_t *p, size_t n)
{
    struct mt_adc *dc = mt_adc_find(a, (int32_t)r->ref);
    struct tl_view v;
    bool ok = tl_view_open_exact(&v, p, n) == TL_OK;

    if (!dc)
        return;
    if (ok && r->kind == MT_AREQ_EXPORT && v.def->id == TL_auth_exportedAuthorization) {
        exported(a, now, dc, &v);
    } else if (ok && r->kind == MT_AREQ_IMPORT && v.def->id == TL_auth_authorization) {
        dc->auth = MT_AUTH_DONE;
        dc->auth_tries = 0;
        dc->saved->authorised = true;
        mt_adc_save(a, dc);
        if (a->home.to == dc->id)
            move_home(a, now, &v);
        release(a, now, dc->id);
    } else {
        mt_foreign_failed(a, now, r, NULL, MT_E_PEER);
    }
}

void mt_foreign_failed(struct mt_account *a, struct mt_now now, struct mt_areq *r,
                       const struct mt_rpc_error *e, int code)
{
    int32_t id = (int32_t)r->ref;
    struct mt_adc *dc = mt_adc_find(a, id);

    if (dc)
        dc->auth = MT_AUTH_NONE;
    /* the bytes live shortly and work once: a second export is the answer */
    if (dc && e && !strcmp(e->text, "AUTH_BYTES_INVALID") && ++dc->auth_tries < TRIES_MAX) {
        mt_foreign_ready(a, now, dc, &(struct mt_areq){.kind = MT_AREQ_OWNER});
        return;
    }
    if (dc)
        dc->auth_tries = 0;
    if (a->home.to == id)
        a->home.to = 0;
    for (struct mt_areq *w = a->reqs; w; w = w->next) {
        if (w->step != MT_AREQ_AUTH || w->dc != id)
            continue;
        if (e)
            mt_areq_error(a, now, w, e, false);
        else
            mt_areq_failed(a, now, w, code, MT_SENT_NO);
    }
}
