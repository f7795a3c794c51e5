/* keys.db's second half: learned addresses, proxies, the machine. */
#include "tests/unit/storage/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static int32_t account(struct fixture *f, const char *name)
{
    struct store_account a;

    assert_int_equal(store_account_add(f->s, name, 1, "h", &a), MT_OK);
    return a.id;
}

static struct mt_addresses some(void)
{
    struct mt_addresses a = {.n = 2, .family = 6, .origin = 77};

    a.list[0] =
        (struct mt_server){.dc_id = 2, .ip = "10.0.0.1", .port = 443, .is_static = true, .tcpo_only = true};
    a.list[1] =
        (struct mt_server){.dc_id = 203, .ip = "fd00::1", .port = 80, .ipv6 = true, .media_only = true};
    a.list[1].cdn = a.list[1].this_port_only = true;
    memset(a.list[1].secret, 0xdd, 17);
    a.list[1].secret_len = 17;
    return a;
}

static void addresses_are_kept_as_they_are(void **state)
{
    struct fixture *f = *state;
    struct mt_addresses a = some();
    struct mt_saved saved;
    int32_t id;

    fixture_open(f);
    id = account(f, "a");
    assert_int_equal(store_account_load(f->s, id, &saved), MT_OK);
    assert_int_equal(saved.addresses.n, 0);
    assert_int_equal(store_save_addresses(f->s, id, &a), MT_OK);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(store_account_load(f->s, id, &saved), MT_OK);
    assert_memory_equal(&saved.addresses, &a, sizeof a);
    a.n = 1;
    assert_int_equal(store_save_addresses(f->s, id, &a), MT_OK);
    assert_int_equal(store_account_load(f->s, id, &saved), MT_OK);
    assert_int_equal(saved.addresses.n, 1);
    /* they are of the servers, not of the login */
    assert_int_equal(store_forget(f->s, id), MT_OK);
    assert_int_equal(store_account_load(f->s, id, &saved), MT_OK);
    assert_int_equal(saved.addresses.n, 1);
}

static void rows_that_others_wrote_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct mt_addresses a = some();
    struct mt_saved saved;
    char path[256];
    sqlite3 *db;
    int32_t id;

    fixture_open(f);
    id = account(f, "a");
    assert_int_equal(store_save_addresses(f->s, id, &a), MT_OK);
    fixture_path(f, "accounts/a/keys.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(store_db_exec(db, "UPDATE address SET port = 0 WHERE place = 0;"
                                       "INSERT INTO address VALUES(7, 2, '10.0.0.9', 70000, 0, x'');"
                                       "INSERT INTO address VALUES(8, -1, '10.0.0.9', 7, 0, x'');"
                                       "INSERT INTO address VALUES(9, 2, '10.0.0.9', 7, 0, x'0102')"),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_account_load(f->s, id, &saved), MT_OK);
    assert_int_equal(saved.addresses.n, 1);
    assert_string_equal(saved.addresses.list[0].ip, "fd00::1");
}

static void other_servers_neither_see_nor_change_them(void **state)
{
    struct fixture *f = *state;
    struct mt_addresses a = some();
    struct mt_saved saved;
    int32_t id;

    fixture_open(f);
    id = account(f, "a");
    assert_int_equal(store_save_addresses(f->s, id, &a), MT_OK);
    fixture_close(f);
    f->servers[0] ^= 1;
    fixture_open(f);
    assert_int_equal(store_account_load(f->s, id, &saved), STORE_E_SERVERS);
    assert_int_equal(saved.addresses.n, 0);
    assert_int_equal(store_save_addresses(f->s, id, &a), STORE_E_SERVERS);
}

static void proxies_of_one_and_of_all(void **state)
{
    struct fixture *f = *state;
    char text[STORE_PROXY_MAX], path[256], long_text[STORE_PROXY_MAX + 1];
    struct store_ways ways;
    struct mt_saved saved;
    struct stat st;
    int32_t a, b;

    fixture_open(f);
    a = account(f, "a");
    b = account(f, "b");
    assert_int_equal(store_proxy_get(f->s, 0, text), MT_OK);
    assert_string_equal(text, "");
    assert_int_equal(store_proxy_put(f->s, 0, "socks5://all:1"), MT_OK);
    assert_int_equal(store_proxy_put(f->s, a, "http://u:p@one:2"), MT_OK);
    fixture_path(f, "keys.db", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    fixture_close(f);
    fixture_path(f, "state.db", path); /* it may be lost: nobody goes out without a proxy then */
    assert_int_equal(unlink(path), 0);
    fixture_open(f);
    assert_int_equal(store_proxy_get(f->s, 0, text), MT_OK);
    assert_string_equal(text, "socks5://all:1");
    assert_int_equal(store_account_open(f->s, a, NULL, &saved, &ways), MT_OK);
    assert_string_equal(ways.proxy, "http://u:p@one:2");
    assert_int_equal(store_account_open(f->s, b, NULL, &saved, &ways), MT_OK);
    assert_string_equal(ways.proxy, "");
    assert_int_equal(store_proxy_put(f->s, a, ""), MT_OK);
    assert_int_equal(store_proxy_get(f->s, a, text), MT_OK);
    assert_string_equal(text, "");
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    assert_int_equal(store_proxy_put(f->s, a, long_text), MT_E_ARG);
    assert_int_equal(store_proxy_get(f->s, 4711, text), MT_E_NOT_FOUND);
}

static struct store_device device(uint8_t machine, const char *system)
{
    struct store_device d = {.known = machine};

    memset(d.machine, machine, sizeof d.machine);
    strcpy(d.system, system);
    return d;
}

static void an_account_knows_its_machine(void **state)
{
    struct fixture *f = *state;
    struct store_device one = device(1, "6.1"), newer = device(1, "6.2"), two = device(2, "5.0"),
                        none = device(0, "7");
    struct store_ways ways;
    struct mt_saved saved;
    int32_t id;

    fixture_open(f);
    id = account(f, "a");
    assert_int_equal(store_account_open(f->s, id, &one, &saved, &ways), MT_OK);
    assert_false(ways.kept.known);
    assert_string_equal(ways.kept.system, "");
    /* a new kernel is no new device */
    assert_int_equal(store_account_open(f->s, id, &newer, &saved, &ways), MT_OK);
    assert_true(ways.kept.known);
    assert_string_equal(ways.kept.system, "6.1");
    assert_int_equal(store_account_open(f->s, id, &newer, &saved, &ways), MT_OK);
    assert_string_equal(ways.kept.system, "6.1");
    /* a machine without an id changes nothing; another one is told once */
    assert_int_equal(store_account_open(f->s, id, &none, &saved, &ways), MT_OK);
    assert_int_equal(store_account_open(f->s, id, &two, &saved, &ways), MT_OK);
    assert_memory_equal(ways.kept.machine, one.machine, 16);
    assert_int_equal(store_account_open(f->s, id, &two, &saved, &ways), MT_OK);
    assert_memory_equal(ways.kept.machine, two.machine, 16);
    assert_string_equal(ways.kept.system, "6.1");
    /* with the login its name goes */
    assert_int_equal(store_forget(f->s, id), MT_OK);
    assert_int_equal(store_account_open(f->s, id, &two, &saved, &ways), MT_OK);
    assert_string_equal(ways.kept.system, "");
    assert_int_equal(store_account_open(f->s, id, &newer, &saved, &ways), MT_OK);
    assert_string_equal(ways.kept.system, "5.0");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(addresses_are_kept_as_they_are),
        T(rows_that_others_wrote_are_left_out),
        T(other_servers_neither_see_nor_change_them),
        T(proxies_of_one_and_of_all),
        T(an_account_knows_its_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
