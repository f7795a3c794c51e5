#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tl/ids.h"
#include "tl/reshape.h"
#include "tl/view.h"

#define REORDER_US MT_US_PER_S /* an answer that waits to be overtaken waits no longer than this */

/* The key that speaks for the user: a temporary one's permanent key, where that still exists. */
static struct sb_key *speaker(struct sb_server *s, struct sb_key *k)
{
    return k->expires && k->perm_id ? sb_key_find(s, k->dc_id, k->perm_id) : k;
}

static void hold(struct sb_session *ses, uint64_t req, int64_t due, bool overtake, const void *p, size_t n,
                 bool failed)
{
    struct sb_held *h = malloc(sizeof *h + n);
    struct sb_seen *seen = sb_seen_find(ses, req);

    if (!h)
        return;
    *h = (struct sb_held){.due = due, .req = req, .failed = failed, .overtake = overtake, .n = n};
    memcpy(h->body, p, n);
    TAILQ_INSERT_TAIL(&ses->helds, h, link);
    if (seen)
        seen->stage = SB_STAGE_RUNNING;
    sb_session_ack(ses, req);
}

static void release(struct sb_server *s, struct sb_session *ses, struct mt_now at, struct sb_held *h)
{
    const struct sb_seen *seen = sb_seen_find(ses, h->req);

    TAILQ_REMOVE(&ses->helds, h, link);
    /* a query that was dropped meanwhile has had its answer */
    if (!seen || seen->stage == SB_STAGE_RUNNING)
        sb_send_result(s, ses, at, h->req, h->body, h->n, h->failed);
    free(h);
}

/* Sends an answer, or does with it what the fault says. */
static void deliver(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t req,
                    const void *p, size_t n, bool failed, const struct sb_fault *f)
{
    enum sb_fault_do what = f ? f->what : SB_DO_NOTHING;
    struct sb_seen *seen = sb_seen_find(ses, req);
    struct sb_held *h, *next;

    if (what == SB_DO_DELAY || what == SB_DO_REORDER) {
        hold(ses, req, at.mono + (what == SB_DO_DELAY ? f->delay : REORDER_US), what == SB_DO_REORDER, p, n,
             failed);
        return;
    }
    if (what == SB_DO_NO_ANSWER) {
        if (seen)
            seen->stage = SB_STAGE_RUNNING;
        sb_session_ack(ses, req);
        return;
    }
    /* real servers acknowledge a query now and then though its answer does so too */
    if (sb_choose(s, 8) == 0)
        sb_session_ack(ses, req);
    sb_send_result(s, ses, at, req, p, n, failed);
    if (what == SB_DO_DUPLICATE)
        sb_send_result(s, ses, at, req, p, n, failed);
    if (what == SB_DO_ANNOUNCE && sb_out_by_req(ses, req))
        sb_announce(s, ses, at, sb_out_by_req(ses, req));
    if (what == SB_DO_CUT && ses->conn)
        sb_conn_close(s, ses->conn, SB_CLOSE_NOW);
    for (h = TAILQ_FIRST(&ses->helds); h; h = next) {
        next = TAILQ_NEXT(h, link);
        if (h->overtake)
            release(s, ses, at, h);
    }
}

static void deliver_error(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t req,
                          int32_t code, const char *text, const struct sb_fault *f)
{
    uint8_t buf[256];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    s->stats.errors++;
    mt_logf(s->env, MT_LOG_DEBUG, "call", "answer %d %s", code, text);
    tl_put_u32(&out, TL_rpc_error);
    tl_put_int(&out, code);
    tl_put_str(&out, text);
    deliver(s, ses, at, req, buf, out.len, true, f);
}

/* rpc_error that a fault asks for; false: it asks for none. */
static bool fault_error(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t req,
                        const struct tl_def *def, const struct sb_fault *f)
{
    const char *what = "NETWORK", *name = def ? tl_def_name(def) : "";
    char text[64];

    if (f && f->what == SB_DO_ERROR) {
        sb_send_error(s, ses, at, req, f->code, f->text);
        return true;
    }
    if (!f || f->what != SB_DO_MIGRATE)
        return false;
    if (!strcmp(name, "auth.sendCode"))
        what = "PHONE";
    else if (!strcmp(name, "auth.importBotAuthorization") || !strcmp(name, "auth.signIn"))
        what = "USER";
    else if (!strncmp(name, "upload.", 7))
        what = "FILE";
    else if (!strncmp(name, "stats.", 6))
        what = "STATS";
    snprintf(text, sizeof text, "%s_MIGRATE_%d", what, f->to);
    sb_send_error(s, ses, at, req, 303, text);
    return true;
}

/* invokeAfterMsg: text of the error where a query that must come first did not, or failed. */
static const char *check_after(struct sb_session *ses, const struct sb_wraps *w)
{
    for (size_t i = 0; i + 8 <= w->after.n; i += 8) {
        const struct sb_seen *seen = sb_seen_find(ses, tl_load64(w->after.p + i));

        if (!seen || seen->stage == SB_STAGE_RUNNING)
            return "MSG_WAIT_TIMEOUT";
        if (seen->stage == SB_STAGE_FAILED)
            return "MSG_WAIT_FAILED";
    }
    return NULL;
}

static bool allowed_unbound(uint32_t id)
{
    return id == TL_help_getConfig || id == TL_help_getNearestDc;
}

/* What is wrong with a call before it is looked at: the code of an rpc_error, or 0. */
static int32_t check_call(struct sb_server *s, struct sb_session *ses, const struct sb_wraps *w,
                          const char **text)
{
    struct sb_key *k = ses->key;

    *text = w->error;
    if (w->error)
        return 400;
    if (k->expires && !allowed_unbound(tl_peek(&w->query)) && (!k->perm_id || !speaker(s, k))) {
        *text = "AUTH_KEY_PERM_EMPTY";
        return 401;
    }
    if (w->init) {
        k->inited = true;
        k->api_id = w->api_id;
    }
    if (w->layer)
        k->layer = w->layer;
    if (s->strict && !k->inited) {
        *text = "CONNECTION_NOT_INITED";
        return 400;
    }
    *text = check_after(ses, w);
    return *text ? (!strcmp(*text, "MSG_WAIT_FAILED") ? 400 : 500) : 0;
}

bool sb_in_layer_of(const struct sb_key *k, const struct tl_field *field, const void *p, size_t n,
                    struct tl_out *out)
{
    struct tl_in in = tl_in(p, n);

    if (!k->layer || k->layer == TL_LAYER)
        return false;
    if (tl_reshape(&in, field, k->layer, out) == TL_OK && tl_left(&in) == 0)
        return true;
    tl_out_free(out);
    return false;
}

static void answer(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t req,
                   const struct tl_view *call, const struct tl_out *result, const struct sb_fault *f)
{
    struct tl_out shaped = {.limit = SB_OUT_MAX};

    if (sb_in_layer_of(ses->key, &call->def->result, result->data, result->len, &shaped))
        deliver(s, ses, at, req, shaped.data, shaped.len, false, f);
    else
        deliver(s, ses, at, req, result->data, result->len, false, f);
    tl_out_free(&shaped);
}

static void run(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                const struct sb_wraps *w, const struct tl_view *call, const struct sb_fault *f)
{
    struct sb_key *k = ses->key, *perm = speaker(s, k);
    struct sb_caller caller = {.dc_id = k->dc_id,
                               .key_id = perm ? perm->auth.id : k->auth.id,
                               .session_id = ses->id,
                               .layer = k->layer ? k->layer : TL_LAYER,
                               .api_id = k->api_id,
                               .seq = ses->seq + 1,
                               .without_updates = w->without_updates,
                               .takeout = w->takeout,
                               .has_takeout = w->has_takeout,
                               .business = w->business,
                               .has_business = w->has_business};
    struct sb_reply reply = {0};

    s->stats.calls++;
    if (!w->without_updates)
        ses->wants_updates = true;
    sb_world_call(s->world, at, &caller, call, &reply);
    mt_logf(s->env, MT_LOG_DEBUG, "call", "dc %d session %016llx %s: %s%s", k->dc_id,
            (unsigned long long)ses->id, tl_def_name(call->def), reply.err_code ? reply.err_text : "ok",
            reply.stub ? " (stub)" : "");
    if (reply.err_code)
        deliver_error(s, ses, at, m->id, reply.err_code, reply.err_text, f);
    else if (reply.result.err || !reply.result.len)
        deliver_error(s, ses, at, m->id, 500, "INTERNAL", f);
    else
        answer(s, ses, at, m->id, call, &reply.result, f);
    sb_reply_free(&reply);
}

/* Opens a call of the client's layer; `ours` holds its bytes where they had to be reshaped. */
static int open_call(const struct sb_key *k, const struct sb_wraps *w, struct tl_view *call,
                     struct tl_out *ours)
{
    struct tl_in in = w->query;

    if (k->layer && k->layer != TL_LAYER && tl_reshape(&in, NULL, TL_LAYER, ours) == TL_OK && !tl_left(&in))
        return tl_view_open_exact(call, ours->data, ours->len);
    return tl_view_open_exact(call, w->query.p, tl_left(&w->query));
}

/* The text for bytes that are no call of ours. */
static void parse_error(int err, const struct tl_def *def, uint32_t id, char text[64])
{
    if (!def || !def->is_function)
        snprintf(text, 64, "INPUT_METHOD_INVALID_%u_0", id);
    else if (err == TL_E_TRAILING)
        snprintf(text, 64, "INPUT_REQUEST_TOO_LONG");
    else
        snprintf(text, 64, "INPUT_FETCH_ERROR");
}

void sb_call(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
             struct sb_wraps *w, const struct sb_fault *f)
{
    uint32_t id = tl_peek(&w->query);
    const struct tl_def *def = tl_def_by_id(id);
    const char *error = NULL;
    struct tl_out ours = {.limit = SB_IN_MAX};
    struct tl_view call;
    char text[64];
    int32_t code;
    int err;

    if (fault_error(s, ses, at, m->id, def, f))
        return;
    if (!w->error && id == TL_auth_bindTempAuthKey) {
        code = sb_bind(s, ses, at, m, &w->query, &error);
        tl_store32(text, TL_BOOL_TRUE);
        if (code)
            deliver_error(s, ses, at, m->id, code, error, f);
        else
            deliver(s, ses, at, m->id, text, 4, false, f);
        return;
    }
    code = check_call(s, ses, w, &error);
    if (code) {
        deliver_error(s, ses, at, m->id, code, error, f);
        return;
    }
    err = open_call(ses->key, w, &call, &ours);
    if (err || !call.def->is_function) {
        parse_error(err, def, id, text);
        deliver_error(s, ses, at, m->id, 400, text, f);
    } else {
        run(s, ses, at, m, w, &call, f);
    }
    tl_out_free(&ours);
}

void sb_call_tick(struct sb_server *s, struct sb_session *ses, struct mt_now at)
{
    struct sb_held *h, *next;

    for (h = TAILQ_FIRST(&ses->helds); h; h = next) {
        next = TAILQ_NEXT(h, link);
        if (h->due <= at.mono)
            release(s, ses, at, h);
    }
}

int64_t sb_call_deadline(const struct sb_session *ses)
{
    const struct sb_held *h;
    int64_t first = MT_NEVER;

    TAILQ_FOREACH(h, &ses->helds, link)
    if (h->due < first)
        first = h->due;
    return first;
}
