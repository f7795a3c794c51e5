/*
 * The scalar layer of the JSON form: text, base64 and numbers, without a tree and without the schema. Only
 * for the two walkers (tl/json_out.c, tl/json_in.c); tl_json_string() of tl/json.h lives here too.
 */
#pragma once

#include "tl/wire.h"

/* Fast path of tl_put_raw(): room that is there needs no call. */
void tl_text_raw(struct tl_out *out, const char *p, size_t n);
void tl_text_long(struct tl_out *out, int64_t v);
/* The shortest form that reads back as the same number; always with a point, an exponent, or in quotes. */
void tl_text_double(struct tl_out *out, double v);
/* In quotes. */
void tl_text_base64(struct tl_out *out, const uint8_t *p, size_t n);

/* How many bytes the UTF-8 sequence at p..p+n takes, 0 where it is malformed. n > 0. */
size_t tl_utf8_len(const uint8_t *p, size_t n);

/* Decimal digits with an optional '-': no sign '+', no space, no leading zero, in the range of int64_t. */
bool tl_parse_long(const char *s, size_t n, int64_t *v);
/*
 * Bytes that a base64 text stands for, white space left out, or -1 where it is malformed (padding is
 * required, unused bits must be zero). With `to` they are written there.
 */
int64_t tl_parse_base64(const char *s, size_t n, uint8_t *to);
