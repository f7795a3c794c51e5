/* help for people: what `help` answers, as a page. */
#include "rpc/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDENT 4

static const char *str(const json_t *value, const char *name)
{
    const char *s = json_string_value(json_object_get(value, name));

    return s ? s : "";
}

/* text, broken between words to lines of 100 columns. */
static void put_text(const char *text, int indent)
{
    while (*text) {
        size_t n = strlen(text), room = (size_t)(100 - indent);

        if (n > room)
            for (n = room; n > 0 && text[n] != ' '; n--)
                ;
        if (n == 0)
            n = strcspn(text, " ");
        printf("%*s%.*s\n", indent, "", (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
}

static void put_type(const json_t *param)
{
    const json_t *type = json_object_get(param, "type"), *word;
    size_t i;

    if (json_is_string(type))
        fputs(json_string_value(type), stdout);
    json_array_foreach (type, i, word) {
        printf("%s%s", i ? " or " : "", json_string_value(word));
    }
    fputs(str(param, "$ref"), stdout);
}

static void put_param(const json_t *param)
{
    const json_t *def = json_object_get(param, "default");
    char *text = def ? json_dumps(def, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    printf("%*s%s  ", INDENT, "", str(param, "name"));
    put_type(param);
    if (json_is_true(json_object_get(param, "required")))
        fputs(", required", stdout);
    if (text)
        printf(", default %s", text);
    putchar('\n');
    put_text(str(param, "summary"), 2 * INDENT);
    free(text);
}

static void put_method(const json_t *method)
{
    const json_t *params = json_object_get(method, "params"), *part;
    const json_t *example = json_object_get(json_object_get(method, "example"), "request");
    size_t i;

    printf("%s - %s\n", str(method, "name"), str(method, "summary"));
    if (*str(method, "description")) {
        putchar('\n');
        put_text(str(method, "description"), INDENT);
    }
    if (json_array_size(params))
        puts("\nParameters");
    json_array_foreach (params, i, part) {
        put_param(part);
    }
    if (*str(json_object_get(method, "result"), "description")) {
        puts("\nAnswer");
        put_text(str(json_object_get(method, "result"), "description"), INDENT);
    }
    if (json_array_size(json_object_get(method, "errors")))
        printf("\nErrors\n%*s", INDENT, "");
    json_array_foreach (json_object_get(method, "errors"), i, part) {
        printf("%s%s", i ? ", " : "", json_string_value(part));
    }
    if (i)
        putchar('\n');
    if (example) {
        char *text = json_dumps(example, JSON_COMPACT);

        printf("\nExample\n%*s%s\n", INDENT, "", text ? text : "");
        free(text);
    }
}

int ctl_help_page(struct ctl *c, const char *method)
{
    json_t *params = method ? json_pack("{s:s}", "method", method) : NULL;
    json_t *result = ctl_call(c, "help", params);
    const json_t *items = json_object_get(result, "items"), *item;
    size_t i;

    json_array_foreach (items, i, item) {
        if (method)
            put_method(item);
        else
            printf("%-20s %s\n", str(item, "name"), str(item, "summary"));
    }
    if (!method)
        puts("\nEvery function of Telegram's API can be called too, by its name: tgctl help "
             "messages.getHistory");
    json_decref(result);
    return fflush(stdout) ? CTL_ERROR : CTL_OK;
}
