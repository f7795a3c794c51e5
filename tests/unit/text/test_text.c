#include "tests/unit/check.h"
#include "core/text/text.h"

typedef int parse(const char *in, size_t n, struct mt_text *out, struct mt_text_error *error);

/* "text|bold 0 4|text_link 5 3 http://x" */
static void describe(const struct mt_text *t, char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap, "%s", t->text);

    for (size_t i = 0; i < t->n_entities; i++) {
        const struct mt_entity *e = &t->entities[i];

        n += (size_t)snprintf(out + n, cap - n, "|%s %d %d", mt_entity_name(e->type), e->offset, e->length);
        if (e->arg && e->arg[0])
            n += (size_t)snprintf(out + n, cap - n, " %s", e->arg);
        if (e->id)
            n += (size_t)snprintf(out + n, cap - n, " %lld", (long long)e->id);
    }
}

struct row {
    const char *in, *want; /* want: NULL = an error */
};

static void check(parse *from, const struct row *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct mt_text t = {0};
        struct mt_text_error error = {0};
        char got[1024];
        int r = from(row[i].in, strlen(row[i].in), &t, &error);

        if (!row[i].want) {
            if (r != MT_E_ARG || !error.what[0])
                fail_msg("accepted: %s", row[i].in);
            continue;
        }
        if (r != MT_OK)
            fail_msg("%s: refused at %zu: %s", row[i].in, error.at, error.what);
        describe(&t, got, sizeof got);
        if (strcmp(got, row[i].want) != 0)
            fail_msg("%s\n  got  %s\n  want %s", row[i].in, got, row[i].want);
        mt_text_fini(&t);
    }
}
#define CHECK(from, rows) check(from, rows, sizeof rows / sizeof *rows)

static void markdown_v2_marks(void **state)
{
    static const struct row rows[] = {
        {"plain", "plain"},
        {"*bold* _it_ __un__ ~st~ ||sp||",
         "bold it un st sp|bold 0 4|italic 5 2|underline 8 2|strikethrough 11 2|spoiler 14 2"},
        {"*bold _italic bold ~x~_*", "bold italic bold x|bold 0 18|italic 5 13|strikethrough 17 1"},
        {"`code` ```c\nint x;\n```", "code int x;|code 0 4|pre 5 6 c"},
        {"```\nplain pre```", "plain pre|pre 0 9"},
        {"```word```", "word|pre 0 4"},
        {"`a\\`b\\\\c *d*`", "a`b\\c *d*|code 0 9"},
        {"[in line](http://e.com/a\\)b)", "in line|text_link 0 7 http://e.com/a)b"},
        {"[me](tg://user?id=123)", "me|text_mention 0 2 123"},
        {"![\xf0\x9f\x91\x8d](tg://emoji?id=5368324170671202286)",
         "\xf0\x9f\x91\x8d|custom_emoji 0 2 5368324170671202286"},
        {"\\*not bold\\*", "*not bold*"},
        {"\xf0\x9f\x98\x80*a*", "\xf0\x9f\x98\x80"
                                "a|bold 2 1"},
        {"___a_**__", "a|italic 0 1|underline 0 1"},
        {"*a*", "a|bold 0 1"},
        {"  *a *  ", "a|bold 0 1"},
        {"**", ""},
        {"", ""},
    };
    CHECK(mt_text_from_markdown, rows);
}

static void markdown_v2_quotes(void **state)
{
    static const struct row rows[] = {
        {">one\n>two\nafter", "one\ntwo\nafter|blockquote 0 7"},
        {">one\n>two||", "one\ntwo|expandable_blockquote 0 7"},
        {">one||\nafter", "one\nafter|expandable_blockquote 0 3"},
        {">one\n**>two", "one\ntwo|blockquote 0 3|blockquote 4 3"},
        {"a\n>*b*", "a\nb|blockquote 2 1|bold 2 1"},
        {">*one\ntwo*", NULL},
        {"a > b", NULL},
    };
    CHECK(mt_text_from_markdown, rows);
}

static void markdown_v2_refuses_what_is_not_closed_or_reserved(void **state)
{
    static const struct row rows[] = {
        {"*a", NULL},    {"_a", NULL},  {"__a_", NULL}, {"`a", NULL},        {"```a", NULL},
        {"[a](b", NULL}, {"a.b", NULL}, {"a!", NULL},   {"*a _b* c_", NULL}, {"![a](http://x)", NULL},
        {"a-b", NULL},   {"(", NULL},
    };
    CHECK(mt_text_from_markdown, rows);
}

static void html_tags(void **state)
{
    static const struct row rows[] = {
        {"<b>b</b><STRONG>s</STRONG> <i>i</i> <u>u</u> <s>s</s> <tg-spoiler>x</tg-spoiler>",
         "bs i u s x|bold 0 1|bold 1 1|italic 3 1|underline 5 1|strikethrough 7 1|spoiler 9 1"},
        {"<span class=\"tg-spoiler\">x</span>", "x|spoiler 0 1"},
        {"<a href='http://e.com/?a=1&amp;b=2'>l</a>", "l|text_link 0 1 http://e.com/?a=1&b=2"},
        {"<a href=\"tg://user?id=7\">u</a>", "u|text_mention 0 1 7"},
        {"<a href=\"\">http://x.y</a>", "http://x.y|text_link 0 10 http://x.y"},
        {"<pre>p</pre> <pre><code class=\"language-c\">int</code></pre>", "p int|pre 0 1|pre 2 3 c"},
        {"<code class=\"language-c\">x</code>", "x|code 0 1"},
        {"<blockquote expandable>q</blockquote>", "q|expandable_blockquote 0 1"},
        {"<tg-emoji emoji-id=\"12\">x</tg-emoji>", "x|custom_emoji 0 1 12"},
        {"a &lt;b&gt; &amp;amp; &quot; &#128512; &#x41; &nbsp;", "a <b> &amp; \" \xf0\x9f\x98\x80 A &nbsp;"},
        {"<b>\xf0\x9f\x98\x80</b>x", "\xf0\x9f\x98\x80x|bold 0 2"},
    };
    CHECK(mt_text_from_html, rows);
}

static void html_refuses_what_is_no_known_or_closed_tag(void **state)
{
    static const struct row rows[] = {
        {"<b>x", NULL},           {"<b>x</i>", NULL},          {"x</b>", NULL},
        {"a < b", NULL},          {"<font>x</font>", NULL},    {"<b", NULL},
        {"<span>x</span>", NULL}, {"<a href=\"x>y</a>", NULL}, {"<tg-emoji>x</tg-emoji>", NULL},
    };
    CHECK(mt_text_from_html, rows);
}

static void basic_markdown_is_telethons(void **state)
{
    static const struct row rows[] = {
        {"**b** __i__ ~~s~~ `c` ```p```", "b i s c p|bold 0 1|italic 2 1|strikethrough 4 1|code 6 1|pre 8 1"},
        {"**a __b__**", "a b|bold 0 3|italic 2 1"},
        {"****", "****"},
        {"**a", "**a"},
        {"`**a**`", "**a**|code 0 5"},
        {"[t](http://x) [u](tg://user?id=9)", "t u|text_link 0 1 http://x|text_mention 2 1 9"},
        {"a_b_c * d", "a_b_c * d"},
        {"~~~~~~~~~", "~|strikethrough 0 1"}, /* an end found inside of a mark */
    };
    CHECK(mt_text_from_markdown_basic, rows);
}

/* Deterministic noise: every prefix and mutation must end in text or an error, never in a fault. */
static void any_bytes_end_in_text_or_an_error(void **state)
{
    static const char alphabet[] = "*_~`|>[]()!\\\n <b>/&;#a\xf0\x9f\x98\x80-";
    parse *parsers[] = {mt_text_from_markdown, mt_text_from_html, mt_text_from_markdown_basic};
    uint32_t seed = 1;

    for (int round = 0; round < 20000; round++) {
        char in[24];
        size_t n = (size_t)round % sizeof in;

        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            in[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        for (size_t k = 0; k < 3; k++) {
            struct mt_text t = {0};
            struct mt_text_error error;
            struct tl_out out = {0};

            if (parsers[k](in, n, &t, &error) != MT_OK)
                continue;
            for (size_t i = 0; i < t.n_entities; i++) {
                assert_true(t.entities[i].length > 0);
                assert_true(t.entities[i].offset + t.entities[i].length <= mt_utf16_length(t.text, t.n));
            }
            mt_text_to_html(&out, t.text, t.n, t.entities, t.n_entities);
            mt_text_to_markdown(&out, t.text, t.n, t.entities, t.n_entities);
            tl_out_free(&out);
            mt_text_fini(&t);
        }
    }
}

/* text and entities -> markup -> text and entities */
static void markup_is_read_back_as_it_was(void **state)
{
    static const char *const rows[] = {
        "*bold* _it_ __un__ ~st~ ||sp||",
        "*bold _italic bold_*",
        ">one\n>two\nafter",
        ">one\n>two||",
        "```c\nint x;```",
        "`a\\`b`",
        "[l](http://e.com/a\\)b) [m](tg://user?id=5)",
        "__under _both_**__",
        "1\\.5 \\- a\\_b \\(x\\)",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mt_text a = {0}, b = {0};
        struct mt_text_error error = {0};
        char want[512], got[512];

        assert_int_equal(mt_text_from_markdown(rows[i], strlen(rows[i]), &a, &error), MT_OK);
        describe(&a, want, sizeof want);
        for (int html = 0; html < 2; html++) {
            struct tl_out out = {0};

            (html ? mt_text_to_html : mt_text_to_markdown)(&out, a.text, a.n, a.entities, a.n_entities);
            assert_int_equal(out.err, TL_OK);
            if ((html ? mt_text_from_html : mt_text_from_markdown)((char *)out.data, out.len, &b, &error) !=
                MT_OK)
                fail_msg("%s: %.*s: %s", rows[i], (int)out.len, (char *)out.data, error.what);
            describe(&b, got, sizeof got);
            assert_string_equal(got, want);
            mt_text_fini(&b);
            tl_out_free(&out);
        }
        mt_text_fini(&a);
    }
}

static void overlapping_entities_are_split(void **state)
{
    struct mt_entity e[] = {{.type = MT_ENT_BOLD, .offset = 0, .length = 4},
                            {.type = MT_ENT_ITALIC, .offset = 2, .length = 4},
                            {.type = MT_ENT_CODE, .offset = 90, .length = 4},
                            {.type = MT_ENT_CODE, .offset = -1, .length = INT32_MAX}};
    struct tl_out out = {0};

    mt_text_to_html(&out, "abcdef", 6, e, 4);
    tl_put_raw(&out, "", 1);
    assert_string_equal((char *)out.data, "<b>ab<i>cd</i></b><i>ef</i>");
    tl_out_free(&out);
}

static void code_in_markdown_has_no_other_marks(void **state)
{
    struct mt_entity e[] = {{.type = MT_ENT_CODE, .offset = 1, .length = 2},
                            {.type = MT_ENT_BOLD, .offset = 1, .length = 2},
                            {.type = MT_ENT_ITALIC, .offset = 0, .length = 2},
                            {.type = MT_ENT_BOLD, .offset = 3, .length = 1}};
    struct tl_out out = {0};

    mt_text_to_markdown(&out, "abcd", 4, e, 4);
    tl_put_raw(&out, "", 1);
    assert_string_equal((char *)out.data, "a`bc`*d*");
    tl_out_free(&out);
}

static void utf16_offsets_find_their_bytes(void **state)
{
    static const char text[] = "a\xc3\xa9\xf0\x9f\x98\x80z";

    assert_int_equal(mt_utf16_length(text, sizeof text - 1), 5);
    assert_int_equal(mt_utf16_to_byte(text, sizeof text - 1, 0), 0);
    assert_int_equal(mt_utf16_to_byte(text, sizeof text - 1, 1), 1);
    assert_int_equal(mt_utf16_to_byte(text, sizeof text - 1, 2), 3);
    assert_int_equal(mt_utf16_to_byte(text, sizeof text - 1, 4), 7);
    assert_int_equal(mt_utf16_to_byte(text, sizeof text - 1, 99), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markdown_v2_marks),
        cmocka_unit_test(markdown_v2_quotes),
        cmocka_unit_test(markdown_v2_refuses_what_is_not_closed_or_reserved),
        cmocka_unit_test(html_tags),
        cmocka_unit_test(html_refuses_what_is_no_known_or_closed_tag),
        cmocka_unit_test(basic_markdown_is_telethons),
        cmocka_unit_test(any_bytes_end_in_text_or_an_error),
        cmocka_unit_test(markup_is_read_back_as_it_was),
        cmocka_unit_test(overlapping_entities_are_split),
        cmocka_unit_test(code_in_markdown_has_no_other_marks),
        cmocka_unit_test(utf16_offsets_find_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
