/* The sandbox's protocol half, over a world that only counts what it is asked to do. */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/sandbox/rsa_pem.h"
#include "tl/ids.h"

#define USER 777

struct sb_world {
    struct sim *sim;
    uint8_t update[12];
    bool push;
};

/* Between sb_world_new() and the sim it belongs to there is only this. */
static struct sim *starting;

struct sb_world *sb_world_new(const struct sb_world_cfg *cfg, struct mt_now now)
{
    struct sb_world *w = calloc(1, sizeof *w);

    if (w)
        w->sim = starting;
    return w;
}

void sb_world_free(struct sb_world *w)
{
    free(w);
}

static unsigned token_of(const struct tl_view *call)
{
    char text[16] = "";
    struct tl_slice s;

    if (call->def->id == TL_help_setBotUpdatesStatus)
        return (unsigned)tl_get_int(call, TLF_help_setBotUpdatesStatus__pending_updates_count);
    if (call->def->id == TL_messages_sendScreenshotNotification)
        return (unsigned)tl_get_long(call, TLF_messages_sendScreenshotNotification__random_id);
    if (call->def->id != TL_help_getAppUpdate)
        return 0;
    s = tl_get_bytes(call, TLF_help_getAppUpdate__source);
    if (s.n < sizeof text)
        memcpy(text, s.p, s.n);
    return (unsigned)strtoul(text, NULL, 10);
}

static void large_answer(struct sb_world *w, struct tl_out *out)
{
    static char text[60000];

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + sim_random(w->sim, 20));
    tl_put_u32(out, TL_nearestDc);
    tl_put_bytes(out, text, sim_random(w->sim, sizeof text));
    tl_put_int(out, 2);
    tl_put_int(out, 2);
}

void sb_world_call(struct sb_world *w, struct mt_now now, const struct sb_caller *caller,
                   const struct tl_view *call, struct sb_reply *reply)
{
    unsigned token = token_of(call);
    struct sim_request *r;

    *reply = (struct sb_reply){0};
    if (!token || token > w->sim->n_requests) {
        sim_fail(w->sim, "the server got a call that nobody made");
        reply->err_code = 400;
        return;
    }
    r = &w->sim->requests[token];
    r->executed++;
    sim_trace(w->sim, "executes %u (%u)", token, r->executed);
    switch (r->kind) {
    case SIM_REPEATABLE:
        if (token % 8 == 0)
            large_answer(w, &reply->result);
        else
            tl_put_u32(&reply->result, TL_help_noAppUpdate);
        return;
    case SIM_PLAIN:
        tl_put_bool(&reply->result, true);
        return;
    case SIM_RANDOM_ID:
        if (r->executed > 1) {
            r->executed = 1;
            reply->err_code = 500;
            strcpy(reply->err_text, "RANDOM_ID_DUPLICATE");
            return;
        }
        tl_put_u32(&reply->result, TL_updatesTooLong);
        return;
    case SIM_KINDS:
        return;
    }
}

void sb_reply_free(struct sb_reply *reply)
{
    tl_out_free(&reply->result);
}

bool sb_world_next_push(struct sb_world *w, struct sb_push *push)
{
    if (!w->push)
        return false;
    w->push = false;
    *push = (struct sb_push){.user_id = USER, .p = w->update, .n = sizeof w->update};
    return true;
}

int64_t sb_world_user_of(const struct sb_world *w, int32_t dc_id, uint64_t key_id)
{
    return USER;
}

int32_t sb_world_home_dc(const struct sb_world *w, int64_t user_id)
{
    return 2;
}

void sb_world_forget_key(struct sb_world *w, uint64_t key_id) {}

json_t *sb_world_control(struct sb_world *w, struct mt_now now, const char *method, const json_t *params,
                         int *known, char err[256])
{
    *known = strcmp(method, "push") ? -1 : 0;
    return *known ? NULL : json_object();
}

json_t *sb_world_methods(void)
{
    return json_array();
}

/* --- the owner of the server --- */

bool server_start(struct sim *s)
{
    static const int32_t dcs[] = {2};
    struct sb_world_cfg wc = {.env = &s->server_env, .seed = s->seed};
    struct sb_server_cfg sc = {.env = &s->server_env,
                               .seed = s->seed,
                               .rsa_pem = TEST_RSA_PEM,
                               .dcs = dcs,
                               .n_dcs = 1,
                               .strict = true};
    const char *pem;

    starting = s;
    s->world = sb_world_new(&wc, sim_server_now(s));
    sc.world = s->world;
    s->server = s->world ? sb_server_new(&sc, sim_server_now(s)) : NULL;
    if (!s->server)
        return false;
    pem = sb_server_public_pem(s->server);
    s->rsa = mt_rsa_from_pem(pem, strlen(pem));
    return s->rsa;
}

void server_stop(struct sim *s)
{
    for (size_t i = 0; i < SIM_LINKS; i++) {
        if (s->links[i].server)
            sb_server_closed(s->server, sim_server_now(s), s->links[i].conn);
        net_fini(&s->links[i].up);
        net_fini(&s->links[i].down);
    }
    sb_server_free(s->server);
    sb_world_free(s->world);
    mt_rsa_free(s->rsa);
}

void server_control(struct sim *s, const char *method, const char *params)
{
    json_t *v = json_loads(params, 0, NULL), *result;
    char err[256];
    int code;

    sim_trace(s, "%s %s", method, params);
    result = sb_server_control(s->server, sim_server_now(s), method, v, &code, err);
    if (!result)
        sim_fail(s, "%s %s: %s", method, params, err);
    json_decref(v);
    json_decref(result);
}

void server_push(struct sim *s)
{
    struct sb_world *w = s->world;

    if (s->pushed == SIM_PUSHES)
        return;
    tl_store32(w->update, TL_updateShort);
    tl_store32(w->update + 4, TL_updateConfig);
    tl_store32(w->update + 8, s->pushed++);
    w->push = true;
    server_control(s, "push", "{}");
}

static void close_server_end(struct sim *s, struct sim_link *l)
{
    l->server = false;
    sb_server_closed(s->server, sim_server_now(s), l->conn);
    net_end(&l->down, s->t + l->delay);
}

static bool step_link(struct sim *s, struct sim_link *l)
{
    struct mt_now now = sim_server_now(s);
    struct net_piece *piece = net_read(&l->up, s->t);
    enum sb_close close;
    struct tl_slice out;
    size_t n;

    if (piece) {
        if (l->server)
            sb_server_feed(s->server, now, l->conn, piece->p, piece->n);
        free(piece);
        return true;
    }
    if (!l->server)
        return false;
    if (net_ended(&l->up, s->t)) {
        close_server_end(s, l);
        return true;
    }
    out = sb_server_output(s->server, l->conn);
    close = sb_server_wants_close(s->server, l->conn);
    if (out.n) {
        n = out.n < l->piece ? out.n : l->piece;
        if (!l->down.ending)
            net_write(&l->down, s->t, l->delay + (int64_t)sim_random(s, 20000), out.p, n);
        sb_server_wrote(s->server, l->conn, n);
        return true;
    }
    if (close == SB_CLOSE_NO)
        return false;
    close_server_end(s, l);
    return true;
}

static bool is_over(const struct sim_link *l)
{
    return !l->client && !l->server && !l->open_at;
}

bool server_step(struct sim *s)
{
    bool busy = false;

    if (sb_server_deadline(s->server) <= s->t)
        sb_server_tick(s->server, sim_server_now(s));
    while (sb_server_next_ready(s->server))
        ; /* every link is looked at anyway */
    for (size_t i = 0; i < SIM_LINKS; i++) {
        struct sim_link *l = &s->links[i];

        if (!l->used)
            continue;
        busy = step_link(s, l) || busy;
        if (!l->client)
            l->open_at = 0;
        if (is_over(l)) {
            net_fini(&l->up);
            net_fini(&l->down);
            l->used = false;
        }
    }
    return busy;
}

int64_t server_deadline(const struct sim *s)
{
    int64_t at = sb_server_deadline(s->server);

    for (size_t i = 0; i < SIM_LINKS; i++) {
        int64_t due = net_deadline(&s->links[i].up);

        if (s->links[i].used && s->links[i].server && due < at)
            at = due;
    }
    return at;
}

void link_cut(struct sim *s, struct sim_link *l)
{
    bool silent = sim_random(s, 3) == 0;

    if (!l || l->up.ending || l->down.ending)
        return;
    sim_trace(s, "cut%s", silent ? ", the client is not told" : "");
    net_truncate(&l->up, sim_random(s, l->up.bytes + 1));
    net_truncate(&l->down, sim_random(s, l->down.bytes + 1));
    net_end(&l->up, s->t + (int64_t)sim_random(s, 4 * MT_US_PER_S));
    net_end(&l->down, silent ? NET_NEVER : s->t + (int64_t)sim_random(s, 4 * MT_US_PER_S));
}
