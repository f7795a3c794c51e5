#include "daemon/config.h"

#include <errno.h>
#include <ini.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto/crypto.h"
#include "core/env.h"
#include "core/proxy/proxy.h"
#include "daemon/credentials.h"
#include "daemon/paths.h"
#include "tl/nearest.h"

/*
 * The table. A new key is a row here and a member of struct tgd_config; the parser, getConfig, --help-config
 * and tgd.conf(5) follow.
 */
enum value_type { T_STRING, T_INT, T_BOOL, T_MODE, T_LEVEL, T_CHOICE, T_PROXY };

struct key {
    const char *section; /* "daemon" or "socket" */
    const char *name;
    enum value_type type;
    size_t offset;
    const char *fallback; /* as it would stand in the file; NULL = unset */
    long min, max;        /* T_INT */
    const char *choices;  /* T_CHOICE: "a|b|c" */
    bool secret;
    bool live; /* may change while running */
    const char *text;
};

#define AT(member) offsetof(struct tgd_config, member)

static const struct key table[] = {
    {"daemon", "state_dir", T_STRING, AT(state_dir), NULL, 0, 0, NULL, false, false,
     "folder of everything that is kept"},
    {"daemon", "servers", T_STRING, AT(servers), NULL, 0, 0, NULL, false, false,
     "JSON file of data centres and RSA keys, instead of the built-in ones"},
    {"daemon", "api_id", T_INT, AT(api_id), "0", 0, INT32_MAX, NULL, false, true,
     "your application's id from https://my.telegram.org"},
    {"daemon", "api_hash", T_STRING, AT(api_hash), NULL, 0, 0, NULL, true, true, "its hash"},
    {"daemon", "default_account", T_STRING, AT(default_account), NULL, 0, 0, NULL, false, true,
     "account that a request means when it names none"},
    {"daemon", "log_level", T_LEVEL, AT(log_level), "info", 0, 0, "trace|debug|info|warn|broken", false, true,
     "least important line that is written"},
    {"daemon", "durability", T_CHOICE, AT(power_safe), "kill", 0, 0, "kill|power", false, false,
     "what an event and the answer of a send wait for: the commit (kill) or the disk (power)"},
    {"daemon", "journal_days", T_INT, AT(journal_days), "7", 1, 3650, NULL, false, true,
     "days for which an account's events are kept"},
    {"daemon", "journal_events", T_INT, AT(journal_events), "1000000", 10, 1000000000, NULL, false, true,
     "how many events of an account are kept"},
    {"daemon", "journal_mib", T_INT, AT(journal_mib), "256", 1, 1048576, NULL, false, true,
     "MiB of an account's events that are kept"},
    {"daemon", "journal_raw", T_BOOL, AT(journal_raw), "yes", 0, 0, "no|yes", false, true,
     "keep the TL of each update beside its event, for subscribers with raw: true"},
    {"daemon", "proxy", T_PROXY, AT(proxy), NULL, 0, 0, NULL, true, true,
     "way out of all accounts: direct, socks5://, http://, mtproxy:// or a link of t.me, as in setProxy"},
    {"daemon", "seal_keys", T_BOOL, AT(seal_keys), "yes", 0, 0, "no|yes", false, false,
     "encrypt the keys of accounts where the credential `keys` is given; no: write them plain again"},
    {"daemon", "transport", T_STRING, AT(transport), "obfuscated", 0, 0,
     "abridged|intermediate|padded|full|obfuscated", false, false, "how packets are framed on the wire"},
    {"daemon", "pfs", T_BOOL, AT(pfs), "yes", 0, 0, "no|yes", false, false,
     "forward secrecy: traffic under temporary keys; only servers that are not Telegram's need no"},
    {"socket", "path", T_STRING, AT(socket), NULL, 0, 0, NULL, false, false, "path of the Unix socket"},
    {"socket", "mode", T_MODE, AT(socket_mode), "0600", 0, 0777, NULL, false, false,
     "file mode of the socket"},
};
#define N_KEYS (sizeof table / sizeof *table)

#define OF(member) offsetof(struct tgd_config_account, member)

/* [account NAME] */
static const struct key account_table[] = {
    {"account", "api_id", T_INT, OF(api_id), NULL, 1, INT32_MAX, NULL, false, false,
     "an application of its own for this account, instead of the one of [daemon]"},
    {"account", "api_hash", T_STRING, OF(api_hash), NULL, 0, 0, NULL, true, false, "its hash"},
    {"account", "proxy", T_PROXY, OF(proxy), NULL, 0, 0, NULL, true, true,
     "its way out, instead of that of [daemon]; what setProxy says is stronger"},
    {"account", "journal", T_BOOL, OF(journal), "on", 0, 0, "off|on", false, true,
     "keep its events; off: they are told to who listens, and have no cursor"},
};
#define N_ACCOUNT_KEYS (sizeof account_table / sizeof *account_table)

static bool is_text(const struct key *key)
{
    return key->type == T_STRING || key->type == T_PROXY;
}

static const char *const source_name[] = {"default", "file", "command line"};

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

static int set_string(void *base, const struct key *key, const char *value, char err[256])
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

static int set_number(void *base, const struct key *key, const char *value, char err[256])
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

static int set_choice(void *base, const struct key *key, const char *value, char err[256])
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

static int set_at(void *base, const struct key *key, const char *value, char err[256])
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

static int set_value(struct tgd_config *c, size_t i, const char *value, int source, char err[256])
{
    int r;

    if (source < c->source[i])
        return 0;
    r = set_at(c, &table[i], value, err);
    if (r == 0)
        c->source[i] = (uint8_t)source;
    return r;
}

void tgd_config_init(struct tgd_config *c)
{
    char err[256];

    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < N_KEYS; i++)
        if (table[i].fallback)
            (void)set_value(c, i, table[i].fallback, 0, err);
}

void tgd_config_fini(struct tgd_config *c)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (is_text(&table[i]))
            free(*(char **)(void *)((char *)c + table[i].offset));
    for (size_t i = 0; i < c->n_accounts; i++) {
        free(c->accounts[i].api_hash);
        free(c->accounts[i].proxy);
    }
    free(c->file);
    mt_wipe(c, sizeof *c);
}

/* --- the file --- */

struct reading {
    struct tgd_config *c;
    char err[256];
};

static const char *nearest_key(const char *section, const char *name)
{
    const char *names[N_KEYS + N_ACCOUNT_KEYS];
    size_t n = 0;

    for (size_t i = 0; i < N_ACCOUNT_KEYS; i++)
        if (strcmp(account_table[i].section, section) == 0)
            names[n++] = account_table[i].name;
    for (size_t i = 0; i < N_KEYS; i++)
        if (strcmp(table[i].section, section) == 0)
            names[n++] = table[i].name;
    return tl_nearest(names, n, name, strlen(name));
}

static struct tgd_config_account *account_of(struct tgd_config *c, const char *name)
{
    struct tgd_config_account *a;

    for (size_t i = 0; i < c->n_accounts; i++)
        if (strcmp(c->accounts[i].name, name) == 0)
            return &c->accounts[i];
    if (c->n_accounts == TGD_ACCOUNTS_CONFIGURED || strlen(name) >= sizeof a->name)
        return NULL;
    a = &c->accounts[c->n_accounts++];
    memset(a, 0, sizeof *a);
    strcpy(a->name, name);
    a->journal = true;
    return a;
}

static int unknown_key(struct reading *r, const char *section, const char *name)
{
    const char *near = nearest_key(section, name);

    snprintf(r->err, sizeof r->err, "unknown key '%.40s' in [%s]%s%s%s", name, section,
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return -1;
}

static int read_account(struct reading *r, const char *account, const char *name, const char *value)
{
    struct tgd_config_account *a = account_of(r->c, account);

    if (!a) {
        snprintf(r->err, sizeof r->err, "[account %.40s]: name too long, or too many accounts", account);
        return -1;
    }
    for (size_t i = 0; i < N_ACCOUNT_KEYS; i++)
        if (strcmp(account_table[i].name, name) == 0)
            return set_at(a, &account_table[i], value, r->err);
    return unknown_key(r, "account", name);
}

static int read_key(struct reading *r, const char *section, const char *name, const char *value)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (strcmp(table[i].section, section) == 0 && strcmp(table[i].name, name) == 0)
            return set_value(r->c, i, value, 1, r->err);
    return unknown_key(r, section, name);
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;

    if (r->err[0])
        return 0;
    if (strcmp(section, "daemon") == 0)
        return read_key(r, "daemon", name, value) == 0;
    if (strcmp(section, "socket") == 0 || strcmp(section, "socket main") == 0)
        return read_key(r, "socket", name, value) == 0;
    if (strncmp(section, "account ", 8) == 0 && section[8])
        return read_account(r, section + 8, name, value) == 0;
    snprintf(r->err, sizeof r->err, "unknown section [%.40s]; known are [daemon], [socket], [account NAME]",
             section);
    return 0;
}

static int read_file(struct tgd_config *c, const char *path, char err[256])
{
    struct reading r = {.c = c};
    FILE *f = fopen(path, "re");
    int line;

    if (!f) {
        snprintf(err, 256, "%s: %s", path, strerror(errno));
        return -1;
    }
    line = ini_parse_file(f, on_line, &r);
    fclose(f);
    if (line != 0) {
        snprintf(err, 256, "%.80s:%d: %.150s", path, line > 0 ? line : 0,
                 r.err[0] ? r.err : "no KEY = VALUE line");
        return -1;
    }
    c->file = strdup(path);
    return c->file ? 0 : -1;
}

int tgd_config_read(struct tgd_config *c, const char *path, char err[256])
{
    char found[TGD_PATH_MAX];

    if (path)
        return read_file(c, path, err);
    if (!tgd_path_config(found, sizeof found))
        return 0;
    return read_file(c, found, err);
}

int tgd_config_set(struct tgd_config *c, const char *key, const char *value, char err[256])
{
    for (size_t i = 0; i < N_KEYS; i++) {
        bool is_socket = strcmp(table[i].section, "socket") == 0;

        if (is_socket ? strcmp(key, "socket") == 0 && strcmp(table[i].name, "path") == 0
                      : strcmp(table[i].name, key) == 0)
            return set_value(c, i, value, 2, err);
    }
    snprintf(err, 256, "no such setting: %s", key);
    return -1;
}

int tgd_config_finish(struct tgd_config *c, char err[256])
{
    char path[TGD_PATH_MAX];

    if (tgd_credentials_read(c, err))
        return -1;
    if (!c->state_dir) {
        if (!tgd_path_state(path, sizeof path)) {
            snprintf(err, 256,
                     "no place for the state folder: none of --state-dir, $STATE_DIRECTORY, "
                     "$XDG_STATE_HOME, $HOME is given");
            return -1;
        }
        c->state_dir = strdup(path);
    }
    if (!c->socket) {
        if (!tgd_path_socket(c->state_dir, path, sizeof path)) {
            snprintf(err, 256, "no place for the socket; give --socket");
            return -1;
        }
        c->socket = strdup(path);
    }
    if (!c->state_dir || !c->socket) {
        snprintf(err, 256, "out of memory");
        return -1;
    }
    return 0;
}

/* --- to look at --- */

static json_t *value_json(const struct tgd_config *c, const struct key *key)
{
    const char *at = (const char *)c + key->offset;
    const char *s = is_text(key) ? *(char *const *)(const void *)at : NULL;
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

struct json_t *tgd_config_json(const struct tgd_config *c)
{
    json_t *all = json_object();

    for (size_t i = 0; all && i < N_KEYS; i++) {
        char name[64];
        json_t *value = value_json(c, &table[i]);
        json_t *row = json_pack("{s:s, s:s}", "source", source_name[c->source[i]], "text", table[i].text);

        snprintf(name, sizeof name, "%s.%s", table[i].section, table[i].name);
        if (value)
            json_object_set_new(row, "value", value);
        if (table[i].fallback)
            json_object_set_new(row, "default", json_string(table[i].fallback));
        json_object_set_new(all, name, row);
    }
    if (all && c->file)
        json_object_set_new(all, "file",
                            json_pack("{s:s, s:s}", "value", c->file, "text", "the file that was read"));
    return all;
}

static void print_key(const char *section, const struct key *k)
{
    printf("[%s] %s%s%s%s%s%s\n    %s\n", section, k->name, k->fallback ? " = " : "",
           k->fallback ? k->fallback : "", k->choices ? "   (" : "", k->choices ? k->choices : "",
           k->choices ? ")" : "", k->text);
}

void tgd_config_print(void)
{
    for (size_t i = 0; i < N_KEYS; i++)
        print_key(table[i].section, &table[i]);
    for (size_t i = 0; i < N_ACCOUNT_KEYS; i++)
        print_key("account NAME", &account_table[i]);
}

/* --- reload --- */

static bool same_value(const struct tgd_config *a, const struct tgd_config *b, const struct key *key)
{
    const char *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

    if (is_text(key)) {
        const char *s = *(char *const *)(const void *)x, *t = *(char *const *)(const void *)y;
        return s && t ? strcmp(s, t) == 0 : s == t;
    }
    if (key->type == T_CHOICE || key->type == T_BOOL)
        return *x == *y;
    return memcmp(x, y, sizeof(int32_t)) == 0;
}

static void move_value(struct tgd_config *c, const struct tgd_config *next, const struct key *key)
{
    char *to = (char *)c + key->offset;
    const char *from = (const char *)next + key->offset;

    if (is_text(key)) {
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

const struct tgd_config_account *tgd_config_account(const struct tgd_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_accounts; i++)
        if (strcmp(c->accounts[i].name, name) == 0)
            return &c->accounts[i];
    return NULL;
}

/* Without memory for the new one the old one stays: no proxy would be worse than another. */
static void apply_proxy(struct tgd_config_account *a, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        return;
    free(a->proxy);
    a->proxy = copy;
}

static void apply_accounts(struct tgd_config *c, const struct tgd_config *next)
{
    const struct tgd_config_account *said;

    for (size_t i = 0; i < next->n_accounts; i++)
        (void)account_of(c, next->accounts[i].name);
    for (size_t i = 0; i < c->n_accounts; i++) {
        said = tgd_config_account(next, c->accounts[i].name);
        c->accounts[i].journal = !said || said->journal;
        apply_proxy(&c->accounts[i], said ? said->proxy : NULL);
    }
}

void tgd_config_apply(struct tgd_config *c, const struct tgd_config *next, char kept[256])
{
    kept[0] = 0;
    apply_accounts(c, next);
    for (size_t i = 0; i < N_KEYS; i++) {
        const struct key *key = &table[i];
        size_t len = strlen(kept);

        if (same_value(c, next, key) || (c->source[i] == 2 && next->source[i] != 2))
            continue; /* what the command line says, no file takes back */
        if (key->live) {
            move_value(c, next, key);
            c->source[i] = next->source[i];
        } else {
            snprintf(kept + len, 256 - len, "%s%s.%s", len ? ", " : "", key->section, key->name);
        }
    }
}
