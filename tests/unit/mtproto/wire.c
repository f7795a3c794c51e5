#include "tests/unit/mtproto/wire.h"

#include "core/mtproto/dc_link.h"
#include "tests/unit/sandbox/rsa_pem.h"

void wire_start(struct wire *w, const struct wire_cfg *cfg)
{
    struct mt_salt salt = {.salt = FAKE_SALT, .valid_since = 0, .valid_until = INT32_MAX};
    struct mt_dc_cfg dc = {.dc_id = 2, .n_rsa_keys = 1, .salts = &salt, .n_salts = 1};
    char *pem;

    memset(w, 0, sizeof *w);
    fake_init(&w->f);
    w->chunk = cfg->chunk ? cfg->chunk : SIZE_MAX;
    w->private = mt_rsa_from_pem(TEST_RSA_PEM, strlen(TEST_RSA_PEM));
    assert_non_null(w->private);
    pem = mt_rsa_public_pem(w->private);
    assert_non_null(pem);
    w->public = mt_rsa_from_pem(pem, strlen(pem));
    assert_non_null(w->public);
    free(pem);
    dc.env = &w->f.env;
    dc.init = &w->f.init;
    dc.rsa_keys = &w->public;
    dc.key = cfg->no_key ? NULL : &w->f.key;
    dc.keep = cfg->keep;
    dc.media = cfg->media;
    dc.test = cfg->test;
    dc.framing = cfg->framing;
    dc.obfuscated = cfg->obfuscated;
    w->dc = mt_dc_new(&dc, w->f.now);
    assert_non_null(w->dc);
}

static void hang_up(struct wire *w)
{
    mt_frame_free(w->server);
    w->server = NULL;
    sb_keyx_free(w->keyx);
    w->keyx = NULL;
}

void wire_stop(struct wire *w)
{
    hang_up(w);
    mt_dc_free(w->dc);
    mt_rsa_free(w->private);
    mt_rsa_free(w->public);
    fake_stop(&w->f);
}

enum mt_dc_event_kind wire_event(struct wire *w)
{
    mt_dc_next(w->dc, &w->event);
    if (w->event.kind == MT_DC_CLOSE)
        hang_up(w);
    return w->event.kind;
}

enum mt_dc_event_kind wire_calm_event(struct wire *w)
{
    while (wire_event(w) == MT_DC_TROUBLE || w->event.kind == MT_DC_TIME)
        ;
    return w->event.kind;
}

void wire_connect(struct wire *w)
{
    assert_int_equal(wire_calm_event(w), MT_DC_CONNECT);
    wire_link(w);
}

void wire_link(struct wire *w)
{
    w->server = mt_frame_new_server(&w->f.env, NULL);
    assert_non_null(w->server);
    mt_dc_link_up(w->dc, w->f.now);
}

static void take_plain(struct wire *w, const uint8_t *p, size_t n)
{
    struct tl_out reply = {0};

    if (!w->keyx)
        w->keyx = sb_keyx_new(&w->f.env, w->private, 2, 5);
    assert_non_null(w->keyx);
    assert_int_equal(
        sb_keyx_packet(w->keyx, w->f.now, SB_TWIST_NONE, p, n, &reply, &w->new_key, &w->have_new_key), 0);
    if (w->have_new_key)
        mt_auth_key_set(&w->f.key, w->new_key.key);
    assert_int_equal(mt_frame_submit(w->server, reply.data, reply.len, false), MT_OK);
    tl_out_free(&reply);
}

static void serve(struct wire *w)
{
    struct mt_frame_event ev;

    for (;;) {
        mt_frame_next(w->server, &ev);
        if (ev.kind == MT_FRAME_NONE)
            return;
        assert_int_equal(ev.kind, MT_FRAME_PACKET);
        if (tl_load64(ev.p) == 0)
            take_plain(w, ev.p, ev.n);
        else
            fake_open(&w->f, ev.p, ev.n);
    }
}

static bool to_server(struct wire *w)
{
    struct tl_slice out = mt_dc_output(w->dc, w->f.now);
    size_t n = out.n < w->chunk ? out.n : w->chunk;

    if (!n || !w->server)
        return false;
    assert_int_equal(mt_frame_feed(w->server, out.p, n), MT_OK);
    mt_dc_wrote(w->dc, w->f.now, n);
    serve(w);
    return true;
}

static bool to_client(struct wire *w)
{
    struct tl_slice out;
    size_t n;
    uint8_t *copy;

    if (!w->server)
        return false;
    out = mt_frame_output(w->server);
    n = out.n < w->chunk ? out.n : w->chunk;
    if (!n)
        return false;
    copy = malloc(n); /* exactly n bytes: a read beyond them is seen */
    assert_non_null(copy);
    memcpy(copy, out.p, n);
    mt_frame_wrote(w->server, n);
    mt_dc_feed(w->dc, w->f.now, copy, n);
    free(copy);
    return true;
}

/* What a key exchange wants computed is, at once; other events stay where they are. */
static bool compute(struct wire *w)
{
    struct mt_event_node **at = &w->dc->events.head, *node, *before = NULL;
    struct mt_keyx_job job;

    while (*at && (*at)->event.kind != MT_DC_COMPUTE) {
        before = *at;
        at = &(*at)->next;
    }
    node = *at;
    if (!node)
        return false;
    *at = node->next;
    if (w->dc->events.tail == node)
        w->dc->events.tail = before;
    job = *node->event.job;
    mt_events_node_free(node);
    mt_keyx_job_run(&job);
    mt_dc_computed(w->dc, w->f.now, &job);
    return true;
}

void wire_pump(struct wire *w)
{
    bool busy = true;

    while (busy) {
        busy = to_server(w);
        busy = to_client(w) || busy;
        busy = compute(w) || busy;
    }
}

void wire_tick(struct wire *w, int64_t us)
{
    fake_advance(&w->f, us);
    mt_dc_tick(w->dc, w->f.now);
}

void wire_close(struct wire *w)
{
    hang_up(w);
    mt_dc_link_down(w->dc, w->f.now);
}

void wire_say(struct wire *w, unsigned kind, bool odd, struct tl_out *body)
{
    size_t n = fake_seal(&w->f, fake_id(&w->f, kind), odd, body);

    tl_out_free(body);
    assert_int_equal(mt_frame_submit(w->server, w->f.sealed, n, false), MT_OK);
    wire_pump(w);
}

void wire_answer(struct wire *w, uint64_t token)
{
    struct fake_msg *q = fake_query(&w->f, token);
    struct tl_out out = fake_body(MT_ID_RPC_RESULT);

    assert_non_null(q);
    tl_put_u64(&out, q->msg_id);
    tl_put_bool(&out, true);
    wire_say(w, 1, true, &out);
}

void wire_pong(struct wire *w)
{
    struct fake_msg *ping = fake_find(&w->f, MT_ID_PING_DISCONNECT, NULL);
    struct tl_out out = fake_body(MT_ID_PONG);

    assert_non_null(ping);
    tl_put_u64(&out, ping->msg_id);
    tl_put_u64(&out, 0);
    wire_say(w, 1, false, &out);
}

void wire_error(struct wire *w, int32_t code)
{
    assert_int_equal(mt_frame_submit_error(w->server, code), MT_OK);
    wire_pump(w);
}

void wire_submit(struct wire *w, uint64_t token, unsigned flags, int64_t deadline)
{
    struct tl_out body = fake_body(FAKE_QUERY);
    struct mt_req req = {.token = token, .flags = flags, .deadline = deadline};

    tl_put_u64(&body, token);
    req.body = body.data;
    req.n = body.len;
    assert_int_equal(mt_dc_submit(w->dc, w->f.now, &req), MT_OK);
    tl_out_free(&body);
}

void wire_up(struct wire *w)
{
    wire_connect(w);
    wire_pump(w);
    wire_pong(w);
    assert_int_equal(wire_calm_event(w), MT_DC_UP);
    assert_true(mt_dc_is_up(w->dc));
}
