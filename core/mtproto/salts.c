#include "core/mtproto/salts.h"

#include <string.h>

#define FUTURE_SALT_BYTES 16

void mt_salts_init(struct mt_salts *s, const struct mt_salt *list, size_t n)
{
    *s = (struct mt_salts){0};
    for (size_t i = 0; i < n && s->n < MT_SALTS_MAX; i++)
        if (!s->n || list[i].valid_since > s->list[s->n - 1].valid_since)
            s->list[s->n++] = list[i];
}

int64_t mt_salts_now(struct mt_salts *s, int32_t server_s)
{
    size_t i = 0;

    while (i + 1 < s->n && s->list[i + 1].valid_since <= server_s)
        i++;
    if (i) {
        s->n -= i;
        memmove(&s->list[0], &s->list[i], s->n * sizeof s->list[0]);
    }
    return s->n ? s->list[0].salt : 0;
}

bool mt_salts_valid(const struct mt_salts *s, int32_t server_s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].valid_since <= server_s && server_s < s->list[i].valid_until)
            return true;
    return false;
}

/* The server's clock is its own to set, to the last second of an int too. */
static int32_t later(int32_t server_s, int32_t by)
{
    return server_s > INT32_MAX - by ? INT32_MAX : server_s + by;
}

void mt_salts_told(struct mt_salts *s, int64_t salt, int32_t server_s)
{
    s->n = 1;
    s->list[0] = (struct mt_salt){
        .salt = salt, .valid_since = server_s, .valid_until = later(server_s, MT_SALT_TOLD_S)};
}

int mt_salts_read(struct mt_salts *s, struct tl_in *in, uint64_t *req_msg_id, int32_t server_s)
{
    struct mt_salts next = {0};
    uint32_t count;

    *req_msg_id = tl_u64(in);
    tl_int(in); /* now: the server's clock is taken from message ids */
    count = tl_u32(in);
    if (!in->err && count > tl_left(in) / FUTURE_SALT_BYTES)
        tl_fail(in, TL_E_COUNT);
    for (uint32_t i = 0; !in->err && i < count; i++) {
        struct mt_salt salt;

        salt.valid_since = tl_int(in);
        salt.valid_until = tl_int(in);
        salt.salt = tl_long(in);
        if (i == 0 && s->n && salt.valid_since > server_s)
            next.list[next.n++] = s->list[0];
        if (next.n < MT_SALTS_MAX && (!next.n || salt.valid_since > next.list[next.n - 1].valid_since))
            next.list[next.n++] = salt;
    }
    if (tl_end(in))
        return in->err;
    if (next.n)
        *s = next;
    return TL_OK;
}

bool mt_salts_low(const struct mt_salts *s, int32_t server_s)
{
    return !s->n || s->list[s->n - 1].valid_until < later(server_s, MT_SALTS_LOW_S);
}
