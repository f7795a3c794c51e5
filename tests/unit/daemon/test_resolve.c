/* Names of proxies (daemon/resolve.h), with a system that knows what the test says. */
#include "tests/unit/check.h"
#include "daemon/resolve.h"

#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>

/* In place of the C library's: asked in another thread, which ends before the answer is there. */
static _Atomic unsigned asked;
static _Atomic bool away;          /* nobody knows the name */
static _Atomic bool signals_reach; /* some signal is not blocked there */

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list);
void freeaddrinfo(struct addrinfo *list);

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    static const int some[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM};
    struct {
        struct addrinfo info;
        struct sockaddr_in at;
    } * one;
    sigset_t set;

    (void)service;
    if (strncmp(host, "late", 4) != 0) /* of who ends after its resolver, in the midst of another test */
        asked++;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        if (!sigismember(&set, some[i]))
            signals_reach = true;
    if (away)
        return EAI_NONAME;
    one = calloc(1, sizeof *one);
    if (!one)
        return EAI_MEMORY;
    one->at = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(0x0a000000 + (uint32_t)strlen(host))};
    one->info = (struct addrinfo){.ai_family = AF_INET,
                                  .ai_socktype = hints->ai_socktype,
                                  .ai_addrlen = sizeof one->at,
                                  .ai_addr = (struct sockaddr *)&one->at};
    *list = &one->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    free(list);
}

struct got {
    struct tgd_resolve_wait wait;
    unsigned times;
    size_t n;
    uint32_t first;
    char why[80];
};

struct bench {
    struct event_base *base;
    struct tgd_resolver *r;
};

static void on_done(void *arg, const struct tgd_resolved *result)
{
    struct got *g = arg;

    g->times++;
    g->n = result->n;
    if (result->n)
        g->first = ntohl(((const struct sockaddr_in *)&result->list[0])->sin_addr.s_addr);
    snprintf(g->why, sizeof g->why, "%s", result->why ? result->why : "");
}

static void begin(struct bench *b)
{
    asked = 0;
    away = signals_reach = false;
    b->base = event_base_new();
    assert_non_null(b->base);
    b->r = tgd_resolver_new(b->base);
    assert_non_null(b->r);
}

static void end(struct bench *b)
{
    tgd_resolver_free(b->r);
    event_base_free(b->base);
}

static void ask(struct bench *b, struct got *g, const char *host)
{
    g->wait = (struct tgd_resolve_wait){.done = on_done, .arg = g};
    assert_true(tgd_resolve(b->r, &g->wait, host));
    assert_int_equal(g->times, 0); /* never inside of it */
}

static void wait_for(struct bench *b, struct got *g)
{
    while (!g->times)
        assert_int_equal(event_base_loop(b->base, EVLOOP_ONCE), 0);
}

static void a_name_becomes_addresses_without_signals_in_its_thread(void **state)
{
    struct bench b;
    struct got g = {0};

    (void)state;
    begin(&b);
    ask(&b, &g, "seven.x");
    wait_for(&b, &g);
    assert_int_equal(g.times, 1);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.first, 0x0a000007);
    assert_false(signals_reach);
    end(&b);
}

static void those_who_ask_together_share_one_question_and_its_answer_is_kept(void **state)
{
    struct bench b;
    struct got a = {0}, c = {0}, later = {0}, other = {0};

    (void)state;
    begin(&b);
    ask(&b, &a, "proxy");
    ask(&b, &c, "proxy");
    wait_for(&b, &a);
    wait_for(&b, &c);
    ask(&b, &later, "proxy");
    wait_for(&b, &later);
    assert_int_equal(asked, 1);
    assert_int_equal(later.first, 0x0a000005);
    ask(&b, &other, "another");
    wait_for(&b, &other);
    assert_int_equal(asked, 2);
    assert_int_equal(other.first, 0x0a000007);
    end(&b);
}

static void what_failed_is_asked_again_by_the_next(void **state)
{
    struct bench b;
    struct got first = {0}, second = {0};

    (void)state;
    begin(&b);
    away = true;
    ask(&b, &first, "proxy");
    wait_for(&b, &first);
    assert_int_equal(first.n, 0);
    assert_true(first.why[0]);
    away = false;
    ask(&b, &second, "proxy");
    wait_for(&b, &second);
    assert_int_equal(second.n, 1);
    assert_int_equal(asked, 2);
    end(&b);
}

static void who_does_not_want_it_any_more_is_not_told(void **state)
{
    struct bench b;
    struct got gone = {0}, stays = {0};

    (void)state;
    begin(&b);
    ask(&b, &gone, "proxy");
    ask(&b, &stays, "proxy");
    tgd_resolve_forget(b.r, &gone.wait);
    wait_for(&b, &stays);
    assert_int_equal(gone.times, 0);
    end(&b);
}

/* What is asked when the resolver goes ends by itself. */
static void it_can_go_at_any_time(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct bench b;
        struct got g = {0};

        begin(&b);
        ask(&b, &g, "late");
        if (i % 2)
            wait_for(&b, &g);
        end(&b);
    }
}

static void a_name_that_is_too_long_and_names_without_end_are_bounded(void **state)
{
    struct bench b;
    struct got g[40] = {0};
    char name[300];

    (void)state;
    begin(&b);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_false(tgd_resolve(b.r, &g[0].wait, name));
    for (int i = 0; i < 40; i++) { /* old ones make room */
        snprintf(name, sizeof name, "name%d", i);
        ask(&b, &g[i], name);
        wait_for(&b, &g[i]);
        assert_int_equal(g[i].n, 1);
    }
    assert_int_equal(asked, 40);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_becomes_addresses_without_signals_in_its_thread),
        cmocka_unit_test(those_who_ask_together_share_one_question_and_its_answer_is_kept),
        cmocka_unit_test(what_failed_is_asked_again_by_the_next),
        cmocka_unit_test(who_does_not_want_it_any_more_is_not_told),
        cmocka_unit_test(it_can_go_at_any_time),
        cmocka_unit_test(a_name_that_is_too_long_and_names_without_end_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
