/*
 * Finding a message again that was sent, or may have been, and whose number nobody told: among what we have
 * said in its chat, by its text. https://core.telegram.org/method/messages.search
 */
#include "core/outbox/inside.h"

#include <jansson.h>
#include <string.h>

#include "core/peers/peers.h"
#include "tl/ids.h"

#define LOOK_LIMIT 100
#define LOOK_EARLY 60 /* s before the first byte, by our clock */

bool mt_ob_can_look(const struct mt_ob_row *row)
{
    return row->n_ids == 1 && !strcmp(row->method, "messages.sendMessage");
}

/* In a channel posts are the channel's; everywhere else ours are found by their sender. */
static bool posts_as_channel(const struct mt_outbox *ob, const struct mt_ob_row *row)
{
    const struct store_ops *s = ob->cfg.store;
    struct mt_peer peer;

    return s && s->peer_by_chat && s->peer_by_chat(s->ctx, row->chat, &peer) == MT_OK && peer.broadcast;
}

int mt_ob_look_encode(const struct mt_outbox *ob, const struct mt_ob_row *row, struct tl_out *out)
{
    const struct tl_def *def = tl_def_by_name("messages.search", 15, true);
    json_t *sent = json_loads(row->params, 0, NULL);
    json_t *params =
        json_pack("{s:O, s:s, s:{s:s}, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "peer",
                  json_object_get(sent, "peer"), "q", "", "filter", "_", "inputMessagesFilterEmpty",
                  "min_date", (json_int_t)(row->old ? row->first_sent - LOOK_EARLY : 0), "max_date", 0,
                  "offset_id", 0, "add_offset", 0, "limit", LOOK_LIMIT, "max_id", 0, "min_id", 0, "hash", 0);
    struct tl_json_error error;
    int err;

    if (params && !posts_as_channel(ob, row))
        json_object_set_new(params, "from_id", json_pack("{s:s}", "_", "inputPeerSelf"));
    err = params ? tl_call_from_json(def, params, "params", NULL, out, &error) : TL_E_NOMEM;

    json_decref(params);
    json_decref(sent);
    return err ? MT_E_ARG : MT_OK;
}

static struct tl_slice trimmed(struct tl_slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\n' || s.p[0] == '\t' || s.p[0] == '\r'))
        s.p++, s.n--;
    while (s.n &&
           (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

static bool is_it(const struct mt_ob_row *row, const struct tl_view *m, const json_t *params)
{
    const json_t *text = json_object_get(params, "message");
    struct tl_slice theirs, ours;

    if (m->def->id != TL_message || !tl_has(m, TLF_message__out))
        return false;
    if (row->old && tl_get_int(m, TLF_message__date) < row->first_sent - LOOK_EARLY)
        return false;
    ours = trimmed((struct tl_slice){(const uint8_t *)json_string_value(text), json_string_length(text)});
    theirs = trimmed(tl_get_bytes(m, TLF_message__message));
    return ours.n == theirs.n && ours.n && !memcmp(ours.p, theirs.p, ours.n);
}

/* The newest that fits; of one that was sent long ago the oldest since then. */
static int32_t number_in(const struct mt_ob_row *row, const void *p, size_t n)
{
    json_t *params = json_loads(row->params, 0, NULL);
    struct tl_view result, m;
    struct tl_vec list;
    int32_t number = 0;
    int field;

    if (tl_view_open(&result, p, n) == TL_OK && (field = tl_view_field(&result, "messages")) >= 0) {
        list = tl_get_vector(&result, (unsigned)field);
        while (tl_vec_object(&list, &m))
            if (is_it(row, &m, params) && (row->old || !number))
                number = tl_get_int(&m, TLF_message__id);
    }
    json_decref(params);
    return number;
}

void mt_outbox_looked(struct mt_outbox *ob, struct mt_now now, int64_t id, const void *p, size_t n)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);

    if (!row || row->step != MT_OB_LOOKING)
        return;
    if (!row->ids[0].number && n)
        row->ids[0].number = number_in(row, p, n);
    if (row->ids[0].number || !row->old) {
        mt_ob_found(ob, now, row);
        return;
    }
    if (n && row->refused) /* it is not there: the refusal counts */
        mt_ob_refused(ob, now, row,
                      &(struct mt_outbox_refusal){
                          .code = row->refused, .text = row->refusal, .seconds = row->refused_for});
    else
        mt_ob_end_unknown(ob, row);
    mt_ob_start_lanes(ob, now);
}

/* What is FINDING gets no number any more: one of them; false: none. */
static bool give_up_one(struct mt_outbox *ob, struct mt_now now)
{
    for (struct mt_ob_lane *lane = ob->lanes; lane; lane = lane->next) {
        struct mt_ob_row *row = lane->first;

        if (row->step != MT_OB_FINDING)
            continue;
        if (mt_ob_can_look(row))
            mt_ob_step(ob, now, row, MT_OB_LOOK);
        else
            mt_ob_found(ob, now, row);
        return true;
    }
    return false;
}

void mt_outbox_in_sync(struct mt_outbox *ob, struct mt_now now)
{
    while (give_up_one(ob, now))
        ;
}
