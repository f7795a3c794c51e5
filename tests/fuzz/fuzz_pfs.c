/*
 * A server that holds all keys and lies about them: temporary keys are made, bound, renewed, refused and
 * forgotten as the input says. What a key exchange computes is left out: it ends with a key where the input
 * wants it to.
 *
 *     | op & 7 | ...
 *     0  one message: | of which connection | flags | length / 4 | body |     flags: 1 content, 2 answer
 *     1  the newest bind is answered: | 0 true, 1 ... a refusal |       2  a transport error: | which |
 *     3  time passes: | seconds / 60 |     4  a request: | flags |     5  the link goes
 *     6  the exchange under way ends: | 0 fails, else hours that the key lives |     7  acknowledge what came
 *
 * In a body the 8 bytes  xx 00 00 00 ed fe ed fe  become the id of the xx-th newest message of ours.
 * Whatever it says: each request ends once, nothing but a ping is said under the permanent key, no other
 * permanent key is made, it is given up only after it was asked itself, and a server that turns honest is
 * connected to.
 */
#include "tests/fuzz/fuzz.h"

#include "core/mtproto/pfs.h"
#include "core/mtproto/session.h"
#include "tl/ids.h"

#define IDS       64
#define REQUESTS  32
#define LIVE      UINT32_C(0xfeedfeed)
#define ASKED_MAX 64
#define SAMPLE    UINT32_C(0x04030201) /* our requests */

struct run {
    const uint8_t *p, *end;
    uint64_t rng;
    struct mt_now now;
    struct mt_auth_key perm;
    struct mt_dc *dc;
    struct mt_frame *frame; /* of the server */
    uint64_t server_id, bind_id;
    uint64_t ids[IDS];
    unsigned n_ids;
    unsigned submitted, ended[REQUESTS + 1], lost;
    uint64_t acks[16];
    unsigned n_acks;
    bool connecting, honest;
    struct asked {
        uint64_t key, msg_id, ping;
        bool bind;
    } asked[ASKED_MAX];
    unsigned n_asked;
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

static struct mt_conn *conn_of_key(const struct run *r, uint64_t id)
{
    struct mt_conn *const all[] = {r->dc->conn, r->dc->next, r->dc->old, r->dc->check};

    for (size_t i = 0; i < 4; i++)
        if (all[i] && mt_conn_key_id(all[i]) == id)
            return all[i];
    return NULL;
}

static void hang_up(struct run *r)
{
    mt_frame_free(r->frame);
    r->frame = NULL;
}

static void reply(struct run *r, struct mt_conn *c, const struct tl_out *body, bool content, bool answer);

static void answer_bind(struct run *r, struct mt_conn *c, uint64_t msg_id, unsigned how)
{
    static const char *const texts[] = {"ENCRYPTED_MESSAGE_INVALID", "TEMP_AUTH_KEY_ALREADY_BOUND",
                                        "EXPIRES_AT_INVALID", "AUTH_KEY_PERM_EMPTY", "INTERNAL"};
    static const int32_t codes[] = {400, 400, 400, 401, 500};
    struct tl_out out = {0};

    tl_put_u32(&out, MT_ID_RPC_RESULT);
    tl_put_u64(&out, msg_id);
    if (how) {
        tl_put_u32(&out, MT_ID_RPC_ERROR);
        tl_put_int(&out, codes[how % 5]);
        tl_put_str(&out, texts[how % 5]);
    } else {
        tl_put_u32(&out, TL_BOOL_TRUE);
    }
    reply(r, c, &out, true, true);
    tl_out_free(&out);
}

/* What an honest server will answer. */
static void note_message(struct run *r, const struct mt_conn *c, uint64_t id, const uint8_t *p, size_t n)
{
    uint32_t what = n < 4 ? 0 : tl_load32(p);
    struct asked *t = &r->asked[r->n_asked];

    r->ids[r->n_ids++ % IDS] = id;
    FUZZ_CHECK(c != r->dc->check || (what != TL_auth_bindTempAuthKey && what != SAMPLE &&
                                     what != MT_ID_INVOKE_WITH_LAYER && what != MT_ID_WITHOUT_UPDATES));
    if (what == TL_auth_bindTempAuthKey)
        r->bind_id = id;
    if (r->n_asked == ASKED_MAX || (what != TL_auth_bindTempAuthKey && what != MT_ID_PING_DISCONNECT))
        return;
    *t = (struct asked){.key = c->key.id, .msg_id = id, .bind = what == TL_auth_bindTempAuthKey};
    t->ping = t->bind ? 0 : tl_load64(p + 4);
    r->n_asked++;
}

static void be_honest(struct run *r)
{
    for (unsigned i = 0; i < r->n_asked && r->honest; i++) {
        const struct asked *t = &r->asked[i];
        struct mt_conn *c = conn_of_key(r, t->key);
        struct tl_out out = {0};

        if (c && t->bind)
            answer_bind(r, c, t->msg_id, 0);
        if (!c || t->bind)
            continue;
        tl_put_u32(&out, MT_ID_PONG);
        tl_put_u64(&out, t->msg_id);
        tl_put_u64(&out, t->ping);
        reply(r, c, &out, false, true);
        tl_out_free(&out);
    }
    r->n_asked = 0;
}

static void note_packet(struct run *r, uint8_t *p, size_t n)
{
    const struct mt_conn *c = conn_of_key(r, tl_load64(p));
    uint8_t *plain;
    struct tl_in in;
    size_t len;

    if (tl_load64(p) == 0)
        return; /* of a key exchange */
    FUZZ_CHECK(c && (c->key.id != r->perm.id || c == r->dc->check));
    FUZZ_CHECK(mt_open(&c->key, MT_CLIENT, p, n, &plain, &len) == MT_OK);
    in = tl_in(plain + 32, tl_load32(plain + 28));
    if (tl_peek(&in) != MT_ID_CONTAINER) {
        note_message(r, c, tl_load64(plain + 16), in.p, tl_left(&in));
        return;
    }
    tl_u32(&in);
    for (uint32_t count = tl_u32(&in); count--;) {
        uint64_t id = tl_u64(&in);
        size_t inner;

        tl_u32(&in);
        inner = tl_u32(&in);
        note_message(r, c, id, in.p, inner);
        tl_raw(&in, inner);
        FUZZ_CHECK(!in.err);
    }
}

static void take_event(struct run *r, const struct mt_dc_event *ev)
{
    if (ev->kind == MT_DC_CONNECT)
        r->connecting = true;
    if (ev->kind == MT_DC_CLOSE)
        hang_up(r);
    if (ev->kind == MT_DC_KEY_LOST) {
        r->lost++;
        FUZZ_CHECK(r->dc->doubt);
    }
    FUZZ_CHECK(ev->kind != MT_DC_KEY);
    if (ev->token) {
        FUZZ_CHECK(ev->token <= r->submitted && !r->ended[ev->token]);
        r->ended[ev->token] = 1;
    }
    for (size_t i = 0; i < ev->n; i++)
        r->rng += ev->p[i];
    if (ev->ack && r->n_acks < 16)
        r->acks[r->n_acks++] = ev->ack;
}

static void connect_it(struct run *r)
{
    r->connecting = false;
    hang_up(r);
    r->frame = mt_frame_new_server(r->dc->cfg.env, NULL);
    FUZZ_CHECK(r->frame);
    mt_dc_link_up(r->dc, r->now);
}

static bool take_packets(struct run *r)
{
    struct tl_slice out = mt_dc_output(r->dc, r->now);
    struct mt_frame_event ev;
    uint8_t *copy;
    size_t n = out.n;

    if (!n || !r->frame)
        return false;
    copy = malloc(n);
    FUZZ_CHECK(copy);
    memcpy(copy, out.p, n);
    mt_dc_wrote(r->dc, r->now, n);
    FUZZ_CHECK(mt_frame_feed(r->frame, copy, n) == MT_OK);
    free(copy);
    for (mt_frame_next(r->frame, &ev); ev.kind == MT_FRAME_PACKET; mt_frame_next(r->frame, &ev))
        note_packet(r, ev.p, ev.n);
    be_honest(r);
    return true;
}

static void settle(struct run *r)
{
    struct mt_dc_event ev;
    bool busy = true;

    for (unsigned i = 0; busy; i++) {
        FUZZ_CHECK(i < 10000);
        busy = false;
        for (mt_dc_next(r->dc, &ev); ev.kind != MT_DC_NONE; mt_dc_next(r->dc, &ev)) {
            take_event(r, &ev);
            busy = true;
        }
        if (r->connecting)
            connect_it(r);
        busy = take_packets(r) || busy;
    }
}

static void to_client(struct run *r, struct tl_slice out)
{
    uint8_t *copy = malloc(out.n);

    FUZZ_CHECK(copy);
    memcpy(copy, out.p, out.n);
    mt_frame_wrote(r->frame, out.n);
    (void)mt_dc_feed(r->dc, r->now, copy, out.n);
    free(copy);
}

static void reply(struct run *r, struct mt_conn *c, const struct tl_out *body, bool content, bool answer)
{
    uint64_t id = mt_msg_id_at(mt_conn_server_time(c, r->now)) & ~UINT64_C(3);
    struct tl_out out = {0};
    size_t pad;

    if (!r->frame)
        return;
    r->server_id = id > r->server_id ? id : (r->server_id & ~UINT64_C(3)) + 4;
    r->server_id |= answer ? 1 : 3;
    tl_out_room(&out, MT_ENVELOPE_HEAD);
    tl_put_u64(&out, 0);
    tl_put_u64(&out, c->session_id);
    tl_put_u64(&out, r->server_id);
    tl_put_u32(&out, content);
    tl_put_u32(&out, (uint32_t)body->len);
    tl_put_raw(&out, body->data, body->len);
    pad = 12 + (-(out.len - MT_ENVELOPE_HEAD + 12) & 15);
    memset(tl_out_room(&out, pad), 0, pad);
    mt_seal(&c->key, MT_SERVER, out.data, out.len - MT_ENVELOPE_HEAD);
    if (mt_frame_submit(r->frame, out.data, out.len, false) == MT_OK)
        to_client(r, mt_frame_output(r->frame));
    tl_out_free(&out);
}

static struct mt_conn *some_conn(struct run *r)
{
    struct mt_conn *const all[] = {r->dc->conn, r->dc->next, r->dc->old, r->dc->check};
    struct mt_conn *c = all[byte(r) % 4];

    return c && c->has_key ? c : r->dc->conn->has_key ? r->dc->conn : NULL;
}

static void say(struct run *r)
{
    struct mt_conn *c = some_conn(r);
    unsigned flags = byte(r);
    size_t n = 4 * (size_t)byte(r);
    struct tl_out body = {0};

    for (size_t i = 0; i < n; i++)
        tl_put_raw(&body, &(uint8_t){(uint8_t)byte(r)}, 1);
    for (size_t at = 0; at + 8 <= n; at += 4)
        if (tl_load32(body.data + at + 4) == LIVE)
            tl_store64(body.data + at, r->ids[(r->n_ids - 1 - body.data[at]) % IDS]);
    if (c)
        reply(r, c, &body, flags & 1, flags & 2);
    tl_out_free(&body);
}

static void transport_error(struct run *r)
{
    static const int32_t codes[] = {-404, -429, -444, -403};
    uint8_t frame[8];

    tl_store32(frame, 4);
    tl_store32(frame + 4, (uint32_t)codes[byte(r) % 4]);
    if (r->frame)
        (void)mt_dc_feed(r->dc, r->now, frame, sizeof frame);
}

static void pass(struct run *r, int64_t seconds)
{
    int64_t end = r->now.mono + seconds * MT_US_PER_S;

    while (r->now.mono < end) {
        int64_t at = mt_dc_deadline(r->dc);

        at = at > end ? end : at <= r->now.mono ? r->now.mono + MT_US_PER_MS : at;
        r->now.wall += at - r->now.mono;
        r->now.mono = at;
        mt_dc_tick(r->dc, r->now);
        settle(r);
        if (!r->honest && at < end && r->dc->state == MT_DCS_UP)
            mt_conn_heard(r->dc->conn, r->now); /* its lies come often */
    }
}

static void exchanged(struct run *r, unsigned hours)
{
    struct mt_keyx_event ev = {.kind = MT_KEYX_DONE};
    uint8_t secret[MT_KEY_LEN];

    if (!r->dc->keyx || !r->frame || (r->dc->state != MT_DCS_UP && r->dc->state != MT_DCS_KEYX))
        return;
    if (!hours) {
        if (r->dc->state == MT_DCS_UP)
            mt_pfs_renewal_failed(r->dc, r->now, "the input");
        return;
    }
    fill(r, secret, sizeof secret);
    mt_auth_key_set(&ev.key, secret);
    ev.expires_at = (int32_t)(r->now.wall / MT_US_PER_S) + (int32_t)hours * 3600;
    (void)mt_pfs_made(r->dc, r->now, &ev);
}

static void submit(struct run *r)
{
    uint8_t body[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    unsigned flags = byte(r);
    struct mt_req req = {.token = r->submitted + 1, .body = body, .n = sizeof body, .flags = flags & 3};

    req.deadline = flags & 4 ? MT_NEVER : r->now.mono + (flags >> 2) * MT_US_PER_S;
    if (r->submitted < REQUESTS && mt_dc_submit(r->dc, r->now, &req) == MT_OK)
        r->submitted++;
}

static void step(struct run *r)
{
    struct mt_conn *c;

    switch (byte(r) & 7) {
    case 0:
        say(r);
        break;
    case 1:
        c = r->dc->next ? r->dc->next : r->dc->conn;
        answer_bind(r, c, r->bind_id, byte(r));
        break;
    case 2:
        transport_error(r);
        break;
    case 3:
        pass(r, 60 * (int64_t)(byte(r) % 128));
        break;
    case 4:
        submit(r);
        break;
    case 5:
        hang_up(r);
        mt_dc_link_down(r->dc, r->now);
        break;
    case 6:
        exchanged(r, byte(r));
        break;
    default:
        while (r->n_acks)
            mt_dc_ack(r->dc, r->now, r->acks[--r->n_acks]);
        break;
    }
    settle(r);
}

/* From here on the server keeps to the rules: unless the key was lost, there is a connection before long. */
static void turn_honest(struct run *r)
{
    r->honest = true;
    for (int i = 0; i < 60 && r->dc->state != MT_DCS_LOST && !mt_dc_is_up(r->dc); i++) {
        exchanged(r, 20);
        settle(r);
        pass(r, 10);
    }
    FUZZ_CHECK(r->dc->state == MT_DCS_LOST ? r->lost : mt_dc_is_up(r->dc));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mt_init_params init = {1, "d", "s", "a", "en", "en", NULL, 0};
    struct run r = {.p = data, .end = data + (size > 512 ? 512 : size)};
    struct mt_env env = {.random = fill, .ctx = &r};
    struct mt_dc_cfg cfg = {.env = &env,
                            .dc_id = 2,
                            .framing = MT_INTERMEDIATE,
                            .init = &init,
                            .key = &r.perm,
                            .keep = true,
                            .pfs = true};
    uint8_t secret[MT_KEY_LEN];

    fill(&r, secret, sizeof secret);
    mt_auth_key_set(&r.perm, secret);
    r.now = (struct mt_now){.mono = 1000 * MT_US_PER_S, .wall = INT64_C(1750000000) * MT_US_PER_S};
    r.dc = mt_dc_new(&cfg, r.now);
    if (!r.dc)
        return 0;
    settle(&r);
    while (r.p < r.end)
        step(&r);
    turn_honest(&r);
    mt_dc_close(r.dc, r.now);
    settle(&r);
    for (unsigned i = 1; i <= r.submitted; i++)
        FUZZ_CHECK(r.ended[i]);
    hang_up(&r);
    mt_dc_free(r.dc);
    return 0;
}
