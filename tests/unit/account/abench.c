#include "tests/unit/account/abench.h"

static struct abench the_bench;

static void make(struct abench *b, const struct mt_saved *saved)
{
    struct mt_account_cfg cfg = {.env = &b->env.env,
                                 .servers = &b->servers,
                                 .store = &b->mem.ops,
                                 .init = {.api_id = 1, .device_model = "t"},
                                 .api_hash = "hash"};

    b->a = mt_account_new(&cfg, saved, b->now);
    assert_non_null(b->a);
}

static struct abench *fresh(const struct mt_saved *saved)
{
    struct abench *b = &the_bench;

    memset(b, 0, sizeof *b);
    mem_init(&b->mem);
    env_init(&b->env, 1);
    for (int i = 0; i < 3; i++)
        b->list[i] = (struct mt_server){.dc_id = i + 1, .ip = "127.0.0.1", .port = 443};
    b->servers = (struct mt_servers){.list = b->list, .n = 3, .default_dc = 2};
    b->now = (struct mt_now){1000 * MT_US_PER_S, 1700000000 * MT_US_PER_S};
    make(b, saved);
    return b;
}

struct abench *ab_new(void)
{
    struct mt_saved saved = {.main_dc = 0};

    return fresh(&saved);
}

static const struct mt_saved ready = {.main_dc = 2,
                                      .user_id = 5,
                                      .n_dcs = 1,
                                      .dcs = {{.dc_id = 2, .has_key = true, .authorised = true}},
                                      .state = {.pts = 10, .date = 100, .seq = 1, .known = true}};

static void connect(struct abench *b)
{
    mt_account_start(b->a, b->now);
    fake_up(2);
    mt_account_tick(b->a, b->now);
    fake_result(2, "updates.getDifference", "updates.Difference",
                "{\"_\":\"updates.differenceEmpty\",\"date\":100,\"seq\":1}");
    mt_account_tick(b->a, b->now);
}

struct abench *ab_ready(void)
{
    struct abench *b = fresh(&ready);
    struct mt_peer user = {.chat = 7, .has_hash = true, .access_hash = 77};

    mem_put_peer(&b->mem, &user);
    connect(b);
    ab_expect(b, "connect 2 | connected | state 10 0 1");
    fake_said(2);
    return b;
}

void ab_restart(struct abench *b)
{
    struct mt_saved saved = ready;

    mt_account_free(b->a);
    if (b->mem.state.known)
        saved.state = b->mem.state;
    make(b, &saved);
    connect(b);
}

void ab_start_with(struct abench *b, const struct mt_saved *saved)
{
    mt_account_free(b->a);
    make(b, saved);
    mt_account_start(b->a, b->now);
}

void ab_done(struct abench *b)
{
    assert_int_equal(b->env.broken, 0);
    mt_job_free(b->job);
    mt_account_free(b->a);
    mt_wipe(b, sizeof *b);
}

static const char *reply_text(struct abench *b, const struct mt_fx *fx)
{
    static const char *const kinds[] = {"RESULT",     "RPC_ERROR",  "TIMEOUT",   "CANCELLED",      "FAILED",
                                        "LOGGED_OFF", "WRONG_STEP", "NO_API_ID", "DEDUP_MISMATCH", "OK"};
    static const char *const sent[] = {" sent:no", "", " sent:unknown"};
    const struct mt_reply *r = fx->reply;
    const char *extra = "";

    b->reply = *r;
    if (r->kind == MT_REPLY_RPC_ERROR)
        extra = fmt(" %d %s%s", (int)r->code, r->text, r->local ? " local" : "");
    if (r->kind == MT_REPLY_TIMEOUT || r->kind == MT_REPLY_CANCELLED)
        extra = sent[r->sent];
    if (r->kind == MT_REPLY_FAILED)
        extra = fmt(" %d", (int)r->code);
    if (r->kind == MT_REPLY_RESULT) {
        struct tl_in in = tl_in(r->p, r->n);
        struct tl_out json = {0};

        b->last[0] = 0;
        if (r->n && tl_peek(&in) != TL_VECTOR && tl_to_json(&in, &json) == TL_OK &&
            json.len < sizeof b->last) {
            memcpy(b->last, json.data, json.len);
            b->last[json.len] = 0;
        }
        tl_out_free(&json);
        extra = r->again ? " again" : "";
    }
    return fmt("reply %d %s%s", (int)fx->token, kinds[r->kind], extra);
}

static const char *one_fx(struct abench *b, const struct mt_fx *fx)
{
    static const char *const steps[] = {"NONE", "CODE", "PASSWORD", "UNSUPPORTED", "READY", "LOGGED_OUT"};
    char buf[256];

    switch (fx->kind) {
    case MT_FX_CONNECT:
        return fmt("connect %d", (int)fx->server->dc_id);
    case MT_FX_CLOSE:
        return "close";
    case MT_FX_OUTPUT:
    case MT_FX_PEER:
        return NULL;
    case MT_FX_SAVE_KEY:
        return fmt("save key %d%s", (int)fx->dc->dc_id, fx->dc->authorised ? " authorised" : "");
    case MT_FX_SAVE_SALTS:
        return fmt("save salts %d", (int)fx->dc->dc_id);
    case MT_FX_SAVE_ADDRESSES:
        b->saved.addresses = *fx->addresses;
        return fx->addresses->n ? fmt("addresses %d", (int)fx->addresses->n) : NULL;
    case MT_FX_SAVE_AUTH:
        b->saved = *fx->saved;
        return "save auth";
    case MT_FX_FORGET:
        return "forget";
    case MT_FX_REPLY:
        return reply_text(b, fx);
    case MT_FX_LOGIN:
        return fmt("login %s", steps[mt_account_login(b->a)->step]);
    case MT_FX_CONNECTION:
        return fx->connected ? "connected" : "disconnected";
    case MT_FX_COMPUTE:
        b->job = fx->job;
        b->job_token = fx->token;
        return "compute";
    case MT_FX_SYNC:
        b->wants_sync = true;
        return "sync";
    case MT_FX_OUTBOX:
        return fmt("row %d%s", fx->row->state, fx->tell ? " told" : "");
    case MT_FX_STAGE:
        return fmt("stage %d %s%s", (int)fx->token, fx->stage.name,
                   fx->stage.seconds  ? fmt(" %llds", (long long)fx->stage.seconds)
                   : fx->stage.before ? fmt(" after %d", (int)fx->stage.before)
                                      : "");
    case MT_FX_NONE:
    case MT_FX_STATE:
    case MT_FX_CHANNEL:
    case MT_FX_UPDATE:
    case MT_FX_GAP:
        break;
    }
    fx_text(fx, buf, sizeof buf);
    return fmt("%s", buf);
}

const char *ab_turn(struct abench *b)
{
    static char all[16384];
    size_t n = 0;
    struct mt_fx fx;
    bool any = true;

    all[0] = 0;
    while (any) {
        uint64_t saves[8];
        size_t n_saves = 0;

        any = false;
        while (mt_account_next(b->a, &fx)) {
            const char *text = one_fx(b, &fx);

            mem_apply(&b->mem, &fx);
            if ((fx.kind == MT_FX_SAVE_KEY || fx.kind == MT_FX_SAVE_AUTH) && n_saves < 8)
                saves[n_saves++] = fx.token;
            if (fx.kind == MT_FX_SAVE_AUTH)
                b->save_token = fx.token;
            any = any || fx.kind != MT_FX_OUTPUT;
            if (text)
                n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? " | " : "", text);
            assert_true(n < sizeof all);
        }
        for (size_t i = 0; i < n_saves && !b->hold_saves; i++)
            mt_account_done(b->a, b->now, saves[i], MT_OK, NULL);
        if (any)
            mt_account_committed(b->a, b->now);
        if (b->wants_sync && !b->hold_sync) {
            b->wants_sync = false;
            mt_account_synced(b->a, b->now);
            any = true;
        }
    }
    return all;
}

void ab_wait(struct abench *b, int64_t ms)
{
    b->now.mono += ms * MT_US_PER_MS;
    b->now.wall += ms * MT_US_PER_MS;
    mt_account_tick(b->a, b->now);
}

void ab_call(struct abench *b, uint64_t token, const char *json, int32_t dc, unsigned flags,
             int64_t flood_wait)
{
    struct tl_slice s = call_of(json);
    struct mt_call call = {.token = token,
                           .body = s.p,
                           .n = s.n,
                           .flags = flags,
                           .dc = dc,
                           .deadline = b->now.mono + 30 * MT_US_PER_S,
                           .flood_wait = flood_wait};

    assert_int_equal(mt_account_call(b->a, b->now, &call), MT_OK);
}

void ab_compute(struct abench *b)
{
    struct mt_job *job = b->job;

    assert_non_null(job);
    b->job = NULL;
    mt_job_run(job);
    mt_account_done(b->a, b->now, b->job_token, MT_OK, job);
}
