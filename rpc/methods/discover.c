#include "rpc/impl.h"

#include <string.h>

/* --- schemas as they stand in the files -> OpenRPC --- */

/* {"$ref":"Message"} -> {"$ref":"#/components/schemas/Message"}, everywhere in the tree. */
static void point_at_components(json_t *value)
{
    const char *name;
    json_t *sub;
    size_t i;

    if (json_is_array(value)) {
        json_array_foreach (value, i, sub)
            point_at_components(sub);
        return;
    }
    json_object_foreach (value, name, sub) {
        if (strcmp(name, "$ref") == 0 && json_is_string(sub)) {
            char text[128];

            snprintf(text, sizeof text, "#/components/schemas/%s", json_string_value(sub));
            json_string_set(sub, text);
        } else {
            point_at_components(sub);
        }
    }
}

/* A parameter: what is not JSON schema moves out of it. */
static json_t *openrpc_param(json_t *p)
{
    json_t *out = json_object(), *schema = json_copy(p);

    json_object_set(out, "name", json_object_get(p, "name"));
    json_object_set(out, "summary", json_object_get(p, "summary"));
    json_object_set_new(out, "required", json_boolean(json_is_true(json_object_get(p, "required"))));
    if (json_object_get(p, "aliases"))
        json_object_set(out, "x-aliases", json_object_get(p, "aliases"));
    if (json_is_true(json_object_get(p, "secret")))
        json_object_set_new(out, "x-secret", json_true());
    json_object_del(schema, "name");
    json_object_del(schema, "summary");
    json_object_del(schema, "required");
    json_object_del(schema, "aliases");
    json_object_del(schema, "secret");
    json_object_set_new(out, "schema", schema);
    return out;
}

static json_t *openrpc_errors(json_t *names)
{
    json_t *out = json_array();
    int code;
    const char *name, *text;

    for (size_t i = 0; rpc_error_at(i, &code, &name, &text); i++)
        for (size_t k = 0; k < json_array_size(names); k++)
            if (strcmp(json_string_value(json_array_get(names, k)), name) == 0)
                json_array_append_new(out, json_pack("{s:i,s:s}", "code", code, "message", name));
    return out;
}

static json_t *openrpc_example(json_t *m)
{
    json_t *request = json_object_get(json_object_get(m, "example"), "request"), *params = json_array();
    json_t *result = json_object_get(json_object_get(json_object_get(m, "example"), "answer"), "result");
    const char *name;
    json_t *value;

    json_object_foreach (json_object_get(request, "params"), name, value)
        json_array_append_new(params, json_pack("{s:s,s:O}", "name", name, "value", value));
    return json_pack("[{s:s,s:o,s:{s:s,s:O}}]", "name", "example", "params", params, "result", "name",
                     "result", "value", result);
}

static json_t *openrpc_method(const struct rpc_method *method)
{
    json_t *m = json_loads(method->help, 0, NULL), *params = json_array();
    json_t *out;

    for (size_t i = 0; i < json_array_size(json_object_get(m, "params")); i++)
        json_array_append_new(params, openrpc_param(json_array_get(json_object_get(m, "params"), i)));
    out = json_pack("{s:O,s:O,s:s,s:o,s:{s:s,s:O},s:o,s:o,s:O,s:O}", "name", json_object_get(m, "name"),
                    "summary", json_object_get(m, "summary"), "paramStructure", "either", "params", params,
                    "result", "name", "result", "schema", json_object_get(m, "result"), "errors",
                    openrpc_errors(json_object_get(m, "errors")), "examples", openrpc_example(m), "x-flags",
                    json_object_get(m, "flags"), "x-since", json_object_get(m, "since"));
    if (out && json_object_get(m, "description"))
        json_object_set(out, "description", json_object_get(m, "description"));
    json_decref(m);
    return out;
}

/* --- Telegram's functions out of the tables --- */

static const char *scalar_name(enum tl_kind kind)
{
    switch (kind) {
    case TL_K_INT:
    case TL_K_FLAGS:
        return "int";
    case TL_K_LONG:
        return "long";
    case TL_K_DOUBLE:
        return "double";
    case TL_K_INT128:
        return "int128";
    case TL_K_INT256:
        return "int256";
    case TL_K_STRING:
        return "string";
    case TL_K_BYTES:
        return "bytes";
    case TL_K_BOOL:
        return "Bool";
    case TL_K_TRUE:
        return "true";
    case TL_K_OBJECT:
    case TL_K_BARE:
    case TL_K_ANY:
    case TL_K_VECTOR:
    case TL_K_BARE_VECTOR:
        break;
    }
    return "Object";
}

static json_t *field_type(const struct tl_field *f)
{
    bool vector = f->kind == TL_K_VECTOR || f->kind == TL_K_BARE_VECTOR;
    enum tl_kind kind = (enum tl_kind)(vector ? f->item : f->kind);
    const char *name = kind == TL_K_OBJECT ? tl_type_name(f->type)
                       : kind == TL_K_BARE ? tl_def_name(tl_def_at(f->type))
                                           : scalar_name(kind);

    return vector ? json_sprintf("Vector<%s>", name) : json_string(name);
}

static json_t *raw_info(const struct tl_def *def)
{
    json_t *params = json_array();

    for (size_t i = 0; i < def->n_fields; i++) {
        const struct tl_field *f = tl_def_field(def, i);

        if (f->kind != TL_K_FLAGS)
            json_array_append_new(params, json_pack("{s:s,s:o,s:b}", "name", tl_field_name(f), "type",
                                                    field_type(f), "required", f->flag_bit == TL_NO_FLAG));
    }
    return json_pack("{s:s,s:s,s:o,s:{s:o}}", "name", tl_def_name(def), "summary",
                     def->access == TL_A_BOT    ? "Telegram's own, for bots."
                     : def->access == TL_A_USER ? "Telegram's own, for users."
                                                : "Telegram's own.",
                     "params", params, "result", "type", field_type(&def->result));
}

static bool is_public(const struct tl_def *def)
{
    return def->is_function && def->section == TL_S_API && !rpc_engine_owned(tl_def_name(def));
}

/* --- the methods --- */

static void discover_friendly(json_t *methods, const char *prefix)
{
    for (size_t i = 0; i < rpc_n_methods; i++)
        if (rpc_methods[i].run && strncmp(rpc_methods[i].name, prefix, strlen(prefix)) == 0)
            json_array_append_new(methods, openrpc_method(&rpc_methods[i]));
}

static void discover_raw(json_t *methods, const char *prefix)
{
    for (size_t i = 0; i < tl_def_count(); i++) {
        const struct tl_def *def = tl_def_at(i);

        if (is_public(def) && strncmp(tl_def_name(def), prefix, strlen(prefix)) == 0)
            json_array_append_new(methods, raw_info(def));
    }
}

void rpc_m_rpc_discover(struct rpc_req *req, struct mt_now now)
{
    const char *prefix = rpc_arg_str(req, "prefix");
    bool raw = strcmp(rpc_arg_str(req, "kind"), "raw") == 0;
    json_t *types = raw ? json_object() : json_loads(rpc_types_json, 0, NULL);
    json_t *methods = json_array(), *out;

    if (raw)
        discover_raw(methods, prefix ? prefix : "");
    else
        discover_friendly(methods, prefix ? prefix : "");
    out = json_pack("{s:s,s:{s:s,s:s},s:o,s:{s:o}}", "openrpc", "1.3.2", "info", "title", "tgd", "version",
                    "0.1", "methods", methods, "components", "schemas", types);
    if (!raw)
        point_at_components(out);
    rpc_answer(req, out);
}

static void help_one(struct rpc_req *req, const char *name)
{
    const struct rpc_method *m = rpc_method_find(name);
    const struct tl_def *def = tl_def_by_name(name, strlen(name), true);

    if (m && m->run) {
        rpc_answer(req, json_pack("{s:[o]}", "items", json_loads(m->help, 0, NULL)));
    } else if (def && is_public(def)) {
        rpc_answer(req, json_pack("{s:[o]}", "items", raw_info(def)));
    } else {
        const char *near = rpc_method_nearest(name);

        if (!near)
            near = tl_nearest_function(name, strlen(name));
        rpc_fail(req, RPC_E_INVALID_PARAMS,
                 near ? "params.method: unknown method '%.100s'; did you mean '%s'?"
                      : "params.method: unknown method '%.100s'%s",
                 name, near ? near : "");
    }
}

void rpc_m_help(struct rpc_req *req, struct mt_now now)
{
    const char *name = rpc_arg_str(req, "method");
    json_t *items;

    if (name) {
        help_one(req, name);
        return;
    }
    items = json_array();
    for (size_t i = 0; i < rpc_n_methods; i++)
        if (rpc_methods[i].run)
            json_array_append_new(items, json_pack("{s:s,s:s}", "name", rpc_methods[i].name, "summary",
                                                   rpc_methods[i].summary));
    rpc_answer(req, json_pack("{s:o}", "items", items));
}
