/*
 * tgd.lock: one daemon per folder, and what the last one knew.
 *
 * flock() for the life of the process. The text inside, one "name value" per line up to "end", is for the
 * message of a second instance and for the epoch rule of the next start (epoch.c). A file that was torn by a
 * power cut has no "end" and counts as unknown, which is the safe side: the epoch goes up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_lock_note {
    bool known; /* false: no such file, or torn */
    int64_t pid;
    char socket[256];
    uint32_t epoch;            /* newest that this folder ever had */
    uint64_t run;              /* token of the last run, in state.db too */
    char boot_id[64];          /* boot of the last run */
    uint64_t ino;              /* of state.db */
    bool clean;                /* ended by store_close() */
    int64_t ctime_s, ctime_ns; /* of state.db after a clean end: a restored file has another one */
    bool damaged;              /* SQLite met damage in state.db: look before use */
};

/*
 * The locked descriptor, or STORE_E_LOCKED (err names pid and socket of the holder) or STORE_E_IO, _FULL.
 * *note is what the last holder wrote. Made with 0600.
 */
int store_lock_take(const char *dir, int *fd, struct store_lock_note *note, char err[256]);
/* Replaces the text and syncs it. STORE_E_IO where that failed. */
int store_lock_write(int fd, const struct store_lock_note *note);
void store_lock_release(int fd);
