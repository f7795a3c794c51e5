/*
 * A scripted session whose traces can be checked: turn t appends two events, sets pts, renames a peer, writes
 * an outbox row, acks a subscription, all of the same t. So one look tells which turns are there and whether
 * each is whole.
 */
#pragma once

#include "tests/unit/storage/fixture.h"

/* Turn t in account 1; what store_commit() said. */
int model_turn(struct fixture *f, int t);
/* Checks that exactly the turns 1..t are there; returns t. Fails the test where one is torn or missing. */
int model_check(struct fixture *f);
/* A key of a data centre, made from its number. */
struct mt_saved_dc model_key(int32_t dc_id);
bool model_has_key(struct fixture *f, int32_t dc_id);
