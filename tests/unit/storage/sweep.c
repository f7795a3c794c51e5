#include "tests/unit/storage/sweep.h"
#include "tests/unit/storage/model.h"

#include <dirent.h>

enum { MOST = 30000, MIGRATION_STEPS = 5 };

static int step_of(const struct sweep_fault *fault)
{
    return getenv("TGD_SWEEP") ? 1 : fault->step;
}

/* A backup has a few more steps with each turn that was made meanwhile: one by one it would never end. */
static int step_for(const struct sweep_work *work, const struct sweep_fault *fault)
{
    return work == &sweep_backup ? fault->step : step_of(fault);
}

/* Something is set aside for damage only, and there is none. */
static void nothing_is_set_aside(struct fixture *f, int n)
{
    DIR *d = opendir(f->dir);
    struct dirent *e;

    assert_non_null(d);
    while ((e = readdir(d)))
        if (strstr(e->d_name, ".damaged-"))
            fail_msg("step %d: %s was set aside", n, e->d_name);
    closedir(d);
    if (f->s && !strcmp(store_state(f->s), "damaged"))
        fail_msg("step %d: %s", n, store_trouble(f->s));
}

static void works_again(struct fixture *f, const struct sweep_work *work, int n)
{
    int turn = model_check(f) + 1, rc = work->op(f, turn);

    if (rc != MT_OK)
        fail_msg("step %d: it does not work again: %d %s", n, rc, f->s ? store_error(f->s) : f->err);
    if (work->check)
        work->check(f, turn, rc);
    rc = model_turn(f, model_check(f) + 1);
    assert_int_equal(rc, MT_OK);
    assert_int_equal(store_sync_run(f->s), MT_OK);
    if (store_trouble(f->s))
        fail_msg("step %d: %s", n, store_trouble(f->s));
}

static void sweep(struct fixture *f, const struct sweep_work *work, const struct sweep_fault *fault)
{
    for (int n = 1;; n += step_for(work, fault)) {
        int before = model_check(f), rc, after;
        bool fired;

        assert_true(n < MOST);
        fault->arm(n, fault->lasting);
        rc = work->op(f, before + 1);
        fired = fault->disarm();
        if (!fired && rc != MT_OK)
            fail_msg("step %d: without a fault: %d %s", n, rc, f->s ? store_error(f->s) : f->err);
        if (rc != MT_OK && !(f->s ? store_error(f->s) : f->err)[0] && work != &sweep_backup)
            fail_msg("step %d: %d without a word", n, rc);
        if (!f->s)
            fixture_open(f);
        nothing_is_set_aside(f, n);
        after = model_check(f);
        if (after != before && (after != before + 1 || (work->op == sweep_turn.op && rc != MT_OK)))
            fail_msg("step %d: %d turns where there were %d (%d)", n, after, before, rc);
        if (rc != MT_OK && fault->rc && work->op == sweep_turn.op)
            assert_int_equal(rc, fault->rc);
        if (work->check)
            work->check(f, before + 1, rc);
        if (!fired)
            return;
        works_again(f, work, n);
    }
}

void sweep_run(struct fixture *f, const struct sweep_work *work, const struct sweep_fault *fault)
{
    struct store_account a;
    int turns;

    f->seal_key = (const uint8_t *)"0123456789abcdef0123456789abcde";
    f->unseal = true;
    fixture_open(f);
    assert_int_equal(store_account_add(f->s, "a", 7, "hash-a", &a), MT_OK);
    assert_int_equal(sweep_login.op(f, 1), MT_OK);
    assert_int_equal(store_proxy_put(f->s, 1, "socks5://me:word@127.0.0.1:1"), MT_OK);
    for (int t = 1; t <= 8; t++)
        assert_int_equal(model_turn(f, t), MT_OK);
    sweep(f, work, fault);
    turns = model_check(f);
    assert_int_equal(store_db_check(f->s->db), MT_OK);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(model_check(f), turns);
    assert_int_equal(store_db_check(f->s->db), MT_OK);
    sweep_login.check(f, turns + 1, MT_OK);
    assert_null(store_trouble(f->s));
}

static void restore_first_release(struct fixture *f)
{
    const char *vectors = getenv("TGD_VECTORS");
    char cmd[512];

    snprintf(cmd, sizeof cmd, "rm -rf '%s' && mkdir -m 700 '%s' && cp -r '%s'/db/v1/. '%s'", f->dir, f->dir,
             vectors ? vectors : "tests/vectors", f->dir);
    assert_int_equal(system(cmd), 0);
}

void sweep_migrations(struct fixture *f, const struct sweep_fault *fault)
{
    bool fired = true;

    for (int n = 1; fired; n += getenv("TGD_SWEEP") ? 1 : fault->step * MIGRATION_STEPS) {
        struct mt_saved saved;
        int rc;

        assert_true(n < MOST);
        restore_first_release(f);
        fault->arm(n, fault->lasting);
        rc = fixture_try(f);
        if (rc == MT_OK)
            store_account_load(f->s, 1, &saved);
        fired = fault->disarm();
        if (rc != MT_OK && !f->err[0])
            fail_msg("step %d: %d without a word", n, rc);
        if (f->s)
            fixture_close(f);
        nothing_is_set_aside(f, n);
        fixture_open(f);
        nothing_is_set_aside(f, n);
        rc = store_account_load(f->s, 1, &saved);
        if (rc != MT_OK)
            fail_msg("step %d: %d %s", n, rc, store_error(f->s));
        assert_int_equal(saved.user_id, 4711);
        assert_int_equal(saved.state.seq, 4);
        assert_int_equal(fixture_read(f, (struct store_cursor){1, 2}).n, 1);
        assert_int_equal(store_db_check(f->s->db), MT_OK);
        fixture_close(f);
    }
}

void sweep_each(void **state, const struct sweep_work *work, const struct sweep_fault *faults, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i) {
            fixture_teardown(state);
            fixture_setup(state);
        }
        if (work)
            sweep_run(*state, work, &faults[i]);
        else
            sweep_migrations(*state, &faults[i]);
    }
}
