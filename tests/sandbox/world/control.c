/* Control requests: the check of their parameters, who is added, what is shown. */
#include "tests/sandbox/world_control.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define CHANNEL_BASE INT64_C(1000000000000)

json_t *sb_control_fail(struct sb_control *c, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(c->err, 256, format, ap);
    va_end(ap);
    return NULL;
}

const char *sb_control_text(const struct sb_control *c, const char *name)
{
    return json_string_value(json_object_get(c->params, name));
}

int32_t sb_control_int(const struct sb_control *c, const char *name, int32_t missing)
{
    const json_t *v = json_object_get(c->params, name);

    return v ? (int32_t)json_integer_value(v) : missing;
}

bool sb_control_bool(const struct sb_control *c, const char *name)
{
    return json_is_true(json_object_get(c->params, name));
}

int64_t sb_marked(struct sb_peer peer)
{
    return peer.kind == SB_USER ? peer.id : (peer.kind == SB_GROUP ? -peer.id : -(CHANNEL_BASE + peer.id));
}

struct sb_peer sb_unmarked(int64_t id)
{
    if (id > 0)
        return (struct sb_peer){SB_USER, id};
    if (id > -CHANNEL_BASE)
        return (struct sb_peer){SB_GROUP, -id};
    return (struct sb_peer){SB_CHANNEL, -id - CHANNEL_BASE};
}

static struct sb_peer by_text(const struct sb_world *w, const char *s)
{
    const char *name = *s == '@' ? s + 1 : s;
    struct sb_peer peer = sb_by_username(w, name, strlen(name));
    const struct sb_user *u;

    if (peer.kind != SB_NOBODY)
        return peer;
    if ((u = sb_user_by_phone(w, *s == '+' ? s + 1 : s)))
        return (struct sb_peer){SB_USER, u->id};
    for (size_t i = 0; i < w->n_chats; i++)
        if (!strcmp(w->chats[i]->title, s))
            return w->chats[i]->self;
    return isdigit((unsigned char)name[*name == '-']) ? sb_unmarked(atoll(name)) : peer;
}

bool sb_control_ref(struct sb_control *c, const char *what, const json_t *v, struct sb_peer *peer)
{
    const struct sb_world *w = c->turn.w;

    *peer = json_is_integer(v) ? sb_unmarked(json_integer_value(v))
                               : (json_is_string(v) ? by_text(w, json_string_value(v)) : (struct sb_peer){0});
    if (peer->kind == SB_USER ? sb_user_get(w, peer->id) != NULL : sb_chat_get(w, *peer) != NULL)
        return true;
    if (json_is_string(v))
        sb_control_fail(c, "%s: nobody is called '%.60s'", what, json_string_value(v));
    else
        sb_control_fail(c, "%s: nobody has that number", what);
    return false;
}

bool sb_control_peer(struct sb_control *c, const char *name, struct sb_peer *peer)
{
    return sb_control_ref(c, name, json_object_get(c->params, name), peer);
}

struct sb_user *sb_control_user(struct sb_control *c, const char *name)
{
    struct sb_peer peer;

    if (!sb_control_peer(c, name, &peer))
        return NULL;
    if (peer.kind == SB_USER)
        return sb_user_get(c->turn.w, peer.id);
    sb_control_fail(c, "%s: a chat is no user", name);
    return NULL;
}

/* --- the check --- */

static bool is_of(const json_t *v, const char *type, size_t n)
{
    const struct {
        const char *type;
        bool fits;
    } types[] = {{"string", json_is_string(v)}, {"int", json_is_integer(v)},
                 {"bool", json_is_boolean(v)},  {"list", json_is_array(v)},
                 {"object", json_is_object(v)}, {"peer", json_is_string(v) || json_is_integer(v)}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i].type) == n && !strncmp(types[i].type, type, n))
            return types[i].fits;
    return false;
}

static bool known_param(const char *spec, const char *key)
{
    const size_t n = strlen(key);

    for (const char *p = spec; *p; p += strcspn(p, " "), p += *p == ' ')
        if (!strncmp(p, key, n) && p[n] == ':')
            return true;
    return false;
}

static bool params_ok(struct sb_control *c, const struct sb_command *cmd)
{
    const char *key;
    json_t *v;

    json_object_foreach ((json_t *)(uintptr_t)c->params, key, v) {
        if (!known_param(cmd->params, key)) {
            sb_control_fail(c, "%s: unknown parameter '%.40s'; it takes: %s", cmd->name, key, cmd->params);
            return false;
        }
    }
    for (const char *p = cmd->params; *p; p += strcspn(p, " "), p += *p == ' ') {
        const size_t name = strcspn(p, ":"), word = strcspn(p, " ");
        const bool optional = p[word - 1] == '?';
        const char *type = p + name + 1;
        const size_t n = word - name - 1 - optional;
        char wanted[40];

        snprintf(wanted, sizeof wanted, "%.*s", (int)name, p);
        v = json_object_get(c->params, wanted);
        if (!v && optional)
            continue;
        if (!v || !is_of(v, type, n)) {
            sb_control_fail(c, "%s: '%s' %s %.*s", cmd->name, wanted, v ? "is not of type" : "is missing, a",
                            (int)n, type);
            return false;
        }
    }
    return true;
}

json_t *sb_world_control(struct sb_world *w, struct mt_now now, const char *method, const json_t *params,
                         int *known, char err[256])
{
    const struct sb_command *const lists[4] = {sb_commands, sb_command_acts, sb_command_behalf,
                                               sb_command_qts};
    struct sb_control c = {.turn = {.w = w, .now = now, .date = (int32_t)(now.wall / MT_US_PER_S)},
                           .params = params,
                           .err = err};
    json_t *result = NULL;

    *known = -1;
    *err = 0;
    for (size_t i = 0; i < 4; i++) {
        for (const struct sb_command *cmd = lists[i]; cmd->name; cmd++) {
            if (strcmp(cmd->name, method) != 0)
                continue;
            *known = 1;
            if (params_ok(&c, cmd))
                result = cmd->run(&c);
            sb_turn_end(&c.turn);
            return result;
        }
    }
    snprintf(err, 256, "no method '%.60s'", method);
    return NULL;
}

/* --- who is there --- */

static int32_t dc_of(struct sb_control *c, const char *phone)
{
    int32_t dc = phone && !strncmp(phone, "99966", 5) && strlen(phone) == 10 ? phone[5] - '0' : 2;

    dc = sb_control_int(c, "dc", dc);
    for (size_t i = 0; i < c->turn.w->n_dcs; i++)
        if (c->turn.w->dcs[i].dc_id == dc)
            return dc;
    sb_control_fail(c, "dc: there is no DC %d", dc);
    return 0;
}

static bool name_free(struct sb_control *c)
{
    const char *name = sb_control_text(c, "username");

    if (name && !sb_username_ok(name, strlen(name)))
        sb_control_fail(c, "username: '%.40s' is none", name);
    else if (name && sb_by_username(c->turn.w, name, strlen(name)).kind != SB_NOBODY)
        sb_control_fail(c, "username: '%.40s' is taken", name);
    else
        return true;
    return false;
}

static json_t *shown_user(const struct sb_user *u)
{
    json_t *o =
        json_pack("{s:I,s:s,s:i,s:b}", "user_id", u->id, "first_name", u->first, "dc", u->dc, "bot", u->bot);

    if (u->username)
        json_object_set_new(o, "username", sb_text(u->username));
    if (u->phone)
        json_object_set_new(o, "phone", sb_text(u->phone));
    if (u->token)
        json_object_set_new(o, "token", sb_text(u->token));
    return o;
}

static json_t *add_user(struct sb_control *c)
{
    struct sb_world *w = c->turn.w;
    const char *phone = sb_control_text(c, "phone"), *password = sb_control_text(c, "password");
    const int32_t dc = dc_of(c, phone && *phone == '+' ? phone + 1 : phone);
    struct sb_user *u;
    char made[24];

    if (phone && *phone == '+')
        phone++;
    snprintf(made, sizeof made, "99966%d%04zu", dc, w->n_users + 1000);
    if (!dc || !name_free(c))
        return NULL;
    if (phone && sb_user_by_phone(w, phone))
        return sb_control_fail(c, "phone: somebody has this number");
    u = sb_user_new(w, sb_next_id(w, SB_USER, false), sb_control_text(c, "first_name"));
    u->last = sb_dup(sb_control_text(c, "last_name"));
    u->username = sb_dup(sb_control_text(c, "username"));
    u->phone = sb_dup(phone ? phone : made);
    u->dc = dc;
    if (password && sb_set_password(w, u, password, NULL))
        return sb_control_fail(c, "password: cannot be set");
    return shown_user(u);
}

static json_t *add_bot(struct sb_control *c)
{
    struct sb_world *w = c->turn.w;
    const int32_t dc = dc_of(c, NULL);
    const char *name = sb_control_text(c, "username"), *token = sb_control_text(c, "token");
    struct sb_user *u;
    char made[80];

    if (!dc || !name_free(c))
        return NULL;
    u = sb_user_new(w, sb_next_id(w, SB_USER, true),
                    sb_control_text(c, "first_name") ? sb_control_text(c, "first_name") : name);
    snprintf(made, sizeof made, "%lld:%016llx", (long long)u->id,
             (unsigned long long)mt_env_random64(w->env));
    u->username = sb_dup(name);
    u->token = sb_dup(token ? token : made);
    u->bot = true;
    u->dc = dc;
    return shown_user(u);
}

/* The users of the list `members`; the first one founds the chat. */
static struct sb_user **members_of(struct sb_control *c, size_t *n)
{
    const json_t *list = json_object_get(c->params, "members");
    struct sb_user **users = sb_alloc((json_array_size(list) + 1) * sizeof *users);
    struct sb_peer peer;

    for (*n = 0; *n < json_array_size(list); ++*n) {
        if (!sb_control_ref(c, "members", json_array_get(list, *n), &peer) || peer.kind != SB_USER) {
            free(users);
            return NULL;
        }
        users[*n] = sb_user_get(c->turn.w, peer.id);
    }
    if (*n)
        return users;
    free(users);
    sb_control_fail(c, "members: at least one, who founds it");
    return NULL;
}

static json_t *add_chat(struct sb_control *c, enum sb_kind kind)
{
    size_t n;
    struct sb_user **users;
    struct sb_chat *chat;

    if (!name_free(c) || !(users = members_of(c, &n)))
        return NULL;
    chat =
        sb_make_chat(&c->turn, users[0], kind, sb_control_text(c, "title"), sb_control_bool(c, "megagroup"));
    chat->username = sb_dup(sb_control_text(c, "username"));
    for (size_t i = 1; i < n; i++)
        sb_join(&c->turn, chat, users[i], users[0]);
    free(users);
    return json_pack("{s:I,s:s}", "chat_id", sb_marked(chat->self), "title", chat->title);
}

static json_t *add_group(struct sb_control *c)
{
    return add_chat(c, SB_GROUP);
}

static json_t *add_channel(struct sb_control *c)
{
    return add_chat(c, SB_CHANNEL);
}

/* The user's home is another data centre from now on: the one before answers USER_MIGRATE. */
static json_t *move_user(struct sb_control *c)
{
    struct sb_user *u = sb_control_user(c, "user");
    int32_t dc = u ? dc_of(c, NULL) : 0;

    if (!dc)
        return NULL;
    u->dc = dc;
    return json_pack("{s:I,s:i}", "user_id", u->id, "dc", u->dc);
}

static json_t *set_password(struct sb_control *c)
{
    struct sb_user *u = sb_control_user(c, "user");

    if (!u)
        return NULL;
    if (sb_set_password(c->turn.w, u, sb_control_text(c, "password"), sb_control_text(c, "hint")))
        return sb_control_fail(c, "password: cannot be set");
    return json_pack("{s:I,s:b}", "user_id", u->id, "password", u->password.set);
}

static json_t *last_code(struct sb_control *c)
{
    const struct sb_world *w = c->turn.w;
    const char *phone = sb_control_text(c, "phone");

    phone += *phone == '+';
    for (size_t i = w->n_codes; i-- > 0;)
        if (!strcmp(w->codes[i].phone, phone))
            return json_pack("{s:s,s:b}", "code", w->codes[i].code, "used", w->codes[i].used);
    return sb_control_fail(c, "phone: no code was sent to this number");
}

/* --- what is shown --- */

static json_t *stats(struct sb_control *c)
{
    const struct sb_world *w = c->turn.w;
    json_t *methods = json_object();
    json_int_t calls = 0, stubs = 0;

    for (size_t i = 0; i < w->n_calls; i++) {
        const struct sb_calls *s = &w->calls[i];

        json_object_set_new(
            methods, tl_def_name(s->def),
            json_pack("{s:I,s:I}", "calls", (json_int_t)s->calls, "errors", (json_int_t)s->errors));
        calls += (json_int_t)s->calls;
        stubs += (json_int_t)s->stubs;
    }
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "calls", calls, "stubs", stubs, "users",
                     (json_int_t)w->n_users, "chats", (json_int_t)w->n_chats, "messages",
                     (json_int_t)w->n_all, "methods", methods);
}

static json_t *stubs_used(struct sb_control *c)
{
    const struct sb_world *w = c->turn.w;
    json_t *methods = json_object();

    for (size_t i = 0; i < w->n_calls; i++)
        if (w->calls[i].stubs)
            json_object_set_new(methods, tl_def_name(w->calls[i].def),
                                json_integer((json_int_t)w->calls[i].stubs));
    return methods;
}

static json_t *shown_state(struct sb_world *w, struct sb_user *u, int32_t date)
{
    json_t *dialogs = json_array(), *o = shown_user(u);
    int sessions = 0;

    for (size_t i = 0; i < w->n_keys; i++)
        sessions += w->keys[i]->user_id == u->id;
    for (size_t i = 0; i < u->n_dialogs; i++) {
        const struct sb_dialog *d = u->dialogs[i];
        const struct sb_msg *top = sb_top_message(w, u, d->peer);

        json_array_append_new(dialogs, json_pack("{s:I,s:i,s:i,s:i,s:i,s:i}", "chat_id", sb_marked(d->peer),
                                                 "top", top ? top->id : 0, "unread", sb_unread(w, u, d->peer),
                                                 "read_in", d->read_in, "read_out", d->read_out, "pts",
                                                 sb_box_of(w, u, d->peer)->pts));
    }
    json_object_set_new(o, "pts", json_integer(u->box.pts));
    json_object_set_new(o, "keys", json_integer(sessions));
    json_object_set_new(o, "online", json_boolean(u->online_until > date));
    json_object_set_new(o, "dialogs", dialogs);
    return o;
}

static json_t *state(struct sb_control *c)
{
    struct sb_user *u = sb_control_user(c, "user");

    return u ? shown_state(c->turn.w, u, c->turn.date) : NULL;
}

static json_t *dump(struct sb_control *c)
{
    struct sb_world *w = c->turn.w;
    json_t *users = json_array(), *chats = json_array();

    for (size_t i = 0; i < w->n_users; i++)
        json_array_append_new(users, shown_state(w, w->users[i], c->turn.date));
    for (size_t i = 0; i < w->n_chats; i++) {
        const struct sb_chat *chat = w->chats[i];
        json_t *members = json_array();

        for (size_t k = 0; k < chat->n_members; k++)
            if (!chat->members[k].left)
                json_array_append_new(members, json_integer(chat->members[k].user_id));
        json_array_append_new(chats, json_pack("{s:I,s:s,s:i,s:o}", "chat_id", sb_marked(chat->self), "title",
                                               chat->title, "pts", chat->box.pts, "members", members));
    }
    return json_pack("{s:o,s:o}", "users", users, "chats", chats);
}

const struct sb_command sb_commands[] = {
    {"addUser", "first_name:string phone:string? last_name:string? username:string? dc:int? password:string?",
     add_user},
    {"addBot", "username:string token:string? first_name:string? dc:int?", add_bot},
    {"addGroup", "title:string members:list", add_group},
    {"addChannel", "title:string members:list username:string? megagroup:bool?", add_channel},
    {"moveUser", "user:peer dc:int", move_user},
    {"setPassword", "user:peer password:string hint:string?", set_password},
    {"lastCode", "phone:string", last_code},
    {"state", "user:peer", state},
    {"stats", "", stats},
    {"stubs", "", stubs_used},
    {"dump", "", dump},
    {0},
};

json_t *sb_world_methods(void)
{
    const struct sb_command *const lists[4] = {sb_commands, sb_command_acts, sb_command_behalf,
                                               sb_command_qts};
    json_t *all = json_array();

    for (size_t i = 0; i < 4; i++)
        for (const struct sb_command *cmd = lists[i]; cmd->name; cmd++)
            json_array_append_new(all, json_pack("{s:s,s:s}", "name", cmd->name, "params", cmd->params));
    return all;
}
