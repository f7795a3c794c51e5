/* How often one may: FLOOD_WAIT for a method, SLOWMODE_WAIT in a supergroup, and how long a random_id is
 * remembered. */
#include "tests/sandbox/world_acts.h"

#define RANDOM_ID_LIFE (24 * 3600)

void sb_limit(struct sb_world *w, const struct sb_user *u, const struct tl_def *def, int32_t until)
{
    struct sb_limit *limit = NULL;

    for (size_t i = 0; i < w->n_limits; i++)
        if (w->limits[i].user_id == u->id && w->limits[i].def == def)
            limit = &w->limits[i];
    if (!limit)
        limit = SB_PUSH(w->limits, w->n_limits, w->cap_limits);
    *limit = (struct sb_limit){u->id, def, until};
}

bool sb_within_limits(struct sb_turn *t)
{
    for (size_t i = 0; t->me && i < t->w->n_limits; i++) {
        const struct sb_limit *limit = &t->w->limits[i];

        if (limit->user_id != t->me->id || limit->def != t->call->def || limit->until <= t->date)
            continue;
        sb_refusef(t, 420, "FLOOD_WAIT_%d", (int)(limit->until - t->date));
        return false;
    }
    return true;
}

bool sb_may_write_now(struct sb_turn *t, struct sb_peer to, size_t n)
{
    const struct sb_chat *c = to.kind == SB_CHANNEL ? sb_chat_get(t->w, to) : NULL;
    const struct sb_member *m = c ? sb_member_get(c, t->me->id) : NULL;

    if (!c || !c->megagroup || !c->slow || !m || m->admin)
        return true;
    if (n > 1)
        sb_refuse(t, 400, "SLOWMODE_MULTI_MSGS_DISABLED");
    else if (m->said && t->date < m->said + c->slow)
        sb_refusef(t, 420, "SLOWMODE_WAIT_%d", (int)(m->said + c->slow - t->date));
    else
        return true;
    return false;
}

const struct sb_msg *sb_sent_with(const struct sb_turn *t, int64_t random_id)
{
    const struct sb_msg *m = sb_map_get(&t->w->sent, sb_mix((uint64_t)t->me->id, (uint64_t)random_id));

    return m && t->date - m->post->date <= RANDOM_ID_LIFE ? m : NULL;
}
