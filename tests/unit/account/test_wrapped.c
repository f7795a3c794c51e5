/* Calls in a takeout and for a business connection: how they are wrapped, and what their answers may move. */
#include "tests/unit/account/abench.h"

#include "core/account/state.h"
#include "tl/ids.h"

#define DELETE   "{\"_\":\"messages.deleteMessages\",\"id\":[1]}"
#define AFFECTED "{\"_\":\"messages.affectedMessages\",\"pts\":%d,\"pts_count\":1}"

static void call(struct abench *b, uint64_t token, const char *json, int64_t takeout, const char *business)
{
    struct tl_slice s = call_of(json);
    struct mt_call c = {.token = token,
                        .body = s.p,
                        .n = s.n,
                        .deadline = b->now.mono + 30 * MT_US_PER_S,
                        .flood_wait = 10,
                        .takeout = takeout,
                        .business = business};

    assert_int_equal(mt_account_call(b->a, b->now, &c), MT_OK);
}

static void a_takeout_is_around_the_function(void **state)
{
    struct abench *b = ab_ready();
    const uint8_t *p;

    call(b, 1, DELETE, INT64_C(-77), NULL);
    p = fake_req(2, "invokeWithTakeout")->body.p;
    assert_int_equal(tl_load32(p), TL_invokeWithTakeout);
    assert_true((int64_t)tl_load64(p + 4) == -77);
    assert_int_equal(tl_load32(p + 12), TL_messages_deleteMessages);
    ab_done(b);
}

/* A wait belongs to the function, whatever is around it. */
static void a_flood_wait_is_of_the_function_inside(void **state)
{
    struct abench *b = ab_ready();

    call(b, 1, DELETE, 5, NULL);
    fake_error(2, "invokeWithTakeout", 420, "FLOOD_WAIT_20");
    ab_wait(b, 0);
    ab_expect(b, "reply 1 RPC_ERROR 420 FLOOD_WAIT_20");
    call(b, 2, "{\"_\":\"help.getNearestDc\"}", 5, NULL);
    assert_string_equal(fake_open(2), "invokeWithTakeout");
    call(b, 3, DELETE, 0, NULL);
    ab_expect(b, "reply 3 RPC_ERROR 420 FLOOD_WAIT_20 local");
    ab_done(b);
}

static void answer_deletion(struct abench *b, const char *method, int pts)
{
    char json[100];

    snprintf(json, sizeof json, AFFECTED, pts);
    fake_result(2, method, "messages.AffectedMessages", json);
    ab_wait(b, 0);
}

static void what_was_done_in_a_takeout_is_applied(void **state)
{
    struct abench *b = ab_ready();
    const char *turn;

    call(b, 1, DELETE, 5, NULL);
    answer_deletion(b, "invokeWithTakeout", 11);
    turn = ab_turn(b);
    assert_non_null(strstr(turn, "state"));
    ab_done(b);
}

/* Its pts is of the business user's box: ours stays. */
static void what_was_done_for_a_business_moves_no_box_of_ours(void **state)
{
    struct abench *b = ab_ready();
    const uint8_t *p;
    const char *turn;

    call(b, 1, DELETE, 0, "conn1");
    p = fake_req(2, "invokeWithBusinessConnection")->body.p;
    assert_memory_equal(p + 4, "\5conn1\0\0", 8);
    assert_int_equal(tl_load32(p + 12), TL_messages_deleteMessages);
    answer_deletion(b, "invokeWithBusinessConnection", 11);
    turn = ab_turn(b);
    assert_null(strstr(turn, "state"));
    assert_non_null(strstr(turn, "reply 1"));
    ab_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_takeout_is_around_the_function),
        cmocka_unit_test(a_flood_wait_is_of_the_function_inside),
        cmocka_unit_test(what_was_done_in_a_takeout_is_applied),
        cmocka_unit_test(what_was_done_for_a_business_moves_no_box_of_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
