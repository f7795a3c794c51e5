/*
 * Finding out what became of a write whose answer was lost, before it is made again or told: sends by their
 * text among ours of that time, edits by the message itself.
 */
#include "tests/unit/account/sends.h"

static const char *history(const char *messages)
{
    return fmt("{\"_\":\"messages.messages\",\"messages\":[%s],\"topics\":[],\"chats\":[],\"users\":[]}",
               messages);
}

static const char *message(int id, int date, const char *text)
{
    return fmt("{\"_\":\"message\",\"out\":true,\"id\":%d,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":\"7\"},"
               "\"date\":%d,\"message\":\"%s\"}",
               id, date, text);
}

static int now_of(const struct abench *b)
{
    return (int)(b->now.wall / MT_US_PER_S);
}

static void duplicate(struct abench *b)
{
    fake_error_again(2, "messages.sendMessage", 500, "RANDOM_ID_DUPLICATE");
    ab_wait(b, 0);
    ab_turn(b);
    fake_result(2, "updates.getDifference", "updates.Difference",
                "{\"_\":\"updates.differenceEmpty\",\"date\":100,\"seq\":1}");
    ab_wait(b, 0);
    ab_turn(b);
}

static void looked(struct abench *b, const char *messages)
{
    fake_result(2, "messages.search", "messages.Messages", history(messages));
    ab_wait(b, 0);
}

/* --- sends --- */

static void what_was_said_before_is_not_what_was_sent(void **state)
{
    struct abench *b = ab_ready();
    const int then = now_of(b);
    struct tl_view v;

    send_to(b, 1, 7, TEXT(7, "good morning"), NULL, 100);
    ab_turn(b);
    duplicate(b);
    v = view_of(fake_req(2, "messages.search")->body);
    assert_int_equal(tl_get_int(&v, TLF_messages_search__min_date), then - 60);
    looked(b,
           fmt("%s,%s", message(20, then - 86400, "good morning"), message(19, then - 900, "good morning")));
    ab_expect(b, "row 2 | reply 1 RESULT"); /* it was sent, under a number that nobody knows */
    assert_null(strstr(b->last, "updateMessageID"));
    ab_done(b);
}

static void of_two_since_then_it_is_the_first(void **state)
{
    struct abench *b = ab_ready();
    const int then = now_of(b);

    send_to(b, 1, 7, TEXT(7, "hi"), NULL, 100);
    ab_turn(b);
    duplicate(b);
    looked(b, fmt("%s,%s,%s", message(23, then + 40, "hi"), message(22, then + 1, "hi"),
                  message(21, then - 30, "hi")));
    ab_expect(b, "row 2 | reply 1 RESULT");
    assert_non_null(strstr(b->last, "\"id\":22"));
    ab_done(b);
}

static void a_message_of_another_send_is_not_taken_for_this_one(void **state)
{
    struct abench *b = ab_ready();
    const int then = now_of(b);

    send_to(b, 1, 7, TEXT(7, "hi"), NULL, 100);
    ab_turn(b);
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(21, 11));
    ab_wait(b, 0);
    ab_turn(b);
    send_to(b, 2, 7, TEXT(7, "hi"), NULL, 100);
    ab_turn(b);
    duplicate(b);
    looked(b, fmt("%s,%s", message(22, then + 3, "hi"), message(21, then + 1, "hi")));
    ab_expect(b, "row 2 | reply 2 RESULT");
    assert_non_null(strstr(b->last, "\"id\":22"));
    ab_done(b);
}

static void where_there_are_more_than_can_be_seen_nothing_is_denied(void **state)
{
    for (int n = 99; n <= 100; n++) {
        struct abench *b = ab_ready();
        struct tl_slice empty = tl_of("messages.Messages", history("")), m;
        struct tl_out out = {0};

        send_to(b, 1, 7, TEXT(7, "hi"), NULL, 100);
        ab_turn(b);
        fake_error_again(2, "messages.sendMessage", 400, "PEER_FLOOD");
        ab_wait(b, 0);
        ab_turn(b);
        m = tl_of("Message", message(300, now_of(b), "no"));
        tl_put_raw(&out, empty.p, 4);
        tl_put_vector(&out, (uint32_t)n);
        for (int i = 0; i < n; i++)
            tl_put_raw(&out, m.p, m.n);
        tl_put_raw(&out, empty.p + 12, empty.n - 12);
        fake_result_call(2, "messages.search", (struct tl_slice){out.data, out.len});
        ab_wait(b, 0);
        tl_out_free(&out);
        ab_expect(b, n < 100 ? "row 3 | reply 1 RPC_ERROR 400 PEER_FLOOD"
                             : "row 3 | reply 1 TIMEOUT sent:unknown");
        ab_done(b);
    }
}

/* --- edits --- */

#define EDIT "{" PEER(7) ",\"id\":4,\"message\":\"new\"}"

static void edit(struct abench *b, uint64_t token, int64_t seconds)
{
    struct mt_send send = {.token = token,
                           .method = "messages.editMessage",
                           .params = EDIT,
                           .chat = 7,
                           .deadline = b->now.mono + seconds * MT_US_PER_S};

    assert_int_equal(mt_account_send(b->a, b->now, &send), MT_OK);
    ab_turn(b);
}

static const char *edited(const char *text, int edit_date)
{
    return fmt("{\"_\":\"message\",\"out\":true,\"id\":4,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":\"7\"},"
               "\"date\":5,\"message\":\"%s\"%s}",
               text, edit_date ? fmt(",\"edit_date\":%d", edit_date) : "");
}

/* The connection goes with the answer; the message is looked at before anything is repeated. */
static struct abench *lost_edit(void)
{
    struct abench *b = ab_ready();

    edit(b, 1, 30000);
    assert_false(fake_req(2, "messages.editMessage")->flags & MT_REQ_REPEATABLE);
    fake_failed(2, "messages.editMessage", MT_E_STATE, MT_SENT_UNKNOWN);
    ab_wait(b, 0);
    ab_expect(b, "");
    assert_string_equal(fake_open(2), "messages.getMessages");
    return b;
}

static void an_edit_that_is_there_is_not_made_again(void **state)
{
    struct abench *b = lost_edit();

    fake_result(2, "messages.getMessages", "messages.Messages", history(edited("new", now_of(b) + 1)));
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 1 RESULT");
    ab_done(b);
}

static void an_edit_that_is_not_there_is_made_again(void **state)
{
    static const int edits[] = {0, -1000}; /* never edited, and before ours */

    for (size_t i = 0; i < 2; i++) {
        struct abench *b = lost_edit();

        fake_result(2, "messages.getMessages", "messages.Messages",
                    history(edited("old", edits[i] ? now_of(b) + edits[i] : 0)));
        ab_wait(b, 0);
        ab_expect(b, "");
        assert_string_equal(fake_open(2), "messages.editMessage");
        ab_done(b);
    }
}

static void a_newer_edit_from_elsewhere_is_not_written_over(void **state)
{
    struct abench *b = lost_edit();

    ab_wait(b, 3600000);
    ab_turn(b);
    fake_result(2, "messages.getMessages", "messages.Messages", history(edited("newer", now_of(b) - 60)));
    ab_wait(b, 0);
    ab_expect(b, "row 3 | reply 1 TIMEOUT sent:unknown");
    ab_done(b);
}

static void an_edit_of_a_dead_process_is_looked_at_first(void **state)
{
    struct abench *b = ab_ready();

    edit(b, 1, 30);
    ab_restart(b);
    ab_turn(b);
    assert_string_equal(fake_open(2), "messages.getMessages");
    fake_result(2, "messages.getMessages", "messages.Messages", history(edited("new", now_of(b))));
    ab_wait(b, 0);
    ab_expect(b, "row 2 told");
    ab_done(b);
}

/* --- bounds, memory --- */

static void ten_thousand_wait_and_no_more(void **state)
{
    struct mt_fxq fxq;
    struct env env;
    uint8_t secret[32] = {0};
    struct mt_outbox_cfg cfg = {.env = &env.env, .fxq = &fxq, .secret = secret};
    struct mt_send send = {.method = "messages.sendMessage",
                           .params = TEXT(7, "x"),
                           .chat = 7,
                           .queue = true,
                           .expires = 90000 * MT_US_PER_S};
    struct mt_now now = {MT_US_PER_S, 1700000000 * MT_US_PER_S};
    struct mt_outbox *ob;

    env_init(&env, 1);
    mt_fxq_init(&fxq);
    ob = mt_outbox_new(&cfg);
    for (int i = 0; i < MT_OUTBOX_ROWS; i++) {
        send.token = (uint64_t)i + 1;
        assert_int_equal(mt_outbox_submit(ob, now, &send), MT_OK);
        if (i % 100 == 0)
            fx_drain(&fxq, NULL);
    }
    fx_drain(&fxq, NULL);
    assert_int_equal(mt_outbox_submit(ob, now, &send), MT_E_TOO_LARGE);
    assert_string_equal(fx_drain(&fxq, NULL), ""); /* and nothing was written */
    assert_int_equal(mt_outbox_withdraw(ob, now, mt_ob_by_id(ob, 1700000000 * MT_US_PER_S + 5)->id), MT_OK);
    assert_int_equal(mt_outbox_submit(ob, now, &send), MT_OK);
    mt_outbox_free(ob);
    mt_fxq_fini(&fxq);
}

/* Two rows; the first time the second cannot be read. */
static int unsent(void *ctx, int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    static const char text[] = TEXT(7, "x");
    struct mt_outbox_row r = {.id = 1,
                              .chat = 7,
                              .random_id = 5,
                              .method = {(const uint8_t *)"messages.sendMessage", 20},
                              .params = {(const uint8_t *)text, sizeof text - 1},
                              .created = 1700000000,
                              .flags = MT_SEND_QUEUED};

    row(arg, &r);
    if (!(*(int *)ctx)++)
        return MT_E_NOMEM;
    r.id = 2;
    r.random_id = 6;
    row(arg, &r);
    return MT_OK;
}

static void what_could_not_be_loaded_is_loaded_a_second_later(void **state)
{
    int times = 0;
    struct store_ops store = {.ctx = &times, .each_unsent = unsent};
    struct mt_fxq fxq;
    struct env env;
    uint8_t secret[32] = {0};
    struct mt_outbox_cfg cfg = {.env = &env.env, .fxq = &fxq, .secret = secret, .store = &store};
    struct mt_now now = {MT_US_PER_S, 1700000000 * MT_US_PER_S};
    struct mt_outbox *ob;

    env_init(&env, 1);
    mt_fxq_init(&fxq);
    ob = mt_outbox_new(&cfg);
    mt_outbox_load(ob, now);
    assert_int_equal(mt_outbox_open(ob), 1);
    assert_true(mt_outbox_deadline(ob) == now.mono + MT_US_PER_S);
    now.mono += MT_US_PER_S;
    mt_outbox_tick(ob, now);
    assert_int_equal(mt_outbox_open(ob), 2); /* the first is there once */
    assert_int_equal(times, 2);
    assert_true(mt_outbox_deadline(ob) > now.mono + MT_US_PER_S);
    mt_outbox_free(ob);
    mt_fxq_fini(&fxq);
}

static void a_throttle_of_who_pays_nothing_only_delays(void **state) /* trap 82 */
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), NULL, 5);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "FLOOD_PREMIUM_WAIT_20"); /* beyond flood_wait and deadline */
    ab_wait(b, 0);
    ab_expect(b, "row 0");
    ab_wait(b, 4000);
    ab_expect(b, "");
    send_to(b, 2, 7, TEXT(7, "second"), NULL, 100);
    ab_expect(b, "row 0");
    ab_wait(b, 1000);
    ab_expect(b, "row 4 | reply 1 TIMEOUT sent:no | row 1");
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "second");
    fake_error(2, "messages.sendMessage", 420, "FLOOD_PREMIUM_WAIT_20");
    ab_wait(b, 0);
    ab_turn(b);
    ab_wait(b, 20000);
    ab_turn(b);
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "reply 2 RESULT"));
    ab_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_before_is_not_what_was_sent),
        cmocka_unit_test(of_two_since_then_it_is_the_first),
        cmocka_unit_test(a_message_of_another_send_is_not_taken_for_this_one),
        cmocka_unit_test(where_there_are_more_than_can_be_seen_nothing_is_denied),
        cmocka_unit_test(an_edit_that_is_there_is_not_made_again),
        cmocka_unit_test(an_edit_that_is_not_there_is_made_again),
        cmocka_unit_test(a_newer_edit_from_elsewhere_is_not_written_over),
        cmocka_unit_test(an_edit_of_a_dead_process_is_looked_at_first),
        cmocka_unit_test(ten_thousand_wait_and_no_more),
        cmocka_unit_test(what_could_not_be_loaded_is_loaded_a_second_later),
        cmocka_unit_test(a_throttle_of_who_pays_nothing_only_delays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
