#include "storage/internal.h"

#include <string.h>

/* 0 where there is no row. */
static int one_number(struct store *s, sqlite3_stmt *st, int64_t *v)
{
    int rc = st ? store_row(s, st) : STORE_E_IO;

    *v = 0;
    if (rc > 0) {
        *v = sqlite3_column_int64(st, 0);
        store_reset(st);
    }
    return rc < 0 ? rc : MT_OK;
}

static int stored_last(struct store *s, int64_t *v)
{
    sqlite3_stmt *st = store_stmt(s, SQL_META_GET);

    if (st)
        store_bind_text(st, 1, "last");
    return one_number(s, st, v);
}

int store_journal_open(struct store *s)
{
    int64_t first, last, lost, meta;
    int rc = one_number(s, store_stmt(s, SQL_JOURNAL_FIRST), &first);

    if (rc == MT_OK)
        rc = one_number(s, store_stmt(s, SQL_JOURNAL_LAST), &last);
    if (rc == MT_OK)
        rc = one_number(s, store_stmt(s, SQL_LOST_MAX), &lost);
    if (rc == MT_OK)
        rc = stored_last(s, &meta);
    if (rc != MT_OK)
        return rc;
    if (first < 0 || last < 0 || lost < 0 || meta < 0)
        return store_fail(s, STORE_E_CORRUPT, "state.db: a number of the journal is negative");
    if (meta > last)
        last = meta;
    s->journal.last = (uint64_t)last;
    s->journal.next = s->journal.last + 1;
    s->journal.oldest = first ? (uint64_t)first : s->journal.next;
    s->journal.lost_last = (uint64_t)lost;
    return MT_OK;
}

void store_journal_committed(struct store *s)
{
    if (s->journal.oldest > s->journal.last && s->journal.next > s->journal.last + 1)
        s->journal.oldest = s->journal.last + 1;
    s->journal.last = s->journal.next - 1;
}

void store_journal_rolled_back(struct store *s)
{
    if (s->journal.next == s->journal.last + 1)
        return;
    s->journal.next = s->journal.last + 1;
    store_ring_rollback(&s->journal.ring, s->journal.last);
    for (struct store_acct *a = s->accounts; a; a = a->next)
        a->counted = false;
}

int store_journal_count(struct store *s, struct store_acct *a)
{
    sqlite3_stmt *st;
    int rc;

    if (a->counted)
        return MT_OK;
    a->seq = a->total = a->old_total = a->old_stored = 0;
    st = store_stmt(s, SQL_JOURNAL_NEWEST_OF);
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, a->id);
    rc = store_row(s, st);
    if (rc > 0) {
        a->seq = sqlite3_column_int64(st, 0);
        a->total = sqlite3_column_int64(st, 1);
        store_reset(st);
    }
    a->old_seq = a->seq + 1;
    a->old_total = a->total;
    st = rc >= 0 ? store_stmt(s, SQL_JOURNAL_OLDEST_OF) : NULL;
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, a->id);
    sqlite3_bind_int64(st, 2, 1);
    rc = store_row(s, st);
    if (rc > 0) {
        a->old_seq = sqlite3_column_int64(st, 1);
        a->old_total = sqlite3_column_int64(st, 2);
        a->old_stored = sqlite3_column_int64(st, 3);
        store_reset(st);
    }
    a->counted = rc >= 0;
    return rc < 0 ? rc : MT_OK;
}

static int insert(struct store *s, const struct store_event *e, const struct store_acct *a, int64_t size)
{
    sqlite3_stmt *st = store_stmt(s, SQL_JOURNAL_ADD);

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, (int64_t)s->journal.next);
    sqlite3_bind_int64(st, 2, e->account);
    sqlite3_bind_int64(st, 3, a->seq + 1);
    sqlite3_bind_int64(st, 4, a->total + size);
    sqlite3_bind_int64(st, 5, s->wall);
    sqlite3_bind_int64(st, 6, e->expires);
    store_bind_text(st, 7, e->type);
    sqlite3_bind_int64(st, 8, e->chat);
    sqlite3_bind_int64(st, 9, e->sender);
    sqlite3_bind_int64(st, 10, e->direction);
    sqlite3_bind_int64(st, 11, e->time);
    sqlite3_bind_int64(st, 12, e->layer);
    store_bind_slice(st, 13, e->body);
    if (e->raw.n)
        store_bind_slice(st, 14, e->raw);
    return store_run(s, st);
}

#define EVENT_MAX      (16 * 1024 * 1024)
#define EVENT_OVERHEAD 64 /* what a row costs beside its bytes, about */

int store_append(struct store *s, struct store_event *e)
{
    int64_t size = (int64_t)(e->body.n + e->raw.n + EVENT_OVERHEAD);
    struct store_acct *a;
    int rc;

    if (s->journal.reading)
        return store_fail(s, MT_E_STATE, "a row callback of the journal wrote to it");
    if (!e->type || e->body.n > EVENT_MAX || e->raw.n > EVENT_MAX) {
        rc = e->type ? MT_E_TOO_LARGE : MT_E_ARG;
        store_turn_failed(s, rc);
        return rc;
    }
    rc = store_write(s);
    if (rc != MT_OK)
        return rc;
    a = store_acct(s, e->account);
    rc = a ? store_journal_count(s, a) : MT_E_NOMEM;
    if (rc == MT_OK)
        rc = insert(s, e, a, size);
    if (rc != MT_OK) {
        store_turn_failed(s, rc);
        return rc;
    }
    if (a->old_seq > a->seq)
        a->old_stored = s->wall;
    a->seq++;
    a->total += size;
    if (a->seq - a->old_seq + 1 > s->journal.bounds.events + s->journal.bounds.events / 16 ||
        a->total - a->old_total > s->journal.bounds.bytes + s->journal.bounds.bytes / 16)
        s->journal.over = true;
    e->cursor.number = s->journal.next++;
    e->cursor.epoch = s->journal.epochs[s->journal.n_epochs - 1].epoch;
    store_ring_push(&s->journal.ring, e);
    return MT_OK;
}

struct store_cursor store_journal_end(const struct store *s)
{
    return (struct store_cursor){s->journal.epochs[s->journal.n_epochs - 1].epoch, s->journal.last};
}

struct store_cursor store_journal_oldest(const struct store *s)
{
    if (s->journal.oldest > s->journal.last)
        return (struct store_cursor){s->journal.epochs[s->journal.n_epochs - 1].epoch, s->journal.last + 1};
    return (struct store_cursor){store_epoch_of(s, s->journal.oldest), s->journal.oldest};
}

/* --- reading --- */

static int count_lost(struct store *s, uint64_t after, uint64_t *lost)
{
    sqlite3_stmt *st;
    int64_t n;
    int rc;

    if (after >= s->journal.lost_last)
        return MT_OK;
    st = store_stmt(s, SQL_LOST_AFTER);
    if (st)
        sqlite3_bind_int64(st, 1, (int64_t)after);
    rc = one_number(s, st, &n);
    *lost = (uint64_t)n;
    return rc;
}

int store_journal_lost(struct store *s, struct store_cursor after,
                       int (*row)(void *arg, int32_t account, uint64_t count, struct store_cursor last),
                       void *arg)
{
    sqlite3_stmt *st;
    uint64_t number;
    int rc = store_epoch_resolve(s, after, &number);

    if (rc != MT_OK)
        return store_fail(s, rc, "no such cursor: %u.%llu", after.epoch, (unsigned long long)after.number);
    if (number >= s->journal.lost_last)
        return MT_OK;
    st = store_stmt(s, SQL_LOST_BY_ACCOUNT);
    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, (int64_t)number);
    while ((rc = store_row(s, st)) > 0) {
        struct store_cursor last = {.number = (uint64_t)sqlite3_column_int64(st, 2)};

        last.epoch = store_epoch_of(s, last.number);
        if (row(arg, (int32_t)sqlite3_column_int64(st, 0), (uint64_t)sqlite3_column_int64(st, 1), last) !=
            0) {
            store_reset(st);
            return MT_OK;
        }
    }
    return rc;
}

struct reading {
    struct store *s;
    uint64_t at; /* everything up to here was given */
    size_t left;
    bool ended;
    int (*row)(void *arg, const struct store_event *e);
    void *arg;
};

static void give(struct reading *r, const struct store_event *e)
{
    r->at = e->cursor.number;
    if (e->expires && e->expires <= r->s->wall)
        return; /* its time is over, though trimming has not come by */
    if (store_is_gone(r->s, e->account))
        return;
    r->left--;
    r->ended = r->row(r->arg, e) != 0;
}

static int read_disk(struct reading *r, uint64_t upto)
{
    sqlite3_stmt *st = store_stmt(r->s, SQL_JOURNAL_READ);
    int rc = 0;

    if (!st)
        return STORE_E_IO;
    sqlite3_bind_int64(st, 1, (int64_t)r->at);
    sqlite3_bind_int64(st, 2, (int64_t)upto);
    while (r->left && !r->ended && (rc = store_row(r->s, st)) > 0) {
        struct store_event e = {
            .cursor.number = (uint64_t)sqlite3_column_int64(st, 0),
            .account = (int32_t)sqlite3_column_int64(st, 1),
            .expires = sqlite3_column_int64(st, 2),
            .type = (const char *)sqlite3_column_text(st, 3),
            .chat = sqlite3_column_int64(st, 4),
            .sender = sqlite3_column_int64(st, 5),
            .direction = (int)sqlite3_column_int64(st, 6),
            .time = sqlite3_column_int64(st, 7),
            .layer = (int32_t)sqlite3_column_int64(st, 8),
            .body = store_col_slice(st, 9),
            .raw = store_col_slice(st, 10),
        };

        if (!e.type)
            e.type = "";
        e.cursor.epoch = store_epoch_of(r->s, e.cursor.number);
        give(r, &e);
    }
    if (rc > 0 || r->ended || !r->left)
        store_reset(st);
    return rc < 0 ? rc : MT_OK;
}

int store_journal_read(struct store *s, struct store_cursor after, size_t limit,
                       int (*row)(void *arg, const struct store_event *e), void *arg, uint64_t *lost)
{
    struct reading r = {.s = s, .left = limit, .row = row, .arg = arg};
    const struct store_ring *ring = &s->journal.ring;
    uint64_t upto = s->journal.last;
    int rc;

    if (lost)
        *lost = 0;
    if (s->journal.reading)
        return store_fail(s, MT_E_STATE, "a row callback of the journal read it again");
    rc = store_epoch_resolve(s, after, &r.at);
    if (rc != MT_OK)
        return store_fail(s, rc, "no such cursor: %u.%llu", after.epoch, (unsigned long long)after.number);
    rc = lost ? count_lost(s, r.at, lost) : MT_OK;
    if (rc != MT_OK)
        return rc;
    s->journal.reading = true;
    if (r.at < upto && !store_ring_has(ring, r.at + 1)) {
        uint64_t disk = ring->n && ring->first <= upto ? ring->first - 1 : upto;

        rc = read_disk(&r, disk);
        if (rc == MT_OK && !r.ended && r.left)
            r.at = disk;
    }
    while (rc == MT_OK && r.at < upto && r.left && !r.ended && store_ring_has(ring, r.at + 1)) {
        const struct store_event *e = store_ring_at(ring, ++r.at);

        if (e)
            give(&r, e);
    }
    s->journal.reading = false;
    return rc;
}
