/*
 * A consistent copy of the state folder while the daemon runs: state.db as of one moment, then the keys of
 * each account (never older than what state.db knows of them), then files/. cache.db and the lock are left
 * out: the first may be missing, and without the second a restored copy begins a new epoch.
 *
 *     store_backup_new (loop) -> store_backup_run (any one thread) -> store_backup_free
 *
 * It is written beside its place, as NAME.partial-XXXXXX, synced, and then renamed: at `to` there is all of
 * it or nothing, and what is there already is never touched. Folders are 0700, files 0600. To restore it is
 * to copy it back. What a killed process left goes later (partial.h). It shares no state with the store: its
 * connections are its own.
 */
#pragma once

#include <stdint.h>

struct store;
struct store_backup;

/* STORE_E_EXISTS: there is something at `to`; MT_E_ARG: not an absolute path, or inside the state folder. */
int store_backup_new(struct store *s, const char *to, struct store_backup **out, char err[256]);
/* Does it all. MT_OK, STORE_E_CANCELLED, or an error with words in store_backup_error(); nothing is left
 * then. */
int store_backup_run(struct store_backup *b);
void store_backup_free(struct store_backup *b);

/* Any thread, while it runs. */
void store_backup_cancel(struct store_backup *b);
void store_backup_progress(const struct store_backup *b, uint64_t *done, uint64_t *total); /* bytes */

/* After the run. */
const char *store_backup_error(const struct store_backup *b);
/* How many accounts are in it, and of how many the keys were damaged (copied as they are). */
void store_backup_accounts(const struct store_backup *b, unsigned *accounts, unsigned *damaged);
