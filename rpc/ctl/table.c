/*
 * -H: answers for people. A list becomes a table with a header, columns chosen by what its items are; one
 * object becomes a line for each member. What others wrote (names, texts) is shown without control
 * characters, so that a message cannot drive the terminal.
 */
#include "rpc/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define COLUMNS_MAX 12
#define CELL_MAX    512 /* bytes of one cell, with its NUL */
/* A column other than the last is never padded beyond this. */
#define WIDTH_MAX 32

struct column {
    const char *head;
    const char *path; /* members, by dots */
};
struct look {
    const char *proof[3]; /* an item that has all of these looks so */
    struct column columns[COLUMNS_MAX];
};

static const struct look looks[] = {
    {{"chat_title", "sender_id", "text"},
     {{"ID", "id"}, {"DATE", "date"}, {"FROM", "sender_name"}, {"TEXT", "text"}}},
    {{"chat_title", "unread", NULL},
     {{"CHAT", "chat_id"},
      {"TITLE", "chat_title"},
      {"UNREAD", "unread"},
      {"DATE", "message.date"},
      {"LAST", "message.text"}}},
    {{"cursor", "type", "time"},
     {{"TIME", "time"},
      {"TYPE", "type"},
      {"CHAT", "message.chat_title"},
      {"FROM", "message.sender_name"},
      {"TEXT", "message.text"}}},
    {{"name", "step", "connected"},
     {{"ACCOUNT", "name"},
      {"STEP", "step"},
      {"CONNECTED", "connected"},
      {"IN SYNC", "in_sync"},
      {"USER", "user_id"},
      {"NAME", "user_name"}}},
};

static bool is_time(const char *name)
{
    static const char *const times[] = {"date", "time", "edit_date", "until", "created", "expires"};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (strcmp(name, times[i]) == 0)
            return true;
    return false;
}

/* The next character of text as it may be shown; its bytes are text[0..*len). */
static wchar_t shown(const char *text, size_t *len)
{
    mbstate_t state = {0};
    wchar_t c;
    size_t n = mbrtowc(&c, text, strlen(text), &state);

    if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
        *len = 1;
        return L'?';
    }
    *len = n;
    if (c == L'\n' || c == L'\t' || c == L'\r')
        return L' ';
    if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069))
        return L'?'; /* would turn the rest of the line around */
    return wcwidth(c) < 0 ? L'?' : c;
}

/* Writes text cut to `columns` of the terminal (0: not cut); the columns that it took. */
static int put(const char *text, int columns)
{
    int used = 0;

    while (*text) {
        size_t len;
        wchar_t c = shown(text, &len);
        int w = wcwidth(c);

        if (columns && used + w > columns)
            break;
        printf("%lc", (wint_t)c);
        used += w;
        text += len;
    }
    return used;
}

static int width(const char *text)
{
    int used = 0;
    size_t len;

    for (; *text; text += len)
        used += wcwidth(shown(text, &len));
    return used;
}

static const json_t *member(const json_t *value, const char *path)
{
    while (value && *path) {
        char name[64];
        size_t n = strcspn(path, ".");

        if (n >= sizeof name)
            return NULL;
        memcpy(name, path, n);
        name[n] = 0;
        value = json_object_get(value, name);
        path += n + (path[n] == '.');
    }
    return value;
}

static void cell(char out[CELL_MAX], const char *name, const json_t *value)
{
    const char *last = strrchr(name, '.');

    last = last ? last + 1 : name;
    out[0] = 0;
    if (!value)
        return;
    if (json_is_string(value)) {
        snprintf(out, CELL_MAX, "%s", json_string_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(out, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_integer(value) && is_time(last)) {
        time_t t = (time_t)json_integer_value(value);
        struct tm tm;

        if (localtime_r(&t, &tm))
            strftime(out, CELL_MAX, "%Y-%m-%d %H:%M", &tm);
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

        snprintf(out, CELL_MAX, "%s", text ? text : "?");
        free(text);
    }
}

/* How an item is shown: by what it is, or by the plain members that it and its fellows have. */
static size_t columns_of(json_t *items, struct column *columns)
{
    const json_t *first = json_array_get(items, 0);
    json_t *item;
    size_t n = 0, i;

    for (size_t k = 0; k < sizeof looks / sizeof *looks; k++) {
        bool fits = true;

        for (size_t p = 0; p < 3 && looks[k].proof[p]; p++)
            fits &= json_object_get(first, looks[k].proof[p]) != NULL;
        if (!fits)
            continue;
        while (n < COLUMNS_MAX && looks[k].columns[n].path)
            n++;
        memcpy(columns, looks[k].columns, n * sizeof *columns);
        return n;
    }
    json_array_foreach (items, i, item) {
        const char *key;
        json_t *value;

        json_object_foreach (item, key, value) {
            bool known = json_is_object(value) || json_is_array(value);

            for (size_t k = 0; k < n; k++)
                known |= strcmp(columns[k].path, key) == 0;
            if (!known && n < COLUMNS_MAX)
                columns[n++] = (struct column){key, key};
        }
    }
    return n;
}

static int terminal_width(void)
{
    struct winsize size;

    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static void put_row(const struct column *columns, const int *widths, size_t n, const json_t *item, int room)
{
    int used = 0;

    for (size_t k = 0; k < n; k++) {
        char text[CELL_MAX];
        bool last = k + 1 == n;
        int cut = last ? (room > used ? room - used : room ? 1 : 0) : widths[k];
        int took;

        if (item)
            cell(text, columns[k].path, member(item, columns[k].path));
        else
            snprintf(text, sizeof text, "%s", columns[k].head);
        took = put(text, cut);
        if (!last)
            took += printf("%*s", widths[k] - took + 2, "");
        used += took;
    }
    putchar('\n');
}

void ctl_table(json_t *items, bool head)
{
    struct column columns[COLUMNS_MAX];
    int widths[COLUMNS_MAX];
    size_t n = columns_of(items, columns), i;
    int room = terminal_width();
    const json_t *item;

    for (size_t k = 0; k < n; k++) {
        char text[CELL_MAX];

        widths[k] = width(columns[k].head);
        json_array_foreach (items, i, item) {
            int w;

            cell(text, columns[k].path, member(item, columns[k].path));
            w = width(text);
            widths[k] = w > widths[k] ? w : widths[k];
        }
        widths[k] = widths[k] > WIDTH_MAX ? WIDTH_MAX : widths[k];
    }
    if (head && n)
        put_row(columns, widths, n, NULL, room);
    json_array_foreach (items, i, item) {
        put_row(columns, widths, n, item, room);
    }
}

/* A member a line, members of members by dots; lists of objects as a table of their own. */
static void put_members(json_t *value, const char *prefix)
{
    const char *key;
    json_t *part;

    json_object_foreach (value, key, part) {
        char name[128], text[CELL_MAX];

        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(part)) {
            put_members(part, name);
        } else if (json_is_array(part) && json_is_object(json_array_get(part, 0))) {
            printf("%s:\n", name);
            ctl_table(part, true);
        } else if (json_is_string(part)) {
            printf("%-16s ", name);
            put(json_string_value(part), 0);
            putchar('\n');
        } else {
            cell(text, name, part);
            printf("%-16s %s\n", name, text);
        }
    }
}

void ctl_human(json_t *value)
{
    json_t *items = json_object_get(value, "items");

    if (json_is_array(items) && (json_array_size(items) == 0 || json_is_object(json_array_get(items, 0)))) {
        ctl_table(items, true);
    } else if (json_is_object(value)) {
        put_members(value, "");
    } else {
        char text[CELL_MAX];

        cell(text, "", value);
        put(text, 0);
        putchar('\n');
    }
}

void ctl_human_row(json_t *value)
{
    json_t *one = json_pack("[O]", value);

    if (one && json_is_object(value))
        ctl_table(one, false);
    else
        ctl_human(value);
    json_decref(one);
}
