#include "core/account/state.h"

#include <string.h>

#include "tl/ids.h"

int mt_logout(struct mt_account *a, struct mt_now now, uint64_t token)
{
    struct tl_out body = {0};

    if (a->login.token || a->login.pub.step != MT_LOGIN_READY) {
        mt_acc_reply_kind(a, token, MT_REPLY_WRONG_STEP, 0);
        mt_acc_pump(a, now);
        return MT_OK;
    }
    a->login.token = token;
    a->running = true;
    tl_put_u32(&body, TL_auth_logOut);
    mt_login_ask(a, now, MT_OP_LOG_OUT, &body);
    mt_acc_pump(a, now);
    return MT_OK;
}

static void end_request(struct mt_account *a, struct mt_areq *r)
{
    r->step = MT_AREQ_OVER;
    if (r->kind == MT_AREQ_OWNER)
        mt_acc_reply_kind(a, r->token, MT_REPLY_NOT_LOGGED_IN, 0);
}

void mt_acc_logged_out(struct mt_account *a, struct mt_now now, const char *reason)
{
    char why[sizeof a->login.pub.reason];
    size_t n = strlen(reason) < sizeof why ? strlen(reason) : sizeof why - 1;
    bool asked = a->login.op == MT_OP_LOG_OUT;

    memcpy(why, reason, n);
    why[n] = 0;
    mt_logf(a->cfg.env, MT_LOG_WARN, "account", "logged out: %s", why);
    a->confirming = false;
    a->saved.user_id = 0;
    a->home.to = 0; /* the next user lives where he lives */
    for (struct mt_areq *r = a->reqs; r; r = r->next)
        if (r->step != MT_AREQ_OVER)
            end_request(a, r);
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        mt_adc_drop(a, now, dc, false);
    mt_updates_reset(a->updates);
    mt_outbox_logged_out(a->outbox, why);
    mt_keep_forget(&a->saved);
    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_FORGET});
    mt_login_step(a, MT_LOGIN_LOGGED_OUT);
    memcpy(a->login.pub.reason, why, sizeof why);
    mt_login_end_kind(a, asked ? MT_REPLY_OK : MT_REPLY_NOT_LOGGED_IN, 0);
    mt_acc_connection(a);
}
