/* Keys at rest: sealed under a key from outside, plain without one, and from one to the other. */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/model.h"

#include <unistd.h>

static const uint8_t key_1[32] = {1}, key_2[32] = {2};

static int load(struct fixture *f, struct mt_saved *saved)
{
    return store_account_load(f->s, 1, saved);
}

static void log_in(struct fixture *f)
{
    struct mt_saved saved = {.main_dc = 3, .user_id = 99, .n_dcs = 2, .dcs = {model_key(3), model_key(0x55)}};
    struct store_account a;

    assert_int_equal(store_account_add(f->s, "a", 7, "hash-0123456789abcdef", &a), MT_OK);
    assert_int_equal(store_save_auth(f->s, 1, &saved), MT_OK);
    assert_int_equal(store_proxy_put(f->s, 1, "socks5://me:proxy-password@127.0.0.1:1"), MT_OK);
    assert_int_equal(store_proxy_put(f->s, 0, "socks5://all:proxy-password@127.0.0.1:2"), MT_OK);
}

static void begin(struct fixture *f, const uint8_t *key)
{
    f->seal_key = key;
    fixture_open(f);
    log_in(f);
    fixture_close(f);
}

/* The whole file. */
static size_t keys_file(const struct fixture *f, uint8_t bytes[65536])
{
    char path[256];
    FILE *file;
    size_t n;

    fixture_path(f, "accounts/a/keys.db", path);
    file = fopen(path, "r");
    assert_non_null(file);
    n = fread(bytes, 1, 65536, file);
    fclose(file);
    return n;
}

static bool shows(const struct fixture *f, const void *what, size_t len)
{
    static uint8_t bytes[65536];

    return memmem(bytes, keys_file(f, bytes), what, len) != NULL;
}

static bool is_plain(const struct fixture *f)
{
    uint8_t part[64];
    bool key, hash;

    memset(part, 0x55, sizeof part);
    key = shows(f, part, sizeof part);
    hash = shows(f, "hash-0123456789abcdef", 21);
    assert_int_equal(key, hash);
    assert_int_equal(key, shows(f, "proxy-password", 14));
    return key;
}

static void must_open(struct fixture *f)
{
    char proxy[STORE_PROXY_MAX];
    struct mt_saved saved;
    int rc;

    fixture_open(f);
    rc = load(f, &saved);
    if (rc != MT_OK)
        fail_msg("%d %s", rc, store_error(f->s));
    assert_int_equal(saved.user_id, 99);
    assert_int_equal(saved.n_dcs, 2);
    assert_memory_equal(saved.dcs[1].key.key, model_key(0x55).key.key, MT_KEY_LEN);
    assert_int_equal(store_proxy_get(f->s, 1, proxy), MT_OK);
    assert_string_equal(proxy, "socks5://me:proxy-password@127.0.0.1:1");
    assert_int_equal(store_proxy_get(f->s, 0, proxy), MT_OK);
    assert_string_equal(proxy, "socks5://all:proxy-password@127.0.0.1:2");
    fixture_close(f);
}

static void must_refuse(struct fixture *f, const char *words)
{
    static uint8_t before[65536], after[65536];
    struct mt_saved_dc dc = model_key(4);
    struct mt_saved saved;
    size_t n = keys_file(f, before);

    fixture_open(f);
    assert_int_equal(load(f, &saved), STORE_E_SEALED);
    if (!strstr(store_error(f->s), words))
        fail_msg("%s", store_error(f->s));
    assert_int_equal(store_save_key(f->s, 1, &dc), STORE_E_SEALED); /* and nothing is written over it */
    assert_int_equal(store_forget(f->s, 1), STORE_E_SEALED);
    fixture_close(f);
    assert_int_equal(keys_file(f, after), n);
    assert_memory_equal(before, after, n);
}

static void sealed_keys_show_nothing_and_open_again(void **state)
{
    struct fixture *f = *state;

    begin(f, key_1);
    assert_false(is_plain(f));
    must_open(f);
}

static void a_wrong_or_missing_key_is_told_and_damages_nothing(void **state)
{
    struct fixture *f = *state;

    begin(f, key_1);
    f->seal_key = NULL;
    must_refuse(f, "the credential 'keys' is not given");
    f->seal_key = key_2;
    must_refuse(f, "another key");
    f->unseal = true;
    must_refuse(f, "another key");
    f->unseal = false;
    f->seal_key = key_1;
    must_open(f);
}

static void plain_keys_are_sealed_when_there_is_a_key_and_back(void **state)
{
    struct fixture *f = *state;
    char old[256];
    FILE *file;

    begin(f, NULL);
    assert_true(is_plain(f));
    fixture_path(f, "accounts/a/keys.db.v1", old); /* of a migration: it holds the same in plain */
    f->seal_key = key_1;
    if (store_schema_keys.n_steps > 1) {
        file = fopen(old, "w");
        assert_non_null(file);
        fclose(file);
    }
    must_open(f);
    assert_false(is_plain(f));
    assert_int_not_equal(access(old, F_OK), 0);
    must_open(f);
    f->unseal = true;
    must_open(f);
    assert_true(is_plain(f));
    f->unseal = false;
    f->seal_key = NULL;
    must_open(f);
}

/* Read-only use of a sealed file that is already as it should be writes nothing. */
static void what_is_in_its_form_is_not_written_anew(void **state)
{
    static uint8_t before[65536], after[65536];
    struct fixture *f = *state;
    size_t n;

    begin(f, key_1);
    n = keys_file(f, before);
    must_open(f);
    assert_int_equal(keys_file(f, after), n);
    assert_memory_equal(before, after, n);
}

static void run_sql(struct fixture *f, const char *sql)
{
    char path[256];
    sqlite3 *db;

    fixture_path(f, "accounts/a/keys.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void a_secret_cannot_stand_in_the_place_of_another(void **state)
{
    struct fixture *f = *state;
    struct mt_saved saved;

    begin(f, key_1);
    run_sql(f, "UPDATE dc SET key = (SELECT key FROM dc WHERE dc_id = 3), key_id = (SELECT key_id FROM dc "
               "WHERE dc_id = 3)"
               " WHERE dc_id = 85");
    fixture_open(f);
    assert_int_equal(load(f, &saved), STORE_E_SEALED);
    fixture_close(f);
    run_sql(f, "DELETE FROM dc; UPDATE account SET api_hash = dedup_secret");
    fixture_open(f);
    assert_int_equal(load(f, &saved), STORE_E_SEALED);
    fixture_close(f);
}

static void other_forms_are_refused(void **state)
{
    static const struct {
        const char *value;
        int rc;
    } rows[] = {
        {"x'02' || zeroblob(284)", STORE_E_NEWER},   {"x'01'", STORE_E_CORRUPT},
        {"x'01' || zeroblob(28)", STORE_E_CORRUPT},  {"zeroblob(0)", STORE_E_CORRUPT},
        {"x'01' || zeroblob(283)", STORE_E_CORRUPT}, {"x'01' || zeroblob(284)", STORE_E_SEALED},
        {"zeroblob(256)", STORE_E_CORRUPT},          {"zeroblob(258)", STORE_E_CORRUPT},
    };
    struct fixture *f = *state;
    struct mt_saved saved;

    begin(f, key_1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char sql[128];
        int rc;

        snprintf(sql, sizeof sql, "UPDATE dc SET key = %s WHERE dc_id = 85", rows[i].value);
        run_sql(f, sql);
        fixture_open(f);
        rc = load(f, &saved);
        if (rc != rows[i].rc)
            fail_msg("%s: %d %s", rows[i].value, rc, store_error(f->s));
        fixture_close(f);
    }
}

/* --- temporary keys: state.db --- */

static struct mt_saved_dc temp_of(int32_t dc_id)
{
    struct mt_saved_dc dc = model_key(dc_id);
    uint8_t key[MT_KEY_LEN];

    memset(key, 0x77, sizeof key);
    dc.has_temp = true;
    dc.temp.ends = 1234;
    mt_auth_key_set(&dc.temp.key, key);
    return dc;
}

static bool state_shows(const struct fixture *f)
{
    static const char *const names[] = {"state.db", "state.db-wal"};
    static uint8_t bytes[1 << 20];
    uint8_t part[32];
    bool found = false;

    memset(part, 0x77, sizeof part);
    for (size_t i = 0; i < 2; i++) {
        char path[256];
        FILE *file;

        fixture_path(f, names[i], path);
        file = fopen(path, "r");
        if (!file)
            continue;
        found = found || memmem(bytes, fread(bytes, 1, sizeof bytes, file), part, sizeof part) != NULL;
        fclose(file);
    }
    return found;
}

static void must_have_temp(struct fixture *f, bool has)
{
    struct mt_saved saved;

    assert_int_equal(load(f, &saved), MT_OK);
    assert_int_equal(saved.dcs[0].dc_id, 3);
    assert_int_equal(saved.dcs[0].has_temp, has);
    if (has) {
        assert_int_equal(saved.dcs[0].temp.key.key[255], 0x77);
        assert_int_equal(saved.dcs[0].temp.ends, 1234);
    }
}

static void temporary_keys_are_sealed_and_back(void **state)
{
    struct fixture *f = *state;
    struct mt_saved_dc dc = temp_of(3);

    begin(f, NULL);
    fixture_open(f);
    assert_int_equal(store_put_salts(f->s, 1, &dc), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_true(state_shows(f));
    must_have_temp(f, true);
    fixture_close(f);
    f->seal_key = key_1;
    fixture_open(f);
    must_have_temp(f, true);
    assert_int_equal(store_sync_run(f->s), MT_OK);
    assert_false(state_shows(f)); /* nor does the WAL */
    assert_int_equal(store_put_salts(f->s, 1, &dc), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_false(state_shows(f));
    must_have_temp(f, true);
    fixture_close(f);
    f->unseal = true;
    fixture_open(f);
    must_have_temp(f, true);
    fixture_close(f);
    f->unseal = false;
    f->seal_key = NULL;
    fixture_open(f);
    must_have_temp(f, true);
    assert_true(state_shows(f));
}

/* A disk that takes no writes does not close the account: it is sealed the next time. */
static void a_temporary_key_that_cannot_be_sealed_now_is_sealed_later(void **state)
{
    struct fixture *f = *state;
    struct mt_saved_dc dc = temp_of(3);

    begin(f, NULL);
    fixture_open(f);
    assert_int_equal(store_put_salts(f->s, 1, &dc), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    f->s->has_seal_key = f->s->seals = true;
    memcpy(f->s->seal_key, key_1, sizeof key_1);
    fault_arm(FAULT_FULL, 1, true);
    must_have_temp(f, true);
    fault_arm(FAULT_NONE, 0, false);
    assert_true(state_shows(f));
    must_have_temp(f, true);
    assert_int_equal(store_sync_run(f->s), MT_OK);
    assert_false(state_shows(f));
}

static void a_temporary_key_is_of_one_account_and_one_data_centre(void **state)
{
    static const char *const swaps[] = {
        "UPDATE dc SET temp_key = (SELECT temp_key FROM dc WHERE account_id = 2) WHERE account_id = 1",
        "UPDATE dc SET temp_key = (SELECT o.temp_key FROM dc AS o WHERE o.dc_id = 4) WHERE dc_id = 3",
        "UPDATE dc SET temp_key = x'02' || zeroblob(284)",
        "UPDATE dc SET temp_key = x'01'",
        "UPDATE dc SET temp_key = zeroblob(256)",
        "UPDATE dc SET temp_perm = 5",
    };
    struct fixture *f = *state;
    struct mt_saved_dc dc = temp_of(3), other = temp_of(4);

    begin(f, key_1);
    for (size_t i = 0; i < sizeof swaps / sizeof *swaps; i++) {
        fixture_open(f);
        if (!i)
            fixture_account(f, "b");
        assert_int_equal(store_put_salts(f->s, 1, &dc), MT_OK);
        assert_int_equal(store_put_salts(f->s, 1, &other), MT_OK);
        assert_int_equal(store_put_salts(f->s, 2, &dc), MT_OK);
        assert_int_equal(store_commit(f->s, NULL), MT_OK);
        must_have_temp(f, true);
        assert_int_equal(store_db_exec(f->s->db, swaps[i]), SQLITE_OK);
        must_have_temp(f, false);
        fixture_close(f);
    }
}

static void sealing_that_is_cut_short_costs_nothing(void **state)
{
    struct fixture *f = *state;
    bool fired = true;

    begin(f, NULL);
    for (int n = 1; fired; n++) {
        struct mt_saved saved;

        assert_true(n < 400);
        f->seal_key = key_1;
        fixture_open(f);
        fault_arm(FAULT_IO, n, true);
        load(f, &saved);
        fired = fault_fired();
        fault_arm(FAULT_NONE, 0, false);
        fixture_close(f);
        must_open(f); /* by then it is sealed */
        assert_false(is_plain(f));
        f->unseal = true;
        must_open(f);
        f->unseal = false;
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sealed_keys_show_nothing_and_open_again),
        T(a_wrong_or_missing_key_is_told_and_damages_nothing),
        T(plain_keys_are_sealed_when_there_is_a_key_and_back),
        T(what_is_in_its_form_is_not_written_anew),
        T(a_secret_cannot_stand_in_the_place_of_another),
        T(other_forms_are_refused),
        T(temporary_keys_are_sealed_and_back),
        T(a_temporary_key_that_cannot_be_sealed_now_is_sealed_later),
        T(a_temporary_key_is_of_one_account_and_one_data_centre),
        T(sealing_that_is_cut_short_costs_nothing),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
