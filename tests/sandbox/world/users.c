/* users.*: what is known of people. */
#include "tests/sandbox/world_acts.h"

static void get_users(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_users_getUsers__id);
    json_t *list = json_array();
    struct tl_view v;
    struct sb_user *u;

    while (tl_vec_object(&vec, &v)) {
        /* what is not there is left out; what has a wrong hash is there as userEmpty */
        if (sb_in_user(t, &v, &u))
            json_array_append_new(list, sb_json_user(t->w, t->date, t->me, u, false));
        else if (v.def->id == TL_inputUser)
            json_array_append_new(list, json_pack("{s:s,s:I}", "_", "userEmpty", "id",
                                                  (json_int_t)tl_get_long(&v, TLF_inputUser__user_id)));
        t->reply->err_code = 0;
    }
    sb_answer(t, list);
}

static void get_full_user(struct sb_turn *t)
{
    struct sb_user *u;
    json_t *full, *r;

    if (!sb_arg_user(t, TLF_users_getFullUser__id, &u))
        return;
    full = json_pack("{s:s,s:I,s:{s:s},s:o,s:i,s:b}", "_", "userFull", "id", u->id, "settings", "_",
                     "peerSettings", "notify_settings", sb_json_notify_settings(), "common_chats_count", 0,
                     "can_pin_message", 1);
    if (u->about)
        json_object_set_new(full, "about", sb_text(u->about));
    if (u->bot)
        json_object_set_new(full, "bot_info", json_pack("{s:s,s:I}", "_", "botInfo", "user_id", u->id));
    r = json_pack("{s:s,s:o}", "_", "users.userFull", "full_user", full);
    json_object_set_new(full, "id", json_integer(u->id));
    json_t *named = json_pack("{s:I}", "user_id", u->id);

    sb_add_peers(t->w, t->date, t->me, named, false, r);
    json_decref(named);
    sb_answer(t, r);
}

const struct sb_method sb_methods_users[] = {
    {TL_users_getUsers, 0, get_users},
    {TL_users_getFullUser, 0, get_full_user},
    {0},
};
