#include "tests/unit/storage/fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_random(void *ctx, void *buf, size_t n)
{
    struct fixture *f = ctx;
    uint8_t *p = buf;

    while (n--) {
        f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
        *p++ = (uint8_t)(f->seed >> 56);
    }
}

static void test_log(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    struct fixture *f = ctx;
    size_t n = strlen(f->log);

    assert_int_not_equal(level, MT_LOG_BROKEN);
    snprintf(f->log + n, sizeof f->log - n, "%s: %s\n", area, text);
}

static void shell(const char *fmt, const char *dir)
{
    char cmd[512], *out = cmd;

    for (; *fmt; fmt++)
        if (fmt[0] == '%' && fmt[1] == 's')
            out += snprintf(out, 80, "%s", dir), fmt++;
        else
            *out++ = *fmt;
    *out = 0;
    assert_int_equal(system(cmd), 0);
}

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    /* in memory where that is possible: syncs cost nothing there */
    snprintf(f->dir, sizeof f->dir, "%s/tgd-storage.XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(f->dir))
        return -1;
    memset(f->servers, 0x5e, sizeof f->servers);
    f->boot_id = "boot-1";
    f->wall = 1700000000;
    f->seed = 42;
    f->env = (struct mt_env){test_random, test_log, f};
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    store_close(f->s);
    shell("rm -rf '%s' '%s.backup' '%s.kept'", f->dir);
    free(f);
    return 0;
}

struct mt_now fixture_now(const struct fixture *f)
{
    return (struct mt_now){.mono = 1, .wall = f->wall * MT_US_PER_S};
}

int fixture_try(struct fixture *f)
{
    struct store_cfg cfg = {.env = &f->env,
                            .dir = f->dir,
                            .socket_path = "/run/test.sock",
                            .server_set = f->servers,
                            .seal_key = f->seal_key,
                            .unseal = f->unseal,
                            .now = fixture_now(f),
                            .boot_id = f->boot_id};
    int rc = store_open(&cfg, &f->s, f->err);

    f->seed += 977; /* another run, other random numbers */
    return rc;
}

void fixture_open(struct fixture *f)
{
    int rc = fixture_try(f);

    if (rc != MT_OK)
        fail_msg("store_open: %d %s", rc, f->err);
}

void fixture_close(struct fixture *f)
{
    store_close(f->s);
    f->s = NULL;
}

void fixture_killed(struct fixture *f, void (*fn)(struct fixture *f))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fixture_open(f);
        fn(f);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    f->seed += 977; /* as the child's run did */
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("the child did not get to its end: status %x", (unsigned)status);
}

void fixture_path(const struct fixture *f, const char *file, char out[256])
{
    snprintf(out, 256, "%s/%s", f->dir, file);
}

void fixture_backup(const struct fixture *f)
{
    shell("rm -rf '%s.backup' && cp -a '%s' '%s.backup'", f->dir);
}

void fixture_restore(const struct fixture *f)
{
    shell("rm -rf '%s' && cp -a '%s.backup' '%s'", f->dir);
}

int32_t fixture_account(struct fixture *f, const char *name)
{
    struct store_account a;
    int rc = store_account_add(f->s, name, 0, NULL, &a);

    if (rc != MT_OK)
        fail_msg("store_account_add: %d %s", rc, store_error(f->s));
    return a.id;
}

int fixture_append(struct fixture *f, int32_t account, size_t size, int64_t expires)
{
    char body[8192];
    struct store_event e = {.account = account,
                            .type = "message",
                            .chat = -7,
                            .sender = 9,
                            .direction = STORE_IN,
                            .time = f->wall,
                            .expires = expires,
                            .raw = {(const uint8_t *)"raw", 3},
                            .layer = 227};
    int n = snprintf(body, sizeof body, "e%llu", (unsigned long long)f->s->journal.next);

    assert_true(size < sizeof body);
    if (size < (size_t)n)
        size = (size_t)n;
    memset(body + n, '.', size - (size_t)n);
    e.body = (struct tl_slice){(const uint8_t *)body, size};
    return store_append(f->s, &e);
}

void fixture_events(struct fixture *f, int32_t account, int n, size_t size)
{
    assert_int_equal(store_begin(f->s), MT_OK);
    for (int i = 0; i < n; i++)
        assert_int_equal(fixture_append(f, account, size, 0), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
}

static int see(void *arg, const struct store_event *e)
{
    struct seen *seen = arg;
    char want[32];
    int n = snprintf(want, sizeof want, "e%llu", (unsigned long long)e->cursor.number);

    assert_true(e->body.n >= (size_t)n);
    assert_memory_equal(e->body.p, want, (size_t)n);
    assert_string_equal(e->type, "message");
    assert_int_equal(e->chat, -7);
    assert_int_equal(e->sender, 9);
    assert_int_equal(e->direction, STORE_IN);
    assert_int_equal(e->layer, 227);
    assert_int_equal(e->raw.n, 3);
    assert_memory_equal(e->raw.p, "raw", 3);
    if (seen->n++)
        assert_true(e->cursor.number > seen->last);
    else
        seen->first = e->cursor.number;
    seen->last = e->cursor.number;
    seen->account = e->account;
    return 0;
}

struct seen fixture_read(struct fixture *f, struct store_cursor after)
{
    struct seen seen = {0};

    seen.rc = store_journal_read(f->s, after, SIZE_MAX, see, &seen, &seen.lost);
    return seen;
}
