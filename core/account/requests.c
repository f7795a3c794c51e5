#include "core/account/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIPE_MAX 4096 /* longer bodies are no secret of a login */

struct mt_areq *mt_areq_new(struct mt_account *a, enum mt_areq_kind kind, const void *body, size_t n)
{
    struct mt_areq *r = calloc(1, sizeof *r + n);

    if (!r)
        return NULL;
    r->id = ++a->next_id;
    r->kind = kind;
    r->deadline = MT_NEVER;
    r->n = n;
    if (n)
        memcpy(r->body, body, n);
    return r;
}

void mt_areq_free(struct mt_areq *r)
{
    if (r) /* a raw call may carry a code or a token as well as a step of login */
        mt_wipe(r->body, r->secret || r->n < WIPE_MAX ? r->n : WIPE_MAX);
    free(r);
}

uint32_t mt_areq_method(const struct mt_areq *r)
{
    return r->n >= r->head + 4 ? tl_load32(r->body + r->head) : 0;
}

struct mt_areq *mt_areq_by_id(struct mt_account *a, uint64_t id)
{
    for (struct mt_areq *r = a->reqs; r; r = r->next)
        if (r->id == id && r->step != MT_AREQ_OVER)
            return r;
    return NULL;
}

void mt_areq_reap(struct mt_account *a)
{
    for (struct mt_areq **at = &a->reqs, *r; (r = *at);) {
        if (r->step != MT_AREQ_OVER) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        mt_areq_free(r);
    }
}

/* --- on its way --- */

static unsigned dc_flags(const struct mt_areq *r)
{
    unsigned flags = 0;

    if (r->flags & MT_CALL_REPEATABLE)
        flags |= MT_REQ_REPEATABLE;
    if (r->flags & MT_CALL_RANDOM_ID)
        flags |= MT_REQ_RANDOM_ID;
    if (r->flags & MT_CALL_WITHOUT_UPDATES)
        flags |= MT_REQ_WITHOUT_UPDATES;
    return flags;
}

void mt_areq_go(struct mt_account *a, struct mt_now now, struct mt_areq *r)
{
    bool foreign = r->dc && r->dc != a->saved.main_dc;
    struct mt_req req = {
        .token = r->id, .body = r->body, .n = r->n, .flags = dc_flags(r), .deadline = r->deadline};
    struct mt_adc *dc;
    int err;

    if (!a->running) { /* as without a network: it waits for the start, or for its deadline */
        r->step = MT_AREQ_PAUSED;
        r->until = now.mono;
        return;
    }
    if (foreign && !mt_adc_exists(a, r->dc)) {
        mt_areq_failed(a, now, r, MT_E_NOT_FOUND, MT_SENT_NO);
        return;
    }
    dc = foreign ? mt_adc_get(a, now, r->dc) : mt_adc_main(a, now);
    if (!dc) {
        mt_areq_failed(a, now, r, MT_E_NOMEM, MT_SENT_NO);
        return;
    }
    if (foreign && !mt_foreign_ready(a, now, dc, r)) {
        r->step = MT_AREQ_AUTH;
        return;
    }
    r->step = MT_AREQ_SENT;
    err = mt_dc_submit(dc->dc, now, &req);
    if (err)
        mt_areq_failed(a, now, r, err, MT_SENT_NO);
}

void mt_areq_start(struct mt_account *a, struct mt_now now, struct mt_areq *r)
{
    struct mt_areq **at = &a->reqs;
    int64_t until = mt_flood_until(a, now, r);

    while (*at)
        at = &(*at)->next;
    r->next = NULL;
    *at = r;
    if (!until) {
        mt_areq_go(a, now, r);
        return;
    }
    if (r->kind != MT_AREQ_SEND && until - now.mono <= r->flood_wait * MT_US_PER_S && until < r->deadline) {
        r->step = MT_AREQ_PAUSED;
        r->until = until;
    } else {
        struct mt_rpc_error e = {.code = 420};

        snprintf(e.text, sizeof e.text, "FLOOD_WAIT_%lld",
                 (long long)((until - now.mono + MT_US_PER_S - 1) / MT_US_PER_S));
        mt_areq_error(a, now, r, &e, true);
    }
}

/* --- the end --- */

static void apply_result(struct mt_account *a, struct mt_now now, const struct mt_areq *r, const uint8_t *p,
                         size_t n)
{
    struct tl_view request;

    if (r->flags & MT_CALL_NO_APPLY || tl_view_open(&request, r->body + r->head, r->n - r->head) != TL_OK)
        return;
    /* an Affected... of another user's box must not move ours */
    if (!r->business ||
        (request.def->type != TL_NO_TYPE && !strcmp(tl_type_name(request.def->type), "Updates")))
        mt_updates_result(a->updates, now, p, n, &request, r->token);
}

void mt_areq_result(struct mt_account *a, struct mt_now now, struct mt_areq *r, const uint8_t *p, size_t n)
{
    r->step = MT_AREQ_OVER;
    switch (r->kind) {
    case MT_AREQ_OWNER:
        apply_result(a, now, r, p, n);
        mt_acc_reply(a, r->token, &(struct mt_reply){.kind = MT_REPLY_RESULT, .p = p, .n = n});
        break;
    case MT_AREQ_SEND:
        mt_sends_result(a, now, r, p, n);
        break;
    case MT_AREQ_LOOK:
        apply_result(a, now, r, p, n);
        mt_outbox_looked(a->outbox, now, r->ref, p, n);
        break;
    case MT_AREQ_ASK:
        mt_updates_answer(a->updates, now, r->ask, r->ref, p, n);
        break;
    case MT_AREQ_LOGIN:
        mt_login_result(a, now, p, n);
        break;
    case MT_AREQ_EXPORT:
    case MT_AREQ_IMPORT:
        mt_foreign_result(a, now, r, p, n);
        break;
    case MT_AREQ_CONFIRM:
        mt_policy_confirmed(a, now, NULL);
        break;
    case MT_AREQ_CONFIG:
        mt_config_result(a, now, r, p, n);
        break;
    }
}

void mt_areq_error(struct mt_account *a, struct mt_now now, struct mt_areq *r, const struct mt_rpc_error *e,
                   bool local)
{
    struct mt_reply reply = {.kind = MT_REPLY_RPC_ERROR, .code = e->code, .local = local};
    int64_t seconds = e->code == 420 ? mt_error_number(e->text) : -1;

    r->step = MT_AREQ_OVER;
    switch (r->kind) {
    case MT_AREQ_OWNER:
        memcpy(reply.text, e->text, sizeof reply.text);
        reply.seconds = seconds > 0 ? seconds : 0;
        mt_acc_reply(a, r->token, &reply);
        break;
    case MT_AREQ_SEND:
        mt_sends_error(a, now, r, e, local);
        break;
    case MT_AREQ_LOOK:
        mt_outbox_looked(a->outbox, now, r->ref, NULL, 0);
        break;
    case MT_AREQ_ASK:
        mt_updates_refused(a->updates, now, r->ask, r->ref, e->code, e->text);
        break;
    case MT_AREQ_LOGIN:
        mt_login_error(a, now, e);
        break;
    case MT_AREQ_EXPORT:
    case MT_AREQ_IMPORT:
        mt_foreign_failed(a, now, r, e, 0);
        break;
    case MT_AREQ_CONFIRM:
        mt_policy_confirmed(a, now, e);
        break;
    case MT_AREQ_CONFIG:
        mt_config_failed(a, now, r);
        break;
    }
}

/* A DC that was dropped gave it back; whether it may go out once more. */
static bool may_repeat(const struct mt_areq *r, enum mt_sent sent)
{
    return sent == MT_SENT_NO || (r->flags & (MT_CALL_REPEATABLE | MT_CALL_RANDOM_ID));
}

static void end_owner(struct mt_account *a, struct mt_areq *r, int code, enum mt_sent sent)
{
    struct mt_reply reply = {.kind = MT_REPLY_FAILED, .code = code, .sent = sent};

    if (r->cancelled)
        reply.kind = MT_REPLY_CANCELLED;
    else if (code == MT_E_TIMEOUT)
        reply.kind = MT_REPLY_TIMEOUT;
    mt_acc_reply(a, r->token, &reply);
}

void mt_areq_failed(struct mt_account *a, struct mt_now now, struct mt_areq *r, int code, enum mt_sent sent)
{
    /* the account's own question is asked again when it is connected, and is no reason to connect */
    if (code == MT_E_STATE && a->running && !r->cancelled && may_repeat(r, sent) && r->redirects < 8 &&
        r->kind != MT_AREQ_CONFIG) {
        r->redirects++;
        r->maybe = r->maybe || sent != MT_SENT_NO; /* whatever becomes of the next copy */
        r->step = MT_AREQ_PAUSED; /* picked up at the end of this verb, when the DC is gone */
        r->until = now.mono;
        return;
    }
    r->step = MT_AREQ_OVER;
    switch (r->kind) {
    case MT_AREQ_OWNER:
        end_owner(a, r, code, sent);
        break;
    case MT_AREQ_SEND:
        mt_sends_failed(a, now, r, code, sent);
        break;
    case MT_AREQ_LOOK:
        mt_outbox_looked(a->outbox, now, r->ref, NULL, 0);
        break;
    case MT_AREQ_ASK:
        mt_updates_refused(a->updates, now, r->ask, r->ref, code, "");
        break;
    case MT_AREQ_LOGIN:
        mt_login_failed(a, now, code, sent);
        break;
    case MT_AREQ_EXPORT:
    case MT_AREQ_IMPORT:
        mt_foreign_failed(a, now, r, NULL, code);
        break;
    case MT_AREQ_CONFIRM:
        mt_policy_confirmed(a, now, &(struct mt_rpc_error){.code = code});
        break;
    case MT_AREQ_CONFIG:
        mt_config_failed(a, now, r);
        break;
    }
}

/* --- time --- */

/* In the hands of a DC the DC watches the deadline; here we do. What nobody may send is not due. */
static int64_t due_at(const struct mt_account *a, const struct mt_areq *r)
{
    switch (r->step) {
    case MT_AREQ_PAUSED:
        return a->running && r->until < r->deadline ? r->until : r->deadline;
    case MT_AREQ_AUTH:
    case MT_AREQ_CONFIRMING:
        return r->deadline;
    case MT_AREQ_SENT:
    case MT_AREQ_OVER:
        break;
    }
    return MT_NEVER;
}

void mt_areq_tick(struct mt_account *a, struct mt_now now)
{
    for (struct mt_areq *r = a->reqs; r; r = r->next) {
        if (due_at(a, r) > now.mono)
            continue;
        if (r->deadline <= now.mono)
            mt_areq_failed(a, now, r, MT_E_TIMEOUT, r->step == MT_AREQ_CONFIRMING ? MT_SENT_YES : MT_SENT_NO);
        else if (a->running)
            mt_areq_go(a, now, r);
    }
}

int64_t mt_areq_deadline(const struct mt_account *a)
{
    int64_t at = MT_NEVER;

    for (const struct mt_areq *r = a->reqs; r; r = r->next)
        if (due_at(a, r) < at)
            at = due_at(a, r);
    return at;
}
