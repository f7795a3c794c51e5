/* The work that sweep.c lets fail. */
#include "tests/unit/storage/model.h"
#include "tests/unit/storage/sweep.h"

#include "storage/backup.h"

static int do_turn(struct fixture *f, int turn)
{
    return model_turn(f, turn);
}
const struct sweep_work sweep_turn = {do_turn, NULL};

/* More than the page cache holds: it spills into the WAL before the commit, which then does not come. */
static int do_large_turn(struct fixture *f, int turn)
{
    int rc = MT_OK;

    for (int i = 0; rc == MT_OK && i < 60; i++)
        rc = fixture_append(f, 1, 7000, 0);
    store_rollback(f->s);
    return rc;
}
const struct sweep_work sweep_large_turn = {do_large_turn, NULL};

static int do_sync(struct fixture *f, int turn)
{
    int rc = model_turn(f, turn);

    if (rc != MT_OK)
        return rc;
    rc = store_sync_run(f->s);
    assert_true(rc == MT_OK || store_trouble(f->s) != NULL);
    assert_true(rc != MT_OK || store_synced(f->s) == atomic_load(&f->s->committed));
    return rc;
}
const struct sweep_work sweep_sync = {do_sync, NULL};

static int do_checkpoint(struct fixture *f, int turn)
{
    f->s->sync.due = 1;
    return do_sync(f, turn);
}
const struct sweep_work sweep_checkpoint = {do_checkpoint, NULL};

static int do_trim(struct fixture *f, int turn)
{
    int rc = model_turn(f, turn);

    f->s->journal.bounds.events = 1000000;
    while (rc == MT_OK && store_journal_trim(f->s, fixture_now(f)))
        ;
    return rc;
}
const struct sweep_work sweep_trim = {do_trim, NULL};

static int do_reopen(struct fixture *f, int turn)
{
    if (f->s)
        fixture_close(f);
    return fixture_try(f);
}
const struct sweep_work sweep_reopen = {do_reopen, NULL};

/* --- accounts and keys --- */

static int32_t key_of(int turn)
{
    return turn % 12 + 1;
}

static int do_key(struct fixture *f, int turn)
{
    struct mt_saved_dc dc = model_key(key_of(turn));

    return store_save_key(f->s, 1, &dc);
}

static void check_key(struct fixture *f, int turn, int rc)
{
    if (rc == MT_OK)
        assert_true(model_has_key(f, key_of(turn)));
}
const struct sweep_work sweep_key = {do_key, check_key};

static int do_login(struct fixture *f, int turn)
{
    struct mt_saved saved = {.main_dc = 3, .user_id = 99, .n_dcs = 1, .dcs = {model_key(3)}};

    return store_save_auth(f->s, 1, &saved);
}

static void check_login(struct fixture *f, int turn, int rc)
{
    struct mt_saved saved;

    assert_int_equal(store_account_load(f->s, 1, &saved), MT_OK);
    assert_int_equal(saved.user_id, 99);
    assert_int_equal(saved.main_dc, 3);
    assert_true(model_has_key(f, 3));
}
const struct sweep_work sweep_login = {do_login, check_login};

static int find_x(void *arg, const struct store_account *a)
{
    if (!strcmp(a->name, "x"))
        *(int32_t *)arg = a->id;
    return 0;
}

static int do_account(struct fixture *f, int turn)
{
    struct store_account a = {0};
    int rc = store_account_each(f->s, find_x, &a.id);

    if (rc == MT_OK && !a.id)
        rc = store_account_add(f->s, "x", 5, "hash", &a);
    if (rc == MT_OK)
        rc = store_account_remove(f->s, a.id);
    return rc;
}
const struct sweep_work sweep_account = {do_account, check_login};

static int do_load(struct fixture *f, int turn)
{
    static const struct store_device here = {.known = true, .machine = {1}, .system = "Linux"};
    static struct store_ways ways;
    struct mt_saved saved;
    int rc = store_account_open(f->s, 1, &here, &saved, &ways);

    if (rc != MT_OK)
        return rc;
    assert_int_equal(saved.user_id, 99);
    assert_true(saved.n_dcs >= 1);
    assert_int_equal(saved.state.pts, turn - 1);
    assert_string_equal(ways.proxy, "socks5://me:word@127.0.0.1:1");
    assert_string_equal(ways.api_hash, "hash-a");
    return rc;
}
const struct sweep_work sweep_load = {do_load, check_login};

/* From plain to sealed and back, as a start does it; what was read before and after is the same. */
static int do_seal(struct fixture *f, int turn)
{
    int rc = MT_OK;

    for (int i = 0; rc == MT_OK && i < 2; i++) {
        f->s->seals = !f->s->seals;
        rc = do_load(f, turn);
    }
    f->s->seals = false;
    return rc;
}

static void check_seal(struct fixture *f, int turn, int rc)
{
    f->s->has_seal_key = true; /* of a start with --seal_keys no */
    assert_int_equal(do_load(f, turn), MT_OK);
    check_login(f, turn, rc);
}
const struct sweep_work sweep_seal = {do_seal, check_seal};

static int do_ways(struct fixture *f, int turn)
{
    static struct mt_addresses many;
    char proxy[STORE_PROXY_MAX];
    int rc;

    many.n = 20;
    for (size_t i = 0; i < many.n; i++)
        many.list[i] = (struct mt_server){.dc_id = 2, .ip = "10.0.0.1", .port = (uint16_t)(turn % 999 + 1)};
    rc = store_save_addresses(f->s, 1, &many);
    if (rc == MT_OK)
        rc = store_proxy_put(f->s, 1, turn % 2 ? "" : "socks5://me:word@127.0.0.1:1");
    if (rc == MT_OK)
        rc = store_proxy_put(f->s, 1, "socks5://me:word@127.0.0.1:1");
    if (rc == MT_OK)
        rc = store_proxy_put(f->s, 0, "socks5://all@127.0.0.1:2");
    if (rc == MT_OK)
        rc = store_proxy_get(f->s, 0, proxy);
    if (rc == MT_OK)
        assert_string_equal(proxy, "socks5://all@127.0.0.1:2");
    return rc;
}

/* All addresses of one time; a proxy that was set and is not would mean going out without it. */
static void check_ways(struct fixture *f, int turn, int rc)
{
    struct mt_saved saved;

    assert_int_equal(store_account_load(f->s, 1, &saved), MT_OK);
    assert_true(saved.addresses.n == 0 || saved.addresses.n == 20);
    for (size_t i = 1; i < saved.addresses.n; i++)
        assert_int_equal(saved.addresses.list[i].port, saved.addresses.list[0].port);
    if (rc == MT_OK)
        assert_int_equal(saved.addresses.n, 20);
    assert_true(model_has_key(f, 3));
}
const struct sweep_work sweep_ways = {do_ways, check_ways};

/* --- reading --- */

/* From the disk alone, and none is left out where it says that all went well. */
static int do_events(struct fixture *f, int turn)
{
    struct store_journal_stats stats;
    struct seen seen;

    store_ring_fini(&f->s->journal.ring);
    seen = fixture_read(f, (struct store_cursor){1, 0});
    if (seen.rc == MT_OK) {
        assert_int_equal(seen.n, 2 * (turn - 1));
        assert_int_equal(seen.lost, 0);
    }
    store_journal_stats(f->s, &stats);
    assert_true(store_journal_oldest(f->s).number <= 1);
    return seen.rc;
}
const struct sweep_work sweep_events = {do_events, NULL};

static int count_row(void *arg, const struct mt_outbox_row *row)
{
    ++*(int *)arg;
    return 0;
}

static int count_sub(void *arg, const char *name, struct store_cursor acked, int64_t since)
{
    ++*(int *)arg;
    return 0;
}

static int count_channel(void *arg, const struct mt_channel_row *row)
{
    return 0;
}

static int do_rows(struct fixture *f, int turn)
{
    const struct store_ops *ops = store_ops_of(f->s, 1);
    struct store_cursor acked;
    struct mt_channel_row channel;
    int rows = 0, subs = 0, rc;
    struct mt_peer p;
    char name[16];

    if (!ops)
        return MT_E_NOMEM;
    store_seen_forget(f->s);
    snprintf(name, sizeof name, "%d", turn - 1);
    rc = ops->peer_by_username(ops->ctx, name, &p);
    assert_int_not_equal(rc, MT_E_NOT_FOUND); /* what cannot be read is not said to be unknown */
    if (rc == MT_OK) {
        assert_string_equal(p.name, name);
        rc = ops->each_unsent(ops->ctx, count_row, &rows);
    }
    if (rc == MT_OK)
        assert_int_equal(rows, turn - 1);
    if (rc == MT_OK)
        rc = store_outbox_get(f->s, 1, turn - 1, count_row, &rows);
    if (rc == MT_OK)
        rc = store_outbox_list(f->s, 1, 0, true, 5, count_row, &rows);
    if (rc == MT_OK) {
        rc = ops->send_by_dedup(ops->ctx, 1, "none", 4, count_row, &rows);
        rc = rc == MT_E_NOT_FOUND ? MT_OK : rc;
    }
    if (rc == MT_OK) {
        rc = ops->channel(ops->ctx, 5, &channel);
        rc = rc == MT_E_NOT_FOUND ? MT_OK : rc;
    }
    if (rc == MT_OK)
        rc = ops->each_channel(ops->ctx, 0, count_channel, NULL);
    if (rc == MT_OK)
        rc = store_sub_get(f->s, "model", &acked);
    if (rc == MT_OK)
        assert_int_equal(acked.number, turn - 1);
    if (rc == MT_OK)
        rc = store_sub_each(f->s, count_sub, &subs);
    if (rc == MT_OK)
        assert_int_equal(subs, 1);
    return rc;
}
const struct sweep_work sweep_rows = {do_rows, NULL};

/* --- copies --- */

static void backup_place(const struct fixture *f, char to[256])
{
    snprintf(to, 256, "%s.backup", f->dir);
}

static int do_backup(struct fixture *f, int turn)
{
    struct store_backup *b;
    char to[256], why[256];
    int rc;

    backup_place(f, to);
    rc = store_backup_new(f->s, to, &b, why);
    if (rc != MT_OK)
        return rc;
    rc = store_backup_run(b);
    if (rc != MT_OK && !store_backup_error(b)[0])
        fail_msg("a backup failed with %d, without a word", rc);
    store_backup_free(b);
    return rc;
}

/* One that says that it is there is whole. */
static void check_backup(struct fixture *f, int turn, int rc)
{
    char to[256], path[300], cmd[600];
    sqlite3 *db;

    backup_place(f, to);
    snprintf(path, sizeof path, "%s/state.db", to);
    if (rc == MT_OK) {
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(store_db_check(db), MT_OK);
        assert_int_equal(store_db_int(db, "SELECT pts FROM update_state", -1), turn - 1);
        assert_int_equal(store_db_int(db, "SELECT count(*) FROM account", -1), 1);
        sqlite3_close(db);
        snprintf(path, sizeof path, "%s/accounts/a/keys.db", to);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(store_db_int(db, "SELECT user_id FROM account", -1), 99);
        sqlite3_close(db);
    }
    snprintf(cmd, sizeof cmd, "rm -rf '%s' '%s'.partial-*", to, to);
    assert_int_equal(system(cmd), 0);
}
const struct sweep_work sweep_backup = {do_backup, check_backup};

/* --- cache.db: whatever happens to it, nobody else notices --- */

static int do_cache(struct fixture *f, int turn)
{
    mt_chat_id chat = 0;
    int64_t asked;
    int rc;

    store_cache_close(f->s);
    f->s->cache.off_until = 0;
    rc = store_cache_msg_chat(f->s, 1, turn - 1, &chat);
    assert_true(rc == MT_OK || rc == MT_E_NOT_FOUND);
    if (rc == MT_OK)
        assert_int_equal(chat, 77); /* the model's peer */
    rc = store_cache_put_name(f->s, 1, "name", turn, f->wall);
    assert_int_equal(rc, MT_OK);
    rc = store_cache_name(f->s, 1, "name", &chat, &asked);
    assert_true(rc == MT_OK || rc == MT_E_NOT_FOUND);
    return model_turn(f, turn);
}

static void check_cache(struct fixture *f, int turn, int rc)
{
    mt_chat_id chat;

    f->s->cache.off_until = 0;
    assert_int_equal(store_cache_put_msg_chat(f->s, 1, 100000 + turn, 5), MT_OK);
    assert_int_equal(store_cache_msg_chat(f->s, 1, 100000 + turn, &chat), MT_OK);
    assert_int_equal(chat, 5);
}
const struct sweep_work sweep_cache = {do_cache, check_cache};
