/*
 * Calls in the name of something: a takeout (an export of one's own data, account.initTakeoutSession) and a
 * business connection (a bot that answers for a user). Their wrappers are taken off by unwrap.c and checked
 * here, before the method runs.
 */
#include "tests/sandbox/world_control.h"

#include <stdio.h>

/* A login that is younger must wait, or be confirmed on another device. */
#define TAKEOUT_DELAY_S (24 * 3600)

/* --- takeouts: one at a time for a login --- */

static void init_takeout(struct sb_turn *t)
{
    int32_t left = t->key->created + TAKEOUT_DELAY_S - t->date;

    if (left > 0 && !t->key->takeout_allowed) {
        sb_refusef(t, 420, "TAKEOUT_INIT_DELAY_%d", left);
        return;
    }
    if (!t->key->takeout)
        t->key->takeout = (int64_t)(mt_env_random64(t->w->env) >> 2 | 1);
    sb_answer(t, json_pack("{s:s,s:I}", "_", "account.takeout", "id", (json_int_t)t->key->takeout));
}

static bool in_takeout(struct sb_turn *t)
{
    if (t->caller->has_takeout)
        return true;
    sb_refuse(t, 403, "TAKEOUT_REQUIRED");
    return false;
}

static void finish_takeout(struct sb_turn *t)
{
    if (!in_takeout(t))
        return;
    t->key->takeout = 0;
    sb_answer_bool(t, true);
}

static void get_split_ranges(struct sb_turn *t)
{
    if (in_takeout(t))
        sb_answer(t, json_pack("[{s:s,s:i,s:i}]", "_", "messageRange", "min_id", 1, "max_id", INT32_MAX));
}

static void get_saved(struct sb_turn *t)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->me->n_contacts; i++) {
        const struct sb_user *u = sb_user_get(t->w, t->me->contacts[i]);

        if (u && u->phone)
            json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:i}", "_", "savedPhoneContact", "phone",
                                                  u->phone, "first_name", u->first, "last_name",
                                                  u->last ? u->last : "", "date", t->key->created));
    }
    if (in_takeout(t))
        sb_answer(t, json_incref(list));
    json_decref(list);
}

const struct sb_method sb_methods_behalf[] = {
    {TL_account_initTakeoutSession, 0, init_takeout},
    {TL_account_finishTakeoutSession, 0, finish_takeout},
    {TL_messages_getSplitRanges, 0, get_split_ranges},
    {TL_contacts_getSaved, 0, get_saved},
    {0},
};

/* --- business connections --- */

static struct sb_business *business_of(struct sb_turn *t, struct tl_slice id)
{
    for (size_t i = 0; i < t->w->n_business; i++) {
        struct sb_business *b = &t->w->business[i];

        if (!b->disabled && strlen(b->id) == id.n && !memcmp(b->id, id.p, id.n))
            return b;
    }
    return NULL;
}

/* What a bot may do for a user here; of a real server's list what the sandbox can answer truly. */
static bool may_be_done_for(uint32_t id)
{
    return id == TL_messages_setTyping;
}

static bool for_business(struct sb_turn *t)
{
    struct sb_business *b = t->me->bot ? business_of(t, t->caller->business) : NULL;
    struct sb_user *u = b && b->bot == t->me->id ? sb_user_get(t->w, b->user) : NULL;

    /* the connection lives where its user does */
    if (!u || u->deleted || u->dc != t->caller->dc_id) {
        sb_refuse(t, 400, "BUSINESS_CONNECTION_INVALID");
        return false;
    }
    if (!may_be_done_for(t->call->def->id)) {
        sb_refuse(t, 403, "BUSINESS_CONNECTION_NOT_ALLOWED");
        return false;
    }
    t->me = u;
    return true;
}

bool sb_on_behalf(struct sb_turn *t)
{
    if (t->caller->has_takeout && (!t->me || !t->key->takeout || t->caller->takeout != t->key->takeout)) {
        sb_refuse(t, 400, "TAKEOUT_INVALID");
        return false;
    }
    if (!t->caller->has_business)
        return true;
    if (!t->me) {
        sb_refuse(t, 401, "AUTH_KEY_UNREGISTERED");
        return false;
    }
    return for_business(t);
}

/* --- control --- */

/* As if the user had confirmed, on another device, an export from any login that he has now. */
static json_t *allow_takeout(struct sb_control *c)
{
    struct sb_user *u = sb_control_user(c, "user");
    json_int_t n = 0;

    for (size_t i = 0; u && i < c->turn.w->n_keys; i++) {
        struct sb_login *k = c->turn.w->keys[i];

        if (k->user_id == u->id) {
            k->takeout_allowed = true;
            n++;
        }
    }
    return u ? json_pack("{s:I}", "logins", n) : NULL;
}

static json_t *connect_business(struct sb_control *c)
{
    struct sb_world *w = c->turn.w;
    struct sb_user *bot = sb_control_user(c, "bot"), *u = bot ? sb_control_user(c, "user") : NULL;
    struct sb_business *b;

    if (!u)
        return NULL;
    if (!bot->bot || u->bot)
        return sb_control_fail(c, "bot, user: a bot and a user who is none");
    b = SB_PUSH(w->business, w->n_business, w->cap_business);
    *b = (struct sb_business){.bot = bot->id, .user = u->id};
    snprintf(b->id, sizeof b->id, "business%016llx", (unsigned long long)mt_env_random64(w->env));
    b->date = c->turn.date;
    sb_qts_connection(&c->turn, b);
    return json_pack("{s:s,s:i}", "connection_id", b->id, "dc", u->dc);
}

static json_t *disconnect_business(struct sb_control *c)
{
    struct sb_user *bot = sb_control_user(c, "bot"), *u = bot ? sb_control_user(c, "user") : NULL;

    for (size_t i = 0; u && i < c->turn.w->n_business; i++) {
        struct sb_business *b = &c->turn.w->business[i];

        if (b->disabled || b->bot != bot->id || b->user != u->id)
            continue;
        b->disabled = true;
        sb_qts_connection(&c->turn, b);
        return json_pack("{s:s}", "connection_id", b->id);
    }
    return u ? sb_control_fail(c, "bot, user: they are not connected") : NULL;
}

const struct sb_command sb_command_behalf[] = {
    {"allowTakeout", "user:peer", allow_takeout},
    {"connectBusiness", "bot:peer user:peer", connect_business},
    {"disconnectBusiness", "bot:peer user:peer", disconnect_business},
    {0},
};
