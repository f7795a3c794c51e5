/* Temporary keys: made, bound, kept, renewed, doubted; and what a server that forgot costs. */
#include "tests/unit/check.h"

#include "tests/unit/mtproto/pfs_table.h"

#define BIND_FAULT(rest) "{\"match\":{\"method\":\"auth.bindTempAuthKey\"}," rest "}"

static void up(struct table *t)
{
    table_start(t);
    table_pump(t);
    assert_int_equal(t->ups, 1);
    assert_int_equal(t->keys, 1);
    assert_int_equal(t->temps, 1);
}

static void nothing_is_said_under_the_permanent_key(void **state)
{
    struct table t;
    int64_t left;

    up(&t);
    assert_int_equal(table_stat(&t, "key_exchanges"), 2);
    assert_int_equal(t.connects, 1); /* both on one connection */
    table_call(&t, 1, 0);
    assert_int_equal(t.results, 1);
    assert_true(sb_fake_of(t.world)->last_caller.key_id == t.key.id); /* that is who speaks */
    assert_true(t.temp.key.id != t.key.id);
    left = t.temp.ends - t.now.wall / MT_US_PER_S;
    assert_true(left > 23 * 3600 - 2 && left <= 24 * 3600);
    assert_true(t.temp.n_salts > 1); /* its own: asked for along with the bind */
    assert_int_equal(table_stat(&t, "bad_salt") + table_stat(&t, "bad_msg") + table_stat(&t, "errors"), 0);
    table_stop(&t);
}

static void a_saved_one_is_used_again(void **state)
{
    struct table t;

    up(&t);
    table_restart(&t);
    table_pump(&t);
    assert_int_equal(t.ups, 2);
    table_call(&t, 1, 0);
    assert_int_equal(t.results, 1);
    assert_int_equal(table_stat(&t, "key_exchanges"), 2);
    assert_int_equal(table_stat(&t, "bad_salt"), 0);
    table_stop(&t);
}

static void one_that_ended_meanwhile_is_replaced(void **state)
{
    struct table t;

    up(&t);
    t.now.mono += 25 * 3600 * MT_US_PER_S;
    t.now.wall += 25 * 3600 * MT_US_PER_S;
    table_restart(&t);
    table_pump(&t);
    assert_int_equal(t.ups, 2);
    assert_int_equal(t.keys, 1);
    assert_int_equal(table_stat(&t, "key_exchanges"), 3);
    assert_int_equal(table_stat(&t, "transport_errors"), 0);
    table_stop(&t);
}

static void it_is_renewed_without_a_gap(void **state)
{
    struct table t;
    uint64_t first;

    up(&t);
    first = t.temp.key.id;
    for (int day = 0; day < 3; day++)
        table_pass(&t, 24 * 3600);
    assert_true(t.temps >= 3);
    assert_int_equal(t.other_sessions, t.temps - 1); /* each must be asked something, or updates stay away */
    assert_true(t.temp.key.id != first);
    assert_int_equal(t.downs, 0);
    assert_int_equal(t.connects, 1);
    assert_int_equal(t.keys, 1);
    table_call(&t, 1, 0);
    assert_int_equal(t.results, 1);
    assert_int_equal(
        table_stat(&t, "bad_msg") + table_stat(&t, "errors") + table_stat(&t, "transport_errors"), 0);
    table_stop(&t);
}

/* A request whose answer comes late, over the time in which the key is replaced. */
static void an_answer_to_the_key_before_still_counts(void **state)
{
    struct table t;
    unsigned temps;

    up(&t);
    temps = t.temps;
    table_pass(&t, t.temp.ends - t.now.wall / MT_US_PER_S - 3600 - 20);
    assert_int_equal(t.temps, temps);
    table_control(&t, "fault",
                  "{\"do\":\"delay\",\"seconds\":30,\"match\":{\"method\":\"help.getNearestDc\"}}");
    table_call(&t, 1, 0);
    table_pass(&t, 25);
    assert_int_equal(t.temps, temps + 1);
    assert_int_equal(t.results, 0);
    table_call(&t, 2, 0); /* under the new one */
    assert_int_equal(t.results, 1);
    table_pass(&t, 10);
    assert_int_equal(t.results, 2);
    assert_int_equal(sb_fake_of(t.world)->calls, 2);
    assert_int_equal(t.failed, 0);
    assert_int_equal(mt_dc_pending(t.dc), 0);
    table_pass(&t, 60);
    assert_null(t.dc->old);
    table_stop(&t);
}

/* A server goes on pushing to the session of the key before. */
static void what_comes_under_the_key_before_costs_no_link(void **state)
{
    uint8_t packet[1 + 8 + 16 + 48] = {18};
    struct table t;

    up(&t);
    tl_store64(packet + 1, t.temp.key.id);
    table_pass(&t, t.temp.ends - t.now.wall / MT_US_PER_S - 3600 + 10);
    assert_int_equal(t.temps, 2);
    table_pass(&t, 120);
    assert_null(t.dc->old);
    mt_dc_feed(t.dc, t.now, packet, sizeof packet);
    table_pump(&t);
    assert_int_equal(t.downs, 0);
    packet[1] ^= 1; /* of nobody */
    mt_dc_feed(t.dc, t.now, packet, sizeof packet);
    table_pump(&t);
    assert_int_equal(t.downs, 1);
    table_stop(&t);
}

/* The same, but the link breaks in between: what may be repeated is, for the rest nobody can know. */
static void what_the_key_before_took_with_it_is_repeated_or_unknown(void **state)
{
    struct table t;

    up(&t);
    table_pass(&t, t.temp.ends - t.now.wall / MT_US_PER_S - 3600 - 20);
    table_control(&t, "fault",
                  "{\"do\":\"no_answer\",\"times\":2,\"match\":{\"method\":\"help.getNearestDc\"}}");
    table_call(&t, 1, MT_REQ_REPEATABLE);
    table_call(&t, 2, 0);
    table_pass(&t, 25);
    assert_int_equal(t.temps, 2);
    assert_int_equal(t.results + t.failed, 0);
    table_control(&t, "restart", "{}");
    table_pass(&t, 10);
    assert_int_equal(t.results, 1);
    assert_int_equal(t.failed, 1);
    assert_int_equal(t.sent, MT_SENT_UNKNOWN);
    assert_int_equal(sb_fake_of(t.world)->calls, 3);
    table_stop(&t);
}

static void a_renewal_that_fails_costs_nothing(void **state)
{
    static const char *const faults[] = {
        "{\"do\":\"drop\",\"match\":{\"method\":\"req_pq_multi\"}}",
        "{\"do\":\"keyx\",\"what\":\"hash\",\"match\":{\"method\":\"req_DH_params\"}}",
        "{\"do\":\"keyx\",\"what\":\"fail\",\"match\":{\"method\":\"set_client_DH_params\"}}",
        BIND_FAULT("\"do\":\"drop\""),
        BIND_FAULT("\"do\":\"error\",\"code\":400,\"text\":\"ENCRYPTED_MESSAGE_INVALID\""),
        BIND_FAULT("\"do\":\"error\",\"code\":500,\"text\":\"INTERNAL\""),
    };

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct table t;

        up(&t);
        table_control(&t, "fault", faults[i]);
        table_pass(&t, t.temp.ends - t.now.wall / MT_US_PER_S - 3600 + 120);
        assert_int_equal(t.temps, 2); /* at the second try */
        assert_int_equal(t.connects, 1);
        assert_int_equal(t.downs, 0);
        assert_int_equal(t.keys, 1);
        table_call(&t, 1, 0);
        assert_int_equal(t.results, 1);
        table_stop(&t);
    }
}

/* --- a server that forgot --- */

static void a_forgotten_temporary_key_is_replaced_after_two_connections(void **state) /* trap 10 */
{
    struct table t;

    up(&t);
    table_control(&t, "forgetKeys", "{\"temporary\":true}");
    table_call(&t, 1, MT_REQ_REPEATABLE);
    table_pass(&t, 10);
    assert_int_equal(t.results, 1);
    assert_int_equal(t.keys, 1);
    assert_int_equal(t.lost, 0);
    assert_int_equal(t.dropped, 1);
    assert_int_equal(t.temps, 2);
    assert_int_equal(table_stat(&t, "transport_errors"), 3); /* the link that was up, and two fresh ones */
    table_stop(&t);
}

static void one_refusal_is_not_believed(void **state)
{
    struct table t;

    up(&t);
    table_control(&t, "fault",
                  "{\"do\":\"transport\",\"code\":-404,\"times\":2,\"match\":{\"method\":\"ping*\"}}");
    table_control(&t, "restart", "{}"); /* the next link begins with a ping */
    table_pass(&t, 10);
    assert_int_equal(t.ups, 2);
    assert_int_equal(t.dropped, 1); /* the second was */
    table_stop(&t);

    up(&t);
    table_control(&t, "fault", "{\"do\":\"transport\",\"code\":-404,\"match\":{\"method\":\"ping*\"}}");
    table_control(&t, "restart", "{}");
    table_pass(&t, 10);
    assert_int_equal(t.ups, 2);
    assert_int_equal(t.dropped, 0);
    assert_int_equal(t.temps, 1);
    table_stop(&t);
}

static void a_permanent_key_is_lost_only_when_it_is_asked_itself(void **state) /* trap 10 */
{
    struct table t;

    up(&t);
    table_pass(&t, 120); /* it is not young any more */
    table_control(&t, "forgetKeys", "{}");
    table_call(&t, 1, 0);
    table_pass(&t, 100);
    assert_int_equal(t.lost, 1);
    assert_int_equal(t.keys, 1); /* no new one is made silently */
    assert_int_equal(t.results, 0);
    assert_false(t.has_temp);
    table_stop(&t);
}

static void a_good_permanent_key_outlives_a_refused_bind(void **state)
{
    struct table t;

    up(&t);
    table_pass(&t, 120);
    table_control(&t, "forgetKeys", "{\"temporary\":true}");
    table_control(
        &t, "fault",
        BIND_FAULT("\"do\":\"error\",\"times\":3,\"code\":400,\"text\":\"ENCRYPTED_MESSAGE_INVALID\""));
    table_call(&t, 1, MT_REQ_REPEATABLE);
    table_pass(&t, 120);
    assert_int_equal(t.results, 1);
    assert_int_equal(t.lost, 0);
    assert_int_equal(t.keys, 1);
    table_stop(&t);
}

static void a_young_permanent_key_is_not_doubted(void **state)
{
    struct table t;

    table_start(&t);
    table_control(
        &t, "fault",
        BIND_FAULT("\"do\":\"error\",\"times\":2,\"code\":400,\"text\":\"ENCRYPTED_MESSAGE_INVALID\""));
    table_pump(&t);
    assert_int_equal(t.ups, 0);
    assert_false(t.dc->doubt);
    table_pass(&t, 40);
    assert_int_equal(t.ups, 1);
    assert_int_equal(t.keys, 1);
    table_stop(&t);
}

static void each_refusal_of_a_bind_has_its_reaction(void **state)
{
    static const struct {
        const char *fault;
        unsigned exchanges; /* in all, the permanent key's included */
    } row[] = {
        {BIND_FAULT("\"do\":\"error\",\"code\":400,\"text\":\"TEMP_AUTH_KEY_EMPTY\""), 3},
        {BIND_FAULT("\"do\":\"error\",\"code\":400,\"text\":\"EXPIRES_AT_INVALID\""), 3},
        {BIND_FAULT("\"do\":\"error\",\"code\":400,\"text\":\"TEMP_AUTH_KEY_ALREADY_BOUND\""), 3},
        {BIND_FAULT("\"do\":\"error\",\"code\":500,\"text\":\"INTERNAL\""), 2},
        {BIND_FAULT("\"do\":\"error\",\"code\":420,\"text\":\"FLOOD_WAIT_3\""), 2},
        {BIND_FAULT("\"do\":\"cut\""), 2},                 /* done, and its answer lost: bound again */
        {BIND_FAULT("\"do\":\"cut\",\"after\":false"), 2}, /* not done */
        {BIND_FAULT("\"do\":\"drop\""), 2},                /* no answer in 20 s */
        {BIND_FAULT("\"do\":\"bad_salt\""), 2},            /* written anew, for its new id */
        {BIND_FAULT("\"do\":\"bad_msg\",\"code\":16"), 2},
        {BIND_FAULT("\"do\":\"bad_msg\",\"code\":17"), 2}, /* and its new session */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct table t;

        table_start(&t);
        table_control(&t, "fault", row[i].fault);
        table_call(&t, 1, 0);
        table_pass(&t, 60);
        if (t.ups != 1 || t.results != 1 || t.keys != 1 ||
            table_stat(&t, "key_exchanges") != row[i].exchanges)
            fail_msg("%s: %u ups, %u results, %u keys, %d exchanges", row[i].fault, t.ups, t.results, t.keys,
                     (int)table_stat(&t, "key_exchanges"));
        table_stop(&t);
    }
}

static void a_bind_that_was_forgotten_is_made_again(void **state)
{
    struct table t;

    up(&t);
    table_call(&t, 1, 0);
    table_control(&t, "fault", "{\"do\":\"unbind\",\"match\":{\"method\":\"help.getNearestDc\"}}");
    /* getNearestDc itself may be asked unbound: what comes after it is refused */
    table_call(&t, 2, 0);
    t.results = 0;
    for (uint64_t token = 3; token < 6; token++) {
        uint8_t body[4];
        struct mt_req req = {.token = token, .body = body, .n = sizeof body, .deadline = MT_NEVER};

        tl_store32(body, TL_updates_getState);
        assert_int_equal(mt_dc_submit(t.dc, t.now, &req), MT_OK);
    }
    table_pump(&t);
    assert_int_equal(t.results, 3);
    assert_int_equal(t.connects, 1);
    assert_int_equal(table_stat(&t, "key_exchanges"), 2);
    assert_true(sb_fake_of(t.world)->last_caller.key_id == t.key.id);
    table_stop(&t);
}

static void ask_for_state(struct table *t, uint64_t token)
{
    uint8_t body[4];
    struct mt_req req = {.token = token, .body = body, .n = sizeof body, .deadline = MT_NEVER};

    tl_store32(body, TL_updates_getState);
    assert_int_equal(mt_dc_submit(t->dc, t->now, &req), MT_OK);
    table_pump(t);
}

/* A bind makes the server forget who we are: no call must be refused before it is told again. */
static void who_we_are_is_told_again_after_a_bind(void **state) /* trap 41 */
{
    struct table t;
    int64_t own; /* this server's answer to getState is an error of its own */

    up(&t);
    table_call(&t, 1, 0);
    ask_for_state(&t, 2);
    assert_int_equal(t.results, 2);
    own = table_stat(&t, "errors");
    table_control(&t, "fault", "{\"do\":\"unbind\",\"match\":{\"method\":\"help.getNearestDc\"}}");
    table_call(&t, 3, 0);
    ask_for_state(&t, 4);
    assert_int_equal(t.results, 4);
    assert_int_equal(table_stat(&t, "errors"),
                     2 * own + 1); /* AUTH_KEY_PERM_EMPTY, and no CONNECTION_NOT_INITED */
    table_stop(&t);
}

/* A key that is not bound however often we bind it is replaced; nobody is logged out, nothing is refused. */
static void a_key_that_is_never_bound_is_replaced(void **state)
{
    struct table t;

    up(&t);
    table_pass(&t, 120); /* the permanent one is not young: it is asked itself */
    table_control(&t, "fault",
                  "{\"do\":\"error\",\"times\":4,\"code\":401,\"text\":\"AUTH_KEY_PERM_EMPTY\","
                  "\"match\":{\"method\":\"updates.getState\"}}");
    ask_for_state(&t, 1);
    assert_int_equal(t.results, 0);
    assert_int_equal(t.dropped, 1);
    assert_true(t.dc->doubt);
    table_pass(&t, 20);
    assert_int_equal(t.results, 1);
    assert_int_equal(t.lost + t.failed, 0);
    assert_int_equal(t.temps, 2);
    assert_int_equal(t.keys, 1);
    assert_int_equal(table_stat(&t, "key_exchanges"), 3);
    table_stop(&t);
}

/* And where the permanent key is gone too, that is what is found out. */
static void a_key_that_cannot_be_bound_any_more_is_lost_in_the_end(void **state)
{
    struct table t;

    up(&t);
    table_pass(&t, 120);
    table_control(&t, "fault",
                  "{\"do\":\"error\",\"times\":0,\"code\":401,\"text\":\"AUTH_KEY_PERM_EMPTY\","
                  "\"match\":{\"method\":\"updates.getState\"}}");
    ask_for_state(&t, 1);
    table_control(&t, "forgetKeys", "{}");
    table_pass(&t, 120);
    assert_int_equal(t.lost, 1);
    assert_int_equal(t.keys, 1);
    assert_int_equal(t.results, 0);
    table_stop(&t);
}

static void a_server_that_never_binds_is_left_alone(void **state)
{
    struct table t;

    table_start(&t);
    table_control(
        &t, "fault",
        BIND_FAULT("\"do\":\"error\",\"times\":0,\"code\":400,\"text\":\"ENCRYPTED_MESSAGE_INVALID\""));
    table_call(&t, 1, 0);
    table_pass(&t, 3600);
    assert_int_equal(t.ups + t.results + t.lost, 0);
    assert_int_equal(t.keys, 1);
    assert_true(t.connects < 80); /* 60 s at most between two */
    assert_true(t.connects > 30);
    table_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_under_the_permanent_key),
        cmocka_unit_test(a_saved_one_is_used_again),
        cmocka_unit_test(one_that_ended_meanwhile_is_replaced),
        cmocka_unit_test(it_is_renewed_without_a_gap),
        cmocka_unit_test(an_answer_to_the_key_before_still_counts),
        cmocka_unit_test(what_comes_under_the_key_before_costs_no_link),
        cmocka_unit_test(what_the_key_before_took_with_it_is_repeated_or_unknown),
        cmocka_unit_test(a_renewal_that_fails_costs_nothing),
        cmocka_unit_test(a_forgotten_temporary_key_is_replaced_after_two_connections),
        cmocka_unit_test(one_refusal_is_not_believed),
        cmocka_unit_test(a_permanent_key_is_lost_only_when_it_is_asked_itself),
        cmocka_unit_test(a_good_permanent_key_outlives_a_refused_bind),
        cmocka_unit_test(a_young_permanent_key_is_not_doubted),
        cmocka_unit_test(each_refusal_of_a_bind_has_its_reaction),
        cmocka_unit_test(a_bind_that_was_forgotten_is_made_again),
        cmocka_unit_test(who_we_are_is_told_again_after_a_bind),
        cmocka_unit_test(a_key_that_is_never_bound_is_replaced),
        cmocka_unit_test(a_key_that_cannot_be_bound_any_more_is_lost_in_the_end),
        cmocka_unit_test(a_server_that_never_binds_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
