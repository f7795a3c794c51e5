/* A state folder of its own per test, removed afterwards; a store that is opened, closed and killed in it. */
#pragma once

#include "tests/unit/check.h"

#include "storage/internal.h"

struct fixture {
    char dir[64];
    uint8_t servers[32];
    const char *boot_id;
    const uint8_t *seal_key; /* as in struct store_cfg */
    bool unseal;
    int64_t wall; /* Unix s */
    uint64_t seed;
    struct mt_env env;
    struct store *s;
    char err[256];
    char log[4096]; /* all lines so far */
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Opens f->s; fails the test where that fails. */
void fixture_open(struct fixture *f);
/* Opens f->s and returns what store_open() did. */
int fixture_try(struct fixture *f);
void fixture_close(struct fixture *f);
/* In a process of its own: opens the folder, runs fn, dies by SIGKILL. */
void fixture_killed(struct fixture *f, void (*fn)(struct fixture *f));
struct mt_now fixture_now(const struct fixture *f);
void fixture_path(const struct fixture *f, const char *file, char out[256]);
/* A copy of the whole folder, and back; what the folder had before is gone. */
void fixture_backup(const struct fixture *f);
void fixture_restore(const struct fixture *f);

/* One event in the open turn; its body is "eNUMBER" padded with dots to `size` bytes. */
int fixture_append(struct fixture *f, int32_t account, size_t size, int64_t expires);
/* One committed turn with n of them. */
void fixture_events(struct fixture *f, int32_t account, int n, size_t size);
int32_t fixture_account(struct fixture *f, const char *name);
/* Reads everything after the cursor: how many, and the first and last number. Checks order and bodies. */
struct seen {
    int rc;
    size_t n;
    uint64_t first, last, lost;
    int64_t account;
};
struct seen fixture_read(struct fixture *f, struct store_cursor after);
