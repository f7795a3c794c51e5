/*
 * What an account keeps in memory of what is stored of it: struct mt_saved with rows for the data centres
 * that there are, not for all that there may be. A daemon with many accounts has one of these for each.
 *
 * Rows stay where they are until mt_keep_fini(): machines point at them. Keys are wiped when they go.
 */
#pragma once

#include "core/account/account.h"

struct mt_keep {
    int32_t main_dc; /* 0: none yet */
    int64_t user_id; /* 0: not logged in */
    bool bot;
    uint8_t dedup_secret[32];
    struct mt_addresses addresses;
    struct mt_saved_dc *dcs[MT_DCS_MAX];
    size_t n_dcs;
};

/* All zero before. MT_E_NOMEM: some rows may be missing; mt_keep_fini() is due all the same. */
int mt_keep_load(struct mt_keep *k, const struct mt_saved *saved);
/* The row of a data centre, made where there is none. NULL: no memory, or MT_DCS_MAX are there. */
struct mt_saved_dc *mt_keep_dc(struct mt_keep *k, int32_t dc_id);
/* The user logged out: nothing of him stays but where the account lives and its dedup secret. */
void mt_keep_forget(struct mt_keep *k);
/* As it is stored; heap, wiped and freed by mt_saved_free(). NULL: no memory. */
struct mt_saved *mt_keep_store(const struct mt_keep *k);
void mt_saved_free(struct mt_saved *saved);
void mt_keep_fini(struct mt_keep *k);
