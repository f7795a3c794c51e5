/*
 * What the store costs the loop: CPU of a turn, of an event in a large turn, of reading; the longest commit
 * while the helper thread syncs; anonymous memory of an open store. One JSON object.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "storage/storage.h"

enum { TURNS = 20000, BATCH = 50, BODY = 700, RAW = 200 };

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long rss_anon_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static void not_random(void *ctx, void *buf, size_t n)
{
    memset(buf, 0x5a, n);
}

static void must(struct store *s, int rc)
{
    if (rc == MT_OK)
        return;
    fprintf(stderr, "bench_storage: %d %s\n", rc, s ? store_error(s) : "");
    exit(1);
}

static void append(struct store *s, int32_t account)
{
    static uint8_t body[BODY], raw[RAW];
    struct store_event e = {.account = account,
                            .type = "message",
                            .chat = 42,
                            .sender = 43,
                            .direction = STORE_IN,
                            .time = 1700000000,
                            .body = {body, BODY},
                            .raw = {raw, RAW},
                            .layer = 227};

    memset(body, 'x', sizeof body);
    must(s, store_append(s, &e));
}

static void put_state(struct store *s, int32_t account, int pts)
{
    struct mt_update_state st = {pts, 0, 1700000000, 0, true};

    must(s, store_put_state(s, account, &st));
}

struct helper {
    struct store *s;
    _Atomic int stop;
};

static void *helper_main(void *arg)
{
    struct helper *h = arg;

    while (!h->stop)
        must(NULL, store_sync_run(h->s));
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* A message a turn, syncs going on beside it. */
static void small_turns(struct store *s, int32_t account, const char *when)
{
    static double wall[TURNS];
    double cpu = seconds(CLOCK_THREAD_CPUTIME_ID);

    for (int i = 0; i < TURNS; i++) {
        double t = seconds(CLOCK_MONOTONIC);

        must(s, store_begin(s));
        append(s, account);
        put_state(s, account, i);
        must(s, store_commit(s, NULL));
        wall[i] = seconds(CLOCK_MONOTONIC) - t;
    }
    cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    qsort(wall, TURNS, sizeof *wall, compare);
    printf("\"small_turn_%s\":{\"cpu_us\":%.2f,\"p50_us\":%.2f,\"p999_us\":%.1f,\"max_us\":%.1f},", when,
           cpu / TURNS * 1e6, wall[TURNS / 2] * 1e6, wall[TURNS - TURNS / 1000 - 1] * 1e6,
           wall[TURNS - 1] * 1e6);
}

static void large_turns(struct store *s, int32_t account)
{
    double cpu = seconds(CLOCK_THREAD_CPUTIME_ID);

    for (int i = 0; i < TURNS; i += BATCH) {
        must(s, store_begin(s));
        for (int k = 0; k < BATCH; k++)
            append(s, account);
        put_state(s, account, i);
        must(s, store_commit(s, NULL));
    }
    cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    printf("\"event_in_batch_of_%d_cpu_us\":%.2f,", BATCH, cpu / TURNS * 1e6);
}

static int count(void *arg, const struct store_event *e)
{
    ++*(size_t *)arg;
    return 0;
}

static void reading(struct store *s, struct store_cursor after, size_t limit, const char *what)
{
    double cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    size_t n = 0;

    must(s, store_journal_read(s, after, limit, count, &n, NULL));
    cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    printf("\"read_from_%s_cpu_us\":%.3f,", what, n ? cpu / (double)n * 1e6 : 0);
}

static void trimming(struct store *s, struct mt_now now)
{
    double worst = 0, all = seconds(CLOCK_MONOTONIC);
    bool more = true;
    int n = 0;

    now.wall += 30 * INT64_C(86400) * MT_US_PER_S;
    for (; more && n < 500; n++) {
        double t = seconds(CLOCK_MONOTONIC);

        more = store_journal_trim(s, now);
        t = seconds(CLOCK_MONOTONIC) - t;
        worst = t > worst ? t : worst;
    }
    printf("\"trim_step\":{\"mean_us\":%.1f,\"max_us\":%.1f},", (seconds(CLOCK_MONOTONIC) - all) / n * 1e6,
           worst * 1e6);
}

int main(void)
{
    struct mt_env env = {.random = not_random};
    char dir[] = "/tmp/tgd-bench.XXXXXX", cmd[64], err[256];
    struct store_cfg cfg = {.env = &env, .now = {.wall = INT64_C(1700000000) * MT_US_PER_S}, .boot_id = "b"};
    struct store_account account;
    struct helper h = {0};
    struct utsname machine;
    struct store *s;
    pthread_t thread;
    long before, opened;
    double t;

    if (!mkdtemp(dir))
        return 1;
    cfg.dir = dir;
    before = rss_anon_kib();
    if (store_open(&cfg, &s, err) != MT_OK) {
        fprintf(stderr, "bench_storage: %s\n", err);
        return 1;
    }
    must(s, store_account_add(s, "a", 0, NULL, &account));
    store_close(s);
    t = seconds(CLOCK_MONOTONIC);
    must(NULL, store_open(&cfg, &s, err));
    t = seconds(CLOCK_MONOTONIC) - t;
    append(s, account.id);
    put_state(s, account.id, 1);
    must(s, store_commit(s, NULL));
    must(s, store_sync_run(s));
    opened = rss_anon_kib();
    uname(&machine);
    printf("{\"bench\":\"storage\",\"machine\":\"%s %s\",\"cpus\":%ld,\"open_ms\":%.2f,"
           "\"rss_anon_kib\":{\"before\":%ld,\"open_and_used\":%ld},",
           machine.sysname, machine.machine, sysconf(_SC_NPROCESSORS_ONLN), t * 1e3, before, opened);
    small_turns(s, account.id, "alone");
    h.s = s;
    if (pthread_create(&thread, NULL, helper_main, &h) != 0)
        return 1;
    small_turns(s, account.id, "while_syncing");
    large_turns(s, account.id);
    h.stop = 1;
    pthread_join(thread, NULL);
    reading(s, (struct store_cursor){1, 0}, 20000, "disk");
    reading(s, (struct store_cursor){1, store_journal_end(s).number - 500}, 500, "memory");
    printf("\"rss_anon_kib_full_ring\":%ld,", rss_anon_kib());
    trimming(s, cfg.now);
    store_close(s);
    printf("\"bytes_of_an_event\":%d}\n", BODY + RAW);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd) == 0 ? 0 : 1;
}
