#include "rpc/filter.h"
#include "rpc/views/views.h"
#include "tl/json.h"

#include <inttypes.h>
#include <string.h>

void rpc_shape_of(const struct rpc_req *req, struct rpc_shape *out)
{
    json_t *fields = rpc_arg(req, "fields");

    if (!fields)
        fields = req->opt.fields;
    *out = (struct rpc_shape){.fields = json_array_size(fields) ? json_incref(fields) : NULL,
                              .format = rpc_arg_format(req),
                              .raw = rpc_arg_bool(req, "raw")};
}

void rpc_shape_fini(struct rpc_shape *s)
{
    json_decref(s->fields);
    s->fields = NULL;
}

static json_t *raw_json(const struct rpc_event *e)
{
    struct tl_in in = tl_in(e->raw.p, e->raw.n);
    struct tl_out text = {.limit = RPC_VALUE_MAX};
    json_t *raw = NULL;

    if (e->raw.n && e->layer == tl_layer && tl_to_json(&in, &text) == TL_OK)
        raw = json_loadb((const char *)text.data, text.len, 0, NULL);
    tl_out_free(&text);
    return raw;
}

/* What a consumer cannot do without stays, whatever its fields say. */
static json_t *project(json_t *event, const json_t *fields)
{
    static const char *const always[] = {"cursor", "type"};
    json_t *part = rpc_project(event, fields);

    for (size_t i = 0; part && i < sizeof always / sizeof always[0]; i++)
        if (json_object_get(event, always[i]))
            json_object_set(part, always[i], json_object_get(event, always[i]));
    json_decref(event);
    return part;
}

json_t *rpc_event_json(const struct rpc_event *e, const struct rpc_shape *s)
{
    struct tl_out text = {.limit = RPC_VALUE_MAX};
    char cursor[32];
    json_t *event, *raw;

    rpc_cursor_text(e->cursor, cursor);
    tl_put_raw(&text, "{", 1);
    if (e->cursor.epoch) {
        tl_put_raw(&text, "\"cursor\":\"", 10);
        tl_put_raw(&text, cursor, strlen(cursor));
        tl_put_raw(&text, "\",", 2);
    }
    tl_put_raw(&text, e->body.p, e->body.n);
    tl_put_raw(&text, "}", 1);
    event = text.err ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
    tl_out_free(&text);
    if (!event)
        return NULL;
    if (s->format && json_is_object(json_object_get(event, e->type)) &&
        (strcmp(e->type, "message") == 0 || strcmp(e->type, "edit") == 0))
        rpc_view_add_format(json_object_get(event, e->type), s->format);
    if ((s->raw || strcmp(e->type, "raw") == 0) && (raw = raw_json(e)))
        json_object_set_new(event, "raw", raw);
    return s->fields ? project(event, s->fields) : event;
}

void rpc_event_line(struct tl_out *out, int64_t subscription, const struct rpc_event *e,
                    const struct rpc_shape *s)
{
    char head[160];
    int n = snprintf(head, sizeof head,
                     "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":%" PRId64,
                     subscription);
    json_t *event;

    tl_put_raw(out, head, (size_t)n);
    if (s->fields || s->format || s->raw || strcmp(e->type, "raw") == 0) {
        size_t at = out->len;

        event = rpc_event_json(e, s);
        if (!event) {
            tl_out_fail(out, TL_E_NOMEM);
            return;
        }
        rpc_json_put(out, event); /* its { becomes the comma after the subscription */
        if (!out->err)
            out->data[at] = ',';
        json_decref(event);
        tl_put_raw(out, "}\n", 2);
        return;
    }
    if (e->cursor.epoch) {
        n = snprintf(head, sizeof head, ",\"cursor\":\"%" PRIu32 ".%" PRIu64 "\"", e->cursor.epoch,
                     e->cursor.number);
        tl_put_raw(out, head, (size_t)n);
    }
    tl_put_raw(out, ",", 1);
    tl_put_raw(out, e->body.p, e->body.n);
    tl_put_raw(out, "}}\n", 3);
}
