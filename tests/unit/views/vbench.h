/* What the tests of rpc/views share: a store of three peers, an update from JSON, its events as JSON. */
#pragma once

#include "tests/unit/check.h"

#include "rpc/views/views.h"

extern const struct rpc_view vb_ctx;
extern int32_t vb_date;                    /* of the updates, 900 */
extern mt_chat_id vb_chat_of_message[100]; /* of the common box, as the host remembers it */
/* An object of a type from JSON with "_"; to be freed. */
struct tl_out vb_encode(const char *type, const char *text);
/* The events of a type that an update makes: an array of {type, key, chat, sender, direction, time, expires,
 * live, body}; to be released. */
json_t *vb_events(const char *event_type, const char *text);
/* Takes `got`. */
void vb_expect(json_t *got, const char *want_text);
