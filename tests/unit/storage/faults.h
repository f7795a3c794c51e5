/*
 * A disk that fails, and a process or a machine that dies, at the n-th effect or access.
 *
 * Effects are what changes a file: SQLite's writes, truncates, syncs and deletes (a VFS around the system's),
 * and the few that storage/ does itself (mkdir, rename, unlinkat, pwrite and ftruncate of the lock, wrapped
 * by the linker). Syncs are not carried out: they only matter for the power cut, which is played by keeping
 * what each file was at its last sync. Accesses change nothing: reads, sizes, opens and looks, and locks of
 * files and of the shared memory; they fail only where fault_scope() says that they are counted.
 */
#pragma once

#include <stdbool.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_KILL,      /* SIGKILL before the effect */
    FAULT_TORN,      /* half of a write, then SIGKILL */
    FAULT_FULL,      /* no space left */
    FAULT_IO,        /* input/output error */
    FAULT_READ_ONLY, /* the file system admits no writes any more */
    FAULT_BUSY,      /* a lock that somebody else holds; for all that is no lock like FAULT_IO */
};
enum fault_class { FAULT_CHANGES = 1, FAULT_READS = 2, FAULT_LOCKS = 4 };

/* Once per program, before anything is opened. */
void fault_install(void);
/* Which classes are counted and may fail, as bits; FAULT_CHANGES until told otherwise. */
void fault_scope(unsigned classes);
/* The at-th effect from now on (1 = the next); `lasting`: and all after it. FAULT_NONE clears. */
void fault_arm(enum fault_kind kind, int at, bool lasting);
/* How many effects since; whether the fault has come. */
int fault_count(void);
bool fault_fired(void);
/*
 * From now on what every SQLite file below `dir` was at its last sync is kept in `kept`. NULL: no more.
 */
void fault_power_watch(const char *dir, const char *kept);
/*
 * Makes `dir` what a machine finds after its power went: of each file what was synced, and of what was not,
 * sectors chosen by `seed` (0: none).
 */
void fault_power_cut(const char *dir, const char *kept, unsigned seed);
