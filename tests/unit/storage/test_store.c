#include "tests/unit/storage/fixture.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void every_statement_prepares(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    store_cache_put_msg_chat(f->s, 1, 5, 6);
    for (int id = 0; id < SQL_COUNT; id++)
        if (!store_stmt(f->s, (enum store_sql)id))
            fail_msg("statement %d: %s", id, store_error(f->s));
}

/* --- accounts --- */

static int count_account(void *arg, const struct store_account *a)
{
    struct store_account *last = arg;

    *last = *a;
    return 0;
}

static void account_names_are_checked(void **state)
{
    static const char *const bad[] = {
        "", "-a", "_a", "A", "a.b", "../x", "a/b", "a b", "123456789012345678901234567890123"};
    struct fixture *f = *state;

    fixture_open(f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(store_account_add(f->s, bad[i], 0, NULL, NULL), STORE_E_NAME);
    assert_int_equal(store_account_add(f->s, "12345678901234567890123456789012", 0, NULL, NULL), MT_OK);
    assert_int_equal(store_account_add(f->s, "a-b_c", 0, NULL, NULL), MT_OK);
    assert_int_equal(store_account_add(f->s, "a-b_c", 0, NULL, NULL), STORE_E_EXISTS);
}

static void an_id_is_given_once_and_never_again(void **state)
{
    struct fixture *f = *state;
    int32_t a, b;

    fixture_open(f);
    a = fixture_account(f, "x");
    assert_int_equal(store_account_remove(f->s, a), MT_OK);
    b = fixture_account(f, "x");
    assert_true(b > a);
    assert_int_equal(store_account_remove(f->s, b), MT_OK);
    assert_int_equal(store_account_remove(f->s, b), MT_E_NOT_FOUND);
    fixture_close(f);
    fixture_open(f);
    assert_true(fixture_account(f, "x") > b);
}

static void an_account_keeps_its_api_id_and_secret(void **state)
{
    struct fixture *f = *state;
    struct store_account a, got = {0};
    struct mt_saved one, two;
    struct store_ways ways = {0};

    fixture_open(f);
    assert_int_equal(store_account_add(f->s, "a", 77, "0123456789abcdef", &a), MT_OK);
    assert_string_equal(a.name, "a");
    assert_int_equal(store_account_load(f->s, a.id, &one), MT_OK);
    a.paused = true;
    a.api_id = 78;
    assert_int_equal(store_account_update(f->s, &a), MT_OK);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(store_account_each(f->s, count_account, &got), MT_OK);
    assert_int_equal(got.id, a.id);
    assert_true(got.paused);
    assert_int_equal(got.api_id, 78);
    assert_string_equal(got.api_hash, ""); /* told with the keys */
    assert_int_equal(store_account_open(f->s, a.id, NULL, &two, &ways), MT_OK);
    assert_string_equal(ways.api_hash, "0123456789abcdef");
    assert_memory_equal(one.dedup_secret, two.dedup_secret, 32);
    assert_int_equal(two.user_id, 0);
    assert_false(two.state.known);
}

static struct mt_saved_dc a_key(int32_t dc_id)
{
    struct mt_saved_dc dc = {.dc_id = dc_id, .has_key = true, .n_salts = 2, .time_offset_us = -1500000};
    uint8_t key[MT_KEY_LEN];

    memset(key, dc_id, sizeof key);
    mt_auth_key_set(&dc.key, key);
    dc.salts[0] = (struct mt_salt){INT64_MIN, 1, 2};
    dc.salts[1] = (struct mt_salt){-5, 2, 3};
    return dc;
}

static void log_in(struct fixture *f, int32_t account, int64_t user)
{
    struct mt_saved saved = {.main_dc = 2, .user_id = user, .n_dcs = 1};
    struct mt_update_state st = {10, 20, 30, 40, true};
    struct mt_saved_dc dc = a_key(2);

    assert_int_equal(store_save_key(f->s, account, &dc), MT_OK);
    dc.authorised = true;
    saved.dcs[0] = dc;
    assert_int_equal(store_save_auth(f->s, account, &saved), MT_OK);
    assert_int_equal(store_put_state(f->s, account, &st), MT_OK);
    assert_int_equal(store_put_channel(f->s, account, &(struct mt_channel_row){.id = 5, .pts = 6}), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
}

static void a_login_is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct mt_saved got;
    struct mt_saved_dc key = a_key(2);
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    log_in(f, a, 4711);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(store_account_load(f->s, a, &got), MT_OK);
    assert_int_equal(got.user_id, 4711);
    assert_int_equal(got.main_dc, 2);
    assert_int_equal(got.n_dcs, 1);
    assert_true(got.dcs[0].authorised);
    assert_memory_equal(got.dcs[0].key.key, key.key.key, MT_KEY_LEN);
    assert_int_equal(got.dcs[0].key.id, key.key.id);
    assert_int_equal(got.dcs[0].n_salts, 2);
    assert_int_equal(got.dcs[0].salts[0].salt, INT64_MIN);
    assert_int_equal(got.dcs[0].salts[1].valid_until, 3);
    assert_int_equal(got.dcs[0].time_offset_us, -1500000);
    assert_true(got.state.known);
    assert_int_equal(got.state.qts, 20);
}

static void another_user_does_not_inherit_the_state(void **state)
{
    struct fixture *f = *state;
    struct mt_saved got;
    struct mt_channel_row row;
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    log_in(f, a, 1);
    fixture_events(f, a, 3, 10);
    assert_int_equal(store_forget(f->s, a), MT_OK);
    assert_int_equal(store_account_load(f->s, a, &got), MT_OK);
    assert_int_equal(got.user_id, 0);
    assert_int_equal(got.n_dcs, 0);
    assert_false(got.state.known);
    assert_int_equal(store_ops_of(f->s, a)->channel(store_ops_of(f->s, a)->ctx, 5, &row), MT_E_NOT_FOUND);
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 0}).n, 3);

    log_in(f, a, 1);
    /* as if the turn of a logout was lost: keys.db names somebody else than state.db's rows */
    assert_int_equal(store_keys_forget(f->s, "a"), MT_OK);
    assert_int_equal(store_account_load(f->s, a, &got), MT_OK);
    assert_false(got.state.known);
    assert_int_equal(store_ops_of(f->s, a)->channel(store_ops_of(f->s, a)->ctx, 5, &row), MT_E_NOT_FOUND);
}

static int collect(void *arg, const struct mt_channel_row *row)
{
    char *text = arg;

    snprintf(text + strlen(text), 32, " %d:%d:%d%s", (int)row->id, row->pts, row->top,
             row->watched ? "w" : "");
    return row->id == 7;
}

static void channels_are_listed_by_id_and_the_watched_ones_apart(void **state)
{
    static const struct mt_channel_row rows[] = {{.id = 9, .pts = 90, .top = 3, .watched = true},
                                                 {.id = 5, .pts = 50},
                                                 {.id = 8, .watched = true},
                                                 {.id = 7, .pts = 70, .top = 1}};
    struct fixture *f = *state;
    const struct store_ops *ops;
    char text[256] = "";
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(store_put_channel(f->s, a, &rows[i]), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    fixture_close(f);
    fixture_open(f);
    ops = store_ops_of(f->s, a);
    assert_int_equal(ops->each_channel(ops->ctx, 0, collect, text), MT_OK);
    assert_string_equal(text, " 5:50:0 7:70:1"); /* it ends where it is told to */
    text[0] = 0;
    assert_int_equal(ops->each_channel(ops->ctx, 7, collect, text), MT_OK);
    assert_string_equal(text, " 8:0:0w 9:90:3w");
    text[0] = 0;
    assert_int_equal(ops->each_watched(ops->ctx, collect, text), MT_OK);
    assert_string_equal(text, " 8:0:0w 9:90:3w");
    assert_int_equal(store_put_channel(f->s, a, &(struct mt_channel_row){.id = 9, .pts = -1}), MT_OK);
    text[0] = 0;
    assert_int_equal(ops->each_watched(ops->ctx, collect, text), MT_OK);
    assert_string_equal(text, " 8:0:0w");
}

static void keys_of_other_servers_are_refused(void **state)
{
    struct fixture *f = *state;
    struct mt_saved got;
    struct mt_saved_dc dc = a_key(2);
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    fixture_close(f);
    f->servers[31] ^= 1;
    fixture_open(f);
    assert_int_equal(store_account_load(f->s, a, &got), STORE_E_SERVERS);
    assert_non_null(strstr(store_error(f->s), "account a"));
    assert_int_equal(store_save_key(f->s, a, &dc), STORE_E_SERVERS);
}

static void logins_outlive_state_db(void **state)
{
    struct fixture *f = *state;
    struct mt_saved got;
    struct store_account last = {0};
    char path[256];
    FILE *file;
    int32_t a, b;

    fixture_open(f);
    fixture_account(f, "first");
    a = fixture_account(f, "a");
    log_in(f, a, 4711);
    fixture_events(f, a, 5, 100);
    fixture_close(f);
    fixture_path(f, "state.db", path);
    file = fopen(path, "r+");
    assert_non_null(file);
    for (int i = 0; i < 4096; i++)
        fputc(i, file);
    fclose(file);
    fixture_open(f);
    assert_non_null(strstr(store_trouble(f->s), "state.db.damaged-20231114T221320Z"));
    fixture_path(f, "state.db.damaged-20231114T221320Z", path);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(store_account_each(f->s, count_account, &last), MT_OK);
    assert_int_equal(last.id, a);
    assert_int_equal(store_account_load(f->s, a, &got), MT_OK);
    assert_int_equal(got.user_id, 4711);
    assert_int_equal(got.n_dcs, 1);
    assert_false(got.state.known);
    b = fixture_account(f, "b");
    assert_true(b > a);
    assert_int_equal(store_journal_end(f->s).epoch, 2);
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 3}).rc, MT_OK);
}

static void a_removed_account_takes_its_events_and_rows(void **state)
{
    struct fixture *f = *state;
    struct mt_peer p = {.chat = 5, .kind = MT_PEER_USER, .username = "u"}, got;
    int32_t a, b;
    char path[256];

    fixture_open(f);
    a = fixture_account(f, "a");
    b = fixture_account(f, "b");
    for (int i = 0; i < 50; i++) {
        fixture_events(f, a, 1, 100);
        fixture_events(f, b, 1, 100);
    }
    assert_int_equal(store_put_peer(f->s, a, &p), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_int_equal(store_account_remove(f->s, a), MT_OK);
    fixture_path(f, "accounts/a", path);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 0}).n, 50);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 0}).n, 50);
    while (store_journal_trim(f->s, fixture_now(f)))
        ;
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 0}).n, 50);
    assert_int_equal(store_db_int(f->s->db, "SELECT count(*) FROM journal", -1), 50);
    assert_int_equal(store_db_int(f->s->db, "SELECT count(*) FROM gone", -1), 0);
    assert_int_equal(store_peer_get(f->s, a, 5, &got), MT_E_NOT_FOUND);
}

static void a_removal_that_is_rolled_back_leaves_the_account(void **state)
{
    struct fixture *f = *state;
    struct mt_saved got;
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    log_in(f, a, 9);
    assert_int_equal(store_begin(f->s), MT_OK);
    assert_int_equal(store_account_remove(f->s, a), MT_OK);
    store_rollback(f->s);
    assert_int_equal(store_account_load(f->s, a, &got), MT_OK);
    assert_int_equal(got.user_id, 9);
    assert_int_equal(store_begin(f->s), MT_OK);
    assert_int_equal(store_account_remove(f->s, a), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_int_equal(store_account_load(f->s, a, &got), MT_E_NOT_FOUND);
}

/* --- peers, outbox, subscriptions, cache --- */

static void a_min_hash_never_overwrites_a_full_one(void **state)
{
    struct fixture *f = *state;
    struct mt_peer p = {.chat = -1000000000005,
                        .kind = MT_PEER_CHANNEL,
                        .access_hash = -3,
                        .has_hash = true,
                        .broadcast = true,
                        .name = "News",
                        .username = "News"};
    struct mt_peer got;

    fixture_open(f);
    assert_int_equal(store_put_peer(f->s, 1, &p), MT_OK);
    p.has_hash = false;
    p.access_hash = 8;
    strcpy(p.name, "News!");
    assert_int_equal(store_put_peer(f->s, 1, &p), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_int_equal(store_peer_by_username(f->s, 1, "nEWS", &got), MT_OK);
    assert_true(got.has_hash && got.broadcast && !got.forum);
    assert_int_equal(got.access_hash, -3);
    assert_string_equal(got.name, "News!");
    assert_string_equal(got.username, "News");
    assert_int_equal(got.kind, MT_PEER_CHANNEL);
    assert_int_equal(store_peer_by_username(f->s, 2, "news", &got), MT_E_NOT_FOUND);
}

static void a_name_that_moved_finds_its_new_owner(void **state)
{
    struct fixture *f = *state;
    struct mt_peer a = {.chat = 1, .kind = MT_PEER_USER, .username = "bob", .phone = "491"};
    struct mt_peer b = {.chat = 2, .kind = MT_PEER_USER, .username = "bob", .phone = "492"};
    struct mt_peer got;

    fixture_open(f);
    assert_int_equal(store_put_peer(f->s, 1, &a), MT_OK);
    assert_int_equal(store_put_peer(f->s, 1, &b), MT_OK);
    strcpy(a.username, "robert");
    assert_int_equal(store_put_peer(f->s, 1, &a), MT_OK);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    assert_int_equal(store_peer_by_username(f->s, 1, "bob", &got), MT_OK);
    assert_int_equal(got.chat, 2);
    assert_int_equal(store_peer_by_username(f->s, 1, "ROBERT", &got), MT_OK);
    assert_int_equal(got.chat, 1);
    b.phone[0] = 0;
    assert_int_equal(store_put_peer(f->s, 1, &b), MT_OK);
    assert_int_equal(store_peer_by_phone(f->s, 1, "491", &got), MT_OK);
    assert_int_equal(store_peer_by_phone(f->s, 1, "492", &got), MT_E_NOT_FOUND);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
}

static int take_row(void *arg, const struct mt_outbox_row *row)
{
    char *out = arg;

    sprintf(out + strlen(out), "%d%s:%.*s:%.*s ", (int)row->id, row->flags & MT_SEND_QUEUED ? "q" : "",
            (int)row->dedup.n, row->dedup.n ? (const char *)row->dedup.p : "", (int)row->params.n,
            (const char *)row->params.p);
    return 0;
}

static int take_expires(void *arg, const struct mt_outbox_row *row)
{
    *(int64_t *)arg = row->expires;
    return 0;
}

static void the_outbox_gives_back_what_has_not_ended(void **state)
{
    struct fixture *f = *state;
    struct mt_outbox_row row = {.chat = 7, .random_id = -9, .method = {(const uint8_t *)"m", 1}};
    const struct store_ops *ops;
    char got[256] = "";
    char params[8];
    int64_t expires = 0;

    fixture_open(f);
    for (int i = 1; i <= 4; i++) {
        row.id = i;
        row.state = i == 2 ? MT_SEND_SENT : i == 3 ? MT_SEND_FAILED : MT_SEND_RUNNING;
        row.created = f->wall - i;
        row.expires = f->wall + 100 * i;
        row.flags = i == 1 ? MT_SEND_QUEUED : 0;
        row.dedup = (struct tl_slice){(const uint8_t *)"k", i > 2};
        row.params = (struct tl_slice){(const uint8_t *)params, 2};
        snprintf(params, sizeof params, "p%d", i);
        assert_int_equal(store_put_outbox(f->s, 1, &row), MT_OK);
    }
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    fixture_close(f);
    fixture_open(f);
    ops = store_ops_of(f->s, 1);
    assert_int_equal(ops->each_unsent(ops->ctx, take_row, got), MT_OK);
    assert_string_equal(got, "4:k:p4 1q::p1 ");
    got[0] = 0;
    assert_int_equal(ops->send_by_dedup(ops->ctx, 7, "k", 1, take_row, got), MT_OK);
    assert_string_equal(got, "3:k:p3 ");
    assert_int_equal(ops->send_by_dedup(ops->ctx, 8, "k", 1, take_row, got), MT_E_NOT_FOUND);
    assert_int_equal(store_outbox_get(f->s, 1, 2, take_row, got), MT_OK);
    assert_int_equal(store_outbox_get(f->s, 2, 2, take_row, got), MT_E_NOT_FOUND);
    got[0] = 0;
    assert_int_equal(store_outbox_list(f->s, 1, 0, false, 3, take_row, got), MT_OK);
    assert_string_equal(got, "4:k:p4 3:k:p3 2::p2 ");
    got[0] = 0;
    assert_int_equal(store_outbox_list(f->s, 1, 4, true, 3, take_row, got), MT_OK);
    assert_string_equal(got, "1q::p1 ");
    assert_int_equal(store_outbox_get(f->s, 1, 1, take_expires, &expires), MT_OK);
    assert_int_equal(expires, f->wall + 100);
    f->wall += 31 * 86400;
    while (store_journal_trim(f->s, fixture_now(f)))
        ;
    assert_int_equal(store_outbox_get(f->s, 1, 2, take_row, got), MT_E_NOT_FOUND);
    assert_int_equal(store_outbox_get(f->s, 1, 4, take_row, got), MT_OK);
}

static int take_sub(void *arg, const char *name, struct store_cursor acked, int64_t since)
{
    sprintf((char *)arg + strlen(arg), "%s %u.%d %d;", name, acked.epoch, (int)acked.number, (int)since);
    return 0;
}

static void subscriptions_are_kept_by_name(void **state)
{
    struct fixture *f = *state;
    struct store_cursor c;
    char got[128] = "";

    fixture_open(f);
    assert_int_equal(store_sub_put(f->s, "b", (struct store_cursor){1, 2}, 3), MT_OK);
    assert_int_equal(store_sub_put(f->s, "a", (struct store_cursor){1, 4}, 5), MT_OK);
    assert_int_equal(store_sub_put(f->s, "b", (struct store_cursor){1, 6}, 7), MT_OK);
    assert_int_equal(store_sub_put(f->s, "", (struct store_cursor){1, 6}, 7), MT_E_ARG);
    assert_int_equal(store_commit(f->s, NULL), MT_OK);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(store_sub_get(f->s, "b", &c), MT_OK);
    assert_int_equal(c.number, 6);
    assert_int_equal(store_sub_each(f->s, take_sub, got), MT_OK);
    assert_string_equal(got, "a 1.4 5;b 1.6 7;");
    assert_int_equal(store_sub_drop(f->s, "b"), MT_OK);
    assert_int_equal(store_sub_drop(f->s, "b"), MT_E_NOT_FOUND);
    assert_int_equal(store_sub_get(f->s, "b", &c), MT_E_NOT_FOUND);
}

/* --- turns --- */

static void a_rolled_back_turn_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct mt_peer p = {.chat = 5}, got;
    uint64_t one, two;
    int32_t a;

    fixture_open(f);
    a = fixture_account(f, "a");
    assert_int_equal(store_begin(f->s), MT_OK);
    assert_int_equal(store_commit(f->s, &one), MT_OK);
    assert_int_equal(fixture_append(f, a, 10, 0), MT_OK);
    assert_int_equal(store_put_peer(f->s, a, &p), MT_OK);
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 0}).n, 0);
    store_rollback(f->s);
    assert_int_equal(store_peer_get(f->s, a, 5, &got), MT_E_NOT_FOUND);
    assert_int_equal(fixture_append(f, a, 10, 0), MT_OK);
    assert_int_equal(store_commit(f->s, &two), MT_OK);
    assert_true(two > one);
    assert_int_equal(fixture_read(f, (struct store_cursor){1, 0}).n, 1);
    assert_int_equal(store_journal_end(f->s).number, 1);
    assert_true(store_synced(f->s) < two);
    assert_int_equal(store_sync_run(f->s), MT_OK);
    assert_int_equal(store_synced(f->s), two);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_statement_prepares),
        T(account_names_are_checked),
        T(an_id_is_given_once_and_never_again),
        T(an_account_keeps_its_api_id_and_secret),
        T(a_login_is_there_after_a_restart),
        T(another_user_does_not_inherit_the_state),
        T(channels_are_listed_by_id_and_the_watched_ones_apart),
        T(keys_of_other_servers_are_refused),
        T(logins_outlive_state_db),
        T(a_removed_account_takes_its_events_and_rows),
        T(a_removal_that_is_rolled_back_leaves_the_account),
        T(a_min_hash_never_overwrites_a_full_one),
        T(a_name_that_moved_finds_its_new_owner),
        T(the_outbox_gives_back_what_has_not_ended),
        T(subscriptions_are_kept_by_name),
        T(a_rolled_back_turn_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
