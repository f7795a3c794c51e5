/*
 * An MTProxy of fake TLS and the two greetings of daemon/dial.h: which is said first, what follows where it
 * is refused, and what is remembered. The proxy is played here, by the published rules.
 */
#include "tests/unit/check.h"
#include "core/proxy/impl.h"
#include "daemon/dial.h"
#include "daemon/resolve.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUESTS 4

struct bench;
struct guest {
    struct bench *b;
    struct event *event;
    uint8_t in[MT_HELLO_MAX];
    size_t n;
};
struct bench {
    struct event_base *base;
    struct tgd_resolver *resolver;
    struct event *listener;
    struct mt_env env;
    struct mt_proxy_cfg proxy;
    struct guest guests[GUESTS];
    size_t n_guests;
    bool takes_large, takes_small;
    bool heard_small[GUESTS]; /* what each has said */
    void (*refused)(struct bench *b);
    bool small; /* the owner's memory */
    unsigned times;
    int fd;
    char why[160];
};

static void some(void *ctx, void *buf, size_t n)
{
    static uint8_t next = 1;

    (void)ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = next = (uint8_t)(next * 73 + 41);
}

/* ServerHello, change of cipher, one record of data; signed over the random of the greeting. */
static void answer(struct guest *g, int fd)
{
    uint8_t out[127 + 11 + 40] = {0x16, 3, 3, 0, 0x7a, 2, 0, 0, 0x76, 3, 3}, digest[32];
    struct mt_part parts[] = {{g->in + 11, 32}, {out, sizeof out}};

    memcpy(out + 127, "\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x28", 11);
    memset(out + 138, 0x5a, 40);
    mt_hmac_sha256(digest, g->b->proxy.secret, 16, parts, 2);
    memcpy(out + 11, digest, 32);
    assert_int_equal(send(fd, out, sizeof out, MSG_NOSIGNAL), sizeof out);
}

static void on_guest(evutil_socket_t fd, short what, void *arg)
{
    struct guest *g = arg;
    struct bench *b = g->b;
    ssize_t n = recv(fd, g->in + g->n, sizeof g->in - g->n, 0);
    size_t whole;
    bool small;

    (void)what;
    if (n <= 0) {
        event_del(g->event);
        return;
    }
    g->n += (size_t)n;
    whole = g->n < 5 ? 5 : 5 + ((size_t)g->in[3] << 8 | g->in[4]);
    if (g->n < whole || g->n < 5)
        return;
    small = whole == MT_HELLO_SMALL;
    b->heard_small[g - b->guests] = small;
    if (small ? b->takes_small : b->takes_large) {
        answer(g, fd);
    } else {
        if (b->refused)
            b->refused(b);
        shutdown(fd, SHUT_RDWR);
    }
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
    struct bench *b = arg;
    struct guest *g = &b->guests[b->n_guests];
    int guest = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    assert_true(guest >= 0 && b->n_guests < GUESTS);
    b->n_guests++;
    g->b = b;
    g->event = event_new(b->base, guest, EV_READ | EV_PERSIST, on_guest, g);
    assert_int_equal(event_add(g->event, NULL), 0);
}

static void begin(struct bench *b, bool large, bool small)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *b = (struct bench){.fd = -1, .env.random = some, .takes_large = large, .takes_small = small};
    b->proxy = (struct mt_proxy_cfg){.kind = MT_PROXY_MTPROTO, .mode = MT_SECRET_TLS, .host = "127.0.0.1"};
    memset(b->proxy.secret, 0x42, sizeof b->proxy.secret);
    memcpy(b->proxy.domain, "example.com", 12);
    b->base = event_base_new();
    b->resolver = tgd_resolver_new(b->base);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(listen(fd, 8), 0);
    b->proxy.port = ntohs(at.sin_port);
    b->listener = event_new(b->base, fd, EV_READ | EV_PERSIST, on_connect, b);
    assert_int_equal(event_add(b->listener, NULL), 0);
}

static void drop(struct event *e)
{
    close(event_get_fd(e));
    event_free(e);
}

static void end(struct bench *b)
{
    if (b->fd >= 0)
        close(b->fd);
    for (size_t i = 0; i < b->n_guests; i++)
        drop(b->guests[i].event);
    drop(b->listener);
    tgd_resolver_free(b->resolver);
    event_base_free(b->base);
}

static void on_done(void *arg, const struct tgd_dialled *r)
{
    struct bench *b = arg;

    b->times++;
    b->fd = r->fd;
    mt_proxy_free(r->proxy);
    snprintf(b->why, sizeof b->why, "%s", r->why ? r->why : "");
}

static void dial(struct bench *b)
{
    struct mt_server server = {.dc_id = 2, .ip = "127.0.0.1", .port = b->proxy.port};
    struct tgd_dial_cfg cfg = {.base = b->base,
                               .resolver = b->resolver,
                               .env = &b->env,
                               .servers = &server,
                               .n_servers = 1,
                               .head_start = MT_US_PER_S,
                               .proxy = &b->proxy,
                               .unix_s = 1700000000,
                               .small_hello = &b->small};

    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
    b->times = 0;
    assert_non_null(tgd_dial(&cfg, on_done, b));
    while (!b->times)
        assert_int_equal(event_base_loop(b->base, EVLOOP_ONCE), 0);
}

static void the_greeting_of_today_comes_first(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, true, true);
    dial(&b);
    assert_true(b.fd >= 0);
    assert_int_equal(b.n_guests, 1);
    assert_false(b.heard_small[0] || b.small);
    end(&b);
}

static void an_old_proxy_gets_the_small_one_and_from_then_on_at_once(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, false, true);
    dial(&b);
    assert_true(b.fd >= 0);
    assert_int_equal(b.n_guests, 2);
    assert_true(!b.heard_small[0] && b.heard_small[1] && b.small);
    dial(&b);
    assert_true(b.fd >= 0);
    assert_int_equal(b.n_guests, 3);
    assert_true(b.heard_small[2] && b.small);
    end(&b);
}

static void one_that_takes_it_no_more_gets_the_other_again(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, true, false);
    b.small = true;
    dial(&b);
    assert_true(b.fd >= 0);
    assert_true(b.heard_small[0] && !b.heard_small[1] && !b.small);
    end(&b);
}

static void one_that_takes_neither_is_an_end(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, false, false);
    dial(&b);
    assert_int_equal(b.fd, -1);
    assert_int_equal(b.n_guests, 2);
    assert_true(b.heard_small[0] != b.heard_small[1]);
    assert_string_equal(b.why, "the proxy closed the connection");
    end(&b);
}

static void somebody_else_finds_out(struct bench *b)
{
    b->small = !b->small;
}

/* What another account learns between the two does not make them the same. */
static void the_second_is_the_other_one_whatever_is_learned_meanwhile(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, false, true);
    b.refused = somebody_else_finds_out;
    dial(&b);
    assert_true(b.fd >= 0);
    assert_true(!b.heard_small[0] && b.heard_small[1] && b.small);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greeting_of_today_comes_first),
        cmocka_unit_test(an_old_proxy_gets_the_small_one_and_from_then_on_at_once),
        cmocka_unit_test(one_that_takes_it_no_more_gets_the_other_again),
        cmocka_unit_test(one_that_takes_neither_is_an_end),
        cmocka_unit_test(the_second_is_the_other_one_whatever_is_learned_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
