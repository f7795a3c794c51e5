#include "tests/unit/mtproto/fake_server.h"

#include <zlib.h>

void fake_random(void *ctx, void *buf, size_t n)
{
    struct fake *f = ctx;
    uint8_t *p = buf;

    while (n--) {
        f->rng = f->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        *p++ = (uint8_t)(f->rng >> 56);
    }
}

void fake_log(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    (void)ctx;
    if (level == MT_LOG_BROKEN)
        fail_msg("%s: %s", area, text);
}

void fake_init(struct fake *f)
{
    uint8_t key[MT_KEY_LEN];

    memset(f, 0, sizeof *f);
    f->rng = 42;
    f->env = (struct mt_env){.random = fake_random, .log = fake_log, .ctx = f};
    f->now = (struct mt_now){.mono = 1000 * MT_US_PER_S, .wall = INT64_C(1800000000) * MT_US_PER_S};
    f->init = (struct mt_init_params){.api_id = 7,
                                      .device_model = "device",
                                      .system_version = "1",
                                      .app_version = "2",
                                      .system_lang_code = "en",
                                      .lang_code = "en"};
    fake_random(f, key, sizeof key);
    mt_auth_key_set(&f->key, key);
    mt_events_init(&f->events);
}

void fake_start_unlinked(struct fake *f)
{
    struct mt_salt salt = {.salt = FAKE_SALT, .valid_since = 0, .valid_until = INT32_MAX};
    struct mt_conn_cfg cfg = {.layer = 227, .key = &f->key, .salts = &salt, .n_salts = 1};

    fake_init(f);
    cfg.env = &f->env;
    cfg.init = &f->init;
    cfg.events = &f->events;
    f->conn = mt_conn_new(&cfg, f->now);
    assert_non_null(f->conn);
}

void fake_start(struct fake *f)
{
    struct fake_msg *ping;

    fake_start_unlinked(f);
    mt_conn_link_up(f->conn, f->now);
    fake_take(f);
    ping = fake_find(f, MT_ID_PING_DISCONNECT, NULL);
    assert_non_null(ping);
    fake_pong(f, ping->msg_id);
    assert_int_equal(fake_event(f), MT_DC_UP);
    fake_forget(f);
}

void fake_stop(struct fake *f)
{
    fake_forget(f);
    mt_conn_free(f->conn);
    mt_events_fini(&f->events);
}

void fake_advance(struct fake *f, int64_t us)
{
    f->now.mono += us;
    f->now.wall += us;
}

/* --- from the client --- */

static void keep(struct fake *f, const struct fake_msg *head, const uint8_t *body)
{
    struct fake_msg *m;

    f->got = realloc(f->got, (f->n_got + 1) * sizeof *f->got);
    assert_non_null(f->got);
    m = &f->got[f->n_got++];
    *m = *head;
    m->p = malloc(m->n ? m->n : 1);
    assert_non_null(m->p);
    memcpy(m->p, body, m->n);
}

static void keep_all(struct fake *f, struct fake_msg head, const uint8_t *body)
{
    struct tl_in r = tl_in(body, head.n);
    uint32_t count;

    f->last_container = 0;
    if (tl_u32(&r) != MT_ID_CONTAINER) {
        keep(f, &head, body);
        return;
    }
    assert_int_equal(head.seqno % 2, 0);
    head.container_id = head.msg_id;
    f->last_container = head.msg_id;
    count = tl_u32(&r);
    assert_true(count > 1);
    while (count--) {
        head.msg_id = tl_u64(&r);
        head.seqno = tl_u32(&r);
        head.n = tl_u32(&r);
        assert_true(head.msg_id < head.container_id);
        keep(f, &head, tl_raw(&r, head.n));
    }
    assert_int_equal(tl_end(&r), TL_OK);
}

void fake_open(struct fake *f, const uint8_t *p, size_t len)
{
    uint8_t *copy = malloc(len), *plain;
    struct fake_msg head = {0};
    size_t n;

    assert_non_null(copy);
    memcpy(copy, p, len);
    assert_int_equal(mt_open(&f->key, MT_CLIENT, copy, len, &plain, &n), MT_OK);
    head.salt = (int64_t)tl_load64(plain);
    head.session = f->session = tl_load64(plain + 8);
    head.msg_id = tl_load64(plain + 16);
    head.seqno = tl_load32(plain + 24);
    head.n = tl_load32(plain + 28);
    head.packet = ++f->packets;
    assert_int_equal(head.n % 4, 0);
    assert_in_range(n - 32 - head.n, 12, 1024);
    assert_int_equal(head.msg_id % 4, 0);
    keep_all(f, head, plain + 32);
    free(copy);
}

size_t fake_take(struct fake *f)
{
    size_t before = f->n_got;
    struct tl_slice packet;

    for (;;) {
        assert_int_equal(mt_conn_packet(f->conn, f->now, &packet), MT_OK);
        if (!packet.n)
            return f->n_got - before;
        fake_open(f, packet.p, packet.n);
    }
}

void fake_forget(struct fake *f)
{
    while (f->n_got)
        free(f->got[--f->n_got].p);
    free(f->got);
    f->got = NULL;
}

static struct tl_slice unwrap(const struct fake_msg *m)
{
    struct tl_in r = tl_in(m->p, m->n);

    if (tl_peek(&r) == MT_ID_INVOKE_WITH_LAYER) {
        uint32_t flags;

        tl_raw(&r, 8 + 4);
        flags = tl_u32(&r);
        tl_u32(&r);
        for (unsigned i = 0; i < 6; i++)
            tl_bytes(&r);
        if (flags & 1) { /* a proxy: id, address, port */
            tl_u32(&r);
            tl_bytes(&r);
            tl_u32(&r);
        }
    }
    if (tl_peek(&r) == MT_ID_WITHOUT_UPDATES)
        tl_u32(&r);
    assert_int_equal(r.err, TL_OK);
    return (struct tl_slice){.p = r.p, .n = tl_left(&r)};
}

struct fake_msg *fake_find(struct fake *f, uint32_t id, struct tl_slice *body)
{
    for (size_t i = 0; i < f->n_got; i++) {
        struct tl_slice s = unwrap(&f->got[i]);

        if (s.n < 4 || tl_load32(s.p) != id)
            continue;
        if (body)
            *body = s;
        return &f->got[i];
    }
    return NULL;
}

size_t fake_count(struct fake *f, uint32_t id)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_got; i++) {
        struct tl_slice s = unwrap(&f->got[i]);

        n += s.n >= 4 && tl_load32(s.p) == id;
    }
    return n;
}

/* --- to the client --- */

uint64_t fake_id(struct fake *f, unsigned kind)
{
    uint64_t id = (mt_msg_id_at(f->now.wall + f->skew_us) & ~UINT64_C(3)) + kind;

    if (id <= f->last_id)
        id = (f->last_id & ~UINT64_C(3)) + 4 + kind;
    f->last_id = id;
    return id;
}

size_t fake_seal(struct fake *f, uint64_t msg_id, uint32_t seqno, const struct tl_out *body)
{
    uint8_t *plain = f->sealed + MT_ENVELOPE_HEAD;
    size_t n = 32 + body->len, pad = 12 + (-(n + 12) & 15);

    assert_true(MT_ENVELOPE_HEAD + n + pad <= sizeof f->sealed);
    tl_store64(plain, FAKE_SALT);
    tl_store64(plain + 8, f->session);
    tl_store64(plain + 16, msg_id);
    tl_store32(plain + 24, seqno);
    tl_store32(plain + 28, (uint32_t)body->len);
    if (body->len)
        memcpy(plain + 32, body->data, body->len);
    fake_random(f, plain + n, pad);
    mt_seal(&f->key, MT_SERVER, f->sealed, n + pad);
    return MT_ENVELOPE_HEAD + n + pad;
}

int fake_send_as(struct fake *f, uint64_t msg_id, uint32_t seqno, const struct tl_out *body)
{
    size_t n = fake_seal(f, msg_id, seqno, body);

    mt_conn_heard(f->conn, f->now);
    return mt_conn_feed(f->conn, f->now, f->sealed, n);
}

uint64_t fake_send(struct fake *f, unsigned kind, bool odd, struct tl_out *body)
{
    uint64_t id = fake_id(f, kind);

    assert_int_equal(fake_send_as(f, id, odd, body), MT_OK);
    tl_out_free(body);
    return id;
}

struct tl_out fake_body(uint32_t id)
{
    struct tl_out out = {0};

    tl_put_u32(&out, id);
    return out;
}

void fake_rpc_result(struct fake *f, uint64_t req_msg_id, const void *result, size_t n)
{
    struct tl_out out = fake_body(MT_ID_RPC_RESULT);

    tl_put_u64(&out, req_msg_id);
    tl_put_raw(&out, result, n);
    fake_send(f, 1, true, &out);
}

void fake_rpc_error(struct fake *f, uint64_t req_msg_id, int code, const char *text)
{
    struct tl_out out = fake_body(MT_ID_RPC_RESULT);

    tl_put_u64(&out, req_msg_id);
    tl_put_u32(&out, MT_ID_RPC_ERROR);
    tl_put_int(&out, code);
    tl_put_str(&out, text);
    fake_send(f, 1, true, &out);
}

void fake_pong(struct fake *f, uint64_t msg_id)
{
    struct tl_out out = fake_body(MT_ID_PONG);

    tl_put_u64(&out, msg_id);
    tl_put_u64(&out, 0);
    fake_send(f, 1, false, &out);
}

void fake_bad_msg(struct fake *f, uint64_t msg_id, int code)
{
    struct tl_out out = fake_body(MT_ID_BAD_MSG);

    tl_put_u64(&out, msg_id);
    tl_put_u32(&out, 0);
    tl_put_int(&out, code);
    fake_send(f, 3, false, &out);
}

void fake_bad_salt(struct fake *f, uint64_t msg_id, int64_t salt)
{
    struct tl_out out = fake_body(MT_ID_BAD_SALT);

    tl_put_u64(&out, msg_id);
    tl_put_u32(&out, 0);
    tl_put_int(&out, 48);
    tl_put_long(&out, salt);
    fake_send(f, 3, false, &out);
}

void fake_msgs_ack(struct fake *f, uint64_t msg_id)
{
    struct tl_out out = fake_body(MT_ID_MSGS_ACK);

    tl_put_vector(&out, 1);
    tl_put_u64(&out, msg_id);
    fake_send(f, 3, false, &out);
}

uint64_t fake_new_session(struct fake *f, uint64_t first_msg_id, uint64_t unique_id, int64_t salt)
{
    struct tl_out out = fake_body(MT_ID_NEW_SESSION);

    tl_put_u64(&out, first_msg_id);
    tl_put_u64(&out, unique_id);
    tl_put_long(&out, salt);
    return fake_send(f, 3, true, &out);
}

void fake_gzip(struct tl_out *out, const void *p, size_t n)
{
    uLong cap = compressBound(n) + 64;
    uint8_t *packed = malloc(cap);
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)p, .avail_in = (uInt)n, .next_out = packed, .avail_out = (uInt)cap};

    assert_non_null(packed);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    tl_put_u32(out, MT_ID_GZIP_PACKED);
    tl_put_bytes(out, packed, z.total_out);
    deflateEnd(&z);
    free(packed);
}

/* --- above --- */

enum mt_dc_event_kind fake_event(struct fake *f)
{
    mt_events_next(&f->events, &f->event);
    return f->event.kind;
}

void fake_submit(struct fake *f, uint64_t token, unsigned flags, int64_t deadline)
{
    struct tl_out body = fake_body(FAKE_QUERY);
    struct mt_req req = {.token = token, .flags = flags, .deadline = deadline};

    tl_put_u64(&body, token);
    req.body = body.data;
    req.n = body.len;
    assert_int_equal(mt_conn_submit(f->conn, f->now, &req), MT_OK);
    tl_out_free(&body);
}

static bool is_query(const struct fake_msg *m, uint64_t token)
{
    struct tl_slice s = unwrap(m);

    return s.n == 12 && tl_load32(s.p) == FAKE_QUERY && tl_load64(s.p + 4) == token;
}

struct fake_msg *fake_query(struct fake *f, uint64_t token)
{
    for (size_t i = f->n_got; i-- > 0;)
        if (is_query(&f->got[i], token))
            return &f->got[i];
    return NULL;
}

size_t fake_query_count(struct fake *f, uint64_t token)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_got; i++)
        n += is_query(&f->got[i], token);
    return n;
}
