#include "rpc/impl.h"
#include "tl/nearest.h"

#include <stdlib.h>
#include <string.h>

/* A tree costs about this much per member beside its text. */
#define MEMBER_COST 120

static const char *const member_names[] = {"jsonrpc",         "id",     "method",  "params",   "account",
                                           "timeout",         "fields", "check",   "progress", "flood_wait",
                                           "without_updates", "dc",     "takeout", "business"};

void rpc_conn_error(struct rpc_conn *c, struct mt_now now, int code, const char *message, const char *hint)
{
    struct tl_out out = {.limit = 4096};
    json_t *line =
        json_pack("{s:s,s:n,s:{s:i,s:s,s:{s:s,s:s,s:s}}}", "jsonrpc", "2.0", "id", "error", "code", code,
                  "message", message, "data", "name", rpc_error_name(code), "account", "", "method", "");

    if (line && hint && *hint)
        json_object_set_new(json_object_get(json_object_get(line, "error"), "data"), "hint",
                            json_sprintf("it begins: %s", hint));
    if (line && rpc_json_put(&out, line) == TL_OK) {
        tl_put_raw(&out, "\n", 1);
        rpc_conn_put(c, now, out.data, out.len, RPC_HOLD_NONE);
    } else {
        rpc_conn_kill(c);
    }
    json_decref(line);
    tl_out_free(&out);
}

/* --- the id --- */

static const struct rpc_id_span *span_of(const struct rpc_scan *s, uint32_t item)
{
    for (size_t i = 0; i < s->n_ids; i++)
        if (s->ids[i].item == item)
            return &s->ids[i];
    return NULL;
}

/*
 * Ids are echoed as they were written, also numbers that no C type holds; so the tree gets a 0 in their
 * place, and the text is kept aside.
 */
static char **cut_ids(struct rpc_scan *s, size_t *n)
{
    char **raw = calloc(s->n_ids + 1, sizeof *raw);

    *n = s->n_ids;
    for (size_t i = 0; raw && i < s->n_ids; i++) {
        char *at = (char *)s->value.data + s->ids[i].at;
        size_t len = s->ids[i].len;

        if (len <= RPC_ID_MAX)
            raw[i] = strndup(at, len);
        if (len <= RPC_ID_MAX && !raw[i]) {
            while (i)
                free(raw[--i]);
            free(raw);
            return NULL;
        }
        if (*at == '-' || (*at >= '0' && *at <= '9')) {
            memset(at, ' ', len);
            *at = '0';
        }
    }
    return raw;
}

static void free_ids(char **raw, size_t n)
{
    for (size_t i = 0; raw && i < n; i++)
        free(raw[i]);
    free(raw);
}

/* The id of request `item` onto req. False: it is none, and that was answered. */
static bool take_id(struct rpc_req *req, const struct rpc_scan *s, char **raw, uint32_t item)
{
    const struct rpc_id_span *span = span_of(s, item);
    json_t *id = json_object_get(req->root, "id");
    size_t i = span ? (size_t)(span - s->ids) : 0;

    if (span && id && raw[i] && !json_is_array(id) && !json_is_object(id) && !json_is_boolean(id)) {
        req->id = raw[i];
        raw[i] = NULL;
        return true;
    }
    if (!id) {
        const char *version = json_string_value(json_object_get(req->root, "jsonrpc"));

        if (version && strcmp(version, "2.0") == 0)
            return true; /* a notification */
    }
    req->id = strdup("null");
    if (!id)
        return true;
    rpc_fail(req, RPC_E_INVALID_REQUEST, "id must be a string, number or null of at most %d bytes",
             RPC_ID_MAX);
    return false;
}

/* --- one request --- */

static bool take_option(struct rpc_req *req, const char *name, json_t *value)
{
    char err[128];
    int r = rpc_option(&req->opt, name, value, err);
    const char *near;

    if (r > 0)
        return true;
    if (r < 0) {
        rpc_fail(req, RPC_E_INVALID_REQUEST, "option %s", err);
        return false;
    }
    near = tl_nearest(member_names, sizeof member_names / sizeof member_names[0], name, strlen(name));
    if (near)
        rpc_fail(req, RPC_E_INVALID_REQUEST, "unknown option '%.60s'; did you mean '%s'?", name, near);
    else
        rpc_fail_hint(req, RPC_E_INVALID_REQUEST, "parameters of the method stand in params",
                      "unknown option '%.60s'", name);
    return false;
}

static bool take_options(struct rpc_req *req)
{
    const char *name;
    json_t *value;

    json_object_foreach (req->root, name, value) {
        if (strcmp(name, "jsonrpc") == 0) {
            const char *version = json_string_value(value);

            if (!version || strcmp(version, "2.0") != 0) {
                rpc_fail(req, RPC_E_INVALID_REQUEST, "jsonrpc must be \"2.0\", or absent");
                return false;
            }
        } else if (strcmp(name, "id") != 0 && strcmp(name, "method") != 0 && strcmp(name, "params") != 0 &&
                   !take_option(req, name, value)) {
            return false;
        }
    }
    return true;
}

/* Options inside params have an @ before their name; they leave it. */
static bool take_at_options(struct rpc_req *req)
{
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(req->params, next, name, value)
    {
        if (name[0] != '@')
            continue;
        if (!take_option(req, name + 1, value))
            return false;
        json_object_del(req->params, name);
    }
    return true;
}

static bool take_method(struct rpc_req *req)
{
    json_t *method = json_object_get(req->root, "method"), *params = json_object_get(req->root, "params");

    if (!json_is_string(method) || !json_string_length(method)) {
        rpc_fail_hint(req, RPC_E_INVALID_REQUEST, "for example {\"method\":\"getInfo\"}",
                      "a request has a method, which is a string");
        return false;
    }
    req->name = strndup(json_string_value(method), 128);
    if (!req->name) {
        rpc_fail_nomem(req);
        return false;
    }
    if (params && !json_is_object(params) && !json_is_array(params)) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: expected an object or a list");
        return false;
    }
    req->params = params ? json_incref(params) : json_object();
    return true;
}

static void take_request(struct rpc_conn *c, struct mt_now now, json_t *root, struct rpc_batch *batch,
                         char **raw, uint32_t item, size_t cost)
{
    struct rpc_req *req = rpc_req_new(c, batch);

    if (!req) {
        rpc_conn_kill(c);
        if (batch && --batch->left == 0) {
            tl_out_free(&batch->text);
            free(batch);
        }
        return;
    }
    req->now = now;
    req->root = json_incref(root);
    req->counted = cost;
    c->rpc->bytes += cost;
    if (!json_is_object(root)) {
        req->id = strdup("null");
        rpc_fail(req, RPC_E_INVALID_REQUEST, "a request is an object");
        return;
    }
    if (!take_id(req, &c->scan, raw, item) || !take_method(req) || !take_options(req) ||
        !take_at_options(req))
        return;
    if (c->rpc->bytes > RPC_TOTAL_MAX) {
        rpc_fail(req, RPC_E_BUSY, "all clients together hold too much memory");
        return;
    }
    rpc_dispatch(req, now);
}

static void take_batch(struct rpc_conn *c, struct mt_now now, json_t *root, char **raw, size_t cost)
{
    size_t n = json_array_size(root);
    struct rpc_batch *batch;

    if (n == 0 || n > RPC_BATCH_MAX) {
        rpc_conn_error(c, now, n ? RPC_E_TOO_LARGE : RPC_E_INVALID_REQUEST,
                       n ? "a batch has at most 1000 requests" : "an empty batch", NULL);
        return;
    }
    batch = calloc(1, sizeof *batch);
    if (!batch) {
        rpc_conn_kill(c);
        return;
    }
    batch->conn = c;
    batch->left = n;
    batch->text.limit = RPC_VALUE_MAX * 4;
    for (size_t i = 0; i < n; i++)
        take_request(c, now, json_array_get(root, i), batch, raw, (uint32_t)i, cost / n);
}

/* --- a value --- */

/* The scanner has checked the grammar; what is left is text, repeated names and numbers too large. */
static void not_parsed(struct rpc_conn *c, struct mt_now now, const json_error_t *error)
{
    char text[sizeof error->text + 64];
    bool number = json_error_code(error) == json_error_numeric_overflow;
    const char *near = strstr(error->text, " near "); /* what stands there may be a password */
    int n = near ? (int)(near - error->text) : (int)strlen(error->text);

    snprintf(text, sizeof text, "%.*s at byte %d", n, error->text, error->position);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            *p = '?';
    rpc_conn_error(c, now, number ? RPC_E_INVALID_REQUEST : RPC_E_PARSE_ERROR, text, NULL);
}

void rpc_take_value(struct rpc_conn *c, struct mt_now now)
{
    struct rpc_scan *s = &c->scan;
    size_t cost = s->value.len + (size_t)s->members * MEMBER_COST, n_ids;
    json_error_t error;
    json_t *root;
    char **raw;

    if (c->rpc->bytes + cost > RPC_TOTAL_MAX) {
        rpc_conn_error(c, now, RPC_E_BUSY, "all clients together hold too much memory", NULL);
        return;
    }
    raw = cut_ids(s, &n_ids);
    root = raw ? json_loadb((const char *)s->value.data, s->value.len, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (!raw)
        rpc_conn_error(c, now, RPC_E_BUSY, "no memory", NULL);
    else if (!root)
        not_parsed(c, now, &error);
    else if (json_is_array(root))
        take_batch(c, now, root, raw, cost);
    else
        take_request(c, now, root, NULL, raw, 0, cost);
    free_ids(raw, n_ids);
    json_decref(root);
}
