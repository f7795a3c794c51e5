#include "core/account/state.h"

#include <string.h>

#include "tl/ids.h"

#define WAIT_MAX (14 * 24 * 3600) /* s */

void mt_sends_pump(struct mt_account *a, struct mt_now now)
{
    struct mt_outbox_call call;
    int32_t msg_id;
    int64_t random_id;

    while (mt_updates_next_id(a->updates, &msg_id, &random_id))
        mt_outbox_number(a->outbox, now, msg_id, random_id);
    if (!a->running || !a->saved.user_id)
        return;
    mt_outbox_clock(a->outbox, (mt_account_server_time(a, now) - now.wall) / MT_US_PER_S);
    if (a->connected && mt_updates_is_in_sync(a->updates))
        mt_outbox_in_sync(a->outbox, now);
    while (mt_outbox_next(a->outbox, now, &call)) {
        struct mt_areq *r;

        if (call.search && a->saved.bot) { /* bots may not search */
            mt_outbox_looked(a->outbox, now, call.id, NULL, 0);
            continue;
        }
        r = mt_areq_new(a, call.look ? MT_AREQ_LOOK : MT_AREQ_SEND, call.p, call.n);
        if (!r) {
            mt_outbox_failed(a->outbox, now, call.id, MT_E_NOMEM, MT_SENT_NO);
            continue;
        }
        r->ref = call.id;
        r->token = call.look ? 0 : mt_outbox_token(a->outbox, call.id);
        r->flags = call.random_id ? MT_CALL_RANDOM_ID : call.once ? 0 : MT_CALL_REPEATABLE;
        r->deadline = call.deadline;
        mt_areq_start(a, now, r);
    }
}

bool mt_sends_take_back(struct mt_account *a, struct mt_now now, int64_t id)
{
    for (struct mt_areq *r = a->reqs; r; r = r->next) {
        bool left = true;

        if (r->kind != MT_AREQ_SEND || r->ref != id || r->step == MT_AREQ_OVER)
            continue;
        if (r->maybe || r->step == MT_AREQ_CONFIRMING)
            return false;
        if (r->step == MT_AREQ_SENT)
            for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
                left = left && (dc->dead || !mt_dc_withdraw(dc->dc, now, r->id));
        else
            left = false;
        if (!left)
            r->step = MT_AREQ_OVER;
        return !left;
    }
    return false;
}

/*
 * updateShortSentMessage has no text and no chat: who waits gets an `updates` with the message whole, as
 * every other session gets it.
 */
static bool whole(struct mt_account *a, const struct tl_view *v, const struct tl_view *request,
                  struct tl_out *out)
{
    int field = tl_view_field(request, "random_id");
    struct tl_out update = {0};
    bool ok = v->def->id == TL_updateShortSentMessage && field >= 0 &&
              mt_updates_unfold_sent(a->updates, v, request, &update) == MT_OK;

    if (ok) {
        tl_put_u32(out, TL_updates);
        tl_put_vector(out, 2);
        tl_put_u32(out, TL_updateMessageID);
        tl_put_int(out, tl_get_int(v, TLF_updateShortSentMessage__id));
        tl_put_long(out, tl_get_long(request, (unsigned)field));
        tl_put_raw(out, update.data, update.len);
        tl_put_vector(out, 0);
        tl_put_vector(out, 0);
        tl_put_int(out, tl_get_int(v, TLF_updateShortSentMessage__date));
        tl_put_int(out, 0);
        ok = !out->err;
    }
    tl_out_free(&update);
    return ok;
}

void mt_sends_result(struct mt_account *a, struct mt_now now, struct mt_areq *r, const uint8_t *p, size_t n)
{
    struct tl_view v, request;
    struct tl_out out = {0};
    bool ok = tl_view_open(&request, r->body, r->n) == TL_OK;

    if (ok && request.def->result.kind == TL_K_BOOL) {
        mt_outbox_result(a->outbox, now, r->ref, p, n);
        return;
    }
    if (!ok || tl_view_open_exact(&v, p, n) != TL_OK) {
        mt_updates_force(a->updates, now); /* what it did is done (trap 69) */
        mt_outbox_failed(a->outbox, now, r->ref, MT_E_PEER, MT_SENT_YES);
        return;
    }
    mt_updates_result(a->updates, now, p, n, &request, r->token);
    if (whole(a, &v, &request, &out))
        mt_outbox_result(a->outbox, now, r->ref, out.data, out.len);
    else
        mt_outbox_result(a->outbox, now, r->ref, p, n);
    tl_out_free(&out);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

void mt_sends_error(struct mt_account *a, struct mt_now now, struct mt_areq *r, const struct mt_rpc_error *e,
                    bool local)
{
    bool skip = begins(e->text, "FLOOD_SKIP_FAILED_WAIT");
    struct mt_outbox_refusal x = {.code = e->code, .text = e->text, .local = local, .maybe = r->maybe};
    int64_t seconds = e->code == 420 ? mt_error_number(e->text) : -1;
    bool find;

    x.throttle = skip || begins(e->text, "FLOOD_PREMIUM_WAIT_");
    x.wait =
        e->code == 420 && (x.throttle || begins(e->text, "FLOOD_WAIT_") ||
                           begins(e->text, "FLOOD_TEST_PHONE_WAIT_") || begins(e->text, "SLOWMODE_WAIT_"));
    x.seconds = skip ? 1 : seconds < 0 ? 0 : seconds > WAIT_MAX ? WAIT_MAX : seconds;
    if (x.wait && !x.seconds)
        x.seconds = 1; /* trap 46 */
    mt_outbox_error(a->outbox, now, r->ref, &x, &find);
    if (find)
        mt_updates_force(a->updates, now);
}

void mt_sends_failed(struct mt_account *a, struct mt_now now, struct mt_areq *r, int code, enum mt_sent sent)
{
    mt_outbox_failed(a->outbox, now, r->ref, code, sent);
}
