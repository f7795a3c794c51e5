/*
 * What changes nothing may fail too: reads, opens, sizes, and locks of files and of the shared memory, at
 * each of them. A file that cannot be read now is no damaged file, and what cannot be read is not said to be
 * missing.
 */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/sweep.h"

static void arm(enum fault_class what, enum fault_kind kind, int n, bool lasting)
{
    fault_scope(what);
    fault_arm(kind, n, lasting);
}

static void arm_read(int n, bool lasting)
{
    arm(FAULT_READS, FAULT_IO, n, lasting);
}

static void arm_lock(int n, bool lasting)
{
    arm(FAULT_LOCKS, FAULT_IO, n, lasting);
}

static void arm_busy(int n, bool lasting)
{
    arm(FAULT_LOCKS, FAULT_BUSY, n, lasting);
}

static bool disarm(void)
{
    bool fired = fault_fired();

    arm(FAULT_CHANGES, FAULT_NONE, 0, false);
    return fired;
}

static const struct sweep_fault faults[] = {
    {arm_read, disarm, false, 7, 0}, {arm_read, disarm, true, 11, 0}, {arm_lock, disarm, false, 7, 0},
    {arm_lock, disarm, true, 11, 0}, {arm_busy, disarm, true, 11, 0},
};

SWEEPS(SWEEP)

int main(void)
{
    const struct CMUnitTest tests[] = {SWEEPS(SWEEP_ROW)};

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
