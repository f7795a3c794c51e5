/* How a call of the outbox ended, and what that means for its send. */
#include "core/outbox/inside.h"

#include <jansson.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "tl/ids.h"

static const char unknown[] = "{\"sent\":\"unknown\"}";

void mt_ob_end_unknown(struct mt_outbox *ob, struct mt_ob_row *row)
{
    struct mt_reply r = {.kind = MT_REPLY_TIMEOUT, .sent = MT_SENT_UNKNOWN};

    mt_ob_end(ob, row, MT_SEND_FAILED, (struct tl_slice){(const uint8_t *)unknown, sizeof unknown - 1}, &r);
}

/* --- success --- */

static bool is_own(const struct mt_ob_row *row, int64_t random_id)
{
    for (size_t i = 0; i < row->n_ids; i++)
        if (row->ids[i].random_id == random_id)
            return true;
    return false;
}

/* The messages that it became. */
static void note_known(struct mt_outbox *ob, const struct mt_ob_row *row, const void *p, size_t n)
{
    struct tl_view v, u;
    struct tl_vec list;

    if (!row->n_ids || !n || tl_view_open_exact(&v, p, n) || v.def->id != TL_updates)
        return;
    list = tl_get_vector(&v, TLF_updates__updates);
    while (tl_vec_object(&list, &u))
        if (u.def->id == TL_updateMessageID && is_own(row, tl_get_long(&u, TLF_updateMessageID__random_id)))
            mt_ob_note_known(ob, row->chat, tl_get_int(&u, TLF_updateMessageID__id));
}

void mt_ob_sent(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row, const void *p, size_t n)
{
    struct mt_reply r = {.kind = MT_REPLY_RESULT, .p = p, .n = n, .sent = MT_SENT_YES};
    struct tl_out json = {0};
    const struct tl_def *def = tl_def_by_name(row->method, strlen(row->method), true);
    struct tl_in in = tl_in(p, n);

    if (!n || !def || tl_field_to_json(&in, &def->result, &json))
        tl_out_reset(&json);
    note_known(ob, row, p, n);
    mt_ob_end(ob, row, MT_SEND_SENT, (struct tl_slice){json.data, json.len}, &r);
    tl_out_free(&json);
    mt_ob_start_lanes(ob, now);
}

void mt_outbox_result(struct mt_outbox *ob, struct mt_now now, int64_t id, const void *p, size_t n)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);

    if (row)
        mt_ob_sent(ob, now, row, p, n);
}

static uint32_t known_numbers(const struct mt_ob_row *row)
{
    uint32_t n = 0;

    for (size_t i = 0; i < row->n_ids; i++)
        n += row->ids[i].number != 0;
    return n;
}

/* An Updates that says no more than the numbers, where the full answer is lost. */
void mt_ob_found(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row)
{
    struct tl_out out = {0};

    tl_put_u32(&out, TL_updates);
    tl_put_vector(&out, known_numbers(row));
    for (size_t i = 0; i < row->n_ids; i++) {
        if (!row->ids[i].number)
            continue;
        tl_put_u32(&out, TL_updateMessageID);
        tl_put_int(&out, row->ids[i].number);
        tl_put_long(&out, row->ids[i].random_id);
    }
    tl_put_vector(&out, 0);
    tl_put_vector(&out, 0);
    tl_put_int(&out, (int32_t)(now.wall / MT_US_PER_S));
    tl_put_int(&out, 0);
    mt_ob_sent(ob, now, row, out.data, out.len);
    tl_out_free(&out);
}

void mt_outbox_number(struct mt_outbox *ob, struct mt_now now, int32_t msg_id, int64_t random_id)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; row; row = row->next)
            for (size_t i = 0; i < row->n_ids; i++) {
                if (row->ids[i].random_id != random_id)
                    continue;
                row->ids[i].number = msg_id;
                if (row->step == MT_OB_FINDING && known_numbers(row) == row->n_ids)
                    mt_ob_found(ob, now, row);
                return;
            }
}

/* --- errors --- */

/* What the server said, as the row keeps it for who asks later: {"code":400,"text":"..."}. */
static char *refusal(int32_t code, const char *text)
{
    json_t *o = json_pack("{s:i, s:s}", "code", (int)code, "text", text);
    char *dump = o ? json_dumps(o, JSON_COMPACT) : NULL;

    json_decref(o);
    return dump;
}

/* True: it waits. Who would have to wait for longer than allowed is answered instead. */
static bool hold(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row,
                 const struct mt_outbox_refusal *e)
{
    int64_t until = now.mono + e->seconds * MT_US_PER_S;

    if (!e->wait)
        return false;
    if (!row->expires && !e->throttle && (e->seconds > row->flood_wait || until >= mt_ob_deadline_of(row)))
        return false;
    row->until = until;
    if (!row->maybe && row->first_sent) { /* nothing of it has happened: it may be taken back */
        row->first_sent = 0;
        mt_ob_write(ob, row, MT_SEND_WAITING, (struct tl_slice){0});
    }
    mt_ob_step(ob, now, row, MT_OB_HELD);
    return true;
}

void mt_ob_refused(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row,
                   const struct mt_outbox_refusal *e)
{
    struct mt_reply r = {
        .kind = MT_REPLY_RPC_ERROR, .code = e->code, .seconds = e->seconds, .local = e->local};
    size_t n = strlen(e->text) < sizeof r.text ? strlen(e->text) : sizeof r.text - 1;
    char *why;

    row->maybe = row->maybe || e->maybe;
    if (!strncmp(e->text, "SLOWMODE_WAIT_", 14) && !e->local)
        mt_ob_slow_note(ob, row->chat, now.mono + e->seconds * MT_US_PER_S);
    if (hold(ob, now, row, e))
        return;
    if (row->maybe && !row->refused &&
        mt_ob_can_look(row)) { /* refused is this copy: an earlier one may be there */
        row->refused = e->code ? e->code : -1;
        snprintf(row->refusal, sizeof row->refusal, "%s", e->text);
        row->refused_for = e->seconds;
        row->old = true;
        mt_ob_step(ob, now, row, MT_OB_LOOK);
        return;
    }
    if (row->maybe && !row->refused)
        r.sent = MT_SENT_UNKNOWN;
    memcpy(r.text, e->text, n);
    why = refusal(e->code, r.text);
    mt_ob_end(ob, row, MT_SEND_FAILED, (struct tl_slice){(const uint8_t *)why, why ? strlen(why) : 0}, &r);
    free(why);
}

/* What a write without a random_id is told when it is made again. */
static bool is_done_already(const struct mt_ob_row *row, const char *text)
{
    return !row->n_ids && (!strcmp(text, "MESSAGE_NOT_MODIFIED") || !strcmp(text, "CHAT_NOT_MODIFIED"));
}

void mt_outbox_error(struct mt_outbox *ob, struct mt_now now, int64_t id, const struct mt_outbox_refusal *e,
                     bool *find)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);

    *find = false;
    if (!row)
        return;
    if (!strcmp(e->text, "RANDOM_ID_DUPLICATE")) { /* trap 38: it was executed */
        if (known_numbers(row) == row->n_ids) {
            mt_ob_found(ob, now, row);
            return;
        }
        if (e->maybe)
            row->maybe = true;
        row->find_until = now.mono + MT_FIND_WAIT;
        mt_ob_step(ob, now, row, MT_OB_FINDING);
        *find = true;
        return;
    }
    if (is_done_already(row, e->text)) {
        mt_ob_sent(ob, now, row, NULL, 0);
        return;
    }
    mt_ob_refused(ob, now, row, e);
    mt_ob_start_lanes(ob, now);
}

/* --- no answer --- */

/* Followed to its end: the same again, the server knows it or executes it now. */
static void once_more(struct mt_outbox *ob, struct mt_ob_row *row, struct mt_now now, struct mt_reply *r)
{
    row->told = row->told || row->waiters;
    mt_ob_reply_all(ob, row, r);
    if (!row->expires)
        row->expires = now.mono + MT_RESEND_LIFE * MT_US_PER_S;
    row->step = MT_OB_READY; /* its row says RUNNING already */
}

void mt_outbox_failed(struct mt_outbox *ob, struct mt_now now, int64_t id, int code, enum mt_sent how)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);
    struct mt_reply r = {.kind = MT_REPLY_FAILED, .code = code, .sent = how};
    bool passes = code == MT_E_TIMEOUT || code == MT_E_STATE || code == MT_E_PEER;

    if (!row)
        return;
    if (code == MT_E_PEER && !row->n_ids) {
        /* It was executed, only we cannot read what became of it. The same again would be executed again, and
         * its answer could be read no better. */
        mt_ob_sent(ob, now, row, NULL, 0);
        return;
    }
    row->maybe = row->maybe || how != MT_SENT_NO;
    row->checked = row->checked && how == MT_SENT_NO;
    if (row->maybe)
        how = MT_SENT_UNKNOWN;
    if (code == MT_E_STATE && mt_ob_is_edit(row) && mt_ob_deadline_of(row) > now.mono) {
        row->step = MT_OB_READY; /* those who wait may still hear how it ended */
        return;
    }
    if (code == MT_E_TIMEOUT) {
        r.kind = MT_REPLY_TIMEOUT;
        if (mt_ob_deadline_of(row) > now.mono) { /* somebody joined who has more time */
            row->step = MT_OB_READY;
            return;
        }
    }
    r.sent = how;
    if (passes && (row->maybe || row->expires) && (!row->expires || row->expires > now.mono)) {
        r.sent = MT_SENT_UNKNOWN;
        once_more(ob, row, now, &r);
        return;
    }
    if (passes && row->maybe && mt_ob_can_look(row)) { /* its time is over, and nobody knows */
        row->told = row->told || row->waiters;
        mt_ob_reply_all(ob, row, &r);
        row->old = true;
        mt_ob_start(ob, now, row);
        return;
    }
    if (!row->maybe)
        mt_ob_end(ob, row, code == MT_E_TIMEOUT ? MT_SEND_EXPIRED : MT_SEND_FAILED, (struct tl_slice){0}, &r);
    else
        mt_ob_end(ob, row, MT_SEND_FAILED, (struct tl_slice){(const uint8_t *)unknown, sizeof unknown - 1},
                  &r);
    mt_ob_start_lanes(ob, now);
}

/* --- the login is gone --- */

/* Whoever was promised a send hears that there will be none; the rows go with the login, in this turn. */
void mt_outbox_logged_out(struct mt_outbox *ob, const char *reason)
{
    char *why = refusal(401, reason);

    while (ob->lanes) {
        struct mt_ob_row *row = ob->lanes->first;
        struct mt_reply r = {.kind = MT_REPLY_NOT_LOGGED_IN, .sent = mt_ob_sent_so_far(row)};
        const char *text = r.sent == MT_SENT_UNKNOWN ? unknown : why;

        mt_ob_end(ob, row, MT_SEND_FAILED, (struct tl_slice){(const uint8_t *)text, text ? strlen(text) : 0},
                  &r);
    }
    free(why);
    memset(ob->known, 0, sizeof ob->known); /* numbers of another user's messages */
    ob->loaded = false;
    ob->load_at = 0;
}
