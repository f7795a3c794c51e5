/*
 * Telethon's Markdown: ** __ ~~ ` ``` and [text](url). No escapes; what has no end is text. Marks may cross,
 * as they may there: the marks of a pair are taken out of the text where they stand, and entities found
 * before shrink with it.
 */
#include "core/text/builder.h"

#include <stdlib.h>
#include <string.h>

struct span {
    size_t start, end; /* bytes of the text as it is now */
    enum mt_entity_type type;
    char *arg;
    int64_t id;
};

struct work {
    char *text;
    size_t n;
    struct span span[MT_ENTITIES_MAX];
    size_t spans;
    int err;
};

static const struct {
    const char *mark;
    enum mt_entity_type type;
} marks[] = {{"```", MT_ENT_PRE},
             {"**", MT_ENT_BOLD},
             {"__", MT_ENT_ITALIC},
             {"~~", MT_ENT_STRIKE},
             {"`", MT_ENT_CODE}};

/* Where a place of the text is when `len` bytes at `at` are gone; one inside of them is where they were. */
static size_t moved(size_t place, size_t at, size_t len)
{
    return place <= at ? place : place <= at + len ? at : place - len;
}

/* Takes bytes out of the text; spans that reach over them shrink. */
static void cut(struct work *w, size_t at, size_t len)
{
    memmove(w->text + at, w->text + at + len, w->n - at - len);
    w->n -= len;
    for (size_t i = 0; i < w->spans; i++) {
        w->span[i].start = moved(w->span[i].start, at, len);
        w->span[i].end = moved(w->span[i].end, at, len);
    }
}

static struct span *add(struct work *w, size_t start, size_t end, enum mt_entity_type type)
{
    if (w->spans == MT_ENTITIES_MAX) {
        w->err = MT_E_TOO_LARGE;
        return NULL;
    }
    w->span[w->spans] = (struct span){.start = start, .end = end, .type = type};
    return &w->span[w->spans++];
}

/* A pair of marks with something between them, the first at i; moves *i to where reading goes on. */
static bool take_pair(struct work *w, size_t *i)
{
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
        size_t len = strlen(marks[k].mark);
        char *end;

        if (w->n - *i < 2 * len + 1 || memcmp(w->text + *i, marks[k].mark, len) != 0)
            continue;
        end = memmem(w->text + *i + len + 1, w->n - *i - len - 1, marks[k].mark, len);
        if (!end)
            continue;
        cut(w, (size_t)(end - w->text), len);
        cut(w, *i, len);
        if (add(w, *i, (size_t)(end - w->text) - len, marks[k].type) &&
            (marks[k].type == MT_ENT_PRE || marks[k].type == MT_ENT_CODE))
            *i = (size_t)(end - w->text) - len;
        return true;
    }
    return false;
}

static bool take_link(struct work *w, size_t *i)
{
    size_t left = w->n - *i;
    char *open = w->text + *i, *close, *end, *url;
    struct span *s;

    close = memchr(open, ']', left);
    if (open[0] != '[' || !close || (size_t)(close - open) + 1 >= left || close[1] != '(')
        return false;
    end = memchr(close, ')', left - (size_t)(close - open));
    if (!end)
        return false;
    url = strndup(close + 2, (size_t)(end - close) - 2);
    if (!url) {
        w->err = MT_E_NOMEM;
        return true;
    }
    cut(w, (size_t)(close - w->text), (size_t)(end - close) + 1);
    cut(w, *i, 1);
    s = add(w, *i, (size_t)(close - w->text) - 1, MT_ENT_TEXT_LINK);
    if (s && mt_text_link_id(url, strlen(url), "tg://user?id=", &s->id))
        s->type = MT_ENT_TEXT_MENTION;
    else if (s)
        s->arg = url;
    if (!s || s->arg != url)
        free(url);
    return true;
}

static int hand_over(struct work *w, struct mt_text *out)
{
    struct mt_text_builder b = {.err = w->err};

    mt_text_put(&b, w->text, w->n);
    for (size_t i = 0; i < w->spans; i++) {
        struct span *s = &w->span[i];
        int e = mt_text_open(&b, s->type);

        if (e >= 0) {
            b.entities[e].offset = mt_utf16_length(w->text, s->start);
            b.entities[e].length = mt_utf16_length(w->text + s->start, s->end - s->start);
            b.entities[e].id = s->id;
            b.entities[e].arg = s->arg;
            s->arg = NULL;
        }
        free(s->arg);
    }
    return mt_text_finish(&b, out);
}

int mt_text_from_markdown_basic(const char *in, size_t n, struct mt_text *out, struct mt_text_error *error)
{
    struct work *w;
    int r;

    *error = (struct mt_text_error){0};
    if (n > MT_TEXT_MAX)
        return MT_E_TOO_LARGE;
    w = calloc(1, sizeof *w);
    if (!w)
        return MT_E_NOMEM;
    w->text = malloc(n + 1);
    if (!w->text) {
        free(w);
        return MT_E_NOMEM;
    }
    memcpy(w->text, in, n);
    w->n = n;
    for (size_t i = 0; i < w->n && !w->err;)
        if (!strchr("*_~`[", w->text[i]) || (!take_pair(w, &i) && !take_link(w, &i)))
            i++;
    r = hand_over(w, out);
    free(w->text);
    free(w);
    return r;
}
