/*
 * A text and its entities as a server may send them: any offsets, any lengths, any order, text that is cut
 * within a character. Written as HTML and as MarkdownV2 it ends; what HTML we write we can read.
 *
 *     count (1) | count times: type (1) offset (2) length (2), little-endian, signed | text
 */
#include "tests/fuzz/fuzz.h"

#include "core/text/text.h"

#define ENTITIES 32
#define ROW      5

static int32_t number(const uint8_t *p)
{
    return (int16_t)(p[0] | p[1] << 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tl_out html = {.limit = 16u << 20}, markdown = {.limit = 16u << 20};
    struct mt_entity entities[ENTITIES];
    char link[] = "http://a.b/?c=\"<&>)\\";
    struct mt_text_error error;
    struct mt_text again = {0};
    size_t n = size ? data[0] % (ENTITIES + 1) : 0;
    char *text;

    if (size < 1 + n * ROW)
        return 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *row = data + 1 + i * ROW;

        entities[i] = (struct mt_entity){.type = row[0] % MT_ENT_TYPES,
                                         .offset = number(row + 1),
                                         .length = number(row + 3),
                                         .arg = row[0] & 0x80 ? link : NULL,
                                         .id = row[0]};
    }
    data += 1 + n * ROW;
    size -= 1 + n * ROW;
    text = malloc(size + 1); /* exactly as long as it is, so that a read beyond it is seen */
    FUZZ_CHECK(text);
    memcpy(text, data, size);
    mt_text_to_html(&html, text, size, entities, n);
    mt_text_to_markdown(&markdown, text, size, entities, n);
    FUZZ_CHECK(html.err == TL_OK && markdown.err == TL_OK);
    if (html.len <= MT_TEXT_MAX && mt_text_from_html((char *)html.data, html.len, &again, &error) == MT_OK)
        FUZZ_CHECK(again.n <= size && mt_utf16_length(again.text, again.n) <= mt_utf16_length(text, size));
    mt_text_fini(&again);
    free(text);
    tl_out_free(&html);
    tl_out_free(&markdown);
    return 0;
}
