/* The outbox: through an account, with data centres by hand (protocol.md 5.10; api.md 8). */
#include "tests/unit/account/sends.h"

#include "core/account/state.h"

static void the_row_is_on_disk_before_the_first_byte(void **state)
{
    struct abench *b = ab_ready();
    struct mt_fx fx;
    bool row = false;

    assert_int_equal(send_to(b, 1, 7, TEXT(7, "hi"), NULL, 30), MT_OK);
    while (mt_account_next(b->a, &fx)) {
        row = row || fx.kind == MT_FX_OUTBOX;
        mem_apply(&b->mem, &fx);
    }
    assert_true(row);
    assert_string_equal(fake_open(2), "");
    assert_int_equal(b->mem.rows[0].row.state, MT_SEND_RUNNING);
    assert_true(b->mem.rows[0].row.first_sent == 1700000000);
    mt_account_committed(b->a, b->now);
    assert_string_equal(fake_open(2), "messages.sendMessage");
    assert_true(random_id(fake_req(2, "messages.sendMessage")) == b->mem.rows[0].row.random_id);
    ab_turn(b);
    ab_done(b);
}

static void a_send_ends_in_one_turn_with_its_event_its_pts_and_its_row(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), NULL, 30);
    ab_expect(b, "row 1");
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_expect(b, "NewMessage 8 own1 | state 11 0 1 | row 2 | reply 1 RESULT");
    /* who waits gets the message whole */
    assert_non_null(strstr(b->last, "{\"_\":\"updateMessageID\",\"id\":8,\"random_id\":"));
    assert_non_null(strstr(b->last, "\"message\":\"hi\""));
    assert_true(b->reply.send_id == b->mem.rows[0].row.id);
    ab_done(b);
}

static void sends_to_one_chat_keep_their_order_and_others_do_not_wait(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 30);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 30);
    send_to(b, 3, 8, TEXT(8, "other"), NULL, 30);
    ab_expect(b, "row 1 | row 0 | row 1");
    assert_string_equal(fake_open(2), "messages.sendMessage messages.sendMessage");
    for (int i = 0; i < 2; i++) {
        struct fake_req *r = fake_req(2, "messages.sendMessage");

        if (!strcmp(said(r), "one"))
            fake_error(2, "messages.sendMessage", 400, "CHAT_WRITE_FORBIDDEN");
        else
            fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    }
    ab_wait(b, 0);
    ab_turn(b);
    /* a failed one does not stop the next */
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "two");
    ab_done(b);
}

static void a_failed_send_says_why_and_frees_its_key(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), "k", 30);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 403, "CHAT_WRITE_FORBIDDEN");
    ab_wait(b, 0);
    ab_expect(b, "row 3 | reply 1 RPC_ERROR 403 CHAT_WRITE_FORBIDDEN");
    send_to(b, 2, 7, TEXT(7, "other"), "k", 30);
    ab_expect(b, "row 1");
    ab_done(b);
}

/* --- dedup --- */

static void a_repeat_gets_the_first_answer(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), "key", 30);
    ab_turn(b);
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_turn(b);
    send_to(b, 2, 7, TEXT(7, "hi"), "key", 30);
    ab_expect(b, "reply 2 RESULT again");
    assert_non_null(strstr(b->last, "\"id\":8"));
    assert_string_equal(fake_open(2), "");
    send_to(b, 3, 7, TEXT(7, "else"), "key", 30);
    ab_expect(b, "reply 3 DEDUP_MISMATCH");
    send_to(b, 4, 8, TEXT(8, "hi"), "key", 30); /* another chat, another scope */
    ab_expect(b, "row 1");
    ab_done(b);
}

static void a_key_is_another_random_id_in_another_chat(void **state)
{
    static const uint8_t secret[32] = {1};

    assert_true(mt_ob_dedup_id(secret, 7, "key", 3) != mt_ob_dedup_id(secret, 8, "key", 3));
    assert_true(mt_ob_dedup_id(secret, 7, "key", 3) != mt_ob_dedup_id(secret, 7, "kez", 3));
    assert_true(mt_ob_dedup_id(secret, 7, "key", 3) == mt_ob_dedup_id(secret, 7, "key", 3));
}

static void a_repeat_in_the_turn_of_the_answer_is_the_same_send(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), "key", 30);
    ab_turn(b);
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    /* its end is an effect that nobody has carried out yet */
    send_to(b, 2, 7, TEXT(7, "hi"), "key", 30);
    send_to(b, 3, 7, TEXT(7, "else"), "key", 30);
    ab_expect(b, "NewMessage 8 own1 | state 11 0 1 | row 2 | reply 1 RESULT | reply 2 RESULT again | "
                 "reply 3 DEDUP_MISMATCH");
    assert_string_equal(fake_open(2), "");
    ab_done(b);
}

static void a_repeat_joins_the_send_that_runs(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), "key", 30);
    send_to(b, 2, 7, TEXT(7, "hi"), "key", 30);
    send_to(b, 3, 7, TEXT(7, "no"), "key", 30);
    ab_expect(b, "row 1 | reply 3 DEDUP_MISMATCH");
    assert_string_equal(fake_open(2), "messages.sendMessage");
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_expect(b, "NewMessage 8 own1 | state 11 0 1 | row 2 | reply 1 RESULT | reply 2 RESULT");
    ab_done(b);
}

static void the_random_id_of_a_key_is_the_same_after_everything_was_lost(void **state)
{
    struct abench *b = ab_ready();
    int64_t first;

    send_to(b, 1, 7, TEXT(7, "hi"), "key", 30);
    ab_turn(b);
    first = random_id(fake_req(2, "messages.sendMessage"));
    assert_true(first != 0);
    b->mem.n_rows = 0;
    ab_restart(b);
    ab_turn(b);
    send_to(b, 2, 7, TEXT(7, "hi"), "key", 30);
    ab_turn(b);
    assert_true(random_id(fake_req(2, "messages.sendMessage")) == first);
    ab_done(b);
}

static void a_key_is_forgotten_after_thirty_days(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "hi"), "key", 30);
    ab_turn(b);
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_turn(b);
    b->now.wall += (MT_DEDUP_LIFE + 2) * MT_US_PER_S;
    send_to(b, 2, 7, TEXT(7, "other"), "key", 30);
    ab_expect(b, "row 1");
    ab_done(b);
}

/* --- final answers --- */

static void a_deadline_before_the_first_byte_withdraws_the_send(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 5);
    ab_turn(b);
    ab_wait(b, 5000);
    ab_expect(b, "row 4 | reply 2 TIMEOUT sent:no");
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_turn(b);
    assert_string_equal(fake_open(2), "");
    ab_done(b);
}

static void a_send_that_never_left_its_connection_is_withdrawn(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 5);
    ab_turn(b);
    fake_failed(2, "messages.sendMessage", MT_E_TIMEOUT, MT_SENT_NO);
    ab_wait(b, 5000);
    ab_expect(b, "row 4 | reply 1 TIMEOUT sent:no");
    assert_string_equal(fake_open(2), "");
    ab_done(b);
}

static void after_bytes_left_the_outbox_finds_out(void **state)
{
    struct abench *b = ab_ready();
    int64_t id;

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 5);
    ab_turn(b);
    id = random_id(fake_req(2, "messages.sendMessage"));
    fake_failed(2, "messages.sendMessage", MT_E_TIMEOUT, MT_SENT_UNKNOWN);
    ab_wait(b, 5000);
    ab_expect(b, "reply 1 TIMEOUT sent:unknown");
    assert_true(b->reply.send_id == b->mem.rows[0].row.id);
    assert_true(random_id(fake_req(2, "messages.sendMessage")) == id);
    fake_result(2, "messages.sendMessage", "Updates", SHORT_SENT(8, 11));
    ab_wait(b, 0);
    ab_expect(b, "NewMessage 8 | state 11 0 1 | row 2 told");
    ab_done(b);
}

static void who_stops_waiting_for_a_send_that_goes_on_is_not_told_that_it_does_not(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 7, TEXT(7, "two"), "key", 100);
    send_to(b, 3, 7, TEXT(7, "two"), "key", 100);
    ab_turn(b);
    mt_account_cancel(b->a, b->now, 3);
    ab_expect(b, "reply 3 CANCELLED sent:unknown");
    mt_account_cancel(b->a, b->now, 2);
    ab_expect(b, "row 5 told | reply 2 CANCELLED sent:no");
    ab_done(b);
}

static void stop_answers_all_who_wait_and_keeps_the_rows(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 100);
    ab_turn(b);
    mt_account_stop(b->a, b->now);
    ab_expect(b, fmt("disconnected | reply 1 FAILED %d | close | reply 2 TIMEOUT sent:unknown", MT_E_STATE));
    ab_done(b);
}

static void cancel_withdraws_or_stops_waiting(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 100);
    ab_turn(b);
    mt_account_cancel(b->a, b->now, 2);
    ab_expect(b, "row 5 | reply 2 CANCELLED sent:no");
    mt_account_cancel(b->a, b->now, 1);
    ab_expect(b, "reply 1 CANCELLED sent:unknown");
    assert_string_equal(fake_open(2), "messages.sendMessage");
    ab_done(b);
}

static void a_flood_wait_holds_the_lane(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    send_to(b, 2, 7, TEXT(7, "two"), NULL, 100);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "SLOWMODE_WAIT_5");
    ab_wait(b, 0);
    ab_expect(b, "row 0"); /* nothing has happened: it may be taken back */
    assert_string_equal(fake_open(2), "");
    ab_wait(b, 5000);
    ab_expect(b, "row 1");
    assert_string_equal(said(fake_req(2, "messages.sendMessage")), "one");
    ab_done(b);
}

static void a_longer_flood_wait_is_answered(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    ab_turn(b);
    fake_error(2, "messages.sendMessage", 420, "FLOOD_WAIT_60");
    ab_wait(b, 0);
    ab_expect(b, "row 3 | reply 1 RPC_ERROR 420 FLOOD_WAIT_60");
    assert_true(b->reply.seconds == 60);
    ab_done(b);
}

static void what_cannot_be_encoded_is_refused_before_it_is_written(void **state)
{
    struct abench *b = ab_ready();

    assert_int_equal(send_to(b, 1, 7, "{\"message\":1}", NULL, 30), MT_E_ARG);
    assert_int_equal(send_to(b, 1, 7, "nonsense", NULL, 30), MT_E_ARG);
    ab_expect(b, "");
    ab_done(b);
}

static void log_out_ends_every_send(void **state)
{
    struct abench *b = ab_ready();

    send_to(b, 1, 7, TEXT(7, "one"), NULL, 100);
    ab_turn(b);
    mt_ob_note_known(b->a->outbox, 7, 8);
    fake_event(2, MT_DC_KEY_LOST);
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "row 3 | reply 1 LOGGED_OFF"));
    assert_int_equal(b->reply.sent, MT_SENT_UNKNOWN);
    assert_int_equal(b->a->outbox->known[0].number, 0); /* of another user's chats it says nothing */
    ab_done(b);
}

static void several_random_ids_follow_from_the_first(void **state)
{
    static const char params[] = "{\"from_peer\":{\"_\":\"inputPeerSelf\"},\"id\":[1,2,3],\"to_peer\":"
                                 "{\"_\":\"inputPeerSelf\"}}";
    struct mt_ob_row *row = mt_ob_row_new("messages.forwardMessages", 24, params, sizeof params - 1);
    struct tl_out one = {0}, two = {0};
    int64_t ids[3];
    struct tl_view v;
    struct tl_vec vec;

    row->random_id = 42;
    assert_int_equal(mt_ob_make_ids(row), MT_OK);
    assert_int_equal(mt_ob_encode(row, &one), MT_OK);
    assert_int_equal(mt_ob_encode(row, &two), MT_OK);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    v = view_of((struct tl_slice){one.data, one.len});
    vec = tl_get_vector(&v, TLF_messages_forwardMessages__random_id);
    assert_int_equal(vec.left, 3);
    for (int i = 0; i < 3; i++)
        assert_true(tl_vec_long(&vec, &ids[i]));
    assert_true(ids[0] == 42 && ids[1] != 42 && ids[2] != ids[1] && ids[1] && ids[2]);
    tl_out_free(&one);
    tl_out_free(&two);
    mt_ob_row_free(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_row_is_on_disk_before_the_first_byte),
        cmocka_unit_test(a_send_ends_in_one_turn_with_its_event_its_pts_and_its_row),
        cmocka_unit_test(sends_to_one_chat_keep_their_order_and_others_do_not_wait),
        cmocka_unit_test(a_failed_send_says_why_and_frees_its_key),
        cmocka_unit_test(a_repeat_gets_the_first_answer),
        cmocka_unit_test(a_key_is_another_random_id_in_another_chat),
        cmocka_unit_test(a_repeat_in_the_turn_of_the_answer_is_the_same_send),
        cmocka_unit_test(a_repeat_joins_the_send_that_runs),
        cmocka_unit_test(the_random_id_of_a_key_is_the_same_after_everything_was_lost),
        cmocka_unit_test(a_key_is_forgotten_after_thirty_days),
        cmocka_unit_test(a_deadline_before_the_first_byte_withdraws_the_send),
        cmocka_unit_test(a_send_that_never_left_its_connection_is_withdrawn),
        cmocka_unit_test(after_bytes_left_the_outbox_finds_out),
        cmocka_unit_test(who_stops_waiting_for_a_send_that_goes_on_is_not_told_that_it_does_not),
        cmocka_unit_test(stop_answers_all_who_wait_and_keeps_the_rows),
        cmocka_unit_test(cancel_withdraws_or_stops_waiting),
        cmocka_unit_test(a_flood_wait_holds_the_lane),
        cmocka_unit_test(a_longer_flood_wait_is_answered),
        cmocka_unit_test(what_cannot_be_encoded_is_refused_before_it_is_written),
        cmocka_unit_test(log_out_ends_every_send),
        cmocka_unit_test(several_random_ids_follow_from_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
