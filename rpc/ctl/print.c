#include "rpc/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_line(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    if (!text)
        ctl_die(CTL_ERROR, "out of memory");
    puts(text);
    free(text);
}

static void print_bare(const json_t *value)
{
    if (json_is_string(value)) {
        fwrite(json_string_value(value), 1, json_string_length(value), stdout);
        putchar('\n');
    } else {
        print_line(value);
    }
}

/* Follows `.a.b[0]` and `[]` from value and prints what it finds; false: nothing was there. */
static bool pick(const char *path, const json_t *value)
{
    if (!value)
        return false;
    if (!*path) {
        print_bare(value);
        return true;
    }
    if (*path == '.') {
        size_t len = strcspn(++path, ".[");
        char *key;

        if (len == 0)
            return pick(path, value);
        key = strndup(path, len);
        value = key ? json_object_get(value, key) : NULL;
        free(key);
        return pick(path + len, value);
    }
    if (path[0] == '[' && path[1] == ']') {
        const json_t *item;
        bool any = false;
        size_t i;

        json_array_foreach (value, i, item) {
            any |= pick(path + 2, item);
        }
        return any;
    }
    if (path[0] == '[') {
        char *end;
        long i = strtol(path + 1, &end, 10);

        if (end == path + 1 || *end != ']')
            ctl_die(CTL_USAGE, "-r: expected a number in %s", path);
        if (i < 0)
            i += (long)json_array_size(value);
        return pick(end + 1, i < 0 ? NULL : json_array_get(value, (size_t)i));
    }
    ctl_die(CTL_USAGE, "-r: expected a path like .items[0].id, not %s", path);
}

bool ctl_print(const struct ctl *c, json_t *value)
{
    if (c->path)
        return pick(c->path, value);
    if (c->table)
        ctl_human(value);
    else
        print_line(value);
    return true;
}

bool ctl_print_item(const struct ctl *c, json_t *item)
{
    if (c->path || !c->table)
        return ctl_print(c, item);
    ctl_human_row(item);
    return true;
}
