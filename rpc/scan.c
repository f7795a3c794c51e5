#include "rpc/scan.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_CAP    (64u * 1024) /* a value's memory above this goes with the value */
#define SHOW_BEFORE 20u          /* bytes of the value that are shown before the one that is wrong */

enum state {
    S_BETWEEN,
    S_SKIP,
    S_VALUE,        /* a value must come */
    S_ARRAY_FIRST,  /* a value, or ] */
    S_OBJECT_FIRST, /* a member name, or } */
    S_KEY,          /* a member name must come */
    S_COLON,
    S_AFTER, /* , or the end of the container */
    S_KEY_STRING,
    S_STRING,
    S_ESCAPE, /* s->after: the string state to go back to */
    S_HEX1,
    S_HEX2,
    S_HEX3,
    S_HEX4,
    S_MINUS,
    S_ZERO,
    S_INT,
    S_DOT,
    S_FRACTION,
    S_E,
    S_E_SIGN,
    S_EXPONENT,
    S_LITERAL,
};

enum step { TAKEN, AGAIN, DONE, BAD, LIMIT, NOMEM };

void rpc_scan_init(struct rpc_scan *s)
{
    memset(s, 0, sizeof *s);
    s->value.limit = RPC_VALUE_MAX + KEEP_CAP;
    s->col_one = true;
}

void rpc_scan_fini(struct rpc_scan *s)
{
    tl_out_free(&s->value);
    free(s->ids);
    s->ids = NULL;
}

size_t rpc_scan_held(const struct rpc_scan *s)
{
    return s->value.cap + s->cap_ids * sizeof *s->ids;
}

static void forget_value(struct rpc_scan *s)
{
    if (s->value.cap > KEEP_CAP) {
        tl_out_free(&s->value);
        memset(&s->value, 0, sizeof s->value);
        s->value.limit = RPC_VALUE_MAX + KEEP_CAP;
    }
    tl_out_reset(&s->value);
    if (s->cap_ids > 16) {
        free(s->ids);
        s->ids = NULL;
        s->cap_ids = 0;
    }
    s->n_ids = 0;
    s->depth = 0;
    s->members = 0;
    s->items = 0;
    s->id_open = false;
    s->key_is_id = false;
}

static enum step bad(struct rpc_scan *s, const char *why)
{
    s->why = why;
    return BAD;
}

static enum step limit(struct rpc_scan *s, const char *why)
{
    s->why = why;
    return LIMIT;
}

static bool in_array(const struct rpc_scan *s)
{
    return s->arrays >> (s->depth - 1) & 1;
}

/* The level at which members of a request stand: 1, or 2 inside a batch. */
static bool at_request(const struct rpc_scan *s)
{
    return !in_array(s) && (s->depth == 1 || (s->depth == 2 && (s->arrays & 1)));
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* --- ids --- */

static enum step id_begins(struct rpc_scan *s, uint32_t pos)
{
    uint32_t item = s->depth == 2 ? s->items - 1 : 0;

    s->key_is_id = false;
    if (item >= RPC_BATCH_MAX)
        return TAKEN;
    if (s->n_ids == s->cap_ids) {
        size_t cap = s->cap_ids ? s->cap_ids * 2 : 4;
        struct rpc_id_span *ids = realloc(s->ids, cap * sizeof *ids);

        if (!ids)
            return NOMEM;
        s->ids = ids;
        s->cap_ids = cap;
    }
    s->ids[s->n_ids++] = (struct rpc_id_span){.item = item, .at = pos};
    s->id_open = true;
    return TAKEN;
}

/* A value at the request's own level has ended just before `pos`. */
static void value_ended(struct rpc_scan *s, uint32_t pos)
{
    s->state = S_AFTER;
    if (s->id_open && at_request(s)) {
        s->ids[s->n_ids - 1].len = pos - s->ids[s->n_ids - 1].at;
        s->id_open = false;
    }
}

/* --- containers --- */

static enum step open_container(struct rpc_scan *s, bool array)
{
    if (s->depth == RPC_DEPTH_MAX)
        return limit(s, "nested deeper than 64 levels");
    s->depth++;
    s->arrays &= ~(UINT64_C(1) << (s->depth - 1));
    if (array)
        s->arrays |= UINT64_C(1) << (s->depth - 1);
    s->state = array ? S_ARRAY_FIRST : S_OBJECT_FIRST;
    return TAKEN;
}

static enum step close_container(struct rpc_scan *s, bool array, uint32_t pos)
{
    if (in_array(s) != array)
        return bad(s, "a bracket that closes nothing");
    if (--s->depth == 0) {
        s->state = S_BETWEEN;
        return DONE;
    }
    value_ended(s, pos + 1);
    return TAKEN;
}

static enum step begin_literal(struct rpc_scan *s, uint8_t c)
{
    s->literal = c == 't' ? "true" : c == 'f' ? "false" : "null";
    s->literal_at = 1;
    s->state = S_LITERAL;
    return TAKEN;
}

static enum step begin_value(struct rpc_scan *s, uint8_t c, uint32_t pos)
{
    if (is_space(c))
        return TAKEN;
    if (s->state == S_ARRAY_FIRST && c == ']')
        return close_container(s, true, pos);
    if (++s->members > RPC_MEMBERS_MAX)
        return limit(s, "more than 100000 members");
    if (s->depth == 1 && in_array(s))
        s->items++;
    if (s->key_is_id && at_request(s) && id_begins(s, pos) != TAKEN)
        return NOMEM;
    s->number_len = 1;
    switch (c) {
    case '{':
    case '[':
        return open_container(s, c == '[');
    case '"':
        s->state = S_STRING;
        return TAKEN;
    case 't':
    case 'f':
    case 'n':
        return begin_literal(s, c);
    case '-':
        s->state = S_MINUS;
        return TAKEN;
    case '0':
        s->state = S_ZERO;
        return TAKEN;
    }
    if (c < '1' || c > '9')
        return bad(s, "a value is expected");
    s->state = S_INT;
    return TAKEN;
}

static enum step step_structure(struct rpc_scan *s, uint8_t c, uint32_t pos)
{
    if (is_space(c))
        return TAKEN;
    switch (s->state) {
    case S_OBJECT_FIRST:
        if (c == '}')
            return close_container(s, false, pos);
        __attribute__((fallthrough));
    case S_KEY:
        if (c != '"')
            return bad(s, "a member name in quotes is expected");
        s->state = S_KEY_STRING;
        s->key_at = pos;
        s->key_is_id = false;
        return TAKEN;
    case S_COLON:
        if (c != ':')
            return bad(s, "a colon is expected");
        s->state = S_VALUE;
        return TAKEN;
    }
    if (c == ',') {
        s->state = in_array(s) ? S_VALUE : S_KEY;
        return TAKEN;
    }
    if (c == ']' || c == '}')
        return close_container(s, c == ']', pos);
    return bad(s, in_array(s) ? "a comma or ] is expected" : "a comma or } is expected");
}

/* --- strings, numbers, literals --- */

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static enum step step_string(struct rpc_scan *s, uint8_t c, uint32_t pos)
{
    switch (s->state) {
    case S_ESCAPE:
        if (c == 'u')
            s->state = S_HEX1;
        else if (c && strchr("\"\\/bfnrt", c))
            s->state = s->after;
        else
            return bad(s, "an escape that JSON does not have");
        return TAKEN;
    case S_HEX1:
    case S_HEX2:
    case S_HEX3:
    case S_HEX4:
        if (!is_hex(c))
            return bad(s, "four hex digits are expected after \\u");
        s->state = s->state == S_HEX4 ? s->after : s->state + 1;
        return TAKEN;
    }
    if (c < 0x20)
        return bad(s,
                   c == '\n' ? "a line end inside a string (write \\n)" : "a control character in a string");
    if (c == '\\') {
        s->after = s->state;
        s->state = S_ESCAPE;
    } else if (c == '"' && s->state == S_KEY_STRING) {
        s->state = S_COLON;
        s->key_is_id = at_request(s) && pos - s->key_at == 3;
    } else if (c == '"') {
        value_ended(s, pos + 1);
    }
    return TAKEN;
}

static bool number_may_end(unsigned state)
{
    return state == S_ZERO || state == S_INT || state == S_FRACTION || state == S_EXPONENT;
}

static unsigned number_next(unsigned state, uint8_t c)
{
    bool digit = c >= '0' && c <= '9';

    if (digit) {
        switch (state) {
        case S_MINUS:
            return c == '0' ? S_ZERO : S_INT;
        case S_ZERO:
            return S_BETWEEN;
        case S_INT:
        case S_FRACTION:
        case S_EXPONENT:
            return state;
        case S_DOT:
            return S_FRACTION;
        case S_E:
        case S_E_SIGN:
            return S_EXPONENT;
        }
    }
    if (c == '.' && (state == S_ZERO || state == S_INT))
        return S_DOT;
    if ((c == 'e' || c == 'E') && number_may_end(state) && state != S_EXPONENT)
        return S_E;
    if ((c == '+' || c == '-') && state == S_E)
        return S_E_SIGN;
    return S_BETWEEN;
}

static enum step step_number(struct rpc_scan *s, uint8_t c, uint32_t pos)
{
    unsigned next = number_next(s->state, c);

    if (next != S_BETWEEN) {
        if (++s->number_len > RPC_NUMBER_MAX)
            return limit(s, "a number longer than 1024 digits");
        s->state = next;
        return TAKEN;
    }
    if (!number_may_end(s->state) || (c >= '0' && c <= '9'))
        return bad(s, "not a number");
    value_ended(s, pos);
    return AGAIN;
}

static enum step step(struct rpc_scan *s, uint8_t c, uint32_t pos)
{
    switch (s->state) {
    case S_VALUE:
    case S_ARRAY_FIRST:
        return begin_value(s, c, pos);
    case S_OBJECT_FIRST:
    case S_KEY:
    case S_COLON:
    case S_AFTER:
        return step_structure(s, c, pos);
    case S_LITERAL:
        if (c != (uint8_t)s->literal[s->literal_at])
            return bad(s, "neither true, false nor null");
        if (!s->literal[++s->literal_at])
            value_ended(s, pos + 1);
        return TAKEN;
    }
    return s->state >= S_MINUS ? step_number(s, c, pos) : step_string(s, c, pos);
}

/* --- stretches that are skipped --- */

static void show(struct rpc_scan *s, uint8_t c)
{
    if (s->n_shown == RPC_SHOWN_MAX)
        return;
    s->shown[s->n_shown++] = c >= 0x20 && c < 0x7f ? (char)c : c == '\t' || c == '\n' ? ' ' : '?';
    s->shown[s->n_shown] = 0;
}

static enum rpc_scan_event tell(struct rpc_scan *s)
{
    s->told = true;
    return s->pending;
}

static void begin_skip(struct rpc_scan *s, enum rpc_scan_event event)
{
    size_t from = s->value.len > SHOW_BEFORE ? s->value.len - SHOW_BEFORE : 0;

    if (s->state != S_BETWEEN)
        s->col_one = s->value.len && s->value.data[s->value.len - 1] == '\n';
    s->state = S_SKIP;
    s->pending = event;
    s->told = false;
    s->n_shown = 0;
    s->shown[0] = 0;
    for (size_t i = from; i < s->value.len; i++)
        show(s, s->value.data[i]);
    forget_value(s);
}

/* One byte of a stretch. True: the byte belongs to the next value. */
static bool skip_byte(struct rpc_scan *s, uint8_t c, enum rpc_scan_event *event)
{
    if (s->col_one && (c == '{' || c == '[')) {
        if (!s->told)
            *event = tell(s);
        s->state = S_BETWEEN;
        return true;
    }
    s->col_one = c == '\n';
    if (s->told)
        return false;
    if (c != '\n' && c != '\r')
        show(s, c);
    if (s->pending == RPC_SCAN_BAD && s->why == NULL) {
        if (strcmp(s->shown, "GET ") == 0 || strcmp(s->shown, "POST ") == 0)
            s->pending = RPC_SCAN_HTTP;
    }
    if (c == '\n' || s->n_shown == RPC_SHOWN_MAX) {
        if (!s->why)
            s->why = "only { or [ begins a request";
        *event = tell(s);
    }
    return false;
}

static size_t skip(struct rpc_scan *s, const uint8_t *p, size_t n, enum rpc_scan_event *event)
{
    size_t i = 0;

    *event = RPC_SCAN_MORE;
    while (i < n && *event == RPC_SCAN_MORE) {
        if (s->told && !s->col_one) {
            const uint8_t *line_end = memchr(p + i, '\n', n - i);

            if (!line_end)
                return n;
            i = (size_t)(line_end - p);
        }
        if (skip_byte(s, p[i], event))
            break;
        i++;
    }
    return i;
}

/* --- the verbs --- */

/* Takes white space; opens a value or a stretch. */
static size_t between(struct rpc_scan *s, const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n && is_space(p[i])) {
        s->col_one = p[i] == '\n';
        i++;
    }
    if (i == n)
        return n;
    if (p[i] == '{' || p[i] == '[') {
        s->col_one = false;
        s->depth = 0;
        s->state = S_VALUE;
        return i;
    }
    /* a stretch of its own: col_one stays as it is only for what may be HTTP; its first byte is no bracket */
    begin_skip(s, RPC_SCAN_BAD);
    s->why = NULL;
    return i;
}

/* First byte of a value: opened by hand, since no container is around it. */
static enum step first_byte(struct rpc_scan *s, uint8_t c)
{
    s->members = 0;
    return open_container(s, c == '[');
}

static size_t string_run(const struct rpc_scan *s, const uint8_t *p, size_t n)
{
    size_t i = 0;

    if (s->state != S_STRING && s->state != S_KEY_STRING)
        return 0;
    while (i < n && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

/* The newest member name is `"id"`: its closing quote is at `end` of the value. */
static bool names_id(const struct rpc_scan *s, const uint8_t *p)
{
    uint8_t name[3];

    for (size_t i = 0; i < 3; i++) {
        size_t at = s->key_at + i;

        name[i] = at < s->value.len ? s->value.data[at] : p[at - s->value.len];
    }
    return memcmp(name, "\"id", 3) == 0;
}

/* Bytes of a value, up to its end or an error; i counts them all. */
static enum step read_value(struct rpc_scan *s, const uint8_t *p, size_t n, size_t *taken)
{
    enum step r = TAKEN;
    size_t i = 0;

    while (i < n && (r == TAKEN || r == AGAIN)) {
        size_t run = string_run(s, p + i, n - i);
        uint32_t pos;

        i += run;
        if (i == n)
            break;
        pos = (uint32_t)(s->value.len + i);
        r = s->depth ? step(s, p[i], pos) : first_byte(s, p[i]);
        if (s->key_is_id && s->state == S_COLON && p[i] == '"')
            s->key_is_id = names_id(s, p);
        if (r == TAKEN || r == DONE)
            i++;
    }
    if ((r == TAKEN || r == DONE) && s->value.len + i > RPC_VALUE_MAX)
        r = limit(s, "larger than 16 MiB");
    *taken = i;
    return r;
}

size_t rpc_scan_feed(struct rpc_scan *s, const void *data, size_t n, enum rpc_scan_event *event)
{
    const uint8_t *p = data;
    size_t at = 0, taken = 0;
    enum step r;

    *event = RPC_SCAN_MORE;
    if (s->state == S_BETWEEN) {
        forget_value(s);
        at = between(s, p, n);
    }
    if (at < n && s->state == S_SKIP)
        return at + skip(s, p + at, n - at, event);
    if (at == n)
        return n;
    r = read_value(s, p + at, n - at, &taken);
    tl_put_raw(&s->value, p + at, taken);
    at += taken;
    if (s->value.err || r == NOMEM) {
        begin_skip(s, RPC_SCAN_BAD);
        s->told = true;
        *event = RPC_SCAN_NOMEM;
    } else if (r == DONE) {
        *event = RPC_SCAN_VALUE;
    } else if (r == BAD || r == LIMIT) {
        begin_skip(s, r == LIMIT ? RPC_SCAN_LIMIT : RPC_SCAN_BAD);
    }
    return at;
}

enum rpc_scan_event rpc_scan_eof(struct rpc_scan *s)
{
    if (s->state == S_BETWEEN)
        return RPC_SCAN_MORE;
    if (s->state != S_SKIP) {
        size_t n = s->value.len < RPC_SHOWN_MAX ? s->value.len : RPC_SHOWN_MAX;

        s->n_shown = 0;
        for (size_t i = 0; i < n; i++)
            show(s, s->value.data[i]);
        forget_value(s);
        s->state = S_BETWEEN;
        s->why = "the input ends inside a value";
        return RPC_SCAN_BAD;
    }
    s->state = S_BETWEEN;
    if (s->told)
        return RPC_SCAN_MORE;
    if (!s->why)
        s->why = "only { or [ begins a request";
    return tell(s);
}

void rpc_scan_abort(struct rpc_scan *s)
{
    forget_value(s);
    s->state = S_SKIP;
    s->told = true;
    s->col_one = false;
}
