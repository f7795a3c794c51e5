/* Lanes, waits that the server asks for, taking back, writes without a random_id (api.md 8; pains.md 5). */
#include "tests/unit/account/sends.h"

#define FORWARDED "\"from_peer\":{\"_\":\"inputPeerSelf\"},\"to_peer\":{\"_\":\"inputPeerSelf\"}"
#define GROUP     "{\"peer\":{\"_\":\"inputPeerChat\",\"chat_id\":\"9\"},\"message\":\"g\"}"

static void write_to(struct abench *b, uint64_t token, const char *method, const char *params,
                     const char *dedup)
{
    struct mt_send send = {.token = token,
                           .method = method,
                           .params = params,
                           .chat = 7,
                           .dedup = dedup,
                           .dedup_len = dedup ? strlen(dedup) : 0,
                           .deadline = b->now.mono + 30 * MT_US_PER_S};

    assert_int_equal(mt_account_send(b->a, b->now, &send), MT_OK);
}

static void answer(struct abench *b, int id, int pts)
{
    fake_result(2, "messages.sendMessage", "Updates",
                fmt("{\"_\":\"updateShortSentMessage\",\"out\":true,\"id\":%d,\"pts\":%d,\"pts_count\":1,"
                    "\"date\":123}",
                    id, pts));
    ab_wait(b, 0);
}

/* --- waits --- */

static void a_slow_mode_holds_its_chat_alone(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 100);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "SLOWMODE_WAIT_5");
    ab_wait(b, 0);
    ab_expect(b, "row 0");
    send_to(b, 3, 8, TEXT(8, "other"), NULL, 100);
    ab_turn(b);
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "other");
    answer(b, 8, 11);
    ab_turn(b);
    ab_wait(b, 4999);
    ab_expect(b, "");
    ab_wait(b, 1);
    ab_turn(b);
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "one");
    ab_done(b);
}

static void a_slow_mode_is_remembered_after_it_was_answered(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 100);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "SLOWMODE_WAIT_60");
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "row 3 | reply 1 RPC_ERROR 420 SLOWMODE_WAIT_60"));
    assert_true(b->reply.seconds == 60 && b->reply.local); /* the second was refused here */
    assert_string_equal(fake_open(2), "");
    write_to(b, 3, "messages.editMessage", "{" PEER(7) ",\"id\":4,\"message\":\"x\"}", NULL);
    ab_turn(b);
    assert_string_equal(fake_open(2), "messages.editMessage"); /* an edit is no message */
    ab_done(b);
}

static void a_flood_wait_holds_its_method_in_chats_of_one_class(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "FLOOD_WAIT_8");
    ab_wait(b, 0);
    ab_expect(b, "row 0");
    send_to(b, 2, 8, TEXT(8, "other"), NULL, 100);
    ab_expect(b, "row 1 | row 0"); /* nobody was asked, it waits too */
    assert_string_equal(fake_open(2), "");
    send_to(b, 3, -9, GROUP, NULL, 100);
    write_to(b, 4, "messages.deleteMessages", "{\"id\":[3]}", NULL);
    ab_turn(b);
    assert_string_equal(fake_open(2), "messages.sendMessage"); /* the deletion is behind "one" in its lane */
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "g");
    send_to(b, 5, 10, TEXT(10, "impatient"), NULL, 5);
    ab_expect(b, "row 1 | row 3 | reply 5 RPC_ERROR 420 FLOOD_WAIT_8 local");
    ab_wait(b, 8000);
    ab_turn(b);
    assert_string_equal(fake_open(2), "messages.sendMessage messages.sendMessage messages.sendMessage");
    ab_done(b);
}

static void a_wait_of_zero_is_answered_at_once_and_peer_flood_is_final(void **state)
{
    struct abench *b = ab_ready();
    struct mt_send send = {.token = 1,
                           .method = "messages.sendMessage",
                           .params = TEXT(7, "one"),
                           .chat = 7,
                           .deadline = b->now.mono + 30 * MT_US_PER_S};

    assert_int_equal(mt_account_send(b->a, b->now, &send), MT_OK);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "FLOOD_WAIT_1");
    ab_wait(b, 0);
    ab_expect(b, "row 3 | reply 1 RPC_ERROR 420 FLOOD_WAIT_1");
    ab_wait(b, 1000);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 30);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 400, "PEER_FLOOD");
    ab_wait(b, 0);
    ab_expect(b, "row 3 | reply 2 RPC_ERROR 400 PEER_FLOOD");
    ab_done(b);
}

static void what_waits_may_be_taken_back_and_its_time_left_is_shown(void **state)
{
    struct abench *b = ab_ready();
    struct mt_send_stage stage;
    int64_t one, two;

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 100);
    ab_turn(b);
    one = b->mem.rows[0].row.id;
    two = b->mem.rows[1].row.id;
    assert_int_equal(mt_account_cancel_send(b->a, b->now, one), MT_E_STATE); /* a byte may have left */
    fake_error(2, "messages.sendMessage", 420, "FLOOD_WAIT_8");
    ab_wait(b, 2500);
    ab_turn(b);
    assert_true(mt_account_send_stage(b->a, b->now, one, &stage));
    assert_string_equal(stage.name, "waiting");
    assert_int_equal(stage.seconds, 8);
    assert_true(mt_account_send_stage(b->a, b->now, two, &stage));
    assert_string_equal(stage.name, "queued");
    assert_int_equal(stage.before, 1);
    assert_int_equal(mt_account_cancel_send(b->a, b->now, one), MT_OK);
    ab_expect(
        b, "row 5 told | reply 1 CANCELLED sent:no | row 1 | row 0"); /* the next is behind the same wait */
    ab_wait(b, 8000);
    ab_turn(b);
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "two");
    assert_int_equal(mt_account_cancel_send(b->a, b->now, one), MT_E_NOT_FOUND);
    ab_done(b);
}

/* The first copy was cut off, the second was told to wait: the first may have been executed. */
static void what_may_have_been_executed_before_its_wait_is_not_taken_back(void **state)
{
    struct abench *b = ab_ready();
    int64_t id;

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 500, "RPC_CALL_FAIL");
    ab_wait(b, 0);
    ab_wait(b, 1000);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "FLOOD_WAIT_8");
    ab_wait(b, 0);
    ab_expect(b, ""); /* its row goes on saying that it may have been sent */
    id = b->mem.rows[0].row.id;
    assert_int_equal(mt_account_cancel_send(b->a, b->now, id), MT_E_STATE);
    mt_account_cancel(b->a, b->now, 1);
    ab_expect(b, "reply 1 CANCELLED sent:unknown");
    ab_wait(b, 8000);
    answer(b, 8, 11);
    assert_non_null(strstr(ab_turn(b), "row 2 told"));
    ab_done(b);
}

static void without_a_connection_a_send_is_taken_back(void **state)
{
    struct abench *b = ab_ready();

    fake_down(2);
    ab_wait(b, 0);
    ab_turn(b);
    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 8, TEXT(8, "two"), NULL, 100);
    ab_turn(b);
    mt_account_cancel(b->a, b->now, 1);
    ab_expect(b, "row 5 | reply 1 CANCELLED sent:no");
    assert_int_equal(mt_account_cancel_send(b->a, b->now, b->mem.rows[1].row.id), MT_OK);
    ab_expect(b, "row 5 told | reply 2 CANCELLED sent:no");
    assert_string_equal(fake_open(2), "");
    ab_done(b);
}

/* --- lanes --- */

static void what_is_not_ordered_stands_in_no_lane(void **state)
{
    struct abench *b = ab_ready();
    struct mt_send loose = {.token = 2,
                            .method = "messages.sendMessage",
                            .params = TEXT(7, "loose"),
                            .chat = 7,
                            .dedup = "k",
                            .dedup_len = 1,
                            .unordered = true,
                            .deadline = MT_NEVER};

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    assert_int_equal(mt_account_send(b->a, b->now, &loose), MT_OK);
    ab_expect(b, "row 1 | row 1");
    assert_string_equal(fake_open(2), "messages.sendMessage messages.sendMessage");
    loose.token = 3;
    assert_int_equal(mt_account_send(b->a, b->now, &loose), MT_OK); /* a repeat joins it all the same */
    ab_expect(b, "");
    ab_restart(b);
    ab_turn(b);
    assert_string_equal(fake_open(2), "messages.sendMessage messages.sendMessage");
    ab_done(b);
}

static void who_asks_hears_of_every_stage(void **state)
{
    struct abench *b = ab_ready();
    struct mt_send send = {.token = 2,
                           .method = "messages.sendMessage",
                           .params = TEXT(7, "two"),
                           .chat = 7,
                           .progress = true,
                           .flood_wait = 10,
                           .deadline = MT_NEVER};

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    assert_int_equal(mt_account_send(b->a, b->now, &send), MT_OK);
    ab_expect(b, "row 1 | row 0 | stage 2 queued after 1");
    answer(b, 8, 11);
    ab_expect(b, "NewMessage 8 own1 | state 11 0 1 | row 2 | reply 1 RESULT | row 1 | stage 2 sending");
    fake_error(2, "messages.sendMessage", 420, "FLOOD_WAIT_8");
    ab_wait(b, 0);
    ab_expect(b, "row 0 | stage 2 waiting 8s");
    ab_wait(b, 8000);
    ab_expect(b, "row 1 | stage 2 sending");
    ab_done(b);
}

/* --- writes without a random_id --- */

static void an_edit_that_was_made_already_is_success(void **state)
{
    struct abench *b = ab_ready();

    write_to(b, 1, "messages.editMessage", "{" PEER(7) ",\"id\":4,\"message\":\"x\"}", "e");
    ab_expect(b, "row 1");
    fake_error(2, "messages.editMessage", 400, "MESSAGE_NOT_MODIFIED");
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 1 RESULT");
    write_to(b, 2, "messages.editMessage", "{" PEER(7) ",\"id\":4,\"message\":\"x\"}", "e");
    ab_expect(b, "reply 2 RESULT again");
    write_to(b, 3, "messages.updatePinnedMessage", "{" PEER(7) ",\"id\":4}", NULL);
    ab_turn(b);
    fake_error(2, "messages.updatePinnedMessage", 400, "CHAT_NOT_MODIFIED");
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 3 RESULT");
    write_to(b, 4, "messages.editMessage", "{" PEER(7) ",\"id\":4,\"message\":\"x\"}", NULL);
    ab_turn(b);
    fake_error(2, "messages.editMessage", 400, "MESSAGE_ID_INVALID");
    ab_wait(b, 0);
    ab_expect(b, "row 3 | reply 4 RPC_ERROR 400 MESSAGE_ID_INVALID");
    ab_done(b);
}

/* Of another layer, or damaged: it is done, and is neither done again nor forgotten (trap 69). */
static void an_answer_that_cannot_be_read_is_no_reason_to_do_it_again(void **state)
{
    struct abench *b = ab_ready();

    write_to(b, 1, "messages.editMessage", "{" PEER(7) ",\"id\":4,\"message\":\"x\"}", NULL);
    ab_turn(b);
    fake_result_call(2, "messages.editMessage", (struct tl_slice){(const uint8_t *)"\xde\xad\xbe\xef", 4});
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 1 RESULT");
    assert_string_equal(fake_open(2), "updates.getDifference");
    write_to(b, 2, "messages.editMessage", "{" PEER(7) ",\"id\":4,\"message\":\"y\"}", NULL);
    ab_turn(b);
    fake_failed(2, "messages.editMessage", MT_E_PEER, MT_SENT_YES);
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 2 RESULT");
    assert_string_equal(fake_open(2), "updates.getDifference");
    ab_done(b);
}

static void results_that_are_no_updates_are_kept_too(void **state)
{
    struct abench *b = ab_ready();

    write_to(b, 1, "messages.deleteMessages", "{\"id\":[3]}", "d");
    ab_turn(b);
    fake_result(2, "messages.deleteMessages", "messages.AffectedMessages",
                "{\"_\":\"messages.affectedMessages\",\"pts\":11,\"pts_count\":1}");
    ab_wait(b, 0);
    ab_expect(b, "DeleteMessages own1 | state 11 0 1 | row 2 | reply 1 RESULT"); /* its pts counts: trap 57 */
    write_to(b, 2, "messages.deleteMessages", "{\"id\":[3]}", "d");
    ab_expect(b, "reply 2 RESULT again");
    assert_non_null(strstr(b->last, "\"pts_count\":1"));
    write_to(b, 3, "messages.readDiscussion", "{" PEER(7) ",\"msg_id\":1,\"read_max_id\":2}", "r");
    ab_turn(b);
    fake_result_call(2, "messages.readDiscussion", (struct tl_slice){(const uint8_t *)"\xb5\x75\x72\x99", 4});
    ab_wait(b, 0);
    ab_expect(b, "row 2 | reply 3 RESULT");
    assert_string_equal((const char *)b->mem.rows[1].row.result.p, "true");
    write_to(b, 4, "messages.readDiscussion", "{" PEER(7) ",\"msg_id\":1,\"read_max_id\":2}", "r");
    ab_expect(b, "reply 4 RESULT again");
    ab_done(b);
}

static void a_forward_is_found_by_all_its_numbers(void **state)
{
    struct abench *b = ab_ready();
    int64_t ids[2];
    struct tl_view v;
    struct tl_vec vec;

    write_to(b, 1, "messages.forwardMessages", "{" FORWARDED ",\"id\":[1,2]}", NULL);
    ab_turn(b);
    v = view_of(fake_req(2, "messages.forwardMessages")->body);
    vec = tl_get_vector(&v, TLF_messages_forwardMessages__random_id);
    assert_true(tl_vec_long(&vec, &ids[0]) && tl_vec_long(&vec, &ids[1]));
    fake_error(2, "messages.forwardMessages", 500, "RANDOM_ID_DUPLICATE");
    ab_wait(b, 0);
    ab_expect(b, "");
    fake_result(
        2, "updates.getDifference", "updates.Difference",
        fmt("{\"_\":\"updates.difference\",\"new_messages\":[],\"new_encrypted_messages\":[],"
            "\"other_updates\":[{\"_\":\"updateMessageID\",\"id\":8,\"random_id\":\"%lld\"},"
            "{\"_\":\"updateMessageID\",\"id\":9,\"random_id\":\"%lld\"}],\"chats\":[],"
            "\"users\":[],\"state\":{\"_\":\"updates.state\",\"pts\":11,\"qts\":5,\"date\":1,\"seq\":1,"
            "\"unread_count\":0}}",
            (long long)ids[1], (long long)ids[0]));
    ab_wait(b, 0);
    ab_expect(b, "MessageID 8 rec | MessageID 9 rec | state 11 5 1 | row 2 | reply 1 RESULT");
    assert_non_null(strstr(b->last, "\"id\":9"));
    assert_non_null(strstr(b->last, "\"id\":8"));
    ab_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_mode_holds_its_chat_alone),
        cmocka_unit_test(a_slow_mode_is_remembered_after_it_was_answered),
        cmocka_unit_test(a_flood_wait_holds_its_method_in_chats_of_one_class),
        cmocka_unit_test(a_wait_of_zero_is_answered_at_once_and_peer_flood_is_final),
        cmocka_unit_test(what_waits_may_be_taken_back_and_its_time_left_is_shown),
        cmocka_unit_test(what_may_have_been_executed_before_its_wait_is_not_taken_back),
        cmocka_unit_test(without_a_connection_a_send_is_taken_back),
        cmocka_unit_test(what_is_not_ordered_stands_in_no_lane),
        cmocka_unit_test(who_asks_hears_of_every_stage),
        cmocka_unit_test(an_edit_that_was_made_already_is_success),
        cmocka_unit_test(an_answer_that_cannot_be_read_is_no_reason_to_do_it_again),
        cmocka_unit_test(results_that_are_no_updates_are_kept_too),
        cmocka_unit_test(a_forward_is_found_by_all_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
