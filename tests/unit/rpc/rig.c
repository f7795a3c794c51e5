#include "tests/unit/rpc/rig.h"

#include "rpc/impl.h"

#include <stdio.h>
#include <string.h>

/* --- the host --- */

static size_t account_count(void *ctx)
{
    return ((struct rig *)ctx)->n_accounts;
}

static bool account_at(void *ctx, size_t i, struct rpc_account *out)
{
    struct rig *g = ctx;

    if (i >= g->n_accounts)
        return false;
    *out = g->accounts[i];
    if (g->asleep[i])
        out->core = NULL;
    return true;
}

static void leave_list(struct rig *g, size_t i)
{
    g->n_accounts--;
    memmove(&g->accounts[i], &g->accounts[i + 1], (g->n_accounts - i) * sizeof g->accounts[0]);
    memmove(&g->asleep[i], &g->asleep[i + 1], (g->n_accounts - i) * sizeof g->asleep[0]);
}

static bool account_by_id(void *ctx, int32_t id, struct rpc_account *out)
{
    struct rig *g = ctx;

    g->touched++;
    for (size_t i = 0; i < g->n_accounts; i++) {
        if (g->accounts[i].id != id)
            continue;
        if (g->asleep[i] && id == g->unfit) {
            leave_list(g, i);
            return false;
        }
        g->asleep[i] = false;
        *out = g->accounts[i];
        return true;
    }
    return false;
}

static int account_add(void *ctx, const char *name, int32_t api_id, const char *api_hash, int32_t *id,
                       char err[256])
{
    struct rig *g = ctx;
    size_t i = g->n_accounts;

    if (i == 4)
        return MT_E_NOMEM;
    snprintf(g->names[i], sizeof g->names[i], "%s", name);
    g->accounts[i] = (struct rpc_account){
        .id = (int32_t)i + 1, .name = g->names[i], .core = &g->core[i], .store = &g->store};
    *id = g->accounts[i].id;
    g->n_accounts++;
    return MT_OK;
}

static int account_remove(void *ctx, int32_t id, char err[256])
{
    struct rig *g = ctx;

    for (size_t i = 0; i < g->n_accounts; i++) {
        if (g->accounts[i].id != id)
            continue;
        leave_list(g, i);
        return MT_OK;
    }
    return MT_E_NOT_FOUND;
}

static int account_pause(void *ctx, int32_t id, bool paused, char err[256])
{
    struct rig *g = ctx;

    for (size_t i = 0; i < g->n_accounts; i++)
        if (g->accounts[i].id == id)
            g->accounts[i].paused = paused;
    return MT_OK;
}

static struct rpc_cursor journal_end(void *ctx)
{
    return (struct rpc_cursor){1, ((struct rig *)ctx)->n_events};
}

static struct rpc_cursor journal_oldest(void *ctx)
{
    return (struct rpc_cursor){1, ((struct rig *)ctx)->trimmed + 1};
}

static int journal_read(void *ctx, struct rpc_cursor after, size_t limit,
                        int (*row)(void *arg, const struct rpc_event *e), void *arg, uint64_t *lost)
{
    struct rig *g = ctx;
    size_t seen = 0;

    *lost = after.number < g->trimmed ? g->trimmed - after.number : 0;
    if (after.epoch != 1 || after.number > g->n_events)
        return -136;
    for (size_t i = *lost ? g->trimmed : after.number; i < g->n_events && seen < limit; i++, seen++)
        if (row(arg, &g->events[i].e))
            break;
    return MT_OK;
}

static int journal_lost(void *ctx, struct rpc_cursor after,
                        int (*row)(void *arg, int32_t account, uint64_t count, struct rpc_cursor last),
                        void *arg)
{
    struct rig *g = ctx;

    if (after.number < g->trimmed)
        row(arg, g->accounts[0].id, g->trimmed - after.number, (struct rpc_cursor){1, g->trimmed});
    return MT_OK;
}

static int sub_get(void *ctx, const char *name, struct rpc_cursor *acked)
{
    struct rig *g = ctx;

    for (size_t i = 0; i < g->n_subs; i++) {
        if (strcmp(g->subs[i].name, name) == 0) {
            *acked = g->subs[i].acked;
            return MT_OK;
        }
    }
    return MT_E_NOT_FOUND;
}

static int sub_put(void *ctx, const char *name, struct rpc_cursor acked)
{
    struct rig *g = ctx;
    size_t i = 0;

    while (i < g->n_subs && strcmp(g->subs[i].name, name) != 0)
        i++;
    if (i == RIG_NAMES)
        return MT_E_NOMEM;
    if (i == g->n_subs)
        g->n_subs++;
    snprintf(g->subs[i].name, sizeof g->subs[i].name, "%s", name);
    g->subs[i].acked = acked;
    return MT_OK;
}

static int sub_drop(void *ctx, const char *name)
{
    struct rig *g = ctx;

    for (size_t i = 0; i < g->n_subs; i++) {
        if (strcmp(g->subs[i].name, name) != 0)
            continue;
        g->subs[i] = g->subs[--g->n_subs];
        return MT_OK;
    }
    return MT_E_NOT_FOUND;
}

static int sub_each(void *ctx,
                    int (*row)(void *arg, const char *name, struct rpc_cursor acked, int64_t since),
                    void *arg)
{
    struct rig *g = ctx;

    for (size_t i = 0; i < g->n_subs; i++)
        if (row(arg, g->subs[i].name, g->subs[i].acked, 1790000000))
            break;
    return MT_OK;
}

static int msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id *chat)
{
    return MT_E_NOT_FOUND;
}

static int name_get(void *ctx, int32_t account, const char *name, mt_chat_id *chat, int64_t *asked)
{
    struct rig *g = ctx;

    for (size_t i = 0; i < g->n_asked; i++)
        if (strcmp(g->asked[i].name, name) == 0) {
            *chat = g->asked[i].chat;
            *asked = g->asked[i].at;
            return MT_OK;
        }
    return MT_E_NOT_FOUND;
}

static void name_put(void *ctx, int32_t account, const char *name, mt_chat_id chat, int64_t asked)
{
    struct rig *g = ctx;
    size_t i = 0;

    while (i < g->n_asked && strcmp(g->asked[i].name, name) != 0)
        i++;
    if (i == RIG_NAMES)
        return;
    if (i == g->n_asked)
        g->n_asked++;
    snprintf(g->asked[i].name, sizeof g->asked[i].name, "%s", name);
    g->asked[i].chat = chat;
    g->asked[i].at = asked;
}

static int control(void *ctx, const char *what, const char *arg, char err[256])
{
    struct rig *g = ctx;

    snprintf(g->control, sizeof g->control, "%s %s", what, arg ? arg : "");
    if (g->on_control)
        g->on_control(g);
    return MT_OK;
}

/* --- peers --- */

static int peer_by_chat(void *ctx, mt_chat_id chat, struct mt_peer *out)
{
    struct rig *g = ctx;

    for (size_t i = 0; i < g->n_peers; i++) {
        if (g->peers[i].chat == chat) {
            *out = g->peers[i];
            return MT_OK;
        }
    }
    return MT_E_NOT_FOUND;
}

static int peer_by_username(void *ctx, const char *name, struct mt_peer *out)
{
    struct rig *g = ctx;

    for (size_t i = 0; i < g->n_peers; i++) {
        if (g->peers[i].username[0] && strcasecmp(g->peers[i].username, name) == 0) {
            *out = g->peers[i];
            return MT_OK;
        }
    }
    return MT_E_NOT_FOUND;
}

void rig_peer(struct rig *g, mt_chat_id chat, enum mt_peer_kind kind, const char *name, const char *username)
{
    struct mt_peer *p = &g->peers[g->n_peers++];

    *p = (struct mt_peer){.chat = chat, .kind = kind, .has_hash = kind != MT_PEER_GROUP, .access_hash = 77};
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->username, sizeof p->username, "%s", username);
}

/* --- the rig --- */

static void random_bytes(void *ctx, void *buf, size_t n)
{
    memset(buf, 0x5a, n);
}

static void log_line(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    ((struct rig *)ctx)->broken += level == MT_LOG_BROKEN;
}

struct rig *rig_new(void)
{
    struct rig *g = calloc(1, sizeof *g);
    struct rpc_cfg cfg = {.env = &g->env, .host = &g->host, .version = "0.1.0"};
    int32_t id;
    char err[256];

    assert_non_null(g);
    g->env = (struct mt_env){random_bytes, log_line, g};
    g->host = (struct rpc_host){.ctx = g,
                                .account_count = account_count,
                                .account_at = account_at,
                                .account_by_id = account_by_id,
                                .account_add = account_add,
                                .account_remove = account_remove,
                                .account_pause = account_pause,
                                .journal_end = journal_end,
                                .journal_oldest = journal_oldest,
                                .journal_read = journal_read,
                                .journal_lost = journal_lost,
                                .sub_get = sub_get,
                                .sub_put = sub_put,
                                .sub_drop = sub_drop,
                                .sub_each = sub_each,
                                .msg_chat = msg_chat,
                                .name_get = name_get,
                                .name_put = name_put,
                                .control = control};
    g->store =
        (struct store_ops){.ctx = g, .peer_by_chat = peer_by_chat, .peer_by_username = peer_by_username};
    g->now = (struct mt_now){1000 * MT_US_PER_S, INT64_C(1790000000) * MT_US_PER_S};
    account_add(g, "main", 0, NULL, &id, err);
    g->core[0].user = 777001;
    g->core[0].connected = g->core[0].in_sync = true;
    g->core[0].login = (struct mt_login){.step = MT_LOGIN_READY, .user_id = 777001};
    rig_peer(g, 777123, MT_PEER_USER, "Alice", "alice");
    g->r = rpc_new(&cfg, g->now);
    assert_non_null(g->r);
    g->c = rig_connect(g);
    return g;
}

struct rpc_conn *rig_connect(struct rig *g)
{
    struct rpc_conn *c =
        rpc_accept(g->r, g->now, &(struct rpc_cred){.uid = 1000, .gid = 1000, .pid = 4242}, g->profile);

    assert_non_null(c);
    return c;
}

void rig_free(struct rig *g)
{
    assert_int_equal(g->broken, 0);
    rpc_free(g->r);
    for (size_t i = 0; i < g->n_events; i++)
        free(g->events[i].body);
    free(g);
}

const char *rig_read(struct rig *g, struct rpc_conn *c)
{
    struct tl_slice out;

    for (int turns = 0; turns == 0 || (g->r->subs_due && turns < 100); turns++) {
        rpc_turn(g->r, ++g->turn, g->synced);
        rpc_committed(g->r, g->now);
    }
    out = rpc_output(c);
    if (out.n >= sizeof g->said)
        out.n = sizeof g->said - 1;
    memcpy(g->said, out.n ? out.p : (const uint8_t *)"", out.n);
    g->said[out.n] = 0;
    rpc_wrote(c, g->now, out.n);
    while (rpc_next_ready(g->r))
        ;
    return g->said;
}

const char *rig_say(struct rig *g, struct rpc_conn *c, const char *text)
{
    rpc_feed(c, g->now, text, strlen(text));
    while (g->r->work)
        rpc_tick(g->r, g->now);
    return rig_read(g, c);
}

void rig_pass(struct rig *g, int64_t ms)
{
    g->now.mono += ms * MT_US_PER_MS;
    g->now.wall += ms * MT_US_PER_MS;
    rpc_tick(g->r, g->now);
}

void rig_reply(struct rig *g, size_t account, const struct mt_reply *reply)
{
    rpc_reply(g->r, g->now, g->accounts[account].id, g->core[account].token, reply);
}

void rig_result(struct rig *g, size_t account, const void *p, size_t n)
{
    struct mt_reply reply = {.kind = MT_REPLY_RESULT, .p = p, .n = n};

    rig_reply(g, account, &reply);
}

void rig_event(struct rig *g, const char *type, int64_t chat, int64_t sender, int direction, const char *body)
{
    struct rig_event *e = &g->events[g->n_events++];

    snprintf(e->type, sizeof e->type, "%s", type);
    e->body = strdup(body);
    e->e = (struct rpc_event){.cursor = {1, g->n_events},
                              .account = 1,
                              .type = e->type,
                              .chat = chat,
                              .sender = sender,
                              .direction = direction,
                              .time = 1790000000,
                              .body = {(const uint8_t *)e->body, strlen(e->body)}};
}

const char *got(struct rig *g, const char *path)
{
    static char text[2048];
    json_t *root = json_loads(g->said, JSON_DISABLE_EOF_CHECK, NULL), *at = root;
    char *dumped;

    text[0] = 0;
    for (const char *p = path; at && *p;) {
        char name[64];
        size_t n = strcspn(p, ".");

        memcpy(name, p, n);
        name[n] = 0;
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(name)) : json_object_get(at, name);
        p += n + (p[n] == '.');
    }
    if (json_is_string(at)) {
        snprintf(text, sizeof text, "%s", json_string_value(at));
    } else if (at) {
        dumped = json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(text, sizeof text, "%s", dumped);
        free(dumped);
    }
    json_decref(root);
    return text;
}
