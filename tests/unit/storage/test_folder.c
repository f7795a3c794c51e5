/* The state folder itself: modes, owners, its lock, files of a newer version. */
#include "tests/unit/storage/fixture.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int flock_fails; /* errno of the next calls; 0 = none */

int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);

int __wrap_flock(int fd, int how)
{
    errno = flock_fails;
    return flock_fails ? -1 : __real_flock(fd, how);
}

static void files_are_private_under_any_umask(void **state)
{
    static const char *const files[] = {"state.db",           "state.db-wal", "state.db-shm", "tgd.lock",
                                        "accounts/a/keys.db", "cache.db",     "cache.db-wal"};
    static const char *const dirs[] = {"accounts", "accounts/a", "files"};
    struct fixture *f = *state;
    mode_t old = umask(0);
    char path[256];
    struct stat st;

    snprintf(f->dir + strlen(f->dir), 8, "/sub");
    fixture_open(f);
    fixture_account(f, "a");
    store_cache_put_msg_chat(f->s, 1, 5, 6);
    umask(old);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fixture_path(f, files[i], path);
        if (stat(path, &st) != 0 || (st.st_mode & 0777) != 0600)
            fail_msg("%s has mode %o", path, (unsigned)st.st_mode & 0777);
    }
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        fixture_path(f, dirs[i], path);
        if (stat(path, &st) != 0 || (st.st_mode & 0777) != 0700)
            fail_msg("%s has mode %o", path, (unsigned)st.st_mode & 0777);
    }
    assert_int_equal(stat(f->dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    fixture_close(f);
    *strrchr(f->dir, '/') = 0;
}

/* A copy made carelessly: whoever reads keys.db is logged in. */
static void what_was_open_to_others_is_closed(void **state)
{
    static const char *const paths[] = {"accounts", "files", "state.db", "accounts/a/keys.db"};
    struct fixture *f = *state;
    struct mt_saved saved;
    char path[256];
    struct stat st;

    fixture_open(f);
    fixture_account(f, "a");
    fixture_close(f);
    assert_int_equal(chmod(f->dir, 0755), 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        fixture_path(f, paths[i], path);
        assert_int_equal(chmod(path, 0755), 0);
    }
    fixture_open(f);
    assert_int_equal(store_account_load(f->s, 1, &saved), MT_OK);
    assert_int_equal(stat(f->dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_non_null(strstr(f->log, "was open to others"));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        fixture_path(f, paths[i], path);
        assert_int_equal(stat(path, &st), 0);
        if (st.st_mode & 077)
            fail_msg("%s has mode %o", path, (unsigned)st.st_mode & 0777);
    }
}

static void a_folder_of_others_is_refused(void **state)
{
    struct fixture *f = *state;

    if (geteuid() != 0)
        skip();
    fixture_open(f);
    fixture_close(f);
    assert_int_equal(chown(f->dir, 4711, 4711), 0);
    assert_int_equal(fixture_try(f), STORE_E_FOREIGN);
    assert_non_null(strstr(f->err, "belongs to the user with number 4711"));
    assert_int_equal(chown(f->dir, 0, 0), 0);
    fixture_open(f);
}

static void a_second_daemon_is_told_who_has_the_folder(void **state)
{
    struct fixture *f = *state;
    struct store *first;
    char pid[32];

    fixture_open(f);
    first = f->s;
    assert_int_equal(fixture_try(f), STORE_E_LOCKED);
    assert_null(f->s);
    snprintf(pid, sizeof pid, "pid %d", (int)getpid());
    assert_non_null(strstr(f->err, pid));
    assert_non_null(strstr(f->err, "/run/test.sock"));
    f->s = first;
    fixture_close(f);
    fixture_open(f);
}

static void a_newer_file_is_refused_with_both_versions(void **state)
{
    struct fixture *f = *state;
    char path[256], known[32];
    sqlite3 *db;

    fixture_open(f);
    fixture_close(f);
    fixture_path(f, "state.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(fixture_try(f), STORE_E_NEWER);
    assert_non_null(strstr(f->err, "99"));
    snprintf(known, sizeof known, "up to %d", store_schema_state.n_steps);
    assert_non_null(strstr(f->err, known));
}

static void a_file_system_without_locks_is_refused(void **state)
{
    static const int errors[] = {ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        flock_fails = errors[i];
        assert_int_equal(fixture_try(f), STORE_E_IO);
        flock_fails = 0;
        assert_non_null(strstr(f->err, "knows flock"));
        assert_non_null(strstr(f->err, strerror(errors[i])));
    }
    fixture_open(f);
}

static void what_is_no_folder_is_refused(void **state)
{
    struct fixture *f = *state;
    FILE *file;

    assert_int_equal(rmdir(f->dir), 0);
    file = fopen(f->dir, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_not_equal(fixture_try(f), MT_OK);
    assert_non_null(strstr(f->err, "is not a folder"));
    assert_int_equal(unlink(f->dir), 0);
    fixture_open(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(files_are_private_under_any_umask),
        T(what_was_open_to_others_is_closed),
        T(a_folder_of_others_is_refused),
        T(a_second_daemon_is_told_who_has_the_folder),
        T(a_newer_file_is_refused_with_both_versions),
        T(a_file_system_without_locks_is_refused),
        T(what_is_no_folder_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
