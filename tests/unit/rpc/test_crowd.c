/* Many clients and greedy ones: what they cost, and that others do not notice (design: loop and clients). */
#include "rpc/impl.h"
#include "rpc/sub.h"
#include "tests/unit/rpc/rig.h"

#include <string.h>

#define MANY 1000

static void turn(struct rig *g)
{
    if (rpc_deadline(g->r) <= g->now.mono)
        rpc_tick(g->r, g->now);
    rpc_turn(g->r, ++g->turn, g->synced);
    rpc_committed(g->r, g->now);
    while (rpc_next_ready(g->r))
        ;
}

/* Lines that may leave, counted and taken. */
static size_t take(struct rig *g, struct rpc_conn *c)
{
    struct tl_slice out = rpc_output(c);
    size_t n = 0;

    for (size_t i = 0; i < out.n; i++)
        n += out.p[i] == '\n';
    rpc_wrote(c, g->now, out.n);
    return n;
}

static void feed(struct rig *g, struct rpc_conn *c, const char *text)
{
    rpc_feed(c, g->now, text, strlen(text));
}

static void a_thousand_connections_leave_nothing_behind(void **state)
{
    struct rig *g = rig_new();
    static struct rpc_conn *c[MANY];
    size_t before = g->r->bytes;

    for (size_t i = 0; i < MANY; i++) {
        c[i] = rig_connect(g);
        feed(g, c[i],
             i % 2 ? "{\"id\":1,\"method\":\"waitEvent\",\"params\":{\"wait\":60}}\n{\"half\":" : "{\"id\":");
    }
    turn(g);
    assert_int_equal(g->r->n_conns, MANY + 1);
    assert_int_equal(g->r->n_reqs, MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        rpc_closed(c[(i * 7) % MANY], g->now);
    turn(g);
    assert_int_equal(g->r->n_conns, 1);
    assert_int_equal(g->r->n_reqs, 0);
    assert_null(g->r->parked);
    assert_null(g->r->orphans);
    assert_int_equal(g->r->timers.n, 0);
    assert_true(g->r->bytes == before);
    rig_free(g);
}

static void all_together_hold_no_more_than_a_quarter_gibibyte(void **state)
{
    struct rig *g = rig_new();
    struct rpc_cred cred = {.uid = 1000};

    g->r->bytes += RPC_TOTAL_MAX; /* what others hold */
    say(g, "{\"id\":1,\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    assert_null(rpc_accept(g->r, g->now, &cred, NULL));
    g->r->bytes -= RPC_TOTAL_MAX;
    say(g, "{\"id\":1,\"method\":\"getInfo\"}");
    assert_string_equal(got(g, "result.name"), "tgd");
    rig_free(g);
}

/* A value that is still being read is given up when the others hold too much; the connection stays usable. */
static void what_is_being_read_is_given_up_when_memory_is_short(void **state)
{
    struct rig *g = rig_new();
    static char text[100 * 1024];

    memset(text, 'x', sizeof text);
    feed(g, g->c, "{\"id\":1,\"method\":\"");
    rpc_feed(g->c, g->now, text, sizeof text);
    g->r->bytes += RPC_TOTAL_MAX;
    rpc_feed(g->c, g->now, text, 10);
    rig_read(g, g->c);
    assert_string_equal(got(g, "error.data.name"), "BUSY");
    g->r->bytes -= RPC_TOTAL_MAX;
    assert_true(g->r->bytes < sizeof text);
    say(g, "\"}\n{\"id\":2,\"method\":\"getInfo\"}\n");
    assert_non_null(strstr(g->said, "\"id\":2,\"result\""));
    rig_free(g);
}

static void event(struct rig *g)
{
    rig_event(g, "message", 5, 5, 1, "\"key\":\"k\",\"type\":\"message\",\"message\":{\"text\":\"hello\"}");
}

/* One event for ten thousand is many turns, each a short one; and nobody is left out. */
static void ten_thousand_subscriptions_share_the_turns(void **state)
{
    struct rig *g = rig_new();
    struct rpc_conn *c[20];
    size_t got_lines = 0, turns = 0, most = 0;

    for (size_t i = 0; i < 20; i++) {
        c[i] = rig_connect(g);
        for (size_t k = 0; k < 500; k++) {
            feed(g, c[i], "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe\"}\n");
            while (g->r->work)
                rpc_tick(g->r, g->now);
        }
    }
    for (int i = 0; i < 100; i++)
        turn(g);
    for (size_t i = 0; i < 20; i++)
        take(g, c[i]);
    assert_int_equal(g->r->n_subs, 10000);
    event(g);
    do {
        size_t n = 0;

        turn(g);
        for (size_t i = 0; i < 20; i++)
            n += take(g, c[i]);
        most = n > most ? n : most;
        got_lines += n;
        turns++;
    } while (g->r->subs_due);
    assert_int_equal(got_lines, 10000);
    assert_in_range(most, 1, 256);
    assert_in_range(turns, 10000 / 256, 100);
    turn(g);
    assert_false(g->r->subs_due);
    assert_true(rpc_deadline(g->r) == MT_NEVER); /* and then it is quiet */
    for (size_t i = 0; i < 20; i++)
        rpc_closed(c[i], g->now);
    assert_int_equal(g->r->n_subs, 0);
    assert_null(g->r->subs);
    assert_null(g->r->sub_first);
    rig_free(g);
}

/* Who comes back after long reads on in portions; who is up to date hears the news meanwhile. */
static void a_late_comer_does_not_hold_up_who_is_there(void **state)
{
    struct rig *g = rig_new();
    struct rpc_conn *there = rig_connect(g), *late = g->c;
    size_t n, turns = 0;

    rig_say(g, there, "{\"id\":1,\"method\":\"subscribe\"}");
    for (int i = 0; i < 3000; i++)
        event(g);
    for (n = 0; n < 3000; n += take(g, there))
        turn(g);
    feed(g, late, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"since\":\"oldest\"}}");
    turn(g);
    n = take(g, late);
    for (; n < 3001 + 20; turns++) {
        size_t news;

        if (turns < 20)
            event(g);
        turn(g);
        news = take(g, there);
        assert_int_equal(news, turns < 20);
        n += take(g, late);
        assert_true(rpc_conn_unread(late) < RPC_PUSH_AHEAD + 1024);
        assert_true(turns < 1000);
    }
    assert_true(turns >= 3000 / 64);
    rig_free(g);
}

/* Its place is on disk, so it costs a buffer however far behind it is. */
static void who_never_reads_events_costs_one_buffer(void **state)
{
    struct rig *g = rig_new();

    say(g, "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"since\":\"oldest\"}}");
    for (int i = 0; i < 4000; i++)
        event(g);
    for (int i = 0; i < 400; i++)
        turn(g);
    assert_true(rpc_conn_unread(g->c) >= RPC_PUSH_AHEAD);
    assert_true(rpc_conn_unread(g->c) < RPC_PUSH_AHEAD + 1024);
    assert_false(g->r->subs_due); /* and no turns */
    assert_true(rpc_deadline(g->r) == MT_NEVER);
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_connections_leave_nothing_behind),
        cmocka_unit_test(all_together_hold_no_more_than_a_quarter_gibibyte),
        cmocka_unit_test(what_is_being_read_is_given_up_when_memory_is_short),
        cmocka_unit_test(ten_thousand_subscriptions_share_the_turns),
        cmocka_unit_test(a_late_comer_does_not_hold_up_who_is_there),
        cmocka_unit_test(who_never_reads_events_costs_one_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
