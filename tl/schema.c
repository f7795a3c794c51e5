#include "tl/tables.h"

#include <string.h>

#define NONE 0xffff

const struct tl_def *tl_def_by_id(uint32_t id)
{
    uint32_t mask = UINT32_MAX >> tl_counts.shift;
    uint32_t at = (id * UINT32_C(0x9e3779b1)) >> tl_counts.shift;

    while (tl_id_slots[at] != NONE) {
        const struct tl_def *def = &tl_defs[tl_id_slots[at]];

        if (def->id == id)
            return def;
        at = (at + 1) & mask;
    }
    return NULL;
}

/* As strcmp() of a bounded name and one that ends in a zero byte. */
static int compare(const char *name, size_t len, uint32_t at)
{
    int d = strncmp(name, tl_names + at, len);

    return d ? d : -(tl_names[at + len] != 0);
}

const struct tl_def *tl_def_by_name(const char *name, size_t len, bool functions)
{
    size_t lo = functions ? 0 : tl_counts.functions;
    size_t hi = functions ? tl_counts.functions : tl_counts.named;

    if (memchr(name, 0, len))
        return NULL;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int d = compare(name, len, tl_defs[mid].name);

        if (d == 0)
            return &tl_defs[mid];
        if (d < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

size_t tl_def_count(void)
{
    return tl_counts.defs;
}

const struct tl_def *tl_def_at(size_t i)
{
    return i < tl_counts.defs ? &tl_defs[i] : NULL;
}

const char *tl_def_name(const struct tl_def *def)
{
    return tl_names + def->name;
}

const struct tl_field *tl_def_field(const struct tl_def *def, size_t i)
{
    return i < def->n_fields ? &tl_fields[def->first_field + i] : NULL;
}

const char *tl_field_name(const struct tl_field *field)
{
    return tl_names + field->name;
}

bool tl_is_repeatable(const struct tl_def *def)
{
    return def->repeatable;
}

const char *tl_type_name(uint16_t type)
{
    return type < tl_counts.types ? tl_names + tl_types[type].name : "";
}

size_t tl_type_total(void)
{
    return tl_counts.types;
}

int tl_type_by_name(const char *name, size_t len)
{
    size_t lo = 0, hi = tl_counts.types;

    if (memchr(name, 0, len))
        return -1;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int d = compare(name, len, tl_types[mid].name);

        if (d == 0)
            return (int)mid;
        if (d < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return -1;
}

size_t tl_type_count(uint16_t type)
{
    return type < tl_counts.types ? tl_types[type].n : 0;
}

const struct tl_def *tl_type_ctor(uint16_t type, size_t i)
{
    return i < tl_type_count(type) ? &tl_defs[tl_ctors[tl_types[type].first + i]] : NULL;
}

int tl_field_by_name(const struct tl_def *def, const char *name, size_t len)
{
    if (memchr(name, 0, len))
        return -1;
    for (size_t i = 0; i < def->n_fields; i++) {
        const char *known = tl_names + tl_fields[def->first_field + i].name;

        if (strncmp(known, name, len) == 0 && known[len] == 0)
            return (int)i;
    }
    return -1;
}
