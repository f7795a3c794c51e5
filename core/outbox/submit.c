#include "core/outbox/inside.h"

#include <string.h>

/* --- submit --- */

struct earlier {
    struct mt_outbox *ob;
    const struct mt_send *send;
    const uint8_t *digest;
    struct mt_now now;
    const struct mt_outbox_row *ended; /* in the queue of effects */
    bool answered;
};

static void answer_again(struct earlier *e, const struct mt_outbox_row *row)
{
    struct mt_reply r = {.kind = MT_REPLY_RESULT, .again = true, .send_id = row->id, .sent = MT_SENT_YES};
    json_t *value = json_loadb((const char *)row->result.p, row->result.n, JSON_DECODE_ANY, NULL);
    const struct tl_def *def = tl_def_by_name((const char *)row->method.p, row->method.n, true);
    struct tl_json_error error;
    struct tl_out out = {0};

    if (value && def && !tl_field_from_json(&def->result, value, "result", NULL, &out, &error)) {
        r.p = out.data;
        r.n = out.len;
    }
    json_decref(value);
    mt_ob_reply(e->ob, e->send->token, &r);
    tl_out_free(&out);
    e->answered = true;
}

static int see_earlier(void *arg, const struct mt_outbox_row *row)
{
    struct earlier *e = arg;

    if ((mt_send_has_ended(row->state) && row->state != MT_SEND_SENT) ||
        row->created + MT_DEDUP_LIFE < e->now.wall / MT_US_PER_S)
        return 0;
    if (row->digest.n != 32 || memcmp(row->digest.p, e->digest, 32) != 0) {
        mt_ob_reply(e->ob, e->send->token,
                    &(struct mt_reply){.kind = MT_REPLY_DEDUP_MISMATCH, .send_id = row->id});
        e->answered = true;
    } else if (row->state == MT_SEND_SENT) {
        answer_again(e, row);
    }
    return 0;
}

/* A row that has ended in this turn is neither in memory nor stored yet: it is on its way there. */
static bool see_on_its_way(void *arg, const struct mt_fx *fx)
{
    struct earlier *e = arg;

    if (fx->kind == MT_FX_OUTBOX && fx->row->chat == e->send->chat &&
        fx->row->dedup.n == e->send->dedup_len && mt_send_has_ended(fx->row->state) &&
        memcmp(fx->row->dedup.p, e->send->dedup, e->send->dedup_len) == 0)
        e->ended = fx->row;
    return true;
}

/* 1: answered or joined; 0: it is new. */
static int join(struct mt_outbox *ob, struct mt_now now, const struct mt_send *send, const uint8_t digest[32])
{
    struct earlier e = {.ob = ob, .send = send, .digest = digest, .now = now};

    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next)
        for (struct mt_ob_row *row = lane->first; lane->chat == send->chat && row; row = row->next) {
            if (row->dedup_len != send->dedup_len || memcmp(row->dedup, send->dedup, send->dedup_len) != 0)
                continue;
            if (memcmp(row->digest, digest, 32) != 0) {
                mt_ob_reply(ob, send->token,
                            &(struct mt_reply){.kind = MT_REPLY_DEDUP_MISMATCH, .send_id = row->id});
                return 1;
            }
            return mt_ob_add_waiter(ob, now, row, send) ? MT_E_NOMEM : 1;
        }
    mt_fxq_each(ob->cfg.fxq, see_on_its_way, &e);
    if (e.ended)
        see_earlier(&e, e.ended);
    else if (ob->cfg.store && ob->cfg.store->send_by_dedup)
        ob->cfg.store->send_by_dedup(ob->cfg.store->ctx, send->chat, send->dedup, send->dedup_len,
                                     see_earlier, &e);
    return e.answered;
}

/* When it expires, in Unix s, for who reads the row. */
static int64_t on_the_wall(struct mt_now now, int64_t mono)
{
    return mono == MT_NEVER ? 0 : (now.wall + mono - now.mono) / MT_US_PER_S;
}

static int make_row(struct mt_outbox *ob, struct mt_now now, const struct mt_send *send,
                    const uint8_t digest[32], struct mt_ob_row **out)
{
    struct mt_ob_row *row =
        mt_ob_row_new(send->method, strlen(send->method), send->params, strlen(send->params));

    *out = row;
    if (!row)
        return MT_E_NOMEM;
    ob->last_id = now.wall > ob->last_id ? now.wall : ob->last_id + 1;
    row->id = ob->last_id;
    row->chat = send->chat;
    row->created = now.wall / MT_US_PER_S;
    row->expires_wall = on_the_wall(now, send->queue ? send->expires : send->deadline);
    row->flags = (send->queue ? MT_SEND_QUEUED : 0) | (send->unordered ? MT_SEND_UNORDERED : 0);
    row->flood_wait = send->flood_wait;
    memcpy(row->digest, digest, 32);
    row->dedup_len = send->dedup ? send->dedup_len : 0;
    if (row->dedup_len) {
        memcpy(row->dedup, send->dedup, row->dedup_len);
        row->random_id = mt_ob_dedup_id(ob->cfg.secret, row->chat, row->dedup, row->dedup_len);
    }
    while (!row->random_id)
        row->random_id = (int64_t)mt_env_random64(ob->cfg.env);
    return mt_ob_make_ids(row);
}

int mt_outbox_submit(struct mt_outbox *ob, struct mt_now now, const struct mt_send *send)
{
    struct tl_out probe = {0};
    struct mt_ob_row *row;
    uint8_t digest[32];
    int err;

    if (send->dedup && (!send->dedup_len || send->dedup_len > MT_DEDUP_MAX))
        return MT_E_ARG;
    if (ob->n_rows >= MT_OUTBOX_ROWS)
        return MT_E_TOO_LARGE;
    mt_ob_digest(send->method, send->params, digest);
    if (send->dedup) {
        err = join(ob, now, send, digest);
        if (err)
            return err < 0 ? err : MT_OK;
    }
    err = make_row(ob, now, send, digest, &row);
    if (!err)
        err = mt_ob_encode(row, &probe); /* what cannot be sent is refused before it is written */
    tl_out_free(&probe);
    if (!err)
        err = mt_ob_append(ob, row);
    if (err) {
        mt_ob_row_free(row);
        return err;
    }
    if (mt_ob_is_next(row)) {
        mt_ob_start(ob, now, row);
        err = row->step == MT_OB_WAITING ? MT_E_NOMEM : MT_OK;
    } else {
        err = mt_ob_write(ob, row, MT_SEND_WAITING, (struct tl_slice){0});
    }
    if (!err)
        err = mt_ob_add_waiter(ob, now, row, send);
    if (err) { /* its caller is told so, and then nothing may leave */
        mt_ob_write(ob, row, MT_SEND_FAILED, (struct tl_slice){0});
        mt_ob_take_out(ob, row);
        mt_ob_row_free(row);
    }
    return err;
}

/* --- after a restart --- */

struct loading {
    struct mt_outbox *ob;
    struct mt_now now;
    bool again; /* some are here already */
    bool failed;
};
#define LOAD_AGAIN MT_US_PER_S

/* Until when it is tried: a queued one as it says, one that may have left for a day, another for its caller.
 */
static int64_t end_of(const struct mt_ob_row *row)
{
    if (!(row->flags & MT_SEND_QUEUED) && row->first_sent)
        return row->first_sent + MT_RESEND_LIFE;
    return row->expires_wall ? row->expires_wall : row->created + MT_RESEND_LIFE;
}

static int load_row(void *arg, const struct mt_outbox_row *stored)
{
    struct loading *l = arg;
    struct mt_ob_row *row;

    l->failed = true; /* until it is in its lane */
    if (l->again && mt_ob_by_id(l->ob, stored->id)) {
        l->failed = false;
        return 0;
    }
    row = mt_ob_row_new((const char *)stored->method.p, stored->method.n, (const char *)stored->params.p,
                        stored->params.n);

    if (!row)
        return MT_E_NOMEM;
    row->id = stored->id;
    row->chat = stored->chat;
    row->random_id = stored->random_id;
    row->created = stored->created;
    row->first_sent = stored->first_sent;
    row->expires_wall = stored->expires;
    row->flags = stored->flags;
    row->maybe = row->first_sent;
    row->told = true; /* who asked does not know */
    row->old = row->first_sent && row->first_sent + MT_RESEND_LIFE < l->now.wall / MT_US_PER_S;
    row->expires = l->now.mono + end_of(row) * MT_US_PER_S - l->now.wall;
    if (row->expires <= 0)
        row->expires = 1; /* long ago */
    row->dedup_len = stored->dedup.n < MT_DEDUP_MAX ? stored->dedup.n : MT_DEDUP_MAX;
    if (row->dedup_len)
        memcpy(row->dedup, stored->dedup.p, row->dedup_len);
    if (stored->digest.n == 32)
        memcpy(row->digest, stored->digest.p, 32);
    if (row->id > l->ob->last_id)
        l->ob->last_id = row->id;
    if (mt_ob_make_ids(row) == MT_E_NOMEM || mt_ob_append(l->ob, row)) {
        mt_ob_row_free(row);
        return MT_E_NOMEM;
    }
    l->failed = false;
    return 0;
}

void mt_outbox_load(struct mt_outbox *ob, struct mt_now now)
{
    struct loading l = {ob, now, ob->load_at != 0, false};
    int err;

    if (ob->loaded || !ob->cfg.store || !ob->cfg.store->each_unsent)
        return;
    ob->loaded = true;
    ob->load_at = 0;
    err = ob->cfg.store->each_unsent(ob->cfg.store->ctx, load_row, &l);
    if (l.failed || (err != MT_OK && err != MT_E_NOT_FOUND)) {
        ob->loaded = false; /* no memory, or the disk: not before the next start would be too late */
        ob->load_at = now.mono + LOAD_AGAIN;
    }
    mt_outbox_tick(ob, now); /* what has expired ends, the first of every lane begins */
}
