#include "tests/sandbox/world.h"

#include "tests/sandbox/world_acts.h"

static const struct sb_method *const tables[] = {
    sb_methods_auth,     sb_methods_password, sb_methods_help,    sb_methods_users,
    sb_methods_contacts, sb_methods_send,     sb_methods_edit,    sb_methods_history,
    sb_methods_dialogs,  sb_methods_read,     sb_methods_chats,   sb_methods_channels,
    sb_methods_members,  sb_methods_updates,  sb_methods_account, sb_methods_behalf,
};

/* --- life --- */

struct sb_world *sb_world_new(const struct sb_world_cfg *cfg, struct mt_now now)
{
    struct sb_world *w = sb_alloc(sizeof *w);

    w->env = cfg->env;
    w->seed = cfg->seed;
    w->rng = sb_mix(cfg->seed, 1);
    for (size_t i = 0; i < sizeof w->secret / 8; i++)
        tl_store64(w->secret + 8 * i, sb_mix(cfg->seed, 100 + i));
    w->n_dcs = cfg->n_dcs;
    w->dcs = sb_alloc(cfg->n_dcs * sizeof *w->dcs);
    for (size_t i = 0; i < cfg->n_dcs; i++) {
        w->dcs[i] = cfg->dcs[i];
        w->dcs[i].ip = sb_dup(cfg->dcs[i].ip);
    }
    sb_seed_world(w, now);
    return w;
}

static void free_box(struct sb_box *box)
{
    for (size_t i = 0; i < box->n_log; i++)
        json_decref(box->log[i].body);
    free(box->log);
    free(box->msgs);
}

static void free_post(struct sb_post *p)
{
    for (size_t i = 0; i < p->n_reactions; i++)
        free(p->reactions[i].emoji);
    free(p->reactions);
    free(p->text);
    free(p->quote);
    json_decref(p->entities);
    json_decref(p->media);
    json_decref(p->action);
    json_decref(p->fwd);
    json_decref(p->markup);
    free(p);
}

static void free_user(struct sb_user *u)
{
    for (size_t i = 0; i < u->n_dialogs; i++) {
        free(u->dialogs[i]->ids.v);
        json_decref(u->dialogs[i]->draft);
        free(u->dialogs[i]);
    }
    free(u->dialogs);
    free(u->contacts);
    free_box(&u->box);
    sb_qts_free(u);
    json_decref(u->notes);
    json_decref(u->notes_all);
    free(u->phone);
    free(u->first);
    free(u->last);
    free(u->username);
    free(u->about);
    free(u->token);
    free(u->password.hint);
    free(u);
}

static void free_chat(struct sb_chat *c)
{
    free_box(&c->box);
    free(c->members);
    free(c->ids.v);
    free(c->title);
    free(c->username);
    free(c->about);
    free(c);
}

static void free_logins(struct sb_world *w)
{
    for (size_t i = 0; i < w->n_keys; i++)
        free(w->keys[i]);
    free(w->keys);
    for (size_t i = 0; i < w->n_codes; i++) {
        free(w->codes[i].phone);
        free(w->codes[i].hash);
        free(w->codes[i].code);
    }
    free(w->codes);
    free(w->transfers);
    free(w->business);
}

void sb_world_free(struct sb_world *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_users; i++)
        free_user(w->users[i]);
    free(w->users);
    for (size_t i = 0; i < w->n_chats; i++)
        free_chat(w->chats[i]);
    free(w->chats);
    for (size_t i = 0; i < w->n_posts; i++)
        free_post(w->posts[i]);
    free(w->posts);
    for (size_t i = 0; i < w->n_all; i++)
        free(w->all_msgs[i]);
    free(w->all_msgs);
    free_logins(w);
    for (size_t i = w->next_push; i < w->n_pushes; i++)
        free(w->pushes[i].data);
    free(w->pushes);
    free(w->lent);
    free(w->limits);
    free(w->calls);
    free(w->noted);
    for (size_t i = 0; i < w->n_dcs; i++)
        free((char *)(uintptr_t)w->dcs[i].ip);
    free(w->dcs);
    sb_map_fini(&w->users_by_id);
    sb_map_fini(&w->chats_by_id);
    sb_map_fini(&w->keys_by_id);
    sb_map_fini(&w->sent);
    free(w);
}

/* --- calls --- */

static const struct sb_method *find_method(uint32_t id)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct sb_method *m = tables[i]; m->id; m++)
            if (m->id == id)
                return m;
    return NULL;
}

static struct sb_calls *calls_of(struct sb_world *w, const struct tl_def *def)
{
    for (size_t i = 0; i < w->n_calls; i++)
        if (w->calls[i].def == def)
            return &w->calls[i];
    struct sb_calls *c = SB_PUSH(w->calls, w->n_calls, w->cap_calls);

    c->def = def;
    return c;
}

/* Whether the caller may ask this at all; refuses where not. Methods without a row are for everybody. */
static bool admitted(struct sb_turn *t, unsigned flags)
{
    if (flags & SB_M_ANYBODY)
        return true;
    if (!t->me) {
        if (t->key->wants_passwd)
            sb_refuse(t, 401, "SESSION_PASSWORD_NEEDED");
        else
            sb_refuse(t, 401, "AUTH_KEY_UNREGISTERED");
        return false;
    }
    if (t->me->deleted)
        sb_refuse(t, 401, "USER_DEACTIVATED");
    else if (t->caller->dc_id != t->me->dc && !(flags & SB_M_ANY_DC) && !t->caller->has_business)
        sb_refusef(t, 303, "USER_MIGRATE_%d", t->me->dc);
    else if (t->call->def->access == TL_A_USER && t->me->bot && !t->caller->has_business)
        sb_refuse(t, 400, "BOT_METHOD_INVALID");
    else if (t->call->def->access == TL_A_BOT && !t->me->bot)
        sb_refuse(t, 400, "USER_BOT_REQUIRED");
    else
        return true;
    return false;
}

void sb_world_call(struct sb_world *w, struct mt_now now, const struct sb_caller *caller,
                   const struct tl_view *call, struct sb_reply *reply)
{
    const struct sb_method *m = find_method(call->def->id);
    struct sb_calls *stat = calls_of(w, call->def);
    struct sb_turn t = {.w = w,
                        .now = now,
                        .date = (int32_t)(now.wall / MT_US_PER_S),
                        .caller = caller,
                        .call = call,
                        .reply = reply};

    *reply = (struct sb_reply){0};
    if (!call->def->is_function) {
        sb_refusef(&t, 400, "INPUT_METHOD_INVALID_%u", call->def->id);
        return;
    }
    stat->calls++;
    t.key = sb_login_get(w, caller->key_id);
    if (!t.key->created)
        t.key->created = t.date;
    t.key->active = t.date;
    t.key->dc_id = caller->dc_id;
    if (caller->api_id)
        t.key->api_id = caller->api_id;
    t.me = t.key->user_id ? sb_user_get(w, t.key->user_id) : NULL;
    t.own = json_array();
    if (admitted(&t, m ? m->flags : 0) && sb_within_limits(&t) && sb_on_behalf(&t)) {
        if (m) {
            m->run(&t);
        } else if (sb_stub(call->def, &reply->result)) {
            reply->stub = true;
            stat->stubs++;
        } else {
            sb_refusef(&t, 400, "INPUT_METHOD_INVALID_%u", call->def->id);
        }
    }
    stat->errors += reply->err_code != 0;
    sb_turn_end(&t);
    json_decref(t.own);
}

void sb_reply_free(struct sb_reply *reply)
{
    tl_out_free(&reply->result);
    *reply = (struct sb_reply){0};
}

/* --- whose key --- */

int64_t sb_world_user_of(const struct sb_world *w, int32_t dc_id, uint64_t key_id)
{
    const struct sb_login *k = sb_login_find(w, key_id);

    (void)dc_id; /* a key belongs to one DC */
    return k ? k->user_id : 0;
}

int32_t sb_world_home_dc(const struct sb_world *w, int64_t user_id)
{
    const struct sb_user *u = sb_user_get(w, user_id);

    return u ? u->dc : 0;
}

void sb_world_forget_key(struct sb_world *w, uint64_t key_id)
{
    struct sb_login *k = sb_login_find(w, key_id);

    if (k) {
        k->user_id = 0;
        k->wants_passwd = 0;
        k->srp_id = 0;
        k->login_token_end = 0;
    }
}

bool sb_world_next_push(struct sb_world *w, struct sb_push *push)
{
    free(w->lent);
    w->lent = NULL;
    if (w->next_push == w->n_pushes) {
        w->next_push = w->n_pushes = 0;
        return false;
    }
    struct sb_out *out = &w->pushes[w->next_push++];

    *push = out->push;
    w->lent = out->data;
    out->data = NULL;
    return true;
}

void sb_world_moved(struct sb_world *w, int32_t dc_id, uint16_t port)
{
    for (size_t i = 0; i < w->n_dcs; i++)
        if (w->dcs[i].dc_id == dc_id)
            w->dcs[i].port = port;
}
