/* What a request carried is not in memory that is given back: codes, proofs of passwords, tokens. */
#include "tests/unit/mtproto/fake_server.h"

#include <malloc.h>

#include "core/mtproto/session.h"

static const char secret[] = "86-code-753!";

/* volatile: the compiler believes to know what free() looks at */
static volatile bool watching;
static volatile unsigned seen;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
    size_t n = watching && p ? malloc_usable_size(p) : 0;

    seen += n >= sizeof secret && memmem(p, n, secret, sizeof secret - 1);
    __real_free(p);
}

static void submit(struct fake *f)
{
    uint8_t body[64] = {0};
    struct mt_req req = {.token = 1, .body = body, .n = sizeof body, .deadline = MT_NEVER};

    tl_store32(body, FAKE_QUERY);
    memcpy(body + 8, secret, sizeof secret);
    assert_int_equal(mt_conn_submit(f->conn, f->now, &req), MT_OK);
}

static void send(struct fake *f)
{
    struct tl_slice packet;

    assert_int_equal(mt_conn_packet(f->conn, f->now, &packet), MT_OK);
    assert_true(packet.n);
    assert_null(memmem(packet.p, packet.n, secret, sizeof secret - 1));
}

static void the_watch_sees_what_is_not_wiped(void **state)
{
    char *p = malloc(100);
    volatile char *q = p; /* or the compiler sees that nobody reads it */

    assert_non_null(p);
    seen = 0;
    for (size_t i = 0; i < sizeof secret; i++)
        q[40 + i] = secret[i];
    watching = true;
    free(p);
    watching = false;
    assert_int_equal(seen, 1);
}

static void a_body_is_wiped_whatever_became_of_it(void **state)
{
    enum { QUEUED, SENT, CANCELLED, DROPPED, ANSWERED, ENDS };

    for (int end = QUEUED; end < ENDS; end++) {
        static const uint8_t answer[4] = {0xb5, 0x75, 0x72, 0x99};
        struct fake f;

        fake_start(&f);
        seen = 0;
        watching = true;
        submit(&f);
        if (end == SENT || end == DROPPED || end == ANSWERED)
            send(&f);
        if (end == CANCELLED || end == DROPPED)
            mt_conn_cancel(f.conn, f.now, 1);
        if (end == ANSWERED)
            fake_rpc_result(&f, f.conn->flying.head->msg_id, answer, sizeof answer);
        mt_conn_free(f.conn);
        watching = false;
        f.conn = NULL;
        assert_int_equal(seen, 0);
        fake_stop(&f);
    }
}

/* A body that outgrows its buffer leaves no copy in the one before. */
static void a_body_that_grows_leaves_nothing_behind(void **state)
{
    struct tl_out out = {0};

    (void)state;
    seen = 0;
    watching = true;
    tl_put_bytes(&out, secret, sizeof secret);
    for (size_t i = 0; i < 4000; i++)
        tl_put_u32(&out, 7);
    watching = false;
    assert_int_equal(seen, 0);
    assert_false(out.err);
    mt_wipe(out.data, out.len);
    tl_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_watch_sees_what_is_not_wiped),
        cmocka_unit_test(a_body_is_wiped_whatever_became_of_it),
        cmocka_unit_test(a_body_that_grows_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
