#include <stdlib.h>
#include <string.h>

#include "core/account/state.h"
#include "core/updates/engine.h"
#include "tests/sim/account/asim.h"

#define SYNC_WAIT (500 * MT_US_PER_MS)

static void log_line(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    struct owner *o = ctx;

    if (level == MT_LOG_BROKEN)
        asim_fail(o->s, "%s says of itself: %s: %s", o->name, area, text);
    else
        asim_trace(o->s, "  %s: %s: %s", o->name, area, text);
}

static void fill(void *ctx, void *buf, size_t n)
{
    struct owner *o = ctx;

    asim_fill(&o->rng, buf, n);
}

void owner_start(struct owner *o)
{
    struct mt_account_cfg cfg = {.env = &o->env,
                                 .servers = &o->s->servers,
                                 .store = &o->disk.ops,
                                 .init = {.api_id = 1,
                                          .device_model = "sim",
                                          .system_version = "1",
                                          .app_version = "1",
                                          .system_lang_code = "en",
                                          .lang_code = "en"},
                                 .api_hash = "0123456789abcdef0123456789abcdef",
                                 .framing = o->s->framing,
                                 .obfuscated = o->s->obfuscated,
                                 .pfs = o->s->pfs};

    o->env = (struct mt_env){.random = fill, .log = log_line, .ctx = o};
    o->life++;
    o->sync_at = MT_NEVER;
    o->start_at = MT_NEVER;
    o->die_after = -1;
    o->disk.saved.state = o->disk.state;
    o->a = mt_account_new(&cfg, &o->disk.saved, owner_now(o));
    if (!o->a)
        abort();
    asim_trace(o->s, "%s starts, life %u, pts %d", o->name, o->life, (int)o->disk.state.pts);
    mt_account_start(o->a, owner_now(o));
    login_started(o);
}

void owner_die(struct owner *o, bool power)
{
    if (!o->a)
        return;
    asim_trace(o->s, "%s: %s", o->name, power ? "the power fails" : "is killed");
    mt_account_free(o->a);
    o->a = NULL;
    wires_close(o, 0);
    ask_died(o, power);
    disk_die(o, power ? o->disk.synced : o->disk.committed);
    if (power)
        keys_power_failed(o);
    o->s->deaths++;
    o->start_at = o->s->t + (int64_t)asim_random(o->s, 30 * MT_US_PER_S);
    o->wants_sync = false;
    o->sync_at = MT_NEVER;
}

/* --- a turn --- */

/* Every place after which the process may die; false: it has. */
static bool survives(struct owner *o)
{
    if (o->die_after < 0 || o->die_after-- > 0)
        return true;
    owner_die(o, o->dies_of_power);
    return false;
}

static void carry_out(struct owner *o, const struct mt_fx *fx)
{
    struct mt_now now = owner_now(o);

    switch (fx->kind) {
    case MT_FX_STAGE:
    case MT_FX_NONE:
    case MT_FX_OUTPUT:
        return;
    case MT_FX_CONNECT:
        wires_open(o, fx);
        return;
    case MT_FX_CLOSE:
        wires_close(o, fx->link);
        return;
    case MT_FX_SAVE_ADDRESSES: /* the next start asks for them again */
        return;
    case MT_FX_SAVE_KEY:
    case MT_FX_SAVE_AUTH:
        disk_write(o, fx);
        mt_account_done(o->a, now, fx->token, MT_OK, NULL);
        return;
    case MT_FX_SAVE_SALTS:
    case MT_FX_STATE:
    case MT_FX_CHANNEL:
    case MT_FX_PEER:
    case MT_FX_UPDATE:
    case MT_FX_GAP:
    case MT_FX_OUTBOX:
        disk_write(o, fx);
        return;
    case MT_FX_REPLY:
        ask_take(o, fx);
        return;
    case MT_FX_COMPUTE:
        mt_job_run(fx->job);
        mt_account_done(o->a, now, fx->token, MT_OK, fx->job);
        return;
    case MT_FX_SYNC:
        o->wants_sync = true;
        return;
    case MT_FX_CONNECTION:
        asim_trace(o->s, "  %s is %sconnected %s", o->name, fx->connected ? "" : "not ",
                   fx->text ? fx->text : "");
        return;
    case MT_FX_LOGIN:
        login_changed(o);
        return;
    case MT_FX_FORGET:
        login_forgotten(o);
        disk_forget(o);
        return;
    }
}

static void commit(struct owner *o)
{
    if (o->disk.n > o->disk.committed && o->sync_at == MT_NEVER)
        o->sync_at = o->s->t + (int64_t)asim_random(o->s, SYNC_WAIT);
    disk_committed(o);
    ask_committed(o);
}

/* True: something happened. */
static bool turn(struct owner *o)
{
    bool busy = false, any = true;

    while (any) {
        struct mt_fx fx;

        any = false;
        while (mt_account_next(o->a, &fx)) {
            any = any || fx.kind != MT_FX_OUTPUT;
            carry_out(o, &fx);
            if (!survives(o) || o->s->failure[0])
                return true;
        }
        commit(o);
        if (any && !survives(o))
            return true;
        mt_account_committed(o->a, owner_now(o));
        busy = busy || any;
    }
    return busy;
}

static void sync(struct owner *o)
{
    o->sync_at = MT_NEVER;
    o->disk.synced = o->disk.committed;
    ask_synced(o);
    if (o->wants_sync)
        mt_account_synced(o->a, owner_now(o));
    o->wants_sync = false;
}

static void check_bounds(struct owner *o)
{
    size_t n = 0;

    for (const struct mt_areq *r = o->a->reqs; r; r = r->next)
        n++;
    if (n > ASKED)
        asim_fail(o->s, "%s has %zu requests under way", o->name, n);
    if (o->a->updates->held.bytes > MT_HELD_BYTES || o->a->updates->n_chans > 8)
        asim_fail(o->s, "the updates of %s pile up", o->name);
    if (o->a->n_acks > 1000)
        asim_fail(o->s, "the acks of %s pile up", o->name);
}

bool owner_step(struct owner *o)
{
    bool busy = false;

    if (!o->a && o->start_at <= o->s->t) {
        owner_start(o);
        busy = true;
    }
    if (!o->a)
        return false;
    if (o->sync_at <= o->s->t)
        sync(o);
    if (mt_account_deadline(o->a) <= o->s->t)
        mt_account_tick(o->a, owner_now(o));
    if (o->login_at <= o->s->t) {
        login_step(o);
        busy = true;
    }
    busy = turn(o) || busy;
    if (o->a && !o->s->failure[0])
        busy = wires_step_owner(o) || busy;
    if (o->a)
        check_bounds(o);
    return busy;
}

int64_t owner_deadline(const struct owner *o)
{
    int64_t at = o->a ? mt_account_deadline(o->a) : o->start_at;

    if (o->a && o->login_at < at)
        at = o->login_at;
    return o->a && o->sync_at < at ? o->sync_at : at;
}

void owner_stop(struct owner *o)
{
    if (!o->a)
        return;
    asim_trace(o->s, "%s stops", o->name);
    mt_account_stop(o->a, owner_now(o));
    turn(o);
    if (!o->a)
        return;
    wires_step_owner(o);
    sync(o);
    for (unsigned i = 1; i <= o->n_asked; i++)
        if (o->asked[i].life == o->life && !o->asked[i].ends)
            asim_fail(o->s, "request %u of %s was not answered by the stop", i, o->name);
    mt_account_free(o->a);
    o->a = NULL;
    wires_close(o, 0);
    ask_died(o, false);
    o->start_at = o->s->t + (int64_t)asim_random(o->s, 30 * MT_US_PER_S);
}

void owner_fini(struct owner *o)
{
    if (o->a)
        mt_account_free(o->a);
    wires_close(o, 0);
    disk_fini(&o->disk);
}
