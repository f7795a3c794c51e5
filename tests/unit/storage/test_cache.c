/* cache.db: what may be lost at any time. */
#include "tests/unit/storage/fixture.h"

#include <unistd.h>

static void names_are_kept_with_the_time_of_the_answer(void **state)
{
    struct fixture *f = *state;
    mt_chat_id chat;
    int64_t asked;

    fixture_open(f);
    assert_int_equal(store_cache_name(f->s, 1, "alice", &chat, &asked), MT_E_NOT_FOUND);
    assert_int_equal(store_cache_put_name(f->s, 1, "alice", 7, 1000), MT_OK);
    assert_int_equal(store_cache_put_name(f->s, 1, "nobody", 0, 2000), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_int_equal(store_cache_name(f->s, 1, "alice", &chat, &asked), MT_OK);
    assert_true(chat == 7 && asked == 1000);
    assert_int_equal(store_cache_name(f->s, 1, "nobody", &chat, &asked), MT_OK);
    assert_true(chat == 0 && asked == 2000);
    assert_int_equal(store_cache_name(f->s, 2, "alice", &chat, &asked), MT_E_NOT_FOUND);
    assert_int_equal(store_cache_put_name(f->s, 1, "later", 0, 1001 + 30 * 86400), MT_OK);
    assert_int_equal(store_cache_name(f->s, 1, "alice", &chat, &asked), MT_E_NOT_FOUND);
    assert_int_equal(store_cache_name(f->s, 1, "nobody", &chat, &asked), MT_OK);
}

static void a_damaged_cache_is_thrown_away(void **state)
{
    struct fixture *f = *state;
    char path[256];
    mt_chat_id chat = 0;
    FILE *file;

    fixture_open(f);
    assert_int_equal(store_cache_put_msg_chat(f->s, 1, 5, -6), MT_OK);
    assert_int_equal(store_begin(f->s), MT_OK);
    assert_int_equal(store_cache_put_msg_chat(f->s, 1, 6, -7), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 5, &chat), MT_OK);
    assert_int_equal(chat, -6);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 6, &chat), MT_OK);
    assert_int_equal(store_cache_msg_chat(f->s, 2, 6, &chat), MT_E_NOT_FOUND);
    fixture_close(f);
    fixture_path(f, "cache.db", path);
    file = fopen(path, "w");
    fprintf(file, "this was never a database, however long one looks at it");
    fclose(file);
    fixture_open(f);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 5, &chat), MT_E_NOT_FOUND);
    assert_int_equal(store_cache_put_msg_chat(f->s, 1, 5, 8), MT_OK);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 5, &chat), MT_OK);
    assert_int_equal(chat, 8);
    assert_null(store_trouble(f->s));
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(names_are_kept_with_the_time_of_the_answer),
        T(a_damaged_cache_is_thrown_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
