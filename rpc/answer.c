#include "rpc/profile.h"

#define STORAGE_ERRORS (-128) /* codes of storage/ begin here */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int dump(const char *buffer, size_t size, void *data)
{
    struct tl_out *out = data;

    tl_put_raw(out, buffer, size);
    return out->err ? -1 : 0;
}

int rpc_json_put(struct tl_out *out, const json_t *json)
{
    if (json_dump_callback(json, dump, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        return tl_out_fail(out, TL_E_NOMEM);
    return out->err;
}

static void put_text(struct tl_out *out, const char *text)
{
    tl_put_raw(out, text, strlen(text));
}

void rpc_cursor_text(struct rpc_cursor cursor, char out[32])
{
    snprintf(out, 32, "%" PRIu32 ".%" PRIu64, cursor.epoch, cursor.number);
}

bool rpc_cursor_parse(const char *text, struct rpc_cursor *out)
{
    size_t n = strspn(text, "0123456789"), m;
    char *end;

    if (n == 0 || n > 10 || text[n] != '.')
        return false;
    m = strspn(text + n + 1, "0123456789");
    if (m == 0 || m > 19 || text[n + 1 + m])
        return false;
    if (strtoull(text, &end, 10) > UINT32_MAX)
        return false;
    out->epoch = (uint32_t)strtoull(text, &end, 10);
    out->number = strtoull(text + n + 1, &end, 10);
    return true;
}

/* --- delivery --- */

/* Whether its answer would be wrong if the turn were not committed. */
static bool depends(const struct rpc_req *req)
{
    return req->hold != RPC_HOLD_NONE && (req->wrote || req->send_id);
}

static void add_part(struct rpc_batch *b, const struct rpc_req *req, size_t n)
{
    struct rpc_part *p = depends(req) ? rpc_part_new(req, n) : NULL;

    if (!depends(req))
        return;
    if (!p) {
        b->text.err = TL_E_NOMEM;
        return;
    }
    p->at = b->text.len;
    if (!b->parts)
        b->parts_tail = &b->parts;
    *b->parts_tail = p;
    b->parts_tail = &p->next;
}

static struct rpc_part *take_parts(struct rpc_batch *b)
{
    struct rpc_part *parts = b->parts;

    b->parts = NULL;
    return parts;
}

static void put_single(struct rpc_req *req, const struct tl_out *out)
{
    struct rpc_part *p = depends(req) ? rpc_part_new(req, out->len - 1) : NULL;

    if (depends(req) && !p)
        rpc_conn_kill(req->conn);
    else
        rpc_conn_hold(req->conn, req->now, out->data, out->len, req->hold, p);
}

static void put_batch(struct rpc_req *req, const struct tl_out *line)
{
    struct rpc_batch *b = req->batch;

    if (req->id && b->conn) {
        put_text(&b->text, b->answers++ ? "," : "[");
        add_part(b, req, line->len - 1);
        tl_put_raw(&b->text, line->data, line->len - 1); /* without its newline */
    }
    if (req->hold > b->hold)
        b->hold = req->hold;
    if (--b->left)
        return;
    if (b->answers && b->conn) {
        put_text(&b->text, "]\n");
        if (b->text.err)
            rpc_conn_kill(b->conn);
        else
            rpc_conn_hold(b->conn, req->now, b->text.data, b->text.len, b->hold, take_parts(b));
    }
    rpc_parts_free(b->parts);
    tl_out_free(&b->text);
    free(b);
}

/* The whole line is in `out`, which goes; so does the request. */
static void deliver(struct rpc_req *req, struct tl_out *out)
{
    if (req->batch)
        put_batch(req, out);
    else if (req->conn && req->id)
        put_single(req, out);
    tl_out_free(out);
    rpc_req_free(req);
}

struct tl_out rpc_answer_begin(struct rpc_req *req)
{
    struct tl_out out = {.limit = RPC_VALUE_MAX * 4};

    put_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":");
    put_text(&out, req->id ? req->id : "null");
    put_text(&out, ",\"result\":");
    return out;
}

void rpc_answer_end(struct rpc_req *req, struct tl_out *out)
{
    put_text(out, "}\n");
    if (!out->err) {
        rpc_count_end(req, false);
        deliver(req, out);
        return;
    }
    tl_out_free(out);
    if (out->err == TL_E_SIZE)
        rpc_fail(req, RPC_E_TOO_LARGE, "the answer is too large; ask for less at once");
    else
        rpc_fail_nomem(req);
}

void rpc_answer(struct rpc_req *req, json_t *result)
{
    struct tl_out out;

    if (result && req->profile) {
        result = rpc_restrict(req, result);
        if (!result) {
            rpc_fail(req, RPC_E_DENIED, "this is not there for this socket");
            return;
        }
    }
    if (result && req->method && (req->method->flags & RPC_M_CHANGES) && json_is_object(result)) {
        char cursor[32];

        rpc_cursor_text(req->before, cursor);
        json_object_set_new(result, "cursor", json_string(cursor));
    }
    if (result && req->opt.fields) {
        json_t *part = rpc_project(result, req->opt.fields);

        json_decref(result);
        result = part;
    }
    if (!result) {
        rpc_fail_nomem(req);
        return;
    }
    out = rpc_answer_begin(req);
    rpc_json_put(&out, result);
    json_decref(result);
    rpc_answer_end(req, &out);
}

void rpc_answer_text(struct rpc_req *req, const void *text, size_t n)
{
    struct tl_out out;

    if (req->opt.fields) {
        rpc_answer(req, json_loadb(text, n, JSON_DECODE_ANY, NULL));
        return;
    }
    out = rpc_answer_begin(req);
    tl_put_raw(&out, text, n);
    rpc_answer_end(req, &out);
}

void rpc_answer_ok(struct rpc_req *req)
{
    rpc_answer(req, json_pack("{s:b}", "ok", 1));
}

/* --- errors --- */

/* Takes `data`, in which the members beside name, account and method stand. */
static void fail(struct rpc_req *req, int code, const char *name, const char *message, json_t *data)
{
    struct tl_out out = {.limit = RPC_VALUE_MAX};
    json_t *error = json_pack("{s:i,s:s,s:{s:s,s:s,s:s}}", "code", code, "message", message, "data", "name",
                              name, "account", req->account_name, "method", req->name ? req->name : "");

    if (error && data)
        json_object_update(json_object_get(error, "data"), data);
    json_decref(data);
    put_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":");
    put_text(&out, req->id ? req->id : "null");
    put_text(&out, ",\"error\":");
    if (error)
        rpc_json_put(&out, error);
    else
        put_text(&out, "{\"code\":-32603,\"message\":\"no memory\",\"data\":{\"name\":\"INTERNAL\","
                       "\"account\":\"\",\"method\":\"\"}}");
    put_text(&out, "}\n");
    json_decref(error);
    if (out.err) { /* no memory even for that: the connection cannot keep its promise */
        if (req->conn)
            rpc_conn_kill(req->conn);
        tl_out_reset(&out);
        put_text(&out, "\n");
    }
    rpc_count_end(req, true);
    deliver(req, &out);
}

/* Text that came from outside, as UTF-8 that jansson takes. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            *text = '?';
}

__attribute__((format(printf, 4, 0))) static void vfail(struct rpc_req *req, int code, const char *hint,
                                                        const char *fmt, va_list ap)
{
    char message[512];
    json_t *data = json_object(), *text;

    vsnprintf(message, sizeof message, fmt, ap);
    if (hint)
        json_object_set_new(data, "hint", json_string(hint));
    text = json_string(message);
    if (!text) /* cut inside a character */
        clean(message);
    json_decref(text);
    fail(req, code, rpc_error_name(code), message, data);
}

void rpc_fail(struct rpc_req *req, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfail(req, code, NULL, fmt, ap);
    va_end(ap);
}

void rpc_fail_hint(struct rpc_req *req, int code, const char *hint, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfail(req, code, hint, fmt, ap);
    va_end(ap);
}

void rpc_fail_nomem(struct rpc_req *req)
{
    rpc_fail(req, RPC_E_INTERNAL, "no memory");
}

void rpc_fail_sent(struct rpc_req *req, int code, enum mt_sent sent, int64_t send_id)
{
    static const char *const words[] = {
        [MT_SENT_NO] = "no", [MT_SENT_YES] = "yes", [MT_SENT_UNKNOWN] = "unknown"};
    json_t *data;

    if (sent == MT_SENT_NO && req->has_sent)
        sent = MT_SENT_UNKNOWN; /* of the whole: a part of it was */
    data = json_pack("{s:s}", "sent", words[sent]);

    if (send_id) {
        char text[24];

        snprintf(text, sizeof text, "%" PRId64, send_id);
        json_object_set_new(data, "send_id", json_string(text));
    }
    fail(req, code, rpc_error_name(code), rpc_error_text(code), data);
}

void rpc_fail_nothing_came(struct rpc_req *req, int64_t send_id)
{
    rpc_fail_sent(req, RPC_E_TIMEOUT, MT_SENT_YES, send_id);
}

/* FLOOD_WAIT_17 -> FLOOD_WAIT and 17; a number in the middle counts too (2FA_CONFIRM_WAIT_%d does not). */
static bool split_number(char *name, int64_t *number)
{
    size_t n = strlen(name), from = n;

    while (from && name[from - 1] >= '0' && name[from - 1] <= '9')
        from--;
    if (from == n || from < 2 || name[from - 1] != '_' || n - from > 18)
        return false;
    *number = strtoll(name + from, NULL, 10);
    name[from - 1] = 0;
    return true;
}

static void fail_telegram(struct rpc_req *req, const struct mt_reply *reply)
{
    json_t *data = json_object();
    char name[sizeof reply->text], message[sizeof reply->text + 64];
    int64_t number = 0;
    int code = reply->code;

    memcpy(name, reply->text, sizeof name);
    name[sizeof name - 1] = 0;
    clean(name);
    if (reply->local)
        snprintf(message, sizeof message, "not asked: Telegram said %s before", name);
    else
        snprintf(message, sizeof message, "Telegram says %s (%d)", name, code);
    if (split_number(name, &number))
        json_object_set_new(data, "argument", json_integer(number));
    if (reply->seconds > 0) {
        json_object_set_new(data, "seconds", json_integer(reply->seconds));
        code = 420;
    }
    if (reply->local)
        json_object_set_new(data, "local", json_true());
    if (code < 0)
        code = 500;
    fail(req, RPC_E_TELEGRAM + code, name, message, data);
}

void rpc_fail_wait(struct rpc_req *req, int64_t seconds, const char *hint, const char *message)
{
    fail(req, RPC_E_TELEGRAM + 420, "FLOOD_WAIT", message,
         json_pack("{s:I, s:I, s:b, s:s}", "seconds", (json_int_t)seconds, "argument", (json_int_t)seconds,
                   "local", 1, "hint", hint));
}

void rpc_fail_mt(struct rpc_req *req, int err)
{
    switch (err) {
    case MT_E_STATE:
        rpc_fail(req, RPC_E_NOT_LOGGED_IN, "%s", rpc_error_text(RPC_E_NOT_LOGGED_IN));
        return;
    case MT_E_TOO_LARGE:
        rpc_fail(req, RPC_E_TOO_LARGE, "the request is larger than Telegram takes");
        return;
    case MT_E_TIMEOUT:
        rpc_fail_sent(req, RPC_E_TIMEOUT, MT_SENT_UNKNOWN, 0);
        return;
    }
    rpc_fail(req, err <= STORAGE_ERRORS ? RPC_E_STORAGE : RPC_E_INTERNAL, "%s", mt_strerror(err));
}

void rpc_fail_reply(struct rpc_req *req, const struct mt_reply *reply)
{
    switch (reply->kind) {
    case MT_REPLY_RPC_ERROR:
        fail_telegram(req, reply);
        return;
    case MT_REPLY_TIMEOUT:
        rpc_fail_sent(req, RPC_E_TIMEOUT, reply->sent, reply->send_id);
        return;
    case MT_REPLY_CANCELLED:
        rpc_fail_sent(req, RPC_E_CANCELLED, reply->sent, reply->send_id);
        return;
    case MT_REPLY_FAILED:
        if (reply->code == MT_E_STATE) /* the account was paused or its connection given up */
            rpc_fail_sent(req, RPC_E_NOT_CONNECTED, reply->sent, reply->send_id);
        else if (reply->code <= STORAGE_ERRORS)
            rpc_fail_sent(req, RPC_E_STORAGE, reply->sent, reply->send_id);
        else if (reply->send_id && reply->sent != MT_SENT_NO)
            rpc_fail_sent(req, RPC_E_TIMEOUT, MT_SENT_UNKNOWN, reply->send_id);
        else
            rpc_fail_mt(req, reply->code);
        return;
    case MT_REPLY_NOT_LOGGED_IN:
        if (reply->send_id) { /* its login went while it was under way */
            rpc_fail_sent(req, RPC_E_NOT_LOGGED_IN, reply->sent, reply->send_id);
            return;
        }
        rpc_fail_hint(req, RPC_E_NOT_LOGGED_IN, "logIn begins a login", "account %s is not logged in",
                      req->account_name);
        return;
    case MT_REPLY_WRONG_STEP:
        rpc_fail_hint(req, RPC_E_WRONG_STEP, "getLoginState says what is due", "%s",
                      rpc_error_text(RPC_E_WRONG_STEP));
        return;
    case MT_REPLY_NO_API_ID:
        rpc_fail_hint(req, RPC_E_NO_API_ID,
                      "make your own at https://my.telegram.org, then [daemon] api_id and api_hash in "
                      "tgd.conf, --api-id, or addAccount",
                      "%s", rpc_error_text(RPC_E_NO_API_ID));
        return;
    case MT_REPLY_DEDUP_MISMATCH:
        rpc_fail(req, RPC_E_DEDUP_MISMATCH, "%s", rpc_error_text(RPC_E_DEDUP_MISMATCH));
        return;
    case MT_REPLY_RESULT:
    case MT_REPLY_OK:
        break;
    }
    rpc_fail(req, RPC_E_INTERNAL, "an answer without content");
}
