/* Backups: whole or not at all, of one moment, restored by copying them back. */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/model.h"

#include "storage/backup.h"
#include "storage/partial.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void place(const struct fixture *f, char out[256])
{
    snprintf(out, 256, "%s.backup", f->dir);
}

static int back_up(struct fixture *f, char why[256])
{
    struct store_backup *b;
    char to[256];
    int rc;

    place(f, to);
    rc = store_backup_new(f->s, to, &b, why);
    if (rc != MT_OK)
        return rc;
    rc = store_backup_run(b);
    snprintf(why, 256, "%s", store_backup_error(b));
    store_backup_free(b);
    return rc;
}

static void drop(const struct fixture *f)
{
    char to[256], cmd[300];

    place(f, to);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", to);
    assert_int_equal(system(cmd), 0);
}

/* What stands beside the state folder under its name: the backup, and parts of one. */
static int beside(const struct fixture *f)
{
    const char *name = strrchr(f->dir, '/') + 1;
    char parent[64];
    struct dirent *e;
    DIR *d;
    int n = 0;

    snprintf(parent, sizeof parent, "%.*s", (int)(name - f->dir), f->dir);
    d = opendir(parent);
    assert_non_null(d);
    while ((e = readdir(d)))
        n += strncmp(e->d_name, name, strlen(name)) == 0 && strcmp(e->d_name, name) != 0;
    closedir(d);
    return n;
}

static void restore(struct fixture *f)
{
    char to[256], cmd[700];

    place(f, to);
    snprintf(cmd, sizeof cmd, "rm -rf '%s' && cp -a '%s' '%s'", f->dir, to, f->dir);
    assert_int_equal(system(cmd), 0);
}

static void begin(struct fixture *f)
{
    struct mt_saved saved = {.main_dc = 3, .user_id = 99, .n_dcs = 1, .dcs = {model_key(3)}};
    char path[256];
    FILE *file;

    fixture_open(f);
    fixture_account(f, "a");
    assert_int_equal(store_save_auth(f->s, 1, &saved), MT_OK);
    fixture_path(f, "files/part-1", path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("half of a file", file);
    fclose(file);
    for (int t = 1; t <= 5; t++)
        assert_int_equal(model_turn(f, t), MT_OK);
}

static void a_backup_is_complete_and_private(void **state)
{
    static const char *const files[] = {"state.db", "accounts/a/keys.db", "files/part-1", "keys.db"};
    struct fixture *f = *state;
    char to[256], path[512], why[256], proxy[STORE_PROXY_MAX];
    struct stat st;

    begin(f);
    assert_int_equal(store_proxy_put(f->s, 0, "socks5://h:1"), MT_OK);
    assert_int_equal(back_up(f, why), MT_OK);
    assert_int_equal(beside(f), 1);
    place(f, to);
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", to, files[i]);
        if (stat(path, &st) != 0 || (st.st_mode & 0777) != 0600)
            fail_msg("%s has mode %o", path, (unsigned)st.st_mode & 0777);
    }
    snprintf(path, sizeof path, "%s/state.db-wal", to);
    assert_int_not_equal(access(path, F_OK), 0);
    /* the store goes on, and the copy stays what it was */
    assert_int_equal(model_turn(f, 6), MT_OK);
    assert_int_equal(model_check(f), 6);
    fixture_close(f);
    restore(f);
    fixture_open(f);
    assert_int_equal(model_check(f), 5);
    assert_true(model_has_key(f, 3));
    assert_int_equal(store_proxy_get(f->s, 0, proxy), MT_OK);
    assert_string_equal(proxy, "socks5://h:1");
    assert_null(store_trouble(f->s));
    drop(f);
}

/* The cursor of an event that came after the backup never names one that comes after its restoring. */
static void a_restored_backup_begins_a_new_epoch(void **state)
{
    struct fixture *f = *state;
    struct store_cursor late;
    struct seen seen;
    char why[256];

    begin(f);
    assert_int_equal(back_up(f, why), MT_OK);
    assert_int_equal(model_turn(f, 6), MT_OK);
    late = store_journal_end(f->s);
    fixture_close(f);
    restore(f);
    fixture_open(f);
    assert_true(store_journal_end(f->s).epoch > late.epoch);
    assert_int_equal(model_turn(f, 6), MT_OK);
    seen = fixture_read(f, late);
    assert_int_equal(seen.rc, MT_OK);
    assert_int_equal(seen.n, 2); /* those of now: repeated rather than missed */
    drop(f);
}

static void what_is_there_is_never_touched(void **state)
{
    struct fixture *f = *state;
    char to[256], why[256], inside[512];
    struct store_backup *b;
    struct stat st;

    begin(f);
    place(f, to);
    assert_int_equal(mkdir(to, 0755), 0);
    assert_int_equal(back_up(f, why), STORE_E_EXISTS);
    assert_non_null(strstr(why, "exists already"));
    rmdir(to);
    /* it comes while the copy is made: an empty folder would be replaced by a plain rename */
    assert_int_equal(store_backup_new(f->s, to, &b, why), MT_OK);
    assert_int_equal(mkdir(to, 0755), 0);
    assert_int_equal(store_backup_run(b), STORE_E_EXISTS);
    store_backup_free(b);
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    assert_int_equal(beside(f), 1);
    rmdir(to);
    assert_int_equal(store_backup_new(f->s, "relative", &b, why), MT_E_ARG);
    snprintf(inside, sizeof inside, "%s/files/x", f->dir);
    assert_int_equal(store_backup_new(f->s, inside, &b, why), MT_E_ARG);
    assert_int_equal(store_backup_new(f->s, f->dir, &b, why), MT_E_ARG);
    assert_int_equal(store_backup_new(f->s, "/no/such/place", &b, why), MT_OK);
    assert_int_not_equal(store_backup_run(b), MT_OK);
    assert_non_null(strstr(store_backup_error(b), "/no/such/place"));
    store_backup_free(b);
}

static void a_cancelled_backup_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    char to[256], why[256];
    struct store_backup *b;
    uint64_t done, total;

    begin(f);
    place(f, to);
    assert_int_equal(store_backup_new(f->s, to, &b, why), MT_OK);
    store_backup_cancel(b);
    assert_int_equal(store_backup_run(b), STORE_E_CANCELLED);
    store_backup_progress(b, &done, &total);
    assert_true(done <= total);
    store_backup_free(b);
    assert_int_equal(beside(f), 0);
}

static void an_account_that_cannot_be_read_is_copied_as_it_is(void **state)
{
    struct fixture *f = *state;
    char path[256], to[256], why[256];
    struct store_backup *b;
    unsigned accounts, damaged;
    FILE *file;

    begin(f);
    fixture_account(f, "b");
    fixture_path(f, "accounts/b/keys.db", path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("this is no database, though it is as long as one would have to be at the very least to be read, "
          "or so we"
          " hope, since SQLite looks at the first hundred bytes of it",
          file);
    fclose(file);
    place(f, to);
    assert_int_equal(store_backup_new(f->s, to, &b, why), MT_OK);
    if (store_backup_run(b) != MT_OK)
        fail_msg("%s", store_backup_error(b));
    store_backup_accounts(b, &accounts, &damaged);
    assert_int_equal(accounts, 2);
    assert_int_equal(damaged, 1);
    store_backup_free(b);
    fixture_close(f);
    restore(f);
    fixture_open(f);
    assert_true(model_has_key(f, 3));
    drop(f);
}

static int count_one(void *arg, const struct store_account *a)
{
    ++*(int *)arg;
    return 0;
}

/* As if it had been removed between the copy of state.db and that of its keys. */
static void an_account_that_goes_meanwhile_is_in_neither_half(void **state)
{
    struct fixture *f = *state;
    char path[256], why[256];
    int n = 0;

    begin(f);
    fixture_account(f, "b");
    fixture_path(f, "accounts/b/keys.db", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(back_up(f, why), MT_OK);
    fixture_close(f);
    restore(f);
    fixture_open(f);
    assert_int_equal(store_account_each(f->s, count_one, &n), MT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(model_check(f), 5);
    drop(f);
}

/* Every write, sync and truncate of the copying: it fails whole, and the store does not notice. */
static void a_disk_that_fails_under_the_copy_leaves_nothing_of_it(void **state)
{
    static const enum fault_kind kinds[] = {FAULT_FULL, FAULT_IO};
    struct fixture *f = *state;
    char why[256];

    begin(f);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (int n = 1;; n += getenv("TGD_SWEEP") ? 1 : 3) {
            int rc;
            bool fired;

            assert_true(n < 2000);
            fault_arm(kinds[k], n, true);
            rc = back_up(f, why);
            fired = fault_fired();
            fault_arm(FAULT_NONE, 0, false);
            if (rc != MT_OK && !why[0])
                fail_msg("effect %d: %d without a word", n, rc);
            drop(f); /* where nothing can be removed either, it may be there although it failed */
            assert_int_equal(model_check(f), 5);
            if (!fired) {
                assert_int_equal(rc, MT_OK);
                break;
            }
        }
    }
    assert_int_equal(beside(f), 0);
    assert_int_equal(model_turn(f, 6), MT_OK);
    assert_null(store_trouble(f->s));
}

/* What cannot be looked at is not left out as if it were not there. */
static void an_account_that_cannot_be_looked_at_is_not_left_out(void **state)
{
    struct fixture *f = *state;
    char to[256], keys[300], why[256];
    bool fired = true;

    begin(f);
    place(f, to);
    snprintf(keys, sizeof keys, "%s/accounts/a/keys.db", to);
    for (int n = 1; fired; n++) {
        int rc;

        assert_true(n < 1000);
        fault_scope(FAULT_READS);
        fault_arm(FAULT_IO, n, false);
        rc = back_up(f, why);
        fired = fault_fired();
        fault_arm(FAULT_NONE, 0, false);
        fault_scope(FAULT_CHANGES);
        if (rc == MT_OK && access(keys, F_OK) != 0)
            fail_msg("access %d: the account is left out", n);
        drop(f);
    }
}

/* --- what a killed one leaves --- */

static bool is_killed(struct fixture *f, int n)
{
    char why[256];
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fault_arm(FAULT_KILL, n, false);
        _exit(back_up(f, why) == MT_OK ? 0 : 3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status);
}

/* The first of the killed processes that leaves a part. */
static void leave_a_part(struct fixture *f, int from)
{
    for (int n = from; !beside(f); n++) {
        assert_true(n < from + 20);
        assert_true(is_killed(f, n));
    }
    assert_int_equal(beside(f), 1);
}

static void what_a_killed_backup_left_goes_at_the_next_one_and_at_the_next_start(void **state)
{
    struct fixture *f = *state;
    char why[256];

    begin(f);
    for (int n = 1; is_killed(f, n); n += 3) {
        assert_true(n < 500);
        assert_true(beside(f) <= 1);
        drop(f); /* it may have been whole already */
        assert_int_equal(back_up(f, why), MT_OK);
        drop(f);
        assert_int_equal(beside(f), 0);
        is_killed(f, n);
        fixture_close(f);
        fixture_open(f);
        drop(f);
        assert_int_equal(beside(f), 0);
        assert_int_equal(model_check(f), 5);
    }
}

static void only_what_was_left_by_a_backup_goes(void **state)
{
    struct fixture *f = *state;
    char path[400], other[500], to[256], why[256];
    DIR *d;
    struct dirent *e;
    int fd;

    begin(f);
    place(f, to);
    leave_a_part(f, 5);
    /* one that somebody still makes */
    snprintf(path, sizeof path, "%.*s", (int)(strrchr(to, '/') - to), to);
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d)))
        if (strstr(e->d_name, strrchr(to, '/') + 1) && strstr(e->d_name, ".partial-"))
            snprintf(path, sizeof path, "%.*s/%.60s", (int)(strrchr(to, '/') - to), to, e->d_name);
    closedir(d);
    fd = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(back_up(f, why), MT_OK);
    assert_int_equal(access(path, F_OK), 0);
    close(fd);
    drop(f);
    /* one with something of others in it */
    snprintf(other, sizeof other, "%s/holiday.jpg", path);
    fd = open(other, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(back_up(f, why), MT_OK);
    assert_int_equal(access(other, F_OK), 0);
    drop(f);
    assert_int_equal(unlink(other), 0);
    /* one that others can open */
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(back_up(f, why), MT_OK);
    assert_int_equal(access(path, F_OK), 0);
    drop(f);
    assert_int_equal(chmod(path, 0700), 0);
    /* a link in its place */
    snprintf(other, sizeof other, "%s.partial-abcdef", to);
    assert_int_equal(symlink(f->dir, other), 0);
    assert_int_equal(back_up(f, why), MT_OK);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(model_check(f), 5);
    assert_int_equal(unlink(other), 0);
    drop(f);
}

static void a_tree_is_removed_and_nothing_that_links_lead_to(void **state)
{
    struct fixture *f = *state;
    char tree[320], sub[400], inside[480], link[400];
    int fd;

    fixture_open(f);
    fixture_close(f);
    snprintf(tree, sizeof tree, "%.200s/tree", f->dir);
    snprintf(sub, sizeof sub, "%s/sub", tree);
    snprintf(inside, sizeof inside, "%s/file", sub);
    snprintf(link, sizeof link, "%.200s/link", f->dir);
    assert_int_equal(mkdir(tree, 0700) | mkdir(sub, 0700), 0);
    fd = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(symlink(tree, link), 0);
    store_remove_tree(link);
    assert_int_equal(access(inside, F_OK), 0); /* a link is no tree */
    assert_int_equal(unlink(link), 0);
    snprintf(link, sizeof link, "%s/up", tree);
    assert_int_equal(symlink(f->dir, link), 0);
    store_remove_tree(tree);
    assert_int_not_equal(access(tree, F_OK), 0);
    fixture_path(f, "state.db", inside);
    assert_int_equal(access(inside, F_OK), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_backup_is_complete_and_private),
        T(a_restored_backup_begins_a_new_epoch),
        T(what_is_there_is_never_touched),
        T(a_cancelled_backup_leaves_nothing),
        T(an_account_that_cannot_be_read_is_copied_as_it_is),
        T(an_account_that_goes_meanwhile_is_in_neither_half),
        T(an_account_that_cannot_be_looked_at_is_not_left_out),
        T(what_a_killed_backup_left_goes_at_the_next_one_and_at_the_next_start),
        T(only_what_was_left_by_a_backup_goes),
        T(a_tree_is_removed_and_nothing_that_links_lead_to),
        T(a_disk_that_fails_under_the_copy_leaves_nothing_of_it),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
