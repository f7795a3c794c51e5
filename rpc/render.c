#include "rpc/impl.h"
#include "rpc/views/views.h"
#include "tl/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct render {
    struct rpc *r;
    const struct rpc_account *account;
    const struct mt_fx *fx;
    void (*event)(void *arg, const struct rpc_event *e);
    void *arg;
};

void rpc_live_free(struct rpc *r)
{
    while (r->live) {
        struct rpc_live *l = r->live;

        r->live = l->next;
        free(l);
    }
    r->live_tail = &r->live;
}

static void keep_live(struct rpc *r, const struct rpc_event *e, bool unkept)
{
    struct rpc_live *l = calloc(1, sizeof *l + e->body.n + e->raw.n);

    if (!l)
        return; /* live: nobody was promised it */
    l->e = *e;
    snprintf(l->type, sizeof l->type, "%s", e->type);
    memcpy(l->body, e->body.p, e->body.n);
    l->e.type = l->type;
    l->e.body.p = (const uint8_t *)l->body;
    l->unkept = unkept;
    l->e.raw.p = (const uint8_t *)l->body + e->body.n;
    if (e->raw.n)
        memcpy(l->body + e->body.n, e->raw.p, e->raw.n);
    *r->live_tail = l;
    r->live_tail = &l->next;
}

static void put_member(struct tl_out *out, const char *name, const char *text)
{
    tl_put_raw(out, name, strlen(name));
    tl_json_string(out, text, strlen(text));
}

/* The member of an event that says what happened; `account` is taken. */
static const char *member_of(const char *type)
{
    return strcmp(type, "account") == 0 ? "change" : type;
}

/* "key":...,"account":...,"type":...,"time":...,"<type>":{...} */
static void put_body(struct tl_out *out, const struct render *x, const struct rpc_view_event *e)
{
    char time[48];

    put_member(out, "\"key\":", e->key);
    put_member(out, ",\"account\":", x->account->name);
    put_member(out, ",\"type\":", e->type);
    snprintf(time, sizeof time, ",\"time\":%" PRId64, e->time);
    tl_put_raw(out, time, strlen(time));
    if (!e->body)
        return;
    tl_put_raw(out, ",", 1);
    tl_json_string(out, member_of(e->type), strlen(member_of(e->type)));
    tl_put_raw(out, ":", 1);
    rpc_json_put(out, e->body);
}

static void rendered(void *arg, const struct rpc_view_event *v)
{
    struct render *x = arg;
    struct tl_out body = {.limit = RPC_VALUE_MAX};
    bool bare = strcmp(v->type, "raw") == 0; /* nothing but its TL */
    bool unkept = !v->live && (x->account->no_journal || (bare && x->account->no_raw));
    struct rpc_event e = {.account = x->account->id,
                          .type = v->type,
                          .chat = v->chat,
                          .sender = v->sender,
                          .direction = v->direction,
                          .time = v->time,
                          .expires = v->expires,
                          .layer = tl_layer};

    put_body(&body, x, v);
    if (x->fx->kind == MT_FX_UPDATE && !v->live && (bare || !x->account->no_raw))
        e.raw = (struct tl_slice){x->fx->p, x->fx->n};
    if (body.err) {
        mt_logf(x->r->cfg.env, MT_LOG_WARN, "rpc", "no memory for an event of type %s", v->type);
    } else {
        e.body = (struct tl_slice){body.data, body.len};
        if (v->live || unkept)
            keep_live(x->r, &e, unkept);
        else
            x->event(x->arg, &e);
    }
    tl_out_free(&body);
}

/* FNV-1a: names bytes, protects nothing. */
static uint64_t digest(const uint8_t *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void render_raw(struct render *x, struct mt_now now)
{
    char key[40];
    struct rpc_view_event v = {.type = "raw", .key = key};

    snprintf(key, sizeof key, "raw/%016" PRIx64, digest(x->fx->p, x->fx->n));
    v.time = x->fx->date ? x->fx->date : now.wall / MT_US_PER_S;
    rendered(x, &v);
}

void rpc_render(struct rpc *r, struct mt_now now, int32_t account, const struct mt_fx *update,
                void (*event)(void *arg, const struct rpc_event *e), void *arg)
{
    struct rpc_account a;
    struct render x = {r, &a, update, event, arg};
    struct rpc_view ctx = {.host = r->cfg.host, .account = &a, .now = now};
    struct tl_view object;
    const char *type;

    if (!rpc_account_by_id(r, account, &a) || tl_view_open(&object, update->p, update->n) != TL_OK)
        return;
    type = rpc_update_type(object.def->id);
    if (!type)
        return;
    if (strcmp(type, "raw") == 0 || rpc_view_update(&ctx, type, update, &object, rendered, &x) < 0)
        render_raw(&x, now);
}

static json_t *gap_json(const struct mt_fx *fx)
{
    json_t *body = fx->chat ? json_pack("{s:I}", "chat_id", (json_int_t)fx->chat) : json_object();

    if (body && fx->gap_from)
        json_object_set_new(body, "after_id", json_integer(fx->gap_from));
    if (body && fx->gap_to)
        json_object_set_new(body, "before_id", json_integer(fx->gap_to));
    return body;
}

void rpc_render_fx(struct rpc *r, struct mt_now now, int32_t account, const struct mt_fx *fx,
                   void (*event)(void *arg, const struct rpc_event *e), void *arg)
{
    struct rpc_account a;
    struct render x = {r, &a, fx, event, arg};
    char key[64];
    struct rpc_view_event v = {.key = key, .time = now.wall / MT_US_PER_S, .live = true};
    json_t *body = NULL;

    if (!rpc_account_by_id(r, account, &a))
        return;
    if (fx->kind == MT_FX_LOGIN) {
        v.type = "login";
        body = rpc_login_json(&a, now);
    } else if (fx->kind == MT_FX_CONNECTION) {
        v.type = "connection";
        body = json_pack("{s:b}", "connected", fx->connected);
        if (body && !fx->connected && fx->text)
            json_object_set_new(body, "reason", json_string(fx->text));
    } else if (fx->kind == MT_FX_GAP) {
        v.type = "gap";
        v.live = false;
        v.chat = fx->chat;
        body = gap_json(fx);
    } else if (fx->kind == MT_FX_OUTBOX) {
        struct rpc_view ctx = {.host = r->cfg.host, .account = &a, .now = now};

        v.type = "send";
        v.live = false;
        v.chat = fx->row->chat; /* its end is nobody's message: no direction, so no filter of one hides it */
        body = rpc_view_send(&ctx, fx->row);
    }
    if (body) {
        int64_t number = fx->kind == MT_FX_OUTBOX ? fx->row->id : now.wall / MT_US_PER_MS;

        snprintf(key, sizeof key, "%s/%d/%" PRId64, v.type, account, number);
        v.body = body;
        rendered(&x, &v);
    }
    json_decref(body);
}
