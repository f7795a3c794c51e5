/*
 * Entities back to markup. Where two overlap without nesting, the inner one is closed and opened again, since
 * neither dialect can say it otherwise.
 */
#include "core/text/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct markup {
    void (*open)(struct tl_out *out, const struct mt_entity *e);
    void (*close)(struct tl_out *out, const struct mt_entity *e);
    /* one byte of text; `inner` is the innermost open entity, or NULL; `quoted`: inside a quote */
    void (*byte)(struct tl_out *out, char c, const struct mt_entity *inner, bool quoted);
    bool code_is_alone; /* nothing but a quote goes around or into CODE and PRE */
};

#define OPEN_MAX 32

static void put(struct tl_out *out, const char *s)
{
    tl_put_raw(out, s, strlen(s));
}

static void put_number(struct tl_out *out, int64_t v)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)v);
    put(out, text);
}

/* --- HTML --- */

static void html_text(struct tl_out *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '<')
            put(out, "&lt;");
        else if (s[i] == '>')
            put(out, "&gt;");
        else if (s[i] == '&')
            put(out, "&amp;");
        else if (s[i] == '"')
            put(out, "&quot;");
        else
            tl_put_raw(out, s + i, 1);
    }
}

static const char *const html_tag[MT_ENT_TYPES] = {
    [MT_ENT_BLOCKQUOTE] = "blockquote",
    [MT_ENT_EXPANDABLE] = "blockquote",
    [MT_ENT_PRE] = "pre",
    [MT_ENT_CODE] = "code",
    [MT_ENT_TEXT_LINK] = "a",
    [MT_ENT_TEXT_MENTION] = "a",
    [MT_ENT_BOLD] = "b",
    [MT_ENT_ITALIC] = "i",
    [MT_ENT_UNDERLINE] = "u",
    [MT_ENT_STRIKE] = "s",
    [MT_ENT_SPOILER] = "tg-spoiler",
    [MT_ENT_CUSTOM_EMOJI] = "tg-emoji",
};

static void html_open(struct tl_out *out, const struct mt_entity *e)
{
    const char *arg = e->arg ? e->arg : "";

    if (!html_tag[e->type])
        return;
    put(out, "<");
    put(out, html_tag[e->type]);
    if (e->type == MT_ENT_TEXT_LINK) {
        put(out, " href=\"");
        html_text(out, arg, strlen(arg));
        put(out, "\"");
    } else if (e->type == MT_ENT_TEXT_MENTION || e->type == MT_ENT_CUSTOM_EMOJI) {
        put(out, e->type == MT_ENT_CUSTOM_EMOJI ? " emoji-id=\"" : " href=\"tg://user?id=");
        put_number(out, e->id);
        put(out, "\"");
    } else if (e->type == MT_ENT_EXPANDABLE) {
        put(out, " expandable");
    }
    put(out, ">");
    if (e->type == MT_ENT_PRE && *arg) {
        put(out, "<code class=\"language-");
        html_text(out, arg, strlen(arg));
        put(out, "\">");
    }
}

static void html_close(struct tl_out *out, const struct mt_entity *e)
{
    if (!html_tag[e->type])
        return;
    if (e->type == MT_ENT_PRE && e->arg && *e->arg)
        put(out, "</code>");
    put(out, "</");
    put(out, html_tag[e->type]);
    put(out, ">");
}

static void html_byte(struct tl_out *out, char c, const struct mt_entity *inner, bool quoted)
{
    html_text(out, &c, 1);
}

/* --- MarkdownV2 --- */

static const char *const markdown_mark[MT_ENT_TYPES] = {
    [MT_ENT_BLOCKQUOTE] = ">", [MT_ENT_EXPANDABLE] = ">", [MT_ENT_PRE] = "```",
    [MT_ENT_CODE] = "`",       [MT_ENT_TEXT_LINK] = "[",  [MT_ENT_TEXT_MENTION] = "[",
    [MT_ENT_BOLD] = "*",       [MT_ENT_ITALIC] = "_",     [MT_ENT_UNDERLINE] = "__",
    [MT_ENT_STRIKE] = "~",     [MT_ENT_SPOILER] = "||",   [MT_ENT_CUSTOM_EMOJI] = "![",
};

static void markdown_open(struct tl_out *out, const struct mt_entity *e)
{
    if (!markdown_mark[e->type])
        return;
    /* two quotes one after the other need something between them; it does no harm elsewhere */
    if ((e->type == MT_ENT_BLOCKQUOTE || e->type == MT_ENT_EXPANDABLE) && out->len)
        put(out, "**");
    /* an italic's end before an underline's would be read as one mark */
    if ((e->type == MT_ENT_UNDERLINE || e->type == MT_ENT_ITALIC) && out->len &&
        out->data[out->len - 1] == '_')
        put(out, "**");
    put(out, markdown_mark[e->type]);
    if (e->type == MT_ENT_PRE) {
        if (e->arg)
            put(out, e->arg);
        put(out, "\n");
    }
}

static void markdown_url(struct tl_out *out, const char *url)
{
    for (; *url; url++) {
        if (*url == ')' || *url == '\\')
            put(out, "\\");
        tl_put_raw(out, url, 1);
    }
}

static void markdown_close(struct tl_out *out, const struct mt_entity *e)
{
    if (!markdown_mark[e->type])
        return;
    if (e->type == MT_ENT_EXPANDABLE) {
        put(out, "||");
    } else if (e->type == MT_ENT_TEXT_LINK || e->type == MT_ENT_TEXT_MENTION ||
               e->type == MT_ENT_CUSTOM_EMOJI) {
        put(out, "](");
        if (e->type == MT_ENT_TEXT_LINK) {
            markdown_url(out, e->arg ? e->arg : "");
        } else {
            put(out, e->type == MT_ENT_TEXT_MENTION ? "tg://user?id=" : "tg://emoji?id=");
            put_number(out, e->id);
        }
        put(out, ")");
    } else if (e->type != MT_ENT_BLOCKQUOTE) {
        if ((e->type == MT_ENT_UNDERLINE || e->type == MT_ENT_ITALIC) && out->len &&
            out->data[out->len - 1] == '_')
            put(out, "**");
        put(out, markdown_mark[e->type]);
    }
}

static void markdown_byte(struct tl_out *out, char c, const struct mt_entity *inner, bool quoted)
{
    bool code = inner && (inner->type == MT_ENT_CODE || inner->type == MT_ENT_PRE);

    if (c && strchr(code ? "`\\" : "_*[]()~`>#+-=|{}.!\\", c))
        put(out, "\\");
    tl_put_raw(out, &c, 1);
    if (c == '\n' && quoted)
        put(out, ">");
}

/* --- the walk --- */

struct walk {
    const struct markup *m;
    struct tl_out *out;
    const struct mt_entity *open[OPEN_MAX];
    size_t depth;
};

static int32_t end_of(const struct mt_entity *e)
{
    return e->offset + e->length;
}

/* Closes what ends at `unit`; what lies above it is opened again. */
static void close_at(struct walk *w, int32_t unit)
{
    const struct mt_entity *again[OPEN_MAX];
    size_t n = 0, lowest = w->depth;

    for (size_t i = 0; i < w->depth; i++) {
        if (end_of(w->open[i]) <= unit) {
            lowest = i;
            break;
        }
    }
    while (w->depth > lowest) {
        const struct mt_entity *e = w->open[--w->depth];

        w->m->close(w->out, e);
        if (end_of(e) > unit)
            again[n++] = e;
    }
    while (n) {
        w->open[w->depth++] = again[--n];
        w->m->open(w->out, w->open[w->depth - 1]);
    }
}

static int by_place(const void *x, const void *y)
{
    const struct mt_entity *a = *(const struct mt_entity *const *)x, *b = *(const struct mt_entity *const *)y;

    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return (int)a->type - (int)b->type;
}

static bool is_quote(const struct walk *w)
{
    for (size_t i = 0; i < w->depth; i++)
        if (w->open[i]->type == MT_ENT_BLOCKQUOTE || w->open[i]->type == MT_ENT_EXPANDABLE)
            return true;
    return false;
}

static bool is_code(const struct mt_entity *e)
{
    return e->type == MT_ENT_CODE || e->type == MT_ENT_PRE;
}

/* Leaves out what shares text with code, and code that begins inside of other code; returns what is left. */
static size_t leave_code_alone(const struct mt_entity **sorted, size_t n)
{
    int32_t next_code = INT32_MAX, code_end = 0;
    size_t kept = 0;

    for (size_t i = n; i-- > 0;) {
        const struct mt_entity *e = sorted[i];

        if (is_code(e))
            next_code = e->offset;
        else if (next_code < end_of(e) && e->type != MT_ENT_BLOCKQUOTE && e->type != MT_ENT_EXPANDABLE)
            sorted[i] = NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const struct mt_entity *e = sorted[i];

        if (!e || e->offset < code_end)
            continue;
        if (is_code(e))
            code_end = end_of(e);
        sorted[kept++] = e;
    }
    return kept;
}

static void unparse(const struct markup *m, struct tl_out *out, const char *text, size_t n,
                    const struct mt_entity *entities, size_t count)
{
    struct walk w = {.m = m, .out = out};
    const struct mt_entity **sorted = count ? calloc(count, sizeof(const struct mt_entity *)) : NULL;
    size_t next = 0, kept = 0;
    int32_t unit = 0;

    if (count && !sorted) {
        tl_out_fail(out, TL_E_NOMEM);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (entities[i].offset >= 0 && entities[i].length > 0 &&
            entities[i].offset < INT32_MAX - entities[i].length)
            sorted[kept++] = &entities[i];
    if (kept > 1)
        qsort(sorted, kept, sizeof(const struct mt_entity *), by_place);
    if (m->code_is_alone)
        kept = leave_code_alone(sorted, kept);
    for (size_t i = 0; i < n; i++) {
        bool first = ((uint8_t)text[i] & 0xc0) != 0x80;

        if (first)
            close_at(&w, unit);
        for (; first && next < kept && sorted[next]->offset <= unit; next++) {
            if (w.depth < OPEN_MAX && end_of(sorted[next]) > unit) {
                w.open[w.depth++] = sorted[next];
                m->open(out, sorted[next]);
            }
        }
        m->byte(out, text[i], w.depth ? w.open[w.depth - 1] : NULL, is_quote(&w));
        if (first)
            unit += 1 + ((uint8_t)text[i] >= 0xf0);
    }
    close_at(&w, INT32_MAX);
    free(sorted);
}

void mt_text_to_html(struct tl_out *out, const char *text, size_t n, const struct mt_entity *entities,
                     size_t count)
{
    static const struct markup html = {html_open, html_close, html_byte, false};
    unparse(&html, out, text, n, entities, count);
}

void mt_text_to_markdown(struct tl_out *out, const char *text, size_t n, const struct mt_entity *entities,
                         size_t count)
{
    static const struct markup markdown = {markdown_open, markdown_close, markdown_byte, true};
    unparse(&markdown, out, text, n, entities, count);
}
