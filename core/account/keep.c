#include "core/account/keep.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/crypto.h"

int mt_keep_load(struct mt_keep *k, const struct mt_saved *saved)
{
    const struct mt_addresses *from = &saved->addresses;

    k->main_dc = saved->main_dc;
    k->user_id = saved->user_id;
    k->bot = saved->bot;
    memcpy(k->dedup_secret, saved->dedup_secret, sizeof k->dedup_secret);
    k->addresses.n = from->n <= MT_ADDRESSES_MAX ? from->n : 0;
    k->addresses.family = from->family;
    k->addresses.origin = from->origin;
    memcpy(k->addresses.list, from->list, k->addresses.n * sizeof *from->list);
    for (size_t i = 0; i < saved->n_dcs && i < MT_DCS_MAX; i++) {
        struct mt_saved_dc *dc = mt_keep_dc(k, saved->dcs[i].dc_id);

        if (!dc)
            return MT_E_NOMEM;
        *dc = saved->dcs[i];
    }
    return MT_OK;
}

struct mt_saved_dc *mt_keep_dc(struct mt_keep *k, int32_t dc_id)
{
    struct mt_saved_dc *dc;

    for (size_t i = 0; i < k->n_dcs; i++)
        if (k->dcs[i]->dc_id == dc_id)
            return k->dcs[i];
    if (k->n_dcs == MT_DCS_MAX || !(dc = calloc(1, sizeof *dc)))
        return NULL;
    dc->dc_id = dc_id;
    k->dcs[k->n_dcs++] = dc;
    return dc;
}

void mt_keep_forget(struct mt_keep *k)
{
    k->user_id = 0;
    k->bot = false;
    mt_wipe(&k->addresses, sizeof k->addresses);
    for (size_t i = 0; i < k->n_dcs; i++) {
        int32_t id = k->dcs[i]->dc_id;

        mt_wipe(k->dcs[i], sizeof *k->dcs[i]);
        k->dcs[i]->dc_id = id;
    }
}

struct mt_saved *mt_keep_store(const struct mt_keep *k)
{
    struct mt_saved *saved = calloc(1, sizeof *saved);

    if (!saved)
        return NULL;
    saved->main_dc = k->main_dc;
    saved->user_id = k->user_id;
    saved->bot = k->bot;
    memcpy(saved->dedup_secret, k->dedup_secret, sizeof saved->dedup_secret);
    saved->addresses = k->addresses;
    for (; saved->n_dcs < k->n_dcs; saved->n_dcs++)
        saved->dcs[saved->n_dcs] = *k->dcs[saved->n_dcs];
    return saved;
}

void mt_saved_free(struct mt_saved *saved)
{
    if (saved)
        mt_wipe(saved, sizeof *saved);
    free(saved);
}

void mt_keep_fini(struct mt_keep *k)
{
    for (size_t i = 0; i < k->n_dcs; i++) {
        mt_wipe(k->dcs[i], sizeof *k->dcs[i]);
        free(k->dcs[i]);
    }
    mt_wipe(k, sizeof *k);
}
