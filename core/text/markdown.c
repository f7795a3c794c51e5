/*
 * MarkdownV2. One pass with a stack of open entities. Rules that are easy to miss: `__` is always underline
 * before it is twice italic; inside code and pre only ` and \ mean something; a quote is as long as its lines
 * begin with `>`, and is collapsed where the last of them ends in `||`; an empty bold `**` separates what
 * would else run together.
 */
#include "core/text/builder.h"

#include <stdio.h>
#include <string.h>

#define STACK_MAX 32

struct open {
    int entity;
    char mark; /* * _ u (for __) ~ | ` p (for ```) [ ! > */
    size_t at;
};

struct parser {
    struct mt_text_builder b;
    const char *in;
    size_t n, i;
    struct open stack[STACK_MAX];
    size_t depth;
    bool line_start; /* nothing of this line is in the text yet */
    struct mt_text_error *error;
};

static int fail(struct parser *p, size_t at, const char *what)
{
    p->error->at = at;
    snprintf(p->error->what, sizeof p->error->what, "%s", what);
    return MT_E_ARG;
}

static bool starts(const struct parser *p, const char *mark)
{
    size_t len = strlen(mark);
    return p->n - p->i >= len && memcmp(p->in + p->i, mark, len) == 0;
}

static char top(const struct parser *p)
{
    return p->depth ? p->stack[p->depth - 1].mark : 0;
}

static bool quoting(const struct parser *p)
{
    return p->depth && p->stack[0].mark == '>';
}

static const char *words(char mark)
{
    switch (mark) {
    case '*':
        return "bold is not closed";
    case '_':
        return "italic is not closed";
    case 'u':
        return "underline is not closed";
    case '~':
        return "strikethrough is not closed";
    case '|':
        return "spoiler is not closed";
    case '`':
        return "code is not closed";
    case 'p':
        return "pre is not closed";
    case '!':
        return "custom emoji is not closed";
    default:
        return "link is not closed";
    }
}

static int push(struct parser *p, char mark, enum mt_entity_type type, size_t skip)
{
    if (p->depth == STACK_MAX)
        return fail(p, p->i, "nested too deeply");
    p->stack[p->depth++] = (struct open){.entity = mt_text_open(&p->b, type), .mark = mark, .at = p->i};
    p->i += skip;
    return MT_OK;
}

static void pop(struct parser *p, size_t skip)
{
    mt_text_close(&p->b, p->stack[--p->depth].entity);
    p->i += skip;
}

/* "(url)" after a link's text: into arg with \ taken off. The entity stays open for its owner to turn. */
static int read_url(struct parser *p, int entity, char mark)
{
    char url[2048];
    size_t n = 0, start = p->i;
    int64_t id;

    if (p->i == p->n || p->in[p->i] != '(') {
        if (mark == '!')
            return fail(p, start, "expected (tg://emoji?id=...) after a custom emoji");
        mt_text_arg(&p->b, entity, "", 0);
        return MT_OK;
    }
    for (p->i++; p->i < p->n && p->in[p->i] != ')'; p->i++) {
        if (p->in[p->i] == '\\' && p->i + 1 < p->n && (uint8_t)p->in[p->i + 1] < 127)
            p->i++;
        if (n == sizeof url)
            return fail(p, start, "the link is too long");
        url[n++] = p->in[p->i];
    }
    if (p->i == p->n)
        return fail(p, start, "the link's ) is missing");
    p->i++;
    if (entity < 0)
        return MT_OK;
    if (mark == '!') {
        if (!mt_text_link_id(url, n, "tg://emoji?id=", &id))
            return fail(p, start, "expected tg://emoji?id=...");
        p->b.entities[entity].id = id;
        return MT_OK;
    }
    if (mt_text_link_id(url, n, "tg://user?id=", &id)) {
        p->b.entities[entity].type = MT_ENT_TEXT_MENTION;
        p->b.entities[entity].id = id;
        return MT_OK;
    }
    mt_text_arg(&p->b, entity, url, n);
    return MT_OK;
}

static int close_link(struct parser *p)
{
    struct open o = p->stack[p->depth - 1];
    int r;

    pop(p, 1);
    r = read_url(p, o.entity, o.mark);
    /* a link without a target is its text */
    if (r == MT_OK && o.mark == '[' && o.entity >= 0 && p->b.entities[o.entity].arg &&
        !p->b.entities[o.entity].arg[0])
        p->b.entities[o.entity].length = 0;
    return r;
}

static int open_pre(struct parser *p)
{
    size_t start;
    int r = push(p, 'p', MT_ENT_PRE, 3);

    if (r != MT_OK)
        return r;
    start = p->i;
    while (p->i < p->n && !strchr(" \t\r\n`", p->in[p->i]))
        p->i++;
    if (p->i < p->n && p->in[p->i] == '\n') {
        if (p->i > start)
            mt_text_arg(&p->b, p->stack[p->depth - 1].entity, p->in + start, p->i - start);
        p->i++;
    } else {
        p->i = start; /* a word and no line end: it is the code itself */
    }
    return MT_OK;
}

/* Whether what stands here ends the innermost entity; if so it is closed. */
static bool close_here(struct parser *p, int *r)
{
    char c = p->in[p->i];

    switch (top(p)) {
    case '*':
    case '~':
    case '`':
        if (c != top(p))
            return false;
        pop(p, 1);
        return true;
    case '_':
        if (c != '_' || starts(p, "__"))
            return false;
        pop(p, 1);
        return true;
    case 'u':
        if (!starts(p, "__"))
            return false;
        pop(p, 2);
        return true;
    case '|':
        if (!starts(p, "||"))
            return false;
        pop(p, 2);
        return true;
    case 'p':
        if (!starts(p, "```"))
            return false;
        pop(p, 3);
        return true;
    case '[':
    case '!':
        if (c != ']')
            return false;
        *r = close_link(p);
        return true;
    default:
        return false;
    }
}

/* The end of a quote's line: goes on, or ends here. */
static int quote_line(struct parser *p)
{
    bool more = p->i + 1 < p->n && p->in[p->i + 1] == '>';

    if (!more && p->depth > 1)
        return fail(p, p->stack[p->depth - 1].at, words(top(p)));
    if (!more)
        pop(p, 0);
    mt_text_put(&p->b, "\n", 1);
    p->i += more ? 2 : 1;
    p->line_start = !more;
    return MT_OK;
}

static int open_here(struct parser *p)
{
    char text[48];
    char c = p->in[p->i];

    if (starts(p, "__"))
        return push(p, 'u', MT_ENT_UNDERLINE, 2);
    if (c == '_')
        return push(p, '_', MT_ENT_ITALIC, 1);
    if (c == '*')
        return push(p, '*', MT_ENT_BOLD, 1);
    if (c == '~')
        return push(p, '~', MT_ENT_STRIKE, 1);
    if (starts(p, "||")) {
        bool line_ends = p->i + 2 == p->n || p->in[p->i + 2] == '\n';
        bool quote_ends = p->i + 3 >= p->n || p->in[p->i + 3] != '>';

        if (top(p) == '>' && line_ends && quote_ends) {
            if (p->stack[0].entity >= 0)
                p->b.entities[p->stack[0].entity].type = MT_ENT_EXPANDABLE;
            p->i += 2;
            return MT_OK;
        }
        return push(p, '|', MT_ENT_SPOILER, 2);
    }
    if (starts(p, "```"))
        return open_pre(p);
    if (c == '`')
        return push(p, '`', MT_ENT_CODE, 1);
    if (c == '[')
        return push(p, '[', MT_ENT_TEXT_LINK, 1);
    if (starts(p, "!["))
        return push(p, '!', MT_ENT_CUSTOM_EMOJI, 2);
    if (c == '>' && p->line_start && p->depth == 0)
        return push(p, '>', MT_ENT_BLOCKQUOTE, 1);
    snprintf(text, sizeof text, "'%c' is reserved: write \\%c", c, c);
    return fail(p, p->i, text);
}

static int step(struct parser *p)
{
    static const char reserved[] = "_*[]()~`>#+-=|{}.!";
    char c = p->in[p->i];
    bool code = top(p) == '`' || top(p) == 'p';
    int r = MT_OK;

    if (c == '\\' && p->i + 1 < p->n && p->in[p->i + 1] > 0 && p->in[p->i + 1] < 127) {
        p->i++;
    } else if (c == '\n' && quoting(p)) {
        return quote_line(p);
    } else if (c && strchr(code ? "`" : reserved, c)) {
        if (close_here(p, &r))
            return r;
        if (!code)
            return open_here(p);
    }
    mt_text_put(&p->b, p->in + p->i, 1);
    p->line_start = p->in[p->i] == '\n';
    p->i++;
    return MT_OK;
}

int mt_text_from_markdown(const char *in, size_t n, struct mt_text *out, struct mt_text_error *error)
{
    struct parser p = {.in = in, .n = n, .line_start = true, .error = error};
    int r = n > MT_TEXT_MAX ? MT_E_TOO_LARGE : MT_OK;

    while (r == MT_OK && p.i < p.n)
        r = p.b.err ? p.b.err : step(&p);
    if (r == MT_OK && top(&p) == '>')
        pop(&p, 0);
    if (r == MT_OK && p.depth)
        r = fail(&p, p.stack[p.depth - 1].at, words(top(&p)));
    if (r != MT_OK) {
        mt_text_builder_fini(&p.b);
        return r;
    }
    return mt_text_finish(&p.b, out);
}
