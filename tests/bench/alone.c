/*
 * The engine linked directly, on real sockets: how long a raw request takes without a daemon around it. The
 * daemon's own figure stands beside it (figures.py).
 *
 *     bench_alone SERVERS.json PHONE CODE N    ->  {"p50_us": ..., "p99_us": ..., "max_us": ...}
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/account/account.h"
#include "tl/ids.h"

#define LINKS   8
#define WARM_UP 50

struct link {
    uint32_t number; /* 0: free */
    int fd;
    bool open;
};
struct alone {
    struct mt_account *a;
    struct link links[LINKS];
    uint64_t replied; /* token of the last reply */
    enum mt_reply_kind kind;
};

static void stop(const char *why)
{
    fprintf(stderr, "bench_alone: %s\n", why);
    exit(1);
}

static struct mt_now now(void)
{
    struct timespec mono, wall;

    clock_gettime(CLOCK_BOOTTIME, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct mt_now){(int64_t)mono.tv_sec * MT_US_PER_S + mono.tv_nsec / 1000,
                           (int64_t)wall.tv_sec * MT_US_PER_S + wall.tv_nsec / 1000};
}

static void fill(void *ctx, void *buf, size_t n)
{
    if (getrandom(buf, n, 0) != (ssize_t)n)
        abort();
}

/* --- links --- */

static void open_link(struct alone *b, const struct mt_fx *fx)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(fx->server->port)};
    struct link *l = b->links;
    int on = 1;

    while (l < b->links + LINKS && l->number)
        l++;
    if (l == b->links + LINKS || inet_pton(AF_INET, fx->server->ip, &at.sin_addr) != 1)
        stop("no link to be had");
    *l = (struct link){.number = fx->link,
                       .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (l->fd < 0 || (connect(l->fd, (struct sockaddr *)&at, sizeof at) && errno != EINPROGRESS))
        stop("cannot connect");
}

static void close_link(struct alone *b, struct link *l, bool tell)
{
    uint32_t number = l->number;

    close(l->fd);
    *l = (struct link){0};
    if (tell)
        mt_account_link_down(b->a, now(), number);
}

static void read_link(struct alone *b, struct link *l)
{
    uint8_t buf[65536];
    ssize_t n = read(l->fd, buf, sizeof buf);

    if (n > 0)
        mt_account_feed(b->a, now(), l->number, buf, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        close_link(b, l, true);
}

static void write_link(struct alone *b, struct link *l)
{
    struct tl_slice out = mt_account_output(b->a, now(), l->number);
    ssize_t n;

    while (out.n && (n = write(l->fd, out.p, out.n)) > 0) {
        mt_account_wrote(b->a, now(), l->number, (size_t)n);
        out = mt_account_output(b->a, now(), l->number);
    }
}

/* --- turns --- */

static void carry_out(struct alone *b, const struct mt_fx *fx)
{
    if (fx->kind == MT_FX_CONNECT)
        open_link(b, fx);
    for (struct link *l = b->links; fx->kind == MT_FX_CLOSE && l < b->links + LINKS; l++)
        if (l->number == fx->link)
            close_link(b, l, false);
    if (fx->kind == MT_FX_SAVE_KEY || fx->kind == MT_FX_SAVE_AUTH)
        mt_account_done(b->a, now(), fx->token, MT_OK, NULL);
    if (fx->kind == MT_FX_COMPUTE) {
        mt_job_run(fx->job);
        mt_account_done(b->a, now(), fx->token, MT_OK, fx->job);
    }
    if (fx->kind == MT_FX_SYNC) /* there is no disk */
        mt_account_synced(b->a, now());
    if (fx->kind == MT_FX_REPLY) {
        b->replied = fx->token;
        b->kind = fx->reply->kind;
    }
}

static void turn(struct alone *b)
{
    bool any = true;

    while (any) {
        struct mt_fx fx;

        any = false;
        while (mt_account_next(b->a, &fx)) {
            any = any || fx.kind != MT_FX_OUTPUT;
            carry_out(b, &fx);
        }
        mt_account_committed(b->a, now());
    }
    for (struct link *l = b->links; l < b->links + LINKS; l++)
        if (l->number && l->open)
            write_link(b, l);
}

static void wait_once(struct alone *b)
{
    struct pollfd p[LINKS];
    struct link *of[LINKS];
    int64_t left = mt_account_deadline(b->a) - now().mono;
    nfds_t n = 0;

    for (struct link *l = b->links; l < b->links + LINKS; l++)
        if (l->number) {
            of[n] = l;
            p[n++] = (struct pollfd){.fd = l->fd, .events = l->open ? POLLIN : POLLOUT};
        }
    poll(p, n, left <= 0 ? 0 : left > MT_US_PER_S ? 1000 : (int)(left / 1000) + 1);
    if (mt_account_deadline(b->a) <= now().mono)
        mt_account_tick(b->a, now());
    for (nfds_t i = 0; i < n; i++) {
        if (!p[i].revents)
            continue;
        if (of[i]->open) {
            read_link(b, of[i]);
        } else {
            of[i]->open = true;
            mt_account_link_up(b->a, now(), of[i]->number);
        }
    }
}

static void await(struct alone *b, uint64_t token, enum mt_reply_kind kind)
{
    int64_t end = now().mono + 30 * MT_US_PER_S;

    turn(b);
    while (b->replied != token) {
        if (now().mono > end)
            stop("no answer");
        wait_once(b);
        turn(b);
    }
    if (b->kind != kind)
        stop("not the answer that was wanted");
}

static int64_t one(struct alone *b, uint64_t token)
{
    int64_t begin = now().mono;
    uint8_t body[4];
    struct mt_call call = {.token = token,
                           .body = body,
                           .n = 4,
                           .flags = MT_CALL_REPEATABLE,
                           .deadline = begin + 20 * MT_US_PER_S};

    tl_store32(body, TL_help_getNearestDc);
    if (mt_account_call(b->a, now(), &call))
        stop("refused");
    await(b, token, MT_REPLY_RESULT);
    return now().mono - begin;
}

static int ascending(const void *x, const void *y)
{
    const int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

    return (a > b) - (a < b);
}

static struct mt_servers *servers_of(const char *path)
{
    static char text[65536], err[128];
    FILE *f = fopen(path, "r");
    struct mt_servers *s;

    if (!f)
        stop("no such file of servers");
    s = mt_servers_parse(text, fread(text, 1, sizeof text, f), err);
    fclose(f);
    if (!s)
        stop(err);
    return s;
}

int main(int argc, char **argv)
{
    const struct mt_env env = {.random = fill};
    struct mt_saved saved = {.dedup_secret = {1}};
    struct alone b = {0};
    struct mt_account_cfg cfg = {.env = &env,
                                 .init = {12345, "bench", "1", "1", "en", "en"},
                                 .api_hash = "0123456789abcdef0123456789abcdef",
                                 .framing = MT_INTERMEDIATE};
    size_t n = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    int64_t *took = calloc(n ? n : 1, sizeof *took);

    if (!n || !took)
        stop("SERVERS.json PHONE CODE N");
    cfg.servers = servers_of(argv[1]);
    b.a = mt_account_new(&cfg, &saved, now());
    if (!b.a)
        stop("no memory");
    mt_account_start(b.a, now());
    mt_login_phone(b.a, now(), 1, argv[2]);
    await(&b, 1, MT_REPLY_OK);
    mt_login_code(b.a, now(), 2, argv[3]);
    await(&b, 2, MT_REPLY_OK);
    for (uint64_t i = 0; i < WARM_UP; i++)
        one(&b, 10 + i);
    for (size_t i = 0; i < n; i++)
        took[i] = one(&b, 1000 + i);
    qsort(took, n, sizeof *took, ascending);
    printf("{\"p50_us\": %lld, \"p99_us\": %lld, \"max_us\": %lld}\n", (long long)took[n / 2],
           (long long)took[n - 1 - n / 100], (long long)took[n - 1]);
    mt_account_free(b.a);
    mt_servers_free((struct mt_servers *)(uintptr_t)cfg.servers);
    free(took);
    return 0;
}
