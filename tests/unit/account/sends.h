/* Sends over an account on its bench. */
#pragma once

#include "tests/unit/account/abench.h"

#include "core/outbox/inside.h"
#include "tl/ids.h"

#define PEER(id)       "\"peer\":{\"_\":\"inputPeerUser\",\"user_id\":\"" #id "\",\"access_hash\":\"77\"}"
#define TEXT(id, text) "{" PEER(id) ",\"message\":\"" text "\"}"

static inline int send_to(struct abench *b, uint64_t token, mt_chat_id chat, const char *params,
                          const char *dedup, int64_t seconds)
{
    struct mt_send send = {.token = token,
                           .method = "messages.sendMessage",
                           .params = params,
                           .chat = chat,
                           .dedup = dedup,
                           .dedup_len = dedup ? strlen(dedup) : 0,
                           .deadline = seconds ? b->now.mono + seconds * MT_US_PER_S : MT_NEVER,
                           .flood_wait = 10};

    return mt_account_send(b->a, b->now, &send);
}

static inline int64_t random_id(const struct fake_req *r)
{
    struct tl_view v = view_of(r->body);

    return tl_get_long(&v, TLF_messages_sendMessage__random_id);
}

static inline const char *said(const struct fake_req *r)
{
    struct tl_view v = view_of(r->body);
    struct tl_slice s = tl_get_bytes(&v, TLF_messages_sendMessage__message);

    return fmt("%.*s", (int)s.n, (const char *)s.p);
}

#define NOTHING "{\"_\":\"messages.messages\",\"messages\":[],\"topics\":[],\"chats\":[],\"users\":[]}"
#define SHORT_SENT(id, pts)                                                                                  \
    "{\"_\":\"updateShortSentMessage\",\"out\":true,\"id\":" #id ",\"pts\":" #pts                            \
    ",\"pts_count\":1,\"date\":123}"
