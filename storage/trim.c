/*
 * What leaves the journal, in steps of at most STEP rows, each a transaction of its own, so that the loop
 * never stalls: events whose time is over, what the bounds take, rows of removed accounts, ended sends.
 */
#include "storage/internal.h"

enum { STEP = 32, MERGE_ROWS = 256, MERGE_EVENTS = 4096, DEDUP_S = 30 * 86400 };

static int drop_event(struct store *s, uint64_t number)
{
    sqlite3_stmt *st = store_stmt(s, SQL_JOURNAL_DROP);

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, (int64_t)number);
    return store_run(s, st);
}

/* Numbers of up to STEP events that a statement (?n = STEP as its last parameter) names; < 0: error. */
static int collect(struct store *s, enum store_sql id, int64_t first_param, uint64_t number[STEP])
{
    sqlite3_stmt *st = store_stmt(s, id);
    int n = 0, rc = 0;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, first_param);
    sqlite3_bind_int64(st, 2, STEP);
    while (n < STEP && (rc = store_row(s, st)) > 0)
        number[n++] = (uint64_t)sqlite3_column_int64(st, 0);
    if (n == STEP)
        store_reset(st);
    return rc < 0 ? rc : n;
}

/* < 0: error, else how many */
static int drop_all(struct store *s, const uint64_t *number, int n)
{
    int rc = n > 0 ? store_write(s) : MT_OK;

    for (int i = 0; rc == MT_OK && i < n; i++)
        rc = drop_event(s, number[i]);
    return rc == MT_OK ? n : rc;
}

static void kill_all(struct store *s, const uint64_t *number, int n)
{
    for (int i = 0; i < n; i++)
        store_ring_kill(&s->journal.ring, number[i]);
}

/* Expired ones leave memory at once: they are secrets, and a rolled back step comes again. */
static int trim_expired(struct store *s)
{
    uint64_t number[STEP];
    int n = collect(s, SQL_JOURNAL_EXPIRED, s->wall, number);

    if (n <= 0)
        return n;
    kill_all(s, number, n);
    for (struct store_acct *a = s->accounts; a; a = a->next)
        a->counted = false;
    return drop_all(s, number, n);
}

/* --- the bounds --- */

struct stretch {
    int64_t first, last, count;
};

static int put_lost(struct store *s, int32_t account, const struct stretch *l)
{
    sqlite3_stmt *st = store_stmt(s, SQL_LOST_ADD);

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, l->first);
    sqlite3_bind_int64(st, 3, l->last);
    sqlite3_bind_int64(st, 4, l->count);
    return store_run(s, st);
}

/* The oldest two become one where there are too many: the count within such a stretch is an estimate. */
static int merge_lost(struct store *s, int32_t account)
{
    sqlite3_stmt *st = store_stmt(s, SQL_LOST_OF);
    struct stretch two[2] = {{0}};
    int n = 0, rc = 0;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, MERGE_ROWS + 1);
    while ((rc = store_row(s, st)) > 0) {
        if (n < 2)
            two[n] = (struct stretch){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1),
                                      sqlite3_column_int64(st, 2)};
        n++;
    }
    if (rc < 0 || n <= MERGE_ROWS)
        return rc;
    st = store_stmt(s, SQL_LOST_DROP);
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, two[1].first);
    rc = store_run(s, st);
    two[0].last = two[1].last;
    two[0].count += two[1].count;
    return rc == MT_OK ? put_lost(s, account, &two[0]) : rc;
}

static int note_lost(struct store *s, int32_t account, const struct stretch *gone)
{
    sqlite3_stmt *st = store_stmt(s, SQL_LOST_LAST_OF);
    struct stretch l = *gone;
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    rc = store_row(s, st);
    if (rc > 0) {
        int64_t count = sqlite3_column_int64(st, 2);

        if (count + gone->count <= MERGE_EVENTS) {
            l.first = sqlite3_column_int64(st, 0);
            l.count = count + gone->count;
        }
        store_reset(st);
    }
    if (rc < 0 || (rc = put_lost(s, account, &l)) != MT_OK)
        return rc;
    return l.first == gone->first ? merge_lost(s, account) : MT_OK;
}

static bool beyond(const struct store *s, const struct store_acct *a, int64_t seq, int64_t total,
                   int64_t stored)
{
    return a->seq - seq >= s->journal.bounds.events || a->total - total >= s->journal.bounds.bytes ||
           stored < s->wall - s->journal.bounds.seconds;
}

static int trim_account(struct store *s, struct store_acct *a)
{
    uint64_t number[STEP];
    struct stretch gone = {0};
    sqlite3_stmt *st;
    int n = 0, rc = store_journal_count(s, a);

    if (rc != MT_OK || a->gone || a->old_seq > a->seq ||
        !beyond(s, a, a->old_seq, a->old_total, a->old_stored))
        return rc;
    st = store_stmt(s, SQL_JOURNAL_OLDEST_OF);
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, a->id);
    sqlite3_bind_int64(st, 2, STEP);
    while (n < STEP && (rc = store_row(s, st)) > 0) {
        if (!beyond(s, a, sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2),
                    sqlite3_column_int64(st, 3)))
            break;
        number[n++] = (uint64_t)sqlite3_column_int64(st, 0);
    }
    if (rc > 0)
        store_reset(st);
    if (rc < 0)
        return rc;
    a->counted = false;
    if (n == 0)
        return 0;
    gone = (struct stretch){(int64_t)number[0], (int64_t)number[n - 1], n};
    rc = drop_all(s, number, n);
    if (rc > 0 && note_lost(s, a->id, &gone) != MT_OK)
        rc = s->turn.err ? s->turn.err : STORE_E_IO;
    if (rc > 0)
        kill_all(s, number, n);
    return rc;
}

/* The account that was served last comes last, so that a busy one does not starve the others. */
static int trim_bounds(struct store *s, bool *more)
{
    struct store_acct *last = NULL;
    int counted = 0;

    for (struct store_acct *a = s->accounts; a; a = a->next) {
        int rc;

        if (a->id == s->journal.trimmed) {
            last = a;
            continue;
        }
        if (!a->counted && ++counted > STEP) { /* each is two lookups: the rest next time */
            *more = true;
            return 0;
        }
        rc = trim_account(s, a);
        if (rc != 0) {
            s->journal.trimmed = a->id;
            return rc;
        }
    }
    return last ? trim_account(s, last) : 0;
}

/* --- removed accounts --- */

int store_gone_add(struct store *s, int32_t account)
{
    sqlite3_stmt *st = store_stmt(s, SQL_GONE_ADD);
    struct store_acct *a = store_acct(s, account);

    if (!st || !a)
        return a ? STORE_E_IO : MT_E_NOMEM;
    sqlite3_bind_int64(st, 1, account);
    return store_run(s, st);
}

int store_gone_open(struct store *s)
{
    sqlite3_stmt *st = store_stmt(s, SQL_GONE_EACH);
    int rc = st ? 1 : STORE_E_IO;

    while (rc > 0 && (rc = store_row(s, st)) > 0) {
        struct store_acct *a = store_acct(s, (int32_t)sqlite3_column_int64(st, 0));

        if (!a) {
            store_reset(st);
            return MT_E_NOMEM;
        }
        a->gone = true;
        s->n_gone++;
    }
    return rc;
}

static int drop_rows(struct store *s, enum store_sql id, int64_t account)
{
    sqlite3_stmt *st = store_stmt(s, id);
    int rc;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, account);
    sqlite3_bind_int64(st, 2, STEP);
    rc = store_run(s, st);
    return rc == MT_OK ? sqlite3_changes(s->db) : rc;
}

static int trim_gone(struct store *s)
{
    static const enum store_sql tables[] = {SQL_GONE_PEER, SQL_GONE_USERNAME, SQL_GONE_PHONE, SQL_GONE_OUTBOX,
                                            SQL_GONE_LOST};
    struct store_acct *a = s->accounts;
    uint64_t number[STEP];
    sqlite3_stmt *st;
    int rc;

    while (a && !a->gone)
        a = a->next;
    if (!a)
        return 0;
    rc = store_write(s);
    if (rc != MT_OK)
        return rc;
    rc = collect(s, SQL_GONE_JOURNAL, a->id, number);
    if (rc > 0)
        return drop_all(s, number, rc);
    for (size_t i = 0; rc == 0 && i < sizeof tables / sizeof *tables; i++)
        rc = drop_rows(s, tables[i], a->id);
    if (rc != 0)
        return rc;
    st = store_stmt(s, SQL_GONE_DROP);
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, a->id);
    rc = store_run(s, st);
    if (rc == MT_OK) {
        a->gone = false; /* nothing of it is left that could be seen */
        s->n_gone--;
    }
    return rc;
}

static int trim_outbox(struct store *s)
{
    sqlite3_stmt *st;
    int rc =
        store_db_int(s->db, "SELECT min(created) FROM outbox WHERE ended = 1", INT64_MAX) < s->wall - DEDUP_S;

    if (!rc)
        return 0;
    rc = store_write(s);
    st = rc == MT_OK ? store_stmt(s, SQL_OUTBOX_TRIM) : NULL;
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, s->wall - DEDUP_S);
    sqlite3_bind_int64(st, 2, STEP);
    rc = store_run(s, st);
    return rc == MT_OK ? sqlite3_changes(s->db) : rc;
}

/* --- the step --- */

/* The newest number is remembered apart from its row, which may be the one that leaves. */
static int note_last(struct store *s)
{
    sqlite3_stmt *st = store_stmt(s, SQL_META_PUT);

    if (!st)
        return STORE_E_IO;
    store_bind_text(st, 1, "last");
    sqlite3_bind_int64(st, 2, (int64_t)s->journal.last);
    return store_run(s, st);
}

static void look_again(struct store *s)
{
    sqlite3_stmt *st = store_stmt(s, SQL_JOURNAL_FIRST);
    int rc = st ? store_row(s, st) : STORE_E_IO;

    if (rc > 0) {
        s->journal.oldest = (uint64_t)sqlite3_column_int64(st, 0);
        store_reset(st);
    } else if (rc == 0) {
        s->journal.oldest = s->journal.last + 1;
    } /* else it stays: what is before the first that is kept is not missed by anybody */
    s->journal.lost_last =
        (uint64_t)store_db_int(s->db, "SELECT coalesce(max(last), 0) FROM lost", (int64_t)s->journal.last);
}

void store_journal_bounds(struct store *s, const struct store_bounds *b)
{
    s->journal.bounds = *b;
}

bool store_journal_is_over(const struct store *s)
{
    return s->journal.over;
}

bool store_journal_trim(struct store *s, struct mt_now now)
{
    bool more = false;
    int rc;

    s->wall = now.wall / MT_US_PER_S;
    if (s->turn.open)
        return true;
    s->journal.over = false;
    rc = trim_expired(s);
    if (rc == 0)
        rc = trim_gone(s);
    if (rc == 0)
        rc = trim_outbox(s);
    if (rc == 0)
        rc = trim_bounds(s, &more);
    if (rc > 0 && note_last(s) != MT_OK)
        rc = STORE_E_IO;
    if (rc < 0) {
        store_turn_failed(s, rc);
        store_commit(s, NULL); /* notes the trouble and rolls back */
    } else if (s->turn.open) {
        rc = store_commit(s, NULL) == MT_OK ? rc : STORE_E_IO;
    }
    if (rc < 0) {
        store_ring_fini(&s->journal.ring); /* it has forgotten what is still there */
        return false;
    }
    if (rc > 0)
        look_again(s);
    return rc > 0 || more;
}

void store_journal_stats(struct store *s, struct store_journal_stats *out)
{
    *out = (struct store_journal_stats){0};
    for (struct store_acct *a = s->accounts; a; a = a->next) {
        int64_t events, bytes, percent;

        if (a->gone || store_journal_count(s, a) != MT_OK || a->old_seq > a->seq)
            continue;
        events = a->seq - a->old_seq + 1;
        bytes = a->total - a->old_total;
        out->events += (uint64_t)events;
        out->bytes += (uint64_t)bytes;
        if (!out->oldest_time || (uint64_t)a->old_stored < out->oldest_time)
            out->oldest_time = (uint64_t)a->old_stored;
        percent = events * 100 / s->journal.bounds.events;
        if (bytes * 100 / s->journal.bounds.bytes > percent)
            percent = bytes * 100 / s->journal.bounds.bytes;
        if ((unsigned)percent > out->percent) {
            out->percent = (unsigned)percent;
            out->fullest = a->id;
        }
    }
}
