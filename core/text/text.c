#include "core/text/builder.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *constructor;
} names[MT_ENT_TYPES] = {
    [MT_ENT_BLOCKQUOTE] = {"blockquote", "messageEntityBlockquote"},
    [MT_ENT_EXPANDABLE] = {"expandable_blockquote", "messageEntityBlockquote"},
    [MT_ENT_PRE] = {"pre", "messageEntityPre"},
    [MT_ENT_CODE] = {"code", "messageEntityCode"},
    [MT_ENT_TEXT_LINK] = {"text_link", "messageEntityTextUrl"},
    [MT_ENT_TEXT_MENTION] = {"text_mention", "messageEntityMentionName"},
    [MT_ENT_BOLD] = {"bold", "messageEntityBold"},
    [MT_ENT_ITALIC] = {"italic", "messageEntityItalic"},
    [MT_ENT_UNDERLINE] = {"underline", "messageEntityUnderline"},
    [MT_ENT_STRIKE] = {"strikethrough", "messageEntityStrike"},
    [MT_ENT_SPOILER] = {"spoiler", "messageEntitySpoiler"},
    [MT_ENT_CUSTOM_EMOJI] = {"custom_emoji", "messageEntityCustomEmoji"},
    [MT_ENT_MENTION] = {"mention", "messageEntityMention"},
    [MT_ENT_HASHTAG] = {"hashtag", "messageEntityHashtag"},
    [MT_ENT_CASHTAG] = {"cashtag", "messageEntityCashtag"},
    [MT_ENT_BOT_COMMAND] = {"bot_command", "messageEntityBotCommand"},
    [MT_ENT_URL] = {"url", "messageEntityUrl"},
    [MT_ENT_EMAIL] = {"email", "messageEntityEmail"},
    [MT_ENT_PHONE] = {"phone_number", "messageEntityPhone"},
    [MT_ENT_BANK_CARD] = {"bank_card", "messageEntityBankCard"},
    [MT_ENT_OTHER] = {"other", "messageEntityUnknown"},
};

const char *mt_entity_name(enum mt_entity_type type)
{
    return names[type].name;
}

const char *mt_entity_constructor(enum mt_entity_type type)
{
    return names[type].constructor;
}

int mt_entity_by_name(const char *name)
{
    for (int i = 0; i < MT_ENT_TYPES; i++)
        if (strcmp(names[i].name, name) == 0)
            return i;
    return -1;
}

int mt_entity_by_constructor(const char *name)
{
    for (int i = 0; i < MT_ENT_TYPES; i++)
        if (strcmp(names[i].constructor, name) == 0)
            return i;
    return -1;
}

/* --- UTF-16 --- */

/* Units that a byte adds: a code point counts at its first byte, twice from U+10000 on. */
static int32_t units_of(uint8_t byte)
{
    return (byte & 0xc0) != 0x80 ? 1 + (byte >= 0xf0) : 0;
}

int32_t mt_utf16_length(const char *text, size_t n)
{
    int32_t units = 0;

    for (size_t i = 0; i < n; i++)
        units += units_of((uint8_t)text[i]);
    return units;
}

size_t mt_utf16_to_byte(const char *text, size_t n, int32_t units)
{
    size_t i = 0;

    while (i < n) {
        int32_t u = units_of((uint8_t)text[i]);

        if (u > units || (u == units && u == 0))
            break;
        units -= u;
        i++;
        while (i < n && units_of((uint8_t)text[i]) == 0)
            i++;
        if (units == 0)
            break;
    }
    return i;
}

/* --- builder --- */

void mt_text_put(struct mt_text_builder *b, const char *p, size_t n)
{
    tl_put_raw(&b->text, p, n);
    b->units += mt_utf16_length(p, n);
    if (b->text.err)
        b->err = MT_E_NOMEM;
}

int mt_text_open(struct mt_text_builder *b, enum mt_entity_type type)
{
    if (b->n == MT_ENTITIES_MAX && !b->err)
        b->err = MT_E_TOO_LARGE;
    if (b->n == b->cap && !b->err) {
        size_t cap = b->cap ? b->cap * 2 : 8;
        struct mt_entity *grown = realloc(b->entities, cap * sizeof *grown);

        if (grown) {
            b->entities = grown;
            b->cap = cap;
        } else {
            b->err = MT_E_NOMEM;
        }
    }
    if (b->err)
        return -1;
    b->entities[b->n] = (struct mt_entity){.type = type, .offset = b->units, .length = -1};
    return (int)b->n++;
}

void mt_text_close(struct mt_text_builder *b, int index)
{
    if (index >= 0)
        b->entities[index].length = b->units - b->entities[index].offset;
}

void mt_text_arg(struct mt_text_builder *b, int index, const char *p, size_t n)
{
    if (index < 0)
        return;
    free(b->entities[index].arg);
    b->entities[index].arg = strndup(p, n);
    if (!b->entities[index].arg)
        b->err = MT_E_NOMEM;
}

void mt_text_builder_fini(struct mt_text_builder *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->entities[i].arg);
    free(b->entities);
    tl_out_free(&b->text);
    memset(b, 0, sizeof *b);
}

bool mt_text_link_id(const char *url, size_t n, const char *prefix, int64_t *id)
{
    size_t len = strlen(prefix);
    int64_t v = 0;

    if (n <= len || n - len > 19 || memcmp(url, prefix, len) != 0)
        return false;
    for (size_t i = len; i < n; i++) {
        if (url[i] < '0' || url[i] > '9' || v > (INT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (url[i] - '0');
    }
    *id = v;
    return v > 0;
}

/* --- the last touch --- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\v' || c == '\f';
}

static int by_place(const void *x, const void *y)
{
    const struct mt_entity *a = x, *b = y;

    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return (int)a->type - (int)b->type;
}

/* Cuts an entity to the kept units and takes white space off its end; false: nothing is left of it. */
static bool fit(struct mt_entity *e, const char *text, size_t n, int32_t skipped, int32_t units)
{
    int32_t start = e->offset - skipped, end = start + e->length;
    size_t first, last;

    if (start < 0)
        start = 0;
    if (end > units)
        end = units;
    if (e->length <= 0 || end <= start)
        return false;
    first = mt_utf16_to_byte(text, n, start);
    last = mt_utf16_to_byte(text, n, end);
    while (last > first && is_space(text[last - 1])) {
        last--;
        end--;
    }
    e->offset = start;
    e->length = end - start;
    return last > first;
}

int mt_text_finish(struct mt_text_builder *b, struct mt_text *out)
{
    char *text = (char *)b->text.data;
    size_t first = 0, last = b->text.len, kept = 0;
    int32_t units;

    tl_put_raw(&b->text, "", 1);
    if (b->text.err && !b->err)
        b->err = b->text.err == TL_E_SIZE ? MT_E_TOO_LARGE : MT_E_NOMEM;
    if (b->err) {
        int err = b->err;

        mt_text_builder_fini(b);
        return err;
    }
    text = (char *)b->text.data;
    while (first < last && is_space(text[first]))
        first++;
    while (last > first && is_space(text[last - 1]))
        last--;
    memmove(text, text + first, last - first);
    text[last - first] = 0;
    units = mt_utf16_length(text, last - first);
    for (size_t i = 0; i < b->n; i++) {
        if (fit(&b->entities[i], text, last - first, (int32_t)first, units))
            b->entities[kept++] = b->entities[i];
        else
            free(b->entities[i].arg);
    }
    if (kept > 1)
        qsort(b->entities, kept, sizeof *b->entities, by_place);
    *out = (struct mt_text){.text = text, .n = last - first, .entities = b->entities, .n_entities = kept};
    memset(b, 0, sizeof *b);
    return MT_OK;
}

void mt_text_fini(struct mt_text *t)
{
    for (size_t i = 0; i < t->n_entities; i++)
        free(t->entities[i].arg);
    free(t->entities);
    free(t->text);
    memset(t, 0, sizeof *t);
}
