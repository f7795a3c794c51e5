#include "core/frame/buffer.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define SMALL  ((size_t)1024)
#define ROUNDS 8

void mt_buffer_fini(struct mt_buffer *b)
{
    if (b->data)
        OPENSSL_cleanse(b->data, b->cap);
    free(b->data);
    *b = (struct mt_buffer){0};
}

uint8_t *mt_buffer_room(struct mt_buffer *b, size_t n)
{
    size_t cap = b->cap ? b->cap : SMALL;
    uint8_t *data;

    if (n > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
        return NULL;
    if (b->start && b->start + b->len + n > b->cap) {
        memmove(b->data, b->data + b->start, b->len);
        b->start = 0;
    }
    if (b->start + b->len + n > b->cap) {
        while (cap < b->len + n)
            cap *= 2;
        /* not realloc: decrypted packets went through here, and it would leave them behind */
        data = malloc(cap);
        if (!data)
            return NULL;
        if (b->len)
            memcpy(data, b->data, b->len);
        if (b->data)
            OPENSSL_cleanse(b->data, b->cap);
        free(b->data);
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->start + b->len;
}

void mt_buffer_add(struct mt_buffer *b, size_t n)
{
    b->len += n;
    if (b->len > b->peak)
        b->peak = b->len;
}

void mt_buffer_drop(struct mt_buffer *b, size_t n)
{
    if (!n)
        return;
    b->start += n;
    b->len -= n;
    if (b->len)
        return;
    b->start = 0;
    b->quiet = b->peak > SMALL ? 0 : b->quiet + 1;
    b->peak = 0;
    if (b->cap > SMALL && b->quiet >= ROUNDS)
        mt_buffer_fini(b);
}
