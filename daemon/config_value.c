#include "daemon/config_value.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/proxy/proxy.h"

bool tgd_key_is_text(const struct tgd_key *key)
{
    return key->type == T_STRING || key->type == T_PROXY;
}

static bool is_choice(const char *choices, const char *value, int *index)
{
    size_t n = strlen(value);
    int i = 0;

    for (const char *p = choices; *p; i++) {
        size_t len = strcspn(p, "|");

        if (len == n && memcmp(p, value, n) == 0) {
            *index = i;
            return true;
        }
        p += len + (p[len] == '|');
    }
    return false;
}

static int set_string(void *base, const struct tgd_key *key, const char *value, char err[256])
{
    char **slot = (char **)(void *)((char *)base + key->offset);
    struct mt_proxy_cfg proxy;
    char *copy, why[128];
    int index;

    if (key->type == T_PROXY) {
        if (mt_proxy_parse(value, &proxy, why)) {
            snprintf(err, 256, "%s: %s", key->name, why);
            return -1;
        }
        mt_wipe(&proxy, sizeof proxy);
    }
    if (key->choices && !is_choice(key->choices, value, &index)) {
        snprintf(err, 256, "%s: expected one of %s", key->name, key->choices);
        return -1;
    }
    copy = strdup(value);
    if (!copy) {
        snprintf(err, 256, "out of memory");
        return -1;
    }
    free(*slot);
    *slot = copy;
    return 0;
}

static int set_number(void *base, const struct tgd_key *key, const char *value, char err[256])
{
    char *end;
    long v;

    errno = 0;
    v = strtol(value, &end, key->type == T_MODE ? 8 : 10);
    if (errno || end == value || *end || v < key->min || v > key->max) {
        snprintf(err, 256, "%s: expected a number from %ld to %ld", key->name, key->min, key->max);
        return -1;
    }
    *(int32_t *)(void *)((char *)base + key->offset) = (int32_t)v;
    return 0;
}

static int set_choice(void *base, const struct tgd_key *key, const char *value, char err[256])
{
    int index;

    if (!is_choice(key->choices, value, &index)) {
        snprintf(err, 256, "%s: expected one of %s", key->name, key->choices);
        return -1;
    }
    if (key->type == T_LEVEL)
        *(int32_t *)(void *)((char *)base + key->offset) = index;
    else
        *(bool *)(void *)((char *)base + key->offset) = index != 0;
    return 0;
}

int tgd_key_set(void *base, const struct tgd_key *key, const char *value, char err[256])
{
    switch (key->type) {
    case T_STRING:
    case T_PROXY:
        return set_string(base, key, value, err);
    case T_INT:
    case T_MODE:
        return set_number(base, key, value, err);
    case T_BOOL:
    case T_LEVEL:
    case T_CHOICE:
        return set_choice(base, key, value, err);
    }
    return -1;
}

/* --- to look at --- */

struct json_t *tgd_key_json(const void *c, const struct tgd_key *key)
{
    const char *at = (const char *)c + key->offset;
    const char *s = tgd_key_is_text(key) ? *(char *const *)(const void *)at : NULL;
    char text[16];

    switch (key->type) {
    case T_STRING:
    case T_PROXY:
        if (key->secret)
            return json_string(s ? "set" : "not set");
        return s ? json_string(s) : NULL;
    case T_INT:
        return json_integer(*(const int32_t *)(const void *)at);
    case T_MODE:
        snprintf(text, sizeof text, "0%o", (unsigned)*(const int32_t *)(const void *)at);
        return json_string(text);
    case T_LEVEL: {
        static const char *const level[] = {"trace", "debug", "info", "warn", "broken"};
        return json_string(level[*(const int32_t *)(const void *)at]);
    }
    case T_CHOICE:
        return json_string(*(const bool *)(const void *)at ? "power" : "kill");
    case T_BOOL:
        return json_boolean(*(const bool *)(const void *)at);
    }
    return NULL;
}

bool tgd_key_same(const void *a, const void *b, const struct tgd_key *key)
{
    const char *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

    if (tgd_key_is_text(key)) {
        const char *s = *(char *const *)(const void *)x, *t = *(char *const *)(const void *)y;
        return s && t ? strcmp(s, t) == 0 : s == t;
    }
    if (key->type == T_CHOICE || key->type == T_BOOL)
        return *x == *y;
    return memcmp(x, y, sizeof(int32_t)) == 0;
}

void tgd_key_move(void *c, const void *next, const struct tgd_key *key)
{
    char *to = (char *)c + key->offset;
    const char *from = (const char *)next + key->offset;

    if (tgd_key_is_text(key)) {
        const char *s = *(char *const *)(const void *)from;
        char *copy = s ? strdup(s) : NULL;

        if (s && !copy)
            return;
        free(*(char **)(void *)to);
        *(char **)(void *)to = copy;
    } else if (key->type == T_CHOICE || key->type == T_BOOL) {
        *to = *from;
    } else {
        memcpy(to, from, sizeof(int32_t));
    }
}
