#include "tests/unit/rpc/rig.h"

#define TEST(name) static void name(void **state)
#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)

#define WATCH(params) "{\"id\":1,\"method\":\"watchChat\",\"params\":{" params "}}"

TEST(a_channel_is_watched_listed_and_left)
{
    BEGIN;
    rig_peer(g, -1000000000020, MT_PEER_CHANNEL, "News", "news");
    say(g, "{\"id\":1,\"method\":\"watchChat\"}");
    assert_non_null(strstr(g->said, "\"items\":[]"));
    say(g, WATCH("\"chat_id\":\"@news\""));
    assert_string_equal(got(g, "result.items.0.title"), "News");
    assert_int_equal(g->core[0].n_watched, 1);
    say(g, "{\"id\":1,\"method\":\"watchChat\"}");
    assert_string_equal(got(g, "result.items.0.id"), "-1000000000020");
    say(g, WATCH("\"chat_id\":\"@news\",\"watch\":false"));
    assert_non_null(strstr(g->said, "\"items\":[]"));
    END;
}

TEST(an_answer_waits_for_the_commit_of_the_row)
{
    static const char line[] = WATCH("\"chat_id\":-1000000000020") "\n";
    BEGIN;
    rig_peer(g, -1000000000020, MT_PEER_CHANNEL, "News", "news");
    rpc_feed(g->c, g->now, line, sizeof line - 1);
    assert_int_equal(rpc_output(g->c).n, 0);
    rig_read(g, g->c);
    assert_string_equal(got(g, "result.items.0.title"), "News");
    END;
}

TEST(only_channels_and_not_without_end)
{
    BEGIN;
    say(g, WATCH("\"chat_id\":\"@alice\""));
    assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS");
    rig_peer(g, -1000000000020, MT_PEER_CHANNEL, "News", "news");
    for (g->core[0].n_watched = 0; g->core[0].n_watched < 4; g->core[0].n_watched++)
        g->core[0].watched[g->core[0].n_watched] = -1000000000099;
    say(g, WATCH("\"chat_id\":\"@news\""));
    assert_string_equal(got(g, "error.data.name"), "TOO_LARGE");
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_is_watched_listed_and_left),
        cmocka_unit_test(an_answer_waits_for_the_commit_of_the_row),
        cmocka_unit_test(only_channels_and_not_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
