/*
 * testProxy: one connection to a data centre through a proxy, beside all others and without a key: dial,
 * handshake, one question and its answer (core/proxy/probe.h). Nothing of an account goes over it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/account/addresses.h"
#include "core/proxy/probe.h"
#include "daemon/dial.h"
#include "daemon/edge.h"
#include "daemon/proxies.h"

#define READ_SIZE 4096
#define TESTS_MAX 8

struct tgd_proxy_test {
    struct tgd_proxy_test *next;
    struct tgd *d;
    uint64_t number;
    struct mt_proxy_cfg cfg;
    int32_t dc;
    int64_t begun; /* mono */
    struct tgd_dial *dial;
    int fd;
    struct mt_proxy *proxy;
    struct mt_probe *probe;
    struct event *read, *write;
    bool over;
    int64_t took; /* µs */
    char why[160];
};

static void release(struct tgd_proxy_test *t)
{
    tgd_dial_cancel(t->dial);
    t->dial = NULL;
    if (t->read)
        event_free(t->read);
    if (t->write)
        event_free(t->write);
    t->read = t->write = NULL;
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    mt_proxy_free(t->proxy);
    t->proxy = NULL;
    mt_probe_free(t->probe);
    t->probe = NULL;
}

static void end(struct tgd_proxy_test *t, const char *why)
{
    t->over = true;
    t->took = tgd_now().mono - t->begun;
    snprintf(t->why, sizeof t->why, "%s", why);
    release(t);
}

static void drop(struct tgd_proxy_test *t)
{
    struct tgd_proxy_test **at = &t->d->proxy_tests;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    release(t);
    mt_wipe(t, sizeof *t);
    free(t);
}

void tgd_proxy_tests_close(struct tgd *d)
{
    while (d->proxy_tests)
        drop(d->proxy_tests);
}

/* --- the connection --- */

static struct tl_slice output(struct tgd_proxy_test *t)
{
    struct tl_slice out = mt_probe_output(t->probe);

    if (!t->proxy)
        return out;
    if (out.n && mt_proxy_submit(t->proxy, out.p, out.n) == MT_OK)
        mt_probe_wrote(t->probe, out.n);
    return mt_proxy_output(t->proxy);
}

static void write_out(struct tgd_proxy_test *t)
{
    struct tl_slice out;

    while ((out = output(t)).n) {
        ssize_t n = send(t->fd, out.p, out.n, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && event_add(t->write, NULL) == 0)
            return;
        if (n <= 0) {
            end(t, strerror(errno));
            return;
        }
        if (t->proxy)
            mt_proxy_wrote(t->proxy, (size_t)n);
        else
            mt_probe_wrote(t->probe, (size_t)n);
    }
}

static void take(struct tgd_proxy_test *t, const void *bytes, size_t n)
{
    struct tl_slice in = {.p = bytes, .n = n};

    if (t->proxy) {
        mt_proxy_feed(t->proxy, bytes, n);
        if (mt_proxy_state(t->proxy) == MT_PROXY_FAILED) {
            end(t, mt_proxy_reason(t->proxy));
            return;
        }
        in = mt_proxy_inner(t->proxy);
    }
    mt_probe_feed(t->probe, in.p, in.n);
    if (t->proxy)
        mt_proxy_took(t->proxy, in.n);
    if (mt_probe_state(t->probe) == MT_PROBE_YES)
        end(t, "");
    else if (mt_probe_state(t->probe) == MT_PROBE_NO)
        end(t, mt_probe_reason(t->probe));
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    struct tgd_proxy_test *t = arg;
    uint8_t buf[READ_SIZE];
    ssize_t n = recv(fd, buf, sizeof buf, 0);

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        end(t, n                                 ? strerror(errno)
               : t->cfg.kind == MT_PROXY_MTPROTO ? "the MTProxy closed the connection; is its secret right?"
                                                 : "the data centre closed the connection");
    else
        take(t, buf, (size_t)n);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    write_out(arg);
}

static void on_dialled(void *arg, const struct tgd_dialled *r)
{
    struct tgd_proxy_test *t = arg;
    struct tgd *d = t->d;
    int32_t dc = d->servers->test ? t->dc + 10000 : t->dc;
    struct mt_frame_cfg frame = {.framing = MT_PADDED, .obfuscated = true, .dc = (int16_t)dc};

    t->dial = NULL;
    if (r->fd < 0) {
        end(t, r->why);
        return;
    }
    t->fd = r->fd;
    t->proxy = r->proxy;
    mt_proxy_framing(&t->cfg, &frame);
    t->probe = mt_probe_new(&d->env, &frame, tgd_now());
    t->read = event_new(d->base, t->fd, EV_READ | EV_PERSIST, on_read, t);
    t->write = event_new(d->base, t->fd, EV_WRITE, on_write, t);
    if (!t->probe || !t->read || !t->write || event_add(t->read, NULL)) {
        end(t, "no memory");
        return;
    }
    if (t->proxy)
        take(t, NULL, 0); /* what came with the end of its handshake */
    if (!t->over)
        write_out(t);
}

/* --- for rpc --- */

static size_t servers_of(struct tgd *d, struct tgd_proxy_test *t, struct mt_server out[MT_CONNECT_MAX])
{
    struct mt_addresses none = {0};
    struct mt_book book;
    struct mt_want want = {.dc = t->dc, .proxied = t->cfg.kind != MT_PROXY_DIRECT};

    if (t->cfg.kind == MT_PROXY_MTPROTO) {
        out[0] = (struct mt_server){.dc_id = t->dc, .port = t->cfg.port};
        return 1;
    }
    mt_book_init(&book, d->servers, &none);
    return mt_book_choose(&book, &want, out);
}

static bool begin(struct tgd_proxy_test *t)
{
    struct mt_server servers[MT_CONNECT_MAX];
    struct tgd *d = t->d;
    struct mt_now now = tgd_now();
    struct tgd_dial_cfg cfg = {.base = d->base,
                               .resolver = d->resolver,
                               .env = &d->env,
                               .servers = servers,
                               .n_servers = servers_of(d, t, servers),
                               .head_start = MT_US_PER_S,
                               .proxy = t->cfg.kind == MT_PROXY_DIRECT ? NULL : &t->cfg,
                               .unix_s = now.wall / MT_US_PER_S,
                               .small_hello = &d->small_hello};

    t->begun = now.mono;
    t->dial = tgd_dial(&cfg, on_dialled, t);
    return t->dial;
}

uint64_t tgd_proxy_test(void *ctx, int32_t account, const char *text, char err[256])
{
    struct tgd *d = ctx;
    struct tgd_proxy_test *t = calloc(1, sizeof *t);
    enum rpc_proxy_source source;
    char why[128] = "the proxy that is set cannot be read";
    size_t n = 0;
    int r;

    for (struct tgd_proxy_test *o = d->proxy_tests; o; o = o->next)
        n++;
    if (!t || n >= TESTS_MAX) {
        snprintf(err, 256, "%s", t ? "too many tests at a time" : "out of memory");
        free(t);
        return 0;
    }
    *t =
        (struct tgd_proxy_test){.d = d, .fd = -1, .number = ++d->n_proxy_tests, .dc = d->servers->default_dc};
    t->next = d->proxy_tests;
    d->proxy_tests = t;
    r = text ? mt_proxy_parse(text, &t->cfg, why)
             : tgd_proxy_of(d, account ? tgd_account_by_id(d, account) : NULL, &t->cfg, &source);
    if (r != MT_OK || !begin(t)) {
        snprintf(err, 256, "%s", r != MT_OK ? why : "out of memory");
        drop(t);
        return 0;
    }
    return t->number;
}

bool tgd_proxy_tested(void *ctx, uint64_t number, struct rpc_proxy_test *out)
{
    struct tgd *d = ctx;
    struct tgd_proxy_test *t = d->proxy_tests;

    while (t && t->number != number)
        t = t->next;
    if (t && out && !t->over)
        return false;
    if (!t) {
        if (out)
            *out = (struct rpc_proxy_test){.why = "the test is gone"};
        return true;
    }
    if (out) {
        *out = (struct rpc_proxy_test){.ok = !t->why[0], .dc = t->dc, .took = t->took, .cfg = t->cfg};
        memcpy(out->why, t->why, sizeof out->why);
    }
    drop(t);
    return true;
}
