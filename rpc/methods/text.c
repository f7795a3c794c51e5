#include "rpc/methods/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse(const char *mode, const char *text, size_t n, struct mt_text *out,
                 struct mt_text_error *error)
{
    if (strcmp(mode, "markdown") == 0)
        return mt_text_from_markdown(text, n, out, error);
    if (strcmp(mode, "html") == 0)
        return mt_text_from_html(text, n, out, error);
    return mt_text_from_markdown_basic(text, n, out, error);
}

static bool one_entity(const json_t *o, struct mt_entity *e, const char **what)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    const char *url = json_string_value(json_object_get(o, "url"));
    const char *language = json_string_value(json_object_get(o, "language"));
    const char *emoji = json_string_value(json_object_get(o, "custom_emoji_id"));
    int known = type ? mt_entity_by_name(type) : -1;
    json_int_t offset = json_integer_value(json_object_get(o, "offset"));
    json_int_t length = json_integer_value(json_object_get(o, "length"));

    *what = known < 0 ? "type is none of those that are known" : "offset and length do not fit";
    if (known < 0 || offset < 0 || length <= 0 || offset + length > MT_TEXT_MAX)
        return false;
    *e = (struct mt_entity){
        .type = (enum mt_entity_type)known, .offset = (int32_t)offset, .length = (int32_t)length};
    e->id = json_integer_value(json_object_get(o, "user_id"));
    if (emoji)
        e->id = strtoll(emoji, NULL, 10);
    *what = "url, user_id or custom_emoji_id is missing";
    if ((known == MT_ENT_TEXT_LINK && !url) ||
        ((known == MT_ENT_TEXT_MENTION || known == MT_ENT_CUSTOM_EMOJI) && !e->id))
        return false;
    if (known == MT_ENT_TEXT_LINK || (known == MT_ENT_PRE && language)) {
        e->arg = strdup(known == MT_ENT_PRE ? language : url);
        *what = "out of memory";
        return e->arg != NULL;
    }
    return true;
}

/* The server takes white space off both ends; so does what we answer before it has told us. */
static void trim(const char **text, size_t *n)
{
    while (*n && strchr(" \t\r\n\v\f", (*text)[*n - 1]))
        --*n;
    for (; *n && strchr(" \t\r\n\v\f", **text); --*n)
        ++*text;
}

/* Plain text with the entities that were given. */
static bool with_entities(struct rpc_req *req, const json_t *list, const char *text, size_t n,
                          struct mt_text *out)
{
    const char *what = NULL;
    const json_t *o;
    size_t i;

    memset(out, 0, sizeof *out);
    if (!list)
        trim(&text, &n);
    out->text = strndup(text, n);
    out->entities = calloc(json_array_size(list) + 1, sizeof *out->entities);
    if (!out->text || !out->entities) {
        rpc_fail_nomem(req);
        goto fail;
    }
    out->n = n;
    json_array_foreach (list, i, o) {
        if (!one_entity(o, &out->entities[i], &what)) {
            rpc_fail(req, RPC_E_INVALID_PARAMS, "params.entities[%zu]: %s", i, what);
            goto fail;
        }
        out->n_entities = i + 1;
    }
    return true;
fail:
    mt_text_fini(out);
    return false;
}

bool rpc_text_arg(struct rpc_req *req, struct mt_text *out)
{
    const json_t *arg = rpc_arg(req, "text"), *entities = rpc_arg(req, "entities");
    const char *mode = rpc_arg_str(req, "parse_mode");
    const char *text = json_string_value(arg);
    size_t n = json_string_length(arg);
    struct mt_text_error error = {0};
    int r;

    if (mode && entities) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: parse_mode and entities exclude each other");
        return false;
    }
    if (!mode || entities) {
        if (n > MT_TEXT_MAX || json_array_size(entities) > MT_ENTITIES_MAX) {
            rpc_fail(req, RPC_E_TOO_LARGE, "params.text: more than %d bytes, or too many entities",
                     MT_TEXT_MAX);
            return false;
        }
        return with_entities(req, entities, text ? text : "", n, out);
    }
    r = parse(mode, text ? text : "", n, out, &error);
    if (r == MT_E_ARG)
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.text: %s (byte %zu)", error.what, error.at);
    else if (r == MT_E_TOO_LARGE)
        rpc_fail(req, RPC_E_TOO_LARGE, "params.text: more than %d bytes, or too many entities", MT_TEXT_MAX);
    else if (r != MT_OK)
        rpc_fail_mt(req, r);
    return r == MT_OK;
}

static json_t *entity_json(const struct mt_entity *e, int32_t offset, int32_t length)
{
    char id[24];
    json_t *o = json_pack("{s:s, s:i, s:i}", "_",
                          e->type == MT_ENT_TEXT_MENTION ? "inputMessageEntityMentionName"
                                                         : mt_entity_constructor(e->type),
                          "offset", (int)offset, "length", (int)length);

    if (!o)
        return NULL;
    snprintf(id, sizeof id, "%lld", (long long)e->id);
    if (e->type == MT_ENT_TEXT_LINK)
        json_object_set_new(o, "url", json_string(e->arg ? e->arg : ""));
    else if (e->type == MT_ENT_PRE)
        json_object_set_new(o, "language", json_string(e->arg ? e->arg : ""));
    else if (e->type == MT_ENT_TEXT_MENTION)
        json_object_set_new(o, "user_id", json_string(id));
    else if (e->type == MT_ENT_CUSTOM_EMOJI)
        json_object_set_new(o, "document_id", json_string(id));
    else if (e->type == MT_ENT_EXPANDABLE)
        json_object_set_new(o, "collapsed", json_true());
    return o;
}

json_t *rpc_text_entities(const struct mt_text *t, int32_t from, int32_t to)
{
    json_t *list = NULL;

    for (size_t i = 0; i < t->n_entities; i++) {
        const struct mt_entity *e = &t->entities[i];
        int32_t start = e->offset > from ? e->offset : from;
        int32_t end = e->offset + e->length < to ? e->offset + e->length : to;

        if (end <= start)
            continue;
        if (!list)
            list = json_array();
        if (list)
            (void)json_array_append_new(list, entity_json(e, start - from, end - start));
    }
    return list;
}

size_t rpc_text_part(const struct mt_text *t, size_t byte)
{
    const char *p = t->text + byte;
    size_t left = t->n - byte, max = mt_utf16_to_byte(p, left, RPC_TEXT_UNITS), cut = 0;

    if (max >= left)
        return left;
    for (size_t i = 1; i <= max; i++) {
        if (p[i - 1] == '\n')
            cut = i;
        else if (p[i - 1] == ' ' && (!cut || p[cut - 1] == ' '))
            cut = i;
    }
    return cut > max / 2 ? cut : max;
}
