#include "core/account/servers.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/crypto.h"

#define SERVERS_MAX 256
#define KEYS_MAX    32

void mt_servers_free(struct mt_servers *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_keys; i++)
        mt_rsa_free(s->keys[i]);
    free(s->keys);
    free(s->list);
    free(s);
}

static int by_number(const void *x, const void *y)
{
    uint64_t a, b;

    memcpy(&a, x, sizeof a);
    memcpy(&b, y, sizeof b);
    return a < b ? -1 : a > b;
}

void mt_servers_digest(const struct mt_servers *s, uint8_t out[32])
{
    uint64_t prints[KEYS_MAX];
    uint8_t bytes[KEYS_MAX * 8];
    size_t n = s->n_keys < KEYS_MAX ? s->n_keys : KEYS_MAX;
    struct mt_part part = {bytes, n * 8};

    for (size_t i = 0; i < n; i++)
        prints[i] = mt_rsa_fingerprint(s->keys[i]);
    qsort(prints, n, sizeof *prints, by_number);
    for (size_t i = 0; i < n; i++)
        tl_store64(bytes + 8 * i, prints[i]);
    mt_sha256(out, &part, 1);
}

struct mt_servers *mt_servers_make(size_t n, size_t n_keys)
{
    struct mt_servers *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->list = calloc(n ? n : 1, sizeof *s->list);
    s->keys = calloc(n_keys ? n_keys : 1, sizeof(struct mt_rsa *));
    if (!s->list || !s->keys) {
        mt_servers_free(s);
        return NULL;
    }
    return s;
}

static bool is_ip(const char *text, bool *ipv6)
{
    uint8_t bytes[16];

    *ipv6 = inet_pton(AF_INET6, text, bytes) == 1;
    return *ipv6 || inet_pton(AF_INET, text, bytes) == 1;
}

static bool bad(char err[128], const char *text, size_t i)
{
    snprintf(err, 128, "%s (number %zu)", text, i + 1);
    return false;
}

static bool add_dc(struct mt_servers *s, const json_t *dc, size_t i, char err[128])
{
    json_int_t id = json_integer_value(json_object_get(dc, "id"));
    json_int_t port = json_integer_value(json_object_get(dc, "port"));
    const char *ip = json_string_value(json_object_get(dc, "ip"));
    struct mt_server *out = &s->list[s->n];

    if (id <= 0 || id > MT_DC_MAX)
        return bad(err, "dcs: id is missing or out of range", i);
    if (port <= 0 || port > 65535)
        return bad(err, "dcs: port is missing or out of range", i);
    if (!ip || strlen(ip) >= sizeof out->ip || !is_ip(ip, &out->ipv6))
        return bad(err, "dcs: ip is no address", i);
    out->dc_id = (int32_t)id;
    out->port = (uint16_t)port;
    memcpy(out->ip, ip, strlen(ip) + 1);
    out->media_only = json_is_true(json_object_get(dc, "media"));
    out->cdn = json_is_true(json_object_get(dc, "cdn"));
    out->is_static = out->this_port_only = true;
    s->n++;
    return true;
}

static bool add_key(struct mt_servers *s, const json_t *key, size_t i, char err[128])
{
    const char *pem = json_string_value(key);
    struct mt_rsa *rsa = pem ? mt_rsa_from_pem(pem, strlen(pem)) : NULL;

    if (!rsa)
        return bad(err, "rsa_keys: no RSA key in PEM", i);
    s->keys[s->n_keys++] = rsa;
    return true;
}

static bool fill(struct mt_servers *s, const json_t *dcs, const json_t *keys, char err[128])
{
    for (size_t i = 0; i < json_array_size(dcs); i++)
        if (!add_dc(s, json_array_get(dcs, i), i, err))
            return false;
    for (size_t i = 0; i < json_array_size(keys); i++)
        if (!add_key(s, json_array_get(keys, i), i, err))
            return false;
    return true;
}

static void choose_default(struct mt_servers *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->list[i].media_only || s->list[i].cdn)
            continue;
        /* 2 where there is one, as with the built-in set; else the first */
        if (!s->default_dc || s->list[i].dc_id == 2)
            s->default_dc = s->list[i].dc_id;
    }
}

struct mt_servers *mt_servers_parse(const char *json, size_t n, char err[128])
{
    json_error_t where;
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &where);
    json_t *dcs = json_object_get(root, "dcs"), *keys = json_object_get(root, "rsa_keys");
    struct mt_servers *s = NULL;

    err[0] = 0;
    if (!root)
        snprintf(err, 128, "line %d: %.90s", where.line, where.text);
    else if (!json_array_size(dcs) || json_array_size(dcs) > SERVERS_MAX)
        snprintf(err, 128, "dcs: an array of 1 to %d data centres is expected", SERVERS_MAX);
    else if (!json_array_size(keys) || json_array_size(keys) > KEYS_MAX)
        snprintf(err, 128, "rsa_keys: an array of 1 to %d keys is expected", KEYS_MAX);
    else
        s = mt_servers_make(json_array_size(dcs), json_array_size(keys));
    if (s && !fill(s, dcs, keys, err)) {
        mt_servers_free(s);
        s = NULL;
    }
    if (s) {
        s->test = json_is_true(json_object_get(root, "test"));
        choose_default(s);
        if (!s->default_dc) {
            snprintf(err, 128, "dcs: none that is neither media nor cdn");
            mt_servers_free(s);
            s = NULL;
        }
    } else if (!err[0]) {
        snprintf(err, 128, "no memory");
    }
    json_decref(root);
    return s;
}
