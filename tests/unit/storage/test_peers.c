/* Rows of peers are read through a few that are kept in memory: what is told is what the table says. */
#include "tests/unit/storage/fixture.h"

#include <string.h>

static struct mt_peer a_peer(mt_chat_id chat, const char *name)
{
    struct mt_peer p = {.chat = chat, .kind = MT_PEER_USER, .access_hash = chat * 3, .has_hash = true};

    snprintf(p.name, sizeof p.name, "%s", name);
    return p;
}

static void put(struct fixture *f, int32_t account, mt_chat_id chat, const char *name)
{
    struct mt_peer p = a_peer(chat, name);

    assert_int_equal(store_put_peer(f->s, account, &p), MT_OK);
}

static const char *name_of(struct fixture *f, int32_t account, mt_chat_id chat)
{
    static struct mt_peer p;
    int rc = store_peer_get(f->s, account, chat, &p);

    assert_true(rc == MT_OK || rc == MT_E_NOT_FOUND);
    assert_true(rc != MT_OK || p.chat == chat);
    return rc == MT_OK ? p.name : "";
}

static void a_turn_that_is_rolled_back_was_never_seen(void **state)
{
    struct fixture *f = *state;
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    put(f, a, 5, "before");
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    put(f, a, 5, "after");
    put(f, a, 6, "new");
    assert_string_equal(name_of(f, a, 5), "after");
    assert_string_equal(name_of(f, a, 6), "new");
    store_rollback(f->s);
    assert_string_equal(name_of(f, a, 5), "before");
    assert_string_equal(name_of(f, a, 6), "");
}

static void accounts_do_not_see_each_others(void **state)
{
    struct fixture *f = *state;
    int32_t a, b;

    fixture_open(f);
    a = fixture_account(f, "a");
    b = fixture_account(f, "b");
    put(f, a, 5, "of a");
    assert_string_equal(name_of(f, a, 5), "of a");
    assert_string_equal(name_of(f, b, 5), "");
    put(f, b, 5, "of b");
    assert_string_equal(name_of(f, a, 5), "of a");
    assert_string_equal(name_of(f, b, 5), "of b");
}

static void more_than_are_kept_are_read_from_the_table(void **state)
{
    struct fixture *f = *state;
    char name[16];
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    for (int round = 0; round < 2; round++)
        for (mt_chat_id chat = 1; chat <= 5 * STORE_SEEN; chat++) {
            snprintf(name, sizeof name, "%d-%lld", round, (long long)chat);
            put(f, a, chat, name);
        }
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    for (int again = 0; again < 2; again++)
        for (mt_chat_id chat = 1; chat <= 5 * STORE_SEEN; chat++) {
            snprintf(name, sizeof name, "1-%lld", (long long)chat);
            assert_string_equal(name_of(f, a, chat), name);
        }
}

static void what_a_log_out_takes_is_gone(void **state)
{
    struct fixture *f = *state;
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    put(f, a, 5, "somebody");
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_int_equal(store_forget(f->s, a), MT_OK);
    assert_string_equal(name_of(f, a, 5), "");
}

static void a_name_is_found_with_the_newest_row(void **state)
{
    struct fixture *f = *state;
    struct mt_peer p = a_peer(5, "before"), got;
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    snprintf(p.username, sizeof p.username, "Alice");
    assert_int_equal(store_put_peer(f->s, a, &p), MT_OK);
    assert_int_equal(store_peer_by_username(f->s, a, "alice", &got), MT_OK);
    snprintf(p.name, sizeof p.name, "after");
    assert_int_equal(store_put_peer(f->s, a, &p), MT_OK);
    assert_int_equal(store_peer_by_username(f->s, a, "ALICE", &got), MT_OK);
    assert_string_equal(got.name, "after");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_turn_that_is_rolled_back_was_never_seen),  T(accounts_do_not_see_each_others),
        T(more_than_are_kept_are_read_from_the_table), T(what_a_log_out_takes_is_gone),
        T(a_name_is_found_with_the_newest_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
