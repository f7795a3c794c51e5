/* What a profile of the configuration admits: callers, accounts, methods, chats. See rpc.h. */
#include "rpc/profile.h"
#include "tl/nearest.h"

#include <stdlib.h>
#include <string.h>

#define LOGIN_CODES INT64_C(777000)

struct rule_chat {
    mt_chat_id chat; /* 0: by name */
    bool self;
    char name[MT_USERNAME_MAX];
};

struct rpc_profile {
    unsigned refs;
    char name[34];
    char *accounts, *methods; /* patterns, each ended by NUL, the list by an empty one; NULL: no limit */
    unsigned classes;         /* RPC_M_READ, RPC_M_SEND, RPC_M_ADMIN */
    struct rule_chat *chats;
    size_t n_chats;
    bool some_chats;
    int64_t *uids, *gids;
    size_t n_uids, n_gids;
    int64_t owner;
};

/* `*` is any text, `?` any byte. */
bool rpc_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static bool in_list(const char *list, const char *text)
{
    for (; *list; list += strlen(list) + 1)
        if (rpc_glob(list, text))
            return true;
    return false;
}

/* --- made of the configuration --- */

static size_t next_word(const char **at)
{
    static const char between[] = ", \t\r\n";

    *at += strspn(*at, between);
    return strcspn(*at, between);
}

/* Words of a list as patterns. NULL: no memory. */
static char *patterns(const char *list)
{
    char *out = calloc(1, strlen(list) + 2), *to = out;
    size_t n;

    for (; out && (n = next_word(&list)); list += n, to += n + 1)
        memcpy(to, list, n);
    return out;
}

/* Classes leave the list of methods. */
static bool take_classes(struct rpc_profile *p, char err[256])
{
    static const struct {
        const char *name;
        unsigned flag;
    } classes[] = {{"@read", RPC_M_READ}, {"@send", RPC_M_SEND}, {"@admin", RPC_M_ADMIN}};
    char *to = p->methods;

    for (char *at = p->methods, *next; *at; at = next) {
        size_t n = strlen(at);
        unsigned flag = 0;

        next = at + n + 1;
        for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
            if (strcmp(at, classes[i].name) == 0)
                flag = classes[i].flag;
        if (!flag && *at == '@') {
            snprintf(err, 256, "methods: '%.40s' is none of @read, @send, @admin", at);
            return false;
        }
        if (!flag && !strpbrk(at, "*?") && !rpc_method_find(at) && !tl_def_by_name(at, n, true)) {
            const char *near = rpc_method_nearest(at);

            snprintf(err, 256, "methods: no method '%.60s'%s%s", at, near ? "; did you mean " : "",
                     near ? near : "");
            return false;
        }
        p->classes |= flag;
        if (!flag) {
            memmove(to, at, n + 1);
            to += n + 1;
        }
    }
    *to = 0;
    return true;
}

static bool take_chat(struct rule_chat *c, const char *word, char err[256])
{
    struct mt_peer_ref ref;

    if (mt_peer_parse(word, &ref) == MT_OK) {
        switch (ref.kind) {
        case MT_REF_SELF:
            c->self = true;
            return true;
        case MT_REF_CHAT:
            c->chat = ref.chat;
            return true;
        case MT_REF_NAME:
            snprintf(c->name, sizeof c->name, "%s", ref.name);
            return true;
        case MT_REF_PHONE:
        case MT_REF_INVITE:
            break;
        }
    }
    snprintf(err, 256, "chats: '%.60s' is no number, @name or me", word);
    return false;
}

static bool take_chats(struct rpc_profile *p, const char *list, char err[256])
{
    size_t n;

    p->some_chats = true;
    for (; (n = next_word(&list)); list += n) {
        struct rule_chat *more = realloc(p->chats, (p->n_chats + 1) * sizeof *more);
        char word[80];

        if (!more) {
            snprintf(err, 256, "out of memory");
            return false;
        }
        p->chats = more;
        snprintf(word, sizeof word, "%.*s", (int)n, list);
        p->chats[p->n_chats] = (struct rule_chat){.chat = 0};
        if (!take_chat(&p->chats[p->n_chats++], word, err))
            return false;
    }
    return true;
}

static int64_t *copy_ids(const int64_t *ids, size_t n)
{
    int64_t *out = malloc((n + 1) * sizeof *out);

    if (out && n)
        memcpy(out, ids, n * sizeof *out);
    return out;
}

struct rpc_profile *rpc_profile_new(const struct rpc_profile_cfg *cfg, char err[256])
{
    struct rpc_profile *p = calloc(1, sizeof *p);

    snprintf(err, 256, "out of memory");
    if (!p)
        return NULL;
    p->refs = 1;
    p->owner = cfg->owner_uid;
    snprintf(p->name, sizeof p->name, "%s", cfg->name);
    p->methods = patterns(cfg->methods ? cfg->methods : "@read");
    p->accounts = cfg->accounts ? patterns(cfg->accounts) : NULL;
    p->n_uids = cfg->n_uids;
    p->n_gids = cfg->n_gids;
    p->uids = copy_ids(cfg->uids, cfg->n_uids);
    p->gids = copy_ids(cfg->gids, cfg->n_gids);
    if (!p->methods || (cfg->accounts && !p->accounts) || !p->uids || !p->gids || !take_classes(p, err) ||
        (cfg->chats && !take_chats(p, cfg->chats, err))) {
        rpc_profile_unref(p);
        return NULL;
    }
    return p;
}

struct rpc_profile *rpc_profile_ref(struct rpc_profile *p)
{
    if (p)
        p->refs++;
    return p;
}

void rpc_profile_unref(struct rpc_profile *p)
{
    if (!p || --p->refs)
        return;
    free(p->accounts);
    free(p->methods);
    free(p->chats);
    free(p->uids);
    free(p->gids);
    free(p);
}

const char *rpc_profile_name(const struct rpc_profile *p)
{
    return p->name;
}

/* --- what it admits --- */

static bool has(const int64_t *ids, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

bool rpc_profile_admits(const struct rpc_profile *p, const struct rpc_cred *cred)
{
    if (cred->uid == 0 || cred->uid == p->owner || has(p->uids, p->n_uids, cred->uid) ||
        has(p->gids, p->n_gids, cred->gid))
        return true;
    for (size_t i = 0; i < cred->n_groups; i++)
        if (has(p->gids, p->n_gids, cred->groups[i]))
            return true;
    return false;
}

static bool same_list(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    for (; *a && strcmp(a, b) == 0; a += strlen(a) + 1, b += strlen(b) + 1)
        ;
    return !*a && !*b;
}

static bool same_chats(const struct rpc_profile *a, const struct rpc_profile *b)
{
    if (a->some_chats != b->some_chats || a->n_chats != b->n_chats)
        return false;
    for (size_t i = 0; i < a->n_chats; i++)
        if (a->chats[i].chat != b->chats[i].chat || a->chats[i].self != b->chats[i].self ||
            strcasecmp(a->chats[i].name, b->chats[i].name) != 0)
            return false;
    return true;
}

bool rpc_profile_same(const struct rpc_profile *a, const struct rpc_profile *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a->name, b->name) == 0 && a->classes == b->classes && same_list(a->accounts, b->accounts) &&
           same_list(a->methods, b->methods) && same_chats(a, b);
}

bool rpc_profile_calls(const struct rpc_profile *p, const char *name, unsigned flags)
{
    return !p || (p->classes & flags) || in_list(p->methods, name);
}

bool rpc_profile_sees_codes(const struct rpc_profile *p)
{
    return !p || p->classes & RPC_M_ADMIN;
}

bool rpc_profile_has_chats(const struct rpc_profile *p)
{
    return p && p->some_chats;
}

bool rpc_profile_is_whole(const struct rpc_profile *p)
{
    return !p || (!p->accounts && !p->some_chats);
}

/* The name that stands after `kind` and a blank; false: it is about something else. */
static bool name_after(const char *text, const char *kind, char out[64])
{
    size_t n = strlen(kind);

    if (strncmp(text, kind, n) != 0 || text[n] != ' ')
        return false;
    text += n + 1;
    n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    snprintf(out, 64, "%.*s", (int)(n < 63 ? n : 63), text);
    return n > 0;
}

bool rpc_profile_sees_setting(const struct rpc_profile *p, const char *key, const char *value)
{
    const char *dot = strrchr(key, '.');
    char name[64];

    if (!p)
        return true;
    if (dot && strcmp(dot, ".proxy") == 0 && !rpc_profile_sees_codes(p))
        return false;
    if (name_after(key, "account", name))
        return rpc_profile_sees_account(p, name);
    if (name_after(key, "profile", name))
        return strcmp(name, p->name) == 0;
    if (strcmp(key, "daemon.default_account") == 0 && value)
        return rpc_profile_sees_account(p, value);
    return strncmp(key, "daemon.", 7) == 0; /* neither sockets nor files */
}

bool rpc_profile_hears(const struct rpc_profile *p, const char *sentence)
{
    char name[64];

    return !p || !name_after(sentence, "account", name) || rpc_profile_sees_account(p, name);
}

bool rpc_sees_all_chats(const struct rpc_profile *p)
{
    return rpc_profile_sees_codes(p) && !rpc_profile_has_chats(p);
}

bool rpc_profile_sees_account(const struct rpc_profile *p, const char *name)
{
    return !p || !p->accounts || in_list(p->accounts, name);
}

static bool is_chat(const struct rule_chat *rule, const struct rpc_account *a, mt_chat_id chat)
{
    struct mt_peer peer;

    if (rule->self)
        return a && mt_account_user(a->core) && mt_chat_of_user(mt_account_user(a->core)) == chat;
    if (rule->chat)
        return rule->chat == chat;
    return a && a->store && a->store->peer_by_username &&
           a->store->peer_by_username(a->store->ctx, rule->name, &peer) == MT_OK && peer.chat == chat;
}

bool rpc_profile_sees_chat(const struct rpc_profile *p, const struct rpc_account *a, mt_chat_id chat)
{
    if (chat == LOGIN_CODES && !rpc_profile_sees_codes(p))
        return false;
    if (!p || !p->some_chats)
        return true;
    for (size_t i = 0; i < p->n_chats; i++)
        if (is_chat(&p->chats[i], a, chat))
            return true;
    return false;
}

bool rpc_profile_names(const struct rpc_profile *p, const char *name)
{
    for (size_t i = 0; p && i < p->n_chats; i++)
        if (p->chats[i].name[0] && strcasecmp(p->chats[i].name, name) == 0)
            return true;
    return !p || !p->some_chats;
}

const char *rpc_profile_refuses(const struct rpc_profile *p, const char *function)
{
    static const char *const rows[][2] = {
        {"messages.deleteMessages", "deleteMessages"},
        {"messages.forwardMessages", "forwardMessages"},
        {"messages.readMessageContents", "markRead"},
        {"messages.translateText", "getMessages"},
        {"messages.searchGlobal", "messages.search in one chat"},
        {"messages.searchSentMedia", "messages.search in one chat"},
    };

    for (size_t i = 0; !rpc_profile_sees_codes(p) && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i][0], function) == 0)
            return rows[i][1];
    return NULL;
}

/* TL longs lie on multiples of four. */
bool rpc_holds_codes(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 8 <= n; i += 4)
        if (tl_load64(p + i) == LOGIN_CODES)
            return true;
    return false;
}
