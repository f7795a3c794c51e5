/* A test double of core/account: remembers what rpc asked for; the test answers by rpc_reply(). */
#pragma once

#include "core/account/account.h"

struct mt_account {
    int64_t user;
    bool bot, connected, in_sync;
    struct mt_login login;
    /* the newest call, send or login step */
    size_t calls;
    uint64_t token;
    uint8_t body[4096];
    size_t n_body;
    unsigned flags;
    int64_t deadline, flood_wait, takeout;
    int32_t dc;
    char business[64];
    char method[64], params[4096], dedup[65];
    mt_chat_id chat;
    bool queue, unordered, progress;
    int64_t withdrawn;
    char *sends;      /* room for the texts of all sends, in their order; or NULL */
    char secret[128]; /* what a login step was given */
    uint64_t cancelled;
    mt_chat_id watched[4];
    size_t n_watched;
    int refuse; /* what the next call answers at once */
};
