#include "core/outbox/inside.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/crypto.h"

static char *copy(const char *p, size_t n)
{
    char *s = malloc(n + 1);

    if (s) {
        memcpy(s, p, n);
        s[n] = 0;
    }
    return s;
}

struct mt_ob_row *mt_ob_row_new(const char *method, size_t method_len, const char *params, size_t params_len)
{
    struct mt_ob_row *row = calloc(1, sizeof *row);

    if (!row)
        return NULL;
    row->method = copy(method, method_len);
    row->params = copy(params, params_len);
    if (!row->method || !row->params) {
        mt_ob_row_free(row);
        return NULL;
    }
    return row;
}

void mt_ob_row_free(struct mt_ob_row *row)
{
    if (!row)
        return;
    while (row->waiters) {
        struct mt_ob_waiter *next = row->waiters->next;

        free(row->waiters);
        row->waiters = next;
    }
    free(row->ids);
    free(row->method);
    free(row->params);
    free(row);
}

void mt_ob_digest(const char *method, const char *params, uint8_t out[32])
{
    struct mt_part parts[] = {{method, strlen(method) + 1}, {params, strlen(params)}};

    mt_sha256(out, parts, 2);
}

static int64_t never_zero(const uint8_t *p)
{
    int64_t v = (int64_t)tl_load64(p);

    return v ? v : 1;
}

int64_t mt_ob_dedup_id(const uint8_t secret[32], mt_chat_id chat, const void *key, size_t n)
{
    uint8_t number[8], index[4] = {0}, mac[32];
    struct mt_part parts[] = {{number, sizeof number}, {key, n}, {index, sizeof index}};

    tl_store64(number, (uint64_t)chat);
    mt_hmac_sha256(mac, secret, 32, parts, 3);
    return never_zero(mac);
}

/* --- random ids --- */

/* The first is the row's own, the others follow from it: the same over every repetition. */
static int64_t id_at(const struct mt_ob_row *row, uint32_t i)
{
    uint8_t base[8], index[4], digest[32];
    struct mt_part parts[] = {{base, sizeof base}, {index, sizeof index}};

    if (!i)
        return row->random_id;
    tl_store64(base, (uint64_t)row->random_id);
    tl_store32(index, i);
    mt_sha256(digest, parts, 2);
    return never_zero(digest);
}

/* How many messages it makes; 0: a function without random_id; -1: no JSON, or no such function. */
static int count_ids(const struct mt_ob_row *row)
{
    const struct tl_def *def = tl_def_by_name(row->method, strlen(row->method), true);
    int field = def ? tl_field_by_name(def, "random_id", 9) : -1, n;
    json_t *params;

    if (!def)
        return -1;
    if (field < 0)
        return 0;
    if (tl_def_field(def, (size_t)field)->kind != TL_K_VECTOR)
        return 1;
    params = json_loads(row->params, 0, NULL); /* one for each message that it names */
    n = params ? (int)json_array_size(json_object_get(params, "id")) : -1;
    json_decref(params);
    return n ? n : -1;
}

int mt_ob_make_ids(struct mt_ob_row *row)
{
    int n = count_ids(row);

    if (n <= 0)
        return n ? MT_E_ARG : MT_OK;
    row->ids = calloc((size_t)n, sizeof *row->ids);
    if (!row->ids)
        return MT_E_NOMEM;
    row->n_ids = (size_t)n;
    for (size_t i = 0; i < row->n_ids; i++)
        row->ids[i].random_id = id_at(row, (uint32_t)i);
    return MT_OK;
}

/* --- encoding --- */

struct filling {
    const struct mt_ob_row *row;
    size_t next;
};

static int fill(void *ctx, const struct tl_def *def, const struct tl_field *field, struct tl_out *out)
{
    struct filling *f = ctx;
    const struct mt_ob_row *row = f->row;

    if (strcmp(tl_field_name(field), "random_id") != 0)
        return 0;
    if (field->kind == TL_K_VECTOR) {
        tl_put_vector(out, (uint32_t)row->n_ids);
        for (; f->next < row->n_ids; f->next++)
            tl_put_long(out, row->ids[f->next].random_id);
    } else {
        tl_put_long(out, f->next < row->n_ids ? row->ids[f->next].random_id : 0);
        f->next++;
    }
    return 1;
}

int mt_ob_encode(const struct mt_ob_row *row, struct tl_out *out)
{
    struct filling filling = {.row = row};
    struct tl_json_hooks hooks = {.ctx = &filling, .missing = fill};
    const struct tl_def *def = tl_def_by_name(row->method, strlen(row->method), true);
    struct tl_json_error error;
    json_t *params = def ? json_loads(row->params, 0, NULL) : NULL;
    int err;

    if (!json_is_object(params)) {
        json_decref(params);
        return MT_E_ARG;
    }
    err = tl_call_from_json(def, params, "params", &hooks, out, &error);
    json_decref(params);
    if (err == TL_E_NOMEM)
        return MT_E_NOMEM;
    return err || filling.next != row->n_ids ? MT_E_ARG : MT_OK;
}

void mt_ob_describe(const struct mt_ob_row *row, int state, struct tl_slice result, struct mt_outbox_row *out)
{
    *out = (struct mt_outbox_row){
        .id = row->id,
        .chat = row->chat,
        .random_id = row->random_id,
        .dedup = {row->dedup, row->dedup_len},
        .digest = {row->digest, sizeof row->digest},
        .method = {(const uint8_t *)row->method, strlen(row->method)},
        .params = {(const uint8_t *)row->params, strlen(row->params)},
        .created = row->created,
        .first_sent = row->first_sent,
        .state = state,
        .result = result,
        .expires = row->expires_wall,
        .flags = row->flags,
    };
}
