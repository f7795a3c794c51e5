/* Clients that ask for too much, or for what costs too much (design.md section 6). */
#include "rpc/impl.h"
#include "rpc/sub.h"
#include "tests/unit/rpc/rig.h"

#include <string.h>

static void event(struct rig *g, const char *text)
{
    char body[512];

    snprintf(body, sizeof body, "\"key\":\"k\",\"type\":\"message\",\"message\":{\"text\":\"%s\"}", text);
    rig_event(g, "message", 5, 5, 1, body);
}

/*
 * The first branch takes some 2^18 steps to fail: within PCRE2's own limit, over ours. What is not decided
 * within the limit does not match, though the second branch would.
 */
static void a_pattern_that_explodes_does_not_match(void **state)
{
    struct rig *g = rig_new();

    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"text\":{\"pattern\":\"^(?:(?:a+)+b|a+c)$\"}}}");
    assert_string_equal(got(g, "result.subscription"), "1");
    event(g, "aaaaaaaaaaaaaaaaaac");
    assert_string_equal(rig_read(g, g->c), "");
    event(g, "aaac");
    rig_read(g, g->c);
    assert_string_equal(got(g, "params.message.text"), "aaac");
    rig_free(g);
}

static void a_pattern_is_bounded_itself(void **state)
{
    struct rig *g = rig_new();
    char text[600], pattern[300];

    memset(pattern, 'a', 257);
    pattern[257] = 0;
    snprintf(text, sizeof text,
             "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"text\":{\"pattern\":\"%s\"}}}", pattern);
    say(g, text);
    assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"text\":{\"pattern\":"
           "\"((((((a{1,999}){1,999}){1,999}){1,999}){1,999}){1,999})\"}}}");
    assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"text\":{\"pattern\":\"\\\\C\"}}}");
    assert_string_equal(got(g, "error.data.name"), "INVALID_PARAMS"); /* would cut characters */
    assert_int_equal(g->r->n_subs, 0);
    rig_free(g);
}

static void subscriptions_have_an_end(void **state)
{
    struct rig *g = rig_new();

    g->c->n_subs += RPC_SUBS_OF_CONN - 1;
    say(g, "{\"id\":1,\"method\":\"subscribe\"}");
    assert_string_equal(got(g, "result.subscription"), "1");
    say(g, "{\"id\":2,\"method\":\"subscribe\",\"params\":{\"name\":\"n\"}}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    assert_string_equal(got(g, "error.data.hint"), "unsubscribe ends one");
    assert_int_equal(g->n_subs, 0); /* and its name was not kept */
    say(g, "{\"id\":3,\"method\":\"unsubscribe\",\"params\":{\"subscription\":1}}");
    say(g, "{\"id\":4,\"method\":\"subscribe\"}");
    assert_string_equal(got(g, "result.subscription"), "2");
    g->c->n_subs -= RPC_SUBS_OF_CONN - 1;
    g->r->n_subs += RPC_SUBS_MAX - 1;
    say(g, "{\"id\":5,\"method\":\"subscribe\"}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    g->r->n_subs -= RPC_SUBS_MAX - 1;
    rig_free(g);
}

/* Each may bring a thousand chats and a pattern: they count with all that clients make us hold. */
static void what_subscriptions_hold_is_counted(void **state)
{
    struct rig *g = rig_new();
    char text[8192];
    size_t before, n, plain;

    say(g, "{\"id\":1,\"method\":\"getInfo\"}");
    before = g->r->bytes;
    say(g, "{\"id\":1,\"method\":\"subscribe\"}");
    plain = g->r->bytes - before;
    n = (size_t)snprintf(text, sizeof text, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"chats\":[1");
    for (int i = 0; i < 900; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, ",%d", i + 2);
    snprintf(text + n, sizeof text - n, "]}}");
    before = g->r->bytes;
    say(g, text);
    assert_true(g->r->bytes >= before + 900 * sizeof(int64_t));
    assert_true(plain >= sizeof(struct rpc_sub));
    before = g->r->bytes;
    g->r->bytes += RPC_TOTAL_MAX;
    say(g, "{\"id\":2,\"method\":\"subscribe\"}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    g->r->bytes -= RPC_TOTAL_MAX;
    rpc_closed(g->c, g->now);
    assert_int_equal(g->r->bytes, 0);
    g->c = rig_connect(g);
    rig_free(g);
}

static int ten_thousand_names(void *ctx,
                              int (*row)(void *arg, const char *name, struct rpc_cursor acked, int64_t since),
                              void *arg)
{
    for (int i = 0; i < RPC_NAMED_MAX; i++)
        row(arg, "n", (struct rpc_cursor){1, 1}, 0);
    return MT_OK;
}

/* A name is kept on disk until somebody drops it. */
static void names_have_an_end(void **state)
{
    struct rig *g = rig_new();

    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"old\"}}");
    g->host.sub_each = ten_thousand_names;
    say(g, "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"new\"}}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    assert_string_equal(got(g, "error.data.hint"), "dropSubscription forgets one");
    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"name\":\"new\",\"since\":\"now\"}}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    say(g,
        "{\"id\":1,\"method\":\"getEvents\",\"params\":{\"name\":\"old\"}}"); /* one that is there goes on */
    assert_string_equal(got(g, "result.items"), "[]");
    assert_int_equal(g->n_subs, 1);
    rig_free(g);
}

/* It stops being read, however much more it sends; its errors wait for it, one for each stretch. */
static void a_flood_of_junk_is_paused(void **state)
{
    struct rig *g = rig_new();
    static const char junk[] = "}{,\n{]\n";
    size_t fed = 0;

    while (rpc_wants_read(g->c) && fed < 1000000) {
        rpc_feed(g->c, g->now, junk, sizeof junk - 1);
        while (g->r->work)
            rpc_tick(g->r, g->now);
        fed++;
    }
    assert_true(fed < 20000);
    assert_in_range(rpc_conn_unread(g->c), RPC_UNREAD_MAX, RPC_UNREAD_MAX + 2048);
    rig_pass(g, 59000);
    assert_false(rpc_is_done(g->c));
    rig_pass(g, 2000); /* and who reads none of them for a minute goes */
    assert_true(rpc_is_done(g->c));
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_that_explodes_does_not_match),
        cmocka_unit_test(a_pattern_is_bounded_itself),
        cmocka_unit_test(subscriptions_have_an_end),
        cmocka_unit_test(what_subscriptions_hold_is_counted),
        cmocka_unit_test(names_have_an_end),
        cmocka_unit_test(a_flood_of_junk_is_paused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
