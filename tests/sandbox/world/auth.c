/* auth.*: codes, sign-in, bots, moving a login between data centres, QR tokens. */
#include "tests/sandbox/world_acts.h"

#include <ctype.h>
#include <stdio.h>

#include "core/crypto/crypto.h"

#define CODE_LIFE  300
#define CODE_TRIES 5
#define TOKEN_LIFE 30

/* --- logins --- */

void sb_log_in(struct sb_turn *t, struct sb_user *u)
{
    t->key->user_id = u->id;
    t->key->wants_passwd = 0;
    t->key->login_token_end = 0;
    t->key->login_token_user = 0;
    t->me = u;
    /* the other devices are asked whether that was their owner */
    sb_note_others(t, u,
                   json_pack("{s:s,s:b,s:I,s:i,s:s,s:s}", "_", "updateNewAuthorization", "unconfirmed", 1,
                             "hash", (json_int_t)t->key->hash, "date", t->date, "device", "Sandbox",
                             "location", "Loopback"));
}

json_t *sb_json_authorization(struct sb_turn *t, const struct sb_user *u)
{
    return json_pack("{s:s,s:o}", "_", "auth.authorization", "user",
                     sb_json_user(t->w, t->date, u, u, false));
}

/* Logs in, or asks for the password first. False: refused. */
static bool login_or_password(struct sb_turn *t, struct sb_user *u)
{
    if (!u->password.set) {
        sb_log_in(t, u);
        return true;
    }
    t->key->wants_passwd = u->id;
    sb_refuse(t, 401, "SESSION_PASSWORD_NEEDED");
    return false;
}

static bool is_logged_in(const struct sb_world *w, const struct sb_user *u)
{
    for (size_t i = 0; i < w->n_keys; i++)
        if (w->keys[i]->user_id == u->id)
            return true;
    return false;
}

/* --- codes --- */

/* Digits of a phone number; NULL: not one. Freed by the caller. */
static char *phone_of(struct sb_turn *t, unsigned field)
{
    char *given = sb_arg_text(t, field);
    size_t n = 0;

    for (size_t i = 0; given[i]; i++) {
        if (isdigit((unsigned char)given[i]))
            given[n++] = given[i];
        else if (!strchr("+ -()", given[i]))
            n = 100;
        if (n >= 100)
            break;
    }
    if (n >= 7 && n <= 15) {
        given[n] = 0;
        return given;
    }
    free(given);
    sb_refuse(t, 406, "PHONE_NUMBER_INVALID");
    return NULL;
}

/* 99966XYYYY: the test numbers, X their DC and five times their code. */
static int test_dc(const char *phone)
{
    return strlen(phone) == 10 && !strncmp(phone, "99966", 5) ? phone[5] - '0' : 0;
}

static bool dc_exists(const struct sb_world *w, int32_t dc)
{
    for (size_t i = 0; i < w->n_dcs; i++)
        if (w->dcs[i].dc_id == dc)
            return true;
    return false;
}

/* Whether this DC is the right one for a number; refuses where not. */
static bool right_dc(struct sb_turn *t, const char *phone, const struct sb_user *u)
{
    int32_t dc = u ? u->dc : test_dc(phone);

    if (!dc)
        return true; /* a new number lives where it asks first */
    if (!dc_exists(t->w, dc)) {
        sb_refuse(t, 406, "PHONE_NUMBER_INVALID");
        return false;
    }
    if (dc != t->caller->dc_id) {
        sb_refusef(t, 303, "PHONE_MIGRATE_%d", dc);
        return false;
    }
    return true;
}

static bool api_ok(struct sb_turn *t, int32_t api_id, struct tl_slice hash)
{
    if (api_id > 0 && hash.n)
        return true;
    sb_refuse(t, 400, "API_ID_INVALID");
    return false;
}

static void tell_code(struct sb_turn *t, struct sb_user *u, const char *code)
{
    char text[160];
    struct sb_letter s = {.from = sb_user_get(t->w, SB_SERVICE_USER), .to = {SB_USER, u->id}, .text = text};

    snprintf(text, sizeof text,
             "Login code: %s. Do not give this code to anyone, even if they say they are from Telegram!",
             code);
    if (s.from)
        sb_deliver(t, &s);
}

/* A new code for a number, told as it would be; answers with auth.sentCode. */
static void send_code(struct sb_turn *t, const char *phone, struct sb_user *u, bool resent)
{
    struct sb_code *c = SB_PUSH(t->w->codes, t->w->n_codes, t->w->cap_codes);
    const bool app = u && !resent && is_logged_in(t->w, u);
    char hash[24], code[64];
    int x = test_dc(phone);

    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)mt_env_random64(t->w->env));
    if (x)
        snprintf(code, sizeof code, "%d%d%d%d%d", x, x, x, x, x);
    else
        snprintf(code, sizeof code, "%05u", (unsigned)(mt_env_random64(t->w->env) % 100000));
    *c = (struct sb_code){
        .phone = sb_dup(phone), .hash = sb_dup(hash), .code = sb_dup(code), .end = t->date + CODE_LIFE};
    if (app)
        tell_code(t, u, code);
    sb_answer(t, json_pack("{s:s,s:{s:s,s:i},s:s,s:{s:s},s:i}", "_", "auth.sentCode", "type", "_",
                           app ? "auth.sentCodeTypeApp" : "auth.sentCodeTypeSms", "length", 5,
                           "phone_code_hash", hash, "next_type", "_",
                           app ? "auth.codeTypeSms" : "auth.codeTypeCall", "timeout", 60));
}

static void auth_send_code(struct sb_turn *t)
{
    char *phone = phone_of(t, TLF_auth_sendCode__phone_number);
    struct sb_user *u;

    if (!phone)
        return;
    u = sb_user_by_phone(t->w, phone);
    if (api_ok(t, tl_get_int(t->call, TLF_auth_sendCode__api_id),
               tl_get_bytes(t->call, TLF_auth_sendCode__api_hash)) &&
        right_dc(t, phone, u))
        send_code(t, phone, u, false);
    free(phone);
}

static bool slice_is(struct tl_slice s, const char *text)
{
    return s.n == strlen(text) && !memcmp(s.p, text, s.n);
}

/* The code that a phone and hash name and that may still be used; refuses where there is none. */
static struct sb_code *code_of(struct sb_turn *t, const char *phone, struct tl_slice hash)
{
    if (!hash.n) {
        sb_refuse(t, 400, "PHONE_CODE_HASH_EMPTY");
        return NULL;
    }
    for (size_t i = 0; i < t->w->n_codes; i++) {
        struct sb_code *c = &t->w->codes[i];

        if (!strcmp(c->phone, phone) && slice_is(hash, c->hash) && !c->used && c->end > t->date)
            return c;
    }
    sb_refuse(t, 400, "PHONE_CODE_EXPIRED");
    return NULL;
}

static void auth_resend_code(struct sb_turn *t)
{
    char *phone = phone_of(t, TLF_auth_resendCode__phone_number);
    struct sb_code *c =
        phone ? code_of(t, phone, tl_get_bytes(t->call, TLF_auth_resendCode__phone_code_hash)) : NULL;

    if (c) {
        c->used = true;
        send_code(t, phone, sb_user_by_phone(t->w, phone), true);
    }
    free(phone);
}

static void auth_cancel_code(struct sb_turn *t)
{
    char *phone = phone_of(t, TLF_auth_cancelCode__phone_number);
    struct sb_code *c =
        phone ? code_of(t, phone, tl_get_bytes(t->call, TLF_auth_cancelCode__phone_code_hash)) : NULL;

    if (c) {
        c->used = true;
        sb_answer_bool(t, true);
    }
    free(phone);
}

static void sign_in(struct sb_turn *t, const char *phone, struct sb_code *c)
{
    struct tl_slice given = tl_get_bytes(t->call, TLF_auth_signIn__phone_code);
    struct sb_user *u = sb_user_by_phone(t->w, phone);

    if (!given.n) {
        sb_refuse(t, 400, "PHONE_CODE_EMPTY");
        return;
    }
    if (!slice_is(given, c->code)) {
        c->used = ++c->tries == CODE_TRIES;
        sb_refuse(t, 400, "PHONE_CODE_INVALID");
        return;
    }
    if (!u) {
        c->verified = true;
        sb_answer(t, json_pack("{s:s}", "_", "auth.authorizationSignUpRequired"));
        return;
    }
    c->used = true;
    if (login_or_password(t, u))
        sb_answer(t, sb_json_authorization(t, u));
}

static void auth_sign_in(struct sb_turn *t)
{
    char *phone = phone_of(t, TLF_auth_signIn__phone_number);
    struct sb_code *c =
        phone ? code_of(t, phone, tl_get_bytes(t->call, TLF_auth_signIn__phone_code_hash)) : NULL;

    if (c)
        sign_in(t, phone, c);
    free(phone);
}

static void auth_sign_up(struct sb_turn *t)
{
    char *phone = phone_of(t, TLF_auth_signUp__phone_number);
    char *first = sb_arg_text(t, TLF_auth_signUp__first_name);
    struct sb_code *c =
        phone ? code_of(t, phone, tl_get_bytes(t->call, TLF_auth_signUp__phone_code_hash)) : NULL;

    if (c && !c->verified) {
        sb_refuse(t, 400, "PHONE_CODE_INVALID");
    } else if (c && sb_user_by_phone(t->w, phone)) {
        sb_refuse(t, 400, "PHONE_NUMBER_OCCUPIED");
    } else if (c && !*first) {
        sb_refuse(t, 400, "FIRSTNAME_INVALID");
    } else if (c) {
        struct sb_user *u = sb_user_new(t->w, sb_next_id(t->w, SB_USER, false), first);

        u->last = sb_arg_text(t, TLF_auth_signUp__last_name);
        u->phone = sb_dup(phone);
        u->dc = t->caller->dc_id;
        c->used = true;
        sb_log_in(t, u);
        sb_answer(t, sb_json_authorization(t, u));
    }
    free(first);
    free(phone);
}

/* --- bots, password, log out --- */

static void auth_import_bot(struct sb_turn *t)
{
    struct tl_slice token = tl_get_bytes(t->call, TLF_auth_importBotAuthorization__bot_auth_token);

    if (!api_ok(t, tl_get_int(t->call, TLF_auth_importBotAuthorization__api_id),
                tl_get_bytes(t->call, TLF_auth_importBotAuthorization__api_hash)))
        return;
    for (size_t i = 0; i < t->w->n_users; i++) {
        struct sb_user *u = t->w->users[i];

        if (!u->bot || u->deleted || !slice_is(token, u->token))
            continue;
        if (u->dc != t->caller->dc_id) {
            sb_refusef(t, 303, "USER_MIGRATE_%d", u->dc);
            return;
        }
        sb_log_in(t, u);
        sb_answer(t, sb_json_authorization(t, u));
        return;
    }
    sb_refuse(t, 400, "ACCESS_TOKEN_INVALID");
}

static void auth_check_password(struct sb_turn *t)
{
    struct sb_user *u = t->key->wants_passwd ? sb_user_get(t->w, t->key->wants_passwd) : NULL;
    struct tl_view answer;

    if (!u || !tl_get_object(t->call, TLF_auth_checkPassword__password, &answer)) {
        sb_refuse(t, 401, "AUTH_KEY_UNREGISTERED");
        return;
    }
    if (!sb_check_password(t, &answer, u))
        return;
    sb_log_in(t, u);
    sb_answer(t, sb_json_authorization(t, u));
}

static void auth_log_out(struct sb_turn *t)
{
    json_t *r = sb_unit("auth.loggedOut");

    if (sb_pick(t->w, 2)) {
        uint8_t token[20];

        t->w->env->random(t->w->env->ctx, token, sizeof token);
        json_object_set_new(r, "future_auth_token", sb_b64(token, sizeof token));
    }
    sb_world_forget_key(t->w, t->key->id);
    sb_answer(t, r);
}

/* --- other data centres --- */

static void auth_export(struct sb_turn *t)
{
    int32_t dc = tl_get_int(t->call, TLF_auth_exportAuthorization__dc_id);
    struct sb_transfer *x;

    if (!dc_exists(t->w, dc) || dc == t->caller->dc_id) {
        sb_refuse(t, 400, "DC_ID_INVALID");
        return;
    }
    x = SB_PUSH(t->w->transfers, t->w->n_transfers, t->w->cap_transfers);
    *x = (struct sb_transfer){.user_id = t->me->id, .dc_id = dc, .end = t->date + 60};
    t->w->env->random(t->w->env->ctx, x->bytes, sizeof x->bytes);
    sb_answer(t, json_pack("{s:s,s:I,s:o}", "_", "auth.exportedAuthorization", "id", x->user_id, "bytes",
                           sb_b64(x->bytes, sizeof x->bytes)));
}

static void auth_import(struct sb_turn *t)
{
    int64_t id = tl_get_long(t->call, TLF_auth_importAuthorization__id);
    struct tl_slice bytes = tl_get_bytes(t->call, TLF_auth_importAuthorization__bytes);

    for (size_t i = 0; i < t->w->n_transfers; i++) {
        struct sb_transfer *x = &t->w->transfers[i];

        if (x->user_id != id || x->used || x->dc_id != t->caller->dc_id || x->end <= t->date ||
            bytes.n != sizeof x->bytes || memcmp(bytes.p, x->bytes, bytes.n) != 0)
            continue;
        x->used = true;
        sb_log_in(t, sb_user_get(t->w, id));
        sb_answer(t, sb_json_authorization(t, t->me));
        return;
    }
    sb_refuse(t, 400, "AUTH_BYTES_INVALID");
}

/* --- QR --- */

static struct sb_login *key_of_token(struct sb_turn *t, struct tl_slice token)
{
    for (size_t i = 0; i < t->w->n_keys; i++) {
        struct sb_login *k = t->w->keys[i];

        if (k->login_token_end && token.n == sizeof k->login_token &&
            !memcmp(token.p, k->login_token, token.n))
            return k;
    }
    return NULL;
}

/* The end of a QR login whose token was accepted. */
static void token_login(struct sb_turn *t, struct sb_login *asked)
{
    struct sb_user *u = sb_user_get(t->w, asked->login_token_user);

    if (u->dc != t->caller->dc_id) {
        sb_answer(t, json_pack("{s:s,s:i,s:o}", "_", "auth.loginTokenMigrateTo", "dc_id", u->dc, "token",
                               sb_b64(asked->login_token, sizeof asked->login_token)));
        return;
    }
    asked->login_token_end = 0;
    if (login_or_password(t, u))
        sb_answer(t, json_pack("{s:s,s:o}", "_", "auth.loginTokenSuccess", "authorization",
                               sb_json_authorization(t, u)));
}

static void auth_export_token(struct sb_turn *t)
{
    struct sb_login *k = t->key;

    if (!api_ok(t, tl_get_int(t->call, TLF_auth_exportLoginToken__api_id),
                tl_get_bytes(t->call, TLF_auth_exportLoginToken__api_hash)))
        return;
    if (k->login_token_end && k->login_token_user) {
        token_login(t, k);
        return;
    }
    if (k->login_token_end <= t->date)
        t->w->env->random(t->w->env->ctx, k->login_token, sizeof k->login_token);
    k->login_token_end = t->date + TOKEN_LIFE;
    sb_answer(t, json_pack("{s:s,s:i,s:o}", "_", "auth.loginToken", "expires", k->login_token_end, "token",
                           sb_b64(k->login_token, sizeof k->login_token)));
}

static void auth_import_token(struct sb_turn *t)
{
    struct sb_login *k = key_of_token(t, tl_get_bytes(t->call, TLF_auth_importLoginToken__token));

    if (k && k->login_token_user)
        token_login(t, k);
    else
        sb_refuse(t, 400, "AUTH_TOKEN_INVALID");
}

static void auth_accept_token(struct sb_turn *t)
{
    struct sb_login *k = key_of_token(t, tl_get_bytes(t->call, TLF_auth_acceptLoginToken__token));

    if (!k) {
        sb_refuse(t, 400, "AUTH_TOKEN_INVALID");
    } else if (k->login_token_user) {
        sb_refuse(t, 400, "AUTH_TOKEN_ALREADY_ACCEPTED");
    } else if (k->login_token_end <= t->date) {
        sb_refuse(t, 400, "AUTH_TOKEN_EXPIRED");
    } else {
        k->login_token_user = t->me->id;
        sb_push_key(t, k->id, sb_unit("updateLoginToken"));
        sb_answer(t, sb_json_session(t, k));
    }
}

const struct sb_method sb_methods_auth[] = {
    {TL_auth_sendCode, SB_M_ANYBODY, auth_send_code},
    {TL_auth_resendCode, SB_M_ANYBODY, auth_resend_code},
    {TL_auth_cancelCode, SB_M_ANYBODY, auth_cancel_code},
    {TL_auth_signIn, SB_M_ANYBODY, auth_sign_in},
    {TL_auth_signUp, SB_M_ANYBODY, auth_sign_up},
    {TL_auth_checkPassword, SB_M_ANYBODY, auth_check_password},
    {TL_auth_importBotAuthorization, SB_M_ANYBODY, auth_import_bot},
    {TL_auth_importAuthorization, SB_M_ANYBODY, auth_import},
    {TL_auth_exportLoginToken, SB_M_ANYBODY, auth_export_token},
    {TL_auth_importLoginToken, SB_M_ANYBODY, auth_import_token},
    {TL_auth_acceptLoginToken, 0, auth_accept_token},
    {TL_auth_logOut, SB_M_ANY_DC, auth_log_out},
    {TL_auth_exportAuthorization, SB_M_ANY_DC, auth_export},
    {0},
};
