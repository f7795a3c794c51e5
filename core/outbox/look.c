/*
 * Finding a message again that was sent, or may have been, and whose number nobody told: among what we have
 * said in its chat since then, by its text. And whether an edit was made: by the message itself.
 * https://core.telegram.org/method/messages.search
 */
#include "core/outbox/inside.h"

#include <jansson.h>
#include <string.h>

#include "core/peers/peers.h"
#include "tl/ids.h"

#define LOOK_LIMIT 100
#define LOOK_EARLY 60 /* s before the first byte: clocks differ */
#define LOOK_SURE  2  /* s before it: what is older was hardly sent by it */

void mt_outbox_clock(struct mt_outbox *ob, int64_t ahead)
{
    ob->ahead = ahead;
}

bool mt_ob_is_edit(const struct mt_ob_row *row)
{
    return !strcmp(row->method, "messages.editMessage");
}

bool mt_ob_can_look(const struct mt_ob_row *row)
{
    return (row->n_ids == 1 && !strcmp(row->method, "messages.sendMessage")) || mt_ob_is_edit(row);
}

bool mt_ob_must_look(const struct mt_ob_row *row)
{
    return row->maybe && !row->checked && mt_ob_is_edit(row);
}

/* When it may have been executed first, by the server's clock. */
static int64_t since(const struct mt_outbox *ob, const struct mt_ob_row *row)
{
    return row->first_sent + ob->ahead;
}

/*
 * A repetition with a dedup key, of which we have sent nothing: the server knows it from a life of ours
 * before everything was lost, and nobody knows when that was.
 */
static bool is_of_another_life(const struct mt_ob_row *row)
{
    return row->dedup_len && !row->maybe && !row->old;
}

/* --- what other sends became --- */

void mt_ob_note_known(struct mt_outbox *ob, mt_chat_id chat, int32_t number)
{
    ob->known[ob->next_known].chat = chat;
    ob->known[ob->next_known].number = number;
    ob->next_known = (ob->next_known + 1) % MT_OB_KNOWN_MAX;
}

static bool is_known(const struct mt_outbox *ob, mt_chat_id chat, int32_t number)
{
    for (size_t i = 0; i < MT_OB_KNOWN_MAX; i++)
        if (ob->known[i].number == number && ob->known[i].chat == chat)
            return true;
    return false;
}

/* --- the question --- */

/* In a channel posts are the channel's; everywhere else ours are found by their sender. */
static bool posts_as_channel(const struct mt_outbox *ob, const struct mt_ob_row *row)
{
    const struct store_ops *s = ob->cfg.store;
    struct mt_peer peer;

    return s && s->peer_by_chat && s->peer_by_chat(s->ctx, row->chat, &peer) == MT_OK && peer.broadcast;
}

static json_t *search_params(const struct mt_outbox *ob, const struct mt_ob_row *row, json_t *sent)
{
    int64_t from = is_of_another_life(row) ? 0 : since(ob, row) - LOOK_EARLY;
    json_t *params =
        json_pack("{s:O, s:s, s:{s:s}, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "peer",
                  json_object_get(sent, "peer"), "q", "", "filter", "_", "inputMessagesFilterEmpty",
                  "min_date", (json_int_t)(from > 0 ? from : 0), "max_date", 0, "offset_id", 0, "add_offset",
                  0, "limit", LOOK_LIMIT, "max_id", 0, "min_id", 0, "hash", 0);

    if (params && !posts_as_channel(ob, row))
        json_object_set_new(params, "from_id", json_pack("{s:s}", "_", "inputPeerSelf"));
    return params;
}

/* The message that was edited; *method is where it is asked for. */
static json_t *message_params(json_t *sent, const char **method)
{
    json_t *peer = json_object_get(sent, "peer"), *channel;
    const char *type = json_string_value(json_object_get(peer, "_"));
    json_t *params =
        json_pack("{s:[{s:s, s:O}]}", "id", "_", "inputMessageID", "id", json_object_get(sent, "id"));

    *method = "messages.getMessages";
    if (!params || !type || strncmp(type, "inputPeerChannel", 16) != 0)
        return params;
    *method = "channels.getMessages";
    channel = json_copy(peer);
    if (channel)
        json_object_set_new(channel, "_", json_string(type[16] ? "inputChannelFromMessage" : "inputChannel"));
    json_object_set_new(params, "channel", channel);
    return params;
}

int mt_ob_look_encode(const struct mt_outbox *ob, const struct mt_ob_row *row, struct tl_out *out)
{
    const char *method = "messages.search";
    json_t *sent = json_loads(row->params, 0, NULL);
    json_t *params = mt_ob_is_edit(row) ? message_params(sent, &method) : search_params(ob, row, sent);
    const struct tl_def *def = tl_def_by_name(method, strlen(method), true);
    struct tl_json_error error;
    int err = params ? tl_call_from_json(def, params, "params", NULL, out, &error) : TL_E_NOMEM;

    json_decref(params);
    json_decref(sent);
    return err ? MT_E_ARG : MT_OK;
}

/* --- the answer to it --- */

static struct tl_slice trimmed(struct tl_slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\n' || s.p[0] == '\t' || s.p[0] == '\r'))
        s.p++, s.n--;
    while (s.n &&
           (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

static bool says_the_same(const struct tl_view *m, const json_t *params)
{
    const json_t *text = json_object_get(params, "message");
    struct tl_slice theirs, ours;

    if (m->def->id != TL_message || !json_is_string(text))
        return false;
    ours = trimmed((struct tl_slice){(const uint8_t *)json_string_value(text), json_string_length(text)});
    theirs = trimmed(tl_get_bytes(m, TLF_message__message));
    return ours.n == theirs.n && ours.n && !memcmp(ours.p, theirs.p, ours.n);
}

/* What a search has brought. */
struct found {
    int32_t number; /* 0: it is not among them */
    bool all;       /* there were no more */
};

/*
 * The newest comes first. Ours is the first since its first byte that says the same and is no other send's;
 * else, by clocks that differ, the last before.
 */
static struct found find(const struct mt_outbox *ob, const struct mt_ob_row *row,
                         const struct tl_view *result, const json_t *params)
{
    bool any_time = is_of_another_life(row);
    struct found f = {.all = true};
    int32_t early = 0;
    struct tl_view m;
    size_t n = 0;
    int field = tl_view_field(result, "messages");
    struct tl_vec list = field >= 0 ? tl_get_vector(result, (unsigned)field) : (struct tl_vec){0};

    while (tl_vec_object(&list, &m)) {
        int32_t id;

        f.all = ++n < LOOK_LIMIT;
        if (!says_the_same(&m, params) || !tl_has(&m, TLF_message__out))
            continue;
        id = tl_get_int(&m, TLF_message__id);
        if (is_known(ob, row->chat, id))
            continue;
        if (!any_time && tl_get_int(&m, TLF_message__date) >= since(ob, row) - LOOK_SURE)
            f.number = id;
        else if (!early && (any_time || tl_get_int(&m, TLF_message__date) >= since(ob, row) - LOOK_EARLY))
            early = id;
    }
    f.number = f.number ? f.number : early;
    return f;
}

static void send_looked(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row,
                        const struct tl_view *result, const json_t *params)
{
    struct found f = {.all = false};

    if (result)
        f = find(ob, row, result, params);
    if (!row->ids[0].number)
        row->ids[0].number = f.number;
    if (row->ids[0].number || !row->old) {
        mt_ob_found(ob, now, row);
        return;
    }
    if (f.all && row->refused) /* it is not there: the refusal counts */
        mt_ob_refused(ob, now, row,
                      &(struct mt_outbox_refusal){
                          .code = row->refused, .text = row->refusal, .seconds = row->refused_for});
    else
        mt_ob_end_unknown(ob, row);
}

/* How the message stands that was to be edited. */
enum stands { STANDS_AS_WANTED, STANDS_BEFORE, STANDS_AFTER };

static enum stands stands(const struct mt_outbox *ob, const struct mt_ob_row *row,
                          const struct tl_view *result, const json_t *params)
{
    int field = tl_view_field(result, "messages");
    struct tl_vec list = field >= 0 ? tl_get_vector(result, (unsigned)field) : (struct tl_vec){0};
    struct tl_view m;

    while (tl_vec_object(&list, &m)) {
        if (m.def->id != TL_message ||
            tl_get_int(&m, TLF_message__id) != json_integer_value(json_object_get(params, "id")))
            continue;
        if (says_the_same(&m, params))
            return STANDS_AS_WANTED;
        if (tl_get_int(&m, TLF_message__edit_date) >= since(ob, row) - LOOK_SURE)
            return STANDS_AFTER;
    }
    return STANDS_BEFORE;
}

/* NULL: it could not be asked for. */
static void edit_looked(struct mt_outbox *ob, struct mt_now now, struct mt_ob_row *row,
                        const struct tl_view *result, const json_t *params)
{
    enum stands how = result ? stands(ob, row, result, params) : STANDS_BEFORE;

    row->checked = true;
    if (how == STANDS_AS_WANTED) {
        mt_ob_sent(ob, now, row, NULL, 0);
    } else if (how == STANDS_AFTER || (row->old && !(result && row->refused))) {
        mt_ob_end_unknown(ob, row); /* what came after it is not undone */
    } else if (row->refused) {
        mt_ob_refused(ob, now, row,
                      &(struct mt_outbox_refusal){
                          .code = row->refused, .text = row->refusal, .seconds = row->refused_for});
    } else {
        mt_ob_step(ob, now, row, MT_OB_READY);
    }
}

void mt_outbox_looked(struct mt_outbox *ob, struct mt_now now, int64_t id, const void *p, size_t n)
{
    struct mt_ob_row *row = mt_ob_by_id(ob, id);
    struct tl_view result;
    json_t *params;
    bool ok;

    if (!row || row->step != MT_OB_LOOKING)
        return;
    params = json_loads(row->params, 0, NULL);
    ok = params && n && tl_view_open(&result, p, n) == TL_OK;
    if (mt_ob_is_edit(row))
        edit_looked(ob, now, row, ok ? &result : NULL, params);
    else
        send_looked(ob, now, row, ok ? &result : NULL, params);
    json_decref(params);
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
