/*
 * Just after a start accounts are listed and have no machine yet: who asks for one opens it, who asks for
 * names opens none, and one that cannot be opened is as if it were not there.
 */
#include "tests/unit/rpc/rig.h"

#include <stdio.h>
#include <string.h>

/* main is awake; shop, bot and last are not. */
static struct rig *sleeping(void)
{
    static const char *const names[] = {"shop", "bot", "last"};
    struct rig *g = rig_new();
    char text[96];

    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "{\"id\":1,\"method\":\"addAccount\",\"params\":{\"name\":\"%s\"}}",
                 names[i]);
        say(g, text);
        g->asleep[i + 1] = true;
    }
    return g;
}

#define TEST(name) static void name(void **state)
#define BEGIN      struct rig *g = sleeping()
#define END        rig_free(g)

TEST(names_open_nothing)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "result.accounts"), "[\"main\",\"shop\",\"bot\",\"last\"]");
    say(g, "{\"id\":1,\"method\":\"getMe\"}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_AMBIGUOUS");
    say(g, "{\"id\":1,\"method\":\"getMe\",\"account\":\"nobody\"}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    assert_true(g->asleep[1] && g->asleep[2] && g->asleep[3]);
    END;
}

TEST(who_is_named_is_opened_alone)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"account\":\"bot\"}");
    assert_string_equal(got(g, "result.step"), "none");
    assert_true(g->asleep[1] && !g->asleep[2] && g->asleep[3]);
    END;
}

TEST(who_is_looked_for_by_number_opens_those_before)
{
    BEGIN;
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"account\":777001}"); /* main */
    assert_string_equal(got(g, "result.step"), "ready");
    assert_true(g->asleep[1]);
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"account\":777999}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    assert_false(g->asleep[1] || g->asleep[2] || g->asleep[3]);
    END;
}

TEST(a_list_is_of_all_that_can_be_opened)
{
    BEGIN;
    g->unfit = g->accounts[2].id;
    say(g, "{\"id\":1,\"method\":\"listAccounts\",\"fields\":[\"items.name\"]}");
    assert_string_equal(got(g, "result.items"),
                        "[{\"name\":\"main\"},{\"name\":\"shop\"},{\"name\":\"last\"}]");
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"account\":\"last\"}");
    assert_string_equal(got(g, "result.step"), "none");
    END;
}

TEST(one_that_cannot_be_opened_is_not_there)
{
    BEGIN;
    g->unfit = g->accounts[2].id;
    say(g, "{\"id\":1,\"method\":\"getLoginState\",\"account\":\"bot\"}");
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    assert_string_equal(got(g, "error.data.hint"), "there are: main shop last");
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_open_nothing),
        cmocka_unit_test(who_is_named_is_opened_alone),
        cmocka_unit_test(who_is_looked_for_by_number_opens_those_before),
        cmocka_unit_test(a_list_is_of_all_that_can_be_opened),
        cmocka_unit_test(one_that_cannot_be_opened_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
