/* The server's half of the second password: the verifier, one question per answer. */
#include "tests/sandbox/world_acts.h"

#include "core/crypto/crypto.h"

#define SRP_G 3

static struct mt_srp_params params_of(const struct sb_password *p)
{
    struct mt_srp_params s = {.g = SRP_G,
                              .salt1 = p->salt1,
                              .salt1_len = p->salt1_len,
                              .salt2 = p->salt2,
                              .salt2_len = p->salt2_len};

    memcpy(s.prime, mt_dh_known_prime, sizeof s.prime);
    return s;
}

int sb_set_password(struct sb_world *w, struct sb_user *u, const char *password, const char *hint)
{
    struct sb_password *p = &u->password;
    struct mt_srp_params s;

    free(p->hint);
    *p = (struct sb_password){.set = *password != 0, .hint = hint && *hint ? sb_dup(hint) : NULL};
    if (!p->set)
        return MT_OK;
    w->env->random(w->env->ctx, p->salt1, p->salt1_len = 40);
    w->env->random(w->env->ctx, p->salt2, p->salt2_len = 16);
    s = params_of(p);
    return mt_srp_verifier(&s, password, strlen(password), p->v);
}

bool sb_check_password(struct sb_turn *t, const struct tl_view *answer, struct sb_user *u)
{
    struct tl_slice a = tl_get_bytes(answer, TLF_inputCheckPasswordSRP__A);
    struct tl_slice m1 = tl_get_bytes(answer, TLF_inputCheckPasswordSRP__M1);
    struct mt_srp_params s = params_of(&u->password);
    const char *error = NULL;

    if (answer->def->id != TL_inputCheckPasswordSRP)
        error = "PASSWORD_HASH_INVALID";
    else if (!t->key->srp_id || t->key->srp_user != u->id ||
             tl_get_long(answer, TLF_inputCheckPasswordSRP__srp_id) != t->key->srp_id)
        error = "SRP_ID_INVALID";
    else if (!a.n || a.n > 256)
        error = "SRP_A_INVALID";
    else if (m1.n != 32 || mt_srp_server_public(&s, u->password.v, t->key->srp_b, s.b_pub) != MT_OK ||
             mt_srp_server_check(&s, u->password.v, t->key->srp_b, a.p, a.n, m1.p) != MT_OK)
        error = "PASSWORD_HASH_INVALID";
    t->key->srp_id = 0;
    if (error)
        sb_refuse(t, 400, error);
    return !error;
}

static json_t *json_algo(const uint8_t *salt1, size_t n1, const uint8_t *salt2, size_t n2)
{
    return json_pack("{s:s,s:o,s:o,s:i,s:o}", "_",
                     "passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow", "salt1",
                     sb_b64(salt1, n1), "salt2", sb_b64(salt2, n2), "g", SRP_G, "p",
                     sb_b64(mt_dh_known_prime, sizeof mt_dh_known_prime));
}

/* A new question: b is drawn, B goes out. */
static void put_question(struct sb_turn *t, struct sb_user *u, json_t *r)
{
    struct mt_srp_params s = params_of(&u->password);

    t->w->env->random(t->w->env->ctx, t->key->srp_b, sizeof t->key->srp_b);
    t->key->srp_id = (int64_t)(mt_env_random64(t->w->env) >> 1 | 1);
    t->key->srp_user = u->id;
    if (mt_srp_server_public(&s, u->password.v, t->key->srp_b, s.b_pub) != MT_OK)
        return;
    json_object_set_new(r, "has_password", json_true());
    json_object_set_new(
        r, "current_algo",
        json_algo(u->password.salt1, u->password.salt1_len, u->password.salt2, u->password.salt2_len));
    json_object_set_new(r, "srp_B", sb_b64(s.b_pub, sizeof s.b_pub));
    json_object_set_new(r, "srp_id", json_integer(t->key->srp_id));
    if (u->password.hint)
        json_object_set_new(r, "hint", sb_text(u->password.hint));
}

static struct sb_user *whose(struct sb_turn *t)
{
    struct sb_user *u =
        t->me ? t->me : (t->key->wants_passwd ? sb_user_get(t->w, t->key->wants_passwd) : NULL);

    if (!u)
        sb_refuse(t, 401, "AUTH_KEY_UNREGISTERED");
    else if (u->bot)
        sb_refuse(t, 400, "BOT_METHOD_INVALID");
    return u && !u->bot ? u : NULL;
}

static void get_password(struct sb_turn *t)
{
    static const uint8_t salt2[16] = "sandbox salt two";
    struct sb_user *u = whose(t);
    uint8_t random[256];
    json_t *r;

    if (!u)
        return;
    t->w->env->random(t->w->env->ctx, random, sizeof random);
    t->w->env->random(t->w->env->ctx, u->password.next_salt1, sizeof u->password.next_salt1);
    r = json_pack("{s:s,s:o,s:{s:s,s:o},s:o}", "_", "account.password", "new_algo",
                  json_algo(u->password.next_salt1, sizeof u->password.next_salt1, salt2, sizeof salt2),
                  "new_secure_algo", "_", "securePasswordKdfAlgoPBKDF2HMACSHA512iter100000", "salt",
                  sb_b64(random, 8), "secure_random", sb_b64(random, sizeof random));
    if (u->password.set)
        put_question(t, u, r);
    sb_answer(t, r);
}

/* The algorithm that a client says it made the new password with: ours, its salt made longer. */
static const char *take_new(struct sb_user *u, const struct tl_view *settings, const struct tl_view *algo)
{
    struct sb_password *p = &u->password;
    struct tl_slice hash = tl_get_bytes(settings, TLF_account_passwordInputSettings__new_password_hash);
    struct tl_slice hint = tl_get_bytes(settings, TLF_account_passwordInputSettings__hint);
    struct tl_slice salt1, salt2;

    if (algo->def->id == TL_passwordKdfAlgoUnknown) {
        if (hash.n)
            return "NEW_SETTINGS_INVALID";
        free(p->hint);
        *p = (struct sb_password){0};
        return NULL;
    }
    salt1 = tl_get_bytes(algo, TLF_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow__salt1);
    salt2 = tl_get_bytes(algo, TLF_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow__salt2);
    if (salt1.n <= sizeof p->next_salt1 || salt1.n > sizeof p->salt1 || salt2.n > sizeof p->salt2 ||
        memcmp(salt1.p, p->next_salt1, sizeof p->next_salt1) != 0)
        return "NEW_SALT_INVALID";
    if (hash.n != sizeof p->v)
        return "NEW_SETTINGS_INVALID";
    free(p->hint);
    *p = (struct sb_password){.set = true, .salt1_len = salt1.n, .salt2_len = salt2.n};
    p->hint = hint.n ? sb_dupn(hint.p, hint.n) : NULL;
    memcpy(p->salt1, salt1.p, salt1.n);
    if (salt2.n)
        memcpy(p->salt2, salt2.p, salt2.n);
    memcpy(p->v, hash.p, hash.n);
    return NULL;
}

static void update_settings(struct sb_turn *t)
{
    struct tl_view current, settings, algo;
    const char *error;

    if (!tl_get_object(t->call, TLF_account_updatePasswordSettings__password, &current) ||
        !tl_get_object(t->call, TLF_account_updatePasswordSettings__new_settings, &settings))
        return;
    if (t->me->password.set && !sb_check_password(t, &current, t->me))
        return;
    if (tl_get_object(&settings, TLF_account_passwordInputSettings__new_algo, &algo) &&
        (error = take_new(t->me, &settings, &algo))) {
        sb_refuse(t, 400, error);
        return;
    }
    sb_answer_bool(t, true);
}

static void get_settings(struct sb_turn *t)
{
    struct tl_view current;

    if (tl_get_object(t->call, TLF_account_getPasswordSettings__password, &current) &&
        (!t->me->password.set || sb_check_password(t, &current, t->me)))
        sb_answer(t, sb_unit("account.passwordSettings"));
}

const struct sb_method sb_methods_password[] = {
    {TL_account_getPassword, SB_M_ANYBODY, get_password},
    {TL_account_updatePasswordSettings, 0, update_settings},
    {TL_account_getPasswordSettings, 0, get_settings},
    {0},
};
