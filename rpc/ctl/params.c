#include "rpc/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ctl_slurp(const char *path, size_t *n)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *text = NULL;
    size_t cap = 0, got;

    if (!f)
        ctl_die(CTL_USAGE, "%s: %s", path, strerror(errno));
    *n = 0;
    do {
        if (*n + 1 >= cap) {
            cap = cap ? cap * 2 : 4096;
            text = cap <= (size_t)32 * 1024 * 1024 ? realloc(text, cap) : NULL;
            if (!text)
                ctl_die(CTL_USAGE, "%s: too large", path);
        }
        got = fread(text + *n, 1, cap - *n - 1, f);
        *n += got;
    } while (got);
    if (ferror(f))
        ctl_die(CTL_USAGE, "%s: %s", path, strerror(errno));
    if (f != stdin)
        fclose(f);
    text[*n] = 0;
    return text;
}

/* The row of `params` in a method's description, by name or alias. */
static const json_t *param_of(const json_t *method, const char *key)
{
    const json_t *params = json_object_get(method, "params"), *row;
    size_t i;

    json_array_foreach (params, i, row) {
        const json_t *aliases = json_object_get(row, "aliases"), *alias;
        const char *name = json_string_value(json_object_get(row, "name"));
        size_t k;

        if (name && strcmp(name, key) == 0)
            return row;
        json_array_foreach (aliases, k, alias) {
            if (json_string_value(alias) && strcmp(json_string_value(alias), key) == 0)
                return row;
        }
    }
    return NULL;
}

static bool is_integer(const char *s)
{
    size_t digits = strspn(s + (*s == '-'), "0123456789");

    s += *s == '-';
    return digits > 0 && digits < 19 && !s[digits] && (digits == 1 || s[0] != '0');
}

static json_t *parse(const char *key, const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value)
        ctl_die(CTL_USAGE, "%s: %s is no JSON: %s", key, text, error.text);
    return value;
}

/* Words separated by commas; numbers stay numbers. */
static json_t *split(const char *text)
{
    json_t *list = json_array();

    while (*text) {
        size_t len = strcspn(text, ",");
        char *word = strndup(text, len);

        json_array_append_new(list, word && is_integer(word) ? json_integer(strtoll(word, NULL, 10))
                                                             : json_stringn(text, len));
        free(word);
        text += len + (text[len] == ',');
    }
    return list;
}

/* `type` is a JSON schema type, or NULL where nothing is known of the parameter. */
static json_t *typed(const char *key, const char *type, const char *text)
{
    char *end;
    double number;

    if (type && strcmp(type, "string") == 0)
        return json_string(text);
    if (type && strcmp(type, "array") == 0)
        return *text == '[' ? parse(key, text) : split(text);
    if (type && strcmp(type, "object") == 0)
        return parse(key, text);
    if (type && strcmp(type, "number") == 0) {
        number = strtod(text, &end);
        if (end == text || *end)
            ctl_die(CTL_USAGE, "%s: '%s' is no number", key, text);
        return json_real(number);
    }
    if ((!type || strcmp(type, "boolean") == 0) && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        return json_boolean(*text == 't');
    if (type && strcmp(type, "boolean") == 0)
        ctl_die(CTL_USAGE, "%s: '%s' is neither true nor false", key, text);
    if (is_integer(text))
        return json_integer(strtoll(text, NULL, 10));
    if (!type && (*text == '{' || *text == '['))
        return parse(key, text);
    return json_string(text);
}

static json_t *from_file(const char *key, const char *type, const char *path)
{
    size_t n;
    char *text = ctl_slurp(path, &n);
    json_t *value;

    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        text[--n] = 0;
    if (type && (strcmp(type, "object") == 0 || strcmp(type, "array") == 0))
        value = parse(key, text);
    else
        value = json_stringn(text, n);
    if (!value)
        ctl_die(CTL_USAGE, "%s: %s is not UTF-8", key, path);
    memset(text, 0, n);
    free(text);
    return value;
}

/* Options of a request: what is no parameter of the method goes there, with the @ that says so. */
static const char *option_type(const char *key)
{
    static const struct {
        const char *name, *type;
    } options[] = {{"account", "string"},   {"timeout", "number"},
                   {"fields", "array"},     {"check", "boolean"},
                   {"progress", "boolean"}, {"flood_wait", "integer"},
                   {"dc", "integer"},       {"without_updates", "boolean"},
                   {"takeout", "string"},   {"business", "string"},
                   {"format", "string"}};

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strcmp(options[i].name, key) == 0)
            return options[i].type;
    return NULL;
}

static void add_word(json_t *params, const json_t *method, const char *word)
{
    size_t len = strcspn(word, "=");
    bool json = len && word[len] && word[len - 1] == ':';
    const char *text = word + len + 1;
    const json_t *row;
    const char *type, *option;
    json_t *value;
    char *key, name[32];

    if (!word[len] || len == json)
        ctl_die(CTL_USAGE, "'%s' is not key=value", word);
    key = strndup(word, len - json);
    row = param_of(method, key);
    option = row ? NULL : option_type(key);
    type = option ? option : json_string_value(json_object_get(row, "type"));
    if (json)
        value = parse(key, text);
    else if (text[0] == '@' && (text[1] == '-' || text[1] == '/' || text[1] == '.') &&
             (text[1] != '-' || !text[2]))
        value = from_file(key, type, text + 1);
    else if (json_is_true(json_object_get(row, "secret")))
        ctl_die(CTL_USAGE, "%s is a secret: others can read command lines; give %s=@- (stdin) or %s=@/FILE",
                key, key, key);
    else
        value = typed(key, type, text);
    snprintf(name, sizeof name, "@%s", option ? key : "");
    json_object_set_new(params, option ? name : key, value);
    free(key);
}

json_t *ctl_params(struct ctl *c, const char *method, char **words, int n)
{
    json_t *params = json_object();
    json_t *help = NULL;
    const json_t *info = NULL;

    if (n > 0) {
        const char *account = c->account;

        c->account = NULL; /* help needs none, and must not fail for it */
        help = ctl_call(c, "help", json_pack("{s:s}", "method", method));
        c->account = account;
        info = json_array_get(json_object_get(help, "items"), 0);
    }
    for (int i = 0; i < n; i++)
        add_word(params, info, words[i]);
    json_decref(help);
    return params;
}
