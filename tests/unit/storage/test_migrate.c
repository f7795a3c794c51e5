/* Migrations over schemas made up for the purpose, and files of each release (tests/vectors/db). */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static const char *const steps[] = {
    "CREATE TABLE a(x); INSERT INTO a VALUES(1)",
    "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1",
    "CREATE TABLE b(z); INSERT INTO b SELECT y + 1 FROM a",
};
static const char *const broken[] = {"CREATE TABLE a(x); INSERT INTO a VALUES(1)",
                                     "INSERT INTO a VALUES(2); INSERT INTO nowhere VALUES(1)"};

static sqlite3 *open_version(struct fixture *f, const char *const *list, int version)
{
    struct store_schema schema = {"test.db", list, version};
    char path[256];
    sqlite3 *db;
    int rc;

    fixture_path(f, "test.db", path);
    rc = store_db_open(path, STORE_DB_STATE, &schema, false, &db, f->err);
    if (rc != MT_OK)
        fail_msg("store_db_open: %d %s", rc, f->err);
    return db;
}

static void steps_are_taken_in_order_after_a_copy(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = open_version(f, steps, 1);
    char path[256];
    struct stat st;

    assert_int_equal(store_db_int(db, "PRAGMA user_version", -1), 1);
    sqlite3_close(db);
    fixture_path(f, "test.db.v1", path);
    assert_int_not_equal(access(path, F_OK), 0); /* a new file has nothing to be copied */
    db = open_version(f, steps, 3);
    assert_int_equal(store_db_int(db, "PRAGMA user_version", -1), 3);
    assert_int_equal(store_db_int(db, "SELECT z FROM b", -1), 3);
    sqlite3_close(db);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(store_db_int(db, "PRAGMA user_version", -1), 1);
    assert_int_equal(store_db_int(db, "SELECT x FROM a", -1), 1);
    sqlite3_close(db);
}

static void a_step_that_fails_leaves_the_version_before_it(void **state)
{
    struct fixture *f = *state;
    struct store_schema schema = {"test.db", broken, 2};
    sqlite3 *db = open_version(f, broken, 1);
    char path[256];

    sqlite3_close(db);
    fixture_path(f, "test.db", path);
    assert_int_equal(store_db_open(path, STORE_DB_STATE, &schema, false, &db, f->err), STORE_E_IO);
    assert_null(db);
    assert_non_null(strstr(f->err, "test.db: migration to version 2 failed"));
    db = open_version(f, broken, 1);
    assert_int_equal(store_db_int(db, "SELECT count(*) FROM a", -1), 1);
    sqlite3_close(db);
}

static void an_interrupted_migration_is_done_again(void **state)
{
    struct fixture *f = *state;
    struct store_schema schema = {"test.db", steps, 3};
    char path[256], copy[256];
    bool fired = true;
    sqlite3 *db;

    fixture_path(f, "test.db", path);
    fixture_path(f, "test.db.v1", copy);
    for (int n = 1; fired; n++) {
        unlink(path);
        unlink(copy);
        sqlite3_close(open_version(f, steps, 1));
        fault_arm(FAULT_IO, n, true);
        store_db_open(path, STORE_DB_STATE, &schema, false, &db, f->err);
        sqlite3_close(db);
        fired = fault_fired();
        fault_arm(FAULT_NONE, 0, false);
        db = open_version(f, steps, 3);
        assert_int_equal(store_db_int(db, "SELECT z FROM b", -1), 3);
        assert_int_equal(store_db_int(db, "SELECT count(*) FROM b", -1), 1);
        sqlite3_close(db);
        assert_true(n < 500);
    }
}

static void a_file_of_somebody_else_is_not_touched(void **state)
{
    struct fixture *f = *state;
    struct store_schema schema = {"test.db", steps, 1};
    char path[256];
    sqlite3 *db;

    fixture_path(f, "test.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(store_db_exec(db, "CREATE TABLE theirs(x)"), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_db_open(path, STORE_DB_STATE, &schema, false, &db, f->err), STORE_E_CORRUPT);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(store_db_int(db, "SELECT count(*) FROM sqlite_master", -1), 1);
    assert_int_equal(
        store_db_int(db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode='delete'", -1), 1);
    sqlite3_close(db);
}

/* --- files of releases --- */

/* A set of files for each step that any of the schemas took after its first. */
enum { NEWEST = 6 };

static void fill(struct fixture *f)
{
    struct mt_peer p = {.chat = 5, .kind = MT_PEER_USER, .access_hash = 6, .has_hash = true};
    struct mt_update_state st = {1, 2, 3, 4, true};
    struct mt_saved saved = {.main_dc = 2, .user_id = 4711, .n_dcs = 1};
    struct store_account a;
    uint8_t key[MT_KEY_LEN];

    assert_int_equal(store_account_add(f->s, "main", 12345, "0123456789abcdef", &a), MT_OK);
    memset(key, 7, sizeof key);
    mt_auth_key_set(&saved.dcs[0].key, key);
    saved.dcs[0].dc_id = 2;
    saved.dcs[0].has_key = saved.dcs[0].authorised = true;
    assert_int_equal(store_save_auth(f->s, a.id, &saved), MT_OK);
    saved.addresses.n = 1;
    saved.addresses.list[0] = (struct mt_server){.dc_id = 2, .ip = "10.0.0.1", .port = 443};
    assert_int_equal(store_save_addresses(f->s, a.id, &saved.addresses), MT_OK);
    assert_int_equal(store_proxy_put(f->s, a.id, "socks5://h:1"), MT_OK);
    memset(key, 9, sizeof key);
    saved.dcs[0].has_temp = true;
    mt_auth_key_set(&saved.dcs[0].temp.key, key);
    saved.dcs[0].temp.ends = 1234;
    saved.dcs[0].temp.n_salts = 1;
    saved.dcs[0].temp.salts[0] = (struct mt_salt){-5, 6, 7};
    assert_int_equal(store_put_salts(f->s, a.id, &saved.dcs[0]), MT_OK);
    strcpy(p.username, "Alice");
    assert_int_equal(store_put_peer(f->s, a.id, &p), MT_OK);
    assert_int_equal(store_put_state(f->s, a.id, &st), MT_OK);
    assert_int_equal(store_put_channel(f->s, a.id, &(struct mt_channel_row){.id = 8, .pts = 9}), MT_OK);
    assert_int_equal(store_sub_put(f->s, "bot", (struct store_cursor){1, 2}, 3), MT_OK);
    fixture_events(f, a.id, 3, 50);
    assert_int_equal(store_cache_put_msg_chat(f->s, a.id, 10, 11), MT_OK);
}

/* With TGD_MAKE_DB=DIR writes the files of the newest version there; only ever for a new one. */
static void make_release_files(struct fixture *f, const char *to)
{
    char cmd[512];

    fixture_open(f);
    fill(f);
    fixture_close(f);
    snprintf(cmd, sizeof cmd, "mkdir -p '%s' && cp -a '%s'/state.db '%s'/cache.db '%s'/accounts '%s'", to,
             f->dir, f->dir, f->dir, to);
    assert_int_equal(system(cmd), 0);
}

/* By itself: with the folder it would go, since no lock file says that the machine has been up since. */
static void check_cache(struct fixture *f)
{
    char path[256];
    sqlite3 *db;
    int rc;

    fixture_path(f, "cache.db", path);
    rc = store_db_open(path, STORE_DB_CACHE, &store_schema_cache, true, &db, f->err);
    if (rc != MT_OK)
        fail_msg("%d %s", rc, f->err);
    assert_int_equal(store_db_int(db, "SELECT chat FROM msg_chat WHERE account_id = 1 AND msg_id = 10", -1),
                     11);
    assert_int_equal(store_db_int(db, "SELECT count(*) FROM name", -1), 0);
    sqlite3_close(db);
}

static void check_release(struct fixture *f, int version)
{
    struct store_ways ways;
    struct mt_saved saved;
    struct mt_peer p;
    struct store_cursor c;
    struct mt_channel_row channel;

    check_cache(f);
    fixture_open(f);
    assert_null(store_trouble(f->s));
    assert_int_equal(store_account_open(f->s, 1, NULL, &saved, &ways), MT_OK);
    assert_string_equal(ways.proxy, version < 3 ? "" : "socks5://h:1");
    assert_int_equal(saved.addresses.n, version < 3 ? 0 : 1);
    assert_int_equal(saved.user_id, 4711);
    assert_int_equal(saved.main_dc, 2);
    assert_int_equal(saved.dcs[0].key.key[255], 7);
    assert_int_equal(saved.state.seq, 4);
    assert_int_equal(saved.dcs[0].has_temp, version >= 6);
    if (version >= 6) {
        assert_int_equal(saved.dcs[0].temp.key.key[255], 9);
        assert_int_equal(saved.dcs[0].temp.ends, 1234);
        assert_int_equal(saved.dcs[0].temp.n_salts, 1);
        assert_int_equal(saved.dcs[0].temp.salts[0].salt, -5);
        assert_int_equal(saved.dcs[0].temp.salts[0].valid_until, 7);
    }
    assert_int_equal(store_peer_by_username(f->s, 1, "alice", &p), MT_OK);
    assert_int_equal(p.access_hash, 6);
    assert_int_equal(store_channel_get(f->s, 1, 8, &channel), MT_OK);
    assert_int_equal(channel.pts, 9);
    assert_int_equal(channel.top, 0);
    assert_false(channel.watched);
    assert_int_equal(store_sub_get(f->s, "bot", &c), MT_OK);
    assert_int_equal(c.number, 2);
    assert_int_equal(fixture_read(f, c).n, 1);
}

/* Nor does the copy from before a migration. */
static void no_key_outlives_the_login(struct fixture *f)
{
    char path[256], name[64];

    assert_int_equal(store_forget(f->s, 1), MT_OK);
    for (int v = 1; v <= NEWEST; v++) {
        snprintf(name, sizeof name, "accounts/main/keys.db.v%d", v);
        fixture_path(f, name, path);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

static void files_of_every_release_are_understood(void **state)
{
    struct fixture *f = *state;
    const char *vectors = getenv("TGD_VECTORS"), *make = getenv("TGD_MAKE_DB");
    char cmd[512];

    if (make)
        make_release_files(f, make);
    if (!vectors)
        vectors = "tests/vectors";
    for (int v = 1; v <= NEWEST; v++) {
        snprintf(cmd, sizeof cmd, "rm -rf '%s' && mkdir -m 700 '%s' && cp -r '%s'/db/v%d/. '%s'", f->dir,
                 f->dir, vectors, v, f->dir);
        assert_int_equal(system(cmd), 0);
        check_release(f, v);
        no_key_outlives_the_login(f);
        fixture_close(f);
    }
    /* else: files of the new one, and what is new in them here */
    assert_int_equal(store_schema_state.n_steps + store_schema_keys.n_steps + store_schema_cache.n_steps - 2,
                     NEWEST);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(steps_are_taken_in_order_after_a_copy),  T(a_step_that_fails_leaves_the_version_before_it),
        T(an_interrupted_migration_is_done_again), T(a_file_of_somebody_else_is_not_touched),
        T(files_of_every_release_are_understood),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
