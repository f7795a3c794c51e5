/*
 * Formatted text: marked-up UTF-8 in, plain UTF-8 and entities out, and the way back.
 *
 * Offsets and lengths of entities count UTF-16 code units, as everywhere in Telegram's API. Three dialects:
 * the Bot API's MarkdownV2 and HTML (https://core.telegram.org/bots/api#formatting-options), and Telethon's
 * Markdown. A result is owned by its caller: mt_text_fini(). Pure functions; time and memory are linear in
 * the input but for Telethon's dialect, whose entities are bounded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "tl/wire.h"

enum mt_entity_type {
    MT_ENT_BLOCKQUOTE, /* outer first: entities of the same range nest in this order */
    MT_ENT_EXPANDABLE,
    MT_ENT_PRE,
    MT_ENT_CODE,
    MT_ENT_TEXT_LINK,
    MT_ENT_TEXT_MENTION,
    MT_ENT_BOLD,
    MT_ENT_ITALIC,
    MT_ENT_UNDERLINE,
    MT_ENT_STRIKE,
    MT_ENT_SPOILER,
    MT_ENT_CUSTOM_EMOJI,
    /* found by the server, never made here */
    MT_ENT_MENTION,
    MT_ENT_HASHTAG,
    MT_ENT_CASHTAG,
    MT_ENT_BOT_COMMAND,
    MT_ENT_URL,
    MT_ENT_EMAIL,
    MT_ENT_PHONE,
    MT_ENT_BANK_CARD,
    MT_ENT_OTHER,
};
#define MT_ENT_TYPES (MT_ENT_OTHER + 1)

struct mt_entity {
    enum mt_entity_type type;
    int32_t offset, length; /* UTF-16 code units */
    char *arg;              /* url of a TEXT_LINK, language of a PRE; else NULL. Owned by the text */
    int64_t id;             /* user of a TEXT_MENTION, document of a CUSTOM_EMOJI */
};

#define MT_TEXT_MAX     (256 * 1024) /* input bytes; Telegram takes 4096 UTF-16 units of text */
#define MT_ENTITIES_MAX 1024

struct mt_text {
    char *text; /* with a NUL after `n` bytes */
    size_t n;
    struct mt_entity *entities; /* by offset, then outer before inner */
    size_t n_entities;
};
struct mt_text_error {
    size_t at;      /* byte in the input */
    char what[128]; /* "bold is not closed" */
};

/*
 * Each returns MT_OK; MT_E_ARG with *error set where the markup is wrong; MT_E_TOO_LARGE, MT_E_NOMEM. The
 * result is trimmed: no white space at its ends, none at the ends of entities, no empty entities.
 */
int mt_text_from_markdown(const char *in, size_t n, struct mt_text *out, struct mt_text_error *error);
int mt_text_from_html(const char *in, size_t n, struct mt_text *out, struct mt_text_error *error);
/* Never MT_E_ARG: what is no markup is text. */
int mt_text_from_markdown_basic(const char *in, size_t n, struct mt_text *out, struct mt_text_error *error);
void mt_text_fini(struct mt_text *t);

/*
 * Marked-up text into `out` (not terminated). Entities may overlap and may come in any order; ones that reach
 * beyond the text are cut, impossible ones left out. Errors are out->err.
 */
void mt_text_to_html(struct tl_out *out, const char *text, size_t n, const struct mt_entity *entities,
                     size_t count);
void mt_text_to_markdown(struct tl_out *out, const char *text, size_t n, const struct mt_entity *entities,
                         size_t count);

/* "text_link" (api.md's and the Bot API's word), "messageEntityTextUrl" (TL). EXPANDABLE is a blockquote
 * there. */
const char *mt_entity_name(enum mt_entity_type type);
const char *mt_entity_constructor(enum mt_entity_type type);
/* Type by either name, or -1. */
int mt_entity_by_name(const char *name);
int mt_entity_by_constructor(const char *name);

/* How many UTF-16 code units n bytes of UTF-8 have. */
int32_t mt_utf16_length(const char *text, size_t n);
/* Byte offset of a UTF-16 offset (the start of the code point that holds it), at most n. */
size_t mt_utf16_to_byte(const char *text, size_t n, int32_t units);
