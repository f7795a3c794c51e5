#include "core/account/state.h"

#include <string.h>

#include "tl/ids.h"

void mt_login_send_code(struct mt_account *a, struct mt_now now)
{
    struct tl_out body = {0};

    tl_put_u32(&body, TL_auth_sendCode);
    tl_put_str(&body, a->login.phone);
    tl_put_int(&body, a->cfg.init.api_id);
    tl_put_str(&body, a->cfg.api_hash);
    tl_put_u32(&body, TL_codeSettings);
    tl_put_u32(&body, 0);
    mt_login_ask(a, now, MT_OP_SEND_CODE, &body);
}

static void put_word(char *to, size_t cap, const char *word)
{
    size_t n = strlen(word);

    if (n >= cap)
        n = cap - 1;
    memcpy(to, word, n);
    to[n] = 0;
}

/* Where the code went; false: by a way that only the server's own apps have. */
static bool set_type(struct mt_login *login, const struct tl_view *type)
{
    static const struct {
        uint32_t id;
        const char *where;
    } rows[] = {
        {TL_auth_sentCodeTypeApp, "app"},
        {TL_auth_sentCodeTypeSms, "sms"},
        {TL_auth_sentCodeTypeCall, "call"},
        {TL_auth_sentCodeTypeFlashCall, "flash_call"},
        {TL_auth_sentCodeTypeMissedCall, "missed_call"},
        {TL_auth_sentCodeTypeEmailCode, "email"},
        {TL_auth_sentCodeTypeFragmentSms, "fragment"},
        {TL_auth_sentCodeTypeSmsWord, "word"},
        {TL_auth_sentCodeTypeSmsPhrase, "phrase"},
    };
    int length = tl_view_field(type, "length");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].id == type->def->id) {
            put_word(login->where, sizeof login->where, rows[i].where);
            if (length >= 0)
                login->length = tl_get_int(type, (unsigned)length);
            return true;
        }
    return false;
}

static void set_next(struct mt_login *login, uint32_t id)
{
    static const struct {
        uint32_t id;
        const char *how;
    } rows[] = {
        {TL_auth_codeTypeSms, "sms"},
        {TL_auth_codeTypeCall, "call"},
        {TL_auth_codeTypeFlashCall, "flash_call"},
        {TL_auth_codeTypeMissedCall, "missed_call"},
        {TL_auth_codeTypeFragmentSms, "fragment"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].id == id)
            put_word(login->next, sizeof login->next, rows[i].how);
}

static void end_step(struct mt_account *a)
{
    struct mt_reply reply = {.kind = MT_REPLY_OK};

    if (a->login.restarted) {
        /* the code that was given is void, a new one is on its way */
        reply = (struct mt_reply){.kind = MT_REPLY_RPC_ERROR, .code = 500};
        memcpy(reply.text, "AUTH_RESTART", 13);
    }
    mt_login_end(a, &reply);
}

static void unsupported(struct mt_account *a, const struct tl_view *what)
{
    mt_login_step(a, MT_LOGIN_UNSUPPORTED);
    put_word(a->login.pub.constructor, sizeof a->login.pub.constructor, tl_def_name(what->def));
    mt_login_end_kind(a, MT_REPLY_OK, 0);
}

void mt_login_sent_code(struct mt_account *a, struct mt_now now, const struct tl_view *v)
{
    struct mt_login_flow *l = &a->login;
    struct tl_view inner;
    struct tl_slice hash;

    if (v->def->id == TL_auth_sentCodeSuccess) {
        if (tl_get_object(v, TLF_auth_sentCodeSuccess__authorization, &inner))
            mt_login_authorised(a, now, &inner);
        return;
    }
    if (v->def->id != TL_auth_sentCode) {
        unsupported(a, v);
        return;
    }
    hash = tl_get_bytes(v, TLF_auth_sentCode__phone_code_hash);
    if (!hash.n || hash.n >= sizeof l->hash || !tl_get_object(v, TLF_auth_sentCode__type, &inner)) {
        mt_login_end_kind(a, MT_REPLY_FAILED, MT_E_PEER);
        return;
    }
    memcpy(l->hash, hash.p, hash.n);
    l->hash[hash.n] = 0;
    mt_login_step(a, MT_LOGIN_CODE);
    if (!set_type(&l->pub, &inner)) {
        unsupported(a, &inner);
        return;
    }
    set_next(&l->pub, tl_get_id(v, TLF_auth_sentCode__next_type));
    l->pub.wait_until = now.mono + tl_get_int(v, TLF_auth_sentCode__timeout) * MT_US_PER_S;
    end_step(a);
}
