/* Message text as a server takes it: trimmed, its entities checked, clipped and completed. */
#include "tests/sandbox/world_acts.h"

#include <ctype.h>

#define MAX_ENTITIES 100

/* UTF-16 units that begin at this byte of UTF-8: 0 for a continuation, 2 for a code point past the BMP. */
static int32_t units(char c)
{
    const unsigned char b = (unsigned char)c;

    return (b & 0xc0) == 0x80 ? 0 : (b >= 0xf0 ? 2 : 1);
}

int32_t sb_utf16(const char *s)
{
    int32_t n = 0;

    for (; *s; s++)
        n += units(*s);
    return n;
}

/* Whether a position in UTF-16 units is between two characters. */
static bool boundary(const char *s, int32_t at)
{
    int32_t n = 0;

    for (; *s && n < at; s++)
        n += units(*s);
    return n == at;
}

static json_t *entity(const char *ctor, int32_t offset, int32_t length)
{
    return json_pack("{s:s,s:i,s:i}", "_", ctor, "offset", offset, "length", length);
}

static int32_t num(const json_t *e, const char *key)
{
    return (int32_t)json_integer_value(json_object_get(e, key));
}

static bool inserted(json_t *list, json_t *e)
{
    size_t at = 0;
    const json_t *have;

    if (json_array_size(list) >= MAX_ENTITIES) {
        json_decref(e);
        return false;
    }
    while ((have = json_array_get(list, at)) &&
           (num(have, "offset") < num(e, "offset") ||
            (num(have, "offset") == num(e, "offset") && num(have, "length") >= num(e, "length"))))
        at++;
    return !json_array_insert_new(list, at, e);
}

/* inputMessageEntityMentionName becomes messageEntityMentionName; NULL: there is no such user. */
static json_t *shown_entity(struct sb_turn *t, const json_t *given)
{
    json_t *e = json_deep_copy(given);
    const json_t *who = json_object_get(given, "user_id");
    const char *ctor = json_string_value(json_object_get(given, "_"));

    if (ctor && strstr(ctor, "MentionName")) {
        const json_t *id = json_is_object(who) ? json_object_get(who, "user_id") : who;
        int64_t n = json_is_string(id) ? atoll(json_string_value(id)) : json_integer_value(id);

        if (!id && t->me)
            n = t->me->id;
        if (!sb_user_get(t->w, n)) {
            json_decref(e);
            return NULL;
        }
        json_object_set_new(e, "_", json_string("messageEntityMentionName"));
        json_object_set_new(e, "user_id", json_integer(n));
    }
    return e;
}

static const char *take_entities(struct sb_turn *t, const json_t *given, const char *full, int32_t lead,
                                 int32_t len, json_t *list)
{
    const int32_t all = sb_utf16(full);
    size_t i;
    json_t *g;

    json_array_foreach (given, i, g) {
        int64_t from = num(g, "offset"), to = from + num(g, "length");
        json_t *e;

        if (from < 0 || to < from || to > all || !boundary(full, (int32_t)from) ||
            !boundary(full, (int32_t)to))
            return "ENTITY_BOUNDS_INVALID";
        if (!(e = shown_entity(t, g)))
            return "ENTITY_MENTION_USER_INVALID";
        from = from < lead ? 0 : from - lead;
        to = to < lead ? 0 : (to - lead > len ? len : to - lead);
        if (to <= from) {
            json_decref(e);
            continue;
        }
        json_object_set_new(e, "offset", json_integer(from));
        json_object_set_new(e, "length", json_integer(to - from));
        inserted(list, e);
    }
    return NULL;
}

/* --- what the server finds by itself --- */

static bool taken(const json_t *list, int32_t from, int32_t to)
{
    static const char *const deaf[] = {"messageEntityCode",    "messageEntityPre",
                                       "messageEntityTextUrl", "messageEntityMentionName",
                                       "messageEntityUrl",     "messageEntityMention"};
    size_t i;
    json_t *e;

    json_array_foreach (list, i, e) {
        const char *ctor = json_string_value(json_object_get(e, "_"));

        if (num(e, "offset") >= to || num(e, "offset") + num(e, "length") <= from)
            continue;
        for (size_t k = 0; k < sizeof deaf / sizeof *deaf; k++)
            if (ctor && !strcmp(ctor, deaf[k]))
                return true;
    }
    return false;
}

static size_t word_end(const char *s, size_t i)
{
    while (isalnum((unsigned char)s[i]) || s[i] == '_')
        i++;
    return i;
}

/* The entity that starts at byte i, its end in *end; NULL: none. */
static const char *found_at(const char *s, size_t i, size_t *end)
{
    if (i && (isalnum((unsigned char)s[i - 1]) || s[i - 1] == '_' || s[i - 1] == '/' || s[i - 1] == '@'))
        return NULL;
    if (!strncmp(s + i, "https://", 8) || !strncmp(s + i, "http://", 7)) {
        *end = i + strcspn(s + i, " \n\t<>\"");
        while (*end > i && strchr(".,;:!?)", s[*end - 1]))
            (*end)--;
        return *end > i + 8 ? "messageEntityUrl" : NULL;
    }
    *end = word_end(s, i + 1);
    if (s[i] == '@')
        return *end - i > 3 && isalpha((unsigned char)s[i + 1]) ? "messageEntityMention" : NULL;
    if (s[i] == '#')
        return *end - i > 1 ? "messageEntityHashtag" : NULL;
    if (s[i] == '/') {
        size_t at = s[*end] == '@' ? word_end(s, *end + 1) : *end;

        if (*end - i < 2)
            return NULL;
        *end = at;
        return "messageEntityBotCommand";
    }
    return NULL;
}

static void find_entities(const char *s, json_t *list)
{
    int32_t at = 0;

    for (size_t i = 0, end; s[i];) {
        const char *ctor = found_at(s, i, &end);
        int32_t len = 0;

        if (!ctor) {
            at += units(s[i++]);
            continue;
        }
        for (size_t k = i; k < end; k++)
            len += units(s[k]);
        if (!taken(list, at, at + len))
            inserted(list, entity(ctor, at, len));
        at += len;
        i = end;
    }
}

const char *sb_clean_text(struct sb_turn *t, const char *raw, const json_t *entities, int32_t max,
                          char **text, json_t **out)
{
    char *full = sb_dup(raw);
    size_t from = 0, to = strlen(full);
    const char *error;

    for (size_t i = 0; i < to; i++)
        if ((unsigned char)full[i] < 0x20 && full[i] != '\n')
            full[i] = ' ';
    while (from < to && isspace((unsigned char)full[from]))
        from++;
    while (to > from && isspace((unsigned char)full[to - 1]))
        to--;
    *text = sb_dupn(full + from, to - from);
    *out = json_array();
    error = sb_utf16(*text) > max ? (max == 4096 ? "MESSAGE_TOO_LONG" : "MEDIA_CAPTION_TOO_LONG")
                                  : take_entities(t, entities, full, (int32_t)from, sb_utf16(*text), *out);
    free(full);
    if (!error)
        find_entities(*text, *out);
    if (error || !json_array_size(*out)) {
        json_decref(*out);
        *out = NULL;
    }
    if (error) {
        free(*text);
        *text = NULL;
    }
    return error;
}
