/* backup: one at a time, told how far it is, ended with its client. The host's half is played. */
#include "tests/unit/rpc/rig.h"

#define TEST(name) static void name(void **state)
#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)

static struct {
    int runs, result, cancelled;
    uint64_t done;
} fake;

static int begin(void *ctx, const char *path, char err[256])
{
    if (fake.runs)
        return MT_E_STATE;
    if (path[0] != '/') {
        snprintf(err, 256, "not absolute");
        return MT_E_ARG;
    }
    fake.runs = 1;
    return MT_OK;
}

static int state_of(void *ctx, uint64_t *done, uint64_t *total, char *warning, size_t cap, char err[256])
{
    *done = fake.done;
    *total = 100;
    snprintf(err, 256, "%s", fake.result < 0 ? "the disk is full" : "");
    snprintf(warning, cap, "%s", fake.result > 0 ? "one is damaged" : "");
    if (fake.result)
        fake.runs = 0;
    return fake.result;
}

static void cancel(void *ctx)
{
    fake.cancelled++;
}

static void play(struct rig *g)
{
    memset(&fake, 0, sizeof fake);
    g->host.backup_begin = begin;
    g->host.backup_state = state_of;
    g->host.backup_cancel = cancel;
}

#define ASK(more) "{\"id\":5,\"method\":\"backup\",\"params\":{\"path\":\"/b\"}" more "}"

TEST(it_is_told_how_far_it_is_and_answered_at_the_end)
{
    BEGIN;
    play(g);
    assert_string_equal(say(g, ASK(",\"progress\":true")), "");
    fake.done = 40;
    rig_pass(g, 200);
    assert_string_equal(rig_read(g, g->c),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":5,"
                        "\"done\":40,\"total\":100,\"stage\":\"copying\"}}\n");
    assert_string_equal(rig_read(g, g->c), ""); /* nothing new */
    rig_pass(g, 3600 * 1000);                   /* it takes as long as it takes */
    assert_string_equal(rig_read(g, g->c), "");
    fake.done = 100;
    fake.result = 1;
    rig_read(g, g->c);
    assert_non_null(
        strstr(g->said, "\"result\":{\"path\":\"/b\",\"size\":100,\"warnings\":[\"one is damaged\"]}"));
    assert_int_equal(fake.cancelled, 0);
    END;
}

TEST(a_second_one_is_refused_and_an_error_is_told)
{
    BEGIN;
    play(g);
    say(g, ASK(""));
    say(g, ASK(""));
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    fake.result = -129;
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "STORAGE");
    assert_non_null(strstr(got(g, "error.message"), "the disk is full"));
    fake.result = 0;
    say(g, "{\"id\":5,\"method\":\"backup\",\"params\":{\"path\":\"b/c\"}}");
    assert_string_equal(got(g, "error.message"), "params.path: not absolute");
    assert_int_equal(fake.cancelled, 0);
    END;
}

TEST(who_hangs_up_or_cancels_ends_it)
{
    struct rpc_conn *other;
    BEGIN;
    play(g);
    say(g, ASK(""));
    say(g, "{\"id\":6,\"method\":\"cancel\",\"params\":{\"id\":5}}");
    assert_int_equal(fake.cancelled, 1);
    fake.runs = 0;
    other = rig_connect(g);
    rig_say(g, other, ASK(""));
    rpc_closed(other, g->now);
    assert_int_equal(fake.cancelled, 2);
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told_how_far_it_is_and_answered_at_the_end),
        cmocka_unit_test(a_second_one_is_refused_and_an_error_is_told),
        cmocka_unit_test(who_hangs_up_or_cancels_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
