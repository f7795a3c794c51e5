#include "rpc/impl.h"

#include <string.h>

/* Copies what `path` names from `value` into `to` (of the same shape); arrays are walked through. */
static json_t *take(json_t *value, json_t *to, const char *path);

static json_t *take_array(json_t *value, json_t *to, const char *path)
{
    if (!to)
        to = json_array();
    for (size_t i = 0; to && i < json_array_size(value); i++) {
        json_t *item = json_array_get(to, i);
        json_t *made = take(json_array_get(value, i), item ? json_incref(item) : NULL, path);

        if (!made)
            made = json_object();
        if (item ? json_array_set_new(to, i, made) : json_array_append_new(to, made))
            break;
    }
    return to;
}

static json_t *take(json_t *value, json_t *to, const char *path)
{
    size_t n = strcspn(path, ".");
    char name[128];
    json_t *sub, *had, *made;

    if (!*path) {
        json_decref(to);
        return json_incref(value);
    }
    if (json_is_array(value))
        return take_array(value, to, path);
    if (n >= sizeof name || !json_is_object(value))
        return to;
    memcpy(name, path, n);
    name[n] = 0;
    sub = json_object_get(value, name);
    if (!to)
        to = json_object();
    if (!sub || !to)
        return to;
    had = json_object_get(to, name);
    made = take(sub, had ? json_incref(had) : NULL, path[n] ? path + n + 1 : "");
    if (made)
        json_object_set_new(to, name, made);
    return to;
}

json_t *rpc_project(json_t *value, const json_t *paths)
{
    json_t *out = NULL;

    for (size_t i = 0; i < json_array_size(paths); i++)
        out = take(value, out, json_string_value(json_array_get(paths, i)));
    return out ? out : json_object();
}
