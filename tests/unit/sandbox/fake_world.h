/*
 * A world of two methods, for tests of the protocol half: help.getConfig, help.getNearestDc, and
 * users.getUsers that answers a vector as long as the test wants. Counts what is executed; updates are pushed
 * by the test.
 */
#pragma once

#include "tests/sandbox/world.h"

struct sb_fake {
    unsigned calls;
    uint32_t last_id;             /* of the function called last */
    struct sb_caller last_caller; /* its caller */
    uint64_t key_id;              /* the key that speaks for the user */
    size_t answer_bytes;          /* of help.getNearestDc's country: makes large answers */
    bool fail;                    /* help.getNearestDc answers 400 FAKE_ERROR */
    bool with_users;              /* users.getUsers answers one user, instead of 401 */
    unsigned forgotten;           /* keys forgotten */
};
#define SB_FAKE_USER 777

struct sb_fake *sb_fake_of(struct sb_world *w);
/* Queues updateShort{updateConfig} for the user, or for key_id's sessions. */
void sb_fake_push_large(struct sb_world *w); /* an updates object of over 1 KiB, for the user */
void sb_fake_push(struct sb_world *w, bool to_key, uint64_t except_session);
