/*
 * A server that holds the key and says anything: steps against an encrypted connection with requests under
 * way.
 *
 *     | op & 7 | ...
 *     0..3  one message: | flags | length / 4 | body |   flags: 1 content, 2 answer, 4 an id seen before, 8
 * packed 4     submit a request: | flags |      5  time passes: | seconds | 6     the link goes and comes 7
 * acknowledge what came
 *
 * In a body the 8 bytes  xx 00 00 00 ed fe ed fe  become the id of the xx-th newest message of ours. Every
 * request ends exactly once.
 */
#include "tests/fuzz/fuzz.h"

#include "core/mtproto/conn.h"
#include "core/mtproto/ids.h"
#include "core/mtproto/msgid.h"

#include <zlib.h>

#define IDS      64
#define REQUESTS 64
#define LIVE     UINT32_C(0xfeedfeed)

struct run {
    const uint8_t *p, *end;
    uint64_t rng;
    struct mt_now now;
    struct mt_auth_key key;
    struct mt_events events;
    struct mt_conn *conn;
    uint64_t session, server_id;
    uint64_t ids[IDS]; /* ring of our newest */
    unsigned n_ids;
    unsigned submitted, ended[REQUESTS + 1];
    uint64_t acks[16];
    unsigned n_acks;
};

static void fill(void *ctx, void *buf, size_t n)
{
    struct run *r = ctx;
    uint8_t *p = buf;

    while (n--) {
        r->rng = r->rng * UINT64_C(6364136223846793005) + 99991;
        *p++ = (uint8_t)(r->rng >> 56);
    }
}

static unsigned byte(struct run *r)
{
    return r->p < r->end ? *r->p++ : 0;
}

static void note_id(struct run *r, uint64_t id)
{
    r->ids[r->n_ids++ % IDS] = id;
}

static void note_packet(struct run *r, const struct tl_slice *packet)
{
    uint8_t *copy = malloc(packet->n), *plain;
    struct tl_in in;
    size_t n;

    if (!copy)
        return;
    memcpy(copy, packet->p, packet->n);
    FUZZ_CHECK(mt_open(&r->key, MT_CLIENT, copy, packet->n, &plain, &n) == MT_OK);
    r->session = tl_load64(plain + 8);
    in = tl_in(plain + 32, n - 32);
    if (tl_u32(&in) == MT_ID_CONTAINER)
        for (uint32_t count = tl_u32(&in); count--;) {
            note_id(r, tl_u64(&in));
            tl_u32(&in);
            tl_raw(&in, tl_u32(&in));
        }
    FUZZ_CHECK(!in.err);
    note_id(r, tl_load64(plain + 16));
    free(copy);
}

static void drain(struct run *r)
{
    struct mt_dc_event ev;
    struct tl_slice packet;

    do {
        FUZZ_CHECK(mt_conn_packet(r->conn, r->now, &packet) == MT_OK);
        if (packet.n)
            note_packet(r, &packet);
    } while (packet.n);
    for (mt_events_next(&r->events, &ev); ev.kind != MT_DC_NONE; mt_events_next(&r->events, &ev)) {
        if (ev.token) {
            FUZZ_CHECK(ev.token <= r->submitted && !r->ended[ev.token]);
            r->ended[ev.token] = 1;
        }
        for (size_t i = 0; i < ev.n; i++) /* every byte of it is there */
            r->rng += ev.p[i];
        if (ev.ack && r->n_acks < 16)
            r->acks[r->n_acks++] = ev.ack;
    }
}

static void put_body(struct run *r, struct tl_out *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tl_put_raw(out, &(uint8_t){(uint8_t)byte(r)}, 1);
    for (size_t at = 0; at + 8 <= n; at += 4)
        if (tl_load32(out->data + at + 4) == LIVE)
            tl_store64(out->data + at, r->ids[(r->n_ids - 1 - out->data[at]) % IDS]);
}

static void pack(struct tl_out *out)
{
    uint8_t packed[2048];
    uLongf n = sizeof packed;
    struct tl_out to = {0};

    if (out->len > 1024 || compress(packed, &n, out->data, out->len) != Z_OK)
        return;
    tl_put_u32(&to, MT_ID_GZIP_PACKED);
    tl_put_bytes(&to, packed, n);
    tl_out_free(out);
    *out = to;
}

static void say(struct run *r)
{
    unsigned flags = byte(r);
    struct tl_out body = {0}, out = {0};
    size_t pad;

    put_body(r, &body, 4 * (size_t)byte(r));
    if (flags & 8)
        pack(&body);
    if (!(flags & 4)) {
        uint64_t id = mt_msg_id_at(mt_conn_server_time(r->conn, r->now)) & ~UINT64_C(3);

        r->server_id = id > r->server_id ? id : (r->server_id & ~UINT64_C(3)) + 4;
        r->server_id |= flags & 2 ? 1 : 3;
    }
    tl_out_room(&out, MT_ENVELOPE_HEAD);
    tl_put_u64(&out, 0);
    tl_put_u64(&out, r->session);
    tl_put_u64(&out, r->server_id);
    tl_put_u32(&out, flags & 1);
    tl_put_u32(&out, (uint32_t)body.len);
    tl_put_raw(&out, body.data, body.len);
    pad = 12 + (-(out.len - MT_ENVELOPE_HEAD + 12) & 15);
    memset(tl_out_room(&out, pad), 0, pad);
    mt_seal(&r->key, MT_SERVER, out.data, out.len - MT_ENVELOPE_HEAD);
    mt_conn_heard(r->conn, r->now);
    if (mt_conn_feed(r->conn, r->now, out.data, out.len) != MT_OK) {
        mt_conn_link_down(r->conn, r->now);
        mt_conn_link_up(r->conn, r->now);
    }
    tl_out_free(&body);
    tl_out_free(&out);
}

static void submit(struct run *r)
{
    uint8_t body[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    unsigned flags = byte(r);
    struct mt_req req = {.token = r->submitted + 1, .body = body, .n = sizeof body, .flags = flags & 15};

    req.deadline = flags & 16 ? MT_NEVER : r->now.mono + (flags >> 2) * MT_US_PER_S;
    if (r->submitted < REQUESTS && mt_conn_submit(r->conn, r->now, &req) == MT_OK)
        r->submitted++;
}

static void step(struct run *r)
{
    int64_t us;

    switch (byte(r) & 7) {
    case 4:
        submit(r);
        break;
    case 5:
        us = byte(r) * MT_US_PER_S;
        r->now.mono += us;
        r->now.wall += us;
        if (mt_conn_tick(r->conn, r->now) == MT_OK)
            break;
        mt_conn_link_down(r->conn, r->now);
        mt_conn_link_up(r->conn, r->now);
        break;
    case 6:
        mt_conn_link_down(r->conn, r->now);
        mt_conn_link_up(r->conn, r->now);
        break;
    case 7:
        while (r->n_acks)
            mt_conn_ack(r->conn, r->now, r->acks[--r->n_acks]);
        break;
    default:
        say(r);
        break;
    }
    drain(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mt_init_params init = {1, "d", "s", "a", "en", "en"};
    struct run r = {.p = data, .end = data + size};
    struct mt_env env = {.random = fill, .ctx = &r};
    struct mt_conn_cfg cfg = {.env = &env, .init = &init, .layer = 1, .key = &r.key, .events = &r.events};
    uint8_t secret[MT_KEY_LEN];

    fill(&r, secret, sizeof secret);
    mt_auth_key_set(&r.key, secret);
    r.now = (struct mt_now){.mono = 1000 * MT_US_PER_S, .wall = INT64_C(1750000000) * MT_US_PER_S};
    mt_events_init(&r.events);
    r.conn = mt_conn_new(&cfg, r.now);
    if (!r.conn)
        return 0;
    mt_conn_link_up(r.conn, r.now);
    drain(&r);
    while (r.p < r.end)
        step(&r);
    mt_conn_fail_all(r.conn);
    mt_conn_link_down(r.conn, r.now);
    drain(&r);
    for (unsigned i = 1; i <= r.submitted; i++)
        FUZZ_CHECK(r.ended[i]);
    mt_conn_free(r.conn);
    mt_events_fini(&r.events);
    return 0;
}
