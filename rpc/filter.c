#define PCRE2_CODE_UNIT_WIDTH 8
#include "rpc/filter.h"
#include "rpc/profile.h"
#include "core/peers/peers.h"
#include "tl/nearest.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* A pattern may cost this much on one text; beyond that it does not match. */
#define MATCH_LIMIT 100000
#define HEAP_KIB    1024
#define LIST_MAX    1000

static const struct {
    const char *name;
    bool by_default;
} types[] = {
    {"message", true},     {"edit", true},         {"delete", true},      {"read", true},
    {"reaction", true},    {"chat", true},         {"poll", true},        {"story", true},
    {"draft", true},       {"dialog", true},       {"album", false},      {"send", true},
    {"account", true},     {"gap", true},          {"callback", true},    {"inline", true},
    {"inline_sent", true}, {"precheckout", true},  {"shipping", true},    {"business", true},
    {"typing", false},     {"user_status", false}, {"connection", false}, {"login", false},
    {"progress", false},   {"heartbeat", false},   {"raw", false},
};
#define N_TYPES (sizeof types / sizeof types[0])

enum text_kind { TEXT_ANY, TEXT_PREFIX, TEXT_CONTAINS, TEXT_PATTERN };

struct rpc_filter {
    struct rpc *rpc;
    struct rpc_profile *profile; /* NULL: everything */
    int32_t *accounts;
    size_t n_accounts;
    int64_t *chats, *senders;
    size_t n_chats, n_senders;
    bool any_chat, any_sender;
    uint64_t types;
    int direction; /* 0 both */
    enum text_kind text_kind;
    char *text;
    size_t n_text;
    pcre2_code *re;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    /* while it is made */
    size_t next_chat, next_sender;
    void (*then)(struct rpc_req *req, struct mt_now now);
};

static int type_index(const char *name)
{
    for (size_t i = 0; i < N_TYPES; i++)
        if (strcmp(types[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool rpc_event_type_known(const char *type)
{
    return type_index(type) >= 0;
}

void rpc_filter_free(struct rpc_filter *f)
{
    if (!f)
        return;
    rpc_profile_unref(f->profile);
    free(f->accounts);
    free(f->chats);
    free(f->senders);
    free(f->text);
    pcre2_code_free(f->re);
    pcre2_match_data_free(f->match);
    pcre2_match_context_free(f->limits);
    free(f);
}

size_t rpc_filter_size(const struct rpc_filter *f)
{
    size_t re = 0;

    if (f->re)
        (void)pcre2_pattern_info(f->re, PCRE2_INFO_SIZE, &re);
    return sizeof *f + f->n_accounts * sizeof *f->accounts + (f->n_chats + f->n_senders) * sizeof *f->chats +
           f->n_text + re;
}

/* --- matching --- */

static bool has_number(const int64_t *list, size_t n, int64_t x)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == x)
            return true;
    return false;
}

bool rpc_filter_admits(const struct rpc_filter *f, int32_t id)
{
    struct rpc_account a;

    if (f->profile && (!rpc_account_by_id(f->rpc, id, &a) || !rpc_profile_sees_account(f->profile, a.name)))
        return false;
    for (size_t i = 0; i < f->n_accounts; i++)
        if (f->accounts[i] == id)
            return true;
    return f->n_accounts == 0;
}

static bool text_matches(struct rpc_filter *f, const char *text, size_t n)
{
    switch (f->text_kind) {
    case TEXT_ANY:
        return true;
    case TEXT_PREFIX:
        return n >= f->n_text && memcmp(text, f->text, f->n_text) == 0;
    case TEXT_CONTAINS:
        return memmem(text, n, f->text, f->n_text) != NULL;
    case TEXT_PATTERN:
        break;
    }
    return pcre2_match(f->re, (PCRE2_SPTR)text, n, 0, 0, f->match, f->limits) >= 0;
}

static json_t *parse_body(const struct rpc_event *e)
{
    struct tl_out text = {.limit = RPC_VALUE_MAX};
    json_t *body;

    tl_put_raw(&text, "{", 1);
    tl_put_raw(&text, e->body.p, e->body.n);
    tl_put_raw(&text, "}", 1);
    body = text.err ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
    tl_out_free(&text);
    return body;
}

static bool body_matches(struct rpc_filter *f, const struct rpc_event *e)
{
    json_t *body = parse_body(e);
    json_t *text = json_object_get(json_object_get(body, e->type), "text");
    bool yes = json_is_string(text) && text_matches(f, json_string_value(text), json_string_length(text));

    json_decref(body);
    return yes;
}

/* What is of no chat and tells of none. */
static bool is_neutral(const char *type)
{
    return strcmp(type, "connection") == 0 || strcmp(type, "heartbeat") == 0 || strcmp(type, "lagged") == 0 ||
           strcmp(type, "gap") == 0;
}

/* Whether the profile that listens may hear of it at all. */
static bool profile_admits(const struct rpc_filter *f, const struct rpc_event *e)
{
    struct rpc_account a;

    if (!f->profile)
        return true;
    if (!rpc_account_by_id(f->rpc, e->account, &a) || !rpc_profile_sees_account(f->profile, a.name))
        return false;
    if (e->chat || e->sender) /* a status is of its sender, and of no chat */
        return rpc_profile_sees_chat(f->profile, &a, e->chat ? e->chat : e->sender) &&
               (rpc_profile_sees_codes(f->profile) || strcmp(e->type, "raw") != 0 ||
                !rpc_holds_codes(e->raw.p, e->raw.n));
    if (is_neutral(e->type))
        return true;
    return !rpc_profile_has_chats(f->profile) &&
           (rpc_profile_sees_codes(f->profile) || !rpc_holds_codes(e->raw.p, e->raw.n));
}

bool rpc_filter_match(struct rpc_filter *f, const struct rpc_event *e)
{
    int type = type_index(e->type);

    if (type < 0 || !(f->types >> type & 1) || !rpc_filter_admits(f, e->account))
        return false;
    if (f->direction && e->direction && e->direction != f->direction)
        return false;
    if (!f->any_chat && !has_number(f->chats, f->n_chats, e->chat))
        return false;
    if (!f->any_sender && !has_number(f->senders, f->n_senders, e->sender))
        return false;
    return profile_admits(f, e) && (f->text_kind == TEXT_ANY || body_matches(f, e));
}

/* --- making --- */

static bool make_types(struct rpc_req *req, struct rpc_filter *f)
{
    json_t *list = rpc_arg(req, "types");
    const char *names[N_TYPES];

    for (size_t i = 0; i < N_TYPES; i++) {
        names[i] = types[i].name;
        if (!list && (types[i].by_default || (strcmp(types[i].name, "raw") == 0 && rpc_arg_bool(req, "raw"))))
            f->types |= UINT64_C(1) << i;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        int type = type_index(name);
        const char *near = tl_nearest(names, N_TYPES, name, strlen(name));

        if (type < 0) {
            rpc_fail(req, RPC_E_INVALID_PARAMS, "params.types[%zu]: no event type '%.40s'%s%s", i, name,
                     near ? "; did you mean " : "", near ? near : "");
            return false;
        }
        f->types |= UINT64_C(1) << type;
    }
    return true;
}

static bool make_accounts(struct rpc_req *req, struct rpc_filter *f)
{
    json_t *list = rpc_arg(req, "accounts");
    size_t n = json_array_size(list);
    struct rpc_account a;

    f->accounts = calloc(n + 2, sizeof *f->accounts);
    if (!f->accounts) {
        rpc_fail_nomem(req);
        return false;
    }
    for (size_t i = 0; i <= n; i++) {
        /* the option `account` stands for a list of one */
        const char *name = i < n ? json_string_value(json_array_get(list, i)) : n ? "" : req->opt.account;

        if (!*name && i == n)
            continue;
        if (!rpc_find_account(req, name, &a)) {
            char hint[256];

            rpc_account_names(req, hint, sizeof hint);
            rpc_fail_hint(req, RPC_E_ACCOUNT_UNKNOWN, hint, "no account '%.60s'", name);
            return false;
        }
        f->accounts[f->n_accounts++] = a.id;
    }
    return true;
}

static bool make_pattern(struct rpc_req *req, struct rpc_filter *f)
{
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR words[120];

    f->re =
        pcre2_compile((PCRE2_SPTR)f->text, f->n_text, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (!f->re) {
        pcre2_get_error_message(code, words, sizeof words);
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.text.pattern: %s at byte %zu", (const char *)words,
                 (size_t)at);
        return false;
    }
    f->match = pcre2_match_data_create_from_pattern(f->re, NULL);
    f->limits = pcre2_match_context_create(NULL);
    if (!f->match || !f->limits) {
        rpc_fail_nomem(req);
        return false;
    }
    pcre2_set_match_limit(f->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(f->limits, HEAP_KIB);
    return true;
}

static bool make_text(struct rpc_req *req, struct rpc_filter *f)
{
    static const char *const kinds[] = {
        [TEXT_PREFIX] = "prefix", [TEXT_CONTAINS] = "contains", [TEXT_PATTERN] = "pattern"};
    json_t *text = rpc_arg(req, "text");

    if (!text)
        return true;
    if (json_object_size(text) != 1) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.text: exactly one of prefix, contains, pattern");
        return false;
    }
    for (int k = TEXT_PREFIX; k <= TEXT_PATTERN; k++) {
        json_t *value = json_object_get(text, kinds[k]);

        if (!value)
            continue;
        f->text_kind = (enum text_kind)k;
        f->n_text = json_string_length(value);
        f->text = strdup(json_string_value(value));
    }
    if (!f->text) {
        rpc_fail_nomem(req);
        return false;
    }
    return f->text_kind != TEXT_PATTERN || make_pattern(req, f);
}

static void more_peers(struct rpc_req *req, struct mt_now now);

static void peer_found(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    struct rpc_filter *f = req->filter;

    if (f->next_chat < json_array_size(rpc_arg(req, "chats")))
        f->chats[f->next_chat++] = peer->chat;
    else
        f->senders[f->next_sender++] = peer->chat;
    more_peers(req, now);
}

/* The number of a peer that needs no account: a number in one of its forms. */
static bool plain_number(const json_t *value, int64_t *out)
{
    struct mt_peer_ref ref;
    char number[24];
    const char *text = json_string_value(value);

    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        text = number;
    }
    if (mt_peer_parse(text, &ref) != MT_OK || ref.kind != MT_REF_CHAT)
        return false;
    *out = ref.chat;
    return true;
}

/* Numbers are taken as they are; a name is asked for at the account of the request, one after the other. */
static void more_peers(struct rpc_req *req, struct mt_now now)
{
    struct rpc_filter *f = req->filter;
    json_t *chats = rpc_arg(req, "chats"), *senders = rpc_arg(req, "senders"), *value;
    int64_t number;

    for (;;) {
        bool chat = f->next_chat < json_array_size(chats);

        value = chat ? json_array_get(chats, f->next_chat) : json_array_get(senders, f->next_sender);
        if (!value)
            break;
        if (!plain_number(value, &number)) {
            if (!req->has_account && !rpc_choose_account(req))
                return;
            rpc_peer(req, now, value, peer_found);
            return;
        }
        if (chat)
            f->chats[f->next_chat++] = number;
        else
            f->senders[f->next_sender++] = number;
    }
    f->then(req, now);
}

void rpc_filter_make(struct rpc_req *req, struct mt_now now,
                     void (*then)(struct rpc_req *req, struct mt_now now))
{
    struct rpc_filter *f = calloc(1, sizeof *f);
    const char *direction = rpc_arg_str(req, "direction");

    if (!f) {
        rpc_fail_nomem(req);
        return;
    }
    req->filter = f;
    f->rpc = req->rpc;
    f->profile = rpc_profile_ref(req->profile);
    f->then = then;
    f->n_chats = json_array_size(rpc_arg(req, "chats"));
    f->n_senders = json_array_size(rpc_arg(req, "senders"));
    f->any_chat = !rpc_arg(req, "chats");
    f->any_sender = !rpc_arg(req, "senders");
    if (f->n_chats > LIST_MAX || f->n_senders > LIST_MAX) {
        rpc_fail(req, RPC_E_TOO_LARGE, "params: at most %d chats or senders", LIST_MAX);
        return;
    }
    f->chats = calloc(f->n_chats + 1, sizeof *f->chats);
    f->senders = calloc(f->n_senders + 1, sizeof *f->senders);
    if (!f->chats || !f->senders) {
        rpc_fail_nomem(req);
        return;
    }
    f->direction = strcmp(direction, "in") == 0 ? 1 : strcmp(direction, "out") == 0 ? 2 : 0;
    if (make_types(req, f) && make_accounts(req, f) && make_text(req, f))
        more_peers(req, now);
}
