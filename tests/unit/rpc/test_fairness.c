/*
 * Who asks one thing is not behind those who pipeline; counted in turns of the loop and in answers, so that
 * no clock has a say. The daemon's turn: what was read is fed, rpc_tick() where it is due, rpc_committed(),
 * outputs.
 */
#include "rpc/impl.h"
#include "tests/unit/rpc/rig.h"

#include <string.h>

#define LOUD    200
#define PIPED   100
#define REQUEST "{\"id\":1,\"method\":\"getInfo\"}\n"

static struct rpc_conn *loud[LOUD];
static size_t answers[LOUD];

/* Answers that may leave, counted and taken. */
static size_t take(struct rig *g, struct rpc_conn *c)
{
    struct tl_slice out = rpc_output(c);
    size_t n = 0;

    for (size_t i = 0; i < out.n; i++)
        n += out.p[i] == '\n';
    rpc_wrote(c, g->now, out.n);
    return n;
}

/* One turn in which nobody is read; how many answers the loud got in it. */
static size_t turn(struct rig *g)
{
    size_t n = 0;

    if (rpc_deadline(g->r) <= g->now.mono)
        rpc_tick(g->r, g->now);
    rpc_turn(g->r, ++g->turn, g->synced);
    rpc_committed(g->r, g->now);
    while (rpc_next_ready(g->r))
        ;
    for (size_t i = 0; i < LOUD; i++) {
        size_t got = take(g, loud[i]);

        answers[i] += got;
        n += got;
    }
    return n;
}

static void feed_all(struct rig *g)
{
    static char text[PIPED * sizeof REQUEST];

    for (size_t i = 0; i < PIPED; i++)
        memcpy(text + i * strlen(REQUEST), REQUEST, sizeof REQUEST);
    for (size_t i = 0; i < LOUD; i++)
        rpc_feed(loud[i], g->now, text, PIPED * strlen(REQUEST));
}

static struct rig *crowd(void)
{
    struct rig *g = rig_new();

    for (size_t i = 0; i < LOUD; i++) {
        answers[i] = 0;
        loud[i] = rig_connect(g);
    }
    feed_all(g);
    return g;
}

static void a_quiet_client_is_answered_in_the_turn_of_its_question(void **state)
{
    struct rig *g = crowd();
    size_t turns = 0;

    while (g->r->work) {
        rpc_feed(g->c, g->now, REQUEST, strlen(REQUEST));
        turn(g);
        assert_int_equal(take(g, g->c), 1);
        turns++;
    }
    assert_true(turns > LOUD * PIPED / 2 / RPC_TURN);
    rig_free(g);
}

/* So a turn is short, however many wait: its other work is bounded too. */
static void a_turn_serves_the_loud_no_more_than_its_share(void **state)
{
    struct rig *g = crowd();
    size_t first = turn(g);

    assert_true(first <= LOUD + RPC_SHARE_ALONE + RPC_TURN); /* each new one had its first value at once */
    while (g->r->work)
        assert_true(turn(g) <= RPC_TURN);
    for (size_t i = 0; i < LOUD; i++)
        assert_int_equal(answers[i], PIPED);
    rig_free(g);
}

/* Those who share alike end alike, and send their next hundred in one turn: it is no longer than others. */
static void who_has_pipelined_gets_nothing_at_once(void **state)
{
    struct rig *g = crowd();

    while (g->r->work)
        turn(g);
    feed_all(g);
    assert_true(turn(g) <= RPC_SHARE_ALONE + RPC_TURN);
    rpc_feed(g->c, g->now, REQUEST, strlen(REQUEST));
    turn(g);
    assert_int_equal(take(g, g->c), 1);
    while (g->r->work)
        assert_true(turn(g) <= RPC_TURN);
    rpc_feed(loud[7], g->now, REQUEST,
             strlen(REQUEST)); /* it asks one thing now, and is quiet from here on */
    turn(g);
    assert_false(loud[7]->loud);
    assert_true(loud[8]->loud);
    rig_free(g);
}

static void the_loud_share_alike(void **state)
{
    struct rig *g = crowd();

    for (size_t t = 0; t < 400; t++) {
        size_t least = PIPED, most = 0;

        turn(g);
        for (size_t i = 1; i < LOUD; i++) { /* the first came while nobody waited */
            least = answers[i] < least ? answers[i] : least;
            most = answers[i] > most ? answers[i] : most;
        }
        assert_true(most - least <= RPC_SHARE);
    }
    rig_free(g);
}

/* What it asks beyond the limits stays unread in the kernel, and no turn looks at it. */
static void who_never_reads_takes_no_turns(void **state)
{
    struct rig *g = rig_new();
    struct rpc_conn *deaf = rig_connect(g);
    static char text[64 * 1024];
    size_t turns = 0;

    for (size_t i = 0; i + sizeof "{\"id\":1,\"method\":\"help\"}\n" < sizeof text;)
        i += (size_t)snprintf(text + i, sizeof text - i, "{\"id\":1,\"method\":\"help\"}\n");
    while (rpc_wants_read(deaf) || rpc_deadline(g->r) == 0) {
        if (rpc_wants_read(deaf))
            rpc_feed(deaf, g->now, text, strlen(text));
        if (rpc_deadline(g->r) == 0)
            rpc_tick(g->r, g->now);
        assert_true(++turns < 100000);
    }
    assert_true(rpc_conn_unread(deaf) >= RPC_UNREAD_MAX);
    assert_true(rpc_conn_unread(deaf) <
                RPC_UNREAD_MAX + 256 * 1024); /* the answer that went over it, no more */
    assert_null(g->r->work);
    rpc_feed(g->c, g->now, REQUEST, strlen(REQUEST));
    assert_int_equal(take(g, g->c), 1);
    rig_free(g);
}

/* Long answers are work: a turn ends after a few of them, whoever asks. */
static void a_turn_is_short_also_where_answers_are_long(void **state)
{
    static const char ask[] = "{\"id\":1,\"method\":\"rpc.discover\"}\n"; /* tens of KiB */
    struct rig *g = rig_new();
    static char text[10 * sizeof ask];
    struct rpc_conn *c[8];
    size_t most = 0, turns = 0;

    for (size_t k = 0; k < 10; k++)
        memcpy(text + k * strlen(ask), ask, sizeof ask);

    for (size_t i = 0; i < 8; i++)
        c[i] = rig_connect(g);
    for (size_t i = 0; i < 8; i++)
        rpc_feed(c[i], g->now, text, strlen(text));
    while (rpc_deadline(g->r) == 0) {
        size_t n = 0;

        rpc_tick(g->r, g->now);
        while (rpc_next_ready(g->r))
            ;
        for (size_t i = 0; i < 8; i++)
            n += take(g, c[i]);
        most = turns++ && n > most ? n : most; /* the first has what each got at once */
    }
    assert_in_range(most, 1, 4);
    assert_true(turns > 10);
    rig_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_client_is_answered_in_the_turn_of_its_question),
        cmocka_unit_test(a_turn_serves_the_loud_no_more_than_its_share),
        cmocka_unit_test(who_has_pipelined_gets_nothing_at_once),
        cmocka_unit_test(the_loud_share_alike),
        cmocka_unit_test(a_turn_is_short_also_where_answers_are_long),
        cmocka_unit_test(who_never_reads_takes_no_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
