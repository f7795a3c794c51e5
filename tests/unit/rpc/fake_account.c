#include "tests/unit/rpc/fake_account.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static int take(struct mt_account *a, uint64_t token)
{
    if (a->refuse)
        return a->refuse;
    a->calls++;
    a->token = token;
    return MT_OK;
}

int mt_account_call(struct mt_account *a, struct mt_now now, const struct mt_call *call)
{
    a->n_body = call->n < sizeof a->body ? call->n : sizeof a->body;
    memcpy(a->body, call->body, a->n_body);
    a->flags = call->flags;
    a->deadline = call->deadline;
    a->flood_wait = call->flood_wait;
    a->takeout = call->takeout;
    a->dc = call->dc;
    snprintf(a->business, sizeof a->business, "%s", call->business ? call->business : "");
    return take(a, call->token);
}

void mt_account_cancel(struct mt_account *a, struct mt_now now, uint64_t token)
{
    a->cancelled = token;
}

static void note_text(struct mt_account *a, const char *params)
{
    json_t *o = json_loads(params, 0, NULL);

    strcat(a->sends, json_string_value(json_object_get(o, "message")));
    strcat(a->sends, " ");
    json_decref(o);
}

int mt_account_send(struct mt_account *a, struct mt_now now, const struct mt_send *send)
{
    snprintf(a->method, sizeof a->method, "%s", send->method);
    snprintf(a->params, sizeof a->params, "%s", send->params);
    snprintf(a->dedup, sizeof a->dedup, "%.*s", (int)send->dedup_len,
             send->dedup ? (const char *)send->dedup : "");
    a->chat = send->chat;
    if (a->sends)
        note_text(a, send->params);
    a->queue = send->queue;
    a->unordered = send->unordered;
    a->progress = send->progress;
    return take(a, send->token);
}

int mt_account_cancel_send(struct mt_account *a, struct mt_now now, int64_t send_id)
{
    a->withdrawn = send_id;
    return a->refuse;
}

bool mt_account_send_stage(const struct mt_account *a, struct mt_now now, int64_t send_id,
                           struct mt_send_stage *out)
{
    *out = (struct mt_send_stage){.name = "waiting", .seconds = 17};
    return true;
}

static int step(struct mt_account *a, uint64_t token, const char *secret)
{
    snprintf(a->secret, sizeof a->secret, "%s", secret);
    return take(a, token);
}

int mt_login_phone(struct mt_account *a, struct mt_now now, uint64_t token, const char *phone)
{
    return step(a, token, phone);
}

int mt_login_bot(struct mt_account *a, struct mt_now now, uint64_t token, const char *bot_token)
{
    return step(a, token, bot_token);
}

int mt_login_resend(struct mt_account *a, struct mt_now now, uint64_t token)
{
    return step(a, token, "");
}

int mt_login_code(struct mt_account *a, struct mt_now now, uint64_t token, const char *code)
{
    return step(a, token, code);
}

int mt_login_password(struct mt_account *a, struct mt_now now, uint64_t token, const void *password, size_t n)
{
    char text[128];

    snprintf(text, sizeof text, "%.*s", (int)n, (const char *)password);
    return step(a, token, text);
}

int mt_login_cancel(struct mt_account *a, struct mt_now now, uint64_t token)
{
    return step(a, token, "");
}

int mt_logout(struct mt_account *a, struct mt_now now, uint64_t token)
{
    return step(a, token, "");
}

const struct mt_login *mt_account_login(const struct mt_account *a)
{
    return &a->login;
}

int64_t mt_account_user(const struct mt_account *a)
{
    return a->user;
}

bool mt_account_is_bot(const struct mt_account *a)
{
    return a->bot;
}

bool mt_account_is_connected(const struct mt_account *a)
{
    return a->connected;
}

bool mt_account_is_in_sync(const struct mt_account *a)
{
    return a->in_sync;
}

int mt_account_watch(struct mt_account *a, struct mt_now now, mt_chat_id chat, bool on)
{
    size_t i = 0;

    if (chat > -INT64_C(1000000000000))
        return MT_E_ARG;
    while (i < a->n_watched && a->watched[i] != chat)
        i++;
    if (on && i == 4)
        return MT_E_TOO_LARGE;
    if (on && i == a->n_watched)
        a->watched[a->n_watched++] = chat;
    if (!on && i < a->n_watched)
        a->watched[i] = a->watched[--a->n_watched];
    return MT_OK;
}

size_t mt_account_watched(const struct mt_account *a, mt_chat_id *chats, size_t max)
{
    for (size_t i = 0; i < a->n_watched && i < max; i++)
        chats[i] = a->watched[i];
    return a->n_watched;
}

const struct mt_proxy_cfg *mt_account_proxy(const struct mt_account *a)
{
    return NULL;
}

const struct mt_updates_stats *mt_account_updates_stats(const struct mt_account *a)
{
    static const struct mt_updates_stats stats = {.differences = 3, .gaps = 1};

    return &stats;
}
