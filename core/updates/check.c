#include "core/updates/engine.h"

#include "tl/ids.h"

/*
 * A server may stop to feed a connection that it still answers. So after a quarter of an hour without a
 * difference its state is compared with ours. Ours never becomes what it says: that would skip what is
 * missing.
 */

void mt_check_later(struct mt_updates *u, struct mt_now now)
{
    u->check_at = now.mono + MT_CHECK;
    u->checking = false;
}

static bool is_ahead(const struct mt_counter *c, int32_t server)
{
    return server > c->value && c->gap_at == MT_NEVER;
}

void mt_check_answer(struct mt_updates *u, struct mt_now now, const struct tl_view *v)
{
    int32_t pts, qts;

    mt_check_later(u, now);
    if (v->def->id != TL_updates_state || !u->common.known)
        return;
    pts = tl_get_int(v, TLF_updates_state__pts);
    qts = tl_get_int(v, TLF_updates_state__qts);
    if (!is_ahead(&u->common, pts) && !is_ahead(&u->qts, qts))
        return;
    /* it may be on its way to us: then it arrives within the time that any gap has */
    u->stats.mismatches++;
    mt_logf(u->cfg.env, MT_LOG_INFO, "updates", "the server is ahead: pts %d of %d, qts %d of %d",
            (int)u->common.value, (int)pts, (int)u->qts.value, (int)qts);
    if (is_ahead(&u->common, pts))
        u->common.gap_at = now.mono + MT_GAP_WAIT;
    if (is_ahead(&u->qts, qts))
        u->qts.gap_at = now.mono + MT_GAP_WAIT;
}
