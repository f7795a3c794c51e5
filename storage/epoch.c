/*
 * When the epoch goes up (design: README.md): whenever the newest events of the last run may be missing here
 * although somebody may have seen their cursors. Better once too often: it costs repeats, never gaps.
 */
#include "storage/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int load(struct store *s)
{
    sqlite3_stmt *st = store_stmt(s, SQL_EPOCHS);
    int rc = st ? 1 : STORE_E_IO;

    while (rc > 0 && (rc = store_row(s, st)) > 0) {
        struct store_epoch *grown;

        grown = realloc(s->journal.epochs, (s->journal.n_epochs + 1) * sizeof *grown);
        if (!grown) {
            store_reset(st);
            return MT_E_NOMEM;
        }
        s->journal.epochs = grown;
        grown[s->journal.n_epochs].epoch = (uint32_t)sqlite3_column_int64(st, 0);
        grown[s->journal.n_epochs].first = (uint64_t)sqlite3_column_int64(st, 1);
        if (grown[s->journal.n_epochs].first > s->journal.last + 1)
            s->journal.last = grown[s->journal.n_epochs].first - 1;
        s->journal.n_epochs++;
    }
    return rc;
}

static uint64_t stored_run(struct store *s)
{
    sqlite3_stmt *st = store_stmt(s, SQL_META_GET);
    uint64_t run = 0;

    if (!st)
        return 0;
    store_bind_text(st, 1, "run");
    if (store_row(s, st) > 0) {
        run = (uint64_t)sqlite3_column_int64(st, 0);
        store_reset(st);
    }
    return run;
}

static bool continues(struct store *s, const struct store_cfg *cfg, const struct store_lock_note *was,
                      bool wal_was_there, const struct stat *st)
{
    bool same_boot = cfg->boot_id && cfg->boot_id[0] && !strcmp(cfg->boot_id, was->boot_id);

    if (!was->known || was->run == 0 || was->run != stored_run(s) || was->ino != (uint64_t)st->st_ino)
        return false; /* not the file that the last run wrote: a backup, a copy */
    if (was->epoch > s->journal.epochs[s->journal.n_epochs - 1].epoch)
        return false;
    if (was->clean)
        return was->ctime_s == (int64_t)st->st_ctim.tv_sec && was->ctime_ns == (int64_t)st->st_ctim.tv_nsec;
    return same_boot && wal_was_there;
}

static int put(struct store *s, uint32_t epoch, bool raise, uint64_t run)
{
    sqlite3_stmt *st;
    int rc = store_write(s);

    if (rc == MT_OK && raise) {
        st = store_stmt(s, SQL_EPOCH_PUT);
        if (!st)
            return store_end(s, true, STORE_E_IO);
        sqlite3_bind_int64(st, 1, epoch);
        sqlite3_bind_int64(st, 2, (int64_t)(s->journal.last + 1));
        rc = store_run(s, st);
    }
    if (rc == MT_OK) {
        st = store_stmt(s, SQL_META_PUT);
        if (!st)
            return store_end(s, true, STORE_E_IO);
        store_bind_text(st, 1, "run");
        sqlite3_bind_int64(st, 2, (int64_t)run);
        rc = store_run(s, st);
    }
    return store_end(s, true, rc);
}

static uint32_t raised(const struct store *s, const struct store_lock_note *was, bool lost)
{
    uint32_t top = s->journal.n_epochs ? s->journal.epochs[s->journal.n_epochs - 1].epoch : 0;

    if (was->known && was->epoch > top)
        top = was->epoch;
    if (!top && lost && s->wall > 0) /* nobody knows what was given out: seconds are beyond any count */
        top = (uint32_t)s->wall;
    return top + 1;
}

static void fill_note(struct store *s, const struct store_cfg *cfg, uint32_t epoch, uint64_t run)
{
    char path[STORE_PATH_MAX];
    struct stat st = {0};
    struct store_lock_note *n = &s->note;
    bool damaged = n->damaged;

    memset(n, 0, sizeof *n);
    store_path(s, path, "state.db");
    stat(path, &st);
    n->pid = getpid();
    snprintf(n->socket, sizeof n->socket, "%s", cfg->socket_path ? cfg->socket_path : "");
    snprintf(n->boot_id, sizeof n->boot_id, "%s", cfg->boot_id ? cfg->boot_id : "");
    n->epoch = epoch;
    n->run = run;
    n->ino = (uint64_t)st.st_ino;
    n->damaged = damaged;
}

int store_epoch_open(struct store *s, const struct store_cfg *cfg, const struct store_lock_note *was,
                     bool lost, bool wal_was_there, const struct stat *st)
{
    uint64_t run = mt_env_random64(s->env) >> 1 | 1;
    struct store_epoch *grown;
    uint32_t epoch;
    bool raise;
    int rc = load(s);

    if (rc != MT_OK)
        return rc;
    raise = !s->journal.n_epochs || !continues(s, cfg, was, wal_was_there, st);
    epoch = raise ? raised(s, was, lost) : s->journal.epochs[s->journal.n_epochs - 1].epoch;
    fill_note(s, cfg, epoch, run);
    /* Both are synced before the first cursor of this run is given out. */
    rc = store_lock_write(s->lock_fd, &s->note);
    if (rc != MT_OK)
        return store_fail(s, rc, "cannot write tgd.lock");
    if (raise)
        store_cache_drop(s);
    store_db_exec(s->db, "PRAGMA synchronous=FULL");
    rc = put(s, epoch, raise, run);
    store_db_exec(s->db, "PRAGMA synchronous=NORMAL");
    if (rc != MT_OK || !raise)
        return rc;
    grown = realloc(s->journal.epochs, (s->journal.n_epochs + 1) * sizeof *grown);
    if (!grown)
        return MT_E_NOMEM;
    s->journal.epochs = grown;
    grown[s->journal.n_epochs++] = (struct store_epoch){epoch, s->journal.last + 1};
    s->journal.next = s->journal.last + 1;
    return MT_OK;
}

void store_epoch_fini(struct store *s)
{
    free(s->journal.epochs);
    s->journal.epochs = NULL;
    s->journal.n_epochs = 0;
}

/* Index of the last epoch that begins at or before the number; 0 where none does. */
static size_t find(const struct store *s, uint64_t number)
{
    size_t lo = 0, hi = s->journal.n_epochs;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->journal.epochs[mid].first <= number)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

uint32_t store_epoch_of(const struct store *s, uint64_t number)
{
    return s->journal.epochs[find(s, number)].epoch;
}

int store_epoch_resolve(const struct store *s, struct store_cursor after, uint64_t *number)
{
    const struct store_epoch *e = s->journal.epochs;
    size_t n = s->journal.n_epochs, i = 0;

    if (after.epoch == 0 || after.epoch > e[n - 1].epoch)
        return STORE_E_CURSOR;
    while (e[i].epoch < after.epoch)
        i++;
    if (e[i].epoch != after.epoch) { /* an epoch of which nothing is known here: it was lost whole */
        *number = e[i].first - 1;
        return MT_OK;
    }
    if (after.number < e[i].first - 1)
        return STORE_E_CURSOR;
    if (i == n - 1) {
        if (after.number > s->journal.last)
            return STORE_E_CURSOR;
        *number = after.number;
        return MT_OK;
    }
    /* what did not survive goes on with the first event of the next epoch */
    *number = after.number < e[i + 1].first ? after.number : e[i + 1].first - 1;
    return MT_OK;
}
