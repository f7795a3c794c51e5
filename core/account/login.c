#include "core/account/state.h"

#include <string.h>

#include "tl/ids.h"

#define LOGIN_PATIENCE (60 * MT_US_PER_S)
#define LOGIN_FLOOD    5 /* s that a login step may sleep by itself */

/* --- pieces --- */

void mt_login_ask(struct mt_account *a, struct mt_now now, int op, struct tl_out *body)
{
    struct mt_areq *r = body->err ? NULL : mt_areq_new(a, MT_AREQ_LOGIN, body->data, body->len);

    if (body->data)
        mt_wipe(body->data, body->len);
    tl_out_free(body);
    if (!r) {
        mt_login_end_kind(a, MT_REPLY_FAILED, MT_E_NOMEM);
        return;
    }
    a->login.op = op;
    r->secret = true;
    r->flags = MT_CALL_BEFORE_LOGIN;
    /* what only asks may be asked twice */
    if (op == MT_OP_GET_PASSWORD || op == MT_OP_GET_SRP)
        r->flags |= MT_CALL_REPEATABLE;
    r->deadline = now.mono + LOGIN_PATIENCE;
    r->flood_wait = LOGIN_FLOOD;
    mt_areq_start(a, now, r);
}

void mt_login_end(struct mt_account *a, const struct mt_reply *reply)
{
    struct mt_login_flow *l = &a->login;
    uint64_t token = l->token;

    l->token = 0;
    l->op = MT_OP_NONE;
    l->restarted = false;
    mt_wipe(l->password, sizeof l->password);
    l->password_len = 0;
    if (token)
        mt_acc_reply(a, token, reply);
}

void mt_login_end_kind(struct mt_account *a, enum mt_reply_kind kind, int32_t code)
{
    mt_login_end(a, &(struct mt_reply){.kind = kind, .code = code});
}

void mt_login_step(struct mt_account *a, enum mt_login_step step)
{
    struct mt_login_flow *l = &a->login;

    l->pub = (struct mt_login){.step = step};
    if (step != MT_LOGIN_CODE && step != MT_LOGIN_PASSWORD && step != MT_LOGIN_UNSUPPORTED) {
        mt_wipe(l->phone, sizeof l->phone);
        mt_wipe(l->hash, sizeof l->hash);
        l->flow = MT_FLOW_NONE;
    }
    if (step == MT_LOGIN_READY) {
        l->pub.user_id = a->saved.user_id;
        l->pub.bot = a->saved.bot;
    }
    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_LOGIN});
}

static void reply_now(struct mt_account *a, struct mt_now now, uint64_t token, enum mt_reply_kind kind)
{
    mt_acc_reply_kind(a, token, kind, 0);
    mt_acc_pump(a, now);
}

/* False, and answered: the call does not fit. */
static bool open_call(struct mt_account *a, struct mt_now now, uint64_t token, bool fits)
{
    if (!a->cfg.init.api_id || !a->cfg.api_hash) {
        reply_now(a, now, token, MT_REPLY_NO_API_ID);
        return false;
    }
    if (a->login.token || !fits) {
        reply_now(a, now, token, MT_REPLY_WRONG_STEP);
        return false;
    }
    a->login.token = token;
    a->running = true;
    return true;
}

static bool is_outside(const struct mt_account *a)
{
    return a->login.pub.step != MT_LOGIN_READY;
}

/* --- verbs --- */

int mt_login_phone(struct mt_account *a, struct mt_now now, uint64_t token, const char *phone)
{
    struct mt_login_flow *l = &a->login;
    char digits[MT_PHONE_MAX];
    size_t n = 0;

    for (; *phone; phone++) {
        if (*phone == '+' || *phone == ' ' || *phone == '-' || *phone == '(' || *phone == ')')
            continue;
        if (*phone < '0' || *phone > '9' || n + 1 == sizeof digits)
            return MT_E_ARG;
        digits[n++] = *phone;
    }
    digits[n] = 0;
    if (!n)
        return MT_E_ARG;
    if (!open_call(a, now, token, is_outside(a)))
        return MT_OK;
    memcpy(l->phone, digits, sizeof digits);
    l->flow = MT_FLOW_PHONE;
    mt_login_send_code(a, now);
    mt_acc_pump(a, now);
    return MT_OK;
}

int mt_login_bot(struct mt_account *a, struct mt_now now, uint64_t token, const char *bot_token)
{
    struct tl_out body = {0};

    if (!*bot_token || strlen(bot_token) > 256)
        return MT_E_ARG;
    if (!open_call(a, now, token, is_outside(a)))
        return MT_OK;
    a->login.flow = MT_FLOW_BOT;
    tl_put_u32(&body, TL_auth_importBotAuthorization);
    tl_put_int(&body, 0);
    tl_put_int(&body, a->cfg.init.api_id);
    tl_put_str(&body, a->cfg.api_hash);
    tl_put_str(&body, bot_token);
    mt_login_ask(a, now, MT_OP_BOT, &body);
    mt_acc_pump(a, now);
    return MT_OK;
}

int mt_login_resend(struct mt_account *a, struct mt_now now, uint64_t token)
{
    struct mt_login_flow *l = &a->login;
    struct tl_out body = {0};

    if (!open_call(a, now, token,
                   l->hash[0] && (l->pub.step == MT_LOGIN_CODE || l->pub.step == MT_LOGIN_UNSUPPORTED)))
        return MT_OK;
    tl_put_u32(&body, TL_auth_resendCode);
    tl_put_u32(&body, 0);
    tl_put_str(&body, l->phone);
    tl_put_str(&body, l->hash);
    mt_login_ask(a, now, MT_OP_RESEND, &body);
    mt_acc_pump(a, now);
    return MT_OK;
}

int mt_login_code(struct mt_account *a, struct mt_now now, uint64_t token, const char *code)
{
    struct mt_login_flow *l = &a->login;
    bool email = !strcmp(l->pub.where, "email");
    struct tl_out body = {0};

    if (!*code || strlen(code) > 256)
        return MT_E_ARG;
    if (!open_call(a, now, token, l->pub.step == MT_LOGIN_CODE))
        return MT_OK;
    tl_put_u32(&body, TL_auth_signIn);
    tl_put_u32(&body, email ? 2 : 1);
    tl_put_str(&body, l->phone);
    tl_put_str(&body, l->hash);
    if (email)
        tl_put_u32(&body, TL_emailVerificationCode);
    tl_put_str(&body, code);
    mt_login_ask(a, now, MT_OP_SIGN_IN, &body);
    mt_acc_pump(a, now);
    return MT_OK;
}

int mt_login_password(struct mt_account *a, struct mt_now now, uint64_t token, const void *password, size_t n)
{
    struct mt_login_flow *l = &a->login;

    if (!n || n > sizeof l->password)
        return MT_E_ARG;
    if (!open_call(a, now, token, l->pub.step == MT_LOGIN_PASSWORD))
        return MT_OK;
    memcpy(l->password, password, n);
    l->password_len = n;
    l->srp_tries = 0;
    mt_login_get_password(a, now, MT_OP_GET_SRP);
    mt_acc_pump(a, now);
    return MT_OK;
}

int mt_login_cancel(struct mt_account *a, struct mt_now now, uint64_t token)
{
    struct mt_login_flow *l = &a->login;
    struct tl_out body = {0};

    if (!is_outside(a) || l->op == MT_OP_SAVE) {
        reply_now(a, now, token, MT_REPLY_WRONG_STEP);
        return MT_OK;
    }
    /* whoever waits for a step learns that it will not end */
    for (struct mt_areq *r = a->reqs; r; r = r->next)
        if (r->kind == MT_AREQ_LOGIN)
            r->step = MT_AREQ_OVER;
    l->job = 0;
    mt_login_end_kind(a, MT_REPLY_CANCELLED, 0);
    l->token = token;
    if (l->pub.step == MT_LOGIN_CODE && l->hash[0]) {
        tl_put_u32(&body, TL_auth_cancelCode);
        tl_put_str(&body, l->phone);
        tl_put_str(&body, l->hash);
        mt_login_ask(a, now, MT_OP_CANCEL, &body);
    } else {
        mt_login_step(a, MT_LOGIN_NONE);
        mt_login_end_kind(a, MT_REPLY_OK, 0);
    }
    mt_acc_pump(a, now);
    return MT_OK;
}

/* --- logged in --- */

void mt_login_authorised(struct mt_account *a, struct mt_now now, const struct tl_view *authorization)
{
    struct tl_view user;
    struct mt_adc *main = mt_adc_main(a, now);
    struct mt_saved *stored;
    uint64_t token;

    if (authorization->def->id == TL_auth_authorizationSignUpRequired) {
        mt_login_step(a, MT_LOGIN_UNSUPPORTED);
        memcpy(a->login.pub.constructor, "auth.authorizationSignUpRequired", 33);
        mt_login_end_kind(a, MT_REPLY_OK, 0);
        return;
    }
    if (authorization->def->id != TL_auth_authorization ||
        !tl_get_object(authorization, TLF_auth_authorization__user, &user) || user.def->id != TL_user) {
        mt_login_end_kind(a, MT_REPLY_FAILED, MT_E_PEER);
        return;
    }
    token = main ? mt_acc_work(a, main, MT_WORK_AUTH) : 0;
    if (!token) {
        mt_login_end_kind(a, MT_REPLY_FAILED, MT_E_NOMEM);
        return;
    }
    mt_peers_harvest(&a->peers, authorization);
    a->saved.user_id = tl_get_long(&user, TLF_user__id);
    a->saved.bot = tl_has(&user, TLF_user__bot);
    main->saved->authorised = true;
    main->auth = MT_AUTH_DONE;
    a->login.op = MT_OP_SAVE;
    mt_adc_save(a, main);
    stored = mt_keep_store(&a->saved);
    if (!stored ||
        mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SAVE_AUTH, .token = token, .saved = stored}) !=
            MT_OK)
        mt_account_done(a, now, token, MT_E_NOMEM, NULL);
    mt_saved_free(stored);
}

void mt_login_saved(struct mt_account *a, struct mt_now now, int result)
{
    struct mt_adc *main = mt_adc_find(a, a->saved.main_dc);

    if (a->login.op != MT_OP_SAVE)
        return;
    if (result) {
        a->saved.user_id = 0;
        mt_login_step(a, MT_LOGIN_NONE);
        mt_login_end_kind(a, MT_REPLY_FAILED, result);
        return;
    }
    mt_login_step(a, MT_LOGIN_READY);
    mt_login_end_kind(a, MT_REPLY_OK, 0);
    if (main && main->up)
        mt_updates_online(a->updates, now, a->saved.user_id, a->saved.bot);
    mt_acc_connection(a);
}

/* --- answers --- */

void mt_login_result(struct mt_account *a, struct mt_now now, const uint8_t *p, size_t n)
{
    struct tl_view v;

    if (a->login.op == MT_OP_CANCEL) {
        mt_login_step(a, MT_LOGIN_NONE);
        mt_login_end_kind(a, MT_REPLY_OK, 0);
        return;
    }
    if (tl_view_open_exact(&v, p, n)) {
        mt_login_end_kind(a, MT_REPLY_FAILED, MT_E_PEER);
        return;
    }
    switch (a->login.op) {
    case MT_OP_SEND_CODE:
    case MT_OP_RESEND:
        mt_login_sent_code(a, now, &v);
        break;
    case MT_OP_SIGN_IN:
    case MT_OP_CHECK_PASSWORD:
    case MT_OP_BOT:
        mt_login_authorised(a, now, &v);
        break;
    case MT_OP_GET_PASSWORD:
    case MT_OP_GET_SRP:
        mt_login_password_result(a, now, &v);
        break;
    case MT_OP_LOG_OUT:
        mt_acc_logged_out(a, now, "LOGGED_OUT");
        break;
    case MT_OP_NONE:
    case MT_OP_COMPUTE:
    case MT_OP_SAVE:
    case MT_OP_CANCEL:
        break;
    }
}

void mt_login_error(struct mt_account *a, struct mt_now now, const struct mt_rpc_error *e)
{
    struct mt_login_flow *l = &a->login;
    struct mt_reply reply = {.kind = MT_REPLY_RPC_ERROR, .code = e->code};
    int64_t seconds = e->code == 420 ? mt_error_number(e->text) : -1;

    if (!strcmp(e->text, "SESSION_PASSWORD_NEEDED")) { /* trap 47: no log-out, the next step */
        mt_login_get_password(a, now, MT_OP_GET_PASSWORD);
        return;
    }
    if (!strcmp(e->text, "AUTH_RESTART") && l->flow == MT_FLOW_PHONE && !l->restarted) {
        l->restarted = l->op != MT_OP_SEND_CODE;
        if (l->restarted || l->srp_tries++ < 2) {
            mt_login_send_code(a, now);
            return;
        }
    }
    if (mt_login_password_error(a, now, e))
        return;
    if (l->op == MT_OP_LOG_OUT && e->code == 401) {
        mt_acc_logged_out(a, now, "LOGGED_OUT"); /* the answer to an earlier try was lost (trap 53) */
        return;
    }
    if (l->op == MT_OP_CANCEL)
        mt_login_step(a, MT_LOGIN_NONE);
    memcpy(reply.text, e->text, sizeof reply.text);
    reply.seconds = seconds > 0 ? seconds : 0;
    mt_login_end(a, l->op == MT_OP_CANCEL ? &(struct mt_reply){.kind = MT_REPLY_OK} : &reply);
}

void mt_login_failed(struct mt_account *a, struct mt_now now, int code, enum mt_sent sent)
{
    struct mt_reply reply = {.kind = MT_REPLY_FAILED, .code = code, .sent = sent};

    if (code == MT_E_TIMEOUT)
        reply.kind = MT_REPLY_TIMEOUT;
    if (a->login.op == MT_OP_CANCEL) {
        mt_login_step(a, MT_LOGIN_NONE);
        reply = (struct mt_reply){.kind = MT_REPLY_OK};
    }
    mt_login_end(a, &reply);
}
