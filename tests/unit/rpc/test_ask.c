/* ask: a send and the next message of its chat, whether the account keeps a journal or not. */
#include "tests/unit/rpc/rig.h"

#include "tl/json.h"
#include "tl/schema.h"

#define TEST(name) static void name(void **state)
#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)

static struct tl_out tl_of(const char *type, const char *json)
{
    json_t *value = json_loads(json, 0, NULL);
    struct tl_json_error error = {0};
    struct tl_out out = {0};

    if (tl_object_from_json((uint16_t)tl_type_by_name(type, strlen(type)), value, "test", NULL, &out, &error))
        fail_msg("%s: %s", error.path, error.text);
    json_decref(value);
    return out;
}

static const char *new_message(int id, bool out)
{
    static char text[400];

    snprintf(text, sizeof text,
             "{\"_\":\"updateNewMessage\",\"message\":{\"_\":\"message\",\"out\":%s,\"id\":%d,\"peer_id\":"
             "{\"_\":\"peerUser\",\"user_id\":\"777123\"},\"date\":1790000000,\"message\":\"m\"},\"pts\":%d,"
             "\"pts_count\":1}",
             out ? "true" : "false", id, id);
    return text;
}

static void sent(struct rig *g, int id)
{
    struct tl_out result;
    char text[600];

    snprintf(text, sizeof text,
             "{\"_\":\"updates\",\"updates\":[%s],\"users\":[],\"chats\":[],\"date\":1,\"seq\":0}",
             new_message(id, true));
    result = tl_of("Updates", text);
    rig_result(g, 0, result.data, result.len);
    tl_out_free(&result);
}

static void collect(void *arg, const struct rpc_event *e)
{
    fail_msg("an event of type %s of an account without a journal is kept", e->type);
}

/* A message comes in; it is told and not kept. */
static void comes(struct rig *g, int id)
{
    struct tl_out update = tl_of("Update", new_message(id, false));
    struct mt_fx fx = {.kind = MT_FX_UPDATE, .p = update.data, .n = update.len, .date = 1790000000};

    rpc_render(g->r, g->now, 1, &fx, collect, g);
    tl_out_free(&update);
}

TEST(an_account_without_a_journal_hears_its_answer)
{
    BEGIN;
    g->accounts[0].no_journal = true;
    say(g, "{\"id\":1,\"method\":\"ask\",\"params\":{\"chat_id\":\"@alice\",\"text\":\"q\",\"wait\":9}}");
    assert_string_equal(g->core[0].method, "messages.sendMessage");
    sent(g, 5);
    assert_string_equal(rig_read(g, g->c), "");
    comes(g, 4); /* of before: it overtook nothing */
    assert_string_equal(rig_read(g, g->c), "");
    comes(g, 6);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.sent.id"), "5");
    assert_string_equal(got(g, "result.message.id"), "6");
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_without_a_journal_hears_its_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
