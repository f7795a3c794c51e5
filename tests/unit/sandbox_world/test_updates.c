/* Live updates and differences tell the same story, whatever forms the seed picks. */
#include "tests/unit/sandbox_world/fixture.h"

#define ACTS  40
#define SEEDS 60

static struct fixture f;

/* What a client of alice knows: {"u/12": "text", "c1500000001/3": "text"}, and where its boxes stand. */
struct model {
    json_t *messages;
    int32_t pts, date;
    json_t *channels; /* id -> pts */
};

static void model_init(struct model *m)
{
    m->messages = json_object();
    m->channels = json_object();
}

static void model_fini(struct model *m)
{
    json_decref(m->messages);
    json_decref(m->channels);
}

static const char *key_of(char key[64], int64_t channel, int64_t id)
{
    if (channel)
        snprintf(key, 64, "c%lld/%lld", (long long)channel, (long long)id);
    else
        snprintf(key, 64, "u/%lld", (long long)id);
    return key;
}

static void put(struct model *m, int64_t channel, int64_t id, const char *text)
{
    char key[64];

    json_object_set_new(m->messages, key_of(key, channel, id), json_string(text));
}

static void put_message(struct model *m, const json_t *msg)
{
    put(m, num(msg, "peer_id.channel_id"), num(msg, "id"),
        at(msg, "action") ? str(msg, "action._") : str(msg, "message"));
}

static bool is(const json_t *o, const char *ctor)
{
    return !strcmp(str(o, "_"), ctor);
}

/* The box of an update that counts: 0 the common one, -1 none. */
static int64_t box_of(const json_t *u)
{
    if (!at(u, "pts_count"))
        return -1;
    return at(u, "channel_id") ? num(u, "channel_id") : num(u, "message.peer_id.channel_id");
}

static void apply(struct model *m, const json_t *u)
{
    size_t i;
    json_t *id;
    char key[64];

    if (is(u, "updateShortMessage") || is(u, "updateShortChatMessage"))
        put(m, 0, num(u, "id"), str(u, "message"));
    else if (at(u, "message.id") && !is(u, "updateNewScheduledMessage"))
        put_message(m, at(u, "message"));
    else if (is(u, "updateDeleteMessages") || is(u, "updateDeleteChannelMessages"))
        json_array_foreach (at(u, "messages"), i, id) {
            json_object_del(m->messages, key_of(key, num(u, "channel_id"), json_integer_value(id)));
        }
}

/* Every live update fits its box exactly: nothing missing, nothing twice. */
static void apply_live(struct model *m, const json_t *u)
{
    int64_t box = box_of(u);
    char name[32];

    if (box >= 0) {
        int64_t have;

        snprintf(name, sizeof name, "%lld", (long long)box);
        have = box ? num(m->channels, name) : m->pts;
        assert_int_equal(num(u, "pts"), have + num(u, "pts_count"));
        if (box)
            json_object_set_new(m->channels, name, json_integer(num(u, "pts")));
        else
            m->pts = (int32_t)num(u, "pts");
    }
    apply(m, u);
}

static void live(struct model *m)
{
    json_t *list = fix_updates(&f, ALICE), *u;
    size_t i;

    json_array_foreach (list, i, u) {
        apply_live(m, u);
    }
    json_decref(list);
    fix_drain(&f);
}

static void catch_up_channel(struct model *m, int64_t id, int64_t hash)
{
    char name[32];
    json_t *u;
    size_t i;

    snprintf(name, sizeof name, "%lld", (long long)id);
    for (int rounds = 0; rounds < 100; rounds++) {
        fix_call(&f, "updates.getChannelDifference", "{s:{s:s,s:I,s:I},s:{s:s},s:I,s:i}", "channel", "_",
                 "inputChannel", "channel_id", id, "access_hash", hash, "filter", "_",
                 "channelMessagesFilterEmpty", "pts", num(m->channels, name), "limit", 100);
        assert_string_equal(f.error, "");
        json_array_foreach (at(f.result, "new_messages"), i, u) {
            put_message(m, u);
        }
        json_array_foreach (at(f.result, "other_updates"), i, u) {
            apply(m, u);
        }
        json_object_set_new(m->channels, name, json_integer(num(f.result, "pts")));
        if (json_is_true(at(f.result, "final")))
            return;
    }
    fail_msg("a channel difference without end");
}

static void catch_up(struct model *m, const int64_t channels[2], const int64_t hashes[2])
{
    json_t *u;
    size_t i;

    for (int rounds = 0; rounds < 200; rounds++) {
        fix_call(&f, "updates.getDifference", "{s:i,s:i,s:i}", "pts", m->pts, "date", m->date, "qts", 0);
        assert_string_equal(f.error, "");
        json_array_foreach (at(f.result, "new_messages"), i, u) {
            put_message(m, u);
        }
        json_array_foreach (at(f.result, "other_updates"), i, u) {
            apply(m, u);
        }
        if (is(f.result, "updates.differenceSlice")) {
            assert_true(num(f.result, "intermediate_state.pts") > m->pts);
            m->pts = (int32_t)num(f.result, "intermediate_state.pts");
            continue;
        }
        if (is(f.result, "updates.difference"))
            m->pts = (int32_t)num(f.result, "state.pts");
        m->date = (int32_t)(at(f.result, "date") ? num(f.result, "date") : num(f.result, "state.date"));
        for (i = 0; i < 2; i++)
            catch_up_channel(m, channels[i], hashes[i]);
        return;
    }
    fail_msg("a difference without end");
}

static uint32_t roll(uint32_t n)
{
    f.random = f.random * UINT64_C(6364136223846793005) + 1;
    return (uint32_t)(f.random >> 33) % n;
}

/* Somebody does something that alice hears of; some of it from another session of hers. */
static void act(int i)
{
    static const char *const chats[][2] = {{"bob", "alice"},  {"alice", "bob"},  {"alice", "team"},
                                           {"bob", "team"},   {"bob", "family"}, {"alice", "family"},
                                           {"alice", "news"}, {"carol", "alice"}};
    const char *from = chats[roll(8)][0], *to = NULL;
    char text[40];

    for (uint32_t k = roll(8); !to; k = (k + 1) % 8)
        if (!strcmp(chats[k][0], from))
            to = chats[k][1];
    snprintf(text, sizeof text, "text %d", i);
    f.now.wall += roll(3) * MT_US_PER_S;
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", from, "chat", to, "limit", 4);
    int64_t id = num(f.result, "items.0.message_id"), old = num(f.result, "items.1.message_id");
    bool mine = num(f.result, "items.0.from") != 0 && json_is_true(at(f.result, "items.0.out"));

    switch (roll(6)) {
    case 0:
        if (mine)
            fix_control(&f, "editAs", "{s:s,s:s,s:I,s:s}", "from", from, "chat", to, "message_id", id, "text",
                        text);
        break;
    case 1:
        if (id && old)
            fix_control(&f, "deleteAs", "{s:s,s:s,s:[I,I]}", "from", from, "chat", to, "message_ids", id,
                        old);
        break;
    case 2:
        fix_control(&f, "readAs", "{s:s,s:s}", "from", from, "chat", to);
        break;
    case 3:
        if (id)
            fix_control(&f, "reactAs", "{s:s,s:s,s:I,s:s}", "from", from, "chat", to, "message_id", id,
                        "reaction", "+");
        break;
    default:
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", from, "to", to, "text", text);
        break;
    }
}

/* What is really there. */
static json_t *truth(const int64_t channels[2])
{
    static const char *const chats[] = {"bob", "carol", "team", "alice", "family", "news"};
    struct model m;
    json_t *item, *messages;
    size_t i;

    model_init(&m);
    for (size_t c = 0; c < 6; c++) {
        fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "alice", "chat", chats[c], "limit", 10000);
        json_array_foreach (at(f.result, "items"), i, item) {
            put(&m, c < 4 ? 0 : channels[c - 4], num(item, "message_id"),
                at(item, "action") ? str(item, "action._") : str(item, "text"));
        }
    }
    messages = json_incref(m.messages);
    model_fini(&m);
    return messages;
}

static void start_model(struct model *m, const int64_t channels[2], const int64_t hashes[2])
{
    char name[32];

    model_init(m);
    m->pts = 1;
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%lld", (long long)channels[i]);
        json_object_set_new(m->channels, name, json_integer(1));
    }
    /* the beginning is told by difference to both */
    catch_up(m, channels, hashes);
}

static void live_updates_and_differences_tell_the_same_story(void **state)
{
    int64_t channels[2], hashes[2];
    struct model a, b;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        fix_init(&f, seed);
        fix_login(&f, 1, 2, "9996620001");
        hashes[0] = fix_hash(&f, "family");
        channels[0] = num(f.result, "peer.channel_id");
        hashes[1] = fix_hash(&f, "news");
        channels[1] = num(f.result, "peer.channel_id");
        start_model(&a, channels, hashes);
        start_model(&b, channels, hashes);
        fix_drain(&f);
        for (int i = 0; i < ACTS; i++) {
            act(i);
            live(&a);
            if (!roll(9))
                catch_up(&b, channels, hashes);
        }
        catch_up(&b, channels, hashes);
        json_t *real = truth(channels);

        assert_int_equal(a.pts, b.pts);
        assert_true(json_equal(a.channels, b.channels));
        if (!json_equal(a.messages, real) || !json_equal(b.messages, real))
            fail_msg("seed %llu: live %zu, difference %zu, really %zu messages", (unsigned long long)seed,
                     json_object_size(a.messages), json_object_size(b.messages), json_object_size(real));
        json_decref(real);
        model_fini(&a);
        model_fini(&b);
        fix_fini(&f);
    }
}

static void the_same_seed_and_calls_give_the_same_pushes(void **state)
{
    json_t *pushes[3];

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        fix_init(&f, i < 2 ? 9 : 10);
        fix_login(&f, 1, 2, "9996620001");
        f.random = 1; /* the same acts, whatever the seed */
        for (int k = 0; k < ACTS; k++)
            act(k);
        pushes[i] = json_incref(f.pushes);
        fix_fini(&f);
    }
    assert_true(json_array_size(pushes[0]) > 10);
    assert_true(json_equal(pushes[0], pushes[1]));
    assert_false(json_equal(pushes[0], pushes[2]));
    for (size_t i = 0; i < 3; i++)
        json_decref(pushes[i]);
}

static void a_pts_that_cannot_be_is_refused(void **state)
{
    (void)state;
    fix_init(&f, 1);
    fix_login(&f, 1, 2, "9996620001");
    fix_refused(&f, "400 PERSISTENT_TIMESTAMP_EMPTY", "updates.getDifference", "{s:i,s:i,s:i}", "pts", 0,
                "date", 1, "qts", 0);
    fix_refused(&f, "400 PERSISTENT_TIMESTAMP_INVALID", "updates.getDifference", "{s:i,s:i,s:i}", "pts",
                99999, "date", 1, "qts", 0);
    fix_fini(&f);
}

static void nothing_new_is_an_empty_difference(void **state)
{
    (void)state;
    fix_init(&f, 1);
    fix_login(&f, 1, 2, "9996620001");
    fix_call(&f, "updates.getState", NULL);
    fix_call(&f, "updates.getDifference", "{s:I,s:I,s:i}", "pts", num(f.result, "pts"), "date",
             num(f.result, "date"), "qts", 0);
    assert_string_equal(str(f.result, "_"), "updates.differenceEmpty");
    fix_fini(&f);
}

static void a_difference_can_be_made_too_long(void **state)
{
    (void)state;
    fix_init(&f, 1);
    fix_login(&f, 1, 2, "9996620001");
    int64_t hash = fix_hash(&f, "family"), id = num(f.result, "peer.channel_id");

    fix_control(&f, "tooLong", "{s:s}", "of", "alice");
    fix_call(&f, "updates.getDifference", "{s:i,s:i,s:i}", "pts", 1, "date", 1, "qts", 0);
    assert_string_equal(str(f.result, "_"), "updates.differenceTooLong");
    fix_control(&f, "tooLong", "{s:s}", "of", "family");
    fix_call(&f, "updates.getChannelDifference", "{s:{s:s,s:I,s:I},s:{s:s},s:i,s:i}", "channel", "_",
             "inputChannel", "channel_id", id, "access_hash", hash, "filter", "_",
             "channelMessagesFilterEmpty", "pts", 1, "limit", 100);
    assert_string_equal(str(f.result, "_"), "updates.channelDifferenceTooLong");
    assert_int_not_equal(num(f.result, "dialog.pts"), 0);
    fix_fini(&f);
}

static void channel_difference(int64_t id, int64_t hash, int64_t pts, int limit)
{
    fix_call(&f, "updates.getChannelDifference", "{s:{s:s,s:I,s:I},s:{s:s},s:I,s:i}", "channel", "_",
             "inputChannel", "channel_id", id, "access_hash", hash, "filter", "_",
             "channelMessagesFilterEmpty", "pts", pts, "limit", limit);
}

/* What users of big channels complain about: over about a hundred the rest is skipped. */
static void a_user_who_missed_more_than_he_asks_for_is_told_the_newest_only(void **state)
{
    (void)state;
    fix_init(&f, 1);
    fix_login(&f, 1, 2, "9996620001");
    int64_t hash = fix_hash(&f, "family"), id = num(f.result, "peer.channel_id");

    channel_difference(id, hash, 1, 100);
    int64_t pts = num(f.result, "pts");

    for (int i = 0; i < 12; i++)
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "family", "text", "x");
    fix_control(&f, "setSlice", "{s:i}", "events", 100);
    channel_difference(id, hash, pts, 12);
    assert_string_equal(str(f.result, "_"), "updates.channelDifference");
    assert_int_equal(json_array_size(at(f.result, "new_messages")), 12);
    channel_difference(id, hash, pts, 11);
    assert_string_equal(str(f.result, "_"), "updates.channelDifferenceTooLong");
    assert_int_equal(num(f.result, "dialog.pts"), pts + 12);
    assert_int_equal(num(f.result, "messages.0.id"), num(f.result, "dialog.top_message"));
    fix_fini(&f);
}

static void a_channel_difference_without_a_limit_is_refused(void **state)
{
    (void)state;
    fix_init(&f, 1);
    fix_login(&f, 1, 2, "9996620001");
    int64_t hash = fix_hash(&f, "family"), id = num(f.result, "peer.channel_id");

    channel_difference(id, hash, 1, 0);
    assert_string_equal(f.error, "400 LIMIT_INVALID");
    channel_difference(id, hash, 0, 10);
    assert_string_equal(f.error, "400 PERSISTENT_TIMESTAMP_EMPTY");
    channel_difference(id, hash, 99999, 10);
    assert_string_equal(f.error, "400 PERSISTENT_TIMESTAMP_INVALID");
    channel_difference(id, hash + 1, 1, 10);
    assert_string_equal(f.error, "400 CHANNEL_INVALID");
    fix_fini(&f);
}

static void a_state_tells_the_seq_of_the_session_that_asks(void **state)
{
    (void)state;
    fix_init(&f, 1);
    fix_login(&f, 1, 2, "9996620001");
    f.caller.seq = 7;
    fix_call(&f, "updates.getState", NULL);
    assert_int_equal(num(f.result, "seq"), 7);
    fix_call(&f, "updates.getDifference", "{s:I,s:I,s:i}", "pts", num(f.result, "pts"), "date",
             num(f.result, "date"), "qts", 0);
    assert_int_equal(num(f.result, "seq"), 7);
    fix_fini(&f);
}

static void a_slice_is_as_long_as_it_was_told_to_be(void **state)
{
    (void)state;
    fix_init(&f, 1);
    fix_login(&f, 1, 2, "9996620001");
    fix_call(&f, "updates.getState", NULL);
    int64_t pts = num(f.result, "pts");

    for (int i = 0; i < 5; i++)
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "alice", "text", "x");
    fix_control(&f, "setSlice", "{s:i}", "events", 2);
    fix_call(&f, "updates.getDifference", "{s:I,s:i,s:i}", "pts", pts, "date", 1, "qts", 0);
    assert_string_equal(str(f.result, "_"), "updates.differenceSlice");
    assert_int_equal(json_array_size(at(f.result, "new_messages")), 2);
    assert_int_equal(num(f.result, "intermediate_state.pts"), pts + 2);
    fix_call(&f, "updates.getDifference", "{s:I,s:i,s:i}", "pts", pts + 4, "date", 1, "qts", 0);
    assert_string_equal(str(f.result, "_"), "updates.difference");
    assert_int_equal(json_array_size(at(f.result, "new_messages")), 1);
    assert_int_equal(num(f.result, "state.pts"), pts + 5);
    fix_fini(&f);
}

static void a_message_is_pushed_in_every_form_that_there_is(void **state)
{
    static const char *const forms[] = {"updateShortMessage", "updates", "updatesCombined"};
    bool seen[3] = {false};

    (void)state;
    for (uint64_t seed = 1; seed < 40; seed++) {
        fix_init(&f, seed);
        fix_login(&f, 1, 2, "9996620001");
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "alice", "text", "hi");
        for (size_t i = 0; i < 3; i++)
            seen[i] = seen[i] || !strcmp(str(f.pushes, "0.updates._"), forms[i]);
        fix_fini(&f);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
}

static void a_random_id_can_be_learnt_from_the_difference(void **state)
{
    bool seen = false;
    json_t *u;
    size_t i;

    (void)state;
    fix_init(&f, 1);
    fix_login(&f, 1, 2, "9996620001");
    fix_call(&f, "updates.getState", NULL);
    int64_t pts = num(f.result, "pts"), date = num(f.result, "date");

    fix_call(&f, "messages.sendMessage", "{s:o,s:s,s:i}", "peer", fix_peer(&f, "bob"), "message", "x",
             "random_id", 4242);
    fix_call(&f, "updates.getDifference", "{s:I,s:I,s:i}", "pts", pts, "date", date, "qts", 0);
    json_array_foreach (at(f.result, "other_updates"), i, u) {
        seen = seen || (is(u, "updateMessageID") && num(u, "random_id") == 4242);
    }
    assert_true(seen);
    fix_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_updates_and_differences_tell_the_same_story),
        cmocka_unit_test(the_same_seed_and_calls_give_the_same_pushes),
        cmocka_unit_test(a_pts_that_cannot_be_is_refused),
        cmocka_unit_test(nothing_new_is_an_empty_difference),
        cmocka_unit_test(a_difference_can_be_made_too_long),
        cmocka_unit_test(a_user_who_missed_more_than_he_asks_for_is_told_the_newest_only),
        cmocka_unit_test(a_channel_difference_without_a_limit_is_refused),
        cmocka_unit_test(a_state_tells_the_seq_of_the_session_that_asks),
        cmocka_unit_test(a_slice_is_as_long_as_it_was_told_to_be),
        cmocka_unit_test(a_message_is_pushed_in_every_form_that_there_is),
        cmocka_unit_test(a_random_id_can_be_learnt_from_the_difference),
    };
    return cmocka_run_group_tests_name("sandbox world: updates", tests, NULL, NULL);
}
