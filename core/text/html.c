/*
 * The Bot API's HTML: a fixed set of tags, properly nested; four named and all numeric character references;
 * anything else that looks like a tag is an error, so that text is never lost unseen.
 */
#include "core/text/builder.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STACK_MAX 32
#define NAME_MAX  16
#define VALUE_MAX 2048

struct tag {
    char name[NAME_MAX + 1];
    bool closing;
    bool expandable;
    /* the value of the one attribute that its tag may have */
    char value[VALUE_MAX];
    size_t value_len;
};

struct open {
    int entity; /* -1: a tag that makes none */
    char name[NAME_MAX + 1];
    size_t at;
};

struct parser {
    struct mt_text_builder b;
    const char *in;
    size_t n, i;
    struct open stack[STACK_MAX];
    size_t depth;
    struct mt_text_error *error;
};

static const struct {
    const char *name;
    enum mt_entity_type type;
    const char *attribute; /* needed or allowed */
} tags[] = {
    {"b", MT_ENT_BOLD, NULL},
    {"strong", MT_ENT_BOLD, NULL},
    {"i", MT_ENT_ITALIC, NULL},
    {"em", MT_ENT_ITALIC, NULL},
    {"u", MT_ENT_UNDERLINE, NULL},
    {"ins", MT_ENT_UNDERLINE, NULL},
    {"s", MT_ENT_STRIKE, NULL},
    {"strike", MT_ENT_STRIKE, NULL},
    {"del", MT_ENT_STRIKE, NULL},
    {"tg-spoiler", MT_ENT_SPOILER, NULL},
    {"span", MT_ENT_SPOILER, "class"},
    {"a", MT_ENT_TEXT_LINK, "href"},
    {"code", MT_ENT_CODE, "class"},
    {"pre", MT_ENT_PRE, NULL},
    {"blockquote", MT_ENT_BLOCKQUOTE, "expandable"},
    {"tg-emoji", MT_ENT_CUSTOM_EMOJI, "emoji-id"},
};
#define N_TAGS (sizeof tags / sizeof *tags)

static int fail(struct parser *p, size_t at, const char *what, const char *name)
{
    p->error->at = at;
    snprintf(p->error->what, sizeof p->error->what, "%s%s%s", what, name ? " " : "", name ? name : "");
    return MT_E_ARG;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* --- character references --- */

static size_t put_utf8(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* The character that "&...;" at in[0] stands for; returns the bytes read, 0 where it is none. */
static size_t read_reference(const char *in, size_t n, uint32_t *c)
{
    static const struct {
        const char *text;
        char c;
    } named[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}};
    size_t i = 2;
    uint32_t base = 10, v = 0;

    for (size_t k = 0; k < sizeof named / sizeof *named; k++) {
        size_t len = strlen(named[k].text);

        if (n >= len && memcmp(in, named[k].text, len) == 0) {
            *c = (uint8_t)named[k].c;
            return len;
        }
    }
    if (n < 4 || in[1] != '#')
        return 0;
    if (in[2] == 'x' || in[2] == 'X') {
        base = 16;
        i = 3;
    }
    for (size_t first = i; i < n && i < first + 8 && in[i] != ';'; i++) {
        const char *digits = "0123456789abcdef";
        char low = in[i] >= 'A' && in[i] <= 'F' ? (char)(in[i] + 32) : in[i];
        const char *at = low ? memchr(digits, low, base) : NULL;

        if (!at)
            return 0;
        v = v * base + (uint32_t)(at - digits);
    }
    if (i >= n || in[i] != ';' || v == 0 || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    *c = v;
    return i + 1;
}

/* --- tags --- */

static int read_value(struct parser *p, struct tag *t, bool keep)
{
    char quote = p->in[p->i] == '"' || p->in[p->i] == '\'' ? p->in[p->i] : 0;
    size_t start = p->i;

    p->i += quote != 0;
    if (keep)
        t->value_len = 0;
    while (p->i < p->n) {
        char c = p->in[p->i], utf8[4];
        uint32_t ref;
        size_t used, len;

        if (quote ? c == quote : is_space(c) || c == '>')
            break;
        used = c == '&' ? read_reference(p->in + p->i, p->n - p->i, &ref) : 0;
        if (used) {
            len = put_utf8(utf8, ref);
        } else {
            used = len = 1;
            utf8[0] = c;
        }
        if (keep && t->value_len + len > sizeof t->value)
            return fail(p, start, "the attribute is too long", NULL);
        if (keep) {
            memcpy(t->value + t->value_len, utf8, len);
            t->value_len += len;
        }
        p->i += used;
    }
    if (quote && p->i == p->n)
        return fail(p, start, "the attribute's quote is not closed", NULL);
    p->i += quote != 0;
    return MT_OK;
}

static void skip_space(struct parser *p)
{
    while (p->i < p->n && is_space(p->in[p->i]))
        p->i++;
}

static size_t read_name(struct parser *p, char name[NAME_MAX + 1])
{
    size_t n = 0;

    while (p->i < p->n && is_name(p->in[p->i])) {
        char c = p->in[p->i++];

        if (n < NAME_MAX)
            name[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    name[n] = 0;
    return n;
}

/* From "<" to behind ">". */
static int read_tag(struct parser *p, struct tag *t)
{
    size_t start = p->i++;
    int r = MT_OK;

    memset(t, 0, sizeof *t);
    if (p->i < p->n && p->in[p->i] == '/') {
        t->closing = true;
        p->i++;
    }
    if (!read_name(p, t->name))
        return fail(p, start, "'<' is no tag here: write &lt;", NULL);
    for (skip_space(p); r == MT_OK && p->i < p->n && p->in[p->i] != '>'; skip_space(p)) {
        char name[NAME_MAX + 1];

        if (t->closing || !read_name(p, name))
            return fail(p, p->i, "unexpected character in tag", t->name);
        t->expandable |= strcmp(name, "expandable") == 0;
        skip_space(p);
        if (p->i < p->n && p->in[p->i] == '=') {
            bool keep = false;

            p->i++;
            skip_space(p);
            for (size_t k = 0; k < N_TAGS; k++)
                keep |= strcmp(tags[k].name, t->name) == 0 && tags[k].attribute &&
                        strcmp(tags[k].attribute, name) == 0;
            r = p->i < p->n ? read_value(p, t, keep) : MT_OK;
        }
    }
    if (r == MT_OK && p->i == p->n)
        return fail(p, start, "the tag's > is missing", NULL);
    p->i++;
    return r;
}

static bool value_is(const struct tag *t, const char *text)
{
    return t->value_len == strlen(text) && memcmp(t->value, text, t->value_len) == 0;
}

/* Gives a new entity what its tag's attribute says. */
static int apply(struct parser *p, const struct tag *t, size_t at, int entity)
{
    static const char language[] = "language-";
    struct mt_entity *e = entity >= 0 ? &p->b.entities[entity] : NULL;
    int64_t id;

    if (!e)
        return MT_OK;
    if (strcmp(t->name, "span") == 0 && !value_is(t, "tg-spoiler"))
        return fail(p, at, "span needs class=\"tg-spoiler\"", NULL);
    if (e->type == MT_ENT_BLOCKQUOTE && t->expandable)
        e->type = MT_ENT_EXPANDABLE;
    if (e->type == MT_ENT_CUSTOM_EMOJI) {
        char url[64];
        int n = snprintf(url, sizeof url, "id=%.*s", (int)(t->value_len < 40 ? t->value_len : 40), t->value);

        if (!mt_text_link_id(url, (size_t)n, "id=", &id))
            return fail(p, at, "tg-emoji needs emoji-id=\"number\"", NULL);
        e->id = id;
    }
    if (e->type == MT_ENT_TEXT_LINK) {
        if (mt_text_link_id(t->value, t->value_len, "tg://user?id=", &id)) {
            e->type = MT_ENT_TEXT_MENTION;
            e->id = id;
        } else {
            mt_text_arg(&p->b, entity, t->value, t->value_len);
        }
    }
    if (e->type == MT_ENT_CODE && t->value_len > sizeof language - 1 &&
        memcmp(t->value, language, sizeof language - 1) == 0)
        mt_text_arg(&p->b, entity, t->value + sizeof language - 1, t->value_len - (sizeof language - 1));
    return MT_OK;
}

static int open_tag(struct parser *p, const struct tag *t, size_t at)
{
    for (size_t k = 0; k < N_TAGS; k++) {
        struct open *o;

        if (strcmp(tags[k].name, t->name) != 0)
            continue;
        if (p->depth == STACK_MAX)
            return fail(p, at, "nested too deeply", NULL);
        o = &p->stack[p->depth++];
        o->at = at;
        memcpy(o->name, t->name, sizeof o->name);
        o->entity = mt_text_open(&p->b, tags[k].type);
        return apply(p, t, at, o->entity);
    }
    return fail(p, at, "unsupported tag", t->name);
}

/* <pre><code class="language-x">...</code></pre> is one pre with a language; an empty href takes the text. */
static void merge(struct parser *p, int entity)
{
    struct mt_entity *e = &p->b.entities[entity];

    if (e->type == MT_ENT_PRE && (size_t)entity + 1 < p->b.n) {
        struct mt_entity *code = e + 1;

        if (code->type == MT_ENT_CODE && code->offset == e->offset && code->length == e->length) {
            e->arg = code->arg;
            code->arg = NULL;
            code->length = 0;
        }
    } else if (e->type == MT_ENT_TEXT_LINK && e->arg && !e->arg[0]) {
        size_t from = mt_utf16_to_byte((const char *)p->b.text.data, p->b.text.len, e->offset);

        mt_text_arg(&p->b, entity, (const char *)p->b.text.data + from, p->b.text.len - from);
    } else if (e->type == MT_ENT_CODE && e->arg) {
        bool in_pre = p->depth && strcmp(p->stack[p->depth - 1].name, "pre") == 0;

        if (!in_pre)
            mt_text_arg(&p->b, entity, "", 0);
    }
}

static int close_tag(struct parser *p, const struct tag *t, size_t at)
{
    struct open *o = p->depth ? &p->stack[p->depth - 1] : NULL;

    if (!o)
        return fail(p, at, "end tag without a start:", t->name);
    if (strcmp(o->name, t->name) != 0)
        return fail(p, at, "end tag does not match the open", o->name);
    p->depth--;
    mt_text_close(&p->b, o->entity);
    if (o->entity >= 0)
        merge(p, o->entity);
    return MT_OK;
}

static int step(struct parser *p)
{
    struct tag t;
    size_t at = p->i;
    char utf8[4];
    uint32_t c;
    int r;

    if (p->in[p->i] == '<') {
        r = read_tag(p, &t);
        if (r != MT_OK)
            return r;
        return t.closing ? close_tag(p, &t, at) : open_tag(p, &t, at);
    }
    if (p->in[p->i] == '&') {
        size_t used = read_reference(p->in + p->i, p->n - p->i, &c);

        if (used) {
            mt_text_put(&p->b, utf8, put_utf8(utf8, c));
            p->i += used;
            return MT_OK;
        }
    }
    mt_text_put(&p->b, p->in + p->i, 1);
    p->i++;
    return MT_OK;
}

int mt_text_from_html(const char *in, size_t n, struct mt_text *out, struct mt_text_error *error)
{
    struct parser p = {.in = in, .n = n, .error = error};
    int r = n > MT_TEXT_MAX ? MT_E_TOO_LARGE : MT_OK;

    while (r == MT_OK && p.i < p.n)
        r = p.b.err ? p.b.err : step(&p);
    if (r == MT_OK && p.depth)
        r = fail(&p, p.stack[p.depth - 1].at, "not closed:", p.stack[p.depth - 1].name);
    if (r != MT_OK) {
        mt_text_builder_fini(&p.b);
        return r;
    }
    return mt_text_finish(&p.b, out);
}
