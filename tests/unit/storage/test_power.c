/*
 * The power fails at the n-th effect: what was said to be on the disk is there afterwards, whatever of the
 * rest is. Every n with TGD_SWEEP=1 (suite "sweep"), every STEP-th without. Turns of events: test_kill.c.
 */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/model.h"

#include "storage/backup.h"

#include <ftw.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 20000, STEP = 13 };

/* What was promised before; shared with the process that dies. */
struct promised {
    int steps;  /* of a login, see log_in() */
    int cached; /* message ids noted in cache.db */
    bool backed_up;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static void remove_folder(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The state folder lies in a folder of its own, beside which a backup can be watched too. */
static void place(const struct fixture *f, const char *what, char out[256])
{
    snprintf(out, 256, "%.*s/%s", (int)(strrchr(f->dir, '/') - f->dir), f->dir, what);
}

static int setup(void **state)
{
    int rc = fixture_setup(state);
    struct fixture *f = *state;

    strcat(f->dir, "/state");
    return rc;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    store_close(f->s);
    f->s = NULL;
    *strrchr(f->dir, '/') = 0;
    return fixture_teardown(state);
}

static void must(int rc)
{
    if (rc != MT_OK)
        _exit(3);
}

/* Runs work in a process that dies at effect n, cuts the power, opens the folder after another boot. */
static bool cut(struct fixture *f, void (*work)(struct fixture *f, struct promised *p), struct promised *p,
                int n, unsigned seed)
{
    char base[256], kept[256];
    int status = 0;
    pid_t pid;

    place(f, "", base);
    base[strlen(base) - 1] = 0;
    snprintf(kept, sizeof kept, "%.200s.kept", base);
    memset(p, 0, sizeof *p);
    f->boot_id = "boot-1";
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fault_power_watch(base, kept);
        fault_arm(FAULT_KILL, n, false);
        work(f, p);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    f->seed += 977;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return false;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("effect %d: the work failed: status %x", n, (unsigned)status);
    if (access(kept, F_OK) == 0)
        fault_power_cut(base, kept, seed ? (unsigned)n * 7919u + seed : 0);
    f->boot_id = "boot-2";
    return true;
}

static void everywhere(struct fixture *f, void (*work)(struct fixture *f, struct promised *p),
                       void (*prepare)(struct fixture *f),
                       void (*check)(struct fixture *f, const struct promised *p, int n))
{
    struct promised *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char base[256], kept[256];

    assert_ptr_not_equal(p, MAP_FAILED);
    place(f, "", base);
    base[strlen(base) - 1] = 0;
    snprintf(kept, sizeof kept, "%.200s.kept", base);
    for (unsigned seed = 0; seed < 3; seed++) {
        bool died = true;

        for (int n = 1; died; n += getenv("TGD_SWEEP") ? 1 : STEP) {
            assert_true(n < MOST);
            remove_folder(base);
            remove_folder(kept);
            assert_int_equal(mkdir(base, 0700), 0);
            if (prepare)
                prepare(f);
            died = cut(f, work, p, n, seed);
            check(f, p, n);
            if (f->s)
                fixture_close(f);
        }
    }
    munmap(p, sizeof *p);
}

/* --- a login, step by step --- */

static struct mt_addresses addresses(void)
{
    struct mt_addresses a = {.n = 2};

    a.list[0] = (struct mt_server){.dc_id = 2, .ip = "10.0.0.2", .port = 443};
    a.list[1] = (struct mt_server){.dc_id = 3, .ip = "10.0.0.3", .port = 443};
    return a;
}

static void log_in(struct fixture *f, struct promised *p)
{
    struct mt_saved saved = {.main_dc = 3, .user_id = 99, .n_dcs = 1, .dcs = {model_key(3)}};
    struct mt_addresses a = addresses();
    struct mt_saved_dc dc2 = model_key(2);
    struct store_account row;

    must(fixture_try(f));
    must(store_account_add(f->s, "a", 5, "hash-of-a", &row));
    p->steps = 1;
    must(store_proxy_put(f->s, 1, "socks5://h:1"));
    p->steps = 2;
    must(store_save_key(f->s, 1, &dc2));
    p->steps = 3;
    must(store_save_addresses(f->s, 1, &a));
    p->steps = 4;
    must(store_save_auth(f->s, 1, &saved));
    p->steps = 5;
    must(store_proxy_put(f->s, 0, "socks5://all:1"));
    p->steps = 6;
    must(store_forget(f->s, 1));
    p->steps = 7;
    must(store_save_key(f->s, 1, &dc2));
    p->steps = 8;
    fixture_close(f);
}

static void check_login(struct fixture *f, const struct promised *p, int n)
{
    char proxy[STORE_PROXY_MAX];
    struct store_ways ways;
    struct mt_saved saved;
    int rc;

    fixture_open(f);
    if (store_trouble(f->s))
        fail_msg("effect %d: %s", n, store_trouble(f->s));
    rc = store_account_open(f->s, 1, NULL, &saved, &ways);
    if (rc == MT_E_NOT_FOUND && p->steps < 1)
        return;
    if (rc != MT_OK)
        fail_msg("effect %d, after step %d: %d %s", n, p->steps, rc, store_error(f->s));
    assert_string_equal(ways.api_hash, "hash-of-a");
    if (p->steps >= 2)
        assert_string_equal(ways.proxy, "socks5://h:1");
    if ((p->steps >= 3 && p->steps < 6) || p->steps == 8)
        assert_true(model_has_key(f, 2));
    if (p->steps >= 4)
        assert_int_equal(saved.addresses.n, 2);
    if (p->steps == 5) {
        assert_int_equal(saved.user_id, 99);
        assert_int_equal(saved.main_dc, 3);
        assert_true(model_has_key(f, 3));
    }
    if (p->steps >= 6) {
        assert_int_equal(store_proxy_get(f->s, 0, proxy), MT_OK);
        assert_string_equal(proxy, "socks5://all:1");
    }
    if (p->steps >= 7) { /* what was logged out stays so */
        assert_int_equal(saved.user_id, 0);
        assert_false(model_has_key(f, 3));
    }
    if (saved.user_id) /* never a user without the key */
        assert_true(model_has_key(f, 3));
    assert_int_equal(store_save_auth(f->s, 1, &saved), MT_OK);
}

static void each_step_of_a_login_is_kept_when_it_is_answered(void **state)
{
    everywhere(*state, log_in, NULL, check_login);
}

/* --- a migration --- */

static void first_release(struct fixture *f)
{
    const char *vectors = getenv("TGD_VECTORS");
    char cmd[600];

    snprintf(cmd, sizeof cmd, "mkdir -m 700 '%s' && cp -r '%s'/db/v1/. '%s'", f->dir,
             vectors ? vectors : "tests/vectors", f->dir);
    assert_int_equal(system(cmd), 0);
}

/* What was copied there has been on the disk for long. */
static void keep(struct fixture *f)
{
    static const char *const names[] = {"state.db", "cache.db", "accounts/main/keys.db"};
    char path[256], base[256], kept[700], cmd[1400];

    place(f, "", base);
    base[strlen(base) - 1] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fixture_path(f, names[i], path);
        snprintf(kept, sizeof kept, "%s.kept/state%%%s", base, names[i]);
        for (char *p = kept + strlen(base) + 6; *p; p++)
            *p = *p == '/' ? '%' : *p;
        snprintf(cmd, sizeof cmd, "mkdir -p '%s.kept' && cp '%s' '%s'", base, path, kept);
        assert_int_equal(system(cmd), 0);
    }
}

static void prepare_migration(struct fixture *f)
{
    first_release(f);
    keep(f);
}

static void migrate(struct fixture *f, struct promised *p)
{
    struct mt_saved saved;

    must(fixture_try(f));
    must(store_account_load(f->s, 1, &saved));
    fixture_close(f);
}

static void check_migration(struct fixture *f, const struct promised *p, int n)
{
    struct mt_saved saved;
    int rc;

    fixture_open(f);
    if (store_trouble(f->s))
        fail_msg("effect %d: %s", n, store_trouble(f->s));
    rc = store_account_load(f->s, 1, &saved);
    if (rc != MT_OK)
        fail_msg("effect %d: %d %s", n, rc, store_error(f->s));
    assert_int_equal(saved.user_id, 4711);
    assert_int_equal(saved.state.seq, 4);
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 2}).n, 1);
    assert_int_equal(store_db_check(f->s->db), MT_OK);
}

static void a_migration_is_done_or_done_again(void **state)
{
    everywhere(*state, migrate, prepare_migration, check_migration);
}

/* --- a backup --- */

static void back_up(struct fixture *f, struct promised *p)
{
    struct mt_saved saved = {.main_dc = 3, .user_id = 99, .n_dcs = 1, .dcs = {model_key(3)}};
    struct store_backup *b;
    char to[256], why[256];
    struct store_account row;

    place(f, "copy", to);
    must(fixture_try(f));
    must(store_account_add(f->s, "a", 5, "hash", &row));
    must(store_save_auth(f->s, 1, &saved));
    must(model_turn(f, 1));
    must(model_turn(f, 2));
    must(store_sync_run(f->s));
    must(store_backup_new(f->s, to, &b, why));
    must(store_backup_run(b));
    p->backed_up = true;
    store_backup_free(b);
    fixture_close(f);
}

static void check_backup(struct fixture *f, const struct promised *p, int n)
{
    char to[256], state_dir[sizeof f->dir];

    place(f, "copy", to);
    if (access(to, F_OK) != 0) {
        if (p->backed_up)
            fail_msg("effect %d: the backup is gone", n);
        return;
    }
    memcpy(state_dir, f->dir, sizeof state_dir);
    snprintf(f->dir, sizeof f->dir, "%.60s", to);
    fixture_open(f);
    if (store_trouble(f->s))
        fail_msg("effect %d: of the copy: %s", n, store_trouble(f->s));
    assert_int_equal(model_check(f), 2);
    assert_true(model_has_key(f, 3));
    assert_int_equal(store_db_check(f->s->db), MT_OK);
    fixture_close(f);
    memcpy(f->dir, state_dir, sizeof state_dir);
}

static void a_backup_that_is_there_is_whole(void **state)
{
    everywhere(*state, back_up, NULL, check_backup);
}

/* --- cache.db --- */

static void cache(struct fixture *f, struct promised *p)
{
    struct store_account row;

    must(fixture_try(f));
    must(store_account_add(f->s, "a", 5, "hash", &row));
    for (int i = 1; i <= 8; i++) {
        for (int k = 0; k < 40; k++)
            must(store_cache_put_msg_chat(f->s, 1, i * 40 + k, -(i * 40 + k)));
        p->cached = i * 40 + 40;
        must(store_cache_put_name(f->s, 1, "name", i, f->wall));
        must(model_turn(f, i));
    }
    must(store_sync_run(f->s));
    fixture_close(f);
}

/* What it still knows is right; all else goes on as if there had been none. */
static void check_cached(struct fixture *f, const struct promised *p, int n)
{
    mt_chat_id chat;

    fixture_open(f);
    if (store_trouble(f->s))
        fail_msg("effect %d: %s", n, store_trouble(f->s));
    for (int i = 40; i < p->cached; i++) /* those below are the model's */
        if (store_cache_msg_chat(f->s, 1, i, &chat) == MT_OK)
            assert_int_equal(chat, -i);
    assert_int_equal(store_cache_put_msg_chat(f->s, 1, 9000, 5), MT_OK);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 9000, &chat), MT_OK);
    assert_int_equal(chat, 5);
    assert_int_equal(model_turn(f, model_check(f) + 1), MT_OK);
}

static void losing_the_cache_costs_time_only(void **state)
{
    everywhere(*state, cache, NULL, check_cached);
}

/* Its pages may be of different times: it is kept over a kill, and not over a boot. */
static void note(struct fixture *f)
{
    fixture_account(f, "a");
    assert_int_equal(store_cache_put_msg_chat(f->s, 1, 7, -7), MT_OK);
}

static void nothing(struct fixture *f) {}

static void what_was_cached_before_a_power_cut_is_not_believed(void **state)
{
    struct fixture *f = *state;
    mt_chat_id chat;

    fixture_killed(f, note);
    fixture_open(f);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 7, &chat), MT_OK);
    assert_int_equal(chat, -7);
    fixture_close(f);
    f->boot_id = "boot-2"; /* a clean end */
    fixture_open(f);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 7, &chat), MT_OK);
    fixture_close(f);
    fixture_killed(f, nothing);
    f->boot_id = "boot-3";
    fixture_open(f);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 7, &chat), MT_E_NOT_FOUND);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_step_of_a_login_is_kept_when_it_is_answered),
        T(a_migration_is_done_or_done_again),
        T(a_backup_that_is_there_is_whole),
        T(losing_the_cache_costs_time_only),
        T(what_was_cached_before_a_power_cut_is_not_believed),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
