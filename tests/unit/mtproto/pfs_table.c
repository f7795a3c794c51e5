#include "tests/unit/check.h"

#include "tests/unit/mtproto/pfs_table.h"

static void new_machine(struct table *t)
{
    struct mt_dc_cfg cfg = {.env = &t->env.env,
                            .dc_id = 2,
                            .init = &t->init,
                            .rsa_keys = &t->rsa,
                            .n_rsa_keys = 1,
                            .key = t->has_key ? &t->key : NULL,
                            .temp = t->has_temp ? &t->temp : NULL,
                            .pfs = true,
                            .keep = true};

    t->dc = mt_dc_new(&cfg, t->now);
    assert_non_null(t->dc);
}

void table_start(struct table *t)
{
    static const int32_t dcs[] = {2};
    struct sb_world_cfg wc = {0};
    struct sb_server_cfg sc = {.seed = 3, .rsa_pem = TEST_RSA_PEM, .dcs = dcs, .n_dcs = 1, .strict = true};
    const char *pem;

    memset(t, 0, sizeof *t);
    fake_env_init(&t->env, 11);
    t->now = (struct mt_now){.mono = 1000 * MT_US_PER_S, .wall = INT64_C(1750000000) * MT_US_PER_S};
    t->init = (struct mt_init_params){1, "test", "1", "1", "en", "en"};
    wc.env = sc.env = &t->env.env;
    t->world = sb_world_new(&wc, t->now);
    sc.world = t->world;
    t->server = sb_server_new(&sc, t->now);
    assert_non_null(t->server);
    pem = sb_server_public_pem(t->server);
    t->rsa = mt_rsa_from_pem(pem, strlen(pem));
    assert_non_null(t->rsa);
    new_machine(t);
}

static void hang_up(struct table *t)
{
    if (t->conn)
        sb_server_closed(t->server, t->now, t->conn);
    t->conn = 0;
}

void table_restart(struct table *t)
{
    hang_up(t);
    mt_dc_free(t->dc);
    new_machine(t);
}

void table_stop(struct table *t)
{
    hang_up(t);
    mt_dc_free(t->dc);
    sb_server_free(t->server);
    sb_world_free(t->world);
    mt_rsa_free(t->rsa);
}

static void keep_temp(struct table *t, const struct mt_dc_event *ev)
{
    t->has_temp = ev->key;
    t->temps += ev->key != NULL;
    t->dropped += !ev->key;
    if (ev->key) {
        t->temp.key = *ev->key;
        t->temp.ends = ev->ends;
    }
}

static void keep_key(struct table *t, const struct mt_dc_event *ev)
{
    t->keys++;
    t->key = *ev->key;
    t->has_key = true;
    t->has_temp = false;
    mt_dc_done(t->dc, t->now, MT_DC_KEY, MT_OK);
}

static void handle(struct table *t, const struct mt_dc_event *ev)
{
    struct mt_keyx_job job;

    switch (ev->kind) {
    case MT_DC_NONE:
    case MT_DC_TIME:
    case MT_DC_UPDATES:
    case MT_DC_TROUBLE:
        return;
    case MT_DC_CONNECT:
        t->connects++;
        t->conn = sb_server_accept(t->server, t->now, 2);
        assert_true(t->conn);
        mt_dc_link_up(t->dc, t->now);
        return;
    case MT_DC_CLOSE:
        hang_up(t);
        return;
    case MT_DC_UP:
        t->ups++;
        return;
    case MT_DC_DOWN:
        t->downs++;
        return;
    case MT_DC_KEY:
        keep_key(t, ev);
        return;
    case MT_DC_TEMP_KEY:
        keep_temp(t, ev);
        return;
    case MT_DC_COMPUTE:
        job = *ev->job;
        mt_keyx_job_run(&job);
        mt_dc_computed(t->dc, t->now, &job);
        return;
    case MT_DC_SALTS:
        if (ev->temporary) {
            memcpy(t->temp.salts, ev->salts, ev->n_salts * sizeof *ev->salts);
            t->temp.n_salts = ev->n_salts;
        }
        return;
    case MT_DC_RESULT:
    case MT_DC_ERROR:
        t->results++;
        mt_dc_ack(t->dc, t->now, ev->ack);
        return;
    case MT_DC_FAILED:
        t->failed++;
        t->sent = ev->sent;
        return;
    case MT_DC_NEW_SESSION:
        t->new_sessions++;
        t->other_sessions += ev->other;
        return;
    case MT_DC_KEY_LOST:
        t->lost++;
        return;
    }
}

static bool to_client(struct table *t)
{
    struct tl_slice out = sb_server_output(t->server, t->conn);
    uint8_t *copy;
    size_t n = out.n;

    if (!n)
        return false;
    copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, out.p, n);
    sb_server_wrote(t->server, t->conn, n);
    if (!t->deaf)
        mt_dc_feed(t->dc, t->now, copy, n);
    free(copy);
    return true;
}

static bool step(struct table *t)
{
    struct tl_slice out = mt_dc_output(t->dc, t->now);
    struct mt_dc_event ev;
    bool busy = false;

    for (mt_dc_next(t->dc, &ev); ev.kind != MT_DC_NONE; mt_dc_next(t->dc, &ev)) {
        handle(t, &ev);
        busy = true;
    }
    if (busy)
        return true;
    if (t->conn && out.n) {
        sb_server_feed(t->server, t->now, t->conn, out.p, out.n);
        mt_dc_wrote(t->dc, t->now, out.n);
        return true;
    }
    if (t->conn && to_client(t))
        return true;
    if (t->conn && sb_server_wants_close(t->server, t->conn) != SB_CLOSE_NO) {
        hang_up(t);
        mt_dc_link_down(t->dc, t->now);
        return true;
    }
    return false;
}

void table_pump(struct table *t)
{
    for (int i = 0; step(t); i++)
        assert_true(i < 10000);
}

void table_pass(struct table *t, int64_t seconds)
{
    int64_t end = t->now.mono + seconds * MT_US_PER_S;

    while (t->now.mono < end) {
        int64_t at = t->now.mono + TABLE_PINGS_S * MT_US_PER_S, due = mt_dc_deadline(t->dc);

        at = due < at ? due : at;
        at = sb_server_deadline(t->server) < at ? sb_server_deadline(t->server) : at;
        at = at > end ? end : at <= t->now.mono ? t->now.mono + 1 : at;
        t->now.wall += at - t->now.mono;
        t->now.mono = at;
        sb_server_tick(t->server, t->now);
        mt_dc_tick(t->dc, t->now);
        table_pump(t);
    }
}

void table_call(struct table *t, uint64_t token, unsigned flags)
{
    uint8_t body[4];
    struct mt_req req = {
        .token = token, .body = body, .n = sizeof body, .flags = flags, .deadline = MT_NEVER};

    tl_store32(body, TL_help_getNearestDc);
    assert_int_equal(mt_dc_submit(t->dc, t->now, &req), MT_OK);
    table_pump(t);
}

void table_control(struct table *t, const char *method, const char *params)
{
    json_t *v = json_loads(params, 0, NULL), *result;
    char err[256];
    int code;

    result = sb_server_control(t->server, t->now, method, v, &code, err);
    if (!result)
        fail_msg("%s: %s", method, err);
    json_decref(v);
    json_decref(result);
    table_pump(t);
}

int64_t table_stat(struct table *t, const char *name)
{
    char err[256];
    int code;
    json_t *stats = sb_server_control(t->server, t->now, "stats", NULL, &code, err);
    int64_t v = json_integer_value(json_object_get(json_object_get(stats, "protocol"), name));

    json_decref(stats);
    return v;
}
