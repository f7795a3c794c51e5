/*
 * The helper thread's part: its own connection to state.db, used for two things only.
 *
 * Sync: everything that was committed before is in the WAL's page cache; one xSync makes it power-safe.
 * Checkpoint: the WAL is folded into state.db without holding up the writer (PASSIVE); once all of it is
 * folded, the writer begins it anew by itself. Where the writer is so busy that this never comes out even,
 * the WAL would grow for ever: beyond WAL_TOO_LONG it is made to wait once.
 *
 * After a failed sync the kernel may have dropped the pages while it calls the next sync a success. So what
 * is in the WAL is not trusted any more: it is folded in and the WAL emptied (TRUNCATE) before anything
 * counts as power-safe again.
 */
#include "storage/internal.h"

enum { WAL_TOO_LONG = 16000, TRIES = 3 }; /* pages */

static int open_own(struct store *s)
{
    char path[STORE_PATH_MAX];
    int rc;

    if (s->sync.db)
        return SQLITE_OK;
    store_path(s, path, "state.db");
    rc = sqlite3_open_v2(path, &s->sync.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(s->sync.db, 2000);
        rc = store_db_exec(s->sync.db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
                                       "PRAGMA cache_size=8; PRAGMA mmap_size=0; SELECT 1 FROM meta LIMIT 1");
    }
    if (rc != SQLITE_OK) {
        sqlite3_close(s->sync.db);
        s->sync.db = NULL;
    }
    return rc;
}

static int checkpoint(struct store *s)
{
    int log = 0, done = 0;
    int rc = sqlite3_wal_checkpoint_v2(s->sync.db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &done);

    for (int i = 1; rc == SQLITE_OK && done < log && i < TRIES; i++)
        rc = sqlite3_wal_checkpoint_v2(s->sync.db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &done);
    if (rc == SQLITE_OK && done < log && log > WAL_TOO_LONG)
        rc = sqlite3_wal_checkpoint_v2(s->sync.db, NULL, SQLITE_CHECKPOINT_RESTART, &log, &done);
    return rc == SQLITE_BUSY ? SQLITE_OK : rc; /* somebody reads: next time */
}

/* Cut off, so that what stood in it stays in no file. The writer waits for the second half only. */
static int empty_wal(struct store *s)
{
    int rc = sqlite3_wal_checkpoint_v2(s->sync.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        return rc;
    return sqlite3_wal_checkpoint_v2(s->sync.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static int scrub(struct store *s)
{
    int rc = empty_wal(s);

    if (rc != SQLITE_OK)
        atomic_store(&s->sync.scrub, true);
    return rc == SQLITE_BUSY ? SQLITE_OK : rc; /* somebody reads: next time */
}

static bool is_due(struct store *s)
{
    sqlite3_file *wal = NULL;
    sqlite3_int64 size = 0;

    if (sqlite3_file_control(s->sync.db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) != SQLITE_OK || !wal ||
        !wal->pMethods || wal->pMethods->xFileSize(wal, &size) != SQLITE_OK)
        return false;
    return size / 4096 >= s->sync.due;
}

int store_sync_run(struct store *s)
{
    uint64_t target = atomic_load(&s->committed);
    bool was_broken = atomic_load(&s->sync.err) != MT_OK;
    int rc = open_own(s);

    if (rc == SQLITE_OK && was_broken)
        rc = empty_wal(s);
    if (rc == SQLITE_OK)
        rc = store_db_sync_wal(s->sync.db);
    if (rc == SQLITE_OK) {
        atomic_store(&s->synced, target);
        if (atomic_exchange(&s->sync.scrub, false))
            rc = scrub(s);
        else if (is_due(s))
            rc = checkpoint(s);
    }
    atomic_store(&s->sync.err, store_db_code(rc));
    return store_db_code(rc);
}

bool store_sync_failed(const struct store *s)
{
    return atomic_load(&s->sync.err) != MT_OK;
}

uint64_t store_synced(const struct store *s)
{
    return atomic_load(&s->synced);
}
