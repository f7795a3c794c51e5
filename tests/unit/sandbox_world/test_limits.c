/* How often one may: floods, slow mode, random ids, reactions given twice. */
#include "tests/unit/sandbox_world/fixture.h"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    fix_init(&f, 3);
    fix_login(&f, 1, 2, "9996620001"); /* alice, who made the family */
    fix_login(&f, 2, 2, "9996620002"); /* bob */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_fini(&f);
    return 0;
}

static void seconds_pass(int n)
{
    f.now.wall += n * MT_US_PER_S;
    f.now.mono += n * MT_US_PER_S;
}

/* Says a text; the error, or "". */
static const char *say(const char *to, const char *text, int random_id)
{
    fix_call(&f, "messages.sendMessage", "{s:o,s:s,s:i}", "peer", fix_peer(&f, to), "message", text,
             "random_id", random_id);
    return f.error;
}

static void a_flood_wait_lasts_until_it_is_over_for_one_method_of_one_user(void **state)
{
    (void)state;
    fix_control(&f, "flood", "{s:s,s:s,s:i}", "user", "bob", "function", "messages.sendMessage", "seconds",
                5);
    assert_string_equal(say("alice", "x", 1), "420 FLOOD_WAIT_5");
    seconds_pass(3);
    assert_string_equal(say("alice", "x", 1), "420 FLOOD_WAIT_2"); /* who does not wait is told again */
    fix_call(&f, "help.getNearestDc", "{}");
    assert_string_equal(f.error, "");
    fix_as(&f, 1, 2);
    assert_string_equal(say("bob", "x", 1), "");
    fix_as(&f, 2, 2);
    seconds_pass(2);
    assert_string_equal(say("alice", "x", 1), "");
}

static void slow_mode_counts_for_members_in_that_group(void **state)
{
    (void)state;
    fix_control(&f, "slowMode", "{s:s,s:i}", "chat", "family", "seconds", 30);
    assert_string_equal(say("family", "one", 1), "");
    seconds_pass(10);
    assert_string_equal(say("family", "two", 2), "420 SLOWMODE_WAIT_20");
    assert_string_equal(say("family", "one", 1),
                        "500 RANDOM_ID_DUPLICATE"); /* it was sent: nothing to wait for */
    assert_string_equal(say("alice", "elsewhere", 3), "");
    fix_as(&f, 1, 2); /* its founder */
    assert_string_equal(say("family", "a", 1), "");
    assert_string_equal(say("family", "b", 2), "");
    fix_as(&f, 2, 2);
    seconds_pass(20);
    assert_string_equal(say("family", "two", 2), "");
}

static void slow_mode_takes_no_several_messages_at_once(void **state)
{
    int32_t one, two;

    (void)state;
    say("alice", "one", 1);
    say("alice", "two", 2);
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 2);
    two = (int32_t)num(f.result, "items.0.message_id");
    one = (int32_t)num(f.result, "items.1.message_id");
    fix_control(&f, "slowMode", "{s:s,s:i}", "chat", "family", "seconds", 30);
    fix_refused(&f, "400 SLOWMODE_MULTI_MSGS_DISABLED", "messages.forwardMessages", "{s:o,s:o,s:[ii],s:[ii]}",
                "from_peer", fix_peer(&f, "alice"), "to_peer", fix_peer(&f, "family"), "id", one, two,
                "random_id", 7, 8);
    fix_call(&f, "messages.forwardMessages", "{s:o,s:o,s:[i],s:[i]}", "from_peer", fix_peer(&f, "alice"),
             "to_peer", fix_peer(&f, "family"), "id", one, "random_id", 7);
    assert_string_equal(f.error, "");
    assert_string_equal(say("family", "more", 9), "420 SLOWMODE_WAIT_30");
}

static void a_random_id_is_remembered_for_a_day(void **state)
{
    (void)state;
    assert_string_equal(say("alice", "x", 5), "");
    seconds_pass(24 * 3600);
    assert_string_equal(say("alice", "x", 5), "500 RANDOM_ID_DUPLICATE");
    seconds_pass(1);
    assert_string_equal(say("alice", "x", 5), ""); /* forgotten: it is a second message */
}

static void the_same_reaction_again_changes_nothing(void **state)
{
    int32_t id;

    (void)state;
    say("alice", "nice", 1);
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 1);
    id = (int32_t)num(f.result, "items.0.message_id");
    for (int i = 0; i < 2; i++)
        fix_call(&f, "messages.sendReaction", "{s:o,s:i,s:[{s:s,s:s}]}", "peer", fix_peer(&f, "alice"),
                 "msg_id", id, "reaction", "_", "reactionEmoji", "emoticon", "👍");
    assert_string_equal(f.error, "400 MESSAGE_NOT_MODIFIED");
    for (int i = 0; i < 2; i++)
        fix_call(&f, "messages.sendReaction", "{s:o,s:i,s:[]}", "peer", fix_peer(&f, "alice"), "msg_id", id,
                 "reaction");
    assert_string_equal(f.error, "400 MESSAGE_NOT_MODIFIED");
}

static void a_channel_does_not_tell_who_reacted(void **state)
{
    int32_t id;

    (void)state;
    fix_as(&f, 1, 2);
    assert_string_equal(say("news", "post", 1), "");
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "alice", "chat", "news", "limit", 1);
    id = num(f.result, "items.0.message_id");
    fix_refused(&f, "403 BROADCAST_FORBIDDEN", "messages.getMessageReactionsList", "{s:o,s:i,s:i}", "peer",
                fix_peer(&f, "news"), "id", id, "limit", 10);
}

static void a_silent_pin_makes_a_service_message_too(void **state)
{
    int32_t id;

    (void)state;
    say("alice", "pin me", 1);
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 1);
    id = (int32_t)num(f.result, "items.0.message_id");
    fix_call(&f, "messages.updatePinnedMessage", "{s:o,s:i,s:b}", "peer", fix_peer(&f, "alice"), "id", id,
             "silent", 1);
    assert_string_equal(f.error, "");
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "bob", "chat", "alice", "limit", 1);
    assert_string_equal(str(f.result, "items.0.action._"), "messageActionPinMessage");
    fix_call(&f, "messages.updatePinnedMessage", "{s:o,s:i,s:b}", "peer", fix_peer(&f, "alice"), "id", id,
             "silent", 1);
    assert_string_equal(f.error, "400 CHAT_NOT_MODIFIED");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_flood_wait_lasts_until_it_is_over_for_one_method_of_one_user),
        T(slow_mode_counts_for_members_in_that_group),
        T(slow_mode_takes_no_several_messages_at_once),
        T(a_random_id_is_remembered_for_a_day),
        T(the_same_reaction_again_changes_nothing),
        T(a_channel_does_not_tell_who_reacted),
        T(a_silent_pin_makes_a_service_message_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
