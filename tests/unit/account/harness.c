#include "tests/unit/account/harness.h"

#include "tl/ids.h"

#define POOL (64u << 20)

static uint8_t pool[POOL];
static size_t pool_used;

static struct tl_slice kept(struct tl_out *out)
{
    struct tl_slice s = {pool + pool_used, out->len};

    if (pool_used + out->len > POOL)
        fail_msg("pool of the harness is full");
    memcpy(pool + pool_used, out->data, out->len);
    pool_used += out->len;
    tl_out_free(out);
    return s;
}

static json_t *parsed(const char *json)
{
    json_error_t error;
    json_t *value = json_loads(json, 0, &error);

    if (!value)
        fail_msg("bad JSON in a test: %s at %d: %s", error.text, error.position, json);
    return value;
}

struct tl_slice tl_of(const char *type, const char *json)
{
    struct tl_json_error error = {0};
    struct tl_out out = {0};
    json_t *value = parsed(json);
    int index = tl_type_by_name(type, strlen(type));

    if (index < 0)
        fail_msg("no type %s", type);
    if (tl_object_from_json((uint16_t)index, value, "test", NULL, &out, &error))
        fail_msg("%s: %s", error.path, error.text);
    json_decref(value);
    return kept(&out);
}

struct tl_slice call_of(const char *json)
{
    struct tl_json_error error = {0};
    struct tl_out out = {0};
    json_t *value = parsed(json);
    const char *name = json_string_value(json_object_get(value, "_"));
    const struct tl_def *def = tl_def_by_name(name, strlen(name), true);

    if (!def)
        fail_msg("no function %s", name);
    json_object_del(value, "_");
    if (tl_call_from_json(def, value, "test", NULL, &out, &error))
        fail_msg("%s: %s", error.path, error.text);
    json_decref(value);
    return kept(&out);
}

struct tl_view view_of(struct tl_slice s)
{
    struct tl_view v;

    assert_int_equal(tl_view_open_exact(&v, s.p, s.n), TL_OK);
    return v;
}

const char *fmt(const char *format, ...)
{
    static char buffers[32][8192];
    static unsigned next;
    char *buf = buffers[next++ % 32];
    va_list args;

    va_start(args, format);
    if (vsnprintf(buf, sizeof buffers[0], format, args) >= (int)sizeof buffers[0])
        fail_msg("text of a test is too long");
    va_end(args);
    return buf;
}

/* --- store --- */

static int peer_by_chat(void *ctx, mt_chat_id chat, struct mt_peer *out)
{
    struct mem *m = ctx;

    for (size_t i = 0; i < m->n_peers; i++)
        if (m->peers[i].chat == chat) {
            *out = m->peers[i];
            return MT_OK;
        }
    return MT_E_NOT_FOUND;
}

static int channel(void *ctx, int64_t id, struct mt_channel_row *out)
{
    struct mem *m = ctx;

    for (size_t i = 0; i < m->n_channels; i++)
        if (m->channels[i].id == id) {
            *out = m->channels[i];
            return MT_OK;
        }
    return MT_E_NOT_FOUND;
}

static int each(struct mem *m, int64_t after, bool watched,
                int (*row)(void *arg, const struct mt_channel_row *row), void *arg)
{
    for (;;) {
        const struct mt_channel_row *next = NULL;

        for (size_t i = 0; i < m->n_channels; i++)
            if (m->channels[i].id > after && (!next || m->channels[i].id < next->id) &&
                (!watched || m->channels[i].watched))
                next = &m->channels[i];
        if (!next || row(arg, next))
            return MT_OK;
        after = next->id;
    }
}

static int each_channel(void *ctx, int64_t after, int (*row)(void *arg, const struct mt_channel_row *row),
                        void *arg)
{
    return each(ctx, after, false, row, arg);
}

static int each_watched(void *ctx, int (*row)(void *arg, const struct mt_channel_row *row), void *arg)
{
    return each(ctx, 0, true, row, arg);
}

static int each_unsent(void *ctx, int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    struct mem *m = ctx;

    for (size_t i = 0; i < m->n_rows; i++)
        if (!mt_send_has_ended(m->rows[i].row.state))
            row(arg, &m->rows[i].row);
    return MT_OK;
}

static int send_by_dedup(void *ctx, mt_chat_id chat, const void *key, size_t n,
                         int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    struct mem *m = ctx;

    for (size_t i = m->n_rows; i-- > 0;) {
        const struct mt_outbox_row *r = &m->rows[i].row;

        if (r->chat == chat && r->dedup.n == n && n && !memcmp(r->dedup.p, key, n)) {
            row(arg, r);
            return MT_OK;
        }
    }
    return MT_E_NOT_FOUND;
}

void mem_init(struct mem *m)
{
    *m = (struct mem){.ops = {.ctx = m,
                              .peer_by_chat = peer_by_chat,
                              .channel = channel,
                              .each_channel = each_channel,
                              .each_watched = each_watched,
                              .each_unsent = each_unsent,
                              .send_by_dedup = send_by_dedup}};
}

void mem_put_peer(struct mem *m, const struct mt_peer *peer)
{
    size_t i = 0;

    while (i < m->n_peers && m->peers[i].chat != peer->chat)
        i++;
    assert_true(i < MEM_MAX);
    m->peers[i] = *peer;
    if (i == m->n_peers)
        m->n_peers++;
}

static void put_channel(struct mem *m, const struct mt_channel_row *row)
{
    size_t i = 0;

    while (i < m->n_channels && m->channels[i].id != row->id)
        i++;
    assert_true(i < MEM_MAX);
    if (row->pts < 0) {
        if (i < m->n_channels)
            m->channels[i] = m->channels[--m->n_channels];
        return;
    }
    m->channels[i] = *row;
    if (i == m->n_channels)
        m->n_channels++;
}

static struct tl_slice keep_text(char *to, size_t cap, struct tl_slice s)
{
    assert_true(s.n < cap || (s.n == cap && cap == 32));
    if (s.n)
        memcpy(to, s.p, s.n);
    return (struct tl_slice){(const uint8_t *)to, s.n};
}

static void put_row(struct mem *m, const struct mt_outbox_row *row)
{
    struct mem_row *r;
    size_t i = 0;

    while (i < m->n_rows && m->rows[i].row.id != row->id)
        i++;
    assert_true(i < MEM_MAX);
    r = &m->rows[i];
    r->row = *row;
    r->row.method = keep_text(r->method, sizeof r->method, row->method);
    r->row.params = keep_text(r->params, sizeof r->params, row->params);
    r->row.result = keep_text(r->result, sizeof r->result, row->result);
    r->row.dedup = keep_text(r->dedup, sizeof r->dedup, row->dedup);
    r->row.digest = keep_text(r->digest, sizeof r->digest, row->digest);
    if (i == m->n_rows)
        m->n_rows++;
}

void mem_apply(struct mem *m, const struct mt_fx *fx)
{
    if (fx->kind == MT_FX_PEER)
        mem_put_peer(m, fx->peer);
    if (fx->kind == MT_FX_CHANNEL)
        put_channel(m, fx->channel);
    if (fx->kind == MT_FX_STATE)
        m->state = *fx->state;
    if (fx->kind == MT_FX_OUTBOX)
        put_row(m, fx->row);
}

/* --- environment --- */

static void env_random(void *ctx, void *buf, size_t n)
{
    struct env *e = ctx;
    uint8_t *p = buf;

    for (size_t i = 0; i < n; i++) {
        e->seed = e->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        p[i] = (uint8_t)(e->seed >> 56);
    }
}

static void env_log(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    struct env *e = ctx;

    if (level == MT_LOG_BROKEN) {
        e->broken++;
        print_message("# BROKEN %s: %s\n", area, text);
    } else if (getenv("TGD_TEST_LOG")) {
        print_message("# %s: %s\n", area, text);
    }
}

void env_init(struct env *e, uint64_t seed)
{
    *e = (struct env){.seed = seed};
    e->env = (struct mt_env){.random = env_random, .log = env_log, .ctx = e};
}

/* --- effects --- */

static void update_text(const struct mt_fx *fx, char *buf, size_t n)
{
    struct tl_view v, m;
    int field;
    int32_t id = 0;

    if (tl_view_open_exact(&v, fx->p, fx->n)) {
        snprintf(buf, n, "update BROKEN");
        return;
    }
    field = tl_view_field(&v, "message");
    if (field >= 0 && tl_get_object(&v, (unsigned)field, &m))
        mt_message_chat(&m, &id);
    field = tl_view_field(&v, "max_id");
    if (field >= 0)
        id = tl_get_int(&v, (unsigned)field);
    if (v.def->id == TL_updateMessageID)
        id = tl_get_int(&v, TLF_updateMessageID__id);
    snprintf(buf, n, "%s%s%s", tl_def_name(v.def) + 6, id ? fmt(" %d", (int)id) : "",
             fx->own_token   ? fmt(" own%d", (int)fx->own_token)
             : fx->recovered ? " rec"
                             : "");
}

void fx_text(const struct mt_fx *fx, char *buf, size_t n)
{
    switch (fx->kind) {
    case MT_FX_UPDATE:
        update_text(fx, buf, n);
        break;
    case MT_FX_STATE:
        snprintf(buf, n, "state %d %d %d", (int)fx->state->pts, (int)fx->state->qts, (int)fx->state->seq);
        break;
    case MT_FX_CHANNEL:
        snprintf(buf, n, "channel %lld %d%s", (long long)fx->channel->id, (int)fx->channel->pts,
                 fx->channel->watched ? " watched" : "");
        break;
    case MT_FX_PEER:
        snprintf(buf, n, "peer %lld", (long long)fx->peer->chat);
        break;
    case MT_FX_GAP:
        snprintf(buf, n, "gap %lld%s", (long long)fx->chat,
                 fx->gap_from || fx->gap_to ? fmt(" %d..%d", fx->gap_from, fx->gap_to) : "");
        break;
    case MT_FX_OUTBOX:
        snprintf(buf, n, "row %lld state%d", (long long)fx->row->id, fx->row->state);
        break;
    case MT_FX_REPLY:
        snprintf(buf, n, "reply %llu kind%d%s%s", (unsigned long long)fx->token, (int)fx->reply->kind,
                 fx->reply->text[0] ? " " : "", fx->reply->text);
        break;
    case MT_FX_STAGE:
        snprintf(buf, n, "stage %llu %s", (unsigned long long)fx->token, fx->stage.name);
        break;
    case MT_FX_NONE:
    case MT_FX_CONNECT:
    case MT_FX_CLOSE:
    case MT_FX_OUTPUT:
    case MT_FX_SAVE_KEY:
    case MT_FX_SAVE_SALTS:
    case MT_FX_SAVE_ADDRESSES:
    case MT_FX_SAVE_AUTH:
    case MT_FX_FORGET:
    case MT_FX_LOGIN:
    case MT_FX_CONNECTION:
    case MT_FX_COMPUTE:
    case MT_FX_SYNC:
        snprintf(buf, n, "fx%d", (int)fx->kind);
        break;
    }
}

const char *fx_drain(struct mt_fxq *q, struct mem *m)
{
    static char all[65536];
    struct mt_fx fx;
    size_t n = 0;

    all[0] = 0;
    while (mt_fxq_next(q, &fx)) {
        char one[256];

        fx_text(&fx, one, sizeof one);
        if (m)
            mem_apply(m, &fx);
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? " | " : "", one);
        assert_true(n < sizeof all);
    }
    return all;
}
