/* One connection out of several (daemon/dial.h), over loopback: servers that take it, refuse it, or say
 * nothing. */
#include "tests/unit/check.h"
#include "daemon/dial.h"
#include "daemon/edge.h"
#include "daemon/resolve.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 6

struct bench {
    struct event_base *base;
    struct tgd_resolver *resolver;
    struct mt_env env;
    struct mt_server servers[MANY];
    size_t n;
    int listeners[MANY], fillers[2 * MANY];
    size_t n_listeners, n_fillers;
    struct tgd_dial *dial;
    unsigned times;
    int fd;
    size_t server;
    char why[160];
};

static void no_random(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    memset(buf, 7, n);
}

static void begin(struct bench *b)
{
    *b = (struct bench){.fd = -1, .env.random = no_random};
    b->base = event_base_new();
    assert_non_null(b->base);
    b->resolver = tgd_resolver_new(b->base);
    assert_non_null(b->resolver);
}

static void end(struct bench *b)
{
    if (b->fd >= 0)
        close(b->fd);
    while (b->n_fillers)
        close(b->fillers[--b->n_fillers]);
    while (b->n_listeners)
        close(b->listeners[--b->n_listeners]);
    tgd_resolver_free(b->resolver);
    event_base_free(b->base);
}

/* False: the machine has no address of this kind. */
static bool add_listener(struct bench *b, bool v6, int backlog)
{
    struct sockaddr_storage at = {.ss_family = v6 ? AF_INET6 : AF_INET};
    socklen_t len = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    struct mt_server *s = &b->servers[b->n];
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (v6)
        ((struct sockaddr_in6 *)&at)->sin6_addr = in6addr_loopback;
    else
        ((struct sockaddr_in *)&at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len)) {
        close(fd);
        return false;
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(listen(fd, backlog), 0);
    b->listeners[b->n_listeners++] = fd;
    *s = (struct mt_server){.dc_id = 2, .ipv6 = v6, .port = ntohs(((struct sockaddr_in *)&at)->sin_port)};
    snprintf(s->ip, sizeof s->ip, "%s", v6 ? "::1" : "127.0.0.1");
    b->n++;
    return true;
}

static void taker(struct bench *b)
{
    assert_true(add_listener(b, false, 8));
}

static void refuser(struct bench *b)
{
    taker(b);
    close(b->listeners[--b->n_listeners]);
}

/* A queue that is full: whoever comes is neither taken nor refused. */
static void silent(struct bench *b)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    assert_true(add_listener(b, false, 0));
    at.sin_port = htons(b->servers[b->n - 1].port);
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        (void)connect(fd, (struct sockaddr *)&at, sizeof at);
        b->fillers[b->n_fillers++] = fd;
    }
}

static void on_done(void *arg, const struct tgd_dialled *r)
{
    struct bench *b = arg;

    b->times++;
    b->dial = NULL;
    b->fd = r->fd;
    b->server = r->server;
    assert_null(r->proxy);
    snprintf(b->why, sizeof b->why, "%s", r->why ? r->why : "");
}

static void dial(struct bench *b, int64_t head_start, const struct mt_proxy_cfg *proxy)
{
    struct tgd_dial_cfg cfg = {.base = b->base,
                               .resolver = b->resolver,
                               .env = &b->env,
                               .servers = b->servers,
                               .n_servers = b->n,
                               .head_start = head_start,
                               .proxy = proxy};

    b->dial = tgd_dial(&cfg, on_done, b);
    assert_non_null(b->dial);
    assert_int_equal(b->times, 0);
}

static void wait_for(struct bench *b)
{
    while (!b->times)
        assert_int_equal(event_base_loop(b->base, EVLOOP_ONCE), 0);
    assert_int_equal(b->times, 1);
}

static unsigned descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void the_first_that_takes_it_wins(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    taker(&b);
    taker(&b);
    dial(&b, MT_US_PER_S, NULL);
    wait_for(&b);
    assert_true(b.fd >= 0);
    assert_int_equal(b.server, 0);
    end(&b);
}

/* An hour of head start: only the refusal can have brought the next one in. */
static void one_that_refuses_makes_room_for_the_next_at_once(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    refuser(&b);
    refuser(&b);
    taker(&b);
    dial(&b, 3600 * MT_US_PER_S, NULL);
    wait_for(&b);
    assert_true(b.fd >= 0);
    assert_int_equal(b.server, 2);
    end(&b);
}

static void one_that_says_nothing_is_overtaken_and_closed(void **state)
{
    struct bench b;
    unsigned before;

    (void)state;
    begin(&b);
    silent(&b);
    taker(&b);
    before = descriptors();
    dial(&b, MT_US_PER_MS, NULL);
    wait_for(&b);
    assert_int_equal(b.server, 1);
    assert_int_equal(descriptors(), before + 1);
    end(&b);
}

static void none_is_an_end_with_its_reason(void **state)
{
    struct bench b;
    unsigned before;

    (void)state;
    begin(&b);
    refuser(&b);
    refuser(&b);
    before = descriptors();
    dial(&b, MT_US_PER_MS, NULL);
    wait_for(&b);
    assert_int_equal(b.fd, -1);
    assert_string_equal(b.why, "Connection refused");
    assert_int_equal(descriptors(), before);
    end(&b);
}

/* However many addresses a data centre has: so many sockets, and the next when one of them has ended. */
static void sockets_at_once_are_few(void **state)
{
    struct timeval tick = {.tv_usec = 2000};
    struct bench b;
    unsigned before, most = 0;

    (void)state;
    begin(&b);
    for (int i = 0; i < MANY; i++)
        silent(&b);
    before = descriptors();
    dial(&b, 1, NULL);
    for (int i = 0; i < 30; i++) {
        unsigned now;

        event_base_loopexit(b.base, &tick);
        event_base_loop(b.base, 0);
        now = descriptors() - before;
        most = now > most ? now : most;
    }
    assert_int_equal(b.times, 0);
    assert_int_equal(most, TGD_DIAL_SOCKETS);
    tgd_dial_cancel(b.dial);
    assert_int_equal(descriptors(), before);
    end(&b);
}

static void families_race(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    silent(&b);
    if (!add_listener(&b, true, 8)) {
        end(&b);
        skip(); /* no IPv6 on this machine */
    }
    dial(&b, MT_US_PER_MS, NULL);
    wait_for(&b);
    assert_true(b.fd >= 0);
    assert_int_equal(b.server, 1);
    end(&b);
}

static void addresses_that_are_none_are_passed_over(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    b.servers[b.n++] = (struct mt_server){.dc_id = 2, .ip = "dc.example", .port = 443};
    taker(&b);
    dial(&b, 3600 * MT_US_PER_S, NULL);
    wait_for(&b);
    assert_int_equal(b.server, 1);
    end(&b);
}

static void a_proxy_that_is_away_ends_it_for_all_servers(void **state)
{
    struct mt_proxy_cfg proxy = {.kind = MT_PROXY_SOCKS5, .host = "127.0.0.1"};
    struct bench b;

    (void)state;
    begin(&b);
    refuser(&b);
    proxy.port = b.servers[0].port;
    b.n = 0;
    taker(&b);
    taker(&b);
    dial(&b, 3600 * MT_US_PER_S, &proxy);
    wait_for(&b);
    assert_int_equal(b.fd, -1);
    assert_string_equal(b.why, "the proxy: Connection refused");
    end(&b);
}

static void it_can_be_called_off_at_any_time(void **state)
{
    struct mt_proxy_cfg proxy = {.kind = MT_PROXY_SOCKS5, .host = "localhost", .port = 1};
    struct bench b;
    unsigned before;

    (void)state;
    begin(&b);
    silent(&b);
    before = descriptors();
    dial(&b, MT_US_PER_MS, NULL);
    tgd_dial_cancel(b.dial); /* before anything */
    dial(&b, MT_US_PER_S, NULL);
    event_base_loop(b.base, EVLOOP_ONCE); /* its socket is there */
    tgd_dial_cancel(b.dial);
    assert_int_equal(descriptors(), before);
    dial(&b, MT_US_PER_S, &proxy); /* a name is being looked up */
    tgd_dial_cancel(b.dial);
    tgd_dial_cancel(NULL);
    assert_int_equal(b.times, 0);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_takes_it_wins),
        cmocka_unit_test(one_that_refuses_makes_room_for_the_next_at_once),
        cmocka_unit_test(one_that_says_nothing_is_overtaken_and_closed),
        cmocka_unit_test(none_is_an_end_with_its_reason),
        cmocka_unit_test(sockets_at_once_are_few),
        cmocka_unit_test(families_race),
        cmocka_unit_test(addresses_that_are_none_are_passed_over),
        cmocka_unit_test(a_proxy_that_is_away_ends_it_for_all_servers),
        cmocka_unit_test(it_can_be_called_off_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
