/*
 * The process, or the machine, dies at the n-th effect of a scripted session: for every n with TGD_SWEEP=1
 * (suite "sweep"), for every STEP-th without.
 */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/model.h"

#include <ftw.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 3000, TURNS = 4, STEP = 7 };

/* What the session was promised before it died. */
struct promised {
    bool opened, account, closing;
    int committed, synced, keys;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static void remove_folder(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void must(int rc)
{
    if (rc != MT_OK)
        _exit(3);
}

static void session(struct fixture *f, struct promised *p)
{
    struct store_account a;

    must(fixture_try(f));
    p->opened = true;
    must(store_account_add(f->s, "a", 1, "hash", &a));
    p->account = true;
    for (int t = 1; t <= TURNS; t++) {
        struct mt_saved_dc dc = model_key(t);

        must(model_turn(f, t));
        p->committed = t;
        must(store_save_key(f->s, 1, &dc));
        p->keys = t;
        f->s->sync.due = t % 2 ? 1000 : 8; /* every other time the WAL is folded in and begun anew */
        must(store_sync_run(f->s));
        p->synced = t;
        while (store_journal_trim(f->s, fixture_now(f)))
            ;
    }
    must(store_account_add(f->s, "b", 1, "hash", &a));
    must(store_account_remove(f->s, a.id));
    p->closing = true;
    fixture_close(f);
}

/* True: it came to its end before the n-th effect. */
static bool run(struct fixture *f, enum fault_kind kind, int n, const char *kept, struct promised *p)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fault_power_watch(f->dir, kept);
        fault_arm(kind, n, false);
        session(f, p);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    f->seed += 977;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("effect %d: the session failed: status %x", n, (unsigned)status);
    return false;
}

struct find {
    struct store *s;
    int id;
};

/* Also: whatever account is listed has its keys. */
static int find_a(void *arg, const struct store_account *a)
{
    struct find *find = arg;
    struct mt_saved saved;
    int rc = store_account_load(find->s, a->id, &saved);

    if (rc != MT_OK)
        fail_msg("account %s: %d %s", a->name, rc, store_error(find->s));
    if (!strcmp(a->name, "a"))
        find->id = a->id;
    return 0;
}

/* What holds after either death; returns how many turns are there. */
static int check(struct fixture *f, const struct promised *p, int n)
{
    struct find a = {f->s, 0};
    int turns, rc;

    assert_int_equal(store_db_check(f->s->db), MT_OK);
    if (store_trouble(f->s))
        fail_msg("effect %d: %s", n, store_trouble(f->s));
    assert_int_equal(store_account_each(f->s, find_a, &a), MT_OK);
    if (!a.id) {
        assert_false(p->account);
        a.id = fixture_account(f, "a");
    }
    assert_int_equal(a.id, 1);
    for (int k = 1; k <= p->keys; k++)
        if (!model_has_key(f, k))
            fail_msg("effect %d: key %d of %d is lost", n, k, p->keys);
    turns = model_check(f);
    rc = model_turn(f, turns + 1);
    assert_int_equal(rc, MT_OK);
    assert_int_equal(model_check(f), turns + 1);
    return turns;
}

static int step(void)
{
    return getenv("TGD_SWEEP") ? 1 : STEP;
}

static void kill_everywhere(struct fixture *f, enum fault_kind kind)
{
    struct promised *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool ended = false;
    int turns;

    assert_ptr_not_equal(p, MAP_FAILED);
    for (int n = 1; !ended; n += step()) {
        assert_true(n < MOST);
        memset(p, 0, sizeof *p);
        ended = run(f, kind, n, NULL, p);
        fixture_open(f);
        if (p->opened && !p->closing)
            assert_int_equal(store_journal_end(f->s).epoch, 1);
        turns = check(f, p, n);
        if (turns < p->committed || turns > p->committed + 1)
            fail_msg("effect %d: %d turns of %d", n, turns, p->committed);
        fixture_close(f);
        remove_folder(f->dir);
    }
    munmap(p, sizeof *p);
}

static void a_killed_process_loses_nothing_that_was_committed(void **state)
{
    kill_everywhere(*state, FAULT_KILL);
}

static void a_write_that_was_cut_in_two_loses_nothing(void **state)
{
    kill_everywhere(*state, FAULT_TORN);
}

/* A cursor of before the cut must never name an event of after it. */
static void check_cursors(struct fixture *f, const struct promised *p, int turns)
{
    struct store_cursor end = store_journal_end(f->s);

    assert_true(end.epoch >= 2 || !p->opened);
    for (int i = 2 * turns; i <= 2 * p->committed; i++) {
        struct seen seen = fixture_read(f, (struct store_cursor){1, (uint64_t)i});

        assert_int_equal(seen.rc, MT_OK);
        assert_int_equal(seen.n, 2); /* of the turn that check() made */
    }
}

static void power_cut(struct fixture *f, unsigned seeds)
{
    struct promised *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool ended = false;
    char kept[128], lock[256];
    int turns;

    assert_ptr_not_equal(p, MAP_FAILED);
    snprintf(kept, sizeof kept, "%s.kept", f->dir);
    fixture_path(f, "tgd.lock", lock);
    for (int n = 1; !ended; n += step()) {
        assert_true(n < MOST);
        memset(p, 0, sizeof *p);
        f->boot_id = "boot-1";
        ended = run(f, FAULT_KILL, n, kept, p);
        if (access(f->dir, F_OK) == 0 && access(kept, F_OK) == 0 && !ended)
            fault_power_cut(f->dir, kept, seeds ? (unsigned)n * 7919u + seeds : 0);
        if (!ended && seeds == 2 && truncate(lock, 20) != 0)
            assert_false(p->opened); /* torn while it was written; gone before there was one */
        f->boot_id = "boot-2";
        fixture_open(f);
        turns = check(f, p, n);
        if (turns < p->synced || turns > p->committed + 1)
            fail_msg("effect %d: %d turns, %d were synced, %d committed", n, turns, p->synced, p->committed);
        if (!ended)
            check_cursors(f, p, turns);
        fixture_close(f);
        remove_folder(f->dir);
        remove_folder(kept);
    }
    munmap(p, sizeof *p);
}

static void a_power_cut_loses_nothing_that_was_synced(void **state)
{
    power_cut(*state, 0);
}

static void a_power_cut_between_any_sectors_loses_nothing_that_was_synced(void **state)
{
    power_cut(*state, 1);
    power_cut(*state, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_killed_process_loses_nothing_that_was_committed),
        T(a_write_that_was_cut_in_two_loses_nothing),
        T(a_power_cut_loses_nothing_that_was_synced),
        T(a_power_cut_between_any_sectors_loses_nothing_that_was_synced),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
