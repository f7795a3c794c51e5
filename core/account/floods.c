#include "core/account/state.h"

#include <string.h>

#define SECONDS_MAX (14 * 24 * 3600)

int64_t mt_error_number(const char *text)
{
    size_t n = strlen(text), at = n;
    int64_t v = 0;

    while (at && text[at - 1] >= '0' && text[at - 1] <= '9')
        at--;
    if (at == n || !at || text[at - 1] != '_')
        return -1;
    for (size_t i = at; i < n; i++) {
        v = v * 10 + (text[i] - '0');
        if (v > INT32_MAX)
            return INT32_MAX;
    }
    return v;
}

int64_t mt_flood_until(const struct mt_account *a, struct mt_now now, uint32_t method)
{
    for (size_t i = 0; i < MT_FLOODS_MAX; i++)
        if (a->floods[i].method == method && a->floods[i].until > now.mono)
            return a->floods[i].until;
    return 0;
}

void mt_flood_note(struct mt_account *a, struct mt_now now, uint32_t method, int64_t seconds)
{
    struct mt_flood *slot = &a->floods[0];

    if (seconds > SECONDS_MAX)
        seconds = SECONDS_MAX;
    /* its own row, else the one that is over first */
    for (size_t i = 0; i < MT_FLOODS_MAX; i++) {
        if (a->floods[i].method == method) {
            slot = &a->floods[i];
            break;
        }
        if (a->floods[i].until < slot->until)
            slot = &a->floods[i];
    }
    *slot = (struct mt_flood){.method = method, .until = now.mono + seconds * MT_US_PER_S};
}
