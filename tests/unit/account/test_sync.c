/* What an account asks its owner to sync, and what waits for it (design.md 5.1). */
#include "tests/unit/account/abench.h"
#include "tests/unit/account/fake_dc.h"

#define STOPPED                                                                                              \
    "{\"_\":\"updateShort\",\"update\":{\"_\":\"updateBotStopped\",\"user_id\":\"7\",\"date\":1,"            \
    "\"stopped\":"                                                                                           \
    "true,\"qts\":1},\"date\":101}"

/* One update with a qts is committed; a difference is due, and its sync is asked for. */
static struct abench *waiting(void)
{
    struct abench *b = ab_ready();

    b->hold_sync = true;
    fake_push(2, STOPPED, 1);
    ab_wait(b, 0);
    ab_expect(b, "BotStopped | state 10 1 1");
    fake_push(2, "{\"_\":\"updatesTooLong\"}", 2);
    ab_wait(b, 0);
    return b;
}

static void the_state_goes_with_it_so_that_there_is_something_to_sync(void **state)
{
    struct abench *b = waiting();

    ab_expect(b, "state 10 1 1 | sync");
    ab_wait(b, 60000);
    assert_false(fake_asked(2, "updates.getDifference"));
    mt_account_synced(b->a, b->now);
    ab_expect(b, "");
    assert_true(fake_asked(2, "updates.getDifference"));
    ab_done(b);
}

static void an_account_that_stops_meanwhile_asks_again_when_it_is_back(void **state)
{
    struct abench *b = waiting();

    ab_turn(b);
    fake_down(2);
    ab_wait(b, 0);
    ab_turn(b);
    fake_up(2);
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "state 10 1 1 | sync"));
    mt_account_synced(b->a, b->now);
    ab_turn(b);
    assert_true(fake_asked(2, "updates.getDifference"));
    ab_done(b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_goes_with_it_so_that_there_is_something_to_sync),
        cmocka_unit_test(an_account_that_stops_meanwhile_asks_again_when_it_is_back),
    };

    return cmocka_run_group_tests_name("account_sync", tests, NULL, NULL);
}
