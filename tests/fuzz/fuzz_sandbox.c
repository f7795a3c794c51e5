/*
 * A hostile client of the sandbox: signed in, with a key that the server knows, so that what it says reaches
 * every layer of it and the world behind.
 *
 *     chunks of | what 1 | length 2 | bytes |     0: raw bytes on a connection of their own
 *                                                 1: a message with these bytes, all else right
 *                                                 2: the same; the first 12 bytes are its id and seqno
 *                                                 3: seconds pass (first byte, times 30)   4: a new
 * connection
 */
#include "tests/fuzz/fuzz.h"

#include "tests/sandbox/peer.h"
#include "tests/unit/sandbox/rsa_pem.h"
#include "tl/ids.h"

#define PHONE "9996621111"

struct game {
    struct mt_env env;
    uint64_t random;
    struct mt_now now;
    struct sb_world *world;
    struct sb_server *server;
    struct sb_key *key;
    struct mt_auth_key auth;
    uint32_t conn;
    uint64_t last_id;
    uint32_t content;
};
#define SESSION 77

static void game_random(void *ctx, void *buf, size_t n)
{
    struct game *g = ctx;

    for (uint8_t *p = buf; n--; p++) {
        g->random = g->random * UINT64_C(6364136223846793005) + 1;
        *p = (uint8_t)(g->random >> 56);
    }
}

static void game_log(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    if (level == MT_LOG_BROKEN)
        fprintf(stderr, "%s: %s\n", area, text);
    FUZZ_CHECK(level != MT_LOG_BROKEN);
}

static void connect_again(struct game *g)
{
    static const uint8_t greeting[4] = {0xee, 0xee, 0xee, 0xee};

    if (g->conn)
        sb_server_closed(g->server, g->now, g->conn);
    g->conn = sb_server_accept(g->server, g->now, 2);
    FUZZ_CHECK(g->conn);
    sb_server_feed(g->server, g->now, g->conn, greeting, sizeof greeting);
}

/* What the server says has to be taken, or it would wait in the connection. */
static void drain(struct game *g)
{
    struct tl_slice out;
    uint32_t number;

    while ((number = sb_server_next_ready(g->server)))
        while ((out = sb_server_output(g->server, number)).n)
            sb_server_wrote(g->server, number, out.n);
    if (sb_server_wants_close(g->server, g->conn) != SB_CLOSE_NO)
        connect_again(g);
}

static uint64_t next_id(struct game *g)
{
    uint64_t id = (uint64_t)(g->now.wall / MT_US_PER_S) << 32;

    return g->last_id = id > g->last_id ? id : g->last_id + 4;
}

static void say(struct game *g, uint64_t id, uint32_t seqno, const void *p, size_t n)
{
    /* the server may have destroyed the key on demand */
    struct sb_key *key = sb_key_find(g->server, 2, g->auth.id);
    int64_t salt = key ? sb_salt_at(key, sb_salt_index(key, g->now)) : 0;
    size_t pad = 12 + (16 - (32 + n + 12) % 16) % 16;
    struct tl_out out = {0};

    tl_put_u32(&out, 0);
    tl_out_room(&out, MT_ENVELOPE_HEAD);
    tl_put_long(&out, salt);
    tl_put_u64(&out, SESSION);
    tl_put_u64(&out, id);
    tl_put_u32(&out, seqno);
    tl_put_u32(&out, (uint32_t)n);
    tl_put_raw(&out, p, n);
    memset(tl_out_room(&out, pad), 0, pad);
    tl_patch_u32(&out, 0, (uint32_t)out.len - 4);
    mt_seal(&g->auth, MT_CLIENT, out.data + 4, out.len - 4 - MT_ENVELOPE_HEAD);
    sb_server_feed(g->server, g->now, g->conn, out.data, out.len);
    tl_out_free(&out);
    drain(g);
}

static void call(struct game *g, const struct tl_out *body)
{
    say(g, next_id(g), 2 * g->content++ + 1, body->data, body->len);
}

static void init_connection(struct game *g)
{
    struct tl_out out = {0};

    tl_put_u32(&out, TL_invokeWithLayer);
    tl_put_int(&out, TL_LAYER);
    tl_put_u32(&out, TL_initConnection);
    tl_put_u32(&out, 0);
    tl_put_int(&out, 1);
    for (int i = 0; i < 4; i++)
        tl_put_str(&out, "en");
    tl_put_str(&out, "");
    tl_put_str(&out, "en");
    tl_put_u32(&out, TL_help_getConfig);
    call(g, &out);
    tl_out_free(&out);
}

/* Signs in; the hash of the code is read from the answer that the server keeps until it is acknowledged. */
static void sign_in(struct game *g)
{
    struct tl_out out = {0};
    struct tl_view sent;
    struct sb_out *answer;
    struct tl_slice hash;

    tl_put_u32(&out, TL_auth_sendCode);
    tl_put_str(&out, PHONE);
    tl_put_int(&out, 1);
    tl_put_str(&out, "x");
    tl_put_u32(&out, TL_codeSettings);
    tl_put_u32(&out, 0);
    call(g, &out);
    answer = sb_out_by_req(sb_session_find(g->key, SESSION), g->last_id);
    FUZZ_CHECK(answer && tl_view_open(&sent, answer->body + 12, answer->n - 12) == TL_OK);
    hash = tl_get_bytes(&sent, TLF_auth_sentCode__phone_code_hash);
    tl_out_reset(&out);
    tl_put_u32(&out, TL_auth_signIn);
    tl_put_u32(&out, 1);
    tl_put_str(&out, PHONE);
    tl_put_bytes(&out, hash.p, hash.n);
    tl_put_str(&out, "22222");
    call(g, &out);
    tl_out_free(&out);
    FUZZ_CHECK(sb_world_user_of(g->world, 2, g->auth.id));
}

static void start(struct game *g)
{
    static const struct sb_dc_addr dcs[] = {{1, "127.0.0.1", 1}, {2, "127.0.0.1", 2}};
    static const int32_t ids[] = {1, 2};
    struct sb_server_cfg cfg = {.seed = 3, .rsa_pem = TEST_RSA_PEM, .dcs = ids, .n_dcs = 2, .strict = true};
    uint8_t key[MT_KEY_LEN];
    json_t *user = json_pack("{s:s, s:s, s:s}", "phone", PHONE, "first_name", "Ann", "username", "annie");
    char err[256];
    int known;

    *g = (struct game){.now = {.mono = 1, .wall = INT64_C(1700000000) * MT_US_PER_S}};
    g->env = (struct mt_env){.random = game_random, .log = game_log, .ctx = g};
    g->world =
        sb_world_new(&(struct sb_world_cfg){.env = &g->env, .seed = 3, .dcs = dcs, .n_dcs = 2}, g->now);
    cfg.env = &g->env;
    cfg.world = g->world;
    g->server = sb_server_new(&cfg, g->now);
    FUZZ_CHECK(g->world && g->server);
    json_decref(sb_world_control(g->world, g->now, "addUser", user, &known, err));
    json_decref(user);
    game_random(g, key, sizeof key);
    mt_auth_key_set(&g->auth, key);
    g->key = sb_key_add(g->server, 2, key, 1, g->now.wall / MT_US_PER_S, 0);
    FUZZ_CHECK(g->key);
    connect_again(g);
    init_connection(g);
    sign_in(g);
}

static void raw(struct game *g, const uint8_t *p, size_t n)
{
    uint32_t conn = sb_server_accept(g->server, g->now, 2);

    sb_server_feed(g->server, g->now, conn, p, n / 2);
    sb_server_feed(g->server, g->now, conn, p + n / 2, n - n / 2);
    sb_server_closed(g->server, g->now, conn);
}

static void step(struct game *g, uint8_t what, const uint8_t *p, size_t n)
{
    size_t aligned = n & ~(size_t)3;

    if (what == 0)
        raw(g, p, n);
    else if (what == 1 && aligned)
        say(g, next_id(g), 2 * g->content++ + 1, p, aligned);
    else if (what == 2 && aligned > 12)
        say(g, tl_load64(p), tl_load32(p + 8), p + 12, aligned - 12);
    else if (what == 3 && n) {
        g->now.mono += *p * 30 * MT_US_PER_S;
        g->now.wall += *p * 30 * MT_US_PER_S;
        sb_server_tick(g->server, g->now);
    } else if (what == 4)
        connect_again(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct game g;

    start(&g);
    while (size >= 3) {
        size_t n = data[1] | (size_t)data[2] << 8;

        if (n > size - 3)
            n = size - 3;
        step(&g, data[0] % 5, data + 3, n);
        data += 3 + n;
        size -= 3 + n;
    }
    sb_server_free(g.server);
    sb_world_free(g.world);
    return 0;
}
