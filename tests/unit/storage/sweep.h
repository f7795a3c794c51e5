/*
 * Every kind of work that the store does, each with a fault at its n-th step, for one n after the other until
 * the fault comes no more: every n with TGD_SWEEP=1 (suite "sweep"), every `step`-th without.
 *
 * After each: what was committed is there, whole, and nothing else; no file was set aside; the same work, and
 * a turn and a sync after it, do what they should; at the end all files are sound and open again.
 */
#pragma once

#include "tests/unit/storage/fixture.h"

struct sweep_fault {
    void (*arm)(int n, bool lasting);
    bool (*disarm)(void); /* whether it came */
    bool lasting;
    int step;
    int rc; /* what a turn says then; 0: any error */
};

/* `turn`: the number of the next model_turn(). What an op answers with MT_OK must be right. */
typedef int (*sweep_op)(struct fixture *f, int turn);
struct sweep_work {
    sweep_op op;
    void (*check)(struct fixture *f, int turn, int rc); /* without the fault; may be NULL */
};
extern const struct sweep_work sweep_turn, sweep_large_turn, sweep_key, sweep_login, sweep_account,
    sweep_sync, sweep_checkpoint, sweep_trim, sweep_reopen, sweep_events, sweep_rows, sweep_load, sweep_seal,
    sweep_ways, sweep_backup, sweep_cache;

/* Opens the folder with one account that is logged in, sweeps, closes. */
void sweep_run(struct fixture *f, const struct sweep_work *work, const struct sweep_fault *fault);
/* Opens files of the first release anew for each n. */
void sweep_migrations(struct fixture *f, const struct sweep_fault *fault);

#define SWEEP_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
