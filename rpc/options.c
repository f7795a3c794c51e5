#include "rpc/impl.h"
#include "tl/nearest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"account",  "timeout",    "fields",          "check",
                                    "progress", "flood_wait", "without_updates", "dc",
                                    "takeout",  "business",   "format"};

const char *rpc_option_nearest(const char *name)
{
    return tl_nearest(names, sizeof names / sizeof names[0], name, strlen(name));
}

static int wrong(char err[128], const char *name, const char *expected)
{
    snprintf(err, 128, "%s: expected %s", name, expected);
    return -1;
}

static int read_account(struct rpc_options *opt, json_t *value, char err[128])
{
    if (json_is_integer(value)) {
        snprintf(opt->account, sizeof opt->account, "%lld", (long long)json_integer_value(value));
        return 1;
    }
    if (!json_is_string(value) || json_string_length(value) >= sizeof opt->account)
        return wrong(err, "account", "a name, user id, @username or phone");
    memcpy(opt->account, json_string_value(value), json_string_length(value) + 1);
    return 1;
}

static int read_timeout(struct rpc_options *opt, json_t *value, char err[128])
{
    double s = json_number_value(value);

    if (!json_is_number(value) || !isfinite(s) || s < 0 || s > 86400 * 366)
        return wrong(err, "timeout", "seconds (0 = none)");
    opt->timeout = s;
    opt->has_timeout = true;
    return 1;
}

static int read_fields(struct rpc_options *opt, json_t *value, char err[128])
{
    if (!json_is_array(value) || json_array_size(value) > 100)
        return wrong(err, "fields", "a list of paths");
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *path = json_array_get(value, i);

        if (!json_is_string(path) || !json_string_length(path) || json_string_length(path) > 256)
            return wrong(err, "fields", "a list of paths like \"items.id\"");
    }
    json_decref(opt->fields);
    opt->fields = json_array_size(value) ? json_incref(value) : NULL;
    return 1;
}

static int read_bool(bool *to, const char *name, json_t *value, char err[128])
{
    if (!json_is_boolean(value))
        return wrong(err, name, "true or false");
    *to = json_is_true(value);
    return 1;
}

static int read_int(int64_t *to, const char *name, int64_t max, json_t *value, char err[128])
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return wrong(err, name, "a number from 0 on");
    *to = json_integer_value(value);
    return 1;
}

/* A TL long: its decimal text, or a number. */
static int read_takeout(struct rpc_options *opt, json_t *value, char err[128])
{
    const char *text = json_string_value(value);
    char *end = NULL;

    errno = 0;
    if (json_is_integer(value))
        opt->takeout = json_integer_value(value);
    else if (text && *text && strspn(text, "-0123456789") == strlen(text))
        opt->takeout = strtoll(text, &end, 10);
    else
        opt->takeout = 0;
    if (!opt->takeout || errno || (end && *end))
        return wrong(err, "takeout", "the id that beginTakeout answered");
    return 1;
}

static int read_business(struct rpc_options *opt, json_t *value, char err[128])
{
    size_t n = json_string_length(value);

    if (!json_is_string(value) || !n || n >= sizeof opt->business)
        return wrong(err, "business", "a connection_id");
    memcpy(opt->business, json_string_value(value), n + 1);
    return 1;
}

static int read_format(struct rpc_options *opt, json_t *value, char err[128])
{
    const char *text = json_string_value(value);

    if (!text || (*text && strcmp(text, "html") != 0 && strcmp(text, "markdown") != 0))
        return wrong(err, "format", "html or markdown");
    opt->format = !*text ? RPC_PLAIN : *text == 'h' ? RPC_HTML : RPC_MARKDOWN;
    return 1;
}

int rpc_option(struct rpc_options *opt, const char *name, json_t *value, char err[128])
{
    int64_t number;

    if (strcmp(name, "account") == 0)
        return read_account(opt, value, err);
    if (strcmp(name, "timeout") == 0)
        return read_timeout(opt, value, err);
    if (strcmp(name, "fields") == 0)
        return read_fields(opt, value, err);
    if (strcmp(name, "check") == 0)
        return read_bool(&opt->check, name, value, err);
    if (strcmp(name, "progress") == 0)
        return read_bool(&opt->progress, name, value, err);
    if (strcmp(name, "without_updates") == 0)
        return read_bool(&opt->without_updates, name, value, err);
    if (strcmp(name, "flood_wait") == 0)
        return read_int(&opt->flood_wait, name, 86400, value, err);
    if (strcmp(name, "format") == 0)
        return read_format(opt, value, err);
    if (strcmp(name, "takeout") == 0)
        return read_takeout(opt, value, err);
    if (strcmp(name, "business") == 0)
        return read_business(opt, value, err);
    if (strcmp(name, "dc") != 0)
        return 0;
    if (read_int(&number, name, 999, value, err) < 0)
        return -1;
    opt->dc = (int32_t)number;
    return 1;
}

void rpc_options_copy(struct rpc_options *to, const struct rpc_options *from)
{
    *to = *from;
    json_incref(to->fields);
}

void rpc_options_fini(struct rpc_options *opt)
{
    json_decref(opt->fields);
    opt->fields = NULL;
}
