#include "tests/unit/account/wire.h"

#include "tests/unit/sandbox/rsa_pem.h"
#include "tl/ids.h"

static void start(struct wire *w)
{
    struct mt_account_cfg cfg = {.env = &w->env.env,
                                 .servers = &w->servers,
                                 .store = &w->mem.ops,
                                 .init = {.api_id = 1,
                                          .device_model = "test",
                                          .system_version = "1",
                                          .app_version = "1",
                                          .system_lang_code = "en",
                                          .lang_code = "en"},
                                 .api_hash = "0123456789abcdef0123456789abcdef",
                                 .framing = MT_INTERMEDIATE,
                                 .pfs = w->pfs};

    w->saved.state = w->mem.state;
    w->a = mt_account_new(&cfg, &w->saved, w->now);
    assert_non_null(w->a);
    mt_account_start(w->a, w->now);
}

struct wire *wire_new(uint64_t seed)
{
    static const int32_t dcs[] = {1, 2, 3};
    struct wire *w = calloc(1, sizeof *w);
    struct sb_dc_addr addr[3];
    struct sb_world_cfg wc = {.seed = seed, .dcs = addr, .n_dcs = 3};
    struct sb_server_cfg sc = {.seed = seed, .rsa_pem = TEST_RSA_PEM, .dcs = dcs, .n_dcs = 3};
    const char *pem;

    w->pfs = seed % 2;
    mem_init(&w->mem);
    env_init(&w->env, seed * 2 + 1);
    env_init(&w->server_env, seed * 2 + 2);
    w->now = (struct mt_now){1000 * MT_US_PER_S, INT64_C(1750000000) * MT_US_PER_S};
    for (int i = 0; i < 3; i++) {
        addr[i] = (struct sb_dc_addr){i + 1, "127.0.0.1", 7001};
        w->list[i] = (struct mt_server){.dc_id = i + 1, .ip = "127.0.0.1", .port = 7001};
    }
    wc.env = sc.env = &w->server_env.env;
    w->world = sb_world_new(&wc, w->now);
    sc.world = w->world;
    w->server = sb_server_new(&sc, w->now);
    assert_non_null(w->server);
    pem = sb_server_public_pem(w->server);
    w->key = mt_rsa_from_pem(pem, strlen(pem));
    assert_non_null(w->key);
    w->servers = (struct mt_servers){.list = w->list, .n = 3, .keys = &w->key, .n_keys = 1, .default_dc = 2};
    memset(w->saved.dedup_secret, 7, sizeof w->saved.dedup_secret);
    start(w);
    return w;
}

void wire_free(struct wire *w)
{
    assert_int_equal(w->env.broken, 0);
    mt_account_free(w->a);
    sb_server_free(w->server);
    sb_world_free(w->world);
    mt_rsa_free(w->key);
    for (size_t i = 0; i < w->n_seen; i++)
        free(w->seen[i]);
    free(w);
}

/* --- links --- */

static void open_link(struct wire *w, const struct mt_fx *fx)
{
    size_t i = 0;

    while (i < WIRE_LINKS && w->links[i].link)
        i++;
    assert_true(i < WIRE_LINKS);
    if (w->deaf) {
        mt_account_link_down(w->a, w->now, fx->link);
        return;
    }
    w->links[i].link = fx->link;
    w->links[i].conn = sb_server_accept(w->server, w->now, fx->server->dc_id);
    assert_true(w->links[i].conn != 0);
    mt_account_link_up(w->a, w->now, fx->link);
}

static void close_link(struct wire *w, size_t i, bool tell)
{
    uint32_t link = w->links[i].link;

    sb_server_closed(w->server, w->now, w->links[i].conn);
    w->links[i].link = w->links[i].conn = 0;
    if (tell)
        mt_account_link_down(w->a, w->now, link);
}

void wire_cut(struct wire *w)
{
    for (size_t i = 0; i < WIRE_LINKS; i++)
        if (w->links[i].link)
            close_link(w, i, true);
}

/* Bytes both ways on one link; true where any moved. */
static bool carry(struct wire *w, size_t i)
{
    struct tl_slice out = mt_account_output(w->a, w->now, w->links[i].link);
    bool any = false;

    if (out.n) {
        sb_server_feed(w->server, w->now, w->links[i].conn, out.p, out.n);
        mt_account_wrote(w->a, w->now, w->links[i].link, out.n);
        any = true;
    }
    out = sb_server_output(w->server, w->links[i].conn);
    if (out.n) {
        uint8_t *copy = malloc(out.n);
        size_t n = out.n;

        memcpy(copy, out.p, n);
        sb_server_wrote(w->server, w->links[i].conn, n);
        mt_account_feed(w->a, w->now, w->links[i].link, copy, n);
        free(copy);
        any = true;
    }
    if (w->links[i].link && sb_server_wants_close(w->server, w->links[i].conn) != SB_CLOSE_NO) {
        close_link(w, i, true);
        any = true;
    }
    return any;
}

/* --- effects --- */

static void see(struct wire *w, const struct mt_fx *fx)
{
    struct tl_view v = view_of((struct tl_slice){fx->p, fx->n}), m;
    int field = tl_view_field(&v, "message");
    struct tl_slice text;

    if ((v.def->id == TL_updateNewMessage || v.def->id == TL_updateNewChannelMessage) &&
        tl_get_object(&v, (unsigned)field, &m) && m.def->id == TL_message) {
        text = tl_get_bytes(&m, TLF_message__message);
        assert_true(w->n_seen < WIRE_SEEN);
        w->seen[w->n_seen++] = strndup((const char *)text.p, text.n);
        return;
    }
    if (strlen(w->others) < sizeof w->others - 100) {
        strcat(w->others, tl_def_name(v.def));
        strcat(w->others, " ");
    }
}

static void keep_dc(struct wire *w, const struct mt_saved_dc *dc)
{
    size_t i = 0;

    while (i < w->saved.n_dcs && w->saved.dcs[i].dc_id != dc->dc_id)
        i++;
    w->saved.dcs[i] = *dc;
    if (i == w->saved.n_dcs)
        w->saved.n_dcs++;
}

static void take_reply(struct wire *w, const struct mt_fx *fx)
{
    struct tl_in in = tl_in(fx->reply->p, fx->reply->n);
    struct tl_out json = {0};

    w->reply = *fx->reply;
    w->reply_token = fx->token;
    w->n_replies++;
    w->text[0] = 0;
    if (fx->reply->n && tl_peek(&in) != TL_VECTOR && tl_to_json(&in, &json) == TL_OK &&
        json.len < sizeof w->text) {
        memcpy(w->text, json.data, json.len);
        w->text[json.len] = 0;
    }
    tl_out_free(&json);
}

static void carry_out(struct wire *w, const struct mt_fx *fx)
{
    struct mt_job *job;

    mem_apply(&w->mem, fx);
    if (fx->kind == MT_FX_CONNECT)
        open_link(w, fx);
    for (size_t i = 0; fx->kind == MT_FX_CLOSE && i < WIRE_LINKS; i++)
        if (w->links[i].link == fx->link)
            close_link(w, i, false);
    if (fx->kind == MT_FX_SAVE_KEY || fx->kind == MT_FX_SAVE_SALTS)
        keep_dc(w, fx->dc);
    if (fx->kind == MT_FX_SAVE_AUTH) {
        w->saved.main_dc = fx->saved->main_dc;
        w->saved.user_id = fx->saved->user_id;
        w->saved.bot = fx->saved->bot;
    }
    if (fx->kind == MT_FX_SAVE_KEY || fx->kind == MT_FX_SAVE_AUTH)
        mt_account_done(w->a, w->now, fx->token, MT_OK, NULL);
    if (fx->kind == MT_FX_COMPUTE) {
        job = fx->job;
        mt_job_run(job);
        mt_account_done(w->a, w->now, fx->token, MT_OK, job);
    }
    w->wants_sync = w->wants_sync || fx->kind == MT_FX_SYNC;
    if (fx->kind == MT_FX_UPDATE)
        see(w, fx);
    if (fx->kind == MT_FX_GAP)
        w->n_gaps++;
    if (fx->kind == MT_FX_REPLY)
        take_reply(w, fx);
    if (fx->kind == MT_FX_FORGET) {
        w->saved.user_id = 0;
        w->saved.n_dcs = 0;
        w->mem.state.known = false;
    }
}

bool wire_commit(struct wire *w)
{
    bool any = false;
    struct mt_fx fx;

    while (mt_account_next(w->a, &fx)) {
        any = any || fx.kind != MT_FX_OUTPUT;
        carry_out(w, &fx);
    }
    mt_account_committed(w->a, w->now);
    if (w->wants_sync)
        mt_account_synced(w->a, w->now);
    w->wants_sync = false;
    return any;
}

static bool turn(struct wire *w)
{
    bool any = wire_commit(w);

    for (size_t i = 0; i < WIRE_LINKS; i++)
        if (w->links[i].link)
            any = carry(w, i) || any;
    return any;
}

static void settle(struct wire *w)
{
    int rounds = 0;

    while (turn(w))
        if (++rounds > 20000)
            fail_msg("the account does not come to rest");
}

void wire_run(struct wire *w, int64_t ms)
{
    int64_t end = w->now.mono + ms * MT_US_PER_MS, at;

    for (;;) {
        settle(w);
        at = mt_account_deadline(w->a);
        if (sb_server_deadline(w->server) < at)
            at = sb_server_deadline(w->server);
        if (at > end)
            at = end;
        if (at > w->now.mono) {
            w->now.wall += at - w->now.mono;
            w->now.mono = at;
        } else if (w->now.mono >= end) {
            return;
        } else {
            w->now.mono += 1000; /* due and not done: time goes on all the same */
            w->now.wall += 1000;
        }
        mt_account_tick(w->a, w->now);
        sb_server_tick(w->server, w->now);
    }
}

const struct mt_reply *wire_await(struct wire *w, uint64_t token)
{
    for (int i = 0; i < 600; i++) {
        if (w->reply_token == token)
            return &w->reply;
        wire_run(w, 100);
    }
    if (w->reply_token != token)
        fail_msg("no reply of %d", (int)token);
    return &w->reply;
}

void wire_restart(struct wire *w)
{
    mt_account_free(w->a);
    for (size_t i = 0; i < WIRE_LINKS; i++)
        if (w->links[i].link)
            close_link(w, i, false);
    start(w);
}

/* --- what a test does --- */

json_t *wire_control(struct wire *w, const char *method, const char *params)
{
    json_error_t error;
    json_t *p = json_loads(params, 0, &error), *r;
    char err[256] = "";
    int code = 0;

    if (!p)
        fail_msg("bad JSON: %s", params);
    r = sb_server_control(w->server, w->now, method, p, &code, err);
    if (!r)
        fail_msg("%s %s: %s", method, params, err);
    json_decref(p);
    return r;
}

static uint64_t next_token(void)
{
    static uint64_t token = 100;

    return ++token;
}

void wire_login(struct wire *w, const char *phone, const char *code)
{
    uint64_t token = next_token();

    assert_int_equal(mt_login_phone(w->a, w->now, token, phone), MT_OK);
    assert_int_equal(wire_await(w, token)->kind, MT_REPLY_OK);
    assert_int_equal(mt_account_login(w->a)->step, MT_LOGIN_CODE);
    token = next_token();
    assert_int_equal(mt_login_code(w->a, w->now, token, code), MT_OK);
    assert_int_equal(wire_await(w, token)->kind, MT_REPLY_OK);
}

uint64_t wire_call(struct wire *w, const char *json, int32_t dc, unsigned flags)
{
    struct tl_slice s = call_of(json);
    struct mt_call call = {.token = next_token(),
                           .body = s.p,
                           .n = s.n,
                           .flags = flags,
                           .dc = dc,
                           .deadline = w->now.mono + 50 * MT_US_PER_S};

    assert_int_equal(mt_account_call(w->a, w->now, &call), MT_OK);
    return call.token;
}

uint64_t wire_send(struct wire *w, mt_chat_id chat, const char *text, const char *dedup)
{
    struct mt_send send = {.token = next_token(),
                           .method = "messages.sendMessage",
                           .chat = chat,
                           .dedup = dedup,
                           .dedup_len = dedup ? strlen(dedup) : 0,
                           .deadline = MT_NEVER,
                           .flood_wait = 30};
    struct mt_peer peer;
    const struct store_ops *ops = &w->mem.ops;

    assert_int_equal(ops->peer_by_chat(ops->ctx, chat, &peer), MT_OK);
    send.params = fmt("{\"peer\":{\"_\":\"inputPeerUser\",\"user_id\":\"%lld\",\"access_hash\":\"%lld\"},"
                      "\"message\":\"%s\"}",
                      (long long)chat, (long long)peer.access_hash, text);
    assert_int_equal(mt_account_send(w->a, w->now, &send), MT_OK);
    return send.token;
}

size_t wire_times(const struct wire *w, const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n_seen; i++)
        n += !strcmp(w->seen[i], text);
    return n;
}
