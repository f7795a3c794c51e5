/* What the methods that write text share: markup or entities in, fields of a TL call out. */
#pragma once

#include "core/text/text.h"
#include "rpc/handler.h"
#include "rpc/views/views.h"

#define RPC_TEXT_UNITS 4096 /* what a message holds */

/*
 * Reads text, parse_mode and entities of the request. False: the request was answered with what is wrong.
 * Ends by mt_text_fini.
 */
bool rpc_text_arg(struct rpc_req *req, struct mt_text *out);
/* Entities of units from..to as a vector of MessageEntity, moved to start at 0. NULL: none (or no memory). */
json_t *rpc_text_entities(const struct mt_text *t, int32_t from, int32_t to);
/* How many bytes of the text from `byte` on make at most RPC_TEXT_UNITS, cut at a line or a word if possible.
 */
size_t rpc_text_part(const struct mt_text *t, size_t byte);
