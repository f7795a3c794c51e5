#include "rpc/impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct check {
    char *err; /* 256 bytes */
    char path[160];
};

static json_t *check_members(struct check *c, const struct rpc_param *params, size_t n, json_t *given);

static json_t *refuse(struct check *c, const char *what)
{
    snprintf(c->err, 256, "%.120s: %.130s", c->path, what);
    return NULL;
}

static void kinds_text(unsigned types, char *out, size_t cap)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {{RPC_T_BOOL, "true or false"},
                 {RPC_T_INT, "integer"},
                 {RPC_T_NUMBER, "number"},
                 {RPC_T_STRING, "string"},
                 {RPC_T_OBJECT, "object"},
                 {RPC_T_ARRAY, "list"},
                 {RPC_T_PEER, "a peer (number, \"me\", \"@name\", \"+phone\" or link)"}};
    size_t n = 0;

    out[0] = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (types & words[i].bit && n < cap)
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? " or " : "", words[i].word);
}

static json_t *expected(struct check *c, unsigned types)
{
    char what[160] = "expected ";

    kinds_text(types, what + 9, sizeof what - 9);
    return refuse(c, what);
}

/* A decimal string as a number; false: it is none. */
static bool decimal(const json_t *value, int64_t *out)
{
    const char *s = json_string_value(value);
    char *end;

    if (!s || !*s || strspn(s, "-0123456789") != strlen(s) || strlen(s) > 20)
        return false;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return !errno && !*end && end != s;
}

static json_t *check_number(struct check *c, const struct rpc_param *p, json_t *made)
{
    char what[96];
    bool low = json_number_value(made)<(double)p->min, high = json_number_value(made)>(double) p->max;

    if (json_is_integer(made)) {
        low = json_integer_value(made) < p->min;
        high = json_integer_value(made) > p->max;
    }
    if (!low && !high)
        return made;
    snprintf(what, sizeof what, low ? "must be at least %lld" : "must be at most %lld",
             (long long)(low ? p->min : p->max));
    json_decref(made);
    return refuse(c, what);
}

static json_t *check_string(struct check *c, const struct rpc_param *p, json_t *made)
{
    int64_t n = (int64_t)json_string_length(made);
    char what[192] = "must be one of";
    size_t at = strlen(what);

    if (n < p->min || n > p->max) {
        snprintf(what, sizeof what, n < p->min ? "is too short" : "is longer than %lld bytes",
                 (long long)p->max);
        json_decref(made);
        return refuse(c, what);
    }
    if (!p->choices || (p->or_empty && n == 0))
        return made;
    for (const char *s = p->choices; *s; s += strlen(s) + 1)
        if (strcmp(s, json_string_value(made)) == 0)
            return made;
    for (const char *s = p->choices; *s && at < sizeof what; s += strlen(s) + 1)
        at += (size_t)snprintf(what + at, sizeof what - at, " %s", s);
    json_decref(made);
    return refuse(c, what);
}

static json_t *check_value(struct check *c, const struct rpc_param *p, json_t *value);

static json_t *check_array(struct check *c, const struct rpc_param *p, json_t *value)
{
    struct rpc_param item = {.name = "",
                             .types = p->item ? p->item : 0xff,
                             .members = p->members,
                             .n_members = p->n_members,
                             .min = INT64_MIN,
                             .max = INT64_MAX};
    size_t n = strlen(c->path);
    json_t *out = json_array();

    for (size_t i = 0; out && i < json_array_size(value); i++) {
        json_t *made;

        snprintf(c->path + n, sizeof c->path - n, "[%zu]", i);
        made = check_value(c, &item, json_array_get(value, i));
        if (!made || json_array_append_new(out, made)) {
            json_decref(out);
            return NULL;
        }
    }
    c->path[n] = 0;
    return out;
}

static json_t *check_value(struct check *c, const struct rpc_param *p, json_t *value)
{
    int64_t number;
    bool integer = p->types & RPC_T_INT && !(p->types & (RPC_T_STRING | RPC_T_PEER));

    if (p->types == 0xff)
        return json_incref(value);
    if (json_is_integer(value)) {
        if (p->types & (RPC_T_INT | RPC_T_NUMBER))
            return check_number(c, p, json_incref(value));
        if (p->types & RPC_T_PEER)
            return json_incref(value);
        if (p->types & RPC_T_STRING) {
            char text[24];

            snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
            return check_string(c, p, json_string(text));
        }
    }
    if (json_is_real(value) && p->types & RPC_T_NUMBER)
        return check_number(c, p, json_incref(value));
    if (json_is_boolean(value) && p->types & RPC_T_BOOL)
        return json_incref(value);
    if (json_is_string(value) && integer && decimal(value, &number))
        return check_number(c, p, json_integer(number));
    if (json_is_string(value) && p->types & RPC_T_PEER && json_string_length(value))
        return json_incref(value);
    if (json_is_string(value) && p->types & RPC_T_STRING)
        return check_string(c, p, json_incref(value));
    if (json_is_array(value) && p->types & RPC_T_ARRAY)
        return check_array(c, p, value);
    if (json_is_object(value) && p->types & RPC_T_OBJECT)
        return p->members ? check_members(c, p->members, p->n_members, value) : json_incref(value);
    return expected(c, p->types);
}

static bool refuse_unknown(struct check *c, const struct rpc_param *params, size_t n, const char *name)
{
    const char *near = rpc_param_nearest(params, n, name);

    if (near)
        snprintf(c->err, 256, "%.80s: unknown parameter '%.60s'; did you mean '%s'?", c->path, name, near);
    else
        snprintf(c->err, 256, "%.80s: unknown parameter '%.60s'", c->path, name);
    return false;
}

static bool take_given(struct check *c, const struct rpc_param *params, size_t n, json_t *given, json_t *out)
{
    size_t at = strlen(c->path);
    const char *name;
    json_t *value;

    json_object_foreach (given, name, value) {
        const struct rpc_param *p = rpc_param_find(params, n, name);
        json_t *made;

        if (!p)
            return refuse_unknown(c, params, n, name);
        snprintf(c->path + at, sizeof c->path - at, ".%s", p->name);
        if (json_object_get(out, p->name)) {
            refuse(c, "given twice");
            return false;
        }
        made = check_value(c, p, value);
        if (!made || json_object_set_new(out, p->name, made))
            return false;
        c->path[at] = 0;
    }
    return true;
}

static json_t *check_members(struct check *c, const struct rpc_param *params, size_t n, json_t *given)
{
    json_t *out = json_object();
    size_t at = strlen(c->path);

    if (!out || !take_given(c, params, n, given, out))
        goto fail;
    for (size_t i = 0; i < n; i++) {
        const struct rpc_param *p = &params[i];

        if (json_object_get(out, p->name))
            continue;
        snprintf(c->path + at, sizeof c->path - at, ".%s", p->name);
        if (p->required) {
            refuse(c, "missing");
            goto fail;
        }
        if (p->fallback)
            json_object_set_new(out, p->name, json_loads(p->fallback, JSON_DECODE_ANY, NULL));
        c->path[at] = 0;
    }
    return out;

fail:
    json_decref(out);
    return NULL;
}

json_t *rpc_params_check(const struct rpc_param *params, size_t n, json_t *given, char err[256])
{
    struct check c = {.err = err, .path = "params"};

    snprintf(err, 256, "no memory");
    return check_members(&c, params, n, given);
}
