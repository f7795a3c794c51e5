/* The engine whole, against the sandbox, in one process: see wire.h. */
#include "tests/unit/account/wire.h"

#include "tl/ids.h"

#define ALICE "+9996620001"
#define CODE2 "22222"

static void control(struct wire *w, const char *method, const char *params)
{
    json_decref(wire_control(w, method, params));
}

static mt_chat_id chat_of(struct wire *w, const char *username)
{
    for (size_t i = 0; i < w->mem.n_peers; i++)
        if (!strcmp(w->mem.peers[i].username, username))
            return w->mem.peers[i].chat;
    fail_msg("%s was not seen", username);
    return 0;
}

static struct wire *logged_in(uint64_t seed)
{
    struct wire *w = wire_new(seed);

    wire_login(w, ALICE, CODE2);
    assert_int_equal(mt_account_login(w->a)->step, MT_LOGIN_READY);
    wire_run(w, 1000);
    assert_true(mt_account_is_connected(w->a));
    assert_true(mt_account_is_in_sync(w->a));
    assert_true(w->mem.state.known);
    return w;
}

static void meet_bob(struct wire *w)
{
    uint64_t token = wire_call(w, "{\"_\":\"contacts.resolveUsername\",\"username\":\"bob\"}", 0, 0);

    assert_int_equal(wire_await(w, token)->kind, MT_REPLY_RESULT);
}

static void it_logs_in_receives_and_sends(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct wire *w = logged_in(seed);
        uint64_t token;

        control(w, "sendAs", "{\"from\":\"@bob\",\"to\":\"@alice\",\"text\":\"hello\"}");
        wire_run(w, 2000);
        assert_int_equal(wire_times(w, "hello"), 1);
        meet_bob(w);
        token = wire_send(w, chat_of(w, "bob"), "hi bob", NULL);
        assert_int_equal(wire_await(w, token)->kind, MT_REPLY_RESULT);
        assert_non_null(strstr(w->text, "hi bob"));
        wire_run(w, 2000);
        assert_int_equal(wire_times(w, "hi bob"), 1);
        wire_free(w);
    }
}

/* The machine slept or the network changed: what was pushed meanwhile is lost though the link lives on. */
static void a_resume_asks_for_what_was_missed(void **state)
{
    struct wire *w = logged_in(1);

    control(w, "fault", "{\"do\":\"gap\"}");
    control(w, "sendAs", "{\"from\":\"@bob\",\"to\":\"@alice\",\"text\":\"missed\"}");
    wire_run(w, 5000);
    assert_int_equal(wire_times(w, "missed"), 0);
    mt_account_kick(w->a, w->now);
    wire_run(w, 2000);
    assert_int_equal(wire_times(w, "missed"), 1);
    wire_free(w);
}

static void a_login_moves_to_the_dc_of_its_user(void **state)
{
    struct wire *w = wire_new(5);

    wire_login(w, "+9996610003", "11111"); /* Carol lives on DC 1, we begin on 2 */
    assert_int_equal(mt_account_login(w->a)->step, MT_LOGIN_READY);
    assert_int_equal(w->saved.main_dc, 1);
    wire_run(w, 1000);
    assert_true(mt_account_is_in_sync(w->a));
    wire_free(w);
}

static void a_second_factor_is_asked_for(void **state)
{
    struct wire *w = wire_new(6);

    control(w, "setPassword", "{\"user\":\"@alice\",\"password\":\"sesame\",\"hint\":\"open\"}");
    wire_login(w, ALICE, CODE2);
    assert_int_equal(mt_account_login(w->a)->step, MT_LOGIN_PASSWORD);
    assert_string_equal(mt_account_login(w->a)->hint, "open");
    mt_login_password(w->a, w->now, 1, "wrong", 5);
    assert_int_equal(wire_await(w, 1)->kind, MT_REPLY_RPC_ERROR);
    assert_string_equal(w->reply.text, "PASSWORD_HASH_INVALID");
    mt_login_password(w->a, w->now, 2, "sesame", 6);
    assert_int_equal(wire_await(w, 2)->kind, MT_REPLY_OK);
    assert_int_equal(mt_account_login(w->a)->step, MT_LOGIN_READY);
    wire_free(w);
}

static void a_bot_logs_in_by_its_token(void **state)
{
    struct wire *w = wire_new(7);

    mt_login_bot(w->a, w->now, 1, "6000000001:sandbox-token-of-echo-bot");
    assert_int_equal(wire_await(w, 1)->kind, MT_REPLY_OK);
    assert_true(mt_account_is_bot(w->a));
    wire_run(w, 1000);
    control(w, "sendAs", "{\"from\":\"@bob\",\"to\":\"@echo_bot\",\"text\":\"/start\"}");
    wire_run(w, 2000);
    assert_int_equal(wire_times(w, "/start"), 1);
    wire_free(w);
}

static void another_dc_is_used_through_an_imported_authorisation(void **state)
{
    struct wire *w = logged_in(8);
    uint64_t token = wire_call(w, "{\"_\":\"help.getNearestDc\"}", 3, 0);

    assert_int_equal(wire_await(w, token)->kind, MT_REPLY_RESULT);
    wire_free(w);
}

static void what_came_while_we_were_dead_arrives_after_the_restart(void **state)
{
    struct wire *w = logged_in(9);

    control(w, "sendAs", "{\"from\":\"@bob\",\"to\":\"@alice\",\"text\":\"one\"}");
    wire_run(w, 1000);
    w->deaf = true;
    wire_restart(w);
    wire_run(w, 1000);
    for (int i = 0; i < 30; i++)
        control(w, "sendAs", fmt("{\"from\":\"@bob\",\"to\":\"@alice\",\"text\":\"missed %d\"}", i));
    control(w, "sendAs", "{\"from\":\"@bob\",\"to\":\"@family\",\"text\":\"in the group\"}");
    w->deaf = false;
    wire_run(w, 70000);
    assert_int_equal(wire_times(w, "one"), 1);
    for (int i = 0; i < 30; i++)
        assert_int_equal(wire_times(w, fmt("missed %d", i)), 1);
    assert_int_equal(wire_times(w, "in the group"), 1);
    assert_int_equal(w->n_gaps, 0);
    wire_free(w);
}

static void a_lost_push_is_recovered(void **state)
{
    struct wire *w = logged_in(10);

    control(w, "fault", "{\"match\":{\"method\":\"updates\"},\"do\":\"gap\"}");
    control(w, "sendAs", "{\"from\":\"@bob\",\"to\":\"@alice\",\"text\":\"lost\"}");
    control(w, "sendAs", "{\"from\":\"@bob\",\"to\":\"@alice\",\"text\":\"after\"}");
    wire_run(w, 5000);
    assert_int_equal(wire_times(w, "lost"), 1);
    assert_int_equal(wire_times(w, "after"), 1);
    wire_free(w);
}

static void a_send_whose_answer_is_lost_is_executed_once(void **state) /* trap 38 */
{
    for (uint64_t seed = 11; seed < 15; seed++) {
        struct wire *w = logged_in(seed);
        uint64_t token;
        json_t *r;

        meet_bob(w);
        control(w, "fault", "{\"match\":{\"method\":\"messages.sendMessage\"},\"do\":\"cut\"}");
        token = wire_send(w, chat_of(w, "bob"), "once", NULL);
        assert_int_equal(wire_await(w, token)->kind, MT_REPLY_RESULT);
        wire_run(w, 5000);
        assert_int_equal(wire_times(w, "once"), 1);
        r = wire_control(w, "history", "{\"of\":\"@bob\",\"chat\":\"@alice\"}");
        assert_non_null(r);
        {
            char *text = json_dumps(r, JSON_COMPACT);
            char *first = strstr(text, "\"once\"");

            assert_non_null(first);
            assert_null(strstr(first + 1, "\"once\""));
            free(text);
        }
        json_decref(r);
        wire_free(w);
    }
}

static void log_out_ends_it(void **state)
{
    struct wire *w = logged_in(15);

    mt_logout(w->a, w->now, 1);
    assert_int_equal(wire_await(w, 1)->kind, MT_REPLY_OK);
    assert_int_equal(mt_account_login(w->a)->step, MT_LOGIN_LOGGED_OUT);
    wire_login(w, ALICE, CODE2); /* and in again, over a new key */
    assert_int_equal(mt_account_login(w->a)->step, MT_LOGIN_READY);
    wire_free(w);
}

/*
 * Anything at any time: messages in and out while links break, pushes are lost and the process dies. At the
 * end every message was seen exactly once.
 */
static void storm(uint64_t seed)
{
    struct wire *w = logged_in(seed);
    struct env dice;
    unsigned in = 0, out = 0;
    mt_chat_id bob;

    env_init(&dice, seed);
    meet_bob(w);
    bob = chat_of(w, "bob");
    for (int i = 0; i < 60; i++) {
        uint64_t roll = mt_env_random64(&dice.env) % 12;

        if (roll < 4) {
            control(w, "sendAs", fmt("{\"from\":\"@bob\",\"to\":\"@alice\",\"text\":\"in %u\"}", in++));
        } else if (roll < 6) {
            wire_send(w, bob, fmt("out %u", out++), NULL);
            wire_commit(w); /* before that it is not promised */
        } else if (roll == 6) {
            wire_cut(w);
        } else if (roll == 7) {
            control(w, "fault", "{\"match\":{\"method\":\"updates\"},\"do\":\"gap\"}");
        } else if (roll == 8) {
            control(w, "fault", "{\"match\":{\"method\":\"messages.sendMessage\"},\"do\":\"cut\"}");
        } else if (roll == 9) {
            wire_restart(w);
        } else {
            wire_run(w, (int64_t)(mt_env_random64(&dice.env) % 3000));
        }
        if (mt_env_random64(&dice.env) & 1)
            wire_run(w, (int64_t)(mt_env_random64(&dice.env) % 100));
    }
    control(w, "clearFaults", "{}");
    wire_run(w, 100000);
    /* a lost push shows by the next one */
    control(w, "sendAs", "{\"from\":\"@bob\",\"to\":\"@alice\",\"text\":\"last\"}");
    wire_run(w, 100000);
    for (unsigned i = 0; i < in; i++)
        if (wire_times(w, fmt("in %u", i)) != 1)
            fail_msg("seed %d: message 'in %u' was seen %zu times", (int)seed, i,
                     wire_times(w, fmt("in %u", i)));
    for (unsigned i = 0; i < out; i++)
        if (wire_times(w, fmt("out %u", i)) != 1)
            fail_msg("seed %d: message 'out %u' was seen %zu times", (int)seed, i,
                     wire_times(w, fmt("out %u", i)));
    assert_int_equal(w->n_gaps, 0);
    wire_free(w);
}

static void nothing_is_lost_or_doubled_in_a_storm(void **state)
{
    const char *one = getenv("TGD_STORM_SEED"), *many = getenv("TGD_STORM_SEEDS");

    if (one) {
        storm(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 100; seed < 100 + (many ? strtoull(many, NULL, 10) : 30); seed++)
        storm(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_logs_in_receives_and_sends),
        cmocka_unit_test(a_resume_asks_for_what_was_missed),
        cmocka_unit_test(a_login_moves_to_the_dc_of_its_user),
        cmocka_unit_test(a_second_factor_is_asked_for),
        cmocka_unit_test(a_bot_logs_in_by_its_token),
        cmocka_unit_test(another_dc_is_used_through_an_imported_authorisation),
        cmocka_unit_test(what_came_while_we_were_dead_arrives_after_the_restart),
        cmocka_unit_test(a_lost_push_is_recovered),
        cmocka_unit_test(a_send_whose_answer_is_lost_is_executed_once),
        cmocka_unit_test(log_out_ends_it),
        cmocka_unit_test(nothing_is_lost_or_doubled_in_a_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
