/* What becomes of answers whose turn could not be committed. */
#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"

#define TEST(name) static void name(void **state)
#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)

static const char *take(struct rig *g)
{
    struct tl_slice out = rpc_output(g->c);

    snprintf(g->said, sizeof g->said, "%.*s", (int)out.n, out.n ? (const char *)out.p : "");
    rpc_wrote(g->c, g->now, out.n);
    return g->said;
}

/* Feeds a text and fails the turn in which it was read. */
static const char *say_in_vain(struct rig *g, const char *text)
{
    rpc_feed(g->c, g->now, text, strlen(text));
    for (int i = 0; i < 8 && rpc_deadline(g->r) == 0; i++) /* subscriptions may want a turn of their own */
        rpc_tick(g->r, g->now);
    rpc_turn_failed(g->r, g->now, "the disk is full");
    return take(g);
}

static void works_again(struct rig *g)
{
    rpc_storage_down(g->r, NULL);
}

static void must_be_storage(struct rig *g, const char *method)
{
    assert_string_equal(got(g, "error.data.name"), "STORAGE");
    assert_string_equal(got(g, "error.code"), "1019");
    assert_string_equal(got(g, "error.data.method"), method);
    assert_non_null(strstr(got(g, "error.message"), "the disk is full"));
    assert_string_equal(got(g, "result"), "");
}

/* --- sends --- */

static int no_such_send(void *ctx, int32_t account, int64_t send_id,
                        int (*row)(void *, const struct mt_outbox_row *), void *arg)
{
    return send_id == 71 ? MT_OK : MT_E_NOT_FOUND;
}

static void send_ends(struct rig *g, int64_t send_id, enum mt_reply_kind kind)
{
    uint8_t affected[12] = {0};
    struct mt_reply reply = {.kind = kind, .p = affected, .n = 4, .send_id = send_id, .sent = MT_SENT_YES};

    if (kind == MT_REPLY_RPC_ERROR) {
        reply.code = 400;
        strcpy(reply.text, "CHAT_WRITE_FORBIDDEN");
    }
    tl_store32(affected, TL_updatesTooLong);
    say(g,
        "{\"id\":\"a\",\"method\":\"messages.sendMessage\",\"params\":{\"peer\":\"@alice\",\"message\":\"x\","
        "\"dedup_key\":\"k\"}}");
    rig_reply(g, 0, &reply);
    rpc_turn_failed(g->r, g->now, "the disk is full");
    take(g);
    works_again(g);
}

TEST(a_send_ends_as_its_row_will)
{
    BEGIN;
    g->host.send_get = no_such_send;
    send_ends(g, 71, MT_REPLY_RESULT);
    must_be_storage(g, "messages.sendMessage");
    assert_string_equal(got(g, "id"), "a");
    assert_string_equal(got(g, "error.data.account"), "main");
    assert_string_equal(got(g, "error.data.send_id"), "71");
    assert_string_equal(got(g, "error.data.sent"), "unknown");
    send_ends(g, 72, MT_REPLY_RESULT);
    assert_string_equal(got(g, "error.data.sent"), "no");
    /* an error that was not written either: the row is there, and may succeed yet */
    send_ends(g, 71, MT_REPLY_RPC_ERROR);
    must_be_storage(g, "messages.sendMessage");
    assert_string_equal(got(g, "error.data.sent"), "unknown");
    END;
}

TEST(what_only_tells_of_telegram_stands)
{
    uint8_t config[4];
    struct mt_reply error = {.kind = MT_REPLY_RPC_ERROR, .code = 400, .text = "PEER_ID_INVALID"};
    BEGIN;
    tl_store32(config, 0x997275b5); /* boolTrue */
    say(g, "{\"id\":1,\"method\":\"account.updateStatus\",\"params\":{\"offline\":true}}");
    rig_result(g, 0, config, sizeof config);
    rpc_turn_failed(g->r, g->now, "the disk is full");
    take(g);
    assert_string_equal(got(g, "result"), "true");
    works_again(g);
    say(g, "{\"id\":1,\"method\":\"account.updateStatus\",\"params\":{\"offline\":true}}");
    rig_reply(g, 0, &error);
    rpc_turn_failed(g->r, g->now, "the disk is full");
    take(g);
    assert_string_equal(got(g, "error.data.name"), "PEER_ID_INVALID");
    END;
}

TEST(a_login_step_is_undone)
{
    struct mt_reply ok = {.kind = MT_REPLY_OK};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"logOut\"}");
    rig_reply(g, 0, &ok);
    rpc_turn_failed(g->r, g->now, "the disk is full");
    take(g);
    must_be_storage(g, "logOut");
    END;
}

/* --- names --- */

TEST(an_ack_a_seek_and_a_new_name_are_undone)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\"}}");
    for (int i = 0; i < 3; i++)
        rig_event(g, "message", 777123, 777123, 1, "\"type\":\"message\",\"time\":1,\"message\":{}");
    say_in_vain(g, "{\"id\":1,\"method\":\"ack\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.2\"}}");
    must_be_storage(g, "ack");
    say_in_vain(g, "{\"id\":1,\"method\":\"seek\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.1\"}}");
    must_be_storage(g, "seek");
    say_in_vain(g, "{\"id\":1,\"method\":\"dropSubscription\",\"params\":{\"name\":\"bot\"}}");
    must_be_storage(g, "dropSubscription");
    say_in_vain(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"new\",\"wait\":30}}");
    must_be_storage(g, "getEvents");
    say_in_vain(g,
                "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"third\",\"since\":\"oldest\"}}");
    must_be_storage(g, "subscribe");
    assert_string_equal(rig_read(g, g->c), ""); /* no subscription is left that would push */
    END;
}

TEST(a_live_subscription_is_where_it_was_before_the_seek)
{
    BEGIN;
    rig_event(g, "message", 777123, 777123, 1, "\"type\":\"message\",\"time\":1,\"message\":{\"id\":1}");
    rig_event(g, "message", 777123, 777123, 1, "\"type\":\"message\",\"time\":1,\"message\":{\"id\":2}");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}");
    say_in_vain(g, "{\"id\":1,\"method\":\"seek\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.0\"}}");
    must_be_storage(g, "seek");
    assert_string_equal(rig_read(g, g->c), "");
    END;
}

TEST(live_events_of_the_turn_are_forgotten)
{
    struct mt_fx up = {.kind = MT_FX_CONNECTION, .connected = true};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"types\":[\"connection\"]}}");
    rpc_render_fx(g->r, g->now, 1, &up, NULL, NULL);
    rpc_turn_failed(g->r, g->now, "the disk is full");
    assert_string_equal(rig_read(g, g->c), "");
    END;
}

/* --- batches, and what came before --- */

TEST(in_a_batch_only_what_was_undone_is_an_error)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\",\"since\":\"oldest\"}}");
    rig_event(g, "message", 777123, 777123, 1, "\"type\":\"message\",\"time\":1,\"message\":{}");
    say_in_vain(g, "[{\"id\":1,\"method\":\"getInfo\"},"
                   "{\"id\":2,\"method\":\"ack\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.1\"}},"
                   "{\"id\":3,\"method\":\"getInfo\"},"
                   "{\"id\":[],\"method\":\"x\"}]");
    assert_string_equal(got(g, "0.result.name"), "tgd");
    assert_string_equal(got(g, "1.error.data.name"), "STORAGE");
    assert_string_equal(got(g, "1.id"), "2");
    assert_string_equal(got(g, "2.result.name"), "tgd");
    assert_string_equal(got(g, "3.error.data.name"), "INVALID_REQUEST");
    END;
}

TEST(what_was_committed_and_waits_for_its_sync_is_kept)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\"}}");
    rig_event(g, "message", 777123, 777123, 1, "\"type\":\"message\",\"time\":1,\"message\":{}");
    assert_string_equal(
        say(g, "{\"id\":7,\"method\":\"ack\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.1\"}}"), "");
    rpc_turn_failed(g->r, g->now, "the disk is full");
    assert_string_equal(take(g), "");
    rpc_synced(g->r, g->now, g->turn);
    take(g);
    assert_string_equal(got(g, "id"), "7");
    assert_string_equal(got(g, "result.cursor"), "1.1");
    END;
}

TEST(while_nothing_can_be_stored_accounts_are_not_asked)
{
    size_t calls;
    BEGIN;
    rpc_turn_failed(g->r, g->now, "the disk is full");
    calls = g->core[0].calls;
    say(g, "{\"id\":1,\"method\":\"getHistory\",\"params\":{\"chat_id\":777123}}");
    must_be_storage(g, "getHistory");
    assert_non_null(strstr(got(g, "error.data.hint"), "getHealth"));
    say(g, "{\"id\":1,\"method\":\"help.getConfig\"}");
    must_be_storage(g, "help.getConfig");
    assert_int_equal(g->core[0].calls, calls);
    say(g, "{\"id\":1,\"method\":\"listAccounts\"}");
    assert_string_equal(got(g, "result.items.0.name"), "main");
    works_again(g);
    say(g, "{\"id\":1,\"method\":\"help.getConfig\"}");
    assert_int_equal(g->core[0].calls, calls + 1);
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_send_ends_as_its_row_will),
        cmocka_unit_test(what_only_tells_of_telegram_stands),
        cmocka_unit_test(a_login_step_is_undone),
        cmocka_unit_test(an_ack_a_seek_and_a_new_name_are_undone),
        cmocka_unit_test(a_live_subscription_is_where_it_was_before_the_seek),
        cmocka_unit_test(live_events_of_the_turn_are_forgotten),
        cmocka_unit_test(in_a_batch_only_what_was_undone_is_an_error),
        cmocka_unit_test(what_was_committed_and_waits_for_its_sync_is_kept),
        cmocka_unit_test(while_nothing_can_be_stored_accounts_are_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
