/* account.*: who is logged in where, online status, one's own profile. */
#include "tests/sandbox/world_acts.h"

json_t *sb_json_session(struct sb_turn *t, const struct sb_login *k)
{
    json_t *s = json_pack("{s:s,s:I,s:s,s:s,s:s,s:i,s:s,s:s,s:i,s:i,s:s,s:s,s:s}", "_", "authorization",
                          "hash", k == t->key ? (json_int_t)0 : (json_int_t)k->hash, "device_model",
                          "Sandbox", "platform", "Linux", "system_version", "1", "api_id", k->api_id,
                          "app_name", "app", "app_version", "1", "date_created", k->created, "date_active",
                          k->active, "ip", "127.0.0.1", "country", "Loopback", "region", "");

    if (k == t->key)
        json_object_set_new(s, "current", json_true());
    return s;
}

static void get_authorizations(struct sb_turn *t)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->w->n_keys; i++)
        if (t->w->keys[i]->user_id == t->me->id && t->w->keys[i]->dc_id == t->me->dc)
            json_array_append_new(list, sb_json_session(t, t->w->keys[i]));
    sb_answer(t, json_pack("{s:s,s:i,s:o}", "_", "account.authorizations", "authorization_ttl_days", 180,
                           "authorizations", list));
}

static void reset_authorization(struct sb_turn *t)
{
    int64_t hash = tl_get_long(t->call, TLF_account_resetAuthorization__hash);

    for (size_t i = 0; i < t->w->n_keys; i++) {
        struct sb_login *k = t->w->keys[i];

        if (k->user_id == t->me->id && k->hash == hash && k != t->key) {
            sb_world_forget_key(t->w, k->id);
            sb_answer_bool(t, true);
            return;
        }
    }
    sb_refuse(t, 400, "HASH_INVALID");
}

static void reset_authorizations(struct sb_turn *t)
{
    for (size_t i = 0; i < t->w->n_keys; i++)
        if (t->w->keys[i]->user_id == t->me->id && t->w->keys[i] != t->key)
            sb_world_forget_key(t->w, t->w->keys[i]->id);
    sb_answer_bool(t, true);
}

static void update_status(struct sb_turn *t)
{
    sb_set_online(t, t->me, !tl_get_bool(t->call, TLF_account_updateStatus__offline));
    sb_answer_bool(t, true);
}

static void update_profile(struct sb_turn *t)
{
    struct sb_user *u = t->me;
    char **const parts[3] = {&u->first, &u->last, &u->about};
    const unsigned fields[3] = {TLF_account_updateProfile__first_name, TLF_account_updateProfile__last_name,
                                TLF_account_updateProfile__about};

    for (size_t i = 0; i < 3; i++) {
        if (!tl_has(t->call, fields[i]))
            continue;
        free(*parts[i]);
        *parts[i] = sb_arg_text(t, fields[i]);
    }
    sb_renamed(t, u);
    sb_answer(t, sb_json_user(t->w, t->date, u, u, false));
}

static bool name_free(struct sb_turn *t, struct tl_slice name)
{
    if (!sb_username_ok((const char *)name.p, name.n))
        sb_refuse(t, 400, "USERNAME_INVALID");
    else if (sb_by_username(t->w, (const char *)name.p, name.n).kind != SB_NOBODY)
        sb_refuse(t, 400, "USERNAME_OCCUPIED");
    else
        return true;
    return false;
}

static void check_username(struct sb_turn *t)
{
    if (name_free(t, tl_get_bytes(t->call, TLF_account_checkUsername__username)))
        sb_answer_bool(t, true);
}

static void update_username(struct sb_turn *t)
{
    struct tl_slice name = tl_get_bytes(t->call, TLF_account_updateUsername__username);

    if (name.n && !name_free(t, name))
        return;
    free(t->me->username);
    t->me->username = name.n ? sb_dupn(name.p, name.n) : NULL;
    sb_renamed(t, t->me);
    sb_answer(t, sb_json_user(t->w, t->date, t->me, t->me, false));
}

static void get_notify_settings(struct sb_turn *t)
{
    sb_answer(t, sb_json_notify_settings());
}

const struct sb_method sb_methods_account[] = {
    {TL_account_getAuthorizations, 0, get_authorizations},
    {TL_account_resetAuthorization, 0, reset_authorization},
    {TL_auth_resetAuthorizations, 0, reset_authorizations},
    {TL_account_updateStatus, 0, update_status},
    {TL_account_updateProfile, 0, update_profile},
    {TL_account_checkUsername, 0, check_username},
    {TL_account_updateUsername, 0, update_username},
    {TL_account_getNotifySettings, 0, get_notify_settings},
    {0},
};
