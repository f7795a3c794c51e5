/*
 * No memory at the n-th allocation of every kind of work, SQLite's as well as our own: an error, no crash, no
 * leak, nothing lost, and the same works when there is memory again.
 */
#include "tests/unit/storage/faults.h"
#include "tests/unit/storage/sweep.h"

static struct {
    bool lasting, fired;
    int at, count;
    sqlite3_mem_methods real;
} memory;

static bool none_left(void)
{
    memory.count++;
    if (!memory.at || memory.count < memory.at || (memory.count > memory.at && !memory.lasting))
        return false;
    memory.fired = true;
    return true;
}

static void *sqlite_malloc(int n)
{
    return none_left() ? NULL : memory.real.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
    return none_left() ? NULL : memory.real.xRealloc(p, n);
}

static void install(void)
{
    sqlite3_mem_methods ours;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.real);
    ours = memory.real;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return none_left() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return none_left() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return none_left() ? NULL : __real_realloc(p, n);
}

static void arm(int n, bool lasting)
{
    memory.at = n;
    memory.count = 0;
    memory.lasting = lasting;
    memory.fired = false;
}

static bool disarm(void)
{
    memory.at = 0;
    return memory.fired;
}

static const struct sweep_fault faults[] = {{arm, disarm, false, 29, 0}, {arm, disarm, true, 61, 0}};

SWEEPS(SWEEP)

/* After all of the above, closed stores have given back what SQLite had. */
static void nothing_is_left_in_use(void **state)
{
    sqlite3_shutdown();
    assert_int_equal(sqlite3_memory_used(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWEEPS(SWEEP_ROW) cmocka_unit_test(nothing_is_left_in_use),
    };

    install();
    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
