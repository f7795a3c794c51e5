/* What core may read: struct store_ops of one account over the functions of this folder. */
#include "storage/internal.h"

/* core knows MT_E_* only; the words are in store_error(). */
static int for_core(int rc)
{
    return rc == MT_OK || rc == MT_E_NOT_FOUND || rc == MT_E_NOMEM ? rc : MT_E_STATE;
}

static int peer_by_chat(void *ctx, mt_chat_id chat, struct mt_peer *out)
{
    struct store_acct *a = ctx;

    return for_core(store_peer_get(a->store, a->id, chat, out));
}

static int peer_by_username(void *ctx, const char *name, struct mt_peer *out)
{
    struct store_acct *a = ctx;

    return for_core(store_peer_by_username(a->store, a->id, name, out));
}

static int peer_by_phone(void *ctx, const char *digits, struct mt_peer *out)
{
    struct store_acct *a = ctx;

    return for_core(store_peer_by_phone(a->store, a->id, digits, out));
}

static int channel(void *ctx, int64_t channel_id, struct mt_channel_row *out)
{
    struct store_acct *a = ctx;

    return for_core(store_channel_get(a->store, a->id, channel_id, out));
}

static int each_channel(void *ctx, int64_t after, int (*row)(void *arg, const struct mt_channel_row *row),
                        void *arg)
{
    struct store_acct *a = ctx;

    return for_core(store_channel_each(a->store, a->id, after, false, row, arg));
}

static int each_watched(void *ctx, int (*row)(void *arg, const struct mt_channel_row *row), void *arg)
{
    struct store_acct *a = ctx;

    return for_core(store_channel_each(a->store, a->id, 0, true, row, arg));
}

static int each_unsent(void *ctx, int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    struct store_acct *a = ctx;

    return for_core(store_outbox_unsent(a->store, a->id, row, arg));
}

static int send_by_dedup(void *ctx, mt_chat_id chat, const void *key, size_t n,
                         int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    struct store_acct *a = ctx;

    return for_core(store_outbox_by_dedup(a->store, a->id, chat, key, n, row, arg));
}

void store_ops_bind(struct store_acct *a)
{
    a->ops = (struct store_ops){
        .ctx = a,
        .peer_by_chat = peer_by_chat,
        .peer_by_username = peer_by_username,
        .peer_by_phone = peer_by_phone,
        .channel = channel,
        .each_channel = each_channel,
        .each_watched = each_watched,
        .each_unsent = each_unsent,
        .send_by_dedup = send_by_dedup,
    };
}

const struct store_ops *store_ops_of(struct store *s, int32_t account)
{
    struct store_acct *a = store_acct(s, account);

    return a ? &a->ops : NULL;
}
