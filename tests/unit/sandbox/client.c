#include "tests/unit/sandbox/client.h"

#include "tests/unit/sandbox/rsa_pem.h"
#include <zlib.h>

static void bench_random(void *ctx, void *buf, size_t n)
{
    struct tc_bench *b = ctx;
    uint8_t *p = buf;

    while (n--) {
        b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        *p++ = (uint8_t)(b->random >> 56);
    }
}

static void bench_init(struct tc_bench *b, uint64_t seed, bool strict, const char *mtproxy)
{
    static const int32_t dcs[] = {1, 2, 3};
    struct sb_server_cfg cfg = {
        .seed = seed, .rsa_pem = TEST_RSA_PEM, .dcs = dcs, .n_dcs = 3, .strict = strict, .mtproxy = mtproxy};
    const char *pem;

    *b = (struct tc_bench){.random = seed + 1,
                           .now = {.mono = 5 * MT_US_PER_S, .wall = INT64_C(1700000000) * MT_US_PER_S}};
    b->env = (struct mt_env){.random = bench_random, .ctx = b};
    b->world = sb_world_new(&(struct sb_world_cfg){.env = &b->env, .seed = seed}, b->now);
    cfg.env = &b->env;
    cfg.world = b->world;
    b->server = sb_server_new(&cfg, b->now);
    assert_non_null(b->server);
    pem = sb_server_public_pem(b->server);
    b->rsa = mt_rsa_from_pem(pem, strlen(pem));
    assert_non_null(b->rsa);
}

void tc_bench_init(struct tc_bench *b, uint64_t seed, bool strict)
{
    bench_init(b, seed, strict, NULL);
}

void tc_bench_init_proxied(struct tc_bench *b, uint64_t seed, const char *secret)
{
    bench_init(b, seed, true, secret);
}

void tc_bench_fini(struct tc_bench *b)
{
    sb_server_free(b->server);
    sb_world_free(b->world);
    mt_rsa_free(b->rsa);
}

void tc_advance(struct tc_bench *b, int64_t seconds)
{
    b->now.mono += seconds * MT_US_PER_S;
    b->now.wall += seconds * MT_US_PER_S;
    sb_server_tick(b->server, b->now);
}

void tc_control(struct tc_bench *b, const char *method, const char *params)
{
    json_t *p = json_loads(params, 0, NULL), *result;
    char err[256];
    int code;

    assert_non_null(p);
    result = sb_server_control(b->server, b->now, method, p, &code, err);
    if (!result)
        fail_msg("%s: %s", method, err);
    json_decref(result);
    json_decref(p);
}

void tc_init(struct tc *c, struct tc_bench *b)
{
    *c = (struct tc){.b = b, .dc = TC_DC};
    tc_new_session(c);
}

void tc_forget(struct tc *c)
{
    for (size_t i = 0; i < c->n_msg; i++)
        free(c->msg[i].p);
    c->n_msg = 0;
    c->error = 0;
    c->quick_ack = 0;
}

void tc_disconnect(struct tc *c)
{
    if (c->conn)
        sb_server_closed(c->b->server, c->b->now, c->conn);
    mt_frame_free(c->frame);
    c->frame = NULL;
    c->conn = 0;
}

void tc_fini(struct tc *c)
{
    tc_forget(c);
    tc_disconnect(c);
}

void tc_connect(struct tc *c, enum mt_framing framing, bool obfuscated)
{
    const struct mt_frame_cfg cfg = {.framing = framing, .obfuscated = obfuscated, .dc = (int16_t)c->dc};

    tc_disconnect(c);
    c->closed = false;
    c->error = 0;
    c->conn = sb_server_accept(c->b->server, c->b->now, c->dc);
    c->frame = mt_frame_new(&c->b->env, &cfg);
    assert_true(c->conn && c->frame);
}

/* --- receiving --- */

static void gunzip(struct tl_slice gz, uint8_t **out, size_t *n)
{
    z_stream z = {0};
    size_t cap = 1 << 22;

    *out = malloc(cap);
    z.next_in = (uint8_t *)(uintptr_t)gz.p;
    z.avail_in = (uInt)gz.n;
    z.next_out = *out;
    z.avail_out = (uInt)cap;
    assert_int_equal(inflateInit2(&z, 15 + 32), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    *n = cap - z.avail_out;
    inflateEnd(&z);
}

/* Keeps a message; of an rpc_result with a packed result the result is unpacked. */
static void keep(struct tc *c, uint64_t id, uint32_t seqno, const uint8_t *p, size_t n)
{
    struct tc_msg *m = &c->msg[c->n_msg++];
    size_t head = tl_load32(p) == TL_rpc_result ? 12 : 0, len;
    struct tl_in in = tl_in(p + head, n - head);
    uint8_t *data;

    assert_true(c->n_msg < TC_MESSAGES && n >= 4);
    *m = (struct tc_msg){.id = id, .seqno = seqno, .n = n};
    if (tl_peek(&in) == TL_gzip_packed) {
        tl_u32(&in);
        gunzip(tl_bytes(&in), &data, &len);
        m->n = head + len;
        m->p = malloc(m->n);
        memcpy(m->p, p, head);
        memcpy(m->p + head, data, len);
        free(data);
    } else {
        m->p = malloc(n);
        memcpy(m->p, p, n);
    }
}

static void take_packet(struct tc *c, uint8_t *p, size_t n)
{
    uint8_t *plain;
    size_t len;
    uint64_t id;
    uint32_t seqno, count;
    struct tl_in in, body;

    if (!tl_load64(p)) {
        c->plain_len = tl_load32(p + 16);
        assert_true(c->plain_len <= n - 20 && c->plain_len <= sizeof c->plain);
        memcpy(c->plain, p + 20, c->plain_len);
        return;
    }
    assert_int_equal(mt_open(&c->key, MT_SERVER, p, n, &plain, &len), MT_OK);
    in = tl_in(plain, len);
    tl_u64(&in);
    if (tl_u64(&in) != c->session)
        return; /* of a session that the test has left */
    id = tl_u64(&in);
    seqno = tl_u32(&in);
    count = tl_u32(&in);
    body = tl_in(in.p, count);
    assert_true(count <= tl_left(&in) && id % 2 == 1 && tl_left(&in) - count >= 12);
    if (tl_peek(&body) != TL_msg_container) {
        keep(c, id, seqno, body.p, count);
        return;
    }
    tl_u32(&body);
    for (count = tl_u32(&body); count; count--) {
        uint64_t inner = tl_u64(&body);
        uint32_t inner_seqno = tl_u32(&body), inner_len = tl_u32(&body);

        assert_true(inner < id && inner_seqno <= seqno);
        keep(c, inner, inner_seqno, tl_raw(&body, inner_len), inner_len);
    }
    assert_int_equal(tl_end(&body), TL_OK);
}

void tc_pump(struct tc *c)
{
    struct sb_server *s = c->b->server;
    struct mt_frame_event ev;
    struct tl_slice out;

    if (!c->conn)
        return;
    while ((out = sb_server_output(s, c->conn)).n) {
        assert_int_equal(mt_frame_feed(c->frame, out.p, out.n), MT_OK);
        sb_server_wrote(s, c->conn, out.n);
    }
    for (mt_frame_next(c->frame, &ev); ev.kind != MT_FRAME_NONE; mt_frame_next(c->frame, &ev)) {
        if (ev.kind == MT_FRAME_PACKET)
            take_packet(c, ev.p, ev.n);
        else if (ev.kind == MT_FRAME_ERROR)
            c->error = ev.code;
        else if (ev.kind == MT_FRAME_QUICK_ACK)
            c->quick_ack = (uint32_t)ev.code;
        else
            fail_msg("the stream of the server failed: %d", ev.code);
    }
    if (sb_server_wants_close(s, c->conn) != SB_CLOSE_NO) {
        c->closed = true;
        tc_disconnect(c);
    }
}

/* --- sending --- */

static void give(struct tc *c)
{
    struct tl_slice out = mt_frame_output(c->frame);

    sb_server_feed(c->b->server, c->b->now, c->conn, out.p, out.n);
    mt_frame_wrote(c->frame, out.n);
    tc_pump(c);
}

uint64_t tc_next_id(struct tc *c)
{
    uint64_t id = (uint64_t)(c->b->now.wall / MT_US_PER_S) << 32;

    if (id <= c->last_id)
        id = c->last_id + 4;
    return c->last_id = id;
}

uint32_t tc_next_seqno(struct tc *c, bool content)
{
    uint32_t n = 2 * c->content + content;

    c->content += content;
    return n;
}

void tc_send_at(struct tc *c, uint64_t id, uint32_t seqno, const void *body, size_t n)
{
    const struct tc_wrong *w = &c->wrong;
    size_t pad = w->short_pad ? 0 : 12;
    uint32_t len = (uint32_t)n + (w->odd_length ? 2 : 0) + (w->past_end ? 1 << 20 : 0);
    struct tl_out out = {0};

    pad += (16 - (32 + n + pad) % 16) % 16 + (w->long_pad ? 1040 : 0);
    tl_out_room(&out, MT_ENVELOPE_HEAD);
    tl_put_long(&out, c->salt ^ w->salt);
    tl_put_u64(&out, w->no_session ? 0 : c->session);
    tl_put_u64(&out, id);
    tl_put_u32(&out, seqno);
    tl_put_u32(&out, len);
    tl_put_raw(&out, body, n);
    memset(tl_out_room(&out, pad), 0x5a, pad);
    assert_int_equal(out.err, TL_OK);
    mt_seal(&c->key, w->server_side ? MT_SERVER : MT_CLIENT, out.data, out.len - MT_ENVELOPE_HEAD);
    if (w->msg_key)
        out.data[8] ^= 1;
    if (w->key_id)
        tl_store64(out.data, w->key_id);
    assert_int_equal(mt_frame_submit(c->frame, out.data, out.len, false), MT_OK);
    tl_out_free(&out);
    c->wrong = (struct tc_wrong){0};
    give(c);
}

uint64_t tc_send(struct tc *c, bool content, const struct tl_out *body)
{
    uint64_t id = tc_next_id(c);

    tc_send_at(c, id, tc_next_seqno(c, content), body->data, body->len);
    return id;
}

void tc_send_plain(struct tc *c, const struct tl_out *body)
{
    struct tl_out out = {0};

    c->plain_len = 0;
    tl_put_u64(&out, 0);
    tl_put_u64(&out, tc_next_id(c));
    tl_put_u32(&out, (uint32_t)body->len);
    tl_put_raw(&out, body->data, body->len);
    assert_int_equal(mt_frame_submit(c->frame, out.data, out.len, false), MT_OK);
    tl_out_free(&out);
    give(c);
}

void tc_new_session(struct tc *c)
{
    c->session = mt_env_random64(&c->b->env) | 1;
    c->content = 0;
}

/* --- bodies --- */

struct tl_out tc_body(uint32_t id)
{
    struct tl_out out = {0};

    tl_put_u32(&out, id);
    return out;
}

struct tl_out tc_init_body(uint32_t id, int32_t layer)
{
    struct tl_out out = {0};

    tl_put_u32(&out, TL_invokeWithLayer);
    tl_put_int(&out, layer);
    tl_put_u32(&out, TL_initConnection);
    tl_put_u32(&out, 0);
    tl_put_int(&out, 12345);
    tl_put_str(&out, "test");
    tl_put_str(&out, "1");
    tl_put_str(&out, "1");
    tl_put_str(&out, "en");
    tl_put_str(&out, "");
    tl_put_str(&out, "en");
    tl_put_u32(&out, id);
    return out;
}

struct tl_out tc_ids_body(uint32_t id, const uint64_t *ids, uint32_t n)
{
    struct tl_out out = {0};

    tl_put_u32(&out, id);
    tl_put_vector(&out, n);
    for (uint32_t i = 0; i < n; i++)
        tl_put_u64(&out, ids[i]);
    return out;
}

struct tl_out tc_container(const struct tc_msg *list, uint32_t n)
{
    struct tl_out out = {0};

    tl_put_u32(&out, TL_msg_container);
    tl_put_u32(&out, n);
    for (uint32_t i = 0; i < n; i++) {
        tl_put_u64(&out, list[i].id);
        tl_put_u32(&out, list[i].seqno);
        tl_put_u32(&out, (uint32_t)list[i].n);
        tl_put_raw(&out, list[i].p, list[i].n);
    }
    return out;
}

/* --- looking --- */

const struct tc_msg *tc_find(const struct tc *c, uint32_t id, size_t i)
{
    for (size_t k = 0; k < c->n_msg; k++)
        if (tl_load32(c->msg[k].p) == id && i-- == 0)
            return &c->msg[k];
    return NULL;
}

size_t tc_count(const struct tc *c, uint32_t id)
{
    size_t n = 0;

    for (size_t k = 0; k < c->n_msg; k++)
        n += tl_load32(c->msg[k].p) == id;
    return n;
}

const struct tc_msg *tc_result(const struct tc *c, uint64_t req)
{
    for (size_t k = 0; k < c->n_msg; k++)
        if (tl_load32(c->msg[k].p) == TL_rpc_result && tl_load64(c->msg[k].p + 4) == req)
            return &c->msg[k];
    return NULL;
}

void tc_expect_result(const struct tc *c, uint64_t req, uint32_t id)
{
    const struct tc_msg *m = tc_result(c, req);

    if (!m)
        fail_msg("no answer; %zu messages, transport error %d", c->n_msg, c->error);
    else if (tl_load32(m->p + 12) != id)
        fail_msg("answer is %08x, not %08x", tl_load32(m->p + 12), id);
}

void tc_expect_error(const struct tc *c, uint64_t req, int32_t code, const char *text)
{
    const struct tc_msg *m = tc_result(c, req);
    struct tl_in in;
    struct tl_slice got;

    tc_expect_result(c, req, TL_rpc_error);
    in = tl_in(m->p + 16, m->n - 16);
    assert_int_equal(tl_int(&in), code);
    got = tl_bytes(&in);
    if (got.n != strlen(text) || memcmp(got.p, text, got.n))
        fail_msg("error is %.*s, not %s", (int)got.n, (const char *)got.p, text);
}

void tc_expect_bad(const struct tc *c, uint64_t id, int code)
{
    const struct tc_msg *m = tc_find(c, TL_bad_msg_notification, 0);

    if (!m) {
        fail_msg("message was not refused; %zu messages", c->n_msg);
        return;
    }
    assert_true(tl_load64(m->p + 4) == id);
    assert_int_equal(tl_load32(m->p + 16), code);
    assert_int_equal(m->seqno & 1, 0);
    assert_null(tc_result(c, id));
}

void tc_expect_closed(const struct tc *c, int32_t error)
{
    assert_true(c->closed);
    assert_int_equal(c->error, error);
    assert_int_equal(c->n_msg, 0);
}
