#include "tests/unit/views/vbench.h"

#include "core/peers/peers.h"
#include "tl/json.h"

/* --- a store of three peers --- */

static int find_peer(void *ctx, mt_chat_id chat, struct mt_peer *out)
{
    static const struct {
        mt_chat_id chat;
        enum mt_peer_kind kind;
        const char *name, *username;
        bool broadcast;
    } rows[] = {
        {1, MT_PEER_USER, "Me", "me_name", false},
        {42, MT_PEER_USER, "Alice A", "alice", false},
        {-7, MT_PEER_GROUP, "Family", "", false},
        {-1000000000009, MT_PEER_CHANNEL, "News", "news", true},
    };

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].chat != chat)
            continue;
        out->chat = chat;
        out->kind = rows[i].kind;
        out->broadcast = rows[i].broadcast;
        strcpy(out->name, rows[i].name);
        strcpy(out->username, rows[i].username);
        return MT_OK;
    }
    return MT_E_NOT_FOUND;
}

int32_t vb_date = 900;
mt_chat_id vb_chat_of_message[100];

static int msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id *chat)
{
    *chat = msg_id > 0 && msg_id < 100 ? vb_chat_of_message[msg_id] : 0;
    return *chat ? MT_OK : MT_E_NOT_FOUND;
}

static void put_msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id chat)
{
    if (msg_id > 0 && msg_id < 100)
        vb_chat_of_message[msg_id] = chat;
}

static const struct store_ops store = {.peer_by_chat = find_peer};
static const struct rpc_host host = {.msg_chat = msg_chat, .put_msg_chat = put_msg_chat};
static int core_mark; /* never looked into: fake_core.c answers for it */
static const struct rpc_account account = {
    .id = 1, .name = "main", .store = &store, .core = (struct mt_account *)(void *)&core_mark};
const struct rpc_view vb_ctx = {.host = &host, .account = &account, .now = {.wall = 1000 * MT_US_PER_S}};

/* --- an update from JSON, its events as one JSON array --- */

static void collect(void *arg, const struct rpc_view_event *e)
{
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:I, s:i, s:I, s:I, s:b, s:O}", "type", e->type, "key", e->key, "chat",
                  (json_int_t)e->chat, "sender", (json_int_t)e->sender, "direction", e->direction, "time",
                  (json_int_t)e->time, "expires", (json_int_t)e->expires, "live", e->live, "body", e->body);
    assert_non_null(o);
    json_array_append_new(arg, o);
}

struct tl_out vb_encode(const char *type, const char *text)
{
    json_error_t why;
    json_t *value = json_loads(text, 0, &why);
    struct tl_out out = {0};
    struct tl_json_error error = {0};

    if (!value)
        fail_msg("%s: %s", text, why.text);
    if (tl_object_from_json((uint16_t)tl_type_by_name(type, strlen(type)), value, "o", NULL, &out, &error))
        fail_msg("%s: %s", error.path, error.text);
    json_decref(value);
    return out;
}

json_t *vb_events(const char *event_type, const char *text)
{
    struct tl_out out = vb_encode("Update", text);
    struct mt_fx fx = {.kind = MT_FX_UPDATE, .p = out.data, .n = out.len, .date = vb_date};
    json_t *list = json_array();
    struct tl_view v;

    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_OK);
    assert_int_equal(rpc_view_update(&vb_ctx, event_type, &fx, &v, collect, list), MT_OK);
    tl_out_free(&out);
    return list;
}

void vb_expect(json_t *got, const char *want_text)
{
    json_error_t why;
    json_t *want = json_loads(want_text, 0, &why);

    if (!want)
        fail_msg("%s: %s", want_text, why.text);
    if (!json_equal(got, want)) {
        char *text = json_dumps(got, JSON_INDENT(1));
        fail_msg("got %s", text);
    }
    json_decref(want);
    json_decref(got);
}
