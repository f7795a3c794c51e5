/*
 * Any text in three dialects of markup: entities lie inside the text, in order, on whole characters; written
 * out again as HTML and read, it is the same text.
 *
 *     | text |
 */
#include "tests/fuzz/fuzz.h"

#include "core/text/text.h"

typedef int parse_fn(const char *in, size_t n, struct mt_text *out, struct mt_text_error *error);

static bool is_utf8(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned more = p[i] < 0x80   ? 0
                        : p[i] < 0xc2 ? 9
                        : p[i] < 0xe0 ? 1
                        : p[i] < 0xf0 ? 2
                        : p[i] < 0xf5 ? 3
                                      : 9;

        if (more == 9 || more >= n - i || !p[i])
            return false;
        if ((p[i] == 0xe0 && p[i + 1] < 0xa0) || (p[i] == 0xed && p[i + 1] > 0x9f) ||
            (p[i] == 0xf0 && p[i + 1] < 0x90) || (p[i] == 0xf4 && p[i + 1] > 0x8f))
            return false;
        for (unsigned k = 1; k <= more; k++)
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
        i += more + 1;
    }
    return true;
}

static void check_entities(const struct mt_text *t)
{
    int32_t units = mt_utf16_length(t->text, t->n);

    FUZZ_CHECK(t->text[t->n] == 0 && t->n_entities <= MT_ENTITIES_MAX);
    for (size_t i = 0; i < t->n_entities; i++) {
        const struct mt_entity *e = &t->entities[i];

        FUZZ_CHECK(e->offset >= 0 && e->length > 0 && e->offset <= units - e->length);
        FUZZ_CHECK(i == 0 || t->entities[i - 1].offset <= e->offset);
        FUZZ_CHECK(mt_utf16_to_byte(t->text, t->n, e->offset) <
                   mt_utf16_to_byte(t->text, t->n, e->offset + e->length));
    }
}

static void trip(const struct mt_text *t)
{
    struct tl_out out = {.limit = 16u << 20};
    struct mt_text_error error = {0};
    struct mt_text again = {0};

    mt_text_to_html(&out, t->text, t->n, t->entities, t->n_entities);
    FUZZ_CHECK(out.err == TL_OK);
    if (out.len <= MT_TEXT_MAX) {
        FUZZ_CHECK(mt_text_from_html((const char *)out.data, out.len, &again, &error) == MT_OK);
        FUZZ_CHECK(again.n == t->n && memcmp(again.text, t->text, t->n) == 0);
        mt_text_fini(&again);
    }
    tl_out_free(&out);
}

static void one(parse_fn *parse, const uint8_t *data, size_t size, bool clean)
{
    struct mt_text t = {0};
    struct mt_text_error error = {0};
    struct tl_out out = {.limit = 16u << 20};
    int r = parse((const char *)data, size, &t, &error);

    FUZZ_CHECK(r == MT_OK || r == MT_E_ARG || r == MT_E_TOO_LARGE);
    if (r == MT_E_ARG)
        FUZZ_CHECK(error.what[0] && error.at <= size);
    if (r == MT_OK && clean) {
        check_entities(&t);
        trip(&t);
        mt_text_to_markdown(&out, t.text, t.n, t.entities, t.n_entities);
        FUZZ_CHECK(out.err == TL_OK);
        tl_out_free(&out);
    }
    if (r == MT_OK)
        mt_text_fini(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool clean = is_utf8(data, size);

    one(mt_text_from_markdown, data, size, clean);
    one(mt_text_from_html, data, size, clean);
    one(mt_text_from_markdown_basic, data, size, clean);
    return 0;
}
