/* The parts of mt_peer_parse() that its two files share; not for use outside core/peers. */
#pragma once

#include "core/peers/peers.h"

/* Each sets one form of `out`, or returns MT_E_ARG. */
int mt_ref_number(struct tl_slice s, int64_t *out); /* plain digits, at most 18 */
int mt_ref_set_chat(struct mt_peer_ref *out, mt_chat_id chat);
int mt_ref_set_name(struct mt_peer_ref *out, struct tl_slice s);
int mt_ref_set_phone(struct mt_peer_ref *out, struct tl_slice digits);
int mt_ref_set_invite(struct mt_peer_ref *out, struct tl_slice hash);
/* MT_E_NOT_FOUND: no link at all. MT_E_ARG: a link, but to no chat. */
int mt_ref_link(struct tl_slice s, struct mt_peer_ref *out);
