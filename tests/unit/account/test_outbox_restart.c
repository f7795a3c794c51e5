/* The outbox over restarts and lost answers, and sends that wait for a network (protocol.md 5.10; api.md 8).
 */
#include "tests/unit/account/sends.h"

/* --- restarts and lost answers --- */

static void unsent_rows_go_out_again_with_the_same_random_id(void **state)
{
    struct abench *b = ab_ready();
    int64_t first;

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 30);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 30);
    ab_turn(b);
    first = random_id(fake_req(2, "messages.sendMessage"));
    ab_restart(b);
    ab_turn(b);
    assert_string_equal(fake_open(2), "messages.sendMessage");
    assert_true(random_id(fake_req(2, "messages.sendMessage")) == first);
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_expect(b, "NewMessage 8 | state 11 0 1 | row 2 told | row 1"); /* the second follows the first */
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "two");
    ab_done(b);
}

static void random_id_duplicate_is_success(void **state) /* trap 38 */
{
    struct abench *b = ab_ready();
    int64_t id;

    send_to(b, 1, 7, TEXT(7, "hi"), NULL, 30);
    ab_turn(b);
    id = random_id(fake_req(2, "messages.sendMessage"));
    fake_error(2, "messages.sendMessage", 500, "RANDOM_ID_DUPLICATE");
    ab_wait(b, 0);
    ab_expect(b, "");
    assert_string_equal(fake_open(2), "updates.getDifference");
    fake_result(
        2, "updates.getDifference", "updates.Difference",
        fmt("{\"_\":\"updates.difference\",\"new_messages\":[],\"new_encrypted_messages\":[],"
            "\"other_updates\":[{\"_\":\"updateMessageID\",\"id\":8,\"random_id\":\"%lld\"}],\"chats\":[],"
            "\"users\":[],\"state\":{\"_\":\"updates.state\",\"pts\":11,\"qts\":5,\"date\":1,\"seq\":1,"
            "\"unread_count\":0}}",
            (long long)id));
    ab_wait(b, 0);
    ab_expect(b, "MessageID 8 rec | state 11 5 1 | row 2 | reply 1 RESULT");
    assert_non_null(strstr(b->last, "\"id\":8"));
    ab_done(b);
}

static void a_number_that_came_before_the_duplicate_is_used(void **state)
{
    struct abench *b = ab_ready();
    int64_t id;

    send_to(b, 1, 7, TEXT(7, "hi"), NULL, 30);
    ab_turn(b);
    id = random_id(fake_req(2, "messages.sendMessage"));
    fake_push(
        2,
        fmt("{\"_\":\"updateShort\",\"update\":{\"_\":\"updateMessageID\",\"id\":9,\"random_id\":\"%lld\"},"
            "\"date\":1}",
            (long long)id),
        0);
    ab_wait(b, 0);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 500, "RANDOM_ID_DUPLICATE");
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 1 RESULT");
    assert_non_null(strstr(b->last, "\"id\":9"));
    ab_done(b);
}

static void a_number_that_never_comes_does_not_keep_the_caller(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), NULL, 100);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 500, "RANDOM_ID_DUPLICATE");
    ab_wait(b, 0);
    ab_turn(b);
    ab_wait(b, 30000); /* the difference does not come: then it is looked for, and not found */
    ab_turn(b);
    fake_result(2, "messages.search", "messages.Messages", NOTHING);
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 1 RESULT");
    ab_done(b);
}

static void a_row_sent_a_day_ago_is_not_sent_again(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), NULL, 30);
    ab_turn(b);
    b->now.wall += (MT_RESEND_LIFE + 1) * MT_US_PER_S;
    ab_restart(b);
    ab_turn(b);
    assert_string_equal(fake_open(2), "messages.search");
    fake_result(2, "messages.search", "messages.Messages", NOTHING);
    ab_wait(b, 0);
    ab_expect(b, "row 3 told");
    assert_string_equal(fake_open(2), "");
    ab_done(b);
}

static const char *history(const char *messages)
{
    return fmt("{\"_\":\"messages.messages\",\"messages\":[%s],\"topics\":[],\"chats\":[],\"users\":[]}",
               messages);
}

static const char *message(int id, int date, const char *text, bool out)
{
    return fmt(
        "{\"_\":\"message\",%s\"id\":%d,\"peer_id\":{\"_\":\"peerUser\",\"user_id\":\"7\"},\"date\":%d,"
        "\"message\":\"%s\"}",
        out ? "\"out\":true," : "", id, date, text);
}

static void a_row_sent_a_day_ago_is_found_by_what_it_says(void **state)
{
    const int then = 1700000000;
    struct abench *b = ab_ready();
    struct tl_view v;

    send_to(b, 1, 7, TEXT(7, "hi "), NULL, 30);
    ab_turn(b);
    b->now.wall += (MT_RESEND_LIFE + 1) * MT_US_PER_S;
    ab_restart(b);
    ab_turn(b);
    v = view_of(fake_req(2, "messages.search")->body);
    assert_true(tl_get_int(&v, TLF_messages_search__min_date) == then - 60);
    /* the first since then, of ours, that says the same */
    fake_result(2, "messages.search", "messages.Messages",
                history(fmt("%s,%s,%s,%s,%s", message(29, then + 9000, "hi", true),
                            message(28, then + 8000, "hi there", true), message(27, then + 2, "hi", true),
                            message(26, then + 1, "hi", false), message(25, then - 100, "hi", true))));
    ab_wait(b, 0);
    ab_expect(b, "row 2 told");
    assert_non_null(strstr((const char *)b->mem.rows[0].row.result.p, "\"id\":27"));
    ab_done(b);
}

/* The first copy was executed, its answer lost; the second is refused: SLOWMODE_WAIT because of the first. */
static void a_refused_repeat_is_no_refusal_where_the_first_is_found(void **state)
{
    static const struct {
        const char *found, *row;
    } cases[] = {{"hi", "row 2 | reply 1 RESULT"}, {"other", "row 3 | reply 1 RPC_ERROR 400 PEER_FLOOD"}};

    for (size_t i = 0; i < 2; i++) {
        struct abench *b = ab_ready();

        send_to(b, 1, 7, TEXT(7, "hi"), NULL, 100);
        ab_turn(b);
        fake_error_again(2, "messages.sendMessage", 400, "PEER_FLOOD");
        ab_wait(b, 0);
        ab_expect(b, ""); /* nobody is told yet */
        fake_result(2, "messages.search", "messages.Messages",
                    history(message(27, (int)(b->now.wall / MT_US_PER_S), cases[i].found, true)));
        ab_wait(b, 0);
        ab_expect(b, cases[i].row);
        ab_done(b);
    }
}

/* state.db is lost, and with it what updates told: the server knows the random_id, and nothing else does. */
static void a_repeat_after_everything_was_lost_finds_the_first_message(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), "key", 30);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 500, "RANDOM_ID_DUPLICATE");
    ab_wait(b, 0);
    ab_turn(b);
    fake_result(2, "updates.getDifference", "updates.Difference",
                "{\"_\":\"updates.differenceEmpty\",\"date\":100,\"seq\":1}");
    ab_wait(b, 0);
    ab_turn(b);
    fake_result(2, "messages.search", "messages.Messages",
                history(fmt("%s,%s", message(29, 1, "hi", true), message(28, 1, "hi", true))));
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 1 RESULT");
    assert_non_null(strstr(b->last, "\"id\":29"));
    ab_done(b);
}

/* --- queued --- */

static int queue_to(struct abench *b, uint64_t token, const char *params, const char *dedup, int64_t seconds)
{
    struct mt_send send = {.token = token,
                           .method = "messages.sendMessage",
                           .params = params,
                           .chat = 7,
                           .dedup = dedup,
                           .dedup_len = dedup ? strlen(dedup) : 0,
                           .queue = true,
                           .expires = b->now.mono + seconds * MT_US_PER_S};

    return mt_account_send(b->a, b->now, &send);
}

static void a_queued_send_is_answered_by_its_row_and_sent_later(void **state)
{
    struct abench *b = ab_ready();

    assert_int_equal(queue_to(b, 1, TEXT(7, "hi"), NULL, 86400), MT_OK);
    ab_expect(b, "row 1 | reply 1 OK");
    assert_true(b->reply.send_id == b->mem.rows[0].row.id);
    fake_failed(2, "messages.sendMessage", MT_E_STATE, MT_SENT_NO); /* whatever happens on the way */
    ab_wait(b, 0);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "FLOOD_WAIT_600");
    ab_wait(b, 0);
    ab_turn(b);
    ab_wait(b, 600000);
    ab_turn(b);
    for (int i = 0; i < 10; i++) {
        fake_error(2, "messages.sendMessage", 500, "WORKER_BUSY_TOO_LONG_RETRY");
        ab_wait(b, 0);
        ab_wait(b, 64000);
    }
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_expect(b, "row 2 told"); /* its update waits for the difference of the silent minutes */
    ab_done(b);
}

static void a_queued_send_survives_a_restart_and_expires(void **state)
{
    struct abench *b = ab_ready();

    queue_to(b, 1, TEXT(7, "one"), NULL, 86400);
    queue_to(b, 2, TEXT(7, "two"), NULL, 10);
    ab_expect(b, "row 1 | reply 1 OK | row 0 | reply 2 OK");
    ab_wait(b, 10000);
    ab_expect(b, "row 4 told");
    ab_restart(b);
    ab_turn(b);
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "one");
    fake_failed(2, "messages.sendMessage", MT_E_TIMEOUT, MT_SENT_NO);
    ab_wait(b, 86400000); /* the process that died may have sent it */
    ab_turn(b);
    fake_result(2, "updates.getDifference", "updates.Difference",
                "{\"_\":\"updates.differenceEmpty\",\"date\":100,\"seq\":1}");
    ab_wait(b, 0);
    ab_turn(b);
    fake_result(2, "messages.search", "messages.Messages", NOTHING);
    ab_wait(b, 0);
    ab_expect(b, "row 3 told");
    ab_done(b);
}

static void a_queued_send_that_a_log_out_ends_is_told(void **state)
{
    struct abench *b = ab_ready();
    const char *said;

    queue_to(b, 1, TEXT(7, "one"), NULL, 86400);
    queue_to(b, 2, TEXT(7, "two"), NULL, 86400);
    ab_turn(b);
    fake_event(2, MT_DC_KEY_LOST);
    ab_wait(b, 0);
    said = ab_turn(b); /* before the account forgets whose they were */
    assert_non_null(strstr(said, "row 3 told | row 3 told | "));
    assert_int_equal(b->mem.n_rows, 2);
    assert_string_equal(b->mem.rows[0].result, "{\"sent\":\"unknown\"}"); /* its first byte may have left */
    assert_non_null(strstr(b->mem.rows[1].result, "\"code\":401"));
    ab_done(b);
}

static void a_queued_send_keeps_its_time_over_restarts(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "first"), NULL, 30);
    queue_to(b, 2, TEXT(7, "short"), NULL, 10);
    queue_to(b, 3, TEXT(7, "long"), NULL, 3 * 86400);
    ab_turn(b);
    b->now.wall += 2 * 86400 * MT_US_PER_S; /* the machine was off */
    ab_restart(b);
    ab_expect(b, "row 4 told | connect 2 | connected | state 10 0 1");
    assert_int_equal(b->mem.rows[1].row.state, MT_SEND_EXPIRED);
    assert_int_equal(b->mem.rows[2].row.state, MT_SEND_WAITING); /* behind the first, which is looked for */
    fake_result(2, "messages.search", "messages.Messages", NOTHING);
    ab_wait(b, 0);
    ab_turn(b);
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "long");
    ab_done(b);
}

/* However long it may be tried: a day after its first byte the server may have forgotten its random_id. */
static void a_queued_send_of_yesterday_is_looked_for(void **state)
{
    struct abench *b = ab_ready();

    queue_to(b, 1, TEXT(7, "hi"), NULL, 7 * 86400);
    ab_turn(b);
    b->now.wall += (MT_RESEND_LIFE + 1) * MT_US_PER_S;
    ab_restart(b);
    ab_turn(b);
    assert_string_equal(fake_open(2), "messages.search");
    ab_done(b);
}

static void the_end_of_a_queued_send_is_told_although_somebody_waits(void **state)
{
    struct abench *b = ab_ready();

    queue_to(b, 1, TEXT(7, "hi"), "key", 100);
    send_to(b, 2, 7, TEXT(7, "hi"), "key", 30);
    ab_expect(b, "row 1 | reply 1 OK");
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_expect(b, "NewMessage 8 own2 | state 11 0 1 | row 2 told | reply 2 RESULT");
    ab_done(b);
}

static void a_queued_repeat_names_the_send_that_runs(void **state)
{
    struct abench *b = ab_ready();
    int64_t id;

    send_to(b, 1, 7, TEXT(7, "hi"), "key", 30);
    ab_turn(b);
    id = b->mem.rows[0].row.id;
    queue_to(b, 2, TEXT(7, "hi"), "key", 100);
    ab_expect(b, "reply 2 OK");
    assert_true(b->reply.send_id == id);
    ab_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsent_rows_go_out_again_with_the_same_random_id),
        cmocka_unit_test(random_id_duplicate_is_success),
        cmocka_unit_test(a_number_that_came_before_the_duplicate_is_used),
        cmocka_unit_test(a_number_that_never_comes_does_not_keep_the_caller),
        cmocka_unit_test(a_row_sent_a_day_ago_is_not_sent_again),
        cmocka_unit_test(a_row_sent_a_day_ago_is_found_by_what_it_says),
        cmocka_unit_test(a_refused_repeat_is_no_refusal_where_the_first_is_found),
        cmocka_unit_test(a_repeat_after_everything_was_lost_finds_the_first_message),
        cmocka_unit_test(a_queued_send_is_answered_by_its_row_and_sent_later),
        cmocka_unit_test(a_queued_send_survives_a_restart_and_expires),
        cmocka_unit_test(a_queued_send_that_a_log_out_ends_is_told),
        cmocka_unit_test(a_queued_send_keeps_its_time_over_restarts),
        cmocka_unit_test(a_queued_send_of_yesterday_is_looked_for),
        cmocka_unit_test(the_end_of_a_queued_send_is_told_although_somebody_waits),
        cmocka_unit_test(a_queued_repeat_names_the_send_that_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
