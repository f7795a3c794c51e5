#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tests/sim/account/asim.h"

#define HOUR 3600

/* --- the beginning --- */

static int32_t server_time(const struct asim *s)
{
    return (int32_t)((asim_now(s).wall + s->server->shift) / MT_US_PER_S);
}

static struct mt_salt salt_of(struct owner *o, int64_t salt)
{
    bool spoilt = o->s->class >= ASIM_FAULTS && asim_random(o->s, 8) == 0;

    return (struct mt_salt){.salt = salt + spoilt, .valid_until = INT32_MAX};
}

/* When a temporary key ends: mostly long after the run, else so soon that it is renewed under traffic, or
 * before it was used. */
static int32_t some_end(struct asim *s)
{
    uint64_t what = asim_random(s, 12);

    if (what == 0)
        return server_time(s) + (int32_t)asim_random(s, 120) - 60;
    if (what == 1)
        return server_time(s) + HOUR + (int32_t)asim_random(s, 900);
    return server_time(s) + (int32_t)(12 + asim_random(s, 12)) * HOUR;
}

static void give_temporary(struct owner *o, struct mt_saved_dc *saved)
{
    struct asim *s = o->s;
    uint8_t bytes[MT_KEY_LEN];
    struct sb_key *k;
    int64_t salt;

    asim_fill(&o->rng, bytes, sizeof bytes);
    asim_fill(&o->rng, &salt, sizeof salt);
    saved->has_temp = true;
    mt_auth_key_set(&saved->temp.key, bytes);
    saved->temp.ends = some_end(s);
    saved->temp.n_salts = 1;
    saved->temp.salts[0] = salt_of(o, salt);
    if (s->class >= ASIM_FAULTS && asim_random(s, 24) == 0)
        return; /* the server has forgotten it */
    k = sb_key_add(s->server, saved->dc_id, bytes, salt, server_time(s), saved->temp.ends);
    if (!k)
        abort();
    if (s->class < ASIM_FAULTS || asim_random(s, 10)) /* else it has forgotten whose it is */
        k->perm_id = saved->key.id;
}

uint64_t keys_give(struct owner *o, int32_t dc, bool authorised)
{
    struct asim *s = o->s;
    struct mt_saved_dc *saved = &o->disk.saved.dcs[o->disk.saved.n_dcs++];
    uint8_t bytes[MT_KEY_LEN];
    int64_t salt;

    asim_fill(&o->rng, bytes, sizeof bytes);
    asim_fill(&o->rng, &salt, sizeof salt);
    *saved = (struct mt_saved_dc){.dc_id = dc, .has_key = true, .n_salts = 1, .authorised = authorised};
    mt_auth_key_set(&saved->key, bytes);
    saved->salts[0] = salt_of(o, salt);
    if (s->class < ASIM_FAULTS) /* else it has to find out */
        saved->time_offset_us = -o->skew;
    if (!sb_key_add(s->server, dc, bytes, salt, server_time(s), 0))
        abort();
    if (s->pfs && asim_random(s, 24)) /* else it makes one */
        give_temporary(o, saved);
    return saved->key.id;
}

/* --- trouble --- */

void keys_forget(struct asim *s)
{
    s->forgets++;
    json_decref(asim_control(s, "forgetKeys", json_pack("{s:b}", "temporary", 1)));
}

void keys_saved(struct owner *o, const struct mt_saved_dc *dc)
{
    for (size_t i = 0; i < o->disk.saved.n_dcs; i++) {
        const struct mt_saved_dc *was = &o->disk.saved.dcs[i];

        if (was->dc_id != dc->dc_id || !was->has_temp || dc->dc_id >= KEYS_DCS)
            continue;
        if (!dc->has_temp || was->temp.key.id != dc->temp.key.id)
            o->older[dc->dc_id] = was->temp;
    }
}

/* They are in state.db, which stands where it was synced: with none, or with the one before. */
void keys_power_failed(struct owner *o)
{
    for (size_t i = 0; i < o->disk.saved.n_dcs; i++) {
        struct mt_saved_dc *dc = &o->disk.saved.dcs[i];
        uint64_t what = asim_random(o->s, 8);

        if (what == 0) {
            dc->has_temp = false;
        } else if (what == 1 && dc->dc_id < KEYS_DCS && o->older[dc->dc_id].ends) {
            dc->has_temp = true;
            dc->temp = o->older[dc->dc_id];
        }
    }
}

/* --- the end --- */

void keys_check(struct owner *o)
{
    struct asim *s = o->s;
    unsigned exchanges = (unsigned)s->server->stats.key_exchanges, losses = 0;
    const struct sb_key *k;

    for (unsigned i = 0; i < OWNERS; i++)
        losses += s->owners[i].losses;
    if (!s->pfs && exchanges > 3 * losses) /* a login may lead over each of the data centres */
        asim_fail(s, "%u key exchanges, and nobody needs one", exchanges);
    /* one for each DC at first, one to renew it, one after each loss of all; a cut may cost each of them
     * again */
    if (exchanges > (2 + s->forgets + s->deaths + losses) * 3 * OWNERS + s->server->stats.conns)
        asim_fail(s, "%u key exchanges after %u losses", exchanges, s->forgets);
    for (size_t i = 0; s->pfs && i < o->disk.saved.n_dcs; i++) {
        const struct mt_saved_dc *dc = &o->disk.saved.dcs[i];

        if (dc->dc_id != o->disk.saved.main_dc)
            continue;
        k = dc->has_temp ? sb_key_find(s->server, dc->dc_id, dc->temp.key.id) : NULL;
        if (!k || k->perm_id != dc->key.id || k->expires <= server_time(s))
            asim_fail(s, "%s ends with a temporary key that is not bound", o->name);
    }
}
