/* One test per bound on what a client may send: just within it all is well, just over it is not. */
#include "tests/unit/sandbox/client.h"

struct fixture {
    struct tc_bench b;
    struct tc c;
};

static int up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    tc_bench_init(&f->b, 1, true);
    tc_init(&f->c, &f->b);
    tc_up(&f->c);
    *state = f;
    return 0;
}

static int down(void **state)
{
    struct fixture *f = *state;

    tc_fini(&f->c);
    tc_bench_fini(&f->b);
    free(f);
    return 0;
}

/* --- a packet --- */

/* One of n bytes under a key of nobody, past the limits of a client's own framing. */
static void send_large(struct fixture *f, uint32_t n)
{
    uint8_t *bytes = malloc(4 + (size_t)n);

    assert_non_null(bytes);
    memset(bytes, 7, 4 + (size_t)n);
    tl_store32(bytes, n);
    sb_server_feed(f->b.server, f->b.now, f->c.conn, bytes, 4 + (size_t)n);
    free(bytes);
    tc_pump(&f->c);
}

static void a_packet_as_large_as_may_be_is_read(void **state)
{
    struct fixture *f = *state;

    send_large(f, MT_FRAME_MAX_OUT);
    tc_expect_closed(&f->c, -404); /* it was looked into */
}

static void a_larger_packet_ends_the_connection_without_a_word(void **state)
{
    struct fixture *f = *state;

    send_large(f, MT_FRAME_MAX_OUT + 4);
    tc_expect_closed(&f->c, 0);
}

/* --- lists of ids --- */

/* Whether a msgs_state_req of n ids is answered. */
static bool is_answered(struct fixture *f, uint32_t n)
{
    uint64_t *ids = calloc(n, sizeof *ids);
    struct tl_out out;

    assert_non_null(ids);
    out = tc_ids_body(TL_msgs_state_req, ids, n);
    tc_forget(&f->c);
    tc_send(&f->c, true, &out);
    tl_out_free(&out);
    free(ids);
    return tc_count(&f->c, TL_msgs_state_info);
}

static void a_list_holds_8192_ids_and_no_more(void **state)
{
    struct fixture *f = *state;

    assert_true(is_answered(f, 8192));
    assert_false(is_answered(f, 8193));
    assert_false(f->c.closed);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_packet_as_large_as_may_be_is_read),
        T(a_larger_packet_ends_the_connection_without_a_word),
        T(a_list_holds_8192_ids_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
