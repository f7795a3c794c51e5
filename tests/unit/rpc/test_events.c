#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"

#define TEST(name) static void name(void **state)
#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)

static void message(struct rig *g, int id, const char *text)
{
    char body[512];

    snprintf(body, sizeof body,
             "\"key\":\"message/777123/%d\",\"account\":\"main\",\"type\":\"message\",\"time\":1790000000,"
             "\"message\":{\"id\":%d,\"chat_id\":777123,\"text\":\"%s\"}",
             id, id, text);
    rig_event(g, "message", 777123, 777123, 1, body);
}

static size_t lines(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

TEST(a_push_is_the_stored_body_behind_a_short_head)
{
    BEGIN;
    message(g, 1, "before");
    say(g, "{\"id\":1,\"method\":\"subscribe\"}");
    assert_string_equal(got(g, "result.subscription"), "1");
    assert_string_equal(got(g, "result.cursor"), "1.1");
    assert_string_equal(got(g, "result.state.0.name"), "main");
    message(g, 2, "x");
    assert_string_equal(
        rig_read(g, g->c),
        "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":1,\"cursor\":\"1.2\","
        "\"key\":\"message/777123/2\",\"account\":\"main\",\"type\":\"message\",\"time\":1790000000,"
        "\"message\":{\"id\":2,\"chat_id\":777123,\"text\":\"x\"}}}\n");
    assert_string_equal(rig_read(g, g->c), "");
    say(g, "{\"id\":1,\"method\":\"unsubscribe\",\"params\":{\"subscription\":1}}");
    message(g, 3, "x");
    assert_string_equal(rig_read(g, g->c), "");
    END;
}

TEST(filters_let_through_what_fits_all_of_them)
{
    static const struct {
        const char *params;
        size_t fits;
    } cases[] = {
        {"{}", 4},
        {"{\"types\":[\"read\"]}", 1},
        {"{\"chats\":[\"@alice\"]}", 3},
        {"{\"chats\":[777123],\"direction\":\"in\"}", 3},
        {"{\"direction\":\"out\"}", 2},
        {"{\"senders\":[\"me\"]}", 1},
        {"{\"accounts\":[\"main\"],\"text\":{\"prefix\":\"/pi\"}}", 1},
        {"{\"text\":{\"contains\":\"ell\"}}", 2},
        {"{\"text\":{\"pattern\":\"^h.*o$\"}}", 1},
        {"{\"text\":{\"pattern\":\"(a+)+$\"}}", 0},
        {"{\"chats\":[]}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        BEGIN;
        snprintf(line, sizeof line, "{\"id\":1,\"method\":\"subscribe\",\"params\":%s}", cases[i].params);
        say(g, line);
        assert_string_equal(got(g, "result.subscription"), "1");
        message(g, 1, "/ping aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
        message(g, 2, "hello");
        rig_event(g, "read", 777123, 0, 0, "\"type\":\"read\",\"time\":1,\"read\":{}");
        rig_event(g, "message", -5, 777001, 2,
                  "\"type\":\"message\",\"time\":1,\"message\":{\"text\":\"bell\"}");
        rig_event(g, "album", 777123, 0, 0, "\"type\":\"album\",\"time\":1,\"album\":{}");
        assert_int_equal(lines(rig_read(g, g->c)), cases[i].fits);
        END;
    }
}

TEST(a_filter_that_makes_no_sense_is_refused_with_its_path)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"types\":[\"mesage\"]}}");
    assert_string_equal(got(g, "error.message"),
                        "params.types[0]: no event type 'mesage'; did you mean message");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"text\":{\"pattern\":\"(\"}}}");
    assert_string_equal(got(g, "error.code"), "-32602");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"text\":{}}}");
    assert_string_equal(got(g, "error.code"), "-32602");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"accounts\":[\"x\"]}}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"since\":\"1.77\"}}");
    assert_string_equal(got(g, "error.data.name"), "CURSOR_INVALID");
    say(g, "[{\"id\":1,\"method\":\"subscribe\"}]");
    assert_string_equal(got(g, "0.error.code"), "-32600");
    END;
}

TEST(since_says_where_a_subscription_begins)
{
    BEGIN;
    message(g, 1, "a");
    message(g, 2, "b");
    assert_int_equal(lines(say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"since\":\"oldest\"}}")),
                     3);
    assert_int_equal(lines(say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"since\":\"1.1\"}}")), 2);
    END;
}

TEST(a_name_keeps_the_place_of_its_last_ack)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}");
    message(g, 1, "a");
    message(g, 2, "b");
    assert_int_equal(lines(rig_read(g, g->c)), 2);
    assert_string_equal(
        say(g, "{\"id\":2,\"method\":\"ack\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.1\"}}"), "");
    rpc_synced(g->r, g->now, g->turn);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.cursor"), "1.1");
    rpc_closed(g->c, g->now);
    g->c = rig_connect(g);
    assert_int_equal(lines(say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}")), 2);
    assert_non_null(strstr(g->said, "message/777123/2"));
    say(g, "{\"id\":2,\"method\":\"ack\",\"params\":{\"name\":\"no\",\"cursor\":\"1.1\"}}");
    assert_string_equal(got(g, "error.data.name"), "SUBSCRIPTION_UNKNOWN");
    say(g, "{\"id\":2,\"method\":\"ack\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.9\"}}");
    assert_string_equal(got(g, "error.data.name"), "CURSOR_INVALID");
    END;
}

TEST(a_name_has_one_holder_until_it_is_taken_over)
{
    struct rpc_conn *second;
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}");
    second = rig_connect(g);
    rig_say(g, second, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    assert_string_equal(got(g, "error.message"), "'bot' is held by process 4242");
    rig_say(g, second, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\"}}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    rig_say(g, second, "{\"id\":1,\"method\":\"listSubscriptions\"}");
    assert_string_equal(got(g, "result.items.0.held"), "true");
    rig_say(g, second, "{\"id\":1,\"method\":\"dropSubscription\",\"params\":{\"name\":\"bot\"}}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    rig_say(g, second, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\",\"takeover\":true}}");
    assert_string_equal(got(g, "result.subscription"), "1");
    assert_string_equal(rig_read(g, g->c),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"closed\",\"params\":{\"subscription\":1,"
                        "\"reason\":\"takeover\"}}\n");
    rpc_closed(second, g->now);
    say(g, "{\"id\":1,\"method\":\"dropSubscription\",\"params\":{\"name\":\"bot\"}}");
    assert_string_equal(got(g, "result.ok"), "true");
    assert_int_equal(g->n_subs, 0);
    END;
}

TEST(a_takeover_that_cannot_begin_ends_nobody)
{
    BEGIN;
    struct rpc_conn *other = rig_connect(g);

    rig_say(g, other, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}");
    say(g, "{\"id\":2,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\",\"takeover\":true,\"since\":\"9."
           "9\"}}");
    assert_string_equal(got(g, "error.data.name"), "CURSOR_INVALID");
    assert_string_equal(rig_read(g, other), "");
    say(g, "{\"id\":3,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    END;
}

TEST(auto_acks_follow_the_bytes_that_left)
{
    struct rpc_cursor acked;
    struct tl_slice out;
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"log\",\"ack\":\"auto\"}}");
    message(g, 1, "a");
    rpc_committed(g->r, g->now);
    out = rpc_output(g->c);
    rpc_wrote(g->c, g->now, out.n - 1);
    rig_pass(g, 1100);
    g->host.sub_get(g, "log", &acked);
    assert_int_equal(acked.number, 0);
    rpc_wrote(g->c, g->now, 1);
    rig_pass(g, 1100);
    g->host.sub_get(g, "log", &acked);
    assert_int_equal(acked.number, 1);
    END;
}

TEST(seek_goes_back)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"bot\"}}");
    message(g, 1, "a");
    assert_int_equal(lines(rig_read(g, g->c)), 1);
    assert_int_equal(
        lines(say(g, "{\"id\":1,\"method\":\"seek\",\"params\":{\"name\":\"bot\",\"cursor\":\"1.0\"}}")), 1);
    END;
}

TEST(get_events_is_one_call_per_turn_of_a_shell_loop)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\",\"limit\":1}}");
    assert_string_equal(got(g, "result"), "{\"items\":[],\"cursor\":\"1.0\"}");
    message(g, 1, "a");
    rig_event(g, "read", 1, 0, 0, "\"type\":\"read\",\"time\":1,\"read\":{}");
    message(g, 2, "b");
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\",\"limit\":1,\"types\":["
           "\"message\"]}}");
    assert_string_equal(got(g, "result.items.0.message.id"), "1");
    assert_string_equal(got(g, "result.items.0.cursor"), "1.1");
    assert_string_equal(got(g, "result.cursor"), "1.1");
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\",\"ack\":\"1.1\",\"types\":["
           "\"message\"]}}");
    assert_string_equal(got(g, "result.items.0.message.id"), "2");
    assert_string_equal(got(g, "result.cursor"), "1.3");
    assert_string_equal(
        say(g,
            "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"bot\",\"ack\":\"1.3\",\"wait\":30}}"),
        "");
    message(g, 3, "c");
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.items.0.message.id"), "3");
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"since\":\"now\",\"wait\":30}}");
    rig_pass(g, 30001);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.items"), "[]");
    END;
}

TEST(wait_event_answers_the_first_that_fits_or_times_out)
{
    BEGIN;
    assert_string_equal(
        say(g, "{\"id\":1,\"method\":\"waitEvent\",\"params\":{\"chats\":[\"@alice\"],\"wait\":30}}"), "");
    rig_event(g, "message", 777123, 777001, 2, "\"type\":\"message\",\"time\":1,\"message\":{\"out\":true}");
    assert_string_equal(rig_read(g, g->c), "");
    message(g, 1, "yes");
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.message.text"), "yes");
    say(g, "{\"id\":1,\"method\":\"waitEvent\",\"params\":{\"since\":\"1.1\",\"wait\":30}}");
    assert_string_equal(got(g, "result.message.text"), "yes");
    say(g, "{\"id\":1,\"method\":\"waitEvent\",\"params\":{\"wait\":3}}");
    rig_pass(g, 3001);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "TIMEOUT");
    END;
}

TEST(what_left_the_journal_is_told_once)
{
    BEGIN;
    for (int i = 1; i <= 5; i++)
        message(g, i, "x");
    g->trimmed = 3;
    assert_int_equal(lines(say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"since\":\"1.1\"}}")), 4);
    assert_non_null(strstr(g->said, "\"type\":\"lagged\""));
    assert_non_null(strstr(g->said, "\"lost_from\":\"1.1\",\"lost_to\":\"1.3\",\"count\":2"));
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"since\":\"1.1\"}}");
    assert_string_equal(got(g, "result.lagged.count"), "2");
    assert_string_equal(got(g, "result.lagged.lost_from"), "1.1");
    assert_string_equal(got(g, "result.lagged.lost_to"), "1.3");
    assert_string_equal(got(g, "result.items.0.message.id"), "4");
    message(g, 6, "y");
    assert_int_equal(lines(rig_read(g, g->c)), 1);
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"since\":\"1.1\",\"accounts\":[\"bot\"]}}");
    assert_string_equal(got(g, "result.lagged"), ""); /* of an account that was not asked for */
    say(g, "{\"id\":1,\"method\":\"waitEvent\",\"params\":{\"since\":\"1.1\"}}");
    assert_string_equal(got(g, "error.data.name"), "LAGGED");
    END;
}

TEST(a_slow_client_costs_its_place_and_not_memory)
{
    static char big[900];
    size_t total = 0;
    BEGIN;
    memset(big, 'x', sizeof big - 1);
    say(g, "{\"id\":1,\"method\":\"subscribe\"}");
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 1000; k++) {
            char body[1024];

            snprintf(body, sizeof body, "\"type\":\"message\",\"time\":1,\"message\":{\"text\":\"%s\"}", big);
            rig_event(g, "message", 1, 1, 1, body);
        }
        rpc_committed(g->r, g->now);
        assert_true(rpc_output(g->c).n < 300 * 1024);
    }
    rig_pass(g, 120000);
    assert_false(rpc_is_done(g->c));
    for (int i = 0; i < 100; i++) {
        struct tl_slice out;

        if (rpc_deadline(g->r) == 0)
            rpc_tick(g->r, g->now);
        rpc_committed(g->r, g->now);
        out = rpc_output(g->c);
        for (size_t k = 0; k < out.n; k++)
            total += out.p[k] == '\n';
        rpc_wrote(g->c, g->now, out.n);
    }
    assert_int_equal(total, 3000);
    END;
}

TEST(a_heartbeat_comes_when_nothing_else_does)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"heartbeat\":10}}");
    rig_pass(g, 6000);
    message(g, 1, "a");
    assert_int_equal(lines(rig_read(g, g->c)), 1);
    rig_pass(g, 6000);
    assert_string_equal(rig_read(g, g->c), "");
    rig_pass(g, 4100);
    assert_non_null(strstr(rig_read(g, g->c), "\"type\":\"heartbeat\""));
    END;
}

static void collect(void *arg, const struct rpc_event *e)
{
    struct rig *g = arg;
    char body[1024];

    snprintf(body, sizeof body, "%.*s", (int)e->body.n, (const char *)e->body.p);
    rig_event(g, e->type, e->chat, e->sender, e->direction, body);
}

TEST(logins_and_connections_are_live_and_gaps_are_kept)
{
    struct mt_fx login = {.kind = MT_FX_LOGIN},
                 up = {.kind = MT_FX_CONNECTION, .connected = false, .text = "refused"};
    struct mt_fx gap = {.kind = MT_FX_GAP, .chat = -5};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"types\":[\"login\",\"connection\",\"gap\"]}}");
    rpc_render_fx(g->r, g->now, 1, &login, collect, g);
    rpc_render_fx(g->r, g->now, 1, &up, collect, g);
    rpc_render_fx(g->r, g->now, 1, &gap, collect, g);
    assert_int_equal(g->n_events, 1);
    assert_int_equal(lines(rig_read(g, g->c)), 3);
    assert_non_null(strstr(g->said, "\"login\":{\"account\":\"main\",\"step\":\"ready\""));
    assert_non_null(strstr(g->said, "\"connection\":{\"connected\":false,\"reason\":\"refused\"}"));
    assert_non_null(strstr(g->said, "\"cursor\":\"1.1\",\"key\":\"gap/1/"));
    assert_string_equal(rig_read(g, g->c), "");
    END;
}

TEST(an_update_without_a_view_is_an_event_of_type_raw)
{
    uint8_t bytes[8] = {0};
    struct mt_fx fx = {.kind = MT_FX_UPDATE, .p = bytes, .n = sizeof bytes, .date = 1790000000};
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\"}");
    tl_store32(bytes, TL_updateStickerSets);
    rpc_render(g->r, g->now, 1, &fx, collect, g);
    tl_store32(bytes, TL_updateConfig);
    fx.n = 4;
    rpc_render(g->r, g->now, 1, &fx, collect, g);
    assert_int_equal(g->n_events, 1);
    assert_string_equal(g->events[0].type, "raw");
    assert_string_equal(rig_read(g, g->c), "");
    assert_int_equal(
        lines(say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"raw\":true,\"since\":\"oldest\"}}")),
        2);
    END;
}

TEST(what_became_of_an_account_stands_beside_its_name)
{
    uint8_t bytes[4];
    struct mt_fx fx = {.kind = MT_FX_UPDATE, .p = bytes, .n = sizeof bytes, .date = 1790000000};
    BEGIN;
    tl_store32(bytes, TL_updateContactsReset);
    rpc_render(g->r, g->now, 1, &fx, collect, g);
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"since\":\"oldest\"}}");
    assert_string_equal(got(g, "result.items.0.account"), "main");
    assert_string_equal(got(g, "result.items.0.change.action"), "contacts");
    END;
}

TEST(an_account_without_a_journal_is_told_as_it_happens)
{
    uint8_t bytes[8] = {0};
    struct mt_fx gap = {.kind = MT_FX_GAP, .chat = -5};
    struct mt_fx raw = {.kind = MT_FX_UPDATE, .p = bytes, .n = sizeof bytes, .date = 1790000000};
    BEGIN;
    tl_store32(bytes, TL_updateStickerSets);
    g->accounts[0].no_journal = true;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"types\":[\"gap\",\"raw\"]}}");
    assert_non_null(strstr(got(g, "result.warnings.0"), "account main keeps no journal"));
    rpc_render_fx(g->r, g->now, 1, &gap, collect, g);
    rpc_render(g->r, g->now, 1, &raw, collect, g);
    assert_int_equal(g->n_events, 0);
    assert_int_equal(lines(rig_read(g, g->c)), 2);
    assert_null(strstr(g->said, "\"cursor\""));
    assert_non_null(strstr(g->said, "\"gap\":{\"chat_id\":-5}"));
    assert_non_null(strstr(g->said, "\"raw\":{\"_\":\"updateStickerSets\""));
    assert_string_equal(rig_read(g, g->c), "");
    say(g, "{\"id\":1,\"method\":\"waitEvent\",\"params\":{\"types\":[\"gap\"],\"wait\":9}}");
    rpc_render_fx(g->r, g->now, 1, &gap, collect, g);
    assert_int_equal(lines(rig_read(g, g->c)), 2); /* the subscriber's, and the answer */
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"since\":\"oldest\"}}");
    assert_string_equal(got(g, "result.items"), "[]");
    assert_non_null(strstr(got(g, "result.warnings.0"), "account main keeps no journal"));
    END;
}

TEST(who_reads_too_slowly_is_told_how_many_unkept_events_were_missed)
{
    static char big[1000];
    struct mt_fx gap = {.kind = MT_FX_GAP, .chat = -5};
    char body[1200];
    BEGIN;
    memset(big, 'x', sizeof big - 1);
    g->accounts[0].no_journal = true;
    say(g, "{\"id\":1,\"method\":\"subscribe\"}");
    snprintf(body, sizeof body, "\"type\":\"message\",\"time\":1,\"message\":{\"text\":\"%s\"}", big);
    for (int i = 0; i < 256; i++) /* more than it may have unread */
        rig_event(g, "message", 1, 1, 1, body);
    for (int i = 0; i < 5; i++) /* some of them in each turn */
        rpc_committed(g->r, g->now);
    for (int i = 0; i < 3; i++)
        rpc_render_fx(g->r, g->now, 1, &gap, collect, g);
    rpc_committed(g->r, g->now);
    rpc_wrote(g->c, g->now, rpc_output(g->c).n);
    assert_int_equal(rpc_deadline(g->r), 0);
    rig_read(g, g->c);
    assert_non_null(strstr(g->said, "\"type\":\"lagged\""));
    assert_non_null(strstr(g->said, "\"lagged\":{\"count\":3}"));
    END;
}

TEST(without_the_tl_of_updates_what_is_nothing_else_is_not_kept)
{
    uint8_t bytes[8] = {0};
    struct mt_fx raw = {.kind = MT_FX_UPDATE, .p = bytes, .n = sizeof bytes, .date = 1790000000};
    BEGIN;
    tl_store32(bytes, TL_updateStickerSets);
    g->accounts[0].no_raw = true;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"types\":[\"raw\"]}}");
    rpc_render(g->r, g->now, 1, &raw, collect, g);
    assert_int_equal(g->n_events, 0);
    assert_int_equal(lines(rig_read(g, g->c)), 1);
    assert_non_null(strstr(g->said, "\"raw\":{\"_\":\"updateStickerSets\""));
    END;
}

TEST(fields_of_a_subscription_shape_its_events)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"fields\":[\"message.text\"]}}");
    message(g, 1, "a");
    assert_string_equal(rig_read(g, g->c),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":1,"
                        "\"message\":{\"text\":\"a\"},\"cursor\":\"1.1\",\"type\":\"message\"}}\n");
    END;
}

TEST(a_subscriber_may_half_close)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"subscribe\"}");
    rpc_eof(g->c, g->now);
    assert_false(rpc_is_done(g->c));
    message(g, 1, "a");
    assert_int_equal(lines(rig_read(g, g->c)), 1);
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_is_the_stored_body_behind_a_short_head),
        cmocka_unit_test(filters_let_through_what_fits_all_of_them),
        cmocka_unit_test(a_filter_that_makes_no_sense_is_refused_with_its_path),
        cmocka_unit_test(since_says_where_a_subscription_begins),
        cmocka_unit_test(a_name_keeps_the_place_of_its_last_ack),
        cmocka_unit_test(a_name_has_one_holder_until_it_is_taken_over),
        cmocka_unit_test(a_takeover_that_cannot_begin_ends_nobody),
        cmocka_unit_test(auto_acks_follow_the_bytes_that_left),
        cmocka_unit_test(seek_goes_back),
        cmocka_unit_test(get_events_is_one_call_per_turn_of_a_shell_loop),
        cmocka_unit_test(wait_event_answers_the_first_that_fits_or_times_out),
        cmocka_unit_test(what_left_the_journal_is_told_once),
        cmocka_unit_test(a_slow_client_costs_its_place_and_not_memory),
        cmocka_unit_test(a_heartbeat_comes_when_nothing_else_does),
        cmocka_unit_test(logins_and_connections_are_live_and_gaps_are_kept),
        cmocka_unit_test(an_update_without_a_view_is_an_event_of_type_raw),
        cmocka_unit_test(what_became_of_an_account_stands_beside_its_name),
        cmocka_unit_test(an_account_without_a_journal_is_told_as_it_happens),
        cmocka_unit_test(who_reads_too_slowly_is_told_how_many_unkept_events_were_missed),
        cmocka_unit_test(without_the_tl_of_updates_what_is_nothing_else_is_not_kept),
        cmocka_unit_test(fields_of_a_subscription_shape_its_events),
        cmocka_unit_test(a_subscriber_may_half_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
