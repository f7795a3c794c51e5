#include "core/mtproto/session.h"

#include <stdlib.h>
#include <string.h>

void mt_session_tell(struct mt_conn *c, const struct mt_dc_event *event)
{
    if (!c->silent)
        mt_events_push(c->events, event);
}

void mt_session_reset(struct mt_conn *c, struct mt_now now)
{
    struct mt_msg *m, *next;

    mt_logf(c->env, MT_LOG_INFO, "conn", "new session");
    mt_session_leave_old(c);
    c->old_session_id = c->session_id;
    c->session_id = mt_env_random64(c->env);
    c->content = 0;
    mt_clock_restart(&c->clock);
    mt_acks_clear(&c->acks);
    c->missed.n = 0; /* of the old session; the event below says that updates are missing */
    mt_init_again(c);
    c->ping_now = true;
    for (size_t i = 0; i < MT_C_COUNT; i++)
        c->guards[i].mark = 0;
    for (m = c->flying.head; m; m = next) {
        next = m->next;
        if (mt_request_may_repeat(m) || m->deadline == MT_NEVER)
            mt_request_lost(c, m);
    }
    mt_session_tell(c, &(struct mt_dc_event){.kind = MT_DC_NEW_SESSION, .other = true});
    (void)now;
}

/* --- sessions that were left --- */

void mt_session_leave_old(struct mt_conn *c)
{
    if (!c->old_session_id)
        return;
    if (c->n_left == MT_LEFT_MAX) { /* the server forgets it by itself, later */
        c->n_left--;
        memmove(&c->left[0], &c->left[1], c->n_left * sizeof c->left[0]);
    }
    c->left[c->n_left++] = c->old_session_id;
    c->old_session_id = 0;
    c->left_asked = false;
}

void mt_session_destroy_left(struct mt_conn *c)
{
    c->left_asked = true;
    for (size_t i = 0; i < c->n_left; i++) {
        struct tl_out body = {0};

        tl_put_u32(&body, MT_ID_DESTROY_SESSION);
        tl_put_u64(&body, c->left[i]);
        mt_service_queue(c, MT_MSG_DESTROY, &body);
        tl_out_free(&body);
    }
}

void mt_on_destroyed(struct mt_conn *c, const uint8_t *p, size_t n)
{
    struct tl_in r = tl_in(p, n);
    uint32_t id = tl_u32(&r);
    uint64_t session = tl_u64(&r);
    size_t kept = 0;

    if (r.err || (id != MT_ID_DESTROY_SESSION_OK && id != MT_ID_DESTROY_SESSION_NO))
        return;
    for (size_t i = 0; i < c->n_left; i++)
        if (c->left[i] != session)
            c->left[kept++] = c->left[i];
    c->n_left = kept;
}

uint32_t mt_session_seqno(struct mt_conn *c, bool content)
{
    return content ? 2 * c->content++ + 1 : 2 * c->content;
}

int32_t mt_session_server_s(const struct mt_conn *c, struct mt_now now)
{
    return (int32_t)(mt_clock_server(&c->clock, now) / MT_US_PER_S);
}

void mt_session_clock_moved(struct mt_conn *c, struct mt_now now)
{
    int64_t offset = mt_clock_offset(&c->clock, now);

    if (llabs(offset - c->told_offset_us) <= MT_US_PER_S)
        return;
    c->told_offset_us = offset;
    mt_session_tell(c, &(struct mt_dc_event){.kind = MT_DC_TIME, .time_offset_us = offset});
}

void mt_session_missed(struct mt_conn *c, bool fetch)
{
    if (!c->missed.n)
        return;
    if (fetch)
        mt_fetch(c, c->missed.v, c->missed.n);
    else
        mt_session_tell(c, &(struct mt_dc_event){.kind = MT_DC_NEW_SESSION, .other = true});
    c->missed.n = 0;
}

void mt_session_salts_changed(struct mt_conn *c)
{
    mt_session_tell(
        c, &(struct mt_dc_event){
               .kind = MT_DC_SALTS, .temporary = c->perm, .salts = c->salts.list, .n_salts = c->salts.n});
}

int mt_session_guard(struct mt_conn *c, struct mt_now now, enum mt_complaint what, uint64_t msg_id)
{
    struct mt_guard *g = &c->guards[what];

    if (msg_id <= g->mark)
        return MT_OK;
    if (!g->times || now.mono - g->since > MT_GUARD_US) {
        g->since = now.mono;
        g->times = 0;
    }
    g->mark = c->clock.last;
    if (++g->times <= MT_GUARD_TIMES)
        return MT_OK;
    g->times = 0;
    return MT_E_STATE;
}
