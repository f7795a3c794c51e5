#include "tl/nearest.h"
#include "tl/tables.h"

#include <string.h>

#define NAME_MAX_LEN 64

struct best {
    const char *name;
    size_t distance;
};

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/*
 * Levenshtein with a swap of neighbours as one step (users type "mesasge"), case ignored but for a tie: a
 * name that differs in case alone is at distance 0 and so the nearest. Gives up, with `limit`, once no way
 * leads below it: each row comes from the two before it and never gets smaller.
 */
static size_t distance(const char *a, size_t n, const char *b, size_t m, size_t limit)
{
    size_t rows[3][NAME_MAX_LEN + 1];
    size_t least_up = 0;

    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        size_t least = i;

        row[0] = i;

        for (size_t j = 1; j <= m; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);

            row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]) &&
                up2[j - 2] + 1 < row[j])
                row[j] = up2[j - 2] + 1;
            if (row[j] < least)
                least = row[j];
        }
        if (least >= limit && least_up >= limit)
            return limit;
        least_up = least;
    }
    return rows[n % 3][m];
}

/*
 * No more than their distance: how many letters one has that the other lacks. Much cheaper, and most of eight
 * hundred names are out by it.
 */
static size_t least_distance(const char *a, size_t n, const char *b, size_t m)
{
    int bag[32] = {0};
    size_t more = 0, less = 0;

    for (size_t i = 0; i < n; i++)
        bag[a[i] & 31]++; /* both cases of a letter share a place */
    for (size_t i = 0; i < m; i++)
        bag[b[i] & 31]--;
    for (size_t i = 0; i < 32; i++) {
        more += bag[i] > 0 ? (size_t)bag[i] : 0;
        less += bag[i] < 0 ? (size_t)-bag[i] : 0;
    }
    return more > less ? more : less;
}

static void offer(struct best *best, const char *name, size_t len, const char *known)
{
    size_t m = strlen(known);
    size_t d;

    if (len > NAME_MAX_LEN || m > NAME_MAX_LEN || (len > m ? len - m : m - len) >= best->distance ||
        least_distance(name, len, known, m) >= best->distance)
        return;
    d = distance(name, len, known, m, best->distance);
    if (d < best->distance)
        *best = (struct best){known, d};
}

static struct best start(size_t len)
{
    return (struct best){NULL, (len < 3 ? 3 : len) / 3 + 1};
}

const char *tl_nearest(const char *const *names, size_t n, const char *name, size_t len)
{
    struct best best = start(len);

    for (size_t i = 0; i < n; i++)
        offer(&best, name, len, names[i]);
    for (size_t i = 0; i < n && !best.name && len > 2; i++) /* "chat" is meant for "chat_id" */
        if (strncmp(names[i], name, len) == 0 && names[i][len] == '_')
            best.name = names[i];
    return best.name;
}

const char *tl_nearest_function(const char *name, size_t len)
{
    struct best best = start(len);

    for (size_t i = 0; i < tl_counts.functions; i++)
        offer(&best, name, len, tl_def_name(&tl_defs[i]));
    return best.name;
}

const char *tl_nearest_ctor(uint16_t type, const char *name, size_t len)
{
    struct best best = start(len);

    for (size_t i = 0; i < tl_type_count(type); i++)
        offer(&best, name, len, tl_def_name(tl_type_ctor(type, i)));
    return best.name;
}

const char *tl_nearest_field(const struct tl_def *def, const char *name, size_t len)
{
    struct best best = start(len);

    for (size_t i = 0; i < def->n_fields; i++) {
        const struct tl_field *field = tl_def_field(def, i);

        if (field->kind != TL_K_FLAGS)
            offer(&best, name, len, tl_field_name(field));
    }
    return best.name;
}
