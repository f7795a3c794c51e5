#include "core/account/state.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

struct mt_account *mt_account_new(const struct mt_account_cfg *cfg, const struct mt_saved *saved,
                                  struct mt_now now)
{
    struct mt_account *a = calloc(1, sizeof *a);
    struct mt_updates_cfg uc = {.env = cfg->env, .store = cfg->store};
    struct mt_outbox_cfg oc = {.env = cfg->env, .store = cfg->store};
    int loaded;

    if (!a)
        return NULL;
    a->cfg = *cfg;
    loaded = mt_keep_load(&a->saved, saved);
    mt_book_init(&a->book, cfg->servers, &a->saved.addresses);
    mt_connect_use(a, cfg->proxy);
    mt_config_init(a);
    mt_fxq_init(&a->fxq);
    mt_peers_init(&a->peers, cfg->store, &a->fxq);
    uc.peers = &a->peers;
    uc.fxq = oc.fxq = &a->fxq;
    oc.secret = a->saved.dedup_secret;
    a->updates = mt_updates_new(&uc, &saved->state, now);
    a->outbox = mt_outbox_new(&oc);
    if (loaded != MT_OK || !a->updates || !a->outbox ||
        (cfg->proxy && cfg->proxy->kind != MT_PROXY_DIRECT && !a->proxy)) {
        mt_account_free(a);
        return NULL;
    }
    if (a->saved.user_id)
        a->login.pub =
            (struct mt_login){.step = MT_LOGIN_READY, .user_id = a->saved.user_id, .bot = a->saved.bot};
    return a;
}

void mt_account_free(struct mt_account *a)
{
    if (!a)
        return;
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        dc->dead = true;
    mt_adc_reap(a);
    while (a->reqs) {
        struct mt_areq *next = a->reqs->next;

        mt_areq_free(a->reqs);
        a->reqs = next;
    }
    mt_connect_use(a, NULL);
    mt_outbox_free(a->outbox);
    mt_updates_free(a->updates);
    mt_peers_fini(&a->peers);
    mt_fxq_fini(&a->fxq);
    free(a->acks);
    mt_keep_fini(&a->saved);
    mt_wipe(a, sizeof *a);
    free(a);
}

/* --- pieces shared by the files --- */

void mt_acc_reply(struct mt_account *a, uint64_t token, const struct mt_reply *reply)
{
    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_REPLY, .token = token, .reply = reply});
}

void mt_acc_reply_kind(struct mt_account *a, uint64_t token, enum mt_reply_kind kind, int32_t code)
{
    mt_acc_reply(a, token, &(struct mt_reply){.kind = kind, .code = code});
}

uint64_t mt_acc_work(struct mt_account *a, struct mt_adc *dc, int kind)
{
    if (kind == MT_WORK_NOTE)
        return MT_INTERNAL | ++a->next_id; /* its end is of no interest */
    for (size_t i = 0; i < MT_WORKS_MAX; i++) {
        if (a->works[i].token)
            continue;
        a->works[i].token = MT_INTERNAL | ++a->next_id;
        a->works[i].dc = dc;
        a->works[i].kind = kind;
        return a->works[i].token;
    }
    return 0;
}

void mt_acc_ack(struct mt_account *a, struct mt_adc *dc, uint64_t ack)
{
    void *more;

    if (!ack)
        return;
    if (a->n_acks == a->cap_acks) {
        more = realloc(a->acks, (a->cap_acks * 2 + 8) * sizeof *a->acks);
        if (!more)
            return;
        a->acks = more;
        a->cap_acks = a->cap_acks * 2 + 8;
    }
    a->acks[a->n_acks].dc = dc;
    a->acks[a->n_acks++].ack = ack;
}

void mt_acc_connection(struct mt_account *a)
{
    struct mt_adc *main = a->saved.main_dc ? mt_adc_find(a, a->saved.main_dc) : NULL;
    bool connected = main && main->up;

    if (connected == a->connected && (connected || !a->trouble[0]))
        return;
    a->connected = connected;
    mt_fxq_push(&a->fxq,
                &(struct mt_fx){.kind = MT_FX_CONNECTION, .connected = connected, .text = a->trouble});
}

/* --- the end of every verb --- */

/* The state once more, so that there is a commit: what a process before us has written counts too. */
static void ask_for_sync(struct mt_account *a)
{
    struct mt_fx state = {.kind = MT_FX_STATE, .state = mt_updates_state(a->updates)};

    if (mt_fxq_push(&a->fxq, &state) || mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SYNC}))
        mt_updates_unsynced(a->updates);
}

static bool pump_asks(struct mt_account *a, struct mt_now now)
{
    struct mt_updates_ask ask;
    bool any = false;

    if (!a->running || !a->saved.user_id)
        return false;
    if (mt_updates_wants_sync(a->updates))
        ask_for_sync(a);
    while (mt_updates_next_ask(a->updates, now, &ask)) {
        struct mt_areq *r = mt_areq_new(a, MT_AREQ_ASK, ask.p, ask.n);

        any = true;
        if (!r) {
            mt_updates_refused(a->updates, now, ask.what, ask.channel, MT_E_NOMEM, "");
            break;
        }
        r->ask = ask.what;
        r->ref = ask.channel;
        r->flags = MT_CALL_REPEATABLE;
        r->deadline = now.mono + MT_ASK_PATIENCE;
        r->flood_wait = MT_ASK_PATIENCE / MT_US_PER_S;
        mt_areq_start(a, now, r);
    }
    return any;
}

static bool any_due(const struct mt_account *a, struct mt_now now)
{
    return a->running && mt_areq_deadline(a) <= now.mono;
}

void mt_acc_pump(struct mt_account *a, struct mt_now now)
{
    bool more = true;

    if (a->in_pump)
        return;
    a->in_pump = true;
    while (more) {
        more = mt_adc_pump(a, now);
        mt_adc_reap(a);
        if (any_due(a, now)) {
            mt_areq_tick(a, now);
            more = true;
        }
        mt_sends_pump(a, now);
        more = pump_asks(a, now) || more;
        mt_areq_reap(a);
    }
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        mt_adc_hint(a, dc);
    a->in_pump = false;
}

/* --- running --- */

void mt_account_start(struct mt_account *a, struct mt_now now)
{
    a->running = true;
    if (a->saved.user_id) {
        mt_adc_main(a, now);
        mt_outbox_load(a->outbox, now);
    }
    for (struct mt_areq *r = a->reqs; r; r = r->next)
        if (r->step == MT_AREQ_PAUSED && r->until < now.mono)
            r->until = now.mono;
    mt_acc_pump(a, now);
}

static void drop_dcs(struct mt_account *a, struct mt_now now)
{
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (!dc->dead) {
            mt_dc_flush(dc->dc, now);
            mt_adc_drop(a, now, dc, false);
        }
}

void mt_account_pause(struct mt_account *a, struct mt_now now)
{
    a->running = false;
    drop_dcs(a, now);
    mt_acc_pump(a, now);
}

/* Unlike a pause it has no morrow: also who sleeps or waits for another is answered. */
void mt_account_stop(struct mt_account *a, struct mt_now now)
{
    mt_account_pause(a, now);
    for (struct mt_areq *r = a->reqs; r; r = r->next)
        if (r->step != MT_AREQ_OVER && r->kind != MT_AREQ_SEND) /* sends: by their rows */
            mt_areq_failed(a, now, r, MT_E_TIMEOUT, r->step == MT_AREQ_CONFIRMING ? MT_SENT_YES : MT_SENT_NO);
    mt_outbox_stop(a->outbox);
    mt_acc_pump(a, now);
}

/* --- requests --- */

/* The function in its wrappers. NULL: no memory. */
static struct mt_areq *wrap(struct mt_account *a, const struct mt_call *call)
{
    struct tl_out body = {.limit = 0};
    struct mt_areq *r;
    size_t head;

    if (call->takeout) {
        tl_put_u32(&body, TL_invokeWithTakeout);
        tl_put_long(&body, call->takeout);
    }
    if (call->business) {
        tl_put_u32(&body, TL_invokeWithBusinessConnection);
        tl_put_str(&body, call->business);
    }
    head = body.len;
    tl_put_raw(&body, call->body, call->n);
    r = body.err ? NULL : mt_areq_new(a, MT_AREQ_OWNER, body.data, body.len);
    tl_out_free(&body);
    if (!r)
        return NULL;
    r->head = head;
    r->business = call->business != NULL;
    return r;
}

int mt_account_call(struct mt_account *a, struct mt_now now, const struct mt_call *call)
{
    struct mt_areq *r;

    if (!call->token || (call->token & MT_INTERNAL) || call->n < 4 || call->n % 4)
        return MT_E_ARG;
    if (a->login.pub.step != MT_LOGIN_READY && !(call->flags & MT_CALL_BEFORE_LOGIN))
        return MT_E_STATE;
    r = call->takeout || call->business ? wrap(a, call) : mt_areq_new(a, MT_AREQ_OWNER, call->body, call->n);
    if (!r)
        return MT_E_NOMEM;
    r->token = call->token;
    r->flags = call->flags;
    r->dc = call->dc;
    r->deadline = call->deadline;
    r->flood_wait = call->flood_wait;
    mt_areq_start(a, now, r);
    mt_acc_pump(a, now);
    return MT_OK;
}

static void cancel_request(struct mt_account *a, struct mt_now now, struct mt_areq *r)
{
    r->cancelled = true;
    if (r->step != MT_AREQ_SENT) {
        mt_areq_failed(a, now, r, MT_E_STATE, r->step == MT_AREQ_CONFIRMING ? MT_SENT_YES : MT_SENT_NO);
        return;
    }
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (!dc->dead)
            mt_dc_cancel(dc->dc, now, r->id);
}

void mt_account_cancel(struct mt_account *a, struct mt_now now, uint64_t token)
{
    int64_t running = mt_outbox_running_of(a->outbox, token);

    if (running && mt_sends_take_back(a, now, running))
        mt_outbox_taken_back(a->outbox, now, running);
    if (!mt_outbox_cancel(a->outbox, now, token))
        for (struct mt_areq *r = a->reqs; r; r = r->next)
            if (r->kind == MT_AREQ_OWNER && r->token == token && r->step != MT_AREQ_OVER && !r->cancelled)
                cancel_request(a, now, r);
    mt_acc_pump(a, now);
}

int mt_account_send(struct mt_account *a, struct mt_now now, const struct mt_send *send)
{
    int err;

    if (a->login.pub.step != MT_LOGIN_READY)
        return MT_E_STATE;
    err = mt_outbox_submit(a->outbox, now, send);
    mt_acc_pump(a, now);
    return err;
}

int mt_account_cancel_send(struct mt_account *a, struct mt_now now, int64_t send_id)
{
    int err;

    if (mt_outbox_is_running(a->outbox, send_id) && mt_sends_take_back(a, now, send_id))
        mt_outbox_taken_back(a->outbox, now, send_id);
    err = mt_outbox_withdraw(a->outbox, now, send_id);
    mt_acc_pump(a, now);
    return err;
}

bool mt_account_send_stage(const struct mt_account *a, struct mt_now now, int64_t send_id,
                           struct mt_send_stage *out)
{
    return mt_outbox_stage(a->outbox, now, send_id, out);
}

/* --- links --- */

void mt_account_link_up(struct mt_account *a, struct mt_now now, uint32_t link)
{
    struct mt_adc *dc = mt_adc_by_link(a, link);

    if (dc && !dc->dead)
        mt_connect_up(a, now, dc);
    mt_acc_pump(a, now);
}

void mt_account_link_down(struct mt_account *a, struct mt_now now, uint32_t link)
{
    struct mt_adc *dc = mt_adc_by_link(a, link);

    if (dc && !dc->dead) {
        mt_connect_ended(a, now, dc);
        dc->link = 0;
        mt_dc_link_down(dc->dc, now);
    }
    mt_acc_pump(a, now);
}

int mt_account_feed(struct mt_account *a, struct mt_now now, uint32_t link, const void *p, size_t n)
{
    struct mt_adc *dc = mt_adc_by_link(a, link);
    int err = MT_OK;

    if (dc && !dc->dead) {
        dc->heard = true;
        err = mt_dc_feed(dc->dc, now, p, n);
    }

    mt_acc_pump(a, now);
    return err;
}

struct tl_slice mt_account_output(struct mt_account *a, struct mt_now now, uint32_t link)
{
    struct mt_adc *dc = mt_adc_by_link(a, link);

    if (!dc || dc->dead)
        return (struct tl_slice){0};
    dc->hinted = false;
    return mt_dc_output(dc->dc, now);
}

void mt_account_wrote(struct mt_account *a, struct mt_now now, uint32_t link, size_t n)
{
    struct mt_adc *dc = mt_adc_by_link(a, link);

    if (dc && !dc->dead)
        mt_dc_wrote(dc->dc, now, n);
}

void mt_account_kick(struct mt_account *a, struct mt_now now)
{
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (!dc->dead)
            mt_connect_kick(a, now, dc);
    /* a link may live on while what came for it meanwhile does not */
    mt_updates_force(a->updates, now);
    mt_acc_pump(a, now);
}

/* --- time --- */

void mt_account_tick(struct mt_account *a, struct mt_now now)
{
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (!dc->dead && mt_dc_deadline(dc->dc) <= now.mono)
            mt_dc_tick(dc->dc, now);
    if (mt_connect_deadline(a) <= now.mono)
        mt_connect_tick(a, now);
    if (mt_config_deadline(a) <= now.mono)
        mt_config_tick(a, now);
    if (mt_areq_deadline(a) <= now.mono)
        mt_areq_tick(a, now);
    if (mt_updates_deadline(a->updates) <= now.mono)
        mt_updates_tick(a->updates, now);
    if (mt_outbox_deadline(a->outbox) <= now.mono)
        mt_outbox_tick(a->outbox, now);
    mt_acc_pump(a, now);
}

int64_t mt_account_deadline(const struct mt_account *a)
{
    int64_t at = mt_updates_deadline(a->updates), other = mt_areq_deadline(a);

    at = other < at ? other : at;
    other = mt_outbox_deadline(a->outbox);
    at = other < at ? other : at;
    other = mt_config_deadline(a);
    at = other < at ? other : at;
    other = mt_connect_deadline(a);
    at = other < at ? other : at;
    for (const struct mt_adc *dc = a->dcs; dc; dc = dc->next) {
        other = dc->dead ? MT_NEVER : mt_dc_deadline(dc->dc);
        at = other < at ? other : at;
    }
    return at;
}

void mt_account_committed(struct mt_account *a, struct mt_now now)
{
    struct mt_adc *main = a->saved.main_dc ? mt_adc_find(a, a->saved.main_dc) : NULL;
    uint64_t ack;

    /* an effect was lost for want of memory: the server keeps what we did not acknowledge */
    for (size_t i = 0; i < a->n_acks && !a->fxq.lost; i++)
        if (a->acks[i].dc && !a->acks[i].dc->dead)
            mt_dc_ack(a->acks[i].dc->dc, now, a->acks[i].ack);
    a->n_acks = 0;
    while (mt_updates_next_ack(a->updates, &ack))
        if (main && !a->fxq.lost)
            mt_dc_ack(main->dc, now, ack);
    mt_peers_committed(&a->peers);
    mt_updates_committed(a->updates, now);
    mt_outbox_committed(a->outbox, now);
    mt_config_tick(a, now);
    mt_acc_pump(a, now);
}

void mt_account_synced(struct mt_account *a, struct mt_now now)
{
    mt_updates_synced(a->updates);
    mt_acc_pump(a, now);
}

bool mt_account_next(struct mt_account *a, struct mt_fx *fx)
{
    bool any = mt_fxq_next(&a->fxq, fx);

    mt_config_peek(a, fx);
    return any;
}

/* --- the end of work done elsewhere --- */

static void work_done(struct mt_account *a, struct mt_now now, const struct mt_work *w, int result,
                      struct mt_job *job)
{
    bool alive = w->dc && !w->dc->dead;

    switch (w->kind) {
    case MT_WORK_KEY:
        if (alive)
            mt_dc_done(w->dc->dc, now, MT_DC_KEY, result);
        break;
    case MT_WORK_KEYX:
        if (alive)
            mt_dc_computed(w->dc->dc, now, job ? &job->keyx : NULL);
        break;
    case MT_WORK_SRP:
        if (a->login.job == w->token)
            mt_login_computed(a, now, job);
        break;
    case MT_WORK_AUTH:
        mt_login_saved(a, now, result);
        if (!result)
            mt_outbox_load(a->outbox, now);
        break;
    case MT_WORK_NOTE:
        break;
    }
}

void mt_account_done(struct mt_account *a, struct mt_now now, uint64_t token, int result, struct mt_job *job)
{
    for (size_t i = 0; i < MT_WORKS_MAX; i++)
        if (token && a->works[i].token == token) {
            struct mt_work w = a->works[i];

            a->works[i] = (struct mt_work){0};
            work_done(a, now, &w, result, job);
            break;
        }
    mt_job_free(job);
    mt_acc_pump(a, now);
}

/* --- watched channels --- */

int mt_account_watch(struct mt_account *a, struct mt_now now, mt_chat_id chat, bool on)
{
    enum mt_peer_kind kind;
    int64_t id;
    int err;

    if (!mt_chat_split(chat, &kind, &id) || kind != MT_PEER_CHANNEL)
        return MT_E_ARG;
    if (a->login.pub.step != MT_LOGIN_READY)
        return MT_E_STATE;
    err = mt_updates_watch(a->updates, now, (int32_t)(mt_account_server_time(a, now) / MT_US_PER_S), id, on);
    mt_acc_pump(a, now);
    return err;
}

size_t mt_account_watched(const struct mt_account *a, mt_chat_id *chats, size_t max)
{
    size_t n = mt_updates_watched(a->updates, chats, max);

    for (size_t i = 0; i < n && i < max; i++)
        chats[i] = mt_chat_of_channel(chats[i]);
    return n;
}

/* --- to look at --- */

const struct mt_login *mt_account_login(const struct mt_account *a)
{
    return &a->login.pub;
}

int64_t mt_account_user(const struct mt_account *a)
{
    return a->login.pub.step == MT_LOGIN_READY ? a->saved.user_id : 0;
}

bool mt_account_is_bot(const struct mt_account *a)
{
    return a->saved.bot;
}

bool mt_account_is_connected(const struct mt_account *a)
{
    return a->connected;
}

bool mt_account_is_in_sync(const struct mt_account *a)
{
    return mt_updates_is_in_sync(a->updates);
}

int64_t mt_account_server_time(const struct mt_account *a, struct mt_now now)
{
    for (const struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (dc->main && !dc->dead)
            return mt_dc_server_time(dc->dc, now);
    return now.wall;
}

const struct mt_updates_stats *mt_account_updates_stats(const struct mt_account *a)
{
    return mt_updates_stats(a->updates);
}
