/*
 * Opening one SQLite file: mode, pragmas, schema version, migrations.
 *
 * A schema is an append-only list of steps; step i leads from version i to i + 1 and is never changed after a
 * release. Each runs in one transaction of its own together with its `PRAGMA user_version`, so an interrupted
 * step leaves the version before it. Before the first step on a file that has content a copy FILE.vN is made
 * (N = the version it had). A file of a higher version than we know is refused, untouched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

struct store_schema {
    const char *label; /* file name for error texts: "state.db" */
    const char *const *steps;
    int n_steps; /* = newest version */
};
extern const struct store_schema store_schema_state, store_schema_keys, store_schema_cache;

enum store_db_kind {
    STORE_DB_STATE, /* WAL, synchronous=NORMAL, no auto-checkpoint */
    STORE_DB_KEYS,  /* rollback journal, synchronous=EXTRA */
    STORE_DB_CACHE, /* WAL, synchronous=OFF */
};
#define STORE_ERR_MAX 256

/*
 * Makes the file with 0600 where it is missing (unless `must_exist`), opens it, migrates it. MT_OK and *out,
 * or MT_E_NOT_FOUND, MT_E_NOMEM, STORE_E_* with words in err; *out is NULL then.
 */
int store_db_open(const char *path, enum store_db_kind kind, const struct store_schema *schema,
                  bool must_exist, sqlite3 **out, char err[STORE_ERR_MAX]);
/* Words for a person, cut to their room. */
void store_say(char err[STORE_ERR_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An SQLite result code as one of ours; with the system's own reason where the connection knows it. */
int store_db_code(int rc);
int store_db_reason(sqlite3 *db, int rc);
/* errno of a call that was to write. */
int store_errno_code(int err);
/* Runs one or more statements without results; an SQLite code. */
int store_db_exec(sqlite3 *db, const char *sql);
/* The first column of the first row, or `fallback`. */
int64_t store_db_int(sqlite3 *db, const char *sql, int64_t fallback);
/* The same into *out, which stays where there is no row; an SQLite code. */
int store_db_get(sqlite3 *db, const char *sql, int64_t *out);
/* MT_OK: the whole file is sound (it reads all of it); STORE_E_CORRUPT; else it could not be found out. */
int store_db_check(sqlite3 *db);
/* A file or folder that no connection has open; and the folder in which it lies. -1 and errno. */
int store_sync_path(const char *path);
int store_sync_folder_of(const char *path);
/* Syncs the WAL of this connection; an SQLite code. */
int store_db_sync_wal(sqlite3 *db);
