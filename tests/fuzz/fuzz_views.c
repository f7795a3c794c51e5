/*
 * An Update of a hostile server, as events: whatever stands in it, each event is JSON that can be written, of
 * a type that the contract has.
 *
 *     the TL bytes of an Update
 */
#include "tests/fuzz/fuzz.h"

#include "rpc/method.h"
#include "rpc/views/views.h"

static int find_peer(void *ctx, mt_chat_id chat, struct mt_peer *out)
{
    if (chat % 2 == 0)
        return MT_E_NOT_FOUND;
    *out = (struct mt_peer){
        .chat = chat, .kind = chat > 0 ? MT_PEER_USER : MT_PEER_CHANNEL, .name = "A <b> \" \\"};
    return MT_OK;
}

static int msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id *chat)
{
    *chat = msg_id % 3 ? msg_id : 0;
    return *chat ? MT_OK : MT_E_NOT_FOUND;
}

static void put_msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id chat) {}

static const struct store_ops store = {.peer_by_chat = find_peer};
static const struct rpc_host host = {.msg_chat = msg_chat, .put_msg_chat = put_msg_chat};
static int core_mark; /* never looked into: fake_core.c answers for it */
static const struct rpc_account account = {
    .id = 1, .name = "main", .store = &store, .core = (struct mt_account *)(void *)&core_mark};

static void take(void *arg, const struct rpc_view_event *e)
{
    size_t *n = arg;
    char *text = json_dumps(e->body, JSON_COMPACT | JSON_ENCODE_ANY);
    json_error_t error;
    json_t *back = text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error) : NULL;

    FUZZ_CHECK(e->type && e->key);
    FUZZ_CHECK(back);
    FUZZ_CHECK(++*n < 100000);
    json_decref(back);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_view ctx = {.host = &host, .account = &account, .now = {.wall = 1000 * MT_US_PER_S}};
    struct mt_fx fx = {.kind = MT_FX_UPDATE, .p = data, .n = size, .date = 900};
    const char *type;
    struct tl_view v;
    size_t n = 0;

    if (tl_view_open_exact(&v, data, size) != TL_OK)
        return 0;
    type = rpc_update_type(v.def->id);
    if (type && strcmp(type, "raw") != 0)
        (void)rpc_view_update(&ctx, type, &fx, &v, take, &n);
    return 0;
}
