/*
 * backup: a thread of its own for as long as one is made, and a timer by which the loop looks at it. One at a
 * time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct tgd;
struct tgd_backup;

/* MT_E_STATE: one is being made; else as store_backup_new(). */
int tgd_backup_begin(struct tgd *d, const char *path, char err[256]);
/* 0 while it runs; 1 when it has ended well, else its error with words: told once, then there is none. */
int tgd_backup_state(struct tgd *d, uint64_t *done, uint64_t *total, char *warning, size_t cap,
                     char err[256]);
/* Nobody waits for it any more. */
void tgd_backup_cancel(struct tgd *d);
/* At the end of the process: ends it and waits for its thread. */
void tgd_backup_fini(struct tgd *d);
