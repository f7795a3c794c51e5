/* What the three parsers share: text and entities as they grow, and the last touch. */
#pragma once

#include "core/text/text.h"

struct mt_text_builder {
    struct tl_out text;
    int32_t units; /* UTF-16 length of `text` */
    struct mt_entity *entities;
    size_t n, cap;
    int err;
};

/* Copies n bytes of UTF-8; a code point may come in pieces. */
void mt_text_put(struct mt_text_builder *b, const char *p, size_t n);
/* Opens an entity at the end of the text, with length -1; its index, or -1 after an error. */
int mt_text_open(struct mt_text_builder *b, enum mt_entity_type type);
void mt_text_close(struct mt_text_builder *b, int index);
/* A copy of n bytes as an entity's argument. */
void mt_text_arg(struct mt_text_builder *b, int index, const char *p, size_t n);
/* Sorts, trims, hands the result over; frees everything on an error. */
int mt_text_finish(struct mt_text_builder *b, struct mt_text *out);
void mt_text_builder_fini(struct mt_text_builder *b);

/* tg://user?id=N and tg://emoji?id=N: turns a link into a mention or an emoji; false: it is neither. */
bool mt_text_link_id(const char *url, size_t n, const char *prefix, int64_t *id);
